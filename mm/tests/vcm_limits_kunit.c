// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of VCMM: what the limits of a device do to a context.
 *
 * The geometry of a context is the intersection of what its devices can do,
 * minus the windows that one of them cannot use (rule 5): it narrows when one
 * joins, widens when it leaves, and a device that does not fit what is there
 * is refused and leaves no trace.
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/sizes.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"

/* All of the window is out of reach, and nothing but the window. */
static void expect_window(struct kunit *test, struct vcm *vcm, dma_addr_t first,
			  size_t len, bool closed)
{
	int err = closed ? -ERANGE : 0;

	KUNIT_EXPECT_EQ(test, err, space_try_at(vcm, first, len));
	KUNIT_EXPECT_EQ(test, err, space_try_at(vcm, first, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, err,
			space_try_at(vcm, first - PAGE_SIZE, 2 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, err,
			space_try_at(vcm, first + len - PAGE_SIZE, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, err,
			space_try_at(vcm, first - SZ_64K, len + SZ_128K));
	KUNIT_EXPECT_EQ(test, 0, space_try_at(vcm, first - SZ_64K, SZ_64K));
	KUNIT_EXPECT_EQ(test, 0, space_try_at(vcm, first + len, PAGE_SIZE));
}

static void limits_window(struct kunit *test)
{
	const struct vcm_soft_config config = {
		.format = VCM_SOFT_LPAE,
		.reserved_first = SZ_1M, .reserved_len = SZ_64K,
	};
	struct vcm *vcm = space_new(test, 0, SZ_2M + SZ_128K);
	struct vcm_res *a, *b;
	struct vcm_iommu *unit;
	struct device *dev = bed_limited(test, &unit, config);
	struct vcm_assoc *assoc;

	expect_window(test, vcm, SZ_1M, SZ_64K, false);
	assoc = space_join(test, vcm, dev);
	expect_window(test, vcm, SZ_1M, SZ_64K, true);

	/* Lowest first on both sides, and never over it. */
	a = space_take(test, vcm, SZ_1M, VCM_RW);
	KUNIT_EXPECT_EQ(test, 0, vcm_get_dev_addr(a));
	b = space_take(test, vcm, PAGE_SIZE, VCM_RW);
	KUNIT_EXPECT_EQ(test, SZ_1M + SZ_64K, vcm_get_dev_addr(b));
	KUNIT_EXPECT_EQ(test, -ENOSPC, space_try(vcm, SZ_1M + SZ_64K, 0));
	KUNIT_EXPECT_EQ(test, 0, space_try(vcm, SZ_1M + SZ_64K - PAGE_SIZE, 0));

	/* It comes back when the device leaves, in whichever way. */
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	KUNIT_EXPECT_EQ(test, 0, space_try_at(vcm, SZ_1M, PAGE_SIZE));
	assoc = space_join(test, vcm, dev);
	KUNIT_EXPECT_EQ(test, -ERANGE, space_try_at(vcm, SZ_1M, PAGE_SIZE));
	kunit_device_unregister(test, dev);
	KUNIT_EXPECT_EQ(test, 0, space_try_at(vcm, SZ_1M, PAGE_SIZE));
	space_give(test, a);
	space_give(test, b);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* Windows that overlap, join and leave in any order. */
static void limits_windows(struct kunit *test)
{
	const struct vcm_soft_config high = {
		.format = VCM_SOFT_LPAE,
		.reserved_first = SZ_1M, .reserved_len = SZ_128K,
	}, low = {
		.format = VCM_SOFT_LPAE,
		.reserved_first = SZ_1M - SZ_64K, .reserved_len = SZ_128K,
	}, end = {
		.format = VCM_SOFT_LPAE,
		.reserved_first = SZ_2M - SZ_64K, .reserved_len = SZ_1M,
	};
	struct vcm *vcm = space_new(test, 0, SZ_2M);
	struct vcm_assoc *a, *b, *c;
	struct vcm_iommu *unit;
	struct vcm_res *res;

	a = space_join(test, vcm, bed_limited(test, &unit, high));
	b = space_join(test, vcm, bed_limited(test, &unit, low));
	c = space_join(test, vcm, bed_limited(test, &unit, end));
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_tables(vcm));

	res = space_take(test, vcm, SZ_1M - SZ_64K, 0);
	KUNIT_EXPECT_EQ(test, 0, vcm_get_dev_addr(res));
	KUNIT_EXPECT_EQ(test, SZ_1M + SZ_128K, space_where(test, vcm, 1));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			space_try(vcm, SZ_1M - SZ_128K - SZ_64K + 1, 0));
	KUNIT_EXPECT_EQ(test, 0, space_try(vcm, SZ_1M - SZ_128K - SZ_64K, 0));

	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(a));
	KUNIT_EXPECT_EQ(test, -ERANGE, space_try_at(vcm, SZ_1M, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, space_try_at(vcm, SZ_1M + SZ_64K, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(b));
	KUNIT_EXPECT_EQ(test, 0, space_try_at(vcm, SZ_1M, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -ERANGE, space_try_at(vcm, SZ_2M - SZ_4K, SZ_4K));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(c));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* A refused device leaves no trace, not even its window. */
static void expect_refused(struct kunit *test, struct vcm *vcm,
			   struct device *dev)
{
	size_t granule = vcm_get_min_page_size(vcm);

	KUNIT_EXPECT_EQ(test, -ERANGE, PTR_ERR_OR_ZERO(vcm_assoc(vcm, dev, 0)));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_tables(vcm));
	KUNIT_EXPECT_EQ(test, granule, vcm_get_min_page_size(vcm));
	KUNIT_EXPECT_TRUE(test, list_empty(&vcm->windows));
	KUNIT_EXPECT_TRUE(test, list_empty(&vcm->assocs));
}

static void limits_window_hit(struct kunit *test)
{
	const struct vcm_soft_config config = {
		.format = VCM_SOFT_LPAE,
		.reserved_first = SZ_1M, .reserved_len = SZ_64K,
	};
	struct vcm *vcm = space_new(test, 0, SZ_2M);
	static const dma_addr_t hits[] = {
		SZ_1M - PAGE_SIZE, SZ_1M, SZ_1M + SZ_64K - PAGE_SIZE,
	};
	struct vcm_iommu *unit;
	struct device *dev = bed_limited(test, &unit, config);
	struct vcm_res *res;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hits); i++) {
		res = space_take_at(test, vcm, hits[i], 2 * PAGE_SIZE);
		expect_refused(test, vcm, dev);
		KUNIT_EXPECT_EQ(test, 1, vcm_get_num_res(vcm));
		space_give(test, res);
		expect_window(test, vcm, SZ_1M, SZ_64K, false);
		KUNIT_EXPECT_EQ(test, 0, vcm_soft_table_pages(unit));
	}
	/* A neighbour is no reason. */
	res = space_take_at(test, vcm, SZ_1M - PAGE_SIZE, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(space_join(test, vcm, dev)));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* The aperture of a device narrows the context, and only for as long. */
static void limits_aperture(struct kunit *test)
{
	const struct vcm_soft_config config = {
		.format = VCM_SOFT_LPAE, .ias = 30,
	};
	struct vcm *vcm = space_new(test, SZ_1G - SZ_1M, SZ_2M);
	struct vcm *above = space_new(test, SZ_1G, SZ_1M);
	struct vcm_iommu *unit;
	struct device *dev = bed_limited(test, &unit, config);
	struct vcm_res *res, *low;
	struct vcm_assoc *assoc;

	res = space_take_at(test, vcm, SZ_1G - PAGE_SIZE, 2 * PAGE_SIZE);
	expect_refused(test, vcm, dev);
	space_give(test, res);

	assoc = space_join(test, vcm, dev);
	KUNIT_EXPECT_EQ(test, -ERANGE, space_try_at(vcm, SZ_1G, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -ERANGE,
			space_try_at(vcm, SZ_1G - PAGE_SIZE, 2 * PAGE_SIZE));
	low = space_take(test, vcm, SZ_1M, 0);
	KUNIT_EXPECT_EQ(test, SZ_1G - SZ_1M, vcm_get_dev_addr(low));
	KUNIT_EXPECT_EQ(test, -ENOSPC, space_try(vcm, 1, 0));
	/* What the context is called does not change. */
	KUNIT_EXPECT_EQ(test, SZ_2M, vcm_get_len(vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	KUNIT_EXPECT_EQ(test, SZ_1G, space_where(test, vcm, 1));
	space_give(test, low);

	/* A context that the device cannot reach anything of. */
	expect_refused(test, above, dev);
	KUNIT_EXPECT_EQ(test, 0, space_try_at(above, SZ_1G, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(above));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* The pages of a context are the largest smallest ones of its tables. */
static void limits_granule(struct kunit *test)
{
	const struct vcm_soft_config half = { .format = VCM_SOFT_HALF };
	const struct vcm_soft_config full = { .format = VCM_SOFT_LPAE };
	struct vcm *vcm = space_new(test, 0, SZ_1M);
	struct vcm_iommu *unit;
	struct device *half_dev = bed_limited(test, &unit, half);
	struct device *full_dev = bed_limited(test, &unit, full);
	struct vcm_assoc *a = space_join(test, vcm, half_dev), *b;
	struct vcm_res *res;

	KUNIT_EXPECT_EQ(test, PAGE_SIZE / 2, vcm_get_min_page_size(vcm));
	res = space_take(test, vcm, 1, 0);
	KUNIT_EXPECT_EQ(test, PAGE_SIZE / 2, vcm_get_res_len(res));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			space_try_at(vcm, PAGE_SIZE / 4, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0,
			space_try_at(vcm, PAGE_SIZE / 2, PAGE_SIZE));

	/* Half a page is more than the other can say. */
	KUNIT_EXPECT_EQ(test, -ERANGE,
			PTR_ERR_OR_ZERO(vcm_assoc(vcm, full_dev, 0)));
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_tables(vcm));
	KUNIT_EXPECT_EQ(test, PAGE_SIZE / 2, vcm_get_min_page_size(vcm));
	space_give(test, res);
	res = space_take_at(test, vcm, PAGE_SIZE / 2, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, -ERANGE,
			PTR_ERR_OR_ZERO(vcm_assoc(vcm, full_dev, 0)));
	space_give(test, res);

	b = space_join(test, vcm, full_dev);
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_tables(vcm));
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, vcm_get_min_page_size(vcm));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			space_try_at(vcm, PAGE_SIZE / 2, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(b));
	KUNIT_EXPECT_EQ(test, PAGE_SIZE / 2, vcm_get_min_page_size(vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(a));
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, vcm_get_min_page_size(vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

static struct kunit_case vcm_limits_cases[] = {
	KUNIT_CASE(limits_window),
	KUNIT_CASE(limits_windows),
	KUNIT_CASE(limits_window_hit),
	KUNIT_CASE(limits_aperture),
	KUNIT_CASE(limits_granule),
	{}
};

static struct kunit_suite vcm_limits_suite = {
	.name = "vcm_limits",
	.test_cases = vcm_limits_cases,
};

kunit_test_suite(vcm_limits_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: limits of devices");
MODULE_LICENSE("GPL");
