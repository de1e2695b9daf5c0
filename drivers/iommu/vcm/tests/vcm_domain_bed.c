// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bed of the suites with real DMA; see vcm_domain_bed.h.
 */
#include <kunit/test.h>

#include <linux/device.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/iommu.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/size_pool.h>
#include <linux/string.h>
#include <linux/vcm-memtype.h>

#include "../../../../samples/vcm/vcm_edu.h"
#include "vcm_domain_bed.h"

static int nr_moves;

u32 dbed_fresh(void)
{
	static u32 serial = 0x5eed0000;

	return ++serial;
}

static void make_pattern(u32 seed, u32 *pattern)
{
	int i;

	for (i = 0; i < DBED_MOVE / 4; i++)
		pattern[i] = seed * 2654435761U + i;
}

/* A machine may have some that no IOMMU is in front of: those don't count. */
struct device *dbed_device(unsigned int index)
{
	struct device *dev;
	unsigned int i;

	for (i = 0; (dev = vcm_edu_get(i)); i++) {
		if (dev->iommu_group && !index--)
			return dev;
		put_device(dev);
	}
	return NULL;
}

/* Each device keeps a signature in its own buffer, and writes that. */
u32 dbed_signature(int index)
{
	return 0x51600000 + index;
}

/* Memory, as the CPU sees it: through the kernel's view of all memory. */

struct page *dbed_page(struct kunit *test, struct vcm_phys *phys, size_t off)
{
	unsigned int i;
	phys_addr_t pa;
	size_t len;

	for (i = 0; !vcm_get_chunk(phys, i, &pa, &len); i++) {
		if (off < len)
			return pfn_to_page(PHYS_PFN(pa + off));
		off -= len;
	}
	KUNIT_FAIL_AND_ABORT(test, "no page at %zu", off);
	return NULL;
}

void dbed_poke(struct kunit *test, struct vcm_phys *phys, size_t off, u32 seed)
{
	u32 pattern[DBED_MOVE / 4];

	make_pattern(seed, pattern);
	memcpy_to_page(dbed_page(test, phys, off), offset_in_page(off),
		       (void *)pattern, DBED_MOVE);
}

bool dbed_holds(struct kunit *test, struct vcm_phys *phys, size_t off, u32 seed)
{
	u32 pattern[DBED_MOVE / 4], seen[DBED_MOVE / 4];

	make_pattern(seed, pattern);
	memcpy_from_page((void *)seen, dbed_page(test, phys, off),
			 offset_in_page(off), DBED_MOVE);
	return !memcmp(pattern, seen, DBED_MOVE);
}

#define PAINT	0xa5

void dbed_paint(struct page *page)
{
	memset_page(page, 0, PAINT, PAGE_SIZE);
}

bool dbed_is_painted(struct page *page)
{
	void *p = kmap_local_page(page);
	bool is = !memchr_inv(p, PAINT, PAGE_SIZE);

	kunmap_local(p);
	return is;
}

/* Devices */

void dbed_store(struct kunit *test, struct device *dev, dma_addr_t addr,
		size_t off)
{
	nr_moves++;
	KUNIT_ASSERT_EQ(test, vcm_edu_store(dev, addr, off, DBED_MOVE), 0);
}

void dbed_fetch(struct kunit *test, struct device *dev, dma_addr_t addr)
{
	nr_moves++;
	KUNIT_ASSERT_EQ(test,
			vcm_edu_fetch(dev, addr, DBED_CATCH_OFF, DBED_MOVE), 0);
}

/* Does a store to @addr end up at @off of @phys? It must do that or nothing. */
bool dbed_writes(struct kunit *test, int index, dma_addr_t addr,
		 struct vcm_phys *phys, size_t off)
{
	struct dbed *bed = test->priv;
	u32 clean = dbed_fresh();

	dbed_poke(test, phys, off, clean);
	dbed_store(test, bed->dev[index], addr, DBED_SIG_OFF);
	if (dbed_holds(test, phys, off, dbed_signature(index)))
		return true;
	KUNIT_EXPECT_TRUE_MSG(test, dbed_holds(test, phys, off, clean),
			      "half a write");
	return false;
}

/* Does the device now put what it caught at @out, and is it that? */
bool dbed_caught(struct kunit *test, int index, struct dbed_buf out, u32 seed)
{
	struct dbed *bed = test->priv;

	dbed_poke(test, out.phys, 0, dbed_fresh());
	dbed_store(test, bed->dev[index], out.addr, DBED_CATCH_OFF);
	return dbed_holds(test, out.phys, 0, seed);
}

/* Does a fetch from @addr bring what is at @off of @phys? */
bool dbed_reads(struct kunit *test, int index, dma_addr_t addr,
		struct vcm_phys *phys, size_t off, struct dbed_buf out)
{
	struct dbed *bed = test->priv;
	u32 secret = dbed_fresh();

	dbed_poke(test, phys, off, secret);
	dbed_fetch(test, bed->dev[index], addr);
	return dbed_caught(test, index, out, secret);
}

const char *dbed_iommu_name(struct device *dev)
{
	return dev_name(dev->iommu->iommu_dev->dev);
}

/* Objects */

struct vcm *dbed_vcm(struct kunit *test, dma_addr_t start, u64 len)
{
	struct dbed *bed = test->priv;
	struct vcm *vcm = vcm_create(start, len);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vcm);
	bed->vcm[bed->nr_vcm++] = vcm;
	return vcm;
}

struct vcm_res *dbed_keep_res(struct kunit *test, struct vcm_res *res)
{
	struct dbed *bed = test->priv;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
	bed->res[bed->nr_res++] = res;
	return res;
}

static void free_pool(void *page)
{
	__free_pages(page, get_order(DBED_POOL_LEN));
}

static void end_memtype(void *type)
{
	WARN_ON(vcm_memtype_unregister(type));
}

/* Memory that nobody else takes: what is given back stays what it was. */
struct vcm_memtype *dbed_memtype(struct kunit *test, const char *name)
{
	struct page *page = alloc_pages(GFP_KERNEL, get_order(DBED_POOL_LEN));
	const struct size_class_desc blocks = {
		SZ_64K, DBED_POOL_LEN / SZ_64K
	};
	struct vcm_pool_desc pool = {
		.kind = VCM_POOL_RANGE, .blocks = &blocks, .nr_blocks = 1,
		.len = DBED_POOL_LEN,
	};
	const struct vcm_memtype_desc desc = {
		.name = name, .pools = &pool, .nr_pools = 1,
	};
	struct vcm_memtype *type;

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, free_pool, page));
	pool.start = page_to_phys(page);
	type = vcm_memtype_register(&desc);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, type);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, end_memtype, type));
	return type;
}

struct vcm_phys *dbed_phys(struct kunit *test, size_t len)
{
	return dbed_phys_of(test, NULL, len);
}

struct vcm_phys *dbed_phys_of(struct kunit *test, struct vcm_memtype *type,
			      size_t len)
{
	struct dbed *bed = test->priv;
	struct vcm_phys *phys = vcm_phys_alloc(type, len, VCM_ZERO);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	bed->phys[bed->nr_phys++] = phys;
	return phys;
}

struct dbed_buf dbed_new_buf(struct kunit *test, struct vcm *vcm, size_t len,
			     u32 attr)
{
	struct dbed_buf buf;

	buf.res = dbed_keep_res(test, vcm_reserve(vcm, len, attr));
	buf.phys = dbed_phys(test, len);
	buf.addr = vcm_get_dev_addr(buf.res);
	KUNIT_ASSERT_EQ(test, vcm_back(buf.res, buf.phys), 0);
	return buf;
}

struct vcm_assoc *dbed_join(struct kunit *test, struct vcm *vcm, int index)
{
	struct dbed *bed = test->priv;
	struct vcm_assoc *assoc = vcm_assoc(vcm, bed->dev[index], 0);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, assoc);
	KUNIT_ASSERT_LT(test, bed->nr_assoc, DBED_MAX_ASSOCS);
	bed->assoc[bed->nr_assoc++] = assoc;
	return assoc;
}

struct vcm_assoc *dbed_join_active(struct kunit *test, struct vcm *vcm,
				   int index)
{
	struct vcm_assoc *assoc = dbed_join(test, vcm, index);

	KUNIT_ASSERT_EQ(test, vcm_activate(assoc), 0);
	return assoc;
}

/* The life of a suite and of a case */

static int load_signature(struct device *dev, int index)
{
	/* A bad pointer in one place is an errno in the next. */
	struct vcm *vcm = vcm_create(DBED_START, DBED_LEN);
	struct vcm_phys *phys = vcm_phys_alloc(NULL, PAGE_SIZE, 0);
	struct vcm_res *res = vcm_reserve(vcm, PAGE_SIZE, VCM_READ);
	struct vcm_assoc *assoc = vcm_assoc(vcm, dev, 0);
	u32 pattern[DBED_MOVE / 4];
	phys_addr_t pa;
	size_t len;
	int ret;

	ret = vcm_get_chunk(phys, 0, &pa, &len) ?:
		      vcm_back(res, phys)	?:
						  vcm_activate(assoc);
	if (!ret) {
		make_pattern(dbed_signature(index), pattern);
		memcpy_to_page(pfn_to_page(PHYS_PFN(pa)), 0, (void *)pattern,
			       DBED_MOVE);
		ret = vcm_edu_fetch(dev, vcm_get_dev_addr(res), DBED_SIG_OFF,
				    DBED_MOVE);
	}
	vcm_deactivate(assoc);
	vcm_deassoc(assoc);
	vcm_unback(res);
	vcm_unreserve(res);
	vcm_phys_free(phys);
	vcm_free(vcm);
	return ret;
}

int dbed_suite_init(struct kunit_suite *suite)
{
	int i, ret = 0;

	for (i = 0; i < DBED_MAX_DEVS && !ret; i++) {
		struct device *dev = dbed_device(i);

		if (!dev)
			break;
		kunit_info(suite, "edu %s is behind %s, group %d\n",
			   dev_name(dev), dbed_iommu_name(dev),
			   iommu_group_id(dev->iommu_group));
		ret = load_signature(dev, i);
		put_device(dev);
	}
	nr_moves = i;
	return ret;
}

void dbed_suite_exit(struct kunit_suite *suite)
{
	kunit_info(suite, "%d transfers\n", nr_moves);
}

int dbed_init(struct kunit *test)
{
	struct dbed *bed = kunit_kzalloc(test, sizeof(*bed), GFP_KERNEL);
	struct device *dev;

	KUNIT_ASSERT_NOT_NULL(test, bed);
	test->priv = bed;
	while (bed->nr_devs < DBED_MAX_DEVS) {
		dev = dbed_device(bed->nr_devs);
		if (!dev)
			break;
		bed->dev[bed->nr_devs++] = dev;
	}
	if (bed->nr_devs < DBED_DEVS)
		kunit_skip(test, "needs %d edu devices behind an IOMMU",
			   DBED_DEVS);
	return 0;
}

void dbed_exit(struct kunit *test)
{
	struct dbed *bed = test->priv;
	int i;

	for (i = 0; i < bed->nr_assoc; i++) {
		if (vcm_is_active(bed->assoc[i]))
			KUNIT_EXPECT_EQ(test, vcm_deactivate(bed->assoc[i]), 0);
		KUNIT_EXPECT_EQ(test, vcm_deassoc(bed->assoc[i]), 0);
	}
	for (i = 0; i < bed->nr_res; i++) {
		if (!IS_ERR(vcm_get_physmem_from_res(bed->res[i])))
			KUNIT_EXPECT_EQ(test, vcm_unback(bed->res[i]), 0);
		KUNIT_EXPECT_EQ(test, vcm_unreserve(bed->res[i]), 0);
	}
	for (i = 0; i < bed->nr_phys; i++)
		KUNIT_EXPECT_EQ(test, vcm_phys_free(bed->phys[i]), 0);
	for (i = 0; i < bed->nr_vcm; i++)
		KUNIT_EXPECT_EQ(test, vcm_free(bed->vcm[i]), 0);
	for (i = 0; i < bed->nr_devs; i++)
		put_device(bed->dev[i]);
}
