// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of lib/size_pool.c.
 *
 * The fuzz test compares with a model that is one byte for each block. The
 * cost is counted in steps, not in time: all that grows is a tree, so its
 * height is what a request can cost. The seed of the fuzz test is printed, and
 * size_pool_kunit.seed= repeats a run.
 */

#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/size_plan.h>
#include <linux/size_pool.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

static unsigned int seed;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "Seed of the fuzz test, 0 for a random one");

/* Beyond 4 GiB: nothing may be lost of an address, on 32 bit neither. */
#define START	(5 * (u64)SZ_1G)

static const struct size_class_desc three[] = {
	{ SZ_1M, 4 }, { SZ_64K, 8 }, { SZ_4K, 16 },
};

#define THREE_LEN	(4 * SZ_1M + 8 * SZ_64K + 16 * SZ_4K)

static struct size_pool *make(struct kunit *test, const struct size_class_desc *classes,
			      unsigned int nr, u64 len)
{
	struct size_pool *pool = size_pool_create(START, len, classes, nr);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	return pool;
}

static void expect_free(struct kunit *test, struct size_pool *pool,
			unsigned int index, u64 want)
{
	struct size_class_stat stat;

	KUNIT_ASSERT_TRUE(test, size_pool_stat(pool, index, &stat));
	KUNIT_ASSERT_EQ(test, want, stat.free);
}

static void expect_run(struct kunit *test, struct size_run *run, u64 first, u64 len)
{
	KUNIT_EXPECT_EQ(test, first, run->range.first);
	KUNIT_EXPECT_EQ(test, first + len - 1, run->range.last);
}

static void size_pool_test_layout(struct kunit *test)
{
	static const struct size_class_desc rest[] = { { SZ_1M, 1 }, { SZ_4K, 0 } };
	struct size_pool *pool = make(test, three, 3, THREE_LEN);
	struct size_class_stat stat;
	struct size_run run;
	unsigned int i;
	u64 at = START;

	KUNIT_EXPECT_EQ(test, SZ_1M | SZ_64K | SZ_4K, size_pool_sizes(pool));
	KUNIT_EXPECT_EQ(test, THREE_LEN, size_pool_len(pool));
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_TRUE(test, size_pool_stat(pool, i, &stat));
		KUNIT_EXPECT_EQ(test, three[i].size, stat.size);
		KUNIT_EXPECT_EQ(test, three[i].count, stat.count);
		KUNIT_EXPECT_EQ(test, three[i].count, stat.free);
		/* The whole class in a row. */
		KUNIT_ASSERT_EQ(test, 0, size_pool_take(pool, &run, stat.size, stat.count, 1));
		expect_run(test, &run, at, stat.size * stat.count);
		expect_free(test, pool, i, 0);
		at += stat.size * stat.count;
		size_pool_give(pool, &run);
		expect_free(test, pool, i, stat.count);
	}
	KUNIT_EXPECT_FALSE(test, size_pool_stat(pool, 3, &stat));
	KUNIT_EXPECT_EQ(test, 0, size_pool_destroy(pool));

	/* A count of 0 is all that fits. */
	pool = make(test, rest, 2, SZ_2M + SZ_4K + 1);
	expect_free(test, pool, 1, SZ_1M / SZ_4K + 1);
	KUNIT_EXPECT_EQ(test, 0, size_pool_destroy(pool));
}

/* Every block of a class, and not one more; the others do not notice. */
static void size_pool_test_exhaustion(struct kunit *test)
{
	struct size_pool *pool = make(test, three, 3, THREE_LEN);
	struct size_run runs[16], other;
	unsigned int i, j, k;

	for (i = 0; i < 3; i++) {
		for (j = 0; j < three[i].count; j++) {
			KUNIT_ASSERT_EQ(test, 0, size_pool_take(pool, &runs[j],
								three[i].size, 1, 1));
			expect_free(test, pool, i, three[i].count - j - 1);
		}
		KUNIT_EXPECT_EQ(test, -ENOSPC, size_pool_take(pool, &other, three[i].size, 1, 1));
		KUNIT_EXPECT_EQ(test, -EBUSY, size_pool_destroy(pool));
		for (k = 0; k < 3; k++) {
			if (k == i)
				continue;
			expect_free(test, pool, k, three[k].count);
			KUNIT_ASSERT_EQ(test, 0, size_pool_take(pool, &other, three[k].size,
								three[k].count, 1));
			size_pool_give(pool, &other);
		}
		/* One is given back, and that very one is had again. */
		size_pool_give(pool, &runs[2]);
		KUNIT_ASSERT_EQ(test, 0, size_pool_take(pool, &other, three[i].size, 1, 1));
		KUNIT_EXPECT_EQ(test, runs[2].range.first, other.range.first);
		runs[2] = (struct size_run){};
		size_pool_give(pool, &other);
		for (j = 0; j < three[i].count; j++)
			if (j != 2)
				size_pool_give(pool, &runs[j]);
	}
	KUNIT_EXPECT_EQ(test, 0, size_pool_destroy(pool));
}

static void size_pool_test_contig(struct kunit *test)
{
	struct size_pool *pool = make(test, three, 3, THREE_LEN);
	const u64 at = START + 4 * SZ_1M;
	struct size_run runs[8], run;
	unsigned int i;

	for (i = 0; i < 8; i++)
		KUNIT_ASSERT_EQ(test, 0, size_pool_take(pool, &runs[i], SZ_64K, 1, 1));
	/* Free: 1, 3, 4, 6. Three in a row are not there, two are. */
	size_pool_give(pool, &runs[1]);
	size_pool_give(pool, &runs[3]);
	size_pool_give(pool, &runs[4]);
	size_pool_give(pool, &runs[6]);
	KUNIT_EXPECT_EQ(test, -ENOSPC, size_pool_take(pool, &run, SZ_64K, 3, 1));
	KUNIT_ASSERT_EQ(test, 0, size_pool_take(pool, &run, SZ_64K, 2, 1));
	expect_run(test, &run, at + 3 * SZ_64K, 2 * SZ_64K);
	expect_free(test, pool, 1, 2);
	size_pool_give(pool, &run);
	size_pool_give(pool, &runs[5]);
	KUNIT_ASSERT_EQ(test, 0, size_pool_take(pool, &run, SZ_64K, 4, 1));
	expect_run(test, &run, at + 3 * SZ_64K, 4 * SZ_64K);
	size_pool_give(pool, &run);
	size_pool_give(pool, &runs[0]);
	size_pool_give(pool, &runs[2]);
	size_pool_give(pool, &runs[7]);
	KUNIT_EXPECT_EQ(test, 0, size_pool_destroy(pool));
}

static void size_pool_test_align(struct kunit *test)
{
	static const struct size_class_desc pages[] = { { SZ_4K, 48 } };
	struct size_pool *pool = size_pool_create(START + SZ_4K, 48 * SZ_4K, pages, 1);
	struct size_run runs[3], run;
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	/* Pages 1 to 48: 16, 32 and 48 are aligned to 64 KiB. */
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, 0, size_pool_take(pool, &runs[i], SZ_4K, 1, SZ_64K));
		expect_run(test, &runs[i], START + (i + 1) * SZ_64K, SZ_4K);
	}
	KUNIT_EXPECT_EQ(test, -ENOSPC, size_pool_take(pool, &run, SZ_4K, 1, SZ_64K));
	for (i = 0; i < 3; i++)
		size_pool_give(pool, &runs[i]);
	KUNIT_ASSERT_EQ(test, 0, size_pool_take(pool, &run, SZ_4K, 32, SZ_64K));
	expect_run(test, &run, START + SZ_64K, 32 * SZ_4K);
	size_pool_give(pool, &run);

	/* What could be, if all were free. */
	KUNIT_EXPECT_TRUE(test, size_pool_could(pool, SZ_4K, 33, SZ_64K));
	KUNIT_EXPECT_FALSE(test, size_pool_could(pool, SZ_4K, 34, SZ_64K));
	KUNIT_EXPECT_TRUE(test, size_pool_could(pool, SZ_4K, 48, 1));
	KUNIT_EXPECT_FALSE(test, size_pool_could(pool, SZ_4K, 49, 1));
	KUNIT_EXPECT_FALSE(test, size_pool_could(pool, SZ_4K, 1, SZ_512K));
	KUNIT_EXPECT_FALSE(test, size_pool_could(pool, SZ_64K, 1, 1));
	KUNIT_EXPECT_FALSE(test, size_pool_could(pool, SZ_4K, 0, 1));
	KUNIT_EXPECT_EQ(test, 0, size_pool_destroy(pool));
}

static void expect_refused(struct kunit *test, int err, u64 start, u64 len,
			   const struct size_class_desc *classes, unsigned int nr)
{
	KUNIT_EXPECT_EQ(test, err,
			PTR_ERR_OR_ZERO(size_pool_create(start, len, classes, nr)));
}

static void size_pool_test_errors(struct kunit *test)
{
	static const struct size_class_desc odd[] = { { SZ_4K + 1, 1 } };
	static const struct size_class_desc nil[] = { { 0, 1 } };
	static const struct size_class_desc rising[] = { { SZ_4K, 1 }, { SZ_64K, 1 } };
	static const struct size_class_desc same[] = { { SZ_4K, 1 }, { SZ_4K, 1 } };
	static const struct size_class_desc early[] = { { SZ_64K, 0 }, { SZ_4K, 1 } };
	static const struct size_class_desc many[] = { { SZ_4K, SIZE_MAX } };
	static const struct size_class_desc one[] = { { SZ_4K, 1 } };
	struct size_pool *pool;
	struct size_run run = {};

	expect_refused(test, -EINVAL, 0, SZ_1M, three, 0);
	expect_refused(test, -EINVAL, 0, 0, one, 1);
	expect_refused(test, -EINVAL, 0, SZ_1M, odd, 1);
	expect_refused(test, -EINVAL, 0, SZ_1M, nil, 1);
	expect_refused(test, -EINVAL, 0, SZ_1M, rising, 2);
	expect_refused(test, -EINVAL, 0, SZ_1M, same, 2);
	expect_refused(test, -EINVAL, 0, SZ_1M, early, 2);
	expect_refused(test, -EINVAL, SZ_64K, SZ_16M, three, 3);
	expect_refused(test, -EOVERFLOW, -(u64)SZ_1M, SZ_1M + 1, one, 1);
	expect_refused(test, -ENOSPC, START, U64_MAX - START, many, 1);
	expect_refused(test, -ENOSPC, START, THREE_LEN - 1, three, 3);
	expect_refused(test, -ENOSPC, START, SZ_4K - 1, one, 1);

	/* The last page of the number line is one like any other. */
	pool = size_pool_create(-(u64)SZ_4K, SZ_4K, one, 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	KUNIT_EXPECT_EQ(test, -ENOENT, size_pool_take(pool, &run, SZ_64K, 1, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, size_pool_take(pool, &run, SZ_4K, 0, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, size_pool_take(pool, &run, SZ_4K, 1, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, size_pool_take(pool, &run, SZ_4K, 1, 3));
	KUNIT_EXPECT_EQ(test, -ENOSPC, size_pool_take(pool, &run, SZ_4K, 2, 1));
	KUNIT_EXPECT_EQ(test, -ENOSPC, size_pool_take(pool, &run, SZ_4K, SIZE_MAX, 1));
	KUNIT_EXPECT_TRUE(test, !run.range.first && !run.range.last);
	KUNIT_ASSERT_EQ(test, 0, size_pool_take(pool, &run, SZ_4K, 1, 1));
	KUNIT_EXPECT_EQ(test, U64_MAX, run.range.last);
	size_pool_give(pool, &run);
	expect_free(test, pool, 0, 1);
	KUNIT_EXPECT_EQ(test, 0, size_pool_destroy(pool));
}

/*
 * Fuzz: classes of 5 sizes, planned requests of all kinds, against one byte
 * for each smallest block.
 */
static const struct size_class_desc five[] = {
	{ SZ_1M, 24 }, { SZ_256K, 64 }, { SZ_64K, 128 }, { SZ_16K, 128 }, { SZ_4K, 512 },
};

#define FIVE_LEN	(24 * SZ_1M + 64 * SZ_256K + 128 * SZ_64K + 128 * SZ_16K + \
			 512 * SZ_4K)
#define FUZZ_STEPS	30000
#define FUZZ_ALLOCS	64
#define MAX_RUNS	128

struct fuzz_alloc {
	struct size_run runs[MAX_RUNS];
	unsigned int nr;
};

/**
 * struct fuzz - the pool, and what is known of it
 * @test: the test
 * @pool: the pool
 * @rnd: where chance comes from
 * @taken: one byte for each page of the pool
 * @free: free blocks of each class
 * @allocs: what is out
 * @full: requests that were met
 * @refused: requests that were not
 */
struct fuzz {
	struct kunit *test;
	struct size_pool *pool;
	struct rnd_state rnd;
	u8 taken[FIVE_LEN / SZ_4K];
	u64 free[ARRAY_SIZE(five)];
	struct fuzz_alloc allocs[FUZZ_ALLOCS];
	unsigned int full;
	unsigned int refused;
};

static u32 fuzz_rnd(struct fuzz *f, u32 ceil)
{
	return prandom_u32_state(&f->rnd) % ceil;
}

/* First page of class @index in the model. */
static unsigned int fuzz_base(unsigned int index)
{
	u64 at = 0;

	while (index--)
		at += five[index].size * five[index].count;
	return at / SZ_4K;
}

/* Notes that a run was taken or given; nobody else may have, or lack, it. */
static void fuzz_note(struct fuzz *f, const struct size_run *run, u8 was)
{
	const struct size_class_desc *class = &five[run->class];
	u64 page = (run->range.first - START) / SZ_4K;
	u64 end = (run->range.last + 1 - START) / SZ_4K;

	KUNIT_ASSERT_GE(f->test, page, fuzz_base(run->class));
	KUNIT_ASSERT_LE(f->test, end, fuzz_base(run->class + 1));
	KUNIT_ASSERT_EQ(f->test, 0, run->range.first & (class->size - 1));
	KUNIT_ASSERT_EQ(f->test, 0, (run->range.last + 1) & (class->size - 1));
	if (was)
		f->free[run->class] += (end - page) * SZ_4K / class->size;
	else
		f->free[run->class] -= (end - page) * SZ_4K / class->size;
	for (; page < end; page++) {
		KUNIT_ASSERT_EQ(f->test, was, f->taken[page]);
		f->taken[page] = !was;
	}
	expect_free(f->test, f->pool, run->class, f->free[run->class]);
}

/* Is there a free run, says the model? */
static bool fuzz_could(struct fuzz *f, size_t size, size_t count, u64 align)
{
	unsigned int i, page, end, need = size * count / SZ_4K;

	for (i = 0; five[i].size != size; i++)
		;
	end = fuzz_base(i + 1);
	for (page = fuzz_base(i); page + need <= end; page += size / SZ_4K)
		if (!((START + (u64)page * SZ_4K) & (align - 1)) &&
		    !memchr_inv(f->taken + page, 0, need))
			return true;
	return false;
}

static void fuzz_give(struct fuzz *f, struct fuzz_alloc *a)
{
	while (a->nr) {
		struct size_run *run = &a->runs[--a->nr];

		size_pool_give(f->pool, run);
		fuzz_note(f, run, 1);
	}
}

static void fuzz_take(struct fuzz *f, struct fuzz_alloc *a)
{
	unsigned long sizes = size_pool_sizes(f->pool);
	struct size_request req = {
		.len = 1 + fuzz_rnd(f, SZ_4K << fuzz_rnd(f, 12)),
		.allowed = ~0UL,
		.align = BIT_ULL(fuzz_rnd(f, 4) ? 0 : fuzz_rnd(f, 21)),
		.contig = !fuzz_rnd(f, 3),
	};
	struct size_plan plan;

	KUNIT_ASSERT_EQ(f->test, 0, size_plan_init(&plan, &sizes, 1, &req));
	while (a->nr < MAX_RUNS && size_plan_next(&plan)) {
		struct size_run *run = &a->runs[a->nr];
		bool could = fuzz_could(f, plan.size, plan.count, plan.align);
		int err = size_pool_take(f->pool, run, plan.size, plan.count, plan.align);

		/* Never refused while the model sees room. */
		KUNIT_ASSERT_EQ(f->test, could ? 0 : -ENOSPC, err);
		if (err) {
			size_plan_skip(&plan);
			continue;
		}
		fuzz_note(f, run, 0);
		KUNIT_ASSERT_EQ(f->test, 0, run->range.first & (plan.align - 1));
		KUNIT_ASSERT_EQ(f->test, plan.size * plan.count,
				run->range.last + 1 - run->range.first);
		a->nr++;
		size_plan_took(&plan);
	}
	f->full += !plan.left;
	f->refused += !!plan.left;
}

static void size_pool_test_fuzz(struct kunit *test)
{
	unsigned int use = seed ?: get_random_u32(), i;
	struct fuzz *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	struct fuzz_alloc *a;

	KUNIT_ASSERT_NOT_NULL(test, f);
	kunit_info(test, "size_pool_kunit.seed=%u", use);
	f->test = test;
	f->pool = make(test, five, ARRAY_SIZE(five), FIVE_LEN);
	prandom_seed_state(&f->rnd, use);
	for (i = 0; i < ARRAY_SIZE(five); i++)
		f->free[i] = five[i].count;

	for (i = 0; i < FUZZ_STEPS; i++) {
		a = &f->allocs[fuzz_rnd(f, FUZZ_ALLOCS)];
		if (a->nr)
			fuzz_give(f, a);
		else
			fuzz_take(f, a);
	}
	kunit_info(test, "%u requests met, %u not", f->full, f->refused);
	KUNIT_EXPECT_GT(test, f->full, FUZZ_STEPS / 10);
	KUNIT_EXPECT_GT(test, f->refused, FUZZ_STEPS / 100);

	/* No loss: when all is back, all is there. */
	for (i = 0; i < FUZZ_ALLOCS; i++)
		fuzz_give(f, &f->allocs[i]);
	for (i = 0; i < ARRAY_SIZE(five); i++) {
		struct size_run run;

		expect_free(test, f->pool, i, five[i].count);
		KUNIT_EXPECT_EQ(test, 0, size_pool_take(f->pool, &run, five[i].size,
							five[i].count, 1));
		size_pool_give(f->pool, &run);
	}
	KUNIT_EXPECT_NULL(test, memchr_inv(f->taken, 0, sizeof(f->taken)));
	KUNIT_EXPECT_EQ(test, 0, size_pool_destroy(f->pool));
}

#define MANY	100000

static unsigned int depth(const struct size_run *run)
{
	const struct rb_node *node = &run->range.rb;
	unsigned int deep = 0;

	for (; node; node = rb_parent(node))
		deep++;
	return deep;
}

/*
 * 100,000 allocations from a pool in which every second block is taken. The
 * walk of a request is at most as long as the tree is high, and the tree of a
 * hundred times as many blocks is a few nodes higher.
 */
static unsigned int many(struct kunit *test, struct size_run *runs, unsigned int nr,
			 unsigned int allocs)
{
	struct size_class_desc pages[] = { { SZ_4K, 2 * nr } };
	struct size_pool *pool = make(test, pages, 1, (u64)SZ_8K * nr);
	unsigned int i, at, deepest = 0;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, nr);
	for (i = 0; i < 2 * nr; i++)
		KUNIT_ASSERT_EQ(test, 0, size_pool_take(pool, &runs[i], SZ_4K, 1, 1));
	for (i = 0; i < nr; i++)
		size_pool_give(pool, &runs[2 * i]);

	for (i = 0; i < allocs; i++) {
		/* An odd one out, whatever is lowest in. */
		at = 2 * (prandom_u32_state(&rnd) % nr) + 1;
		size_pool_give(pool, &runs[at]);
		KUNIT_ASSERT_EQ(test, 0, size_pool_take(pool, &runs[at], SZ_4K, 1, 1));
		deepest = max(deepest, depth(&runs[at]));
		expect_free(test, pool, 0, nr);
	}
	KUNIT_EXPECT_LE(test, deepest, 2 * ilog2(nr + 1) + 2);
	for (i = 0; i < nr; i++)
		size_pool_give(pool, &runs[2 * i + 1]);
	KUNIT_EXPECT_EQ(test, 0, size_pool_destroy(pool));
	return deepest;
}

static void size_pool_test_many(struct kunit *test)
{
	struct size_run *runs = vzalloc(array_size(2 * MANY, sizeof(*runs)));
	unsigned int few, lots;

	KUNIT_ASSERT_NOT_NULL(test, runs);
	few = many(test, runs, MANY / 100, MANY);
	lots = many(test, runs, MANY, MANY);
	kunit_info(test, "%u steps at most for %u blocks, %u for %u", few, MANY / 100,
		   lots, MANY);
	KUNIT_EXPECT_LE(test, lots, few + 2 * ilog2(100) + 2);
	vfree(runs);
}

static struct kunit_case size_pool_cases[] = {
	KUNIT_CASE(size_pool_test_layout),
	KUNIT_CASE(size_pool_test_exhaustion),
	KUNIT_CASE(size_pool_test_contig),
	KUNIT_CASE(size_pool_test_align),
	KUNIT_CASE(size_pool_test_errors),
	KUNIT_CASE(size_pool_test_fuzz),
	KUNIT_CASE_SLOW(size_pool_test_many),
	{}
};

static struct kunit_suite size_pool_suite = {
	.name = "size_pool",
	.test_cases = size_pool_cases,
};

kunit_test_suite(size_pool_suite);

MODULE_DESCRIPTION("KUnit tests of pools of blocks by size");
MODULE_LICENSE("GPL");
