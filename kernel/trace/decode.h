/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of --strace: a line under construction, and how arguments are written into it. */
#ifndef KERNEL_TRACE_DECODE_H
#define KERNEL_TRACE_DECODE_H

#include "kernel/kernel.h"
#include "kernel/sys/syscall.h"

#define TRACE_LINE_SIZE 2048
#define TRACE_LINE_ROOM 96 /* kept free for the result */

struct trace_line {
	u32 length;
	u8 next_argument; /* decoded by strace_enter up to here */
	char text[TRACE_LINE_SIZE];
};

/* What does not fit is dropped. */
void line_printf(struct trace_line *line, const char *format, ...) __printf(2, 3);
void line_vprintf(struct trace_line *line, size_t limit, const char *format, va_list args);
void line_bytes(struct trace_line *line, const char *bytes, size_t n); /* escaped, without quotes */

/* True for kinds that can be shown only after the call. */
bool argument_is_late(u8 kind);
void decode_argument(struct trace_line *line, const struct syscall_entry *entry, int index, const u64 args[6], long result);
/* Structures, in decode_struct.c: false if the kind is none of its own. */
bool decode_struct(struct trace_line *line, u8 kind, u64 address, long result);
/* Flags and choices, in names.c: false if the kind has no names. */
bool decode_names(struct trace_line *line, u8 kind, u64 value);
const char *signal_name(int sig); /* "SIGHUP"; NULL for real-time signals and 0 */
const char *errno_name(int error);
void line_signal(struct trace_line *line, int sig);
void line_sigset(struct trace_line *line, u64 mask);

#endif
