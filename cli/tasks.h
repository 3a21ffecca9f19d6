/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How ps, top and explain-wait show tasks. Everything that comes from a container is printed so that it cannot act on a terminal: what is not
 * printable ASCII as \xNN.
 */
#ifndef CLI_TASKS_H
#define CLI_TASKS_H

#include "cli/cli.h"
#include "runtime/snapshot.h"

/* A line for a terminal: cut at its width, colours not counted. */
struct line {
	char text[4096];
	size_t length;
	int column, width; /* width 0: not cut */
	bool color;
};

void line_start(struct line *line, int width, bool color);
/* Clean text; @width: at least so many columns, negative: to the right. */
void line_put(struct line *line, int width, const char *text);
void line_printf(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
void line_color(struct line *line, const char *code); /* "1;31"; NULL: back to normal */
void line_end(struct line *line, FILE *out);

/* "12us", "3.21s", "4m05s", "2d03h". */
#define DURATION_SIZE 24
const char *format_duration(uint64_t ns, char buffer[DURATION_SIZE]);

/* Time since @then, 0 if that is not in the past. */
uint64_t time_since(const struct snapshot *header, uint64_t then);

const char *task_state_word(const struct snapshot_task *task);
const char *task_state_color(const struct snapshot_task *task);
/* "fair", "rt/fifo:50" */
void task_class(const struct snapshot_task *task, char *buffer, size_t size);
/* What it waits for and who could end that: "queue  pipe read, pipe:[3] <- 7 cat". Nothing if it does not wait. */
void task_put_wait(struct line *line, const struct snapshot_view *view, const struct snapshot_task *task, bool peers);

void task_table_header(struct line *line);
/* cpu_share: per mille of a cpu, -1: no such column. */
void task_table_row(struct line *line, const struct snapshot_view *view, const struct snapshot_task *task, int cpu_share);

/* One object, with the tasks and, if there are any, the host threads. @container: its id or name. */
void tasks_print_json(FILE *out, const struct snapshot_view *view, const char *container, bool one_line);
void task_print_json(FILE *out, const struct snapshot_view *view, const struct snapshot_task *task);

/* Standard output is a terminal that may be coloured (NO_COLOR is not set); its width, 0 if it is none. */
bool output_has_color(void);
int output_width(void);

/* --format: 0 table, 1 json, -1 with @error set. */
int parse_format(const char *value, struct error *error);

#endif
