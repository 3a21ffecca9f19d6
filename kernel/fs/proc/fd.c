/* SPDX-License-Identifier: Apache-2.0 */
/* A process's open files and places: fd/, fdinfo/, exe, cwd, root, ns/. */
#include <linux/nsfs.h>
#include <linux/sched.h>

#include "kernel/fs/memfd.h"
#include "kernel/fs/proc/proc.h"
#include "kernel/init/initcall.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/mm.h"
#include "lib/bitmap.h"

/* Positions in fd/: the descriptor + 2. */

static int may_list(struct inode *inode, unsigned mask)
{
	struct task_struct *task = proc_task(inode);
	bool own = task && task->signal == current->signal;

	if (task)
		task_put(task);
	return own ? 0 : proc_permission(inode, mask);
}

static int fd_children_lookup(struct inode *dir, struct dentry *dentry, const struct proc_entry *entry)
{
	struct task_struct *task;
	struct file *file;
	unsigned fd;

	if (!parse_name_number(dentry->name, dentry->name_length, &fd))
		return -ENOENT;
	task = proc_task(dir);
	if (!task)
		return -ENOENT;
	file = proc_may_look(task) ? fget_task(task, fd) : NULL;
	task_put(task);
	if (!file)
		return -ENOENT;
	file_put(file);
	return proc_bind(dentry, entry, dir, NULL, (int)fd);
}

static bool fd_revalidate(struct dentry *dentry)
{
	struct task_struct *task = dentry->inode ? proc_task(dentry->inode) : NULL;
	struct file *file = task ? fget_task(task, (unsigned)proc_i(dentry->inode)->fd) : NULL;

	if (task)
		task_put(task);
	if (!file)
		return false;
	/* The same number may name another file by now. */
	if (S_ISLNK(dentry->inode->mode))
		dentry->inode->mode = S_IFLNK | (file->readable ? 0500 : 0) | (file->writable ? 0300 : 0);
	file_put(file);
	return true;
}

static int fd_children_iterate(struct file *dir, struct dir_context *ctx, const struct proc_entry *entry, unsigned type)
{
	struct task_struct *task;
	char name[12];
	int n;

	if (!dir_emit_dots(dir, ctx))
		return 0;
	task = proc_task(dir->inode);
	if (!task)
		return -ENOENT;
	while (task->files) {
		struct files_struct *files = task->files;
		size_t fd = bitmap_next_set(files->open, files->capacity, (size_t)ctx->pos - 2);

		if (fd >= files->capacity)
			break;
		ctx->pos = (loff_t)fd + 2;
		n = snprintf(name, sizeof(name), "%u", (unsigned)fd);
		if (files->files[fd] && !dir_emit(ctx, name, (size_t)n, proc_ino(entry, task->tid, (int)fd), type))
			break;
		ctx->pos++;
	}
	task_put(task);
	return 0;
}

static struct file *inode_file(struct inode *inode)
{
	struct task_struct *task = proc_task(inode);
	struct file *file = task ? fget_task(task, (unsigned)proc_i(inode)->fd) : NULL;

	if (task)
		task_put(task);
	return file;
}

/* The text of a magic link. Takes over the reference to path. */
static char *path_text(struct path *path)
{
	char *buffer = kmalloc(PATH_MAX), *text, *copy;

	if (!buffer) {
		path_put(path);
		return ERR_PTR(-ENOMEM);
	}
	text = path_string(path, buffer, PATH_MAX);
	copy = IS_ERR(text) ? text : kstrdup(text);
	kfree(buffer);
	path_put(path);
	return copy ? copy : ERR_PTR(-ENOMEM);
}

static int follow_fd(struct inode *inode, struct path *ret_path)
{
	struct file *file = inode_file(inode);

	if (!file)
		return -ENOENT;
	*ret_path = file->path;
	path_get(ret_path);
	file_put(file);
	return 0;
}

static char *readlink_fd(struct inode *inode)
{
	struct path path;
	int error = follow_fd(inode, &path);

	return error ? ERR_PTR(error) : path_text(&path);
}

static int fd_link_getattr(struct inode *inode, struct kstat *ret_stat)
{
	struct file *file = inode_file(inode);

	if (file) {
		inode->mode = S_IFLNK | (file->readable ? 0500 : 0) | (file->writable ? 0300 : 0);
		file_put(file);
	}
	inode->size = 64;
	return proc_getattr(inode, ret_stat);
}

static int show_fdinfo(struct file *info, struct seq_buffer *seq)
{
	struct task_struct *task = proc_file_task(info);
	unsigned fd = (unsigned)proc_i(info->inode)->fd;
	struct file *file = task ? fget_task(task, fd) : NULL;
	unsigned flags;
	char *extra;

	if (!file) {
		if (task)
			task_put(task);
		return -ENOENT;
	}
	flags = file->flags;
	if (task->files && fd_closes_on_exec(task->files, fd))
		flags |= O_CLOEXEC;
	task_put(task);
	seq_printf(seq, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t%d\nino:\t%llu\n", (long long)file->pos, flags,
		   file->path.mount ? file->path.mount->id : 0, (unsigned long long)file->inode->ino);
	extra = file->ops->show_fdinfo ? kzalloc(PAGE_SIZE) : NULL;
	if (extra) {
		file->ops->show_fdinfo(file, extra, PAGE_SIZE);
		seq_puts(seq, extra);
		kfree(extra);
	}
	file_put(file);
	return 0;
}

static char *link_readlink(struct inode *inode) { return readlink_fd(inode); }
static int link_follow(struct inode *inode, struct path *ret_path) { return follow_fd(inode, ret_path); }
static const struct inode_operations fd_link_iops = {
	.readlink = link_readlink, .follow_link = link_follow, .getattr = fd_link_getattr, .setattr = proc_setattr,
};
static const struct proc_entry fd_link_entry = { .name = "", .mode = S_IFLNK | 0700, .ops = &fd_link_iops };
static const struct proc_entry fdinfo_entry = { .name = "", .mode = S_IFREG | 0444, .show = show_fdinfo };

static int fd_lookup(struct inode *dir, struct dentry *dentry) { return fd_children_lookup(dir, dentry, &fd_link_entry); }
static int fdinfo_lookup(struct inode *dir, struct dentry *dentry) { return fd_children_lookup(dir, dentry, &fdinfo_entry); }
static int fd_iterate(struct file *file, struct dir_context *ctx) { return fd_children_iterate(file, ctx, &fd_link_entry, 10); }
static int fdinfo_iterate(struct file *file, struct dir_context *ctx) { return fd_children_iterate(file, ctx, &fdinfo_entry, 8); }

static int fd_dir_getattr(struct inode *inode, struct kstat *ret_stat)
{
	struct task_struct *task = proc_task(inode);

	inode->size = 0;
	for (unsigned fd = 0; task && task->files && fd < task->files->capacity; fd++)
		inode->size += bitmap_test(task->files->open, fd);
	if (task)
		task_put(task);
	return proc_getattr(inode, ret_stat);
}

/* The process's executable, current directory, root. */
int proc_follow_exe(struct inode *inode, struct path *ret_path)
{
	struct task_struct *task = proc_task(inode);
	struct mm_struct *mm = task ? proc_mm(task) : NULL;
	int error = -ENOENT;

	if (mm && mm->exe) {
		*ret_path = mm->exe->path;
		path_get(ret_path);
		error = 0;
	}
	if (mm)
		mm_put(mm);
	if (task)
		task_put(task);
	return error;
}

static int follow_fs(struct inode *inode, struct path *ret_path, bool root)
{
	struct task_struct *task = proc_task(inode);
	int error = -ENOENT;

	if (task && task->fs) {
		*ret_path = root ? task->fs->root : task->fs->pwd;
		path_get(ret_path);
		error = 0;
	}
	if (task)
		task_put(task);
	return error;
}

int proc_follow_cwd(struct inode *inode, struct path *path) { return follow_fs(inode, path, false); }
int proc_follow_root(struct inode *inode, struct path *path) { return follow_fs(inode, path, true); }

static char *readlink_by(struct inode *inode, int (*follow)(struct inode *, struct path *))
{
	struct path path;
	int error = follow(inode, &path);

	return error ? ERR_PTR(error) : path_text(&path);
}

char *proc_readlink_exe(struct inode *inode) { return readlink_by(inode, proc_follow_exe); }
char *proc_readlink_cwd(struct inode *inode) { return readlink_by(inode, proc_follow_cwd); }
char *proc_readlink_root(struct inode *inode) { return readlink_by(inode, proc_follow_root); }

/*
 * Namespaces: one of each kind per container. The links can be opened and compared (stat), as `lsns` does; the files
 * stand on a file system that is mounted nowhere.
 */
static const struct {
	const char *name, *kind;
	u32 number;
	int type;
} namespaces[] = {
	{ "cgroup", "cgroup", 4026531835U, CLONE_NEWCGROUP },
	{ "ipc", "ipc", 4026531839U, CLONE_NEWIPC },
	{ "mnt", "mnt", 4026531841U, CLONE_NEWNS },
	{ "net", "net", 4026531840U, CLONE_NEWNET },
	{ "pid", "pid", 4026531836U, CLONE_NEWPID },
	{ "pid_for_children", "pid", 4026531836U, CLONE_NEWPID },
	{ "time", "time", 4026531834U, CLONE_NEWTIME },
	{ "time_for_children", "time", 4026531834U, CLONE_NEWTIME },
	{ "user", "user", 4026531837U, CLONE_NEWUSER },
	{ "uts", "uts", 4026531838U, CLONE_NEWUTS },
};
#define USER_NAMESPACE 8
static struct mount *ns_mount;

static size_t ns_index(struct inode *inode)
{
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(namespaces) && strcmp(namespaces[i].name, proc_i(inode)->entry->name))
		i++;
	return i;
}

static char *readlink_ns(struct inode *inode)
{
	size_t i = ns_index(inode);
	char *text = kasprintf("%s:[%u]", namespaces[i].kind, namespaces[i].number);

	return text ? text : ERR_PTR(-ENOMEM);
}

static int ns_path(size_t i, struct path *ret_path);

/* ioctl_ns(2): there is one user namespace, and it has no parent. */
static long ns_ioctl(struct file *file, unsigned cmd, u64 arg)
{
	struct path path;
	struct file *user;
	size_t i = 0;

	while (namespaces[i].number != file->inode->ino)
		i++;
	switch (cmd) {
	case NS_GET_USERNS:
		if (ns_path(USER_NAMESPACE, &path))
			return -ENOMEM;
		user = file_open_path(&path, O_RDONLY);
		path_put(&path);
		return IS_ERR(user) ? PTR_ERR(user) : fd_install_new(user, true);
	case NS_GET_PARENT:
		return namespaces[i].type == CLONE_NEWUSER || namespaces[i].type == CLONE_NEWPID ? -EPERM : -EINVAL;
	case NS_GET_NSTYPE:
		return namespaces[i].type;
	case NS_GET_OWNER_UID:
		return namespaces[i].type == CLONE_NEWUSER ? put_user_u32(user_ptr_at(arg), 0) : -EINVAL;
	}
	return -ENOIOCTLCMD;
}

static const struct inode_operations ns_file_iops = { .setattr = proc_setattr };
static const struct file_operations ns_file_fops = { .name = "ns", .ioctl = ns_ioctl };

/* The file of a namespace; counted. */
static int ns_path(size_t i, struct path *ret_path)
{
	char name[32];
	int n = snprintf(name, sizeof(name), "%s:[%u]", namespaces[i].kind, namespaces[i].number);
	struct dentry *dentry = dentry_alloc(ns_mount->root, name, (size_t)n);

	if (IS_ERR_OR_NULL(dentry))
		return -ENOMEM;
	if (!dentry->inode) {
		struct inode *ns = inode_alloc(ns_mount->sb, S_IFREG | 0444);

		if (!ns) {
			dentry_put(dentry);
			return -ENOMEM;
		}
		ns->ino = namespaces[i].number;
		ns->ops = &ns_file_iops;
		ns->fops = &ns_file_fops;
		dentry_bind(dentry, ns);
	}
	ret_path->mount = mount_get(ns_mount);
	ret_path->dentry = dentry;
	return 0;
}

static int follow_ns(struct inode *inode, struct path *ret_path) { return ns_path(ns_index(inode), ret_path); }

static struct file_system_type ns_type = { .name = "nsfs", .magic = 0x6e736673, .kernel_only = true };
static int ns_statfs(struct super_block *sb, struct kstatfs *ret)
{
	*ret = (struct kstatfs){ .type = sb->type->magic, .bsize = PAGE_SIZE, .frsize = PAGE_SIZE, .namelen = NAME_MAX };
	return 0;
}
static const struct super_operations ns_super_ops = { .statfs = ns_statfs };

static int ns_init(void)
{
	struct super_block *sb = super_alloc(&ns_type, &ns_super_ops);
	struct inode *root = sb ? inode_alloc(sb, S_IFDIR | 0555) : NULL;

	if (!root)
		return -ENOMEM;
	root->ops = &simple_dir_iops;
	root->fops = &simple_dir_fops;
	sb->root = dentry_make_root(root);
	ns_mount = sb->root ? mount_internal(sb) : NULL;
	return ns_mount ? 0 : -ENOMEM;
}
INITCALL(ns_links, ns_init, "");

#define NS_LINK(name) PROC_LINK(name, readlink_ns, .follow = follow_ns)
const struct proc_entry proc_ns_entries[] = {
	NS_LINK("cgroup"), NS_LINK("ipc"), NS_LINK("mnt"), NS_LINK("net"), NS_LINK("pid"), NS_LINK("pid_for_children"),
	NS_LINK("time"), NS_LINK("time_for_children"), NS_LINK("user"), NS_LINK("uts"), { 0 },
};

const struct inode_operations proc_fd_iops = {
	.lookup = fd_lookup, .revalidate = fd_revalidate, .permission = may_list, .getattr = fd_dir_getattr, .setattr = proc_setattr,
};
const struct inode_operations proc_fdinfo_iops = {
	.lookup = fdinfo_lookup, .revalidate = fd_revalidate, .permission = may_list, .getattr = proc_getattr, .setattr = proc_setattr,
};
const struct file_operations proc_fd_fops = { .name = "proc fd", .llseek = seq_llseek, .iterate = fd_iterate };
const struct file_operations proc_fdinfo_fops = { .name = "proc fdinfo", .llseek = seq_llseek, .iterate = fdinfo_iterate };
