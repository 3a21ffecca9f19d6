/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers that belong to processes: POSIX timers (timer_create(2)), interval timers (setitimer(2)), CPU time limits.
 * All with the kernel lock held.
 */
#ifndef KERNEL_TIME_POSIX_TIMER_H
#define KERNEL_TIME_POSIX_TIMER_H

#include "kernel/task/task.h"

/* fork: a new process has no timers. */
void process_timers_init(struct signal_struct *signal);
/* exec and exit: deletes the POSIX timers. */
void posix_timers_exit(struct signal_struct *signal);
/* Last thread exits: stops ITIMER_REAL as well (exec keeps it). Must come before the signal_struct is freed. */
void itimers_exit(struct signal_struct *signal);

/*
 * Accounts `delta_ns` of CPU time that `task` just used: fires ITIMER_VIRTUAL, ITIMER_PROF, CPU-time timers and RLIMIT_CPU.
 * For the tick and, while cpu_timers_active(), for every switch away from the task.
 */
void cpu_timers_tick(struct task_struct *task, u64 delta_ns);
/* True while the tick must not be switched off for this task. */
bool cpu_timers_active(const struct task_struct *task);

#endif
