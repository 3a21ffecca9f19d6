// SPDX-License-Identifier: Apache-2.0
/*
 * The tasks at one moment (abi/snapshot.h): made under the kernel lock, so that every wait, its object and who holds it belong together.
 */
#include "include/abi/snapshot.h"
#include "kernel/fs/proc/proc.h"
#include "kernel/inspect/inspect.h"
#include "kernel/locking.h"
#include "kernel/mm/alloc.h"
#include "kernel/sched/internal.h"
#include "kernel/sched/wait_info.h"
#include "kernel/sys/syscall.h"
#include "kernel/task/task.h"

static const char *policy_name(int policy)
{
	switch (policy) {
	case SCHED_NORMAL:
		return "other";
	case SCHED_BATCH:
		return "batch";
	case SCHED_IDLE:
		return "idle";
	case SCHED_FIFO:
		return "fifo";
	case SCHED_RR:
		return "rr";
	case SCHED_DEADLINE:
		return "deadline";
	}
	return "?";
}

static bool is_wanted(const struct task_struct *task, u64 flags)
{
	return !(task->flags & PF_KTHREAD) || flags & SNAPSHOT_KERNEL_TASKS;
}

static u64 time_ready(const struct task_struct *task, u64 now)
{
	const struct sched_task *sched = &task->sched;
	bool ready = sched->on_rq && runqueues[sched->cpu].curr != task;

	return sched->wait_sum + (ready ? now - min(now, sched->wait_start) : 0);
}

static void describe_call(const struct task_struct *task, struct snapshot_task *record)
{
	long nr = task->trace_syscall;
	const char *name = nr >= 0 && nr < NR_SYSCALLS ? syscall_table[nr].name : NULL;

	record->syscall = nr;
	scnprintf(record->call, sizeof(record->call), "%s", name ? name : "");
}

static void describe_wait(const struct task_struct *task, struct snapshot_task *record)
{
	struct wait_info info;

	if (!task_wait_info(task, &info))
		return;
	record->since = task->block_start;
	record->until = task->block_until;
	record->object_id = (u64)task->block_object;
	scnprintf(record->kind, sizeof(record->kind), "%s", block_kind_names[task_block_kind(task)]);
	scnprintf(record->wait, sizeof(record->wait), "%s", task->block_type->name);
	scnprintf(record->object, sizeof(record->object), "%s", info.text);
}

static void describe(struct task_struct *task, u64 now, struct snapshot_task *record)
{
	const struct sched_task *sched = &task->sched;

	record->tid = task->tid;
	record->tgid = task->tgid;
	record->ppid = task->real_parent ? task->real_parent->tgid : 0;
	record->uid = task->cred ? task->cred->euid : 0;
	record->state = proc_state(task, NULL);
	record->running = runqueues[sched->cpu].curr == task;
	record->flags = task->flags & PF_KTHREAD ? SNAPSHOT_TASK_KERNEL : 0;
	record->cpu = sched->cpu;
	record->nice = sched->nice;
	record->rt_priority = sched->rt_priority;
	scnprintf(record->class, sizeof(record->class), "%s", sched->class->name);
	scnprintf(record->policy, sizeof(record->policy), "%s", policy_name(sched->policy));
	record->run = task_runtime(task);
	record->ready = time_ready(task, now);
	scnprintf(record->comm, sizeof(record->comm), "%s", task->comm);
	describe_call(task, record);
	describe_wait(task, record);
}

static u32 count_tasks(u64 flags)
{
	struct task_struct *task;
	u32 nr = 0;

	for_each_task(task)
		nr += is_wanted(task, flags);
	return nr;
}

long inspect_snapshot(const u64 argument[4], struct inspect_answer *ret_answer)
{
	u64 flags = argument[0], now = ktime_get();
	u32 nr_tasks, nr_threads;
	struct snapshot *snapshot;
	struct snapshot_task *tasks;
	struct task_struct *task;
	size_t size;

	assert_kernel_locked();
	nr_tasks = count_tasks(flags);
	nr_threads = flags & SNAPSHOT_THREADS ? inspect_count_threads() : 0;
	size = sizeof(*snapshot) + nr_tasks * sizeof(struct snapshot_task) + nr_threads * sizeof(struct snapshot_thread);
	if (size > SNAPSHOT_SIZE_MAX)
		return -E2BIG;
	snapshot = heap_pages_alloc((size + PAGE_SIZE - 1) / PAGE_SIZE);
	if (!snapshot)
		return -ENOMEM;
	memset(snapshot, 0, size);
	snapshot->magic = SNAPSHOT_MAGIC;
	snapshot->version = SNAPSHOT_VERSION;
	snapshot->nr_tasks = nr_tasks;
	snapshot->nr_threads = nr_threads;
	snapshot->nr_cpus = nr_cpus;
	snapshot->now = now;
	tasks = (struct snapshot_task *)(snapshot + 1);
	for_each_task(task)
		if (is_wanted(task, flags))
			describe(task, now, tasks++);
	if (nr_threads)
		inspect_threads((struct snapshot_thread *)tasks);
	ret_answer->data = snapshot;
	ret_answer->length = size;
	return 0;
}
