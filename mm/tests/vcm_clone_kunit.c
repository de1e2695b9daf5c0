// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of VCMM: contexts that are made like others.
 *
 * A clone sees the same memory at the same addresses, in every kind of bed, and
 * lives and dies on its own.
 */
#include <kunit/test.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"

#define MEM_LEN		(SZ_64K + PAGE_SIZE)

struct clones {
	struct vcm_bed *bed;
	struct vcm_phys *a, *b;
	struct vcm_res *whole, *pieces, *idle, *bounded;
	struct vcm_bound *bound;
	struct vcm *clone;
};

static struct clones *clones_new(struct kunit *test,
				 const struct vcm_bed_kind *kind)
{
	struct clones *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, c);
	c->bed = bed_new(test, kind);
	c->a = bed_alloc(c->bed, MEM_LEN, 0);
	c->b = bed_alloc(c->bed, MEM_LEN, 0);
	c->whole = bed_reserve(c->bed, SZ_1M, VCM_RW | VCM_ALIGN(16));
	c->idle = bed_reserve(c->bed, SZ_64K, VCM_READ | VCM_EXEC);
	c->pieces = bed_reserve(c->bed, SZ_256K, VCM_READ);
	c->bound = vcm_create_bound(c->bed->vcm, SZ_1M);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, c->bound);
	c->bounded = vcm_reserve_from_bound(c->bound, SZ_64K, VCM_RW);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, c->bounded);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(c->whole, c->a));
	KUNIT_ASSERT_EQ(test, 0, vcm_back_range(c->pieces, 0, c->b, SZ_4K, SZ_8K));
	KUNIT_ASSERT_EQ(test, 0,
			vcm_back_range(c->pieces, SZ_64K, c->a, 0, SZ_16K));
	KUNIT_ASSERT_EQ(test, 0, vcm_back_range(c->bounded, 0, c->b, 0, SZ_64K));
	return c;
}

static void clones_end(struct clones *c)
{
	struct kunit *test = c->bed->test;

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(c->whole));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(c->pieces));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(c->bounded));
	space_give(test, c->whole);
	space_give(test, c->pieces);
	space_give(test, c->idle);
	space_give(test, c->bounded);
	KUNIT_EXPECT_EQ(test, 0, vcm_free_bound(c->bound));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(c->a));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(c->b));
	bed_end(c->bed);
}

/* Give all of a clone back. */
static void clone_end(struct kunit *test, struct vcm *clone)
{
	struct vcm_res *res;
	int ret;

	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_free(clone));
	vcm_for_each_res(clone, res) {
		ret = vcm_unback(res);
		KUNIT_EXPECT_TRUE(test, !ret || ret == -ENOENT);
		KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	}
	KUNIT_EXPECT_EQ(test, 0, vcm_free(clone));
}

/* Every reservation has its like. */
static void expect_alike(struct kunit *test, struct vcm *vcm, struct vcm *clone)
{
	struct vcm_res *res, *like;
	struct vcm_piece *p, *q;

	KUNIT_EXPECT_EQ(test, vcm_get_num_res(vcm), vcm_get_num_res(clone));
	KUNIT_EXPECT_EQ(test, vcm_get_start_addr(vcm), vcm_get_start_addr(clone));
	KUNIT_EXPECT_EQ(test, vcm_get_len(vcm), vcm_get_len(clone));
	vcm_for_each_res(vcm, res) {
		like = vcm_get_res(clone, vcm_get_dev_addr(res));
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, like);
		KUNIT_EXPECT_EQ(test, vcm_get_dev_addr(res), vcm_get_dev_addr(like));
		KUNIT_EXPECT_EQ(test, vcm_get_res_len(res), vcm_get_res_len(like));
		KUNIT_EXPECT_EQ(test, vcm_get_res_attr(res), vcm_get_res_attr(like));
		for (p = vcm_first_piece(res), q = vcm_first_piece(like); p && q;
		     p = vcm_next_piece(p), q = vcm_next_piece(q)) {
			KUNIT_EXPECT_PTR_EQ(test, p->phys, q->phys);
			KUNIT_EXPECT_EQ(test, p->off, q->off);
			KUNIT_EXPECT_EQ(test, p->mapper.start, q->mapper.start);
			KUNIT_EXPECT_EQ(test, p->mapper.last, q->mapper.last);
		}
		KUNIT_EXPECT_NULL(test, p);
		KUNIT_EXPECT_NULL(test, q);
		vcm_res_put(like);
	}
}

static void clone_devices(struct kunit *test)
{
	struct clones *c = clones_new(test, test->param_value);
	struct vcm_bed *bed = c->bed;
	struct vcm *clone;
	dma_addr_t out;
	unsigned int i;

	bed_join(bed);
	clone = vcm_clone(bed->vcm);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, clone);
	expect_alike(test, bed->vcm, clone);
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_tables(clone));
	KUNIT_EXPECT_STRNEQ(test, vcm_get_name(bed->vcm), vcm_get_name(clone));
	KUNIT_EXPECT_EQ(test, 0, vcm_translate(bed->vcm,
					       vcm_get_dev_addr(c->whole) + 9,
					       clone, &out));
	KUNIT_EXPECT_EQ(test, vcm_get_dev_addr(c->whole) + 9, out);
	KUNIT_EXPECT_EQ(test, 5, refcount_read(&c->a->users));

	/* All devices go over; all is as it was. */
	for (i = 0; i < bed->nr; i++)
		KUNIT_ASSERT_EQ(test, 0, vcm_assoc_move(bed->assocs[i], clone));
	bed_expect_memory(bed, c->whole, c->a);
	bed_expect_access(bed, vcm_get_dev_addr(c->pieces) + SZ_8K - 1, VCM_READ);
	bed_expect_fault(bed, vcm_get_dev_addr(c->pieces) + SZ_8K, VCM_READ);
	bed_expect_access(bed, vcm_get_dev_addr(c->bounded), VCM_WRITE);
	bed_expect_fault(bed, vcm_get_dev_addr(c->idle), VCM_READ);
	for (i = 0; i < bed->nr; i++)
		KUNIT_ASSERT_EQ(test, 0,
				vcm_assoc_move(bed->assocs[i], bed->vcm));
	clone_end(test, clone);
	bed_expect_memory(bed, c->whole, c->a);
	clones_end(c);
}

/* The first goes before the clone, and the memory after both. */
static void clone_outlives(struct kunit *test)
{
	struct clones *c = clones_new(test, &vcm_bed_mirror);
	struct vcm *clone = vcm_clone(c->bed->vcm), *again;
	struct vcm_phys *a = c->a, *b = c->b;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, clone);
	c->a = bed_alloc(c->bed, SZ_4K, 0);
	c->b = bed_alloc(c->bed, SZ_4K, 0);
	clones_end(c);
	again = vcm_clone(clone);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, again);
	expect_alike(test, clone, again);
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(a));
	clone_end(test, clone);
	clone_end(test, again);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(a));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(b));
}

/* What is stuck is not a mapping, and is not cloned. */
static void clone_stuck(struct kunit *test)
{
	struct clones *c = clones_new(test, &vcm_bed_mirror);
	struct vcm_bed *bed = c->bed;
	struct vcm_res *like;
	struct vcm *clone;

	bed_join(bed);
	vcm_soft_fail(bed->units[0], VCM_SOFT_FAIL_FLUSH, 0, 1);
	KUNIT_EXPECT_EQ(test, -EIO, vcm_unback(c->whole));
	clone = vcm_clone(bed->vcm);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, clone);
	like = vcm_get_res(clone, vcm_get_dev_addr(c->whole));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, like);
	KUNIT_EXPECT_EQ(test, -ENOENT, PTR_ERR(vcm_get_physmem_from_res(like)));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_unback(like));
	vcm_res_put(like);
	clone_end(test, clone);
	clones_end(c);
}

static void clone_errors(struct kunit *test)
{
	struct vcm *vcm = space_new(test, 0, SZ_1M), *clone;
	struct vcm_res *res = space_take(test, vcm, SZ_4K, VCM_READ);

	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(vcm_clone(NULL)));
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(vcm_clone(ERR_PTR(-EIO))));
	kref_get(&res->ref);
	space_give(test, res);
	clone = vcm_clone(vcm);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, clone);
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_res(clone));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(clone));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
	KUNIT_EXPECT_EQ(test, -ENOENT, PTR_ERR(vcm_clone(vcm)));
	vcm_res_put(res);
}

static struct kunit_case vcm_clone_cases[] = {
	KUNIT_CASE_PARAM(clone_devices, vcm_bed_gen_params),
	KUNIT_CASE(clone_outlives),
	KUNIT_CASE(clone_stuck),
	KUNIT_CASE(clone_errors),
	{}
};

static struct kunit_suite vcm_clone_suite = {
	.name = "vcm_clone",
	.test_cases = vcm_clone_cases,
};

kunit_test_suite(vcm_clone_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: clones");
MODULE_LICENSE("GPL");
