// SPDX-License-Identifier: GPL-2.0-only
/*
 * VCMM over the IOMMU of the machine: accesses that it refuses, and who is told.
 *
 * An edu device moves its bytes in small pieces, and each piece faults. The
 * first one to be told of is the first piece.
 */
#include <kunit/test.h>

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/jiffies.h>
#include <linux/string.h>
#include <linux/vcm.h>

#include "vcm_domain_bed.h"

#if IS_ENABLED(CONFIG_AMD_IOMMU)
#include "../../amd/amd_iommu_types.h"
#endif

/* An emulated device may take its time. */
#define SOON_MS		5000
#define QUIET_MS	50

/* A page that nothing is mapped at, and a place in it. */
#define HOLE		(DBED_START + SZ_32M)
#define HOLE_OFF	0x140

/*
 * What the first fault was, and how many there were. A transfer faults in
 * several pieces, and those of the one before may come late: the first one of
 * @page, if it is set.
 */
struct ear {
	dma_addr_t page;
	struct device *dev;
	dma_addr_t addr;
	u32 access;
	unsigned int calls;
	struct completion heard;
};

static int ear_hear(struct device *dev, dma_addr_t addr, u32 access, void *data)
{
	struct ear *ear = data;

	might_sleep();
	WRITE_ONCE(ear->calls, ear->calls + 1);
	if (ear->dev || (ear->page && ear->page != (addr & PAGE_MASK)))
		return -EFAULT;
	ear->dev = dev;
	ear->addr = addr;
	ear->access = access;
	complete(&ear->heard);
	return -EFAULT;
}

static struct ear *ear_new(struct kunit *test, struct device *dev)
{
	struct ear *ear = kunit_kzalloc(test, sizeof(*ear), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ear);
	init_completion(&ear->heard);
	KUNIT_ASSERT_EQ(test, vcm_hook(dev, ear_hear, ear), 0);
	return ear;
}

/*
 * QEMU's AMD-Vi refuses an access and logs nothing. Where its log ends tells
 * whether the driver had anything to report.
 */
static u32 log_end(struct device *dev)
{
#if IS_ENABLED(CONFIG_AMD_IOMMU)
	if (strstarts(dbed_iommu_name(dev), "ivhd")) {
		struct amd_iommu *iommu = container_of(dev->iommu->iommu_dev,
						       struct amd_iommu, iommu);

		return readl(iommu->mmio_base + MMIO_EVT_TAIL_OFFSET);
	}
#endif
	return ~0;
}

static bool log_is_kept(struct device *dev)
{
	return !strstarts(dbed_iommu_name(dev), "ivhd");
}

/* Let the device fault, and wait for its handler. */
static void fault(struct kunit *test, struct device *dev, struct ear *ear,
		  dma_addr_t addr, u32 access)
{
	u32 end = log_end(dev);
	unsigned long left;

	ear->calls = 0;
	ear->page = addr & PAGE_MASK;
	reinit_completion(&ear->heard);
	WRITE_ONCE(ear->dev, NULL);
	if (access == VCM_WRITE)
		dbed_store(test, dev, addr, DBED_SIG_OFF);
	else
		dbed_fetch(test, dev, addr);
	if (!log_is_kept(dev) && log_end(dev) == end) {
		vcm_hook(dev, NULL, NULL);
		kunit_skip(test, "this IOMMU logs no faults");
	}
	left = wait_for_completion_timeout(&ear->heard,
					   msecs_to_jiffies(SOON_MS));
	KUNIT_ASSERT_NE(test, left, 0);
}

/* Intel's IOMMU tells the page and no more. */
static dma_addr_t as_reported(struct device *dev, dma_addr_t addr)
{
	return strstarts(dbed_iommu_name(dev), "dmar") ? addr & PAGE_MASK : addr;
}

/* QEMU's virtio-iommu does not tell how a page was missed. */
static bool tells_access(struct device *dev)
{
	const struct device *iommu = dev->iommu->iommu_dev->dev->parent;

	return !iommu || !strstarts(dev_name(iommu), "virtio");
}

static void expect(struct kunit *test, struct device *dev, struct ear *ear,
		   dma_addr_t addr, u32 access)
{
	KUNIT_EXPECT_PTR_EQ(test, ear->dev, dev);
	KUNIT_EXPECT_EQ(test, ear->addr, as_reported(dev, addr));
	KUNIT_EXPECT_EQ(test, ear->access, access);
}

/* Nothing is mapped there: each device's handler hears of its own fault. */
static void page_is_missing(struct kunit *test)
{
	struct dbed *bed = test->priv;
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf a = dbed_new_buf(test, vcm, SZ_64K, DBED_RW);
	struct ear *ear[2];
	int i;

	for (i = 0; i < 2; i++) {
		dbed_join_active(test, vcm, i);
		ear[i] = ear_new(test, bed->dev[i]);
	}
	for (i = 0; i < 2; i++) {
		struct device *dev = bed->dev[i];
		dma_addr_t addr = HOLE + i * SZ_64K + HOLE_OFF;
		unsigned int other;

		other = ear[!i]->calls;
		fault(test, dev, ear[i], addr, VCM_WRITE);
		expect(test, dev, ear[i], addr,
		       tells_access(dev) ? VCM_WRITE : VCM_READ);
		fault(test, dev, ear[i], addr + SZ_4K, VCM_READ);
		expect(test, dev, ear[i], addr + SZ_4K, VCM_READ);
		KUNIT_EXPECT_EQ(test, ear[!i]->calls, other);
		/* It does no harm to what is there. */
		KUNIT_EXPECT_TRUE(test, dbed_writes(test, i, a.addr, a.phys,
						    0));
		msleep(QUIET_MS);
	}
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, vcm_hook(bed->dev[i], NULL, NULL), 0);
}

static void page_is_read_only(struct kunit *test)
{
	struct dbed *bed = test->priv;
	struct device *dev = bed->dev[0];
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf ro = dbed_new_buf(test, vcm, SZ_64K, VCM_READ);
	struct dbed_buf out = dbed_new_buf(test, vcm, PAGE_SIZE, DBED_RW);
	struct ear *ear;

	dbed_join_active(test, vcm, 0);
	ear = ear_new(test, dev);
	/* QEMU's VT-d refuses in silence what it has once let somebody read. */
	fault(test, dev, ear, ro.addr + HOLE_OFF, VCM_WRITE);
	expect(test, dev, ear, ro.addr + HOLE_OFF, VCM_WRITE);
	msleep(QUIET_MS);
	ear->calls = 0;
	KUNIT_EXPECT_TRUE(test, dbed_reads(test, 0, ro.addr + HOLE_OFF, ro.phys,
					   HOLE_OFF, out));
	KUNIT_EXPECT_EQ(test, ear->calls, 0);
	KUNIT_EXPECT_EQ(test, vcm_hook(dev, NULL, NULL), 0);
}

/* After the hook is gone nobody is called, and the machine goes on. */
static void hook_is_removed(struct kunit *test)
{
	struct dbed *bed = test->priv;
	struct device *dev = bed->dev[0];
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf a = dbed_new_buf(test, vcm, SZ_64K, DBED_RW);
	struct ear *ear = ear_new(test, dev);
	unsigned int i, calls;

	dbed_join_active(test, vcm, 0);
	fault(test, dev, ear, HOLE, VCM_WRITE);
	KUNIT_EXPECT_EQ(test, vcm_hook(dev, NULL, NULL), 0);
	calls = ear->calls;
	for (i = 0; i < 5; i++)
		dbed_store(test, dev, HOLE, DBED_SIG_OFF);
	msleep(QUIET_MS);
	KUNIT_EXPECT_EQ(test, ear->calls, calls);

	/* Set again: it is told of what comes from now on. */
	KUNIT_ASSERT_EQ(test, vcm_hook(dev, ear_hear, ear), 0);
	fault(test, dev, ear, HOLE + SZ_64K, VCM_WRITE);
	KUNIT_EXPECT_EQ(test, ear->addr, as_reported(dev, HOLE + SZ_64K));
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, a.addr, a.phys, 0));
	KUNIT_EXPECT_EQ(test, vcm_hook(dev, NULL, NULL), 0);
}

/*
 * More faults than anybody prints: the handler still hears of every transfer,
 * and devices come and go meanwhile.
 */
static void storm(struct kunit *test)
{
	struct dbed *bed = test->priv;
	struct device *dev = bed->dev[0];
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf a = dbed_new_buf(test, vcm, SZ_64K, DBED_RW);
	struct ear *ear = ear_new(test, dev);
	struct vcm_assoc *assoc;
	unsigned int i, total = 0;

	assoc = dbed_join_active(test, vcm, 0);
	for (i = 0; i < 15; i++) {
		fault(test, dev, ear, HOLE + i * SZ_64K, VCM_WRITE);
		KUNIT_EXPECT_EQ(test, ear->addr, HOLE + i * SZ_64K);
		/* The rest of the transfer, before the next one begins. */
		msleep(QUIET_MS);
		total += ear->calls;
		KUNIT_EXPECT_EQ(test, vcm_deactivate(assoc), 0);
		KUNIT_EXPECT_EQ(test, vcm_activate(assoc), 0);
	}
	kunit_info(test, "%u faults in %u transfers\n", total, i);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, a.addr, a.phys, 0));
	KUNIT_EXPECT_EQ(test, vcm_hook(dev, NULL, NULL), 0);
}

/* What any IOMMU driver calls, in the context that is the worst for it. */
static void driver_reports(struct kunit *test)
{
	struct dbed *bed = test->priv;
	struct device *dev = bed->dev[0];
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct iommu_domain *domain;
	struct ear *ear;
	unsigned long flags;
	int ret[2];

	dbed_join_active(test, vcm, 0);
	domain = iommu_get_domain_for_dev(dev);
	KUNIT_ASSERT_NOT_NULL(test, domain);
	KUNIT_EXPECT_EQ(test, report_iommu_fault(domain, dev, HOLE,
						 IOMMU_FAULT_READ), -ENOSYS);
	ear = ear_new(test, dev);
	local_irq_save(flags);
	ret[0] = report_iommu_fault(domain, dev, HOLE + 4, IOMMU_FAULT_WRITE);
	ret[1] = report_iommu_fault(domain, NULL, HOLE, IOMMU_FAULT_READ);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, ret[0], 0);
	KUNIT_EXPECT_EQ(test, ret[1], -ENOSYS);
	KUNIT_ASSERT_NE(test,
			wait_for_completion_timeout(&ear->heard,
						    msecs_to_jiffies(SOON_MS)),
			0);
	KUNIT_EXPECT_PTR_EQ(test, ear->dev, dev);
	KUNIT_EXPECT_EQ(test, ear->addr, HOLE + 4);
	KUNIT_EXPECT_EQ(test, ear->access, VCM_WRITE);
	KUNIT_EXPECT_EQ(test, vcm_hook(dev, NULL, NULL), 0);
}

static void vcm_domain_fault_exit(struct kunit *test)
{
	struct dbed *bed = test->priv;
	int i;

	/* A case that ended early has left its hooks. */
	for (i = 0; i < bed->nr_devs; i++)
		vcm_hook(bed->dev[i], NULL, NULL);
	dbed_exit(test);
}

static struct kunit_case vcm_domain_fault_cases[] = {
	KUNIT_CASE(page_is_missing),
	KUNIT_CASE(page_is_read_only),
	KUNIT_CASE(hook_is_removed),
	KUNIT_CASE(storm),
	KUNIT_CASE(driver_reports),
	{}
};

static struct kunit_suite vcm_domain_fault_suite = {
	.name = "vcm_domain_fault",
	.suite_init = dbed_suite_init,
	.suite_exit = dbed_suite_exit,
	.init = dbed_init,
	.exit = vcm_domain_fault_exit,
	.test_cases = vcm_domain_fault_cases,
};

kunit_test_suite(vcm_domain_fault_suite);
