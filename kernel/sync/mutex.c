// SPDX-License-Identifier: Apache-2.0
/*
 * Sleeping locks. The kernel lock protects owner and waiters, so there is nothing atomic here.
 *
 * Unlocking wakes one waiter but does not hand the lock over: whoever runs first takes it, which saves a
 * switch when the owner locks again. A woken waiter looks at the owner before it looks at signals, so a
 * wake-up is never lost to a task that gives up.
 */
#include "kernel/locking.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/task.h"

void mutex_init(struct mutex *mutex)
{
	mutex->owner = NULL;
	wait_queue_init(&mutex->wait);
}

bool mutex_trylock(struct mutex *mutex)
{
	assert_kernel_locked();
	if (mutex->owner)
		return false;
	mutex->owner = current;
	current->mutexes_held++;
	return true;
}

struct mutex_wait {
	const struct mutex *mutex;
	const char *name;
};

static void describe_mutex(const void *object, struct wait_info *info)
{
	const struct mutex_wait *wait = object;

	wait_info_printf(info, "kernel mutex %s", wait->name[0] == '&' ? wait->name + 1 : wait->name);
	if (wait->mutex->owner)
		wait_info_task(info, WAIT_HOLDER, wait->mutex->owner);
}

static const struct wait_type mutex_wait_type = { "mutex", BLOCK_LOCK, describe_mutex };

void mutex_lock_named(struct mutex *mutex, const char *name)
{
	struct mutex_wait wait = { mutex, name };

	if (mutex_trylock(mutex))
		return;
	debug_assert(mutex->owner != current);
	(void)wait_event_common(&mutex->wait, TASK_UNINTERRUPTIBLE, &mutex_wait_type, &wait, NEVER, true, mutex_trylock(mutex), false);
}

int mutex_lock_killable_named(struct mutex *mutex, const char *name)
{
	struct mutex_wait wait = { mutex, name };

	if (mutex_trylock(mutex))
		return 0;
	debug_assert(mutex->owner != current);
	return (int)wait_event_common(&mutex->wait, TASK_INTERRUPTIBLE | TASK_KILLABLE_ONLY, &mutex_wait_type, &wait, NEVER,
				      true, mutex_trylock(mutex), fatal_signal_pending(current));
}

void mutex_unlock(struct mutex *mutex)
{
	assert_kernel_locked();
	assert_mutex_held(mutex);
	mutex->owner = NULL;
	current->mutexes_held--;
	if (wait_queue_active(&mutex->wait))
		wake_up(&mutex->wait);
}
