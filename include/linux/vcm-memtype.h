/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual Contiguous Memory Manager: memory types, for those who declare them.
 *
 * A memory type is a name for an ordered list of pools. Whoever knows the
 * machine registers it; a consumer finds it by name with vcm_memtype_get() and
 * allocates from it with vcm_phys_alloc().
 */
#ifndef _LINUX_VCM_MEMTYPE_H
#define _LINUX_VCM_MEMTYPE_H

#include <linux/size_pool.h>
#include <linux/types.h>

struct cma;
struct reserved_mem;
struct vcm_memtype;

/**
 * enum vcm_pool_kind - where the memory of a pool comes from
 * @VCM_POOL_PAGES: the page allocator. Its blocks are those sizes that are
 *                  listed, or all that it has if none is. So many of a size as
 *                  its count says are kept ready ahead of time
 * @VCM_POOL_CMA: an area of the contiguous memory allocator. Its blocks are
 *                those sizes that are listed, without a count, or all that fit
 *                if none is
 * @VCM_POOL_RANGE: physical memory that is nobody else's, cut into the blocks
 *                  that are listed, largest first. It need not have a struct
 *                  page nor be mapped
 * @VCM_POOL_RESERVED: the same, for a region of reserved memory
 * @VCM_POOL_NR_KINDS: how many there are
 */
enum vcm_pool_kind {
	VCM_POOL_PAGES,
	VCM_POOL_CMA,
	VCM_POOL_RANGE,
	VCM_POOL_RESERVED,
	VCM_POOL_NR_KINDS
};

/**
 * struct vcm_pool_desc - one pool
 * @kind: where its memory comes from
 * @blocks: its block sizes, powers of two and at least a page, and how many of
 *          each
 * @nr_blocks: length of @blocks
 * @cma: for VCM_POOL_CMA: the area, as from dev_get_cma_area(), or NULL for
 *       the one called @cma_name
 * @cma_name: for VCM_POOL_CMA without @cma: its name
 * @start: for VCM_POOL_RANGE: first address, a multiple of the largest block
 * @len: for VCM_POOL_RANGE: bytes
 * @rmem: for VCM_POOL_RESERVED: the region, as from of_reserved_mem_lookup()
 */
struct vcm_pool_desc {
	enum vcm_pool_kind kind;
	const struct size_class_desc *blocks;
	unsigned int nr_blocks;
	struct cma *cma;
	const char *cma_name;
	phys_addr_t start;
	u64 len;
	const struct reserved_mem *rmem;
};

/**
 * struct vcm_memtype_desc - a memory type
 * @name: what vcm_memtype_get() will know it by
 * @pools: its pools; the first one is asked first
 * @nr_pools: how many
 * @kernel_only: user space is not to allocate from it: with
 *               CONFIG_VCM_DMABUF_HEAPS there is no /dev/dma_heap/vcm-NAME
 *
 * All of it is copied.
 */
struct vcm_memtype_desc {
	const char *name;
	const struct vcm_pool_desc *pools;
	unsigned int nr_pools;
	bool kernel_only;
};

struct vcm_memtype *vcm_memtype_register(const struct vcm_memtype_desc *desc);
int vcm_memtype_unregister(struct vcm_memtype *type);
int vcm_memtype_refill(struct vcm_memtype *type);

#endif /* _LINUX_VCM_MEMTYPE_H */
