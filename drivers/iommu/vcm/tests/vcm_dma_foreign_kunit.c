// SPDX-License-Identifier: GPL-2.0-only
/*
 * Real DMA into memory that is somebody else's: QEMU's edu devices, behind the
 * IOMMU of the machine, reach a dma-buf of the system heap, a scatter list, pages
 * of a process, and the registers of each other.
 */
#include <kunit/test.h>

#include <linux/dma-buf.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>
#include <linux/vcm.h>

#include "../../../../mm/tests/vcm_bed.h"
#include "../../../../mm/tests/vcm_process_test.h"
#include "../../../../mm/tests/vcm_test_heap.h"
#include "../../../../samples/vcm/vcm_edu.h"
#include "vcm_domain_bed.h"

MODULE_IMPORT_NS(DMA_BUF);

/* Registers of an edu device */
#define EDU_ID		0x00
#define EDU_INVERT	0x04	/* reads as the inverse of what was written */

#define LEN		(4 * PAGE_SIZE)

static struct vcm_phys *keep_phys(struct kunit *test, struct vcm_phys *phys)
{
	struct dbed *bed = test->priv;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	bed->phys[bed->nr_phys++] = phys;
	return phys;
}

static struct dbed_buf back(struct kunit *test, struct vcm *vcm,
			    struct vcm_phys *phys, u32 attr)
{
	struct dbed_buf buf = { .phys = phys };

	buf.res = dbed_keep_res(test, vcm_reserve(vcm, vcm_get_phys_len(phys),
						  attr));
	buf.addr = vcm_get_dev_addr(buf.res);
	KUNIT_ASSERT_EQ(test, vcm_back(buf.res, phys), 0);
	return buf;
}

/* One device reads what is in it, the other one writes to it. */
static void expect_dma(struct kunit *test, struct vcm *vcm, struct dbed_buf buf,
		       size_t off)
{
	struct dbed_buf out = dbed_new_buf(test, vcm, PAGE_SIZE, DBED_RW);

	dbed_join_active(test, vcm, 0);
	dbed_join_active(test, vcm, 1);
	KUNIT_EXPECT_TRUE(test, dbed_reads(test, 1, buf.addr + off, buf.phys,
					   off, out));
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, buf.addr + off, buf.phys,
					    off));
}

static void dma_heap(struct kunit *test)
{
	struct dma_buf *dmabuf = test_heap_alloc(test, SZ_1M);
	const size_t off = SZ_512K + SZ_4K + 128;
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	u32 seen[DBED_MOVE / 4], want[DBED_MOVE / 4];
	struct iosys_map map;
	struct dbed_buf buf;

	buf = back(test, vcm, keep_phys(test, vcm_import_dma_buf(dmabuf)),
		   DBED_RW);
	expect_dma(test, vcm, buf, off);

	/* The exporter shows what the device wrote. */
	KUNIT_ASSERT_EQ(test, dma_buf_vmap_unlocked(dmabuf, &map), 0);
	memcpy(seen, map.vaddr + off, DBED_MOVE);
	dma_buf_vunmap_unlocked(dmabuf, &map);
	memcpy_from_page((char *)want, dbed_page(test, buf.phys, off),
			 offset_in_page(off), DBED_MOVE);
	KUNIT_EXPECT_MEMEQ(test, seen, want, DBED_MOVE);
	/* The exporter lets go; the device does not. */
	dma_buf_put(dmabuf);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 1, buf.addr, buf.phys, 0));
	KUNIT_EXPECT_EQ(test, vcm_unback(buf.res), 0);
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, 0, buf.addr, buf.phys, 0));
}

/* Pages that lie apart: their IOMMU is told of many of them at once. */
static void sg_apart(struct kunit *test)
{
	static const unsigned int some[] = {
		0, 31, 32, SCATTERED_FIRST + SCATTERED_RUN + SCATTERED_LAST - 1
	};
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct vcm_phys *phys = keep_phys(test, phys_scattered(test));
	struct dbed_buf buf = back(test, vcm, phys, DBED_RW);
	unsigned int i;

	expect_dma(test, vcm, buf, 33 * PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(some); i++) {
		size_t off = some[i] * PAGE_SIZE;

		KUNIT_EXPECT_TRUE(test, dbed_writes(test, i % 2, buf.addr + off,
						    phys, off));
	}
	KUNIT_EXPECT_EQ(test, vcm_unback(buf.res), 0);
	for (i = 0; i < ARRAY_SIZE(some); i++) {
		size_t off = some[i] * PAGE_SIZE;

		KUNIT_EXPECT_FALSE(test, dbed_writes(test, i % 2, buf.addr + off,
						     phys, off));
	}
}

static void user_pages(struct kunit *test)
{
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	const size_t off = 2 * PAGE_SIZE + 256;
	u32 seen[DBED_MOVE / 4], want[DBED_MOVE / 4];
	struct dbed_buf buf;
	unsigned long addr;

	addr = kunit_vm_mmap(test, NULL, 0, LEN, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, 0);
	KUNIT_ASSERT_NE(test, addr, 0);
	buf = back(test, vcm,
		   keep_phys(test, vcm_phys_pin_user(addr, LEN, DBED_RW)),
		   DBED_RW);
	expect_dma(test, vcm, buf, off);
	KUNIT_ASSERT_EQ(test, copy_from_user(seen, (void __user *)(addr + off),
					     DBED_MOVE), 0);
	memcpy_from_page((char *)want, dbed_page(test, buf.phys, off),
			 offset_in_page(off), DBED_MOVE);
	KUNIT_EXPECT_MEMEQ(test, seen, want, DBED_MOVE);

	/* The process unmaps it; the device still has it, and only it. */
	KUNIT_EXPECT_EQ(test, vm_munmap(addr, LEN), 0);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 1, buf.addr + off, buf.phys,
					    off));
	KUNIT_EXPECT_EQ(test, vcm_unback(buf.res), 0);
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, 1, buf.addr + off, buf.phys,
					     off));
	test_process_exit();
}

/* What was pinned to be read is not written, whatever the device tries. */
static void user_pages_read_only(struct kunit *test)
{
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf buf, out;
	unsigned long addr;

	addr = kunit_vm_mmap(test, NULL, 0, LEN, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, 0);
	KUNIT_ASSERT_NE(test, addr, 0);
	KUNIT_ASSERT_EQ(test, clear_user((void __user *)addr, LEN), 0);
	out = dbed_new_buf(test, vcm, PAGE_SIZE, DBED_RW);
	buf = back(test, vcm,
		   keep_phys(test, vcm_phys_pin_user(addr, LEN, VCM_READ)),
		   VCM_READ);
	dbed_join_active(test, vcm, 0);
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, 0, buf.addr, buf.phys, 0));
	KUNIT_EXPECT_TRUE(test, dbed_reads(test, 0, buf.addr, buf.phys, 0, out));
	test_process_exit();
}

/* One device writes to a register of the other, and the CPU sees it there. */
static void peer_registers(struct kunit *test)
{
	struct dbed *bed = test->priv;
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	phys_addr_t pa = pci_resource_start(to_pci_dev(bed->dev[1]), 0);
	struct dbed_buf sent = dbed_new_buf(test, vcm, PAGE_SIZE, DBED_RW);
	struct vcm_phys *registers;
	struct vcm *kernel = vcm_create_kernel();
	struct dbed_buf peer, cpu;
	void __iomem *p;
	u32 word;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kernel);
	if (IS_ENABLED(CONFIG_SPARSEMEM) &&
	    !IS_ENABLED(CONFIG_SPARSEMEM_VMEMMAP)) {
		KUNIT_EXPECT_EQ(test, vcm_free(kernel), 0);
		kunit_skip(test, "the kernel cannot see registers here");
	}
	bed->vcm[bed->nr_vcm++] = kernel;
	registers = keep_phys(test, vcm_map_phys_addr(pa, PAGE_SIZE));
	cpu = back(test, kernel, registers, DBED_RW | VCM_MMIO);
	peer = back(test, vcm, registers, DBED_RW | VCM_MMIO);
	dbed_join_active(test, vcm, 0);

	p = (void __iomem *)vcm_get_kernel_addr(cpu.res);
	KUNIT_EXPECT_EQ(test, readl(p + EDU_ID) & 0xff, 0xed);
	writel(0x12345678, p + EDU_INVERT);
	KUNIT_EXPECT_EQ(test, readl(p + EDU_INVERT), ~0x12345678);

	/* What is it that the device has to send? */
	KUNIT_ASSERT_EQ(test, vcm_edu_store(bed->dev[0], sent.addr,
					    DBED_SIG_OFF, sizeof(word)), 0);
	memcpy_from_page((char *)&word, dbed_page(test, sent.phys, 0), 0,
			 sizeof(word));
	KUNIT_ASSERT_NE(test, word, 0);
	KUNIT_ASSERT_EQ(test, vcm_edu_store(bed->dev[0], peer.addr + EDU_INVERT,
					    DBED_SIG_OFF, sizeof(word)), 0);
	KUNIT_EXPECT_EQ(test, readl(p + EDU_INVERT), ~word);

	/* Not any more. */
	KUNIT_EXPECT_EQ(test, vcm_unback(peer.res), 0);
	writel(0x12345678, p + EDU_INVERT);
	KUNIT_ASSERT_EQ(test, vcm_edu_store(bed->dev[0], peer.addr + EDU_INVERT,
					    DBED_SIG_OFF, sizeof(word)), 0);
	KUNIT_EXPECT_EQ(test, readl(p + EDU_INVERT), ~0x12345678);
}

static struct kunit_case vcm_dma_foreign_cases[] = {
	KUNIT_CASE(dma_heap),
	KUNIT_CASE(sg_apart),
	KUNIT_CASE(user_pages),
	KUNIT_CASE(user_pages_read_only),
	KUNIT_CASE(peer_registers),
	{}
};

static struct kunit_suite vcm_dma_foreign_suite = {
	.name = "vcm_dma_foreign",
	.suite_init = dbed_suite_init,
	.suite_exit = dbed_suite_exit,
	.init = dbed_init,
	.exit = dbed_exit,
	.test_cases = vcm_dma_foreign_cases,
};

kunit_test_suite(vcm_dma_foreign_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: DMA into memory of others");
MODULE_LICENSE("GPL");
