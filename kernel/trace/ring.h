/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the trace: writing records. */
#ifndef KERNEL_TRACE_RING_H
#define KERNEL_TRACE_RING_H

#include "kernel/trace/trace.h"

/* Puts n records, one after the other and nothing in between, into the ring of the calling cpu; nothing if recording has ended meanwhile. */
void trace_write(const struct trace_record *records, unsigned n);

/* As many records as `text` needs after the one it belongs to, at most `room`; returns how many. What does not fit is cut; an
 * empty text needs one too. */
unsigned trace_text(struct trace_record *records, unsigned room, const struct trace_record *of, u8 about, const char *text, size_t length);

/* The next records of open files say their names again. */
void trace_forget_files(void);

/* The task's number in records. */
pid_t trace_tid(const struct task_struct *task);

#endif
