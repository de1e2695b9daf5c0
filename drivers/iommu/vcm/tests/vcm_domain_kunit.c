// SPDX-License-Identifier: GPL-2.0-only
/*
 * VCMM over the IOMMU of the machine: real DMA by QEMU's edu devices.
 *
 * "Blocked" means: the device was told to move bytes, and the memory, or what
 * the device got, is not what it would be if it had. Every such check stands
 * next to one with the same device that goes through, so that a device that
 * does nothing passes no test. The messages of the IOMMU driver about blocked
 * accesses are expected.
 */
#include <kunit/device.h>
#include <kunit/test.h>

#include <linux/device.h>
#include <linux/highmem.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/pfn.h>
#include <linux/sizes.h>
#include <linux/vcm.h>

#include "../../../../samples/vcm/vcm_edu.h"
#include "vcm_domain_bed.h"

/*
 * Arm's stage 1 has no pages that can be written but not read, and the VT-d
 * driver of 6.12 makes none.
 */
static bool has_write_only(struct device *dev)
{
	return !device_iommu_capable(dev, IOMMU_CAP_NOEXEC) &&
	       !strstarts(dbed_iommu_name(dev), "dmar");
}

/* Cases */

/* P1 and P2: one backing, one address, every device, and no CPU mapping. */
static void one_address(struct kunit *test)
{
	struct dbed *bed = test->priv;
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf a = dbed_new_buf(test, vcm, SZ_2M, DBED_RW);
	struct dbed_buf b = dbed_new_buf(test, vcm, SZ_2M, DBED_RW);
	struct dbed_buf out = dbed_new_buf(test, vcm, PAGE_SIZE, DBED_RW);
	size_t off = SZ_1M + 3 * SZ_4K + 128;
	int i;

	for (i = 0; i < DBED_DEVS; i++)
		dbed_join_active(test, vcm, i);
	KUNIT_EXPECT_PTR_EQ(test, vcm_get_vcm_from_res(a.res), vcm);
	KUNIT_EXPECT_PTR_EQ(test, vcm_get_physmem_from_res(a.res), a.phys);
	KUNIT_EXPECT_FALSE(test, page_mapped(dbed_page(test, a.phys, off)));

	for (i = 0; i < DBED_DEVS; i++) {
		KUNIT_EXPECT_TRUE(test, dbed_writes(test, i, a.addr + off,
						    a.phys, off));
		KUNIT_EXPECT_TRUE(test, dbed_reads(test, i, a.addr + off,
						   a.phys, off, out));
	}
	/* Hand on a frame without the CPU: 0 writes a, 1 copies it to b. */
	dbed_store(test, bed->dev[0], a.addr, DBED_SIG_OFF);
	dbed_fetch(test, bed->dev[1], a.addr);
	dbed_store(test, bed->dev[1], b.addr + off, DBED_CATCH_OFF);
	dbed_fetch(test, bed->dev[2], b.addr + off);
	KUNIT_EXPECT_TRUE(test, dbed_caught(test, 2, out, dbed_signature(0)));
	KUNIT_EXPECT_FALSE(test, page_mapped(dbed_page(test, a.phys, off)));
}

/* Devices behind one IOMMU walk one page table. */
static void one_table(struct kunit *test)
{
	struct dbed *bed = test->priv;
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	int i;

	KUNIT_EXPECT_EQ(test, vcm_get_num_tables(vcm), 0);
	for (i = 0; i < DBED_DEVS; i++) {
		if (bed->dev[i]->iommu->iommu_dev !=
		    bed->dev[0]->iommu->iommu_dev)
			kunit_skip(test,
				   "the devices are behind several IOMMUs");
		dbed_join(test, vcm, i);
		KUNIT_EXPECT_EQ(test, vcm_get_num_tables(vcm), 1);
	}
	for (i = 0; i < DBED_DEVS; i++) {
		KUNIT_EXPECT_EQ(test, vcm_get_num_tables(vcm), 1);
		KUNIT_EXPECT_EQ(test, vcm_deassoc(bed->assoc[i]), 0);
	}
	bed->nr_assoc = 0;
	KUNIT_EXPECT_EQ(test, vcm_get_num_tables(vcm), 0);
}

static void blocked_while_inactive(struct kunit *test)
{
	struct dbed *bed = test->priv;
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf a = dbed_new_buf(test, vcm, SZ_64K, DBED_RW);
	struct dbed_buf out = dbed_new_buf(test, vcm, PAGE_SIZE, DBED_RW);
	struct vcm_assoc *assoc = dbed_join(test, vcm, 0);
	u32 secret = dbed_fresh();

	KUNIT_EXPECT_FALSE(test, vcm_is_active(assoc));
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, 0, a.addr, a.phys, 0));

	KUNIT_ASSERT_EQ(test, vcm_activate(assoc), 0);
	KUNIT_EXPECT_TRUE(test, vcm_is_active(assoc));
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, a.addr, a.phys, 0));
	KUNIT_EXPECT_TRUE(test, dbed_reads(test, 0, a.addr, a.phys, 0, out));
	KUNIT_EXPECT_EQ(test, vcm_activate(assoc), -EBUSY);
	KUNIT_EXPECT_EQ(test, vcm_deassoc(assoc), -EBUSY);

	KUNIT_ASSERT_EQ(test, vcm_deactivate(assoc), 0);
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, 0, a.addr, a.phys, 0));
	dbed_poke(test, a.phys, 0, secret);
	dbed_fetch(test, bed->dev[0], a.addr);

	KUNIT_ASSERT_EQ(test, vcm_activate(assoc), 0);
	KUNIT_EXPECT_FALSE(test, dbed_caught(test, 0, out, secret));
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, a.addr, a.phys, 0));
}

/* Each access before the unback has filled the TLB, so stale entries show. */
static void blocked_after_unback(struct kunit *test)
{
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf a = dbed_new_buf(test, vcm, SZ_2M, DBED_RW);
	struct dbed_buf out = dbed_new_buf(test, vcm, PAGE_SIZE, DBED_RW);
	struct vcm_phys *other = dbed_phys(test, SZ_2M);
	phys_addr_t pa;
	int i;

	for (i = 0; i < 2; i++) {
		dbed_join_active(test, vcm, i);
		KUNIT_EXPECT_TRUE(test,
				  dbed_writes(test, i, a.addr, a.phys, 0));
	}
	KUNIT_ASSERT_EQ(test, vcm_unback(a.res), 0);
	KUNIT_EXPECT_EQ(test, vcm_dev_addr_to_phys_addr(vcm, a.addr, &pa),
			-ENOENT);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_FALSE(test,
				   dbed_writes(test, i, a.addr, a.phys, 0));
		KUNIT_EXPECT_FALSE(test,
				   dbed_reads(test, i, a.addr, a.phys, 0, out));
	}
	/* Other memory at the same address: that, and not the first. */
	KUNIT_ASSERT_EQ(test, vcm_back(a.res, other), 0);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_FALSE(test,
				   dbed_writes(test, i, a.addr, a.phys, 0));
		KUNIT_EXPECT_TRUE(test, dbed_writes(test, i, a.addr, other, 0));
	}
}

static void blocked_outside(struct kunit *test)
{
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct vcm_phys *phys = dbed_phys(test, 2 * SZ_64K);
	struct vcm_res *res;
	dma_addr_t addr = DBED_START + SZ_1M;
	phys_addr_t pa;

	/* Shorter memory than the reservation: the tail leads nowhere. */
	res = dbed_keep_res(test,
			    vcm_reserve_at(vcm, addr, 4 * SZ_64K, DBED_RW));
	KUNIT_ASSERT_EQ(test, vcm_back(res, phys), 0);
	dbed_join_active(test, vcm, 0);

	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, addr, phys, 0));
	KUNIT_EXPECT_TRUE(test,
			  dbed_writes(test, 0, addr + 2 * SZ_64K - DBED_MOVE,
				      phys, 2 * SZ_64K - DBED_MOVE));
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, 0, addr - SZ_4K, phys, 0));
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, 0, addr + 2 * SZ_64K, phys,
					     SZ_64K));
	KUNIT_EXPECT_FALSE(test,
			   dbed_writes(test, 0, addr + 4 * SZ_64K, phys, 0));
	KUNIT_EXPECT_EQ(test, vcm_dev_addr_to_phys_addr(vcm, addr - 1, &pa),
			-ENOENT);
	KUNIT_EXPECT_EQ(test,
			vcm_dev_addr_to_phys_addr(vcm, addr + 2 * SZ_64K, &pa),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, vcm_dev_addr_to_phys_addr(vcm, addr, &pa), 0);
}

static void read_only(struct kunit *test)
{
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf ro = dbed_new_buf(test, vcm, SZ_2M, VCM_READ);
	struct dbed_buf out = dbed_new_buf(test, vcm, PAGE_SIZE, DBED_RW);
	struct vcm_res *alias;

	dbed_join_active(test, vcm, 0);
	KUNIT_EXPECT_TRUE(test, dbed_reads(test, 0, ro.addr, ro.phys, 0, out));
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, 0, ro.addr, ro.phys, 0));
	KUNIT_EXPECT_TRUE(test, dbed_reads(test, 0, ro.addr, ro.phys, 0, out));

	/* The right belongs to the reservation, not to the memory. */
	alias = dbed_keep_res(test, vcm_reserve(vcm, SZ_2M, DBED_RW));
	KUNIT_ASSERT_EQ(test, vcm_back(alias, ro.phys), 0);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, vcm_get_dev_addr(alias),
					    ro.phys, 0));
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, 0, ro.addr, ro.phys, 0));
}

static void write_only(struct kunit *test)
{
	struct dbed *bed = test->priv;
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf wo = dbed_new_buf(test, vcm, SZ_64K, VCM_WRITE);
	struct dbed_buf out = dbed_new_buf(test, vcm, PAGE_SIZE, DBED_RW);

	dbed_join_active(test, vcm, 0);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, wo.addr, wo.phys, 0));
	if (!has_write_only(bed->dev[0]))
		kunit_skip(test, "no write-only pages with %s",
			   dbed_iommu_name(bed->dev[0]));
	KUNIT_EXPECT_FALSE(test, dbed_reads(test, 0, wo.addr, wo.phys, 0, out));
	KUNIT_EXPECT_TRUE(test,
			  dbed_reads(test, 0, out.addr, out.phys, 0, out));
}

/* Some drivers cannot make another page table while the device is active. */
static void set_rights(struct kunit *test, struct vcm_assoc *assoc, u32 attr)
{
	int ret = vcm_set_assoc_attr(assoc, attr);

	KUNIT_EXPECT_TRUE(test, vcm_is_active(assoc));
	if (ret == -EBUSY) {
		KUNIT_EXPECT_EQ(test, vcm_deactivate(assoc), 0);
		ret = vcm_set_assoc_attr(assoc, attr);
		KUNIT_EXPECT_EQ(test, vcm_activate(assoc), 0);
	}
	KUNIT_EXPECT_EQ(test, ret, 0);
}

/*
 * Two devices, one address, one memory: the camera writes, and the display,
 * which is to read what it does, cannot.
 */
static void rights_of_devices(struct kunit *test)
{
	struct dbed *bed = test->priv;
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf frame = dbed_new_buf(test, vcm, SZ_2M, DBED_RW);
	struct dbed_buf out = dbed_new_buf(test, vcm, PAGE_SIZE, DBED_RW);
	const int camera = 0, display = 1;
	size_t off = SZ_1M + SZ_4K;
	struct vcm_assoc *assoc;
	unsigned int tables;

	dbed_join_active(test, vcm, camera);
	assoc = dbed_join_active(test, vcm, display);
	tables = vcm_get_num_tables(vcm);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, display, frame.addr + off,
					    frame.phys, off));

	set_rights(test, assoc, VCM_READ);
	KUNIT_EXPECT_EQ(test, vcm_get_num_tables(vcm), 2);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, camera, frame.addr + off,
					    frame.phys, off));
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, display, frame.addr + off,
					     frame.phys, off));
	/* What it reads it cannot show anywhere, until it may write again. */
	dbed_store(test, bed->dev[camera], frame.addr + off, DBED_SIG_OFF);
	dbed_fetch(test, bed->dev[display], frame.addr + off);
	KUNIT_EXPECT_FALSE(test, dbed_caught(test, display, out,
					     dbed_signature(camera)));
	set_rights(test, assoc, 0);
	KUNIT_EXPECT_EQ(test, vcm_get_num_tables(vcm), tables);
	KUNIT_EXPECT_TRUE(test, dbed_caught(test, display, out,
					    dbed_signature(camera)));
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, display, frame.addr + off,
					    frame.phys, off));

	/* Backed while there are two tables, and unbacked. */
	set_rights(test, assoc, VCM_READ);
	KUNIT_EXPECT_EQ(test, vcm_unback(frame.res), 0);
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, camera, frame.addr,
					     frame.phys, 0));
	KUNIT_EXPECT_EQ(test, vcm_back(frame.res, frame.phys), 0);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, camera, frame.addr,
					    frame.phys, 0));
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, display, frame.addr,
					     frame.phys, 0));
}

/* Each combination of rights is granted, or refused with its own errno. */
static void rights(struct kunit *test)
{
	struct dbed *bed = test->priv;
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct vcm_phys *phys = dbed_phys(test, SZ_64K);
	bool has_priv = device_iommu_capable(bed->dev[0], IOMMU_CAP_NOEXEC);
	u32 attr;

	dbed_join_active(test, vcm, 0);
	for (attr = 0; attr <= (DBED_RW | VCM_EXEC | VCM_PRIV); attr++) {
		struct vcm_res *res = vcm_reserve(vcm, SZ_64K, attr);
		int expected = 0;

		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
		if (!(attr & DBED_RW))
			expected = -EACCES;
		else if ((attr & VCM_PRIV) && !has_priv)
			expected = -EOPNOTSUPP;
		KUNIT_EXPECT_EQ_MSG(test, vcm_back(res, phys), expected,
				    "attr %#x", attr);
		if (!expected)
			KUNIT_EXPECT_EQ(test, vcm_unback(res), 0);
		KUNIT_EXPECT_EQ(test, vcm_unreserve(res), 0);
	}
}

/* Behaviour 1: before the association, before and after the activation. */
static void order_is_free(struct kunit *test)
{
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf buf[4];
	struct vcm_assoc *assoc, *second;
	int i;

	buf[0] = dbed_new_buf(test, vcm, SZ_64K, DBED_RW);
	assoc = dbed_join(test, vcm, 0);
	buf[1] = dbed_new_buf(test, vcm, SZ_2M, DBED_RW);
	KUNIT_ASSERT_EQ(test, vcm_activate(assoc), 0);
	buf[2] = dbed_new_buf(test, vcm, SZ_64K, DBED_RW);
	second = dbed_join(test, vcm, 1);
	buf[3] = dbed_new_buf(test, vcm, SZ_64K, DBED_RW);
	KUNIT_ASSERT_EQ(test, vcm_activate(second), 0);

	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_TRUE_MSG(test, dbed_writes(test, 0, buf[i].addr,
							buf[i].phys, 0),
				      "%d", i);
		KUNIT_EXPECT_TRUE_MSG(test, dbed_writes(test, 1, buf[i].addr,
							buf[i].phys, 0),
				      "%d", i);
	}
}

/* The page table says what the books say, inside of blocks as well. */
static void lookup_in_blocks(struct kunit *test)
{
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf buf[3];
	size_t len[3] = { SZ_2M, SZ_4M, 7 * SZ_64K + 3 * PAGE_SIZE };
	phys_addr_t pa, want;
	dma_addr_t addr;
	size_t off;
	int i;

	dbed_join(test, vcm, 0);
	for (i = 0; i < 3; i++)
		buf[i] = dbed_new_buf(test, vcm, len[i], DBED_RW);
	for (i = 0; i < 3; i++) {
		for (off = 0; off < len[i]; off += SZ_4K) {
			want = page_to_phys(dbed_page(test, buf[i].phys, off)) +
			       offset_in_page(off) + 0x123;
			addr = buf[i].addr + off + 0x123;
			KUNIT_ASSERT_EQ(test, 0,
					vcm_dev_addr_to_phys_addr(vcm, addr,
								  &pa));
			KUNIT_ASSERT_EQ_MSG(test, pa, want, "offset %#zx", off);
		}
		KUNIT_ASSERT_EQ(test, vcm_unback(buf[i].res), 0);
		for (off = 0; off < len[i]; off += SZ_4K) {
			addr = buf[i].addr + off;
			KUNIT_ASSERT_EQ(test, -ENOENT,
					vcm_dev_addr_to_phys_addr(vcm, addr,
								  &pa));
		}
	}
}

/* Behaviour 6: the context switch of 2010. */
static void context_switch(struct kunit *test)
{
	struct vcm *vcm[2];
	struct vcm_assoc *assoc[2];
	struct dbed_buf buf[2];
	int i;

	for (i = 0; i < 2; i++) {
		vcm[i] = dbed_vcm(test, DBED_START, DBED_LEN);
		buf[i] = dbed_new_buf(test, vcm[i], SZ_64K, DBED_RW);
		assoc[i] = dbed_join(test, vcm[i], 0);
	}
	KUNIT_ASSERT_EQ(test, buf[0].addr, buf[1].addr);

	KUNIT_ASSERT_EQ(test, vcm_activate(assoc[0]), 0);
	KUNIT_EXPECT_EQ(test, vcm_activate(assoc[1]), -EBUSY);
	KUNIT_EXPECT_TRUE(test,
			  dbed_writes(test, 0, buf[0].addr, buf[0].phys, 0));
	KUNIT_EXPECT_FALSE(test,
			   dbed_writes(test, 0, buf[0].addr, buf[1].phys, 0));

	KUNIT_ASSERT_EQ(test, vcm_deactivate(assoc[0]), 0);
	KUNIT_ASSERT_EQ(test, vcm_activate(assoc[1]), 0);
	KUNIT_EXPECT_TRUE(test,
			  dbed_writes(test, 0, buf[1].addr, buf[1].phys, 0));
	KUNIT_EXPECT_FALSE(test,
			   dbed_writes(test, 0, buf[1].addr, buf[0].phys, 0));
}

/*
 * A second context while the device is active on the first. With some drivers
 * that takes another device of the same IOMMU that can be spared.
 */
static void second_context_while_active(struct kunit *test)
{
	struct dbed *bed = test->priv;
	struct vcm *a = dbed_vcm(test, DBED_START, DBED_LEN);
	struct vcm *b = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf buf = dbed_new_buf(test, a, SZ_64K, DBED_RW);
	struct dbed_buf unseen = dbed_new_buf(test, b, SZ_64K, DBED_RW);
	struct iommu_domain *domain;
	struct vcm_assoc *assoc;
	bool lazy;

	domain = iommu_paging_domain_alloc(bed->dev[0]);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, domain);
	lazy = !domain->geometry.aperture_end;
	iommu_domain_free(domain);

	dbed_join_active(test, a, 0);
	assoc = vcm_assoc(b, bed->dev[0], 0);
	if (lazy) {
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(assoc), -EBUSY);
	} else {
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, assoc);
		KUNIT_EXPECT_EQ(test, vcm_deassoc(assoc), 0);
	}
	if (bed->dev[1]->iommu->iommu_dev == bed->dev[0]->iommu->iommu_dev)
		dbed_join(test, a, 1);
	else if (lazy)
		kunit_skip(test, "no second device behind the same IOMMU");
	dbed_join(test, b, 0);

	/* The device has seen nothing of it, and the table works. */
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, buf.addr, buf.phys, 0));
	KUNIT_EXPECT_FALSE(test,
			   dbed_writes(test, 0, unseen.addr, unseen.phys, 0));
	KUNIT_EXPECT_EQ(test, vcm_unback(unseen.res), 0);
	KUNIT_EXPECT_EQ(test, vcm_back(unseen.res, unseen.phys), 0);
	KUNIT_EXPECT_EQ(test, vcm_deactivate(bed->assoc[0]), 0);
	KUNIT_EXPECT_EQ(test, vcm_activate(bed->assoc[bed->nr_assoc - 1]), 0);
	KUNIT_EXPECT_TRUE(test,
			  dbed_writes(test, 0, unseen.addr, unseen.phys, 0));
}

/* Behaviour 9: the driver unbinds without a word. */
static void driver_unbinds(struct kunit *test)
{
	struct dbed *bed = test->priv;
	int last = bed->nr_devs - 1;
	struct device *dev = bed->dev[last];
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct vcm *empty = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf a = dbed_new_buf(test, vcm, SZ_64K, DBED_RW);
	struct vcm_assoc *assoc;

	dbed_join_active(test, vcm, 0);
	assoc = dbed_join_active(test, vcm, last);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, last, a.addr, a.phys, 0));

	device_release_driver(dev);
	KUNIT_EXPECT_FALSE(test, vcm_is_active(assoc));
	KUNIT_EXPECT_EQ(test, vcm_activate(assoc), -ENODEV);
	KUNIT_EXPECT_EQ(test,
			vcm_edu_store(dev, a.addr, DBED_SIG_OFF, DBED_MOVE),
			-ENODEV);
	/* Nothing happened to the others. */
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, a.addr, a.phys, 0));

	KUNIT_ASSERT_EQ(test, device_attach(dev), 1);
	/* On an identity domain the address would be somebody's memory. */
	if (iommu_get_domain_for_dev(dev)->type != IOMMU_DOMAIN_IDENTITY)
		KUNIT_EXPECT_FALSE(test,
				   dbed_writes(test, last, a.addr, a.phys, 0));
	dbed_join_active(test, empty, last);
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, last, a.addr, a.phys, 0));

	/* And back again. */
	KUNIT_EXPECT_EQ(test, vcm_deactivate(bed->assoc[bed->nr_assoc - 1]), 0);
	dbed_join_active(test, vcm, last);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, last, a.addr, a.phys, 0));
}

/* The device is unplugged, and nothing but its removal tells VCMM. */
static void device_is_removed(struct kunit *test)
{
	struct dbed *bed = test->priv;
	int last = bed->nr_devs - 1;
	struct pci_dev *pdev = to_pci_dev(bed->dev[last]);
	struct pci_bus *bus = pdev->bus;
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf a = dbed_new_buf(test, vcm, SZ_64K, DBED_RW);
	struct vcm_assoc *assoc;

	dbed_join_active(test, vcm, 0);
	device_release_driver(&pdev->dev);
	assoc = dbed_join_active(test, vcm, last);

	pci_stop_and_remove_bus_device_locked(pdev);
	put_device(bed->dev[last]);
	bed->dev[last] = NULL;
	KUNIT_EXPECT_FALSE(test, vcm_is_active(assoc));
	KUNIT_EXPECT_EQ(test, vcm_deactivate(assoc), -ENODEV);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, a.addr, a.phys, 0));

	pci_lock_rescan_remove();
	pci_rescan_bus(bus);
	pci_unlock_rescan_remove();
	bed->dev[last] = dbed_device(last);
	KUNIT_ASSERT_NOT_NULL(test, bed->dev[last]);
	dbed_join_active(test, vcm, last);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, last, a.addr, a.phys, 0));
}

static void no_iommu(struct kunit *test)
{
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct device *dev = kunit_device_register(test, "vcm-no-iommu");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	dev->dma_mask = NULL;
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(vcm_assoc(vcm, dev, 0)), -ENODEV);
	dbed_join(test, vcm, 0);
}

/* What the driver core does for a driver that uses the DMA API. */
static void dma_is_taken(struct kunit *test)
{
	static char somebody;
	struct dbed *bed = test->priv;
	struct device *dev = bed->dev[0];
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf a = dbed_new_buf(test, vcm, SZ_64K, DBED_RW);

	KUNIT_ASSERT_EQ(test, iommu_device_use_default_domain(dev), 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(vcm_assoc(vcm, dev, 0)), -EBUSY);
	iommu_device_unuse_default_domain(dev);

	KUNIT_ASSERT_EQ(test, iommu_device_claim_dma_owner(dev, &somebody), 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(vcm_assoc(vcm, dev, 0)), -EBUSY);
	iommu_device_release_dma_owner(dev);

	dbed_join(test, vcm, 0);
	KUNIT_EXPECT_EQ(test, iommu_device_use_default_domain(dev), -EBUSY);
	KUNIT_EXPECT_EQ(test, iommu_device_claim_dma_owner(dev, &somebody),
			-EPERM);
	KUNIT_EXPECT_EQ(test, vcm_activate(bed->assoc[0]), 0);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, 0, a.addr, a.phys, 0));

	/* Given back, it is free for others. */
	KUNIT_EXPECT_EQ(test, vcm_deactivate(bed->assoc[0]), 0);
	KUNIT_EXPECT_EQ(test, vcm_deassoc(bed->assoc[0]), 0);
	bed->nr_assoc = 0;
	KUNIT_ASSERT_EQ(test, iommu_device_use_default_domain(dev), 0);
	iommu_device_unuse_default_domain(dev);
}

/* MSI windows and the like are nobody's memory. */
static void reserved_windows(struct kunit *test)
{
	struct dbed *bed = test->priv;
	struct vcm *vcm = dbed_vcm(test, 0, SZ_4G);
	struct iommu_resv_region *region;
	struct vcm_res *res;
	LIST_HEAD(regions);
	int nr = 0;

	iommu_get_resv_regions(bed->dev[0], &regions);
	list_for_each_entry(region, &regions, list) {
		dma_addr_t addr = region->start & PAGE_MASK;

		if (region->type == IOMMU_RESV_DIRECT_RELAXABLE ||
		    region->start + region->length > SZ_4G)
			continue;
		res = vcm_reserve_at(vcm, addr, PAGE_SIZE, DBED_RW);
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(res), 0);
		KUNIT_EXPECT_EQ(test, vcm_unreserve(res), 0);
		nr++;
	}
	if (nr)
		dbed_join(test, vcm, 0);
	list_for_each_entry(region, &regions, list) {
		dma_addr_t addr = region->start & PAGE_MASK;

		if (region->type == IOMMU_RESV_DIRECT_RELAXABLE ||
		    region->start + region->length > SZ_4G)
			continue;
		res = vcm_reserve_at(vcm, addr, PAGE_SIZE, DBED_RW);
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(res), -ERANGE);
		addr += ALIGN(region->length, PAGE_SIZE) - PAGE_SIZE;
		res = vcm_reserve_at(vcm, addr, PAGE_SIZE, DBED_RW);
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(res), -ERANGE);
	}
	iommu_put_resv_regions(bed->dev[0], &regions);
	if (!nr)
		kunit_skip(test, "the device has no reserved window");
}

/*
 * The aperture is what the hardware has: its last page can be mapped, be it
 * the one that ends at U64_MAX.
 */
static void last_page(struct kunit *test)
{
	struct vcm *vcm = dbed_vcm(test, SZ_64M, U64_MAX - SZ_64M + 1);
	struct vcm_phys *phys = dbed_phys(test, PAGE_SIZE);
	struct vcm_res *res = NULL;
	phys_addr_t pa, want = page_to_phys(dbed_page(test, phys, 0));
	u64 last = 0;
	int bits;

	dbed_join_active(test, vcm, 0);
	for (bits = 64; bits >= 32; bits--) {
		last = GENMASK_ULL(bits - 1, 0);
		res = vcm_reserve_at(vcm, last - PAGE_SIZE + 1, PAGE_SIZE,
				     DBED_RW);
		if (!IS_ERR(res))
			break;
		KUNIT_ASSERT_EQ(test, PTR_ERR(res), -ERANGE);
	}
	dbed_keep_res(test, res);
	kunit_info(test, "%d bits of device address\n", bits);
	KUNIT_ASSERT_EQ(test, vcm_back(res, phys), 0);
	KUNIT_EXPECT_EQ(test, vcm_dev_addr_to_phys_addr(vcm, last, &pa), 0);
	KUNIT_EXPECT_EQ(test, pa, want + PAGE_SIZE - 1);
	KUNIT_EXPECT_EQ(test, vcm_unback(res), 0);
	KUNIT_EXPECT_EQ(test, vcm_dev_addr_to_phys_addr(vcm, last, &pa),
			-ENOENT);
}

/* Devices that the IOMMU cannot tell apart are on one table, or off. */
static void one_group(struct kunit *test)
{
	struct dbed *bed = test->priv;
	struct vcm_assoc *assoc[2], *other;
	struct vcm *vcm, *elsewhere;
	struct dbed_buf a;
	int i, j;

	for (i = 0; i < bed->nr_devs; i++)
		for (j = i + 1; j < bed->nr_devs; j++)
			if (bed->dev[i]->iommu_group ==
			    bed->dev[j]->iommu_group)
				goto found;
	kunit_skip(test, "each device has a group of its own");

found:
	vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	elsewhere = dbed_vcm(test, DBED_START, DBED_LEN);
	a = dbed_new_buf(test, vcm, SZ_64K, DBED_RW);
	assoc[0] = dbed_join(test, vcm, i);
	assoc[1] = dbed_join(test, vcm, j);
	other = dbed_join(test, elsewhere, j);
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, i, a.addr, a.phys, 0));
	KUNIT_ASSERT_EQ(test, vcm_activate(assoc[0]), 0);
	KUNIT_EXPECT_EQ(test, vcm_activate(other), -EBUSY);
	KUNIT_ASSERT_EQ(test, vcm_activate(assoc[1]), 0);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, i, a.addr, a.phys, 0));
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, j, a.addr, a.phys, 0));
	/* Either may go first; the other stays. */
	KUNIT_EXPECT_EQ(test, vcm_deactivate(assoc[0]), 0);
	KUNIT_EXPECT_TRUE(test, dbed_writes(test, j, a.addr, a.phys, 0));
	KUNIT_EXPECT_EQ(test, vcm_deactivate(assoc[1]), 0);
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, j, a.addr, a.phys, 0));
	KUNIT_EXPECT_EQ(test, vcm_activate(other), 0);
	KUNIT_EXPECT_FALSE(test, dbed_writes(test, j, a.addr, a.phys, 0));
}

/* Physical addresses beyond 32 bits arrive whole. */
static void memory_above_4g(struct kunit *test)
{
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf a = dbed_new_buf(test, vcm, SZ_2M, DBED_RW);
	struct dbed_buf out = dbed_new_buf(test, vcm, PAGE_SIZE, DBED_RW);
	phys_addr_t pa = page_to_phys(dbed_page(test, a.phys, 0));

	if ((u64)pa < SZ_4G)
		kunit_skip(test, "the memory is at %pap, below 4 GiB", &pa);
	dbed_join_active(test, vcm, 0);
	KUNIT_EXPECT_TRUE(test,
			  dbed_writes(test, 0, a.addr + SZ_1M, a.phys, SZ_1M));
	KUNIT_EXPECT_TRUE(test, dbed_reads(test, 0, a.addr + SZ_1M, a.phys,
					   SZ_1M, out));
}

/* Memory that is not cached: taken out of the caches' way for everybody. */
static struct dbed_buf buf_that_is(struct kunit *test, struct vcm *vcm,
				   u32 cache)
{
	struct vcm_phys *phys = vcm_phys_alloc(NULL, SZ_64K, VCM_ZERO | cache);
	struct dbed *bed = test->priv;
	struct dbed_buf buf;

	if (phys == ERR_PTR(-EOPNOTSUPP))
		kunit_skip(test, "this kernel cannot change its linear map");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	bed->phys[bed->nr_phys++] = phys;
	buf.phys = phys;
	buf.res = dbed_keep_res(test, vcm_reserve(vcm, SZ_64K, DBED_RW));
	buf.addr = vcm_get_dev_addr(buf.res);
	KUNIT_ASSERT_EQ(test, vcm_back(buf.res, phys), 0);
	return buf;
}

static u8 *kernel_view(struct kunit *test, struct vcm *kspace,
		       struct dbed_buf *buf)
{
	struct vcm_res *res;
	u8 *p;

	res = dbed_keep_res(test, vcm_reserve(kspace, SZ_64K, DBED_RW));
	KUNIT_ASSERT_EQ(test, vcm_back(res, buf->phys), 0);
	p = vcm_get_kernel_addr(res);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p);
	return p;
}

/* What a device writes, the kernel reads past the caches; and back. */
static void not_cached(struct kunit *test)
{
	static const u32 kinds[] = { VCM_UNCACHED, VCM_WC };
	struct dbed *bed = test->priv;
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct dbed_buf out = dbed_new_buf(test, vcm, PAGE_SIZE, DBED_RW);
	struct vcm *kspace = vcm_create_kernel();
	size_t off = SZ_32K + 128;
	u8 want[DBED_MOVE], *p;
	unsigned int i;
	u32 secret;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kspace);
	bed->vcm[bed->nr_vcm++] = kspace;
	dbed_join_active(test, vcm, 0);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct dbed_buf buf = buf_that_is(test, vcm, kinds[i]);

		p = kernel_view(test, kspace, &buf);
		KUNIT_EXPECT_NULL(test, memchr_inv(p, 0, SZ_64K));
		dbed_store(test, bed->dev[0], out.addr, DBED_SIG_OFF);
		KUNIT_ASSERT_TRUE(test, dbed_holds(test, out.phys, 0,
						   dbed_signature(0)));
		memcpy_from_page(want, dbed_page(test, out.phys, 0), 0,
				 DBED_MOVE);
		dbed_store(test, bed->dev[0], buf.addr + off, DBED_SIG_OFF);
		KUNIT_EXPECT_EQ(test, 0, memcmp(p + off, want, DBED_MOVE));

		secret = dbed_fresh();
		dbed_poke(test, out.phys, 0, secret);
		memcpy_from_page(want, dbed_page(test, out.phys, 0), 0,
				 DBED_MOVE);
		memcpy(p + off, want, DBED_MOVE);
		wmb();	/* before the device is told to go */
		dbed_fetch(test, bed->dev[0], buf.addr + off);
		KUNIT_EXPECT_TRUE(test, dbed_caught(test, 0, out, secret));
	}
}

/* What the IOMMU's driver is told, on its way into the page table */
static struct {
	struct iommu_domain_ops ops;
	const struct iommu_domain_ops *old;
	int prot;
} overheard;

static int overhear(struct iommu_domain *domain, unsigned long iova,
		    phys_addr_t pa, size_t size, size_t count, int prot,
		    gfp_t gfp, size_t *mapped)
{
	overheard.prot = prot;
	return overheard.old->map_pages(domain, iova, pa, size, count, prot,
					gfp, mapped);
}

static void cacheability(struct kunit *test)
{
	static const u32 kinds[] = { VCM_CACHED, VCM_UNCACHED, VCM_WC };
	struct dbed *bed = test->priv;
	struct vcm *vcm = dbed_vcm(test, DBED_START, DBED_LEN);
	struct iommu_domain *domain;
	unsigned int i;

	dbed_join_active(test, vcm, 0);
	domain = iommu_get_domain_for_dev(bed->dev[0]);
	KUNIT_ASSERT_NOT_NULL(test, domain);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct dbed_buf buf = buf_that_is(test, vcm, kinds[i]);

		KUNIT_ASSERT_EQ(test, vcm_unback(buf.res), 0);
		overheard.old = domain->ops;
		overheard.ops = *domain->ops;
		overheard.ops.map_pages = overhear;
		overheard.ops.map_list = NULL;
		overheard.prot = 0;
		domain->ops = &overheard.ops;
		KUNIT_EXPECT_EQ(test, vcm_back(buf.res, buf.phys), 0);
		domain->ops = overheard.old;
		KUNIT_EXPECT_EQ(test, kinds[i] == VCM_CACHED ? IOMMU_CACHE : 0,
				overheard.prot & IOMMU_CACHE);
		KUNIT_EXPECT_TRUE(test, overheard.prot & IOMMU_WRITE);
	}
}

static struct kunit_case vcm_domain_cases[] = {
	KUNIT_CASE(one_address),
	KUNIT_CASE(one_table),
	KUNIT_CASE(blocked_while_inactive),
	KUNIT_CASE(blocked_after_unback),
	KUNIT_CASE(blocked_outside),
	KUNIT_CASE(read_only),
	KUNIT_CASE(write_only),
	KUNIT_CASE(rights),
	KUNIT_CASE(rights_of_devices),
	KUNIT_CASE(order_is_free),
	KUNIT_CASE(lookup_in_blocks),
	KUNIT_CASE(context_switch),
	KUNIT_CASE(second_context_while_active),
	KUNIT_CASE(one_group),
	KUNIT_CASE(driver_unbinds),
	KUNIT_CASE(device_is_removed),
	KUNIT_CASE(no_iommu),
	KUNIT_CASE(dma_is_taken),
	KUNIT_CASE(reserved_windows),
	KUNIT_CASE(last_page),
	KUNIT_CASE(memory_above_4g),
	KUNIT_CASE(not_cached),
	KUNIT_CASE(cacheability),
	{}
};

static struct kunit_suite vcm_domain_suite = {
	.name = "vcm_domain",
	.suite_init = dbed_suite_init,
	.suite_exit = dbed_suite_exit,
	.init = dbed_init,
	.exit = dbed_exit,
	.test_cases = vcm_domain_cases,
};

kunit_test_suite(vcm_domain_suite);
