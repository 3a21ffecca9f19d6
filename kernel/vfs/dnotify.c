/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directory notification, fcntl(2), F_NOTIFY: the owner of an open directory gets SIGIO, or the signal of F_SETSIG with the descriptor in its
 * siginfo, when something happens in it or to it: once, or with DN_MULTISHOT until the descriptor is closed. Older than inotify(7), and tells
 * neither what nor which file.
 *
 * A watch belongs to an open file and the descriptor table that asked; it goes with any close of the file by that table.
 */
#include <linux/fcntl.h>
#include <linux/inotify.h>

#include "kernel/fs/proc/sysctl.h"
#include "kernel/mm/alloc.h"
#include "kernel/task/task.h"
#include "kernel/vfs/event.h"
#include "kernel/vfs/internal.h"

s64 sysctl_dir_notify_enable = 1;

struct dnotify {
	struct list_head link;            /* inode->marks->dnotify */
	struct file *file;                /* not counted, as its inode: it goes with the file */
	const struct files_struct *files; /* whose close ends it */
	int fd;
	u32 mask;                         /* IN_* */
	bool for_ever;                    /* DN_MULTISHOT */
};

/* What of IN_* a DN_* stands for. */
static u32 mask_of(u64 arg)
{
	static const struct { u32 dn, in; } bits[] = {
		{ DN_ACCESS, IN_ACCESS },
		{ DN_MODIFY, IN_MODIFY },
		{ DN_CREATE, IN_CREATE | IN_MOVED_TO },
		{ DN_DELETE, IN_DELETE | IN_MOVED_FROM },
		{ DN_RENAME, FSNOTIFY_RENAME },
		{ DN_ATTRIB, IN_ATTRIB },
	};
	u32 mask = 0;

	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		mask |= arg & bits[i].dn ? bits[i].in : 0;
	return mask;
}

static void dnotify_free(struct dnotify *watch)
{
	struct inode *inode = watch->file->inode;

	list_del(&watch->link);
	kfree(watch);
	inode_marks_put(inode);
}

void dnotify_event(struct inode *dir, u32 mask)
{
	struct dnotify *watch, *next;

	list_for_each_entry_safe(watch, next, &dir->marks->dnotify, link) {
		if (!(watch->mask & mask))
			continue;
		file_signal_message(watch->file, watch->fd);
		/* The last one takes the list with it: nothing may be looked at behind it. */
		if (!watch->for_ever) {
			bool last = &next->link == &dir->marks->dnotify;

			dnotify_free(watch);
			if (last)
				return;
		}
	}
}

static struct dnotify *find(const struct file *file, const struct files_struct *files)
{
	struct dnotify *watch;

	if (!file->inode->marks)
		return NULL;
	list_for_each_entry(watch, &file->inode->marks->dnotify, link)
		if (watch->file == file && watch->files == files)
			return watch;
	return NULL;
}

void dnotify_file_closed(struct file *file, const struct files_struct *files)
{
	struct dnotify *watch = find(file, files);

	if (watch)
		dnotify_free(watch);
}

static struct dnotify *add(struct file *file)
{
	struct inode_marks *marks = inode_marks_get(file->inode);
	struct dnotify *watch = marks ? kzalloc(sizeof(*watch)) : NULL;

	if (watch) {
		watch->file = file;
		watch->files = current->files;
		list_add_tail(&watch->link, &marks->dnotify);
	} else {
		inode_marks_put(file->inode);
	}
	return watch;
}

long dnotify_fcntl(unsigned fd, struct file *file, u64 arg)
{
	struct dnotify *watch;

	if (!sysctl_dir_notify_enable)
		return -EINVAL;
	if (!(arg & ~(u64)DN_MULTISHOT)) {
		dnotify_file_closed(file, current->files);
		return 0;
	}
	if (!S_ISTYPE(file->inode->mode, S_IFDIR))
		return -ENOTDIR;
	watch = find(file, current->files);
	if (!watch)
		watch = add(file);
	if (!watch)
		return -ENOMEM;
	watch->fd = (int)fd;
	watch->mask |= mask_of(arg);
	watch->for_ever |= !!(arg & DN_MULTISHOT);
	file_own(file);
	return 0;
}
