// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOMMU in software: the HALF format.
 *
 * Its pages are half of the kernel's, and it has no larger blocks: whoever
 * takes PAGE_SIZE for the size of an IOMMU page, or assumes a 2 MiB block, is
 * found out at once. It translates every bit of an address, so that the last
 * page of the address space can be mapped, and it is the one format in which
 * all four rights are independent: a page can be written and not read.
 *
 * A table is a radix tree of nodes of one kernel page. An entry is 0, or
 *
 *	63 .. PAGE_SHIFT - 1	9	6	5 .. 2	1	0
 *	address			MMIO	CACHED	rights	TABLE	VALID
 *
 * where the address is that of the next node (TABLE) or of the memory. Entries
 * are atomic64_t because 32-bit kernels need to see them whole, too.
 */
#include <linux/build_bug.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/printk.h>

#include "vcm_soft.h"

#define HALF_SHIFT	(PAGE_SHIFT - 1)
#define HALF_SIZE	BIT(HALF_SHIFT)
#define HALF_NODE_BITS	(PAGE_SHIFT - ilog2(sizeof(atomic64_t)))
#define HALF_ENTRIES	BIT(HALF_NODE_BITS)

#define HALF_VALID	BIT_ULL(0)
#define HALF_TABLE	BIT_ULL(1)
#define HALF_ATTR_SHIFT	2
#define HALF_ATTR	((u64)VCM_SOFT_ATTRS << HALF_ATTR_SHIFT)
#define HALF_CACHED	((u64)VCM_CACHED << HALF_ATTR_SHIFT)
#define HALF_ADDR	GENMASK_ULL(63, HALF_SHIFT)

static_assert((HALF_ATTR | HALF_CACHED) < HALF_SIZE);

/* Level 0 has the pages, the highest level is one node. */
static unsigned int half_top(const struct vcm_soft_table *table)
{
	return DIV_ROUND_UP(table->ias - HALF_SHIFT, HALF_NODE_BITS) - 1;
}

static unsigned int half_shift(unsigned int level)
{
	return HALF_SHIFT + level * HALF_NODE_BITS;
}

static size_t half_index(u64 addr, unsigned int level)
{
	return (addr >> half_shift(level)) & (HALF_ENTRIES - 1);
}

static atomic64_t *half_node(u64 entry)
{
	return phys_to_virt(entry & HALF_ADDR);
}

/* Free a node that no unit walks, with everything below it. */
static void half_free(struct vcm_soft_table *table, atomic64_t *node,
		      unsigned int level)
{
	size_t i;

	for (i = 0; level && i < HALF_ENTRIES; i++) {
		u64 entry = atomic64_read(&node[i]);

		if (entry)
			half_free(table, half_node(entry), level - 1);
	}
	vcm_soft_node_free(table, node, PAGE_SIZE);
}

static int half_init(struct vcm_soft_table *table)
{
	void *root = vcm_soft_node_alloc(table, PAGE_SIZE, GFP_KERNEL);

	if (!root)
		return -ENOMEM;
	table->base = virt_to_phys(root);
	return 0;
}

static void half_fini(struct vcm_soft_table *table)
{
	half_free(table, phys_to_virt(table->base), half_top(table));
}

/* The node behind @slot, made if need be: somebody else may be making it. */
static atomic64_t *half_extend(struct vcm_soft_table *table, atomic64_t *slot,
			       gfp_t gfp)
{
	u64 entry = atomic64_read(slot);
	void *node;

	if (entry)
		return half_node(entry);
	node = vcm_soft_node_alloc(table, PAGE_SIZE, gfp);
	if (!node)
		return NULL;
	/* A full barrier: the node is seen empty before it is seen at all. */
	entry = atomic64_cmpxchg(slot, 0,
				 virt_to_phys(node) | HALF_TABLE | HALF_VALID);
	if (!entry)
		return node;
	vcm_soft_node_free(table, node, PAGE_SIZE);
	return half_node(entry);
}

static int half_map(struct vcm_soft_table *table, dma_addr_t addr,
		    phys_addr_t pa, size_t size, size_t count, u32 attr,
		    gfp_t gfp, size_t *mapped)
{
	u64 entry = pa | ((u64)attr << HALF_ATTR_SHIFT & HALF_ATTR) | HALF_VALID;
	atomic64_t *node = phys_to_virt(table->base);
	unsigned int level;
	size_t i;

	if (attr & VCM_CACHED)
		entry |= HALF_CACHED;
	for (level = half_top(table); level; level--) {
		node = half_extend(table, &node[half_index(addr, level)], gfp);
		if (!node)
			return -ENOMEM;
	}
	i = half_index(addr, 0);
	count = min(count, HALF_ENTRIES - i);
	for (; count; count--, i++, entry += HALF_SIZE) {
		if (WARN_ON_ONCE(atomic64_read(&node[i])))
			return -EEXIST;
		atomic64_set(&node[i], entry);
		*mapped += HALF_SIZE;
	}
	return 0;
}

/* Clear [@first, @last] below @node; how many bytes until a hole? */
static size_t half_clear(struct vcm_soft_table *table, atomic64_t *node,
			 unsigned int level, u64 first, u64 last)
{
	u64 span = BIT_ULL(half_shift(level));
	size_t done = 0;

	for (;;) {
		atomic64_t *slot = &node[half_index(first, level)];
		u64 entry = atomic64_read(slot);
		u64 end = min(last, first | (span - 1));
		size_t len = end - first + 1;

		if (WARN_ON_ONCE(!entry))
			return done;
		if (!level) {
			atomic64_set(slot, 0);
		} else if (len == span) {
			atomic64_set(slot, 0);
			vcm_soft_flush_walk(table, first, len);
			half_free(table, half_node(entry), level - 1);
		} else {
			size_t n = half_clear(table, half_node(entry),
					      level - 1, first, end);

			if (n != len)
				return done + n;
		}
		done += len;
		if (end == last)
			return done;
		first = end + 1;
	}
}

static size_t half_unmap(struct vcm_soft_table *table, dma_addr_t addr,
			 size_t size, size_t count)
{
	return half_clear(table, phys_to_virt(table->base), half_top(table),
			  addr, addr + (size * count - 1));
}

static int half_walk(struct vcm_soft_table *table, dma_addr_t addr,
		     struct vcm_soft_leaf *leaf)
{
	u64 entry = table->base | HALF_TABLE | HALF_VALID;
	unsigned int level = half_top(table) + 1;

	while (level--) {
		entry = atomic64_read(&half_node(entry)[half_index(addr, level)]);
		if (!entry)
			return -ENOENT;
	}
	leaf->pa = (entry & HALF_ADDR) | (addr & (HALF_SIZE - 1));
	leaf->size = HALF_SIZE;
	leaf->attr = (entry & HALF_ATTR) >> HALF_ATTR_SHIFT;
	leaf->cached = entry & HALF_CACHED;
	return 0;
}

const struct vcm_soft_fmt vcm_soft_half = {
	.pgsizes = HALF_SIZE,
	.ias = BITS_PER_BYTE * sizeof(dma_addr_t),
	.oas = BITS_PER_BYTE * sizeof(phys_addr_t),
	.attrs = VCM_SOFT_ATTRS,
	.init = half_init,
	.fini = half_fini,
	.map = half_map,
	.unmap = half_unmap,
	.walk = half_walk,
	.nodes = vcm_soft_count_nodes,
};
