// SPDX-License-Identifier: Apache-2.0
/* Process ids: handed out in ascending order, reused only after a round through the whole range. */
#include "kernel/init/init.h"
#include "kernel/locking.h"
#include "kernel/mm/alloc.h"
#include "kernel/task/task.h"

#define PID_MAX 32768
#define HASH_SIZE 1024

static struct hlist_head buckets[HASH_SIZE] __hot_data;
static pid_t last_pid;
static unsigned nr_pids;

struct pid *pid_find(pid_t number)
{
	struct pid *pid;

	hlist_for_each_entry(pid, &buckets[(unsigned)number % HASH_SIZE], hash)
		if (pid->number == number)
			return pid;
	return NULL;
}

struct pid *pid_alloc(void)
{
	unsigned limit = boot->pid_limit ? (unsigned)boot->pid_limit : PID_MAX;
	struct pid *pid;
	pid_t number = last_pid;

	if (nr_pids >= limit || nr_pids >= PID_MAX - 1)
		return NULL;
	do {
		if (++number >= PID_MAX)
			number = last_pid >= 300 ? 300 : 2;
	} while (pid_find(number));
	pid = kzalloc(sizeof(*pid));
	if (!pid)
		return NULL;
	refcount_set(&pid->count, 1);
	pid->number = last_pid = number;
	list_init(&pid->group_processes);
	list_init(&pid->session_processes);
	wait_queue_init(&pid->pidfd_wait);
	hlist_add(&pid->hash, &buckets[(unsigned)number % HASH_SIZE]);
	nr_pids++;
	return pid;
}

struct pid *pid_get(struct pid *pid)
{
	refcount_inc(&pid->count);
	return pid;
}

void pid_put(struct pid *pid)
{
	if (!pid || !refcount_dec_and_test(&pid->count))
		return;
	hlist_del(&pid->hash);
	nr_pids--;
	kfree(pid);
}

struct task_struct *task_find(pid_t tid)
{
	struct pid *pid = pid_find(tid);

	return pid ? pid->task : NULL;
}

struct task_struct *process_after(pid_t pid)
{
	while (++pid < PID_MAX) {
		struct task_struct *task = task_find(pid);

		if (task && !(task->flags & PF_KTHREAD) && thread_group_leader(task))
			return task;
	}
	return NULL;
}
