// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of VCMM: tracepoints.
 *
 * Each event comes when it should, once, with the right values, and none comes
 * to those who do not listen any more.
 */
#include <kunit/test.h>
#include <linux/device.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <trace/events/vcm.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"

/**
 * struct heard - what a probe was told
 * @nr: how many times
 * @vcm: only events of this context count: others may be at work
 * @unit: the last unit
 * @dev: the last device
 * @addr: the last address
 * @len: the last length
 * @ret: the last result
 */
struct heard {
	unsigned int nr;
	const char *vcm;
	const char *unit;
	const struct device *dev;
	u64 addr;
	u64 len;
	int ret;
};

static void hear_range(void *data, const char *vcm, u64 addr, u64 len, int ret)
{
	struct heard *h = data;

	if (strcmp(vcm, h->vcm))
		return;
	h->nr++;
	h->addr = addr;
	h->len = len;
	h->ret = ret;
}

static void hear_point(void *data, const char *vcm, const char *unit,
		       const struct device *dev, int ret)
{
	struct heard *h = data;

	if (strcmp(vcm, h->vcm))
		return;
	h->nr++;
	h->unit = unit;
	h->dev = dev;
	h->ret = ret;
}

static void hear_invalidate(void *data, const char *vcm, const char *unit,
			    u64 addr, u64 len, int ret)
{
	struct heard *h = data;

	hear_range(data, vcm, addr, len, ret);
	h->unit = unit;
}

#define LISTEN(test, event, probe, h) \
	KUNIT_ASSERT_EQ(test, 0, register_trace_##event(probe, h))

#define IGNORE(test, event, probe, h) do {				\
	KUNIT_EXPECT_EQ(test, 0, unregister_trace_##event(probe, h));	\
	tracepoint_synchronize_unregister();				\
} while (0)

static void expect_range(struct kunit *test, const struct heard *h,
			 unsigned int nr, u64 addr, u64 len, int ret)
{
	KUNIT_EXPECT_EQ(test, nr, h->nr);
	KUNIT_EXPECT_EQ(test, addr, h->addr);
	KUNIT_EXPECT_EQ(test, len, h->len);
	KUNIT_EXPECT_EQ(test, ret, h->ret);
}

static void trace_reserve(struct kunit *test)
{
	struct vcm *vcm = space_new(test, SZ_1M, SZ_1M);
	struct heard in = { .vcm = vcm_get_name(vcm) }, out = in;
	struct vcm_bound *bound;
	struct vcm_res *res;

	LISTEN(test, vcm_reserve, hear_range, &in);
	LISTEN(test, vcm_unreserve, hear_range, &out);

	res = space_take(test, vcm, PAGE_SIZE + 1, VCM_RW);
	expect_range(test, &in, 1, SZ_1M, 2 * PAGE_SIZE, 0);
	KUNIT_EXPECT_EQ(test, -EBUSY, space_try_at(vcm, SZ_1M, 1));
	expect_range(test, &in, 2, SZ_1M, 1, -EBUSY);
	KUNIT_EXPECT_EQ(test, -ENOSPC, space_try(vcm, SZ_2M, 0));
	expect_range(test, &in, 3, 0, SZ_2M, -ENOSPC);
	KUNIT_EXPECT_EQ(test, 0, out.nr);
	space_give(test, res);
	expect_range(test, &out, 1, SZ_1M, 2 * PAGE_SIZE, 0);

	/* A bound is none, but what is taken from it is. */
	bound = vcm_create_bound_at(vcm, SZ_1M + SZ_64K, SZ_64K);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bound);
	KUNIT_EXPECT_EQ(test, 3, in.nr);
	res = vcm_reserve_from_bound(bound, 1, VCM_RW);
	expect_range(test, &in, 4, SZ_1M + SZ_64K, PAGE_SIZE, 0);

	IGNORE(test, vcm_reserve, hear_range, &in);
	IGNORE(test, vcm_unreserve, hear_range, &out);
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, space_try(vcm, 1, 0));
	KUNIT_EXPECT_EQ(test, 4, in.nr);
	KUNIT_EXPECT_EQ(test, 1, out.nr);
	KUNIT_EXPECT_EQ(test, 0, vcm_free_bound(bound));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

static void trace_back(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_two);
	struct vcm_phys *phys = bed_alloc(bed, SZ_64K, 0);
	struct vcm_res *res = bed_reserve(bed, SZ_128K, VCM_RW);
	struct heard in = { .vcm = vcm_get_name(bed->vcm) }, out = in, tlb = in;
	u64 addr = vcm_get_dev_addr(res);

	bed_join(bed);
	LISTEN(test, vcm_back, hear_range, &in);
	LISTEN(test, vcm_unback, hear_range, &out);
	LISTEN(test, vcm_invalidate, hear_invalidate, &tlb);

	KUNIT_EXPECT_EQ(test, 0, vcm_back(res, phys));
	expect_range(test, &in, 1, addr, SZ_128K, 0);
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_back(res, phys));
	expect_range(test, &in, 2, addr, SZ_128K, -EBUSY);
	tlb.nr = 0;
	vcm_soft_fail(bed->units[1], VCM_SOFT_FAIL_FLUSH, 0, 1);
	KUNIT_EXPECT_EQ(test, -EIO, vcm_unback(res));
	expect_range(test, &out, 1, addr, SZ_128K, -EIO);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	expect_range(test, &out, 2, addr, SZ_128K, 0);
	/* Two units, twice; the last one comes last. */
	KUNIT_EXPECT_GE(test, tlb.nr, 4);
	KUNIT_EXPECT_STREQ(test, bed->units[1]->name, tlb.unit);
	expect_range(test, &tlb, tlb.nr, addr, SZ_64K, 0);

	IGNORE(test, vcm_back, hear_range, &in);
	IGNORE(test, vcm_unback, hear_range, &out);
	IGNORE(test, vcm_invalidate, hear_invalidate, &tlb);
	tlb.nr = 0;
	KUNIT_EXPECT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 2, in.nr);
	KUNIT_EXPECT_EQ(test, 2, out.nr);
	KUNIT_EXPECT_EQ(test, 0, tlb.nr);
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

static void expect_point(struct kunit *test, const struct heard *h,
			 unsigned int nr, const struct vcm_bed *bed, int ret)
{
	KUNIT_EXPECT_EQ(test, nr, h->nr);
	KUNIT_EXPECT_STREQ(test, bed->units[0]->name, h->unit);
	KUNIT_EXPECT_PTR_EQ(test, bed->devs[0], h->dev);
	KUNIT_EXPECT_EQ(test, ret, h->ret);
}

static void trace_activate(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_one);
	struct heard on = { .vcm = vcm_get_name(bed->vcm) }, off = on;

	bed_join(bed);
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(bed->assocs[0]));
	LISTEN(test, vcm_attach, hear_point, &on);
	LISTEN(test, vcm_detach, hear_point, &off);

	vcm_soft_fail(bed->units[0], VCM_SOFT_FAIL_ATTACH, 0, 1);
	KUNIT_EXPECT_GT(test, 0, vcm_activate(bed->assocs[0]));
	KUNIT_EXPECT_GT(test, 0, on.ret);
	expect_point(test, &on, 1, bed, on.ret);
	KUNIT_EXPECT_EQ(test, 0, vcm_activate(bed->assocs[0]));
	expect_point(test, &on, 2, bed, 0);
	KUNIT_EXPECT_EQ(test, 0, off.nr);
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(bed->assocs[0]));
	expect_point(test, &off, 1, bed, 0);

	IGNORE(test, vcm_attach, hear_point, &on);
	IGNORE(test, vcm_detach, hear_point, &off);
	KUNIT_EXPECT_EQ(test, 0, vcm_activate(bed->assocs[0]));
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(bed->assocs[0]));
	KUNIT_EXPECT_EQ(test, 2, on.nr);
	KUNIT_EXPECT_EQ(test, 1, off.nr);
	bed_end(bed);
}

static int trace_init(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_TRACEPOINTS))
		kunit_skip(test, "no tracepoints in this kernel");
	return 0;
}

static struct kunit_case vcm_trace_cases[] = {
	KUNIT_CASE(trace_reserve),
	KUNIT_CASE(trace_back),
	KUNIT_CASE(trace_activate),
	{}
};

static struct kunit_suite vcm_trace_suite = {
	.name = "vcm_trace",
	.init = trace_init,
	.test_cases = vcm_trace_cases,
};

kunit_test_suite(vcm_trace_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: tracepoints");
MODULE_LICENSE("GPL");
