// SPDX-License-Identifier: Apache-2.0
/*
 * Pointers into the kernel's range: EFAULT in every call; mappings there: refused. The generic part takes the pointer
 * arguments of all calls from the table; the second part passes otherwise good arguments and insists on EFAULT.
 */
#include "attack.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/uio.h>

#include "syscalls.fuzz.gen.h"

static const unsigned long bad[] = {
	KERNEL_IMAGE, KERNEL_IMAGE + 0x1000, 0x680110000000UL, 0x680200000000UL, 0x680300000000UL, KERNEL_HEAP,
	KERNEL_PAGES, KERNEL_END - 4096, KERNEL_START - 8, SITE_TABLE, 0x800000000000UL, 0xffffffff81000000UL, 0x7ffffffff000UL,
};
#define NR_BAD (sizeof(bad) / sizeof(bad[0]))

static char *arena;

static bool is_pointer(enum fuzz_kind kind) { return kind >= FUZZ_PTR; }

/* Calls whose pointer is not looked at in these circumstances, by what Linux does. */
static bool may_ignore(const char *name, int argument)
{
	static const struct { const char *name; int argument; } list[] = {
		{ "getcpu", 2 }, { "gettimeofday", 1 }, { "set_tid_address", 0 }, { "set_robust_list", 0 }, { "clone", 3 }, { "clone", 2 },
		{ "recvfrom", 5 }, { "accept", 2 }, { "accept4", 3 }, { "prctl", 1 }, { "rt_sigtimedwait", 1 }, { "waitid", 2 }, { "wait4", 1 },
		{ "mount", 4 }, { "mount", 0 }, { "mount", 2 }, { "reboot", 3 }, { "semctl", 3 }, { "madvise", 0 },
		/* nothing to copy, with these arguments */
		{ "flistxattr", 1 }, { "getgroups", 1 }, { "getpeername", 1 }, { "getsockname", 1 }, { "recvfrom", 4 }, { "syslog", 1 },
	};
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (!strcmp(list[i].name, name) && list[i].argument == argument)
			return true;
	return false;
}

/* Runs one call in a child; the child's verdict: 1 if it succeeded. */
static int run(const struct fuzz_call *call, long a[6])
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		alarm(1);
		int null = open("/dev/null", O_RDWR);
		int p[2];
		pipe(p);
		for (int i = 0; i < 3; i++)
			dup2(null, i);
		long ret = raw_call(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
		_exit(ret >= 0 ? 1 : 0);
	}
	if (waitpid(pid, &status, 0) != pid)
		return 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static void generic(void)
{
	int tried = 0, succeeded = 0;

	for (size_t c = 0; c < sizeof(fuzz_calls) / sizeof(fuzz_calls[0]); c++) {
		const struct fuzz_call *call = &fuzz_calls[c];

		if (!call->implemented || !strcmp(call->name, "exit") || !strcmp(call->name, "exit_group"))
			continue;
		for (int i = 0; i < call->nargs; i++) {
			if (!is_pointer(call->args[i]) || may_ignore(call->name, i))
				continue;
			for (size_t b = 0; b < NR_BAD; b += 3) {
				long a[6];

				for (int k = 0; k < 6; k++)
					a[k] = k == i ? (long)bad[b] : k < call->nargs && is_pointer(call->args[k]) ? (long)arena + 4096 * k : 8;
				tried++;
				if (run(call, a)) {
					result(false, "%s with argument %d at %lx succeeds", call->name, i, bad[b]);
					succeeded++;
				}
			}
		}
	}
	result(!succeeded, "%d calls with one pointer into the kernel", tried);
}

#define MUST_FAULT(expression)                                                                     \
	do {                                                                                       \
		for (size_t _b = 0; _b < NR_BAD; _b++) {                                           \
			void *volatile BAD = (void *)bad[_b];                                      \
			errno = 0;                                                                 \
			long _r = (long)(expression);                                              \
			if (_r != -1 || errno != EFAULT)                                           \
				result(false, "%s at %p: %ld %s", #expression, BAD, _r, strerrorname_np(errno)); \
			good += _r == -1 && errno == EFAULT;                                       \
			all++;                                                                     \
		}                                                                                  \
	} while (0)

static void exact(void)
{
	int good = 0, all = 0, p[2], s[2], file = open("/tmp/kernel_addresses", O_CREAT | O_RDWR, 0600), epoll = epoll_create1(0);
	int event = eventfd(1, EFD_NONBLOCK);
	struct iovec iov;
	struct timespec ts = { 0, 1 };

	pipe(p);
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	write(p[1], "data", 4);
	write(s[1], "data", 4);
	write(file, "data", 4);
	MUST_FAULT(syscall(SYS_read, p[0], BAD, 1));
	MUST_FAULT(syscall(SYS_write, p[1], BAD, 1));
	MUST_FAULT(syscall(SYS_read, s[0], BAD, 1));
	MUST_FAULT(syscall(SYS_write, s[0], BAD, 1));
	MUST_FAULT(syscall(SYS_pread64, file, BAD, 4, 0));
	MUST_FAULT(syscall(SYS_pwrite64, file, BAD, 4, 0));
	MUST_FAULT((write(event, &(uint64_t){ 1 }, 8), syscall(SYS_read, event, BAD, 8)));
	MUST_FAULT(syscall(SYS_open, BAD, O_RDONLY));
	MUST_FAULT(syscall(SYS_stat, BAD, arena));
	MUST_FAULT(syscall(SYS_stat, "/", BAD));
	MUST_FAULT(syscall(SYS_fstat, file, BAD));
	MUST_FAULT(syscall(SYS_statx, AT_FDCWD, "/", 0, 0xfff, BAD));
	MUST_FAULT(syscall(SYS_getcwd, BAD, 100));
	MUST_FAULT(syscall(SYS_readlink, "/proc/self/exe", BAD, 100));
	MUST_FAULT(syscall(SYS_uname, BAD));
	MUST_FAULT(syscall(SYS_pipe, BAD));
	MUST_FAULT(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, BAD));
	MUST_FAULT((*(int *)arena = 16, syscall(SYS_getsockname, s[0], BAD, arena)));
	MUST_FAULT(syscall(SYS_getsockname, s[0], arena, BAD));
	MUST_FAULT(syscall(SYS_sendto, s[0], BAD, 1, 0, NULL, 0));
	MUST_FAULT(syscall(SYS_recvfrom, s[0], BAD, 1, MSG_PEEK, NULL, NULL));
	MUST_FAULT(syscall(SYS_sendmsg, s[0], BAD, 0));
	MUST_FAULT(syscall(SYS_recvmsg, s[0], BAD, 0));
	MUST_FAULT(syscall(SYS_readv, p[0], BAD, 1));
	MUST_FAULT((iov = (struct iovec){ BAD, 1 }, syscall(SYS_writev, p[1], &iov, 1)));
	MUST_FAULT((iov = (struct iovec){ BAD, 1 }, syscall(SYS_readv, p[0], &iov, 1)));
	MUST_FAULT(syscall(SYS_rt_sigaction, SIGUSR1, BAD, NULL, 8));
	MUST_FAULT(syscall(SYS_rt_sigaction, SIGUSR1, NULL, BAD, 8));
	MUST_FAULT(syscall(SYS_rt_sigprocmask, 0, BAD, NULL, 8));
	MUST_FAULT(syscall(SYS_rt_sigprocmask, 0, NULL, BAD, 8));
	MUST_FAULT(syscall(SYS_clock_gettime, CLOCK_REALTIME, BAD));
	MUST_FAULT(syscall(SYS_nanosleep, BAD, NULL));
	MUST_FAULT(syscall(SYS_getrlimit, 7, BAD));
	MUST_FAULT(syscall(SYS_setrlimit, 4, BAD));
	MUST_FAULT(syscall(SYS_getrusage, 0, BAD));
	MUST_FAULT(syscall(SYS_sysinfo, BAD));
	MUST_FAULT(syscall(SYS_times, BAD));
	MUST_FAULT(syscall(SYS_futex, BAD, 0 /* wait */, 0, &ts));
	MUST_FAULT(syscall(SYS_futex, BAD, 1 | 128 /* wake private */, 1, NULL) < 0 ? -1 : (errno = EFAULT, -1)); /* Linux does not touch it */
	MUST_FAULT(syscall(SYS_poll, BAD, 1, 0));
	MUST_FAULT(syscall(SYS_select, 1, BAD, NULL, NULL, NULL));
	MUST_FAULT(syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, p[0], BAD));
	MUST_FAULT(syscall(SYS_execve, BAD, NULL, NULL));
	MUST_FAULT(syscall(SYS_execve, "/proc/self/exe", BAD, NULL));
	MUST_FAULT(syscall(SYS_getrandom, BAD, 8, 0));
	MUST_FAULT(syscall(SYS_getdents64, open("/", O_RDONLY), BAD, 1000));
	MUST_FAULT(syscall(SYS_mkdir, BAD, 0700));
	MUST_FAULT(syscall(SYS_rename, "/tmp/kernel_addresses", BAD));
	MUST_FAULT(syscall(SYS_symlink, BAD, "/tmp/x"));
	MUST_FAULT(syscall(SYS_chdir, BAD));
	MUST_FAULT(syscall(SYS_statfs, "/", BAD));
	MUST_FAULT(syscall(SYS_getresuid, BAD, arena, arena));
	MUST_FAULT(syscall(SYS_sched_getaffinity, 0, 8, BAD));
	MUST_FAULT(syscall(SYS_sched_getparam, 0, BAD));
	MUST_FAULT(syscall(SYS_timer_create, CLOCK_REALTIME, BAD, arena));
	MUST_FAULT(syscall(SYS_setitimer, 0, BAD, NULL));
	MUST_FAULT(syscall(SYS_sigaltstack, BAD, NULL));
	MUST_FAULT(syscall(SYS_getgroups, 1000, BAD) == 0 ? (errno = EFAULT, -1) : -1);
	MUST_FAULT(syscall(SYS_memfd_create, BAD, 0));
	MUST_FAULT(syscall(SYS_mq_open, BAD, O_RDONLY, 0, NULL));
	MUST_FAULT(syscall(SYS_semop, 0, BAD, 1) == -1 && errno == EINVAL ? (errno = EFAULT, -1) : -1);
	MUST_FAULT(syscall(SYS_process_vm_readv, getpid(), BAD, 1, BAD, 1, 0));
	result(good == all, "EFAULT in %d calls with good arguments otherwise", all);
}

static void mappings(void)
{
	static const unsigned long lengths[] = { 4096, 1 << 20, 1UL << 40 };
	char *mine = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int id = shmget(IPC_PRIVATE, 65536, 0600);

	for (size_t b = 0; b < 10; b++) {
		unsigned long at = bad[b] & ~4095UL;

		for (size_t l = 0; l < 3; l++) {
			void *p = mmap((void *)at, lengths[l], PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
			/* The page below the kernel's range is the program's if the mapping ends there. */
			bool inside = !(at + lengths[l] <= KERNEL_START && at != (SITE_TABLE & ~4095UL));
			result(p == MAP_FAILED || !inside, "mmap fixed at %lx of %lx", at, lengths[l]);
			if (p != MAP_FAILED)
				munmap(p, lengths[l]);
			p = mmap((void *)at, lengths[l], PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | 0x100000, -1, 0);
			result(p == MAP_FAILED || !inside, "mmap fixed without replacing at %lx of %lx", at, lengths[l]);
			if (p != MAP_FAILED)
				munmap(p, lengths[l]);
			p = mmap((void *)at, lengths[l], PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
			result(p == MAP_FAILED || (unsigned long)p + lengths[l] <= KERNEL_START || (unsigned long)p >= KERNEL_END,
			       "mmap with a hint at %lx of %lx", at, lengths[l]);
			if (p != MAP_FAILED)
				munmap(p, lengths[l]);
		}
		if (at < KERNEL_START && at != (SITE_TABLE & ~4095UL))
			continue;
		result(mprotect((void *)at, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == -1, "mprotect at %lx", at);
		result(mremap((void *)at, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED, "mremap from %lx", at);
		result(mremap(mine, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)at) == MAP_FAILED, "mremap to %lx", at);
		result(madvise((void *)at, 4096, MADV_DONTNEED) == -1, "madvise at %lx", at);
		result(shmat(id, (void *)at, SHM_REMAP) == (void *)-1, "shmat at %lx", at);
		munmap((void *)at, 4096);
	}
	shmctl(id, IPC_RMID, NULL);
	/* After all that munmap: the kernel is still there, or this would not return. */
	result(getppid() >= 0, "munmap in the kernel's range leaves the kernel alone");
	unsigned long end = (unsigned long)sbrk(0);
	result(syscall(SYS_brk, KERNEL_HEAP) == (long)end || (unsigned long)syscall(SYS_brk, 0) < KERNEL_START, "brk into the kernel");
	/* A search for free room never answers with the kernel's range. */
	bool clean = true;
	for (int i = 0; i < 200; i++) {
		unsigned long p = (unsigned long)mmap(NULL, 1UL << 36, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (p == (unsigned long)MAP_FAILED)
			break;
		if (p + (1UL << 36) > KERNEL_START && p < KERNEL_END)
			clean = false;
	}
	result(clean, "mappings of large room stay outside the kernel");
}

int main(void)
{
	alarm(100); /* nothing here should wait */
	arena = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	exact();
	generic();
	mappings();
	return failures != 0;
}
