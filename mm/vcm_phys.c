// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: memory, and who maps it.
 *
 * An allocation is a list of chunks. Two trees make the way back from a
 * physical address to its mappers: an index of all chunks by page, which is
 * written when memory is allocated and freed, and in each allocation the
 * reservations that map it, by offset, which is all that backing touches.
 *
 * What memory is, its physical address says. Pools give no page out twice, but
 * whoever wraps memory of others may do it again, or do it with memory of a
 * pool; so a page may be in several allocations, and is looked for in all.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "vcm_internal.h"

/* Every chunk of every allocation, by page. */
static DEFINE_SPINLOCK(vcm_chunks_lock);
static struct rb_root_cached vcm_chunks = RB_ROOT_CACHED;

static struct vcm_chunk *vcm_node_to_chunk(struct interval_tree_node *node)
{
	return node ? container_of(node, struct vcm_chunk, pfns) : NULL;
}

/* A chunk that @pa belongs to; there is one for each allocation it is in. */
static struct vcm_chunk *vcm_first_chunk_at(phys_addr_t pa)
{
	lockdep_assert_held(&vcm_chunks_lock);

	if (pa >> PAGE_SHIFT > ULONG_MAX)
		return NULL;
	return vcm_node_to_chunk(interval_tree_iter_first(&vcm_chunks,
							  PHYS_PFN(pa),
							  PHYS_PFN(pa)));
}

static struct vcm_chunk *vcm_next_chunk_at(struct vcm_chunk *chunk,
					   phys_addr_t pa)
{
	return vcm_node_to_chunk(interval_tree_iter_next(&chunk->pfns,
							 PHYS_PFN(pa),
							 PHYS_PFN(pa)));
}

#define vcm_for_each_chunk_at(chunk, pa)				\
	for ((chunk) = vcm_first_chunk_at(pa); (chunk);			\
	     (chunk) = vcm_next_chunk_at(chunk, pa))

/* Where in its allocation does it have the byte? */
static size_t vcm_chunk_off(const struct vcm_chunk *chunk, phys_addr_t pa)
{
	return chunk->off + (size_t)(pa - vcm_chunk_pa(chunk));
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

static void vcm_phys_add_chunk(struct vcm_phys *phys, struct vcm_chunk *chunk)
{
	chunk->phys = phys;
	chunk->off = phys->len;
	phys->len += vcm_chunk_len(chunk);
	vcm_index_chunk(chunk);
	cond_resched();
}

/**
 * vcm_phys_publish() - make an allocation of memory
 * @phys: the allocation, cleared but for what is immutable
 * @chunks: the memory
 *
 * Context: May sleep. Cannot fail, and allocates nothing.
 */
void vcm_phys_publish(struct vcm_phys *phys, struct vcm_chunks *chunks)
{
	unsigned int i;

	refcount_set(&phys->users, 1);
	spin_lock_init(&phys->lock);
	phys->mappers = RB_ROOT_CACHED;
	phys->nr_chunks = chunks->nr;
	phys->chunks = chunks->chunk;
	for (i = 0; i < chunks->nr; i++)
		vcm_phys_add_chunk(phys, &phys->chunks[i]);
}

/**
 * vcm_phys_alloc_node() - allocate physical memory on a node
 * @type: memory type, NULL for "system"
 * @len: bytes, rounded up; see vcm_phys_alloc()
 * @attr: attributes; see vcm_phys_alloc()
 * @nid: a NUMA node, or NUMA_NO_NODE for any; all of the memory is on it
 *
 * Context: May sleep.
 * Return: the allocation; or an ERR_PTR(): -EINVAL if there is no such node,
 * -EOPNOTSUPP if the memory type has nothing there, and as vcm_phys_alloc().
 */
struct vcm_phys *vcm_phys_alloc_node(struct vcm_memtype *type, size_t len,
				     u32 attr, int nid)
{
	struct vcm_chunks chunks;
	struct vcm_phys *phys;
	int err;

	if (IS_ERR(type) || !len || attr & ~VCM_PHYS_ATTRS)
		return ERR_PTR(-EINVAL);
	if (VCM_BLOCKS_MAX(attr) && VCM_BLOCKS_MIN(attr) > VCM_BLOCKS_MAX(attr))
		return ERR_PTR(-EINVAL);
	if (!vcm_cache_is_one(attr))
		return ERR_PTR(-EINVAL);
	if (nid != NUMA_NO_NODE &&
	    (nid < 0 || nid >= MAX_NUMNODES || !node_online(nid)))
		return ERR_PTR(-EINVAL);

	phys = kzalloc(sizeof(*phys), GFP_KERNEL);
	if (!phys)
		return ERR_PTR(-ENOMEM);
	err = vcm_memtype_take(&type, len, attr, nid, &chunks);
	if (err)
		goto free;
	err = vcm_cache_apply(phys, &chunks, attr & VCM_CACHE_MASK);
	if (err)
		goto give;
	phys->type = type;
	phys->attr |= VCM_READ | VCM_WRITE;
	vcm_phys_publish(phys, &chunks);
	return phys;

give:
	vcm_memtype_give(type, chunks.chunk, chunks.nr);
	kvfree(chunks.chunk);
free:
	kfree(phys);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(vcm_phys_alloc_node);

/**
 * vcm_phys_alloc() - allocate physical memory
 * @type: memory type, NULL for "system"
 * @len: bytes, rounded up to whole blocks of the smallest size that the memory
 *       type has and @attr allows; vcm_get_phys_len() tells
 * @attr: VCM_CONTIG for one chunk, VCM_ZERO for cleared memory, VCM_ALIGN(order)
 *        for chunks that begin at multiples of 2^order bytes, VCM_BLOCKS(min,
 *        max) for blocks of 2^min to 2^max bytes and no others; VCM_CACHED,
 *        VCM_UNCACHED or VCM_WC for memory that is this and nothing else
 *
 * The memory comes in the largest blocks that are there and not too much; then
 * from smaller ones; then from the next pool of the memory type. Nothing is
 * mapped, not even into the CPU (which sees most memory through its linear map
 * all the same). For VCM_UNCACHED and VCM_WC the linear map is made to agree, or
 * the memory is taken out of it, until it is freed: the kernel sees it through a
 * reservation of a context of the kernel, and not by page_address().
 *
 * Context: May sleep.
 * Return: the allocation; or an ERR_PTR(): -EINVAL for no length, an unknown
 * attribute, two cacheabilities or a bad memory type; -EOPNOTSUPP if the memory
 * type cannot do what @attr asks for, even if nothing of it is taken; -ENOMEM;
 * -EINTR if the calling process is being killed.
 */
struct vcm_phys *vcm_phys_alloc(struct vcm_memtype *type, size_t len, u32 attr)
{
	return vcm_phys_alloc_node(type, len, attr, NUMA_NO_NODE);
}
EXPORT_SYMBOL_GPL(vcm_phys_alloc);

static void vcm_phys_destroy(struct vcm_phys *phys)
{
	unsigned int i;

	WARN_ON_ONCE(!RB_EMPTY_ROOT(&phys->mappers.rb_root));
	WARN_ON_ONCE(phys->pins);
	for (i = 0; i < phys->nr_chunks; i++) {
		vcm_unindex_chunk(&phys->chunks[i]);
		cond_resched();
	}
	/* Memory that looks wrong to the kernel is better lost. */
	if (!phys->type)
		vcm_foreign_release(phys);
	else if (!vcm_cache_undo(phys->chunks, phys->nr_chunks, phys->attr))
		vcm_memtype_give(phys->type, phys->chunks, phys->nr_chunks);
	kvfree(phys->chunks);
	kfree(phys);
}

/* With what a failed move left in limbo. */
static void vcm_phys_destroy_all(struct vcm_phys *phys)
{
	struct vcm_phys *limbo;

	for (; phys; phys = limbo) {
		limbo = phys->limbo;
		vcm_phys_destroy(phys);
	}
}

/**
 * vcm_phys_free() - free physical memory
 * @phys: the allocation; not to be used any more
 *
 * Memory that is somebody else's is let go.
 *
 * Context: May sleep.
 * Return: 0; -EBUSY if a reservation is backed with it, a dma-buf is made of it,
 * or somebody got it from one, nothing changes then; -EINVAL for a bad pointer.
 */
int vcm_phys_free(struct vcm_phys *phys)
{
	if (IS_ERR_OR_NULL(phys))
		return -EINVAL;
	if (!refcount_dec_if_one(&phys->users))
		return -EBUSY;
	vcm_phys_destroy_all(phys);
	return 0;
}
EXPORT_SYMBOL_GPL(vcm_phys_free);

/**
 * vcm_phys_put() - give an allocation up
 * @phys: the allocation; not to be used any more
 *
 * For whoever got @phys from vcm_dma_buf_get_phys(); and for whoever allocated
 * it, exported it as a dma-buf, and does not wait for that to be released: the
 * memory is freed with the last of all these. Whatever the caller has backed
 * with @phys is to be unbacked before.
 *
 * Context: May sleep.
 */
void vcm_phys_put(struct vcm_phys *phys)
{
	if (!IS_ERR_OR_NULL(phys) && refcount_dec_and_test(&phys->users))
		vcm_phys_destroy_all(phys);
}
EXPORT_SYMBOL_GPL(vcm_phys_put);

/**
 * vcm_phys_pin() - keep an allocation where it is
 * @phys: the allocation; the caller is one of its users
 *
 * For those who tell others its physical addresses.
 *
 * Context: Any but interrupts.
 * Return: 0; -EAGAIN if it is being moved right now. That is not waited for:
 * whoever moves it may be waiting for a lock that the caller holds.
 */
int vcm_phys_pin(struct vcm_phys *phys)
{
	int ret = -EAGAIN;

	spin_lock(&phys->lock);
	if (!phys->moving) {
		phys->pins++;
		ret = 0;
	}
	spin_unlock(&phys->lock);
	return ret;
}

/**
 * vcm_phys_pin_again() - the same for an allocation that is pinned
 * @phys: the allocation
 *
 * Context: Any but interrupts.
 */
void vcm_phys_pin_again(struct vcm_phys *phys)
{
	spin_lock(&phys->lock);
	WARN_ON_ONCE(!phys->pins);
	phys->pins++;
	spin_unlock(&phys->lock);
}

/**
 * vcm_phys_unpin() - undo vcm_phys_pin()
 * @phys: the allocation
 *
 * Context: Any but interrupts.
 */
void vcm_phys_unpin(struct vcm_phys *phys)
{
	spin_lock(&phys->lock);
	WARN_ON_ONCE(!phys->pins);
	phys->pins--;
	spin_unlock(&phys->lock);
}

/**
 * vcm_phys_swap() - exchange the memory of two allocations
 * @a: one, from a memory type
 * @b: the other, from a memory type and of the same length; nobody else knows it
 *
 * Context: Nobody walks the chunks of @a.
 */
void vcm_phys_swap(struct vcm_phys *a, struct vcm_phys *b)
{
	unsigned int i;

	spin_lock(&vcm_chunks_lock);
	spin_lock(&a->lock);
	for (i = 0; i < a->nr_chunks; i++)
		a->chunks[i].phys = b;
	for (i = 0; i < b->nr_chunks; i++)
		b->chunks[i].phys = a;
	swap(a->chunks, b->chunks);
	swap(a->nr_chunks, b->nr_chunks);
	swap(a->type, b->type);
	swap(a->attr, b->attr);
	swap(a->linear, b->linear);
	spin_unlock(&a->lock);
	spin_unlock(&vcm_chunks_lock);
}

static bool vcm_phys_has_mapper(struct vcm_phys *phys,
				const struct vcm_res *except)
{
	struct vcm_piece *piece;

	lockdep_assert_held(&phys->lock);

	vcm_phys_for_each_piece(phys, piece)
		if (piece->res != except)
			return true;
	return false;
}

/*
 * What the mappers of @chunk have decided, and of what else is an allocation of
 * the same memory. Another one may also have it for good.
 */
static u32 vcm_chunk_mapped_as(struct vcm_chunk *chunk,
			       const struct vcm_res *except)
{
	struct interval_tree_node *node;
	u32 as = 0;

	lockdep_assert_held(&vcm_chunks_lock);

	for (node = interval_tree_iter_first(&vcm_chunks, chunk->pfns.start,
					     chunk->pfns.last);
	     node && !as;
	     node = interval_tree_iter_next(node, chunk->pfns.start,
					    chunk->pfns.last)) {
		struct vcm_phys *phys;

		phys = vcm_node_to_chunk(node)->phys;
		if (phys != chunk->phys)
			as = phys->attr & VCM_CACHE_MASK;
		spin_lock(&phys->lock);
		if (!as && vcm_phys_has_mapper(phys, except))
			as = phys->mapped_as;
		spin_unlock(&phys->lock);
	}
	return as;
}

/**
 * vcm_phys_mapped_as() - what others have made of memory
 * @phys: the allocation
 * @except: a reservation whose mappings don't count, or NULL
 *
 * That is, how its mappers map it, if it leaves that open to them; and other
 * allocations of the same memory.
 *
 * Context: Any but interrupts. The caller holds vcm_cache_lock.
 * Return: VCM_CACHED, VCM_UNCACHED or VCM_WC; 0 if that is nothing.
 */
u32 vcm_phys_mapped_as(struct vcm_phys *phys, const struct vcm_res *except)
{
	unsigned int i;
	u32 as = 0;

	lockdep_assert_held(&vcm_cache_lock);

	spin_lock(&vcm_chunks_lock);
	for (i = 0; i < phys->nr_chunks && !as; i++)
		as = vcm_chunk_mapped_as(&phys->chunks[i], except);
	spin_unlock(&vcm_chunks_lock);
	return as;
}

/**
 * vcm_phys_count_mappers() - how often is it mapped?
 * @phys: the allocation
 *
 * Context: Any but interrupts. The caller keeps @phys from being freed.
 * Return: the number of pieces.
 */
size_t vcm_phys_count_mappers(struct vcm_phys *phys)
{
	struct vcm_piece *piece;
	size_t nr = 0;

	spin_lock(&phys->lock);
	vcm_phys_for_each_piece(phys, piece)
		nr++;
	spin_unlock(&phys->lock);
	return nr;
}

static struct vcm_piece *vcm_first_mapper(struct vcm_phys *phys, size_t off)
{
	lockdep_assert_held(&phys->lock);

	return vcm_mapper_to_piece(interval_tree_iter_first(&phys->mappers,
							    off, off));
}

static struct vcm_piece *vcm_next_mapper(struct vcm_piece *piece, size_t off)
{
	return vcm_mapper_to_piece(interval_tree_iter_next(&piece->mapper, off,
							   off));
}

/* The piece of a context that maps a byte, and is the first to. */
static bool vcm_find_addr(struct vcm_phys *phys, size_t off, struct vcm *vcm,
			  dma_addr_t *addr)
{
	struct vcm_piece *piece;

	/* Who is a mapper stays where it is. */
	for (piece = vcm_first_mapper(phys, off); piece;
	     piece = vcm_next_mapper(piece, off)) {
		if (piece->res->vcm != vcm)
			continue;
		*addr = vcm_piece_addr(piece) + (off - piece->mapper.start);
		return true;
	}
	return false;
}

/* The same by way of all allocations that the byte is in. */
static bool vcm_find_addr_anywhere(struct vcm_phys *phys, size_t off,
				   struct vcm *vcm, dma_addr_t *addr)
{
	struct vcm_phys_iter iter;
	struct vcm_chunk *chunk;
	bool found = false;
	phys_addr_t pa;

	spin_lock(&vcm_chunks_lock);
	spin_lock(&phys->lock);
	iter = vcm_phys_iter_of(phys, off, 1);
	vcm_phys_iter_next(&iter, &pa);
	spin_unlock(&phys->lock);
	vcm_for_each_chunk_at(chunk, pa) {
		spin_lock(&chunk->phys->lock);
		found = vcm_find_addr(chunk->phys, vcm_chunk_off(chunk, pa),
				      vcm, addr);
		spin_unlock(&chunk->phys->lock);
		if (found)
			break;
	}
	spin_unlock(&vcm_chunks_lock);
	return found;
}

/**
 * vcm_phys_find_addr() - where does a context see a byte of an allocation?
 * @phys: the allocation
 * @off: the byte
 * @vcm: the context
 * @addr: where to put the address
 *
 * The memory may be in other allocations as well: they are asked if the context
 * does not map this one.
 *
 * Context: The caller keeps @phys from being freed.
 * Return: 0, or -ENOENT if it does not see it.
 */
int vcm_phys_find_addr(struct vcm_phys *phys, size_t off, struct vcm *vcm,
		       dma_addr_t *addr)
{
	bool found;

	spin_lock(&phys->lock);
	found = vcm_find_addr(phys, off, vcm, addr);
	spin_unlock(&phys->lock);
	if (!found)
		found = vcm_find_addr_anywhere(phys, off, vcm, addr);
	return found ? 0 : -ENOENT;
}

/* Is some of [@first, @last] of a chunk, by page, in a range of @res? */
static bool vcm_chunk_is_in(struct vcm_chunk *chunk, phys_addr_t first,
			    phys_addr_t last, struct vcm_res *res,
			    size_t res_first, size_t res_last)
{
	phys_addr_t pa = vcm_chunk_pa(chunk);
	size_t from = vcm_chunk_off(chunk, max(first, pa));
	size_t to = chunk->off + min(last - pa, vcm_chunk_len(chunk) - 1);
	struct vcm_phys *phys = chunk->phys;
	struct interval_tree_node *node;
	bool found = false;

	spin_lock(&phys->lock);
	for (node = interval_tree_iter_first(&phys->mappers, from, to);
	     node && !found;
	     node = interval_tree_iter_next(node, from, to)) {
		struct vcm_piece *piece = vcm_mapper_to_piece(node);
		size_t low = max(from, node->start) - node->start;
		size_t high = min(to, node->last) - node->start;

		found = piece->res == res && piece->off + low <= res_last &&
			piece->off + high >= res_first;
	}
	spin_unlock(&phys->lock);
	return found;
}

/**
 * vcm_memory_is_in() - is some of this memory in a range of a reservation?
 * @pa: first physical address
 * @len: bytes
 * @res: the reservation
 * @res_first: first byte of the range
 * @res_last: last byte of the range, inclusive
 *
 * Context: Any but interrupts.
 * Return: true if at least one byte is, by way of whatever allocation.
 */
bool vcm_memory_is_in(phys_addr_t pa, size_t len, struct vcm_res *res,
		      size_t res_first, size_t res_last)
{
	phys_addr_t last = pa + (len - 1);
	struct interval_tree_node *node;
	bool found = false;

	spin_lock(&vcm_chunks_lock);
	for (node = interval_tree_iter_first(&vcm_chunks, PHYS_PFN(pa),
					     PHYS_PFN(last));
	     node && !found;
	     node = interval_tree_iter_next(node, PHYS_PFN(pa), PHYS_PFN(last)))
		found = vcm_chunk_is_in(vcm_node_to_chunk(node), pa, last, res,
					res_first, res_last);
	spin_unlock(&vcm_chunks_lock);
	return found;
}

/*
 * A reservation may map a byte more than once, and by way of more than one
 * allocation, and is visited once: at its first piece if that maps the byte,
 * which costs no search, or else at whichever comes first, by chunk and then in
 * the tree of its allocation.
 *
 * The caller holds vcm_chunks_lock: no chunk comes or goes, and with it no
 * allocation. Where a piece is filed may change unless the lock of that
 * allocation is held, too; a reservation that changes meanwhile may be missed.
 */

static bool vcm_piece_maps(const struct vcm_piece *piece,
			   const struct vcm_phys *phys, size_t off)
{
	return READ_ONCE(piece->filed) == phys && piece->mapper.start <= off &&
	       piece->mapper.last >= off;
}

/* By way of which chunk does the first piece map the byte? */
static struct vcm_chunk *vcm_chunk_of_first(struct vcm_res *res, phys_addr_t pa)
{
	struct vcm_chunk *chunk;

	vcm_for_each_chunk_at(chunk, pa)
		if (vcm_piece_maps(&res->first, chunk->phys,
				   vcm_chunk_off(chunk, pa)))
			break;
	return chunk;
}

/* The piece at which to visit a reservation if it is to be by this chunk. */
static struct vcm_piece *vcm_chunk_visit(struct vcm_chunk *chunk,
					 phys_addr_t pa, struct vcm_res *res)
{
	size_t off = vcm_chunk_off(chunk, pa);
	struct vcm_phys *phys = chunk->phys;
	struct vcm_piece *piece;

	lockdep_assert_held(&phys->lock);

	if (vcm_piece_maps(&res->first, phys, off))
		return &res->first;
	for (piece = vcm_first_mapper(phys, off); piece;
	     piece = vcm_next_mapper(piece, off))
		if (piece->res == res)
			break;
	return piece;
}

static bool vcm_chunk_has_visit(struct vcm_chunk *chunk, phys_addr_t pa,
				struct vcm_res *res)
{
	bool found;

	spin_lock_nest_lock(&chunk->phys->lock, &vcm_chunks_lock);
	found = vcm_chunk_visit(chunk, pa, res);
	spin_unlock(&chunk->phys->lock);
	return found;
}

/* By way of which chunk to visit a reservation? The lock of @locked is held. */
static struct vcm_chunk *vcm_chunk_to_visit(struct vcm_res *res, phys_addr_t pa,
					    struct vcm_phys *locked)
{
	struct vcm_chunk *chunk = vcm_chunk_of_first(res, pa);

	if (chunk)
		return chunk;
	vcm_for_each_chunk_at(chunk, pa)
		if (chunk->phys == locked ? !!vcm_chunk_visit(chunk, pa, res) :
					    vcm_chunk_has_visit(chunk, pa, res))
			break;
	return chunk;
}

/* From @piece on, the first one at which its reservation is visited. */
static struct vcm_piece *vcm_piece_to_visit(struct vcm_chunk *chunk,
					    phys_addr_t pa,
					    struct vcm_piece *piece)
{
	lockdep_assert_held(&chunk->phys->lock);

	for (; piece; piece = vcm_next_mapper(piece, vcm_chunk_off(chunk, pa)))
		if (piece == vcm_chunk_visit(chunk, pa, piece->res) &&
		    chunk == vcm_chunk_to_visit(piece->res, pa, chunk->phys))
			break;
	return piece;
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
	struct vcm_piece *piece;
	struct vcm_chunk *chunk;
	size_t nr = 0;

	spin_lock(&vcm_chunks_lock);
	vcm_for_each_chunk_at(chunk, pa) {
		struct vcm_phys *phys = chunk->phys;
		size_t off = vcm_chunk_off(chunk, pa);

		spin_lock_nest_lock(&phys->lock, &vcm_chunks_lock);
		piece = vcm_piece_to_visit(chunk, pa,
					   vcm_first_mapper(phys, off));
		for (; piece; nr++)
			piece = vcm_piece_to_visit(chunk, pa,
						   vcm_next_mapper(piece, off));
		spin_unlock(&phys->lock);
	}
	spin_unlock(&vcm_chunks_lock);
	return nr;
}
EXPORT_SYMBOL_GPL(vcm_get_phys_num_res);

/* The next place after where @prev is visited, if any, by way of this chunk. */
static struct vcm_res *vcm_chunk_next_res(struct vcm_chunk *chunk,
					  phys_addr_t pa, struct vcm_res *prev,
					  size_t *len)
{
	size_t off = vcm_chunk_off(chunk, pa);
	struct vcm_phys *phys = chunk->phys;
	struct vcm_res *res = NULL;
	struct vcm_piece *piece;

	spin_lock_nest_lock(&phys->lock, &vcm_chunks_lock);
	if (prev) {
		piece = vcm_chunk_visit(chunk, pa, prev);
		if (piece)
			piece = vcm_next_mapper(piece, off);
	} else {
		piece = vcm_first_mapper(phys, off);
	}
	piece = vcm_piece_to_visit(chunk, pa, piece);
	if (piece) {
		res = piece->res;
		kref_get(&res->ref);
		if (len)
			*len = min(chunk->off + vcm_chunk_len(chunk),
				   piece->mapper.last + 1) - off;
	}
	spin_unlock(&phys->lock);
	return res;
}

/**
 * vcm_get_next_phys_res() - iterate over the reservations that map a byte
 * @pa: physical address
 * @prev: where the iteration stands, NULL to begin; its reference is given
 *        back
 * @len: where to put how many bytes from @pa on are contiguous in the mapping
 *       and in memory; may be NULL
 *
 * A reservation that maps the byte more than once is visited once, and so it is
 * if the byte is in several allocations. If @prev has been unbacked meanwhile,
 * the iteration ends: begin again.
 *
 * Context: Any but interrupts.
 * Return: a counted reference to the next one; NULL at the end.
 */
struct vcm_res *vcm_get_next_phys_res(phys_addr_t pa, struct vcm_res *prev,
				      size_t *len)
{
	struct vcm_res *res = NULL, *from = prev;
	struct vcm_chunk *chunk;

	if (IS_ERR(prev))
		return NULL;
	spin_lock(&vcm_chunks_lock);
	chunk = prev ? vcm_chunk_to_visit(prev, pa, NULL) :
		       vcm_first_chunk_at(pa);
	for (; chunk && !res; chunk = vcm_next_chunk_at(chunk, pa)) {
		res = vcm_chunk_next_res(chunk, pa, from, len);
		from = NULL;
	}
	spin_unlock(&vcm_chunks_lock);
	vcm_res_put(prev);
	return res;
}
EXPORT_SYMBOL_GPL(vcm_get_next_phys_res);

/* The piece that a cursor stands on, and its chunk; NULL if it is gone. */
static struct vcm_piece *vcm_mapper_find(const struct vcm_mapper *mapper,
					 struct vcm_chunk **chunk)
{
	unsigned long pfn = PHYS_PFN(mapper->pa);
	struct interval_tree_node *node;
	struct vcm_piece *piece;
	size_t off;

	lockdep_assert_held(&vcm_chunks_lock);

	piece = vcm_res_find_piece(mapper->res, mapper->off, mapper->off);
	if (!piece)
		return NULL;
	off = mapper->off - piece->off + piece->mapper.start;
	for (node = interval_tree_iter_first(&vcm_chunks, pfn, pfn); node;
	     node = interval_tree_iter_next(node, pfn, pfn)) {
		*chunk = vcm_node_to_chunk(node);
		if ((*chunk)->phys == piece->phys &&
		    (*chunk)->off + (mapper->pa - vcm_chunk_pa(*chunk)) == off)
			return piece;
	}
	return NULL;
}

/* The first piece after @prev, if any, that maps some of the range in @chunk. */
static bool vcm_mapper_in_chunk(struct vcm_mapper *mapper,
				struct vcm_chunk *chunk, struct vcm_piece *prev,
				phys_addr_t first, phys_addr_t last)
{
	phys_addr_t pa = vcm_chunk_pa(chunk);
	size_t low = chunk->off + (max(first, pa) - pa);
	size_t high = chunk->off + min(last - pa, vcm_chunk_len(chunk) - 1);
	struct vcm_phys *phys = chunk->phys;
	struct interval_tree_node *node;
	struct vcm_piece *piece;

	spin_lock(&phys->lock);
	if (prev)
		node = interval_tree_iter_next(&prev->mapper, low, high);
	else
		node = interval_tree_iter_first(&phys->mappers, low, high);
	piece = vcm_mapper_to_piece(node);
	if (piece) {
		low = max(low, piece->mapper.start);
		high = min(high, piece->mapper.last);
		*mapper = (struct vcm_mapper){
			.res = piece->res, .phys = phys,
			.off = piece->off + (low - piece->mapper.start),
			.pa = pa + (low - chunk->off), .len = high - low + 1,
		};
		kref_get(&piece->res->ref);
	}
	spin_unlock(&phys->lock);
	return piece;
}

static bool vcm_mapper_next(phys_addr_t first, phys_addr_t last,
			    struct vcm_mapper *mapper)
{
	unsigned long first_pfn = PHYS_PFN(first), last_pfn = PHYS_PFN(last);
	struct vcm_piece *prev = NULL;
	struct vcm_chunk *chunk;

	if (mapper->res)
		prev = vcm_mapper_find(mapper, &chunk);
	/* If it is gone, go over its chunk again: rather twice than never. */
	if (!prev) {
		unsigned long from = mapper->res ? PHYS_PFN(mapper->pa) :
						   first_pfn;
		struct interval_tree_node *node;

		node = interval_tree_iter_first(&vcm_chunks, from, last_pfn);
		chunk = vcm_node_to_chunk(node);
	}
	while (chunk) {
		if (vcm_mapper_in_chunk(mapper, chunk, prev, first, last))
			return true;
		prev = NULL;
		chunk = vcm_node_to_chunk(interval_tree_iter_next(&chunk->pfns,
								  first_pfn,
								  last_pfn));
	}
	return false;
}

/* One step of the iteration; the place where it stands cannot change. */
static bool vcm_mapper_step(phys_addr_t first, phys_addr_t last,
			    struct vcm_mapper *mapper)
{
	bool found;

	spin_lock(&vcm_chunks_lock);
	found = vcm_mapper_next(first, last, mapper);
	if (!found)
		mapper->res = NULL;
	spin_unlock(&vcm_chunks_lock);
	return found;
}

/**
 * vcm_get_next_mapper() - iterate over all that maps a range of memory
 * @pa: first physical address
 * @len: bytes
 * @mapper: where the iteration stands; &vcm_mapper.res is NULL to begin, and
 *          its reference is given back
 *
 * By physical address, and then once for each piece of a reservation that maps
 * some of the memory. What is unbacked, or moved away, while the loop runs is
 * not visited any more. What was unbacked while it was visited makes the loop
 * go over the same chunk of memory again: it may visit a place twice, but does
 * not leave one out.
 *
 * Costs O(log n), and a step for each place.
 *
 * Context: Any but interrupts. Takes &vcm.res_lock of the previous place.
 * Return: true, and the next place in @mapper; false at the end, and for a bad
 * pointer or no length, with &vcm_mapper.res NULL.
 */
bool vcm_get_next_mapper(phys_addr_t pa, size_t len, struct vcm_mapper *mapper)
{
	struct vcm_res *prev;
	phys_addr_t last;
	bool found;

	if (IS_ERR_OR_NULL(mapper))
		return false;
	prev = mapper->res;
	if (!len) {
		mapper->res = NULL;
		vcm_res_put(prev);
		return false;
	}
	if (check_add_overflow(pa, (phys_addr_t)len - 1, &last))
		last = PHYS_ADDR_MAX;
	if (!prev)
		return vcm_mapper_step(pa, last, mapper);
	spin_lock(&prev->vcm->res_lock);
	found = vcm_mapper_step(pa, last, mapper);
	spin_unlock(&prev->vcm->res_lock);
	vcm_res_put(prev);
	return found;
}
EXPORT_SYMBOL_GPL(vcm_get_next_mapper);

/**
 * vcm_get_memtype_of_physalloc() - where the memory comes from
 * @phys: the allocation
 *
 * Context: Any.
 * Return: the memory type, without a reference; ERR_PTR(-ENODEV) if the memory
 * comes from elsewhere; ERR_PTR(-EINVAL) for a bad pointer.
 */
struct vcm_memtype *vcm_get_memtype_of_physalloc(struct vcm_phys *phys)
{
	if (IS_ERR_OR_NULL(phys))
		return ERR_PTR(-EINVAL);
	return READ_ONCE(phys->type) ?: ERR_PTR(-ENODEV);
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
 * Context: Any but interrupts.
 * Return: 0; -ENOENT after the last one; -EINVAL for a bad pointer.
 */
int vcm_get_chunk(struct vcm_phys *phys, unsigned int index, phys_addr_t *pa,
		  size_t *len)
{
	int ret = -ENOENT;

	if (IS_ERR_OR_NULL(phys) || !pa || !len)
		return -EINVAL;
	spin_lock(&phys->lock);
	if (index < phys->nr_chunks) {
		*pa = vcm_chunk_pa(&phys->chunks[index]);
		*len = vcm_chunk_len(&phys->chunks[index]);
		ret = 0;
	}
	spin_unlock(&phys->lock);
	return ret;
}
EXPORT_SYMBOL_GPL(vcm_get_chunk);
