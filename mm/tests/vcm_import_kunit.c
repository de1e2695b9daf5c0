// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of mm/vcm_import.c: what a dma-buf has, as an allocation.
 *
 * From an exporter of the test, which says what is done to it and in which
 * order, and can be told to misbehave; and from the system heap, asked as user
 * space asks it.
 */
#include <kunit/test.h>
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/swiotlb.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"
#include "vcm_inject.h"
#include "vcm_test_heap.h"

MODULE_IMPORT_NS(DMA_BUF);

#define NR_PAGES	4
#define LEN		(NR_PAGES * PAGE_SIZE)

/**
 * struct exporter - a small exporter
 * @test: the test
 * @pages: its memory, not contiguous
 * @dmabuf: the dma-buf of it
 * @dev: the device of the last attachment
 * @attached: attachments
 * @mapped: mappings
 * @maps: how many there were
 * @released: the dma-buf is gone
 * @attach_err: what attach answers
 * @map_err: what map answers
 * @offset: it begins so far into its first page
 * @registers: it says that this is where it is, and has no pages
 */
struct exporter {
	struct kunit *test;
	struct page *pages[NR_PAGES];
	struct dma_buf *dmabuf;
	struct device *dev;
	unsigned int attached;
	unsigned int mapped;
	unsigned int maps;
	bool released;
	int attach_err;
	int map_err;
	unsigned int offset;
	phys_addr_t registers;
};

static int exp_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	struct exporter *e = dmabuf->priv;

	if (e->attach_err)
		return e->attach_err;
	/* It has no IOMMU, and no limit. */
	KUNIT_EXPECT_EQ(e->test, DMA_BIT_MASK(64), dma_get_mask(attach->dev));
	KUNIT_EXPECT_FALSE(e->test, device_iommu_mapped(attach->dev));
	e->dev = attach->dev;
	e->attached++;
	return 0;
}

static void exp_detach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	struct exporter *e = dmabuf->priv;

	KUNIT_EXPECT_NULL(e->test, attach->priv);
	e->attached--;
}

/* Registers have no pages: an exporter of such gives addresses alone. */
static int exp_map_registers(struct exporter *e, struct device *dev,
			     struct sg_table *sgt)
{
	dma_addr_t addr = dma_map_resource(dev, e->registers, LEN,
					   DMA_BIDIRECTIONAL, 0);

	if (dma_mapping_error(dev, addr))
		return -EIO;
	sg_dma_address(sgt->sgl) = addr;
	sg_dma_len(sgt->sgl) = LEN;
	return 0;
}

static int exp_map_pages(struct exporter *e, struct device *dev,
			 struct sg_table *sgt)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_sg(sgt, sg, i)
		sg_set_page(sg, e->pages[i], PAGE_SIZE - e->offset, e->offset);
	return dma_map_sgtable(dev, sgt, DMA_BIDIRECTIONAL, 0);
}

static struct sg_table *exp_map(struct dma_buf_attachment *attach,
				enum dma_data_direction dir)
{
	struct exporter *e = attach->dmabuf->priv;
	struct sg_table *sgt;
	int ret;

	KUNIT_EXPECT_EQ(e->test, DMA_BIDIRECTIONAL, dir);
	if (e->map_err)
		return ERR_PTR(e->map_err);
	sgt = kzalloc(sizeof(*sgt), GFP_KERNEL);
	if (!sgt)
		return ERR_PTR(-ENOMEM);
	ret = sg_alloc_table(sgt, e->registers ? 1 : NR_PAGES, GFP_KERNEL);
	if (ret)
		goto free;
	ret = e->registers ? exp_map_registers(e, attach->dev, sgt) :
			     exp_map_pages(e, attach->dev, sgt);
	if (ret)
		goto free_table;
	e->mapped++;
	e->maps++;
	attach->priv = sgt;
	return sgt;

free_table:
	sg_free_table(sgt);
free:
	kfree(sgt);
	return ERR_PTR(ret);
}

static void exp_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
		      enum dma_data_direction dir)
{
	struct exporter *e = attach->dmabuf->priv;

	if (!e->registers)
		dma_unmap_sgtable(attach->dev, sgt, dir, 0);
	sg_free_table(sgt);
	kfree(sgt);
	attach->priv = NULL;
	e->mapped--;
}

static void exp_release(struct dma_buf *dmabuf)
{
	struct exporter *e = dmabuf->priv;
	unsigned int i;

	KUNIT_EXPECT_EQ(e->test, 0, e->attached);
	for (i = 0; i < NR_PAGES; i++)
		__free_page(e->pages[i]);
	e->released = true;
}

static const struct dma_buf_ops exp_ops = {
	.attach = exp_attach,
	.detach = exp_detach,
	.map_dma_buf = exp_map,
	.unmap_dma_buf = exp_unmap,
	.release = exp_release,
};

static struct exporter *exporter_new(struct kunit *test)
{
	struct exporter *e = kunit_kzalloc(test, sizeof(*e), GFP_KERNEL);
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, e);
	e->test = test;
	for (i = 0; i < NR_PAGES; i++) {
		e->pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		KUNIT_ASSERT_NOT_NULL(test, e->pages[i]);
	}
	info.ops = &exp_ops;
	info.size = LEN;
	info.priv = e;
	e->dmabuf = dma_buf_export(&info);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, e->dmabuf);
	return e;
}

/* The last reference to a file goes when the task is about to leave the kernel. */
static void exporter_put(struct exporter *e)
{
	dma_buf_put(e->dmabuf);
	flush_delayed_fput();
}

static struct vcm_phys *import(struct kunit *test, struct dma_buf *dmabuf)
{
	struct vcm_phys *phys = vcm_import_dma_buf(dmabuf);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	return phys;
}

static int refused(struct dma_buf *dmabuf)
{
	struct vcm_phys *phys = vcm_import_dma_buf(dmabuf);

	if (IS_ERR(phys))
		return PTR_ERR(phys);
	vcm_phys_free(phys);
	return 0;
}

/* The devices see the exporter's pages, in their order. */
static void import_back(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct vcm_res *res = bed_reserve(bed, LEN, VCM_RW);
	struct exporter *e = exporter_new(test);
	struct vcm_phys *phys = import(test, e->dmabuf);
	dma_addr_t addr = vcm_get_dev_addr(res);
	unsigned int i;

	KUNIT_EXPECT_EQ(test, LEN, vcm_get_phys_len(phys));
	KUNIT_EXPECT_EQ(test, -ENODEV,
			PTR_ERR_OR_ZERO(vcm_get_memtype_of_physalloc(phys)));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, vcm_phys_migrate(phys, NULL, 0, 0));
	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	for (i = 0; i < NR_PAGES; i++) {
		unsigned int j = i % bed->nr;
		u8 byte = 0xb0 + i;

		KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(bed->units[j], bed->devs[j],
						      addr + i * PAGE_SIZE + i,
						      &byte, 1, VCM_WRITE));
		KUNIT_EXPECT_EQ(test, 0xb0 + i,
				((u8 *)page_address(e->pages[i]))[i]);
		KUNIT_EXPECT_EQ(test, 1,
				vcm_get_phys_num_res(page_to_phys(e->pages[i])));
	}
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	exporter_put(e);
	KUNIT_EXPECT_TRUE(test, e->released);
	bed_end(bed);
}

/*
 * It is attached and mapped from import to free, and once; the exporter may let
 * go of it in between, and a device still reaches it.
 */
static void import_lifetime(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_two);
	struct vcm_res *res = bed_reserve(bed, LEN, VCM_RW);
	struct exporter *e = exporter_new(test);
	struct vcm_phys *phys;

	KUNIT_EXPECT_EQ(test, 1, file_count(e->dmabuf->file));
	phys = import(test, e->dmabuf);
	KUNIT_EXPECT_EQ(test, 2, file_count(e->dmabuf->file));
	KUNIT_EXPECT_EQ(test, 1, e->attached);
	KUNIT_EXPECT_EQ(test, 1, e->mapped);
	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	exporter_put(e);
	KUNIT_EXPECT_FALSE(test, e->released);
	KUNIT_EXPECT_EQ(test, 1, e->mapped);
	bed_expect_access(bed, vcm_get_dev_addr(res), VCM_WRITE);

	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(phys));
	KUNIT_EXPECT_FALSE(test, e->released);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 1, e->mapped);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, 0, e->mapped);
	KUNIT_EXPECT_EQ(test, 1, e->maps);
	KUNIT_EXPECT_TRUE(test, e->released);
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	bed_end(bed);
}

/* Imported twice it is in two allocations, and is still the same memory. */
static void import_twice(struct kunit *test)
{
	struct exporter *e = exporter_new(test);
	struct vcm_phys *a = import(test, e->dmabuf);
	struct vcm_phys *b = import(test, e->dmabuf);
	struct vcm *vcm = space_new(test, SZ_1M, SZ_1M);
	struct vcm_res *one = space_take(test, vcm, LEN, VCM_RW);
	struct vcm_res *two = space_take(test, vcm, LEN, VCM_RW);

	KUNIT_EXPECT_EQ(test, 2, e->mapped);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(one, a));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(two, b));
	KUNIT_EXPECT_EQ(test, 2, vcm_get_phys_num_res(page_to_phys(e->pages[1])));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(one));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(two));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(a));
	KUNIT_EXPECT_EQ(test, 1, e->mapped);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(b));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(one));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(two));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
	exporter_put(e);
	KUNIT_EXPECT_TRUE(test, e->released);
}

/* Registers of a peer come without pages, and are registers here, too. */
static void import_registers(struct kunit *test)
{
	struct exporter *e = exporter_new(test);
	struct vcm *vcm = space_new(test, SZ_1M, SZ_1M);
	struct vcm_res *res = space_take(test, vcm, LEN, VCM_RW);
	struct vcm_phys *phys;
	phys_addr_t pa;
	size_t len;

	e->registers = 0xf0000000;
	phys = import(test, e->dmabuf);
	KUNIT_EXPECT_EQ(test, 0, vcm_get_chunk(phys, 0, &pa, &len));
	KUNIT_EXPECT_EQ(test, (u64)e->registers, (u64)pa);
	KUNIT_EXPECT_EQ(test, LEN, len);
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(res, VCM_RW | VCM_MMIO));
	KUNIT_EXPECT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
	exporter_put(e);
	KUNIT_EXPECT_TRUE(test, e->released);
}

/* Where the DMA API copies, the addresses are those of the copy. */
static void import_bounced(struct kunit *test)
{
	struct exporter *e = exporter_new(test);
	phys_addr_t pool = 0;

	KUNIT_EXPECT_EQ(test, 0, refused(e->dmabuf));
#ifdef CONFIG_SWIOTLB
	if (e->dev->dma_io_tlb_mem && e->dev->dma_io_tlb_mem->nslabs)
		pool = e->dev->dma_io_tlb_mem->defpool.start;
#endif
	if (pool) {
		e->registers = pool;
		KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, refused(e->dmabuf));
		KUNIT_EXPECT_TRUE(test, bed_log_has("put a buffer or a bus in between"));
		KUNIT_EXPECT_EQ(test, 0, e->attached);
	}
	exporter_put(e);
	if (!pool)
		kunit_skip(test, "no bounce buffers on this machine");
}

/* Whatever the exporter refuses, nothing is left of it. */
static void import_refused(struct kunit *test)
{
	struct exporter *e = exporter_new(test);

	KUNIT_EXPECT_EQ(test, -EINVAL, refused(NULL));
	KUNIT_EXPECT_EQ(test, -EINVAL, refused(ERR_PTR(-EIO)));
	e->attach_err = -EPERM;
	KUNIT_EXPECT_EQ(test, -EPERM, refused(e->dmabuf));
	e->attach_err = 0;
	e->map_err = -ENOSPC;
	KUNIT_EXPECT_EQ(test, -ENOSPC, refused(e->dmabuf));
	KUNIT_EXPECT_EQ(test, 0, e->attached);
	e->map_err = 0;
	e->offset = 512;
	KUNIT_EXPECT_EQ(test, -EINVAL, refused(e->dmabuf));
	KUNIT_EXPECT_TRUE(test, bed_log_has("are not in whole pages"));
	KUNIT_EXPECT_EQ(test, 0, e->attached);
	KUNIT_EXPECT_EQ(test, 0, e->mapped);
	KUNIT_EXPECT_EQ(test, 1, file_count(e->dmabuf->file));
	e->offset = 0;
	KUNIT_EXPECT_EQ(test, 0, refused(e->dmabuf));
	exporter_put(e);
	KUNIT_EXPECT_TRUE(test, e->released);
}

static struct vcm_phys *make_import(void *arg)
{
	return vcm_import_dma_buf(arg);
}

/* No memory, for us or for the exporter: nothing is attached or mapped. */
static void import_no_memory(struct kunit *test)
{
	struct exporter *e = exporter_new(test);

	/* The device that it is attached as comes with the first import. */
	KUNIT_EXPECT_EQ(test, 0, refused(e->dmabuf));
	KUNIT_EXPECT_GE(test, vcm_inject_each(test, make_import, e->dmabuf), 4);
	KUNIT_EXPECT_EQ(test, 0, e->attached);
	KUNIT_EXPECT_EQ(test, 0, e->mapped);
	KUNIT_EXPECT_EQ(test, 1, file_count(e->dmabuf->file));
	exporter_put(e);
	KUNIT_EXPECT_TRUE(test, e->released);
}

/* From the system heap */
static void import_heap(struct kunit *test)
{
	const size_t len = SZ_2M + 3 * PAGE_SIZE;
	struct dma_buf *dmabuf = test_heap_alloc(test, len);
	struct vcm_bed *bed = bed_new(test, &vcm_bed_mirror);
	struct vcm_res *res = bed_reserve(bed, len, VCM_RW);
	struct vcm_phys *phys = import(test, dmabuf);
	struct iosys_map map;
	u8 byte = 0x1d;

	KUNIT_EXPECT_EQ(test, len, vcm_get_phys_len(phys));
	/* Blocks of the heap stay blocks. */
	KUNIT_EXPECT_LT(test, phys->nr_chunks, 64);
	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	bed_expect_memory(bed, res, phys);
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(bed->units[0], bed->devs[0],
					      vcm_get_dev_addr(res) + len - 7,
					      &byte, 1, VCM_WRITE));
	/* As the exporter itself shows it */
	KUNIT_ASSERT_EQ(test, 0, dma_buf_vmap_unlocked(dmabuf, &map));
	KUNIT_EXPECT_EQ(test, 0x1d, ((u8 *)map.vaddr)[len - 7]);
	dma_buf_vunmap_unlocked(dmabuf, &map);

	dma_buf_put(dmabuf);
	bed_expect_access(bed, vcm_get_dev_addr(res), VCM_WRITE);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	bed_end(bed);
}

static struct kunit_case vcm_import_cases[] = {
	KUNIT_CASE_PARAM(import_back, vcm_bed_gen_params),
	KUNIT_CASE(import_lifetime),
	KUNIT_CASE(import_twice),
	KUNIT_CASE(import_registers),
	KUNIT_CASE(import_bounced),
	KUNIT_CASE(import_refused),
	KUNIT_CASE(import_no_memory),
	KUNIT_CASE(import_heap),
	{}
};

static struct kunit_suite vcm_import_suite = {
	.name = "vcm_import",
	.suite_init = vcm_inject_init,
	.suite_exit = vcm_inject_exit,
	.test_cases = vcm_import_cases,
};

kunit_test_suite(vcm_import_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: dma-bufs of others");
MODULE_LICENSE("GPL");
