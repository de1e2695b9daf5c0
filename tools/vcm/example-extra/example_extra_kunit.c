// SPDX-License-Identifier: GPL-2.0-only
/*
 * A folder of your own, built into the test kernel with EXTRA=: it needs a
 * Kbuild file, and its KUnit suites run with ours. A driver would stand here.
 */

#include <kunit/test.h>
#include <linux/err.h>
#include <linux/sizes.h>
#include <linux/vcm.h>

static void example_extra_reserve(struct kunit *test)
{
	struct vcm *vcm = vcm_create(0, SZ_1G);
	struct vcm_res *res;

	KUNIT_ASSERT_FALSE(test, IS_ERR(vcm));
	res = vcm_reserve(vcm, SZ_1M, VCM_READ | VCM_WRITE);
	KUNIT_ASSERT_FALSE(test, IS_ERR(res));
	KUNIT_EXPECT_EQ(test, vcm_free(vcm), -EBUSY);
	KUNIT_EXPECT_EQ(test, vcm_unreserve(res), 0);
	KUNIT_EXPECT_EQ(test, vcm_free(vcm), 0);
}

static struct kunit_case example_extra_cases[] = {
	KUNIT_CASE(example_extra_reserve),
	{}
};

static struct kunit_suite example_extra_suite = {
	.name = "example_extra",
	.test_cases = example_extra_cases,
};
kunit_test_suite(example_extra_suite);

MODULE_DESCRIPTION("VCMM: an example of EXTRA=");
MODULE_LICENSE("GPL");
