// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of mm/vcm_memtype.c and mm/vcm_pool.c: memory types (P8, P9).
 *
 * A test for each rule and each attribute, and each attribute's test also looks
 * at what comes without it. Where nobody touches the memory it is a range of
 * addresses at which there is none: no struct page, nothing in the linear map,
 * and beyond 32 bits (hard case 22).
 */
#include <kunit/test.h>
#include <linux/cma.h>
#include <linux/dma-map-ops.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/of_reserved_mem.h>
#include <linux/prandom.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"

/* Where there is no memory. */
#define NOWHERE		(64 * (u64)SZ_1G)

#define RANGE(at, bytes, list)						\
	{ .kind = VCM_POOL_RANGE, .start = (at), .len = (bytes),	\
	  .blocks = (list), .nr_blocks = ARRAY_SIZE(list) }

static struct vcm_memtype *try_register(const char *name, const struct vcm_pool_desc *pools,
					unsigned int nr)
{
	struct vcm_memtype_desc desc = { .name = name, .pools = pools, .nr_pools = nr };

	return vcm_memtype_register(&desc);
}

static struct vcm_memtype *make(struct kunit *test, const struct vcm_pool_desc *pools,
				unsigned int nr)
{
	struct vcm_memtype *type = try_register("test", pools, nr);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, type);
	return type;
}

static void end(struct kunit *test, struct vcm_memtype *type)
{
	unsigned int i;

	for (i = 0; i < type->nr_pools; i++)
		KUNIT_EXPECT_EQ(test, 0, atomic64_read(&type->pools[i].used));
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&type->nr_allocs));
	KUNIT_EXPECT_EQ(test, 0, vcm_memtype_unregister(type));
}

static struct vcm_phys *get(struct kunit *test, struct vcm_memtype *type, size_t len,
			    u32 attr)
{
	struct vcm_phys *phys = vcm_phys_alloc(type, len, attr);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	return phys;
}

static void give(struct kunit *test, struct vcm_phys *phys)
{
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
}

static int refused(struct vcm_memtype *type, size_t len, u32 attr)
{
	struct vcm_phys *phys = vcm_phys_alloc(type, len, attr);

	if (IS_ERR(phys))
		return PTR_ERR(phys);
	vcm_phys_free(phys);
	return 0;
}

static void expect_chunk(struct kunit *test, struct vcm_phys *phys, unsigned int index,
			 phys_addr_t want, size_t want_len)
{
	phys_addr_t pa;
	size_t len;

	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(phys, index, &pa, &len));
	KUNIT_EXPECT_EQ(test, want, pa);
	KUNIT_EXPECT_EQ(test, want_len, len);
}

static void expect_free(struct kunit *test, struct vcm_memtype *type, unsigned int pool,
			unsigned int class, u64 want)
{
	struct size_class_stat stat;

	KUNIT_ASSERT_TRUE(test, size_pool_stat(type->pools[pool].blocks, class, &stat));
	KUNIT_EXPECT_EQ(test, want, stat.free);
}

static const struct size_class_desc big[] = { { SZ_1M, 2 }, { SZ_64K, 4 } };
static const struct size_class_desc small[] = { { SZ_2M, 1 }, { SZ_64K, 8 }, { PAGE_SIZE, 32 } };

#define BIG_LEN		(2 * SZ_1M + 4 * SZ_64K)
#define SMALL_AT	(NOWHERE + SZ_1G)
#define SMALL_LEN	(SZ_2M + 8 * SZ_64K + 32 * PAGE_SIZE)

static const struct vcm_pool_desc two_pools[] = {
	RANGE(NOWHERE, BIG_LEN, big),
	RANGE(SMALL_AT, SMALL_LEN, small),
};

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

static void expect_blocks(struct kunit *test, struct vcm_phys *phys, size_t least,
			  size_t most)
{
	phys_addr_t pa;
	unsigned int i;
	size_t len;

	for (i = 0; !vcm_get_chunk(phys, i, &pa, &len); i++) {
		KUNIT_EXPECT_GE(test, len, least);
		KUNIT_EXPECT_LE(test, len, most);
		KUNIT_EXPECT_EQ(test, 0, pa & (len - 1));
	}
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

#define REAL_ORDER	get_order(SZ_2M)

/* 2 MiB that the page allocator has given away. */
static struct page *real_memory(struct kunit *test)
{
	struct page *page = alloc_pages(GFP_KERNEL, REAL_ORDER);

	KUNIT_ASSERT_NOT_NULL(test, page);
	split_page(page, REAL_ORDER);
	return page;
}

static void free_real_memory(struct page *page)
{
	unsigned int i;

	for (i = 0; i < BIT(REAL_ORDER); i++)
		__free_page(page + i);
}

static const struct size_class_desc real_blocks[] = {
	{ SZ_1M, 1 }, { SZ_64K, 8 }, { PAGE_SIZE, SZ_512K / PAGE_SIZE },
};

static struct vcm_memtype *make_real(struct kunit *test, struct page *page)
{
	const struct vcm_pool_desc pool = RANGE(page_to_phys(page), SZ_2M, real_blocks);

	return make(test, &pool, 1);
}

static bool is_filled(struct vcm_phys *phys, u8 value)
{
	bool is = true;
	phys_addr_t pa;
	size_t len, off;
	unsigned int i;

	for (i = 0; !vcm_get_chunk(phys, i, &pa, &len); i++)
		for (off = 0; off < len; off += PAGE_SIZE) {
			void *p = kmap_local_pfn(PHYS_PFN(pa + off));

			is = is && !memchr_inv(p, value, PAGE_SIZE);
			kunmap_local(p);
		}
	return is;
}

/* VCM_ZERO: without it, what was there; with it, nothing. */
static void expect_zero(struct kunit *test, struct vcm_memtype *type, size_t len, bool exact)
{
	struct vcm_phys *phys = get(test, type, len, 0);

	phys_fill(phys, 0x5a);
	give(test, phys);
	phys = get(test, type, len, 0);
	if (exact)
		KUNIT_EXPECT_TRUE(test, is_filled(phys, 0x5a));
	phys_fill(phys, 0x5a);
	give(test, phys);
	phys = get(test, type, len, VCM_ZERO);
	KUNIT_EXPECT_TRUE(test, is_filled(phys, 0));
	phys_fill(phys, 0x5a);
	give(test, phys);
}

static void memtype_zero(struct kunit *test)
{
	struct page *page = real_memory(test);
	struct vcm_memtype *type = make_real(test, page);

	expect_zero(test, type, SZ_1M + SZ_64K + 3 * PAGE_SIZE, true);
	expect_zero(test, type, SZ_2M, true);
	end(test, type);
	free_real_memory(page);
}

static ulong unmapped;
module_param(unmapped, ulong, 0444);
MODULE_PARM_DESC(unmapped, "Address of 2 MiB of memory that the kernel does not use");

/* Memory without a struct page that counts, and not in the linear map. */
static void memtype_zero_unmapped(struct kunit *test)
{
	const struct vcm_pool_desc pool = RANGE(unmapped, SZ_2M, real_blocks);
	struct vcm_memtype *type;
	struct vcm_phys *phys;
	u8 *p;

	if (!unmapped)
		kunit_skip(test, "no such memory; vcm_memtype_kunit.unmapped= tells of it");
	p = memremap(unmapped, SZ_2M, MEMREMAP_WB);
	KUNIT_ASSERT_NOT_NULL(test, p);
	memset(p, 0x5a, SZ_2M);
	KUNIT_EXPECT_NULL(test, memchr_inv(p, 0x5a, SZ_2M));
	type = make(test, &pool, 1);
	phys = get(test, type, SZ_1M, 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(p, 0x5a, SZ_2M));
	give(test, phys);
	phys = get(test, type, SZ_1M, VCM_ZERO);
	KUNIT_EXPECT_NULL(test, memchr_inv(p, 0, SZ_1M));
	KUNIT_EXPECT_NULL(test, memchr_inv(p + SZ_1M, 0x5a, SZ_1M));
	give(test, phys);
	end(test, type);
	memunmap(p);
}

static size_t nr_ready(struct vcm_memtype *type)
{
	return READ_ONCE(type->pools[0].ready[0].nr);
}

/* P9: ready when needed, and made ready again. */
static void memtype_refill(struct kunit *test)
{
	static const struct size_class_desc blocks[] = { { SZ_256K, 4 }, { PAGE_SIZE, 0 } };
	const struct vcm_pool_desc pool = {
		.kind = VCM_POOL_PAGES, .blocks = blocks, .nr_blocks = ARRAY_SIZE(blocks),
	};
	struct vcm_memtype *type = make(test, &pool, 1);
	struct vcm_ready *ready = &type->pools[0].ready[0];
	struct vcm_phys *phys[6];
	struct page *page;
	phys_addr_t pa;
	unsigned int i;
	size_t len;

	KUNIT_EXPECT_EQ(test, 4, nr_ready(type));
	/* What is ready is what is had. */
	page = list_first_entry(&ready->pages, struct page, lru);
	phys[0] = get(test, type, SZ_256K, 0);
	expect_chunk(test, phys[0], 0, page_to_phys(page), SZ_256K);
	/* Some time later there are as many as before. */
	flush_work(&type->pools[0].refill);
	KUNIT_EXPECT_EQ(test, 4, nr_ready(type));
	give(test, phys[0]);
	KUNIT_EXPECT_EQ(test, 4, nr_ready(type));

	/* More than are ready come from the page allocator. */
	phys[0] = get(test, type, 6 * SZ_256K + 3 * PAGE_SIZE, VCM_ZERO);
	KUNIT_EXPECT_EQ(test, 6 + 3, phys[0]->nr_chunks);
	KUNIT_EXPECT_TRUE(test, is_filled(phys[0], 0));
	KUNIT_EXPECT_EQ(test, 0, vcm_memtype_refill(type));
	KUNIT_EXPECT_EQ(test, 4, nr_ready(type));
	phys_fill(phys[0], 0xff);
	give(test, phys[0]);
	/* Sizes that are not listed are not had: 6 pages are 6 blocks. */
	phys[0] = get(test, type, 6 * PAGE_SIZE, 0);
	KUNIT_EXPECT_EQ(test, 6, phys[0]->nr_chunks);
	give(test, phys[0]);

	/* Blocks that come back fill the gap, and no more than that. */
	for (i = 0; i < ARRAY_SIZE(phys); i++)
		phys[i] = get(test, type, SZ_256K, 0);
	flush_work(&type->pools[0].refill);
	spin_lock(&type->pools[0].lock);
	list_for_each_entry(page, &ready->pages, lru)
		KUNIT_EXPECT_NE(test, 0, page_count(page));
	spin_unlock(&type->pools[0].lock);
	for (i = 0; i < ARRAY_SIZE(phys); i++) {
		KUNIT_EXPECT_EQ(test, 0, vcm_get_chunk(phys[i], 0, &pa, &len));
		give(test, phys[i]);
		KUNIT_EXPECT_EQ(test, 4, nr_ready(type));
	}
	expect_zero(test, type, SZ_256K, false);
	end(test, type);
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_memtype_refill(NULL));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_memtype_refill(ERR_PTR(-ENOMEM)));
}

/* Nothing of what was kept ready stays behind. */
static void memtype_refill_no_leak(struct kunit *test)
{
	static const struct size_class_desc blocks[] = { { SZ_256K, 16 } };
	const struct vcm_pool_desc pool = {
		.kind = VCM_POOL_PAGES, .blocks = blocks, .nr_blocks = 1,
	};
	unsigned long before = 0;
	unsigned int i;

	for (i = 0; i < 9; i++) {
		struct vcm_memtype *type = make(test, &pool, 1);

		give(test, get(test, type, 20 * SZ_256K, 0));
		end(test, type);
		if (!i)
			before = bed_free_pages();
	}
	/* 8 x 4 MiB would be missing. */
	KUNIT_EXPECT_LT(test, before, bed_free_pages() + SZ_16M / PAGE_SIZE);
}

#ifdef CONFIG_CMA

/*
 * User Mode Linux has no default area, but lets one be made when the command
 * line is read. Other machines know their memory only later: there, cma= does.
 */
static struct cma *test_cma;

#ifdef CONFIG_UML
static int __init early_test_cma(char *arg)
{
	return cma_declare_contiguous(0, memparse(arg, NULL), 0, 0, 0, false, "vcm_test",
				      &test_cma);
}
early_param("vcm_test_cma", early_test_cma);
#endif

static struct cma *get_cma(struct kunit *test)
{
	struct cma *cma = test_cma ?: dev_get_cma_area(NULL);

	if (!cma)
		kunit_skip(test, "no CMA area: cma= on the command line makes one");
	return cma;
}

static void expect_in_cma(struct kunit *test, struct cma *cma, struct vcm_phys *phys)
{
	phys_addr_t pa, base = cma_get_base(cma);
	unsigned int i;
	size_t len;

	for (i = 0; !vcm_get_chunk(phys, i, &pa, &len); i++) {
		KUNIT_EXPECT_GE(test, pa, base);
		KUNIT_EXPECT_LE(test, pa + len, base + cma_get_size(cma));
	}
}

static void memtype_cma(struct kunit *test)
{
	struct cma *cma = get_cma(test);
	struct vcm_pool_desc pools[] = {
		{ .kind = VCM_POOL_CMA, .cma = cma }, { .kind = VCM_POOL_PAGES },
	};
	struct vcm_memtype *type = make(test, pools, 1), *both;
	struct vcm_phys *phys;
	size_t most = cma_get_size(cma);
	phys_addr_t pa;
	size_t len;

	phys = get(test, type, SZ_2M + SZ_1M + PAGE_SIZE, 0);
	KUNIT_EXPECT_EQ(test, 3, phys->nr_chunks);
	KUNIT_EXPECT_EQ(test, SZ_2M + SZ_1M + PAGE_SIZE, vcm_get_phys_len(phys));
	expect_in_cma(test, cma, phys);
	expect_blocks(test, phys, PAGE_SIZE, SZ_2M);
	give(test, phys);

	/* Larger than any block of the page allocator, and of odd length. */
	len = (PAGE_SIZE << MAX_PAGE_ORDER) + SZ_1M + PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, refused(NULL, len, VCM_CONTIG));
	phys = get(test, type, len, VCM_CONTIG | VCM_ALIGN(21));
	KUNIT_EXPECT_EQ(test, 1, phys->nr_chunks);
	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(phys, 0, &pa, &len));
	KUNIT_EXPECT_EQ(test, 0, pa & (SZ_2M - 1));
	expect_in_cma(test, cma, phys);
	give(test, phys);

	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, refused(type, SZ_1M, VCM_ALIGN(62)));
	KUNIT_EXPECT_EQ(test, -ENOMEM, refused(type, most + 1, 0));
	expect_zero(test, type, SZ_1M + PAGE_SIZE, false);
	end(test, type);

	/* By name; the next pool takes over where the area ends. */
	pools[0].cma = NULL;
	pools[0].cma_name = cma_get_name(cma);
	both = make(test, pools, 2);
	phys = get(test, both, most + SZ_1M, 0);
	KUNIT_EXPECT_GE(test, atomic64_read(&both->pools[1].used), SZ_1M);
	KUNIT_EXPECT_EQ(test, most + SZ_1M, atomic64_read(&both->pools[0].used) +
			atomic64_read(&both->pools[1].used));
	KUNIT_EXPECT_GT(test, atomic64_read(&both->pools[0].used), most / 2);
	give(test, phys);
	end(test, both);
}

/* All of an area is had, again and again: nothing of it gets lost. */
static void memtype_cma_no_loss(struct kunit *test)
{
	static const struct size_class_desc blocks[] = { { SZ_64K, 0 } };
	struct cma *cma = get_cma(test);
	const struct vcm_pool_desc pool = {
		.kind = VCM_POOL_CMA, .cma = cma, .blocks = blocks, .nr_blocks = 1,
	};
	struct vcm_memtype *type = make(test, &pool, 1);
	size_t half = round_down(cma_get_size(cma) / 2, SZ_64K);
	unsigned int i;

	for (i = 0; i < 8; i++) {
		struct vcm_phys *phys = get(test, type, half, 0);

		KUNIT_EXPECT_EQ(test, half / SZ_64K, phys->nr_chunks);
		give(test, phys);
	}
	end(test, type);
}

static void expect_cma_refused(struct kunit *test)
{
	static const struct size_class_desc counted[] = { { SZ_64K, 1 } };
	struct vcm_pool_desc pool = { .kind = VCM_POOL_CMA };

	KUNIT_EXPECT_EQ(test, -ENODEV, PTR_ERR_OR_ZERO(try_register("test", &pool, 1)));
	pool.cma_name = "no such area";
	KUNIT_EXPECT_EQ(test, -ENODEV, PTR_ERR_OR_ZERO(try_register("test", &pool, 1)));
	pool.cma = test_cma ?: dev_get_cma_area(NULL);
	if (!pool.cma)
		return;
	pool.blocks = counted;
	pool.nr_blocks = 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR_OR_ZERO(try_register("test", &pool, 1)));
}

#else

static void memtype_cma(struct kunit *test)
{
	kunit_skip(test, "no CMA in this kernel");
}

static void memtype_cma_no_loss(struct kunit *test)
{
	kunit_skip(test, "no CMA in this kernel");
}

static void expect_cma_refused(struct kunit *test)
{
	struct vcm_pool_desc pool = { .kind = VCM_POOL_CMA };

	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, PTR_ERR_OR_ZERO(try_register("test", &pool, 1)));
}

#endif /* CONFIG_CMA */

static void expect_refused(struct kunit *test, int err, struct vcm_pool_desc pool)
{
	KUNIT_EXPECT_EQ(test, err, PTR_ERR_OR_ZERO(try_register("refused", &pool, 1)));
}

/* Every way to declare nonsense. */
static void memtype_register_errors(struct kunit *test)
{
	static const struct size_class_desc tiny[] = { { PAGE_SIZE / 2, 1 } };
	static const struct size_class_desc odd[] = { { SZ_64K + PAGE_SIZE, 1 } };
	static const struct size_class_desc huge[] = { { PAGE_SIZE << (MAX_PAGE_ORDER + 1), 1 } };
	static const struct size_class_desc same[] = { { SZ_64K, 1 }, { SZ_64K, 1 } };
	static const struct size_class_desc page[] = { { PAGE_SIZE, 1 } };
	struct vcm_pool_desc pool = RANGE(NOWHERE, BIG_LEN, big);
	struct vcm_memtype_desc desc = { .name = "test", .pools = &pool, .nr_pools = 1 };
	const struct reserved_mem_ops ops = {};
	struct reserved_mem rmem = { .base = NOWHERE, .size = BIG_LEN, .ops = &ops };

	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR_OR_ZERO(vcm_memtype_register(NULL)));
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR_OR_ZERO(vcm_memtype_register(ERR_PTR(-EIO))));
	desc.name = NULL;
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR_OR_ZERO(vcm_memtype_register(&desc)));
	desc.name = "";
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR_OR_ZERO(vcm_memtype_register(&desc)));
	desc.name = "test";
	desc.nr_pools = 0;
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR_OR_ZERO(vcm_memtype_register(&desc)));
	desc.nr_pools = 1;
	desc.pools = NULL;
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR_OR_ZERO(vcm_memtype_register(&desc)));
	desc.pools = &pool;
	desc.name = "system";
	KUNIT_EXPECT_EQ(test, -EEXIST, PTR_ERR_OR_ZERO(vcm_memtype_register(&desc)));

	pool.kind = VCM_POOL_NR_KINDS;
	expect_refused(test, -EINVAL, pool);
	pool.kind = VCM_POOL_RANGE;
	pool.blocks = NULL;
	expect_refused(test, -EINVAL, pool);
	pool.nr_blocks = 0;
	expect_refused(test, -EINVAL, pool);
	expect_refused(test, -EINVAL, (struct vcm_pool_desc)RANGE(NOWHERE, SZ_1M, tiny));
	expect_refused(test, -EINVAL, (struct vcm_pool_desc)RANGE(NOWHERE, SZ_1M, odd));
	expect_refused(test, -EINVAL, (struct vcm_pool_desc)RANGE(NOWHERE, SZ_1M, same));
	expect_refused(test, -EINVAL, (struct vcm_pool_desc)RANGE(NOWHERE, 0, page));
	expect_refused(test, -EINVAL, (struct vcm_pool_desc)RANGE(NOWHERE + 1, SZ_1M, page));
	expect_refused(test, -EINVAL, (struct vcm_pool_desc)RANGE(NOWHERE + SZ_64K, SZ_4M, big));
	expect_refused(test, -ENOSPC, (struct vcm_pool_desc)RANGE(NOWHERE, BIG_LEN - 1, big));
	expect_refused(test, -EOVERFLOW,
		       (struct vcm_pool_desc)RANGE(-(u64)SZ_1M, SZ_1M + 1, page));

	pool = (struct vcm_pool_desc){ .kind = VCM_POOL_PAGES, .nr_blocks = 1 };
	expect_refused(test, -EINVAL, pool);
	pool.blocks = tiny;
	expect_refused(test, -EINVAL, pool);
	pool.blocks = odd;
	expect_refused(test, -EINVAL, pool);
	pool.blocks = huge;
	expect_refused(test, -EINVAL, pool);
	pool.blocks = same;
	pool.nr_blocks = 2;
	expect_refused(test, -EINVAL, pool);

	/* A region of reserved memory that another driver has. */
	pool = (struct vcm_pool_desc){ .kind = VCM_POOL_RESERVED, .blocks = big, .nr_blocks = 2 };
	expect_refused(test, -ENODEV, pool);
	pool.rmem = &rmem;
	expect_refused(test, -EBUSY, pool);
	expect_cma_refused(test);
	KUNIT_EXPECT_EQ(test, -ENOENT, PTR_ERR_OR_ZERO(vcm_memtype_get("test")));
}

/* A failure at the second pool takes the first one back. */
static void memtype_register_undo(struct kunit *test)
{
	struct vcm_pool_desc pools[] = { two_pools[0], two_pools[1], two_pools[0] };
	struct vcm_memtype *type;

	KUNIT_EXPECT_EQ(test, -EBUSY, PTR_ERR_OR_ZERO(try_register("test", pools, 3)));
	type = make(test, pools, 2);
	end(test, type);
}

/* No byte is in two pools, nor in a pool and in the page allocator. */
static void memtype_overlap(struct kunit *test)
{
	static const struct size_class_desc one[] = { { PAGE_SIZE, 1 } };
	struct vcm_memtype *type = make(test, two_pools, 1);
	const u64 end_at = NOWHERE + BIG_LEN;
	struct page *page = alloc_pages(GFP_KERNEL, MAX_PAGE_ORDER);
	struct vcm_memtype *next;
	const struct vcm_pool_desc free_pages = RANGE(page_to_phys(page) + SZ_64K, PAGE_SIZE, one);
	const struct vcm_pool_desc after = RANGE(end_at, PAGE_SIZE, one);

	expect_refused(test, -EBUSY, (struct vcm_pool_desc)RANGE(NOWHERE, PAGE_SIZE, one));
	expect_refused(test, -EBUSY,
		       (struct vcm_pool_desc)RANGE(end_at - PAGE_SIZE, PAGE_SIZE, one));
	next = try_register("next", &after, 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, next);
	end(test, next);
	end(test, type);

	KUNIT_ASSERT_NOT_NULL(test, page);
	__free_pages(page, MAX_PAGE_ORDER);
	expect_refused(test, -EBUSY, free_pages);
}

static void memtype_reserved(struct kunit *test)
{
	struct reserved_mem rmem = { .name = "vcm", .base = NOWHERE, .size = BIG_LEN };
	const struct vcm_pool_desc pool = {
		.kind = VCM_POOL_RESERVED, .rmem = &rmem,
		.blocks = big, .nr_blocks = ARRAY_SIZE(big),
	};
	struct vcm_memtype *type = make(test, &pool, 1);
	struct vcm_phys *phys = get(test, type, SZ_1M + SZ_64K, 0);

	expect_chunk(test, phys, 0, NOWHERE, SZ_1M);
	expect_chunk(test, phys, 1, NOWHERE + SZ_2M, SZ_64K);
	give(test, phys);
	KUNIT_EXPECT_EQ(test, -ENOMEM, refused(type, BIG_LEN + 1, 0));
	end(test, type);
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
	struct vcm_phys *phys = get(test, type, SZ_1M + 3 * SZ_64K + PAGE_SIZE, 0);
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
	for (i = 0; i < 20000; i++) {
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
	KUNIT_EXPECT_GT(test, met, 5000);
	for (i = 0; i < NR_FUZZ; i++)
		if (phys[i])
			give(test, phys[i]);
	expect_free(test, type, 0, 0, 2);
	expect_free(test, type, 1, 2, 32);
	end(test, type);
}

/* 100,000 blocks in one call, of which every one is its own chunk. */
static void memtype_many(struct kunit *test)
{
	static const struct size_class_desc pages[] = { { PAGE_SIZE, 100000 } };
	const struct vcm_pool_desc pool = RANGE(NOWHERE, 100000 * PAGE_SIZE, pages);
	struct vcm_memtype *type = make(test, &pool, 1);
	struct vcm_phys *phys = get(test, type, 100000 * PAGE_SIZE, 0);

	KUNIT_EXPECT_EQ(test, 100000, phys->nr_chunks);
	expect_free(test, type, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, -ENOMEM, refused(type, 1, 0));
	give(test, phys);
	expect_free(test, type, 0, 0, 100000);
	end(test, type);
}

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
	KUNIT_CASE(memtype_zero_unmapped),
	KUNIT_CASE(memtype_refill),
	KUNIT_CASE(memtype_refill_no_leak),
	KUNIT_CASE(memtype_cma),
	KUNIT_CASE(memtype_cma_no_loss),
	KUNIT_CASE(memtype_register_errors),
	KUNIT_CASE(memtype_register_undo),
	KUNIT_CASE(memtype_overlap),
	KUNIT_CASE(memtype_reserved),
	KUNIT_CASE(memtype_unregister_busy),
	KUNIT_CASE(memtype_node),
	KUNIT_CASE_PARAM(memtype_back, vcm_bed_gen_params),
	KUNIT_CASE(memtype_back_far),
	KUNIT_CASE(memtype_fuzz),
	KUNIT_CASE(memtype_many),
	KUNIT_CASE(memtype_show),
	{}
};

static struct kunit_suite vcm_memtype_suite = {
	.name = "vcm_memtype",
	.test_cases = vcm_memtype_cases,
};

kunit_test_suite(vcm_memtype_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: memory types");
MODULE_LICENSE("GPL");
