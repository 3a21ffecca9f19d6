/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc says about the container as a whole: stat, meminfo, uptime, loadavg, version and their like. */
#include "include/abi/boot.h"
#include "kernel/fs/proc/proc.h"
#include "kernel/init/initcall.h"
#include "kernel/ipc/ipc.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/object.h"
#include "kernel/vfs/event.h"

extern struct boot_params *boot;
static u64 kernel_start; /* CLOCK_MONOTONIC */

static int global_init(void)
{
	kernel_start = ktime_get();
	return 0;
}
INITCALL(proc_clock, global_init, "");

static u64 memory_total(void) { return boot->memory_limit ? boot->memory_limit : boot->host_memory; }

u64 memory_of_processes(void)
{
	struct task_struct *task;
	u64 pages = 0;

	/* The monitor is asked, which sleeps: processes come and go meanwhile. */
	for (pid_t pid = 0; (task = process_after(pid)) != NULL;) {
		pid = task_get(task)->tgid;
		pages += proc_rss(task);
		task_put(task);
	}
	return pages * PAGE_SIZE;
}

static int show_meminfo(struct file *file, struct seq_buffer *seq)
{
	struct heap_usage heap;
	u64 total = memory_total(), anonymous = memory_of_processes(), shared = page_stores_data_pages * PAGE_SIZE, used, unused;

	heap_usage(&heap);
	if (deterministic) /* what the host gives back, and when */
		heap.used = 0;
	used = min(anonymous + shared + heap.used, total);
	unused = total - used;
	const struct {
		const char *name;
		u64 bytes;
	} rows[] = {
		{ "MemTotal", total }, { "MemFree", unused }, { "MemAvailable", unused }, { "Buffers", 0 }, { "Cached", shared },
		{ "SwapCached", 0 }, { "Active", anonymous }, { "Inactive", shared }, { "Active(anon)", anonymous },
		{ "Inactive(anon)", shared }, { "Active(file)", 0 }, { "Inactive(file)", 0 }, { "Unevictable", 0 }, { "Mlocked", 0 },
		{ "SwapTotal", 0 }, { "SwapFree", 0 }, { "Dirty", 0 }, { "Writeback", 0 }, { "AnonPages", anonymous },
		{ "Mapped", 0 }, { "Shmem", shared }, { "KReclaimable", 0 }, { "Slab", heap.used }, { "SReclaimable", 0 },
		{ "SUnreclaim", heap.used }, { "KernelStack", (u64)nr_tasks * KERNEL_STACK_SIZE }, { "PageTables", 0 },
		{ "SecPageTables", 0 }, { "NFS_Unstable", 0 }, { "Bounce", 0 }, { "WritebackTmp", 0 }, { "CommitLimit", total / 2 },
		{ "Committed_AS", anonymous + shared },
	};
	static const char *const zeros[] = { "Percpu", "HardwareCorrupted", "AnonHugePages", "ShmemHugePages", "ShmemPmdMapped",
					     "FileHugePages", "FilePmdMapped" };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t line = seq->length;

		seq_printf(seq, "%s:", rows[i].name);
		seq_pad(seq, line, 16);
		seq_printf(seq, "%8llu kB\n", (unsigned long long)(rows[i].bytes >> 10));
	}
	seq_puts(seq, "VmallocTotal:   34359738367 kB\nVmallocUsed:           0 kB\nVmallocChunk:          0 kB\n");
	for (size_t i = 0; i < ARRAY_SIZE(zeros); i++) {
		size_t line = seq->length;

		seq_printf(seq, "%s:", zeros[i]);
		seq_pad(seq, line, 16);
		seq_puts(seq, "       0 kB\n");
	}
	seq_puts(seq, "HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\nHugePages_Surp:        0\n"
		      "Hugepagesize:       2048 kB\nHugetlb:               0 kB\n");
	return 0;
}

static int show_uptime(struct file *file, struct seq_buffer *seq)
{
	u64 up = TICKS(ktime_get_boot()), idle = 0;

	for (int i = 0; i < nr_cpus; i++)
		idle += idle_time_ns(i);
	idle = TICKS(idle);
	seq_printf(seq, "%llu.%02llu %llu.%02llu\n", (unsigned long long)(up / 100), (unsigned long long)(up % 100),
		   (unsigned long long)(idle / 100), (unsigned long long)(idle % 100));
	return 0;
}

static pid_t last_pid(void)
{
	struct task_struct *task, *youngest = NULL;

	for_each_task(task)
		if (!youngest || task->start_time >= youngest->start_time)
			youngest = task;
	return youngest ? youngest->tid : 0;
}

static int show_loadavg(struct file *file, struct seq_buffer *seq)
{
	for (int i = 0; i < 3; i++) {
		u64 load = avenrun[i] + (1 << 11) / 200;

		seq_printf(seq, "%llu.%02llu ", (unsigned long long)(load >> 11), (unsigned long long)((load & 2047) * 100 >> 11));
	}
	seq_printf(seq, "%u/%d %d\n", nr_running_total(), nr_tasks, last_pid());
	return 0;
}

/* Ticks of one cpu since the kernel started; the busy part is split as the tasks' times are. */
static void stat_cpu(struct seq_buffer *seq, u64 busy, u64 idle, u64 utime, u64 stime)
{
	u64 user = utime + stime ? busy / 1000 * (utime * 1000 / (utime + stime)) : busy;

	seq_printf(seq, " %llu 0 %llu %llu 0 0 0 0 0 0\n", (unsigned long long)TICKS(user), (unsigned long long)TICKS(busy - min(user, busy)),
		   (unsigned long long)TICKS(idle));
}

static int show_stat(struct file *file, struct seq_buffer *seq)
{
	u64 up = ktime_get() - kernel_start, idle_sum = 0, utime = 0, stime = 0, switches = 0, blocked = 0;
	struct task_struct *task;

	for_each_task(task) {
		u64 user, system;

		task_cputime(task, &user, &system);
		utime += user;
		stime += system;
		if (thread_group_leader(task)) {
			utime += task->signal->utime + task->signal->child_utime;
			stime += task->signal->stime + task->signal->child_stime;
			switches += task->signal->nvcsw + task->signal->nivcsw + task->signal->child_nvcsw + task->signal->child_nivcsw;
		}
		switches += task->sched.nvcsw + task->sched.nivcsw;
		blocked += !(task->flags & PF_KTHREAD) && proc_state(task, NULL) == 'D';
	}
	utime /= NSEC_PER_USEC;
	stime /= NSEC_PER_USEC;
	for (int i = 0; i < nr_cpus; i++)
		idle_sum += min(idle_time_ns(i), up);
	seq_puts(seq, "cpu ");
	stat_cpu(seq, up * (u64)nr_cpus - idle_sum, idle_sum, utime, stime);
	for (int i = 0; i < nr_cpus; i++) {
		u64 idle = min(idle_time_ns(i), up);

		seq_printf(seq, "cpu%d", i);
		stat_cpu(seq, up - idle, idle, utime, stime);
	}
	seq_printf(seq, "intr 0\nctxt %llu\nbtime %llu\nprocesses %d\nprocs_running %u\nprocs_blocked %llu\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n",
		   (unsigned long long)switches, (unsigned long long)((ktime_get_real() - ktime_get_boot()) / NSEC_PER_SEC), last_pid(),
		   max(nr_running_total(), 1U), (unsigned long long)blocked);
	return 0;
}

static int show_version(struct file *file, struct seq_buffer *seq)
{
	seq_printf(seq, "%s version %s (linuxd@linuxd) (gcc) %s\n", init_uts.sysname, init_uts.release, init_uts.version);
	return 0;
}

static int show_cmdline(struct file *file, struct seq_buffer *seq) { seq_puts(seq, "linuxd\n"); return 0; }

static int show_filesystems(struct file *file, struct seq_buffer *seq)
{
	static const char *const names[] = { "sysfs", "tmpfs", "proc", "cgroup", "cgroup2", "devtmpfs", "devpts", "mqueue", "ramfs",
					     "overlay", "erofs", "hostfs" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct file_system_type *type = find_filesystem(names[i]);

		if (type && !type->kernel_only)
			seq_printf(seq, "%s\t%s\n", type->needs_device ? "" : "nodev", names[i]);
	}
	return 0;
}

static int show_devices(struct file *file, struct seq_buffer *seq)
{
	seq_puts(seq, "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n136 pts\n\nBlock devices:\n");
	return 0;
}

static int show_locks(struct file *file, struct seq_buffer *seq)
{
	char *text = locks_show();

	if (!text)
		return -ENOMEM;
	seq_puts(seq, text);
	kfree(text);
	return 0;
}

static int show_partitions(struct file *file, struct seq_buffer *seq) { seq_puts(seq, "major minor  #blocks  name\n\n"); return 0; }
static int show_swaps(struct file *file, struct seq_buffer *seq) { seq_puts(seq, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"); return 0; }
static int show_nothing(struct file *file, struct seq_buffer *seq) { return 0; }

static int show_vmstat(struct file *file, struct seq_buffer *seq)
{
	struct task_struct *task;
	u64 total = memory_total() / PAGE_SIZE, anonymous = memory_of_processes() / PAGE_SIZE, faults = 0, major = 0;

	for_each_task(task) {
		faults += task->min_flt + task->maj_flt;
		major += task->maj_flt;
	}
	seq_printf(seq, "nr_free_pages %llu\nnr_inactive_anon %llu\nnr_active_anon %llu\nnr_inactive_file 0\nnr_active_file 0\n"
			"nr_anon_pages %llu\nnr_mapped 0\nnr_file_pages %llu\nnr_dirty 0\nnr_writeback 0\nnr_shmem %llu\n",
		   (unsigned long long)(total - min(total, anonymous + page_stores_data_pages)), (unsigned long long)page_stores_data_pages,
		   (unsigned long long)anonymous, (unsigned long long)anonymous, (unsigned long long)page_stores_data_pages,
		   (unsigned long long)page_stores_data_pages);
	seq_printf(seq, "pgpgin 0\npgpgout 0\npswpin 0\npswpout 0\npgalloc_normal 0\npgfree 0\npgfault %llu\npgmajfault %llu\noom_kill 0\n",
		   (unsigned long long)faults, (unsigned long long)major);
	return 0;
}

static int show_interrupts(struct file *file, struct seq_buffer *seq)
{
	seq_puts(seq, "    ");
	for (int i = 0; i < nr_cpus; i++)
		seq_printf(seq, "       CPU%d", i);
	seq_puts(seq, "\n");
	return 0;
}

static int show_drivers(struct file *file, struct seq_buffer *seq)
{
	seq_puts(seq, "/dev/tty             /dev/tty        5       0 system:/dev/tty\n"
		      "/dev/console         /dev/console    5       1 system:console\n"
		      "/dev/ptmx            /dev/ptmx       5       2 system\n"
		      "pty_slave            /dev/pts      136 0-1048575 pty:slave\n"
		      "pty_master           /dev/ptm      128 0-1048575 pty:master\n");
	return 0;
}

static int show_consoles(struct file *file, struct seq_buffer *seq) { seq_puts(seq, "tty0                 -WU (EC p  )    4:1\n"); return 0; }

static int show_cgroups(struct file *file, struct seq_buffer *seq)
{
	static const char *const names[] = { "cpuset", "cpu", "cpuacct", "memory", "freezer", "pids" };

	/* All in the unified hierarchy, number 0, where there is one group. */
	seq_puts(seq, "#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		seq_printf(seq, "%s\t0\t1\t1\n", names[i]);
	return 0;
}

static int show_misc(struct file *file, struct seq_buffer *seq) { return 0; }

static char *readlink_self(struct inode *inode)
{
	char *text = kasprintf("%d", current->tgid);

	return text ? text : ERR_PTR(-ENOMEM);
}

static char *readlink_thread_self(struct inode *inode)
{
	char *text = kasprintf("%d/task/%d", current->tgid, current->tid);

	return text ? text : ERR_PTR(-ENOMEM);
}

static char *link_text(const char *text)
{
	char *copy = kstrdup(text);

	return copy ? copy : ERR_PTR(-ENOMEM);
}
static char *readlink_mounts(struct inode *inode) { return link_text("self/mounts"); }
static char *readlink_net(struct inode *inode) { return link_text("self/net"); }

static int show_shm(struct file *file, struct seq_buffer *seq) { proc_sysvipc_shm(seq); return 0; }
static int show_sem(struct file *file, struct seq_buffer *seq) { proc_sysvipc_sem(seq); return 0; }
static int show_msg(struct file *file, struct seq_buffer *seq) { proc_sysvipc_msg(seq); return 0; }

static const struct proc_entry sysvipc_entries[] = {
	PROC_FILE("msg", 0444, show_msg), PROC_FILE("sem", 0444, show_sem), PROC_FILE("shm", 0444, show_shm), { 0 },
};
static const struct proc_entry tty_entries[] = { PROC_FILE("drivers", 0444, show_drivers), { 0 } };
static const struct proc_entry empty_entries[] = { { 0 } };

const struct proc_entry proc_global_entries[] = {
	PROC_FILE("cgroups", 0444, show_cgroups),
	PROC_FILE("cmdline", 0444, show_cmdline),
	PROC_FILE("consoles", 0444, show_consoles),
	PROC_FILE("cpuinfo", 0444, proc_show_cpuinfo),
	PROC_FILE("devices", 0444, show_devices),
	PROC_FILE("diskstats", 0444, show_nothing),
	PROC_DIR("driver", empty_entries),
	PROC_FILE("filesystems", 0444, show_filesystems),
	PROC_DIR("fs", empty_entries),
	PROC_FILE("interrupts", 0444, show_interrupts),
	PROC_FILE("loadavg", 0444, show_loadavg),
	PROC_FILE("locks", 0444, show_locks),
	PROC_FILE("meminfo", 0444, show_meminfo),
	PROC_FILE("misc", 0444, show_misc),
	PROC_FILE("modules", 0444, show_nothing),
	PROC_LINK("mounts", readlink_mounts),
	PROC_LINK("net", readlink_net),
	PROC_FILE("partitions", 0444, show_partitions),
	PROC_FILE("schedstat", 0444, proc_show_all_schedstat),
	PROC_LINK("self", readlink_self),
	PROC_FILE("stat", 0444, show_stat),
	PROC_FILE("swaps", 0444, show_swaps),
	PROC_DIR("sys", proc_sys_entries),
	PROC_LINK("thread-self", readlink_thread_self),
	PROC_DIR("sysvipc", sysvipc_entries),
	PROC_DIR("tty", tty_entries),
	PROC_FILE("uptime", 0444, show_uptime),
	PROC_FILE("version", 0444, show_version),
	PROC_FILE("vmstat", 0444, show_vmstat),
	{ 0 },
};
