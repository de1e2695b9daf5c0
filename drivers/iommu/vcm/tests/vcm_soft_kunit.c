// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the units of the IOMMU in software: TLB, DMA, attachment, faults.
 * They call its ops as the core would. Each case runs for every format that the
 * kernel has.
 */
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "vcm_soft_test.h"

static void soft_stale_until_flushed(struct kunit *test)
{
	struct soft_test *s = test->priv;
	dma_addr_t addr = SZ_1M;

	soft_map(test, s->table, addr, s->pa, s->page, RW);
	KUNIT_EXPECT_EQ(test, 0, soft_read(s, addr, 1));
	KUNIT_EXPECT_EQ(test, 1UL, soft_stats(s->unit).tlb_entries);
	soft_unmap(test, s->table, addr, s->page);
	KUNIT_EXPECT_EQ(test, 0, soft_read(s, addr, s->page));
	soft_expect_hole(test, addr);

	KUNIT_EXPECT_EQ(test, 0, soft_flush(s, addr, s->page));
	KUNIT_EXPECT_EQ(test, -EFAULT, soft_read(s, addr, 1));
	KUNIT_EXPECT_EQ(test, 0UL, soft_stats(s->unit).tlb_entries);
	KUNIT_EXPECT_EQ(test, 1UL, soft_stats(s->unit).faults);
	KUNIT_EXPECT_EQ(test, 1UL, soft_stats(s->unit).flushes);
	KUNIT_EXPECT_EQ(test, 0UL, soft_stats(s->unit).walk_flushes);
	KUNIT_EXPECT_EQ(test, (u64)addr, (u64)soft_stats(s->unit).flush_addr);
	KUNIT_EXPECT_EQ(test, s->page, soft_stats(s->unit).flush_len);
}

/* The unit must be able to show the bug that the tests above it look for. */
static void soft_flush_fails(struct kunit *test)
{
	struct soft_test *s = test->priv;
	dma_addr_t addr = SZ_1M;

	soft_map(test, s->table, addr, s->pa, s->page, RW);
	KUNIT_EXPECT_EQ(test, 0, soft_read(s, addr, 1));
	soft_unmap(test, s->table, addr, s->page);

	vcm_soft_fail(s->unit, VCM_SOFT_LOSE_FLUSH, 0, 1);
	KUNIT_EXPECT_EQ(test, 0, soft_flush(s, addr, s->page));
	KUNIT_EXPECT_EQ(test, 0, soft_read(s, addr, 1));
	vcm_soft_fail(s->unit, VCM_SOFT_FAIL_FLUSH, 0, 1);
	KUNIT_EXPECT_EQ(test, -EIO, soft_flush(s, addr, s->page));
	KUNIT_EXPECT_EQ(test, 0, soft_read(s, addr, 1));
	KUNIT_EXPECT_EQ(test, 0, soft_flush(s, addr, s->page));
	KUNIT_EXPECT_EQ(test, -EFAULT, soft_read(s, addr, 1));
	KUNIT_EXPECT_EQ(test, 3UL, soft_stats(s->unit).flushes);
}

/* A flush forgets its range, all of it, nothing else, in one table. */
static void soft_flush_range(struct kunit *test)
{
	struct soft_test *s = test->priv;
	struct device *dev = soft_make_device(test, s->unit, "soft-test-2nd");
	struct vcm_table *other = soft_make_table(test, s->unit);
	dma_addr_t addr = SZ_2M - 2 * s->page;
	unsigned int i;

	soft_attach(test, s->unit, dev, other);
	for (i = 0; i < 5; i++) {
		dma_addr_t at = addr + i * s->page;

		soft_map(test, s->table, at, s->pa, s->page, RW);
		soft_map(test, other, at, s->pa, s->page, RW);
		KUNIT_EXPECT_EQ(test, 0, soft_read(s, at, 1));
		KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(s->unit, dev, at, s->buf,
						      1, VCM_READ));
	}
	for (i = 0; i < 5; i++)
		soft_unmap(test, s->table, addr + i * s->page, s->page);
	KUNIT_EXPECT_EQ(test, 10UL, soft_stats(s->unit).tlb_entries);

	KUNIT_EXPECT_EQ(test, 0, soft_flush(s, addr + s->page, 3 * s->page));
	KUNIT_EXPECT_EQ(test, 7UL, soft_stats(s->unit).tlb_entries);
	KUNIT_EXPECT_EQ(test, 0, soft_read(s, addr, s->page));
	KUNIT_EXPECT_EQ(test, -EFAULT, soft_read(s, addr + s->page, 1));
	KUNIT_EXPECT_EQ(test, -EFAULT, soft_read(s, addr + 3 * s->page, 1));
	KUNIT_EXPECT_EQ(test, 0, soft_read(s, addr + 4 * s->page, 1));

	/* As large as it gets, and still only this table. */
	KUNIT_EXPECT_EQ(test, 0, soft_flush(s, 0, SIZE_MAX));
	KUNIT_EXPECT_EQ(test, 5UL, soft_stats(s->unit).tlb_entries);
}

/* Tags are used again: what was cached under one must not be found later. */
static void soft_tag_reuse(struct kunit *test)
{
	struct soft_test *s = test->priv;
	struct device *dev = soft_make_device(test, s->unit, "soft-test-2nd");
	struct soft_link *link = soft_attach(test, s->unit, dev, s->table);
	dma_addr_t addr = SZ_1M;

	soft_map(test, s->table, addr, s->pa, s->page, RW);
	KUNIT_EXPECT_EQ(test, 0, soft_read(s, addr, 1));
	KUNIT_EXPECT_EQ(test, 2U, soft_stats(s->unit).attached);

	soft_unlink(&(struct soft_link){ s->unit, s->dev, s->table });
	KUNIT_EXPECT_EQ(test, 1UL, soft_stats(s->unit).tlb_entries);
	KUNIT_EXPECT_EQ(test, -ENXIO, soft_read(s, addr, 1));
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(s->unit, dev, addr, s->buf, 1,
					      VCM_READ));
	kunit_release_action(test, soft_unlink, link);
	KUNIT_EXPECT_EQ(test, 0U, soft_stats(s->unit).attached);
	KUNIT_EXPECT_EQ(test, 0UL, soft_stats(s->unit).tlb_entries);

	soft_unmap(test, s->table, addr, s->page);
	kunit_release_action(test, soft_free_table, s->table);
	s->table = soft_make_table(test, s->unit);
	soft_attach(test, s->unit, s->dev, s->table);
	KUNIT_EXPECT_EQ(test, -EFAULT, soft_read(s, addr, 1));
}

/* Pages in any order and any number of bytes; what came before a fault did. */
static void soft_dma_any_length(struct kunit *test)
{
	struct soft_test *s = test->priv;
	unsigned int i, n = SOFT_BYTES / s->page;
	dma_addr_t addr = SZ_2M - s->page;
	size_t len = SOFT_BYTES - 200;

	for (i = 0; i < n; i++)
		soft_map(test, s->table, addr + i * s->page,
			 s->pa + (n - 1 - i) * s->page, s->page, RW);
	for (i = 0; i < SOFT_BYTES; i++)
		s->buf[i] = i * 31 + i / 251;
	/* Twice: from the table, and from the TLB. */
	for (i = 0; i < 2; i++) {
		memset(s->mem, 0, SOFT_BYTES);
		KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(s->unit, s->dev,
						      addr + 100, s->buf + 100,
						      len, VCM_WRITE));
	}
	for (i = 0; i < SOFT_BYTES; i++) {
		size_t at = (n - 1 - i / s->page) * s->page + i % s->page;
		u8 want = i < 100 || i >= 100 + len ? 0 : s->buf[i];

		if (s->mem[at] != want)
			KUNIT_FAIL(test, "byte %u is %x", i, s->mem[at]);
	}
	KUNIT_EXPECT_EQ(test, (unsigned long)n, soft_stats(s->unit).tlb_entries);

	memset(s->mem, 0x5a, SOFT_BYTES);
	memset(s->buf, 0, SOFT_BYTES);
	KUNIT_EXPECT_EQ(test, -EFAULT,
			soft_read(s, addr + SOFT_BYTES - 1, 2));
	KUNIT_EXPECT_EQ(test, 0x5a, s->buf[0]);
	KUNIT_EXPECT_EQ(test, 0, s->buf[1]);
	KUNIT_EXPECT_EQ(test, -EFAULT, soft_read(s, addr - 1, 2));
	KUNIT_EXPECT_EQ(test, 0, soft_read(s, addr - 1, 0));
}

static void soft_dma_arguments(struct kunit *test)
{
	static const u32 bad[] = {
		0, RW, VCM_EXEC, VCM_PRIV, VCM_WRITE | VCM_EXEC,
		VCM_READ | BIT(4),
	};
	struct soft_test *s = test->priv;
	struct device *dev = kunit_device_register(test, "soft-test-2nd");
	struct vcm_soft_leaf leaf;
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	soft_map(test, s->table, 0, s->pa, s->page, RW | VCM_EXEC);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ(test, -EINVAL,
				vcm_soft_dma(s->unit, s->dev, 0, s->buf, 1,
					     bad[i]));
	KUNIT_EXPECT_EQ(test, -EINVAL, soft_read(s, ~(dma_addr_t)0, 2));
	KUNIT_EXPECT_EQ(test, 0UL, soft_stats(s->unit).faults);

	KUNIT_EXPECT_EQ(test, -ENODEV, vcm_soft_dma(s->unit, dev, 0, s->buf, 1,
						    VCM_READ));
	KUNIT_EXPECT_EQ(test, -ENODEV, vcm_soft_walk(s->unit, dev, 0, &leaf));
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_add_device(s->unit, dev));
	KUNIT_EXPECT_EQ(test, -EEXIST, vcm_soft_add_device(s->unit, dev));
	KUNIT_EXPECT_EQ(test, -ENXIO, vcm_soft_dma(s->unit, dev, 0, s->buf, 1,
						   VCM_READ));
	KUNIT_EXPECT_EQ(test, -ENXIO, vcm_soft_walk(s->unit, dev, 0, &leaf));
	vcm_soft_remove_device(s->unit, dev);
	KUNIT_EXPECT_EQ(test, -ENODEV, vcm_soft_walk(s->unit, dev, 0, &leaf));
}

/* Who can walk whose table? And two units on one table are two TLBs. */
static void soft_sharing(struct kunit *test)
{
	static const unsigned int bits[] = { 24, 30, 32 };
	struct soft_test *s = test->priv;
	struct vcm_table foreign = {};
	struct vcm_iommu *unit[9];
	struct device *dev;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(unit); i++)
		unit[i] = soft_make_unit(test, (struct vcm_soft_config){
			.format = s->param->format,
			.ias = bits[i / 3],
			.oas = bits[i % 3],
		});
	for (i = 0; i < ARRAY_SIZE(unit); i++) {
		struct vcm_table *table = soft_make_table(test, unit[i]);

		for (j = 0; j < ARRAY_SIZE(unit); j++)
			KUNIT_EXPECT_EQ_MSG(test, j / 3 >= i / 3 &&
					    j % 3 >= i % 3 ? 0 : -EINVAL,
					    unit[j]->ops->can_walk(unit[j],
							s->dev, table),
					    "%u walks the table of %u", j, i);
	}
	KUNIT_EXPECT_EQ(test, -EINVAL,
			s->unit->ops->can_walk(s->unit, s->dev, &foreign));
	for (i = 0; i < VCM_SOFT_NR_FORMATS; i++) {
		struct vcm_soft_config config = {
			.name = "soft-test-other", .format = i,
		};
		struct vcm_iommu *other = vcm_soft_create(&config);

		if (IS_ERR(other))
			continue;
		KUNIT_EXPECT_EQ(test, i == s->param->format ? 0 : -EINVAL,
				other->ops->can_walk(other, s->dev, s->table));
		vcm_soft_destroy(other);
	}

	unit[0] = soft_make_unit(test, (struct vcm_soft_config){
		.format = s->param->format });
	dev = soft_make_device(test, unit[0], "soft-test-2nd");
	soft_attach(test, unit[0], dev, s->table);
	soft_map(test, s->table, 0, s->pa, s->page, RW);
	KUNIT_EXPECT_EQ(test, 0, soft_read(s, 0, 1));
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(unit[0], dev, 0, s->buf, 1,
					      VCM_READ));
	soft_unmap(test, s->table, 0, s->page);
	KUNIT_EXPECT_EQ(test, 0, soft_flush(s, 0, s->page));
	KUNIT_EXPECT_EQ(test, -EFAULT, soft_read(s, 0, 1));
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(unit[0], dev, 0, s->buf, 1,
					      VCM_READ));
}

static void soft_faults_injected(struct kunit *test)
{
	struct soft_test *s = test->priv;
	struct device *dev = soft_make_device(test, s->unit, "soft-test-2nd");
	size_t len = 6 * s->page, mapped;
	dma_addr_t addr = SZ_1M;
	struct vcm_iommu *unit;

	vcm_soft_fail(s->unit, VCM_SOFT_FAIL_MAP, 1, 2);
	soft_map(test, s->table, addr, s->page, len, RW);
	soft_unmap(test, s->table, addr, len);
	KUNIT_EXPECT_EQ(test, -ENOMEM, soft_try_map(s->table, addr, s->page,
						    len, RW, &mapped));
	KUNIT_EXPECT_EQ(test, len / 2, mapped);
	soft_expect_leaf(test, addr + len / 2 - 1, s->page + len / 2 - 1,
			 s->page);
	soft_expect_hole(test, addr + len / 2);
	soft_unmap(test, s->table, addr, mapped);
	KUNIT_EXPECT_EQ(test, -ENOMEM, soft_try_map(s->table, addr, 0, s->page,
						    RW, &mapped));
	KUNIT_EXPECT_EQ(test, 0UL, mapped);
	soft_map(test, s->table, addr, 0, s->page, RW);

	vcm_soft_fail(s->unit, VCM_SOFT_FAIL_TABLE, 0, -1);
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ENOMEM),
			    s->unit->ops->table_alloc(s->unit, dev));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ENOMEM),
			    s->unit->ops->table_alloc(s->unit, dev));
	vcm_soft_fail(s->unit, VCM_SOFT_FAIL_TABLE, 0, 0);
	soft_make_table(test, s->unit);

	vcm_soft_fail(s->unit, VCM_SOFT_FAIL_ATTACH, 0, 1);
	KUNIT_EXPECT_EQ(test, -EIO, s->unit->ops->attach(s->unit, dev,
							 s->table));
	KUNIT_EXPECT_EQ(test, 1U, soft_stats(s->unit).attached);
	soft_attach(test, s->unit, dev, s->table);
	KUNIT_EXPECT_EQ(test, 2U, soft_stats(s->unit).attached);

	vcm_soft_fail(s->unit, VCM_SOFT_DEFER, 0, 1);
	unit = s->unit->ops->get_unit(dev, 0);
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EPROBE_DEFER), unit);
	unit = s->unit->ops->get_unit(dev, 0);
	KUNIT_EXPECT_PTR_EQ(test, s->unit, unit);
	if (!IS_ERR(unit))
		vcm_iommu_put(unit);
}

static int soft_note_window(void *data, dma_addr_t first, dma_addr_t last)
{
	dma_addr_t *window = data;

	window[0] = first;
	window[1] = last;
	return -EINTR;
}

static void soft_units(struct kunit *test)
{
	struct soft_test *s = test->priv;
	const struct vcm_iommu_ops *ops = s->unit->ops;
	dma_addr_t window[2] = {};
	struct vcm_iommu *second, *unit;

	second = soft_make_unit(test, (struct vcm_soft_config){
		.format = s->param->format, .name = "second",
		.reserved_first = 0xf0000, .reserved_len = SZ_64K });
	KUNIT_ASSERT_EQ(test, 0, vcm_soft_add_device(second, s->dev));
	KUNIT_EXPECT_EQ(test, -EINTR,
			ops->for_each_reserved(second, s->dev,
					       soft_note_window, window));
	KUNIT_EXPECT_EQ(test, 0xf0000ULL, (u64)window[0]);
	KUNIT_EXPECT_EQ(test, 0xfffffULL, (u64)window[1]);
	KUNIT_EXPECT_EQ(test, 0, ops->for_each_reserved(s->unit, s->dev,
							soft_note_window,
							window));

	unit = ops->get_unit(s->dev, 0);
	KUNIT_EXPECT_PTR_EQ(test, s->unit, unit);
	vcm_iommu_put(unit);
	unit = ops->get_unit(s->dev, 1);
	KUNIT_EXPECT_PTR_EQ(test, second, unit);
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ENODEV), ops->get_unit(s->dev, 2));

	/* Out of view, but the reference keeps it. */
	kunit_release_action(test, soft_destroy, second);
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ENODEV), ops->get_unit(s->dev, 1));
	KUNIT_EXPECT_STREQ(test, "second", unit->name);
	vcm_iommu_put(unit);
}

static void soft_bad_config(struct kunit *test)
{
	struct soft_test *s = test->priv;
	const struct vcm_soft_config bad[] = {
		{ .format = s->param->format },
		{ .name = "bad", .format = VCM_SOFT_NR_FORMATS },
		{ .name = "bad", .format = s->param->format, .ias = 23 },
		{ .name = "bad", .format = s->param->format,
		  .ias = s->param->ias + 1 },
		{ .name = "bad", .format = s->param->format, .oas = 65 },
		{ .name = "bad", .format = s->param->format, .oas = 11 },
		{ .name = "bad", .format = s->param->format,
		  .reserved_first = ~(dma_addr_t)0, .reserved_len = 2 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_PTR_EQ_MSG(test, ERR_PTR(-EINVAL),
					vcm_soft_create(&bad[i]), "%u", i);
}

struct soft_writer {
	struct soft_test *s;
	dma_addr_t addr;
	unsigned long hits;
};

static int soft_write_always(void *data)
{
	struct soft_writer *w = data;
	struct soft_test *s = w->s;

	while (!kthread_should_stop()) {
		if (!vcm_soft_dma(s->unit, s->dev, w->addr + s->page / 2,
				  s->buf, s->page, VCM_WRITE))
			w->hits++;
		cond_resched();
	}
	return 0;
}

/* When the flush returns, no write is under way any more, on no CPU. */
static void soft_unmap_under_dma(struct kunit *test)
{
	struct soft_test *s = test->priv;
	struct soft_writer w = { .s = s, .addr = SZ_1M };
	unsigned long end = jiffies + HZ / 4;
	struct task_struct *task;
	size_t len = 2 * s->page;

	memset(s->buf, 0xff, s->page);
	task = kthread_run(soft_write_always, &w, "soft-writer");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	while (time_before(jiffies, end) || !READ_ONCE(w.hits)) {
		size_t mapped;
		unsigned int i;

		if (soft_try_map(s->table, w.addr, s->pa, len, RW, &mapped))
			break;
		for (i = 0; i < 20; i++)
			cond_resched();
		if (s->table->ops->unmap(s->table, w.addr, len) != len)
			break;
		soft_flush(s, w.addr, len);
		memset(s->mem, 0, len);
		for (i = 0; i < 20; i++)
			cond_resched();
		if (memchr_inv(s->mem, 0, len)) {
			KUNIT_FAIL(test, "written after the flush");
			break;
		}
	}
	kthread_stop(task);
	KUNIT_EXPECT_GT(test, w.hits, 0UL);
}

struct soft_walker {
	struct vcm_iommu *unit[2];
	struct device *dev[2];
	dma_addr_t addr;
	size_t len;
	unsigned long hits;
};

static int soft_walk_always(void *data)
{
	struct soft_walker *w = data;
	dma_addr_t addr = w->addr;
	unsigned int i;
	u64 word;

	while (!kthread_should_stop()) {
		for (i = 0; i < 2; i++)
			if (!vcm_soft_dma(w->unit[i], w->dev[i], addr, &word,
					  sizeof(word), VCM_READ))
				w->hits++;
		addr += SZ_4K;
		if (addr >= w->addr + w->len)
			addr = w->addr;
		cond_resched();
	}
	return 0;
}

/*
 * The one case that needs the core, which knows who walks a table: before a
 * node of it is freed, it is flushed from every unit, and the flush after the
 * unmap is still one.
 */
static void soft_nodes_under_walk(struct kunit *test)
{
	struct soft_test *s = test->priv;
	struct soft_walker w = { .addr = SZ_4M + PAGE_SIZE, .len = SZ_4M };
	unsigned long end = jiffies + HZ / 4, rounds = 0;
	struct vcm *vcm = vcm_create(0, SZ_64M);
	struct vcm_assoc *assoc[2];
	struct task_struct *task;
	struct vcm_phys *phys;
	struct vcm_res *res;
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vcm);
	phys = vcm_phys_alloc(NULL, w.len, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	for (i = 0; i < 2; i++) {
		w.unit[i] = soft_make_unit(test, (struct vcm_soft_config){
			.format = s->param->format });
		w.dev[i] = soft_make_device(test, w.unit[i],
					    i ? "soft-walk-1" : "soft-walk-0");
		assoc[i] = vcm_assoc(vcm, w.dev[i], 0);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, assoc[i]);
		KUNIT_ASSERT_EQ(test, 0, vcm_activate(assoc[i]));
	}
	KUNIT_EXPECT_EQ(test, 1U, vcm_get_num_tables(vcm));
	/* One page off, so that the table is made of small pages. */
	res = vcm_reserve_at(vcm, w.addr, w.len, RW);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);

	task = kthread_run(soft_walk_always, &w, "soft-walker");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	while (time_before(jiffies, end) || !READ_ONCE(w.hits)) {
		if (vcm_back(res, phys))
			break;
		cond_resched();
		if (vcm_unback(res))
			break;
		rounds++;
	}
	kthread_stop(task);
	KUNIT_EXPECT_GT(test, w.hits, 0UL);
	for (i = 0; i < 2; i++) {
		struct vcm_soft_stats stats = soft_stats(w.unit[i]);

		KUNIT_EXPECT_EQ(test, rounds, stats.flushes);
		KUNIT_EXPECT_EQ(test, (u64)w.addr, (u64)stats.flush_addr);
		KUNIT_EXPECT_EQ(test, w.len, stats.flush_len);
		if (w.len >= 2 * s->param->node)
			KUNIT_EXPECT_GE(test, stats.walk_flushes, rounds);
		KUNIT_EXPECT_EQ(test, 0UL, stats.tlb_entries);
		KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(assoc[i]));
		KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc[i]));
	}
	KUNIT_EXPECT_EQ(test, 0UL, vcm_soft_table_pages(w.unit[0]));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

static struct kunit_case soft_cases[] = {
	KUNIT_CASE_PARAM(soft_stale_until_flushed, soft_gen_params),
	KUNIT_CASE_PARAM(soft_flush_fails, soft_gen_params),
	KUNIT_CASE_PARAM(soft_flush_range, soft_gen_params),
	KUNIT_CASE_PARAM(soft_tag_reuse, soft_gen_params),
	KUNIT_CASE_PARAM(soft_dma_any_length, soft_gen_params),
	KUNIT_CASE_PARAM(soft_dma_arguments, soft_gen_params),
	KUNIT_CASE_PARAM(soft_sharing, soft_gen_params),
	KUNIT_CASE_PARAM(soft_faults_injected, soft_gen_params),
	KUNIT_CASE_PARAM(soft_units, soft_gen_params),
	KUNIT_CASE_PARAM(soft_bad_config, soft_gen_params),
	KUNIT_CASE_PARAM(soft_unmap_under_dma, soft_gen_params),
	KUNIT_CASE_PARAM(soft_nodes_under_walk, soft_gen_params),
	{}
};

static struct kunit_suite soft_suite = {
	.name = "vcm_soft",
	.init = soft_test_init,
	.test_cases = soft_cases,
};

kunit_test_suite(soft_suite);

MODULE_DESCRIPTION("Tests of VCMM's IOMMU in software");
MODULE_LICENSE("GPL");
