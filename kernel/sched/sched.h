/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler's interface to the rest of the kernel. Its inside (classes, run queues) is in
 * sched/internal.h. Facts it reproduces: Linux 4.1, sched(7).
 */
#ifndef KERNEL_SCHED_SCHED_H
#define KERNEL_SCHED_SCHED_H

#include <linux/sched.h>

#include "kernel/kernel.h"
#include "kernel/sched/cpumask.h"
#include "kernel/time/timer.h"
#include "lib/rbtree.h"

struct task_struct;
struct rq;
struct sched_class;

/* Task states; also what /proc/PID/stat shows: R S D T t. */
#define TASK_RUNNING 0x00
#define TASK_INTERRUPTIBLE 0x01
#define TASK_UNINTERRUPTIBLE 0x02
#define TASK_STOPPED 0x04
#define TASK_TRACED 0x08
#define TASK_DEAD 0x40
#define TASK_NEW 0x80
#define TASK_WAKING 0x200 /* try_to_wake_up chooses a cpu */
#define TASK_KILLABLE_ONLY 0x100 /* with INTERRUPTIBLE: only fatal signals wake it; shown as D */
#define TASK_FROZEN 0x400    /* with INTERRUPTIBLE: wake-ups are held back until the thaw (task/freezer.h) */
#define TASK_WAKE_HELD 0x800 /* with FROZEN: there was one */
#define TASK_NORMAL (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)

struct sched_entity {
	struct rb_node node;
	u64 vruntime;         /* ns, weighted: grows by the period while the task runs its slice */
	u64 exec_start;       /* CLOCK_MONOTONIC */
	u64 sum_exec_runtime; /* ns */
	u64 slice_start;      /* sum_exec_runtime when its slice began */
	u64 woken_at;         /* sum_exec_runtime when it woke */
	u64 burst;            /* ns that it runs from waking to sleeping, on average; 0: not known yet */
	u32 weight;
	bool on_rq;           /* in the tree: it waits */
};

/* SCHED_DEADLINE: what was asked for, and what is left of it (sched/deadline.c). All ns. */
struct sched_dl_entity {
	struct rb_node node;
	u64 dl_runtime, dl_deadline, dl_period;
	u64 flags;            /* SCHED_FLAG_DL_OVERRUN */
	u64 bandwidth;        /* dl_runtime / dl_period in 1 / 2^20 */
	s64 runtime;          /* left until `deadline` */
	u64 deadline;         /* absolute */
	bool queued, throttled, yielded;
	bool overrun;         /* used too much since the last look */
	struct ktimer replenish;
};

struct sched_task {
	const struct sched_class *class;
	int policy;      /* SCHED_* */
	int nice;        /* -20 .. 19 */
	int rt_priority; /* 1 .. 99 for FIFO and RR */
	int pi_priority; /* lent by whoever waits for a PI lock of this task; 0: none */
	bool reset_on_fork;
	bool on_rq;      /* runs or waits to */
	bool execs;      /* on its way to a less busy cpu, see sched_exec */
	int cpu;         /* whose run queue it is on, or last ran on */
	struct sched_entity entity;
	struct list_head rt_link;
	struct sched_dl_entity dl;
	cpumask_t cpus_allowed;
	int nr_cpus_allowed;
	u64 arrived;     /* at its cpu: CLOCK_MONOTONIC */
	u64 nvcsw, nivcsw;
	u64 wait_start, wait_sum; /* runnable, not running */
	u64 utime_ticks, stime_ticks;
	u64 nr_wakeups, nr_migrations;
};

void schedule(void);
void cond_resched(void);
/*
 * current begins a new program and has nothing in its cpu's caches: where the domains balance at exec it moves to a less busy cpu. True if
 * schedule() is to be called for that.
 */
bool sched_exec(void);
/* Makes `task` runnable if its state is in `mask`. True if it was asleep. sync: the waker sleeps soon. */
bool try_to_wake_up(struct task_struct *task, unsigned mask, bool sync);
static inline bool wake_up_process(struct task_struct *task) { return try_to_wake_up(task, TASK_NORMAL, false); }
bool wake_up_state(struct task_struct *task, unsigned mask);
void wake_up_new_task(struct task_struct *task);
/* A running or runnable task is to look at its work flags soon: sends its cpu a preemption signal if it is in user mode. */
void kick_task(struct task_struct *task);
/* SCHED_OTHER, nice 0, any cpu: for a task that has no parent. */
void sched_task_init(struct task_struct *task);
/* The child of current inherits policy and affinity. -EAGAIN: a deadline task that is not to be reset cannot fork. */
int __must_check sched_fork(struct task_struct *child);
/* The dying current task leaves its run queue; schedule() comes next and does not return. */
void sched_exit(struct task_struct *task);
void set_user_nice(struct task_struct *task, int nice);
/* What sched_setattr(2) sets. Nice is looked at by SCHED_OTHER and SCHED_BATCH, the dl_ fields (ns) by SCHED_DEADLINE. */
struct sched_params {
	int policy, nice, rt_priority;
	bool reset_on_fork;
	u64 dl_runtime, dl_deadline, dl_period, dl_flags;
};
bool sched_params_valid(const struct sched_params *params);
/* -EINVAL: bad parameters; -EBUSY: no bandwidth left for a deadline task; -EPERM: its affinity leaves out cpus. */
int sched_set_policy(struct task_struct *task, const struct sched_params *params);
/* -EINVAL if no cpu is left; -EBUSY: a deadline task is to keep all of its cpus. */
int sched_set_affinity(struct task_struct *task, const cpumask_t *mask);
/* The task runs with at least this real-time priority, whatever its policy; 0 takes the loan back. */
void sched_set_pi_priority(struct task_struct *task, int rt_priority);
static inline int sched_effective_priority(const struct sched_task *s)
{
	return s->rt_priority > s->pi_priority ? s->rt_priority : s->pi_priority;
}
void sched_yield_current(void);
void sched_request_tick(void); /* current has a timer on CPU time now: the tick is to run */
u64 sched_rr_interval(struct task_struct *task);
u64 task_runtime(struct task_struct *task); /* sum_exec_runtime up to now, ns */
extern int nr_cpus;
unsigned nr_running_total(void);
extern u64 avenrun[3]; /* load averages, fixed point with 11 bits */
extern u64 sched_start; /* since when cpus are counted as idle or busy, CLOCK_MONOTONIC */
/* The averages are not counted while nothing runs; a cpu that is no longer idle resumes that. With the kernel lock. */
extern bool loadavg_stopped;
void loadavg_resume(void);
u64 idle_time_ns(int cpu);

#endif
