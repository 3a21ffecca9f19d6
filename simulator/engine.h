/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the simulator. A simulated task has no stack: it is an instruction of its script and what is left of it, and everything
 * it does happens in virtual time on behalf of the cpu it runs on. All the rest (who runs, where, for how long) is decided
 * by the kernel's own scheduler, compiled from the same files.
 */
#ifndef SIMULATOR_ENGINE_H
#define SIMULATOR_ENGINE_H

#include "kernel/sched/internal.h"
#include "simulator/sim.h"

struct sim_cpu {
	int id;
	u64 run_end;  /* when the command that runs is over; NEVER */
	u64 tick;     /* when the scheduler wants to look at the running task; NEVER */
	u64 due;      /* the earlier one: its place in the heap of events */
	int heap_at;
	bool kicked;  /* is to call the scheduler; in the list of those */
	bool touched; /* `due` is to be computed again */
	u64 busy, busy_since;
	u64 last_tick; /* when it was due last, */
	unsigned ticks; /* and how often at that time */
};

extern const struct wait_type sim_wait_timer, sim_wait_queue;
struct sim_queue {
	struct wait_queue_head wait;
	u64 tokens;   /* wake-ups that nobody waited for */
	unsigned waiting;
};

struct sim {
	const struct scenario *scenario;
	const char *name;
	struct sim_options options;
	struct sim_error *error;
	bool failed;
	u64 now;
	u64 balance;   /* when the scheduler wants to balance next; NEVER */
	int cpu;       /* on behalf of which something happens; -1: none */
	struct sim_cpu cpus[SIM_MAX_CPUS];
	struct sim_cpu *heap[SIM_MAX_CPUS];
	int *kicked;   /* a ring of cpus */
	unsigned kicked_first, nr_kicked;
	int *touched;
	unsigned nr_touched;
	struct sim_queue *queues;
	struct task_struct **tasks;
	unsigned nr_tasks;
	u32 *copies;   /* of each type, so far */
	struct starter *starters; /* one for each type */
	struct sim_record *records;
	size_t nr_records;
	struct sim_totals totals;
};
extern struct sim sim;

/* The simulation cannot go on. `line` of the scenario; 0: none in particular. */
void sim_fail(unsigned line, const char *format, ...) __printf(2, 3);

/* events.c: the cpus, ordered by what is due first */
void events_init(void);
void events_update(struct sim_cpu *cpu);
static inline struct sim_cpu *events_first(void) { return sim.heap[0]; }

/* script.c of tasks: task.c */
struct task_struct *task_create(unsigned type, struct task_struct *parent, unsigned line); /* NULL: the simulation has failed */
void task_starts(void);               /* arms the timers that create the scenario's tasks */
/* Executes the commands of the running task that take no time, up to one that does. False: it is to call the scheduler. */
bool task_step(struct task_struct *task);
void task_shows(struct task_struct *task, enum sim_state state);

/* check.c */
void check_rules(void);
void check_switch(struct rq *rq, struct task_struct *prev, struct task_struct *next); /* just decided */
void check_end(void);


/* The C library, which these files do not see. */
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t size);
void free(void *p);
void abort(void) __noreturn;

#endif
