// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOMMU in software: the two formats of Arm.
 *
 * io-pgtable writes the tables, as it does for real hardware. The walkers here
 * stand for that hardware: they start at the base register and follow the
 * descriptors as the architecture defines them, and share no code with the
 * writer, so that the one checks the other.
 *
 * Neither format has a page that can be written and not read: VCM_WRITE grants
 * VCM_READ. VCM_EXEC, VCM_PRIV and VCM_MMIO they both express.
 */
#include <linux/bitfield.h>
#include <linux/io.h>
#include <linux/io-pgtable.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "vcm_soft.h"

/* io-pgtable takes device addresses as unsigned long. */
#define ARM_MAX_IAS(bits)	MIN(bits, BITS_PER_LONG)
#define ARM_MAX_OAS(bits)	MIN(bits, BITS_PER_BYTE * (int)sizeof(phys_addr_t))

/* Only this one: leaves are flushed by the core, once for a whole unmap. */
static void arm_tlb_flush_walk(unsigned long iova, size_t size, size_t granule,
			       void *cookie)
{
	vcm_soft_flush_walk(cookie, iova, size);
}

static const struct iommu_flush_ops arm_flush_ops = {
	.tlb_flush_walk = arm_tlb_flush_walk,
};

static int arm_prot(u32 attr)
{
	int prot = attr & VCM_MMIO ? IOMMU_MMIO :
		   attr & VCM_CACHED ? IOMMU_CACHE : 0;

	if (attr & VCM_READ)
		prot |= IOMMU_READ;
	if (attr & VCM_WRITE)
		prot |= IOMMU_WRITE;
	if (!(attr & VCM_EXEC))
		prot |= IOMMU_NOEXEC;
	if (attr & VCM_PRIV)
		prot |= IOMMU_PRIV;
	return prot;
}

static int arm_map(struct vcm_soft_table *table, dma_addr_t addr,
		   phys_addr_t pa, size_t size, size_t count, u32 attr,
		   gfp_t gfp, size_t *mapped)
{
	return table->pgtable->map_pages(table->pgtable, addr, pa, size, count,
					 arm_prot(attr), gfp, mapped);
}

static int lpae_map_list(struct vcm_soft_table *table, dma_addr_t addr,
			 const phys_addr_t *pages, unsigned int nr, u32 attr,
			 gfp_t gfp, size_t *mapped)
{
	return table->pgtable->map_list(table->pgtable, addr, pages, nr,
					arm_prot(attr), gfp, mapped);
}

static size_t arm_unmap(struct vcm_soft_table *table, dma_addr_t addr,
			size_t size, size_t count)
{
	return table->pgtable->unmap_pages(table->pgtable, addr, size, count,
					   NULL);
}

static void arm_fini(struct vcm_soft_table *table)
{
	free_io_pgtable_ops(table->pgtable);
}

/* What both formats encode, at different places. */
static u32 arm_attr(bool read_only, bool unprivileged, bool never_execute,
		    bool mmio)
{
	u32 attr = VCM_READ;

	if (!read_only)
		attr |= VCM_WRITE;
	if (!unprivileged)
		attr |= VCM_PRIV;
	if (!never_execute)
		attr |= VCM_EXEC;
	if (mmio)
		attr |= VCM_MMIO;
	return attr;
}

/*
 * Long descriptors, 4 KiB granule: up to four levels of 512 entries, the last
 * one is level 3. The first level has as many entries as the address needs.
 */
#define LPAE_PAGE_SHIFT		12
#define LPAE_LEVEL_BITS		9
#define LPAE_LAST_LEVEL		3

#define LPAE_TYPE		GENMASK_ULL(1, 0)
#define LPAE_TYPE_BLOCK		1
#define LPAE_TYPE_TABLE		3
#define LPAE_TYPE_PAGE		3
#define LPAE_MEM		GENMASK_ULL(4, 2)	/* an index into MAIR */
#define LPAE_MEM_DEVICE		(2ULL << 2)	/* as io-pgtable fills in MAIR */
#define LPAE_AP_UNPRIV		BIT_ULL(6)
#define LPAE_AP_RDONLY		BIT_ULL(7)
#define LPAE_AF			BIT_ULL(10)
#define LPAE_ADDR		GENMASK_ULL(47, LPAE_PAGE_SHIFT)
#define LPAE_PXN		BIT_ULL(53)
#define LPAE_UXN		BIT_ULL(54)

static void *lpae_alloc(void *cookie, size_t size, gfp_t gfp)
{
	return vcm_soft_node_alloc(cookie, size, gfp);
}

static void lpae_free(void *cookie, void *pages, size_t size)
{
	vcm_soft_node_free(cookie, pages, size);
}

static int lpae_init(struct vcm_soft_table *table)
{
	struct io_pgtable_cfg cfg = {
		.pgsize_bitmap = table->table.geo.pgsizes,
		.ias = table->ias,
		.oas = 48,	/* only some numbers are legal; we check ours */
		.coherent_walk = true,
		.tlb = &arm_flush_ops,
		.alloc = lpae_alloc,
		.free = lpae_free,
	};

	table->pgtable = alloc_io_pgtable_ops(ARM_64_LPAE_S1, &cfg, table);
	if (!table->pgtable)
		return -ENOMEM;
	table->base = cfg.arm_lpae_s1_cfg.ttbr;
	table->mair = cfg.arm_lpae_s1_cfg.mair;
	return 0;
}

/* Write-back for both, the inner and the outer caches? */
static bool lpae_is_cached(const struct vcm_soft_table *table, u64 desc)
{
	unsigned int shift = FIELD_GET(LPAE_MEM, desc) * BITS_PER_BYTE;

	return (table->mair >> shift & 0xff) == 0xff;
}

static int lpae_walk(struct vcm_soft_table *table, dma_addr_t addr,
		     struct vcm_soft_leaf *leaf)
{
	unsigned int level = LPAE_LAST_LEVEL + 1 -
		DIV_ROUND_UP(table->ias - LPAE_PAGE_SHIFT, LPAE_LEVEL_BITS);
	u64 desc = table->base, type, size;
	bool last;

	for (;; level++) {
		unsigned int shift = LPAE_PAGE_SHIFT +
			(LPAE_LAST_LEVEL - level) * LPAE_LEVEL_BITS;
		size_t index = ((u64)addr >> shift) &
			       GENMASK(LPAE_LEVEL_BITS - 1, 0);
		const u64 *node = phys_to_virt(desc & LPAE_ADDR);

		desc = READ_ONCE(node[index]);
		type = desc & LPAE_TYPE;
		size = BIT_ULL(shift);
		last = level == LPAE_LAST_LEVEL;
		if (last || type != LPAE_TYPE_TABLE)
			break;
	}
	/* A level without blocks of its size must not have one. */
	if (type != (last ? LPAE_TYPE_PAGE : LPAE_TYPE_BLOCK) ||
	    !(table->fmt->pgsizes & size) || !(desc & LPAE_AF))
		return -ENOENT;

	leaf->pa = (desc & LPAE_ADDR & ~(size - 1)) | (addr & (size - 1));
	leaf->size = size;
	leaf->cached = lpae_is_cached(table, desc);
	/* The bit that counts is that of whoever may use the page. */
	leaf->attr = arm_attr(desc & LPAE_AP_RDONLY, desc & LPAE_AP_UNPRIV,
			      desc & (desc & LPAE_AP_UNPRIV ? LPAE_UXN : LPAE_PXN),
			      (desc & LPAE_MEM) == LPAE_MEM_DEVICE);
	return 0;
}

const struct vcm_soft_fmt vcm_soft_lpae = {
	.pgsizes = SZ_4K | SZ_2M | SZ_1G,
	.ias = ARM_MAX_IAS(48),
	.oas = ARM_MAX_OAS(48),
	.attrs = VCM_SOFT_ATTRS,
	.init = lpae_init,
	.fini = arm_fini,
	.map = arm_map,
	.map_list = lpae_map_list,
	.unmap = arm_unmap,
	.walk = lpae_walk,
	.nodes = vcm_soft_count_nodes,
};

/*
 * Short descriptors: a first level of 4096 entries of 1 MiB (fewer if the
 * address has fewer bits), a second one of 256 entries of 4 KiB. Blocks of
 * sixteen times the size are one entry repeated sixteen times.
 */
#define V7S_L1_SHIFT		20
#define V7S_L2_SHIFT		12
#define V7S_L2_ENTRIES		256

#define V7S_TTBR_BASE		GENMASK(31, 7)
#define V7S_TYPE		GENMASK(1, 0)
#define V7S_B			BIT(2)
#define V7S_C			BIT(3)
#define V7S_TYPE_TABLE		1	/* in the first level */
#define V7S_TYPE_LARGE		1	/* in the second */
#define V7S_TABLE_ADDR		GENMASK(31, 10)
#define V7S_SECTION_XN		BIT(4)
#define V7S_SECTION_SUPER	BIT(18)
#define V7S_SECTION_ATTR_SHIFT	10
#define V7S_SMALL_XN		BIT(0)
#define V7S_LARGE_XN		BIT(15)
#define V7S_PAGE_ATTR_SHIFT	4
/* After a shift by one of the above: */
#define V7S_AF			BIT(0)
/* Before it: */
#define V7S_CB			GENMASK(3, 2)
#define V7S_AP_UNPRIV		BIT(1)
#define V7S_AP_RDONLY		BIT(5)

static int v7s_init(struct vcm_soft_table *table)
{
	struct io_pgtable_cfg cfg = {
		.pgsize_bitmap = table->table.geo.pgsizes,
		.ias = table->ias,
		.oas = 32,	/* ours may be less; we check it */
		.coherent_walk = true,
		.tlb = &arm_flush_ops,
	};

	table->pgtable = alloc_io_pgtable_ops(ARM_V7S, &cfg, table);
	if (!table->pgtable)
		return -ENOMEM;
	table->base = cfg.arm_v7s_cfg.ttbr & V7S_TTBR_BASE;
	return 0;
}

static int v7s_leaf(struct vcm_soft_leaf *leaf, dma_addr_t addr, u32 desc,
		    u32 size, u32 attr, bool never_execute)
{
	if (!(attr & V7S_AF))
		return -ENOENT;
	leaf->pa = (desc & ~(size - 1)) | (addr & (size - 1));
	leaf->size = size;
	leaf->cached = (desc & V7S_CB) == V7S_CB;
	leaf->attr = arm_attr(attr & V7S_AP_RDONLY, attr & V7S_AP_UNPRIV,
			      never_execute, (desc & (V7S_B | V7S_C)) == V7S_B);
	return 0;
}

static int v7s_walk(struct vcm_soft_table *table, dma_addr_t addr,
		    struct vcm_soft_leaf *leaf)
{
	const u32 *node = phys_to_virt(table->base);
	u32 desc = READ_ONCE(node[(u32)addr >> V7S_L1_SHIFT]);

	if (!(desc & V7S_TYPE))
		return -ENOENT;
	if ((desc & V7S_TYPE) != V7S_TYPE_TABLE)
		return v7s_leaf(leaf, addr, desc,
				desc & V7S_SECTION_SUPER ? SZ_16M : SZ_1M,
				desc >> V7S_SECTION_ATTR_SHIFT,
				desc & V7S_SECTION_XN);

	node = phys_to_virt(desc & V7S_TABLE_ADDR);
	desc = READ_ONCE(node[((u32)addr >> V7S_L2_SHIFT) % V7S_L2_ENTRIES]);
	if (!(desc & V7S_TYPE))
		return -ENOENT;
	if ((desc & V7S_TYPE) == V7S_TYPE_LARGE)
		return v7s_leaf(leaf, addr, desc, SZ_64K,
				desc >> V7S_PAGE_ATTR_SHIFT,
				desc & V7S_LARGE_XN);
	return v7s_leaf(leaf, addr, desc, SZ_4K, desc >> V7S_PAGE_ATTR_SHIFT,
			desc & V7S_SMALL_XN);
}

/* This format allocates for itself, but the first level shows what it has. */
static unsigned long v7s_nodes(struct vcm_soft_table *table)
{
	size_t i, entries = BIT(table->ias - V7S_L1_SHIFT);
	const u32 *node = phys_to_virt(table->base);
	unsigned long nr = 1;

	for (i = 0; i < entries; i++)
		nr += (READ_ONCE(node[i]) & V7S_TYPE) == V7S_TYPE_TABLE;
	return nr;
}

const struct vcm_soft_fmt vcm_soft_v7s = {
	.pgsizes = SZ_4K | SZ_64K | SZ_1M | SZ_16M,
	.ias = 32,
	.oas = 32,
	.attrs = VCM_SOFT_ATTRS,
	.init = v7s_init,
	.fini = arm_fini,
	.map = arm_map,
	.unmap = arm_unmap,
	.walk = v7s_walk,
	.nodes = v7s_nodes,
};
