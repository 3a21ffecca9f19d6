/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event files and file locks: what other parts of the kernel need of them. All with the kernel lock held.
 */
#ifndef KERNEL_VFS_EVENT_H
#define KERNEL_VFS_EVENT_H

#include "kernel/vfs/vfs.h"

struct pid;
struct sighand_struct;

/* A descriptor for a process (clone with CLONE_PIDFD, pidfd_open). Takes its own reference to pid. ERR_PTR. */
struct file *pidfd_file(struct pid *pid, unsigned flags);
/* sigio.c: SIGURG to the owner of a socket (F_SETOWN), with or without O_ASYNC. */
void file_signal_urgent(struct file *file);
/* SIGIO, or the signal of F_SETSIG with this descriptor, to the owner: something has happened (POLL_MSG). */
void file_signal_message(struct file *file, int fd);
/* Who has no owner is owned by this process (F_SETOWN). */
void file_own(struct file *file);
/* leases.c: F_SETLEASE, F_GETLEASE. */
long lease_set(unsigned fd, struct file *file, u64 type);
long lease_get(struct file *file);
/* fcntl(2), F_NOTIFY */
long dnotify_fcntl(unsigned fd, struct file *file, u64 arg);
/* The process of a pidfd (waitid with P_PIDFD, setns); not counted; ERR_PTR(-EBADF). */
struct pid *pidfd_pid(const struct file *file);

/* The last user of these signal handlers is gone: signalfds that poll there must not find the queue again. */
void signalfd_cleanup(struct sighand_struct *sighand);

/* CLOCK_REALTIME jumped: timers made with TFD_TIMER_CANCEL_ON_SET report ECANCELED, absolute ones are set anew. */
void timerfd_clock_was_set(void);

/* Adds 1 to an eventfd, as far as that goes; does not sleep. */
bool is_eventfd(const struct file *file);
void eventfd_signal(struct file *file);

/* fcntl(2): F_GETLK, F_SETLK, F_SETLKW and the F_OFD_ forms. `arg` is the user's struct flock. */
long fcntl_lock(unsigned fd, struct file *file, unsigned cmd, u64 arg);
/* /proc/locks: a heap string, freed by the caller; NULL when out of memory. */
char *locks_show(void);

#endif
