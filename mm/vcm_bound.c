// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: bounds.
 *
 * A bound takes its range like a reservation does, by one that nobody else gets
 * to see, its *window*, and has a tree of its own for what is taken from it.
 * So ordinary reservations keep out of a bound, and one that is full does not
 * touch the rest. It promises no address: what devices cannot use may lie in
 * it, and only the reservations in it must fit a device that joins.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/range_space.h>
#include <linux/slab.h>

#include "vcm_internal.h"

static struct vcm_bound *vcm_bound_make(struct vcm *vcm, const dma_addr_t *addr,
					size_t len)
{
	struct vcm_bound *bound;
	struct vcm_res *window;
	int ret = -ENOMEM;

	if (IS_ERR_OR_NULL(vcm) || !len)
		return ERR_PTR(-EINVAL);
	/* It could not keep what it does not hand out. */
	if (vcm_space_is_lent(vcm) || vcm_space_floats(vcm))
		return ERR_PTR(-EOPNOTSUPP);
	bound = kzalloc(sizeof(*bound), GFP_KERNEL);
	if (!bound)
		return ERR_PTR(-ENOMEM);
	window = vcm_res_new(vcm, bound, 0);
	if (!window)
		goto free;
	bound->window = window;

	spin_lock(&vcm->res_lock);
	ret = vcm_space_place(vcm, window, addr, len);
	if (!ret) {
		range_space_init(&bound->space, window->range.first,
				 window->range.last);
		list_add_tail(&bound->node, &vcm->bounds);
		kref_get(&vcm->ref);
	}
	spin_unlock(&vcm->res_lock);
	if (!ret)
		return bound;

	vcm_res_discard(window);
free:
	kfree(bound);
	return ERR_PTR(ret);
}

/**
 * vcm_create_bound() - keep a range of a context for those who hold the bound
 * @vcm: the context
 * @len: bytes, rounded up to vcm_get_min_page_size()
 *
 * The range is the one that vcm_reserve() would take. From here on only
 * vcm_reserve_from_bound() takes reservations from it.
 *
 * Context: May sleep. Takes &vcm.res_lock.
 * Return: the bound; or an ERR_PTR(): -EINVAL for a bad pointer or no length,
 * -ENOSPC if no such range is free, -ENOENT if the context is freed,
 * -EOPNOTSUPP in a context of the kernel or of a process and in a one-to-one
 * one, -ENOMEM.
 */
struct vcm_bound *vcm_create_bound(struct vcm *vcm, size_t len)
{
	return vcm_bound_make(vcm, NULL, len);
}
EXPORT_SYMBOL_GPL(vcm_create_bound);

/**
 * vcm_create_bound_at() - keep a given range of a context
 * @vcm: the context
 * @addr: first device address, a multiple of vcm_get_min_page_size()
 * @len: bytes, rounded up to vcm_get_min_page_size()
 *
 * A bound says where reservations may lie, not that every address in it can be
 * used: it may span what a device cannot reach, now or once it joins.
 * vcm_reserve_from_bound() avoids that.
 *
 * Context: May sleep. Takes &vcm.res_lock.
 * Return: the bound; or an ERR_PTR(): -EINVAL for a bad pointer, no length or
 * an unaligned address, -ERANGE if the range leaves the context, -EBUSY if it
 * overlaps a reservation or a bound, -ENOENT if the context is freed, -ENOSPC
 * if @len cannot be rounded up, -EOPNOTSUPP in a context of the kernel or of a
 * process and in a one-to-one one, -ENOMEM.
 */
struct vcm_bound *vcm_create_bound_at(struct vcm *vcm, dma_addr_t addr,
				      size_t len)
{
	return vcm_bound_make(vcm, &addr, len);
}
EXPORT_SYMBOL_GPL(vcm_create_bound_at);

/**
 * vcm_reserve_from_bound() - take a range of a bound
 * @bound: the bound
 * @len: bytes, rounded up to vcm_get_min_page_size()
 * @attr: as for vcm_reserve()
 *
 * As vcm_reserve(), within the bound. What comes of it is a reservation like
 * any other.
 *
 * Context: May sleep. Takes &vcm.res_lock.
 * Return: the reservation; or an ERR_PTR(): -EINVAL for a bad pointer, no
 * length, an unknown attribute or two cacheabilities, -ENOSPC if no such range
 * is free in the bound, however much the context has, -ENOMEM.
 */
struct vcm_res *vcm_reserve_from_bound(struct vcm_bound *bound, size_t len,
				       u32 attr)
{
	if (IS_ERR_OR_NULL(bound))
		return ERR_PTR(-EINVAL);
	return vcm_res_make(bound->window->vcm, bound, NULL, len, attr);
}
EXPORT_SYMBOL_GPL(vcm_reserve_from_bound);

/**
 * vcm_get_bound_start_addr() - where a bound begins
 * @bound: the bound
 *
 * Context: Any.
 * Return: the first device address, 0 is a valid one; 0 for a bad pointer.
 */
dma_addr_t vcm_get_bound_start_addr(struct vcm_bound *bound)
{
	return IS_ERR_OR_NULL(bound) ? 0 : vcm_res_addr(bound->window);
}
EXPORT_SYMBOL_GPL(vcm_get_bound_start_addr);

/**
 * vcm_get_bound_len() - how long a bound is
 * @bound: the bound
 *
 * Context: Any.
 * Return: bytes; 0 for a bad pointer.
 */
size_t vcm_get_bound_len(struct vcm_bound *bound)
{
	return IS_ERR_OR_NULL(bound) ? 0 : vcm_res_len(bound->window);
}
EXPORT_SYMBOL_GPL(vcm_get_bound_len);

/**
 * vcm_free_bound() - give the range of a bound back to the context
 * @bound: the bound; not to be used any more
 *
 * Context: May sleep. Takes &vcm.res_lock.
 * Return: 0; -EBUSY if a reservation from it lives, nothing changes then;
 * -EINVAL for a bad pointer.
 */
int vcm_free_bound(struct vcm_bound *bound)
{
	struct vcm_res *window;
	struct vcm *vcm;
	bool busy;

	if (IS_ERR_OR_NULL(bound))
		return -EINVAL;
	window = bound->window;
	vcm = window->vcm;

	spin_lock(&vcm->res_lock);
	busy = !range_space_empty(&bound->space);
	if (!busy) {
		window->state = VCM_RES_GONE;
		vcm_space_unpark(vcm);
		range_remove(&vcm->space, &window->range);
		list_del(&bound->node);
	}
	spin_unlock(&vcm->res_lock);
	if (busy)
		return -EBUSY;
	vcm_res_put(window);
	kfree(bound);
	return 0;
}
EXPORT_SYMBOL_GPL(vcm_free_bound);
