// SPDX-License-Identifier: GPL-2.0-only
/*
 * VCMM over several IOMMUs of the machine, with real DMA: promises P2, P3, P4
 * and P7.
 *
 * How many page tables a context must have is not asked of VCMM: units that
 * make domains of one geometry can share, others cannot. Where all are behind
 * one IOMMU, there is nothing to see here.
 */
#include <kunit/test.h>

#include <linux/completion.h>
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/kthread.h>
#include <linux/mmzone.h>
#include <linux/sizes.h>
#include <linux/vmstat.h>

#include "../../../../mm/tests/vcm_inject.h"
#include "../../../../samples/vcm/vcm_edu.h"
#include "vcm_domain_bed.h"

/* In real pages, so that a table needs several of its own. */
#define BUF_LEN		(SZ_2M + SZ_64K + SZ_4K)

struct geometry {
	dma_addr_t end;
	unsigned long pgsizes;
};

static bool same_unit(struct device *a, struct device *b)
{
	return a->iommu->iommu_dev == b->iommu->iommu_dev;
}

static struct geometry geometry_of(struct kunit *test, struct device *dev)
{
	struct iommu_domain *domain = iommu_paging_domain_alloc(dev);
	struct geometry geo;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, domain);
	geo.end = domain->geometry.aperture_end;
	geo.pgsizes = domain->pgsize_bitmap;
	iommu_domain_free(domain);
	return geo;
}

/* How many kinds of page table the machine has; @kind says which one each has. */
static unsigned int count_kinds(struct kunit *test, unsigned int *kind)
{
	struct geometry seen[DBED_MAX_DEVS];
	struct dbed *bed = test->priv;
	unsigned int i, k, nr = 0;

	for (i = 0; i < bed->nr_devs; i++) {
		struct geometry geo = geometry_of(test, bed->dev[i]);

		for (k = 0; k < nr; k++)
			if (seen[k].end == geo.end &&
			    seen[k].pgsizes == geo.pgsizes)
				break;
		if (k == nr)
			seen[nr++] = geo;
		if (kind)
			kind[i] = k;
	}
	return nr;
}

static unsigned int count_units(struct dbed *bed)
{
	unsigned int i, k, nr = 0;

	for (i = 0; i < bed->nr_devs; i++) {
		for (k = 0; k < i; k++)
			if (same_unit(bed->dev[i], bed->dev[k]))
				break;
		nr += k == i;
	}
	return nr;
}

static int units_init(struct kunit *test)
{
	int ret = dbed_init(test);

	if (!ret && count_units(test->priv) < 2)
		kunit_skip(test, "one IOMMU only");
	return ret;
}

/* To the page: with what each CPU has not yet added to the sum. */
static unsigned long table_pages(void)
{
	long nr = global_node_page_state(NR_IOMMU_PAGES);
	struct pglist_data *pgdat;
	int cpu;

	for_each_online_pgdat(pgdat)
		for_each_online_cpu(cpu)
			nr += per_cpu_ptr(pgdat->per_cpu_nodestats,
					  cpu)->vm_node_stat_diff[NR_IOMMU_PAGES];
	return nr;
}

static void join_range(struct kunit *test, struct vcm *vcm, int first, int end)
{
	for (; first < end; first++)
		dbed_join_active(test, vcm, first);
}

/*
 * One call of vcm_back() for each buffer: before any device is there, when half
 * of them are, and when all are. Each device reaches all of it.
 */
static void one_backing_all_units(struct kunit *test)
{
	struct dbed *bed = test->priv;
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf out = dbed_new_buf(test, vcm, PAGE_SIZE, DBED_RW);
	size_t off = SZ_1M + 3 * SZ_4K;
	struct dbed_buf buf[3];
	int i;

	buf[0] = dbed_new_buf(test, vcm, BUF_LEN, DBED_RW);
	join_range(test, vcm, 0, bed->nr_devs / 2);
	buf[1] = dbed_new_buf(test, vcm, BUF_LEN, DBED_RW);
	join_range(test, vcm, bed->nr_devs / 2, bed->nr_devs);
	buf[2] = dbed_new_buf(test, vcm, BUF_LEN, DBED_RW);
	KUNIT_EXPECT_EQ(test, vcm_get_num_tables(vcm), count_kinds(test, NULL));

	for (i = 0; i < bed->nr_devs; i++) {
		struct dbed_buf *b = &buf[i % 3];

		KUNIT_EXPECT_TRUE_MSG(test,
				      dbed_writes(test, i, b->addr + off,
						  b->phys, off),
				      "%s writes", dev_name(bed->dev[i]));
		KUNIT_EXPECT_TRUE_MSG(test,
				      dbed_reads(test, i, b->addr + off,
						 b->phys, off, out),
				      "%s reads", dev_name(bed->dev[i]));
	}
	/* Handed on from one to the next, at one address and by nobody else. */
	for (i = 0; i < bed->nr_devs; i++) {
		int next = (i + 1) % bed->nr_devs;

		dbed_store(test, bed->dev[i], buf[0].addr, DBED_SIG_OFF);
		dbed_fetch(test, bed->dev[next], buf[0].addr);
		KUNIT_EXPECT_TRUE(test, dbed_caught(test, next, out,
						    dbed_signature(i)));
	}
}

/* After one call of vcm_unback(), none of them does. */
static void blocked_in_all_units(struct kunit *test)
{
	struct dbed *bed = test->priv;
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf a = dbed_new_buf(test, vcm, SZ_64K, DBED_RW);
	struct dbed_buf b = dbed_new_buf(test, vcm, SZ_64K, DBED_RW);
	int i;

	join_range(test, vcm, 0, bed->nr_devs);
	for (i = 0; i < bed->nr_devs; i++)
		KUNIT_EXPECT_TRUE(test, dbed_writes(test, i, a.addr, a.phys,
						    0));
	KUNIT_EXPECT_EQ(test, vcm_unback(a.res), 0);
	for (i = 0; i < bed->nr_devs; i++)
		KUNIT_EXPECT_FALSE_MSG(test, dbed_writes(test, i, a.addr,
							 a.phys, 0),
				       "%s", dev_name(bed->dev[i]));
	for (i = 0; i < bed->nr_devs; i++)
		KUNIT_EXPECT_TRUE(test, dbed_writes(test, i, b.addr, b.phys,
						    0));
}

/* Pages of page table that a context takes with the first @nr devices on it. */
static unsigned long pages_with(struct kunit *test, int nr, unsigned int tables)
{
	struct dbed *bed = test->priv;
	unsigned long before = table_pages(), pages;
	struct vcm_res *res;
	struct vcm_phys *phys = vcm_phys_alloc(NULL, BUF_LEN, VCM_ALIGN(12));
	struct vcm *vcm = vcm_create(DBED_START, DBED_LEN);
	struct vcm_assoc *assoc[DBED_MAX_DEVS];
	int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vcm);
	res = vcm_reserve(vcm, BUF_LEN, DBED_RW);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
	for (i = 0; i < nr; i++) {
		assoc[i] = vcm_assoc(vcm, bed->dev[i], 0);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, assoc[i]);
		KUNIT_ASSERT_EQ(test, vcm_activate(assoc[i]), 0);
	}
	KUNIT_EXPECT_EQ(test, vcm_get_num_tables(vcm), tables);
	KUNIT_ASSERT_EQ(test, vcm_back(res, phys), 0);
	pages = table_pages() - before;

	KUNIT_EXPECT_EQ(test, vcm_unback(res), 0);
	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_EQ(test, vcm_deactivate(assoc[i]), 0);
		KUNIT_EXPECT_EQ(test, vcm_deassoc(assoc[i]), 0);
	}
	KUNIT_EXPECT_EQ(test, vcm_unreserve(res), 0);
	KUNIT_EXPECT_EQ(test, vcm_phys_free(phys), 0);
	KUNIT_EXPECT_EQ(test, vcm_free(vcm), 0);
	KUNIT_EXPECT_EQ(test, table_pages(), before);
	return pages;
}

/* However many units share it, a page table has the pages of one. */
static void pages_of_one_table(struct kunit *test)
{
	struct dbed *bed = test->priv;
	unsigned long one, all;

	if (count_kinds(test, NULL) != 1)
		kunit_skip(test, "several kinds of page table");
	one = pages_with(test, 1, 1);
	all = pages_with(test, bed->nr_devs, 1);
	kunit_info(test, "%lu pages with one unit, %lu with %u", one, all,
		   count_units(bed));
	KUNIT_EXPECT_GT(test, one, 2);
	KUNIT_EXPECT_EQ(test, one, all);
}

struct toggler {
	struct vcm_assoc **assoc;
	int nr;
	int failures;
	unsigned long rounds;
	struct completion done;
};

static int toggle(void *data)
{
	struct toggler *t = data;
	int i;

	while (!kthread_should_stop()) {
		for (i = 0; i < t->nr; i++) {
			t->failures += !!vcm_deactivate(t->assoc[i]);
			t->failures += !!vcm_activate(t->assoc[i]);
		}
		t->rounds++;
		cond_resched();
	}
	complete(&t->done);
	return 0;
}

/* While all the others come and go, the first device does not notice. */
static void others_come_and_go(struct kunit *test)
{
	struct dbed *bed = test->priv;
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf a = dbed_new_buf(test, vcm, SZ_64K, DBED_RW);
	struct dbed_buf out = dbed_new_buf(test, vcm, PAGE_SIZE, DBED_RW);
	struct toggler t = { .nr = bed->nr_devs - 1 };
	struct task_struct *task;
	int i;

	join_range(test, vcm, 0, bed->nr_devs);
	t.assoc = bed->assoc + 1;
	init_completion(&t.done);
	task = kthread_run(toggle, &t, "vcm-toggle");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	for (i = 0; i < 8; i++) {
		KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, a.addr, a.phys,
						    0));
		KUNIT_EXPECT_TRUE(test, dbed_reads(test, 0, a.addr, a.phys, 0,
						   out));
		KUNIT_EXPECT_EQ(test, vcm_unback(a.res), 0);
		KUNIT_EXPECT_FALSE(test, dbed_writes(test, 0, a.addr, a.phys,
						     0));
		KUNIT_EXPECT_EQ(test, vcm_back(a.res, a.phys), 0);
	}
	kthread_stop(task);
	wait_for_completion(&t.done);
	kunit_info(test, "%lu rounds", t.rounds);
	KUNIT_EXPECT_EQ(test, t.failures, 0);
	KUNIT_EXPECT_GT(test, t.rounds, 0);
	for (i = 0; i < bed->nr_devs; i++)
		KUNIT_EXPECT_TRUE(test, dbed_writes(test, i, a.addr, a.phys,
						    0));
}

/*
 * A device that is active on one context joins another one, where its unit
 * could share: it does from the moment on at which it moves.
 */
static void moved_device_shares(struct kunit *test)
{
	struct dbed *bed = test->priv;
	struct vcm *from = dbed_vcm(test, DBED_START, DBED_LEN);
	struct vcm *to = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf a = dbed_new_buf(test, from, SZ_64K, DBED_RW);
	struct dbed_buf b = dbed_new_buf(test, to, SZ_64K, DBED_RW);
	unsigned int kind[DBED_MAX_DEVS];
	struct vcm_assoc *assoc;
	int other;

	count_kinds(test, kind);
	for (other = 1; other < bed->nr_devs; other++)
		if (kind[other] == kind[0] &&
		    !same_unit(bed->dev[0], bed->dev[other]))
			break;
	if (other == bed->nr_devs)
		kunit_skip(test, "no two units of one kind");

	KUNIT_ASSERT_EQ(test, a.addr, b.addr);
	assoc = dbed_join_active(test, from, 0);
	dbed_join_active(test, to, other);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, a.addr, a.phys, 0));
	KUNIT_EXPECT_EQ(test, vcm_assoc_move(assoc, to), 0);
	KUNIT_EXPECT_EQ(test, vcm_get_num_tables(to), 1);
	KUNIT_EXPECT_EQ(test, vcm_get_num_tables(from), 0);
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, 0, a.addr, a.phys, 0));
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, b.addr, b.phys, 0));
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, other, b.addr, b.phys, 0));
	KUNIT_EXPECT_EQ(test, vcm_assoc_move(assoc, from), 0);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, a.addr, a.phys, 0));
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, 0, b.addr, b.phys, 0));
}

/*
 * The memory moves, to memory of another type and back, while all devices have
 * it in their TLBs: each finds its bytes at the same address, and what it writes
 * from then on is in the new place and not in the old one. vcm_smmuv3 shows what
 * it looks like if one unit does not forget.
 */
static void memory_moves(struct kunit *test)
{
	struct dbed *bed = test->priv;
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf out = dbed_new_buf(test, vcm, PAGE_SIZE, DBED_RW);
	struct vcm_memtype *type[] = {
		dbed_memtype(test, "here"), dbed_memtype(test, "there"),
	};
	struct vcm_phys *phys = dbed_phys_of(test, type[0], DBED_POOL_LEN);
	struct vcm_res *res = dbed_keep_res(test,
			vcm_reserve(vcm, DBED_POOL_LEN, DBED_RW));
	dma_addr_t addr = vcm_get_dev_addr(res);
	const size_t off = SZ_64K + 128;
	int i, round;

	KUNIT_ASSERT_EQ(test, vcm_back(res, phys), 0);
	join_range(test, vcm, 0, bed->nr_devs);
	for (i = 0; i < bed->nr_devs; i++)
		KUNIT_EXPECT_TRUE(test, dbed_writes(test, i, addr + off, phys,
						    off));
	for (round = 0; round < 2; round++) {
		struct page *old = dbed_page(test, phys, off);
		u32 secret = dbed_fresh();

		dbed_poke(test, phys, off, secret);
		KUNIT_EXPECT_EQ(test,
				vcm_phys_migrate(phys, type[!round], 0,
						 round ? VCM_NO_WRITES : 0), 0);
		KUNIT_EXPECT_PTR_EQ(test, vcm_get_memtype_of_physalloc(phys),
				    type[!round]);
		KUNIT_EXPECT_EQ(test, vcm_get_dev_addr(res), addr);
		KUNIT_ASSERT_PTR_NE(test, dbed_page(test, phys, off), old);
		dbed_paint(old);
		for (i = 0; i < bed->nr_devs; i++) {
			dbed_fetch(test, bed->dev[i], addr + off);
			KUNIT_EXPECT_TRUE_MSG(test,
					      dbed_caught(test, i, out, secret),
					      "%s reads",
					      dev_name(bed->dev[i]));
		}
		for (i = 0; i < bed->nr_devs; i++)
			KUNIT_EXPECT_TRUE_MSG(test,
					      dbed_writes(test, i, addr + off,
							  phys, off),
					      "%s writes",
					      dev_name(bed->dev[i]));
		KUNIT_EXPECT_TRUE(test, dbed_is_painted(old));
	}
}

/* Does any domain of any device map anything of the range? */
static bool anything_mapped(struct dbed *bed, dma_addr_t addr, size_t len)
{
	size_t off;
	int i;

	for (i = 0; i < bed->nr_devs; i++) {
		struct iommu_domain *domain =
			iommu_get_domain_for_dev(bed->dev[i]);

		for (off = 0; off < len; off += PAGE_SIZE)
			if (iommu_iova_to_phys(domain, addr + off))
				return true;
	}
	return false;
}

/*
 * The map fails at the first, the second, ... allocation: those of the first
 * table, then those of the next one. Whichever it is, no table has anything of
 * it, and what else is mapped stays.
 */
static void all_tables_or_none(struct kunit *test)
{
	struct dbed *bed = test->priv;
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf live = dbed_new_buf(test, vcm, SZ_64K, DBED_RW);
	/* Where no table has a page of its own yet. */
	struct vcm_res *res = dbed_keep_res(test,
			vcm_reserve_at(vcm, DBED_START + SZ_32M - SZ_4K,
				       BUF_LEN, DBED_RW));
	struct vcm_phys *phys = dbed_phys(test, BUF_LEN);
	unsigned int tables = count_kinds(test, NULL), failures = 0, nth;
	bool fired = true;
	int i;

	if (tables < 2)
		kunit_skip(test, "one kind of page table");
	if (!vcm_inject_possible())
		kunit_skip(test, "no fault injection in this kernel");
	join_range(test, vcm, 0, bed->nr_devs);
	KUNIT_ASSERT_EQ(test, vcm_get_num_tables(vcm), tables);

	for (nth = 1; fired && nth < 50; nth++) {
		int ret;

		vcm_inject_arm(nth);
		ret = vcm_back(res, phys);
		fired = vcm_inject_disarm();
		KUNIT_EXPECT_EQ(test, ret, fired ? -ENOMEM : 0);
		failures += !!ret;
		KUNIT_EXPECT_EQ(test, anything_mapped(bed, DBED_START + SZ_32M -
						      SZ_4K, BUF_LEN), !ret);
	}
	KUNIT_EXPECT_FALSE(test, fired);
	/* At least one page of each table. */
	kunit_info(test, "%u failures", failures);
	KUNIT_EXPECT_GE(test, failures, 2 * tables);
	for (i = 0; i < bed->nr_devs; i++) {
		KUNIT_EXPECT_TRUE(test, dbed_writes(test, i, live.addr,
						    live.phys, 0));
		KUNIT_EXPECT_TRUE(test, dbed_writes(test, i,
						    vcm_get_dev_addr(res),
						    phys, 0));
	}
}

static int units_suite_init(struct kunit_suite *suite)
{
	return vcm_inject_init(suite) ?: dbed_suite_init(suite);
}

static void units_suite_exit(struct kunit_suite *suite)
{
	dbed_suite_exit(suite);
	vcm_inject_exit(suite);
}

static struct kunit_case units_cases[] = {
	KUNIT_CASE_SLOW(one_backing_all_units),
	KUNIT_CASE_SLOW(blocked_in_all_units),
	KUNIT_CASE(pages_of_one_table),
	KUNIT_CASE_SLOW(others_come_and_go),
	KUNIT_CASE_SLOW(moved_device_shares),
	KUNIT_CASE_SLOW(memory_moves),
	KUNIT_CASE_SLOW(all_tables_or_none),
	{}
};

static struct kunit_suite units_suite = {
	.name = "vcm_units",
	.suite_init = units_suite_init,
	.suite_exit = units_suite_exit,
	.init = units_init,
	.exit = dbed_exit,
	.test_cases = units_cases,
};

kunit_test_suite(units_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM over several IOMMUs");
MODULE_LICENSE("GPL");
