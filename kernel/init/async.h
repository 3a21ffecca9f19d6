/* SPDX-License-Identifier: Apache-2.0 */
/* The pool of async I/O threads: host calls that may block for long are made there, so that no cpu waits for a disk. */
#ifndef KERNEL_INIT_ASYNC_H
#define KERNEL_INIT_ASYNC_H

#include "kernel/kernel.h"

/*
 * Runs function(arg) on an async thread, without the kernel lock and without any user memory; the calling task sleeps
 * uninterruptibly (BLOCK_DISK). Returns what function returned. Without a pool (--async-threads 0) it runs here.
 */
long async_host_io(long (*function)(void *arg), void *arg);
int async_start(unsigned nr_threads);

#endif
