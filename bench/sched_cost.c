/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What picking and waking cost with n runnable tasks: the scheduler's own files (kernel/sched/), on cpus that exist only here.
 * Prints "CPUS N pick|wake COST" lines. Compiled with -DCOUNT and -fsanitize-coverage=trace-pc the cost is the number of basic blocks
 * executed, the same on every machine; else nanoseconds.
 *
 * Built and run by bench/sched_cost.py.
 */
#include "kernel/sched/internal.h"
#include "kernel/trace/trace.h"

int printf(const char *format, ...);
void *calloc(size_t n, size_t size);
void abort(void) __noreturn;
int atoi(const char *text);
void qsort(void *base, size_t n, size_t size, int (*compare)(const void *, const void *));
struct timespec { long sec, nsec; };
int clock_gettime(int clock, struct timespec *time);

#define ROUNDS 4000
#define UNCOUNTED __attribute__((no_sanitize_coverage))

struct task_struct *sim_current;
static u64 now = NSEC_PER_SEC, seed = 1;
static int this_cpu = -1;

/* ---- surroundings ---- */

int sched_this_cpu(void) { return this_cpu; }
void sched_kick_cpu(struct rq *rq) {}
void sched_want_tick(struct rq *rq) {}
bool sched_waker_leaves(void) { return false; }
int sched_sooner_cpu(const struct task_struct *task) { return -1; }
void sched_migrated(int to_cpu) {}
void sched_dl_overrun(struct task_struct *task) {}
bool signal_pending(struct task_struct *task) { return false; }
bool fatal_signal_pending(struct task_struct *task) { return false; }
u64 ktime_get(void) { return now; }
void sched_timer_armed(u64 expires) {}
void schedule(void) {}
bool kernel_locked(void) { return true; }
void panic(const char *format, ...) { abort(); }
u32 trace_flags;
void __trace_switch(int cpu, struct task_struct *prev, struct task_struct *next) {}
void __trace_wakeup(struct task_struct *task, int from_cpu, int to_cpu) {}
void __trace_migrate(struct task_struct *task, int from_cpu, int to_cpu) {}
void __trace_wait(struct task_struct *task) {}

/* ---- measuring ---- */

#ifdef COUNT
static u64 blocks;
UNCOUNTED void __sanitizer_cov_trace_pc(void) { blocks++; }
UNCOUNTED static u64 meter(void) { return blocks; }
#else
static u64 meter(void)
{
	struct timespec time;

	clock_gettime(1 /* CLOCK_MONOTONIC */, &time);
	return (u64)time.sec * NSEC_PER_SEC + (u64)time.nsec;
}
#endif

static u32 some(u32 n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(seed >> 33) % n;
}

static void make_tasks(int n)
{
	for (int i = 0; i < n; i++) {
		struct task_struct *task = calloc(1, sizeof(*task));

		if (!task)
			abort();
		sched_task_init(task);
		set_user_nice(task, (int)some(11) - 5);
		wake_up_new_task(task);
	}
	for (int i = 0; i < nr_cpus; i++)
		sched_switch(&runqueues[i]);
}

/* Everybody has run for a while, so that the tree is well mixed. */
static void mix(int rounds)
{
	for (int i = 0; i < rounds; i++) {
		now += some(NSEC_PER_MSEC);
		this_cpu = i % nr_cpus;
		sched_switch(&runqueues[this_cpu]);
	}
}

static const struct wait_type timer_wait = { .name = "timer", .kind = BLOCK_TIMER };

static u64 pick(struct rq *rq)
{
	u64 before = meter();

	sched_switch(rq);
	return meter() - before;
}

/* The running task sleeps, the next one runs for a while, then the first one wakes. */
static u64 wake(struct rq *rq)
{
	struct task_struct *task = rq->curr;
	u64 before;

	sim_current = task;
	prepare_to_sleep(TASK_INTERRUPTIBLE, &timer_wait, task);
	sched_switch(rq);
	now += some(NSEC_PER_MSEC);
	sim_current = NULL;
	this_cpu = -1;
	before = meter();
	if (!try_to_wake_up(task, TASK_NORMAL, false))
		abort();
	return meter() - before;
}

#ifndef COUNT
static int compare(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}
#endif

/* Blocks: the mean, they are exact. Nanoseconds: the median, interruptions are none of our business. */
static double typical(u64 *costs)
{
	u64 sum = 0;

#ifndef COUNT
	qsort(costs, ROUNDS, sizeof(*costs), compare);
	return (double)costs[ROUNDS / 2];
#endif
	for (int i = 0; i < ROUNDS; i++)
		sum += costs[i];
	return (double)sum / ROUNDS;
}

int main(int argc, char **argv)
{
	static u64 picks[ROUNDS], wakes[ROUNDS];
	int cpus, n;

	if (argc != 3)
		return 2;
	cpus = atoi(argv[1]);
	n = atoi(argv[2]);
	if (cpus < 1 || cpus > MAX_CPUS || n < cpus)
		return 2;
	sched_init(cpus);
	make_tasks(n);
	mix(n < 3000 ? 3000 : n);
	for (int i = 0; i < ROUNDS; i++) {
		struct rq *rq = &runqueues[some((u32)cpus)];

		now += some(NSEC_PER_MSEC);
		this_cpu = rq->cpu;
		picks[i] = pick(rq);
		wakes[i] = wake(rq);
	}
	printf("%d %d pick %.1f\n", cpus, n, typical(picks));
	printf("%d %d wake %.1f\n", cpus, n, typical(wakes));
	return 0;
}
