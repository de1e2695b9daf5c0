// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: moving memory that is mapped.
 *
 * Every allocation knows its mappers. All of them are claimed; the mappings are
 * taken out of every table of every context; the allocation and its new memory
 * exchange their chunks; the mappings are put in again, at the same addresses.
 * The allocation is the same object before and after.
 *
 * In between no device reaches the memory, neither the old nor the new. That
 * is what makes it all or nothing: no write can be lost, and no two devices
 * ever see different memory. If anything fails, the old memory is put back, as
 * mm/vcm_remap.c does and with the same guarantees.
 *
 * For the locks see DOC: Locking.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/export.h>
#include <linux/interval_tree.h>
#include <linux/printk.h>

#include "vcm_internal.h"

/*
 * Claim the mappers in one context. Whoever began to back or to unback is done,
 * because &vcm.lock is held for writing.
 */
static int vcm_migrate_claim_in(struct vcm_phys *phys, struct vcm *vcm)
{
	struct vcm_piece *piece;
	int ret = 0;

	lockdep_assert_held_write(&vcm->lock);

	spin_lock(&vcm->res_lock);
	spin_lock(&phys->lock);
	vcm_phys_for_each_piece(phys, piece) {
		struct vcm_res *res = piece->res;

		if (res->vcm != vcm)
			continue;
		if (res->state == VCM_RES_BACKED)
			res->state = VCM_RES_MIGRATING;
		else if (res->state == VCM_RES_STUCK)
			ret = -EIO;
	}
	spin_unlock(&phys->lock);
	spin_unlock(&vcm->res_lock);
	return ret;
}

/* All mappers; from here on nobody maps the memory, and nobody unmaps it. */
static int vcm_migrate_claim(struct vcm_phys *phys)
{
	unsigned int pins;
	struct vcm *vcm;
	int ret = 0;

	lockdep_assert_held(&vcm_topology_lock);

	refcount_inc(&phys->users);
	spin_lock(&phys->lock);
	WRITE_ONCE(phys->moving, true);
	pins = phys->pins;
	spin_unlock(&phys->lock);
	if (pins) {
		pr_err("memory cannot be moved: its dma-buf is attached to or mapped in %u places\n",
		       pins);
		return -EBUSY;
	}

	list_for_each_entry(vcm, &vcm_contexts, node) {
		int err;

		down_write(&vcm->lock);
		err = vcm_migrate_claim_in(phys, vcm);
		up_write(&vcm->lock);
		ret = ret ?: err;
	}
	return ret;
}

/* Whoever maps the memory goes on as before: the new memory must allow it. */
static int vcm_migrate_fits(struct vcm_phys *phys, struct vcm_phys *new)
{
	lockdep_assert_held(&vcm_topology_lock);

	if (RB_EMPTY_ROOT(&phys->mappers.rb_root) ||
	    !((phys->attr ^ new->attr) & VCM_CACHE_MASK))
		return 0;
	pr_err("memory that is %s, and mapped, cannot move to memory that is %s\n",
	       vcm_cache_name(phys->attr), vcm_cache_name(new->attr));
	return -EINVAL;
}

static void vcm_migrate_release_in(struct vcm_phys *phys, struct vcm *vcm)
{
	struct vcm_piece *piece;

	spin_lock(&vcm->res_lock);
	spin_lock(&phys->lock);
	vcm_phys_for_each_piece(phys, piece) {
		struct vcm_res *res = piece->res;

		if (res->vcm != vcm)
			continue;
		if (res->state == VCM_RES_MIGRATING)
			res->state = VCM_RES_BACKED;
		/* One piece is enough; one that was stuck before is not ours. */
		if (res->state == VCM_RES_BACKED && piece->stuck)
			res->state = VCM_RES_STUCK;
	}
	spin_unlock(&phys->lock);
	spin_unlock(&vcm->res_lock);
}

static void vcm_migrate_release(struct vcm_phys *phys)
{
	struct vcm *vcm;

	list_for_each_entry(vcm, &vcm_contexts, node)
		vcm_migrate_release_in(phys, vcm);

	WRITE_ONCE(phys->moving, false);
	refcount_dec(&phys->users);
}

/* Before @end, or all if @end is NULL. */
static int vcm_migrate_unmap(struct vcm_phys *phys, struct vcm_piece *end)
{
	struct vcm_piece *piece;
	int ret = 0;

	vcm_phys_for_each_piece(phys, piece) {
		struct vcm *vcm = piece->res->vcm;
		int err;

		if (piece == end)
			break;
		down_read(&vcm->lock);
		err = vcm_piece_unmap(piece);
		up_read(&vcm->lock);
		ret = ret ?: err;
	}
	return ret;
}

/* All or none; *@left as for vcm_table_map(). */
static int vcm_migrate_map(struct vcm_phys *phys, size_t *left)
{
	struct vcm_piece *piece;
	int ret;

	vcm_phys_for_each_piece(phys, piece) {
		struct vcm *vcm = piece->res->vcm;

		down_read(&vcm->lock);
		ret = vcm_piece_map(piece, GFP_KERNEL, left);
		up_read(&vcm->lock);
		if (!ret)
			continue;
		if (vcm_migrate_unmap(phys, piece))
			*left = phys->len;
		return ret;
	}
	return 0;
}

/* What cannot be mapped again is stuck: in no table, and its memory stays. */
static int vcm_migrate_put_back(struct vcm_phys *phys)
{
	struct vcm_piece *piece;
	int ret = 0;

	vcm_phys_for_each_piece(phys, piece) {
		struct vcm *vcm = piece->res->vcm;
		dma_addr_t addr = vcm_piece_addr(piece);
		size_t left = 0;

		down_read(&vcm->lock);
		if (vcm_piece_map(piece, VCM_GFP_PUT_BACK, &left)) {
			pr_err("%s: cannot map again what was at %pad: unback it\n",
			       vcm->name, &addr);
			spin_lock(&vcm->res_lock);
			piece->stuck = true;
			spin_unlock(&vcm->res_lock);
			ret = -EIO;
		}
		up_read(&vcm->lock);
	}
	return ret;
}

/*
 * All mappers are claimed. On success @phys has the memory of @new, and the
 * other way round; after an error it has its own.
 */
static int vcm_migrate_to(struct vcm_phys *phys, struct vcm_phys *new,
			  u32 flags)
{
	size_t left = 0;
	int ret = 0;

	if (flags & VCM_NO_WRITES)
		ret = vcm_phys_copy(new, 0, phys, 0, phys->len);
	if (ret)
		return ret;
	ret = vcm_migrate_unmap(phys, NULL);
	if (!ret && !(flags & VCM_NO_WRITES))
		ret = vcm_phys_copy(new, 0, phys, 0, phys->len);
	if (ret)
		goto put_back;

	vcm_phys_swap(phys, new);
	ret = vcm_migrate_map(phys, &left);
	if (!ret)
		return 0;
	vcm_phys_swap(phys, new);
put_back:
	if (vcm_migrate_put_back(phys))
		ret = -EIO;
	if (!left)
		return ret;
	/* A unit may go on with the new memory until it has been flushed. */
	new->limbo = phys->limbo;
	phys->limbo = new;
	return -EIO;
}

/**
 * vcm_phys_migrate() - move an allocation to other memory
 * @phys: the allocation; the caller sees to it that nobody frees it
 * @type: where the new memory comes from, as for vcm_phys_alloc(); it may be
 *        the type that @phys has
 * @attr: of the new memory, as for vcm_phys_alloc(), without VCM_ZERO; without
 *        a cacheability it gets that of the old
 * @flags: VCM_NO_WRITES, or 0
 *
 * The contents are copied, and every reservation that maps any of it, in
 * whatever context, maps the new memory at the same device address. When it
 * returns 0, no device reaches the old memory any more, and it is free. @phys
 * stays the same object: its length, mappers and users stay, its chunks and
 * its memory type are other ones.
 *
 * Devices need not be quiesced. While it runs there is a time in which accesses
 * to the memory are refused, whether they read or write. It lasts for as long
 * as the copy and the mapping take: no write is lost, and none is torn. In a
 * context of the kernel a refused access is a bad pointer, so the CPU must not
 * use the memory there meanwhile; a process waits. A one-to-one mapping cannot
 * move. With VCM_NO_WRITES the caller promises that no device writes to the
 * memory until the call returns. The copy is then made while all is still
 * mapped, so devices that read lose only the time of the mapping. If one writes
 * all the same, what it writes may be lost.
 *
 * Calls that back or unback the reservations meanwhile, or use @phys for
 * another one, wait; so do all that associate or activate any device.
 *
 * Context: May sleep. Costs a look at every context.
 * Return: 0; or with all as it was -EINVAL for a bad pointer, attribute or
 * flag, or, with a message, for another cacheability than its mappers have;
 * -EBUSY, and a message, if somebody is attached to a dma-buf of @phys, or has it
 * mapped; -EOPNOTSUPP if @phys is somebody else's memory, the memory type has no
 * blocks as wanted, or not for this length, or the CPU has no map of the memory;
 * -ENOMEM; -ERANGE if a unit
 * cannot reach the new memory, or what else its driver says. -EIO if a unit did
 * not answer or owes an answer to vcm_unback(): all is mapped as it was, and
 * memory which that unit may still reach is kept until @phys is freed. Also
 * -EIO, and a message, if a driver would not map again what it had mapped: that
 * reservation is in no table, and to be given to vcm_unback().
 */
int vcm_phys_migrate(struct vcm_phys *phys, struct vcm_memtype *type, u32 attr,
		     u32 flags)
{
	struct vcm_phys *new;
	int ret = -EOPNOTSUPP;

	if (IS_ERR_OR_NULL(phys) || flags & ~VCM_NO_WRITES || attr & VCM_ZERO)
		return -EINVAL;
	if (phys->foreign) {
		pr_err("memory of the kind \"%s\" is somebody else's and cannot be moved\n",
		       phys->foreign->name);
		return -EOPNOTSUPP;
	}
	if (!(attr & VCM_CACHE_MASK))
		attr |= phys->attr & (VCM_UNCACHED | VCM_WC);
	new = vcm_phys_alloc(type, phys->len, attr);
	if (IS_ERR(new))
		return PTR_ERR(new);
	if (new->len != phys->len)
		goto free;

	mutex_lock(&vcm_topology_lock);
	down_write(&vcm_copy_lock);
	ret = vcm_migrate_claim(phys);
	if (!ret)
		ret = vcm_migrate_fits(phys, new);
	if (!ret)
		ret = vcm_migrate_to(phys, new, flags);
	if (phys->limbo == new)
		new = NULL;
	vcm_migrate_release(phys);
	up_write(&vcm_copy_lock);
	mutex_unlock(&vcm_topology_lock);
free:
	if (new)
		vcm_phys_free(new);
	return ret;
}
EXPORT_SYMBOL_GPL(vcm_phys_migrate);
