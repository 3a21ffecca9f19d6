// SPDX-License-Identifier: Apache-2.0
/*
 * What language runtimes ask of memory and signals: low addresses, large reservations, code that is written at one address and
 * run at another, guard pages, safepoints by protection, threads stopped by signals.
 */
#include "test.h"

#include <setjmp.h>
#include <ucontext.h>

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define MIB (1UL << 20)
#define GIB (1UL << 30)

static bool low(void *p, size_t length)
{
	return p != MAP_FAILED && (unsigned long)p >= 0x40000000UL && (unsigned long)p + length <= 0x80000000UL;
}

static void low_addresses(void)
{
	void *hint = (void *)0x50000000, *p, *q;

	SECTION("MAP_32BIT");
	p = mmap(NULL, MIB, PROT_READ | PROT_WRITE, ANON | MAP_32BIT, -1, 0);
	CHECK(low(p, MIB));
	memset(p, 1, MIB);
	CHECK(mmap(hint, MIB, PROT_READ | PROT_WRITE, ANON | MAP_32BIT | MAP_NORESERVE, -1, 0) == hint);
	q = mmap(hint, MIB, PROT_READ, ANON | MAP_32BIT, -1, 0);
	CHECK(low(q, MIB));
	CHECK(q != hint);
	munmap(q, MIB);
	/* Below the area that is searched, but free. */
	CHECK(mmap((void *)0x20000000, MIB, PROT_READ, ANON | MAP_32BIT, -1, 0) == (void *)0x20000000);
	q = mmap((void *)0x7fff0000, MIB, PROT_READ, ANON | MAP_32BIT, -1, 0);
	CHECK(low(q, MIB));
	munmap(q, MIB);
	q = mmap((void *)0x200000000, MIB, PROT_READ, ANON | MAP_32BIT, -1, 0);
	CHECK(low(q, MIB));
	munmap(q, MIB);
	SHOW(mmap(NULL, 2 * GIB, PROT_NONE, ANON | MAP_32BIT | MAP_NORESERVE, -1, 0));
	munmap(p, MIB);
	munmap(hint, MIB);
	munmap((void *)0x20000000, MIB);
	/* Everything there, in pieces. */
	int pieces = 0;
	while ((p = mmap(NULL, 64 * MIB, PROT_NONE, ANON | MAP_32BIT | MAP_NORESERVE, -1, 0)) != MAP_FAILED && low(p, 64 * MIB))
		pieces++;
	CHECK(pieces >= 12);
	CHECK(p == MAP_FAILED && errno == ENOMEM);
}

static void hints(void)
{
	char *area, *p;

	SECTION("hints");
	area = mmap(NULL, 64 * MIB, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
	munmap(area + 16 * MIB, 16 * MIB);
	CHECK(mmap(area + 16 * MIB, MIB, PROT_READ, ANON, -1, 0) == area + 16 * MIB);
	CHECK(mmap(area + 18 * MIB + 5, 4096, PROT_READ, ANON, -1, 0) == area + 18 * MIB + 4096 ||
	      mmap(area + 20 * MIB + 5, 4096, PROT_READ, ANON, -1, 0) == area + 20 * MIB);
	p = mmap(area + 31 * MIB, 2 * MIB, PROT_READ, ANON, -1, 0);
	CHECK(p != area + 31 * MIB && p != MAP_FAILED);
	munmap(p, 2 * MIB);
	/* The new address is only asked about with one of the flags that speak of it. */
	p = mremap(area + 16 * MIB, MIB, 3 * MIB, MREMAP_MAYMOVE, area + 22 * MIB);
	CHECK(p != MAP_FAILED);
	CHECK(p != area + 22 * MIB);
	munmap(p, 3 * MIB);
	munmap(area, 64 * MIB);
	for (int shift = 33; shift < 45; shift += 3) {
		p = mmap((void *)(1UL << shift), MIB, PROT_READ, ANON, -1, 0);
		CHECK(p == (void *)(1UL << shift));
		munmap(p, MIB);
	}
}

/* Reserve, commit a part, give it back, commit again. */
static void reservations(void)
{
	char *p = mmap(NULL, 256 * GIB, PROT_NONE, ANON | MAP_NORESERVE, -1, 0), *q;

	SECTION("reservations");
	CHECK(p != MAP_FAILED);
	for (unsigned long at = 0; at < 256 * GIB; at += 16 * GIB) {
		if (mprotect(p + at, MIB, PROT_READ | PROT_WRITE))
			say("mprotect fails at %lx: %s", at, error_name(errno));
		memset(p + at, 7, 8192);
	}
	OK(madvise(p, MIB, MADV_DONTNEED));
	CHECK(p[0] == 0 && p[16 * GIB] == 7);
	OK(madvise(p + 16 * GIB, MIB, MADV_FREE));
	OK(mprotect(p + 16 * GIB, MIB, PROT_NONE));
	CHECK(mmap(p + 16 * GIB, MIB, PROT_READ | PROT_WRITE, ANON | MAP_FIXED, -1, 0) == p + 16 * GIB);
	CHECK(p[16 * GIB] == 0);
	CHECK(mmap(p + 32 * GIB, GIB, PROT_NONE, ANON | MAP_FIXED | MAP_NORESERVE, -1, 0) == p + 32 * GIB);
	/* Trimmed to an alignment, as heaps are. */
	q = mmap(NULL, 8 * MIB, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
	char *aligned = (char *)(((unsigned long)q + 4 * MIB - 1) & ~(4 * MIB - 1));
	CHECK(aligned == q || munmap(q, aligned - q) == 0);
	CHECK(aligned == q + 4 * MIB || munmap(aligned + 4 * MIB, q + 4 * MIB - aligned) == 0);
	OK(mprotect(aligned, 4 * MIB, PROT_READ | PROT_WRITE));
	memset(aligned, 3, 4 * MIB);
	munmap(aligned, 4 * MIB);
	OK(munmap(p, 256 * GIB));
}

/* mov $n, %eax; mov $SYS_getppid, %eax; syscall; ret: the call site is in code that changes. */
static int put_code(char *at, int number)
{
	static const char code[] = "\xb8\0\0\0\0\x0f\x05\xc3";

	memcpy(at, code, sizeof(code) - 1);
	memcpy(at + 1, &number, sizeof(number));
	return sizeof(code) - 1;
}

static void two_mappings(void)
{
	int fd = memfd_create("code", 0);
	char *writable, *runs;
	long wrong = 0;

	SECTION("code written at one address, run at another");
	ftruncate(fd, 8 * MIB);
	writable = mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	runs = mmap(NULL, 8 * MIB, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	CHECK(writable != MAP_FAILED && runs != MAP_FAILED);
	close(fd);
	for (int round = 0; round < 50; round++) {
		bool parent = round & 1;
		put_code(writable + 4096, parent ? SYS_getppid : SYS_getpid);
		for (int call = 0; call < 10; call++)
			wrong += ((long (*)(void))(runs + 4096))() != (parent ? getppid() : getpid());
		wrong += memcmp(writable + 4096, runs + 4096, 16) != 0;
	}
	CHECK(wrong == 0);
	/* The same place, now something else than a call. */
	memcpy(writable + 4096, "\xb8\x2a\0\0\0\x90\x90\xc3", 8);
	CHECK(((long (*)(void))(runs + 4096))() == 42);
	char *both = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, ANON, -1, 0);
	for (int round = 0; round < 20; round++) {
		put_code(both, round & 1 ? SYS_getppid : SYS_getpid);
		wrong += ((long (*)(void))both)() != (round & 1 ? getppid() : getpid());
	}
	CHECK(wrong == 0);
	/* Written, then made executable, then written again. */
	for (int round = 0; round < 20; round++) {
		mprotect(both, 4096, PROT_READ | PROT_WRITE);
		put_code(both, round & 1 ? SYS_getppid : SYS_getpid);
		mprotect(both, 4096, PROT_READ | PROT_EXEC);
		for (int call = 0; call < 5; call++)
			wrong += ((long (*)(void))both)() != (round & 1 ? getppid() : getpid());
		wrong += both[5] != 0x0f || both[6] != 0x05;
	}
	CHECK(wrong == 0);
	munmap(writable, 8 * MIB);
	munmap(runs, 8 * MIB);
	munmap(both, 4096);
}

static char *poll_page;
static volatile int arrived, go_on, stopped_by_signal, seen_wrong;

static void fault(int number, siginfo_t *info, void *context)
{
	if ((char *)info->si_addr < poll_page || (char *)info->si_addr >= poll_page + 4096 || info->si_code != SEGV_ACCERR)
		seen_wrong = 1;
	__atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
	while (!go_on)
		sched_yield();
	__atomic_sub_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
}

static volatile int quit;

static void *polls(void *rounds)
{
	while (!quit) {
		*(volatile char *)poll_page;
		++*(long *)rounds;
	}
	return NULL;
}

/* All threads read a page; taking the right to read it stops them at their next read. */
static void safepoints(void)
{
	struct sigaction action = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_RESTART };
	pthread_t threads[4];
	long rounds[4] = { 0 }, before[4];
	int moved = 0;

	SECTION("safepoints");
	poll_page = mmap(NULL, 4096, PROT_READ, ANON, -1, 0);
	sigaction(SIGSEGV, &action, NULL);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, polls, &rounds[i]);
	for (int round = 0; round < 8; round++) {
		go_on = 0;
		mprotect(poll_page, 4096, PROT_NONE);
		while (arrived != 4)
			sched_yield();
		memcpy(before, rounds, sizeof(before));
		usleep(100);
		moved += memcmp(before, rounds, sizeof(before)) != 0;
		mprotect(poll_page, 4096, PROT_READ);
		go_on = 1;
		while (arrived)
			sched_yield();
	}
	quit = 1;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	CHECK(moved == 0);
	CHECK(!seen_wrong);
}

static void stop(int number, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	sigset_t all;

	if (!uc->uc_mcontext.gregs[REG_RIP] || info->si_code != SI_TKILL)
		seen_wrong = 1;
	__atomic_add_fetch(&stopped_by_signal, 1, __ATOMIC_SEQ_CST);
	sigfillset(&all);
	sigdelset(&all, SIGUSR2);
	sigsuspend(&all);
	__atomic_sub_fetch(&stopped_by_signal, 1, __ATOMIC_SEQ_CST);
}

static void nothing(int number) {}

static void *counts(void *count)
{
	stack_t stack = { .ss_sp = malloc(65536), .ss_size = 65536 };

	sigaltstack(&stack, NULL);
	while (!quit)
		++*(volatile long *)count;
	return NULL;
}

/* The world stopped by a signal to each thread, as collectors do that have no safepoints. */
static void stopped_threads(void)
{
	struct sigaction action = { .sa_sigaction = stop, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK };
	pthread_t threads[4];
	long count[4] = { 0 }, before[4];
	int moved = 0;

	SECTION("threads stopped by signals");
	sigfillset(&action.sa_mask);
	sigaction(SIGUSR1, &action, NULL);
	signal(SIGUSR2, nothing);
	quit = 0;
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, counts, &count[i]);
	for (int round = 0; round < 8; round++) {
		for (int i = 0; i < 4; i++)
			pthread_kill(threads[i], SIGUSR1);
		while (stopped_by_signal != 4)
			sched_yield();
		memcpy(before, count, sizeof(before));
		usleep(100);
		moved += memcmp(before, count, sizeof(before)) != 0;
		/* A SIGUSR2 before its sigsuspend stays pending: it is blocked in the handler. */
		for (int i = 0; i < 4; i++)
			pthread_kill(threads[i], SIGUSR2);
		while (stopped_by_signal)
			sched_yield();
	}
	quit = 1;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	CHECK(moved == 0);
	CHECK(!seen_wrong);
}

static sigjmp_buf back;
static char *guard;
static volatile int guard_hit;

static void overflow(int number, siginfo_t *info, void *context)
{
	guard_hit = (char *)info->si_addr >= guard && (char *)info->si_addr < guard + 4096;
	siglongjmp(back, 1);
}

static __attribute__((noinline)) int deeper(volatile char *above)
{
	volatile char here[512];

	here[0] = *above;
	if (here[0] == 'x')
		return 0;
	return deeper(here) + here[0];
}

static void *overflows(void *stack)
{
	stack_t other = { .ss_sp = malloc(65536), .ss_size = 65536 };
	volatile int caught = 0, right = 0;
	char c = 0;

	sigaltstack(&other, NULL);
	guard = (char *)stack + 16 * 4096;
	for (int round = 0; round < 3; round++) {
		mprotect(guard, 4096, PROT_NONE);
		if (sigsetjmp(back, 1) == 0)
			deeper(&c);
		caught++;
		right += guard_hit;
		mprotect(guard, 4096, PROT_READ | PROT_WRITE);
	}
	say("overflows caught: %d, at the guard page: %d", caught, right);
	return NULL;
}

/* A guard page of the program's own within a thread's stack, hit three times. */
static void guard_pages(void)
{
	struct sigaction action = { .sa_sigaction = overflow, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	char *stack = mmap(NULL, MIB, PROT_READ | PROT_WRITE, ANON | MAP_NORESERVE | MAP_STACK, -1, 0);
	pthread_attr_t attributes;
	pthread_t thread;

	SECTION("guard pages");
	sigaction(SIGSEGV, &action, NULL);
	pthread_attr_init(&attributes);
	pthread_attr_setstack(&attributes, stack, MIB);
	pthread_create(&thread, &attributes, overflows, stack);
	pthread_join(thread, NULL);
	munmap(stack, MIB);
}

int main(void)
{
	low_addresses();
	hints();
	reservations();
	two_mappings();
	safepoints();
	stopped_threads();
	guard_pages();
	return 0;
}
