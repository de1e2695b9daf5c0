// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: ranges of a context.
 *
 * The reservations of a context sit in one tree by address (lib/range_space.c)
 * that answers three questions in O(log n): where is room, what is here, what
 * comes next. What devices cannot use is not in the tree: the few windows are
 * a sorted list, and a search goes through the spaces between them.
 *
 * The range of a bound (vcm_bound.c) is a node of that tree as well, and stands
 * for a tree of its own.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/device.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include <trace/events/vcm.h>

#include "vcm_internal.h"

static struct kmem_cache *vcm_res_cache;

static struct vcm_res *vcm_node_to_res(struct range_node *node)
{
	return node ? container_of(node, struct vcm_res, range) : NULL;
}

/**
 * vcm_space_init() - an empty address space for a new context
 * @vcm: the context, with its first and last address set
 */
void vcm_space_init(struct vcm *vcm)
{
	spin_lock_init(&vcm->res_lock);
	INIT_LIST_HEAD(&vcm->windows);
	INIT_LIST_HEAD(&vcm->bounds);
	INIT_LIST_HEAD(&vcm->ordered);
	range_space_init(&vcm->space, vcm->start, vcm->last);
}

/**
 * vcm_space_unpark() - somebody makes room, or looks for it
 * @vcm: the context
 *
 * See DOC: Parking.
 *
 * Context: The caller holds &vcm.res_lock, and a reference to @vcm.
 */
void vcm_space_unpark(struct vcm *vcm)
{
	struct vcm_res *res = vcm->parked;

	lockdep_assert_held(&vcm->res_lock);

	vcm->nr_changes++;
	if (!res)
		return;
	vcm->parked = NULL;
	range_remove(&vcm->space, &res->range);
	vcm_res_put(res);
}

/**
 * vcm_space_end() - no reservations from now on, if there are none
 * @vcm: the context
 *
 * Context: Any but interrupts. Takes &vcm.res_lock.
 * Return: true, and the context is dead; false if there are any, or bounds.
 */
bool vcm_space_end(struct vcm *vcm)
{
	spin_lock(&vcm->res_lock);
	vcm_space_unpark(vcm);
	vcm->dead = range_space_empty(&vcm->space);
	spin_unlock(&vcm->res_lock);
	return vcm->dead;
}

static u64 vcm_granule(const struct vcm_geometry *usable)
{
	return BIT_ULL(__ffs(usable->pgsizes));
}

/* The alignment that lets the largest block be used that fits into @len. */
static u64 vcm_pick_align(const struct vcm *vcm, size_t len, u32 attr)
{
	u64 granule = vcm_granule(&vcm->usable);
	unsigned int order = VCM_ALIGN_ORDER(attr);

	if (order)
		return max(granule, BIT_ULL(order));
	return BIT_ULL(__fls(vcm->usable.pgsizes & GENMASK(__fls(len), 0)));
}

/* Is it the range of a bound, and no reservation to anybody else? */
static bool vcm_res_is_window(const struct vcm_res *res)
{
	return res->bound && res->bound->window == res;
}

/* Which tree does it sit in? */
static struct range_space *vcm_res_space(const struct vcm_res *res)
{
	if (!res->bound || vcm_res_is_window(res))
		return &res->vcm->space;
	return &res->bound->space;
}

/*
 * The lowest reservation that has an address in common with a range, whether
 * it is in a bound or not. Bounds in which there is none are passed over.
 */
static struct vcm_res *vcm_space_find(struct vcm *vcm, u64 first, u64 last)
{
	struct range_node *node, *inner;

	lockdep_assert_held(&vcm->res_lock);

	for (node = range_find(&vcm->space, first, last);
	     node && node->first <= last; node = range_next(node)) {
		struct vcm_res *res = vcm_node_to_res(node);

		if (res == vcm->parked)
			continue;
		if (!vcm_res_is_window(res))
			return res;
		inner = range_find(&res->bound->space, first, last);
		if (inner)
			return vcm_node_to_res(inner);
	}
	return NULL;
}

/* The one after it by address, NULL at the end. */
static struct vcm_res *vcm_space_next(struct vcm *vcm, struct vcm_res *res)
{
	u64 last = res->range.last;

	return last == U64_MAX ? NULL : vcm_space_find(vcm, last + 1, U64_MAX);
}

/* Lowest first, between the windows. */
static int vcm_space_insert_aligned(struct vcm *vcm, struct vcm_res *res,
				    size_t len, u64 align)
{
	struct range_space *space = vcm_res_space(res);
	u64 first = vcm->usable.first;
	struct vcm_window *window;

	lockdep_assert_held(&vcm->res_lock);

	list_for_each_entry(window, &vcm->windows, node) {
		if (window->first > first &&
		    !range_insert(space, &res->range, len, align, first,
				  min_t(u64, window->first - 1,
					vcm->usable.last)))
			return 0;
		if (window->last >= vcm->usable.last)
			return -ENOSPC;
		first = max_t(u64, first, (u64)window->last + 1);
	}
	if (first > vcm->usable.last)
		return -ENOSPC;
	return range_insert(space, &res->range, len, align, first,
			    vcm->usable.last);
}

/* What nobody asked for is a wish: rather smaller blocks than no room. */
static int vcm_space_insert(struct vcm *vcm, struct vcm_res *res, size_t len)
{
	u64 align = vcm_pick_align(vcm, len, res->attr);
	unsigned long smaller = vcm->usable.pgsizes;
	int ret;

	for (;;) {
		ret = vcm_space_insert_aligned(vcm, res, len, align);
		if (ret != -ENOSPC || VCM_ALIGN_ORDER(res->attr))
			return ret;
		smaller &= align - 1;
		if (!smaller)
			return ret;
		align = BIT_ULL(__fls(smaller));
	}
}

static struct vcm_window *vcm_window_hit(struct list_head *windows, u64 first,
					 u64 last)
{
	struct vcm_window *window;

	list_for_each_entry(window, windows, node)
		if (window->first <= last && window->last >= first)
			return window;
	return NULL;
}

static int vcm_space_insert_at(struct vcm *vcm, struct vcm_res *res,
			       dma_addr_t addr, size_t len)
{
	u64 granule = vcm_granule(&vcm->usable);
	u64 align = max(granule, BIT_ULL(VCM_ALIGN_ORDER(res->attr)));
	u64 last;

	lockdep_assert_held(&vcm->res_lock);

	if (!IS_ALIGNED((u64)addr, align))
		return -EINVAL;
	if (check_add_overflow((u64)addr, (u64)len - 1, &last))
		return -ERANGE;
	if (!vcm_res_is_window(res) &&
	    (addr < vcm->usable.first || last > vcm->usable.last ||
	     vcm_window_hit(&vcm->windows, addr, last)))
		return -ERANGE;
	return range_insert_at(vcm_res_space(res), &res->range, addr, last);
}

/* Whole pages of the context. */
static int vcm_round_len(const struct vcm *vcm, size_t *len)
{
	size_t granule = vcm_granule(&vcm->usable);

	if (check_add_overflow(*len, granule - 1, len))
		return -ENOSPC;
	*len &= ~(granule - 1);
	return 0;
}

static int vcm_space_float(struct vcm *vcm, struct vcm_res *res, size_t len)
{
	if (len - 1 > vcm->usable.last - vcm->usable.first)
		return -ENOSPC;
	res->floating = true;
	return 0;
}

/**
 * vcm_space_place() - find the place of a new reservation
 * @vcm: the context
 * @res: the reservation, from vcm_res_new()
 * @addr: where it is to be, NULL for anywhere
 * @len: bytes
 *
 * Context: The caller holds &vcm.res_lock.
 * Return: 0, or an errno as for vcm_reserve() and vcm_reserve_at().
 */
int vcm_space_place(struct vcm *vcm, struct vcm_res *res,
		    const dma_addr_t *addr, size_t len)
{
	int ret;

	lockdep_assert_held(&vcm->res_lock);

	ret = vcm->dead ? -ENOENT : vcm_round_len(vcm, &len);
	if (ret)
		return ret;
	if (vcm->parked)
		vcm_space_unpark(vcm);
	res->len = len;
	res->number = VCM_NOT_LOWEST;
	if (addr)
		return vcm_space_insert_at(vcm, res, *addr, len);
	if (vcm_space_floats(vcm))
		return vcm_space_float(vcm, res, len);
	if (!res->bound)
		res->number = vcm->nr_changes;
	return vcm_space_insert(vcm, res, len);
}

static void vcm_res_set_nowhere(struct vcm_res *res)
{
	RB_CLEAR_NODE(&res->range.rb);
	res->range.first = VCM_NOWHERE;
	res->range.last = VCM_NOWHERE;
}

/**
 * vcm_res_new() - a reservation that is nowhere yet
 * @vcm: the context
 * @bound: the bound that it is taken from, or whose window it is, or NULL
 * @attr: its attributes
 *
 * Context: May sleep.
 * Return: the reservation, or NULL if there is no memory.
 */
struct vcm_res *vcm_res_new(struct vcm *vcm, struct vcm_bound *bound, u32 attr)
{
	struct vcm_res *res = kmem_cache_zalloc(vcm_res_cache, GFP_KERNEL);

	if (!res)
		return NULL;
	res->vcm = vcm;
	res->bound = bound;
	res->attr = attr;
	kref_init(&res->ref);
	INIT_LIST_HEAD(&res->node);
	vcm_res_set_nowhere(res);
	res->pieces = RB_ROOT;
	return res;
}

/**
 * vcm_res_discard() - undo vcm_res_new()
 * @res: the reservation, which is nowhere still
 *
 * Context: Any.
 */
void vcm_res_discard(struct vcm_res *res)
{
	kmem_cache_free(vcm_res_cache, res);
}

/* Give it its addresses, and make it one of the context. */
static int vcm_res_enter(struct vcm_res *res, const dma_addr_t *addr,
			 size_t len)
{
	struct vcm *vcm = res->vcm;
	int ret;

	spin_lock(&vcm->res_lock);
	ret = vcm_space_place(vcm, res, addr, len);
	if (!ret) {
		if (vcm_space_floats(vcm)) {
			res->number = vcm->nr_ordered++;
			list_add_tail(&res->node, &vcm->ordered);
		}
		vcm->nr_res++;
		kref_get(&vcm->ref);
	}
	spin_unlock(&vcm->res_lock);
	return ret;
}

/* As vcm_res_enter(), at the address that the home table hands out. */
static int vcm_res_enter_lent(struct vcm_res *res, size_t len)
{
	struct vcm *vcm = res->vcm;
	struct vcm_table *home;
	dma_addr_t addr;
	int ret;

	/* The home table stays, and so does what the context can express. */
	down_read(&vcm->lock);
	home = vcm->home;
	ret = home ? vcm_round_len(vcm, &len) : -ENOENT;
	if (ret)
		goto unlock;
	ret = home->ops->reserve(home, len,
				 vcm_pick_align(vcm, len, res->attr), &addr);
	if (ret)
		goto unlock;
	ret = vcm_res_enter(res, &addr, len);
	if (ret)
		home->ops->unreserve(home, addr, len);
unlock:
	up_read(&vcm->lock);
	return ret;
}

/* One that fits and is parked, or NULL. */
static __always_inline struct vcm_res *
vcm_res_take_parked(struct vcm *vcm, size_t len, u32 attr)
{
	struct vcm_res *res;

	spin_lock(&vcm->res_lock);
	res = vcm->parked;
	if (res && res->len == ALIGN(len, vcm_granule(&vcm->usable)) &&
	    !((res->attr ^ attr) & ~VCM_RIGHTS)) {
		vcm->parked = NULL;
		vcm->nr_res++;
		res->attr = attr;
		res->state = VCM_RES_IDLE;
	} else {
		res = NULL;
	}
	spin_unlock(&vcm->res_lock);
	if (res)
		trace_vcm_reserve(vcm->name, vcm_res_addr(res),
				  vcm_res_len(res), 0);
	return res;
}

/**
 * vcm_res_make() - what all ways to reserve have in common
 * @vcm: the context
 * @bound: the bound to take it from, NULL for the context itself
 * @addr: where it is to be, NULL for anywhere
 * @len: bytes
 * @attr: its attributes
 *
 * Context: May sleep. Takes &vcm.res_lock, and &vcm.lock for reading if
 * somebody else hands the addresses out.
 * Return: the reservation, or an ERR_PTR() as vcm_reserve(), vcm_reserve_at()
 * and vcm_reserve_from_bound() say.
 */
struct vcm_res *vcm_res_make(struct vcm *vcm, struct vcm_bound *bound,
			     const dma_addr_t *addr, size_t len, u32 attr)
{
	struct vcm_res *res;
	int ret;

	if (IS_ERR_OR_NULL(vcm) || !len || attr & ~VCM_RES_ATTRS ||
	    !vcm_cache_is_one(attr))
		return ERR_PTR(-EINVAL);
	res = vcm_res_new(vcm, bound, attr);
	if (!res)
		return ERR_PTR(-ENOMEM);

	if (!vcm_space_is_lent(vcm))
		ret = vcm_res_enter(res, addr, len);
	else
		ret = addr ? -EOPNOTSUPP : vcm_res_enter_lent(res, len);
	if (ret)
		trace_vcm_reserve(vcm->name, addr ? *addr : 0, len, ret);
	else
		trace_vcm_reserve(vcm->name, vcm_res_addr(res),
				  vcm_res_len(res), 0);
	if (!ret)
		return res;
	vcm_res_discard(res);
	return ERR_PTR(ret);
}

/**
 * vcm_reserve() - take a range of a context
 * @vcm: the context
 * @len: bytes, rounded up to vcm_get_min_page_size()
 * @attr: access rights (VCM_READ, VCM_WRITE, VCM_EXEC, VCM_PRIV); VCM_MMIO if it
 *        is for the registers of a device; at most one of VCM_CACHED,
 *        VCM_UNCACHED and VCM_WC, to be backed with no other memory and, if the
 *        memory leaves it open, to be mapped like this; and VCM_ALIGN(order)
 *        for multiples of 2^order bytes; without it the largest block that fits
 *        into @len decides
 *
 * The range is the lowest that is free, that all devices of the context can
 * use, and that keeps clear of bounds and of the windows which one of them
 * cannot. It commits no memory.
 *
 * In a context of the kernel or of a process the kernel picks the range, and
 * for a process only one of its tasks can call this. In a one-to-one context
 * the memory does: the reservation is nowhere until vcm_back(), and again after
 * vcm_unback().
 *
 * Context: May sleep. Takes &vcm.res_lock; in a context of the kernel or of a
 * process also &vcm.lock for reading, and the mmap_lock of the process.
 * Return: the reservation; or an ERR_PTR(): -EINVAL for a bad pointer, no
 * length, an unknown attribute or two cacheabilities, -ENOSPC if no such range is
 * free, -ENOENT if the context is freed; of a process -ESRCH if the caller is
 * none of its tasks, -EINTR if it is being killed, -EBUSY if it has unmapped a
 * reservation and the kernel picked its addresses again; -ENOMEM (which these
 * also say when no range is free).
 */
struct vcm_res *vcm_reserve(struct vcm *vcm, size_t len, u32 attr)
{
	struct vcm_res *res;

	if (!IS_ERR_OR_NULL(vcm) && READ_ONCE(vcm->parked)) {
		res = vcm_res_take_parked(vcm, len, attr);
		if (likely(res))
			return res;
	}
	return vcm_res_make(vcm, NULL, NULL, len, attr);
}
EXPORT_SYMBOL_GPL(vcm_reserve);

/**
 * vcm_reserve_at() - take a range of a context at a given address
 * @vcm: the context
 * @addr: first device address, a multiple of vcm_get_min_page_size() and of
 *        what VCM_ALIGN() asks for; 0 is an address like any other
 * @len: bytes, rounded up to vcm_get_min_page_size()
 * @attr: as for vcm_reserve()
 *
 * Context: May sleep. Takes &vcm.res_lock.
 * Return: the reservation; or an ERR_PTR(): -EINVAL for a bad pointer, no
 * length, an unknown attribute, two cacheabilities or an unaligned address,
 * -ERANGE if the range
 * leaves the context, or what its devices can reach, or touches a window that
 * one of them cannot use, -EBUSY if it overlaps a reservation or a bound,
 * -ENOENT if the context is freed, -ENOSPC if @len cannot be rounded up,
 * -EOPNOTSUPP in a context of the kernel or of a process, -ENOMEM.
 */
struct vcm_res *vcm_reserve_at(struct vcm *vcm, dma_addr_t addr, size_t len,
			       u32 attr)
{
	return vcm_res_make(vcm, NULL, &addr, len, attr);
}
EXPORT_SYMBOL_GPL(vcm_reserve_at);

/**
 * vcm_res_duplicate() - the same reservation in another context
 * @res: the reservation
 * @vcm: the context, which has the same addresses, all of them usable
 *
 * Context: May sleep.
 * Return: the new reservation; or an ERR_PTR(): -ENOMEM, -EBUSY if there is
 * another one.
 */
struct vcm_res *vcm_res_duplicate(struct vcm_res *res, struct vcm *vcm)
{
	struct vcm_res *copy = vcm_res_new(vcm, NULL, READ_ONCE(res->attr));
	int ret;

	if (!copy)
		return ERR_PTR(-ENOMEM);
	copy->len = res->len;
	copy->number = VCM_NOT_LOWEST;
	spin_lock(&vcm->res_lock);
	ret = range_insert_at(&vcm->space, &copy->range, res->range.first,
			      res->range.last);
	if (!ret) {
		vcm->nr_res++;
		kref_get(&vcm->ref);
	}
	spin_unlock(&vcm->res_lock);
	if (!ret)
		return copy;
	vcm_res_discard(copy);
	return ERR_PTR(ret);
}

/* May it stay where it is? See DOC: Parking. Nobody else may know it. */
static bool vcm_res_parks(const struct vcm_res *res)
{
	const struct vcm *vcm = res->vcm;

	return res->number == vcm->nr_changes && list_empty(&res->node) &&
	       !vcm->parked && kref_read(&res->ref) == 1;
}

/*
 * The opposite of vcm_res_enter(). Returns 1 if it is parked, and so still has
 * the reference of its owner.
 */
static __always_inline int vcm_res_leave(struct vcm_res *res)
{
	struct vcm *vcm = res->vcm;
	int ret = 0;

	spin_lock(&vcm->res_lock);
	if (unlikely(res->state != VCM_RES_IDLE)) {
		ret = res->state == VCM_RES_GONE ? -ENOENT : -EBUSY;
		goto unlock;
	}
	res->state = VCM_RES_GONE;
	vcm->nr_res--;
	if (vcm_res_parks(res)) {
		vcm->parked = res;
		ret = 1;
		goto unlock;
	}
	vcm_space_unpark(vcm);
	if (!RB_EMPTY_NODE(&res->range.rb))
		range_remove(vcm_res_space(res), &res->range);
	list_del_init(&res->node);
unlock:
	/* Once it is unlocked, a parked one is somebody else's. */
	trace_vcm_unreserve(vcm->name, vcm_res_addr(res), vcm_res_len(res),
			    min(ret, 0));
	spin_unlock(&vcm->res_lock);
	return ret;
}

static int vcm_res_leave_lent(struct vcm_res *res)
{
	struct vcm *vcm = res->vcm;
	int ret;

	/* The home table stays until this is through. */
	down_read(&vcm->lock);
	ret = vcm_res_leave(res);
	if (!ret)
		vcm->home->ops->unreserve(vcm->home, vcm_res_addr(res),
					  vcm_res_len(res));
	up_read(&vcm->lock);
	return ret;
}

/**
 * vcm_unreserve() - give a range back
 * @res: the reservation; not to be used any more, except through references
 *       that a lookup has counted
 *
 * Context: May sleep. Takes &vcm.res_lock; in a context of the kernel or of a
 * process also &vcm.lock for reading, and the mmap_lock of the process.
 * Return: 0; -EBUSY if it is backed, nothing changes then; -ENOENT if it is
 * unreserved already; -EINVAL for a bad pointer.
 */
int vcm_unreserve(struct vcm_res *res)
{
	int ret;

	if (IS_ERR_OR_NULL(res))
		return -EINVAL;

	if (vcm_space_is_lent(res->vcm))
		ret = vcm_res_leave_lent(res);
	else
		ret = vcm_res_leave(res);
	if (!ret)
		vcm_res_put(res);
	return min(ret, 0);
}
EXPORT_SYMBOL_GPL(vcm_unreserve);

static void vcm_res_release(struct kref *ref)
{
	struct vcm_res *res = container_of(ref, struct vcm_res, ref);
	struct vcm *vcm = res->vcm;

	WARN_ON_ONCE(res->state != VCM_RES_GONE);
	kmem_cache_free(vcm_res_cache, res);
	kref_put(&vcm->ref, vcm_release);
}

/**
 * vcm_res_put() - give back the reference that a lookup has counted
 * @res: the reservation; NULL and error pointers are let through
 *
 * Context: Any.
 */
void vcm_res_put(struct vcm_res *res)
{
	if (!IS_ERR_OR_NULL(res))
		kref_put(&res->ref, vcm_res_release);
}
EXPORT_SYMBOL_GPL(vcm_res_put);

/**
 * vcm_res_lift_floating() - vcm_res_lift() of one that its memory has placed
 * @res: the reservation
 *
 * Context: The caller holds &vcm.res_lock.
 */
void vcm_res_lift_floating(struct vcm_res *res)
{
	lockdep_assert_held(&res->vcm->res_lock);

	if (!RB_EMPTY_NODE(&res->range.rb))
		range_remove(vcm_res_space(res), &res->range);
	vcm_res_set_nowhere(res);
}

/**
 * vcm_res_place_floating() - vcm_res_place() of one that has no addresses
 * @res: the reservation
 * @phys: the memory
 *
 * Context: The caller has claimed @res and still holds &vcm.lock.
 * Return: as vcm_res_place().
 */
int vcm_res_place_floating(struct vcm_res *res, struct vcm_phys *phys)
{
	struct vcm *vcm = res->vcm;
	struct vcm_phys_iter iter;
	dma_addr_t addr;
	phys_addr_t pa;
	int ret;

	lockdep_assert_held_read(&vcm->lock);

	iter = vcm_phys_iter_of(phys, 0, phys->len);
	vcm_phys_iter_next(&iter, &pa);
	addr = vcm->home->ops->place(vcm->home, pa);
	if (addr == VCM_NOWHERE) {
		ret = -ERANGE;
	} else {
		spin_lock(&vcm->res_lock);
		ret = vcm_space_insert_at(vcm, res, addr, phys->len);
		spin_unlock(&vcm->res_lock);
	}
	if (!ret)
		return 0;
	pr_err("%s: %zu bytes of memory at %pap decide on an address that is %s\n",
	       vcm->name, phys->len, &pa,
	       ret == -EBUSY ? "reserved" :
	       ret == -EINVAL ? "not aligned as the reservation demands" :
	       "out of reach of the context or of one of its devices");
	return ret == -EINVAL ? -ERANGE : ret;
}

/**
 * vcm_res_publish() - end what vcm_res_claim() began
 * @res: the reservation
 * @state: its new state
 *
 * Context: The caller has claimed @res and still holds &vcm.lock.
 */
void vcm_res_publish(struct vcm_res *res, enum vcm_res_state state)
{
	struct vcm *vcm = res->vcm;

	spin_lock(&vcm->res_lock);
	WARN_ON_ONCE(res->state != VCM_RES_MOVING);
	if (state == VCM_RES_IDLE)
		vcm_res_lift(res);
	res->state = state;
	spin_unlock(&vcm->res_lock);
}

/* Does the reservation fit what the context is about to become? */
static int vcm_res_fits(struct vcm *vcm, struct vcm_res *res,
			const struct vcm_geometry *usable,
			struct list_head *windows, struct device *dev)
{
	dma_addr_t first = res->range.first, last = res->range.last;
	u64 granule = vcm_granule(usable);
	struct vcm_window *window;

	if (first < usable->first || last > usable->last) {
		dev_err(dev, "vcm: %s: the reservation %pad-%pad is outside of what the device can reach, %pad-%pad\n",
			vcm->name, &first, &last, &usable->first,
			&usable->last);
		return -ERANGE;
	}
	if (!IS_ALIGNED((u64)first | ((u64)last + 1), granule)) {
		dev_err(dev, "vcm: %s: the reservation %pad-%pad is not in whole pages of the device, %llu bytes\n",
			vcm->name, &first, &last, granule);
		return -ERANGE;
	}
	window = vcm_window_hit(windows, first, last);
	if (window) {
		dev_err(dev, "vcm: %s: the reservation %pad-%pad touches %pad-%pad, which the device cannot use\n",
			vcm->name, &first, &last, &window->first,
			&window->last);
		return -ERANGE;
	}
	return 0;
}

static void vcm_window_add(struct vcm *vcm, struct vcm_window *window)
{
	struct vcm_window *other;

	list_for_each_entry(other, &vcm->windows, node)
		if (other->first > window->first)
			break;
	list_add_tail(&window->node, &other->node);
}

/**
 * vcm_space_admit() - narrow a context to what a new member can do
 * @vcm: the context
 * @usable: what all tables can express, the new one included
 * @windows: what the new device cannot use; emptied on success
 * @dev: the device, for the message
 *
 * Either every reservation fits and the new limits hold from now on, or
 * nothing changes and a message names the reservation and the limit.
 *
 * Context: The caller holds &vcm.lock for writing.
 * Return: 0 or -ERANGE.
 */
int vcm_space_admit(struct vcm *vcm, const struct vcm_geometry *usable,
		    struct list_head *windows, struct device *dev)
{
	struct vcm_window *window, *next;
	struct vcm_res *res;
	int ret = 0;

	lockdep_assert_held_write(&vcm->lock);

	if (usable->first > usable->last) {
		dev_err(dev, "vcm: %s: nothing of %pad-%pad is in reach of all its devices\n",
			vcm->name, &vcm->start, &vcm->last);
		return -ERANGE;
	}

	spin_lock(&vcm->res_lock);
	for (res = vcm_space_find(vcm, 0, U64_MAX); res && !ret;
	     res = vcm_space_next(vcm, res))
		ret = vcm_res_fits(vcm, res, usable, windows, dev);
	if (!ret) {
		vcm_space_unpark(vcm);
		vcm->usable = *usable;
		list_for_each_entry_safe(window, next, windows, node) {
			list_del(&window->node);
			vcm_window_add(vcm, window);
		}
	}
	spin_unlock(&vcm->res_lock);
	return ret;
}

/**
 * vcm_space_retract() - widen a context again when a member leaves
 * @vcm: the context
 * @usable: what the remaining tables can express
 * @owner: the device that leaves, whose windows are freed; NULL if only a
 *         table does
 *
 * Context: The caller holds &vcm.lock for writing. Does not allocate.
 */
void vcm_space_retract(struct vcm *vcm, const struct vcm_geometry *usable,
		       const struct vcm_device *owner)
{
	struct vcm_window *window, *next;

	lockdep_assert_held_write(&vcm->lock);

	spin_lock(&vcm->res_lock);
	vcm_space_unpark(vcm);
	vcm->usable = *usable;
	list_for_each_entry_safe(window, next, &vcm->windows, node) {
		if (!owner || window->owner != owner)
			continue;
		list_del(&window->node);
		kfree(window);
	}
	spin_unlock(&vcm->res_lock);
}

/**
 * vcm_keep_out() - addresses that a context is never to use
 * @vcm: a context that vcm_create_around() has just made
 * @first: first address
 * @last: last address, inclusive
 *
 * For home tables in which not all is the context's. It holds for as long as
 * the context lives, for all devices that join.
 *
 * Context: May sleep. Takes &vcm.res_lock. Nobody has reserved anything yet.
 * Return: 0, or -ENOMEM.
 */
int vcm_keep_out(struct vcm *vcm, dma_addr_t first, dma_addr_t last)
{
	struct vcm_window *window = kzalloc(sizeof(*window), GFP_KERNEL);

	if (!window)
		return -ENOMEM;
	window->first = first;
	window->last = last;
	spin_lock(&vcm->res_lock);
	WARN_ON_ONCE(!range_space_empty(&vcm->space));
	vcm_window_add(vcm, window);
	spin_unlock(&vcm->res_lock);
	return 0;
}
EXPORT_SYMBOL_GPL(vcm_keep_out);

/**
 * vcm_space_exit() - give back what a context keeps out of
 * @vcm: the context, which is dead and has no device
 */
void vcm_space_exit(struct vcm *vcm)
{
	struct vcm_window *window, *next;

	list_for_each_entry_safe(window, next, &vcm->windows, node) {
		WARN_ON_ONCE(window->owner);
		list_del(&window->node);
		kfree(window);
	}
}

/**
 * vcm_is_moving() - will what was mapped at an address be there again?
 * @vcm: the context
 * @addr: an address of its home table
 *
 * For a home table that can let an access wait: true while a call backs or
 * unbacks the reservation there, changes its rights, or moves its memory.
 *
 * Context: Any but interrupts. Takes &vcm.res_lock.
 * Return: that.
 */
bool vcm_is_moving(struct vcm *vcm, dma_addr_t addr)
{
	struct vcm_res *res;
	bool moving;

	spin_lock(&vcm->res_lock);
	res = vcm_space_find(vcm, addr, addr);
	moving = res && (res->state == VCM_RES_MOVING ||
			 res->state == VCM_RES_MIGRATING);
	spin_unlock(&vcm->res_lock);
	return moving;
}
EXPORT_SYMBOL_GPL(vcm_is_moving);

/**
 * vcm_get_res() - which reservation contains an address?
 * @vcm: the context
 * @addr: device address
 *
 * Context: Any but interrupts. Takes &vcm.res_lock.
 * Return: a counted reference, to be given back with vcm_res_put();
 * ERR_PTR(-ENOENT) if there is none, ERR_PTR(-EINVAL) for a bad pointer.
 */
struct vcm_res *vcm_get_res(struct vcm *vcm, dma_addr_t addr)
{
	struct vcm_res *res;

	if (IS_ERR_OR_NULL(vcm))
		return ERR_PTR(-EINVAL);
	spin_lock(&vcm->res_lock);
	res = vcm_space_find(vcm, addr, addr);
	if (res)
		kref_get(&res->ref);
	spin_unlock(&vcm->res_lock);
	return res ?: ERR_PTR(-ENOENT);
}
EXPORT_SYMBOL_GPL(vcm_get_res);

/* By address. @prev may be out of the tree. */
static struct vcm_res *vcm_next_by_addr(struct vcm *vcm, struct vcm_res *prev)
{
	struct vcm_res *res = prev ? vcm_space_next(vcm, prev) :
				     vcm_space_find(vcm, 0, U64_MAX);

	/* Where @prev was, a longer one may have come. Never go back. */
	if (prev && res && res->range.first <= prev->range.last)
		res = vcm_space_next(vcm, res);
	return res;
}

/* In the order of their making. @prev may be out of the list. */
static struct vcm_res *vcm_next_in_order(struct vcm *vcm, struct vcm_res *prev)
{
	struct vcm_res *res;

	if (prev && !list_empty(&prev->node))
		return list_is_last(&prev->node, &vcm->ordered) ?
		       NULL : list_next_entry(prev, node);
	list_for_each_entry(res, &vcm->ordered, node)
		if (!prev || res->number > prev->number)
			return res;
	return NULL;
}

/**
 * vcm_get_next_res() - iterate over the reservations of a context
 * @vcm: the context
 * @prev: where the iteration stands, NULL to begin; its reference is given
 *        back. It may have been unreserved meanwhile.
 *
 * They come by address; in a one-to-one context, where some have none, in the
 * order of their making.
 *
 * Context: Any but interrupts. Takes &vcm.res_lock.
 * Return: a counted reference to the next one; NULL at the end, and for a bad
 * pointer.
 */
struct vcm_res *vcm_get_next_res(struct vcm *vcm, struct vcm_res *prev)
{
	struct vcm_res *res;

	if (IS_ERR_OR_NULL(vcm) || IS_ERR(prev)) {
		vcm_res_put(prev);
		return NULL;
	}
	spin_lock(&vcm->res_lock);
	res = vcm_space_floats(vcm) ? vcm_next_in_order(vcm, prev) :
				      vcm_next_by_addr(vcm, prev);
	if (res)
		kref_get(&res->ref);
	spin_unlock(&vcm->res_lock);
	vcm_res_put(prev);
	return res;
}
EXPORT_SYMBOL_GPL(vcm_get_next_res);

/**
 * vcm_get_num_res() - how many reservations does a context have?
 * @vcm: the context
 *
 * Context: Any.
 * Return: the number; 0 for a bad pointer.
 */
size_t vcm_get_num_res(struct vcm *vcm)
{
	return IS_ERR_OR_NULL(vcm) ? 0 : READ_ONCE(vcm->nr_res);
}
EXPORT_SYMBOL_GPL(vcm_get_num_res);

/**
 * vcm_get_res_attr() - the attributes of a reservation
 * @res: the reservation
 *
 * Context: Any.
 * Return: the attributes; 0 for a bad pointer.
 */
u32 vcm_get_res_attr(struct vcm_res *res)
{
	return IS_ERR_OR_NULL(res) ? 0 : READ_ONCE(res->attr);
}
EXPORT_SYMBOL_GPL(vcm_get_res_attr);

/**
 * vcm_get_vcm_from_res() - the context of a reservation
 * @res: the reservation
 *
 * Context: Any.
 * Return: the context, without a reference: it stays for as long as the caller
 * holds @res; ERR_PTR(-EINVAL) for a bad pointer.
 */
struct vcm *vcm_get_vcm_from_res(struct vcm_res *res)
{
	return IS_ERR_OR_NULL(res) ? ERR_PTR(-EINVAL) : res->vcm;
}
EXPORT_SYMBOL_GPL(vcm_get_vcm_from_res);

/**
 * vcm_get_dev_addr() - where a reservation begins
 * @res: the reservation
 *
 * Context: Any.
 * Return: the device address, the same in every device of the context; 0 is a
 * valid one. DMA_MAPPING_ERROR if the memory is to decide and there is none, as
 * in a one-to-one context before vcm_back(). 0 for a bad pointer.
 */
dma_addr_t vcm_get_dev_addr(struct vcm_res *res)
{
	return IS_ERR_OR_NULL(res) ? 0 : vcm_res_addr(res);
}
EXPORT_SYMBOL_GPL(vcm_get_dev_addr);

/**
 * vcm_get_res_len() - how long a reservation is
 * @res: the reservation
 *
 * Context: Any.
 * Return: bytes; 0 for a bad pointer.
 */
size_t vcm_get_res_len(struct vcm_res *res)
{
	return IS_ERR_OR_NULL(res) ? 0 : vcm_res_len(res);
}
EXPORT_SYMBOL_GPL(vcm_get_res_len);

/**
 * vcm_get_min_page_size() - the granule of a context
 * @vcm: the context
 *
 * Addresses and lengths of reservations are multiples of it. It may grow when
 * a device joins whose pages are larger.
 *
 * Context: Any.
 * Return: bytes; 0 for a bad pointer.
 */
size_t vcm_get_min_page_size(struct vcm *vcm)
{
	if (IS_ERR_OR_NULL(vcm))
		return 0;
	return BIT(__ffs(READ_ONCE(vcm->usable.pgsizes)));
}
EXPORT_SYMBOL_GPL(vcm_get_min_page_size);

static int __init vcm_res_init(void)
{
	vcm_res_cache = KMEM_CACHE(vcm_res, SLAB_PANIC);
	return 0;
}
core_initcall(vcm_res_init);
