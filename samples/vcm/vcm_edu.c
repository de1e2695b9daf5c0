// SPDX-License-Identifier: GPL-2.0-only
/*
 * A consumer of VCMM: QEMU's educational PCI device.
 *
 * The device has a small buffer of its own and a DMA engine that moves bytes
 * between it and memory. Two things in this driver have to do with VCMM, and
 * both are about what it does not do:
 *
 *  - It sets .driver_managed_dma, so that the kernel does not put the device
 *    on the address space of the DMA API, and VCMM can.
 *  - It never asks what is behind an address. Whoever tells it to move bytes
 *    has put it on a context with vcm_get(), and backed a reservation of that;
 *    see vcm_demo.c.
 */
#include <linux/bits.h>
#include <linux/cleanup.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>

#include "vcm_edu.h"

/* Registers, in BAR 0 */
#define EDU_DMA_SRC		0x80
#define EDU_DMA_DST		0x88
#define EDU_DMA_COUNT		0x90
#define EDU_DMA_CMD		0x98
#define   EDU_CMD_START		BIT(0)
#define   EDU_CMD_TO_MEMORY	BIT(1)

/* Where the DMA engine sees the device's own buffer */
#define EDU_OWN_BUFFER		0x40000

/* A transfer takes 100 ms of the virtual machine's time. */
#define EDU_POLL_US		2000
#define EDU_TIMEOUT_US		(5 * USEC_PER_SEC)

/**
 * struct edu - one device
 * @node: in edu_devices, in the order in which they were found
 * @dev: the device
 * @regs: BAR 0
 */
struct edu {
	struct list_head node;
	struct device *dev;
	void __iomem *regs;
};

/* Guards the list, and is held for a transfer: a device cannot go meanwhile. */
static DEFINE_MUTEX(edu_lock);
static LIST_HEAD(edu_devices);

/**
 * vcm_edu_get() - find a device
 * @index: which one, from 0 on, in the order in which they were found
 *
 * Return: the device, to be given back with put_device(), or NULL.
 */
struct device *vcm_edu_get(unsigned int index)
{
	struct edu *edu;

	guard(mutex)(&edu_lock);
	list_for_each_entry(edu, &edu_devices, node)
		if (!index--)
			return get_device(edu->dev);
	return NULL;
}

static int edu_move(struct device *dev, u64 src, u64 dst, size_t off,
		    size_t len, u64 cmd)
{
	struct edu *edu = NULL, *pos;
	u64 busy;

	if (!len || off > VCM_EDU_BUFFER || len > VCM_EDU_BUFFER - off)
		return -EINVAL;

	guard(mutex)(&edu_lock);
	list_for_each_entry(pos, &edu_devices, node)
		if (pos->dev == dev)
			edu = pos;
	if (!edu)
		return -ENODEV;

	writeq(src, edu->regs + EDU_DMA_SRC);
	writeq(dst, edu->regs + EDU_DMA_DST);
	writeq(len, edu->regs + EDU_DMA_COUNT);
	writeq(cmd, edu->regs + EDU_DMA_CMD);
	return readq_poll_timeout(edu->regs + EDU_DMA_CMD, busy,
				  !(busy & EDU_CMD_START), EDU_POLL_US,
				  EDU_TIMEOUT_US);
}

/**
 * vcm_edu_fetch() - let a device read memory into its own buffer
 * @dev: the device
 * @addr: device address of the memory
 * @off: place in the device's buffer
 * @len: bytes
 *
 * The device is not told whether the IOMMU let it through.
 *
 * Context: May sleep.
 * Return: 0; -EINVAL if it does not fit the buffer; -ENODEV if @dev is not
 * such a device; -ETIMEDOUT.
 */
int vcm_edu_fetch(struct device *dev, dma_addr_t addr, size_t off, size_t len)
{
	return edu_move(dev, addr, EDU_OWN_BUFFER + off, off, len,
			EDU_CMD_START);
}

/**
 * vcm_edu_store() - let a device write memory from its own buffer
 * @dev: the device
 * @addr: device address of the memory
 * @off: place in the device's buffer
 * @len: bytes
 *
 * The device is not told whether the IOMMU let it through.
 *
 * Context: May sleep.
 * Return: as vcm_edu_fetch().
 */
int vcm_edu_store(struct device *dev, dma_addr_t addr, size_t off, size_t len)
{
	return edu_move(dev, EDU_OWN_BUFFER + off, addr, off, len,
			EDU_CMD_START | EDU_CMD_TO_MEMORY);
}

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct edu *edu;
	int ret;

	edu = devm_kzalloc(&pdev->dev, sizeof(*edu), GFP_KERNEL);
	if (!edu)
		return -ENOMEM;
	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	edu->regs = pcim_iomap_region(pdev, 0, "vcm_edu");
	if (IS_ERR(edu->regs))
		return PTR_ERR(edu->regs);
	pci_set_master(pdev);

	edu->dev = &pdev->dev;
	pci_set_drvdata(pdev, edu);
	guard(mutex)(&edu_lock);
	list_add_tail(&edu->node, &edu_devices);
	return 0;
}

static void edu_remove(struct pci_dev *pdev)
{
	struct edu *edu = pci_get_drvdata(pdev);

	vcm_demo_device_gone(&pdev->dev);
	guard(mutex)(&edu_lock);
	list_del(&edu->node);
	pci_clear_master(pdev);
}

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};

static struct pci_driver edu_driver = {
	.name = "vcm_edu",
	.id_table = edu_ids,
	.probe = edu_probe,
	.remove = edu_remove,
	.driver_managed_dma = true,
};
builtin_pci_driver(edu_driver);
