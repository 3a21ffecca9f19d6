// SPDX-License-Identifier: Apache-2.0
/*
 * The tasks at one moment (abi/snapshot.h): made under the kernel lock, so that every wait, its object and who holds it belong together.
 */
#include "include/abi/boot.h"
#include "include/abi/snapshot.h"
#include "kernel/fs/proc/proc.h"
#include "kernel/init/init.h"
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

/* Finding who has the other end of something means looking at all open files: not for ever, with the kernel lock held. */
#define PEERS_NS (50 * 1000 * 1000UL)
#define PEERS_NS_MAX NSEC_PER_SEC

struct snapshot_writer {
	u64 flags, now;
	u64 peers_until; /* then waits are described in words only */
	u32 follow;      /* tid whose peers, and theirs, are wanted; 0: everybody's */
	struct snapshot_peer *peers;
	u32 nr_peers;
};

static void put_peers(struct snapshot_writer *writer, const struct wait_info *info, struct snapshot_task *record)
{
	for (unsigned i = 0; i < info->nr_tasks; i++) {
		struct snapshot_peer *peer = &writer->peers[writer->nr_peers++];

		peer->waiter = record->tid;
		peer->tid = (u32)info->tasks[i].tid;
		scnprintf(peer->role, sizeof(peer->role), "%s", wait_relation_names[info->tasks[i].relation]);
	}
	if (info->more)
		record->flags |= SNAPSHOT_TASK_MORE_PEERS;
}

static void describe_wait(const struct task_struct *task, struct snapshot_task *record)
{
	struct wait_info info;

	if (!task_wait_text(task, &info))
		return;
	record->since = task->block_start;
	record->until = task->block_until;
	record->object_id = (u64)task->block_object;
	scnprintf(record->kind, sizeof(record->kind), "%s", block_kind_names[task_block_kind(task)]);
	scnprintf(record->wait, sizeof(record->wait), "%s", task->block_type->name);
	scnprintf(record->object, sizeof(record->object), "%s", info.text);
	record->flags = SNAPSHOT_TASK_NO_PEERS;
}

/* Looks for who could end the task's wait, if there is time. */
static bool find_peers(struct snapshot_writer *writer, const struct task_struct *task, struct snapshot_task *record)
{
	struct wait_info info;

	if (ktime_get() >= writer->peers_until || !task_wait_info(task, &info))
		return false;
	record->flags &= ~SNAPSHOT_TASK_NO_PEERS;
	put_peers(writer, &info, record);
	return true;
}

enum { UNTOUCHED, WANTED, DONE }; /* record->pad, while peers are followed */

static struct snapshot_task *record_of(struct snapshot_task *records, u32 nr, u32 tid)
{
	for (u32 i = 0; i < nr; i++)
		if (records[i].tid == tid)
			return &records[i];
	return NULL;
}

static bool want(struct snapshot_task *record)
{
	if (!record || record->pad != UNTOUCHED)
		return false;
	record->pad = WANTED;
	return true;
}

/* The peers of those that are wanted; true if that made others wanted. */
static bool follow_wanted(struct snapshot_writer *writer, struct snapshot_task *records, u32 nr)
{
	struct task_struct *task;
	bool more = false;
	u32 i = 0;

	for_each_task(task) {
		struct snapshot_task *record = &records[i++];
		u32 first = writer->nr_peers;

		if (record->pad != WANTED)
			continue;
		record->pad = DONE;
		if (!find_peers(writer, task, record))
			continue;
		for (u32 k = first; k < writer->nr_peers; k++)
			more |= want(record_of(records, nr, writer->peers[k].tid));
	}
	return more;
}

/* Any thread of a process may act for it: those of all that were looked at. */
static bool want_threads(struct snapshot_task *records, u32 nr)
{
	bool more = false;

	for (u32 i = 0; i < nr; i++) {
		const struct snapshot_task *leader = records[i].pad == UNTOUCHED ? record_of(records, nr, records[i].tgid) : NULL;

		if (leader && leader->pad == DONE)
			more |= want(&records[i]);
	}
	return more;
}

/* The peers of one task, their peers, and so on; then those of their threads. In a large container these are few of all. */
static void follow_peers(struct snapshot_writer *writer, struct snapshot_task *records, u32 nr, u32 tid)
{
	struct snapshot_task *record = record_of(records, nr, tid);
	bool more = want(record);

	while (more) {
		while (follow_wanted(writer, records, nr))
			;
		more = ktime_get() < writer->peers_until && (want(record_of(records, nr, record->tgid)) || want_threads(records, nr));
	}
	for (u32 i = 0; i < nr; i++)
		records[i].pad = UNTOUCHED;
}

static void describe(struct snapshot_writer *writer, struct task_struct *task, struct snapshot_task *record)
{
	const struct sched_task *sched = &task->sched;

	record->tid = task->tid;
	record->tgid = task->tgid;
	record->ppid = task->real_parent ? task->real_parent->tgid : 0;
	record->uid = task->cred ? task->cred->euid : 0;
	record->state = proc_state(task, NULL);
	record->running = runqueues[sched->cpu].curr == task;
	record->cpu = sched->cpu;
	record->nice = sched->nice;
	record->rt_priority = sched->rt_priority;
	scnprintf(record->class, sizeof(record->class), "%s", sched->class->name);
	scnprintf(record->policy, sizeof(record->policy), "%s", policy_name(sched->policy));
	record->run = task_runtime(task);
	record->ready = time_ready(task, writer->now);
	scnprintf(record->comm, sizeof(record->comm), "%s", task->comm);
	describe_call(task, record);
	describe_wait(task, record);
	if (writer->flags & SNAPSHOT_PEERS && !writer->follow)
		find_peers(writer, task, record);
}

/* Room for the most there can be; the answer may end up shorter. */
static size_t snapshot_size(u64 flags, u32 *ret_nr_tasks, u32 *ret_nr_threads)
{
	struct task_struct *task;
	size_t blocked = 0;

	*ret_nr_tasks = 0;
	for_each_task(task) {
		++*ret_nr_tasks;
		blocked += task_blocked(task);
	}
	*ret_nr_threads = flags & SNAPSHOT_THREADS ? inspect_count_threads() : 0;
	return sizeof(struct snapshot) + *ret_nr_tasks * sizeof(struct snapshot_task) + *ret_nr_threads * sizeof(struct snapshot_thread) +
	       (flags & SNAPSHOT_PEERS ? blocked * WAIT_INFO_TASKS * sizeof(struct snapshot_peer) : 0);
}

static void fill(struct snapshot_writer *writer, struct snapshot *snapshot)
{
	struct snapshot_task *tasks = (struct snapshot_task *)(snapshot + 1);
	struct task_struct *task;

	writer->peers = (struct snapshot_peer *)(tasks + snapshot->nr_tasks);
	for_each_task(task)
		describe(writer, task, tasks++);
	if (writer->follow)
		follow_peers(writer, tasks - snapshot->nr_tasks, snapshot->nr_tasks, writer->follow);
	snapshot->nr_peers = writer->nr_peers;
	if (snapshot->nr_threads)
		inspect_threads((struct snapshot_thread *)(writer->peers + writer->nr_peers));
}

long inspect_snapshot(const u64 argument[4], struct inspect_answer *ret_answer)
{
	struct snapshot_writer writer = { .flags = argument[0], .follow = (u32)argument[2], .now = ktime_get() };
	u32 nr_tasks, nr_threads;
	struct snapshot *snapshot;
	size_t size;

	assert_kernel_locked();
	writer.peers_until = writer.now + (argument[1] ? min(argument[1], PEERS_NS_MAX) : PEERS_NS);
	size = snapshot_size(writer.flags, &nr_tasks, &nr_threads);
	if (size > SNAPSHOT_SIZE_MAX)
		return -E2BIG;
	ret_answer->pages = (size + PAGE_SIZE - 1) / PAGE_SIZE;
	snapshot = heap_pages_alloc(ret_answer->pages);
	if (!snapshot)
		return -ENOMEM;
	memset(snapshot, 0, size);
	snapshot->magic = SNAPSHOT_MAGIC;
	snapshot->version = SNAPSHOT_VERSION;
	snapshot->nr_tasks = nr_tasks;
	snapshot->nr_threads = nr_threads;
	snapshot->nr_cpus = nr_cpus;
	snapshot->freezer = channel->freezer;
	snapshot->now = writer.now;
	fill(&writer, snapshot);
	ret_answer->data = snapshot;
	ret_answer->length = sizeof(*snapshot) + nr_tasks * sizeof(struct snapshot_task) + writer.nr_peers * sizeof(struct snapshot_peer) +
			     nr_threads * sizeof(struct snapshot_thread);
	return 0;
}
