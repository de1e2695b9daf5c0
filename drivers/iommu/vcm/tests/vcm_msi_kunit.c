// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts of a device that is on a context.
 *
 * Behind some IOMMUs a message-signalled interrupt is a write that is
 * translated like any other: the doorbell of the interrupt controller must be
 * in the table that the device walks, also where units share that table. The
 * device here is QEMU's NVMe controller. It is identified by a driver that is
 * just big enough for that: an admin queue in memory that VCMM backed, and one
 * interrupt. QEMU's edu device, behind another unit where there is one, is on
 * the same context.
 */
#include <kunit/test.h>

#include <linux/completion.h>
#include <linux/interrupt.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/iommu.h>
#include <linux/iopoll.h>
#include <linux/irq.h>
#include <linux/msi.h>
#include <linux/nvme.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/vcm.h>

#include "../../../../samples/vcm/vcm_edu.h"
#include "vcm_domain_bed.h"

/* The first 4 GiB: that is where Arm's window for doorbells is. */
#define START		0
#define LEN		SZ_4G

/* One run of memory: the queues, what the controller says, a copy of that. */
#define SQ_OFF		0
#define CQ_OFF		SZ_4K
#define ID_OFF		(2 * SZ_4K)
#define COPY_OFF	(3 * SZ_4K)
#define MEM_SIZE	(4 * SZ_4K)
#define ENTRIES		2

#define READY_US	USEC_PER_SEC
#define IRQ_JIFFIES	HZ

struct env {
	struct pci_dev *pdev;
	void __iomem *regs;
	struct device *edu;
	struct vcm *vcm;
	struct vcm_phys *phys;
	struct vcm_res *res;
	struct vcm_assoc *nvme_assoc, *edu_assoc;
	void *mem;			/* how the CPU sees the memory ... */
	dma_addr_t addr;		/* ... and how the devices do */
	int irq;
	struct completion interrupted;
	unsigned int sent;
};

/* The driver: it takes the device, and leaves its DMA to us. */

static struct pci_dev *found;

static int vcm_nvme_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int ret = pcim_enable_device(pdev);
	void __iomem *regs;

	if (ret)
		return ret;
	regs = pcim_iomap_region(pdev, 0, "vcm_msi");
	if (IS_ERR(regs))
		return PTR_ERR(regs);
	pci_set_master(pdev);
	pci_set_drvdata(pdev, (void __force *)regs);
	if (!found)
		found = pdev;
	return 0;
}

static void vcm_nvme_remove(struct pci_dev *pdev)
{
	if (found == pdev)
		found = NULL;
	pci_clear_master(pdev);
}

/* Only QEMU's: no disk with something on it is touched. */
static const struct pci_device_id vcm_nvme_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_REDHAT, 0x0010) },
	{ }
};

static struct pci_driver vcm_nvme_driver = {
	.name = "vcm_msi",
	.id_table = vcm_nvme_ids,
	.probe = vcm_nvme_probe,
	.remove = vcm_nvme_remove,
	.driver_managed_dma = true,
};

static irqreturn_t vcm_nvme_irq(int irq, void *data)
{
	struct env *env = data;

	complete(&env->interrupted);
	return IRQ_HANDLED;
}

static int set_enabled(struct env *env, bool on)
{
	u32 want = on ? NVME_CSTS_RDY : 0;
	u32 status;

	writel(on ? NVME_CC_ENABLE | NVME_CC_IOSQES | NVME_CC_IOCQES : 0,
	       env->regs + NVME_REG_CC);
	return readl_poll_timeout(env->regs + NVME_REG_CSTS, status,
				  (status & NVME_CSTS_RDY) == want, 100,
				  READY_US);
}

/* Start anew, with empty queues. */
static void start_controller(struct kunit *test)
{
	struct env *env = test->priv;

	KUNIT_ASSERT_EQ(test, set_enabled(env, false), 0);
	memset(env->mem, 0, MEM_SIZE);
	env->sent = 0;
	reinit_completion(&env->interrupted);
	writel((ENTRIES - 1) << 16 | (ENTRIES - 1), env->regs + NVME_REG_AQA);
	lo_hi_writeq(env->addr + SQ_OFF, env->regs + NVME_REG_ASQ);
	lo_hi_writeq(env->addr + CQ_OFF, env->regs + NVME_REG_ACQ);
	KUNIT_ASSERT_EQ(test, set_enabled(env, true), 0);
}

static void send_identify(struct kunit *test)
{
	struct env *env = test->priv;
	struct nvme_command *queue = env->mem + SQ_OFF;
	struct nvme_command *cmd = &queue[env->sent % ENTRIES];

	memset(env->mem + ID_OFF, 0, 2 * SZ_4K);
	memset(cmd, 0, sizeof(*cmd));
	cmd->identify.opcode = nvme_admin_identify;
	cmd->identify.command_id = env->sent;
	cmd->identify.dptr.prp1 = cpu_to_le64(env->addr + ID_OFF);
	cmd->identify.cns = NVME_ID_CNS_CTRL;
	env->sent++;
	/* writel() comes after the stores to memory. */
	writel(env->sent % ENTRIES, env->regs + NVME_REG_DBS);
}

/* The answer is in memory when its phase bit is that of this round. */
static bool is_answered(struct env *env)
{
	struct nvme_completion *queue = env->mem + CQ_OFF;
	unsigned int index = (env->sent - 1) % ENTRIES;
	u16 phase = !((env->sent - 1) / ENTRIES % 2);

	return (le16_to_cpu(READ_ONCE(queue[index].status)) & 1) == phase;
}

static bool waits_for_interrupt(struct env *env)
{
	return wait_for_completion_timeout(&env->interrupted, IRQ_JIFFIES);
}

/* Tell the device that the answer was read, or it will not interrupt again. */
static void expect_answer(struct kunit *test)
{
	struct env *env = test->priv;
	struct nvme_completion *queue = env->mem + CQ_OFF;
	unsigned int index = (env->sent - 1) % ENTRIES;
	struct nvme_id_ctrl *id = env->mem + ID_OFF;

	KUNIT_ASSERT_TRUE(test, is_answered(env));
	KUNIT_EXPECT_EQ(test, le16_to_cpu(queue[index].status) >> 1, 0);
	KUNIT_EXPECT_EQ(test, queue[index].command_id, env->sent - 1);
	KUNIT_EXPECT_TRUE(test, strstarts(id->mn, "QEMU NVMe Ctrl "));
	KUNIT_EXPECT_TRUE(test, strstarts(id->sn, "vcm "));
	writel(env->sent % ENTRIES, env->regs + NVME_REG_DBS + 4);
}

static void get_interrupt(struct kunit *test)
{
	struct env *env = test->priv;

	KUNIT_ASSERT_EQ(test, pci_alloc_irq_vectors(env->pdev, 1, 1,
						    PCI_IRQ_MSIX), 1);
	env->irq = pci_irq_vector(env->pdev, 0);
	KUNIT_ASSERT_EQ(test, request_irq(env->irq, vcm_nvme_irq, 0, "vcm_msi",
					  env), 0);
}

static void put_interrupt(struct env *env)
{
	if (env->irq)
		free_irq(env->irq, env);
	env->irq = 0;
	pci_free_irq_vectors(env->pdev);
}

/* From a fresh start: an answer, and an interrupt. */
static void expect_interrupt(struct kunit *test)
{
	start_controller(test);
	send_identify(test);
	KUNIT_EXPECT_TRUE(test, waits_for_interrupt(test->priv));
	expect_answer(test);
}

/* Where the device writes to interrupt. */
static dma_addr_t doorbell(struct env *env)
{
	struct msi_msg *msg = &irq_get_msi_desc(env->irq)->msg;

	return (u64)msg->address_hi << 32 | msg->address_lo;
}

/* The window for doorbells, if this IOMMU translates interrupts. */
static bool find_window(struct device *dev, dma_addr_t *start, size_t *len)
{
	struct iommu_resv_region *region;
	LIST_HEAD(regions);

	*len = 0;
	iommu_get_resv_regions(dev, &regions);
	list_for_each_entry(region, &regions, list) {
		if (region->type == IOMMU_RESV_SW_MSI) {
			*start = region->start;
			*len = region->length;
		}
	}
	iommu_put_resv_regions(dev, &regions);
	return *len;
}

static void join(struct kunit *test)
{
	struct env *env = test->priv;

	/* The other device first: the controller comes to a table that is. */
	env->edu_assoc = vcm_assoc(env->vcm, env->edu, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, env->edu_assoc);
	KUNIT_ASSERT_EQ(test, vcm_activate(env->edu_assoc), 0);
	env->nvme_assoc = vcm_assoc(env->vcm, &env->pdev->dev, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, env->nvme_assoc);
	KUNIT_ASSERT_EQ(test, vcm_activate(env->nvme_assoc), 0);
	kunit_info(test, "%s behind %s, %s behind %s: tables: %u\n",
		   pci_name(env->pdev), dbed_iommu_name(&env->pdev->dev),
		   dev_name(env->edu), dbed_iommu_name(env->edu),
		   vcm_get_num_tables(env->vcm));
}

/* Queues, data and interrupt, while another device is on the same context. */
static void interrupt_arrives(struct kunit *test)
{
	struct env *env = test->priv;
	int i;

	join(test);
	get_interrupt(test);
	start_controller(test);
	for (i = 0; i < 2 * ENTRIES + 1; i++) {
		send_identify(test);
		KUNIT_ASSERT_TRUE(test, waits_for_interrupt(env));
		expect_answer(test);
	}
	/* What it wrote, the other device finds at the same address. */
	KUNIT_EXPECT_EQ(test, vcm_edu_fetch(env->edu, env->addr + ID_OFF, 0,
					    VCM_EDU_BUFFER), 0);
	KUNIT_EXPECT_EQ(test, vcm_edu_store(env->edu, env->addr + COPY_OFF, 0,
					    VCM_EDU_BUFFER), 0);
	KUNIT_EXPECT_MEMEQ(test, env->mem + COPY_OFF, env->mem + ID_OFF,
			   VCM_EDU_BUFFER);

	/* When the other one goes, the doorbell stays. */
	KUNIT_EXPECT_EQ(test, vcm_deactivate(env->edu_assoc), 0);
	send_identify(test);
	KUNIT_EXPECT_TRUE(test, waits_for_interrupt(env));
	expect_answer(test);
}

/* The doorbell is in the table that the device walks, and works by that. */
static void doorbell_is_translated(struct kunit *test)
{
	struct env *env = test->priv;
	struct iommu_domain *domain;
	dma_addr_t start, page;
	phys_addr_t pa;
	size_t len;

	if (!find_window(&env->pdev->dev, &start, &len))
		kunit_skip(test, "this IOMMU does not translate interrupts");
	join(test);
	domain = iommu_get_domain_for_dev(&env->pdev->dev);
	KUNIT_ASSERT_NOT_NULL(test, domain);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(domain, start), 0);

	get_interrupt(test);
	page = doorbell(env) & PAGE_MASK;
	KUNIT_EXPECT_GE(test, page, start);
	KUNIT_EXPECT_LT(test, page, start + len);
	pa = iommu_iova_to_phys(domain, page);
	KUNIT_ASSERT_NE(test, pa, 0);
	/* Where units share, the others translate it alike. */
	if (vcm_get_num_tables(env->vcm) == 1)
		KUNIT_EXPECT_PTR_EQ(test, iommu_get_domain_for_dev(env->edu),
				    domain);

	/* Without it, all is as before but the interrupt. */
	start_controller(test);
	KUNIT_ASSERT_EQ(test, iommu_unmap(domain, page, PAGE_SIZE), PAGE_SIZE);
	send_identify(test);
	KUNIT_EXPECT_FALSE(test, waits_for_interrupt(env));
	expect_answer(test);
	KUNIT_ASSERT_EQ(test, iommu_map(domain, page, pa, PAGE_SIZE,
					IOMMU_WRITE | IOMMU_NOEXEC |
					IOMMU_MMIO, GFP_KERNEL), 0);
	send_identify(test);
	KUNIT_EXPECT_TRUE(test, waits_for_interrupt(env));
	expect_answer(test);
}

/* While it is inactive the device reaches nothing, not even its queue. */
static void blocked_while_inactive(struct kunit *test)
{
	struct env *env = test->priv;

	join(test);
	get_interrupt(test);
	expect_interrupt(test);

	KUNIT_ASSERT_EQ(test, vcm_deactivate(env->nvme_assoc), 0);
	send_identify(test);
	KUNIT_EXPECT_FALSE(test, waits_for_interrupt(env));
	KUNIT_EXPECT_FALSE(test, is_answered(env));

	/* Back on its table it finds the doorbell where it was. */
	KUNIT_ASSERT_EQ(test, vcm_activate(env->nvme_assoc), 0);
	expect_interrupt(test);
}

/* On another context the device asks for its interrupt anew. */
static void other_context(struct kunit *test)
{
	struct env *env = test->priv;
	struct vcm_assoc *assoc;
	struct vcm_res *res;
	struct vcm *other;

	join(test);
	get_interrupt(test);
	expect_interrupt(test);
	put_interrupt(env);
	KUNIT_ASSERT_EQ(test, vcm_deactivate(env->nvme_assoc), 0);

	other = vcm_create(START, LEN);
	res = vcm_reserve_at(other, env->addr, MEM_SIZE, DBED_RW);
	assoc = vcm_assoc(other, &env->pdev->dev, 0);
	KUNIT_ASSERT_EQ(test, vcm_back(res, env->phys), 0);
	KUNIT_ASSERT_EQ(test, vcm_activate(assoc), 0);
	get_interrupt(test);
	expect_interrupt(test);
	put_interrupt(env);
	KUNIT_EXPECT_EQ(test, vcm_deactivate(assoc), 0);
	KUNIT_EXPECT_EQ(test, vcm_deassoc(assoc), 0);
	KUNIT_EXPECT_EQ(test, vcm_unback(res), 0);
	KUNIT_EXPECT_EQ(test, vcm_unreserve(res), 0);
	KUNIT_EXPECT_EQ(test, vcm_free(other), 0);

	/* And so it does when it comes back. */
	KUNIT_ASSERT_EQ(test, vcm_activate(env->nvme_assoc), 0);
	get_interrupt(test);
	expect_interrupt(test);
}

/* Nobody gets the window, whichever device came with it, and in any order. */
static void window_is_kept_out(struct kunit *test)
{
	struct env *env = test->priv;
	struct device *devs[] = { env->edu, &env->pdev->dev };
	struct vcm_assoc *assoc;
	struct vcm_res *res;
	dma_addr_t start;
	size_t len;
	int i;

	for (i = 0; i < ARRAY_SIZE(devs); i++) {
		if (!find_window(devs[i], &start, &len))
			kunit_skip(test, "this IOMMU does not translate interrupts");

		/* Where somebody has it already, the device cannot come. */
		res = vcm_reserve_at(env->vcm, start + len - PAGE_SIZE,
				     PAGE_SIZE, DBED_RW);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(vcm_assoc(env->vcm,
								devs[i], 0)),
				-ERANGE);
		KUNIT_EXPECT_EQ(test, vcm_unreserve(res), 0);

		assoc = vcm_assoc(env->vcm, devs[i], 0);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, assoc);
		res = vcm_reserve_at(env->vcm, start, PAGE_SIZE, DBED_RW);
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(res), -ERANGE);
		res = vcm_reserve_at(env->vcm, start + len - PAGE_SIZE,
				     PAGE_SIZE, DBED_RW);
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(res), -ERANGE);
		KUNIT_EXPECT_EQ(test, vcm_deassoc(assoc), 0);
	}
}

/* An edu behind another unit than @dev, or else behind the same one. */
static struct device *other_device(struct device *dev)
{
	struct device *edu, *same = NULL;
	int i;

	for (i = 0; (edu = dbed_device(i)); i++) {
		if (edu->iommu->iommu_dev != dev->iommu->iommu_dev)
			break;
		if (!same)
			same = get_device(edu);
		put_device(edu);
	}
	if (!edu)
		return same;
	put_device(same);
	return edu;
}

static int vcm_msi_init(struct kunit *test)
{
	struct env *env = kunit_kzalloc(test, sizeof(*env), GFP_KERNEL);
	phys_addr_t pa;
	size_t len;

	KUNIT_ASSERT_NOT_NULL(test, env);
	if (!found || !found->dev.iommu_group)
		kunit_skip(test, "needs QEMU's NVMe controller behind an IOMMU");
	env->pdev = found;
	env->regs = (void __iomem __force *)pci_get_drvdata(found);
	init_completion(&env->interrupted);
	env->edu = other_device(&found->dev);
	if (!env->edu)
		kunit_skip(test, "needs QEMU's edu device behind an IOMMU");
	test->priv = env;

	env->vcm = vcm_create(START, LEN);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, env->vcm);
	env->phys = vcm_phys_alloc(NULL, MEM_SIZE, VCM_CONTIG | VCM_ZERO);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, env->phys);
	KUNIT_ASSERT_EQ(test, vcm_get_chunk(env->phys, 0, &pa, &len), 0);
	env->mem = phys_to_virt(pa);
	env->res = vcm_reserve_at(env->vcm, SZ_64M, MEM_SIZE, DBED_RW);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, env->res);
	env->addr = vcm_get_dev_addr(env->res);
	KUNIT_ASSERT_EQ(test, vcm_back(env->res, env->phys), 0);
	return 0;
}

static void vcm_msi_leave(struct kunit *test, struct vcm_assoc *assoc)
{
	if (!assoc)
		return;
	if (vcm_is_active(assoc))
		KUNIT_EXPECT_EQ(test, vcm_deactivate(assoc), 0);
	KUNIT_EXPECT_EQ(test, vcm_deassoc(assoc), 0);
}

static void vcm_msi_exit(struct kunit *test)
{
	struct env *env = test->priv;

	if (!env)
		return;
	set_enabled(env, false);
	put_interrupt(env);
	vcm_msi_leave(test, env->nvme_assoc);
	vcm_msi_leave(test, env->edu_assoc);
	vcm_unback(env->res);
	KUNIT_EXPECT_EQ(test, vcm_unreserve(env->res), 0);
	KUNIT_EXPECT_EQ(test, vcm_phys_free(env->phys), 0);
	KUNIT_EXPECT_EQ(test, vcm_free(env->vcm), 0);
	put_device(env->edu);
}

static int vcm_msi_suite_init(struct kunit_suite *suite)
{
	return pci_register_driver(&vcm_nvme_driver);
}

static void vcm_msi_suite_exit(struct kunit_suite *suite)
{
	pci_unregister_driver(&vcm_nvme_driver);
}

static struct kunit_case vcm_msi_cases[] = {
	KUNIT_CASE(interrupt_arrives),
	KUNIT_CASE(doorbell_is_translated),
	KUNIT_CASE(blocked_while_inactive),
	KUNIT_CASE(other_context),
	KUNIT_CASE(window_is_kept_out),
	{}
};

static struct kunit_suite vcm_msi_suite = {
	.name = "vcm_msi",
	.suite_init = vcm_msi_suite_init,
	.suite_exit = vcm_msi_suite_exit,
	.init = vcm_msi_init,
	.exit = vcm_msi_exit,
	.test_cases = vcm_msi_cases,
};

kunit_test_suite(vcm_msi_suite);
