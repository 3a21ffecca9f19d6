/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the scheduler: run queues and classes. Everything is protected by the kernel lock. */
#ifndef KERNEL_SCHED_INTERNAL_H
#define KERNEL_SCHED_INTERNAL_H

#include "kernel/locking.h"
#include "kernel/sched/platform.h"
#include "kernel/task/task.h"

struct fair_rq {
	struct rb_root tasks;  /* by vruntime; the running one is not in it */
	u64 min_vruntime;      /* only grows */
	u64 load;              /* weights of all queued, the running one included */
	unsigned nr_running;   /* the running one included */
};

#define RT_PRIORITIES 100
struct rt_rq {
	struct list_head queue[RT_PRIORITIES]; /* the running one stays in it */
	u64 bitmap[2];
	unsigned nr_running;
	u64 used;              /* of the bandwidth limit in this period */
	bool throttled;        /* runs only if nobody else wants to */
	struct ktimer period;
};

struct dl_rq {
	struct rb_root tasks;  /* by deadline; the running one stays in it */
	unsigned nr_running;
	struct ktimer budget;  /* the running one's budget ends */
};

/* Something a cpu does before it runs the next task: sched/stop.c. */
struct stop_work {
	void (*fn)(struct rq *rq, int arg);
	int arg;
};

struct rq {
	int cpu;
	unsigned nr_running;
	struct task_struct *curr; /* NULL: idle */
	u64 clock;                /* CLOCK_MONOTONIC at the last update */
	bool need_resched;        /* its cpu is to call schedule() */
	unsigned nr_pinned;       /* of nr_running: may run here only */
	struct fair_rq fair;
	struct sched_domain *domain; /* the smallest it is in */
	struct stop_work stop;
	struct dl_rq dl;
	u64 idle_since, idle_sum;
	/* /proc/schedstat */
	u64 nr_switches, nr_yields, nr_schedules, nr_idle, nr_wakeups, nr_wakeups_local;
	u64 run_time, run_delay;
	/* What real-time and deadline tasks leave to the others: balance.c. */
	u64 urgent_time;          /* ns that they have run */
	u64 urgent_before, measured; /* at the last look, and when that was */
	u32 capacity;             /* in 1 / 1024 */
	struct rt_rq rt;
};
extern struct rq runqueues[MAX_CPUS];
extern cpumask_t idle_cpus;       /* nothing runs, nothing waits */
extern cpumask_t overloaded_cpus; /* more than one task */

#define ENQUEUE_WAKEUP 0x1
#define ENQUEUE_HEAD 0x2 /* before its equals */
#define DEQUEUE_SLEEP 0x1

enum select_reason { SELECT_WAKE, SELECT_WAKE_SYNC, SELECT_FORK, SELECT_EXEC };

/*
 * A scheduling policy. `core` knows none; the classes stand in sched_classes in the order of their priority.
 * Functions that a class does not need are NULL where that is said.
 */
enum { CLASS_STOP, CLASS_DEADLINE, CLASS_RT, CLASS_FAIR, CLASS_IDLE, NR_CLASSES };
struct sched_class {
	const char *name;
	int rank; /* CLASS_* */
	void (*enqueue_task)(struct rq *rq, struct task_struct *task, unsigned flags);
	void (*dequeue_task)(struct rq *rq, struct task_struct *task, unsigned flags);
	void (*yield_task)(struct rq *rq);
	/* True if `task`, just made runnable, is to run instead of the running one of the same class. */
	bool (*check_preempt_curr)(struct rq *rq, struct task_struct *task);
	/* The task that runs next, made the running one; NULL if the class has none. */
	struct task_struct *(*pick_next_task)(struct rq *rq);
	/* The running task stops running; it waits with the others if it is still runnable. */
	void (*put_prev_task)(struct rq *rq, struct task_struct *prev);
	/* The running task has just been queued in this class. */
	void (*set_curr_task)(struct rq *rq, struct task_struct *task);
	void (*task_tick)(struct rq *rq, struct task_struct *curr);
	/*
	 * NULL or: a sleeper is about to be made runnable; rq is where it slept, its clock is fresh. False: it is not to run yet; the
	 * class queues it when it is.
	 */
	bool (*task_waking)(struct rq *rq, struct task_struct *task);
	/* NULL or: it is on its queue, and the running task stays for now. */
	void (*task_woken)(struct rq *rq, struct task_struct *task);
	/* A cpu that the task may run on. */
	int (*select_task_rq)(struct task_struct *task, enum select_reason reason);
	/* NULL or: the task, on no queue, goes from one to the other. */
	void (*migrate_task_rq)(struct rq *from, struct rq *to, struct task_struct *task);
	/* NULL or: a new task's place. */
	void (*task_fork)(struct rq *rq, struct task_struct *child);
	/* NULL or: the task leaves the class, by another policy or death. Not queued. */
	void (*task_leave)(struct rq *rq, struct task_struct *task);
	/* Accounts what the running task has used. */
	void (*update_curr)(struct rq *rq);
	/* When the running task's time is up if nothing happens before; NEVER. */
	u64 (*next_tick)(struct rq *rq, struct task_struct *curr);
	/* A waiting task that may go to another cpu; NULL. */
	struct task_struct *(*movable_task)(struct rq *rq, int to_cpu);
	/* Deadline and real-time: the task would run there at once. */
	bool (*outranks)(struct task_struct *task, struct rq *rq);
	u64 (*get_rr_interval)(struct rq *rq, struct task_struct *task);
};
extern const struct sched_class *const sched_classes[NR_CLASSES];
extern const struct sched_class stop_sched_class, dl_sched_class, rt_sched_class, fair_sched_class, idle_sched_class;

extern struct rb_node *(*fair_choose)(struct fair_rq *fair);
extern const u32 nice_to_weight[40]; /* index nice + 20 */
#define NICE_0_WEIGHT 1024

/* All ns; rt_runtime -1: no limit. */
struct sched_tunables {
	u64 latency, min_granularity, wakeup_granularity;
	u64 rr_slice;
	u64 migration_cost; /* a shorter wait is not worth a move to another cpu */
	u64 rotation;       /* how long one task more may stay on the same cpu of several; 0: for ever */
	s64 rt_period, rt_runtime;
};
extern struct sched_tunables sched_tunables;

/* ---- core ---- */

/* Run queues for cpus 0 .. n-1, all idle, in one domain. */
void sched_init(int n);
/*
 * What schedule() is, but for the stacks: on behalf of rq's cpu, accounts the running task, takes it off the queue if it sleeps,
 * moves it if it may not run here, and picks the next. rq->curr is the result; NULL: idle.
 */
struct task_struct *sched_switch(struct rq *rq);
/* On rq's cpu: the running task's time may be up. */
void sched_tick(struct rq *rq);
/* When sched_tick is to be called at the latest; NEVER: not. Exact if nothing happens before. */
u64 sched_next_tick(struct rq *rq);
/* The running task of rq is to be looked at soon. */
void resched_curr(struct rq *rq);
void activate_task(struct rq *rq, struct task_struct *task, unsigned flags);
void deactivate_task(struct rq *rq, struct task_struct *task, unsigned flags);
void check_preempt(struct rq *rq, struct task_struct *task);
/* A task that waits goes to another cpu, and competes there. */
void sched_move_queued(struct task_struct *task, int cpu);
/* The same for a cpu that chooses anew in any case. */
void sched_pull_queued(struct task_struct *task, int cpu);
/* `fn` runs on rq's cpu before it chooses a task the next time. One at a time: the last one counts. */
void sched_stop_cpu(struct rq *rq, void (*fn)(struct rq *rq, int arg), int arg);
static inline void rq_clock_update(struct rq *rq) { rq->clock = ktime_get(); }
static inline struct rq *task_rq(struct task_struct *task) { return &runqueues[task->sched.cpu]; }
static inline bool allowed_on(struct task_struct *task, int cpu) { return cpumask_test(&task->sched.cpus_allowed, cpu); }

/* Adds what the running task has run since the last look to its time, and returns it. */
static inline u64 account_curr(struct rq *rq)
{
	struct sched_entity *se = &rq->curr->sched.entity;
	u64 delta = rq->clock - se->exec_start;

	if ((s64)delta <= 0)
		return 0;
	se->exec_start = rq->clock;
	se->sum_exec_runtime += delta;
	return delta;
}

/* min_vruntime as it is now: the running task, alone perhaps, may not have been looked at for long. */
u64 fair_floor(struct rq *rq);
void rt_rq_init(struct rt_rq *rt);
void dl_rq_init(struct dl_rq *dl);

/* ---- deadline ---- */

bool dl_params_valid(const struct sched_params *params);
/* 0, or -EBUSY if the task with these parameters would be too much for the cpus. */
int dl_admit(const struct task_struct *task, const struct sched_params *params);
/* What the tasks of the class were promised stays within these limits. */
bool dl_fits(s64 rt_runtime, s64 rt_period);
/* The task, not queued, begins a period with these parameters. */
void dl_set_params(struct task_struct *task, const struct sched_params *params, u64 now);

/* ---- urgent: real-time and deadline tasks between cpus ---- */

extern cpumask_t urgent_cpus; /* with more than one such task */
void urgent_changed(struct rq *rq);
/* Takes the most important one that waits elsewhere and would run here. */
void pull_urgent(struct rq *rq);
/* A waiting one goes where it would run at once. */
void push_urgent(struct task_struct *task);

/* ---- balance ---- */

/* Where threads of a core, cores of a socket, sockets of a node, and nodes stand. Same number: same core, socket, node. */
struct cpu_topology {
	int core, socket, node;
};
#define SD_LOAD_BALANCE 0x1
#define SD_BALANCE_NEWIDLE 0x2
#define SD_BALANCE_EXEC 0x4
#define SD_BALANCE_FORK 0x8
#define SD_BALANCE_WAKE 0x10
#define SD_SHARE_CORE 0x20 /* its cpus are threads of one core */
struct sched_domain {
	const char *name;     /* SMT, CORE, SOCKET, NUMA */
	cpumask_t span;
	struct sched_domain *parent;
	unsigned weight;      /* cpus in span */
	unsigned flags;       /* SD_* */
	u64 balance_interval, min_interval, max_interval; /* ns */
	u64 next_balance, next_rotation;
	u64 nr_balanced, nr_moved, nr_rotated;
};
extern struct sched_domain sched_domains[MAX_CPUS], *top_domain; /* NULL: one cpu */
extern int nr_sched_domains;
#define SD_ALL (SD_LOAD_BALANCE | SD_BALANCE_NEWIDLE | SD_BALANCE_EXEC | SD_BALANCE_FORK | SD_BALANCE_WAKE)
/* Domains with these flags (SD_*) for the cpus of sched_init; `cpus` NULL: nothing is known about them. */
void sched_build_domains(const struct cpu_topology *cpus, unsigned flags);
/* The group of sd that the cpu is in: the domain below sd, or the cpu alone. */
cpumask_t sched_group_of(const struct sched_domain *sd, int cpu);
/* Called while cpus are busy: balances the domains whose time has come, has idle cpus pull. When it wants to be called next; NEVER. */
u64 sched_balance_tick(u64 now);
/* Takes a waiting task from another cpu; false: there is none. */
bool balance_newidle(struct rq *rq);
/* An idle cpu near the one where the task was, or a less busy one. */
int select_idle_cpu(struct task_struct *task, int near);
/* The least busy cpu, for a task that has nothing in any cache. */
int select_idlest_cpu(struct task_struct *task, unsigned sd_flag);

#endif
