// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: memory that goes elsewhere.
 *
 * An allocation can be handed to other subsystems, and to user space, as a
 * dma-buf. The dma-buf is one more holder of the allocation, as its owner is,
 * and each backing. It may well outlive the owner: the memory is there until
 * the last of them is gone.
 *
 * A dma-buf by itself is not in the way of vcm_phys_migrate(). But who attached
 * to it, or has it mapped, was told physical addresses: as long as there is
 * such a one, the memory is pinned, which is all that this file asks of the
 * rest of VCMM.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <kunit/static_stub.h>
#include <linux/align.h>
#include <linux/cleanup.h>
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/fcntl.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/iosys-map.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "vcm_internal.h"

/**
 * struct vcm_export - an allocation that is a dma-buf
 * @phys: the allocation; counted
 * @lock: guards what follows
 * @attachments: who attached to it
 * @vaddr: where the kernel sees it, NULL if it does not
 */
struct vcm_export {
	struct vcm_phys *phys;	/* immutable */

	struct mutex lock;	/* guards what follows */
	struct list_head attachments;
	void *vaddr;
};

/**
 * struct vcm_attachment - who attached to a dma-buf
 * @node: in &vcm_export.attachments
 * @dev: the device
 * @table: the memory, as long as it is attached
 * @attrs: of the DMA API, for this device
 * @mapped: the device has addresses of it
 */
struct vcm_attachment {
	struct list_head node;
	struct device *dev;
	struct sg_table table;
	unsigned long attrs;
	bool mapped;
};

/* How the CPU is to map the memory, given how it would map any other. */
static pgprot_t vcm_phys_pgprot(const struct vcm_phys *phys, pgprot_t prot)
{
	return vcm_pgprot(prot, phys->attr);
}

/* The DMA API looks after caches where the CPU has the memory in its own. */
static unsigned long vcm_phys_dma_attrs(const struct vcm_phys *phys)
{
	return phys->attr & VCM_CACHED ? 0 : DMA_ATTR_SKIP_CPU_SYNC;
}

static bool vcm_has_pages(phys_addr_t pa, size_t len)
{
	return pfn_valid(PHYS_PFN(pa)) && pfn_valid(PHYS_PFN(pa + len - 1));
}

/* In how many segments of at most @max bytes does it come? */
static int vcm_count_segments(struct vcm_phys *phys, size_t max)
{
	struct vcm_phys_iter iter;
	unsigned int nr = 0;
	phys_addr_t pa;
	size_t len;

	iter = vcm_phys_iter_of(phys, 0, phys->len);
	while ((len = vcm_phys_iter_next(&iter, &pa))) {
		if (!vcm_has_pages(pa, len))
			return -EOPNOTSUPP;
		nr += DIV_ROUND_UP(len, max);
	}
	return nr;
}

static int vcm_fill_table(struct sg_table *table, struct vcm_phys *phys,
			  size_t max)
{
	int nr = vcm_count_segments(phys, max);
	struct vcm_phys_iter iter;
	struct scatterlist *sg;
	phys_addr_t pa;
	size_t len, n;
	int ret;

	if (nr < 0)
		return nr;
	ret = sg_alloc_table(table, nr, GFP_KERNEL);
	if (ret)
		return ret;
	sg = table->sgl;
	iter = vcm_phys_iter_of(phys, 0, phys->len);
	while ((len = vcm_phys_iter_next(&iter, &pa))) {
		for (; len; len -= n, pa += n, sg = sg_next(sg)) {
			n = min(len, max);
			sg_set_page(sg, pfn_to_page(PHYS_PFN(pa)), n, 0);
		}
	}
	return 0;
}

static int vcm_export_attach(struct dma_buf *buf,
			     struct dma_buf_attachment *attachment)
{
	size_t max = ALIGN_DOWN(dma_get_max_seg_size(attachment->dev), PAGE_SIZE);
	struct vcm_export *exp = buf->priv;
	struct vcm_attachment *a;
	int ret;

	a = kzalloc(sizeof(*a), GFP_KERNEL);
	if (!a)
		return -ENOMEM;
	ret = vcm_phys_pin(exp->phys);
	if (ret)
		goto free;
	ret = vcm_fill_table(&a->table, exp->phys, max ?: PAGE_SIZE);
	if (ret)
		goto unpin;
	a->dev = attachment->dev;
	a->attrs = vcm_phys_dma_attrs(exp->phys);
	attachment->priv = a;
	scoped_guard(mutex, &exp->lock)
		list_add(&a->node, &exp->attachments);
	return 0;

unpin:
	vcm_phys_unpin(exp->phys);
free:
	kfree(a);
	return ret;
}

static void vcm_export_detach(struct dma_buf *buf,
			      struct dma_buf_attachment *attachment)
{
	struct vcm_attachment *a = attachment->priv;
	struct vcm_export *exp = buf->priv;

	scoped_guard(mutex, &exp->lock)
		list_del(&a->node);
	sg_free_table(&a->table);
	kfree(a);
	vcm_phys_unpin(exp->phys);
}

static struct sg_table *vcm_export_map(struct dma_buf_attachment *attachment,
				       enum dma_data_direction dir)
{
	struct vcm_export *exp = attachment->dmabuf->priv;
	struct vcm_attachment *a = attachment->priv;
	int ret;

	guard(mutex)(&exp->lock);
	if (a->mapped)
		return ERR_PTR(-EBUSY);
	ret = dma_map_sgtable(a->dev, &a->table, dir, a->attrs);
	if (ret)
		return ERR_PTR(ret);
	a->mapped = true;
	return &a->table;
}

static void vcm_export_unmap(struct dma_buf_attachment *attachment,
			     struct sg_table *table, enum dma_data_direction dir)
{
	struct vcm_export *exp = attachment->dmabuf->priv;
	struct vcm_attachment *a = attachment->priv;

	guard(mutex)(&exp->lock);
	a->mapped = false;
	dma_unmap_sgtable(a->dev, table, dir, a->attrs);
}

/**
 * vcm_export_sync() - hand memory from a device to the CPU, or back
 * @dev: the device
 * @table: the memory, as the device has it mapped
 * @dir: what the CPU does with it
 * @to_device: back
 *
 * Context: May sleep.
 */
void vcm_export_sync(struct device *dev, struct sg_table *table,
		     enum dma_data_direction dir, bool to_device)
{
	KUNIT_STATIC_STUB_REDIRECT(vcm_export_sync, dev, table, dir, to_device);
	if (to_device)
		dma_sync_sgtable_for_device(dev, table, dir);
	else
		dma_sync_sgtable_for_cpu(dev, table, dir);
}

/* All that have addresses of it, and whose DMA may not see the caches. */
static void vcm_export_sync_all(struct vcm_export *exp,
				enum dma_data_direction dir, bool to_device)
{
	struct vcm_attachment *a;

	lockdep_assert_held(&exp->lock);

	list_for_each_entry(a, &exp->attachments, node)
		if (a->mapped && !(a->attrs & DMA_ATTR_SKIP_CPU_SYNC))
			vcm_export_sync(a->dev, &a->table, dir, to_device);
}

static int vcm_export_begin_cpu(struct dma_buf *buf, enum dma_data_direction dir)
{
	struct vcm_export *exp = buf->priv;

	guard(mutex)(&exp->lock);
	if (exp->vaddr)
		invalidate_kernel_vmap_range(exp->vaddr, exp->phys->len);
	vcm_export_sync_all(exp, dir, false);
	return 0;
}

static int vcm_export_end_cpu(struct dma_buf *buf, enum dma_data_direction dir)
{
	struct vcm_export *exp = buf->priv;

	guard(mutex)(&exp->lock);
	if (exp->vaddr)
		flush_kernel_vmap_range(exp->vaddr, exp->phys->len);
	vcm_export_sync_all(exp, dir, true);
	return 0;
}

/* A process that forks, or splits a mapping, has one more: pinned already. */
static void vcm_export_vm_open(struct vm_area_struct *vma)
{
	struct vcm_export *exp = vma->vm_private_data;

	vcm_phys_pin_again(exp->phys);
}

/* The file of the mapping goes after it, and the memory after the file. */
static void vcm_export_vm_close(struct vm_area_struct *vma)
{
	struct vcm_export *exp = vma->vm_private_data;

	vcm_phys_unpin(exp->phys);
}

static const struct vm_operations_struct vcm_export_vm_ops = {
	.open = vcm_export_vm_open,
	.close = vcm_export_vm_close,
};

/* The dma-buf has checked that it ends inside. */
static int vcm_export_mmap(struct dma_buf *buf, struct vm_area_struct *vma)
{
	unsigned long addr = vma->vm_start;
	struct vcm_export *exp = buf->priv;
	struct vcm_phys_iter iter;
	phys_addr_t pa;
	size_t len;
	int ret;

	/* A copy on write would be of no use to any device. */
	if (is_cow_mapping(vma->vm_flags))
		return -EINVAL;
	ret = vcm_phys_pin(exp->phys);
	if (ret)
		return ret;
	vma->vm_page_prot = vcm_phys_pgprot(exp->phys, vma->vm_page_prot);
	iter = vcm_phys_iter_of(exp->phys, (size_t)vma->vm_pgoff << PAGE_SHIFT,
				vma->vm_end - vma->vm_start);
	for (; (len = vcm_phys_iter_next(&iter, &pa)); addr += len) {
		ret = remap_pfn_range(vma, addr, PHYS_PFN(pa), len,
				      vma->vm_page_prot);
		if (ret)
			goto unmap;
	}
	vma->vm_private_data = exp;
	vma->vm_ops = &vcm_export_vm_ops;
	return 0;

unmap:
	zap_vma_ptes(vma, vma->vm_start, addr - vma->vm_start);
	vcm_phys_unpin(exp->phys);
	return ret;
}

/* As a context of the kernel does it: large pages, and no struct page needed. */
static void *vcm_map_kernel(struct vcm_phys *phys)
{
	struct vm_struct *area = get_vm_area(phys->len, VM_SPARSE);
	struct vcm_phys_iter iter;
	unsigned long addr;
	phys_addr_t pa;
	size_t len;
	int ret;

	if (!area)
		return ERR_PTR(-ENOMEM);
	addr = (unsigned long)area->addr;
	iter = vcm_phys_iter_of(phys, 0, phys->len);
	for (; (len = vcm_phys_iter_next(&iter, &pa)); addr += len) {
		ret = vmap_page_range(addr, addr + len, pa,
				      vcm_phys_pgprot(phys, PAGE_KERNEL));
		if (ret) {
			vcm_window_close(area->addr, phys->len);
			return ERR_PTR(ret);
		}
	}
	return area->addr;
}

/* The dma-buf counts; this is for the first one. */
static int vcm_export_vmap(struct dma_buf *buf, struct iosys_map *map)
{
	struct vcm_export *exp = buf->priv;
	void *vaddr;
	int ret;

	ret = vcm_phys_pin(exp->phys);
	if (ret)
		return ret;
	vaddr = vcm_map_kernel(exp->phys);
	if (IS_ERR(vaddr)) {
		vcm_phys_unpin(exp->phys);
		return PTR_ERR(vaddr);
	}
	guard(mutex)(&exp->lock);
	exp->vaddr = vaddr;
	iosys_map_set_vaddr(map, vaddr);
	return 0;
}

/* And this for the last. */
static void vcm_export_vunmap(struct dma_buf *buf, struct iosys_map *map)
{
	struct vcm_export *exp = buf->priv;

	scoped_guard(mutex, &exp->lock)
		exp->vaddr = NULL;
	vcm_window_close(map->vaddr, exp->phys->len);
	vcm_phys_unpin(exp->phys);
}

static void vcm_export_release(struct dma_buf *buf)
{
	struct vcm_export *exp = buf->priv;

	WARN_ON_ONCE(!list_empty(&exp->attachments));
	vcm_phys_put(exp->phys);
	kfree(exp);
}

static const struct dma_buf_ops vcm_export_ops = {
	.attach = vcm_export_attach,
	.detach = vcm_export_detach,
	.map_dma_buf = vcm_export_map,
	.unmap_dma_buf = vcm_export_unmap,
	.begin_cpu_access = vcm_export_begin_cpu,
	.end_cpu_access = vcm_export_end_cpu,
	.mmap = vcm_export_mmap,
	.vmap = vcm_export_vmap,
	.vunmap = vcm_export_vunmap,
	.release = vcm_export_release,
};

/**
 * vcm_export_dma_buf() - make a dma-buf of an allocation
 * @phys: the allocation
 * @flags: of the file: O_RDONLY, O_WRONLY or O_RDWR, and O_CLOEXEC
 *
 * What a dma-buf is for: drivers that know nothing of VCMM attach to it, and
 * user space maps it. The bytes are given away as they are, so memory that user
 * space is to see should have been allocated with VCM_ZERO.
 *
 * The dma-buf holds @phys. Until it is released vcm_phys_free() is -EBUSY; who
 * does not want to wait for that gives @phys up with vcm_phys_put(). While
 * somebody is attached to the dma-buf, or has it mapped into the kernel or a
 * process, vcm_phys_migrate() is -EBUSY. While memory is being moved, those who
 * want to do one of these are told -EAGAIN.
 *
 * CPU access is synchronised with those who are attached to the same dma-buf.
 * Memory without a struct page can be mapped, but not attached to: that is
 * -EOPNOTSUPP.
 *
 * Context: May sleep.
 * Return: the dma-buf, with one reference, to be given back with dma_buf_put()
 * or turned into a file descriptor with dma_buf_fd(); or an ERR_PTR(): -EINVAL
 * for a bad pointer or unknown flags; -EOPNOTSUPP if this kernel has no
 * dma-bufs, or, with a message, for registers, and for memory whose cacheability
 * is open; -EACCES for pages that were pinned only to be read, or only to be
 * written; -ENOMEM, or what else dma_buf_export() says.
 */
struct dma_buf *vcm_export_dma_buf(struct vcm_phys *phys, int flags)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct vcm_export *exp;
	struct dma_buf *buf;

	if (IS_ERR_OR_NULL(phys) || flags & ~(O_ACCMODE | O_CLOEXEC) ||
	    (flags & O_ACCMODE) == O_ACCMODE)
		return ERR_PTR(-EINVAL);
	if (phys->attr & VCM_MMIO || !(phys->attr & VCM_CACHE_MASK)) {
		pr_err("no dma-buf of %s\n", phys->attr & VCM_MMIO ?
		       "registers" : "memory whose cacheability is open");
		return ERR_PTR(-EOPNOTSUPP);
	}
	/* Whoever gets it may do both. */
	if (~phys->attr & (VCM_READ | VCM_WRITE))
		return ERR_PTR(-EACCES);

	exp = kzalloc(sizeof(*exp), GFP_KERNEL);
	if (!exp)
		return ERR_PTR(-ENOMEM);
	exp->phys = phys;
	mutex_init(&exp->lock);
	INIT_LIST_HEAD(&exp->attachments);

	info.ops = &vcm_export_ops;
	info.size = phys->len;
	info.flags = flags;
	info.priv = exp;
	vcm_phys_get(phys);
	buf = dma_buf_export(&info);
	if (IS_ERR(buf)) {
		vcm_phys_put(phys);
		kfree(exp);
	}
	return buf;
}
EXPORT_SYMBOL_GPL(vcm_export_dma_buf);

/**
 * vcm_dma_buf_get_phys() - the allocation that a dma-buf is made of
 * @buf: the dma-buf
 *
 * For a driver that is handed a dma-buf, of VCMM or not: if it is, there is no
 * need to attach to it. Its memory can back reservations as it is, and be moved.
 *
 * Context: May sleep.
 * Return: the allocation, a counted reference, to be given back with
 * vcm_phys_put() once nothing is backed with it any more; or an ERR_PTR():
 * -EINVAL for a bad pointer; -ENOENT if @buf is not made of memory of VCMM;
 * -EOPNOTSUPP if this kernel has no dma-bufs.
 */
struct vcm_phys *vcm_dma_buf_get_phys(struct dma_buf *buf)
{
	struct vcm_export *exp;

	if (IS_ERR_OR_NULL(buf))
		return ERR_PTR(-EINVAL);
	if (buf->ops != &vcm_export_ops)
		return ERR_PTR(-ENOENT);
	exp = buf->priv;
	vcm_phys_get(exp->phys);
	return exp->phys;
}
EXPORT_SYMBOL_GPL(vcm_dma_buf_get_phys);
