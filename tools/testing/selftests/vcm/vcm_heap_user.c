// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process does with memory of VCMM: allocate it from a dma-heap, map it,
 * hand it on, be killed. And a device writes into it behind an IOMMU.
 *
 * Needs the rights of root, devtmpfs on /dev and debugfs on /sys/kernel/debug.
 * It also builds with the kernel's nolibc, so it asks little of a libc.
 */
#ifndef NOLIBC
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#endif
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/types.h>

#include "../kselftest.h"

#define HEAP		"/dev/dma_heap/vcm-system"
/* A memory type that the KUnit tests had, and that is gone */
#define HEAP_GONE	"/dev/dma_heap/vcm-heap-again"
#define EDU		"/sys/kernel/debug/vcm_edu/store"

#define LEN		0x100000UL
#define EDU_LEN		2048UL
#define RW		(PROT_READ | PROT_WRITE)

static int heap = -1;
static size_t page;

/* What the running case found wrong, or NULL */
static const char *trouble;

static int check(int ok, const char *what)
{
	if (!ok && !trouble)
		trouble = what;
	return ok;
}

/* Returns a file descriptor or a negative errno. */
static int alloc_from(int from, __u64 len, __u32 fd_flags)
{
	struct dma_heap_allocation_data data = {
		.len = len, .fd_flags = fd_flags,
	};

	if (ioctl(from, DMA_HEAP_IOCTL_ALLOC, &data) < 0)
		return -errno;
	return data.fd;
}

static int alloc(__u64 len)
{
	int fd = alloc_from(heap, len, O_RDWR | O_CLOEXEC);

	check(fd >= 0, "cannot allocate");
	return fd;
}

static unsigned char *map_at(int fd, size_t off, size_t len)
{
	void *p = mmap(NULL, len, RW, MAP_SHARED, fd, off);

	check(p != MAP_FAILED, "cannot map");
	return p == MAP_FAILED ? NULL : p;
}

/* The errno of a mapping that is to be refused; 0 if it is not. */
static int refused(int fd, size_t off, size_t len, int prot, int flags)
{
	void *p = mmap(NULL, len, prot, flags, fd, off);

	if (p == MAP_FAILED)
		return errno;
	munmap(p, len);
	return 0;
}

static void fill(unsigned char *p, size_t len, unsigned char seed)
{
	size_t i;

	for (i = 0; i < len; i += 64)
		p[i] = seed + i / 64 + i / page;
}

static int is_filled(const unsigned char *p, size_t len, unsigned char seed)
{
	size_t i;

	for (i = 0; i < len; i += 64)
		if (p[i] != (unsigned char)(seed + i / 64 + i / page))
			return 0;
	return 1;
}

static int all_are(const unsigned char *p, size_t len, unsigned char value)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] != value)
			return 0;
	return 1;
}

static int sync_buf(int fd, __u64 flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	return ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync) < 0 ? errno : 0;
}

/* To kill a process that is not there would kill all that are. */
static pid_t split(void)
{
	pid_t child = fork();

	if (child < 0)
		ksft_exit_fail_msg("cannot fork\n");
	return child;
}

/* Another process will write to it. */
static void wait_for(const unsigned char *p)
{
	while (!__atomic_load_n(p, __ATOMIC_RELAXED))
		;
}

/* Did the child end by itself, and well? */
static int ended_well(pid_t child)
{
	int status;

	return waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	       !WEXITSTATUS(status);
}

static int was_killed(pid_t child)
{
	int status;

	return waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
	       WTERMSIG(status) == SIGKILL;
}

static void arguments(void)
{
	struct dma_heap_allocation_data data = { .len = page, .fd_flags = O_RDWR };

	check(alloc_from(heap, 0, O_RDWR) == -EINVAL, "no length");
	check(alloc_from(heap, ~0ULL, O_RDWR) == -EINVAL, "a length that wraps");
	check(alloc_from(heap, 1ULL << 46, O_RDWR) == -ENOMEM, "64 TiB");
	check(alloc_from(heap, page, O_RDWR | O_APPEND) == -EINVAL,
	      "an unknown flag of the file");
	check(alloc_from(heap, page, O_RDWR | O_WRONLY) == -EINVAL,
	      "a file that is neither read nor written");
	data.heap_flags = 1;
	check(ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data) < 0 && errno == EINVAL,
	      "an unknown flag of the heap");
	data.heap_flags = 0;
	data.fd = 1;
	check(ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data) < 0 && errno == EINVAL,
	      "a file descriptor");
	check(ioctl(heap, DMA_HEAP_IOCTL_ALLOC, NULL) < 0 && errno == EFAULT,
	      "no argument");
	check(ioctl(heap, _IO(DMA_HEAP_IOC_MAGIC, 0x7f), &data) < 0,
	      "an unknown request");
}

static void clear_memory(void)
{
	unsigned char *p;
	int fd, i;

	for (i = 0; i < 8 && !trouble; i++) {
		fd = alloc(LEN);
		p = map_at(fd, 0, LEN);
		if (!p)
			return;
		check(all_are(p, LEN, 0), "not cleared");
		memset(p, 0xa5, LEN);
		munmap(p, LEN);
		close(fd);
	}
}

static void map_rw(void)
{
	int fd = alloc(LEN);
	unsigned char *p = map_at(fd, 0, LEN), *q = map_at(fd, 0, LEN);

	if (!p || !q)
		return;
	fill(p, LEN, 1);
	check(is_filled(q, LEN, 1), "two mappings differ");
	check(lseek(fd, 0, SEEK_END) == (off_t)LEN, "size");
	munmap(p, LEN);
	check(is_filled(q, LEN, 1), "gone with the other mapping");
	munmap(q, LEN);
	close(fd);
}

static void cpu_sync(void)
{
	int fd = alloc(LEN);
	unsigned char *p = map_at(fd, 0, LEN);

	if (!p)
		return;
	check(!sync_buf(fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW), "start");
	fill(p, LEN, 2);
	check(!sync_buf(fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW), "end");
	check(!sync_buf(fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ), "read");
	check(is_filled(p, LEN, 2), "other bytes");
	check(!sync_buf(fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ), "end of read");
	check(sync_buf(fd, DMA_BUF_SYNC_START) == EINVAL, "no direction");
	check(sync_buf(fd, 1ULL << 40) == EINVAL, "an unknown flag");
	munmap(p, LEN);
	close(fd);
}

static void map_outlives_fd(void)
{
	int fd = alloc(LEN), other;
	unsigned char *p = map_at(fd, 0, LEN);

	if (!p)
		return;
	fill(p, LEN, 3);
	close(fd);
	/* Somebody else would get the memory, were it free. */
	other = alloc(LEN);
	check(is_filled(p, LEN, 3), "gone with the file");
	fill(p, LEN, 4);
	check(is_filled(p, LEN, 4), "not writable any more");
	munmap(p, LEN);
	close(other);
}

static void fd_outlives_map(void)
{
	int fd = alloc(LEN), twin;
	unsigned char *p = map_at(fd, 0, LEN);

	if (!p)
		return;
	fill(p, LEN, 5);
	munmap(p, LEN);
	twin = dup(fd);
	close(fd);
	p = map_at(twin, 0, LEN);
	if (!p)
		return;
	check(is_filled(p, LEN, 5), "other bytes");
	munmap(p, LEN);
	close(twin);
}

static void map_parts(void)
{
	int fd = alloc(LEN);
	unsigned char *all = map_at(fd, 0, LEN);
	unsigned char *part = map_at(fd, LEN / 2, 3 * page);

	if (!all || !part)
		return;
	memset(all, 0x11, LEN);
	memset(part, 0x22, 3 * page);
	check(all_are(all, LEN / 2, 0x11), "before the part");
	check(all_are(all + LEN / 2, 3 * page, 0x22), "the part");
	check(all_are(all + LEN / 2 + 3 * page, LEN / 2 - 3 * page, 0x11),
	      "after the part");
	/* A hole in the middle, and the rest is as it was. */
	munmap(all + page, page);
	check(all[0] == 0x11 && all[2 * page] == 0x11, "around a hole");
	munmap(all, LEN);
	munmap(part, 3 * page);

	check(refused(fd, 0, LEN + page, RW, MAP_SHARED) == EINVAL, "too long");
	check(refused(fd, LEN, page, RW, MAP_SHARED) == EINVAL, "at the end");
	check(refused(fd, LEN - page, 2 * page, RW, MAP_SHARED) == EINVAL,
	      "over the end");
	check(refused(fd, 0, LEN, RW, MAP_PRIVATE) == EINVAL, "a private copy");
	close(fd);
}

static void rights(void)
{
	int fd = alloc_from(heap, page, O_RDONLY);

	if (!check(fd >= 0, "cannot allocate"))
		return;
	check(refused(fd, 0, page, RW, MAP_SHARED) == EACCES, "written");
	check(!refused(fd, 0, page, PROT_READ, MAP_SHARED), "not read");
	close(fd);
}

static void fork_shares(void)
{
	int fd = alloc(LEN);
	unsigned char *p = map_at(fd, 0, LEN);
	pid_t child;

	if (!p)
		return;
	fill(p, LEN, 6);
	child = split();
	if (!child) {
		int bad = !is_filled(p, LEN, 6);

		fill(p, LEN, 7);
		exit(bad);
	}
	check(ended_well(child), "the child saw other memory");
	check(is_filled(p, LEN, 7), "what the child wrote is not here");
	munmap(p, LEN);
	close(fd);
}

/* The child goes on when the parent has let go of everything. */
static void fork_outlives(void)
{
	int fd = alloc(LEN), go[2], other;
	unsigned char *p = map_at(fd, 0, LEN);
	pid_t child;
	char byte;

	if (!p || !check(!pipe(go), "no pipe"))
		return;
	fill(p, LEN, 8);
	child = split();
	if (!child) {
		close(fd);
		close(go[1]);
		while (read(go[0], &byte, 1) > 0)
			;
		exit(!is_filled(p, LEN, 8));
	}
	munmap(p, LEN);
	close(fd);
	other = alloc(LEN);
	close(go[0]);
	close(go[1]);
	check(ended_well(child), "the child lost its memory");
	close(other);
}

static void child_killed(void)
{
	int fd = alloc(LEN), i;
	unsigned char *p = map_at(fd, 0, LEN);
	pid_t child;

	if (!p)
		return;
	for (i = 0; i < 4; i++) {
		memset(p, 0, LEN);
		child = split();
		if (!child) {
			unsigned char *own = map_at(alloc(LEN), 0, LEN);

			/* It writes to both, and is the only one to have one. */
			for (;;) {
				if (own)
					memset(own, 1, LEN);
				memset(p, 1, LEN);
			}
		}
		wait_for(p + LEN - 1);
		kill(child, SIGKILL);
		check(was_killed(child), "not killed");
		fill(p, LEN, 9);
		check(is_filled(p, LEN, 9), "the parent lost its memory");
	}
	munmap(p, LEN);
	close(fd);
}

/* In the middle of the ioctl, most likely */
static void killed_allocating(void)
{
	int count = alloc(page), i;
	unsigned char *done = map_at(count, 0, page);
	pid_t child;

	if (!done)
		return;
	for (i = 0; i < 8; i++) {
		done[0] = 0;
		child = split();
		if (!child) {
			for (;;) {
				close(alloc(8 * LEN));
				done[0] = 1;
			}
		}
		wait_for(done);
		kill(child, SIGKILL);
		check(was_killed(child), "not killed");
	}
	munmap(done, page);
	close(count);
}

#define MANY	48

/* Many at a time, that go in another order than they came */
static void many(void)
{
	unsigned char *p[MANY];
	int fd[MANY], i, j;

	for (i = 0; i < MANY; i++) {
		fd[i] = alloc(page * (i + 1));
		p[i] = map_at(fd[i], 0, page * (i + 1));
		if (!p[i])
			return;
		memset(p[i], i + 1, page * (i + 1));
	}
	for (i = 0; i < MANY; i++) {
		j = (i * 7 + 3) % MANY;
		check(all_are(p[j], page * (j + 1), j + 1), "other bytes");
		if (i & 1)
			close(fd[j]);
		munmap(p[j], page * (j + 1));
		if (!(i & 1))
			close(fd[j]);
	}
}

/*
 * As many files as a process may have, and not one more. What was allocated for
 * that one goes back, and so does all else.
 */
static void too_many(void)
{
	static int fd[4096];
	int nr = 0, err = 0;

	while (nr < (int)ARRAY_SIZE(fd)) {
		err = alloc_from(heap, page, O_RDWR);
		if (err < 0)
			break;
		fd[nr++] = err;
	}
	check(err == -EMFILE, "not refused for want of files");
	check(nr > MANY, "refused too early");
	while (nr)
		close(fd[--nr]);
	close(alloc(8 * LEN));
}

static int heap_gone(void)
{
	int gone = open(HEAP_GONE, O_RDONLY | O_CLOEXEC);

	if (gone < 0)
		return 0;
	check(alloc_from(gone, page, O_RDWR) == -ENODEV, "no such memory type");
	close(gone);
	return 1;
}

static char *put_number(char *at, unsigned long number)
{
	char digits[24];
	int nr = 0;

	do {
		digits[nr++] = '0' + number % 10;
		number /= 10;
	} while (number);
	while (nr)
		*at++ = digits[--nr];
	*at++ = ' ';
	*at = '\0';
	return at;
}

/* Let a device write @byte to @off of the buffer; an errno if it cannot. */
static int device_writes(int fd, size_t off, unsigned char byte)
{
	int file = open(EDU, O_WRONLY | O_CLOEXEC), err = 0;
	char line[80];

	if (file < 0)
		return errno;
	put_number(put_number(put_number(line, fd), off), byte);
	if (write(file, line, strlen(line)) != (ssize_t)strlen(line))
		err = errno;
	close(file);
	return err;
}

static int device_dma(void)
{
	size_t off = LEN / 2 + page - EDU_LEN / 2;
	int fd = alloc(LEN), err;
	unsigned char *p = map_at(fd, 0, LEN);

	if (!p)
		return 1;
	memset(p, 0x11, LEN);
	err = device_writes(fd, off, 0xd0);
	if (err == ENOENT || err == ENODEV)
		return 0;
	check(!err, "the device was not let in");
	check(!sync_buf(fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ), "sync");
	check(all_are(p, off, 0x11), "before what the device wrote");
	check(all_are(p + off, EDU_LEN, 0xd0), "what the device wrote");
	check(all_are(p + off + EDU_LEN, LEN - off - EDU_LEN, 0x11),
	      "after what the device wrote");
	check(!sync_buf(fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ), "end");
	/* Once more, over what the CPU has just written. */
	memset(p, 0x22, LEN);
	check(!device_writes(fd, 0, 0xd1), "the second time");
	check(all_are(p, EDU_LEN, 0xd1) && p[EDU_LEN] == 0x22, "written twice");
	check(device_writes(fd, LEN - EDU_LEN + 1, 0xd2) == EINVAL, "the end");
	check(device_writes(heap, 0, 0xd2) == EINVAL, "no dma-buf");
	check(device_writes(999, 0, 0xd2) == EBADF, "no file");
	munmap(p, LEN);
	close(fd);
	return 1;
}

static void report(const char *name, int ran)
{
	if (trouble)
		ksft_print_msg("%s: %s\n", name, trouble);
	if (ran)
		ksft_test_result(!trouble, "%s\n", name);
	else
		ksft_test_result_skip("%s\n", name);
	trouble = NULL;
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "arguments", arguments },
	{ "clear_memory", clear_memory },
	{ "map_rw", map_rw },
	{ "cpu_sync", cpu_sync },
	{ "map_outlives_fd", map_outlives_fd },
	{ "fd_outlives_map", fd_outlives_map },
	{ "map_parts", map_parts },
	{ "rights", rights },
	{ "fork_shares", fork_shares },
	{ "fork_outlives", fork_outlives },
	{ "child_killed", child_killed },
	{ "killed_allocating", killed_allocating },
	{ "many", many },
	{ "too_many", too_many },
};

int main(void)
{
	unsigned int i;

	ksft_print_header();
	page = getpagesize();
	heap = open(HEAP, O_RDONLY | O_CLOEXEC);
	if (heap < 0)
		ksft_exit_fail_msg("no %s\n", HEAP);
	ksft_set_plan(ARRAY_SIZE(cases) + 2);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		cases[i].run();
		report(cases[i].name, 1);
	}
	report("heap_gone", heap_gone());
	report("device_dma", device_dma());
	ksft_finished();
}
