// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of VCMM: memory that moves while it is mapped.
 *
 * Promise P10: one call, every mapper of whatever context at the same address,
 * the right bytes, the old memory unreachable; all or nothing; and what devices
 * see meanwhile, with and without VCM_NO_WRITES.
 */
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/kthread.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"
#include "vcm_memtype_test.h"

#define MEM_LEN		(SZ_256K + SZ_64K + PAGE_SIZE)
#define PIECE_LEN	SZ_64K

/*
 * Memory that is mapped as a whole in a context with devices, in two pieces
 * (one of them a second time) by another reservation there next to a piece of
 * other memory, and in a context without devices.
 */
struct moves {
	struct kunit *test;
	struct vcm_bed *bed;
	struct vcm *bare;
	struct vcm_phys *mem, *other;
	struct vcm_res *whole, *pieces, *far;
	dma_addr_t addr;
	phys_addr_t old;
};

static const size_t offs[] = {
	0, PAGE_SIZE - 1, PAGE_SIZE, SZ_64K + 5, SZ_256K - 1, MEM_LEN - 1,
};

/* A mark in each place that is looked at. */
static void write_marks(struct moves *m, u8 mark)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(offs); i++) {
		u8 byte = mark + i;

		KUNIT_EXPECT_EQ(m->test, 0,
				vcm_soft_dma(m->bed->units[0], m->bed->devs[0],
					     m->addr + offs[i], &byte, 1,
					     VCM_WRITE));
	}
}

static void expect_marks(struct moves *m, u8 mark)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(offs); i++) {
		KUNIT_EXPECT_EQ(m->test, (u8)(mark + i), phys_peek(m->mem, offs[i]));
		for (j = 0; j < m->bed->nr; j++) {
			u8 byte = 0;

			KUNIT_EXPECT_EQ(m->test, 0,
					vcm_soft_dma(m->bed->units[j],
						     m->bed->devs[j],
						     m->addr + offs[i], &byte,
						     1, VCM_READ));
			KUNIT_EXPECT_EQ(m->test, (u8)(mark + i), byte);
		}
	}
}

static struct moves *moves_new(struct kunit *test,
			       const struct vcm_bed_kind *kind)
{
	struct moves *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	size_t len;

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->test = test;
	m->bed = bed_new(test, kind);
	m->bare = space_new(test, 0, SZ_16M);
	m->mem = bed_alloc(m->bed, MEM_LEN, 0);
	m->other = bed_alloc(m->bed, PIECE_LEN, 0);
	phys_fill(m->other, 0x33);
	m->whole = bed_reserve(m->bed, SZ_512K, VCM_RW);
	m->pieces = bed_reserve(m->bed, SZ_512K, VCM_READ);
	m->far = space_take(test, m->bare, SZ_512K, VCM_READ);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(m->whole, m->mem));
	KUNIT_ASSERT_EQ(test, 0, vcm_back_range(m->pieces, 0, m->mem, 0,
						PIECE_LEN));
	KUNIT_ASSERT_EQ(test, 0, vcm_back_range(m->pieces, PIECE_LEN, m->other,
						0, PIECE_LEN));
	KUNIT_ASSERT_EQ(test, 0, vcm_back_range(m->pieces, 3 * PIECE_LEN,
						m->mem, 0, PIECE_LEN));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(m->far, m->mem));
	m->addr = vcm_get_dev_addr(m->whole);
	bed_join(m->bed);
	write_marks(m, 0x40);
	expect_marks(m, 0x40);
	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(m->mem, 0, &m->old, &len));
	return m;
}

/* Every mapper still sees the memory, and each other. */
static void expect_mapped(struct moves *m, u8 mark)
{
	dma_addr_t addr = vcm_get_dev_addr(m->pieces), out;
	struct kunit *test = m->test;
	unsigned int i;

	expect_marks(m, mark);
	for (i = 0; i < m->bed->nr; i++) {
		struct vcm_iommu *unit = m->bed->units[i];
		struct device *dev = m->bed->devs[i];
		u8 byte = 0;

		KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(unit, dev, addr + PAGE_SIZE,
						      &byte, 1, VCM_READ));
		KUNIT_EXPECT_EQ(test, (u8)(mark + 2), byte);
		KUNIT_EXPECT_EQ(test, 0,
				vcm_soft_dma(unit, dev, addr + 3 * PIECE_LEN,
					     &byte, 1, VCM_READ));
		KUNIT_EXPECT_EQ(test, mark, byte);
		KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(unit, dev, addr + PIECE_LEN,
						      &byte, 1, VCM_READ));
		KUNIT_EXPECT_EQ(test, 0x33, byte);
		KUNIT_EXPECT_EQ(test, -EFAULT,
				vcm_soft_dma(unit, dev, addr + PAGE_SIZE, &byte,
					     1, VCM_WRITE));
	}
	KUNIT_EXPECT_EQ(test, 0, vcm_translate(m->bed->vcm, m->addr + 7, m->bare,
					       &out));
	KUNIT_EXPECT_EQ(test, vcm_get_dev_addr(m->far) + 7, out);
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(m->mem));
	KUNIT_EXPECT_EQ(test, 5, refcount_read(&m->mem->users));
}

static void expect_old_place(struct moves *m)
{
	phys_addr_t pa;
	size_t len;

	KUNIT_EXPECT_EQ(m->test, 0, vcm_get_chunk(m->mem, 0, &pa, &len));
	KUNIT_EXPECT_EQ(m->test, m->old, pa);
	KUNIT_EXPECT_EQ(m->test, 3, vcm_get_phys_num_res(pa));
}

static void expect_new_place(struct moves *m)
{
	struct vcm_soft_leaf leaf;
	phys_addr_t pa;
	unsigned int i;
	size_t len;

	KUNIT_EXPECT_EQ(m->test, 0, vcm_get_chunk(m->mem, 0, &pa, &len));
	KUNIT_EXPECT_NE(m->test, m->old, pa);
	KUNIT_EXPECT_EQ(m->test, 3, vcm_get_phys_num_res(pa));
	KUNIT_EXPECT_EQ(m->test, 0, vcm_get_phys_num_res(m->old));
	for (i = 0; i < m->bed->kind->nr_formats; i++) {
		KUNIT_EXPECT_EQ(m->test, 0,
				vcm_soft_walk(m->bed->units[i], m->bed->devs[i],
					      m->addr, &leaf));
		KUNIT_EXPECT_EQ(m->test, pa, leaf.pa);
	}
}

static void moves_end(struct moves *m)
{
	struct kunit *test = m->test;

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(m->whole));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(m->pieces));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(m->far));
	bed_expect_idle(m->bed, m->whole, m->mem);
	bed_expect_idle(m->bed, m->pieces, m->other);
	space_give(test, m->whole);
	space_give(test, m->pieces);
	space_give(test, m->far);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(m->bare));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(m->mem));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(m->other));
	bed_end(m->bed);
}

/* There, and there again; with warm TLBs, and by one that joins later. */
static void migrate_moves(struct kunit *test)
{
	struct moves *m = moves_new(test, test->param_value);
	unsigned int round;

	for (round = 0; round < 3; round++) {
		u8 mark = 0x50 + 0x10 * round;
		size_t len;

		write_marks(m, mark);
		KUNIT_EXPECT_EQ(test, 0,
				vcm_phys_migrate(m->mem, NULL, 0,
						 round & 1 ? VCM_NO_WRITES : 0));
		expect_new_place(m);
		expect_mapped(m, mark);
		vcm_get_chunk(m->mem, 0, &m->old, &len);
	}
	bed_leave(m->bed);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_migrate(m->mem, NULL, 0, 0));
	bed_join(m->bed);
	expect_mapped(m, 0x70);
	moves_end(m);
}

/* To where there is less of it, and back; every kind of context maps it. */
static void migrate_to_another_type(struct kunit *test)
{
	struct moves *m = moves_new(test, test->param_value);
	struct page *page = real_memory(test);
	struct vcm_memtype *type = make_real(test, page);
	struct vcm *kernel = vcm_create_kernel();
	struct vcm *identity = vcm_create_identity(0, NOWHERE);
	struct vcm_bed *bed = m->bed;
	unsigned int n, table;
	struct vcm_res *res;
	phys_addr_t pa;
	size_t len;
	u8 *p;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kernel);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, identity);
	res = space_take(test, kernel, MEM_LEN, VCM_RW);
	KUNIT_ASSERT_EQ(test, 0, vcm_back_range(res, 0, m->mem, 0, MEM_LEN));
	p = vcm_get_kernel_addr(res);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p);

	/* At every step of every table: no trace of the other type. */
	for (table = 0; table < bed->kind->nr_formats; table++)
		for (n = 0; n < 3; n++) {
			vcm_soft_fail(bed->units[table], VCM_SOFT_FAIL_MAP, n, 1);
			KUNIT_EXPECT_EQ(test, -ENOMEM,
					vcm_phys_migrate(m->mem, type, 0, 0));
			vcm_soft_fail(bed->units[table], VCM_SOFT_FAIL_MAP, 0, 0);
			KUNIT_EXPECT_STREQ(test, "system", m->mem->type->name);
			KUNIT_EXPECT_EQ(test, 0,
					atomic64_read(&type->pools[0].used));
			KUNIT_EXPECT_EQ(test, 0x40, READ_ONCE(p[0]));
		}

	KUNIT_EXPECT_EQ(test, 0, vcm_phys_migrate(m->mem, type, 0, 0));
	KUNIT_EXPECT_PTR_EQ(test, type, vcm_get_memtype_of_physalloc(m->mem));
	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(m->mem, 0, &pa, &len));
	KUNIT_EXPECT_EQ(test, page_to_phys(page), pa);
	expect_marks(m, 0x40);
	KUNIT_EXPECT_EQ(test, 0x40, READ_ONCE(p[0]));
	KUNIT_EXPECT_EQ(test, 0x45, READ_ONCE(p[MEM_LEN - 1]));
	WRITE_ONCE(p[0], 0x11);
	bed_expect_memory(bed, m->whole, m->mem);
	write_marks(m, 0x60);
	KUNIT_EXPECT_EQ(test, 0x60, READ_ONCE(p[0]));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_memtype_unregister(type));

	/* There is no room for both there, so it cannot move within. */
	KUNIT_EXPECT_EQ(test, -ENOMEM, vcm_phys_migrate(m->mem, type, 0, 0));
	expect_marks(m, 0x60);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_migrate(m->mem, NULL, 0, 0));
	expect_marks(m, 0x60);
	KUNIT_EXPECT_EQ(test, 0x60, READ_ONCE(p[0]));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);

	/* One mapper that cannot follow, and nobody goes. */
	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(m->mem, 0, &m->old, &len));
	res = space_take_at(test, identity, m->old, PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, 0,
			vcm_back_range(res, 0, m->mem, 0, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -ERANGE, vcm_phys_migrate(m->mem, type, 0, 0));
	expect_marks(m, 0x60);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);

	KUNIT_EXPECT_EQ(test, 0, vcm_free(kernel));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(identity));
	moves_end(m);
	end(test, type);
	free_real_memory(page);
}

/* What the copy finds: all is mapped, or nothing. */
static int peep(struct vcm_phys *to, size_t to_off, struct vcm_phys *from,
		size_t from_off, size_t len)
{
	struct kunit *test = kunit_get_current_test();
	struct moves *m = test->priv;

	if (m->old)
		bed_expect_access(m->bed, m->addr, VCM_READ);
	else
		bed_expect_fault(m->bed, m->addr, VCM_READ);
	/* Whoever wants to map it, or to unmap it, has to wait. */
	KUNIT_EXPECT_FALSE(test, vcm_phys_use(from));
	down_read(&m->bed->vcm->lock);
	KUNIT_EXPECT_EQ(test, -EAGAIN,
			vcm_res_claim(m->whole, BIT(VCM_RES_BACKED)));
	up_read(&m->bed->vcm->lock);
	m->addr = 0;
	kunit_deactivate_static_stub(test, vcm_phys_copy);
	return vcm_phys_copy(to, to_off, from, from_off, len);
}

/* A unit that does not forget still gets through. */
static int peep_lost(struct vcm_phys *to, size_t to_off, struct vcm_phys *from,
		     size_t from_off, size_t len)
{
	struct kunit *test = kunit_get_current_test();
	struct moves *m = test->priv;
	unsigned int last = m->bed->nr - 1;
	u8 byte = 0;

	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(m->bed->units[last],
					      m->bed->devs[last], m->addr,
					      &byte, 1, VCM_READ));
	KUNIT_EXPECT_EQ(test, 0x40, byte);
	if (last)
		KUNIT_EXPECT_EQ(test, -EFAULT,
				vcm_soft_dma(m->bed->units[0], m->bed->devs[0],
					     m->addr, &byte, 1, VCM_READ));
	/* Go no further, or it would use memory that is free. */
	return -EOPNOTSUPP;
}

/* The negative control of migrate_window(). */
static void migrate_lost_flush_shows(struct kunit *test)
{
	struct moves *m = moves_new(test, test->param_value);
	unsigned int last = m->bed->nr - 1;

	test->priv = m;
	kunit_activate_static_stub(test, vcm_phys_copy, peep_lost);
	vcm_soft_fail(m->bed->units[last], VCM_SOFT_LOSE_FLUSH, 0, -1);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, vcm_phys_migrate(m->mem, NULL, 0, 0));
	vcm_soft_fail(m->bed->units[last], VCM_SOFT_LOSE_FLUSH, 0, 0);
	kunit_deactivate_static_stub(test, vcm_phys_copy);
	expect_mapped(m, 0x40);
	moves_end(m);
}

static void migrate_window(struct kunit *test)
{
	struct moves *m = moves_new(test, test->param_value);
	dma_addr_t addr = m->addr;
	unsigned int round;

	test->priv = m;
	for (round = 0; round < 2; round++) {
		kunit_activate_static_stub(test, vcm_phys_copy, peep);
		m->old = round;
		KUNIT_EXPECT_EQ(test, 0,
				vcm_phys_migrate(m->mem, NULL, 0,
						 round ? VCM_NO_WRITES : 0));
		/* It was there. */
		KUNIT_EXPECT_EQ(test, 0, m->addr);
		m->addr = addr;
		expect_mapped(m, 0x40);
	}
	moves_end(m);
}

static int copy_fails(struct vcm_phys *to, size_t to_off, struct vcm_phys *from,
		      size_t from_off, size_t len)
{
	return -EOPNOTSUPP;
}

static void migrate_fail_copy(struct kunit *test)
{
	struct moves *m = moves_new(test, test->param_value);

	kunit_activate_static_stub(test, vcm_phys_copy, copy_fails);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, vcm_phys_migrate(m->mem, NULL, 0, 0));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			vcm_phys_migrate(m->mem, NULL, 0, VCM_NO_WRITES));
	kunit_deactivate_static_stub(test, vcm_phys_copy);
	expect_old_place(m);
	expect_mapped(m, 0x40);
	moves_end(m);
}

/* At every run of every mapper in every table. */
static void migrate_fail_map(struct kunit *test)
{
	struct moves *m = moves_new(test, test->param_value);
	struct vcm_bed *bed = m->bed;
	unsigned int table, n;
	int err;

	for (table = 0; table < bed->kind->nr_formats; table++) {
		for (n = 0; n < 60; n++) {
			vcm_soft_fail(bed->units[table], VCM_SOFT_FAIL_MAP, n, 1);
			err = vcm_phys_migrate(m->mem, NULL, 0,
					       n & 1 ? VCM_NO_WRITES : 0);
			vcm_soft_fail(bed->units[table], VCM_SOFT_FAIL_MAP, 0, 0);
			if (!err)
				break;
			KUNIT_EXPECT_EQ(test, -ENOMEM, err);
			expect_old_place(m);
			expect_mapped(m, 0x40);
		}
		KUNIT_EXPECT_GE(test, n, 3);
		KUNIT_EXPECT_LT(test, n, 60);
		expect_new_place(m);
		expect_mapped(m, 0x40);
		vcm_get_chunk(m->mem, 0, &m->old, &(size_t){ 0 });
	}
	moves_end(m);
}

/* A unit that does not answer, at each of the mappers. */
static void migrate_fail_flush(struct kunit *test)
{
	struct moves *m = moves_new(test, test->param_value);
	struct vcm_bed *bed = m->bed;
	unsigned int n, i;

	for (i = 0; i < bed->nr; i += 1 + bed->nr / 8) {
		for (n = 0; n < 3; n++) {
			vcm_soft_fail(bed->units[i], VCM_SOFT_FAIL_FLUSH, n, 1);
			KUNIT_EXPECT_EQ(test, -EIO,
					vcm_phys_migrate(m->mem, NULL, 0, 0));
			vcm_soft_fail(bed->units[i], VCM_SOFT_FAIL_FLUSH, 0, 0);
			expect_old_place(m);
			expect_mapped(m, 0x40);
			KUNIT_EXPECT_NULL(test, m->mem->limbo);
		}
	}
	moves_end(m);
}

/* A unit that may have seen the new memory: that is kept, and freed last. */
static void migrate_limbo(struct kunit *test)
{
	struct moves *m = moves_new(test, &vcm_bed_mirror);
	struct vcm_bed *bed = m->bed;
	unsigned int i;

	for (i = 1; i < 3; i++) {
		struct vcm_phys *before = m->mem->limbo;

		/* Three flushes of the old, then those of the new. */
		vcm_soft_fail(bed->units[0], VCM_SOFT_FAIL_FLUSH, 3, 1);
		vcm_soft_fail(bed->units[1], VCM_SOFT_FAIL_MAP, 1, 1);
		KUNIT_EXPECT_EQ(test, -EIO, vcm_phys_migrate(m->mem, NULL, 0, 0));
		vcm_soft_fail(bed->units[0], VCM_SOFT_FAIL_FLUSH, 0, 0);
		vcm_soft_fail(bed->units[1], VCM_SOFT_FAIL_MAP, 0, 0);
		expect_old_place(m);
		expect_mapped(m, 0x40);
		KUNIT_EXPECT_NOT_NULL(test, m->mem->limbo);
		KUNIT_EXPECT_PTR_NE(test, before, m->mem->limbo);
	}
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_migrate(m->mem, NULL, 0, 0));
	expect_mapped(m, 0x40);
	moves_end(m);
}

/* A driver that does not map again what it had: stuck, and nothing lost. */
static void migrate_fail_put_back(struct kunit *test)
{
	struct moves *m = moves_new(test, test->param_value);
	struct vcm_bed *bed = m->bed;
	unsigned int last = bed->kind->nr_formats - 1;

	vcm_soft_fail(bed->units[last], VCM_SOFT_FAIL_MAP, 0, -1);
	KUNIT_EXPECT_EQ(test, -EIO, vcm_phys_migrate(m->mem, NULL, 0, 0));
	vcm_soft_fail(bed->units[last], VCM_SOFT_FAIL_MAP, 0, 0);
	expect_old_place(m);
	bed_expect_unmapped(bed, m->addr, SZ_512K);
	bed_expect_fault(bed, m->addr, VCM_READ);
	KUNIT_EXPECT_EQ(test, 0x40, phys_peek(m->mem, 0));
	/* The piece of other memory is where it was. */
	bed_expect_access(bed, vcm_get_dev_addr(m->pieces) + PIECE_LEN, VCM_READ);
	bed_expect_fault(bed, vcm_get_dev_addr(m->pieces), VCM_READ);
	KUNIT_EXPECT_EQ(test, -EIO, vcm_phys_migrate(m->mem, NULL, 0, 0));
	KUNIT_EXPECT_EQ(test, -EIO, vcm_phys_migrate(m->other, NULL, 0, 0));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(m->mem));

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(m->whole));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(m->pieces));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_migrate(m->mem, NULL, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, vcm_back(m->whole, m->mem));
	KUNIT_EXPECT_EQ(test, 0, vcm_back(m->pieces, m->other));
	expect_marks(m, 0x40);
	moves_end(m);
}

/* Memory that nobody maps moves, too; and what is refused. */
static void migrate_errors(struct kunit *test)
{
	struct vcm_phys *phys = vcm_phys_alloc(NULL, SZ_64K, 0);
	struct vcm_memtype *type = vcm_memtype_get("system");
	phys_addr_t pa;
	size_t len;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	phys_fill(phys, 0x66);
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_phys_migrate(NULL, NULL, 0, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vcm_phys_migrate(ERR_PTR(-EIO), NULL, 0, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vcm_phys_migrate(phys, ERR_PTR(-ENOENT), 0, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vcm_phys_migrate(phys, NULL, VCM_READ, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vcm_phys_migrate(phys, NULL, VCM_ZERO, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_phys_migrate(phys, NULL, 0, BIT(1)));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			vcm_phys_migrate(phys, NULL, VCM_ALIGN(40), 0));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_migrate(phys, type,
						  VCM_CONTIG | VCM_ALIGN(17), 0));
	KUNIT_EXPECT_PTR_EQ(test, type, vcm_get_memtype_of_physalloc(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_chunk(phys, 0, &pa, &len));
	KUNIT_EXPECT_EQ(test, SZ_64K, len);
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED(pa, SZ_128K));
	KUNIT_EXPECT_EQ(test, 0x66, phys_peek(phys, SZ_64K - 1));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	vcm_memtype_put(type);
}

/*
 * Everything at once: the memory moves, others back and unback it, look it up
 * and copy it, a device joins and leaves, and a device that writes and reads
 * never sees anything but what it wrote.
 */
#define RACE_MS		700

struct racer {
	struct moves *m;
	struct task_struct *task;
	unsigned int (*step)(struct racer *r);
	unsigned long rounds;
	unsigned int surprises;
	struct vcm_res *res;
};

static unsigned int step_migrate(struct racer *r)
{
	return vcm_phys_migrate(r->m->mem, NULL, 0, 0) != 0;
}

/* Refused for a moment, or done: never lost. */
static unsigned int step_dma(struct racer *r)
{
	struct vcm_bed *bed = r->m->bed;
	unsigned int i = r->rounds % bed->nr, bad = 0;
	u8 want = r->rounds, byte = want;
	int err;

	do {
		err = vcm_soft_dma(bed->units[i], bed->devs[i],
				   r->m->addr + SZ_64K, &byte, 1, VCM_WRITE);
		if (err)
			cond_resched();
	} while (err == -EFAULT);
	bad += err != 0;
	i = (i + 1) % bed->nr;
	do {
		byte = ~want;
		err = vcm_soft_dma(bed->units[i], bed->devs[i],
				   r->m->addr + SZ_64K, &byte, 1, VCM_READ);
		if (err)
			cond_resched();
	} while (err == -EFAULT);
	bad += err != 0 || byte != want;
	return bad;
}

static unsigned int step_back(struct racer *r)
{
	unsigned int bad = 0;

	bad += vcm_back_range(r->res, SZ_64K, r->m->mem, SZ_64K, SZ_64K) != 0;
	bad += vcm_back_range(r->res, 0, r->m->mem, PAGE_SIZE, SZ_64K) != 0;
	bad += vcm_set_res_attr(r->res, r->rounds & 1 ? VCM_READ : VCM_RW) != 0;
	bad += vcm_phys_free(r->m->mem) != -EBUSY;
	bad += vcm_unreserve(r->res) != -EBUSY;
	bad += vcm_unback(r->res) != 0;
	return bad;
}

static unsigned int step_look(struct racer *r)
{
	struct moves *m = r->m;
	unsigned int bad = 0;
	dma_addr_t out;
	ssize_t n;

	bad += vcm_translate(m->bare, vcm_get_dev_addr(m->far) + SZ_128K,
			     m->bed->vcm, &out) != 0;
	bad += out != m->addr + SZ_128K;
	n = vcm_res_copy(m->whole, SZ_128K, m->pieces, PIECE_LEN, SZ_16K);
	bad += n != SZ_16K;
	bad += phys_peek(m->mem, SZ_64K - 1) == 1;
	return bad;
}

static unsigned int step_join(struct racer *r)
{
	struct vcm_bed *bed = r->m->bed;
	struct vcm_assoc *assoc = vcm_assoc(r->m->bare, bed->devs[0], 0);

	return IS_ERR(assoc) || vcm_deassoc(assoc);
}

static int race(void *data)
{
	struct racer *r = data;

	while (!kthread_should_stop()) {
		r->surprises += r->step(r);
		r->rounds++;
		cond_resched();
	}
	return 0;
}

static void migrate_race(struct kunit *test)
{
	static unsigned int (*const steps[])(struct racer *r) = {
		step_migrate, step_dma, step_back, step_back, step_look,
		step_join,
	};
	static const struct vcm_bed_kind kind = {
		"three units, two tables", 3,
		{ VCM_SOFT_LPAE, VCM_SOFT_HALF }, 2,
	};
	struct moves *m = moves_new(test, &kind);
	struct racer *r = kunit_kcalloc(test, ARRAY_SIZE(steps), sizeof(*r),
					GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, r);
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		r[i].m = m;
		r[i].step = steps[i];
		r[i].res = bed_reserve(m->bed, SZ_128K, VCM_READ);
	}
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		r[i].task = kthread_run(race, &r[i], "vcm-move/%u", i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, r[i].task);
	}
	msleep(RACE_MS);
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		kthread_stop(r[i].task);
		kunit_info(test, "racer %u: %lu rounds", i, r[i].rounds);
		KUNIT_EXPECT_EQ_MSG(test, 0, r[i].surprises, "racer %u", i);
		KUNIT_EXPECT_GT(test, r[i].rounds, 2);
		space_give(test, r[i].res);
	}
	moves_end(m);
}

static struct kunit_case vcm_migrate_cases[] = {
	KUNIT_CASE_PARAM(migrate_moves, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(migrate_to_another_type, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(migrate_lost_flush_shows, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(migrate_window, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(migrate_fail_copy, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(migrate_fail_map, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(migrate_fail_flush, vcm_bed_gen_params),
	KUNIT_CASE_PARAM(migrate_fail_put_back, vcm_bed_gen_params),
	KUNIT_CASE(migrate_limbo),
	KUNIT_CASE(migrate_errors),
	KUNIT_CASE_SLOW(migrate_race),
	{}
};

static struct kunit_suite vcm_migrate_suite = {
	.name = "vcm_migrate",
	.test_cases = vcm_migrate_cases,
};

kunit_test_suite(vcm_migrate_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: memory that moves");
MODULE_LICENSE("GPL");
