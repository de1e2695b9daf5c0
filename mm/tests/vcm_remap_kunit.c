// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of VCMM: mappings that change while they are in use.
 *
 * vcm_set_res_attr(): one mapping alone, in all tables or in none, seen by
 * every device on return; and what is left when a table refuses, a unit does
 * not answer, or the old mapping cannot be put back.
 */
#include <kunit/test.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"

#define MEM_LEN		(SZ_64K + PAGE_SIZE)

struct remap {
	struct vcm_bed *bed;
	struct vcm_phys *mem;
	struct vcm_res *res;	/* in two pieces with a hole */
	struct vcm_res *other;	/* the same memory */
	dma_addr_t addr;
};

static struct remap *remap_new(struct kunit *test,
			       const struct vcm_bed_kind *kind)
{
	struct remap *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, r);
	r->bed = bed_new(test, kind);
	r->mem = bed_alloc(r->bed, MEM_LEN, 0);
	r->res = bed_reserve(r->bed, SZ_256K, VCM_RW);
	r->other = bed_reserve(r->bed, SZ_256K, VCM_RW);
	r->addr = vcm_get_dev_addr(r->res);
	KUNIT_ASSERT_EQ(test, 0, vcm_back_range(r->res, 0, r->mem, 0, MEM_LEN));
	KUNIT_ASSERT_EQ(test, 0,
			vcm_back_range(r->res, SZ_128K, r->mem, 0, SZ_64K));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(r->other, r->mem));
	return r;
}

static void remap_end(struct remap *r)
{
	struct kunit *test = r->bed->test;

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(r->res));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(r->other));
	bed_expect_idle(r->bed, r->res, r->mem);
	KUNIT_EXPECT_EQ(test, 1, kref_read(&r->res->ref));
	space_give(test, r->res);
	space_give(test, r->other);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(r->mem));
	bed_end(r->bed);
}

/* What each device may do, at both pieces, with warm TLBs afterwards. */
static void expect_rights(struct remap *r, u32 attr)
{
	const size_t offs[] = { 0, MEM_LEN - 1, SZ_128K, SZ_128K + SZ_64K - 1 };
	u32 priv = attr & VCM_PRIV;
	unsigned int i;

	KUNIT_EXPECT_EQ(r->bed->test, attr, vcm_get_res_attr(r->res));
	for (i = 0; i < ARRAY_SIZE(offs); i++) {
		dma_addr_t addr = r->addr + offs[i];

		bed_expect_access(r->bed, addr, VCM_READ | priv);
		if (attr & VCM_WRITE)
			bed_expect_access(r->bed, addr, VCM_WRITE | priv);
		else
			bed_expect_fault(r->bed, addr, VCM_WRITE | priv);
		if (priv)
			bed_expect_fault(r->bed, addr, VCM_READ);
		if (attr & VCM_EXEC)
			bed_expect_access(r->bed, addr, VCM_READ | VCM_EXEC | priv);
		else
			bed_expect_fault(r->bed, addr, VCM_READ | VCM_EXEC | priv);
	}
	bed_expect_fault(r->bed, r->addr + MEM_LEN, VCM_READ);
	bed_expect_memory(r->bed, r->other, r->mem);
}

/* Wider and narrower, with everything cached: no device lags behind. */
static void attr_rights(struct kunit *test)
{
	static const u32 rights[] = {
		VCM_RW, VCM_READ, VCM_READ | VCM_EXEC, VCM_RW | VCM_PRIV,
		VCM_RW | VCM_EXEC, VCM_READ,
	};
	struct remap *r = remap_new(test, test->param_value);
	unsigned int i;

	bed_join(r->bed);
	for (i = 0; i < ARRAY_SIZE(rights); i++) {
		KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(r->res, rights[i]));
		expect_rights(r, rights[i]);
	}
	remap_end(r);
}

/* The negative control: a flush that is lost shows. */
static void attr_lost_flush_shows(struct kunit *test)
{
	struct remap *r = remap_new(test, test->param_value);
	struct vcm_bed *bed = r->bed;
	unsigned int last = bed->nr - 1;
	u8 byte = 0;

	bed_join(bed);
	bed_expect_access(bed, r->addr, VCM_WRITE);
	vcm_soft_fail(bed->units[last], VCM_SOFT_LOSE_FLUSH, 0, -1);
	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(r->res, VCM_READ));
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(bed->units[last], bed->devs[last],
					      r->addr, &byte, 1, VCM_WRITE));
	vcm_soft_fail(bed->units[last], VCM_SOFT_LOSE_FLUSH, 0, 0);
	remap_end(r);
}

/* Before it is backed, and before a device is there. */
static void attr_before(struct kunit *test)
{
	struct remap *r = remap_new(test, test->param_value);
	struct vcm_res *idle = bed_reserve(r->bed, SZ_4K, VCM_EXEC);

	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(r->res, VCM_READ));
	KUNIT_EXPECT_EQ(test, -EACCES,
			vcm_back_range(idle, 0, r->mem, 0, SZ_4K));
	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(idle, VCM_READ));
	KUNIT_EXPECT_EQ(test, 0, vcm_back_range(idle, 0, r->mem, 0, SZ_4K));
	bed_join(r->bed);
	expect_rights(r, VCM_READ);
	bed_expect_access(r->bed, vcm_get_dev_addr(idle), VCM_READ);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(idle));
	space_give(test, idle);
	remap_end(r);
}

/* Refused, and nothing changes. */
static void attr_refused(struct kunit *test)
{
	struct remap *r = remap_new(test, &vcm_bed_mirror);
	struct vcm_res *aligned = bed_reserve(r->bed, SZ_4K,
					      VCM_READ | VCM_ALIGN(16));

	bed_join(r->bed);
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_set_res_attr(NULL, VCM_READ));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vcm_set_res_attr(ERR_PTR(-ENOMEM), VCM_READ));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vcm_set_res_attr(r->res, VCM_READ | VCM_ZERO));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vcm_set_res_attr(r->res, VCM_READ | VCM_ALIGN(12)));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_set_res_attr(aligned, VCM_READ));
	KUNIT_EXPECT_EQ(test, 0,
			vcm_set_res_attr(aligned, VCM_RW | VCM_ALIGN(16)));
	KUNIT_EXPECT_EQ(test, -EACCES, vcm_set_res_attr(r->res, 0));
	KUNIT_EXPECT_EQ(test, -EACCES, vcm_set_res_attr(r->res, VCM_EXEC));
	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(aligned, VCM_ALIGN(16)));
	expect_rights(r, VCM_RW);

	kref_get(&aligned->ref);
	space_give(test, aligned);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			vcm_set_res_attr(aligned, VCM_READ | VCM_ALIGN(16)));
	vcm_res_put(aligned);
	remap_end(r);
}

/* At every run of every table: the old rights stand, in all of them. */
static void attr_fail_map(struct kunit *test)
{
	struct remap *r = remap_new(test, test->param_value);
	struct vcm_bed *bed = r->bed;
	unsigned int table, n;
	int err;

	bed_join(bed);
	for (table = 0; table < bed->kind->nr_formats; table++) {
		for (n = 0; n < 50; n++) {
			vcm_soft_fail(bed->units[table], VCM_SOFT_FAIL_MAP, n, 1);
			err = vcm_set_res_attr(r->res, VCM_READ);
			vcm_soft_fail(bed->units[table], VCM_SOFT_FAIL_MAP, 0, 0);
			if (!err)
				break;
			KUNIT_EXPECT_EQ(test, -ENOMEM, err);
			expect_rights(r, VCM_RW);
		}
		KUNIT_EXPECT_GE(test, n, 2);
		expect_rights(r, VCM_READ);
		KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(r->res, VCM_RW));
	}
	remap_end(r);
}

/* A unit that does not forget the old rights: they stand. */
static void attr_fail_flush(struct kunit *test)
{
	struct remap *r = remap_new(test, test->param_value);
	struct vcm_bed *bed = r->bed;
	unsigned int i;

	bed_join(bed);
	for (i = 0; i < bed->nr; i += 1 + bed->nr / 8) {
		vcm_soft_fail(bed->units[i], VCM_SOFT_FAIL_FLUSH, 0, 1);
		KUNIT_EXPECT_EQ(test, -EIO, vcm_set_res_attr(r->res, VCM_READ));
		expect_rights(r, VCM_RW);
	}
	/* Of the new ones, when these are taken back: still the old ones. */
	vcm_soft_fail(bed->units[0], VCM_SOFT_FAIL_FLUSH, 2, -1);
	vcm_soft_fail(bed->units[bed->kind->nr_formats - 1], VCM_SOFT_FAIL_MAP,
		      0, 1);
	KUNIT_EXPECT_EQ(test, -EIO,
			vcm_set_res_attr(r->res, VCM_READ | VCM_EXEC));
	vcm_soft_fail(bed->units[0], VCM_SOFT_FAIL_FLUSH, 0, 0);
	expect_rights(r, VCM_RW);
	remap_end(r);
}

/* A driver that does not even map again what it had: nothing is lost. */
static void attr_fail_put_back(struct kunit *test)
{
	struct remap *r = remap_new(test, test->param_value);
	struct vcm_bed *bed = r->bed;
	unsigned int last = bed->kind->nr_formats - 1;

	bed_join(bed);
	bed_expect_access(bed, r->addr, VCM_READ);
	vcm_soft_fail(bed->units[last], VCM_SOFT_FAIL_MAP, 1, -1);
	KUNIT_EXPECT_EQ(test, -EIO, vcm_set_res_attr(r->res, VCM_READ));
	vcm_soft_fail(bed->units[last], VCM_SOFT_FAIL_MAP, 0, 0);
	KUNIT_EXPECT_EQ(test, VCM_RW, vcm_get_res_attr(r->res));
	bed_expect_unmapped(bed, r->addr, SZ_256K);
	bed_expect_fault(bed, r->addr, VCM_READ);
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_unreserve(r->res));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_set_res_attr(r->res, VCM_READ));
	bed_expect_memory(bed, r->other, r->mem);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(r->res));
	KUNIT_EXPECT_EQ(test, 0, vcm_back(r->res, r->mem));
	remap_end(r);
}

static const struct vcm_table_ops *poor_ops;

/* No memory at all, except for whom there must be some. */
static int poor_map(struct vcm_table *table, dma_addr_t addr, phys_addr_t pa,
		    size_t len, u32 attr, gfp_t gfp, size_t *mapped)
{
	if (!(gfp & __GFP_NOFAIL))
		return -ENOMEM;
	return poor_ops->map(table, addr, pa, len, attr, gfp, mapped);
}

/* What is put back waits for memory, and does not fail for want of it. */
static void attr_put_back_waits(struct kunit *test)
{
	struct remap *r = remap_new(test, &vcm_bed_two);
	struct vcm_table_ops ops;
	struct vcm_table *table;

	bed_join(r->bed);
	table = list_first_entry(&r->bed->vcm->tables, struct vcm_table, node);
	poor_ops = table->ops;
	ops = *poor_ops;
	ops.map = poor_map;
	ops.map_list = NULL;
	table->ops = &ops;
	KUNIT_EXPECT_EQ(test, -ENOMEM, vcm_set_res_attr(r->res, VCM_READ));
	KUNIT_EXPECT_EQ(test, -ENOMEM, vcm_phys_migrate(r->mem, NULL, 0, 0));
	table->ops = poor_ops;
	expect_rights(r, VCM_RW);
	remap_end(r);
}

static struct kunit_case vcm_remap_cases[] = {
	KUNIT_CASE_PARAM(attr_rights, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(attr_lost_flush_shows, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(attr_before, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(attr_fail_map, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(attr_fail_flush, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(attr_fail_put_back, vcm_bed_gen_params),
	KUNIT_CASE(attr_refused),
	KUNIT_CASE(attr_put_back_waits),
	{}
};

static struct kunit_suite vcm_remap_suite = {
	.name = "vcm_remap",
	.test_cases = vcm_remap_cases,
};

kunit_test_suite(vcm_remap_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: mappings that change in use");
MODULE_LICENSE("GPL");
