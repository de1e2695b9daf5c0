// SPDX-License-Identifier: GPL-2.0-only
/*
 * Row B11: bytes of bookkeeping.
 *
 * Of VCMM, which keeps its structures to itself, what the slab allocator takes
 * from the page allocator for many objects, divided by how many. Of the peers,
 * what kmalloc() takes for their structures, and so without whatever else they
 * allocate.
 */
#include <drm/drm_gem.h>
#include <drm/drm_gpuvm.h>
#include <linux/err.h>
#include <linux/mmzone.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmstat.h>

#include "../../iommufd/io_pagetable.h"
#include "../../iommufd/iommufd_private.h"
#include "vcm_bench.h"

#define BYTES_NR	4096

struct bytes {
	struct vcm *vcm;
	void *made[BYTES_NR];
};

/**
 * struct bytes_kind - a kind of object
 * @of: what it belongs to
 * @part: what it is
 * @nr: how many to make
 * @make: make one; an ERR_PTR() if that fails
 * @undo: and away with it
 * @peers: who has something like it, and how large it is
 */
struct bytes_kind {
	const char *of;
	const char *part;
	unsigned int nr;
	void *(*make)(struct bytes *b, unsigned int i);
	void (*undo)(void *made);
	struct {
		const char *who;
		size_t size;
	} peers[2];
};

static void *context_make(struct bytes *b, unsigned int i)
{
	return vcm_create(BENCH_START, BENCH_LEN);
}

static void context_undo(void *made)
{
	vcm_free(made);
}

static void *res_make(struct bytes *b, unsigned int i)
{
	return vcm_reserve(b->vcm, SZ_4K, BENCH_RIGHTS);
}

static void res_undo(void *made)
{
	vcm_unreserve(made);
}

static void *phys_make(struct bytes *b, unsigned int i)
{
	return vcm_phys_alloc(NULL, SZ_4K, 0);
}

static void phys_undo(void *made)
{
	vcm_phys_free(made);
}

static void *assoc_make(struct bytes *b, unsigned int i)
{
	return vcm_assoc(b->vcm, bench_soft_device(i), 0);
}

static void assoc_undo(void *made)
{
	vcm_deassoc(made);
}

static const struct bytes_kind kinds[] = {
	{ "context", "context", 1024, context_make, context_undo,
	  { { "drm", sizeof(struct drm_gpuvm) },
	    { "iommufd", sizeof(struct iommufd_ioas) } } },
	{ "buffer", "reservation", BYTES_NR, res_make, res_undo,
	  { { "drm", sizeof(struct drm_gpuva) },
	    { "iommufd", sizeof(struct iopt_area) } } },
	{ "buffer", "allocation", BYTES_NR, phys_make, phys_undo,
	  { { "drm", sizeof(struct drm_gem_object) },
	    { "iommufd", sizeof(struct iopt_pages) } } },
	{ "device", "association", BENCH_SOFT_MAX - 1, assoc_make, assoc_undo,
	  { { "iommufd", sizeof(struct iommufd_device) } } },
};

/* With what each CPU has not yet added to the sum. */
static unsigned long bytes_slab(void)
{
	long pages = global_node_page_state_pages(NR_SLAB_UNRECLAIMABLE_B);
	struct pglist_data *pgdat;
	int cpu;

	for_each_online_pgdat(pgdat)
		for_each_online_cpu(cpu)
			pages += per_cpu_ptr(pgdat->per_cpu_nodestats,
					     cpu)->vm_node_stat_diff[NR_SLAB_UNRECLAIMABLE_B];
	return pages << PAGE_SHIFT;
}

static int bytes_measure(struct bytes *b, const struct bytes_kind *kind)
{
	unsigned long before = bytes_slab(), took;
	unsigned int i, k;
	int ret = 0;

	for (i = 0; i < kind->nr && !ret; i++) {
		b->made[i] = kind->make(b, i);
		ret = PTR_ERR_OR_ZERO(b->made[i]);
		cond_resched();
	}
	took = bytes_slab() - before;
	if (ret)
		i--;
	else
		bench_say("B11", "vcm", took / kind->nr, "bytes",
			  "of=%s part=%s", kind->of, kind->part);
	while (i--) {
		kind->undo(b->made[i]);
		cond_resched();
	}
	for (k = 0; k < ARRAY_SIZE(kind->peers) && !ret; k++)
		if (kind->peers[k].who)
			bench_say("B11", kind->peers[k].who,
				  kmalloc_size_roundup(kind->peers[k].size),
				  "bytes", "of=%s part=%s", kind->of,
				  kind->part);
	return ret;
}

static int bytes_all(struct bytes *b)
{
	struct vcm_assoc *first;
	int i, ret = 0;

	b->vcm = vcm_create(BENCH_START, BENCH_LEN);
	if (IS_ERR(b->vcm))
		return PTR_ERR(b->vcm);
	/* The page table comes with the first one. */
	first = vcm_assoc(b->vcm, bench_soft_device(BENCH_SOFT_MAX - 1), 0);
	ret = PTR_ERR_OR_ZERO(first);
	for (i = 0; i < ARRAY_SIZE(kinds) && !ret; i++)
		ret = bytes_measure(b, &kinds[i]);
	vcm_deassoc(first);
	vcm_free(b->vcm);
	return ret;
}

int bench_bytes(void)
{
	struct bytes *b = kvzalloc(sizeof(*b), GFP_KERNEL);
	int ret;

	if (!b)
		return -ENOMEM;
	ret = bench_soft_init(BENCH_SOFT_MAX, false);
	if (!ret) {
		ret = bytes_all(b);
		bench_soft_exit(BENCH_SOFT_MAX);
	}
	kvfree(b);
	return ret;
}
