/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks of the kernel, outermost first:
 *
 *   mutexes (sleep)      inode->lock, mm->mmap_lock, ... : taken only with the kernel lock held
 *     kernel_lock        everything that no other lock is named for
 *       spinlocks        log_lock, heap_lock, site_lock: leaf locks, nothing is taken inside
 *
 * The kernel lock (docs/adr/0001) is held by a cpu from the entry of a system call to its exit. It is
 * given up in exactly two ways:
 *   - schedule(), hence every function that sleeps (wait_event_*, mutex_lock, ...);
 *   - kernel_unlock() ... kernel_lock() around a host call that may take long (file I/O, mmap, clone).
 * Across both, everything that is not pinned by a reference may have changed.
 * System calls marked `nolock` in syscalls.tbl run without it and may read only what belongs to the
 * calling task.
 */
#ifndef KERNEL_LOCKING_H
#define KERNEL_LOCKING_H

#include "kernel/kernel.h"
#include "kernel/sched/wait.h"

/* Spins, then sleeps on a host futex. Not recursive; owned by the calling carrier's cpu. */
void kernel_lock(void);
void kernel_unlock(void);
bool kernel_locked(void);
#define assert_kernel_locked() debug_assert(kernel_locked())

struct spinlock {
	atomic_uint word; /* 0 free, 1 held, 2 held with sleepers */
};
void spin_lock(struct spinlock *lock);
void spin_unlock(struct spinlock *lock);

/* A sleeping lock for long operations. Owner and waiters are protected by the kernel lock. */
struct mutex {
	struct task_struct *owner;
	struct wait_queue_head wait;
};
void mutex_init(struct mutex *mutex);
void mutex_lock_named(struct mutex *mutex, const char *name);
int __must_check mutex_lock_killable_named(struct mutex *mutex, const char *name);
/* The expression is what a waiting task is shown to wait for. */
#define mutex_lock(mutex) mutex_lock_named(mutex, #mutex)
/* 0, or -ERESTARTSYS when a fatal signal came first. */
#define mutex_lock_killable(mutex) mutex_lock_killable_named(mutex, #mutex)
bool mutex_trylock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
#define assert_mutex_held(m) debug_assert((m)->owner == current)

#endif
