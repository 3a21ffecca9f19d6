/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last lines of the kernel's log, for /dev/kmsg. Lines are numbered from 0; printk keeps one from anywhere, also without the kernel lock, and
 * overwrites the oldest.
 */
#ifndef KERNEL_INIT_LOG_H
#define KERNEL_INIT_LOG_H

#include "kernel/kernel.h"
#include "kernel/sched/wait.h"

#define LOG_LINES 256
#define LOG_TEXT 232

struct log_line {
	u64 number;          /* plus one; 0: is being written */
	u64 time;            /* ns since boot */
	u16 level, length;
	char text[LOG_TEXT]; /* what is longer is cut off */
};

void log_keep(int level, const char *text, size_t length);
/* The oldest line that is there, and the number of the next that comes. */
u64 log_first(void), log_next(void);
/* False: it has been overwritten, or is not there yet. */
bool log_read(u64 number, struct log_line *ret_line);

/* Who waits for more. Woken for what programs write; the kernel's own lines are seen with the next of them. */
extern struct wait_queue_head log_wait;

#endif
