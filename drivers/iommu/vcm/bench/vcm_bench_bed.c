// SPDX-License-Identifier: GPL-2.0-only
/*
 * What VCMM costs: devices and memory.
 *
 * Three of QEMU's edu devices, each in a group of its own: one on a context of
 * VCMM, one on a domain as a driver makes it, one left to the DMA API.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "../../../../samples/vcm/vcm_edu.h"
#include "vcm_bench.h"

const struct bench_shape bench_shapes[BENCH_SHAPES] = {
	{ SZ_4K, false },
	{ SZ_64K, false },
	{ SZ_1M, false },
	{ SZ_2M, false },
	{ SZ_16M, false },
	{ SZ_2M, true },
};

/**
 * bench_device() - one of the devices behind an IOMMU
 * @index: which one
 *
 * A machine may have some that no IOMMU is in front of: those don't count.
 *
 * Return: the device, counted, or NULL if there are fewer.
 */
struct device *bench_device(unsigned int index)
{
	struct device *dev;
	unsigned int i;

	for (i = 0; (dev = vcm_edu_get(i)); i++) {
		if (dev->iommu_group && !index--)
			return dev;
		put_device(dev);
	}
	return NULL;
}

static int bench_join(struct bench_bed *bed, struct device *dev)
{
	int ret;

	bed->vcm = vcm_create(BENCH_START, BENCH_LEN);
	if (IS_ERR(bed->vcm))
		return PTR_ERR(bed->vcm);
	bed->assoc = vcm_assoc(bed->vcm, dev, 0);
	ret = PTR_ERR_OR_ZERO(bed->assoc);
	if (ret)
		goto free;
	ret = vcm_activate(bed->assoc);
	if (!ret)
		return 0;
	vcm_deassoc(bed->assoc);
free:
	vcm_free(bed->vcm);
	return ret;
}

static void bench_leave(struct bench_bed *bed)
{
	vcm_deactivate(bed->assoc);
	vcm_deassoc(bed->assoc);
	vcm_free(bed->vcm);
}

/**
 * bench_bed_init() - give each device to whom it belongs
 * @bed: the bed
 *
 * Return: 0; -ENODEV if there are too few devices behind IOMMUs; an errno.
 */
int bench_bed_init(struct bench_bed *bed)
{
	struct device *first = bench_device(0), *second = bench_device(1);
	int ret = -ENODEV;

	*bed = (struct bench_bed){ .dma = bench_device(2) };
	if (!bed->dma)
		goto put;
	ret = bench_join(bed, first);
	if (ret)
		goto put;
	ret = bench_domain_init(&bed->own, second);
	if (ret) {
		bench_leave(bed);
		goto put;
	}
	/* They stay for as long as there is a driver. */
	put_device(first);
	put_device(second);
	return 0;

put:
	put_device(first);
	put_device(second);
	put_device(bed->dma);
	return ret;
}

/**
 * bench_bed_exit() - undo bench_bed_init()
 * @bed: the bed
 */
void bench_bed_exit(struct bench_bed *bed)
{
	bench_domain_exit(&bed->own);
	bench_leave(bed);
	put_device(bed->dma);
}

static int bench_mem_list(struct bench_mem *mem)
{
	struct scatterlist *sg;
	unsigned int nr = 0, i;
	phys_addr_t pa;
	size_t len;
	int ret;

	while (!vcm_get_chunk(mem->phys, nr, &pa, &len))
		nr++;
	ret = sg_alloc_table(&mem->sgt, nr, GFP_KERNEL);
	if (ret)
		return ret;
	for_each_sgtable_sg(&mem->sgt, sg, i) {
		vcm_get_chunk(mem->phys, i, &pa, &len);
		sg_set_page(sg, pfn_to_page(PHYS_PFN(pa)), len, 0);
	}
	return 0;
}

/*
 * Free pages, no two of which follow each other: of twice as many, every other
 * one goes back. @kept holds the rest.
 */
static int bench_scatter(struct list_head *kept, unsigned int nr)
{
	struct page *page, *next;
	LIST_HEAD(free);

	for (; nr; nr--) {
		/* A pair of buddies: as long as one is kept, they don't merge. */
		page = alloc_pages(GFP_KERNEL, 1);
		if (!page)
			break;
		split_page(page, 1);
		list_add(&page[0].lru, &free);
		list_add(&page[1].lru, kept);
	}
	list_for_each_entry_safe(page, next, &free, lru)
		__free_page(page);
	return nr ? -ENOMEM : 0;
}

static struct vcm_phys *bench_phys(const struct bench_shape *shape)
{
	struct vcm_phys *phys;
	struct page *page, *next;
	LIST_HEAD(kept);
	int ret;

	if (!shape->scattered)
		return vcm_phys_alloc(NULL, shape->len, 0);
	ret = bench_scatter(&kept, 2 * PFN_DOWN(shape->len));
	phys = ret ? ERR_PTR(ret) :
		     vcm_phys_alloc(NULL, shape->len,
				    VCM_BLOCKS(PAGE_SHIFT, PAGE_SHIFT));
	list_for_each_entry_safe(page, next, &kept, lru)
		__free_page(page);
	return phys;
}

/* Is the memory what the row says it is? */
static int bench_mem_check(const struct bench_mem *mem)
{
	phys_addr_t next = PHYS_ADDR_MAX;
	unsigned int i, joints = 0;
	struct scatterlist *sg;

	for_each_sgtable_sg(&mem->sgt, sg, i) {
		joints += sg_phys(sg) == next;
		next = sg_phys(sg) + sg->length;
	}
	if (!mem->shape.scattered)
		return 0;
	/* One or two don't matter, and may happen. */
	return joints <= 2 ? 0 : -EAGAIN;
}

/**
 * bench_mem_init() - get memory of some shape
 * @mem: the memory
 * @shape: the shape
 *
 * Return: 0; -EAGAIN if the kernel's memory does not give the shape; an errno.
 */
int bench_mem_init(struct bench_mem *mem, const struct bench_shape *shape)
{
	int ret;

	mem->shape = *shape;
	mem->phys = bench_phys(shape);
	if (IS_ERR(mem->phys))
		return PTR_ERR(mem->phys);
	ret = bench_mem_list(mem);
	if (ret)
		goto free;
	ret = bench_mem_check(mem);
	if (!ret)
		return 0;
	sg_free_table(&mem->sgt);
free:
	vcm_phys_free(mem->phys);
	return ret;
}

/**
 * bench_mem_exit() - undo bench_mem_init()
 * @mem: the memory
 */
void bench_mem_exit(struct bench_mem *mem)
{
	sg_free_table(&mem->sgt);
	vcm_phys_free(mem->phys);
}
