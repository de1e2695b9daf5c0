// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: contexts.
 *
 * Who lives. A context is an address space, with the tables that vcm_assoc.c
 * brings it as devices join, or around a table that it is made with.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/bug.h>
#include <linux/cleanup.h>
#include <linux/export.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "vcm_internal.h"

#define CREATE_TRACE_POINTS
#include <trace/events/vcm.h>

/* Who is associated with what; see DOC: Locking. */
DEFINE_MUTEX(vcm_topology_lock);
LIST_HEAD(vcm_contexts);

static struct vcm *vcm_make(dma_addr_t start, u64 len, struct vcm_table *home)
{
	static unsigned int serial;
	struct vcm *vcm;
	u64 last;

	if (!len || !IS_ALIGNED(start, PAGE_SIZE) || !IS_ALIGNED(len, PAGE_SIZE))
		return ERR_PTR(-EINVAL);
	if (check_add_overflow((u64)start, len - 1, &last) ||
	    last > (dma_addr_t)~0ULL)
		return ERR_PTR(-EOVERFLOW);

	vcm = kzalloc(sizeof(*vcm), GFP_KERNEL);
	if (!vcm)
		return ERR_PTR(-ENOMEM);
	vcm->start = start;
	vcm->last = last;
	kref_init(&vcm->ref);
	INIT_LIST_HEAD(&vcm->assocs);
	INIT_LIST_HEAD(&vcm->gone);
	init_rwsem(&vcm->lock);
	INIT_LIST_HEAD(&vcm->tables);
	vcm_space_init(vcm);
	if (home) {
		vcm_table_add(vcm, home, VCM_ALL_RIGHTS);
		vcm->home = home;
		vcm->home_ops = home->ops;
	}
	down_read(&vcm->lock);
	vcm_tables_get_geometry(vcm, &vcm->usable);
	up_read(&vcm->lock);

	guard(mutex)(&vcm_topology_lock);
	snprintf(vcm->name, sizeof(vcm->name), "vcm%u", serial++);
	list_add_tail(&vcm->node, &vcm_contexts);
	return vcm;
}

/**
 * vcm_create() - create a context
 * @start: first device address, a multiple of PAGE_SIZE; 0 will do
 * @len: bytes, a multiple of PAGE_SIZE
 *
 * An address space that belongs to no device and commits nothing. It may be
 * larger than what a device can reach: reservations are taken from where all
 * its devices can.
 *
 * Context: May sleep.
 * Return: the context; or an ERR_PTR(): -EINVAL for no length or unaligned
 * arguments, -EOVERFLOW if the end is no device address, -ENOMEM.
 */
struct vcm *vcm_create(dma_addr_t start, u64 len)
{
	return vcm_make(start, len, NULL);
}
EXPORT_SYMBOL_GPL(vcm_create);

static bool vcm_home_complete(const struct vcm_table *table)
{
	const struct vcm_table_ops *ops = table->ops;

	return ops && ops->free && ops->map && ops->unmap && ops->lookup &&
	       !ops->reserve == !ops->unreserve && table->geo.pgsizes;
}

/**
 * vcm_create_around() - create a context around a table
 * @table: the table, which is written before and without any device; @ops and
 *         @geo are filled in
 * @start: as for vcm_create()
 * @len: as for vcm_create()
 *
 * For back ends that make spaces of other kinds than devices do. The table is
 * the context's *home*: it is there from the beginning, and vcm_free() frees
 * it. Devices may join such a context as any other.
 *
 * Context: May sleep.
 * Return: as vcm_create(), and -EINVAL for a bad pointer or a table that lacks
 * a mandatory op. After an error @table is still the caller's.
 */
struct vcm *vcm_create_around(struct vcm_table *table, dma_addr_t start,
			      u64 len)
{
	if (IS_ERR_OR_NULL(table) || !vcm_home_complete(table))
		return ERR_PTR(-EINVAL);
	return vcm_make(start, len, table);
}
EXPORT_SYMBOL_GPL(vcm_create_around);

/**
 * vcm_get_home() - the table that a context was made around
 * @vcm: the context
 *
 * Context: Any.
 * Return: the table, which stays until vcm_free(); NULL if there is none, and
 * for a bad pointer.
 */
struct vcm_table *vcm_get_home(struct vcm *vcm)
{
	return IS_ERR_OR_NULL(vcm) ? NULL : vcm->home;
}
EXPORT_SYMBOL_GPL(vcm_get_home);

/**
 * vcm_release() - the last reference to the memory of a context is gone
 * @ref: &vcm.ref
 */
void vcm_release(struct kref *ref)
{
	kfree(container_of(ref, struct vcm, ref));
}

/* Nobody reserves any more: the context is dead. */
static void vcm_free_home(struct vcm *vcm)
{
	struct vcm_table *home = vcm->home;

	if (!home)
		return;
	down_write(&vcm->lock);
	list_del(&home->node);
	vcm->home = NULL;
	up_write(&vcm->lock);
	home->ops->free(home);
}

/**
 * vcm_free() - free a context
 * @vcm: the context; not to be used any more
 *
 * Context: May sleep.
 * Return: 0; -EBUSY if it has a reservation or a bound, a device is associated,
 * or it came from vcm_get(), nothing changes then; -ENOENT if it is freed
 * already and only a reservation's reference keeps its memory; -EINVAL for a bad
 * pointer.
 */
int vcm_free(struct vcm *vcm)
{
	struct vcm_assoc *assoc, *next;

	if (IS_ERR_OR_NULL(vcm))
		return -EINVAL;
	guard(mutex)(&vcm_topology_lock);
	if (vcm->dead)
		return -ENOENT;
	if (!list_empty(&vcm->assocs) || vcm->declared)
		return -EBUSY;

	if (!vcm_space_end(vcm))
		return -EBUSY;

	vcm_free_home(vcm);
	WARN_ON_ONCE(!list_empty(&vcm->tables));
	vcm_space_exit(vcm);
	list_for_each_entry_safe(assoc, next, &vcm->gone, vcm_node)
		vcm_assoc_forget(assoc);
	list_del(&vcm->node);
	kref_put(&vcm->ref, vcm_release);
	return 0;
}
EXPORT_SYMBOL_GPL(vcm_free);

/**
 * vcm_set_name() - name a context for messages and debugfs
 * @vcm: the context
 * @name: 1 to 31 characters; copied
 *
 * Context: May sleep.
 * Return: 0; -EINVAL for a bad pointer or an empty name, -ENAMETOOLONG.
 */
int vcm_set_name(struct vcm *vcm, const char *name)
{
	if (IS_ERR_OR_NULL(vcm) || IS_ERR_OR_NULL(name) || !*name)
		return -EINVAL;
	if (strlen(name) >= sizeof(vcm->name))
		return -ENAMETOOLONG;
	guard(mutex)(&vcm_topology_lock);
	strscpy(vcm->name, name);
	return 0;
}
EXPORT_SYMBOL_GPL(vcm_set_name);

/**
 * vcm_get_name() - the name of a context
 * @vcm: the context
 *
 * Context: Any. The caller does not rename the context meanwhile.
 * Return: the name; "" for a bad pointer.
 */
const char *vcm_get_name(struct vcm *vcm)
{
	return IS_ERR_OR_NULL(vcm) ? "" : vcm->name;
}
EXPORT_SYMBOL_GPL(vcm_get_name);

/**
 * vcm_get_start_addr() - where a context begins
 * @vcm: the context
 *
 * Context: Any.
 * Return: the first device address; 0 for a bad pointer.
 */
dma_addr_t vcm_get_start_addr(struct vcm *vcm)
{
	return IS_ERR_OR_NULL(vcm) ? 0 : vcm->start;
}
EXPORT_SYMBOL_GPL(vcm_get_start_addr);

/**
 * vcm_get_len() - how long a context is
 * @vcm: the context
 *
 * Context: Any.
 * Return: bytes; 0 for a bad pointer.
 */
u64 vcm_get_len(struct vcm *vcm)
{
	return IS_ERR_OR_NULL(vcm) ? 0 : (u64)vcm->last - vcm->start + 1;
}
EXPORT_SYMBOL_GPL(vcm_get_len);
