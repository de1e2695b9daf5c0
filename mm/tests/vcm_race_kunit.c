// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of VCMM: everything at once.
 *
 * Hard cases 24 (tables grow on several CPUs), 28 (releases in any order,
 * refused while in use) and 7 (a device goes while others use it): threads
 * back and unback neighbouring ranges of one mirrored context, a device joins
 * and leaves with a table of its own, and others look everything up. What one
 * thread does must never show in what another one sees; lockdep, KASAN and
 * KCSAN watch the rest.
 */
#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/sizes.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"

#define RUN_MS		800
#define NR_BACKERS	5
#define MAX_THREADS	(NR_BACKERS + 4)

/* Not a multiple of any block: neighbours share page-table pages. */
#define BACK_LEN	(SZ_1M + SZ_64K + PAGE_SIZE)

static const struct vcm_bed_kind race_kind = {
	"four units, three tables", 4,
	{ VCM_SOFT_LPAE, VCM_SOFT_V7S, VCM_SOFT_HALF }, 3,
};

/**
 * struct racer - one thread
 * @task: the thread
 * @bed: where it runs
 * @index: which one of its kind
 * @rounds: how many times it went round
 * @step: returns the number of surprises in one round
 * @surprises: their sum
 * @res: a reservation of its own
 * @phys: an allocation of its own
 * @dev: a device that joins and leaves
 * @unit: and its unit
 */
struct racer {
	struct task_struct *task;
	struct vcm_bed *bed;
	unsigned int index;
	unsigned long rounds;
	unsigned int (*step)(struct racer *r);
	unsigned int surprises;

	struct vcm_res *res;
	struct vcm_phys *phys;
	struct device *dev;
	struct vcm_iommu *unit;
};

static int race(void *data)
{
	struct racer *r = data;

	while (!kthread_should_stop()) {
		r->surprises += r->step(r);
		r->rounds++;
		cond_resched();
	}
	return 0;
}

/* DMA of one byte by a device that is always active. */
static int race_dma(struct racer *r, size_t off, u8 *byte, u32 access)
{
	unsigned int i = r->rounds % r->bed->nr;

	return vcm_soft_dma(r->bed->units[i], r->bed->devs[i],
			    vcm_get_dev_addr(r->res) + off, byte, 1, access);
}

/* Its own memory, all of it, and nothing before or after. */
static unsigned int step_back(struct racer *r)
{
	u8 mark = r->rounds ^ r->index << 5, byte = mark;
	unsigned int bad = 0;

	bad += race_dma(r, 0, &byte, VCM_READ) != -EFAULT;
	bad += vcm_back(r->res, r->phys) != 0;
	bad += vcm_back(r->res, r->phys) != -EBUSY;
	bad += vcm_unreserve(r->res) != -EBUSY;
	bad += vcm_phys_free(r->phys) != -EBUSY;
	bad += race_dma(r, BACK_LEN - 1, &byte, VCM_WRITE) != 0;
	bad += phys_peek(r->phys, BACK_LEN - 1) != mark;
	byte = ~mark;
	bad += race_dma(r, BACK_LEN - 1, &byte, VCM_READ) != 0;
	bad += byte != mark;
	bad += race_dma(r, 0, &byte, VCM_READ) != 0;
	bad += vcm_unback(r->res) != 0;
	bad += race_dma(r, 0, &byte, VCM_READ) != -EFAULT;
	bad += race_dma(r, BACK_LEN - 1, &byte, VCM_READ) != -EFAULT;
	bad += vcm_unback(r->res) != -ENOENT;
	return bad;
}

/* A device with a table of its own: each time the context is replayed. */
static unsigned int step_join(struct racer *r)
{
	struct vcm_assoc *assoc = vcm_assoc(r->bed->vcm, r->dev, 0);
	unsigned int bad = 0;
	u8 byte;

	if (IS_ERR(assoc))
		return 1;
	bad += vcm_soft_dma(r->unit, r->dev, BED_START, &byte, 1, VCM_READ) !=
		-ENXIO;
	bad += vcm_activate(assoc) != 0;
	bad += vcm_deassoc(assoc) != -EBUSY;
	bad += vcm_free(r->bed->vcm) != -EBUSY;
	/* This one is backed for good. */
	bad += vcm_soft_dma(r->unit, r->dev, vcm_get_dev_addr(r->res), &byte, 1,
			    VCM_READ) != 0;
	bad += vcm_deactivate(assoc) != 0;
	bad += vcm_deassoc(assoc) != 0;
	bad += vcm_soft_table_pages(r->unit) != 0;
	return bad;
}

/* Reservations that come and go between the others. */
static unsigned int step_reserve(struct racer *r)
{
	struct vcm_res *a, *b;
	unsigned int bad = 0;

	a = vcm_reserve(r->bed->vcm, SZ_64K + r->rounds % 8 * SZ_4K, VCM_RW);
	b = vcm_reserve(r->bed->vcm, PAGE_SIZE, VCM_READ);
	if (IS_ERR(a) || IS_ERR(b))
		return 1;
	bad += vcm_back(a, r->phys) != -ENOSPC;
	bad += vcm_unreserve(a) != 0;
	bad += vcm_unreserve(b) != 0;
	return bad;
}

/* Whoever looks things up gets something that is whole, or nothing. */
static unsigned int step_look(struct racer *r)
{
	struct vcm *vcm = r->bed->vcm;
	unsigned int bad = 0, seen = 0;
	struct vcm_res *res, *same;
	dma_addr_t out, last = 0;
	phys_addr_t pa;
	size_t len;

	vcm_for_each_res(vcm, res) {
		dma_addr_t addr = vcm_get_dev_addr(res);

		bad += addr < last || vcm_get_vcm_from_res(res) != vcm;
		last = addr + vcm_get_res_len(res) - 1;
		same = vcm_get_res(vcm, last);
		bad += IS_ERR(same) && PTR_ERR(same) != -ENOENT;
		vcm_res_put(same);
		if (!vcm_translate(vcm, addr, vcm, &out))
			bad += out != addr;
		if (!vcm_dev_addr_to_phys_addr(vcm, addr, &pa))
			bad += vcm_get_phys_num_res(pa) > NR_BACKERS + 1;
	}
	/* The one that is backed for good is always there. */
	vcm_get_chunk(r->phys, 0, &pa, &len);
	vcm_for_each_phys_res(pa, res, len) {
		bad += res != r->res;
		seen++;
	}
	bad += seen != 1;
	bad += vcm_get_num_tables(vcm) < 3 || vcm_get_num_tables(vcm) > 4;
	return bad;
}

static void race_start(struct kunit *test, struct racer *r, struct vcm_bed *bed,
		       unsigned int index, unsigned int (*step)(struct racer *r))
{
	r->bed = bed;
	r->index = index;
	r->step = step;
	r->task = kthread_run(race, r, "vcm-race/%u", index);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, r->task);
}

static void race_report(struct kunit *test, struct racer *r, const char *what)
{
	kthread_stop(r->task);
	kunit_info(test, "%s %u: %lu rounds", what, r->index, r->rounds);
	KUNIT_EXPECT_EQ_MSG(test, 0, r->surprises, "%s %u", what, r->index);
	KUNIT_EXPECT_GT(test, r->rounds, 2);
}

static void race_context(struct kunit *test)
{
	/* Of less reach than the others' tables: no unit can share it. */
	const struct vcm_soft_config config = {
		.format = VCM_SOFT_LPAE, .ias = 31,
	};
	struct vcm_bed *bed = bed_new(test, &race_kind);
	struct racer *r = kunit_kcalloc(test, MAX_THREADS, sizeof(*r),
					GFP_KERNEL);
	struct racer *join = &r[NR_BACKERS], *look = join + 1;
	struct racer *reserve = look + 1;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, r);
	bed_join(bed);
	for (i = 0; i < NR_BACKERS + 1; i++) {
		r[i].phys = bed_alloc(bed, BACK_LEN, 0);
		r[i].res = vcm_reserve(bed->vcm, BACK_LEN,
				       VCM_RW | VCM_ALIGN(12));
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, r[i].res);
	}
	KUNIT_ASSERT_EQ(test, 0, vcm_back(join->res, join->phys));
	join->dev = bed_limited(test, &join->unit, config);
	look->res = join->res;
	look->phys = join->phys;
	reserve->phys = join->phys;

	for (i = 0; i < NR_BACKERS; i++)
		race_start(test, &r[i], bed, i, step_back);
	race_start(test, join, bed, 0, step_join);
	race_start(test, look, bed, 0, step_look);
	race_start(test, reserve, bed, 0, step_reserve);
	msleep(RUN_MS);
	for (i = 0; i < NR_BACKERS; i++)
		race_report(test, &r[i], "back");
	race_report(test, join, "join");
	race_report(test, look, "look");
	race_report(test, reserve, "reserve");

	KUNIT_EXPECT_EQ(test, NR_BACKERS + 1, vcm_get_num_res(bed->vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(join->res));
	for (i = 0; i < NR_BACKERS + 1; i++) {
		bed_expect_idle(bed, r[i].res, r[i].phys);
		KUNIT_EXPECT_EQ(test, 1, kref_read(&r[i].res->ref));
		space_give(test, r[i].res);
		KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(r[i].phys));
	}
	bed_end(bed);
}

/* One unit comes and goes while its device is in use: hot-plug. */
static unsigned int step_plug(struct racer *r)
{
	const struct vcm_soft_config config = {
		.name = "plugged", .format = VCM_SOFT_HALF,
	};
	struct vcm_iommu *unit = vcm_soft_create(&config);
	struct vcm_assoc *assoc;
	unsigned int bad = 0;
	u8 byte;

	if (IS_ERR(unit))
		return 1;
	bad += vcm_soft_add_device(unit, r->dev) != 0;
	assoc = vcm_assoc(r->bed->vcm, r->dev, 0);
	bad += IS_ERR(assoc);
	bad += vcm_activate(assoc) != 0;
	bad += vcm_soft_dma(unit, r->dev, vcm_get_dev_addr(r->res), &byte, 1,
			    VCM_READ) != 0;
	vcm_soft_destroy(unit);
	bad += vcm_is_active(assoc);
	bad += vcm_activate(assoc) != -ENODEV;
	bad += vcm_deassoc(assoc) != 0;
	return bad;
}

static void race_unplug(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &race_kind);
	struct racer *r = kunit_kcalloc(test, MAX_THREADS, sizeof(*r),
					GFP_KERNEL);
	struct racer *plug = &r[2];
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, r);
	bed_join(bed);
	for (i = 0; i < 3; i++) {
		r[i].phys = bed_alloc(bed, BACK_LEN, 0);
		r[i].res = bed_reserve(bed, BACK_LEN, VCM_RW);
	}
	KUNIT_ASSERT_EQ(test, 0, vcm_back(plug->res, plug->phys));
	plug->dev = bed_device(test, NULL);

	race_start(test, &r[0], bed, 0, step_back);
	race_start(test, &r[1], bed, 1, step_back);
	race_start(test, plug, bed, 0, step_plug);
	msleep(RUN_MS);
	race_report(test, &r[0], "back");
	race_report(test, &r[1], "back");
	race_report(test, plug, "plug");

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(plug->res));
	for (i = 0; i < 3; i++) {
		space_give(test, r[i].res);
		KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(r[i].phys));
	}
	bed_end(bed);
}

static struct kunit_case vcm_race_cases[] = {
	KUNIT_CASE_SLOW(race_context),
	KUNIT_CASE_SLOW(race_unplug),
	{}
};

static struct kunit_suite vcm_race_suite = {
	.name = "vcm_race",
	.test_cases = vcm_race_cases,
};

kunit_test_suite(vcm_race_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: everything at once");
MODULE_LICENSE("GPL");
