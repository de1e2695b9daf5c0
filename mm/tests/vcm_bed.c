// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bed that the suites of VCMM lie in; see vcm_bed.h.
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/kmsg_dump.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/scatterlist.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/vcm-machine.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"

const struct vcm_bed_kind vcm_bed_one = {
	.name = "one unit", .nr = 1,
	.formats = { VCM_SOFT_LPAE }, .nr_formats = 1,
};

const struct vcm_bed_kind vcm_bed_two = {
	.name = "two units share", .nr = 2,
	.formats = { VCM_SOFT_LPAE }, .nr_formats = 1,
};

const struct vcm_bed_kind vcm_bed_mirror = {
	.name = "two units mirror", .nr = 2,
	.formats = { VCM_SOFT_LPAE, VCM_SOFT_V7S }, .nr_formats = 2,
};

const struct vcm_bed_kind vcm_bed_kinds[] = {
	{ "one unit", 1, { VCM_SOFT_LPAE }, 1 },
	{ "one unit, short descriptors", 1, { VCM_SOFT_V7S }, 1 },
	{ "one unit, half pages", 1, { VCM_SOFT_HALF }, 1 },
	{ "two units share", 2, { VCM_SOFT_LPAE }, 1 },
	{ "two units mirror", 2, { VCM_SOFT_LPAE, VCM_SOFT_V7S }, 2 },
	{ "six units, three tables", 6,
	  { VCM_SOFT_LPAE, VCM_SOFT_V7S, VCM_SOFT_HALF }, 3 },
	{ "ten units share", 10, { VCM_SOFT_LPAE }, 1 },
	{ "100 units, three tables", 100,
	  { VCM_SOFT_LPAE, VCM_SOFT_V7S, VCM_SOFT_HALF }, 3 },
	{ "128 units share", 128, { VCM_SOFT_LPAE }, 1 },
};

/**
 * vcm_bed_gen_params() - every kind of bed, for KUNIT_CASE_PARAM()
 * @prev: the last one, NULL to begin
 * @desc: where to put its name
 *
 * Return: the next one, NULL at the end.
 */
const void *vcm_bed_gen_params(const void *prev, char *desc)
{
	const struct vcm_bed_kind *kind = prev;

	kind = kind ? kind + 1 : vcm_bed_kinds;
	if (kind == vcm_bed_kinds + ARRAY_SIZE(vcm_bed_kinds))
		return NULL;
	strscpy(desc, kind->name, KUNIT_PARAM_DESC_SIZE);
	return kind;
}

static const char *bed_name(struct kunit *test, const char *what,
			    unsigned int nr)
{
	char *name = kunit_kmalloc(test, 16, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, name);
	snprintf(name, 16, "%s%u", what, nr);
	return name;
}

static void bed_destroy_unit(void *unit)
{
	vcm_soft_destroy(unit);
}

/**
 * bed_unit() - a software IOMMU that goes away with the test
 * @test: the test
 * @config: what it is like
 *
 * Return: the unit.
 */
struct vcm_iommu *bed_unit(struct kunit *test,
			   const struct vcm_soft_config *config)
{
	struct vcm_iommu *unit = vcm_soft_create(config);
	int ret;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, unit);
	ret = kunit_add_action_or_reset(test, bed_destroy_unit, unit);
	KUNIT_ASSERT_EQ(test, 0, ret);
	return unit;
}

/**
 * bed_remove_unit() - take a unit of bed_unit() away before the test ends
 * @test: the test
 * @unit: the unit
 */
void bed_remove_unit(struct kunit *test, struct vcm_iommu *unit)
{
	kunit_release_action(test, bed_destroy_unit, unit);
}

/* Firmware says so of real devices; where all of them are, nobody need say it. */
static void bed_make_coherent(struct device *dev)
{
#if defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_DEVICE) ||	\
	defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU) ||	\
	defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU_ALL)
	dev->dma_coherent = true;
#endif
}

/**
 * bed_device() - a device behind a unit, or behind none
 * @test: the test
 * @unit: the unit, or NULL
 *
 * Return: the device.
 */
struct device *bed_device(struct kunit *test, struct vcm_iommu *unit)
{
	static unsigned int serial;
	const char *name = bed_name(test, "master", serial++);
	struct device_driver *driver;
	struct device *dev;

	/*
	 * All drivers of the bus match all its devices, and the driver that
	 * kunit_device_register() makes would be gone with one of them.
	 */
	driver = kunit_driver_create(test, name);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, driver);
	dev = kunit_device_register_with_driver(test, name, driver);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	bed_make_coherent(dev);
	if (unit)
		KUNIT_ASSERT_EQ(test, 0, vcm_soft_add_device(unit, dev));
	return dev;
}

/**
 * bed_new() - make a bed
 * @test: the test
 * @kind: what it is made of
 *
 * Return: the bed, with a context and no device on it.
 */
struct vcm_bed *bed_new(struct kunit *test, const struct vcm_bed_kind *kind)
{
	struct vcm_bed *bed = kunit_kzalloc(test, sizeof(*bed), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, bed);
	bed->test = test;
	bed->kind = kind;
	bed->nr = kind->nr;
	bed->units = kunit_kcalloc(test, bed->nr, sizeof(*bed->units),
				   GFP_KERNEL);
	bed->devs = kunit_kcalloc(test, bed->nr, sizeof(*bed->devs),
				  GFP_KERNEL);
	bed->assocs = kunit_kcalloc(test, bed->nr, sizeof(*bed->assocs),
				    GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, bed->units);
	KUNIT_ASSERT_NOT_NULL(test, bed->devs);
	KUNIT_ASSERT_NOT_NULL(test, bed->assocs);

	for (i = 0; i < bed->nr; i++) {
		struct vcm_soft_config config = {
			.format = kind->formats[i % kind->nr_formats],
			.name = bed_name(test, "soft", i),
		};

		bed->units[i] = bed_unit(test, &config);
		bed->devs[i] = bed_device(test, bed->units[i]);
	}
	bed->vcm = vcm_create(BED_START, BED_LEN);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bed->vcm);
	return bed;
}

/**
 * bed_join_first() - put some devices on the context, and let them in
 * @bed: the bed
 * @nr: how many
 */
void bed_join_first(struct vcm_bed *bed, unsigned int nr)
{
	struct kunit *test = bed->test;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		bed->assocs[i] = vcm_assoc(bed->vcm, bed->devs[i], 0);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bed->assocs[i]);
		KUNIT_ASSERT_EQ(test, 0, vcm_activate(bed->assocs[i]));
	}
}

/**
 * bed_join() - put every device on the context, and let it in
 * @bed: the bed
 */
void bed_join(struct vcm_bed *bed)
{
	bed_join_first(bed, bed->nr);
	KUNIT_ASSERT_EQ(bed->test, bed->kind->nr_formats,
			vcm_get_num_tables(bed->vcm));
}

/**
 * bed_leave() - undo bed_join()
 * @bed: the bed
 */
void bed_leave(struct vcm_bed *bed)
{
	unsigned int i;

	for (i = 0; i < bed->nr; i++) {
		if (vcm_is_active(bed->assocs[i]))
			KUNIT_EXPECT_EQ(bed->test, 0,
					vcm_deactivate(bed->assocs[i]));
		KUNIT_EXPECT_EQ(bed->test, 0, vcm_deassoc(bed->assocs[i]));
		bed->assocs[i] = NULL;
	}
}

/**
 * bed_reserve() - a reservation in the bed's context
 * @bed: the bed
 * @len: bytes
 * @attr: attributes
 *
 * Return: the reservation.
 */
struct vcm_res *bed_reserve(struct vcm_bed *bed, size_t len, u32 attr)
{
	struct vcm_res *res = vcm_reserve(bed->vcm, len, attr);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(bed->test, res);
	return res;
}

/**
 * bed_alloc() - memory
 * @bed: the bed
 * @len: bytes
 * @attr: attributes
 *
 * Return: the allocation.
 */
struct vcm_phys *bed_alloc(struct vcm_bed *bed, size_t len, u32 attr)
{
	struct vcm_phys *phys = vcm_phys_alloc(NULL, len, attr);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(bed->test, phys);
	return phys;
}

/**
 * bed_end() - everything must go, and nothing may be left behind
 * @bed: the bed; its reservations are given back by now
 */
void bed_end(struct vcm_bed *bed)
{
	struct vcm_soft_stats stats;
	unsigned int i;

	if (bed->assocs[0])
		bed_leave(bed);
	KUNIT_EXPECT_EQ(bed->test, 0, vcm_get_num_tables(bed->vcm));
	KUNIT_EXPECT_EQ(bed->test, 0, vcm_free(bed->vcm));
	for (i = 0; i < bed->nr; i++) {
		vcm_soft_get_stats(bed->units[i], &stats);
		KUNIT_EXPECT_EQ(bed->test, 0, stats.attached);
		KUNIT_EXPECT_EQ(bed->test, 0, stats.tlb_entries);
		KUNIT_EXPECT_EQ(bed->test, 0,
				vcm_soft_table_pages(bed->units[i]));
	}
}

/**
 * bed_expect_access() - every device gets through
 * @bed: the bed
 * @addr: device address
 * @access: as for vcm_soft_dma()
 */
void bed_expect_access(struct vcm_bed *bed, dma_addr_t addr, u32 access)
{
	unsigned int i;
	u8 byte = 0;

	for (i = 0; i < bed->nr; i++)
		KUNIT_EXPECT_EQ_MSG(bed->test, 0,
				    vcm_soft_dma(bed->units[i], bed->devs[i],
						 addr, &byte, 1, access),
				    "device %u at %pad", i, &addr);
}

/**
 * bed_expect_fault() - no device gets through
 * @bed: the bed
 * @addr: device address
 * @access: as for vcm_soft_dma()
 */
void bed_expect_fault(struct vcm_bed *bed, dma_addr_t addr, u32 access)
{
	unsigned int i;
	u8 byte = 0;

	for (i = 0; i < bed->nr; i++)
		KUNIT_EXPECT_EQ_MSG(bed->test, -EFAULT,
				    vcm_soft_dma(bed->units[i], bed->devs[i],
						 addr, &byte, 1, access),
				    "device %u at %pad", i, &addr);
}

/**
 * bed_free_pages() - how much memory is free?
 *
 * Return: pages, with those that the CPUs keep at hand.
 */
unsigned long bed_free_pages(void)
{
	/* Some of what was freed still waits for a grace period. */
	rcu_barrier();
	drain_all_pages(NULL);
	return global_zone_page_state(NR_FREE_PAGES);
}

#define SCATTERED_ORDER		8

static void free_scattered(void *page)
{
	__free_pages(page, SCATTERED_ORDER);
}

/**
 * phys_scattered() - memory in single pages; see SCATTERED_FIRST
 * @test: the test, whose end frees the pages
 *
 * Return: the allocation, the caller's.
 */
struct vcm_phys *phys_scattered(struct kunit *test)
{
	const unsigned int nr = SCATTERED_FIRST + 1 + SCATTERED_LAST;
	struct page *page = alloc_pages(GFP_KERNEL, SCATTERED_ORDER);
	struct vcm_phys *phys;
	struct sg_table sgt;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, free_scattered, page));
	KUNIT_ASSERT_EQ(test, 0, sg_alloc_table(&sgt, nr, GFP_KERNEL));
	/* From the last page down, and never two that follow each other. */
	for (i = 0; i < nr; i++)
		sg_set_page(&sgt.sgl[i],
			    page + BIT(SCATTERED_ORDER) - 2 * (i + 1),
			    PAGE_SIZE, 0);
	sg_set_page(&sgt.sgl[SCATTERED_FIRST], page, SCATTERED_RUN * PAGE_SIZE,
		    0);
	phys = vcm_phys_from_sg(&sgt);
	sg_free_table(&sgt);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	return phys;
}

/**
 * phys_fill() - the CPU writes to an allocation
 * @phys: the allocation
 * @value: to every byte
 */
void phys_fill(struct vcm_phys *phys, u8 value)
{
	unsigned int i;
	phys_addr_t pa;
	size_t len, off;

	for (i = 0; !vcm_get_chunk(phys, i, &pa, &len); i++)
		for (off = 0; off < len; off += PAGE_SIZE) {
			void *p = kmap_local_pfn(PHYS_PFN(pa + off));

			memset(p, value, PAGE_SIZE);
			kunmap_local(p);
		}
}

/**
 * phys_peek() - the CPU reads a byte of an allocation
 * @phys: the allocation
 * @off: which byte
 *
 * Return: the byte.
 */
u8 phys_peek(struct vcm_phys *phys, size_t off)
{
	unsigned int i;
	phys_addr_t pa;
	size_t len;

	for (i = 0; !vcm_get_chunk(phys, i, &pa, &len); i++) {
		u8 *p, byte;

		if (off >= len) {
			off -= len;
			continue;
		}
		p = kmap_local_pfn(PHYS_PFN(pa + off));
		byte = p[offset_in_page(pa + off)];
		kunmap_local(p);
		return byte;
	}
	return 0;
}

/**
 * bed_expect_memory() - every device reaches the right memory
 * @bed: the bed, joined
 * @res: a reservation
 * @phys: what backs it; is overwritten
 *
 * Each device writes a mark of its own to the first and to the last byte and
 * to one in the middle of every page boundary's neighbourhood; the CPU finds
 * it, and the next device reads it.
 */
void bed_expect_memory(struct vcm_bed *bed, struct vcm_res *res,
		       struct vcm_phys *phys)
{
	size_t len = vcm_get_phys_len(phys);
	const size_t offs[] = { 0, PAGE_SIZE / 2 - 1, PAGE_SIZE - 1,
				len / 2, len - PAGE_SIZE, len - 1 };
	dma_addr_t addr = vcm_get_dev_addr(res);
	struct kunit *test = bed->test;
	unsigned int i, j;

	for (i = 0; i < bed->nr; i++) {
		unsigned int next = (i + 1) % bed->nr;

		for (j = 0; j < ARRAY_SIZE(offs); j++) {
			u8 mark = 0x80 | (u8)(i * ARRAY_SIZE(offs) + j);
			u8 byte = mark;

			KUNIT_EXPECT_EQ(test, 0,
					vcm_soft_dma(bed->units[i],
						     bed->devs[i],
						     addr + offs[j], &byte, 1,
						     VCM_WRITE));
			KUNIT_EXPECT_EQ(test, mark, phys_peek(phys, offs[j]));
			byte = 0;
			KUNIT_EXPECT_EQ(test, 0,
					vcm_soft_dma(bed->units[next],
						     bed->devs[next],
						     addr + offs[j], &byte, 1,
						     VCM_READ));
			KUNIT_EXPECT_EQ(test, mark, byte);
		}
	}
}

/**
 * bed_expect_unmapped() - no table holds an entry in a range
 * @bed: the bed, joined
 * @addr: first device address
 * @len: bytes
 */
void bed_expect_unmapped(struct vcm_bed *bed, dma_addr_t addr, size_t len)
{
	struct vcm_soft_leaf leaf;
	unsigned int i;
	size_t off;

	for (i = 0; i < bed->kind->nr_formats; i++)
		for (off = 0; off < len; off += PAGE_SIZE)
			KUNIT_EXPECT_EQ(bed->test, -ENOENT,
					vcm_soft_walk(bed->units[i],
						      bed->devs[i],
						      addr + off, &leaf));
}

/**
 * bed_expect_idle() - nothing maps memory through a reservation
 * @bed: the bed, joined
 * @res: the reservation
 * @phys: the memory, which backs nothing else either
 */
void bed_expect_idle(struct vcm_bed *bed, struct vcm_res *res,
		     struct vcm_phys *phys)
{
	struct kunit *test = bed->test;
	phys_addr_t pa;
	size_t len;

	KUNIT_EXPECT_EQ(test, -ENOENT,
			PTR_ERR_OR_ZERO(vcm_get_physmem_from_res(res)));
	KUNIT_EXPECT_EQ(test, 1, refcount_read(&phys->users));
	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(phys, 0, &pa, &len));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_phys_num_res(pa));
	bed_expect_unmapped(bed, vcm_get_dev_addr(res), vcm_get_res_len(res));
	bed_expect_fault(bed, vcm_get_dev_addr(res), VCM_READ);
}

/**
 * space_new() - a context on its own
 * @test: the test
 * @start: first address
 * @len: bytes
 *
 * Return: the context.
 */
struct vcm *space_new(struct kunit *test, dma_addr_t start, u64 len)
{
	struct vcm *vcm = vcm_create(start, len);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vcm);
	return vcm;
}

/**
 * space_take() - a reservation
 * @test: the test
 * @vcm: the context
 * @len: bytes
 * @attr: attributes
 *
 * Return: the reservation.
 */
struct vcm_res *space_take(struct kunit *test, struct vcm *vcm, size_t len,
			   u32 attr)
{
	struct vcm_res *res = vcm_reserve(vcm, len, attr);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
	return res;
}

/**
 * space_take_at() - a reservation at a given address
 * @test: the test
 * @vcm: the context
 * @addr: first address
 * @len: bytes
 *
 * Return: the reservation.
 */
struct vcm_res *space_take_at(struct kunit *test, struct vcm *vcm,
			      dma_addr_t addr, size_t len)
{
	struct vcm_res *res = vcm_reserve_at(vcm, addr, len, VCM_RW);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, res);
	KUNIT_ASSERT_EQ(test, addr, vcm_get_dev_addr(res));
	return res;
}

/**
 * space_give() - a reservation is given back
 * @test: the test
 * @res: the reservation, idle
 */
void space_give(struct kunit *test, struct vcm_res *res)
{
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
}

/**
 * space_where() - where would a reservation lie?
 * @test: the test
 * @vcm: the context
 * @len: bytes
 *
 * Return: its address.
 */
dma_addr_t space_where(struct kunit *test, struct vcm *vcm, size_t len)
{
	struct vcm_res *res = space_take(test, vcm, len, VCM_RW);
	dma_addr_t addr = vcm_get_dev_addr(res);

	space_give(test, res);
	return addr;
}

/**
 * space_try() - would vcm_reserve() do it?
 * @vcm: the context
 * @len: bytes
 * @attr: attributes
 *
 * Return: 0 or its errno.
 */
int space_try(struct vcm *vcm, size_t len, u32 attr)
{
	struct vcm_res *res = vcm_reserve(vcm, len, attr);

	return IS_ERR(res) ? PTR_ERR(res) : vcm_unreserve(res);
}

/**
 * space_try_at() - would vcm_reserve_at() do it?
 * @vcm: the context
 * @addr: first address
 * @len: bytes
 *
 * Return: 0 or its errno.
 */
int space_try_at(struct vcm *vcm, dma_addr_t addr, size_t len)
{
	struct vcm_res *res = vcm_reserve_at(vcm, addr, len, VCM_RW);

	return IS_ERR(res) ? PTR_ERR(res) : vcm_unreserve(res);
}

/**
 * space_join() - a device joins a context
 * @test: the test
 * @vcm: the context
 * @dev: the device
 *
 * Return: the association.
 */
struct vcm_assoc *space_join(struct kunit *test, struct vcm *vcm,
			     struct device *dev)
{
	struct vcm_assoc *assoc = vcm_assoc(vcm, dev, 0);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, assoc);
	return assoc;
}

/**
 * bed_limited() - a device behind a unit of its own
 * @test: the test
 * @unit: where to put the unit
 * @config: what the unit is like; it gets a name here
 *
 * Return: the device.
 */
struct device *bed_limited(struct kunit *test, struct vcm_iommu **unit,
			   struct vcm_soft_config config)
{
	config.name = "limited";
	*unit = bed_unit(test, &config);
	return bed_device(test, *unit);
}

static void bed_remove_board(void *board)
{
	vcm_board_remove(board);
}

/**
 * bed_board() - a board that goes away with the test, if it has not before
 * @test: the test
 * @board: its table, which lives as long
 */
void bed_board(struct kunit *test, const struct vcm_board *board)
{
	KUNIT_ASSERT_EQ(test, 0, vcm_board_add(board));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action(test, bed_remove_board,
						  (void *)board));
}

/**
 * bed_process() - give the thread of the test an empty address space
 * @test: the test
 *
 * Return: the address space, to be given to bed_process_exit().
 */
struct mm_struct *bed_process(struct kunit *test)
{
	struct mm_struct *mm;

	KUNIT_ASSERT_NULL(test, current->mm);
	mm = mm_alloc();
	KUNIT_ASSERT_NOT_NULL(test, mm);
	mm->task_size = TASK_SIZE;
	arch_pick_mmap_layout(mm, &current->signal->rlim[RLIMIT_STACK]);
	kthread_use_mm(mm);
	return mm;
}

/**
 * bed_process_exit() - the thread lets go of its address space, which ends
 * @mm: from bed_process()
 */
void bed_process_exit(struct mm_struct *mm)
{
	kthread_unuse_mm(mm);
	mmput(mm);
}

/**
 * bed_count_contexts() - how many contexts are there in the whole system?
 *
 * Return: the number.
 */
unsigned int bed_count_contexts(void)
{
	guard(mutex)(&vcm_topology_lock);
	return list_count_nodes(&vcm_contexts);
}

/**
 * bed_log_has() - has the kernel said this since it booted?
 * @text: a part of a line
 *
 * Return: true or false.
 */
bool bed_log_has(const char *text)
{
	static char line[512];
	struct kmsg_dump_iter iter;
	size_t len;

	kmsg_dump_rewind(&iter);
	while (kmsg_dump_get_line(&iter, false, line, sizeof(line) - 1, &len)) {
		line[len] = '\0';
		if (strstr(line, text))
			return true;
	}
	return false;
}
