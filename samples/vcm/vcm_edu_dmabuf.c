// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that is handed a dma-buf by user space, and lets a device of VCMM
 * write to it.
 *
 *	echo FD OFFSET BYTE > /sys/kernel/debug/vcm_edu/store
 *
 * FD is a file descriptor of the process that writes, so this is of more use to
 * a program than to a shell. A process may close it as soon as it likes: the
 * memory is counted.
 */
#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/dma-buf.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/init.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/pfn.h>
#include <linux/string.h>
#include <linux/vcm.h>

#include "vcm_edu.h"

static struct vcm_phys *store_get_phys(int fd)
{
	struct dma_buf *buf = dma_buf_get(fd);
	struct vcm_phys *phys = vcm_dma_buf_get_phys(buf);

	if (IS_ERR(buf))
		return ERR_CAST(buf);
	dma_buf_put(buf);
	return phys;
}

static struct vcm_res *store_map(struct vcm *vcm, struct vcm_phys *phys, u32 attr)
{
	struct vcm_res *res = vcm_reserve(vcm, vcm_get_phys_len(phys), attr);
	int ret = vcm_back(res, phys);

	if (IS_ERR(res))
		return res;
	if (ret) {
		vcm_unreserve(res);
		return ERR_PTR(ret);
	}
	return res;
}

static int store_unmap(struct vcm_res *res)
{
	return vcm_unback(res) ?: vcm_unreserve(res);
}

/* The device has a buffer of its own, which is to be full of @byte. */
static int store_load(struct vcm *vcm, struct device *dev, u8 byte)
{
	struct vcm_phys *phys = vcm_phys_alloc(NULL, PAGE_SIZE, VCM_ZERO);
	struct vcm_res *res = store_map(vcm, phys, VCM_READ);
	phys_addr_t pa;
	size_t len;
	int ret;

	if (IS_ERR(phys))
		return PTR_ERR(phys);
	ret = PTR_ERR_OR_ZERO(res);
	if (!ret) {
		ret = vcm_get_chunk(phys, 0, &pa, &len);
		memset_page(pfn_to_page(PHYS_PFN(pa)), 0, byte, VCM_EDU_BUFFER);
		ret = ret ?: vcm_edu_fetch(dev, vcm_get_dev_addr(res), 0,
					   VCM_EDU_BUFFER);
		ret = store_unmap(res) ?: ret;
	}
	vcm_phys_put(phys);
	return ret;
}

static int store_phys(struct device *dev, struct vcm_phys *phys, size_t off,
		      u8 byte)
{
	struct vcm *vcm = vcm_get(dev, "frames");
	struct vcm_res *res;
	int ret;

	if (IS_ERR(vcm))
		return PTR_ERR(vcm);
	ret = store_load(vcm, dev, byte);
	if (ret)
		goto put;
	res = store_map(vcm, phys, VCM_WRITE);
	ret = PTR_ERR_OR_ZERO(res);
	if (ret)
		goto put;
	ret = vcm_edu_store(dev, vcm_get_dev_addr(res) + off, 0, VCM_EDU_BUFFER);
	ret = store_unmap(res) ?: ret;
put:
	vcm_put(vcm);
	return ret;
}

static int store(int fd, size_t off, u8 byte)
{
	struct device *dev = vcm_edu_get(0);
	struct vcm_phys *phys;
	size_t len;
	int ret;

	if (!dev)
		return -ENODEV;
	phys = store_get_phys(fd);
	ret = PTR_ERR_OR_ZERO(phys);
	if (ret)
		goto put;
	len = vcm_get_phys_len(phys);
	ret = -EINVAL;
	if (len >= VCM_EDU_BUFFER && off <= len - VCM_EDU_BUFFER)
		ret = store_phys(dev, phys, off, byte);
	vcm_phys_put(phys);
put:
	put_device(dev);
	return ret;
}

static ssize_t store_write(struct file *file, const char __user *from,
			   size_t len, loff_t *pos)
{
	unsigned int byte;
	char line[64];
	size_t off;
	int fd, ret;

	if (len >= sizeof(line) || *pos)
		return -EINVAL;
	if (copy_from_user(line, from, len))
		return -EFAULT;
	line[len] = '\0';
	if (sscanf(line, "%d %zu %u", &fd, &off, &byte) != 3 || byte > U8_MAX)
		return -EINVAL;
	ret = store(fd, off, byte);
	return ret ?: len;
}

static const struct file_operations store_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = store_write,
};

static int __init store_init(void)
{
	struct dentry *dir = debugfs_create_dir("vcm_edu", NULL);

	debugfs_create_file("store", 0200, dir, NULL, &store_fops);
	return 0;
}
late_initcall(store_init);
