/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the scheduler's policy asks of its surroundings. In the kernel sched/switch.c and sched/tick.c answer; the simulator
 * answers with virtual time. Policy files (core, classes, balance, topology, wait) know nothing else of where they run, and of
 * struct task_struct only `state`, `sched` and the block_ fields.
 *
 * Besides: ktime_get() and the timers of time/timer.h, signal_pending(), fatal_signal_pending(), `current`.
 */
#ifndef KERNEL_SCHED_PLATFORM_H
#define KERNEL_SCHED_PLATFORM_H

#include <stdbool.h>

struct rq;
struct task_struct;

/* The cpu the caller runs on; -1: none (a host thread's, a timer's work). */
int sched_this_cpu(void);
/* rq->need_resched was set: its cpu is to call schedule() soon. An idle one is to wake up. It may be the caller's own. */
void sched_kick_cpu(struct rq *rq);
/* sched_next_tick(rq) may have become earlier. Called often: must be cheap. */
void sched_want_tick(struct rq *rq);
/* The caller is about to exit, or to let its parent go on: whoever it wakes best runs here. */
bool sched_waker_leaves(void);
/* The caller wakes the task and sleeps soon: a cpu that would begin with it sooner than the caller's own; -1: none. */
int sched_sooner_cpu(const struct task_struct *task);
/* A task has moved to that cpu. For statistics. */
void sched_migrated(int to_cpu);
/* A deadline task has used more than it asked for, and wanted to know (SCHED_FLAG_DL_OVERRUN): SIGXCPU. */
void sched_dl_overrun(struct task_struct *task);

#endif
