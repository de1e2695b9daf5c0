/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What QEMU's edu devices can do for others: the demonstration and the tests.
 */
#ifndef _SAMPLES_VCM_EDU_H
#define _SAMPLES_VCM_EDU_H

#include <linux/types.h>

struct device;

/* Bytes that one transfer can move, and the size of a device's own buffer. */
#define VCM_EDU_BUFFER	2048

struct device *vcm_edu_get(unsigned int index);
int vcm_edu_fetch(struct device *dev, dma_addr_t addr, size_t off, size_t len);
int vcm_edu_store(struct device *dev, dma_addr_t addr, size_t off, size_t len);

void vcm_demo_device_gone(struct device *dev);

#endif /* _SAMPLES_VCM_EDU_H */
