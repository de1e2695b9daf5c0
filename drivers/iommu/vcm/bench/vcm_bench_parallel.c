// SPDX-License-Identifier: GPL-2.0-only
/*
 * Row B12: two CPUs back disjoint reservations of one context, or write disjoint
 * ranges of one domain.
 *
 * This one is real time, and depends on what the host does meanwhile: the best
 * of several tries is said.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/sched.h>

#include "vcm_bench.h"

#define PARALLEL_CPUS	2
#define PARALLEL_ROUNDS	3000
#define PARALLEL_TRIES	20

/* Each CPU writes what no other one does, far away from it. */
static const struct bench_shape parallel_shape = { SZ_2M, false };

struct parallel_cpu {
	const struct bench_peer *peer;
	struct bench_mem mem;
	struct bench_job job;
	struct completion *start;
	struct completion done;
	int ret;
};

static int parallel_thread(void *data)
{
	struct parallel_cpu *cpu = data;
	int i;

	wait_for_completion(cpu->start);
	for (i = 0; i < PARALLEL_ROUNDS && !cpu->ret; i++) {
		cpu->ret = cpu->peer->make(&cpu->job) ?:
			   cpu->peer->undo(&cpu->job);
		cond_resched();
	}
	complete(&cpu->done);
	return 0;
}

static void parallel_start(struct parallel_cpu *cpus, unsigned int nr,
			   struct completion *start,
			   const struct bench_peer *peer)
{
	struct task_struct *task;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		cpus[i].peer = peer;
		cpus[i].start = start;
		cpus[i].ret = 0;
		init_completion(&cpus[i].done);
		task = kthread_create(parallel_thread, &cpus[i], "vcm-bench/%u",
				      i);
		if (IS_ERR(task)) {
			cpus[i].ret = PTR_ERR(task);
			complete(&cpus[i].done);
			continue;
		}
		kthread_bind(task, i);
		wake_up_process(task);
	}
}

/* How long all of them take together */
static int parallel_try(struct parallel_cpu *cpus, unsigned int nr,
			const struct bench_peer *peer, u64 *took)
{
	DECLARE_COMPLETION_ONSTACK(start);
	unsigned int i;
	int ret = 0;
	u64 begin;

	parallel_start(cpus, nr, &start, peer);
	begin = ktime_get_ns();
	complete_all(&start);
	for (i = 0; i < nr; i++) {
		wait_for_completion(&cpus[i].done);
		ret = ret ?: cpus[i].ret;
	}
	*took = ktime_get_ns() - begin;
	return ret;
}

static int parallel_measure(struct parallel_cpu *cpus, unsigned int nr,
			    const char *iommus, const struct bench_peer *peer)
{
	u64 took, best = U64_MAX;
	int i, ret;

	for (i = 0; i < PARALLEL_TRIES; i++) {
		ret = parallel_try(cpus, nr, peer, &took);
		if (ret)
			return ret;
		best = min(best, took);
	}
	bench_say("B12", peer->who, div_u64(best, PARALLEL_ROUNDS * nr),
		  "nanoseconds", "op=map+unmap iommus=%s size=%zu cpus=%u",
		  iommus, parallel_shape.len, nr);
	return 0;
}

static int parallel_init(struct parallel_cpu *cpu, struct bench_bed *bed,
			 struct vcm *vcm)
{
	int ret = bench_mem_init(&cpu->mem, &parallel_shape);

	if (ret)
		return ret;
	cpu->job.bed = bed;
	cpu->job.mem = &cpu->mem;
	cpu->job.res = vcm_reserve(vcm, SZ_1G, BENCH_RIGHTS);
	if (IS_ERR(cpu->job.res)) {
		bench_mem_exit(&cpu->mem);
		return PTR_ERR(cpu->job.res);
	}
	cpu->job.addr = vcm_get_dev_addr(cpu->job.res);
	return 0;
}

/* One CPU, then two; @peer is optional. */
static int parallel_context(struct bench_bed *bed, struct vcm *vcm,
			    const char *iommus, const struct bench_peer *peer)
{
	static struct parallel_cpu cpus[PARALLEL_CPUS];
	unsigned int i, nr;
	int ret = 0;

	for (i = 0; i < PARALLEL_CPUS && !ret; i++)
		ret = parallel_init(&cpus[i], bed, vcm);
	if (ret)
		i--;
	for (nr = 1; nr <= PARALLEL_CPUS && !ret; nr++) {
		ret = parallel_measure(cpus, nr, iommus, &bench_vcm_back);
		if (!ret && peer)
			ret = parallel_measure(cpus, nr, iommus, peer);
	}
	while (i--) {
		vcm_unreserve(cpus[i].job.res);
		bench_mem_exit(&cpus[i].mem);
	}
	return ret;
}

static int parallel_machine(void)
{
	struct bench_bed bed;
	int ret = bench_bed_init(&bed);

	if (ret)
		return ret;
	ret = parallel_context(&bed, bed.vcm, "machine", &bench_iommu_map);
	bench_bed_exit(&bed);
	return ret;
}

/* No emulator that lets one CPU at a time at the registers of an IOMMU */
static int parallel_soft(void)
{
	struct vcm_assoc *assoc;
	struct vcm *vcm;
	int ret = bench_soft_init(1, false);

	if (ret)
		return ret;
	/* A bad pointer in one place is an errno in the next. */
	vcm = vcm_create(BENCH_START, BENCH_LEN);
	assoc = vcm_assoc(vcm, bench_soft_device(0), 0);
	ret = vcm_activate(assoc) ?:
	      parallel_context(NULL, vcm, "soft", NULL);
	vcm_deactivate(assoc);
	vcm_deassoc(assoc);
	vcm_free(vcm);
	bench_soft_exit(1);
	return ret;
}

int bench_parallel(void)
{
	return parallel_machine() ?: parallel_soft();
}
