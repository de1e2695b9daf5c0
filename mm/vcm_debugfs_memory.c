// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: what memory there is, for people.
 *
 * /sys/kernel/debug/vcm/memory lists the memory types and their pools, and what
 * comes from elsewhere.
 */
#include <linux/dcache.h>
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/seq_file.h>

#include "vcm_internal.h"

static int vcm_memory_show(struct seq_file *s, void *unused)
{
	vcm_memtype_show(s);
	vcm_foreign_show(s);
	vcm_cache_show(s);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vcm_memory);

/* After vcm_debugfs.c, which makes the folder. */
static int __init vcm_debugfs_memory_init(void)
{
	struct dentry *dir = debugfs_lookup("vcm", NULL);

	if (IS_ERR_OR_NULL(dir))
		return 0;
	debugfs_create_file("memory", 0400, dir, NULL, &vcm_memory_fops);
	dput(dir);
	return 0;
}
late_initcall_sync(vcm_debugfs_memory_init);
