// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: a second context like the first.
 *
 * A clone has the reservations of a context, at the same addresses and with the
 * same attributes, and they are backed with the same memory. It has no device,
 * so no table is written: that comes with the first association. All that can
 * fail is done before the clone becomes a mapper of anything.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/rbtree.h>
#include <linux/sched.h>

#include "vcm_internal.h"

/* As @res is mapped now, but nobody's mapper yet. */
static int vcm_clone_pieces(struct vcm_res *to, struct vcm_res *res)
{
	struct vcm_piece *piece, *copy;

	vcm_for_each_piece(res, piece) {
		if (piece->stuck)
			continue;
		copy = vcm_piece_new(to, piece->off, piece->phys,
				     piece->mapper.start, vcm_piece_len(piece));
		if (!copy)
			return -ENOMEM;
		vcm_res_link_piece(copy);
	}
	return 0;
}

static int vcm_clone_res(struct vcm *clone, struct vcm *vcm)
{
	struct vcm_res *res, *to;
	int ret;

	lockdep_assert_held_write(&vcm->lock);

	vcm_for_each_res(vcm, res) {
		to = vcm_res_duplicate(res, clone);
		ret = PTR_ERR_OR_ZERO(to);
		if (!ret)
			ret = vcm_clone_pieces(to, res);
		if (ret) {
			vcm_res_put(res);
			return ret;
		}
		cond_resched();
	}
	return 0;
}

/* Memory does not move, because the caller holds vcm_topology_lock. */
static void vcm_clone_publish(struct vcm *clone)
{
	struct vcm_piece *piece;
	struct vcm_res *res;

	vcm_for_each_res(clone, res) {
		spin_lock(&clone->res_lock);
		vcm_for_each_piece(res, piece) {
			WARN_ON_ONCE(!vcm_phys_use(piece->phys));
			vcm_phys_add_mapper(piece);
			res->state = VCM_RES_BACKED;
		}
		spin_unlock(&clone->res_lock);
		cond_resched();
	}
}

static void vcm_clone_undo(struct vcm *clone)
{
	struct vcm_piece *piece, *next;
	struct vcm_res *res;

	vcm_for_each_res(clone, res) {
		rbtree_postorder_for_each_entry_safe(piece, next, &res->pieces,
						     node)
			vcm_piece_free(piece);
		res->pieces = RB_ROOT;
		WARN_ON_ONCE(vcm_unreserve(res));
	}
}

static int vcm_clone_into(struct vcm *clone, struct vcm *vcm)
{
	int ret = -ENOENT;

	guard(mutex)(&vcm_topology_lock);
	if (vcm->dead)
		return ret;
	down_write(&vcm->lock);
	ret = -EOPNOTSUPP;
	/* Its addresses are not its own to give out. */
	if (!vcm->home_ops)
		ret = vcm_clone_res(clone, vcm);
	if (ret)
		vcm_clone_undo(clone);
	else
		vcm_clone_publish(clone);
	up_write(&vcm->lock);
	return ret;
}

/**
 * vcm_clone() - make a context like another one
 * @vcm: the context
 *
 * The clone has the same addresses, the same reservations with the same
 * attributes, and each is backed with the same memory, pieces and holes
 * included. It has no association, no bound (reservations from bounds are
 * ordinary ones), and a name of its own. From here on the two have nothing to
 * do with each other: a device on the one sees the same memory at the same
 * addresses as a device on the other, until somebody changes one of them.
 *
 * The reservations of the clone are found with vcm_get_res() and
 * vcm_for_each_res(), and are unbacked and unreserved like any others.
 *
 * Context: May sleep. Nobody backs or unbacks in @vcm meanwhile.
 * Return: the clone; or with nothing made an ERR_PTR(): -EINVAL for a bad
 * pointer, -ENOENT if @vcm is freed, -EOPNOTSUPP for a context that is made
 * around a table: one of the kernel, of a process, in a domain of somebody else,
 * or a one-to-one one; -ENOMEM.
 */
struct vcm *vcm_clone(struct vcm *vcm)
{
	struct vcm *clone;
	int ret;

	if (IS_ERR_OR_NULL(vcm))
		return ERR_PTR(-EINVAL);
	clone = vcm_create(vcm->start, vcm_get_len(vcm));
	if (IS_ERR(clone))
		return clone;
	ret = vcm_clone_into(clone, vcm);
	if (!ret)
		return clone;
	WARN_ON_ONCE(vcm_free(clone));
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_GPL(vcm_clone);
