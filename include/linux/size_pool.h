/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory cut into blocks of fixed sizes.
 *
 * A pool is a range of addresses of which each *size class* has a part of its
 * own. A class hands out its blocks and no others, so that small requests
 * never eat up the large blocks, nor the other way round.
 */
#ifndef _LINUX_SIZE_POOL_H
#define _LINUX_SIZE_POOL_H

#include <linux/range_space.h>
#include <linux/types.h>

struct size_pool;

/**
 * struct size_class_desc - a class to be made
 * @size: bytes of one block, a power of two
 * @count: how many blocks; in the last class, 0 for all that fit
 */
struct size_class_desc {
	size_t size;
	size_t count;
};

/**
 * struct size_class_stat - what a class has
 * @size: bytes of one block
 * @count: how many blocks there are
 * @free: how many of them are free
 */
struct size_class_stat {
	size_t size;
	u64 count;
	u64 free;
};

/**
 * struct size_run - blocks in a row that were taken
 * @range: their addresses
 * @class: the number of their class
 *
 * Embedded in the object of whoever takes them; the pool allocates nothing.
 */
struct size_run {
	struct range_node range;
	unsigned int class;
};

struct size_pool *size_pool_create(u64 start, u64 len,
				   const struct size_class_desc *classes,
				   unsigned int nr);
int size_pool_destroy(struct size_pool *pool);

int size_pool_take(struct size_pool *pool, struct size_run *run, size_t size,
		   size_t count, u64 align);
void size_pool_give(struct size_pool *pool, struct size_run *run);

bool size_pool_could(const struct size_pool *pool, size_t size, size_t count,
		     u64 align);
unsigned long size_pool_sizes(const struct size_pool *pool);
u64 size_pool_len(const struct size_pool *pool);
bool size_pool_stat(struct size_pool *pool, unsigned int index,
		    struct size_class_stat *stat);

#endif /* _LINUX_SIZE_POOL_H */
