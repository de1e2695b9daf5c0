// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: the pieces of a backing.
 *
 * A reservation that is backed is a tree of pieces by offset, each with the
 * memory behind it; in turn, each allocation has the tree of the pieces that
 * map it. Most reservations are backed as a whole: their piece is built in.
 *
 * Only who has claimed the reservation changes its tree, under the lock, so
 * that lookups find it whole.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/bug.h>
#include <linux/rbtree.h>
#include <linux/slab.h>

#include "vcm_internal.h"

/**
 * vcm_piece_alloc() - memory for a piece that is not built in
 *
 * Context: May sleep.
 * Return: the piece, or NULL if there is no memory.
 */
struct vcm_piece *vcm_piece_alloc(void)
{
	return kzalloc(sizeof(struct vcm_piece), GFP_KERNEL);
}

/**
 * vcm_piece_free_extra() - undo vcm_piece_alloc()
 * @piece: the piece, in no tree
 *
 * Context: Any.
 */
void vcm_piece_free_extra(struct vcm_piece *piece)
{
	kfree(piece);
}

/**
 * vcm_res_link_piece() - put a piece where it belongs by its offset
 * @piece: the piece, which overlaps no other
 *
 * Context: The caller holds &vcm.res_lock, or nobody else knows the reservation.
 */
void vcm_res_link_piece(struct vcm_piece *piece)
{
	struct vcm_res *res = piece->res;
	struct rb_node **link = &res->pieces.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		if (piece->off < rb_entry(parent, struct vcm_piece, node)->off)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(&piece->node, parent, link);
	rb_insert_color(&piece->node, &res->pieces);
}

/**
 * vcm_res_drop_many() - vcm_res_drop_pieces() of one that has several
 * @res: the reservation, claimed
 *
 * Context: The caller holds &vcm.res_lock.
 */
void vcm_res_drop_many(struct vcm_res *res)
{
	struct vcm_piece *piece, *next;

	lockdep_assert_held(&res->vcm->res_lock);

	rbtree_postorder_for_each_entry_safe(piece, next, &res->pieces, node)
		vcm_piece_drop(piece);
}

/**
 * vcm_res_stick_pieces() - publish that a unit still owes an answer
 * @res: the reservation, claimed; no piece of it is in a table any more
 *
 * Context: The caller still holds &vcm.lock.
 */
void vcm_res_stick_pieces(struct vcm_res *res)
{
	struct vcm *vcm = res->vcm;
	struct vcm_piece *piece;

	spin_lock(&vcm->res_lock);
	WARN_ON_ONCE(res->state != VCM_RES_MOVING);
	vcm_for_each_piece(res, piece)
		piece->stuck = true;
	res->state = VCM_RES_STUCK;
	spin_unlock(&vcm->res_lock);
}

/**
 * vcm_res_find_piece() - the lowest piece in a range of a reservation
 * @res: the reservation
 * @first: first byte of the range
 * @last: last byte of the range, inclusive
 *
 * Context: The caller holds &vcm.res_lock, or has claimed @res.
 * Return: the piece, or NULL if nothing backs the range.
 */
struct vcm_piece *vcm_res_find_piece(struct vcm_res *res, size_t first,
				     size_t last)
{
	struct rb_node *node = res->pieces.rb_node;
	struct vcm_piece *found = NULL;

	while (node) {
		struct vcm_piece *piece = rb_entry(node, struct vcm_piece, node);

		if (piece->off + (vcm_piece_len(piece) - 1) < first) {
			node = node->rb_right;
			continue;
		}
		found = piece;
		node = node->rb_left;
	}
	return found && found->off <= last ? found : NULL;
}
