// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of VCMM: what drivers get from boards.
 *
 * Boards, devices and units come in any order and go again, and what a driver
 * is given, or left behind, does not depend on it.
 */
#include <kunit/test.h>
#include <linux/cleanup.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/vcm-machine.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"

#define EXPECT_ERR(test, err, ptr)					\
	KUNIT_EXPECT_EQ(test, err, PTR_ERR_OR_ZERO(ptr))

#define PAGE		PAGE_SIZE

static void no_more_contexts(struct kunit *test, unsigned int before)
{
	KUNIT_EXPECT_EQ(test, before, bed_count_contexts());
}

/* A stage: a bed whose devices find their context by a board */

struct stage {
	struct vcm_bed *bed;
	struct vcm_board_context context[2];
	struct vcm_board_member *members;
	struct vcm_board board;
	unsigned int before;
};

static struct stage *stage_new(struct kunit *test,
			       const struct vcm_bed_kind *kind)
{
	struct stage *stage = kunit_kzalloc(test, sizeof(*stage), GFP_KERNEL);
	struct vcm_bed *bed = bed_new(test, kind);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, stage);
	stage->bed = bed;
	KUNIT_ASSERT_EQ(test, 0, vcm_free(bed->vcm));
	bed->vcm = NULL;
	stage->members = kunit_kcalloc(test, bed->nr, sizeof(*stage->members),
				       GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, stage->members);
	for (i = 0; i < bed->nr; i++)
		stage->members[i] = (struct vcm_board_member)
			VCM_MEMBER(dev_name(bed->devs[i]), "frames", "stage");
	stage->context[0] = (struct vcm_board_context)
		VCM_CONTEXT("stage", BED_START, BED_LEN);
	stage->context[1] = (struct vcm_board_context)
		VCM_CONTEXT("behind", BED_START, BED_LEN);
	stage->board = (struct vcm_board){
		.name = "stage", .contexts = stage->context, .nr_contexts = 2,
		.members = stage->members, .nr_members = bed->nr,
	};
	stage->before = bed_count_contexts();
	return stage;
}

static struct vcm *stage_get(struct kunit *test, struct stage *stage,
			     unsigned int i)
{
	struct vcm *vcm = vcm_get(stage->bed->devs[i], "frames");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vcm);
	stage->bed->vcm = vcm;
	return vcm;
}

/* No device is on anything, no unit has a table, no context is left. */
static void stage_is_empty(struct kunit *test, struct stage *stage)
{
	struct vcm_soft_stats stats;
	unsigned int i;

	for (i = 0; i < stage->bed->nr; i++) {
		vcm_soft_get_stats(stage->bed->units[i], &stats);
		KUNIT_EXPECT_EQ(test, 0, stats.attached);
		KUNIT_EXPECT_EQ(test, 0,
				vcm_soft_table_pages(stage->bed->units[i]));
		KUNIT_EXPECT_EQ(test, 1,
				kref_read(&stage->bed->units[i]->ref));
	}
	no_more_contexts(test, stage->before);
}

/* One context for all, whoever comes first, shared or mirrored or both. */
static void machine_serves_all(struct kunit *test)
{
	struct stage *stage = stage_new(test, test->param_value);
	struct vcm_bed *bed = stage->bed;
	struct vcm_phys *phys = bed_alloc(bed, SZ_64K + PAGE, 0);
	struct vcm_res *res;
	struct vcm *vcm;
	unsigned int i;

	bed_board(test, &stage->board);
	no_more_contexts(test, stage->before);
	vcm = stage_get(test, stage, bed->nr - 1);
	KUNIT_EXPECT_STREQ(test, "stage", vcm_get_name(vcm));
	KUNIT_EXPECT_EQ(test, BED_START, vcm_get_start_addr(vcm));
	KUNIT_EXPECT_EQ(test, BED_LEN, vcm_get_len(vcm));
	res = bed_reserve(bed, SZ_2M, VCM_RW);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	for (i = 0; i < bed->nr - 1; i++)
		KUNIT_EXPECT_PTR_EQ(test, vcm, stage_get(test, stage, i));
	KUNIT_EXPECT_EQ(test, bed->kind->nr_formats, vcm_get_num_tables(vcm));
	KUNIT_EXPECT_EQ(test, bed->nr, vcm_get_num_units(vcm));
	KUNIT_EXPECT_EQ(test, stage->before + 1, bed_count_contexts());
	bed_expect_memory(bed, res, phys);

	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_board_remove(&stage->board));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	for (i = 0; i < bed->nr; i++) {
		KUNIT_EXPECT_EQ(test, -EBUSY, vcm_board_remove(&stage->board));
		KUNIT_EXPECT_EQ(test, -EBUSY, vcm_free(vcm));
		vcm_put(vcm);
	}
	stage_is_empty(test, stage);
	KUNIT_EXPECT_EQ(test, 0, vcm_board_remove(&stage->board));
}

/* The board says who may do what at most. */
static void machine_rights(struct kunit *test)
{
	struct stage *stage = stage_new(test, &vcm_bed_two);
	struct vcm_bed *bed = stage->bed;
	struct vcm_phys *phys = bed_alloc(bed, SZ_64K, 0);
	struct vcm_res *res;
	struct vcm *vcm;
	dma_addr_t addr;
	unsigned int i;
	u8 byte = 0;

	stage->members[1].attr = VCM_READ;
	bed_board(test, &stage->board);
	vcm = stage_get(test, stage, 0);
	KUNIT_EXPECT_PTR_EQ(test, vcm, stage_get(test, stage, 1));
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_tables(vcm));
	res = bed_reserve(bed, SZ_64K, VCM_RW);
	addr = vcm_get_dev_addr(res);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	bed_expect_access(bed, addr, VCM_READ);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, i ? -EFAULT : 0,
				vcm_soft_dma(bed->units[i], bed->devs[i], addr,
					     &byte, 1, VCM_WRITE));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	vcm_put(vcm);
	vcm_put(vcm);
	stage_is_empty(test, stage);
}

/* -EBUSY names the context and a device, and changes nothing. */
static void machine_remove_is_busy(struct kunit *test)
{
	struct stage *stage = stage_new(test, &vcm_bed_two);
	struct vcm_bed *bed = stage->bed;
	struct vcm_phys *phys = bed_alloc(bed, SZ_64K, 0);
	char text[96];
	struct vcm_res *res;
	struct vcm *vcm;

	bed_board(test, &stage->board);
	vcm = stage_get(test, stage, 0);
	KUNIT_EXPECT_PTR_EQ(test, vcm, stage_get(test, stage, 1));
	res = bed_reserve(bed, SZ_64K, VCM_RW);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_board_remove(&stage->board));
	snprintf(text, sizeof(text), "board stage: context stage is in use by %s",
		 dev_name(bed->devs[1]));
	KUNIT_EXPECT_TRUE(test, bed_log_has(text));
	bed_expect_memory(bed, res, phys);
	vcm_put(vcm);
	bed_expect_memory(bed, res, phys);

	/* Nobody uses it, but a reservation was left behind. */
	vcm_put(vcm);
	snprintf(text, sizeof(text),
		 "context stage: %s was the last to use it, but 1 reservation",
		 dev_name(bed->devs[1]));
	KUNIT_EXPECT_TRUE(test, bed_log_has(text));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_board_remove(&stage->board));
	KUNIT_EXPECT_TRUE(test, bed_log_has("board stage: context stage is not empty, "));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_tables(vcm));
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_res(vcm));

	/* It is taken up again, by the next one and with what is in it. */
	KUNIT_EXPECT_PTR_EQ(test, vcm, stage_get(test, stage, 1));
	KUNIT_EXPECT_PTR_EQ(test, vcm, stage_get(test, stage, 0));
	bed_expect_memory(bed, res, phys);
	vcm_put(vcm);
	vcm_put(vcm);

	/* Given back without a user, and the board can go. */
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_board_remove(&stage->board));
	stage_is_empty(test, stage);
	EXPECT_ERR(test, driver_deferred_probe_check_state(bed->devs[0]) ==
		   -EPROBE_DEFER ? -EPROBE_DEFER : -ENOENT,
		   vcm_get(bed->devs[0], "frames"));
}

/* Bounds and memory type, as the board says. */
static void machine_accessors(struct kunit *test)
{
	static const struct vcm_board_bound bounds[] = {
		VCM_BOUND("low", BED_START, SZ_1M),
		VCM_BOUND("high", BED_START + SZ_16M, SZ_4M),
	};
	struct stage *stage = stage_new(test, &vcm_bed_one);
	struct vcm *vcm, *other = space_new(test, 0, SZ_1M);
	struct vcm_bound *bound;
	struct vcm_phys *phys;

	stage->context[0].bounds = bounds;
	stage->context[0].nr_bounds = ARRAY_SIZE(bounds);
	bed_board(test, &stage->board);
	vcm = stage_get(test, stage, 0);
	bound = vcm_get_bound(vcm, "high");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bound);
	KUNIT_EXPECT_EQ(test, BED_START + SZ_16M,
			vcm_get_bound_start_addr(bound));
	bound = vcm_get_bound(vcm, "low");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bound);
	KUNIT_EXPECT_EQ(test, BED_START, vcm_get_bound_start_addr(bound));
	KUNIT_EXPECT_EQ(test, -EBUSY, space_try_at(vcm, BED_START, PAGE));
	KUNIT_EXPECT_EQ(test, 0, space_try_at(vcm, BED_START + SZ_1M, PAGE));
	EXPECT_ERR(test, -ENOENT, vcm_get_bound(vcm, "middle"));
	EXPECT_ERR(test, -ENOENT, vcm_get_bound(other, "low"));
	EXPECT_ERR(test, -EINVAL, vcm_get_bound(vcm, NULL));
	EXPECT_ERR(test, -EINVAL, vcm_get_bound(NULL, "low"));

	KUNIT_EXPECT_PTR_EQ(test, vcm_memtype_get("system"),
			    vcm_get_memtype(vcm));
	phys = vcm_phys_alloc(vcm_get_memtype(vcm), SZ_64K, 0);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	EXPECT_ERR(test, -ENOENT, vcm_get_memtype(other));
	EXPECT_ERR(test, -EINVAL, vcm_get_memtype(NULL));
	vcm_put(vcm);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(other));
	stage_is_empty(test, stage);
}

/* A reservation from a bound was left behind: bound and context stay. */
static void machine_bound_is_left(struct kunit *test)
{
	static const struct vcm_board_bound bounds[] = {
		VCM_BOUND("low", BED_START, SZ_1M),
		VCM_BOUND("high", BED_START + SZ_16M, SZ_4M),
	};
	struct stage *stage = stage_new(test, &vcm_bed_one);
	struct vcm_res *res;
	struct vcm *vcm;

	stage->context[0].bounds = bounds;
	stage->context[0].nr_bounds = ARRAY_SIZE(bounds);
	bed_board(test, &stage->board);
	vcm = stage_get(test, stage, 0);
	res = vcm_reserve_from_bound(vcm_get_bound(vcm, "high"), SZ_64K,
				     VCM_RW);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
	KUNIT_EXPECT_EQ(test, BED_START + SZ_16M, vcm_get_dev_addr(res));
	vcm_put(vcm);
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_board_remove(&stage->board));
	KUNIT_EXPECT_PTR_EQ(test, vcm, stage_get(test, stage, 0));
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, vcm_get_bound(vcm, "low"));
	space_give(test, res);
	vcm_put(vcm);
	stage_is_empty(test, stage);
	KUNIT_EXPECT_EQ(test, 0, vcm_board_remove(&stage->board));
}

/* The entry for a con_id, else the one for any, else -ENOENT. */
static void machine_con_ids(struct kunit *test)
{
	struct stage *stage = stage_new(test, &vcm_bed_two);
	struct device *one = stage->bed->devs[0], *two = stage->bed->devs[1];
	const struct vcm_board_member members[] = {
		VCM_MEMBER(dev_name(one), NULL, "behind"),
		VCM_MEMBER(dev_name(one), "frames", "stage"),
		VCM_MEMBER(dev_name(two), "frames", "stage"),
	};
	struct vcm *vcm;

	stage->board.members = members;
	stage->board.nr_members = ARRAY_SIZE(members);
	bed_board(test, &stage->board);
	vcm = vcm_get(one, "frames");
	KUNIT_EXPECT_STREQ(test, "stage", vcm_get_name(vcm));
	vcm_put(vcm);
	vcm = vcm_get(one, "sound");
	KUNIT_EXPECT_STREQ(test, "behind", vcm_get_name(vcm));
	vcm_put(vcm);
	vcm = vcm_get(one, NULL);
	KUNIT_EXPECT_STREQ(test, "behind", vcm_get_name(vcm));
	vcm_put(vcm);
	EXPECT_ERR(test, -ENOENT, vcm_get(two, "sound"));
	EXPECT_ERR(test, -ENOENT, vcm_get(two, NULL));
	EXPECT_ERR(test, -EINVAL, vcm_get(NULL, "frames"));
	EXPECT_ERR(test, -EINVAL, vcm_get(ERR_PTR(-EIO), "frames"));
	stage_is_empty(test, stage);
	KUNIT_EXPECT_EQ(test, 0, vcm_board_remove(&stage->board));
}

/* The wrong number of vcm_put(), and vcm_free() where vcm_put() belongs. */
static void machine_puts(struct kunit *test)
{
	struct stage *stage = stage_new(test, &vcm_bed_one);
	struct vcm *vcm, *other = space_new(test, 0, SZ_1M);

	vcm_put(NULL);
	vcm_put(ERR_PTR(-EPROBE_DEFER));
	vcm_put(other);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(other));

	bed_board(test, &stage->board);
	vcm = stage_get(test, stage, 0);
	KUNIT_EXPECT_PTR_EQ(test, vcm, stage_get(test, stage, 0));
	KUNIT_EXPECT_EQ(test, 0,
			vcm_deactivate(vcm_get_assoc(vcm, stage->bed->devs[0])));
	/* To ask once more changes nothing. */
	KUNIT_EXPECT_PTR_EQ(test, vcm, stage_get(test, stage, 0));
	KUNIT_EXPECT_FALSE(test,
			   vcm_is_active(vcm_get_assoc(vcm,
						       stage->bed->devs[0])));
	/* Nor is it the consumer's to free, whatever is on it. */
	KUNIT_EXPECT_EQ(test, 0,
			vcm_deassoc(vcm_get_assoc(vcm, stage->bed->devs[0])));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_free(vcm));
	vcm_put(vcm);
	vcm_put(vcm);
	KUNIT_EXPECT_EQ(test, stage->before + 1, bed_count_contexts());
	vcm_put(vcm);
	stage_is_empty(test, stage);
	vcm_put(vcm);
	stage_is_empty(test, stage);
}

/* The driver switches between two contexts that the board has for it. */
static void machine_switches(struct kunit *test)
{
	struct stage *stage = stage_new(test, &vcm_bed_one);
	struct device *dev = stage->bed->devs[0];
	const struct vcm_board_member members[] = {
		VCM_MEMBER(dev_name(dev), "day", "stage"),
		VCM_MEMBER(dev_name(dev), "night", "behind",
			   .flags = VCM_MEMBER_INACTIVE),
		VCM_MEMBER(dev_name(dev), "greedy", "behind"),
	};
	struct vcm *day, *night;

	stage->board.members = members;
	stage->board.nr_members = ARRAY_SIZE(members);
	bed_board(test, &stage->board);
	day = vcm_get(dev, "day");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, day);
	KUNIT_EXPECT_TRUE(test, vcm_is_active(vcm_get_assoc(day, dev)));

	/* It is active, so it cannot be activated elsewhere. */
	EXPECT_ERR(test, -EBUSY, vcm_get(dev, "greedy"));
	KUNIT_EXPECT_EQ(test, stage->before + 1, bed_count_contexts());
	KUNIT_EXPECT_TRUE(test, vcm_is_active(vcm_get_assoc(day, dev)));

	night = vcm_get(dev, "night");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, night);
	KUNIT_EXPECT_FALSE(test, vcm_is_active(vcm_get_assoc(night, dev)));
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(vcm_get_assoc(day, dev)));
	KUNIT_EXPECT_EQ(test, 0, vcm_activate(vcm_get_assoc(night, dev)));
	vcm_put(day);
	KUNIT_EXPECT_TRUE(test, vcm_is_active(vcm_get_assoc(night, dev)));
	vcm_put(night);
	stage_is_empty(test, stage);
	KUNIT_EXPECT_EQ(test, 0, vcm_board_remove(&stage->board));
}

/* A device is moved from one declared context to another one, memory and all. */
static void machine_moves(struct kunit *test)
{
	struct stage *stage = stage_new(test, test->param_value);
	struct vcm_bed *bed = stage->bed;
	unsigned int last = bed->nr - 1;
	struct device *dev = bed->devs[last], *other = bed_device(test, NULL);
	struct vcm_phys *here = bed_alloc(bed, SZ_64K, 0);
	struct vcm_phys *there = bed_alloc(bed, SZ_64K, 0);
	const struct vcm_board_member members[] = {
		VCM_MEMBER(dev_name(other), "frames", "behind"),
		VCM_MEMBER(dev_name(dev), "frames", "stage"),
	};
	struct vcm_iommu *unit = bed->units[last];
	struct vcm_res *res, *goal;
	struct vcm *from, *to;
	u8 byte;

	KUNIT_ASSERT_EQ(test, 0, vcm_soft_add_device(bed->units[0], other));
	stage->board.members = members;
	stage->board.nr_members = ARRAY_SIZE(members);
	bed_board(test, &stage->board);
	from = stage_get(test, stage, last);
	to = vcm_get(other, "frames");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, to);
	res = space_take_at(test, from, BED_START, SZ_64K);
	goal = space_take_at(test, to, BED_START, SZ_64K);
	phys_fill(here, 0x11);
	phys_fill(there, 0x22);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, here));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(goal, there));
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(unit, dev, BED_START, &byte, 1,
					      VCM_READ));
	KUNIT_EXPECT_EQ(test, 0x11, byte);

	KUNIT_EXPECT_EQ(test, 0,
			vcm_assoc_move(vcm_get_assoc(from, dev), to));
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(unit, dev, BED_START, &byte, 1,
					      VCM_READ));
	KUNIT_EXPECT_EQ(test, 0x22, byte);
	/* It is on the other one now: that is who counts. */
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_board_remove(&stage->board));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	vcm_put(from);
	KUNIT_EXPECT_EQ(test, stage->before + 1, bed_count_contexts());
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(unit, dev, BED_START, &byte, 1,
					      VCM_READ));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(goal));
	space_give(test, goal);
	vcm_put(to);
	stage_is_empty(test, stage);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(here));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(there));
	KUNIT_EXPECT_EQ(test, 0, vcm_board_remove(&stage->board));
}

/* What is missing may come: -EPROBE_DEFER, and nothing is left behind. */
static void machine_defers(struct kunit *test)
{
	struct stage *stage = stage_new(test, &vcm_bed_two);
	struct vcm_bed *bed = stage->bed;
	struct vcm_board first = stage->board, later = stage->board;
	struct vcm *vcm;

	/* The unit */
	bed_board(test, &stage->board);
	vcm_soft_fail(bed->units[0], VCM_SOFT_DEFER, 0, 1);
	EXPECT_ERR(test, -EPROBE_DEFER, vcm_get(bed->devs[0], "frames"));
	stage_is_empty(test, stage);
	/* While another device has the context already */
	vcm = stage_get(test, stage, 1);
	vcm_soft_fail(bed->units[0], VCM_SOFT_DEFER, 0, 1);
	EXPECT_ERR(test, -EPROBE_DEFER, vcm_get(bed->devs[0], "frames"));
	EXPECT_ERR(test, -ENOENT, vcm_get_assoc(vcm, bed->devs[0]));
	KUNIT_EXPECT_PTR_EQ(test, vcm, stage_get(test, stage, 0));
	vcm_put(vcm);
	vcm_put(vcm);
	/* Something else than not ready */
	vcm_soft_fail(bed->units[0], VCM_SOFT_FAIL_ATTACH, 0, 1);
	EXPECT_ERR(test, -EIO, vcm_get(bed->devs[0], "frames"));
	stage_is_empty(test, stage);
	KUNIT_EXPECT_EQ(test, 0, vcm_board_remove(&stage->board));

	/* The context: it is on a board of its own. */
	first.nr_contexts = 0;
	later.name = "later";
	later.nr_members = 0;
	bed_board(test, &first);
	EXPECT_ERR(test, -EPROBE_DEFER, vcm_get(bed->devs[0], "frames"));
	stage_is_empty(test, stage);
	bed_board(test, &later);
	vcm = stage_get(test, stage, 0);
	/* Neither board can go: who made the entry, and who has the context. */
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_board_remove(&later));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_board_remove(&first));
	KUNIT_EXPECT_TRUE(test, bed_log_has("board stage: it put "));
	vcm_put(vcm);
	KUNIT_EXPECT_EQ(test, 0, vcm_board_remove(&later));
	EXPECT_ERR(test, -EPROBE_DEFER, vcm_get(bed->devs[0], "frames"));
	KUNIT_EXPECT_EQ(test, 0, vcm_board_remove(&first));

	/* The memory type */
	stage->context[0].memtype = "of a pool that is not there";
	bed_board(test, &stage->board);
	EXPECT_ERR(test, -EPROBE_DEFER, vcm_get(bed->devs[0], "frames"));
	stage_is_empty(test, stage);
	KUNIT_EXPECT_EQ(test, 0, vcm_board_remove(&stage->board));
}

/* A driver, which knows what it calls its context and nothing else. */

struct actor {
	struct platform_device *pdev;
	struct vcm_iommu *unit;
	struct vcm *vcm;
	int err;
	unsigned int probes;
	bool managed;
};

/* Devices are called vcm-actor.0, ... and there is one driver for them. */
#define NR_ACTORS	3
static struct actor actors[NR_ACTORS];

static int actor_probe(struct platform_device *pdev)
{
	struct actor *actor = &actors[pdev->id];
	struct vcm *vcm;

	actor->probes++;
	vcm = actor->managed ? devm_vcm_get(&pdev->dev, "frames") :
			       vcm_get(&pdev->dev, "frames");
	actor->err = PTR_ERR_OR_ZERO(vcm);
	if (actor->err)
		return actor->err;
	WRITE_ONCE(actor->vcm, vcm);
	return 0;
}

static struct platform_driver actor_driver = {
	.driver.name = "vcm-actor",
	.probe = actor_probe,
};

static const struct vcm_board_context actor_contexts[] = {
	VCM_CONTEXT("actors", BED_START, BED_LEN),
};

static const struct vcm_board_member actor_members[] = {
	VCM_MEMBER("vcm-actor.0", "frames", "actors"),
	VCM_MEMBER("vcm-actor.1", "frames", "actors"),
};

static const struct vcm_board actor_board =
	VCM_BOARD("actors", actor_contexts, actor_members);

static void actor_driver_goes(void *unused)
{
	platform_driver_unregister(&actor_driver);
}

static void actor_goes(void *pdev)
{
	platform_device_unregister(pdev);
}

static void actors_start(struct kunit *test)
{
	memset(actors, 0, sizeof(actors));
	KUNIT_ASSERT_EQ(test, 0, platform_driver_register(&actor_driver));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action(test, actor_driver_goes, NULL));
}

/* A device behind @unit; the driver core probes it before this returns. */
static struct actor *actor_comes(struct kunit *test, struct vcm_iommu *unit,
				 unsigned int id)
{
	struct actor *actor = &actors[id];
	struct platform_device *pdev = platform_device_alloc("vcm-actor", id);

	KUNIT_ASSERT_NOT_NULL(test, pdev);
	KUNIT_ASSERT_EQ(test, 0, vcm_soft_add_device(unit, &pdev->dev));
	KUNIT_ASSERT_EQ(test, 0, platform_device_add(pdev));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action(test, actor_goes, pdev));
	actor->pdev = pdev;
	actor->unit = unit;
	return actor;
}

static void actor_leaves(struct kunit *test, struct actor *actor)
{
	struct device *dev = get_device(&actor->pdev->dev);

	kunit_release_action(test, actor_goes, actor->pdev);
	vcm_soft_remove_device(actor->unit, dev);
	put_device(dev);
}

static bool actor_waits_for_vcm(struct actor *actor)
{
	unsigned int ms;

	for (ms = 0; ms < 5000; ms += 20) {
		if (READ_ONCE(actor->vcm))
			return true;
		msleep(20);
	}
	return false;
}

static struct vcm_iommu *actor_unit(struct kunit *test)
{
	const struct vcm_soft_config config = {
		.name = "actors", .format = VCM_SOFT_HALF,
	};

	return bed_unit(test, &config);
}

static int actor_read(struct actor *actor, dma_addr_t addr, u8 *byte)
{
	return vcm_soft_dma(actor->unit, &actor->pdev->dev, addr, byte, 1,
			    VCM_READ);
}

/* The driver asked before the board was there; the board has it asked again. */
static void machine_device_before_board(struct kunit *test)
{
	struct vcm_iommu *unit = actor_unit(test);
	struct vcm_board first = actor_board, later = actor_board;
	unsigned int before = bed_count_contexts();
	struct actor *early, *other;
	int expected;

	actors_start(test);
	early = actor_comes(test, unit, 0);
	other = actor_comes(test, unit, 2);
	expected = driver_deferred_probe_check_state(&early->pdev->dev);
	expected = expected == -EPROBE_DEFER ? expected : -ENOENT;
	KUNIT_EXPECT_EQ(test, expected, early->err);
	KUNIT_EXPECT_NULL(test, early->pdev->dev.driver);
	no_more_contexts(test, before);

	/* A board that names it, but for a context that comes later still. */
	first.nr_contexts = 0;
	later.name = "later";
	later.nr_members = 0;
	bed_board(test, &first);
	msleep(50);
	KUNIT_EXPECT_NULL(test, READ_ONCE(early->vcm));
	bed_board(test, &later);
	KUNIT_ASSERT_TRUE(test, actor_waits_for_vcm(early));
	KUNIT_EXPECT_PTR_EQ(test, &actor_driver.driver,
			    early->pdev->dev.driver);
	/* The one that no board names was left alone. */
	KUNIT_EXPECT_EQ(test, 1, other->probes);
	KUNIT_EXPECT_NULL(test, other->pdev->dev.driver);

	vcm_put(early->vcm);
	no_more_contexts(test, before);
	actor_leaves(test, other);
	actor_leaves(test, early);
	KUNIT_EXPECT_EQ(test, 0, vcm_board_remove(&first));
	KUNIT_EXPECT_EQ(test, 0, vcm_board_remove(&later));
}

/* A device that was turned away is unplugged: the board finds nobody. */
static void machine_device_goes_unserved(struct kunit *test)
{
	struct vcm_iommu *unit = actor_unit(test);
	struct actor *actor;
	unsigned int probes;

	actors_start(test);
	actor = actor_comes(test, unit, 0);
	probes = actor->probes;
	KUNIT_EXPECT_GE(test, probes, 1);
	actor_leaves(test, actor);
	bed_board(test, &actor_board);
	msleep(50);
	KUNIT_EXPECT_EQ(test, probes, actor->probes);
	KUNIT_EXPECT_EQ(test, 0, vcm_board_remove(&actor_board));
}

/*
 * Rule 9 and hard case 29: a driver unbinds while its memory is backed, with
 * or without vcm_put(). Its device reaches nothing, the others all, and what it
 * left is there when it comes back.
 */
static void unbind_backed(struct kunit *test, bool managed)
{
	struct vcm_iommu *unit = actor_unit(test);
	unsigned int before = bed_count_contexts(), i;
	struct vcm_phys *phys = vcm_phys_alloc(NULL, SZ_64K, 0);
	struct actor *goer, *stayer;
	struct vcm_res *res;
	struct vcm *vcm;
	u8 byte;

	actors_start(test);
	for (i = 0; i < NR_ACTORS; i++)
		actors[i].managed = managed;
	bed_board(test, &actor_board);
	goer = actor_comes(test, unit, 0);
	stayer = actor_comes(test, unit, 1);
	vcm = goer->vcm;
	KUNIT_ASSERT_NOT_NULL(test, vcm);
	KUNIT_EXPECT_PTR_EQ(test, vcm, stayer->vcm);
	res = space_take(test, vcm, SZ_64K, VCM_RW);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	phys_fill(phys, 0x33);
	KUNIT_EXPECT_EQ(test, 0, actor_read(goer, vcm_get_dev_addr(res), &byte));

	for (i = 0; i < 3; i++) {
		device_release_driver(&goer->pdev->dev);
		KUNIT_EXPECT_EQ(test, -ENXIO,
				actor_read(goer, vcm_get_dev_addr(res), &byte));
		KUNIT_EXPECT_EQ(test, 0, actor_read(stayer,
						    vcm_get_dev_addr(res),
						    &byte));
		EXPECT_ERR(test, -ENOENT,
			   vcm_get_assoc(vcm, &goer->pdev->dev));
		goer->vcm = NULL;
		KUNIT_EXPECT_EQ(test, 1, device_attach(&goer->pdev->dev));
		KUNIT_EXPECT_PTR_EQ(test, vcm, goer->vcm);
		byte = 0;
		KUNIT_EXPECT_EQ(test, 0, actor_read(goer, vcm_get_dev_addr(res),
						    &byte));
		KUNIT_EXPECT_EQ(test, 0x33, byte);
		/* At most the last one that went is still to be forgotten. */
		scoped_guard(mutex, &vcm_topology_lock)
			KUNIT_EXPECT_EQ(test, 0, list_count_nodes(&vcm->gone));
	}

	/* All leave, and the memory is still accounted for. */
	device_release_driver(&stayer->pdev->dev);
	device_release_driver(&goer->pdev->dev);
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_res(vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_tables(vcm));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_board_remove(&actor_board));
	KUNIT_EXPECT_EQ(test, before + 1, bed_count_contexts());
	KUNIT_EXPECT_EQ(test, 1, device_attach(&goer->pdev->dev));
	KUNIT_EXPECT_PTR_EQ(test, vcm, goer->vcm);
	KUNIT_EXPECT_EQ(test, 0, actor_read(goer, vcm_get_dev_addr(res), &byte));

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	/* Without vcm_put() each probe counts: two, three more, and one. */
	for (i = 0; i < 6 && !managed; i++) {
		KUNIT_EXPECT_EQ(test, before + 1, bed_count_contexts());
		vcm_put(vcm);
	}
	actor_leaves(test, goer);
	actor_leaves(test, stayer);
	no_more_contexts(test, before);
	KUNIT_EXPECT_EQ(test, 0, vcm_board_remove(&actor_board));
}

static void machine_unbind_without_put(struct kunit *test)
{
	unbind_backed(test, false);
}

static void machine_unbind_managed(struct kunit *test)
{
	unbind_backed(test, true);
}

/* A unit is removed, and its device is served again when there is another one. */
static void machine_unit_goes(struct kunit *test)
{
	struct stage *stage = stage_new(test, &vcm_bed_two);
	const struct vcm_soft_config config = {
		.name = "new", .format = VCM_SOFT_LPAE,
	};
	struct vcm_bed *bed = stage->bed;
	struct vcm *vcm;

	bed_board(test, &stage->board);
	vcm = stage_get(test, stage, 0);
	KUNIT_EXPECT_PTR_EQ(test, vcm, stage_get(test, stage, 1));
	bed_remove_unit(test, bed->units[1]);
	EXPECT_ERR(test, -ENOENT, vcm_get_assoc(vcm, bed->devs[1]));
	/* Or it would count as one that has no IOMMU. */
	bed->devs[1]->dma_mask = NULL;
	EXPECT_ERR(test, -ENODEV, vcm_get(bed->devs[1], "frames"));
	bed->units[1] = bed_unit(test, &config);
	KUNIT_ASSERT_EQ(test, 0,
			vcm_soft_add_device(bed->units[1], bed->devs[1]));
	KUNIT_EXPECT_PTR_EQ(test, vcm, stage_get(test, stage, 1));
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_tables(vcm));
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_units(vcm));
	vcm_put(vcm);
	vcm_put(vcm);
	vcm_put(vcm);
	stage_is_empty(test, stage);
}

/* Everything at once: drivers come and go, and so do boards. */

#define RACE_MS		600

struct runner {
	struct task_struct *task;
	struct stage *stage;
	unsigned int index;
	unsigned long served, turned_away, bad;
};

static unsigned int run_user(struct runner *r)
{
	struct device *dev = r->stage->bed->devs[r->index];
	struct vcm *vcm = vcm_get(dev, "frames");
	struct vcm_res *res;
	unsigned int bad = 0;

	if (IS_ERR(vcm)) {
		r->turned_away++;
		return PTR_ERR(vcm) != -ENOENT && PTR_ERR(vcm) != -EPROBE_DEFER;
	}
	r->served++;
	bad += strcmp(vcm_get_name(vcm), "stage") != 0;
	bad += !vcm_is_active(vcm_get_assoc(vcm, dev));
	bad += vcm_board_remove(&r->stage->board) != -EBUSY;
	res = vcm_reserve(vcm, SZ_64K, VCM_RW);
	bad += IS_ERR(res);
	bad += vcm_unreserve(res) != 0;
	vcm_put(vcm);
	return bad;
}

static unsigned int run_board(struct runner *r)
{
	int ret = vcm_board_remove(&r->stage->board);

	if (ret == -EBUSY) {
		r->turned_away++;
		return 0;
	}
	r->served++;
	cond_resched();
	return ret || vcm_board_add(&r->stage->board);
}

static int runner(void *data)
{
	struct runner *r = data;

	while (!kthread_should_stop()) {
		if (r->index < r->stage->bed->nr)
			r->bad += run_user(r);
		else
			r->bad += run_board(r);
		cond_resched();
	}
	return 0;
}

/* On a machine with much else to do one of them may have to wait long. */
static bool all_served(const struct runner *r)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		if (READ_ONCE(r[i].served) <= 2)
			return false;
	return true;
}

static void machine_races(struct kunit *test)
{
	static const struct vcm_bed_kind kind = {
		"three", 3, { VCM_SOFT_LPAE, VCM_SOFT_V7S, VCM_SOFT_HALF }, 3
	};
	struct stage *stage = stage_new(test, &kind);
	struct runner *r = kunit_kcalloc(test, 4, sizeof(*r), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, r);
	bed_board(test, &stage->board);
	for (i = 0; i < 4; i++) {
		r[i].stage = stage;
		r[i].index = i;
		r[i].task = kthread_run(runner, &r[i], "vcm-machine/%u", i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, r[i].task);
	}
	for (i = 0; i < 30 && (!i || !all_served(r)); i++)
		msleep(RACE_MS);
	for (i = 0; i < 4; i++)
		kthread_stop(r[i].task);
	for (i = 0; i < 4; i++) {
		kunit_info(test, "%u: %lu times, and %lu times turned away", i,
			   r[i].served, r[i].turned_away);
		KUNIT_EXPECT_EQ(test, 0, r[i].bad);
		KUNIT_EXPECT_GT(test, r[i].served, 2);
	}
	stage_is_empty(test, stage);
	KUNIT_EXPECT_EQ(test, 0, vcm_board_remove(&stage->board));
}

static struct kunit_case vcm_machine_cases[] = {
	KUNIT_CASE_PARAM(machine_serves_all, vcm_bed_gen_params),
	KUNIT_CASE(machine_rights),
	KUNIT_CASE(machine_remove_is_busy),
	KUNIT_CASE(machine_accessors),
	KUNIT_CASE(machine_bound_is_left),
	KUNIT_CASE(machine_con_ids),
	KUNIT_CASE(machine_puts),
	KUNIT_CASE(machine_switches),
	KUNIT_CASE_PARAM(machine_moves, vcm_bed_gen_params),
	KUNIT_CASE(machine_defers),
	KUNIT_CASE(machine_device_before_board),
	KUNIT_CASE(machine_device_goes_unserved),
	KUNIT_CASE(machine_unbind_without_put),
	KUNIT_CASE(machine_unbind_managed),
	KUNIT_CASE(machine_unit_goes),
	KUNIT_CASE_SLOW(machine_races),
	{}
};

static struct kunit_suite vcm_machine_suite = {
	.name = "vcm_machine",
	.test_cases = vcm_machine_cases,
};

kunit_test_suite(vcm_machine_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: boards");
MODULE_LICENSE("GPL");
