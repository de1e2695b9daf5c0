// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: memory types.
 *
 * A memory type is an ordered list of pools. What is asked for is put together
 * as lib/size_plan.c says: the largest block that is not too much, then the
 * next smaller, then the next pool.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/export.h>
#include <linux/log2.h>
#include <linux/nodemask.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "vcm_internal.h"

/* Which memory types there are, and whose which range of memory is. */
DEFINE_MUTEX(vcm_memtypes_lock);

static LIST_HEAD(vcm_memtypes);

/* The page allocator. It is always there, so nobody counts references. */
static unsigned long vcm_system_sizes[] = {
	GENMASK(PAGE_SHIFT + MAX_PAGE_ORDER, PAGE_SHIFT),
};

static struct vcm_pool vcm_system_pool = {
	.ops = &vcm_pool_pages,
	.nid = NUMA_NO_NODE,
};

static struct vcm_memtype vcm_system = {
	.name = "system",
	.nr_pools = 1,
	.sizes = vcm_system_sizes,
	.pools = &vcm_system_pool,
};

static struct vcm_memtype *vcm_memtype_find(const char *name)
{
	struct vcm_memtype *type;

	lockdep_assert_held(&vcm_memtypes_lock);

	if (!strcmp(name, vcm_system.name))
		return &vcm_system;
	list_for_each_entry(type, &vcm_memtypes, node)
		if (!strcmp(name, type->name))
			return type;
	return NULL;
}

static void vcm_memtype_hold(struct vcm_memtype *type)
{
	if (type != &vcm_system)
		refcount_inc(&type->users);
}

/**
 * vcm_memtype_get() - find a memory type
 * @name: its name; "system", the page allocator, always exists
 *
 * Context: May sleep.
 * Return: a counted reference, to be given back with vcm_memtype_put();
 * ERR_PTR(-ENOENT) if there is no such type, ERR_PTR(-EINVAL) without a name.
 */
struct vcm_memtype *vcm_memtype_get(const char *name)
{
	struct vcm_memtype *type;

	if (IS_ERR_OR_NULL(name))
		return ERR_PTR(-EINVAL);
	mutex_lock(&vcm_memtypes_lock);
	type = vcm_memtype_find(name);
	if (type)
		vcm_memtype_hold(type);
	mutex_unlock(&vcm_memtypes_lock);
	return type ?: ERR_PTR(-ENOENT);
}
EXPORT_SYMBOL_GPL(vcm_memtype_get);

/**
 * vcm_memtype_put() - give a memory type back
 * @type: from vcm_memtype_get()
 *
 * Context: Any.
 */
void vcm_memtype_put(struct vcm_memtype *type)
{
	/* The last one is that of whoever registered it. */
	if (!IS_ERR_OR_NULL(type) && type != &vcm_system)
		refcount_dec(&type->users);
}
EXPORT_SYMBOL_GPL(vcm_memtype_put);

static void vcm_memtype_destroy(struct vcm_memtype *type)
{
	unsigned int i;

	for (i = 0; i < type->nr_pools; i++)
		type->pools[i].ops->exit(&type->pools[i]);
	kfree(type->pools);
	kfree(type->sizes);
	kfree(type->name);
	kfree(type);
}

static struct vcm_memtype *vcm_memtype_create(const struct vcm_memtype_desc *desc)
{
	struct vcm_memtype *type = kzalloc(sizeof(*type), GFP_KERNEL);
	int err = -ENOMEM;

	if (!type)
		return ERR_PTR(-ENOMEM);
	type->name = kstrdup(desc->name, GFP_KERNEL);
	type->sizes = kcalloc(desc->nr_pools, sizeof(*type->sizes), GFP_KERNEL);
	type->pools = kcalloc(desc->nr_pools, sizeof(*type->pools), GFP_KERNEL);
	if (!type->name || !type->sizes || !type->pools)
		goto destroy;
	for (; type->nr_pools < desc->nr_pools; type->nr_pools++) {
		struct vcm_pool *pool = &type->pools[type->nr_pools];

		err = vcm_pool_init(pool, &desc->pools[type->nr_pools]);
		if (err) {
			pr_err("memory type %s: pool %u refused (%d)\n",
			       desc->name, type->nr_pools, err);
			goto destroy;
		}
		type->sizes[type->nr_pools] = pool->sizes;
	}
	type->kernel_only = desc->kernel_only;
	refcount_set(&type->users, 1);
	return type;

destroy:
	vcm_memtype_destroy(type);
	return ERR_PTR(err);
}

static int vcm_memtype_refill_all(struct vcm_memtype *type)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < type->nr_pools; i++)
		if (type->pools[i].ops->refill)
			err = type->pools[i].ops->refill(&type->pools[i]) ?: err;
	return err;
}

/**
 * vcm_memtype_register() - declare a memory type
 * @desc: what it is made of; copied
 *
 * Blocks that are to be kept ready are made ready now, as far as possible.
 *
 * Context: May sleep.
 * Return: the memory type, until vcm_memtype_unregister(); or an ERR_PTR():
 * -EINVAL for a bad pointer, no name, no pool, or a pool whose blocks make no
 * sense; -EEXIST if there is a memory type of that name; -ENODEV if there is no
 * such CMA area or reserved region; -EBUSY if a range is somebody else's;
 * -ENOSPC if its blocks do not fit into it; -EOVERFLOW or -ERANGE if it ends
 * beyond what is an address; -EOPNOTSUPP if this kernel has no such pools;
 * -ENOMEM. A message says which pool.
 */
struct vcm_memtype *vcm_memtype_register(const struct vcm_memtype_desc *desc)
{
	struct vcm_memtype *type;

	if (IS_ERR_OR_NULL(desc) || IS_ERR_OR_NULL(desc->name) || !*desc->name ||
	    !desc->nr_pools || IS_ERR_OR_NULL(desc->pools))
		return ERR_PTR(-EINVAL);

	mutex_lock(&vcm_memtypes_lock);
	type = vcm_memtype_find(desc->name) ? ERR_PTR(-EEXIST) : vcm_memtype_create(desc);
	if (!IS_ERR(type)) {
		list_add_tail(&type->node, &vcm_memtypes);
		if (vcm_memtype_refill_all(type))
			pr_warn("memory type %s: not all blocks are ready\n", type->name);
		vcm_heap_add(type);
	}
	mutex_unlock(&vcm_memtypes_lock);
	return type;
}
EXPORT_SYMBOL_GPL(vcm_memtype_register);

/**
 * vcm_memtype_unregister() - take a memory type away
 * @type: from vcm_memtype_register(); not to be used any more
 *
 * Context: May sleep.
 * Return: 0; -EBUSY if there is an allocation from it, or somebody got it and
 * has not put it back; -EINVAL for a bad pointer, or "system".
 */
int vcm_memtype_unregister(struct vcm_memtype *type)
{
	if (IS_ERR_OR_NULL(type) || type == &vcm_system)
		return -EINVAL;

	mutex_lock(&vcm_memtypes_lock);
	if (!refcount_dec_if_one(&type->users)) {
		mutex_unlock(&vcm_memtypes_lock);
		return -EBUSY;
	}
	list_del(&type->node);
	vcm_memtype_destroy(type);
	mutex_unlock(&vcm_memtypes_lock);
	return 0;
}
EXPORT_SYMBOL_GPL(vcm_memtype_unregister);

/**
 * vcm_memtype_refill() - make ready what is to be kept ready
 * @type: the memory type
 *
 * It happens by itself after each allocation, a little later. Call this to have
 * it done at a time when it does not matter how long it takes.
 *
 * Context: May sleep, for long.
 * Return: 0 if all is ready; -ENOMEM if less is; -EINVAL for a bad pointer.
 */
int vcm_memtype_refill(struct vcm_memtype *type)
{
	return IS_ERR_OR_NULL(type) ? -EINVAL : vcm_memtype_refill_all(type);
}
EXPORT_SYMBOL_GPL(vcm_memtype_refill);

static void vcm_chunks_give(struct vcm_chunk *chunks, unsigned int nr)
{
	struct vcm_chunk *chunk;

	for (chunk = chunks; chunk < chunks + nr; chunk++) {
		struct vcm_pool *pool = chunk->pool;

		atomic64_sub(vcm_chunk_len(chunk), &pool->used);
		pool->ops->give(pool, chunk);
		cond_resched();
	}
}

/**
 * vcm_chunks_grow() - make room for more chunks
 * @chunks: the chunks
 * @room: for how many
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int vcm_chunks_grow(struct vcm_chunks *chunks, unsigned int room)
{
	struct vcm_chunk *chunk;

	chunk = kvrealloc(chunks->chunk, array_size(room, sizeof(*chunk)), GFP_KERNEL);
	if (!chunk)
		return -ENOMEM;
	chunks->chunk = chunk;
	chunks->room = room;
	return 0;
}

/*
 * In how many pieces does it come if nothing is taken? An errno if not even
 * then.
 */
static int vcm_memtype_count(struct vcm_memtype *type, struct size_plan plan)
{
	unsigned int nr = 0;

	while (size_plan_next(&plan)) {
		struct vcm_pool *pool = &type->pools[plan.source];

		if (pool->ops->could(pool, &plan)) {
			size_plan_took(&plan);
			nr++;
		} else {
			size_plan_skip(&plan);
		}
		cond_resched();
	}
	return plan.left ? -EOPNOTSUPP : nr;
}

static int vcm_memtype_carry_out(struct vcm_memtype *type, struct size_plan *plan,
				 bool zero, int nid, struct vcm_chunks *chunks)
{
	int err = vcm_memtype_count(type, *plan);

	if (err > 0)
		err = vcm_chunks_grow(chunks, err);
	while (!err && size_plan_next(plan)) {
		struct vcm_pool *pool = &type->pools[plan->source];
		struct vcm_chunk *chunk;

		if (chunks->nr == chunks->room) {
			err = vcm_chunks_grow(chunks, chunks->room * 3 / 2 + 1);
			if (err)
				break;
		}
		chunk = &chunks->chunk[chunks->nr];
		err = pool->ops->take(pool, plan, zero, nid, chunk);
		if (!err) {
			chunk->pool = pool;
			chunks->nr++;
			atomic64_add(plan->size * plan->count, &pool->used);
			size_plan_took(plan);
		} else if (err == -ENOSPC) {
			err = 0;
			size_plan_skip(plan);
		}
		/* Whoever is killed, for want of memory maybe, takes no more. */
		if (!err && plan->left && fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	}
	return !err && plan->left ? -ENOMEM : err;
}

/* Does the memory type have so much at all? */
static bool vcm_memtype_has(struct vcm_memtype *type, size_t len)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < type->nr_pools && sum < len; i++)
		sum += type->pools[i].ops->len(&type->pools[i]);
	return sum >= len;
}

/* What each pool of @type has on node @nid; to be freed. */
static unsigned long *vcm_memtype_sizes_on(struct vcm_memtype *type, int nid)
{
	unsigned long *sizes = kcalloc(type->nr_pools, sizeof(*sizes), GFP_KERNEL);
	unsigned int i;

	for (i = 0; sizes && i < type->nr_pools; i++)
		if (type->pools[i].nid == nid || type->pools[i].ops == &vcm_pool_pages)
			sizes[i] = type->sizes[i];
	return sizes;
}

static unsigned long vcm_attr_sizes(u32 attr)
{
	unsigned int least = VCM_BLOCKS_MIN(attr);
	unsigned int most = VCM_BLOCKS_MAX(attr) ?: BITS_PER_LONG - 1;

	if (least >= BITS_PER_LONG)
		return 0;
	return GENMASK(min_t(unsigned int, most, BITS_PER_LONG - 1), least);
}

/**
 * vcm_memtype_take() - get memory
 * @type: the memory type, NULL for "system", which it becomes
 * @len: bytes
 * @attr: attributes of vcm_phys_alloc()
 * @nid: node, or NUMA_NO_NODE
 * @chunks: where to put it; to be given back with vcm_memtype_give(), and then
 *          &vcm_chunks.chunk is to be freed
 *
 * On success a reference to @type is held.
 *
 * Context: May sleep.
 * Return: 0 or an errno of vcm_phys_alloc_node().
 */
int vcm_memtype_take(struct vcm_memtype **type, size_t len, u32 attr, int nid,
		     struct vcm_chunks *chunks)
{
	struct size_request req = {
		.len = len,
		.allowed = vcm_attr_sizes(attr),
		.align = BIT_ULL(VCM_ALIGN_ORDER(attr)),
		.contig = attr & VCM_CONTIG,
	};
	unsigned long *sizes, *on_node = NULL;
	struct size_plan plan;
	int err;

	*chunks = (struct vcm_chunks){};
	if (!*type)
		*type = &vcm_system;
	sizes = (*type)->sizes;
	if (nid != NUMA_NO_NODE) {
		on_node = vcm_memtype_sizes_on(*type, nid);
		if (!on_node)
			return -ENOMEM;
		sizes = on_node;
	}
	err = size_plan_init(&plan, sizes, (*type)->nr_pools, &req);
	if (err == -EOVERFLOW || (!err && !vcm_memtype_has(*type, plan.left)))
		err = -ENOMEM;
	if (!err)
		err = vcm_memtype_carry_out(*type, &plan, attr & VCM_ZERO, nid, chunks);
	kfree(on_node);
	if (err) {
		vcm_chunks_give(chunks->chunk, chunks->nr);
		kvfree(chunks->chunk);
		return err;
	}
	vcm_memtype_hold(*type);
	atomic_long_inc(&(*type)->nr_allocs);
	return 0;
}

/**
 * vcm_memtype_give() - give memory back
 * @type: the memory type, of which a reference is given back, too
 * @chunks: the memory
 * @nr: how many chunks
 *
 * Context: May sleep. Cannot fail, and allocates nothing.
 */
void vcm_memtype_give(struct vcm_memtype *type, struct vcm_chunk *chunks,
		      unsigned int nr)
{
	vcm_chunks_give(chunks, nr);
	atomic_long_dec(&type->nr_allocs);
	vcm_memtype_put(type);
}

static void vcm_memtype_show_one(struct seq_file *s, struct vcm_memtype *type)
{
	unsigned int i;

	seq_printf(s, "memory type %s: allocations: %ld\n", type->name,
		   atomic_long_read(&type->nr_allocs));
	for (i = 0; i < type->nr_pools; i++) {
		struct vcm_pool *pool = &type->pools[i];

		seq_printf(s, "  pool %u, %s: %lld KiB taken, blocks %#lx\n", i,
			   pool->ops->name, atomic64_read(&pool->used) >> 10,
			   type->sizes[i]);
		if (pool->ops->show)
			pool->ops->show(pool, s);
	}
}

/**
 * vcm_memtypes_visit() - do something with each memory type
 * @visit: what
 *
 * Context: The caller holds vcm_memtypes_lock.
 */
void vcm_memtypes_visit(void (*visit)(const struct vcm_memtype *type))
{
	struct vcm_memtype *type;

	lockdep_assert_held(&vcm_memtypes_lock);

	visit(&vcm_system);
	list_for_each_entry(type, &vcm_memtypes, node)
		visit(type);
}

/**
 * vcm_memtype_show() - what each memory type has, for people
 * @s: where to write it
 *
 * Context: May sleep.
 */
void vcm_memtype_show(struct seq_file *s)
{
	struct vcm_memtype *type;

	mutex_lock(&vcm_memtypes_lock);
	vcm_memtype_show_one(s, &vcm_system);
	list_for_each_entry(type, &vcm_memtypes, node)
		vcm_memtype_show_one(s, type);
	mutex_unlock(&vcm_memtypes_lock);
}
