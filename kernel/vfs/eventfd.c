/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eventfd(2): a 64-bit counter that threads and processes wait on. A write adds, and sleeps (EAGAIN) if the sum
 * would pass 2^64-2; a read takes the whole counter, or 1 with EFD_SEMAPHORE, and sleeps while it is zero.
 */
#include "kernel/mm/alloc.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/task.h"
#include "kernel/vfs/event.h"
#include "kernel/vfs/vfs.h"
#include "syscalls.gen.h"

#define EFD_SEMAPHORE 1
#define EFD_CLOEXEC O_CLOEXEC
#define EFD_NONBLOCK O_NONBLOCK

struct eventfd {
	u64 count;
	bool semaphore;
	struct wait_queue_head wait;
};

static const struct file_operations eventfd_fops;

static const struct wait_type eventfd_read_wait = { "eventfd read", BLOCK_QUEUE, wait_describe_file };
static const struct wait_type eventfd_write_wait = { "eventfd write", BLOCK_QUEUE, wait_describe_file };

static ssize_t eventfd_read(struct file *file, struct io_iter *to, loff_t *pos)
{
	struct eventfd *event = file->private;
	u64 value;

	if (to->count < sizeof(value))
		return -EINVAL;
	if (!event->count) {
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		long ret = wait_event_interruptible(&event->wait, &eventfd_read_wait, file, event->count);
		if (ret)
			return ret;
	}
	value = event->semaphore ? 1 : event->count;
	event->count -= value;
	if (wait_queue_active(&event->wait))
		wake_up_poll(&event->wait, POLL_OUT);
	return copy_to_iter(to, &value, sizeof(value)) == sizeof(value) ? (ssize_t)sizeof(value) : -EFAULT;
}

static ssize_t eventfd_write(struct file *file, struct io_iter *from, loff_t *pos)
{
	struct eventfd *event = file->private;
	u64 value;

	if (from->count < sizeof(value))
		return -EINVAL;
	if (copy_from_iter(from, &value, sizeof(value)) != sizeof(value))
		return -EFAULT;
	if (value == UINT64_MAX)
		return -EINVAL;
	if (UINT64_MAX - event->count <= value) {
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		long ret = wait_event_interruptible(&event->wait, &eventfd_write_wait, file, UINT64_MAX - event->count > value);
		if (ret)
			return ret;
	}
	event->count += value;
	if (wait_queue_active(&event->wait))
		wake_up_poll(&event->wait, POLL_IN);
	return sizeof(value);
}

bool is_eventfd(const struct file *file) { return file->ops == &eventfd_fops; }

void eventfd_signal(struct file *file)
{
	struct eventfd *event = file->private;

	if (event->count < UINT64_MAX)
		event->count++;
	if (wait_queue_active(&event->wait))
		wake_up_poll(&event->wait, POLL_IN);
}

static unsigned eventfd_poll(struct file *file, struct poll_table *table)
{
	struct eventfd *event = file->private;
	unsigned events = 0;

	poll_wait(file, &event->wait, table);
	if (event->count)
		events |= EPOLLIN;
	if (event->count == UINT64_MAX)
		events |= EPOLLERR;
	if (event->count < UINT64_MAX - 1)
		events |= EPOLLOUT;
	return events;
}

static void eventfd_release(struct file *file)
{
	kfree(file->private);
}

static void eventfd_show(struct file *file, char *buffer, size_t size)
{
	struct eventfd *event = file->private;

	scnprintf(buffer, size, "eventfd-count: %16llx\neventfd-semaphore: %d\n", (unsigned long long)event->count,
		  event->semaphore);
}

long sys_eventfd2(unsigned count, int flags)
{
	struct eventfd *event;

	if (flags & ~(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE))
		return -EINVAL;
	event = kzalloc(sizeof(*event));
	if (!event)
		return -ENOMEM;
	event->count = count;
	event->semaphore = flags & EFD_SEMAPHORE;
	wait_queue_init(&event->wait);
	struct file *file = anon_file("[eventfd]", &eventfd_fops, event, O_RDWR | (flags & O_NONBLOCK));
	if (IS_ERR(file)) {
		kfree(event);
		return PTR_ERR(file);
	}
	return fd_install_new(file, flags & EFD_CLOEXEC);
}

long sys_eventfd(unsigned count)
{
	return sys_eventfd2(count, 0);
}

static const struct file_operations eventfd_fops = {
	.name = "eventfd",
	.read = eventfd_read,
	.write = eventfd_write,
	.llseek = noop_llseek,
	.poll = eventfd_poll,
	.release = eventfd_release,
	.show_fdinfo = eventfd_show,
};
