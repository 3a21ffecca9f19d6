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

void mutex_lock(struct mutex *mutex)
{
	if (mutex_trylock(mutex))
		return;
	debug_assert(mutex->owner != current);
	(void)wait_event_common(&mutex->wait, TASK_UNINTERRUPTIBLE, BLOCK_LOCK, mutex, NEVER, true,
				mutex_trylock(mutex), false);
}

int mutex_lock_killable(struct mutex *mutex)
{
	if (mutex_trylock(mutex))
		return 0;
	debug_assert(mutex->owner != current);
	return (int)wait_event_common(&mutex->wait, TASK_INTERRUPTIBLE | TASK_KILLABLE_ONLY, BLOCK_LOCK, mutex, NEVER,
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
