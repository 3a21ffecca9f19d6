// SPDX-License-Identifier: Apache-2.0
/* sched(7): setting and reading policies, their errors, privileges, inheritance, affinity; SCHED_DEADLINE's parameters and admission. */
#include "test.h"

/* struct sched_attr of sched_setattr(2), which not every C library has. */
struct attr {
	uint32_t size, sched_policy;
	uint64_t sched_flags;
	int32_t sched_nice;
	uint32_t sched_priority;
	uint64_t sched_runtime, sched_deadline, sched_period;
	uint32_t sched_util_min, sched_util_max;
};

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6
#endif
#define POLICY_RESET 0x40000000
#define FLAG_RESET_ON_FORK 0x1
#define FLAG_DL_OVERRUN 0x4
#define FLAG_KEEP_POLICY 0x8
#define FLAG_KEEP_PARAMS 0x10

#define MS 1000000ULL

static long setattr(pid_t pid, void *attr, unsigned flags) { return syscall(SYS_sched_setattr, pid, attr, flags); }
static long getattr(pid_t pid, void *attr, unsigned size, unsigned flags) { return syscall(SYS_sched_getattr, pid, attr, size, flags); }

static void show_attr(pid_t pid)
{
	struct attr a = { 0 };

	if (getattr(pid, &a, 48, 0)) {
		say("getattr: %s", error_name(errno));
		return;
	}
	say("size %u policy %u flags %llu nice %d priority %u", a.size, a.sched_policy, (unsigned long long)a.sched_flags, a.sched_nice,
	    a.sched_priority);
	if (a.sched_policy == SCHED_DEADLINE)
		say("runtime %llu deadline %llu period %llu", (unsigned long long)a.sched_runtime, (unsigned long long)a.sched_deadline,
		    (unsigned long long)a.sched_period);
}

static long set(int policy, int nice, int priority, unsigned long long flags)
{
	struct attr a = { .size = 48, .sched_policy = (unsigned)policy, .sched_flags = flags, .sched_nice = nice,
				.sched_priority = (unsigned)priority };

	return setattr(0, &a, 0);
}

static long set_deadline(unsigned long long runtime, unsigned long long deadline, unsigned long long period, unsigned long long flags)
{
	struct attr a = { .size = 48, .sched_policy = SCHED_DEADLINE, .sched_flags = flags, .sched_runtime = runtime,
				.sched_deadline = deadline, .sched_period = period };

	return setattr(0, &a, 0);
}

static void sizes(void)
{
	struct { struct attr a; char more[4096]; } big;
	struct attr *a = &big.a;
	static const unsigned tried[] = { 0, 1, 47, 48, 52, 55, 56, 57, 64, 4096, 4097 };
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	SECTION("sizes");
	for (unsigned i = 0; i < sizeof(tried) / sizeof(*tried); i++) {
		memset(&big, 0, sizeof(big));
		a->size = tried[i];
		long r = setattr(0, a, 0);
		say("setattr size %u: %s", tried[i], r ? error_name(errno) : "ok");
		if (r && errno == E2BIG)
			CHECK(a->size >= 56);
		r = getattr(0, &big, tried[i], 0);
		say("getattr size %u: %s", tried[i], r ? error_name(errno) : "ok");
	}
	memset(&big, 0, sizeof(big));
	a->size = 200;
	big.more[100] = 1;
	SHOW(setattr(0, a, 0));
	SHOW(setattr(0, NULL, 0));
	SHOW(setattr(0, (void *)8, 0));
	SHOW(setattr(-1, a, 0));
	a->size = 48;
	SHOW(setattr(0, a, 1));
	SHOW(setattr(999999, a, 0));
	SHOW(getattr(0, NULL, 48, 0));
	SHOW(getattr(0, (void *)8, 48, 0));
	SHOW(getattr(-1, &big, 48, 0));
	SHOW(getattr(0, &big, 48, 1));
	SHOW(getattr(999999, &big, 48, 0));
	munmap(page + 4096, 4096);
	*(unsigned *)(page + 4096 - 4) = 48;
	SHOW(setattr(0, page + 4096 - 4, 0));
	a->sched_policy = 0x80000000;
	SHOW(setattr(0, a, 0));
	a->sched_policy = 0;
	a->sched_flags = 1ULL << 40;
	SHOW(setattr(0, a, 0));
}

static void policies(void)
{
	struct sched_param param = { 0 };

	SECTION("policies");
	SHOW(set(SCHED_OTHER, 3, 0, 0));
	show_attr(0);
	SHOW(getpriority(PRIO_PROCESS, 0));
	SHOW(set(SCHED_BATCH, 5, 0, 0));
	show_attr(0);
	SHOW(set(SCHED_OTHER, 100, 0, 0));
	show_attr(0);
	SHOW(set(SCHED_OTHER, -100, 0, 0));
	show_attr(0);
	SHOW(set(SCHED_OTHER, 0, 1, 0));
	SHOW(set(SCHED_FIFO, 0, 0, 0));
	SHOW(set(SCHED_FIFO, 0, 100, 0));
	SHOW(set(SCHED_FIFO, 4, 10, 0));
	show_attr(0);
	SHOW(getpriority(PRIO_PROCESS, 0));
	SHOW(sched_getscheduler(0));
	SHOW(sched_getparam(0, &param));
	say("priority %d", param.sched_priority);
	SHOW(set(SCHED_RR, 0, 99, FLAG_RESET_ON_FORK));
	show_attr(0);
	CHECK(sched_getscheduler(0) == (SCHED_RR | POLICY_RESET));
	param.sched_priority = 7;
	SHOW(sched_setparam(0, &param));
	show_attr(0);
	param.sched_priority = 0;
	SHOW(sched_setparam(0, &param));
	SHOW(set(77, 0, 0, FLAG_KEEP_POLICY | FLAG_KEEP_PARAMS));
	show_attr(0);
	SHOW(set(SCHED_OTHER, 2, 0, FLAG_KEEP_PARAMS));
	SHOW(set(SCHED_OTHER, 2, 0, 0));
	SHOW(set(77, 4, 0, FLAG_KEEP_POLICY));
	show_attr(0);
	SHOW(set(4, 0, 0, 0));
	SHOW(set(55, 0, 0, 0));
	SHOW(sched_setscheduler(0, -1, &param));
	SHOW(sched_setscheduler(0, 4, &param));
	SHOW(sched_setscheduler(0, SCHED_DEADLINE, &param));
	SHOW(sched_setscheduler(0, SCHED_OTHER, NULL));
	SHOW(sched_setscheduler(0, SCHED_OTHER, (void *)8));
	SHOW(sched_setscheduler(-1, SCHED_OTHER, &param));
	SHOW(sched_setscheduler(999999, SCHED_OTHER, &param));
	SHOW(sched_setparam(-1, &param));
	SHOW(sched_setparam(0, NULL));
	SHOW(sched_setscheduler(0, SCHED_IDLE, &param));
	show_attr(0);
	SHOW(set(SCHED_OTHER, 0, 0, 0));
}

static void inheritance(void)
{
	SECTION("inheritance");
	IN_CHILD({
		SHOW(set(SCHED_FIFO, 0, 20, 0));
		IN_CHILD(show_attr(0));
		SHOW(set(SCHED_FIFO, 0, 20, FLAG_RESET_ON_FORK));
		IN_CHILD(show_attr(0));
		SHOW(set(SCHED_OTHER, -5, 0, FLAG_RESET_ON_FORK));
		IN_CHILD(show_attr(0));
		SHOW(set(SCHED_BATCH, 5, 0, FLAG_RESET_ON_FORK));
		IN_CHILD(show_attr(0));
		SHOW(set(SCHED_IDLE, 5, 0, 0));
		IN_CHILD(show_attr(0));
	});
}

static void unprivileged(void)
{
	struct rlimit limit = { 0, 0 };
	struct sched_param param = { .sched_priority = 5 };

	SECTION("unprivileged");
	IN_CHILD({
		setrlimit(RLIMIT_NICE, &limit);
		setrlimit(RLIMIT_RTPRIO, &limit);
		SHOW(set(SCHED_FIFO, 0, 5, 0));
		if (setresuid(1000, 1000, 1000))
			say("setresuid: %s", error_name(errno));
		SHOW(set(SCHED_FIFO, 0, 5, 0));
		SHOW(set(SCHED_FIFO, 0, 4, 0));
		SHOW(set(SCHED_FIFO, 0, 6, 0));
		SHOW(set(SCHED_RR, 0, 5, 0));
		SHOW(set(SCHED_FIFO, 0, 4, FLAG_RESET_ON_FORK));
		SHOW(set(SCHED_FIFO, 0, 4, 0));
		SHOW(set(SCHED_OTHER, 0, 0, FLAG_RESET_ON_FORK));
		SHOW(sched_setscheduler(0, SCHED_RR, &param));
		SHOW(set(SCHED_OTHER, 5, 0, FLAG_RESET_ON_FORK));
		SHOW(set(SCHED_OTHER, 4, 0, FLAG_RESET_ON_FORK));
		SHOW(set(SCHED_IDLE, 5, 0, FLAG_RESET_ON_FORK));
		SHOW(set(SCHED_OTHER, 5, 0, FLAG_RESET_ON_FORK));
		SHOW(set_deadline(10 * MS, 100 * MS, 100 * MS, FLAG_RESET_ON_FORK));
		SHOW(set_deadline(10, 100 * MS, 100 * MS, FLAG_RESET_ON_FORK));
		param.sched_priority = 0;
		SHOW(sched_setscheduler(getppid(), SCHED_OTHER, &param));
		SHOW(setpriority(PRIO_PROCESS, 0, 4));
		SHOW(setpriority(PRIO_PROCESS, 0, 6));
		SHOW(setpriority(PRIO_PROCESS, getppid(), 6));
	});
}

static void deadline(void)
{
	cpu_set_t one, all;

	SECTION("deadline");
	SHOW(set_deadline(0, 100 * MS, 100 * MS, 0));
	SHOW(set_deadline(1023, 100 * MS, 100 * MS, 0));
	SHOW(set_deadline(10 * MS, 0, 100 * MS, 0));
	SHOW(set_deadline(10 * MS, 9 * MS, 100 * MS, 0));
	SHOW(set_deadline(10 * MS, 100 * MS, 99 * MS, 0));
	SHOW(set_deadline(2000, 90000, 90000, 0));
	SHOW(set_deadline(10 * MS, 5000 * MS, 5000 * MS, 0));
	SHOW(set_deadline(10 * MS, 1ULL << 63, 1ULL << 63, 0));
	IN_CHILD({
		SHOW(set_deadline(10 * MS, 50 * MS, 0, 0));
		show_attr(0);
		SHOW(sched_getscheduler(0));
		SHOW(set_deadline(10 * MS, 50 * MS, 100 * MS, FLAG_DL_OVERRUN));
		show_attr(0);
		SHOW(fork());
		SHOW(set(77, 0, 0, FLAG_KEEP_POLICY | FLAG_KEEP_PARAMS | FLAG_RESET_ON_FORK));
		show_attr(0);
		IN_CHILD(show_attr(0));
		SHOW(sched_getaffinity(0, sizeof(all), &all) > 0);
		CPU_ZERO(&one);
		SHOW(sched_setaffinity(0, sizeof(one), &one));
		SHOW(sched_setaffinity(0, sizeof(all), &all));
		SHOW(sched_yield());
		struct timespec t;
		SHOW(sched_rr_get_interval(0, &t));
		say("%ld.%09ld", (long)t.tv_sec, t.tv_nsec);
		SHOW(set(SCHED_OTHER, 0, 0, 0));
		show_attr(0);
	});
}

/* As many as there are cpus, each with as little as leaves no room for one more: the host may have some of its own, 95 % is for all. */
static void admission(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), admitted = 0;
	uint64_t percent = 95 * (uint64_t)cpus / (uint64_t)(cpus + 1) + 1;
	pid_t child[64];
	int ready[2];
	char c;

	SECTION("admission");
	if (pipe(ready))
		return;
	for (long i = 0; i <= cpus && i < 64; i++) {
		child[i] = fork();
		if (child[i] == 0) {
			c = set_deadline(percent * MS, 100 * MS, 100 * MS, 0) ? (char)errno : 0;
			if (write(ready[1], &c, 1) == 1)
				for (;;)
					pause();
			_exit(1);
		}
		if (read(ready[0], &c, 1) == 1 && c)
			say("refused: %s", error_name(c));
		else
			admitted++;
	}
	CHECK(admitted == cpus);
	for (long i = 0; i <= cpus && i < 64; i++) {
		kill(child[i], SIGKILL);
		waitpid(child[i], NULL, 0);
	}
	IN_CHILD(SHOW(set_deadline(80 * MS, 100 * MS, 100 * MS, 0))); /* what the dead had is free again */
}

/* A task that uses more than it asked for is told so, and gets no more than that. */
static void throttled(void)
{
	struct timespec cpu;
	uint64_t start;

	SECTION("throttling");
	IN_CHILD({
		SHOW(set_deadline(5 * MS, 50 * MS, 50 * MS, 0));
		start = now_ms();
		while (now_ms() - start < 1000)
			;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
		CHECK(cpu.tv_sec == 0 && cpu.tv_nsec < 400000000);
	});
	IN_CHILD({
		SHOW(set_deadline(5 * MS, 50 * MS, 50 * MS, FLAG_DL_OVERRUN));
		for (;;)
			;
	});
}

static void affinity(void)
{
	cpu_set_t set;
	unsigned char bytes[1024];

	SECTION("affinity");
	CPU_ZERO(&set);
	SHOW(sched_setaffinity(0, sizeof(set), &set));
	CPU_SET(1000, &set);
	SHOW(sched_setaffinity(0, sizeof(set), &set));
	CPU_SET(0, &set);
	SHOW(sched_setaffinity(0, sizeof(set), &set));
	SHOW(sched_getaffinity(0, sizeof(set), &set));
	CHECK(CPU_COUNT(&set) == 1 && CPU_ISSET(0, &set));
	SHOW(sched_getcpu());
	SHOW(sched_setaffinity(0, 0, &set));
	SHOW(sched_setaffinity(0, 8, (void *)8));
	SHOW(sched_setaffinity(999999, 8, &set));
	SHOW(sched_setaffinity(-1, 8, &set));
	SHOW(syscall(SYS_sched_getaffinity, 0, 1, bytes));
	SHOW(syscall(SYS_sched_getaffinity, 0, 9, bytes));
	SHOW(syscall(SYS_sched_getaffinity, 0, 8, (void *)8));
	SHOW(syscall(SYS_sched_getaffinity, 999999, 8, bytes));
	SHOW(syscall(SYS_sched_getaffinity, -1, 8, bytes));
	IN_CHILD({
		SHOW(sched_getaffinity(0, sizeof(set), &set));
		CHECK(CPU_COUNT(&set) == 1 && CPU_ISSET(0, &set));
	});
}

static void intervals(void)
{
	struct timespec t;
	struct sched_param param = { .sched_priority = 3 };

	SECTION("intervals");
	IN_CHILD({
		SHOW(sched_setscheduler(0, SCHED_RR, &param));
		SHOW(sched_rr_get_interval(0, &t));
		say("%ld.%09ld", (long)t.tv_sec, t.tv_nsec);
		SHOW(sched_setscheduler(0, SCHED_FIFO, &param));
		SHOW(sched_rr_get_interval(0, &t));
		say("%ld.%09ld", (long)t.tv_sec, t.tv_nsec);
	});
	SHOW(sched_rr_get_interval(-1, &t));
	SHOW(sched_rr_get_interval(999999, &t));
	SHOW(syscall(SYS_sched_rr_get_interval, 0, (void *)8));
	for (int policy = -1; policy < 7; policy++)
		say("policy %d: %d to %d", policy, sched_get_priority_min(policy), sched_get_priority_max(policy));
}

int main(void)
{
	sizes();
	policies();
	inheritance();
	unprivileged();
	deadline();
	admission();
	throttled();
	affinity();
	intervals();
	return 0;
}
