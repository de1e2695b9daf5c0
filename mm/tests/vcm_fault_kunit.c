// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of VCMM: accesses that a unit refuses.
 *
 * Rule 10, and hard cases 7 (a device goes while its faults are reported), 8
 * (work that is pending when it goes) and 27 (a storm).
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/device/driver.h>
#include <linux/jiffies.h>
#include <linux/kmsg_dump.h>
#include <linux/kthread.h>
#include <linux/ratelimit.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"

#define SOON_MS		2000
#define STALL_MS	5000
#define STORM		100000
#define RACE_MS		300

/**
 * struct ear - somebody who listens to the faults of a device
 * @dev: what the last one was of
 * @addr: where
 * @access: what was tried
 * @calls: how many there were
 * @answer: what to say
 * @armed: calls are expected
 * @surprises: calls that were not
 * @sleep_ms: how long to take
 * @entered: a call has begun, if somebody waits for it
 * @leave: it may end, if it is to wait
 * @waits: it is to wait
 * @res: what to back
 * @phys: and with what
 */
struct ear {
	struct device *dev;
	dma_addr_t addr;
	u32 access;
	unsigned int calls;
	int answer;
	bool armed;
	unsigned int surprises;
	unsigned int sleep_ms;
	struct completion entered;
	struct completion leave;
	bool waits;
	struct vcm_res *res;
	struct vcm_phys *phys;
};

static int ear_hear(struct device *dev, dma_addr_t addr, u32 access, void *data)
{
	struct ear *ear = data;

	might_sleep();
	ear->dev = dev;
	ear->addr = addr;
	ear->access = access;
	ear->surprises += !READ_ONCE(ear->armed);
	complete_all(&ear->entered);
	if (ear->waits)
		wait_for_completion(&ear->leave);
	if (ear->sleep_ms)
		msleep(ear->sleep_ms);
	ear->surprises += !READ_ONCE(ear->armed);
	/* What was heard, before the number; see ear_expect(). */
	smp_store_release(&ear->calls, ear->calls + 1);
	return ear->answer;
}

/* A page is missing: bring it. */
static int ear_back(struct device *dev, dma_addr_t addr, u32 access, void *data)
{
	struct ear *ear = data;

	ear_hear(dev, addr, access, data);
	return vcm_back(ear->res, ear->phys);
}

static struct ear *ear_new(struct kunit *test, unsigned int nr)
{
	struct ear *ears = kunit_kcalloc(test, nr, sizeof(*ears), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, ears);
	for (i = 0; i < nr; i++) {
		init_completion(&ears[i].entered);
		init_completion(&ears[i].leave);
		ears[i].armed = true;
	}
	return ears;
}

static void ear_expect(struct kunit *test, struct ear *ear, unsigned int calls)
{
	unsigned int ms;

	for (ms = 0; ms < SOON_MS; ms++) {
		/* The number, before what was heard; see ear_hear(). */
		if (smp_load_acquire(&ear->calls) >= calls)
			break;
		usleep_range(1000, 2000);
	}
	KUNIT_EXPECT_EQ(test, calls, ear->calls);
}

static int fault_dma(struct vcm_iommu *unit, struct device *dev,
		     dma_addr_t addr, u32 access)
{
	u8 byte = 0x5a;

	return vcm_soft_dma(unit, dev, addr, &byte, 1, access);
}

/* How many lines of the kernel's log hold both? */
static unsigned int lines_with(const char *a, const char *b)
{
	static char line[256];
	struct kmsg_dump_iter iter;
	unsigned int nr = 0;
	size_t len;

	kmsg_dump_rewind(&iter);
	while (kmsg_dump_get_line(&iter, true, line, sizeof(line) - 1, &len)) {
		line[len] = '\0';
		nr += strstr(line, a) && strstr(line, b);
	}
	return nr;
}

/* From here on as if nothing had been told for a long time. */
static void fresh_limit(void)
{
	ratelimit_state_init(&vcm_fault_limit, DEFAULT_RATELIMIT_INTERVAL,
			     DEFAULT_RATELIMIT_BURST);
}

/* The right device, address and access, and nobody else's. */
static void fault_is_told(struct kunit *test)
{
	static const u32 accesses[] = {
		VCM_READ, VCM_WRITE, VCM_READ | VCM_EXEC, VCM_WRITE | VCM_PRIV,
	};
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct ear *ears = ear_new(test, bed->nr);
	struct vcm_hook_stats stats;
	unsigned int i, j;

	/* Before they are associated, and after. */
	for (i = 0; i < bed->nr; i += 2)
		KUNIT_ASSERT_EQ(test, 0, vcm_hook(bed->devs[i], ear_hear,
						  &ears[i]));
	bed_join(bed);
	for (i = 1; i < bed->nr; i += 2)
		KUNIT_ASSERT_EQ(test, 0, vcm_hook(bed->devs[i], ear_hear,
						  &ears[i]));

	for (j = 0; j < ARRAY_SIZE(accesses); j++) {
		for (i = 0; i < bed->nr; i++)
			KUNIT_EXPECT_EQ(test, -EFAULT,
					fault_dma(bed->units[i], bed->devs[i],
						  BED_START + i * 0x123 + j,
						  accesses[j]));
		for (i = 0; i < bed->nr; i++) {
			ear_expect(test, &ears[i], j + 1);
			KUNIT_EXPECT_PTR_EQ(test, bed->devs[i], ears[i].dev);
			KUNIT_EXPECT_EQ(test, BED_START + i * 0x123 + j,
					ears[i].addr);
			KUNIT_EXPECT_EQ(test, accesses[j], ears[i].access);
		}
	}
	for (i = 0; i < bed->nr; i++) {
		KUNIT_EXPECT_EQ(test, 0, vcm_hook_get_stats(bed->devs[i],
							    &stats));
		KUNIT_EXPECT_EQ(test, ARRAY_SIZE(accesses), stats.kept);
		KUNIT_EXPECT_EQ(test, 0, stats.dropped);
		KUNIT_EXPECT_EQ(test, 0, vcm_hook(bed->devs[i], NULL, NULL));
		KUNIT_EXPECT_EQ(test, -ENOENT, vcm_hook_get_stats(bed->devs[i],
								  &stats));
	}
	bed_end(bed);
}

/* Not only what is missing: also what is not allowed. */
static void fault_of_rights(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct vcm_res *res = bed_reserve(bed, SZ_64K, VCM_READ);
	struct vcm_phys *phys = bed_alloc(bed, SZ_64K, 0);
	struct ear *ear = ear_new(test, 1);
	dma_addr_t addr = vcm_get_dev_addr(res) + SZ_4K + 5;

	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_ASSERT_EQ(test, 0, vcm_hook(bed->devs[0], ear_hear, ear));
	KUNIT_EXPECT_EQ(test, 0, fault_dma(bed->units[0], bed->devs[0], addr,
					   VCM_READ));
	KUNIT_EXPECT_EQ(test, -EFAULT, fault_dma(bed->units[0], bed->devs[0],
						 addr, VCM_WRITE));
	ear_expect(test, ear, 1);
	KUNIT_EXPECT_EQ(test, addr, ear->addr);
	KUNIT_EXPECT_EQ(test, VCM_WRITE, ear->access);
	KUNIT_EXPECT_EQ(test, 0, vcm_hook(bed->devs[0], NULL, NULL));

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

/* Nobody listens: one warning, with all that is known; a storm has few. */
static void fault_without_handler(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_two);
	const char *name = dev_name(bed->devs[1]);
	unsigned int i, before, mute;

	KUNIT_ASSERT_EQ(test, 0, vcm_set_name(bed->vcm, "nobody-listens"));
	bed_join(bed);
	before = lines_with(name, "nobody-listens: fault: privileged write at");
	mute = lines_with("nobody-listens", "fault");
	fresh_limit();
	KUNIT_EXPECT_EQ(test, -EFAULT,
			fault_dma(bed->units[1], bed->devs[1],
				  BED_START + 0xabc, VCM_WRITE | VCM_PRIV));
	KUNIT_EXPECT_EQ(test, before + 1,
			lines_with(name, "nobody-listens: fault: privileged write at"));
	KUNIT_EXPECT_EQ(test, mute + 1, lines_with("nobody-listens", "fault"));
	KUNIT_EXPECT_EQ(test, 1, lines_with("nobody-listens", "10000abc"));

	for (i = 0; i < 1000; i++)
		fault_dma(bed->units[0], bed->devs[0], BED_START, VCM_READ);
	i = lines_with("nobody-listens", "fault") - mute;
	KUNIT_EXPECT_GT(test, i, 1);
	KUNIT_EXPECT_LE(test, i, 2 * DEFAULT_RATELIMIT_BURST);
	bed_end(bed);
}

static const struct vcm_bed_kind storm_kinds[] = {
	{ "one unit", 1, { VCM_SOFT_LPAE }, 1 },
	{ "ten units share", 10, { VCM_SOFT_LPAE }, 1 },
	{ "three tables", 3,
	  { VCM_SOFT_HALF, VCM_SOFT_V7S, VCM_SOFT_LPAE }, 3 },
};

KUNIT_ARRAY_PARAM_DESC(storm, storm_kinds, name);

/* Bounded memory, a bounded number of calls, and every fault accounted for. */
static void fault_storm(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct vcm_res *res = bed_reserve(bed, SZ_64K, VCM_RW);
	struct vcm_phys *phys = bed_alloc(bed, SZ_64K, 0);
	struct ear *ear = ear_new(test, 1);
	unsigned long began = jiffies, pauses;
	struct vcm_hook_stats stats;
	unsigned int i, told;

	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_ASSERT_EQ(test, 0, vcm_hook(bed->devs[0], ear_hear, ear));
	told = lines_with(dev_name(bed->devs[0]), "faults dropped");
	fresh_limit();
	for (i = 0; i < STORM; i++) {
		if (fault_dma(bed->units[0], bed->devs[0], BED_START + SZ_256M,
			      VCM_READ) != -EFAULT)
			break;
		if (!(i % 1024))
			cond_resched();
	}
	KUNIT_EXPECT_EQ(test, STORM, i);
	bed_expect_memory(bed, res, phys);

	KUNIT_ASSERT_EQ(test, 0, vcm_hook_get_stats(bed->devs[0], &stats));
	KUNIT_EXPECT_EQ(test, STORM, stats.kept + stats.dropped);
	KUNIT_EXPECT_GT(test, stats.dropped, STORM / 2);
	/* One store for each pause, and those at either end. */
	pauses = jiffies_to_msecs(jiffies - began) / 10 + 2;
	KUNIT_EXPECT_LE(test, stats.kept, 2 * VCM_HOOK_STORE * pauses);
	ear_expect(test, ear, stats.kept);
	kunit_info(test, "%lu kept, %lu dropped, in %u ms", stats.kept,
		   stats.dropped, jiffies_to_msecs(jiffies - began));

	KUNIT_EXPECT_EQ(test, 0, vcm_hook(bed->devs[0], NULL, NULL));
	KUNIT_EXPECT_GT(test, lines_with(dev_name(bed->devs[0]),
					 "faults dropped"), told);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

/**
 * struct master - a device that goes on and on
 * @task: the thread
 * @unit: its unit
 * @dev: the device
 * @addr: where it tries
 * @once: it tries once
 * @ret: what came of the last try
 * @rounds: how many there were
 * @done: there will be no more
 */
struct master {
	struct task_struct *task;
	struct vcm_iommu *unit;
	struct device *dev;
	dma_addr_t addr;
	bool once;
	int ret;
	unsigned long rounds;
	struct completion done;
};

static int master_run(void *data)
{
	struct master *m = data;

	do {
		m->ret = fault_dma(m->unit, m->dev, m->addr, VCM_WRITE);
		m->rounds++;
		cond_resched();
	} while (!m->once && !kthread_should_stop());
	complete(&m->done);
	while (!kthread_should_stop())
		usleep_range(1000, 2000);
	return 0;
}

static void master_start(struct kunit *test, struct master *m,
			 struct vcm_iommu *unit, struct device *dev,
			 dma_addr_t addr, bool once)
{
	*m = (struct master){
		.unit = unit, .dev = dev, .addr = addr, .once = once,
	};
	init_completion(&m->done);
	m->task = kthread_run(master_run, m, "vcm-master");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, m->task);
}

static int master_wait(struct kunit *test, struct master *m)
{
	KUNIT_EXPECT_NE(test, 0,
			wait_for_completion_timeout(&m->done,
						    msecs_to_jiffies(SOON_MS)));
	kthread_stop(m->task);
	return m->ret;
}

/* Once it is removed the handler does not run, whatever the device does. */
static void hook_removed_under_fire(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_two);
	unsigned long end = jiffies + msecs_to_jiffies(RACE_MS);
	struct ear *ear = ear_new(test, 1);
	unsigned int rounds = 0;
	struct master m;

	bed_join(bed);
	master_start(test, &m, bed->units[0], bed->devs[0], BED_START, false);
	while (time_before(jiffies, end)) {
		WRITE_ONCE(ear->armed, true);
		KUNIT_ASSERT_EQ(test, 0, vcm_hook(bed->devs[0], ear_hear, ear));
		if (rounds++ % 2)
			usleep_range(1000, 2000);
		else
			cond_resched();
		KUNIT_ASSERT_EQ(test, 0, vcm_hook(bed->devs[0], NULL, NULL));
		WRITE_ONCE(ear->armed, false);
		cond_resched();
	}
	kthread_stop(m.task);
	KUNIT_EXPECT_EQ(test, -EFAULT, m.ret);
	KUNIT_EXPECT_EQ(test, 0, ear->surprises);
	KUNIT_EXPECT_GT(test, ear->calls, 0);
	kunit_info(test, "%u hooks, %u calls, %lu faults", rounds, ear->calls,
		   m.rounds);
	bed_end(bed);
}

static int remove_hook(void *data)
{
	struct ear *ear = data;
	int ret = vcm_hook(ear->dev, NULL, NULL);

	/* The handler is in the middle of a call until it may leave. */
	ret = ret ?: completion_done(&ear->leave) ? 0 : -EBUSY;
	while (!kthread_should_stop())
		usleep_range(1000, 2000);
	return ret;
}

/* Whoever removes it, and however many: all wait for the handler. */
static void hook_removed_by_two(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_one);
	struct task_struct *tasks[2];
	struct ear *ear = ear_new(test, 1);
	struct vcm_hook_stats stats;
	unsigned int i;

	bed_join(bed);
	ear->waits = true;
	KUNIT_ASSERT_EQ(test, 0, vcm_hook(bed->devs[0], ear_hear, ear));
	fault_dma(bed->units[0], bed->devs[0], BED_START, VCM_READ);
	wait_for_completion(&ear->entered);
	for (i = 0; i < 2; i++) {
		tasks[i] = kthread_run(remove_hook, ear, "vcm-remove/%u", i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, tasks[i]);
	}
	msleep(20);
	/* It is on its way out: it hears nothing, and keeps its place. */
	KUNIT_EXPECT_EQ(test, -EFAULT, fault_dma(bed->units[0], bed->devs[0],
						 BED_START, VCM_READ));
	KUNIT_EXPECT_EQ(test, 0, vcm_hook_get_stats(bed->devs[0], &stats));
	KUNIT_EXPECT_EQ(test, 1, stats.kept);
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_hook(bed->devs[0], ear_hear, ear));
	complete_all(&ear->leave);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, 0, kthread_stop(tasks[i]));
	KUNIT_EXPECT_EQ(test, 1, ear->calls);
	KUNIT_EXPECT_EQ(test, 0, vcm_hook(bed->devs[0], ear_hear, ear));
	KUNIT_EXPECT_EQ(test, 0, vcm_hook(bed->devs[0], NULL, NULL));
	bed_end(bed);
}

/* The device is unplugged while it faults, and while its handler runs. */
static void device_removed_under_fire(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct ear *ear = ear_new(test, 1);
	struct device *dev = bed->devs[0];
	struct vcm_hook_stats stats;
	struct master m;

	bed_join(bed);
	ear->sleep_ms = 5;
	KUNIT_ASSERT_EQ(test, 0, vcm_hook(dev, ear_hear, ear));
	get_device(dev);
	master_start(test, &m, bed->units[0], dev, BED_START, false);
	wait_for_completion(&ear->entered);
	kunit_device_unregister(test, dev);
	WRITE_ONCE(ear->armed, false);
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_hook_get_stats(dev, &stats));
	KUNIT_EXPECT_EQ(test, -ENODEV, vcm_hook(dev, ear_hear, ear));
	KUNIT_EXPECT_EQ(test, 0, vcm_hook(dev, NULL, NULL));
	msleep(20);
	kthread_stop(m.task);
	KUNIT_EXPECT_EQ(test, -ENXIO, m.ret);
	KUNIT_EXPECT_EQ(test, 0, ear->surprises);
	vcm_soft_remove_device(bed->units[0], dev);
	put_device(dev);
	bed_end(bed);
}

struct driver_data {
	struct device *dev;
	int hooked;
};

static void driver_data_free(void *p)
{
	struct driver_data *data = p;
	struct vcm_hook_stats stats;

	data->hooked = vcm_hook_get_stats(data->dev, &stats);
}

/* The driver forgets its hook: it is gone before what it works with is. */
static void driver_unbound(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_one);
	struct driver_data data = { .dev = bed->devs[0], .hooked = 1 };
	struct ear *ear = ear_new(test, 1);
	struct vcm_hook_stats stats;

	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_hook(data.dev, ear_hear, ear));
	KUNIT_ASSERT_EQ(test, 0, devm_add_action(data.dev, driver_data_free,
						 &data));
	device_release_driver(data.dev);
	KUNIT_EXPECT_EQ(test, -ENOENT, data.hooked);

	/* Without a driver it has a hook until it is removed itself. */
	KUNIT_ASSERT_EQ(test, 0, vcm_hook(data.dev, ear_hear, ear));
	get_device(data.dev);
	kunit_device_unregister(test, data.dev);
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_hook_get_stats(data.dev, &stats));
	vcm_soft_remove_device(bed->units[0], data.dev);
	put_device(data.dev);
	bed_end(bed);
}

/* One handler that takes its time does not hold up another device's. */
static void handlers_side_by_side(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_two);
	struct ear *ears = ear_new(test, 2);
	unsigned int i;

	bed_join(bed);
	ears[0].waits = true;
	for (i = 0; i < 2; i++)
		KUNIT_ASSERT_EQ(test, 0, vcm_hook(bed->devs[i], ear_hear,
						  &ears[i]));
	fault_dma(bed->units[0], bed->devs[0], BED_START, VCM_READ);
	wait_for_completion(&ears[0].entered);
	fault_dma(bed->units[1], bed->devs[1], BED_START, VCM_READ);
	ear_expect(test, &ears[1], 1);
	KUNIT_EXPECT_EQ(test, 0, ears[0].calls);
	complete_all(&ears[0].leave);
	ear_expect(test, &ears[0], 1);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, 0, vcm_hook(bed->devs[i], NULL, NULL));
	bed_end(bed);
}

static int remove_oneself(struct device *dev, dma_addr_t addr, u32 access,
			  void *data)
{
	struct ear *ear = data;

	ear->answer = vcm_hook(dev, NULL, NULL);
	return ear_hear(dev, addr, access, data);
}

static void hook_arguments(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_one);
	struct ear *ear = ear_new(test, 1);
	struct device *dev = bed->devs[0];
	struct device *busless = root_device_register("vcm-busless");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, busless);
	bed_join(bed);
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_hook(NULL, ear_hear, ear));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_hook(ERR_PTR(-EIO), ear_hear, ear));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_hook(NULL, NULL, NULL));
	KUNIT_EXPECT_EQ(test, -ENODEV, vcm_hook(busless, ear_hear, ear));
	KUNIT_EXPECT_EQ(test, 0, vcm_hook(dev, NULL, NULL));
	KUNIT_EXPECT_EQ(test, 0, vcm_hook(dev, remove_oneself, ear));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_hook(dev, ear_hear, ear));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_hook(dev, remove_oneself, ear));

	/* A handler cannot wait for its own end; the hook stays. */
	fault_dma(bed->units[0], dev, BED_START, VCM_READ);
	ear_expect(test, ear, 1);
	KUNIT_EXPECT_EQ(test, -EDEADLK, ear->answer);
	fault_dma(bed->units[0], dev, BED_START, VCM_READ);
	ear_expect(test, ear, 2);
	KUNIT_EXPECT_EQ(test, 0, vcm_hook(dev, NULL, NULL));
	root_device_unregister(busless);
	bed_end(bed);
}

/* Accesses that wait */

static const struct vcm_soft_config stall_configs[] = {
	{ .name = "lpae", .format = VCM_SOFT_LPAE, .stall_ms = STALL_MS },
	{ .name = "v7s", .format = VCM_SOFT_V7S, .stall_ms = STALL_MS },
	{ .name = "half", .format = VCM_SOFT_HALF, .stall_ms = STALL_MS },
};

KUNIT_ARRAY_PARAM_DESC(stall, stall_configs, name);

struct stall_bed {
	struct vcm *vcm;
	struct vcm_iommu *unit;
	struct device *dev;
	struct vcm_assoc *assoc;
	struct ear *ear;
	struct vcm_res *res;
	struct vcm_phys *phys;
	dma_addr_t addr;
};

static struct stall_bed stall_new(struct kunit *test,
				  const struct vcm_soft_config *config)
{
	struct stall_bed s = {
		.vcm = space_new(test, BED_START, BED_LEN),
		.ear = ear_new(test, 1),
	};

	s.dev = bed_limited(test, &s.unit, *config);
	s.assoc = space_join(test, s.vcm, s.dev);
	KUNIT_ASSERT_EQ(test, 0, vcm_activate(s.assoc));
	s.res = space_take(test, s.vcm, SZ_64K, VCM_RW);
	s.addr = vcm_get_dev_addr(s.res);
	s.phys = vcm_phys_alloc(NULL, SZ_64K, VCM_ZERO);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s.phys);
	s.ear->res = s.res;
	s.ear->phys = s.phys;
	return s;
}

static void stall_end(struct kunit *test, struct stall_bed *s)
{
	KUNIT_EXPECT_EQ(test, 0, vcm_hook(s->dev, NULL, NULL));
	if (vcm_is_active(s->assoc))
		KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(s->assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(s->assoc));
	if (!IS_ERR(vcm_get_physmem_from_res(s->res)))
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(s->res));
	space_give(test, s->res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(s->phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(s->vcm));
}

static unsigned int stall_count(struct stall_bed *s)
{
	struct vcm_soft_stats stats;

	vcm_soft_get_stats(s->unit, &stats);
	return stats.stalled;
}

/* The handler backs what is missing, and the access goes through. */
static void stall_is_served(struct kunit *test)
{
	struct stall_bed s = stall_new(test, test->param_value);
	size_t len = 3 * PAGE_SIZE;
	u8 *buf = kunit_kzalloc(test, len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_ASSERT_EQ(test, 0, vcm_hook(s.dev, ear_back, s.ear));
	s.ear->sleep_ms = 5;
	memset(buf, 0xc3, len);
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(s.unit, s.dev, s.addr + 7, buf,
					      len, VCM_WRITE));
	/* All of it was backed at once, so it has faulted once. */
	KUNIT_EXPECT_EQ(test, 1, s.ear->calls);
	KUNIT_EXPECT_EQ(test, s.addr + 7, s.ear->addr);
	KUNIT_EXPECT_EQ(test, VCM_WRITE, s.ear->access);
	KUNIT_EXPECT_EQ(test, 0xc3, phys_peek(s.phys, 7));
	KUNIT_EXPECT_EQ(test, 0xc3, phys_peek(s.phys, len + 6));
	KUNIT_EXPECT_EQ(test, 0, phys_peek(s.phys, len + 7));
	KUNIT_EXPECT_EQ(test, 0, stall_count(&s));

	/* And once more, after it was taken away. */
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(s.res));
	KUNIT_EXPECT_EQ(test, 0, fault_dma(s.unit, s.dev, s.addr, VCM_READ));
	KUNIT_EXPECT_EQ(test, 2, s.ear->calls);
	stall_end(test, &s);
}

/* Nobody to ask, a "no", a "yes" that is a lie: it fails in time. */
static void stall_is_refused(struct kunit *test)
{
	struct vcm_soft_config brief = stall_configs[0];
	struct stall_bed s, b;
	unsigned long began;

	s = stall_new(test, test->param_value);
	began = jiffies;
	KUNIT_EXPECT_EQ(test, -EFAULT, fault_dma(s.unit, s.dev, s.addr,
						 VCM_READ));
	KUNIT_ASSERT_EQ(test, 0, vcm_hook(s.dev, ear_hear, s.ear));
	s.ear->answer = -ENOMEM;
	KUNIT_EXPECT_EQ(test, -EFAULT, fault_dma(s.unit, s.dev, s.addr,
						 VCM_READ));
	KUNIT_EXPECT_EQ(test, 1, s.ear->calls);
	s.ear->answer = 1;
	KUNIT_EXPECT_EQ(test, -EFAULT, fault_dma(s.unit, s.dev, s.addr,
						 VCM_READ));
	KUNIT_EXPECT_LT(test, jiffies_to_msecs(jiffies - began), STALL_MS);
	KUNIT_EXPECT_EQ(test, 0, stall_count(&s));
	stall_end(test, &s);

	brief.stall_ms = 50;
	b = stall_new(test, &brief);
	KUNIT_ASSERT_EQ(test, 0, vcm_hook(b.dev, ear_hear, b.ear));
	b.ear->sleep_ms = 10;
	KUNIT_EXPECT_EQ(test, -EFAULT, fault_dma(b.unit, b.dev, b.addr,
						 VCM_READ));
	KUNIT_EXPECT_GT(test, b.ear->calls, 1);

	/* An answer that comes too late is for nobody. */
	KUNIT_EXPECT_EQ(test, 0, vcm_hook(b.dev, NULL, NULL));
	KUNIT_ASSERT_EQ(test, 0, vcm_hook(b.dev, ear_hear, b.ear));
	b.ear->calls = 0;
	b.ear->sleep_ms = 150;
	KUNIT_EXPECT_EQ(test, -EFAULT, fault_dma(b.unit, b.dev, b.addr,
						 VCM_READ));
	KUNIT_EXPECT_EQ(test, 0, b.ear->calls);
	KUNIT_EXPECT_EQ(test, 0, stall_count(&b));
	ear_expect(test, b.ear, 1);
	stall_end(test, &b);
}

/* Start an access, and let it wait until the handler has begun. */
static void stall_start(struct kunit *test, struct stall_bed *s,
			struct master *m)
{
	s->ear->waits = true;
	KUNIT_ASSERT_EQ(test, 0, vcm_hook(s->dev, ear_hear, s->ear));
	master_start(test, m, s->unit, s->dev, s->addr, true);
	wait_for_completion(&s->ear->entered);
	KUNIT_EXPECT_EQ(test, 1, stall_count(s));
}

static void stall_deactivated(struct kunit *test)
{
	struct stall_bed s = stall_new(test, test->param_value);
	struct master m;

	stall_start(test, &s, &m);
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(s.assoc));
	KUNIT_EXPECT_EQ(test, -EFAULT, master_wait(test, &m));
	KUNIT_EXPECT_EQ(test, 0, stall_count(&s));
	KUNIT_EXPECT_EQ(test, 0, s.ear->calls);
	complete_all(&s.ear->leave);
	stall_end(test, &s);
}

static void stall_unit_removed(struct kunit *test)
{
	struct stall_bed s = stall_new(test, test->param_value);
	struct master m;

	stall_start(test, &s, &m);
	bed_remove_unit(test, s.unit);
	KUNIT_EXPECT_EQ(test, -EFAULT, master_wait(test, &m));
	KUNIT_EXPECT_EQ(test, 0, s.ear->calls);
	/* The answer finds the unit, and nothing that waits there. */
	complete_all(&s.ear->leave);
	stall_end(test, &s);
}

static void stall_device_removed(struct kunit *test)
{
	struct stall_bed s = stall_new(test, test->param_value);
	struct master m;

	stall_start(test, &s, &m);
	get_device(s.dev);
	complete_all(&s.ear->leave);
	s.ear->answer = -EIO;
	kunit_device_unregister(test, s.dev);
	KUNIT_EXPECT_EQ(test, -EFAULT, master_wait(test, &m));
	KUNIT_EXPECT_EQ(test, 0, stall_count(&s));
	vcm_soft_remove_device(s.unit, s.dev);
	stall_end(test, &s);
	put_device(s.dev);
}

/* One waits for the handler, one for its turn: both end with the hook. */
static void stall_hook_removed(struct kunit *test)
{
	struct stall_bed s = stall_new(test, test->param_value);
	struct master first, second;
	struct task_struct *remover;
	unsigned int ms;

	stall_start(test, &s, &first);
	master_start(test, &second, s.unit, s.dev, s.addr + SZ_4K, true);
	for (ms = 0; ms < SOON_MS && stall_count(&s) < 2; ms++)
		usleep_range(1000, 2000);
	KUNIT_EXPECT_EQ(test, 2, stall_count(&s));
	s.ear->dev = s.dev;
	s.ear->answer = 1;
	remover = kthread_run(remove_hook, s.ear, "vcm-remove");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, remover);
	msleep(20);
	KUNIT_EXPECT_EQ(test, 2, stall_count(&s));
	complete_all(&s.ear->leave);
	KUNIT_EXPECT_EQ(test, 0, kthread_stop(remover));
	KUNIT_EXPECT_EQ(test, 0, stall_count(&s));
	KUNIT_EXPECT_EQ(test, -EFAULT, master_wait(test, &first));
	KUNIT_EXPECT_EQ(test, -EFAULT, master_wait(test, &second));
	KUNIT_EXPECT_EQ(test, 1, s.ear->calls);
	stall_end(test, &s);
}

/* While one waits, the others go on. */
static void stall_is_nobody_elses(struct kunit *test)
{
	struct stall_bed s = stall_new(test, test->param_value);
	struct vcm_res *res = space_take(test, s.vcm, SZ_64K, VCM_RW);
	struct device *dev = bed_device(test, s.unit);
	struct vcm_assoc *assoc = space_join(test, s.vcm, dev);
	struct master m;

	KUNIT_ASSERT_EQ(test, 0, vcm_activate(assoc));
	stall_start(test, &s, &m);
	KUNIT_EXPECT_EQ(test, 0, vcm_back(res, s.phys));
	KUNIT_EXPECT_EQ(test, 0, fault_dma(s.unit, dev, vcm_get_dev_addr(res),
					   VCM_WRITE));
	KUNIT_EXPECT_EQ(test, 0, fault_dma(s.unit, s.dev, vcm_get_dev_addr(res),
					   VCM_WRITE));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 1, stall_count(&s));
	/* And what it waits for may come from anywhere. */
	KUNIT_EXPECT_EQ(test, 0, vcm_back(s.res, s.phys));
	complete_all(&s.ear->leave);
	KUNIT_EXPECT_EQ(test, 0, master_wait(test, &m));
	KUNIT_EXPECT_EQ(test, 0x5a, phys_peek(s.phys, 0));

	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	space_give(test, res);
	stall_end(test, &s);
}

/* A unit that lets as many accesses wait as it likes */
struct patient_unit {
	struct vcm_iommu unit;
	unsigned int resumed;
	unsigned int retried;
	u64 tokens;
};

static void patient_free(struct vcm_iommu *unit)
{
}

static void patient_resume(struct vcm_iommu *unit, struct device *dev,
			   u64 token, bool retry)
{
	struct patient_unit *patient =
		container_of(unit, struct patient_unit, unit);

	patient->resumed++;
	patient->retried += retry;
	patient->tokens += token;
}

static const struct vcm_iommu_ops patient_ops = {
	.name = "patient",
	.free = patient_free,
	.resume = patient_resume,
};

/*
 * Each access that was accepted ends, and each once, if the hook goes away
 * before anybody has looked at them; each that was not holds nothing.
 */
static void stalls_and_no_answer(struct kunit *test)
{
	struct device *dev = bed_device(test, NULL);
	struct ear *ear = ear_new(test, 1);
	struct patient_unit patient = { };
	struct vcm_fault fault = {
		.unit = &patient.unit, .dev = dev, .addr = BED_START,
		.access = VCM_READ, .stalled = true,
	};
	unsigned int i, accepted = 0;
	u64 tokens = 0;

	vcm_iommu_init(&patient.unit, &patient_ops, "patient");
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_report_fault(&fault));
	ear->answer = -EIO;
	KUNIT_ASSERT_EQ(test, 0, vcm_hook(dev, ear_hear, ear));
	for (i = 0; i < 2 * VCM_HOOK_STORE; i++) {
		int ret;

		fault.token = i;
		ret = vcm_report_fault(&fault);
		if (ret) {
			KUNIT_EXPECT_EQ(test, -ENOSPC, ret);
			continue;
		}
		accepted++;
		tokens += i;
	}
	KUNIT_EXPECT_GE(test, accepted, VCM_HOOK_STORE);
	KUNIT_EXPECT_EQ(test, 0, vcm_hook(dev, NULL, NULL));
	KUNIT_EXPECT_EQ(test, accepted, patient.resumed);
	KUNIT_EXPECT_EQ(test, tokens, patient.tokens);
	KUNIT_EXPECT_EQ(test, 0, patient.retried);
	KUNIT_EXPECT_EQ(test, 1, kref_read(&patient.unit.ref));
	vcm_iommu_put(&patient.unit);
}

static struct kunit_case vcm_fault_cases[] = {
	KUNIT_CASE_PARAM(fault_is_told, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(fault_of_rights, vcm_bed_gen_params),
	KUNIT_CASE(fault_without_handler),
	KUNIT_CASE_PARAM(fault_storm, storm_gen_params),
	KUNIT_CASE(hook_removed_under_fire),
	KUNIT_CASE(hook_removed_by_two),
	KUNIT_CASE_PARAM(device_removed_under_fire, vcm_bed_gen_params),
	KUNIT_CASE(driver_unbound),
	KUNIT_CASE(handlers_side_by_side),
	KUNIT_CASE(hook_arguments),
	KUNIT_CASE_PARAM(stall_is_served, stall_gen_params),
	KUNIT_CASE_PARAM(stall_is_refused, stall_gen_params),
	KUNIT_CASE_PARAM(stall_deactivated, stall_gen_params),
	KUNIT_CASE_PARAM(stall_unit_removed, stall_gen_params),
	KUNIT_CASE_PARAM(stall_device_removed, stall_gen_params),
	KUNIT_CASE_PARAM(stall_hook_removed, stall_gen_params),
	KUNIT_CASE_PARAM(stall_is_nobody_elses, stall_gen_params),
	KUNIT_CASE(stalls_and_no_answer),
	{}
};

static struct kunit_suite vcm_fault_suite = {
	.name = "vcm_fault",
	.test_cases = vcm_fault_cases,
};

kunit_test_suite(vcm_fault_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: accesses that a unit refuses");
MODULE_LICENSE("GPL");
