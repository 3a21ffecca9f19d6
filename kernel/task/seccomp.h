/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp(2): system calls that a program has forbidden itself and its children. A task without a filter pays nothing: the check stands
 * behind TRACE_SECCOMP in trace_flags, which is set with the first filter of the container.
 */
#ifndef KERNEL_TASK_SECCOMP_H
#define KERNEL_TASK_SECCOMP_H

#include "kernel/kernel.h"

struct pt_regs;
struct seccomp_filter;
struct sock_filter;
struct task_struct;

/* Before a system call of a task with seccomp_mode. False: it is not to be made, regs->rax is set. May not return. Without the kernel lock. */
bool seccomp_permits(struct pt_regs *regs);

/* A filter from kernel memory for current, without asking for rights; flags: SECCOMP_FILTER_FLAG_LOG, _SPEC_ALLOW. 0 or -errno. */
long seccomp_attach(const struct sock_filter *program, unsigned n, unsigned flags);
/* prctl(PR_SET_SECCOMP). */
long seccomp_prctl(u64 mode, u64 args);
void seccomp_fork(struct task_struct *child);
void seccomp_filter_put(struct seccomp_filter *filter);
unsigned seccomp_filter_count(const struct task_struct *task);

#endif
