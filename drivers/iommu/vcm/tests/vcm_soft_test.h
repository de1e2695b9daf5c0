/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the IOMMU in software stand on: one unit with one device
 * on one table, in each format that the kernel has, and some memory.
 */
#ifndef _VCM_SOFT_TEST_H
#define _VCM_SOFT_TEST_H

#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/vcm-soft.h>

#define RW		(VCM_READ | VCM_WRITE)
#define SOFT_ORDER	2
#define SOFT_BYTES	(PAGE_SIZE << SOFT_ORDER)

/**
 * struct soft_param - a format, as the tests know it
 * @name: for the test's output
 * @format: which
 * @pgsizes: its block sizes
 * @ias: bits of device address
 * @node: bytes that a node of pages translates
 * @write_grants_read: it has no page that can be written and not read
 */
struct soft_param {
	const char *name;
	enum vcm_soft_format format;
	unsigned long pgsizes;
	unsigned int ias;
	size_t node;
	bool write_grants_read;
};

static const struct soft_param soft_params[] = {
	{
		.name = "lpae",
		.format = VCM_SOFT_LPAE,
		.pgsizes = SZ_4K | SZ_2M | SZ_1G,
		.ias = MIN(48, BITS_PER_LONG),
		.node = SZ_2M,
		.write_grants_read = true,
	}, {
		.name = "v7s",
		.format = VCM_SOFT_V7S,
		.pgsizes = SZ_4K | SZ_64K | SZ_1M | SZ_16M,
		.ias = 32,
		.node = SZ_1M,
		.write_grants_read = true,
	}, {
		.name = "half",
		.format = VCM_SOFT_HALF,
		.pgsizes = PAGE_SIZE / 2,
		.ias = BITS_PER_BYTE * sizeof(dma_addr_t),
		.node = PAGE_SIZE / 2 * (PAGE_SIZE / sizeof(u64)),
	},
};

KUNIT_ARRAY_PARAM_DESC(soft, soft_params, name);

/* One unit with one device on one table, and some memory. */
struct soft_test {
	const struct soft_param *param;
	struct vcm_iommu *unit;
	struct device *dev;
	struct vcm_table *table;
	size_t page;
	u8 *mem;
	phys_addr_t pa;
	u8 *buf;
};

struct soft_link {
	struct vcm_iommu *unit;
	struct device *dev;
	struct vcm_table *table;
};

static inline void soft_destroy(void *unit)
{
	vcm_soft_destroy(unit);
}

static inline void soft_free_table(void *data)
{
	struct vcm_table *table = data;

	table->ops->free(table);
}

static inline void soft_unlink(void *data)
{
	struct soft_link *link = data;

	link->unit->ops->detach(link->unit, link->dev, link->table);
}

static inline void soft_free_mem(void *mem)
{
	free_pages((unsigned long)mem, SOFT_ORDER);
}

/* What is made here goes away in the opposite order when the case ends. */
static inline struct vcm_iommu *soft_make_unit(struct kunit *test,
					       struct vcm_soft_config config)
{
	struct vcm_iommu *unit;

	config.name = config.name ?: "soft-test";
	unit = vcm_soft_create(&config);
	if (unit == ERR_PTR(-EOPNOTSUPP))
		kunit_skip(test, "this kernel does not have the format");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, unit);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, soft_destroy, unit));
	return unit;
}

static inline struct vcm_table *soft_make_table(struct kunit *test,
						struct vcm_iommu *unit)
{
	struct vcm_table *table = unit->ops->table_alloc(unit, NULL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, table);
	INIT_LIST_HEAD(&table->walkers);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, soft_free_table, table));
	return table;
}

static inline struct device *
soft_make_device(struct kunit *test, struct vcm_iommu *unit, const char *name)
{
	struct device *dev = kunit_device_register(test, name);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	KUNIT_ASSERT_EQ(test, 0, vcm_soft_add_device(unit, dev));
	return dev;
}

static inline struct soft_link *
soft_attach(struct kunit *test, struct vcm_iommu *unit, struct device *dev,
	    struct vcm_table *table)
{
	struct soft_link *link = kunit_kzalloc(test, sizeof(*link), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, link);
	*link = (struct soft_link){ unit, dev, table };
	KUNIT_ASSERT_EQ(test, 0, unit->ops->attach(unit, dev, table));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, soft_unlink, link));
	return link;
}

static inline int soft_test_init(struct kunit *test)
{
	const struct soft_param *param = test->param_value;
	struct soft_test *s;

	if (!param)
		return 0;
	s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s);
	test->priv = s;
	s->param = param;
	s->page = BIT(__ffs(param->pgsizes));
	s->buf = kunit_kzalloc(test, SOFT_BYTES, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s->buf);

	/* v7s reaches no more than 4 GiB. */
	s->mem = (u8 *)__get_free_pages(GFP_KERNEL | GFP_DMA32 | __GFP_ZERO,
					SOFT_ORDER);
	KUNIT_ASSERT_NOT_NULL(test, s->mem);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, soft_free_mem, s->mem));
	s->pa = virt_to_phys(s->mem);

	s->unit = soft_make_unit(test, (struct vcm_soft_config){
		.format = param->format });
	s->dev = soft_make_device(test, s->unit, "soft-test-dev");
	s->table = soft_make_table(test, s->unit);
	soft_attach(test, s->unit, s->dev, s->table);
	return 0;
}

static inline int
soft_try_map(struct vcm_table *table, dma_addr_t addr, phys_addr_t pa,
	     size_t len, u32 attr, size_t *mapped)
{
	*mapped = 0;
	return table->ops->map(table, addr, pa, len, attr, GFP_KERNEL, mapped);
}

static inline void
soft_map(struct kunit *test, struct vcm_table *table, dma_addr_t addr,
	 phys_addr_t pa, size_t len, u32 attr)
{
	size_t mapped;

	KUNIT_ASSERT_EQ_MSG(test, 0, soft_try_map(table, addr, pa, len, attr,
						  &mapped),
			    "%zx bytes at %pad", len, &addr);
	KUNIT_ASSERT_EQ(test, len, mapped);
}

static inline void soft_unmap(struct kunit *test, struct vcm_table *table,
			      dma_addr_t addr, size_t len)
{
	KUNIT_ASSERT_EQ_MSG(test, len, table->ops->unmap(table, addr, len),
			    "at %pad", &addr);
}

static inline int soft_flush(struct soft_test *s, dma_addr_t addr, size_t len)
{
	return s->unit->ops->invalidate(s->unit, s->table, addr, len);
}

static inline int soft_read(struct soft_test *s, dma_addr_t addr, size_t len)
{
	return vcm_soft_dma(s->unit, s->dev, addr, s->buf, len, VCM_READ);
}

static inline struct vcm_soft_stats soft_stats(struct vcm_iommu *unit)
{
	struct vcm_soft_stats stats;

	vcm_soft_get_stats(unit, &stats);
	return stats;
}

/* Both readers of the table: the walker of the unit, and lookup. */
static inline void soft_expect_leaf(struct kunit *test, dma_addr_t addr,
				    phys_addr_t pa, size_t size)
{
	struct soft_test *s = test->priv;
	struct vcm_soft_leaf leaf;
	phys_addr_t found;

	KUNIT_ASSERT_EQ_MSG(test, 0, vcm_soft_walk(s->unit, s->dev, addr, &leaf),
			    "at %pad", &addr);
	KUNIT_EXPECT_EQ_MSG(test, (u64)pa, (u64)leaf.pa, "at %pad", &addr);
	KUNIT_EXPECT_EQ_MSG(test, size, leaf.size, "at %pad", &addr);
	KUNIT_ASSERT_EQ(test, 0, s->table->ops->lookup(s->table, addr, &found));
	KUNIT_EXPECT_EQ(test, (u64)pa, (u64)found);
}

static inline void soft_expect_hole(struct kunit *test, dma_addr_t addr)
{
	struct soft_test *s = test->priv;
	struct vcm_soft_leaf leaf;
	phys_addr_t pa;

	KUNIT_EXPECT_EQ_MSG(test, -ENOENT,
			    vcm_soft_walk(s->unit, s->dev, addr, &leaf),
			    "at %pad", &addr);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			s->table->ops->lookup(s->table, addr, &pa));
}

#endif /* _VCM_SOFT_TEST_H */
