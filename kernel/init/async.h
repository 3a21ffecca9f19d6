/* SPDX-License-Identifier: Apache-2.0 */
/* The pool of async I/O threads: host calls that may block for long are made there, so that no cpu waits for a disk. */
#ifndef KERNEL_INIT_ASYNC_H
#define KERNEL_INIT_ASYNC_H

#include "kernel/kernel.h"

struct inode;

/* What a request is about, for those who look at the sleeping task. It stays until the request is done. */
struct async_subject {
	const char *what; /* "read" */
	const struct inode *inode; /* NULL: a whole file system */
	u64 offset, length; /* length 0: the whole of it */
};

/*
 * Runs function(arg), a host call that is about `subject`, on an async thread, without the kernel lock and without any user memory; the calling task sleeps
 * uninterruptibly (BLOCK_DISK). Returns what function returned. Without a pool (--async-threads 0) it runs here.
 */
long async_host_io(long (*function)(void *arg), void *arg, const struct async_subject *subject);
extern u64 async_requests; /* made so far, for --stats */
int async_start(unsigned max_threads); /* one now, the others when requests come faster than they are served */

#endif
