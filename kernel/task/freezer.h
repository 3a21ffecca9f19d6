/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Freezing sets of tasks. A frozen task stands still without noticing: one in user mode stops where it is, one that sleeps
 * interruptibly goes on sleeping whatever wakes it, and finds at the thaw what happened meanwhile. Only SIGKILL reaches it. Time,
 * timers and what others do to it go on. cgroups(7), cgroup.freeze.
 *
 * A task may be in several sets, and is frozen while any of them is. All of this needs the kernel lock.
 */
#ifndef KERNEL_TASK_FREEZER_H
#define KERNEL_TASK_FREEZER_H

#include "kernel/task/task.h"

struct freezer {
	/* Is the task in the set? A task whose answer changes is moved by its mover: freeze_task, thaw_task. */
	bool (*member)(const struct freezer *freezer, const struct task_struct *task);
	/* All members stand still now. Called while that is so, must not sleep; may be called again after a thaw. */
	void (*frozen)(struct freezer *freezer);
	struct list_head link;          /* of those that freeze */
	bool freezing;
	const struct task_struct *runs; /* a member that does not stand still yet; NULL: all do */
};

/* `frozen` may be called before this returns. Doing it twice is doing it once. */
void freezer_freeze(struct freezer *freezer);
void freezer_thaw(struct freezer *freezer);
static inline bool freezer_is_frozen(const struct freezer *freezer) { return freezer->freezing && !freezer->runs; }

/* One task enters or leaves a set that is frozen. */
void freeze_task(struct task_struct *task);
void thaw_task(struct task_struct *task);

/* A new task has come into the tables: it is in the sets that want it. */
void freezer_new_task(struct task_struct *task);
/* On the way to user mode: stands still until the thaw, or until something kills current. */
void freezer_stand(void);
/* current is about to sleep, with TIF_FREEZE. */
void freezer_sleeps(struct task_struct *task);

/* The set of all tasks of the container: `linuxd pause`. */
extern struct freezer container_freezer;

#endif
