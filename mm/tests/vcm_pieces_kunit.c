// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of VCMM: reservations that are backed in pieces.
 *
 * Hard cases 1, 2 and 3 (an unback leaves nothing behind, and flushes once for
 * what is contiguous), 17 (never a part of a mapping, and a second mapper
 * lives on), 18 (a piece that fails leaves no trace); over one table, shared
 * ones and mirrors.
 */
#include <kunit/test.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"

#define NR_MEM		3
#define MEM_LEN		(SZ_64K + PAGE_SIZE)
#define RES_LEN		SZ_1M

/*
 * Of one reservation: the end of the first allocation, then without a hole the
 * whole second one, then a hole, then the middle of the first one again.
 */
static const struct layout {
	unsigned int mem;
	size_t off, mem_off, len;
} layout[] = {
	{ 0, SZ_64K, SZ_32K, MEM_LEN - SZ_32K },
	{ 1, SZ_64K + MEM_LEN - SZ_32K, 0, MEM_LEN },
	{ 0, SZ_512K, PAGE_SIZE, SZ_16K },
};

#define HOLE		(SZ_64K + 2 * MEM_LEN - SZ_32K)
#define RUN_LEN		(HOLE - SZ_64K)

struct pieces {
	struct vcm_bed *bed;
	struct vcm_phys *mem[NR_MEM];
	struct vcm_res *res;
	dma_addr_t addr;
};

static struct pieces *pieces_new(struct kunit *test,
				 const struct vcm_bed_kind *kind)
{
	struct pieces *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, p);
	p->bed = bed_new(test, kind);
	for (i = 0; i < NR_MEM; i++) {
		p->mem[i] = bed_alloc(p->bed, MEM_LEN, 0);
		phys_fill(p->mem[i], 0x10 + i);
	}
	p->res = bed_reserve(p->bed, RES_LEN, VCM_RW);
	p->addr = vcm_get_dev_addr(p->res);
	return p;
}

static int pieces_back_one(struct pieces *p, const struct layout *l)
{
	return vcm_back_range(p->res, l->off, p->mem[l->mem], l->mem_off,
			      l->len);
}

static void pieces_back(struct pieces *p)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(layout); i++)
		KUNIT_ASSERT_EQ(p->bed->test, 0,
				pieces_back_one(p, &layout[i]));
}

static void pieces_end(struct pieces *p)
{
	struct kunit *test = p->bed->test;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, 1, kref_read(&p->res->ref));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(p->res));
	for (i = 0; i < NR_MEM; i++)
		KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(p->mem[i]));
	bed_end(p->bed);
}

/* Every device, at @off of the reservation, reaches @mem_off of @mem. */
static void expect_byte(struct pieces *p, size_t off, unsigned int mem,
			size_t mem_off)
{
	struct vcm_bed *bed = p->bed;
	unsigned int i;

	for (i = 0; i < bed->nr; i++) {
		u8 byte = (i << 1) + mem, want = byte;

		KUNIT_EXPECT_EQ_MSG(bed->test, 0,
				    vcm_soft_dma(bed->units[i], bed->devs[i],
						 p->addr + off, &byte, 1,
						 VCM_WRITE),
				    "device %u, +%#zx", i, off);
		KUNIT_EXPECT_EQ(bed->test, want, phys_peek(p->mem[mem], mem_off));
	}
}

static void expect_layout(struct pieces *p, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		const struct layout *l = &layout[i];

		expect_byte(p, l->off, l->mem, l->mem_off);
		expect_byte(p, l->off + l->len / 2, l->mem,
			    l->mem_off + l->len / 2);
		expect_byte(p, l->off + l->len - 1, l->mem,
			    l->mem_off + l->len - 1);
	}
	bed_expect_fault(p->bed, p->addr + layout[0].off - 1, VCM_READ);
	bed_expect_fault(p->bed, p->addr + HOLE, VCM_READ);
}

/* Each piece where it belongs, and nothing between. */
static void pieces_reach(struct kunit *test)
{
	struct pieces *p = pieces_new(test, test->param_value);
	unsigned int i;

	bed_join(p->bed);
	pieces_back(p);
	expect_layout(p, ARRAY_SIZE(layout));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_unreserve(p->res));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(p->mem[0]));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(p->mem[1]));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(p->res));
	for (i = 0; i < ARRAY_SIZE(layout); i++)
		bed_expect_fault(p->bed, p->addr + layout[i].off, VCM_READ);
	bed_expect_unmapped(p->bed, p->addr, RES_LEN);
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_unback(p->res));
	pieces_end(p);
}

/* Tables that come later have all pieces; those that go leave nothing. */
static void pieces_before_assoc(struct kunit *test)
{
	struct pieces *p = pieces_new(test, test->param_value);

	pieces_back(p);
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_tables(p->bed->vcm));
	bed_join(p->bed);
	expect_layout(p, ARRAY_SIZE(layout));
	bed_leave(p->bed);
	bed_join(p->bed);
	expect_layout(p, ARRAY_SIZE(layout));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(p->res));
	pieces_end(p);
}

/* One flush for each unit and contiguous run, over all of it. */
static void pieces_flush_once(struct kunit *test)
{
	struct pieces *p = pieces_new(test, test->param_value);
	struct vcm_bed *bed = p->bed;
	struct vcm_soft_stats stats;
	unsigned int i, nr;

	bed_join(bed);
	for (nr = 2; nr <= ARRAY_SIZE(layout); nr++) {
		for (i = 0; i < nr; i++)
			KUNIT_ASSERT_EQ(test, 0, pieces_back_one(p, &layout[i]));
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(p->res));
		for (i = 0; i < bed->nr; i++) {
			const struct layout *last = &layout[nr - 1];

			vcm_soft_get_stats(bed->units[i], &stats);
			/* First one run, then the same and another one. */
			KUNIT_EXPECT_EQ(test, nr == 2 ? 1 : 3, stats.flushes);
			KUNIT_EXPECT_EQ(test, p->addr + (nr == 2 ? SZ_64K : last->off),
					stats.flush_addr);
			KUNIT_EXPECT_EQ(test, nr == 2 ? RUN_LEN : last->len,
					stats.flush_len);
		}
	}
	pieces_end(p);
}

/* What is refused changes nothing. */
static void pieces_refused(struct kunit *test)
{
	struct pieces *p = pieces_new(test, test->param_value);
	struct vcm_phys *mem = p->mem[2];
	size_t granule;

	bed_join(p->bed);
	granule = vcm_get_min_page_size(p->bed->vcm);
	pieces_back(p);
	/* The last byte of one, the first one of another, all of one, inside */
	KUNIT_EXPECT_EQ(test, -EBUSY,
			vcm_back_range(p->res, HOLE - granule, mem, 0, SZ_16K));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			vcm_back_range(p->res, SZ_512K - SZ_16K, mem, 0,
				       SZ_16K + granule));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			vcm_back_range(p->res, SZ_512K - SZ_16K, mem, 0, MEM_LEN));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			vcm_back_range(p->res, SZ_64K + SZ_4K, mem, 0, granule));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_back(p->res, mem));

	KUNIT_EXPECT_EQ(test, -ENOSPC,
			vcm_back_range(p->res, RES_LEN - SZ_4K, mem, 0, SZ_8K));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			vcm_back_range(p->res, RES_LEN, mem, 0, SZ_4K));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			vcm_back_range(p->res, SIZE_MAX - SZ_4K + 1, mem, 0, SZ_8K));
	KUNIT_EXPECT_EQ(test, -ERANGE,
			vcm_back_range(p->res, 0, mem, MEM_LEN - SZ_4K, SZ_8K));
	KUNIT_EXPECT_EQ(test, -ERANGE,
			vcm_back_range(p->res, 0, mem, SIZE_MAX - SZ_4K + 1, SZ_8K));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vcm_back_range(p->res, granule / 2, mem, 0, granule));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vcm_back_range(p->res, 0, mem, granule / 2, granule));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vcm_back_range(p->res, 0, mem, 0, granule / 2));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_back_range(p->res, 0, mem, 0, 0));

	KUNIT_EXPECT_EQ(test, 1, refcount_read(&mem->users));
	expect_layout(p, ARRAY_SIZE(layout));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(p->res));
	pieces_end(p);
}

/* The lookups know pieces: where each begins and ends, and whose it is. */
static void pieces_lookups(struct kunit *test)
{
	struct pieces *p = pieces_new(test, &vcm_bed_mirror);
	struct vcm *other = space_new(test, SZ_1M, SZ_16M);
	struct vcm_res *res = space_take(test, other, SZ_256K, VCM_READ);
	dma_addr_t out, there = vcm_get_dev_addr(res);
	struct vcm *vcm = p->bed->vcm;
	size_t len, chunk;
	phys_addr_t pa;

	bed_join(p->bed);
	KUNIT_ASSERT_EQ(test, 0, pieces_back_one(p, &layout[0]));
	KUNIT_EXPECT_PTR_EQ(test, p->mem[0], vcm_get_physmem_from_res(p->res));
	KUNIT_ASSERT_EQ(test, 0, pieces_back_one(p, &layout[2]));
	KUNIT_EXPECT_PTR_EQ(test, p->mem[0], vcm_get_physmem_from_res(p->res));
	KUNIT_ASSERT_EQ(test, 0, pieces_back_one(p, &layout[1]));
	KUNIT_EXPECT_EQ(test, -ENOTUNIQ,
			PTR_ERR(vcm_get_physmem_from_res(p->res)));

	KUNIT_ASSERT_EQ(test, 0, vcm_back_range(res, SZ_16K, p->mem[1], SZ_8K, SZ_8K));
	KUNIT_EXPECT_EQ(test, 0,
			vcm_translate(vcm, p->addr + layout[1].off + SZ_8K + 7,
				      other, &out));
	KUNIT_EXPECT_EQ(test, there + SZ_16K + 7, out);
	KUNIT_EXPECT_EQ(test, 0, vcm_translate(other, there + SZ_16K, vcm, &out));
	KUNIT_EXPECT_EQ(test, p->addr + layout[1].off + SZ_8K, out);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			vcm_translate(vcm, p->addr + layout[1].off, other, &out));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_translate(other, there, vcm, &out));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			vcm_translate(vcm, p->addr + HOLE, other, &out));

	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(p->mem[1], 0, &pa, &chunk));
	KUNIT_EXPECT_EQ(test, 1, vcm_get_phys_num_res(pa));
	if (chunk > SZ_8K + SZ_4K) {
		struct vcm_res *at;
		unsigned int seen = 0;

		KUNIT_EXPECT_EQ(test, 2, vcm_get_phys_num_res(pa + SZ_8K + SZ_4K));
		vcm_for_each_phys_res(pa + SZ_8K + SZ_4K, at, len) {
			KUNIT_EXPECT_EQ(test, at == res ? SZ_4K :
					chunk - SZ_8K - SZ_4K, len);
			seen |= at == res ? 1 : 2;
		}
		KUNIT_EXPECT_EQ(test, 3, seen);
	}
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(p->res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(other));
	pieces_end(p);
}

/* The same memory many times in one reservation: it is one mapper. */
static void pieces_same_memory(struct kunit *test)
{
	struct pieces *p = pieces_new(test, test->param_value);
	struct vcm_res *more = bed_reserve(p->bed, RES_LEN, VCM_READ), *at;
	unsigned int i, seen = 0;
	phys_addr_t pa;
	size_t len;

	bed_join(p->bed);
	for (i = 0; i < 4; i++) {
		/* Of @more, all that map the byte are not its first piece. */
		KUNIT_ASSERT_EQ(test, 0,
				vcm_back_range(more, i * SZ_64K, p->mem[0],
					       i ? 0 : SZ_32K, SZ_16K));
		KUNIT_ASSERT_EQ(test, 0,
				vcm_back_range(p->res, i * SZ_64K, p->mem[0], 0,
					       SZ_16K));
	}
	for (i = 0; i < 4; i++)
		expect_byte(p, i * SZ_64K + 5, 0, 5);
	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(p->mem[0], 0, &pa, &len));
	KUNIT_EXPECT_EQ(test, 2, vcm_get_phys_num_res(pa));
	vcm_for_each_phys_res(pa, at, len)
		seen += at == more ? 1 : 16;
	KUNIT_EXPECT_EQ(test, 17, seen);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(p->res));
	KUNIT_EXPECT_EQ(test, 1, vcm_get_phys_num_res(pa));
	bed_expect_access(p->bed, vcm_get_dev_addr(more) + SZ_64K, VCM_READ);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(more));
	space_give(test, more);
	pieces_end(p);
}

/* A range of memory: who maps it, over chunks and allocations; and ends. */
static void pieces_mappers(struct kunit *test)
{
	struct pieces *p = pieces_new(test, &vcm_bed_mirror);
	struct vcm_mapper mapper;
	size_t sum = 0, want = 0;
	unsigned int i, nr = 0;
	phys_addr_t pa;
	size_t len;

	pieces_back(p);
	for (i = 0; i < ARRAY_SIZE(layout); i++)
		want += layout[i].len;
	vcm_for_each_mapper(0, SIZE_MAX, &mapper) {
		if (mapper.res != p->res)
			continue;
		sum += mapper.len;
	}
	KUNIT_EXPECT_EQ(test, want, sum);

	/* In the middle of a piece, a byte; just before it, none. */
	vcm_get_chunk(p->mem[0], 0, &pa, &len);
	vcm_for_each_mapper(pa + PAGE_SIZE + 9, 1, &mapper) {
		KUNIT_EXPECT_PTR_EQ(test, p->res, mapper.res);
		KUNIT_EXPECT_EQ(test, SZ_512K + 9, mapper.off);
		KUNIT_EXPECT_EQ(test, pa + PAGE_SIZE + 9, mapper.pa);
		KUNIT_EXPECT_EQ(test, 1, mapper.len);
		nr++;
	}
	KUNIT_EXPECT_EQ(test, 1, nr);
	vcm_for_each_mapper(pa, PAGE_SIZE, &mapper)
		KUNIT_FAIL(test, "nobody maps this");
	mapper.res = NULL;
	KUNIT_EXPECT_FALSE(test, vcm_get_next_mapper(pa + PAGE_SIZE, 0, &mapper));
	KUNIT_EXPECT_FALSE(test, vcm_get_next_mapper(pa, SZ_64K, NULL));
	KUNIT_EXPECT_FALSE(test, vcm_get_next_mapper(PHYS_ADDR_MAX, SZ_64K,
						     &mapper));

	/* What the loop unbacks ends it, and the others are not left out. */
	nr = 0;
	vcm_for_each_mapper(pa, len, &mapper) {
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(mapper.res));
		nr++;
	}
	KUNIT_EXPECT_EQ(test, 1, nr);
	pieces_end(p);
}

/* Hard case 17: the same memory in another context is not touched. */
static void pieces_second_mapper(struct kunit *test)
{
	struct pieces *p = pieces_new(test, test->param_value);
	struct vcm_bed *other = bed_new(test, test->param_value);
	struct vcm_res *res = bed_reserve(other, MEM_LEN, VCM_RW);

	bed_join(p->bed);
	bed_join(other);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, p->mem[0]));
	pieces_back(p);
	expect_layout(p, ARRAY_SIZE(layout));
	bed_expect_memory(other, res, p->mem[0]);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(p->res));
	bed_expect_memory(other, res, p->mem[0]);
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(p->mem[0]));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	bed_end(other);
	pieces_end(p);
}

/* Hard case 18: a piece that fails, at every table, leaves the others. */
static void pieces_fail_map(struct kunit *test)
{
	struct pieces *p = pieces_new(test, test->param_value);
	struct vcm_bed *bed = p->bed;
	unsigned int table;

	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, pieces_back_one(p, &layout[0]));
	KUNIT_ASSERT_EQ(test, 0, pieces_back_one(p, &layout[1]));
	for (table = 0; table < bed->kind->nr_formats; table++) {
		vcm_soft_fail(bed->units[table], VCM_SOFT_FAIL_MAP, 0, 1);
		KUNIT_EXPECT_EQ(test, -ENOMEM, pieces_back_one(p, &layout[2]));
		bed_expect_unmapped(bed, p->addr + layout[2].off, layout[2].len);
		expect_layout(p, 2);
		KUNIT_EXPECT_EQ(test, 2, refcount_read(&p->mem[0]->users));
	}
	KUNIT_EXPECT_EQ(test, 0, pieces_back_one(p, &layout[2]));
	expect_layout(p, 3);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(p->res));
	pieces_end(p);
}

/* A table that cannot be brought up to date, at any piece, is not joined. */
static void pieces_fail_replay(struct kunit *test)
{
	struct pieces *p = pieces_new(test, &vcm_bed_mirror);
	struct vcm_bed *bed = p->bed;
	struct vcm_assoc *assoc;
	unsigned int n = 0;

	pieces_back(p);
	bed_join_first(bed, 1);
	do {
		vcm_soft_fail(bed->units[1], VCM_SOFT_FAIL_MAP, n++, 1);
		assoc = vcm_assoc(bed->vcm, bed->devs[1], 0);
		vcm_soft_fail(bed->units[1], VCM_SOFT_FAIL_MAP, 0, 0);
		if (!IS_ERR(assoc))
			break;
		KUNIT_EXPECT_EQ(test, -ENOMEM, PTR_ERR(assoc));
		KUNIT_EXPECT_EQ(test, 1, vcm_get_num_tables(bed->vcm));
		KUNIT_EXPECT_EQ(test, 0, vcm_soft_table_pages(bed->units[1]));
	} while (n < 100);
	KUNIT_EXPECT_GT(test, n, ARRAY_SIZE(layout));
	bed->assocs[1] = assoc;
	KUNIT_ASSERT_EQ(test, 0, vcm_activate(assoc));
	expect_layout(p, 3);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(p->res));
	pieces_end(p);
}

/* A piece that could not be undone: the others live, and all go together. */
static void pieces_stuck(struct kunit *test)
{
	struct pieces *p = pieces_new(test, &vcm_bed_mirror);
	struct vcm_bed *bed = p->bed;

	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, pieces_back_one(p, &layout[0]));
	KUNIT_ASSERT_EQ(test, 0, pieces_back_one(p, &layout[1]));
	vcm_soft_fail(bed->units[1], VCM_SOFT_FAIL_MAP, 0, 1);
	vcm_soft_fail(bed->units[0], VCM_SOFT_FAIL_FLUSH, 0, 1);
	KUNIT_EXPECT_EQ(test, -EIO, vcm_back_range(p->res, SZ_512K, p->mem[2], 0,
						   SZ_16K));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(p->mem[2]));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_back_range(p->res, 0, p->mem[2], 0, SZ_4K));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_unreserve(p->res));
	bed_expect_unmapped(bed, p->addr + SZ_512K, SZ_16K);
	expect_layout(p, 2);

	/* Who joins now gets what is mapped, and only that. */
	KUNIT_ASSERT_EQ(test, 0, vcm_deactivate(bed->assocs[1]));
	KUNIT_ASSERT_EQ(test, 0, vcm_deassoc(bed->assocs[1]));
	bed->assocs[1] = space_join(test, bed->vcm, bed->devs[1]);
	KUNIT_ASSERT_EQ(test, 0, vcm_activate(bed->assocs[1]));
	expect_layout(p, 2);
	bed_expect_fault(bed, p->addr + SZ_512K, VCM_READ);

	vcm_soft_fail(bed->units[0], VCM_SOFT_FAIL_FLUSH, 0, -1);
	KUNIT_EXPECT_EQ(test, -EIO, vcm_unback(p->res));
	bed_expect_unmapped(bed, p->addr, RES_LEN);
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(p->mem[0]));
	vcm_soft_fail(bed->units[0], VCM_SOFT_FAIL_FLUSH, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(p->res));
	KUNIT_ASSERT_EQ(test, 0, pieces_back_one(p, &layout[0]));
	KUNIT_ASSERT_EQ(test, 0, pieces_back_one(p, &layout[1]));
	expect_layout(p, 2);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(p->res));
	pieces_end(p);
}

/* Pieces of half a page, where a page is that large. */
static void pieces_half_pages(struct kunit *test)
{
	static const struct vcm_bed_kind kind = {
		.name = "half pages", .nr = 1,
		.formats = { VCM_SOFT_HALF }, .nr_formats = 1,
	};
	struct pieces *p = pieces_new(test, &kind);
	const size_t half = PAGE_SIZE / 2;

	bed_join(p->bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back_range(p->res, half, p->mem[1],
						PAGE_SIZE + half, half));
	KUNIT_ASSERT_EQ(test, 0, vcm_back_range(p->res, PAGE_SIZE, p->mem[0], 0,
						half));
	expect_byte(p, half, 1, PAGE_SIZE + half);
	expect_byte(p, PAGE_SIZE - 1, 1, 2 * PAGE_SIZE - 1);
	expect_byte(p, PAGE_SIZE, 0, 0);
	bed_expect_fault(p->bed, p->addr + half - 1, VCM_READ);
	bed_expect_fault(p->bed, p->addr + PAGE_SIZE + half, VCM_READ);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(p->res));
	pieces_end(p);
}

static struct kunit_case vcm_pieces_cases[] = {
	KUNIT_CASE_PARAM(pieces_reach, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(pieces_before_assoc, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(pieces_flush_once, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(pieces_refused, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(pieces_same_memory, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(pieces_second_mapper, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(pieces_fail_map, vcm_bed_gen_params),
	KUNIT_CASE(pieces_lookups),
	KUNIT_CASE(pieces_mappers),
	KUNIT_CASE(pieces_fail_replay),
	KUNIT_CASE(pieces_stuck),
	KUNIT_CASE(pieces_half_pages),
	{}
};

static struct kunit_suite vcm_pieces_suite = {
	.name = "vcm_pieces",
	.test_cases = vcm_pieces_cases,
};

kunit_test_suite(vcm_pieces_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: backing in pieces");
MODULE_LICENSE("GPL");
