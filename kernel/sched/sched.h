/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler's interface to the rest of the kernel. Its inside (classes, run queues) is in
 * sched/internal.h. Facts it reproduces: Linux 4.1, sched(7).
 */
#ifndef KERNEL_SCHED_SCHED_H
#define KERNEL_SCHED_SCHED_H

#include <linux/sched.h>

#include "kernel/kernel.h"
#include "lib/rbtree.h"

struct task_struct;
struct carrier;
struct cpu;
struct sched_class;

/* Task states; also what /proc/PID/stat shows: R S D T t. */
#define TASK_RUNNING 0x00
#define TASK_INTERRUPTIBLE 0x01
#define TASK_UNINTERRUPTIBLE 0x02
#define TASK_STOPPED 0x04
#define TASK_TRACED 0x08
#define TASK_DEAD 0x40
#define TASK_NEW 0x80
#define TASK_KILLABLE_ONLY 0x100 /* with INTERRUPTIBLE: only fatal signals wake it; shown as D */
#define TASK_NORMAL (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)

#define MAX_CPUS 64

struct sched_entity {
	struct rb_node node;
	u64 vruntime;         /* ns, weighted */
	u64 exec_start;       /* CLOCK_MONOTONIC */
	u64 sum_exec_runtime; /* ns */
	u64 prev_sum_exec_runtime;
	u32 weight;
	bool on_rq;
};

struct sched_task {
	const struct sched_class *class;
	int policy;      /* SCHED_* */
	int nice;        /* -20 .. 19 */
	int rt_priority; /* 1 .. 99 for FIFO and RR */
	int pi_priority; /* lent by whoever waits for a PI lock of this task; 0: none */
	bool reset_on_fork;
	struct sched_entity entity;
	struct list_head rt_link;
	u64 rt_slice_left;
	int cpu;         /* whose run queue it is on, or last ran on */
	bool on_rq;
	bool on_cpu;     /* its stack is in use */
	u64 cpus_allowed;
	u64 nvcsw, nivcsw;
	u64 wait_start, wait_sum; /* runnable, not running */
	u64 utime_ticks, stime_ticks;
	u64 nr_wakeups, nr_migrations;
};

/* Seen through GS by entry code: keep the first fields' offsets (arch/x86_64/asm-offsets.h). */
struct carrier {
	u64 kernel_stack_top;     /* 0: of current */
	u64 user_rsp;             /* 8: scratch of the entry code */
	u64 scratch;              /* 16 */
	struct task_struct *task; /* 24: current; on the carrier's own stack still the last one, or NULL */
	struct cpu *cpu;          /* 32: the cpu it is active for, or was last bound to */
	struct carrier *self;     /* 40 */
	u64 carrier_sp;           /* 48: saved stack pointer of the carrier context */
	u32 need_resched;         /* 56: set by host signals; checked on the way out */
	u32 pad;
	/* from here on: sched/carrier.c */
	struct mm_struct *mm;
	struct list_head mm_link;
	atomic_uint run;          /* futex word: CARRIER_* */
	int host_pid, host_tid;
	struct task_struct *handoff_to; /* picked, to be run by this carrier next */
	bool idle;                /* active, sleeping for its cpu */
	bool leaving;             /* its mm is gone */
	bool prefault;            /* begins by bringing the kernel into its page tables: it has time */
	bool ready;               /* has its own signal stack: a forked one begins with its parent's, and must get no signals there */
	int claimed_for;          /* idle, and wanted by this cpu; -1 */
	int bound_cpu;            /* cpu whose host affinity it has; -1: none */
	struct task_struct *xstate_owner;
	const char *role;         /* of a host thread that is no carrier of tasks (init/threads.c), else NULL */
	bool sleeps_on_host;      /* such a one waits for something to do */
	u32 gone;                 /* the host thread no longer uses this block */
};

#define this_carrier()                                                                             \
	({                                                                                         \
		struct carrier *_c;                                                                \
		__asm__ __volatile__("mov %%gs:40,%0" : "=r"(_c));                                 \
		_c;                                                                                \
	})
#define current                                                                                    \
	({                                                                                         \
		struct task_struct *_t;                                                            \
		__asm__ __volatile__("mov %%gs:24,%0" : "=r"(_t));                                 \
		_t;                                                                                \
	})

void schedule(void);
void cond_resched(void);
/* Makes `task` runnable if its state is in `mask`. True if it was asleep. sync: the waker sleeps soon. */
bool try_to_wake_up(struct task_struct *task, unsigned mask, bool sync);
static inline bool wake_up_process(struct task_struct *task) { return try_to_wake_up(task, TASK_NORMAL, false); }
bool wake_up_state(struct task_struct *task, unsigned mask);
void wake_up_new_task(struct task_struct *task);
/* A running or runnable task is to look at its work flags soon: sends its cpu a preemption signal if it is in user mode. */
void kick_task(struct task_struct *task);
void sched_fork(struct task_struct *child);
/* The dying current task leaves its run queue; sched_switch_away() comes next. */
void sched_exit(struct task_struct *task);
void set_user_nice(struct task_struct *task, int nice);
int sched_setscheduler(struct task_struct *task, int policy, int rt_priority, int nice);
int sched_set_affinity(struct task_struct *task, u64 mask); /* -EINVAL if no cpu is left */
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
u64 idle_time_ns(int cpu);

#endif
