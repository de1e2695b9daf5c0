// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of mm/vcm_phys.c: memory, and who maps it.
 *
 * Largest blocks first and never more than was asked for (P8, P9), every
 * attribute with its effect, and the ways back from a physical address to
 * those who map it (P11, rule 11). Hard case 23: translation at every 4 KiB
 * inside big blocks, in both directions.
 */
#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"

/* The largest block that the page allocator has. */
#define LARGEST		(PAGE_SIZE << MAX_PAGE_ORDER)

static struct vcm_phys *get_memory(struct kunit *test, size_t len, u32 attr)
{
	struct vcm_phys *phys = vcm_phys_alloc(NULL, len, attr);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	return phys;
}

static int refused(size_t len, u32 attr)
{
	struct vcm_phys *phys = vcm_phys_alloc(NULL, len, attr);

	if (IS_ERR(phys))
		return PTR_ERR(phys);
	vcm_phys_free(phys);
	return 0;
}

/* Chunks add up, are whole pages, and do not overlap; how many are there? */
static unsigned int expect_chunks(struct kunit *test, struct vcm_phys *phys,
				  size_t want)
{
	phys_addr_t pa, other;
	size_t len, other_len, sum = 0;
	unsigned int i, j;

	for (i = 0; !vcm_get_chunk(phys, i, &pa, &len); i++) {
		KUNIT_EXPECT_NE(test, 0, len);
		KUNIT_EXPECT_TRUE(test, PAGE_ALIGNED(pa | len));
		for (j = 0; j < i; j++) {
			vcm_get_chunk(phys, j, &other, &other_len);
			KUNIT_EXPECT_TRUE(test, pa + len <= other ||
					  other + other_len <= pa);
		}
		sum += len;
	}
	KUNIT_EXPECT_EQ(test, want, sum);
	KUNIT_EXPECT_EQ(test, want, vcm_get_phys_len(phys));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_get_chunk(phys, i, &pa, &len));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			vcm_get_chunk(phys, UINT_MAX, &pa, &len));
	return i;
}

static void phys_sizes(struct kunit *test)
{
	static const size_t lens[] = {
		1, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1, 3 * PAGE_SIZE,
		SZ_64K, SZ_64K + 1, SZ_1M - PAGE_SIZE, SZ_1M, SZ_2M + PAGE_SIZE,
		SZ_4M + SZ_1M + 5 * PAGE_SIZE,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		struct vcm_phys *phys = get_memory(test, lens[i], 0);

		expect_chunks(test, phys, PAGE_ALIGN(lens[i]));
		phys_fill(phys, 0xa5);
		KUNIT_EXPECT_EQ(test, 0xa5, phys_peek(phys, lens[i] - 1));
		KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	}
}

/* P8, P9: no block is larger than the one before it, and they are blocks. */
static void phys_largest_first(struct kunit *test)
{
	const size_t len = SZ_4M + SZ_2M + SZ_64K + 3 * PAGE_SIZE;
	struct vcm_phys *phys = get_memory(test, len, 0);
	size_t chunk, last = SIZE_MAX;
	unsigned int i, nr;
	phys_addr_t pa;

	nr = expect_chunks(test, phys, len);
	for (i = 0; !vcm_get_chunk(phys, i, &pa, &chunk); i++) {
		KUNIT_EXPECT_TRUE(test, is_power_of_2(chunk));
		KUNIT_EXPECT_LE(test, chunk, last);
		KUNIT_EXPECT_EQ(test, 0, pa & (chunk - 1));
		last = chunk;
	}
	/* A machine that just booted has large blocks. */
	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(phys, 0, &pa, &chunk));
	KUNIT_EXPECT_GE(test, chunk, SZ_1M);
	KUNIT_EXPECT_LE(test, nr, 16);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
}

static void phys_contig(struct kunit *test)
{
	static const size_t lens[] = {
		1, 3 * PAGE_SIZE, SZ_64K + PAGE_SIZE, SZ_1M - PAGE_SIZE, SZ_1M,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		struct vcm_phys *phys = get_memory(test, lens[i], VCM_CONTIG);

		/* One chunk, and not a page too many. */
		KUNIT_EXPECT_EQ(test, 1,
				expect_chunks(test, phys,
					      PAGE_ALIGN(lens[i])));
		KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	}
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, refused(LARGEST + 1, VCM_CONTIG));
	KUNIT_EXPECT_EQ(test, 0, refused(LARGEST + 1, 0));
}

static void phys_align(struct kunit *test)
{
	static const unsigned int orders[] = { 1, 12, 14, 16, 20 };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		const size_t len = SZ_1M + PAGE_SIZE;
		struct vcm_phys *phys;
		phys_addr_t pa;
		size_t chunk;

		phys = get_memory(test, len, VCM_ALIGN(orders[i]));
		expect_chunks(test, phys, len);
		for (j = 0; !vcm_get_chunk(phys, j, &pa, &chunk); j++)
			KUNIT_EXPECT_EQ(test, 0,
					pa & (BIT_ULL(orders[i]) - 1));
		KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	}
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			refused(1, VCM_ALIGN(PAGE_SHIFT + MAX_PAGE_ORDER + 1)));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, refused(1, VCM_ALIGN(63)));
}

static bool is_clean(struct vcm_phys *phys)
{
	phys_addr_t pa;
	size_t len, off;
	unsigned int i;
	bool clean = true;

	for (i = 0; !vcm_get_chunk(phys, i, &pa, &len); i++)
		for (off = 0; off < len; off += PAGE_SIZE) {
			void *p = kmap_local_pfn(PHYS_PFN(pa + off));

			clean = clean && !memchr_inv(p, 0, PAGE_SIZE);
			kunmap_local(p);
		}
	return clean;
}

/*
 * Memory that was dirty when it was freed comes back, and comes back clean.
 * That it comes back dirty without the attribute is what makes the test one;
 * a kernel that clears everything anyway cannot show it.
 */
static void phys_zero(struct kunit *test)
{
	const size_t len = SZ_1M + 3 * PAGE_SIZE;
	bool dirty = false;
	unsigned int i;

	for (i = 0; i < 8; i++) {
		u32 attr = i & 1 ? VCM_ZERO | VCM_CONTIG : VCM_ZERO;
		struct vcm_phys *phys = get_memory(test, len, 0);

		phys_fill(phys, 0xff);
		KUNIT_ASSERT_EQ(test, 0, vcm_phys_free(phys));
		phys = get_memory(test, len, 0);
		dirty = dirty || !is_clean(phys);
		phys_fill(phys, 0xff);
		KUNIT_ASSERT_EQ(test, 0, vcm_phys_free(phys));

		phys = get_memory(test, len, attr);
		KUNIT_EXPECT_TRUE(test, is_clean(phys));
		KUNIT_ASSERT_EQ(test, 0, vcm_phys_free(phys));
	}
	if (!want_init_on_alloc(GFP_KERNEL) && !want_init_on_free())
		KUNIT_EXPECT_TRUE(test, dirty);
}

/* More than there is: refused, and nobody is killed for it. */
static void phys_too_much(struct kunit *test)
{
	const u64 all = (u64)totalram_pages() << PAGE_SHIFT;

	KUNIT_EXPECT_EQ(test, -ENOMEM, refused(SIZE_MAX, 0));
	KUNIT_EXPECT_EQ(test, -ENOMEM, refused(SIZE_MAX - PAGE_SIZE, 0));
	KUNIT_EXPECT_EQ(test, -ENOMEM, refused(SIZE_MAX - 2 * PAGE_SIZE, 0));
	KUNIT_EXPECT_EQ(test, -ENOMEM, refused(SIZE_MAX / 2 + 1, 0));
	if (all + 1 <= SIZE_MAX)
		KUNIT_EXPECT_EQ(test, -ENOMEM, refused(all + 1, 0));
}

static void phys_memtype(struct kunit *test)
{
	struct vcm_memtype *type = vcm_memtype_get("system");
	struct vcm_phys *phys, *plain;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, type);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			PTR_ERR_OR_ZERO(vcm_memtype_get("systen")));
	KUNIT_EXPECT_EQ(test, -ENOENT, PTR_ERR_OR_ZERO(vcm_memtype_get("")));
	phys = vcm_phys_alloc(type, PAGE_SIZE, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	plain = get_memory(test, PAGE_SIZE, 0);
	KUNIT_EXPECT_PTR_EQ(test, type, vcm_get_memtype_of_physalloc(phys));
	KUNIT_EXPECT_PTR_EQ(test, type, vcm_get_memtype_of_physalloc(plain));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(plain));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	vcm_memtype_put(type);
}

/* A page lost in every second allocation would be 2048 pages. */
static void phys_no_leak(struct kunit *test)
{
	unsigned long before, after;
	unsigned int i;

	before = bed_free_pages();
	for (i = 0; i < 4096; i++)
		KUNIT_EXPECT_EQ(test, 0,
				refused((3 + i % 8 * 2) * PAGE_SIZE,
					i & 1 ? VCM_CONTIG : VCM_ZERO));
	/* Others live here, too. */
	after = bed_free_pages();
	KUNIT_EXPECT_LT(test, before, after + 1536);
}

#define NR_MAPPERS	4

struct mappers {
	struct vcm *vcm[NR_MAPPERS];
	struct vcm_res *res[NR_MAPPERS];
	struct vcm_phys *phys;
};

/* One allocation in several contexts, at different addresses; no device. */
static void mappers_init(struct kunit *test, struct mappers *m, size_t len,
			 u32 attr)
{
	unsigned int i;

	m->phys = get_memory(test, len, attr);
	for (i = 0; i < NR_MAPPERS; i++) {
		m->vcm[i] = vcm_create((i + 1) * (dma_addr_t)SZ_16M, SZ_32M);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, m->vcm[i]);
		m->res[i] = vcm_reserve(m->vcm[i], len, VCM_RW);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, m->res[i]);
		KUNIT_ASSERT_EQ(test, 0, vcm_back(m->res[i], m->phys));
	}
}

static void mappers_exit(struct kunit *test, struct mappers *m)
{
	unsigned int i;

	for (i = 0; i < NR_MAPPERS; i++) {
		if (!IS_ERR(vcm_get_physmem_from_res(m->res[i])))
			KUNIT_EXPECT_EQ(test, 0, vcm_unback(m->res[i]));
		KUNIT_EXPECT_EQ(test, 1, kref_read(&m->res[i]->ref));
		KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(m->res[i]));
		KUNIT_EXPECT_EQ(test, 0, vcm_free(m->vcm[i]));
	}
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(m->phys));
}

/* P11: everybody who maps a byte can be asked, and nobody else is. */
static void phys_mappers(struct kunit *test)
{
	const size_t len = SZ_1M + PAGE_SIZE;
	struct mappers m;
	struct vcm_res *res;
	size_t chunk, rest;
	phys_addr_t pa;
	unsigned int i, j;

	mappers_init(test, &m, len, 0);
	for (i = 0; !vcm_get_chunk(m.phys, i, &pa, &chunk); i++) {
		const size_t offs[] = { 0, 1, chunk / 2, chunk - 1 };

		for (j = 0; j < ARRAY_SIZE(offs); j++) {
			unsigned int seen = 0;

			KUNIT_EXPECT_EQ(test, NR_MAPPERS,
					vcm_get_phys_num_res(pa + offs[j]));
			vcm_for_each_phys_res(pa + offs[j], res, rest) {
				KUNIT_EXPECT_PTR_EQ(test, m.res[seen], res);
				KUNIT_EXPECT_EQ(test, chunk - offs[j], rest);
				seen++;
			}
			KUNIT_EXPECT_EQ(test, NR_MAPPERS, seen);
		}
	}
	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(m.phys, 0, &pa, &chunk));
	res = vcm_get_next_phys_res(pa, NULL, NULL);
	KUNIT_EXPECT_PTR_EQ(test, m.res[0], res);
	vcm_res_put(res);

	/* Memory of others, and no memory at all. */
	KUNIT_EXPECT_EQ(test, 0, vcm_get_phys_num_res(virt_to_phys(test)));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_phys_num_res(~(phys_addr_t)0));
	KUNIT_EXPECT_NULL(test,
			  vcm_get_next_phys_res(~(phys_addr_t)0, NULL, &rest));
	mappers_exit(test, &m);
	KUNIT_EXPECT_EQ(test, 0, vcm_get_phys_num_res(pa));
	KUNIT_EXPECT_NULL(test, vcm_get_next_phys_res(pa, NULL, &rest));
}

/* A mapping goes away while somebody iterates. */
static void phys_mappers_change(struct kunit *test)
{
	struct vcm_res *res;
	struct mappers m;
	phys_addr_t pa;
	size_t len;

	mappers_init(test, &m, SZ_64K, VCM_CONTIG);
	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(m.phys, 0, &pa, &len));

	/* The next one: it is not seen any more. */
	res = vcm_get_next_phys_res(pa, NULL, &len);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(m.res[1]));
	KUNIT_EXPECT_EQ(test, 3, vcm_get_phys_num_res(pa));
	res = vcm_get_next_phys_res(pa, res, &len);
	KUNIT_EXPECT_PTR_EQ(test, m.res[2], res);

	/* The one in hand: the iteration ends, and the reference is given. */
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(m.res[2]));
	KUNIT_EXPECT_NULL(test, vcm_get_next_phys_res(pa, res, &len));
	KUNIT_EXPECT_EQ(test, 2, vcm_get_phys_num_res(pa));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(m.phys));
	mappers_exit(test, &m);
}

/* Every 4 KiB of @len, from the first context to all others and back. */
static void expect_translate(struct kunit *test, size_t len)
{
	struct mappers m;
	dma_addr_t out;
	size_t off;
	unsigned int i;

	mappers_init(test, &m, len, 0);
	for (i = 1; i < NR_MAPPERS; i++) {
		dma_addr_t a = vcm_get_dev_addr(m.res[0]);
		dma_addr_t b = vcm_get_dev_addr(m.res[i]);

		for (off = 7; off < len; off += SZ_4K) {
			KUNIT_EXPECT_EQ(test, 0, vcm_translate(m.vcm[0], a + off,
							       m.vcm[i], &out));
			KUNIT_EXPECT_EQ(test, b + off, out);
			KUNIT_EXPECT_EQ(test, 0, vcm_translate(m.vcm[i], b + off,
							       m.vcm[0], &out));
			KUNIT_EXPECT_EQ(test, a + off, out);
		}
	}
	mappers_exit(test, &m);
}

static void phys_translate(struct kunit *test)
{
	expect_translate(test, SZ_64K);
	expect_translate(test, SZ_1M);
	expect_translate(test, SZ_2M);
	expect_translate(test, SZ_2M + SZ_1M + SZ_64K + PAGE_SIZE);
}

static void phys_translate_not(struct kunit *test)
{
	struct vcm *vcm = vcm_create(0, SZ_16M);
	struct vcm_res *wide, *twice, *idle;
	dma_addr_t out = 0x1234;
	struct mappers m;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vcm);
	mappers_init(test, &m, SZ_64K, 0);
	idle = vcm_reserve(vcm, SZ_64K, VCM_RW);
	wide = vcm_reserve(vcm, SZ_1M, VCM_RW);
	twice = vcm_reserve(vcm, SZ_64K, VCM_RW);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(wide, m.phys));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(twice, m.phys));

	/* No reservation, nothing behind it, nothing behind its end. */
	KUNIT_EXPECT_EQ(test, -ENOENT,
			vcm_translate(vcm, SZ_8M, m.vcm[0], &out));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			vcm_translate(vcm, vcm_get_dev_addr(idle), m.vcm[0],
				      &out));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			vcm_translate(vcm, vcm_get_dev_addr(wide) + SZ_64K,
				      m.vcm[0], &out));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(m.res[3]));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			vcm_translate(vcm, vcm_get_dev_addr(wide), m.vcm[3],
				      &out));
	KUNIT_EXPECT_EQ(test, 0x1234, out);

	/* Of two mappings the older one is meant. */
	KUNIT_EXPECT_EQ(test, 0,
			vcm_translate(m.vcm[0], vcm_get_dev_addr(m.res[0]) + 5,
				      vcm, &out));
	KUNIT_EXPECT_EQ(test, vcm_get_dev_addr(wide) + 5, out);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(wide));
	KUNIT_EXPECT_EQ(test, 0,
			vcm_translate(m.vcm[0], vcm_get_dev_addr(m.res[0]) + 5,
				      vcm, &out));
	KUNIT_EXPECT_EQ(test, vcm_get_dev_addr(twice) + 5, out);

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(twice));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(twice));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(wide));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(idle));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
	mappers_exit(test, &m);
}

/* Do tables and chunks say the same, byte for byte? */
static void expect_tables_agree(struct vcm_bed *bed, struct vcm_res *res,
				struct vcm_phys *phys)
{
	dma_addr_t addr = vcm_get_dev_addr(res);
	struct kunit *test = bed->test;
	struct vcm_soft_leaf leaf;
	phys_addr_t pa, got;
	unsigned int i, u;
	size_t len, off;

	for (i = 0; !vcm_get_chunk(phys, i, &pa, &len); i++, addr += len)
		for (off = 0; off < len; off += SZ_4K) {
			KUNIT_EXPECT_EQ(test, 0,
					vcm_dev_addr_to_phys_addr(bed->vcm,
								  addr + off + 9,
								  &got));
			KUNIT_EXPECT_EQ(test, pa + off + 9, got);
			for (u = 0; u < bed->kind->nr_formats; u++) {
				KUNIT_EXPECT_EQ(test, 0,
						vcm_soft_walk(bed->units[u],
							      bed->devs[u],
							      addr + off, &leaf));
				KUNIT_EXPECT_EQ(test, pa + off, leaf.pa);
			}
		}
}

static void phys_lookup_tables(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct vcm_phys *phys = bed_alloc(bed, SZ_2M + SZ_64K + PAGE_SIZE, 0);
	struct vcm_res *res = bed_reserve(bed, SZ_4M, VCM_RW);
	dma_addr_t addr = vcm_get_dev_addr(res);
	phys_addr_t pa;

	KUNIT_EXPECT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, -ENODEV,
			vcm_dev_addr_to_phys_addr(bed->vcm, addr, &pa));
	bed_join(bed);
	expect_tables_agree(bed, res, phys);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			vcm_dev_addr_to_phys_addr(bed->vcm, addr +
						  vcm_get_phys_len(phys), &pa));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			vcm_dev_addr_to_phys_addr(bed->vcm, addr, &pa));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

static struct kunit_case vcm_phys_cases[] = {
	KUNIT_CASE(phys_sizes),
	KUNIT_CASE(phys_largest_first),
	KUNIT_CASE(phys_contig),
	KUNIT_CASE(phys_align),
	KUNIT_CASE(phys_zero),
	KUNIT_CASE(phys_too_much),
	KUNIT_CASE(phys_memtype),
	KUNIT_CASE(phys_no_leak),
	KUNIT_CASE(phys_mappers),
	KUNIT_CASE(phys_mappers_change),
	KUNIT_CASE(phys_translate),
	KUNIT_CASE(phys_translate_not),
	KUNIT_CASE_PARAM(phys_lookup_tables, vcm_bed_gen_params),
	{}
};

static struct kunit_suite vcm_phys_suite = {
	.name = "vcm_phys",
	.test_cases = vcm_phys_cases,
};

kunit_test_suite(vcm_phys_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: physical memory");
MODULE_LICENSE("GPL");
