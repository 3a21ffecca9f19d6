/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When each step of a start began and ended, for --boot-chart. boot_run() (graph.h) writes down its steps; whatever is no graph yet marks its parts
 * with boot_mark_begin and boot_mark_end. The record is in memory that is shared with processes forked later, so that these can write into it, too.
 * All functions take NULL for "nobody wants to know", and then do nothing.
 *
 * Times are of CLOCK_REALTIME: the others are different in a time namespace.
 */
#ifndef RUNTIME_BOOT_RECORD_H
#define RUNTIME_BOOT_RECORD_H

#include <stdint.h>

#include "runtime/error.h"

#define BOOT_MAX_MARKS 128

/* Who runs a step: see graph.h. */
enum boot_lane { BOOT_CALLER, BOOT_PROCESS, BOOT_KERNEL /* a sandbox's, inside: in no graph of ours */ };
enum boot_state { BOOT_RUNNING, BOOT_DONE, BOOT_FAILED };

struct boot_mark {
	char name[40];
	int32_t lane, state;
	int64_t begin, end;    /* ns; end is 0 while it runs */
};

struct boot_record {
	int64_t origin;        /* when it was made */
	int32_t nr;            /* may be above BOOT_MAX_MARKS: the rest is lost */
	struct boot_mark marks[BOOT_MAX_MARKS];
};

/* NULL with @error set. */
struct boot_record *boot_record_new(struct error *error);
void boot_record_free(struct boot_record *record);

int64_t boot_now(void);

/* The mark's number, for boot_mark_end. Several processes may. */
int boot_mark_begin(struct boot_record *record, const char *name, enum boot_lane lane);
/* One that somebody else has taken the times of. */
void boot_mark_add(struct boot_record *record, const char *name, enum boot_lane lane, int64_t begin, int64_t end);
void boot_mark_end(struct boot_record *record, int mark, enum boot_state state);

/* chart.c: draws the record as SVG: a bar for each step on a common axis, in the colour of its lane, with its time. Written as a whole. */
int boot_chart_write(const struct boot_record *record, const char *path, const char *title, struct error *error);

#endif
