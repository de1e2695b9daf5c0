// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ranges of an address space, handed out in O(log n) without allocating.
 *
 * Free space is not an object: every range that is taken knows the gap behind
 * it, and the space its *head*, the gap before the first.
 *
 * The ranges form a red-black tree by address, each node with the longest gap
 * of its subtree. One walk down finds the lowest gap of some length: left if
 * there is one, else this node's, else right. A window prunes the same walk:
 * of use are only gaps that reach its first address + length - 1. At most the
 * nodes along that edge are visited in vain, and as gaps come in ascending
 * order, the first one behind the window ends the search.
 *
 * A range goes into the gap of its *owner*, the range on the left, and so into
 * the tree leftmost below the owner's right child. The owner is an ancestor,
 * hence one walk up updates both gaps: below the owner the longest gap can
 * only grow, from there on only shrink, and each part ends where nothing
 * changes. Removal first lets the owner's gap grow over the range and the gap
 * behind it, then erases a node that no longer matters further up.
 *
 * The tree knows nothing of alignment: a gap may be long enough and hold no
 * aligned range. After NEAR_MISSES of those the search asks for a gap that
 * fits wherever it starts (length + alignment - 1), again in O(log n), though
 * it may pass over a lower one. If there is none, every gap that is long
 * enough is looked at: nothing is refused while something fits. There is no
 * near miss if all lengths and limits are multiples of the alignment.
 *
 * Ends are inclusive and no difference is negative, so nothing wraps. Only the
 * length of a whole number line that is empty exceeds a u64: it saturates.
 */

#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/range_space.h>
#include <linux/rbtree_augmented.h>

/* Gaps that are long enough but misaligned, before a sure fit is looked for. */
#define NEAR_MISSES	16

#define to_range(ptr)	rb_entry_safe(ptr, struct range_node, rb)
#define node_gap(node)	((node)->gap)

RB_DECLARE_CALLBACKS_MAX(static, range_gaps, struct range_node, rb, u64,
			 max_gap, node_gap)

/* A gap of @gap was added at or below @rb: tell all from there up to @stop. */
static void raise_max_gap(struct rb_node *rb, struct rb_node *stop, u64 gap)
{
	for (; rb != stop; rb = rb_parent(rb)) {
		struct range_node *node = to_range(rb);

		if (node->max_gap >= gap)
			break;
		node->max_gap = gap;
	}
}

/* The last address of the gap of @owner, of the head if %NULL. */
static u64 gap_last(struct range_space *space, struct range_node *owner)
{
	if (owner)
		return owner->last + owner->gap;
	return RB_EMPTY_ROOT(&space->root) ? space->last : space->first + (space->head - 1);
}

/* Links @node, whose first and last are set, into the gap of @owner. */
static void link_node(struct range_space *space, struct range_node *owner,
		      struct range_node *node, struct rb_node *parent,
		      struct rb_node **link)
{
	node->gap = gap_last(space, owner) - node->last;
	node->max_gap = node->gap;
	rb_link_node(&node->rb, parent, link);

	if (owner) {
		owner->gap = node->first - owner->last - 1;
		raise_max_gap(parent, &owner->rb, node->gap);
		range_gaps_propagate(&owner->rb, NULL);
	} else {
		space->head = node->first - space->first;
		raise_max_gap(parent, NULL, node->gap);
	}
	rb_insert_augmented(&node->rb, &space->root, &range_gaps);
}

/*
 * The lowest node that owns a gap of @len that extends to @reach, among those
 * below @sub and then those after @node. %NULL and the root: among all.
 */
static struct range_node *find_gap(struct range_node *node, struct rb_node *sub,
				   u64 len, u64 reach)
{
	do {
		if (sub && to_range(sub)->max_gap >= len) {
			do {
				node = to_range(sub);
				sub = node->rb.rb_left;
			} while (sub && node->first > reach &&
				 to_range(sub)->max_gap >= len);
		} else {
			/* Up to the first node that has all this on its left. */
			do {
				if (!node)
					return NULL;
				sub = &node->rb;
				node = to_range(rb_parent(sub));
			} while (!node || sub == node->rb.rb_right);
		}
		sub = node->rb.rb_right;
	} while (node->gap < len || node->last + node->gap < reach);

	return node;
}

/* Sets first and last of @node if it fits into the gap of @owner. */
static __always_inline bool place(struct range_space *space, struct range_node *owner,
				  struct range_node *node, u64 len, u64 mask,
				  u64 first, u64 last)
{
	u64 lo = max(first, owner ? owner->last + 1 : space->first);
	u64 hi = min(last, gap_last(space, owner));
	u64 pad = -lo & mask;

	if (lo > hi || hi - lo < len - 1 || hi - lo - (len - 1) < pad)
		return false;
	node->first = lo + pad;
	node->last = node->first + (len - 1);
	return true;
}

/* Goes on from an @owner whose gap was long enough, but a near miss. */
static noinline struct range_node *
search_on(struct range_space *space, struct range_node *owner,
	  struct range_node *node, u64 len, u64 mask, u64 first, u64 last)
{
	u64 reach = first + (len - 1), sure;
	struct range_node *wide;
	int misses;

	for (misses = 1; owner && owner->last < last; misses++) {
		if (misses == NEAR_MISSES && !check_add_overflow(len, mask, &sure)) {
			wide = find_gap(owner, owner->rb.rb_right, sure, reach);
			if (wide && place(space, wide, node, len, mask, first, last))
				return wide;
		}
		owner = find_gap(owner, owner->rb.rb_right, len, reach);
		if (owner && place(space, owner, node, len, mask, first, last))
			return owner;
	}
	return NULL;
}

/**
 * range_space_init() - make an address space from which nothing is taken
 * @space: the space
 * @first: its first address
 * @last: its last address, inclusive; below @first, all requests are refused
 *
 * Context: Any; the caller serialises access. Does not sleep or allocate.
 */
void range_space_init(struct range_space *space, u64 first, u64 last)
{
	space->root = RB_ROOT;
	space->first = first;
	space->last = last;
	space->head = first > last ? 0 : min(last - first, U64_MAX - 1) + 1;
}
EXPORT_SYMBOL_GPL(range_space_init);

/**
 * range_insert() - take the lowest free range of a given length
 * @space: the space to take it from
 * @node: the range, embedded in the caller's object; not in any space
 * @len: number of addresses
 * @align: the first address is to be a multiple of this power of two
 * @first: first address of the window that the range has to lie in
 * @last: last address of the window, inclusive; it may exceed the space
 *
 * The lowest range that fits, unless many lower gaps are long enough but
 * misaligned: it may then be a higher one. O(log n), except if it fails, or
 * all but fails, for want of an aligned gap.
 *
 * Context: Any; the caller serialises access. Does not sleep or allocate.
 * Return: 0; -EINVAL if @len is 0, @align is not a power of two or @last is
 * below @first; -ENOSPC if nothing fits. A failure leaves @node as it was.
 */
int range_insert(struct range_space *space, struct range_node *node, u64 len,
		 u64 align, u64 first, u64 last)
{
	struct rb_node **link = &space->root.rb_node, *parent = NULL;
	struct range_node *owner = NULL;
	u64 mask = align - 1;

	/* is_power_of_2() takes a long: not enough on 32 bit. */
	if (!len || !align || (align & mask) || first > last)
		return -EINVAL;

	if (last - first < len - 1)
		return -ENOSPC;

	if (space->head < len || !place(space, NULL, node, len, mask, first, last)) {
		owner = find_gap(NULL, *link, len, first + (len - 1));
		if (owner && !place(space, owner, node, len, mask, first, last))
			owner = search_on(space, owner, node, len, mask, first, last);
		if (!owner)
			return -ENOSPC;
		parent = &owner->rb;
		link = &parent->rb_right;
	}
	while (*link) {
		parent = *link;
		link = &parent->rb_left;
	}
	link_node(space, owner, node, parent, link);
	return 0;
}
EXPORT_SYMBOL_GPL(range_insert);

/**
 * range_insert_at() - take exactly this range
 * @space: the space to take it from
 * @node: the range, embedded in the caller's object; not in any space
 * @first: first address
 * @last: last address, inclusive
 *
 * Context: Any; the caller serialises access. Does not sleep or allocate.
 * Return: 0; -EINVAL if @last is below @first; -ERANGE if the range leaves the
 * space; -EBUSY if part of it is taken. A failure leaves @node as it was.
 */
int range_insert_at(struct range_space *space, struct range_node *node,
		    u64 first, u64 last)
{
	struct rb_node **link = &space->root.rb_node, *parent = NULL;
	struct range_node *owner = NULL;

	if (first > last)
		return -EINVAL;
	if (first < space->first || last > space->last)
		return -ERANGE;

	while (*link) {
		struct range_node *other = to_range(*link);

		parent = *link;
		if (last < other->first) {
			link = &parent->rb_left;
		} else if (first > other->last) {
			owner = other;
			link = &parent->rb_right;
		} else {
			return -EBUSY;
		}
	}

	node->first = first;
	node->last = last;
	link_node(space, owner, node, parent, link);
	return 0;
}
EXPORT_SYMBOL_GPL(range_insert_at);

/**
 * range_remove() - give a range back
 * @space: the space it was taken from
 * @node: the range; RB_EMPTY_NODE() is true of it afterwards
 *
 * Context: Any; the caller serialises access. Does not sleep or allocate.
 */
void range_remove(struct range_space *space, struct range_node *node)
{
	struct range_node *owner;

	if (WARN_ON_ONCE(RB_EMPTY_NODE(&node->rb)))
		return;

	if (node->first - space->first == space->head) {
		/* The first one, seen without a climb to the root. */
		space->head = min(node->last + node->gap - space->first, U64_MAX - 1) + 1;
	} else {
		owner = range_prev(node);
		owner->gap = node->last + node->gap - owner->last;
		raise_max_gap(&owner->rb, NULL, owner->gap);
	}
	rb_erase_augmented(&node->rb, &space->root, &range_gaps);
	RB_CLEAR_NODE(&node->rb);
}
EXPORT_SYMBOL_GPL(range_remove);

/**
 * range_find() - the lowest range that is taken within a window
 * @space: the space
 * @first: first address of the window
 * @last: last address of the window, inclusive
 *
 * Context: Any; the caller serialises access. Does not sleep or allocate.
 * Return: the lowest range that has an address in common with the window,
 * %NULL if there is none or @last is below @first.
 */
struct range_node *range_find(struct range_space *space, u64 first, u64 last)
{
	struct range_node *node = to_range(space->root.rb_node), *found = NULL;

	while (node) {
		if (node->last < first) {
			node = to_range(node->rb.rb_right);
			continue;
		}
		found = node;
		if (node->first <= first)
			break;
		node = to_range(node->rb.rb_left);
	}
	return found && found->first <= last && first <= last ? found : NULL;
}
EXPORT_SYMBOL_GPL(range_find);

/**
 * range_next() - the next range by address
 * @node: a range that is in a space
 *
 * Context: Any; the caller serialises access. Does not sleep or allocate.
 * Return: the range after @node, %NULL if it is the last.
 */
struct range_node *range_next(struct range_node *node)
{
	return to_range(rb_next(&node->rb));
}
EXPORT_SYMBOL_GPL(range_next);

/**
 * range_prev() - the range before, by address
 * @node: a range that is in a space
 *
 * Context: Any; the caller serialises access. Does not sleep or allocate.
 * Return: the range before @node, %NULL if it is the first.
 */
struct range_node *range_prev(struct range_node *node)
{
	return to_range(rb_prev(&node->rb));
}
EXPORT_SYMBOL_GPL(range_prev);
