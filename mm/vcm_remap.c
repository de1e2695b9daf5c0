// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: mappings that change while they are in use.
 *
 * An entry cannot be overwritten: some formats want it to be invalid and
 * flushed in between, and struct iommu_domain has no call for it. So what
 * changes is unmapped from every table first, and for a moment no device
 * reaches it. No two tables ever disagree: all have the old mapping, or none,
 * or all the new one.
 *
 * If the new one cannot be had, the old one is put back. That needs page-table
 * pages which have just been freed, so it waits for memory: VCM_GFP_PUT_BACK.
 * A driver that refuses for a reason of its own leaves the reservation stuck:
 * nothing is mapped, the memory is kept, and vcm_unback() gives it back.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/export.h>
#include <linux/printk.h>

#include "vcm_internal.h"

static int vcm_res_put_back(struct vcm_res *res)
{
	dma_addr_t addr = vcm_res_addr(res);
	size_t left = 0;
	int ret;

	ret = vcm_res_map(res, res->attr, VCM_GFP_PUT_BACK, &left);
	if (ret)
		pr_err("%s: cannot map again what was at %pad (%d): unback it\n",
		       res->vcm->name, &addr, ret);
	return ret;
}

/* Other attributes for a reservation that is claimed, and backed. */
static int vcm_res_remap(struct vcm_res *res, u32 attr)
{
	struct vcm_piece *piece;
	size_t left = 0;
	int ret;

	vcm_for_each_piece(res, piece) {
		ret = vcm_back_allowed(res, piece->phys, attr);
		if (ret)
			goto publish;
	}
	ret = vcm_cache_can_switch(res, attr);
	if (ret)
		goto publish;
	ret = vcm_res_unmap(res);
	ret = vcm_cache_switch(res, attr) ?: ret;
	if (!ret)
		ret = vcm_res_map(res, attr, GFP_KERNEL, &left);
	if (!ret) {
		WRITE_ONCE(res->attr, attr);
		goto publish;
	}
	vcm_cache_switch_back(res);
	if (vcm_res_put_back(res)) {
		vcm_res_stick_pieces(res);
		return -EIO;
	}
	if (left)
		ret = -EIO;
publish:
	vcm_res_publish(res, VCM_RES_BACKED);
	return ret;
}

/**
 * vcm_set_res_attr() - change what devices may do through a reservation
 * @res: the reservation, backed or not
 * @attr: access rights and VCM_MMIO as for vcm_reserve(); VCM_ALIGN() as it was
 *
 * Changes this mapping alone: other reservations with the same memory keep
 * their rights. When it returns 0, every device has the new rights, and every
 * unit has forgotten the old ones. While it runs there is a moment in which
 * accesses through @res are refused, also those which the old and the new
 * rights both allow. In a context of the kernel that is a bad pointer; a process
 * waits.
 *
 * Context: May sleep.
 * Return: 0; or with the rights as they were -EINVAL for a bad pointer, an
 * unknown attribute or another alignment, or if @res is backed and VCM_MMIO is
 * not as it was, -EACCES if @res is backed and @attr grants neither VCM_READ nor
 * VCM_WRITE, or what the memory does not, -ENOENT if it is unreserved, -EBUSY
 * while another call backs or unbacks it, or a unit owes an answer to
 * vcm_unback(); -EOPNOTSUPP if a unit cannot express the rights, -ENOMEM, or
 * what the unit's driver says. -EIO if a unit did not answer; the rights are as
 * they were, but that unit may have cached the new ones. Also -EIO, and a
 * message, if a driver would not map again what it had mapped: nothing is
 * mapped then, and @res and its memory stay in use until vcm_unback().
 */
int vcm_set_res_attr(struct vcm_res *res, u32 attr)
{
	struct vcm *vcm;
	int ret;

	if (IS_ERR_OR_NULL(res) || attr & ~VCM_RES_ATTRS ||
	    !vcm_cache_is_one(attr) ||
	    (attr ^ vcm_get_res_attr(res)) & VCM_ALIGN_MASK)
		return -EINVAL;
	vcm = res->vcm;

	ret = vcm_back_begin(res, BIT(VCM_RES_IDLE) | BIT(VCM_RES_BACKED), NULL);
	if (ret < 0)
		return ret;
	if (ret == VCM_RES_BACKED && attr != res->attr) {
		mutex_lock(&vcm_cache_lock);
		ret = vcm_res_remap(res, attr);
		mutex_unlock(&vcm_cache_lock);
		goto unlock;
	}
	WRITE_ONCE(res->attr, attr);
	vcm_res_publish(res, ret);
	ret = 0;
unlock:
	up_read(&vcm->lock);
	return ret;
}
EXPORT_SYMBOL_GPL(vcm_set_res_attr);
