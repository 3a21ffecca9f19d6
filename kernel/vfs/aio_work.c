/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asynchronous I/O: the kernel tasks that carry requests out, and IOCB_CMD_POLL.
 *
 * There are as many `aio` tasks as async I/O threads (at least one), made when they are first needed. They take no cpu while
 * the host works: the file operation sleeps until an async thread has made the host call.
 *
 * A polled file's wake-up hands the request to an aio task, which asks the file what is there: that may sleep, a wake-up may not.
 */
#include "include/abi/boot.h"
#include "kernel/init/init.h"
#include "kernel/mm/alloc.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/task.h"
#include "kernel/vfs/aio_internal.h"

#include <linux/fs.h>
#include <linux/inotify.h>

static LIST_HEAD(work);
static struct wait_queue_head work_wait = { LIST_HEAD_INIT(work_wait.entries) };
static unsigned nr_workers, nr_idle;

long aio_sync_after(struct aio_request *request, long n)
{
	struct file *file = request->file;
	bool sync = request->rw_flags & RWF_SYNC;
	int error = (request->rw_flags & (RWF_SYNC | RWF_DSYNC)) && file->ops->fsync ? file->ops->fsync(file, !sync) : 0;

	return error ? error : n;
}

static long transfer(struct aio_request *request)
{
	struct file *file = request->file;
	loff_t pos = request->pos;
	struct io_iter it;
	long n;

	io_iter_kernel(&it, request->buffer, request->filled);
	it.background = true;
	n = aio_is_read(request) ? file->ops->read(file, &it, &pos) : file->ops->write(file, &it, &pos);
	io_iter_release(&it);
	if (n > 0)
		fsnotify_dentry(file->path.dentry, aio_is_read(request) ? IN_ACCESS : IN_MODIFY);
	return n > 0 && !aio_is_read(request) ? aio_sync_after(request, n) : n;
}

static void poll_leave(struct aio_request *request)
{
	for (unsigned i = 0; i < request->nr_queues; i++)
		wait_queue_remove(&request->queues[i]);
	request->nr_queues = 0;
}

/* The file woke us, or the request was cancelled. */
static void poll_again(struct aio_request *request)
{
	u32 events = 0;

	if (!request->cancelled)
		events = file_poll(request->file, NULL) & request->events;
	if (!events && !request->cancelled)
		return; /* it still stands on the queues */
	poll_leave(request);
	aio_complete(request, (long)events);
}

static void carry_out(struct aio_request *request)
{
	struct file *file = request->file;

	switch (request->opcode) {
	case IOCB_CMD_POLL:
		poll_again(request);
		break;
	case IOCB_CMD_FSYNC:
	case IOCB_CMD_FDSYNC:
		aio_complete(request, file->ops->fsync(file, request->opcode == IOCB_CMD_FDSYNC));
		break;
	default:
		aio_complete(request, transfer(request));
		break;
	}
}

static const struct wait_type work_wait_type = { "aio", BLOCK_QUEUE, wait_describe_text };

static void worker(void *arg)
{
	for (;;) {
		struct aio_request *request;

		nr_idle++;
		(void)wait_event_common(&work_wait, TASK_INTERRUPTIBLE, &work_wait_type, "a request for asynchronous I/O", NEVER, true,
					!list_empty(&work), false);
		nr_idle--;
		request = list_first_entry(&work, struct aio_request, work_link);
		list_del(&request->work_link);
		carry_out(request);
	}
}

void aio_queue_work(struct aio_request *request)
{
	list_add_tail(&request->work_link, &work);
	/* Without a single worker nothing would ever be done, so the first one may not fail: it is tried again next time. */
	if (!nr_idle && nr_workers < max(boot->async_threads, 1U) && !IS_ERR(kernel_thread("aio", 0, worker, NULL)))
		nr_workers++;
	wake_up(&work_wait);
}

/* ---- IOCB_CMD_POLL ---- */

static bool poll_wake(struct wait_queue_entry *entry, unsigned key)
{
	struct aio_request *request = entry->private;

	if (key && !(key & request->events))
		return false;
	request->woken = true;
	if (!request->starting && list_empty(&request->work_link))
		aio_queue_work(request);
	return true;
}

struct aio_poll_table {
	struct poll_table table;
	struct aio_request *request;
};

static void poll_enqueue(struct file *file, struct wait_queue_head *wq, struct poll_table *table)
{
	struct aio_request *request = container_of(table, struct aio_poll_table, table)->request;
	struct wait_queue_entry *entry;

	if (request->nr_queues == AIO_POLL_QUEUES) {
		request->too_many_queues = true;
		return;
	}
	entry = &request->queues[request->nr_queues++];
	wait_entry_init_func(entry, poll_wake, request);
	wait_queue_add(wq, entry);
}

int aio_poll_start(struct aio_request *request, const struct iocb *iocb)
{
	struct aio_poll_table poll = { .table.queue = poll_enqueue, .request = request };
	u32 events;

	if ((u16)iocb->aio_buf != iocb->aio_buf || iocb->aio_offset || iocb->aio_nbytes || iocb->aio_rw_flags)
		return -EINVAL;
	request->events = (u32)iocb->aio_buf | EPOLLERR | EPOLLHUP;
	poll.table.key = request->events;
	request->starting = true;
	aio_activate(request);
	events = file_poll(request->file, &poll.table) & request->events;
	request->starting = false;
	if (request->too_many_queues || events) {
		poll_leave(request);
		aio_complete(request, events ? (long)events : -EINVAL);
	} else if (request->woken || request->cancelled) {
		aio_queue_work(request);
	}
	return 0;
}

bool aio_poll_cancel(struct aio_request *request)
{
	if (request->opcode != IOCB_CMD_POLL || request->cancelled)
		return false;
	request->cancelled = true;
	if (!request->starting && list_empty(&request->work_link))
		aio_queue_work(request);
	return true;
}
