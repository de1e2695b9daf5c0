/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The IOMMU in software: what its parts share.
 *
 * vcm_soft.c is the low-level driver, vcm_soft_hw.c the hardware that it
 * drives, vcm_soft_table.c what all tables have in common; and there is one
 * file for each family of page-table formats.
 */
#ifndef _VCM_SOFT_INTERNAL_H
#define _VCM_SOFT_INTERNAL_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/vcm-driver.h>
#include <linux/vcm-soft.h>

struct device;
struct io_pgtable_ops;
struct task_struct;
struct vcm_soft_table;

#define VCM_SOFT_RIGHTS	(VCM_READ | VCM_WRITE | VCM_EXEC | VCM_PRIV)
#define VCM_SOFT_ATTRS	(VCM_SOFT_RIGHTS | VCM_MMIO)

/**
 * struct vcm_soft_fmt - one page-table format
 * @pgsizes: its block sizes
 * @ias: the most bits of device address that it has on this kernel
 * @oas: the most bits of physical address that it has on this kernel
 * @attrs: the attributes that it can express
 * @init: make an empty table. May sleep.
 * @fini: free it with all its nodes. May sleep.
 * @map: write up to @count entries of @size bytes each, and add to @mapped
 *       what was written; fewer without an error is right, none is not
 * @map_list: optional; as @map with one block of the smallest size for each of
 *            the pages, but all of them, or an error
 * @unmap: clear up to @count blocks of @size bytes each, and the smaller
 *         entries inside; returns the bytes cleared, 0 at a hole
 * @walk: what the hardware does: follow the descriptors from the base on.
 *        @addr is inside the geometry. -ENOENT if there is nothing.
 * @nodes: how many page-table pages (nodes, of whatever size) are in use
 *
 * @map, @unmap, @walk and @nodes run side by side for disjoint ranges.
 */
struct vcm_soft_fmt {
	unsigned long pgsizes;
	unsigned int ias;
	unsigned int oas;
	u32 attrs;

	int (*init)(struct vcm_soft_table *table);
	void (*fini)(struct vcm_soft_table *table);
	int (*map)(struct vcm_soft_table *table, dma_addr_t addr,
		   phys_addr_t pa, size_t size, size_t count, u32 attr,
		   gfp_t gfp, size_t *mapped);
	int (*map_list)(struct vcm_soft_table *table, dma_addr_t addr,
			const phys_addr_t *pages, unsigned int nr, u32 attr,
			gfp_t gfp, size_t *mapped);
	size_t (*unmap)(struct vcm_soft_table *table, dma_addr_t addr,
			size_t size, size_t count);
	int (*walk)(struct vcm_soft_table *table, dma_addr_t addr,
		    struct vcm_soft_leaf *leaf);
	unsigned long (*nodes)(struct vcm_soft_table *table);
};

/**
 * struct vcm_soft_injector - something that a unit is told to do wrong
 * @after: how many times it still goes well
 * @times: and how many times it then does not; -1 for ever
 */
struct vcm_soft_injector {
	int after;
	int times;
};

/**
 * struct vcm_soft_unit - one instance
 * @iommu: what the core sees
 * @config: as it was created, with the defaults filled in
 * @fmt: the format of the tables that it can walk
 * @granule: bytes in a page of that format, and so of the TLB
 * @node: in the list of units that are in view
 * @lock: guards what follows; held for each page of a DMA, walk and copy
 * @clients: the devices behind the unit
 * @tables: those that it made
 * @tlb: the translations that it has cached
 * @stalls: the accesses that wait
 * @last_token: of the last one that did
 * @faults: what it is told to do wrong
 * @stats: what it has seen
 *
 * Locks: soft_units_lock > &vcm_soft_table.walk_lock > &vcm_soft_unit.lock.
 */
struct vcm_soft_unit {
	/* immutable */
	struct vcm_iommu iommu;
	struct vcm_soft_config config;
	const struct vcm_soft_fmt *fmt;
	size_t granule;

	/* soft_units_lock */
	struct list_head node;

	spinlock_t lock;	/* guards what follows */
	struct list_head clients;
	struct list_head tables;
	struct rb_root tlb;
	struct list_head stalls;
	u64 last_token;
	struct vcm_soft_injector faults[VCM_SOFT_NR_FAULTS];
	struct vcm_soft_stats stats;
};

/**
 * struct vcm_soft_client - a device behind a unit
 * @node: in &vcm_soft_unit.clients
 * @dev: the device, counted
 * @table: what it is attached to, or NULL; &vcm_soft_unit.lock
 */
struct vcm_soft_client {
	struct list_head node;
	struct device *dev;
	struct vcm_soft_table *table;
};

/**
 * struct vcm_soft_table - a table in one of the formats
 * @table: what the core sees
 * @fmt: how it is written and read
 * @maker: the unit that made it, and whose faults it obeys; counted
 * @ias: bits of device address
 * @oas: bits of physical address
 * @tag: what units file its translations under; used again after it is freed
 * @base: physical address of the first node, what a unit is pointed at
 * @mair: what the cacheabilities mean, in the format that has such a register
 * @pgtable: the io-pgtable that writes it, in the formats that have one
 * @nr_nodes: nodes in use, in the formats that allocate them here
 * @made: in &vcm_soft_unit.tables of @maker
 * @walk_lock: held while a node that is no longer linked is flushed from every
 *             unit, and by whoever reads the table without being a unit
 * @walk_flusher: the task that holds @walk_lock to flush
 */
struct vcm_soft_table {
	/* immutable */
	struct vcm_table table;
	const struct vcm_soft_fmt *fmt;
	struct vcm_soft_unit *maker;
	unsigned int ias;
	unsigned int oas;
	unsigned int tag;
	phys_addr_t base;
	u64 mair;
	struct io_pgtable_ops *pgtable;

	atomic_long_t nr_nodes;

	/* maker->lock */
	struct list_head made;

	spinlock_t walk_lock;	/* guards @walk_flusher */
	struct task_struct *walk_flusher;
};

static inline struct vcm_soft_unit *to_soft_unit(struct vcm_iommu *iommu)
{
	return container_of(iommu, struct vcm_soft_unit, iommu);
}

static inline struct vcm_soft_table *to_soft_table(struct vcm_table *table)
{
	return container_of(table, struct vcm_soft_table, table);
}

/* The formats; only those that the kernel has may be referred to. */
extern const struct vcm_soft_fmt vcm_soft_lpae;
extern const struct vcm_soft_fmt vcm_soft_v7s;
extern const struct vcm_soft_fmt vcm_soft_half;

/* vcm_soft_table.c */
const struct vcm_soft_fmt *vcm_soft_get_fmt(enum vcm_soft_format format);
struct vcm_soft_table *vcm_soft_table_create(struct vcm_soft_unit *maker);
bool vcm_soft_table_is_soft(const struct vcm_table *table);
int vcm_soft_table_walk(struct vcm_soft_table *table, dma_addr_t addr,
			struct vcm_soft_leaf *leaf);
void *vcm_soft_node_alloc(struct vcm_soft_table *table, size_t size, gfp_t gfp);
void vcm_soft_node_free(struct vcm_soft_table *table, void *node, size_t size);
unsigned long vcm_soft_count_nodes(struct vcm_soft_table *table);
void vcm_soft_flush_walk(struct vcm_soft_table *table, dma_addr_t addr,
			 size_t len);
bool vcm_soft_is_walk_flush(struct vcm_soft_table *table);

/* vcm_soft_hw.c */
bool vcm_soft_has_device(struct vcm_soft_unit *unit, struct device *dev);
int vcm_soft_set_base(struct vcm_soft_unit *unit, struct device *dev,
		      struct vcm_soft_table *table);
void vcm_soft_clear_base(struct vcm_soft_unit *unit, struct device *dev);
int vcm_soft_forget(struct vcm_soft_unit *unit, struct vcm_soft_table *table,
		    dma_addr_t addr, size_t len);
void vcm_soft_resume(struct vcm_soft_unit *unit, u64 token, bool retry);
bool vcm_soft_fires(struct vcm_soft_unit *unit, enum vcm_soft_fault fault);

#endif /* _VCM_SOFT_INTERNAL_H */
