// SPDX-License-Identifier: GPL-2.0-only
/*
 * Row B7: how many entries a buffer takes in a page table, with the memory that
 * each who can get some gets for it, fresh and fragmented.
 *
 * What the driver of the IOMMU is asked to write is counted. The peers are the
 * system heap, used through its file as every other user of it does, and
 * dma_alloc_noncontiguous().
 */
#include <linux/device.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>
#include <uapi/linux/dma-heap.h>

#include "vcm_bench.h"

#define BLOCKS_HEAP	"/dev/dma_heap/system"
/* No block as large as this is free in fragmented memory. */
#define BLOCKS_ORDER	6

struct blocks {
	struct bench_bed bed;
	struct bench_count count;
	size_t len;
	const char *memory;
	const char *who;
};

/* The heap's ioctl wants its argument in the memory of the process. */
static int heap_ioctl(struct file *heap, struct dma_heap_allocation_data *data)
{
	unsigned long addr;
	int ret = -EFAULT;

	addr = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if (IS_ERR_VALUE(addr))
		return addr;
	if (!copy_to_user((void __user *)addr, data, sizeof(*data)))
		ret = heap->f_op->unlocked_ioctl(heap, DMA_HEAP_IOCTL_ALLOC,
						 addr);
	if (!ret && copy_from_user(data, (void __user *)addr, sizeof(*data)))
		ret = -EFAULT;
	vm_munmap(addr, PAGE_SIZE);
	return ret;
}

static struct dma_buf *heap_alloc(size_t len)
{
	struct dma_heap_allocation_data data = {
		.len = len,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	struct file *heap = filp_open(BLOCKS_HEAP, O_RDWR, 0);
	struct dma_buf *buf;
	int ret;

	if (IS_ERR(heap))
		return ERR_CAST(heap);
	ret = heap_ioctl(heap, &data);
	filp_close(heap, NULL);
	if (ret)
		return ERR_PTR(ret);
	buf = dma_buf_get(data.fd);
	close_fd(data.fd);
	return buf;
}

static int heap_map(struct blocks *b)
{
	struct dma_buf_attachment *attach;
	struct dma_buf *buf = heap_alloc(b->len);
	struct sg_table *sgt;
	int ret;

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	attach = dma_buf_attach(buf, b->bed.dma);
	ret = PTR_ERR_OR_ZERO(attach);
	if (ret)
		goto put;
	sgt = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
	ret = PTR_ERR_OR_ZERO(sgt);
	if (!ret)
		dma_buf_unmap_attachment_unlocked(attach, sgt,
						  DMA_BIDIRECTIONAL);
	dma_buf_detach(buf, attach);
put:
	dma_buf_put(buf);
	return ret;
}

static int noncontiguous_map(struct blocks *b)
{
	struct sg_table *sgt;

	sgt = dma_alloc_noncontiguous(b->bed.dma, b->len, DMA_BIDIRECTIONAL,
				      GFP_KERNEL, 0);
	if (!sgt)
		return -ENOMEM;
	dma_free_noncontiguous(b->bed.dma, b->len, sgt, DMA_BIDIRECTIONAL);
	return 0;
}

static int blocks_vcm_map(struct blocks *b)
{
	struct vcm_phys *phys = vcm_phys_alloc(NULL, b->len, VCM_ZERO);
	struct vcm_res *res;
	int ret;

	if (IS_ERR(phys))
		return PTR_ERR(phys);
	res = vcm_reserve(b->bed.vcm, b->len, BENCH_RIGHTS);
	ret = PTR_ERR_OR_ZERO(res);
	if (ret)
		goto phys;
	ret = vcm_back(res, phys);
	if (!ret)
		ret = vcm_unback(res);
	vcm_unreserve(res);
phys:
	vcm_phys_free(phys);
	return ret;
}

static void blocks_say(struct blocks *b)
{
	int order;

	bench_say("B7", b->who, b->count.entries, "entries",
		  "size=%zu memory=%s block=all", b->len, b->memory);
	for (order = 0; order < BITS_PER_LONG; order++)
		if (b->count.of_order[order])
			bench_say("B7", b->who, b->count.of_order[order],
				  "entries", "size=%zu memory=%s block=%lu",
				  b->len, b->memory, BIT(order));
}

static int blocks_one(struct blocks *b, const char *who,
		      int (*map)(struct blocks *b), struct device *dev)
{
	int ret;

	b->who = who;
	bench_count_begin(&b->count, iommu_get_domain_for_dev(dev));
	ret = map(b);
	bench_count_end(&b->count);
	if (!ret)
		blocks_say(b);
	return ret;
}

static int blocks_sizes(struct blocks *b, struct device *mine,
			const char *memory)
{
	static const size_t len[] = {
		SZ_16M, PAGE_ALIGN(3840 * 2160 * 3 / 2),
	};
	int i, ret = 0;

	b->memory = memory;
	for (i = 0; i < ARRAY_SIZE(len) && !ret; i++) {
		b->len = len[i];
		ret = blocks_one(b, "vcm", blocks_vcm_map, mine) ?:
		      blocks_one(b, "system_heap", heap_map, b->bed.dma) ?:
		      blocks_one(b, "dma_alloc_noncontiguous",
				 noncontiguous_map, b->bed.dma);
	}
	return ret;
}

/*
 * Keep one page of every block; which one, differs. So what is free lies in
 * pieces of all sizes below that block's.
 */
static void blocks_fragment(struct list_head *kept)
{
	unsigned int nr = BIT(BLOCKS_ORDER), stay = 0, i;
	struct page *page;
	LIST_HEAD(free);

	/* All of them first: what is given back must not be taken once more. */
	while ((page = alloc_pages(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN,
				   BLOCKS_ORDER))) {
		list_add_tail(&page->lru, &free);
		cond_resched();
	}
	while ((page = list_first_entry_or_null(&free, struct page, lru))) {
		list_del(&page->lru);
		split_page(page, BLOCKS_ORDER);
		for (i = 0; i < nr; i++)
			if (i != stay)
				__free_page(page + i);
		list_add(&page[stay].lru, kept);
		stay = (stay + 11) % nr;
	}
}

int bench_blocks(void)
{
	struct page *page, *next;
	struct blocks b = {};
	struct device *mine;
	LIST_HEAD(kept);
	int ret;

	ret = bench_bed_init(&b.bed);
	if (ret)
		return ret;
	mine = bench_device(0);
	ret = blocks_sizes(&b, mine, "fresh");
	if (!ret) {
		blocks_fragment(&kept);
		ret = blocks_sizes(&b, mine, "fragmented");
	}
	list_for_each_entry_safe(page, next, &kept, lru)
		__free_page(page);
	put_device(mine);
	bench_bed_exit(&b.bed);
	return ret;
}
