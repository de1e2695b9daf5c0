// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOMMU in software: the low-level driver.
 *
 * Read it as the model of one: the ops below are all that the core wants to
 * know, together with those of a table in vcm_soft_table.c. In a driver of
 * real hardware they write registers and queue commands; here they call
 * vcm_soft_hw.c.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/bug.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include "vcm_soft.h"

/* With fewer bits of device address than this there is nothing to translate. */
#define VCM_SOFT_MIN_IAS	24
#define VCM_SOFT_MIN_OAS	PAGE_SHIFT

static DEFINE_MUTEX(soft_units_lock);
static LIST_HEAD(soft_units);

static struct vcm_iommu *soft_get_unit(struct device *dev, unsigned int index)
{
	struct vcm_iommu *found = ERR_PTR(-ENODEV);
	struct vcm_soft_unit *unit;

	mutex_lock(&soft_units_lock);
	list_for_each_entry(unit, &soft_units, node) {
		if (!vcm_soft_has_device(unit, dev) || index--)
			continue;
		found = vcm_soft_fires(unit, VCM_SOFT_DEFER) ?
			ERR_PTR(-EPROBE_DEFER) : vcm_iommu_get(&unit->iommu);
		break;
	}
	mutex_unlock(&soft_units_lock);
	return found;
}

static void soft_free(struct vcm_iommu *iommu)
{
	struct vcm_soft_unit *unit = to_soft_unit(iommu);
	struct vcm_soft_client *client, *next;

	list_for_each_entry_safe(client, next, &unit->clients, node) {
		WARN_ON_ONCE(client->table);
		put_device(client->dev);
		kfree(client);
	}
	WARN_ON_ONCE(unit->stats.tlb_entries || !list_empty(&unit->tables));
	WARN_ON_ONCE(!list_empty(&unit->stalls));
	kfree(unit);
}

static int soft_reserved(struct vcm_iommu *iommu, struct device *dev,
			 vcm_reserved_fn fn, void *data)
{
	const struct vcm_soft_config *config = &to_soft_unit(iommu)->config;

	if (!config->reserved_len)
		return 0;
	return fn(data, config->reserved_first,
		  config->reserved_first + (config->reserved_len - 1));
}

/* The same format, and no bit of an address that would get lost. */
static bool soft_fits(struct vcm_soft_unit *unit, struct vcm_table *vcm_table)
{
	struct vcm_soft_table *table;

	if (!vcm_soft_table_is_soft(vcm_table))
		return false;
	table = to_soft_table(vcm_table);
	return table->fmt == unit->fmt && table->ias <= unit->config.ias &&
	       table->oas <= unit->config.oas;
}

static int soft_can_walk(struct vcm_iommu *iommu, struct device *dev,
			 struct vcm_table *table)
{
	struct vcm_soft_unit *unit = to_soft_unit(iommu);

	if (vcm_soft_fires(unit, VCM_SOFT_UNSURE))
		return -EAGAIN;
	return soft_fits(unit, table) ? 0 : -EINVAL;
}

static struct vcm_table *soft_table_alloc(struct vcm_iommu *iommu,
					  struct device *dev)
{
	struct vcm_soft_unit *unit = to_soft_unit(iommu);
	struct vcm_soft_table *table;

	if (vcm_soft_fires(unit, VCM_SOFT_FAIL_TABLE))
		return ERR_PTR(-ENOMEM);
	table = vcm_soft_table_create(unit);
	return IS_ERR(table) ? ERR_CAST(table) : &table->table;
}

static int soft_attach(struct vcm_iommu *iommu, struct device *dev,
		       struct vcm_table *table)
{
	struct vcm_soft_unit *unit = to_soft_unit(iommu);

	if (WARN_ON_ONCE(!soft_fits(unit, table)))
		return -EINVAL;
	if (vcm_soft_fires(unit, VCM_SOFT_FAIL_ATTACH))
		return -EIO;
	return vcm_soft_set_base(unit, dev, to_soft_table(table));
}

static void soft_detach(struct vcm_iommu *iommu, struct device *dev,
			struct vcm_table *table)
{
	vcm_soft_clear_base(to_soft_unit(iommu), dev);
}

static int soft_invalidate(struct vcm_iommu *iommu, struct vcm_table *table,
			   dma_addr_t addr, size_t len)
{
	return vcm_soft_forget(to_soft_unit(iommu), to_soft_table(table), addr,
			       len);
}

static void soft_resume(struct vcm_iommu *iommu, struct device *dev, u64 token,
			bool retry)
{
	vcm_soft_resume(to_soft_unit(iommu), token, retry);
}

static const struct vcm_iommu_ops vcm_soft_ops = {
	.name = "soft",
	.owner = THIS_MODULE,
	.get_unit = soft_get_unit,
	.free = soft_free,
	.for_each_reserved = soft_reserved,
	.can_walk = soft_can_walk,
	.table_alloc = soft_table_alloc,
	.attach = soft_attach,
	.detach = soft_detach,
	.invalidate = soft_invalidate,
	.resume = soft_resume,
};

static int __init vcm_soft_init(void)
{
	return vcm_iommu_register(&vcm_soft_ops);
}
subsys_initcall(vcm_soft_init);

static int soft_check_config(const struct vcm_soft_config *config,
			     const struct vcm_soft_fmt *fmt)
{
	dma_addr_t last;

	if (config->ias < VCM_SOFT_MIN_IAS || config->ias > fmt->ias) {
		pr_err("%s: %u bits of device address, the format has %u to %u\n",
		       config->name, config->ias, VCM_SOFT_MIN_IAS, fmt->ias);
		return -EINVAL;
	}
	if (config->oas < VCM_SOFT_MIN_OAS || config->oas > fmt->oas) {
		pr_err("%s: %u bits of physical address, the format has %u to %u\n",
		       config->name, config->oas, VCM_SOFT_MIN_OAS, fmt->oas);
		return -EINVAL;
	}
	if (config->reserved_len &&
	    check_add_overflow(config->reserved_first,
			       config->reserved_len - 1, &last)) {
		pr_err("%s: the reserved window of %zu bytes at %pad wraps\n",
		       config->name, config->reserved_len,
		       &config->reserved_first);
		return -EINVAL;
	}
	return 0;
}

/**
 * vcm_soft_create() - make an instance
 * @config: what it is like
 *
 * Context: May sleep.
 * Return: the unit, to be given back with vcm_soft_destroy(), or an ERR_PTR():
 * -EOPNOTSUPP if this kernel lacks the format, -EINVAL for a @config that the
 * format does not allow, -ENOMEM.
 */
struct vcm_iommu *vcm_soft_create(const struct vcm_soft_config *config)
{
	const struct vcm_soft_fmt *fmt;
	struct vcm_soft_unit *unit;
	int err;

	if (!config->name ||
	    (unsigned int)config->format >= VCM_SOFT_NR_FORMATS)
		return ERR_PTR(-EINVAL);
	fmt = vcm_soft_get_fmt(config->format);
	if (!fmt)
		return ERR_PTR(-EOPNOTSUPP);

	unit = kzalloc(sizeof(*unit), GFP_KERNEL);
	if (!unit)
		return ERR_PTR(-ENOMEM);
	unit->config = *config;
	unit->config.ias = config->ias ?: fmt->ias;
	unit->config.oas = config->oas ?: fmt->oas;
	err = soft_check_config(&unit->config, fmt);
	if (err) {
		kfree(unit);
		return ERR_PTR(err);
	}
	unit->fmt = fmt;
	unit->granule = BIT(__ffs(fmt->pgsizes));
	spin_lock_init(&unit->lock);
	INIT_LIST_HEAD(&unit->clients);
	INIT_LIST_HEAD(&unit->tables);
	unit->tlb = RB_ROOT;
	INIT_LIST_HEAD(&unit->stalls);
	vcm_iommu_init(&unit->iommu, &vcm_soft_ops, config->name);

	mutex_lock(&soft_units_lock);
	list_add_tail(&unit->node, &soft_units);
	mutex_unlock(&soft_units_lock);
	return &unit->iommu;
}
EXPORT_SYMBOL_GPL(vcm_soft_create);

/**
 * vcm_soft_destroy() - take an instance away, as a hot-unplug would
 * @unit: the unit
 *
 * The core drops every association through it first. Its memory stays as long
 * as a table that it made.
 *
 * Context: May sleep.
 */
void vcm_soft_destroy(struct vcm_iommu *unit)
{
	mutex_lock(&soft_units_lock);
	list_del(&to_soft_unit(unit)->node);
	mutex_unlock(&soft_units_lock);
	vcm_iommu_remove(unit);
	vcm_iommu_put(unit);
}
EXPORT_SYMBOL_GPL(vcm_soft_destroy);
