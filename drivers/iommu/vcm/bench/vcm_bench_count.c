// SPDX-License-Identifier: GPL-2.0-only
/*
 * What VCMM costs: what can be counted beside instructions. Entries that are
 * written into a domain, and commands that an IOMMU is sent.
 */
#include <linux/bits.h>
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/log2.h>

#ifdef CONFIG_ARM_SMMU_V3
#include "../../arm/arm-smmu-v3/arm-smmu-v3.h"
#endif
#ifdef CONFIG_INTEL_IOMMU
#include <linux/dmar.h>
#include "../../intel/iommu.h"
#endif

#include "vcm_bench.h"

static const struct iommu_domain_ops *count_real;
static struct iommu_domain_ops count_ops;
static struct bench_count *counted;

/* One call of the driver, which wrote @bytes as pages of @size. */
static void count_call(size_t bytes, size_t size)
{
	counted->calls++;
	counted->entries += bytes / size;
	counted->of_order[ilog2(size)] += bytes / size;
}

static int count_map_pages(struct iommu_domain *domain, unsigned long iova,
			   phys_addr_t paddr, size_t pgsize, size_t pgcount,
			   int prot, gfp_t gfp, size_t *mapped)
{
	size_t before = *mapped;
	int ret;

	ret = count_real->map_pages(domain, iova, paddr, pgsize, pgcount, prot,
				    gfp, mapped);
	count_call(*mapped - before, pgsize);
	return ret;
}

static int count_map_list(struct iommu_domain *domain, unsigned long iova,
			  const phys_addr_t *pages, size_t nr, int prot,
			  gfp_t gfp, size_t *mapped)
{
	size_t before = *mapped;
	int ret;

	ret = count_real->map_list(domain, iova, pages, nr, prot, gfp, mapped);
	count_call(*mapped - before, BIT(__ffs(domain->pgsize_bitmap)));
	return ret;
}

/**
 * bench_count_begin() - count what is written into a domain
 * @count: where to
 * @domain: the domain; one at a time, and whoever writes it must be the caller
 *
 * The driver of the IOMMU does what it always does, and is asked through us.
 */
void bench_count_begin(struct bench_count *count, struct iommu_domain *domain)
{
	*count = (struct bench_count){ .domain = domain };
	counted = count;
	count_real = domain->ops;
	count_ops = *domain->ops;
	count_ops.map_pages = count_map_pages;
	if (count_real->map_list)
		count_ops.map_list = count_map_list;
	domain->ops = &count_ops;
}

/**
 * bench_count_end() - go on without counting
 * @count: as it was begun
 */
void bench_count_end(struct bench_count *count)
{
	count->domain->ops = count_real;
}

/* Where an IOMMU puts its next command, and after how many it is there again. */
#if defined(CONFIG_ARM_SMMU_V3)
static unsigned int count_position(struct device *dev, unsigned int *wrap)
{
	struct arm_smmu_device *smmu = container_of(dev->iommu->iommu_dev,
						    struct arm_smmu_device,
						    iommu);
	struct arm_smmu_ll_queue *llq = &smmu->cmdq.q.llq;

	/* There is one bit more, which tells a full queue from an empty one. */
	*wrap = 2 << llq->max_n_shift;
	return READ_ONCE(llq->prod) & (*wrap - 1);
}
#elif defined(CONFIG_INTEL_IOMMU)
static unsigned int count_position(struct device *dev, unsigned int *wrap)
{
	struct intel_iommu *iommu = container_of(dev->iommu->iommu_dev,
						 struct intel_iommu, iommu);

	*wrap = QI_LENGTH;
	return READ_ONCE(iommu->qi->free_head);
}
#else
static unsigned int count_position(struct device *dev, unsigned int *wrap)
{
	*wrap = 1;
	return 0;
}
#endif

/**
 * bench_count_commands() - how many commands is an IOMMU sent meanwhile?
 * @dev: a device behind it
 * @op: what to do, and to undo; the commands of undoing it are counted
 * @commands: how many, those that wait for the others included
 *
 * Fewer than its queue is long.
 *
 * Return: 0, or what a function of @op returned.
 */
int bench_count_commands(struct device *dev, const struct bench_op *op,
			 unsigned int *commands)
{
	unsigned int before, wrap;
	int ret;

	ret = op->make(op->data);
	if (ret)
		return ret;
	before = count_position(dev, &wrap);
	ret = op->undo(op->data);
	*commands = (count_position(dev, &wrap) + wrap - before) % wrap;
	return ret;
}
