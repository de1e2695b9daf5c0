// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of VCMM: what a device may do at most.
 *
 * Devices of one context reach the same memory at the same addresses, each with
 * the rights that its association leaves of those of the reservation. Those who
 * are restricted alike share a table.
 */
#include <kunit/test.h>
#include <linux/device.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"

#define MEM_LEN		(SZ_64K + PAGE_SIZE)

/* One may write, the other only read, behind units of one format. */
#define CAMERA		0
#define DISPLAY		1

/* Arm's formats have no entries that can be written and not read. */
static const struct vcm_bed_kind write_only = {
	.name = "two units share", .nr = 2,
	.formats = { VCM_SOFT_HALF }, .nr_formats = 1,
};

struct rights {
	struct vcm_bed *bed;
	struct vcm_phys *mem;
	struct vcm_res *res;
	dma_addr_t addr;
};

static struct rights *rights_new(struct kunit *test,
				 const struct vcm_bed_kind *kind, u32 attr)
{
	struct rights *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, r);
	r->bed = bed_new(test, kind);
	r->mem = bed_alloc(r->bed, MEM_LEN, 0);
	r->res = bed_reserve(r->bed, SZ_256K, attr);
	r->addr = vcm_get_dev_addr(r->res);
	return r;
}

static void rights_end(struct rights *r)
{
	struct kunit *test = r->bed->test;

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(r->res));
	bed_expect_fault(r->bed, r->addr, VCM_READ);
	bed_expect_idle(r->bed, r->res, r->mem);
	space_give(test, r->res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(r->mem));
	bed_end(r->bed);
}

static struct vcm_assoc *rights_join(struct rights *r, unsigned int i, u32 attr)
{
	struct vcm_bed *bed = r->bed;
	struct kunit *test = bed->test;

	bed->assocs[i] = vcm_assoc(bed->vcm, bed->devs[i], attr);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bed->assocs[i]);
	KUNIT_EXPECT_EQ(test, attr, vcm_get_assoc_attr(bed->assocs[i]));
	KUNIT_ASSERT_EQ(test, 0, vcm_activate(bed->assocs[i]));
	return bed->assocs[i];
}

static int rights_dma(struct rights *r, unsigned int i, u8 *byte, u32 access)
{
	return vcm_soft_dma(r->bed->units[i], r->bed->devs[i], r->addr, byte, 1,
			    access);
}

/* What device @i may do, and that the TLB has it. VCM_PRIV: only so. */
static void expect_may(struct rights *r, unsigned int i, u32 may)
{
	static const u32 accesses[] = {
		VCM_READ, VCM_WRITE, VCM_READ | VCM_EXEC,
	};
	struct kunit *test = r->bed->test;
	u32 priv = may & VCM_PRIV;
	unsigned int k;
	u8 byte = 0;

	for (k = 0; k < ARRAY_SIZE(accesses); k++) {
		bool allowed = (may & accesses[k]) == accesses[k];

		KUNIT_EXPECT_EQ_MSG(test, allowed ? 0 : -EFAULT,
				    rights_dma(r, i, &byte, accesses[k] | priv),
				    "device %u, %#x of %#x", i, accesses[k],
				    may);
		if (priv)
			KUNIT_EXPECT_EQ(test, -EFAULT,
					rights_dma(r, i, &byte, accesses[k]));
	}
}

/* The first reads what the second one does: at one address, one memory. */
static void expect_handed_on(struct rights *r, unsigned int from,
			     unsigned int to, u8 mark)
{
	struct kunit *test = r->bed->test;
	u8 byte = mark;

	KUNIT_EXPECT_EQ(test, 0, rights_dma(r, from, &byte, VCM_WRITE));
	KUNIT_EXPECT_EQ(test, mark, phys_peek(r->mem, 0));
	byte = 0;
	KUNIT_EXPECT_EQ(test, 0, rights_dma(r, to, &byte, VCM_READ));
	KUNIT_EXPECT_EQ(test, mark, byte);
}

static u32 rights_for(const struct vcm_bed *bed, unsigned int i)
{
	static const u32 attrs[] = {
		0, VCM_READ, VCM_RW | VCM_EXEC, VCM_RW,
	};

	return attrs[(i / bed->kind->nr_formats) % ARRAY_SIZE(attrs)];
}

/* As many tables as there are formats with rights. */
static unsigned int count_tables(const struct vcm_bed *bed)
{
	unsigned int i, k, tables = 0;

	for (i = 0; i < bed->nr; i++) {
		for (k = 0; k < i; k++)
			if (vcm_rights_of(rights_for(bed, i)) ==
			    vcm_rights_of(rights_for(bed, k)) &&
			    i % bed->kind->nr_formats ==
			    k % bed->kind->nr_formats)
				break;
		tables += k == i;
	}
	return tables;
}

/*
 * Half of the devices join before the memory is there, half of them after. A
 * table for each format and each set of rights, and no more.
 */
static void rights_of_each(struct kunit *test)
{
	const u32 most = VCM_RW | VCM_EXEC;
	struct rights *r = rights_new(test, test->param_value, most);
	struct vcm_bed *bed = r->bed;
	unsigned int i;

	for (i = 0; i < bed->nr / 2; i++)
		rights_join(r, i, rights_for(bed, i));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(r->res, r->mem));
	for (; i < bed->nr; i++)
		rights_join(r, i, rights_for(bed, i));
	KUNIT_EXPECT_EQ(test, count_tables(bed),
			vcm_get_num_tables(bed->vcm));
	for (i = 0; i < bed->nr; i++)
		expect_may(r, i, vcm_rights_of(rights_for(bed, i)) & most);
	for (i = 0; i < bed->nr; i++)
		expect_handed_on(r, 0, i, i + 1);

	/* The reservation's rights are still an upper limit of their own. */
	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(r->res, VCM_READ));
	for (i = 0; i < bed->nr; i++)
		expect_may(r, i, VCM_READ);
	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(r->res, most));
	for (i = 0; i < bed->nr; i++)
		expect_may(r, i, vcm_rights_of(rights_for(bed, i)) & most);
	rights_end(r);
}

/* VCM_PRIV takes away; it must not get lost where a mask has none. */
static void rights_priv(struct kunit *test)
{
	struct rights *r = rights_new(test, &vcm_bed_two, VCM_RW);

	rights_join(r, CAMERA, VCM_RW);
	rights_join(r, DISPLAY, VCM_READ | VCM_PRIV);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(r->res, r->mem));
	expect_may(r, CAMERA, VCM_RW);
	expect_may(r, DISPLAY, VCM_READ | VCM_PRIV);
	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(r->res, VCM_RW | VCM_PRIV));
	expect_may(r, CAMERA, VCM_RW | VCM_PRIV);
	expect_may(r, DISPLAY, VCM_READ | VCM_PRIV);
	rights_end(r);
}

/*
 * Of a reservation that is only written, nothing is left for who only reads:
 * no entry, whatever is done with it.
 */
static void rights_none(struct kunit *test)
{
	struct rights *r = rights_new(test, &write_only, VCM_WRITE);
	struct vcm_bed *bed = r->bed;
	struct vcm_soft_leaf leaf;
	dma_addr_t addr;
	phys_addr_t pa;

	rights_join(r, DISPLAY, VCM_READ);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(r->res, r->mem));
	expect_may(r, DISPLAY, 0);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			vcm_soft_walk(bed->units[DISPLAY], bed->devs[DISPLAY],
				      r->addr, &leaf));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			vcm_dev_addr_to_phys_addr(bed->vcm, r->addr, &pa));
	/* The books know it all the same. */
	KUNIT_EXPECT_EQ(test, 0, vcm_translate(bed->vcm, r->addr, bed->vcm,
					       &addr));
	KUNIT_EXPECT_EQ(test, r->addr, addr);

	/* Any table that maps the address can say what is there. */
	rights_join(r, CAMERA, 0);
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_tables(bed->vcm));
	KUNIT_EXPECT_EQ(test, 0,
			vcm_dev_addr_to_phys_addr(bed->vcm, r->addr, &pa));
	expect_may(r, CAMERA, VCM_WRITE);

	KUNIT_EXPECT_EQ(test, 0, vcm_phys_migrate(r->mem, NULL, 0, 0));
	expect_may(r, CAMERA, VCM_WRITE);
	expect_may(r, DISPLAY, 0);

	/* Entries come and go with the rights of the reservation. */
	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(r->res, VCM_RW));
	expect_may(r, DISPLAY, VCM_READ);
	expect_handed_on(r, CAMERA, DISPLAY, 7);
	vcm_soft_fail(bed->units[CAMERA], VCM_SOFT_FAIL_MAP, 0, 1);
	KUNIT_EXPECT_EQ(test, -ENOMEM, vcm_set_res_attr(r->res, VCM_WRITE));
	expect_may(r, DISPLAY, VCM_READ);
	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(r->res, VCM_WRITE));
	expect_may(r, DISPLAY, 0);
	vcm_soft_fail(bed->units[CAMERA], VCM_SOFT_FAIL_MAP, 0, 1);
	KUNIT_EXPECT_EQ(test, -ENOMEM, vcm_set_res_attr(r->res, VCM_RW));
	expect_may(r, DISPLAY, 0);
	expect_may(r, CAMERA, VCM_WRITE);
	rights_end(r);
}

/* In pieces, one of which is taken back when the last table refuses. */
static void rights_pieces(struct kunit *test)
{
	struct rights *r = rights_new(test, &write_only, VCM_WRITE);
	struct vcm_bed *bed = r->bed;

	rights_join(r, DISPLAY, VCM_READ);
	rights_join(r, CAMERA, 0);
	KUNIT_EXPECT_EQ(test, 0, vcm_back_range(r->res, 0, r->mem, 0, SZ_64K));
	vcm_soft_fail(bed->units[CAMERA], VCM_SOFT_FAIL_MAP, 0, 1);
	KUNIT_EXPECT_EQ(test, -ENOMEM, vcm_back_range(r->res, SZ_64K, r->mem, 0,
						      PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, vcm_back_range(r->res, SZ_64K, r->mem, 0,
						PAGE_SIZE));
	expect_may(r, CAMERA, VCM_WRITE);
	expect_may(r, DISPLAY, 0);
	rights_end(r);
}

/* Active or not, wider and narrower, with everything cached. */
static void rights_changed(struct kunit *test)
{
	static const u32 attrs[] = {
		0, VCM_READ, VCM_RW, VCM_READ | VCM_PRIV,
		VCM_ALL_RIGHTS, VCM_READ, 0,
	};
	struct rights *r = rights_new(test, &vcm_bed_two, VCM_RW);
	struct vcm_bed *bed = r->bed;
	struct vcm_assoc *assoc;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, vcm_back(r->res, r->mem));
	rights_join(r, CAMERA, 0);
	assoc = rights_join(r, DISPLAY, 0);
	for (i = 0; i < 2 * ARRAY_SIZE(attrs); i++) {
		u32 attr = attrs[i / 2], rights = vcm_rights_of(attr);

		/* The second time it is the same, or was changed before. */
		if (i & 1)
			KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(assoc));
		KUNIT_EXPECT_EQ(test, 0, vcm_set_assoc_attr(assoc, attr));
		KUNIT_EXPECT_EQ(test, attr, vcm_get_assoc_attr(assoc));
		KUNIT_EXPECT_EQ(test, !(i & 1), vcm_is_active(assoc));
		if (i & 1)
			KUNIT_EXPECT_EQ(test, 0, vcm_activate(assoc));
		KUNIT_EXPECT_EQ(test, rights == VCM_ALL_RIGHTS ? 1 : 2,
				vcm_get_num_tables(bed->vcm));
		expect_may(r, DISPLAY, rights & (VCM_RW | VCM_PRIV));
		expect_may(r, CAMERA, VCM_RW);
	}

	/* While it is inactive, and then activated. */
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_set_assoc_attr(assoc, VCM_READ));
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_tables(bed->vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_activate(assoc));
	expect_may(r, DISPLAY, VCM_READ);
	rights_end(r);
}

/* Whatever goes wrong, the device has the rights that it had. */
static void rights_not_changed(struct kunit *test)
{
	static const enum vcm_soft_fault faults[] = {
		VCM_SOFT_FAIL_TABLE, VCM_SOFT_FAIL_MAP, VCM_SOFT_FAIL_ATTACH,
	};
	struct rights *r = rights_new(test, &vcm_bed_one, VCM_RW);
	struct vcm_bed *bed = r->bed;
	struct vcm_iommu *unit = bed->units[0];
	struct vcm_assoc *assoc;
	unsigned int i;
	u8 byte;

	KUNIT_ASSERT_EQ(test, 0, vcm_back(r->res, r->mem));
	assoc = rights_join(r, 0, VCM_READ);
	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		vcm_soft_fail(unit, faults[i], 0, 1);
		KUNIT_EXPECT_LT(test, vcm_set_assoc_attr(assoc, 0), 0);
		vcm_soft_fail(unit, faults[i], 0, 0);
		KUNIT_EXPECT_EQ(test, VCM_READ, vcm_get_assoc_attr(assoc));
		KUNIT_EXPECT_TRUE(test, vcm_is_active(assoc));
		KUNIT_EXPECT_EQ(test, 1, vcm_get_num_tables(bed->vcm));
		expect_may(r, 0, VCM_READ);
	}
	/* Not even back: it reaches nothing, and can be activated again. */
	vcm_soft_fail(unit, VCM_SOFT_FAIL_ATTACH, 0, 2);
	KUNIT_EXPECT_EQ(test, -EIO, vcm_set_assoc_attr(assoc, 0));
	KUNIT_EXPECT_FALSE(test, vcm_is_active(assoc));
	KUNIT_EXPECT_EQ(test, -ENXIO, rights_dma(r, 0, &byte, VCM_READ));
	KUNIT_EXPECT_EQ(test, VCM_READ, vcm_get_assoc_attr(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_activate(assoc));
	expect_may(r, 0, VCM_READ);
	rights_end(r);
}

/* The negative control: what is still cached when a device is let out shows. */
static void rights_lost_flush_shows(struct kunit *test)
{
	struct rights *r = rights_new(test, &vcm_bed_two, VCM_RW);
	u8 byte = 0;

	rights_join(r, CAMERA, 0);
	rights_join(r, DISPLAY, VCM_READ);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(r->res, r->mem));
	expect_may(r, DISPLAY, VCM_READ);
	vcm_soft_fail(r->bed->units[DISPLAY], VCM_SOFT_LOSE_FLUSH, 0, -1);
	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(r->res, VCM_WRITE));
	KUNIT_EXPECT_EQ(test, 0, rights_dma(r, DISPLAY, &byte, VCM_READ));
	vcm_soft_fail(r->bed->units[DISPLAY], VCM_SOFT_LOSE_FLUSH, 0, 0);
	/* Nothing is mapped there now, so nothing is unmapped and flushed. */
	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(r->res, VCM_RW));
	expect_may(r, CAMERA, VCM_RW);
	rights_end(r);
}

/* Two devices behind one unit, each with its own; and their windows stay. */
static void rights_behind_one_unit(struct kunit *test)
{
	struct rights *r = rights_new(test, &vcm_bed_one, VCM_RW);
	struct vcm_bed *bed = r->bed;
	struct device *dev = bed_device(test, bed->units[0]);
	struct vcm_assoc *assoc;
	u8 byte = 0;

	KUNIT_ASSERT_EQ(test, 0, vcm_back(r->res, r->mem));
	rights_join(r, 0, 0);
	assoc = vcm_assoc(bed->vcm, dev, VCM_READ);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, assoc);
	KUNIT_ASSERT_EQ(test, 0, vcm_activate(assoc));
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_tables(bed->vcm));
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_units(bed->vcm));
	expect_may(r, 0, VCM_RW);
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(bed->units[0], dev, r->addr,
					      &byte, 1, VCM_READ));
	KUNIT_EXPECT_EQ(test, -EFAULT, vcm_soft_dma(bed->units[0], dev, r->addr,
						    &byte, 1, VCM_WRITE));
	KUNIT_EXPECT_EQ(test, 0, vcm_set_assoc_attr(assoc, 0));
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_tables(bed->vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(bed->units[0], dev, r->addr,
					      &byte, 1, VCM_WRITE));
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	rights_end(r);
}

/* A device behind two units changes on both, or on neither. */
static void rights_behind_two_units(struct kunit *test)
{
	struct rights *r = rights_new(test, &vcm_bed_mirror, VCM_RW);
	struct vcm_bed *bed = r->bed;
	struct device *dev = bed_device(test, bed->units[0]);
	struct vcm_assoc *assoc;
	unsigned int i, k;
	u8 byte = 0;

	KUNIT_ASSERT_EQ(test, 0, vcm_soft_add_device(bed->units[1], dev));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(r->res, r->mem));
	bed_join(bed);
	assoc = vcm_assoc(bed->vcm, dev, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, assoc);
	KUNIT_ASSERT_EQ(test, 0, vcm_activate(assoc));
	for (i = 0; i < 2; i++) {
		vcm_soft_fail(bed->units[1], VCM_SOFT_FAIL_TABLE, 0, !i);
		KUNIT_EXPECT_EQ(test, i ? 0 : -ENOMEM,
				vcm_set_assoc_attr(assoc, VCM_READ));
		KUNIT_EXPECT_EQ(test, i ? 4 : 2, vcm_get_num_tables(bed->vcm));
		for (k = 0; k < 2; k++)
			KUNIT_EXPECT_EQ(test, i ? -EFAULT : 0,
					vcm_soft_dma(bed->units[k], dev,
						     r->addr, &byte, 1,
						     VCM_WRITE));
	}
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_tables(bed->vcm));
	rights_end(r);
}

/* What a device cannot use, it cannot use with other rights either. */
static void rights_keep_windows(struct kunit *test)
{
	const dma_addr_t msi = BED_START + SZ_1M;
	struct vcm_iommu *unit;
	struct device *dev = bed_limited(test, &unit, (struct vcm_soft_config){
		.format = VCM_SOFT_LPAE, .name = "windows",
		.reserved_first = msi, .reserved_len = SZ_64K,
	});
	struct vcm *vcm = space_new(test, BED_START, BED_LEN);
	struct vcm_assoc *assoc = space_join(test, vcm, dev);

	KUNIT_EXPECT_EQ(test, -ERANGE, space_try_at(vcm, msi, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, vcm_set_assoc_attr(assoc, VCM_READ));
	KUNIT_EXPECT_EQ(test, -ERANGE, space_try_at(vcm, msi, PAGE_SIZE));
	vcm_soft_fail(unit, VCM_SOFT_FAIL_TABLE, 0, 1);
	KUNIT_EXPECT_EQ(test, -ENOMEM, vcm_set_assoc_attr(assoc, 0));
	KUNIT_EXPECT_EQ(test, -ERANGE, space_try_at(vcm, msi, PAGE_SIZE));
	vcm_deactivate(assoc);
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	KUNIT_EXPECT_EQ(test, 0, space_try_at(vcm, msi, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* On another context, and back, the device may do as much as here. */
static void rights_move_along(struct kunit *test)
{
	struct rights *r = rights_new(test, &vcm_bed_one, VCM_RW);
	struct vcm *to = space_new(test, BED_START, BED_LEN);
	struct vcm_res *res = space_take_at(test, to, r->addr, SZ_256K);
	struct vcm_assoc *assoc;

	KUNIT_ASSERT_EQ(test, 0, vcm_back(r->res, r->mem));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, r->mem));
	assoc = rights_join(r, 0, VCM_READ);
	KUNIT_EXPECT_EQ(test, 0, vcm_assoc_move(assoc, to));
	KUNIT_EXPECT_EQ(test, VCM_READ, vcm_get_assoc_attr(assoc));
	expect_may(r, 0, VCM_READ);
	KUNIT_EXPECT_EQ(test, 0, vcm_set_assoc_attr(assoc, VCM_RW));
	expect_may(r, 0, VCM_RW);
	KUNIT_EXPECT_EQ(test, 0, vcm_assoc_move(assoc, r->bed->vcm));
	expect_may(r, 0, VCM_RW);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(to));
	rights_end(r);
}

/* What asks later whether it can share, asks for a table with its rights. */
static void rights_share_later(struct kunit *test)
{
	static const struct vcm_bed_kind kind = {
		"three units", 3, { VCM_SOFT_LPAE }, 1
	};
	struct rights *r = rights_new(test, &kind, VCM_RW);
	struct vcm_bed *bed = r->bed;

	KUNIT_ASSERT_EQ(test, 0, vcm_back(r->res, r->mem));
	rights_join(r, 0, 0);
	rights_join(r, 1, VCM_READ);
	vcm_soft_fail(bed->units[2], VCM_SOFT_UNSURE, 0, 1);
	bed->assocs[2] = vcm_assoc(bed->vcm, bed->devs[2], VCM_READ);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bed->assocs[2]);
	KUNIT_EXPECT_EQ(test, 3, vcm_get_num_tables(bed->vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_activate(bed->assocs[2]));
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_tables(bed->vcm));
	expect_may(r, 0, VCM_RW);
	expect_may(r, 1, VCM_READ);
	expect_may(r, 2, VCM_READ);

	/* The same when the rights change while it is active. */
	vcm_soft_fail(bed->units[2], VCM_SOFT_UNSURE, 0, 1);
	KUNIT_EXPECT_EQ(test, 0, vcm_set_assoc_attr(bed->assocs[2], 0));
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_tables(bed->vcm));
	expect_may(r, 2, VCM_RW);
	rights_end(r);
}

/* Nothing restricts a device without an IOMMU; one on its context, its unit. */
static void rights_without_iommu(struct kunit *test)
{
	struct rights *r = rights_new(test, &vcm_bed_one, VCM_RW);
	struct device *bare = bed_device(test, NULL);
	struct vcm *vcm = space_new(test, 0, SZ_2G);
	struct vcm_assoc *assoc;

	bare->coherent_dma_mask = DMA_BIT_MASK(32);
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EOPNOTSUPP),
			    vcm_assoc(vcm, bare, VCM_RW));
	KUNIT_EXPECT_TRUE(test, bed_log_has("behind no IOMMU, nothing restricts"));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_tables(vcm));
	assoc = vcm_assoc(vcm, bare, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, assoc);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			vcm_set_assoc_attr(assoc, VCM_READ));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_assoc_attr(assoc));
	/* All there is, is what it has. */
	KUNIT_EXPECT_EQ(test, 0, vcm_set_assoc_attr(assoc, VCM_ALL_RIGHTS));
	KUNIT_EXPECT_EQ(test, VCM_ALL_RIGHTS, vcm_get_assoc_attr(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));

	KUNIT_ASSERT_EQ(test, 0, vcm_back(r->res, r->mem));
	rights_join(r, 0, VCM_READ);
	rights_end(r);
}

/* A context of the kernel has a table that nobody restricts; it gets a mirror. */
static void rights_beside_a_home(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_one);
	struct vcm *vcm = vcm_create_identity(0, SZ_2G);
	struct vcm_phys *phys = bed_alloc(bed, SZ_64K, VCM_CONTIG);
	struct vcm_assoc *assoc;
	struct vcm_res *res;
	dma_addr_t addr;
	u8 byte = 0;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vcm);
	res = vcm_reserve(vcm, SZ_64K, VCM_RW);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	addr = vcm_get_dev_addr(res);
	assoc = vcm_assoc(vcm, bed->devs[0], VCM_READ);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, assoc);
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_tables(vcm));
	KUNIT_ASSERT_EQ(test, 0, vcm_activate(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(bed->units[0], bed->devs[0], addr,
					      &byte, 1, VCM_READ));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			vcm_soft_dma(bed->units[0], bed->devs[0], addr, &byte,
				     1, VCM_WRITE));
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

static struct kunit_case vcm_rights_cases[] = {
	KUNIT_CASE_PARAM(rights_of_each, vcm_bed_gen_params),
	KUNIT_CASE(rights_priv),
	KUNIT_CASE(rights_none),
	KUNIT_CASE(rights_pieces),
	KUNIT_CASE(rights_changed),
	KUNIT_CASE(rights_not_changed),
	KUNIT_CASE(rights_lost_flush_shows),
	KUNIT_CASE(rights_behind_one_unit),
	KUNIT_CASE(rights_behind_two_units),
	KUNIT_CASE(rights_keep_windows),
	KUNIT_CASE(rights_move_along),
	KUNIT_CASE(rights_share_later),
	KUNIT_CASE(rights_without_iommu),
	KUNIT_CASE(rights_beside_a_home),
	{}
};

static struct kunit_suite vcm_rights_suite = {
	.name = "vcm_rights",
	.test_cases = vcm_rights_cases,
};

kunit_test_suite(vcm_rights_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: what a device may do at most");
MODULE_LICENSE("GPL");
