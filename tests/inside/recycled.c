/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host process that a program has ended in is used again for the next one: this finds nothing of it, neither memory nor
 * registers, however the first one ended.
 */
#include "../conformance/test.h"

#include <asm/prctl.h>

#define ROUNDS 24
#define PLACES 4

static const uintptr_t places[PLACES] = { 0x10000000, 0x7ee00000, 0x600000000000, 0x700000000000 };
static const size_t size = 1 << 20;
/* A number of host processes: more are not kept. */
#define AT_ONCE 6

static bool readable(uintptr_t at)
{
	int ends[2];
	bool result = pipe(ends) == 0 && write(ends[1], (void *)at, 1) == 1;

	close(ends[0]);
	close(ends[1]);
	return result;
}

/* Exit status of a program that found something. */
static int look(void)
{
	unsigned mxcsr;
	unsigned short control;
	unsigned long gs = 1;
	sigset_t blocked;
	stack_t stack;

	__asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(control));
	if (mxcsr != 0x1f80 || control != 0x37f)
		return 2;
	if (syscall(SYS_arch_prctl, ARCH_GET_GS, &gs) || gs)
		return 3;
	for (int i = 0; i < PLACES; i++)
		if (readable(places[i]) || readable(places[i] + size - 1))
			return 4 + i;
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	sigaltstack(NULL, &stack);
	if (sigismember(&blocked, SIGUSR1) || stack.ss_flags != SS_DISABLE)
		return 10;
	return 0;
}

static void leave_traces(char *how)
{
	unsigned mxcsr = 0x7f80;
	unsigned short control = 0x27f;
	sigset_t set;

	for (int i = 0; i < PLACES; i++) {
		char *p = mmap((void *)places[i], size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		if (p != (void *)places[i])
			exit(20 + i);
		memset(p, 's', size);
	}
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, places[0]))
		exit(30);
	__asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(mxcsr), "m"(control));
	if (*how == 'k')
		kill(getpid(), SIGKILL);
	if (*how == 's')
		*(volatile int *)8 = 1;
	_exit(0);
}

static pid_t start(const char *what)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execl("/proc/self/exe", "recycled", what, (char *)NULL);
		_exit(127);
	}
	return pid;
}

int main(int argc, char **argv)
{
	static const char *const ways[] = { "exit", "kill", "segv" };
	int status;

	if (argc > 1 && strcmp(argv[1], "look") == 0)
		return look();
	if (argc > 1)
		leave_traces(argv[1]);
	for (int round = 0; round < ROUNDS; round++) {
		pid_t pids[AT_ONCE];
		const char *way = ways[round % 3];

		for (int i = 0; i < 1 + round % AT_ONCE; i++)
			pids[i] = start(way);
		for (int i = 0; i < 1 + round % AT_ONCE; i++) {
			waitpid(pids[i], &status, 0);
			if (WIFEXITED(status) && WEXITSTATUS(status)) {
				printf("round %d: could not leave traces: %d\n", round, WEXITSTATUS(status));
				return 1;
			}
		}
		for (int i = 0; i < 1 + round % AT_ONCE; i++) {
			waitpid(start("look"), &status, 0);
			if (status) {
				printf("round %d: something is left, status %x\n", round, status);
				return 1;
			}
		}
	}
	return 0;
}
