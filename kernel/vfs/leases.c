/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases, fcntl(2), F_SETLEASE: who holds one is told by a signal (SIGIO, or that of F_SETSIG) before somebody else opens the file in a way that
 * conflicts: for writing, or at all if it is a write lease. The other one waits until the lease is given up or made smaller, at most
 * /proc/sys/fs/lease-break-time seconds; then it is taken away. With O_NONBLOCK the open fails with EWOULDBLOCK, the holder is told all the same.
 *
 * A lease belongs to an open file. Opens by the host's own programs are not seen.
 */
#include <linux/fcntl.h>

#include "kernel/fs/proc/sysctl.h"
#include "kernel/mm/alloc.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/task.h"
#include "kernel/time/timer.h"
#include "kernel/vfs/event.h"
#include "kernel/vfs/internal.h"
#include "syscalls.gen.h"

s64 sysctl_leases_enable = 1, sysctl_lease_break_time = 45;

struct lease {
	struct list_head link;
	struct file *file; /* not counted: it goes with the file */
	int fd;            /* by which it was taken */
	int type;          /* F_RDLCK, F_WRLCK */
	int target;        /* what its holder has been asked for: F_RDLCK, F_UNLCK; `type` if nothing */
	u64 until;         /* while asked: then it is taken */
};

/* Few programs take leases, so one list is enough. */
static LIST_HEAD(leases);
static struct wait_queue_head changed = { LIST_HEAD_INIT(changed.entries) };
static const struct wait_type lease_wait = { "lease", BLOCK_LOCK, wait_describe_text };
unsigned leases_in_use;

static void lease_free(struct lease *lease)
{
	list_del(&lease->link);
	kfree(lease);
	leases_in_use--;
}

/* -> F_UNLCK: it is gone. */
static void change(struct lease *lease, int type)
{
	if (type == F_UNLCK) {
		lease_free(lease);
	} else {
		/* Who has been asked to give up, and makes it smaller, still has to give up. */
		if (lease->target != F_UNLCK)
			lease->target = type;
		lease->type = type;
	}
	wake_up_all(&changed);
}

static void take_expired(const struct inode *inode)
{
	struct lease *lease, *next;
	u64 now = ktime_get();

	list_for_each_entry_safe(lease, next, &leases, link)
		if (lease->file->inode == inode && lease->target != lease->type && lease->until <= now)
			change(lease, lease->target);
}

static bool in_the_way(const struct lease *lease, const struct inode *inode, bool write)
{
	return lease->file->inode == inode && (write || lease->type == F_WRLCK);
}

static struct lease *conflict(const struct inode *inode, bool write)
{
	struct lease *lease;

	list_for_each_entry(lease, &leases, link)
		if (in_the_way(lease, inode, write))
			return lease;
	return NULL;
}

/* Tells all holders that are in the way and have not been asked for so much yet. */
static void ask(const struct inode *inode, bool write)
{
	int target = write ? F_UNLCK : F_RDLCK;
	struct lease *lease;

	list_for_each_entry(lease, &leases, link) {
		if (!in_the_way(lease, inode, write) || lease->target == target || lease->target == F_UNLCK)
			continue;
		lease->target = target;
		lease->until = sysctl_lease_break_time ? ktime_get() + (u64)sysctl_lease_break_time * NSEC_PER_SEC : NEVER;
		file_signal_message(lease->file, lease->fd);
	}
}

int lease_break(struct inode *inode, bool write, bool nonblock)
{
	struct lease *lease;
	long error = 0;

	while (!error && (lease = conflict(inode, write))) {
		u64 until;

		ask(inode, write);
		if (nonblock)
			return -EWOULDBLOCK;
		until = lease->until;
		error = wait_event_interruptible_until(&changed, &lease_wait, "lease", until, !conflict(inode, write));
		if (error == -ETIME) {
			take_expired(inode);
			error = 0;
		}
	}
	return (int)error;
}

static struct lease *find(const struct file *file)
{
	struct lease *lease;

	list_for_each_entry(lease, &leases, link)
		if (lease->file == file)
			return lease;
	return NULL;
}

void lease_remove_file(struct file *file)
{
	struct lease *lease = find(file);

	if (lease)
		change(lease, F_UNLCK);
}

/* Open files are what holds the names of a regular file; and walks, for a moment. */
static bool sole_user(const struct inode *inode)
{
	struct dentry *d;
	int users = 0;

	list_for_each_entry(d, &inode->dentries, alias)
		users += refcount_read(&d->count);
	return users == 1;
}

static int may_have(const struct file *file, int type)
{
	const struct inode *inode = file->inode;
	struct lease *other;

	if (type == F_RDLCK ? inode->writers > 0 : !sole_user(inode))
		return -EAGAIN;
	list_for_each_entry(other, &leases, link)
		if (other->file->inode == inode && other->file != file && (type == F_WRLCK || other->target == F_UNLCK))
			return -EAGAIN;
	return 0;
}

static long take(unsigned fd, struct file *file, int type)
{
	struct lease *lease = find(file);
	int error = may_have(file, type);

	if (error)
		return error;
	if (lease) {
		change(lease, type);
		return 0;
	}
	lease = kzalloc(sizeof(*lease));
	if (!lease)
		return -ENOMEM;
	*lease = (struct lease){ .file = file, .fd = (int)fd, .type = type, .target = type };
	list_add_tail(&lease->link, &leases);
	leases_in_use++;
	file_own(file);
	return 0;
}

long lease_set(unsigned fd, struct file *file, u64 type)
{
	struct lease *lease;

	if (type != F_RDLCK && type != F_WRLCK && type != F_UNLCK)
		return -EINVAL;
	if (current->cred->fsuid != file->inode->uid && !capable(CAP_LEASE))
		return -EACCES;
	if (!S_ISTYPE(file->inode->mode, S_IFREG) || !sysctl_leases_enable)
		return -EINVAL;
	take_expired(file->inode);
	if (type != F_UNLCK)
		return take(fd, file, (int)type);
	lease = find(file);
	if (!lease)
		return -EAGAIN;
	change(lease, F_UNLCK);
	return 0;
}

long lease_get(struct file *file)
{
	struct lease *lease;

	take_expired(file->inode);
	lease = find(file);
	return lease ? lease->target : F_UNLCK;
}
