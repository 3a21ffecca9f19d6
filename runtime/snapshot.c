/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/control.h"

#define END(field) ((field)[sizeof(field) - 1] = '\0')

static void end_strings(struct snapshot_view *view)
{
	for (uint32_t i = 0; i < view->header->nr_tasks; i++) {
		struct snapshot_task *task = &view->tasks[i];

		END(task->class);
		END(task->policy);
		END(task->kind);
		END(task->call);
		END(task->comm);
		END(task->wait);
		END(task->object);
	}
	for (uint32_t i = 0; i < view->header->nr_peers; i++)
		END(view->peers[i].role);
	for (uint32_t i = 0; i < view->header->nr_threads; i++) {
		END(view->threads[i].role);
		END(view->threads[i].state);
		END(view->threads[i].comm);
	}
}

static int by_waiter(const void *a, const void *b)
{
	const struct snapshot_peer *one = a, *two = b;

	if (one->waiter != two->waiter)
		return one->waiter < two->waiter ? -1 : 1;
	return one->tid < two->tid ? -1 : one->tid > two->tid;
}

static int by_tid(const void *a, const void *b, void *argument)
{
	const struct snapshot_task *tasks = argument;
	uint32_t one = tasks[*(const uint32_t *)a].tid, two = tasks[*(const uint32_t *)b].tid;

	return one < two ? -1 : one > two;
}

static int make_index(struct snapshot_view *view, struct error *error)
{
	uint32_t nr = view->header->nr_tasks;

	view->by_tid = calloc(nr ? nr : 1, sizeof(*view->by_tid));
	if (!view->by_tid)
		return fail(error, 0, "out of memory");
	for (uint32_t i = 0; i < nr; i++)
		view->by_tid[i] = i;
	qsort_r(view->by_tid, nr, sizeof(*view->by_tid), by_tid, view->tasks);
	qsort(view->peers, view->header->nr_peers, sizeof(*view->peers), by_waiter);
	return 0;
}

struct snapshot_task *snapshot_task(const struct snapshot_view *view, uint32_t tid)
{
	uint32_t low = 0, high = view->header->nr_tasks;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (view->tasks[view->by_tid[middle]].tid < tid)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == view->header->nr_tasks || view->tasks[view->by_tid[low]].tid != tid)
		return NULL;
	return &view->tasks[view->by_tid[low]];
}

const struct snapshot_peer *snapshot_peers(const struct snapshot_view *view, const struct snapshot_task *task, uint32_t *ret_nr)
{
	uint32_t low = 0, high = view->header->nr_peers;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (view->peers[middle].waiter < task->tid)
			low = middle + 1;
		else
			high = middle;
	}
	for (*ret_nr = 0; low + *ret_nr < view->header->nr_peers && view->peers[low + *ret_nr].waiter == task->tid;)
		++*ret_nr;
	return view->peers + low;
}

int snapshot_parse(void *memory, size_t size, struct snapshot_view *ret_view, struct error *error)
{
	const struct snapshot *header = memory;
	uint64_t needed;

	*ret_view = (struct snapshot_view){ .memory = memory, .header = header };
	if (size < sizeof(*header) || header->magic != SNAPSHOT_MAGIC || header->version != SNAPSHOT_VERSION)
		return fail(error, 0, "the container's kernel answers nonsense");
	/* Counts are 32 bits wide: no overflow. */
	needed = sizeof(*header) + (uint64_t)header->nr_tasks * sizeof(struct snapshot_task) +
		 (uint64_t)header->nr_peers * sizeof(struct snapshot_peer) + (uint64_t)header->nr_threads * sizeof(struct snapshot_thread);
	if (needed != size)
		return fail(error, 0, "the container's kernel answers nonsense (%zu bytes where %zu are announced)", size, (size_t)needed);
	ret_view->tasks = (struct snapshot_task *)(header + 1);
	ret_view->peers = (struct snapshot_peer *)(ret_view->tasks + header->nr_tasks);
	ret_view->threads = (struct snapshot_thread *)(ret_view->peers + header->nr_peers);
	end_strings(ret_view);
	return make_index(ret_view, error);
}

static void *read_all(int fd, size_t size)
{
	char *memory = malloc(size ? size : 1);

	for (size_t done = 0; memory && done < size;) {
		ssize_t got = pread(fd, memory + done, size - done, done);

		if (got <= 0) {
			free(memory);
			return NULL;
		}
		done += got;
	}
	return memory;
}

int snapshot_take(int connection, uint64_t flags, uint64_t peers_ns, uint32_t follow, struct snapshot_view *ret_view, struct error *error)
{
	uint64_t argument[4] = { flags, peers_ns, follow };
	struct control_reply reply;
	void *memory;
	int fd;

	*ret_view = (struct snapshot_view){ 0 };
	if (control_call(connection, CONTROL_SNAPSHOT, argument, &reply, &fd, error))
		return -1;
	memory = fd >= 0 && reply.length <= SNAPSHOT_SIZE_MAX ? read_all(fd, reply.length) : NULL;
	if (fd >= 0)
		close(fd);
	if (!memory)
		return fail(error, 0, "cannot read the kernel's answer (%lu bytes)", reply.length);
	return snapshot_parse(memory, reply.length, ret_view, error);
}

void snapshot_free(struct snapshot_view *view)
{
	free(view->by_tid);
	free(view->memory);
	*view = (struct snapshot_view){ 0 };
}
