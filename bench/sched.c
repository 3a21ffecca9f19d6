// SPDX-License-Identifier: Apache-2.0
/*
 * How well the cpus are shared: `sched ROW` prints one number, whose meaning stands with the row in bench/run.py. Everything is
 * measured from within, by the clocks of the kernel that it runs on.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000ULL
#define SECONDS 10
#define MOST 64

static pid_t children[MOST];
static int nr_children;
static uint64_t *used; /* by each child, shared */

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void sleep_until(uint64_t when)
{
	struct timespec t = { (time_t)(when / 1000000000), (long)(when % 1000000000) };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* A child that computes until it is killed; its CPU time between `start` and `end` is in used[]. */
static void spinner(uint64_t start, uint64_t end, int nice, int fifo)
{
	int number = nr_children++;
	struct sched_param param = { .sched_priority = fifo };
	uint64_t before;

	children[number] = fork();
	if (children[number] < 0)
		die("fork");
	if (children[number])
		return;
	if (nice && setpriority(PRIO_PROCESS, 0, nice))
		die("setpriority");
	if (fifo && sched_setscheduler(0, SCHED_FIFO, &param))
		die("SCHED_FIFO");
	while (clock_ns(CLOCK_MONOTONIC) < start)
		;
	before = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	while (clock_ns(CLOCK_MONOTONIC) < end)
		used[number] = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before;
	for (;;)
		;
}

static void stop_children(void)
{
	for (int i = 0; i < nr_children; i++) {
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* ns, 99th percentile: how late a task starts that wakes every 5 ms beside two spinners per cpu. */
static double latency(int cpus)
{
	static uint64_t late[SECONDS * 200];
	uint64_t next = clock_ns(CLOCK_MONOTONIC) + 300 * MS;
	int n = sizeof(late) / sizeof(*late);

	for (int i = 0; i < 2 * cpus; i++)
		spinner(0, 0, 0, 0);
	for (int i = 0; i < n; i++, next += 5 * MS) {
		uint64_t now;

		sleep_until(next);
		now = clock_ns(CLOCK_MONOTONIC);
		late[i] = now - next;
		while (next + 5 * MS < now) /* what was slept through is not counted twice */
			next += 5 * MS;
	}
	qsort(late, (size_t)n, sizeof(*late), compare);
	fprintf(stderr, "median %llu ns, 99 %% %llu ns, longest %llu ns\n", (unsigned long long)late[n / 2],
		(unsigned long long)late[n * 99 / 100], (unsigned long long)late[n - 1]);
	return (double)late[n * 99 / 100];
}

/* Runs what was begun for SECONDS. */
static void let_run(uint64_t end)
{
	sleep_until(end + 200 * MS);
	stop_children();
}

/* %: how far the CPU time of one of n equal spinners is from the mean, at most. */
static double fairness(int n)
{
	uint64_t start = clock_ns(CLOCK_MONOTONIC) + 300 * MS, end = start + SECONDS * 1000 * MS;
	double mean = 0, worst = 0;

	for (int i = 0; i < n; i++)
		spinner(start, end, 0, 0);
	let_run(end);
	for (int i = 0; i < n; i++)
		mean += (double)used[i] / n;
	for (int i = 0; i < n; i++) {
		double off = (double)used[i] / mean - 1;

		fprintf(stderr, "%.3f s ", (double)used[i] / 1e9);
		worst = off > worst ? off : -off > worst ? -off : worst;
	}
	fprintf(stderr, "\n");
	return worst * 100;
}

static void bind_to_first_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

/* %: how far nice 0 against nice 5 on one cpu is from 1024 : 335. */
static double nice_ratio(void)
{
	uint64_t start = clock_ns(CLOCK_MONOTONIC) + 300 * MS, end = start + SECONDS * 1000 * MS;
	double ratio;

	bind_to_first_cpu();
	spinner(start, end, 0, 0);
	spinner(start, end, 5, 0);
	let_run(end);
	ratio = (double)used[0] / (double)used[1];
	fprintf(stderr, "1024 : %.1f\n", 1024 / ratio);
	return (ratio > 1024. / 335 ? ratio / (1024. / 335) : 1024. / 335 / ratio) * 100 - 100;
}

/* %: the share of a real-time spinner beside an ordinary one on one cpu. */
static double rt_share(void)
{
	uint64_t start = clock_ns(CLOCK_MONOTONIC) + 300 * MS, end = start + SECONDS * 1000 * MS;

	spinner(start, end, 0, 10);
	spinner(start, end, 0, 0);
	for (int i = 0; i < 2; i++) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(0, &set);
		if (sched_setaffinity(children[i], sizeof(set), &set))
			die("sched_setaffinity");
	}
	let_run(end);
	return 100. * (double)used[0] / (double)(used[0] + used[1]);
}

/* Misses of 100 jobs of 8 ms in a reservation of 10 ms every 100 ms, with three spinners per cpu. */
static double deadline_misses(int cpus)
{
	struct { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t runtime, deadline, period; } attr = {
		48, 6 /* SCHED_DEADLINE */, 0, 0, 0, 10 * MS, 100 * MS, 100 * MS
	};
	uint64_t release;
	int misses = 0;

	for (int i = 0; i < 3 * cpus; i++)
		spinner(0, 0, 0, 0);
	if (syscall(SYS_sched_setattr, 0, &attr, 0))
		die("SCHED_DEADLINE");
	release = clock_ns(CLOCK_MONOTONIC) + 100 * MS;
	for (int job = 0; job < 100; job++, release += 100 * MS) {
		uint64_t begin;

		sleep_until(release);
		begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		while (clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin < 8 * MS)
			;
		misses += clock_ns(CLOCK_MONOTONIC) > release + 100 * MS;
		while (release + 100 * MS < clock_ns(CLOCK_MONOTONIC))
			release += 100 * MS;
	}
	return misses;
}

int main(int argc, char **argv)
{
	int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	const char *row = argc > 1 ? argv[1] : "";
	double value;

	used = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (used == MAP_FAILED)
		die("mmap");
	if (cpus > MOST / 4)
		cpus = MOST / 4;
	if (!strcmp(row, "latency"))
		value = latency(cpus);
	else if (!strcmp(row, "fair"))
		value = fairness(2 * cpus);
	else if (!strcmp(row, "fair-odd"))
		value = fairness(cpus + 1);
	else if (!strcmp(row, "nice"))
		value = nice_ratio();
	else if (!strcmp(row, "rt"))
		value = rt_share();
	else if (!strcmp(row, "deadline"))
		value = deadline_misses(cpus);
	else
		return fprintf(stderr, "usage: sched latency|fair|fair-odd|nice|rt|deadline\n"), 2;
	stop_children();
	printf("%.3f\n", value);
	return 0;
}
