// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: memory that a dma-buf has.
 *
 * What an exporter gives to an importer is a list of DMA addresses for one
 * device; the pages behind it are none of the importer's business, and there may
 * be none. VCMM wants physical addresses, since it is VCMM that makes DMA
 * addresses of them. So it attaches as a device for which the two are one: no
 * IOMMU, no limit, no offset but what dma_to_phys() knows of, coherent as all
 * devices of VCMM must be. It does no DMA itself.
 *
 * An attachment that cannot follow a move (we have no move_notify) pins the
 * buffer for as long as it is mapped. That is the lifetime of the allocation.
 *
 * Where the kernel copies to memory of its own for that device (swiotlb, as for
 * a confidential guest), the addresses are those of the copy: refused.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/device.h>
#include <linux/dma-buf.h>
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/printk.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/swiotlb.h>

#include "vcm_internal.h"

MODULE_IMPORT_NS(DMA_BUF);

struct vcm_import {
	struct dma_buf_attachment *attach;
	struct sg_table *sgt;
};

/* It stays, once there was something to import. */
static DEFINE_MUTEX(vcm_importer_lock);
static struct device *vcm_importer;

static void vcm_importer_make_coherent(struct device *dev)
{
#if defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_DEVICE) ||	\
	defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU) ||	\
	defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU_ALL)
	dev->dma_coherent = true;
#endif
}

static struct device *vcm_importer_new(void)
{
	const struct platform_device_info info = {
		.name = "vcm-importer",
		.id = PLATFORM_DEVID_NONE,
		.dma_mask = DMA_BIT_MASK(64),
	};
	struct platform_device *pdev;

	pdev = platform_device_register_full(&info);
	if (IS_ERR(pdev))
		return ERR_CAST(pdev);
	vcm_importer_make_coherent(&pdev->dev);
	/* However long a segment is, it is welcome. */
	dma_set_max_seg_size(&pdev->dev, UINT_MAX);
	return &pdev->dev;
}

static struct device *vcm_importer_get(void)
{
	struct device *dev;

	mutex_lock(&vcm_importer_lock);
	dev = vcm_importer ?: vcm_importer_new();
	if (!IS_ERR(dev))
		vcm_importer = dev;
	mutex_unlock(&vcm_importer_lock);
	return dev;
}

/* The bus of the device is the bus of the CPU, and nobody copies. */
static bool vcm_import_is_direct(struct device *dev, struct scatterlist *sg)
{
	phys_addr_t pa = dma_to_phys(dev, sg_dma_address(sg));

	return !sg_dma_is_bus_address(sg) && !swiotlb_find_pool(dev, pa);
}

static int vcm_import_add(struct vcm_chunks *chunks, struct device *dev,
			  struct scatterlist *sg)
{
	phys_addr_t pa = dma_to_phys(dev, sg_dma_address(sg));
	size_t len = sg_dma_len(sg);

	if (!vcm_import_is_direct(dev, sg)) {
		pr_err("dma-buf: %zu bytes at %pap are not where the exporter has them: the DMA API put a buffer or a bus in between\n",
		       len, &pa);
		return -EOPNOTSUPP;
	}
	if (!len || !PAGE_ALIGNED(pa) || !PAGE_ALIGNED(len)) {
		pr_err("dma-buf: %zu bytes at %pap are not in whole pages\n",
		       len, &pa);
		return -EINVAL;
	}
	return vcm_chunks_add(chunks, pa, len);
}

static int vcm_chunks_import(struct vcm_chunks *chunks, struct device *dev,
			     struct sg_table *sgt)
{
	struct scatterlist *sg;
	unsigned int i;
	int ret;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		ret = vcm_import_add(chunks, dev, sg);
		if (ret)
			return ret;
		cond_resched();
	}
	return chunks->nr ? 0 : -EINVAL;
}

static struct vcm_import *vcm_import_map(struct dma_buf *dmabuf,
					 struct device *dev)
{
	struct vcm_import *import = kzalloc(sizeof(*import), GFP_KERNEL);
	void *err;

	if (!import)
		return ERR_PTR(-ENOMEM);
	import->attach = dma_buf_attach(dmabuf, dev);
	if (IS_ERR(import->attach)) {
		err = ERR_CAST(import->attach);
		goto free;
	}
	import->sgt = dma_buf_map_attachment_unlocked(import->attach,
						      DMA_BIDIRECTIONAL);
	if (IS_ERR(import->sgt)) {
		err = ERR_CAST(import->sgt);
		goto detach;
	}
	get_dma_buf(dmabuf);
	return import;

detach:
	dma_buf_detach(dmabuf, import->attach);
free:
	kfree(import);
	return err;
}

static void vcm_import_unmap(struct vcm_import *import)
{
	struct dma_buf *dmabuf = import->attach->dmabuf;

	dma_buf_unmap_attachment_unlocked(import->attach, import->sgt,
					  DMA_BIDIRECTIONAL);
	dma_buf_detach(dmabuf, import->attach);
	dma_buf_put(dmabuf);
	kfree(import);
}

static void vcm_release_dma_buf(struct vcm_phys *phys)
{
	vcm_import_unmap(phys->owner);
}

struct vcm_foreign vcm_foreign_dma_buf = {
	.name = "dma-buf",
	.release = vcm_release_dma_buf,
};

/**
 * vcm_import_dma_buf() - make an allocation of what a dma-buf has
 * @dmabuf: the dma-buf
 *
 * It stays where it is, and alive, until vcm_phys_free(). Fences are not waited
 * for after this call, and the CPU's access is the exporter's business, as with
 * any importer.
 *
 * Context: May sleep. Takes the reservation lock of @dmabuf.
 * Return: the allocation; or an ERR_PTR(): -EINVAL for a bad pointer, or, with
 * a message, if it is not in whole pages, or some of it is RAM and some is not;
 * -EOPNOTSUPP if this kernel has no dma-bufs, or, with a message, if the DMA
 * API hides where the memory is; -EOVERFLOW if it is too long; -ENOMEM;
 * -EINTR; or what the exporter says.
 */
struct vcm_phys *vcm_import_dma_buf(struct dma_buf *dmabuf)
{
	struct vcm_chunks chunks = {};
	struct vcm_import *import;
	struct vcm_phys *phys;
	struct device *dev;
	int ret;

	if (IS_ERR_OR_NULL(dmabuf))
		return ERR_PTR(-EINVAL);
	dev = vcm_importer_get();
	if (IS_ERR(dev))
		return ERR_CAST(dev);
	if (get_dma_ops(dev) || device_iommu_mapped(dev)) {
		pr_err("dma-buf: on this machine the DMA API hides where memory is from every device\n");
		return ERR_PTR(-EOPNOTSUPP);
	}
	import = vcm_import_map(dmabuf, dev);
	if (IS_ERR(import))
		return ERR_CAST(import);

	ret = vcm_chunks_import(&chunks, dev, import->sgt);
	phys = ret ? ERR_PTR(ret) :
	       vcm_foreign_create(&vcm_foreign_dma_buf, import, &chunks,
				  VCM_READ | VCM_WRITE);
	if (IS_ERR(phys)) {
		kvfree(chunks.chunk);
		vcm_import_unmap(import);
	}
	return phys;
}
EXPORT_SYMBOL_GPL(vcm_import_dma_buf);
