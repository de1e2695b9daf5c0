// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that are behind no IOMMU, and one-to-one contexts.
 *
 * What such a device does is memory access at the physical address, so there is
 * nothing to try out but what VCMM lets pass: that is what these cases are about.
 * Units in software stand beside it and do see what is mapped.
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/device.h>
#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/slab.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"

/* All that a format of 32 bits can express */
#define IDENT_LEN	SZ_4G
#define IDENT_OFFSET	SZ_1G

/* Memory in one piece, for devices of 32 bits. */
static struct vcm_phys *ident_alloc(struct kunit *test, size_t len,
				    phys_addr_t *pa)
{
	struct vcm_phys *phys = vcm_phys_alloc(NULL, len, VCM_CONTIG);
	size_t got;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(phys, 0, pa, &got));
	KUNIT_ASSERT_EQ(test, len, got);
	if ((u64)*pa + len > SZ_2G) {
		vcm_phys_free(phys);
		kunit_skip(test, "no memory below 2 GiB");
	}
	return phys;
}

/* Memory in more than one piece. */
static struct vcm_phys *ident_alloc_pieces(struct kunit *test)
{
	struct vcm_phys *tried[32], *found = NULL;
	unsigned int i, nr;

	for (nr = 0; nr < ARRAY_SIZE(tried) && !found; nr++) {
		struct vcm_phys_iter iter;
		phys_addr_t pa;

		tried[nr] = vcm_phys_alloc(NULL, 7 * PAGE_SIZE, 0);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, tried[nr]);
		iter = vcm_phys_iter_of(tried[nr], 0, tried[nr]->len);
		if (vcm_phys_iter_next(&iter, &pa) < tried[nr]->len)
			found = tried[nr];
	}
	for (i = 0; i < nr; i++)
		if (tried[i] != found)
			vcm_phys_free(tried[i]);
	KUNIT_ASSERT_NOT_NULL(test, found);
	return found;
}

/* A device behind no unit that puts out addresses of so many bits. */
static struct device *ident_device(struct kunit *test, unsigned int bits)
{
	struct device *dev = bed_device(test, NULL);

	dev->coherent_dma_mask = DMA_BIT_MASK(bits);
	return dev;
}

/* The driver core frees it when the driver unbinds. */
static void ident_set_offset(struct kunit *test, struct device *dev,
			     phys_addr_t start, u64 len)
{
	struct bus_dma_region *map = kcalloc(2, sizeof(*map), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, map);
	map[0].cpu_start = start;
	map[0].dma_start = start + IDENT_OFFSET;
	map[0].size = len;
	dev->dma_range_map = map;
}

static void ident_expect_lookup(struct kunit *test, struct vcm *vcm,
				dma_addr_t addr, int ret, phys_addr_t want)
{
	phys_addr_t pa = ~want;

	KUNIT_EXPECT_EQ(test, ret, vcm_dev_addr_to_phys_addr(vcm, addr, &pa));
	if (!ret)
		KUNIT_EXPECT_EQ(test, want, pa);
}

/* One device without an IOMMU on a context of its own. */
static void identity_device(struct kunit *test)
{
	struct vcm *vcm = space_new(test, 0, IDENT_LEN);
	struct device *dev = ident_device(test, 32);
	struct vcm_res *right, *wrong;
	struct vcm_assoc *assoc;
	struct vcm_phys *phys;
	phys_addr_t pa;

	phys = ident_alloc(test, SZ_64K, &pa);
	assoc = space_join(test, vcm, dev);
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_tables(vcm));
	right = space_take_at(test, vcm, pa, SZ_64K);
	wrong = space_take_at(test, vcm, pa ^ SZ_1G, SZ_64K);

	KUNIT_EXPECT_EQ(test, -ERANGE, vcm_back(wrong, phys));
	ident_expect_lookup(test, vcm, pa ^ SZ_1G, -ENOENT, 0);
	KUNIT_EXPECT_EQ(test, 0, vcm_back(right, phys));
	ident_expect_lookup(test, vcm, pa, 0, pa);
	ident_expect_lookup(test, vcm, pa + SZ_64K - 1, 0, pa + SZ_64K - 1);
	ident_expect_lookup(test, vcm, pa + SZ_64K, -ENOENT, 0);
	KUNIT_EXPECT_EQ(test, 0, vcm_activate(assoc));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_deassoc(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(right));
	ident_expect_lookup(test, vcm, pa, -ENOENT, 0);

	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_tables(vcm));
	space_give(test, right);
	space_give(test, wrong);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* Who is not known yet is not taken for one without an IOMMU. */
static void identity_not_known(struct kunit *test)
{
	struct vcm *vcm = space_new(test, 0, IDENT_LEN);
	struct device *dev = ident_device(test, 32);

	dev->coherent_dma_mask = 0;
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ENODEV), vcm_assoc(vcm, dev, 0));
	dev->dma_mask = NULL;
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ENODEV), vcm_assoc(vcm, dev, 0));
	dev->dma_mask = &dev->coherent_dma_mask;
	dev->coherent_dma_mask = DMA_BIT_MASK(32);
	device_release_driver(dev);
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EPROBE_DEFER),
			    vcm_assoc(vcm, dev, 0));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* Only who is behind no unit: not one more unit for everybody else. */
static void identity_is_a_fallback(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_one);

	bed_join(bed);
	KUNIT_EXPECT_EQ(test, 1, bed->assocs[0]->nr_walkers);
	KUNIT_EXPECT_PTR_EQ(test, bed->units[0],
			    bed->assocs[0]->walkers[0]->unit);
	/* And who is behind one that is not ready has to wait. */
	bed_leave(bed);
	vcm_soft_fail(bed->units[0], VCM_SOFT_DEFER, 0, -1);
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EPROBE_DEFER),
			    vcm_assoc(bed->vcm, bed->devs[0], 0));
	vcm_soft_fail(bed->units[0], VCM_SOFT_DEFER, 0, 0);
	bed->assocs[0] = NULL;
	bed_end(bed);
}

/* Beyond its mask, or what the bus lets through, nothing is reached. */
static void identity_limit(struct kunit *test)
{
	struct vcm *vcm = space_new(test, 0, IDENT_LEN);
	struct device *small = ident_device(test, 24);
	struct device *bus = ident_device(test, 32);
	struct device *fits = ident_device(test, 32);
	struct vcm_assoc *assoc;
	struct vcm_phys *phys;
	struct vcm_res *res;
	phys_addr_t pa;

	phys = ident_alloc(test, SZ_64K, &pa);
	if (pa <= DMA_BIT_MASK(24))
		kunit_skip(test, "memory is too low");
	res = space_take_at(test, vcm, pa, SZ_64K);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	bus->bus_dma_limit = pa + SZ_64K - 2;
	fits->bus_dma_limit = pa + SZ_64K - 1;

	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ERANGE), vcm_assoc(vcm, small, 0));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ERANGE), vcm_assoc(vcm, bus, 0));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_tables(vcm));
	assoc = space_join(test, vcm, fits);
	KUNIT_EXPECT_EQ(test, -ERANGE, space_try_at(vcm, pa + SZ_64K, SZ_64K));

	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* Where the bus has an offset, the address is what the device puts out. */
static void identity_offset(struct kunit *test)
{
	struct vcm *vcm = space_new(test, 0, IDENT_LEN);
	struct device *dev = ident_device(test, 32);
	struct vcm_phys *phys, *beyond;
	struct vcm_res *right, *wrong;
	struct vcm_assoc *assoc;
	phys_addr_t pa;

	phys = ident_alloc(test, SZ_64K, &pa);
	beyond = ident_alloc(test, SZ_64K, &(phys_addr_t){ 0 });
	ident_set_offset(test, dev, pa, SZ_64K);
	assoc = space_join(test, vcm, dev);
	right = space_take_at(test, vcm, pa + IDENT_OFFSET, SZ_64K);
	KUNIT_EXPECT_EQ(test, -ERANGE, space_try_at(vcm, pa, SZ_64K));
	KUNIT_EXPECT_EQ(test, -ERANGE, vcm_back(right, beyond));
	KUNIT_EXPECT_EQ(test, 0, vcm_back(right, phys));
	ident_expect_lookup(test, vcm, pa + IDENT_OFFSET + 5, 0, pa + 5);

	/* The map goes with the driver, and the table does not need it. */
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(right));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	wrong = space_take_at(test, vcm, pa, SZ_64K);
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ERANGE), vcm_assoc(vcm, dev, 0));
	space_give(test, right);
	space_give(test, wrong);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(beyond));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* Those to whom memory looks alike share the check. */
static void identity_share(struct kunit *test)
{
	struct vcm *vcm = space_new(test, 0, IDENT_LEN);
	struct device *dev[4] = {
		ident_device(test, 32), ident_device(test, 40),
		ident_device(test, 31), ident_device(test, 32),
	};
	const unsigned int tables[4] = { 1, 1, 2, 3 };
	struct vcm_assoc *assoc[4];
	int i;

	ident_set_offset(test, dev[3], 0, SZ_1G);
	for (i = 0; i < 4; i++) {
		assoc[i] = space_join(test, vcm, dev[i]);
		KUNIT_EXPECT_EQ(test, tables[i], vcm_get_num_tables(vcm));
	}
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc[i]));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* Nobody can be kept from writing, so nobody who asks for it is told so. */
static void identity_rights(struct kunit *test)
{
	const u32 refused[] = { VCM_READ, VCM_RW | VCM_PRIV };
	const u32 granted[] = { VCM_RW, VCM_WRITE, VCM_RW | VCM_EXEC };
	struct vcm *vcm = space_new(test, 0, IDENT_LEN);
	struct vcm_assoc *assoc;
	struct vcm_phys *phys;
	struct vcm_res *res;
	phys_addr_t pa;
	int i;

	phys = ident_alloc(test, SZ_64K, &pa);
	assoc = space_join(test, vcm, ident_device(test, 32));
	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		res = vcm_reserve_at(vcm, pa, SZ_64K, refused[i]);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
		KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, vcm_back(res, phys));
		space_give(test, res);
	}
	for (i = 0; i < ARRAY_SIZE(granted); i++) {
		res = vcm_reserve_at(vcm, pa, SZ_64K, granted[i]);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
		KUNIT_EXPECT_EQ(test, 0, vcm_back(res, phys));
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
		space_give(test, res);
	}
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* Shared and mirrored units, and one device without: all or nothing. */
static void ident_mix(struct kunit *test, bool first)
{
	static const struct vcm_bed_kind four = {
		.name = "share and mirror", .nr = 4,
		.formats = { VCM_SOFT_LPAE, VCM_SOFT_V7S }, .nr_formats = 2,
	};
	struct vcm_bed *bed = bed_new(test, &four);
	struct device *dev = ident_device(test, 32);
	struct vcm_assoc *assoc = NULL;
	struct vcm_res *right, *wrong;
	struct vcm_phys *phys;
	phys_addr_t pa;

	phys = ident_alloc(test, SZ_64K, &pa);
	KUNIT_ASSERT_EQ(test, 0, vcm_free(bed->vcm));
	bed->vcm = space_new(test, 0, IDENT_LEN);
	if (first)
		assoc = space_join(test, bed->vcm, dev);
	bed_join_first(bed, 4);
	if (!first)
		assoc = space_join(test, bed->vcm, dev);
	KUNIT_EXPECT_EQ(test, 0, vcm_activate(assoc));
	KUNIT_EXPECT_EQ(test, 3, vcm_get_num_tables(bed->vcm));

	right = space_take_at(test, bed->vcm, pa, SZ_64K);
	wrong = space_take_at(test, bed->vcm, pa ^ SZ_1G, SZ_64K);
	KUNIT_EXPECT_EQ(test, -ERANGE, vcm_back(wrong, phys));
	bed_expect_idle(bed, wrong, phys);
	KUNIT_EXPECT_EQ(test, 0, vcm_back(right, phys));
	bed_expect_memory(bed, right, phys);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(right));
	bed_expect_idle(bed, right, phys);

	/* And when one of the others fails, the check is undone as well. */
	vcm_soft_fail(bed->units[1], VCM_SOFT_FAIL_MAP, 0, 1);
	KUNIT_EXPECT_EQ(test, -ENOMEM, vcm_back(right, phys));
	ident_expect_lookup(test, bed->vcm, pa, -ENOENT, 0);
	KUNIT_EXPECT_EQ(test, 0, vcm_back(right, phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(right));

	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_tables(bed->vcm));
	/* Without it the others may have it anywhere. */
	KUNIT_EXPECT_EQ(test, 0, vcm_back(wrong, phys));
	bed_expect_memory(bed, wrong, phys);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(wrong));
	space_give(test, right);
	space_give(test, wrong);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

static void identity_mix_first(struct kunit *test)
{
	ident_mix(test, true);
}

static void identity_mix_last(struct kunit *test)
{
	ident_mix(test, false);
}

/* It joins a context that maps already, if that is where it sees it. */
static void identity_replay(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_mirror);
	struct device *dev = ident_device(test, 32);
	struct vcm_res *right, *wrong;
	struct vcm_assoc *assoc;
	struct vcm_phys *phys;
	phys_addr_t pa;

	phys = ident_alloc(test, SZ_64K, &pa);
	KUNIT_ASSERT_EQ(test, 0, vcm_free(bed->vcm));
	bed->vcm = space_new(test, 0, IDENT_LEN);
	bed_join(bed);
	/* By address, so that the right one is replayed before the wrong one. */
	right = space_take_at(test, bed->vcm, pa, SZ_64K);
	wrong = space_take_at(test, bed->vcm, pa + SZ_1G, SZ_64K);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(right, phys));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(wrong, phys));

	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ERANGE),
			    vcm_assoc(bed->vcm, dev, 0));
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_tables(bed->vcm));
	bed_expect_memory(bed, right, phys);
	bed_expect_memory(bed, wrong, phys);

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(wrong));
	assoc = space_join(test, bed->vcm, dev);
	KUNIT_EXPECT_EQ(test, 3, vcm_get_num_tables(bed->vcm));
	bed_expect_memory(bed, right, phys);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(right));
	bed_expect_idle(bed, right, phys);

	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	space_give(test, right);
	space_give(test, wrong);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_end(bed);
}

/* Its driver unbinds while all is up. */
static void identity_device_gone(struct kunit *test)
{
	struct vcm *vcm = space_new(test, 0, IDENT_LEN);
	struct device *dev = ident_device(test, 32);
	struct vcm_assoc *assoc;
	struct vcm_phys *phys;
	struct vcm_res *res;
	phys_addr_t pa;

	phys = ident_alloc(test, SZ_64K, &pa);
	ident_set_offset(test, dev, 0, SZ_2G);
	assoc = space_join(test, vcm, dev);
	res = space_take_at(test, vcm, pa + IDENT_OFFSET, SZ_64K);
	KUNIT_EXPECT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_activate(assoc));
	device_release_driver(dev);
	KUNIT_EXPECT_FALSE(test, vcm_is_active(assoc));
	KUNIT_EXPECT_EQ(test, -ENODEV, vcm_activate(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_tables(vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* One-to-one contexts */

static struct vcm *ident_space(struct kunit *test, phys_addr_t start, u64 len)
{
	struct vcm *vcm = vcm_create_identity(start, len);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vcm);
	return vcm;
}

static void identity_create(struct kunit *test)
{
	struct vcm *vcm;

	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL), vcm_create_identity(0, 0));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL),
			    vcm_create_identity(0, PAGE_SIZE + 1));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL),
			    vcm_create_identity(1, PAGE_SIZE));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EOVERFLOW),
			    vcm_create_identity(PAGE_SIZE, U64_MAX));
	vcm = ident_space(test, SZ_1M, SZ_2M);
	KUNIT_EXPECT_EQ(test, SZ_1M, vcm_get_start_addr(vcm));
	KUNIT_EXPECT_EQ(test, SZ_2M, vcm_get_len(vcm));
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, vcm_get_min_page_size(vcm));
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_tables(vcm));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EOPNOTSUPP),
			    vcm_create_bound(vcm, SZ_64K));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EOPNOTSUPP),
			    vcm_create_bound_at(vcm, SZ_1M, SZ_64K));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EOPNOTSUPP), vcm_clone(vcm));
	KUNIT_EXPECT_EQ(test, -ENOSPC, space_try(vcm, SZ_4M, VCM_RW));
	KUNIT_EXPECT_EQ(test, 0, space_try(vcm, SZ_2M, VCM_RW));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* The reservation is nowhere, then where its memory is, then nowhere. */
static void identity_floats(struct kunit *test)
{
	struct vcm *vcm = ident_space(test, 0, IDENT_LEN);
	struct vcm_res *res, *found;
	struct vcm_phys *phys;
	phys_addr_t pa;
	int i;

	phys = ident_alloc(test, SZ_64K, &pa);
	res = space_take(test, vcm, SZ_1M, VCM_RW);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, DMA_MAPPING_ERROR, vcm_get_dev_addr(res));
		KUNIT_EXPECT_EQ(test, SZ_1M, vcm_get_res_len(res));
		KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ENOENT),
				    vcm_get_res(vcm, pa));
		KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ENOENT),
				    vcm_get_res(vcm, DMA_MAPPING_ERROR));
		KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
				vcm_back_range(res, 0, phys, 0, SZ_64K));

		KUNIT_EXPECT_EQ(test, 0, vcm_back(res, phys));
		KUNIT_EXPECT_EQ(test, pa, vcm_get_dev_addr(res));
		KUNIT_EXPECT_EQ(test, SZ_1M, vcm_get_res_len(res));
		ident_expect_lookup(test, vcm, pa + SZ_4K, 0, pa + SZ_4K);
		found = vcm_get_res(vcm, pa + SZ_64K - 1);
		KUNIT_EXPECT_PTR_EQ(test, res, found);
		vcm_res_put(found);
		/* What it does not see is free for others. */
		KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ENOENT),
				    vcm_get_res(vcm, pa + SZ_64K));
		KUNIT_EXPECT_EQ(test, -EBUSY, vcm_unreserve(res));
		KUNIT_EXPECT_EQ(test, -EBUSY, vcm_free(vcm));
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
		ident_expect_lookup(test, vcm, pa, -ENOENT, 0);
	}
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* Memory in pieces has no one address. */
static void identity_pieces(struct kunit *test)
{
	struct vcm *vcm = ident_space(test, 0, (u64)SZ_1G * 1024);
	struct vcm_phys *phys = ident_alloc_pieces(test);
	struct vcm_res *res = space_take(test, vcm, SZ_64K, VCM_RW);
	phys_addr_t pa;
	size_t len;

	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(phys, 0, &pa, &len));
	KUNIT_EXPECT_EQ(test, -ERANGE, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, DMA_MAPPING_ERROR, vcm_get_dev_addr(res));
	ident_expect_lookup(test, vcm, pa, -ENOENT, 0);
	KUNIT_EXPECT_EQ(test, 0, vcm_get_phys_num_res(pa));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* The memory decides, but not against what is there. */
static void identity_taken(struct kunit *test)
{
	struct vcm *vcm = ident_space(test, 0, IDENT_LEN);
	struct vcm_res *res, *twin, *fixed;
	struct vcm_phys *phys;
	phys_addr_t pa;

	phys = ident_alloc(test, SZ_64K, &pa);
	res = space_take(test, vcm, SZ_64K, VCM_RW);
	twin = space_take(test, vcm, SZ_64K, VCM_RW);
	fixed = space_take_at(test, vcm, pa + SZ_32K, SZ_4K);
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, DMA_MAPPING_ERROR, vcm_get_dev_addr(res));
	space_give(test, fixed);
	KUNIT_EXPECT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_back(twin, phys));
	KUNIT_EXPECT_EQ(test, -EBUSY, space_try_at(vcm, pa, SZ_4K));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_back(twin, phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(twin));
	/* One that is where its memory is will do as well. */
	fixed = space_take_at(test, vcm, pa, SZ_64K);
	KUNIT_EXPECT_EQ(test, 0, vcm_back(fixed, phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(fixed));
	KUNIT_EXPECT_EQ(test, pa, vcm_get_dev_addr(fixed));
	/* So will a part of it, at the place of the part. */
	KUNIT_EXPECT_EQ(test, -ERANGE,
			vcm_back_range(fixed, 0, phys, SZ_4K, SZ_4K));
	KUNIT_EXPECT_EQ(test, 0,
			vcm_back_range(fixed, SZ_4K, phys, SZ_4K, SZ_4K));
	ident_expect_lookup(test, vcm, pa, -ENOENT, 0);
	ident_expect_lookup(test, vcm, pa + SZ_4K, 0, pa + SZ_4K);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(fixed));
	space_give(test, fixed);
	space_give(test, res);
	space_give(test, twin);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* Nor beyond the context, a device's window, or what was asked for. */
static void identity_out_of_reach(struct kunit *test)
{
	struct vcm_soft_config config = { .format = VCM_SOFT_LPAE };
	struct vcm *vcm, *below;
	struct vcm_assoc *assoc;
	struct vcm_iommu *unit;
	struct vcm_phys *phys;
	struct vcm_res *res;
	phys_addr_t pa;

	phys = ident_alloc(test, SZ_64K, &pa);
	below = ident_space(test, 0, pa + SZ_32K);
	res = space_take(test, below, SZ_64K, VCM_RW);
	KUNIT_EXPECT_EQ(test, -ERANGE, vcm_back(res, phys));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(below));
	below = ident_space(test, 0, pa);
	res = space_take(test, below, SZ_64K, VCM_RW);
	KUNIT_EXPECT_EQ(test, -ERANGE, vcm_back(res, phys));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(below));

	vcm = ident_space(test, 0, IDENT_LEN);
	res = space_take(test, vcm, SZ_64K, VCM_RW | VCM_ALIGN(35));
	KUNIT_EXPECT_EQ(test, -ERANGE, vcm_back(res, phys));
	space_give(test, res);

	config.reserved_first = pa + SZ_4K;
	config.reserved_len = SZ_4K;
	assoc = space_join(test, vcm, bed_limited(test, &unit, config));
	res = space_take(test, vcm, SZ_64K, VCM_RW);
	KUNIT_EXPECT_EQ(test, -ERANGE, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_back(res, phys));
	/* And now it is the device that has to stay out. */
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ERANGE),
			    vcm_assoc(vcm, bed_limited(test, &unit, config), 0));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* Devices with and without an IOMMU on one of them. */
static void identity_joined(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_mirror);
	struct device *dev = ident_device(test, 32);
	struct vcm_res *early, *res;
	struct vcm_phys *first, *phys;
	struct vcm_assoc *assoc;
	phys_addr_t pa;

	first = ident_alloc(test, SZ_64K, &pa);
	phys = ident_alloc(test, SZ_64K, &pa);
	KUNIT_ASSERT_EQ(test, 0, vcm_free(bed->vcm));
	bed->vcm = ident_space(test, 0, IDENT_LEN);
	early = space_take(test, bed->vcm, SZ_64K, VCM_RW);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(early, first));

	/* Home is shared by the one without, and mirrored by the others. */
	assoc = space_join(test, bed->vcm, dev);
	KUNIT_EXPECT_EQ(test, 0, vcm_activate(assoc));
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_tables(bed->vcm));
	bed_join_first(bed, 2);
	KUNIT_EXPECT_EQ(test, 3, vcm_get_num_tables(bed->vcm));

	res = space_take(test, bed->vcm, SZ_64K, VCM_RW);
	KUNIT_EXPECT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, pa, vcm_get_dev_addr(res));
	bed_expect_memory(bed, early, first);
	bed_expect_memory(bed, res, phys);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	bed_expect_unmapped(bed, pa, SZ_64K);
	bed_expect_fault(bed, pa, VCM_READ);
	bed_expect_memory(bed, early, first);

	/* A failure of one of them leaves it nowhere. */
	vcm_soft_fail(bed->units[1], VCM_SOFT_FAIL_MAP, 0, 1);
	KUNIT_EXPECT_EQ(test, -ENOMEM, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, DMA_MAPPING_ERROR, vcm_get_dev_addr(res));
	bed_expect_unmapped(bed, pa, SZ_64K);

	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(early));
	space_give(test, early);
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(first));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	bed_leave(bed);
	bed->assocs[0] = NULL;
	/* Home stays. */
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_tables(bed->vcm));
	KUNIT_ASSERT_EQ(test, 0, vcm_free(bed->vcm));
	bed->vcm = space_new(test, BED_START, BED_LEN);
	bed_end(bed);
}

/* A unit that does not answer keeps the reservation where it is. */
static void identity_stuck(struct kunit *test)
{
	struct vcm_soft_config config = { .format = VCM_SOFT_LPAE };
	struct vcm *vcm = ident_space(test, 0, IDENT_LEN);
	struct vcm_assoc *assoc;
	struct vcm_iommu *unit;
	struct vcm_phys *phys;
	struct vcm_res *res;
	phys_addr_t pa;

	phys = ident_alloc(test, SZ_64K, &pa);
	assoc = space_join(test, vcm, bed_limited(test, &unit, config));
	KUNIT_ASSERT_EQ(test, 0, vcm_activate(assoc));
	res = space_take(test, vcm, SZ_64K, VCM_RW);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	vcm_soft_fail(unit, VCM_SOFT_FAIL_FLUSH, 0, 1);
	KUNIT_EXPECT_EQ(test, -EIO, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, pa, vcm_get_dev_addr(res));
	KUNIT_EXPECT_EQ(test, -EBUSY, space_try_at(vcm, pa, SZ_4K));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, DMA_MAPPING_ERROR, vcm_get_dev_addr(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* Loops visit each one once, whatever the body does to it. */
static void identity_iterate(struct kunit *test)
{
	struct vcm *vcm = ident_space(test, 0, IDENT_LEN);
	struct vcm_phys *phys[4];
	struct vcm_res *res[4], *pos;
	phys_addr_t pa;
	int i = 0;

	for (i = 0; i < 4; i++) {
		phys[i] = ident_alloc(test, SZ_64K, &pa);
		res[i] = space_take(test, vcm, SZ_64K, VCM_RW);
	}
	KUNIT_EXPECT_EQ(test, 4, vcm_get_num_res(vcm));
	i = 0;
	vcm_for_each_res(vcm, pos) {
		KUNIT_ASSERT_LT(test, i, 4);
		KUNIT_EXPECT_PTR_EQ(test, res[i], pos);
		KUNIT_EXPECT_EQ(test, 0, vcm_back(pos, phys[i++]));
	}
	KUNIT_EXPECT_EQ(test, 4, i);
	i = 0;
	vcm_for_each_res(vcm, pos) {
		KUNIT_ASSERT_LT(test, i, 4);
		KUNIT_EXPECT_PTR_EQ(test, res[i++], pos);
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(pos));
	}
	KUNIT_EXPECT_EQ(test, 4, i);
	i = 0;
	vcm_for_each_res(vcm, pos) {
		KUNIT_ASSERT_LT(test, i, 4);
		KUNIT_EXPECT_PTR_EQ(test, res[i++], pos);
		space_give(test, pos);
	}
	KUNIT_EXPECT_EQ(test, 4, i);
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_res(vcm));
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys[i]));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* The same memory in a context of devices and one to one, at once. */
static void identity_translate(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_two);
	struct vcm *vcm = ident_space(test, 0, IDENT_LEN);
	struct vcm_res *flat, *res, *pos;
	struct vcm_phys *phys;
	dma_addr_t addr, out;
	size_t len, seen = 0;
	phys_addr_t pa;

	phys = ident_alloc(test, SZ_64K, &pa);
	bed_join(bed);
	res = bed_reserve(bed, SZ_64K, VCM_RW);
	flat = space_take(test, vcm, SZ_64K, VCM_RW);
	addr = vcm_get_dev_addr(res);
	KUNIT_EXPECT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			vcm_translate(bed->vcm, addr, vcm, &out));
	KUNIT_EXPECT_EQ(test, 0, vcm_back(flat, phys));
	KUNIT_EXPECT_EQ(test, 0,
			vcm_translate(bed->vcm, addr + 777, vcm, &out));
	KUNIT_EXPECT_EQ(test, pa + 777, out);
	KUNIT_EXPECT_EQ(test, 0, vcm_translate(vcm, pa + 888, bed->vcm, &out));
	KUNIT_EXPECT_EQ(test, addr + 888, out);
	vcm_for_each_phys_res(pa, pos, len)
		seen++;
	KUNIT_EXPECT_EQ(test, 2, seen);
	bed_expect_memory(bed, res, phys);

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(flat));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_translate(vcm, pa, bed->vcm, &out));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, flat);
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
	bed_end(bed);
}

/* A reference outlives the reservation and the context. */
static void identity_reference(struct kunit *test)
{
	struct vcm *vcm = ident_space(test, 0, IDENT_LEN);
	struct vcm_res *res, *held;

	res = space_take(test, vcm, SZ_64K, VCM_RW);
	held = vcm_get_next_res(vcm, NULL);
	KUNIT_ASSERT_PTR_EQ(test, res, held);
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_unreserve(held));
	KUNIT_EXPECT_EQ(test, -ENOENT, space_try(vcm, SZ_64K, VCM_RW));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_tables(vcm));
	vcm_res_put(held);
}

/* Where the address is that of the memory, the memory stays. */
static void identity_stays(struct kunit *test)
{
	struct vcm *vcm = ident_space(test, 0, IDENT_LEN);
	struct vcm_phys *phys;
	phys_addr_t pa, now;
	struct vcm_res *res;
	size_t len;

	phys = ident_alloc(test, SZ_64K, &pa);
	res = space_take(test, vcm, SZ_64K, VCM_RW);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	phys_fill(phys, 0x5a);

	KUNIT_EXPECT_EQ(test, -ERANGE,
			vcm_phys_migrate(phys, NULL, VCM_CONTIG, 0));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, vcm_set_res_attr(res, VCM_READ));
	KUNIT_EXPECT_EQ(test, VCM_RW, vcm_get_res_attr(res));
	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(phys, 0, &now, &len));
	KUNIT_EXPECT_EQ(test, pa, now);
	KUNIT_EXPECT_EQ(test, 0x5a, phys_peek(phys, SZ_64K - 1));
	KUNIT_EXPECT_EQ(test, pa, vcm_get_dev_addr(res));
	ident_expect_lookup(test, vcm, pa + SZ_4K, 0, pa + SZ_4K);

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, DMA_MAPPING_ERROR, vcm_get_dev_addr(res));
	/* What is mapped nowhere moves, and decides anew. */
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_migrate(phys, NULL, VCM_CONTIG, 0));
	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(phys, 0, &now, &len));
	KUNIT_EXPECT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, now, vcm_get_dev_addr(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

static struct kunit_case vcm_identity_cases[] = {
	KUNIT_CASE(identity_device),
	KUNIT_CASE(identity_not_known),
	KUNIT_CASE(identity_is_a_fallback),
	KUNIT_CASE(identity_limit),
	KUNIT_CASE(identity_offset),
	KUNIT_CASE(identity_share),
	KUNIT_CASE(identity_rights),
	KUNIT_CASE(identity_mix_first),
	KUNIT_CASE(identity_mix_last),
	KUNIT_CASE(identity_replay),
	KUNIT_CASE(identity_device_gone),
	KUNIT_CASE(identity_create),
	KUNIT_CASE(identity_floats),
	KUNIT_CASE(identity_pieces),
	KUNIT_CASE(identity_taken),
	KUNIT_CASE(identity_out_of_reach),
	KUNIT_CASE(identity_joined),
	KUNIT_CASE(identity_stuck),
	KUNIT_CASE(identity_iterate),
	KUNIT_CASE(identity_translate),
	KUNIT_CASE(identity_reference),
	KUNIT_CASE(identity_stays),
	{}
};

static struct kunit_suite vcm_identity_suite = {
	.name = "vcm_identity",
	.test_cases = vcm_identity_cases,
};

kunit_test_suite(vcm_identity_suite);
