// SPDX-License-Identifier: GPL-2.0-only
/*
 * Row B9: from a physical address to who maps it, among many who map something.
 *
 * There is no peer: nothing in the kernel can tell.
 */
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "vcm_bench.h"

#define MAPPERS_MAX	10000

struct mappers {
	struct vcm *vcm;
	struct vcm_res **res;
	struct vcm_phys **phys;
	unsigned int nr;
	phys_addr_t pa;
	struct vcm_res *found;
};

static int mappers_find(void *data)
{
	struct mappers *m = data;
	size_t len;

	m->found = vcm_get_next_phys_res(m->pa, NULL, &len);
	return IS_ERR_OR_NULL(m->found) ? -ENOENT : 0;
}

static int mappers_put(void *data)
{
	struct mappers *m = data;

	vcm_res_put(m->found);
	return 0;
}

static int mappers_add(struct mappers *m)
{
	struct vcm_phys *phys = vcm_phys_alloc(NULL, SZ_4K, 0);
	struct vcm_res *res;
	int ret;

	if (IS_ERR(phys))
		return PTR_ERR(phys);
	res = vcm_reserve(m->vcm, SZ_4K, BENCH_RIGHTS);
	ret = PTR_ERR_OR_ZERO(res);
	if (ret)
		goto phys;
	ret = vcm_back(res, phys);
	if (ret)
		goto res;
	m->res[m->nr] = res;
	m->phys[m->nr++] = phys;
	return 0;
res:
	vcm_unreserve(res);
phys:
	vcm_phys_free(phys);
	return ret;
}

static void mappers_exit(struct mappers *m)
{
	while (m->nr--) {
		vcm_unback(m->res[m->nr]);
		vcm_unreserve(m->res[m->nr]);
		vcm_phys_free(m->phys[m->nr]);
		cond_resched();
	}
	if (!IS_ERR_OR_NULL(m->vcm))
		vcm_free(m->vcm);
	kvfree(m->res);
	kvfree(m->phys);
}

/* Of the memory of the one that came in the middle. */
static int mappers_measure(struct mappers *m, unsigned int nr)
{
	const struct bench_op op = { mappers_find, mappers_put, m };
	struct bench_cost cost;
	size_t len;
	int ret = 0;

	while (m->nr < nr && !ret) {
		ret = mappers_add(m);
		cond_resched();
	}
	if (!ret)
		ret = vcm_get_chunk(m->phys[nr / 2], 0, &m->pa, &len);
	if (!ret)
		ret = bench_measure(&op, &cost);
	if (ret)
		return ret;
	bench_say("B9", "vcm", cost.make + cost.undo, BENCH_COUNT,
		  "mappers=%u", nr);
	return 0;
}

int bench_mappers(void)
{
	struct mappers m = {
		.vcm = vcm_create(BENCH_START, BENCH_LEN),
		.res = kvcalloc(MAPPERS_MAX, sizeof(*m.res), GFP_KERNEL),
		.phys = kvcalloc(MAPPERS_MAX, sizeof(*m.phys), GFP_KERNEL),
	};
	unsigned int nr;
	int ret = -ENOMEM;

	if (!IS_ERR(m.vcm) && m.res && m.phys)
		ret = 0;
	for (nr = 1; nr <= MAPPERS_MAX && !ret; nr *= 10)
		ret = mappers_measure(&m, nr);
	mappers_exit(&m);
	return ret;
}
