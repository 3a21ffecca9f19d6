// SPDX-License-Identifier: Apache-2.0
/* Signals: delivery, masks, queues, real-time, alternate stack, restart, faults. */
#include "test.h"

#include <setjmp.h>
#include <ucontext.h>
#include <sys/signalfd.h>

static volatile int count, last, last_code, last_value;
static int order[64];

static void handler(int sig, siginfo_t *info, void *context)
{
	if (count < 64)
		order[count] = sig;
	count++;
	last = sig;
	last_code = info->si_code;
	last_value = info->si_value.sival_int;
}

static void install(int sig, int flags)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags };

	sigemptyset(&action.sa_mask);
	sigaction(sig, &action, NULL);
}

static void masks(void)
{
	sigset_t set, old, pending;

	SECTION("masks");
	install(SIGUSR1, 0);
	install(SIGUSR2, 0);
	SHOW(raise(SIGUSR1));
	say("count %d last %d code %d", count, last, last_code);
	SHOW(kill(getpid(), SIGUSR1));
	say("count %d code %d", count, last_code);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	SHOW(sigprocmask(SIG_BLOCK, &set, &old));
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR2);
	say("count %d", count);
	SHOW(sigpending(&pending));
	SHOW(sigismember(&pending, SIGUSR1));
	SHOW(sigismember(&pending, SIGTERM));
	SHOW(sigprocmask(SIG_SETMASK, &old, NULL));
	say("count %d", count);
	SHOW(sigprocmask(99, &old, NULL));
	SHOW(sigaction(SIGKILL, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL));
	SHOW(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8));
	SHOW(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4));
	SHOW(kill(getpid(), 65));
	SHOW(kill(99999, SIGTERM));
	SHOW(kill(getpid(), 0));
	/* sigsuspend */
	sigprocmask(SIG_BLOCK, &set, &old);
	kill(getpid(), SIGUSR2);
	count = 0;
	SHOW(sigsuspend(&old));
	say("count %d last %d", count, last);
	sigprocmask(SIG_SETMASK, NULL, &set);
	SHOW(sigismember(&set, SIGUSR2));
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void realtime(void)
{
	sigset_t set, old;
	siginfo_t info;
	struct timespec zero = { 0, 0 }, some = { 0, 20000000 };

	SECTION("real-time");
	sigemptyset(&set);
	for (int i = 0; i < 4; i++) {
		install(SIGRTMIN + i, 0);
		sigaddset(&set, SIGRTMIN + i);
	}
	sigprocmask(SIG_BLOCK, &set, &old);
	count = 0;
	for (int i = 3; i >= 0; i--) {
		sigqueue(getpid(), SIGRTMIN + i, (union sigval){ .sival_int = 100 + i });
		sigqueue(getpid(), SIGRTMIN + i, (union sigval){ .sival_int = 200 + i });
	}
	SHOW(sigtimedwait(&set, &info, &zero) - SIGRTMIN);
	say("value %d code %d", info.si_value.sival_int, info.si_code);
	SHOW(sigwaitinfo(&set, &info) - SIGRTMIN);
	say("value %d", info.si_value.sival_int);
	sigprocmask(SIG_SETMASK, &old, NULL);
	say("count %d", count);
	for (int i = 0; i < count; i++)
		say("order %d: %d", i, order[i] - SIGRTMIN);
	SHOW(sigtimedwait(&set, &info, &some));
	struct timespec bad = { 0, 1000000000 };
	SHOW(sigtimedwait(&set, &info, &bad));
	/* queue limit */
	IN_CHILD({
		struct rlimit limit = { 5, 5 };
		setrlimit(RLIMIT_SIGPENDING, &limit);
		sigprocmask(SIG_BLOCK, &set, NULL);
		int n = 0;
		while (n < 100 && sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 }) == 0)
			n++;
		say("queued at most 5: %d, %s", n <= 5, error_name(errno));
	});
	/* signalfd */
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = SHOW(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
	struct signalfd_siginfo si[4];
	SHOW(read(fd, si, sizeof(si)));
	sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 7 });
	sigqueue(getpid(), SIGRTMIN + 2, (union sigval){ .sival_int = 8 });
	struct pollfd p = { fd, POLLIN, 0 };
	SHOW(poll(&p, 1, 0));
	SHOW(read(fd, si, 10));
	SHOW(read(fd, si, sizeof(si)) / (long)sizeof(si[0]));
	say("%d %d, %d %d", si[0].ssi_signo - SIGRTMIN, si[0].ssi_int, si[1].ssi_signo - SIGRTMIN, si[1].ssi_int);
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(fd);
}

static sigjmp_buf env;
static void *fault_address;
static int fault_code;
static void fault(int sig, siginfo_t *info, void *context)
{
	fault_address = info->si_addr;
	fault_code = info->si_code;
	siglongjmp(env, sig);
}

static void faults(void)
{
	struct sigaction action = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO };
	int sig;

	SECTION("faults");
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGFPE, &action, NULL);
	sigaction(SIGILL, &action, NULL);
	sigaction(SIGTRAP, &action, NULL);
	if (!(sig = sigsetjmp(env, 1)))
		*(volatile int *)16 = 1;
	say("%s code %d address %ld", sigabbrev_np(sig), fault_code, (long)fault_address);
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!(sig = sigsetjmp(env, 1)))
		page[5] = 1;
	say("%s code %d offset %ld", sigabbrev_np(sig), fault_code, (long)((char *)fault_address - page));
	if (!(sig = sigsetjmp(env, 1)))
		((void (*)(void))page)();
	say("%s code %d offset %ld", sigabbrev_np(sig), fault_code, (long)((char *)fault_address - page));
	volatile int zero = 0, one = 1;
	if (!(sig = sigsetjmp(env, 1)))
		zero = one / zero;
	say("%s code %d", sigabbrev_np(sig), fault_code);
	if (!(sig = sigsetjmp(env, 1)))
		__asm__ volatile("ud2");
	say("%s code %d", sigabbrev_np(sig), fault_code);
	if (!(sig = sigsetjmp(env, 1)))
		__asm__ volatile("int3");
	say("%s code %d", sigabbrev_np(sig), fault_code);
	int fd = open("/data/bus", O_RDWR | O_CREAT | O_TRUNC, 0600);
	ftruncate(fd, 4096);
	char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (!(sig = sigsetjmp(env, 1)))
		map[4096] = 1;
	say("%s code %d offset %ld", sigabbrev_np(sig), fault_code, (long)((char *)fault_address - map));
	unlink("/data/bus");
	if (!(sig = sigsetjmp(env, 1)))
		*(volatile char *)0x8000000000000000UL = 1;
	say("%s code %d", sigabbrev_np(sig), fault_code);
	signal(SIGSEGV, SIG_DFL);
	IN_CHILD(*(volatile int *)16 = 1);
	IN_CHILD({ signal(SIGSEGV, SIG_IGN); *(volatile int *)16 = 1; });
	IN_CHILD({
		sigset_t set;
		sigfillset(&set);
		sigprocmask(SIG_SETMASK, &set, NULL);
		*(volatile int *)16 = 1;
	});
	IN_CHILD(abort());
	signal(SIGFPE, SIG_DFL);
	IN_CHILD(zero = one / (zero & 0));
}

static char altstack[65536];
static int on_altstack;
static void altstack_handler(int sig)
{
	char here;
	stack_t now;
	on_altstack = &here >= altstack && &here < altstack + sizeof(altstack);
	sigaltstack(NULL, &now);
	last = now.ss_flags;
}

static int depth(int n)
{
	volatile char block[4096];
	block[0] = (char)n;
	return n > 1000000 ? block[0] : depth(n + 1) + block[0];
}

static void overflow_handler(int sig) { siglongjmp(env, 1); }

static void stacks(void)
{
	stack_t stack = { altstack, 0, sizeof(altstack) }, old;

	SECTION("alternate stack");
	SHOW(sigaltstack(&stack, &old));
	say("old flags %d", old.ss_flags);
	struct sigaction action = { .sa_handler = altstack_handler, .sa_flags = SA_ONSTACK };
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	say("on stack %d flags %d", on_altstack, last);
	action.sa_flags = 0;
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	say("on stack %d flags %d", on_altstack, last);
	SHOW(sigaltstack(&(stack_t){ altstack, 0, 100 }, NULL));
	SHOW(sigaltstack(&(stack_t){ altstack, 55, 65536 }, NULL));
	action.sa_handler = overflow_handler;
	action.sa_flags = SA_ONSTACK;
	sigaction(SIGSEGV, &action, NULL);
	if (!sigsetjmp(env, 1))
		depth(0);
	say("stack overflow caught");
	SHOW(sigaltstack(&(stack_t){ .ss_flags = SS_DISABLE }, NULL));
	signal(SIGSEGV, SIG_DFL);
}

static void empty(int sig) { count++; }

static void restart(void)
{
	int p[2];
	char buf[8];

	struct itimerval every = { { 0, 20000 }, { 0, 20000 } }, off = { { 0, 0 }, { 0, 0 } };
	volatile int *go = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	SECTION("restart");
	pipe(p);
	/* On a busy machine an alarm may come before the call that it is to interrupt: there is always another. */
	for (int flags = 0; flags <= 1; flags++) {
		struct sigaction action = { .sa_handler = empty, .sa_flags = flags ? SA_RESTART : 0 };
		sigaction(SIGALRM, &action, NULL);
		*go = count = 0;
		pid_t pid = fork();
		if (!pid) {
			/* Only when the read without SA_RESTART is over, and in the middle of the other. */
			while (!flags && !*go)
				sleep_ms(5);
			sleep_ms(60);
			write(p[1], "late", 4);
			_exit(0);
		}
		setitimer(ITIMER_REAL, &every, NULL);
		SHOW(read(p[0], buf, sizeof(buf)));
		say("flags %d", flags);
		CHECK(count >= 1);
		*go = 1;
		while (!flags && read(p[0], buf, sizeof(buf)) < 0)
			;
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		struct pollfd pfd = { p[0], POLLIN, 0 };
		SHOW(poll(&pfd, 1, 20000)); /* never restarted */
		struct timespec t = { 20, 0 }, left = { 0, 0 };
		SHOW(nanosleep(&t, &left));
		CHECK(left.tv_sec < 20 && (left.tv_sec > 0 || left.tv_nsec > 0));
		SHOW(pause());
		setitimer(ITIMER_REAL, &off, NULL);
	}
	/* stop and continue do not disturb a read, nor a sleep */
	pid_t pid = fork();
	if (!pid) {
		uint64_t start = now_ms();
		struct timespec t = { 0, 150000000 };
		SHOW(nanosleep(&t, NULL));
		CHECK(now_ms() - start >= 149);
		SHOW(read(p[0], buf, sizeof(buf)));
		_exit(0);
	}
	sleep_ms(40);
	kill(pid, SIGSTOP);
	sleep_ms(40);
	kill(pid, SIGCONT);
	sleep_ms(150);
	kill(pid, SIGSTOP);
	kill(pid, SIGCONT);
	sleep_ms(20);
	write(p[1], "abc", 3);
	int status;
	waitpid(pid, &status, 0);
	show_status("reader", status);
	signal(SIGPIPE, SIG_IGN);
	close(p[0]);
	SHOW(write(p[1], "x", 1));
	signal(SIGPIPE, SIG_DFL);
	IN_CHILD(write(p[1], "x", 1));
}

static void flags_of_actions(void)
{
	SECTION("action flags");
	count = 0;
	install(SIGUSR1, SA_RESETHAND);
	raise(SIGUSR1);
	struct sigaction now;
	sigaction(SIGUSR1, NULL, &now);
	CHECK(now.sa_handler == SIG_DFL);
	install(SIGCHLD, SA_NOCLDSTOP);
	count = 0;
	pid_t pid = fork();
	if (!pid) {
		raise(SIGSTOP);
		_exit(0);
	}
	int status;
	waitpid(pid, &status, WUNTRACED);
	say("count %d", count);
	kill(pid, SIGCONT);
	while (waitpid(pid, &status, 0) < 0)
		;
	say("count %d code %d", count, last_code);
	install(SIGCHLD, SA_NOCLDWAIT);
	if (!fork())
		_exit(0);
	SHOW(wait(NULL));
	signal(SIGCHLD, SIG_DFL);
	/* registers survive a handler */
	install(SIGUSR1, 0);
	double d = 1.25;
	unsigned long r;
	__asm__ volatile("movsd %1, %%xmm5\n movl $39, %%eax\n mov $0x1234567, %%r12\n syscall\n movsd %%xmm5, %1\n mov %%r12, %0"
			 : "=r"(r), "+m"(d) : : "rax", "rcx", "r11", "r12", "xmm5", "memory");
	say("%lx %g", r, d);
}

static volatile int ready;
static void *thread_waits(void *arg)
{
	sigset_t set;
	int sig;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	ready = 1;
	sigwait(&set, &sig);
	return (void *)(long)sig;
}

static void threads(void)
{
	pthread_t t;
	void *result;
	sigset_t set;

	SECTION("threads");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	pthread_create(&t, NULL, thread_waits, NULL);
	while (!ready)
		sched_yield();
	SHOW(pthread_kill(t, SIGUSR2));
	pthread_join(t, &result);
	say("thread got %ld", (long)result);
	pthread_create(&t, NULL, thread_waits, NULL);
	sleep_ms(20);
	SHOW(kill(getpid(), SIGUSR2));
	pthread_join(t, &result);
	say("thread got %ld", (long)result);
	SHOW(syscall(SYS_tgkill, getpid(), 99999, 0));
	SHOW(syscall(SYS_tgkill, -1, 1, 0));
	SHOW(syscall(SYS_tkill, 0, 0));
}

int main(void)
{
	masks();
	realtime();
	faults();
	stacks();
	restart();
	flags_of_actions();
	threads();
	return 0;
}
