// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of mm/vcm_res.c: contexts and the ranges of them.
 *
 * Where a reservation may lie (P12, rule 5), who finds it, and who keeps its
 * memory. Of the hard cases: 13 and 14 (the top of the number line), 15 (more
 * than 32 bits), 16 (overlap).
 */
#include <kunit/test.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"

/* The last device address that this kernel can say. */
#define TOP	(~(dma_addr_t)0)

static void res_context(struct kunit *test)
{
	struct vcm *vcm = space_new(test, 0, PAGE_SIZE);
	struct vcm *top = space_new(test, TOP - PAGE_SIZE + 1, PAGE_SIZE);

	KUNIT_EXPECT_EQ(test, 0, vcm_get_start_addr(vcm));
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, vcm_get_len(vcm));
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, vcm_get_min_page_size(vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_res(vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_tables(vcm));
	KUNIT_EXPECT_EQ(test, TOP - PAGE_SIZE + 1, vcm_get_start_addr(top));
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, vcm_get_len(top));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(top));

	/* Everything but the first page: a length that nearly wraps. */
	vcm = space_new(test, PAGE_SIZE, (u64)TOP - PAGE_SIZE + 1);
	KUNIT_EXPECT_EQ(test, (u64)TOP - PAGE_SIZE + 1, vcm_get_len(vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

static void res_name(struct kunit *test)
{
	struct vcm *a = space_new(test, 0, SZ_1M), *b = space_new(test, 0, SZ_1M);
	char longest[VCM_NAME_LEN], too_long[VCM_NAME_LEN + 1];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	memset(too_long, 'y', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';

	KUNIT_EXPECT_STRNEQ(test, vcm_get_name(a), vcm_get_name(b));
	KUNIT_EXPECT_EQ(test, 0, vcm_set_name(a, longest));
	KUNIT_EXPECT_STREQ(test, longest, vcm_get_name(a));
	KUNIT_EXPECT_EQ(test, -ENAMETOOLONG, vcm_set_name(a, too_long));
	KUNIT_EXPECT_STREQ(test, longest, vcm_get_name(a));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(a));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(b));
}

/* Lengths are rounded up, and the lowest room is taken. */
static void res_lowest(struct kunit *test)
{
	struct vcm *vcm = space_new(test, SZ_4M, SZ_4M);
	struct vcm_res *a = space_take(test, vcm, 1, VCM_READ);
	struct vcm_res *b = space_take(test, vcm, PAGE_SIZE + 1, VCM_WRITE);
	struct vcm_res *c = space_take(test, vcm, PAGE_SIZE, VCM_RW | VCM_EXEC);

	KUNIT_EXPECT_EQ(test, SZ_4M, vcm_get_dev_addr(a));
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, vcm_get_res_len(a));
	KUNIT_EXPECT_EQ(test, SZ_4M + PAGE_SIZE, vcm_get_dev_addr(b));
	KUNIT_EXPECT_EQ(test, 2 * PAGE_SIZE, vcm_get_res_len(b));
	KUNIT_EXPECT_EQ(test, SZ_4M + 3 * PAGE_SIZE, vcm_get_dev_addr(c));
	KUNIT_EXPECT_EQ(test, VCM_READ, vcm_get_res_attr(a));
	KUNIT_EXPECT_EQ(test, VCM_RW | VCM_EXEC, vcm_get_res_attr(c));
	KUNIT_EXPECT_PTR_EQ(test, vcm, vcm_get_vcm_from_res(b));
	KUNIT_EXPECT_EQ(test, 3, vcm_get_num_res(vcm));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_free(vcm));

	space_give(test, b);
	b = space_take(test, vcm, 2 * PAGE_SIZE, 0);
	KUNIT_EXPECT_EQ(test, SZ_4M + PAGE_SIZE, vcm_get_dev_addr(b));
	space_give(test, a);
	space_give(test, b);
	space_give(test, c);
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_res(vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

struct align_case {
	size_t len;
	size_t align;
};

/* Reserve each length off the beaten track; is the alignment exactly that? */
static void expect_aligned(struct kunit *test, struct vcm *vcm,
			   const struct align_case *c, size_t nr)
{
	for (; nr--; c++) {
		struct vcm_res *page = space_take(test, vcm, 1, 0);
		struct vcm_res *res = space_take(test, vcm, c->len, 0);
		dma_addr_t addr = vcm_get_dev_addr(res);

		KUNIT_EXPECT_EQ_MSG(test, vcm_get_start_addr(vcm) + c->align,
				    addr, "%zu bytes", c->len);
		space_give(test, page);
		space_give(test, res);
	}
}

/* The largest block that fits decides, and which those are, the tables. */
static void res_align_auto(struct kunit *test)
{
	static const struct align_case bare[] = {
		{ 1, PAGE_SIZE }, { SZ_64K - PAGE_SIZE, PAGE_SIZE },
		{ SZ_64K, SZ_64K }, { SZ_1M - 1, SZ_1M }, { SZ_1M, SZ_1M },
		{ SZ_2M, SZ_2M }, { SZ_32M, SZ_2M },
	};
	static const struct align_case mirrored[] = {
		{ SZ_64K, SZ_64K }, { SZ_2M, SZ_2M }, { SZ_8M, SZ_2M },
		{ SZ_16M, SZ_16M },
	};
	struct vcm_bed *bed = bed_new(test, &vcm_bed_mirror);

	expect_aligned(test, bed->vcm, bare, ARRAY_SIZE(bare));
	bed_join(bed);
	expect_aligned(test, bed->vcm, mirrored, ARRAY_SIZE(mirrored));
	bed_end(bed);
}

/* No better room, no alignment: it is a wish as long as nobody asks for it. */
static void res_align_wish(struct kunit *test)
{
	struct vcm *vcm = space_new(test, PAGE_SIZE, SZ_4M - 2 * PAGE_SIZE);
	struct vcm_res *res = space_take(test, vcm, SZ_4M - 2 * PAGE_SIZE, 0);

	KUNIT_EXPECT_EQ(test, PAGE_SIZE, vcm_get_dev_addr(res));
	KUNIT_EXPECT_EQ(test, -ENOSPC, space_try(vcm, 1, 0));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			space_try(vcm, SZ_2M, VCM_ALIGN(21)));
	KUNIT_EXPECT_EQ(test, 0, space_try(vcm, SZ_1M, VCM_ALIGN(21)));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

static void res_align_ask(struct kunit *test)
{
	static const unsigned int orders[] = { 1, 13, 16, 20, 21, 24, 29 };
	struct vcm_bed *bed = bed_new(test, &vcm_bed_mirror);
	struct vcm_phys *phys = bed_alloc(bed, PAGE_SIZE, 0);
	unsigned int i;

	bed_join(bed);
	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		u32 attr = VCM_RW | VCM_ALIGN(orders[i]);
		struct vcm_res *page = space_take_at(test, bed->vcm, BED_START, 1);
		struct vcm_res *res = bed_reserve(bed, 1, attr);
		u64 align = max_t(u64, PAGE_SIZE, BIT_ULL(orders[i]));

		KUNIT_EXPECT_EQ(test, ALIGN((u64)BED_START + PAGE_SIZE, align),
				vcm_get_dev_addr(res));
		KUNIT_EXPECT_EQ(test, attr, vcm_get_res_attr(res));
		/* The alignment is none of the table's business. */
		KUNIT_EXPECT_EQ(test, 0, vcm_back(res, phys));
		bed_expect_memory(bed, res, phys);
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
		space_give(test, res);
		space_give(test, page);
	}
	KUNIT_EXPECT_EQ(test, -EINVAL,
			PTR_ERR_OR_ZERO(vcm_reserve_at(bed->vcm, BED_START +
						       SZ_1M, SZ_1M,
						       VCM_ALIGN(21))));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

/* Hard case 16: nothing is ever replaced. */
static void res_overlap(struct kunit *test)
{
	struct vcm *vcm = space_new(test, SZ_4M, SZ_4M);
	const dma_addr_t at = SZ_4M + SZ_1M;
	struct vcm_res *res = space_take_at(test, vcm, at, SZ_64K);
	static const struct { long off; size_t len; int err; } tries[] = {
		{ 0, SZ_64K, -EBUSY }, { 0, PAGE_SIZE, -EBUSY },
		{ SZ_64K - PAGE_SIZE, PAGE_SIZE, -EBUSY },
		{ PAGE_SIZE, PAGE_SIZE, -EBUSY },
		{ -(long)PAGE_SIZE, 2 * PAGE_SIZE, -EBUSY },
		{ -(long)PAGE_SIZE, PAGE_SIZE + 1, -EBUSY },
		{ SZ_64K - PAGE_SIZE, SZ_64K, -EBUSY },
		{ -(long)PAGE_SIZE, SZ_1M, -EBUSY },
		{ -(long)PAGE_SIZE, PAGE_SIZE, 0 }, { SZ_64K, PAGE_SIZE, 0 },
		{ -SZ_1M, PAGE_SIZE, 0 }, { -SZ_2M, PAGE_SIZE, -ERANGE },
		{ -(long)(SZ_1M + PAGE_SIZE), 2 * PAGE_SIZE, -ERANGE },
		{ SZ_2M, SZ_1M, 0 }, { SZ_2M, SZ_1M + 1, -ERANGE },
		{ SZ_4M, PAGE_SIZE, -ERANGE },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		KUNIT_EXPECT_EQ_MSG(test, tries[i].err,
				    space_try_at(vcm, at + tries[i].off,
						 tries[i].len), "try %u", i);
		KUNIT_EXPECT_EQ(test, 1, vcm_get_num_res(vcm));
	}
	KUNIT_EXPECT_EQ(test, at, vcm_get_dev_addr(res));
	KUNIT_EXPECT_EQ(test, SZ_64K, vcm_get_res_len(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

static void res_lookup(struct kunit *test)
{
	struct vcm *vcm = space_new(test, 0, SZ_4M);
	struct vcm_res *res[3], *found;
	unsigned int i, j;

	for (i = 0; i < 3; i++)
		res[i] = space_take_at(test, vcm, i * SZ_1M, SZ_64K);
	for (i = 0; i < 3; i++) {
		const dma_addr_t in[] = { 0, 1, SZ_32K, SZ_64K - 1 };

		for (j = 0; j < ARRAY_SIZE(in); j++) {
			found = vcm_get_res(vcm, i * SZ_1M + in[j]);
			KUNIT_EXPECT_PTR_EQ(test, res[i], found);
			vcm_res_put(found);
		}
		found = vcm_get_res(vcm, i * SZ_1M + SZ_64K);
		KUNIT_EXPECT_EQ(test, -ENOENT, PTR_ERR_OR_ZERO(found));
		/* A lookup leaves nothing behind. */
		KUNIT_EXPECT_EQ(test, 1, kref_read(&res[i]->ref));
	}
	found = vcm_get_res(vcm, TOP);
	KUNIT_EXPECT_EQ(test, -ENOENT, PTR_ERR_OR_ZERO(found));

	i = 0;
	vcm_for_each_res(vcm, found)
		KUNIT_EXPECT_PTR_EQ(test, res[i++], found);
	KUNIT_EXPECT_EQ(test, 3, i);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, 1, kref_read(&res[i]->ref));
		space_give(test, res[i]);
	}
	KUNIT_EXPECT_NULL(test, vcm_get_next_res(vcm, NULL));
	KUNIT_EXPECT_EQ(test, 1, kref_read(&vcm->ref));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* Whoever iterates may unreserve what it stands on, and others may, too. */
static void res_iterate_and_unreserve(struct kunit *test)
{
	struct vcm *vcm = space_new(test, 0, SZ_4M);
	struct vcm_res *res, *third = NULL;
	unsigned int i, seen = 0;

	for (i = 0; i < 8; i++) {
		res = space_take_at(test, vcm, i * SZ_64K, SZ_64K);
		if (i == 3)
			third = res;
	}
	vcm_for_each_res(vcm, res) {
		KUNIT_EXPECT_NE(test, 3 * SZ_64K, vcm_get_dev_addr(res));
		if (vcm_get_dev_addr(res) == 2 * SZ_64K)
			space_give(test, third);
		space_give(test, res);
		seen++;
	}
	KUNIT_EXPECT_EQ(test, 7, seen);
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_res(vcm));
	KUNIT_EXPECT_EQ(test, 1, kref_read(&vcm->ref));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* A counted reference keeps the memory of a reservation and of its context. */
static void res_counted(struct kunit *test)
{
	struct vcm *vcm = space_new(test, SZ_1M, SZ_1M);
	struct vcm_phys *phys = vcm_phys_alloc(NULL, PAGE_SIZE, 0);
	struct vcm_res *res = space_take_at(test, vcm, SZ_1M, SZ_64K), *ref;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	ref = vcm_get_res(vcm, SZ_1M + 5);
	KUNIT_ASSERT_PTR_EQ(test, res, ref);
	space_give(test, res);

	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_res(vcm));
	KUNIT_EXPECT_EQ(test, SZ_1M, vcm_get_dev_addr(ref));
	KUNIT_EXPECT_EQ(test, SZ_64K, vcm_get_res_len(ref));
	KUNIT_EXPECT_EQ(test, VCM_RW, vcm_get_res_attr(ref));
	KUNIT_EXPECT_PTR_EQ(test, vcm, vcm_get_vcm_from_res(ref));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			PTR_ERR_OR_ZERO(vcm_get_physmem_from_res(ref)));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_back(ref, phys));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_unback(ref));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_unreserve(ref));
	/* The range is free, whoever holds the memory of the old one. */
	res = space_take_at(test, vcm, SZ_1M, SZ_64K);
	KUNIT_EXPECT_PTR_NE(test, res, ref);
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_free(vcm));
	space_give(test, res);

	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_free(vcm));
	KUNIT_EXPECT_EQ(test, -ENOENT, space_try(vcm, 1, 0));
	KUNIT_EXPECT_EQ(test, -ENOENT, space_try_at(vcm, SZ_1M, 1));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_back(ref, phys));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_unreserve(ref));
	KUNIT_EXPECT_EQ(test, 1, kref_read(&vcm->ref));
	vcm_res_put(ref);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
}

/* Hard case 13: rounding up near the top must not arrive at the bottom. */
static void res_align_top(struct kunit *test)
{
	struct vcm *half = space_new(test, TOP - SZ_512M + 1, SZ_512M);
	struct vcm *full = space_new(test, TOP - SZ_1G + 1, SZ_1G);
	struct vcm_res *res;

	KUNIT_EXPECT_EQ(test, -ENOSPC, space_try(half, SZ_4K, VCM_ALIGN(30)));
	KUNIT_EXPECT_EQ(test, -ENOSPC, space_try(half, SZ_4K, VCM_ALIGN(63)));
	KUNIT_EXPECT_EQ(test, -ENOSPC, space_try(half, SIZE_MAX, 0));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			space_try(half, SIZE_MAX - PAGE_SIZE + 1, 0));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			space_try_at(half, TOP - PAGE_SIZE + 1, SIZE_MAX));
	KUNIT_EXPECT_EQ(test, -ERANGE,
			space_try_at(half, TOP - PAGE_SIZE + 1, 2 * PAGE_SIZE));

	res = space_take(test, full, SZ_4K, VCM_ALIGN(30));
	KUNIT_EXPECT_EQ(test, TOP - SZ_1G + 1, vcm_get_dev_addr(res));
	KUNIT_EXPECT_EQ(test, -ENOSPC, space_try(full, SZ_4K, VCM_ALIGN(30)));
	space_give(test, res);
	res = space_take(test, full, SZ_1G, 0);
	KUNIT_EXPECT_EQ(test, -ENOSPC, space_try(full, 1, 0));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(full));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(half));
}

/* Hard case 14: the last page is a page like any other. */
static void res_last_page(struct kunit *test)
{
	const struct vcm_soft_config config = { .format = VCM_SOFT_HALF };
	const dma_addr_t at = TOP - PAGE_SIZE + 1;
	struct vcm *vcm = space_new(test, TOP - SZ_1M + 1, SZ_1M);
	struct vcm_phys *phys = vcm_phys_alloc(NULL, PAGE_SIZE, VCM_ZERO);
	struct vcm_iommu *unit;
	struct device *dev = bed_limited(test, &unit, config);
	struct vcm_assoc *assoc = space_join(test, vcm, dev);
	struct vcm_res *res, *last, *found;
	dma_addr_t out;
	phys_addr_t pa;
	u8 byte = 0x5a;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	KUNIT_ASSERT_EQ(test, 0, vcm_activate(assoc));
	last = space_take_at(test, vcm, at, PAGE_SIZE);
	res = space_take(test, vcm, SZ_1M - PAGE_SIZE, VCM_RW);
	KUNIT_EXPECT_EQ(test, TOP - SZ_1M + 1, vcm_get_dev_addr(res));
	KUNIT_EXPECT_EQ(test, -ENOSPC, space_try(vcm, 1, 0));

	KUNIT_ASSERT_EQ(test, 0, vcm_back(last, phys));
	KUNIT_EXPECT_EQ(test, 0,
			vcm_soft_dma(unit, dev, TOP, &byte, 1, VCM_WRITE));
	KUNIT_EXPECT_EQ(test, 0x5a, phys_peek(phys, PAGE_SIZE - 1));
	KUNIT_EXPECT_EQ(test, 0, vcm_translate(vcm, TOP, vcm, &out));
	KUNIT_EXPECT_EQ(test, TOP, out);
	KUNIT_EXPECT_EQ(test, 0, vcm_dev_addr_to_phys_addr(vcm, TOP, &pa));
	KUNIT_EXPECT_EQ(test, 1, vcm_get_phys_num_res(pa));
	found = vcm_get_res(vcm, TOP);
	KUNIT_EXPECT_PTR_EQ(test, last, found);
	/* The end of the number line is the end of the iteration. */
	KUNIT_EXPECT_NULL(test, vcm_get_next_res(vcm, found));

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(last));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			vcm_soft_dma(unit, dev, TOP, &byte, 1, VCM_READ));
	space_give(test, res);
	space_give(test, last);
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* Hard case 15: lengths of more than 32 bits. */
static void res_big(struct kunit *test)
{
	const u64 big = 5ULL * SZ_1G;
	struct vcm_res *a, *b, *found;
	struct vcm *vcm;

	if (sizeof(dma_addr_t) < sizeof(u64) || sizeof(size_t) < sizeof(u64)) {
		/* Here, such a length must not be taken for a short one. */
		struct vcm *whole = vcm_create(0, big);

		KUNIT_EXPECT_EQ(test,
				sizeof(dma_addr_t) < sizeof(u64) ? -EOVERFLOW :
				0, PTR_ERR_OR_ZERO(whole));
		if (!IS_ERR(whole))
			KUNIT_EXPECT_EQ(test, 0, vcm_free(whole));
		return;
	}
	vcm = space_new(test, 0, 2 * big);
	a = space_take(test, vcm, (size_t)big, 0);
	b = space_take(test, vcm, (size_t)big - SZ_1M, 0);
	KUNIT_EXPECT_EQ(test, big, vcm_get_res_len(a));
	KUNIT_EXPECT_EQ(test, big, vcm_get_dev_addr(b));
	found = vcm_get_res(vcm, (dma_addr_t)big - 1);
	KUNIT_EXPECT_PTR_EQ(test, a, found);
	vcm_res_put(found);
	found = vcm_get_res(vcm, (dma_addr_t)(2 * big) - SZ_1M - 1);
	KUNIT_EXPECT_PTR_EQ(test, b, found);
	vcm_res_put(found);
	KUNIT_EXPECT_EQ(test, -ENOSPC, space_try(vcm, SZ_2M, 0));
	KUNIT_EXPECT_EQ(test, -ENOSPC, space_try(vcm, (size_t)4 * SZ_1G, 0));
	space_give(test, a);
	space_give(test, b);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/*
 * While an iteration stands at a reservation, that one goes and a longer one
 * comes in its place: the iteration does not go back to it. (vcm_race saw it.)
 */
static void res_next_never_back(struct kunit *test)
{
	struct vcm *vcm = space_new(test, 0, SZ_1M);
	struct vcm_res *page = space_take_at(test, vcm, SZ_64K, PAGE_SIZE);
	struct vcm_res *after = space_take_at(test, vcm, SZ_256K, PAGE_SIZE);
	struct vcm_res *at, *longer;

	at = vcm_get_next_res(vcm, NULL);
	KUNIT_ASSERT_PTR_EQ(test, page, at);
	KUNIT_ASSERT_EQ(test, 0, vcm_unreserve(page));
	longer = space_take_at(test, vcm, SZ_64K, 2 * PAGE_SIZE);
	at = vcm_get_next_res(vcm, at);
	KUNIT_EXPECT_PTR_EQ(test, after, at);
	KUNIT_EXPECT_NULL(test, vcm_get_next_res(vcm, at));
	space_give(test, longer);
	space_give(test, after);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* DOC: Parking. Who asks for the same again gets the same again. */
static void res_park_again(struct kunit *test)
{
	struct vcm *vcm = space_new(test, 0, SZ_1M);
	struct vcm_res *below = space_take(test, vcm, PAGE_SIZE, 0);
	struct vcm_res *res = space_take(test, vcm, 2 * PAGE_SIZE, VCM_READ);
	struct vcm_res *again;

	space_give(test, res);
	KUNIT_EXPECT_PTR_EQ(test, res, vcm->parked);
	again = space_take(test, vcm, PAGE_SIZE + 1, VCM_WRITE);
	KUNIT_EXPECT_PTR_EQ(test, res, again);
	KUNIT_EXPECT_NULL(test, vcm->parked);
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, vcm_get_dev_addr(again));
	KUNIT_EXPECT_EQ(test, VCM_WRITE, vcm_get_res_attr(again));
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_res(vcm));

	/* One that somebody looks at is not handed to somebody else. */
	KUNIT_ASSERT_PTR_EQ(test, res, vcm_get_res(vcm, PAGE_SIZE));
	space_give(test, res);
	KUNIT_EXPECT_NULL(test, vcm->parked);
	again = space_take(test, vcm, 2 * PAGE_SIZE, 0);
	KUNIT_EXPECT_PTR_NE(test, res, again);
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_unreserve(res));
	vcm_res_put(res);
	space_give(test, again);
	space_give(test, below);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* To everybody else it is gone, and so is its range free. */
static void res_park_unseen(struct kunit *test)
{
	struct vcm *vcm = space_new(test, 0, SZ_1M);
	struct vcm_phys *phys = vcm_phys_alloc(NULL, PAGE_SIZE, 0);
	struct vcm_res *res = space_take(test, vcm, PAGE_SIZE, VCM_RW);
	struct vcm_bound *bound;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	space_give(test, res);
	KUNIT_ASSERT_PTR_EQ(test, res, vcm->parked);
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_res(vcm));
	KUNIT_EXPECT_NULL(test, vcm_get_next_res(vcm, NULL));
	KUNIT_EXPECT_EQ(test, -ENOENT, PTR_ERR(vcm_get_res(vcm, 0)));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_unreserve(res));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, -EINVAL, space_try(vcm, PAGE_SIZE, ~0));
	KUNIT_EXPECT_EQ(test, -EINVAL, space_try(vcm, 0, 0));
	KUNIT_ASSERT_PTR_EQ(test, res, vcm->parked);

	KUNIT_EXPECT_EQ(test, 0, space_try_at(vcm, 0, PAGE_SIZE));
	space_give(test, space_take(test, vcm, PAGE_SIZE, 0));
	KUNIT_ASSERT_NOT_NULL(test, vcm->parked);
	KUNIT_EXPECT_EQ(test, 0, space_try(vcm, SZ_1M, 0));
	KUNIT_ASSERT_NOT_NULL(test, vcm->parked);
	bound = vcm_create_bound_at(vcm, 0, SZ_64K);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bound);
	KUNIT_EXPECT_EQ(test, 0, vcm_free_bound(bound));

	space_give(test, space_take(test, vcm, PAGE_SIZE, 0));
	KUNIT_ASSERT_NOT_NULL(test, vcm->parked);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
}

/* The lowest range that is free is taken, whatever is parked. */
static void res_park_lowest(struct kunit *test)
{
	struct vcm *vcm = space_new(test, 0, SZ_4M);
	struct vcm_res *a = space_take(test, vcm, PAGE_SIZE, 0);
	struct vcm_res *b = space_take(test, vcm, PAGE_SIZE, 0);
	struct vcm_res *c;

	/* Room below it is made after it: two at a time are not parked. */
	space_give(test, b);
	space_give(test, a);
	KUNIT_EXPECT_EQ(test, 0, space_where(test, vcm, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, space_where(test, vcm, 2 * PAGE_SIZE));

	/* Before it, when @b had its place already. */
	a = space_take(test, vcm, PAGE_SIZE, 0);
	b = space_take(test, vcm, PAGE_SIZE, 0);
	space_give(test, a);
	c = space_take(test, vcm, SZ_64K, 0);
	space_give(test, b);
	KUNIT_EXPECT_NULL(test, vcm->parked);
	KUNIT_EXPECT_EQ(test, 0, space_where(test, vcm, PAGE_SIZE));
	space_give(test, c);

	/* Another alignment is another question. */
	a = space_take_at(test, vcm, 0, PAGE_SIZE);
	b = space_take(test, vcm, PAGE_SIZE, 0);
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, vcm_get_dev_addr(b));
	space_give(test, b);
	KUNIT_ASSERT_PTR_EQ(test, b, vcm->parked);
	b = space_take(test, vcm, PAGE_SIZE, VCM_ALIGN(20));
	KUNIT_EXPECT_EQ(test, SZ_1M, vcm_get_dev_addr(b));
	space_give(test, b);
	space_give(test, a);

	/* One at an address need not be the lowest. */
	a = space_take_at(test, vcm, SZ_64K, PAGE_SIZE);
	space_give(test, a);
	KUNIT_EXPECT_NULL(test, vcm->parked);
	KUNIT_EXPECT_EQ(test, 0, space_where(test, vcm, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* A device joins that cannot use it, and leaves. */
static void res_park_limits(struct kunit *test)
{
	const struct vcm_soft_config config = {
		.format = VCM_SOFT_LPAE,
		.reserved_first = 0, .reserved_len = SZ_64K,
	};
	struct vcm *vcm = space_new(test, 0, SZ_1M);
	struct vcm_iommu *unit;
	struct device *dev = bed_limited(test, &unit, config);
	struct vcm_assoc *assoc;

	KUNIT_EXPECT_EQ(test, 0, space_where(test, vcm, PAGE_SIZE));
	KUNIT_ASSERT_NOT_NULL(test, vcm->parked);
	assoc = space_join(test, vcm, dev);
	KUNIT_EXPECT_EQ(test, SZ_64K, space_where(test, vcm, PAGE_SIZE));
	KUNIT_ASSERT_NOT_NULL(test, vcm->parked);
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	KUNIT_EXPECT_EQ(test, 0, space_where(test, vcm, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
	bed_remove_unit(test, unit);
}

static struct kunit_case vcm_res_cases[] = {
	KUNIT_CASE(res_context),
	KUNIT_CASE(res_name),
	KUNIT_CASE(res_lowest),
	KUNIT_CASE(res_align_auto),
	KUNIT_CASE(res_align_wish),
	KUNIT_CASE(res_align_ask),
	KUNIT_CASE(res_overlap),
	KUNIT_CASE(res_lookup),
	KUNIT_CASE(res_iterate_and_unreserve),
	KUNIT_CASE(res_counted),
	KUNIT_CASE(res_align_top),
	KUNIT_CASE(res_last_page),
	KUNIT_CASE(res_big),
	KUNIT_CASE(res_next_never_back),
	KUNIT_CASE(res_park_again),
	KUNIT_CASE(res_park_unseen),
	KUNIT_CASE(res_park_lowest),
	KUNIT_CASE(res_park_limits),
	{}
};

static struct kunit_suite vcm_res_suite = {
	.name = "vcm_res",
	.test_cases = vcm_res_cases,
};

kunit_test_suite(vcm_res_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: contexts and reservations");
MODULE_LICENSE("GPL");
