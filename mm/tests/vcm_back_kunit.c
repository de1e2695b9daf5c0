// SPDX-License-Identifier: GPL-2.0-only
/*
 * Backing: order is free, all or nothing, busy means busy, and after
 * vcm_unback() no device reaches the memory. Promises P2, P3, P7, P8, P12, P13
 * and the hard cases 1, 2, 3, 17, 23 and 28, over one table, shared ones and
 * mirrors.
 */
#include <kunit/device.h>
#include <kunit/test.h>

#include "vcm_bed.h"

static struct vcm_bed *bed_of_param(struct kunit *test)
{
	return bed_new(test, test->param_value);
}

static void bed_drop(struct vcm_bed *bed, struct vcm_res *res,
		     struct vcm_phys *phys)
{
	if (!IS_ERR(vcm_get_physmem_from_res(res)))
		KUNIT_EXPECT_EQ(bed->test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(bed->test, 0, vcm_unreserve(res));
	KUNIT_EXPECT_EQ(bed->test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

/* One call, and every device is there, at the same address. */
static void vcm_back_all_devices(struct kunit *test)
{
	struct vcm_bed *bed = bed_of_param(test);
	struct vcm_phys *phys = bed_alloc(bed, SZ_64K, 0);
	struct vcm_res *res = bed_reserve(bed, SZ_64K, VCM_RW);

	bed_join(bed);
	bed_expect_fault(bed, vcm_get_dev_addr(res), VCM_READ);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_PTR_EQ(test, phys, vcm_get_physmem_from_res(res));
	bed_expect_memory(bed, res, phys);
	bed_drop(bed, res, phys);
}

/* Mappings that exist are written into a table when it comes into being. */
static void vcm_back_before_assoc(struct kunit *test)
{
	struct vcm_bed *bed = bed_of_param(test);
	struct vcm_phys *phys = bed_alloc(bed, SZ_1M + SZ_64K, 0);
	struct vcm_res *res = bed_reserve(bed, SZ_2M, VCM_RW);

	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_tables(bed->vcm));
	bed_join(bed);
	bed_expect_memory(bed, res, phys);
	bed_drop(bed, res, phys);
}

/* Pages that lie apart: each unit finds each of them, and then none. */
static void vcm_back_scattered(struct kunit *test)
{
	struct vcm_bed *bed = bed_of_param(test);
	struct vcm_phys *phys = phys_scattered(test);
	/* A list goes over the end of a node, in every format. */
	dma_addr_t addr = BED_START + SZ_2M - 5 * PAGE_SIZE;
	struct vcm_res *res = vcm_reserve_at(bed->vcm, addr,
					     vcm_get_phys_len(phys), VCM_RW);
	struct vcm_soft_leaf leaf;
	unsigned int chunk, i;
	phys_addr_t pa;
	size_t len;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	for (chunk = 0; !vcm_get_chunk(phys, chunk, &pa, &len); chunk++) {
		for (; len; len -= PAGE_SIZE, addr += PAGE_SIZE, pa += PAGE_SIZE) {
			for (i = 0; i < bed->nr; i++) {
				KUNIT_EXPECT_EQ(test, 0,
						vcm_soft_walk(bed->units[i],
							      bed->devs[i], addr,
							      &leaf));
				KUNIT_EXPECT_EQ(test, (u64)pa, (u64)leaf.pa);
			}
		}
	}
	KUNIT_EXPECT_EQ(test, SCATTERED_FIRST + 1 + SCATTERED_LAST, chunk);
	bed_expect_memory(bed, res, phys);
	addr = vcm_get_dev_addr(res);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	bed_expect_unmapped(bed, addr, vcm_get_res_len(res));
	bed_drop(bed, res, phys);
}

/* Half of the devices before, half after, and one that leaves in between. */
static void vcm_back_between_assocs(struct kunit *test)
{
	struct vcm_bed *bed = bed_of_param(test);
	struct vcm_phys *phys = bed_alloc(bed, SZ_64K, 0);
	struct vcm_res *res = bed_reserve(bed, SZ_64K, VCM_RW);
	unsigned int i, half = bed->nr / 2;

	for (i = 0; i < half; i++) {
		bed->assocs[i] = vcm_assoc(bed->vcm, bed->devs[i], 0);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bed->assocs[i]);
		if (i & 1)
			KUNIT_ASSERT_EQ(test, 0, vcm_activate(bed->assocs[i]));
	}
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	for (i = half; i < bed->nr; i++) {
		bed->assocs[i] = vcm_assoc(bed->vcm, bed->devs[i], 0);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bed->assocs[i]);
	}
	if (half) {
		if (vcm_is_active(bed->assocs[0]))
			KUNIT_EXPECT_EQ(test, 0,
					vcm_deactivate(bed->assocs[0]));
		KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(bed->assocs[0]));
		bed->assocs[0] = vcm_assoc(bed->vcm, bed->devs[0], 0);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bed->assocs[0]);
	}
	for (i = 0; i < bed->nr; i++)
		if (!vcm_is_active(bed->assocs[i]))
			KUNIT_ASSERT_EQ(test, 0, vcm_activate(bed->assocs[i]));
	bed_expect_memory(bed, res, phys);
	bed_drop(bed, res, phys);
}

/* The TLBs are warm, and still nobody gets through after vcm_unback(). */
static void vcm_unback_unreachable(struct kunit *test)
{
	struct vcm_bed *bed = bed_of_param(test);
	struct vcm_phys *phys = bed_alloc(bed, SZ_64K, 0);
	struct vcm_res *res = bed_reserve(bed, SZ_64K, VCM_RW);
	dma_addr_t addr = vcm_get_dev_addr(res);

	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	bed_expect_access(bed, addr, VCM_WRITE);
	bed_expect_access(bed, addr + SZ_64K - 1, VCM_READ);
	KUNIT_ASSERT_EQ(test, 0, vcm_unback(res));
	bed_expect_fault(bed, addr, VCM_READ);
	bed_expect_fault(bed, addr, VCM_WRITE);
	bed_expect_fault(bed, addr + SZ_64K - 1, VCM_READ);
	bed_expect_unmapped(bed, addr, SZ_64K);
	bed_drop(bed, res, phys);
}

/* The negative control: with one flush lost, the last test would fail. */
static void vcm_unback_lost_flush_shows(struct kunit *test)
{
	struct vcm_bed *bed = bed_of_param(test);
	struct vcm_phys *phys = bed_alloc(bed, SZ_64K, 0);
	struct vcm_res *res = bed_reserve(bed, SZ_64K, VCM_RW);
	dma_addr_t addr = vcm_get_dev_addr(res);
	unsigned int last = bed->nr - 1;
	u8 byte = 0;

	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	bed_expect_access(bed, addr, VCM_READ);
	vcm_soft_fail(bed->units[last], VCM_SOFT_LOSE_FLUSH, 0, -1);
	KUNIT_ASSERT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 0,
			vcm_soft_dma(bed->units[last], bed->devs[last], addr,
				     &byte, 1, VCM_READ));
	if (last)
		KUNIT_EXPECT_EQ(test, -EFAULT,
				vcm_soft_dma(bed->units[0], bed->devs[0], addr,
					     &byte, 1, VCM_READ));
	vcm_soft_fail(bed->units[last], VCM_SOFT_LOSE_FLUSH, 0, 0);
	bed_drop(bed, res, phys);
}

/* Every unit hears of the whole range exactly once. */
static void vcm_unback_flush_once(struct kunit *test)
{
	struct vcm_bed *bed = bed_of_param(test);
	struct vcm_phys *phys = bed_alloc(bed, SZ_64K + PAGE_SIZE, 0);
	struct vcm_res *res = bed_reserve(bed, SZ_1M, VCM_RW);
	struct vcm_soft_stats before, after;
	unsigned int i;

	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	for (i = 0; i < bed->nr; i++) {
		vcm_soft_get_stats(bed->units[i], &before);
		if (!i)
			KUNIT_ASSERT_EQ(test, 0, vcm_unback(res));
		vcm_soft_get_stats(bed->units[i], &after);
		if (!i)
			KUNIT_EXPECT_EQ(test, before.flushes + 1,
					after.flushes);
		else
			KUNIT_EXPECT_EQ(test, 1, after.flushes);
		KUNIT_EXPECT_EQ(test, vcm_get_dev_addr(res), after.flush_addr);
		KUNIT_EXPECT_EQ(test, vcm_get_phys_len(phys), after.flush_len);
	}
	bed_drop(bed, res, phys);
}

/* An unmap that crosses a page-table boundary leaves nothing behind. */
static void vcm_unback_across_tables(struct kunit *test)
{
	struct vcm_bed *bed = bed_of_param(test);
	struct vcm_phys *phys = bed_alloc(bed, SZ_4M, 0);
	dma_addr_t addr = BED_START + SZ_2M - SZ_4K;
	struct vcm_res *res;

	res = vcm_reserve_at(bed->vcm, addr, SZ_4M, VCM_RW);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	bed_expect_access(bed, addr, VCM_READ);
	bed_expect_access(bed, addr + SZ_4K, VCM_READ);
	bed_expect_access(bed, addr + SZ_4M - 1, VCM_READ);
	KUNIT_ASSERT_EQ(test, 0, vcm_unback(res));
	bed_expect_unmapped(bed, addr, SZ_4M);
	bed_expect_fault(bed, addr + SZ_4K, VCM_READ);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	bed_expect_access(bed, addr + SZ_4M - 1, VCM_READ);
	bed_drop(bed, res, phys);
}

/* What one reservation loses, its neighbours keep. */
static void vcm_unback_spares_neighbours(struct kunit *test)
{
	struct vcm_bed *bed = bed_of_param(test);
	struct vcm_phys *phys = bed_alloc(bed, SZ_4K, 0);
	struct vcm_res *res[3];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(res); i++) {
		res[i] = vcm_reserve_at(bed->vcm, BED_START + i * SZ_4K, SZ_4K,
					VCM_RW);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res[i]);
		KUNIT_ASSERT_EQ(test, 0, vcm_back(res[i], phys));
	}
	bed_join(bed);
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(phys));
	KUNIT_ASSERT_EQ(test, 0, vcm_unback(res[1]));
	bed_expect_memory(bed, res[0], phys);
	bed_expect_fault(bed, vcm_get_dev_addr(res[1]), VCM_READ);
	bed_expect_memory(bed, res[2], phys);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res[0]));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res[2]));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res[0]));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res[2]));
	bed_drop(bed, res[1], phys);
}

/* A shorter allocation ends where it ends. */
static void vcm_back_shorter(struct kunit *test)
{
	struct vcm_bed *bed = bed_of_param(test);
	struct vcm_phys *phys = bed_alloc(bed, SZ_16K, 0);
	struct vcm_res *res = bed_reserve(bed, SZ_64K, VCM_RW);
	dma_addr_t addr = vcm_get_dev_addr(res);

	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	bed_expect_access(bed, addr + SZ_16K - 1, VCM_WRITE);
	bed_expect_fault(bed, addr + SZ_16K, VCM_WRITE);
	bed_expect_fault(bed, addr - 1, VCM_WRITE);
	bed_drop(bed, res, phys);
}

/* A longer one is refused, and leaves no trace. */
static void vcm_back_longer(struct kunit *test)
{
	struct vcm_bed *bed = bed_of_param(test);
	struct vcm_phys *phys = bed_alloc(bed, SZ_64K, 0);
	struct vcm_res *res = bed_reserve(bed, SZ_32K, VCM_RW);

	bed_join(bed);
	KUNIT_EXPECT_EQ(test, -ENOSPC, vcm_back(res, phys));
	bed_expect_unmapped(bed, vcm_get_dev_addr(res), SZ_64K);
	bed_drop(bed, res, phys);
}

/* Device addresses go where the table's rights say. */
static void vcm_back_rights(struct kunit *test)
{
	static const u32 rights[] = {
		VCM_READ, VCM_RW, VCM_READ | VCM_EXEC, VCM_RW | VCM_EXEC,
	};
	struct vcm_bed *bed = bed_of_param(test);
	struct vcm_phys *phys = bed_alloc(bed, SZ_4K, 0);
	struct vcm_res *res = NULL;
	unsigned int i;

	bed_join(bed);
	for (i = 0; i < ARRAY_SIZE(rights); i++) {
		dma_addr_t addr;

		res = bed_reserve(bed, SZ_4K, rights[i]);
		KUNIT_EXPECT_EQ(test, rights[i], vcm_get_res_attr(res));
		addr = vcm_get_dev_addr(res);
		KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
		bed_expect_access(bed, addr, VCM_READ);
		if (rights[i] & VCM_WRITE)
			bed_expect_access(bed, addr, VCM_WRITE);
		else
			bed_expect_fault(bed, addr, VCM_WRITE);
		if (rights[i] & VCM_EXEC)
			bed_expect_access(bed, addr, VCM_READ | VCM_EXEC);
		else
			bed_expect_fault(bed, addr, VCM_READ | VCM_EXEC);
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
		if (i < ARRAY_SIZE(rights) - 1)
			KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	}
	bed_drop(bed, res, phys);
}

/* VCM_PRIV: for privileged accesses only. */
static void vcm_back_priv(struct kunit *test)
{
	struct vcm_bed *bed = bed_of_param(test);
	struct vcm_phys *phys = bed_alloc(bed, SZ_4K, 0);
	struct vcm_res *res = bed_reserve(bed, SZ_4K, VCM_RW | VCM_PRIV);
	dma_addr_t addr = vcm_get_dev_addr(res);

	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	bed_expect_fault(bed, addr, VCM_READ);
	bed_expect_fault(bed, addr, VCM_WRITE);
	bed_expect_access(bed, addr, VCM_READ | VCM_PRIV);
	bed_expect_access(bed, addr, VCM_WRITE | VCM_PRIV);
	bed_drop(bed, res, phys);
}

/* What has no rights cannot be backed. */
static void vcm_back_no_rights(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_two);
	struct vcm_phys *phys = bed_alloc(bed, SZ_4K, 0);
	struct vcm_res *res = bed_reserve(bed, SZ_4K, VCM_EXEC);

	bed_join(bed);
	KUNIT_EXPECT_EQ(test, -EACCES, vcm_back(res, phys));
	bed_expect_unmapped(bed, vcm_get_dev_addr(res), SZ_4K);
	bed_drop(bed, res, phys);
}

/* A 16 MiB buffer is eight entries of 2 MiB. */
static void vcm_back_big_blocks(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_two);
	struct vcm_phys *phys = bed_alloc(bed, SZ_16M, 0);
	struct vcm_res *res = bed_reserve(bed, SZ_16M, VCM_RW);
	dma_addr_t addr = vcm_get_dev_addr(res);
	struct vcm_soft_leaf leaf;
	unsigned int chunk, big = 0;
	size_t len, off, leaves = 0;
	phys_addr_t pa;

	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	for (off = 0; off < SZ_16M; off += leaf.size, leaves++) {
		KUNIT_ASSERT_EQ(test, 0,
				vcm_soft_walk(bed->units[1], bed->devs[1],
					      addr + off, &leaf));
		KUNIT_ASSERT_NE(test, 0, leaf.size);
	}
	for (chunk = 0; !vcm_get_chunk(phys, chunk, &pa, &len); chunk++)
		big += len / SZ_2M;
	/* What the page allocator had in 2 MiB blocks is mapped as such. */
	KUNIT_EXPECT_LE(test, leaves, big + (SZ_16M - big * SZ_2M) / SZ_4K);
	KUNIT_EXPECT_GT(test, big, 0);
	bed_drop(bed, res, phys);
}

/* One table, however many units walk it. */
static void vcm_back_table_pages(struct kunit *test)
{
	struct vcm_bed *bed = bed_of_param(test);
	struct vcm_phys *phys = bed_alloc(bed, SZ_4K, 0);
	struct vcm_res *res = bed_reserve(bed, SZ_4K, VCM_RW);
	unsigned long pages;
	unsigned int i;

	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	for (i = 0; i < bed->nr; i++) {
		pages = vcm_soft_table_pages(bed->units[i]);
		if (i < bed->kind->nr_formats)
			KUNIT_EXPECT_GT(test, pages, 0);
		else
			KUNIT_EXPECT_EQ(test, pages, 0);
	}
	bed_drop(bed, res, phys);
}

/* Busy means busy, and -EBUSY changes nothing. */
static void vcm_back_busy(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_mirror);
	struct vcm_phys *phys = bed_alloc(bed, SZ_64K, 0);
	struct vcm_res *res = bed_reserve(bed, SZ_64K, VCM_RW);

	bed_join(bed);
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_unback(res));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_unreserve(res));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_free(bed->vcm));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_deassoc(bed->assocs[0]));
	bed_expect_memory(bed, res, phys);

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_free(bed->vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_back(res, phys));
	bed_expect_memory(bed, res, phys);
	bed_drop(bed, res, phys);
}

/* Memory outlives nobody's mapping, whatever goes first. */
static void vcm_back_release_orders(struct kunit *test)
{
	unsigned int order;

	for (order = 0; order < 4; order++) {
		struct vcm_bed *bed = bed_new(test, &vcm_bed_mirror);
		struct vcm_phys *phys = bed_alloc(bed, SZ_64K, 0);
		struct vcm_res *res = bed_reserve(bed, SZ_64K, VCM_RW);

		if (order & 1)
			bed_join(bed);
		KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
		if (!(order & 1))
			bed_join(bed);
		if (order & 2)
			bed_leave(bed);
		KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(phys));
		KUNIT_EXPECT_EQ(test, -EBUSY, vcm_unreserve(res));
		bed_drop(bed, res, phys);
	}
}

/*
 * The walk-through of June 2010, as far as devices go: 2 x 64 KiB of memory,
 * 8 x 64 KiB reserved in two contexts, both backed with the same memory; each
 * device sees the same bytes; iterate the chunks; unback, free.
 */
static void vcm_back_walk_through_2010(struct kunit *test)
{
	struct vcm_bed *one = bed_new(test, &vcm_bed_one);
	struct vcm_bed *two = bed_new(test, &vcm_bed_one);
	struct vcm_phys *phys = bed_alloc(one, 2 * SZ_64K, 0);
	struct vcm_res *a = bed_reserve(one, 8 * SZ_64K, VCM_RW);
	struct vcm_res *b = bed_reserve(two, 8 * SZ_64K, VCM_READ);
	static const char frame[] = "one frame of video";
	size_t len, sum = 0;
	char seen[sizeof(frame)];
	phys_addr_t pa;
	unsigned int i;

	bed_join(one);
	bed_join(two);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(a, phys));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(b, phys));

	memcpy(seen, frame, sizeof(frame));
	KUNIT_EXPECT_EQ(test, 0,
			vcm_soft_dma(one->units[0], one->devs[0],
				     vcm_get_dev_addr(a) + SZ_64K - 7, seen,
				     sizeof(seen), VCM_WRITE));
	memset(seen, 0, sizeof(seen));
	KUNIT_EXPECT_EQ(test, 0,
			vcm_soft_dma(two->units[0], two->devs[0],
				     vcm_get_dev_addr(b) + SZ_64K - 7, seen,
				     sizeof(seen), VCM_READ));
	KUNIT_EXPECT_STREQ(test, frame, seen);

	for (i = 0; !vcm_get_chunk(phys, i, &pa, &len); i++)
		sum += len;
	KUNIT_EXPECT_EQ(test, vcm_get_phys_len(phys), sum);

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(a));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(a));
	bed_end(one);
	bed_drop(two, b, phys);
}

static struct kunit_case vcm_back_cases[] = {
	KUNIT_CASE_PARAM(vcm_back_all_devices, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(vcm_back_before_assoc, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(vcm_back_scattered, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(vcm_back_between_assocs, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(vcm_unback_unreachable, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(vcm_unback_lost_flush_shows, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(vcm_unback_flush_once, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(vcm_unback_across_tables, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(vcm_unback_spares_neighbours, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(vcm_back_shorter, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(vcm_back_longer, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(vcm_back_rights, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(vcm_back_priv, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(vcm_back_table_pages, vcm_bed_gen_params),
	KUNIT_CASE(vcm_back_no_rights),
	KUNIT_CASE(vcm_back_big_blocks),
	KUNIT_CASE(vcm_back_busy),
	KUNIT_CASE(vcm_back_release_orders),
	KUNIT_CASE(vcm_back_walk_through_2010),
	{}
};

static struct kunit_suite vcm_back_suite = {
	.name = "vcm_back",
	.test_cases = vcm_back_cases,
};
kunit_test_suite(vcm_back_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: backing");
MODULE_LICENSE("GPL");
