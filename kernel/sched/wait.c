// SPDX-License-Identifier: Apache-2.0
/* Wait queues, and sleeping with a deadline. */
#include "kernel/sched/wait.h"

#include "kernel/locking.h"
#include "kernel/task/task.h"

static bool wake_task(struct wait_queue_entry *entry, unsigned key)
{
	return try_to_wake_up(entry->task, TASK_NORMAL, false);
}

void wait_entry_init(struct wait_queue_entry *entry)
{
	list_init(&entry->link);
	entry->task = current;
	entry->func = wake_task;
	entry->private = NULL;
	entry->exclusive = false;
}

void wait_entry_init_func(struct wait_queue_entry *entry, wait_func_t *func, void *private)
{
	wait_entry_init(entry);
	entry->func = func;
	entry->private = private;
}

void wait_queue_add(struct wait_queue_head *wq, struct wait_queue_entry *entry)
{
	entry->exclusive = false;
	list_add(&entry->link, &wq->entries);
}

void wait_queue_add_exclusive(struct wait_queue_head *wq, struct wait_queue_entry *entry)
{
	entry->exclusive = true;
	list_add_tail(&entry->link, &wq->entries);
}

void wait_queue_remove(struct wait_queue_entry *entry)
{
	list_del(&entry->link);
}

static bool wake_entry(struct wait_queue_entry *entry, unsigned key, bool sync)
{
	if (entry->func == wake_task)
		return try_to_wake_up(entry->task, TASK_NORMAL, sync);
	return entry->func(entry, key);
}

static int wake(struct wait_queue_head *wq, int nr_exclusive, unsigned key, bool sync)
{
	struct wait_queue_entry *entry, *next;
	int woken = 0, left = nr_exclusive;

	assert_kernel_locked();
	list_for_each_entry_safe(entry, next, &wq->entries, link) {
		bool exclusive = entry->exclusive;

		if (!wake_entry(entry, key, sync))
			continue;
		woken++;
		if (exclusive && nr_exclusive && --left == 0)
			break;
	}
	return woken;
}

int wake_up_common(struct wait_queue_head *wq, int nr_exclusive, unsigned key) { return wake(wq, nr_exclusive, key, false); }
int wake_up_sync_poll(struct wait_queue_head *wq, unsigned poll_events) { return wake(wq, 1, poll_events, true); }

void prepare_to_sleep(unsigned state, const struct wait_type *type, const void *object)
{
	struct task_struct *task = current;

	task->state = state;
	task->block_type = type;
	task->block_object = object;
	task->block_until = NEVER;
}

void finish_sleep(void)
{
	struct task_struct *task = current;

	task->state = TASK_RUNNING;
	task->block_type = NULL;
	task->block_object = NULL;
	task->block_start = 0;
}

struct sleep_timer {
	struct ktimer timer;
	struct task_struct *task;
};

static void sleep_timer_expired(struct ktimer *timer)
{
	wake_up_process(container_of(timer, struct sleep_timer, timer)->task);
}

bool schedule_until(u64 deadline)
{
	struct sleep_timer sleep;
	bool in_time;

	/* Read lazily: the run queue's clock is at most one switch old. */
	if (deadline == NEVER) {
		schedule();
		return true;
	}
	if (deadline <= ktime_get()) {
		finish_sleep();
		return false;
	}
	ktimer_init(&sleep.timer, sleep_timer_expired);
	sleep.task = current;
	current->block_until = deadline;
	ktimer_arm(&sleep.timer, deadline);
	schedule();
	in_time = ktimer_cancel(&sleep.timer);
	return in_time;
}
