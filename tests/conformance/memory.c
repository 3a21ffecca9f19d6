// SPDX-License-Identifier: Apache-2.0
/* mmap and its relatives, brk, shared memory between processes, pointers into the kernel. */
#include "test.h"

#include <setjmp.h>

static sigjmp_buf env;
static void segv(int sig) { siglongjmp(env, sig); }

static int readable(volatile char *p)
{
	if (sigsetjmp(env, 1))
		return 0;
	(void)*p;
	return 1;
}

static int writable(volatile char *p)
{
	if (sigsetjmp(env, 1))
		return 0;
	*p = *p;
	return 1;
}

static void maps(void)
{
	SECTION("mmap");
	char *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED && ((uintptr_t)p & 4095) == 0);
	memset(p, 7, 3 * 4096);
	SHOW(munmap(p + 4096, 4096));
	say("%d %d %d", readable(p), readable(p + 4096), readable(p + 8192));
	SHOW(mprotect(p, 4096, PROT_READ));
	say("%d %d", readable(p), writable(p));
	SHOW(mprotect(p, 8192, PROT_READ));
	SHOW(mprotect(p + 1, 4096, PROT_READ));
	CHECK(mmap(p + 4096, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + 4096);
	say("%d %d", p[4096], p[8192]);
	SHOW(mmap(p, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
	SHOW(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	SHOW(mmap(NULL, 4096, PROT_READ, MAP_ANONYMOUS, -1, 0));
	SHOW(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 99, 0));
	SHOW(mmap((void *)1, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	SHOW(mmap(NULL, 1UL << 47, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
	SHOW(munmap(p + 1, 4096));
	SHOW(munmap(p, 0));
	SHOW(munmap(p, 12288));
	SHOW(munmap(p, 12288));
	SHOW(madvise(p, 4096, MADV_DONTNEED));
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	p[0] = 5;
	SHOW(madvise(p, 4096, MADV_DONTNEED));
	say("%d", p[0]);
	SHOW(madvise(p, 4096, 12345));
	SHOW(msync(p, 4096, MS_SYNC));
	SHOW(msync(p, 4096, MS_SYNC | MS_ASYNC));
	unsigned char vec[2];
	p[0] = 1;
	SHOW(mincore(p, 4096, vec));
	say("%d", vec[0] & 1);
	/* mremap */
	p[4096] = 9;
	char *q = mremap(p, 8192, 65536, MREMAP_MAYMOVE);
	say("%d %d %d", q != MAP_FAILED, q[0], q[4096]);
	CHECK(mremap(q, 65536, 4096, 0) == q);
	say("%d %d", readable(q), readable(q + 4096));
	SHOW(mremap(q, 4096, 0, 0));
	SHOW(mremap(q + 1, 4096, 4096, 0));
	char *fixed = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(mremap(q, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, fixed) == fixed);
	say("%d", fixed[0]);
}

static void file_maps(void)
{
	char buf[16] = { 0 };

	SECTION("file mappings");
	for (int i = 0; i < 2; i++) {
		const char *path = i ? "/tmp/map" : "/data/map";
		int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
		write(fd, "0123456789", 10);
		char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		char *private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
		say("%.10s %.10s %d", shared, private, shared[10]);
		private[0] = 'P';
		shared[1] = 'S';
		SHOW(msync(shared, 4096, MS_SYNC));
		SHOW(pread(fd, buf, 10, 0));
		say("%.10s %.10s", buf, private);
		pwrite(fd, "W", 1, 5);
		say("%c", shared[5]);
		IN_CHILD({ shared[2] = 'C'; private[3] = 'X'; });
		say("%.10s %.10s", shared, private);
		SHOW(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 100));
		close(fd);
		fd = open(path, O_RDONLY);
		SHOW(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
		char *ro = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
		SHOW(mprotect(ro, 4096, PROT_READ | PROT_WRITE));
		close(fd);
		fd = open(path, O_WRONLY);
		SHOW(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
		close(fd);
		munmap(shared, 4096);
		unlink(path);
	}
	int p[2];
	pipe(p);
	SHOW(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, p[0], 0));
	int z = open("/dev/zero", O_RDWR);
	char *zero = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, z, 0);
	say("%d", zero != MAP_FAILED && zero[0] == 0);
}

static void sharing(void)
{
	SECTION("sharing");
	int *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int *private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*private = 1;
	IN_CHILD({
		*shared = 10;
		*private = 10;
		shared[1024] = 11;
		IN_CHILD(shared[1]++);
	});
	say("%d %d %d %d", shared[0], shared[1], shared[1024], *private);
	/* many processes, one counter */
	_Atomic int *counter = (_Atomic int *)shared;
	*counter = 0;
	for (int i = 0; i < 4; i++) {
		if (!fork()) {
			for (int j = 0; j < 10000; j++)
				(*counter)++;
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	say("%d", *counter);
	SHOW(madvise(private, 4096, MADV_DONTFORK));
	IN_CHILD({ say("child sees it: %d", readable((char *)private)); });
	SHOW(madvise(private, 4096, MADV_DOFORK));
	SHOW(madvise(private, 4096, MADV_WIPEONFORK));
	IN_CHILD(say("child sees %d", *private));
}

static void breaks(void)
{
	SECTION("brk");
	char *start = sbrk(0);
	CHECK(sbrk(100000) == start);
	memset(start, 1, 100000);
	CHECK((char *)sbrk(0) == start + 100000);
	SHOW(brk(start));
	CHECK(sbrk(0) == start);
	CHECK(syscall(SYS_brk, 0) == (long)start);
	CHECK(syscall(SYS_brk, 16) == (long)start);
	struct rlimit limit = { 1 << 20, RLIM_INFINITY };
	IN_CHILD({
		limit.rlim_cur = 200 << 20;
		setrlimit(RLIMIT_AS, &limit);
		SHOW(mmap(NULL, 300 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
		OK(mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	});
}

/* Pointers that programs may not use: EFAULT, and no damage. */
static void bad_pointers(void)
{
	static const unsigned long bad[] = { 8, 0x680000000000, 0x680300000000, 0x681000000000, 0x690000000000, 0x7ffffffff000,
					     0x800000000000, 0xffff800000000000, 0xffffffffffffff00 };
	int p[2];
	char buf[64];
	struct stat st;

	SECTION("bad pointers");
	pipe(p);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		void *ptr = (void *)bad[i];
		say("pointer %zu", i);
		write(p[1], "x", 1);
		SHOW(syscall(SYS_read, p[0], ptr, 1));
		SHOW(syscall(SYS_write, p[1], ptr, 1));
		SHOW(syscall(SYS_stat, "/", ptr));
		SHOW(syscall(SYS_stat, ptr, &st));
		SHOW(syscall(SYS_pipe, ptr));
		SHOW(syscall(SYS_uname, ptr));
		SHOW(syscall(SYS_getcwd, ptr, 100));
		SHOW(syscall(SYS_clock_gettime, CLOCK_MONOTONIC_RAW, ptr));
		SHOW(syscall(SYS_rt_sigprocmask, SIG_BLOCK, ptr, NULL, 8));
		SHOW(syscall(SYS_futex, ptr, 0, 0, NULL, NULL, 0));
		SHOW(syscall(SYS_getrandom, ptr, 16, 0));
		SHOW(syscall(SYS_readv, p[0], ptr, 1));
		struct iovec iov = { ptr, 10 };
		SHOW(syscall(SYS_writev, p[1], &iov, 1));
		SHOW(syscall(SYS_execve, "/proc/self/exe", ptr, NULL));
		SHOW(syscall(SYS_poll, ptr, 1, 0));
	}
	while (read(p[0], buf, sizeof(buf)) == sizeof(buf))
		;
}

/* Faulting in more than there will ever be is left when the process is killed. */
static void populate_killed(void)
{
	int status;

	SECTION("killed while it populates");
	for (int how = 0; how < 2; how++) {
		pid_t pid = fork();

		if (pid == 0) {
			size_t size = 1UL << 42;
			void *at = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (how ? MAP_POPULATE : 0), -1, 0);

			madvise(at, size, 22 /* MADV_POPULATE_READ */);
			_exit(0);
		}
		sleep_ms(30);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		show_status("child", status);
	}
}

int main(void)
{
	signal(SIGSEGV, segv);
	signal(SIGBUS, segv);
	maps();
	file_maps();
	sharing();
	breaks();
	bad_pointers();
	populate_killed();
	return 0;
}
