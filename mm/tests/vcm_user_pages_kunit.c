// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of mm/vcm_user_pages.c: pages of a process, pinned.
 *
 * The thread of a KUnit case becomes the process: it maps memory, pins it for
 * devices, and then does to it what processes do.
 */
#include <kunit/test.h>
#include <linux/capability.h>
#include <linux/completion.h>
#include <linux/cred.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/resource.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"
#include "vcm_inject.h"
#include "vcm_process_test.h"

#define LEN	(8 * PAGE_SIZE)

static unsigned long map_pages(struct kunit *test, unsigned long prot,
			       unsigned long flags)
{
	unsigned long addr;

	addr = kunit_vm_mmap(test, NULL, 0, LEN, prot, flags | MAP_ANONYMOUS, 0);
	KUNIT_ASSERT_NE(test, 0, addr);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	return addr;
}

static void put_byte(struct kunit *test, unsigned long addr, u8 byte)
{
	KUNIT_ASSERT_EQ(test, 0, copy_to_user((void __user *)addr, &byte, 1));
}

static u8 get_byte(struct kunit *test, unsigned long addr)
{
	u8 byte = 0;

	KUNIT_ASSERT_EQ(test, 0, copy_from_user(&byte, (void __user *)addr, 1));
	return byte;
}

static struct vcm_phys *pin(struct kunit *test, unsigned long addr, size_t len,
			    u32 rights)
{
	struct vcm_phys *phys = vcm_phys_pin_user(addr, len, rights);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	return phys;
}

static int refused(unsigned long addr, size_t len, u32 rights)
{
	struct vcm_phys *phys = vcm_phys_pin_user(addr, len, rights);

	if (IS_ERR(phys))
		return PTR_ERR(phys);
	vcm_phys_free(phys);
	return 0;
}

static struct folio *folio_of(struct vcm_phys *phys, size_t off)
{
	struct vcm_phys_iter iter;
	phys_addr_t pa;

	iter = vcm_phys_iter_of(phys, off, 1);
	vcm_phys_iter_next(&iter, &pa);
	return page_folio(pfn_to_page(PHYS_PFN(pa)));
}

/* The process and the devices see the same bytes. */
static void pin_and_back(struct kunit *test)
{
	unsigned long addr = map_pages(test, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	struct vcm_bed *bed = bed_new(test, &vcm_bed_mirror);
	struct vcm_res *res = bed_reserve(bed, LEN, VCM_RW);
	dma_addr_t dev_addr = vcm_get_dev_addr(res);
	unsigned long locked = current->mm->locked_vm;
	struct vcm_phys *phys;
	struct folio *folio;
	u8 byte = 0x3c;

	put_byte(test, addr + 5, 0xc3);
	phys = pin(test, addr, LEN, VCM_RW);
	folio = folio_of(phys, 0);
	folio_get(folio);
	KUNIT_EXPECT_EQ(test, LEN, vcm_get_phys_len(phys));
	KUNIT_EXPECT_EQ(test, locked + LEN / PAGE_SIZE, current->mm->locked_vm);
	KUNIT_EXPECT_TRUE(test, folio_maybe_dma_pinned(folio));
	KUNIT_EXPECT_EQ(test, -ENODEV,
			PTR_ERR_OR_ZERO(vcm_get_memtype_of_physalloc(phys)));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, vcm_phys_migrate(phys, NULL, 0, 0));

	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(bed->units[0], bed->devs[0],
					      dev_addr + LEN - 1, &byte, 1,
					      VCM_WRITE));
	KUNIT_EXPECT_EQ(test, 0x3c, get_byte(test, addr + LEN - 1));
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(bed->units[1], bed->devs[1],
					      dev_addr + 5, &byte, 1,
					      VCM_READ));
	KUNIT_EXPECT_EQ(test, 0xc3, byte);
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));

	folio_clear_dirty(folio);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_FALSE(test, folio_maybe_dma_pinned(folio));
	KUNIT_EXPECT_TRUE(test, folio_test_dirty(folio));
	KUNIT_EXPECT_EQ(test, locked, current->mm->locked_vm);
	folio_put(folio);
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	bed_end(bed);
	test_process_exit();
}

/* What was pinned to be read is not written by anybody, and is not dirty. */
static void pin_to_read(struct kunit *test)
{
	unsigned long addr = map_pages(test, PROT_READ, MAP_PRIVATE);
	struct vcm_bed *bed = bed_new(test, &vcm_bed_two);
	struct vcm_res *rw = bed_reserve(bed, LEN, VCM_RW);
	struct vcm_res *ro = bed_reserve(bed, LEN, VCM_READ);
	struct vcm_res *other = bed_reserve(bed, LEN, VCM_RW);
	struct vcm_phys *memory = bed_alloc(bed, LEN, 0);
	struct vcm_phys *phys;

	KUNIT_EXPECT_EQ(test, -EFAULT, refused(addr, LEN, VCM_RW));
	phys = pin(test, addr, LEN, VCM_READ);
	bed_join(bed);
	KUNIT_EXPECT_EQ(test, -EACCES, vcm_back(rw, phys));
	KUNIT_EXPECT_TRUE(test, bed_log_has("the memory is only to be read"));
	bed_expect_idle(bed, rw, phys);
	KUNIT_EXPECT_EQ(test, -EACCES,
			vcm_back_range(rw, 0, phys, 0, PAGE_SIZE));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(ro, phys));
	KUNIT_EXPECT_EQ(test, -EACCES, vcm_set_res_attr(ro, VCM_RW));
	KUNIT_EXPECT_EQ(test, VCM_READ, vcm_get_res_attr(ro));

	/* Nor by the CPU on somebody's behalf. */
	KUNIT_ASSERT_EQ(test, 0, vcm_back(other, memory));
	KUNIT_EXPECT_EQ(test, -EACCES, vcm_res_copy(ro, 0, other, 0, LEN));
	KUNIT_EXPECT_EQ(test, LEN, vcm_res_copy(other, 0, ro, 0, LEN));

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(ro));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(other));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(memory));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(ro));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(rw));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(other));
	bed_end(bed);
	test_process_exit();
}

/* The process unmaps it: the devices keep the pages, and nobody else gets them. */
static void pin_and_unmap(struct kunit *test)
{
	unsigned long addr = map_pages(test, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	struct vcm_bed *bed = bed_new(test, &vcm_bed_two);
	struct vcm_res *res = bed_reserve(bed, LEN, VCM_RW);
	struct vcm_phys *phys = pin(test, addr, LEN, VCM_RW);
	struct folio *folio = folio_of(phys, 0);
	unsigned int i;

	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(addr, LEN));
	KUNIT_EXPECT_EQ(test, -EFAULT, refused(addr, LEN, VCM_READ));
	KUNIT_EXPECT_GT(test, folio_ref_count(folio), 0);
	for (i = 0; i < 32; i++) {
		struct page *page = alloc_page(GFP_KERNEL);

		KUNIT_EXPECT_PTR_NE(test, folio, page_folio(page));
		__free_page(page);
	}
	bed_expect_access(bed, vcm_get_dev_addr(res), VCM_WRITE);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	bed_end(bed);
	test_process_exit();
}

/* A process that maps memory, pins it, and exits. */
struct short_life {
	struct vcm_phys *phys;
	struct mm_struct *mm;
	struct completion over;
};

static int short_life(void *data)
{
	struct short_life *life = data;
	unsigned long addr;

	mmgrab(life->mm);
	life->mm->task_size = TASK_SIZE;
	arch_pick_mmap_layout(life->mm, &current->signal->rlim[RLIMIT_STACK]);
	kthread_use_mm(life->mm);
	addr = vm_mmap(NULL, 0, LEN, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, 0);
	life->phys = IS_ERR_VALUE(addr) ? ERR_PTR(addr) :
		     vcm_phys_pin_user(addr, LEN, VCM_RW);
	kthread_unuse_mm(life->mm);
	/* The last one: its mappings go now. */
	mmput(life->mm);
	complete(&life->over);
	return 0;
}

static void pin_and_exit(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_mirror);
	struct vcm_res *res = bed_reserve(bed, LEN, VCM_RW);
	struct short_life life = { .mm = mm_alloc() };
	int held;

	KUNIT_ASSERT_NOT_NULL(test, life.mm);
	init_completion(&life.over);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kthread_run(short_life, &life,
						       "vcm-short-life"));
	wait_for_completion(&life.over);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, life.phys);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&life.mm->mm_users));

	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, life.phys));
	bed_expect_memory(bed, res, life.phys);
	KUNIT_EXPECT_TRUE(test, folio_maybe_dma_pinned(folio_of(life.phys, 0)));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, LEN / PAGE_SIZE, life.mm->locked_vm);
	held = atomic_read(&life.mm->mm_count);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(life.phys));
	KUNIT_EXPECT_EQ(test, 0, life.mm->locked_vm);
	KUNIT_EXPECT_LT(test, atomic_read(&life.mm->mm_count), held);
	mmdrop(life.mm);
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	bed_end(bed);
}

/* Pages that it shares with another process become its own before they are pinned. */
static void pin_unshares(struct kunit *test)
{
	unsigned long addr = map_pages(test, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	struct vcm_phys *phys;

	/* Read first: it is the page of zeroes that everybody shares. */
	KUNIT_EXPECT_EQ(test, 0, get_byte(test, addr));
	phys = pin(test, addr, PAGE_SIZE, VCM_RW);
	KUNIT_EXPECT_FALSE(test, is_zero_folio(folio_of(phys, 0)));
	phys_fill(phys, 0x99);
	KUNIT_EXPECT_EQ(test, 0x99, get_byte(test, addr + 7));
	KUNIT_EXPECT_EQ(test, 0, *(u8 *)page_address(ZERO_PAGE(0)));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	test_process_exit();
}

/* Whoever may not lock so much may not pin it either; and nothing stays. */
static void pin_limit(struct kunit *test)
{
	unsigned long addr = map_pages(test, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	struct rlimit *limit = &current->signal->rlim[RLIMIT_MEMLOCK];
	struct rlimit was = *limit;
	const struct cred *old;
	struct cred *cred;

	cred = prepare_creds();
	KUNIT_ASSERT_NOT_NULL(test, cred);
	cap_lower(cred->cap_effective, CAP_IPC_LOCK);
	old = override_creds(cred);
	limit->rlim_cur = 4 * PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, -ENOMEM, refused(addr, LEN, VCM_RW));
	KUNIT_EXPECT_EQ(test, 0, current->mm->locked_vm);
	KUNIT_EXPECT_EQ(test, 0, refused(addr, 4 * PAGE_SIZE, VCM_RW));
	KUNIT_EXPECT_EQ(test, 0, current->mm->locked_vm);
	*limit = was;
	revert_creds(old);
	put_cred(cred);
	KUNIT_EXPECT_EQ(test, 0, refused(addr, LEN, VCM_RW));
	test_process_exit();
}

/* A hole in the middle: what came before it is unpinned again. */
static void pin_hole(struct kunit *test)
{
	unsigned long addr = map_pages(test, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	struct vcm_phys *phys = pin(test, addr, PAGE_SIZE, VCM_RW);
	struct folio *folio = folio_of(phys, 0);

	KUNIT_ASSERT_EQ(test, 0, vcm_phys_free(phys));
	folio_get(folio);
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr + 4 * PAGE_SIZE, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -EFAULT, refused(addr, LEN, VCM_RW));
	KUNIT_EXPECT_FALSE(test, folio_maybe_dma_pinned(folio));
	KUNIT_EXPECT_EQ(test, 0, current->mm->locked_vm);
	folio_put(folio);
	test_process_exit();
}

static struct vcm_phys *make_pinned(void *arg)
{
	return vcm_phys_pin_user(*(unsigned long *)arg, LEN, VCM_RW);
}

/* No memory for the books: nothing is pinned, nothing counts as locked. */
static void pin_no_memory(struct kunit *test)
{
	unsigned long addr = map_pages(test, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	struct vcm_phys *phys = pin(test, addr, LEN, VCM_RW);
	struct folio *folio = folio_of(phys, 0);

	KUNIT_ASSERT_EQ(test, 0, vcm_phys_free(phys));
	folio_get(folio);
	KUNIT_EXPECT_GE(test, vcm_inject_each(test, make_pinned, &addr), 1);
	KUNIT_EXPECT_FALSE(test, folio_maybe_dma_pinned(folio));
	KUNIT_EXPECT_EQ(test, 0, current->mm->locked_vm);
	folio_put(folio);
	test_process_exit();
}

static void pin_args(struct kunit *test)
{
	unsigned long addr, top = ULONG_MAX & PAGE_MASK;

	/* A thread of the kernel has no memory of its own. */
	if (!current->mm)
		KUNIT_EXPECT_EQ(test, -EINVAL,
				refused(PAGE_SIZE, PAGE_SIZE, VCM_RW));
	addr = map_pages(test, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	KUNIT_EXPECT_EQ(test, -EINVAL, refused(addr, 0, VCM_RW));
	KUNIT_EXPECT_EQ(test, -EINVAL, refused(addr + 1, PAGE_SIZE, VCM_RW));
	KUNIT_EXPECT_EQ(test, -EINVAL, refused(addr, PAGE_SIZE + 1, VCM_RW));
	KUNIT_EXPECT_EQ(test, -EINVAL, refused(addr, PAGE_SIZE, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			refused(addr, PAGE_SIZE, VCM_READ | VCM_EXEC));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			refused(addr, PAGE_SIZE, VCM_READ | VCM_MMIO));
	KUNIT_EXPECT_EQ(test, -EOVERFLOW, refused(top, 2 * PAGE_SIZE, VCM_READ));
	KUNIT_EXPECT_EQ(test, -EOVERFLOW, refused(top, PAGE_SIZE, VCM_READ));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			refused(PAGE_ALIGN(TASK_SIZE), PAGE_SIZE, VCM_READ));
	KUNIT_EXPECT_EQ(test, 0, refused(addr, PAGE_SIZE, VCM_READ));
	KUNIT_EXPECT_EQ(test, 0, refused(addr, PAGE_SIZE, VCM_WRITE));
	test_process_exit();
}

static struct kunit_case vcm_user_pages_cases[] = {
	KUNIT_CASE(pin_args),
	KUNIT_CASE(pin_and_back),
	KUNIT_CASE(pin_to_read),
	KUNIT_CASE(pin_and_unmap),
	KUNIT_CASE(pin_and_exit),
	KUNIT_CASE(pin_unshares),
	KUNIT_CASE(pin_limit),
	KUNIT_CASE(pin_hole),
	KUNIT_CASE(pin_no_memory),
	{}
};

static struct kunit_suite vcm_user_pages_suite = {
	.name = "vcm_user_pages",
	.suite_init = vcm_inject_init,
	.suite_exit = vcm_inject_exit,
	.test_cases = vcm_user_pages_cases,
};

kunit_test_suite(vcm_user_pages_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: pages of a process");
MODULE_LICENSE("GPL");
