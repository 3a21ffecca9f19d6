/* SPDX-License-Identifier: Apache-2.0 */
/* linuxd ps */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/oci/oci.h"
#include "cli/tasks.h"
#include "commands.gen.h"
#include "runtime/control.h"
#include "runtime/host_threads.h"
#include "runtime/sandbox/sandbox.h"

struct ps {
	const char *container;
	int json;
	uint64_t flags;
};

static void print_tasks(const struct snapshot_view *view)
{
	bool color = output_has_color();
	int width = output_width();
	struct line line;

	line_start(&line, width, color);
	task_table_header(&line);
	line_end(&line, stdout);
	for (uint32_t i = 0; i < view->header->nr_tasks; i++) {
		line_start(&line, width, color);
		task_table_row(&line, view, &view->tasks[i], -1);
		line_end(&line, stdout);
	}
}

/* The sandbox's threads by the numbers of our own pid namespace, as far as they can be known. */
static void translate(struct snapshot_view *view, const struct host_thread *host, int nr)
{
	pid_t kernel_process = 0;

	for (uint32_t i = 0; i < view->header->nr_threads; i++) {
		struct snapshot_thread *thread = &view->threads[i];

		for (int j = 0; j < nr; j++) {
			if (host[j].inner_tid != thread->host_tid || host[j].pid == host[0].pid)
				continue;
			thread->host_tid = host[j].tid;
			thread->host_pid = host[j].pid;
			break;
		}
		if (!strcmp(thread->role, "aux"))
			kernel_process = thread->host_pid;
	}
	/* Its first thread was not cloned by the container's kernel, which does not know its number. */
	for (uint32_t i = 0; i < view->header->nr_threads; i++)
		if (view->threads[i].host_tid == 0)
			view->threads[i].host_tid = view->threads[i].host_pid = kernel_process;
}

/* What a host thread is for. */
static const char *purpose(const char *role)
{
	static const char *const purposes[][2] = {
		{ "cpu", "runs one task at a time, by its carriers" },
		{ "carrier", "runs tasks of its process for a cpu" },
		{ "spare", "a fresh process for the next exec" },
		{ "async", "input and output that may block" },
		{ "clock", "timers and ticks while cpus are busy" },
		{ "aux", "signals, window size, questions from the monitor" },
		{ "poll", "waits for the standard streams" },
		{ "monitor:signals", "receives signals and deaths; control socket" },
		{ "monitor:slots", "rare host operations for the kernel" },
		{ "monitor:relay", "copies a standard stream" },
		{ "monitor:memory", "watches --memory" },
	};

	for (size_t i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++)
		if (!strcmp(purposes[i][0], role))
			return purposes[i][1];
	return "";
}

static void print_thread(int width, const char *role, const char *state, const struct snapshot_thread *thread)
{
	char cpu[16] = "-", host_cpu[16] = "-", pid[16] = "-", task[16] = "-";
	struct line line;

	if (thread->cpu >= 0)
		snprintf(cpu, sizeof(cpu), "%d", thread->cpu);
	if (thread->host_cpu >= 0)
		snprintf(host_cpu, sizeof(host_cpu), "%d", thread->host_cpu);
	if (thread->mm_pid)
		snprintf(pid, sizeof(pid), "%u", thread->mm_pid);
	if (thread->task)
		snprintf(task, sizeof(task), "%u", thread->task);
	line_start(&line, width, false);
	line_put(&line, 16, role);
	line_put(&line, 10, state);
	line_printf(&line, "%8d %8d %4s %7s %7s %7s  ", thread->host_pid, thread->host_tid, cpu, host_cpu, pid, task);
	line_put(&line, 17, thread->comm[0] ? thread->comm : "-");
	line_put(&line, 0, purpose(role));
	line_end(&line, stdout);
}

static void print_threads(const struct snapshot_view *view, const struct host_thread *host, int nr)
{
	int width = output_width();

	printf("%-16s%-10s%8s %8s %4s %7s %7s %7s  %-17s%s\n", "ROLE", "STATE", "HOST-PID", "HOST-TID", "CPU", "ON-HOST", "PID", "TASK", "COMMAND",
	       "WHAT FOR");
	for (uint32_t i = 0; i < view->header->nr_threads; i++)
		print_thread(width, view->threads[i].role, view->threads[i].state, &view->threads[i]);
	for (int i = 0; i < nr; i++) {
		struct snapshot_thread thread = { .host_pid = host[i].pid, .host_tid = host[i].tid, .cpu = -1, .host_cpu = -1 };

		if (host[i].pid == host[0].pid)
			print_thread(width, host[i].tid == host[i].pid ? "monitor:signals" : host[i].comm, "-", &thread);
	}
}

static int show(const struct ps *ps, int connection, struct error *error)
{
	struct host_thread *host = NULL;
	struct snapshot_view view = { 0 };
	struct control_reply reply;
	int nr = 0, result;

	result = snapshot_take(connection, ps->flags, 0, 0, &view, error);
	if (result == 0 && ps->flags & SNAPSHOT_THREADS)
		result = control_call(connection, CONTROL_PING, NULL, &reply, NULL, error);
	if (result == 0 && ps->flags & SNAPSHOT_THREADS) {
		nr = host_threads_read((pid_t)reply.value[0], &host);
		translate(&view, host, nr);
	}
	if (result == 0 && ps->json)
		tasks_print_json(stdout, &view, ps->container, false);
	else if (result == 0 && ps->flags & SNAPSHOT_THREADS)
		print_threads(&view, host, nr);
	else if (result == 0)
		print_tasks(&view);
	snapshot_free(&view);
	free(host);
	return result;
}

static int take_option(void *request, int option, const char *value, struct error *error)
{
	struct ps *ps = request;

	if (option == PS_THREADS)
		ps->flags |= SNAPSHOT_THREADS;
	else
		ps->json = parse_format(value, error);
	return ps->json < 0 ? -1 : 0;
}

/* As callers of an OCI runtime write it: ps [--format FORMAT] ID [option of the host's ps]... */
static int ps_as_oci(const struct cli_command *command, int argc, char **argv)
{
	const char *value, *format = "table";
	struct error error = { 0 };
	int index = 2, option;

	while ((option = cli_next(command, argc, argv, &index, &value, &error)) >= 0)
		if (option == PS_FORMAT || option == PS_F)
			format = value;
	if (option == CLI_HELP) {
		cli_print_command_help(command, stdout);
		return 0;
	}
	if (option == CLI_END && index >= argc)
		fail(&error, 0, "ps: expected the id of a container");
	else if (option == CLI_END && parse_format(format, &error) >= 0)
		oci_ps(argv[index], !strcmp(format, "json"), argv + index + 1, &error);
	return oci_end(&error);
}

int command_ps(const struct cli_command *command, int argc, char **argv)
{
	struct ps ps = { .flags = SNAPSHOT_PEERS };
	struct error error = { 0 };
	int connection;

	if (oci_is_asked())
		return ps_as_oci(command, argc, argv);
	switch (cli_take_line(command, argc, argv, take_option, &ps, &ps.container, 1, "one container", &error)) {
	case CLI_HELP:
		return 0;
	case 0:
		/* Of a sandbox, what runs inside; its host processes are for callers, above. */
		if (oci_container_exists(ps.container) && !oci_container_is_sandbox(ps.container)) {
			oci_ps(ps.container, ps.json, NULL, &error);
			return oci_end(&error);
		}
		connection = control_connect(ps.container, &error);
		if (connection < 0)
			break;
		show(&ps, connection, &error);
		close(connection);
	}
	if (error.text[0])
		fprintf(stderr, "linuxd: %s\n", error.text);
	return error.text[0] ? EXIT_LINUXD : 0;
}
