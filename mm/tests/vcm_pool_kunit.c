// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of mm/vcm_pool.c: the kinds of pools.
 *
 * Blocks that are kept ready (P9), areas of CMA, ranges and reserved regions;
 * and every way to declare nonsense.
 */
#include <kunit/test.h>
#include <linux/cma.h>
#include <linux/dma-map-ops.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/of_reserved_mem.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "vcm_memtype_test.h"

static ulong unmapped;
module_param(unmapped, ulong, 0444);
MODULE_PARM_DESC(unmapped, "Address of 512 KiB of memory that the kernel does not use");

/* Memory without a struct page that counts, and not in the linear map. */
static void pool_zero_unmapped(struct kunit *test)
{
	const struct vcm_pool_desc pool = RANGE(unmapped, REAL_LEN, real_blocks);
	struct vcm_memtype *type;
	struct vcm_phys *phys;
	u8 *p;

	if (!unmapped)
		kunit_skip(test, "no such memory; vcm_pool_kunit.unmapped= tells of it");
	p = memremap(unmapped, REAL_LEN, MEMREMAP_WB);
	KUNIT_ASSERT_NOT_NULL(test, p);
	memset(p, 0x5a, REAL_LEN);
	KUNIT_EXPECT_NULL(test, memchr_inv(p, 0x5a, REAL_LEN));
	type = make(test, &pool, 1);
	phys = get(test, type, SZ_256K, 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(p, 0x5a, REAL_LEN));
	give(test, phys);
	phys = get(test, type, SZ_256K, VCM_ZERO);
	KUNIT_EXPECT_NULL(test, memchr_inv(p, 0, SZ_256K));
	KUNIT_EXPECT_NULL(test, memchr_inv(p + SZ_256K, 0x5a, SZ_256K));
	give(test, phys);
	end(test, type);
	memunmap(p);
}

static size_t nr_ready(struct vcm_memtype *type)
{
	return READ_ONCE(type->pools[0].ready[0].nr);
}

/* P9: ready when needed, and made ready again. */
static void pool_refill(struct kunit *test)
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
static void pool_refill_no_leak(struct kunit *test)
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

static void pool_cma(struct kunit *test)
{
	struct cma *cma = get_cma(test);
	struct vcm_pool_desc pools[] = {
		{ .kind = VCM_POOL_CMA, .cma = cma }, { .kind = VCM_POOL_PAGES },
	};
	struct vcm_memtype *type = make(test, pools, 1), *both;
	struct vcm_phys *phys, *first;
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
	/* The lowest page is taken, so alignment does not come by itself. */
	first = get(test, type, PAGE_SIZE, 0);
	phys = get(test, type, len, VCM_CONTIG | VCM_ALIGN(21));
	KUNIT_EXPECT_EQ(test, 1, phys->nr_chunks);
	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(phys, 0, &pa, &len));
	KUNIT_EXPECT_EQ(test, 0, pa & (SZ_2M - 1));
	expect_in_cma(test, cma, phys);
	give(test, phys);
	give(test, first);

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
static void pool_cma_no_loss(struct kunit *test)
{
	static const struct size_class_desc blocks[] = { { SZ_64K, 0 } };
	struct cma *cma = get_cma(test);
	const struct vcm_pool_desc pool = {
		.kind = VCM_POOL_CMA, .cma = cma, .blocks = blocks, .nr_blocks = 1,
	};
	struct vcm_memtype *type = make(test, &pool, 1);
	size_t half = round_down(cma_get_size(cma) / 2, SZ_64K);
	unsigned int i;

	for (i = 0; i < 3; i++) {
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

static void pool_cma(struct kunit *test)
{
	kunit_skip(test, "no CMA in this kernel");
}

static void pool_cma_no_loss(struct kunit *test)
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
static void pool_register_errors(struct kunit *test)
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
		       (struct vcm_pool_desc)RANGE(-(phys_addr_t)SZ_1M, SZ_1M + 1, page));

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
static void pool_register_undo(struct kunit *test)
{
	struct vcm_pool_desc pools[] = { two_pools[0], two_pools[1], two_pools[0] };
	struct vcm_memtype *type;

	KUNIT_EXPECT_EQ(test, -EBUSY, PTR_ERR_OR_ZERO(try_register("test", pools, 3)));
	type = make(test, pools, 2);
	end(test, type);
}

/* No byte is in two pools, nor in a pool and in the page allocator. */
static void pool_overlap(struct kunit *test)
{
	static const struct size_class_desc one[] = { { PAGE_SIZE, 1 } };
	struct vcm_memtype *type = make(test, two_pools, 1);
	const u64 end_at = NOWHERE + BIG_LEN;
	const struct vcm_pool_desc after = RANGE(end_at, PAGE_SIZE, one);
	struct vcm_memtype *next;
	struct page *page;

	expect_refused(test, -EBUSY, (struct vcm_pool_desc)RANGE(NOWHERE, PAGE_SIZE, one));
	expect_refused(test, -EBUSY,
		       (struct vcm_pool_desc)RANGE(end_at - PAGE_SIZE, PAGE_SIZE, one));
	next = try_register("next", &after, 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, next);
	end(test, next);
	end(test, type);

	page = alloc_pages(GFP_KERNEL, MAX_PAGE_ORDER);
	KUNIT_ASSERT_NOT_NULL(test, page);
	__free_pages(page, MAX_PAGE_ORDER);
	expect_refused(test, -EBUSY, (struct vcm_pool_desc)
		       RANGE(page_to_phys(page) + SZ_64K, PAGE_SIZE, one));
}

static void pool_reserved(struct kunit *test)
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

static struct kunit_case vcm_pool_cases[] = {
	KUNIT_CASE(pool_zero_unmapped),
	KUNIT_CASE(pool_refill),
	KUNIT_CASE(pool_refill_no_leak),
	KUNIT_CASE(pool_cma),
	KUNIT_CASE(pool_cma_no_loss),
	KUNIT_CASE(pool_register_errors),
	KUNIT_CASE(pool_register_undo),
	KUNIT_CASE(pool_overlap),
	KUNIT_CASE(pool_reserved),
	{}
};

static struct kunit_suite vcm_pool_suite = {
	.name = "vcm_pool",
	.test_cases = vcm_pool_cases,
};

kunit_test_suite(vcm_pool_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: the kinds of pools");
MODULE_LICENSE("GPL");
