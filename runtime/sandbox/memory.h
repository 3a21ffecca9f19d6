/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory a container's host processes take, and telling its kernel when that is too much. */
#ifndef RUNTIME_SANDBOX_MEMORY_H
#define RUNTIME_SANDBOX_MEMORY_H

#include "runtime/sandbox/sandbox.h"

/* Bytes, as they count against the limit. Any thread. */
uint64_t memory_used(const struct sandbox *sandbox);

/* A thread's main function (@sandbox); never returns. */
void *memory_watch(void *sandbox);

#endif
