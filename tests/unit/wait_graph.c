/* SPDX-License-Identifier: Apache-2.0 */
// sources: runtime/wait_graph.c runtime/snapshot.c runtime/error.c
// flags: -D_GNU_SOURCE
/* Who is stuck: circles, chains into circles, alternatives, time-outs, threads. */
#include "tests/unit/check.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/control.h"
#include "runtime/wait_graph.h"

int control_call(int connection, uint32_t kind, const uint64_t argument[4], struct control_reply *ret_reply, int *ret_fd,
		 struct error *error)
{
	return -1;
}

static struct snapshot_task tasks[16];
static struct snapshot_peer peers[16];
static struct snapshot header;

static void begin(void)
{
	header = (struct snapshot){ .magic = SNAPSHOT_MAGIC, .version = SNAPSHOT_VERSION, .now = 1000 };
}

/* wait NULL: it runs. */
static struct snapshot_task *task(uint32_t tid, uint32_t tgid, const char *wait)
{
	struct snapshot_task *new = &tasks[header.nr_tasks++];

	*new = (struct snapshot_task){ .tid = tid, .tgid = tgid, .state = wait ? 'S' : 'R', .since = wait ? 10 : 0, .until = UINT64_MAX };
	strcpy(new->wait, wait ? wait : "");
	return new;
}

static void peer(uint32_t waiter, uint32_t tid, const char *role)
{
	struct snapshot_peer *new = &peers[header.nr_peers++];

	*new = (struct snapshot_peer){ .waiter = waiter, .tid = tid };
	strcpy(new->role, role);
}

/* The tids that are stuck, as a bit mask; and the length of the circle from @from on. */
static unsigned int stuck(uint32_t from, int *ret_circle)
{
	size_t t = header.nr_tasks * sizeof(tasks[0]), p = header.nr_peers * sizeof(peers[0]);
	char *memory = malloc(sizeof(header) + t + p);
	const struct snapshot_task *circle[8];
	struct snapshot_view view;
	struct wait_graph graph;
	struct error error = { 0 };
	unsigned int mask = 0;

	memcpy(memory, &header, sizeof(header));
	memcpy(memory + sizeof(header), tasks, t);
	memcpy(memory + sizeof(header) + t, peers, p);
	CHECK(snapshot_parse(memory, sizeof(header) + t + p, &view, &error) == 0);
	CHECK(wait_graph_make(&view, &graph, &error) == 0);
	for (uint32_t i = 0; i < view.header->nr_tasks; i++)
		mask |= wait_graph_stuck(&graph, &view.tasks[i]) << view.tasks[i].tid;
	*ret_circle = wait_graph_circle(&graph, snapshot_task(&view, from), circle, 8);
	wait_graph_free(&graph);
	snapshot_free(&view);
	return mask;
}

static void circles(void)
{
	int circle;

	begin();
	task(1, 1, "file lock");
	task(2, 2, "file lock");
	task(3, 3, "pipe read");
	task(4, 4, NULL);
	peer(1, 2, "holder");
	peer(2, 1, "holder");
	peer(3, 1, "peer"); /* leads into the circle */
	CHECK(stuck(1, &circle) == 0xe && circle == 2);
	CHECK(stuck(3, &circle) == 0xe && circle == 2);
	CHECK(stuck(4, &circle) == 0xe && circle == 0);
	/* One way out frees all. */
	peer(2, 4, "holder");
	CHECK(stuck(1, &circle) == 0 && circle == 0);
}

static void not_stuck(void)
{
	int circle;

	begin();
	task(1, 1, "file lock")->until = 5000;
	task(2, 2, "file lock");
	peer(1, 2, "holder");
	peer(2, 1, "holder");
	CHECK(stuck(1, &circle) == 0);
	tasks[0].until = UINT64_MAX;
	CHECK(stuck(1, &circle) == 6);
	tasks[0].flags = SNAPSHOT_TASK_MORE_PEERS;
	CHECK(stuck(1, &circle) == 0);
	tasks[0].flags = 0;
	strcpy(tasks[0].wait, "poll");
	CHECK(stuck(1, &circle) == 0);
	strcpy(tasks[0].wait, "file lock");
	peers[0].tid = 77; /* somebody whom the snapshot does not show */
	CHECK(stuck(1, &circle) == 0);
	begin();
	task(1, 1, "pipe read"); /* nobody known */
	CHECK(stuck(1, &circle) == 0 && circle == 0);
}

/* A pipe's other end belongs to a process: any thread may use it. A mutex's holder is one thread. */
static void threads(void)
{
	int circle;

	begin();
	task(1, 1, "pipe read");
	task(2, 2, "pipe read");
	task(3, 2, NULL);
	peer(1, 2, "peer");
	peer(2, 1, "peer");
	CHECK(stuck(1, &circle) == 0);
	strcpy(tasks[2].wait, "pipe read");
	tasks[2].since = 10;
	peer(3, 1, "peer");
	CHECK(stuck(1, &circle) == 0xe && circle == 2);
	begin();
	task(1, 1, "futex");
	task(2, 1, "futex");
	task(3, 1, NULL);
	peer(1, 2, "holder?");
	peer(2, 1, "holder?");
	CHECK(stuck(1, &circle) == 6 && circle == 2);
	/* A thread of its own process holds the other end too. */
	begin();
	task(1, 1, "pipe read");
	task(2, 1, NULL);
	task(3, 3, "pipe read");
	peer(1, 3, "peer");
	peer(3, 1, "peer");
	CHECK(stuck(1, &circle) == 0);
}

int main(void)
{
	circles();
	not_stuck();
	threads();
	return 0;
}
