/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An IOMMU in software, any number of instances: the model of a complete
 * low-level driver, and the test bed of everything above it. Its devices do
 * DMA with vcm_soft_dma(); its TLBs keep stale translations until they are
 * told to forget them; and it fails when asked to.
 */
#ifndef _LINUX_VCM_SOFT_H
#define _LINUX_VCM_SOFT_H

#include <linux/types.h>
#include <linux/vcm-driver.h>

struct device;

/**
 * enum vcm_soft_format - page-table formats
 * @VCM_SOFT_LPAE: Arm long descriptors, stage 1 (io-pgtable): 4K, 2M, 1G;
 *                 48 bits in, 48 out
 * @VCM_SOFT_V7S: Arm short descriptors (io-pgtable): 4K, 64K, 1M, 16M;
 *                32 bits in, 32 out
 * @VCM_SOFT_HALF: a format of our own with pages of PAGE_SIZE / 2 and nothing
 *                 else, 64 bits in and out, so that a mix-up of page sizes
 *                 fails at once
 * @VCM_SOFT_NR_FORMATS: how many there are
 */
enum vcm_soft_format {
	VCM_SOFT_LPAE,
	VCM_SOFT_V7S,
	VCM_SOFT_HALF,
	VCM_SOFT_NR_FORMATS
};

/**
 * struct vcm_soft_config - one instance
 * @name: for messages and debugfs; must outlive the unit
 * @format: the tables it can walk
 * @ias: bits of device address, 0 for the most that the format has
 * @oas: bits of physical address, 0 for the most that the format has
 * @reserved_first: first address of a window its devices cannot use
 * @reserved_len: length of that window in bytes, 0 for none
 * @stall_ms: how long an access that faults waits for a handler to deal with
 *            it, in milliseconds and over all its retries; 0 if it fails at
 *            once
 */
struct vcm_soft_config {
	const char *name;
	enum vcm_soft_format format;
	unsigned int ias;
	unsigned int oas;
	dma_addr_t reserved_first;
	size_t reserved_len;
	unsigned int stall_ms;
};

/**
 * enum vcm_soft_fault - what an instance can be told to do wrong
 * @VCM_SOFT_FAIL_TABLE: -ENOMEM from table_alloc
 * @VCM_SOFT_FAIL_MAP: -ENOMEM in the middle of a map, in a table it made
 * @VCM_SOFT_FAIL_ATTACH: -EIO from attach
 * @VCM_SOFT_FAIL_FLUSH: invalidate forgets nothing and returns -EIO, like
 *                       hardware that does not answer
 * @VCM_SOFT_LOSE_FLUSH: invalidate forgets nothing and says all is well: the
 *                       bug that the tests must be able to see
 * @VCM_SOFT_DEFER: get_unit returns -EPROBE_DEFER
 * @VCM_SOFT_UNSURE: can_walk returns -EAGAIN
 * @VCM_SOFT_NR_FAULTS: how many there are
 */
enum vcm_soft_fault {
	VCM_SOFT_FAIL_TABLE,
	VCM_SOFT_FAIL_MAP,
	VCM_SOFT_FAIL_ATTACH,
	VCM_SOFT_FAIL_FLUSH,
	VCM_SOFT_LOSE_FLUSH,
	VCM_SOFT_DEFER,
	VCM_SOFT_UNSURE,
	VCM_SOFT_NR_FAULTS
};

/**
 * struct vcm_soft_stats - what an instance has seen
 * @flushes: calls of invalidate from the core after an unmap
 * @walk_flushes: calls of invalidate because a page-table page went away
 * @flush_addr: start of the last range that was flushed after an unmap
 * @flush_len: and its length
 * @tlb_entries: translations that it holds now
 * @attached: devices that are pointed at a table now
 * @faults: accesses that were refused; one that waits counts for each try
 * @stalled: accesses that wait now
 */
struct vcm_soft_stats {
	unsigned long flushes;
	unsigned long walk_flushes;
	dma_addr_t flush_addr;
	size_t flush_len;
	unsigned long tlb_entries;
	unsigned int attached;
	unsigned long faults;
	unsigned int stalled;
};

/**
 * struct vcm_soft_leaf - what a table says of one address
 * @pa: physical address that it reaches
 * @size: block size of the entry, in bytes
 * @attr: VCM_READ, VCM_WRITE, VCM_EXEC, VCM_PRIV as the entry grants them, and
 *        VCM_MMIO if it says so
 * @cached: accesses see the caches of the CPUs
 */
struct vcm_soft_leaf {
	phys_addr_t pa;
	size_t size;
	u32 attr;
	bool cached;
};

struct vcm_iommu *vcm_soft_create(const struct vcm_soft_config *config);
void vcm_soft_destroy(struct vcm_iommu *unit);
int vcm_soft_add_device(struct vcm_iommu *unit, struct device *dev);
void vcm_soft_remove_device(struct vcm_iommu *unit, struct device *dev);

int vcm_soft_dma(struct vcm_iommu *unit, struct device *dev, dma_addr_t addr,
		 void *buf, size_t len, u32 access);
int vcm_soft_walk(struct vcm_iommu *unit, struct device *dev, dma_addr_t addr,
		  struct vcm_soft_leaf *leaf);

void vcm_soft_fail(struct vcm_iommu *unit, enum vcm_soft_fault fault,
		   int after, int times);
void vcm_soft_get_stats(struct vcm_iommu *unit, struct vcm_soft_stats *stats);
unsigned long vcm_soft_table_pages(struct vcm_iommu *unit);

#endif /* _LINUX_VCM_SOFT_H */
