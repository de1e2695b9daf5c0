// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of mm/vcm_dmabuf.c: memory that goes elsewhere.
 *
 * Who attaches, maps or just keeps a dma-buf; what each of them keeps from
 * happening to the memory; and that the last of them frees it, in whatever order
 * they go (hard case 20).
 */
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/iosys-map.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/scatterlist.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "vcm_memtype_test.h"
#include "vcm_process_test.h"

#define BUF_LEN		(4 * PAGE_SIZE)

/* Memory in several chunks, and the memory type where it is seen to be given back. */
struct export {
	struct page *page;
	struct vcm_memtype *type;
	struct vcm_phys *phys;
	struct dma_buf *buf;
};

static struct export *export_new(struct kunit *test)
{
	struct export *e = kunit_kzalloc(test, sizeof(*e), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, e);
	e->page = real_memory(test);
	e->type = make_real(test, e->page);
	e->phys = get(test, e->type, SZ_64K + BUF_LEN, 0);
	KUNIT_ASSERT_GT(test, e->phys->nr_chunks, 1);
	phys_fill(e->phys, 0);
	e->buf = vcm_export_dma_buf(e->phys, O_RDWR);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, e->buf);
	return e;
}

/* Without a process, a file is closed a little later. */
static void put_buf(struct dma_buf *buf)
{
	dma_buf_put(buf);
	flush_delayed_fput();
}

static void export_end(struct kunit *test, struct export *e)
{
	if (e->buf)
		put_buf(e->buf);
	if (e->phys)
		KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(e->phys));
	end(test, e->type);
	free_real_memory(e->page);
}

static struct device *importer(struct kunit *test)
{
	struct device *dev = bed_device(test, NULL);

	KUNIT_ASSERT_EQ(test, 0, dma_coerce_mask_and_coherent(dev, DMA_BIT_MASK(64)));
	return dev;
}

static struct dma_buf_attachment *attach(struct kunit *test, struct dma_buf *buf,
					 struct device *dev)
{
	struct dma_buf_attachment *a = dma_buf_attach(buf, dev);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	return a;
}

static struct sg_table *map(struct kunit *test, struct dma_buf_attachment *a)
{
	struct sg_table *table = dma_buf_map_attachment_unlocked(a, DMA_BIDIRECTIONAL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, table);
	return table;
}

static void unmap(struct dma_buf_attachment *a, struct sg_table *table)
{
	dma_buf_unmap_attachment_unlocked(a, table, DMA_BIDIRECTIONAL);
}

/* Without dma_buf_vmap(), which warns when it is refused. */
static int try_vmap(struct dma_buf *buf)
{
	struct iosys_map at;
	int ret;

	dma_resv_lock(buf->resv, NULL);
	ret = buf->ops->vmap(buf, &at);
	if (!ret)
		buf->ops->vunmap(buf, &at);
	dma_resv_unlock(buf->resv);
	return ret;
}

static int try_attach(struct dma_buf *buf, struct device *dev)
{
	struct dma_buf_attachment *a = dma_buf_attach(buf, dev);

	if (IS_ERR(a))
		return PTR_ERR(a);
	dma_buf_detach(buf, a);
	return 0;
}

/* Rights and size are those that were asked for. */
static void dmabuf_file(struct kunit *test)
{
	static const struct {
		int flags;
		fmode_t mode;
	} cases[] = {
		{ O_RDONLY, FMODE_READ },
		{ O_WRONLY, FMODE_WRITE },
		{ O_RDWR | O_CLOEXEC, FMODE_READ | FMODE_WRITE },
	};
	struct export *e = export_new(test);
	unsigned int i;

	KUNIT_EXPECT_EQ(test, vcm_get_phys_len(e->phys), e->buf->size);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dma_buf *buf = vcm_export_dma_buf(e->phys, cases[i].flags);

		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, buf);
		KUNIT_EXPECT_EQ(test, (__force u32)cases[i].mode,
				(__force u32)(buf->file->f_mode & (FMODE_READ | FMODE_WRITE)));
		put_buf(buf);
	}
	export_end(test, e);
}

/* Every byte, in its order, in segments that the device can take. */
static void expect_segments(struct kunit *test, struct vcm_phys *phys,
			    struct sg_table *table, size_t max)
{
	struct vcm_phys_iter iter;
	struct scatterlist *sg;
	size_t left = 0, n;
	phys_addr_t pa = 0;
	unsigned int i;

	iter = vcm_phys_iter_of(phys, 0, vcm_get_phys_len(phys));
	for_each_sgtable_dma_sg(table, sg, i) {
		dma_addr_t addr = sg_dma_address(sg);
		size_t len = sg_dma_len(sg);

		KUNIT_EXPECT_LE(test, len, max);
		for (; len; len -= n, addr += n, pa += n, left -= n) {
			if (!left)
				left = vcm_phys_iter_next(&iter, &pa);
			KUNIT_ASSERT_NE(test, 0, left);
			n = min(left, len);
			/* No IOMMU here: the device's address is the memory's. */
			KUNIT_EXPECT_EQ(test, (u64)pa, (u64)addr);
		}
	}
	KUNIT_EXPECT_EQ(test, 0, left);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_iter_next(&iter, &pa));
}

static void dmabuf_attach(struct kunit *test)
{
	struct export *e = export_new(test);
	struct device *dev = importer(test);
	struct dma_buf_attachment *a;
	struct sg_table *table;

	a = attach(test, e->buf, dev);
	table = map(test, a);
	expect_segments(test, e->phys, table, SZ_64K);
	/* Once is enough: who maps it twice would unmap what the other has. */
	KUNIT_EXPECT_EQ(test, -EBUSY,
			PTR_ERR_OR_ZERO(dma_buf_map_attachment_unlocked(a, DMA_BIDIRECTIONAL)));
	unmap(a, table);
	table = map(test, a);
	unmap(a, table);
	dma_buf_detach(e->buf, a);
	KUNIT_EXPECT_EQ(test, 0, e->phys->pins);
	export_end(test, e);
}

/* A device whose segments are short, and memory in pages here and there. */
static void dmabuf_segments(struct kunit *test)
{
	struct device_dma_parameters parms = { .max_segment_size = 2 * PAGE_SIZE + 1 };
	struct export *e = export_new(test);
	struct device *dev = importer(test);
	struct dma_buf_attachment *a;
	struct sg_table *table;
	struct vcm_phys *pages;
	struct dma_buf *buf;

	dev->dma_parms = &parms;
	a = attach(test, e->buf, dev);
	table = map(test, a);
	expect_segments(test, e->phys, table, 2 * PAGE_SIZE);
	unmap(a, table);
	dma_buf_detach(e->buf, a);

	pages = get(test, NULL, BUF_LEN, VCM_BLOCKS(PAGE_SHIFT, PAGE_SHIFT));
	buf = vcm_export_dma_buf(pages, O_RDWR);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, buf);
	a = attach(test, buf, dev);
	table = map(test, a);
	expect_segments(test, pages, table, 2 * PAGE_SIZE);
	unmap(a, table);
	dma_buf_detach(buf, a);
	dev->dma_parms = NULL;
	put_buf(buf);
	give(test, pages);
	export_end(test, e);
}

/* A scatter list is made of pages. */
static void dmabuf_no_pages(struct kunit *test)
{
	struct vcm_memtype *type = make(test, two_pools, 2);
	struct vcm_phys *phys = get(test, type, SZ_64K, VCM_CACHED);
	struct device *dev = importer(test);
	struct dma_buf *buf = vcm_export_dma_buf(phys, O_RDWR);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, buf);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, try_attach(buf, dev));
	KUNIT_EXPECT_EQ(test, 0, phys->pins);
	put_buf(buf);
	give(test, phys);
	end(test, type);
}

/* Nobody could say how to map it, or it would grant more than there is. */
static void dmabuf_refused(struct kunit *test)
{
	struct vcm_memtype *type = make(test, two_pools, 2);
	struct vcm_phys *open = get(test, type, SZ_64K, 0);
	struct vcm_phys *phys = get(test, NULL, SZ_64K, 0);
	u32 attr = phys->attr;

	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EOPNOTSUPP),
			    vcm_export_dma_buf(open, O_RDWR));
	phys->attr = attr | VCM_MMIO;
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EOPNOTSUPP),
			    vcm_export_dma_buf(phys, O_RDWR));
	phys->attr = attr & ~VCM_WRITE;
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EACCES),
			    vcm_export_dma_buf(phys, O_RDONLY));
	phys->attr = attr;
	give(test, open);
	give(test, phys);
	end(test, type);
}

static void dmabuf_vmap(struct kunit *test)
{
	struct export *e = export_new(test);
	struct iosys_map one, two;
	size_t off;
	u8 *p;

	KUNIT_ASSERT_EQ(test, 0, dma_buf_vmap_unlocked(e->buf, &one));
	KUNIT_EXPECT_FALSE(test, one.is_iomem);
	p = one.vaddr;
	for (off = 0; off < e->buf->size; off += PAGE_SIZE)
		p[off] = 1 + off / PAGE_SIZE;
	for (off = 0; off < e->buf->size; off += PAGE_SIZE)
		KUNIT_EXPECT_EQ(test, 1 + off / PAGE_SIZE, phys_peek(e->phys, off));

	KUNIT_ASSERT_EQ(test, 0, dma_buf_vmap_unlocked(e->buf, &two));
	KUNIT_EXPECT_PTR_EQ(test, one.vaddr, two.vaddr);
	KUNIT_EXPECT_EQ(test, 0, dma_buf_begin_cpu_access(e->buf, DMA_BIDIRECTIONAL));
	KUNIT_EXPECT_EQ(test, 0, dma_buf_end_cpu_access(e->buf, DMA_BIDIRECTIONAL));
	dma_buf_vunmap_unlocked(e->buf, &two);
	KUNIT_EXPECT_EQ(test, 1, p[0]);
	KUNIT_EXPECT_EQ(test, 1, e->phys->pins);
	dma_buf_vunmap_unlocked(e->buf, &one);
	KUNIT_EXPECT_EQ(test, 0, e->phys->pins);
	KUNIT_EXPECT_NULL(test, find_vm_area(p));
	export_end(test, e);
}

struct synced {
	struct device *dev;
	unsigned int to_cpu, to_device;
};

static void fake_sync(struct device *dev, struct sg_table *table,
		      enum dma_data_direction dir, bool to_device)
{
	struct synced *s = kunit_get_current_test()->priv;

	s->dev = dev;
	if (to_device)
		s->to_device++;
	else
		s->to_cpu++;
}

/* All that have addresses of it, and nobody else. */
static void dmabuf_sync(struct kunit *test)
{
	struct export *e = export_new(test);
	struct device *dev = importer(test), *idle = importer(test);
	struct dma_buf_attachment *a = attach(test, e->buf, dev);
	struct dma_buf_attachment *b = attach(test, e->buf, idle);
	struct sg_table *table, *other;
	struct synced s = {};

	/* As it is */
	table = map(test, a);
	KUNIT_EXPECT_EQ(test, 0, dma_buf_begin_cpu_access(e->buf, DMA_FROM_DEVICE));
	KUNIT_EXPECT_EQ(test, 0, dma_buf_end_cpu_access(e->buf, DMA_FROM_DEVICE));

	/* And counted */
	test->priv = &s;
	kunit_activate_static_stub(test, vcm_export_sync, fake_sync);
	KUNIT_EXPECT_EQ(test, 0, dma_buf_begin_cpu_access(e->buf, DMA_FROM_DEVICE));
	KUNIT_EXPECT_EQ(test, 1, s.to_cpu);
	KUNIT_EXPECT_PTR_EQ(test, dev, s.dev);
	KUNIT_EXPECT_EQ(test, 0, s.to_device);
	KUNIT_EXPECT_EQ(test, 0, dma_buf_end_cpu_access(e->buf, DMA_FROM_DEVICE));
	KUNIT_EXPECT_EQ(test, 1, s.to_device);

	other = map(test, b);
	KUNIT_EXPECT_EQ(test, 0, dma_buf_begin_cpu_access(e->buf, DMA_TO_DEVICE));
	KUNIT_EXPECT_EQ(test, 3, s.to_cpu);
	KUNIT_EXPECT_EQ(test, 0, dma_buf_end_cpu_access(e->buf, DMA_TO_DEVICE));
	KUNIT_EXPECT_EQ(test, 3, s.to_device);
	unmap(b, other);
	unmap(a, table);
	KUNIT_EXPECT_EQ(test, 0, dma_buf_begin_cpu_access(e->buf, DMA_TO_DEVICE));
	KUNIT_EXPECT_EQ(test, 3, s.to_cpu);
	kunit_deactivate_static_stub(test, vcm_export_sync);
	dma_buf_detach(e->buf, b);
	dma_buf_detach(e->buf, a);
	export_end(test, e);
}

static unsigned long try_mmap(struct kunit *test, struct dma_buf *buf, size_t off,
			      size_t len, unsigned long prot, unsigned long flags)
{
	/* There, making a process is what this test cannot do. */
	if (IS_ENABLED(CONFIG_UML))
		kunit_skip(test, "User Mode Linux may have no processes");
	return kunit_vm_mmap(test, buf->file, 0, len, prot, flags, off);
}

#define PROT_RW		(PROT_READ | PROT_WRITE)

static unsigned long good_mmap(struct kunit *test, struct dma_buf *buf, size_t off,
			       size_t len)
{
	unsigned long addr = try_mmap(test, buf, off, len, PROT_RW, MAP_SHARED);

	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_ASSERT_NE(test, 0, addr);
	return addr;
}

static void expect_user(struct kunit *test, unsigned long addr, u8 want)
{
	u8 byte = ~want;

	KUNIT_EXPECT_EQ(test, 0, get_user(byte, (u8 __user *)addr));
	KUNIT_EXPECT_EQ(test, want, byte);
}

/* What a process writes is in the memory, across the borders of chunks. */
static void dmabuf_mmap(struct kunit *test)
{
	struct export *e;
	unsigned long addr, part;
	size_t off;

	if (IS_ENABLED(CONFIG_UML))
		kunit_skip(test, "User Mode Linux may have no processes");
	e = export_new(test);
	addr = good_mmap(test, e->buf, 0, e->buf->size);
	for (off = 0; off < e->buf->size; off += PAGE_SIZE) {
		KUNIT_EXPECT_EQ(test, 0, put_user((u8)(off / PAGE_SIZE + 1),
						  (u8 __user *)(addr + off)));
		KUNIT_EXPECT_EQ(test, off / PAGE_SIZE + 1, phys_peek(e->phys, off));
	}
	KUNIT_EXPECT_EQ(test, 1, e->phys->pins);

	/* A part of it, with its offset */
	part = good_mmap(test, e->buf, SZ_64K - PAGE_SIZE, 2 * PAGE_SIZE);
	expect_user(test, part, (SZ_64K - PAGE_SIZE) / PAGE_SIZE + 1);
	expect_user(test, part + PAGE_SIZE, SZ_64K / PAGE_SIZE + 1);
	KUNIT_EXPECT_EQ(test, 2, e->phys->pins);

	/* A hole makes two of one, the end none. */
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(addr + PAGE_SIZE, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 3, e->phys->pins);
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(addr, e->buf->size));
	KUNIT_EXPECT_EQ(test, 1, e->phys->pins);

	/* It outlives the reference, and whoever exported it. */
	dma_buf_put(e->buf);
	flush_delayed_fput();
	e->buf = NULL;
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(e->phys));
	vcm_phys_put(e->phys);
	e->phys = NULL;
	expect_user(test, part, (SZ_64K - PAGE_SIZE) / PAGE_SIZE + 1);
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_memtype_unregister(e->type));
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(part, 2 * PAGE_SIZE));
	flush_delayed_fput();
	test_process_exit();
	export_end(test, e);
}

static void dmabuf_mmap_refused(struct kunit *test)
{
	struct dma_buf *ro;
	struct export *e;
	size_t size;

	if (IS_ENABLED(CONFIG_UML))
		kunit_skip(test, "User Mode Linux may have no processes");
	e = export_new(test);
	size = e->buf->size;
	/* Beyond the end, and past the largest offset */
	KUNIT_EXPECT_EQ(test, (unsigned long)-EINVAL,
			try_mmap(test, e->buf, 0, size + PAGE_SIZE, PROT_READ, MAP_SHARED));
	KUNIT_EXPECT_EQ(test, (unsigned long)-EINVAL,
			try_mmap(test, e->buf, size, PAGE_SIZE, PROT_READ, MAP_SHARED));
	/* A private copy */
	KUNIT_EXPECT_EQ(test, (unsigned long)-EINVAL,
			try_mmap(test, e->buf, 0, size, PROT_RW, MAP_PRIVATE));
	/* No right to write */
	ro = vcm_export_dma_buf(e->phys, O_RDONLY);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ro);
	KUNIT_EXPECT_EQ(test, (unsigned long)-EACCES,
			try_mmap(test, ro, 0, size, PROT_RW, MAP_SHARED));
	put_buf(ro);
	KUNIT_EXPECT_EQ(test, 0, e->phys->pins);
	test_process_exit();
	export_end(test, e);
}

/* The dma-buf is one of those that keep the memory from being freed. */
static void dmabuf_busy(struct kunit *test)
{
	struct export *e = export_new(test);
	struct dma_buf *second = vcm_export_dma_buf(e->phys, O_RDWR);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, second);
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(e->phys));
	put_buf(e->buf);
	e->buf = NULL;
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(e->phys));
	put_buf(second);
	export_end(test, e);
}

/* Hard case 20: whoever made it goes first. */
static void dmabuf_outlives(struct kunit *test)
{
	struct export *e = export_new(test);
	struct device *dev = importer(test);
	struct dma_buf_attachment *a;
	struct iosys_map at;

	vcm_phys_put(e->phys);
	e->phys = NULL;
	KUNIT_EXPECT_EQ(test, 1, atomic_long_read(&e->type->nr_allocs));
	a = attach(test, e->buf, dev);
	unmap(a, map(test, a));
	KUNIT_ASSERT_EQ(test, 0, dma_buf_vmap_unlocked(e->buf, &at));
	memset(at.vaddr, 0x77, e->buf->size);
	dma_buf_vunmap_unlocked(e->buf, &at);
	dma_buf_detach(e->buf, a);
	put_buf(e->buf);
	e->buf = NULL;
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&e->type->nr_allocs));
	export_end(test, e);
}

/* A driver is handed the file, and takes the memory as it is. */
static void dmabuf_get_phys(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_two);
	struct vcm_res *res = bed_reserve(bed, SZ_128K, VCM_RW);
	struct export *e = export_new(test);
	struct vcm_phys *phys;
	u8 byte = 0x42;

	bed_join(bed);
	phys = vcm_dma_buf_get_phys(e->buf);
	KUNIT_EXPECT_PTR_EQ(test, e->phys, phys);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_soft_dma(bed->units[1], bed->devs[1],
					      vcm_get_dev_addr(res) + SZ_64K, &byte, 1,
					      VCM_WRITE));
	KUNIT_EXPECT_EQ(test, 0x42, phys_peek(e->phys, SZ_64K));

	/* The file and its maker go, and the devices still reach it. */
	put_buf(e->buf);
	vcm_phys_put(e->phys);
	e->buf = NULL;
	e->phys = NULL;
	bed_expect_memory(bed, res, phys);
	KUNIT_EXPECT_EQ(test, 1, atomic_long_read(&e->type->nr_allocs));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	vcm_phys_put(phys);
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&e->type->nr_allocs));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	bed_end(bed);
	export_end(test, e);
}

static struct sg_table *alien_map(struct dma_buf_attachment *a, enum dma_data_direction dir)
{
	return ERR_PTR(-EIO);
}

static void alien_unmap(struct dma_buf_attachment *a, struct sg_table *table,
			enum dma_data_direction dir)
{
}

static void alien_release(struct dma_buf *buf)
{
}

static const struct dma_buf_ops alien_ops = {
	.map_dma_buf = alien_map,
	.unmap_dma_buf = alien_unmap,
	.release = alien_release,
};

/* Somebody else's dma-buf, which may look like one of ours from outside. */
static void dmabuf_alien(struct kunit *test)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *buf;

	info.ops = &alien_ops;
	info.size = PAGE_SIZE;
	info.priv = test;
	buf = dma_buf_export(&info);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, buf);
	KUNIT_EXPECT_EQ(test, -ENOENT, PTR_ERR_OR_ZERO(vcm_dma_buf_get_phys(buf)));
	put_buf(buf);
}

static void expect_stays(struct kunit *test, struct vcm_phys *phys)
{
	phys_addr_t before, after;
	size_t len;

	KUNIT_EXPECT_EQ(test, 0, vcm_get_chunk(phys, 0, &before, &len));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_migrate(phys, NULL, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_chunk(phys, 0, &after, &len));
	KUNIT_EXPECT_EQ(test, before, after);
	KUNIT_EXPECT_FALSE(test, phys->moving);
	KUNIT_EXPECT_TRUE(test, bed_log_has("memory cannot be moved"));
}

/* Whoever was told where it is keeps it there; a mere file does not. */
static void dmabuf_migrate(struct kunit *test)
{
	struct vcm_bed *bed = bed_new(test, &vcm_bed_mirror);
	struct vcm_res *res = bed_reserve(bed, SZ_128K, VCM_RW);
	struct export *e = export_new(test);
	struct device *dev = importer(test);
	struct dma_buf_attachment *a;
	struct sg_table *table;
	struct iosys_map at;

	bed_join(bed);
	KUNIT_ASSERT_EQ(test, 0, vcm_back(res, e->phys));
	a = attach(test, e->buf, dev);
	expect_stays(test, e->phys);
	bed_expect_memory(bed, res, e->phys);
	dma_buf_detach(e->buf, a);

	KUNIT_ASSERT_EQ(test, 0, dma_buf_vmap_unlocked(e->buf, &at));
	memset(at.vaddr, 0x66, e->buf->size);
	expect_stays(test, e->phys);
	dma_buf_vunmap_unlocked(e->buf, &at);

	KUNIT_EXPECT_EQ(test, 0, vcm_phys_migrate(e->phys, NULL, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&e->type->nr_allocs));
	bed_expect_memory(bed, res, e->phys);

	/* Who comes now finds the bytes in the new place. */
	phys_fill(e->phys, 0x67);
	KUNIT_ASSERT_EQ(test, 0, dma_buf_vmap_unlocked(e->buf, &at));
	KUNIT_EXPECT_NULL(test, memchr_inv(at.vaddr, 0x67, e->buf->size));
	dma_buf_vunmap_unlocked(e->buf, &at);
	a = attach(test, e->buf, dev);
	table = map(test, a);
	expect_segments(test, e->phys, table, SZ_64K);
	unmap(a, table);
	dma_buf_detach(e->buf, a);
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(res));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(res));
	bed_end(bed);
	export_end(test, e);
}

static void set_moving(struct vcm_phys *phys, bool moving)
{
	spin_lock(&phys->lock);
	phys->moving = moving;
	spin_unlock(&phys->lock);
}

/* In the middle of a move there is no place to tell. */
static void dmabuf_moving(struct kunit *test)
{
	struct export *e = export_new(test);
	struct device *dev = importer(test);

	set_moving(e->phys, true);
	KUNIT_EXPECT_EQ(test, -EAGAIN, try_attach(e->buf, dev));
	KUNIT_EXPECT_EQ(test, -EAGAIN, try_vmap(e->buf));
	set_moving(e->phys, false);
	KUNIT_EXPECT_EQ(test, 0, try_attach(e->buf, dev));
	KUNIT_EXPECT_EQ(test, 0, try_vmap(e->buf));
	export_end(test, e);
}

static void dmabuf_mmap_stays(struct kunit *test)
{
	unsigned long addr;
	struct export *e;

	if (IS_ENABLED(CONFIG_UML))
		kunit_skip(test, "User Mode Linux may have no processes");
	e = export_new(test);
	addr = good_mmap(test, e->buf, 0, e->buf->size);
	expect_stays(test, e->phys);
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(addr, e->buf->size));
	set_moving(e->phys, true);
	KUNIT_EXPECT_EQ(test, (unsigned long)-EAGAIN,
			try_mmap(test, e->buf, 0, PAGE_SIZE, PROT_READ, MAP_SHARED));
	set_moving(e->phys, false);
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_migrate(e->phys, NULL, 0, 0));
	phys_fill(e->phys, 0x68);
	addr = good_mmap(test, e->buf, 0, e->buf->size);
	expect_user(test, addr + e->buf->size - 1, 0x68);
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(addr, e->buf->size));
	test_process_exit();
	export_end(test, e);
}

static struct kunit_case dmabuf_cases[] = {
	KUNIT_CASE(dmabuf_file),
	KUNIT_CASE(dmabuf_attach),
	KUNIT_CASE(dmabuf_segments),
	KUNIT_CASE(dmabuf_no_pages),
	KUNIT_CASE(dmabuf_refused),
	KUNIT_CASE(dmabuf_vmap),
	KUNIT_CASE(dmabuf_sync),
	KUNIT_CASE(dmabuf_mmap),
	KUNIT_CASE(dmabuf_mmap_refused),
	KUNIT_CASE(dmabuf_mmap_stays),
	KUNIT_CASE(dmabuf_busy),
	KUNIT_CASE(dmabuf_outlives),
	KUNIT_CASE(dmabuf_get_phys),
	KUNIT_CASE(dmabuf_alien),
	KUNIT_CASE(dmabuf_migrate),
	KUNIT_CASE(dmabuf_moving),
	{ }
};

static struct kunit_suite dmabuf_suite = {
	.name = "vcm_dmabuf",
	.test_cases = dmabuf_cases,
};
kunit_test_suite(dmabuf_suite);
