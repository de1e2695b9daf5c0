// SPDX-License-Identifier: GPL-2.0-only
/*
 * Row B2: the whole job, with one IOMMU: get an address, map a buffer, undo both.
 */
#include <linux/array_size.h>
#include <linux/err.h>

#include "vcm_bench.h"

static int job_make(void *data)
{
	struct bench_job *job = data;

	job->res = vcm_reserve(job->bed->vcm, job->mem->shape.len,
			       BENCH_RIGHTS);
	if (IS_ERR(job->res))
		return PTR_ERR(job->res);
	return vcm_back(job->res, job->mem->phys);
}

static int job_undo(void *data)
{
	struct bench_job *job = data;

	return vcm_unback(job->res) ?: vcm_unreserve(job->res);
}

static const struct bench_peer vcm_itself = { "vcm", job_make, job_undo };

static int job_shape(struct bench_bed *bed, const struct bench_shape *shape)
{
	struct bench_mem mem;
	struct bench_job job = { .bed = bed, .mem = &mem };
	int ret;

	ret = bench_mem_init(&mem, shape);
	if (ret)
		return ret;
	ret = bench_compare("B2", &vcm_itself, &job) ?:
	      bench_compare("B2", &bench_dma_map_sgtable, &job) ?:
	      bench_compare("B2", &bench_alloc_iova_fast, &job);
	bench_mem_exit(&mem);
	return ret;
}

int bench_whole(void)
{
	struct bench_bed bed;
	int i, ret;

	ret = bench_bed_init(&bed);
	if (ret)
		return ret;
	for (i = 0; i < ARRAY_SIZE(bench_shapes) && !ret; i++)
		ret = job_shape(&bed, &bench_shapes[i]);
	bench_bed_exit(&bed);
	return ret;
}
