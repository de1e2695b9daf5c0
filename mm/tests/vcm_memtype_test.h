/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of memory types stand on: pools at addresses where there is
 * no memory, and one where there is.
 */
#ifndef _MM_TESTS_VCM_MEMTYPE_TEST_H
#define _MM_TESTS_VCM_MEMTYPE_TEST_H

#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"

#define RANGE(at, bytes, list)						\
	{ .kind = VCM_POOL_RANGE, .start = (at), .len = (bytes),	\
	  .blocks = (list), .nr_blocks = ARRAY_SIZE(list) }

static inline struct vcm_memtype *try_register(const char *name, const struct vcm_pool_desc *pools,
					       unsigned int nr)
{
	struct vcm_memtype_desc desc = { .name = name, .pools = pools, .nr_pools = nr };

	return vcm_memtype_register(&desc);
}

static inline struct vcm_memtype *make(struct kunit *test, const struct vcm_pool_desc *pools,
				       unsigned int nr)
{
	struct vcm_memtype *type = try_register("test", pools, nr);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, type);
	return type;
}

static inline void end(struct kunit *test, struct vcm_memtype *type)
{
	unsigned int i;

	for (i = 0; i < type->nr_pools; i++)
		KUNIT_EXPECT_EQ(test, 0, atomic64_read(&type->pools[i].used));
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&type->nr_allocs));
	KUNIT_EXPECT_EQ(test, 0, vcm_memtype_unregister(type));
}

static inline struct vcm_phys *get(struct kunit *test, struct vcm_memtype *type, size_t len,
				   u32 attr)
{
	struct vcm_phys *phys = vcm_phys_alloc(type, len, attr);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	return phys;
}

static inline void give(struct kunit *test, struct vcm_phys *phys)
{
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
}

static inline int refused(struct vcm_memtype *type, size_t len, u32 attr)
{
	struct vcm_phys *phys = vcm_phys_alloc(type, len, attr);

	if (IS_ERR(phys))
		return PTR_ERR(phys);
	vcm_phys_free(phys);
	return 0;
}

static inline void expect_chunk(struct kunit *test, struct vcm_phys *phys, unsigned int index,
				phys_addr_t want, size_t want_len)
{
	phys_addr_t pa;
	size_t len;

	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(phys, index, &pa, &len));
	KUNIT_EXPECT_EQ(test, want, pa);
	KUNIT_EXPECT_EQ(test, want_len, len);
}

static inline void expect_free(struct kunit *test, struct vcm_memtype *type, unsigned int pool,
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

static const struct vcm_pool_desc two_pools[] __maybe_unused = {
	RANGE(NOWHERE, BIG_LEN, big),
	RANGE(SMALL_AT, SMALL_LEN, small),
};

static inline void expect_blocks(struct kunit *test, struct vcm_phys *phys, size_t least,
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

#define REAL_LEN	SZ_512K
#define REAL_ORDER	get_order(REAL_LEN)

/* Memory that the page allocator has given away. */
static inline struct page *real_memory(struct kunit *test)
{
	struct page *page = alloc_pages(GFP_KERNEL, REAL_ORDER);

	KUNIT_ASSERT_NOT_NULL(test, page);
	split_page(page, REAL_ORDER);
	return page;
}

static inline void free_real_memory(struct page *page)
{
	unsigned int i;

	for (i = 0; i < BIT(REAL_ORDER); i++)
		__free_page(page + i);
}

static const struct size_class_desc real_blocks[] = {
	{ SZ_256K, 1 }, { SZ_64K, 2 }, { PAGE_SIZE, SZ_128K / PAGE_SIZE },
};

static inline struct vcm_memtype *make_real(struct kunit *test, struct page *page)
{
	const struct vcm_pool_desc pool = RANGE(page_to_phys(page), REAL_LEN, real_blocks);

	return make(test, &pool, 1);
}

static inline bool is_filled(struct vcm_phys *phys, u8 value)
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
static inline void expect_zero(struct kunit *test, struct vcm_memtype *type, size_t len, bool exact)
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

#endif /* _MM_TESTS_VCM_MEMTYPE_TEST_H */
