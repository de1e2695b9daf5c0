// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOMMU in software: what its tables have in common.
 *
 * This is the half of a low-level driver that knows nothing of devices. The
 * loops of map and unmap below are those of any driver whose format has
 * several block sizes; what is special to a format is in its own file.
 */
#include <linux/align.h>
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/idr.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "vcm_soft.h"

static const struct vcm_table_ops vcm_soft_table_ops;
static DEFINE_IDA(vcm_soft_tags);

static const struct vcm_soft_fmt *const vcm_soft_fmts[VCM_SOFT_NR_FORMATS] = {
	[VCM_SOFT_LPAE] = IS_ENABLED(CONFIG_IOMMU_IO_PGTABLE_LPAE) ?
			  &vcm_soft_lpae : NULL,
	[VCM_SOFT_V7S] = IS_ENABLED(CONFIG_IOMMU_IO_PGTABLE_ARMV7S) ?
			 &vcm_soft_v7s : NULL,
	[VCM_SOFT_HALF] = &vcm_soft_half,
};

/**
 * vcm_soft_get_fmt() - look a format up
 * @format: which one
 *
 * Context: Any.
 * Return: the format, or NULL if this kernel does not have it.
 */
const struct vcm_soft_fmt *vcm_soft_get_fmt(enum vcm_soft_format format)
{
	return vcm_soft_fmts[format];
}

/**
 * vcm_soft_table_create() - make an empty table
 * @maker: the unit that makes it, and can walk it
 *
 * Context: May sleep.
 * Return: the table, or an ERR_PTR(): -ENOMEM, -ENOSPC if there is no tag left.
 */
struct vcm_soft_table *vcm_soft_table_create(struct vcm_soft_unit *maker)
{
	const struct vcm_soft_fmt *fmt = maker->fmt;
	struct vcm_soft_table *table;
	unsigned long flags;
	int err;

	table = kzalloc(sizeof(*table), GFP_KERNEL);
	if (!table)
		return ERR_PTR(-ENOMEM);
	table->fmt = fmt;
	table->maker = maker;
	table->ias = maker->config.ias;
	table->oas = maker->config.oas;
	spin_lock_init(&table->walk_lock);

	table->table.ops = &vcm_soft_table_ops;
	table->table.geo = (struct vcm_geometry){
		.first = 0,
		.last = GENMASK_ULL(table->ias - 1, 0),
		.last_pa = GENMASK_ULL(table->oas - 1, 0),
		/* No block is as large as the address space. */
		.pgsizes = fmt->pgsizes & GENMASK_ULL(table->ias - 1, 0),
	};

	err = ida_alloc(&vcm_soft_tags, GFP_KERNEL);
	if (err < 0)
		goto free_table;
	table->tag = err;
	err = fmt->init(table);
	if (err)
		goto free_tag;

	vcm_iommu_get(&maker->iommu);
	spin_lock_irqsave(&maker->lock, flags);
	list_add_tail(&table->made, &maker->tables);
	spin_unlock_irqrestore(&maker->lock, flags);
	return table;

free_tag:
	ida_free(&vcm_soft_tags, table->tag);
free_table:
	kfree(table);
	return ERR_PTR(err);
}

static void soft_table_free(struct vcm_table *vcm_table)
{
	struct vcm_soft_table *table = to_soft_table(vcm_table);
	struct vcm_soft_unit *maker = table->maker;
	unsigned long flags;

	spin_lock_irqsave(&maker->lock, flags);
	list_del(&table->made);
	spin_unlock_irqrestore(&maker->lock, flags);
	table->fmt->fini(table);
	WARN_ON_ONCE(atomic_long_read(&table->nr_nodes));
	ida_free(&vcm_soft_tags, table->tag);
	kfree(table);
	vcm_iommu_put(&maker->iommu);
}

/* The core promises all of this; a driver of real hardware need not ask. */
static int soft_table_check(const struct vcm_soft_table *table, dma_addr_t addr,
			    phys_addr_t pa, size_t len)
{
	const struct vcm_geometry *geo = &table->table.geo;
	u64 granule = BIT_ULL(__ffs(geo->pgsizes));

	if (!len || !IS_ALIGNED((u64)addr | (u64)pa | (u64)len, granule))
		return -EINVAL;
	if (addr > geo->last || len - 1 > geo->last - addr)
		return -ERANGE;
	if (pa > geo->last_pa || len - 1 > geo->last_pa - pa)
		return -ERANGE;
	return 0;
}

static int soft_table_check_attr(const struct vcm_soft_table *table, u32 attr)
{
	if (attr & ~(table->fmt->attrs | VCM_CACHE_MASK))
		return -EOPNOTSUPP;
	return attr & (VCM_READ | VCM_WRITE) ? 0 : -EINVAL;
}

/* The largest blocks that fit, as many at a time as the format likes. */
static int soft_table_write(struct vcm_soft_table *table, dma_addr_t addr,
			    phys_addr_t pa, size_t len, u32 attr, gfp_t gfp,
			    size_t *mapped)
{
	while (*mapped < len) {
		size_t done = *mapped, size, count;
		int err;

		size = vcm_block(table->table.geo.pgsizes, addr + done,
				 pa + done, len - done, &count);
		err = table->fmt->map(table, addr + done, pa + done, size,
				      count, attr, gfp, mapped);
		if (err)
			return err;
	}
	return 0;
}

static int soft_table_map(struct vcm_table *vcm_table, dma_addr_t addr,
			  phys_addr_t pa, size_t len, u32 attr, gfp_t gfp,
			  size_t *mapped)
{
	struct vcm_soft_table *table = to_soft_table(vcm_table);
	size_t granule = BIT(__ffs(vcm_table->geo.pgsizes));
	int err;

	*mapped = 0;
	err = soft_table_check(table, addr, pa, len);
	if (err)
		return err;
	err = soft_table_check_attr(table, attr);
	if (err)
		return err;

	/* The fault strikes in the middle, where undoing is hardest. */
	if (vcm_soft_fires(table->maker, VCM_SOFT_FAIL_MAP)) {
		err = soft_table_write(table, addr, pa,
				       ALIGN_DOWN(len / 2, granule), attr, gfp,
				       mapped);
		return err ?: -ENOMEM;
	}
	return soft_table_write(table, addr, pa, len, attr, gfp, mapped);
}

static int soft_table_write_list(struct vcm_soft_table *table, dma_addr_t addr,
				 const phys_addr_t *pages, unsigned int nr,
				 u32 attr, gfp_t gfp, size_t *mapped)
{
	size_t granule = BIT(__ffs(table->table.geo.pgsizes));
	unsigned int i;
	int err = 0;

	if (table->fmt->map_list)
		return table->fmt->map_list(table, addr, pages, nr, attr, gfp,
					    mapped);
	for (i = 0; i < nr && !err; i++)
		err = table->fmt->map(table, addr + *mapped, pages[i], granule,
				      1, attr, gfp, mapped);
	return err;
}

static int soft_table_map_list(struct vcm_table *vcm_table, dma_addr_t addr,
			       const phys_addr_t *pages, unsigned int nr,
			       u32 attr, gfp_t gfp, size_t *mapped)
{
	struct vcm_soft_table *table = to_soft_table(vcm_table);
	size_t granule = BIT(__ffs(vcm_table->geo.pgsizes));
	unsigned int i;
	int err;

	*mapped = 0;
	err = soft_table_check_attr(table, attr);
	for (i = 0; i < nr && !err; i++)
		err = soft_table_check(table, addr + i * granule, pages[i],
				       granule);
	if (err)
		return err;

	if (vcm_soft_fires(table->maker, VCM_SOFT_FAIL_MAP)) {
		err = soft_table_write_list(table, addr, pages, nr / 2, attr,
					    gfp, mapped);
		return err ?: -ENOMEM;
	}
	return soft_table_write_list(table, addr, pages, nr, attr, gfp, mapped);
}

static size_t soft_table_unmap(struct vcm_table *vcm_table, dma_addr_t addr,
			       size_t len)
{
	struct vcm_soft_table *table = to_soft_table(vcm_table);
	size_t done = 0;

	if (WARN_ON_ONCE(soft_table_check(table, addr, 0, len)))
		return 0;

	/*
	 * With the address for both arguments the blocks are those of map, or
	 * larger ones that contain them: the format clears what is inside.
	 */
	while (done < len) {
		size_t size, count, n;

		size = vcm_block(vcm_table->geo.pgsizes, addr + done,
				 addr + done, len - done, &count);
		n = table->fmt->unmap(table, addr + done, size, count);
		if (!n)
			break;
		done += n;
	}
	return done;
}

/*
 * A unit that walks a table is waited for before a node is freed, because the
 * flush takes its lock. Nobody flushes the CPU: it holds the lock of the flush.
 */
static int soft_table_lookup(struct vcm_table *vcm_table, dma_addr_t addr,
			     phys_addr_t *pa)
{
	struct vcm_soft_table *table = to_soft_table(vcm_table);
	struct vcm_soft_leaf leaf;
	unsigned long flags;
	int err;

	spin_lock_irqsave(&table->walk_lock, flags);
	err = vcm_soft_table_walk(table, addr, &leaf);
	spin_unlock_irqrestore(&table->walk_lock, flags);
	if (!err)
		*pa = leaf.pa;
	return err;
}

static const struct vcm_table_ops vcm_soft_table_ops = {
	.free = soft_table_free,
	.map = soft_table_map,
	.map_list = soft_table_map_list,
	.unmap = soft_table_unmap,
	.lookup = soft_table_lookup,
};

/**
 * vcm_soft_table_is_soft() - is a table one of ours?
 * @table: a table of any kind
 *
 * Context: Any.
 * Return: true if to_soft_table() may be used on it.
 */
bool vcm_soft_table_is_soft(const struct vcm_table *table)
{
	return table->ops == &vcm_soft_table_ops;
}

/**
 * vcm_soft_table_walk() - follow the descriptors
 * @table: the table
 * @addr: device address
 * @leaf: what they say of it
 *
 * Context: The lock of a unit that is pointed at @table, or
 * &vcm_soft_table.walk_lock.
 * Return: 0, or -ENOENT.
 */
int vcm_soft_table_walk(struct vcm_soft_table *table, dma_addr_t addr,
			struct vcm_soft_leaf *leaf)
{
	if (addr > table->table.geo.last)
		return -ENOENT;
	return table->fmt->walk(table, addr, leaf);
}

/**
 * vcm_soft_node_alloc() - memory for one node of a table
 * @table: the table
 * @size: bytes
 * @gfp: how to allocate
 *
 * Context: As @gfp says.
 * Return: zeroed, physically contiguous memory, aligned to whole pages; NULL
 * if there is none.
 */
void *vcm_soft_node_alloc(struct vcm_soft_table *table, size_t size, gfp_t gfp)
{
	void *node;

	node = (void *)__get_free_pages(gfp | __GFP_ZERO, get_order(size));
	if (node)
		atomic_long_inc(&table->nr_nodes);
	return node;
}

/**
 * vcm_soft_node_free() - undo vcm_soft_node_alloc()
 * @table: the table
 * @node: the memory; no unit may be walking it
 * @size: bytes, as it was allocated
 *
 * Context: Any.
 */
void vcm_soft_node_free(struct vcm_soft_table *table, void *node, size_t size)
{
	free_pages((unsigned long)node, get_order(size));
	atomic_long_dec(&table->nr_nodes);
}

/**
 * vcm_soft_count_nodes() - &vcm_soft_fmt.nodes of the formats that allocate
 * with vcm_soft_node_alloc()
 * @table: the table
 *
 * Context: Any.
 * Return: nodes in use.
 */
unsigned long vcm_soft_count_nodes(struct vcm_soft_table *table)
{
	return atomic_long_read(&table->nr_nodes);
}

/**
 * vcm_soft_flush_walk() - a node is no longer linked and is about to be freed
 * @table: the table
 * @addr: first address that the node translates
 * @len: bytes
 *
 * On return no unit walks the node any more.
 *
 * Context: Inside one of the table's ops. Does not sleep.
 */
void vcm_soft_flush_walk(struct vcm_soft_table *table, dma_addr_t addr,
			 size_t len)
{
	unsigned long flags;

	spin_lock_irqsave(&table->walk_lock, flags);
	WRITE_ONCE(table->walk_flusher, current);
	WARN_ON_ONCE(vcm_table_flush(&table->table, addr, len));
	WRITE_ONCE(table->walk_flusher, NULL);
	spin_unlock_irqrestore(&table->walk_lock, flags);
}

/**
 * vcm_soft_is_walk_flush() - does this invalidation come from
 * vcm_soft_flush_walk()?
 * @table: the table that is being flushed
 *
 * The core calls back on the stack of the one who flushes, so the answer is
 * exact while others flush other ranges of the table: nobody else ever writes
 * our name.
 *
 * Context: Inside &vcm_iommu_ops.invalidate.
 * Return: true if a node is about to be freed, false after an unmap.
 */
bool vcm_soft_is_walk_flush(struct vcm_soft_table *table)
{
	return READ_ONCE(table->walk_flusher) == current;
}
