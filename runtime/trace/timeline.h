/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trace as a timeline: for each task the states it was in, one after the other, and its system calls. The pictures are made from it.
 * Times are nanoseconds since the trace began.
 */
#ifndef RUNTIME_TRACE_TIMELINE_H
#define RUNTIME_TRACE_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/trace/record.h"

enum timeline_kind {
	TIMELINE_RUNNING,
	TIMELINE_RUNNABLE, /* waits for a cpu */
	TIMELINE_ASLEEP,   /* waits for something that was not recorded */
	TIMELINE_DISK, TIMELINE_QUEUE, TIMELINE_LOCK, TIMELINE_TIMER, TIMELINE_CHILD, TIMELINE_STOPPED,
	TIMELINE_KINDS
};
extern const char *const timeline_kind_names[TIMELINE_KINDS];

#define TIMELINE_NOBODY UINT32_MAX

struct timeline_state {
	uint64_t start, end;
	uint8_t kind;
	bool uninterruptible;
	int16_t cpu;     /* where it ran or was to run; -1: not known */
	uint16_t number; /* of the system call it sleeps in; TRACE_NO_SYSCALL */
	uint32_t object; /* string: what it waits for */
	uint32_t waker;  /* task that made it runnable; TIMELINE_NOBODY */
};

struct timeline_call {
	uint64_t start, end;
	uint16_t number;
	bool unfinished;
	bool failed;
	uint32_t text, result; /* strings: with arguments; in words */
};

enum timeline_mark_kind { TIMELINE_BIRTH, TIMELINE_PROGRAM, TIMELINE_SIGNAL, TIMELINE_EXIT, TIMELINE_IO, TIMELINE_MARK_KINDS };
struct timeline_mark {
	uint64_t time;
	uint8_t kind;
	uint32_t text; /* string */
};

/* The members of a task's lists are in the order of time. */
struct timeline_task {
	int32_t tid, tgid, parent; /* a kernel thread's tid is below 0 */
	char name[64];
	uint64_t start, end;
	bool born, ended; /* while the trace was made */
	struct timeline_state *states;
	struct timeline_call *calls;
	struct timeline_mark *marks;
	size_t nr_states, nr_calls, nr_marks;
	size_t room_states, room_calls, room_marks;
	/* while it is built */
	bool in_state, in_call;
	uint32_t next_same_tid;
};

struct timeline_loss {
	uint64_t time, records;
	unsigned int ring;
};

struct timeline {
	uint64_t duration, lost;
	unsigned int nr_cpus;
	uint32_t what; /* RECORD_* */
	struct timeline_task *tasks;
	size_t nr_tasks, room_tasks;
	char **strings; /* 0 is "" */
	size_t nr_strings, room_strings;
	struct timeline_loss *losses;
	size_t nr_losses, room_losses;
	/* while it is built */
	uint32_t *string_hash, *tid_hash;
	size_t string_hash_size;
	bool out_of_memory;
};

/* @pid: only this process, 0: all. NULL when memory is out. */
struct timeline *timeline_build(const struct trace_log *log, int pid);
void timeline_free(struct timeline *timeline);

/* Writes it in the format of @target. -1 with @error set. Errors of the file itself are left for its closing. */
int trace_timeline_write(struct trace_target *target, const struct trace_log *log, struct error *error);
/* chrome.c: the JSON that chrome://tracing and Perfetto read. */
void timeline_write_chrome(const struct timeline *timeline, FILE *out);
/* page.c: a page that shows it, with everything in it. -1: out of memory. */
int timeline_write_page(const struct timeline *timeline, const char *title, FILE *out);

#endif
