// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recipes of Documentation/mm/vcm/consumer.rst, so that they compile and run.
 * The documentation includes what stands between a marker in square brackets
 * and the next [end].
 */
#include <kunit/test.h>
#include <linux/sizes.h>

#include "vcm_bed.h"

/* [pieces] */
/* The device may read up to one more ring beyond the end. */
static int ring_back(struct vcm_res *res, struct vcm_phys *ring)
{
	size_t len = vcm_get_phys_len(ring);
	int ret = vcm_back_range(res, 0, ring, 0, len);

	return ret ?: vcm_back_range(res, len, ring, 0, len);
}
/* [end] */

static void recipe_ring(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_mirror);
	struct vcm_phys *ring = bed_alloc(bed, SZ_16K, 0);
	struct vcm_res *res = bed_reserve(bed, SZ_32K, VCM_READ);
	u8 seen[2] = {};

	bed_join(bed);
	phys_fill(ring, 0x42);
	KUNIT_ASSERT_EQ(test, 0, ring_back(res, ring));
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(bed->units[1], bed->devs[1],
					      vcm_get_dev_addr(res) + SZ_16K - 1,
					      seen, 2, VCM_READ));
	KUNIT_EXPECT_EQ(test, 0x42, seen[0]);
	KUNIT_EXPECT_EQ(test, 0x42, seen[1]);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(ring));
	bed_end(bed);
}

/* [evacuate] */
/* Before a bank loses power: everybody who maps some of it maps @type then. */
static int bank_evacuate(phys_addr_t pa, size_t len, struct vcm_memtype *type)
{
	struct vcm_mapper mapper;
	int ret;

	vcm_for_each_mapper(pa, len, &mapper) {
		ret = vcm_phys_migrate(mapper.phys, type, 0, 0);
		if (ret) {
			vcm_res_put(mapper.res);
			return ret;
		}
	}
	return 0;
}
/* [end] */

static void recipe_evacuate(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_mirror);
	struct vcm_phys *mem[4];
	struct vcm_res *res[4];
	struct vcm_mapper mapper;
	unsigned int i;
	phys_addr_t pa;
	size_t len;

	bed_join(bed);
	for (i = 0; i < 4; i++) {
		mem[i] = bed_alloc(bed, SZ_64K, 0);
		phys_fill(mem[i], 0x20 + i);
		res[i] = bed_reserve(bed, SZ_64K, VCM_READ);
		KUNIT_ASSERT_EQ(test, 0, vcm_back(res[i], mem[i]));
	}
	/* The bank is where one of them lies. */
	KUNIT_EXPECT_EQ(test, 0, vcm_get_chunk(mem[0], 0, &pa, &len));
	KUNIT_EXPECT_EQ(test, 0, bank_evacuate(pa, len, NULL));
	vcm_for_each_mapper(pa, len, &mapper)
		KUNIT_FAIL(test, "somebody maps the bank");
	for (i = 0; i < 4; i++) {
		u8 byte = 0;

		KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(bed->units[1], bed->devs[1],
						      vcm_get_dev_addr(res[i]),
						      &byte, 1, VCM_READ));
		KUNIT_EXPECT_EQ(test, 0x20 + i, byte);
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(res[i]));
		KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res[i]));
		KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(mem[i]));
	}
	bed_end(bed);
}

/* [clone] */
/* The same addresses and memory, but nothing can be written through them. */
static struct vcm *clone_read_only(struct vcm *vcm)
{
	struct vcm *clone = vcm_clone(vcm);
	struct vcm_res *res;
	u32 attr;
	int ret;

	if (IS_ERR(clone))
		return clone;
	vcm_for_each_res(clone, res) {
		attr = vcm_get_res_attr(res);
		ret = vcm_set_res_attr(res, attr & ~VCM_WRITE);
		if (ret)
			pr_warn("%pad: still writable (%d)\n",
				&(dma_addr_t){ vcm_get_dev_addr(res) }, ret);
	}
	return clone;
}

static int clone_free(struct vcm *clone)
{
	struct vcm_res *res;

	vcm_for_each_res(clone, res) {
		vcm_unback(res);
		vcm_unreserve(res);
	}
	return vcm_free(clone);
}
/* [end] */

static void recipe_clone(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_one);
	struct vcm_phys *mem = bed_alloc(bed, SZ_64K, 0);
	struct vcm_res *res = bed_reserve(bed, SZ_64K, VCM_RW);
	dma_addr_t addr = vcm_get_dev_addr(res);
	struct vcm *clone;

	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, mem));
	clone = clone_read_only(bed->vcm);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, clone);
	bed_expect_access(bed, addr, VCM_WRITE);
	KUNIT_ASSERT_EQ(test, 0, vcm_assoc_move(bed->assocs[0], clone));
	bed_expect_access(bed, addr, VCM_READ);
	bed_expect_fault(bed, addr, VCM_WRITE);
	KUNIT_ASSERT_EQ(test, 0, vcm_assoc_move(bed->assocs[0], bed->vcm));
	KUNIT_EXPECT_EQ(test, 0, clone_free(clone));
	bed_expect_access(bed, addr, VCM_WRITE);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(mem));
	bed_end(bed);
}

static struct kunit_case vcm_recipes_cases[] = {
	KUNIT_CASE(recipe_ring),
	KUNIT_CASE(recipe_evacuate),
	KUNIT_CASE(recipe_clone),
	{}
};

static struct kunit_suite vcm_recipes_suite = {
	.name = "vcm_recipes",
	.test_cases = vcm_recipes_cases,
};

kunit_test_suite(vcm_recipes_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: recipes of the documentation");
MODULE_LICENSE("GPL");
