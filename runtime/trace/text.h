/* SPDX-License-Identifier: Apache-2.0 */
/* A trace as text: a line for each event.
 *
 *      0.001204 cpu0     7 sh               execve("/bin/ls", 0x55.., 0x55..) = 0 <0.000410>
 *
 * Time since the trace began, in seconds; the cpu ("-": a thread that is none); the task's number and name; what happened. System calls
 * stand where they end, with how long they took.
 */
#ifndef RUNTIME_TRACE_TEXT_H
#define RUNTIME_TRACE_TEXT_H

#include <stdio.h>

#include "runtime/trace/reader.h"

struct trace_text_writer;
/* @pid: only this process, by the container's numbers; 0: all. NULL when memory is out. */
struct trace_text_writer *trace_text_new(FILE *out, int pid);
/* Writes what is older than @before, and takes it out of the log. */
void trace_text_write(struct trace_text_writer *writer, struct trace_log *log, uint64_t before);
/* System calls that have not ended, how much is missing. Frees the writer. */
void trace_text_end(struct trace_text_writer *writer, struct trace_log *log);

#endif
