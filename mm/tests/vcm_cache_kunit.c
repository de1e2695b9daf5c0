// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of VCMM: cacheability, and the rule of aliases (hard case 25).
 *
 * In the first half the memory is open: it is said to be in no linear map, so
 * whoever maps it first decides. In the second half it is out of the page
 * allocator, and the linear map has to agree: only x86 and arm64 can do that,
 * and others say so.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/dma-map-ops.h>
#include <linux/kthread.h>
#include <linux/pgtable.h>
#include <linux/seq_file.h>
#include <linux/set_memory.h>
#include <linux/vmalloc.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"
#include "vcm_inject.h"
#include "vcm_memtype_test.h"

#define MEM_LEN		SZ_64K

static const u32 three[] = { VCM_CACHED, VCM_UNCACHED, VCM_WC };

/**
 * struct aliases - memory that is open, and who may want to map it
 * @bed: the bed, with @res
 * @other: another context, with @far
 * @page: what the memory is made of
 * @type: its memory type
 * @mem: the memory
 * @res: no wish
 * @far: no wish
 */
struct aliases {
	struct vcm_bed *bed;
	struct vcm *other;
	struct page *page;
	struct vcm_memtype *type;
	struct vcm_phys *mem;
	struct vcm_res *res;
	struct vcm_res *far;
};

static struct aliases *aliases_new(struct kunit *test,
				   const struct vcm_bed_kind *kind)
{
	struct aliases *a = kunit_kzalloc(test, sizeof(*a), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, a);
	a->bed = bed_new(test, kind);
	a->other = space_new(test, 0, SZ_16M);
	a->page = real_memory(test);
	a->type = make_real(test, a->page);
	KUNIT_ASSERT_EQ(test, VCM_LINEAR_ALL, a->type->pools[0].linear);
	a->type->pools[0].linear = VCM_LINEAR_NONE;
	a->mem = get(test, a->type, MEM_LEN, 0);
	a->res = bed_reserve(a->bed, MEM_LEN, VCM_RW);
	a->far = space_take(test, a->other, MEM_LEN, VCM_RW);
	return a;
}

static void aliases_end(struct aliases *a)
{
	struct kunit *test = a->bed->test;

	if (a->bed->assocs[0])
		bed_expect_idle(a->bed, a->res, a->mem);
	KUNIT_EXPECT_EQ(test, 1, refcount_read(&a->mem->users));
	space_give(test, a->res);
	space_give(test, a->far);
	give(test, a->mem);
	end(test, a->type);
	free_real_memory(a->page);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(a->other));
	bed_end(a->bed);
}

/* What the entries of every table say. */
static void expect_entries(struct aliases *a, struct vcm_res *res, u32 cache)
{
	struct vcm_bed *bed = a->bed;
	dma_addr_t addr = vcm_get_dev_addr(res);
	struct kunit *test = bed->test;
	struct vcm_soft_leaf leaf;
	unsigned int i;

	for (i = 0; i < bed->nr; i++) {
		KUNIT_ASSERT_EQ(test, 0, vcm_soft_walk(bed->units[i], bed->devs[i],
						       addr + MEM_LEN - 1, &leaf));
		KUNIT_EXPECT_EQ(test, cache == VCM_CACHED, leaf.cached);
		KUNIT_EXPECT_EQ(test, VCM_RW, leaf.attr & VCM_RW);
	}
}

/* Every flag, in every format, in tables that are there and in new ones. */
static void cache_entries(struct kunit *test)
{
	struct aliases *a = aliases_new(test, test->param_value);
	struct vcm_res *res;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(three); i++) {
		res = bed_reserve(a->bed, MEM_LEN, VCM_RW | three[i]);
		KUNIT_EXPECT_EQ(test, VCM_RW | three[i], vcm_get_res_attr(res));
		if (i != 1)
			bed_join(a->bed);
		KUNIT_ASSERT_EQ(test, 0, vcm_back(res, a->mem));
		if (i == 1)
			bed_join(a->bed);
		expect_entries(a, res, three[i]);
		bed_expect_memory(a->bed, res, a->mem);
		/* And whoever has no wish gets the same. */
		KUNIT_ASSERT_EQ(test, 0, vcm_back(a->res, a->mem));
		expect_entries(a, a->res, three[i]);
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(a->res));
		bed_leave(a->bed);
		space_give(test, res);
	}
	/* No wish at all, and nobody else: as memory usually is. */
	bed_join(a->bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(a->res, a->mem));
	expect_entries(a, a->res, VCM_CACHED);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(a->res));
	aliases_end(a);
}

/* Memory that was allocated as something is that, in no linear map as well. */
static void cache_of_allocation(struct kunit *test)
{
	struct aliases *a = aliases_new(test, &vcm_bed_mirror);
	struct vcm_phys *mem;
	unsigned int i, j;

	bed_join(a->bed);
	for (i = 0; i < ARRAY_SIZE(three); i++) {
		mem = get(test, a->type, MEM_LEN, three[i]);
		KUNIT_ASSERT_EQ(test, 0, vcm_back(a->res, mem));
		expect_entries(a, a->res, three[i]);
		for (j = 0; j < ARRAY_SIZE(three); j++) {
			KUNIT_EXPECT_EQ(test, 0,
					vcm_set_res_attr(a->far, VCM_RW | three[j]));
			KUNIT_EXPECT_EQ(test, i == j ? 0 : -EINVAL,
					vcm_back(a->far, mem));
			KUNIT_EXPECT_EQ(test, i == j ? 0 : -EINVAL,
					vcm_set_res_attr(a->res,
							 VCM_RW | three[j]));
			if (i == j)
				KUNIT_EXPECT_EQ(test, 0, vcm_unback(a->far));
		}
		KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(a->res, VCM_RW));
		KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(a->far, VCM_RW));
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(a->res));
		give(test, mem);
	}
	aliases_end(a);
}

/* Hard case 25: a second mapper of another cacheability. */
static void cache_second_mapper(struct kunit *test)
{
	struct aliases *a = aliases_new(test, &vcm_bed_mirror);
	unsigned int i, j;
	phys_addr_t pa;

	bed_join(a->bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_set_name(a->bed->vcm, "second"));
	for (i = 0; i < ARRAY_SIZE(three); i++) {
		KUNIT_ASSERT_EQ(test, 0, vcm_set_res_attr(a->far, VCM_RW | three[i]));
		KUNIT_ASSERT_EQ(test, 0, vcm_back(a->far, a->mem));
		for (j = 0; j < ARRAY_SIZE(three); j++) {
			KUNIT_ASSERT_EQ(test, 0,
					vcm_set_res_attr(a->res, VCM_RW | three[j]));
			KUNIT_EXPECT_EQ(test, i == j ? 0 : -EINVAL,
					vcm_back_range(a->res, 0, a->mem,
						       SZ_32K, SZ_32K));
			if (i == j) {
				KUNIT_EXPECT_EQ(test, 0, vcm_unback(a->res));
				continue;
			}
			KUNIT_EXPECT_EQ(test, 2, refcount_read(&a->mem->users));
			KUNIT_EXPECT_EQ(test, VCM_RES_IDLE, a->res->state);
			KUNIT_EXPECT_EQ(test, -ENOENT,
					vcm_dev_addr_to_phys_addr(a->bed->vcm,
								  vcm_get_dev_addr(a->res),
								  &pa));
		}
		/* It is open again when nobody maps it. */
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(a->far));
	}
	KUNIT_EXPECT_TRUE(test, bed_log_has("second: memory that is cached cannot be write-comb"));
	KUNIT_EXPECT_TRUE(test, bed_log_has("second: memory that is write-combining cannot be"));
	aliases_end(a);
}

/* Ordinary memory has a linear map, which is cached. */
static void cache_linear_map(struct kunit *test)
{
	struct aliases *a = aliases_new(test, &vcm_bed_one);
	struct vcm_phys *phys = bed_alloc(a->bed, MEM_LEN, 0);
	unsigned int i;

	bed_join(a->bed);
	for (i = 0; i < ARRAY_SIZE(three); i++) {
		KUNIT_ASSERT_EQ(test, 0, vcm_set_res_attr(a->res, VCM_RW | three[i]));
		if (three[i] == VCM_CACHED)
			continue;
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_back(a->res, phys));
		KUNIT_EXPECT_EQ(test, 1, refcount_read(&phys->users));
	}
	KUNIT_ASSERT_EQ(test, 0, vcm_set_res_attr(a->res, VCM_RW | VCM_CACHED));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(a->res, phys));
	expect_entries(a, a->res, VCM_CACHED);
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_set_res_attr(a->res, VCM_RW | VCM_WC));
	KUNIT_EXPECT_EQ(test, VCM_RW | VCM_CACHED, vcm_get_res_attr(a->res));
	expect_entries(a, a->res, VCM_CACHED);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(a->res));
	bed_leave(a->bed);
	give(test, phys);
	aliases_end(a);
}

/* One mapping changes alone, as long as it is the only one. */
static void cache_live(struct kunit *test)
{
	struct aliases *a = aliases_new(test, test->param_value);
	struct vcm_bed *bed = a->bed;
	unsigned int i;

	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back_range(a->res, 0, a->mem, 0, SZ_32K));
	KUNIT_ASSERT_EQ(test, 0,
			vcm_back_range(a->res, SZ_32K, a->mem, 0, SZ_32K));
	for (i = 0; i < 2 * ARRAY_SIZE(three); i++) {
		u32 cache = three[i % ARRAY_SIZE(three)];

		KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(a->res, VCM_RW | cache));
		KUNIT_EXPECT_EQ(test, VCM_RW | cache, vcm_get_res_attr(a->res));
		expect_entries(a, a->res, cache);
		/* Who has no wish any more keeps what is. */
		KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(a->res, VCM_RW));
		expect_entries(a, a->res, cache);
	}
	/* It is write-combining now. A table refuses: it stays that. */
	vcm_soft_fail(bed->units[bed->kind->nr_formats - 1], VCM_SOFT_FAIL_MAP, 0, 1);
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			vcm_set_res_attr(a->res, VCM_RW | VCM_CACHED));
	expect_entries(a, a->res, VCM_WC);
	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(a->far, VCM_RW | VCM_CACHED));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_back(a->far, a->mem));
	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(a->far, VCM_RW | VCM_WC));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(a->far, a->mem));
	/* There is another one. */
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vcm_set_res_attr(a->res, VCM_RW | VCM_CACHED));
	KUNIT_EXPECT_EQ(test, VCM_RW, vcm_get_res_attr(a->res));
	expect_entries(a, a->res, VCM_WC);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(a->far));
	KUNIT_EXPECT_EQ(test, 0,
			vcm_set_res_attr(a->res, VCM_READ | VCM_WRITE | VCM_CACHED));
	expect_entries(a, a->res, VCM_CACHED);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(a->res));
	aliases_end(a);
}

/* A clone maps as the original does. */
static void cache_clone(struct kunit *test)
{
	struct aliases *a = aliases_new(test, &vcm_bed_one);
	struct vcm_soft_leaf leaf;
	struct vcm_assoc *assoc;
	struct vcm_res *copy;
	struct vcm *clone;
	dma_addr_t addr = vcm_get_dev_addr(a->res);

	KUNIT_ASSERT_EQ(test, 0, vcm_set_res_attr(a->res, VCM_RW | VCM_WC));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(a->res, a->mem));
	clone = vcm_clone(a->bed->vcm);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, clone);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(a->res));
	assoc = space_join(test, clone, a->bed->devs[0]);
	KUNIT_ASSERT_EQ(test, 0, vcm_activate(assoc));
	KUNIT_ASSERT_EQ(test, 0, vcm_soft_walk(a->bed->units[0], a->bed->devs[0],
					       addr, &leaf));
	KUNIT_EXPECT_FALSE(test, leaf.cached);
	KUNIT_ASSERT_EQ(test, 0, vcm_set_res_attr(a->far, VCM_RW | VCM_CACHED));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_back(a->far, a->mem));
	copy = vcm_get_res(clone, addr);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, copy);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(copy));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(copy));
	vcm_res_put(copy);
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(clone));
	aliases_end(a);
}

/* Without an IOMMU there is no entry that could say so. */
static void cache_identity(struct kunit *test)
{
	struct aliases *a = aliases_new(test, &vcm_bed_one);
	struct vcm *one_to_one = vcm_create_identity(0, SZ_2G);
	struct vcm_res *res;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, one_to_one);
	KUNIT_ASSERT_EQ(test, 0, vcm_set_name(one_to_one, "one-to-one"));
	res = space_take(test, one_to_one, MEM_LEN, VCM_RW | VCM_WC);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, vcm_back(res, a->mem));
	KUNIT_EXPECT_TRUE(test, bed_log_has("one-to-one: who is behind no IOMMU cannot be"));
	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(res, VCM_RW | VCM_CACHED));
	if (page_to_phys(a->page) + REAL_LEN <= SZ_2G) {
		KUNIT_EXPECT_EQ(test, 0, vcm_back(res, a->mem));
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	}
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(one_to_one));
	aliases_end(a);
}

/**
 * struct claimant - a thread that backs and unbacks
 * @a: with what
 * @res: its reservation
 * @cache: the cacheability that it asks for
 * @won: how many times it got it
 * @lost: how many times the other one had it
 * @wrong: how many times neither
 * @go: when to begin
 * @task: the thread
 */
struct claimant {
	struct aliases *a;
	struct vcm_res *res;
	u32 cache;
	unsigned int won;
	unsigned int lost;
	unsigned int wrong;
	struct completion *go;
	struct task_struct *task;
};

static int claim(void *data)
{
	struct claimant *c = data;

	wait_for_completion(c->go);
	while (!kthread_should_stop()) {
		int ret = vcm_back(c->res, c->a->mem);

		if (ret == -EINVAL) {
			c->lost++;
		} else if (ret) {
			c->wrong++;
		} else {
			c->won++;
			c->wrong += vcm_phys_cache(c->a->mem) != c->cache;
			cond_resched();
			c->wrong += vcm_phys_cache(c->a->mem) != c->cache;
			c->wrong += vcm_unback(c->res) != 0;
		}
		/* The other one's turn. */
		usleep_range(20, 40);
	}
	return 0;
}

/* Two at a time: one of them loses. */
static void cache_race(struct kunit *test)
{
	struct aliases *a = aliases_new(test, &vcm_bed_mirror);
	DECLARE_COMPLETION_ONSTACK(go);
	struct claimant c[2] = {
		{ a, a->res, VCM_WC }, { a, a->far, VCM_CACHED },
	};
	unsigned int i;

	bed_join(a->bed);
	for (i = 0; i < ARRAY_SIZE(c); i++) {
		KUNIT_ASSERT_EQ(test, 0, vcm_set_res_attr(c[i].res,
							  VCM_RW | c[i].cache));
		c[i].go = &go;
		c[i].task = kthread_run(claim, &c[i], "vcm_claim%u", i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, c[i].task);
	}
	complete_all(&go);
	msleep(100);
	for (i = 0; i < ARRAY_SIZE(c); i++)
		kthread_stop(c[i].task);
	for (i = 0; i < ARRAY_SIZE(c); i++) {
		kunit_info(test, "won %u, lost %u\n", c[i].won, c[i].lost);
		KUNIT_EXPECT_GT(test, c[i].won, 0);
		KUNIT_EXPECT_EQ(test, 0, c[i].wrong);
	}
	aliases_end(a);
}

static bool shows(const char *what)
{
	static char text[256];
	struct seq_file s = { .buf = text, .size = sizeof(text) };

	vcm_cache_show(&s);
	text[min(s.count, sizeof(text) - 1)] = '\0';
	return strstr(text, what);
}

/* Hard case 19 for what is new here; the rest is in the suite vcm_fail. */
static void cache_no_memory(struct kunit *test)
{
	struct aliases *a = aliases_new(test, &vcm_bed_mirror);
	unsigned int nth, failures[3] = {};
	struct vcm_phys *phys;
	bool fired = true;
	int ret;

	if (!vcm_inject_possible())
		kunit_skip(test, "no fault injection in this kernel");
	bed_join(a->bed);
	for (nth = 1; fired; nth++) {
		vcm_inject_arm(nth);
		phys = vcm_phys_alloc(a->type, MEM_LEN, VCM_WC);
		fired = vcm_inject_disarm();
		failures[0] += IS_ERR(phys);
		if (IS_ERR(phys))
			KUNIT_EXPECT_EQ(test, -ENOMEM, PTR_ERR(phys));
		else
			give(test, phys);
		KUNIT_EXPECT_EQ(test, MEM_LEN,
				atomic64_read(&a->type->pools[0].used));
	}
	KUNIT_EXPECT_TRUE(test, shows("cacheability: 0 KiB uncached, 0 KiB write-combining"));
	for (fired = true, nth = 1; fired; nth++) {
		KUNIT_ASSERT_EQ(test, 0, vcm_set_res_attr(a->res, VCM_RW | VCM_WC));
		vcm_inject_arm(nth);
		ret = vcm_back(a->res, a->mem);
		fired = vcm_inject_disarm();
		failures[1] += ret == -ENOMEM;
		KUNIT_EXPECT_TRUE(test, !ret || ret == -ENOMEM);
		if (!ret)
			KUNIT_EXPECT_EQ(test, 0, vcm_unback(a->res));
		bed_expect_idle(a->bed, a->res, a->mem);
		/* It has not decided anything. */
		KUNIT_ASSERT_EQ(test, 0,
				vcm_set_res_attr(a->res, VCM_RW | VCM_CACHED));
		KUNIT_ASSERT_EQ(test, 0, vcm_back(a->res, a->mem));
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(a->res));
	}
	KUNIT_ASSERT_EQ(test, 0, vcm_back(a->res, a->mem));
	for (fired = true, nth = 1; fired; nth++) {
		vcm_inject_arm(nth);
		ret = vcm_set_res_attr(a->res, VCM_RW | VCM_WC);
		fired = vcm_inject_disarm();
		failures[2] += ret == -ENOMEM;
		KUNIT_EXPECT_TRUE(test, !ret || ret == -ENOMEM);
		expect_entries(a, a->res, ret ? VCM_CACHED : VCM_WC);
		KUNIT_EXPECT_EQ(test, 0,
				vcm_set_res_attr(a->res, VCM_RW | VCM_CACHED));
		expect_entries(a, a->res, VCM_CACHED);
	}
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(a->res));
	for (nth = 0; nth < ARRAY_SIZE(failures); nth++)
		KUNIT_EXPECT_GE(test, failures[nth], 1);
	aliases_end(a);
}

/* The second half: the linear map */

static bool has_linear_change(void)
{
#if defined(CONFIG_X86)
	return true;
#elif defined(CONFIG_ARM64)
	return can_set_direct_map();
#else
	return false;
#endif
}

#if defined(CONFIG_X86)
static u64 cache_bits(pgprot_t prot)
{
	return pgprot_val(prot) & _PAGE_CACHE_MASK;
}

static pgprot_t entry_of(unsigned long addr)
{
	unsigned int level;
	pte_t *pte = lookup_address(addr, &level);

	if (!pte || level > PG_LEVEL_2M)
		return PAGE_KERNEL;
	/* A large block says it with other bits. */
	if (level == PG_LEVEL_2M)
		return pgprot_large_2_4k(pmd_pgprot(*(pmd_t *)pte));
	return pte_pgprot(*pte);
}

/* The linear map says what the memory is. */
static bool linear_agrees(phys_addr_t pa, u32 cache)
{
	pgprot_t is = entry_of((unsigned long)phys_to_virt(pa));

	return cache_bits(is) == cache_bits(vcm_pgprot(PAGE_KERNEL, cache));
}
#elif defined(CONFIG_ARM64)
static u64 cache_bits(pgprot_t prot)
{
	return pgprot_val(prot) & PTE_ATTRINDX_MASK;
}

static pgprot_t entry_of(unsigned long addr)
{
	pmd_t *pmd = pmd_off_k(addr);

	return pmd_leaf(*pmd) ? pmd_pgprot(*pmd) :
				pte_pgprot(READ_ONCE(*pte_offset_kernel(pmd, addr)));
}

/* The linear map says nothing. */
static bool linear_agrees(phys_addr_t pa, u32 cache)
{
	return kernel_page_present(pfn_to_page(PHYS_PFN(pa))) ==
	       (cache == VCM_CACHED);
}
#else
static u64 cache_bits(pgprot_t prot)
{
	return pgprot_val(prot);
}

static pgprot_t entry_of(unsigned long addr)
{
	return PAGE_KERNEL;
}

static bool linear_agrees(phys_addr_t pa, u32 cache)
{
	return cache == VCM_CACHED;
}
#endif

/* All pages of memory; tells the first one's address. */
static phys_addr_t expect_linear(struct kunit *test, struct vcm_phys *phys,
				 u32 cache)
{
	phys_addr_t pa, first;
	size_t len, off;
	unsigned int i, wrong = 0;

	for (i = 0; !vcm_get_chunk(phys, i, &pa, &len); i++) {
		first = i ? first : pa;
		for (off = 0; off < len; off += PAGE_SIZE)
			wrong += !linear_agrees(pa + off, cache);
	}
	KUNIT_EXPECT_EQ(test, 0, wrong);
	return first;
}

static void need_linear_change(struct kunit *test)
{
	if (!has_linear_change())
		kunit_skip(test, "this kernel cannot change its linear map");
}

/* Where it cannot be done it is refused, and nothing is kept. */
static void cache_alloc_refused(struct kunit *test)
{
	unsigned long before = bed_free_pages();
	unsigned int i;

	if (has_linear_change())
		kunit_skip(test, "this kernel can");
	for (i = 0; i < 100; i++) {
		KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, refused(NULL, SZ_1M, VCM_WC));
		KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
				refused(NULL, SZ_1M, VCM_UNCACHED));
	}
	KUNIT_EXPECT_EQ(test, 0, refused(NULL, SZ_1M, VCM_CACHED));
	KUNIT_EXPECT_TRUE(test, bed_log_has("no write-combining memory: the linear map has it"));
	KUNIT_EXPECT_GT(test, bed_free_pages() + SZ_32M / PAGE_SIZE, before);
}

/* Some of it is in the linear map, and some not. */
static void cache_alloc_half(struct kunit *test)
{
	struct page *page = real_memory(test);
	struct vcm_memtype *type = make_real(test, page);

	type->pools[0].linear = VCM_LINEAR_SOME;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, refused(type, MEM_LEN, VCM_WC));
	KUNIT_EXPECT_EQ(test, 0, refused(type, MEM_LEN, 0));
	end(test, type);
	free_real_memory(page);
}

static void cache_alloc(struct kunit *test)
{
	static const size_t lens[] = { PAGE_SIZE, SZ_64K + PAGE_SIZE, SZ_4M };
	unsigned int i, j;

	need_linear_change(test);
	for (i = 0; i < ARRAY_SIZE(three); i++) {
		for (j = 0; j < ARRAY_SIZE(lens); j++) {
			struct vcm_phys *phys = get(test, NULL, lens[j], three[i]);
			phys_addr_t pa = expect_linear(test, phys, three[i]);

			give(test, phys);
			/* Put right before anybody else can have it. */
			KUNIT_EXPECT_TRUE(test, linear_agrees(pa, VCM_CACHED));
		}
	}
}

/* The kernel sees it through a context, cleared, and as it is. */
static void cache_kernel(struct kunit *test)
{
	struct vcm_phys *phys;
	struct vcm_res *res;
	struct vcm *kspace;
	unsigned int i;
	u32 *p;

	need_linear_change(test);
	kspace = vcm_create_kernel();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kspace);
	for (i = 0; i < ARRAY_SIZE(three); i++) {
		phys = get(test, NULL, MEM_LEN, VCM_ZERO | three[i]);
		res = space_take(test, kspace, MEM_LEN, VCM_RW);
		KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
		p = vcm_get_kernel_addr(res);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p);
		KUNIT_EXPECT_EQ(test,
				cache_bits(vcm_pgprot(PAGE_KERNEL, three[i])),
				cache_bits(entry_of((unsigned long)p)));
		KUNIT_EXPECT_NULL(test, memchr_inv(p, 0, MEM_LEN));
		memset(p, 0x5a, MEM_LEN);
		KUNIT_EXPECT_NULL(test, memchr_inv(p, 0x5a, MEM_LEN));
		expect_linear(test, phys, three[i]);
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
		space_give(test, res);
		give(test, phys);
	}
	/* The three are not all the same. */
	KUNIT_EXPECT_NE(test, cache_bits(PAGE_KERNEL),
			cache_bits(vcm_pgprot(PAGE_KERNEL, VCM_WC)));
	KUNIT_EXPECT_NE(test, cache_bits(PAGE_KERNEL),
			cache_bits(vcm_pgprot(PAGE_KERNEL, VCM_UNCACHED)));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(kspace));
}

/* Where the architecture has no such mappings, the kernel's context says so. */
static void cache_kernel_refused(struct kunit *test)
{
	struct vcm_res *res;
	struct aliases *a;
	struct vcm *kspace;

	if (pgprot_val(pgprot_writecombine(PAGE_KERNEL)) != pgprot_val(PAGE_KERNEL))
		kunit_skip(test, "this architecture has them");
	a = aliases_new(test, &vcm_bed_one);
	kspace = vcm_create_kernel();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kspace);
	KUNIT_ASSERT_EQ(test, 0, vcm_set_name(kspace, "kspace"));
	res = space_take(test, kspace, MEM_LEN, VCM_RW | VCM_WC);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, vcm_back(res, a->mem));
	KUNIT_EXPECT_TRUE(test, bed_log_has("kspace: this architecture has no such mappings"));
	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(res, VCM_RW));
	KUNIT_EXPECT_EQ(test, 0, vcm_back(res, a->mem));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(kspace));
	aliases_end(a);
}

/* From and to memory that the linear map does not show. */
static void cache_copy(struct kunit *test)
{
	struct vcm_phys *phys[2];
	struct vcm_res *res[2];
	struct vcm *kspace;
	unsigned int i, j;
	u8 *from, *to;

	need_linear_change(test);
	kspace = vcm_create_kernel();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kspace);
	for (i = 0; i < ARRAY_SIZE(three); i++) {
		for (j = 0; j < ARRAY_SIZE(three); j++) {
			phys[0] = get(test, NULL, SZ_4M, VCM_ZERO | three[i]);
			phys[1] = get(test, NULL, SZ_4M, VCM_ZERO | three[j]);
			res[0] = space_take(test, kspace, SZ_4M, VCM_RW);
			res[1] = space_take(test, kspace, SZ_4M, VCM_RW);
			KUNIT_ASSERT_EQ(test, 0, vcm_back(res[0], phys[0]));
			KUNIT_ASSERT_EQ(test, 0, vcm_back(res[1], phys[1]));
			from = vcm_get_kernel_addr(res[0]);
			to = vcm_get_kernel_addr(res[1]);
			memset(from + 100, 0xa5, SZ_2M);
			KUNIT_EXPECT_EQ(test, SZ_2M,
					vcm_res_copy(res[1], 4095, res[0], 100,
						     SZ_2M));
			KUNIT_EXPECT_NULL(test, memchr_inv(to, 0, 4095));
			KUNIT_EXPECT_NULL(test,
					  memchr_inv(to + 4095, 0xa5, SZ_2M));
			KUNIT_EXPECT_NULL(test,
					  memchr_inv(to + 4095 + SZ_2M, 0, SZ_1M));
			KUNIT_EXPECT_EQ(test, 0, vcm_unback(res[0]));
			KUNIT_EXPECT_EQ(test, 0, vcm_unback(res[1]));
			space_give(test, res[0]);
			space_give(test, res[1]);
			give(test, phys[0]);
			give(test, phys[1]);
		}
	}
	KUNIT_EXPECT_EQ(test, 0, vcm_free(kspace));
}

/* The new memory is what the old was, and the old is ordinary again. */
static void cache_migrate(struct kunit *test)
{
	struct vcm_phys *phys;
	struct vcm_res *res;
	phys_addr_t old, new;
	struct vcm *kspace;
	u8 *p;

	need_linear_change(test);
	kspace = vcm_create_kernel();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kspace);
	phys = get(test, NULL, MEM_LEN, VCM_WC | VCM_CONTIG);
	res = space_take(test, kspace, MEM_LEN, VCM_RW | VCM_WC);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	p = vcm_get_kernel_addr(res);
	memset(p, 0x77, MEM_LEN);
	old = expect_linear(test, phys, VCM_WC);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vcm_phys_migrate(phys, NULL, VCM_CACHED, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vcm_phys_migrate(phys, NULL, VCM_UNCACHED, 0));
	KUNIT_EXPECT_TRUE(test, bed_log_has("mapped, cannot move to memory that is cached"));
	KUNIT_EXPECT_EQ(test, old, expect_linear(test, phys, VCM_WC));

	KUNIT_EXPECT_EQ(test, 0, vcm_phys_migrate(phys, NULL, VCM_CONTIG, 0));
	new = expect_linear(test, phys, VCM_WC);
	KUNIT_EXPECT_NE(test, old, new);
	KUNIT_EXPECT_TRUE(test, linear_agrees(old, VCM_CACHED));
	KUNIT_EXPECT_NULL(test, memchr_inv(p, 0x77, MEM_LEN));
	KUNIT_EXPECT_EQ(test, cache_bits(vcm_pgprot(PAGE_KERNEL, VCM_WC)),
			cache_bits(entry_of((unsigned long)p)));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));

	/* Nobody maps it, so nobody minds. */
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_migrate(phys, NULL, VCM_CACHED, 0));
	expect_linear(test, phys, VCM_CACHED);
	KUNIT_EXPECT_TRUE(test, linear_agrees(new, VCM_CACHED));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(res, VCM_RW));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_NULL(test, memchr_inv(p, 0x77, MEM_LEN));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	give(test, phys);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(kspace));
}

static void cache_show(struct kunit *test)
{
	struct aliases *a = aliases_new(test, &vcm_bed_one);
	struct vcm_phys *wc, *uc;

	KUNIT_EXPECT_TRUE(test, shows("cacheability: 0 KiB uncached, 0 KiB write-combining"));
	wc = get(test, a->type, SZ_64K, VCM_WC);
	uc = get(test, a->type, PAGE_SIZE, VCM_UNCACHED);
	KUNIT_EXPECT_TRUE(test, shows("cacheability: 4 KiB uncached, 64 KiB write-combining"));
	give(test, wc);
	give(test, uc);
	KUNIT_EXPECT_TRUE(test, shows("cacheability: 0 KiB uncached, 0 KiB write-combining"));
	aliases_end(a);
}

static struct kunit_case vcm_cache_cases[] = {
	KUNIT_CASE_PARAM(cache_entries, vcm_bed_gen_params),
	KUNIT_CASE(cache_of_allocation),
	KUNIT_CASE(cache_second_mapper),
	KUNIT_CASE(cache_linear_map),
	KUNIT_CASE_PARAM(cache_live, vcm_bed_gen_params),
	KUNIT_CASE(cache_clone),
	KUNIT_CASE(cache_identity),
	KUNIT_CASE(cache_race),
	KUNIT_CASE(cache_no_memory),
	KUNIT_CASE(cache_alloc_refused),
	KUNIT_CASE(cache_alloc_half),
	KUNIT_CASE(cache_alloc),
	KUNIT_CASE(cache_kernel),
	KUNIT_CASE(cache_kernel_refused),
	KUNIT_CASE(cache_copy),
	KUNIT_CASE(cache_migrate),
	KUNIT_CASE(cache_show),
	{}
};

static struct kunit_suite vcm_cache_suite = {
	.name = "vcm_cache",
	.suite_init = vcm_inject_init,
	.suite_exit = vcm_inject_exit,
	.test_cases = vcm_cache_cases,
};

kunit_test_suite(vcm_cache_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: cacheability");
MODULE_LICENSE("GPL");
