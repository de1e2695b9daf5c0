// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts in a page table that somebody else owns, with real DMA.
 *
 * The owner is the test: it takes an edu device, makes a domain, attaches the
 * device to it and maps memory of its own. VCMM gets a window of it.
 */
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/sizes.h>
#include <linux/vcm.h>

#include "vcm_domain_bed.h"

/* The owner's memory, below the window and in the middle of it */
#define OWNER_BELOW	(DBED_START - SZ_1M)
#define OWNER_INSIDE	(DBED_START + SZ_1M)

struct owner {
	struct iommu_domain *domain;
	struct vcm_phys *below;
	struct vcm_phys *inside;
	struct vcm *vcm;
};

static struct vcm_phys *owner_maps(struct kunit *test,
				   struct iommu_domain *domain, dma_addr_t addr)
{
	struct vcm_phys *phys = vcm_phys_alloc(NULL, SZ_64K, VCM_CONTIG);
	phys_addr_t pa;
	size_t len;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(phys, 0, &pa, &len));
	KUNIT_ASSERT_EQ(test, 0,
			iommu_map(domain, addr, pa, len, IOMMU_READ |
				  IOMMU_WRITE | IOMMU_CACHE, GFP_KERNEL));
	return phys;
}

static void owner_begins(struct kunit *test, struct owner *owner)
{
	struct dbed *bed = test->priv;
	struct device *dev = bed->dev[0];

	KUNIT_ASSERT_EQ(test, 0, iommu_device_claim_dma_owner(dev, owner));
	owner->domain = iommu_paging_domain_alloc(dev);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, owner->domain);
	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_group(owner->domain, dev->iommu_group));
	owner->below = owner_maps(test, owner->domain, OWNER_BELOW);
	owner->inside = owner_maps(test, owner->domain, OWNER_INSIDE);
	owner->vcm = vcm_create_from_domain(owner->domain, DBED_START, SZ_4M);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, owner->vcm);
}

/* The domain and the owner's mappings are as they were. */
static void owner_ends(struct kunit *test, struct owner *owner)
{
	struct dbed *bed = test->priv;
	struct device *dev = bed->dev[0];

	KUNIT_EXPECT_EQ(test, 0, vcm_free(owner->vcm));
	KUNIT_EXPECT_PTR_EQ(test, owner->domain,
			    iommu_get_domain_for_dev(dev));
	KUNIT_EXPECT_TRUE(test,
			  dbed_writes(test, 0, OWNER_BELOW, owner->below, 0));
	KUNIT_EXPECT_TRUE(test,
			  dbed_writes(test, 0, OWNER_INSIDE, owner->inside, 0));
	KUNIT_EXPECT_EQ(test, SZ_64K,
			iommu_unmap(owner->domain, OWNER_BELOW, SZ_64K));
	KUNIT_EXPECT_EQ(test, SZ_64K,
			iommu_unmap(owner->domain, OWNER_INSIDE, SZ_64K));
	iommu_detach_group(owner->domain, dev->iommu_group);
	iommu_domain_free(owner->domain);
	iommu_device_release_dma_owner(dev);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(owner->below));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(owner->inside));
}

/* The device of the owner reaches what VCMM maps, for as long as it does. */
static void window_reaches(struct kunit *test)
{
	struct dbed *bed = test->priv;
	struct vcm_phys *phys = vcm_phys_alloc(NULL, SZ_2M, VCM_ZERO);
	struct vcm_phys *back = vcm_phys_alloc(NULL, PAGE_SIZE, VCM_ZERO);
	struct vcm_res *res, *out;
	struct owner owner = {};
	struct dbed_buf buf;
	dma_addr_t addr;
	phys_addr_t pa;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, back);
	owner_begins(test, &owner);
	res = vcm_reserve(owner.vcm, SZ_2M, DBED_RW);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
	out = vcm_reserve(owner.vcm, PAGE_SIZE, DBED_RW);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, out);
	addr = vcm_get_dev_addr(res);
	KUNIT_EXPECT_GE(test, addr, OWNER_INSIDE + SZ_64K);
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, 0, addr, phys, 0));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(out, back));
	buf = (struct dbed_buf){ out, back, vcm_get_dev_addr(out) };

	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, addr, phys, 0));
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, addr + SZ_2M - DBED_MOVE,
					    phys, SZ_2M - DBED_MOVE));
	KUNIT_EXPECT_TRUE(test, dbed_reads(test, 0, addr + SZ_1M, phys, SZ_1M,
					   buf));
	KUNIT_EXPECT_TRUE(test,
			  dbed_writes(test, 0, OWNER_INSIDE, owner.inside, 0));

	/* It is the owner's device, and not to be had. */
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EBUSY),
			    vcm_assoc(owner.vcm, bed->dev[0], 0));

	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(res, VCM_READ));
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, 0, addr, phys, 0));
	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(res, DBED_RW));
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, addr, phys, 0));

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, 0, addr, phys, 0));
	KUNIT_EXPECT_FALSE(test, dbed_reads(test, 0, addr, phys, 0, buf));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			vcm_dev_addr_to_phys_addr(owner.vcm, addr, &pa));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(out));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(out));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(back));
	owner_ends(test, &owner);
}

/* What the owner has in the window is kept out of, and not overwritten. */
static void window_avoids(struct kunit *test)
{
	struct vcm_phys *phys = vcm_phys_alloc(NULL, SZ_64K, VCM_ZERO);
	struct owner owner = {};
	struct vcm_phys *late;
	struct vcm_res *res;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	owner_begins(test, &owner);
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ERANGE),
			    vcm_reserve_at(owner.vcm, OWNER_INSIDE, SZ_64K,
					   DBED_RW));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ENOSPC),
			    vcm_reserve(owner.vcm, SZ_4M, DBED_RW));
	res = vcm_reserve_at(owner.vcm, OWNER_INSIDE + SZ_64K, SZ_64K, DBED_RW);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
	late = owner_maps(test, owner.domain, OWNER_INSIDE + SZ_64K);
	KUNIT_EXPECT_EQ(test, -EADDRINUSE, vcm_back(res, phys));
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, OWNER_INSIDE + SZ_64K,
					    late, 0));
	KUNIT_EXPECT_EQ(test, SZ_64K, iommu_unmap(owner.domain, OWNER_INSIDE +
						  SZ_64K, SZ_64K));
	KUNIT_EXPECT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, OWNER_INSIDE + SZ_64K,
					    phys, 0));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(late));
	owner_ends(test, &owner);
}

static struct kunit_case vcm_domain_prebuilt_cases[] = {
	KUNIT_CASE(window_reaches),
	KUNIT_CASE(window_avoids),
	{}
};

static struct kunit_suite vcm_domain_prebuilt_suite = {
	.name = "vcm_domain_prebuilt",
	.suite_init = dbed_suite_init,
	.suite_exit = dbed_suite_exit,
	.init = dbed_init,
	.exit = dbed_exit,
	.test_cases = vcm_domain_prebuilt_cases,
};

kunit_test_suite(vcm_domain_prebuilt_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: real page tables of somebody else");
MODULE_LICENSE("GPL");
