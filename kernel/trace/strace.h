/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `linuxd run --strace`: one line per system call, as strace(1) writes them, with the time the call took.
 *
 *   [7] openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3 <0.000012>
 *
 * The entry code calls strace_enter before the call and strace_exit after it, if trace_flags (trace.h) has TRACE_STRACE. A call that
 * does not return (exit, execve that succeeds in another image) is shown by strace_enter or with what is known.
 */
#ifndef KERNEL_TRACE_STRACE_H
#define KERNEL_TRACE_STRACE_H

#include "kernel/kernel.h"
#include "kernel/sys/syscall.h"

struct task_struct;

/* Decodes what the call reads (paths, argument strings) while it is still there. Kernel lock held or not. */
void strace_enter(struct task_struct *task, const struct syscall_entry *entry, const u64 args[6], u64 start_ns);
/* Writes the line: host I/O on trace_fd. The lock may be held; it is not given up. entry->name NULL: unknown number. */
void strace_exit(struct task_struct *task, const struct syscall_entry *entry, const u64 args[6], long result,
		 u64 start_ns, u64 end_ns);
/* A signal is delivered: "[7] --- SIGCHLD {si_code=CLD_EXITED, si_pid=8} ---". */
void strace_signal(struct task_struct *task, int sig, const void *siginfo);
/* "[7] +++ exited with 0 +++" */
void strace_exited(struct task_struct *task, int exit_code);

#endif
