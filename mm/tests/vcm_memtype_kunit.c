// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of mm/vcm_memtype.c: memory types (P8, P9).
 *
 * A test for each rule and each attribute, and each attribute's test also looks
 * at what comes without it. Where nobody touches the memory it is a range of
 * addresses at which there is none: no struct page, nothing in the linear map,
 * and beyond 32 bits (hard case 22).
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "vcm_memtype_test.h"

/* P9: largest first, next size, next pool in order of priority. */
static void memtype_greedy(struct kunit *test)
{
	struct vcm_memtype *type = make(test, two_pools, 2);
	struct vcm_phys *phys;
	unsigned int i;

	/* 2 MiB + 64 KiB are in the first pool, though the second has 2 MiB. */
	phys = get(test, type, SZ_2M + SZ_64K, 0);
	expect_chunk(test, phys, 0, NOWHERE, SZ_1M);
	expect_chunk(test, phys, 1, NOWHERE + SZ_1M, SZ_1M);
	expect_chunk(test, phys, 2, NOWHERE + SZ_2M, SZ_64K);
	KUNIT_EXPECT_EQ(test, 3, phys->nr_chunks);
	KUNIT_EXPECT_PTR_EQ(test, type, vcm_get_memtype_of_physalloc(phys));
	expect_free(test, type, 0, 0, 0);
	expect_free(test, type, 0, 1, 3);
	expect_free(test, type, 1, 0, 1);
	KUNIT_EXPECT_EQ(test, SZ_2M + SZ_64K, atomic64_read(&type->pools[0].used));
	give(test, phys);
	expect_free(test, type, 0, 0, 2);
	expect_free(test, type, 0, 1, 4);

	/* All of the first, then of the second. */
	phys = get(test, type, 4 * SZ_1M + 6 * SZ_64K + 3 * PAGE_SIZE, 0);
	KUNIT_EXPECT_EQ(test, 2 + 4 + 1 + 2 + 3, phys->nr_chunks);
	expect_chunk(test, phys, 6, SMALL_AT, SZ_2M);
	expect_chunk(test, phys, 7, SMALL_AT + SZ_2M, SZ_64K);
	for (i = 0; i < 3; i++)
		expect_chunk(test, phys, 9 + i,
			     SMALL_AT + SZ_2M + 8 * SZ_64K + i * PAGE_SIZE, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, BIG_LEN, atomic64_read(&type->pools[0].used));
	give(test, phys);
	end(test, type);
}

/* Less than one smallest block is wasted, and large blocks are not for that. */
static void memtype_waste(struct kunit *test)
{
	struct vcm_memtype *type = make(test, two_pools, 2);
	struct vcm_phys *phys, *all;

	phys = get(test, type, SZ_64K + 1, 0);
	KUNIT_EXPECT_EQ(test, SZ_64K + PAGE_SIZE, vcm_get_phys_len(phys));
	expect_chunk(test, phys, 0, NOWHERE + SZ_2M, SZ_64K);
	expect_chunk(test, phys, 1, SMALL_AT + SZ_2M + 8 * SZ_64K, PAGE_SIZE);
	give(test, phys);

	/* No page is left: 64 KiB would do, but they are not for a page. */
	all = get(test, type, 32 * PAGE_SIZE, VCM_BLOCKS(PAGE_SHIFT, PAGE_SHIFT));
	KUNIT_EXPECT_EQ(test, 32, all->nr_chunks);
	KUNIT_EXPECT_EQ(test, -ENOMEM, refused(type, 1, 0));
	KUNIT_EXPECT_EQ(test, -ENOMEM, refused(type, SZ_64K + 1, 0));
	KUNIT_EXPECT_EQ(test, 0, refused(type, SZ_64K, 0));
	/* Whoever wants 64 KiB for it says so. */
	phys = get(test, type, 1, VCM_BLOCKS(16, 0));
	KUNIT_EXPECT_EQ(test, SZ_64K, vcm_get_phys_len(phys));
	give(test, phys);
	give(test, all);
	end(test, type);
}

/* Each class in turn is used up; all blocks of the others are still there. */
static void memtype_exhaustion(struct kunit *test)
{
	static const unsigned int orders[] = { 21, 16, PAGE_SHIFT };
	struct vcm_memtype *type = make(test, &two_pools[1], 1);
	struct vcm_phys *phys, *other;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(small); i++) {
		u32 only = VCM_BLOCKS(orders[i], orders[i]);

		phys = get(test, type, small[i].size * small[i].count, only);
		KUNIT_EXPECT_EQ(test, small[i].count, phys->nr_chunks);
		expect_free(test, type, 0, i, 0);
		KUNIT_EXPECT_EQ(test, -ENOMEM, refused(type, small[i].size, only));
		for (j = 0; j < ARRAY_SIZE(small); j++) {
			if (j == i)
				continue;
			other = get(test, type, small[j].size * small[j].count,
				    VCM_BLOCKS(orders[j], orders[j]));
			KUNIT_EXPECT_EQ(test, small[j].count, other->nr_chunks);
			give(test, other);
		}
		give(test, phys);
		expect_free(test, type, 0, i, small[i].count);
	}
	/* All of it, and a byte more. */
	KUNIT_EXPECT_EQ(test, 0, refused(type, SMALL_LEN, 0));
	KUNIT_EXPECT_EQ(test, -ENOMEM, refused(type, SMALL_LEN + 1, 0));
	KUNIT_EXPECT_EQ(test, -ENOMEM, refused(type, SIZE_MAX, 0));
	end(test, type);
}

/* VCM_CONTIG */
static void memtype_contig(struct kunit *test)
{
	struct vcm_memtype *type = make(test, two_pools, 2);
	struct vcm_phys *phys, *block[3];
	unsigned int i;

	phys = get(test, type, SZ_2M, VCM_CONTIG);
	KUNIT_EXPECT_EQ(test, 1, phys->nr_chunks);
	expect_chunk(test, phys, 0, NOWHERE, SZ_2M);
	give(test, phys);
	phys = get(test, type, SZ_2M, 0);
	KUNIT_EXPECT_EQ(test, 2, phys->nr_chunks);
	give(test, phys);

	/* A page more: there is no such row of pages, and nothing is wasted. */
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, refused(type, SZ_2M + PAGE_SIZE, VCM_CONTIG));
	KUNIT_EXPECT_EQ(test, 0, refused(type, SZ_2M + PAGE_SIZE, 0));
	KUNIT_EXPECT_EQ(test, 0, refused(type, 32 * PAGE_SIZE, VCM_CONTIG));

	/* 64 KiB: free, taken, free, taken. No two in a row in the first pool. */
	for (i = 0; i < 3; i++)
		block[i] = get(test, type, SZ_64K, 0);
	phys = get(test, type, SZ_64K, 0);
	give(test, block[0]);
	give(test, block[2]);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	phys = get(test, type, SZ_64K, 0);	/* the lowest */
	give(test, phys);
	phys = get(test, type, 3 * SZ_64K, VCM_CONTIG);
	KUNIT_EXPECT_EQ(test, 1, phys->nr_chunks);
	expect_chunk(test, phys, 0, SMALL_AT + SZ_2M, 3 * SZ_64K);
	give(test, phys);
	phys = get(test, type, 3 * SZ_64K, 0);
	expect_chunk(test, phys, 0, NOWHERE + SZ_2M, SZ_64K);
	KUNIT_EXPECT_EQ(test, 3, phys->nr_chunks);
	give(test, phys);

	/* Could be, but is not. */
	phys = get(test, type, 6 * SZ_64K, VCM_CONTIG);
	KUNIT_EXPECT_EQ(test, -ENOMEM, refused(type, 4 * SZ_64K, VCM_CONTIG));
	give(test, phys);
	give(test, block[1]);
	KUNIT_EXPECT_EQ(test, 0, refused(type, 4 * SZ_64K, VCM_CONTIG));
	end(test, type);
}

/* VCM_ALIGN() */
static void memtype_align(struct kunit *test)
{
	static const struct size_class_desc pages[] = { { PAGE_SIZE, SZ_256K / PAGE_SIZE } };
	const struct vcm_pool_desc pool = RANGE(NOWHERE + PAGE_SIZE, SZ_256K, pages);
	struct vcm_memtype *type = make(test, &pool, 1);
	struct vcm_phys *phys;

	phys = get(test, type, PAGE_SIZE, 0);
	expect_chunk(test, phys, 0, NOWHERE + PAGE_SIZE, PAGE_SIZE);
	give(test, phys);
	phys = get(test, type, PAGE_SIZE, VCM_ALIGN(16));
	expect_chunk(test, phys, 0, NOWHERE + SZ_64K, PAGE_SIZE);
	give(test, phys);
	/* Each chunk is aligned: so they are as long as that. */
	phys = get(test, type, SZ_64K + PAGE_SIZE, VCM_ALIGN(16));
	expect_chunk(test, phys, 0, NOWHERE + SZ_64K, SZ_64K);
	expect_chunk(test, phys, 1, NOWHERE + SZ_128K, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, 2, phys->nr_chunks);
	give(test, phys);
	phys = get(test, type, SZ_128K + PAGE_SIZE, VCM_ALIGN(16) | VCM_CONTIG);
	expect_chunk(test, phys, 0, NOWHERE + SZ_64K, SZ_128K + PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, -ENOMEM, refused(type, SZ_64K, VCM_ALIGN(16)));
	give(test, phys);

	/* Four begin at a multiple of 64 KiB, one of 256 KiB, none of 512. */
	KUNIT_EXPECT_EQ(test, 0, refused(type, PAGE_SIZE, VCM_ALIGN(18)));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, refused(type, PAGE_SIZE, VCM_ALIGN(19)));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, refused(type, SZ_256K - PAGE_SIZE,
						   VCM_ALIGN(16) | VCM_CONTIG));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, refused(type, 1, VCM_ALIGN(63)));
	end(test, type);
}

/* VCM_BLOCKS(), from the page allocator and from a range */
static void memtype_blocks(struct kunit *test)
{
	struct vcm_memtype *type = make(test, two_pools, 2);
	struct vcm_memtype *types[] = { NULL, type };
	struct vcm_phys *phys;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		phys = get(test, types[i], 4 * SZ_64K + 1, VCM_BLOCKS(16, 16));
		KUNIT_EXPECT_EQ(test, 5 * SZ_64K, vcm_get_phys_len(phys));
		KUNIT_EXPECT_EQ(test, 5, phys->nr_chunks);
		expect_blocks(test, phys, SZ_64K, SZ_64K);
		give(test, phys);
		/* At most: not one of 1 MiB. */
		phys = get(test, types[i], SZ_512K, VCM_BLOCKS(0, 16));
		expect_blocks(test, phys, PAGE_SIZE, SZ_64K);
		KUNIT_EXPECT_EQ(test, 8, phys->nr_chunks);
		give(test, phys);
		/* At least: rounded up. */
		phys = get(test, types[i], 1, VCM_BLOCKS(20, 0));
		KUNIT_EXPECT_EQ(test, SZ_1M, vcm_get_phys_len(phys));
		give(test, phys);
		/* In a row. */
		phys = get(test, types[i], 3 * SZ_64K, VCM_BLOCKS(16, 16) | VCM_CONTIG);
		KUNIT_EXPECT_EQ(test, 1, phys->nr_chunks);
		KUNIT_EXPECT_EQ(test, 3 * SZ_64K, vcm_get_phys_len(phys));
		give(test, phys);
		KUNIT_EXPECT_EQ(test, -EINVAL, refused(types[i], 1, VCM_BLOCKS(17, 16)));
		KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, refused(types[i], 1, VCM_BLOCKS(40, 63)));
		KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, refused(types[i], 1, VCM_BLOCKS(1, 9)));
	}
	/* Without: the largest there is. */
	phys = get(test, type, SZ_1M, 0);
	expect_blocks(test, phys, SZ_1M, SZ_1M);
	give(test, phys);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, refused(type, SZ_1M, VCM_BLOCKS(17, 19)));
	end(test, type);
}

static void memtype_zero(struct kunit *test)
{
	struct page *page = real_memory(test);
	struct vcm_memtype *type = make_real(test, page);

	expect_zero(test, type, SZ_256K + SZ_64K + 3 * PAGE_SIZE, true);
	expect_zero(test, type, REAL_LEN, true);
	end(test, type);
	free_real_memory(page);
}

/* Busy means busy. */
static void memtype_unregister_busy(struct kunit *test)
{
	struct vcm_memtype *type = make(test, two_pools, 2), *got;
	struct vcm_phys *phys;

	KUNIT_EXPECT_EQ(test, -EEXIST, PTR_ERR_OR_ZERO(try_register("test", two_pools, 2)));
	got = vcm_memtype_get("test");
	KUNIT_ASSERT_PTR_EQ(test, type, got);
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_memtype_unregister(type));
	phys = get(test, got, SZ_1M, 0);
	vcm_memtype_put(got);
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_memtype_unregister(type));
	KUNIT_EXPECT_EQ(test, 0, refused(type, SZ_1M, 0));
	give(test, phys);
	end(test, type);
	KUNIT_EXPECT_EQ(test, -ENOENT, PTR_ERR_OR_ZERO(vcm_memtype_get("test")));

	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_memtype_unregister(NULL));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_memtype_unregister(ERR_PTR(-ENOMEM)));
	got = vcm_memtype_get("system");
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_memtype_unregister(got));
	vcm_memtype_put(got);
	vcm_memtype_put(NULL);
	vcm_memtype_put(ERR_PTR(-ENOMEM));
}

static int node_refused(struct vcm_memtype *type, int nid)
{
	struct vcm_phys *phys = vcm_phys_alloc_node(type, SZ_64K, 0, nid);

	if (IS_ERR(phys))
		return PTR_ERR(phys);
	vcm_phys_free(phys);
	return 0;
}

/* A node is honoured, or refused. */
static void memtype_node(struct kunit *test)
{
	struct vcm_memtype *type = make(test, two_pools, 2), *real;
	struct page *page = real_memory(test);
	struct vcm_phys *phys;
	phys_addr_t pa;
	unsigned int i;
	size_t len;
	int nid;

	KUNIT_EXPECT_EQ(test, 0, node_refused(type, NUMA_NO_NODE));
	KUNIT_EXPECT_EQ(test, -EINVAL, node_refused(NULL, NUMA_NO_NODE - 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, node_refused(NULL, MAX_NUMNODES));
	for (nid = 0; nid < MAX_NUMNODES; nid++)
		if (!node_online(nid))
			KUNIT_EXPECT_EQ(test, -EINVAL, node_refused(NULL, nid));

	for_each_online_node(nid) {
		/* Nobody knows on which node there is no memory. */
		KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, node_refused(type, nid));
		if (!node_state(nid, N_MEMORY))
			continue;
		phys = vcm_phys_alloc_node(NULL, SZ_2M + 3 * PAGE_SIZE, VCM_ZERO, nid);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
		for (i = 0; !vcm_get_chunk(phys, i, &pa, &len); i++)
			KUNIT_EXPECT_EQ(test, nid, pfn_to_nid(PHYS_PFN(pa)));
		give(test, phys);
	}
	end(test, type);

	real = make_real(test, page);
	for_each_online_node(nid)
		KUNIT_EXPECT_EQ(test, page_to_nid(page) == nid ? 0 : -EOPNOTSUPP,
				node_refused(real, nid));
	end(test, real);
	free_real_memory(page);
}

/* Memory of a pool in every kind of context, written by devices. */
static void memtype_back(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct page *page = real_memory(test);
	struct vcm_memtype *type = make_real(test, page);
	struct vcm_phys *phys = get(test, type, SZ_256K + 2 * SZ_64K + PAGE_SIZE, 0);
	struct vcm_res *res = bed_reserve(bed, SZ_2M, VCM_RW);
	phys_addr_t pa;
	size_t len;

	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	bed_expect_memory(bed, res, phys);
	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(phys, 1, &pa, &len));
	KUNIT_EXPECT_EQ(test, 1, vcm_get_phys_num_res(pa));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_memtype_unregister(type));
	KUNIT_ASSERT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	give(test, phys);
	KUNIT_EXPECT_EQ(test, 0, vcm_get_phys_num_res(pa));
	bed_end(bed);
	end(test, type);
	free_real_memory(page);
}

/*
 * Hard case 22: physical addresses of more than 32 bits, and no struct page.
 * The table has them exactly; a unit that cannot reach so far refuses.
 */
static void memtype_back_far(struct kunit *test)
{
	static const struct vcm_bed_kind far = { "far", 1, { VCM_SOFT_LPAE }, 1 };
	static const struct vcm_bed_kind near = { "near", 1, { VCM_SOFT_V7S }, 1 };
	struct vcm_bed *bed = bed_new(test, &far), *narrow = bed_new(test, &near);
	struct vcm_memtype *type = make(test, two_pools, 2);
	struct vcm_phys *phys = get(test, type, SZ_2M, VCM_BLOCKS(21, 21));
	struct vcm_res *res = bed_reserve(bed, SZ_2M, VCM_RW);
	struct vcm_res *refused_res = bed_reserve(narrow, SZ_2M, VCM_RW);
	struct vcm_soft_leaf leaf;
	phys_addr_t pa;
	size_t off;

	bed_join(bed);
	bed_join(narrow);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	for (off = 0; off < SZ_2M; off += SZ_64K) {
		dma_addr_t addr = vcm_get_dev_addr(res) + off;

		KUNIT_EXPECT_EQ(test, 0, vcm_soft_walk(bed->units[0], bed->devs[0], addr, &leaf));
		KUNIT_EXPECT_EQ(test, SMALL_AT + off, leaf.pa);
		KUNIT_EXPECT_EQ(test, SZ_2M, leaf.size);
		KUNIT_EXPECT_EQ(test, 0, vcm_dev_addr_to_phys_addr(bed->vcm, addr, &pa));
		KUNIT_EXPECT_EQ(test, SMALL_AT + off, pa);
		KUNIT_EXPECT_EQ(test, 1, vcm_get_phys_num_res(pa));
	}
	KUNIT_EXPECT_EQ(test, -ERANGE, vcm_back(refused_res, phys));
	bed_expect_unmapped(narrow, vcm_get_dev_addr(refused_res), SZ_2M);
	KUNIT_EXPECT_EQ(test, 1, vcm_get_phys_num_res(SMALL_AT));
	KUNIT_ASSERT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(refused_res));
	give(test, phys);
	bed_end(bed);
	bed_end(narrow);
	end(test, type);
}

#define NR_FUZZ		64
#define NR_STEPS	4000

/* Random allocations of all kinds; the books of each pool are always exact. */
static void memtype_fuzz(struct kunit *test)
{
	const struct vcm_pool_desc pools[] = {
		two_pools[0], two_pools[1], { .kind = VCM_POOL_PAGES },
	};
	struct vcm_memtype *type = make(test, pools, ARRAY_SIZE(pools));
	struct vcm_phys *phys[NR_FUZZ] = {};
	unsigned int i, j, n, nr, met = 0;
	struct rnd_state rnd;
	u64 sum, used, free;

	prandom_seed_state(&rnd, 20100624);
	for (i = 0; i < NR_STEPS; i++) {
		struct size_class_stat stat;
		struct vcm_phys **p = &phys[prandom_u32_state(&rnd) % NR_FUZZ];

		if (*p) {
			give(test, *p);
			*p = NULL;
		} else {
			size_t len = 1 + prandom_u32_state(&rnd) %
				     (PAGE_SIZE << prandom_u32_state(&rnd) % 10);
			u32 attr = prandom_u32_state(&rnd) & VCM_CONTIG;

			if (!(prandom_u32_state(&rnd) % 4))
				attr |= VCM_ALIGN(prandom_u32_state(&rnd) % 18);
			if (!(prandom_u32_state(&rnd) % 4))
				attr |= VCM_BLOCKS(12 + prandom_u32_state(&rnd) % 5, 0);
			*p = vcm_phys_alloc(type, len, attr);
			if (IS_ERR(*p))
				*p = NULL;
			else
				met++;
		}

		if (i % 16)
			continue;
		for (used = 0, n = 0; n < type->nr_pools; n++)
			used += atomic64_read(&type->pools[n].used);
		for (sum = 0, nr = 0, j = 0; j < NR_FUZZ; j++) {
			sum += phys[j] ? vcm_get_phys_len(phys[j]) : 0;
			nr += !!phys[j];
		}
		KUNIT_ASSERT_EQ(test, sum, used);
		KUNIT_ASSERT_EQ(test, nr, atomic_long_read(&type->nr_allocs));
		for (n = 0; n < 2; n++) {
			for (free = 0, j = 0; size_pool_stat(type->pools[n].blocks, j, &stat); j++)
				free += stat.free * stat.size;
			KUNIT_ASSERT_EQ(test, size_pool_len(type->pools[n].blocks) - free,
					atomic64_read(&type->pools[n].used));
		}
	}
	KUNIT_EXPECT_GT(test, met, NR_STEPS / 4);
	for (i = 0; i < NR_FUZZ; i++)
		if (phys[i])
			give(test, phys[i]);
	expect_free(test, type, 0, 0, 2);
	expect_free(test, type, 1, 2, 32);
	end(test, type);
}

#define NR_RACERS	4
#define RACE_MS		300

/**
 * struct racer - a thread that takes and gives memory
 * @task: the thread
 * @type: where from
 * @mark: what it writes into its memory
 * @rounds: how often it got some
 * @surprises: how often it was not its own
 */
struct racer {
	struct task_struct *task;
	struct vcm_memtype *type;
	u8 mark;
	unsigned int rounds;
	unsigned int surprises;
};

static int race(void *data)
{
	struct racer *r = data;
	unsigned int i;

	for (i = 0; !kthread_should_stop(); i++) {
		size_t len = (1 + (i * 7 + r->mark) % 24) * PAGE_SIZE;
		struct vcm_phys *phys = vcm_phys_alloc(r->type, len, i & 1 ? VCM_CONTIG : 0);

		if (!IS_ERR(phys)) {
			phys_fill(phys, r->mark);
			cond_resched();
			r->surprises += !is_filled(phys, r->mark);
			r->surprises += vcm_memtype_unregister(r->type) != -EBUSY;
			r->surprises += vcm_phys_free(phys) != 0;
			r->rounds++;
		}
		cond_resched();
	}
	return 0;
}

/* Several threads at one memory type: nobody gets what another one has. */
static void memtype_race(struct kunit *test)
{
	static const struct size_class_desc ready[] = { { SZ_64K, 2 }, { PAGE_SIZE, 0 } };
	struct page *page = real_memory(test);
	const struct vcm_pool_desc pools[] = {
		RANGE(page_to_phys(page), REAL_LEN, real_blocks),
		{ .kind = VCM_POOL_PAGES, .blocks = ready, .nr_blocks = ARRAY_SIZE(ready) },
	};
	struct vcm_memtype *type = make(test, pools, ARRAY_SIZE(pools));
	struct vcm_phys *rest = get(test, type, SZ_256K + SZ_64K + 16 * PAGE_SIZE, 0);
	struct racer racers[NR_RACERS];
	unsigned int i;

	for (i = 0; i < NR_RACERS; i++) {
		racers[i] = (struct racer){ .type = type, .mark = 0x11 * (i + 1) };
		racers[i].task = kthread_run(race, &racers[i], "memtype/%u", i);
		KUNIT_EXPECT_FALSE(test, IS_ERR(racers[i].task));
	}
	msleep(RACE_MS);
	for (i = 0; i < NR_RACERS; i++) {
		if (IS_ERR(racers[i].task))
			continue;
		kthread_stop(racers[i].task);
		KUNIT_EXPECT_EQ(test, 0, racers[i].surprises);
		KUNIT_EXPECT_GT(test, racers[i].rounds, 0);
	}
	give(test, rest);
	for (i = 0; i < ARRAY_SIZE(real_blocks); i++)
		expect_free(test, type, 0, i, real_blocks[i].count);
	end(test, type);
	free_real_memory(page);
}

/* Many blocks in one call, each of which is a chunk. */
#define NR_MANY		10000

static void memtype_many(struct kunit *test)
{
	static const struct size_class_desc pages[] = { { PAGE_SIZE, NR_MANY } };
	const struct vcm_pool_desc pool = RANGE(NOWHERE, NR_MANY * PAGE_SIZE, pages);
	struct vcm_memtype *type = make(test, &pool, 1);
	struct vcm_phys *phys = get(test, type, NR_MANY * PAGE_SIZE, 0);

	KUNIT_EXPECT_EQ(test, NR_MANY, phys->nr_chunks);
	expect_free(test, type, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, -ENOMEM, refused(type, 1, 0));
	give(test, phys);
	expect_free(test, type, 0, 0, NR_MANY);
	end(test, type);
}

/* [memtype] */
static const struct size_class_desc camera_region[] = {
	{ SZ_16M, 1 }, { SZ_1M, 8 }, { SZ_64K, 64 },
};

static const struct size_class_desc camera_pages[] = {
	{ SZ_2M, 2 }, { SZ_64K, 0 }, { PAGE_SIZE, 0 },
};

static const struct vcm_pool_desc camera_pools[] = {
	{
		.kind = VCM_POOL_RANGE, .start = (phys_addr_t)64 * SZ_1G, .len = SZ_32M,
		.blocks = camera_region, .nr_blocks = ARRAY_SIZE(camera_region),
	}, {
		.kind = VCM_POOL_PAGES,
		.blocks = camera_pages, .nr_blocks = ARRAY_SIZE(camera_pages),
	},
};

static const struct vcm_memtype_desc camera_memory = {
	.name = "camera", .pools = camera_pools, .nr_pools = ARRAY_SIZE(camera_pools),
};

static void memtype_example(struct kunit *test)
{
	/* Whoever knows the machine: */
	struct vcm_memtype *camera = vcm_memtype_register(&camera_memory);

	/* A driver: 16 MiB + 64 KiB from the region, a page from the other. */
	struct vcm_memtype *type = vcm_memtype_get("camera");
	struct vcm_phys *phys = vcm_phys_alloc(type, SZ_16M + SZ_64K + 1, 0);

	KUNIT_EXPECT_EQ(test, SZ_16M + SZ_64K + PAGE_SIZE, vcm_get_phys_len(phys));

	vcm_phys_free(phys);
	vcm_memtype_put(type);
	KUNIT_EXPECT_EQ(test, 0, vcm_memtype_unregister(camera));
}

/* [end] */

/* What debugfs says is true. */
static void memtype_show(struct kunit *test)
{
	struct vcm_memtype *type = make(test, two_pools, 2);
	struct vcm_phys *phys = get(test, type, SZ_1M + SZ_64K + PAGE_SIZE, 0);
	struct seq_file s = { .size = SZ_4K };

	s.buf = kunit_kzalloc(test, s.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s.buf);
	vcm_memtype_show(&s);
	KUNIT_EXPECT_NOT_NULL(test, strstr(s.buf, "memory type system: allocations: 0\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(s.buf, "memory type test: allocations: 1\n"
						  "  pool 0, range: 1088 KiB taken"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(s.buf, "    blocks of 1024 KiB: 1 of 2 free\n"
						  "    blocks of 64 KiB: 3 of 4 free\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(s.buf, "blocks of 2048 KiB: 1 of 1 free\n"));
	give(test, phys);
	end(test, type);
}

static struct kunit_case vcm_memtype_cases[] = {
	KUNIT_CASE(memtype_greedy),
	KUNIT_CASE(memtype_waste),
	KUNIT_CASE(memtype_exhaustion),
	KUNIT_CASE(memtype_contig),
	KUNIT_CASE(memtype_align),
	KUNIT_CASE(memtype_blocks),
	KUNIT_CASE(memtype_zero),
	KUNIT_CASE(memtype_unregister_busy),
	KUNIT_CASE(memtype_node),
	KUNIT_CASE_PARAM(memtype_back, vcm_bed_gen_params),
	KUNIT_CASE(memtype_back_far),
	KUNIT_CASE(memtype_fuzz),
	KUNIT_CASE(memtype_race),
	KUNIT_CASE(memtype_many),
	KUNIT_CASE(memtype_show),
	KUNIT_CASE(memtype_example),
	{}
};

static struct kunit_suite vcm_memtype_suite = {
	.name = "vcm_memtype",
	.test_cases = vcm_memtype_cases,
};

kunit_test_suite(vcm_memtype_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: memory types");
MODULE_LICENSE("GPL");
