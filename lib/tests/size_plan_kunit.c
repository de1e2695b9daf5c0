// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of lib/size_plan.c.
 *
 * The stock of each source is an array of counts here, so what could be had is
 * known, and what should have been had is computed in another way: for single
 * blocks by division, class by class. The seed of the fuzz test is printed,
 * and size_plan_kunit.seed= repeats a run.
 */

#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/size_plan.h>
#include <linux/sizes.h>

static unsigned int seed;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "Seed of the fuzz test, 0 for a random one");

#define MAX_SOURCES	4

/**
 * struct stock - what can be had
 * @nr: how many sources
 * @sizes: their block sizes, bitmaps
 * @count: how many blocks of 2^n bytes are in source s: count[s][n]
 * @took: how many of them were taken
 * @steps: proposals that the plan made
 */
struct stock {
	unsigned int nr;
	unsigned long sizes[MAX_SOURCES];
	u16 count[MAX_SOURCES][BITS_PER_LONG];
	u16 took[MAX_SOURCES][BITS_PER_LONG];
	unsigned int steps;
};

static void stock_add(struct stock *stock, unsigned int source, size_t size,
		      unsigned int count)
{
	stock->nr = max(stock->nr, source + 1);
	stock->sizes[source] |= size;
	stock->count[source][ilog2(size)] = count;
}

/* Carries the plan out; returns what could not be had, or an errno. */
static ssize_t carry_out(struct kunit *test, struct stock *stock,
			 const struct size_request *req)
{
	struct size_plan plan;
	int err;

	memset(stock->took, 0, sizeof(stock->took));
	stock->steps = 0;
	err = size_plan_init(&plan, stock->sizes, stock->nr, req);
	if (err)
		return err;
	while (size_plan_next(&plan)) {
		unsigned int order = ilog2(plan.size);
		u16 *took = &stock->took[plan.source][order];

		KUNIT_ASSERT_LT(test, plan.source, stock->nr);
		KUNIT_ASSERT_TRUE(test, is_power_of_2(plan.size));
		KUNIT_ASSERT_TRUE(test, plan.size & req->allowed &
				  stock->sizes[plan.source]);
		KUNIT_ASSERT_GT(test, plan.count, 0);
		KUNIT_ASSERT_LE(test, plan.size * plan.count, plan.left);
		KUNIT_ASSERT_GE(test, plan.align, req->align);
		KUNIT_ASSERT_GE(test, plan.align, plan.size);
		stock->steps++;
		if (plan.count > stock->count[plan.source][order] - *took) {
			size_plan_skip(&plan);
			continue;
		}
		*took += plan.count;
		size_plan_took(&plan);
	}
	return plan.left;
}

static void expect_took(struct kunit *test, struct stock *stock,
			unsigned int source, size_t size, unsigned int want)
{
	KUNIT_EXPECT_EQ(test, want, stock->took[source][ilog2(size)]);
}

#define REQUEST(bytes)	{ .len = (bytes), .allowed = ~0UL, .align = 1 }

static void size_plan_test_largest_first(struct kunit *test)
{
	struct size_request req = REQUEST(SZ_2M + SZ_1M + SZ_64K + SZ_4K);
	struct stock stock = {};

	stock_add(&stock, 0, SZ_4K, 1000);
	stock_add(&stock, 0, SZ_64K, 1000);
	stock_add(&stock, 0, SZ_1M, 1000);
	stock_add(&stock, 0, SZ_16M, 1000);

	/* 16 MiB would be too much: three of 1 MiB, one each of the others. */
	KUNIT_EXPECT_EQ(test, 0, carry_out(test, &stock, &req));
	expect_took(test, &stock, 0, SZ_16M, 0);
	expect_took(test, &stock, 0, SZ_1M, 3);
	expect_took(test, &stock, 0, SZ_64K, 1);
	expect_took(test, &stock, 0, SZ_4K, 1);
	KUNIT_EXPECT_EQ(test, 5, stock.steps);
}

static void size_plan_test_next_size(struct kunit *test)
{
	struct size_request req = REQUEST(SZ_2M + SZ_1M);
	struct stock stock = {};

	/* One of 1 MiB, so 2 MiB are missing; 20 x 64 KiB; then 4 KiB. */
	stock_add(&stock, 0, SZ_4K, 1000);
	stock_add(&stock, 0, SZ_64K, 20);
	stock_add(&stock, 0, SZ_1M, 1);
	KUNIT_EXPECT_EQ(test, 0, carry_out(test, &stock, &req));
	expect_took(test, &stock, 0, SZ_1M, 1);
	expect_took(test, &stock, 0, SZ_64K, 20);
	expect_took(test, &stock, 0, SZ_4K, (SZ_2M - 20 * SZ_64K) / SZ_4K);
}

static void size_plan_test_next_source(struct kunit *test)
{
	struct size_request req = REQUEST(SZ_4M + SZ_4K);
	struct stock stock = {};

	/* The first is used up, small blocks too, before the second is asked. */
	stock_add(&stock, 0, SZ_1M, 1);
	stock_add(&stock, 0, SZ_64K, 2);
	stock_add(&stock, 1, SZ_2M, 1);
	stock_add(&stock, 1, SZ_64K, 100);
	stock_add(&stock, 2, SZ_4K, 100);
	KUNIT_EXPECT_EQ(test, 0, carry_out(test, &stock, &req));
	expect_took(test, &stock, 0, SZ_1M, 1);
	expect_took(test, &stock, 0, SZ_64K, 2);
	expect_took(test, &stock, 1, SZ_2M, 1);
	expect_took(test, &stock, 1, SZ_64K, 14);
	expect_took(test, &stock, 2, SZ_4K, 1);
}

/* Less than one smallest block is wasted, and never by taking a larger one. */
static void size_plan_test_waste(struct kunit *test)
{
	struct size_request req = REQUEST(SZ_64K + 1);
	struct stock stock = {};

	stock_add(&stock, 0, SZ_64K, 10);
	stock_add(&stock, 1, SZ_4K, 10);
	KUNIT_EXPECT_EQ(test, 0, carry_out(test, &stock, &req));
	expect_took(test, &stock, 0, SZ_64K, 1);
	expect_took(test, &stock, 1, SZ_4K, 1);

	/* A whole 64 KiB would be 60 KiB too many: rather nothing. */
	stock_add(&stock, 1, SZ_4K, 0);
	KUNIT_EXPECT_EQ(test, SZ_4K, carry_out(test, &stock, &req));

	/* If it is the smallest that is allowed, it is right. */
	req.allowed = SZ_64K;
	KUNIT_EXPECT_EQ(test, 0, carry_out(test, &stock, &req));
	expect_took(test, &stock, 0, SZ_64K, 2);
}

static void size_plan_test_allowed(struct kunit *test)
{
	struct size_request req = REQUEST(SZ_1M + SZ_4K);
	struct stock stock = {};

	stock_add(&stock, 0, SZ_4K, 1000);
	stock_add(&stock, 0, SZ_64K, 1000);
	stock_add(&stock, 0, SZ_1M, 1000);
	req.allowed = SZ_64K | SZ_2M;
	KUNIT_EXPECT_EQ(test, 0, carry_out(test, &stock, &req));
	expect_took(test, &stock, 0, SZ_64K, 17);
	expect_took(test, &stock, 0, SZ_1M, 0);
	req.allowed = SZ_2M;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, carry_out(test, &stock, &req));
}

static void size_plan_test_contig(struct kunit *test)
{
	struct size_request req = REQUEST(SZ_1M + SZ_512K);
	struct stock stock = {};

	/* Blocks of which a whole number is exactly the length. */
	req.contig = true;
	stock_add(&stock, 0, SZ_4K, 1000);
	stock_add(&stock, 0, SZ_64K, 1000);
	stock_add(&stock, 0, SZ_1M, 1000);
	KUNIT_EXPECT_EQ(test, 0, carry_out(test, &stock, &req));
	KUNIT_EXPECT_EQ(test, 1, stock.steps);
	expect_took(test, &stock, 0, SZ_64K, 24);

	/* Too few in a row: smaller ones; then another source; never both. */
	stock_add(&stock, 0, SZ_64K, 23);
	KUNIT_EXPECT_EQ(test, 0, carry_out(test, &stock, &req));
	expect_took(test, &stock, 0, SZ_4K, 384);
	stock_add(&stock, 0, SZ_4K, 383);
	stock_add(&stock, 1, SZ_512K, 3);
	KUNIT_EXPECT_EQ(test, 0, carry_out(test, &stock, &req));
	expect_took(test, &stock, 0, SZ_4K, 0);
	expect_took(test, &stock, 0, SZ_64K, 0);
	expect_took(test, &stock, 1, SZ_512K, 3);
	stock_add(&stock, 1, SZ_512K, 2);
	KUNIT_EXPECT_EQ(test, req.len, carry_out(test, &stock, &req));
}

/* Of small blocks, as many as the alignment is long make a piece. */
static void size_plan_test_align(struct kunit *test)
{
	struct size_request req = REQUEST(SZ_1M + 20 * SZ_4K);
	struct stock stock = {};

	req.align = SZ_64K;
	stock_add(&stock, 0, SZ_1M, 1);
	stock_add(&stock, 0, SZ_4K, 1000);
	KUNIT_EXPECT_EQ(test, 0, carry_out(test, &stock, &req));
	expect_took(test, &stock, 0, SZ_1M, 1);
	expect_took(test, &stock, 0, SZ_4K, 20);
	/* 1 MiB; 16 and 4 pages; before the latter, 1 MiB did not fit. */
	KUNIT_EXPECT_EQ(test, 3, stock.steps);
}

static void size_plan_test_errors(struct kunit *test)
{
	struct size_request req = REQUEST(0);
	unsigned long none = 0, top = BIT(BITS_PER_LONG - 1), pages = SZ_4K;
	struct size_plan plan;

	KUNIT_EXPECT_EQ(test, -EINVAL, size_plan_init(&plan, &pages, 1, &req));
	req.len = 1;
	req.align = 0;
	KUNIT_EXPECT_EQ(test, -EINVAL, size_plan_init(&plan, &pages, 1, &req));
	req.align = 3;
	KUNIT_EXPECT_EQ(test, -EINVAL, size_plan_init(&plan, &pages, 1, &req));
	req.align = 1;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, size_plan_init(&plan, &pages, 0, &req));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, size_plan_init(&plan, &none, 1, &req));
	req.len = SIZE_MAX;
	KUNIT_EXPECT_EQ(test, -EOVERFLOW, size_plan_init(&plan, &pages, 1, &req));
	req.len = SIZE_MAX - SZ_4K + 1;
	KUNIT_EXPECT_EQ(test, 0, size_plan_init(&plan, &pages, 1, &req));
	KUNIT_EXPECT_EQ(test, req.len, plan.left);

	/* The largest block that there can be. */
	req.len = top;
	req.contig = true;
	req.align = 1ULL << 63;
	KUNIT_EXPECT_EQ(test, 0, size_plan_init(&plan, &top, 1, &req));
	KUNIT_EXPECT_TRUE(test, size_plan_next(&plan));
	KUNIT_EXPECT_EQ(test, top, plan.size);
	KUNIT_EXPECT_EQ(test, 1, plan.count);
	KUNIT_EXPECT_TRUE(test, plan.last);
	size_plan_took(&plan);
	KUNIT_EXPECT_FALSE(test, size_plan_next(&plan));
	KUNIT_EXPECT_EQ(test, 0, plan.left);
}

/* The model of single blocks: divide, from the largest class down. */
static void expect_model(struct kunit *test, struct stock *stock, size_t left,
			 unsigned long allowed, ssize_t rest)
{
	unsigned int source;
	int order;

	for (source = 0; source < stock->nr; source++)
		for (order = BITS_PER_LONG - 1; order >= 0; order--) {
			unsigned int want;

			if (!(BIT(order) & allowed & stock->sizes[source]))
				continue;
			want = min_t(size_t, left >> order,
				     stock->count[source][order]);
			KUNIT_ASSERT_EQ(test, want, stock->took[source][order]);
			left -= (size_t)want << order;
		}
	KUNIT_ASSERT_EQ(test, left, rest);
}

#define FUZZ_ROUNDS	20000

static void size_plan_test_fuzz(struct kunit *test)
{
	unsigned int use = seed ?: get_random_u32(), i, j, full = 0, short_of = 0;
	struct rnd_state rnd;

	kunit_info(test, "size_plan_kunit.seed=%u", use);
	prandom_seed_state(&rnd, use);
	for (i = 0; i < FUZZ_ROUNDS; i++) {
		struct size_request req = REQUEST(1 + prandom_u32_state(&rnd) % SZ_64M);
		unsigned long any = 0, blocks = 0;
		struct stock stock = {};
		unsigned int sizes = 0;
		ssize_t rest;
		size_t len;

		for (j = 0; j < 12; j++)
			stock_add(&stock, prandom_u32_state(&rnd) % MAX_SOURCES,
				  SZ_4K << prandom_u32_state(&rnd) % 13,
				  prandom_u32_state(&rnd) % 64);
		if (i & 1)
			req.allowed = prandom_u32_state(&rnd);
		for (j = 0; j < stock.nr; j++)
			any |= stock.sizes[j] & req.allowed;
		rest = carry_out(test, &stock, &req);
		if (!any) {
			KUNIT_ASSERT_EQ(test, -EOPNOTSUPP, rest);
			continue;
		}
		len = round_up(req.len, BIT(__ffs(any)));
		expect_model(test, &stock, len, req.allowed, rest);
		full += !rest;
		short_of += !!rest;

		/* The promise of the cost: blocks, and once each size. */
		for (j = 0; j < stock.nr * BITS_PER_LONG; j++) {
			blocks += stock.took[j / BITS_PER_LONG][j % BITS_PER_LONG];
			sizes += !!(stock.sizes[j / BITS_PER_LONG] &
				    BIT(j % BITS_PER_LONG));
		}
		KUNIT_ASSERT_LE(test, stock.steps, blocks + sizes);
	}
	/* Both outcomes were seen, and often. */
	KUNIT_EXPECT_GT(test, full, FUZZ_ROUNDS / 10);
	KUNIT_EXPECT_GT(test, short_of, FUZZ_ROUNDS / 10);
}

static struct kunit_case size_plan_cases[] = {
	KUNIT_CASE(size_plan_test_largest_first),
	KUNIT_CASE(size_plan_test_next_size),
	KUNIT_CASE(size_plan_test_next_source),
	KUNIT_CASE(size_plan_test_waste),
	KUNIT_CASE(size_plan_test_allowed),
	KUNIT_CASE(size_plan_test_contig),
	KUNIT_CASE(size_plan_test_align),
	KUNIT_CASE(size_plan_test_errors),
	KUNIT_CASE(size_plan_test_fuzz),
	{}
};

static struct kunit_suite size_plan_suite = {
	.name = "size_plan",
	.test_cases = size_plan_cases,
};

kunit_test_suite(size_plan_suite);

MODULE_DESCRIPTION("KUnit tests of the planner of block sizes");
MODULE_LICENSE("GPL");
