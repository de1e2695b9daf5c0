// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of VCMM: copies between reservations.
 *
 * Two reservations of two contexts, backed with random pieces of the same
 * allocations; a model holds what each allocation must contain. The seed is
 * printed, and vcm_copy_kunit.seed= repeats a run.
 */
#include <kunit/test.h>
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/random.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"

static unsigned long long seed;
module_param(seed, ullong, 0444);
MODULE_PARM_DESC(seed, "Seed of the copies, 0 for a random one");

#define NR_MEM		3
#define NR_SIDES	2
#define NR_COPIES	300
#define MEM_LEN		(SZ_32K + PAGE_SIZE)
#define RES_LEN		SZ_128K

struct copies {
	struct kunit *test;
	struct rnd_state rnd;
	struct vcm *vcm[NR_SIDES];
	struct vcm_res *res[NR_SIDES];
	struct vcm_phys *mem[NR_MEM];
	u8 *want[NR_MEM];
	/* Where each byte of a reservation is; -1 for nowhere. */
	int where[NR_SIDES][RES_LEN / PAGE_SIZE];
};

static u32 roll(struct copies *c, u32 below)
{
	return prandom_u32_state(&c->rnd) % below;
}

/* Both ways between the model and the memory. */
static void transfer(struct copies *c, unsigned int mem, bool write,
		     unsigned int *wrong)
{
	size_t len, off, at = 0;
	phys_addr_t pa;
	unsigned int i;

	for (i = 0; !vcm_get_chunk(c->mem[mem], i, &pa, &len); i++) {
		for (off = 0; off < len; off += PAGE_SIZE, at += PAGE_SIZE) {
			void *page = kmap_local_pfn(PHYS_PFN(pa + off));

			if (write)
				memcpy(page, c->want[mem] + at, PAGE_SIZE);
			else
				*wrong += !!memcmp(page, c->want[mem] + at,
						   PAGE_SIZE);
			kunmap_local(page);
		}
	}
}

static void expect_contents(struct copies *c)
{
	unsigned int i, wrong = 0;

	for (i = 0; i < NR_MEM; i++)
		transfer(c, i, false, &wrong);
	KUNIT_ASSERT_EQ(c->test, 0, wrong);
}

static struct copies *copies_new(struct kunit *test, u64 from)
{
	struct copies *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, c);
	c->test = test;
	memset(c->where, 0xff, sizeof(c->where));
	prandom_seed_state(&c->rnd, from);
	kunit_info(test, "vcm_copy_kunit.seed=%llu", from);
	for (i = 0; i < NR_SIDES; i++) {
		c->vcm[i] = space_new(test, BED_START, SZ_1M);
		c->res[i] = space_take(test, c->vcm[i], RES_LEN, VCM_READ);
	}
	for (i = 0; i < NR_MEM; i++) {
		c->mem[i] = vcm_phys_alloc(NULL, MEM_LEN, 0);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, c->mem[i]);
		c->want[i] = kunit_kzalloc(test, MEM_LEN, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, c->want[i]);
		prandom_bytes_state(&c->rnd, c->want[i], MEM_LEN);
		transfer(c, i, true, NULL);
	}
	return c;
}

static void copies_unback(struct copies *c, unsigned int side)
{
	int ret = vcm_unback(c->res[side]);

	KUNIT_EXPECT_TRUE(c->test, !ret || ret == -ENOENT);
	memset(c->where[side], 0xff, sizeof(c->where[side]));
}

static void copies_end(struct copies *c)
{
	unsigned int i;

	for (i = 0; i < NR_SIDES; i++) {
		copies_unback(c, i);
		space_give(c->test, c->res[i]);
		KUNIT_EXPECT_EQ(c->test, 0, vcm_free(c->vcm[i]));
	}
	for (i = 0; i < NR_MEM; i++)
		KUNIT_EXPECT_EQ(c->test, 0, vcm_phys_free(c->mem[i]));
}

/* One or more pages of one allocation, wherever there is room. */
static void copies_back(struct copies *c, unsigned int side)
{
	unsigned int mem = roll(c, NR_MEM), nr = 1 + roll(c, 4);
	unsigned int from = roll(c, MEM_LEN / PAGE_SIZE - nr + 1);
	unsigned int at = roll(c, RES_LEN / PAGE_SIZE - nr + 1), i;
	int ret, want = 0;

	for (i = 0; i < nr; i++)
		if (c->where[side][at + i] >= 0)
			want = -EBUSY;
	ret = vcm_back_range(c->res[side], at * PAGE_SIZE, c->mem[mem],
			     from * PAGE_SIZE, nr * PAGE_SIZE);
	KUNIT_ASSERT_EQ(c->test, want, ret);
	for (i = 0; !ret && i < nr; i++)
		c->where[side][at + i] = mem * SZ_1M + (from + i) * PAGE_SIZE;
}

/* The byte of an allocation, as one number; -1 if there is none. */
static int byte_at(struct copies *c, unsigned int side, size_t off)
{
	int page = c->where[side][off / PAGE_SIZE];

	return page < 0 ? page : page + (int)offset_in_page(off);
}

static ssize_t want_copy(struct copies *c, unsigned int to, size_t to_off,
			 unsigned int from, size_t from_off, size_t len)
{
	unsigned long *both = kunit_kzalloc(c->test, NR_MEM * SZ_1M / 8,
					    GFP_KERNEL);
	size_t i;
	int byte;
	bool overlap = false;

	KUNIT_ASSERT_NOT_NULL(c->test, both);
	for (i = 0; i < len; i++) {
		byte = byte_at(c, from, from_off + i);
		if (byte >= 0)
			__set_bit(byte, both);
	}
	for (i = 0; i < len; i++) {
		byte = byte_at(c, to, to_off + i);
		overlap |= byte >= 0 && test_bit(byte, both);
	}
	kunit_kfree(c->test, both);
	if (overlap)
		return -EINVAL;
	for (i = 0; i < len; i++) {
		int src = byte_at(c, from, from_off + i);
		int dst = byte_at(c, to, to_off + i);

		if (src < 0 || dst < 0)
			break;
		c->want[dst / SZ_1M][dst % SZ_1M] =
			c->want[src / SZ_1M][src % SZ_1M];
	}
	return i ?: -ENOENT;
}

static void copy_fuzz(struct kunit *test)
{
	struct copies *c = copies_new(test, seed ?: get_random_u64());
	unsigned int i, j, good = 0, refused = 0;

	for (i = 0; i < NR_COPIES; i++) {
		unsigned int to = roll(c, NR_SIDES), from = roll(c, NR_SIDES);
		size_t len = 1 + roll(c, roll(c, 2) ? SZ_16K : SZ_1K);
		size_t to_off = roll(c, RES_LEN - len + 1);
		size_t from_off = roll(c, RES_LEN - len + 1);
		ssize_t want;

		if (i % 10 == 0) {
			copies_unback(c, i / 10 % NR_SIDES);
			for (j = 0; j < 12; j++)
				copies_back(c, i / 10 % NR_SIDES);
		}
		want = want_copy(c, to, to_off, from, from_off, len);
		KUNIT_ASSERT_EQ(test, want,
				vcm_res_copy(c->res[to], to_off, c->res[from],
					     from_off, len));
		good += want > 0;
		refused += want == -EINVAL;
		expect_contents(c);
	}
	KUNIT_EXPECT_GT(test, good, NR_COPIES / 50);
	KUNIT_EXPECT_GT(test, refused, 0);
	copies_end(c);
}

/* What is refused, and what ends early. */
static void copy_errors(struct kunit *test)
{
	struct copies *c = copies_new(test, 1);
	struct vcm_res *a = c->res[0], *b = c->res[1];

	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_res_copy(a, 0, b, 0, 1));
	KUNIT_ASSERT_EQ(test, 0, vcm_back_range(a, PAGE_SIZE, c->mem[0], 0, SZ_8K));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_res_copy(a, PAGE_SIZE, b, 0, 1));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_res_copy(b, 0, a, PAGE_SIZE, 1));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(b, c->mem[1]));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_res_copy(a, 0, b, 0, SZ_16K));
	KUNIT_EXPECT_EQ(test, SZ_8K, vcm_res_copy(a, PAGE_SIZE, b, 0, SZ_16K));
	KUNIT_EXPECT_EQ(test, SZ_8K - 7,
			vcm_res_copy(b, 1, a, PAGE_SIZE + 7, SZ_16K));

	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_res_copy(NULL, 0, b, 0, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_res_copy(a, 0, NULL, 0, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_res_copy(ERR_PTR(-EIO), 0, b, 0, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_res_copy(a, 0, ERR_PTR(-EIO), 0, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_res_copy(a, PAGE_SIZE, b, 0, 0));
	KUNIT_EXPECT_EQ(test, -ERANGE, vcm_res_copy(a, RES_LEN, b, 0, 1));
	KUNIT_EXPECT_EQ(test, -ERANGE, vcm_res_copy(a, 0, b, RES_LEN - 1, 2));
	KUNIT_EXPECT_EQ(test, -ERANGE, vcm_res_copy(a, SIZE_MAX, b, 0, 2));
	KUNIT_EXPECT_EQ(test, -ERANGE, vcm_res_copy(a, 0, b, 0, SIZE_MAX));

	/* The same bytes, a byte further, and just not. */
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_res_copy(b, 0, b, 0, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_res_copy(b, 1, b, 0, 2));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_res_copy(b, 0, b, 1, 2));
	KUNIT_EXPECT_EQ(test, 2, vcm_res_copy(b, 2, b, 0, 2));
	KUNIT_EXPECT_EQ(test, 1, refcount_read(&c->mem[2]->users));
	KUNIT_EXPECT_EQ(test, 2, refcount_read(&c->mem[1]->users));
	copies_end(c);
}

/* What one device wrote, another one reads in the copy. */
static void copy_devices(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct vcm_phys *a = bed_alloc(bed, SZ_64K, 0);
	struct vcm_phys *b = bed_alloc(bed, SZ_64K, VCM_ZERO);
	struct vcm_res *from = bed_reserve(bed, SZ_64K, VCM_RW);
	struct vcm_res *to = bed_reserve(bed, SZ_64K, VCM_READ);
	unsigned int last = bed->nr - 1;
	char text[] = "across the page", seen[sizeof(text)];

	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(from, a));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(to, b));
	KUNIT_ASSERT_EQ(test, 0, vcm_soft_dma(bed->units[0], bed->devs[0],
					      vcm_get_dev_addr(from) + SZ_8K - 3,
					      text, sizeof(text), VCM_WRITE));
	KUNIT_EXPECT_EQ(test, sizeof(text),
			vcm_res_copy(to, SZ_4K - 1, from, SZ_8K - 3,
				     sizeof(text)));
	KUNIT_ASSERT_EQ(test, 0, vcm_soft_dma(bed->units[last], bed->devs[last],
					      vcm_get_dev_addr(to) + SZ_4K - 1,
					      seen, sizeof(seen), VCM_READ));
	KUNIT_EXPECT_STREQ(test, text, seen);
	KUNIT_EXPECT_EQ(test, 0, phys_peek(b, SZ_4K - 2));
	KUNIT_EXPECT_EQ(test, 0, phys_peek(b, SZ_4K - 1 + sizeof(text)));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(from));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(to));
	space_give(test, from);
	space_give(test, to);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(a));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(b));
	bed_end(bed);
}

static struct kunit_case vcm_copy_cases[] = {
	KUNIT_CASE_SLOW(copy_fuzz),
	KUNIT_CASE(copy_errors),
	KUNIT_CASE_PARAM(copy_devices, vcm_bed_gen_params),
	{}
};

static struct kunit_suite vcm_copy_suite = {
	.name = "vcm_copy",
	.test_cases = vcm_copy_cases,
};

kunit_test_suite(vcm_copy_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: copies");
MODULE_LICENSE("GPL");
