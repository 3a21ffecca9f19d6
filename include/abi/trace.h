/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trace: what the kernel writes while somebody watches, and `linuxd trace` reads.
 *
 * One area of the heap file: a header page or two, then rings of equal size, one for each cpu and a last one for the kernel's threads that
 * are no cpu (clock, async I/O, events). A ring has one writer at a time and holds records of 64 bytes. The writer stores up to TRACE_BURST
 * records and then adds their number to the ring's `head`; it never waits, so a slow reader loses the oldest records. Record n stands in slot
 * n % nr_slots.
 *
 * A reader copies the records [tail, head), then reads head again: what lies below head + TRACE_BURST - nr_slots may have been overwritten
 * while it was copied, and is lost. Reader and writer share nothing else. The reader trusts nothing: the area is in the hands of the container.
 *
 * Records of one ring are in the order of their times, CLOCK_MONOTONIC in nanoseconds. A text longer than its record goes on in
 * TRACE_TEXT records that follow it at once in the same ring.
 */
#ifndef ABI_TRACE_H
#define ABI_TRACE_H

#include <stdint.h>

#define TRACE_MAGIC 0x656361727464786cULL
#define TRACE_VERSION 2
#define TRACE_MAX_RINGS 65 /* BOOT_MAX_CPUS and one */

/* What is recorded. Tasks that come, change their program and go are always. */
#define RECORD_SCHED 0x1    /* switches, wake-ups, migrations, hand-offs between carriers */
#define RECORD_SYSCALLS 0x2
#define RECORD_WAIT 0x4     /* what tasks wait for; host I/O of the async threads */
#define RECORD_ALL 0x7

enum trace_type {
	TRACE_NOTHING,
	TRACE_TASK,          /* there is a task: at the beginning for each, later when one is born (task) */
	TRACE_EXEC,          /* its program is now another (exec) + text: the path */
	TRACE_EXIT,          /* (exit) */
	TRACE_SWITCH,        /* tid left the cpu of this ring to another (to) */
	TRACE_WAKE,          /* tid became runnable (wake) */
	TRACE_MIGRATE,       /* tid was moved while it waited to run (wake) */
	TRACE_HANDOFF,       /* the cpu of this ring went to another host thread, to run tid (handoff) */
	TRACE_SYSCALL_ENTER, /* number, (args) + texts, one for each path or name among the arguments; see TRACE_FILE_ARGUMENT and TRACE_BEGUN */
	TRACE_SYSCALL_EXIT,  /* number, (result) */
	TRACE_WAIT_BEGIN,    /* tid sleeps (wait) + text: on what */
	TRACE_SIGNAL,        /* a signal is delivered to tid (signal) */
	TRACE_IO,            /* an async thread did host I/O for tid (io) */
	TRACE_TEXT,          /* more of the record before it */
	TRACE_TYPES
};

enum trace_state { TRACE_RUNNING, TRACE_RUNNABLE, TRACE_ASLEEP, TRACE_DEAD };

/* What a task waits for: the same numbers as the kernel's enum block_kind. */
enum trace_wait_kind {
	TRACE_WAIT_NONE, TRACE_WAIT_DISK, TRACE_WAIT_QUEUE, TRACE_WAIT_LOCK, TRACE_WAIT_TIMER, TRACE_WAIT_CHILD, TRACE_WAIT_STOP,
	TRACE_WAIT_KINDS
};

#define TRACE_NO_SYSCALL 0xffff
#define TRACE_TEXT_SIZE 48

/* A kernel thread has a tid below 0; 0 is nobody: an idle cpu, a waker that is no task. */
struct trace_record {
	uint64_t time;
	int32_t tid;
	uint8_t type;  /* enum trace_type */
	uint8_t small; /* TASK: enum trace_state; SWITCH: the state that tid is left in; WAIT_BEGIN: kind; TEXT: see below; SIGNAL: its number */
	uint16_t number; /* of the system call; TEXT: bytes of text from here to its end, this record's included */
	union {
		struct { int32_t tgid, parent; int16_t cpu; uint8_t born, wait_kind; uint32_t pad; char name[16]; } task;
		struct { char name[16]; } exec;
		struct { int32_t code; } exit;     /* as wait4 encodes it */
		struct { int32_t tid; int8_t nice; uint8_t policy, rt_priority, pad; char name[16]; } to;
		struct { int32_t waker; int16_t from_cpu, to_cpu; uint64_t since; } wake; /* since when it slept */
		struct { int32_t host_pid; uint32_t woken; } handoff; /* woken: it was idle for another cpu */
		uint64_t args[6];
		struct { int64_t result; uint64_t start; } result; /* start 0: it was TRACE_BEGUN */
		struct { uint64_t object, since; uint32_t uninterruptible; } wait;
		struct { int32_t code, sender; uint64_t address; } signal;
		struct { uint64_t queued, started; int64_t result; } io;
		char text[TRACE_TEXT_SIZE]; /* TEXT: small is the argument it belongs to, or TRACE_TEXT_OBJECT */
	};
};
#define TRACE_TEXT_OBJECT 0xff
/* A call whose first argument is a descriptor and that has at most 5: args[5] is the number of the open file, which no other has or had; 0 if
 * there is none. The first such record has the file's name as text of argument 0. So has a later one if a file whose number differs by a
 * multiple of TRACE_FILES_NAMED was named meanwhile. "First" is not by time: two cpus may enter calls in one order and name the file in the other. */
#define TRACE_FILE_ARGUMENT 5
#define TRACE_FILES_NAMED 1024U
#define TRACE_BEGUN 1 /* `small` of a SYSCALL_ENTER: the task was in the call when recording began. It has no texts of paths */
_Static_assert(sizeof(struct trace_record) == 64, "trace records have 64 bytes");

struct trace_ring {
	uint64_t head;
	uint64_t pad[7];
};

struct trace_area {
	uint64_t magic;
	uint32_t version, record_size;
	uint32_t nr_rings, nr_slots; /* nr_slots is a power of 2 */
	uint64_t records_offset;     /* of the first ring's slots, from the start of the area */
	uint64_t start;              /* CLOCK_MONOTONIC when recording began */
	uint32_t what;               /* RECORD_SCHED | ... */
	uint32_t nr_cpus;
	uint64_t virtual_time;       /* times are of the container's own making and may run ahead of the host's (--deterministic) */
	struct trace_ring rings[TRACE_MAX_RINGS];
};

#define TRACE_AREA_HEADER 8192UL
_Static_assert(sizeof(struct trace_area) <= TRACE_AREA_HEADER, "");
#define TRACE_BURST 10U /* most records that belong together */
#define TRACE_MIN_SLOTS 256U
#define TRACE_MAX_SLOTS (1U << 22)
#define TRACE_DEFAULT_SLOTS 262144U /* 16 MiB for each ring, of which only what is written takes memory */

#endif
