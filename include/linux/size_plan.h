/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which block sizes to use: a greedy planner.
 *
 * A length is to be put together from blocks, and there are several *sources*
 * of them, in order of priority, each with a set of sizes that are powers of
 * two. The plan proposes one piece after the other; the caller says whether it
 * could be had. The planner owns no memory and knows of no allocator.
 */
#ifndef _LINUX_SIZE_PLAN_H
#define _LINUX_SIZE_PLAN_H

#include <linux/types.h>

/**
 * struct size_request - what is wanted
 * @len: bytes; what is missing to a whole smallest block is added
 * @allowed: block sizes to be used, a bitmap: bit n stands for 2^n bytes; ~0UL
 *           for any
 * @align: each piece is to begin at a multiple of this power of two; 1 for that
 *         of its blocks
 * @contig: all of it is to be one piece
 */
struct size_request {
	size_t len;
	unsigned long allowed;
	u64 align;
	bool contig;
};

/**
 * struct size_plan - how far the plan is, and what it proposes now
 * @sizes: block sizes of each source, bitmaps
 * @nr: how many sources
 * @req: what is wanted
 * @left: bytes that are still missing
 * @source: proposal: from this source,
 * @size: proposal: blocks of so many bytes,
 * @count: proposal: so many in a row,
 * @align: proposal: the first at a multiple of this
 * @last: there is no smaller block in this source that would do
 * @open: sizes of @source that were not given up
 */
struct size_plan {
	const unsigned long *sizes;
	unsigned int nr;
	struct size_request req;
	size_t left;

	unsigned int source;
	size_t size;
	size_t count;
	u64 align;
	bool last;

	unsigned long open;
};

int size_plan_init(struct size_plan *plan, const unsigned long *sizes,
		   unsigned int nr, const struct size_request *req);
bool size_plan_next(struct size_plan *plan);
void size_plan_took(struct size_plan *plan);
void size_plan_skip(struct size_plan *plan);

#endif /* _LINUX_SIZE_PLAN_H */
