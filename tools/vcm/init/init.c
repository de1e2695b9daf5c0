// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first program in the virtual machine. Its argument says what to do:
 *
 *   test   the KUnit suites have run before us; run the programs that test from
 *          outside, and look for leaked memory
 *   demo   play the demonstration, and print what debugfs knows meanwhile
 *   bench  run each row of the benchmarks
 *
 * What it says goes through /dev/kmsg, line by line: so it and the messages of
 * the kernel are in one order, and neither ends up in the middle of the other.
 *
 * No libc: the kernel's own nolibc is enough, for any architecture.
 */

static const char debugfs[] = "/sys/kernel/debug/";
static int kmsg;

/* One line of which the runner knows what it means. */
static void mark(const char *what, const char *of)
{
	char line[256] = "vcm-init: ";

	strncat(line, what, 100);
	if (of) {
		strncat(line, " ", 1);
		strncat(line, of, 100);
	}
	write(kmsg, line, strlen(line));
}

static const char *in_debugfs(const char *name)
{
	static char path[256];

	path[0] = '\0';
	strncat(path, debugfs, sizeof(path) - 1);
	strncat(path, name, sizeof(path) - sizeof(debugfs));
	return path;
}

static int put(const char *name, const char *text)
{
	int fd = open(in_debugfs(name), O_WRONLY, 0);
	int ok;

	ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	if (!ok)
		mark("FAILED to write", name);
	return ok;
}

/* Print a file; a line that is too long for a message is cut. */
static void show(const char *name)
{
	char buf[1024], line[800];
	size_t len = 0;
	ssize_t got, i;
	int fd;

	mark("begin", name);
	fd = open(in_debugfs(name), O_RDONLY, 0);
	while (fd >= 0 && (got = read(fd, buf, sizeof(buf))) > 0) {
		for (i = 0; i < got; i++) {
			if (buf[i] != '\n' && len < sizeof(line) - 1) {
				line[len++] = buf[i];
			} else if (buf[i] == '\n') {
				line[len++] = '\n';
				write(kmsg, line, len);
				len = 0;
			}
		}
	}
	if (fd < 0)
		mark("FAILED to read", name);
	else
		close(fd);
	mark("end", name);
}

/* Pass on what a program says, line by line. */
static void pass_on(int from)
{
	char buf[256], line[800];
	size_t len = 0;
	ssize_t got, i;

	while ((got = read(from, buf, sizeof(buf))) > 0) {
		for (i = 0; i < got; i++) {
			if (len < sizeof(line))
				line[len++] = buf[i];
			if (buf[i] != '\n')
				continue;
			write(kmsg, line, len);
			len = 0;
		}
	}
}

/* Run a program to its end, in between marks. */
static void run_program(const char *name)
{
	char path[64] = "/selftests/";
	char *nothing = NULL, *argv[2];
	int out[2], status = -1;
	pid_t child;

	strncat(path, name, sizeof(path) - sizeof("/selftests/"));
	argv[0] = path;
	argv[1] = NULL;
	mark("begin selftest", name);
	if (pipe(out))
		return;
	child = fork();
	if (!child) {
		dup2(out[1], 1);
		dup2(out[1], 2);
		close(out[0]);
		close(out[1]);
		execve(path, argv, &nothing);
		exit(127);
	}
	close(out[1]);
	pass_on(out[0]);
	close(out[0]);
	if (child > 0 && waitpid(child, &status, 0) == child && !status)
		mark("passed selftest", name);
	else
		mark("failed selftest", name);
}

/*
 * An object counts as leaked only when it is some seconds old, and a stale
 * pointer on some stack may hide it from the first scan but not the second.
 */
static void test(void)
{
	run_program("vcm_heap_user");
	sleep(6);
	if (put("kmemleak", "scan") && put("kmemleak", "scan"))
		show("kmemleak");
}

static void demo(void)
{
	put("vcm_demo/play", "start");
	show("vcm/contexts");
	show("vcm/graph");
	put("vcm_demo/play", "stop");
}

/* The file of a peer, where its users look for it. */
static void heap(void)
{
	char number[32] = "";
	char *minor;
	int fd;

	fd = open("/sys/class/dma_heap/system/dev", O_RDONLY, 0);
	if (fd < 0 || read(fd, number, sizeof(number) - 1) <= 0) {
		mark("FAILED to find", "the system heap");
		return;
	}
	close(fd);
	minor = strchr(number, ':');
	mkdir("/dev/dma_heap", 0755);
	mknod("/dev/dma_heap/system", S_IFCHR | 0600,
	      makedev(atoi(number), minor ? atoi(minor + 1) : 0));
}

/* The file of rows is small enough for one read. */
static void bench(void)
{
	char rows[512], *row, *end;
	ssize_t got = -1;
	int fd;

	heap();
	fd = open(in_debugfs("vcm_bench/rows"), O_RDONLY, 0);
	if (fd >= 0) {
		got = read(fd, rows, sizeof(rows) - 1);
		close(fd);
	}
	if (got <= 0) {
		mark("FAILED to read", "vcm_bench/rows");
		return;
	}
	rows[got] = '\0';
	for (row = rows; (end = strchr(row, '\n')); row = end + 1) {
		*end = '\0';
		mark("bench", row);
		put("vcm_bench/run", row);
	}
}

int main(int argc, char **argv)
{
	mknod("/dev/kmsg", S_IFCHR | 0600, makedev(1, 11));
	kmsg = open("/dev/kmsg", O_WRONLY, 0);
	mkdir("/proc", 0555);
	mkdir("/sys", 0555);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("debugfs", debugfs, "debugfs", 0, NULL);

	if (argc > 1 && !strcmp(argv[1], "demo"))
		demo();
	else if (argc > 1 && !strcmp(argv[1], "bench"))
		bench();
	else
		test();

	mark("done", NULL);
	reboot(RB_POWER_OFF);
	return 0;
}
