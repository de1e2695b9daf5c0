// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows B5 and B6: addresses. What a reservation costs among many, and how many
 * requests fail when much is taken.
 *
 * All get the same requests in the same order, and give back the same ones.
 */
#include <drm/drm_mm.h>
#include <linux/err.h>
#include <linux/genalloc.h>
#include <linux/iova.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "vcm_bench.h"

/**
 * struct space_peer - one who hands out addresses
 * @who: its name
 * @init: make a space of addresses, [@start, @start + @len)
 * @exit: and away with it, when all is given back
 * @take: get some; NULL if there are none
 * @give: give back what @take returned
 * @fill: optional; what @take does while nothing was ever given back, but in
 *        less time
 */
struct space_peer {
	const char *who;
	void *(*init)(u64 start, u64 len);
	void (*exit)(void *space);
	void *(*take)(void *space, size_t len);
	void (*give)(void *space, void *range, size_t len);
	void *(*fill)(void *space, size_t len);
};

/* VCMM */

static void *vcm_space_init(u64 start, u64 len)
{
	struct vcm *vcm = vcm_create(start, len);

	return IS_ERR(vcm) ? NULL : vcm;
}

static void vcm_space_exit(void *space)
{
	vcm_free(space);
}

static void *vcm_space_take(void *space, size_t len)
{
	struct vcm_res *res = vcm_reserve(space, len, BENCH_RIGHTS);

	return IS_ERR(res) ? NULL : res;
}

static void vcm_space_give(void *space, void *range, size_t len)
{
	vcm_unreserve(range);
}

/* As dma-iommu uses it: aligned to the size, rounded up to a power of two. */

struct iova_space {
	struct iova_domain iovad;
	unsigned long last_pfn;
};

static void *iova_space_init(u64 start, u64 len)
{
	struct iova_space *space = kzalloc(sizeof(*space), GFP_KERNEL);

	if (!space)
		return NULL;
	if (iova_cache_get()) {
		kfree(space);
		return NULL;
	}
	init_iova_domain(&space->iovad, SZ_4K, start / SZ_4K);
	space->last_pfn = (start + len - 1) / SZ_4K;
	return space;
}

static void iova_space_exit(void *data)
{
	struct iova_space *space = data;

	put_iova_domain(&space->iovad);
	iova_cache_put();
	kfree(space);
}

static void *iova_space_take(void *data, size_t len)
{
	struct iova_space *space = data;

	return alloc_iova(&space->iovad, len / SZ_4K, space->last_pfn, true);
}

static void iova_space_give(void *data, void *range, size_t len)
{
	struct iova_space *space = data;

	__free_iova(&space->iovad, range);
}

/* First fit in a bitmap; an address of 0 would mean failure. */

struct pool_space {
	struct gen_pool *pool;
	struct genpool_data_fixed next;
};

static void *pool_space_init(u64 start, u64 len)
{
	struct pool_space *space = kzalloc(sizeof(*space), GFP_KERNEL);

	if (!space)
		return NULL;
	space->pool = gen_pool_create(ilog2(SZ_4K), NUMA_NO_NODE);
	if (!space->pool)
		goto free;
	if (!gen_pool_add(space->pool, start, len, NUMA_NO_NODE))
		return space;
	gen_pool_destroy(space->pool);
free:
	kfree(space);
	return NULL;
}

static void pool_space_exit(void *data)
{
	struct pool_space *space = data;

	gen_pool_destroy(space->pool);
	kfree(space);
}

static void *pool_space_take(void *data, size_t len)
{
	struct pool_space *space = data;

	return (void *)gen_pool_alloc(space->pool, len);
}

static void pool_space_give(void *data, void *range, size_t len)
{
	struct pool_space *space = data;

	gen_pool_free(space->pool, (unsigned long)range, len);
}

/* One after the other; to find that by searching takes minutes. */
static void *pool_space_fill(void *data, size_t len)
{
	struct pool_space *space = data;
	unsigned long addr;

	addr = gen_pool_alloc_algo(space->pool, len, gen_pool_fixed_alloc,
				   &space->next);
	space->next.offset += len;
	return (void *)addr;
}

/* Best fit; its users embed a node in an object that they allocate. */

static void *drm_space_init(u64 start, u64 len)
{
	struct drm_mm *mm = kzalloc(sizeof(*mm), GFP_KERNEL);

	if (mm)
		drm_mm_init(mm, start, len);
	return mm;
}

static void drm_space_exit(void *space)
{
	drm_mm_takedown(space);
	kfree(space);
}

static void *drm_space_take(void *space, size_t len)
{
	struct drm_mm_node *node = kzalloc(sizeof(*node), GFP_KERNEL);

	if (!node || !drm_mm_insert_node(space, node, len))
		return node;
	kfree(node);
	return NULL;
}

static void drm_space_give(void *space, void *range, size_t len)
{
	drm_mm_remove_node(range);
	kfree(range);
}

static const struct space_peer peers[] = {
	{ "vcm", vcm_space_init, vcm_space_exit, vcm_space_take,
	  vcm_space_give },
	{ "alloc_iova", iova_space_init, iova_space_exit, iova_space_take,
	  iova_space_give },
	{ "gen_pool", pool_space_init, pool_space_exit, pool_space_take,
	  pool_space_give, pool_space_fill },
	{ "drm_mm", drm_space_init, drm_space_exit, drm_space_take,
	  drm_space_give },
};

/* The trace */

struct space_range {
	void *range;
	size_t len;
};

struct space_run {
	const struct space_peer *peer;
	void *space;
	struct rnd_state rnd;
	struct space_range *live;
	unsigned int nr_live;
	u64 bytes;
};

static int run_init(struct space_run *run, const struct space_peer *peer,
		    u64 start, u64 len, unsigned int room)
{
	*run = (struct space_run){ .peer = peer };
	prandom_seed_state(&run->rnd, 2010);
	run->live = kvcalloc(room, sizeof(*run->live), GFP_KERNEL);
	run->space = run->live ? peer->init(start, len) : NULL;
	if (run->space)
		return 0;
	kvfree(run->live);
	return -ENOMEM;
}

static unsigned int run_random(struct space_run *run, unsigned int below)
{
	return prandom_u32_state(&run->rnd) % below;
}

/* Who is to go? The last one takes its place. */
static struct space_range run_pick(struct space_run *run)
{
	unsigned int i = run_random(run, run->nr_live);
	struct space_range gone = run->live[i];

	run->live[i] = run->live[--run->nr_live];
	run->bytes -= gone.len;
	return gone;
}

static void run_give_one(struct space_run *run)
{
	struct space_range gone = run_pick(run);

	run->peer->give(run->space, gone.range, gone.len);
}

static bool run_keep(struct space_run *run, void *range, size_t len)
{
	if (!range)
		return false;
	run->live[run->nr_live++] = (struct space_range){ range, len };
	run->bytes += len;
	return true;
}

static void run_exit(struct space_run *run)
{
	while (run->nr_live) {
		run_give_one(run);
		cond_resched();
	}
	run->peer->exit(run->space);
	kvfree(run->live);
}

/* B5 */

/* Room enough for the most, at any alignment: 64 GiB. */
#define LIVE_START	((u64)SZ_1G)
#define LIVE_LEN	(64 * (u64)SZ_1G)
#define LIVE_SAMPLES	1000

/* What drivers map: mostly little, and now and then much. */
static size_t live_len(struct space_run *run)
{
	static const size_t len[] = {
		SZ_4K, SZ_4K, SZ_8K, SZ_16K, SZ_32K, SZ_64K, SZ_64K + SZ_4K,
		3 * SZ_4K, SZ_128K, SZ_256K, 5 * SZ_64K, SZ_1M,
	};

	return len[run_random(run, ARRAY_SIZE(len))];
}

/* Half more than wanted; then a third of them goes, at random. */
static int live_fill(struct space_run *run, unsigned int live)
{
	void *(*take)(void *space, size_t len) = run->peer->fill ?:
						 run->peer->take;

	while (run->nr_live < live + live / 2) {
		size_t len = live_len(run);

		if (!run_keep(run, take(run->space, len), len))
			return -ENOSPC;
		cond_resched();
	}
	while (run->nr_live > live) {
		run_give_one(run);
		cond_resched();
	}
	return 0;
}

struct live_cost {
	u64 sum;
	u64 max;
};

/* One comes and another one goes. A sample that the tick came into is left out. */
static int live_sample(struct space_run *run, struct live_cost *cost)
{
	size_t len = live_len(run);
	unsigned long tick;
	struct space_range gone;
	u64 begin, took;
	void *range;

	gone = run_pick(run);
	tick = jiffies;
	begin = ktime_get_ns();
	range = run->peer->take(run->space, len);
	run->peer->give(run->space, gone.range, gone.len);
	took = ktime_get_ns() - begin;
	if (!run_keep(run, range, len))
		return -ENOSPC;
	if (time_after(jiffies, tick))
		return 0;
	cost->sum += took;
	cost->max = max(cost->max, took);
	return 1;
}

static u64 live_clock(void)
{
	u64 begin = ktime_get_ns();

	return ktime_get_ns() - begin;
}

static int live_measure(struct space_run *run, unsigned int live)
{
	struct live_cost cost = {};
	unsigned int nr = 0;
	u64 clock;
	int ret;

	ret = live_fill(run, live);
	if (ret)
		return ret;
	while (nr < LIVE_SAMPLES) {
		ret = live_sample(run, &cost);
		if (ret < 0)
			return ret;
		nr += ret;
		cond_resched();
	}
	live_clock();
	clock = live_clock();
	bench_say("B5", run->peer->who, div_u64(cost.sum, nr) - clock,
		  BENCH_COUNT, "stat=mean live=%u", live);
	bench_say("B5", run->peer->who, cost.max - clock, BENCH_COUNT,
		  "stat=max live=%u", live);
	return 0;
}

int bench_live(void)
{
	static const unsigned int live[] = { 10, 1000, 10000, 100000 };
	struct space_run run;
	int i, k, ret;

	for (i = 0; i < ARRAY_SIZE(live); i++) {
		for (k = 0; k < ARRAY_SIZE(peers); k++) {
			ret = run_init(&run, &peers[k], LIVE_START, LIVE_LEN,
				       live[i] * 2);
			if (ret)
				return ret;
			ret = live_measure(&run, live[i]);
			run_exit(&run);
			if (ret)
				return ret;
		}
	}
	return 0;
}

/* B6 */

#define FULL_START	((u64)SZ_4K)
#define FULL_LEN	(SZ_4G - SZ_4K)
#define FULL_LIVE	(5 * (u64)SZ_512M)
#define FULL_ROOM	4096
#define FULL_REQUESTS	20000

/* Pictures, bit streams, command buffers: few are a power of two. */
static size_t full_len(struct space_run *run)
{
	static const size_t len[] = {
		SZ_4K, 3 * SZ_4K, 13 * SZ_4K, SZ_64K, 50 * SZ_4K,
		460800, 1382400, SZ_1M + SZ_512K, SZ_2M, 3112960, 4149248,
		6220800, 8294400, 12443648, 16588800, 24883200, 33177600,
		50 * SZ_1M, SZ_64M,
	};

	return PAGE_ALIGN(len[run_random(run, ARRAY_SIZE(len))]);
}

static unsigned int full_count_failures(struct space_run *run)
{
	unsigned int i, failures = 0;

	/* As many once before, so that it is as it will be for ever. */
	for (i = 0; i < 2 * FULL_REQUESTS; i++) {
		size_t len = full_len(run);

		while (run->bytes + len > FULL_LIVE ||
		       run->nr_live == FULL_ROOM)
			run_give_one(run);
		if (!run_keep(run, run->peer->take(run->space, len), len) &&
		    i >= FULL_REQUESTS)
			failures++;
		cond_resched();
	}
	return failures;
}

int bench_full(void)
{
	struct space_run run;
	int k, ret;

	for (k = 0; k < ARRAY_SIZE(peers); k++) {
		ret = run_init(&run, &peers[k], FULL_START, FULL_LEN,
			       FULL_ROOM);
		if (ret)
			return ret;
		bench_say("B6", peers[k].who, full_count_failures(&run),
			  "failures", "live=2.5GiB of=4GiB requests=%u",
			  FULL_REQUESTS);
		run_exit(&run);
	}
	return 0;
}
