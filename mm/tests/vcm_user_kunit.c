// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts of a process: what backs them, the process sees.
 *
 * The thread that runs a case is the process: it gets an address space, and
 * reaches it as any system call does, by get_user() and put_user(). When it
 * lets go of it, the process has exited.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/uaccess.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"

struct uspace {
	struct mm_struct *mm;
	struct vcm *vcm;
};

static void user_enter(struct kunit *test, struct uspace *user)
{
	user->mm = bed_process(test);
	user->vcm = vcm_create_user(user->mm);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, user->vcm);
}

static void user_leave(struct kunit *test, struct uspace *user)
{
	KUNIT_EXPECT_EQ(test, 0, vcm_free(user->vcm));
	bed_process_exit(user->mm);
}

static struct vcm_phys *user_alloc(struct kunit *test, size_t len)
{
	struct vcm_phys *phys = vcm_phys_alloc(NULL, len, VCM_ZERO);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, phys);
	return phys;
}

static bool user_gets(dma_addr_t addr, u8 *byte)
{
	return !get_user(*byte, (u8 __user *)(unsigned long)addr);
}

static bool user_reads(dma_addr_t addr)
{
	u8 byte;

	return user_gets(addr, &byte);
}

static bool user_sees(dma_addr_t addr, u8 want)
{
	u8 byte;

	return user_gets(addr, &byte) && byte == want;
}

static bool user_writes(dma_addr_t addr, u8 byte)
{
	return !put_user(byte, (u8 __user *)(unsigned long)addr);
}

/* What the process has mapped at an address. */
static unsigned long user_flags(struct mm_struct *mm, dma_addr_t addr)
{
	unsigned long flags = 0;
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	if (vma)
		flags = vma->vm_flags;
	mmap_read_unlock(mm);
	return flags;
}

/* Any number of pieces is one range to the process, and right to the byte. */
static void user_bytes(struct kunit *test)
{
	const size_t lens[] = { 1, 3, 17, 100, 700 };
	struct uspace user;
	unsigned int i;
	size_t off;

	user_enter(test, &user);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		size_t len = lens[i] * PAGE_SIZE;
		struct vcm_phys *phys = user_alloc(test, len);
		struct vcm_res *res = space_take(test, user.vcm, len, VCM_RW);
		dma_addr_t addr = vcm_get_dev_addr(res);

		KUNIT_EXPECT_FALSE(test, user_reads(addr));
		KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
		phys_fill(phys, 0x11 + i);
		for (off = 0; off < len; off += PAGE_SIZE) {
			KUNIT_ASSERT_TRUE(test,
					  user_sees(addr + off, 0x11 + i));
			KUNIT_ASSERT_TRUE(test, user_writes(addr + off + 1,
							    off >> PAGE_SHIFT));
		}
		for (off = 0; off < len; off += PAGE_SIZE)
			KUNIT_ASSERT_EQ(test, (u8)(off >> PAGE_SHIFT),
					phys_peek(phys, off + 1));
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
		space_give(test, res);
		KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	}
	user_leave(test, &user);
}

/* After unback the process faults, wherever it has been before. */
static void user_unmapped(struct kunit *test)
{
	struct vcm_phys *phys = user_alloc(test, SZ_128K);
	struct vcm_phys *other = user_alloc(test, SZ_128K);
	struct vcm_res *res;
	struct uspace user;
	phys_addr_t pa, want;
	dma_addr_t addr;
	size_t off, len;

	user_enter(test, &user);
	res = space_take(test, user.vcm, SZ_256K, VCM_RW);
	addr = vcm_get_dev_addr(res);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(phys, 0, &want, &len));
	KUNIT_EXPECT_EQ(test, 0,
			vcm_dev_addr_to_phys_addr(user.vcm, addr + 5, &pa));
	KUNIT_EXPECT_EQ(test, want + 5, pa);
	for (off = 0; off < SZ_128K; off += PAGE_SIZE)
		KUNIT_EXPECT_TRUE(test, user_writes(addr + off, 1));
	/* The rest of the reservation reaches nothing. */
	KUNIT_EXPECT_FALSE(test, user_reads(addr + SZ_128K));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	for (off = 0; off < SZ_256K; off += PAGE_SIZE)
		KUNIT_EXPECT_FALSE(test, user_reads(addr + off));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			vcm_dev_addr_to_phys_addr(user.vcm, addr, &pa));
	/* Other memory at the same address: that, and not the first. */
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, other));
	KUNIT_EXPECT_TRUE(test, user_sees(addr, 0));
	KUNIT_EXPECT_TRUE(test, user_writes(addr, 2));
	KUNIT_EXPECT_EQ(test, 1, phys_peek(phys, 0));
	KUNIT_EXPECT_EQ(test, 2, phys_peek(other, 0));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(other));
	user_leave(test, &user);
}

static void user_rights(struct kunit *test)
{
	struct vcm_phys *phys = user_alloc(test, SZ_64K);
	struct vcm_res *ro, *rw;
	struct uspace user;
	dma_addr_t addr;

	user_enter(test, &user);
	rw = space_take(test, user.vcm, SZ_64K, VCM_RW | VCM_EXEC);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, vcm_back(rw, phys));
	space_give(test, rw);
	rw = space_take(test, user.vcm, SZ_64K, VCM_RW | VCM_PRIV);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, vcm_back(rw, phys));
	space_give(test, rw);
	rw = space_take(test, user.vcm, SZ_64K, 0);
	KUNIT_EXPECT_EQ(test, -EACCES, vcm_back(rw, phys));
	space_give(test, rw);

	rw = space_take(test, user.vcm, SZ_64K, VCM_RW);
	ro = space_take(test, user.vcm, SZ_64K, VCM_READ);
	addr = vcm_get_dev_addr(ro);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(rw, phys));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(ro, phys));
	KUNIT_EXPECT_TRUE(test, user_writes(vcm_get_dev_addr(rw), 7));
	/* A page that is not there yet, and one that is. */
	KUNIT_EXPECT_FALSE(test, user_writes(addr, 8));
	KUNIT_EXPECT_TRUE(test, user_sees(addr, 7));
	KUNIT_EXPECT_FALSE(test, user_writes(addr, 9));
	KUNIT_EXPECT_TRUE(test, user_sees(addr, 7));

	/* The process has the page, and its rights change. */
	KUNIT_ASSERT_EQ(test, 0, vcm_set_res_attr(ro, VCM_RW));
	KUNIT_EXPECT_TRUE(test, user_writes(addr, 10));
	KUNIT_ASSERT_EQ(test, 0, vcm_set_res_attr(ro, VCM_READ));
	KUNIT_EXPECT_FALSE(test, user_writes(addr, 11));
	KUNIT_EXPECT_TRUE(test, user_sees(addr, 10));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			vcm_set_res_attr(ro, VCM_READ | VCM_EXEC));
	KUNIT_EXPECT_TRUE(test, user_sees(addr, 10));
	KUNIT_EXPECT_FALSE(test, user_writes(addr, 11));
	KUNIT_EXPECT_TRUE(test, user_writes(vcm_get_dev_addr(rw), 12));

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(ro));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(rw));
	space_give(test, ro);
	space_give(test, rw);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	user_leave(test, &user);
}

/* The process hands out the addresses, and no one else. */
static void user_reserve(struct kunit *test)
{
	const unsigned long want = VM_PFNMAP | VM_IO | VM_DONTCOPY |
				   VM_DONTEXPAND | VM_DONTDUMP;
	unsigned int order;
	struct vcm_res *res;
	struct uspace user;
	dma_addr_t addr;
	int i;

	user_enter(test, &user);
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_tables(user.vcm));
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, vcm_get_min_page_size(user.vcm));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			space_try_at(user.vcm, SZ_1G, SZ_64K));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EOPNOTSUPP),
			    vcm_create_bound(user.vcm, SZ_64K));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EOPNOTSUPP), vcm_clone(user.vcm));
	KUNIT_EXPECT_EQ(test, -ENOSPC, space_try(user.vcm, SIZE_MAX, VCM_RW));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			space_try(user.vcm, SIZE_MAX - SZ_1M, VCM_RW));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			space_try(user.vcm, SZ_64K, VCM_RW | VCM_ALIGN(63)));
	for (order = 1; order <= 21; order++) {
		res = space_take(test, user.vcm, 1, VCM_RW | VCM_ALIGN(order));
		addr = vcm_get_dev_addr(res);
		KUNIT_EXPECT_TRUE(test, IS_ALIGNED(addr, BIT(order)));
		KUNIT_EXPECT_EQ(test, want, user_flags(user.mm, addr) & want);
		space_give(test, res);
		KUNIT_EXPECT_EQ(test, 0, user_flags(user.mm, addr));
	}
	for (i = 0; i < 100; i++)
		KUNIT_ASSERT_EQ(test, 0, space_try(user.vcm, SZ_64K, VCM_RW |
						   VCM_ALIGN(17)));
	KUNIT_EXPECT_EQ(test, 0, user.mm->map_count);

	res = space_take(test, user.vcm, SZ_64K, VCM_RW);
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_free(user.vcm));
	/* Somebody else can do anything but reserve. */
	kthread_unuse_mm(user.mm);
	KUNIT_EXPECT_EQ(test, -ESRCH, space_try(user.vcm, SZ_64K, VCM_RW));
	addr = vcm_get_dev_addr(res);
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, user_flags(user.mm, addr));
	kthread_use_mm(user.mm);
	user_leave(test, &user);
}

/* The process unmaps a part, and puts something else there. */
static void user_unmaps(struct kunit *test)
{
	struct vcm_phys *phys = user_alloc(test, SZ_64K);
	unsigned long hole, own;
	struct vcm_res *res;
	struct uspace user;
	dma_addr_t addr;

	user_enter(test, &user);
	res = space_take(test, user.vcm, SZ_64K, VCM_RW);
	addr = vcm_get_dev_addr(res);
	hole = addr + 2 * PAGE_SIZE;
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_TRUE(test, user_writes(addr, 1));
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(hole, PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, user_reads(hole));
	own = vm_mmap(NULL, hole, PAGE_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);
	KUNIT_ASSERT_EQ(test, hole, own);
	KUNIT_EXPECT_TRUE(test, user_writes(hole, 0x55));
	/* The rest is as it was, and goes. */
	KUNIT_EXPECT_TRUE(test, user_sees(addr, 1));
	KUNIT_EXPECT_TRUE(test, user_writes(hole + PAGE_SIZE, 3));
	KUNIT_EXPECT_EQ(test, 3, phys_peek(phys, 3 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, phys_peek(phys, 2 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_FALSE(test, user_reads(addr));
	KUNIT_EXPECT_FALSE(test, user_reads(hole + PAGE_SIZE));
	KUNIT_EXPECT_TRUE(test, user_sees(hole, 0x55));
	space_give(test, res);
	KUNIT_EXPECT_TRUE(test, user_sees(hole, 0x55));
	KUNIT_EXPECT_EQ(test, 1, user.mm->map_count);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	user_leave(test, &user);
}

/* The process unmaps all of it, and the kernel hands it out again. */
static void user_unmaps_all(struct kunit *test)
{
	struct vcm_phys *phys = user_alloc(test, SZ_64K);
	struct vcm_res *res;
	struct uspace user;
	phys_addr_t pa;
	dma_addr_t addr;

	user_enter(test, &user);
	res = space_take(test, user.vcm, SZ_64K, VCM_RW);
	addr = vcm_get_dev_addr(res);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr, SZ_64K));
	KUNIT_EXPECT_FALSE(test, user_reads(addr));
	KUNIT_EXPECT_EQ(test, 0,
			vcm_dev_addr_to_phys_addr(user.vcm, addr, &pa));
	KUNIT_EXPECT_EQ(test, -EBUSY, space_try(user.vcm, SZ_64K, VCM_RW));
	KUNIT_EXPECT_EQ(test, 0, user.mm->map_count);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, space_try(user.vcm, SZ_64K, VCM_RW));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	user_leave(test, &user);
}

/* What else it may not do. These system calls cannot be made from here. */
static void user_changes(struct kunit *test)
{
	struct vm_area_struct *vma;
	struct vcm_res *res;
	struct uspace user;

	user_enter(test, &user);
	res = space_take(test, user.vcm, SZ_64K, VCM_READ);
	mmap_write_lock(user.mm);
	vma = vma_lookup(user.mm, vcm_get_dev_addr(res));
	KUNIT_EXPECT_NOT_NULL(test, vma);
	if (vma) {
		KUNIT_EXPECT_EQ(test, -EACCES,
				vma->vm_ops->mprotect(vma, vma->vm_start,
						      vma->vm_end, VM_READ));
		KUNIT_EXPECT_EQ(test, -EINVAL, vma->vm_ops->mremap(vma));
	}
	mmap_write_unlock(user.mm);
	/* The file of it, elsewhere. */
	KUNIT_EXPECT_EQ(test, -EINVAL,
			(long)vm_mmap(vma->vm_file, 0, PAGE_SIZE, PROT_READ,
				      MAP_SHARED, 0));
	space_give(test, res);
	user_leave(test, &user);
}

/* The process exits at different times; the rest goes on without it. */
static void user_exits(struct kunit *test)
{
	struct vcm_phys *phys = user_alloc(test, SZ_64K);
	struct vcm *vcm = space_new(test, 0, SZ_1G);
	struct vcm_res *res, *held, *dev;
	struct uspace user;
	phys_addr_t pa;
	dma_addr_t addr, same;

	user_enter(test, &user);
	dev = space_take(test, vcm, SZ_64K, VCM_RW);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(dev, phys));
	res = space_take(test, user.vcm, SZ_64K, VCM_RW);
	addr = vcm_get_dev_addr(res);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_TRUE(test, user_writes(addr, 0x42));
	bed_process_exit(user.mm);

	KUNIT_EXPECT_EQ(test, -ESRCH, space_try(user.vcm, SZ_64K, VCM_RW));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_unreserve(res));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0,
			vcm_dev_addr_to_phys_addr(user.vcm, addr, &pa));
	KUNIT_EXPECT_EQ(test, 2, vcm_get_phys_num_res(pa));
	KUNIT_EXPECT_EQ(test, 0, vcm_translate(user.vcm, addr, vcm, &same));
	KUNIT_EXPECT_EQ(test, vcm_get_dev_addr(dev), same);
	KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(res, VCM_READ));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_migrate(phys, NULL, 0, 0));
	KUNIT_EXPECT_EQ(test, 0x42, phys_peek(phys, 0));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	held = vcm_get_res(user.vcm, addr);
	KUNIT_EXPECT_PTR_EQ(test, res, held);
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_free(user.vcm));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_unreserve(held));
	vcm_res_put(held);

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(dev));
	space_give(test, dev);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(vcm));
}

/* A child of the process */
struct child {
	struct completion done;
	dma_addr_t addr;
	unsigned long own;
	bool sees_own;
	bool sees_res;
	unsigned long flags;
	int reserved;
	struct vcm *vcm;
};

static int child_run(void *data)
{
	struct child *child = data;

	child->sees_own = user_sees(child->own, 0x66);
	child->sees_res = user_reads(child->addr);
	child->flags = user_flags(current->mm, child->addr);
	child->reserved = space_try(child->vcm, PAGE_SIZE, VCM_RW);
	complete(&child->done);
	do_exit(0);
}

static void user_forks(struct kunit *test)
{
	struct vcm_phys *phys = user_alloc(test, SZ_64K);
	struct child *child = kunit_kzalloc(test, sizeof(*child), GFP_KERNEL);
	struct kernel_clone_args args = {
		.flags = CLONE_UNTRACED, .fn = child_run, .fn_arg = child,
	};
	struct vcm_res *res;
	struct uspace user;

	KUNIT_ASSERT_NOT_NULL(test, child);
	init_completion(&child->done);
	user_enter(test, &user);
	res = space_take(test, user.vcm, SZ_64K, VCM_RW);
	child->vcm = user.vcm;
	child->addr = vcm_get_dev_addr(res);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_TRUE(test, user_writes(child->addr, 0x77));
	child->own = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(child->own));
	KUNIT_EXPECT_TRUE(test, user_writes(child->own, 0x66));

	KUNIT_ASSERT_GT(test, kernel_clone(&args), 0);
	wait_for_completion(&child->done);
	KUNIT_EXPECT_TRUE(test, child->sees_own);
	KUNIT_EXPECT_FALSE(test, child->sees_res);
	KUNIT_EXPECT_EQ(test, 0, child->flags);
	KUNIT_EXPECT_EQ(test, -ESRCH, child->reserved);
	KUNIT_EXPECT_TRUE(test, user_sees(child->addr, 0x77));

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	user_leave(test, &user);
}

/* A thread of the process, which looks at one address all the time. */
struct looker {
	struct task_struct *task;
	struct mm_struct *mm;
	dma_addr_t addr;
	unsigned long seen;
	unsigned long refused;
	unsigned long wrong;
};

static int looker_run(void *data)
{
	struct looker *looker = data;
	u8 byte;

	kthread_use_mm(looker->mm);
	while (!kthread_should_stop()) {
		if (!user_gets(looker->addr, &byte) ||
		    !user_writes(looker->addr + 1, byte))
			WRITE_ONCE(looker->refused, looker->refused + 1);
		else if (byte != 0x3c)
			WRITE_ONCE(looker->wrong, looker->wrong + 1);
		else
			WRITE_ONCE(looker->seen, looker->seen + 1);
		cond_resched();
	}
	kthread_unuse_mm(looker->mm);
	return 0;
}

static void looker_start(struct kunit *test, struct looker *looker)
{
	looker->task = kthread_run(looker_run, looker, "vcm-looker");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, looker->task);
}

/* Has it looked @times more than @from? Not for ever. */
static bool looker_waits(unsigned long *count, unsigned long from,
			 unsigned long times)
{
	unsigned long end = jiffies + 20 * HZ;

	while (READ_ONCE(*count) - from < times && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	return READ_ONCE(*count) - from >= times;
}

/* While somebody is at the reservation, an access waits for the outcome. */
static void user_waits(struct kunit *test)
{
	struct looker looker = {};
	struct vcm_res *res;
	struct uspace user;
	int claimed;

	user_enter(test, &user);
	res = space_take(test, user.vcm, SZ_64K, VCM_RW);
	looker.mm = user.mm;
	looker.addr = vcm_get_dev_addr(res);
	down_read(&user.vcm->lock);
	claimed = vcm_res_claim(res, BIT(VCM_RES_IDLE));
	up_read(&user.vcm->lock);
	KUNIT_ASSERT_EQ(test, VCM_RES_IDLE, claimed);

	looker_start(test, &looker);
	schedule_timeout_uninterruptible(HZ / 10);
	KUNIT_EXPECT_EQ(test, 0, READ_ONCE(looker.refused));
	KUNIT_EXPECT_EQ(test, 0, READ_ONCE(looker.seen));
	vcm_res_publish(res, VCM_RES_IDLE);
	KUNIT_EXPECT_TRUE(test, looker_waits(&looker.refused, 0, 1));
	kthread_stop(looker.task);
	space_give(test, res);
	user_leave(test, &user);
}

/* Moving memory, or its rights, never shows: the process waits. */
static void user_migrates(struct kunit *test)
{
	struct vcm_phys *phys = user_alloc(test, SZ_1M);
	struct looker looker = {};
	struct vcm_res *res;
	phys_addr_t old, new;
	struct uspace user;
	size_t len;
	int i;

	user_enter(test, &user);
	res = space_take(test, user.vcm, SZ_1M, VCM_RW);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	looker.mm = user.mm;
	looker.addr = vcm_get_dev_addr(res);
	KUNIT_ASSERT_TRUE(test, user_writes(looker.addr, 0x3c));
	looker_start(test, &looker);
	KUNIT_EXPECT_TRUE(test, looker_waits(&looker.seen, 0, 1));
	for (i = 0; i < 20; i++) {
		KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(phys, 0, &old, &len));
		KUNIT_EXPECT_EQ(test, 0, vcm_phys_migrate(phys, NULL, 0, 0));
		KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(phys, 0, &new, &len));
		KUNIT_EXPECT_NE(test, old, new);
		/* The process sees the new place. */
		KUNIT_EXPECT_TRUE(test, user_writes(looker.addr + 2, i));
		KUNIT_EXPECT_EQ(test, i, phys_peek(phys, 2));
		KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(res, VCM_WRITE));
		KUNIT_EXPECT_EQ(test, 0, vcm_set_res_attr(res, VCM_RW));
		schedule_timeout_uninterruptible(1);
	}
	kthread_stop(looker.task);
	KUNIT_EXPECT_GT(test, looker.seen, 0);
	KUNIT_EXPECT_EQ(test, 0, looker.refused);
	KUNIT_EXPECT_EQ(test, 0, looker.wrong);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	user_leave(test, &user);
}

/* Taken away while it is in use: from then on nothing is written. */
static void user_races(struct kunit *test)
{
	struct vcm_phys *phys = user_alloc(test, SZ_64K);
	struct looker looker = {};
	struct vcm_res *res;
	struct uspace user;
	int i;

	user_enter(test, &user);
	res = space_take(test, user.vcm, SZ_64K, VCM_RW);
	looker.mm = user.mm;
	looker.addr = vcm_get_dev_addr(res);
	looker_start(test, &looker);
	for (i = 0; i < 30; i++) {
		unsigned long seen = READ_ONCE(looker.seen), refused;
		bool ok;

		phys_fill(phys, 0x3c);
		KUNIT_EXPECT_EQ(test, 0, vcm_back(res, phys));
		ok = looker_waits(&looker.seen, seen, 1);
		KUNIT_EXPECT_TRUE(test, ok);
		KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
		phys_fill(phys, 0x5d);
		refused = READ_ONCE(looker.refused);
		ok = ok && looker_waits(&looker.refused, refused, 2);
		KUNIT_EXPECT_TRUE(test, ok);
		KUNIT_EXPECT_EQ(test, 0x5d, phys_peek(phys, 1));
		if (!ok)
			break;
	}
	kthread_stop(looker.task);
	KUNIT_EXPECT_EQ(test, 0, looker.wrong);
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	user_leave(test, &user);
}

/* One memory for a process, the kernel, and two devices of different formats. */
static void user_and_others(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_mirror);
	struct vcm *kernel = vcm_create_kernel();
	struct vcm_res *res_u, *res_k, *res_d;
	struct vcm_res *res;
	struct vcm_phys *phys = bed_alloc(bed, SZ_64K, VCM_ZERO | VCM_CONTIG);
	unsigned int mappers = 0;
	phys_addr_t pa;
	struct uspace user;
	dma_addr_t same;
	size_t len;
	u8 *p;

	user_enter(test, &user);
	bed_join(bed);
	res_u = space_take(test, user.vcm, SZ_64K, VCM_RW);
	res_k = space_take(test, kernel, SZ_64K, VCM_RW);
	res_d = bed_reserve(bed, SZ_64K, VCM_RW);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res_u, phys));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res_k, phys));
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res_d, phys));
	p = vcm_get_kernel_addr(res_k);
	KUNIT_EXPECT_TRUE(test, user_writes(vcm_get_dev_addr(res_u) + 9, 0x21));
	KUNIT_EXPECT_EQ(test, 0x21, READ_ONCE(p[9]));
	WRITE_ONCE(p[10], 0x22);
	KUNIT_EXPECT_TRUE(test, user_sees(vcm_get_dev_addr(res_u) + 10, 0x22));
	bed_expect_memory(bed, res_d, phys);

	KUNIT_EXPECT_EQ(test, 0, vcm_translate(user.vcm,
					       vcm_get_dev_addr(res_u) + 9,
					       bed->vcm, &same));
	KUNIT_EXPECT_EQ(test, vcm_get_dev_addr(res_d) + 9, same);
	KUNIT_EXPECT_EQ(test, 0, vcm_translate(bed->vcm, same, user.vcm, &same));
	KUNIT_EXPECT_EQ(test, vcm_get_dev_addr(res_u) + 9, same);
	KUNIT_ASSERT_EQ(test, 0, vcm_get_chunk(phys, 0, &pa, &len));
	vcm_for_each_phys_res(pa, res, len)
		mappers += res == res_u || res == res_k || res == res_d;
	KUNIT_EXPECT_EQ(test, 3, mappers);

	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res_u));
	KUNIT_EXPECT_FALSE(test, user_reads(vcm_get_dev_addr(res_u)));
	bed_expect_memory(bed, res_d, phys);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res_k));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res_d));
	space_give(test, res_u);
	space_give(test, res_k);
	space_give(test, res_d);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(kernel));
	user_leave(test, &user);
	bed_end(bed);
}

/* A device on the context of a process follows its pointers. */
static void user_and_device(struct kunit *test)
{
	const struct vcm_soft_config config = {
		.name = "user", .format = VCM_SOFT_HALF,
	};
	struct vcm_phys *one = user_alloc(test, SZ_64K);
	struct vcm_phys *two = user_alloc(test, SZ_64K);
	struct vcm_iommu *unit = bed_unit(test, &config);
	struct device *dev = bed_device(test, unit);
	struct vcm_assoc *assoc;
	struct vcm_res *res;
	struct uspace user;
	dma_addr_t addr;
	u8 byte = 0x31;

	user_enter(test, &user);
	res = space_take(test, user.vcm, SZ_256K, VCM_RW);
	addr = vcm_get_dev_addr(res);
	KUNIT_ASSERT_EQ(test, 0, vcm_back_range(res, 0, one, 0, SZ_64K));
	assoc = space_join(test, user.vcm, dev);
	KUNIT_ASSERT_EQ(test, 0, vcm_activate(assoc));
	KUNIT_EXPECT_EQ(test, 2, vcm_get_num_tables(user.vcm));
	KUNIT_ASSERT_EQ(test, 0, vcm_back_range(res, SZ_128K, two, 0, SZ_64K));
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(unit, dev, addr, &byte, 1,
					      VCM_WRITE));
	KUNIT_EXPECT_TRUE(test, user_sees(addr, 0x31));
	KUNIT_EXPECT_TRUE(test, user_writes(addr + SZ_128K, 0x32));
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(unit, dev, addr + SZ_128K, &byte,
					      1, VCM_READ));
	KUNIT_EXPECT_EQ(test, 0x32, byte);
	KUNIT_EXPECT_FALSE(test, user_reads(addr + SZ_64K));

	/* The device stays when the process goes. */
	bed_process_exit(user.mm);
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(unit, dev, addr, &byte, 1,
					      VCM_READ));
	KUNIT_EXPECT_EQ(test, 0x31, byte);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_NE(test, 0, vcm_soft_dma(unit, dev, addr, &byte, 1,
					      VCM_READ));
	KUNIT_EXPECT_EQ(test, 0, vcm_deactivate(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	space_give(test, res);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(one));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(two));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(user.vcm));
}

static struct kunit_case vcm_user_cases[] = {
	KUNIT_CASE(user_bytes),
	KUNIT_CASE(user_unmapped),
	KUNIT_CASE(user_rights),
	KUNIT_CASE(user_reserve),
	KUNIT_CASE(user_unmaps),
	KUNIT_CASE(user_unmaps_all),
	KUNIT_CASE(user_changes),
	KUNIT_CASE(user_exits),
	KUNIT_CASE(user_forks),
	KUNIT_CASE(user_waits),
	KUNIT_CASE(user_migrates),
	KUNIT_CASE(user_races),
	KUNIT_CASE(user_and_others),
	KUNIT_CASE(user_and_device),
	{}
};

static struct kunit_suite vcm_user_suite = {
	.name = "vcm_user",
	.test_cases = vcm_user_cases,
};

kunit_test_suite(vcm_user_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: contexts of a process");
MODULE_LICENSE("GPL");
