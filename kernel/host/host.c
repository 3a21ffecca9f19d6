// SPDX-License-Identifier: Apache-2.0
/* Counters of host calls, incremented by the wrappers. */
#include "kernel/kernel.h"
#include "host.gen.h"

u64 host_call_count[HOST_CALL_MAX];
const char *host_call_names[] = HOST_CALL_NAMES;
