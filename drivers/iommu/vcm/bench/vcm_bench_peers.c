// SPDX-License-Identifier: GPL-2.0-only
/*
 * What VCMM costs: its peers, each used as its users use it.
 *
 * Whether the comparison is fair can be seen here. All write the same memory
 * into tables of the same IOMMU driver, with the same rights; all are warm: the
 * pages of the page table are there, and so are the objects and the caches of
 * addresses that a peer keeps. All flush before they return.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/iova.h>
#include <linux/sizes.h>

#include "vcm_bench.h"

/* Its address tells the IOMMU layer who owns the group. */
static char bench_owner;

static int bench_iovad_init(struct iova_domain *iovad, unsigned long granule)
{
	int ret = iova_cache_get();

	if (ret)
		return ret;
	init_iova_domain(iovad, granule, BENCH_START / granule);
	ret = iova_domain_init_rcaches(iovad);
	if (!ret)
		return 0;
	put_iova_domain(iovad);
	iova_cache_put();
	return ret;
}

/**
 * bench_domain_init() - what a driver with a domain of its own does
 * @own: the domain
 * @dev: the device
 *
 * Return: 0, or an errno.
 */
int bench_domain_init(struct bench_domain *own, struct device *dev)
{
	struct iommu_group *group = dev->iommu_group;
	int ret;

	own->dev = dev;
	ret = iommu_device_claim_dma_owner(dev, &bench_owner);
	if (ret)
		return ret;
	own->domain = iommu_paging_domain_alloc(dev);
	ret = PTR_ERR_OR_ZERO(own->domain);
	if (ret)
		goto release;
	ret = iommu_attach_group(own->domain, group);
	if (ret)
		goto free;
	ret = bench_iovad_init(&own->iovad,
			       BIT(__ffs(own->domain->pgsize_bitmap)));
	if (!ret)
		return 0;
	iommu_detach_group(own->domain, group);
free:
	iommu_domain_free(own->domain);
release:
	iommu_device_release_dma_owner(dev);
	return ret;
}

/**
 * bench_domain_exit() - undo bench_domain_init()
 * @own: the domain
 */
void bench_domain_exit(struct bench_domain *own)
{
	put_iova_domain(&own->iovad);
	iova_cache_put();
	iommu_detach_group(own->domain, own->dev->iommu_group);
	iommu_domain_free(own->domain);
	iommu_device_release_dma_owner(own->dev);
}

/* iommu_unmap() undoes both ways of mapping. */
static int bench_unmap(void *data)
{
	struct bench_job *job = data;
	size_t len = job->mem->shape.len;

	return iommu_unmap(job->bed->own.domain, job->addr, len) == len ?
	       0 : -EIO;
}

/* A call for each contiguous run of memory */
static int bench_map_runs(void *data)
{
	struct bench_job *job = data;
	dma_addr_t addr = job->addr;
	struct scatterlist *sg;
	unsigned int i;
	int ret;

	for_each_sgtable_sg(&job->mem->sgt, sg, i) {
		ret = iommu_map(job->bed->own.domain, addr, sg_phys(sg),
				sg->length, BENCH_PROT, GFP_KERNEL);
		if (ret)
			return ret;
		addr += sg->length;
	}
	return 0;
}

const struct bench_peer bench_iommu_map = {
	"iommu_map", bench_map_runs, bench_unmap,
};

/* One call */
static int bench_map_list(void *data)
{
	struct bench_job *job = data;
	ssize_t mapped;

	mapped = iommu_map_sgtable(job->bed->own.domain, job->addr,
				   &job->mem->sgt, BENCH_PROT);
	return mapped == job->mem->shape.len ? 0 : -EIO;
}

const struct bench_peer bench_iommu_map_sgtable = {
	"iommu_map_sgtable", bench_map_list, bench_unmap,
};

/* One call, and an address; what most drivers do */
static int bench_dma_map(void *data)
{
	struct bench_job *job = data;

	return dma_map_sgtable(job->bed->dma, &job->mem->sgt,
			       DMA_BIDIRECTIONAL, 0);
}

static int bench_dma_unmap(void *data)
{
	struct bench_job *job = data;

	dma_unmap_sgtable(job->bed->dma, &job->mem->sgt, DMA_BIDIRECTIONAL, 0);
	return 0;
}

const struct bench_peer bench_dma_map_sgtable = {
	"dma_map_sgtable", bench_dma_map, bench_dma_unmap,
};

/* What drivers with a domain of their own do that take addresses from iova */
static int bench_iova_map(void *data)
{
	struct bench_job *job = data;
	struct iova_domain *iovad = &job->bed->own.iovad;
	unsigned long shift = iova_shift(iovad), pfn;

	pfn = alloc_iova_fast(iovad, job->mem->shape.len >> shift,
			      DMA_BIT_MASK(32) >> shift, true);
	if (!pfn)
		return -ENOMEM;
	job->addr = (dma_addr_t)pfn << shift;
	return bench_map_list(job);
}

static int bench_iova_unmap(void *data)
{
	struct bench_job *job = data;
	struct iova_domain *iovad = &job->bed->own.iovad;
	int ret = bench_unmap(job);

	free_iova_fast(iovad, iova_pfn(iovad, job->addr),
		       job->mem->shape.len >> iova_shift(iovad));
	return ret;
}

const struct bench_peer bench_alloc_iova_fast = {
	"alloc_iova_fast", bench_iova_map, bench_iova_unmap,
};

/**
 * bench_compare() - measure one of those who can do a job, and say the figures
 * @row: the row
 * @peer: who; VCMM is one of them
 * @job: the job
 *
 * Return: 0, or an errno.
 */
int bench_compare(const char *row, const struct bench_peer *peer,
		  struct bench_job *job)
{
	const struct bench_op op = { peer->make, peer->undo, job };
	const struct bench_shape *shape = &job->mem->shape;
	struct bench_cost cost;
	int ret;

	ret = bench_measure(&op, &cost);
	if (ret)
		return ret;
	bench_say(row, peer->who, cost.make, BENCH_COUNT,
		  "op=map size=%zu scattered=%d", shape->len, shape->scattered);
	bench_say(row, peer->who, cost.undo, BENCH_COUNT,
		  "op=unmap size=%zu scattered=%d", shape->len,
		  shape->scattered);
	return 0;
}
