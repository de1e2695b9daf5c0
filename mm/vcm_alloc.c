// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: the common case in one call.
 *
 * A buffer that is reserved, allocated and backed at once, and goes as a whole.
 * It is nothing that a consumer could not do, and what is made is an ordinary
 * reservation with ordinary memory behind it.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/printk.h>
#include <linux/refcount.h>

#include "vcm_internal.h"

#define VCM_ONLY_PHYS_ATTRS	(VCM_PHYS_ATTRS & ~VCM_ALIGN_MASK)

/* Its owner, and the one backing. */
#define VCM_ALLOC_USERS		2

/* After vcm_back() has failed; it may have left something that is stuck. */
static void vcm_alloc_undo(struct vcm_res *res, struct vcm_phys *phys)
{
	dma_addr_t addr = vcm_res_addr(res);
	int ret = vcm_unback(res);

	if (ret && ret != -ENOENT) {
		pr_err("%s: %zu bytes of memory that were to be at %pad are kept: a unit does not answer\n",
		       res->vcm->name, phys->len, &addr);
		return;
	}
	vcm_phys_free(phys);
	vcm_unreserve(res);
}

/* Put memory behind a reservation, or give it back. */
static struct vcm_res *vcm_alloc_behind(struct vcm_res *res,
					struct vcm_memtype *type, u32 attr)
{
	struct vcm_phys *phys;
	int ret;

	if (IS_ERR(res))
		return res;
	attr &= VCM_PHYS_ATTRS;
	/* The alignment is that of the address, whoever decides on it. */
	if (!res->floating)
		attr &= ~VCM_ALIGN_MASK;
	phys = vcm_phys_alloc(type, vcm_res_len(res), attr);
	if (IS_ERR(phys)) {
		vcm_unreserve(res);
		return ERR_CAST(phys);
	}
	ret = vcm_back(res, phys);
	if (!ret)
		return res;
	vcm_alloc_undo(res, phys);
	return ERR_PTR(ret);
}

/**
 * vcm_alloc() - reserve, allocate and back in one call
 * @vcm: the context
 * @type: where the memory comes from, as for vcm_phys_alloc(); NULL for the
 *        page allocator
 * @len: bytes; rounded up to vcm_get_min_page_size()
 * @attr: those of vcm_reserve() and those of vcm_phys_alloc(); VCM_ALIGN() is
 *        that of the device address
 *
 * What it returns is a reservation like any other. vcm_get_physmem_from_res()
 * says what is behind it, which may back other reservations, too; vcm_dealloc()
 * gives all of it back.
 *
 * Context: May sleep.
 * Return: the reservation, backed as a whole; or with nothing changed an
 * ERR_PTR() as vcm_reserve(), vcm_phys_alloc() and vcm_back() say. If a unit does
 * not answer when the call is undone, -EIO and a message: the reservation stays
 * in the context, where vcm_get_res() finds it, until vcm_dealloc().
 */
struct vcm_res *vcm_alloc(struct vcm *vcm, struct vcm_memtype *type, size_t len,
			  u32 attr)
{
	return vcm_alloc_behind(vcm_reserve(vcm, len,
					    attr & ~VCM_ONLY_PHYS_ATTRS),
				type, attr);
}
EXPORT_SYMBOL_GPL(vcm_alloc);

/**
 * vcm_alloc_from_bound() - vcm_alloc() inside a bound
 * @bound: the bound
 * @type: as for vcm_alloc()
 * @len: as for vcm_alloc()
 * @attr: as for vcm_alloc()
 *
 * Context: May sleep.
 * Return: as vcm_alloc(), with what vcm_reserve_from_bound() says.
 */
struct vcm_res *vcm_alloc_from_bound(struct vcm_bound *bound,
				     struct vcm_memtype *type, size_t len,
				     u32 attr)
{
	return vcm_alloc_behind(vcm_reserve_from_bound(bound, len, attr &
						       ~VCM_ONLY_PHYS_ATTRS),
				type, attr);
}
EXPORT_SYMBOL_GPL(vcm_alloc_from_bound);

/**
 * vcm_dealloc() - unback, unreserve and free in one call
 * @res: the reservation, of vcm_alloc() or made likewise; not to be used any
 *       more
 *
 * Nobody else backs or unbacks @res, or uses its memory for another reservation,
 * meanwhile. When it returns 0, no device reaches the memory.
 *
 * Context: May sleep.
 * Return: 0; or with nothing changed -EINVAL for a bad pointer, -ENOENT if
 * nothing backs @res, -ENOTUNIQ if pieces of several allocations do, -EBUSY if the
 * memory backs something else as well. -EIO if a unit did not answer, as
 * vcm_unback() says: call again.
 */
int vcm_dealloc(struct vcm_res *res)
{
	struct vcm_phys *phys = vcm_get_physmem_from_res(res);
	int ret;

	if (IS_ERR(phys))
		return PTR_ERR(phys);
	if (refcount_read(&phys->users) > VCM_ALLOC_USERS)
		return -EBUSY;
	ret = vcm_unback(res);
	if (ret)
		return ret;
	return vcm_phys_free(phys) ?: vcm_unreserve(res);
}
EXPORT_SYMBOL_GPL(vcm_dealloc);

static void vcm_devm_dealloc(void *data)
{
	struct vcm_res *res = data;
	dma_addr_t addr = vcm_get_dev_addr(res);
	int ret = vcm_dealloc(res);

	if (ret)
		pr_err("%s: what is at %pad cannot be given back (%d)\n",
		       res->vcm->name, &addr, ret);
}

/**
 * devm_vcm_alloc() - vcm_alloc(), and vcm_dealloc() when the driver unbinds
 * @dev: the device whose driver it is
 * @vcm: as for vcm_alloc()
 * @type: as for vcm_alloc()
 * @len: as for vcm_alloc()
 * @attr: as for vcm_alloc()
 *
 * A driver that gets its context with devm_vcm_get() first has nothing to give
 * back. If the memory backs something else when the driver unbinds, or a unit
 * does not answer, all of it stays as it is, and a message says so.
 *
 * Context: May sleep.
 * Return: as vcm_alloc(), and -EINVAL for a bad @dev.
 */
struct vcm_res *devm_vcm_alloc(struct device *dev, struct vcm *vcm,
			       struct vcm_memtype *type, size_t len, u32 attr)
{
	struct vcm_res *res;
	int ret;

	if (IS_ERR_OR_NULL(dev))
		return ERR_PTR(-EINVAL);
	res = vcm_alloc(vcm, type, len, attr);
	if (IS_ERR(res))
		return res;
	ret = devm_add_action_or_reset(dev, vcm_devm_dealloc, res);
	return ret ? ERR_PTR(ret) : res;
}
EXPORT_SYMBOL_GPL(devm_vcm_alloc);
