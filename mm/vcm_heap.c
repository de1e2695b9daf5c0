// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: memory types as dma-heaps.
 *
 * User space allocates from /dev/dma_heap/vcm-NAME what a driver would allocate
 * from the memory type NAME.
 *
 * A dma-heap stays forever once it is there, and a memory type does not. So a
 * heap knows no memory type, but the name of one, and looks it up each time: it
 * is -ENODEV while there is none, and the next one of that name has a heap
 * already.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/list.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "vcm_internal.h"

#define VCM_HEAP_PREFIX	"vcm-"

/**
 * struct vcm_heap - a dma-heap
 * @node: in the list of heaps
 * @name: of the heap; after the prefix comes that of the memory type
 */
struct vcm_heap {
	struct list_head node;
	char name[];
};

/* vcm_memtypes_lock */
static LIST_HEAD(vcm_heaps);
static bool vcm_heaps_ready;

static const char *vcm_heap_type(const struct vcm_heap *heap)
{
	return heap->name + strlen(VCM_HEAP_PREFIX);
}

/**
 * vcm_heap_buffer() - allocate for user space
 * @name: of a memory type
 * @len: bytes
 * @flags: of the file, as for vcm_export_dma_buf()
 *
 * The memory is always cleared. Nobody but the dma-buf holds it.
 *
 * Context: May sleep.
 * Return: the dma-buf; or an ERR_PTR(): -ENODEV if there is no such memory type
 * for user space; and as vcm_phys_alloc() and vcm_export_dma_buf().
 */
struct dma_buf *vcm_heap_buffer(const char *name, size_t len, int flags)
{
	struct vcm_memtype *type = vcm_memtype_get(name);
	struct vcm_phys *phys = ERR_PTR(-ENODEV);
	struct dma_buf *buf;

	if (IS_ERR(type))
		return ERR_PTR(-ENODEV);
	if (!type->kernel_only)
		phys = vcm_phys_alloc(type, len, VCM_ZERO | VCM_CACHED);
	vcm_memtype_put(type);
	if (IS_ERR(phys))
		return ERR_CAST(phys);
	buf = vcm_export_dma_buf(phys, flags);
	/* From here on the dma-buf alone holds it, or nobody. */
	vcm_phys_put(phys);
	return buf;
}

/* Heaps have no flags yet, and what is unknown was refused before. */
static struct dma_buf *vcm_heap_allocate(struct dma_heap *dma_heap,
					 unsigned long len, u32 fd_flags,
					 u64 heap_flags)
{
	struct vcm_heap *heap = dma_heap_get_drvdata(dma_heap);

	return vcm_heap_buffer(vcm_heap_type(heap), len, fd_flags);
}

static const struct dma_heap_ops vcm_heap_ops = {
	.allocate = vcm_heap_allocate,
};

/**
 * vcm_heap_exists() - is there a dma-heap of this name?
 * @type: name of a memory type, of which there may be none
 *
 * Context: The caller holds vcm_memtypes_lock.
 * Return: true if so.
 */
bool vcm_heap_exists(const char *type)
{
	struct vcm_heap *heap;

	lockdep_assert_held(&vcm_memtypes_lock);

	list_for_each_entry(heap, &vcm_heaps, node)
		if (!strcmp(vcm_heap_type(heap), type))
			return true;
	return false;
}

static int vcm_heap_create(const char *type)
{
	struct dma_heap_export_info info = { .ops = &vcm_heap_ops };
	size_t len = strlen(VCM_HEAP_PREFIX) + strlen(type) + 1;
	struct dma_heap *dma_heap;
	struct vcm_heap *heap;

	heap = kzalloc(struct_size(heap, name, len), GFP_KERNEL);
	if (!heap)
		return -ENOMEM;
	snprintf(heap->name, len, VCM_HEAP_PREFIX "%s", type);
	info.name = heap->name;
	info.priv = heap;
	dma_heap = dma_heap_add(&info);
	if (IS_ERR(dma_heap)) {
		kfree(heap);
		return PTR_ERR(dma_heap);
	}
	list_add(&heap->node, &vcm_heaps);
	return 0;
}

/**
 * vcm_heap_add() - let user space allocate from a memory type
 * @type: the memory type
 *
 * There may be a heap of that name already, from an earlier memory type. If it
 * cannot be made, the memory type is as good for drivers as before, and a
 * message says so.
 *
 * Context: May sleep. The caller holds vcm_memtypes_lock.
 */
void vcm_heap_add(const struct vcm_memtype *type)
{
	int err;

	lockdep_assert_held(&vcm_memtypes_lock);

	if (!vcm_heaps_ready || type->kernel_only || vcm_heap_exists(type->name))
		return;
	err = vcm_heap_create(type->name);
	if (err)
		pr_warn("memory type %s: no dma-heap for it (%d)\n", type->name, err);
}

/* Memory types may be there before there can be heaps. */
static int __init vcm_heaps_init(void)
{
	mutex_lock(&vcm_memtypes_lock);
	vcm_heaps_ready = true;
	vcm_memtypes_visit(vcm_heap_add);
	mutex_unlock(&vcm_memtypes_lock);
	return 0;
}
device_initcall(vcm_heaps_init);
