/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what a container's kernel tells about its tasks (abi/snapshot.h). The kernel may be hostile. */
#ifndef RUNTIME_SNAPSHOT_H
#define RUNTIME_SNAPSHOT_H

#include <stddef.h>

#include "include/abi/snapshot.h"
#include "runtime/error.h"

struct snapshot_view {
	const struct snapshot *header;
	struct snapshot_task *tasks;
	struct snapshot_peer *peers;
	struct snapshot_thread *threads;
	void *memory;
	uint32_t *by_tid;            /* places in tasks, in the order of tids */
};

/* Asks over @connection (control_connect). @peers_ns, @follow: as argument[1] and [2] in abi/snapshot.h. 0, or -1 with @error set. */
int snapshot_take(int connection, uint64_t flags, uint64_t peers_ns, uint32_t follow, struct snapshot_view *ret_view,
		  struct error *error);
void snapshot_free(struct snapshot_view *view);

/* NULL: there is none. Of several with the same tid (the kernel lies) one. */
struct snapshot_task *snapshot_task(const struct snapshot_view *view, uint32_t tid);
/* Those of @task: they stand together. */
const struct snapshot_peer *snapshot_peers(const struct snapshot_view *view, const struct snapshot_task *task, uint32_t *ret_nr);

/* Checks @size bytes and makes every string end. They are malloc'ed and belong to the view afterwards, also when this fails. */
int snapshot_parse(void *memory, size_t size, struct snapshot_view *ret_view, struct error *error);

#endif
