// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of VCMM: the tables of boards.
 *
 * A table is taken whole or not at all, and what is wrong with it can be read in
 * the log of the kernel.
 */
#include <kunit/test.h>
#include <linux/sizes.h>
#include <linux/vcm-machine.h>

#include "vcm_bed.h"

#define PAGE		PAGE_SIZE
#define LONG_NAME	"a-name-of-thirty-two-characters.."

static const struct vcm_board_bound fine_bounds[] = {
	VCM_BOUND("low", SZ_64M, SZ_1M),
	VCM_BOUND("high", SZ_128M - SZ_1M, SZ_1M),
	VCM_BOUND("next", SZ_64M + SZ_1M, PAGE),
};

static const struct vcm_board_context fine_contexts[] = {
	VCM_CONTEXT("fine", SZ_64M, SZ_64M, VCM_BOUNDS(fine_bounds)),
	VCM_CONTEXT("everything", 0, SZ_1G, .memtype = "system"),
	VCM_CONTEXT("the-top", (dma_addr_t)~0ULL - (SZ_1M - 1), SZ_1M),
};

static const struct vcm_board_member fine_members[] = {
	VCM_MEMBER("fine.0", "frames", "fine"),
	VCM_MEMBER("fine.0", "sound", "everything",
		   .flags = VCM_MEMBER_INACTIVE),
	VCM_MEMBER("fine.0", NULL, "fine", .attr = VCM_READ),
	VCM_MEMBER("fine.1", "frames", "another board's"),
};

static const struct vcm_board fine_board =
	VCM_BOARD("fine", fine_contexts, fine_members);

struct wrong {
	const char *what;
	int err;
	const char *message;
	struct vcm_board board;
};

#define CONTEXTS(...)							\
	.contexts = (const struct vcm_board_context[]){ __VA_ARGS__ },	\
	.nr_contexts = ARRAY_SIZE(((struct vcm_board_context[]){ __VA_ARGS__ }))
#define MEMBERS(...)							\
	.members = (const struct vcm_board_member[]){ __VA_ARGS__ },	\
	.nr_members = ARRAY_SIZE(((struct vcm_board_member[]){ __VA_ARGS__ }))
#define BOUNDS(...)							\
	.bounds = (const struct vcm_board_bound[]){ __VA_ARGS__ },	\
	.nr_bounds = ARRAY_SIZE(((struct vcm_board_bound[]){ __VA_ARGS__ }))
/* The entry that is wrong is never the first one. */
#define GOOD		VCM_CONTEXT("good", 0, SZ_1M)
#define GOOD_MEMBER	VCM_MEMBER("dev.0", "x", "good")
#define BOUNDED(...)							\
	CONTEXTS(GOOD, VCM_CONTEXT("b", SZ_1M, SZ_1M, BOUNDS(__VA_ARGS__)))
#define GOOD_BOUND	VCM_BOUND("u", SZ_1M + PAGE, 2 * PAGE)

static const struct wrong wrongs[] = {
	{ "no name", -EINVAL, "a board without a name",
	  { .name = NULL, CONTEXTS(GOOD) } },
	{ "empty name", -EINVAL, "a board without a name",
	  { .name = "", CONTEXTS(GOOD) } },
	{ "nothing in it", -EINVAL, "board w0: no context and no member",
	  { .name = "w0" } },
	{ "no contexts behind the number", -EINVAL,
	  "board w1: 2 contexts and 0 members, but no table",
	  { .name = "w1", .nr_contexts = 2 } },
	{ "no members behind the number", -EINVAL,
	  "board w2: 1 contexts and 3 members, but no table",
	  { .name = "w2", CONTEXTS(GOOD), .nr_members = 3 } },
	{ "board of this name", -EEXIST, "board fine: there is one",
	  { .name = "fine", CONTEXTS(GOOD) } },

	{ "context without a name", -EINVAL,
	  "board w3: contexts[1] (): the name is missing",
	  { .name = "w3", CONTEXTS(GOOD, VCM_CONTEXT(NULL, 0, SZ_1M)) } },
	{ "context with an empty name", -EINVAL,
	  "board w4: contexts[1] (): the name is missing",
	  { .name = "w4", CONTEXTS(GOOD, VCM_CONTEXT("", 0, SZ_1M)) } },
	{ "context with a long name", -ENAMETOOLONG,
	  "board w5: contexts[1] (" LONG_NAME "): the name has more than 31",
	  { .name = "w5", CONTEXTS(GOOD, VCM_CONTEXT(LONG_NAME, 0, SZ_1M)) } },
	{ "window without length", -EINVAL,
	  "board w6: contexts[1] (b): the window, 0 bytes at",
	  { .name = "w6", CONTEXTS(GOOD, VCM_CONTEXT("b", 0, 0)) } },
	{ "window starts in a page", -EINVAL,
	  "board w7: contexts[1] (b): the window, 1048576 bytes at 0x0000000000000100",
	  { .name = "w7", CONTEXTS(GOOD, VCM_CONTEXT("b", 0x100, SZ_1M)) } },
	{ "window ends in a page", -EINVAL,
	  "board w8: contexts[1] (b): the window, 1048577 bytes",
	  { .name = "w8", CONTEXTS(GOOD, VCM_CONTEXT("b", 0, SZ_1M + 1)) } },
	{ "window wraps", -EOVERFLOW,
	  "board w9: contexts[1] (b): the window, 8192 bytes at",
	  { .name = "w9",
	    CONTEXTS(GOOD, VCM_CONTEXT("b", -(dma_addr_t)PAGE, 2 * PAGE)) } },
	{ "memory type without a name", -EINVAL,
	  "board w10: contexts[1] (b): the memory type has no name",
	  { .name = "w10",
	    CONTEXTS(GOOD, VCM_CONTEXT("b", 0, SZ_1M, .memtype = "")) } },
	{ "two contexts of one name", -EEXIST,
	  "board w11: contexts[2] (good): contexts[0] has this name",
	  { .name = "w11",
	    CONTEXTS(GOOD, VCM_CONTEXT("b", 0, SZ_1M), GOOD) } },
	{ "context of another board", -EEXIST,
	  "board w12: contexts[1] (fine): board fine has",
	  { .name = "w12", CONTEXTS(GOOD, VCM_CONTEXT("fine", 0, SZ_1M)) } },

	{ "no bounds behind the number", -EINVAL,
	  "board w13: contexts[1] (b): 2 bounds, but no table",
	  { .name = "w13",
	    CONTEXTS(GOOD, VCM_CONTEXT("b", 0, SZ_1M, .nr_bounds = 2)) } },
	{ "bound without a name", -EINVAL,
	  "board w14: contexts[1] (b): the name of bounds[1] is missing",
	  { .name = "w14",
	    BOUNDED(GOOD_BOUND, VCM_BOUND(NULL, SZ_1M, PAGE)) } },
	{ "bound with a long name", -ENAMETOOLONG,
	  "board w15: contexts[1] (b): the name of bounds[1] has more",
	  { .name = "w15",
	    BOUNDED(GOOD_BOUND, VCM_BOUND(LONG_NAME, SZ_1M, PAGE)) } },
	{ "bound without length", -EINVAL,
	  "board w16: contexts[1] (b): bounds[1] (v), 0 bytes at",
	  { .name = "w16",
	    BOUNDED(GOOD_BOUND, VCM_BOUND("v", SZ_1M, 0)) } },
	{ "bound in a page", -EINVAL,
	  "board w17: contexts[1] (b): bounds[1] (v), 4096 bytes at 0x0000000000100080",
	  { .name = "w17",
	    BOUNDED(GOOD_BOUND, VCM_BOUND("v", SZ_1M + 128, PAGE)) } },
	{ "bound wraps", -EOVERFLOW,
	  "board w18: contexts[1] (b): bounds[1] (v), 8192 bytes at",
	  { .name = "w18",
	    BOUNDED(GOOD_BOUND,
		    VCM_BOUND("v", -(dma_addr_t)PAGE, 2 * PAGE)) } },
	{ "bound begins below", -ERANGE,
	  "board w19: contexts[1] (b): bounds[1] (v), 4096 bytes at 0x00000000000ff000, leaves the 1048576 bytes at 0x0000000000100000",
	  { .name = "w19",
	    BOUNDED(GOOD_BOUND, VCM_BOUND("v", SZ_1M - PAGE, PAGE)) } },
	{ "bound ends above", -ERANGE,
	  "board w20: contexts[1] (b): bounds[1] (v), 8192 bytes at 0x00000000001ff000, leaves",
	  { .name = "w20",
	    BOUNDED(GOOD_BOUND,
		    VCM_BOUND("v", SZ_2M - PAGE, 2 * PAGE)) } },
	{ "two bounds of one name", -EEXIST,
	  "board w21: contexts[1] (b): bounds[1] is called u, and so is bounds[0]",
	  { .name = "w21",
	    BOUNDED(GOOD_BOUND, VCM_BOUND("u", SZ_1M, PAGE)) } },
	{ "bounds overlap at the start", -EBUSY,
	  "board w22: contexts[1] (b): bounds[1] (v), 8192 bytes at 0x0000000000100000, overlaps bounds[0] (u), 8192 bytes at 0x0000000000101000",
	  { .name = "w22",
	    BOUNDED(GOOD_BOUND, VCM_BOUND("v", SZ_1M, 2 * PAGE)) } },
	{ "bounds overlap at the end", -EBUSY,
	  "board w23: contexts[1] (b): bounds[1] (v), 8192 bytes at 0x0000000000102000, overlaps",
	  { .name = "w23",
	    BOUNDED(GOOD_BOUND,
		    VCM_BOUND("v", SZ_1M + 2 * PAGE, 2 * PAGE)) } },

	{ "member without a device", -EINVAL,
	  "board w24: members[1] (): the name of the device is missing",
	  { .name = "w24", CONTEXTS(GOOD),
	    MEMBERS(GOOD_MEMBER, VCM_MEMBER(NULL, "x", "good")) } },
	{ "member with an empty device", -EINVAL,
	  "board w25: members[1] (): the name of the device is missing",
	  { .name = "w25", MEMBERS(GOOD_MEMBER, VCM_MEMBER("", "x", "good")) } },
	{ "member with an empty con_id", -EINVAL,
	  "board w26: members[1] (dev.1): con_id is empty",
	  { .name = "w26",
	    MEMBERS(GOOD_MEMBER, VCM_MEMBER("dev.1", "", "good")) } },
	{ "member without a context", -EINVAL,
	  "board w27: members[1] (dev.1): the name of the context is missing",
	  { .name = "w27",
	    MEMBERS(GOOD_MEMBER, VCM_MEMBER("dev.1", "x", NULL)) } },
	{ "member of a context with a long name", -ENAMETOOLONG,
	  "board w28: members[1] (dev.1): the name of the context has more",
	  { .name = "w28",
	    MEMBERS(GOOD_MEMBER, VCM_MEMBER("dev.1", "x", LONG_NAME)) } },
	{ "member with an unknown flag", -EINVAL,
	  "board w29: members[1] (dev.1): flags 0x3, of which 0x1 are known",
	  { .name = "w29",
	    MEMBERS(GOOD_MEMBER,
		    VCM_MEMBER("dev.1", "x", "good", .flags = 3)) } },
	{ "member with an unknown right", -EINVAL,
	  "board w33: members[1] (dev.1): attr 0x101 is more than rights",
	  { .name = "w33",
	    MEMBERS(GOOD_MEMBER,
		    VCM_MEMBER("dev.1", "x", "good",
			       .attr = VCM_READ | BIT(8))) } },
	{ "member without rights", -EACCES,
	  "board w34: members[1] (dev.1): attr 0x4 has neither VCM_READ nor",
	  { .name = "w34",
	    MEMBERS(GOOD_MEMBER,
		    VCM_MEMBER("dev.1", "x", "good", .attr = VCM_EXEC)) } },
	{ "two members alike", -EEXIST,
	  "board w30: members[2] (dev.0): members[0] says what its x is",
	  { .name = "w30",
	    MEMBERS(GOOD_MEMBER, VCM_MEMBER("dev.1", "x", "good"),
		    VCM_MEMBER("dev.0", "x", "fine")) } },
	{ "two members for any", -EEXIST,
	  "board w31: members[2] (dev.1): members[1] says what its (any) is",
	  { .name = "w31",
	    MEMBERS(GOOD_MEMBER, VCM_MEMBER("dev.1", NULL, "good"),
		    VCM_MEMBER("dev.1", NULL, "good")) } },
	{ "member of another board", -EEXIST,
	  "board w32: members[1] (fine.0): members[1] of board fine says what its sound is",
	  { .name = "w32",
	    MEMBERS(GOOD_MEMBER, VCM_MEMBER("fine.0", "sound", "good")) } },
};

KUNIT_ARRAY_PARAM_DESC(wrong, wrongs, what);

static const struct vcm_board board_after = {
	.name = "after", CONTEXTS(GOOD, VCM_CONTEXT("b", 0, SZ_1M)),
	MEMBERS(GOOD_MEMBER, VCM_MEMBER("dev.1", "x", "good")),
};

static void board_is_refused(struct kunit *test)
{
	const struct wrong *wrong = test->param_value;

	bed_board(test, &fine_board);
	KUNIT_EXPECT_EQ(test, wrong->err, vcm_board_add(&wrong->board));
	KUNIT_EXPECT_TRUE_MSG(test, bed_log_has(wrong->message), "%s",
			      wrong->message);
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_board_remove(&wrong->board));
	/* Nothing of it is there: its names are free. */
	bed_board(test, &board_after);
}

static void board_is_taken(struct kunit *test)
{
	unsigned int before = bed_count_contexts();

	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_board_add(NULL));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_board_add(ERR_PTR(-EIO)));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_board_remove(&fine_board));
	bed_board(test, &fine_board);
	KUNIT_EXPECT_EQ(test, -EEXIST, vcm_board_add(&fine_board));
	KUNIT_EXPECT_EQ(test, 0, vcm_board_remove(&fine_board));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_board_remove(&fine_board));
	KUNIT_EXPECT_EQ(test, 0, vcm_board_add(&fine_board));
	KUNIT_EXPECT_FALSE(test, bed_log_has("board nobody: no context"));
	/* It commits nothing. */
	KUNIT_EXPECT_EQ(test, before, bed_count_contexts());
}

static struct kunit_case vcm_board_cases[] = {
	KUNIT_CASE(board_is_taken),
	KUNIT_CASE_PARAM(board_is_refused, wrong_gen_params),
	{}
};

static struct kunit_suite vcm_board_suite = {
	.name = "vcm_board",
	.test_cases = vcm_board_cases,
};

kunit_test_suite(vcm_board_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: the tables of boards");
MODULE_LICENSE("GPL");
