/* SPDX-License-Identifier: Apache-2.0 */
/* System calls of a trace as text. */
#ifndef RUNTIME_TRACE_SYSCALL_H
#define RUNTIME_TRACE_SYSCALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/abi/trace.h"

/* "read", or "syscall_999". */
const char *trace_syscall_name(unsigned int number);
/* The names of open files, by the kernel's number of them. */
struct trace_files;
struct trace_files *trace_files_new(void); /* NULL: out of memory */
void trace_files_free(struct trace_files *files);
/* From now on, names that the kernel will write again when they are needed are forgotten: memory stays bounded. */
void trace_files_newest_only(struct trace_files *files);
void trace_files_learn(struct trace_files *files, uint64_t number, const char *name);
const char *trace_files_name(const struct trace_files *files, uint64_t number); /* NULL: not known */

/*
 * "openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC)" of a TRACE_SYSCALL_ENTER record and its texts. Control characters are escaped. @files
 * may be NULL.
 */
void trace_syscall_call(const struct trace_record *record, unsigned int nr_texts, const struct trace_files *files, char *text, size_t size);
/* If the record is that of a call and names an open file. */
void trace_syscall_learn(const struct trace_record *record, unsigned int nr_texts, struct trace_files *files);
/* "3", "0x7f...", "-1 ENOENT (No such file or directory)". */
void trace_syscall_result(unsigned int number, int64_t result, char *text, size_t size);
bool trace_syscall_returns(unsigned int number);
const char *trace_wait_name(unsigned int kind); /* "disk", ... */
/* "SIGCHLD", "SIG34" */
const char *trace_signal_name(int number);
/* Copies text that the container made: control characters and invalid UTF-8 become \xNN. Returns the length. */
size_t trace_clean(char *to, size_t size, const char *from, size_t length);

#endif
