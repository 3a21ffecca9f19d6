/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inotify(7): watches on inodes, a queue of events per instance. inotify_add_watch fails with ENOSPC over
 * fs.inotify.max_user_watches, inotify_init with EMFILE over fs.inotify.max_user_instances; a queue that is
 * full gets one IN_Q_OVERFLOW event and loses the rest.
 *
 * A watch holds its inode, so that a file that nobody uses keeps its watch. inode->marks is NULL while there is no
 * watch: the vfs tests that before it calls the hooks here.
 */
#include <linux/inotify.h>

#include <asm/ioctls.h>

#include "kernel/fs/proc/sysctl.h"
#include "kernel/mm/alloc.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/task.h"
#include "kernel/vfs/event.h"
#include "kernel/vfs/internal.h"
#include "syscalls.gen.h"

#ifndef IN_MASK_CREATE
#define IN_MASK_CREATE 0x10000000
#endif
#define EVENT_BITS IN_ALL_EVENTS
#define SELF_BITS (IN_DELETE_SELF | IN_MOVE_SELF) /* never reported by the parent directory */
#define OPTION_BITS (IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_CREATE | IN_MASK_ADD | IN_ONESHOT)
#define VALID_BITS (EVENT_BITS | OPTION_BITS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ISDIR)

struct inotify_mark {
	struct list_head inode_link, group_link;
	struct inotify_group *group;
	struct inode *inode; /* counted */
	int wd;
	u32 mask;
	bool fired; /* one-shot: to be removed */
};

struct inotify_record {
	struct list_head link;
	int wd;
	u32 mask, cookie;
	u32 name_length; /* with its NUL and padding, as read returns it */
	char name[];
};

struct inotify_group {
	struct list_head link; /* all_groups */
	struct list_head marks, records;
	struct wait_queue_head wait;
	unsigned nr_marks, nr_records;
	size_t bytes; /* of all records, for FIONREAD */
	uid_t uid;
	int next_wd;
	bool overflowed;
	struct inotify_record overflow; /* needs no memory when there is none */
};

static const struct file_operations inotify_fops;
static LIST_HEAD(all_groups);

struct inode_marks *inode_marks_get(struct inode *inode)
{
	if (!inode->marks) {
		struct inode_marks *marks = kzalloc(sizeof(*marks));

		if (!marks)
			return NULL;
		list_init(&marks->inotify);
		list_init(&marks->dnotify);
		inode->marks = marks;
	}
	return inode->marks;
}

void inode_marks_put(struct inode *inode)
{
	if (!inode->marks || !list_empty(&inode->marks->inotify) || !list_empty(&inode->marks->dnotify))
		return;
	kfree(inode->marks);
	inode->marks = NULL;
}

static size_t record_size(const struct inotify_record *record)
{
	return sizeof(struct inotify_event) + record->name_length;
}

static void queue_tail(struct inotify_group *group, struct inotify_record *record)
{
	list_add_tail(&record->link, &group->records);
	group->nr_records++;
	group->bytes += record_size(record);
	if (wait_queue_active(&group->wait))
		wake_up_poll(&group->wait, POLL_IN);
}

static void queue_overflow(struct inotify_group *group)
{
	if (group->overflowed)
		return;
	group->overflowed = true;
	group->overflow.wd = -1;
	group->overflow.mask = IN_Q_OVERFLOW;
	queue_tail(group, &group->overflow);
}

static void queue_event(struct inotify_group *group, int wd, u32 mask, u32 cookie, const char *name)
{
	size_t length = name ? strlen(name) : 0;
	u32 padded = length ? ALIGN_UP(length + 1, sizeof(struct inotify_event)) : 0;

	if (!list_empty(&group->records)) {
		const struct inotify_record *last = list_last_entry(&group->records, struct inotify_record, link);
		if (last->wd == wd && last->mask == mask && last->cookie == cookie && last->name_length == padded &&
		    (!padded || !strcmp(last->name, name)))
			return;
	}
	struct inotify_record *record = NULL;
	if (group->nr_records < sysctl_inotify_max_queued_events)
		record = kzalloc(sizeof(*record) + padded);
	if (!record) {
		queue_overflow(group);
		return;
	}
	record->wd = wd;
	record->mask = mask;
	record->cookie = cookie;
	record->name_length = padded;
	if (padded)
		memcpy(record->name, name, length);
	queue_tail(group, record);
}

static void record_free(struct inotify_group *group, struct inotify_record *record)
{
	list_del(&record->link);
	group->nr_records--;
	group->bytes -= record_size(record);
	if (record == &group->overflow)
		group->overflowed = false;
	else
		kfree(record);
}

/* May drop the last reference to the inode. */
static void mark_remove(struct inotify_mark *mark)
{
	struct inode *inode = mark->inode;

	queue_event(mark->group, mark->wd, IN_IGNORED, 0, NULL);
	list_del(&mark->inode_link);
	list_del(&mark->group_link);
	mark->group->nr_marks--;
	inode_marks_put(inode);
	kfree(mark);
	inode_put(inode);
}

static void remove_fired(struct inode *inode)
{
	struct inotify_mark *mark;
again:
	if (!inode->marks)
		return;
	list_for_each_entry(mark, &inode->marks->inotify, inode_link) {
		if (mark->fired) {
			mark_remove(mark);
			goto again;
		}
	}
}

/* Reports to the watches of one inode, which the caller holds. */
static void notify_inode(struct inode *inode, u32 mask, const char *name, u32 cookie, bool is_dir, bool unlinked)
{
	struct inotify_mark *mark;
	bool fired = false;

	if (!inode->marks)
		return;
	if (!list_empty(&inode->marks->dnotify)) {
		dnotify_event(inode, mask);
		if (!inode->marks)
			return;
	}
	list_for_each_entry(mark, &inode->marks->inotify, inode_link) {
		if (!(mark->mask & mask & EVENT_BITS) || mark->fired)
			continue;
		if (unlinked && (mark->mask & IN_EXCL_UNLINK))
			continue;
		queue_event(mark->group, mark->wd, (mask & EVENT_BITS) | (is_dir ? IN_ISDIR : 0), cookie, name);
		if (mark->mask & IN_ONESHOT)
			mark->fired = fired = true;
	}
	if (fired)
		remove_fired(inode);
}

void fsnotify_dentry(struct dentry *d, unsigned mask)
{
	struct inode *inode = d->inode;
	struct dentry *parent = d->parent;
	bool is_dir = inode && S_ISTYPE(inode->mode, S_IFDIR);

	if (parent && parent != d && parent->inode && parent->inode->marks && (mask & ~SELF_BITS))
		notify_inode(parent->inode, mask & ~SELF_BITS, d->name, 0, is_dir, d->unhashed);
	if (inode && inode->marks)
		notify_inode(inode, mask, NULL, 0, is_dir, false);
}

void fsnotify_name(struct inode *dir, unsigned mask, const char *name, u32 cookie, bool is_dir)
{
	if (dir && dir->marks)
		notify_inode(dir, mask, name, cookie, is_dir, false);
}

void fsnotify_inode_gone(struct inode *inode)
{
	if (!inode->marks)
		return;
	notify_inode(inode, IN_DELETE_SELF, NULL, 0, false, false);
	while (inode->marks && !list_empty(&inode->marks->inotify))
		mark_remove(list_first_entry(&inode->marks->inotify, struct inotify_mark, inode_link));
}

void fsnotify_super_gone(struct super_block *sb)
{
	struct inotify_group *group;
	struct inotify_mark *mark, *next;

	list_for_each_entry(group, &all_groups, link) {
		list_for_each_entry_safe(mark, next, &group->marks, group_link) {
			if (mark->inode->sb != sb)
				continue;
			queue_event(group, mark->wd, IN_UNMOUNT | (S_ISTYPE(mark->inode->mode, S_IFDIR) ? IN_ISDIR : 0), 0, NULL);
			mark_remove(mark);
		}
	}
}

u32 fsnotify_next_cookie(void)
{
	static u32 cookie;

	return ++cookie ? cookie : ++cookie;
}

static ssize_t copy_record(struct io_iter *to, const struct inotify_record *record)
{
	struct inotify_event event = { record->wd, record->mask, record->cookie, record->name_length };

	if (copy_to_iter(to, &event, sizeof(event)) != sizeof(event) ||
	    copy_to_iter(to, record->name, record->name_length) != record->name_length)
		return -EFAULT;
	return record_size(record);
}

static const struct wait_type inotify_wait = { "inotify read", BLOCK_QUEUE, wait_describe_file };

static ssize_t inotify_read(struct file *file, struct io_iter *to, loff_t *pos)
{
	struct inotify_group *group = file->private;
	ssize_t done = 0;

	if (list_empty(&group->records)) {
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		long ret = wait_event_interruptible(&group->wait, &inotify_wait, file, !list_empty(&group->records));
		if (ret)
			return ret;
	}
	while (!list_empty(&group->records)) {
		struct inotify_record *record = list_first_entry(&group->records, struct inotify_record, link);

		if (record_size(record) > to->count)
			return done ? done : -EINVAL;
		ssize_t n = copy_record(to, record);
		if (n < 0)
			return done ? done : n;
		record_free(group, record);
		done += n;
	}
	return done;
}

static unsigned inotify_poll(struct file *file, struct poll_table *table)
{
	struct inotify_group *group = file->private;

	poll_wait(file, &group->wait, table);
	return list_empty(&group->records) ? 0 : POLL_IN;
}

static long inotify_ioctl(struct file *file, unsigned cmd, u64 arg)
{
	struct inotify_group *group = file->private;

	if (cmd == FIONREAD)
		return put_user_u32(user_ptr_at(arg), group->bytes);
	return -ENOIOCTLCMD;
}

static void inotify_release(struct file *file)
{
	struct inotify_group *group = file->private;

	list_del(&group->link);
	while (!list_empty(&group->marks))
		mark_remove(list_first_entry(&group->marks, struct inotify_mark, group_link));
	while (!list_empty(&group->records))
		record_free(group, list_first_entry(&group->records, struct inotify_record, link));
	kfree(group);
}

static void inotify_show(struct file *file, char *buffer, size_t size)
{
	struct inotify_group *group = file->private;
	struct inotify_mark *mark;
	size_t used = 0;

	buffer[0] = 0;
	list_for_each_entry(mark, &group->marks, group_link)
		used += scnprintf(buffer + used, size - used, "inotify wd:%x ino:%llx sdev:%llx mask:%x ignored_mask:0\n", mark->wd,
				  (unsigned long long)mark->inode->ino, (unsigned long long)mark->inode->sb->dev, mark->mask);
}

static void user_usage(uid_t uid, unsigned *ret_instances, unsigned *ret_watches)
{
	struct inotify_group *group;

	*ret_instances = *ret_watches = 0;
	list_for_each_entry(group, &all_groups, link) {
		if (group->uid == uid) {
			++*ret_instances;
			*ret_watches += group->nr_marks;
		}
	}
}

long sys_inotify_init1(int flags)
{
	unsigned instances, watches;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	user_usage(current->cred->uid, &instances, &watches);
	if (instances >= sysctl_inotify_max_user_instances)
		return -EMFILE;
	struct inotify_group *group = kzalloc(sizeof(*group));
	if (!group)
		return -ENOMEM;
	list_init(&group->marks);
	list_init(&group->records);
	wait_queue_init(&group->wait);
	group->uid = current->cred->uid;
	group->next_wd = 1;
	struct file *file = anon_file("inotify", &inotify_fops, group, O_RDONLY | (flags & O_NONBLOCK));
	if (IS_ERR(file)) {
		kfree(group);
		return PTR_ERR(file);
	}
	list_add_tail(&group->link, &all_groups);
	return fd_install_new(file, flags & O_CLOEXEC);
}

long sys_inotify_init(void)
{
	return sys_inotify_init1(0);
}

static int mark_update(struct inotify_mark *mark, u32 mask)
{
	u32 bits = mask & (EVENT_BITS | IN_ONESHOT | IN_EXCL_UNLINK);

	if (mask & IN_MASK_CREATE)
		return -EEXIST;
	mark->mask = mask & IN_MASK_ADD ? mark->mask | bits : bits;
	return mark->wd;
}

/* Watches an inode, which the caller holds, or changes the watch that is there: its descriptor. */
static int group_watch(struct inotify_group *group, struct inode *inode, u32 mask)
{
	struct inotify_mark *mark;
	unsigned instances, watches;

	if (inode->marks) {
		list_for_each_entry(mark, &inode->marks->inotify, inode_link) {
			if (mark->group == group)
				return mark_update(mark, mask);
		}
	}
	user_usage(group->uid, &instances, &watches);
	if (watches >= sysctl_inotify_max_user_watches)
		return -ENOSPC;
	mark = kzalloc(sizeof(*mark));
	if (!mark)
		return -ENOMEM;
	if (!inode_marks_get(inode)) {
		kfree(mark);
		return -ENOMEM;
	}
	mark->group = group;
	mark->inode = inode_get(inode);
	mark->mask = mask & (EVENT_BITS | IN_ONESHOT | IN_EXCL_UNLINK);
	mark->wd = group->next_wd++;
	list_add_tail(&mark->inode_link, &inode->marks->inotify);
	list_add_tail(&mark->group_link, &group->marks);
	group->nr_marks++;
	return mark->wd;
}

long sys_inotify_add_watch(int fd, user_ptr name, unsigned mask)
{
	struct path path;
	unsigned lookup = 0;

	if (!(mask & VALID_BITS) || ((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE)))
		return -EINVAL;
	struct file *file = fget(fd);
	if (!file)
		return -EBADF;
	long ret = -EINVAL;
	if (file->ops != &inotify_fops)
		goto put_file;
	if (!(mask & IN_DONT_FOLLOW))
		lookup |= LOOKUP_FOLLOW;
	if (mask & IN_ONLYDIR)
		lookup |= LOOKUP_DIRECTORY;
	ret = user_path_lookup(AT_FDCWD, name, lookup, &path);
	if (ret)
		goto put_file;
	ret = inode_permission(path.dentry->inode, MAY_READ);
	if (!ret)
		ret = group_watch(file->private, path.dentry->inode, mask);
	path_put(&path);
put_file:
	file_put(file);
	return ret;
}

long sys_inotify_rm_watch(int fd, int wd)
{
	struct file *file = fget(fd);
	struct inotify_mark *mark;

	if (!file)
		return -EBADF;
	long ret = -EINVAL;
	if (file->ops == &inotify_fops) {
		struct inotify_group *group = file->private;
		list_for_each_entry(mark, &group->marks, group_link) {
			if (mark->wd == wd) {
				mark_remove(mark);
				ret = 0;
				break;
			}
		}
	}
	file_put(file);
	return ret;
}

static const struct file_operations inotify_fops = {
	.name = "inotify",
	.read = inotify_read,
	.llseek = noop_llseek,
	.poll = inotify_poll,
	.ioctl = inotify_ioctl,
	.release = inotify_release,
	.show_fdinfo = inotify_show,
};
