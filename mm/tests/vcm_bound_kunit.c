// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of mm/vcm_res.c: bounds.
 *
 * What lies in a bound was taken from it, what was taken from it lies in it,
 * and whoever looks things up sees no difference. Of the hard cases: 16
 * (overlap over a bound's edge).
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/moduleparam.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/sizes.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"

#define TOP	(~(dma_addr_t)0)

static struct vcm_bound *bound_at(struct kunit *test, struct vcm *vcm,
				  dma_addr_t addr, size_t len)
{
	struct vcm_bound *bound = vcm_create_bound_at(vcm, addr, len);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bound);
	KUNIT_ASSERT_EQ(test, addr, vcm_get_bound_start_addr(bound));
	return bound;
}

static struct vcm_res *bound_take(struct kunit *test, struct vcm_bound *bound,
				  size_t len, u32 attr)
{
	struct vcm_res *res = vcm_reserve_from_bound(bound, len, attr);
	u64 first = vcm_get_bound_start_addr(bound);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
	KUNIT_ASSERT_GE(test, res->range.first, first);
	KUNIT_ASSERT_LE(test, res->range.last - first,
			vcm_get_bound_len(bound) - 1);
	return res;
}

static int bound_try(struct vcm_bound *bound, size_t len, u32 attr)
{
	struct vcm_res *res = vcm_reserve_from_bound(bound, len, attr);

	return IS_ERR(res) ? PTR_ERR(res) : vcm_unreserve(res);
}

static int bound_try_at(struct vcm *vcm, dma_addr_t addr, size_t len)
{
	struct vcm_bound *bound = vcm_create_bound_at(vcm, addr, len);

	return IS_ERR(bound) ? PTR_ERR(bound) : vcm_free_bound(bound);
}

/* The place that vcm_reserve() would take, and rounded like it. */
static void bound_chosen(struct kunit *test)
{
	struct vcm *vcm = space_new(test, SZ_4M, SZ_8M);
	struct vcm_res *page = space_take(test, vcm, 1, VCM_RW), *res;
	struct vcm_bound *bound = vcm_create_bound(vcm, SZ_2M + 1);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bound);
	KUNIT_EXPECT_EQ(test, SZ_4M + SZ_2M, vcm_get_bound_start_addr(bound));
	KUNIT_EXPECT_EQ(test, SZ_2M + PAGE_SIZE, vcm_get_bound_len(bound));
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_res(vcm));

	/* It is no reservation. */
	res = vcm_get_res(vcm, SZ_4M + SZ_2M);
	KUNIT_EXPECT_EQ(test, -ENOENT, PTR_ERR_OR_ZERO(res));
	res = vcm_get_next_res(vcm, NULL);
	KUNIT_EXPECT_PTR_EQ(test, page, res);
	KUNIT_EXPECT_NULL(test, vcm_get_next_res(vcm, res));

	space_give(test, page);
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_free(vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_free_bound(bound));
	KUNIT_EXPECT_EQ(test, 1, kref_read(&vcm->ref));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* Hard case 16: over a bound's edge, from either side, and into it. */
static void bound_overlap(struct kunit *test)
{
	struct vcm *vcm = space_new(test, SZ_4M, SZ_4M);
	const dma_addr_t at = SZ_4M + SZ_1M;
	struct vcm_bound *bound = bound_at(test, vcm, at, SZ_64K);
	static const struct { long off; size_t len; int err; } tries[] = {
		{ 0, SZ_64K, -EBUSY }, { 0, PAGE_SIZE, -EBUSY },
		{ SZ_64K - PAGE_SIZE, PAGE_SIZE, -EBUSY },
		{ PAGE_SIZE, PAGE_SIZE, -EBUSY },
		{ -(long)PAGE_SIZE, 2 * PAGE_SIZE, -EBUSY },
		{ -(long)PAGE_SIZE, PAGE_SIZE + 1, -EBUSY },
		{ SZ_64K - PAGE_SIZE, 2 * PAGE_SIZE, -EBUSY },
		{ -(long)PAGE_SIZE, SZ_1M, -EBUSY },
		{ -(long)PAGE_SIZE, PAGE_SIZE, 0 }, { SZ_64K, PAGE_SIZE, 0 },
		{ -SZ_2M, PAGE_SIZE, -ERANGE },
		{ SZ_2M, SZ_1M, 0 }, { SZ_2M, SZ_1M + 1, -ERANGE },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		KUNIT_EXPECT_EQ_MSG(test, tries[i].err,
				    space_try_at(vcm, at + tries[i].off,
						 tries[i].len), "try %u", i);
		KUNIT_EXPECT_EQ_MSG(test, tries[i].err,
				    bound_try_at(vcm, at + tries[i].off,
						 tries[i].len), "try %u", i);
	}
	/* A bound goes over no reservation either, and bounds do not nest. */
	KUNIT_EXPECT_EQ(test, 0, vcm_free_bound(bound));
	KUNIT_EXPECT_EQ(test, 0, space_try_at(vcm, at, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* A bound that is full does not touch the rest, nor the rest a bound. */
static void bound_exhausted(struct kunit *test)
{
	struct vcm *vcm = space_new(test, SZ_4M, SZ_4M);
	struct vcm_bound *bound = bound_at(test, vcm, SZ_4M, SZ_1M);
	struct vcm_res *whole, *rest, *found;

	KUNIT_EXPECT_EQ(test, -ENOSPC, bound_try(bound, SZ_1M + 1, 0));
	KUNIT_EXPECT_EQ(test, -ENOSPC, bound_try(bound, SIZE_MAX, 0));
	whole = bound_take(test, bound, SZ_1M, VCM_RW);
	KUNIT_EXPECT_EQ(test, -ENOSPC, bound_try(bound, 1, 0));
	KUNIT_EXPECT_EQ(test, 0, space_try(vcm, SZ_2M, 0));
	rest = space_take(test, vcm, SZ_2M + SZ_1M, VCM_RW);
	KUNIT_EXPECT_EQ(test, SZ_4M + SZ_1M, vcm_get_dev_addr(rest));
	space_give(test, whole);

	KUNIT_EXPECT_EQ(test, -ENOSPC, space_try(vcm, 1, 0));
	KUNIT_EXPECT_EQ(test, 0, bound_try(bound, SZ_1M, 0));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			PTR_ERR_OR_ZERO(vcm_create_bound(vcm, 1)));
	whole = bound_take(test, bound, 1, VCM_RW);
	found = vcm_get_next_res(vcm, NULL);
	KUNIT_EXPECT_PTR_EQ(test, whole, found);
	vcm_res_put(found);

	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_free_bound(bound));
	KUNIT_EXPECT_EQ(test, -EBUSY, space_try_at(vcm, SZ_4M, 1));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(whole));
	KUNIT_EXPECT_EQ(test, 0, vcm_free_bound(bound));
	KUNIT_EXPECT_EQ(test, 0, space_try_at(vcm, SZ_4M, SZ_1M));
	space_give(test, rest);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* [bound] */
/* This stream may use only the first 600 MB. */
static struct vcm_res *stream_buffer(struct vcm *vcm, size_t len,
				     struct vcm_bound **bound)
{
	if (!*bound)
		*bound = vcm_create_bound_at(vcm, 0, 600UL * SZ_1M);
	return vcm_reserve_from_bound(*bound, len, VCM_READ | VCM_WRITE);
}
/* [end] */

static void bound_600m(struct kunit *test)
{
	const size_t len = 600UL * SZ_1M;
	struct vcm *vcm = space_new(test, 0, SZ_2G);
	struct vcm_bound *bound = NULL;
	struct vcm_res *res[10], *other;
	unsigned int i;

	res[0] = stream_buffer(vcm, SZ_64M, &bound);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res[0]);
	KUNIT_EXPECT_EQ(test, 0, vcm_get_dev_addr(res[0]));
	KUNIT_EXPECT_EQ(test, len, vcm_get_bound_len(bound));
	other = space_take(test, vcm, 1, VCM_RW);
	KUNIT_EXPECT_EQ(test, len, vcm_get_dev_addr(other));
	for (i = 1; i < 9; i++)
		res[i] = bound_take(test, bound, SZ_64M, VCM_RW);
	KUNIT_EXPECT_EQ(test, -ENOSPC, bound_try(bound, SZ_64M, VCM_RW));
	res[9] = bound_take(test, bound, 24 * SZ_1M, VCM_RW);
	KUNIT_EXPECT_EQ(test, -ENOSPC, bound_try(bound, 1, VCM_RW));
	for (i = 0; i < 10; i++)
		space_give(test, res[i]);
	space_give(test, other);
	KUNIT_EXPECT_EQ(test, 0, vcm_free_bound(bound));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

static void bound_align(struct kunit *test)
{
	struct vcm *vcm = space_new(test, 0, SZ_16M);
	struct vcm_bound *bound = bound_at(test, vcm, PAGE_SIZE, SZ_8M);
	struct vcm_res *res;

	/* The largest block that fits, or what is asked for. */
	res = bound_take(test, bound, SZ_64K, VCM_RW);
	KUNIT_EXPECT_EQ(test, SZ_64K, vcm_get_dev_addr(res));
	space_give(test, res);
	res = bound_take(test, bound, 1, VCM_RW | VCM_ALIGN(22));
	KUNIT_EXPECT_EQ(test, SZ_4M, vcm_get_dev_addr(res));
	space_give(test, res);
	/* A wish is given up, a condition is not; it is in the context. */
	KUNIT_EXPECT_EQ(test, 0, bound_try(bound, SZ_8M, VCM_RW));
	KUNIT_EXPECT_EQ(test, -ENOSPC, bound_try(bound, SZ_8M, VCM_ALIGN(21)));
	KUNIT_EXPECT_EQ(test, -ENOSPC, bound_try(bound, 1, VCM_ALIGN(24)));
	KUNIT_EXPECT_EQ(test, 0, vcm_free_bound(bound));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* The last page of the number line, in a bound of one page. */
static void bound_top(struct kunit *test)
{
	const dma_addr_t at = TOP - PAGE_SIZE + 1;
	struct vcm *vcm = space_new(test, TOP - SZ_1M + 1, SZ_1M);
	struct vcm_bound *bound = bound_at(test, vcm, at, PAGE_SIZE);
	struct vcm_res *res = bound_take(test, bound, 1, VCM_RW), *found;

	found = vcm_get_res(vcm, TOP);
	KUNIT_EXPECT_PTR_EQ(test, res, found);
	KUNIT_EXPECT_NULL(test, vcm_get_next_res(vcm, found));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, -ERANGE, bound_try_at(vcm, at, 2 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, vcm_free_bound(bound));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* Lookups go by address, through bounds that are full, empty and not there. */
static void bound_lookup(struct kunit *test)
{
	struct vcm *vcm = space_new(test, 0, SZ_8M);
	struct vcm_bound *bounds[4];
	struct vcm_res *want[6], *res;
	unsigned int i, nr = 0;

	/* Bounds at odd MiB; of these 0 and 3 stay empty, 1 gets two. */
	for (i = 0; i < 3; i++)
		bounds[i] = bound_at(test, vcm, (2 * i + 1) * SZ_1M, SZ_1M);
	bounds[3] = bound_at(test, vcm, 7 * SZ_1M, SZ_1M);
	want[nr++] = space_take_at(test, vcm, 0, SZ_64K);
	want[nr++] = space_take_at(test, vcm, 2 * SZ_1M, SZ_64K);
	want[nr++] = bound_take(test, bounds[1], SZ_64K, VCM_RW);
	want[nr++] = bound_take(test, bounds[1], SZ_64K, VCM_RW);
	want[nr++] = bound_take(test, bounds[2], SZ_1M, VCM_RW);
	want[nr++] = space_take_at(test, vcm, 6 * SZ_1M, SZ_1M);
	KUNIT_EXPECT_EQ(test, nr, vcm_get_num_res(vcm));

	i = 0;
	vcm_for_each_res(vcm, res) {
		KUNIT_ASSERT_LT(test, i, nr);
		KUNIT_EXPECT_PTR_EQ(test, want[i++], res);
	}
	KUNIT_EXPECT_EQ(test, nr, i);
	for (i = 0; i < nr; i++) {
		res = vcm_get_res(vcm, vcm_get_dev_addr(want[i]) + 7);
		KUNIT_EXPECT_PTR_EQ(test, want[i], res);
		vcm_res_put(res);
		KUNIT_EXPECT_EQ(test, 1, kref_read(&want[i]->ref));
	}
	res = vcm_get_res(vcm, 3 * SZ_1M + SZ_128K);
	KUNIT_EXPECT_EQ(test, -ENOENT, PTR_ERR_OR_ZERO(res));
	res = vcm_get_res(vcm, SZ_1M);
	KUNIT_EXPECT_EQ(test, -ENOENT, PTR_ERR_OR_ZERO(res));
	for (i = 0; i < nr; i++)
		space_give(test, want[i]);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, 0, vcm_free_bound(bounds[i]));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* Whoever looked a reservation up may hold it when its bound is gone. */
static void bound_outlived(struct kunit *test)
{
	struct vcm *vcm = space_new(test, 0, SZ_1M);
	struct vcm_bound *bound = bound_at(test, vcm, SZ_64K, SZ_64K);
	struct vcm_res *res = bound_take(test, bound, 1, VCM_RW), *ref;

	ref = vcm_get_res(vcm, SZ_64K);
	KUNIT_ASSERT_PTR_EQ(test, res, ref);
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_free_bound(bound));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_unreserve(ref));
	KUNIT_EXPECT_EQ(test, SZ_64K, vcm_get_dev_addr(ref));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			PTR_ERR_OR_ZERO(vcm_create_bound(vcm, 1)));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			PTR_ERR_OR_ZERO(vcm_create_bound_at(vcm, 0, 1)));
	vcm_res_put(ref);
}

/* A mapping in a bound is seen by all, and by devices that come later. */
static void bound_back(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct vcm_bound *bound = bound_at(test, bed->vcm, BED_START + SZ_16M,
					   SZ_4M);
	struct vcm_phys *phys = bed_alloc(bed, SZ_64K, 0);
	struct vcm_res *early = bound_take(test, bound, SZ_64K, VCM_RW), *late;

	KUNIT_EXPECT_EQ(test, 0, vcm_back(early, phys));
	bed_join(bed);
	late = bound_take(test, bound, SZ_2M, VCM_RW);
	KUNIT_EXPECT_EQ(test, 0, vcm_back(late, phys));
	bed_expect_memory(bed, early, phys);
	bed_expect_memory(bed, late, phys);
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_unreserve(late));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_free_bound(bound));
	bed_leave(bed);
	bed_join(bed);
	bed_expect_memory(bed, late, phys);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(early));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(late));
	bed_expect_idle(bed, early, phys);
	space_give(test, early);
	space_give(test, late);
	KUNIT_EXPECT_EQ(test, 0, vcm_free_bound(bound));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

/*
 * What a device cannot use may lie in a bound, whether the device or the bound
 * comes first; what is in the bound must fit.
 */
static void bound_limits(struct kunit *test)
{
	const struct vcm_soft_config config = {
		.format = VCM_SOFT_LPAE, .ias = 32,
		.reserved_first = SZ_1M, .reserved_len = SZ_64K,
	};
	const u64 len = 8ULL * SZ_1G;
	struct vcm_res *a, *b, *over;
	struct vcm_bound *bound;
	struct vcm_assoc *assoc;
	struct vcm_iommu *unit;
	struct device *dev = bed_limited(test, &unit, config);
	const dma_addr_t beyond = (dma_addr_t)SZ_4G;
	struct vcm *vcm;

	if (sizeof(dma_addr_t) < sizeof(u64) || sizeof(size_t) < sizeof(u64))
		kunit_skip(test, "no addresses beyond 32 bits");
	vcm = space_new(test, 0, len);
	bound = bound_at(test, vcm, 0, SZ_2M);
	assoc = space_join(test, vcm, dev);
	KUNIT_EXPECT_EQ(test, 0, bound_try_at(vcm, beyond - SZ_1M, SZ_2M));
	a = bound_take(test, bound, SZ_1M, VCM_RW);
	b = bound_take(test, bound, PAGE_SIZE, VCM_RW);
	KUNIT_EXPECT_EQ(test, SZ_1M + SZ_64K, vcm_get_dev_addr(b));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	over = bound_take(test, bound, SZ_64K, VCM_RW);
	KUNIT_EXPECT_EQ(test, SZ_1M, vcm_get_dev_addr(over));
	KUNIT_EXPECT_EQ(test, -ERANGE,
			PTR_ERR_OR_ZERO(vcm_assoc(vcm, dev, 0)));
	space_give(test, over);
	space_give(test, a);
	space_give(test, b);
	KUNIT_EXPECT_EQ(test, 0, vcm_free_bound(bound));

	/* One that no device reaches: nothing to be had, but no harm. */
	bound = bound_at(test, vcm, beyond, SZ_2M);
	assoc = space_join(test, vcm, dev);
	KUNIT_EXPECT_EQ(test, -ENOSPC, bound_try(bound, 1, 0));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	KUNIT_EXPECT_EQ(test, 0, bound_try(bound, 1, 0));
	KUNIT_EXPECT_EQ(test, 0, vcm_free_bound(bound));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

#define NR_RACERS	2
#define NR_RACE_PAGES	16

struct bound_racer {
	struct task_struct *task;
	struct vcm_bound *bound;
	unsigned int got;
	unsigned int rounds;
	unsigned int surprises;
};

/* Take until it is full, and give it all back. */
static void bound_race_round(struct bound_racer *r)
{
	struct vcm_res *res[NR_RACE_PAGES + 1];
	unsigned int nr = 0;

	while (nr < ARRAY_SIZE(res)) {
		res[nr] = vcm_reserve_from_bound(r->bound, 1, VCM_RW);
		if (IS_ERR(res[nr]))
			break;
		nr++;
	}
	r->surprises += nr > NR_RACE_PAGES || PTR_ERR_OR_ZERO(res[nr]) != -ENOSPC;
	r->surprises += nr && vcm_free_bound(r->bound) != -EBUSY;
	r->got += nr;
	while (nr--)
		r->surprises += !!vcm_unreserve(res[nr]);
	r->rounds++;
}

static int bound_race_thread(void *data)
{
	while (!kthread_should_stop()) {
		bound_race_round(data);
		cond_resched();
	}
	return 0;
}

static void bound_race(struct kunit *test)
{
	struct vcm *vcm = space_new(test, 0, SZ_1M);
	struct vcm_bound *bound = bound_at(test, vcm, SZ_64K,
					   NR_RACE_PAGES * PAGE_SIZE);
	struct bound_racer racers[NR_RACERS] = {};
	unsigned int i;

	for (i = 0; i < NR_RACERS; i++) {
		racers[i].bound = bound;
		racers[i].task = kthread_run(bound_race_thread, &racers[i],
					     "bound%u", i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, racers[i].task);
	}
	msleep(200);
	for (i = 0; i < NR_RACERS; i++)
		kthread_stop(racers[i].task);
	for (i = 0; i < NR_RACERS; i++) {
		KUNIT_EXPECT_EQ(test, 0, racers[i].surprises);
		KUNIT_EXPECT_GT(test, racers[i].rounds, 0);
		KUNIT_EXPECT_GT(test, racers[i].got, 0);
	}
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_res(vcm));
	KUNIT_EXPECT_EQ(test, 0, bound_try(bound, NR_RACE_PAGES * PAGE_SIZE, 0));
	KUNIT_EXPECT_EQ(test, 0, vcm_free_bound(bound));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

static unsigned long long seed;
module_param(seed, ullong, 0400);
MODULE_PARM_DESC(seed, "where the random walk begins; 0 picks one");

#define FUZZ_PAGES	128
#define FUZZ_STEPS	4000
#define NR_FUZZ_BOUNDS	6

/**
 * struct fuzz - the model: whose is each page of the context?
 * @test: the test
 * @rnd: the dice
 * @vcm: the context, from address 0 on
 * @bounds: bounds, or NULL
 * @res: the reservation of each page, or NULL
 * @bound: the bound that each page is in plus 1, or 0
 */
struct fuzz {
	struct kunit *test;
	struct rnd_state rnd;
	struct vcm *vcm;
	struct vcm_bound *bounds[NR_FUZZ_BOUNDS];
	struct vcm_res *res[FUZZ_PAGES];
	u8 bound[FUZZ_PAGES];
};

static u32 fuzz_roll(struct fuzz *f, u32 below)
{
	return prandom_u32_state(&f->rnd) % below;
}

/* Are these pages free, and all in this bound, or all in none? */
static bool fuzz_fits(struct fuzz *f, unsigned int page, unsigned int nr, u8 in)
{
	for (; nr--; page++)
		if (page >= FUZZ_PAGES || f->res[page] || f->bound[page] != in)
			return false;
	return true;
}

static int fuzz_lowest(struct fuzz *f, unsigned int nr, u8 in)
{
	unsigned int page;

	for (page = 0; page < FUZZ_PAGES; page++)
		if (fuzz_fits(f, page, nr, in))
			return page;
	return -1;
}

static void fuzz_reserve(struct fuzz *f)
{
	unsigned int nr = 1 + fuzz_roll(f, 6), i;
	u8 in = fuzz_roll(f, NR_FUZZ_BOUNDS + 1);
	u32 attr = VCM_RW | VCM_ALIGN(PAGE_SHIFT);
	struct vcm_res *res;
	int want;

	if (in && !f->bounds[in - 1])
		return;
	want = fuzz_lowest(f, nr, in);
	res = in ? vcm_reserve_from_bound(f->bounds[in - 1], nr * PAGE_SIZE,
					  attr) :
		   vcm_reserve(f->vcm, nr * PAGE_SIZE, attr);
	KUNIT_ASSERT_EQ(f->test, want < 0 ? -ENOSPC : 0, PTR_ERR_OR_ZERO(res));
	if (want < 0)
		return;
	KUNIT_ASSERT_EQ(f->test, want * PAGE_SIZE, vcm_get_dev_addr(res));
	for (i = 0; i < nr; i++)
		f->res[want + i] = res;
}

static void fuzz_reserve_at(struct fuzz *f)
{
	unsigned int nr = 1 + fuzz_roll(f, 6), i;
	unsigned int page = fuzz_roll(f, FUZZ_PAGES - nr + 1);
	bool fits = fuzz_fits(f, page, nr, 0);
	struct vcm_res *res = vcm_reserve_at(f->vcm, page * PAGE_SIZE,
					     nr * PAGE_SIZE, VCM_RW);

	KUNIT_ASSERT_EQ(f->test, fits ? 0 : -EBUSY, PTR_ERR_OR_ZERO(res));
	for (i = 0; fits && i < nr; i++)
		f->res[page + i] = res;
}

static void fuzz_unreserve(struct fuzz *f)
{
	struct vcm_res *res = f->res[fuzz_roll(f, FUZZ_PAGES)];
	unsigned int i;

	if (!res)
		return;
	KUNIT_ASSERT_EQ(f->test, 0, vcm_unreserve(res));
	for (i = 0; i < FUZZ_PAGES; i++)
		if (f->res[i] == res)
			f->res[i] = NULL;
}

static void fuzz_bound(struct fuzz *f)
{
	unsigned int in = fuzz_roll(f, NR_FUZZ_BOUNDS), i;
	unsigned int nr = 1 + fuzz_roll(f, 24);
	unsigned int page = fuzz_roll(f, FUZZ_PAGES - nr + 1);
	bool fits = fuzz_fits(f, page, nr, 0);
	struct vcm_bound *bound;

	if (f->bounds[in])
		return;
	bound = vcm_create_bound_at(f->vcm, page * PAGE_SIZE, nr * PAGE_SIZE);
	KUNIT_ASSERT_EQ(f->test, fits ? 0 : -EBUSY, PTR_ERR_OR_ZERO(bound));
	if (!fits)
		return;
	f->bounds[in] = bound;
	for (i = 0; i < nr; i++)
		f->bound[page + i] = in + 1;
}

static void fuzz_free_bound(struct fuzz *f)
{
	unsigned int in = fuzz_roll(f, NR_FUZZ_BOUNDS), i;
	bool busy = false;

	if (!f->bounds[in])
		return;
	for (i = 0; i < FUZZ_PAGES; i++)
		busy |= f->bound[i] == in + 1 && f->res[i];
	KUNIT_ASSERT_EQ(f->test, busy ? -EBUSY : 0,
			vcm_free_bound(f->bounds[in]));
	if (busy)
		return;
	f->bounds[in] = NULL;
	for (i = 0; i < FUZZ_PAGES; i++)
		if (f->bound[i] == in + 1)
			f->bound[i] = 0;
}

/* Page by page, and in order. */
static void fuzz_expect(struct fuzz *f)
{
	struct vcm_res *res = vcm_get_next_res(f->vcm, NULL);
	unsigned int i;
	size_t nr = 0;

	for (i = 0; i < FUZZ_PAGES; i++) {
		struct vcm_res *found = vcm_get_res(f->vcm, i * PAGE_SIZE);

		KUNIT_ASSERT_PTR_EQ(f->test, f->res[i] ?: ERR_PTR(-ENOENT),
				    found);
		vcm_res_put(found);
		if (!f->res[i] || (i && f->res[i] == f->res[i - 1]))
			continue;
		KUNIT_ASSERT_PTR_EQ(f->test, f->res[i], res);
		res = vcm_get_next_res(f->vcm, res);
		nr++;
	}
	KUNIT_ASSERT_NULL(f->test, res);
	KUNIT_ASSERT_EQ(f->test, nr, vcm_get_num_res(f->vcm));
}

static void (*const fuzz_steps[])(struct fuzz *f) = {
	fuzz_reserve, fuzz_reserve, fuzz_reserve, fuzz_reserve_at,
	fuzz_unreserve, fuzz_unreserve, fuzz_unreserve, fuzz_bound,
	fuzz_free_bound,
};

static void bound_fuzz(struct kunit *test)
{
	struct fuzz *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	u64 from = seed ?: get_random_u64();
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, f);
	kunit_info(test, "vcm_bound_kunit.seed=%llu", from);
	f->test = test;
	prandom_seed_state(&f->rnd, from);
	f->vcm = space_new(test, 0, FUZZ_PAGES * PAGE_SIZE);
	for (i = 0; i < FUZZ_STEPS; i++) {
		fuzz_steps[fuzz_roll(f, ARRAY_SIZE(fuzz_steps))](f);
		if (i % 8 == 0)
			fuzz_expect(f);
	}
	while (vcm_get_num_res(f->vcm))
		fuzz_unreserve(f);
	for (i = 0; i < NR_FUZZ_BOUNDS; i++)
		if (f->bounds[i])
			KUNIT_EXPECT_EQ(test, 0, vcm_free_bound(f->bounds[i]));
	KUNIT_EXPECT_EQ(test, 1, kref_read(&f->vcm->ref));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(f->vcm));
}

static struct kunit_case vcm_bound_cases[] = {
	KUNIT_CASE(bound_chosen),
	KUNIT_CASE(bound_overlap),
	KUNIT_CASE(bound_exhausted),
	KUNIT_CASE(bound_600m),
	KUNIT_CASE(bound_align),
	KUNIT_CASE(bound_top),
	KUNIT_CASE(bound_lookup),
	KUNIT_CASE(bound_outlived),
	KUNIT_CASE_PARAM(bound_back, vcm_bed_gen_params),
	KUNIT_CASE(bound_limits),
	KUNIT_CASE(bound_race),
	KUNIT_CASE(bound_fuzz),
	{}
};

static struct kunit_suite vcm_bound_suite = {
	.name = "vcm_bound",
	.test_cases = vcm_bound_cases,
};

kunit_test_suite(vcm_bound_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: bounds");
MODULE_LICENSE("GPL");
