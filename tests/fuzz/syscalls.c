// SPDX-License-Identifier: Apache-2.0
/*
 * System call fuzzer: runs inside a container against linuxd's kernel.
 *
 * Several processes with several threads each call every number, with arguments that fit their kinds (syscalls.fuzz.gen.h) and
 * with arguments that do not: kernel addresses, ends of mappings, huge sizes, descriptors of every sort. A thread of each
 * process keeps rewriting the memory that the others pass, so that what the kernel reads twice is different the second time.
 *
 * usage: syscalls SECONDS [SEED]. Exit status 0 if the kernel is still sane at the end. Calls that would end the run on purpose
 * (exit, kill of everyone, reboot) are made only in ways that cannot.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "random.h"
#include "syscalls.fuzz.gen.h"

#define PROCESSES 3
#define THREADS 3
#define ARENA_SIZE (1 << 20)
#define NR_CALLS (sizeof(fuzz_calls) / sizeof(fuzz_calls[0]))

static char *arena;         /* shared by the threads of a process: arguments stand here */
static time_t end_time;
static pid_t tids[THREADS]; /* of the workers */

/* Addresses a program should not get away with. */
static const uint64_t bad_addresses[] = {
	0, 1, 8, 4096, 0x7f060000, 0x680000000000, 0x680000001000, 0x680100000000, 0x680110000000, 0x680300000000, 0x681000000000,
	0x690000000000, 0x6bfffffffff8, 0x7ffffffff000, 0x7ffffffffff8, 0x800000000000, 0xffff800000000000, 0xfffffffffffffff8,
};
static const uint64_t interesting[] = {
	0, 1, 2, 3, 4, 7, 8, 15, 16, 63, 64, 65, 127, 128, 255, 256, 511, 512, 1023, 1024, 4095, 4096, 4097, 65535, 65536, 0x7fffffff, 0x80000000,
	0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffff000, 0xffffffffffffffff,
};
static const char *const paths[] = {
	".", "/", "/tmp", "/tmp/fuzz", "/tmp/fuzz/a", "/tmp/fuzz/b", "/tmp/fuzz/dir", "/tmp/fuzz/dir/c", "/tmp/fuzz/link", "/tmp/fuzz/loop",
	"/data/fuzz", "/data/a", "/data/b", "/data/dir", "/data/dir/c", "/data/link", "/proc/self", "/proc/self/status", "/proc/self/maps",
	"/proc/self/fd/3", "/proc/self/mem", "/proc/self/environ", "/proc", "/proc/1/status", "/sys", "/dev/null", "/dev/zero", "/dev/full",
	"/dev/tty", "/dev/ptmx", "/dev/pts/0", "/dev/shm/x", "/tmp/fuzz/fifo", "/tmp/fuzz/socket", "", "/nonexistent/x", "..",
	"/tmp/fuzz/../../../..", "a", "tmpfs", "proc", "user.x", "/mq",
};

static uint64_t some_address(struct random *r)
{
	switch (below(r, 8)) {
	case 0: return bad_addresses[below(r, sizeof(bad_addresses) / sizeof(bad_addresses[0]))];
	case 1: return (uint64_t)arena + ARENA_SIZE - below(r, 64); /* runs over the end */
	case 2: return next(r);
	default: return (uint64_t)arena + below(r, ARENA_SIZE - 65536);
	}
}

static uint64_t some_number(struct random *r)
{
	switch (below(r, 4)) {
	case 0: return interesting[below(r, sizeof(interesting) / sizeof(interesting[0]))];
	case 1: return next(r);
	case 2: return 1ULL << below(r, 64);
	default: return below(r, 300);
	}
}

static uint64_t some_path(struct random *r)
{
	char *at = arena + below(r, ARENA_SIZE - 65536);

	if (one_in(r, 12))
		return some_address(r);
	strcpy(at, paths[below(r, sizeof(paths) / sizeof(paths[0]))]);
	if (one_in(r, 40)) {
		memset(at, 'n', 5000);
		at[below(r, 5000)] = 0;
	}
	return (uint64_t)at;
}

/* A structure: words that are small numbers, addresses or anything. */
static uint64_t some_struct(struct random *r)
{
	uint64_t *at = (uint64_t *)(arena + (below(r, ARENA_SIZE - 65536) & ~7ULL));

	if (one_in(r, 6))
		return some_address(r);
	for (int i = 0; i < 16; i++) {
		switch (below(r, 4)) {
		case 0: at[i] = below(r, 16); break;
		case 1: at[i] = some_address(r); break;
		case 2: at[i] = some_number(r); break;
		default: at[i] = next(r) & next(r) & next(r);
		}
	}
	return (uint64_t)at;
}

/* Names of sockets that exist, mostly: a few ports, so that the sockets find each other. */
static uint64_t some_sockaddr(struct random *r)
{
	static const uint32_t addrs[] = { 0x7f000001, 0x7f000001, 0, 0x7f000002, 0xe0000001, 0xffffffff, 0x08080808 };
	char *at = arena + (below(r, ARENA_SIZE - 65536) & ~7ULL);
	uint16_t port = htons((uint16_t)(4000 + below(r, 6)));
	uint32_t addr = htonl(addrs[below(r, sizeof(addrs) / sizeof(addrs[0]))]);

	memset(at, 0, 32);
	if (one_in(r, 12))
		return some_struct(r);
	if (one_in(r, 10)) /* AF_UNSPEC: disconnect */
		return (uint64_t)at;
	if (one_in(r, 2)) {
		*(struct sockaddr_in *)at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = addr };
		return (uint64_t)at;
	}
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)at;

	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = port;
	switch (below(r, 4)) {
	case 0: sin6->sin6_addr.s6_addr[15] = 1; break;
	case 1: sin6->sin6_addr.s6_addr[0] = 0xfe; break;
	case 2:
		sin6->sin6_addr.s6_addr[10] = sin6->sin6_addr.s6_addr[11] = 0xff;
		memcpy(&sin6->sin6_addr.s6_addr[12], &addr, 4);
		break;
	default: break;
	}
	return (uint64_t)at;
}

static uint64_t some_pid(struct random *r)
{
	static const int64_t pids[] = { 0, -1, 99999, INT32_MIN, INT32_MAX };

	if (one_in(r, 3))
		return (uint64_t)pids[below(r, sizeof(pids) / sizeof(pids[0]))];
	return one_in(r, 2) ? (uint64_t)gettid() : (uint64_t)getpid() + below(r, 8);
}

static uint64_t some_flags(struct random *r)
{
	switch (below(r, 4)) {
	case 0: return 0;
	case 1: return 1ULL << below(r, 32);
	case 2: return (1ULL << below(r, 32)) | (1ULL << below(r, 32));
	default: return below(r, 32);
	}
}

static uint64_t some_size(struct random *r)
{
	return one_in(r, 5) ? some_number(r) : below(r, one_in(r, 3) ? 65536 : 256);
}

static uint64_t argument(struct random *r, enum fuzz_kind kind)
{
	if (one_in(r, 16))
		return some_number(r);
	switch (kind) {
	case FUZZ_FD:
	case FUZZ_DIRFD:
		if (kind == FUZZ_DIRFD && one_in(r, 2))
			return (uint64_t)AT_FDCWD;
		return one_in(r, 10) ? some_number(r) : 3 + below(r, 60);
	case FUZZ_PID: return some_pid(r);
	case FUZZ_SIZE:
	case FUZZ_ULONG: return some_size(r);
	case FUZZ_INT:
	case FUZZ_UINT:
	case FUZZ_LONG:
	case FUZZ_OFF:
	case FUZZ_HEX:
	case FUZZ_HEX32: return some_number(r);
	case FUZZ_SIGNAL: return one_in(r, 6) ? some_number(r) : SIGUSR1;
	case FUZZ_MODE: return one_in(r, 2) ? 0755 : next(r) & 0177777;
	case FUZZ_UID:
	case FUZZ_GID: return one_in(r, 2) ? 0 : below(r, 3) - 1;
	case FUZZ_ADDR: return some_address(r) & ~(one_in(r, 8) ? 0ULL : 4095ULL);
	case FUZZ_PATH:
	case FUZZ_STRING: return some_path(r);
	case FUZZ_SOCKADDR_IN: return some_sockaddr(r);
	case FUZZ_SOCKET_FAMILY: return (const int[]){ AF_UNIX, AF_INET, AF_INET6, AF_NETLINK }[below(r, 4)];
	case FUZZ_SOCKET_TYPE: return (1 + below(r, 5)) | SOCK_NONBLOCK;
	case FUZZ_SOCKOPT_LEVEL: return (const int[]){ SOL_SOCKET, IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_IPV6, IPPROTO_RAW }[below(r, 6)];
	case FUZZ_FCNTL_CMD: return one_in(r, 2) ? F_SETLEASE + below(r, 12) : below(r, 40);
	case FUZZ_SHUTDOWN_HOW: return below(r, 4);
	default: break;
	}
	if (kind >= FUZZ_PTR)
		return one_in(r, 8) ? some_address(r) : some_struct(r);
	return some_flags(r);
}

/* Calls whose success would only stop the fuzzer, or that wait for ever by their nature. */
static bool leave_out(int nr, uint64_t *a)
{
	switch (nr) {
	case SYS_exit:
	case SYS_exit_group:
	case SYS_rt_sigreturn:
	case SYS_reboot:
	case SYS_vfork:
	case SYS_fork: /* made by the workers themselves, in measure */
	case SYS_clone3:
	case SYS_pause:
	case SYS_rt_sigsuspend:
	case SYS_vhangup:
	case SYS_arch_prctl: /* FS would be gone */
	case SYS_rseq:
	case SYS_set_robust_list:
	case SYS_set_tid_address:
	case SYS_chroot: /* paths would mean nothing */
	case SYS_pivot_root:
	case SYS_umount2:
	case SYS_mount:
		return true;
	case SYS_clone:
		a[0] &= ~(uint64_t)(CLONE_VM | CLONE_VFORK | CLONE_SETTLS); /* a child of ours that does not leave the loop would double it */
		return true;
	case SYS_kill:
	case SYS_tkill:
	case SYS_tgkill:
	case SYS_rt_sigqueueinfo:
	case SYS_rt_tgsigqueueinfo:
	case SYS_pidfd_send_signal:
		/* Only harmless signals, else the processes kill each other at once. */
		a[nr == SYS_tgkill || nr == SYS_rt_tgsigqueueinfo ? 2 : 1] = SIGUSR1 + (a[5] & 1) * (SIGCHLD - SIGUSR1);
		return false;
	case SYS_setrlimit:
	case SYS_prlimit64:
		/* Of no process: pid 1's limit of CPU time would end the container, as it should. */
		return (uint32_t)a[nr == SYS_prlimit64] != RLIMIT_NICE && (uint32_t)a[nr == SYS_prlimit64] < 16;
	case SYS_munmap:
	case SYS_mprotect:
	case SYS_mremap:
	case SYS_madvise:
	case SYS_mmap:
	case SYS_remap_file_pages:
	case SYS_pkey_mprotect:
	case SYS_process_madvise:
	case SYS_shmat:
	case SYS_brk:
		/* Only in the second half of the arena, at the kernel's addresses, or where the kernel chooses. */
		if (a[0] < (uint64_t)arena + ARENA_SIZE && a[0] + a[1] > a[0] && (nr != SYS_mmap || (a[3] & MAP_FIXED)))
			a[0] = (uint64_t)arena + ARENA_SIZE + (a[0] & 0xff000);
		if (a[0] >= 0x700000000000 && a[0] < 0x800000000000 && a[0] < (uint64_t)arena)
			return true;
		if (a[1] > 1 << 20 && a[0] < 0x680000000000)
			a[1] &= (1 << 20) - 1;
		if (a[0] > 0x6c0000000000 && a[0] < 0x800000000000 && a[0] != (uint64_t)arena + ARENA_SIZE + (a[0] & 0xff000))
			a[0] = (uint64_t)arena + ARENA_SIZE;
		if (nr == SYS_mremap)
			a[3] &= ~2ULL;
		return nr == SYS_shmat;
	case SYS_close_range:
		return a[0] < 3;
	case SYS_close:
	case SYS_dup2:
	case SYS_dup3:
		return (uint32_t)a[nr != SYS_close] < 3;
	case SYS_ptrace:
		return false;
	default:
		return false;
	}
}

static void handler(int sig) {}

/* Listeners, a connection, and sockets that are neither. */
static void open_internet_sockets(void)
{
	for (int i = 0; i < 2; i++) {
		struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons((uint16_t)(4000 + i)) };
		struct sockaddr_in6 name6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)(4002 + i)) };
		int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), six = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;

		setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
		bind(listener, (struct sockaddr *)&name, sizeof(name));
		listen(listener, 3);
		bind(six, (struct sockaddr *)&name6, sizeof(name6));
		listen(six, 3);
		connect(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), (struct sockaddr *)&name, sizeof(name));
		accept4(listener, NULL, NULL, SOCK_NONBLOCK);
		socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	}
	socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
}

static void open_descriptors(void)
{
	int pair[2];
	sigset_t set;

	mkdir("/tmp/fuzz", 0777);
	mkdir("/tmp/fuzz/dir", 0777);
	mkdir("/data/dir", 0777);
	symlink("a", "/tmp/fuzz/link");
	symlink("loop", "/tmp/fuzz/loop");
	mkfifo("/tmp/fuzz/fifo", 0666);
	open("/tmp/fuzz/a", O_RDWR | O_CREAT, 0666);
	open("/data/a", O_RDWR | O_CREAT, 0666);
	open("/tmp/fuzz", O_RDONLY | O_DIRECTORY);
	open("/tmp/fuzz/fifo", O_RDWR | O_NONBLOCK);
	open("/proc/self/status", O_RDONLY);
	open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
	open("/dev/null", O_RDWR);
	open("/dev/urandom", O_RDONLY);
	open("/tmp/fuzz", O_PATH);
	pipe2(pair, O_NONBLOCK);
	pipe2(pair, O_NONBLOCK | O_DIRECT);
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
	socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair);
	socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair);
	socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	open_internet_sockets();
	eventfd(0, EFD_NONBLOCK);
	timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	signalfd(-1, &set, SFD_NONBLOCK);
	inotify_init1(IN_NONBLOCK);
	memfd_create("fuzz", MFD_ALLOW_SEALING);
	struct epoll_event e = { EPOLLIN | EPOLLOUT, { 0 } };
	int ep = epoll_create1(0);
	for (int fd = 3; fd < ep && fd < 40; fd++)
		epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
	syscall(SYS_pidfd_open, getpid(), 0);
}

/* Rewrites what the others pass to the kernel, while it reads it. */
static void *scribbler(void *arg)
{
	struct random r = random_from((uintptr_t)arg + 1);

	while (time(NULL) < end_time) {
		for (int i = 0; i < 1000; i++)
			((volatile uint64_t *)arena)[below(&r, ARENA_SIZE / 8)] = one_in(&r, 2) ? some_address(&r) : next(&r);
		/* Who sleeps is woken. */
		syscall(SYS_tgkill, getpid(), tids[below(&r, THREADS)], SIGUSR1);
		usleep(1000);
	}
	return NULL;
}

static void *worker(void *arg)
{
	struct random r = random_from((uintptr_t)arg);
	uint64_t a[6];
	sigset_t set;

	tids[(uintptr_t)arg % THREADS] = gettid();
	while (time(NULL) < end_time) {
		const struct fuzz_call *call = &fuzz_calls[below(&r, NR_CALLS)];
		int nr = call->number;
		bool typed = !one_in(&r, 4);

		for (int i = 0; i < 6; i++)
			a[i] = typed && i < call->nargs ? argument(&r, call->args[i]) : one_in(&r, 2) ? some_address(&r) : some_number(&r);
		if (one_in(&r, 200))
			nr = (int)below(&r, 700);
		if (leave_out(nr, a))
			continue;
		/* Nothing sleeps long: alarms come, and signals of the scribbler. */
		syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		if (one_in(&r, 50)) {
			sigemptyset(&set);
			pthread_sigmask(SIG_SETMASK, &set, NULL);
			struct itimerval it = { { 0, 5000 }, { 0, 5000 } };
			setitimer(ITIMER_REAL, &it, NULL);
			signal(SIGALRM, handler);
			umask(0);
			chdir("/tmp/fuzz");
			syscall(SYS_personality, 0);
		}
		if (one_in(&r, 4000))
			open_descriptors();
		if (one_in(&r, 3000)) {
			pid_t pid = fork();
			if (pid == 0)
				_exit(0);
			if (pid > 0)
				waitpid(pid, NULL, 0);
		}
	}
	return NULL;
}

static void process(unsigned seed)
{
	pthread_t t;

	for (int sig = 1; sig < 65; sig++) {
		if (sig != SIGSEGV && sig != SIGBUS && sig != SIGILL && sig != SIGFPE && sig != SIGTRAP)
			signal(sig, handler);
	}
	/* Our own process is mapped high: two halves, the second is free game. */
	arena = mmap(NULL, 2 * ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (arena == MAP_FAILED)
		_exit(2);
	struct rlimit limit = { 64, 64 };
	setrlimit(RLIMIT_NPROC, &limit);
	limit.rlim_cur = limit.rlim_max = 4 << 20;
	setrlimit(RLIMIT_FSIZE, &limit);
	open_descriptors();
	for (int i = 0; i < THREADS - 1; i++)
		pthread_create(&t, NULL, worker, (void *)(uintptr_t)(seed * THREADS + (unsigned)i + 1));
	pthread_create(&t, NULL, scribbler, (void *)(uintptr_t)seed);
	worker((void *)(uintptr_t)(seed * THREADS));
	_exit(0);
}

/* The kernel still does what it should. */
static int sane(void)
{
	int p[2], status;
	char buffer[8] = "";

	if (pipe(p) || write(p[1], "sane", 4) != 4 || read(p[0], buffer, 8) != 4 || memcmp(buffer, "sane", 4))
		return 0;
	pid_t pid = fork();
	if (pid == 0)
		_exit(7);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7;
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 10, status;
	unsigned seed = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : (unsigned)time(NULL), round = 0, ticks = 0;
	pid_t pids[PROCESSES] = { 0 };

	printf("seed %u\n", seed);
	fflush(stdout);
	time_t stop = time(NULL) + seconds;
	end_time = stop;
	/* A process that was killed (its own fault) is replaced. */
	while (time(NULL) < stop) {
		for (int i = 0; i < PROCESSES; i++) {
			if (pids[i] > 0 && waitpid(pids[i], &status, WNOHANG) == 0)
				continue;
			pids[i] = fork();
			if (pids[i] == 0) {
				setsid();
				process(seed + ++round * 100 + (unsigned)i);
			}
			round++;
		}
		usleep(20000);
		if (++ticks % 100 == 0)
			kill(pids[ticks / 100 % PROCESSES], SIGKILL);
	}
	/* They end by themselves within a moment; what sleeps is killed. */
	usleep(300000);
	for (int i = 0; i < PROCESSES; i++) {
		if (pids[i] > 0)
			kill(pids[i], SIGKILL);
	}
	kill(-1, SIGKILL);
	while (waitpid(-1, &status, 0) > 0)
		;
	int ok = sane();
	printf("%u processes, kernel %s\n", round, ok ? "sane" : "NOT SANE");
	return ok ? 0 : 1;
}
