// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of mm/vcm_foreign.c: memory that is somebody else's.
 *
 * Ranges of physical addresses and scatter lists; RAM and registers, each
 * where it belongs; and the same memory in several allocations, which is the
 * same memory all the same: who maps it is found by way of any.
 */
#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/scatterlist.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"
#include "vcm_inject.h"

/* Registers, as far as the kernel knows, that every format can address. */
#define REGISTERS	((phys_addr_t)0xf0000000)

static phys_addr_t pa_of(struct vcm_phys *phys, size_t off)
{
	struct vcm_phys_iter iter;
	phys_addr_t pa;

	iter = vcm_phys_iter_of(phys, off, 1);
	vcm_phys_iter_next(&iter, &pa);
	return pa;
}

static struct vcm_phys *wrap(struct kunit *test, phys_addr_t pa, size_t len)
{
	struct vcm_phys *phys = vcm_map_phys_addr(pa, len);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	return phys;
}

/* Contiguous memory of the machine, and an allocation that wraps it. */
struct wrapped {
	struct vcm_phys *owner;
	struct vcm_phys *phys;
	phys_addr_t pa;
};

static struct wrapped wrap_memory(struct kunit *test, size_t len)
{
	struct wrapped w;

	w.owner = vcm_phys_alloc(NULL, len, VCM_CONTIG | VCM_ZERO);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, w.owner);
	w.pa = pa_of(w.owner, 0);
	w.phys = wrap(test, w.pa, len);
	return w;
}

static void unwrap_memory(struct kunit *test, struct wrapped *w)
{
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(w->phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(w->owner));
}

/* It is an allocation as any other, for every kind of table. */
static void foreign_range(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct wrapped w = wrap_memory(test, SZ_1M);
	struct vcm_res *res = bed_reserve(bed, SZ_1M, VCM_RW);
	phys_addr_t pa;
	size_t len;

	KUNIT_EXPECT_EQ(test, SZ_1M, vcm_get_phys_len(w.phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_chunk(w.phys, 0, &pa, &len));
	KUNIT_EXPECT_EQ(test, (u64)w.pa, (u64)pa);
	KUNIT_EXPECT_EQ(test, SZ_1M, len);
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_get_chunk(w.phys, 1, &pa, &len));

	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, w.phys));
	bed_expect_memory(bed, res, w.owner);
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(w.phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	bed_expect_unmapped(bed, vcm_get_dev_addr(res), SZ_1M);
	unwrap_memory(test, &w);
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	bed_end(bed);
}

/* There is no memory type to ask, or to count. */
static void foreign_no_memtype(struct kunit *test)
{
	struct wrapped w = wrap_memory(test, SZ_64K);
	struct vcm_memtype *type = vcm_memtype_get("system");

	KUNIT_EXPECT_EQ(test, -ENODEV,
			PTR_ERR_OR_ZERO(vcm_get_memtype_of_physalloc(w.phys)));
	KUNIT_EXPECT_PTR_EQ(test, type, vcm_get_memtype_of_physalloc(w.owner));
	unwrap_memory(test, &w);
}

/* The memory stays whose it was, with its contents. */
static void foreign_stays(struct kunit *test)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct vcm_phys *phys;

	KUNIT_ASSERT_NOT_NULL(test, page);
	phys = wrap(test, page_to_phys(page), PAGE_SIZE);
	phys_fill(phys, 0x5a);
	KUNIT_EXPECT_EQ(test, 1, page_ref_count(page));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 1, page_ref_count(page));
	KUNIT_EXPECT_EQ(test, 0x5a, *(u8 *)page_address(page));
	__free_page(page);
}

/* debugfs counts it, by kind. */
static void foreign_shown(struct kunit *test)
{
	struct seq_file s = { .size = SZ_1K };
	struct wrapped w = wrap_memory(test, SZ_64K);

	s.buf = kunit_kzalloc(test, s.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s.buf);
	vcm_foreign_show(&s);
	KUNIT_EXPECT_NOT_NULL(test, strstr(s.buf, "physical range: allocations: 1, 64 KiB\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(s.buf, "scatter list: allocations: 0, 0 KiB\n"));
	unwrap_memory(test, &w);
	s.count = 0;
	vcm_foreign_show(&s);
	KUNIT_EXPECT_NOT_NULL(test, strstr(s.buf, "physical range: allocations: 0, 0 KiB\n"));
}

static void foreign_no_move(struct kunit *test)
{
	struct wrapped w = wrap_memory(test, SZ_64K);

	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			vcm_phys_migrate(w.phys, NULL, 0, 0));
	KUNIT_EXPECT_TRUE(test, bed_log_has("\"physical range\" is somebody else's"));
	KUNIT_EXPECT_EQ(test, (u64)w.pa, (u64)pa_of(w.phys, 0));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_migrate(w.owner, NULL, 0, 0));
	unwrap_memory(test, &w);
}

/* From RAM on to where there is none. */
static void foreign_mixed(struct kunit *test)
{
	phys_addr_t ram = page_to_phys(ZERO_PAGE(0));
	struct vcm_phys *phys;

	phys = vcm_map_phys_addr(ram, NOWHERE - ram);
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR_OR_ZERO(phys));
	KUNIT_EXPECT_TRUE(test, bed_log_has("pages from"));
	phys = wrap(test, ram, PAGE_SIZE);
	KUNIT_EXPECT_FALSE(test, phys->attr & VCM_MMIO);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	phys = wrap(test, NOWHERE, SZ_1M);
	KUNIT_EXPECT_TRUE(test, phys->attr & VCM_MMIO);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
}

/* The same memory in several allocations */

/**
 * struct alias - memory that is in three allocations, each mapped elsewhere
 * @vcm: contexts; no device
 * @res: in each of them, a reservation
 * @phys: what backs it: from a pool; all of it, wrapped; the second half, wrapped
 * @off: where the memory of @phys begins in that of the first
 * @pa: where that is
 */
struct alias {
	struct vcm *vcm[3];
	struct vcm_res *res[3];
	struct vcm_phys *phys[3];
	size_t off[3];
	phys_addr_t pa;
};

static void alias_init(struct kunit *test, struct alias *a, size_t len)
{
	struct wrapped w = wrap_memory(test, len);
	unsigned int i;

	*a = (struct alias){
		.phys = { w.owner, w.phys, wrap(test, w.pa + len / 2, len / 2) },
		.off = { 0, 0, len / 2 },
		.pa = w.pa,
	};
	for (i = 0; i < 3; i++) {
		a->vcm[i] = space_new(test, (i + 1) * SZ_16M, SZ_16M);
		a->res[i] = space_take(test, a->vcm[i], len, VCM_RW);
		KUNIT_ASSERT_EQ(test, 0, vcm_back(a->res[i], a->phys[i]));
	}
}

static void alias_exit(struct kunit *test, struct alias *a)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(a->res[i]));
		KUNIT_EXPECT_EQ(test, 1, kref_read(&a->res[i]->ref));
		KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(a->res[i]));
		KUNIT_EXPECT_EQ(test, 0, vcm_free(a->vcm[i]));
	}
	while (i--)
		KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(a->phys[i]));
}

/* Which of the three are visited for a byte, a bit each; each once. */
static unsigned int alias_visit(struct kunit *test, struct alias *a,
				phys_addr_t pa)
{
	unsigned int seen = 0, visits = 0, i;
	struct vcm_res *res;
	size_t rest;

	vcm_for_each_phys_res(pa, res, rest) {
		for (i = 0; i < 3; i++)
			if (res == a->res[i])
				seen |= BIT(i);
		visits++;
	}
	KUNIT_EXPECT_EQ(test, hweight32(seen), visits);
	KUNIT_EXPECT_EQ(test, visits, vcm_get_phys_num_res(pa));
	return seen;
}

static void alias_mappers(struct kunit *test)
{
	struct vcm_mapper at;
	struct alias a;
	unsigned int i, seen = 0, visits = 0;

	alias_init(test, &a, SZ_64K);
	KUNIT_EXPECT_EQ(test, 3, alias_visit(test, &a, a.pa));
	KUNIT_EXPECT_EQ(test, 3, alias_visit(test, &a, a.pa + SZ_32K - 1));
	KUNIT_EXPECT_EQ(test, 7, alias_visit(test, &a, a.pa + SZ_32K));
	KUNIT_EXPECT_EQ(test, 7, alias_visit(test, &a, a.pa + SZ_64K - 1));

	vcm_for_each_mapper(a.pa + SZ_32K + 1, SZ_16K, &at) {
		for (i = 0; i < 3; i++) {
			if (at.res != a.res[i])
				continue;
			seen |= BIT(i);
			KUNIT_EXPECT_PTR_EQ(test, a.phys[i], at.phys);
			KUNIT_EXPECT_EQ(test, SZ_32K + 1 - a.off[i], at.off);
			KUNIT_EXPECT_EQ(test, SZ_16K, at.len);
		}
		visits++;
	}
	KUNIT_EXPECT_EQ(test, 7, seen);
	KUNIT_EXPECT_EQ(test, 3, visits);

	/* One of them goes, while it is visited or not. */
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(a.res[1]));
	KUNIT_EXPECT_EQ(test, 5, alias_visit(test, &a, a.pa + SZ_32K));
	KUNIT_EXPECT_EQ(test, 0, vcm_back(a.res[1], a.phys[1]));
	alias_exit(test, &a);
}

/* The iteration ends where it stands if that is unbacked, and leaks nothing. */
static void alias_mappers_change(struct kunit *test)
{
	struct vcm_res *res;
	struct alias a;
	unsigned int i;

	alias_init(test, &a, SZ_64K);
	res = vcm_get_next_phys_res(a.pa + SZ_32K, NULL, NULL);
	KUNIT_ASSERT_NOT_NULL(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_NULL(test, vcm_get_next_phys_res(a.pa + SZ_32K, res, NULL));
	KUNIT_EXPECT_EQ(test, 2, vcm_get_phys_num_res(a.pa + SZ_32K));
	for (i = 0; i < 3; i++)
		if (res == a.res[i])
			KUNIT_EXPECT_EQ(test, 0, vcm_back(res, a.phys[i]));
	alias_exit(test, &a);
}

/* One reservation, by way of all three allocations: it is visited once. */
static void alias_one_res(struct kunit *test)
{
	struct vcm_res *res, *all;
	struct alias a;
	unsigned int i, visits = 0;
	size_t rest;

	alias_init(test, &a, SZ_64K);
	all = space_take(test, a.vcm[0], 6 * SZ_64K, VCM_RW);
	/* Its first piece is other memory, and later on is this. */
	KUNIT_ASSERT_EQ(test, 0, vcm_back_range(all, 0, a.phys[0], 0, SZ_32K));
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, 0,
				vcm_back_range(all, (2 + i) * SZ_64K, a.phys[i],
					       0, vcm_get_phys_len(a.phys[i])));
	KUNIT_EXPECT_EQ(test, 4, vcm_get_phys_num_res(a.pa + SZ_32K));
	KUNIT_EXPECT_EQ(test, 3, vcm_get_phys_num_res(a.pa));
	vcm_for_each_phys_res(a.pa + SZ_32K, res, rest)
		visits += res == all;
	KUNIT_EXPECT_EQ(test, 1, visits);
	vcm_for_each_phys_res(a.pa, res, rest)
		visits += res == all;
	KUNIT_EXPECT_EQ(test, 2, visits);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(all));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(all));
	alias_exit(test, &a);
}

/* From each context to each other one, where both have the byte. */
static void alias_translate(struct kunit *test)
{
	const size_t at = SZ_32K + SZ_8K + 3;
	unsigned int i, j;
	struct alias a;
	dma_addr_t out;

	alias_init(test, &a, SZ_64K);
	for (i = 0; i < 3; i++)
		for (j = 0; j < 3; j++) {
			dma_addr_t from = vcm_get_dev_addr(a.res[i]) - a.off[i];
			dma_addr_t to = vcm_get_dev_addr(a.res[j]) - a.off[j];

			KUNIT_EXPECT_EQ(test, 0,
					vcm_translate(a.vcm[i], from + at,
						      a.vcm[j], &out));
			KUNIT_EXPECT_EQ(test, (u64)(to + at), (u64)out);
		}
	KUNIT_EXPECT_EQ(test, -ENOENT,
			vcm_translate(a.vcm[0], vcm_get_dev_addr(a.res[0]),
				      a.vcm[2], &out));
	alias_exit(test, &a);
}

/* Memory onto itself is refused, by whatever allocation. */
static void alias_copy(struct kunit *test)
{
	struct alias a;

	alias_init(test, &a, SZ_64K);
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_res_copy(a.res[1], 0, a.res[0], 0,
						    SZ_64K));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_res_copy(a.res[2], 0, a.res[0],
						    SZ_32K - 1, 2));
	phys_fill(a.phys[2], 0x77);
	KUNIT_EXPECT_EQ(test, SZ_32K, vcm_res_copy(a.res[1], 0, a.res[2], 0,
						   SZ_32K));
	KUNIT_EXPECT_EQ(test, 0x77, phys_peek(a.phys[0], 1));
	alias_exit(test, &a);
}

/* Scatter lists */

static void sg_list(struct kunit *test)
{
	struct page *page = alloc_pages(GFP_KERNEL, 3), *other;
	struct vcm_phys *phys;
	struct sg_table sgt;
	phys_addr_t pa;
	size_t len;

	other = alloc_page(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_ASSERT_NOT_NULL(test, other);
	KUNIT_ASSERT_EQ(test, 0, sg_alloc_table(&sgt, 4, GFP_KERNEL));
	/* A page with an offset that is a page; the same pages twice. */
	sg_set_page(sgt.sgl, page, 2 * PAGE_SIZE, 0);
	sg_set_page(&sgt.sgl[1], page + 2, PAGE_SIZE, PAGE_SIZE);
	sg_set_page(&sgt.sgl[2], page, PAGE_SIZE, 0);
	sg_set_page(&sgt.sgl[3], page + 1, PAGE_SIZE, 0);
	phys = vcm_phys_from_sg(&sgt);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	KUNIT_EXPECT_EQ(test, 5 * PAGE_SIZE, vcm_get_phys_len(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_chunk(phys, 0, &pa, &len));
	KUNIT_EXPECT_EQ(test, (u64)page_to_phys(page), (u64)pa);
	KUNIT_EXPECT_EQ(test, 2 * PAGE_SIZE, len);
	KUNIT_EXPECT_EQ(test, 0, vcm_get_chunk(phys, 1, &pa, &len));
	KUNIT_EXPECT_EQ(test, (u64)page_to_phys(page + 3), (u64)pa);
	KUNIT_EXPECT_EQ(test, 0, vcm_get_chunk(phys, 2, &pa, &len));
	KUNIT_EXPECT_EQ(test, 2 * PAGE_SIZE, len);
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_get_chunk(phys, 3, &pa, &len));
	KUNIT_EXPECT_EQ(test, 1, page_ref_count(page));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 1, page_ref_count(page));

	/* Not in whole pages, no page at all, no length. */
	sg_set_page(&sgt.sgl[3], other, PAGE_SIZE, 512);
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR_OR_ZERO(vcm_phys_from_sg(&sgt)));
	sg_set_page(&sgt.sgl[3], other, 512, 0);
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR_OR_ZERO(vcm_phys_from_sg(&sgt)));
	sg_set_page(&sgt.sgl[3], other, 0, 0);
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR_OR_ZERO(vcm_phys_from_sg(&sgt)));
	sg_set_page(&sgt.sgl[3], NULL, PAGE_SIZE, 0);
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR_OR_ZERO(vcm_phys_from_sg(&sgt)));
	sg_free_table(&sgt);
	__free_page(other);
	__free_pages(page, 3);
}

/* A device reads what the list has, in its order; a page may be in it twice. */
static void sg_back(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_mirror);
	struct vcm_res *res = bed_reserve(bed, 3 * PAGE_SIZE, VCM_RW);
	dma_addr_t addr = vcm_get_dev_addr(res);
	struct page *page = alloc_pages(GFP_KERNEL, 1);
	struct vcm_phys *phys;
	struct sg_table sgt;
	u8 byte = 0x42;

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_ASSERT_EQ(test, 0, sg_alloc_table(&sgt, 3, GFP_KERNEL));
	sg_set_page(sgt.sgl, page + 1, PAGE_SIZE, 0);
	sg_set_page(&sgt.sgl[1], page, PAGE_SIZE, 0);
	sg_set_page(&sgt.sgl[2], page, PAGE_SIZE, 0);
	phys = vcm_phys_from_sg(&sgt);
	sg_free_table(&sgt);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);

	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(bed->units[0], bed->devs[0],
					      addr + 2 * PAGE_SIZE, &byte, 1,
					      VCM_WRITE));
	byte = 0;
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(bed->units[1], bed->devs[1],
					      addr + PAGE_SIZE, &byte, 1,
					      VCM_READ));
	KUNIT_EXPECT_EQ(test, 0x42, byte);
	KUNIT_EXPECT_EQ(test, 0x42, *(u8 *)page_address(page));
	KUNIT_EXPECT_EQ(test, 1, vcm_get_phys_num_res(page_to_phys(page)));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	bed_end(bed);
	__free_pages(page, 1);
}

/* No memory for the books: nothing is left of it. */
static struct vcm_phys *make_range(void *arg)
{
	return vcm_map_phys_addr(NOWHERE, SZ_64K);
}

static struct vcm_phys *make_sg(void *arg)
{
	return vcm_phys_from_sg(arg);
}

static void foreign_no_memory(struct kunit *test)
{
	struct page *page = alloc_pages(GFP_KERNEL, 3);
	struct sg_table sgt;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_ASSERT_EQ(test, 0, sg_alloc_table(&sgt, 4, GFP_KERNEL));
	for (i = 0; i < 4; i++)
		sg_set_page(&sgt.sgl[i], page + 2 * i, PAGE_SIZE, 0);
	KUNIT_EXPECT_GE(test, vcm_inject_each(test, make_range, NULL), 1);
	KUNIT_EXPECT_GE(test, vcm_inject_each(test, make_sg, &sgt), 1);
	KUNIT_EXPECT_EQ(test, 0, vcm_get_phys_num_res(NOWHERE));
	sg_free_table(&sgt);
	__free_pages(page, 3);
}

/* Registers */

/* In every format the entry says what it is; RAM does not say so. */
static void mmio_entries(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, test->param_value);
	struct vcm_res *res = bed_reserve(bed, SZ_64K, VCM_RW | VCM_MMIO);
	struct vcm_res *plain = bed_reserve(bed, SZ_64K, VCM_RW);
	struct vcm_phys *registers = wrap(test, REGISTERS, SZ_64K);
	struct vcm_phys *ram = bed_alloc(bed, SZ_64K, 0);
	dma_addr_t addr = vcm_get_dev_addr(res);
	struct vcm_soft_leaf leaf;
	unsigned int i;

	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, registers));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(plain, ram));
	for (i = 0; i < bed->kind->nr_formats; i++) {
		KUNIT_ASSERT_EQ(test, 0, vcm_soft_walk(bed->units[i],
						       bed->devs[i],
						       addr + SZ_16K, &leaf));
		KUNIT_EXPECT_EQ(test, (u64)REGISTERS + SZ_16K, (u64)leaf.pa);
		KUNIT_EXPECT_EQ(test, VCM_RW | VCM_MMIO, leaf.attr);
		KUNIT_ASSERT_EQ(test, 0, vcm_soft_walk(bed->units[i],
						       bed->devs[i],
						       vcm_get_dev_addr(plain),
						       &leaf));
		KUNIT_EXPECT_EQ(test, VCM_RW, leaf.attr);
	}
	KUNIT_EXPECT_EQ(test, 1, vcm_get_phys_num_res(REGISTERS + SZ_16K));
	/* The units in software have no bus to reach them by. */
	bed_expect_fault(bed, addr, VCM_READ);

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(plain));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(registers));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(ram));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(plain));
	bed_end(bed);
}

/* VCM_MMIO takes registers and nothing else, and only that takes them. */
static void mmio_or_not(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_two);
	struct vcm_res *res = bed_reserve(bed, SZ_64K, VCM_RW | VCM_MMIO);
	struct vcm_res *plain = bed_reserve(bed, SZ_64K, VCM_RW);
	struct vcm_phys *registers = wrap(test, REGISTERS, SZ_64K);
	struct vcm_phys *ram = bed_alloc(bed, SZ_64K, 0);

	bed_join(bed);
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_back(plain, registers));
	KUNIT_EXPECT_TRUE(test, bed_log_has("only what is reserved with VCM_MMIO"));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_back(res, ram));
	KUNIT_EXPECT_TRUE(test, bed_log_has("cannot be backed with RAM"));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vcm_back_range(res, 0, ram, 0, PAGE_SIZE));
	bed_expect_idle(bed, res, ram);
	bed_expect_idle(bed, plain, registers);

	/* Before it is backed, it can still be made up for. */
	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(plain, VCM_RW | VCM_MMIO));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(plain, registers));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_set_res_attr(plain, VCM_RW));
	KUNIT_EXPECT_EQ(test, VCM_RW | VCM_MMIO, vcm_get_res_attr(plain));
	KUNIT_EXPECT_EQ(test, 0,
			vcm_set_res_attr(plain, VCM_READ | VCM_MMIO));

	/* The CPU does not copy registers. */
	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(res, VCM_RW));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, ram));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, vcm_res_copy(res, 0, plain, 0, 4));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, vcm_res_copy(plain, 0, res, 0, 4));

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(plain));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(registers));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(ram));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(plain));
	bed_end(bed);
}

/* A peer is seen where it is. */
static void mmio_identity(struct kunit *test)
{
	struct vcm *vcm = vcm_create_identity(0, SZ_4G - PAGE_SIZE);
	struct vcm_phys *registers = wrap(test, REGISTERS, SZ_64K);
	struct vcm_res *res;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vcm);
	res = space_take(test, vcm, SZ_64K, VCM_RW);
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_back(res, registers));
	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(res, VCM_RW | VCM_MMIO));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, registers));
	KUNIT_EXPECT_EQ(test, (u64)REGISTERS, (u64)vcm_get_dev_addr(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(registers));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

static int entry_of(pte_t *pte, unsigned long addr, void *out)
{
	*(pte_t *)out = ptep_get(pte);
	return 0;
}

/* The kernel sees registers as ioremap() shows them; memory it does not. */
static void mmio_kernel(struct kunit *test)
{
	pgprot_t want = pgprot_decrypted(pgprot_device(PAGE_KERNEL));
	struct vcm_phys *registers = wrap(test, REGISTERS, SZ_64K);
	struct vcm *vcm = vcm_create_kernel();
	struct vcm_res *res;
	phys_addr_t pa;
	pte_t pte;
	void *p;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vcm);
	res = space_take(test, vcm, SZ_64K, VCM_RW | VCM_MMIO);
	/* Not in User Mode Linux, nor where they would need a struct page. */
	if (IS_ENABLED(CONFIG_UML) ||
	    (IS_ENABLED(CONFIG_SPARSEMEM) &&
	     !IS_ENABLED(CONFIG_SPARSEMEM_VMEMMAP))) {
		KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, vcm_back(res, registers));
		KUNIT_EXPECT_TRUE(test, bed_log_has("cannot map registers"));
		goto free;
	}
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, registers));
	p = vcm_get_kernel_addr(res);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p);
	KUNIT_EXPECT_EQ(test, 0,
			vcm_dev_addr_to_phys_addr(vcm, vcm_get_dev_addr(res) + 5,
						  &pa));
	KUNIT_EXPECT_EQ(test, (u64)REGISTERS + 5, (u64)pa);
	KUNIT_ASSERT_EQ(test, 0,
			apply_to_existing_page_range(&init_mm, (unsigned long)p,
						     PAGE_SIZE, entry_of, &pte));
	KUNIT_EXPECT_TRUE(test, pte_same(pte, pfn_pte(PHYS_PFN(REGISTERS),
						      pgprot_nx(want))));
	KUNIT_EXPECT_FALSE(test, pte_same(pte, pfn_pte(PHYS_PFN(REGISTERS),
						       pgprot_nx(PAGE_KERNEL))));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
free:
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(registers));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

static struct kunit_case vcm_foreign_cases[] = {
	KUNIT_CASE_PARAM(foreign_range, vcm_bed_gen_params),
	KUNIT_CASE(foreign_no_memtype),
	KUNIT_CASE(foreign_stays),
	KUNIT_CASE(foreign_shown),
	KUNIT_CASE(foreign_no_move),
	KUNIT_CASE(foreign_mixed),
	KUNIT_CASE(alias_mappers),
	KUNIT_CASE(alias_mappers_change),
	KUNIT_CASE(alias_one_res),
	KUNIT_CASE(alias_translate),
	KUNIT_CASE(alias_copy),
	KUNIT_CASE(sg_list),
	KUNIT_CASE(sg_back),
	KUNIT_CASE(foreign_no_memory),
	KUNIT_CASE_PARAM(mmio_entries, vcm_bed_gen_params),
	KUNIT_CASE(mmio_or_not),
	KUNIT_CASE(mmio_identity),
	KUNIT_CASE(mmio_kernel),
	{}
};

static struct kunit_suite vcm_foreign_suite = {
	.name = "vcm_foreign",
	.suite_init = vcm_inject_init,
	.suite_exit = vcm_inject_exit,
	.test_cases = vcm_foreign_cases,
};

kunit_test_suite(vcm_foreign_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: memory that is somebody else's");
MODULE_LICENSE("GPL");
