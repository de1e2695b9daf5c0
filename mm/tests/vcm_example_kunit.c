// SPDX-License-Identifier: GPL-2.0-only
/*
 * The examples of Documentation/mm/vcm/, so that they compile and run.
 *
 * A whole low-level driver and a whole consumer. The documentation includes
 * what stands between a marker in square brackets and the next [end].
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pfn.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vcm-driver.h>
#include <linux/vcm-machine.h>
#include <linux/vcm-soft.h>
#include <linux/vcm.h>

/* [format] */
#define FLAT_SHIFT	12
#define FLAT_PAGE	BIT(FLAT_SHIFT)
#define FLAT_ENTRIES	4096		/* 16 MiB in all */

#define FLAT_READ	BIT_ULL(0)
#define FLAT_WRITE	BIT_ULL(1)
#define FLAT_ADDR	GENMASK_ULL(63, FLAT_SHIFT)
/* [end] */

/*
 * The hardware: a register for the page-table base, one that makes it forget,
 * and a TLB of a single entry. A *deaf* one ignores the second register.
 */
struct flat_hw {
	spinlock_t lock;	/* whoever writes a register waits for accesses */
	const u64 *base;
	u64 tlb_page;
	u64 tlb_entry;
	bool deaf;
};

/* Like hardware, return only when accesses that are under way are over. */
static void flat_set_base(struct flat_hw *hw, phys_addr_t base)
{
	spin_lock(&hw->lock);
	hw->base = base ? phys_to_virt(base) : NULL;
	hw->tlb_entry = 0;
	spin_unlock(&hw->lock);
}

static void flat_forget(struct flat_hw *hw)
{
	spin_lock(&hw->lock);
	if (!hw->deaf)
		hw->tlb_entry = 0;
	spin_unlock(&hw->lock);
}

static bool flat_translate(struct flat_hw *hw, dma_addr_t addr, u64 right,
			   phys_addr_t *pa)
{
	u64 page = addr >> FLAT_SHIFT;

	if (!hw->tlb_entry || hw->tlb_page != page) {
		if (!hw->base || page >= FLAT_ENTRIES)
			return false;
		hw->tlb_page = page;
		hw->tlb_entry = READ_ONCE(hw->base[page]);
	}
	*pa = (hw->tlb_entry & FLAT_ADDR) | (addr & (FLAT_PAGE - 1));
	return hw->tlb_entry & right;
}

/* The device behind it writes a byte. */
static int flat_dma(struct flat_hw *hw, dma_addr_t addr, u8 byte)
{
	phys_addr_t pa;
	bool ok;

	spin_lock(&hw->lock);
	ok = flat_translate(hw, addr, FLAT_WRITE, &pa);
	if (ok)
		memcpy_to_page(pfn_to_page(PHYS_PFN(pa)), offset_in_page(pa),
			       &byte, 1);
	spin_unlock(&hw->lock);
	return ok ? 0 : -EFAULT;
}

/* [tables] */
struct flat_table {
	struct vcm_table table;
	u64 entry[FLAT_ENTRIES];
};

static struct flat_table *to_flat_table(struct vcm_table *table)
{
	return container_of(table, struct flat_table, table);
}

static void flat_free_table(struct vcm_table *table)
{
	kfree(to_flat_table(table));
}

static int flat_map(struct vcm_table *table, dma_addr_t addr, phys_addr_t pa,
		    size_t len, u32 attr, gfp_t gfp, size_t *mapped)
{
	u64 *entry = &to_flat_table(table)->entry[addr >> FLAT_SHIFT];
	u64 rights = 0;

	if (attr & (VCM_EXEC | VCM_PRIV))
		return -EOPNOTSUPP;
	if (attr & VCM_READ)
		rights |= FLAT_READ;
	if (attr & VCM_WRITE)
		rights |= FLAT_WRITE;

	for (; len; len -= FLAT_PAGE, pa += FLAT_PAGE)
		WRITE_ONCE(*entry++, pa | rights);
	wmb();		/* the unit finds them before it is told to look */
	return 0;
}

static size_t flat_unmap(struct vcm_table *table, dma_addr_t addr, size_t len)
{
	u64 *entry = &to_flat_table(table)->entry[addr >> FLAT_SHIFT];
	size_t done;

	for (done = 0; done < len; done += FLAT_PAGE)
		WRITE_ONCE(*entry++, 0);
	wmb();		/* gone before the unit is told to forget them */
	return done;
}

static int flat_lookup(struct vcm_table *table, dma_addr_t addr,
		       phys_addr_t *pa)
{
	u64 entry = 0;

	if (addr <= table->geo.last)
		entry = READ_ONCE(to_flat_table(table)->entry[addr >> FLAT_SHIFT]);
	if (!entry)
		return -ENOENT;
	*pa = (entry & FLAT_ADDR) | (addr & (FLAT_PAGE - 1));
	return 0;
}

static const struct vcm_table_ops flat_table_ops = {
	.free = flat_free_table,
	.map = flat_map,
	.unmap = flat_unmap,
	.lookup = flat_lookup,
};

/* [end] */

/* [units] */
struct flat_unit {
	struct vcm_iommu unit;
	struct device *master;		/* the device behind it */
	struct flat_hw hw;		/* stands for its registers */
};

static DEFINE_MUTEX(flat_lock);
static struct flat_unit *flat_unit;	/* this board has one */

static struct flat_unit *to_flat_unit(struct vcm_iommu *unit)
{
	return container_of(unit, struct flat_unit, unit);
}

static struct vcm_iommu *flat_get_unit(struct device *dev, unsigned int index)
{
	guard(mutex)(&flat_lock);
	if (!flat_unit || flat_unit->master != dev || index)
		return ERR_PTR(-ENODEV);
	return vcm_iommu_get(&flat_unit->unit);
}

static void flat_free_unit(struct vcm_iommu *unit)
{
	kfree(to_flat_unit(unit));
}

static int flat_can_walk(struct vcm_iommu *unit, struct device *dev,
			 struct vcm_table *table)
{
	return table->ops == &flat_table_ops ? 0 : -EINVAL;
}

static struct vcm_table *flat_alloc_table(struct vcm_iommu *unit,
					  struct device *dev)
{
	struct flat_table *table = kzalloc(sizeof(*table), GFP_KERNEL);

	if (!table)
		return ERR_PTR(-ENOMEM);
	table->table.ops = &flat_table_ops;
	table->table.geo = (struct vcm_geometry){
		.first = 0,
		.last = (dma_addr_t)FLAT_ENTRIES * FLAT_PAGE - 1,
		.last_pa = PHYS_ADDR_MAX,
		.pgsizes = FLAT_PAGE,
	};
	return &table->table;
}

static int flat_attach(struct vcm_iommu *unit, struct device *dev,
		       struct vcm_table *table)
{
	flat_set_base(&to_flat_unit(unit)->hw,
		      virt_to_phys(to_flat_table(table)->entry));
	return 0;
}

static void flat_detach(struct vcm_iommu *unit, struct device *dev,
			struct vcm_table *table)
{
	flat_set_base(&to_flat_unit(unit)->hw, 0);
}

static int flat_invalidate(struct vcm_iommu *unit, struct vcm_table *table,
			   dma_addr_t addr, size_t len)
{
	flat_forget(&to_flat_unit(unit)->hw);	/* it forgets all it knows */
	return 0;
}

static const struct vcm_iommu_ops flat_ops = {
	.name = "flat",
	.owner = THIS_MODULE,
	.get_unit = flat_get_unit,
	.free = flat_free_unit,
	.can_walk = flat_can_walk,
	.table_alloc = flat_alloc_table,
	.attach = flat_attach,
	.detach = flat_detach,
	.invalidate = flat_invalidate,
};

/* [end] */

/* [probe] */
static int flat_probe(struct device *master)
{
	struct flat_unit *unit = kzalloc(sizeof(*unit), GFP_KERNEL);
	int ret;

	if (!unit)
		return -ENOMEM;
	unit->master = master;
	spin_lock_init(&unit->hw.lock);
	vcm_iommu_init(&unit->unit, &flat_ops, "flat0");
	ret = vcm_iommu_register(&flat_ops);
	if (ret) {
		vcm_iommu_put(&unit->unit);
		return ret;
	}
	guard(mutex)(&flat_lock);
	flat_unit = unit;
	return 0;
}

static void flat_remove(void)
{
	struct flat_unit *unit;

	scoped_guard(mutex, &flat_lock) {
		unit = flat_unit;
		flat_unit = NULL;		/* out of sight ... */
	}
	vcm_iommu_remove(&unit->unit);		/* ... devices off it ... */
	vcm_iommu_unregister(&flat_ops);
	vcm_iommu_put(&unit->unit);		/* ... and our reference back */
}

/* [end] */

/* [short] */
static struct vcm_res *short_probe(struct device *dev)
{
	struct vcm *vcm = devm_vcm_get(dev, "frames");

	if (IS_ERR(vcm))
		return ERR_CAST(vcm);
	return devm_vcm_alloc(dev, vcm, vcm_get_memtype(vcm), SZ_64K,
			      VCM_READ | VCM_WRITE | VCM_ZERO);
}

/* [end] */

/* [consumer] */
struct buffer {
	struct vcm *vcm;
	struct vcm_res *res;
	struct vcm_phys *phys;
	struct vcm_assoc *assoc;
};

static int buffer_start(struct buffer *buf, struct device *dev)
{
	buf->vcm = vcm_create(0, SZ_16M);
	buf->res = vcm_reserve(buf->vcm, SZ_64K, VCM_READ | VCM_WRITE);
	buf->phys = vcm_phys_alloc(NULL, SZ_64K, VCM_ZERO);
	buf->assoc = vcm_assoc(buf->vcm, dev, 0);
	return PTR_ERR_OR_ZERO(buf->assoc) ?: vcm_back(buf->res, buf->phys) ?:
	       vcm_activate(buf->assoc);
}

static void buffer_stop(struct buffer *buf)
{
	vcm_deactivate(buf->assoc);
	vcm_deassoc(buf->assoc);
	vcm_unback(buf->res);
	vcm_unreserve(buf->res);
	vcm_phys_free(buf->phys);
	vcm_free(buf->vcm);
}

/* [end] */

/* What the CPU finds in memory at some place of the buffer. */
static u8 buffer_peek(struct buffer *buf, size_t off)
{
	phys_addr_t pa;
	u8 byte;

	if (vcm_dev_addr_to_phys_addr(buf->vcm,
				      vcm_get_dev_addr(buf->res) + off, &pa))
		return 0;
	memcpy_from_page(&byte, pfn_to_page(PHYS_PFN(pa)), offset_in_page(pa),
			 1);
	return byte;
}

static void example_remove(void *unused)
{
	flat_remove();
}

static struct device *example_device(struct kunit *test)
{
	struct device *dev = kunit_device_register(test, "flat-master");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	KUNIT_ASSERT_EQ(test, 0, flat_probe(dev));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, example_remove,
							   NULL));
	return dev;
}

/* Context, reservation, memory: all go when the driver does, in that order. */
static void example_short(struct kunit *test)
{
	static const struct vcm_board_context contexts[] = {
		VCM_CONTEXT("short", 0, SZ_16M),
	};
	struct device *dev = example_device(test);
	const struct vcm_board_member members[] = {
		VCM_MEMBER(dev_name(dev), "frames", "short"),
	};
	const struct vcm_board board = VCM_BOARD("short", contexts, members);
	struct flat_hw *hw = &flat_unit->hw;
	struct vcm_res *res;
	dma_addr_t addr;

	KUNIT_ASSERT_EQ(test, 0, vcm_board_add(&board));
	res = short_probe(dev);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
	addr = vcm_get_dev_addr(res);
	KUNIT_EXPECT_EQ(test, 0, flat_dma(hw, addr + SZ_64K - 1, 1));
	KUNIT_EXPECT_EQ(test, -EFAULT, flat_dma(hw, addr + SZ_64K, 1));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_board_remove(&board));

	device_release_driver(dev);
	KUNIT_EXPECT_EQ(test, -EFAULT, flat_dma(hw, addr, 1));
	KUNIT_EXPECT_NULL(test, hw->base);
	KUNIT_EXPECT_EQ(test, 0, vcm_board_remove(&board));
}

static void example_ten_lines(struct kunit *test)
{
	struct device *dev = example_device(test);
	struct flat_hw *hw = &flat_unit->hw;
	struct buffer buf;
	dma_addr_t addr;
	size_t off;

	KUNIT_ASSERT_EQ(test, 0, buffer_start(&buf, dev));
	addr = vcm_get_dev_addr(buf.res);
	for (off = 0; off < SZ_64K; off += SZ_4K) {
		u8 byte = off / SZ_4K + 1;

		KUNIT_EXPECT_EQ(test, 0, flat_dma(hw, addr + off, byte));
		KUNIT_EXPECT_EQ(test, byte, buffer_peek(&buf, off));
	}
	buffer_stop(&buf);
	KUNIT_EXPECT_NULL(test, hw->base);
	KUNIT_EXPECT_EQ(test, 1, kref_read(&flat_unit->unit.ref));
}

/* Whatever start() did not get, stop() does not miss. */
static void example_fails_half_way(struct kunit *test)
{
	struct device *dev = kunit_device_register(test, "no-master");
	struct buffer buf;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	dev->dma_mask = NULL;
	KUNIT_EXPECT_EQ(test, -ENODEV, buffer_start(&buf, dev));
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_res(buf.vcm));
	KUNIT_EXPECT_EQ(test, SZ_64K, vcm_get_phys_len(buf.phys));
	buffer_stop(&buf);
}

static void example_unback_is_final(struct kunit *test)
{
	struct device *dev = example_device(test);
	struct flat_hw *hw = &flat_unit->hw;
	struct buffer buf;
	dma_addr_t addr;

	KUNIT_ASSERT_EQ(test, 0, buffer_start(&buf, dev));
	addr = vcm_get_dev_addr(buf.res);
	KUNIT_EXPECT_EQ(test, 0, flat_dma(hw, addr, 1));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(buf.res));
	KUNIT_EXPECT_EQ(test, -EFAULT, flat_dma(hw, addr, 1));
	buffer_stop(&buf);
}

/* The control: hardware that does not forget does get through. */
static void example_deaf_hardware_is_seen(struct kunit *test)
{
	struct device *dev = example_device(test);
	struct flat_hw *hw = &flat_unit->hw;
	struct buffer buf;
	dma_addr_t addr;

	KUNIT_ASSERT_EQ(test, 0, buffer_start(&buf, dev));
	addr = vcm_get_dev_addr(buf.res);
	KUNIT_EXPECT_EQ(test, 0, flat_dma(hw, addr, 1));
	hw->deaf = true;
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(buf.res));
	KUNIT_EXPECT_EQ(test, 0, flat_dma(hw, addr, 1));
	buffer_stop(&buf);
}

/* The driver goes away under a consumer that is running. */
static void example_driver_leaves(struct kunit *test)
{
	struct device *dev = example_device(test);
	struct buffer buf;

	KUNIT_ASSERT_EQ(test, 0, buffer_start(&buf, dev));
	kunit_release_action(test, example_remove, NULL);
	KUNIT_EXPECT_FALSE(test, vcm_is_active(buf.assoc));
	KUNIT_EXPECT_EQ(test, -ENODEV, vcm_activate(buf.assoc));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(buf.phys));
	buffer_stop(&buf);
}

static void example_destroy_unit(void *unit)
{
	vcm_soft_destroy(unit);
}

/* The lines of README.md, with a software IOMMU for each device. */
static void example_readme(struct kunit *test)
{
	static const char * const names[] = { "camera", "codec", "display" };
	struct vcm_soft_config config = { .format = VCM_SOFT_LPAE };
	struct vcm_iommu *unit[ARRAY_SIZE(names)];
	struct device *dev[ARRAY_SIZE(names)];
	struct device *camera, *codec, *display;
	struct vcm_phys *phys;
	struct vcm_res *res;
	struct vcm *vcm;
	dma_addr_t addr;
	u32 frame = 42;
	int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		config.name = names[i];
		unit[i] = vcm_soft_create(&config);
		if (PTR_ERR_OR_ZERO(unit[i]) == -EOPNOTSUPP)
			kunit_skip(test, "this kernel lacks the format");
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, unit[i]);
		KUNIT_ASSERT_EQ(test, 0,
				kunit_add_action_or_reset(test,
							  example_destroy_unit,
							  unit[i]));
		dev[i] = kunit_device_register(test, names[i]);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev[i]);
		KUNIT_ASSERT_EQ(test, 0, vcm_soft_add_device(unit[i], dev[i]));
	}
	camera = dev[0];
	codec = dev[1];
	display = dev[2];

	vcm = vcm_create(SZ_64M, SZ_64M);
	res = vcm_reserve(vcm, SZ_2M, VCM_READ | VCM_WRITE);
	phys = vcm_phys_alloc(NULL, SZ_2M, VCM_ZERO);
	vcm_back(res, phys);

	vcm_activate(vcm_assoc(vcm, camera, 0));
	vcm_activate(vcm_assoc(vcm, codec, 0));
	vcm_activate(vcm_assoc(vcm, display, 0));

	addr = vcm_get_dev_addr(res);

	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(unit[0], camera, addr, &frame,
					      sizeof(frame), VCM_WRITE));
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		frame = 0;
		KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(unit[i], dev[i], addr,
						      &frame, sizeof(frame),
						      VCM_READ));
		KUNIT_EXPECT_EQ(test, 42, frame);
		vcm_iommu_remove(unit[i]);
	}
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

static struct kunit_case vcm_example_cases[] = {
	KUNIT_CASE(example_short),
	KUNIT_CASE(example_ten_lines),
	KUNIT_CASE(example_fails_half_way),
	KUNIT_CASE(example_unback_is_final),
	KUNIT_CASE(example_deaf_hardware_is_seen),
	KUNIT_CASE(example_driver_leaves),
	KUNIT_CASE(example_readme),
	{}
};

static struct kunit_suite vcm_example_suite = {
	.name = "vcm_example",
	.test_cases = vcm_example_cases,
};

kunit_test_suite(vcm_example_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: the examples of the documentation");
MODULE_LICENSE("GPL");
