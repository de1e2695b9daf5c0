// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts of the kernel: what backs them, the kernel sees through a pointer.
 *
 * The documentation includes what stands between [walkthrough] and [end].
 */
#include <kunit/test.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"

static struct vcm *kspace_new(struct kunit *test)
{
	struct vcm *vcm = vcm_create_kernel();

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vcm);
	return vcm;
}

static struct vcm_phys *kspace_alloc(struct kunit *test, size_t len, u32 attr)
{
	struct vcm_phys *phys = vcm_phys_alloc(NULL, len, attr);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	return phys;
}

/* User Mode Linux cannot try out an access; so ask its table. */
static bool kernel_reads(const u8 *p)
{
	u8 byte;

	if (IS_ENABLED(CONFIG_UML))
		return vmalloc_to_page(p);
	return !copy_from_kernel_nofault(&byte, p, 1);
}

static bool kernel_writes(u8 *p, u8 byte)
{
	if (IS_ENABLED(CONFIG_UML))
		return vmalloc_to_page(p);
	return !copy_to_kernel_nofault(p, &byte, 1);
}

/* The walk-through of June 2010 */

static bool unit_writes(struct vcm_iommu *unit, struct device *dev,
			dma_addr_t addr, u8 byte)
{
	return !vcm_soft_dma(unit, dev, addr, &byte, 1, VCM_WRITE);
}

static bool unit_reads(struct vcm_iommu *unit, struct device *dev,
		       dma_addr_t addr, u8 want)
{
	u8 byte = ~want;

	return !vcm_soft_dma(unit, dev, addr, &byte, 1, VCM_READ) &&
	       byte == want;
}

static void vcm_walkthrough(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_mirror);
	struct vcm_assoc *assoc_a, *assoc_b;
	struct vcm_iommu *unit_a = bed->units[0], *unit_b = bed->units[1];
	struct device *dev_a = bed->devs[0], *dev_b = bed->devs[1];
	struct vcm *vcm_a, *vcm_b, *vcm_k;
	struct vcm_res *res_a, *res_b, *res_k;
	dma_addr_t a, b, same;
	struct vcm_phys *phys;
	unsigned int i;
	size_t len, total = 0;
	phys_addr_t pa;
	u8 *p;

	/* [walkthrough] */
	/* Two devices with an address space each, and the kernel's own. */
	vcm_a = vcm_create(SZ_64M, SZ_64M);
	vcm_b = vcm_create(SZ_256M, SZ_64M);
	vcm_k = vcm_create_kernel();

	/* 2 x 64 KiB of memory, as blocks of that size. */
	phys = vcm_phys_alloc(NULL, 2 * SZ_64K, VCM_ALIGN(16) | VCM_ZERO);

	/* 8 x 64 KiB of addresses in each. */
	res_a = vcm_reserve(vcm_a, 8 * SZ_64K, VCM_READ | VCM_WRITE);
	res_b = vcm_reserve(vcm_b, 8 * SZ_64K, VCM_READ | VCM_WRITE);
	res_k = vcm_reserve(vcm_k, 8 * SZ_64K, VCM_READ | VCM_WRITE);

	/* The devices may come now, or later, or be there already. */
	assoc_a = vcm_assoc(vcm_a, dev_a, 0);
	KUNIT_ASSERT_EQ(test, 0, vcm_activate(assoc_a));

	/* The same memory for all three. */
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res_a, phys));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res_b, phys));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res_k, phys));

	assoc_b = vcm_assoc(vcm_b, dev_b, 0);
	KUNIT_ASSERT_EQ(test, 0, vcm_activate(assoc_b));

	/* One device writes, the other reads, and the kernel looks on. */
	a = vcm_get_dev_addr(res_a);
	b = vcm_get_dev_addr(res_b);
	p = vcm_get_kernel_addr(res_k);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p);
	KUNIT_EXPECT_TRUE(test, unit_writes(unit_a, dev_a, a + SZ_64K, 0x5a));
	KUNIT_EXPECT_TRUE(test, unit_reads(unit_b, dev_b, b + SZ_64K, 0x5a));
	KUNIT_EXPECT_EQ(test, 0x5a, READ_ONCE(p[SZ_64K]));
	WRITE_ONCE(p[0], 0xa5);
	KUNIT_EXPECT_TRUE(test, unit_reads(unit_a, dev_a, a, 0xa5));
	KUNIT_EXPECT_TRUE(test, unit_reads(unit_b, dev_b, b, 0xa5));

	/* Which address in one is which in the other? */
	KUNIT_EXPECT_EQ(test, 0, vcm_translate(vcm_a, a + 42, vcm_b, &same));
	KUNIT_EXPECT_EQ(test, b + 42, same);
	KUNIT_EXPECT_EQ(test, 0, vcm_translate(vcm_b, b + 42, vcm_k, &same));
	KUNIT_EXPECT_PTR_EQ(test, p + 42, (u8 *)(unsigned long)same);

	/* The memory, piece by piece. */
	for (i = 0; !vcm_get_chunk(phys, i, &pa, &len); i++) {
		KUNIT_EXPECT_TRUE(test, IS_ALIGNED(pa, SZ_64K));
		KUNIT_EXPECT_EQ(test, 3, vcm_get_phys_num_res(pa));
		total += len;
	}
	KUNIT_EXPECT_EQ(test, 2 * SZ_64K, total);

	/* Giving back, in any order that leaves nobody in the air. */
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res_b));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_unreserve(res_k));
	KUNIT_EXPECT_EQ(test, 0x5a, READ_ONCE(p[SZ_64K]));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res_k));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res_a));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(assoc_a));
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(assoc_b));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc_a));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc_b));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res_k));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res_b));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res_a));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm_b));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm_k));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm_a));
	/* [end] */
	bed_end(bed);
}

/* Any number of pieces is one range to the kernel, and right to the byte. */
static void kernel_sees(struct kunit *test)
{
	const size_t lens[] = { 1, 3, 7, 16, 100, 700, 2048 };
	struct vcm *vcm = kspace_new(test);
	unsigned int i;
	size_t off;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		size_t len = lens[i] * PAGE_SIZE;
		struct vcm_phys *phys = kspace_alloc(test, len, 0);
		struct vcm_res *res = space_take(test, vcm, len, VCM_RW);
		u8 *p;

		KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
		p = vcm_get_kernel_addr(res);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p);
		KUNIT_EXPECT_EQ(test, vcm_get_dev_addr(res), (unsigned long)p);
		phys_fill(phys, 0x11 + i);
		for (off = 0; off < len; off += PAGE_SIZE) {
			KUNIT_ASSERT_EQ(test, 0x11 + i, p[off]);
			p[off + 1] = off >> PAGE_SHIFT;
		}
		for (off = 0; off < len; off += PAGE_SIZE)
			KUNIT_ASSERT_EQ(test, (u8)(off >> PAGE_SHIFT),
					phys_peek(phys, off + 1));
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
		space_give(test, res);
		KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	}
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* After unback there is nothing: the kernel faults like anybody else. */
static void kernel_unmapped(struct kunit *test)
{
	struct vcm *vcm = kspace_new(test);
	struct vcm_phys *phys = kspace_alloc(test, SZ_64K, VCM_ZERO);
	struct vcm_res *res = space_take(test, vcm, SZ_128K, VCM_RW);
	phys_addr_t pa;
	u8 *p;

	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ENOENT), vcm_get_kernel_addr(res));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	p = vcm_get_kernel_addr(res);
	KUNIT_EXPECT_TRUE(test, kernel_reads(p));
	/* The rest of the reservation reaches nothing. */
	KUNIT_EXPECT_FALSE(test, kernel_reads(p + SZ_64K));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_FALSE(test, kernel_reads(p));
	KUNIT_EXPECT_FALSE(test, kernel_reads(p + SZ_64K - 1));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ENOENT), vcm_get_kernel_addr(res));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			vcm_dev_addr_to_phys_addr(vcm, (unsigned long)p, &pa));
	/* The addresses stay its own, so it can be backed again. */
	KUNIT_EXPECT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_PTR_EQ(test, p, vcm_get_kernel_addr(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

static void kernel_rights(struct kunit *test)
{
	bool can = pgprot_val(PAGE_KERNEL_RO) != pgprot_val(PAGE_KERNEL);
	struct vcm *vcm = kspace_new(test);
	struct vcm_phys *phys = kspace_alloc(test, SZ_64K, VCM_ZERO);
	struct vcm_res *res;
	u8 *p;

	res = space_take(test, vcm, SZ_64K, VCM_RW | VCM_EXEC);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, vcm_back(res, phys));
	space_give(test, res);
	res = space_take(test, vcm, SZ_64K, 0);
	KUNIT_EXPECT_EQ(test, -EACCES, vcm_back(res, phys));
	space_give(test, res);
	res = space_take(test, vcm, SZ_64K, VCM_RW | VCM_PRIV);
	KUNIT_EXPECT_EQ(test, 0, vcm_back(res, phys));
	p = vcm_get_kernel_addr(res);
	KUNIT_EXPECT_TRUE(test, kernel_writes(p, 1));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);

	res = space_take(test, vcm, SZ_64K, VCM_READ);
	KUNIT_EXPECT_EQ(test, can ? 0 : -EOPNOTSUPP, vcm_back(res, phys));
	if (can) {
		p = vcm_get_kernel_addr(res);
		KUNIT_EXPECT_EQ(test, 1, READ_ONCE(*p));
		KUNIT_EXPECT_FALSE(test, kernel_writes(p, 2));
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	}
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* What the kernel hands out is asked for, not told. */
static void kernel_reserve(struct kunit *test)
{
	struct vcm *vcm = kspace_new(test);
	unsigned int order;
	struct vcm_res *res;
	int i;

	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_tables(vcm));
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, vcm_get_min_page_size(vcm));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			space_try_at(vcm, vcm_get_start_addr(vcm), SZ_64K));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EOPNOTSUPP),
			    vcm_create_bound(vcm, SZ_64K));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EOPNOTSUPP), vcm_clone(vcm));
	KUNIT_EXPECT_NE(test, 0, space_try(vcm, SIZE_MAX - SZ_1M, VCM_RW));
	KUNIT_EXPECT_EQ(test, -ENOSPC, space_try(vcm, SIZE_MAX, VCM_RW));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			space_try(vcm, SZ_64K, VCM_RW | VCM_ALIGN(63)));
	for (order = 1; order <= 21; order++) {
		res = space_take(test, vcm, 1, VCM_RW | VCM_ALIGN(order));
		KUNIT_EXPECT_EQ(test, PAGE_SIZE, vcm_get_res_len(res));
		KUNIT_EXPECT_TRUE(test, IS_ALIGNED(vcm_get_dev_addr(res),
						   BIT(order)));
		KUNIT_EXPECT_TRUE(test,
				  is_vmalloc_addr((void *)(unsigned long)
						  vcm_get_dev_addr(res)));
		space_give(test, res);
	}
	/* Each area goes back, and so does the alignment's share of it. */
	for (i = 0; i < 100; i++)
		KUNIT_ASSERT_EQ(test, 0, space_try(vcm, SZ_64K, VCM_RW |
						   VCM_ALIGN(17)));
	res = space_take(test, vcm, SZ_64K, VCM_RW);
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_free(vcm));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_res(vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* Blocks of the CPU's table, where it has them and memory lies so. */
static void kernel_huge(struct kunit *test)
{
#if defined(CONFIG_HAVE_ARCH_HUGE_VMAP) && defined(CONFIG_64BIT)
	struct vcm *vcm = kspace_new(test);
	struct vcm_phys *phys;
	struct vcm_res *res;
	unsigned long p, off;

	if (!arch_vmap_pmd_supported(PAGE_KERNEL) || PMD_SIZE > SZ_2M) {
		KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
		kunit_skip(test, "no large blocks here");
	}
	phys = kspace_alloc(test, 2 * PMD_SIZE, VCM_CONTIG);
	res = space_take(test, vcm, 2 * PMD_SIZE, VCM_RW);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	p = (unsigned long)vcm_get_kernel_addr(res);
	for (off = 0; off < 2 * PMD_SIZE; off += PMD_SIZE)
		KUNIT_EXPECT_TRUE(test, pmd_leaf(*pmd_off_k(p + off)));
	phys_fill(phys, 0x77);
	for (off = 0; off < 2 * PMD_SIZE; off += SZ_64K)
		KUNIT_ASSERT_EQ(test, 0x77, *(u8 *)(p + off));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
#else
	kunit_skip(test, "no large blocks here");
#endif
}

static void kernel_addr_of_others(struct kunit *test)
{
	struct vcm *vcm = space_new(test, 0, SZ_1G);
	struct vcm *flat = vcm_create_identity(0, SZ_1G);
	struct vcm_res *res = space_take(test, vcm, SZ_64K, VCM_RW);
	struct vcm_res *floating = space_take(test, flat, SZ_64K, VCM_RW);

	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL), vcm_get_kernel_addr(res));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL),
			    vcm_get_kernel_addr(floating));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL), vcm_get_kernel_addr(NULL));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL),
			    vcm_get_kernel_addr(ERR_PTR(-ENOMEM)));
	space_give(test, res);
	space_give(test, floating);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(flat));
}

/* The same memory twice in one, and in two contexts of the kernel. */
static void kernel_twice(struct kunit *test)
{
	struct vcm *vcm[2] = { kspace_new(test), kspace_new(test) };
	struct vcm_phys *phys = kspace_alloc(test, SZ_64K, VCM_ZERO);
	struct vcm_res *res[3];
	u8 *p[3];
	int i;

	for (i = 0; i < 3; i++) {
		res[i] = space_take(test, vcm[i & 1], SZ_64K, VCM_RW);
		KUNIT_ASSERT_EQ(test, 0, vcm_back(res[i], phys));
		p[i] = vcm_get_kernel_addr(res[i]);
	}
	KUNIT_EXPECT_PTR_NE(test, p[0], p[1]);
	KUNIT_EXPECT_PTR_NE(test, p[0], p[2]);
	WRITE_ONCE(*p[2], 9);
	KUNIT_EXPECT_EQ(test, 9, READ_ONCE(*p[0]));
	KUNIT_EXPECT_EQ(test, 9, READ_ONCE(*p[1]));
	KUNIT_EXPECT_EQ(test, 9, phys_peek(phys, 0));
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(res[i]));
		space_give(test, res[i]);
	}
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm[0]));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm[1]));
}

/* A reference outlives the reservation and the context. */
static void kernel_reference(struct kunit *test)
{
	struct vcm *vcm = kspace_new(test);
	struct vcm_res *res, *held;

	res = space_take(test, vcm, SZ_64K, VCM_RW);
	held = vcm_get_res(vcm, vcm_get_dev_addr(res));
	KUNIT_ASSERT_PTR_EQ(test, res, held);
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_unreserve(held));
	KUNIT_EXPECT_EQ(test, -ENOENT, space_try(vcm, SZ_64K, VCM_RW));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL), vcm_get_kernel_addr(held));
	vcm_res_put(held);
}

/* Two allocations, one range; and it stays when the memory does not. */
static void kernel_pieces(struct kunit *test)
{
	struct vcm *vcm = kspace_new(test);
	struct vcm_phys *one = kspace_alloc(test, SZ_64K, VCM_ZERO);
	struct vcm_phys *two = kspace_alloc(test, SZ_64K, VCM_ZERO);
	struct vcm_res *res = space_take(test, vcm, SZ_256K, VCM_RW);
	phys_addr_t pa, moved;
	size_t len;
	u8 *p;

	KUNIT_ASSERT_EQ(test, 0, vcm_back_range(res, SZ_64K, one, 0, SZ_64K));
	KUNIT_ASSERT_EQ(test, 0, vcm_back_range(res, SZ_128K, two, 0, SZ_64K));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ENOTUNIQ),
			    vcm_get_physmem_from_res(res));
	p = vcm_get_kernel_addr(res);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p);
	KUNIT_EXPECT_FALSE(test, kernel_reads(p));
	KUNIT_EXPECT_FALSE(test, kernel_reads(p + SZ_128K + SZ_64K));
	WRITE_ONCE(p[SZ_128K - 1], 0x11);
	WRITE_ONCE(p[SZ_128K], 0x22);
	KUNIT_EXPECT_EQ(test, 0x11, phys_peek(one, SZ_64K - 1));
	KUNIT_EXPECT_EQ(test, 0x22, phys_peek(two, 0));

	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(two, 0, &pa, &len));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_migrate(two, NULL, 0, 0));
	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(two, 0, &moved, &len));
	KUNIT_EXPECT_NE(test, pa, moved);
	KUNIT_EXPECT_EQ(test, 0x11, READ_ONCE(p[SZ_128K - 1]));
	KUNIT_EXPECT_EQ(test, 0x22, READ_ONCE(p[SZ_128K]));
	WRITE_ONCE(p[SZ_128K], 0x33);
	KUNIT_EXPECT_EQ(test, 0x33, phys_peek(two, 0));

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_FALSE(test, kernel_reads(p + SZ_128K));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(one));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(two));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

static struct kunit_case vcm_kernel_cases[] = {
	KUNIT_CASE(vcm_walkthrough),
	KUNIT_CASE(kernel_sees),
	KUNIT_CASE(kernel_unmapped),
	KUNIT_CASE(kernel_rights),
	KUNIT_CASE(kernel_reserve),
	KUNIT_CASE(kernel_huge),
	KUNIT_CASE(kernel_addr_of_others),
	KUNIT_CASE(kernel_twice),
	KUNIT_CASE(kernel_reference),
	KUNIT_CASE(kernel_pieces),
	{}
};

static struct kunit_suite vcm_kernel_suite = {
	.name = "vcm_kernel",
	.test_cases = vcm_kernel_cases,
};

kunit_test_suite(vcm_kernel_suite);
