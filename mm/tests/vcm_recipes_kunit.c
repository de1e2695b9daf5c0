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

static struct kunit_case vcm_recipes_cases[] = {
	KUNIT_CASE(recipe_ring),
	{}
};

static struct kunit_suite vcm_recipes_suite = {
	.name = "vcm_recipes",
	.test_cases = vcm_recipes_cases,
};

kunit_test_suite(vcm_recipes_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: recipes of the documentation");
MODULE_LICENSE("GPL");
