// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: cacheability, and the rule of aliases.
 *
 * The rule is that all mappings of an allocation have one cacheability: those
 * of devices, those of the CPU, and the kernel's linear map, which is there
 * before all others. Architectures differ in what goes wrong otherwise (a
 * machine check, a lost write, old data), but none defines it, so there is no
 * finer rule to be had.
 *
 * Memory that is in the linear map has its cacheability from the beginning to
 * the end: if it is another one than the linear map's, the linear map is made
 * to agree when the memory is allocated, and put right before it goes back.
 * Memory that is not leaves it open. Then whoever maps it first decides, and it
 * is open again when nobody maps it.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/cacheflush.h>
#include <linux/dma-map-ops.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/libnvdimm.h>
#include <linux/memory_hotplug.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/set_memory.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>
#include <asm/tlbflush.h>

#include "vcm_internal.h"

/* How memory is mapped whose cacheability is open, or is not VCM_CACHED. */
DEFINE_MUTEX(vcm_cache_lock);

/* Bytes that are out of the ordinary, for people. */
static atomic64_t vcm_uncached_bytes, vcm_wc_bytes;

/**
 * vcm_cache_name() - a cacheability in words
 * @attr: attributes with one of VCM_CACHED, VCM_UNCACHED, VCM_WC, or none
 *
 * Context: Any.
 * Return: the words.
 */
const char *vcm_cache_name(u32 attr)
{
	switch (attr & VCM_CACHE_MASK) {
	case VCM_CACHED:
		return "cached";
	case VCM_UNCACHED:
		return "uncached";
	case VCM_WC:
		return "write-combining";
	default:
		return "open";
	}
}

/**
 * vcm_pgprot() - a mapping of the CPU with a cacheability
 * @prot: protection of a cached mapping
 * @cache: VCM_CACHED, VCM_UNCACHED or VCM_WC; none is VCM_CACHED
 *
 * Context: Any.
 * Return: the protection; @prot again if this architecture has no such mapping.
 */
pgprot_t vcm_pgprot(pgprot_t prot, u32 cache)
{
	if (cache & VCM_UNCACHED)
		return pgprot_dmacoherent(prot);
	if (cache & VCM_WC)
		return pgprot_writecombine(prot);
	return prot;
}

static bool vcm_cache_is_known(u32 cache)
{
	return pgprot_val(vcm_pgprot(PAGE_KERNEL, cache)) !=
	       pgprot_val(PAGE_KERNEL);
}

/**
 * vcm_find_linear() - is memory in the kernel's linear map?
 * @pa: first physical address
 * @len: bytes
 *
 * Context: May sleep.
 * Return: whether all, none or some of it is.
 */
enum vcm_linear vcm_find_linear(phys_addr_t pa, size_t len)
{
	struct page *page = pfn_to_online_page(PHYS_PFN(pa));

	/* Somebody had it from the page allocator. */
	if (page && !PageReserved(page))
		return VCM_LINEAR_ALL;
	switch (region_intersects(pa, len, IORESOURCE_SYSTEM_RAM,
				  IORES_DESC_NONE)) {
	case REGION_DISJOINT:
		return VCM_LINEAR_NONE;
	case REGION_INTERSECTS:
		return VCM_LINEAR_ALL;
	default:
		return VCM_LINEAR_SOME;
	}
}

/* What a CPU has in its caches of [@p, @p + @len) goes to memory. */
static void vcm_flush_cpu_caches(void *p, size_t len)
{
#if defined(CONFIG_X86)
	clflush_cache_range(p, len);
#elif defined(CONFIG_ARM64)
	dcache_clean_inval_poc((unsigned long)p, (unsigned long)p + len);
#else
	arch_wb_cache_pmem(p, len);
	arch_invalidate_pmem(p, len);
#endif
}

/*
 * The linear map. Only x86 can change the cacheability of a part of it; other
 * architectures can take the part out. Both take it page by page.
 */

#ifdef CONFIG_X86
static int vcm_linear_change(unsigned long pfn, size_t nr, u32 cache)
{
	unsigned long addr = (unsigned long)pfn_to_kaddr(pfn);
	int ret;

	if (PageHighMem(pfn_to_page(pfn + nr - 1)))
		return -EOPNOTSUPP;
	ret = cache & VCM_WC ? set_memory_wc(addr, nr) : set_memory_uc(addr, nr);
	/* It may have begun. */
	if (ret)
		WARN_ON_ONCE(set_memory_wb(addr, nr));
	return ret;
}

static int vcm_linear_restore(unsigned long pfn, size_t nr)
{
	return set_memory_wb((unsigned long)pfn_to_kaddr(pfn), nr);
}
#else
static bool vcm_linear_can_change(void)
{
#ifdef CONFIG_ARCH_HAS_SET_DIRECT_MAP
	return can_set_direct_map();
#else
	return false;
#endif
}

static int vcm_linear_restore(unsigned long pfn, size_t nr)
{
	struct page *page = pfn_to_page(pfn);
	int ret = 0;

	for (; nr; nr--, page++) {
		ret = set_direct_map_default_noflush(page) ?: ret;
		cond_resched();
	}
	return ret;
}

static int vcm_linear_change(unsigned long pfn, size_t nr, u32 cache)
{
	struct page *page = pfn_to_page(pfn);
	unsigned long addr = (unsigned long)page_address(page);
	size_t i;
	int ret = 0;

	if (!vcm_linear_can_change())
		return -EOPNOTSUPP;
	vcm_flush_cpu_caches((void *)addr, nr << PAGE_SHIFT);
	for (i = 0; i < nr && !ret; i++) {
		ret = set_direct_map_invalid_noflush(page + i);
		/* Some claim that they can, and do nothing. */
		if (!ret && kernel_page_present(page + i))
			ret = -EOPNOTSUPP;
		cond_resched();
	}
	flush_tlb_kernel_range(addr, addr + (nr << PAGE_SHIFT));
	if (ret)
		WARN_ON_ONCE(vcm_linear_restore(pfn, nr));
	return ret;
}
#endif /* CONFIG_X86 */

static void vcm_cache_count(const struct vcm_chunk *chunk, u32 cache, int sign)
{
	s64 bytes = vcm_chunk_len(chunk);

	if (cache & VCM_UNCACHED)
		atomic64_add(sign * bytes, &vcm_uncached_bytes);
	else if (cache & VCM_WC)
		atomic64_add(sign * bytes, &vcm_wc_bytes);
}

static bool vcm_chunk_is_linear(const struct vcm_chunk *chunk)
{
	return chunk->pool && chunk->pool->linear != VCM_LINEAR_NONE;
}

/**
 * vcm_cache_undo() - put the linear map right again
 * @chunks: memory from pools, that nobody maps
 * @nr: how many chunks
 * @cache: what vcm_cache_apply() was told
 *
 * Context: May sleep.
 * Return: 0; or an errno with a message: then the memory must not be used again.
 */
int vcm_cache_undo(struct vcm_chunk *chunks, unsigned int nr, u32 cache)
{
	struct vcm_chunk *chunk;
	int ret = 0;

	if (!(cache & (VCM_UNCACHED | VCM_WC)))
		return 0;
	for (chunk = chunks; chunk < chunks + nr; chunk++) {
		vcm_cache_count(chunk, cache, -1);
		if (vcm_chunk_is_linear(chunk))
			ret = vcm_linear_restore(chunk->pfns.start,
						 vcm_chunk_pages(chunk)) ?: ret;
	}
	if (ret)
		pr_err("the linear map of %s memory cannot be put right (%d): the memory is lost\n",
		       vcm_cache_name(cache), ret);
	return ret;
}

static int vcm_cache_apply_one(struct vcm_chunk *chunk, u32 cache)
{
	if (chunk->pool->linear == VCM_LINEAR_SOME)
		return -EOPNOTSUPP;
	if (!vcm_chunk_is_linear(chunk))
		return vcm_cache_clean(chunk);
	return vcm_linear_change(chunk->pfns.start, vcm_chunk_pages(chunk),
				 cache);
}

/**
 * vcm_cache_apply() - give memory a cacheability, its linear map included
 * @phys: the allocation that comes of it, told what it is
 * @chunks: memory that was just taken from pools
 * @cache: VCM_CACHED, VCM_UNCACHED, VCM_WC or none
 *
 * Context: May sleep.
 * Return: 0; -EOPNOTSUPP, with a message, if that cannot be done here; -ENOMEM,
 * or what the architecture says.
 */
int vcm_cache_apply(struct vcm_phys *phys, struct vcm_chunks *chunks, u32 cache)
{
	unsigned int i, linear = 0;
	int ret = 0;

	for (i = 0; i < chunks->nr; i++)
		linear += vcm_chunk_is_linear(&chunks->chunk[i]);
	phys->linear = linear == chunks->nr;
	phys->attr = cache ?: linear ? VCM_CACHED : 0;
	if (!(cache & (VCM_UNCACHED | VCM_WC)))
		return 0;

	i = 0;
	if (linear && !vcm_cache_is_known(cache)) {
		ret = -EOPNOTSUPP;
		goto undo;
	}
	if (linear)
		vm_unmap_aliases();
	for (; i < chunks->nr; i++) {
		ret = vcm_cache_apply_one(&chunks->chunk[i], cache);
		if (ret)
			goto undo;
		vcm_cache_count(&chunks->chunk[i], cache, 1);
	}
	return 0;

undo:
	if (ret == -EOPNOTSUPP)
		pr_err("no %s memory: the linear map has it cached, and cannot be changed here\n",
		       vcm_cache_name(cache));
	vcm_cache_undo(chunks->chunk, i, cache);
	return ret;
}

/* Windows of the CPU on memory, for as long as it takes to copy. */

/**
 * vcm_window_open() - let the CPU see memory, as all others see it
 * @pa: physical address, a multiple of PAGE_SIZE
 * @len: bytes, a multiple of PAGE_SIZE
 * @cache: VCM_CACHED, VCM_UNCACHED or VCM_WC
 *
 * Context: May sleep.
 * Return: where it is; NULL if there is no memory, or no room.
 */
void *vcm_window_open(phys_addr_t pa, size_t len, u32 cache)
{
	struct vm_struct *area = get_vm_area(len, VM_SPARSE);
	unsigned long addr;

	if (!area)
		return NULL;
	addr = (unsigned long)area->addr;
	if (!vmap_page_range(addr, addr + len, pa,
			     vcm_pgprot(PAGE_KERNEL, cache)))
		return area->addr;
	vunmap_range(addr, addr + len);
	free_vm_area(area);
	return NULL;
}

/**
 * vcm_window_close() - undo vcm_window_open()
 * @p: what it returned
 * @len: as it was told
 *
 * Context: May sleep.
 */
void vcm_window_close(void *p, size_t len)
{
	vunmap_range((unsigned long)p, (unsigned long)p + len);
	free_vm_area(find_vm_area(p));
}

/**
 * vcm_cache_clean() - have nothing of memory in the caches of the CPUs
 * @chunk: memory from a pool, not in the linear map, that nobody maps
 *
 * It may have been mapped as VCM_CACHED before.
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int vcm_cache_clean(const struct vcm_chunk *chunk)
{
	size_t left = vcm_chunk_len(chunk), len;
	phys_addr_t pa = vcm_chunk_pa(chunk);

	for (; left; left -= len, pa += len) {
		void *p;

		len = min_t(size_t, left, VCM_WINDOW);
		p = vcm_window_open(pa, len, VCM_CACHED);
		if (!p)
			return -ENOMEM;
		vcm_flush_cpu_caches(p, len);
		vcm_window_close(p, len);
		cond_resched();
	}
	return 0;
}

/* Who decides */

/**
 * vcm_cache_refuse() - say that two mappings do not go together
 * @res: the reservation
 * @off: where in it, in bytes
 * @want: the cacheability that it is to have
 * @is: that of the memory
 *
 * Context: Any.
 * Return: -EINVAL.
 */
static int vcm_cache_refuse(struct vcm_res *res, size_t off, u32 want, u32 is)
{
	dma_addr_t addr = vcm_res_addr(res) + off;

	pr_err("%s: memory that is %s cannot be %s at %pad (+%#zx): one memory, one cacheability\n",
	       res->vcm->name, vcm_cache_name(is), vcm_cache_name(want), &addr,
	       off);
	return -EINVAL;
}

/* From what the memory is, or from what others have made of it? */
static bool vcm_cache_differs(u32 want, u32 is, u32 as)
{
	return (is && want != is) || (as && want != as);
}

static int vcm_cache_clean_all(struct vcm_phys *phys)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < phys->nr_chunks && !ret; i++)
		if (phys->chunks[i].pool)
			ret = vcm_cache_clean(&phys->chunks[i]);
	return ret;
}

/**
 * vcm_cache_decide() - may memory be mapped like this?
 * @res: the reservation, claimed
 * @off: where in it, in bytes
 * @phys: the memory
 *
 * If the memory leaves it open and nobody maps it, this decides.
 *
 * Context: May sleep. The caller holds vcm_cache_lock, until the mapping is
 * published or given up.
 * Return: 0; -EINVAL, with a message, if not; -ENOMEM.
 */
int vcm_cache_decide(struct vcm_res *res, size_t off, struct vcm_phys *phys)
{
	u32 want = res->attr & VCM_CACHE_MASK;
	u32 is = phys->attr & VCM_CACHE_MASK;
	u32 as = vcm_phys_mapped_as(phys, NULL);
	int ret = 0;

	lockdep_assert_held(&vcm_cache_lock);

	want = want ?: is ?: as ?: VCM_CACHED;
	if (vcm_cache_differs(want, is, as))
		return vcm_cache_refuse(res, off, want, is ?: as);
	if (is)
		return 0;
	if (!as && want != VCM_CACHED)
		ret = vcm_cache_clean_all(phys);
	if (!ret)
		WRITE_ONCE(phys->mapped_as, want);
	return ret;
}

/**
 * vcm_cache_can_switch() - may a reservation change its cacheability?
 * @res: the reservation, claimed and backed
 * @attr: attributes with the new one, or none to leave it as it is
 *
 * Context: May sleep. The caller holds vcm_cache_lock.
 * Return: 0; -EINVAL, with a message, if not.
 */
int vcm_cache_can_switch(struct vcm_res *res, u32 attr)
{
	u32 want = attr & VCM_CACHE_MASK;
	struct vcm_piece *piece;

	lockdep_assert_held(&vcm_cache_lock);

	if (!want)
		return 0;
	vcm_for_each_piece(res, piece) {
		u32 is = piece->phys->attr & VCM_CACHE_MASK;
		u32 as = vcm_phys_mapped_as(piece->phys, res);

		if (vcm_cache_differs(want, is, as))
			return vcm_cache_refuse(res, piece->off, want, is ?: as);
	}
	return 0;
}

/**
 * vcm_cache_switch() - change the cacheability of a reservation
 * @res: the reservation, claimed and in no table
 * @attr: attributes that vcm_cache_can_switch() has agreed to
 *
 * Context: May sleep. The caller holds vcm_cache_lock.
 * Return: 0 or -ENOMEM; either way vcm_cache_switch_back() undoes it.
 */
int vcm_cache_switch(struct vcm_res *res, u32 attr)
{
	u32 want = attr & VCM_CACHE_MASK;
	struct vcm_piece *piece;
	int ret = 0;

	vcm_for_each_piece(res, piece)
		piece->was = piece->phys->mapped_as;
	vcm_for_each_piece(res, piece) {
		struct vcm_phys *phys = piece->phys;

		if (!want || phys->attr & VCM_CACHE_MASK || phys->mapped_as == want)
			continue;
		WRITE_ONCE(phys->mapped_as, want);
		if (!ret && want != VCM_CACHED)
			ret = vcm_cache_clean_all(phys);
	}
	return ret;
}

/**
 * vcm_cache_switch_back() - undo vcm_cache_switch()
 * @res: the reservation, claimed and in no table
 *
 * Context: The caller holds vcm_cache_lock.
 */
void vcm_cache_switch_back(struct vcm_res *res)
{
	struct vcm_piece *piece;

	vcm_for_each_piece(res, piece)
		WRITE_ONCE(piece->phys->mapped_as, piece->was);
}

/**
 * vcm_cache_show() - how much memory is out of the ordinary, for people
 * @s: where to write it
 *
 * Context: Any.
 */
void vcm_cache_show(struct seq_file *s)
{
	seq_printf(s, "cacheability: %lld KiB uncached, %lld KiB write-combining, the rest cached or open\n",
		   atomic64_read(&vcm_uncached_bytes) >> 10,
		   atomic64_read(&vcm_wc_bytes) >> 10);
}
