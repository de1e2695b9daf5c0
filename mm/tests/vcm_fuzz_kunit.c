// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of VCMM: a random walk.
 *
 * The walk takes any call with nearly any argument, on a few contexts, devices
 * and units of all formats. A model in plain arrays predicts what each call
 * returns and where each reservation lies; every few steps, each device must
 * see exactly what the model says. The seed is printed, and
 * vcm_fuzz_kunit.seed= repeats a walk.
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/sizes.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"

static unsigned long long seed;
module_param(seed, ullong, 0444);
MODULE_PARM_DESC(seed, "Seed of the walk, 0 for a random one");

static unsigned int steps = 4000;
module_param(steps, uint, 0444);
MODULE_PARM_DESC(steps, "Steps of the walk");

#define NR_CTX		3
#define NR_RES		14
#define NR_PHYS		6
#define NR_PIECES	4
#define NR_DEV		6

#define CTX_START	((dma_addr_t)SZ_256M + PAGE_SIZE)
#define CTX_LEN		((u64)SZ_64M)
#define CTX_LAST	(CTX_START + CTX_LEN - 1)
#define HALF		(PAGE_SIZE / 2)

/* The device behind the last unit cannot use these. */
#define WINDOW		((dma_addr_t)SZ_256M + SZ_1M)
#define WINDOW_LAST	(WINDOW + SZ_128K - 1)

static const enum vcm_soft_format formats[NR_DEV] = {
	VCM_SOFT_LPAE, VCM_SOFT_V7S, VCM_SOFT_HALF,
	VCM_SOFT_LPAE, VCM_SOFT_HALF, VCM_SOFT_LPAE,
};

static const unsigned long pgsizes[VCM_SOFT_NR_FORMATS] = {
	[VCM_SOFT_LPAE] = SZ_4K | SZ_2M | SZ_1G,
	[VCM_SOFT_V7S] = SZ_4K | SZ_64K | SZ_1M | SZ_16M,
	[VCM_SOFT_HALF] = HALF,
};

struct model_piece {
	unsigned int phys;
	size_t off, phys_off, len;
};

struct model_res {
	struct vcm_res *res;
	unsigned int ctx;
	u64 first, last;
	u32 attr;
	unsigned int nr;
	struct model_piece pieces[NR_PIECES];
};

struct model_phys {
	struct vcm_phys *phys;
	size_t len;
	u32 serial;
	unsigned int users;
};

/**
 * struct model - what must be true
 * @test: the test
 * @rnd: where the dice come from
 * @serial: number of allocations so far
 * @step: the step of the walk
 * @refused: how many calls were refused
 * @ctx: contexts
 * @res: reservations, empty where there is no &model_res.res
 * @phys: allocations, empty where there is no &model_phys.phys
 * @units: one for each device
 * @devs: devices
 * @assocs: who is where, NULL if it is not
 * @rights: what the device may do at most there
 * @gone: the device of the association went away
 * @active: the context that a device is active on, or -1
 */
struct model {
	struct kunit *test;
	struct rnd_state rnd;
	u32 serial;
	unsigned int step;
	unsigned int refused;

	struct vcm *ctx[NR_CTX];
	struct model_res res[NR_RES];
	struct model_phys phys[NR_PHYS];
	struct vcm_iommu *units[NR_DEV];
	struct device *devs[NR_DEV];
	struct vcm_assoc *assocs[NR_CTX][NR_DEV];
	u32 rights[NR_CTX][NR_DEV];
	bool gone[NR_CTX][NR_DEV];
	int active[NR_DEV];
};

static u32 roll(struct model *m, u32 below)
{
	return prandom_u32_state(&m->rnd) % below;
}

/* The call must say what the model says. */
static void expect_ret(struct model *m, int want, int got, const char *what)
{
	m->refused += !!want;
	KUNIT_ASSERT_EQ_MSG(m->test, want, got, "step %u: %s", m->step, what);
}

static bool is_on(struct model *m, unsigned int ctx, unsigned int dev)
{
	return m->assocs[ctx][dev] && !m->gone[ctx][dev];
}

static unsigned long model_pgsizes(struct model *m, unsigned int ctx)
{
	unsigned long all = 0, granule = 0;
	unsigned int i;

	for (i = 0; i < NR_DEV; i++)
		if (is_on(m, ctx, i)) {
			all |= pgsizes[formats[i]];
			granule = max(granule, BIT(__ffs(pgsizes[formats[i]])));
		}
	if (!all)
		return PAGE_SIZE | SZ_64K | SZ_1M | SZ_2M;
	return all & ~(granule - 1);
}

static u64 model_granule(struct model *m, unsigned int ctx)
{
	return BIT(__ffs(model_pgsizes(m, ctx)));
}

static bool model_has_window(struct model *m, unsigned int ctx)
{
	return is_on(m, ctx, NR_DEV - 1);
}

static bool in_window(u64 first, u64 last)
{
	return first <= WINDOW_LAST && last >= WINDOW;
}

/* The end of something in the way of [@first, @last], or 0. */
static u64 model_obstacle(struct model *m, unsigned int ctx, u64 first,
			  u64 last)
{
	unsigned int i;

	for (i = 0; i < NR_RES; i++)
		if (m->res[i].res && m->res[i].ctx == ctx &&
		    m->res[i].first <= last && m->res[i].last >= first)
			return m->res[i].last;
	return 0;
}

static u64 model_lowest(struct model *m, unsigned int ctx, u64 len, u64 align)
{
	u64 first = ALIGN(CTX_START, align), end;

	for (;;) {
		end = model_obstacle(m, ctx, first, first + len - 1);
		if (!end && model_has_window(m, ctx) &&
		    in_window(first, first + len - 1))
			end = WINDOW_LAST;
		if (!end)
			return first;
		first = ALIGN(end + 1, align);
	}
}

static u32 roll_len(struct model *m)
{
	static const u32 scales[] = { SZ_8K, SZ_64K, SZ_256K, SZ_2M + SZ_64K };

	return 1 + roll(m, scales[roll(m, ARRAY_SIZE(scales))]);
}

static struct model_res *empty_res(struct model *m)
{
	unsigned int i;

	for (i = 0; i < NR_RES; i++)
		if (!m->res[i].res)
			return &m->res[i];
	return NULL;
}

static void note_res(struct model *m, struct model_res *r, unsigned int ctx,
		     struct vcm_res *res, u64 len, u32 attr)
{
	KUNIT_ASSERT_NOT_ERR_OR_NULL(m->test, res);
	*r = (struct model_res){
		.res = res, .ctx = ctx, .first = vcm_get_dev_addr(res),
		.last = vcm_get_dev_addr(res) + len - 1, .attr = attr,
	};
	KUNIT_ASSERT_EQ(m->test, len, vcm_get_res_len(res));
}

static void walk_reserve(struct model *m)
{
	unsigned int ctx = roll(m, NR_CTX), order = 0;
	u64 len = round_up(roll_len(m), model_granule(m, ctx)), align, want;
	u32 attr = roll(m, 3) ? VCM_RW : VCM_READ;
	struct model_res *r = empty_res(m);

	if (!r)
		return;
	if (roll(m, 4) == 0)
		order = 1 + roll(m, 22);
	align = order ? max(BIT_ULL(order), model_granule(m, ctx)) :
		BIT(__fls(model_pgsizes(m, ctx) & GENMASK(__fls(len), 0)));
	want = model_lowest(m, ctx, len, align);
	note_res(m, r, ctx, vcm_reserve(m->ctx[ctx], len,
					attr | VCM_ALIGN(order)), len, attr);
	KUNIT_ASSERT_EQ_MSG(m->test, want, r->first, "step %u", m->step);
}

static void walk_reserve_at(struct model *m)
{
	unsigned int ctx = roll(m, NR_CTX);
	u64 granule = model_granule(m, ctx), len = roll_len(m), addr, last;
	struct model_res *r = empty_res(m);
	struct vcm_res *res;
	int want = 0;

	if (!r)
		return;
	addr = CTX_START - SZ_64K + roll(m, SZ_4M) / HALF * HALF;
	if (roll(m, 4) == 0)
		addr = CTX_LAST - roll(m, SZ_128K) / HALF * HALF - HALF + 1;
	last = addr + round_up(len, granule) - 1;
	if (!IS_ALIGNED(addr, granule))
		want = -EINVAL;
	else if (addr < CTX_START || last > CTX_LAST ||
		 (model_has_window(m, ctx) && in_window(addr, last)))
		want = -ERANGE;
	else if (model_obstacle(m, ctx, addr, last))
		want = -EBUSY;

	res = vcm_reserve_at(m->ctx[ctx], addr, len, VCM_RW);
	expect_ret(m, want, PTR_ERR_OR_ZERO(res), "vcm_reserve_at()");
	if (!want) {
		note_res(m, r, ctx, res, last - addr + 1, VCM_RW);
		KUNIT_ASSERT_EQ(m->test, addr, r->first);
	}
}

static void walk_unreserve(struct model *m)
{
	struct model_res *r = &m->res[roll(m, NR_RES)];

	if (!r->res)
		return;
	expect_ret(m, r->nr ? -EBUSY : 0, vcm_unreserve(r->res),
		   "vcm_unreserve()");
	if (!r->nr)
		r->res = NULL;
}

/* What the allocation holds at @off, in every half of a page. */
static u64 content(const struct model_phys *p, size_t off)
{
	return (u64)p->serial << 32 | (off & ~(HALF - 1));
}

static void fill(struct model_phys *p)
{
	size_t len, off, at = 0;
	phys_addr_t pa;
	unsigned int i;

	for (i = 0; !vcm_get_chunk(p->phys, i, &pa, &len); i++)
		for (off = 0; off < len; off += HALF, at += HALF) {
			void *page = kmap_local_pfn(PHYS_PFN(pa + off));

			*(u64 *)(page + offset_in_page(off)) = content(p, at);
			kunmap_local(page);
		}
}

static void walk_alloc(struct model *m)
{
	struct model_phys *p = &m->phys[roll(m, NR_PHYS)];
	size_t len = roll_len(m);

	if (p->phys) {
		expect_ret(m, p->users ? -EBUSY : 0, vcm_phys_free(p->phys),
			   "vcm_phys_free()");
		if (!p->users)
			p->phys = NULL;
		return;
	}
	p->phys = vcm_phys_alloc(NULL, len, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(m->test, p->phys);
	p->len = PAGE_ALIGN(len);
	KUNIT_ASSERT_EQ(m->test, p->len, vcm_get_phys_len(p->phys));
	p->serial = ++m->serial;
	fill(p);
}

static void note_piece(struct model *m, struct model_res *r, unsigned int phys,
		       size_t off, size_t phys_off, size_t len)
{
	r->pieces[r->nr++] = (struct model_piece){
		.phys = phys, .off = off, .phys_off = phys_off, .len = len,
	};
	m->phys[phys].users++;
}

static void walk_back(struct model *m)
{
	unsigned int phys = roll(m, NR_PHYS);
	struct model_phys *p = &m->phys[phys];
	struct model_res *r = &m->res[roll(m, NR_RES)];
	int want = 0;

	if (!r->res || !p->phys)
		return;
	if (p->len > r->last - r->first + 1)
		want = -ENOSPC;
	else if (r->nr)
		want = -EBUSY;
	else if (!(r->attr & VCM_RW))
		want = -EACCES;
	expect_ret(m, want, vcm_back(r->res, p->phys), "vcm_back()");
	if (!want)
		note_piece(m, r, phys, 0, 0, p->len);
}

/* The piece that has a byte of [@off, @off + @len), if any. */
static struct model_piece *model_piece(struct model_res *r, size_t off,
				       size_t len)
{
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		if (r->pieces[i].off < off + len &&
		    off < r->pieces[i].off + r->pieces[i].len)
			return &r->pieces[i];
	return NULL;
}

static void walk_back_range(struct model *m)
{
	struct model_res *r = &m->res[roll(m, NR_RES)];
	unsigned int phys = roll(m, NR_PHYS);
	struct model_phys *p = &m->phys[phys];
	size_t off, phys_off, len, whole;
	u64 granule;
	int want = 0;

	if (!r->res || !p->phys || r->nr == NR_PIECES)
		return;
	/* Smaller than what is usual, so that several find room. */
	granule = roll(m, 8) ? model_granule(m, r->ctx) : HALF;
	whole = r->last - r->first + 1;
	off = roll(m, whole + HALF) / granule * granule;
	phys_off = roll(m, p->len + HALF) / granule * granule;
	len = (1 + roll(m, min(whole, p->len))) / granule * granule;
	if (!len)
		len = granule;

	if (len > whole || off > whole - len)
		want = -ENOSPC;
	else if (len > p->len || phys_off > p->len - len)
		want = -ERANGE;
	else if ((off | phys_off | len) & (model_granule(m, r->ctx) - 1))
		want = -EINVAL;
	else if (!(r->attr & VCM_RW))
		want = -EACCES;
	else if (model_piece(r, off, len))
		want = -EBUSY;
	expect_ret(m, want, vcm_back_range(r->res, off, p->phys, phys_off, len),
		   "vcm_back_range()");
	if (!want)
		note_piece(m, r, phys, off, phys_off, len);
}

static void walk_unback(struct model *m)
{
	struct model_res *r = &m->res[roll(m, NR_RES)];

	if (!r->res)
		return;
	expect_ret(m, r->nr ? 0 : -ENOENT, vcm_unback(r->res), "vcm_unback()");
	while (r->nr)
		m->phys[r->pieces[--r->nr].phys].users--;
}

/* The same contents elsewhere; what each device sees is looked at later. */
static void walk_migrate(struct model *m)
{
	struct model_phys *p = &m->phys[roll(m, NR_PHYS)];
	phys_addr_t old, new;
	size_t len;

	if (!p->phys || roll(m, 2))
		return;
	KUNIT_ASSERT_EQ(m->test, 0, vcm_get_chunk(p->phys, 0, &old, &len));
	expect_ret(m, 0, vcm_phys_migrate(p->phys, NULL, 0,
					  roll(m, 2) ? VCM_NO_WRITES : 0),
		   "vcm_phys_migrate()");
	KUNIT_ASSERT_EQ(m->test, 0, vcm_get_chunk(p->phys, 0, &new, &len));
	KUNIT_ASSERT_NE(m->test, old, new);
	KUNIT_ASSERT_EQ(m->test, p->len, vcm_get_phys_len(p->phys));
}

static void walk_set_attr(struct model *m)
{
	static const u32 rights[] = { 0, VCM_READ, VCM_RW, VCM_READ | VCM_EXEC };
	struct model_res *r = &m->res[roll(m, NR_RES)];
	u32 attr = rights[roll(m, ARRAY_SIZE(rights))];
	int want = 0;

	if (!r->res)
		return;
	if (!attr && r->nr)
		want = -EACCES;
	attr |= vcm_get_res_attr(r->res) & VCM_ALIGN_MASK;
	expect_ret(m, want, vcm_set_res_attr(r->res, attr), "vcm_set_res_attr()");
	if (!want)
		r->attr = attr;
}

static bool pieces_fit(const struct model_res *r, u64 granule)
{
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		if (!IS_ALIGNED(r->pieces[i].off | r->pieces[i].phys_off |
				r->pieces[i].len, granule))
			return false;
	return true;
}

static bool model_fits(struct model *m, unsigned int ctx, unsigned int dev)
{
	u64 granule = BIT(__ffs(pgsizes[formats[dev]]));
	unsigned int i;

	for (i = 0; i < NR_RES; i++) {
		struct model_res *r = &m->res[i];

		if (!r->res || r->ctx != ctx)
			continue;
		if (!IS_ALIGNED(r->first | (r->last + 1), granule) ||
		    !pieces_fit(r, granule))
			return false;
		if (dev == NR_DEV - 1 && in_window(r->first, r->last))
			return false;
	}
	return true;
}

/* The handle of what is gone is put away, or it would be in the way. */
static void forget_gone(struct model *m, unsigned int ctx, unsigned int dev)
{
	if (!m->gone[ctx][dev])
		return;
	expect_ret(m, 0, vcm_deassoc(m->assocs[ctx][dev]), "gone");
	m->assocs[ctx][dev] = NULL;
	m->gone[ctx][dev] = false;
}

/* What must come of it when the device wants to join the context. */
static int want_join(struct model *m, unsigned int ctx, unsigned int dev)
{
	if (m->assocs[ctx][dev])
		return -EEXIST;
	return model_fits(m, ctx, dev) ? 0 : -ERANGE;
}

static u32 roll_rights(struct model *m)
{
	static const u32 rights[] = { 0, 0, VCM_READ, VCM_RW };

	return rights[roll(m, ARRAY_SIZE(rights))];
}

static void walk_assoc(struct model *m)
{
	unsigned int ctx = roll(m, NR_CTX), dev = roll(m, NR_DEV);
	u32 rights = roll_rights(m);
	struct vcm_assoc *assoc;
	int want;

	forget_gone(m, ctx, dev);
	want = want_join(m, ctx, dev);
	/* Each of these says why in the log. */
	if (want == -ERANGE && roll(m, 16))
		return;
	assoc = vcm_assoc(m->ctx[ctx], m->devs[dev], rights);
	expect_ret(m, want, PTR_ERR_OR_ZERO(assoc), "vcm_assoc()");
	if (want)
		return;
	m->assocs[ctx][dev] = assoc;
	m->rights[ctx][dev] = rights;
}

static void walk_restrict(struct model *m)
{
	unsigned int ctx = roll(m, NR_CTX), dev = roll(m, NR_DEV);
	u32 rights = roll_rights(m);

	if (!is_on(m, ctx, dev))
		return;
	expect_ret(m, 0, vcm_set_assoc_attr(m->assocs[ctx][dev], rights),
		   "vcm_set_assoc_attr()");
	m->rights[ctx][dev] = rights;
}

static void walk_move(struct model *m)
{
	unsigned int from = roll(m, NR_CTX), to = roll(m, NR_CTX);
	unsigned int dev = roll(m, NR_DEV);
	int want;

	if (!is_on(m, from, dev))
		return;
	forget_gone(m, to, dev);
	want = want_join(m, to, dev);
	if (want == -ERANGE && roll(m, 16))
		return;
	expect_ret(m, want, vcm_assoc_move(m->assocs[from][dev], m->ctx[to]),
		   "vcm_assoc_move()");
	if (want)
		return;
	swap(m->assocs[from][dev], m->assocs[to][dev]);
	swap(m->rights[from][dev], m->rights[to][dev]);
	if (m->active[dev] == from)
		m->active[dev] = to;
}

static void walk_activate(struct model *m)
{
	unsigned int ctx = roll(m, NR_CTX), dev = roll(m, NR_DEV);
	struct vcm_assoc *assoc = m->assocs[ctx][dev];
	int want = 0;

	if (!assoc)
		return;
	if (m->gone[ctx][dev])
		want = -ENODEV;
	else if (m->active[dev] >= 0)
		want = -EBUSY;
	expect_ret(m, want, vcm_activate(assoc), "vcm_activate()");
	if (!want)
		m->active[dev] = ctx;
}

static void walk_deactivate(struct model *m)
{
	unsigned int ctx = roll(m, NR_CTX), dev = roll(m, NR_DEV);
	struct vcm_assoc *assoc = m->assocs[ctx][dev];
	int want = 0;

	if (!assoc)
		return;
	if (m->gone[ctx][dev])
		want = -ENODEV;
	else if (m->active[dev] != ctx)
		want = -ENOENT;
	expect_ret(m, want, vcm_deactivate(assoc), "vcm_deactivate()");
	if (!want)
		m->active[dev] = -1;
}

static void walk_deassoc(struct model *m)
{
	unsigned int ctx = roll(m, NR_CTX), dev = roll(m, NR_DEV);
	struct vcm_assoc *assoc = m->assocs[ctx][dev];
	int want;

	if (!assoc)
		return;
	want = is_on(m, ctx, dev) && m->active[dev] == ctx ? -EBUSY : 0;
	expect_ret(m, want, vcm_deassoc(assoc), "vcm_deassoc()");
	if (!want) {
		m->assocs[ctx][dev] = NULL;
		m->gone[ctx][dev] = false;
	}
}

/* A device is unplugged, and another one plugged in. */
static void walk_unplug(struct model *m)
{
	unsigned int dev = roll(m, NR_DEV), ctx;

	if (roll(m, 4))
		return;
	kunit_device_unregister(m->test, m->devs[dev]);
	m->devs[dev] = bed_device(m->test, m->units[dev]);
	for (ctx = 0; ctx < NR_CTX; ctx++)
		m->gone[ctx][dev] = m->assocs[ctx][dev];
	m->active[dev] = -1;
}

static void walk_free(struct model *m)
{
	unsigned int ctx = roll(m, NR_CTX), i;
	int want = 0;

	for (i = 0; i < NR_RES; i++)
		if (m->res[i].res && m->res[i].ctx == ctx)
			want = -EBUSY;
	for (i = 0; i < NR_DEV; i++)
		if (is_on(m, ctx, i))
			want = -EBUSY;
	expect_ret(m, want, vcm_free(m->ctx[ctx]), "vcm_free()");
	if (want)
		return;
	m->ctx[ctx] = space_new(m->test, CTX_START, CTX_LEN);
	for (i = 0; i < NR_DEV; i++) {
		m->assocs[ctx][i] = NULL;
		m->gone[ctx][i] = false;
	}
}

static void (*const walks[])(struct model *m) = {
	walk_reserve, walk_reserve, walk_reserve_at, walk_unreserve,
	walk_alloc, walk_alloc, walk_back, walk_back, walk_back, walk_unback,
	walk_back_range, walk_back_range, walk_back_range, walk_set_attr,
	walk_migrate,
	walk_unback, walk_assoc, walk_assoc, walk_activate, walk_activate,
	walk_move, walk_restrict, walk_deactivate, walk_deassoc, walk_unplug, walk_free,
};

static int dma(struct model *m, unsigned int dev, u64 addr, u64 *value,
	       u32 access)
{
	return vcm_soft_dma(m->units[dev], m->devs[dev], addr, value,
			    sizeof(*value), access);
}

/* One address of a reservation, as a device that is active there sees it. */
static void expect_seen(struct model *m, unsigned int dev,
			struct model_res *r, size_t off)
{
	const struct model_piece *there = model_piece(r, off, 1);
	u64 addr = (r->first + off) & ~(HALF - 1), value = 0;
	u32 may = r->attr & (m->rights[r->ctx][dev] ?: VCM_RW);

	KUNIT_ASSERT_EQ_MSG(m->test, there ? 0 : -EFAULT,
			    dma(m, dev, addr, &value, VCM_READ),
			    "step %u: device %u, %llx", m->step, dev, addr);
	if (!there)
		return;
	KUNIT_ASSERT_EQ_MSG(m->test, content(&m->phys[there->phys],
					     off - there->off + there->phys_off),
			    value,
			    "step %u: device %u, %llx", m->step, dev, addr);
	KUNIT_ASSERT_EQ_MSG(m->test, may & VCM_WRITE ? 0 : -EFAULT,
			    dma(m, dev, addr, &value, VCM_WRITE),
			    "step %u: device %u, %llx", m->step, dev, addr);
}

static void expect_device(struct model *m, unsigned int dev)
{
	int ctx = m->active[dev];
	unsigned int i, j;
	u64 addr, value;

	if (ctx < 0) {
		KUNIT_ASSERT_EQ(m->test, -ENXIO,
				dma(m, dev, CTX_START, &value, VCM_READ));
		return;
	}
	for (i = 0; i < NR_RES; i++) {
		struct model_res *r = &m->res[i];
		size_t len;

		if (!r->res || r->ctx != ctx)
			continue;
		len = r->last - r->first + 1;
		expect_seen(m, dev, r, 0);
		expect_seen(m, dev, r, len - 1);
		expect_seen(m, dev, r, roll(m, len));
		for (j = 0; j < r->nr; j++) {
			const struct model_piece *p = &r->pieces[j];

			expect_seen(m, dev, r, p->off);
			expect_seen(m, dev, r, p->off + p->len - 1);
			expect_seen(m, dev, r, p->off + roll(m, p->len));
		}
	}
	addr = CTX_START + roll(m, SZ_4M) / HALF * HALF;
	if (!model_obstacle(m, ctx, addr, addr))
		KUNIT_ASSERT_EQ(m->test, -EFAULT,
				dma(m, dev, addr, &value, VCM_READ));
}

/* How many reservations map the first byte of an allocation? */
static size_t model_mappers(struct model *m, unsigned int phys)
{
	unsigned int i, j;
	size_t nr = 0;

	for (i = 0; i < NR_RES; i++) {
		for (j = 0; m->res[i].res && j < m->res[i].nr; j++) {
			if (m->res[i].pieces[j].phys != phys ||
			    m->res[i].pieces[j].phys_off)
				continue;
			nr++;
			break;
		}
	}
	return nr;
}

/* All that maps [@first, @last] of an allocation, chunk by chunk. */
static size_t model_places(struct model *m, unsigned int phys, size_t first,
			   size_t last, size_t *bytes)
{
	size_t nr = 0;
	unsigned int i, j;

	for (i = 0; i < NR_RES; i++) {
		for (j = 0; m->res[i].res && j < m->res[i].nr; j++) {
			const struct model_piece *p = &m->res[i].pieces[j];
			size_t end = p->phys_off + p->len - 1;

			if (p->phys != phys || p->phys_off > last || end < first)
				continue;
			nr++;
			*bytes += min(end, last) - max(p->phys_off, first) + 1;
		}
	}
	return nr;
}

/* A range of one chunk: the list is what the model says, and right. */
static void expect_mappers(struct model *m, unsigned int phys)
{
	struct vcm_phys *p = m->phys[phys].phys;
	size_t len, want, bytes = 0, nr = 0, sum = 0, at = 0, first, n;
	struct vcm_mapper mapper;
	phys_addr_t pa;
	unsigned int i;

	for (i = 0; !vcm_get_chunk(p, i, &pa, &len); i++, at += len) {
		first = roll(m, len);
		n = 1 + roll(m, len - first);
		want = model_places(m, phys, at + first, at + first + n - 1,
				    &bytes);
		nr = 0;
		vcm_for_each_mapper(pa + first, n, &mapper) {
			struct vcm_piece *piece;

			KUNIT_ASSERT_PTR_EQ(m->test, p, mapper.phys);
			KUNIT_ASSERT_GE(m->test, mapper.pa, pa + first);
			KUNIT_ASSERT_LE(m->test, mapper.pa + mapper.len,
					pa + first + n);
			piece = vcm_res_find_piece(mapper.res, mapper.off,
						   mapper.off);
			KUNIT_ASSERT_NOT_NULL(m->test, piece);
			KUNIT_ASSERT_EQ(m->test, mapper.pa - pa + at,
					mapper.off - piece->off +
					piece->mapper.start);
			nr++;
			sum += mapper.len;
		}
		KUNIT_ASSERT_EQ(m->test, want, nr);
		KUNIT_ASSERT_EQ(m->test, bytes, sum);
	}
}

static void expect_books(struct model *m)
{
	unsigned int i, ctx, used;
	phys_addr_t pa;
	size_t nr, len;

	for (ctx = 0; ctx < NR_CTX; ctx++) {
		for (nr = 0, i = 0; i < NR_RES; i++)
			nr += m->res[i].res && m->res[i].ctx == ctx;
		KUNIT_ASSERT_EQ(m->test, nr, vcm_get_num_res(m->ctx[ctx]));
		for (used = 0, i = 0; i < NR_DEV; i++)
			if (is_on(m, ctx, i))
				used |= BIT(4 * formats[i] +
					    (m->rights[ctx][i] & VCM_RW));
		KUNIT_ASSERT_EQ(m->test, hweight32(used),
				vcm_get_num_tables(m->ctx[ctx]));
		KUNIT_ASSERT_EQ(m->test, model_granule(m, ctx),
				vcm_get_min_page_size(m->ctx[ctx]));
	}
	for (i = 0; i < NR_PHYS; i++) {
		if (!m->phys[i].phys)
			continue;
		vcm_get_chunk(m->phys[i].phys, 0, &pa, &len);
		KUNIT_ASSERT_EQ(m->test, model_mappers(m, i),
				vcm_get_phys_num_res(pa));
		expect_mappers(m, i);
	}
}

static struct model *model_new(struct kunit *test, u64 from)
{
	struct model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->test = test;
	prandom_seed_state(&m->rnd, from);
	for (i = 0; i < NR_CTX; i++)
		m->ctx[i] = space_new(test, CTX_START, CTX_LEN);
	for (i = 0; i < NR_DEV; i++) {
		struct vcm_soft_config config = { .format = formats[i] };

		if (i == NR_DEV - 1) {
			config.reserved_first = WINDOW;
			config.reserved_len = WINDOW_LAST - WINDOW + 1;
		}
		m->devs[i] = bed_limited(test, &m->units[i], config);
		m->active[i] = -1;
	}
	return m;
}

static void model_end(struct model *m)
{
	struct kunit *test = m->test;
	unsigned int i, ctx;

	for (i = 0; i < NR_RES; i++) {
		if (m->res[i].res && m->res[i].nr)
			KUNIT_EXPECT_EQ(test, 0, vcm_unback(m->res[i].res));
		if (m->res[i].res)
			space_give(test, m->res[i].res);
	}
	for (i = 0; i < NR_PHYS; i++)
		if (m->phys[i].phys)
			KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(m->phys[i].phys));
	for (ctx = 0; ctx < NR_CTX; ctx++) {
		for (i = 0; i < NR_DEV; i++) {
			if (m->active[i] == ctx)
				KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(m->assocs[ctx][i]));
			if (m->assocs[ctx][i])
				KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(m->assocs[ctx][i]));
		}
		KUNIT_EXPECT_EQ(test, 0, vcm_free(m->ctx[ctx]));
	}
	for (i = 0; i < NR_DEV; i++)
		KUNIT_EXPECT_EQ(test, 0, vcm_soft_table_pages(m->units[i]));
}

static void fuzz_walk(struct kunit *test)
{
	u64 from = seed ?: get_random_u64();
	struct model *m = model_new(test, from);
	unsigned int i;

	kunit_info(test, "vcm_fuzz_kunit.seed=%llu vcm_fuzz_kunit.steps=%u",
		   from, steps);
	for (m->step = 0; m->step < steps; m->step++) {
		walks[roll(m, ARRAY_SIZE(walks))](m);
		if (m->step % 8)
			continue;
		expect_books(m);
		for (i = 0; i < NR_DEV; i++)
			expect_device(m, i);
		cond_resched();
	}
	/* A walk on which nothing is refused has not tried enough. */
	KUNIT_EXPECT_GT(test, m->refused, steps / 20);
	model_end(m);
}

static struct kunit_case vcm_fuzz_cases[] = {
	KUNIT_CASE_SLOW(fuzz_walk),
	{}
};

static struct kunit_suite vcm_fuzz_suite = {
	.name = "vcm_fuzz",
	.test_cases = vcm_fuzz_cases,
};

kunit_test_suite(vcm_fuzz_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: a random walk");
MODULE_LICENSE("GPL");
