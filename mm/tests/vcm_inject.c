// SPDX-License-Identifier: GPL-2.0-only
/*
 * Let the n-th allocation of this task fail; see vcm_inject.h.
 */
#include <linux/dcache.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/vcm.h>

#include "vcm_inject.h"

#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS

struct inject_knob {
	const char *dir;
	const char *file;
	size_t size;
	u8 *value;
	unsigned long saved;
};

static struct inject_knob knobs[] = {
	{ "failslab", "ignore-gfp-wait", sizeof(bool) },
	{ "failslab", "verbose", sizeof(unsigned long) },
	{ "fail_page_alloc", "ignore-gfp-wait", sizeof(bool) },
	{ "fail_page_alloc", "ignore-gfp-highmem", sizeof(bool) },
	{ "fail_page_alloc", "min-order", sizeof(u32) },
	{ "fail_page_alloc", "verbose", sizeof(unsigned long) },
};

static u8 *inject_find(const struct inject_knob *knob)
{
	struct dentry *dir = debugfs_lookup(knob->dir, NULL), *file;
	u8 *value = NULL;

	if (IS_ERR_OR_NULL(dir))
		return NULL;
	file = debugfs_lookup(knob->file, dir);
	if (!IS_ERR_OR_NULL(file)) {
		value = d_inode(file)->i_private;
		dput(file);
	}
	dput(dir);
	return value;
}

/* Everything may fail, quietly; 0 does it for each of them. */
int vcm_inject_init(struct kunit_suite *suite)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		knobs[i].value = inject_find(&knobs[i]);
	for (i = 0; i < ARRAY_SIZE(knobs); i++) {
		if (!knobs[i].value)
			continue;
		memcpy(&knobs[i].saved, knobs[i].value, knobs[i].size);
		memset(knobs[i].value, 0, knobs[i].size);
	}
	return 0;
}

void vcm_inject_exit(struct kunit_suite *suite)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		if (knobs[i].value)
			memcpy(knobs[i].value, &knobs[i].saved, knobs[i].size);
}

bool vcm_inject_possible(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		if (!knobs[i].value)
			return false;
	return true;
}

void vcm_inject_arm(unsigned int nth)
{
	current->fail_nth = nth;
}

/* Did it fire? From here on nothing does. */
bool vcm_inject_disarm(void)
{
	bool fired = !current->fail_nth;

	current->fail_nth = 0;
	return fired;
}

#else

int vcm_inject_init(struct kunit_suite *suite)
{
	return 0;
}

void vcm_inject_exit(struct kunit_suite *suite)
{
}

bool vcm_inject_possible(void)
{
	return false;
}

void vcm_inject_arm(unsigned int nth)
{
}

bool vcm_inject_disarm(void)
{
	return false;
}

#endif

static unsigned int inject_round(struct kunit *test,
				 struct vcm_phys *(*make)(void *arg), void *arg)
{
	unsigned int nth, failures = 0;
	bool fired = true;

	for (nth = 1; fired; nth++) {
		struct vcm_phys *phys;

		vcm_inject_arm(nth);
		phys = make(arg);
		fired = vcm_inject_disarm();
		failures += IS_ERR(phys);
		if (IS_ERR(phys))
			KUNIT_EXPECT_EQ(test, -ENOMEM, PTR_ERR(phys));
		else
			KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(phys));
	}
	kunit_info(test, "%u allocations, %u failures", nth - 2, failures);
	return failures;
}

unsigned int vcm_inject_each(struct kunit *test,
			     struct vcm_phys *(*make)(void *arg), void *arg)
{
	unsigned int i, most = 0;

	if (!vcm_inject_possible())
		kunit_skip(test, "no fault injection in this kernel");
	for (i = 0; i < VCM_INJECT_ROUNDS; i++)
		most = max(most, inject_round(test, make, arg));
	return most;
}
