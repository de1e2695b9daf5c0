// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts in a page table that somebody else owns.
 *
 * The page table is a domain of our own making, an array that keeps count of
 * what is done to it, so this needs no IOMMU. Real ones are in
 * vcm_domain_prebuilt_kunit.c.
 */
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/pfn.h>
#include <linux/sizes.h>

#include "../../../../mm/tests/vcm_bed.h"
#include "../../../../mm/tests/vcm_inject.h"

#define FAKE_START	SZ_16M
#define FAKE_PAGES	1024
#define FAKE_LEN	(FAKE_PAGES * PAGE_SIZE)
#define OWNER_PA	((phys_addr_t)SZ_512M)

/* An IOMMU's page table, as simple as can be */
struct fake {
	struct iommu_domain domain;
	phys_addr_t pa[FAKE_PAGES];
	int prot[FAKE_PAGES];
	unsigned int pages;	/* mapped now */
	unsigned int unflushed;	/* unmapped, and no flush since */
	unsigned int freed;
	unsigned int fail_after;	/* pages, 0 for never */
};

#define to_fake(d)	container_of(d, struct fake, domain)

/* As many drivers do, it sets @mapped and does not add to it. */
static int fake_map(struct iommu_domain *domain, unsigned long iova,
		    phys_addr_t pa, size_t pgsize, size_t pgcount, int prot,
		    gfp_t gfp, size_t *mapped)
{
	struct fake *fake = to_fake(domain);
	size_t first = (iova - FAKE_START) / PAGE_SIZE, i;

	for (i = 0; i < pgcount; i++) {
		if (fake->pa[first + i])
			return -EEXIST;
		if (fake->fail_after && !--fake->fail_after)
			return -ENOMEM;
		fake->pa[first + i] = pa + i * PAGE_SIZE;
		fake->prot[first + i] = prot;
		fake->pages++;
		*mapped = (i + 1) * pgsize;
	}
	return 0;
}

static size_t fake_unmap(struct iommu_domain *domain, unsigned long iova,
			 size_t pgsize, size_t pgcount,
			 struct iommu_iotlb_gather *gather)
{
	struct fake *fake = to_fake(domain);
	size_t first = (iova - FAKE_START) / PAGE_SIZE, i;

	for (i = 0; i < pgcount && fake->pa[first + i]; i++) {
		fake->pa[first + i] = 0;
		fake->pages--;
		fake->unflushed++;
	}
	return i * pgsize;
}

static void fake_sync(struct iommu_domain *domain,
		      struct iommu_iotlb_gather *gather)
{
	to_fake(domain)->unflushed = 0;
}

static phys_addr_t fake_lookup(struct iommu_domain *domain, dma_addr_t iova)
{
	struct fake *fake = to_fake(domain);
	size_t page = (iova - FAKE_START) / PAGE_SIZE;

	return fake->pa[page] ? fake->pa[page] + offset_in_page(iova) : 0;
}

static void fake_free(struct iommu_domain *domain)
{
	to_fake(domain)->freed++;
}

static const struct iommu_domain_ops fake_ops = {
	.map_pages = fake_map,
	.unmap_pages = fake_unmap,
	.iotlb_sync = fake_sync,
	.iova_to_phys = fake_lookup,
	.free = fake_free,
};

static struct fake *fake_new(struct kunit *test)
{
	struct fake *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fake);
	fake->domain.type = IOMMU_DOMAIN_UNMANAGED;
	fake->domain.ops = &fake_ops;
	fake->domain.pgsize_bitmap = PAGE_SIZE;
	fake->domain.geometry.aperture_start = FAKE_START;
	fake->domain.geometry.aperture_end = FAKE_START + FAKE_LEN - 1;
	return fake;
}

/* What the owner does */
static void owner_maps(struct kunit *test, struct fake *fake, unsigned int page,
		       unsigned int nr)
{
	KUNIT_ASSERT_EQ(test, 0,
			iommu_map(&fake->domain, FAKE_START + page * PAGE_SIZE,
				  OWNER_PA + page * PAGE_SIZE, nr * PAGE_SIZE,
				  IOMMU_READ, GFP_KERNEL));
}

static void owner_expects(struct kunit *test, struct fake *fake,
			  unsigned int page, unsigned int nr)
{
	unsigned int i;

	for (i = page; i < page + nr; i++)
		KUNIT_EXPECT_EQ(test, OWNER_PA + i * PAGE_SIZE, fake->pa[i]);
}

static struct vcm *window_new(struct kunit *test, struct fake *fake,
			      unsigned int page, unsigned int nr)
{
	struct vcm *vcm;

	vcm = vcm_create_from_domain(&fake->domain,
				     FAKE_START + page * PAGE_SIZE,
				     nr * PAGE_SIZE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vcm);
	return vcm;
}

static unsigned int page_of(struct vcm_res *res)
{
	return (vcm_get_dev_addr(res) - FAKE_START) / PAGE_SIZE;
}

/* Nothing but the window is written, and the domain is the owner's. */
static void prebuilt_window(struct kunit *test)
{
	struct fake *fake = fake_new(test);
	struct vcm_phys *phys;
	struct vcm_res *res;
	struct vcm *vcm;
	phys_addr_t pa;
	int i;

	phys = vcm_phys_alloc(NULL, 16 * PAGE_SIZE, VCM_CONTIG);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	owner_maps(test, fake, 0, 100);
	owner_maps(test, fake, 200, 24);
	vcm = window_new(test, fake, 100, 100);
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_tables(vcm));
	KUNIT_EXPECT_EQ(test, 124, fake->pages);
	/* All of it, and not a page more. */
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			space_try(vcm, 101 * PAGE_SIZE, VCM_RW));
	KUNIT_EXPECT_EQ(test, 0, space_try(vcm, 100 * PAGE_SIZE, VCM_RW));
	KUNIT_EXPECT_EQ(test, -ERANGE,
			space_try_at(vcm, FAKE_START + 99 * PAGE_SIZE,
				     PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -ERANGE,
			space_try_at(vcm, FAKE_START + 200 * PAGE_SIZE,
				     PAGE_SIZE));

	res = space_take(test, vcm, 16 * PAGE_SIZE, VCM_READ);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, 140, fake->pages);
	KUNIT_ASSERT_EQ(test, 0,
			vcm_dev_addr_to_phys_addr(vcm, vcm_get_dev_addr(res),
						  &pa));
	for (i = 0; i < 16; i++) {
		KUNIT_EXPECT_EQ(test, pa + i * PAGE_SIZE,
				fake->pa[page_of(res) + i]);
		KUNIT_EXPECT_TRUE(test, fake->prot[page_of(res) + i] &
				  IOMMU_READ);
		KUNIT_EXPECT_FALSE(test, fake->prot[page_of(res) + i] &
				   IOMMU_WRITE);
	}
	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(res, VCM_RW));
	KUNIT_EXPECT_TRUE(test, fake->prot[page_of(res)] & IOMMU_WRITE);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_migrate(phys, NULL, VCM_CONTIG, 0));
	KUNIT_EXPECT_NE(test, pa, fake->pa[page_of(res)]);
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_free(vcm));

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 0, fake->unflushed);
	KUNIT_EXPECT_EQ(test, 124, fake->pages);
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
	KUNIT_EXPECT_EQ(test, 124, fake->pages);
	KUNIT_EXPECT_EQ(test, 0, fake->freed);
	owner_expects(test, fake, 0, 100);
	owner_expects(test, fake, 200, 24);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
}

/* What is in the window when the context is made stays. */
static void prebuilt_around(struct kunit *test)
{
	const unsigned int used[][2] = {
		{ 10, 1 }, { 12, 3 }, { 64, 8 }, { 99, 1 },
	};
	struct fake *fake = fake_new(test);
	struct vcm_res *res[4];
	struct vcm_phys *phys;
	unsigned int i, taken = 0;
	struct vcm *vcm;

	for (i = 0; i < ARRAY_SIZE(used); i++)
		owner_maps(test, fake, used[i][0], used[i][1]);
	vcm = window_new(test, fake, 10, 90);
	for (i = 0; i < ARRAY_SIZE(used); i++)
		KUNIT_EXPECT_EQ(test, -ERANGE,
				space_try_at(vcm, FAKE_START + used[i][0] *
					     PAGE_SIZE, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, space_try_at(vcm, FAKE_START + 11 * PAGE_SIZE,
					      PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -ERANGE,
			space_try_at(vcm, FAKE_START + 11 * PAGE_SIZE,
				     2 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -ENOSPC, space_try(vcm, 50 * PAGE_SIZE, VCM_RW));

	/* 1 at 11, 49 from 15 on, 27 from 72 on. */
	for (i = 0; i < 3; i++) {
		const unsigned int len[] = { 1, 49, 27 };
		const unsigned int at[] = { 11, 15, 72 };

		phys = vcm_phys_alloc(NULL, len[i] * PAGE_SIZE, 0);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
		res[i] = space_take_at(test, vcm, FAKE_START + at[i] *
				       PAGE_SIZE, len[i] * PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, 0, vcm_back(res[i], phys));
		taken += len[i];
	}
	KUNIT_EXPECT_EQ(test, -ENOSPC, space_try(vcm, PAGE_SIZE, VCM_RW));
	KUNIT_EXPECT_EQ(test, 13 + taken, fake->pages);
	for (i = 0; i < ARRAY_SIZE(used); i++)
		owner_expects(test, fake, used[i][0], used[i][1]);
	for (i = 0; i < 3; i++) {
		phys = vcm_get_physmem_from_res(res[i]);
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(res[i]));
		space_give(test, res[i]);
		KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	}
	/* It stays out for as long as the context lives. */
	KUNIT_EXPECT_EQ(test, PAGE_SIZE,
			iommu_unmap(&fake->domain, FAKE_START + 10 * PAGE_SIZE,
				    PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -ERANGE,
			space_try_at(vcm, FAKE_START + 10 * PAGE_SIZE,
				     PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
	for (i = 1; i < ARRAY_SIZE(used); i++)
		owner_expects(test, fake, used[i][0], used[i][1]);
}

/* An owner that does not keep out of the window harms nobody. */
static void prebuilt_intruder(struct kunit *test)
{
	struct fake *fake = fake_new(test);
	struct vcm_phys *phys = vcm_phys_alloc(NULL, 8 * PAGE_SIZE, 0);
	struct vcm *vcm = window_new(test, fake, 0, 64);
	struct vcm_res *res = space_take(test, vcm, 8 * PAGE_SIZE, VCM_RW);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	owner_maps(test, fake, page_of(res) + 7, 1);
	KUNIT_EXPECT_EQ(test, -EADDRINUSE, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, 1, fake->pages);
	owner_expects(test, fake, page_of(res) + 7, 1);
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_unback(res));
	/* It may be that it goes away again. */
	iommu_unmap(&fake->domain,
		    vcm_get_dev_addr(res) + 7 * PAGE_SIZE, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, 8, fake->pages);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 0, fake->pages);
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* All or nothing, whichever page cannot be mapped. */
static void prebuilt_fails(struct kunit *test)
{
	struct fake *fake = fake_new(test);
	struct vcm_phys *phys = vcm_phys_alloc(NULL, 8 * PAGE_SIZE, 0);
	struct vcm *vcm = window_new(test, fake, 0, 64);
	struct vcm_res *res = space_take(test, vcm, 8 * PAGE_SIZE, VCM_RW);
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	for (i = 1; i <= 8; i++) {
		fake->fail_after = i;
		KUNIT_EXPECT_EQ(test, -ENOMEM, vcm_back(res, phys));
		KUNIT_EXPECT_EQ(test, 0, fake->pages);
		KUNIT_EXPECT_EQ(test, 0, fake->unflushed);
	}
	fake->fail_after = 0;
	space_give(test, res);
	/* Nobody knows whether it can. */
	res = space_take(test, vcm, 8 * PAGE_SIZE, VCM_RW | VCM_PRIV);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, vcm_back(res, phys));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* The same for memory of VCMM's own: it makes a window for each hole. */
static void prebuilt_no_memory(struct kunit *test)
{
	struct fake *fake = fake_new(test);
	unsigned int i, nth, failures = 0;
	bool fired = true;
	struct vcm *vcm;

	if (!vcm_inject_possible())
		kunit_skip(test, "no fault injection in this kernel");
	for (i = 1; i <= 20; i++)
		owner_maps(test, fake, 2 * i, 1);
	for (nth = 1; fired && nth < 200; nth++) {
		vcm_inject_arm(nth);
		vcm = vcm_create_from_domain(&fake->domain, FAKE_START,
					     FAKE_LEN);
		fired = vcm_inject_disarm();
		if (!IS_ERR(vcm)) {
			KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
			continue;
		}
		KUNIT_EXPECT_TRUE(test, fired);
		KUNIT_EXPECT_EQ(test, -ENOMEM, PTR_ERR(vcm));
		failures++;
	}
	KUNIT_EXPECT_FALSE(test, fired);
	/* Table, context, 20 windows: more or less, as caches go. */
	KUNIT_EXPECT_GE(test, failures, 15);
	KUNIT_EXPECT_EQ(test, 20, fake->pages);
}

/* A device that joins sees what is in the context, and nothing of the owner. */
static void prebuilt_and_device(struct kunit *test)
{
	const struct vcm_soft_config config = {
		.name = "prebuilt", .format = VCM_SOFT_LPAE,
	};
	struct vcm_phys *phys = vcm_phys_alloc(NULL, SZ_64K, 0);
	struct vcm_iommu *unit = bed_unit(test, &config);
	struct vcm_iommu *other = bed_unit(test, &config);
	struct device *dev = bed_device(test, unit);
	struct fake *fake = fake_new(test);
	struct vcm_assoc *assoc, *late;
	struct vcm_res *res;
	struct vcm *vcm;
	u8 byte = 0x19;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	owner_maps(test, fake, 3, 1);
	vcm = window_new(test, fake, 0, FAKE_PAGES);
	res = space_take(test, vcm, SZ_64K, VCM_RW);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	assoc = space_join(test, vcm, dev);
	KUNIT_ASSERT_EQ(test, 0, vcm_activate(assoc));
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_tables(vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(unit, dev, vcm_get_dev_addr(res),
					      &byte, 1, VCM_WRITE));
	KUNIT_EXPECT_EQ(test, 0x19, phys_peek(phys, 0));
	KUNIT_EXPECT_NE(test, 0, vcm_soft_dma(unit, dev, FAKE_START + 3 *
					      PAGE_SIZE, &byte, 1, VCM_READ));
	/* One that does not know at first whether it can walk any of the two. */
	vcm_soft_fail(other, VCM_SOFT_UNSURE, 0, 2);
	late = space_join(test, vcm, bed_device(test, other));
	KUNIT_EXPECT_EQ(test, 3, vcm_get_num_tables(vcm));
	KUNIT_ASSERT_EQ(test, 0, vcm_activate(late));
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_tables(vcm));
	KUNIT_EXPECT_EQ(test, -ERANGE, space_try_at(vcm, FAKE_START + 3 *
						    PAGE_SIZE, PAGE_SIZE));

	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(late));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(late));
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_tables(vcm));
	/* What is the owner's is so still. */
	KUNIT_EXPECT_EQ(test, -ERANGE, space_try_at(vcm, FAKE_START + 3 *
						    PAGE_SIZE, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
	KUNIT_EXPECT_EQ(test, 1, fake->pages);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
}

static int try_window(struct fake *fake, u64 start, u64 len)
{
	struct vcm *vcm = vcm_create_from_domain(&fake->domain, start, len);

	if (IS_ERR(vcm))
		return PTR_ERR(vcm);
	return vcm_free(vcm);
}

static void prebuilt_args(struct kunit *test)
{
	struct fake *fake = fake_new(test);

	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL),
			    vcm_create_from_domain(NULL, 0, PAGE_SIZE));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL),
			    vcm_create_from_domain(ERR_PTR(-ENOMEM), 0,
						   PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, try_window(fake, FAKE_START, FAKE_LEN));
	KUNIT_EXPECT_EQ(test, -EINVAL, try_window(fake, FAKE_START, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, try_window(fake, FAKE_START, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			try_window(fake, FAKE_START + 1, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -ERANGE,
			try_window(fake, FAKE_START, FAKE_LEN + PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -ERANGE,
			try_window(fake, FAKE_START - PAGE_SIZE, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -ERANGE,
			try_window(fake, FAKE_START + FAKE_LEN, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -ERANGE,
			try_window(fake, FAKE_START, U64_MAX - PAGE_SIZE + 1));
	KUNIT_EXPECT_TRUE(test, bed_log_has("out of the reach of the domain"));
	fake->domain.type = IOMMU_DOMAIN_DMA;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			try_window(fake, FAKE_START, FAKE_LEN));
	fake->domain.type = IOMMU_DOMAIN_IDENTITY;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			try_window(fake, FAKE_START, FAKE_LEN));
	fake->domain.type = IOMMU_DOMAIN_UNMANAGED;
	fake->domain.pgsize_bitmap = 0;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			try_window(fake, FAKE_START, FAKE_LEN));
	/* One that some drivers fill in when it is attached. */
	fake->domain.pgsize_bitmap = PAGE_SIZE;
	fake->domain.geometry.aperture_start = 0;
	fake->domain.geometry.aperture_end = 0;
	KUNIT_EXPECT_EQ(test, -ERANGE, try_window(fake, FAKE_START, FAKE_LEN));
}

#define IN_THE_WAY	35

/* Pages that lie apart, in a page table whose driver knows no lists. */
static void prebuilt_list(struct kunit *test)
{
	const unsigned int nr = SCATTERED_FIRST + SCATTERED_RUN + SCATTERED_LAST;
	struct fake *fake = fake_new(test);
	struct vcm_phys *phys = phys_scattered(test);
	struct vcm *vcm = window_new(test, fake, 2, nr);
	struct vcm_res *res = vcm_reserve(vcm, nr * PAGE_SIZE, VCM_READ);
	unsigned int page, chunk, i;
	phys_addr_t pa;
	size_t len;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
	page = page_of(res);
	/* Whichever page fails, nothing is left, and all is flushed. */
	for (i = 1; i <= nr; i++) {
		fake->fail_after = i;
		KUNIT_EXPECT_EQ(test, -ENOMEM, vcm_back(res, phys));
		KUNIT_EXPECT_EQ(test, 0, fake->pages);
		KUNIT_EXPECT_EQ(test, 0, fake->unflushed);
	}
	fake->fail_after = 0;
	/* The owner is in the way, not at the beginning. */
	owner_maps(test, fake, page + IN_THE_WAY, 1);
	KUNIT_EXPECT_EQ(test, -EADDRINUSE, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, 1, fake->pages);
	iommu_unmap(&fake->domain, FAKE_START + (page + IN_THE_WAY) * PAGE_SIZE,
		    PAGE_SIZE);

	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, nr, fake->pages);
	for (chunk = 0; !vcm_get_chunk(phys, chunk, &pa, &len); chunk++) {
		for (; len; len -= PAGE_SIZE, pa += PAGE_SIZE, page++) {
			KUNIT_EXPECT_EQ(test, (u64)pa, (u64)fake->pa[page]);
			KUNIT_EXPECT_TRUE(test, fake->prot[page] & IOMMU_READ);
			KUNIT_EXPECT_FALSE(test, fake->prot[page] & IOMMU_WRITE);
		}
	}
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 0, fake->pages);
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
}

/* What iommu_map_list() says of bad arguments, with nothing mapped */
static void list_args(struct kunit *test)
{
	phys_addr_t pages[] = { OWNER_PA, OWNER_PA + 2 * PAGE_SIZE, OWNER_PA + 1 };
	struct fake *fake = fake_new(test);

	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_map_list(&fake->domain, FAKE_START, pages, 3,
				       IOMMU_READ, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_map_list(&fake->domain, FAKE_START + 1, pages, 2,
				       IOMMU_READ, GFP_KERNEL));
	fake->domain.type = IOMMU_DOMAIN_IDENTITY;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_map_list(&fake->domain, FAKE_START, pages, 2,
				       IOMMU_READ, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, 0, fake->pages);
}

static struct kunit_case vcm_prebuilt_cases[] = {
	KUNIT_CASE(prebuilt_window),
	KUNIT_CASE(prebuilt_around),
	KUNIT_CASE(prebuilt_intruder),
	KUNIT_CASE(prebuilt_fails),
	KUNIT_CASE(prebuilt_no_memory),
	KUNIT_CASE(prebuilt_and_device),
	KUNIT_CASE(prebuilt_list),
	KUNIT_CASE(list_args),
	KUNIT_CASE(prebuilt_args),
	{}
};

static struct kunit_suite vcm_prebuilt_suite = {
	.name = "vcm_prebuilt",
	.suite_init = vcm_inject_init,
	.suite_exit = vcm_inject_exit,
	.test_cases = vcm_prebuilt_cases,
};

kunit_test_suite(vcm_prebuilt_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: page tables of somebody else");
MODULE_LICENSE("GPL");
