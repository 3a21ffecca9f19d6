/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel asks the monitor to do for it (struct monitor_slot). */
#ifndef RUNTIME_SANDBOX_SLOTS_H
#define RUNTIME_SANDBOX_SLOTS_H

#include <stddef.h>

#include "runtime/sandbox/sandbox.h"

/* Answers every submitted slot. */
void slots_serve(struct sandbox *sandbox);

/* One request that is already the monitor's own copy; returns the result, which may be in request->data. */
long slots_perform(struct sandbox *sandbox, struct monitor_slot *request);

/* The host processes of the container, at most @max; returns how many. */
int children_list(pid_t *pids, int max);

/* Of a host process: resident memory in bytes that is its own (anonymous) or of files, its parent, its pid in its own namespace. */
struct process_info {
	unsigned long anonymous, files;
	pid_t parent, inner_pid;
};

/* 0 or -errno. */
int process_info(pid_t pid, struct process_info *ret_info);

#endif
