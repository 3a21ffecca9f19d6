/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator's tasks. The scheduler's files find this header in place of the kernel's; of struct task_struct they use only
 * what stands above `number` (kernel/sched/platform.h).
 */
#ifndef SIMULATOR_FAKE_TASK_H
#define SIMULATOR_FAKE_TASK_H

#include "kernel/kernel.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/wait.h"
#include "kernel/time/timer.h"
#include "simulator/scenario.h"

struct task_struct {
	unsigned state; /* TASK_* */
	struct sched_task sched;
	const struct wait_type *block_type;
	const void *block_object;
	u64 block_start, block_until;

	u32 number;      /* in the order of creation */
	u32 type;        /* of the scenario */
	u32 copy;        /* of its type, from 0 */
	unsigned pc;     /* the instruction that runs, or is next */
	bool busy;       /* in the middle of a `run` */
	unsigned depth;
	u32 rounds[SIM_MAX_DEPTH]; /* of the loops it is in, still to come */
	u64 left;        /* of the `run`, when it was put on its cpu */
	u64 on_cpu_since;
	u64 random;
	struct ktimer timer;           /* of a sleep */
	struct wait_queue_entry waits; /* in a queue */
	u64 instant;     /* the time of its last instruction, */
	unsigned steps;  /* and how many it has executed in that instant */

	/* For the summary, and for the rules that the simulator checks. */
	u8 shown;        /* enum sim_state of its last record */
	u64 ready_since; /* runnable, not running */
	u64 woken_at;    /* a wake-up that has not led to running; 0: none */
	u64 latency_max, latency_sum, latency_count;
	u64 waited;
	u64 beside_idle_since;  /* runnable while a cpu it may use was idle; NEVER: not so */
	u64 beside_lower_since; /* a real-time task, runnable while a cpu it may use ran something less important */
	u64 longest_period;     /* of the fair tasks it waits among */
	bool yields;            /* leaves its cpu by itself */
	u32 nr_yields;
	u64 slice_runtime;      /* SCHED_RR: its CPU time when a time slice ended last */
	u64 dl_deadline, dl_runtime; /* SCHED_DEADLINE: its deadline, and its CPU time when it got that */
	u64 fair_runtime, fair_vruntime; /* of both, when the company on its cpu changed last */
};

extern struct task_struct *sim_current;
#define current sim_current

#endif
