/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the scheduler: run queues and classes. Everything is protected by the kernel lock. */
#ifndef KERNEL_SCHED_INTERNAL_H
#define KERNEL_SCHED_INTERNAL_H

#include "kernel/task/task.h"

struct fair_rq {
	struct rb_root tasks;  /* by vruntime; the running one is not in it */
	u64 min_vruntime;      /* only grows */
	u64 load;              /* weights of all queued, the running one included */
	unsigned nr_running;   /* the running one included */
};

#define RT_PRIORITIES 100
struct rt_rq {
	struct list_head queue[RT_PRIORITIES];
	u64 bitmap[2];
	unsigned nr_running;
	u64 period_start, used; /* bandwidth limit */
	bool throttled;
};

struct rq {
	int cpu;
	unsigned nr_running;
	struct task_struct *curr; /* NULL: idle */
	u64 clock;                /* CLOCK_MONOTONIC at the last update */
	struct fair_rq fair;
	struct rt_rq rt;
	u64 idle_since, idle_sum;
	u64 nr_switches;
};
extern struct rq runqueues[];

/*
 * A scheduling policy. `core` knows none; the classes stand in sched_classes in the order of their priority.
 */
struct sched_class {
	const char *name;
	void (*enqueue_task)(struct rq *rq, struct task_struct *task, bool wakeup);
	void (*dequeue_task)(struct rq *rq, struct task_struct *task, bool sleep);
	void (*yield_task)(struct rq *rq);
	/* True if `task`, just made runnable, is to run instead of the running one of the same class. */
	bool (*check_preempt_curr)(struct rq *rq, struct task_struct *task);
	/* Takes the task that runs next out of the queue; NULL if the class has none. */
	struct task_struct *(*pick_next_task)(struct rq *rq);
	/* The running task stops running; it is put back into the queue if it is still runnable. */
	void (*put_prev_task)(struct rq *rq, struct task_struct *prev);
	void (*task_tick)(struct rq *rq, struct task_struct *curr);
	void (*task_fork)(struct rq *rq, struct task_struct *child);
	void (*update_curr)(struct rq *rq);
	/* A queued task that another cpu may take, not the running one. */
	struct task_struct *(*steal)(struct rq *rq, int to_cpu);
	void (*migrate_task_rq)(struct rq *from, struct rq *to, struct task_struct *task);
	u64 (*get_rr_interval)(struct rq *rq, struct task_struct *task);
};
extern const struct sched_class *const sched_classes[]; /* ends with NULL */
extern const struct sched_class rt_sched_class, fair_sched_class;

extern struct rb_node *(*fair_choose)(struct fair_rq *fair);
extern const u32 nice_to_weight[40]; /* index nice + 20 */
void resched_curr(struct rq *rq);
void rq_clock_update(struct rq *rq);

#endif
