/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/boot/graph.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum progress { WAITING, RUNNING, DONE, FAILED };

struct job {
	struct boot *boot;
	int step;
};

struct boot {
	const struct boot_step *steps;
	int nr;
	void *context;
	enum boot_order order;
	struct boot_record *record;
	struct error *error;   /* of the step `failed`; others are forgotten */
	uint32_t after[BOOT_MAX_STEPS];
	int marks[BOOT_MAX_STEPS];
	pthread_mutex_t lock;  /* of what follows */
	pthread_cond_t changed;
	enum progress progress[BOOT_MAX_STEPS];
	int completed[BOOT_MAX_STEPS], nr_completed; /* in the order in which they are to be undone backwards */
	int failed;            /* the first of the table that did; -1: none */
	/* The caller's own. */
	pthread_t threads[BOOT_MAX_STEPS];
	struct job jobs[BOOT_MAX_STEPS];
	uint32_t has_thread;   /* bit i: threads[i] is to be joined */
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
	pthread_mutex_lock(&boot->lock);
	boot->progress[i] = result ? FAILED : DONE;
	if (!result || (step->flags & (BOOT_UNDO_PARTIAL | BOOT_TEMPORARY)))
		boot->completed[boot->nr_completed++] = i;
	if (result && (boot->failed < 0 || i < boot->failed)) {
		boot->failed = i;
		*boot->error = *error;
	}
	pthread_cond_signal(&boot->changed);
	pthread_mutex_unlock(&boot->lock);
}

static void begin(struct boot *boot, int i)
{
	boot->progress[i] = RUNNING;
	boot->marks[i] = boot_mark_begin(boot->record, boot->steps[i].name, boot->steps[i].lane);
}

static void run_here(struct boot *boot, int i)
{
	const struct boot_step *step = &boot->steps[i];
	struct error error = { 0 };
	int result = step->run(boot->context, &error);

	/* Another process is at it now. */
	if (result == 0 && step->finish && boot->order == BOOT_SIDE_BY_SIDE)
		return;
	if (result == 0 && step->finish)
		result = step->finish(boot->context, &error);
	complete(boot, i, result, &error);
}

static void finish(struct boot *boot, int i)
{
	struct error error = { 0 };
	int result = boot->steps[i].finish(boot->context, &error);

	complete(boot, i, result, &error);
}

static void *thread(void *argument)
{
	struct job *job = argument;
	struct error error = { 0 };
	int result = job->boot->steps[job->step].run(job->boot->context, &error);

	complete(job->boot, job->step, result, &error);
	return NULL;
}

/* Where no thread can be made, the caller does it. */
static void run_in_thread(struct boot *boot, int i)
{
	pthread_attr_t attributes;
	int result;

	boot->jobs[i] = (struct job){ boot, i };
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, BOOT_STACK);
	result = pthread_create(&boot->threads[i], &attributes, thread, &boot->jobs[i]);
	pthread_attr_destroy(&attributes);
	if (result)
		run_here(boot, i);
	else
		boot->has_thread |= 1U << i;
}

/* Threads whose step is through; with @wait, waits for one if there are any. */
static void join_threads(struct boot *boot, bool wait)
{
	uint32_t ended = 0;

	pthread_mutex_lock(&boot->lock);
	do {
		for (int i = 0; i < boot->nr; i++)
			if ((boot->has_thread & 1U << i) && boot->progress[i] != RUNNING)
				ended |= 1U << i;
	} while (wait && boot->has_thread && !ended && pthread_cond_wait(&boot->changed, &boot->lock) == 0);
	pthread_mutex_unlock(&boot->lock);
	for (int i = 0; i < boot->nr; i++)
		if (ended & 1U << i)
			pthread_join(boot->threads[i], NULL);
	boot->has_thread &= ~ended;
}

/* ---- all ---- */

/* The first step of a lane in a state, of those whose predecessors are through; -1: none. Called with the lock. */
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

/* What is to be begun next: other lanes are set going before the caller gets busy itself. */
static int choose(struct boot *boot, int *ret_running)
{
	int step = -1;

	pthread_mutex_lock(&boot->lock);
	*ret_running = first(boot, BOOT_PROCESS, RUNNING);
	if (boot->failed < 0)
		step = first(boot, BOOT_PROCESS, WAITING);
	if (boot->failed < 0 && step < 0)
		step = first(boot, BOOT_THREAD, WAITING);
	if (boot->failed < 0 && step < 0)
		step = first(boot, BOOT_CALLER, WAITING);
	pthread_mutex_unlock(&boot->lock);
	return step;
}

/* False: there is nothing left to do. */
static bool advance(struct boot *boot)
{
	int running, step;

	join_threads(boot, false);
	step = choose(boot, &running);
	if (step >= 0 && (boot->steps[step].flags & BOOT_FORKS) && boot->has_thread) {
		join_threads(boot, true);
	} else if (step >= 0) {
		begin(boot, step);
		if (boot->steps[step].lane == BOOT_THREAD)
			run_in_thread(boot, step);
		else
			run_here(boot, step);
	} else if (boot->has_thread) {
		/* What comes after it may keep us busy while the other process works on. */
		join_threads(boot, true);
	} else if (running >= 0) {
		finish(boot, running);
	} else {
		return false;
	}
	return true;
}

static void run_in_order(struct boot *boot)
{
	for (int i = 0; i < boot->nr && boot->failed < 0; i++) {
		begin(boot, i);
		run_here(boot, i);
	}
}

int boot_run(const struct boot_step *steps, int nr, void *context, enum boot_order order, struct boot_record *record, struct error *error)
{
	struct boot boot = { .steps = steps, .nr = nr, .context = context, .order = order, .record = record, .error = error, .failed = -1 };

	if (read_table(&boot, error))
		return -1;
	pthread_mutex_init(&boot.lock, NULL);
	pthread_cond_init(&boot.changed, NULL);
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
	pthread_cond_destroy(&boot.changed);
	pthread_mutex_destroy(&boot.lock);
	return boot.failed >= 0 ? -1 : 0;
}
