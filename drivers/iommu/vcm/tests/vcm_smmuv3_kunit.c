// SPDX-License-Identifier: GPL-2.0-only
/*
 * VCMM over SMMUv3: is each flush of each instance really needed, and done?
 *
 * The emulated TLBs keep what they have seen. In each case one instance is made
 * *deaf*: the commands that would make it forget are not given. Its devices go
 * on reaching memory that was unbacked, and no others do. Then the same
 * without a deaf instance: nobody does. So the other suites would see a flush
 * that is missing.
 *
 * Once for stage 1, whose tags (ASIDs) are the same in each instance, and once
 * for stage 2, whose tags (VMIDs) are not.
 */
#include <kunit/static_stub.h>
#include <kunit/test.h>

#include <linux/bitmap.h>
#include <linux/device.h>
#include <linux/idr.h>
#include <linux/iommu.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "../../arm/arm-smmu-v3/arm-smmu-v3.h"
#include "vcm_domain_bed.h"

/* Who hears no invalidation, and of which kinds. */
static struct {
	struct arm_smmu_device *smmu;
	bool leaf;		/* of entries */
	bool walk;		/* of page-table pages */
	bool all;		/* of all that a domain has, when it leaves */
} deaf;

/* Of the instance that is deaf, so that it has others than the rest. */
#define LOW_VMIDS	100
static DECLARE_BITMAP(taken_vmids, LOW_VMIDS);

static struct arm_smmu_device *smmu_of(struct device *dev)
{
	struct arm_smmu_master *master = dev_iommu_priv_get(dev);

	return master->smmu;
}

/* Everybody else forgets more than need be. */
static void deaf_range(struct arm_smmu_instance *inst, unsigned long iova,
		       size_t size, size_t granule, bool leaf,
		       struct arm_smmu_domain *domain)
{
	if (inst->smmu != deaf.smmu || (leaf ? !deaf.leaf : !deaf.walk))
		arm_smmu_instance_inv_all(inst, domain);
}

/* To be used while nobody else leaves. */
static void deaf_all(struct arm_smmu_instance *inst,
		     struct arm_smmu_domain *domain)
{
	KUNIT_EXPECT_PTR_EQ(kunit_get_current_test(), inst->smmu, deaf.smmu);
}

static bool has_stage(struct device *dev, enum arm_smmu_domain_stage stage)
{
	u32 features = smmu_of(dev)->features;

	/* As the driver chooses. */
	if (stage == ARM_SMMU_DOMAIN_S1)
		return features & ARM_SMMU_FEAT_TRANS_S1;
	return !(features & ARM_SMMU_FEAT_TRANS_S1);
}

/* A device of a stage whose instance shares with another one; or skip. */
static int pick_victim(struct kunit *test, enum arm_smmu_domain_stage stage)
{
	struct dbed *bed = test->priv;
	int i, k;

	for (i = bed->nr_devs - 1; i >= 0; i--) {
		if (!has_stage(bed->dev[i], stage))
			continue;
		for (k = 0; k < i; k++)
			if (has_stage(bed->dev[k], stage) &&
			    smmu_of(bed->dev[k]) != smmu_of(bed->dev[i]))
				return i;
	}
	kunit_skip(test, "no two SMMUv3 with this stage");
	return -1;
}

static void make_deaf(struct kunit *test, int victim, bool leaf, bool walk)
{
	struct dbed *bed = test->priv;

	deaf.smmu = smmu_of(bed->dev[victim]);
	deaf.leaf = leaf;
	deaf.walk = walk;
	kunit_activate_static_stub(test, arm_smmu_instance_inv_range,
				   deaf_range);
}

static void make_hear(struct kunit *test)
{
	kunit_deactivate_static_stub(test, arm_smmu_instance_inv_range);
}

static void all_off(struct kunit *test)
{
	struct dbed *bed = test->priv;
	int i;

	for (i = 0; i < bed->nr_devs; i++)
		KUNIT_EXPECT_EQ(test, vcm_deactivate(bed->assoc[i]), 0);
}

static void all_on(struct kunit *test)
{
	struct dbed *bed = test->priv;
	int i;

	for (i = 0; i < bed->nr_devs; i++)
		KUNIT_EXPECT_EQ(test, vcm_activate(bed->assoc[i]), 0);
}

/* Everything that the instance has cached goes when its last device leaves. */
static void off_and_on(struct kunit *test)
{
	all_off(test);
	all_on(test);
}

static void put_vmids(void *smmu)
{
	unsigned int id;

	for_each_set_bit(id, taken_vmids, LOW_VMIDS)
		ida_free(&((struct arm_smmu_device *)smmu)->vmid_map, id);
	bitmap_zero(taken_vmids, LOW_VMIDS);
}

/*
 * Instances that have been through the same have the same VMIDs free, and who
 * mixed them up would not be noticed. So leave one of them only high ones.
 */
static void make_vmids_differ(struct kunit *test, struct arm_smmu_device *smmu)
{
	int id;

	all_off(test);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action(test, put_vmids, smmu));
	while ((id = ida_alloc_range(&smmu->vmid_map, 1, LOW_VMIDS - 1,
				     GFP_KERNEL)) > 0)
		__set_bit(id, taken_vmids);
	all_on(test);
}

static void expect_all(struct kunit *test, struct dbed_buf *a, bool reach,
		       struct arm_smmu_device *but)
{
	struct dbed *bed = test->priv;
	int i;

	for (i = 0; i < bed->nr_devs; i++)
		KUNIT_EXPECT_EQ_MSG(test,
				    dbed_writes(test, i, a->addr, a->phys, 0),
				    reach != (smmu_of(bed->dev[i]) == but),
				    "%s", dev_name(bed->dev[i]));
}

static void join_all(struct kunit *test, struct vcm *vcm)
{
	struct dbed *bed = test->priv;
	int i;

	for (i = 0; i < bed->nr_devs; i++)
		dbed_join_active(test, vcm, i);
}

static void flush_of_entries(struct kunit *test,
			     enum arm_smmu_domain_stage stage)
{
	struct dbed *bed = test->priv;
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf a = dbed_new_buf(test, vcm, SZ_64K, DBED_RW);
	int victim = pick_victim(test, stage);

	join_all(test, vcm);
	if (stage == ARM_SMMU_DOMAIN_S2)
		make_vmids_differ(test, smmu_of(bed->dev[victim]));
	expect_all(test, &a, true, NULL);

	make_deaf(test, victim, true, true);
	KUNIT_EXPECT_EQ(test, vcm_unback(a.res), 0);
	make_hear(test);
	expect_all(test, &a, false, deaf.smmu);

	off_and_on(test);
	expect_all(test, &a, false, NULL);
	KUNIT_EXPECT_EQ(test, vcm_back(a.res, a.phys), 0);
	expect_all(test, &a, true, NULL);
	KUNIT_EXPECT_EQ(test, vcm_unback(a.res), 0);
	expect_all(test, &a, false, NULL);
}

/*
 * Memory that moves while a unit is deaf: its devices go on writing to where the
 * memory was. That is the test's own, so they do no harm.
 */
static void flush_of_migration(struct kunit *test,
			       enum arm_smmu_domain_stage stage)
{
	struct dbed *bed = test->priv;
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct vcm_memtype *here = dbed_memtype(test, "here");
	struct vcm_memtype *there = dbed_memtype(test, "there");
	struct dbed_buf a = { .phys = dbed_phys_of(test, here, SZ_64K) };
	int victim = pick_victim(test, stage);
	struct page *old;

	a.res = dbed_keep_res(test, vcm_reserve(vcm, SZ_64K, DBED_RW));
	a.addr = vcm_get_dev_addr(a.res);
	KUNIT_ASSERT_EQ(test, vcm_back(a.res, a.phys), 0);
	join_all(test, vcm);
	if (stage == ARM_SMMU_DOMAIN_S2)
		make_vmids_differ(test, smmu_of(bed->dev[victim]));
	expect_all(test, &a, true, NULL);

	old = dbed_page(test, a.phys, 0);
	make_deaf(test, victim, true, true);
	KUNIT_EXPECT_EQ(test, vcm_phys_migrate(a.phys, there, 0, 0), 0);
	make_hear(test);
	dbed_paint(old);
	expect_all(test, &a, true, deaf.smmu);
	KUNIT_EXPECT_FALSE(test, dbed_is_painted(old));

	off_and_on(test);
	expect_all(test, &a, true, NULL);
	old = dbed_page(test, a.phys, 0);
	KUNIT_EXPECT_EQ(test, vcm_phys_migrate(a.phys, here, 0, 0), 0);
	dbed_paint(old);
	expect_all(test, &a, true, NULL);
	KUNIT_EXPECT_TRUE(test, dbed_is_painted(old));
}

static void flush_of_migration_s1(struct kunit *test)
{
	flush_of_migration(test, ARM_SMMU_DOMAIN_S1);
}

static void flush_of_migration_s2(struct kunit *test)
{
	flush_of_migration(test, ARM_SMMU_DOMAIN_S2);
}

static void flush_of_entries_s1(struct kunit *test)
{
	flush_of_entries(test, ARM_SMMU_DOMAIN_S1);
}

static void flush_of_entries_s2(struct kunit *test)
{
	flush_of_entries(test, ARM_SMMU_DOMAIN_S2);
}

/*
 * Small pages are replaced by a block: their page-table page goes, and who is
 * deaf to that uses the entries that it once had. The flush of the entries
 * themselves is left out in any case.
 */
static bool sees_small_page(struct kunit *test, int victim, bool walk)
{
	struct dbed *bed = test->priv;
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct vcm_res *res = dbed_keep_res(test, vcm_reserve(vcm, SZ_2M,
							      DBED_RW));
	struct vcm_phys *small = vcm_phys_alloc(NULL, SZ_1M, VCM_CONTIG);
	struct vcm_phys *large = vcm_phys_alloc(NULL, SZ_2M, VCM_CONTIG);
	dma_addr_t addr = vcm_get_dev_addr(res);
	bool in_small, in_large;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, small);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, large);
	bed->phys[bed->nr_phys++] = small;
	bed->phys[bed->nr_phys++] = large;
	dbed_join_active(test, vcm, victim);
	KUNIT_ASSERT_EQ(test, vcm_back(res, small), 0);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, victim, addr, small, 0));

	make_deaf(test, victim, true, walk);
	KUNIT_EXPECT_EQ(test, vcm_unback(res), 0);
	KUNIT_EXPECT_EQ(test, vcm_back(res, large), 0);
	make_hear(test);

	in_small = dbed_writes(test, victim, addr, small, 0);
	in_large = dbed_writes(test, victim, addr, large, 0);
	KUNIT_EXPECT_NE(test, in_small, in_large);
	KUNIT_EXPECT_EQ(test, vcm_unback(res), 0);
	return in_small;
}

static void flush_of_table_pages_s1(struct kunit *test)
{
	int victim = pick_victim(test, ARM_SMMU_DOMAIN_S1);

	KUNIT_EXPECT_TRUE(test, sees_small_page(test, victim, true));
}

static void flush_of_table_pages_s1_control(struct kunit *test)
{
	int victim = pick_victim(test, ARM_SMMU_DOMAIN_S1);

	KUNIT_EXPECT_FALSE(test, sees_small_page(test, victim, false));
}

static void flush_of_table_pages_s2(struct kunit *test)
{
	int victim = pick_victim(test, ARM_SMMU_DOMAIN_S2);

	KUNIT_EXPECT_TRUE(test, sees_small_page(test, victim, true));
}

static void flush_of_table_pages_s2_control(struct kunit *test)
{
	int victim = pick_victim(test, ARM_SMMU_DOMAIN_S2);

	KUNIT_EXPECT_FALSE(test, sees_small_page(test, victim, false));
}

/*
 * The context goes, and another one gets its tag. A device that was on both
 * must not see the first one's memory. A domain has its ASID from the beginning
 * on, so the second one is made late. It gets a VMID when it is attached; then
 * the device must not go by way of its default domain, which would take that
 * VMID and be flushed.
 */
static bool sees_former_context(struct kunit *test, int victim, bool leave_out)
{
	struct dbed *bed = test->priv;
	bool early = has_stage(bed->dev[victim], ARM_SMMU_DOMAIN_S2);
	struct vcm *first = vcm_create(DBED_START, DBED_LEN);
	struct vcm *second = dbed_vcm(test, DBED_START, DBED_LEN);
	struct vcm_phys *phys[2] = { dbed_phys(test, SZ_64K),
				     dbed_phys(test, SZ_64K) };
	struct vcm_assoc *assoc;
	struct vcm_res *res;
	dma_addr_t addr;
	bool old;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, first);
	res = vcm_reserve(first, SZ_64K, DBED_RW);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
	addr = vcm_get_dev_addr(res);
	KUNIT_ASSERT_EQ(test, vcm_back(res, phys[0]), 0);
	assoc = vcm_assoc(first, bed->dev[victim], 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, assoc);
	KUNIT_ASSERT_EQ(test, vcm_activate(assoc), 0);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, victim, addr, phys[0], 0));
	if (early)
		dbed_join(test, second, victim);

	deaf.smmu = smmu_of(bed->dev[victim]);
	if (leave_out)
		kunit_activate_static_stub(test, arm_smmu_instance_inv_all,
					   deaf_all);
	KUNIT_EXPECT_EQ(test, vcm_deactivate(assoc), 0);
	if (leave_out)
		kunit_deactivate_static_stub(test, arm_smmu_instance_inv_all);
	KUNIT_EXPECT_EQ(test, vcm_deassoc(assoc), 0);
	KUNIT_EXPECT_EQ(test, vcm_unback(res), 0);
	KUNIT_EXPECT_EQ(test, vcm_unreserve(res), 0);
	KUNIT_EXPECT_EQ(test, vcm_free(first), 0);

	res = dbed_keep_res(test, vcm_reserve(second, SZ_64K, DBED_RW));
	KUNIT_ASSERT_EQ(test, vcm_get_dev_addr(res), addr);
	KUNIT_ASSERT_EQ(test, vcm_back(res, phys[1]), 0);
	if (!early)
		dbed_join(test, second, victim);
	KUNIT_ASSERT_EQ(test, vcm_activate(bed->assoc[0]), 0);
	old = dbed_writes(test, victim, addr, phys[0], 0);
	KUNIT_EXPECT_NE(test, old, dbed_writes(test, victim, addr, phys[1], 0));
	return old;
}

static void tag_is_used_again(struct kunit *test,
			      enum arm_smmu_domain_stage stage)
{
	int victim = pick_victim(test, stage);

	KUNIT_EXPECT_TRUE(test, sees_former_context(test, victim, true));
}

static void tag_is_used_again_s1(struct kunit *test)
{
	tag_is_used_again(test, ARM_SMMU_DOMAIN_S1);
}

static void tag_is_used_again_s2(struct kunit *test)
{
	tag_is_used_again(test, ARM_SMMU_DOMAIN_S2);
}

static void tag_is_used_again_control(struct kunit *test)
{
	struct dbed *bed = test->priv;

	KUNIT_EXPECT_FALSE(test, sees_former_context(test, bed->nr_devs - 1,
						     false));
}

static int smmuv3_init(struct kunit *test)
{
	struct dbed *bed;
	int ret = dbed_init(test), i;

	bed = test->priv;
	for (i = 0; !ret && i < bed->nr_devs; i++)
		if (!strstarts(dbed_iommu_name(bed->dev[i]), "smmu3."))
			kunit_skip(test, "not every IOMMU is an SMMUv3");
	return ret;
}

static struct kunit_case smmuv3_cases[] = {
	KUNIT_CASE_SLOW(flush_of_entries_s1),
	KUNIT_CASE_SLOW(flush_of_entries_s2),
	KUNIT_CASE_SLOW(flush_of_migration_s1),
	KUNIT_CASE_SLOW(flush_of_migration_s2),
	KUNIT_CASE(flush_of_table_pages_s1),
	KUNIT_CASE(flush_of_table_pages_s1_control),
	KUNIT_CASE(flush_of_table_pages_s2),
	KUNIT_CASE(flush_of_table_pages_s2_control),
	KUNIT_CASE(tag_is_used_again_s1),
	KUNIT_CASE(tag_is_used_again_s2),
	KUNIT_CASE(tag_is_used_again_control),
	{}
};

static struct kunit_suite smmuv3_suite = {
	.name = "vcm_smmuv3",
	.suite_init = dbed_suite_init,
	.suite_exit = dbed_suite_exit,
	.init = smmuv3_init,
	.exit = dbed_exit,
	.test_cases = smmuv3_cases,
};

kunit_test_suite(smmuv3_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM over SMMUv3");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
