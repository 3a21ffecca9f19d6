/* SPDX-License-Identifier: Apache-2.0 */
/* Fast user-space mutexes: futex(2), get_robust_list(2). All with the kernel lock held. */
#ifndef KERNEL_SYNC_FUTEX_H
#define KERNEL_SYNC_FUTEX_H

#include "kernel/arch/x86_64/uaccess.h"
#include "kernel/kernel.h"

struct task_struct;

/*
 * The current task gives up its user memory (exit, exec), which is still mapped: marks the words of its robust list
 * as owner-died, hands PI locks to their next waiters and forgets the list. Does not touch clear_child_tid.
 */
void futex_exit(struct task_struct *task);
/* A new task owns nothing. Called by fork for the child before it can run. */
void futex_fork(struct task_struct *child);
/* FUTEX_WAKE of a shared word; returns how many woke, or an error. */
int futex_wake_user(user_ptr word, int nr);

#endif
