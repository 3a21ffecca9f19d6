/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/sys: sysctl(8). Numbers can be written within their range, by root; out of range is -EINVAL and changes
 * nothing. What has no meaning here is shown with Linux's default and is read-only.
 */
#include "include/abi/boot.h"
#include "kernel/fs/proc/proc.h"
#include "kernel/fs/proc/sysctl.h"
#include "kernel/mm/alloc.h"
#include "kernel/sys/random.h"
#include "kernel/vfs/aio.h"

s64 sysctl_overcommit_memory, sysctl_max_map_count = 65530, sysctl_pipe_max_size = 1048576;
s64 sysctl_inotify_max_queued_events = 16384, sysctl_inotify_max_user_instances = 128, sysctl_inotify_max_user_watches = 65536;
s64 sysctl_mq_msg_max = 10, sysctl_mq_msg_default = 10, sysctl_mq_msgsize_max = 8192, sysctl_mq_msgsize_default = 8192,
    sysctl_mq_queues_max = 256;

int sysctl_show_text(struct file *file, struct seq_buffer *seq)
{
	seq_printf(seq, "%s\n", (const char *)proc_i(file->inode)->entry->data);
	return 0;
}

int sysctl_show_number(struct file *file, struct seq_buffer *seq)
{
	seq_printf(seq, "%lld\n", (long long)*(s64 *)proc_i(file->inode)->entry->data);
	return 0;
}

char *sysctl_trim(char *text)
{
	size_t n;

	while (*text == ' ' || *text == '\t')
		text++;
	n = strlen(text);
	while (n && (text[n - 1] == ' ' || text[n - 1] == '\t' || text[n - 1] == '\n'))
		text[--n] = 0;
	return text;
}

int sysctl_write_number(struct file *file, char *text, size_t n)
{
	const struct proc_entry *entry = proc_i(file->inode)->entry;
	int64_t value;

	if (parse_s64(sysctl_trim(text), 0, &value) || value < entry->lowest || value > entry->highest)
		return -EINVAL;
	*(s64 *)entry->data = value;
	return 0;
}

/* Strings of at most `highest` - 1 characters, the rest is cut off. */
static int write_text(struct file *file, char *text, size_t n)
{
	const struct proc_entry *entry = proc_i(file->inode)->entry;
	char *newline = strchr(text, '\n');

	if (newline)
		*newline = 0;
	strlcpy(entry->data, text, (size_t)entry->highest);
	return 0;
}

static void show_uuid(struct seq_buffer *seq, const u8 *id)
{
	for (int i = 0; i < 16; i++)
		seq_printf(seq, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", id[i]);
	seq_putc(seq, '\n');
}

/* RFC 4122, version 4. */
static void make_uuid(u8 *id)
{
	get_random_bytes(id, 16);
	id[6] = (u8)((id[6] & 0x0f) | 0x40);
	id[8] = (u8)((id[8] & 0x3f) | 0x80);
}

static int show_new_uuid(struct file *file, struct seq_buffer *seq)
{
	u8 id[16];

	make_uuid(id);
	show_uuid(seq, id);
	return 0;
}

static int show_boot_id(struct file *file, struct seq_buffer *seq)
{
	static u8 id[16];

	if (!id[6])
		make_uuid(id);
	show_uuid(seq, id);
	return 0;
}

static int show_threads_max(struct file *file, struct seq_buffer *seq)
{
	extern struct boot_params *boot;

	seq_printf(seq, "%llu\n", (unsigned long long)(boot->pid_limit ? boot->pid_limit : 32768));
	return 0;
}

static int show_file_nr(struct file *file, struct seq_buffer *seq)
{
	struct task_struct *task;
	u64 n = 0;

	for_each_task(task)
		if (task->files && thread_group_leader(task))
			for (unsigned fd = 0; fd < task->files->capacity; fd++)
				n += task->files->files[fd] != NULL;
	seq_printf(seq, "%llu\t0\t%lld\n", (unsigned long long)n, (long long)INT64_MAX);
	return 0;
}

#define TEXT(name_, text_) PROC_FILE(name_, 0444, sysctl_show_text, .data = (void *)(text_))
#define NUMBER(name_, variable_, lowest_, highest_)                                                                        \
	PROC_FILE(name_, 0644, sysctl_show_number, .write = sysctl_write_number, .data = &(variable_), .lowest = lowest_, .highest = highest_)
#define STRING(name_, variable_, size_)                                                                                    \
	PROC_FILE(name_, 0644, sysctl_show_text, .write = write_text, .data = (void *)(variable_), .highest = size_)
#define END { 0 }

static const struct proc_entry random_entries[] = {
	PROC_FILE("boot_id", 0444, show_boot_id), TEXT("entropy_avail", "256"), TEXT("poolsize", "256"),
	TEXT("urandom_min_reseed_secs", "60"), PROC_FILE("uuid", 0444, show_new_uuid), TEXT("write_wakeup_threshold", "256"), END,
};
static const struct proc_entry pty_entries[] = { TEXT("max", "4096"), TEXT("nr", "1"), TEXT("reserve", "1024"), END };
static const struct proc_entry empty_entries[] = { END };

static const struct proc_entry kernel_entries[] = {
	TEXT("arch", "x86_64"),
	TEXT("cap_last_cap", "40"),
	TEXT("core_pattern", "core"),
	TEXT("core_pipe_limit", "0"),
	TEXT("core_uses_pid", "0"),
	TEXT("dmesg_restrict", "0"),
	STRING("domainname", init_uts.domainname, 65),
	STRING("hostname", init_uts.nodename, 65),
	TEXT("io_uring_disabled", "2"),
	TEXT("kptr_restrict", "1"),
	TEXT("msgmax", "8192"),
	TEXT("msgmnb", "16384"),
	TEXT("msgmni", "32000"),
	TEXT("ngroups_max", "65536"),
	TEXT("osrelease", init_uts.release),
	TEXT("ostype", init_uts.sysname),
	TEXT("overflowgid", "65534"),
	TEXT("overflowuid", "65534"),
	TEXT("panic", "0"),
	TEXT("perf_event_paranoid", "2"),
	PROC_FILE("pid_max", 0444, show_threads_max),
	TEXT("printk", "4\t4\t1\t7"),
	TEXT("printk_ratelimit", "5"),
	PROC_DIR("pty", pty_entries),
	PROC_DIR("random", random_entries),
	TEXT("randomize_va_space", "2"),
	TEXT("sched_deadline_period_max_us", "4194304"),
	TEXT("sched_deadline_period_min_us", "100"),
	PROC_FILE("sched_rr_timeslice_ms", 0644, proc_show_rt_limit, .write = proc_write_rt_limit),
	PROC_FILE("sched_rt_period_us", 0644, proc_show_rt_limit, .write = proc_write_rt_limit),
	PROC_FILE("sched_rt_runtime_us", 0644, proc_show_rt_limit, .write = proc_write_rt_limit),
	TEXT("sem", "32000\t1024000000\t500\t32000"),
	TEXT("shmall", "18446744073692774399"),
	TEXT("shmmax", "18446744073692774399"),
	TEXT("shmmni", "4096"),
	TEXT("shm_rmid_forced", "0"),
	TEXT("tainted", "0"),
	PROC_FILE("threads-max", 0444, show_threads_max),
	TEXT("unprivileged_bpf_disabled", "2"),
	TEXT("version", init_uts.version),
	END,
};

static const struct proc_entry vm_entries[] = {
	TEXT("dirty_background_ratio", "10"),
	TEXT("dirty_ratio", "20"),
	{ .name = "drop_caches", .mode = S_IFREG | 0200, .write = proc_write_ignored },
	TEXT("legacy_va_layout", "0"),
	NUMBER("max_map_count", sysctl_max_map_count, 0, INT32_MAX),
	TEXT("memfd_noexec", "0"),
	TEXT("min_free_kbytes", "67584"),
	TEXT("mmap_min_addr", "65536"),
	TEXT("mmap_rnd_bits", "28"),
	TEXT("nr_hugepages", "0"),
	TEXT("nr_overcommit_hugepages", "0"),
	TEXT("oom_kill_allocating_task", "0"),
	TEXT("overcommit_kbytes", "0"),
	NUMBER("overcommit_memory", sysctl_overcommit_memory, 0, 2),
	TEXT("overcommit_ratio", "50"),
	TEXT("page-cluster", "3"),
	TEXT("panic_on_oom", "0"),
	TEXT("swappiness", "60"),
	TEXT("unprivileged_userfaultfd", "0"),
	TEXT("vfs_cache_pressure", "100"),
	END,
};

static const struct proc_entry inotify_entries[] = {
	NUMBER("max_queued_events", sysctl_inotify_max_queued_events, 0, INT32_MAX),
	NUMBER("max_user_instances", sysctl_inotify_max_user_instances, 0, INT32_MAX),
	NUMBER("max_user_watches", sysctl_inotify_max_user_watches, 0, INT32_MAX),
	END,
};
static const struct proc_entry mqueue_entries[] = {
	NUMBER("msg_default", sysctl_mq_msg_default, 1, 65536),
	NUMBER("msg_max", sysctl_mq_msg_max, 1, 65536),
	NUMBER("msgsize_default", sysctl_mq_msgsize_default, 128, 16777216),
	NUMBER("msgsize_max", sysctl_mq_msgsize_max, 128, 16777216),
	NUMBER("queues_max", sysctl_mq_queues_max, 0, INT32_MAX),
	END,
};
static const struct proc_entry epoll_entries[] = { TEXT("max_user_watches", "1048576"), END };

static const struct proc_entry fs_entries[] = {
	NUMBER("aio-max-nr", aio_max_nr, 0, INT64_MAX),
	PROC_FILE("aio-nr", 0444, sysctl_show_number, .data = &aio_nr),
	PROC_DIR("binfmt_misc", empty_entries),
	TEXT("dentry-state", "1024\t512\t45\t0\t0\t0"),
	NUMBER("dir-notify-enable", sysctl_dir_notify_enable, 0, INT32_MAX),
	PROC_DIR("epoll", epoll_entries),
	TEXT("file-max", "9223372036854775807"),
	PROC_FILE("file-nr", 0444, show_file_nr),
	TEXT("inode-nr", "1024\t0"),
	TEXT("inode-state", "1024\t0\t0\t0\t0\t0\t0"),
	PROC_DIR("inotify", inotify_entries),
	NUMBER("lease-break-time", sysctl_lease_break_time, 0, INT32_MAX),
	NUMBER("leases-enable", sysctl_leases_enable, 0, INT32_MAX),
	TEXT("mount-max", "100000"),
	PROC_DIR("mqueue", mqueue_entries),
	TEXT("nr_open", "1048576"),
	TEXT("overflowgid", "65534"),
	TEXT("overflowuid", "65534"),
	NUMBER("pipe-max-size", sysctl_pipe_max_size, 4096, 1U << 31),
	TEXT("pipe-user-pages-hard", "0"),
	TEXT("pipe-user-pages-soft", "16384"),
	TEXT("protected_fifos", "1"),
	TEXT("protected_hardlinks", "1"),
	TEXT("protected_regular", "1"),
	TEXT("protected_symlinks", "1"),
	TEXT("suid_dumpable", "0"),
	END,
};

static const struct proc_entry user_entries[] = { TEXT("max_user_namespaces", "0"), TEXT("max_inotify_instances", "128"), END };

const struct proc_entry proc_sys_entries[] = {
	PROC_DIR("dev", empty_entries), PROC_DIR("fs", fs_entries),     PROC_DIR("kernel", kernel_entries),
	PROC_DIR("net", proc_sys_net_entries), PROC_DIR("user", user_entries), PROC_DIR("vm", vm_entries),
	END,
};
