// SPDX-License-Identifier: GPL-2.0-only
/*
 * Row B1: vcm_back() and vcm_unback() of a reservation, one IOMMU.
 *
 * The peers are the bare calls that the back end makes itself, at the same
 * address.
 */
#include <linux/array_size.h>
#include <linux/err.h>

#include "vcm_bench.h"

static int back_make(void *data)
{
	struct bench_job *job = data;

	return vcm_back(job->res, job->mem->phys);
}

static int back_undo(void *data)
{
	struct bench_job *job = data;

	return vcm_unback(job->res);
}

const struct bench_peer bench_vcm_back = { "vcm", back_make, back_undo };

static int back_shape(struct bench_bed *bed, const struct bench_shape *shape)
{
	struct bench_mem mem;
	struct bench_job job = { .bed = bed, .mem = &mem };
	int ret;

	ret = bench_mem_init(&mem, shape);
	if (ret)
		return ret;
	job.res = vcm_reserve(bed->vcm, shape->len, BENCH_RIGHTS);
	ret = PTR_ERR_OR_ZERO(job.res);
	if (ret)
		goto mem;
	job.addr = vcm_get_dev_addr(job.res);
	ret = bench_compare("B1", &bench_vcm_back, &job) ?:
	      bench_compare("B1", &bench_iommu_map, &job) ?:
	      bench_compare("B1", &bench_iommu_map_sgtable, &job);
	vcm_unreserve(job.res);
mem:
	bench_mem_exit(&mem);
	return ret;
}

int bench_back(void)
{
	struct bench_bed bed;
	int i, ret;

	ret = bench_bed_init(&bed);
	if (ret)
		return ret;
	for (i = 0; i < ARRAY_SIZE(bench_shapes) && !ret; i++)
		ret = back_shape(&bed, &bench_shapes[i]);
	bench_bed_exit(&bed);
	return ret;
}
