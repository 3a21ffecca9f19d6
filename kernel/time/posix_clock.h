/* SPDX-License-Identifier: Apache-2.0 */
/* Clock ids of programs, clock_gettime(2): host clocks, and CPU-time clocks of processes and threads. */
#ifndef KERNEL_TIME_POSIX_CLOCK_H
#define KERNEL_TIME_POSIX_CLOCK_H

#include "kernel/task/task.h"

/* A clock id, understood. */
struct posix_clock {
	bool cpu;                  /* CPU time; else `host` is a host clock id */
	int host;
	struct task_struct *task;  /* whose CPU time; not counted */
	bool group;                /* of the whole process */
	int which;                 /* CPU_* */
};
enum { CPU_PROF, CPU_VIRT, CPU_SCHED }; /* user + system, user, run time */

/* 0; -EINVAL: no such clock, or no such task. */
int posix_clock_parse(int id, struct posix_clock *ret_clock);
u64 posix_clock_get(const struct posix_clock *clock);
const char *clock_name(int id); /* "CLOCK_MONOTONIC" */
u64 posix_clock_resolution(int id, const struct posix_clock *clock);
u64 cpu_clock_sample(struct task_struct *task, bool group, int which);

/* Sleeps until `deadline` on the clock: 0, -EINTR. */
int posix_clock_sleep(const struct posix_clock *clock, u64 deadline);

#endif
