/* SPDX-License-Identifier: Apache-2.0 */
/*
 * epoll(7): level- and edge-triggered, one-shot and exclusive watches, nested sets.
 *
 * Each watch stands on the wait queues of its file. A wake-up there puts it on the ready list and wakes a sleeper of
 * the set; epoll_wait then asks each ready file again, so that what it reports is true at that moment. A
 * level-triggered watch goes back to the end of the list, where the next call asks it again.
 *
 * A watch does not hold its file: the last close takes it out (epoll_file_released). Everything is under the kernel
 * lock, and nothing here sleeps between taking a watch off the ready list and reporting it.
 */
#include <linux/eventpoll.h>

#include "kernel/mm/alloc.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/signal.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"
#include "syscalls.gen.h"

#ifndef EPOLLWAKEUP
#define EPOLLWAKEUP (1U << 29)
#endif
#ifndef EPOLLEXCLUSIVE
#define EPOLLEXCLUSIVE (1U << 28)
#endif
#define EPOLL_MODE_BITS (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)
#define EPOLL_EXCLUSIVE_ALLOWED                                                                    \
	(EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)
#define EPOLL_MAX_DEPTH 5
#define EPOLL_MAX_EVENTS (INT32_MAX / (int)sizeof(struct epoll_event))

struct epoll_set {
	struct rb_root watches; /* by file and descriptor */
	struct list_head ready;
	struct wait_queue_head wait; /* epoll_wait */
	struct wait_queue_head poll_wait; /* this set inside another, or polled */
	struct file *file;
};

/* A watch stands on one wait queue, rarely two (a terminal, a FIFO open for both). */
struct epoll_hook {
	struct wait_queue_entry entry;
	struct epoll_hook *next; /* of this watch, from the heap */
};

struct epoll_watch {
	struct rb_node node;
	struct list_head ready_link;
	struct list_head file_link; /* file->epoll_items */
	struct epoll_set *set;
	struct file *file;
	int fd;
	u32 events; /* mode bits alone: a one-shot watch that has fired */
	u64 data;
	struct epoll_hook first;
	bool first_used, failed;
	struct epoll_hook *more;
};

struct epoll_table {
	struct poll_table table;
	struct epoll_watch *watch;
};

static const struct file_operations epoll_fops;

static struct epoll_set *epoll_of(struct file *file)
{
	return file->ops == &epoll_fops ? file->private : NULL;
}

static int watch_compare(const struct epoll_watch *w, const struct file *file, int fd)
{
	if (w->file != file)
		return (u64)file < (u64)w->file ? -1 : 1;
	return fd < w->fd ? -1 : fd > w->fd;
}

static struct epoll_watch *watch_find(struct epoll_set *set, const struct file *file, int fd)
{
	struct rb_node *node = set->watches.node;

	while (node) {
		struct epoll_watch *w = rb_entry(node, struct epoll_watch, node);
		int c = watch_compare(w, file, fd);
		if (!c)
			return w;
		node = c < 0 ? node->left : node->right;
	}
	return NULL;
}

static void watch_insert(struct epoll_set *set, struct epoll_watch *watch)
{
	struct rb_node **link = &set->watches.node, *parent = NULL;

	while (*link) {
		parent = *link;
		struct epoll_watch *w = rb_entry(parent, struct epoll_watch, node);
		link = watch_compare(w, watch->file, watch->fd) < 0 ? &parent->left : &parent->right;
	}
	rb_insert(&set->watches, &watch->node, parent, link);
}

static bool set_wake(struct epoll_set *set)
{
	bool woke = false;

	if (wait_queue_active(&set->wait))
		woke = wake_up_sync_poll(&set->wait, 0) > 0;
	if (wait_queue_active(&set->poll_wait))
		wake_up_poll(&set->poll_wait, POLL_IN);
	return woke;
}

static bool watch_wake(struct wait_queue_entry *entry, unsigned key)
{
	struct epoll_watch *watch = entry->private;

	if (!(watch->events & ~EPOLL_MODE_BITS))
		return false;
	if (key && !(key & watch->events))
		return false;
	if (list_empty(&watch->ready_link))
		list_add_tail(&watch->ready_link, &watch->set->ready);
	bool woke = set_wake(watch->set);
	/* A plain watch does not use up an exclusive wake-up; an exclusive one only if a task took it. */
	return watch->events & EPOLLEXCLUSIVE ? woke : true;
}

static void watch_queue(struct file *file, struct wait_queue_head *wq, struct poll_table *table)
{
	struct epoll_watch *watch = container_of(table, struct epoll_table, table)->watch;
	struct epoll_hook *hook = &watch->first;

	if (watch->first_used) {
		hook = kmalloc(sizeof(*hook));
		if (!hook) {
			watch->failed = true;
			return;
		}
		hook->next = watch->more;
		watch->more = hook;
	}
	watch->first_used = true;
	wait_entry_init_func(&hook->entry, watch_wake, watch);
	if (watch->events & EPOLLEXCLUSIVE)
		wait_queue_add_exclusive(wq, &hook->entry);
	else
		wait_queue_add(wq, &hook->entry);
}

static void watch_remove(struct epoll_watch *watch)
{
	struct epoll_hook *hook;

	if (watch->first_used)
		wait_queue_remove(&watch->first.entry);
	while ((hook = watch->more)) {
		watch->more = hook->next;
		wait_queue_remove(&hook->entry);
		kfree(hook);
	}
	list_del(&watch->ready_link);
	list_del(&watch->file_link);
	rb_erase(&watch->set->watches, &watch->node);
	kfree(watch);
}

void epoll_file_released(struct file *f)
{
	struct epoll_watch *watch, *next;

	list_for_each_entry_safe(watch, next, &f->epoll_items, file_link)
		watch_remove(watch);
}

/* The events that hold now, of those asked for. */
static unsigned watch_poll(struct epoll_watch *watch, struct poll_table *table)
{
	return file_poll(watch->file, table) & watch->events;
}

static unsigned epoll_poll(struct file *file, struct poll_table *table)
{
	struct epoll_set *set = file->private;
	struct epoll_watch *watch, *next;

	poll_wait(file, &set->poll_wait, table);
	list_for_each_entry_safe(watch, next, &set->ready, ready_link) {
		if (watch_poll(watch, NULL))
			return POLL_IN;
		list_del(&watch->ready_link);
	}
	return 0;
}

static void epoll_release(struct file *file)
{
	struct epoll_set *set = file->private;
	struct rb_node *node;

	while ((node = rb_first(&set->watches)))
		watch_remove(rb_entry(node, struct epoll_watch, node));
	wake_up_all(&set->poll_wait);
	kfree(set);
}

static void epoll_show(struct file *file, char *buffer, size_t size)
{
	struct epoll_set *set = file->private;
	size_t used = 0;

	buffer[0] = 0;
	for (struct rb_node *node = rb_first(&set->watches); node && used < size; node = rb_next(node)) {
		struct epoll_watch *w = rb_entry(node, struct epoll_watch, node);
		used += scnprintf(buffer + used, size - used, "tfd: %8d events: %8x data: %16llx  pos:%lld ino:%llx sdev:%llx\n",
				  w->fd, w->events, (unsigned long long)w->data, (long long)w->file->pos,
				  (unsigned long long)w->file->inode->ino, (unsigned long long)w->file->inode->sb->dev);
	}
}

/* Sets below `set`, itself included; more than the limit if `forbidden` is among them. */
static int depth_below(struct epoll_set *set, const struct epoll_set *forbidden, int level)
{
	int deepest = 1;

	if (set == forbidden || level > EPOLL_MAX_DEPTH)
		return EPOLL_MAX_DEPTH + 1;
	for (struct rb_node *node = rb_first(&set->watches); node; node = rb_next(node)) {
		struct epoll_set *inner = epoll_of(rb_entry(node, struct epoll_watch, node)->file);
		if (inner)
			deepest = max(deepest, 1 + depth_below(inner, forbidden, level + 1));
		if (deepest > EPOLL_MAX_DEPTH)
			break;
	}
	return deepest;
}

static int depth_above(struct epoll_set *set, int level)
{
	int deepest = 1;
	struct epoll_watch *watch;

	if (level > EPOLL_MAX_DEPTH)
		return level;
	list_for_each_entry(watch, &set->file->epoll_items, file_link)
		deepest = max(deepest, 1 + depth_above(watch->set, level + 1));
	return deepest;
}

static long epoll_add(struct epoll_set *set, struct file *file, int fd, const struct epoll_event *event)
{
	struct epoll_set *inner = epoll_of(file);

	/* Linux allows four sets inside an outermost one. */
	if (inner && depth_below(inner, set, 1) + depth_above(set, 1) > EPOLL_MAX_DEPTH)
		return -ELOOP;
	struct epoll_watch *watch = kzalloc(sizeof(*watch));
	if (!watch)
		return -ENOMEM;
	list_init(&watch->ready_link);
	watch->set = set;
	watch->file = file;
	watch->fd = fd;
	watch->events = event->events;
	watch->data = event->data;
	list_add_tail(&watch->file_link, &file->epoll_items);
	watch_insert(set, watch);

	struct epoll_table table = { { watch_queue, watch->events }, watch };
	unsigned events = watch_poll(watch, &table.table);
	if (watch->failed) {
		watch_remove(watch);
		return -ENOMEM;
	}
	if (events) {
		if (list_empty(&watch->ready_link))
			list_add_tail(&watch->ready_link, &set->ready);
		set_wake(set);
	}
	return 0;
}

static void epoll_modify(struct epoll_watch *watch, const struct epoll_event *event)
{
	watch->events = event->events;
	watch->data = event->data;
	if (watch_poll(watch, NULL)) {
		if (list_empty(&watch->ready_link))
			list_add_tail(&watch->ready_link, &watch->set->ready);
		set_wake(watch->set);
	}
}

static long do_epoll_ctl(struct file *set_file, int op, struct file *file, int fd, struct epoll_event *event)
{
	struct epoll_set *set = epoll_of(set_file);

	if (!file->ops->poll)
		return -EPERM;
	if (!set || file == set_file)
		return -EINVAL;
	if (op != EPOLL_CTL_DEL && (event->events & EPOLLEXCLUSIVE)) {
		if (op == EPOLL_CTL_MOD)
			return -EINVAL;
		if (op == EPOLL_CTL_ADD && (epoll_of(file) || (event->events & ~EPOLL_EXCLUSIVE_ALLOWED)))
			return -EINVAL;
	}
	struct epoll_watch *watch = watch_find(set, file, fd);
	switch (op) {
	case EPOLL_CTL_ADD:
		event->events |= EPOLLERR | EPOLLHUP;
		return watch ? -EEXIST : epoll_add(set, file, fd, event);
	case EPOLL_CTL_DEL:
		if (!watch)
			return -ENOENT;
		watch_remove(watch);
		return 0;
	case EPOLL_CTL_MOD:
		if (!watch)
			return -ENOENT;
		if (watch->events & EPOLLEXCLUSIVE)
			return -EINVAL;
		event->events |= EPOLLERR | EPOLLHUP;
		epoll_modify(watch, event);
		return 0;
	default:
		return -EINVAL;
	}
}

long sys_epoll_ctl(int epfd, int op, int fd, user_ptr user_event)
{
	struct epoll_event event = { 0 };

	if (op != EPOLL_CTL_DEL && get_user_object(&event, user_event))
		return -EFAULT;
	struct file *set_file = fget(epfd);
	if (!set_file)
		return -EBADF;
	long ret = -EBADF;
	struct file *file = fget(fd);
	if (file) {
		ret = do_epoll_ctl(set_file, op, file, fd, &event);
		file_put(file);
	}
	file_put(set_file);
	return ret;
}

/* Reports up to `max` watches that are ready now. */
static long send_events(struct epoll_set *set, user_ptr events, int max)
{
	struct list_head again;
	long n = 0;

	list_init(&again);
	while (n < max && !list_empty(&set->ready)) {
		struct epoll_watch *watch = list_first_entry(&set->ready, struct epoll_watch, ready_link);
		unsigned now = watch_poll(watch, NULL);

		list_del(&watch->ready_link);
		if (!now)
			continue;
		struct epoll_event event = { .events = now, .data = watch->data };
		if (put_user_object(user_ptr_add(events, n * sizeof(event)), &event)) {
			list_add(&watch->ready_link, &set->ready);
			if (!n)
				n = -EFAULT;
			break;
		}
		n++;
		if (watch->events & EPOLLONESHOT)
			watch->events &= EPOLL_MODE_BITS;
		else if (!(watch->events & EPOLLET))
			list_add_tail(&watch->ready_link, &again);
	}
	list_splice_tail(&again, &set->ready);
	return n;
}

static void describe_epoll(const void *object, struct wait_info *info)
{
	const struct epoll_set *set = object;
	unsigned nr = 0;

	for (struct rb_node *node = rb_first(&set->watches); node; node = rb_next(node))
		nr++;
	wait_info_printf(info, "epoll of %u file%s", nr, nr == 1 ? "" : "s");
	for (struct rb_node *node = rb_first(&set->watches); node; node = rb_next(node)) {
		const struct epoll_watch *watch = rb_entry(node, struct epoll_watch, node);

		wait_info_printf(info, node == rb_first(&set->watches) ? ": " : ", ");
		wait_info_file(info, watch->file);
		wait_info_file_peers(info, watch->file);
	}
}
static const struct wait_type epoll_wait_type = { "epoll", BLOCK_QUEUE, describe_epoll };

static long epoll_sleep(struct epoll_set *set, u64 deadline)
{
	return wait_event_common(&set->wait, TASK_INTERRUPTIBLE, &epoll_wait_type, set, deadline, true, !list_empty(&set->ready),
				 signal_pending(current));
}

/* deadline 0: do not sleep. */
static long do_epoll_wait(int epfd, user_ptr events, int max, u64 deadline)
{
	if (max <= 0 || max > EPOLL_MAX_EVENTS)
		return -EINVAL;
	if (!access_ok(events, max * sizeof(struct epoll_event)))
		return -EFAULT;
	struct file *file = fget(epfd);
	if (!file)
		return -EBADF;
	struct epoll_set *set = epoll_of(file);
	long ret = set ? 0 : -EINVAL;
	while (set) {
		ret = send_events(set, events, max);
		if (ret || !deadline)
			break;
		ret = epoll_sleep(set, deadline);
		if (ret == -ETIME) {
			ret = 0;
			break;
		}
		if (ret) {
			ret = -EINTR;
			break;
		}
	}
	/* Others may sleep while something is left, for instance one event taken by each of several threads. */
	if (ret > 0 && wait_queue_active(&set->wait) && !list_empty(&set->ready))
		wake_up(&set->wait);
	else if (ret == -EINTR && !list_empty(&set->ready))
		wake_up(&set->wait);
	file_put(file);
	return ret;
}

static u64 deadline_from_ms(int timeout)
{
	if (timeout < 0)
		return NEVER;
	return timeout ? ktime_get() + (u64)timeout * NSEC_PER_MSEC : 0;
}

long sys_epoll_wait(int epfd, user_ptr events, int max, int timeout)
{
	return do_epoll_wait(epfd, events, max, deadline_from_ms(timeout));
}

long sys_epoll_pwait(int epfd, user_ptr events, int max, int timeout, user_ptr sigmask, size_t size)
{
	long ret = user_ptr_is_null(sigmask) ? 0 : set_user_sigmask(sigmask, size);

	if (ret)
		return ret;
	ret = do_epoll_wait(epfd, events, max, deadline_from_ms(timeout));
	restore_saved_sigmask_unless(ret == -EINTR);
	return ret;
}

long sys_epoll_pwait2(int epfd, user_ptr events, int max, user_ptr timeout, user_ptr sigmask, size_t size)
{
	u64 deadline = NEVER;

	if (!user_ptr_is_null(timeout)) {
		struct __kernel_timespec ts;
		if (get_user_object(&ts, timeout))
			return -EFAULT;
		if (ts.tv_sec < 0 || (u64)ts.tv_nsec >= NSEC_PER_SEC)
			return -EINVAL;
		if (!ts.tv_sec && !ts.tv_nsec)
			deadline = 0;
		else if ((u64)ts.tv_sec < INT64_MAX / NSEC_PER_SEC / 2)
			deadline = ktime_get() + ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
	}
	long ret = user_ptr_is_null(sigmask) ? 0 : set_user_sigmask(sigmask, size);
	if (ret)
		return ret;
	ret = do_epoll_wait(epfd, events, max, deadline);
	restore_saved_sigmask_unless(ret == -EINTR);
	return ret;
}

long sys_epoll_create1(int flags)
{
	if (flags & ~O_CLOEXEC)
		return -EINVAL;
	struct epoll_set *set = kzalloc(sizeof(*set));
	if (!set)
		return -ENOMEM;
	list_init(&set->ready);
	wait_queue_init(&set->wait);
	wait_queue_init(&set->poll_wait);
	struct file *file = anon_file("[eventpoll]", &epoll_fops, set, O_RDWR);
	if (IS_ERR(file)) {
		kfree(set);
		return PTR_ERR(file);
	}
	set->file = file;
	return fd_install_new(file, flags & O_CLOEXEC);
}

long sys_epoll_create(int size)
{
	return size <= 0 ? -EINVAL : sys_epoll_create1(0);
}

static const struct file_operations epoll_fops = {
	.name = "eventpoll",
	.llseek = noop_llseek,
	.poll = epoll_poll,
	.release = epoll_release,
	.show_fdinfo = epoll_show,
};
