// SPDX-License-Identifier: GPL-2.0-only
/*
 * VCMM over the IOMMU of the machine: real DMA by QEMU's edu devices.
 *
 * "Blocked" means: the device was told to move bytes, and the memory, or what
 * the device got, is not what it would be if it had. Every such check stands
 * next to one with the same device that goes through, so that a device that
 * does nothing passes no test. The messages of the IOMMU driver about blocked
 * accesses are expected.
 *
 * A transfer takes 100 ms of virtual time, so each one is counted.
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

#define RW		(VCM_READ | VCM_WRITE)
#define DEVS		3
#define MAX_DEVS	32
#define MAX_OBJS	8
/* How much a device moves, and where in its own buffer. */
#define MOVE		64
#define SIG_OFF		0
#define CATCH_OFF	1024

/* The edu devices reach 28 bits of address, unless QEMU is told otherwise. */
#define START		SZ_64M
#define LEN		SZ_64M

struct buf {
	struct vcm_res *res;
	struct vcm_phys *phys;
	dma_addr_t addr;
};

/* What a case made; given back, and checked, when it ends. */
struct env {
	struct device *dev[MAX_DEVS];
	int nr_devs;
	struct vcm *vcm[MAX_OBJS];
	struct vcm_assoc *assoc[MAX_OBJS];
	struct vcm_res *res[MAX_OBJS];
	struct vcm_phys *phys[MAX_OBJS];
	int nr_vcm, nr_assoc, nr_res, nr_phys;
};

static int nr_moves;

static u32 fresh(void)
{
	static u32 serial = 0x5eed0000;

	return ++serial;
}

static void make_pattern(u32 seed, u32 *pattern)
{
	int i;

	for (i = 0; i < MOVE / 4; i++)
		pattern[i] = seed * 2654435761U + i;
}

/* A machine may have some that no IOMMU is in front of: those don't count. */
static struct device *edu_behind_iommu(unsigned int index)
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
static u32 signature(int index)
{
	return 0x51600000 + index;
}

/* Memory, as the CPU sees it: through the kernel's view of all memory. */

static struct page *phys_page(struct kunit *test, struct vcm_phys *phys,
			      size_t off)
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

static void poke(struct kunit *test, struct vcm_phys *phys, size_t off, u32 seed)
{
	u32 pattern[MOVE / 4];

	make_pattern(seed, pattern);
	memcpy_to_page(phys_page(test, phys, off), offset_in_page(off),
		       (void *)pattern, MOVE);
}

static bool holds(struct kunit *test, struct vcm_phys *phys, size_t off,
		  u32 seed)
{
	u32 pattern[MOVE / 4], seen[MOVE / 4];

	make_pattern(seed, pattern);
	memcpy_from_page((void *)seen, phys_page(test, phys, off),
			 offset_in_page(off), MOVE);
	return !memcmp(pattern, seen, MOVE);
}

/* Devices */

static void store(struct kunit *test, struct device *dev, dma_addr_t addr,
		  size_t off)
{
	nr_moves++;
	KUNIT_ASSERT_EQ(test, vcm_edu_store(dev, addr, off, MOVE), 0);
}

static void fetch(struct kunit *test, struct device *dev, dma_addr_t addr)
{
	nr_moves++;
	KUNIT_ASSERT_EQ(test, vcm_edu_fetch(dev, addr, CATCH_OFF, MOVE), 0);
}

/* Does a store to @addr end up at @off of @phys? It must do that or nothing. */
static bool writes(struct kunit *test, int index, dma_addr_t addr,
		   struct vcm_phys *phys, size_t off)
{
	struct env *env = test->priv;
	u32 clean = fresh();

	poke(test, phys, off, clean);
	store(test, env->dev[index], addr, SIG_OFF);
	if (holds(test, phys, off, signature(index)))
		return true;
	KUNIT_EXPECT_TRUE_MSG(test, holds(test, phys, off, clean),
			      "half a write");
	return false;
}

/* Does the device now put what it caught at @out, and is it that? */
static bool caught(struct kunit *test, int index, struct buf out, u32 seed)
{
	struct env *env = test->priv;

	poke(test, out.phys, 0, fresh());
	store(test, env->dev[index], out.addr, CATCH_OFF);
	return holds(test, out.phys, 0, seed);
}

/* Does a fetch from @addr bring what is at @off of @phys? */
static bool reads(struct kunit *test, int index, dma_addr_t addr,
		  struct vcm_phys *phys, size_t off, struct buf out)
{
	struct env *env = test->priv;
	u32 secret = fresh();

	poke(test, phys, off, secret);
	fetch(test, env->dev[index], addr);
	return caught(test, index, out, secret);
}

static const char *iommu_name(struct device *dev)
{
	return dev_name(dev->iommu->iommu_dev->dev);
}

/* Objects */

static struct vcm *new_vcm(struct kunit *test, dma_addr_t start, u64 len)
{
	struct env *env = test->priv;
	struct vcm *vcm = vcm_create(start, len);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vcm);
	env->vcm[env->nr_vcm++] = vcm;
	return vcm;
}

static struct vcm_res *keep_res(struct kunit *test, struct vcm_res *res)
{
	struct env *env = test->priv;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
	env->res[env->nr_res++] = res;
	return res;
}

static struct vcm_phys *new_phys(struct kunit *test, size_t len)
{
	struct env *env = test->priv;
	struct vcm_phys *phys = vcm_phys_alloc(NULL, len, VCM_ZERO);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	env->phys[env->nr_phys++] = phys;
	return phys;
}

static struct buf new_buf(struct kunit *test, struct vcm *vcm, size_t len,
			  u32 attr)
{
	struct buf buf;

	buf.res = keep_res(test, vcm_reserve(vcm, len, attr));
	buf.phys = new_phys(test, len);
	buf.addr = vcm_get_dev_addr(buf.res);
	KUNIT_ASSERT_EQ(test, vcm_back(buf.res, buf.phys), 0);
	return buf;
}

static struct vcm_assoc *join(struct kunit *test, struct vcm *vcm, int index)
{
	struct env *env = test->priv;
	struct vcm_assoc *assoc = vcm_assoc(vcm, env->dev[index], 0);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, assoc);
	env->assoc[env->nr_assoc++] = assoc;
	return assoc;
}

static struct vcm_assoc *join_active(struct kunit *test, struct vcm *vcm,
				     int index)
{
	struct vcm_assoc *assoc = join(test, vcm, index);

	KUNIT_ASSERT_EQ(test, vcm_activate(assoc), 0);
	return assoc;
}

/*
 * Arm's stage 1 has no pages that can be written but not read, and the VT-d
 * driver of 6.12 makes none.
 */
static bool has_write_only(struct device *dev)
{
	return !device_iommu_capable(dev, IOMMU_CAP_NOEXEC) &&
	       !strstarts(iommu_name(dev), "dmar");
}

/* Cases */

/* P1 and P2: one backing, one address, every device, and no CPU mapping. */
static void one_address(struct kunit *test)
{
	struct env *env = test->priv;
	struct vcm *vcm = new_vcm(test, START, LEN);
	struct buf a = new_buf(test, vcm, SZ_2M, RW);
	struct buf b = new_buf(test, vcm, SZ_2M, RW);
	struct buf out = new_buf(test, vcm, PAGE_SIZE, RW);
	size_t off = SZ_1M + 3 * SZ_4K + 128;
	int i;

	for (i = 0; i < DEVS; i++)
		join_active(test, vcm, i);
	KUNIT_EXPECT_PTR_EQ(test, vcm_get_vcm_from_res(a.res), vcm);
	KUNIT_EXPECT_PTR_EQ(test, vcm_get_physmem_from_res(a.res), a.phys);
	KUNIT_EXPECT_FALSE(test, page_mapped(phys_page(test, a.phys, off)));

	for (i = 0; i < DEVS; i++) {
		KUNIT_EXPECT_TRUE(test, writes(test, i, a.addr + off, a.phys,
					       off));
		KUNIT_EXPECT_TRUE(test, reads(test, i, a.addr + off, a.phys,
					      off, out));
	}
	/* Hand on a frame without the CPU: 0 writes a, 1 copies it to b. */
	store(test, env->dev[0], a.addr, SIG_OFF);
	fetch(test, env->dev[1], a.addr);
	store(test, env->dev[1], b.addr + off, CATCH_OFF);
	fetch(test, env->dev[2], b.addr + off);
	KUNIT_EXPECT_TRUE(test, caught(test, 2, out, signature(0)));
	KUNIT_EXPECT_FALSE(test, page_mapped(phys_page(test, a.phys, off)));
}

/* Devices behind one IOMMU walk one page table. */
static void one_table(struct kunit *test)
{
	struct env *env = test->priv;
	struct vcm *vcm = new_vcm(test, START, LEN);
	int i;

	KUNIT_EXPECT_EQ(test, vcm_get_num_tables(vcm), 0);
	for (i = 0; i < DEVS; i++) {
		if (env->dev[i]->iommu->iommu_dev !=
		    env->dev[0]->iommu->iommu_dev)
			kunit_skip(test, "the devices are behind several IOMMUs");
		join(test, vcm, i);
		KUNIT_EXPECT_EQ(test, vcm_get_num_tables(vcm), 1);
	}
	for (i = 0; i < DEVS; i++) {
		KUNIT_EXPECT_EQ(test, vcm_get_num_tables(vcm), 1);
		KUNIT_EXPECT_EQ(test, vcm_deassoc(env->assoc[i]), 0);
	}
	env->nr_assoc = 0;
	KUNIT_EXPECT_EQ(test, vcm_get_num_tables(vcm), 0);
}

static void blocked_while_inactive(struct kunit *test)
{
	struct env *env = test->priv;
	struct vcm *vcm = new_vcm(test, START, LEN);
	struct buf a = new_buf(test, vcm, SZ_64K, RW);
	struct buf out = new_buf(test, vcm, PAGE_SIZE, RW);
	struct vcm_assoc *assoc = join(test, vcm, 0);
	u32 secret = fresh();

	KUNIT_EXPECT_FALSE(test, vcm_is_active(assoc));
	KUNIT_EXPECT_FALSE(test, writes(test, 0, a.addr, a.phys, 0));

	KUNIT_ASSERT_EQ(test, vcm_activate(assoc), 0);
	KUNIT_EXPECT_TRUE(test, vcm_is_active(assoc));
	KUNIT_EXPECT_TRUE(test, writes(test, 0, a.addr, a.phys, 0));
	KUNIT_EXPECT_TRUE(test, reads(test, 0, a.addr, a.phys, 0, out));
	KUNIT_EXPECT_EQ(test, vcm_activate(assoc), -EBUSY);
	KUNIT_EXPECT_EQ(test, vcm_deassoc(assoc), -EBUSY);

	KUNIT_ASSERT_EQ(test, vcm_deactivate(assoc), 0);
	KUNIT_EXPECT_FALSE(test, writes(test, 0, a.addr, a.phys, 0));
	poke(test, a.phys, 0, secret);
	fetch(test, env->dev[0], a.addr);

	KUNIT_ASSERT_EQ(test, vcm_activate(assoc), 0);
	KUNIT_EXPECT_FALSE(test, caught(test, 0, out, secret));
	KUNIT_EXPECT_TRUE(test, writes(test, 0, a.addr, a.phys, 0));
}

/* Each access before the unback has filled the TLB, so stale entries show. */
static void blocked_after_unback(struct kunit *test)
{
	struct vcm *vcm = new_vcm(test, START, LEN);
	struct buf a = new_buf(test, vcm, SZ_2M, RW);
	struct buf out = new_buf(test, vcm, PAGE_SIZE, RW);
	struct vcm_phys *other = new_phys(test, SZ_2M);
	phys_addr_t pa;
	int i;

	for (i = 0; i < 2; i++) {
		join_active(test, vcm, i);
		KUNIT_EXPECT_TRUE(test, writes(test, i, a.addr, a.phys, 0));
	}
	KUNIT_ASSERT_EQ(test, vcm_unback(a.res), 0);
	KUNIT_EXPECT_EQ(test, vcm_dev_addr_to_phys_addr(vcm, a.addr, &pa),
			-ENOENT);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_FALSE(test, writes(test, i, a.addr, a.phys, 0));
		KUNIT_EXPECT_FALSE(test, reads(test, i, a.addr, a.phys, 0,
					       out));
	}
	/* Other memory at the same address: that, and not the first. */
	KUNIT_ASSERT_EQ(test, vcm_back(a.res, other), 0);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_FALSE(test, writes(test, i, a.addr, a.phys, 0));
		KUNIT_EXPECT_TRUE(test, writes(test, i, a.addr, other, 0));
	}
}

static void blocked_outside(struct kunit *test)
{
	struct vcm *vcm = new_vcm(test, START, LEN);
	struct vcm_phys *phys = new_phys(test, 2 * SZ_64K);
	struct vcm_res *res;
	dma_addr_t addr = START + SZ_1M;
	phys_addr_t pa;

	/* Shorter memory than the reservation: the tail leads nowhere. */
	res = keep_res(test, vcm_reserve_at(vcm, addr, 4 * SZ_64K, RW));
	KUNIT_ASSERT_EQ(test, vcm_back(res, phys), 0);
	join_active(test, vcm, 0);

	KUNIT_EXPECT_TRUE(test, writes(test, 0, addr, phys, 0));
	KUNIT_EXPECT_TRUE(test, writes(test, 0, addr + 2 * SZ_64K - MOVE, phys,
				       2 * SZ_64K - MOVE));
	KUNIT_EXPECT_FALSE(test, writes(test, 0, addr - SZ_4K, phys, 0));
	KUNIT_EXPECT_FALSE(test, writes(test, 0, addr + 2 * SZ_64K, phys,
					SZ_64K));
	KUNIT_EXPECT_FALSE(test, writes(test, 0, addr + 4 * SZ_64K, phys, 0));
	KUNIT_EXPECT_EQ(test, vcm_dev_addr_to_phys_addr(vcm, addr - 1, &pa),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, vcm_dev_addr_to_phys_addr(vcm,
							addr + 2 * SZ_64K, &pa),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, vcm_dev_addr_to_phys_addr(vcm, addr, &pa), 0);
}

static void read_only(struct kunit *test)
{
	struct vcm *vcm = new_vcm(test, START, LEN);
	struct buf ro = new_buf(test, vcm, SZ_2M, VCM_READ);
	struct buf out = new_buf(test, vcm, PAGE_SIZE, RW);
	struct vcm_res *alias;

	join_active(test, vcm, 0);
	KUNIT_EXPECT_TRUE(test, reads(test, 0, ro.addr, ro.phys, 0, out));
	KUNIT_EXPECT_FALSE(test, writes(test, 0, ro.addr, ro.phys, 0));
	KUNIT_EXPECT_TRUE(test, reads(test, 0, ro.addr, ro.phys, 0, out));

	/* The right belongs to the reservation, not to the memory. */
	alias = keep_res(test, vcm_reserve(vcm, SZ_2M, RW));
	KUNIT_ASSERT_EQ(test, vcm_back(alias, ro.phys), 0);
	KUNIT_EXPECT_TRUE(test, writes(test, 0, vcm_get_dev_addr(alias),
				       ro.phys, 0));
	KUNIT_EXPECT_FALSE(test, writes(test, 0, ro.addr, ro.phys, 0));
}

static void write_only(struct kunit *test)
{
	struct env *env = test->priv;
	struct vcm *vcm = new_vcm(test, START, LEN);
	struct buf wo = new_buf(test, vcm, SZ_64K, VCM_WRITE);
	struct buf out = new_buf(test, vcm, PAGE_SIZE, RW);

	join_active(test, vcm, 0);
	KUNIT_EXPECT_TRUE(test, writes(test, 0, wo.addr, wo.phys, 0));
	if (!has_write_only(env->dev[0]))
		kunit_skip(test, "no write-only pages with %s",
			   iommu_name(env->dev[0]));
	KUNIT_EXPECT_FALSE(test, reads(test, 0, wo.addr, wo.phys, 0, out));
	KUNIT_EXPECT_TRUE(test, reads(test, 0, out.addr, out.phys, 0, out));
}

/* Each combination of rights is granted, or refused with its own errno. */
static void rights(struct kunit *test)
{
	struct env *env = test->priv;
	struct vcm *vcm = new_vcm(test, START, LEN);
	struct vcm_phys *phys = new_phys(test, SZ_64K);
	bool has_priv = device_iommu_capable(env->dev[0], IOMMU_CAP_NOEXEC);
	u32 attr;

	join_active(test, vcm, 0);
	for (attr = 0; attr <= (RW | VCM_EXEC | VCM_PRIV); attr++) {
		struct vcm_res *res = vcm_reserve(vcm, SZ_64K, attr);
		int expected = 0;

		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
		if (!(attr & RW))
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
	struct vcm *vcm = new_vcm(test, START, LEN);
	struct buf buf[4];
	struct vcm_assoc *assoc, *second;
	int i;

	buf[0] = new_buf(test, vcm, SZ_64K, RW);
	assoc = join(test, vcm, 0);
	buf[1] = new_buf(test, vcm, SZ_2M, RW);
	KUNIT_ASSERT_EQ(test, vcm_activate(assoc), 0);
	buf[2] = new_buf(test, vcm, SZ_64K, RW);
	second = join(test, vcm, 1);
	buf[3] = new_buf(test, vcm, SZ_64K, RW);
	KUNIT_ASSERT_EQ(test, vcm_activate(second), 0);

	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_TRUE_MSG(test, writes(test, 0, buf[i].addr,
						   buf[i].phys, 0), "%d", i);
		KUNIT_EXPECT_TRUE_MSG(test, writes(test, 1, buf[i].addr,
						   buf[i].phys, 0), "%d", i);
	}
}

/* The page table says what the books say, inside of blocks as well. */
static void lookup_in_blocks(struct kunit *test)
{
	struct vcm *vcm = new_vcm(test, START, LEN);
	struct buf buf[3];
	size_t len[3] = { SZ_2M, SZ_4M, 7 * SZ_64K + 3 * PAGE_SIZE };
	phys_addr_t pa, want;
	dma_addr_t addr;
	size_t off;
	int i;

	join(test, vcm, 0);
	for (i = 0; i < 3; i++)
		buf[i] = new_buf(test, vcm, len[i], RW);
	for (i = 0; i < 3; i++) {
		for (off = 0; off < len[i]; off += SZ_4K) {
			want = page_to_phys(phys_page(test, buf[i].phys, off)) +
			       offset_in_page(off) + 0x123;
			addr = buf[i].addr + off + 0x123;
			KUNIT_ASSERT_EQ(test,
					vcm_dev_addr_to_phys_addr(vcm, addr, &pa),
					0);
			KUNIT_ASSERT_EQ_MSG(test, pa, want, "offset %#zx", off);
		}
		KUNIT_ASSERT_EQ(test, vcm_unback(buf[i].res), 0);
		for (off = 0; off < len[i]; off += SZ_4K)
			KUNIT_ASSERT_EQ(test,
					vcm_dev_addr_to_phys_addr(vcm, buf[i].addr + off, &pa),
					-ENOENT);
	}
}

/* Behaviour 6: the context switch of 2010. */
static void context_switch(struct kunit *test)
{
	struct vcm *vcm[2];
	struct vcm_assoc *assoc[2];
	struct buf buf[2];
	int i;

	for (i = 0; i < 2; i++) {
		vcm[i] = new_vcm(test, START, LEN);
		buf[i] = new_buf(test, vcm[i], SZ_64K, RW);
		assoc[i] = join(test, vcm[i], 0);
	}
	KUNIT_ASSERT_EQ(test, buf[0].addr, buf[1].addr);

	KUNIT_ASSERT_EQ(test, vcm_activate(assoc[0]), 0);
	KUNIT_EXPECT_EQ(test, vcm_activate(assoc[1]), -EBUSY);
	KUNIT_EXPECT_TRUE(test, writes(test, 0, buf[0].addr, buf[0].phys, 0));
	KUNIT_EXPECT_FALSE(test, writes(test, 0, buf[0].addr, buf[1].phys, 0));

	KUNIT_ASSERT_EQ(test, vcm_deactivate(assoc[0]), 0);
	KUNIT_ASSERT_EQ(test, vcm_activate(assoc[1]), 0);
	KUNIT_EXPECT_TRUE(test, writes(test, 0, buf[1].addr, buf[1].phys, 0));
	KUNIT_EXPECT_FALSE(test, writes(test, 0, buf[1].addr, buf[0].phys, 0));
}

/*
 * A second context while the device is active on the first. With some drivers
 * that takes another device of the same IOMMU that can be spared.
 */
static void second_context_while_active(struct kunit *test)
{
	struct env *env = test->priv;
	struct vcm *a = new_vcm(test, START, LEN);
	struct vcm *b = new_vcm(test, START, LEN);
	struct buf buf = new_buf(test, a, SZ_64K, RW);
	struct buf unseen = new_buf(test, b, SZ_64K, RW);
	struct iommu_domain *domain;
	struct vcm_assoc *assoc;
	bool lazy;

	domain = iommu_paging_domain_alloc(env->dev[0]);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, domain);
	lazy = !domain->geometry.aperture_end;
	iommu_domain_free(domain);

	join_active(test, a, 0);
	assoc = vcm_assoc(b, env->dev[0], 0);
	if (lazy) {
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(assoc), -EBUSY);
	} else {
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, assoc);
		KUNIT_EXPECT_EQ(test, vcm_deassoc(assoc), 0);
	}
	if (env->dev[1]->iommu->iommu_dev == env->dev[0]->iommu->iommu_dev)
		join(test, a, 1);
	else if (lazy)
		kunit_skip(test, "no second device behind the same IOMMU");
	join(test, b, 0);

	/* The device has seen nothing of it, and the table works. */
	KUNIT_EXPECT_TRUE(test, writes(test, 0, buf.addr, buf.phys, 0));
	KUNIT_EXPECT_FALSE(test, writes(test, 0, unseen.addr, unseen.phys, 0));
	KUNIT_EXPECT_EQ(test, vcm_unback(unseen.res), 0);
	KUNIT_EXPECT_EQ(test, vcm_back(unseen.res, unseen.phys), 0);
	KUNIT_EXPECT_EQ(test, vcm_deactivate(env->assoc[0]), 0);
	KUNIT_EXPECT_EQ(test, vcm_activate(env->assoc[env->nr_assoc - 1]), 0);
	KUNIT_EXPECT_TRUE(test, writes(test, 0, unseen.addr, unseen.phys, 0));
}

/* Behaviour 9: the driver unbinds without a word. */
static void driver_unbinds(struct kunit *test)
{
	struct env *env = test->priv;
	int last = env->nr_devs - 1;
	struct device *dev = env->dev[last];
	struct vcm *vcm = new_vcm(test, START, LEN);
	struct vcm *empty = new_vcm(test, START, LEN);
	struct buf a = new_buf(test, vcm, SZ_64K, RW);
	struct vcm_assoc *assoc;

	join_active(test, vcm, 0);
	assoc = join_active(test, vcm, last);
	KUNIT_EXPECT_TRUE(test, writes(test, last, a.addr, a.phys, 0));

	device_release_driver(dev);
	KUNIT_EXPECT_FALSE(test, vcm_is_active(assoc));
	KUNIT_EXPECT_EQ(test, vcm_activate(assoc), -ENODEV);
	KUNIT_EXPECT_EQ(test, vcm_edu_store(dev, a.addr, SIG_OFF, MOVE),
			-ENODEV);
	/* Nothing happened to the others. */
	KUNIT_EXPECT_TRUE(test, writes(test, 0, a.addr, a.phys, 0));

	KUNIT_ASSERT_EQ(test, device_attach(dev), 1);
	/* On an identity domain the address would be somebody's memory. */
	if (iommu_get_domain_for_dev(dev)->type != IOMMU_DOMAIN_IDENTITY)
		KUNIT_EXPECT_FALSE(test, writes(test, last, a.addr, a.phys, 0));
	join_active(test, empty, last);
	KUNIT_EXPECT_FALSE(test, writes(test, last, a.addr, a.phys, 0));

	/* And back again. */
	KUNIT_EXPECT_EQ(test, vcm_deactivate(env->assoc[env->nr_assoc - 1]), 0);
	join_active(test, vcm, last);
	KUNIT_EXPECT_TRUE(test, writes(test, last, a.addr, a.phys, 0));
}

/* The device is unplugged, and nothing but its removal tells VCMM. */
static void device_is_removed(struct kunit *test)
{
	struct env *env = test->priv;
	int last = env->nr_devs - 1;
	struct pci_dev *pdev = to_pci_dev(env->dev[last]);
	struct pci_bus *bus = pdev->bus;
	struct vcm *vcm = new_vcm(test, START, LEN);
	struct buf a = new_buf(test, vcm, SZ_64K, RW);
	struct vcm_assoc *assoc;

	join_active(test, vcm, 0);
	device_release_driver(&pdev->dev);
	assoc = join_active(test, vcm, last);

	pci_stop_and_remove_bus_device_locked(pdev);
	put_device(env->dev[last]);
	env->dev[last] = NULL;
	KUNIT_EXPECT_FALSE(test, vcm_is_active(assoc));
	KUNIT_EXPECT_EQ(test, vcm_deactivate(assoc), -ENODEV);
	KUNIT_EXPECT_TRUE(test, writes(test, 0, a.addr, a.phys, 0));

	pci_lock_rescan_remove();
	pci_rescan_bus(bus);
	pci_unlock_rescan_remove();
	env->dev[last] = edu_behind_iommu(last);
	KUNIT_ASSERT_NOT_NULL(test, env->dev[last]);
	join_active(test, vcm, last);
	KUNIT_EXPECT_TRUE(test, writes(test, last, a.addr, a.phys, 0));
}

static void no_iommu(struct kunit *test)
{
	struct vcm *vcm = new_vcm(test, START, LEN);
	struct device *dev = kunit_device_register(test, "vcm-no-iommu");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(vcm_assoc(vcm, dev, 0)), -ENODEV);
	join(test, vcm, 0);
}

/* What the driver core does for a driver that uses the DMA API. */
static void dma_is_taken(struct kunit *test)
{
	static char somebody;
	struct env *env = test->priv;
	struct device *dev = env->dev[0];
	struct vcm *vcm = new_vcm(test, START, LEN);
	struct buf a = new_buf(test, vcm, SZ_64K, RW);

	KUNIT_ASSERT_EQ(test, iommu_device_use_default_domain(dev), 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(vcm_assoc(vcm, dev, 0)), -EBUSY);
	iommu_device_unuse_default_domain(dev);

	KUNIT_ASSERT_EQ(test, iommu_device_claim_dma_owner(dev, &somebody), 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(vcm_assoc(vcm, dev, 0)), -EBUSY);
	iommu_device_release_dma_owner(dev);

	join(test, vcm, 0);
	KUNIT_EXPECT_EQ(test, iommu_device_use_default_domain(dev), -EBUSY);
	KUNIT_EXPECT_EQ(test, iommu_device_claim_dma_owner(dev, &somebody),
			-EPERM);
	KUNIT_EXPECT_EQ(test, vcm_activate(env->assoc[0]), 0);
	KUNIT_EXPECT_TRUE(test, writes(test, 0, a.addr, a.phys, 0));

	/* Given back, it is free for others. */
	KUNIT_EXPECT_EQ(test, vcm_deactivate(env->assoc[0]), 0);
	KUNIT_EXPECT_EQ(test, vcm_deassoc(env->assoc[0]), 0);
	env->nr_assoc = 0;
	KUNIT_ASSERT_EQ(test, iommu_device_use_default_domain(dev), 0);
	iommu_device_unuse_default_domain(dev);
}

/* MSI windows and the like are nobody's memory. */
static void reserved_windows(struct kunit *test)
{
	struct env *env = test->priv;
	struct vcm *vcm = new_vcm(test, 0, SZ_4G);
	struct iommu_resv_region *region;
	struct vcm_res *res;
	LIST_HEAD(regions);
	int nr = 0;

	iommu_get_resv_regions(env->dev[0], &regions);
	list_for_each_entry(region, &regions, list) {
		dma_addr_t addr = region->start & PAGE_MASK;

		if (region->type == IOMMU_RESV_DIRECT_RELAXABLE ||
		    region->start + region->length > SZ_4G)
			continue;
		res = vcm_reserve_at(vcm, addr, PAGE_SIZE, RW);
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(res), 0);
		KUNIT_EXPECT_EQ(test, vcm_unreserve(res), 0);
		nr++;
	}
	if (nr)
		join(test, vcm, 0);
	list_for_each_entry(region, &regions, list) {
		dma_addr_t addr = region->start & PAGE_MASK;

		if (region->type == IOMMU_RESV_DIRECT_RELAXABLE ||
		    region->start + region->length > SZ_4G)
			continue;
		res = vcm_reserve_at(vcm, addr, PAGE_SIZE, RW);
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(res), -ERANGE);
		addr += ALIGN(region->length, PAGE_SIZE) - PAGE_SIZE;
		res = vcm_reserve_at(vcm, addr, PAGE_SIZE, RW);
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(res), -ERANGE);
	}
	iommu_put_resv_regions(env->dev[0], &regions);
	if (!nr)
		kunit_skip(test, "the device has no reserved window");
}

/*
 * The aperture is what the hardware has: its last page can be mapped, be it
 * the one that ends at U64_MAX.
 */
static void last_page(struct kunit *test)
{
	struct vcm *vcm = new_vcm(test, SZ_64M, U64_MAX - SZ_64M + 1);
	struct vcm_phys *phys = new_phys(test, PAGE_SIZE);
	struct vcm_res *res = NULL;
	phys_addr_t pa, want = page_to_phys(phys_page(test, phys, 0));
	u64 last = 0;
	int bits;

	join_active(test, vcm, 0);
	for (bits = 64; bits >= 32; bits--) {
		last = GENMASK_ULL(bits - 1, 0);
		res = vcm_reserve_at(vcm, last - PAGE_SIZE + 1, PAGE_SIZE, RW);
		if (!IS_ERR(res))
			break;
		KUNIT_ASSERT_EQ(test, PTR_ERR(res), -ERANGE);
	}
	keep_res(test, res);
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
	struct env *env = test->priv;
	struct vcm_assoc *assoc[2], *other;
	struct vcm *vcm, *elsewhere;
	struct buf a;
	int i, j;

	for (i = 0; i < env->nr_devs; i++)
		for (j = i + 1; j < env->nr_devs; j++)
			if (env->dev[i]->iommu_group == env->dev[j]->iommu_group)
				goto found;
	kunit_skip(test, "each device has a group of its own");

found:
	vcm = new_vcm(test, START, LEN);
	elsewhere = new_vcm(test, START, LEN);
	a = new_buf(test, vcm, SZ_64K, RW);
	assoc[0] = join(test, vcm, i);
	assoc[1] = join(test, vcm, j);
	other = join(test, elsewhere, j);
	KUNIT_EXPECT_FALSE(test, writes(test, i, a.addr, a.phys, 0));
	KUNIT_ASSERT_EQ(test, vcm_activate(assoc[0]), 0);
	KUNIT_EXPECT_EQ(test, vcm_activate(other), -EBUSY);
	KUNIT_ASSERT_EQ(test, vcm_activate(assoc[1]), 0);
	KUNIT_EXPECT_TRUE(test, writes(test, i, a.addr, a.phys, 0));
	KUNIT_EXPECT_TRUE(test, writes(test, j, a.addr, a.phys, 0));
	/* Either may go first; the other stays. */
	KUNIT_EXPECT_EQ(test, vcm_deactivate(assoc[0]), 0);
	KUNIT_EXPECT_TRUE(test, writes(test, j, a.addr, a.phys, 0));
	KUNIT_EXPECT_EQ(test, vcm_deactivate(assoc[1]), 0);
	KUNIT_EXPECT_FALSE(test, writes(test, j, a.addr, a.phys, 0));
	KUNIT_EXPECT_EQ(test, vcm_activate(other), 0);
	KUNIT_EXPECT_FALSE(test, writes(test, j, a.addr, a.phys, 0));
}

/* Physical addresses beyond 32 bits arrive whole. */
static void memory_above_4g(struct kunit *test)
{
	struct vcm *vcm = new_vcm(test, START, LEN);
	struct buf a = new_buf(test, vcm, SZ_2M, RW);
	struct buf out = new_buf(test, vcm, PAGE_SIZE, RW);
	phys_addr_t pa = page_to_phys(phys_page(test, a.phys, 0));

	if ((u64)pa < SZ_4G)
		kunit_skip(test, "the memory is at %pap, below 4 GiB", &pa);
	join_active(test, vcm, 0);
	KUNIT_EXPECT_TRUE(test, writes(test, 0, a.addr + SZ_1M, a.phys, SZ_1M));
	KUNIT_EXPECT_TRUE(test, reads(test, 0, a.addr + SZ_1M, a.phys, SZ_1M,
				      out));
}

static int load_signature(struct device *dev, int index)
{
	/* A bad pointer in one place is an errno in the next. */
	struct vcm *vcm = vcm_create(START, LEN);
	struct vcm_phys *phys = vcm_phys_alloc(NULL, PAGE_SIZE, 0);
	struct vcm_res *res = vcm_reserve(vcm, PAGE_SIZE, VCM_READ);
	struct vcm_assoc *assoc = vcm_assoc(vcm, dev, 0);
	u32 pattern[MOVE / 4];
	phys_addr_t pa;
	size_t len;
	int ret;

	ret = vcm_get_chunk(phys, 0, &pa, &len) ?: vcm_back(res, phys) ?:
	      vcm_activate(assoc);
	if (!ret) {
		make_pattern(signature(index), pattern);
		memcpy_to_page(pfn_to_page(PHYS_PFN(pa)), 0, (void *)pattern,
			       MOVE);
		ret = vcm_edu_fetch(dev, vcm_get_dev_addr(res), SIG_OFF, MOVE);
	}
	vcm_deactivate(assoc);
	vcm_deassoc(assoc);
	vcm_unback(res);
	vcm_unreserve(res);
	vcm_phys_free(phys);
	vcm_free(vcm);
	return ret;
}

static int vcm_domain_suite_init(struct kunit_suite *suite)
{
	int i, ret = 0;

	for (i = 0; i < MAX_DEVS && !ret; i++) {
		struct device *dev = edu_behind_iommu(i);

		if (!dev)
			break;
		kunit_info(suite, "edu %s is behind %s, group %d\n",
			   dev_name(dev), iommu_name(dev),
			   iommu_group_id(dev->iommu_group));
		ret = load_signature(dev, i);
		put_device(dev);
	}
	nr_moves = i;
	return ret;
}

static void vcm_domain_suite_exit(struct kunit_suite *suite)
{
	kunit_info(suite, "%d transfers\n", nr_moves);
}

static int vcm_domain_init(struct kunit *test)
{
	struct env *env = kunit_kzalloc(test, sizeof(*env), GFP_KERNEL);
	struct device *dev;

	KUNIT_ASSERT_NOT_NULL(test, env);
	test->priv = env;
	while (env->nr_devs < MAX_DEVS) {
		dev = edu_behind_iommu(env->nr_devs);
		if (!dev)
			break;
		env->dev[env->nr_devs++] = dev;
	}
	if (env->nr_devs < DEVS)
		kunit_skip(test, "needs %d edu devices behind an IOMMU", DEVS);
	return 0;
}

static void vcm_domain_exit(struct kunit *test)
{
	struct env *env = test->priv;
	int i;

	for (i = 0; i < env->nr_assoc; i++) {
		if (vcm_is_active(env->assoc[i]))
			KUNIT_EXPECT_EQ(test, vcm_deactivate(env->assoc[i]), 0);
		KUNIT_EXPECT_EQ(test, vcm_deassoc(env->assoc[i]), 0);
	}
	for (i = 0; i < env->nr_res; i++) {
		if (!IS_ERR(vcm_get_physmem_from_res(env->res[i])))
			KUNIT_EXPECT_EQ(test, vcm_unback(env->res[i]), 0);
		KUNIT_EXPECT_EQ(test, vcm_unreserve(env->res[i]), 0);
	}
	for (i = 0; i < env->nr_phys; i++)
		KUNIT_EXPECT_EQ(test, vcm_phys_free(env->phys[i]), 0);
	for (i = 0; i < env->nr_vcm; i++)
		KUNIT_EXPECT_EQ(test, vcm_free(env->vcm[i]), 0);
	for (i = 0; i < env->nr_devs; i++)
		put_device(env->dev[i]);
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
	{}
};

static struct kunit_suite vcm_domain_suite = {
	.name = "vcm_domain",
	.suite_init = vcm_domain_suite_init,
	.suite_exit = vcm_domain_suite_exit,
	.init = vcm_domain_init,
	.exit = vcm_domain_exit,
	.test_cases = vcm_domain_cases,
};

kunit_test_suite(vcm_domain_suite);
