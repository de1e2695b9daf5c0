// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the page tables of the IOMMU in software: what is written, read
 * back by the walkers, which share no code with the writers. Each case runs
 * for every format that the kernel has.
 */
#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/module.h>
#include <linux/string.h>

#include "vcm_soft_test.h"

/* Every block size: one entry, right at each end, and DMA into its middle. */
static void soft_block_sizes(struct kunit *test)
{
	struct soft_test *s = test->priv;
	unsigned int bit;

	for_each_set_bit(bit, &s->param->pgsizes, BITS_PER_LONG) {
		size_t size = BIT(bit);
		phys_addr_t pa = ALIGN_DOWN(s->pa, size);
		dma_addr_t addr = size, at = addr + (s->pa - pa);
		size_t n = min(size, s->page);

		soft_map(test, s->table, addr, pa, size, RW);
		soft_expect_hole(test, addr - 1);
		soft_expect_leaf(test, addr, pa, size);
		soft_expect_leaf(test, at, s->pa, size);
		soft_expect_leaf(test, addr + size - 1, pa + size - 1, size);
		soft_expect_hole(test, addr + size);

		memset(s->buf, bit, n);
		KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(s->unit, s->dev, at,
						      s->buf, n, VCM_WRITE));
		KUNIT_EXPECT_EQ(test, 0, memcmp(s->buf, s->mem, n));
		memset(s->mem, ~bit, n);
		KUNIT_EXPECT_EQ(test, 0, soft_read(s, at, n));
		KUNIT_EXPECT_EQ(test, 0, memcmp(s->buf, s->mem, n));

		soft_unmap(test, s->table, addr, size);
		KUNIT_EXPECT_EQ(test, 0, soft_flush(s, addr, size));
		soft_expect_hole(test, addr);
		soft_expect_hole(test, at);
		soft_expect_hole(test, addr + size - 1);
		KUNIT_EXPECT_EQ(test, -EFAULT, soft_read(s, at, 1));
	}
}

/* One page more on either side of a block: three sizes of step, or small. */
static void soft_boundaries(struct kunit *test)
{
	struct soft_test *s = test->priv;
	unsigned int bit;

	for_each_set_bit(bit, &s->param->pgsizes, BITS_PER_LONG) {
		size_t size = BIT(bit), len = size + 2 * s->page, off;
		dma_addr_t addr = 4 * (dma_addr_t)size - s->page;
		phys_addr_t pa = 2 * (phys_addr_t)size - s->page;

		if (5 * (u64)size + s->page > s->table->geo.last)
			continue;
		soft_map(test, s->table, addr, pa, len, RW);
		soft_expect_hole(test, addr - 1);
		soft_expect_leaf(test, addr, pa, s->page);
		soft_expect_leaf(test, addr + s->page, pa + s->page, size);
		soft_expect_leaf(test, addr + len - 1, pa + len - 1, s->page);
		soft_expect_hole(test, addr + len);
		soft_unmap(test, s->table, addr, len);
		for (off = 0; off < len; off += size >= SZ_1G ? SZ_2M : s->page)
			soft_expect_hole(test, addr + off);

		/* Out of step with the memory: no block fits. */
		if (size > SZ_16M)
			continue;
		soft_map(test, s->table, addr, pa + s->page, len, RW);
		for (off = 0; off < len; off += s->page)
			soft_expect_leaf(test, addr + off, pa + s->page + off,
					 s->page);
		soft_expect_hole(test, addr + len);
		soft_unmap(test, s->table, addr, len);
		for (off = 0; off < len; off += s->page)
			soft_expect_hole(test, addr + off);
	}
}

#define NR_LIST		9

/* Each page of a list is as @attr says, and as a page that was mapped alone. */
static void soft_list_attr(struct kunit *test, dma_addr_t addr,
			   const phys_addr_t *pages, u32 attr)
{
	struct soft_test *s = test->priv;
	dma_addr_t alone = addr + 2 * NR_LIST * s->page;
	struct vcm_soft_leaf leaf, want;
	size_t mapped;
	unsigned int i;

	soft_map(test, s->table, alone, s->pa, s->page, attr);
	KUNIT_ASSERT_EQ(test, 0, vcm_soft_walk(s->unit, s->dev, alone, &want));
	KUNIT_ASSERT_EQ(test, 0, s->table->ops->map_list(s->table, addr, pages,
							 NR_LIST, attr,
							 GFP_KERNEL, &mapped));
	for (i = 0; i < NR_LIST; i++) {
		KUNIT_ASSERT_EQ(test, 0, vcm_soft_walk(s->unit, s->dev,
						       addr + i * s->page, &leaf));
		KUNIT_EXPECT_EQ(test, want.attr, leaf.attr);
		KUNIT_EXPECT_EQ(test, want.cached, leaf.cached);
	}
	soft_unmap(test, s->table, addr, NR_LIST * s->page);
	soft_unmap(test, s->table, alone, s->page);
	KUNIT_EXPECT_EQ(test, 0, soft_flush(s, addr, 3 * NR_LIST * s->page));
}

/* A list of pages that lie apart, over the end of a node, as one mapping. */
static void soft_list(struct kunit *test)
{
	static const u32 attrs[] = {
		VCM_READ, VCM_READ | VCM_EXEC | VCM_CACHED, VCM_WRITE,
		VCM_READ | VCM_WRITE | VCM_PRIV | VCM_UNCACHED,
	};
	struct soft_test *s = test->priv;
	dma_addr_t addr = 2 * s->param->node - 4 * s->page;
	const u32 attr = VCM_READ | VCM_WRITE | VCM_CACHED;
	phys_addr_t pages[NR_LIST];
	size_t mapped;
	unsigned int i;

	for (i = 0; i < NR_LIST; i++)
		pages[i] = s->pa + 2 * (NR_LIST - i) * s->page;
	pages[NR_LIST - 2] = s->pa;
	KUNIT_ASSERT_EQ(test, 0, s->table->ops->map_list(s->table, addr, pages,
							 NR_LIST, attr,
							 GFP_KERNEL, &mapped));
	KUNIT_EXPECT_EQ(test, NR_LIST * s->page, mapped);
	soft_expect_hole(test, addr - 1);
	for (i = 0; i < NR_LIST; i++)
		soft_expect_leaf(test, addr + i * s->page, pages[i], s->page);
	soft_expect_hole(test, addr + NR_LIST * s->page);

	memset(s->mem, 0x5a, s->page);
	KUNIT_EXPECT_EQ(test, 0, soft_read(s, addr + (NR_LIST - 2) * s->page,
					   s->page));
	KUNIT_EXPECT_EQ(test, 0, memcmp(s->buf, s->mem, s->page));

	soft_unmap(test, s->table, addr, NR_LIST * s->page);
	KUNIT_EXPECT_EQ(test, 0, soft_flush(s, addr, NR_LIST * s->page));
	for (i = 0; i < NR_LIST; i++)
		soft_expect_hole(test, addr + i * s->page);

	for (i = 0; i < ARRAY_SIZE(attrs); i++)
		soft_list_attr(test, addr, pages, attrs[i]);

	/* Rights there must be; and one bad page spoils the list. */
	KUNIT_EXPECT_EQ(test, -EINVAL,
			s->table->ops->map_list(s->table, addr, pages, NR_LIST,
						0, GFP_KERNEL, &mapped));
	pages[NR_LIST - 1]++;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			s->table->ops->map_list(s->table, addr, pages, NR_LIST,
						attr, GFP_KERNEL, &mapped));
	KUNIT_EXPECT_EQ(test, 0, mapped);
	soft_expect_hole(test, addr);
}

/* A block that was pieced together goes away in one step, and its node too. */
static void soft_accounting(struct kunit *test)
{
	struct soft_test *s = test->priv;
	unsigned long empty = vcm_soft_table_pages(s->unit), full;
	size_t len = 2 * s->param->node;
	dma_addr_t addr = len;
	struct vcm_table *other;

	KUNIT_EXPECT_GE(test, empty, 1UL);
	soft_map(test, s->table, addr, s->page, len, RW);
	full = vcm_soft_table_pages(s->unit);
	KUNIT_EXPECT_GT(test, full, empty);
	soft_unmap(test, s->table, addr, len);
	KUNIT_EXPECT_LE(test, vcm_soft_table_pages(s->unit), full - 2);

	other = soft_make_table(test, s->unit);
	KUNIT_EXPECT_GT(test, vcm_soft_table_pages(s->unit), empty);
	soft_map(test, other, addr, s->page, len, RW);
	kunit_release_action(test, soft_free_table, other);
	soft_unlink(&(struct soft_link){ s->unit, s->dev, s->table });
	kunit_release_action(test, soft_free_table, s->table);
	KUNIT_EXPECT_EQ(test, vcm_soft_table_pages(s->unit), 0UL);
}

/* One block with the rights @attr, against every access. */
static void soft_rights_of(struct kunit *test, size_t size, u32 attr)
{
	static const u32 accesses[] = {
		VCM_READ, VCM_WRITE, VCM_READ | VCM_EXEC,
		VCM_READ | VCM_PRIV, VCM_WRITE | VCM_PRIV,
		VCM_READ | VCM_EXEC | VCM_PRIV,
	};
	struct soft_test *s = test->priv;
	phys_addr_t pa = ALIGN_DOWN(s->pa, size);
	dma_addr_t addr = size, at = addr + (s->pa - pa);
	struct vcm_soft_leaf leaf;
	u32 grant = attr;
	unsigned int i;

	if (s->param->write_grants_read)
		grant |= VCM_READ;
	soft_map(test, s->table, addr, pa, size, attr);
	KUNIT_ASSERT_EQ(test, 0, vcm_soft_walk(s->unit, s->dev, at, &leaf));
	KUNIT_EXPECT_EQ_MSG(test, grant, leaf.attr, "block %zx", size);

	/* Twice: from the table, and from the TLB. */
	for (i = 0; i < 2 * ARRAY_SIZE(accesses); i++) {
		u32 access = accesses[i / 2], need = access & ~VCM_PRIV;
		bool may = (grant & need) == need &&
			   (!(grant & VCM_PRIV) || (access & VCM_PRIV));

		KUNIT_EXPECT_EQ_MSG(test, may ? 0 : -EFAULT,
				    vcm_soft_dma(s->unit, s->dev, at, s->buf,
						 1, access),
				    "rights %x, access %x", attr, access);
		if (i % 2)
			soft_flush(s, addr, size);
	}
	soft_unmap(test, s->table, addr, size);
}

static void soft_rights(struct kunit *test)
{
	struct soft_test *s = test->priv;
	unsigned int bit;
	size_t mapped;
	u32 attr;

	for (attr = 0; attr <= (RW | VCM_EXEC | VCM_PRIV); attr++) {
		if (!(attr & RW)) {
			KUNIT_EXPECT_EQ(test, -EINVAL,
					soft_try_map(s->table, 0, 0, s->page,
						     attr, &mapped));
			continue;
		}
		for_each_set_bit(bit, &s->param->pgsizes, BITS_PER_LONG)
			soft_rights_of(test, BIT(bit), attr);
	}
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			soft_try_map(s->table, 0, 0, s->page, RW | BIT(8),
				     &mapped));
}

/* In every block size; an entry that does not say so is not cached. */
static void soft_cacheability(struct kunit *test)
{
	static const u32 attrs[] = { 0, VCM_CACHED, VCM_UNCACHED, VCM_WC };
	struct soft_test *s = test->priv;
	struct vcm_soft_leaf leaf;
	unsigned int bit, i;

	for_each_set_bit(bit, &s->param->pgsizes, BITS_PER_LONG) {
		for (i = 0; i < ARRAY_SIZE(attrs); i++) {
			size_t size = BIT(bit);

			soft_map(test, s->table, 0, 0, size, RW | attrs[i]);
			KUNIT_ASSERT_EQ(test, 0, vcm_soft_walk(s->unit, s->dev,
							       0, &leaf));
			KUNIT_EXPECT_EQ(test, attrs[i] == VCM_CACHED,
					leaf.cached);
			KUNIT_EXPECT_EQ(test, size, leaf.size);
			KUNIT_EXPECT_EQ(test, RW, leaf.attr & RW);
			KUNIT_EXPECT_EQ(test, 0, leaf.attr & VCM_CACHE_MASK);
			soft_unmap(test, s->table, 0, size);
		}
	}
}

/* The last page there is, and the first bytes that there are not. */
static void soft_ends(struct kunit *test)
{
	struct soft_test *s = test->priv;
	const struct vcm_geometry *geo = &s->table->geo;
	dma_addr_t addr = geo->last - s->page + 1;
	phys_addr_t pa = geo->last_pa - s->page + 1;
	size_t mapped;

	KUNIT_EXPECT_EQ(test, 0ULL, (u64)geo->first);
	KUNIT_EXPECT_EQ(test, GENMASK_ULL(s->param->ias - 1, 0),
			(u64)geo->last);
	KUNIT_EXPECT_EQ(test, s->param->pgsizes, geo->pgsizes);
	soft_map(test, s->table, addr, s->pa, s->page, RW);
	soft_expect_leaf(test, geo->last, s->pa + s->page - 1, s->page);
	KUNIT_EXPECT_EQ(test, 0, soft_read(s, geo->last, 1));
	soft_unmap(test, s->table, addr, s->page);
	KUNIT_EXPECT_EQ(test, 0, soft_flush(s, addr, s->page));
	KUNIT_EXPECT_EQ(test, -EFAULT, soft_read(s, geo->last, 1));

	KUNIT_EXPECT_EQ(test, -ERANGE, soft_try_map(s->table, addr, 0,
						    2 * s->page, RW, &mapped));
	if (geo->last != ~(dma_addr_t)0) {
		KUNIT_EXPECT_EQ(test, -ERANGE,
				soft_try_map(s->table, geo->last + 1, 0,
					     s->page, RW, &mapped));
		KUNIT_EXPECT_EQ(test, -EFAULT, soft_read(s, geo->last + 1, 1));
	}

	soft_map(test, s->table, 0, pa, s->page, RW);
	soft_expect_leaf(test, s->page - 1, geo->last_pa, s->page);
	/* Not even where the table would be if the address wrapped. */
	if (geo->last != ~(dma_addr_t)0)
		soft_expect_hole(test, geo->last + 1);
	KUNIT_EXPECT_EQ(test, -ERANGE, soft_try_map(s->table, s->page, pa,
						    2 * s->page, RW, &mapped));
	KUNIT_EXPECT_EQ(test, -EINVAL, soft_try_map(s->table, s->page, 0, 0,
						    RW, &mapped));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			soft_try_map(s->table, s->page, s->page / 2, s->page,
				     RW, &mapped));
	KUNIT_EXPECT_EQ(test, 0UL, mapped);
}

/* Fewer bits, fewer levels: the walker must start where the table does. */
static void soft_sizes_of_space(struct kunit *test)
{
	struct soft_test *s = test->priv;
	unsigned int ias;

	soft_unlink(&(struct soft_link){ s->unit, s->dev, s->table });
	for (ias = 24; ias <= s->param->ias; ias++) {
		struct soft_test narrow = *s;
		dma_addr_t last = GENMASK_ULL(ias - 1, 0);
		struct soft_link *link;
		unsigned int bit;

		narrow.unit = soft_make_unit(test, (struct vcm_soft_config){
			.format = s->param->format, .ias = ias, .oas = 32 });
		KUNIT_ASSERT_EQ(test, 0, vcm_soft_add_device(narrow.unit,
							     s->dev));
		narrow.table = soft_make_table(test, narrow.unit);
		link = soft_attach(test, narrow.unit, s->dev, narrow.table);
		KUNIT_EXPECT_EQ(test, (u64)last, (u64)narrow.table->geo.last);
		KUNIT_EXPECT_EQ(test, GENMASK_ULL(31, 0),
				(u64)narrow.table->geo.last_pa);
		test->priv = &narrow;
		for_each_set_bit(bit, &narrow.table->geo.pgsizes,
				 BITS_PER_LONG) {
			size_t size = BIT(bit);

			soft_map(test, narrow.table, last - size + 1, 0, size,
				 RW);
			soft_expect_leaf(test, last, size - 1, size);
			soft_expect_hole(test, 0);
			soft_unmap(test, narrow.table, last - size + 1, size);
			soft_expect_hole(test, last);
		}
		kunit_release_action(test, soft_unlink, link);
		kunit_release_action(test, soft_free_table, narrow.table);
		kunit_release_action(test, soft_destroy, narrow.unit);
	}
	test->priv = s;
}

static struct kunit_case soft_table_cases[] = {
	KUNIT_CASE_PARAM(soft_block_sizes, soft_gen_params),
	KUNIT_CASE_PARAM(soft_boundaries, soft_gen_params),
	KUNIT_CASE_PARAM(soft_list, soft_gen_params),
	KUNIT_CASE_PARAM(soft_accounting, soft_gen_params),
	KUNIT_CASE_PARAM(soft_rights, soft_gen_params),
	KUNIT_CASE_PARAM(soft_cacheability, soft_gen_params),
	KUNIT_CASE_PARAM(soft_ends, soft_gen_params),
	KUNIT_CASE_PARAM(soft_sizes_of_space, soft_gen_params),
	{}
};

static struct kunit_suite soft_table_suite = {
	.name = "vcm_soft_table",
	.init = soft_test_init,
	.test_cases = soft_table_cases,
};

kunit_test_suite(soft_table_suite);

MODULE_DESCRIPTION("Tests of the page tables of VCMM's IOMMU in software");
MODULE_LICENSE("GPL");
