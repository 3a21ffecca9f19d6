/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a blocked task waits for, in words and as the tasks it depends on: /proc/PID/block, `linuxd ps`, explain-wait.
 *
 * Everything here runs with the kernel lock held, in any thread of the kernel (there may be no current), and does not sleep.
 */
#ifndef KERNEL_SCHED_WAIT_INFO_H
#define KERNEL_SCHED_WAIT_INFO_H

#include "kernel/sched/wait.h"

struct file;
struct inode;

enum wait_relation {
	WAIT_HOLDER,      /* has the lock */
	WAIT_HOLDER_HINT, /* had it when the sleep began, says the C library's mutex; the kernel does not know */
	WAIT_PEER,        /* has the other end, or the same object, open: a process */
	WAIT_CHILD,       /* is to end, stop or continue */
};
extern const char *const wait_relation_names[];
extern const char *const block_kind_names[]; /* by enum block_kind */

#define WAIT_INFO_TEXT 192
#define WAIT_INFO_TASKS 8
struct wait_info {
	const struct task_struct *task; /* that waits */
	bool text_only;                 /* tasks are not asked for, which may take long to find */
	char text[WAIT_INFO_TEXT];      /* cut if it is longer */
	size_t length;
	unsigned nr_tasks;
	struct { pid_t tid; enum wait_relation relation; } tasks[WAIT_INFO_TASKS];
	bool more;                      /* there are more such tasks */
};

/* Describes what `task` sleeps on; false: it is not blocked. */
bool task_wait_info(const struct task_struct *task, struct wait_info *ret_info);
/* Only the words: in a time that depends neither on the number of tasks nor on that of open files. */
bool task_wait_text(const struct task_struct *task, struct wait_info *ret_info);

/* For wait_type.describe. */
void wait_info_printf(struct wait_info *info, const char *format, ...) __printf(2, 3);
void wait_info_task(struct wait_info *info, enum wait_relation relation, const struct task_struct *task); /* not the waiter itself, nor twice */

/* vfs/describe.c */
void wait_info_inode(struct wait_info *info, const struct inode *inode); /* by a name it has, or "pipe:[12]" */
void wait_info_file(struct wait_info *info, const struct file *file);
/* All processes but the waiter's own that have a file open of which `match` is true. */
void wait_info_openers(struct wait_info *info, enum wait_relation relation, bool (*match)(const struct file *file, const void *arg),
		       const void *arg);
/* Those who have the other end of a pipe or socket, or the same file. */
void wait_info_file_peers(struct wait_info *info, const struct file *file);
/* A describe function for types whose object is an open file. */
void wait_describe_file(const void *file, struct wait_info *info);
/* A describe function for types whose object is a string. */
void wait_describe_text(const void *text, struct wait_info *info);

#endif
