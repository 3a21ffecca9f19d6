/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc(5). Its tree is described by constant tables; inodes are made on lookup and pin nothing: an inode of a process
 * remembers the thread's number and start time, and finds the thread again on each use.
 */
#ifndef KERNEL_FS_PROC_PROC_H
#define KERNEL_FS_PROC_PROC_H

#include "kernel/fs/seqfile.h"
#include "kernel/task/task.h"

struct proc_inode;

struct proc_entry {
	const char *name;
	mode_t mode; /* with type */
	unsigned flags;
	/* Files: the text, and what a write of `text` (NUL-terminated copy) does: 0 or an error. */
	seq_show_t *show;
	int (*write)(struct file *file, char *text, size_t n);
	const struct proc_entry *children; /* directories; the table ends with a NULL name */
	/* Symlinks: the target as a heap string; magic links also where they lead, counted. */
	char *(*readlink)(struct inode *inode);
	int (*follow)(struct inode *inode, struct path *ret_path);
	/* Instead of what follows from the type. */
	const struct inode_operations *ops;
	const struct file_operations *fops;
	/* sysctl.c: the value, its kind and range. */
	void *data;
	s64 lowest, highest;
};
#define PROC_PTRACE 0x1 /* opening takes the right to look into the process, ptrace(2) */
#define PROC_OWNED 0x2  /* belongs to the process's user even when it is not dumpable */

struct proc_inode {
	const struct proc_entry *entry;
	pid_t tid;  /* 0: not about a process */
	u64 start;  /* its start time: numbers are used again */
	bool thread; /* below task/ */
	int fd;     /* below fd/ and fdinfo/; in sysfs the number of the cpu; else -1 */
};
static inline struct proc_inode *proc_i(const struct inode *inode) { return inode->private; }

#define PROC_DIR(name_, children_) { .name = name_, .mode = S_IFDIR | 0555, .children = children_ }
#define PROC_FILE(name_, mode_, show_, ...) { .name = name_, .mode = S_IFREG | (mode_), .show = show_, ##__VA_ARGS__ }
#define PROC_LINK(name_, readlink_, ...) { .name = name_, .mode = S_IFLNK | 0777, .readlink = readlink_, ##__VA_ARGS__ }

/* tree.c */
extern const struct inode_operations proc_dir_iops, proc_file_iops, proc_link_iops, proc_magic_iops;
extern const struct file_operations proc_dir_fops, proc_file_fops;
/* Binds a new inode for `entry`, about the process of `from` (an inode of proc) unless task is given. 0 or -ENOMEM. */
int proc_bind(struct dentry *dentry, const struct proc_entry *entry, const struct inode *from, struct task_struct *task, int fd);
ino_t proc_ino(const struct proc_entry *entry, pid_t tid, int fd);
const struct proc_entry *proc_find(const struct proc_entry *table, const char *name, size_t length);
/* Emits the table from position 2 on; true when all of it is out and ctx->pos >= its end. */
bool proc_emit_table(struct dir_context *ctx, const struct proc_entry *table, pid_t tid, int fd);
/* A super block whose root is this entry; sysfs is made of the same tables. ERR_PTR. */
struct super_block *proc_super(const struct file_system_type *type, unsigned long flags, const struct proc_entry *root_entry);
bool proc_revalidate(struct dentry *dentry);
int proc_getattr(struct inode *inode, struct kstat *ret_stat);
int proc_permission(struct inode *inode, unsigned mask);
int proc_setattr(struct inode *inode, const struct iattr *attr);
ssize_t proc_write(struct file *file, struct io_iter *from, loff_t *pos);

/* task.c */
extern const struct proc_entry proc_root_entry;
/* The thread an inode is about, counted; NULL when it is gone. */
struct task_struct *proc_task(const struct inode *inode);
static inline struct task_struct *proc_file_task(struct file *file) { return proc_task(file->inode); }
/* May current look into the task (PTRACE_MODE_READ)? */
bool proc_may_look(struct task_struct *task);
/* Its address space, counted; NULL if it has none (any more). */
struct mm_struct *proc_mm(struct task_struct *task);
bool parse_name_number(const char *name, size_t length, unsigned *ret_number);

extern const struct proc_entry proc_process_entries[], proc_thread_entries[];

/* Shows of a process: status.c, maps.c, fd.c, links.c, mounts.c */
seq_show_t proc_show_stat, proc_show_status, proc_show_statm, proc_show_comm, proc_show_cmdline, proc_show_environ,
	proc_show_auxv, proc_show_limits, proc_show_io, proc_show_oom_score, proc_show_oom_score_adj, proc_show_loginuid,
	proc_show_sessionid, proc_show_sched, proc_show_schedstat, proc_show_wchan, proc_show_cgroup, proc_show_personality,
	proc_show_timerslack, proc_show_uid_map, proc_show_setgroups, proc_show_syscall, proc_show_block,
	proc_show_maps, proc_show_smaps, proc_show_smaps_rollup, proc_show_mounts, proc_show_mountinfo, proc_show_mountstats;
/* As field 18 of /proc/PID/stat shows it: 0 to 39, below zero for real-time. */
int proc_shown_priority(const struct task_struct *task);
/* sched.c: of the whole system. */
seq_show_t proc_show_all_schedstat, proc_show_rt_limit;
int proc_write_rt_limit(struct file *file, char *text, size_t n);
int proc_write_comm(struct file *file, char *text, size_t n);
int proc_write_oom_score_adj(struct file *file, char *text, size_t n);
int proc_write_timerslack(struct file *file, char *text, size_t n);
int proc_write_denied(struct file *file, char *text, size_t n);
int proc_write_ignored(struct file *file, char *text, size_t n);
char proc_state(const struct task_struct *task, const char **ret_word);
void seq_cpumask(struct seq_buffer *seq, u64 mask);
void seq_cpulist(struct seq_buffer *seq, u64 mask);
/* Bytes of private memory of all processes. Sleeps. */
u64 memory_of_processes(void);
/* The resident pages of an address space as last sampled. */
u64 proc_rss(struct task_struct *task);

extern const struct inode_operations proc_fd_iops, proc_fdinfo_iops;
extern const struct file_operations proc_fd_fops, proc_fdinfo_fops, proc_mem_fops, proc_mounts_fops;
char *proc_readlink_exe(struct inode *inode), *proc_readlink_cwd(struct inode *inode), *proc_readlink_root(struct inode *inode);
int proc_follow_exe(struct inode *inode, struct path *path), proc_follow_cwd(struct inode *inode, struct path *path),
	proc_follow_root(struct inode *inode, struct path *path);
extern const struct proc_entry proc_ns_entries[];

/* The rest of the root: global.c, cpuinfo.c, net.c, sysctl.c */
extern const struct proc_entry proc_global_entries[], proc_net_entries[], proc_sys_entries[];
seq_show_t proc_show_cpuinfo;

#define TICKS(ns) ((ns) / 10000000ULL) /* USER_HZ is 100 */

#endif
