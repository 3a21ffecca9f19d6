// SPDX-License-Identifier: Apache-2.0
/* What handlers see and may change: registers, vector state, masks, alternate stacks; restart; choice of thread. */
#include "test.h"

#include <setjmp.h>
#include <ucontext.h>

static volatile sig_atomic_t seen;
static volatile uint64_t value;

static void install(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags };

	sigemptyset(&action.sa_mask);
	sigaction(sig, &action, NULL);
}

static void clobber(int sig, siginfo_t *info, void *context)
{
	double x[8];

	for (int i = 0; i < 8; i++)
		x[i] = i * 1.5;
	__asm__ volatile("movups %0, %%xmm5; movups %0, %%xmm15; cld" : : "m"(x) : "memory");
	seen++;
}

static void vectors(void)
{
	uint64_t in[2] = { 0x1122334455667788, 0x99aabbccddeeff00 }, out[2] = { 0, 0 };
	pid_t pid = getpid();
	long nr = SYS_kill, ret;

	SECTION("vector registers survive a handler");
	install(SIGUSR1, clobber, 0);
	__asm__ volatile("movups %3, %%xmm5; movups %3, %%xmm15; syscall; movups %%xmm5, %1"
			 : "=a"(ret), "=m"(out)
			 : "a"(nr), "m"(in), "D"((long)pid), "S"((long)SIGUSR1)
			 : "rcx", "r11", "memory", "xmm5", "xmm15");
	CHECK(ret == 0 && out[0] == in[0] && out[1] == in[1]);
	SHOW(seen);
	uint32_t mxcsr = 0x5f80, after = 0;
	__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
	kill(pid, SIGUSR1);
	__asm__ volatile("stmxcsr %0" : "=m"(after));
	CHECK((after & 0xffc0) == mxcsr);
	mxcsr = 0x1f80;
	__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
}

static void look(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	value = uc->uc_mcontext.gregs[REG_R12];
	uc->uc_mcontext.gregs[REG_R12] = 0x5151;
	uc->uc_mcontext.gregs[REG_R13]++;
	uc->uc_mcontext.fpregs->_xmm[3].element[0] = 0xabcd;
	uc->uc_mcontext.gregs[REG_EFL] |= 0x1; /* carry */
	seen++;
}

static void registers(void)
{
	uint64_t r12 = 77, r13 = 99, flags, xmm;
	long ret;

	SECTION("registers in the context");
	install(SIGUSR1, look, 0);
	__asm__ volatile("mov %[a], %%r12; mov %[b], %%r13; clc; syscall; mov %%r12, %[a]; mov %%r13, %[b]; pushfq; pop %[f]; movq %%xmm3, %[x]"
			 : "=a"(ret), [a] "+r"(r12), [b] "+r"(r13), [f] "=&r"(flags), [x] "=&r"(xmm)
			 : "a"((long)SYS_kill), "D"((long)getpid()), "S"((long)SIGUSR1)
			 : "rcx", "r11", "memory", "r12", "r13", "xmm3");
	CHECK(ret == 0);
	say("saw %ld, now %lx %ld carry %d xmm %lx", (long)value, (long)r12, (long)r13, (int)(flags & 1), (long)xmm & 0xffffffff);
}

static void layout(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	uint32_t *software = (uint32_t *)((char *)uc->uc_mcontext.fpregs + 464);
	uint64_t sp = (uint64_t)__builtin_frame_address(0);

	CHECK((uint64_t)uc->uc_mcontext.fpregs % 64 == 0);
	CHECK(sp % 16 == 0);
	CHECK(software[0] == 0x46505853);
	CHECK(*(uint32_t *)((char *)uc->uc_mcontext.fpregs + software[4]) == 0x46505845);
	CHECK(software[1] == software[4] + 4);
	say("uc_flags %lx cs %llx ss %llx", uc->uc_flags, uc->uc_mcontext.gregs[REG_CSGSFS] & 0xffff,
	    (unsigned long long)uc->uc_mcontext.gregs[REG_CSGSFS] >> 48);
	say("mask has USR2: %d", sigismember(&uc->uc_sigmask, SIGUSR2));
	sigdelset(&uc->uc_sigmask, SIGUSR2);
	sigaddset(&uc->uc_sigmask, SIGWINCH);
}

static void frame(void)
{
	sigset_t set;

	SECTION("the frame");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	install(SIGUSR1, layout, 0);
	raise(SIGUSR1);
	sigprocmask(SIG_SETMASK, NULL, &set);
	say("USR2 %d WINCH %d", sigismember(&set, SIGUSR2), sigismember(&set, SIGWINCH));
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

static sigjmp_buf env;
static void fault(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	say("%s code %d trap %lld error %llx cr2 %llx address %lx", sigabbrev_np(sig), info->si_code, uc->uc_mcontext.gregs[REG_TRAPNO],
	    uc->uc_mcontext.gregs[REG_ERR], uc->uc_mcontext.gregs[REG_CR2], sig == SIGSEGV ? (long)info->si_addr : 0);
	siglongjmp(env, 1);
}

static void skip_fault(int sig, siginfo_t *info, void *context)
{
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
	seen++;
}

static void faults(void)
{
	char *page;

	SECTION("faults");
	install(SIGSEGV, fault, 0);
	install(SIGILL, fault, 0);
	install(SIGFPE, fault, 0);
	if (!sigsetjmp(env, 1))
		*(volatile int *)0x10 = 1;
	if (!sigsetjmp(env, 1))
		(void)*(volatile int *)0x20;
	page = mmap((void *)0x10000000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (!sigsetjmp(env, 1))
		*(volatile char *)page = 1;
	if (!sigsetjmp(env, 1))
		((void (*)(void))page)();
	if (!sigsetjmp(env, 1))
		*(volatile int *)0x8000000000000000 = 1;
	if (!sigsetjmp(env, 1))
		__asm__ volatile("ud2");
	if (!sigsetjmp(env, 1))
		__asm__ volatile("xor %%edx,%%edx; mov $1,%%eax; xor %%ecx,%%ecx; div %%ecx" : : : "eax", "ecx", "edx");
	if (!sigsetjmp(env, 1))
		__asm__ volatile("hlt");
	seen = 0;
	install(SIGILL, skip_fault, 0);
	__asm__ volatile("ud2");
	SHOW(seen);
	SECTION("a blocked or ignored fault kills");
	IN_CHILD({ signal(SIGSEGV, SIG_IGN); *(volatile int *)0x10 = 1; });
	IN_CHILD({ sigset_t s; sigfillset(&s); sigprocmask(SIG_SETMASK, &s, NULL); *(volatile int *)0x10 = 1; });
	IN_CHILD({ signal(SIGILL, SIG_DFL); __asm__ volatile("ud2"); });
	IN_CHILD({ signal(SIGSEGV, SIG_DFL); __asm__ volatile("xor %%esp,%%esp; push %%rax" : : : "memory"); });
	SECTION("no stack for the handler");
	IN_CHILD({
		install(SIGUSR1, clobber, 0);
		__asm__ volatile("mov $0x30, %%rsp; syscall; ud2"
				 :
				 : "a"((long)SYS_kill), "D"((long)getpid()), "S"((long)SIGUSR1));
	});
	IN_CHILD({ __asm__ volatile("mov $0x30, %%rsp; syscall" : : "a"((long)SYS_rt_sigreturn)); });
}

static void bad_return(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	switch (info->si_value.sival_int) {
	case 0:
		uc->uc_mcontext.fpregs->mxcsr |= 0xffff0000;
		break;
	case 1:
		*(uint64_t *)((char *)uc->uc_mcontext.fpregs + 512) = ~0ULL;
		break;
	case 2:
		*(uint64_t *)((char *)uc->uc_mcontext.fpregs + 528) = 1;
		break;
	case 3:
		uc->uc_mcontext.fpregs = (void *)8;
		break;
	case 4:
		uc->uc_mcontext.fpregs = NULL;
		break;
	case 5:
		uc->uc_mcontext.gregs[REG_RIP] = 0x8000000000000000;
		break;
	case 6:
		uc->uc_mcontext.gregs[REG_EFL] = ~0x40100LL;
		break;
	case 7:
		*(uint32_t *)((char *)uc->uc_mcontext.fpregs + 464) = 0;
		break;
	}
}

static void bad_frames(void)
{
	SECTION("a handler spoils its frame");
	for (int i = 0; i < 8; i++)
		IN_CHILD({
			signal(SIGSEGV, SIG_DFL);
			install(SIGUSR1, bad_return, 0);
			sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = i});
			say("case %d survived", i);
		});
}

static char stack_memory[65536] __attribute__((aligned(16)));
static void on_stack(int sig, siginfo_t *info, void *context)
{
	char *here = __builtin_frame_address(0);
	stack_t now, other = { .ss_sp = stack_memory, .ss_size = 16384 };

	sigaltstack(NULL, &now);
	say("on alternate %d, flags %x", here >= stack_memory && here < stack_memory + sizeof(stack_memory), now.ss_flags);
	SHOW(sigaltstack(&other, NULL));
}

static void alternate(void)
{
	stack_t stack = { .ss_sp = stack_memory, .ss_size = sizeof(stack_memory) }, now;

	SECTION("alternate stacks");
	SHOW(sigaltstack(NULL, &now));
	say("flags %x", now.ss_flags);
	stack.ss_size = 1000;
	SHOW(sigaltstack(&stack, NULL));
	stack.ss_size = sizeof(stack_memory);
	stack.ss_flags = 16;
	SHOW(sigaltstack(&stack, NULL));
	stack.ss_flags = 0;
	SHOW(sigaltstack(&stack, NULL));
	install(SIGUSR1, on_stack, SA_ONSTACK);
	raise(SIGUSR1);
	install(SIGUSR1, on_stack, 0);
	raise(SIGUSR1);
	SECTION("SS_AUTODISARM");
	stack.ss_flags = 1U << 31;
	stack.ss_size = sizeof(stack_memory);
	SHOW(sigaltstack(&stack, NULL));
	install(SIGUSR1, on_stack, SA_ONSTACK);
	raise(SIGUSR1);
	sigaltstack(NULL, &now);
	say("flags %x size %zu", now.ss_flags, now.ss_size);
	stack.ss_flags = SS_DISABLE;
	SHOW(sigaltstack(&stack, NULL));
	SECTION("overflow on the alternate stack");
	IN_CHILD({
		stack_t s = { .ss_sp = stack_memory, .ss_size = 8192 };
		void deep(int n) { volatile char c[4096]; c[0] = n; if (n < 100000) deep(n + 1); c[1] = n; }
		sigaltstack(&s, NULL);
		install(SIGSEGV, fault, SA_ONSTACK);
		signal(SIGSEGV, SIG_DFL);
		deep(0);
	});
}

static void nothing(int sig, siginfo_t *info, void *context) { seen++; }

static void restarts(void)
{
	struct timespec t = { 0, 200000000 }, left = { 0, 0 };
	struct itimerval timer = { { 0, 0 }, { 0, 50000 } };
	int fds[2], status;
	char c;
	pid_t pid;

	SECTION("restart");
	pipe(fds);
	seen = 0;
	install(SIGALRM, nothing, 0);
	setitimer(ITIMER_REAL, &timer, NULL);
	SHOW(read(fds[0], &c, 1));
	install(SIGALRM, nothing, SA_RESTART);
	pid = fork();
	if (pid == 0) {
		sleep_ms(150);
		write(fds[1], "x", 1);
		_exit(0);
	}
	setitimer(ITIMER_REAL, &timer, NULL);
	SHOW(read(fds[0], &c, 1));
	waitpid(pid, NULL, 0);
	say("handled %d", (int)seen);
	setitimer(ITIMER_REAL, &timer, NULL);
	SHOW(nanosleep(&t, &left));
	CHECK(left.tv_nsec > 50000000 && left.tv_nsec < 190000000);
	setitimer(ITIMER_REAL, &timer, NULL);
	SHOW(poll(NULL, 0, 150));
	setitimer(ITIMER_REAL, &timer, NULL);
	SHOW(pause());
	SECTION("a stop does not interrupt");
	pid = fork();
	if (pid == 0) {
		uint64_t start = now_ms();

		t = (struct timespec){ 0, 400000000 };
		int r = nanosleep(&t, NULL), e = errno;
		say("nanosleep %d %d, long enough %d", r, r ? e : 0, now_ms() - start >= 390);
		_exit(0);
	}
	sleep_ms(50);
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGCONT);
	waitpid(pid, &status, 0);
	show_status("sleeper", status);
	pid = fork();
	if (pid == 0) {
		struct pollfd p = { fds[0], POLLIN, 0 };

		SHOW(poll(&p, 1, 3000));
		SHOW(read(fds[0], &c, 1));
		_exit(0);
	}
	for (int i = 0; i < 2; i++) {
		sleep_ms(50);
		kill(pid, SIGSTOP);
		waitpid(pid, &status, WUNTRACED);
		kill(pid, SIGCONT);
	}
	write(fds[1], "y", 1);
	waitpid(pid, &status, 0);
	show_status("poller", status);
}

static volatile pthread_t handled_by;
static void who(int sig, siginfo_t *info, void *context) { handled_by = pthread_self(); seen++; }
static volatile int ready;

static void *blocker(void *arg)
{
	ready = 1;
	while (!seen)
		sleep_ms(5);
	return NULL;
}

static void *waiter(void *arg)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	ready = 1;
	sigwait(&set, &sig);
	return (void *)(long)sig;
}

static void threads(void)
{
	pthread_t thread;
	sigset_t set, old;
	void *result;

	SECTION("a thread that does not block it takes the signal");
	install(SIGUSR1, who, 0);
	seen = ready = 0;
	pthread_create(&thread, NULL, blocker, NULL);
	while (!ready)
		sleep_ms(1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	kill(getpid(), SIGUSR1);
	pthread_join(thread, NULL);
	CHECK(pthread_equal(handled_by, thread));
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	SECTION("pthread_kill");
	seen = ready = 0;
	pthread_create(&thread, NULL, blocker, NULL);
	while (!ready)
		sleep_ms(1);
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
	CHECK(pthread_equal(handled_by, thread));
	SECTION("sigwait in another thread");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	ready = 0;
	pthread_create(&thread, NULL, waiter, NULL);
	while (!ready)
		sleep_ms(1);
	sleep_ms(20);
	kill(getpid(), SIGUSR2);
	pthread_join(thread, &result);
	say("took %ld", (long)result);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

int main(void)
{
	vectors();
	registers();
	frame();
	faults();
	bad_frames();
	alternate();
	restarts();
	threads();
	return 0;
}
