// SPDX-License-Identifier: Apache-2.0
#include "runtime/trace/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "runtime/trace/syscall.h"

#define NR_BUCKETS 4096

struct known_task {
	struct known_task *next;
	int tid, tgid;
	char name[40];
	char call[600]; /* the system call it is in; "": none */
};

struct trace_text_writer {
	FILE *out;
	int pid;
	bool started;
	struct trace_cursor cursor;
	struct known_task *buckets[NR_BUCKETS];
};

static struct known_task *task_of(struct trace_text_writer *writer, int tid)
{
	struct known_task **bucket = &writer->buckets[(unsigned int)tid % NR_BUCKETS], *task;

	for (task = *bucket; task; task = task->next)
		if (task->tid == tid)
			return task;
	task = calloc(1, sizeof(*task));
	if (!task)
		abort();
	task->tid = tid;
	task->next = *bucket;
	*bucket = task;
	return task;
}

static void rename_task(struct known_task *task, const char *name)
{
	if (name[0])
		trace_clean(task->name, sizeof(task->name), name, 16);
}

static void begin(struct trace_text_writer *writer, const struct trace_log *log, const struct trace_record *record, unsigned int ring,
		  const struct known_task *task)
{
	uint64_t since = record->time - log->start;

	fprintf(writer->out, "%6lu.%06lu ", since / 1000000000, since / 1000 % 1000000);
	if (ring < log->nr_cpus)
		fprintf(writer->out, "cpu%-2u ", ring);
	else
		fputs("-     ", writer->out);
	if (task->tid > 0)
		fprintf(writer->out, "%5d %-15s  ", task->tid, task->name);
	else
		fprintf(writer->out, "    - %-15s  ", task->tid ? task->name[0] ? task->name : "(kernel)" : "(idle)");
}

static void put_duration(FILE *out, uint64_t ns)
{
	if (ns < 1000000)
		fprintf(out, "%lu.%03lu us", ns / 1000, ns % 1000);
	else
		fprintf(out, "%lu.%06lu s", ns / 1000000000, ns / 1000 % 1000000);
}

static void put_name(struct trace_text_writer *writer, int tid)
{
	const struct known_task *task = task_of(writer, tid);

	if (tid > 0)
		fprintf(writer->out, "%d %s", tid, task->name);
	else
		fprintf(writer->out, "%s", tid ? task->name[0] ? task->name : "(kernel)" : "(idle)");
}

static void put_exit(FILE *out, int code)
{
	if (WIFSIGNALED(code))
		fprintf(out, "ended by %s\n", trace_signal_name(WTERMSIG(code)));
	else
		fprintf(out, "exited with %d\n", WEXITSTATUS(code));
}

static void put_syscall_exit(struct trace_text_writer *writer, const struct trace_record *record, struct known_task *task)
{
	char result[128];

	trace_syscall_result(record->number, record->result.result, result, sizeof(result));
	fprintf(writer->out, "%s%s = %s <", task->call[0] ? task->call : trace_syscall_name(record->number), task->call[0] ? "" : "(...)", result);
	if (record->result.start)
		put_duration(writer->out, record->time - (record->result.start < record->time ? record->result.start : record->time));
	else
		fputs("since before the trace", writer->out);
	fputs(">\n", writer->out);
	task->call[0] = '\0';
}

static void put_wait(struct trace_text_writer *writer, const struct trace_record *record, unsigned int nr_texts)
{
	char raw[256], object[512] = "";

	if (trace_record_text(record, nr_texts, TRACE_TEXT_OBJECT, raw, sizeof(raw)))
		trace_clean(object, sizeof(object), raw, sizeof(raw));
	fprintf(writer->out, "waits: %s%s%s", trace_wait_name(record->small), object[0] ? ", " : "", object);
	if (record->number != TRACE_NO_SYSCALL)
		fprintf(writer->out, ", in %s", trace_syscall_name(record->number));
	fputs(record->wait.uninterruptible ? " (uninterruptible)\n" : "\n", writer->out);
}

/* Learns what the record tells of tasks; true if it is to be shown. */
static bool learn(struct trace_text_writer *writer, const struct trace_log *log, const struct trace_record *record, unsigned int nr_texts,
		  struct known_task *task)
{
	switch (record->type) {
	case TRACE_TASK:
		task->tgid = record->task.tgid;
		rename_task(task, record->task.name);
		break;
	case TRACE_EXEC:
		rename_task(task, record->exec.name);
		break;
	case TRACE_SWITCH:
		if (record->to.tid)
			rename_task(task_of(writer, record->to.tid), record->to.name);
		break;
	case TRACE_SYSCALL_ENTER:
		trace_syscall_call(record, nr_texts, log->files, task->call, sizeof(task->call));
		if (trace_syscall_returns(record->number))
			return false;
		break;
	}
	if (!writer->pid || record->type == TRACE_LOST)
		return true;
	return task->tgid == writer->pid || (record->type == TRACE_SWITCH && task_of(writer, record->to.tid)->tgid == writer->pid);
}

static void put_event(struct trace_text_writer *writer, const struct trace_record *record, unsigned int nr_texts, struct known_task *task)
{
	FILE *out = writer->out;
	char raw[256], clean[512];

	switch (record->type) {
	case TRACE_LOST:
		fprintf(out, "--- %lu records lost: they came faster than they were read ---\n", record->args[0]);
		break;
	case TRACE_TASK:
		if (record->task.born)
			fprintf(out, "born, a %s of %d\n", record->task.tgid == record->tid ? "child" : "thread",
				record->task.tgid == record->tid ? record->task.parent : record->task.tgid);
		else
			fprintf(out, "is there, process %d, child of %d\n", record->task.tgid, record->task.parent);
		break;
	case TRACE_EXEC:
		clean[0] = '\0';
		if (trace_record_text(record, nr_texts, TRACE_TEXT_OBJECT, raw, sizeof(raw)))
			trace_clean(clean, sizeof(clean), raw, sizeof(raw));
		fprintf(out, clean[0] ? "runs %s\n" : "is called so now\n", clean);
		break;
	case TRACE_EXIT:
		put_exit(out, record->exit.code);
		break;
	case TRACE_SWITCH:
		fprintf(out, "%s, next is ",
			!record->tid ? "ends" : record->small == TRACE_RUNNABLE ? "preempted" : record->small == TRACE_DEAD ? "gone" : "sleeps");
		put_name(writer, record->to.tid);
		fputc('\n', out);
		break;
	case TRACE_WAKE:
		fputs("woken", out);
		if (record->wake.waker)
			fputs(" by ", out), put_name(writer, record->wake.waker);
		fprintf(out, ", to cpu %d", record->wake.to_cpu);
		if (record->wake.since && record->wake.since < record->time)
			fputs(", slept ", out), put_duration(out, record->time - record->wake.since);
		fputc('\n', out);
		break;
	case TRACE_MIGRATE:
		fprintf(out, "moved from cpu %d to cpu %d\n", record->wake.from_cpu, record->wake.to_cpu);
		break;
	case TRACE_HANDOFF:
		fprintf(out, "gets the cpu handed over to host process %d%s\n", record->handoff.host_pid, record->handoff.woken ? ", idle elsewhere" : "");
		break;
	case TRACE_SYSCALL_ENTER:
		fprintf(out, "%s\n", task->call);
		task->call[0] = '\0';
		break;
	case TRACE_SYSCALL_EXIT:
		put_syscall_exit(writer, record, task);
		break;
	case TRACE_WAIT_BEGIN:
		put_wait(writer, record, nr_texts);
		break;
	case TRACE_SIGNAL:
		fprintf(out, "gets %s", trace_signal_name(record->small));
		fprintf(out, record->signal.sender > 0 ? " from %d\n" : "\n", record->signal.sender);
		break;
	case TRACE_IO:
		fprintf(out, "host I/O by an async thread = %ld <", record->io.result);
		put_duration(out, record->io.started < record->time ? record->time - record->io.started : 0);
		fputs(">\n", out);
		break;
	}
}

struct trace_text_writer *trace_text_new(FILE *out, int pid)
{
	struct trace_text_writer *writer = calloc(1, sizeof(*writer));

	if (writer) {
		writer->out = out;
		writer->pid = pid;
	}
	return writer;
}

void trace_text_write(struct trace_text_writer *writer, struct trace_log *log, uint64_t before)
{
	const struct trace_record *record;
	unsigned int ring, nr_texts;

	if (!writer->started)
		trace_cursor_init(&writer->cursor, log);
	writer->started = true;
	while ((record = trace_cursor_next(&writer->cursor, before, &ring, &nr_texts))) {
		struct known_task *task = task_of(writer, record->tid);

		if (!learn(writer, log, record, nr_texts, task))
			continue;
		begin(writer, log, record, ring, task);
		put_event(writer, record, nr_texts, task);
	}
	trace_log_drop(log, &writer->cursor);
	fflush(writer->out);
}

void trace_text_end(struct trace_text_writer *writer, struct trace_log *log)
{
	trace_text_write(writer, log, UINT64_MAX);
	for (int i = 0; i < NR_BUCKETS; i++) {
		while (writer->buckets[i]) {
			struct known_task *task = writer->buckets[i];

			if (task->call[0] && (!writer->pid || task->tgid == writer->pid))
				fprintf(writer->out, "%13s %5s %5d %-15s  %s ... when the trace ended\n", "-", "", task->tid, task->name, task->call);
			writer->buckets[i] = task->next;
			free(task);
		}
	}
	if (log->lost)
		fprintf(writer->out, "--- %lu records lost in all ---\n", log->lost);
	fflush(writer->out);
	free(writer);
}
