// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: the low-level drivers and their units.
 *
 * A driver registers its kind of unit once; its instances come into view when
 * somebody asks which units a device is behind. There are few kinds and the
 * question is rare, so a list will do.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/cleanup.h>
#include <linux/export.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include "vcm_internal.h"

struct vcm_kind {
	struct list_head node;
	const struct vcm_iommu_ops *ops;
};

static DEFINE_MUTEX(vcm_kinds_lock);
static LIST_HEAD(vcm_kinds);

static bool vcm_iommu_ops_complete(const struct vcm_iommu_ops *ops)
{
	return ops->name && ops->get_unit && ops->free && ops->can_walk &&
	       ops->table_alloc && ops->attach && ops->detach &&
	       !ops->claim == !ops->unclaim;
}

/**
 * vcm_iommu_register() - announce a kind of unit
 * @ops: what it can do; must stay as it is until vcm_iommu_unregister()
 *
 * Context: May sleep.
 * Return: 0, -EINVAL if a mandatory op is missing, -EBUSY if @ops is
 * registered, -ENOMEM.
 */
int vcm_iommu_register(const struct vcm_iommu_ops *ops)
{
	struct vcm_kind *kind, *other;

	if (IS_ERR_OR_NULL(ops))
		return -EINVAL;
	if (!vcm_iommu_ops_complete(ops)) {
		pr_err("driver %s lacks a mandatory op\n",
		       ops->name ?: "without a name");
		return -EINVAL;
	}
	kind = kmalloc(sizeof(*kind), GFP_KERNEL);
	if (!kind)
		return -ENOMEM;
	kind->ops = ops;

	mutex_lock(&vcm_kinds_lock);
	list_for_each_entry(other, &vcm_kinds, node) {
		if (other->ops != ops)
			continue;
		mutex_unlock(&vcm_kinds_lock);
		kfree(kind);
		return -EBUSY;
	}
	list_add_tail(&kind->node, &vcm_kinds);
	mutex_unlock(&vcm_kinds_lock);
	return 0;
}
EXPORT_SYMBOL_GPL(vcm_iommu_register);

/**
 * vcm_iommu_unregister() - take a kind of unit back
 * @ops: as registered; its units must be removed before
 *
 * Context: May sleep.
 */
void vcm_iommu_unregister(const struct vcm_iommu_ops *ops)
{
	struct vcm_kind *kind;

	mutex_lock(&vcm_kinds_lock);
	list_for_each_entry(kind, &vcm_kinds, node) {
		if (kind->ops != ops)
			continue;
		list_del(&kind->node);
		kfree(kind);
		break;
	}
	mutex_unlock(&vcm_kinds_lock);
}
EXPORT_SYMBOL_GPL(vcm_iommu_unregister);

/*
 * The @index'th unit of the kinds that are a fallback, or of those that are
 * not; in @nr, how many there are, unless it is found.
 */
static struct vcm_iommu *vcm_unit_get_of(struct device *dev, unsigned int index,
					 bool fallback, unsigned int *nr)
{
	struct vcm_iommu *unit;
	struct vcm_kind *kind;
	unsigned int i;

	lockdep_assert_held(&vcm_kinds_lock);

	*nr = 0;
	list_for_each_entry(kind, &vcm_kinds, node) {
		if (kind->ops->fallback != fallback)
			continue;
		for (i = 0; ; i++) {
			unit = kind->ops->get_unit(dev, i);
			if (PTR_ERR_OR_ZERO(unit) == -ENODEV)
				break;
			if (IS_ERR(unit) || *nr == index)
				return unit;
			vcm_iommu_put(unit);
			++*nr;
		}
	}
	return ERR_PTR(-ENODEV);
}

/**
 * vcm_unit_get() - the units that a device is behind, one after the other
 * @dev: the device
 * @index: which one, from 0 on, over all kinds
 *
 * Only who is behind nothing else is given to the kinds that stand for that.
 *
 * Context: May sleep.
 * Return: a counted reference, ERR_PTR(-ENODEV) after the last one,
 * ERR_PTR(-EPROBE_DEFER) if it is not ready, or what else its driver says.
 */
struct vcm_iommu *vcm_unit_get(struct device *dev, unsigned int index)
{
	struct vcm_iommu *unit;
	unsigned int nr;

	guard(mutex)(&vcm_kinds_lock);
	unit = vcm_unit_get_of(dev, index, false, &nr);
	if (unit != ERR_PTR(-ENODEV) || nr)
		return unit;
	return vcm_unit_get_of(dev, index, true, &nr);
}

/**
 * vcm_iommu_init() - make a unit ready for use
 * @unit: the unit, embedded in the driver's structure
 * @ops: its driver, registered or about to be
 * @name: for messages and debugfs; must outlive @unit
 *
 * The caller holds the first reference and gives it back with
 * vcm_iommu_put().
 *
 * Context: Any.
 */
void vcm_iommu_init(struct vcm_iommu *unit, const struct vcm_iommu_ops *ops,
		    const char *name)
{
	unit->ops = ops;
	unit->name = name;
	kref_init(&unit->ref);
}
EXPORT_SYMBOL_GPL(vcm_iommu_init);

/**
 * vcm_iommu_get() - count one more reference to a unit
 * @unit: the unit
 *
 * Context: Any.
 * Return: @unit.
 */
struct vcm_iommu *vcm_iommu_get(struct vcm_iommu *unit)
{
	kref_get(&unit->ref);
	return unit;
}
EXPORT_SYMBOL_GPL(vcm_iommu_get);

static void vcm_iommu_release(struct kref *ref)
{
	struct vcm_iommu *unit = container_of(ref, struct vcm_iommu, ref);

	unit->ops->free(unit);
}

/**
 * vcm_iommu_put() - give a reference to a unit back
 * @unit: the unit
 *
 * Context: May sleep, in &vcm_iommu_ops.free.
 */
void vcm_iommu_put(struct vcm_iommu *unit)
{
	kref_put(&unit->ref, vcm_iommu_release);
}
EXPORT_SYMBOL_GPL(vcm_iommu_put);
