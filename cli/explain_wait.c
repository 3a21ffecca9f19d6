/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linuxd explain-wait: from a task to what it ends up waiting for.
 *
 * Below each waiting task stand those who could end its wait; where there are several, any of them might do. Exit status 0, or 3 if the task can
 * never go on because of a circle (deadlock).
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/tasks.h"
#include "commands.gen.h"
#include "runtime/control.h"
#include "runtime/json.h"
#include "runtime/sandbox/sandbox.h"
#include "runtime/wait_graph.h"

#define EXIT_DEADLOCK 3
#define PEERS_NS 1000000000UL /* the kernel may look for peers so long: the answer is to be complete */
#define MAX_DEPTH 64
#define MAX_CIRCLE 64

struct explain {
	const char *container;
	unsigned long tid;
	int json;
	struct snapshot_view view;
	struct wait_graph graph;
	bool *shown; /* by place in view.tasks */
	bool color;
	int steps;
};

/* ---- one step ---- */

/* Of a task that does not wait for another: what ends its wait. NULL: nothing is to be said. */
static const char *the_end(const struct snapshot_task *task)
{
	if (!task->since || !task->kind[0])
		return NULL;
	if (task->flags & SNAPSHOT_TASK_NO_PEERS)
		return "the container's kernel took too long to look for those who could end this";
	if (!strcmp(task->kind, "disk"))
		return "ends when the host's disk has answered";
	if (!strcmp(task->kind, "timer") || task->until != UINT64_MAX)
		return "ends by itself";
	if (!strcmp(task->kind, "stop"))
		return "ends when it is continued (SIGCONT)";
	return "nobody in the container is known who could end this: it waits for the outside, or for a signal";
}

static void put_task(struct line *line, const struct explain *explain, const struct snapshot_task *task)
{
	char duration[DURATION_SIZE];

	line_printf(line, "%u ", task->tid);
	line_color(line, "1");
	line_put(line, 0, task->comm);
	line_color(line, NULL);
	if (task->since) {
		line_printf(line, ", for %s: ", format_duration(time_since(explain->view.header, task->since), duration));
		task_put_wait(line, &explain->view, task, false);
	} else if (task->state == 'R' && !task->running) {
		line_printf(line, ": ready, waits for its turn on cpu %d", task->cpu);
	} else if (task->state == 'R') {
		line_printf(line, ": running on cpu %d", task->cpu);
	} else {
		line_printf(line, ": %s", task_state_word(task));
	}
}

static void print_step(struct explain *explain, const struct snapshot_task *task, int depth, const char *role, bool again)
{
	bool leaf;
	struct line line;
	uint32_t nr;

	if (explain->json) {
		printf("%s\n  {\"depth\": %d, \"role\": ", explain->steps++ ? "," : "", depth);
		if (role)
			json_string(stdout, role);
		else
			fputs("null", stdout);
		printf(", \"again\": %s, \"stuck\": %s, \"task\": ", again ? "true" : "false",
		       wait_graph_stuck(&explain->graph, task) ? "true" : "false");
		task_print_json(stdout, &explain->view, task);
		putchar('}');
		return;
	}
	line_start(&line, 0, explain->color);
	for (int i = 0; i < depth; i++)
		line_put(&line, 0, i + 1 < depth ? "   " : "`- ");
	if (role) {
		line_put(&line, 0, role);
		line_put(&line, 0, " ");
	}
	put_task(&line, explain, task);
	if (again)
		line_put(&line, 0, " (see above)");
	line_end(&line, stdout);
	snapshot_peers(&explain->view, task, &nr);
	leaf = nr == 0 && the_end(task);
	if (leaf && !again) {
		line_start(&line, 0, explain->color);
		for (int i = 0; i < depth; i++)
			line_put(&line, 0, "   ");
		line_put(&line, 0, "`- ");
		line_put(&line, 0, the_end(task));
		line_end(&line, stdout);
	}
}

static void walk(struct explain *explain, const struct snapshot_task *task, int depth, const char *role)
{
	bool *shown = &explain->shown[task - explain->view.tasks], again = *shown;
	const struct snapshot_peer *peers;
	uint32_t nr;

	print_step(explain, task, depth, role, again);
	if (again || depth == MAX_DEPTH)
		return;
	*shown = true;
	peers = snapshot_peers(&explain->view, task, &nr);
	for (uint32_t i = 0; i < nr; i++) {
		const struct snapshot_task *other = snapshot_task(&explain->view, peers[i].tid);

		if (!other)
			continue;
		walk(explain, other, depth + 1, peers[i].role);
		/* A process can act by any of its threads. */
		for (uint32_t j = 0; j < explain->view.header->nr_tasks && wait_graph_peers_are_processes(task); j++) {
			const struct snapshot_task *thread = &explain->view.tasks[j];

			if (thread->tgid == other->tid && thread != other)
				walk(explain, thread, depth + 1, "or its thread");
		}
	}
}

static bool print_circle(const struct explain *explain, const struct snapshot_task *task)
{
	const struct snapshot_task *circle[MAX_CIRCLE];
	int nr = wait_graph_circle(&explain->graph, task, circle, MAX_CIRCLE);
	struct line line;

	if (explain->json) {
		printf("], \"deadlock\": %s", nr ? "[" : "null}\n");
		for (int i = 0; i < nr; i++)
			printf("%s%u", i ? ", " : "", circle[i]->tid);
		if (nr)
			puts("]}");
		return nr > 0;
	}
	if (!nr)
		return wait_graph_stuck(&explain->graph, task);
	line_start(&line, 0, explain->color);
	line_color(&line, "1;31");
	line_put(&line, 0, "deadlock: ");
	for (int i = 0; i < nr; i++) {
		line_printf(&line, "%u ", circle[i]->tid);
		line_put(&line, 0, circle[i]->comm);
		line_put(&line, 0, " waits for ");
	}
	line_printf(&line, "%u", circle[0]->tid);
	for (int i = 0; i < nr; i++) {
		if (strcmp(circle[i]->wait, "futex"))
			continue;
		line_put(&line, 0, " (if the C library's mutexes tell the truth about who holds them)");
		break;
	}
	line_end(&line, stdout);
	return true;
}

/* Returns the exit status. */
static int print(struct explain *explain, struct error *error)
{
	const struct snapshot_task *task = snapshot_task(&explain->view, explain->tid);

	if (!task) {
		fail(error, 0, "container %s has no task %lu", explain->container, explain->tid);
		fail_remedy(error, "\"linuxd ps %s\" shows its tasks; their numbers are those inside the container", explain->container);
		return EXIT_LINUXD;
	}
	explain->color = output_has_color();
	explain->shown = calloc(explain->view.header->nr_tasks, sizeof(bool));
	if (!explain->shown || wait_graph_make(&explain->view, &explain->graph, error)) {
		fail(error, 0, "out of memory");
		return EXIT_LINUXD;
	}
	if (explain->json) {
		fputs("{\"container\": ", stdout);
		json_string(stdout, explain->container);
		printf(", \"tid\": %lu, \"chain\": [", explain->tid);
	}
	walk(explain, task, 0, NULL);
	return print_circle(explain, task) ? EXIT_DEADLOCK : 0;
}

static int take_format(void *request, int option, const char *value, struct error *error)
{
	struct explain *explain = request;

	explain->json = parse_format(value, error);
	return explain->json < 0 ? -1 : 0;
}

static int take_line(const struct cli_command *command, struct explain *explain, int argc, char **argv, struct error *error)
{
	const char *arguments[2];
	int result = cli_take_line(command, argc, argv, take_format, explain, arguments, 2, "a container and the number of a task in it", error);

	if (result)
		return result;
	explain->container = arguments[0];
	if (parse_number(arguments[1], 1, UINT32_MAX, &explain->tid))
		return fail(error, 0, "explain-wait: %s is no number of a task", arguments[1]);
	return 0;
}

int command_explain_wait(const struct cli_command *command, int argc, char **argv)
{
	struct explain explain = { 0 };
	struct error error = { 0 };
	int connection, result = EXIT_LINUXD;

	switch (take_line(command, &explain, argc, argv, &error)) {
	case CLI_HELP:
		return 0;
	case 0:
		connection = control_connect(explain.container, &error);
		if (connection >= 0 && snapshot_take(connection, SNAPSHOT_PEERS, PEERS_NS, (uint32_t)explain.tid, &explain.view, &error) == 0)
			result = print(&explain, &error);
		if (connection >= 0)
			close(connection);
	}
	if (error.text[0])
		fprintf(stderr, "linuxd: %s\n", error.text);
	wait_graph_free(&explain.graph);
	free(explain.shown);
	snapshot_free(&explain.view);
	return result;
}
