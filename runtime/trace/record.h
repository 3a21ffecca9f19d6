/* SPDX-License-Identifier: Apache-2.0 */
/* Recording: reading the rings while the container runs, and writing what was found. */
#ifndef RUNTIME_TRACE_RECORD_H
#define RUNTIME_TRACE_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "runtime/trace/reader.h"

enum trace_format { TRACE_FORMAT_AUTO, TRACE_FORMAT_TEXT, TRACE_FORMAT_JSON, TRACE_FORMAT_HTML };

struct trace_target {
	const char *path;         /* NULL: standard output */
	enum trace_format format; /* AUTO: by the end of path; text if that says nothing */
	int pid;                  /* only this process; 0: all */
	const char *title;        /* of the page; NULL: none */
	FILE *file;
	bool made; /* the file was not there before */
};

struct trace_summary {
	uint64_t records, lost;
	double seconds;
	bool full; /* there was more than fits */
};

/* "text", "json", "html" */
int trace_target_format(struct trace_target *target, const char *name, struct error *error);
/* Before anything is recorded, so that what cannot be written is known at once. */
int trace_target_open(struct trace_target *target, struct error *error);
/* Nothing came of it: a file that was made is removed. */
void trace_target_discard(struct trace_target *target);

struct trace_recorder;
/*
 * A thread that reads the area which *offset and *length, in memory shared with the container, name as soon as *offset is not 0. Text is
 * written as it comes, the other formats at the end. NULL with @error set.
 */
struct trace_recorder *trace_record_start(struct trace_target *target, int fd, const uint64_t *offset, const uint64_t *length, struct error *error);
/* True when nothing more is recorded: there was an error, or it is as much as a picture can take. */
bool trace_record_full(const struct trace_recorder *recorder);
/* After the last thing that is to be recorded; the rings are not looked at any more. @recorder may be NULL. */
void trace_record_stop(struct trace_recorder *recorder);
/*
 * Writes what is not written yet and frees the recorder, which has been stopped. @recorder and @ret_summary may be NULL. -1 with @error
 * set if something could not be written.
 */
int trace_record_finish(struct trace_recorder *recorder, struct trace_summary *ret_summary, struct error *error);

#endif
