// SPDX-License-Identifier: GPL-2.0-only
/*
 * What VCMM costs: the clock, and the files in debugfs.
 *
 *	vcm_bench/rows	the names of the rows for this machine, a line each
 *	vcm_bench/run	write a name to measure that row
 *
 * Figures go to the kernel's log.
 */
#define pr_fmt(fmt) "vcm-bench: " fmt

#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "vcm_bench.h"

/* The first ones fill caches and page tables, and are not looked at. */
#define BENCH_WARM	4
#define BENCH_SAMPLES	33

/* Instructions are counted on one CPU; what takes two is real time. */
static const struct {
	const char *name;
	int (*run)(void);
	unsigned int cpus;
} bench_rows[] = {
	{ "B1", bench_back },
	{ "B2", bench_whole },
	{ "B3", bench_units },
	{ "B4", bench_tables },
	{ "B5", bench_live },
	{ "B6", bench_full },
	{ "B7", bench_blocks },
	{ "B8", bench_flush },
	{ "B9", bench_mappers },
	{ "B10", bench_frames },
	{ "B11", bench_bytes },
	{ "B12", bench_parallel, 2 },
};

static DEFINE_MUTEX(bench_lock);

static int bench_cmp(const void *a, const void *b)
{
	u64 left = *(const u64 *)a, right = *(const u64 *)b;

	return left < right ? -1 : left > right;
}

/* An interrupt makes a sample longer; the median has none in it. */
static u64 bench_median(u64 *samples)
{
	sort(samples, BENCH_SAMPLES, sizeof(*samples), bench_cmp, NULL);
	return samples[BENCH_SAMPLES / 2];
}

static int bench_nothing(void *data)
{
	return 0;
}

static int bench_sample(const struct bench_op *op, struct bench_cost *cost)
{
	static u64 make[BENCH_SAMPLES], undo[BENCH_SAMPLES];
	int i, ret;

	for (i = -BENCH_WARM; i < BENCH_SAMPLES; i++) {
		u64 begin, middle, end;

		cond_resched();
		begin = ktime_get_ns();
		ret = op->make(op->data);
		middle = ktime_get_ns();
		if (ret)
			return ret;
		ret = op->undo(op->data);
		end = ktime_get_ns();
		if (ret)
			return ret;
		if (i < 0)
			continue;
		make[i] = middle - begin;
		undo[i] = end - middle;
	}
	cost->make = bench_median(make);
	cost->undo = bench_median(undo);
	return 0;
}

/**
 * bench_measure() - what does something cost?
 * @op: how to do it, and how to undo it; done many times in turn
 * @cost: where to put the medians, without the clock and the call itself
 *
 * Context: May sleep, in a row.
 * Return: 0, or what a function of @op returned; it is not undone then.
 */
int bench_measure(const struct bench_op *op, struct bench_cost *cost)
{
	const struct bench_op nothing = {
		.make = bench_nothing, .undo = bench_nothing,
	};
	struct bench_cost clock;
	int ret;

	lockdep_assert_held(&bench_lock);

	ret = bench_sample(&nothing, &clock) ?: bench_sample(op, cost);
	if (ret)
		return ret;
	cost->make -= min(cost->make, clock.make);
	cost->undo -= min(cost->undo, clock.undo);
	return 0;
}

/**
 * bench_say() - say one figure
 * @row: the row
 * @who: who was measured
 * @figure: how much
 * @unit: of what
 * @params: with which parameters, format and arguments: "key=value key=value"
 */
void bench_say(const char *row, const char *who, u64 figure, const char *unit,
	       const char *params, ...)
{
	struct va_format vaf = { .fmt = params };
	va_list args;

	va_start(args, params);
	vaf.va = &args;
	pr_info("%s|%pV|%s|%llu|%s\n", row, &vaf, who, figure, unit);
	va_end(args);
}

static ssize_t bench_run(struct file *file, const char __user *text,
			 size_t len, loff_t *pos)
{
	char name[16] = "";
	int i, ret = -EINVAL;

	if (!len || len >= sizeof(name))
		return -EINVAL;
	if (copy_from_user(name, text, len))
		return -EFAULT;
	strim(name);

	mutex_lock(&bench_lock);
	for (i = 0; i < ARRAY_SIZE(bench_rows); i++) {
		if (strcmp(name, bench_rows[i].name))
			continue;
		ret = bench_rows[i].run();
		if (ret)
			pr_err("%s failed (%d)\n", name, ret);
		break;
	}
	mutex_unlock(&bench_lock);
	return ret ?: len;
}

static const struct file_operations bench_run_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = bench_run,
};

static int bench_rows_show(struct seq_file *s, void *unused)
{
	bool several = num_online_cpus() > 1;
	int i;

	for (i = 0; i < ARRAY_SIZE(bench_rows); i++) {
		bool wants_several = bench_rows[i].cpus > 1;

		if (wants_several == several)
			seq_printf(s, "%s\n", bench_rows[i].name);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(bench_rows);

static int __init bench_init(void)
{
	struct dentry *dir = debugfs_create_dir("vcm_bench", NULL);

	debugfs_create_file("rows", 0400, dir, NULL, &bench_rows_fops);
	debugfs_create_file("run", 0200, dir, NULL, &bench_run_fops);
	return 0;
}
late_initcall(bench_init);
