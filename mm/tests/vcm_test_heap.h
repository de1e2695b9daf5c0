/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory of the system heap, for suites that import it.
 */
#ifndef _MM_TESTS_VCM_TEST_HEAP_H
#define _MM_TESTS_VCM_TEST_HEAP_H

#include <linux/types.h>

struct dma_buf;
struct kunit;

struct dma_buf *test_heap_alloc(struct kunit *test, size_t len);

#endif /* _MM_TESTS_VCM_TEST_HEAP_H */
