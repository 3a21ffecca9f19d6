/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Advisory file locks: flock(2), POSIX record locks and open file description locks of fcntl(2), /proc/locks.
 *
 *   flock   owner: open file          whole file    gone with the last close of the open file
 *   POSIX   owner: descriptor table   byte range    gone with any close of the file by that table; EDEADLK
 *   OFD     owner: open file          byte range    gone with the last close of the open file
 *
 * POSIX and OFD locks conflict with each other, flock locks only among themselves. A task that must wait sleeps on
 * the inode's context and tries again whenever a lock there goes or shrinks. The context is freed with its last lock
 * and last sleeper.
 */
#include <linux/fcntl.h>
#include <linux/fs.h>

#include "kernel/mm/alloc.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/task.h"
#include "kernel/vfs/event.h"
#include "syscalls.gen.h"

#define LOCK_SH 1
#define LOCK_EX 2
#define LOCK_NB 4
#define LOCK_UN 8
#define OFFSET_MAX INT64_MAX

enum lock_class { CLASS_FLOCK, CLASS_POSIX, CLASS_OFD };

struct file_lock {
	struct list_head link;     /* context->flock or context->ranges */
	struct list_head all_link; /* all_locks, waiting_locks */
	struct inode *inode;       /* not counted: an inode with locks has an open file */
	enum lock_class class;
	int type;                  /* F_RDLCK, F_WRLCK */
	const void *owner;
	pid_t pid;                 /* of the process that asked; -1 for OFD locks */
	s64 start, end;            /* end is inclusive; OFFSET_MAX: to the end of the file */
	const struct file_lock *blocker; /* while waiting; may be stale between a wake-up and the next try */
	const void *blocker_owner;
};

struct file_lock_context {
	struct list_head flock, ranges;
	struct wait_queue_head wait;
	int waiters;
};

static LIST_HEAD(all_locks);
static LIST_HEAD(waiting_locks);

static struct file_lock_context *context_of(struct inode *inode)
{
	if (!inode->locks) {
		struct file_lock_context *ctx = kzalloc(sizeof(*ctx));
		if (!ctx)
			return NULL;
		list_init(&ctx->flock);
		list_init(&ctx->ranges);
		wait_queue_init(&ctx->wait);
		inode->locks = ctx;
	}
	return inode->locks;
}

static void context_free_unused(struct inode *inode)
{
	struct file_lock_context *ctx = inode->locks;

	if (!ctx || ctx->waiters || !list_empty(&ctx->flock) || !list_empty(&ctx->ranges))
		return;
	inode->locks = NULL;
	kfree(ctx);
}

static void lock_free(struct file_lock *lock)
{
	list_del(&lock->link);
	list_del(&lock->all_link);
	kfree(lock);
}

static struct file_lock *lock_copy(const struct file_lock *from)
{
	struct file_lock *lock = kmemdup(from, sizeof(*from));

	if (!lock)
		return NULL;
	list_init(&lock->link);
	list_init(&lock->all_link);
	lock->blocker = NULL;
	return lock;
}

static void wake_lockers(struct file_lock_context *ctx)
{
	if (wait_queue_active(&ctx->wait))
		wake_up_all(&ctx->wait);
}

static bool overlap(const struct file_lock *a, const struct file_lock *b)
{
	return a->start <= b->end && b->start <= a->end;
}

static bool same_owner(const struct file_lock *a, const struct file_lock *b)
{
	return a->owner == b->owner && a->class == b->class;
}

static bool conflicts(const struct file_lock *held, const struct file_lock *wanted)
{
	if (same_owner(held, wanted) || !overlap(held, wanted))
		return false;
	return held->type == F_WRLCK || wanted->type == F_WRLCK;
}

static struct file_lock *find_conflict(struct list_head *locks, const struct file_lock *wanted)
{
	struct file_lock *lock;

	list_for_each_entry(lock, locks, link) {
		if (conflicts(lock, wanted))
			return lock;
	}
	return NULL;
}

/*
 * Would `wanted`'s owner, waiting for `owner`, close a circle? Follows who waits for whom among POSIX locks; a process
 * with several threads may wait for several, so every waiting lock of an owner is looked at, to a bounded depth.
 */
static bool would_deadlock(const void *waiter, const void *owner, int depth)
{
	struct file_lock *waiting;

	if (owner == waiter)
		return true;
	if (depth > 10)
		return false;
	list_for_each_entry(waiting, &waiting_locks, all_link) {
		if (waiting->class == CLASS_POSIX && waiting->owner == owner && waiting->blocker_owner &&
		    would_deadlock(waiter, waiting->blocker_owner, depth + 1))
			return true;
	}
	return false;
}

/* Keeps an owner's ranges sorted by start, so that neighbours can be joined. */
static void range_insert(struct file_lock_context *ctx, struct file_lock *lock)
{
	struct file_lock *other;

	list_for_each_entry(other, &ctx->ranges, link) {
		if (same_owner(other, lock) && other->start > lock->start) {
			list_add_tail(&lock->link, &other->link);
			list_add_tail(&lock->all_link, &all_locks);
			return;
		}
	}
	list_add_tail(&lock->link, &ctx->ranges);
	list_add_tail(&lock->all_link, &all_locks);
}

static bool touches(const struct file_lock *a, const struct file_lock *b)
{
	return a->start <= (b->end == OFFSET_MAX ? OFFSET_MAX : b->end + 1) &&
	       b->start <= (a->end == OFFSET_MAX ? OFFSET_MAX : a->end + 1);
}

/*
 * Makes the owner's ranges say `wanted->type` (or nothing: F_UNLCK) between wanted->start and end. Nobody else's
 * lock conflicts. Up to two new locks are needed (the new range, and the far part of one that is split); they
 * are allocated before anything changes. 0 or -ENOLCK.
 */
static int range_apply(struct inode *inode, const struct file_lock *wanted)
{
	struct file_lock_context *ctx = inode->locks;
	struct file_lock *fresh = lock_copy(wanted), *split = lock_copy(wanted);
	struct file_lock *lock, *next;
	bool released = false;

	if (!fresh || !split) {
		kfree(fresh);
		kfree(split);
		return -ENOLCK;
	}
	list_for_each_entry_safe(lock, next, &ctx->ranges, link) {
		if (!same_owner(lock, wanted))
			continue;
		if (lock->type == wanted->type) {
			if (!touches(lock, fresh))
				continue;
			fresh->start = min(fresh->start, lock->start);
			fresh->end = max(fresh->end, lock->end);
			lock_free(lock);
			continue;
		}
		if (!overlap(lock, wanted))
			continue;
		released = true;
		if (lock->end > wanted->end && lock->start < wanted->start) {
			s64 end = lock->end;
			lock->end = wanted->start - 1;
			*split = *lock;
			list_init(&split->link);
			list_init(&split->all_link);
			split->start = wanted->end + 1;
			split->end = end;
			range_insert(ctx, split);
			split = NULL;
			break;
		}
		if (lock->start < wanted->start)
			lock->end = wanted->start - 1;
		else if (lock->end > wanted->end)
			lock->start = wanted->end + 1;
		else
			lock_free(lock);
	}
	if (wanted->type != F_UNLCK) {
		range_insert(ctx, fresh);
		fresh = NULL;
	}
	kfree(fresh);
	kfree(split);
	if (released)
		wake_lockers(ctx);
	return 0;
}

static bool holds_file(const struct file *file, const void *owner) { return file == owner; }

/* flock and OFD locks belong to an open file: whoever has it open holds them. */
static void describe_lock(const void *object, struct wait_info *info)
{
	static const char *const classes[] = { "flock", "POSIX lock", "OFD lock" };
	const struct file_lock *wanted = object, *held;
	struct file_lock_context *ctx = wanted->inode->locks;
	struct task_struct *holder;

	wait_info_printf(info, "%s %s of ", wanted->type == F_WRLCK ? "exclusive" : "shared", classes[wanted->class]);
	wait_info_inode(info, wanted->inode);
	if (wanted->class != CLASS_FLOCK && wanted->end != OFFSET_MAX)
		wait_info_printf(info, ", bytes %lld to %lld", (long long)wanted->start, (long long)wanted->end);
	else if (wanted->class != CLASS_FLOCK)
		wait_info_printf(info, ", bytes from %lld", (long long)wanted->start);
	list_for_each_entry(held, wanted->class == CLASS_FLOCK ? &ctx->flock : &ctx->ranges, link) {
		if (!conflicts(held, wanted))
			continue;
		holder = held->class == CLASS_POSIX ? task_find(held->pid) : NULL;
		if (holder)
			wait_info_task(info, WAIT_HOLDER, holder);
		else
			wait_info_openers(info, WAIT_HOLDER, holds_file, held->owner);
	}
}
static const struct wait_type file_lock_wait = { "file lock", BLOCK_LOCK, describe_lock };

/* Sleeps until a lock of this inode goes. -ERESTARTSYS. The caller tries again. */
static int lock_sleep(struct file_lock_context *ctx, struct file_lock *wanted, const struct file_lock *blocker)
{
	struct wait_queue_entry entry;
	int ret = 0;

	wanted->blocker = blocker;
	wanted->blocker_owner = blocker->owner;
	list_add_tail(&wanted->all_link, &waiting_locks);
	ctx->waiters++;
	wait_entry_init(&entry);
	wait_queue_add(&ctx->wait, &entry);
	prepare_to_sleep(TASK_INTERRUPTIBLE, &file_lock_wait, wanted);
	if (signal_pending(current))
		ret = -ERESTARTSYS;
	else
		schedule_until(NEVER);
	finish_sleep();
	wait_queue_remove(&entry);
	ctx->waiters--;
	list_del(&wanted->all_link);
	wanted->blocker = NULL;
	wanted->blocker_owner = NULL;
	return ret;
}

/* Takes, changes or drops a byte range. -EAGAIN, -EDEADLK, -ENOLCK, -ERESTARTSYS. */
static int range_lock(struct inode *inode, struct file_lock *wanted, bool wait)
{
	struct file_lock_context *ctx = context_of(inode);
	int ret = 0;

	if (!ctx)
		return -ENOLCK;
	while (wanted->type != F_UNLCK) {
		struct file_lock *blocker = find_conflict(&ctx->ranges, wanted);
		if (!blocker)
			break;
		ret = -EAGAIN;
		if (!wait)
			goto out;
		ret = -EDEADLK;
		if (wanted->class == CLASS_POSIX && blocker->class == CLASS_POSIX &&
		    would_deadlock(wanted->owner, blocker->owner, 0))
			goto out;
		ret = lock_sleep(ctx, wanted, blocker);
		if (ret)
			goto out;
	}
	ret = range_apply(inode, wanted);
out:
	context_free_unused(inode);
	return ret;
}

/* Offsets of a user's struct flock as a range: -EINVAL, -EOVERFLOW. */
static int range_from_user(struct file *file, const struct flock *user, struct file_lock *ret_lock)
{
	s64 start;

	switch (user->l_whence) {
	case SEEK_SET:
		start = 0;
		break;
	case SEEK_CUR:
		start = file->pos;
		break;
	case SEEK_END:
		start = file->inode->size;
		break;
	default:
		return -EINVAL;
	}
	if (user->l_start > OFFSET_MAX - start)
		return -EOVERFLOW;
	start += user->l_start;
	if (start < 0)
		return -EINVAL;
	s64 end = OFFSET_MAX;
	if (user->l_len > 0) {
		if (user->l_len - 1 > OFFSET_MAX - start)
			return -EOVERFLOW;
		end = start + user->l_len - 1;
	} else if (user->l_len < 0) {
		if (start + user->l_len < 0)
			return -EINVAL;
		end = start - 1;
		start += user->l_len;
	}
	ret_lock->start = start;
	ret_lock->end = end;
	return 0;
}

static void range_to_user(const struct file_lock *lock, struct flock *ret_user)
{
	ret_user->l_type = lock->type;
	ret_user->l_whence = SEEK_SET;
	ret_user->l_start = lock->start;
	ret_user->l_len = lock->end == OFFSET_MAX ? 0 : lock->end - lock->start + 1;
	ret_user->l_pid = lock->pid;
}

static long range_get(struct file *file, struct file_lock *wanted, struct flock *user)
{
	struct file_lock_context *ctx = file->inode->locks;
	const struct file_lock *held = ctx ? find_conflict(&ctx->ranges, wanted) : NULL;

	if (held)
		range_to_user(held, user);
	else
		user->l_type = F_UNLCK;
	return 0;
}

long fcntl_lock(unsigned fd, struct file *file, unsigned cmd, u64 arg)
{
	bool ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
	bool get = cmd == F_GETLK || cmd == F_OFD_GETLK;
	struct flock user;
	struct file_lock wanted = {
		.inode = file->inode,
		.class = ofd ? CLASS_OFD : CLASS_POSIX,
		.owner = ofd ? (void *)file : (void *)current->files,
		.pid = ofd ? -1 : current->tgid,
	};

	list_init(&wanted.link);
	list_init(&wanted.all_link);
	if (copy_from_user(&user, user_ptr_at(arg), sizeof(user)))
		return -EFAULT;
	if (user.l_type != F_RDLCK && user.l_type != F_WRLCK && user.l_type != F_UNLCK)
		return -EINVAL;
	if (get && user.l_type == F_UNLCK && !ofd)
		return -EINVAL;
	wanted.type = user.l_type;
	int ret = range_from_user(file, &user, &wanted);
	if (ret)
		return ret;
	if (ofd && user.l_pid)
		return -EINVAL;
	if (get) {
		range_get(file, &wanted, &user);
		return copy_to_user(user_ptr_at(arg), &user, sizeof(user));
	}
	if ((wanted.type == F_RDLCK && !file->readable) || (wanted.type == F_WRLCK && !file->writable))
		return -EBADF;
	ret = range_lock(file->inode, &wanted, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
	if (ret || ofd || wanted.type == F_UNLCK)
		return ret;
	/* Another thread may have closed the descriptor while this one slept: its close did not see the lock. */
	struct file *now = fget(fd);
	if (now != file) {
		wanted.type = F_UNLCK;
		if (range_lock(file->inode, &wanted, false) == 0)
			ret = -EBADF;
	}
	if (now)
		file_put(now);
	return ret;
}

static bool drop_locks(struct list_head *locks, const void *owner, enum lock_class class)
{
	struct file_lock *lock, *next;
	bool dropped = false;

	list_for_each_entry_safe(lock, next, locks, link) {
		if (lock->owner == owner && lock->class == class) {
			lock_free(lock);
			dropped = true;
		}
	}
	return dropped;
}

void locks_remove_posix(struct file *f, struct files_struct *files)
{
	struct file_lock_context *ctx = f->inode->locks;

	if (!ctx)
		return;
	if (drop_locks(&ctx->ranges, files, CLASS_POSIX))
		wake_lockers(ctx);
	context_free_unused(f->inode);
}

void locks_remove_file(struct file *f)
{
	struct file_lock_context *ctx = f->inode->locks;

	if (!ctx)
		return;
	bool dropped = drop_locks(&ctx->flock, f, CLASS_FLOCK);
	dropped |= drop_locks(&ctx->ranges, f, CLASS_OFD);
	if (dropped)
		wake_lockers(ctx);
	context_free_unused(f->inode);
}

static struct file_lock *flock_of(struct file_lock_context *ctx, const struct file *file)
{
	struct file_lock *lock;

	list_for_each_entry(lock, &ctx->flock, link) {
		if (lock->owner == file)
			return lock;
	}
	return NULL;
}

static long do_flock(struct file *file, int type, bool wait)
{
	struct file_lock_context *ctx = context_of(file->inode);
	struct file_lock wanted = {
		.inode = file->inode, .class = CLASS_FLOCK, .type = type, .owner = file, .pid = current->tgid, .end = OFFSET_MAX,
	};
	long ret = 0;

	if (!ctx)
		return -ENOLCK;
	list_init(&wanted.link);
	list_init(&wanted.all_link);
	struct file_lock *held = flock_of(ctx, file);
	if (held && held->type == type)
		return 0;
	/* A change of kind is not atomic: the old lock goes first (flock(2)). */
	if (held) {
		lock_free(held);
		wake_lockers(ctx);
	}
	while (type != F_UNLCK) {
		struct file_lock *blocker = find_conflict(&ctx->flock, &wanted);
		if (!blocker) {
			struct file_lock *lock = flock_of(ctx, file);
			/* Another thread of this open file may have been faster. */
			if (lock) {
				lock->type = type;
				break;
			}
			lock = lock_copy(&wanted);
			if (lock) {
				list_add_tail(&lock->link, &ctx->flock);
				list_add_tail(&lock->all_link, &all_locks);
			}
			ret = lock ? 0 : -ENOLCK;
			break;
		}
		ret = wait ? lock_sleep(ctx, &wanted, blocker) : -EWOULDBLOCK;
		if (ret)
			break;
	}
	context_free_unused(file->inode);
	return ret;
}

long sys_flock(int fd, int operation)
{
	int type;

	switch (operation & ~LOCK_NB) {
	case LOCK_SH:
		type = F_RDLCK;
		break;
	case LOCK_EX:
		type = F_WRLCK;
		break;
	case LOCK_UN:
		type = F_UNLCK;
		break;
	default:
		return -EINVAL;
	}
	struct file *file = fget(fd);
	if (!file)
		return -EBADF;
	long ret = do_flock(file, type, !(operation & LOCK_NB));
	file_put(file);
	return ret;
}

static size_t show_lock(char *buffer, size_t size, const struct file_lock *lock, int id, bool waiting)
{
	static const char *const classes[] = { "FLOCK ", "POSIX ", "OFDLCK" };
	dev_t dev = lock->inode->sb->dev;
	unsigned major = (dev >> 8 & 0xfff) | (dev >> 32 & ~0xfffU), minor = (dev & 0xff) | (dev >> 12 & ~0xffU);
	size_t n = scnprintf(buffer, size, "%d: %s%s ADVISORY  %s %d %02x:%02x:%llu %lld ", id, waiting ? "-> " : "",
			     classes[lock->class], lock->type == F_WRLCK ? "WRITE" : "READ ", lock->pid, major, minor,
			     (unsigned long long)lock->inode->ino, (long long)lock->start);

	if (lock->end == OFFSET_MAX)
		n += scnprintf(buffer + n, size - n, "EOF\n");
	else
		n += scnprintf(buffer + n, size - n, "%lld\n", (long long)lock->end);
	return n;
}

char *locks_show(void)
{
	struct file_lock *lock, *waiting;
	size_t size = 1, used = 0;
	int id = 0;

	list_for_each_entry(lock, &all_locks, all_link)
		size += 128;
	list_for_each_entry(lock, &waiting_locks, all_link)
		size += 128;
	char *buffer = kmalloc(size);
	if (!buffer)
		return NULL;
	buffer[0] = 0;
	list_for_each_entry(lock, &all_locks, all_link) {
		used += show_lock(buffer + used, size - used, lock, ++id, false);
		list_for_each_entry(waiting, &waiting_locks, all_link) {
			if (waiting->blocker == lock)
				used += show_lock(buffer + used, size - used, waiting, id, true);
		}
	}
	return buffer;
}
