// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of mm/vcm_debugfs.c: what people read.
 *
 * The texts are no interface, but a wrong one misleads. Each is read as a
 * whole, and looked through for the lines about the test's own objects: others
 * may have some, too.
 */
#include <kunit/test.h>
#include <linux/device.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"

#define TEXT_LEN	SZ_64K
#define LINE_LEN	256

/* What the file says now. */
static const char *text_of(struct kunit *test,
			   int (*show)(struct seq_file *s, void *unused))
{
	struct seq_file s = { .size = TEXT_LEN };

	mutex_init(&s.lock);
	s.buf = kunit_kzalloc(test, TEXT_LEN, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s.buf);
	KUNIT_ASSERT_EQ(test, 0, show(&s, NULL));
	KUNIT_ASSERT_FALSE(test, seq_has_overflowed(&s));
	s.buf[s.count] = '\0';
	return s.buf;
}

static unsigned int count_lines(const char *text, const char *line)
{
	unsigned int nr = 0;

	while ((text = strstr(text, line))) {
		text += strlen(line);
		nr++;
	}
	return nr;
}

/* So many lines, or beginnings of lines, read like this. */
#define EXPECT_LINES(test, nr, text, fmt, ...) do {			\
	char line_[LINE_LEN];						\
									\
	KUNIT_ASSERT_LT(test, snprintf(line_, LINE_LEN, fmt,		\
				       ##__VA_ARGS__), LINE_LEN);	\
	KUNIT_EXPECT_EQ_MSG(test, nr, count_lines(text, line_),		\
			    "\"%s\" in:\n%s", line_, text);		\
} while (0)

static const char *bed_dev(struct vcm_bed *bed, unsigned int i)
{
	return dev_name(bed->devs[i]);
}

static void debugfs_contexts(struct kunit *test)
{
	const dma_addr_t first = BED_START, last = BED_START + BED_LEN - 1;
	const dma_addr_t in = BED_START + SZ_1M, end = in + SZ_64K - 1;
	const dma_addr_t in_end = in + PAGE_SIZE - 1;
	struct vcm_bed *bed = bed_new(test, &vcm_bed_two);
	struct vcm_phys *phys = bed_alloc(bed, PAGE_SIZE, 0);
	struct vcm_bound *bound;
	struct vcm_res *res;
	const char *text;

	KUNIT_ASSERT_EQ(test, 0, vcm_set_name(bed->vcm, "looked-at"));
	text = text_of(test, vcm_contexts_show);
	EXPECT_LINES(test, 1, text,
		     "context looked-at: %pad-%pad, no table yet, tables: 0, reservations: 0\n",
		     &first, &last);

	bound = vcm_create_bound_at(bed->vcm, in, SZ_64K);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bound);
	text = text_of(test, vcm_contexts_show);
	EXPECT_LINES(test, 1, text, "  bound %pad-%pad 64.0 KiB, empty\n",
		     &in, &end);

	bed_join_first(bed, 1);
	text = text_of(test, vcm_contexts_show);
	EXPECT_LINES(test, 1, text,
		     "context looked-at: %pad-%pad, one unit, tables: 1, reservations: 0\n",
		     &first, &last);
	bed->assocs[1] = space_join(test, bed->vcm, bed->devs[1]);
	res = vcm_reserve_from_bound(bound, 1, VCM_READ);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_back(res, phys));
	text = text_of(test, vcm_contexts_show);
	EXPECT_LINES(test, 1, text,
		     "context looked-at: %pad-%pad, shared, tables: 1, reservations: 1\n",
		     &first, &last);
	EXPECT_LINES(test, 1, text, ", 1 active, walked by soft0 soft1\n");
	EXPECT_LINES(test, 1, text, "  device %s: active, behind soft0\n",
		     bed_dev(bed, 0));
	EXPECT_LINES(test, 1, text, "  device %s: inactive, behind soft1\n",
		     bed_dev(bed, 1));
	EXPECT_LINES(test, 1, text, "  bound %pad-%pad 64.0 KiB, in use\n",
		     &in, &end);
	/* The window of a bound is no reservation. */
	EXPECT_LINES(test, 1, text, "  %pad-%pad r---", &in, &in_end);
	EXPECT_LINES(test, 0, text, "  %pad-%pad ----", &in, &end);

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_free_bound(bound));
	text = text_of(test, vcm_contexts_show);
	EXPECT_LINES(test, 0, text, "  bound %pad-", &in);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
	text = text_of(test, vcm_contexts_show);
	EXPECT_LINES(test, 0, text, "looked-at");
}

static const struct vcm_bed_kind debugfs_sixteen = {
	"sixteen units share", 16, { VCM_SOFT_LPAE }, 1,
};

static void debugfs_units_share(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &debugfs_sixteen);
	const char *text;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, vcm_set_name(bed->vcm, "sixteen"));
	bed_join(bed);
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(bed->assocs[3]));
	text = text_of(test, vcm_units_show);
	for (i = 0; i < bed->nr; i++)
		EXPECT_LINES(test, 1, text,
			     "unit soft%u: %s\n  context sixteen, table 0 of 1: shared with 15 units, devices %s (%s)\n",
			     i, bed->units[i]->ops->name, bed_dev(bed, i),
			     i == 3 ? "inactive" : "active");
	text = text_of(test, vcm_graph_show);
	EXPECT_LINES(test, 1, text, "label=\"sixteen: shared\";\n");
	EXPECT_LINES(test, 1, text, "label=\"table 0\\n16 units, 15 active\"");
	EXPECT_LINES(test, 16, text, "label=\"unit\\nsoft");
	EXPECT_LINES(test, 16, text, "label=\"device\\n%s.master", test->name);
	bed_end(bed);
}

/* A unit in two contexts is one unit; a mirror is no sharing. */
static void debugfs_units_mirror(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_mirror);
	struct vcm *other = space_new(test, 0, SZ_1G);
	struct vcm_assoc *assoc;
	const char *text;

	KUNIT_ASSERT_EQ(test, 0, vcm_set_name(bed->vcm, "mirror"));
	KUNIT_ASSERT_EQ(test, 0, vcm_set_name(other, "other"));
	bed_join(bed);
	assoc = space_join(test, other, bed->devs[1]);
	text = text_of(test, vcm_units_show);
	EXPECT_LINES(test, 1, text, "unit soft0: ");
	EXPECT_LINES(test, 1, text, "unit soft1: ");
	EXPECT_LINES(test, 1, text,
		     "  context mirror, table 0 of 2: shared with nobody, devices %s (active)\n",
		     bed_dev(bed, 0));
	EXPECT_LINES(test, 1, text,
		     "  context mirror, table 1 of 2: shared with nobody, devices %s (active)\n  context other, table 0 of 1: shared with nobody, devices %s (inactive)\n",
		     bed_dev(bed, 1), bed_dev(bed, 1));
	text = text_of(test, vcm_graph_show);
	EXPECT_LINES(test, 1, text, "label=\"mirror: mirrored\";\n");
	EXPECT_LINES(test, 1, text, "label=\"other: one unit\";\n");
	EXPECT_LINES(test, 1, text, "label=\"table 1\\n1 unit, 1 active\"");
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(other));
	bed_end(bed);
	text = text_of(test, vcm_units_show);
	EXPECT_LINES(test, 0, text, "unit soft");
}

static void debugfs_graph(struct kunit *test)
{
	const dma_addr_t at = BED_START;
	struct vcm_bed *bed = bed_new(test, &vcm_bed_one);
	struct vcm_bound *bound = vcm_create_bound_at(bed->vcm, at, SZ_1M);
	struct vcm_phys *phys = bed_alloc(bed, PAGE_SIZE, 0);
	struct vcm_res *res = vcm_reserve_from_bound(bound, SZ_64K, VCM_RW);
	const char *text;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	text = text_of(test, vcm_graph_show);
	EXPECT_LINES(test, 1, text, "digraph vcm {\n");
	EXPECT_LINES(test, 1, text, "\tsubgraph \"cluster_%p\" {\n", bed->vcm);
	EXPECT_LINES(test, 1, text, "\t\"%p\" [label=\"bound %pad\\n1.00 MiB\"",
		     bound, &at);
	EXPECT_LINES(test, 1, text, "\t\"%p\" [label=\"%pad\\n64.0 KiB rw--\"",
		     res, &at);
	EXPECT_LINES(test, 1, text, "\t\"%p\" -> \"%p\";\n", bed->vcm, bound);
	EXPECT_LINES(test, 1, text, "\t\"%p\" -> \"%p\";\n", bound, res);
	EXPECT_LINES(test, 1, text, "\t\"%p\" -> \"%p\";\n", res, phys);
	KUNIT_EXPECT_STREQ(test, "}\n", text + strlen(text) - 2);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_free_bound(bound));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

/* Who may do less than the others, and that it is why there are two tables. */
static void debugfs_rights(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_two);
	const char *text;

	KUNIT_ASSERT_EQ(test, 0, vcm_set_name(bed->vcm, "rights"));
	bed_join(bed);
	KUNIT_EXPECT_EQ(test, 0, vcm_set_assoc_attr(bed->assocs[1], VCM_READ));
	text = text_of(test, vcm_contexts_show);
	EXPECT_LINES(test, 1, text, ", 1 active, walked by soft0\n");
	EXPECT_LINES(test, 1, text, ", r--- at most, 1 active, walked by soft1\n");
	EXPECT_LINES(test, 1, text, "  device %s: active, behind soft0\n",
		     bed_dev(bed, 0));
	EXPECT_LINES(test, 1, text,
		     "  device %s: active, r--- at most, behind soft1\n",
		     bed_dev(bed, 1));
	text = text_of(test, vcm_units_show);
	EXPECT_LINES(test, 1, text,
		     "  context rights, table 0 of 2: shared with nobody, devices %s (active)\n",
		     bed_dev(bed, 0));
	EXPECT_LINES(test, 1, text,
		     "  context rights, table 1 of 2: r--- at most, shared with nobody, devices %s (active)\n",
		     bed_dev(bed, 1));
	text = text_of(test, vcm_graph_show);
	EXPECT_LINES(test, 1, text, "label=\"table 0\\n1 unit, 1 active\", ");
	EXPECT_LINES(test, 1, text,
		     "label=\"table 1\\n1 unit, 1 active\\nr--- at most\", ");
	bed_end(bed);
}

static struct kunit_case vcm_debugfs_cases[] = {
	KUNIT_CASE(debugfs_contexts),
	KUNIT_CASE(debugfs_units_share),
	KUNIT_CASE(debugfs_units_mirror),
	KUNIT_CASE(debugfs_graph),
	KUNIT_CASE(debugfs_rights),
	{}
};

static struct kunit_suite vcm_debugfs_suite = {
	.name = "vcm_debugfs",
	.test_cases = vcm_debugfs_cases,
};

kunit_test_suite(vcm_debugfs_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: debugfs");
MODULE_LICENSE("GPL");
