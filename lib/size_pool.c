// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory cut into blocks of fixed sizes.
 *
 * Each class has a part of the pool, largest blocks first, so that a pool that
 * begins at a multiple of its largest block has all of its blocks aligned. A
 * class is a range_space whose ranges are whole blocks at multiples of their
 * size: to take a block, or many in a row, is one walk of a tree of what is
 * taken, and to give it back cannot fail and needs no memory. Why not genalloc:
 * it searches a bitmap, so that each request costs more as the pool fills up.
 */

#include <linux/bits.h>
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/size_pool.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

/**
 * struct size_class - the part of a pool with blocks of one size
 * @first: first address
 * @count: how many blocks
 * @order: log2 of the size of a block
 * @lock: guards what follows
 * @taken: the runs that are out
 * @free: blocks that are not
 */
struct size_class {
	/* immutable */
	u64 first;
	u64 count;
	unsigned int order;

	spinlock_t lock;	/* guards what follows */
	struct range_space taken;
	u64 free;
};

/**
 * struct size_pool - a range of addresses, cut into blocks
 * @nr: how many classes
 * @classes: the classes, largest blocks first
 */
struct size_pool {
	unsigned int nr;
	struct size_class classes[] __counted_by(nr);
};

static u64 class_len(const struct size_class *class)
{
	return class->count << class->order;
}

/* Cuts @class off at @at; @room bytes are there. Returns its length, 0 if it has none. */
static u64 cut_class(struct size_class *class, u64 at, u64 room,
		     const struct size_class_desc *desc, bool last)
{
	class->order = ilog2(desc->size);
	class->count = desc->count;
	if (!desc->count && last)
		class->count = room >> class->order;
	if (!class->count || class->count > room >> class->order)
		return 0;

	class->first = at;
	class->free = class->count;
	spin_lock_init(&class->lock);
	range_space_init(&class->taken, at, at + (class_len(class) - 1));
	return class_len(class);
}

/**
 * size_pool_create() - cut a range of addresses into blocks
 * @start: its first address, a multiple of the largest block
 * @len: its length in bytes; what the classes leave of it is not used
 * @classes: the classes, largest blocks first
 * @nr: how many
 *
 * The memory is not touched.
 *
 * Context: May sleep.
 * Return: the pool; or an ERR_PTR(): -EINVAL if there is no class, a size is
 * not a power of two or not smaller than the one before, a count is missing or
 * @start is not aligned; -EOVERFLOW if the range wraps; -ENOSPC if the blocks
 * do not fit into it; -ENOMEM.
 */
struct size_pool *size_pool_create(u64 start, u64 len,
				   const struct size_class_desc *classes,
				   unsigned int nr)
{
	struct size_pool *pool;
	u64 at = start, end, cut;
	unsigned int i;

	if (!nr || !len)
		return ERR_PTR(-EINVAL);
	if (check_add_overflow(start, len - 1, &end))
		return ERR_PTR(-EOVERFLOW);
	for (i = 0; i < nr; i++)
		if (!is_power_of_2(classes[i].size) ||
		    (i && classes[i].size >= classes[i - 1].size) ||
		    (i < nr - 1 && !classes[i].count))
			return ERR_PTR(-EINVAL);
	if (start & (classes[0].size - 1))
		return ERR_PTR(-EINVAL);

	pool = kzalloc(struct_size(pool, classes, nr), GFP_KERNEL);
	if (!pool)
		return ERR_PTR(-ENOMEM);
	pool->nr = nr;
	for (i = 0; i < nr; i++, at += cut) {
		cut = cut_class(&pool->classes[i], at, len - (at - start),
				&classes[i], i == nr - 1);
		if (!cut) {
			kfree(pool);
			return ERR_PTR(-ENOSPC);
		}
	}
	return pool;
}
EXPORT_SYMBOL_GPL(size_pool_create);

/**
 * size_pool_destroy() - forget a pool
 * @pool: the pool
 *
 * Context: Any but interrupts. The caller sees to it that nobody uses the pool.
 * Return: 0; -EBUSY if blocks of it are out, nothing changes then.
 */
int size_pool_destroy(struct size_pool *pool)
{
	unsigned int i;

	for (i = 0; i < pool->nr; i++)
		if (!range_space_empty(&pool->classes[i].taken))
			return -EBUSY;
	kfree(pool);
	return 0;
}
EXPORT_SYMBOL_GPL(size_pool_destroy);

/* The number of the class with blocks of @size; &size_pool.nr if there is none. */
static unsigned int find_class(const struct size_pool *pool, size_t size)
{
	unsigned int i;

	for (i = 0; i < pool->nr; i++)
		if (BIT(pool->classes[i].order) == size)
			break;
	return i;
}

/* Bytes of @count blocks; false if there can be no such run. */
static bool run_len(const struct size_class *class, size_t count, u64 *len)
{
	if (!count || count > class->count)
		return false;
	*len = (u64)count << class->order;
	return true;
}

/**
 * size_pool_take() - take blocks that lie in a row
 * @pool: the pool
 * @run: what will stand for them; the caller's memory, until size_pool_give()
 * @size: bytes of one block: which class
 * @count: how many blocks
 * @align: the first begins at a multiple of this power of two; blocks are
 *         always aligned to their size
 *
 * The lowest run that is free. O(log n), n being the runs that are out; but a
 * request with an alignment above @size may look at all gaps before it fails.
 *
 * Context: Any but interrupts. Does not sleep or allocate.
 * Return: 0; -ENOENT if there is no such class; -EINVAL if @count is 0 or
 * @align is not a power of two; -ENOSPC if no such run is free. A failure
 * leaves @run as it was.
 */
int size_pool_take(struct size_pool *pool, struct size_run *run, size_t size,
		   size_t count, u64 align)
{
	unsigned int index = find_class(pool, size);
	struct size_class *class;
	u64 len;
	int err;

	if (index == pool->nr)
		return -ENOENT;
	if (!count || !align || (align & (align - 1)))
		return -EINVAL;
	class = &pool->classes[index];
	if (!run_len(class, count, &len))
		return -ENOSPC;

	spin_lock(&class->lock);
	err = range_insert(&class->taken, &run->range, len,
			   max_t(u64, size, align), 0, U64_MAX);
	if (!err) {
		run->class = index;
		class->free -= count;
	}
	spin_unlock(&class->lock);
	return err;
}
EXPORT_SYMBOL_GPL(size_pool_take);

/**
 * size_pool_give() - give blocks back
 * @pool: the pool
 * @run: from size_pool_take()
 *
 * Context: Any but interrupts. Does not sleep or allocate, and cannot fail.
 */
void size_pool_give(struct size_pool *pool, struct size_run *run)
{
	struct size_class *class = &pool->classes[run->class];

	spin_lock(&class->lock);
	class->free += (run->range.last - run->range.first + 1) >> class->order;
	range_remove(&class->taken, &run->range);
	spin_unlock(&class->lock);
}
EXPORT_SYMBOL_GPL(size_pool_give);

/**
 * size_pool_could() - if nothing were taken, could size_pool_take() succeed?
 * @pool: the pool
 * @size: bytes of one block
 * @count: how many blocks in a row
 * @align: alignment of the first, a power of two
 *
 * Context: Any.
 * Return: true if so.
 */
bool size_pool_could(const struct size_pool *pool, size_t size, size_t count,
		     u64 align)
{
	unsigned int index = find_class(pool, size);
	const struct size_class *class;
	u64 len, pad;

	if (index == pool->nr)
		return false;
	class = &pool->classes[index];
	if (!run_len(class, count, &len))
		return false;
	pad = -class->first & (max_t(u64, size, align) - 1);
	return pad <= class_len(class) - len;
}
EXPORT_SYMBOL_GPL(size_pool_could);

/**
 * size_pool_sizes() - which block sizes there are
 * @pool: the pool
 *
 * Context: Any.
 * Return: a bitmap in which bit n stands for 2^n bytes, as size_plan_init()
 * wants it.
 */
unsigned long size_pool_sizes(const struct size_pool *pool)
{
	unsigned long sizes = 0;
	unsigned int i;

	for (i = 0; i < pool->nr; i++)
		sizes |= BIT(pool->classes[i].order);
	return sizes;
}
EXPORT_SYMBOL_GPL(size_pool_sizes);

/**
 * size_pool_len() - how much there is in all
 * @pool: the pool
 *
 * Context: Any.
 * Return: bytes of all blocks, taken or not.
 */
u64 size_pool_len(const struct size_pool *pool)
{
	const struct size_class *last = &pool->classes[pool->nr - 1];

	return last->first + class_len(last) - pool->classes[0].first;
}
EXPORT_SYMBOL_GPL(size_pool_len);

/**
 * size_pool_stat() - what a class has
 * @pool: the pool
 * @index: which class, from 0 on, largest blocks first
 * @stat: where to put it
 *
 * Context: Any but interrupts.
 * Return: true; false after the last class.
 */
bool size_pool_stat(struct size_pool *pool, unsigned int index,
		    struct size_class_stat *stat)
{
	struct size_class *class;

	if (index >= pool->nr)
		return false;
	class = &pool->classes[index];
	stat->size = BIT(class->order);
	stat->count = class->count;
	spin_lock(&class->lock);
	stat->free = class->free;
	spin_unlock(&class->lock);
	return true;
}
EXPORT_SYMBOL_GPL(size_pool_stat);
