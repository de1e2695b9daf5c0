// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: is a board's table right?
 *
 * All of it is looked at before any of it counts, and whoever made the mistake
 * reads which entry it is in.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/align.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "vcm_internal.h"
#include "vcm_machine.h"

/* "board x: contexts[3] (video): " and what is wrong with it */
#define vcm_entry_err(board, kind, nr, who, fmt, ...)			\
	pr_err("board %s: %s[%u] (%s): " fmt "\n", (board)->name, kind,	\
	       nr, (who) ?: "", ##__VA_ARGS__)

static int vcm_check_name(const char *name)
{
	if (!name || !*name)
		return -EINVAL;
	return strlen(name) < VCM_NAME_LEN ? 0 : -ENAMETOOLONG;
}

static const char *vcm_show_name_error(int err)
{
	return err == -EINVAL ? "is missing" : "has more than 31 characters";
}

/* In whole pages, and no further than there are addresses; -EINVAL, -EOVERFLOW */
static int vcm_check_range(u64 start, u64 len, u64 *last)
{
	if (!len || !IS_ALIGNED(start, PAGE_SIZE) || !IS_ALIGNED(len, PAGE_SIZE))
		return -EINVAL;
	if (check_add_overflow(start, len - 1, last) || *last > (dma_addr_t)~0ULL)
		return -EOVERFLOW;
	return 0;
}

static const char *vcm_show_range_error(int err)
{
	return err == -EINVAL ? "is empty or not in whole pages" :
				"ends where there is no device address";
}

static const char *vcm_show_attr_error(int err)
{
	return err == -EACCES ? "has neither VCM_READ nor VCM_WRITE" :
				"is more than rights";
}

static u64 vcm_bound_last(const struct vcm_board_bound *bound)
{
	return (u64)bound->addr + (bound->len - 1);
}

/* Against its context, and against the bounds before it. */
static int vcm_check_bound(const struct vcm_board *board, unsigned int nr,
			   unsigned int index)
{
	const struct vcm_board_context *context = &board->contexts[nr];
	const struct vcm_board_bound *bound = &context->bounds[index], *other;
	u64 last;
	int ret;

	ret = vcm_check_name(bound->name);
	if (ret) {
		vcm_entry_err(board, "contexts", nr, context->name,
			      "the name of bounds[%u] %s", index,
			      vcm_show_name_error(ret));
		return ret;
	}
	ret = vcm_check_range(bound->addr, bound->len, &last);
	if (ret) {
		vcm_entry_err(board, "contexts", nr, context->name,
			      "bounds[%u] (%s), %zu bytes at %pad, %s", index,
			      bound->name, bound->len, &bound->addr,
			      vcm_show_range_error(ret));
		return ret;
	}
	if (bound->addr < context->start ||
	    last - context->start > context->len - 1) {
		vcm_entry_err(board, "contexts", nr, context->name,
			      "bounds[%u] (%s), %zu bytes at %pad, leaves the %llu bytes at %pad of the context",
			      index, bound->name, bound->len, &bound->addr,
			      context->len, &context->start);
		return -ERANGE;
	}
	for (other = context->bounds; other < bound; other++) {
		if (!strcmp(other->name, bound->name)) {
			vcm_entry_err(board, "contexts", nr, context->name,
				      "bounds[%u] is called %s, and so is bounds[%td]",
				      index, bound->name,
				      other - context->bounds);
			return -EEXIST;
		}
		if (bound->addr > vcm_bound_last(other) || last < other->addr)
			continue;
		vcm_entry_err(board, "contexts", nr, context->name,
			      "bounds[%u] (%s), %zu bytes at %pad, overlaps bounds[%td] (%s), %zu bytes at %pad",
			      index, bound->name, bound->len, &bound->addr,
			      other - context->bounds, other->name, other->len,
			      &other->addr);
		return -EBUSY;
	}
	return 0;
}

static int vcm_check_context(const struct vcm_board *board, unsigned int nr)
{
	const struct vcm_board_context *context = &board->contexts[nr], *other;
	const char *whose;
	unsigned int i;
	u64 last;
	int ret;

	ret = vcm_check_name(context->name);
	if (ret) {
		vcm_entry_err(board, "contexts", nr, context->name,
			      "the name %s", vcm_show_name_error(ret));
		return ret;
	}
	ret = vcm_check_range(context->start, context->len, &last);
	if (ret) {
		vcm_entry_err(board, "contexts", nr, context->name,
			      "the window, %llu bytes at %pad, %s",
			      context->len, &context->start,
			      vcm_show_range_error(ret));
		return ret;
	}
	if (context->memtype && !*context->memtype) {
		vcm_entry_err(board, "contexts", nr, context->name,
			      "the memory type has no name");
		return -EINVAL;
	}
	for (other = board->contexts; other < context; other++) {
		if (strcmp(other->name, context->name))
			continue;
		vcm_entry_err(board, "contexts", nr, context->name,
			      "contexts[%td] has this name",
			      other - board->contexts);
		return -EEXIST;
	}
	whose = vcm_board_of_context(context->name);
	if (whose) {
		vcm_entry_err(board, "contexts", nr, context->name,
			      "board %s has a context of this name", whose);
		return -EEXIST;
	}
	if (context->nr_bounds && !context->bounds) {
		vcm_entry_err(board, "contexts", nr, context->name,
			      "%u bounds, but no table of them",
			      context->nr_bounds);
		return -EINVAL;
	}
	for (i = 0; i < context->nr_bounds; i++) {
		ret = vcm_check_bound(board, nr, i);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * vcm_members_clash() - do two entries say the same of one device?
 * @a: an entry
 * @b: another one
 *
 * Return: true or false.
 */
static bool vcm_members_clash(const struct vcm_board_member *a,
			      const struct vcm_board_member *b)
{
	if (strcmp(a->dev, b->dev))
		return false;
	if (!a->con_id || !b->con_id)
		return a->con_id == b->con_id;
	return !strcmp(a->con_id, b->con_id);
}

/**
 * vcm_board_find_clash() - the first entry of a board that another one clashes with
 * @board: the board
 * @nr: how many entries of it to look at
 * @member: the other entry
 *
 * Return: its index, or @nr if there is none.
 */
unsigned int vcm_board_find_clash(const struct vcm_board *board,
				  unsigned int nr,
				  const struct vcm_board_member *member)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (vcm_members_clash(&board->members[i], member))
			break;
	return i;
}

static int vcm_check_member_names(const struct vcm_board *board,
				  unsigned int nr)
{
	const struct vcm_board_member *member = &board->members[nr];
	int ret;

	if (!member->dev || !*member->dev) {
		vcm_entry_err(board, "members", nr, member->dev,
			      "the name of the device is missing");
		return -EINVAL;
	}
	if (member->con_id && !*member->con_id) {
		vcm_entry_err(board, "members", nr, member->dev,
			      "con_id is empty; NULL stands for any");
		return -EINVAL;
	}
	ret = vcm_check_name(member->context);
	if (ret)
		vcm_entry_err(board, "members", nr, member->dev,
			      "the name of the context %s",
			      vcm_show_name_error(ret));
	return ret;
}

static int vcm_check_member(const struct vcm_board *board, unsigned int nr)
{
	const struct vcm_board_member *member = &board->members[nr];
	const char *con_id = member->con_id ?: "(any)";
	unsigned int index;
	const char *whose;
	int ret;

	ret = vcm_check_member_names(board, nr);
	if (ret)
		return ret;
	if (member->flags & ~VCM_MEMBER_FLAGS) {
		vcm_entry_err(board, "members", nr, member->dev,
			      "flags %#x, of which %#lx are known",
			      member->flags, VCM_MEMBER_FLAGS);
		return -EINVAL;
	}
	ret = vcm_assoc_check_attr(member->attr);
	if (ret) {
		vcm_entry_err(board, "members", nr, member->dev,
			      "attr %#x %s", member->attr,
			      vcm_show_attr_error(ret));
		return ret;
	}
	index = vcm_board_find_clash(board, nr, member);
	if (index < nr) {
		vcm_entry_err(board, "members", nr, member->dev,
			      "members[%u] says what its %s is", index, con_id);
		return -EEXIST;
	}
	whose = vcm_board_of_member(member, &index);
	if (whose) {
		vcm_entry_err(board, "members", nr, member->dev,
			      "members[%u] of board %s says what its %s is",
			      index, whose, con_id);
		return -EEXIST;
	}
	return 0;
}

/**
 * vcm_board_check() - is a board's table right?
 * @board: the board, about to be added
 *
 * Return: 0; or after a message that names the entry what vcm_board_add()
 * returns.
 */
int vcm_board_check(const struct vcm_board *board)
{
	unsigned int i;
	int ret = 0;

	if (!board->name || !*board->name) {
		pr_err("a board without a name\n");
		return -EINVAL;
	}
	if (!board->nr_contexts && !board->nr_members) {
		pr_err("board %s: no context and no member\n", board->name);
		return -EINVAL;
	}
	if ((board->nr_contexts && !board->contexts) ||
	    (board->nr_members && !board->members)) {
		pr_err("board %s: %u contexts and %u members, but no table of them\n",
		       board->name, board->nr_contexts, board->nr_members);
		return -EINVAL;
	}
	for (i = 0; i < board->nr_contexts && !ret; i++)
		ret = vcm_check_context(board, i);
	for (i = 0; i < board->nr_members && !ret; i++)
		ret = vcm_check_member(board, i);
	return ret;
}
