/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc as a file system: directories made of tables, generated files, links. Nothing is kept: a name is looked up in
 * its table, or among the processes, each time the dentry cache does not know it or may be wrong. A name that is not
 * there is an error of the lookup, never a negative dentry: so making one is -ENOENT, as on Linux.
 */
#include <linux/fs.h>
#include <linux/magic.h>

#include "kernel/fs/proc/proc.h"
#include "kernel/init/initcall.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/mm.h"
#include "kernel/task/lifecycle.h"

ino_t proc_ino(const struct proc_entry *entry, pid_t tid, int fd)
{
	/* The table row's address tells entries apart; it is within the kernel image. */
	u64 row = (u64)entry >> 3 & 0xffffff;

	return entry == &proc_root_entry ? 1 : (row << 2 | 2) + ((u64)(u32)tid << 26) + ((u64)(unsigned)(fd + 1) << 48);
}

static struct inode *make_inode(struct super_block *sb, const struct proc_entry *entry, struct task_struct *task, bool thread,
				int fd)
{
	struct proc_inode *info = kzalloc(sizeof(*info));
	struct inode *inode = info ? inode_alloc(sb, entry->mode) : NULL;

	if (!inode) {
		kfree(info);
		return NULL;
	}
	info->entry = entry;
	info->fd = fd;
	info->thread = thread;
	if (task) {
		info->tid = task->tid;
		info->start = task->start_time;
	}
	inode->private = info;
	inode->mode = entry->mode;
	inode->uid = 0;
	inode->gid = 0;
	inode->nlink = S_ISDIR(entry->mode) ? 2 : 1;
	inode->ino = proc_ino(entry, info->tid, fd);
	switch (entry->mode & S_IFMT) {
	case S_IFDIR:
		inode->ops = entry->ops ? entry->ops : &proc_dir_iops;
		inode->fops = entry->fops ? entry->fops : &proc_dir_fops;
		break;
	case S_IFLNK:
		inode->ops = entry->ops ? entry->ops : entry->follow ? &proc_magic_iops : &proc_link_iops;
		break;
	default:
		inode->ops = entry->ops ? entry->ops : &proc_file_iops;
		inode->fops = entry->fops ? entry->fops : &proc_file_fops;
	}
	return inode;
}

int proc_bind(struct dentry *dentry, const struct proc_entry *entry, const struct inode *from, struct task_struct *task, int fd)
{
	struct proc_inode *parent = proc_i(from);
	struct task_struct *found = NULL;
	struct inode *inode;

	if (!task && parent->tid) {
		task = found = proc_task(from);
		if (!task)
			return -ENOENT;
	}
	inode = make_inode(dentry->sb, entry, task, parent->thread || (parent->tid && task && !found), fd);
	if (found)
		task_put(found);
	if (!inode)
		return -ENOMEM;
	dentry_bind(dentry, inode);
	return 0;
}

const struct proc_entry *proc_find(const struct proc_entry *table, const char *name, size_t length)
{
	for (; table->name; table++)
		if (strlen(table->name) == length && !memcmp(table->name, name, length))
			return table;
	return NULL;
}

static int proc_dir_lookup(struct inode *dir, struct dentry *dentry)
{
	const struct proc_entry *entry = proc_find(proc_i(dir)->entry->children, dentry->name, dentry->name_length);

	return entry ? proc_bind(dentry, entry, dir, NULL, proc_i(dir)->fd) : -ENOENT;
}

bool proc_emit_table(struct dir_context *ctx, const struct proc_entry *table, pid_t tid, int fd)
{
	loff_t at = 2;

	for (; table->name; table++, at++) {
		if (at < ctx->pos)
			continue;
		if (!dir_emit(ctx, table->name, strlen(table->name), proc_ino(table, tid, fd), (table->mode & S_IFMT) >> 12))
			return false;
		ctx->pos = at + 1;
	}
	return true;
}

static int proc_dir_iterate(struct file *file, struct dir_context *ctx)
{
	struct proc_inode *info = proc_i(file->inode);

	if (dir_emit_dots(file, ctx))
		proc_emit_table(ctx, info->entry->children, info->tid, info->fd);
	return 0;
}

/* A name of a process is good while its thread lives. */
bool proc_revalidate(struct dentry *dentry)
{
	struct task_struct *task;

	if (!dentry->inode)
		return false;
	if (!proc_i(dentry->inode)->tid)
		return true;
	task = proc_task(dentry->inode);
	if (!task)
		return false;
	task_put(task);
	return true;
}

/* The owner is the process's effective user, or root if it must not be looked into. */
static void update_owner(struct inode *inode)
{
	struct proc_inode *info = proc_i(inode);
	struct task_struct *task;

	if (!info->tid)
		return;
	task = proc_task(inode);
	if (!task)
		return;
	if ((inode->mode == (S_IFDIR | 0555)) || !task->mm || task->mm->dumpable == 1) {
		inode->uid = task->cred->euid;
		inode->gid = task->cred->egid;
	} else {
		inode->uid = 0;
		inode->gid = 0;
	}
	task_put(task);
}

int proc_getattr(struct inode *inode, struct kstat *ret_stat)
{
	update_owner(inode);
	return generic_getattr(inode, ret_stat);
}

int proc_permission(struct inode *inode, unsigned mask)
{
	update_owner(inode);
	return generic_permission(inode, mask);
}

/* Truncation by O_TRUNC and shells' ">" means nothing here; modes and owners stay. */
int proc_setattr(struct inode *inode, const struct iattr *attr)
{
	return attr->valid & (ATTR_MODE | ATTR_UID | ATTR_GID) ? -EPERM : 0;
}

static int proc_open(struct inode *inode, struct file *file)
{
	const struct proc_entry *entry = proc_i(inode)->entry;

	if (entry->flags & PROC_PTRACE) {
		struct task_struct *task = proc_task(inode);
		bool allowed = task && proc_may_look(task);

		if (!task)
			return -ESRCH;
		task_put(task);
		if (!allowed)
			return -EACCES;
	}
	return seq_open(file, entry->show);
}

static ssize_t proc_read(struct file *file, struct io_iter *to, loff_t *pos)
{
	return proc_i(file->inode)->entry->show ? seq_read(file, to, pos) : -EINVAL;
}

ssize_t proc_write(struct file *file, struct io_iter *from, loff_t *pos)
{
	const struct proc_entry *entry = proc_i(file->inode)->entry;
	size_t n = min(from->count, (size_t)PAGE_SIZE - 1);
	char *text;
	int error;

	if (!entry->write)
		return -EIO;
	text = kmalloc(n + 1);
	if (!text)
		return -ENOMEM;
	if (copy_from_iter(from, text, n) != n) {
		kfree(text);
		return -EFAULT;
	}
	text[n] = 0;
	error = entry->write(file, text, n);
	kfree(text);
	if (error)
		return error;
	*pos += (loff_t)n;
	return (ssize_t)n;
}

static char *proc_link_readlink(struct inode *inode) { return proc_i(inode)->entry->readlink(inode); }

static int magic_follow(struct inode *inode, struct path *ret_path)
{
	struct task_struct *task = proc_task(inode);
	bool allowed;

	if (!task)
		return -ENOENT;
	allowed = proc_may_look(task);
	task_put(task);
	return allowed ? proc_i(inode)->entry->follow(inode, ret_path) : -EACCES;
}

static char *magic_readlink(struct inode *inode)
{
	struct task_struct *task = proc_task(inode);
	bool allowed;

	if (!task)
		return ERR_PTR(-ENOENT);
	allowed = proc_may_look(task);
	task_put(task);
	return allowed ? proc_i(inode)->entry->readlink(inode) : ERR_PTR(-EACCES);
}

static void proc_evict_inode(struct inode *inode)
{
	kfree(inode->private);
	inode->private = NULL;
}

static int proc_statfs(struct super_block *sb, struct kstatfs *ret)
{
	*ret = (struct kstatfs){ .type = sb->type->magic, .bsize = PAGE_SIZE, .frsize = PAGE_SIZE, .namelen = NAME_MAX, .fsid = sb->dev };
	return 0;
}


/* ---- names of what has ended ---- */

/* Every mounted proc; few, and never more than mounts. */
static struct list_head instances = LIST_HEAD_INIT(instances);
struct proc_instance {
	struct list_head link;
	struct super_block *sb;
};

/* Forgets everything unused below `dir`, which the caller holds. */
static void prune(struct dentry *dir)
{
	struct dentry *child, *next;

	list_for_each_entry_safe(child, next, &dir->children, sibling) {
		if (child->mounted)
			continue;
		if (!list_empty(&child->children)) {
			struct dentry *held = dentry_find(dir, child->name, child->name_length);

			if (held != child) { /* no longer found by name: it goes with its last user */
				if (held)
					dentry_put(held);
				continue;
			}
			prune(child);
			dentry_drop(child);
			dentry_put(child);
		} else if (!refcount_read(&child->count)) {
			dentry_drop(child);
		}
	}
}

static void forget(struct dentry *dir, int number)
{
	char name[12];
	int n = snprintf(name, sizeof(name), "%d", number);
	struct dentry *d = dentry_find(dir, name, (size_t)n);

	if (!d)
		return;
	if (!d->mounted) {
		prune(d);
		dentry_drop(d);
	}
	dentry_put(d);
}

void proc_forget(pid_t tgid, pid_t tid)
{
	struct proc_instance *instance;

	list_for_each_entry(instance, &instances, link) {
		struct dentry *root = instance->sb->root, *process, *threads;
		char name[12];

		if (!root)
			continue;
		forget(root, tid);
		if (tgid == tid)
			continue;
		process = dentry_find(root, name, (size_t)snprintf(name, sizeof(name), "%d", tgid));
		if (!process)
			continue;
		threads = dentry_find(process, "task", 4);
		if (threads) {
			forget(threads, tid);
			dentry_put(threads);
		}
		dentry_put(process);
	}
}

static void proc_put_super(struct super_block *sb)
{
	struct proc_instance *instance = sb->private;

	if (instance) {
		list_del(&instance->link);
		kfree(instance);
	}
}

static const struct super_operations proc_super_ops = {
	.evict_inode = proc_evict_inode,
	.statfs = proc_statfs,
	.put_super = proc_put_super,
};

struct super_block *proc_super(const struct file_system_type *type, unsigned long flags, const struct proc_entry *root_entry)
{
	struct super_block *sb = super_alloc(type, &proc_super_ops);
	struct inode *root;

	if (!sb)
		return ERR_PTR(-ENOMEM);
	sb->flags |= flags;
	sb->blocksize = PAGE_SIZE;
	root = make_inode(sb, root_entry, NULL, false, -1);
	sb->root = root ? dentry_make_root(root) : NULL;
	if (sb->root)
		return sb;
	if (root)
		inode_put(root);
	super_put(sb);
	return ERR_PTR(-ENOMEM);
}

static struct super_block *proc_mount(const struct file_system_type *type, unsigned long flags, const char *source, const char *data)
{
	struct proc_instance *instance = kmalloc(sizeof(*instance));
	struct super_block *sb = instance ? proc_super(type, flags, &proc_root_entry) : ERR_PTR(-ENOMEM);

	if (IS_ERR(sb)) {
		kfree(instance);
		return sb;
	}
	instance->sb = sb;
	sb->private = instance;
	list_add_tail(&instance->link, &instances);
	return sb;
}

static struct file_system_type proc_type = { .name = "proc", .magic = PROC_SUPER_MAGIC, .mount = proc_mount };

static int proc_init(void)
{
	register_filesystem(&proc_type);
	return 0;
}
INITCALL(proc, proc_init, "");

#define PROC_COMMON .permission = proc_permission, .getattr = proc_getattr, .setattr = proc_setattr
const struct inode_operations proc_dir_iops = { .lookup = proc_dir_lookup, .revalidate = proc_revalidate, PROC_COMMON };
const struct inode_operations proc_file_iops = { PROC_COMMON };
const struct inode_operations proc_link_iops = { .readlink = proc_link_readlink, .getattr = proc_getattr, .setattr = proc_setattr };
const struct inode_operations proc_magic_iops = {
	.readlink = magic_readlink, .follow_link = magic_follow, .getattr = proc_getattr, .setattr = proc_setattr,
};

const struct file_operations proc_dir_fops = { .name = "proc directory", .llseek = seq_llseek, .iterate = proc_dir_iterate };
const struct file_operations proc_file_fops = {
	.name = "proc",
	.open = proc_open,
	.read = proc_read,
	.write = proc_write,
	.llseek = seq_llseek,
	.release = seq_release,
};
