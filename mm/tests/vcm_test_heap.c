// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of the system heap, for suites that import it.
 *
 * Nobody in the kernel can ask a heap for a dma-buf, so this is what user space
 * does: open the device, call its ioctl, and take the file from the descriptor.
 */
#include <kunit/test.h>
#include <linux/dma-buf.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/uaccess.h>
#include <uapi/linux/dma-heap.h>

#include "vcm_process_test.h"
#include "vcm_test_heap.h"

MODULE_IMPORT_NS(DMA_BUF);

/**
 * test_heap_alloc() - a dma-buf of the system heap
 * @test: the test; skipped if there is no such heap
 * @len: bytes
 *
 * The thread of the test becomes a process, if it is not one already.
 *
 * Return: the dma-buf, to be given back with dma_buf_put().
 */
struct dma_buf *test_heap_alloc(struct kunit *test, size_t len)
{
	struct dma_heap_allocation_data data = {
		.len = len, .fd_flags = O_RDWR | O_CLOEXEC,
	};
	struct file_system_type *type = get_fs_type("devtmpfs");
	struct dma_buf *dmabuf;
	struct vfsmount *mnt;
	unsigned long arg;
	struct file *heap;
	long ret;

	if (!type)
		kunit_skip(test, "no devtmpfs in this kernel");
	mnt = kern_mount(type);
	put_filesystem(type);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, mnt);
	heap = file_open_root_mnt(mnt, "dma_heap/system", O_RDWR, 0);
	kern_unmount(mnt);
	if (IS_ERR(heap))
		kunit_skip(test, "no system heap (%ld)", PTR_ERR(heap));

	arg = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, 0);
	KUNIT_ASSERT_NE(test, 0, arg);
	KUNIT_ASSERT_EQ(test, 0, copy_to_user((void __user *)arg, &data,
					      sizeof(data)));
	ret = heap->f_op->unlocked_ioctl(heap, DMA_HEAP_IOCTL_ALLOC, arg);
	fput(heap);
	KUNIT_ASSERT_EQ(test, 0, ret);
	KUNIT_ASSERT_EQ(test, 0, copy_from_user(&data, (void __user *)arg,
						sizeof(data)));
	dmabuf = dma_buf_get(data.fd);
	KUNIT_EXPECT_EQ(test, 0, close_fd(data.fd));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dmabuf);
	test_process_exit();
	return dmabuf;
}
