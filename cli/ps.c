/* SPDX-License-Identifier: Apache-2.0 */
/* linuxd ps */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "commands.gen.h"
#include "runtime/control.h"
#include "runtime/sandbox/sandbox.h"
#include "runtime/snapshot.h"

/* Names are the container's: nothing in them may act on the terminal. */
static const char *clean(char *text)
{
	for (char *at = text; *at; at++)
		if (!isprint((unsigned char)*at))
			*at = '?';
	return text;
}

static void print_task(const struct snapshot *header, struct snapshot_task *task)
{
	double since = task->since && task->since < header->now ? (header->now - task->since) / 1e9 : 0;

	printf("%7u %7u %c%c %3d %-8s %3d %9.3f %9.3f %-6s %9.3f %-16s %s\n", task->tgid, task->tid, task->state, task->running ? '*' : ' ',
	       task->cpu, clean(task->policy), task->nice, task->run / 1e9, task->ready / 1e9, task->kind[0] ? clean(task->kind) : "-",
	       since, task->call[0] ? clean(task->call) : "-", clean(task->comm));
}

static int print(const char *container, struct error *error)
{
	struct snapshot_view view = { 0 };
	int connection = control_connect(container, error), result;

	if (connection < 0)
		return -1;
	result = snapshot_take(connection, 0, &view, error);
	close(connection);
	if (result == 0) {
		printf("%7s %7s %-2s %3s %-8s %3s %9s %9s %-6s %9s %-16s %s\n", "PID", "TID", "ST", "CPU", "CLASS", "NI", "RUN", "READY",
		       "WAIT", "SINCE", "CALL", "COMMAND");
		for (uint32_t i = 0; i < view.header->nr_tasks; i++)
			print_task(view.header, &view.tasks[i]);
	}
	snapshot_free(&view);
	return result;
}

int command_ps(const struct cli_command *command, int argc, char **argv)
{
	struct error error = { 0 };
	const char *value;
	int index = 2, option;

	option = cli_next(command, argc, argv, &index, &value, &error);
	if (option == CLI_HELP) {
		cli_print_command_help(command, stdout);
		return 0;
	}
	if (option == CLI_END && index + 1 != argc) {
		fail(&error, 0, "ps: expected one container");
		fail_remedy(&error, "usage: linuxd ps CONTAINER; \"linuxd list\" shows them");
	} else if (option == CLI_END) {
		print(argv[index], &error);
	}
	if (error.text[0])
		fprintf(stderr, "linuxd: %s\n", error.text);
	return error.text[0] ? EXIT_LINUXD : 0;
}
