// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: what a device may do at most.
 *
 * A reservation says what may be done with its memory, an association what its
 * device may do with any memory. Rights are in the entries of a table, so a
 * device that is restricted is on a table of its own, which grants no more than
 * that, together with all those that are restricted alike. Other rights are
 * another table: the device moves there as it would to another context.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/export.h>
#include <linux/slab.h>

#include "vcm_internal.h"

/**
 * vcm_assoc_check_attr() - can an association have these attributes?
 * @attr: attributes
 *
 * Return: 0; -EINVAL if one is unknown, -EACCES if they let nobody in.
 */
int vcm_assoc_check_attr(u32 attr)
{
	if (attr & ~VCM_RIGHTS)
		return -EINVAL;
	return !attr || attr & (VCM_READ | VCM_WRITE) ? 0 : -EACCES;
}

/* Activate the device on @walkers instead of those it has, or leave it there. */
static int vcm_assoc_switch_walkers(struct vcm_assoc *assoc,
				    struct vcm_walker ***walkers)
{
	int ret;

	vcm_assoc_deactivate(assoc);
	swap(assoc->walkers, *walkers);
	ret = vcm_assoc_activate(assoc);
	if (!ret)
		return 0;
	swap(assoc->walkers, *walkers);
	if (vcm_assoc_activate(assoc))
		dev_err(assoc->device->dev, "vcm: %s: cannot go back to its old rights either, the device is inactive now\n",
			assoc->vcm->name);
	return ret;
}

/* To tables that grant no more than @attr. */
static int vcm_assoc_restrict(struct vcm_assoc *assoc, u32 attr)
{
	/* Those of the device are there, and stay. */
	struct vcm_window_list none = { .list = LIST_HEAD_INIT(none.list) };
	struct vcm_walker **walkers;
	unsigned int i;
	int ret = 0;

	walkers = kcalloc(assoc->nr_walkers, sizeof(*walkers), GFP_KERNEL);
	if (!walkers)
		return -ENOMEM;
	for (i = 0; i < assoc->nr_walkers; i++) {
		walkers[i] = vcm_assoc_enter(assoc, assoc->walkers[i]->unit,
					     attr, &none);
		ret = PTR_ERR_OR_ZERO(walkers[i]);
		if (ret)
			goto leave;
	}
	if (assoc->active)
		ret = vcm_assoc_switch_walkers(assoc, &walkers);
	else
		swap(assoc->walkers, walkers);

leave:
	down_write(&assoc->vcm->lock);
	while (i--)
		vcm_leave_table(assoc->vcm, walkers[i], NULL);
	up_write(&assoc->vcm->lock);
	kfree(walkers);
	return ret;
}

/**
 * vcm_set_assoc_attr() - change what a device may do at most
 * @assoc: the association
 * @attr: as for vcm_assoc()
 *
 * A device that is active stays active: at every moment it has the old rights,
 * or reaches nothing, or has the new ones. Who changes them has stopped it, or
 * can bear that accesses of that moment are refused. When the call returns 0,
 * its units have forgotten the old ones. Other devices notice nothing.
 *
 * Context: May sleep.
 * Return: 0; or with nothing changed -EINVAL for a bad pointer or attribute,
 * -EACCES if @attr has neither VCM_READ nor VCM_WRITE, and is not 0, -ENODEV if
 * the device or its unit is gone, -EOPNOTSUPP if nothing restricts the device,
 * because it is behind no IOMMU, or its unit cannot express the rights, -EBUSY if
 * its unit can make another table only while it is inactive, or cannot tell it
 * from another device that is active, -ENOMEM, or what the unit's driver says.
 * If its unit does not even let the device go back, a message says so and it is
 * inactive.
 */
int vcm_set_assoc_attr(struct vcm_assoc *assoc, u32 attr)
{
	int ret;

	if (IS_ERR_OR_NULL(assoc))
		return -EINVAL;
	ret = vcm_assoc_check_attr(attr);
	if (ret)
		return ret;
	guard(mutex)(&vcm_topology_lock);
	if (!assoc->device)
		return -ENODEV;
	if (vcm_rights_of(attr) != vcm_rights_of(assoc->attr))
		ret = vcm_assoc_restrict(assoc, attr);
	if (!ret)
		WRITE_ONCE(assoc->attr, attr);
	return ret;
}
EXPORT_SYMBOL_GPL(vcm_set_assoc_attr);

/**
 * vcm_get_assoc_attr() - what may a device do at most?
 * @assoc: the association
 *
 * Context: Any.
 * Return: as given to vcm_assoc() or vcm_set_assoc_attr(), 0 if nothing
 * restricts the device; 0 for a bad pointer.
 */
u32 vcm_get_assoc_attr(struct vcm_assoc *assoc)
{
	return IS_ERR_OR_NULL(assoc) ? 0 : READ_ONCE(assoc->attr);
}
EXPORT_SYMBOL_GPL(vcm_get_assoc_attr);
