// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of VCMM: the topology changes under load.
 *
 * Two contexts and up to 128 units, which three threads share among them. Each
 * thread associates, activates, moves and removes its own devices, plugs and
 * unplugs their units, and backs and unbacks its own reservations, in an order
 * that the dice choose. So it always knows what each of its calls must return,
 * and what each of its devices must see, although the tables are everybody's.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/device.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/sizes.h>

#include "vcm_bed.h"

#define NR_CTX		2
#define NR_RIDERS	3
#define NR_STEPS	900

/* Not a multiple of any block: neighbours share page-table pages. */
#define RIDE_LEN	(SZ_64K + PAGE_SIZE)

static const struct vcm_bed_kind storm_kinds[] = {
	{ "1 unit", 1, { VCM_SOFT_LPAE }, 1 },
	{ "10 units share", 10, { VCM_SOFT_LPAE }, 1 },
	{ "10 units, three tables", 10,
	  { VCM_SOFT_LPAE, VCM_SOFT_V7S, VCM_SOFT_HALF }, 3 },
	{ "100 units share", 100, { VCM_SOFT_LPAE }, 1 },
	{ "100 units, three tables", 100,
	  { VCM_SOFT_LPAE, VCM_SOFT_V7S, VCM_SOFT_HALF }, 3 },
	{ "128 units share", 128, { VCM_SOFT_LPAE }, 1 },
	{ "128 units, two tables", 128, { VCM_SOFT_LPAE, VCM_SOFT_HALF }, 2 },
};

KUNIT_ARRAY_PARAM_DESC(storm, storm_kinds, name);

/**
 * struct horse - a device, and what its rider knows of it
 * @dev: the device
 * @unit: the unit that it is behind now
 * @config: what its units are like
 * @assoc: its associations, NULL where it has none
 * @active: the context that it is active on, or -1
 */
struct horse {
	struct device *dev;
	struct vcm_iommu *unit;
	struct vcm_soft_config config;
	struct vcm_assoc *assoc[NR_CTX];
	int active;
};

/**
 * struct rider - a thread with its devices and its memory
 * @vcm: the contexts, everybody's
 * @rnd: its dice
 * @horses: its devices
 * @nr_horses: how many
 * @res: a reservation in each context
 * @phys: memory for each, filled with the number of the context
 * @backed: what is backed
 * @surprises: calls and accesses that were not as they had to be
 * @what: the first of them
 * @done: the thread has gone all its steps
 */
struct rider {
	struct vcm **vcm;
	struct rnd_state rnd;
	struct horse *horses;
	unsigned int nr_horses;
	struct vcm_res *res[NR_CTX];
	struct vcm_phys *phys[NR_CTX];
	bool backed[NR_CTX];
	unsigned int surprises;
	const char *what;
	struct completion done;
};

static u32 roll(struct rider *r, u32 below)
{
	return prandom_u32_state(&r->rnd) % below;
}

static void ride_expect(struct rider *r, long want, long got, const char *what)
{
	if (want == got)
		return;
	if (!r->surprises++)
		r->what = what;
}

/*
 * What the device finds at the rider's reservation in the context it is on. It
 * looks at the same two pages each time, so that what its unit has cached of
 * them would show.
 */
static int horse_look(struct rider *r, struct horse *h, size_t off, u32 access)
{
	int ctx = h->active < 0 ? 0 : h->active;
	u8 byte = ctx + 1;
	int ret;

	ret = vcm_soft_dma(h->unit, h->dev, vcm_get_dev_addr(r->res[ctx]) + off,
			   &byte, 1, access);
	return ret ?: byte;
}

static void ride_check(struct rider *r, struct horse *h)
{
	int want = -ENXIO;

	if (h->active >= 0)
		want = r->backed[h->active] ? h->active + 1 : -EFAULT;
	ride_expect(r, want, horse_look(r, h, 0, VCM_READ), "read");
	ride_expect(r, want, horse_look(r, h, RIDE_LEN - 1, VCM_WRITE),
		    "write");
}

static void ride_back(struct rider *r)
{
	unsigned int i, ctx = roll(r, NR_CTX);

	if (r->backed[ctx]) {
		ride_expect(r, -EBUSY, vcm_back(r->res[ctx], r->phys[ctx]),
			    "back again");
		ride_expect(r, -EBUSY, vcm_unreserve(r->res[ctx]), "unreserve");
		ride_expect(r, 0, vcm_unback(r->res[ctx]), "unback");
	} else {
		ride_expect(r, -ENOENT, vcm_unback(r->res[ctx]),
			    "unback again");
		ride_expect(r, 0, vcm_back(r->res[ctx], r->phys[ctx]), "back");
	}
	r->backed[ctx] = !r->backed[ctx];
	for (i = 0; i < r->nr_horses; i++)
		ride_check(r, &r->horses[i]);
}

static void ride_assoc(struct rider *r, struct horse *h, unsigned int ctx)
{
	struct vcm_assoc *assoc = vcm_assoc(r->vcm[ctx], h->dev, 0);

	ride_expect(r, h->assoc[ctx] ? -EEXIST : 0, PTR_ERR_OR_ZERO(assoc),
		    "assoc");
	if (!h->assoc[ctx] && !IS_ERR(assoc))
		h->assoc[ctx] = assoc;
}

static void ride_deassoc(struct rider *r, struct horse *h, unsigned int ctx)
{
	bool busy = h->active == ctx;

	if (!h->assoc[ctx])
		return;
	ride_expect(r, busy ? -EBUSY : 0, vcm_deassoc(h->assoc[ctx]),
		    "deassoc");
	if (!busy)
		h->assoc[ctx] = NULL;
}

static void ride_activate(struct rider *r, struct horse *h, unsigned int ctx)
{
	bool busy = h->active >= 0;

	if (!h->assoc[ctx])
		return;
	ride_expect(r, busy ? -EBUSY : 0, vcm_activate(h->assoc[ctx]),
		    "activate");
	if (!busy)
		h->active = ctx;
}

static void ride_deactivate(struct rider *r, struct horse *h, unsigned int ctx)
{
	bool idle = h->active != ctx;

	if (!h->assoc[ctx])
		return;
	ride_expect(r, idle ? -ENOENT : 0, vcm_deactivate(h->assoc[ctx]),
		    "deactivate");
	if (!idle)
		h->active = -1;
}

static void ride_move(struct rider *r, struct horse *h, unsigned int ctx)
{
	unsigned int to = !ctx;
	bool there = h->assoc[to];

	if (!h->assoc[ctx])
		return;
	ride_expect(r, there ? -EEXIST : 0,
		    vcm_assoc_move(h->assoc[ctx], r->vcm[to]), "move");
	if (there)
		return;
	swap(h->assoc[ctx], h->assoc[to]);
	if (h->active == ctx)
		h->active = to;
}

static int horse_plug(struct horse *h)
{
	struct vcm_iommu *unit = vcm_soft_create(&h->config);

	h->unit = IS_ERR(unit) ? NULL : unit;
	return h->unit ? vcm_soft_add_device(h->unit, h->dev) : -ENOMEM;
}

/* The unit is pulled with whatever is going on, and another one plugged in. */
static void ride_replug(struct rider *r, struct horse *h, unsigned int unused)
{
	unsigned int ctx;

	vcm_soft_destroy(h->unit);
	for (ctx = 0; ctx < NR_CTX; ctx++) {
		if (!h->assoc[ctx])
			continue;
		ride_expect(r, false, vcm_is_active(h->assoc[ctx]), "active");
		ride_expect(r, -ENODEV, vcm_activate(h->assoc[ctx]), "gone");
		ride_expect(r, 0, vcm_deassoc(h->assoc[ctx]), "deassoc gone");
		h->assoc[ctx] = NULL;
	}
	h->active = -1;
	ride_expect(r, 0, horse_plug(h), "plug");
}

static void (* const ride_steps[])(struct rider *r, struct horse *h,
				   unsigned int ctx) = {
	/* Twice what brings them in, or nobody would be there for long. */
	ride_assoc, ride_assoc, ride_activate, ride_activate, ride_move,
	ride_deactivate, ride_deassoc, ride_replug,
};

static int ride(void *data)
{
	struct rider *r = data;
	unsigned int step;

	for (step = 0; step < NR_STEPS; step++) {
		if (!r->nr_horses || !roll(r, 8)) {
			ride_back(r);
		} else {
			struct horse *h = &r->horses[roll(r, r->nr_horses)];

			ride_steps[roll(r, ARRAY_SIZE(ride_steps))]
				(r, h, roll(r, NR_CTX));
			ride_check(r, h);
		}
		cond_resched();
	}
	kthread_complete_and_exit(&r->done, 0);
}

/* The beds of the kinds have too much: here the riders own the units. */
static void rider_init(struct kunit *test, struct rider *r, struct vcm **vcm,
		       const struct vcm_bed_kind *kind, unsigned int index)
{
	unsigned int i, ctx;

	r->vcm = vcm;
	prandom_seed_state(&r->rnd, get_random_u64());
	init_completion(&r->done);
	r->horses = kunit_kcalloc(test, kind->nr, sizeof(*r->horses),
				  GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, r->horses);
	for (i = index; i < kind->nr; i += NR_RIDERS) {
		struct horse *h = &r->horses[r->nr_horses++];

		h->dev = bed_device(test, NULL);
		h->active = -1;
		h->config.name = dev_name(h->dev);
		h->config.format = kind->formats[i % kind->nr_formats];
		KUNIT_ASSERT_EQ(test, 0, horse_plug(h));
	}
	for (ctx = 0; ctx < NR_CTX; ctx++) {
		r->res[ctx] = vcm_reserve(vcm[ctx], RIDE_LEN,
					  VCM_RW | VCM_ALIGN(12));
		r->phys[ctx] = vcm_phys_alloc(NULL, RIDE_LEN, 0);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, r->res[ctx]);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, r->phys[ctx]);
		phys_fill(r->phys[ctx], ctx + 1);
	}
}

/* Nothing is left of it, and nothing of the table of anybody's. */
static void rider_end(struct kunit *test, struct rider *r)
{
	struct vcm_soft_stats stats;
	unsigned int i, ctx;

	for (i = 0; i < r->nr_horses; i++) {
		struct horse *h = &r->horses[i];

		if (h->active >= 0)
			KUNIT_EXPECT_EQ(test, 0,
					vcm_deactivate(h->assoc[h->active]));
		for (ctx = 0; ctx < NR_CTX; ctx++)
			if (h->assoc[ctx])
				KUNIT_EXPECT_EQ(test, 0,
						vcm_deassoc(h->assoc[ctx]));
		vcm_soft_get_stats(h->unit, &stats);
		KUNIT_EXPECT_EQ(test, 0, stats.attached);
		KUNIT_EXPECT_EQ(test, 0, stats.tlb_entries);
	}
	for (ctx = 0; ctx < NR_CTX; ctx++) {
		if (r->backed[ctx])
			KUNIT_EXPECT_EQ(test, 0, vcm_unback(r->res[ctx]));
		KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(r->res[ctx]));
		KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(r->phys[ctx]));
	}
}

static void rider_unplug(struct kunit *test, struct rider *r)
{
	unsigned int i;

	for (i = 0; i < r->nr_horses; i++) {
		struct vcm_iommu *unit = r->horses[i].unit;

		KUNIT_EXPECT_EQ(test, 0, vcm_soft_table_pages(unit));
		KUNIT_EXPECT_EQ(test, 1, kref_read(&unit->ref));
		vcm_soft_destroy(unit);
	}
}

struct storm {
	struct vcm *vcm[NR_CTX];
	struct rider riders[NR_RIDERS];
};

static struct storm *storm_new(struct kunit *test,
			       const struct vcm_bed_kind *kind)
{
	struct storm *storm = kunit_kzalloc(test, sizeof(*storm), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, storm);
	for (i = 0; i < NR_CTX; i++)
		storm->vcm[i] = space_new(test, BED_START, BED_LEN);
	for (i = 0; i < NR_RIDERS; i++)
		rider_init(test, &storm->riders[i], storm->vcm, kind, i);
	return storm;
}

/* Returns how many surprises there were. */
static unsigned int storm_run(struct kunit *test, struct storm *storm)
{
	unsigned int i, surprises = 0;

	for (i = 0; i < NR_RIDERS; i++) {
		struct rider *r = &storm->riders[i];

		if (!IS_ERR(kthread_run(ride, r, "vcm-storm/%u", i)))
			continue;
		KUNIT_FAIL(test, "no thread");
		complete(&r->done);
	}
	for (i = 0; i < NR_RIDERS; i++) {
		struct rider *r = &storm->riders[i];

		wait_for_completion(&r->done);
		surprises += r->surprises;
	}
	return surprises;
}

static void storm_end(struct kunit *test, struct storm *storm)
{
	unsigned int i;

	for (i = 0; i < NR_RIDERS; i++)
		rider_end(test, &storm->riders[i]);
	for (i = 0; i < NR_CTX; i++) {
		KUNIT_EXPECT_EQ(test, 0, vcm_get_num_tables(storm->vcm[i]));
		KUNIT_EXPECT_EQ(test, 0, vcm_free(storm->vcm[i]));
	}
	for (i = 0; i < NR_RIDERS; i++)
		rider_unplug(test, &storm->riders[i]);
}

static void storm_topology(struct kunit *test)
{
	struct storm *storm = storm_new(test, test->param_value);
	unsigned int i;

	KUNIT_EXPECT_EQ(test, 0, storm_run(test, storm));
	for (i = 0; i < NR_RIDERS; i++)
		if (storm->riders[i].surprises)
			KUNIT_FAIL(test, "rider %u: first surprise: %s", i,
				   storm->riders[i].what);
	storm_end(test, storm);
}

/* The control: of ten units one loses its flushes, and it does not pass. */
static void storm_sees_lost_flush(struct kunit *test)
{
	struct storm *storm = storm_new(test, &storm_kinds[1]);
	struct horse *h = &storm->riders[0].horses[0];
	struct rider *r = &storm->riders[0];

	ride_assoc(r, h, 0);
	ride_activate(r, h, 0);
	while (!r->backed[0])
		ride_back(r);
	KUNIT_EXPECT_EQ(test, 0, r->surprises);
	vcm_soft_fail(h->unit, VCM_SOFT_LOSE_FLUSH, 0, -1);
	while (r->backed[0])
		ride_back(r);
	KUNIT_EXPECT_GT(test, r->surprises, 0);
	vcm_soft_fail(h->unit, VCM_SOFT_LOSE_FLUSH, 0, 0);
	storm_end(test, storm);
}

static struct kunit_case storm_cases[] = {
	KUNIT_CASE_PARAM(storm_topology, storm_gen_params),
	KUNIT_CASE(storm_sees_lost_flush),
	{}
};

static struct kunit_suite storm_suite = {
	.name = "vcm_storm",
	.test_cases = storm_cases,
};

kunit_test_suite(storm_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: the topology changes under load");
MODULE_LICENSE("GPL");
