// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of VCMM: units that refuse, and units that do not answer.
 *
 * All or nothing (rule 2), and nothing that a device can still reach is freed
 * (rule 3). Hard cases 18 (a map that fails at every run of every table), 5
 * and 26 (one of five units refuses), 12 (a unit that does not answer a flush).
 */
#include <kunit/test.h>
#include <linux/math.h>
#include <linux/sizes.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"

static const struct vcm_bed_kind refuse_kinds[] = {
	{ "LPAE last", 3, { VCM_SOFT_V7S, VCM_SOFT_HALF, VCM_SOFT_LPAE }, 3 },
	{ "HALF last", 3, { VCM_SOFT_V7S, VCM_SOFT_LPAE, VCM_SOFT_HALF }, 3 },
	{ "V7S last", 6, { VCM_SOFT_HALF, VCM_SOFT_LPAE, VCM_SOFT_V7S }, 3 },
};

KUNIT_ARRAY_PARAM_DESC(refuse, refuse_kinds, name);

/*
 * How many calls of the driver write it? One for each run; with @lists, one for
 * up to VCM_LIST pages that lie apart.
 */
static unsigned int count_calls(struct vcm_phys *phys, bool lists)
{
	struct vcm_phys_iter iter =
		vcm_phys_iter_of(phys, 0, vcm_get_phys_len(phys));
	unsigned int nr = 0, listed = 0;
	phys_addr_t pa;
	size_t len;

	while ((len = vcm_phys_iter_next(&iter, &pa))) {
		bool single = lists && len == PAGE_SIZE;

		if (!single || listed == VCM_LIST)
			listed = 0;
		nr += !listed;
		listed = single ? listed + 1 : 0;
	}
	return nr;
}

static unsigned int count_runs(struct vcm_phys *phys)
{
	return count_calls(phys, false);
}

/* Memory in several runs, if the page allocator can be brought to it. */
static struct vcm_phys *alloc_runs(struct vcm_bed *bed, unsigned int want)
{
	struct vcm_phys *phys[16];
	unsigned int i, best = 0;

	for (i = 0; i < ARRAY_SIZE(phys); i++) {
		phys[i] = bed_alloc(bed, SZ_1M + SZ_256K + SZ_64K + SZ_16K +
				    PAGE_SIZE, 0);
		if (count_runs(phys[i]) > count_runs(phys[best]))
			best = i;
		if (count_runs(phys[best]) >= want) {
			i++;
			break;
		}
	}
	while (i--)
		if (i != best)
			KUNIT_EXPECT_EQ(bed->test, 0, vcm_phys_free(phys[i]));
	return phys[best];
}

/*
 * Hard case 18: each call that writes @table of the bed fails in turn, and no
 * trace is left in any.
 */
static void refuse_each(struct vcm_bed *bed, unsigned int table,
			struct vcm_res *res, struct vcm_phys *phys)
{
	/* Pages of this format are smaller than ours. */
	bool lists = bed->kind->formats[table] != VCM_SOFT_HALF;
	unsigned int n, calls = count_calls(phys, lists);
	struct kunit *test = bed->test;
	int err = -ENOMEM;

	for (n = 0; n <= calls; n++) {
		vcm_soft_fail(bed->units[table], VCM_SOFT_FAIL_MAP, n, 1);
		err = vcm_back(res, phys);
		KUNIT_EXPECT_EQ(test, n < calls ? -ENOMEM : 0, err);
		if (!err)
			break;
		bed_expect_idle(bed, res, phys);
	}
	vcm_soft_fail(bed->units[table], VCM_SOFT_FAIL_MAP, 0, 0);
	KUNIT_ASSERT_EQ(test, 0, err);
	bed_expect_memory(bed, res, phys);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	bed_expect_idle(bed, res, phys);
}

static void refuse_map(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct vcm_phys *phys = alloc_runs(bed, 3);
	struct vcm_res *res = bed_reserve(bed, SZ_2M, VCM_RW);
	unsigned int table;

	bed_join(bed);
	for (table = 0; table < bed->kind->nr_formats; table++)
		refuse_each(bed, table, res, phys);
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

/* Single pages are written as lists, where the page of the table is ours. */
static void refuse_list(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct vcm_phys *phys = phys_scattered(test);
	struct vcm_res *res = bed_reserve(bed, vcm_get_phys_len(phys), VCM_RW);
	unsigned int table;

	KUNIT_EXPECT_EQ(test, SCATTERED_FIRST + 1 + SCATTERED_LAST,
			count_calls(phys, false));
	KUNIT_EXPECT_EQ(test, DIV_ROUND_UP(SCATTERED_FIRST, VCM_LIST) + 1 +
			DIV_ROUND_UP(SCATTERED_LAST, VCM_LIST),
			count_calls(phys, true));
	bed_join(bed);
	for (table = 0; table < bed->kind->nr_formats; table++)
		refuse_each(bed, table, res, phys);
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

#define NR_FIVE		5

/* One device behind five units, each of which wants a table of its own. */
struct five {
	struct vcm_iommu *units[NR_FIVE];
	struct device *dev;
	struct vcm *vcm;
	struct vcm_res *res;
	struct vcm_phys *phys;
};

static void five_init(struct kunit *test, struct five *five)
{
	unsigned int i;

	/* Each reaches less than the one before, so it cannot walk its table. */
	for (i = 0; i < NR_FIVE; i++) {
		struct vcm_soft_config config = {
			.name = "one of five", .format = VCM_SOFT_LPAE,
			.ias = 32 - i,
		};

		five->units[i] = bed_unit(test, &config);
		if (!i)
			five->dev = bed_device(test, five->units[i]);
		else
			KUNIT_ASSERT_EQ(test, 0,
					vcm_soft_add_device(five->units[i],
							    five->dev));
	}
	five->vcm = vcm_create(SZ_1M, SZ_64M);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, five->vcm);
	five->phys = vcm_phys_alloc(NULL, SZ_64K, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, five->phys);
	five->res = vcm_reserve(five->vcm, SZ_64K, VCM_RW);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, five->res);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(five->res, five->phys));
}

static void five_expect_nothing(struct kunit *test, struct five *five)
{
	struct vcm_soft_stats stats;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_tables(five->vcm));
	KUNIT_EXPECT_TRUE(test, list_empty(&five->vcm->assocs));
	for (i = 0; i < NR_FIVE; i++) {
		vcm_soft_get_stats(five->units[i], &stats);
		KUNIT_EXPECT_EQ(test, 0, stats.attached);
		KUNIT_EXPECT_EQ(test, 0, vcm_soft_table_pages(five->units[i]));
		KUNIT_EXPECT_EQ(test, 1, kref_read(&five->units[i]->ref));
	}
}

static void five_exit(struct kunit *test, struct five *five)
{
	five_expect_nothing(test, five);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(five->res));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(five->res));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(five->phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(five->vcm));
}

static void five_expect_attached(struct kunit *test, struct five *five,
				 unsigned int want)
{
	struct vcm_soft_stats stats;
	unsigned int i;
	u8 byte;

	for (i = 0; i < NR_FIVE; i++) {
		vcm_soft_get_stats(five->units[i], &stats);
		KUNIT_EXPECT_EQ(test, want, stats.attached);
		KUNIT_EXPECT_EQ(test, want ? 0 : -ENXIO,
				vcm_soft_dma(five->units[i], five->dev,
					     vcm_get_dev_addr(five->res), &byte,
					     1, VCM_READ));
	}
}

/* Hard case 26, and 5: whichever of the five refuses, the others are undone. */
static void refuse_one_of_five(struct kunit *test)
{
	/* Units are asked for twice: how many there are, and one by one. */
	static const struct { enum vcm_soft_fault fault; int after, err; } f[] = {
		{ VCM_SOFT_FAIL_TABLE, 0, -ENOMEM },
		{ VCM_SOFT_FAIL_MAP, 0, -ENOMEM },
		{ VCM_SOFT_DEFER, 0, -EPROBE_DEFER },
		{ VCM_SOFT_DEFER, 1, -EPROBE_DEFER },
	};
	struct vcm_assoc *assoc;
	struct five five;
	unsigned int i, j;

	five_init(test, &five);
	for (i = 0; i < NR_FIVE; i++)
		for (j = 0; j < ARRAY_SIZE(f); j++) {
			vcm_soft_fail(five.units[i], f[j].fault, f[j].after, 1);
			assoc = vcm_assoc(five.vcm, five.dev, 0);
			KUNIT_EXPECT_EQ(test, f[j].err, PTR_ERR_OR_ZERO(assoc));
			five_expect_nothing(test, &five);
		}

	assoc = vcm_assoc(five.vcm, five.dev, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, assoc);
	KUNIT_EXPECT_EQ(test, NR_FIVE, vcm_get_num_tables(five.vcm));
	for (i = 0; i < NR_FIVE; i++) {
		vcm_soft_fail(five.units[i], VCM_SOFT_FAIL_ATTACH, 0, 1);
		KUNIT_EXPECT_EQ(test, -EIO, vcm_activate(assoc));
		KUNIT_EXPECT_FALSE(test, vcm_is_active(assoc));
		five_expect_attached(test, &five, 0);
	}
	KUNIT_EXPECT_EQ(test, 0, vcm_activate(assoc));
	five_expect_attached(test, &five, 1);
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	five_exit(test, &five);
}

/* A unit did not answer: whatever it may still reach is kept. */
static void expect_stuck(struct vcm_bed *bed, struct vcm_res *res,
			 struct vcm_phys *phys)
{
	struct kunit *test = bed->test;

	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_unreserve(res));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_free(bed->vcm));
	KUNIT_EXPECT_PTR_EQ(test, phys, vcm_get_physmem_from_res(res));
	bed_expect_unmapped(bed, vcm_get_dev_addr(res), vcm_get_res_len(res));
}

/* Hard case 12: one unit is deaf, the others are flushed all the same. */
static void refuse_flush(struct kunit *test)
{
	const struct vcm_bed_kind *kind = test->param_value;
	unsigned int deaf, i;

	for (deaf = 0; deaf < kind->nr; deaf++) {
		struct vcm_bed *bed = bed_new(test, kind);
		struct vcm_phys *phys = bed_alloc(bed, SZ_64K, 0);
		struct vcm_res *res = bed_reserve(bed, SZ_64K, VCM_RW);
		dma_addr_t addr = vcm_get_dev_addr(res);
		u8 byte;

		bed_join(bed);
		KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
		bed_expect_access(bed, addr, VCM_READ);
		vcm_soft_fail(bed->units[deaf], VCM_SOFT_FAIL_FLUSH, 0, -1);
		KUNIT_EXPECT_EQ(test, -EIO, vcm_unback(res));
		expect_stuck(bed, res, phys);
		/* The deaf one does still reach it: that is why. */
		for (i = 0; i < bed->nr; i++)
			KUNIT_EXPECT_EQ(test, i == deaf ? 0 : -EFAULT,
					vcm_soft_dma(bed->units[i],
						     bed->devs[i], addr, &byte,
						     1, VCM_READ));
		KUNIT_EXPECT_EQ(test, -EIO, vcm_unback(res));
		expect_stuck(bed, res, phys);

		/* It answers again. */
		vcm_soft_fail(bed->units[deaf], VCM_SOFT_FAIL_FLUSH, 0, 0);
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
		bed_expect_idle(bed, res, phys);
		KUNIT_EXPECT_EQ(test, -ENOENT, vcm_unback(res));
		KUNIT_EXPECT_EQ(test, 0, vcm_back(res, phys));
		bed_expect_memory(bed, res, phys);
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
		KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
		KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
		bed_end(bed);
	}
}

/* The deaf unit is taken away, or its device is pointed at nothing. */
static void refuse_flush_gone(struct kunit *test)
{
	unsigned int way;

	for (way = 0; way < 3; way++) {
		struct vcm_bed *bed = bed_new(test, &vcm_bed_mirror);
		struct vcm_phys *phys = bed_alloc(bed, SZ_64K, 0);
		struct vcm_res *res = bed_reserve(bed, SZ_64K, VCM_RW);

		bed_join(bed);
		KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
		bed_expect_access(bed, vcm_get_dev_addr(res), VCM_READ);
		vcm_soft_fail(bed->units[1], VCM_SOFT_FAIL_FLUSH, 0, -1);
		KUNIT_EXPECT_EQ(test, -EIO, vcm_unback(res));
		expect_stuck(bed, res, phys);

		if (way == 0) {
			bed_remove_unit(test, bed->units[1]);
		} else {
			KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(bed->assocs[1]));
			if (way == 2)
				vcm_soft_remove_device(bed->units[1],
						       bed->devs[1]);
		}
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
		KUNIT_EXPECT_EQ(test, 1, refcount_read(&phys->users));
		KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
		KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
		bed_leave(bed);
		KUNIT_EXPECT_EQ(test, 0, vcm_get_num_tables(bed->vcm));
		KUNIT_EXPECT_EQ(test, 0, vcm_free(bed->vcm));
	}
}

/* What is stuck is in no table that comes later, and holds up nobody. */
static void refuse_flush_replay(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &refuse_kinds[0]);
	struct vcm_phys *phys = bed_alloc(bed, SZ_64K, 0);
	struct vcm_res *res = bed_reserve(bed, SZ_64K, VCM_RW);

	bed_join_first(bed, bed->nr - 1);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	vcm_soft_fail(bed->units[0], VCM_SOFT_FAIL_FLUSH, 0, 1);
	KUNIT_EXPECT_EQ(test, -EIO, vcm_unback(res));

	bed->assocs[2] = vcm_assoc(bed->vcm, bed->devs[2], 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bed->assocs[2]);
	KUNIT_ASSERT_EQ(test, 0, vcm_activate(bed->assocs[2]));
	expect_stuck(bed, res, phys);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	bed_expect_idle(bed, res, phys);
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

/* Undoing a vcm_back() that fails in the last table meets a deaf unit. */
static void refuse_flush_undo(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct vcm_phys *phys = bed_alloc(bed, SZ_64K, 0);
	struct vcm_res *res = bed_reserve(bed, SZ_64K, VCM_RW);
	unsigned int last = bed->kind->nr_formats - 1, deaf;

	bed_join(bed);
	/* The table that fails was half written, the others were whole. */
	for (deaf = 0; deaf < bed->nr; deaf++) {
		vcm_soft_fail(bed->units[last], VCM_SOFT_FAIL_MAP, 0, 1);
		vcm_soft_fail(bed->units[deaf], VCM_SOFT_FAIL_FLUSH, 0, 1);
		KUNIT_EXPECT_EQ(test, -EIO, vcm_back(res, phys));
		expect_stuck(bed, res, phys);
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
		bed_expect_idle(bed, res, phys);
	}
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

static struct kunit_case vcm_refuse_cases[] = {
	KUNIT_CASE_PARAM(refuse_map, refuse_gen_params),
	KUNIT_CASE_PARAM(refuse_list, refuse_gen_params),
	KUNIT_CASE(refuse_one_of_five),
	KUNIT_CASE_PARAM(refuse_flush, refuse_gen_params),
	KUNIT_CASE(refuse_flush_gone),
	KUNIT_CASE(refuse_flush_replay),
	KUNIT_CASE_PARAM(refuse_flush_undo, refuse_gen_params),
	{}
};

static struct kunit_suite vcm_refuse_suite = {
	.name = "vcm_refuse",
	.test_cases = vcm_refuse_cases,
};

kunit_test_suite(vcm_refuse_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: units that refuse");
MODULE_LICENSE("GPL");
