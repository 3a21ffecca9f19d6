/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a container's trace rings (abi/trace.h) and keeps what it found.
 *
 * The rings are in memory that the container may write at any time: everything is copied once, then checked. What comes out of the log is
 * sane: known types, times that never go back within a ring and lie between the trace's start and now (or, if the container's time is
 * virtual, a few years later).
 */
#ifndef RUNTIME_TRACE_READER_H
#define RUNTIME_TRACE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/abi/trace.h"
#include "runtime/error.h"

/* Stands in a log, as a record of type TRACE_NOTHING, where args[0] records are missing. */
#define TRACE_LOST TRACE_NOTHING

struct trace_ring_log {
	struct trace_record *records;
	size_t nr, capacity;
	uint64_t last_time;
};

struct trace_files;

struct trace_log {
	unsigned int nr_rings, nr_cpus; /* ring number nr_cpus is that of threads that are no cpu */
	uint64_t start;                 /* CLOCK_MONOTONIC, ns */
	uint32_t what;                  /* TRACE_* */
	uint64_t lost;                  /* in all rings together */
	uint64_t nonsense;              /* records that were none */
	struct trace_files *files;      /* names of open files, of all records that came (syscall.h) */
	struct trace_ring_log rings[TRACE_MAX_RINGS];
};

struct trace_reader {
	const struct trace_area *area; /* mapped, hostile */
	size_t size;
	unsigned int nr_rings;
	uint32_t nr_slots;
	uint64_t tail[TRACE_MAX_RINGS];
	bool virtual_time; /* the container's clock goes as it likes: no time is too late */
	struct trace_record *batch;
	struct trace_log log;
};

/* Maps the area at @offset of @fd; the descriptor is not kept. -1 with @error set if there is no trace area. */
int trace_reader_open(struct trace_reader *reader, int fd, uint64_t offset, uint64_t length, struct error *error);
/* The same for an area that is in memory already; it is not unmapped later. */
int trace_reader_attach(struct trace_reader *reader, const void *area, size_t size, struct error *error);
/* Takes what is new into the log. Returns how many records came, -1 when memory is out. @now: CLOCK_MONOTONIC. */
long trace_reader_drain(struct trace_reader *reader, uint64_t now);
void trace_reader_close(struct trace_reader *reader); /* the log stays */

uint64_t trace_now(void);

/* ---- the log ---- */

/* Walks over all rings in the order of time. */
struct trace_cursor {
	const struct trace_log *log;
	size_t at[TRACE_MAX_RINGS];
};
void trace_cursor_init(struct trace_cursor *cursor, const struct trace_log *log);
/*
 * The next record that is not a TRACE_TEXT, NULL at the end or when it is not older than @before. *ret_ring is its ring; the TRACE_TEXT
 * records that belong to it are the *ret_texts ones after it.
 */
const struct trace_record *trace_cursor_next(struct trace_cursor *cursor, uint64_t before, unsigned int *ret_ring, unsigned int *ret_texts);
/* The text about @about (an argument's number, TRACE_TEXT_OBJECT) of a record, NUL-terminated; false if there is none. */
bool trace_record_text(const struct trace_record *record, unsigned int nr_texts, unsigned int about, char *text, size_t size);
/* Forgets what the cursor has passed. */
void trace_log_drop(struct trace_log *log, struct trace_cursor *cursor);
size_t trace_log_size(const struct trace_log *log); /* records */
void trace_log_free(struct trace_log *log);

#endif
