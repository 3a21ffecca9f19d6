/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mounts, mountinfo and mountstats: proc(5). Mounts outside the process's root are left out. A file of these reports
 * POLLERR | POLLPRI when the mounts have changed since it was read.
 */
#include <linux/mount.h>

#include "kernel/fs/proc/proc.h"
#include "kernel/mm/alloc.h"

#define FIELD_ESCAPES " \t\n\\"

static unsigned dev_major(dev_t dev) { return (unsigned)((dev >> 8 & 0xfff) | (dev >> 32 & 0xfffff000)); }
static unsigned dev_minor(dev_t dev) { return (unsigned)((dev & 0xff) | (dev >> 12 & 0xffffff00)); }

/* Where the mount stands, as current sees it; NULL: not below its root. Heap. */
static char *mount_place(struct mount *mount)
{
	struct path path = { mount, mount->root };
	char *buffer = kmalloc(PATH_MAX), *text, *copy = NULL;

	if (!buffer)
		return NULL;
	text = path_string(&path, buffer, PATH_MAX);
	if (!IS_ERR(text) && text[0] == '/')
		copy = kstrdup(text);
	kfree(buffer);
	return copy;
}

/* The path of a dentry within its file system. */
static void show_root(struct seq_buffer *seq, struct mount *mount)
{
	const struct dentry *chain[64], *d;
	int n = 0;

	for (d = mount->root; d != mount->sb->root && d->parent != d && n < 64; d = d->parent)
		chain[n++] = d;
	if (!n)
		seq_putc(seq, '/');
	while (n--) {
		seq_putc(seq, '/');
		seq_escape(seq, chain[n]->name, FIELD_ESCAPES);
	}
}

static void show_flags(struct seq_buffer *seq, const struct mount *mount)
{
	static const struct {
		unsigned flag;
		const char *name;
	} names[] = {
		{ MS_NOSUID, ",nosuid" }, { MS_NODEV, ",nodev" }, { MS_NOEXEC, ",noexec" }, { MS_NOATIME, ",noatime" },
		{ MS_NODIRATIME, ",nodiratime" },
	};

	seq_puts(seq, mount->flags & MS_RDONLY ? "ro" : "rw");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (mount->flags & names[i].flag)
			seq_puts(seq, names[i].name);
	if (!(mount->flags & (MS_NOATIME | MS_STRICTATIME)))
		seq_puts(seq, ",relatime");
}

static void show_super_options(struct seq_buffer *seq, struct super_block *sb)
{
	char *options;

	if (sb->flags & MS_SYNCHRONOUS)
		seq_puts(seq, ",sync");
	if (!sb->ops || !sb->ops->show_options)
		return;
	options = kzalloc(1024);
	if (!options)
		return;
	sb->ops->show_options(sb, options, 1024);
	seq_puts(seq, options);
	kfree(options);
}

static void show_source(struct seq_buffer *seq, const struct mount *mount)
{
	const char *source = mount->source && mount->source[0] ? mount->source : "none";

	seq_escape(seq, source, FIELD_ESCAPES "#");
}

typedef void show_mount_t(struct seq_buffer *seq, struct mount *mount, const char *place);

static void line_mounts(struct seq_buffer *seq, struct mount *mount, const char *place)
{
	show_source(seq, mount);
	seq_putc(seq, ' ');
	seq_escape(seq, place, FIELD_ESCAPES);
	seq_printf(seq, " %s ", mount->sb->type->name);
	if (mount->sb->flags & MS_RDONLY && !(mount->flags & MS_RDONLY)) {
		struct mount copy = *mount;

		copy.flags |= MS_RDONLY;
		show_flags(seq, &copy);
	} else {
		show_flags(seq, mount);
	}
	show_super_options(seq, mount->sb);
	seq_puts(seq, " 0 0\n");
}

static void line_mountinfo(struct seq_buffer *seq, struct mount *mount, const char *place)
{
	seq_printf(seq, "%d %d %u:%u ", mount->id, mount->parent ? mount->parent->id : mount->id, dev_major(mount->sb->dev),
		   dev_minor(mount->sb->dev));
	show_root(seq, mount);
	seq_putc(seq, ' ');
	seq_escape(seq, place, FIELD_ESCAPES);
	seq_putc(seq, ' ');
	show_flags(seq, mount);
	if (mount->peer_group)
		seq_printf(seq, " shared:%d", mount->peer_group);
	if (mount->master_group)
		seq_printf(seq, " master:%d", mount->master_group);
	if (mount->flags & MS_UNBINDABLE)
		seq_puts(seq, " unbindable");
	seq_printf(seq, " - %s ", mount->sb->type->name);
	show_source(seq, mount);
	seq_puts(seq, mount->sb->flags & MS_RDONLY ? " ro" : " rw");
	show_super_options(seq, mount->sb);
	seq_putc(seq, '\n');
}

static void line_mountstats(struct seq_buffer *seq, struct mount *mount, const char *place)
{
	seq_puts(seq, "device ");
	show_source(seq, mount);
	seq_puts(seq, " mounted on ");
	seq_escape(seq, place, FIELD_ESCAPES);
	seq_printf(seq, " with fstype %s\n", mount->sb->type->name);
}

static int show_mounts(struct file *file, struct seq_buffer *seq, show_mount_t *line)
{
	struct task_struct *task = proc_file_task(file);
	struct mnt_namespace *ns = task ? task->mnt_ns : NULL;
	struct mount *mount;

	if (!task)
		return -ESRCH;
	if (ns) {
		list_for_each_entry(mount, &ns->mounts, ns_link) {
			char *place = mount_place(mount);

			if (place)
				line(seq, mount, place);
			kfree(place);
		}
		if (file->private)
			((struct seq_file *)file->private)->event = ns->event;
	}
	task_put(task);
	return 0;
}

int proc_show_mounts(struct file *file, struct seq_buffer *seq) { return show_mounts(file, seq, line_mounts); }
int proc_show_mountinfo(struct file *file, struct seq_buffer *seq) { return show_mounts(file, seq, line_mountinfo); }
int proc_show_mountstats(struct file *file, struct seq_buffer *seq) { return show_mounts(file, seq, line_mountstats); }

static int mounts_open(struct inode *inode, struct file *file)
{
	struct task_struct *task = proc_task(inode);
	int error;

	if (!task)
		return -ESRCH;
	error = seq_open(file, proc_i(inode)->entry->show);
	if (!error && task->mnt_ns)
		((struct seq_file *)file->private)->event = task->mnt_ns->event;
	task_put(task);
	return error;
}

static unsigned mounts_poll(struct file *file, struct poll_table *table)
{
	struct task_struct *task = proc_file_task(file);
	struct seq_file *seq = file->private;
	unsigned events = POLL_IN;

	if (!task)
		return events;
	if (task->mnt_ns) {
		poll_wait(file, &task->mnt_ns->poll, table);
		if (seq->event != task->mnt_ns->event) {
			seq->event = task->mnt_ns->event;
			events |= EPOLLERR | EPOLLPRI;
		}
	}
	task_put(task);
	return events;
}

const struct file_operations proc_mounts_fops = {
	.name = "proc mounts",
	.open = mounts_open,
	.read = seq_read,
	.llseek = seq_llseek,
	.poll = mounts_poll,
	.release = seq_release,
};
