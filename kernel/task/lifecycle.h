/* SPDX-License-Identifier: Apache-2.0 */
/* Between fork.c, exec.c, exit.c, zygote.c and main.c. Kernel lock held. */
#ifndef KERNEL_TASK_LIFECYCLE_H
#define KERNEL_TASK_LIFECYCLE_H

#include "kernel/task/task.h"

struct clone_request {
	u64 flags;
	user_ptr stack;       /* new stack pointer; 0: the parent's */
	user_ptr parent_tid, child_tid, pidfd;
	u64 tls;
	int exit_signal;
	const u32 *set_tid;   /* NULL: any */
};
/* clone(2): tid of the child or -errno. */
long do_clone(const struct clone_request *request);

/* Makes the task that becomes pid 1; it runs fn, which is to end in kernel_exec. */
struct task_struct *init_task_make(void (*fn)(void *arg), void *arg);
/*
 * A process whose parent is outside, beside pid 1; it runs fn as that does. Its end goes to the monitor (channel->exec[slot]). For a thread that is no
 * task, too: does not sleep.
 */
struct task_struct *exec_task_make(unsigned slot, void (*fn)(void *arg), void *arg);

/* execve(2) with arguments from user memory, or from kernel memory (init). argv and envp are NULL-terminated. */
struct exec_strings {
	bool kernel;
	user_ptr user_argv, user_envp;
	const char *const *argv, *const *envp;
};
long do_execve(int dirfd, const char *path, const struct exec_strings *strings, unsigned at_flags);

/* Could execve(2) open it, for current? 0 or -errno. */
int exec_check(const char *path);

/* A fresh address space in a host process of its own: from the pool, else waits for one. ERR_PTR. */
struct mm_struct *zygote_take(void);
/* From now on the pool is kept full. */
void zygote_expect_more(void);
struct mm_struct *zygote_pooled(int n); /* the n-th that waits in the pool, or NULL */
/*
 * The address space of this leaving carrier has ended: its host process becomes a fresh one, if there is need of it. Then the
 * carrier belongs to the mm that is returned, and does not leave: it wipes the process and calls zygote_ready. NULL: it is not needed.
 */
struct mm_struct *zygote_recycle(struct carrier *carrier);
void zygote_ready(struct mm_struct *mm);
int zygote_start(void);

/* current leaves its mm for `mm` (NULL: none). Returns on a carrier of the new one. */
void task_change_mm(struct mm_struct *mm);
/* The waiting parent of a vfork goes on. */
void vfork_done(struct task_struct *task);
/* Removes a dead task from all tables; the parent has seen it. */
void release_task(struct task_struct *task);
void signal_struct_put(struct signal_struct *signal);
extern struct signal_struct kthread_signal;

/* fs/proc: the names of a thread that is gone are forgotten, instead of waiting to grow old in the dentry cache. */
void proc_forget(pid_t tgid, pid_t tid);

#endif
