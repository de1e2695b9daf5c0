// SPDX-License-Identifier: GPL-2.0-only
/*
 * Real DMA into a dma-buf of VCMM, by devices that know nothing of VCMM: they
 * attach to it, and the DMA API maps it for them.
 */
#include <kunit/test.h>

#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/scatterlist.h>

#include "vcm_domain_bed.h"

/* One who attached, and where its device finds the memory */
struct classic {
	struct dma_buf_attachment *attachment;
	struct sg_table *table;
};

static struct dma_buf *export(struct kunit *test, struct vcm_phys *phys)
{
	struct dma_buf *buf = vcm_export_dma_buf(phys, O_RDWR);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, buf);
	return buf;
}

static struct classic attach(struct kunit *test, struct dma_buf *buf, int index)
{
	struct dbed *bed = test->priv;
	struct classic c;

	c.attachment = dma_buf_attach(buf, bed->dev[index]);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, c.attachment);
	c.table = dma_buf_map_attachment_unlocked(c.attachment, DMA_BIDIRECTIONAL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, c.table);
	return c;
}

static void detach(struct dma_buf *buf, struct classic c)
{
	dma_buf_unmap_attachment_unlocked(c.attachment, c.table, DMA_BIDIRECTIONAL);
	dma_buf_detach(buf, c.attachment);
}

static void release(struct dma_buf *buf)
{
	dma_buf_put(buf);
	flush_delayed_fput();
}

/* The device's address of a byte */
static dma_addr_t addr_of(struct kunit *test, struct classic c, size_t off)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_dma_sg(c.table, sg, i) {
		if (off < sg_dma_len(sg))
			return sg_dma_address(sg) + off;
		off -= sg_dma_len(sg);
	}
	KUNIT_FAIL_AND_ABORT(test, "no byte %zu", off);
	return 0;
}

static void dmabuf_classic(struct kunit *test)
{
	struct vcm_phys *phys = dbed_phys(test, SZ_256K);
	struct dma_buf *buf = export(test, phys);
	struct classic c = attach(test, buf, 0);
	phys_addr_t pa;
	size_t len;

	KUNIT_EXPECT_EQ(test, dma_buf_begin_cpu_access(buf, DMA_FROM_DEVICE), 0);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, addr_of(test, c, 0), phys, 0));
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, addr_of(test, c, SZ_128K),
					    phys, SZ_128K));
	KUNIT_EXPECT_EQ(test, dma_buf_end_cpu_access(buf, DMA_FROM_DEVICE), 0);

	/* By way of an IOMMU, and it stays where it is meanwhile. */
	KUNIT_ASSERT_EQ(test, vcm_get_chunk(phys, 0, &pa, &len), 0);
	KUNIT_EXPECT_NE(test, (u64)pa, (u64)addr_of(test, c, 0));
	KUNIT_EXPECT_EQ(test, vcm_phys_migrate(phys, NULL, 0, 0), -EBUSY);
	detach(buf, c);
	KUNIT_EXPECT_EQ(test, vcm_phys_migrate(phys, NULL, 0, 0), 0);
	release(buf);
}

/* One device through VCMM, another one through the DMA API, the same memory. */
static void dmabuf_both(struct kunit *test)
{
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf ours, out;
	struct dma_buf *buf;
	struct vcm_phys *phys;
	struct classic c;

	out = dbed_new_buf(test, vcm, SZ_4K, DBED_RW);
	ours.phys = dbed_phys(test, SZ_256K);
	ours.res = dbed_keep_res(test, vcm_reserve(vcm, SZ_256K, DBED_RW));
	ours.addr = vcm_get_dev_addr(ours.res);
	buf = export(test, ours.phys);
	phys = vcm_dma_buf_get_phys(buf);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	KUNIT_ASSERT_EQ(test, vcm_back(ours.res, phys), 0);
	dbed_join_active(test, vcm, 0);
	c = attach(test, buf, 1);

	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, ours.addr + SZ_64K, phys, SZ_64K));
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 1, addr_of(test, c, SZ_64K), phys,
					    SZ_64K));
	/* The one reads what the other one wrote. */
	dbed_fetch(test, ((struct dbed *)test->priv)->dev[0], ours.addr + SZ_64K);
	KUNIT_EXPECT_TRUE(test, dbed_caught(test, 0, out, dbed_signature(1)));

	KUNIT_EXPECT_EQ(test, vcm_unback(ours.res), 0);
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, 0, ours.addr, phys, 0));
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 1, addr_of(test, c, 0), phys, 0));
	vcm_phys_put(phys);
	detach(buf, c);
	release(buf);
}

static struct kunit_case dmabuf_cases[] = {
	KUNIT_CASE(dmabuf_classic),
	KUNIT_CASE(dmabuf_both),
	{ }
};

static struct kunit_suite dmabuf_suite = {
	.name = "vcm_domain_buf",
	.suite_init = dbed_suite_init,
	.suite_exit = dbed_suite_exit,
	.init = dbed_init,
	.exit = dbed_exit,
	.test_cases = dmabuf_cases,
};
kunit_test_suite(dmabuf_suite);
