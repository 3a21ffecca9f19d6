// SPDX-License-Identifier: Apache-2.0
/*
 * The host threads of the container and what each is doing: `linuxd ps --threads`. Cpus, with the carrier that each has at this moment;
 * carriers of every address space, those that wait for an exec included; the kernel process's own: async I/O, clock, aux, poll.
 */
#include "include/abi/snapshot.h"
#include "kernel/init/init.h"
#include "kernel/inspect/inspect.h"
#include "kernel/locking.h"
#include "kernel/mm/mm.h"
#include "kernel/sched/carrier.h"
#include "kernel/sched/internal.h"
#include "kernel/task/lifecycle.h"
#include "kernel/task/task.h"

/* NULL: only count. */
struct walk {
	struct snapshot_thread *next;
	u32 nr;
};

static const char *carrier_state(const struct carrier *c)
{
	if (atomic_load(&c->run) == CARRIER_PARKED)
		return "parked";
	return c->idle || !c->task || runqueues[c->cpu->id].curr != c->task ? "idle" : "running";
}

static void put_carrier(struct walk *walk, const struct carrier *c, const struct task_struct *process, const char *role)
{
	struct snapshot_thread *record = walk->next;

	walk->nr++;
	if (!record)
		return;
	walk->next++;
	record->host_tid = c->host_tid;
	record->host_pid = c->host_pid;
	record->cpu = -1;
	record->host_cpu = c->bound_cpu >= 0 ? cpus[c->bound_cpu].host_cpu : -1;
	record->mm_pid = process ? process->tgid : 0;
	scnprintf(record->role, sizeof(record->role), "%s", role);
	scnprintf(record->comm, sizeof(record->comm), "%s", process ? process->comm : "");
	if (c->role) {
		scnprintf(record->state, sizeof(record->state), "%s", c->sleeps_on_host ? "waiting" : "working");
		record->task = c->serves ? c->serves->tid : 0;
		scnprintf(record->comm, sizeof(record->comm), "%s", c->serves ? c->serves->comm : "");
		return;
	}
	scnprintf(record->state, sizeof(record->state), "%s", carrier_state(c));
	if (atomic_load(&c->run) == CARRIER_PARKED || !c->cpu)
		return;
	record->cpu = c->cpu->id;
	if (!strcmp(record->state, "running")) {
		record->task = c->task->tid;
		scnprintf(record->comm, sizeof(record->comm), "%s", c->task->comm);
	}
}

static void put_cpu(struct walk *walk, const struct cpu *cpu)
{
	struct snapshot_thread *record = walk->next;
	const struct task_struct *task = runqueues[cpu->id].curr;

	walk->nr++;
	if (!record)
		return;
	walk->next++;
	record->host_tid = cpu->active ? cpu->active->host_tid : 0;
	record->cpu = cpu->id;
	record->host_cpu = cpu->host_cpu;
	record->task = task ? task->tid : 0;
	scnprintf(record->role, sizeof(record->role), "cpu");
	scnprintf(record->state, sizeof(record->state), "%s", task ? "running" : "idle");
	scnprintf(record->comm, sizeof(record->comm), "%s", task ? task->comm : "");
}

static void put_mm(struct walk *walk, const struct mm_struct *mm, const struct task_struct *process, const char *role)
{
	const struct carrier *c;

	list_for_each_entry(c, &mm->carriers, mm_link)
		put_carrier(walk, c, process, role);
}

static void walk_all(struct walk *walk)
{
	static u64 pass; /* kernel lock */
	struct task_struct *task;
	const struct mm_struct *mm;
	const struct carrier *c;

	for (int i = 0; i < nr_cpus; i++)
		put_cpu(walk, &cpus[i]);
	put_mm(walk, &kernel_mm, NULL, "carrier");
	list_for_each_entry(c, &kernel_host_threads, mm_link)
		put_carrier(walk, c, NULL, c->role);
	/* Of the tasks that share an address space the first one in the list speaks for it. */
	pass++;
	for_each_task(task) {
		if (!task->mm || task->mm->kernel_mm || task->mm->inspect_pass == pass)
			continue;
		task->mm->inspect_pass = pass;
		put_mm(walk, task->mm, task, "carrier");
	}
	for (int i = 0; (mm = zygote_pooled(i)); i++)
		put_mm(walk, mm, NULL, "spare");
}

u32 inspect_count_threads(void)
{
	struct walk walk = { 0 };

	walk_all(&walk);
	return walk.nr;
}

void inspect_threads(struct snapshot_thread *records)
{
	struct walk walk = { .next = records };

	walk_all(&walk);
}
