/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX message queues (mq_overview(7)): what the system calls use; the file system type is "mqueue". */
#ifndef KERNEL_IPC_MQUEUE_H
#define KERNEL_IPC_MQUEUE_H

#include <linux/mqueue.h>

#include "kernel/vfs/vfs.h"

struct mqueue;

/* Opens, or with O_CREAT makes, the queue; attr NULL: the default limits. ERR_PTR. */
struct file *mqueue_open(const char *name, int flags, mode_t mode, const struct mq_attr *attr);
int mqueue_unlink(const char *name);
/* The queue behind a descriptor opened for `write` or reading (both false: any); *ret_file counted. ERR_PTR(-EBADF). */
struct mqueue *mqueue_from_fd(int fd, bool write, bool read, struct file **ret_file);
/* deadline: CLOCK_MONOTONIC. */
int mqueue_send(struct mqueue *queue, user_ptr data, size_t size, unsigned priority, bool nonblock, u64 deadline);
ssize_t mqueue_receive(struct mqueue *queue, user_ptr data, size_t size, user_ptr priority, bool nonblock, u64 deadline);
struct socket;
#define MQ_COOKIE 32
/*
 * kind: SIGEV_NONE, SIGEV_SIGNAL, or SIGEV_THREAD: the cookie goes to the netlink socket (of which a reference is taken), its last byte
 * saying why. -EBUSY: somebody is registered.
 */
int mqueue_notify(struct mqueue *queue, int kind, int sig, u64 value, struct socket *sock, const u8 *cookie);
void mqueue_notify_cancel(struct mqueue *queue); /* if current's process is registered */
void mqueue_attributes(const struct mqueue *queue, struct mq_attr *ret_attr); /* mq_flags is 0 */

#endif
