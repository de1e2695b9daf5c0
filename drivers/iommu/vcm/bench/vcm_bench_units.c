// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows B3 and B4: the same buffer for devices behind 1, 2, 4, ... IOMMUs; what
 * the calls cost, and how many pages of page table there are.
 *
 * The IOMMUs of the machine, and ones in software, of which there can be more.
 * Those share one table, or have a table each, as their makes differ. The peer
 * is what drivers do today: a table for each IOMMU, and a call for each table.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/mmzone.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>
#include <linux/vcm-soft.h>
#include <linux/vmstat.h>

#include "vcm_bench.h"

#define UNITS_MAX	BENCH_SOFT_MAX
/* Each of these has a bit of address less than the one before. */
#define UNITS_MIRROR	16

/* 256 entries, and no block that would make them one. */
static const struct bench_shape units_shape = { SZ_1M, false };

static struct device *units_dev[UNITS_MAX];
static struct vcm_iommu *units_soft[UNITS_MAX];

/* A buffer of VCMM in a context with some devices on it. */
struct units_vcm {
	struct vcm *vcm;
	struct vcm_assoc *assoc[UNITS_MAX];
	unsigned int nr;
	struct vcm_res *res;
	struct vcm_phys *phys;
};

/* What is the same for all kinds of IOMMUs, and what is not. */
struct units_kind {
	const char *name;
	const char *peer;
	int (*peer_init)(unsigned int nr);
	void (*peer_exit)(unsigned int nr);
	struct bench_op peer_op;
	unsigned long (*count_pages)(unsigned int nr);
};

/* VCMM */

static int units_vcm_make(void *data)
{
	struct units_vcm *u = data;

	return vcm_back(u->res, u->phys);
}

static int units_vcm_undo(void *data)
{
	struct units_vcm *u = data;

	return vcm_unback(u->res);
}

static void units_vcm_exit(struct units_vcm *u)
{
	while (u->nr--) {
		vcm_deactivate(u->assoc[u->nr]);
		vcm_deassoc(u->assoc[u->nr]);
	}
	vcm_unreserve(u->res);
	vcm_free(u->vcm);
}

static int units_vcm_init(struct units_vcm *u, struct bench_mem *mem,
			  unsigned int nr)
{
	int ret;

	u->nr = 0;
	u->phys = mem->phys;
	u->vcm = vcm_create(BENCH_START, BENCH_LEN);
	if (IS_ERR(u->vcm))
		return PTR_ERR(u->vcm);
	/* A bad pointer in one place is an errno in the next. */
	u->res = vcm_reserve(u->vcm, mem->shape.len, BENCH_RIGHTS);
	ret = PTR_ERR_OR_ZERO(u->res);
	while (!ret && u->nr < nr) {
		struct vcm_assoc *assoc;

		assoc = vcm_assoc(u->vcm, units_dev[u->nr], 0);
		ret = PTR_ERR_OR_ZERO(assoc);
		if (!ret) {
			u->assoc[u->nr++] = assoc;
			ret = vcm_activate(assoc);
		}
	}
	if (ret)
		units_vcm_exit(u);
	return ret;
}

/* The IOMMUs of the machine: a domain for each, and iommu_map() */

static struct bench_domain units_domain[UNITS_MAX];
static struct bench_mem units_mem;

/* All that are behind an IOMMU which none of the others is behind. */
static unsigned int units_find_devices(void)
{
	unsigned int i, k, nr = 0;
	struct device *dev;

	for (i = 0; nr < UNITS_MAX && (dev = bench_device(i)); i++) {
		for (k = 0; k < nr; k++)
			if (units_dev[k]->iommu->iommu_dev ==
			    dev->iommu->iommu_dev)
				break;
		if (k == nr)
			units_dev[nr++] = dev;
		else
			put_device(dev);
	}
	return nr;
}

static void units_put_devices(unsigned int nr)
{
	while (nr--)
		put_device(units_dev[nr]);
}

static void domains_exit(unsigned int nr)
{
	while (nr--)
		bench_domain_exit(&units_domain[nr]);
}

static int domains_init(unsigned int nr)
{
	unsigned int i;
	int ret;

	for (i = 0; i < nr; i++) {
		ret = bench_domain_init(&units_domain[i], units_dev[i]);
		if (ret) {
			domains_exit(i);
			return ret;
		}
	}
	return 0;
}

static int domains_make(void *data)
{
	unsigned int *nr = data, i;
	int ret;

	for (i = 0; i < *nr; i++) {
		ret = iommu_map(units_domain[i].domain, BENCH_START,
				sg_phys(units_mem.sgt.sgl), units_shape.len,
				BENCH_PROT, GFP_KERNEL);
		if (ret)
			return ret;
	}
	return 0;
}

static int domains_undo(void *data)
{
	unsigned int *nr = data, i;

	for (i = 0; i < *nr; i++)
		if (iommu_unmap(units_domain[i].domain, BENCH_START,
				units_shape.len) != units_shape.len)
			return -EIO;
	return 0;
}

/* To the page: with what each CPU has not yet added to the sum. */
static unsigned long domains_pages(unsigned int nr)
{
	long pages = global_node_page_state(NR_IOMMU_PAGES);
	struct pglist_data *pgdat;
	int cpu;

	for_each_online_pgdat(pgdat)
		for_each_online_cpu(cpu)
			pages += per_cpu_ptr(pgdat->per_cpu_nodestats,
					     cpu)->vm_node_stat_diff[NR_IOMMU_PAGES];
	return pages;
}

static const struct units_kind units_real = {
	.name = "machine",
	.peer = "domain_per_iommu",
	.peer_init = domains_init,
	.peer_exit = domains_exit,
	.peer_op = { domains_make, domains_undo },
	.count_pages = domains_pages,
};

/* IOMMUs in software: a table for each, and the call of its driver */

static struct vcm_table *units_table[UNITS_MAX];

static void tables_exit(unsigned int nr)
{
	while (nr--)
		units_table[nr]->ops->free(units_table[nr]);
}

static int tables_init(unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct vcm_iommu *unit = units_soft[i];

		units_table[i] = unit->ops->table_alloc(unit, units_dev[i]);
		if (IS_ERR(units_table[i])) {
			tables_exit(i);
			return PTR_ERR(units_table[i]);
		}
	}
	return 0;
}

static int tables_make(void *data)
{
	unsigned int *nr = data, i;
	int ret;

	for (i = 0; i < *nr; i++) {
		struct vcm_table *table = units_table[i];
		size_t mapped = 0;

		ret = table->ops->map(table, BENCH_START,
				      sg_phys(units_mem.sgt.sgl),
				      units_shape.len, BENCH_RIGHTS,
				      GFP_KERNEL, &mapped);
		if (ret)
			return ret;
	}
	return 0;
}

static int tables_undo(void *data)
{
	unsigned int *nr = data, i;
	int ret;

	for (i = 0; i < *nr; i++) {
		struct vcm_table *table = units_table[i];
		struct vcm_iommu *unit = units_soft[i];

		if (table->ops->unmap(table, BENCH_START, units_shape.len) !=
		    units_shape.len)
			return -EIO;
		ret = unit->ops->invalidate(unit, table, BENCH_START,
					    units_shape.len);
		if (ret)
			return ret;
	}
	return 0;
}

static unsigned long tables_pages(unsigned int nr)
{
	unsigned long pages = 0;
	unsigned int i;

	for (i = 0; i < nr; i++)
		pages += vcm_soft_table_pages(units_soft[i]);
	return pages;
}

#define UNITS_SOFT(_name) {						\
	.name = _name,							\
	.peer = "table_per_iommu",					\
	.peer_init = tables_init,					\
	.peer_exit = tables_exit,					\
	.peer_op = { tables_make, tables_undo },			\
	.count_pages = tables_pages,					\
}

static const struct units_kind units_shared = UNITS_SOFT("shared");
static const struct units_kind units_mirrored = UNITS_SOFT("mirrored");

static struct platform_driver units_driver = {
	.driver = { .name = "vcm-bench" },
	.driver_managed_dma = true,
};

static struct platform_device *units_pdev[UNITS_MAX];

/* Firmware says so of real devices; where all of them are, nobody need say it. */
static void units_make_coherent(struct device *dev)
{
#if defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_DEVICE) ||	\
	defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU) ||	\
	defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU_ALL)
	dev->dma_coherent = true;
#endif
}

static void soft_delete(unsigned int nr)
{
	while (nr--) {
		platform_device_unregister(units_pdev[nr]);
		vcm_soft_destroy(units_soft[nr]);
	}
}

static int soft_new(unsigned int i, bool mirrored)
{
	const struct vcm_soft_config config = {
		.name = "bench",
		.format = VCM_SOFT_LPAE,
		.ias = mirrored ? 48 - i : 0,
	};
	int ret;

	units_soft[i] = vcm_soft_create(&config);
	if (IS_ERR(units_soft[i]))
		return PTR_ERR(units_soft[i]);
	units_pdev[i] = platform_device_register_simple("vcm-bench", i, NULL,
							0);
	ret = PTR_ERR_OR_ZERO(units_pdev[i]);
	if (ret)
		goto destroy;
	units_dev[i] = &units_pdev[i]->dev;
	units_make_coherent(units_dev[i]);
	ret = vcm_soft_add_device(units_soft[i], units_dev[i]);
	if (!ret)
		return 0;
	platform_device_unregister(units_pdev[i]);
destroy:
	vcm_soft_destroy(units_soft[i]);
	return ret;
}

/**
 * bench_soft_init() - make IOMMUs in software, and a device behind each
 * @nr: how many, at most BENCH_SOFT_MAX
 * @mirrored: no one can walk the table of another
 *
 * Return: 0, or an errno.
 */
int bench_soft_init(unsigned int nr, bool mirrored)
{
	unsigned int i;
	int ret;

	ret = platform_driver_register(&units_driver);
	if (ret)
		return ret;
	for (i = 0; i < nr; i++) {
		ret = soft_new(i, mirrored);
		if (ret) {
			bench_soft_exit(i);
			return ret;
		}
	}
	return 0;
}

/**
 * bench_soft_exit() - undo bench_soft_init()
 * @nr: how many
 */
void bench_soft_exit(unsigned int nr)
{
	soft_delete(nr);
	platform_driver_unregister(&units_driver);
}

/**
 * bench_soft_device() - the device behind one of them
 * @index: which one
 *
 * Return: the device, not counted.
 */
struct device *bench_soft_device(unsigned int index)
{
	return units_dev[index];
}

/* Rows */

/* One of those who can do it: what it costs, or how many pages it takes. */
static int units_one(const char *row, const struct units_kind *kind,
		     const char *who, const struct bench_op *op,
		     unsigned int nr, unsigned long before)
{
	struct bench_cost cost;
	unsigned long pages;
	int ret;

	if (!strcmp(row, "B4")) {
		ret = op->make(op->data);
		if (ret)
			return ret;
		pages = kind->count_pages(nr) - before;
		bench_say(row, who, pages, "pages", "iommus=%s n=%u",
			  kind->name, nr);
		return op->undo(op->data);
	}
	ret = bench_measure(op, &cost);
	if (ret)
		return ret;
	bench_say(row, who, cost.make, BENCH_COUNT, "op=map iommus=%s n=%u",
		  kind->name, nr);
	bench_say(row, who, cost.undo, BENCH_COUNT, "op=unmap iommus=%s n=%u",
		  kind->name, nr);
	return 0;
}

static int units_both(const char *row, const struct units_kind *kind,
		      unsigned int nr)
{
	static struct units_vcm u;
	const struct bench_op mine = { units_vcm_make, units_vcm_undo, &u };
	struct bench_op peer = kind->peer_op;
	unsigned long before = kind->count_pages(nr);
	int ret;

	ret = units_vcm_init(&u, &units_mem, nr);
	if (ret)
		return ret;
	ret = units_one(row, kind, "vcm", &mine, nr, before);
	units_vcm_exit(&u);
	if (ret)
		return ret;

	peer.data = &nr;
	ret = kind->peer_init(nr);
	if (ret)
		return ret;
	ret = units_one(row, kind, kind->peer, &peer, nr, before);
	kind->peer_exit(nr);
	return ret;
}

static int units_kind(const char *row, const struct units_kind *kind,
		      unsigned int max)
{
	unsigned int nr;
	int ret = 0;

	for (nr = 1; nr <= max && !ret; nr *= 2)
		ret = units_both(row, kind, nr);
	return ret;
}

static int units_kind_soft(const char *row, const struct units_kind *kind,
			   unsigned int max)
{
	int ret = bench_soft_init(max, kind == &units_mirrored);

	if (ret)
		return ret;
	ret = units_kind(row, kind, max);
	bench_soft_exit(max);
	return ret;
}

static int units_row(const char *row)
{
	unsigned int nr;
	int ret;

	ret = bench_mem_init(&units_mem, &units_shape);
	if (ret)
		return ret;
	nr = units_find_devices();
	ret = units_kind(row, &units_real, nr);
	units_put_devices(nr);
	if (!ret)
		ret = units_kind_soft(row, &units_shared, UNITS_MAX) ?:
		      units_kind_soft(row, &units_mirrored, UNITS_MIRROR);
	bench_mem_exit(&units_mem);
	return ret;
}

int bench_units(void)
{
	return units_row("B3");
}

int bench_tables(void)
{
	return units_row("B4");
}
