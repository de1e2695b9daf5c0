// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of lib/range_space.c.
 *
 * After nearly every step check_space() compares all that the tree stores
 * with what follows from the addresses alone. The fuzz tests do the same
 * against a model that knows no gaps; their seed is printed, and
 * range_space_kunit.seed= repeats a run.
 */

#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/range_space.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

static unsigned int seed;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "Seed of the fuzz tests, 0 for a random one");

#define NEAR_MISSES	16	/* as documented in range_space.c */
#define NOWHERE		0xdeadULL

#define to_range(ptr)	rb_entry_safe(ptr, struct range_node, rb)

static struct range_node *alloc_nodes(struct kunit *test, unsigned int count)
{
	struct range_node *node = kunit_kcalloc(test, count, sizeof(*node), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, node);
	for (i = 0; i < count; i++)
		RB_CLEAR_NODE(&node[i].rb);
	return node;
}

/* Length of [first, last] as the library stores it. */
static u64 length(u64 first, u64 last)
{
	return last - first == U64_MAX ? U64_MAX : last - first + 1;
}

/* Checks every invariant; returns the number of ranges. */
static unsigned int check_space(struct kunit *test, struct range_space *space)
{
	struct range_node *node = to_range(rb_first(&space->root));
	struct range_node *prev = NULL, *next, *child;
	unsigned int count = 0, height = 0, depth;
	struct rb_node *up;
	u64 max_gap;

	KUNIT_ASSERT_EQ(test, range_space_empty(space), !node);
	if (!node)
		KUNIT_ASSERT_EQ(test, space->head, length(space->first, space->last));
	else
		KUNIT_ASSERT_EQ(test, space->head, node->first - space->first);

	for (; node; prev = node, node = next, count++) {
		KUNIT_ASSERT_LE(test, node->first, node->last);
		KUNIT_ASSERT_GE(test, node->first, space->first);
		KUNIT_ASSERT_LE(test, node->last, space->last);
		if (prev)
			KUNIT_ASSERT_GT(test, node->first, prev->last);
		KUNIT_ASSERT_PTR_EQ(test, range_prev(node), prev);

		next = range_next(node);
		KUNIT_ASSERT_EQ(test, node->gap, next ? next->first - node->last - 1 :
						 space->last - node->last);

		max_gap = node->gap;
		child = to_range(node->rb.rb_left);
		if (child)
			max_gap = max(max_gap, child->max_gap);
		child = to_range(node->rb.rb_right);
		if (child)
			max_gap = max(max_gap, child->max_gap);
		KUNIT_ASSERT_EQ(test, node->max_gap, max_gap);

		for (depth = 0, up = &node->rb; up; up = rb_parent(up))
			depth++;
		height = max(height, depth);
	}
	/* height <= 2 * log2(count + 1), or operations are not O(log n) */
	KUNIT_ASSERT_LE(test, height, 2 * ilog2(count + 1) + 1);
	return count;
}

static void take(struct kunit *test, struct range_space *space,
		 struct range_node *node, u64 first, u64 last)
{
	KUNIT_ASSERT_EQ(test, range_insert_at(space, node, first, last), 0);
	KUNIT_ASSERT_EQ(test, node->first, first);
	KUNIT_ASSERT_EQ(test, node->last, last);
	check_space(test, space);
}

/* Expects range_insert() to take [want, want + len - 1]. */
static void expect_at(struct kunit *test, struct range_space *space,
		      struct range_node *node, u64 len, u64 align, u64 first,
		      u64 last, u64 want)
{
	KUNIT_ASSERT_EQ(test, range_insert(space, node, len, align, first, last), 0);
	KUNIT_EXPECT_EQ(test, node->first, want);
	KUNIT_EXPECT_EQ(test, node->last, want + (len - 1));
	check_space(test, space);
}

/* Expects range_insert() to fail and to leave everything alone, or ends the test. */
static void expect_error(struct kunit *test, struct range_space *space,
			 u64 len, u64 align, u64 first, u64 last, int error)
{
	struct range_node node = { .first = NOWHERE, .last = NOWHERE };

	KUNIT_ASSERT_EQ(test, range_insert(space, &node, len, align, first, last), error);
	KUNIT_EXPECT_TRUE(test, node.first == NOWHERE && node.last == NOWHERE);
	check_space(test, space);
}

static void expect_error_at(struct kunit *test, struct range_space *space,
			    u64 first, u64 last, int error)
{
	struct range_node node = { .first = NOWHERE, .last = NOWHERE };

	KUNIT_ASSERT_EQ(test, range_insert_at(space, &node, first, last), error);
	KUNIT_EXPECT_TRUE(test, node.first == NOWHERE && node.last == NOWHERE);
	check_space(test, space);
}

static void drop(struct kunit *test, struct range_space *space,
		 struct range_node *node)
{
	range_remove(space, node);
	KUNIT_EXPECT_TRUE(test, RB_EMPTY_NODE(&node->rb));
	check_space(test, space);
}

static void range_space_test_lowest_first(struct kunit *test)
{
	struct range_node a, b, c, d, e, f;
	struct range_space space;

	range_space_init(&space, 100, 199);
	KUNIT_EXPECT_TRUE(test, range_space_empty(&space));
	check_space(test, &space);

	expect_at(test, &space, &a, 10, 1, 0, U64_MAX, 100);
	expect_at(test, &space, &b, 20, 1, 0, U64_MAX, 110);
	expect_at(test, &space, &c, 30, 1, 0, U64_MAX, 130);
	expect_at(test, &space, &d, 40, 1, 0, U64_MAX, 160);
	KUNIT_EXPECT_FALSE(test, range_space_empty(&space));
	expect_error(test, &space, 1, 1, 0, U64_MAX, -ENOSPC);

	/* Holes of 10 at 100 and of 30 at 130: each is used when it fits. */
	drop(test, &space, &c);
	drop(test, &space, &a);
	expect_error(test, &space, 31, 1, 0, U64_MAX, -ENOSPC);
	expect_at(test, &space, &e, 11, 1, 0, U64_MAX, 130);
	expect_at(test, &space, &a, 4, 1, 0, U64_MAX, 100);
	expect_at(test, &space, &c, 6, 1, 0, U64_MAX, 104);
	expect_at(test, &space, &f, 19, 1, 0, U64_MAX, 141);
	expect_error(test, &space, 1, 1, 0, U64_MAX, -ENOSPC);

	/* Neighbours merge, whatever the order. */
	drop(test, &space, &e);
	drop(test, &space, &b);
	drop(test, &space, &f);
	drop(test, &space, &c);
	drop(test, &space, &d);
	drop(test, &space, &a);
	KUNIT_EXPECT_TRUE(test, range_space_empty(&space));
	expect_at(test, &space, &a, 100, 1, 0, U64_MAX, 100);
}

static void range_space_test_align(struct kunit *test)
{
	struct range_node a, b, c, d;
	struct range_space space;

	range_space_init(&space, 1, 1023);
	expect_at(test, &space, &a, 1, 64, 0, U64_MAX, 64);
	expect_at(test, &space, &b, 65, 64, 0, U64_MAX, 128);
	expect_at(test, &space, &c, 64, 64, 0, U64_MAX, 256);
	expect_at(test, &space, &d, 63, 1, 0, U64_MAX, 1);
	drop(test, &space, &d);
	/* Only the first address has to be aligned. */
	expect_at(test, &space, &d, 704, 64, 0, U64_MAX, 320);
	expect_error(test, &space, 64, 64, 0, U64_MAX, -ENOSPC);
	drop(test, &space, &d);
	expect_error(test, &space, 1, 1024, 0, U64_MAX, -ENOSPC);
	expect_error(test, &space, 705, 64, 0, U64_MAX, -ENOSPC);
	expect_at(test, &space, &d, 512, 512, 0, U64_MAX, 512);

	/* More than a long can hold on 32 bit, here and in the sizes. */
	range_space_init(&space, 1, U64_MAX);
	expect_at(test, &space, &a, SZ_4G + 1, SZ_4G, 0, U64_MAX, SZ_4G);
	expect_at(test, &space, &b, SZ_4G + 1, SZ_4G, 0, U64_MAX, 3 * SZ_4G);
	expect_at(test, &space, &c, SZ_4G, 1, 0, U64_MAX, 4 * SZ_4G + 1);
}

static void range_space_test_einval(struct kunit *test)
{
	struct range_space space;

	range_space_init(&space, 0, 1023);
	expect_error(test, &space, 0, 1, 0, 1023, -EINVAL);
	expect_error(test, &space, 1, 0, 0, 1023, -EINVAL);
	expect_error(test, &space, 1, 3, 0, 1023, -EINVAL);
	expect_error(test, &space, 1, U64_MAX, 0, 1023, -EINVAL);
	expect_error(test, &space, 1, SZ_4G + 1, 0, 1023, -EINVAL);
	expect_error(test, &space, 1, 1, 512, 511, -EINVAL);
	expect_error_at(test, &space, 512, 511, -EINVAL);
	/* Wrong, and outside too. */
	expect_error(test, &space, 0, 1, 2000, 3000, -EINVAL);
	expect_error_at(test, &space, 3000, 2000, -EINVAL);
}

static void range_space_test_refusals(struct kunit *test)
{
	struct range_node whole;
	struct range_space space;

	range_space_init(&space, 100, 199);
	expect_error(test, &space, 101, 1, 0, U64_MAX, -ENOSPC);
	expect_error(test, &space, U64_MAX, 1, 0, U64_MAX, -ENOSPC);
	expect_error(test, &space, 1, 1, 0, 99, -ENOSPC);
	expect_error(test, &space, 1, 1, 200, U64_MAX, -ENOSPC);
	expect_error_at(test, &space, 99, 100, -ERANGE);
	expect_error_at(test, &space, 199, 200, -ERANGE);
	expect_error_at(test, &space, 0, U64_MAX, -ERANGE);
	expect_error_at(test, &space, 200, 200, -ERANGE);

	take(test, &space, &whole, 100, 199);
	expect_error(test, &space, 1, 1, 0, U64_MAX, -ENOSPC);
	expect_error_at(test, &space, 100, 100, -EBUSY);
	/* Outside, and taken too. */
	expect_error_at(test, &space, 99, 100, -ERANGE);

	range_space_init(&space, 200, 199);
	KUNIT_EXPECT_EQ(test, space.head, 0);
	KUNIT_EXPECT_EQ(test, range_insert(&space, &whole, 1, 1, 0, U64_MAX), -ENOSPC);
	KUNIT_EXPECT_EQ(test, range_insert_at(&space, &whole, 200, 200), -ERANGE);
}

/* The first and the last page, and everything, of the whole number line. */
static void range_space_test_number_line(struct kunit *test)
{
	struct range_node a, b, c;
	struct range_space space;
	const u64 page = SZ_4K, top = U64_MAX - page + 1;

	range_space_init(&space, 0, U64_MAX);
	KUNIT_EXPECT_EQ(test, space.head, U64_MAX);

	take(test, &space, &a, 0, page - 1);
	take(test, &space, &b, top, U64_MAX);
	KUNIT_EXPECT_EQ(test, b.gap, 0);
	expect_error_at(test, &space, U64_MAX, U64_MAX, -EBUSY);
	expect_error(test, &space, page, page, top, U64_MAX, -ENOSPC);
	expect_error(test, &space, 1, 1, U64_MAX, U64_MAX, -ENOSPC);
	expect_error(test, &space, top, 1, 0, U64_MAX, -ENOSPC);
	expect_at(test, &space, &c, top - page, 1, 0, U64_MAX, page);
	drop(test, &space, &c);
	drop(test, &space, &a);
	expect_at(test, &space, &a, page, page, 0, U64_MAX, 0);
	drop(test, &space, &b);
	expect_at(test, &space, &b, page, page, top, U64_MAX, top);
	drop(test, &space, &a);
	drop(test, &space, &b);

	/* Into the empty line, whose length no u64 can hold. */
	expect_at(test, &space, &a, 1, 1, U64_MAX, U64_MAX, U64_MAX);
	KUNIT_EXPECT_EQ(test, space.head, U64_MAX);
	expect_at(test, &space, &b, U64_MAX, 1, 0, U64_MAX, 0);
	expect_error(test, &space, 1, 1, 0, U64_MAX, -ENOSPC);
	drop(test, &space, &a);
	drop(test, &space, &b);
	expect_at(test, &space, &a, U64_MAX, 1, 1, U64_MAX, 1);
	expect_at(test, &space, &b, 1, SZ_4G, 0, U64_MAX, 0);
	drop(test, &space, &b);
	drop(test, &space, &a);

	take(test, &space, &a, 0, U64_MAX);
	expect_error(test, &space, 1, 1, 0, U64_MAX, -ENOSPC);
	expect_error_at(test, &space, 0, U64_MAX, -EBUSY);
	KUNIT_EXPECT_PTR_EQ(test, range_find(&space, U64_MAX, U64_MAX), &a);
	KUNIT_EXPECT_PTR_EQ(test, range_find(&space, 0, 0), &a);
	drop(test, &space, &a);
	KUNIT_EXPECT_EQ(test, space.head, U64_MAX);

	/* A space of one address, the last. */
	range_space_init(&space, U64_MAX, U64_MAX);
	expect_at(test, &space, &a, 1, 1, 0, U64_MAX, U64_MAX);
	drop(test, &space, &a);
	expect_error(test, &space, 1, 2, 0, U64_MAX, -ENOSPC);
	expect_error(test, &space, 2, 1, 0, U64_MAX, -ENOSPC);
}

/* Where rounding up would wrap to 0. */
static void range_space_test_align_near_top(struct kunit *test)
{
	const u64 top = U64_MAX - SZ_1G + 1, half = 1ULL << 63;
	struct range_node a, b, c;
	struct range_space space;

	range_space_init(&space, 0, U64_MAX);
	expect_error(test, &space, 1, SZ_1G, top + 1, U64_MAX, -ENOSPC);
	expect_error(test, &space, 1, half, half + 1, U64_MAX, -ENOSPC);
	expect_at(test, &space, &a, SZ_1G, SZ_1G, top - 1, U64_MAX, top);
	drop(test, &space, &a);
	expect_at(test, &space, &a, SZ_1G, SZ_1G, top, U64_MAX, top);
	drop(test, &space, &a);
	expect_at(test, &space, &a, half, half, half, U64_MAX, half);
	drop(test, &space, &a);

	/* The same in a gap that has an owner. */
	take(test, &space, &a, 0, top);
	expect_error(test, &space, 1, SZ_1G, 0, U64_MAX, -ENOSPC);
	drop(test, &space, &a);
	take(test, &space, &a, 0, top - SZ_1G);
	expect_at(test, &space, &b, SZ_1G, SZ_1G, 0, U64_MAX, top);
	expect_error(test, &space, SZ_4K, SZ_1G, 0, U64_MAX, -ENOSPC);
	expect_at(test, &space, &c, SZ_1G - 1, 1, 0, U64_MAX, top - SZ_1G + 1);

	/* An aperture that ends within a GiB. */
	range_space_init(&space, SZ_4K, 2 * (u64)SZ_1G + SZ_4K - 1);
	expect_at(test, &space, &a, SZ_4K, SZ_1G, 0, U64_MAX, SZ_1G);
	expect_error(test, &space, 2 * SZ_4K, SZ_1G, 0, U64_MAX, -ENOSPC);
	expect_at(test, &space, &b, SZ_4K, SZ_1G, 0, U64_MAX, 2 * (u64)SZ_1G);
	expect_error(test, &space, SZ_4K, SZ_1G, 0, U64_MAX, -ENOSPC);
}

static void range_space_test_window(struct kunit *test)
{
	struct range_node a, b, c, d;
	struct range_space space;

	/* Free: 0..99, 200..299, 400..499. */
	range_space_init(&space, 0, 499);
	take(test, &space, &a, 100, 199);
	take(test, &space, &b, 300, 399);

	/* Exactly the window, and one more than it. */
	expect_at(test, &space, &c, 10, 1, 50, 59, 50);
	drop(test, &space, &c);
	expect_error(test, &space, 11, 1, 50, 59, -ENOSPC);
	expect_at(test, &space, &c, 10, 1, 250, 259, 250);
	drop(test, &space, &c);
	expect_error(test, &space, 11, 1, 250, 259, -ENOSPC);

	/* It begins in a gap, of which too little is left, or just enough. */
	expect_at(test, &space, &c, 10, 1, 90, U64_MAX, 90);
	drop(test, &space, &c);
	expect_at(test, &space, &c, 10, 1, 91, U64_MAX, 200);
	drop(test, &space, &c);
	expect_at(test, &space, &c, 10, 1, 290, U64_MAX, 290);
	drop(test, &space, &c);
	expect_at(test, &space, &c, 10, 1, 291, U64_MAX, 400);
	drop(test, &space, &c);
	expect_error(test, &space, 10, 1, 491, U64_MAX, -ENOSPC);

	/* It begins or ends in a range that is taken, or is within one. */
	expect_at(test, &space, &c, 100, 1, 150, 350, 200);
	drop(test, &space, &c);
	expect_error(test, &space, 1, 1, 100, 199, -ENOSPC);
	expect_error(test, &space, 1, 1, 350, 399, -ENOSPC);
	expect_at(test, &space, &c, 1, 1, 350, 400, 400);
	drop(test, &space, &c);
	expect_at(test, &space, &c, 1, 1, 99, 199, 99);
	drop(test, &space, &c);

	/* It ends where the gap does, or before. */
	expect_at(test, &space, &c, 100, 1, 200, 299, 200);
	drop(test, &space, &c);
	expect_error(test, &space, 100, 1, 200, 298, -ENOSPC);
	expect_error(test, &space, 100, 1, 201, 299, -ENOSPC);
	expect_error(test, &space, 100, 1, 101, 298, -ENOSPC);

	/* Aligned only outside the window. */
	expect_error(test, &space, 1, 64, 257, 319, -ENOSPC);
	expect_at(test, &space, &c, 36, 64, 200, 291, 256);
	expect_error(test, &space, 37, 64, 430, 483, -ENOSPC);
	expect_at(test, &space, &d, 37, 64, 430, 484, 448);
}

/* Against [100, 199], with neighbours and without. */
static void range_space_test_insert_at(struct kunit *test)
{
	static const struct {
		u64 first, last;
		int error;
	} cases[] = {
		{ 50, 99, 0 },			/* touches from below */
		{ 50, 100, -EBUSY },		/* overlaps from below */
		{ 50, 199, -EBUSY },		/* covers, same end */
		{ 50, 250, -EBUSY },		/* covers, larger at both ends */
		{ 100, 100, -EBUSY },		/* the first address */
		{ 100, 150, -EBUSY },		/* within, same start */
		{ 100, 199, -EBUSY },		/* the same */
		{ 100, 250, -EBUSY },		/* covers, same start */
		{ 120, 180, -EBUSY },		/* within */
		{ 150, 199, -EBUSY },		/* within, same end */
		{ 199, 199, -EBUSY },		/* the last address */
		{ 199, 250, -EBUSY },		/* overlaps from above */
		{ 200, 250, 0 },		/* touches from above */
		{ 0, 299, -EBUSY },		/* everything */
	};
	struct range_node fixed, below, above, node, last;
	struct range_space space;
	unsigned int i, lonely;

	for (lonely = 0; lonely < 2; lonely++) {
		range_space_init(&space, 0, 299);
		take(test, &space, &fixed, 100, 199);
		if (!lonely) {
			take(test, &space, &below, 10, 19);
			take(test, &space, &above, 280, 289);
		}
		for (i = 0; i < ARRAY_SIZE(cases); i++) {
			if (cases[i].error) {
				expect_error_at(test, &space, cases[i].first,
						cases[i].last, cases[i].error);
				continue;
			}
			take(test, &space, &node, cases[i].first, cases[i].last);
			drop(test, &space, &node);
		}
	}

	/* Over a neighbour's edge only. */
	range_space_init(&space, 0, 299);
	take(test, &space, &below, 10, 19);
	take(test, &space, &above, 280, 289);
	expect_error_at(test, &space, 19, 279, -EBUSY);
	expect_error_at(test, &space, 20, 280, -EBUSY);
	expect_error_at(test, &space, 0, 10, -EBUSY);
	take(test, &space, &node, 20, 279);
	take(test, &space, &fixed, 290, 299);
	take(test, &space, &last, 0, 9);
}

static void range_space_test_find(struct kunit *test)
{
	enum { COUNT = 32 };
	struct range_node *node = alloc_nodes(test, COUNT);
	struct range_space space;
	u64 first, last, i, want;

	range_space_init(&space, 0, 1023);
	KUNIT_EXPECT_PTR_EQ(test, range_find(&space, 0, U64_MAX), NULL);

	/* 8..15, 40..47, ... */
	for (i = 0; i < COUNT; i++)
		take(test, &space, &node[i], 32 * i + 8, 32 * i + 15);

	for (first = 0; first < 1024; first++) {
		for (last = first; last < first + 40; last++) {
			want = (first + 16) / 32;
			if (want >= COUNT || last < node[want].first)
				KUNIT_ASSERT_PTR_EQ(test, range_find(&space, first, last), NULL);
			else
				KUNIT_ASSERT_PTR_EQ(test, range_find(&space, first, last),
						    &node[want]);
		}
	}
	KUNIT_EXPECT_PTR_EQ(test, range_find(&space, 0, U64_MAX), &node[0]);
	KUNIT_EXPECT_PTR_EQ(test, range_find(&space, 12, 11), NULL);
	KUNIT_EXPECT_PTR_EQ(test, range_find(&space, 50, 12), NULL);
}

static void range_space_test_neighbours(struct kunit *test)
{
	struct range_node a, b, c;
	struct range_space space;

	range_space_init(&space, 0, U64_MAX);
	take(test, &space, &b, 500, 599);
	KUNIT_EXPECT_PTR_EQ(test, range_next(&b), NULL);
	KUNIT_EXPECT_PTR_EQ(test, range_prev(&b), NULL);
	take(test, &space, &c, U64_MAX, U64_MAX);
	take(test, &space, &a, 0, 0);
	KUNIT_EXPECT_PTR_EQ(test, range_next(&a), &b);
	KUNIT_EXPECT_PTR_EQ(test, range_next(&b), &c);
	KUNIT_EXPECT_PTR_EQ(test, range_next(&c), NULL);
	KUNIT_EXPECT_PTR_EQ(test, range_prev(&c), &b);
	KUNIT_EXPECT_PTR_EQ(test, range_prev(&b), &a);
	KUNIT_EXPECT_PTR_EQ(test, range_prev(&a), NULL);
	drop(test, &space, &b);
	KUNIT_EXPECT_PTR_EQ(test, range_next(&a), &c);
}

/*
 * @misses gaps of 3 that contain no multiple of 4, then one of 2 at a multiple
 * of 4, then, if @wide, one of 6, which fits 2 wherever it starts. The rest is
 * taken. Returns the address of the gap of 2.
 */
static u64 near_misses(struct kunit *test, struct range_space *space,
		       struct range_node *node, unsigned int misses, bool wide)
{
	u64 at = 4 * (u64)misses;
	unsigned int i;

	range_space_init(space, 0, at + 19);
	for (i = 0; i < misses; i++)
		take(test, space, node++, 4 * i, 4 * i);
	take(test, space, node++, at, at + 3);
	take(test, space, node++, at + 6, at + 9);
	take(test, space, node++, at + 16, at + 19);
	if (!wide)
		take(test, space, node++, at + 10, at + 15);
	return at + 4;
}

static void range_space_test_near_misses(struct kunit *test)
{
	struct range_node *node = alloc_nodes(test, 3 * NEAR_MISSES + 4), new;
	struct range_space space;
	unsigned int misses;
	u64 exact;

	for (misses = 0; misses <= 3 * NEAR_MISSES; misses++) {
		/* The lowest, or, after a number of misses, one that is easy to find. */
		exact = near_misses(test, &space, node, misses, true);
		expect_at(test, &space, &new, 2, 4, 0, U64_MAX,
			  misses < NEAR_MISSES ? exact : exact + 8);
		/* But not beyond the window, and never none at all. */
		exact = near_misses(test, &space, node, misses, true);
		expect_at(test, &space, &new, 2, 4, 0, exact + 8, exact);
		exact = near_misses(test, &space, node, misses, false);
		expect_at(test, &space, &new, 2, 4, 0, U64_MAX, exact);
		expect_error(test, &space, 2, 4, 0, U64_MAX, -ENOSPC);
		/* What lies below the window is no miss. */
		if (misses >= NEAR_MISSES) {
			exact = near_misses(test, &space, node, misses, true);
			expect_at(test, &space, &new, 2, 4, exact - 4 * NEAR_MISSES,
				  U64_MAX, exact);
		}
		/* None at all in this window, but right above it. */
		exact = near_misses(test, &space, node, misses, false);
		expect_error(test, &space, 2, 4, 0, exact, -ENOSPC);
		expect_at(test, &space, &new, 1, 4, 0, exact, exact);
	}
}

/* The node and all above it. */
static void mark_path(struct range_node *node, bool *path,
		      const struct range_node *base)
{
	struct rb_node *up;

	for (up = &node->rb; up; up = rb_parent(up))
		path[to_range(up) - base] = true;
}

/*
 * What makes the search O(log n) is where it does not look. So lie there: all
 * nodes off the path to the answer claim a gap in which anything fits, while
 * max_gap, which is all that the search may see of them, stays true.
 */
static void range_space_test_search_path(struct kunit *test)
{
	enum { COUNT = 1000, LOW = 300, HIGH = 600 };
	struct range_node *node = alloc_nodes(test, COUNT), new;
	struct range_space space;
	unsigned int i, pass;
	static bool path[COUNT];
	u64 edge;

	for (pass = 0; pass < 3; pass++) {
		/* Gaps of 8, but of 24 after LOW and HIGH, in pass 1 up to LOW. */
		range_space_init(&space, 0, 16 * (COUNT + 2 + (pass == 1) * LOW) - 1);
		for (i = 0; i < COUNT; i++) {
			u64 first = 16 * (i + (i > HIGH) +
					  (pass == 1 ? min_t(u64, i, LOW + 1) : i > LOW));

			KUNIT_ASSERT_EQ(test, 0, range_insert_at(&space, &node[i], first,
								 first + 7));
		}
		memset(path, 0, sizeof(path));
		edge = node[LOW + 1].first;
		if (pass == 0) {
			mark_path(&node[LOW], path, node);
		} else if (pass == 1) {
			for (i = LOW; i < LOW + 3; i++)
				mark_path(&node[i], path, node);
			mark_path(&node[HIGH], path, node);
		}
		for (i = 0; i < COUNT; i++)
			if (!path[i])
				node[i].gap = U32_MAX;

		if (pass == 0) {
			KUNIT_EXPECT_EQ(test, range_insert(&space, &new, 16, 1, 0, U64_MAX), 0);
			KUNIT_EXPECT_EQ(test, new.first, node[LOW].last + 1);
		} else if (pass == 1) {
			KUNIT_EXPECT_EQ(test, range_insert(&space, &new, 16, 1, edge, U64_MAX), 0);
			KUNIT_EXPECT_EQ(test, new.first, node[HIGH].last + 1);
		} else {
			KUNIT_EXPECT_EQ(test, -ENOSPC,
					range_insert(&space, &new, 25, 1, 0, U64_MAX));
		}
	}
}

static u32 below(struct rnd_state *rnd, u32 limit)
{
	return prandom_u32_state(rnd) % limit;
}

static u64 random_u64(struct rnd_state *rnd)
{
	return ((u64)prandom_u32_state(rnd) << 32) | prandom_u32_state(rnd);
}

static void fuzz_seed(struct kunit *test, struct rnd_state *rnd)
{
	u32 value = seed ?: get_random_u32() | 1;

	kunit_info(test, "range_space_kunit.seed=%u\n", value);
	prandom_seed_state(rnd, value);
}

#define SMALL	256
#define NODES	48

/* A space of SMALL addresses, and what is known of each. */
struct small_model {
	u64 base;
	struct range_node *owner[SMALL];
};

static void small_set(struct small_model *model, const struct range_node *node,
		      struct range_node *owner)
{
	u64 i;

	for (i = node->first - model->base; i <= node->last - model->base; i++)
		model->owner[i] = owner;
}

static bool small_fits(struct small_model *model, u32 at, u64 len, u64 align,
		       u64 first, u64 last)
{
	u64 i;

	if (((model->base + at) & (align - 1)) || model->base + at < first)
		return false;
	for (i = at; i < at + len; i++)
		if (i >= SMALL || model->base + i > last || model->owner[i])
			return false;
	return true;
}

/*
 * The lowest place that fits, or SMALL. Counts the gaps below that would have
 * been long enough.
 */
static u32 small_lowest(struct small_model *model, u64 len, u64 align,
			u64 first, u64 last, u32 *misses)
{
	bool counted = false;
	u32 at;

	*misses = 0;
	for (at = 0; at < SMALL; at++) {
		if (small_fits(model, at, len, align, first, last))
			break;
		if (model->owner[at]) {
			counted = false;
		} else if (!counted && small_fits(model, at, len, 1, first, last)) {
			counted = true;
			++*misses;
		}
	}
	/* The gap that fits is not a miss. */
	if (at < SMALL && counted)
		--*misses;
	return at;
}

static const u64 small_bases[] = {
	0, 1, 0x1001, SZ_4G - SMALL / 2, (1ULL << 63) - 77,
	U64_MAX - SMALL, U64_MAX - SMALL + 1,
};

static void small_desc(const u64 *base, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "base %#llx", *base);
}

KUNIT_ARRAY_PARAM(small, small_bases, small_desc);

static void small_step(struct kunit *test, struct range_space *space,
		       struct small_model *model, struct range_node *node,
		       struct rnd_state *rnd)
{
	u64 first = model->base + below(rnd, SMALL);
	u64 last = model->base + below(rnd, SMALL), len, align;
	struct range_node old = *node;
	u32 at, want, misses;
	int ret, error = 0;

	if (below(rnd, 4) == 0) {
		/* Exactly there. */
		if (below(rnd, 2))
			last = min(first + below(rnd, 12), space->last);
		if (below(rnd, 16) == 0 && model->base)
			first = model->base - 1;
		if (first > last)
			error = -EINVAL;
		else if (first < model->base)
			error = -ERANGE;
		else if (!small_fits(model, first - model->base, last - first + 1, 1,
				     first, last))
			error = -EBUSY;
		ret = range_insert_at(space, node, first, last);
		KUNIT_ASSERT_EQ(test, ret, error);
		if (!ret) {
			KUNIT_ASSERT_EQ(test, node->first, first);
			KUNIT_ASSERT_EQ(test, node->last, last);
		}
	} else {
		len = below(rnd, 16) ? 1 + below(rnd, 12) : below(rnd, SMALL + 2);
		align = 1ULL << below(rnd, 8);
		if (below(rnd, 64) == 0)
			align = below(rnd, 10);
		if (below(rnd, 2))
			first = 0;
		if (below(rnd, 2))
			last = U64_MAX;

		want = SMALL;
		if (!len || !is_power_of_2(align) || first > last) {
			error = -EINVAL;
		} else {
			want = small_lowest(model, len, align, first, last, &misses);
			if (want == SMALL)
				error = -ENOSPC;
		}
		ret = range_insert(space, node, len, align, first, last);
		KUNIT_ASSERT_EQ(test, ret, error);
		if (!ret) {
			at = node->first - model->base;
			KUNIT_ASSERT_LT(test, at, SMALL);
			KUNIT_ASSERT_EQ(test, node->last - node->first + 1, len);
			KUNIT_ASSERT_TRUE(test, small_fits(model, at, len, align,
							   first, last));
			if (misses < NEAR_MISSES)
				KUNIT_ASSERT_EQ(test, at, want);
		}
	}
	if (ret)
		KUNIT_ASSERT_MEMEQ(test, node, &old, sizeof(old));
	else
		small_set(model, node, node);
}

static void range_space_test_fuzz_small(struct kunit *test)
{
	u64 base = *(const u64 *)test->param_value;
	struct range_node *node = alloc_nodes(test, NODES), *found;
	struct small_model *model;
	struct range_space space;
	unsigned int step, grow = 1, live = 0;
	struct rnd_state rnd;
	u64 first, last, i;
	u32 n;

	model = kunit_kzalloc(test, sizeof(*model), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, model);
	model->base = base;
	fuzz_seed(test, &rnd);
	range_space_init(&space, base, base + SMALL - 1);
	for (step = 0; step < 20000; step++) {
		if (step % 256 == 0)
			grow = 1 + below(&rnd, 7);
		n = below(&rnd, NODES);
		if (RB_EMPTY_NODE(&node[n].rb)) {
			if (below(&rnd, 8) < grow)
				small_step(test, &space, model, &node[n], &rnd);
			live += !RB_EMPTY_NODE(&node[n].rb);
		} else if (below(&rnd, 8) >= grow) {
			small_set(model, &node[n], NULL);
			range_remove(&space, &node[n]);
			KUNIT_ASSERT_TRUE(test, RB_EMPTY_NODE(&node[n].rb));
			live--;
		}
		KUNIT_ASSERT_EQ(test, check_space(test, &space), live);

		first = base + below(&rnd, SMALL);
		last = min(first + below(&rnd, 32), space.last);
		last = max(first, last);
		found = NULL;
		for (i = first - base; i <= last - base && !found; i++)
			found = model->owner[i];
		KUNIT_ASSERT_PTR_EQ(test, range_find(&space, first, last), found);
	}
}

/* At most NEAR_MISSES ranges, so that the lowest is always found. */
struct large_model {
	unsigned int count;
	struct {
		u64 first, last;
	} taken[NEAR_MISSES];
};

static bool large_free(const struct large_model *model, u64 first, u64 last)
{
	unsigned int i;

	for (i = 0; i < model->count; i++)
		if (first <= model->taken[i].last && last >= model->taken[i].first)
			return false;
	return true;
}

/* Whether [*at, *at + len) fits, once *at is aligned. */
static bool large_fits(const struct large_model *model, u64 *at, u64 len,
		       u64 align, u64 last)
{
	u64 past = *at & (align - 1);

	if (past) {
		if (*at - past > U64_MAX - align)
			return false;
		*at += align - past;
	}
	return *at <= last && last - *at >= len - 1 &&
	       large_free(model, *at, *at + (len - 1));
}

/* The lowest fit starts at the window's edge or behind a range, but for alignment. */
static bool large_lowest(const struct large_model *model, u64 len, u64 align,
			 u64 first, u64 last, u64 *want)
{
	bool found = false;
	unsigned int i;
	u64 at = first;

	if (large_fits(model, &at, len, align, last)) {
		*want = at;
		found = true;
	}
	for (i = 0; i < model->count; i++) {
		if (model->taken[i].last < first || model->taken[i].last == U64_MAX)
			continue;
		at = model->taken[i].last + 1;
		if (large_fits(model, &at, len, align, last) && (!found || at < *want)) {
			*want = at;
			found = true;
		}
	}
	return found;
}

/* All orders of magnitude, and close to powers of two. */
static u64 random_size(struct rnd_state *rnd)
{
	u64 size = random_u64(rnd) >> below(rnd, 64);

	if (below(rnd, 2))
		size = (1ULL << below(rnd, 64)) + below(rnd, 3) - 1;
	return size ?: 1;
}

static void range_space_test_fuzz_large(struct kunit *test)
{
	struct range_node *node = alloc_nodes(test, NEAR_MISSES), *lowest;
	struct large_model model = {};
	struct range_space space;
	u64 first, last, len, align, want;
	unsigned int step, i, n;
	struct rnd_state rnd;
	bool fits;
	int ret;

	fuzz_seed(test, &rnd);
	range_space_init(&space, 0, U64_MAX);
	for (step = 0; step < 100000; step++) {
		first = below(&rnd, 2) ? random_u64(&rnd) : random_size(&rnd) - 1;
		if (below(&rnd, 2))
			first = U64_MAX - first;
		len = random_size(&rnd);

		last = U64_MAX - first >= len - 1 ? first + (len - 1) : U64_MAX;
		lowest = NULL;
		for (n = 0; n < NEAR_MISSES; n++)
			if (!RB_EMPTY_NODE(&node[n].rb) && node[n].first <= last &&
			    node[n].last >= first &&
			    (!lowest || node[n].first < lowest->first))
				lowest = &node[n];
		KUNIT_ASSERT_PTR_EQ(test, range_find(&space, first, last), lowest);

		n = below(&rnd, NEAR_MISSES);
		if (!RB_EMPTY_NODE(&node[n].rb)) {
			for (i = 0; model.taken[i].first != node[n].first; i++)
				KUNIT_ASSERT_LT(test, i + 1, model.count);
			model.taken[i] = model.taken[--model.count];
			range_remove(&space, &node[n]);
		} else if (below(&rnd, 2)) {
			ret = range_insert_at(&space, &node[n], first, last);
			KUNIT_ASSERT_EQ(test, ret, large_free(&model, first, last) ? 0 : -EBUSY);
		} else {
			align = 1ULL << below(&rnd, 64);
			if (below(&rnd, 2))
				first = 0;
			last = below(&rnd, 2) ? U64_MAX : U64_MAX - below(&rnd, U32_MAX);
			if (below(&rnd, 2))
				last -= random_size(&rnd);
			fits = large_lowest(&model, len, align, first, last, &want);
			ret = range_insert(&space, &node[n], len, align, first, last);
			KUNIT_ASSERT_EQ(test, ret, first > last ? -EINVAL :
						   fits ? 0 : -ENOSPC);
			if (!ret) {
				KUNIT_ASSERT_EQ(test, node[n].first, want);
				KUNIT_ASSERT_EQ(test, node[n].last - node[n].first, len - 1);
			}
		}
		if (!RB_EMPTY_NODE(&node[n].rb)) {
			model.taken[model.count].first = node[n].first;
			model.taken[model.count++].last = node[n].last;
		}
		KUNIT_ASSERT_EQ(test, check_space(test, &space), model.count);
	}
}

KUNIT_DEFINE_ACTION_WRAPPER(vfree_action, vfree, const void *);

/* 100,000 ranges of mixed sizes, fragmented and refilled. */
static void range_space_test_scale(struct kunit *test)
{
	enum { COUNT = 100000 };
	struct range_space space;
	struct range_node *node;
	struct rnd_state rnd;
	unsigned int i, round;

	node = vzalloc(array_size(COUNT, sizeof(*node)));
	KUNIT_ASSERT_NOT_NULL(test, node);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, vfree_action, node));
	fuzz_seed(test, &rnd);

	range_space_init(&space, SZ_4K, SZ_64G - 1);
	for (i = 0; i < COUNT; i++)
		KUNIT_ASSERT_EQ(test, 0, range_insert(&space, &node[i],
						      (u64)(1 + below(&rnd, 16)) * SZ_4K,
						      SZ_4K, 0, U64_MAX));
	KUNIT_EXPECT_EQ(test, check_space(test, &space), COUNT);

	for (round = 0; round < 3; round++) {
		for (i = round; i < COUNT; i += 3)
			range_remove(&space, &node[i]);
		check_space(test, &space);
		for (i = round; i < COUNT; i += 3)
			KUNIT_ASSERT_EQ(test, 0, range_insert(&space, &node[i],
							      (u64)(1 + below(&rnd, 16)) * SZ_4K,
							      SZ_4K << below(&rnd, 3),
							      0, U64_MAX));
		KUNIT_EXPECT_EQ(test, check_space(test, &space), COUNT);
	}
	for (i = 0; i < COUNT; i++)
		range_remove(&space, &node[i]);
	KUNIT_EXPECT_EQ(test, check_space(test, &space), 0);
}

static struct kunit_case range_space_cases[] = {
	KUNIT_CASE(range_space_test_lowest_first),
	KUNIT_CASE(range_space_test_align),
	KUNIT_CASE(range_space_test_einval),
	KUNIT_CASE(range_space_test_refusals),
	KUNIT_CASE(range_space_test_number_line),
	KUNIT_CASE(range_space_test_align_near_top),
	KUNIT_CASE(range_space_test_window),
	KUNIT_CASE(range_space_test_insert_at),
	KUNIT_CASE(range_space_test_find),
	KUNIT_CASE(range_space_test_neighbours),
	KUNIT_CASE(range_space_test_near_misses),
	KUNIT_CASE(range_space_test_search_path),
	KUNIT_CASE_PARAM(range_space_test_fuzz_small, small_gen_params),
	KUNIT_CASE(range_space_test_fuzz_large),
	KUNIT_CASE(range_space_test_scale),
	{}
};

static struct kunit_suite range_space_suite = {
	.name = "range_space",
	.test_cases = range_space_cases,
};

kunit_test_suite(range_space_suite);

MODULE_DESCRIPTION("KUnit tests of the range allocator");
MODULE_LICENSE("GPL");
