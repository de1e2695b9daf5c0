// SPDX-License-Identifier: GPL-2.0-only
/*
 * Boards over the IOMMU of the machine: real DMA by devices that were put on
 * their contexts by a table, moved, unbound and served again.
 */
#include <kunit/test.h>

#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/slab.h>
#include <linux/vcm-machine.h>

#include "vcm_domain_bed.h"

/* A board that has every edu device of the machine on one context. */
struct stage {
	struct vcm_board_member members[DBED_MAX_DEVS + 1];
	struct vcm_board board;
};

static const struct vcm_board_context board_contexts[] = {
	VCM_CONTEXT("real", DBED_START, DBED_LEN),
	VCM_CONTEXT("elsewhere", DBED_START, DBED_LEN),
	/* What an IOMMU or firmware keeps for itself is somewhere in it. */
	VCM_CONTEXT("everywhere", 0, SZ_4G),
};

static void board_goes(void *board)
{
	vcm_board_remove(board);
}

static struct vcm_board_member *member(struct kunit *test, struct stage *stage,
				       int index)
{
	KUNIT_ASSERT_LT(test, index, stage->board.nr_members);
	return &stage->members[index];
}

static struct stage *stage_new(struct kunit *test)
{
	struct stage *stage = kunit_kzalloc(test, sizeof(*stage), GFP_KERNEL);
	struct dbed *bed = test->priv;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, stage);
	for (i = 0; i < bed->nr_devs; i++)
		stage->members[i] = (struct vcm_board_member)
			VCM_MEMBER(dev_name(bed->dev[i]), "test", "real");
	stage->board = (struct vcm_board){
		.name = "real",
		.contexts = board_contexts,
		.nr_contexts = ARRAY_SIZE(board_contexts),
		.members = stage->members,
		.nr_members = bed->nr_devs,
	};
	return stage;
}

static void stage_add(struct kunit *test, struct stage *stage)
{
	KUNIT_ASSERT_EQ(test, vcm_board_add(&stage->board), 0);
	KUNIT_ASSERT_EQ(test,
			kunit_add_action(test, board_goes, &stage->board), 0);
}

static void put(void *vcm)
{
	vcm_put(vcm);
}

/* Given back when the case ends, after what is in it. */
static struct vcm *get(struct kunit *test, int index)
{
	struct dbed *bed = test->priv;
	struct vcm *vcm = vcm_get(bed->dev[index], "test");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vcm);
	KUNIT_ASSERT_EQ(test, kunit_add_action(test, put, vcm), 0);
	return vcm;
}

/* How many IOMMUs are the devices behind? */
static unsigned int count_iommus(struct dbed *bed)
{
	unsigned int nr = 0;
	int i, j;

	for (i = 0; i < bed->nr_devs; i++) {
		for (j = 0; j < i; j++)
			if (bed->dev[i]->iommu->iommu_dev ==
			    bed->dev[j]->iommu->iommu_dev)
				break;
		nr += j == i;
	}
	return nr;
}

static void board_serves_all(struct kunit *test)
{
	struct stage *stage = stage_new(test);
	struct dbed *bed = test->priv;
	struct dbed_buf a;
	struct vcm *vcm;
	int i;

	stage_add(test, stage);
	vcm = get(test, 0);
	for (i = 1; i < bed->nr_devs; i++)
		KUNIT_EXPECT_PTR_EQ(test, get(test, i), vcm);
	KUNIT_EXPECT_STREQ(test, vcm_get_name(vcm), "real");
	KUNIT_EXPECT_EQ(test, vcm_get_num_units(vcm), count_iommus(bed));
	kunit_info(test, "%d devices, %u IOMMUs, %u tables", bed->nr_devs,
		   vcm_get_num_units(vcm), vcm_get_num_tables(vcm));

	a = dbed_new_buf(test, vcm, PAGE_SIZE, DBED_RW);
	for (i = 0; i < bed->nr_devs; i++)
		KUNIT_EXPECT_TRUE(test, dbed_writes(test, i, a.addr, a.phys, 0));
	KUNIT_EXPECT_EQ(test, vcm_board_remove(&stage->board), -EBUSY);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, a.addr, a.phys, 0));
	KUNIT_EXPECT_EQ(test, vcm_unback(a.res), 0);
	for (i = 0; i < bed->nr_devs; i++)
		KUNIT_EXPECT_FALSE(test,
				   dbed_writes(test, i, a.addr, a.phys, 0));
}

/* Some drivers make a table only while the device is inactive. */
static int move(struct vcm *from, struct device *dev, struct vcm *to)
{
	struct vcm_assoc *assoc = vcm_get_assoc(from, dev);
	int ret = vcm_assoc_move(assoc, to);

	if (ret != -EBUSY)
		return ret;
	return vcm_deactivate(assoc) ?: vcm_assoc_move(assoc, to) ?:
	       vcm_activate(assoc);
}

static void board_moves_a_device(struct kunit *test)
{
	struct stage *stage = stage_new(test);
	struct dbed *bed = test->priv;
	struct dbed_buf here, there;
	struct vcm *from, *to;

	member(test, stage, 1)->context = "elsewhere";
	stage_add(test, stage);
	from = get(test, 0);
	to = get(test, 1);
	here = dbed_new_buf(test, from, PAGE_SIZE, DBED_RW);
	there = dbed_new_buf(test, to, PAGE_SIZE, DBED_RW);
	KUNIT_ASSERT_EQ(test, here.addr, there.addr);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, here.addr, here.phys, 0));
	KUNIT_EXPECT_FALSE(test,
			   dbed_writes(test, 0, there.addr, there.phys, 0));

	KUNIT_ASSERT_EQ(test, move(from, bed->dev[0], to), 0);
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, 0, here.addr, here.phys, 0));
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, there.addr, there.phys, 0));
	KUNIT_ASSERT_EQ(test, move(to, bed->dev[0], from), 0);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, here.addr, here.phys, 0));
}

/* A driver unbinds with memory backed; when it is back, so is the memory. */
static void board_survives_unbind(struct kunit *test)
{
	struct stage *stage = stage_new(test);
	struct dbed *bed = test->priv;
	int last = bed->nr_devs - 1;
	struct device *dev = bed->dev[last];
	struct dbed_buf a;
	struct vcm *vcm;

	stage_add(test, stage);
	vcm = get(test, last);
	a = dbed_new_buf(test, vcm, PAGE_SIZE, DBED_RW);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, last, a.addr, a.phys, 0));

	device_release_driver(dev);
	KUNIT_EXPECT_EQ(test, PTR_ERR(vcm_get_assoc(vcm, dev)), -ENOENT);
	KUNIT_EXPECT_EQ(test, vcm_get_num_res(vcm), 1);
	KUNIT_EXPECT_EQ(test, vcm_get_num_tables(vcm), 0);
	KUNIT_ASSERT_EQ(test, device_attach(dev), 1);
	KUNIT_EXPECT_PTR_EQ(test, get(test, last), vcm);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, last, a.addr, a.phys, 0));
	KUNIT_EXPECT_EQ(test, vcm_unback(a.res), 0);
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, last, a.addr, a.phys, 0));
}

/* What firmware and the IOMMU reserve, no reservation gets. */
static void board_honours_firmware(struct kunit *test)
{
	struct stage *stage = stage_new(test);
	struct iommu_resv_region *region, *next;
	struct dbed *bed = test->priv;
	LIST_HEAD(regions);
	int nr = 0, ret;
	struct vcm *vcm;

	member(test, stage, 0)->context = "everywhere";
	stage_add(test, stage);
	vcm = get(test, 0);
	ret = iommu_get_group_resv_regions(bed->dev[0]->iommu_group, &regions);
	KUNIT_EXPECT_EQ(test, ret, 0);
	list_for_each_entry_safe(region, next, &regions, list) {
		if (region->type != IOMMU_RESV_DIRECT_RELAXABLE &&
		    region->start < SZ_4G) {
			struct vcm_res *res;

			res = vcm_reserve_at(vcm, region->start & PAGE_MASK,
					     PAGE_SIZE, DBED_RW);
			KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(res), -ERANGE,
					    "%pa", &region->start);
			nr++;
		}
		kfree(region);
	}
	if (!nr)
		kunit_skip(test, "nothing is reserved on this machine");
}

static struct kunit_case vcm_domain_board_cases[] = {
	KUNIT_CASE_SLOW(board_serves_all),
	KUNIT_CASE_SLOW(board_moves_a_device),
	KUNIT_CASE_SLOW(board_survives_unbind),
	KUNIT_CASE(board_honours_firmware),
	{}
};

static struct kunit_suite vcm_domain_board_suite = {
	.name = "vcm_domain_board",
	.suite_init = dbed_suite_init,
	.suite_exit = dbed_suite_exit,
	.init = dbed_init,
	.exit = dbed_exit,
	.test_cases = vcm_domain_board_cases,
};

kunit_test_suite(vcm_domain_board_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: boards over real IOMMUs");
MODULE_LICENSE("GPL");
