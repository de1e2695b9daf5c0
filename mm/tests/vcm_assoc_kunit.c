// SPDX-License-Identifier: GPL-2.0-only
/*
 * Associations: one active context for each device, all units of a device or
 * none, and what goes away takes its association with it and nothing else.
 * Hard cases 4, 5, 6, 9, 11 (as far as a model can show it), 12, 28 and 29.
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/device.h>
#include <linux/device/driver.h>

#include "vcm_bed.h"

/* A bed with something to reach. */
struct vcm_stage {
	struct vcm_bed *bed;
	struct vcm_phys *phys;
	struct vcm_res *res;
	dma_addr_t addr;
};

static struct vcm_stage stage_new(struct kunit *test,
				  const struct vcm_bed_kind *kind)
{
	struct vcm_stage stage = { .bed = bed_new(test, kind) };

	stage.phys = bed_alloc(stage.bed, SZ_64K, 0);
	stage.res = bed_reserve(stage.bed, SZ_64K, VCM_RW);
	stage.addr = vcm_get_dev_addr(stage.res);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(stage.res, stage.phys));
	return stage;
}

static void stage_end(struct vcm_stage *stage)
{
	struct kunit *test = stage->bed->test;

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(stage->res));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(stage->res));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(stage->phys));
	bed_end(stage->bed);
}

static int stage_read(struct vcm_stage *stage, unsigned int i)
{
	u8 byte;

	return vcm_soft_dma(stage->bed->units[i], stage->bed->devs[i],
			    stage->addr, &byte, 1, VCM_READ);
}

/* Inactive: nothing. Active: everything. Inactive again: nothing. */
static void vcm_activate_deactivate(struct kunit *test)
{
	struct vcm_stage stage = stage_new(test, test->param_value);
	struct vcm_bed *bed = stage.bed;
	unsigned int i;

	bed_join(bed);
	for (i = 0; i < bed->nr; i++) {
		KUNIT_EXPECT_TRUE(test, vcm_is_active(bed->assocs[i]));
		KUNIT_EXPECT_EQ(test, 0, stage_read(&stage, i));
		KUNIT_EXPECT_EQ(test, -EBUSY, vcm_activate(bed->assocs[i]));
		KUNIT_EXPECT_EQ(test, -EBUSY, vcm_deassoc(bed->assocs[i]));
		KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(bed->assocs[i]));
		KUNIT_EXPECT_FALSE(test, vcm_is_active(bed->assocs[i]));
		KUNIT_EXPECT_EQ(test, -ENOENT, vcm_deactivate(bed->assocs[i]));
		KUNIT_EXPECT_EQ(test, -ENXIO, stage_read(&stage, i));
		/* The others are not disturbed. */
		if (i + 1 < bed->nr)
			KUNIT_EXPECT_EQ(test, 0, stage_read(&stage, i + 1));
	}
	stage_end(&stage);
}

/* An association alone opens nothing. */
static void vcm_assoc_inactive(struct kunit *test)
{
	struct vcm_stage stage = stage_new(test, &vcm_bed_one);
	struct vcm_bed *bed = stage.bed;

	bed->assocs[0] = vcm_assoc(bed->vcm, bed->devs[0], 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bed->assocs[0]);
	KUNIT_EXPECT_FALSE(test, vcm_is_active(bed->assocs[0]));
	KUNIT_EXPECT_EQ(test, -ENXIO, stage_read(&stage, 0));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EEXIST),
			    vcm_assoc(bed->vcm, bed->devs[0], 0));
	stage_end(&stage);
}

/* Deactivating one context and activating another: the switch of 2010. */
static void vcm_context_switch(struct kunit *test)
{
	struct vcm_stage a = stage_new(test, &vcm_bed_one);
	struct vcm_stage b = stage_new(test, &vcm_bed_one);
	struct vcm_assoc *second;
	u8 byte = 0;

	/* Both stages use the same address: the tables must not be mixed up. */
	KUNIT_ASSERT_EQ(test, a.addr, b.addr);
	phys_fill(a.phys, 0xa);
	phys_fill(b.phys, 0xb);
	bed_join(a.bed);
	second = vcm_assoc(b.bed->vcm, a.bed->devs[0], 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, second);

	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(a.bed->units[0], a.bed->devs[0],
					      a.addr, &byte, 1, VCM_READ));
	KUNIT_EXPECT_EQ(test, 0xa, byte);
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_activate(second));
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(a.bed->assocs[0]));
	KUNIT_EXPECT_EQ(test, 0, vcm_activate(second));
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(a.bed->units[0], a.bed->devs[0],
					      a.addr, &byte, 1, VCM_READ));
	KUNIT_EXPECT_EQ(test, 0xb, byte);
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(second));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(second));
	stage_end(&b);
	stage_end(&a);
}

/*
 * Moving a device: two contexts with different memory at the same address, so
 * a table or a translation that is mixed up shows.
 */
struct vcm_removal {
	struct vcm_stage from, to;
	struct vcm_assoc *assoc;
};

static struct vcm_removal removal_new(struct kunit *test)
{
	struct vcm_removal r = {
		.from = stage_new(test, &vcm_bed_one),
		.to = stage_new(test, &vcm_bed_one),
	};

	KUNIT_ASSERT_EQ(test, r.from.addr, r.to.addr);
	phys_fill(r.from.phys, 0xa);
	phys_fill(r.to.phys, 0xb);
	bed_join(r.from.bed);
	bed_join(r.to.bed);
	r.assoc = r.from.bed->assocs[0];
	return r;
}

static void removal_end(struct vcm_removal *r)
{
	stage_end(&r->to);
	stage_end(&r->from);
}

/* What the device that moves finds at the address, or an errno. */
static int removal_read(struct vcm_removal *r)
{
	struct vcm_bed *bed = r->from.bed;
	u8 byte = 0;
	int ret;

	ret = vcm_soft_dma(bed->units[0], bed->devs[0], r->from.addr, &byte, 1,
			   VCM_READ);
	return ret ?: byte;
}

static void vcm_assoc_moved(struct kunit *test)
{
	struct vcm_removal r = removal_new(test);
	struct vcm *from = r.from.bed->vcm, *to = r.to.bed->vcm;
	struct device *dev = r.from.bed->devs[0];

	KUNIT_EXPECT_PTR_EQ(test, r.assoc, vcm_get_assoc(from, dev));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ENOENT), vcm_get_assoc(to, dev));
	KUNIT_EXPECT_EQ(test, 0xa, removal_read(&r));

	/* Active, there and back: the handle is good for both. */
	KUNIT_EXPECT_EQ(test, -EEXIST, vcm_assoc_move(r.assoc, from));
	KUNIT_EXPECT_EQ(test, 0, vcm_assoc_move(r.assoc, to));
	KUNIT_EXPECT_TRUE(test, vcm_is_active(r.assoc));
	KUNIT_EXPECT_EQ(test, 0xb, removal_read(&r));
	KUNIT_EXPECT_PTR_EQ(test, r.assoc, vcm_get_assoc(to, dev));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ENOENT), vcm_get_assoc(from, dev));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_tables(from));
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_tables(to));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_free(to));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_activate(r.assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_assoc_move(r.assoc, from));
	KUNIT_EXPECT_EQ(test, 0xa, removal_read(&r));

	/* Inactive, it stays inactive. */
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(r.assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_assoc_move(r.assoc, to));
	KUNIT_EXPECT_FALSE(test, vcm_is_active(r.assoc));
	KUNIT_EXPECT_EQ(test, -ENXIO, removal_read(&r));
	KUNIT_EXPECT_EQ(test, 0, vcm_activate(r.assoc));
	KUNIT_EXPECT_EQ(test, 0xb, removal_read(&r));
	/* What is unbacked where it went is out of its reach. */
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(r.to.res));
	KUNIT_EXPECT_EQ(test, -EFAULT, removal_read(&r));
	KUNIT_EXPECT_EQ(test, 0, vcm_back(r.to.res, r.to.phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_assoc_move(r.assoc, from));
	removal_end(&r);
}

/* Whatever goes wrong, the device is where it was, as it was. */
static void vcm_assoc_not_moved(struct kunit *test)
{
	static const enum vcm_soft_fault faults[] = {
		VCM_SOFT_FAIL_TABLE, VCM_SOFT_FAIL_MAP, VCM_SOFT_FAIL_ATTACH,
		VCM_SOFT_DEFER,
	};
	struct vcm_removal r = removal_new(test);
	struct vcm *to = r.to.bed->vcm;
	struct device *dev = r.from.bed->devs[0];
	struct vcm_iommu *unit = r.from.bed->units[0];
	struct vcm_res *far;
	unsigned int i;

	/* Without a table to share, every step can go wrong. */
	bed_leave(r.to.bed);
	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		vcm_soft_fail(unit, faults[i], 0, 1);
		KUNIT_EXPECT_LT(test, vcm_assoc_move(r.assoc, to), 0);
		vcm_soft_fail(unit, faults[i], 0, 0);
		KUNIT_EXPECT_TRUE(test, vcm_is_active(r.assoc));
		KUNIT_EXPECT_EQ(test, 0xa, removal_read(&r));
		KUNIT_EXPECT_EQ(test, 0, vcm_get_num_tables(to));
		KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ENOENT),
				    vcm_get_assoc(to, dev));
	}

	/* Not even back: it reaches nothing, and can be activated again. */
	vcm_soft_fail(unit, VCM_SOFT_FAIL_ATTACH, 0, 2);
	KUNIT_EXPECT_EQ(test, -EIO, vcm_assoc_move(r.assoc, to));
	KUNIT_EXPECT_FALSE(test, vcm_is_active(r.assoc));
	KUNIT_EXPECT_EQ(test, -ENXIO, removal_read(&r));
	KUNIT_EXPECT_EQ(test, 0, vcm_activate(r.assoc));
	KUNIT_EXPECT_EQ(test, 0xa, removal_read(&r));

	/* A context that is gone, though a reference keeps its memory. */
	to = space_new(test, BED_START, BED_LEN);
	far = space_take(test, to, PAGE_SIZE, VCM_RW);
	KUNIT_ASSERT_PTR_EQ(test, far, vcm_get_res(to, vcm_get_dev_addr(far)));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(far));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(to));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_assoc_move(r.assoc, to));
	vcm_res_put(far);

	bed_join(r.to.bed);
	removal_end(&r);
}

/*
 * A unit that cannot tell whether it could share gets a mirror, and shares from
 * its activation on.
 */
static void vcm_assoc_shares_later(struct kunit *test)
{
	struct vcm_stage stage = stage_new(test, &vcm_bed_two);
	struct vcm_bed *bed = stage.bed;
	struct device *dev = bed_device(test, bed->units[1]);
	struct vcm_assoc *second;

	bed_join_first(bed, 1);
	vcm_soft_fail(bed->units[1], VCM_SOFT_UNSURE, 0, 1);
	bed->assocs[1] = vcm_assoc(bed->vcm, bed->devs[1], 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bed->assocs[1]);
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_tables(bed->vcm));
	/* Another device behind the unit takes its table, and goes along. */
	vcm_soft_fail(bed->units[1], VCM_SOFT_UNSURE, 0, 1);
	second = vcm_assoc(bed->vcm, dev, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, second);
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_tables(bed->vcm));

	/* Asked again in vain: a mirror works as well. */
	vcm_soft_fail(bed->units[1], VCM_SOFT_UNSURE, 0, 1);
	KUNIT_EXPECT_EQ(test, 0, vcm_activate(bed->assocs[1]));
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_tables(bed->vcm));
	bed_expect_memory(bed, stage.res, stage.phys);
	/* While one of its devices is active, the unit stays on its table. */
	KUNIT_EXPECT_EQ(test, 0, vcm_activate(second));
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_tables(bed->vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(second));
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(bed->assocs[1]));

	KUNIT_EXPECT_EQ(test, 0, vcm_activate(second));
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_tables(bed->vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_table_pages(bed->units[1]));
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(second));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(second));
	KUNIT_EXPECT_EQ(test, 0, vcm_activate(bed->assocs[1]));
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_tables(bed->vcm));
	bed_expect_memory(bed, stage.res, stage.phys);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(stage.res));
	bed_expect_fault(bed, stage.addr, VCM_READ);
	KUNIT_EXPECT_EQ(test, 0, vcm_back(stage.res, stage.phys));
	stage_end(&stage);
}

/* Two units on one table, two tables in one context, one device on each. */
static void vcm_assoc_shared_and_mirrored(struct kunit *test)
{
	static const struct vcm_bed_kind kind = {
		"two and two", 4, { VCM_SOFT_LPAE, VCM_SOFT_HALF }, 2
	};
	struct vcm_stage stage = stage_new(test, &kind);

	bed_join(stage.bed);
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_tables(stage.bed->vcm));
	bed_expect_memory(stage.bed, stage.res, stage.phys);
	/* The table outlives the unit that it was made for. */
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(stage.bed->assocs[0]));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(stage.bed->assocs[0]));
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_tables(stage.bed->vcm));
	KUNIT_EXPECT_EQ(test, 0, stage_read(&stage, 2));
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(stage.bed->assocs[2]));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(stage.bed->assocs[2]));
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_tables(stage.bed->vcm));
	KUNIT_EXPECT_EQ(test, 0, stage_read(&stage, 1));
	stage.bed->assocs[0] = vcm_assoc(stage.bed->vcm, stage.bed->devs[0], 0);
	stage.bed->assocs[2] = vcm_assoc(stage.bed->vcm, stage.bed->devs[2], 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, stage.bed->assocs[0]);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, stage.bed->assocs[2]);
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_tables(stage.bed->vcm));
	stage_end(&stage);
}

/* Two devices behind one unit: one flush, and each goes alone. */
static void vcm_assoc_two_devices_one_unit(struct kunit *test)
{
	struct vcm_stage stage = stage_new(test, &vcm_bed_one);
	struct vcm_bed *bed = stage.bed;
	struct device *dev = bed_device(test, bed->units[0]);
	struct vcm_soft_stats before, after;
	struct vcm_assoc *assoc;
	u8 byte = 0;

	bed_join(bed);
	assoc = vcm_assoc(bed->vcm, dev, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, assoc);
	KUNIT_ASSERT_EQ(test, 0, vcm_activate(assoc));
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_tables(bed->vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(bed->units[0], dev, stage.addr,
					      &byte, 1, VCM_READ));

	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(bed->assocs[0]));
	vcm_soft_get_stats(bed->units[0], &before);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(stage.res));
	vcm_soft_get_stats(bed->units[0], &after);
	KUNIT_EXPECT_EQ(test, before.flushes + 1, after.flushes);
	KUNIT_EXPECT_EQ(test, -EFAULT, vcm_soft_dma(bed->units[0], dev,
						    stage.addr, &byte, 1,
						    VCM_READ));
	KUNIT_EXPECT_EQ(test, 0, vcm_back(stage.res, stage.phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	stage_end(&stage);
}

/* A device behind two units is attached to both, or to none. */
static void vcm_assoc_device_behind_two_units(struct kunit *test)
{
	struct vcm_stage stage = stage_new(test, &vcm_bed_mirror);
	struct vcm_bed *bed = stage.bed;
	struct device *dev = bed_device(test, bed->units[0]);
	struct vcm_assoc *assoc;
	unsigned int i;
	u8 byte = 0;

	KUNIT_ASSERT_EQ(test, 0, vcm_soft_add_device(bed->units[1], dev));

	/* The second unit is not ready: nothing is left behind. */
	vcm_soft_fail(bed->units[1], VCM_SOFT_DEFER, 0, -1);
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EPROBE_DEFER),
			    vcm_assoc(bed->vcm, dev, 0));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_tables(bed->vcm));
	vcm_soft_fail(bed->units[1], VCM_SOFT_DEFER, 0, 0);

	/* It has no memory for a table: nor then. */
	vcm_soft_fail(bed->units[1], VCM_SOFT_FAIL_TABLE, 0, 1);
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ENOMEM),
			    vcm_assoc(bed->vcm, dev, 0));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_tables(bed->vcm));

	assoc = vcm_assoc(bed->vcm, dev, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, assoc);
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_tables(bed->vcm));

	/* It cannot be attached: the first is detached again. */
	vcm_soft_fail(bed->units[1], VCM_SOFT_FAIL_ATTACH, 0, 1);
	KUNIT_EXPECT_EQ(test, -EIO, vcm_activate(assoc));
	KUNIT_EXPECT_FALSE(test, vcm_is_active(assoc));
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, -ENXIO,
				vcm_soft_dma(bed->units[i], dev, stage.addr,
					     &byte, 1, VCM_READ));

	KUNIT_EXPECT_EQ(test, 0, vcm_activate(assoc));
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, 0,
				vcm_soft_dma(bed->units[i], dev, stage.addr,
					     &byte, 1, VCM_READ));
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	stage_end(&stage);
}

static void vcm_assoc_behind_nothing(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_one);
	struct device *dev = bed_device(test, NULL);

	/* One that does DMA without an IOMMU is another matter. */
	dev->dma_mask = NULL;
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ENODEV),
			    vcm_assoc(bed->vcm, dev, 0));
	bed_end(bed);
}

/* The device is unplugged: its association goes, the rest lives on. */
static void vcm_device_removed(struct kunit *test)
{
	struct vcm_stage stage = stage_new(test, test->param_value);
	struct vcm_bed *bed = stage.bed;
	struct vcm_soft_stats stats;
	unsigned int i;

	bed_join(bed);
	get_device(bed->devs[0]);
	kunit_device_unregister(test, bed->devs[0]);
	KUNIT_EXPECT_FALSE(test, vcm_is_active(bed->assocs[0]));
	KUNIT_EXPECT_EQ(test, -ENODEV, vcm_activate(bed->assocs[0]));
	KUNIT_EXPECT_EQ(test, -ENODEV, vcm_deactivate(bed->assocs[0]));
	vcm_soft_get_stats(bed->units[0], &stats);
	KUNIT_EXPECT_EQ(test, 0, stats.attached);
	KUNIT_EXPECT_EQ(test, 0, stats.tlb_entries);
	for (i = 1; i < bed->nr; i++)
		KUNIT_EXPECT_EQ(test, 0, stage_read(&stage, i));
	KUNIT_EXPECT_PTR_EQ(test, stage.phys,
			    vcm_get_physmem_from_res(stage.res));
	vcm_soft_remove_device(bed->units[0], bed->devs[0]);
	put_device(bed->devs[0]);
	stage_end(&stage);
}

/* Nobody gives the dead association back: vcm_free() does. */
static void vcm_device_removed_and_forgotten(struct kunit *test)
{
	struct vcm_stage stage = stage_new(test, &vcm_bed_one);
	struct vcm_bed *bed = stage.bed;

	bed_join(bed);
	get_device(bed->devs[0]);
	kunit_device_unregister(test, bed->devs[0]);
	vcm_soft_remove_device(bed->units[0], bed->devs[0]);
	put_device(bed->devs[0]);
	bed->assocs[0] = NULL;
	stage_end(&stage);
}

/*
 * A driver unbinds without cleaning up: the association is gone, the memory is
 * not reachable, and every object is accounted for.
 */
static void vcm_driver_unbound(struct kunit *test)
{
	struct device_driver *drv = kunit_driver_create(test, "careless");
	struct vcm_stage stage = stage_new(test, &vcm_bed_one);
	struct vcm_bed *bed = stage.bed;
	struct vcm_assoc *assoc;
	struct device *dev;
	u8 byte = 0;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, drv);
	dev = kunit_device_register_with_driver(test, "careless", drv);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	KUNIT_ASSERT_NOT_NULL(test, dev->driver);
	KUNIT_ASSERT_EQ(test, 0, vcm_soft_add_device(bed->units[0], dev));
	bed_join(bed);
	assoc = vcm_assoc(bed->vcm, dev, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, assoc);
	KUNIT_ASSERT_EQ(test, 0, vcm_activate(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(bed->units[0], dev, stage.addr,
					      &byte, 1, VCM_READ));

	device_release_driver(dev);
	KUNIT_EXPECT_FALSE(test, vcm_is_active(assoc));
	KUNIT_EXPECT_EQ(test, -ENXIO, vcm_soft_dma(bed->units[0], dev,
						   stage.addr, &byte, 1,
						   VCM_READ));
	KUNIT_EXPECT_EQ(test, 0, stage_read(&stage, 0));
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_res(bed->vcm));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(stage.phys));
	KUNIT_EXPECT_EQ(test, -ENODEV, vcm_activate(assoc));
	stage_end(&stage);
}

/* A unit is removed: every device behind it is off, the table stays. */
static void vcm_unit_removed(struct kunit *test)
{
	struct vcm_stage stage = stage_new(test, test->param_value);
	struct vcm_bed *bed = stage.bed;
	unsigned int i;

	bed_join(bed);
	vcm_iommu_remove(bed->units[0]);
	KUNIT_EXPECT_FALSE(test, vcm_is_active(bed->assocs[0]));
	KUNIT_EXPECT_EQ(test, -ENXIO, stage_read(&stage, 0));
	for (i = 1; i < bed->nr; i++)
		KUNIT_EXPECT_EQ(test, 0, stage_read(&stage, i));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(bed->assocs[0]));
	bed->assocs[0] = vcm_assoc(bed->vcm, bed->devs[0], 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bed->assocs[0]);
	KUNIT_ASSERT_EQ(test, 0, vcm_activate(bed->assocs[0]));
	bed_expect_memory(bed, stage.res, stage.phys);
	stage_end(&stage);
}

/* The last association goes first; the context is as good as new. */
static void vcm_assoc_last_then_use(struct kunit *test)
{
	struct vcm_stage stage = stage_new(test, test->param_value);
	struct vcm_bed *bed = stage.bed;

	bed_join(bed);
	bed_leave(bed);
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_tables(bed->vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(stage.res));
	KUNIT_EXPECT_EQ(test, 0, vcm_back(stage.res, stage.phys));
	bed_join(bed);
	bed_expect_memory(bed, stage.res, stage.phys);
	stage_end(&stage);
}

static struct kunit_case vcm_assoc_cases[] = {
	KUNIT_CASE_PARAM(vcm_activate_deactivate, vcm_bed_gen_params),
	KUNIT_CASE(vcm_assoc_inactive),
	KUNIT_CASE(vcm_context_switch),
	KUNIT_CASE(vcm_assoc_moved),
	KUNIT_CASE(vcm_assoc_not_moved),
	KUNIT_CASE(vcm_assoc_shares_later),
	KUNIT_CASE(vcm_assoc_shared_and_mirrored),
	KUNIT_CASE(vcm_assoc_two_devices_one_unit),
	KUNIT_CASE(vcm_assoc_device_behind_two_units),
	KUNIT_CASE(vcm_assoc_behind_nothing),
	KUNIT_CASE_PARAM(vcm_device_removed, vcm_bed_gen_params),
	KUNIT_CASE(vcm_device_removed_and_forgotten),
	KUNIT_CASE(vcm_driver_unbound),
	KUNIT_CASE_PARAM(vcm_unit_removed, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(vcm_assoc_last_then_use, vcm_bed_gen_params),
	{}
};

static struct kunit_suite vcm_assoc_suite = {
	.name = "vcm_assoc",
	.test_cases = vcm_assoc_cases,
};
kunit_test_suite(vcm_assoc_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: associations");
MODULE_LICENSE("GPL");
