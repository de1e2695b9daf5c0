// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: the kinds of pools.
 *
 * A pool is asked for one piece at a time, which a plan proposes: so many
 * blocks of one size in a row. A new kind of memory is a new table of
 * functions here.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/cma.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/of_reserved_mem.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "vcm_internal.h"

/* The sizes that the page allocator has. */
#define VCM_PAGES_SIZES	GENMASK(PAGE_SHIFT + MAX_PAGE_ORDER, PAGE_SHIFT)

#define VCM_PAGES_GFP	(GFP_KERNEL | __GFP_HIGHMEM | __GFP_NOWARN)

static size_t vcm_plan_len(const struct size_plan *plan)
{
	return plan->size * plan->count;
}

static void vcm_set_chunk(struct vcm_chunk *chunk, unsigned long pfn, size_t len)
{
	chunk->pfns.start = pfn;
	chunk->pfns.last = pfn + (len >> PAGE_SHIFT) - 1;
}

static void vcm_clear_pages(struct page *page, size_t nr)
{
	for (; nr; nr--) {
		clear_highpage(page++);
		cond_resched();
	}
}

/* Those of the sizes in @desc that are in @have; 0 if there are others. */
static unsigned long vcm_listed_sizes(const struct vcm_pool_desc *desc, unsigned long have)
{
	unsigned long sizes = 0;
	unsigned int i;

	if (!desc->nr_blocks)
		return have;
	for (i = 0; i < desc->nr_blocks; i++) {
		if (!is_power_of_2(desc->blocks[i].size) ||
		    !(desc->blocks[i].size & have & ~sizes))
			return 0;
		sizes |= desc->blocks[i].size;
	}
	return sizes;
}

/*
 * The page allocator.
 */

static struct vcm_ready *vcm_find_ready(struct vcm_pool *pool, size_t size)
{
	unsigned int i;

	for (i = 0; i < pool->nr_ready; i++)
		if (PAGE_SIZE << pool->ready[i].order == size)
			return &pool->ready[i];
	return NULL;
}

/* Keeps a block ready, if there are too few; else it stays the caller's. */
static bool vcm_keep_ready(struct vcm_pool *pool, struct vcm_ready *ready, struct page *page)
{
	bool keep;

	spin_lock(&pool->lock);
	keep = ready->nr < ready->target;
	if (keep) {
		list_add(&page->lru, &ready->pages);
		ready->nr++;
	}
	spin_unlock(&pool->lock);
	return keep;
}

static struct page *vcm_take_ready(struct vcm_pool *pool, struct vcm_ready *ready, int nid)
{
	struct page *page;

	spin_lock(&pool->lock);
	page = list_first_entry_or_null(&ready->pages, struct page, lru);
	if (page && nid != NUMA_NO_NODE && page_to_nid(page) != nid)
		page = NULL;
	if (page) {
		list_del(&page->lru);
		ready->nr--;
	}
	spin_unlock(&pool->lock);
	return page;
}

static int vcm_fill_ready(struct vcm_pool *pool, struct vcm_ready *ready)
{
	struct page *page;

	while (READ_ONCE(ready->nr) < ready->target) {
		page = alloc_pages(VCM_PAGES_GFP | __GFP_RETRY_MAYFAIL, ready->order);
		if (!page)
			return -ENOMEM;
		if (!vcm_keep_ready(pool, ready, page))
			__free_pages(page, ready->order);
		cond_resched();
	}
	return 0;
}

static int vcm_pages_refill(struct vcm_pool *pool)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < pool->nr_ready; i++)
		err = vcm_fill_ready(pool, &pool->ready[i]) ?: err;
	return err;
}

static void vcm_pages_refill_work(struct work_struct *work)
{
	vcm_pages_refill(container_of(work, struct vcm_pool, refill));
}

static int vcm_pages_init(struct vcm_pool *pool, const struct vcm_pool_desc *desc)
{
	unsigned int i;

	pool->sizes = vcm_listed_sizes(desc, VCM_PAGES_SIZES);
	if (!pool->sizes)
		return -EINVAL;
	spin_lock_init(&pool->lock);
	INIT_WORK(&pool->refill, vcm_pages_refill_work);
	pool->ready = kcalloc(desc->nr_blocks, sizeof(*pool->ready), GFP_KERNEL);
	if (!pool->ready)
		return -ENOMEM;
	for (i = 0; i < desc->nr_blocks; i++) {
		struct vcm_ready *ready = &pool->ready[pool->nr_ready];

		if (!desc->blocks[i].count)
			continue;
		ready->order = get_order(desc->blocks[i].size);
		ready->target = desc->blocks[i].count;
		INIT_LIST_HEAD(&ready->pages);
		pool->nr_ready++;
	}
	return 0;
}

static void vcm_pages_exit(struct vcm_pool *pool)
{
	struct page *page, *next;
	unsigned int i;

	cancel_work_sync(&pool->refill);
	for (i = 0; i < pool->nr_ready; i++)
		list_for_each_entry_safe(page, next, &pool->ready[i].pages, lru)
			__free_pages(page, pool->ready[i].order);
	kfree(pool->ready);
}

static u64 vcm_pages_len(struct vcm_pool *pool)
{
	return (u64)totalram_pages() << PAGE_SHIFT;
}

static bool vcm_pages_could(struct vcm_pool *pool, const struct size_plan *plan)
{
	return max_t(u64, vcm_plan_len(plan), plan->align) <= PAGE_SIZE << MAX_PAGE_ORDER;
}

static struct page *vcm_take_prepared(struct vcm_pool *pool, const struct size_plan *plan,
				      bool zero, int nid)
{
	struct vcm_ready *ready = vcm_find_ready(pool, plan->size);
	struct page *page;

	if (!ready || plan->count > 1 || plan->align > plan->size)
		return NULL;
	page = vcm_take_ready(pool, ready, nid);
	if (READ_ONCE(ready->nr) < ready->target)
		queue_work(system_unbound_wq, &pool->refill);
	if (page && zero)
		vcm_clear_pages(page, plan->size >> PAGE_SHIFT);
	return page;
}

/* Keep @nr pages of a block, give the rest back. */
static void vcm_trim_block(struct page *page, unsigned int order, size_t nr)
{
	split_page(page, order);
	for (; nr < BIT(order); nr++)
		__free_page(page + nr);
}

/*
 * A large block is taken if it lies ready; only the smallest that will do is
 * worth waiting for, and nobody is killed for either. A piece that is no block
 * is cut from a larger one: the same for all sizes, so it is tried once.
 */
static int vcm_pages_take(struct vcm_pool *pool, const struct size_plan *plan, bool zero,
			  int nid, struct vcm_chunk *chunk)
{
	u64 whole = max_t(u64, vcm_plan_len(plan), plan->align);
	size_t len = vcm_plan_len(plan);
	gfp_t gfp = VCM_PAGES_GFP;
	struct page *page;

	if (!vcm_pages_could(pool, plan) || (whole != plan->size && !plan->last))
		return -ENOSPC;
	chunk->split = false;
	page = vcm_take_prepared(pool, plan, zero, nid);
	if (page)
		goto found;

	gfp |= plan->last ? __GFP_RETRY_MAYFAIL : __GFP_NORETRY;
	if (!plan->last)
		gfp &= ~__GFP_DIRECT_RECLAIM;
	if (zero)
		gfp |= __GFP_ZERO;
	if (nid == NUMA_NO_NODE)
		page = alloc_pages(gfp, get_order(whole));
	else
		page = alloc_pages_node(nid, gfp | __GFP_THISNODE, get_order(whole));
	if (!page)
		return -ENOSPC;
	chunk->split = len < PAGE_SIZE << get_order(whole);
	if (chunk->split)
		vcm_trim_block(page, get_order(whole), len >> PAGE_SHIFT);
found:
	vcm_set_chunk(chunk, page_to_pfn(page), len);
	return 0;
}

static void vcm_pages_give(struct vcm_pool *pool, struct vcm_chunk *chunk)
{
	struct page *page = pfn_to_page(chunk->pfns.start);
	size_t nr = vcm_chunk_pages(chunk), i;
	struct vcm_ready *ready;

	if (chunk->split) {
		for (i = 0; i < nr; i++)
			__free_page(page + i);
		return;
	}
	ready = vcm_find_ready(pool, nr << PAGE_SHIFT);
	if (!ready || !vcm_keep_ready(pool, ready, page))
		__free_pages(page, get_order(nr << PAGE_SHIFT));
}

static void vcm_pages_show(struct vcm_pool *pool, struct seq_file *s)
{
	unsigned int i;

	for (i = 0; i < pool->nr_ready; i++)
		seq_printf(s, "    blocks of %lu KiB: %zu of %zu ready\n",
			   PAGE_SIZE << pool->ready[i].order >> 10,
			   READ_ONCE(pool->ready[i].nr), pool->ready[i].target);
}

const struct vcm_pool_ops vcm_pool_pages = {
	.name = "pages",
	.init = vcm_pages_init,
	.exit = vcm_pages_exit,
	.len = vcm_pages_len,
	.could = vcm_pages_could,
	.take = vcm_pages_take,
	.give = vcm_pages_give,
	.refill = vcm_pages_refill,
	.show = vcm_pages_show,
};

/*
 * Areas of the contiguous memory allocator.
 */

#ifdef CONFIG_CMA
struct vcm_cma_search {
	const char *name;
	struct cma *found;
};

static int vcm_cma_has_name(struct cma *cma, void *data)
{
	struct vcm_cma_search *search = data;

	if (strcmp(cma_get_name(cma), search->name))
		return 0;
	search->found = cma;
	return 1;
}

static struct cma *vcm_find_cma(const struct vcm_pool_desc *desc)
{
	struct vcm_cma_search search = { .name = desc->cma_name };

	if (desc->cma || !desc->cma_name)
		return desc->cma;
	cma_for_each_area(vcm_cma_has_name, &search);
	return search.found;
}

static int vcm_cma_init(struct vcm_pool *pool, const struct vcm_pool_desc *desc)
{
	struct cma *cma = vcm_find_cma(desc);
	unsigned int i;

	if (!cma || !cma_get_size(cma))
		return -ENODEV;
	for (i = 0; i < desc->nr_blocks; i++)
		if (desc->blocks[i].count)
			return -EINVAL;
	pool->sizes = vcm_listed_sizes(desc, GENMASK(__fls(cma_get_size(cma)), PAGE_SHIFT));
	if (!pool->sizes)
		return -EINVAL;
	pool->nid = pfn_to_nid(PHYS_PFN(cma_get_base(cma)));
	pool->cma = cma;
	return 0;
}

static void vcm_cma_exit(struct vcm_pool *pool)
{
}

static u64 vcm_cma_len(struct vcm_pool *pool)
{
	return cma_get_size(pool->cma);
}

static bool vcm_cma_could(struct vcm_pool *pool, const struct size_plan *plan)
{
	u64 pad = -(u64)cma_get_base(pool->cma) & (plan->align - 1);

	return pad < vcm_cma_len(pool) && vcm_plan_len(plan) <= vcm_cma_len(pool) - pad;
}

static int vcm_cma_take(struct vcm_pool *pool, const struct size_plan *plan, bool zero,
			int nid, struct vcm_chunk *chunk)
{
	size_t nr = vcm_plan_len(plan) >> PAGE_SHIFT;
	struct page *page;

	if (!vcm_cma_could(pool, plan))
		return -ENOSPC;
	page = cma_alloc(pool->cma, nr, ilog2(plan->align) - PAGE_SHIFT, true);
	if (!page)
		return -ENOSPC;
	if (zero)
		vcm_clear_pages(page, nr);
	vcm_set_chunk(chunk, page_to_pfn(page), vcm_plan_len(plan));
	return 0;
}

static void vcm_cma_give(struct vcm_pool *pool, struct vcm_chunk *chunk)
{
	WARN_ON_ONCE(!cma_release(pool->cma, pfn_to_page(chunk->pfns.start),
				  vcm_chunk_pages(chunk)));
}

static void vcm_cma_show(struct vcm_pool *pool, struct seq_file *s)
{
	seq_printf(s, "    area %s\n", cma_get_name(pool->cma));
}

static const struct vcm_pool_ops vcm_pool_cma = {
	.name = "cma",
	.init = vcm_cma_init,
	.exit = vcm_cma_exit,
	.len = vcm_cma_len,
	.could = vcm_cma_could,
	.take = vcm_cma_take,
	.give = vcm_cma_give,
	.show = vcm_cma_show,
};
#endif /* CONFIG_CMA */

/*
 * Ranges of physical memory.
 */

static LIST_HEAD(vcm_ranges);

/* Is the range anybody else's, as far as can be seen? */
static int vcm_range_check(phys_addr_t first, phys_addr_t last)
{
	unsigned long pfn;
	struct page *page;
	struct vcm_pool *other;

	lockdep_assert_held(&vcm_memtypes_lock);

	list_for_each_entry(other, &vcm_ranges, node)
		if (first <= other->last && last >= other->first) {
			pr_err("range %pap-%pap overlaps %pap-%pap, which is in a pool already\n",
			       &first, &last, &other->first, &other->last);
			return -EBUSY;
		}
	for (pfn = PHYS_PFN(first); pfn <= PHYS_PFN(last); pfn++) {
		page = pfn_to_online_page(pfn);
		if (page && is_free_buddy_page(page)) {
			pr_err("range %pap-%pap: page %#lx belongs to the page allocator\n",
			       &first, &last, pfn);
			return -EBUSY;
		}
		cond_resched();
	}
	return 0;
}

static int vcm_range_setup(struct vcm_pool *pool, u64 start, u64 len,
			   const struct vcm_pool_desc *desc)
{
	unsigned int i;
	u64 last;
	int err;

	for (i = 0; i < desc->nr_blocks; i++)
		if (desc->blocks[i].size < PAGE_SIZE)
			return -EINVAL;
	pool->blocks = size_pool_create(start, len, desc->blocks, desc->nr_blocks);
	if (IS_ERR(pool->blocks))
		return PTR_ERR(pool->blocks);

	last = start + (size_pool_len(pool->blocks) - 1);
	pool->first = start;
	pool->last = last;
	err = pool->last != last || last >> PAGE_SHIFT > ULONG_MAX ? -ERANGE :
	      vcm_range_check(pool->first, pool->last);
	if (err) {
		size_pool_destroy(pool->blocks);
		return err;
	}
	pool->linear = vcm_find_linear(start, size_pool_len(pool->blocks));
	pool->sizes = size_pool_sizes(pool->blocks);
	if (pfn_valid(PHYS_PFN(start)))
		pool->nid = pfn_to_nid(PHYS_PFN(start));
	list_add(&pool->node, &vcm_ranges);
	return 0;
}

static int vcm_range_init(struct vcm_pool *pool, const struct vcm_pool_desc *desc)
{
	return vcm_range_setup(pool, desc->start, desc->len, desc);
}

static int vcm_reserved_init(struct vcm_pool *pool, const struct vcm_pool_desc *desc)
{
	const struct reserved_mem *rmem = desc->rmem;

	if (!rmem)
		return -ENODEV;
	/* A pool of the DMA API, or an area of CMA. */
	if (rmem->ops)
		return -EBUSY;
	return vcm_range_setup(pool, rmem->base, rmem->size, desc);
}

static void vcm_range_exit(struct vcm_pool *pool)
{
	lockdep_assert_held(&vcm_memtypes_lock);

	list_del(&pool->node);
	WARN_ON_ONCE(size_pool_destroy(pool->blocks));
}

static u64 vcm_range_len(struct vcm_pool *pool)
{
	return size_pool_len(pool->blocks);
}

static bool vcm_range_could(struct vcm_pool *pool, const struct size_plan *plan)
{
	return size_pool_could(pool->blocks, plan->size, plan->count, plan->align);
}

/*
 * What the page allocator could hand out is in the linear map. All else may be
 * or not, so memremap() has to find out.
 */
static int vcm_range_clear(unsigned long pfn, size_t len)
{
	size_t nr = len >> PAGE_SHIFT;
	struct page *page = pfn_to_online_page(pfn);
	void *p;

	if (page && !PageReserved(page)) {
		vcm_clear_pages(page, nr);
		return 0;
	}
	if (!IS_ENABLED(CONFIG_HAS_IOMEM))
		return -EOPNOTSUPP;
	p = memremap(PFN_PHYS((phys_addr_t)pfn), len, MEMREMAP_WB);
	if (!p)
		return -EOPNOTSUPP;
	for (; nr; nr--, p += PAGE_SIZE) {
		clear_page(p);
		cond_resched();
	}
	memunmap(p - len);
	return 0;
}

static int vcm_range_take(struct vcm_pool *pool, const struct size_plan *plan, bool zero,
			  int nid, struct vcm_chunk *chunk)
{
	struct size_run *run = kmalloc(sizeof(*run), GFP_KERNEL);
	size_t len = vcm_plan_len(plan);
	int err;

	if (!run)
		return -ENOMEM;
	err = size_pool_take(pool->blocks, run, plan->size, plan->count, plan->align);
	if (err)
		goto free;
	vcm_set_chunk(chunk, PHYS_PFN((phys_addr_t)run->range.first), len);
	chunk->run = run;
	if (!zero)
		return 0;
	err = vcm_range_clear(chunk->pfns.start, len);
	if (!err)
		return 0;

	size_pool_give(pool->blocks, run);
free:
	kfree(run);
	return err;
}

static void vcm_range_give(struct vcm_pool *pool, struct vcm_chunk *chunk)
{
	size_pool_give(pool->blocks, chunk->run);
	kfree(chunk->run);
}

static void vcm_range_show(struct vcm_pool *pool, struct seq_file *s)
{
	struct size_class_stat stat;
	unsigned int i;

	seq_printf(s, "    at %pap-%pap\n", &pool->first, &pool->last);
	for (i = 0; size_pool_stat(pool->blocks, i, &stat); i++)
		seq_printf(s, "    blocks of %zu KiB: %llu of %llu free\n",
			   stat.size >> 10, stat.free, stat.count);
}

static const struct vcm_pool_ops vcm_pool_range = {
	.name = "range",
	.init = vcm_range_init,
	.exit = vcm_range_exit,
	.len = vcm_range_len,
	.could = vcm_range_could,
	.take = vcm_range_take,
	.give = vcm_range_give,
	.show = vcm_range_show,
};

static const struct vcm_pool_ops vcm_pool_reserved = {
	.name = "reserved",
	.init = vcm_reserved_init,
	.exit = vcm_range_exit,
	.len = vcm_range_len,
	.could = vcm_range_could,
	.take = vcm_range_take,
	.give = vcm_range_give,
	.show = vcm_range_show,
};

static const struct vcm_pool_ops *const vcm_pool_kinds[VCM_POOL_NR_KINDS] = {
	[VCM_POOL_PAGES] = &vcm_pool_pages,
#ifdef CONFIG_CMA
	[VCM_POOL_CMA] = &vcm_pool_cma,
#endif
	[VCM_POOL_RANGE] = &vcm_pool_range,
	[VCM_POOL_RESERVED] = &vcm_pool_reserved,
};

/**
 * vcm_pool_init() - make a pool
 * @pool: where; zeroed
 * @desc: which
 *
 * Context: May sleep. The caller holds vcm_memtypes_lock.
 * Return: 0 or an errno of vcm_memtype_register().
 */
int vcm_pool_init(struct vcm_pool *pool, const struct vcm_pool_desc *desc)
{
	lockdep_assert_held(&vcm_memtypes_lock);

	if (desc->kind >= VCM_POOL_NR_KINDS || (desc->nr_blocks && !desc->blocks))
		return -EINVAL;
	pool->ops = vcm_pool_kinds[desc->kind];
	if (!pool->ops)
		return -EOPNOTSUPP;
	pool->nid = NUMA_NO_NODE;
	return pool->ops->init(pool, desc);
}
