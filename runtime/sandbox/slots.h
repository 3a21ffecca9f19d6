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

/* Resident memory in bytes of a host process: what is its own (anonymous), and files it maps. 0 or -errno. */
int process_memory(pid_t pid, unsigned long *ret_anonymous, unsigned long *ret_files, pid_t *ret_inner_pid);

#endif
