// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: memory that is somebody else's.
 *
 * An allocation without a memory type: its chunks come from no pool, and when
 * it is freed they go back to nobody, or to whom its kind says. All else is as
 * for any allocation: who maps it is known, and it is not freed under a device.
 *
 * This file has what the kinds have in common, and the two kinds that keep
 * nothing: a range of physical addresses, and a scatter list.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/err.h>
#include <linux/export.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "vcm_internal.h"

static struct vcm_foreign vcm_foreign_range = { .name = "physical range" };

static struct vcm_foreign vcm_foreign_sg = { .name = "scatter list" };

static struct vcm_foreign *const vcm_foreign_kinds[] = {
	&vcm_foreign_range,
	&vcm_foreign_sg,
	&vcm_foreign_user,
#ifdef CONFIG_DMA_SHARED_BUFFER
	&vcm_foreign_dma_buf,
#endif
};

static int vcm_count_ram(unsigned long pfn, unsigned long nr, void *sum)
{
	*(unsigned long *)sum += nr;
	return 0;
}

/*
 * How many pages of a range are RAM? User Mode Linux does not list its RAM;
 * there, all that has a struct page is RAM, and nothing else.
 */
static unsigned long vcm_ram_pages(unsigned long pfn, unsigned long nr)
{
	unsigned long end = pfn + nr, sum = 0;

	if (page_is_ram(page_to_pfn(ZERO_PAGE(0)))) {
		walk_system_ram_range(pfn, nr, &sum, vcm_count_ram);
		return sum;
	}
	for (; pfn < end; pfn++)
		sum += pfn_valid(pfn);
	return sum;
}

/* VCM_MMIO or 0; -EINVAL if it is a mixture. */
static int vcm_chunks_kind(const struct vcm_chunks *chunks)
{
	unsigned long pages = 0, ram = 0;
	unsigned int i;

	for (i = 0; i < chunks->nr; i++) {
		const struct vcm_chunk *chunk = &chunks->chunk[i];
		size_t nr = vcm_chunk_pages(chunk);

		pages += nr;
		ram += vcm_ram_pages(chunk->pfns.start, nr);
		cond_resched();
	}
	if (ram && ram != pages) {
		pr_err("%lu of %lu pages from %#llx on are RAM and the others are not: wrap them apart\n",
		       ram, pages, (u64)chunks->chunk[0].pfns.start << PAGE_SHIFT);
		return -EINVAL;
	}
	return ram ? 0 : VCM_MMIO;
}

/**
 * vcm_chunks_add() - note memory that comes from no pool
 * @chunks: where to note it; {} to begin
 * @pa: physical address, a multiple of PAGE_SIZE
 * @len: bytes, a multiple of PAGE_SIZE, and not 0
 *
 * What follows the last memory immediately makes that longer.
 *
 * Context: May sleep.
 * Return: 0; -EOVERFLOW if it ends beyond the last address, or all of it is
 * too long; -ERANGE if this kernel cannot express the address; -ENOMEM.
 */
int vcm_chunks_add(struct vcm_chunks *chunks, phys_addr_t pa, size_t len)
{
	struct vcm_chunk *chunk = chunks->chunk + chunks->nr;
	size_t off = 0, sum;
	phys_addr_t last;
	int ret;

	if (check_add_overflow(pa, (phys_addr_t)len - 1, &last))
		return -EOVERFLOW;
	if (last >> PAGE_SHIFT > ULONG_MAX)
		return -ERANGE;
	if (chunks->nr) {
		chunk--;
		off = chunk->off + vcm_chunk_len(chunk);
		if (check_add_overflow(off, len, &sum))
			return -EOVERFLOW;
		if (PHYS_PFN(pa) && chunk->pfns.last == PHYS_PFN(pa) - 1) {
			chunk->pfns.last = PHYS_PFN(last);
			return 0;
		}
	}
	if (chunks->nr == chunks->room) {
		ret = vcm_chunks_grow(chunks, chunks->room * 3 / 2 + 1);
		if (ret)
			return ret;
	}
	chunk = &chunks->chunk[chunks->nr++];
	*chunk = (struct vcm_chunk){
		.pfns.start = PHYS_PFN(pa), .pfns.last = PHYS_PFN(last),
		.off = off,
	};
	return 0;
}

/*
 * Registers are not cached. Memory is as the linear map has it, unless another
 * allocation of it, which may be from a pool, has changed that. What is in no
 * linear map leaves it open.
 */
static void vcm_foreign_set_cache(struct vcm_phys *phys)
{
	unsigned int i, linear = 0;

	for (i = 0; i < phys->nr_chunks && !(phys->attr & VCM_MMIO); i++)
		linear += vcm_find_linear(vcm_chunk_pa(&phys->chunks[i]),
					  vcm_chunk_len(&phys->chunks[i])) !=
			  VCM_LINEAR_NONE;
	mutex_lock(&vcm_cache_lock);
	phys->linear = linear == phys->nr_chunks;
	if (phys->attr & VCM_MMIO)
		phys->attr |= VCM_UNCACHED;
	else if (linear)
		phys->attr |= vcm_phys_mapped_as(phys, NULL) ?: VCM_CACHED;
	mutex_unlock(&vcm_cache_lock);
}

/**
 * vcm_foreign_create() - an allocation of memory that comes from no pool
 * @foreign: the kind
 * @owner: what &vcm_foreign.release is to give back, as &vcm_phys.owner
 * @chunks: the memory, at least one chunk; the allocation's on success
 * @rights: VCM_READ and VCM_WRITE, as far as it may be read and written
 *
 * Context: May sleep.
 * Return: the allocation; or an ERR_PTR(): -EINVAL, and a message, if some of
 * it is RAM and some is not; -ENOMEM.
 */
struct vcm_phys *vcm_foreign_create(struct vcm_foreign *foreign, void *owner,
				    struct vcm_chunks *chunks, u32 rights)
{
	int kind = vcm_chunks_kind(chunks);
	struct vcm_phys *phys;

	if (kind < 0)
		return ERR_PTR(kind);
	phys = kzalloc(sizeof(*phys), GFP_KERNEL);
	if (!phys)
		return ERR_PTR(-ENOMEM);
	phys->foreign = foreign;
	phys->owner = owner;
	phys->attr = rights | kind;
	vcm_phys_publish(phys, chunks);
	vcm_foreign_set_cache(phys);
	atomic_long_inc(&foreign->nr_allocs);
	atomic64_add(phys->len, &foreign->used);
	return phys;
}

/**
 * vcm_foreign_release() - give memory back to whom it belongs
 * @phys: from vcm_foreign_create(); nobody maps it, and it is in no index
 *
 * Context: May sleep. Cannot fail.
 */
void vcm_foreign_release(struct vcm_phys *phys)
{
	struct vcm_foreign *foreign = phys->foreign;

	atomic_long_dec(&foreign->nr_allocs);
	atomic64_sub(phys->len, &foreign->used);
	if (foreign->release)
		foreign->release(phys);
}

/**
 * vcm_foreign_show() - how much memory comes from elsewhere, for people
 * @s: where to write it
 *
 * Context: Any.
 */
void vcm_foreign_show(struct seq_file *s)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vcm_foreign_kinds); i++) {
		struct vcm_foreign *foreign = vcm_foreign_kinds[i];

		seq_printf(s, "from elsewhere, %s: allocations: %ld, %lld KiB\n",
			   foreign->name, atomic_long_read(&foreign->nr_allocs),
			   atomic64_read(&foreign->used) >> 10);
	}
}

/**
 * vcm_map_phys_addr() - make an allocation of memory that is somebody else's
 * @pa: first physical address, a multiple of PAGE_SIZE; 0 will do
 * @len: bytes, a multiple of PAGE_SIZE
 *
 * Of a carve-out, say, or of the registers of a device. What the kernel lists
 * as RAM is RAM; all else is MMIO, and is mapped as such: it backs reservations
 * with VCM_MMIO, and RAM those without. The memory stays the caller's, who keeps
 * it where it is until vcm_phys_free(), which only forgets it. It may be in any
 * number of allocations.
 *
 * Context: May sleep.
 * Return: the allocation; or an ERR_PTR(): -EINVAL for no length, for what is
 * not in whole pages, or, with a message, for a range that is RAM in part;
 * -EOVERFLOW if it ends beyond the last address; -ERANGE if this machine has no
 * such addresses; -ENOMEM.
 */
struct vcm_phys *vcm_map_phys_addr(phys_addr_t pa, size_t len)
{
	struct vcm_chunks chunks = {};
	struct vcm_phys *phys;
	int ret;

	if (!len || !PAGE_ALIGNED(pa) || !PAGE_ALIGNED(len))
		return ERR_PTR(-EINVAL);
	ret = vcm_chunks_add(&chunks, pa, len);
#ifdef MAX_PHYSMEM_BITS
	if (!ret && ((u64)pa + (len - 1)) >> MAX_PHYSMEM_BITS)
		ret = -ERANGE;
#endif
	phys = ret ? ERR_PTR(ret) :
	       vcm_foreign_create(&vcm_foreign_range, NULL, &chunks,
				  VCM_READ | VCM_WRITE);
	if (IS_ERR(phys))
		kvfree(chunks.chunk);
	return phys;
}
EXPORT_SYMBOL_GPL(vcm_map_phys_addr);

static int vcm_chunks_add_sg(struct vcm_chunks *chunks, struct sg_table *sgt)
{
	struct scatterlist *sg;
	unsigned int i;
	int ret;

	for_each_sgtable_sg(sgt, sg, i) {
		if (!sg_page(sg) || !sg->length ||
		    !PAGE_ALIGNED(sg->offset | sg->length))
			return -EINVAL;
		ret = vcm_chunks_add(chunks, sg_phys(sg), sg->length);
		if (ret)
			return ret;
		cond_resched();
	}
	return chunks->nr ? 0 : -EINVAL;
}

/**
 * vcm_phys_from_sg() - make an allocation of what is in a scatter list
 * @sgt: the list; its pages, not what they were mapped to for some device. Not
 *       needed any more when the call returns
 *
 * What is contiguous becomes one chunk. The memory stays the caller's, who keeps
 * it where it is until vcm_phys_free(), which only forgets it. The list of a
 * dma-buf is not for this: vcm_import_dma_buf().
 *
 * Context: May sleep.
 * Return: the allocation; or an ERR_PTR(): -EINVAL for a bad pointer, an empty
 * list, an entry without pages or not in whole pages, or, with a message, if
 * some of it is RAM and some is not; -EOVERFLOW if all of it is too long;
 * -ENOMEM.
 */
struct vcm_phys *vcm_phys_from_sg(struct sg_table *sgt)
{
	struct vcm_chunks chunks = {};
	struct vcm_phys *phys;
	int ret;

	if (IS_ERR_OR_NULL(sgt) || !sgt->sgl)
		return ERR_PTR(-EINVAL);
	ret = vcm_chunks_add_sg(&chunks, sgt);
	phys = ret ? ERR_PTR(ret) :
	       vcm_foreign_create(&vcm_foreign_sg, NULL, &chunks,
				  VCM_READ | VCM_WRITE);
	if (IS_ERR(phys))
		kvfree(chunks.chunk);
	return phys;
}
EXPORT_SYMBOL_GPL(vcm_phys_from_sg);
