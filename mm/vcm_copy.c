// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: bytes from one place to another.
 *
 * By the CPU: ordinary memory a page at a time through a local mapping, and
 * other memory through a window with its own cacheability. Devices whose DMA
 * does not see the caches of the CPUs are refused by the back ends, so there is
 * no cache to look after.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <kunit/static_stub.h>
#include <linux/export.h>
#include <linux/highmem.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "vcm_internal.h"

/* Whoever copies keeps memory from being moved meanwhile. */
DECLARE_RWSEM(vcm_copy_lock);

/* Inside of one page each. */
static int vcm_copy_page(phys_addr_t to, phys_addr_t from, size_t len)
{
	void *dst, *src;

	if (!pfn_valid(PHYS_PFN(to)) || !pfn_valid(PHYS_PFN(from)))
		return -EOPNOTSUPP;
	src = kmap_local_pfn(PHYS_PFN(from));
	dst = kmap_local_pfn(PHYS_PFN(to));
	memcpy(dst + offset_in_page(to), src + offset_in_page(from), len);
	kunmap_local(dst);
	kunmap_local(src);
	return 0;
}

/* Whole pages around [@pa, @pa + @len), no more than VCM_WINDOW of them. */
static size_t vcm_window_len(phys_addr_t pa, size_t len)
{
	return PAGE_ALIGN(offset_in_page(pa) + len);
}

static int vcm_copy_window(phys_addr_t to, u32 to_cache, phys_addr_t from,
			   u32 from_cache, size_t len)
{
	size_t dst_len = vcm_window_len(to, len);
	size_t src_len = vcm_window_len(from, len);
	int ret = -ENOMEM;
	void *dst, *src;

	src = vcm_window_open(from - offset_in_page(from), src_len, from_cache);
	if (!src)
		return ret;
	dst = vcm_window_open(to - offset_in_page(to), dst_len, to_cache);
	if (dst) {
		memcpy(dst + offset_in_page(to), src + offset_in_page(from), len);
		/* Write combining is over when it is done. */
		mb();
		vcm_window_close(dst, dst_len);
		ret = 0;
	}
	vcm_window_close(src, src_len);
	return ret;
}

static int vcm_copy_special(phys_addr_t to, u32 to_cache, phys_addr_t from,
			    u32 from_cache, size_t len)
{
	size_t n;
	int ret;

	for (; len; len -= n, to += n, from += n) {
		n = min_t(size_t, len, VCM_WINDOW - PAGE_SIZE);
		ret = vcm_copy_window(to, to_cache, from, from_cache, n);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

static int vcm_copy_run(phys_addr_t to, phys_addr_t from, size_t len)
{
	size_t n;
	int ret;

	for (; len; len -= n, to += n, from += n) {
		n = min3(len, PAGE_SIZE - offset_in_page(to),
			 PAGE_SIZE - offset_in_page(from));
		ret = vcm_copy_page(to, from, n);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/**
 * vcm_phys_copy() - copy between allocations
 * @to: where to
 * @to_off: first byte of @to
 * @from: where from; if it is @to, the ranges don't overlap
 * @from_off: first byte of @from
 * @len: bytes, inside of both
 *
 * Context: May sleep. The caller keeps both from being freed, and moved.
 * Return: 0; -EOPNOTSUPP for MMIO, or if the CPU has no map of the memory;
 * -EACCES if @to is not to be written or @from not to be read; -ENOMEM.
 */
int vcm_phys_copy(struct vcm_phys *to, size_t to_off, struct vcm_phys *from,
		  size_t from_off, size_t len)
{
	bool special = (to->attr | from->attr) & (VCM_UNCACHED | VCM_WC);
	struct vcm_phys_iter src, dst;
	phys_addr_t src_pa, dst_pa;
	size_t src_len = 0, dst_len = 0, n;
	int ret;

	KUNIT_STATIC_STUB_REDIRECT(vcm_phys_copy, to, to_off, from, from_off,
				   len);
	/* Registers are no memory: what they do when read, who knows? */
	if ((to->attr | from->attr) & VCM_MMIO)
		return -EOPNOTSUPP;
	if (!(to->attr & VCM_WRITE) || !(from->attr & VCM_READ))
		return -EACCES;
	if (!to->linear || !from->linear)
		return -EOPNOTSUPP;
	src = vcm_phys_iter_of(from, from_off, len);
	dst = vcm_phys_iter_of(to, to_off, len);
	for (; len; len -= n) {
		if (!src_len)
			src_len = vcm_phys_iter_next(&src, &src_pa);
		if (!dst_len)
			dst_len = vcm_phys_iter_next(&dst, &dst_pa);
		n = min(src_len, dst_len);
		ret = special ? vcm_copy_special(dst_pa, to->attr, src_pa,
						 from->attr, n) :
				vcm_copy_run(dst_pa, src_pa, n);
		if (ret)
			return ret;
		src_pa += n;
		src_len -= n;
		dst_pa += n;
		dst_len -= n;
	}
	return 0;
}

/* Part of an allocation that backs a reservation */
struct vcm_part {
	struct vcm_phys *phys;
	size_t off;
	size_t len;
};

/* At most @len bytes from @off on, from one piece; its memory stays. */
static int vcm_part_get(struct vcm_part *part, struct vcm_res *res, size_t off,
			size_t len)
{
	struct vcm *vcm = res->vcm;
	struct vcm_piece *piece;
	int ret = -ENOENT;

	spin_lock(&vcm->res_lock);
	piece = vcm_res_find_piece(res, off, off);
	if (piece) {
		part->phys = piece->phys;
		part->off = off - piece->off + piece->mapper.start;
		part->len = min(len, piece->mapper.last + 1 - part->off);
		refcount_inc(&part->phys->users);
		ret = 0;
	}
	spin_unlock(&vcm->res_lock);
	return ret;
}

static void vcm_part_put(struct vcm_part *part)
{
	vcm_phys_put(part->phys);
}

/* As far as one piece goes on either side; how many bytes? */
static ssize_t vcm_copy_step(struct vcm_res *to, size_t to_off,
			     struct vcm_res *from, size_t from_off, size_t len)
{
	struct vcm_part src, dst;
	ssize_t ret;

	ret = vcm_part_get(&src, from, from_off, len);
	if (ret)
		return ret;
	ret = vcm_part_get(&dst, to, to_off, src.len);
	if (ret)
		goto put;
	ret = vcm_phys_copy(dst.phys, dst.off, src.phys, src.off, dst.len);
	if (!ret)
		ret = dst.len;
	vcm_part_put(&dst);
put:
	vcm_part_put(&src);
	return ret;
}

/* The first part that backs [@off, @last] of @res; @off moves to its end. */
static bool vcm_part_next(struct vcm_part *part, struct vcm_res *res,
			  size_t *off, size_t last)
{
	struct vcm *vcm = res->vcm;
	struct vcm_piece *piece;

	if (*off > last)
		return false;
	spin_lock(&vcm->res_lock);
	piece = vcm_res_find_piece(res, *off, last);
	if (piece) {
		size_t first = max(*off, piece->off);

		part->phys = piece->phys;
		part->off = first - piece->off + piece->mapper.start;
		part->len = min(last + 1 - first,
				piece->mapper.last + 1 - part->off);
		refcount_inc(&part->phys->users);
		*off = first + part->len;
	}
	spin_unlock(&vcm->res_lock);
	return piece;
}

/* Is memory of the one range also in the other, in whatever allocation? */
static bool vcm_copy_overlaps(struct vcm_res *to, size_t to_off,
			      struct vcm_res *from, size_t from_off, size_t len)
{
	size_t last = from_off + len - 1, run;
	struct vcm_phys_iter iter;
	struct vcm_part part;
	bool found = false;
	phys_addr_t pa;

	while (!found && vcm_part_next(&part, from, &from_off, last)) {
		iter = vcm_phys_iter_of(part.phys, part.off, part.len);
		while (!found && (run = vcm_phys_iter_next(&iter, &pa))) {
			found = vcm_memory_is_in(pa, run, to, to_off,
						 to_off + len - 1);
			cond_resched();
		}
		vcm_part_put(&part);
	}
	return found;
}

/**
 * vcm_res_copy() - copy bytes from one reservation to another
 * @to: where to
 * @to_off: first byte of @to
 * @from: where from; may be of another context, or @to itself
 * @from_off: first byte of @from
 * @len: bytes
 *
 * The CPU copies what backs the one into what backs the other. What devices
 * may do through the reservations does not matter for that. The copy ends
 * where nothing backs one of the two. If the same memory is in both ranges,
 * nothing is copied: what would come out of it depends on the pieces.
 *
 * Who unbacks a reservation meanwhile gets a copy of some of it; the memory
 * cannot be freed while it is being copied.
 *
 * Context: May sleep.
 * Return: how many bytes were copied; or, if none was, -EINVAL for a bad
 * pointer, no length, or memory that is in both ranges, -ERANGE if a range
 * leaves its reservation, -ENOENT if nothing backs the first byte of one of
 * them, -EOPNOTSUPP for MMIO, or memory that the CPU has no map of, -EACCES if
 * the memory itself is not to be written or read, as pinned pages may be, -ENOMEM
 * if it is not cached and there is no room to see it.
 */
ssize_t vcm_res_copy(struct vcm_res *to, size_t to_off, struct vcm_res *from,
		     size_t from_off, size_t len)
{
	size_t done = 0;
	ssize_t ret = 0;

	if (IS_ERR_OR_NULL(to) || IS_ERR_OR_NULL(from) || !len)
		return -EINVAL;
	if (!vcm_part_of(to_off, len, vcm_res_len(to)) ||
	    !vcm_part_of(from_off, len, vcm_res_len(from)))
		return -ERANGE;
	len = min_t(size_t, len, SSIZE_MAX);

	down_read(&vcm_copy_lock);
	if (vcm_copy_overlaps(to, to_off, from, from_off, len))
		ret = -EINVAL;
	while (ret >= 0 && done < len) {
		ret = vcm_copy_step(to, to_off + done, from, from_off + done,
				    len - done);
		if (ret > 0)
			done += ret;
	}
	up_read(&vcm_copy_lock);
	return done ?: ret;
}
EXPORT_SYMBOL_GPL(vcm_res_copy);
