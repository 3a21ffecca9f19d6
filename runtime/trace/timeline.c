// SPDX-License-Identifier: Apache-2.0
#include "runtime/trace/timeline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "runtime/trace/syscall.h"

const char *const timeline_kind_names[TIMELINE_KINDS] = { "running", "runnable", "asleep", "disk", "queue", "lock", "timer", "child", "stopped" };

#define TID_BUCKETS 65536U

/* ---- lists that grow ---- */

static void *grow(struct timeline *timeline, void **list, size_t nr, size_t *room, size_t size)
{
	if (nr == *room) {
		size_t more = *room ? *room * 2 : 16;
		void *bigger = realloc(*list, more * size);

		if (!bigger) {
			timeline->out_of_memory = true;
			return NULL;
		}
		*list = bigger;
		*room = more;
	}
	memset((char *)*list + nr * size, 0, size);
	return (char *)*list + nr * size;
}
#define APPEND(timeline, owner, member)                                                            \
	({                                                                                         \
		void *_new = grow(timeline, (void **)&(owner)->member, (owner)->nr_##member, &(owner)->room_##member, \
				  sizeof(*(owner)->member));                                       \
		if (_new)                                                                          \
			(owner)->nr_##member++;                                                    \
		(__typeof__((owner)->member))_new;                                                 \
	})

/* ---- strings ---- */

static uint32_t hash_of(const char *text)
{
	uint32_t hash = 2166136261U;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619U;
	return hash;
}

static bool rehash_strings(struct timeline *timeline)
{
	size_t size = timeline->string_hash_size ? timeline->string_hash_size * 2 : 4096;
	uint32_t *table = malloc(size * sizeof(*table));

	if (!table)
		return false;
	memset(table, 0xff, size * sizeof(*table));
	for (uint32_t i = 0; i < timeline->nr_strings; i++) {
		size_t at = hash_of(timeline->strings[i]) & (size - 1);

		while (table[at] != UINT32_MAX)
			at = (at + 1) & (size - 1);
		table[at] = i;
	}
	free(timeline->string_hash);
	timeline->string_hash = table;
	timeline->string_hash_size = size;
	return true;
}

/* The number of the string; 0, the empty one, when memory is out. */
static uint32_t intern(struct timeline *timeline, const char *text)
{
	size_t at;
	char **place;

	if (timeline->nr_strings * 2 >= timeline->string_hash_size && !rehash_strings(timeline)) {
		timeline->out_of_memory = true;
		return 0;
	}
	at = hash_of(text) & (timeline->string_hash_size - 1);
	for (; timeline->string_hash[at] != UINT32_MAX; at = (at + 1) & (timeline->string_hash_size - 1))
		if (!strcmp(timeline->strings[timeline->string_hash[at]], text))
			return timeline->string_hash[at];
	place = APPEND(timeline, timeline, strings);
	if (!place)
		return 0;
	*place = strdup(text);
	if (!*place) {
		timeline->nr_strings--;
		timeline->out_of_memory = true;
		return 0;
	}
	timeline->string_hash[at] = (uint32_t)timeline->nr_strings - 1;
	return (uint32_t)timeline->nr_strings - 1;
}

/* ---- tasks ---- */

/* Numbers are used again: the newest task of that number. */
static uint32_t find_task(struct timeline *timeline, int32_t tid, uint64_t now)
{
	uint32_t *bucket = &timeline->tid_hash[(uint32_t)tid % TID_BUCKETS];
	struct timeline_task *task;

	for (uint32_t i = *bucket; i != UINT32_MAX; i = timeline->tasks[i].next_same_tid)
		if (timeline->tasks[i].tid == tid)
			return i;
	task = APPEND(timeline, timeline, tasks);
	if (!task)
		return UINT32_MAX;
	task->tid = tid;
	task->tgid = tid;
	task->start = now;
	task->next_same_tid = *bucket;
	*bucket = (uint32_t)timeline->nr_tasks - 1;
	return *bucket;
}

static struct timeline_task *task_of(struct timeline *timeline, int32_t tid, uint64_t now)
{
	uint32_t index = tid ? find_task(timeline, tid, now) : UINT32_MAX;

	return index == UINT32_MAX ? NULL : &timeline->tasks[index];
}

/* A new task with a number that an old one had. */
static struct timeline_task *new_task(struct timeline *timeline, int32_t tid, uint64_t now)
{
	struct timeline_task *task = task_of(timeline, tid, now);
	uint32_t *bucket = &timeline->tid_hash[(uint32_t)tid % TID_BUCKETS];

	if (!task || !(task->ended || task->nr_states || task->nr_calls))
		return task;
	task = APPEND(timeline, timeline, tasks);
	if (!task)
		return NULL;
	task->tid = task->tgid = tid;
	task->start = now;
	task->next_same_tid = *bucket;
	*bucket = (uint32_t)timeline->nr_tasks - 1;
	return task;
}

static void rename_task(struct timeline_task *task, const char name[16])
{
	if (name[0])
		trace_clean(task->name, sizeof(task->name), name, 16);
}

static void end_state(struct timeline_task *task, uint64_t now)
{
	if (!task->in_state)
		return;
	task->in_state = false;
	task->states[task->nr_states - 1].end = now;
	if (task->states[task->nr_states - 1].start == now)
		task->nr_states--;
}

static struct timeline_state *begin_state(struct timeline *timeline, struct timeline_task *task, uint64_t now, enum timeline_kind kind, int cpu)
{
	struct timeline_state *state;

	end_state(task, now);
	if (cpu < 0 || (unsigned int)cpu >= timeline->nr_cpus)
		cpu = -1;
	state = APPEND(timeline, task, states);
	if (!state)
		return NULL;
	task->in_state = true;
	*state = (struct timeline_state){ .start = now, .end = now, .kind = kind, .cpu = (int16_t)cpu, .number = TRACE_NO_SYSCALL,
					  .waker = TIMELINE_NOBODY };
	return state;
}

static struct timeline_state *state_of(struct timeline_task *task) { return task->in_state ? &task->states[task->nr_states - 1] : NULL; }

static bool is_asleep(struct timeline_task *task)
{
	const struct timeline_state *state = state_of(task);

	return state && state->kind >= TIMELINE_ASLEEP;
}

static void add_mark(struct timeline *timeline, struct timeline_task *task, uint64_t now, enum timeline_mark_kind kind, const char *text)
{
	uint32_t string = intern(timeline, text);
	struct timeline_mark *mark = APPEND(timeline, task, marks);

	if (mark)
		*mark = (struct timeline_mark){ .time = now, .kind = kind, .text = string };
}

static enum timeline_kind kind_of_wait(unsigned int kind)
{
	return kind > TRACE_WAIT_NONE && kind < TRACE_WAIT_KINDS ? TIMELINE_DISK + kind - TRACE_WAIT_DISK : TIMELINE_ASLEEP;
}

/* ---- records ---- */

/* One record, with what belongs to it. */
struct step {
	struct timeline *timeline;
	const struct trace_record *record;
	unsigned int ring, nr_texts;
	uint64_t now;
	const struct trace_files *files;
};

static void object_text(const struct step *step, char *text, size_t size)
{
	char raw[256];

	*text = '\0';
	if (trace_record_text(step->record, step->nr_texts, TRACE_TEXT_OBJECT, raw, sizeof(raw)))
		trace_clean(text, size, raw, sizeof(raw));
}

static void on_task(const struct step *step, struct timeline_task *task)
{
	const struct trace_record *record = step->record;
	char text[64];

	task->tgid = record->task.tgid;
	task->parent = record->task.parent;
	rename_task(task, record->task.name);
	if (record->task.born) {
		task->born = true;
		snprintf(text, sizeof(text), task->tgid == task->tid ? "child of %d" : "thread of %d", task->tgid == task->tid ? task->parent : task->tgid);
		add_mark(step->timeline, task, step->now, TIMELINE_BIRTH, text);
		return;
	}
	/* It was so when the trace began; a second word about it can only be nonsense. */
	if (task->nr_states)
		return;
	task->start = 0;
	switch (record->small) {
	case TRACE_RUNNING:
		begin_state(step->timeline, task, 0, TIMELINE_RUNNING, record->task.cpu);
		break;
	case TRACE_RUNNABLE:
		begin_state(step->timeline, task, 0, TIMELINE_RUNNABLE, record->task.cpu);
		break;
	case TRACE_ASLEEP:
		begin_state(step->timeline, task, 0, kind_of_wait(record->task.wait_kind), record->task.cpu);
		break;
	}
}

static void on_switch(const struct step *step, struct timeline_task *task)
{
	const struct trace_record *record = step->record;
	struct timeline_task *next;

	if (task && record->small == TRACE_DEAD) {
		end_state(task, step->now);
		task->ended = true;
		task->end = step->now;
	} else if (task && record->small == TRACE_ASLEEP) {
		if (!is_asleep(task))
			begin_state(step->timeline, task, step->now, TIMELINE_ASLEEP, (int)step->ring);
	} else if (task) {
		begin_state(step->timeline, task, step->now, TIMELINE_RUNNABLE, (int)step->ring);
	}
	next = task_of(step->timeline, record->to.tid, step->now);
	if (next) {
		rename_task(next, record->to.name);
		begin_state(step->timeline, next, step->now, TIMELINE_RUNNING, (int)step->ring);
	}
}

static void on_wait(const struct step *step, struct timeline_task *task)
{
	const struct trace_record *record = step->record;
	struct timeline_state *state;
	char object[512];
	uint32_t string;

	object_text(step, object, sizeof(object));
	string = intern(step->timeline, object);
	state = is_asleep(task) ? state_of(task) : begin_state(step->timeline, task, step->now, TIMELINE_ASLEEP, -1);
	if (!state)
		return;
	state->kind = kind_of_wait(record->small);
	state->number = record->number;
	state->object = string;
	state->uninterruptible = record->wait.uninterruptible != 0;
}

static void on_wake(const struct step *step, struct timeline_task *task)
{
	uint32_t waker = step->record->wake.waker ? find_task(step->timeline, step->record->wake.waker, step->now) : TIMELINE_NOBODY;
	bool sched = step->timeline->what & RECORD_SCHED;
	struct timeline_state *state;
	int cpu = step->record->wake.to_cpu;

	/* Finding the waker may have moved the tasks. */
	task = task_of(step->timeline, step->record->tid, step->now);
	if (!task)
		return;
	state = begin_state(step->timeline, task, step->now, sched ? TIMELINE_RUNNABLE : TIMELINE_RUNNING, sched ? cpu : -1);
	if (state)
		state->waker = waker;
}

static void on_call(const struct step *step, struct timeline_task *task)
{
	struct timeline_call *call;
	char text[700];
	uint64_t start = step->record->small == TRACE_BEGUN && !task->nr_calls ? 0 : step->now;
	uint32_t string;

	trace_syscall_call(step->record, step->nr_texts, step->files, text, sizeof(text));
	string = intern(step->timeline, text);
	call = APPEND(step->timeline, task, calls);
	if (!call)
		return;
	*call = (struct timeline_call){ .start = start, .end = step->now, .number = step->record->number, .text = string };
	call->unfinished = true;
	task->in_call = true;
}

static void on_return(const struct step *step, struct timeline_task *task)
{
	const struct trace_record *record = step->record;
	struct timeline_call *call = task->in_call ? &task->calls[task->nr_calls - 1] : NULL;
	char text[128];
	uint32_t result;

	trace_syscall_result(record->number, record->result.result, text, sizeof(text));
	result = intern(step->timeline, text);
	if (!call || call->number != record->number) {
		/* Its beginning is lost, or was before ours. */
		uint64_t since = task->nr_calls ? task->calls[task->nr_calls - 1].end : 0;
		uint32_t name;

		snprintf(text, sizeof(text), "%s(...)", trace_syscall_name(record->number));
		name = intern(step->timeline, text);
		call = APPEND(step->timeline, task, calls);
		if (!call)
			return;
		*call = (struct timeline_call){ .start = since, .number = record->number, .text = name };
	}
	call->end = step->now;
	call->unfinished = false;
	call->failed = record->result.result < 0 && record->result.result >= -4095;
	call->result = result;
	task->in_call = false;
}

static void on_other(const struct step *step, struct timeline_task *task)
{
	const struct trace_record *record = step->record;
	char text[512];
	int code;

	switch (record->type) {
	case TRACE_EXEC:
		rename_task(task, record->exec.name);
		object_text(step, text, sizeof(text));
		add_mark(step->timeline, task, step->now, TIMELINE_PROGRAM, text[0] ? text : task->name);
		break;
	case TRACE_EXIT:
		code = record->exit.code;
		if (WIFSIGNALED(code))
			snprintf(text, sizeof(text), "ended by %s", trace_signal_name(WTERMSIG(code)));
		else
			snprintf(text, sizeof(text), "exited with %d", WEXITSTATUS(code));
		add_mark(step->timeline, task, step->now, TIMELINE_EXIT, text);
		break;
	case TRACE_SIGNAL:
		if (record->signal.sender > 0)
			snprintf(text, sizeof(text), "%s from %d", trace_signal_name(record->small), record->signal.sender);
		else
			snprintf(text, sizeof(text), "%s", trace_signal_name(record->small));
		add_mark(step->timeline, task, step->now, TIMELINE_SIGNAL, text);
		break;
	case TRACE_IO:
		snprintf(text, sizeof(text), "host I/O: %ld after %lu us", (long)record->io.result,
			 record->io.started < record->time ? (record->time - record->io.started) / 1000 : 0);
		add_mark(step->timeline, task, step->now, TIMELINE_IO, text);
		break;
	}
}

static void take(const struct step *step)
{
	const struct trace_record *record = step->record;
	struct timeline_task *task;
	struct timeline_loss *loss;

	if (record->type == TRACE_LOST) {
		loss = APPEND(step->timeline, step->timeline, losses);
		if (loss)
			*loss = (struct timeline_loss){ .time = step->now, .records = record->args[0], .ring = step->ring };
		return;
	}
	task = record->type == TRACE_TASK && record->task.born ? new_task(step->timeline, record->tid, step->now) :
								  task_of(step->timeline, record->tid, step->now);
	if (record->type == TRACE_SWITCH) {
		/* Both tasks must be there before one of them is pointed to. */
		if (record->to.tid)
			task_of(step->timeline, record->to.tid, step->now);
		on_switch(step, task_of(step->timeline, record->tid, step->now));
		return;
	}
	if (!task)
		return;
	switch (record->type) {
	case TRACE_TASK:
		on_task(step, task);
		break;
	case TRACE_WAKE:
		on_wake(step, task);
		break;
	case TRACE_WAIT_BEGIN:
		on_wait(step, task);
		break;
	case TRACE_SYSCALL_ENTER:
		on_call(step, task);
		break;
	case TRACE_SYSCALL_EXIT:
		on_return(step, task);
		break;
	default:
		on_other(step, task);
	}
}

static void finish_tasks(struct timeline *timeline)
{
	for (size_t i = 0; i < timeline->nr_tasks; i++) {
		struct timeline_task *task = &timeline->tasks[i];

		end_state(task, timeline->duration);
		if (!task->ended)
			task->end = timeline->duration;
		/* A call that did not return lasts until the next, or to the end. */
		for (size_t c = 0; c < task->nr_calls; c++) {
			struct timeline_call *call = &task->calls[c];
			uint64_t end = c + 1 < task->nr_calls ? call[1].start : task->end;

			if (call->unfinished && end > call->start)
				call->end = end;
		}
	}
}

/* Leaves only the tasks of one process. What points to others points to nobody. */
static void keep_only(struct timeline *timeline, int pid)
{
	uint32_t *place = malloc((timeline->nr_tasks + 1) * sizeof(*place));
	size_t kept = 0;

	if (!place) {
		timeline->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < timeline->nr_tasks; i++) {
		struct timeline_task *task = &timeline->tasks[i];

		place[i] = TIMELINE_NOBODY;
		if (task->tgid == pid) {
			place[i] = (uint32_t)kept;
			timeline->tasks[kept++] = *task;
			continue;
		}
		free(task->states);
		free(task->calls);
		free(task->marks);
	}
	timeline->nr_tasks = kept;
	for (size_t i = 0; i < kept; i++) {
		struct timeline_task *task = &timeline->tasks[i];

		for (size_t s = 0; s < task->nr_states; s++)
			if (task->states[s].waker != TIMELINE_NOBODY)
				task->states[s].waker = place[task->states[s].waker];
	}
	free(place);
}

struct timeline *timeline_build(const struct trace_log *log, int pid)
{
	struct timeline *timeline = calloc(1, sizeof(*timeline));
	struct trace_cursor cursor;
	struct step step = { .timeline = timeline };
	uint64_t last = log->start;

	if (!timeline)
		return NULL;
	timeline->tid_hash = malloc(TID_BUCKETS * sizeof(uint32_t));
	if (!timeline->tid_hash) {
		free(timeline);
		return NULL;
	}
	memset(timeline->tid_hash, 0xff, TID_BUCKETS * sizeof(uint32_t));
	timeline->nr_cpus = log->nr_cpus;
	timeline->what = log->what;
	timeline->lost = log->lost;
	intern(timeline, "");
	step.files = log->files;
	trace_cursor_init(&cursor, log);
	while (!timeline->out_of_memory && (step.record = trace_cursor_next(&cursor, UINT64_MAX, &step.ring, &step.nr_texts))) {
		last = step.record->time;
		step.now = last - log->start;
		take(&step);
	}
	timeline->duration = last - log->start;
	finish_tasks(timeline);
	if (pid)
		keep_only(timeline, pid);
	if (timeline->out_of_memory) {
		timeline_free(timeline);
		return NULL;
	}
	return timeline;
}

void timeline_free(struct timeline *timeline)
{
	if (!timeline)
		return;
	for (size_t i = 0; i < timeline->nr_tasks; i++) {
		free(timeline->tasks[i].states);
		free(timeline->tasks[i].calls);
		free(timeline->tasks[i].marks);
	}
	for (size_t i = 0; i < timeline->nr_strings; i++)
		free(timeline->strings[i]);
	free(timeline->tasks);
	free(timeline->strings);
	free(timeline->losses);
	free(timeline->string_hash);
	free(timeline->tid_hash);
	free(timeline);
}

int trace_timeline_write(struct trace_target *target, const struct trace_log *log, struct error *error)
{
	struct timeline *timeline = timeline_build(log, target->pid);
	int result = 0;

	if (!timeline)
		return fail(error, ENOMEM, "cannot make a timeline of the trace");
	if (target->format == TRACE_FORMAT_JSON)
		timeline_write_chrome(timeline, target->file);
	else if (timeline_write_page(timeline, target->title ? target->title : "a container", target->file))
		result = fail(error, ENOMEM, "cannot make a page of the trace");
	timeline_free(timeline);
	return result;
}
