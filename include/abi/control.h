/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control protocol: between a linuxd command and the monitor of a running container, on the socket "control" in the container's
 * state directory (runtime/state.h). SOCK_SEQPACKET: each request is one struct control_request, each answer one struct
 * control_reply, with at most one descriptor (SCM_RIGHTS). Nothing large goes through the socket, so the monitor never has to wait for a
 * client. Both sides are of the same user, or root.
 *
 * Kinds from CONTROL_FIRST_KERNEL on are handed to the container's kernel (struct kernel_request in abi/boot.h): its answer is as
 * trustworthy as the container.
 */
#ifndef ABI_CONTROL_H
#define ABI_CONTROL_H

#include <stdint.h>

#include "include/abi/process.h"

#define CONTROL_MAGIC 0x6c78646c
#define CONTROL_VERSION 1

enum control_kind {
	CONTROL_PING = 1,           /* value[0]: pid of the monitor; value[1]: CONTAINER_THAWED, FREEZING or FROZEN */
	CONTROL_FIRST_KERNEL = 64,
	CONTROL_SNAPSHOT = 64,      /* argument[0]: SNAPSHOT_*; a copy of a struct snapshot (abi/snapshot.h) */
	/* One trace at a time. It ends with CONTROL_TRACE_STOP, or when the client that started it goes away. */
	CONTROL_TRACE_START = 80,
	CONTROL_TRACE_STOP = 81,
	/*
	 * All tasks of the container stand still; answered once they do, or with ETIMEDOUT after argument[0] ms (0: 10 s), and then, or if
	 * the client goes away before the answer, all is as before. Frozen already: answered at once. ECANCELED: somebody thawed it meanwhile.
	 */
	CONTROL_FREEZE = 82,
	CONTROL_THAW = 83,
	/*
	 * A program beside those that run. The request brings descriptors: first a file with a struct process_spec and its strings behind it, then
	 * the streams that bits 0 to 2 of argument[0] name (the others are /dev/null inside), or with CONTROL_EXEC_TERMINAL the slave of a raw
	 * terminal, then argument[1] more (at most PRESERVED_MAX), its descriptors from 3 on; bit n of argument[2]: it reads from that.
	 * Answers: value[1] CONTROL_EXEC_RUNS, value[0] pid in the container; later CONTROL_EXEC_ENDED, value[0] as wait4 has it. Or one with an error: it
	 * could not be started, value[1] is the enum process_step. When the client goes away the program is killed.
	 */
	CONTROL_EXEC = 86,
	CONTROL_EXEC_SIGNAL = 87,   /* on the same connection, without answer: argument[0] signal for it */
	CONTROL_EXEC_RESIZE = 88,   /* the same: argument[0], [1]: rows and columns of its terminal */
	CONTROL_STATS = 89,         /* a copy of a struct container_stats (abi/stats.h) */
	/* argument[0]: bytes of memory, [1]: threads, [2]: cpu quota in us; 0: as it is, UINT64_MAX: no limit; [3]: its period, in the upper half the weight */
	CONTROL_UPDATE = 90,
	CONTROL_START = 84,         /* `create` made it wait */
	CONTROL_KILL = 85,          /* argument[0]: signal, argument[1]: 1: to all processes, else to pid 1 */
	CONTROL_KIND_MAX = 96,
};

/* What a container's tasks are. FREEZING: some still have to get to where they can stop. */
enum { CONTAINER_THAWED, CONTAINER_FREEZING, CONTAINER_FROZEN };

#define CONTROL_EXEC_TERMINAL 0x8
#define CONTROL_EXEC_FDS (4 + PRESERVED_MAX)
enum { CONTROL_EXEC_RUNS = 1, CONTROL_EXEC_ENDED };

struct control_request {
	uint32_t magic, version;
	uint32_t kind;
	uint32_t pad;
	uint64_t argument[4];
};

struct control_reply {
	uint32_t magic;
	int32_t error;           /* 0 or an errno value; message says more */
	uint32_t has_descriptor; /* a sealed copy of the answer (offset 0), or the kernel's heap file, read-only, where it changes */
	uint32_t pad;
	uint64_t offset, length; /* the answer in the descriptor's file, bytes */
	uint64_t value[2];
	char message[256];
};

#endif
