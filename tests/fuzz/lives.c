// SPDX-License-Identifier: Apache-2.0
/*
 * System call fuzzer for short lives: runs inside a container against linuxd's kernel, beside syscalls.c.
 *
 * Many small processes are born, make some hundred calls of any number with well-formed arguments most of the time, and die: by
 * exit, exec, signals, faults, in the middle of other calls. Unlike in syscalls.c nothing is left out: fork, vfork, clone with any
 * flags, exec, exit, sigreturn, ptrace, mounts, chroot, FS base, robust lists, shared memory. The arguments stand in memory
 * that all processes share and keep overwriting.
 *
 * usage: lives SECONDS [SEED [CALL...]]: only the named calls, if some are named. At the end nothing may be left of the processes:
 * no task, no open file, no socket, no System V object that is not removed.
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
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
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "syscalls.fuzz.gen.h"

#define AT_ONCE 16
#define CALLS 300
#define ARENA (256UL << 10)
#define NR_CALLS (sizeof(fuzz_calls) / sizeof(fuzz_calls[0]))

/* What each process is doing, for whoever looks at a hang. */
struct note {
	int pid, nr;
	uint64_t args[6];
	uint64_t calls;
};

static char *arena;
static struct note *notes; /* shared, AT_ONCE of them */
static const struct fuzz_call *chosen[NR_CALLS];
static size_t nr_chosen;

static uint64_t state;
static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}
static uint64_t below(uint64_t n) { return next() % n; }
static bool one_in(uint64_t n) { return below(n) == 0; }

static const uint64_t bad_addresses[] = {
	0,
	1,
	8,
	0x7f060000,
	0x680000000000,
	0x680000001000,
	0x680110000000,
	0x680200000000,
	0x680300000000,
	0x681000000000,
	0x681000100000,
	0x690000000000,
	0x690000001000,
	0x6bfffffffff8,
	0x67fffffffff8,
	0x7fffffffeff8,
	0x7ffffffff000,
	0x800000000000,
	0xffff800000000000,
	-8ULL,
};
static const char *const paths[] = {
	".",
	"/",
	"..",
	"",
	"/tmp",
	"/tmp/lives",
	"/tmp/lives/a",
	"/tmp/lives/b",
	"/tmp/lives/d",
	"/tmp/lives/d/c",
	"/tmp/lives/link",
	"/tmp/lives/loop",
	"/tmp/lives/fifo",
	"/tmp/lives/sock",
	"/tmp/lives/mnt",
	"/tmp/lives/mnt/x",
	"/data/a",
	"/data/b",
	"/data/d",
	"/data/d/c",
	"/data/link",
	"/bin/sh",
	"/bin/busybox",
	"/proc/self",
	"/proc/self/exe",
	"/proc/self/maps",
	"/proc/self/mem",
	"/proc/self/stat",
	"/proc/self/fd/4",
	"/proc/self/cwd",
	"/proc/self/root",
	"/proc/self/task",
	"/proc/self/environ",
	"/proc/1/maps",
	"/proc/net/unix",
	"/proc/sysvipc/shm",
	"/proc/mounts",
	"/proc/self/fdinfo/5",
	"/proc/sys/kernel/pid_max",
	"/dev/null",
	"/dev/zero",
	"/dev/full",
	"/dev/tty",
	"/dev/ptmx",
	"/dev/pts/0",
	"/dev/shm/x",
	"/dev/mqueue/q",
	"q",
	"tmpfs",
	"proc",
	"user.x",
	"a",
	"x/../y",
};

static char *place(size_t size) { return arena + (below(ARENA - size - 64) & (one_in(20) ? ~0ULL : ~7ULL)); }

static uint64_t address(void)
{
	switch (below(12)) {
	case 0: return bad_addresses[below(sizeof(bad_addresses) / sizeof(bad_addresses[0]))];
	case 1: return (uint64_t)arena + ARENA - below(100);
	case 2: return 0;
	default: return (uint64_t)place(8192);
	}
}

static uint64_t number(void)
{
	switch (below(5)) {
	case 0: return next();
	case 1: return 1ULL << below(64);
	case 2: return (1ULL << below(64)) - 1;
	case 3: return (uint64_t)-(int64_t)below(300);
	default: return below(300);
	}
}

static uint64_t small(void) { return one_in(30) ? number() : below(9); }
static uint64_t size(void) { return one_in(25) ? number() : below(one_in(4) ? 70000 : 300); }
static uint64_t flags(void)
{
	uint64_t f = 0;
	for (uint64_t n = below(4); n; n--)
		f |= 1ULL << below(one_in(8) ? 64 : 24);
	return f;
}
static uint64_t fd(void) { return one_in(20) ? number() : one_in(10) ? (uint64_t)AT_FDCWD : 3 + below(50); }

static uint64_t path(void)
{
	char *at = place(256);

	if (one_in(25))
		return address();
	strcpy(at, paths[below(sizeof(paths) / sizeof(paths[0]))]);
	return (uint64_t)at;
}

static uint64_t words(int n)
{
	uint64_t *at = (uint64_t *)((uint64_t)place(1024) & ~7ULL);

	for (int i = 0; i < n; i++)
		at[i] = one_in(3) ? address() : one_in(2) ? small() : number();
	return (uint64_t)at;
}

static uint64_t timespec(void)
{
	struct timespec *t = (void *)place(64);

	if (one_in(12))
		return address();
	for (int i = 0; i < 2; i++)
		t[i] = (struct timespec){ one_in(30) ? (time_t)number() : 0, one_in(20) ? (long)number() : (long)below(3000000) };
	return (uint64_t)t;
}

static uint64_t itimer(void)
{
	struct itimerspec *t = (void *)place(64);

	*t = (struct itimerspec){ { 0, (long)below(5000) }, { 0, (long)below(900000) } };
	return one_in(12) ? address() : (uint64_t)t;
}

static uint64_t vectors(void)
{
	struct iovec *v = (void *)place(256);

	for (int i = 0; i < 8; i++)
		v[i] = (struct iovec){ (void *)address(), size() };
	return one_in(12) ? address() : (uint64_t)v;
}

static uint64_t sockaddr(void)
{
	struct sockaddr_un *a = (void *)place(128);

	a->sun_family = one_in(10) ? (sa_family_t)next() : AF_UNIX;
	strcpy(a->sun_path, one_in(2) ? "/tmp/lives/sock" : "xabstract");
	if (a->sun_path[0] == 'x')
		a->sun_path[0] = 0;
	return one_in(12) ? address() : (uint64_t)a;
}

static uint64_t msghdr(void)
{
	struct mmsghdr *m = (void *)place(256);
	struct cmsghdr *c = (void *)place(128);

	*c = (struct cmsghdr){ CMSG_LEN(one_in(5) ? size() : 8), SOL_SOCKET, (int)(1 + below(2)) };
	for (int i = 0; i < 4; i++)
		((int *)CMSG_DATA(c))[i] = (int)fd();
	memset(m, 0, sizeof(*m));
	m->msg_hdr = (struct msghdr){one_in(3) ? (void *)sockaddr() : NULL,
				     (socklen_t)small() * 14,
				     (void *)vectors(),
				     small(),
				     one_in(2) ? c : NULL,
				     24 + small(),
				     0};
	return one_in(12) ? address() : (uint64_t)m;
}

static void handler(int sig) {}

static uint64_t action(void)
{
	struct { uint64_t handler, flags, restorer, mask; } *a = (void *)place(64);
	static const uint64_t handlers[] = { 0, 1, 0, 0x1234 };

	struct sigaction old;
	sigaction(SIGWINCH, &(struct sigaction){ .sa_handler = handler }, &old);
	/* The C library's restorer: read back what it installed. */
	syscall(SYS_rt_sigaction, SIGWINCH, NULL, a, 8);
	if (one_in(4))
		a->handler = handlers[below(4)];
	a->flags |= one_in(3) ? flags() << 24 : 0;
	a->mask = one_in(2) ? 0 : next();
	return one_in(12) ? address() : (uint64_t)a;
}

static uint64_t strings(void)
{
	uint64_t *v = (uint64_t *)((uint64_t)place(64) & ~7ULL);

	v[0] = path();
	v[1] = one_in(2) ? 0 : path();
	v[2] = 0;
	return one_in(10) ? address() : (uint64_t)v;
}

static uint64_t pid(void)
{
	switch (below(8)) {
	case 0: return 0;
	case 1: return number();
	case 2: return (uint64_t)notes[below(AT_ONCE)].pid;
	case 3: return (uint64_t)getppid();
	default: return (uint64_t)getpid();
	}
}

static uint64_t argument(enum fuzz_kind kind)
{
	switch (kind) {
	case FUZZ_FD:
	case FUZZ_DIRFD: return fd();
	case FUZZ_PID: return pid();
	case FUZZ_SIZE:
	case FUZZ_ULONG: return size();
	case FUZZ_OFF: return one_in(4) ? number() : below(100000);
	case FUZZ_INT:
	case FUZZ_UINT:
	case FUZZ_LONG: return small();
	case FUZZ_HEX:
	case FUZZ_HEX32: return one_in(2) ? address() : small();
	case FUZZ_FCNTL_CMD: return one_in(2) ? F_SETLEASE + below(12) : below(40);
	case FUZZ_SIGNAL: return one_in(8) ? number() : below(66);
	case FUZZ_MODE: return one_in(2) ? 0777 : next() & 0177777;
	case FUZZ_UID:
	case FUZZ_GID: return one_in(2) ? 0 : below(4) - 1;
	case FUZZ_ADDR: return address() & ~(one_in(6) ? 0ULL : 4095ULL);
	case FUZZ_PATH:
	case FUZZ_STRING: return path();
	case FUZZ_TIMESPEC_IN:
	case FUZZ_TIMESPEC2_IN:
	case FUZZ_TIMEVAL_IN:
	case FUZZ_TIMEVAL2_IN: return timespec();
	case FUZZ_ITIMERVAL_IN:
	case FUZZ_ITIMERSPEC_IN: return itimer();
	case FUZZ_IOVEC_IN:
	case FUZZ_IOVEC_OUT: return vectors();
	case FUZZ_SOCKADDR_IN: return sockaddr();
	case FUZZ_MSGHDR_IN:
	case FUZZ_MSGHDR_OUT: return msghdr();
	case FUZZ_SIGACTION_IN: return action();
	case FUZZ_STRINGS:
	case FUZZ_STRINGS_COUNT: return strings();
	case FUZZ_IPC_FLAGS: return one_in(2) ? IPC_CREAT | 0666 : one_in(2) ? IPC_NOWAIT : flags();
	case FUZZ_SOCKET_FAMILY: return one_in(8) ? small() : AF_UNIX;
	case FUZZ_OPEN_FLAGS: return one_in(2) ? O_RDWR | O_CREAT | O_NONBLOCK : flags() | O_NONBLOCK;
	case FUZZ_CLONE_FLAGS:
		return one_in(3)   ? SIGCHLD
		       : one_in(2) ? flags() | SIGCHLD
				   : (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
				      CLONE_THREAD | CLONE_SYSVSEM);
	default: break;
	}
	if (kind >= FUZZ_PTR)
		return one_in(3) ? address() : words(16);
	return one_in(3) ? small() : flags();
}

static void prepare(void)
{
	struct epoll_event e = { EPOLLIN | EPOLLOUT | (one_in(2) ? EPOLLET : 0), { 0 } };
	int pair[2], epoll;
	sigset_t set;

	for (int i = 0; i < 6; i++) {
		switch (below(18)) {
		case 0: case 1: pipe2(pair, one_in(2) ? O_NONBLOCK : 0); break;
		case 2: socketpair(AF_UNIX, SOCK_STREAM | (one_in(2) ? SOCK_NONBLOCK : 0), 0, pair); break;
		case 3: socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair); break;
		case 4: socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair); break;
		case 5: socket(AF_UNIX, SOCK_STREAM, 0); break;
		case 6: eventfd(1, EFD_NONBLOCK); break;
		case 7: timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK); break;
		case 8: sigemptyset(&set); sigaddset(&set, SIGUSR2); signalfd(-1, &set, SFD_NONBLOCK); break;
		case 9: inotify_init1(IN_NONBLOCK); break;
		case 10: memfd_create("lives", MFD_ALLOW_SEALING); break;
		case 11: open("/tmp/lives/a", O_RDWR | O_CREAT, 0666); break;
		case 12: open("/data/a", O_RDWR | O_CREAT, 0666); break;
		case 13: open("/tmp/lives", O_RDONLY | O_DIRECTORY); break;
		case 14: open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK); break;
		case 15: syscall(SYS_pidfd_open, notes[below(AT_ONCE)].pid, 0); break;
		case 16: open("/tmp/lives/fifo", O_RDWR | O_NONBLOCK); break;
		default:
			epoll = epoll_create1(0);
			for (int fd = 3; fd < epoll && fd < 12; fd++)
				epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
		}
	}
}

static long call(long nr, const uint64_t *a)
{
	long ret;
	register uint64_t r10 __asm__("r10") = a[3];
	register uint64_t r8 __asm__("r8") = a[4];
	register uint64_t r9 __asm__("r9") = a[5];

	__asm__ __volatile__("syscall" : "=a"(ret) : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return ret;
}

static bool concerns_judge(long nr, const uint64_t *a)
{
	switch (nr) {
	case SYS_prlimit64:
	case SYS_sched_setscheduler:
	case SYS_sched_setparam:
	case SYS_sched_setattr:
	case SYS_sched_setaffinity: return (int)a[0] == 1;
	/* Also as a member of its group or user. */
	case SYS_setpriority: return a[0] != PRIO_PROCESS || (int)a[1] == 1;
	default: return false;
	}
}

/* Makes GS the program's own, asking or not (kernel/arch/x86_64/gs.h). */
static void take_gs(void)
{
	if (one_in(2))
		call(SYS_arch_prctl, (uint64_t[6]){ ARCH_SET_GS, (uint64_t)arena });
	else
		__asm__ __volatile__("wrgsbase %0" : : "r"(one_in(3) ? (void *)(uint64_t)next() : arena));
}

static void one_call(struct note *note)
{
	const struct fuzz_call *c = chosen[below(nr_chosen)];
	bool typed = !one_in(6);
	long nr = c->number;

	if (nr == SYS_exit || nr == SYS_exit_group || nr == SYS_rt_sigreturn || nr == SYS_vfork || nr == SYS_execve || nr == SYS_execveat)
		if (!one_in(8))
			return;
	if (one_in(2000))
		take_gs();
	for (int i = 0; i < 6; i++)
		note->args[i] = typed && i < c->nargs ? argument(c->args[i]) : one_in(2) ? address() : number();
	if (one_in(300))
		nr = (long)below(700);
	if (nr == SYS_reboot)
		note->args[0] = 0;
	/* Of pid 1, who is to judge in time: its limits (RLIMIT_CPU ends the container) and its place in the scheduler stay. */
	if (concerns_judge(nr, note->args))
		return;
	/* Not everybody at once: it would end most lives at the start. */
	if ((nr == SYS_kill && (int)note->args[0] <= 1) || nr == SYS_vhangup)
		return;
	note->nr = (int)nr;
	note->calls++;
	long ret = call(nr, note->args);
	if ((nr == SYS_vfork || nr == SYS_clone || nr == SYS_clone3) && ret == 0)
		call(one_in(2) ? SYS_exit : SYS_exit_group, (uint64_t[6]){ 0 });
	if (nr == SYS_fork && ret == 0) {
		for (int i = 0; i < 10; i++)
			one_call(note);
		_exit(0);
	}
}

static void *second(void *arg)
{
	for (int i = 0; i < CALLS / 3; i++)
		one_call(arg);
	return NULL;
}

static void life(uint64_t seed, struct note *note)
{
	pthread_t t;
	struct rlimit limit = { 1UL << 30, 1UL << 30 };

	state = seed * 0x9e3779b97f4a7c15ULL + 1;
	note->pid = getpid();
	setrlimit(RLIMIT_AS, &limit);
	limit = (struct rlimit){ 4 << 20, 4 << 20 };
	setrlimit(RLIMIT_FSIZE, &limit);
	setsid();
	int null = open("/dev/null", O_RDWR);
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	struct itimerval it = { { 0, 20000 }, { 0, 20000 } };
	signal(SIGALRM, handler);
	setitimer(ITIMER_REAL, &it, NULL);
	alarm(one_in(4) ? 1 : 0);
	prepare();
	if (one_in(2))
		pthread_create(&t, NULL, second, note);
	for (int i = 0; i < CALLS; i++)
		one_call(note);
	_exit(0);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static long count_file(const char *path, int field)
{
	char text[65536], *at = text;
	int file = open(path, O_RDONLY);
	long n = file < 0 ? -1 : read(file, text, sizeof(text) - 1), lines = 0;

	close(file);
	if (n < 0)
		return -1;
	text[n] = 0;
	if (!field) {
		for (; *at; at++)
			lines += *at == '\n';
		return lines;
	}
	return strtol(text, NULL, 10);
}

static void remove_ipc(void)
{
	for (int i = 0; i < 40000; i++) {
		int id;

		if ((id = shmctl(i, SHM_STAT, (struct shmid_ds *)arena)) >= 0)
			shmctl(id, IPC_RMID, NULL);
		if ((id = semctl(i, 0, SEM_STAT, arena)) >= 0)
			semctl(id, 0, IPC_RMID);
		if ((id = msgctl(i, MSG_STAT, (struct msqid_ds *)arena)) >= 0)
			msgctl(id, IPC_RMID, NULL);
	}
}

/* SIGKILL ends everything within a moment; what does not go is reported with what it did. */
static bool reap_all(pid_t *pids)
{
	time_t stop = time(NULL) + 20;
	int status;

	kill(-1, SIGKILL);
	for (;;) {
		pid_t gone = waitpid(-1, &status, WNOHANG | __WALL);

		if (gone < 0)
			return true;
		if (gone == 0) {
			usleep(2000);
			kill(-1, SIGKILL);
			if (time(NULL) > stop)
				break;
		}
	}
	for (int i = 0; i < AT_ONCE; i++)
		if (pids[i] > 0 && kill(pids[i], 0) == 0)
			printf("HANG: process %d in call %d (%lx %lx %lx %lx %lx %lx)\n", pids[i], notes[i].nr, notes[i].args[0], notes[i].args[1],
			       notes[i].args[2], notes[i].args[3], notes[i].args[4], notes[i].args[5]);
	return false;
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 10, status, failed = 0;
	uint64_t seed = argc > 2 ? strtoul(argv[2], NULL, 0) : (uint64_t)time(NULL), lives = 0, calls = 0;
	pid_t pids[AT_ONCE] = { 0 };
	uint64_t born[AT_ONCE];

	/* A life that executes this very program. */
	if (getpid() != 1)
		return 0;
	arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	notes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (size_t c = 0; c < NR_CALLS; c++) {
		bool take = argc <= 3;
		for (int i = 3; i < argc; i++)
			take |= !strcmp(argv[i], fuzz_calls[c].name);
		if (take)
			chosen[nr_chosen++] = &fuzz_calls[c];
	}
	mkdir("/tmp/lives", 0777);
	mkdir("/tmp/lives/d", 0777);
	mkdir("/tmp/lives/mnt", 0777);
	mkdir("/data/d", 0777);
	symlink("a", "/tmp/lives/link");
	symlink("loop", "/tmp/lives/loop");
	mkfifo("/tmp/lives/fifo", 0666);
	int unix_file = open("/proc/net/unix", O_RDONLY), files = open("/proc/sys/fs/file-nr", O_RDONLY);
	long files_before = count_file("/proc/sys/fs/file-nr", 1), sockets_before = count_file("/proc/net/unix", 0);
	printf("seed %lu, %zu calls\n", seed, nr_chosen);
	fflush(stdout);
	for (time_t stop = time(NULL) + seconds; time(NULL) < stop;) {
		for (int i = 0; i < AT_ONCE; i++) {
			if (pids[i] > 0) {
				pid_t gone = waitpid(pids[i], &status, WNOHANG | __WALL);
				if (gone == 0 && now_ms() - born[i] > 400)
					kill(pids[i], SIGKILL);
				if (gone == 0)
					continue;
			}
			calls += notes[i].calls;
			notes[i].calls = 0;
			lives++;
			born[i] = now_ms();
			pids[i] = fork();
			if (pids[i] == 0)
				life(seed * 1000003 + lives, &notes[i]);
		}
		while (waitpid(-1, &status, WNOHANG | __WALL) > 0)
			;
		usleep(500);
	}
	if (!reap_all(pids))
		failed = 1;
	remove_ipc();
	usleep(100000);
	/* Descriptors kept open, in case the lives unmounted /proc. */
	char text[4096];
	long n = pread(files, text, sizeof(text) - 1, 0);
	long files_after = n > 0 ? strtol(text, NULL, 10) : -1, sockets_after = 0;
	for (long at = 0; (n = pread(unix_file, text, sizeof(text), at)) > 0; at += n)
		for (long i = 0; i < n; i++)
			sockets_after += text[i] == '\n';
	printf("files %ld, then %ld; sockets %ld, then %ld\n", files_before, files_after, sockets_before, sockets_after);
	if (sockets_after > sockets_before) {
		printf("LEAK: sockets\n");
		failed = 1;
	}
	if (files_before >= 0 && files_after > files_before + 16) {
		printf("LEAK: files\n");
		failed = 1;
	}
	printf("%lu lives, %lu calls: %s\n", lives, calls, failed ? "NOT SANE" : "kernel sane");
	return failed;
}
