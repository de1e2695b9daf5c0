// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: spaces without translation.
 *
 * A device that is behind no IOMMU puts physical addresses on the bus, or what
 * the bus makes of them. It takes part like any other, by way of a table whose
 * map translates nothing: it checks that the address is the one at which the
 * device sees the memory, and refuses if it is not. The same table makes a
 * one-to-one context, in which the memory decides on the address.
 *
 * What such a table cannot do is keep anybody out. A device without an IOMMU
 * reaches all memory that it can address, whether it is active or not, and
 * whether or not anything is mapped. So a right that was withheld on purpose
 * (to write, or to access unprivileged) is refused and not dropped.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/dma-direct.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/interval_tree.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/pfn.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vcm-driver.h>

/*
 * How memory is seen: each region of physical addresses from some address on,
 * as far as the window goes.
 */
struct vcm_identity_view {
	dma_addr_t first;
	dma_addr_t last;	/* inclusive */
	unsigned int nr;
	struct bus_dma_region regions[] __counted_by(nr);
};

/* A device that is behind no IOMMU */
struct vcm_identity_unit {
	struct vcm_iommu unit;
	struct list_head node;
	const struct device *dev;	/* stays while it is associated */
	struct vcm_identity_view *view;
	char name[];
};

/* What was mapped, by page of device address */
struct vcm_identity_entry {
	struct interval_tree_node pages;
};

struct vcm_identity_table {
	struct vcm_table table;
	struct vcm_identity_view *view;
	spinlock_t lock;		/* guards @entries */
	struct rb_root_cached entries;
};

/* The core serialises all but the ops that write or read one table. */
static LIST_HEAD(vcm_identity_units);

static const struct vcm_iommu_ops vcm_identity_ops;
static const struct vcm_table_ops vcm_identity_table_ops;

#define to_identity_unit(u)	container_of(u, struct vcm_identity_unit, unit)
#define to_identity_table(t)	container_of(t, struct vcm_identity_table, table)
#define to_entry(n)		container_of(n, struct vcm_identity_entry, pages)

/* Views */

static struct vcm_identity_view *vcm_view_alloc(unsigned int nr)
{
	struct vcm_identity_view *view;

	view = kzalloc(struct_size(view, regions, nr), GFP_KERNEL);
	if (view)
		view->nr = nr;
	return view;
}

static struct vcm_identity_view *vcm_view_copy(const struct vcm_identity_view *v)
{
	return kmemdup(v, struct_size(v, regions, v->nr), GFP_KERNEL);
}

/* The one region that holds all of it, or NULL. */
static const struct bus_dma_region *
vcm_view_find(const struct vcm_identity_view *view, phys_addr_t pa, u64 len)
{
	const struct bus_dma_region *region;

	for (region = view->regions; region < view->regions + view->nr;
	     region++) {
		u64 off = pa - region->cpu_start;

		if (pa >= region->cpu_start && off < region->size &&
		    len <= region->size - off)
			return region;
	}
	return NULL;
}

/* Where memory is seen; DMA_MAPPING_ERROR if it is not. */
static dma_addr_t vcm_view_addr(const struct vcm_identity_view *view,
				phys_addr_t pa, u64 len)
{
	const struct bus_dma_region *region = vcm_view_find(view, pa, len);

	if (!region)
		return DMA_MAPPING_ERROR;
	return region->dma_start + (pa - region->cpu_start);
}

/* Does @view show everything that @part shows, at the same address? */
static bool vcm_view_includes(const struct vcm_identity_view *view,
			      const struct vcm_identity_view *part)
{
	const struct bus_dma_region *region;

	if (part->first < view->first || part->last > view->last)
		return false;
	for (region = part->regions; region < part->regions + part->nr;
	     region++)
		if (vcm_view_addr(view, region->cpu_start, region->size) !=
		    region->dma_start)
			return false;
	return true;
}

/* All memory, at one offset. */
static struct vcm_identity_view *vcm_view_of_all(void)
{
	struct vcm_identity_view *view = vcm_view_alloc(1);

	if (!view)
		return NULL;
	view->regions[0] = (struct bus_dma_region){
		.dma_start = __sme_set(0), .size = U64_MAX,
	};
	view->last = (dma_addr_t)~0ULL;
	return view;
}

/* What firmware says of the bus. It is gone when the driver unbinds. */
static struct vcm_identity_view *
vcm_view_of_bus(const struct bus_dma_region *map)
{
	const struct bus_dma_region *region;
	struct vcm_identity_view *view;
	unsigned int i, nr = 0;

	for (region = map; region->size; region++)
		nr++;
	view = vcm_view_alloc(nr);
	if (!view)
		return NULL;
	for (i = 0; i < nr; i++) {
		view->regions[i] = map[i];
		view->regions[i].dma_start = __sme_set(map[i].dma_start);
	}
	view->first = dma_range_map_min(map);
	view->last = dma_range_map_max(map);
	return view;
}

static struct vcm_identity_view *vcm_view_of_device(struct device *dev)
{
	struct vcm_identity_view *view;

	view = dev->dma_range_map ? vcm_view_of_bus(dev->dma_range_map) :
				    vcm_view_of_all();
	if (!view)
		return NULL;
	view->last = min_t(u64, view->last,
			   min_not_zero(*dev->dma_mask, dev->bus_dma_limit));
	return view;
}

/* Tables */

static void vcm_identity_table_free(struct vcm_table *table)
{
	struct vcm_identity_table *it = to_identity_table(table);

	WARN_ON_ONCE(!RB_EMPTY_ROOT(&it->entries.rb_root));
	kfree(it->view);
	kfree(it);
}

/* The one who asked for another address has to know which one it must be. */
static int vcm_identity_check(struct vcm_identity_table *it, dma_addr_t addr,
			      phys_addr_t pa, size_t len)
{
	const char *name = vcm_get_name(it->table.vcm);
	dma_addr_t want = vcm_view_addr(it->view, pa, len);

	if (want == addr)
		return 0;
	if (want == DMA_MAPPING_ERROR)
		pr_err("%s: %zu bytes at %pap are seen nowhere without an IOMMU\n",
		       name, len, &pa);
	else
		pr_err("%s: %zu bytes at %pap are seen at %pad without an IOMMU, and not at %pad: it takes memory in one piece (VCM_CONTIG), and a reservation where that is\n",
		       name, len, &pa, &want, &addr);
	return -ERANGE;
}

static int vcm_identity_map(struct vcm_table *table, dma_addr_t addr,
			    phys_addr_t pa, size_t len, u32 attr, gfp_t gfp,
			    size_t *mapped)
{
	struct vcm_identity_table *it = to_identity_table(table);
	struct vcm_identity_entry *entry;
	int ret;

	if (!(attr & VCM_WRITE) || attr & VCM_PRIV) {
		pr_err("%s: who is behind no IOMMU can be kept neither from writing nor from accesses that are not privileged\n",
		       vcm_get_name(table->vcm));
		return -EOPNOTSUPP;
	}
	/* It has no say: what it does looks into the caches of the CPUs. */
	if (!(attr & (VCM_CACHED | VCM_MMIO))) {
		pr_err("%s: who is behind no IOMMU cannot be kept from the caches of the CPUs: it takes cached memory\n",
		       vcm_get_name(table->vcm));
		return -EOPNOTSUPP;
	}
	/* Addresses of memory say that it is encrypted; registers are not. */
	if (attr & VCM_MMIO && __sme_set(0)) {
		pr_err("%s: memory is encrypted, so registers are not seen at their address\n",
		       vcm_get_name(table->vcm));
		return -EOPNOTSUPP;
	}
	ret = vcm_identity_check(it, addr, pa, len);
	if (ret)
		return ret;
	entry = kmalloc(sizeof(*entry), gfp);
	if (!entry)
		return -ENOMEM;
	entry->pages.start = PHYS_PFN(addr);
	entry->pages.last = PHYS_PFN(addr + (len - 1));
	spin_lock(&it->lock);
	interval_tree_insert(&entry->pages, &it->entries);
	spin_unlock(&it->lock);
	return 0;
}

static size_t vcm_identity_unmap(struct vcm_table *table, dma_addr_t addr,
				 size_t len)
{
	struct vcm_identity_table *it = to_identity_table(table);
	unsigned long first = PHYS_PFN(addr), last = PHYS_PFN(addr + (len - 1));
	struct interval_tree_node *node;
	size_t pages = 0;

	spin_lock(&it->lock);
	while ((node = interval_tree_iter_first(&it->entries, first, last))) {
		pages += node->last - node->start + 1;
		interval_tree_remove(node, &it->entries);
		kfree(to_entry(node));
	}
	spin_unlock(&it->lock);
	return pages << PAGE_SHIFT;
}

static phys_addr_t vcm_view_pa(const struct vcm_identity_view *view,
			       dma_addr_t addr)
{
	const struct bus_dma_region *region;

	for (region = view->regions; region < view->regions + view->nr;
	     region++)
		if (addr >= region->dma_start &&
		    addr - region->dma_start < region->size)
			return region->cpu_start + (addr - region->dma_start);
	return PHYS_ADDR_MAX;
}

static int vcm_identity_lookup(struct vcm_table *table, dma_addr_t addr,
			       phys_addr_t *pa)
{
	struct vcm_identity_table *it = to_identity_table(table);
	struct interval_tree_node *node;

	spin_lock(&it->lock);
	node = interval_tree_iter_first(&it->entries, PHYS_PFN(addr),
					PHYS_PFN(addr));
	spin_unlock(&it->lock);
	if (!node)
		return -ENOENT;
	*pa = vcm_view_pa(it->view, addr);
	return 0;
}

static dma_addr_t vcm_identity_place(struct vcm_table *table, phys_addr_t pa)
{
	return vcm_view_addr(to_identity_table(table)->view, pa, 1);
}

static const struct vcm_table_ops vcm_identity_table_ops = {
	.free = vcm_identity_table_free,
	.map = vcm_identity_map,
	.unmap = vcm_identity_unmap,
	.lookup = vcm_identity_lookup,
	.place = vcm_identity_place,
};

/* @view is the table's from here on, and gone after an error. */
static struct vcm_identity_table *
vcm_identity_table_new(struct vcm_identity_view *view)
{
	struct vcm_identity_table *it;

	if (!view)
		return ERR_PTR(-ENOMEM);
	it = kzalloc(sizeof(*it), GFP_KERNEL);
	if (!it) {
		kfree(view);
		return ERR_PTR(-ENOMEM);
	}
	it->table.ops = &vcm_identity_table_ops;
	it->table.geo = (struct vcm_geometry){
		.first = view->first,
		.last = view->last,
		.last_pa = PHYS_ADDR_MAX,
		.pgsizes = PAGE_SIZE,
	};
	it->view = view;
	spin_lock_init(&it->lock);
	it->entries = RB_ROOT_CACHED;
	return it;
}

/* Devices */

static struct vcm_iommu *vcm_identity_get_unit(struct device *dev,
					       unsigned int index)
{
	struct vcm_identity_unit *iu;
	const char *name = dev_name(dev);
	size_t size;

	/* Where the architecture translates, we do not know what comes out. */
	if (index || device_iommu_mapped(dev) || !dev->dma_mask ||
	    !*dev->dma_mask || IS_ENABLED(CONFIG_ARCH_HAS_PHYS_TO_DMA))
		return ERR_PTR(-ENODEV);
	/*
	 * Whether there is an IOMMU, the kernel finds out when a driver binds.
	 * If firmware has named one that is not there, it may come yet.
	 */
	if (!dev->driver || dev_iommu_fwspec_get(dev))
		return ERR_PTR(-EPROBE_DEFER);
	list_for_each_entry(iu, &vcm_identity_units, node)
		if (iu->dev == dev)
			return vcm_iommu_get(&iu->unit);

	size = strlen(name) + 1;
	iu = kzalloc(struct_size(iu, name, size), GFP_KERNEL);
	if (!iu)
		return ERR_PTR(-ENOMEM);
	iu->view = vcm_view_of_device(dev);
	if (!iu->view) {
		kfree(iu);
		return ERR_PTR(-ENOMEM);
	}
	memcpy(iu->name, name, size);
	iu->dev = dev;
	vcm_iommu_init(&iu->unit, &vcm_identity_ops, iu->name);
	list_add_tail(&iu->node, &vcm_identity_units);
	return &iu->unit;
}

static void vcm_identity_free(struct vcm_iommu *unit)
{
	struct vcm_identity_unit *iu = to_identity_unit(unit);

	list_del(&iu->node);
	kfree(iu->view);
	kfree(iu);
}

static int vcm_identity_claim(struct vcm_iommu *unit, struct device *dev)
{
	if (!dev_is_dma_coherent(dev)) {
		dev_err(dev, "vcm: its DMA does not see the caches of the CPUs, and VCMM does no cache maintenance yet\n");
		return -EINVAL;
	}
	if (force_dma_unencrypted(dev)) {
		dev_err(dev, "vcm: memory is encrypted, and without an IOMMU it sees no other\n");
		return -EINVAL;
	}
	dev_info(dev, "vcm: behind no IOMMU: it reaches all memory up to %pad, always\n",
		 &to_identity_unit(unit)->view->last);
	return 0;
}

static void vcm_identity_unclaim(struct vcm_iommu *unit, struct device *dev)
{
}

static int vcm_identity_can_walk(struct vcm_iommu *unit, struct device *dev,
				 struct vcm_table *table)
{
	if (table->ops != &vcm_identity_table_ops)
		return -EINVAL;
	return vcm_view_includes(to_identity_unit(unit)->view,
				 to_identity_table(table)->view) ? 0 : -EINVAL;
}

static struct vcm_table *vcm_identity_table_alloc(struct vcm_iommu *unit,
						  struct device *dev)
{
	struct vcm_identity_table *it;

	it = vcm_identity_table_new(vcm_view_copy(to_identity_unit(unit)->view));
	return IS_ERR(it) ? ERR_CAST(it) : &it->table;
}

/* There is no base to program, and nothing that could be kept out. */
static int vcm_identity_attach(struct vcm_iommu *unit, struct device *dev,
			       struct vcm_table *table)
{
	return 0;
}

static void vcm_identity_detach(struct vcm_iommu *unit, struct device *dev,
				struct vcm_table *table)
{
}

static const struct vcm_iommu_ops vcm_identity_ops = {
	.name = "identity",
	.owner = THIS_MODULE,
	.fallback = true,
	.get_unit = vcm_identity_get_unit,
	.free = vcm_identity_free,
	.claim = vcm_identity_claim,
	.unclaim = vcm_identity_unclaim,
	.can_walk = vcm_identity_can_walk,
	.table_alloc = vcm_identity_table_alloc,
	.attach = vcm_identity_attach,
	.detach = vcm_identity_detach,
	/* .invalidate: nothing is translated, so nothing is cached. */
};

static int __init vcm_identity_init(void)
{
	return vcm_iommu_register(&vcm_identity_ops);
}
subsys_initcall(vcm_identity_init);

/* Contexts */

/**
 * vcm_create_identity() - create a one-to-one context
 * @start: first physical address, a multiple of PAGE_SIZE; 0 will do
 * @len: bytes, a multiple of PAGE_SIZE
 *
 * In it, the device address of memory is its physical address. A reservation of
 * vcm_reserve() is nowhere until vcm_back() puts it where its memory is; one of
 * vcm_reserve_at() takes memory only from there. Either takes memory in one
 * piece (VCM_CONTIG), and must grant VCM_WRITE, since nobody without an IOMMU
 * can be kept from writing. Devices behind an IOMMU can be on it as well: their
 * tables map one to one, and then nothing else.
 *
 * Context: May sleep.
 * Return: the context; or an ERR_PTR(): -EINVAL for no length or unaligned
 * arguments, -EOVERFLOW if the end is no device address, -ENOMEM.
 */
struct vcm *vcm_create_identity(phys_addr_t start, u64 len)
{
	struct vcm_identity_view *view;
	struct vcm_identity_table *it;
	struct vcm *vcm;
	u64 last;

	if (!len)
		return ERR_PTR(-EINVAL);
	if (check_add_overflow((u64)start, len - 1, &last) ||
	    last > (dma_addr_t)~0ULL)
		return ERR_PTR(-EOVERFLOW);
	view = vcm_view_alloc(1);
	if (!view)
		return ERR_PTR(-ENOMEM);
	view->first = start;
	view->last = last;
	view->regions[0] = (struct bus_dma_region){
		.cpu_start = start, .dma_start = start, .size = len,
	};
	it = vcm_identity_table_new(view);
	if (IS_ERR(it))
		return ERR_CAST(it);
	vcm = vcm_create_around(&it->table, start, len);
	if (IS_ERR(vcm))
		vcm_identity_table_free(&it->table);
	return vcm;
}
EXPORT_SYMBOL_GPL(vcm_create_identity);
