/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel tells about its tasks at one moment: a header, then records of fixed size. All strings end with a NUL within their
 * field and may hold any other byte: names are the container's. All times are nanoseconds of CLOCK_MONOTONIC.
 */
#ifndef ABI_SNAPSHOT_H
#define ABI_SNAPSHOT_H

#include <stdint.h>

#define SNAPSHOT_MAGIC 0x746f687370616e73ULL
#define SNAPSHOT_VERSION 1
#define SNAPSHOT_SIZE_MAX (64UL << 20)

/* control_request.argument[0]; argument[1]: ns that looking for peers may take, 0 for a default; argument[2]: only for those of this task, for
 * theirs, and so on, 0: for everybody's */
#define SNAPSHOT_PEERS 0x1   /* who could end each wait */
#define SNAPSHOT_THREADS 0x2 /* the host threads */

struct snapshot {
	uint64_t magic;
	uint32_t version;
	uint32_t freezer;        /* CONTAINER_* of abi/control.h */
	uint32_t nr_tasks, nr_peers, nr_threads;
	uint32_t nr_cpus;
	uint64_t now;
	/* struct snapshot_task[nr_tasks], struct snapshot_peer[nr_peers], struct snapshot_thread[nr_threads] */
};

#define SNAPSHOT_TASK_MORE_PEERS 0x1 /* than are listed */
#define SNAPSHOT_TASK_NO_PEERS 0x2   /* they were not looked for: not asked for, or it would have taken too long */

struct snapshot_task {
	uint32_t tid, tgid, ppid, uid;
	char state;              /* as in /proc/PID/stat: R S D T t Z X */
	uint8_t running;         /* on its cpu at this moment */
	uint8_t flags;           /* SNAPSHOT_TASK_* */
	uint8_t pad;
	int32_t cpu, nice, rt_priority;
	char class[12];          /* stop, deadline, rt, fair, idle */
	char policy[12];         /* as chrt calls it: other, batch, idle, fifo, rr, deadline */
	uint64_t run, ready;     /* time on a cpu; time waiting for one */
	uint64_t since;          /* when the present wait began; 0: waits for nothing */
	uint64_t until;          /* when it ends by itself; UINT64_MAX: never */
	uint64_t object_id;      /* equal for equal objects; 0: none */
	int64_t syscall;         /* number of the call it is in; -1: none */
	char kind[12];           /* disk queue lock timer child stop; "": waits for nothing */
	char call[24];           /* name of the system call; "": none */
	char comm[16];
	char wait[40];           /* what it waits for: "pipe read", "flock" */
	char object[160];        /* on which object: "pipe:[12]", "/var/x.db" */
};

/* One of the tasks that could end a task's wait. */
struct snapshot_peer {
	uint32_t waiter, tid;    /* tids */
	char role[16];           /* holder (of the lock); "holder?" (was when the wait began); peer (process with the other end); child */
};

struct snapshot_thread {
	int32_t host_tid, host_pid; /* as the host numbers them in the container's pid namespace */
	int32_t cpu;             /* that it is active for; -1: none */
	int32_t host_cpu;        /* that it is bound to; -1: none */
	uint32_t mm_pid;         /* process of the container whose memory it is in; 0: the kernel's, or none yet */
	uint32_t task;           /* tid of the task it runs, or whose input or output it does; 0: none */
	/* cpu (with the thread of its carrier), carrier, spare (of an address space that waits for an exec), async, clock, aux, poll */
	char role[16];
	char state[16];          /* running, idle, parked; working, waiting */
	char comm[16];           /* of the process, or the task */
};

#endif
