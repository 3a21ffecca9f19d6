/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads that miss the host's page cache do not hold the cpu: while a task reads uncached blocks of a file, another one on
 * the same cpu goes on, and sees the reader wait for the disk, by name. The same for asynchronous reads, O_SYNC writes and fsync.
 */
#include "../conformance/test.h"

#include <linux/aio_abi.h>
#include <linux/fs.h>

#define FILE_SIZE (32 << 20)
#define BLOCK 4096
#define NAME "/data/uncached"

static int failures;

static bool block_says(pid_t pid, const char *what)
{
	char path[64], text[2048];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/block", pid);
	fd = open(path, O_RDONLY);
	n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	close(fd);
	text[n < 0 ? 0 : n] = 0;
	return strstr(text, "kind:\tdisk\n") && strstr(text, "state:\tuninterruptible\n") && strstr(text, what);
}

static void drop_cache(int fd)
{
	fsync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

static int make_file(void)
{
	int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *data = malloc(1 << 20);

	for (int i = 0; i < FILE_SIZE >> 20; i++) {
		for (int j = 0; j < 1 << 20; j += BLOCK)
			*(int *)(data + j) = (i << 20 | j) / BLOCK;
		if (write(fd, data, 1 << 20) != 1 << 20)
			exit(2);
	}
	free(data);
	return fd;
}

/* In an order in which reading ahead does not help. */
static off_t place(int i) { return (off_t)((unsigned)i * 2654435761u % (FILE_SIZE / BLOCK)) * BLOCK; }

static void read_blocks(int fd, int *right)
{
	int block[BLOCK / sizeof(int)];

	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	for (int i = 0; i < 2000; i++)
		*right += pread(fd, block, BLOCK, place(i)) == BLOCK && block[0] == place(i) / BLOCK;
}

static void write_through(int fd, int *right)
{
	int sync = open(NAME, O_WRONLY | O_DSYNC);
	char block[BLOCK] = { 1 };

	for (int i = 0; i < 100; i++)
		*right += pwrite(sync, block, BLOCK, place(i)) == BLOCK;
	close(sync);
}

static void sync_often(int fd, int *right)
{
	char block[BLOCK] = { 2 };

	for (int i = 0; i < 100; i++)
		*right += pwrite(fd, block, BLOCK, place(i)) == BLOCK && fsync(fd) == 0;
}

/* Runs `work` in a child on this cpu and watches. */
static void watch(const char *name, const char *object, int fd, void (*work)(int fd, int *right), int expected)
{
	struct { int right, done; } *shared = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long looks = 0, seen = 0;
	struct rusage usage;
	pid_t pid = fork();

	if (pid == 0) {
		work(fd, &shared->right);
		shared->done = 1;
		_exit(0);
	}
	while (!((volatile int *)&shared->done)[0]) {
		looks++;
		seen += block_says(pid, object);
	}
	wait4(pid, NULL, 0, &usage);
	printf("%s: %d of %d right; slept %ld times; watched %ld times, %ld of them it waited for the disk\n", name, shared->right,
	       expected, usage.ru_nvcsw, looks, seen);
	if (shared->right != expected || (usage.ru_nvcsw > 20 && !seen)) {
		failures++;
		printf("FAILED\n");
	}
	if (usage.ru_nvcsw <= 20)
		printf("(the host had everything in memory)\n");
	munmap(shared, BLOCK);
}

static void test_nowait(int fd)
{
	char block[BLOCK];
	struct iovec v = { block, BLOCK };
	int would = 0, at_once = 0;

	drop_cache(fd);
	for (int i = 0; i < 200; i++) {
		ssize_t n = preadv2(fd, &v, 1, place(i), RWF_NOWAIT);

		would += n == -1 && errno == EAGAIN;
		at_once += n == BLOCK;
	}
	/* Without the flag it is read, and then it is there. */
	preadv2(fd, &v, 1, 0, 0);
	ssize_t again = preadv2(fd, &v, 1, 0, RWF_NOWAIT);
	printf("RWF_NOWAIT: %d would wait, %d at once, then %zd\n", would, at_once, again);
	if (would + at_once != 200 || (again != BLOCK && !(again == -1 && errno == EAGAIN)))
		failures += printf("FAILED\n") > 0;
}

static void test_aio(int fd)
{
	enum { N = 256 };
	static char data[N][BLOCK];
	static struct iocb iocbs[N], *list[N];
	static struct io_event events[N];
	aio_context_t ctx = 0;
	int got = 0, right = 0;

	drop_cache(fd);
	for (int i = 0; i < N; i++) {
		iocbs[i] = (struct iocb){ .aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = (uint32_t)fd, .aio_buf = (uint64_t)data[i],
					  .aio_nbytes = BLOCK, .aio_offset = place(i), .aio_data = (uint64_t)i };
		list[i] = &iocbs[i];
	}
	syscall(SYS_io_setup, N, &ctx);
	long submitted = syscall(SYS_io_submit, ctx, (long)N, list);
	long at_once = syscall(SYS_io_getevents, ctx, 0L, (long)N, events, NULL);
	for (long n = at_once;; n = syscall(SYS_io_getevents, ctx, 1L, (long)N, events, NULL)) {
		for (long i = 0; i < n; i++)
			right += events[i].res == BLOCK && *(int *)data[events[i].data] == place((int)events[i].data) / BLOCK;
		got += (int)n;
		if (n < 0 || got >= submitted)
			break;
	}
	printf("io_submit: %ld submitted, %ld done at once, %d events, %d right\n", submitted, at_once, got, right);
	if (submitted != N || got != N || right != N)
		failures += printf("FAILED\n") > 0;
	syscall(SYS_io_destroy, ctx);
}

int main(void)
{
	cpu_set_t one;
	int fd = make_file();

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	setvbuf(stdout, NULL, _IONBF, 0);
	drop_cache(fd);
	watch("reading", "object:\tread of " NAME, fd, read_blocks, 2000);
	test_nowait(fd);
	test_aio(fd);
	watch("O_DSYNC", "object:\twrite of " NAME, fd, write_through, 100);
	watch("fsync", "object:\tfsync of " NAME, fd, sync_often, 100);
	unlink(NAME);
	return failures != 0;
}
