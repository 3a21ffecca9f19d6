/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/wait_graph.h"

#include <stdlib.h>
#include <string.h>

bool wait_graph_peer_is_process(const struct snapshot_peer *peer)
{
	return strncmp(peer->role, "holder", 6) != 0;
}

static uint32_t place(const struct wait_graph *graph, const struct snapshot_task *task)
{
	return task - graph->view->tasks;
}

bool wait_graph_stuck(const struct wait_graph *graph, const struct snapshot_task *task)
{
	return graph->stuck[place(graph, task)];
}

/* A thread of the process that is not known to be stuck; without one, a stuck one: where the circle goes on. NULL: there is none. */
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

/* Whom @peer waits on to act; NULL if nobody known can. */
static const struct snapshot_task *actor(const struct wait_graph *graph, const struct snapshot_peer *peer)
{
	const struct snapshot_task *task = snapshot_task(graph->view, peer->tid);

	if (task && graph->stuck[place(graph, task)] && wait_graph_peer_is_process(peer))
		return thread_of(graph, task);
	return task;
}

static bool may_go_on(const struct wait_graph *graph, const struct snapshot_task *task)
{
	uint32_t nr;
	const struct snapshot_peer *peers = snapshot_peers(graph->view, task, &nr);

	for (uint32_t i = 0; i < nr; i++) {
		const struct snapshot_task *other = actor(graph, &peers[i]);

		/* What the snapshot does not show may do anything. */
		if (!other || !graph->stuck[place(graph, other)])
			return true;
	}
	return false;
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
		ret_graph->stuck[i] = task->since && task->until == UINT64_MAX && nr_peers && !(task->flags & SNAPSHOT_TASK_MORE_PEERS);
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
		task = nr_peers ? actor(graph, &peers[0]) : NULL;
	}
	return 0;
}
