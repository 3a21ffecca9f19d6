/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions from outside: `linuxd ps`, `linuxd trace` and their kin reach the kernel through the monitor (struct kernel_request).
 * The aux thread answers them.
 */
#ifndef KERNEL_INSPECT_INSPECT_H
#define KERNEL_INSPECT_INSPECT_H

#include "include/abi/control.h"
#include "kernel/kernel.h"

struct inspect_answer {
	void *data;     /* from heap_pages_alloc, or NULL */
	size_t pages;   /* that were allocated */
	size_t length;  /* bytes of it that are the answer */
	bool shared;    /* stays the handler's, and the client maps it; else it is freed when the monitor has copied it */
	u64 value[2];   /* for the client */
};

/* 0 or -errno. Called with the kernel lock held on a thread that is no task: must not sleep. May be called twice for one question. */
typedef long inspect_handler_t(const u64 argument[4], struct inspect_answer *ret_answer);

/* The monitor has sent EVENT_REQUEST. Kernel lock held. */
void inspect_serve(void);

inspect_handler_t inspect_snapshot;
inspect_handler_t inspect_start, inspect_kill, inspect_stats, inspect_update;
inspect_handler_t inspect_exec, inspect_exec_signal, inspect_exec_resize;
inspect_handler_t inspect_trace_start, inspect_trace_stop;
inspect_handler_t inspect_freeze, inspect_thaw;

/* What the container has used so far. Kernel lock held. */
struct container_stats;
void container_stats(struct container_stats *ret_stats);

/* The host threads, for a snapshot. Nothing may change between the two calls; records are zeroed. */
struct snapshot_thread;
u32 inspect_count_threads(void);
void inspect_threads(struct snapshot_thread *records);

#endif
