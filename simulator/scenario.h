/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenarios: what the simulator is asked to play. docs/schedsim.md describes the language; scenario_parse() reads it.
 * Included by both sides of the simulator: those that see the kernel's headers and those that see the C library's.
 */
#ifndef SIMULATOR_SCENARIO_H
#define SIMULATOR_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_MAX_CPUS 1024
#define SIM_MAX_TASKS 1000000 /* alive at a time */
#define SIM_MAX_DEPTH 8       /* loops inside of each other */
#define SIM_NAME 32           /* with its NUL */

struct sim_cpus {
	uint64_t bits[SIM_MAX_CPUS / 64];
};
static inline bool sim_cpus_has(const struct sim_cpus *cpus, unsigned cpu) { return cpus->bits[cpu / 64] >> (cpu % 64) & 1; }
static inline void sim_cpus_add(struct sim_cpus *cpus, unsigned cpu) { cpus->bits[cpu / 64] |= 1ULL << (cpu % 64); }

enum sim_op {
	SIM_RUN,    /* a .. b ns on a cpu */
	SIM_SLEEP,  /* a .. b ns */
	SIM_UNTIL,  /* sleeps until the time a */
	SIM_WAIT,   /* for queue a */
	SIM_WAKE,   /* queue a; b waiters, 0: all that wait now */
	SIM_LOOP,   /* a times, 0: for ever; b: index of its END */
	SIM_END,    /* a: index of its LOOP; for a script as a whole there is no LOOP, but an EXIT */
	SIM_FORK,   /* a child of template a */
	SIM_YIELD,
	SIM_EXEC,
	SIM_NICE,   /* a: the nice value + 20 */
	SIM_POLICY, /* a: index into policies */
	SIM_CPUS,   /* a: index into masks */
	SIM_EXIT,
};

struct sim_instruction {
	enum sim_op op;
	bool sync; /* WAKE: the waker sleeps soon */
	unsigned line;
	uint64_t a, b;
};

/* As sched_setattr(2) has it. */
struct sim_policy {
	int policy; /* SCHED_* */
	int nice, priority;
	uint64_t runtime, deadline, period;
};

struct sim_task_type {
	char name[SIM_NAME];
	unsigned line;
	unsigned count;   /* how many of it */
	bool template;    /* none is there at first: tasks fork it */
	uint64_t start;   /* of the first */
	uint64_t every;   /* between the starts of two */
	bool has_policy;  /* else a child has its parent's */
	struct sim_policy policy;
	int cpus;         /* index into masks; -1: all */
	unsigned first;   /* instruction */
};

/* cpu = ((node * sockets + socket) * cores + core) * threads + thread */
struct sim_topology {
	unsigned nodes, sockets, cores, threads; /* each: in one of the level above */
};

/* Nanoseconds. The names in the language are in parse.c. */
struct sim_settings {
	uint64_t latency, min_granularity, wakeup_granularity;
	uint64_t rt_period, rt_runtime;
	uint64_t tick; /* 0: the scheduler looks at the running task exactly when it wants to */
	uint64_t balance_min, balance_max;
};

struct scenario {
	unsigned cpus;
	struct sim_topology topology;
	struct sim_settings settings;
	uint64_t until;  /* when the simulation ends */
	uint64_t sample; /* between two rows of the table; 0: none */
	uint64_t seed;   /* of times given as a range */
	struct sim_task_type *types;
	unsigned nr_types;
	struct sim_instruction *code;
	unsigned nr_code;
	struct sim_policy *policies;
	unsigned nr_policies;
	struct sim_cpus *masks;
	unsigned nr_masks;
	char (*queues)[SIM_NAME];
	unsigned nr_queues;
};

/* FILE:LINE: what is wrong, why, and what to write instead. */
struct sim_error {
	char text[512];
};

/* Reads a scenario from `text`; `name` is for messages. 0, or -1 with *ret_error set. */
int scenario_parse(const char *name, const char *text, size_t size, struct scenario **ret_scenario, struct sim_error *ret_error);
void scenario_free(struct scenario *scenario); /* NULL is fine */
/* The scenario in its own language; parsing what it prints gives the same scenario again. To be freed; NULL: out of memory. */
char *scenario_print(const struct scenario *scenario);

/* 1500000 -> "1.5ms": in the largest unit of which it is at least one. */
#define SIM_TIME_TEXT 32
const char *sim_time_text(char *text, uint64_t ns);
/* "1.5ms" -> 1500000; false: no time. */
bool sim_time_parse(const char *text, uint64_t *ret_ns);

#endif
