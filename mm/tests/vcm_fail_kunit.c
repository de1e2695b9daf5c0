// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of VCMM: no memory.
 *
 * All or nothing (rule 2), and hard case 19: every allocation of every public
 * call fails in turn, and each time all is as before.
 *
 * This wants CONFIG_FAILSLAB, CONFIG_FAIL_PAGE_ALLOC and
 * CONFIG_FAULT_INJECTION_DEBUG_FS. Out of the box both spare GFP_KERNEL, and
 * the latter single pages. The switches are in debugfs, which no user space
 * has mounted here, so the variables behind the files are set.
 */
#include <kunit/test.h>
#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/dma-buf.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/iosys-map.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/vcm-machine.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"
#include "vcm_inject.h"
#include "vcm_memtype_test.h"

/* io-pgtable's short descriptors create a slab cache, and fail noisily. */
static const struct vcm_bed_kind fail_kinds[] = {
	{ "into LPAE", 3, { VCM_SOFT_V7S, VCM_SOFT_HALF, VCM_SOFT_LPAE }, 3 },
	{ "into HALF", 3, { VCM_SOFT_V7S, VCM_SOFT_LPAE, VCM_SOFT_HALF }, 3 },
};

KUNIT_ARRAY_PARAM_DESC(fail, fail_kinds, name);

/* The first device moves, and so its format must not be short descriptors. */
static const struct vcm_bed_kind move_kinds[] = {
	{ "out of LPAE", 2, { VCM_SOFT_LPAE, VCM_SOFT_HALF }, 2 },
	{ "out of HALF", 2, { VCM_SOFT_HALF, VCM_SOFT_LPAE }, 2 },
};

KUNIT_ARRAY_PARAM_DESC(move, move_kinds, name);

/**
 * struct sweep - one public call, with its allocations failing in turn
 * @test: the test
 * @bed: what it works on
 * @arg: what it is called with
 * @out: what it made
 * @nth: which allocation fails
 * @call: the call; makes nothing else that allocates
 * @undo: undoes it when it was successful
 * @prepare: before each round, optional
 * @check: after each round: nothing must be left behind; optional
 * @least: with fewer failures than this, injection does not work; how many there
 *         are depends on what caches have at hand
 */
struct sweep {
	struct kunit *test;
	struct vcm_bed *bed;
	void *arg;
	void *out;
	unsigned int nth;
	int (*call)(struct sweep *s);
	void (*undo)(struct sweep *s);
	void (*prepare)(struct sweep *s);
	void (*check)(struct sweep *s);
	unsigned int least;
};

/* Let the 1st, 2nd, ... allocation fail until there are none left. */
static unsigned int sweep_round(struct sweep *s)
{
	struct kunit *test = s->test;
	unsigned int failures = 0;
	bool fired;
	int err;

	for (s->nth = 1; s->nth < 200; s->nth++) {
		if (s->prepare)
			s->prepare(s);
		vcm_inject_arm(s->nth);
		err = s->call(s);
		fired = vcm_inject_disarm();

		/* A large block or a TLB entry can be done without. */
		if (err)
			KUNIT_EXPECT_EQ(test, -ENOMEM, err);
		else
			s->undo(s);
		if (s->check)
			s->check(s);
		if (!fired) {
			KUNIT_EXPECT_EQ(test, 0, err);
			break;
		}
		failures += !!err;
	}
	KUNIT_EXPECT_LT(test, s->nth, 200);
	kunit_info(test, "%u allocations, %u failures", s->nth - 1, failures);
	return failures;
}

static void sweep(struct sweep *s)
{
	unsigned int i = 0, most = 0;

	do {
		most = max(most, sweep_round(s));
	} while (most < s->least && ++i < VCM_INJECT_ROUNDS);
	KUNIT_EXPECT_GE(s->test, most, s->least);
}

static void need_injection(struct kunit *test)
{
	if (!vcm_inject_possible())
		kunit_skip(test, "no fault injection in this kernel");
}

static int call_create(struct sweep *s)
{
	s->out = vcm_create(0, SZ_1M);
	return PTR_ERR_OR_ZERO(s->out);
}

static void undo_create(struct sweep *s)
{
	KUNIT_EXPECT_EQ(s->test, 0, vcm_free(s->out));
}

static int call_reserve(struct sweep *s)
{
	s->out = vcm_reserve(s->arg, SZ_64K, VCM_RW);
	return PTR_ERR_OR_ZERO(s->out);
}

static int call_bound(struct sweep *s)
{
	s->out = vcm_create_bound(s->arg, SZ_64K);
	return PTR_ERR_OR_ZERO(s->out);
}

static void undo_bound(struct sweep *s)
{
	KUNIT_EXPECT_EQ(s->test, 0, vcm_free_bound(s->out));
}

static int call_reserve_bound(struct sweep *s)
{
	s->out = vcm_reserve_from_bound(s->arg, SZ_64K, VCM_RW);
	return PTR_ERR_OR_ZERO(s->out);
}

static void undo_reserve(struct sweep *s)
{
	KUNIT_EXPECT_EQ(s->test, 0, vcm_unreserve(s->out));
}

static void check_reserve(struct sweep *s)
{
	struct vcm *vcm = s->arg;

	KUNIT_EXPECT_EQ(s->test, 0, vcm_get_num_res(vcm));
	KUNIT_EXPECT_EQ(s->test, 1 + !!vcm->parked, kref_read(&vcm->ref));
}

static void fail_create_reserve(struct kunit *test)
{
	struct sweep create = {
		.test = test, .call = call_create, .undo = undo_create,
		.least = 1,
	};
	struct sweep reserve = {
		.test = test, .call = call_reserve, .undo = undo_reserve,
		.check = check_reserve, .least = 1,
		.arg = vcm_create(0, SZ_1M),
	};

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, reserve.arg);
	need_injection(test);
	sweep(&create);
	sweep(&reserve);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(reserve.arg));
}

static void fail_bound(struct kunit *test)
{
	struct sweep create = {
		.test = test, .call = call_bound, .undo = undo_bound,
		.check = check_reserve, .least = 2,
		.arg = vcm_create(0, SZ_1M),
	};
	struct sweep reserve = {
		.test = test, .call = call_reserve_bound,
		.undo = undo_reserve, .least = 1,
	};

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, create.arg);
	need_injection(test);
	sweep(&create);
	reserve.arg = vcm_create_bound(create.arg, SZ_64K);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, reserve.arg);
	sweep(&reserve);
	KUNIT_EXPECT_EQ(test, 0, vcm_free_bound(reserve.arg));
	check_reserve(&create);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(create.arg));
}

static int call_alloc(struct sweep *s)
{
	s->out = vcm_phys_alloc(NULL, SZ_2M + SZ_1M + SZ_64K + 3 * PAGE_SIZE,
				*(u32 *)s->arg);
	return PTR_ERR_OR_ZERO(s->out);
}

static void undo_alloc(struct sweep *s)
{
	KUNIT_EXPECT_EQ(s->test, 0, vcm_phys_free(s->out));
}

static void fail_alloc(struct kunit *test)
{
	u32 attrs[] = { 0, VCM_ZERO | VCM_ALIGN(16), VCM_CONTIG };
	struct sweep s = {
		.test = test, .call = call_alloc, .undo = undo_alloc,
		.least = 1,
	};
	unsigned long before = 0;
	unsigned int i, round;

	need_injection(test);
	/* In the first round the caches of the page allocator fill. */
	for (round = 0; round < 3; round++) {
		for (i = 0; i < ARRAY_SIZE(attrs); i++) {
			s.arg = &attrs[i];
			sweep(&s);
		}
		if (!round)
			before = bed_free_pages();
	}
	/* One list of blocks that is not given back is 3 MiB. */
	KUNIT_EXPECT_LT(test, before, bed_free_pages() + SZ_4M / PAGE_SIZE);
}

#ifdef CONFIG_VCM_DMABUF_HEAPS
static int call_export(struct sweep *s)
{
	s->out = vcm_export_dma_buf(s->arg, O_RDWR);
	return PTR_ERR_OR_ZERO(s->out);
}

static int call_heap(struct sweep *s)
{
	s->out = vcm_heap_buffer("system", SZ_64K + PAGE_SIZE, O_RDWR);
	return PTR_ERR_OR_ZERO(s->out);
}

static void undo_export(struct sweep *s)
{
	dma_buf_put(s->out);
	flush_delayed_fput();
}

static void check_export(struct sweep *s)
{
	struct vcm_phys *phys = s->arg;

	flush_delayed_fput();
	KUNIT_EXPECT_EQ(s->test, 1, refcount_read(&phys->users));
}

/* Of a buffer: somebody attaches */
static int call_attach(struct sweep *s)
{
	struct dma_buf *buf = s->arg;

	s->out = dma_buf_attach(buf, s->bed->devs[0]);
	return PTR_ERR_OR_ZERO(s->out);
}

static void undo_attach(struct sweep *s)
{
	dma_buf_detach(s->arg, s->out);
}

static int call_vmap(struct sweep *s)
{
	struct dma_buf *buf = s->arg;

	/* dma_buf_vmap() would warn of each failure. */
	return buf->ops->vmap(buf, s->out);
}

static void undo_vmap(struct sweep *s)
{
	struct dma_buf *buf = s->arg;

	buf->ops->vunmap(buf, s->out);
}

static void check_buffer(struct sweep *s)
{
	struct vcm_phys *phys = vcm_dma_buf_get_phys(s->arg);

	KUNIT_EXPECT_EQ(s->test, 0, phys->pins);
	KUNIT_EXPECT_EQ(s->test, 2, refcount_read(&phys->users));
	vcm_phys_put(phys);
}

static void fail_dmabuf(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_one);
	struct sweep s = { .test = test, .bed = bed, .least = 1 };
	struct vcm_phys *phys;
	struct iosys_map at;

	need_injection(test);
	phys = bed_alloc(bed, SZ_1M, VCM_BLOCKS(PAGE_SHIFT, PAGE_SHIFT));
	s.arg = phys;
	s.call = call_export;
	s.undo = undo_export;
	s.check = check_export;
	sweep(&s);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));

	s.call = call_heap;
	s.check = NULL;
	sweep(&s);

	s.arg = vcm_heap_buffer("system", SZ_1M, O_RDWR);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s.arg);
	s.call = call_attach;
	s.undo = undo_attach;
	s.check = check_buffer;
	sweep(&s);
	s.out = &at;
	s.call = call_vmap;
	s.undo = undo_vmap;
	sweep(&s);
	s.out = s.arg;
	undo_export(&s);
	bed_end(bed);
}
#endif

static const struct size_class_desc fail_blocks[] = { { SZ_1M, 1 }, { SZ_64K, 40 } };
static const struct size_class_desc fail_ready[] = { { SZ_64K, 2 }, { PAGE_SIZE, 0 } };
static const struct vcm_pool_desc fail_pools[] = {
	{ .kind = VCM_POOL_RANGE, .start = NOWHERE, .len = SZ_4M,
	  .blocks = fail_blocks, .nr_blocks = ARRAY_SIZE(fail_blocks) },
	{ .kind = VCM_POOL_PAGES, .blocks = fail_ready, .nr_blocks = ARRAY_SIZE(fail_ready) },
};
static const struct vcm_memtype_desc fail_desc = {
	.name = "fail", .pools = fail_pools, .nr_pools = ARRAY_SIZE(fail_pools),
};

static int call_register(struct sweep *s)
{
	s->out = vcm_memtype_register(&fail_desc);
	return PTR_ERR_OR_ZERO(s->out);
}

static void undo_register(struct sweep *s)
{
	/* Blocks that could not be had are made up for. */
	KUNIT_EXPECT_EQ(s->test, 0, vcm_memtype_refill(s->out));
	KUNIT_EXPECT_EQ(s->test, 0, vcm_memtype_unregister(s->out));
}

static void check_register(struct sweep *s)
{
	KUNIT_EXPECT_EQ(s->test, -ENOENT, PTR_ERR_OR_ZERO(vcm_memtype_get("fail")));
}

static int call_refill(struct sweep *s)
{
	return vcm_memtype_refill(s->arg);
}

static void undo_nothing(struct sweep *s)
{
}

static void prepare_refill(struct sweep *s)
{
	struct vcm_pool *pool = &((struct vcm_memtype *)s->arg)->pools[1];
	struct page *page = NULL;

	spin_lock(&pool->lock);
	if (pool->ready[0].nr) {
		page = list_first_entry(&pool->ready[0].pages, struct page, lru);
		list_del(&page->lru);
		pool->ready[0].nr--;
	}
	spin_unlock(&pool->lock);
	if (page)
		__free_pages(page, pool->ready[0].order);
}

static int call_alloc_from(struct sweep *s)
{
	s->out = vcm_phys_alloc(s->arg, SZ_1M + 41 * SZ_64K + PAGE_SIZE, 0);
	return PTR_ERR_OR_ZERO(s->out);
}

static void check_alloc_from(struct sweep *s)
{
	struct vcm_memtype *type = s->arg;
	struct size_class_stat stat;
	unsigned int i;

	KUNIT_EXPECT_EQ(s->test, 0, atomic_long_read(&type->nr_allocs));
	KUNIT_EXPECT_EQ(s->test, 1, refcount_read(&type->users));
	for (i = 0; i < type->nr_pools; i++)
		KUNIT_EXPECT_EQ(s->test, 0, atomic64_read(&type->pools[i].used));
	for (i = 0; size_pool_stat(type->pools[0].blocks, i, &stat); i++)
		KUNIT_EXPECT_EQ(s->test, stat.count, stat.free);
}

static void fail_memtype(struct kunit *test)
{
	struct sweep declare = {
		.test = test, .call = call_register, .undo = undo_register,
		.check = check_register, .least = 2,
	};
	struct sweep refill = {
		.test = test, .call = call_refill, .undo = undo_nothing,
		.prepare = prepare_refill, .least = 1,
	};
	struct sweep alloc = {
		.test = test, .call = call_alloc_from, .undo = undo_alloc,
		.check = check_alloc_from, .least = 10,
	};

	need_injection(test);
	sweep(&declare);
	refill.arg = vcm_memtype_register(&fail_desc);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, refill.arg);
	sweep(&refill);
	alloc.arg = refill.arg;
	sweep(&alloc);
	KUNIT_EXPECT_EQ(test, 0, vcm_memtype_unregister(alloc.arg));
}

static int call_assoc(struct sweep *s)
{
	struct vcm_bed *bed = s->bed;

	s->out = vcm_assoc(bed->vcm, bed->devs[bed->nr - 1], 0);
	return PTR_ERR_OR_ZERO(s->out);
}

static void undo_assoc(struct sweep *s)
{
	KUNIT_EXPECT_EQ(s->test, 0, vcm_deassoc(s->out));
}

static void check_assoc(struct sweep *s)
{
	struct vcm_bed *bed = s->bed;
	unsigned int last = bed->nr - 1;
	struct vcm_soft_leaf leaf;

	KUNIT_EXPECT_EQ(s->test, last, vcm_get_num_tables(bed->vcm));
	KUNIT_EXPECT_EQ(s->test, 0, vcm_soft_table_pages(bed->units[last]));
	KUNIT_EXPECT_EQ(s->test, last, list_count_nodes(&bed->vcm->assocs));
	/* The unit is as free as it was, and its device on nothing. */
	KUNIT_EXPECT_EQ(s->test, 1, kref_read(&bed->units[last]->ref));
	KUNIT_EXPECT_EQ(s->test, -ENXIO,
			vcm_soft_walk(bed->units[last], bed->devs[last],
				      BED_START, &leaf));
}

#define NR_FAIL_RES	3

static void fail_assoc(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct vcm_phys *phys = bed_alloc(bed, SZ_64K + PAGE_SIZE, 0);
	struct vcm_res *res[NR_FAIL_RES];
	struct sweep s = {
		.test = test, .bed = bed, .call = call_assoc,
		.undo = undo_assoc, .check = check_assoc, .least = 4,
	};
	unsigned int i;

	need_injection(test);
	bed_join_first(bed, bed->nr - 1);
	for (i = 0; i < NR_FAIL_RES; i++) {
		res[i] = bed_reserve(bed, SZ_2M, VCM_RW);
		KUNIT_ASSERT_EQ(test, 0, vcm_back(res[i], phys));
	}
	sweep(&s);

	bed->nr--;
	for (i = 0; i < NR_FAIL_RES; i++) {
		bed_expect_memory(bed, res[i], phys);
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(res[i]));
		KUNIT_EXPECT_EQ(test, 1, kref_read(&res[i]->ref));
		KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res[i]));
	}
	bed_leave(bed);
	bed->nr++;
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

static int call_move(struct sweep *s)
{
	return vcm_assoc_move(s->bed->assocs[0], s->arg);
}

static void undo_move(struct sweep *s)
{
	KUNIT_EXPECT_EQ(s->test, 0,
			vcm_assoc_move(s->bed->assocs[0], s->bed->vcm));
}

static void check_move(struct sweep *s)
{
	struct vcm_bed *bed = s->bed;

	KUNIT_EXPECT_TRUE(s->test, vcm_is_active(bed->assocs[0]));
	KUNIT_EXPECT_PTR_EQ(s->test, bed->assocs[0],
			    vcm_get_assoc(bed->vcm, bed->devs[0]));
	KUNIT_EXPECT_EQ(s->test, 0, vcm_get_num_tables(s->arg));
}

static void fail_move(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct vcm_phys *phys = bed_alloc(bed, SZ_64K + PAGE_SIZE, 0);
	struct vcm *to = space_new(test, BED_START, BED_LEN);
	struct vcm_res *here = bed_reserve(bed, SZ_2M, VCM_RW);
	struct vcm_res *there = space_take(test, to, SZ_2M, VCM_RW);
	struct sweep s = {
		.test = test, .bed = bed, .arg = to, .call = call_move,
		.undo = undo_move, .check = check_move, .least = 3,
	};

	need_injection(test);
	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(here, phys));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(there, phys));
	sweep(&s);
	bed_expect_memory(bed, here, phys);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(there));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(here));
	space_give(test, there);
	space_give(test, here);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(to));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

static int call_restrict(struct sweep *s)
{
	return vcm_set_assoc_attr(s->bed->assocs[0], VCM_READ);
}

static void undo_restrict(struct sweep *s)
{
	KUNIT_EXPECT_EQ(s->test, 0, vcm_set_assoc_attr(s->bed->assocs[0], 0));
}

static void check_restrict(struct sweep *s)
{
	struct vcm_bed *bed = s->bed;

	KUNIT_EXPECT_TRUE(s->test, vcm_is_active(bed->assocs[0]));
	KUNIT_EXPECT_EQ(s->test, 0, vcm_get_assoc_attr(bed->assocs[0]));
	KUNIT_EXPECT_EQ(s->test, bed->kind->nr_formats,
			vcm_get_num_tables(bed->vcm));
}

static void fail_restrict(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct vcm_phys *phys = bed_alloc(bed, SZ_64K + PAGE_SIZE, 0);
	struct vcm_res *res = bed_reserve(bed, SZ_2M, VCM_RW);
	struct sweep s = {
		.test = test, .bed = bed, .call = call_restrict,
		.undo = undo_restrict, .check = check_restrict, .least = 3,
	};

	need_injection(test);
	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	sweep(&s);
	bed_expect_memory(bed, res, phys);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

static int call_activate(struct sweep *s)
{
	return vcm_activate(s->bed->assocs[0]);
}

static void undo_activate(struct sweep *s)
{
	KUNIT_EXPECT_EQ(s->test, 0, vcm_deactivate(s->bed->assocs[0]));
}

static void check_activate(struct sweep *s)
{
	KUNIT_EXPECT_FALSE(s->test, vcm_is_active(s->bed->assocs[0]));
}

/* A fresh range each time, so that page-table pages are missing there. */
static void prepare_back(struct sweep *s)
{
	s->out = vcm_reserve_at(s->bed->vcm, BED_START + s->nth * SZ_4M, SZ_4M,
				VCM_RW);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(s->test, s->out);
}

static int call_back(struct sweep *s)
{
	return vcm_back(s->out, s->arg);
}

static void undo_back(struct sweep *s)
{
	bed_expect_memory(s->bed, s->out, s->arg);
	KUNIT_EXPECT_EQ(s->test, 0, vcm_unback(s->out));
}

static void check_back(struct sweep *s)
{
	bed_expect_idle(s->bed, s->out, s->arg);
	KUNIT_EXPECT_EQ(s->test, 0, vcm_unreserve(s->out));
}

static void fail_activate_back(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct vcm_phys *phys = bed_alloc(bed, SZ_2M + SZ_64K + PAGE_SIZE, 0);
	struct sweep activate = {
		.test = test, .bed = bed, .call = call_activate,
		.undo = undo_activate, .check = check_activate,
	};
	struct sweep back = {
		.test = test, .bed = bed, .arg = phys, .prepare = prepare_back,
		.call = call_back, .undo = undo_back, .check = check_back,
		.least = 2,
	};

	need_injection(test);
	bed_join(bed);
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(bed->assocs[0]));
	sweep(&activate);
	KUNIT_EXPECT_EQ(test, 0, vcm_activate(bed->assocs[0]));
	sweep(&back);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

static int no_handler(struct device *dev, dma_addr_t addr, u32 access,
		      void *data)
{
	return -ENODEV;
}

static int call_hook(struct sweep *s)
{
	return vcm_hook(s->bed->devs[0], no_handler, NULL);
}

static void undo_hook(struct sweep *s)
{
	KUNIT_EXPECT_EQ(s->test, 0, vcm_hook(s->bed->devs[0], NULL, NULL));
}

static void check_hook(struct sweep *s)
{
	struct vcm_hook_stats stats;

	KUNIT_EXPECT_EQ(s->test, -ENOENT,
			vcm_hook_get_stats(s->bed->devs[0], &stats));
}

static void fail_hook(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_one);
	struct sweep hook = {
		.test = test, .bed = bed, .call = call_hook, .undo = undo_hook,
		.check = check_hook, .least = 1,
	};

	need_injection(test);
	sweep(&hook);
	bed_end(bed);
}

static const struct vcm_board_bound fail_bounds[] = {
	VCM_BOUND("low", BED_START, SZ_1M),
	VCM_BOUND("high", BED_START + SZ_16M, SZ_1M),
};

static const struct vcm_board_context fail_contexts[] = {
	VCM_CONTEXT("fail", BED_START, BED_LEN, VCM_BOUNDS(fail_bounds)),
	VCM_CONTEXT("fail too", BED_START, BED_LEN, VCM_BOUNDS(fail_bounds)),
};

static int call_board_add(struct sweep *s)
{
	return vcm_board_add(s->arg);
}

static void undo_board_add(struct sweep *s)
{
	KUNIT_EXPECT_EQ(s->test, 0, vcm_board_remove(s->arg));
}

static void check_board_add(struct sweep *s)
{
	KUNIT_EXPECT_EQ(s->test, -ENOENT, vcm_board_remove(s->arg));
}

static int call_get(struct sweep *s)
{
	s->out = vcm_get(s->arg, "frames");
	return PTR_ERR_OR_ZERO(s->out);
}

static void undo_get(struct sweep *s)
{
	KUNIT_EXPECT_PTR_EQ(s->test, s->out, vcm_get(s->arg, "frames"));
	vcm_put(s->out);
	vcm_put(s->out);
}

static void check_get(struct sweep *s)
{
	struct vcm_bed *bed = s->bed;
	unsigned int i;
	struct vcm *vcm;

	for (i = 0; i < bed->nr; i++) {
		KUNIT_EXPECT_EQ(s->test, 0,
				vcm_soft_table_pages(bed->units[i]));
		KUNIT_EXPECT_EQ(s->test, 1, kref_read(&bed->units[i]->ref));
	}
	guard(mutex)(&vcm_topology_lock);
	list_for_each_entry(vcm, &vcm_contexts, node)
		KUNIT_EXPECT_STRNEQ(s->test, "fail", vcm->name);
}

static void fail_board(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct device *unnamed = bed_device(test, NULL);
	const struct vcm_board_member members[] = {
		VCM_MEMBER(dev_name(bed->devs[bed->nr - 1]), "frames", "fail"),
	};
	const struct vcm_board board =
		VCM_BOARD("fail", fail_contexts, members);
	struct sweep add = {
		.test = test, .arg = (void *)&board, .call = call_board_add,
		.undo = undo_board_add, .check = check_board_add, .least = 2,
	};
	struct sweep get = {
		.test = test, .bed = bed, .arg = bed->devs[bed->nr - 1],
		.call = call_get, .undo = undo_get, .check = check_get,
		.least = 4,
	};

	need_injection(test);
	sweep(&add);
	KUNIT_ASSERT_EQ(test, 0, vcm_board_add(&board));
	sweep(&get);

	/* To note that a device was turned away takes memory, too. */
	vcm_inject_arm(1);
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			PTR_ERR_OR_ZERO(vcm_get(unnamed, "frames")));
	KUNIT_EXPECT_TRUE(test, vcm_inject_disarm());
	KUNIT_EXPECT_EQ(test, 0, vcm_board_remove(&board));
	bed_end(bed);
}

static int call_create_identity(struct sweep *s)
{
	s->out = vcm_create_identity(0, SZ_1M);
	return PTR_ERR_OR_ZERO(s->out);
}

static int call_create_kernel(struct sweep *s)
{
	s->out = vcm_create_kernel();
	return PTR_ERR_OR_ZERO(s->out);
}

static int call_create_user(struct sweep *s)
{
	s->out = vcm_create_user(s->arg);
	return PTR_ERR_OR_ZERO(s->out);
}

static int call_assoc_plain(struct sweep *s)
{
	s->out = vcm_assoc(s->bed->vcm, s->arg, 0);
	return PTR_ERR_OR_ZERO(s->out);
}

static void undo_assoc_plain(struct sweep *s)
{
	KUNIT_EXPECT_EQ(s->test, 0, vcm_deassoc(s->out));
}

static void check_assoc_plain(struct sweep *s)
{
	KUNIT_EXPECT_EQ(s->test, 0, vcm_get_num_tables(s->bed->vcm));
}

static void fail_no_iommu(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_one);
	struct sweep identity = {
		.test = test, .call = call_create_identity,
		.undo = undo_create, .least = 1,
	};
	struct sweep kernel = {
		.test = test, .call = call_create_kernel, .undo = undo_create,
		.least = 1,
	};
	struct sweep assoc = {
		.test = test, .bed = bed, .call = call_assoc_plain,
		.undo = undo_assoc_plain, .check = check_assoc_plain,
		.arg = bed_device(test, NULL), .least = 2,
	};

	need_injection(test);
	sweep(&identity);
	sweep(&kernel);
	sweep(&assoc);
	bed_end(bed);
}

static void prepare_back_home(struct sweep *s)
{
	s->out = vcm_reserve(s->bed->vcm, SZ_4M, VCM_RW);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(s->test, s->out);
}

static void undo_back_home(struct sweep *s)
{
	KUNIT_EXPECT_EQ(s->test, 0, vcm_unback(s->out));
}

static void check_back_home(struct sweep *s)
{
	struct vcm_phys *phys = s->arg;

	KUNIT_EXPECT_PTR_EQ(s->test, ERR_PTR(-ENOENT),
			    vcm_get_physmem_from_res(s->out));
	KUNIT_EXPECT_EQ(s->test, 1, refcount_read(&phys->users));
	KUNIT_EXPECT_EQ(s->test, 0, vcm_unreserve(s->out));
}

static void fail_user(struct kunit *test)
{
	struct sweep s = {
		.test = test, .call = call_create_user, .undo = undo_create,
		.arg = bed_process(test), .least = 3,
	};

	need_injection(test);
	sweep(&s);
	bed_process_exit(s.arg);
}

/* In contexts that are made around a table. */
static void fail_home(struct kunit *test)
{
	struct mm_struct *mm = bed_process(test);
	struct vcm *homes[] = {
		vcm_create_identity(0, (u64)SZ_1G * 1024), vcm_create_kernel(),
		vcm_create_user(mm),
	};
	/* The page-table pages of the kernel may be there already. */
	const unsigned int least[] = { 1, 0, 1 };
	struct vcm_bed *bed = bed_new(test, &vcm_bed_one);
	struct vcm_phys *phys = bed_alloc(bed, SZ_2M, VCM_CONTIG);
	struct vcm *own = bed->vcm;
	unsigned int i;

	need_injection(test);
	for (i = 0; i < ARRAY_SIZE(homes); i++) {
		struct sweep reserve = {
			.test = test, .call = call_reserve,
			.undo = undo_reserve, .check = check_reserve,
			.least = 1, .arg = homes[i],
		};
		struct sweep back = {
			.test = test, .bed = bed, .arg = phys,
			.prepare = prepare_back_home, .call = call_back,
			.undo = undo_back_home, .check = check_back_home,
			.least = least[i],
		};

		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, homes[i]);
		sweep(&reserve);
		bed->vcm = homes[i];
		sweep(&back);
		bed->vcm = own;
		KUNIT_EXPECT_EQ(test, 0, vcm_free(homes[i]));
	}
	bed_process_exit(mm);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

/* Not the first piece of a reservation, which is built in. */
static void prepare_range(struct sweep *s)
{
	prepare_back(s);
	KUNIT_ASSERT_EQ(s->test, 0, vcm_back_range(s->out, 0, s->arg, 0, SZ_4K));
}

static int call_range(struct sweep *s)
{
	return vcm_back_range(s->out, SZ_1M + SZ_4K, s->arg, SZ_4K,
			      SZ_2M + SZ_64K);
}

static void undo_range(struct sweep *s)
{
	bed_expect_access(s->bed, vcm_get_dev_addr(s->out) + SZ_1M + SZ_4K,
			  VCM_WRITE);
}

static void check_range(struct sweep *s)
{
	struct vcm_res *res = s->out;

	bed_expect_access(s->bed, vcm_get_dev_addr(res), VCM_WRITE);
	KUNIT_EXPECT_EQ(s->test, 0, vcm_unback(res));
	check_back(s);
}

/* What is put back when there is no memory for the new rights. */
static void prepare_attr(struct sweep *s)
{
	prepare_back(s);
	KUNIT_ASSERT_EQ(s->test, 0, vcm_back(s->out, s->arg));
}

static int call_attr(struct sweep *s)
{
	return vcm_set_res_attr(s->out, VCM_READ);
}

static void undo_attr(struct sweep *s)
{
	bed_expect_fault(s->bed, vcm_get_dev_addr(s->out), VCM_WRITE);
	KUNIT_EXPECT_EQ(s->test, 0, vcm_set_res_attr(s->out, VCM_RW));
}

static void check_attr(struct sweep *s)
{
	bed_expect_memory(s->bed, s->out, s->arg);
	KUNIT_EXPECT_EQ(s->test, VCM_RW, vcm_get_res_attr(s->out));
	KUNIT_EXPECT_EQ(s->test, 0, vcm_unback(s->out));
	check_back(s);
}

static void fail_range_attr(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct vcm_phys *phys = bed_alloc(bed, SZ_2M + SZ_64K + PAGE_SIZE, 0);
	struct sweep range = {
		.test = test, .bed = bed, .arg = phys, .prepare = prepare_range,
		.call = call_range, .undo = undo_range, .check = check_range,
		.least = 2,
	};
	struct sweep attr = {
		.test = test, .bed = bed, .arg = phys, .prepare = prepare_attr,
		.call = call_attr, .undo = undo_attr, .check = check_attr,
		.least = 1,
	};

	need_injection(test);
	bed_join(bed);
	sweep(&range);
	sweep(&attr);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

/* The memory type that it goes to next, if that is not the page allocator. */
static struct vcm_memtype *fail_there;

static int call_migrate(struct sweep *s)
{
	return vcm_phys_migrate(s->arg, fail_there, 0, 0);
}

static void undo_migrate(struct sweep *s)
{
}

static void check_migrate(struct sweep *s)
{
	struct vcm_phys *phys = s->arg;

	KUNIT_EXPECT_EQ(s->test, 0x77, phys_peek(phys, 0));
	KUNIT_EXPECT_EQ(s->test, 0x77, phys_peek(phys, phys->len - 1));
	KUNIT_EXPECT_EQ(s->test, 2, refcount_read(&phys->users));
	KUNIT_EXPECT_NULL(s->test, phys->limbo);
	bed_expect_memory(s->bed, s->out, phys);
	phys_fill(phys, 0x77);
	KUNIT_EXPECT_EQ(s->test, 0, vcm_unback(s->out));
	check_back(s);
}

static void fail_migrate(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct vcm_phys *phys = bed_alloc(bed, SZ_2M + SZ_64K + PAGE_SIZE, 0);
	struct sweep s = {
		.test = test, .bed = bed, .arg = phys, .prepare = prepare_attr,
		.call = call_migrate, .undo = undo_migrate,
		.check = check_migrate, .least = 2,
	};

	need_injection(test);
	phys_fill(phys, 0x77);
	bed_join(bed);
	sweep(&s);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

static void undo_migrate_type(struct sweep *s)
{
	KUNIT_EXPECT_EQ(s->test, 0, vcm_phys_migrate(s->arg, NULL, 0, 0));
}

/* To memory of another type, of which nothing may be left over. */
static void fail_migrate_type(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct vcm_phys *phys = bed_alloc(bed, SZ_256K + PAGE_SIZE, 0);
	struct sweep s = {
		.test = test, .bed = bed, .arg = phys, .prepare = prepare_attr,
		.call = call_migrate, .undo = undo_migrate_type,
		.check = check_migrate, .least = 2,
	};
	struct page *page;

	need_injection(test);
	page = real_memory(test);
	fail_there = make_real(test, page);
	phys_fill(phys, 0x77);
	bed_join(bed);
	sweep(&s);
	end(test, fail_there);
	fail_there = NULL;
	free_real_memory(page);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

static int call_alloc_in_one(struct sweep *s)
{
	s->out = vcm_alloc(s->bed->vcm, NULL, SZ_64K + PAGE_SIZE,
			   VCM_RW | VCM_ZERO);
	return PTR_ERR_OR_ZERO(s->out);
}

static int call_devm_alloc(struct sweep *s)
{
	s->out = devm_vcm_alloc(s->bed->devs[0], s->bed->vcm, NULL,
				SZ_64K + PAGE_SIZE, VCM_RW);
	return PTR_ERR_OR_ZERO(s->out);
}

static void undo_alloc_in_one(struct sweep *s)
{
	KUNIT_EXPECT_EQ(s->test, 0, vcm_dealloc(s->out));
}

/* See check_devm_alloc(). */
static void undo_devm_alloc(struct sweep *s)
{
}

static void prepare_devm_alloc(struct sweep *s)
{
	KUNIT_ASSERT_NOT_NULL(s->test, devres_open_group(s->bed->devs[0], s,
							 GFP_KERNEL));
}

static void check_alloc_in_one(struct sweep *s)
{
	KUNIT_EXPECT_EQ(s->test, 0, vcm_get_num_res(s->bed->vcm));
}

static void check_devm_alloc(struct sweep *s)
{
	devres_release_group(s->bed->devs[0], s);
	check_alloc_in_one(s);
}

static void fail_alloc_in_one(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct sweep once = {
		.test = test, .bed = bed, .call = call_alloc_in_one,
		.undo = undo_alloc_in_one, .check = check_alloc_in_one,
		.least = 1,	/* the memory; the reservation may be a parked one */
	};
	struct sweep devm = {
		.test = test, .bed = bed, .call = call_devm_alloc,
		.undo = undo_devm_alloc, .check = check_devm_alloc,
		.prepare = prepare_devm_alloc, .least = 1,
	};

	need_injection(test);
	bed_join(bed);
	sweep(&once);
	sweep(&devm);
	bed_end(bed);
}

static int call_clone(struct sweep *s)
{
	s->out = vcm_clone(s->bed->vcm);
	return PTR_ERR_OR_ZERO(s->out);
}

static void undo_clone(struct sweep *s)
{
	struct vcm_res *res;

	vcm_for_each_res(s->out, res) {
		KUNIT_EXPECT_EQ(s->test, 0, vcm_unback(res));
		KUNIT_EXPECT_EQ(s->test, 0, vcm_unreserve(res));
	}
	KUNIT_EXPECT_EQ(s->test, 0, vcm_free(s->out));
}

static void check_clone(struct sweep *s)
{
	struct vcm_phys *phys = s->arg;

	KUNIT_EXPECT_EQ(s->test, 1 + 2 * NR_FAIL_RES,
			refcount_read(&phys->users));
}

static void fail_clone(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_one);
	struct vcm_phys *phys = bed_alloc(bed, SZ_64K, 0);
	struct vcm_res *res[NR_FAIL_RES];
	struct sweep s = {
		.test = test, .bed = bed, .arg = phys, .call = call_clone,
		.undo = undo_clone, .check = check_clone,
		.least = NR_FAIL_RES / 2,
	};
	unsigned int i;

	need_injection(test);
	for (i = 0; i < NR_FAIL_RES; i++) {
		res[i] = bed_reserve(bed, SZ_2M, VCM_RW);
		KUNIT_ASSERT_EQ(test, 0, vcm_back(res[i], phys));
		KUNIT_ASSERT_EQ(test, 0, vcm_back_range(res[i], SZ_1M, phys, 0,
							SZ_64K));
	}
	sweep(&s);
	for (i = 0; i < NR_FAIL_RES; i++) {
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(res[i]));
		KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res[i]));
	}
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

static struct kunit_case vcm_fail_cases[] = {
	KUNIT_CASE(fail_create_reserve),
	KUNIT_CASE(fail_bound),
	KUNIT_CASE(fail_alloc),
	KUNIT_CASE(fail_hook),
	KUNIT_CASE_PARAM(fail_assoc, fail_gen_params),
	KUNIT_CASE_PARAM(fail_restrict, move_gen_params),
	KUNIT_CASE_PARAM(fail_move, move_gen_params),
	KUNIT_CASE_PARAM(fail_activate_back, fail_gen_params),
	KUNIT_CASE_PARAM(fail_range_attr, fail_gen_params),
	KUNIT_CASE_PARAM(fail_alloc_in_one, fail_gen_params),
	KUNIT_CASE_PARAM(fail_migrate, fail_gen_params),
	KUNIT_CASE_PARAM(fail_migrate_type, fail_gen_params),
	KUNIT_CASE(fail_clone),
	KUNIT_CASE_PARAM(fail_board, fail_gen_params),
	KUNIT_CASE(fail_memtype),
#ifdef CONFIG_VCM_DMABUF_HEAPS
	KUNIT_CASE(fail_dmabuf),
#endif
	KUNIT_CASE(fail_no_iommu),
	KUNIT_CASE(fail_user),
	KUNIT_CASE(fail_home),
	{}
};

static struct kunit_suite vcm_fail_suite = {
	.name = "vcm_fail",
	.suite_init = vcm_inject_init,
	.suite_exit = vcm_inject_exit,
	.test_cases = vcm_fail_cases,
};

kunit_test_suite(vcm_fail_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: no memory");
MODULE_LICENSE("GPL");
