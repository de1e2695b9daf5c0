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

#include <linux/align.h>
#include <linux/device.h>
#include <linux/export.h>
#include <linux/printk.h>
#include <linux/sched.h>

#include <trace/events/vcm.h>

#include "vcm_internal.h"

/* @attr: of what is mapped at @addr, 0 if nothing is. */
static const struct vcm_table *vcm_first_liar(struct vcm *vcm, dma_addr_t addr,
					      phys_addr_t want, u32 attr)
{
	struct vcm_table *table;
	phys_addr_t pa;

	list_for_each_entry(table, &vcm->tables, node) {
		int ret = table->ops->lookup(table, addr, &pa);

		if (vcm_table_has(table, attr) ? ret || pa != want :
						 ret != -ENOENT)
			return table;
	}
	return NULL;
}

/* Do the tables say what the books say? Both ends of every run will do. */
static void vcm_back_verify(struct vcm *vcm, const struct vcm_piece *piece,
			    u32 attr)
{
	dma_addr_t addr = vcm_piece_addr(piece);
	struct vcm_phys_iter iter;
	phys_addr_t pa;
	size_t len;

	if (!IS_ENABLED(CONFIG_VCM_DEBUG))
		return;
	iter = vcm_piece_iter(piece);
	while ((len = vcm_phys_iter_next(&iter, &pa))) {
		WARN_ON_ONCE(vcm_first_liar(vcm, addr, pa, attr));
		addr += len;
		WARN_ON_ONCE(vcm_first_liar(vcm, addr - 1, pa + len - 1, attr));
	}
}

/* In a context with one table there is nothing to be undone. */
static noinline void vcm_piece_undo(const struct vcm_piece *piece,
				    struct vcm_table *table, size_t *left)
{
	list_for_each_entry_continue_reverse(table, &piece->res->vcm->tables,
					     node)
		if (vcm_table_unmap(table, vcm_piece_addr(piece),
				    vcm_piece_len(piece), piece->res->attr))
			*left = vcm_piece_len(piece);
}

static __always_inline int __vcm_piece_map(const struct vcm_piece *piece,
					   gfp_t gfp, size_t *left)
{
	struct vcm *vcm = piece->res->vcm;
	struct vcm_table *table;
	int ret;

	list_for_each_entry(table, &vcm->tables, node) {
		ret = __vcm_table_map(table, piece, piece->res->attr, gfp,
				      left);
		if (unlikely(ret)) {
			vcm_piece_undo(piece, table, left);
			return ret;
		}
	}
	vcm_back_verify(vcm, piece, piece->res->attr);
	return 0;
}

/**
 * vcm_piece_map() - put a piece into every table, or into none
 * @piece: the piece; its reservation is claimed
 * @gfp: how to allocate
 * @left: as for vcm_table_map()
 *
 * Context: May sleep. The caller holds &vcm.lock.
 * Return: 0, or an errno with nothing mapped.
 */
int vcm_piece_map(const struct vcm_piece *piece, gfp_t gfp, size_t *left)
{
	return __vcm_piece_map(piece, gfp, left);
}

/**
 * vcm_piece_unmap() - take a piece out of every table
 * @piece: the piece; its reservation is claimed
 *
 * Context: May sleep. The caller holds &vcm.lock.
 * Return: 0, or -EIO if a unit did not answer: nothing is mapped any more, but
 * that unit may go on using what it cached.
 */
int vcm_piece_unmap(const struct vcm_piece *piece)
{
	struct vcm *vcm = piece->res->vcm;
	struct vcm_table *table;
	int ret = 0;

	list_for_each_entry(table, &vcm->tables, node) {
		int err = vcm_table_unmap(table, vcm_piece_addr(piece),
					  vcm_piece_len(piece),
					  piece->res->attr);

		ret = ret ?: err;
	}
	vcm_back_verify(vcm, piece, 0);
	return ret;
}

/* Whoever moves memory holds it from end to end. */
static noinline void vcm_back_wait(void)
{
	mutex_lock(&vcm_topology_lock);
	mutex_unlock(&vcm_topology_lock);
}

static __always_inline int vcm_back_claim(struct vcm_res *res,
					  unsigned long from,
					  struct vcm_phys *phys)
{
	struct vcm *vcm = res->vcm;
	int ret;

	for (;;) {
		down_read(&vcm->lock);
		ret = vcm_res_claim(res, from);
		if (ret >= 0 && phys && unlikely(!vcm_phys_use(phys))) {
			vcm_res_publish(res, ret);
			ret = -EAGAIN;
		}
		if (likely(ret >= 0))
			return ret;
		up_read(&vcm->lock);
		if (ret != -EAGAIN)
			return ret;
		vcm_back_wait();
	}
}

/**
 * vcm_back_begin() - claim a reservation, and memory for it
 * @res: the reservation
 * @from: the states that it may be in, a mask of BIT(enum vcm_res_state)
 * @phys: what it is about to be backed with, which gets a user; NULL for
 *        nothing
 *
 * What is being moved is waited for.
 *
 * Context: May sleep. Takes &vcm.lock for reading, and keeps it on success.
 * Return: the state that it was in; or an errno as vcm_res_claim() says.
 */
int vcm_back_begin(struct vcm_res *res, unsigned long from,
		   struct vcm_phys *phys)
{
	return vcm_back_claim(res, from, phys);
}

/**
 * vcm_back_allowed() - may a reservation have this memory behind it?
 * @res: the reservation
 * @phys: the memory
 * @attr: the attributes of @res, or those that it is to get
 *
 * A device gets no more than both the reservation and the memory grant.
 *
 * Context: Any.
 * Return: 0; -EACCES for access to nothing; or, with a message, -EACCES for
 * access that the memory does not grant, -EINVAL if one is MMIO and the other
 * is not.
 */
int vcm_back_allowed(struct vcm_res *res, const struct vcm_phys *phys, u32 attr)
{
	const char *name = res->vcm->name;

	if (!(attr & (VCM_READ | VCM_WRITE)))
		return -EACCES;
	if (attr & ~phys->attr & (VCM_READ | VCM_WRITE)) {
		pr_err("%s: the memory is only to be %s: no more can be granted through the reservation\n",
		       name, phys->attr & VCM_READ ? "read" : "written");
		return -EACCES;
	}
	if (!((attr ^ phys->attr) & VCM_MMIO))
		return 0;
	pr_err("%s: %s\n", name, attr & VCM_MMIO ?
	       "what is reserved with VCM_MMIO cannot be backed with RAM" :
	       "registers of a device back only what is reserved with VCM_MMIO");
	return -EINVAL;
}

/* The piece is in no table; a unit may reach @left bytes of it all the same. */
static noinline int vcm_back_failed(struct vcm_piece *piece, size_t left,
				    enum vcm_res_state was, int ret)
{
	struct vcm_res *res = piece->res;

	if (left) {
		piece->stuck = true;
		vcm_res_add_piece(piece, VCM_RES_STUCK);
		return -EIO;
	}
	vcm_phys_unuse(piece->phys);
	vcm_piece_free(piece);
	vcm_res_publish(res, was);
	return ret;
}

/* After vcm_back_begin(), and [@off, @off + @len) of @res lies inside. */
static __always_inline int vcm_back_piece(struct vcm_res *res, size_t off,
					  struct vcm_phys *phys,
					  size_t phys_off, size_t len,
					  enum vcm_res_state was)
{
	struct vcm_piece *piece;
	size_t left = 0;
	int ret;

	ret = -EBUSY;
	if (!RB_EMPTY_ROOT(&res->pieces) &&
	    vcm_res_find_piece(res, off, off + len - 1))
		goto unuse;
	ret = vcm_res_place(res, phys);
	if (ret)
		goto unuse;
	ret = -ENOMEM;
	piece = vcm_piece_new(res, off, phys, phys_off, len);
	if (!piece)
		goto unuse;

	ret = __vcm_piece_map(piece, GFP_KERNEL, &left);
	if (unlikely(ret))
		return vcm_back_failed(piece, left, was, ret);
	vcm_res_add_piece(piece, VCM_RES_BACKED);
	return 0;

unuse:
	vcm_phys_unuse(phys);
	vcm_res_publish(res, was);
	return ret;
}

/*
 * Ordinary memory, for a reservation with no wish that it cannot fulfil: there is
 * nothing to decide, and nothing to refuse. What is VCM_CACHED is no MMIO.
 */
static __always_inline bool vcm_back_is_plain(const struct vcm_phys *phys,
					      u32 attr)
{
	const u32 access = VCM_READ | VCM_WRITE;

	return phys->attr & VCM_CACHED && attr & access &&
	       !(attr & ~phys->attr & (access | VCM_MMIO | VCM_CACHE_MASK));
}

/* The same, where it has to be found out first whether it may be mapped. */
static int vcm_back_special(struct vcm_res *res, size_t off,
			    struct vcm_phys *phys, size_t phys_off, size_t len,
			    enum vcm_res_state was)
{
	int ret;

	mutex_lock(&vcm_cache_lock);
	ret = vcm_back_allowed(res, phys, res->attr) ?:
	      vcm_cache_decide(res, off, phys);
	if (!ret) {
		ret = vcm_back_piece(res, off, phys, phys_off, len, was);
	} else {
		vcm_phys_unuse(phys);
		vcm_res_publish(res, was);
	}
	mutex_unlock(&vcm_cache_lock);
	return ret;
}

static __always_inline int vcm_back_part(struct vcm_res *res, size_t off,
					 struct vcm_phys *phys, size_t phys_off,
					 size_t len, unsigned long from)
{
	struct vcm *vcm = res->vcm;
	int ret;

	ret = vcm_back_claim(res, from, phys);
	if (ret < 0)
		return ret;
	if (likely(vcm_back_is_plain(phys, res->attr)))
		ret = vcm_back_piece(res, off, phys, phys_off, len, ret);
	else
		ret = vcm_back_special(res, off, phys, phys_off, len, ret);
	up_read(&vcm->lock);
	return ret;
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
 * Return: 0; or with nothing changed -EINVAL for a bad pointer, or, with a
 * message, if @phys is MMIO and @res has no VCM_MMIO, or the other way round, or
 * if @res asks for another cacheability than @phys has or is mapped with; -EACCES
 * if @res grants neither VCM_READ nor VCM_WRITE, or what @phys does not (pages of
 * a process that were pinned to be read), -ENOSPC if @phys is longer than @res,
 * -EBUSY if @res is backed, in part or as a whole, or the address that the
 * memory decides on is reserved, -ENOENT if it is unreserved, -ERANGE if a unit
 * cannot reach the memory, or not at this address, or it does not come in whole
 * pages of that unit, -EOPNOTSUPP if a unit cannot express the rights or the
 * cacheability, -EADDRINUSE if the owner of the page table has mapped something
 * there, -ENOMEM, or what the unit's driver says. -EIO if a unit did not answer
 * when the call was undone; then the reservation counts as backed until
 * vcm_unback() succeeds.
 */
int vcm_back(struct vcm_res *res, struct vcm_phys *phys)
{
	int ret;

	if (IS_ERR_OR_NULL(res) || IS_ERR_OR_NULL(phys))
		return -EINVAL;
	if (phys->len > vcm_res_len(res))
		return -ENOSPC;
	ret = vcm_back_part(res, 0, phys, 0, phys->len, BIT(VCM_RES_IDLE));
	trace_vcm_back(res->vcm->name, vcm_res_addr(res), vcm_res_len(res),
		       ret);
	return ret;
}
EXPORT_SYMBOL_GPL(vcm_back);

/**
 * vcm_back_range() - back a part of a reservation with a part of an allocation
 * @res: the reservation
 * @res_off: where the part begins in @res, in bytes
 * @phys: the allocation
 * @phys_off: where the part begins in @phys, in bytes
 * @len: bytes; this and both offsets are multiples of vcm_get_min_page_size()
 *
 * As vcm_back(), for one *piece*. A reservation can be backed with any number
 * of pieces, of one allocation or of several, with holes or without; they must
 * not overlap. The same memory may be in several pieces. vcm_unback() removes
 * them all, as a whole. Two calls for one reservation at the same time exclude
 * each other: one of them may be told -EBUSY.
 *
 * Context: May sleep.
 * Return: 0; or with nothing changed -EINVAL for a bad pointer, no length, or
 * what is not in whole pages of the context, -ENOSPC if the part leaves @res,
 * -ERANGE if it leaves @phys, -EINVAL and -EACCES as for vcm_back(), -EBUSY if
 * it overlaps what is backed, another call backs or unbacks @res, or a unit
 * owes an answer to vcm_unback(), -EOPNOTSUPP if the memory decides where @res
 * lies: one from vcm_reserve_at() will do; and -ENOENT, -ERANGE, -EOPNOTSUPP,
 * -ENOMEM, -EIO and others as for vcm_back(). After -EIO the piece counts as
 * backed, and vcm_unback() is the only way on.
 */
int vcm_back_range(struct vcm_res *res, size_t res_off, struct vcm_phys *phys,
		   size_t phys_off, size_t len)
{
	int ret;

	if (IS_ERR_OR_NULL(res) || IS_ERR_OR_NULL(phys) || !len)
		return -EINVAL;
	if (!vcm_part_of(res_off, len, vcm_res_len(res)))
		return -ENOSPC;
	if (!vcm_part_of(phys_off, len, phys->len))
		return -ERANGE;
	/* Its memory decides where it lies: all of it, not a part. */
	if (res->floating)
		return -EOPNOTSUPP;
	/* If it grows now, the table that makes it grow will refuse. */
	if (!IS_ALIGNED(res_off | phys_off | len,
			vcm_get_min_page_size(res->vcm)))
		return -EINVAL;
	ret = vcm_back_part(res, res_off, phys, phys_off, len,
			    BIT(VCM_RES_IDLE) | BIT(VCM_RES_BACKED));
	trace_vcm_back(res->vcm->name, vcm_res_addr(res) + res_off, len, ret);
	return ret;
}
EXPORT_SYMBOL_GPL(vcm_back_range);

/*
 * The pieces from @piece on that follow each other without a hole, all mapped
 * or all stuck: one unmap and one flush do for them. Returns the next one.
 */
static struct vcm_piece *vcm_piece_run(struct vcm_piece *piece, size_t *len)
{
	size_t end = piece->off + vcm_piece_len(piece), start = piece->off;
	bool stuck = piece->stuck;

	while ((piece = vcm_next_piece(piece))) {
		if (piece->off != end || piece->stuck != stuck)
			break;
		end += vcm_piece_len(piece);
	}
	*len = end - start;
	return piece;
}

/* Out of one table; what is stuck is flushed anew. */
static __always_inline int vcm_table_unmap_run(struct vcm_table *table,
					       dma_addr_t addr, size_t len,
					       u32 attr, bool stuck)
{
	return unlikely(stuck) ? vcm_table_flush(table, addr, len) :
				 vcm_table_unmap(table, addr, len, attr);
}

static int vcm_table_unmap_many(struct vcm_table *table, struct vcm_res *res,
				u32 attr)
{
	struct vcm_piece *piece = vcm_first_piece(res);
	int ret = 0;

	while (piece) {
		dma_addr_t addr = vcm_piece_addr(piece);
		bool stuck = piece->stuck;
		size_t len;
		int err;

		piece = vcm_piece_run(piece, &len);
		err = vcm_table_unmap_run(table, addr, len, attr, stuck);
		ret = ret ?: err;
	}
	return ret;
}

/* All pieces of a reservation, mapped with @attr */
static __always_inline int __vcm_table_unmap_res(struct vcm_table *table,
						 struct vcm_res *res, u32 attr)
{
	struct vcm_piece *piece = vcm_only_piece(res);

	if (unlikely(!piece))
		return vcm_table_unmap_many(table, res, attr);
	return vcm_table_unmap_run(table, vcm_piece_addr(piece),
				   vcm_piece_len(piece), attr, piece->stuck);
}

static int vcm_table_unmap_res(struct vcm_table *table, struct vcm_res *res,
			       u32 attr)
{
	return __vcm_table_unmap_res(table, res, attr);
}

static __always_inline int __vcm_res_unmap(struct vcm_res *res)
{
	struct vcm_table *table;
	struct vcm_piece *piece;
	int ret = 0;

	list_for_each_entry(table, &res->vcm->tables, node) {
		int err = __vcm_table_unmap_res(table, res, res->attr);

		ret = ret ?: err;
	}
	if (IS_ENABLED(CONFIG_VCM_DEBUG))
		vcm_for_each_piece(res, piece)
			vcm_back_verify(res->vcm, piece, 0);
	return ret;
}

/**
 * vcm_res_unmap() - take a reservation out of every table
 * @res: the reservation, claimed
 *
 * Context: May sleep. The caller holds &vcm.lock.
 * Return: 0, or -EIO if a unit did not answer: nothing is mapped any more, but
 * that unit may go on using what it cached.
 */
int vcm_res_unmap(struct vcm_res *res)
{
	return __vcm_res_unmap(res);
}

/* Pieces of a reservation into one table, or none of them. */
static int vcm_table_map_res(struct vcm_table *table, struct vcm_res *res,
			     u32 attr, gfp_t gfp, size_t *left)
{
	struct vcm_piece *piece, *undo;
	int ret;

	vcm_for_each_piece(res, piece) {
		if (piece->stuck)
			continue;
		ret = vcm_table_map(table, piece, attr, gfp, left);
		if (ret)
			goto undo;
	}
	return 0;

undo:
	vcm_for_each_piece(res, undo) {
		if (undo == piece)
			break;
		if (!undo->stuck &&
		    vcm_table_unmap(table, vcm_piece_addr(undo),
				    vcm_piece_len(undo), attr))
			*left = vcm_piece_len(undo);
	}
	return ret;
}

/**
 * vcm_res_map() - put a reservation into every table, or into none
 * @res: the reservation, claimed, and in no table
 * @attr: with which rights
 * @gfp: how to allocate
 * @left: as for vcm_table_map()
 *
 * Context: May sleep. The caller holds &vcm.lock.
 * Return: 0, or an errno with nothing mapped.
 */
int vcm_res_map(struct vcm_res *res, u32 attr, gfp_t gfp, size_t *left)
{
	struct vcm *vcm = res->vcm;
	struct vcm_piece *piece;
	struct vcm_table *table;
	int ret;

	list_for_each_entry(table, &vcm->tables, node) {
		ret = vcm_table_map_res(table, res, attr, gfp, left);
		if (ret)
			goto undo;
	}
	vcm_for_each_piece(res, piece)
		if (!piece->stuck)
			vcm_back_verify(vcm, piece, attr);
	return 0;

undo:
	list_for_each_entry_continue_reverse(table, &vcm->tables, node)
		if (vcm_table_unmap_res(table, res, attr))
			*left = vcm_res_len(res);
	return ret;
}

/**
 * vcm_unback() - take memory away from the devices of a context
 * @res: the reservation
 *
 * When it returns 0, no device reaches the memory through @res any more: the
 * entries of all its pieces are gone from every table, and every unit has
 * forgotten them.
 *
 * Context: May sleep.
 * Return: 0; -EINVAL for a bad pointer; -ENOENT if nothing backs @res; -EBUSY
 * while another call backs or unbacks it. -EIO if a unit did not answer: the
 * entries are gone, but @res and its memory stay in use, as that unit may
 * still reach it; call again, or remove the unit or its devices first.
 */
int vcm_unback(struct vcm_res *res)
{
	struct vcm *vcm;
	int ret;

	if (IS_ERR_OR_NULL(res))
		return -EINVAL;
	vcm = res->vcm;

	ret = vcm_back_claim(res, BIT(VCM_RES_BACKED) | BIT(VCM_RES_STUCK),
			     NULL);
	if (ret < 0)
		goto trace;
	ret = __vcm_res_unmap(res);
	if (unlikely(ret))
		vcm_res_stick_pieces(res);
	else
		vcm_res_drop_pieces(res);
	up_read(&vcm->lock);
trace:
	trace_vcm_unback(vcm->name, vcm_res_addr(res), vcm_res_len(res), ret);
	return ret;
}
EXPORT_SYMBOL_GPL(vcm_unback);

/**
 * vcm_get_physmem_from_res() - what backs a reservation?
 * @res: the reservation
 *
 * Context: Any but interrupts. Takes &vcm.res_lock.
 * Return: the allocation, without a reference: it stays for as long as the
 * caller keeps @res backed; ERR_PTR(-ENOENT) if nothing backs it,
 * ERR_PTR(-ENOTUNIQ) if pieces of several allocations do, ERR_PTR(-EINVAL) for
 * a bad pointer.
 */
struct vcm_phys *vcm_get_physmem_from_res(struct vcm_res *res)
{
	struct vcm_phys *phys = ERR_PTR(-ENOENT);
	struct vcm_piece *piece;

	if (IS_ERR_OR_NULL(res))
		return ERR_PTR(-EINVAL);
	spin_lock(&res->vcm->res_lock);
	vcm_for_each_piece(res, piece) {
		if (!IS_ERR(phys) && phys != piece->phys) {
			phys = ERR_PTR(-ENOTUNIQ);
			break;
		}
		phys = piece->phys;
	}
	spin_unlock(&res->vcm->res_lock);
	return phys;
}
EXPORT_SYMBOL_GPL(vcm_get_physmem_from_res);

/**
 * vcm_translate() - the same byte in another context
 * @src: a context
 * @addr: device address in @src
 * @dst: another context, or the same
 * @out: where to put the device address in @dst
 *
 * If @dst maps the byte more than once, the answer is one of the mappings: that
 * which begins first in the memory, and of several such ones the oldest. It
 * need not be by way of the same allocation: memory is known by its physical
 * address. Costs O(log n), and a step for each mapping of that very byte.
 *
 * Context: Any but interrupts.
 * Return: 0; -ENOENT if nothing backs @addr, or @dst does not map the byte;
 * -EINVAL for a bad pointer.
 */
int vcm_translate(struct vcm *src, dma_addr_t addr, struct vcm *dst,
		  dma_addr_t *out)
{
	struct vcm_piece *piece;
	struct vcm_res *from;
	int ret = -ENOENT;
	size_t off;

	if (IS_ERR_OR_NULL(src) || IS_ERR_OR_NULL(dst) || !out)
		return -EINVAL;
	from = vcm_get_res(src, addr);
	if (IS_ERR(from))
		return PTR_ERR(from);

	/* While the lock is held, what backs the reservation stays. */
	spin_lock(&src->res_lock);
	off = (u64)addr - vcm_res_addr(from);
	piece = vcm_res_find_piece(from, off, off);
	if (piece)
		ret = vcm_phys_find_addr(piece->phys, off - piece->off +
					 piece->mapper.start, dst, out);
	spin_unlock(&src->res_lock);
	vcm_res_put(from);
	return ret;
}
EXPORT_SYMBOL_GPL(vcm_translate);

static bool vcm_res_is_backed(const struct vcm_res *res)
{
	enum vcm_res_state state = READ_ONCE(res->state);

	return state == VCM_RES_BACKED || state == VCM_RES_STUCK;
}

/*
 * The next reservation that is mapped, at least in part. Nobody can back,
 * unback or unreserve while &vcm.lock is held for writing, but idle ones come
 * and go.
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
		vcm_table_unmap_res(table, res, res->attr);
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
		int ret = vcm_table_map_res(table, res, res->attr, GFP_KERNEL,
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
