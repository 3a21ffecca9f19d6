// SPDX-License-Identifier: Apache-2.0
/*
 * A timeline in the trace event format that chrome://tracing and Perfetto read: a process "CPUs" with a thread for each cpu, and the
 * container's processes, whose threads show states, and within them system calls. Wake-ups are arrows.
 */
#include <inttypes.h>

#include "runtime/json.h"
#include "runtime/trace/syscall.h"
#include "runtime/trace/timeline.h"

/* Numbers of their own for what is no process: Perfetto takes 0 for the idle task. */
#define CPUS_PROCESS 2000000000
#define KERNEL_PROCESS 2000000001

struct writer {
	FILE *out;
	bool more;
};

static void begin(struct writer *writer, const char *phase, const char *category, int pid, int tid, uint64_t time)
{
	fprintf(writer->out, "%s\n{\"ph\": \"%s\", \"cat\": \"%s\", \"pid\": %d, \"tid\": %d, \"ts\": %" PRIu64 ".%03u", writer->more ? "," : "", phase,
		category, pid, tid, time / 1000, (unsigned int)(time % 1000));
	writer->more = true;
}

static void put_text(struct writer *writer, const char *key, const char *text)
{
	fprintf(writer->out, ", \"%s\": ", key);
	json_string(writer->out, text);
}

static void put_length(struct writer *writer, uint64_t ns)
{
	fprintf(writer->out, ", \"dur\": %" PRIu64 ".%03u", ns / 1000, (unsigned int)(ns % 1000));
}

static void name_track(struct writer *writer, const char *what, int pid, int tid, const char *name)
{
	begin(writer, "M", "__metadata", pid, tid, 0);
	put_text(writer, "name", what);
	fputs(", \"args\": {\"name\": ", writer->out);
	json_string(writer->out, name);
	fputs("}}", writer->out);
}

static int process_of(const struct timeline_task *task) { return task->tid < 0 ? KERNEL_PROCESS : task->tgid; }
static int thread_of(const struct timeline_task *task) { return task->tid < 0 ? task->tid & INT32_MAX : task->tid; }

static void write_state(struct writer *writer, const struct timeline *timeline, const struct timeline_task *task, size_t index, uint64_t *arrows)
{
	const struct timeline_state *state = &task->states[index];

	begin(writer, "X", "state", process_of(task), thread_of(task), state->start);
	put_length(writer, state->end - state->start);
	put_text(writer, "name", timeline_kind_names[state->kind]);
	fprintf(writer->out, ", \"args\": {\"cpu\": %d", state->cpu);
	if (state->object)
		put_text(writer, "object", timeline->strings[state->object]);
	if (state->number != TRACE_NO_SYSCALL)
		put_text(writer, "call", trace_syscall_name(state->number));
	fputs("}}", writer->out);
	if (state->kind == TIMELINE_RUNNING && state->cpu >= 0) {
		begin(writer, "X", "cpu", CPUS_PROCESS, state->cpu + 1, state->start);
		put_length(writer, state->end - state->start);
		put_text(writer, "name", task->name[0] ? task->name : "?");
		fprintf(writer->out, ", \"args\": {\"tid\": %d}}", task->tid);
	}
	if (state->waker != TIMELINE_NOBODY) {
		const struct timeline_task *waker = &timeline->tasks[state->waker];

		begin(writer, "s", "wake", process_of(waker), thread_of(waker), state->start);
		fprintf(writer->out, ", \"id\": %" PRIu64 ", \"name\": \"wakes\"}", ++*arrows);
		begin(writer, "f", "wake", process_of(task), thread_of(task), state->start);
		fprintf(writer->out, ", \"id\": %" PRIu64 ", \"bp\": \"e\", \"name\": \"wakes\"}", *arrows);
	}
}

/* Calls have a track of their own: a task that is preempted in the middle of one would not nest. */
static void write_call(struct writer *writer, const struct timeline *timeline, const struct timeline_task *task, const struct timeline_call *call)
{
	begin(writer, "b", "syscall", process_of(task), thread_of(task), call->start);
	fprintf(writer->out, ", \"id\": \"%d.%" PRIu64 "\"", task->tid, call->start);
	put_text(writer, "name", trace_syscall_name(call->number));
	fputs(", \"args\": {\"call\": ", writer->out);
	json_string(writer->out, timeline->strings[call->text]);
	put_text(writer, "result", call->unfinished ? "has not returned" : timeline->strings[call->result]);
	fputs("}}", writer->out);
	begin(writer, "e", "syscall", process_of(task), thread_of(task), call->end);
	fprintf(writer->out, ", \"id\": \"%d.%" PRIu64 "\"", task->tid, call->start);
	put_text(writer, "name", trace_syscall_name(call->number));
	fputs("}", writer->out);
}

static void write_task(struct writer *writer, const struct timeline *timeline, const struct timeline_task *task, uint64_t *arrows)
{
	static const char *const names[TIMELINE_MARK_KINDS] = { "born", "program", "signal", "exit", "host I/O" };

	if (task->tid == task->tgid || task->tid < 0)
		name_track(writer, "process_name", process_of(task), thread_of(task), task->tid < 0 ? "linuxd kernel threads" : task->name);
	name_track(writer, "thread_name", process_of(task), thread_of(task), task->name[0] ? task->name : "?");
	for (size_t i = 0; i < task->nr_states; i++)
		write_state(writer, timeline, task, i, arrows);
	for (size_t i = 0; i < task->nr_calls; i++)
		write_call(writer, timeline, task, &task->calls[i]);
	for (size_t i = 0; i < task->nr_marks; i++) {
		begin(writer, "i", "event", process_of(task), thread_of(task), task->marks[i].time);
		put_text(writer, "name", names[task->marks[i].kind]);
		fputs(", \"s\": \"t\", \"args\": {\"text\": ", writer->out);
		json_string(writer->out, timeline->strings[task->marks[i].text]);
		fputs("}}", writer->out);
	}
}

void timeline_write_chrome(const struct timeline *timeline, FILE *out)
{
	struct writer writer = { .out = out };
	uint64_t arrows = 0;
	char name[32];

	fprintf(out, "{\"displayTimeUnit\": \"ns\", \"otherData\": {\"lostRecords\": %" PRIu64 "}, \"traceEvents\": [", timeline->lost);
	name_track(&writer, "process_name", CPUS_PROCESS, 0, "CPUs");
	for (unsigned int cpu = 0; cpu < timeline->nr_cpus; cpu++) {
		snprintf(name, sizeof(name), "CPU %u", cpu);
		name_track(&writer, "thread_name", CPUS_PROCESS, (int)cpu + 1, name);
	}
	for (size_t i = 0; i < timeline->nr_tasks; i++)
		write_task(&writer, timeline, &timeline->tasks[i], &arrows);
	for (size_t i = 0; i < timeline->nr_losses; i++) {
		begin(&writer, "i", "lost", CPUS_PROCESS, (int)timeline->losses[i].ring + 1, timeline->losses[i].time);
		fprintf(out, ", \"s\": \"g\", \"name\": \"%" PRIu64 " records lost\"}", timeline->losses[i].records);
	}
	fputs("\n]}\n", out);
}
