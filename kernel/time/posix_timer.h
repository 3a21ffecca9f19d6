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

/*
 * The signal of a POSIX timer: `queue->timer` is set, the entry belongs to the timer. Calls between signal code and timers:
 *   send_sigqueue      queues the timer's entry unless it is queued already (list not empty): 0, 1 if it was, -ESRCH
 *   posix_timer_taken  the entry was taken off the queue to be delivered: fills in the overrun, arms the next interval
 *   posix_timer_dropped  the entry was taken off the queue without delivery (flush)
 */
int send_sigqueue(struct sigqueue *queue, struct task_struct *target, bool to_process);
void posix_timer_taken(struct sigqueue *queue, siginfo_t *info);
void posix_timer_dropped(struct sigqueue *queue);

#endif
