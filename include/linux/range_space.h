/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ranges of an address space, handed out in O(log n) and without allocating:
 * the node of a range is embedded in the object that owns it.
 *
 * Addresses are u64 and *last* is inclusive, so the very last page of the
 * number line can be handed out like any other.
 */
#ifndef _LINUX_RANGE_SPACE_H
#define _LINUX_RANGE_SPACE_H

#include <linux/rbtree.h>
#include <linux/types.h>

/**
 * struct range_node - one range that is taken
 * @rb: in &range_space.root, by address
 * @first: first address
 * @last: last address, inclusive
 * @gap: length of the free space that follows, up to the next range or the
 *       end of the space
 * @max_gap: largest @gap in the subtree
 */
struct range_node {
	struct rb_node rb;
	u64 first;
	u64 last;
	u64 gap;
	u64 max_gap;
};

/**
 * struct range_space - an address space from which ranges are taken
 * @root: the ranges, by address
 * @first: first address
 * @last: last address, inclusive
 * @head: free space before the first range
 *
 * The caller serialises all access.
 */
struct range_space {
	struct rb_root root;
	u64 first;
	u64 last;
	u64 head;
};

void range_space_init(struct range_space *space, u64 first, u64 last);
int range_insert(struct range_space *space, struct range_node *node, u64 len,
		 u64 align, u64 first, u64 last);
int range_insert_at(struct range_space *space, struct range_node *node,
		    u64 first, u64 last);
void range_remove(struct range_space *space, struct range_node *node);
struct range_node *range_find(struct range_space *space, u64 first, u64 last);
struct range_node *range_next(struct range_node *node);
struct range_node *range_prev(struct range_node *node);

static inline bool range_space_empty(const struct range_space *space)
{
	return RB_EMPTY_ROOT(&space->root);
}

#endif /* _LINUX_RANGE_SPACE_H */
