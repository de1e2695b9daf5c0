// SPDX-License-Identifier: GPL-2.0-only
/*
 * Real DMA by a device that no IOMMU is in front of, together with others that
 * are behind one: the same memory, at the same address.
 */
#include <kunit/test.h>

#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>

#include "../../../../samples/vcm/vcm_edu.h"
#include "vcm_domain_bed.h"

#define FLAT_LEN	SZ_4G

/* The first edu device that is behind nothing, as long as the case runs */
static struct device *plain_device(struct kunit *test)
{
	struct device *dev;
	unsigned int i;

	for (i = 0; (dev = vcm_edu_get(i)); i++) {
		/* Its driver holds it, and no case here unbinds that. */
		put_device(dev);
		if (!dev->iommu_group)
			return dev;
	}
	kunit_skip(test, "every edu device is behind an IOMMU");
	return NULL;
}

static struct vcm_assoc *plain_join(struct kunit *test, struct vcm *vcm,
				    struct device *dev)
{
	struct dbed *bed = test->priv;
	struct vcm_assoc *assoc = vcm_assoc(vcm, dev, 0);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, assoc);
	bed->assoc[bed->nr_assoc++] = assoc;
	KUNIT_ASSERT_EQ(test, vcm_activate(assoc), 0);
	return assoc;
}

/* Memory in one piece, which device 0 and the plain one can address. */
static struct vcm_phys *flat_phys(struct kunit *test, phys_addr_t *pa)
{
	struct dbed *bed = test->priv;
	struct vcm_phys *phys = vcm_phys_alloc(NULL, SZ_64K,
					       VCM_ZERO | VCM_CONTIG);
	size_t len;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	bed->phys[bed->nr_phys++] = phys;
	KUNIT_ASSERT_EQ(test, vcm_get_chunk(phys, 0, pa, &len), 0);
	if ((u64)*pa + SZ_64K > FLAT_LEN)
		kunit_skip(test, "the memory is at %pap, above 4 GiB", pa);
	return phys;
}

/* A buffer that is where its memory is, in a context of devices. */
static struct dbed_buf flat_buf(struct kunit *test, struct vcm *vcm)
{
	struct dbed_buf buf;
	phys_addr_t pa;

	buf.phys = flat_phys(test, &pa);
	buf.addr = pa;
	buf.res = dbed_keep_res(test, vcm_reserve_at(vcm, pa, SZ_64K, DBED_RW));
	KUNIT_ASSERT_EQ(test, vcm_back(buf.res, buf.phys), 0);
	return buf;
}

/* The plain device moves what is at @from to @to. */
static void plain_copy(struct kunit *test, struct device *dev, dma_addr_t from,
		       dma_addr_t to)
{
	dbed_fetch(test, dev, from);
	dbed_store(test, dev, to, DBED_CATCH_OFF);
}

/* A frame goes from one to the other and back, at one address. */
static void hand_on(struct kunit *test, struct device *plain,
		    struct dbed_buf frame, struct dbed_buf out)
{
	u32 seed = dbed_fresh();

	dbed_poke(test, frame.phys, SZ_32K, seed);
	plain_copy(test, plain, frame.addr + SZ_32K, frame.addr);
	KUNIT_EXPECT_TRUE(test, dbed_holds(test, frame.phys, 0, seed));
	dbed_fetch(test, ((struct dbed *)test->priv)->dev[0], frame.addr);
	KUNIT_EXPECT_TRUE(test, dbed_caught(test, 0, out, seed));

	KUNIT_EXPECT_TRUE(test,
			  dbed_writes(test, 0, frame.addr + SZ_4K, frame.phys,
				      SZ_4K));
	plain_copy(test, plain, frame.addr + SZ_4K, frame.addr + SZ_8K);
	KUNIT_EXPECT_TRUE(test, dbed_holds(test, frame.phys, SZ_8K,
					   dbed_signature(0)));
}

static void no_iommu_same_address(struct kunit *test)
{
	struct device *plain = plain_device(test);
	struct vcm *vcm = dbed_vcm(test, 0, FLAT_LEN);
	struct dbed_buf frame, out;

	frame = flat_buf(test, vcm);
	dbed_join_active(test, vcm, 0);
	plain_join(test, vcm, plain);
	KUNIT_EXPECT_EQ(test, vcm_get_num_tables(vcm), 2);
	out = flat_buf(test, vcm);
	hand_on(test, plain, frame, out);

	/* The one is kept out then. The other cannot be: so it is said. */
	KUNIT_EXPECT_EQ(test, vcm_unback(frame.res), 0);
	KUNIT_EXPECT_FALSE(test,
			   dbed_writes(test, 0, frame.addr, frame.phys, 0));
	dbed_poke(test, frame.phys, 0, dbed_signature(0));
	plain_copy(test, plain, frame.addr, frame.addr + SZ_16K);
	KUNIT_EXPECT_TRUE(test, dbed_holds(test, frame.phys, SZ_16K,
					   dbed_signature(0)));
}

/* Elsewhere than the memory is, nobody gets it. */
static void no_iommu_elsewhere(struct kunit *test)
{
	struct device *plain = plain_device(test);
	struct vcm *vcm = dbed_vcm(test, 0, FLAT_LEN);
	struct vcm_phys *phys;
	struct vcm_res *res;
	phys_addr_t pa;

	phys = flat_phys(test, &pa);
	dbed_join_active(test, vcm, 0);
	plain_join(test, vcm, plain);
	res = dbed_keep_res(test, vcm_reserve(vcm, SZ_64K, DBED_RW));
	KUNIT_ASSERT_NE(test, vcm_get_dev_addr(res), pa);
	KUNIT_EXPECT_EQ(test, vcm_back(res, phys), -ERANGE);
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, 0, vcm_get_dev_addr(res),
					     phys, 0));
}

/* In a one-to-one context nobody has to know where the memory is. */
static void no_iommu_one_to_one(struct kunit *test)
{
	struct device *plain = plain_device(test);
	struct dbed *bed = test->priv;
	struct vcm *vcm = vcm_create_identity(0, FLAT_LEN);
	struct dbed_buf buf[2];
	phys_addr_t pa;
	int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vcm);
	bed->vcm[bed->nr_vcm++] = vcm;
	for (i = 0; i < 2; i++) {
		buf[i].res = dbed_keep_res(test, vcm_reserve(vcm, SZ_64K,
							     DBED_RW));
		buf[i].phys = flat_phys(test, &pa);
		KUNIT_ASSERT_EQ(test, vcm_back(buf[i].res, buf[i].phys), 0);
		buf[i].addr = vcm_get_dev_addr(buf[i].res);
		KUNIT_EXPECT_EQ(test, buf[i].addr, pa);
	}
	dbed_join_active(test, vcm, 0);
	plain_join(test, vcm, plain);
	hand_on(test, plain, buf[0], buf[1]);
	KUNIT_EXPECT_EQ(test, vcm_unback(buf[0].res), 0);
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, 0, buf[0].addr, buf[0].phys,
					     0));
}

/* And the kernel looks on. */
static void no_iommu_kernel(struct kunit *test)
{
	struct device *plain = plain_device(test);
	struct dbed *bed = test->priv;
	struct vcm *vcm = dbed_vcm(test, 0, FLAT_LEN);
	struct vcm *kernel = vcm_create_kernel();
	struct dbed_buf frame;
	struct vcm_res *res;
	u8 *p;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kernel);
	bed->vcm[bed->nr_vcm++] = kernel;
	frame = flat_buf(test, vcm);
	res = dbed_keep_res(test, vcm_reserve(kernel, SZ_64K, DBED_RW));
	KUNIT_ASSERT_EQ(test, vcm_back(res, frame.phys), 0);
	p = vcm_get_kernel_addr(res);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p);
	dbed_join_active(test, vcm, 0);
	plain_join(test, vcm, plain);

	memset(p, 0x3c, DBED_MOVE);
	plain_copy(test, plain, frame.addr, frame.addr + SZ_4K);
	KUNIT_EXPECT_EQ(test, memcmp(p, p + SZ_4K, DBED_MOVE), 0);
	KUNIT_EXPECT_TRUE(test,
			  dbed_writes(test, 0, frame.addr + SZ_8K, frame.phys,
				      SZ_8K));
	plain_copy(test, plain, frame.addr + SZ_8K, frame.addr + SZ_16K);
	KUNIT_EXPECT_EQ(test, memcmp(p + SZ_8K, p + SZ_16K, DBED_MOVE), 0);
	KUNIT_EXPECT_NE(test, memcmp(p + SZ_16K, p, DBED_MOVE), 0);
}

static struct kunit_case vcm_no_iommu_cases[] = {
	KUNIT_CASE(no_iommu_same_address),
	KUNIT_CASE(no_iommu_elsewhere),
	KUNIT_CASE(no_iommu_one_to_one),
	KUNIT_CASE(no_iommu_kernel),
	{}
};

static struct kunit_suite vcm_no_iommu_suite = {
	.name = "vcm_no_iommu",
	.suite_init = dbed_suite_init,
	.suite_exit = dbed_suite_exit,
	.init = dbed_init,
	.exit = dbed_exit,
	.test_cases = vcm_no_iommu_cases,
};

kunit_test_suite(vcm_no_iommu_suite);
