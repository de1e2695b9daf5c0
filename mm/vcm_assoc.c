// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: associations.
 *
 * Who is joined to whom. Everything here is rare next to backing, and programs
 * hardware, so one mutex serialises it.
 *
 * A device joins a context in steps that undo each other: its units are found
 * and claimed, each is given a table (one that the context has, if the unit
 * can walk it), and only vcm_activate() points the unit at it. Whatever takes
 * the device away (its driver unbinds, it is unplugged, a unit of it is
 * removed) walks the same steps backwards, and leaves an association that is
 * gone; see DOC: Lifetimes.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/bug.h>
#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/export.h>
#include <linux/hashtable.h>
#include <linux/notifier.h>
#include <linux/slab.h>

#include <trace/events/vcm.h>

#include "vcm_internal.h"

/* The devices that are associated with anything. */
static DEFINE_HASHTABLE(vcm_devices, 6);

/*
 * The buses that are watched for devices that go away. Their lock is never
 * held together with vcm_topology_lock, which the notifier takes.
 */
struct vcm_bus {
	struct list_head node;
	const struct bus_type *bus;
	struct notifier_block notifier;
};

static DEFINE_MUTEX(vcm_buses_lock);
static LIST_HEAD(vcm_buses);

/* Units and tables of one association */

static int vcm_add_window(void *data, dma_addr_t first, dma_addr_t last)
{
	struct vcm_window_list *windows = data;
	const struct vcm *vcm = windows->vcm;
	struct vcm_window *window;

	if (first > vcm->last || last < vcm->start)
		return 0;
	window = kzalloc(sizeof(*window), GFP_KERNEL);
	if (!window)
		return -ENOMEM;
	window->owner = windows->owner;
	window->first = first;
	window->last = last;
	list_add_tail(&window->node, &windows->list);
	return 0;
}

static void vcm_free_windows(struct list_head *windows)
{
	struct vcm_window *window, *next;

	list_for_each_entry_safe(window, next, windows, node)
		kfree(window);
}

/*
 * A table of the context with these rights that the unit can walk. -EINVAL if
 * there is none; -EAGAIN if there may be one, and the unit cannot tell now. Not
 * @but.
 */
static struct vcm_table *vcm_find_table(struct vcm *vcm, struct vcm_iommu *unit,
					struct device *dev, u32 rights,
					const struct vcm_table *but)
{
	struct vcm_table *table;
	int none = -EINVAL;

	list_for_each_entry(table, &vcm->tables, node) {
		int ret;

		if (table == but || table->rights != rights)
			continue;
		ret = unit->ops->can_walk(unit, dev, table);
		if (!ret)
			return table;
		if (ret != -EINVAL && ret != -EAGAIN)
			return ERR_PTR(ret);
		if (ret == -EAGAIN)
			none = -EAGAIN;
	}
	return ERR_PTR(none);
}

/* Join a table that the context has, or say why not, as vcm_find_table(). */
static struct vcm_walker *vcm_join_table(struct vcm *vcm,
					 struct vcm_iommu *unit,
					 struct device *dev, u32 rights,
					 struct vcm_window_list *windows)
{
	struct vcm_geometry usable;
	struct vcm_walker *walker;
	struct vcm_table *table;
	int ret;

	table = vcm_find_table(vcm, unit, dev, rights, NULL);
	if (IS_ERR(table))
		return ERR_CAST(table);
	walker = vcm_table_add_walker(table, unit);
	if (IS_ERR(walker))
		return walker;
	vcm_tables_get_geometry(vcm, &usable);
	ret = vcm_space_admit(vcm, &usable, &windows->list, dev);
	if (ret) {
		vcm_table_put_walker(walker);
		return ERR_PTR(ret);
	}
	return walker;
}

/* Add a table to the context, with everything in it that is mapped. */
static struct vcm_walker *vcm_new_table(struct vcm *vcm, struct vcm_iommu *unit,
					struct device *dev, u32 rights,
					struct vcm_window_list *windows)
{
	struct vcm_geometry usable;
	struct vcm_walker *walker;
	struct vcm_table *table;
	int ret;

	table = unit->ops->table_alloc(unit, dev);
	if (IS_ERR(table))
		return ERR_CAST(table);
	if (WARN_ON_ONCE(!table->ops || !table->geo.pgsizes)) {
		ret = -EINVAL;
		goto free;
	}
	vcm_table_add(vcm, table, rights);
	walker = vcm_table_add_walker(table, unit);
	if (IS_ERR(walker)) {
		ret = PTR_ERR(walker);
		goto unlink;
	}

	vcm_tables_get_geometry(vcm, &usable);
	ret = vcm_space_admit(vcm, &usable, &windows->list, dev);
	if (ret)
		goto put;
	ret = vcm_back_replay(vcm, table, dev);
	if (ret)
		goto retract;
	return walker;

retract:
	list_del_init(&table->node);
	vcm_tables_get_geometry(vcm, &usable);
	vcm_space_retract(vcm, &usable, windows->owner);
put:
	vcm_table_put_walker(walker);
unlink:
	list_del(&table->node);
free:
	table->ops->free(table);
	return ERR_PTR(ret);
}

/**
 * vcm_leave_table() - one association less on a table
 * @vcm: the context
 * @walker: the walker; the last one takes the table along, but for a home
 * @owner: the device, if it leaves with its windows; NULL if it stays
 *
 * Context: May sleep. The caller holds &vcm.lock for writing.
 */
void vcm_leave_table(struct vcm *vcm, struct vcm_walker *walker,
		     const struct vcm_device *owner)
{
	struct vcm_table *table = walker->table;
	struct vcm_geometry usable;

	vcm_table_put_walker(walker);
	if (list_empty(&table->walkers) && table != vcm->home) {
		list_del(&table->node);
		vcm_back_empty(vcm, table, NULL);
		table->ops->free(table);
	}
	vcm_tables_get_geometry(vcm, &usable);
	vcm_space_retract(vcm, &usable, owner);
}

/**
 * vcm_assoc_enter() - get a unit of a device a table
 * @assoc: the association
 * @unit: the unit
 * @attr: what the table is to grant at most, as &vcm_assoc.attr
 * @windows: what comes along with the device; emptied on success
 *
 * One that the context has, if there is one that will do, or a new one.
 * vcm_leave_table() undoes it.
 *
 * Context: May sleep. The caller holds vcm_topology_lock.
 * Return: the walker, or an ERR_PTR() as vcm_assoc() says.
 */
struct vcm_walker *vcm_assoc_enter(struct vcm_assoc *assoc,
				   struct vcm_iommu *unit, u32 attr,
				   struct vcm_window_list *windows)
{
	struct device *dev = assoc->device->dev;
	u32 rights = vcm_rights_of(attr);
	struct vcm *vcm = assoc->vcm;
	struct vcm_walker *walker;
	int ret;

	if (unit->ops->fallback && rights != VCM_ALL_RIGHTS) {
		dev_err(dev, "vcm: %s: behind no IOMMU, nothing restricts what the device does\n",
			vcm->name);
		return ERR_PTR(-EOPNOTSUPP);
	}
	down_write(&vcm->lock);
	walker = vcm_join_table(vcm, unit, dev, rights, windows);
	ret = PTR_ERR_OR_ZERO(walker);
	if (ret == -EINVAL || ret == -EAGAIN) {
		walker = vcm_new_table(vcm, unit, dev, rights, windows);
		if (!IS_ERR(walker))
			walker->unsure = ret == -EAGAIN;
	}
	up_write(&vcm->lock);
	return walker;
}

/* Take the device off one unit. The other half of vcm_assoc_add_unit(). */
static void vcm_assoc_drop_unit(struct vcm_assoc *assoc)
{
	struct vcm_walker *walker = assoc->walkers[--assoc->nr_walkers];
	struct vcm_iommu *unit = vcm_iommu_get(walker->unit);
	struct vcm *vcm = assoc->vcm;

	down_write(&vcm->lock);
	vcm_leave_table(vcm, walker, assoc->device);
	up_write(&vcm->lock);

	if (unit->ops->unclaim)
		unit->ops->unclaim(unit, assoc->device->dev);
	vcm_iommu_put(unit);
}

/* Put the device on its next unit. */
static int vcm_assoc_add_unit(struct vcm_assoc *assoc)
{
	struct vcm_window_list windows = {
		.vcm = assoc->vcm, .owner = assoc->device,
		.list = LIST_HEAD_INIT(windows.list),
	};
	struct device *dev = assoc->device->dev;
	struct vcm_walker *walker;
	struct vcm_iommu *unit;
	int ret = 0;

	unit = vcm_unit_get(dev, assoc->nr_walkers);
	if (IS_ERR(unit))
		return PTR_ERR(unit);
	if (unit->ops->claim)
		ret = unit->ops->claim(unit, dev);
	if (ret)
		goto put;
	if (unit->ops->for_each_reserved)
		ret = unit->ops->for_each_reserved(unit, dev, vcm_add_window,
						   &windows);
	if (ret)
		goto unclaim;

	walker = vcm_assoc_enter(assoc, unit, assoc->attr, &windows);
	ret = PTR_ERR_OR_ZERO(walker);
	if (ret)
		goto unclaim;

	assoc->walkers[assoc->nr_walkers++] = walker;
	vcm_iommu_put(unit);
	return 0;

unclaim:
	vcm_free_windows(&windows.list);
	if (unit->ops->unclaim)
		unit->ops->unclaim(unit, dev);
put:
	vcm_iommu_put(unit);
	return ret;
}

/* Devices */

static struct vcm_device *vcm_device_find(struct device *dev)
{
	struct vcm_device *device;

	lockdep_assert_held(&vcm_topology_lock);

	hash_for_each_possible(vcm_devices, device, hash, (unsigned long)dev)
		if (device->dev == dev)
			return device;
	return NULL;
}

/* Give the record back if it was the last association. */
static void vcm_device_put(struct vcm_device *device)
{
	if (!list_empty(&device->assocs))
		return;
	hash_del(&device->hash);
	put_device(device->dev);
	kfree(device);
}

static int vcm_bus_notify(struct notifier_block *notifier, unsigned long event,
			  void *data);

/* Be told when a device of the bus goes away. The bus is watched for good. */
static int vcm_bus_watch(const struct bus_type *bus)
{
	struct vcm_bus *watch;
	int ret;

	guard(mutex)(&vcm_buses_lock);
	list_for_each_entry(watch, &vcm_buses, node)
		if (watch->bus == bus)
			return 0;
	watch = kzalloc(sizeof(*watch), GFP_KERNEL);
	if (!watch)
		return -ENOMEM;
	watch->bus = bus;
	watch->notifier.notifier_call = vcm_bus_notify;
	/* Before the IOMMU core, which forgets the device at the same event. */
	watch->notifier.priority = 1;
	ret = bus_register_notifier(bus, &watch->notifier);
	if (ret) {
		kfree(watch);
		return ret;
	}
	list_add(&watch->node, &vcm_buses);
	return 0;
}

static struct vcm_device *vcm_device_get(struct device *dev)
{
	struct vcm_device *device = vcm_device_find(dev);

	if (device)
		return device;
	device = kzalloc(sizeof(*device), GFP_KERNEL);
	if (!device)
		return ERR_PTR(-ENOMEM);
	device->dev = get_device(dev);
	INIT_LIST_HEAD(&device->assocs);
	hash_add(vcm_devices, &device->hash, (unsigned long)dev);
	return device;
}

/* Associations */

/**
 * vcm_assoc_forget() - give back the memory of an association
 * @assoc: the association, which joins nothing any more
 *
 * Context: May sleep. The caller holds vcm_topology_lock.
 */
void vcm_assoc_forget(struct vcm_assoc *assoc)
{
	list_del(&assoc->vcm_node);
	kfree(assoc->walkers);
	kfree(assoc);
}

static int vcm_count_units(struct device *dev)
{
	struct vcm_iommu *unit;
	int nr;

	for (nr = 0; ; nr++) {
		unit = vcm_unit_get(dev, nr);
		if (IS_ERR(unit))
			break;
		vcm_iommu_put(unit);
	}
	return nr && PTR_ERR(unit) == -ENODEV ? nr : PTR_ERR(unit);
}

/* Off all units, out of the device; what is left is the caller's handle. */
static void vcm_assoc_leave(struct vcm_assoc *assoc)
{
	struct vcm_device *device = assoc->device;

	while (assoc->nr_walkers)
		vcm_assoc_drop_unit(assoc);
	list_del(&assoc->device_node);
	assoc->device = NULL;
	vcm_device_put(device);
}

static struct vcm_assoc *vcm_assoc_join(struct vcm *vcm, struct device *dev,
					u32 attr)
{
	struct vcm_device *device;
	struct vcm_assoc *assoc;
	int nr, ret;

	nr = vcm_count_units(dev);
	if (nr < 0)
		return ERR_PTR(nr);
	assoc = kzalloc(sizeof(*assoc), GFP_KERNEL);
	if (!assoc)
		return ERR_PTR(-ENOMEM);
	assoc->walkers = kcalloc(nr, sizeof(*assoc->walkers), GFP_KERNEL);
	if (!assoc->walkers) {
		ret = -ENOMEM;
		goto free;
	}
	device = vcm_device_get(dev);
	ret = PTR_ERR_OR_ZERO(device);
	if (ret)
		goto free;
	assoc->vcm = vcm;
	assoc->device = device;
	assoc->attr = attr;
	list_add_tail(&assoc->device_node, &device->assocs);

	while (assoc->nr_walkers < nr) {
		ret = vcm_assoc_add_unit(assoc);
		if (ret)
			goto leave;
	}
	list_add_tail(&assoc->vcm_node, &vcm->assocs);
	return assoc;

leave:
	vcm_assoc_leave(assoc);
free:
	kfree(assoc->walkers);
	kfree(assoc);
	return ERR_PTR(ret);
}

static struct vcm_assoc *vcm_assoc_find(struct vcm *vcm, struct device *dev)
{
	struct vcm_assoc *assoc;

	list_for_each_entry(assoc, &vcm->assocs, vcm_node)
		if (assoc->device->dev == dev)
			return assoc;
	return NULL;
}

/**
 * vcm_assoc() - put a device on a context
 * @vcm: the context
 * @dev: the device; its driver manages its own DMA
 * @attr: what the device may do at most; 0 for what the reservations grant
 *
 * From here on the device belongs to VCMM: it reaches nothing until one of its
 * associations is activated, and the DMA API is not for it. Each of its units
 * walks a table that the context has, or gets a new one with everything that
 * is mapped. Where the units' limits do not fit what the context holds, the
 * call is refused with a message that names the reservation and the limit.
 *
 * With VCM_READ, VCM_WRITE and VCM_EXEC in @attr the device may do these, and
 * nothing else, with whatever the context maps: what a reservation grants and
 * @attr does not, is refused. With VCM_PRIV it may do so by privileged accesses
 * only. Devices share a table only if they have the same rights.
 *
 * A device that is behind no IOMMU takes part where it sees memory, as its DMA
 * mask and the bus say by then, and nothing keeps it from the rest: it reaches
 * all memory that it can address, whether it is active or not.
 *
 * The association ends with vcm_deassoc(), or when the device's driver
 * unbinds, the device or its unit goes away.
 *
 * Context: May sleep.
 * Return: the association; or with nothing changed an ERR_PTR(): -EINVAL for a
 * bad pointer or attribute, -EACCES if @attr has neither VCM_READ nor VCM_WRITE,
 * and is not 0, -EOPNOTSUPP if nothing restricts @dev, because it is behind no
 * IOMMU, or its unit cannot express the rights, -ENODEV if @dev is behind no
 * unit and has no DMA mask, -EPROBE_DEFER if one of its units is not ready, or
 * it is not known without a driver whether there is one, -EEXIST if it is on
 * @vcm already, -ENOENT if @vcm is freed, -EBUSY if somebody else drives its
 * DMA, -ERANGE if a reservation, or what backs it, is beyond its limits,
 * -ENOMEM, or what its unit's driver says.
 */
struct vcm_assoc *vcm_assoc(struct vcm *vcm, struct device *dev, u32 attr)
{
	int ret;

	if (IS_ERR_OR_NULL(vcm) || IS_ERR_OR_NULL(dev))
		return ERR_PTR(-EINVAL);
	ret = vcm_assoc_check_attr(attr);
	if (ret)
		return ERR_PTR(ret);
	if (!dev->bus)
		return ERR_PTR(-ENODEV);
	ret = vcm_bus_watch(dev->bus);
	if (ret)
		return ERR_PTR(ret);

	guard(mutex)(&vcm_topology_lock);
	if (vcm->dead)
		return ERR_PTR(-ENOENT);
	if (vcm_assoc_find(vcm, dev))
		return ERR_PTR(-EEXIST);
	return vcm_assoc_join(vcm, dev, attr);
}
EXPORT_SYMBOL_GPL(vcm_assoc);

/**
 * vcm_deassoc() - take a device off a context
 * @assoc: the association; not to be used any more
 *
 * The context's reservations, backings and memory stay.
 *
 * Context: May sleep.
 * Return: 0; -EBUSY if it is active, nothing changes then; -EINVAL for a bad
 * pointer.
 */
int vcm_deassoc(struct vcm_assoc *assoc)
{
	if (IS_ERR_OR_NULL(assoc))
		return -EINVAL;
	guard(mutex)(&vcm_topology_lock);
	if (vcm_is_active(assoc))
		return -EBUSY;
	if (assoc->device)
		vcm_assoc_leave(assoc);
	vcm_assoc_forget(assoc);
	return 0;
}
EXPORT_SYMBOL_GPL(vcm_deassoc);

/**
 * vcm_get_assoc() - the association of a device with a context
 * @vcm: the context
 * @dev: the device
 *
 * Context: May sleep.
 * Return: the association, without a reference: it stays until somebody calls
 * vcm_deassoc(); ERR_PTR(-ENOENT) if there is none, or the device is gone;
 * ERR_PTR(-EINVAL) for a bad pointer.
 */
struct vcm_assoc *vcm_get_assoc(struct vcm *vcm, struct device *dev)
{
	if (IS_ERR_OR_NULL(vcm) || IS_ERR_OR_NULL(dev))
		return ERR_PTR(-EINVAL);
	guard(mutex)(&vcm_topology_lock);
	return vcm_assoc_find(vcm, dev) ?: ERR_PTR(-ENOENT);
}
EXPORT_SYMBOL_GPL(vcm_get_assoc);

/* Put all that a unit has on one table of the context on another one. */
static int vcm_walker_rehome(struct vcm *vcm, struct vcm_walker *from,
			     struct vcm_table *table)
{
	struct vcm_walker *to = vcm_table_add_walker(table, from->unit);
	struct vcm_assoc *assoc;
	unsigned int i;

	if (IS_ERR(to))
		return PTR_ERR(to);
	list_for_each_entry(assoc, &vcm->assocs, vcm_node) {
		for (i = 0; i < assoc->nr_walkers; i++) {
			if (assoc->walkers[i] != from)
				continue;
			assoc->walkers[i] = to;
			to->users++;
			from->users--;
		}
	}
	/* All users of @from are on @to, and this call has one too many there. */
	to->users--;
	from->users++;
	vcm_leave_table(vcm, from, NULL);
	return 0;
}

/*
 * A unit that could not tell whether it can walk a table of the context has got
 * a mirror. Now that its device is claimed, idle and about to be activated, it
 * can. What does not work out leaves the mirror, which is always right.
 */
static void vcm_assoc_ask_again(struct vcm_assoc *assoc)
{
	struct vcm *vcm = assoc->vcm;
	struct vcm_table *table;
	unsigned int i;

	lockdep_assert_held_write(&vcm->lock);

	for (i = 0; i < assoc->nr_walkers; i++) {
		struct vcm_walker *walker = assoc->walkers[i];

		if (!walker->unsure || walker->active ||
		    !list_is_singular(&walker->table->walkers))
			continue;
		table = vcm_find_table(vcm, walker->unit, assoc->device->dev,
				       walker->table->rights, walker->table);
		if (!IS_ERR(table))
			vcm_walker_rehome(vcm, walker, table);
		else if (PTR_ERR(table) == -EINVAL)
			walker->unsure = false;
	}
}

/* Point the first @nr units of the device at nothing. */
static void vcm_assoc_detach(struct vcm_assoc *assoc, unsigned int nr)
{
	while (nr--) {
		struct vcm_walker *walker = assoc->walkers[nr];

		walker->unit->ops->detach(walker->unit, assoc->device->dev,
					  walker->table);
		walker->active--;
		trace_vcm_detach(assoc->vcm->name, walker->unit->name,
				 assoc->device->dev, 0);
	}
}

static int vcm_assoc_attach(struct vcm_assoc *assoc)
{
	unsigned int i;
	int ret;

	lockdep_assert_held_write(&assoc->vcm->lock);

	for (i = 0; i < assoc->nr_walkers; i++) {
		struct vcm_walker *walker = assoc->walkers[i];

		ret = walker->unit->ops->attach(walker->unit,
						assoc->device->dev,
						walker->table);
		trace_vcm_attach(assoc->vcm->name, walker->unit->name,
				 assoc->device->dev, ret);
		if (ret) {
			dev_err(assoc->device->dev, "vcm: %s: %s cannot attach it (%d)\n",
				assoc->vcm->name, walker->unit->name, ret);
			vcm_assoc_detach(assoc, i);
			return ret;
		}
		walker->active++;
	}
	return 0;
}

/**
 * vcm_assoc_activate() - point the units of a device at its tables
 * @assoc: the association; the device is not active
 *
 * Context: May sleep. The caller holds vcm_topology_lock.
 * Return: 0, or with nothing changed what the unit's driver says.
 */
int vcm_assoc_activate(struct vcm_assoc *assoc)
{
	int ret;

	down_write(&assoc->vcm->lock);
	vcm_assoc_ask_again(assoc);
	ret = vcm_assoc_attach(assoc);
	up_write(&assoc->vcm->lock);
	if (ret)
		return ret;
	assoc->device->active = true;
	WRITE_ONCE(assoc->active, true);
	return 0;
}

/**
 * vcm_activate() - let a device reach what its context maps
 * @assoc: the association
 *
 * Points every unit of the device at its table of the context: all or none.
 *
 * Context: May sleep.
 * Return: 0; or with nothing changed -EBUSY if the device is active, here or
 * on another context, -ENODEV if the device or its unit is gone, -EINVAL for a
 * bad pointer, or what the unit's driver says.
 */
int vcm_activate(struct vcm_assoc *assoc)
{
	if (IS_ERR_OR_NULL(assoc))
		return -EINVAL;
	guard(mutex)(&vcm_topology_lock);
	if (!assoc->device)
		return -ENODEV;
	if (assoc->device->active)
		return -EBUSY;
	return vcm_assoc_activate(assoc);
}
EXPORT_SYMBOL_GPL(vcm_activate);

/**
 * vcm_assoc_deactivate() - undo vcm_assoc_activate()
 * @assoc: the association
 *
 * Context: May sleep. The caller holds vcm_topology_lock.
 */
void vcm_assoc_deactivate(struct vcm_assoc *assoc)
{
	down_write(&assoc->vcm->lock);
	vcm_assoc_detach(assoc, assoc->nr_walkers);
	up_write(&assoc->vcm->lock);
	WRITE_ONCE(assoc->active, false);
	assoc->device->active = false;
}

/**
 * vcm_deactivate() - let a device reach nothing
 * @assoc: the association
 *
 * A device that is behind no IOMMU cannot be kept from anything: its driver has
 * to stop it.
 *
 * Context: May sleep.
 * Return: 0; -ENOENT if it is not active, -ENODEV if the device or its unit is
 * gone, -EINVAL for a bad pointer.
 */
int vcm_deactivate(struct vcm_assoc *assoc)
{
	if (IS_ERR_OR_NULL(assoc))
		return -EINVAL;
	guard(mutex)(&vcm_topology_lock);
	if (!assoc->device)
		return -ENODEV;
	if (!vcm_is_active(assoc))
		return -ENOENT;
	vcm_assoc_deactivate(assoc);
	return 0;
}
EXPORT_SYMBOL_GPL(vcm_deactivate);

/**
 * vcm_is_active() - does a device reach what its context maps?
 * @assoc: the association
 *
 * Context: Any. The answer may be old when it arrives, unless the caller keeps
 * others from activating, deactivating and removing the device.
 * Return: true or false; false for a bad pointer.
 */
bool vcm_is_active(struct vcm_assoc *assoc)
{
	return !IS_ERR_OR_NULL(assoc) && READ_ONCE(assoc->active);
}
EXPORT_SYMBOL_GPL(vcm_is_active);

/* Two associations of one device change places. */
static void vcm_assoc_swap(struct vcm_assoc *a, struct vcm_assoc *b)
{
	bool active = a->active;

	swap(a->vcm, b->vcm);
	swap(a->nr_walkers, b->nr_walkers);
	swap(a->walkers, b->walkers);
	list_swap(&a->vcm_node, &b->vcm_node);
	WRITE_ONCE(a->active, b->active);
	WRITE_ONCE(b->active, active);
}

/* Activate @to instead of @from, or leave @from active. */
static int vcm_assoc_switch(struct vcm_assoc *from, struct vcm_assoc *to)
{
	struct device *dev = from->device->dev;
	int ret;

	vcm_assoc_deactivate(from);
	ret = vcm_assoc_activate(to);
	if (ret && vcm_assoc_activate(from))
		dev_err(dev, "vcm: %s: cannot go back to it either, the device is inactive now\n",
			from->vcm->name);
	return ret;
}

/**
 * vcm_assoc_move() - move a device to another context
 * @assoc: the association; it stays valid and is one with @to from now on
 * @to: the other context
 *
 * A device that is active stays active: at every moment it reaches what the
 * one context maps, or nothing, or what the other one maps. Who moves it has
 * stopped it, or can bear that accesses of that moment are refused. The
 * reservations and backings of both contexts stay.
 *
 * Context: May sleep.
 * Return: 0; or with nothing changed -EINVAL for a bad pointer, -ENODEV if the
 * device or its unit is gone, -ENOENT if @to is freed, -EEXIST if the device is
 * on @to already, or what vcm_assoc() and vcm_activate() say of @to. If its
 * unit does not even let the device go back, a message says so and it is
 * inactive.
 */
int vcm_assoc_move(struct vcm_assoc *assoc, struct vcm *to)
{
	struct vcm_assoc *other;
	int ret = 0;

	if (IS_ERR_OR_NULL(assoc) || IS_ERR_OR_NULL(to))
		return -EINVAL;
	guard(mutex)(&vcm_topology_lock);
	if (!assoc->device)
		return -ENODEV;
	if (to->dead)
		return -ENOENT;
	if (vcm_assoc_find(to, assoc->device->dev))
		return -EEXIST;
	other = vcm_assoc_join(to, assoc->device->dev, assoc->attr);
	if (IS_ERR(other))
		return PTR_ERR(other);

	if (assoc->active)
		ret = vcm_assoc_switch(assoc, other);
	if (!ret)
		vcm_assoc_swap(assoc, other);
	vcm_assoc_leave(other);
	vcm_assoc_forget(other);
	return ret;
}
EXPORT_SYMBOL_GPL(vcm_assoc_move);

/**
 * vcm_hook() - be told of the accesses of a device that are refused
 * @dev: the device; need not be associated yet
 * @handler: what to call, NULL to remove the handler that is set
 * @data: what to call it with
 *
 * The hook belongs to the device, whatever contexts it is on. It ends with
 * vcm_hook(@dev, NULL, NULL): when that returns the handler does not run, and
 * never will again, and accesses that wait for it are terminated. To remove a
 * hook that is not there does no harm. It also ends when the device's driver
 * unbinds, before the driver's remove(), and when the device goes away.
 *
 * Faults that come faster than the handler is called are dropped and counted;
 * one message tells how many.
 *
 * Context: May sleep; to remove a hook takes as long as its handler does, so
 * hold no lock that the handler takes.
 * Return: 0; -EBUSY if @dev has a handler: remove that first; -EDEADLK if the
 * handler removes its own hook, which then stays; -ENODEV if @dev is on no bus,
 * or not there any more; -ENOMEM; -EINVAL for a bad pointer.
 */
int vcm_hook(struct device *dev, vcm_handler handler, void *data)
{
	int ret;

	if (IS_ERR_OR_NULL(dev))
		return -EINVAL;
	if (!handler)
		return vcm_hook_remove(dev);
	if (!dev->bus || !device_is_registered(dev))
		return -ENODEV;
	ret = vcm_bus_watch(dev->bus);
	return ret ?: vcm_hook_add(dev, handler, data);
}
EXPORT_SYMBOL_GPL(vcm_hook);

/* Things that go away */

static void vcm_assoc_gone(struct vcm_assoc *assoc)
{
	if (assoc->active)
		vcm_assoc_deactivate(assoc);
	vcm_assoc_leave(assoc);
	list_move_tail(&assoc->vcm_node, &assoc->vcm->gone);
}

static void vcm_device_gone(struct device *dev)
{
	struct vcm_device *device;
	struct vcm_assoc *assoc;

	guard(mutex)(&vcm_topology_lock);
	while ((device = vcm_device_find(dev))) {
		assoc = list_first_entry(&device->assocs, struct vcm_assoc,
					 device_node);
		dev_dbg(dev, "vcm: %s: gone\n", assoc->vcm->name);
		vcm_assoc_gone(assoc);
	}
}

static void vcm_hook_gone(struct device *dev)
{
	/* A handler must not unbind its own device. */
	WARN_ON_ONCE(vcm_hook_remove(dev));
}

/* Without a driver, nobody is left who could stop the device. */
static int vcm_bus_notify(struct notifier_block *notifier, unsigned long event,
			  void *data)
{
	switch (event) {
	case BUS_NOTIFY_UNBIND_DRIVER:
		/* Before the driver gives back what its handler works with. */
		vcm_hook_gone(data);
		return NOTIFY_OK;
	case BUS_NOTIFY_DRIVER_NOT_BOUND:
	case BUS_NOTIFY_UNBOUND_DRIVER:
	case BUS_NOTIFY_REMOVED_DEVICE:
		vcm_device_gone(data);
		vcm_hook_gone(data);
		return NOTIFY_OK;
	default:
		return NOTIFY_DONE;
	}
}

static struct vcm_assoc *vcm_assoc_of_unit(struct vcm_iommu *unit)
{
	struct vcm_assoc *assoc;
	struct vcm *vcm;
	unsigned int i;

	list_for_each_entry(vcm, &vcm_contexts, node)
		list_for_each_entry(assoc, &vcm->assocs, vcm_node)
			for (i = 0; i < assoc->nr_walkers; i++)
				if (assoc->walkers[i]->unit == unit)
					return assoc;
	return NULL;
}

/**
 * vcm_iommu_remove() - a unit goes away
 * @unit: the unit; its driver's get_unit() does not hand it out any more
 *
 * Every device behind it is detached and its association dropped. Contexts,
 * reservations, backings and memory live on, and so does a table that other
 * units walk.
 *
 * Context: May sleep.
 */
void vcm_iommu_remove(struct vcm_iommu *unit)
{
	struct vcm_assoc *assoc;

	guard(mutex)(&vcm_topology_lock);
	while ((assoc = vcm_assoc_of_unit(unit)))
		vcm_assoc_gone(assoc);
}
EXPORT_SYMBOL_GPL(vcm_iommu_remove);
