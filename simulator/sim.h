/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator as its writers and its command see it: play a scenario, then ask what happened.
 * Included by both sides, so it names nothing of the kernel's and nothing of the C library's.
 */
#ifndef SIMULATOR_SIM_H
#define SIMULATOR_SIM_H

#include "simulator/scenario.h"

enum sim_state {
	SIM_STATE_NONE,     /* not there yet, or not any more */
	SIM_STATE_RUNNING,
	SIM_STATE_RUNNABLE, /* waits for a cpu */
	SIM_STATE_SLEEPING, /* waits for a time */
	SIM_STATE_WAITING,  /* waits in a queue */
	SIM_NR_STATES,
};
extern const char *const sim_state_names[SIM_NR_STATES];

/* From `time` on the task is in `state`; on `cpu` if it is running. In the order of time. */
struct sim_record {
	uint64_t time;
	uint32_t task;
	uint16_t cpu;
	uint8_t state;
	uint32_t queue; /* WAITING: which */
};

struct sim_task_info {
	uint32_t type, copy;
	int policy, nice, priority;
	uint64_t runtime, vruntime;
	uint64_t waited;        /* runnable, not running */
	uint64_t latency_max, latency_sum, latency_count; /* from a wake-up to running */
	uint64_t switches, migrations;
	enum sim_state state;
};

struct sim_cpu_info {
	uint64_t busy, switches;
};

struct sim_options {
	bool record; /* keep the records */
	bool check;  /* look after every event whether the rules of the scheduler hold */
	/* Called at every multiple of the scenario's `sample`, after all that happens at that time. */
	int (*sample)(void *arg, uint64_t now);
	void *arg;
};

struct sim_totals {
	uint64_t events, switches, wakeups, migrations;
	uint64_t end; /* simulated time */
};

/* Plays it. 0, or -1 with the error set: the scenario asks for something impossible, or (check) a rule was broken. Once per process. */
int sim_run(const struct scenario *scenario, const char *name, const struct sim_options *options, struct sim_error *ret_error);
void sim_free(void); /* what happened is forgotten */
unsigned sim_nr_tasks(void);
void sim_task_info(unsigned task, struct sim_task_info *ret_info);
void sim_cpu_info(unsigned cpu, struct sim_cpu_info *ret_info);
void sim_totals(struct sim_totals *ret_totals);
const struct sim_record *sim_records(size_t *ret_count);
/* An assertion of the scheduler did not hold; to be defined by the program, does not return. */
void sim_panicked(const char *text) __attribute__((noreturn));
/* "spinner", or "spinner.17" for one of many. */
#define SIM_TASK_TEXT 48
const char *sim_task_name(const struct scenario *scenario, unsigned task, char *text);

#endif
