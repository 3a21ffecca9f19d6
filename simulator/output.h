/* SPDX-License-Identifier: Apache-2.0 */
/* The writers: each prints what was played in one form. */
#ifndef SIMULATOR_OUTPUT_H
#define SIMULATOR_OUTPUT_H

#include <stdio.h>

#include "simulator/sim.h"

struct output {
	FILE *file;
	const struct scenario *scenario;
	const char *title;  /* the scenario's file name */
	uint64_t from, to;  /* the part that drawings and traces show */
	unsigned rows;      /* at most this many cpus, and tasks, in a drawing */
};

/* Table: a row at every sample, called while the simulation runs. */
int table_begin(struct output *output, struct sim_error *ret_error); /* -1: too many tasks for a table */
int table_row(void *output, uint64_t now);

void summary_write(struct output *output);
void json_write(struct output *output);
void svg_write(struct output *output);
void trace_write(struct output *output);

/* A stretch of one task's life, cut to output->from .. output->to. */
struct interval {
	uint32_t task;
	enum sim_state state;
	unsigned cpu;   /* RUNNING */
	uint32_t queue; /* WAITING */
	uint64_t from, to;
};
/* Calls `each` for every interval, in the order in which they end. */
void intervals_each(struct output *output, void (*each)(void *arg, const struct interval *interval), void *arg);

#define MS_TEXT 40
const char *ms_text(char *text, uint64_t ns); /* milliseconds, exact: "12.5" */
void json_string(FILE *file, const char *text);

#endif
