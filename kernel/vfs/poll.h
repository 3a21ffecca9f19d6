/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readiness. A file's poll operation calls poll_wait() on each wait queue whose wake-up can change the
 * answer, then returns the EPOLL* bits that hold now. select, poll and epoll all stand on this.
 * Wake-ups pass the events as key, so that a waiter for other events sleeps on.
 */
#ifndef KERNEL_VFS_POLL_H
#define KERNEL_VFS_POLL_H

#include <linux/eventpoll.h>
/* Included first: it has its own POLL_IN and POLL_OUT, codes of SIGPOLL, which nothing here uses. */
#include <asm/siginfo.h>

#include "kernel/sched/wait.h"

struct file;
struct poll_table;
/* Registers with `wq`. The caller's poll operation calls it through poll_wait; NULL: only look. */
typedef void poll_queue_t(struct file *file, struct wait_queue_head *wq, struct poll_table *table);
struct poll_table {
	poll_queue_t *queue;
	unsigned key; /* events asked for, EPOLLERR and EPOLLHUP always included */
};
static inline void poll_wait(struct file *file, struct wait_queue_head *wq, struct poll_table *table)
{
	if (table && table->queue)
		table->queue(file, wq, table);
}
#undef POLL_IN
#undef POLL_OUT
#define POLL_IN ((unsigned)(EPOLLIN | EPOLLRDNORM))
#define POLL_OUT ((unsigned)(EPOLLOUT | EPOLLWRNORM))

#endif
