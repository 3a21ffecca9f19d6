// SPDX-License-Identifier: Apache-2.0
/*
 * Clock ids, clock_gettime(2). Not negative: a clock of the machine or the caller's CPU time. Negative: the CPU time of
 * another task, ~pid << 3 | 4 for one thread | which (clock_getcpuclockid(3)).
 */
#include "kernel/time/posix_clock.h"

#include <linux/time.h>

#include "kernel/time/timer.h"

#define CPU_CLOCK_THREAD 4
#define CPU_CLOCK_WHICH 3
#define TICK_NS 4000000ULL

static int parse_cpu_clock(int id, struct posix_clock *clock)
{
	pid_t pid = ~(id >> 3);
	struct task_struct *task = pid ? task_find(pid) : current;

	clock->cpu = true;
	clock->which = id & CPU_CLOCK_WHICH;
	clock->group = !(id & CPU_CLOCK_THREAD);
	clock->task = task;
	if (clock->which > CPU_SCHED || !task)
		return -EINVAL;
	if (clock->group)
		return pid && !thread_group_leader(task) && task != current ? -EINVAL : 0;
	return task->signal == current->signal ? 0 : -EINVAL;
}

int posix_clock_parse(int id, struct posix_clock *ret_clock)
{
	*ret_clock = (struct posix_clock){ .host = id };
	if (id < 0)
		return parse_cpu_clock(id, ret_clock);
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
	case CLOCK_THREAD_CPUTIME_ID:
		*ret_clock = (struct posix_clock){ .cpu = true, .task = current, .which = CPU_SCHED,
						   .group = id == CLOCK_PROCESS_CPUTIME_ID };
		return 0;
	default: /* the *_ALARM clocks need a device that wakes a suspended machine */
		return -EINVAL;
	}
}

/* Run time of the live threads; that of the others is in the sums of the group. */
static u64 group_runtime(struct task_struct *task)
{
	u64 utime, stime, sum = task->signal->utime + task->signal->stime;
	struct task_struct *t;

	for_each_thread(task, t)
		sum += task_runtime(t);
	group_cputime(task, &utime, &stime);
	return max(sum, utime + stime);
}

u64 cpu_clock_sample(struct task_struct *task, bool group, int which)
{
	u64 utime, stime;

	if (which == CPU_SCHED)
		return group ? group_runtime(task) : task_runtime(task);
	if (group)
		group_cputime(task, &utime, &stime);
	else
		task_cputime(task, &utime, &stime);
	return which == CPU_VIRT ? utime : utime + stime;
}

u64 posix_clock_get(const struct posix_clock *clock)
{
	return clock->cpu ? cpu_clock_sample(clock->task, clock->group, clock->which) : ktime_get_clock(clock->host);
}

u64 posix_clock_resolution(int id, const struct posix_clock *clock)
{
	if (!clock->cpu)
		return ktime_get_resolution(clock->host);
	return clock->which == CPU_SCHED ? 1 : TICK_NS;
}

const char *clock_name(int id)
{
	static const char *const names[] = {
		[CLOCK_REALTIME] = "CLOCK_REALTIME", [CLOCK_MONOTONIC] = "CLOCK_MONOTONIC",
		[CLOCK_PROCESS_CPUTIME_ID] = "CLOCK_PROCESS_CPUTIME_ID", [CLOCK_THREAD_CPUTIME_ID] = "CLOCK_THREAD_CPUTIME_ID",
		[CLOCK_MONOTONIC_RAW] = "CLOCK_MONOTONIC_RAW", [CLOCK_REALTIME_COARSE] = "CLOCK_REALTIME_COARSE",
		[CLOCK_MONOTONIC_COARSE] = "CLOCK_MONOTONIC_COARSE", [CLOCK_BOOTTIME] = "CLOCK_BOOTTIME",
		[CLOCK_REALTIME_ALARM] = "CLOCK_REALTIME_ALARM", [CLOCK_BOOTTIME_ALARM] = "CLOCK_BOOTTIME_ALARM",
		[CLOCK_TAI] = "CLOCK_TAI",
	};

	return id >= 0 && id < (int)ARRAY_SIZE(names) && names[id] ? names[id] : "a clock of CPU time";
}
