// SPDX-License-Identifier: Apache-2.0
/*
 * Freezing: see freezer.h.
 *
 *   runs, or waits for a cpu     TIF_FREEZE; it stops on its way to user mode (freezer_stand)
 *   sleeps interruptibly         frozen as it is: TASK_FROZEN keeps wake-ups from it, TASK_WAKE_HELD remembers that one came
 *   sleeps uninterruptibly       comes out by itself, and stops on its way
 *   is stopped, dies             counts as frozen
 *
 * A sleeper that holds a mutex cannot stay where it is, or those who wait for the mutex could not get to where they may be
 * frozen: it is interrupted, as if by a signal, and its call begins again after the thaw.
 */
#include "kernel/task/freezer.h"

#include "include/abi/boot.h"
#include "include/abi/control.h"
#include "kernel/init/init.h"
#include "kernel/locking.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/signal_internal.h"

static LIST_HEAD(freezing); /* freezers */

static bool may_freeze_here(const struct task_struct *task)
{
	if (!(task->state & TASK_INTERRUPTIBLE) || task->mutexes_held)
		return false;
	return !(task->state & TASK_KILLABLE_ONLY) || task->vfork_child;
}

static bool stands_still(const struct task_struct *task)
{
	return (task->state & (TASK_FROZEN | TASK_STOPPED | TASK_TRACED | TASK_DEAD)) || task->exit_state;
}

/* Finds out whether all stand still, and says so. */
static void look_again(struct freezer *freezer)
{
	struct task_struct *task;

	for_each_task(task) {
		if (stands_still(task) || !freezer->member(freezer, task))
			continue;
		freezer->runs = task;
		return;
	}
	freezer->runs = NULL;
	if (freezer->frozen)
		freezer->frozen(freezer);
}

/* The task stands still from now on. Each freezer waits for one task at a time: few looks at all of them. */
static void stands_now(const struct task_struct *task)
{
	struct freezer *freezer;

	list_for_each_entry(freezer, &freezing, link)
		if (freezer->runs == task)
			look_again(freezer);
}

void freeze_task(struct task_struct *task)
{
	assert_kernel_locked();
	if (task->freezers++)
		return;
	task->work |= TIF_FREEZE;
	if (task->sched.on_rq)
		kick_task(task);
	else if (may_freeze_here(task))
		task->state |= TASK_FROZEN;
	else if ((task->state & TASK_INTERRUPTIBLE) && !(task->state & TASK_KILLABLE_ONLY))
		signal_wake_up(task, false);
}

void thaw_task(struct task_struct *task)
{
	assert_kernel_locked();
	if (!task->freezers || --task->freezers)
		return;
	task->work &= ~(unsigned)TIF_FREEZE;
	if (task->state & TASK_WAKE_HELD)
		wake_up_state(task, TASK_FROZEN);
	else
		task->state &= ~(unsigned)TASK_FROZEN;
}

void freezer_new_task(struct task_struct *task)
{
	struct freezer *freezer;

	list_for_each_entry(freezer, &freezing, link)
		if (freezer->member(freezer, task))
			freeze_task(task);
}

void freezer_freeze(struct freezer *freezer)
{
	struct task_struct *task;

	if (freezer->freezing)
		return;
	freezer->freezing = true;
	list_add_tail(&freezer->link, &freezing);
	for_each_task(task)
		if (freezer->member(freezer, task))
			freeze_task(task);
	look_again(freezer);
}

void freezer_thaw(struct freezer *freezer)
{
	struct task_struct *task;

	if (!freezer->freezing)
		return;
	freezer->freezing = false;
	freezer->runs = NULL;
	list_del(&freezer->link);
	for_each_task(task)
		if (freezer->member(freezer, task))
			thaw_task(task);
}

static void describe_thaw(const void *object, struct wait_info *info)
{
	wait_info_printf(info, "the thaw of what is frozen");
}
static const struct wait_type frozen_wait = { "frozen", BLOCK_STOP, describe_thaw };

void freezer_stand(void)
{
	while (current->freezers && !fatal_signal_pending(current)) {
		prepare_to_sleep(TASK_INTERRUPTIBLE | TASK_FROZEN | TASK_WAKE_HELD, &frozen_wait, current);
		schedule();
		finish_sleep();
	}
}

void freezer_sleeps(struct task_struct *task)
{
	if (may_freeze_here(task) && !fatal_signal_pending(task)) {
		/* A signal that would have kept it awake does so after the thaw. */
		task->state |= TASK_FROZEN | (signal_pending(task) ? TASK_WAKE_HELD : 0);
	}
	if (stands_still(task))
		stands_now(task);
}

/* ---- the whole container ---- */

static bool any_task(const struct freezer *freezer, const struct task_struct *task) { return true; }

/* The monitor looks at the channel when the bell rings, and asks again. */
static void container_frozen(struct freezer *freezer)
{
	__atomic_store_n(&channel->freezer, CONTAINER_FROZEN, __ATOMIC_RELEASE);
	ring_doorbell();
}

struct freezer container_freezer = { .member = any_task, .frozen = container_frozen };
