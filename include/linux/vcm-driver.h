/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual Contiguous Memory Manager: what a low-level driver sees.
 *
 * A *table* is one page table: it can be written (map, unmap, look up). A
 * *unit* is one IOMMU instance: it can walk tables, be pointed at one, and
 * forget translations. They are two objects because one table may be walked
 * by many units (they *share* it), and one context may need many tables (it is
 * *mirrored*). A driver fills in two ops tables and knows nothing of contexts,
 * reservations, other devices, or who shares what.
 *
 * Documentation/mm/vcm/driver.rst shows a whole driver.
 */
#ifndef _LINUX_VCM_DRIVER_H
#define _LINUX_VCM_DRIVER_H

#include <linux/bitops.h>
#include <linux/gfp_types.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/pgtable.h>
#include <linux/types.h>
#include <linux/vcm.h>

struct module;
struct vcm_iommu;
struct vcm_table;

/**
 * struct vcm_geometry - what a table can express
 * @first: lowest device address
 * @last: highest device address, inclusive
 * @last_pa: highest physical address, inclusive
 * @pgsizes: the block sizes, as a bitmap of powers of two
 */
struct vcm_geometry {
	dma_addr_t first;
	dma_addr_t last;
	phys_addr_t last_pa;
	unsigned long pgsizes;
};

/**
 * struct vcm_table_ops - how a table is written
 *
 * All but @free may be called for disjoint ranges on several CPUs at once; the
 * core never lets two calls for one range overlap.
 */
struct vcm_table_ops {
	/**
	 * @free: Mandatory. Give the table back. No unit is pointed at it any
	 * more, every unit has flushed, and nothing is mapped in it. May sleep.
	 */
	void (*free)(struct vcm_table *table);
	/**
	 * @map: Mandatory. Make [@addr, @addr + @len) reach [@pa, @pa + @len)
	 * with the access rights of @attr (VCM_READ, VCM_WRITE, VCM_EXEC,
	 * VCM_PRIV) and its cacheability: VCM_CACHED, so that accesses see the
	 * caches of the CPUs, or VCM_UNCACHED or VCM_WC, so that they go past
	 * them; with VCM_MMIO in it, that is no memory but registers, not to be
	 * cached, merged or reordered. Everything is a multiple of the smallest
	 * block size and inside the geometry; vcm_block() picks the blocks.
	 * When it returns, a unit that walks the table finds the new entries.
	 * Returns 0, or an errno and in @mapped how many bytes from @addr on
	 * were mapped all the same: the core unmaps them. May sleep if @gfp
	 * allows it. With __GFP_NOFAIL in @gfp it must not fail for want of
	 * memory: the core puts back what was mapped there before.
	 */
	int (*map)(struct vcm_table *table, dma_addr_t addr, phys_addr_t pa,
		   size_t len, u32 attr, gfp_t gfp, size_t *mapped);
	/**
	 * @map_list: Optional: @map for memory that comes in single pages, of
	 * the smallest block size. Make the pages from @addr on reach those of
	 * @pages, @nr of them. Returns 0 with all of them mapped, or an errno
	 * and in @mapped how many bytes from @addr on were mapped in all. What
	 * else is said of @map goes for this, too. It pays where the table has
	 * to be walked only once for all of them.
	 */
	int (*map_list)(struct vcm_table *table, dma_addr_t addr,
			const phys_addr_t *pages, unsigned int nr, u32 attr,
			gfp_t gfp, size_t *mapped);
	/**
	 * @unmap: Mandatory. Remove [@addr, @addr + @len), which earlier calls
	 * of @map and @map_list covered without a hole; an entry is never
	 * split. Units may go on using what they cached until their @invalidate
	 * is called; if the table flushes them itself, they are flushed on
	 * return. Returns the number of bytes that are not mapped any more. May
	 * sleep. Must not fail for want of memory.
	 */
	size_t (*unmap)(struct vcm_table *table, dma_addr_t addr, size_t len);
	/**
	 * @lookup: Mandatory. Read the table: which physical address does
	 * @addr reach? Returns 0, or -ENOENT if it reaches none.
	 */
	int (*lookup)(struct vcm_table *table, dma_addr_t addr,
		      phys_addr_t *pa);

	/**
	 * @reserve: Optional, for the home table of a context: somebody else
	 * hands its addresses out. Take @len bytes at a multiple of @align and
	 * put the first address into @addr. vcm_reserve() calls it, and
	 * vcm_reserve_at() is refused. May sleep.
	 */
	int (*reserve)(struct vcm_table *table, size_t len, u64 align,
		       dma_addr_t *addr);
	/**
	 * @unreserve: Mandatory with @reserve. Give back the @len bytes that
	 * it took. Cannot fail.
	 */
	void (*unreserve)(struct vcm_table *table, dma_addr_t addr,
			  size_t len);
	/**
	 * @place: Optional, for the home table of a context: the memory decides
	 * at which address it is seen. A reservation of vcm_reserve() has none
	 * until it is backed with memory that begins at @pa. Returns the
	 * address, DMA_MAPPING_ERROR if the memory is not seen.
	 */
	dma_addr_t (*place)(struct vcm_table *table, phys_addr_t pa);
};

/**
 * struct vcm_table - one page table
 * @ops: how to write it; set by the driver, immutable
 * @geo: what it can express; set by the driver, immutable
 * @vcm: the context it belongs to; the core's
 * @rights: what its entries grant at most; the core's, who asks for no more
 * @node: in the context's list of tables; the core's
 * @walkers: the units that walk it; the core's
 *
 * A driver embeds this in its own structure and fills in @ops and @geo in
 * &vcm_iommu_ops.table_alloc, or before vcm_create_around().
 */
struct vcm_table {
	const struct vcm_table_ops *ops;
	struct vcm_geometry geo;

	struct vcm *vcm;
	u32 rights;
	struct list_head node;
	struct list_head walkers;
};

/**
 * typedef vcm_reserved_fn - told of one window that a device cannot use
 * @data: as given to &vcm_iommu_ops.for_each_reserved
 * @first: first device address of the window
 * @last: last device address of the window, inclusive
 *
 * Return: 0 to go on, an errno to stop.
 */
typedef int (*vcm_reserved_fn)(void *data, dma_addr_t first, dma_addr_t last);

/**
 * struct vcm_iommu_ops - a kind of unit
 *
 * Except for @invalidate, every op may sleep. Except for @invalidate and
 * @resume, the core serialises all calls: association and activation are rare.
 */
struct vcm_iommu_ops {
	/** @name: Mandatory. For messages and debugfs. */
	const char *name;
	/** @owner: The module that must stay while units are in use. */
	struct module *owner;
	/**
	 * @fallback: Units of this kind stand for having none: they are asked
	 * for only if a device is behind no unit of any other kind.
	 */
	bool fallback;

	/**
	 * @get_unit: Mandatory. Return a counted reference (vcm_iommu_get())
	 * to the @index'th unit that @dev is behind. -ENODEV: no such unit,
	 * or not one of this kind. -EPROBE_DEFER: there is one, but it is not
	 * ready yet. A device may be behind several units; it is attached to
	 * all of them or to none.
	 */
	struct vcm_iommu *(*get_unit)(struct device *dev, unsigned int index);
	/** @free: Mandatory. The last reference to @unit is gone. */
	void (*free)(struct vcm_iommu *unit);

	/**
	 * @claim: Optional. @dev is being associated: take it from whoever
	 * drives its translation now, so that from here on it reaches nothing
	 * unless it is attached. Once for each association of @dev.
	 */
	int (*claim)(struct vcm_iommu *unit, struct device *dev);
	/** @unclaim: Mandatory with @claim. Undo one @claim. Cannot fail. */
	void (*unclaim)(struct vcm_iommu *unit, struct device *dev);
	/**
	 * @for_each_reserved: Optional. Call @fn for every window of device
	 * addresses that @dev cannot use for memory (MSI doorbells, regions
	 * that firmware keeps), and stop at the first errno.
	 */
	int (*for_each_reserved)(struct vcm_iommu *unit, struct device *dev,
				 vcm_reserved_fn fn, void *data);

	/**
	 * @can_walk: Mandatory. The one question of sharing: can @unit walk
	 * @table, on behalf of @dev? 0: yes, let it join. -EINVAL: no, it
	 * needs a table of its own. -EAGAIN: that cannot be told while @dev is
	 * as it is; it gets a table of its own for now, and the question is
	 * put again when @dev is about to be attached, and so is claimed and
	 * attached to nothing. Anything else fails the association. @table may
	 * be of any kind: look at &vcm_table.ops first.
	 */
	int (*can_walk)(struct vcm_iommu *unit, struct device *dev,
			struct vcm_table *table);
	/**
	 * @table_alloc: Mandatory. Make an empty table that @unit can walk,
	 * with &vcm_table.ops and &vcm_table.geo filled in.
	 */
	struct vcm_table *(*table_alloc)(struct vcm_iommu *unit,
					 struct device *dev);
	/**
	 * @attach: Mandatory. Program the page-table base: from here on @dev
	 * reaches what @table maps. @dev is claimed and attached to nothing.
	 * It never sees a half-written state: all of @table or nothing.
	 */
	int (*attach)(struct vcm_iommu *unit, struct device *dev,
		      struct vcm_table *table);
	/**
	 * @detach: Mandatory. On return @dev reaches nothing through @unit,
	 * what it cached included, and no access of it waits any more. Cannot
	 * fail.
	 */
	void (*detach)(struct vcm_iommu *unit, struct device *dev,
		       struct vcm_table *table);
	/**
	 * @invalidate: Forget the translations of @table for [@addr, @addr +
	 * @len). On return no access through @unit uses them any more. -EIO
	 * if the hardware does not answer in a bounded time; then the core
	 * keeps the memory. Atomic context. NULL: the tables of this kind
	 * flush every unit themselves before &vcm_table_ops.unmap returns, as
	 * a struct iommu_domain does.
	 */
	int (*invalidate)(struct vcm_iommu *unit, struct vcm_table *table,
			  dma_addr_t addr, size_t len);

	/**
	 * @resume: Mandatory for units that report an access as
	 * &vcm_fault.stalled. The access of @dev that was reported with @token
	 * has waited long enough: try it again if @retry, otherwise terminate
	 * it. Called once for each that vcm_report_fault() accepted, at any
	 * time after, alongside all other ops, and also if it is over by then
	 * because @dev was detached: ignore a @token that nothing waits for.
	 */
	void (*resume)(struct vcm_iommu *unit, struct device *dev, u64 token,
		       bool retry);
};

/**
 * struct vcm_iommu - one IOMMU instance
 * @ops: its driver; immutable
 * @name: for messages and debugfs; immutable, the driver's memory
 * @ref: counts the driver itself, and every association through the unit
 */
struct vcm_iommu {
	const struct vcm_iommu_ops *ops;
	const char *name;
	struct kref ref;
};

/**
 * struct vcm_fault - an access that a unit has refused
 * @unit: the unit; may be NULL if the access does not wait
 * @table: the table that the device was on, or NULL if that is not known
 * @dev: the device, or NULL if that is not known
 * @addr: device address
 * @access: VCM_READ or VCM_WRITE, and VCM_EXEC, VCM_PRIV where known
 * @stalled: it waits for &vcm_iommu_ops.resume
 * @token: what the unit's driver knows it by, if it waits
 */
struct vcm_fault {
	struct vcm_iommu *unit;
	struct vcm_table *table;
	struct device *dev;
	dma_addr_t addr;
	u32 access;
	bool stalled;
	u64 token;
};

int vcm_iommu_register(const struct vcm_iommu_ops *ops);
void vcm_iommu_unregister(const struct vcm_iommu_ops *ops);

void vcm_iommu_init(struct vcm_iommu *unit, const struct vcm_iommu_ops *ops,
		    const char *name);
struct vcm_iommu *vcm_iommu_get(struct vcm_iommu *unit);
void vcm_iommu_put(struct vcm_iommu *unit);
void vcm_iommu_remove(struct vcm_iommu *unit);

int vcm_report_fault(const struct vcm_fault *fault);

int vcm_table_flush(struct vcm_table *table, dma_addr_t addr, size_t len);

pgprot_t vcm_pgprot(pgprot_t prot, u32 cache);

struct vcm *vcm_create_around(struct vcm_table *table, dma_addr_t start,
			      u64 len);
struct vcm_table *vcm_get_home(struct vcm *vcm);
int vcm_keep_out(struct vcm *vcm, dma_addr_t first, dma_addr_t last);
bool vcm_is_moving(struct vcm *vcm, dma_addr_t addr);

/**
 * vcm_block() - the largest block for the next step, and how many of them
 * @pgsizes: bitmap of block sizes, at least one of which divides the rest
 * @addr: device address
 * @pa: physical address; for an unmap, @addr once more
 * @len: bytes to go, not 0
 * @count: how many blocks of that size can follow each other before a larger
 *         one fits
 *
 * For the loops of &vcm_table_ops.map and &vcm_table_ops.unmap.
 *
 * Return: the block size in bytes.
 */
static inline size_t vcm_block(unsigned long pgsizes, dma_addr_t addr,
			       phys_addr_t pa, size_t len, size_t *count)
{
	u64 both = (u64)addr | (u64)pa;
	unsigned long fit = pgsizes & GENMASK(__fls(len), 0);
	unsigned long larger;
	size_t size;

	if (both && __ffs64(both) < BITS_PER_LONG)
		fit &= GENMASK(__ffs64(both), 0);
	size = BIT(__fls(fit));

	/* Stop where a larger block begins, if one can ever fit. */
	larger = pgsizes & ~GENMASK(__fls(fit), 0);
	if (larger) {
		size_t next = BIT(__ffs(larger));
		size_t gap = next - ((size_t)both & (next - 1));

		if (!(((u64)addr ^ (u64)pa) & (next - 1)) &&
		    len >= next && len - next >= gap)
			len = gap;
	}
	*count = len / size;
	return size;
}

#endif /* _LINUX_VCM_DRIVER_H */
