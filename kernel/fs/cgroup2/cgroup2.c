/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup2, as the one group that the container's programs are in sees itself: language runtimes read their limits and their use here and size
 * themselves by it. Nothing can be written and no group made below it: the limits are the container's, and `linuxd update` changes them.
 *
 * Limits of memory and threads are this kernel's own, the quota and weight of cpu time the host group's, as its configuration or the last update says.
 * A file whose number this kernel does not know is not there (io, swap, pressure): programs take that for a kernel without it.
 */
#include <linux/magic.h>

#include "include/abi/stats.h"
#include "kernel/fs/proc/proc.h"
#include "kernel/init/init.h"
#include "kernel/init/initcall.h"
#include "kernel/inspect/inspect.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/object.h"

static int show_text(struct file *file, struct seq_buffer *seq)
{
	seq_printf(seq, "%s\n", (const char *)proc_i(file->inode)->entry->data);
	return 0;
}

/* 0: none. */
static int show_limit(struct seq_buffer *seq, u64 limit)
{
	if (limit)
		seq_printf(seq, "%llu\n", (unsigned long long)limit);
	else
		seq_puts(seq, "max\n");
	return 0;
}

/* ---- cgroup ---- */

static int show_procs(struct file *file, struct seq_buffer *seq)
{
	struct task_struct *task;

	for (pid_t at = 0; (task = process_after(at)) != NULL; at = task->tgid)
		seq_printf(seq, "%d\n", task->tgid);
	return 0;
}

static int show_threads(struct file *file, struct seq_buffer *seq)
{
	struct task_struct *task;

	for_each_task(task)
		if (!(task->flags & PF_KTHREAD))
			seq_printf(seq, "%d\n", task->tid);
	return 0;
}

static int show_group_events(struct file *file, struct seq_buffer *seq)
{
	seq_printf(seq, "populated 1\nfrozen %d\n", channel->freezer == CONTAINER_FROZEN);
	return 0;
}

/* ---- cpu ---- */

static int show_cpu_max(struct file *file, struct seq_buffer *seq)
{
	if (boot->cpu_quota)
		seq_printf(seq, "%llu", (unsigned long long)boot->cpu_quota);
	else
		seq_puts(seq, "max");
	seq_printf(seq, " %llu\n", (unsigned long long)(boot->cpu_period ? boot->cpu_period : 100000));
	return 0;
}

static int show_cpu_weight(struct file *file, struct seq_buffer *seq)
{
	seq_printf(seq, "%u\n", boot->cpu_weight ? boot->cpu_weight : 100);
	return 0;
}

static int show_cpu_stat(struct file *file, struct seq_buffer *seq)
{
	struct container_stats *stats = kzalloc(sizeof(*stats));
	u64 busy = 0;

	if (!stats)
		return -ENOMEM;
	container_stats(stats);
	for (u32 i = 0; i < stats->nr_cpus; i++)
		busy += stats->busy[i];
	seq_printf(seq, "usage_usec %llu\nuser_usec %llu\nsystem_usec %llu\n", (unsigned long long)busy / 1000,
		   (unsigned long long)stats->user / 1000, (unsigned long long)stats->system / 1000);
	kfree(stats);
	return 0;
}

static int show_cpus(struct file *file, struct seq_buffer *seq)
{
	seq_cpulist(seq, nr_cpus < 64 ? (1ULL << nr_cpus) - 1 : ~0ULL);
	seq_putc(seq, '\n');
	return 0;
}

static int show_empty_line(struct file *file, struct seq_buffer *seq)
{
	seq_putc(seq, '\n');
	return 0;
}

/* ---- memory ---- */

static int show_memory_max(struct file *file, struct seq_buffer *seq) { return show_limit(seq, boot->memory_limit); }

/* In a deterministic run which pages are there is nobody's business: no two runs have the same. */
static s64 memory_current(void)
{
	return deterministic ? (s64)(memory_of_processes() + page_stores_data_pages * PAGE_SIZE) : memory_in_use();
}

static int show_memory_current(struct file *file, struct seq_buffer *seq)
{
	s64 bytes = memory_current();

	if (bytes < 0)
		return (int)bytes;
	seq_printf(seq, "%lld\n", (long long)bytes);
	return 0;
}

static int show_memory_events(struct file *file, struct seq_buffer *seq)
{
	seq_printf(seq, "low 0\nhigh 0\nmax %u\noom %u\noom_kill %u\noom_group_kill 0\n", channel->oom_kills, channel->oom_kills, channel->oom_kills);
	return 0;
}

/*
 * Pages of host files are the host's, whoever reads them: no file pages here but those of tmpfs and its kin. Private memory of programs is not told from
 * this kernel's own.
 */
static int show_memory_stat(struct file *file, struct seq_buffer *seq)
{
	s64 current_use = memory_current();
	u64 shared = page_stores_data_pages * PAGE_SIZE, anonymous = (u64)max(current_use - (s64)shared, (s64)0);
	const struct {
		const char *name;
		u64 bytes;
	} rows[] = {
		{ "anon", anonymous }, { "file", shared }, { "kernel_stack", (u64)nr_tasks * KERNEL_STACK_SIZE }, { "shmem", shared },
		{ "file_mapped", 0 }, { "file_dirty", 0 }, { "file_writeback", 0 }, { "inactive_anon", shared }, { "active_anon", anonymous },
		{ "inactive_file", 0 }, { "active_file", 0 }, { "unevictable", 0 },
	};

	if (current_use < 0)
		return (int)current_use;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		seq_printf(seq, "%s %llu\n", rows[i].name, (unsigned long long)rows[i].bytes);
	return 0;
}

/* ---- pids ---- */

static int show_pids_max(struct file *file, struct seq_buffer *seq) { return show_limit(seq, (u64)tasks_limit); }

static int show_pids_current(struct file *file, struct seq_buffer *seq)
{
	seq_printf(seq, "%d\n", nr_tasks);
	return 0;
}

static int show_pids_events(struct file *file, struct seq_buffer *seq)
{
	seq_printf(seq, "max %llu\n", (unsigned long long)tasks_limit_hits);
	return 0;
}

#define TEXT(name_, text_) PROC_FILE(name_, 0444, show_text, .data = (void *)(text_))
#define SHOW(name_, show_) PROC_FILE(name_, 0444, show_)
#define END { 0 }

static const struct proc_entry root_entries[] = {
	TEXT("cgroup.controllers", "cpuset cpu memory pids"),
	SHOW("cgroup.events", show_group_events),
	TEXT("cgroup.max.depth", "0"),
	TEXT("cgroup.max.descendants", "0"),
	SHOW("cgroup.procs", show_procs),
	TEXT("cgroup.stat", "nr_descendants 0\nnr_dying_descendants 0"),
	SHOW("cgroup.subtree_control", show_empty_line),
	SHOW("cgroup.threads", show_threads),
	TEXT("cgroup.type", "domain"),
	SHOW("cpu.max", show_cpu_max),
	SHOW("cpu.stat", show_cpu_stat),
	SHOW("cpu.weight", show_cpu_weight),
	SHOW("cpuset.cpus", show_empty_line),
	SHOW("cpuset.cpus.effective", show_cpus),
	SHOW("cpuset.mems", show_empty_line),
	TEXT("cpuset.mems.effective", "0"),
	SHOW("memory.current", show_memory_current),
	SHOW("memory.events", show_memory_events),
	TEXT("memory.high", "max"),
	TEXT("memory.low", "0"),
	SHOW("memory.max", show_memory_max),
	TEXT("memory.min", "0"),
	SHOW("memory.stat", show_memory_stat),
	SHOW("pids.current", show_pids_current),
	SHOW("pids.events", show_pids_events),
	SHOW("pids.max", show_pids_max),
	END,
};
static const struct proc_entry root_entry = { .name = "/", .mode = S_IFDIR | 0555, .children = root_entries };

static struct super_block *cgroup2_mount(const struct file_system_type *type, unsigned long flags, const char *source, const char *data)
{
	return proc_super(type, flags, &root_entry);
}

static struct file_system_type cgroup2_type = { .name = "cgroup2", .magic = CGROUP2_SUPER_MAGIC, .mount = cgroup2_mount };

static int cgroup2_init(void)
{
	register_filesystem(&cgroup2_type);
	return 0;
}
INITCALL(cgroup2, cgroup2_init, "");
