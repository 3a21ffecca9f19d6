// SPDX-License-Identifier: Apache-2.0
/*
 * A trace for Perfetto (ui.perfetto.dev) and chrome://tracing: a process "cpus" whose threads are the cpus, with a slice for each task
 * that ran, and a process "tasks" with a slice for each state of each task. Times are microseconds, exact to the nanosecond.
 */
#include "simulator/output.h"

struct trace {
	struct output *output;
	bool some; /* written */
};

static void begin_event(struct trace *trace)
{
	fputs(trace->some ? ",\n" : "\n", trace->output->file);
	trace->some = true;
}

static void name_thread(struct trace *trace, int process, unsigned thread, const char *name)
{
	FILE *file = trace->output->file;

	begin_event(trace);
	fprintf(file, "{\"ph\":\"M\",\"pid\":%d,\"tid\":%u,\"name\":\"thread_name\",\"args\":{\"name\":", process, thread);
	json_string(file, name);
	fprintf(file, "}},\n{\"ph\":\"M\",\"pid\":%d,\"tid\":%u,\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":%u}}", process, thread, thread);
}

static void name_process(struct trace *trace, int process, const char *name)
{
	begin_event(trace);
	fprintf(trace->output->file, "{\"ph\":\"M\",\"pid\":%d,\"name\":\"process_name\",\"args\":{\"name\":\"%s\"}}", process, name);
	begin_event(trace);
	fprintf(trace->output->file, "{\"ph\":\"M\",\"pid\":%d,\"name\":\"process_sort_index\",\"args\":{\"sort_index\":%d}}", process, process);
}

static void slice(struct trace *trace, int process, unsigned thread, const char *name, const struct interval *at)
{
	FILE *file = trace->output->file;
	uint64_t length = at->to - at->from;

	begin_event(trace);
	fprintf(file, "{\"ph\":\"X\",\"pid\":%d,\"tid\":%u,\"ts\":%llu.%03llu,\"dur\":%llu.%03llu,\"cat\":\"%s\",\"name\":", process, thread,
		(unsigned long long)at->from / 1000, (unsigned long long)at->from % 1000, (unsigned long long)length / 1000,
		(unsigned long long)length % 1000, process ? "state" : "cpu");
	json_string(file, name);
	if (process && at->state == SIM_STATE_RUNNING)
		fprintf(file, ",\"args\":{\"cpu\":%u}", at->cpu);
	if (process && at->state == SIM_STATE_WAITING) {
		fprintf(file, ",\"args\":{\"queue\":");
		json_string(file, trace->output->scenario->queues[at->queue]);
		fputc('}', file);
	}
	fputc('}', file);
}

static void one_interval(void *arg, const struct interval *at)
{
	struct trace *trace = arg;
	char name[SIM_TASK_TEXT];

	if (at->state == SIM_STATE_RUNNING)
		slice(trace, 0, at->cpu, sim_task_name(trace->output->scenario, at->task, name), at);
	slice(trace, 1, at->task, sim_state_names[at->state], at);
}

void trace_write(struct output *output)
{
	struct trace trace = { .output = output };
	char name[SIM_TASK_TEXT];

	fprintf(output->file, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[");
	name_process(&trace, 0, "cpus");
	name_process(&trace, 1, "tasks");
	for (unsigned i = 0; i < output->scenario->cpus; i++) {
		snprintf(name, sizeof(name), "cpu %u", i);
		name_thread(&trace, 0, i, name);
	}
	for (unsigned i = 0; i < sim_nr_tasks(); i++)
		name_thread(&trace, 1, i, sim_task_name(output->scenario, i, name));
	intervals_each(output, one_interval, &trace);
	fprintf(output->file, "\n]}\n");
}
