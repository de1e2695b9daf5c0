// SPDX-License-Identifier: GPL-2.0-only
/*
 * Row B10: a frame goes from the camera to the codec and to the display, a
 * hundred times.
 *
 * In a context of VCMM all three reach it, and what is passed on is that it is
 * ready. With the DMA API each device maps it when it gets it, and unmaps it
 * when it passes it on.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/sizes.h>

#include "vcm_bench.h"

#define FRAMES_DEVS	3
#define FRAMES		100

/* 3840 x 2160, NV12 */
static const struct bench_shape frames_shape = {
	PAGE_ALIGN(3840 * 2160 * 3 / 2), false
};

struct frames {
	struct device *dev[FRAMES_DEVS];
	struct bench_mem mem;
	struct vcm *vcm;
	struct vcm_assoc *assoc[FRAMES_DEVS];
	struct vcm_res *res;
	/* what a driver would write into a register of its device */
	dma_addr_t addr;
};

static int frames_nothing(void *data)
{
	return 0;
}

static int frames_vcm_pass(void *data)
{
	struct frames *f = data;
	int i;

	for (i = 0; i < FRAMES_DEVS; i++)
		WRITE_ONCE(f->addr, vcm_get_dev_addr(f->res));
	return 0;
}

static int frames_dma_pass(void *data)
{
	struct frames *f = data;
	int i, ret;

	for (i = 0; i < FRAMES_DEVS; i++) {
		ret = dma_map_sgtable(f->dev[i], &f->mem.sgt,
				      DMA_BIDIRECTIONAL, 0);
		if (ret)
			return ret;
		WRITE_ONCE(f->addr, sg_dma_address(f->mem.sgt.sgl));
		dma_unmap_sgtable(f->dev[i], &f->mem.sgt, DMA_BIDIRECTIONAL,
				  0);
	}
	return 0;
}

/* What one frame costs, and how often the driver of the IOMMU is asked to map. */
static int frames_measure(struct frames *f, const char *who,
			  int (*pass)(void *data))
{
	const struct bench_op op = { pass, frames_nothing, f };
	struct bench_count count[FRAMES_DEVS];
	unsigned long calls = 0;
	struct bench_cost cost;
	int i, k, ret = 0;

	/* One domain at a time is counted. */
	for (k = 0; k < FRAMES_DEVS; k++) {
		bench_count_begin(&count[k],
				  iommu_get_domain_for_dev(f->dev[k]));
		for (i = 0; i < FRAMES && !ret; i++)
			ret = pass(f);
		bench_count_end(&count[k]);
		calls += count[k].calls;
	}
	if (!ret)
		ret = bench_measure(&op, &cost);
	if (ret)
		return ret;
	bench_say("B10", who, calls, "map-calls", "devices=%u frames=%u",
		  FRAMES_DEVS, FRAMES);
	bench_say("B10", who, cost.make, BENCH_COUNT, "devices=%u frames=1",
		  FRAMES_DEVS);
	return 0;
}

static int frames_join(struct frames *f)
{
	int i, ret;

	f->vcm = vcm_create(BENCH_START, BENCH_LEN);
	/* A bad pointer in one place is an errno in the next. */
	f->res = vcm_reserve(f->vcm, frames_shape.len, BENCH_RIGHTS);
	for (i = 0; i < FRAMES_DEVS; i++) {
		f->assoc[i] = vcm_assoc(f->vcm, f->dev[i], 0);
		ret = vcm_activate(f->assoc[i]);
		if (ret)
			return ret;
	}
	return vcm_back(f->res, f->mem.phys);
}

static void frames_leave(struct frames *f)
{
	int i;

	vcm_unback(f->res);
	for (i = 0; i < FRAMES_DEVS; i++) {
		vcm_deactivate(f->assoc[i]);
		vcm_deassoc(f->assoc[i]);
	}
	vcm_unreserve(f->res);
	vcm_free(f->vcm);
}

int bench_frames(void)
{
	struct frames f = {};
	int i, ret;

	for (i = 0; i < FRAMES_DEVS; i++) {
		f.dev[i] = bench_device(i);
		if (!f.dev[i]) {
			ret = -ENODEV;
			goto put;
		}
	}
	ret = bench_mem_init(&f.mem, &frames_shape);
	if (ret)
		goto put;
	ret = frames_measure(&f, "dma_map_sgtable", frames_dma_pass);
	if (!ret)
		ret = frames_join(&f) ?:
		      frames_measure(&f, "vcm", frames_vcm_pass);
	frames_leave(&f);
	bench_mem_exit(&f.mem);
put:
	while (i--)
		put_device(f.dev[i]);
	return ret;
}
