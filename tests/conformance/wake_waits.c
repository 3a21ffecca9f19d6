// SPDX-License-Identifier: Apache-2.0
/*
 * A woken task that does not preempt who runs gets its share of the processor although nothing else happens: no timer, no other
 * wake-up, nobody who sleeps. The waker and a second task never leave user mode again.
 */
#include "test.h"

static struct shared {
	volatile int spinning, awake, stop;
} *shared;

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* The tests run with fewer cpus, too. */
static int last_cpu(void) { return sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 1 : 0; }

static void spin_until_stopped(void)
{
	shared->spinning++;
	while (!shared->stop)
		;
}

static pid_t child(void (*fn)(int), int arg)
{
	pid_t pid = fork();

	if (pid == 0) {
		fn(arg);
		_exit(0);
	}
	return pid;
}

static void hog(int cpu)
{
	pin(cpu);
	spin_until_stopped();
}

static void sleeper(int fd)
{
	struct sched_param param = { 0 };
	char c;

	/* Batch tasks never preempt. It has had its share already, so that its turn is not at once either. */
	sched_setscheduler(0, SCHED_BATCH, &param);
	pin(0);
	if (read(fd, &c, 1) == 1)
		shared->awake = 1;
}

static void waker(int fd)
{
	uint64_t until;

	pin(last_cpu());
	while (shared->spinning < 1)
		sched_yield();
	write(fd, "x", 1);
	/* clock_gettime is not a system call. */
	until = now_ms() + 10000;
	while (!shared->awake && now_ms() < until)
		;
	shared->stop = 1;
}

int main(void)
{
	for (int round = 0; round < 5; round++) {
		int p[2], status;

		pipe(p);
		shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		child(sleeper, p[0]);
		sleep_ms(20);
		child(hog, 0);
		child(waker, p[1]);
		close(p[0]);
		waitpid(-1, &status, 0);
		say("round %d: %s", round, shared->awake ? "the sleeper ran" : "the sleeper WAITED for ever");
		close(p[1]);
		while (waitpid(-1, &status, 0) > 0)
			;
		munmap(shared, 4096);
	}
	return 0;
}
