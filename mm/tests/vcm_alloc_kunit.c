// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of mm/vcm_alloc.c: a buffer in one call, and gone in one.
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/device.h>
#include <linux/device/driver.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"
#include "vcm_memtype_test.h"

#define BUF_LEN		(SZ_64K + PAGE_SIZE)

static void alloc_and_back(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct vcm_phys *phys;
	struct vcm_res *res;
	dma_addr_t addr;

	bed_join(bed);
	res = vcm_alloc(bed->vcm, NULL, BUF_LEN, VCM_RW | VCM_ZERO);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
	addr = vcm_get_dev_addr(res);
	phys = vcm_get_physmem_from_res(res);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	KUNIT_EXPECT_EQ(test, BUF_LEN, vcm_get_phys_len(phys));
	KUNIT_EXPECT_EQ(test, BUF_LEN, vcm_get_res_len(res));
	KUNIT_EXPECT_TRUE(test, is_filled(phys, 0));
	bed_expect_memory(bed, res, phys);
	KUNIT_EXPECT_EQ(test, 0, vcm_dealloc(res));
	bed_expect_unmapped(bed, addr, BUF_LEN);
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_res(bed->vcm));
	bed_end(bed);
}

/* Each attribute to the one of the two that it is for; and the alignment. */
static void alloc_attrs(struct kunit *test)
{
	struct page *page = real_memory(test);
	struct vcm_memtype *type = make_real(test, page);
	struct vcm *vcm = space_new(test, SZ_64K, SZ_1G);
	struct vcm *identity = vcm_create_identity(0, NOWHERE);
	struct vcm_phys *phys;
	struct vcm_res *res;
	phys_addr_t pa;
	size_t len;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, identity);
	res = vcm_alloc(vcm, type, SZ_128K, VCM_READ | VCM_EXEC | VCM_ALIGN(24) |
			VCM_BLOCKS(16, 16));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
	phys = vcm_get_physmem_from_res(res);
	KUNIT_EXPECT_EQ(test, VCM_READ | VCM_EXEC | VCM_ALIGN(24),
			vcm_get_res_attr(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_dev_addr(res) & (SZ_16M - 1));
	KUNIT_EXPECT_PTR_EQ(test, type, vcm_get_memtype_of_physalloc(phys));
	expect_blocks(test, phys, SZ_64K, SZ_128K);
	KUNIT_EXPECT_EQ(test, 0, vcm_dealloc(res));
	end(test, type);

	/* Where the memory decides, it has to be aligned itself. */
	res = vcm_alloc(identity, NULL, SZ_64K, VCM_RW | VCM_CONTIG |
			VCM_ALIGN(18));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
	phys = vcm_get_physmem_from_res(res);
	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(phys, 0, &pa, &len));
	KUNIT_EXPECT_EQ(test, pa, vcm_get_dev_addr(res));
	KUNIT_EXPECT_EQ(test, 0, pa & (SZ_256K - 1));
	KUNIT_EXPECT_EQ(test, 0, vcm_dealloc(res));

	KUNIT_EXPECT_EQ(test, 0, vcm_free(identity));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
	free_real_memory(page);
}

static void alloc_from_bound(struct kunit *test)
{
	struct vcm *vcm = space_new(test, SZ_64K, SZ_1G);
	struct vcm_bound *bound = vcm_create_bound_at(vcm, SZ_16M, SZ_128K);
	struct vcm_res *res;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bound);
	res = vcm_alloc_from_bound(bound, NULL, SZ_128K, VCM_RW | VCM_ZERO);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
	KUNIT_EXPECT_EQ(test, SZ_16M, vcm_get_dev_addr(res));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ENOSPC),
			    vcm_alloc_from_bound(bound, NULL, PAGE_SIZE, VCM_RW));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_free_bound(bound));
	KUNIT_EXPECT_EQ(test, 0, vcm_dealloc(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_free_bound(bound));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* Whichever of the three steps fails, nothing is left of the others. */
static void alloc_fails(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_mirror);
	struct vcm_memtype *type = make(test, two_pools, 1);
	struct vcm *vcm = bed->vcm;
	struct vcm_res *res;

	bed_join(bed);
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ENOSPC),
			    vcm_alloc(vcm, type, BED_LEN + 1, VCM_RW));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EOPNOTSUPP),
			    vcm_alloc(vcm, type, SZ_64K, VCM_RW |
				      VCM_BLOCKS(30, 30)));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EACCES),
			    vcm_alloc(vcm, type, SZ_64K, VCM_EXEC));
	vcm_soft_fail(bed->units[1], VCM_SOFT_FAIL_MAP, 0, 1);
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ENOMEM),
			    vcm_alloc(vcm, NULL, SZ_64K, VCM_RW));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_res(vcm));
	end(test, type);

	/* The undoing of the first table is not answered; then it is. */
	vcm_soft_fail(bed->units[1], VCM_SOFT_FAIL_MAP, 0, 1);
	vcm_soft_fail(bed->units[0], VCM_SOFT_FAIL_FLUSH, 0, 1);
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EIO),
			    vcm_alloc(vcm, NULL, SZ_64K, VCM_RW));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_res(vcm));

	/* Or it is not: what the unit may reach stays, and can be found. */
	vcm_soft_fail(bed->units[1], VCM_SOFT_FAIL_MAP, 0, 1);
	vcm_soft_fail(bed->units[0], VCM_SOFT_FAIL_FLUSH, 0, -1);
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EIO),
			    vcm_alloc(vcm, NULL, SZ_64K, VCM_RW));
	KUNIT_EXPECT_TRUE(test, bed_log_has("are kept: a unit does not answer"));
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_res(vcm));
	res = vcm_get_next_res(vcm, NULL);
	KUNIT_ASSERT_NOT_NULL(test, res);
	KUNIT_EXPECT_EQ(test, -EIO, vcm_dealloc(res));
	vcm_soft_fail(bed->units[0], VCM_SOFT_FAIL_FLUSH, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, vcm_dealloc(res));
	vcm_res_put(res);
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_res(vcm));
	bed_end(bed);
}

/* What is shared with others stays, all of it. */
static void alloc_is_busy(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_two);
	struct vcm *vcm = bed->vcm;
	struct vcm_res *res = vcm_alloc(vcm, NULL, SZ_128K, VCM_RW), *alias;
	struct vcm_phys *phys = vcm_get_physmem_from_res(res);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
	bed_join(bed);
	alias = bed_reserve(bed, SZ_128K, VCM_READ);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(alias, phys));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_dealloc(res));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_dealloc(alias));
	bed_expect_memory(bed, res, phys);
	bed_expect_access(bed, vcm_get_dev_addr(alias), VCM_READ);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(alias));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_dealloc(alias));
	space_give(test, alias);
	KUNIT_EXPECT_EQ(test, 0, vcm_dealloc(res));
	bed_end(bed);
}

/* When the driver unbinds, its buffers go, the last one first. */
static void alloc_devm(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_two);
	struct device *dev = bed->devs[0];
	struct vcm_res *a, *b, *other;
	struct vcm_phys *phys;
	dma_addr_t addr;

	bed_join(bed);
	a = devm_vcm_alloc(dev, bed->vcm, NULL, BUF_LEN, VCM_RW);
	b = devm_vcm_alloc(dev, bed->vcm, NULL, BUF_LEN, VCM_READ);
	other = devm_vcm_alloc(bed->devs[1], bed->vcm, NULL, BUF_LEN, VCM_RW);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, b);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, other);
	addr = vcm_get_dev_addr(a);
	phys = vcm_get_physmem_from_res(a);
	bed_expect_memory(bed, a, phys);
	KUNIT_EXPECT_EQ(test, 3, vcm_get_num_res(bed->vcm));

	device_release_driver(dev);
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_res(bed->vcm));
	KUNIT_EXPECT_FALSE(test, vcm_is_active(bed->assocs[0]));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			vcm_soft_dma(bed->units[1], bed->devs[1], addr,
				     &(u8){ 0 }, 1, VCM_READ));
	KUNIT_EXPECT_EQ(test, 0,
			vcm_soft_dma(bed->units[1], bed->devs[1],
				     vcm_get_dev_addr(other), &(u8){ 0 }, 1,
				     VCM_READ));

	/* Somebody else uses the memory: it stays, and a message says so. */
	phys = vcm_get_physmem_from_res(other);
	a = bed_reserve(bed, BUF_LEN, VCM_READ);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(a, phys));
	device_release_driver(bed->devs[1]);
	KUNIT_EXPECT_TRUE(test, bed_log_has("cannot be given back (-16)"));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(a));
	space_give(test, a);
	KUNIT_EXPECT_EQ(test, 0, vcm_dealloc(other));
	bed_end(bed);
}

static struct kunit_case vcm_alloc_cases[] = {
	KUNIT_CASE_PARAM(alloc_and_back, vcm_bed_gen_params),
	KUNIT_CASE(alloc_attrs),
	KUNIT_CASE(alloc_from_bound),
	KUNIT_CASE(alloc_fails),
	KUNIT_CASE(alloc_is_busy),
	KUNIT_CASE(alloc_devm),
	{}
};

static struct kunit_suite vcm_alloc_suite = {
	.name = "vcm_alloc",
	.test_cases = vcm_alloc_cases,
};

kunit_test_suite(vcm_alloc_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: a buffer in one call");
MODULE_LICENSE("GPL");
