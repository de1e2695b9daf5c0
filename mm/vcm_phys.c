// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: memory, and who maps it.
 *
 * An allocation is a list of chunks. Two trees make the way back from a
 * physical address to its mappers: an index of all chunks by page, which is
 * written when memory is allocated and freed, and in each allocation the
 * reservations that map it, by offset, which is all that backing touches.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "vcm_internal.h"

/**
 * struct vcm_memtype - a named source of memory
 * @name: what vcm_memtype_get() knows it by
 */
struct vcm_memtype {
	const char *name;
};

/* The page allocator. It is always there, so nobody counts references. */
static struct vcm_memtype vcm_system = { .name = "system" };

/* Every chunk of every allocation, by page. */
static DEFINE_SPINLOCK(vcm_chunks_lock);
static struct rb_root_cached vcm_chunks = RB_ROOT_CACHED;

static phys_addr_t vcm_chunk_pa(const struct vcm_chunk *chunk)
{
	return PFN_PHYS((phys_addr_t)chunk->pfns.start);
}

static size_t vcm_chunk_len(const struct vcm_chunk *chunk)
{
	return (size_t)(chunk->pfns.last - chunk->pfns.start + 1) << PAGE_SHIFT;
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
	if (IS_ERR_OR_NULL(name))
		return ERR_PTR(-EINVAL);
	return strcmp(name, vcm_system.name) ? ERR_PTR(-ENOENT) : &vcm_system;
}
EXPORT_SYMBOL_GPL(vcm_memtype_get);

/**
 * vcm_memtype_put() - give a memory type back
 * @type: from vcm_memtype_get()
 *
 * Context: May sleep.
 */
void vcm_memtype_put(struct vcm_memtype *type)
{
}
EXPORT_SYMBOL_GPL(vcm_memtype_put);

/*
 * While an allocation grows, its blocks are a list through &page.lru, and the
 * private field of the first page says how long the block is; bit 0 (lengths
 * are whole pages) that it was split into single pages.
 */
#define VCM_BLOCK_SPLIT		1UL
#define VCM_BLOCK_LEN(private)	((private) & PAGE_MASK)

static void vcm_free_block(struct page *page, size_t len, bool split)
{
	size_t i;

	if (!split) {
		__free_pages(page, get_order(len));
		return;
	}
	for (i = 0; i < len >> PAGE_SHIFT; i++)
		__free_page(page + i);
}

static void vcm_free_list(struct list_head *blocks)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, blocks, lru) {
		unsigned long private = page_private(page);

		list_del(&page->lru);
		set_page_private(page, 0);
		vcm_free_block(page, VCM_BLOCK_LEN(private),
			       private & VCM_BLOCK_SPLIT);
	}
}

/* Keep @len bytes of a block, give the rest back. */
static void vcm_trim_block(struct page *page, unsigned int order, size_t len)
{
	size_t i;

	split_page(page, order);
	for (i = len >> PAGE_SHIFT; i < BIT(order); i++)
		__free_page(page + i);
}

/*
 * One block of at most @len bytes, the largest first. A large one is taken if
 * it lies ready; only the smallest that will do is worth waiting for, and
 * nobody is killed for either.
 */
static struct page *vcm_alloc_block(size_t len, unsigned int least, gfp_t gfp)
{
	unsigned int order = clamp_t(unsigned int, ilog2(len >> PAGE_SHIFT),
				     least, MAX_PAGE_ORDER);
	struct page *page;

	for (; order > least; order--) {
		page = alloc_pages((gfp & ~__GFP_DIRECT_RECLAIM) |
				   __GFP_NORETRY, order);
		if (page)
			goto found;
	}
	page = alloc_pages(gfp | __GFP_RETRY_MAYFAIL, order);
	if (!page)
		return NULL;
found:
	if (PAGE_SIZE << order > len) {
		vcm_trim_block(page, order, len);
		set_page_private(page, len | VCM_BLOCK_SPLIT);
	} else {
		set_page_private(page, PAGE_SIZE << order);
	}
	return page;
}

/* @len bytes in blocks, appended to @blocks; returns how many, or an errno. */
static int vcm_alloc_list(struct list_head *blocks, size_t len, u32 attr)
{
	gfp_t gfp = GFP_KERNEL | __GFP_HIGHMEM | __GFP_NOWARN;
	unsigned int least = 0, nr = 0;
	struct page *page;

	if (attr & VCM_ZERO)
		gfp |= __GFP_ZERO;
	if (VCM_ALIGN_ORDER(attr) > PAGE_SHIFT)
		least = VCM_ALIGN_ORDER(attr) - PAGE_SHIFT;
	if (attr & VCM_CONTIG)
		least = max_t(unsigned int, least, get_order(len));
	if (least > MAX_PAGE_ORDER)
		return -EOPNOTSUPP;

	for (; len; len -= VCM_BLOCK_LEN(page_private(page)), nr++) {
		page = vcm_alloc_block(len, least, gfp);
		if (!page)
			return -ENOMEM;
		list_add_tail(&page->lru, blocks);
		cond_resched();
	}
	return nr;
}

static void vcm_index_chunk(struct vcm_chunk *chunk)
{
	spin_lock(&vcm_chunks_lock);
	interval_tree_insert(&chunk->pfns, &vcm_chunks);
	spin_unlock(&vcm_chunks_lock);
}

static void vcm_unindex_chunk(struct vcm_chunk *chunk)
{
	spin_lock(&vcm_chunks_lock);
	interval_tree_remove(&chunk->pfns, &vcm_chunks);
	spin_unlock(&vcm_chunks_lock);
}

static void vcm_phys_add_block(struct vcm_phys *phys, struct page *page)
{
	unsigned long private = page_private(page);
	size_t len = VCM_BLOCK_LEN(private);
	struct vcm_chunk *chunk = &phys->chunks[phys->nr_chunks++];

	list_del(&page->lru);
	set_page_private(page, 0);
	chunk->phys = phys;
	chunk->off = phys->len;
	chunk->split = private & VCM_BLOCK_SPLIT;
	chunk->pfns.start = page_to_pfn(page);
	chunk->pfns.last = chunk->pfns.start + (len >> PAGE_SHIFT) - 1;
	phys->len += len;
	vcm_index_chunk(chunk);
	cond_resched();
}

/**
 * vcm_phys_alloc() - allocate physical memory
 * @type: memory type, NULL for "system"
 * @len: bytes, rounded up to whole pages; vcm_get_phys_len() tells
 * @attr: VCM_CONTIG for one chunk, VCM_ZERO for cleared memory, VCM_ALIGN(order)
 *        for chunks that begin at multiples of 2^order bytes
 *
 * The memory comes in the largest blocks that the page allocator has ready,
 * and never in more than was asked for. Nothing is mapped, not even into the
 * CPU (which sees it through its linear map all the same).
 *
 * Context: May sleep.
 * Return: the allocation; or an ERR_PTR(): -EINVAL for no length or an unknown
 * attribute, -EOPNOTSUPP if the memory type has no blocks large enough for
 * VCM_CONTIG or VCM_ALIGN(), -ENOMEM.
 */
struct vcm_phys *vcm_phys_alloc(struct vcm_memtype *type, size_t len, u32 attr)
{
	struct page *page, *next;
	struct vcm_phys *phys;
	LIST_HEAD(blocks);
	int nr;

	if (IS_ERR(type) || !len || attr & ~VCM_PHYS_ATTRS)
		return ERR_PTR(-EINVAL);
	if (len > SIZE_MAX - PAGE_SIZE ||
	    PAGE_ALIGN(len) >> PAGE_SHIFT > totalram_pages())
		return ERR_PTR(-ENOMEM);

	nr = vcm_alloc_list(&blocks, PAGE_ALIGN(len), attr);
	if (nr < 0)
		goto free;
	phys = kvzalloc(struct_size(phys, chunks, nr), GFP_KERNEL);
	if (!phys) {
		nr = -ENOMEM;
		goto free;
	}
	phys->type = type ?: &vcm_system;
	refcount_set(&phys->users, 1);
	spin_lock_init(&phys->lock);
	phys->mappers = RB_ROOT_CACHED;
	list_for_each_entry_safe(page, next, &blocks, lru)
		vcm_phys_add_block(phys, page);
	return phys;

free:
	vcm_free_list(&blocks);
	return ERR_PTR(nr);
}
EXPORT_SYMBOL_GPL(vcm_phys_alloc);

/**
 * vcm_phys_free() - free physical memory
 * @phys: the allocation; not to be used any more
 *
 * Context: May sleep.
 * Return: 0; -EBUSY if a reservation is backed with it, nothing changes then;
 * -EINVAL for a bad pointer.
 */
int vcm_phys_free(struct vcm_phys *phys)
{
	unsigned int i;

	if (IS_ERR_OR_NULL(phys))
		return -EINVAL;
	if (!refcount_dec_if_one(&phys->users))
		return -EBUSY;

	WARN_ON_ONCE(!RB_EMPTY_ROOT(&phys->mappers.rb_root));
	for (i = 0; i < phys->nr_chunks; i++) {
		struct vcm_chunk *chunk = &phys->chunks[i];

		vcm_unindex_chunk(chunk);
		vcm_free_block(pfn_to_page(chunk->pfns.start),
			       vcm_chunk_len(chunk), chunk->split);
		cond_resched();
	}
	kvfree(phys);
	return 0;
}
EXPORT_SYMBOL_GPL(vcm_phys_free);

/**
 * vcm_phys_next_run() - walk an allocation in physically contiguous runs
 * @phys: the allocation
 * @chunk: where the walk stands; 0 to begin
 * @pa: where to put the run's physical address
 *
 * Return: bytes; 0 at the end.
 */
size_t vcm_phys_next_run(struct vcm_phys *phys, unsigned int *chunk,
			 phys_addr_t *pa)
{
	unsigned int i = *chunk;
	size_t len = 0;

	if (i == phys->nr_chunks)
		return 0;
	*pa = vcm_chunk_pa(&phys->chunks[i]);
	do {
		len += vcm_chunk_len(&phys->chunks[i++]);
	} while (i < phys->nr_chunks &&
		 vcm_chunk_pa(&phys->chunks[i]) == *pa + len);
	*chunk = i;
	return len;
}

/**
 * vcm_phys_add_mapper() - note that a reservation maps an allocation
 * @phys: the allocation, as a whole
 * @res: the reservation
 *
 * Context: The caller holds &vcm.res_lock of @res.
 */
void vcm_phys_add_mapper(struct vcm_phys *phys, struct vcm_res *res)
{
	lockdep_assert_held(&res->vcm->res_lock);

	res->mapper.start = 0;
	res->mapper.last = phys->len - 1;
	spin_lock(&phys->lock);
	interval_tree_insert(&res->mapper, &phys->mappers);
	res->phys = phys;
	spin_unlock(&phys->lock);
}

/**
 * vcm_phys_remove_mapper() - undo vcm_phys_add_mapper()
 * @phys: the allocation
 * @res: the reservation
 *
 * Context: The caller holds &vcm.res_lock of @res.
 */
void vcm_phys_remove_mapper(struct vcm_phys *phys, struct vcm_res *res)
{
	lockdep_assert_held(&res->vcm->res_lock);

	spin_lock(&phys->lock);
	interval_tree_remove(&res->mapper, &phys->mappers);
	res->phys = NULL;
	spin_unlock(&phys->lock);
}

static struct vcm_res *vcm_mapper_to_res(struct interval_tree_node *node)
{
	return node ? container_of(node, struct vcm_res, mapper) : NULL;
}

/**
 * vcm_phys_find_mapper() - who maps a byte of an allocation in a context?
 * @phys: the allocation
 * @off: the byte
 * @vcm: the context
 *
 * Context: The caller keeps @phys from being freed.
 * Return: a counted reference, or NULL.
 */
struct vcm_res *vcm_phys_find_mapper(struct vcm_phys *phys, size_t off,
				     struct vcm *vcm)
{
	struct interval_tree_node *node;
	struct vcm_res *res;

	spin_lock(&phys->lock);
	for (node = interval_tree_iter_first(&phys->mappers, off, off);
	     (res = vcm_mapper_to_res(node));
	     node = interval_tree_iter_next(node, off, off)) {
		if (res->vcm == vcm) {
			kref_get(&res->ref);
			break;
		}
	}
	spin_unlock(&phys->lock);
	return res;
}

/* The chunk that @pa belongs to, and where in the allocation it lies. */
static struct vcm_chunk *vcm_chunk_at(phys_addr_t pa, size_t *off)
{
	struct interval_tree_node *node;
	struct vcm_chunk *chunk;

	lockdep_assert_held(&vcm_chunks_lock);

	if (pa >> PAGE_SHIFT > ULONG_MAX)
		return NULL;
	node = interval_tree_iter_first(&vcm_chunks, PHYS_PFN(pa),
					PHYS_PFN(pa));
	if (!node)
		return NULL;
	chunk = container_of(node, struct vcm_chunk, pfns);
	*off = chunk->off + (size_t)(pa - vcm_chunk_pa(chunk));
	return chunk;
}

/**
 * vcm_get_phys_num_res() - how many reservations map a byte of memory?
 * @pa: physical address
 *
 * Context: Any but interrupts.
 * Return: the number.
 */
size_t vcm_get_phys_num_res(phys_addr_t pa)
{
	struct interval_tree_node *node;
	struct vcm_chunk *chunk;
	struct vcm_phys *phys;
	size_t off, nr = 0;

	spin_lock(&vcm_chunks_lock);
	chunk = vcm_chunk_at(pa, &off);
	if (chunk) {
		phys = chunk->phys;
		spin_lock(&phys->lock);
		for (node = interval_tree_iter_first(&phys->mappers, off, off);
		     node; node = interval_tree_iter_next(node, off, off))
			nr++;
		spin_unlock(&phys->lock);
	}
	spin_unlock(&vcm_chunks_lock);
	return nr;
}
EXPORT_SYMBOL_GPL(vcm_get_phys_num_res);

/**
 * vcm_get_next_phys_res() - iterate over the reservations that map a byte
 * @pa: physical address
 * @prev: where the iteration stands, NULL to begin; its reference is given
 *        back
 * @len: where to put how many bytes from @pa on are contiguous in the mapping
 *       and in memory; may be NULL
 *
 * If @prev has been unbacked meanwhile, the iteration ends: begin again.
 *
 * Context: Any but interrupts.
 * Return: a counted reference to the next one; NULL at the end.
 */
struct vcm_res *vcm_get_next_phys_res(phys_addr_t pa, struct vcm_res *prev,
				      size_t *len)
{
	struct interval_tree_node *node = NULL;
	struct vcm_res *res = NULL;
	struct vcm_chunk *chunk;
	struct vcm_phys *phys;
	size_t off;

	if (IS_ERR(prev))
		return NULL;
	spin_lock(&vcm_chunks_lock);
	chunk = vcm_chunk_at(pa, &off);
	if (chunk) {
		phys = chunk->phys;
		spin_lock(&phys->lock);
		if (!prev)
			node = interval_tree_iter_first(&phys->mappers, off,
							off);
		else if (prev->phys == phys)
			node = interval_tree_iter_next(&prev->mapper, off, off);
		res = vcm_mapper_to_res(node);
		if (res)
			kref_get(&res->ref);
		spin_unlock(&phys->lock);
	}
	if (res && len)
		*len = vcm_chunk_len(chunk) - (off - chunk->off);
	spin_unlock(&vcm_chunks_lock);
	vcm_res_put(prev);
	return res;
}
EXPORT_SYMBOL_GPL(vcm_get_next_phys_res);

/**
 * vcm_get_memtype_of_physalloc() - where the memory comes from
 * @phys: the allocation
 *
 * Context: Any.
 * Return: the memory type, without a reference; ERR_PTR(-EINVAL) for a bad
 * pointer.
 */
struct vcm_memtype *vcm_get_memtype_of_physalloc(struct vcm_phys *phys)
{
	return IS_ERR_OR_NULL(phys) ? ERR_PTR(-EINVAL) : phys->type;
}
EXPORT_SYMBOL_GPL(vcm_get_memtype_of_physalloc);

/**
 * vcm_get_phys_len() - how much memory an allocation is
 * @phys: the allocation
 *
 * Context: Any.
 * Return: bytes, the sum of its chunks; 0 for a bad pointer.
 */
size_t vcm_get_phys_len(struct vcm_phys *phys)
{
	return IS_ERR_OR_NULL(phys) ? 0 : phys->len;
}
EXPORT_SYMBOL_GPL(vcm_get_phys_len);

/**
 * vcm_get_chunk() - one chunk of an allocation
 * @phys: the allocation
 * @index: which one, from 0 on
 * @pa: where to put its physical address
 * @len: where to put its length in bytes
 *
 * Context: Any.
 * Return: 0; -ENOENT after the last one; -EINVAL for a bad pointer.
 */
int vcm_get_chunk(struct vcm_phys *phys, unsigned int index, phys_addr_t *pa,
		  size_t *len)
{
	if (IS_ERR_OR_NULL(phys) || !pa || !len)
		return -EINVAL;
	if (index >= phys->nr_chunks)
		return -ENOENT;
	*pa = vcm_chunk_pa(&phys->chunks[index]);
	*len = vcm_chunk_len(&phys->chunks[index]);
	return 0;
}
EXPORT_SYMBOL_GPL(vcm_get_chunk);
