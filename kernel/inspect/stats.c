// SPDX-License-Identifier: Apache-2.0
/* `linuxd events` and `linuxd update`: what the container uses, and its limits while it runs. */
#include "include/abi/stats.h"

#include "kernel/init/init.h"
#include "kernel/inspect/inspect.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/object.h"
#include "kernel/sched/internal.h"
#include "kernel/task/task.h"
#include "kernel/trace/stats.h"

static u64 busy_seen[BOOT_MAX_CPUS];

static void add_times(struct container_stats *stats)
{
	u64 up = stats->up, user = 0, system = 0, busy = 0;
	struct task_struct *task;

	for_each_task(task) {
		u64 utime, stime;

		task_cputime(task, &utime, &stime);
		user += utime;
		system += stime;
		if (!thread_group_leader(task))
			continue;
		user += task->signal->utime + task->signal->child_utime;
		system += task->signal->stime + task->signal->child_stime;
		stats->processes++;
	}
	for (int i = 0; i < nr_cpus && i < BOOT_MAX_CPUS; i++) {
		/* Two clocks make it: it never goes back all the same. */
		busy_seen[i] = max(busy_seen[i], up - min(idle_time_ns(i), up));
		stats->busy[i] = busy_seen[i];
		busy += stats->busy[i];
	}
	/* What has run without being any living task's is divided like the rest. */
	stats->user = user + system ? busy / 1000 * (user / 1000 * 1000 / ((user + system) / 1000 + 1)) : busy;
	stats->user = min(stats->user, busy);
	stats->system = busy - stats->user;
}

static void add_counters(struct container_stats *stats)
{
	for (int i = 0; i <= MAX_CPUS; i++) {
		const struct kernel_stats *from = &kernel_stats[i];

		stats->switches += from->switches_same + from->switches_cross;
		stats->forks += from->forks;
		for (int nr = 0; nr < NR_SYSCALLS; nr++)
			stats->syscalls += from->syscalls[nr][STATS_PATCHED] + from->syscalls[nr][STATS_TRAPPED];
	}
}

void container_stats(struct container_stats *stats)
{
	struct heap_usage heap;

	heap_usage(&heap);
	*stats = (struct container_stats){ .magic = STATS_MAGIC, .version = STATS_VERSION, .nr_cpus = (u32)nr_cpus,
					   .oom_kills = channel->oom_kills, .up = ktime_get() - sched_start, .tasks = (u64)nr_tasks,
					   .tasks_limit = (u64)tasks_limit, .memory_limit = boot->memory_limit,
					   .shared = page_stores_data_pages * PAGE_SIZE, .kernel = heap.used };
	add_times(stats);
	add_counters(stats);
}

long inspect_stats(const u64 argument[4], struct inspect_answer *ret_answer)
{
	struct container_stats *stats = heap_pages_alloc(1);

	if (!stats)
		return -ENOMEM;
	container_stats(stats);
	ret_answer->data = stats;
	ret_answer->pages = 1;
	ret_answer->length = sizeof(*stats);
	return 0;
}

/*
 * argument: bytes of memory, threads, cpu quota in µs; 0: as it is, UINT64_MAX: no limit; then the period, and in the upper half the weight. What is over
 * a new limit stays, memory until the next need of it. The last two are the host's to enforce: here they are only shown.
 */
long inspect_update(const u64 argument[4], struct inspect_answer *ret_answer)
{
	if (argument[0])
		boot->memory_limit = argument[0] == UINT64_MAX ? 0 : argument[0];
	if (argument[1])
		tasks_limit = argument[1] >= INT32_MAX ? 0 : (int)argument[1];
	if (argument[2])
		boot->cpu_quota = argument[2] == UINT64_MAX ? 0 : argument[2];
	if ((u32)argument[3])
		boot->cpu_period = (u32)argument[3];
	if (argument[3] >> 32)
		boot->cpu_weight = (u32)(argument[3] >> 32);
	return 0;
}
