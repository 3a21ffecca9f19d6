/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asynchronous initialisation: the steps that bring something up, as a graph, run side by side where nothing forbids it.
 *
 * A step names those that must have come before it. The table's order is one in which they could run one after the other, and the order of
 * importance of their errors. Two lanes:
 *
 *	BOOT_CALLER    by the calling thread, in the order of the table
 *	BOOT_PROCESS   by another process that is there already: run() only sets it going, finish() waits until it is through
 *
 *	caller    host --> groups --> spawn --> admit --> limits -----------> keep
 *	process                                      \--> root ..... join --/        (native mode, much simplified)
 *
 * The caller has no threads: the child of a clone without exec would inherit locks of the C library that another thread holds for ever.
 *
 * If a step fails, nothing new begins; what runs is waited for (errors joined: of several, the one that stands first in the table is reported), and
 * what has been done is undone in the opposite order in which it was completed. What a step that failed has made itself it removes itself, unless
 * it says BOOT_UNDO_PARTIAL.
 *
 * Rules for steps:
 *	- run() and finish() return 0, or -1 with the error set. finish() must not wait for what another step has yet to do: that is a dependency.
 *	- undo() is called when nothing runs any more, and cannot fail.
 *	- No two steps of BOOT_PROCESS run in the same process at the same time: let one come after the other.
 *
 * Nothing here knows what is being brought up. tests/unit/boot_graph.c runs every failure of a graph of made-up steps.
 */
#ifndef RUNTIME_BOOT_GRAPH_H
#define RUNTIME_BOOT_GRAPH_H

#include "runtime/boot/record.h"
#include "runtime/error.h"

#define BOOT_MAX_STEPS 32

enum boot_flag {
	BOOT_UNDO_PARTIAL = 1, /* undo is also called when the step itself failed: it knows how much there is */
	BOOT_TEMPORARY = 2,    /* what it makes is needed until all is up: undone also then. Includes BOOT_UNDO_PARTIAL */
};

struct boot_step {
	const char *name;      /* unique; no spaces */
	enum boot_lane lane;
	unsigned int flags;
	const char *after;     /* names separated by spaces; NULL: nothing has to be there */
	int (*run)(void *context, struct error *error);
	int (*finish)(void *context, struct error *error); /* BOOT_PROCESS only */
	void (*undo)(void *context); /* NULL: leaves nothing */
};

enum boot_order {
	BOOT_SIDE_BY_SIDE,
	BOOT_SEQUENTIAL,       /* the table from top to bottom, each step finished before the next: for comparison, and to find out what a fault depends on */
};

/* What the environment asks for: LINUXD_BOOT=sequential. */
enum boot_order boot_order_wanted(void);

/*
 * Runs them all. 0, or -1 with @error set and everything undone. A table that is none (a name twice, one that is not there, a step that comes
 * before one of those it comes after, more than BOOT_MAX_STEPS) is an error before anything runs. @record may be NULL.
 */
int boot_run(const struct boot_step *steps, int nr, void *context, enum boot_order order, struct boot_record *record, struct error *error);

#endif
