// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: pages of a process, pinned.
 *
 * A device does not take page faults, so the pages stay where they are for as
 * long as there is the allocation: whatever the process does, unmapping them and
 * exiting included. They count as locked memory of the process, and what was
 * pinned to be read is not to be written by way of any reservation: it may be
 * a page that others see.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/err.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vcm_internal.h"

/* So many pages at a time; they fill a page with pointers. */
#define VCM_PIN_BATCH	(PAGE_SIZE / sizeof(struct page *))

static void vcm_unpin_chunk(const struct vcm_chunk *chunk, bool dirty)
{
	unpin_user_page_range_dirty_lock(pfn_to_page(chunk->pfns.start),
					 vcm_chunk_pages(chunk), dirty);
	cond_resched();
}

static void vcm_unaccount(struct mm_struct *mm, size_t len)
{
	account_locked_vm(mm, len >> PAGE_SHIFT, false);
	mmdrop(mm);
}

/* Devices may have written to what was pinned to be written. */
static void vcm_release_user(struct vcm_phys *phys)
{
	unsigned int i;

	for (i = 0; i < phys->nr_chunks; i++)
		vcm_unpin_chunk(&phys->chunks[i], phys->attr & VCM_WRITE);
	vcm_unaccount(phys->owner, phys->len);
}

struct vcm_foreign vcm_foreign_user = {
	.name = "user pages",
	.release = vcm_release_user,
};

/* All of these pages are noted, or as many as it says, and the rest unpinned. */
static int vcm_chunks_add_pages(struct vcm_chunks *chunks, struct page **pages,
				long nr)
{
	long i;
	int ret;

	for (i = 0; i < nr; i++) {
		ret = vcm_chunks_add(chunks, page_to_phys(pages[i]), PAGE_SIZE);
		if (ret) {
			unpin_user_pages(pages + i, nr - i);
			return ret;
		}
	}
	return 0;
}

static int vcm_pin(struct vcm_chunks *chunks, unsigned long addr, size_t len,
		   unsigned int flags)
{
	struct page **pages;
	int ret = 0;
	long nr;

	pages = (struct page **)__get_free_page(GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	for (; !ret && len; addr += nr << PAGE_SHIFT, len -= nr << PAGE_SHIFT) {
		nr = min_t(size_t, len >> PAGE_SHIFT, VCM_PIN_BATCH);
		nr = pin_user_pages_fast(addr, nr, flags, pages);
		if (nr <= 0) {
			ret = nr ?: -EFAULT;
			break;
		}
		ret = vcm_chunks_add_pages(chunks, pages, nr);
		cond_resched();
	}
	free_page((unsigned long)pages);
	return ret;
}

/**
 * vcm_phys_pin_user() - make an allocation of memory of the current process
 * @addr: user address, a multiple of PAGE_SIZE
 * @len: bytes, a multiple of PAGE_SIZE
 * @rights: VCM_READ and VCM_WRITE, as far as devices are to read and write it
 *
 * The pages are pinned until vcm_phys_free(), which may be called by whoever it
 * is. If the process unmaps them, or exits, they stay the allocation's alone.
 * They are whole pages, because a device would see the rest of them as well.
 * With VCM_WRITE, pages that the process shares only until it writes to them
 * become its own, and all count as dirty in the end. Without, reservations
 * with VCM_WRITE are not backed with it.
 *
 * Context: May sleep, in the context of the process. Takes its mmap lock.
 * Return: the allocation; or an ERR_PTR(): -EINVAL for no length, what is not
 * in whole pages, no or unknown rights, or in a thread of the kernel;
 * -EOVERFLOW if it ends where there are no more addresses; -EFAULT if the
 * process has no such memory, or may not write it; -ENOMEM, also if the process
 * may not lock so much (RLIMIT_MEMLOCK); -EINTR for a fatal signal; or what
 * else pin_user_pages() says.
 */
struct vcm_phys *vcm_phys_pin_user(unsigned long addr, size_t len, u32 rights)
{
	unsigned int flags = FOLL_LONGTERM, i;
	struct mm_struct *mm = current->mm;
	struct vcm_chunks chunks = {};
	struct vcm_phys *phys;
	unsigned long end;
	int ret;

	if (!len || !PAGE_ALIGNED(addr) || !PAGE_ALIGNED(len) || !rights ||
	    rights & ~(VCM_READ | VCM_WRITE) || !mm)
		return ERR_PTR(-EINVAL);
	if (check_add_overflow(addr, len, &end))
		return ERR_PTR(-EOVERFLOW);
	if (rights & VCM_WRITE)
		flags |= FOLL_WRITE;

	ret = account_locked_vm(mm, len >> PAGE_SHIFT, true);
	if (ret)
		return ERR_PTR(ret);
	mmgrab(mm);
	ret = vcm_pin(&chunks, addr, len, flags);
	if (ret)
		goto unpin;
	phys = vcm_foreign_create(&vcm_foreign_user, mm, &chunks, rights);
	if (!IS_ERR(phys))
		return phys;
	ret = PTR_ERR(phys);
unpin:
	for (i = 0; i < chunks.nr; i++)
		vcm_unpin_chunk(&chunks.chunk[i], false);
	kvfree(chunks.chunk);
	vcm_unaccount(mm, len);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_GPL(vcm_phys_pin_user);
