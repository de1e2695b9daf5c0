/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Let the n-th allocation of this task fail, whatever its flags. The kernel's
 * fault injection does it; its knobs, which are in debugfs, are turned for the
 * time of a suite.
 */
#ifndef _MM_TESTS_VCM_INJECT_H
#define _MM_TESTS_VCM_INJECT_H

#include <kunit/test.h>

struct vcm_phys;

/* For struct kunit_suite */
int vcm_inject_init(struct kunit_suite *suite);
void vcm_inject_exit(struct kunit_suite *suite);

/* Can this kernel do it? */
bool vcm_inject_possible(void);
/* The @nth allocation from here on fails ... */
void vcm_inject_arm(unsigned int nth);
/* ... up to here. Did it? */
bool vcm_inject_disarm(void);
/*
 * Which allocation is the n-th changes from call to call, with what caches have
 * at hand and with what the debug code allocates for itself. So a round may miss
 * the allocations that matter; this many in a row don't.
 */
#define VCM_INJECT_ROUNDS	3
/* Each allocation of @make fails in turn, with -ENOMEM; how many did, at most? */
unsigned int vcm_inject_each(struct kunit *test,
			     struct vcm_phys *(*make)(void *arg), void *arg);

#endif /* _MM_TESTS_VCM_INJECT_H */
