// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which block sizes to use: a greedy planner.
 *
 * The rule: the largest block that is not more than what is missing; if there
 * is none of it, the next smaller; if that was the smallest, the next source.
 * What is wanted is first rounded up to the smallest block of any source, so
 * that sums come out even and less than one smallest block is wasted.
 *
 * A size that was given up is not asked for again, and a source that was left
 * is not returned to. So there are at most as many steps as there are blocks,
 * plus one for each size of each source.
 */

#include <linux/bits.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/size_plan.h>

/**
 * size_plan_init() - begin a plan
 * @plan: the plan
 * @sizes: block sizes of each source, in order of priority; bitmaps in which
 *         bit n stands for 2^n bytes. Must outlive the plan
 * @nr: how many sources
 * @req: what is wanted; copied
 *
 * Context: Any.
 * Return: 0; -EINVAL if no length is wanted or the alignment is not a power of
 * two; -EOPNOTSUPP if no source has a size that is allowed; -EOVERFLOW if the
 * length cannot be rounded up.
 */
int size_plan_init(struct size_plan *plan, const unsigned long *sizes,
		   unsigned int nr, const struct size_request *req)
{
	unsigned long any = 0;
	unsigned int i;
	size_t less;

	if (!req->len || !req->align || (req->align & (req->align - 1)))
		return -EINVAL;
	for (i = 0; i < nr; i++)
		any |= sizes[i] & req->allowed;
	if (!any)
		return -EOPNOTSUPP;

	*plan = (struct size_plan){ .sizes = sizes, .nr = nr, .req = *req };
	less = BIT(__ffs(any)) - 1;
	if (check_add_overflow(req->len, less, &plan->left))
		return -EOVERFLOW;
	plan->left &= ~less;
	plan->open = sizes[0] & req->allowed;
	return 0;
}
EXPORT_SYMBOL_GPL(size_plan_init);

/* The sizes of the current source of which a piece can be made. */
static unsigned long usable(const struct size_plan *plan)
{
	unsigned long fit = plan->open & GENMASK(__fls(plan->left), 0);

	/* One piece of equal blocks, and not a byte too many. */
	return plan->req.contig ? fit & GENMASK(__ffs(plan->left), 0) : fit;
}

/**
 * size_plan_next() - what to try next
 * @plan: the plan; its source, size, count, align and last say what. To be
 *        answered with size_plan_took() or size_plan_skip()
 *
 * A piece is a single block. If it has to be contiguous, or aligned to more
 * than a block, it is a row of them.
 *
 * Context: Any.
 * Return: true if there is something to try; false at the end: all is there if
 * nothing is left, and otherwise it cannot be had.
 */
bool size_plan_next(struct size_plan *plan)
{
	size_t most = plan->left;
	unsigned long fit;

	if (!plan->left)
		return false;
	while (!(fit = usable(plan))) {
		if (++plan->source >= plan->nr)
			return false;
		plan->open = plan->sizes[plan->source] & plan->req.allowed;
	}

	plan->size = BIT(__fls(fit));
	plan->align = max_t(u64, plan->size, plan->req.align);
	plan->last = is_power_of_2(fit);
	if (!plan->req.contig)
		most = min_t(u64, most, plan->align);
	plan->count = most >> __fls(fit);
	return true;
}
EXPORT_SYMBOL_GPL(size_plan_next);

/**
 * size_plan_took() - the piece that was proposed could be had
 * @plan: the plan
 *
 * Context: Any.
 */
void size_plan_took(struct size_plan *plan)
{
	plan->left -= plan->size * plan->count;
}
EXPORT_SYMBOL_GPL(size_plan_took);

/**
 * size_plan_skip() - the piece that was proposed cannot be had
 * @plan: the plan; goes on with smaller blocks, and then with other sources
 *
 * Context: Any.
 */
void size_plan_skip(struct size_plan *plan)
{
	plan->open &= plan->size - 1;
}
EXPORT_SYMBOL_GPL(size_plan_skip);
