// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: the kernel's own space.
 *
 * A context of the kernel is made around a table that is the kernel's page
 * table, as far as the area of vmalloc() goes. That area hands its addresses
 * out itself, so each reservation is one of its areas, and backing it maps it,
 * in blocks as large as memory, address and architecture allow. No unit walks
 * this table: the CPUs do.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/align.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/io.h>
#include <linux/kasan.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pgtable.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/vcm-driver.h>
#include <linux/vmalloc.h>

static const struct vcm_table_ops vcm_kernel_ops;

static void vcm_kernel_free(struct vcm_table *table)
{
	kfree(table);
}

static bool vcm_kernel_can_write_protect(void)
{
	return pgprot_val(PAGE_KERNEL_RO) != pgprot_val(PAGE_KERNEL);
}

/*
 * Registers can be mapped where a pointer reaches them, as it does not in User
 * Mode Linux, and where an entry without a struct page can be looked up.
 */
static bool vcm_kernel_has_mmio(void)
{
	return !IS_ENABLED(CONFIG_INDIRECT_IOMEM) &&
	       (!IS_ENABLED(CONFIG_SPARSEMEM) ||
		IS_ENABLED(CONFIG_SPARSEMEM_VMEMMAP));
}

static pgprot_t vcm_kernel_prot(u32 attr)
{
	pgprot_t prot = attr & VCM_WRITE ? PAGE_KERNEL : PAGE_KERNEL_RO;

	return attr & VCM_MMIO ? pgprot_decrypted(pgprot_device(prot)) :
				 vcm_pgprot(prot, attr);
}

static bool vcm_kernel_can_map_as(u32 attr)
{
	return attr & VCM_MMIO || !(attr & (VCM_UNCACHED | VCM_WC)) ||
	       pgprot_val(vcm_pgprot(PAGE_KERNEL, attr)) !=
	       pgprot_val(PAGE_KERNEL);
}

/* Every mapping of the kernel is privileged, so VCM_PRIV is granted. */
static int vcm_kernel_map(struct vcm_table *table, dma_addr_t addr,
			  phys_addr_t pa, size_t len, u32 attr, gfp_t gfp,
			  size_t *mapped)
{
	unsigned long first = addr;
	int ret;

	if (attr & VCM_EXEC) {
		pr_err("%s: the kernel does not execute what a context maps\n",
		       vcm_get_name(table->vcm));
		return -EOPNOTSUPP;
	}
	if (!(attr & VCM_WRITE) && !vcm_kernel_can_write_protect()) {
		pr_err("%s: this architecture has no read-only mappings in the kernel\n",
		       vcm_get_name(table->vcm));
		return -EOPNOTSUPP;
	}
	if (attr & VCM_MMIO && !vcm_kernel_has_mmio()) {
		pr_err("%s: this kernel cannot map registers of a device here\n",
		       vcm_get_name(table->vcm));
		return -EOPNOTSUPP;
	}
	if (!vcm_kernel_can_map_as(attr)) {
		pr_err("%s: this architecture has no such mappings in the kernel but cached ones\n",
		       vcm_get_name(table->vcm));
		return -EOPNOTSUPP;
	}
	ret = vmap_page_range(first, first + len, pa, vcm_kernel_prot(attr));
	if (ret)
		vunmap_range(first, first + len);
	return ret;
}

/* Flushes the caches that need it, and the TLB of every CPU. */
static size_t vcm_kernel_unmap(struct vcm_table *table, dma_addr_t addr,
			       size_t len)
{
	unsigned long first = addr;

	vunmap_range(first, first + len);
	return len;
}

static int vcm_kernel_lookup(struct vcm_table *table, dma_addr_t addr,
			     phys_addr_t *pa)
{
	void *p = (void *)(unsigned long)addr;
	struct page *page = vmalloc_to_page(p);

	if (!page)
		return -ENOENT;
	*pa = page_to_phys(page) + offset_in_page(p);
	return 0;
}

/* An area that is long enough holds an aligned range of that length. */
static int vcm_kernel_reserve(struct vcm_table *table, size_t len, u64 align,
			      dma_addr_t *addr)
{
	unsigned long gap = align > PAGE_SIZE ? align - PAGE_SIZE : 0;
	struct vm_struct *area;
	unsigned long size;

	if (align > SIZE_MAX || check_add_overflow(len, gap, &size) ||
	    size > VMALLOC_END - VMALLOC_START)
		return -ENOSPC;
	area = get_vm_area(size, VM_SPARSE);
	if (!area)
		return -ENOMEM;
	*addr = ALIGN((unsigned long)kasan_reset_tag(area->addr), align);
	return 0;
}

static void vcm_kernel_unreserve(struct vcm_table *table, dma_addr_t addr,
				 size_t len)
{
	struct vm_struct *area = find_vm_area((void *)(unsigned long)addr);

	if (!WARN_ON_ONCE(!area))
		free_vm_area(area);
}

static const struct vcm_table_ops vcm_kernel_ops = {
	.free = vcm_kernel_free,
	.map = vcm_kernel_map,
	.unmap = vcm_kernel_unmap,
	.lookup = vcm_kernel_lookup,
	.reserve = vcm_kernel_reserve,
	.unreserve = vcm_kernel_unreserve,
};

static unsigned long vcm_kernel_pgsizes(void)
{
	unsigned long pgsizes = PAGE_SIZE;

	if (!IS_ENABLED(CONFIG_HAVE_ARCH_HUGE_VMAP))
		return pgsizes;
	if (arch_vmap_pmd_supported(PAGE_KERNEL))
		pgsizes |= PMD_SIZE;
	if (arch_vmap_pud_supported(PAGE_KERNEL))
		pgsizes |= PUD_SIZE;
	return pgsizes;
}

/**
 * vcm_create_kernel() - create a context of the kernel
 *
 * What backs a reservation of it, the kernel sees: vcm_get_kernel_addr() says
 * where. The kernel picks the addresses, so there is no vcm_reserve_at().
 * VCM_EXEC is refused, and so is a reservation without VCM_WRITE where the
 * architecture has no read-only mappings in the kernel, memory that is not
 * cached where it has only cached ones, and one with VCM_MMIO where it cannot map
 * registers.
 *
 * Context: May sleep.
 * Return: the context, or ERR_PTR(-ENOMEM).
 */
struct vcm *vcm_create_kernel(void)
{
	unsigned long start = PAGE_ALIGN((unsigned long)VMALLOC_START);
	unsigned long end = (unsigned long)VMALLOC_END & PAGE_MASK;
	struct vcm_table *table;
	struct vcm *vcm;

	table = kzalloc(sizeof(*table), GFP_KERNEL);
	if (!table)
		return ERR_PTR(-ENOMEM);
	table->ops = &vcm_kernel_ops;
	table->geo = (struct vcm_geometry){
		.first = start,
		.last = end - 1,
		.last_pa = PHYS_ADDR_MAX,
		.pgsizes = vcm_kernel_pgsizes(),
	};
	vcm = vcm_create_around(table, start, end - start);
	if (IS_ERR(vcm))
		kfree(table);
	return vcm;
}
EXPORT_SYMBOL_GPL(vcm_create_kernel);

/**
 * vcm_get_kernel_addr() - where the kernel sees what backs a reservation
 * @res: a reservation in a context of the kernel
 *
 * What has VCM_MMIO is mapped as by ioremap(), and to be used as that is.
 *
 * Context: Any but interrupts.
 * Return: the first byte, valid until vcm_unback(), and to be read only where
 * pieces from vcm_back_range() are; or an ERR_PTR(): -ENOENT if
 * nothing backs @res, -EINVAL for a bad pointer, or if @res is in a context of
 * another kind.
 */
void *vcm_get_kernel_addr(struct vcm_res *res)
{
	struct vcm_table *home;

	if (IS_ERR_OR_NULL(res))
		return ERR_PTR(-EINVAL);
	home = vcm_get_home(vcm_get_vcm_from_res(res));
	if (!home || home->ops != &vcm_kernel_ops)
		return ERR_PTR(-EINVAL);
	/* Several allocations will do. */
	if (vcm_get_physmem_from_res(res) == ERR_PTR(-ENOENT))
		return ERR_PTR(-ENOENT);
	return (void *)(unsigned long)vcm_get_dev_addr(res);
}
EXPORT_SYMBOL_GPL(vcm_get_kernel_addr);
