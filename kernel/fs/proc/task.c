/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc itself and the directories of processes and threads: which exist, who may look into them.
 *
 * /proc lists processes, /proc/PID/task threads; /proc/TID of any thread can be opened although it is not listed.
 * Threads of the kernel are not shown.
 */
#include "kernel/fs/proc/proc.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/mm.h"

#define FIRST_PROCESS 512 /* position in /proc of process 0: after all tables */

static const struct proc_entry process_entry = { .name = "", .mode = S_IFDIR | 0555, .children = proc_process_entries };
static const struct proc_entry thread_entry = { .name = "", .mode = S_IFDIR | 0555, .children = proc_thread_entries };

struct task_struct *proc_task(const struct inode *inode)
{
	struct proc_inode *info = proc_i(inode);
	struct task_struct *task = info->tid ? task_find(info->tid) : NULL;

	if (!task || task->start_time != info->start || task->exit_state == EXIT_DEAD)
		return NULL;
	return task_get(task);
}

bool proc_may_look(struct task_struct *task)
{
	const struct cred *mine = current->cred, *theirs = task->cred;
	bool same_user;

	if (task->signal == current->signal)
		return true;
	same_user = mine->fsuid == theirs->euid && mine->fsuid == theirs->suid && mine->fsuid == theirs->uid &&
		    mine->fsgid == theirs->egid && mine->fsgid == theirs->sgid && mine->fsgid == theirs->gid;
	if (capable(CAP_SYS_PTRACE))
		return true;
	if (!same_user || (task->mm && task->mm->dumpable != 1))
		return false;
	return (theirs->cap_permitted & ~mine->cap_effective) == 0;
}

struct mm_struct *proc_mm(struct task_struct *task)
{
	return task->mm && !(task->flags & PF_KTHREAD) ? mm_get(task->mm) : NULL;
}

bool parse_name_number(const char *name, size_t length, unsigned *ret_number)
{
	unsigned n = 0;

	if (!length || length > 9 || (length > 1 && name[0] == '0'))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (name[i] < '0' || name[i] > '9')
			return false;
		n = n * 10 + (unsigned)(name[i] - '0');
	}
	*ret_number = n;
	return true;
}

static bool visible(const struct task_struct *task)
{
	return !(task->flags & PF_KTHREAD) && task->exit_state != EXIT_DEAD;
}

static int root_lookup(struct inode *dir, struct dentry *dentry)
{
	const struct proc_entry *entry = proc_find(proc_global_entries, dentry->name, dentry->name_length);
	struct task_struct *task;
	unsigned number;

	if (entry)
		return proc_bind(dentry, entry, dir, NULL, -1);
	if (!parse_name_number(dentry->name, dentry->name_length, &number))
		return -ENOENT;
	task = task_find((pid_t)number);
	if (!task || !visible(task))
		return -ENOENT;
	task->in_proc = true;
	return proc_bind(dentry, &process_entry, dir, task, -1);
}

/* The process with the smallest number >= from. */
static struct task_struct *next_process(pid_t from)
{
	struct task_struct *task, *best = NULL;

	for_each_task(task)
		if (thread_group_leader(task) && visible(task) && task->tgid >= from && (!best || task->tgid < best->tgid))
			best = task;
	return best;
}

static bool emit_number(struct dir_context *ctx, const struct proc_entry *entry, pid_t tid, int number, int fd, unsigned type)
{
	char name[12];
	int n = snprintf(name, sizeof(name), "%d", number);

	return dir_emit(ctx, name, (size_t)n, proc_ino(entry, tid, fd), type);
}

static int root_iterate(struct file *file, struct dir_context *ctx)
{
	struct task_struct *task;

	if (!dir_emit_dots(file, ctx))
		return 0;
	if (ctx->pos < FIRST_PROCESS) {
		if (!proc_emit_table(ctx, proc_global_entries, 0, -1))
			return 0;
		ctx->pos = FIRST_PROCESS;
	}
	while ((task = next_process((pid_t)(ctx->pos - FIRST_PROCESS)))) {
		ctx->pos = FIRST_PROCESS + task->tgid;
		if (!emit_number(ctx, &process_entry, task->tid, task->tgid, -1, 4))
			return 0;
		ctx->pos++;
	}
	return 0;
}

static int root_getattr(struct inode *inode, struct kstat *ret_stat)
{
	struct task_struct *task;

	inode->nlink = 8;
	for_each_task(task)
		inode->nlink += thread_group_leader(task) && visible(task);
	return generic_getattr(inode, ret_stat);
}

static int task_lookup(struct inode *dir, struct dentry *dentry)
{
	struct task_struct *leader, *task;
	unsigned number;
	int error = -ENOENT;

	if (!parse_name_number(dentry->name, dentry->name_length, &number))
		return -ENOENT;
	leader = proc_task(dir);
	if (!leader)
		return -ENOENT;
	task = task_find((pid_t)number);
	if (task && task->signal == leader->signal && visible(task)) {
		task->in_proc = true;
		error = proc_bind(dentry, &thread_entry, dir, task, -1);
	}
	task_put(leader);
	return error;
}

static int task_iterate(struct file *file, struct dir_context *ctx)
{
	struct task_struct *leader, *task, *best;

	if (!dir_emit_dots(file, ctx))
		return 0;
	leader = proc_task(file->inode);
	if (!leader)
		return -ENOENT;
	for (;;) {
		best = NULL;
		for_each_thread(leader, task)
			if (visible(task) && task->tid >= ctx->pos - 2 && (!best || task->tid < best->tid))
				best = task;
		if (!best)
			break;
		ctx->pos = best->tid + 2;
		if (!emit_number(ctx, &thread_entry, best->tid, best->tid, -1, 4))
			break;
		ctx->pos++;
	}
	task_put(leader);
	return 0;
}

static int task_getattr(struct inode *inode, struct kstat *ret_stat)
{
	struct task_struct *task = proc_task(inode);

	if (task) {
		inode->nlink = 2 + (u32)task->signal->nr_threads;
		task_put(task);
	}
	return proc_getattr(inode, ret_stat);
}

static const struct inode_operations root_iops = {
	.lookup = root_lookup, .revalidate = proc_revalidate, .getattr = root_getattr, .setattr = proc_setattr,
};
static const struct file_operations root_fops = { .name = "proc root", .llseek = seq_llseek, .iterate = root_iterate };
static const struct inode_operations task_iops = {
	.lookup = task_lookup, .revalidate = proc_revalidate, .permission = proc_permission, .getattr = task_getattr, .setattr = proc_setattr,
};
static const struct file_operations task_fops = { .name = "proc task", .llseek = seq_llseek, .iterate = task_iterate };

const struct proc_entry proc_root_entry = {
	.name = "/", .mode = S_IFDIR | 0555, .ops = &root_iops, .fops = &root_fops, .children = proc_global_entries,
};

/* What a process and each of its threads have in common. */
#define COMMON_ENTRIES                                                                                                     \
	{ .name = "fd", .mode = S_IFDIR | 0500, .ops = &proc_fd_iops, .fops = &proc_fd_fops },                             \
	{ .name = "fdinfo", .mode = S_IFDIR | 0555, .ops = &proc_fdinfo_iops, .fops = &proc_fdinfo_fops },                 \
	{ .name = "ns", .mode = S_IFDIR | 0511, .children = proc_ns_entries },                                             \
	PROC_DIR("net", proc_net_entries),                                                                                 \
	PROC_FILE("environ", 0400, proc_show_environ, .flags = PROC_PTRACE),                                               \
	PROC_FILE("auxv", 0400, proc_show_auxv, .flags = PROC_PTRACE),                                                     \
	PROC_FILE("status", 0444, proc_show_status),                                                                       \
	PROC_FILE("personality", 0400, proc_show_personality, .flags = PROC_PTRACE),                                       \
	PROC_FILE("limits", 0444, proc_show_limits),                                                                       \
	PROC_FILE("sched", 0644, proc_show_sched, .write = proc_write_ignored),                                            \
	PROC_FILE("comm", 0644, proc_show_comm, .write = proc_write_comm),                                                 \
	PROC_FILE("syscall", 0400, proc_show_syscall, .flags = PROC_PTRACE),                                               \
	PROC_FILE("cmdline", 0444, proc_show_cmdline),                                                                     \
	PROC_FILE("stat", 0444, proc_show_stat),                                                                           \
	PROC_FILE("statm", 0444, proc_show_statm),                                                                         \
	PROC_FILE("maps", 0444, proc_show_maps, .flags = PROC_PTRACE),                                                     \
	{ .name = "mem", .mode = S_IFREG | 0600, .fops = &proc_mem_fops },                                                 \
	PROC_LINK("cwd", proc_readlink_cwd, .follow = proc_follow_cwd),                                                    \
	PROC_LINK("root", proc_readlink_root, .follow = proc_follow_root),                                                 \
	PROC_LINK("exe", proc_readlink_exe, .follow = proc_follow_exe),                                                    \
	{ .name = "mounts", .mode = S_IFREG | 0444, .show = proc_show_mounts, .fops = &proc_mounts_fops },                 \
	{ .name = "mountinfo", .mode = S_IFREG | 0444, .show = proc_show_mountinfo, .fops = &proc_mounts_fops },           \
	PROC_FILE("smaps", 0444, proc_show_smaps, .flags = PROC_PTRACE),                                                   \
	PROC_FILE("smaps_rollup", 0444, proc_show_smaps_rollup, .flags = PROC_PTRACE),                                     \
	PROC_FILE("wchan", 0444, proc_show_wchan),                                                                         \
	PROC_FILE("schedstat", 0444, proc_show_schedstat),                                                                 \
	PROC_FILE("cgroup", 0444, proc_show_cgroup),                                                                       \
	PROC_FILE("oom_score", 0444, proc_show_oom_score),                                                                 \
	PROC_FILE("oom_score_adj", 0644, proc_show_oom_score_adj, .write = proc_write_oom_score_adj),                      \
	PROC_FILE("loginuid", 0644, proc_show_loginuid, .write = proc_write_denied),                                       \
	PROC_FILE("sessionid", 0444, proc_show_sessionid),                                                                 \
	PROC_FILE("io", 0400, proc_show_io, .flags = PROC_PTRACE),                                                         \
	PROC_FILE("uid_map", 0644, proc_show_uid_map, .write = proc_write_denied),                                         \
	PROC_FILE("gid_map", 0644, proc_show_uid_map, .write = proc_write_denied),                                         \
	PROC_FILE("projid_map", 0644, proc_show_uid_map, .write = proc_write_denied),                                      \
	PROC_FILE("setgroups", 0644, proc_show_setgroups, .write = proc_write_denied),                                     \
	PROC_FILE("block", 0444, proc_show_block)

const struct proc_entry proc_process_entries[] = {
	{ .name = "task", .mode = S_IFDIR | 0555, .ops = &task_iops, .fops = &task_fops },
	COMMON_ENTRIES,
	{ .name = "mountstats", .mode = S_IFREG | 0400, .show = proc_show_mountstats },
	PROC_FILE("timerslack_ns", 0666, proc_show_timerslack, .write = proc_write_timerslack),
	{ 0 },
};

const struct proc_entry proc_thread_entries[] = { COMMON_ENTRIES, { 0 } };
