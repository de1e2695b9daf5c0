// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of mm/vcm_heap.c: memory types as dma-heaps.
 *
 * A heap stays, and memory types of its name come and go. What a process does
 * with a heap, tools/testing/selftests/vcm/ tests.
 */
#include <kunit/test.h>
#include <linux/dma-buf.h>
#include <linux/fcntl.h>
#include <linux/file.h>

#include "vcm_memtype_test.h"

static bool exists(const char *type)
{
	bool is;

	mutex_lock(&vcm_memtypes_lock);
	is = vcm_heap_exists(type);
	mutex_unlock(&vcm_memtypes_lock);
	return is;
}

static struct vcm_memtype *declare(struct kunit *test, const char *name,
				   const struct vcm_pool_desc *pool, bool kernel_only)
{
	const struct vcm_memtype_desc desc = {
		.name = name, .pools = pool, .nr_pools = 1, .kernel_only = kernel_only,
	};
	struct vcm_memtype *type = vcm_memtype_register(&desc);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, type);
	return type;
}

static struct dma_buf *buffer(struct kunit *test, const char *type, size_t len)
{
	struct dma_buf *buf = vcm_heap_buffer(type, len, O_RDWR);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, buf);
	return buf;
}

static int refusal(const char *type, size_t len)
{
	struct dma_buf *buf = vcm_heap_buffer(type, len, O_RDWR);

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	dma_buf_put(buf);
	flush_delayed_fput();
	return 0;
}

static void release(struct dma_buf *buf)
{
	dma_buf_put(buf);
	flush_delayed_fput();
}

static void heap_system(struct kunit *test)
{
	struct dma_buf *buf;
	struct vcm_phys *phys;

	KUNIT_EXPECT_TRUE(test, exists("system"));
	KUNIT_EXPECT_FALSE(test, exists("heap-never"));
	buf = buffer(test, "system", 3 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, 3 * PAGE_SIZE, buf->size);
	/* The dma-buf alone holds the memory. */
	phys = vcm_dma_buf_get_phys(buf);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	KUNIT_EXPECT_EQ(test, 2, refcount_read(&phys->users));
	vcm_phys_put(phys);
	release(buf);
}

/* Whatever was in the memory before. */
static void heap_cleared(struct kunit *test)
{
	struct page *page = real_memory(test);
	const struct vcm_pool_desc pool = RANGE(page_to_phys(page), REAL_LEN, real_blocks);
	struct vcm_memtype *type = declare(test, "heap-cleared", &pool, false);
	struct vcm_phys *phys = get(test, type, REAL_LEN, 0);
	struct dma_buf *buf;

	phys_fill(phys, 0x5a);
	give(test, phys);
	buf = buffer(test, "heap-cleared", REAL_LEN);
	phys = vcm_dma_buf_get_phys(buf);
	KUNIT_EXPECT_TRUE(test, is_filled(phys, 0));
	vcm_phys_put(phys);
	/* There is no more of it. */
	KUNIT_EXPECT_EQ(test, -ENOMEM, refusal("heap-cleared", PAGE_SIZE));
	release(buf);
	KUNIT_EXPECT_EQ(test, 0, refusal("heap-cleared", PAGE_SIZE));
	end(test, type);
	free_real_memory(page);
}

/* The heap stays; each memory type of its name is behind it in turn. */
static void heap_again(struct kunit *test)
{
	struct page *page = real_memory(test);
	const struct vcm_pool_desc pool = RANGE(page_to_phys(page), REAL_LEN, real_blocks);
	const struct vcm_pool_desc pages = { .kind = VCM_POOL_PAGES };
	struct vcm_memtype *type;
	struct dma_buf *buf;
	struct vcm_phys *phys;

	KUNIT_EXPECT_EQ(test, -ENODEV, refusal("heap-again", PAGE_SIZE));
	type = declare(test, "heap-again", &pool, false);
	KUNIT_EXPECT_TRUE(test, exists("heap-again"));
	buf = buffer(test, "heap-again", PAGE_SIZE);
	/* As long as a process has some of it, it stays. */
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_memtype_unregister(type));
	release(buf);
	end(test, type);

	KUNIT_EXPECT_TRUE(test, exists("heap-again"));
	KUNIT_EXPECT_EQ(test, -ENODEV, refusal("heap-again", PAGE_SIZE));

	type = declare(test, "heap-again", &pages, false);
	KUNIT_EXPECT_FALSE(test, bed_log_has("heap-again: no dma-heap for it"));
	buf = buffer(test, "heap-again", PAGE_SIZE);
	phys = vcm_dma_buf_get_phys(buf);
	KUNIT_EXPECT_PTR_EQ(test, type, vcm_get_memtype_of_physalloc(phys));
	vcm_phys_put(phys);
	release(buf);
	end(test, type);
	free_real_memory(page);
}

/* What is declared to be the kernel's, user space does not get. */
static void heap_kernel_only(struct kunit *test)
{
	const struct vcm_pool_desc pages = { .kind = VCM_POOL_PAGES };
	struct vcm_memtype *type = declare(test, "heap-own", &pages, true);

	KUNIT_EXPECT_FALSE(test, exists("heap-own"));
	KUNIT_EXPECT_EQ(test, -ENODEV, refusal("heap-own", PAGE_SIZE));
	end(test, type);

	/* Not even through the heap that an earlier one has left. */
	type = declare(test, "heap-shared", &pages, false);
	KUNIT_EXPECT_TRUE(test, exists("heap-shared"));
	KUNIT_EXPECT_EQ(test, 0, refusal("heap-shared", PAGE_SIZE));
	end(test, type);
	type = declare(test, "heap-shared", &pages, true);
	KUNIT_EXPECT_EQ(test, -ENODEV, refusal("heap-shared", PAGE_SIZE));
	end(test, type);
}

static struct kunit_case heap_cases[] = {
	KUNIT_CASE(heap_system),
	KUNIT_CASE(heap_cleared),
	KUNIT_CASE(heap_again),
	KUNIT_CASE(heap_kernel_only),
	{ }
};

static struct kunit_suite heap_suite = {
	.name = "vcm_heap",
	.test_cases = heap_cases,
};
kunit_test_suite(heap_suite);
