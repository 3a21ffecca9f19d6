/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cpus and the host threads that carry them.
 *
 * Each cpu has one active carrier: the host thread that runs its tasks, or idles for it. A task runs only on a carrier of its
 * own mm; to switch to a task of another mm the active carrier hands the cpu to a carrier of that mm and parks.
 *
 * An mm has at least min(number of tasks, number of cpus) carriers, so there is always one that is parked or idle.
 */
#ifndef KERNEL_SCHED_CARRIER_H
#define KERNEL_SCHED_CARRIER_H

#include "kernel/trace/stats.h"
#include "kernel/task/task.h"

struct rq;

enum { CPU_BUSY, CPU_SLEEPING, CPU_POLLING };
enum { CARRIER_PARKED, CARRIER_ACTIVE, CARRIER_WORK, CARRIER_DIE };

struct cpu {
	int id;
	int host_cpu;            /* -1: any */
	struct rq *rq;
	struct carrier *active;
	atomic_uint idle_word; /* futex: CPU_SLEEPING while the idle carrier sleeps on it, CPU_POLLING while it looks at it all the time */
	u64 poll_ns;             /* how long it looks before it sleeps */
	u64 woken_at;            /* when it was last woken from sleep */
	u64 last_idle_ns;
	u64 handovers_since;     /* CLOCK_MONOTONIC, ns */
	u32 handovers;           /* synchronous wake-ups of other address spaces since one was last tried on another cpu */
	u32 handovers_until_try;
	bool tick;               /* why the active carrier was interrupted */
	u64 last_tick;
	struct kernel_stats *stats;
};
extern struct cpu cpus[MAX_CPUS];

/* Runs this carrier for ever: kernel lock not held. */
void carrier_main(struct carrier *carrier) __noreturn;
/* A carrier block for mm; NULL when out of memory. */
struct carrier *carrier_alloc(struct mm_struct *mm);
/* Clones a host thread in the calling address space for `carrier`: 0 or -errno. Drops the kernel lock. */
int carrier_clone_thread(struct carrier *carrier);
/* Clones a host process; `carrier` (of another mm) is its first thread. Host pid or -errno. Drops the kernel lock. */
int carrier_clone_process(struct carrier *carrier);
/* Enough carriers for one more task in current's mm. */
int mm_reserve_carrier(struct mm_struct *mm);
bool carrier_can_run(struct carrier *carrier, struct task_struct *task);
/* Has a parked or idle carrier of mm call fn(arg) without the kernel lock; waits. -ESRCH if mm has no carrier any more. */
int mm_run_on_carrier(struct mm_struct *mm, void (*fn)(void *arg), void *arg);
void mm_do_work(struct mm_struct *mm);
/* A cpu may have something to run: end its idle sleep. */
void cpu_wake_idle(struct cpu *cpu);
/* The address space ends: all its host threads leave. */
void mm_release_carriers(struct mm_struct *mm);
/* Sends a preemption signal to whatever runs on cpu. */
void cpu_preempt(struct cpu *cpu);
bool cpu_is_idle(struct cpu *cpu);
/* A preemption signal arrived: rotate if needed. Kernel lock held. */
void sched_interrupt(void);
void sched_task_starts(void);
u64 sched_tick_period(void);
/* Called by the clock thread: ticks what needs it; returns when it wants to be called again (NEVER: not). */
u64 sched_clock_tick(u64 now);
void sched_init_cpus(int n);

#endif
