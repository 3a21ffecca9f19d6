/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that set GS themselves: arch_prctl(2), the wrgsbase instruction; calls, signals, threads, fork and exec meanwhile. */
#include "test.h"

#include <asm/prctl.h>
#include <sys/auxv.h>
#include <ucontext.h>

struct block {
	uint64_t words[64];
};
static struct block blocks[16];

static long set_gs(const void *base) { return syscall(SYS_arch_prctl, ARCH_SET_GS, base); }

static uint64_t get_gs(void)
{
	uint64_t base = 1;

	syscall(SYS_arch_prctl, ARCH_GET_GS, &base);
	return base;
}

static uint64_t gs_word(void)
{
	uint64_t value;

	__asm__ __volatile__("mov %%gs:8, %0" : "=r"(value));
	return value;
}

static void write_gs(const void *base) { __asm__ __volatile__("wrgsbase %0" : : "r"(base)); }

static const char *whose(uint64_t base)
{
	static char text[32];

	if (base == 0)
		return "zero";
	if (base < (uint64_t)blocks || base >= (uint64_t)(blocks + 16))
		return "nobody's";
	snprintf(text, sizeof(text), "block %lu", (base - (uint64_t)blocks) / sizeof(struct block));
	return text;
}

/* Calls of every form that the C library has, often enough to be patched if that is done. */
static long make_calls(void)
{
	int ends[2], bad = 0;
	char byte = 'x';
	struct timespec now;

	for (int i = 0; i < 200; i++) {
		bad += getppid() < 0;
		bad += syscall(SYS_gettid) <= 0;
		bad += pipe(ends) != 0;
		bad += write(ends[1], &byte, 1) != 1;
		bad += read(ends[0], &byte, 1) != 1;
		bad += close(ends[0]) || close(ends[1]);
		bad += clock_gettime(CLOCK_MONOTONIC, &now) != 0;
		bad += sched_getcpu() < 0;
		bad += lseek(-1, 0, SEEK_SET) != -1 || errno != EBADF;
	}
	return bad;
}

/* ---- signals ---- */

static uint64_t seen_in_handler;
static volatile int handled;

static void look(int sig)
{
	seen_in_handler = gs_word();
	handled++;
}

static void change(int sig)
{
	set_gs(&blocks[3]);
	handled++;
}

static void skip(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	seen_in_handler = gs_word();
	handled++;
	uc->uc_mcontext.gregs[REG_RIP] += 2; /* mov (%rax),%eax */
}

static void on(int sig, void *handler, int flags)
{
	struct sigaction action = { .sa_flags = flags };

	action.sa_sigaction = handler;
	sigaction(sig, &action, NULL);
}

static void signals(void)
{
	char *stack = malloc(65536);
	stack_t alternate = { .ss_sp = stack, .ss_size = 65536 };

	SECTION("signals");
	set_gs(&blocks[2]);
	on(SIGUSR1, look, 0);
	SHOW(raise(SIGUSR1));
	say("handler saw %lu", seen_in_handler);
	SHOW(sigaltstack(&alternate, NULL));
	on(SIGUSR1, look, SA_ONSTACK);
	SHOW(raise(SIGUSR1));
	say("on its own stack %lu, afterwards %lu", seen_in_handler, gs_word());
	on(SIGSEGV, skip, SA_SIGINFO);
	__asm__ __volatile__("xor %%eax, %%eax; .byte 0x8b, 0x00" ::: "rax", "memory");
	say("after a fault: handler saw %lu, now %lu", seen_in_handler, gs_word());
	on(SIGUSR1, change, 0);
	SHOW(raise(SIGUSR1));
	say("a handler's change stays: %s, %lu", whose(get_gs()), gs_word());
}

/* ---- threads that are interrupted all the time ---- */

static volatile int stop;
static int wrong[16];

static void *work(void *argument)
{
	long number = (long)argument;
	struct block *mine = &blocks[number];

	if (number % 2)
		set_gs(mine);
	else
		write_gs(mine);
	while (!stop) {
		for (int i = 0; i < 1000; i++)
			wrong[number] += gs_word() != (uint64_t)number;
		wrong[number] += syscall(SYS_gettid) <= 0;
		sched_yield();
		wrong[number] += gs_word() != (uint64_t)number || get_gs() != (uint64_t)mine;
		wrong[number] += make_calls() != 0;
	}
	return NULL;
}

static volatile sig_atomic_t alarms;
static void alarmed(int sig) { alarms++; }

static void threads(void)
{
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { 0 };
	pthread_t ids[9];
	int bad = 0;

	SECTION("threads");
	on(SIGALRM, alarmed, SA_RESTART);
	setitimer(ITIMER_REAL, &often, NULL);
	for (long i = 5; i < 9; i++)
		pthread_create(&ids[i], NULL, work, (void *)i);
	while (alarms < 200)
		pause();
	stop = 1;
	for (int i = 5; i < 9; i++)
		pthread_join(ids[i], NULL);
	setitimer(ITIMER_REAL, &never, NULL);
	for (int i = 0; i < 16; i++)
		bad += wrong[i];
	say("wrong: %d, mine still %lu", bad, gs_word());
}

static void *inherits(void *argument)
{
	*(uint64_t *)argument = get_gs();
	return NULL;
}

static void families(void)
{
	pthread_t thread;
	uint64_t seen;
	int status;
	pid_t child;

	SECTION("fork, vfork, clone, exec");
	set_gs(&blocks[4]);
	pthread_create(&thread, NULL, inherits, &seen);
	pthread_join(thread, NULL);
	say("a thread begins with %s", whose(seen));
	child = fork();
	if (child == 0) {
		say("a child begins with %s, %lu", whose(get_gs()), gs_word());
		SHOW(make_calls());
		set_gs(&blocks[1]);
		_exit(gs_word());
	}
	waitpid(child, &status, 0);
	say("child's status %x, mine %lu", status, gs_word());
	child = vfork();
	if (child == 0) {
		write_gs(&blocks[1]);
		_exit(gs_word());
	}
	waitpid(child, &status, 0);
	say("vfork child's status %x, mine %lu", status, gs_word());
	child = fork();
	if (child == 0) {
		execl("/proc/self/exe", "arch_gs", "again", NULL);
		_exit(100);
	}
	waitpid(child, &status, 0);
	say("program's status %x, mine %lu", status, gs_word());
}

/* ---- in children, each for the first time in its address space ---- */

static void in_child(const char *name, void (*run)(void))
{
	pid_t child;
	int status;

	SECTION(name);
	child = fork();
	if (child == 0) {
		run();
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, &status, 0);
	say("status %x", status);
}

static void only_by_instruction(void)
{
	write_gs(&blocks[7]);
	for (int i = 0; i < 3000000; i++) /* no call: until somebody interrupts */
		if (gs_word() != 7)
			_exit(1);
	getppid();
	say("own instruction: %s, %lu, wrong %ld", whose(get_gs()), gs_word(), make_calls());
	say("neighbours: %lu %lu", blocks[7].words[0], blocks[7].words[2]);
}

static void by_instruction_after_calls(void)
{
	make_calls();
	write_gs(&blocks[6]);
	say("own instruction: wrong %ld, %s, %lu", make_calls(), whose(get_gs()), gs_word());
	say("neighbours: %lu %lu", blocks[6].words[0], blocks[6].words[2]);
}

static void changes_with_every_call(void)
{
	int bad = 0;

	make_calls();
	for (int i = 0; i < 20000; i++) {
		write_gs(&blocks[i % 8]);
		bad += getppid() < 0 || gs_word() != (uint64_t)i % 8;
	}
	say("wrong %d", bad);
}

static void null_by_instruction(void)
{
	make_calls();
	write_gs(NULL);
	say("calls with GS at zero, wrong %ld", make_calls());
	write_gs((void *)0x7000000);
	getppid();
	say("calls with GS at nothing, wrong %ld, %lx", make_calls(), get_gs());
}

static void *spin_and_call(void *argument)
{
	while (!stop)
		*(int *)argument += make_calls() != 0;
	return NULL;
}

static void beside_others(void)
{
	pthread_t ids[3];
	int bad[3] = { 0 };

	make_calls();
	for (int i = 0; i < 3; i++)
		pthread_create(&ids[i], NULL, spin_and_call, &bad[i]);
	usleep(20000);
	SHOW(set_gs(&blocks[9]));
	say("%lu, wrong %ld", gs_word(), make_calls());
	usleep(20000);
	stop = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(ids[i], NULL);
	say("others' wrong: %d", bad[0] + bad[1] + bad[2]);
}

static void *set_once(void *argument)
{
	struct block *mine = argument;

	make_calls();
	set_gs(mine);
	return (void *)(gs_word() == mine->words[1] && make_calls() == 0);
}

static void all_at_once(void)
{
	pthread_t ids[6];
	int good = 0;

	for (int i = 0; i < 6; i++)
		pthread_create(&ids[i], NULL, set_once, &blocks[i + 5]);
	for (int i = 0; i < 6; i++) {
		void *result;

		pthread_join(ids[i], &result);
		good += result != NULL;
	}
	say("good: %d", good);
}

static int gate[2];
static void *sleeper(void *argument)
{
	char byte;

	*(long *)argument = read(gate[0], &byte, 1);
	return NULL;
}

static void beside_a_sleeper(void)
{
	pthread_t thread;
	long result = 0;

	SHOW(pipe(gate));
	pthread_create(&thread, NULL, sleeper, &result);
	usleep(20000);
	SHOW(set_gs(&blocks[9]));
	usleep(20000);
	SHOW(write(gate[1], "x", 1));
	pthread_join(thread, NULL);
	say("read by the sleeper: %ld, %lu", result, gs_word());
}

int main(int argc, char **argv)
{
	for (int i = 0; i < 16; i++)
		blocks[i].words[1] = i;
	if (argc > 1) {
		say("a new program begins with %s, wrong %ld", whose(get_gs()), make_calls());
		return 3;
	}
	in_child("by instruction", only_by_instruction);
	in_child("by instruction, after calls", by_instruction_after_calls);
	in_child("by instruction, every time", changes_with_every_call);
	in_child("to nowhere", null_by_instruction);
	in_child("beside threads that call", beside_others);
	in_child("six threads at once", all_at_once);
	in_child("beside a thread that sleeps", beside_a_sleeper);

	SECTION("arch_prctl");
	make_calls();
	say("at first %s", whose(get_gs()));
	SHOW(set_gs(0));
	SHOW(set_gs(&blocks[1]));
	say("%s, %lu", whose(get_gs()), gs_word());
	SHOW(make_calls());
	say("after calls %s, %lu", whose(get_gs()), gs_word());
	SHOW(set_gs((void *)0x800000000000UL));
	SHOW(set_gs((void *)0x8000000000000000UL));
	SHOW(syscall(SYS_arch_prctl, ARCH_GET_GS, 1));
	say("still %s", whose(get_gs()));
	write_gs(&blocks[2]);
	say("by instruction %lu, %s", gs_word(), whose(get_gs()));
	signals();
	threads();
	families();
	SECTION("back to zero");
	SHOW(set_gs(0));
	say("%s, wrong %ld", whose(get_gs()), make_calls());
	return 0;
}
