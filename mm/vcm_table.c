// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: the tables of a context.
 *
 * Everything that can be written to is a table. A context has none while no
 * device is associated, one if all its units can walk the same (they *share*
 * it), more if they cannot (the context is *mirrored*). Whoever writes goes
 * over the list; there is no other difference between the two.
 *
 * Rights are in the entries, so devices that may do different things cannot
 * share either. A table of those that are restricted has the same addresses,
 * the same memory, and fewer rights; where nothing is left of them, no entry.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/export.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include <trace/events/vcm.h>

#include "vcm_internal.h"

/*
 * What a context without tables takes for its block sizes: those that most
 * formats have. A wrong guess costs a smaller block later, never correctness.
 */
#define VCM_USUAL_PGSIZES	(PAGE_SIZE | SZ_64K | SZ_1M | SZ_2M)

static const char *vcm_table_name(struct vcm_table *table)
{
	struct vcm_walker *walker;

	walker = list_first_entry_or_null(&table->walkers, struct vcm_walker,
					  node);
	return walker ? walker->unit->name : table->vcm->name;
}

static int vcm_walker_flush(struct vcm_walker *walker, dma_addr_t addr,
			    size_t len)
{
	struct vcm_table *table = walker->table;
	struct vcm_iommu *unit = walker->unit;
	int ret = unit->ops->invalidate(unit, table, addr, len);

	trace_vcm_invalidate(table->vcm->name, unit->name, addr, len, ret);
	if (ret)
		pr_err_ratelimited("%s: flush of %zu bytes at %pad failed (%d)\n",
				   unit->name, len, &addr, ret);
	return ret;
}

/**
 * vcm_table_flush() - make every unit forget translations of a table
 * @table: the table
 * @addr: first device address
 * @len: bytes
 *
 * The core calls this after an unmap; a low-level driver calls it before it
 * frees a page-table page that units may be walking. Units that nothing
 * attached points at @table hold no translation of it and are left alone.
 * A unit that fails does not keep the others from being flushed.
 *
 * Context: Any; does not sleep. The caller is inside one of the ops of @table,
 * or holds &vcm.lock.
 * Return: 0, or the first errno of a unit, -EIO if one does not answer.
 */
int vcm_table_flush(struct vcm_table *table, dma_addr_t addr, size_t len)
{
	struct vcm_walker *walker;
	int ret = 0;

	list_for_each_entry(walker, &table->walkers, node) {
		int err;

		if (!vcm_walker_caches(walker))
			continue;
		err = vcm_walker_flush(walker, addr, len);
		ret = ret ?: err;
	}
	return ret;
}
EXPORT_SYMBOL_GPL(vcm_table_flush);

/**
 * vcm_table_refuse() - say why a run cannot be written into a table
 * @table: the table
 * @addr: device address of the run
 * @pa: its physical address
 * @len: bytes
 *
 * Context: Any.
 * Return: -ERANGE.
 */
int vcm_table_refuse(struct vcm_table *table, dma_addr_t addr, phys_addr_t pa,
		     size_t len)
{
	u64 granule = BIT_ULL(__ffs(table->geo.pgsizes));

	if (!IS_ALIGNED((u64)addr | (u64)pa | (u64)len, granule))
		pr_err("%s: %zu bytes from %pad to %pap are not in whole pages of %llu bytes\n",
		       vcm_table_name(table), len, &addr, &pa, granule);
	else
		pr_err("%s: %zu bytes at %pap lie beyond the last physical address %pap\n",
		       vcm_table_name(table), len, &pa, &table->geo.last_pa);
	return -ERANGE;
}

/**
 * vcm_table_warn() - a driver did not unmap what it had mapped
 * @table: the table
 * @addr: first device address
 * @len: bytes that were to be unmapped
 * @unmapped: bytes that were
 */
void vcm_table_warn(struct vcm_table *table, dma_addr_t addr, size_t len,
		    size_t unmapped)
{
	WARN_ONCE(1, "vcm: %s: unmapped %zu of %zu bytes at %pad\n",
		  vcm_table_name(table), unmapped, len, &addr);
}

/* After the page in @pages[0]: those that can be mapped in one list with it. */
static unsigned int vcm_table_list(const struct vcm_table *table,
				   dma_addr_t addr, struct vcm_phys_iter *iter,
				   phys_addr_t *pages)
{
	const u64 granule = BIT_ULL(__ffs(table->geo.pgsizes));
	const phys_addr_t last_pa = table->geo.last_pa;
	struct vcm_phys_iter next = *iter;
	unsigned int nr = 1;

	if (!table->ops->map_list ||
	    !vcm_table_fits(addr, pages[0], granule, granule, last_pa))
		return nr;
	while (nr < VCM_LIST &&
	       vcm_phys_iter_next(&next, &pages[nr]) == granule &&
	       vcm_table_fits(addr, pages[nr], granule, granule, last_pa)) {
		*iter = next;
		nr++;
	}
	return nr;
}

/**
 * vcm_table_map_runs() - map a piece whose memory comes in several runs
 * @table: the table
 * @piece: the piece
 * @grants: with which rights and cacheability
 * @gfp: how to allocate
 * @done: how many bytes are mapped, also after an error
 *
 * Context: May sleep. The caller holds &vcm.lock.
 * Return: 0, or an errno.
 */
int vcm_table_map_runs(struct vcm_table *table, const struct vcm_piece *piece,
		       u32 grants, gfp_t gfp, size_t *done)
{
	const u64 granule = BIT_ULL(__ffs(table->geo.pgsizes));
	phys_addr_t pages[VCM_LIST];
	struct vcm_phys_iter iter = vcm_piece_iter(piece);
	size_t len, mapped;
	int ret = 0;

	while (!ret && (len = vcm_phys_iter_next(&iter, &pages[0]))) {
		dma_addr_t addr = vcm_piece_addr(piece) + *done;
		unsigned int nr = 1;

		mapped = 0;
		if (len == granule)
			nr = vcm_table_list(table, addr, &iter, pages);
		if (nr > 1)
			ret = table->ops->map_list(table, addr, pages, nr,
						   grants, gfp, &mapped);
		else
			ret = vcm_table_map_run(table, addr, pages[0], len,
						grants, gfp, &mapped);
		*done += ret ? mapped : nr * len;
	}
	return ret;
}

/**
 * vcm_table_map() - map a piece of a reservation into a table
 * @table: the table
 * @piece: the piece
 * @attr: attributes of the reservation; the table may grant less
 * @gfp: how to allocate
 * @left: where to say that undoing failed: bytes that a unit may still reach
 *        after an error, untouched otherwise
 *
 * Context: May sleep. The caller holds &vcm.lock.
 * Return: 0, or an errno with nothing mapped.
 */
int vcm_table_map(struct vcm_table *table, const struct vcm_piece *piece,
		  u32 attr, gfp_t gfp, size_t *left)
{
	return __vcm_table_map(table, piece, attr, gfp, left);
}

/**
 * vcm_table_add() - give a context one more table
 * @vcm: the context
 * @table: the table, which nobody walks yet
 * @rights: what it is to grant at most
 *
 * Context: The caller holds &vcm.lock for writing, or nobody else knows @vcm.
 */
void vcm_table_add(struct vcm *vcm, struct vcm_table *table, u32 rights)
{
	table->vcm = vcm;
	table->rights = rights;
	INIT_LIST_HEAD(&table->walkers);
	list_add_tail(&table->node, &vcm->tables);
}

static struct vcm_walker *vcm_table_find_walker(struct vcm_table *table,
						struct vcm_iommu *unit)
{
	struct vcm_walker *walker;

	list_for_each_entry(walker, &table->walkers, node)
		if (walker->unit == unit)
			return walker;
	return NULL;
}

/**
 * vcm_table_add_walker() - count one more association of a unit on a table
 * @table: the table
 * @unit: the unit; its reference stays the caller's
 *
 * Context: May sleep. The caller holds &vcm.lock for writing.
 * Return: the walker, or ERR_PTR(-ENOMEM).
 */
struct vcm_walker *vcm_table_add_walker(struct vcm_table *table,
					struct vcm_iommu *unit)
{
	struct vcm_walker *walker;

	lockdep_assert_held_write(&table->vcm->lock);

	walker = vcm_table_find_walker(table, unit);
	if (!walker) {
		walker = kzalloc(sizeof(*walker), GFP_KERNEL);
		if (!walker)
			return ERR_PTR(-ENOMEM);
		/* get_unit() has just run, so the module is there. */
		__module_get(unit->ops->owner);
		walker->unit = vcm_iommu_get(unit);
		walker->table = table;
		list_add_tail(&walker->node, &table->walkers);
	}
	walker->users++;
	return walker;
}

/**
 * vcm_table_put_walker() - undo vcm_table_add_walker()
 * @walker: the walker
 *
 * Context: May sleep. The caller holds &vcm.lock for writing.
 */
void vcm_table_put_walker(struct vcm_walker *walker)
{
	struct module *owner = walker->unit->ops->owner;

	lockdep_assert_held_write(&walker->table->vcm->lock);

	if (--walker->users)
		return;
	WARN_ON_ONCE(walker->active);
	list_del(&walker->node);
	vcm_iommu_put(walker->unit);
	module_put(owner);
	kfree(walker);
}

/**
 * vcm_tables_get_geometry() - what all tables of a context can express
 * @vcm: the context
 * @usable: where to put it: the window is the intersection; the lowest bit of
 *          pgsizes is the page size that every table can do, the higher ones
 *          are the blocks that at least one can
 *
 * Context: The caller holds &vcm.lock.
 */
void vcm_tables_get_geometry(struct vcm *vcm, struct vcm_geometry *usable)
{
	struct vcm_table *table;
	unsigned long granule = 0;

	lockdep_assert_held(&vcm->lock);

	*usable = (struct vcm_geometry){
		.first = vcm->start, .last = vcm->last,
	};
	list_for_each_entry(table, &vcm->tables, node) {
		usable->first = max(usable->first, table->geo.first);
		usable->last = min(usable->last, table->geo.last);
		usable->pgsizes |= table->geo.pgsizes;
		granule = max(granule, BIT(__ffs(table->geo.pgsizes)));
	}
	if (granule)
		usable->pgsizes &= ~(granule - 1);
	else
		usable->pgsizes = VCM_USUAL_PGSIZES;
}

/**
 * vcm_get_num_tables() - how many page tables does a context have?
 * @vcm: the context
 *
 * 0 while no device is associated, 1 if every unit shares, more if the context
 * is mirrored. A context that is made around a table has one from the beginning.
 *
 * Context: May sleep.
 * Return: the number; 0 for a bad pointer.
 */
unsigned int vcm_get_num_tables(struct vcm *vcm)
{
	unsigned int nr;

	if (IS_ERR_OR_NULL(vcm))
		return 0;
	down_read(&vcm->lock);
	nr = list_count_nodes(&vcm->tables);
	up_read(&vcm->lock);
	return nr;
}
EXPORT_SYMBOL_GPL(vcm_get_num_tables);

/* Does a unit walk a table that is further up in the list as well? */
static bool vcm_is_counted(struct vcm *vcm, const struct vcm_walker *walker)
{
	struct vcm_walker *other;
	struct vcm_table *table;

	list_for_each_entry(table, &vcm->tables, node) {
		if (table == walker->table)
			return false;
		list_for_each_entry(other, &table->walkers, node)
			if (other->unit == walker->unit)
				return true;
	}
	return false;
}

/**
 * vcm_get_num_units() - how many IOMMUs are the devices of a context behind?
 * @vcm: the context
 *
 * For those who show it to people: a consumer need not know.
 *
 * Context: May sleep.
 * Return: the number; 0 for a bad pointer.
 */
unsigned int vcm_get_num_units(struct vcm *vcm)
{
	struct vcm_walker *walker;
	struct vcm_table *table;
	unsigned int nr = 0;

	if (IS_ERR_OR_NULL(vcm))
		return 0;
	down_read(&vcm->lock);
	list_for_each_entry(table, &vcm->tables, node)
		list_for_each_entry(walker, &table->walkers, node)
			nr += !vcm_is_counted(vcm, walker);
	up_read(&vcm->lock);
	return nr;
}
EXPORT_SYMBOL_GPL(vcm_get_num_units);

/**
 * vcm_dev_addr_to_phys_addr() - which memory does a device reach at an address?
 * @vcm: the context
 * @addr: device address
 * @pa: where to put the physical address
 *
 * Asks the page tables, not the books. All tables of a context say the same, or
 * nothing if their devices may not do what is granted there, so the first that
 * maps the address will do. Nothing is backed or unbacked meanwhile: reading an
 * entry must not meet the page that held it being freed.
 *
 * Context: May sleep. Takes &vcm.lock for writing.
 * Return: 0; -ENOENT if nothing is mapped there; -ENODEV if the context has no
 * table to ask, because no device is associated; -EINVAL for a bad pointer.
 */
int vcm_dev_addr_to_phys_addr(struct vcm *vcm, dma_addr_t addr,
			      phys_addr_t *pa)
{
	struct vcm_table *table;
	int ret = -ENODEV;

	if (IS_ERR_OR_NULL(vcm) || !pa)
		return -EINVAL;
	down_write(&vcm->lock);
	list_for_each_entry(table, &vcm->tables, node) {
		ret = table->ops->lookup(table, addr, pa);
		if (ret != -ENOENT)
			break;
	}
	up_write(&vcm->lock);
	return ret;
}
EXPORT_SYMBOL_GPL(vcm_dev_addr_to_phys_addr);
