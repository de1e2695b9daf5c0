// SPDX-License-Identifier: GPL-2.0-only
/*
 * Row B8: what an IOMMU is told when a buffer goes.
 */
#include <linux/array_size.h>
#include <linux/err.h>

#include "vcm_bench.h"

static int flush_one(const struct bench_peer *peer, struct bench_job *job,
		     struct device *dev)
{
	const struct bench_op op = { peer->make, peer->undo, job };
	unsigned int commands;
	int ret;

	ret = bench_count_commands(dev, &op, &commands);
	if (ret)
		return ret;
	bench_say("B8", peer->who, commands, "commands",
		  "op=unmap size=%zu scattered=%d", job->mem->shape.len,
		  job->mem->shape.scattered);
	return 0;
}

static int flush_shape(struct bench_bed *bed, const struct bench_shape *shape)
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
	ret = flush_one(&bench_vcm_back, &job, bed->own.dev) ?:
	      flush_one(&bench_iommu_map, &job, bed->own.dev) ?:
	      flush_one(&bench_dma_map_sgtable, &job, bed->dma);
	vcm_unreserve(job.res);
mem:
	bench_mem_exit(&mem);
	return ret;
}

int bench_flush(void)
{
	struct bench_bed bed;
	int i, ret;

	ret = bench_bed_init(&bed);
	if (ret)
		return ret;
	for (i = 0; i < ARRAY_SIZE(bench_shapes) && !ret; i++)
		ret = flush_shape(&bed, &bench_shapes[i]);
	bench_bed_exit(&bed);
	return ret;
}
