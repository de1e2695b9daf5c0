/* SPDX-License-Identifier: GPL-2.0-only */
/* For suites whose cases become processes, by kunit_vm_mmap(). */
#ifndef _VCM_PROCESS_TEST_H
#define _VCM_PROCESS_TEST_H

#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>

/*
 * KUnit gives the thread of a case its address space, and leaves it to the
 * thread, which leaks it: so to be called at the end of such a case.
 */
static inline void test_process_exit(void)
{
	struct mm_struct *mm = current->mm;

	if (!mm)
		return;
	kthread_unuse_mm(mm);
	mmput(mm);
}

#endif /* _VCM_PROCESS_TEST_H */
