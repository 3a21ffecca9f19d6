/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/boot/graph.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum progress { WAITING, RUNNING, DONE, FAILED };

struct boot {
	const struct boot_step *steps;
	int nr;
	void *context;
	enum boot_order order;
	struct boot_record *record;
	struct error *error;   /* of the step `failed`; others are forgotten */
	uint32_t after[BOOT_MAX_STEPS];
	int marks[BOOT_MAX_STEPS];
	enum progress progress[BOOT_MAX_STEPS];
	int completed[BOOT_MAX_STEPS], nr_completed; /* in the order in which they are to be undone backwards */
	int failed;            /* the first of the table that did; -1: none */
};

enum boot_order boot_order_wanted(void)
{
	const char *wanted = getenv("LINUXD_BOOT");

	return wanted && !strcmp(wanted, "sequential") ? BOOT_SEQUENTIAL : BOOT_SIDE_BY_SIDE;
}

/* ---- the table ---- */

static int find(const struct boot *boot, const char *name, size_t length)
{
	for (int i = 0; i < boot->nr; i++)
		if (strlen(boot->steps[i].name) == length && !memcmp(boot->steps[i].name, name, length))
			return i;
	return -1;
}

/* That each comes after those it names keeps circles out, too. */
static int read_table(struct boot *boot, struct error *error)
{
	if (boot->nr > BOOT_MAX_STEPS)
		return fail(error, EINVAL, "boot graph: %d steps", boot->nr);
	for (int i = 0; i < boot->nr; i++) {
		const struct boot_step *step = &boot->steps[i];

		if (find(boot, step->name, strlen(step->name)) != i)
			return fail(error, EINVAL, "boot graph: %s: there twice", step->name);
		if ((step->lane == BOOT_PROCESS) != !!step->finish)
			return fail(error, EINVAL, "boot graph: %s: finish goes with the lane of another process", step->name);
		for (const char *at = step->after; at && *at; at += strspn(at, " ")) {
			size_t length = strcspn(at, " ");
			int other = find(boot, at, length);

			if (other < 0)
				return fail(error, EINVAL, "boot graph: %s: after %.*s, which there is not", step->name, (int)length, at);
			if (other >= i)
				return fail(error, EINVAL, "boot graph: %s: after %.*s, which comes later", step->name, (int)length, at);
			boot->after[i] |= 1U << other;
			at += length;
		}
	}
	return 0;
}

/* ---- a step ---- */

static void complete(struct boot *boot, int i, int result, const struct error *error)
{
	const struct boot_step *step = &boot->steps[i];

	boot_mark_end(boot->record, boot->marks[i], result ? BOOT_FAILED : BOOT_DONE);
	boot->progress[i] = result ? FAILED : DONE;
	if (!result || (step->flags & (BOOT_UNDO_PARTIAL | BOOT_TEMPORARY)))
		boot->completed[boot->nr_completed++] = i;
	if (result && (boot->failed < 0 || i < boot->failed)) {
		boot->failed = i;
		*boot->error = *error;
	}
}

static void finish(struct boot *boot, int i)
{
	struct error error = { 0 };
	int result = boot->steps[i].finish(boot->context, &error);

	complete(boot, i, result, &error);
}

static void run(struct boot *boot, int i)
{
	const struct boot_step *step = &boot->steps[i];
	struct error error = { 0 };
	int result;

	boot->progress[i] = RUNNING;
	boot->marks[i] = boot_mark_begin(boot->record, step->name, step->lane);
	result = step->run(boot->context, &error);
	if (result || !step->finish)
		complete(boot, i, result, &error);
	else if (boot->order == BOOT_SEQUENTIAL)
		finish(boot, i);
	/* Else another process is at it now. */
}

/* ---- all ---- */

/* The first step of a lane in a state, of those whose predecessors are through; -1: none. */
static int first(const struct boot *boot, enum boot_lane lane, enum progress progress)
{
	for (int i = 0; i < boot->nr; i++) {
		bool ready = boot->steps[i].lane == lane && boot->progress[i] == progress;

		for (int j = 0; ready && j < boot->nr; j++)
			ready = !(boot->after[i] & 1U << j) || boot->progress[j] == DONE;
		if (ready)
			return i;
	}
	return -1;
}

/* The other processes are set going before the caller gets busy itself. False: there is nothing left to do. */
static bool advance(struct boot *boot)
{
	int step = -1;

	if (boot->failed < 0) {
		step = first(boot, BOOT_PROCESS, WAITING);
		if (step < 0)
			step = first(boot, BOOT_CALLER, WAITING);
	}
	if (step >= 0) {
		run(boot, step);
		return true;
	}
	step = first(boot, BOOT_PROCESS, RUNNING);
	if (step >= 0)
		finish(boot, step);
	return step >= 0;
}

static void run_in_order(struct boot *boot)
{
	for (int i = 0; i < boot->nr && boot->failed < 0; i++)
		run(boot, i);
}

int boot_run(const struct boot_step *steps, int nr, void *context, enum boot_order order, struct boot_record *record, struct error *error)
{
	struct boot boot = { .steps = steps, .nr = nr, .context = context, .order = order, .record = record, .error = error, .failed = -1 };

	if (read_table(&boot, error))
		return -1;
	if (order == BOOT_SEQUENTIAL)
		run_in_order(&boot);
	else
		while (advance(&boot))
			;
	while (boot.nr_completed-- > 0) {
		const struct boot_step *step = &steps[boot.completed[boot.nr_completed]];

		if (step->undo && (boot.failed >= 0 || (step->flags & BOOT_TEMPORARY)))
			step->undo(context);
	}
	return boot.failed >= 0 ? -1 : 0;
}
