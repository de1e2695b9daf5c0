// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: backing.
 *
 * Backing joins a reservation, memory, and every table of the context: all of
 * them or none. It claims the reservation, writes the tables without a lock
 * that others would wait for, and publishes the outcome last.
 *
 * What can go wrong while undoing is one thing only, a unit that does not
 * answer a flush. It may still reach the memory, so the memory is kept: the
 * reservation is stuck until vcm_unback() has seen every flush, or the unit
 * is gone.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/device.h>
#include <linux/export.h>
#include <linux/printk.h>
#include <linux/sched.h>

#include <trace/events/vcm.h>

#include "vcm_internal.h"

static const struct vcm_table *vcm_first_liar(struct vcm *vcm, dma_addr_t addr,
					      const phys_addr_t *want)
{
	struct vcm_table *table;
	phys_addr_t pa;

	list_for_each_entry(table, &vcm->tables, node) {
		int ret = table->ops->lookup(table, addr, &pa);

		if (want ? ret || pa != *want : ret != -ENOENT)
			return table;
	}
	return NULL;
}

/* Do the tables say what the books say? Both ends of every run will do. */
static void vcm_back_verify(struct vcm *vcm, dma_addr_t addr,
			    struct vcm_phys *phys, bool mapped)
{
	unsigned int chunk = 0;
	phys_addr_t pa;
	size_t len;

	if (!IS_ENABLED(CONFIG_VCM_DEBUG))
		return;
	while ((len = vcm_phys_next_run(phys, &chunk, &pa))) {
		phys_addr_t end = pa + len - 1;

		WARN_ON_ONCE(vcm_first_liar(vcm, addr, mapped ? &pa : NULL));
		addr += len;
		WARN_ON_ONCE(vcm_first_liar(vcm, addr - 1,
					    mapped ? &end : NULL));
	}
}

/* Unmap from every table before @end, or from all if @end is NULL. */
static int vcm_tables_unmap(struct vcm *vcm, struct vcm_table *end,
			    dma_addr_t addr, size_t len)
{
	struct vcm_table *table;
	int ret = 0;

	list_for_each_entry(table, &vcm->tables, node) {
		int err;

		if (table == end)
			break;
		err = vcm_table_unmap(table, addr, len);
		ret = ret ?: err;
	}
	return ret;
}

/* Map into every table, or into none; *@left as for vcm_table_map(). */
static int vcm_tables_map(struct vcm *vcm, dma_addr_t addr,
			  struct vcm_phys *phys, u32 attr, size_t *left)
{
	struct vcm_table *table;
	int ret;

	list_for_each_entry(table, &vcm->tables, node) {
		ret = vcm_table_map(table, addr, phys, attr, left);
		if (!ret)
			continue;
		if (vcm_tables_unmap(vcm, table, addr, phys->len))
			*left = phys->len;
		return ret;
	}
	return 0;
}

/* Publish what came of it. Who is idle uses no memory any more. */
static void vcm_back_settle(struct vcm_res *res, struct vcm_phys *phys,
			    enum vcm_res_state state)
{
	bool idle = state == VCM_RES_IDLE;

	vcm_res_publish(res, idle ? NULL : phys, state);
	if (idle)
		refcount_dec(&phys->users);
}

/**
 * vcm_back() - make memory visible to the devices of a context
 * @res: the reservation
 * @phys: the allocation; may be shorter than @res, and may back any number of
 *        other reservations
 *
 * From here on, every device that is active on the context reaches @phys at
 * the address of @res, with the rights of @res; devices that become active
 * later do, too. If the memory decides where it is seen, as it does in a
 * one-to-one context, @res has its address from now on until vcm_unback().
 *
 * Context: May sleep.
 * Return: 0; or with nothing changed -EINVAL for a bad pointer, -EACCES if @res
 * grants neither VCM_READ nor VCM_WRITE, -ENOSPC if @phys is longer than @res,
 * -EBUSY if @res is backed, or the address that the memory decides on is
 * reserved, -ENOENT if it is unreserved, -ERANGE if a unit cannot reach the
 * memory, or not at this address, or it does not come in whole pages of that
 * unit, -EOPNOTSUPP if a unit cannot express the rights, -ENOMEM, or what the
 * unit's driver says. -EIO if a unit did not answer when the call was
 * undone; then the reservation counts as backed until vcm_unback() succeeds.
 */
int vcm_back(struct vcm_res *res, struct vcm_phys *phys)
{
	size_t left = 0;
	struct vcm *vcm;
	int ret;

	if (IS_ERR_OR_NULL(res) || IS_ERR_OR_NULL(phys))
		return -EINVAL;
	if (!(res->attr & (VCM_READ | VCM_WRITE)))
		return -EACCES;
	if (phys->len > vcm_res_len(res))
		return -ENOSPC;
	vcm = res->vcm;

	down_read(&vcm->lock);
	ret = vcm_res_claim(res, BIT(VCM_RES_IDLE));
	if (ret < 0)
		goto unlock;
	refcount_inc(&phys->users);

	ret = vcm_res_place(res, phys);
	if (!ret)
		ret = vcm_tables_map(vcm, vcm_res_addr(res), phys, res->attr,
				     &left);
	if (!ret) {
		vcm_back_verify(vcm, vcm_res_addr(res), phys, true);
		vcm_back_settle(res, phys, VCM_RES_BACKED);
	} else if (left) {
		vcm_back_settle(res, phys, VCM_RES_STUCK);
		ret = -EIO;
	} else {
		vcm_back_settle(res, phys, VCM_RES_IDLE);
	}
unlock:
	up_read(&vcm->lock);
	trace_vcm_back(vcm->name, vcm_res_addr(res), vcm_res_len(res), ret);
	return ret;
}
EXPORT_SYMBOL_GPL(vcm_back);

static int vcm_tables_flush(struct vcm *vcm, dma_addr_t addr, size_t len)
{
	struct vcm_table *table;
	int ret = 0;

	list_for_each_entry(table, &vcm->tables, node) {
		int err = vcm_table_flush(table, addr, len);

		ret = ret ?: err;
	}
	return ret;
}

/**
 * vcm_unback() - take memory away from the devices of a context
 * @res: the reservation
 *
 * When it returns 0, no device reaches the memory through @res any more: the
 * entries are gone from every table, and every unit has forgotten them.
 *
 * Context: May sleep.
 * Return: 0; -EINVAL for a bad pointer; -ENOENT if nothing backs @res; -EBUSY
 * while another call backs or unbacks it. -EIO if a unit did not answer: the
 * entries are gone, but @res and its memory stay in use, as that unit may
 * still reach it; call again, or remove the unit or its devices first.
 */
int vcm_unback(struct vcm_res *res)
{
	struct vcm_phys *phys;
	struct vcm *vcm;
	int ret;

	if (IS_ERR_OR_NULL(res))
		return -EINVAL;
	vcm = res->vcm;

	down_read(&vcm->lock);
	ret = vcm_res_claim(res, BIT(VCM_RES_BACKED) | BIT(VCM_RES_STUCK));
	if (ret < 0)
		goto unlock;
	phys = res->phys;
	if (ret == VCM_RES_BACKED)
		ret = vcm_tables_unmap(vcm, NULL, vcm_res_addr(res), phys->len);
	else
		ret = vcm_tables_flush(vcm, vcm_res_addr(res), phys->len);
	vcm_back_verify(vcm, vcm_res_addr(res), phys, false);
	vcm_back_settle(res, phys, ret ? VCM_RES_STUCK : VCM_RES_IDLE);
unlock:
	up_read(&vcm->lock);
	trace_vcm_unback(vcm->name, vcm_res_addr(res), vcm_res_len(res), ret);
	return ret;
}
EXPORT_SYMBOL_GPL(vcm_unback);

/**
 * vcm_get_physmem_from_res() - what backs a reservation?
 * @res: the reservation
 *
 * Context: Any.
 * Return: the allocation, without a reference: it stays for as long as the
 * caller keeps @res backed; ERR_PTR(-ENOENT) if nothing backs it,
 * ERR_PTR(-EINVAL) for a bad pointer.
 */
struct vcm_phys *vcm_get_physmem_from_res(struct vcm_res *res)
{
	if (IS_ERR_OR_NULL(res))
		return ERR_PTR(-EINVAL);
	return READ_ONCE(res->phys) ?: ERR_PTR(-ENOENT);
}
EXPORT_SYMBOL_GPL(vcm_get_physmem_from_res);

/**
 * vcm_translate() - the same byte in another context
 * @src: a context
 * @addr: device address in @src
 * @dst: another context, or the same
 * @out: where to put the device address in @dst
 *
 * If @dst maps the byte more than once, the mapping made first is meant.
 * Costs O(log n), and a step for each mapping of that very byte.
 *
 * Context: Any but interrupts.
 * Return: 0; -ENOENT if nothing backs @addr, or @dst does not map the byte;
 * -EINVAL for a bad pointer.
 */
int vcm_translate(struct vcm *src, dma_addr_t addr, struct vcm *dst,
		  dma_addr_t *out)
{
	struct vcm_res *from;
	int ret = -ENOENT;
	u64 off;

	if (IS_ERR_OR_NULL(src) || IS_ERR_OR_NULL(dst) || !out)
		return -EINVAL;
	from = vcm_get_res(src, addr);
	if (IS_ERR(from))
		return PTR_ERR(from);

	/* While the lock is held, what backs the reservation stays. */
	spin_lock(&src->res_lock);
	off = (u64)addr - vcm_res_addr(from);
	if (from->phys && off < from->phys->len)
		ret = vcm_phys_find_addr(from->phys, off, dst, out);
	spin_unlock(&src->res_lock);
	vcm_res_put(from);
	return ret;
}
EXPORT_SYMBOL_GPL(vcm_translate);

static bool vcm_res_is_backed(const struct vcm_res *res)
{
	return READ_ONCE(res->state) == VCM_RES_BACKED;
}

/*
 * The next reservation that is mapped. Nobody can back, unback or unreserve
 * while &vcm.lock is held for writing, but idle ones come and go.
 */
static struct vcm_res *vcm_next_backed(struct vcm *vcm, struct vcm_res *res)
{
	lockdep_assert_held_write(&vcm->lock);

	do {
		res = vcm_get_next_res(vcm, res);
	} while (res && !vcm_res_is_backed(res));
	return res;
}

/**
 * vcm_back_empty() - unmap what the context maps from one of its tables
 * @vcm: the context
 * @table: the table, which no unit is pointed at any more
 * @end: where to stop, NULL for everything
 *
 * Context: May sleep. The caller holds &vcm.lock for writing.
 */
void vcm_back_empty(struct vcm *vcm, struct vcm_table *table,
		    struct vcm_res *end)
{
	struct vcm_res *res;

	for (res = vcm_next_backed(vcm, NULL); res && res != end;
	     res = vcm_next_backed(vcm, res)) {
		vcm_table_unmap(table, vcm_res_addr(res), res->phys->len);
		cond_resched();
	}
	vcm_res_put(res);
}

/**
 * vcm_back_replay() - bring a new table up to date
 * @vcm: the context
 * @table: the table; empty, and no unit is pointed at it yet
 * @dev: the device that it is made for, for the message
 *
 * Context: May sleep. The caller holds &vcm.lock for writing.
 * Return: 0, or an errno with the table empty again.
 */
int vcm_back_replay(struct vcm *vcm, struct vcm_table *table,
		    struct device *dev)
{
	struct vcm_res *res;
	size_t left = 0;

	for (res = vcm_next_backed(vcm, NULL); res;
	     res = vcm_next_backed(vcm, res)) {
		dma_addr_t addr = vcm_res_addr(res);
		int ret = vcm_table_map(table, addr, res->phys, res->attr,
					&left);

		if (ret) {
			dev_err(dev, "vcm: %s: cannot map what is at %pad (%d)\n",
				vcm->name, &addr, ret);
			vcm_back_empty(vcm, table, res);
			vcm_res_put(res);
			return ret;
		}
		cond_resched();
	}
	return 0;
}
