/* SPDX-License-Identifier: Apache-2.0 */
/* The container's use of what it has, as its kernel counts it: CONTROL_STATS. */
#ifndef ABI_STATS_H
#define ABI_STATS_H

#include <stdint.h>

#include "include/abi/boot.h"

#define STATS_MAGIC 0x73746174u
#define STATS_VERSION 1

struct container_stats {
	uint32_t magic, version;
	uint32_t nr_cpus, oom_kills;
	uint64_t up;              /* ns since boot */
	uint64_t busy[BOOT_MAX_CPUS]; /* ns that each cpu was not idle */
	uint64_t user, system;    /* ns: how the busy time divides, sampled */
	uint64_t tasks, tasks_limit; /* threads; 0: no limit */
	uint64_t processes;
	uint64_t memory_limit;    /* bytes; 0: none */
	uint64_t shared;          /* bytes in tmpfs files, memfds and shared memory */
	uint64_t kernel;          /* bytes of the kernel's heap */
	uint64_t switches, syscalls, forks;
};

#endif
