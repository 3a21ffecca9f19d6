/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who waits for whom. A waiting task can go on when one of its peers does something, or when its time-out passes. A task that is waiting, without a
 * time-out, for peers that are all stuck themselves is stuck for ever: a deadlock, unless a signal breaks it up. Only waits that nobody but the
 * known peers can end count: not poll, which may also wait for the outside, nor a FIFO that anybody can still open.
 */
#ifndef RUNTIME_WAIT_GRAPH_H
#define RUNTIME_WAIT_GRAPH_H

#include <stdbool.h>

#include "runtime/snapshot.h"

struct wait_graph {
	const struct snapshot_view *view;
	bool *stuck; /* by place in view->tasks */
};

/* 0, or -1 with @error set (memory). */
int wait_graph_make(const struct snapshot_view *view, struct wait_graph *ret_graph, struct error *error);
void wait_graph_free(struct wait_graph *graph);
bool wait_graph_stuck(const struct wait_graph *graph, const struct snapshot_task *task);

/*
 * The circle that a stuck task is in or leads to: stores up to @max tasks, each waiting for the next and the last for the first. Returns how many,
 * 0 if @task is not stuck or the circle is longer than @max.
 */
int wait_graph_circle(const struct wait_graph *graph, const struct snapshot_task *task, const struct snapshot_task **circle, int max);

/* Can a peer of @task act by any thread of its process? The holder of a mutex cannot. */
bool wait_graph_peers_are_processes(const struct snapshot_task *task);

#endif
