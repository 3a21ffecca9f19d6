/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/wait_graph.h"

#include <stdlib.h>
#include <string.h>

/* Waits that only their peers can end; and whether a peer stands for its whole process. */
static const struct {
	const char *wait;
	bool processes;
} closed[] = {
	{ "pipe read", true }, { "pipe write", true }, { "file lock", true }, { "child", true }, { "vfork", true }, { "futex", false },
	{ "PI futex", false }, { "mutex", false }, { "exec", false },
};

static int find_closed(const struct snapshot_task *task)
{
	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
		if (!strcmp(closed[i].wait, task->wait))
			return i;
	return -1;
}

bool wait_graph_peers_are_processes(const struct snapshot_task *task)
{
	int which = find_closed(task);

	return which < 0 || closed[which].processes;
}

static uint32_t place(const struct wait_graph *graph, const struct snapshot_task *task)
{
	return task - graph->view->tasks;
}

bool wait_graph_stuck(const struct wait_graph *graph, const struct snapshot_task *task)
{
	return graph->stuck[place(graph, task)];
}

/* A thread of the process that is not known to be stuck; without one, @leader itself if it lives, or any: where the circle goes on. NULL: none lives. */
static const struct snapshot_task *thread_of(const struct wait_graph *graph, const struct snapshot_task *leader)
{
	const struct snapshot_task *stuck = NULL;

	for (uint32_t i = 0; i < graph->view->header->nr_tasks; i++) {
		const struct snapshot_task *task = &graph->view->tasks[i];

		if (task->tgid != leader->tgid || task->state == 'Z' || task->state == 'X')
			continue;
		if (!graph->stuck[i])
			return task;
		if (!stuck || task == leader)
			stuck = task;
	}
	return stuck;
}

/* Who is to act for @task to go on, of those that @peer stands for; NULL if the snapshot does not show it. */
static const struct snapshot_task *actor(const struct wait_graph *graph, const struct snapshot_task *task, const struct snapshot_peer *peer)
{
	const struct snapshot_task *other = snapshot_task(graph->view, peer->tid);

	return other && wait_graph_peers_are_processes(task) ? thread_of(graph, other) : other;
}

static bool may_go_on(const struct wait_graph *graph, const struct snapshot_task *task)
{
	uint32_t nr;
	const struct snapshot_peer *peers = snapshot_peers(graph->view, task, &nr);

	for (uint32_t i = 0; i < nr; i++) {
		const struct snapshot_task *other = actor(graph, task, &peers[i]);

		/* What the snapshot does not show may do anything. */
		if (!other || !graph->stuck[place(graph, other)])
			return true;
	}
	/* What a process has open all its threads have. */
	return wait_graph_peers_are_processes(task) && !graph->stuck[place(graph, thread_of(graph, task))];
}

/* At first every task that only its peers can wake counts as stuck; then those come free that have a peer that is not. */
int wait_graph_make(const struct snapshot_view *view, struct wait_graph *ret_graph, struct error *error)
{
	uint32_t nr = view->header->nr_tasks;
	bool changed;

	*ret_graph = (struct wait_graph){ .view = view, .stuck = calloc(nr ? nr : 1, sizeof(bool)) };
	if (!ret_graph->stuck)
		return fail(error, 0, "out of memory");
	for (uint32_t i = 0; i < nr; i++) {
		const struct snapshot_task *task = &view->tasks[i];
		uint32_t nr_peers;

		snapshot_peers(view, task, &nr_peers);
		ret_graph->stuck[i] = task->since && task->until == UINT64_MAX && nr_peers && find_closed(task) >= 0 && task->state != 'Z' &&
				      task->state != 'X' && !(task->flags & SNAPSHOT_TASK_MORE_PEERS);
	}
	do {
		changed = false;
		for (uint32_t i = 0; i < nr; i++) {
			if (!ret_graph->stuck[i] || !may_go_on(ret_graph, &view->tasks[i]))
				continue;
			ret_graph->stuck[i] = false;
			changed = true;
		}
	} while (changed);
	return 0;
}

void wait_graph_free(struct wait_graph *graph)
{
	free(graph->stuck);
	graph->stuck = NULL;
}

/* Whoever is stuck waits for somebody who is: following that leads into a circle. */
int wait_graph_circle(const struct wait_graph *graph, const struct snapshot_task *task, const struct snapshot_task **circle, int max)
{
	int nr = 0;

	while (task && wait_graph_stuck(graph, task)) {
		uint32_t nr_peers;
		const struct snapshot_peer *peers = snapshot_peers(graph->view, task, &nr_peers);

		for (int i = 0; i < nr; i++) {
			if (circle[i] != task)
				continue;
			memmove(circle, circle + i, (nr - i) * sizeof(*circle));
			return nr - i;
		}
		if (nr == max)
			return 0;
		circle[nr++] = task;
		task = nr_peers ? actor(graph, task, &peers[0]) : NULL;
	}
	return 0;
}
