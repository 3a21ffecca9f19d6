/* SPDX-License-Identifier: Apache-2.0 */
/* Asynchronous I/O: contexts, their events, and requests up to the point where a kernel task takes them (vfs/aio.h). */
#include "kernel/vfs/aio.h"

#include <linux/fs.h>

#include "kernel/mm/alloc.h"
#include "kernel/mm/mm.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/task.h"
#include "kernel/vfs/aio_internal.h"
#include "kernel/vfs/event.h"

#define AIO_MAX_EVENTS (0x10000000U / (unsigned)sizeof(struct io_event))
#define BUFFERED_MAX (32UL << 20)        /* of one context: what is beyond is done by io_submit itself */
#define BUFFER_MAX (4UL << 20)           /* of one request */
#define KIOCB_KEY 0
#define RW_FLAGS (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND)

s64 aio_nr, aio_max_nr = 65536;

/* ---- contexts ---- */

/* Linux's ring of events fills whole pages, and so takes more than was asked for; programs have come to rely on it. */
static unsigned capacity_for(unsigned nr_events)
{
	u64 slots = (u64)max(nr_events, (unsigned)nr_cpus * 4) * 2 + 2;

	return (unsigned)(PAGE_ALIGN(32 + slots * sizeof(struct io_event)) - 32) / (unsigned)sizeof(struct io_event) - 1;
}

struct aio_context *aio_create(unsigned nr_events)
{
	struct mm_struct *mm = current->mm;
	struct aio_context *context;
	struct vma *vma;
	u64 page;

	if (nr_events > AIO_MAX_EVENTS)
		return ERR_PTR(-EINVAL);
	if (nr_events > aio_max_nr || aio_nr + nr_events > aio_max_nr)
		return ERR_PTR(-EAGAIN);
	context = kzalloc(sizeof(*context));
	if (!context)
		return ERR_PTR(-ENOMEM);
	context->max_requests = nr_events;
	context->capacity = capacity_for(nr_events);
	list_init(&context->active);
	list_init(&context->done);
	wait_queue_init(&context->wait);
	aio_nr += nr_events;
	/* libaio reads what a context's id points to, and calls the kernel when that is no ring that it knows. */
	page = do_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if ((s64)page < 0 && (s64)page > -4096) {
		aio_nr -= nr_events;
		kfree(context);
		return ERR_PTR((long)page);
	}
	vma = vma_find(mm, page);
	if (vma && vma->start == page)
		vma->name = "/[aio] (deleted)";
	context->id = page;
	context->next = mm->aio;
	mm->aio = context;
	return context;
}

struct aio_context *aio_find(u64 id)
{
	struct aio_context *context = current->mm->aio;

	while (context && context->id != id)
		context = context->next;
	return context;
}

static void describe_events(const void *object, struct wait_info *info)
{
	const struct aio_context *context = object;
	const struct aio_request *request;
	unsigned shown = 0;

	wait_info_printf(info, "events of %u request%s", context->nr_active, context->nr_active == 1 ? "" : "s");
	list_for_each_entry(request, &context->active, link) {
		wait_info_printf(info, shown ? ", " : ": ");
		if (shown++ == 4) {
			wait_info_printf(info, "...");
			break;
		}
		wait_info_file(info, request->file);
	}
}
static const struct wait_type events_wait = { "asynchronous I/O", BLOCK_QUEUE, describe_events };
static const struct wait_type destroy_wait = { "end of asynchronous I/O", BLOCK_DISK, describe_events };

static void context_unlink(struct mm_struct *mm, struct aio_context *context)
{
	struct aio_context **at = &mm->aio;

	while (*at != context)
		at = &(*at)->next;
	*at = context->next;
	context->dead = true;
	aio_nr -= context->max_requests;
}

void aio_destroy(struct mm_struct *mm, struct aio_context *context, bool fetch)
{
	struct aio_request *request, *next;

	context_unlink(mm, context);
	list_for_each_entry_safe(request, next, &context->active, link)
		aio_poll_cancel(request);
	wake_up_all(&context->wait);
	wait_event(&context->wait, &destroy_wait, context, !context->nr_active && !context->users);
	list_for_each_entry(request, &context->done, link)
		if (!fetch)
			request->result = -EINTR; /* nobody is there to whom data could go */
	while (aio_fetch(context, USER_NULL))
		;
	if (fetch)
		(void)do_munmap(context->id, PAGE_SIZE);
	kfree(context);
}

void aio_exit(struct mm_struct *mm)
{
	while (mm->aio)
		aio_destroy(mm, mm->aio, false);
}

/* ---- events ---- */

static void request_free(struct aio_request *request)
{
	if (request->buffer) {
		heap_pages_free(request->buffer, PAGE_ALIGN(request->length) / PAGE_SIZE);
		request->context->buffered -= request->length;
	}
	if (request->file)
		file_put(request->file);
	if (request->eventfd)
		file_put(request->eventfd);
	io_iter_release(&request->iter);
	kfree(request);
}

/* Calls that were interrupted cannot be made again by the program: it hears EINTR. */
static long final_result(long result)
{
	switch (result) {
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		return -EINTR;
	default:
		return result;
	}
}

void aio_complete(struct aio_request *request, long result)
{
	struct aio_context *context = request->context;
	struct file *file = request->file, *eventfd = request->eventfd;

	request->result = final_result(result);
	request->file = request->eventfd = NULL;
	list_move_tail(&request->link, &context->done);
	context->nr_done++;
	context->nr_active--;
	wake_up_all(&context->wait);
	if (eventfd)
		eventfd_signal(eventfd);
	/* From here on the request may be fetched by others: these may sleep. */
	if (eventfd)
		file_put(eventfd);
	file_put(file);
}

/* Data that was read goes to the program, once. */
static void deliver(struct aio_request *request)
{
	size_t copied;

	if (!request->buffer || !aio_is_read(request) || request->result <= 0 || !request->iter.count)
		return;
	copied = copy_to_iter(&request->iter, request->buffer, (size_t)request->result);
	if (copied < (size_t)request->result)
		request->result = copied ? (long)copied : -EFAULT;
	request->iter.count = 0;
}

int aio_fetch(struct aio_context *context, user_ptr ret_event)
{
	struct aio_request *request;
	struct io_event event;

	if (list_empty(&context->done))
		return 0;
	request = list_first_entry(&context->done, struct aio_request, link);
	deliver(request);
	event = (struct io_event){ request->user_data, request->user_iocb, request->result, 0 };
	if (!user_ptr_is_null(ret_event) && put_user_object(ret_event, &event))
		return -EFAULT;
	list_del(&request->link);
	context->nr_done--;
	request_free(request);
	return 1;
}

void aio_use(struct aio_context *context) { context->users++; }

void aio_unuse(struct aio_context *context)
{
	if (!--context->users && context->dead)
		wake_up_all(&context->wait);
}

long aio_wait(struct aio_context *context, unsigned nr, u64 deadline)
{
	long ret;

	aio_use(context);
	ret = wait_event_common(&context->wait, TASK_INTERRUPTIBLE, &events_wait, context, deadline, false,
				context->nr_done >= nr || context->dead, signal_pending(current));
	if (context->dead)
		ret = -EINVAL;
	aio_unuse(context);
	return ret;
}

/* ---- requests ---- */

static int check_iocb(const struct iocb *iocb)
{
	if (iocb->aio_reserved2 || (ssize_t)iocb->aio_nbytes < 0)
		return -EINVAL;
	return 0;
}

static int find_files(struct aio_request *request, const struct iocb *iocb)
{
	request->file = fget(iocb->aio_fildes);
	if (!request->file)
		return -EBADF;
	if (!(iocb->aio_flags & IOCB_FLAG_RESFD))
		return 0;
	request->eventfd = fget(iocb->aio_resfd);
	if (!request->eventfd)
		return -EBADF;
	return is_eventfd(request->eventfd) ? 0 : -EINVAL;
}

/* The buffer of the kernel's for a request that is to be carried out later; false: there is none, do it now. */
static bool take_buffer(struct aio_request *request)
{
	struct aio_context *context = request->context;
	size_t n = request->iter.count;

	if (!n || n > BUFFER_MAX || context->buffered + n > BUFFERED_MAX)
		return false;
	request->buffer = heap_pages_alloc(PAGE_ALIGN(n) / PAGE_SIZE);
	if (!request->buffer)
		return false;
	request->length = request->filled = n;
	context->buffered += n;
	return true;
}

static int start_transfer(struct aio_request *request, bool write)
{
	struct file *file = request->file;
	loff_t pos = request->pos;
	bool disk = file->ops->disk;
	long n;

	if (!write) {
		request->iter.nowait = disk;
		n = file_read(file, &request->iter, &pos);
		request->iter.nowait = false;
		if ((n == -EAGAIN || n == -EOPNOTSUPP) && disk && !(request->rw_flags & RWF_NOWAIT)) {
			if (take_buffer(request)) {
				aio_queue_work(request);
				return 0;
			}
			n = file_read(file, &request->iter, &pos);
		}
		aio_complete(request, n);
		return 0;
	}
	if (disk) {
		int error = file_write_check(file, &request->iter, &pos);

		if (error) {
			aio_complete(request, error);
			return 0;
		}
		if (take_buffer(request)) {
			/* As with write(2), the part before memory that is not there is written. */
			request->filled = copy_from_iter(&request->iter, request->buffer, request->length);
			if (request->filled)
				aio_queue_work(request);
			else
				aio_complete(request, -EFAULT);
			return 0;
		}
	}
	n = file_write(file, &request->iter, &pos);
	if (n > 0)
		n = aio_sync_after(request, n);
	aio_complete(request, n);
	return 0;
}

static int prepare_transfer(struct aio_request *request, const struct iocb *iocb, bool write, bool vector)
{
	struct file *file = request->file;
	int error;

	if (iocb->aio_rw_flags & ~RW_FLAGS || (!write && (iocb->aio_rw_flags & RWF_APPEND)) ||
	    ((iocb->aio_rw_flags & RWF_NOWAIT) && (write || !file->ops->disk)))
		return -EOPNOTSUPP;
	if (!(write ? file->writable : file->readable))
		return -EBADF;
	if (!(write ? (void *)file->ops->write : (void *)file->ops->read))
		return -EINVAL;
	if (vector)
		error = io_iter_user_vector(&request->iter, user_ptr_at(iocb->aio_buf), iocb->aio_nbytes);
	else
		error = io_iter_user(&request->iter, user_ptr_at(iocb->aio_buf), iocb->aio_nbytes);
	if (error)
		return error;
	if (iocb->aio_offset < 0 && S_ISTYPE(file->inode->mode, S_IFREG))
		return -EINVAL;
	request->pos = (iocb->aio_rw_flags & RWF_APPEND) ? file->inode->size : iocb->aio_offset;
	request->rw_flags = iocb->aio_rw_flags;
	return 0;
}

static int start_sync(struct aio_request *request, const struct iocb *iocb)
{
	if (iocb->aio_buf || iocb->aio_offset || iocb->aio_nbytes || iocb->aio_rw_flags)
		return -EINVAL;
	if (!request->file->ops->fsync)
		return -EINVAL;
	aio_activate(request);
	aio_queue_work(request);
	return 0;
}

static int start(struct aio_request *request, const struct iocb *iocb)
{
	bool write = false, vector = false;
	int error;

	switch (iocb->aio_lio_opcode) {
	case IOCB_CMD_PREAD:
	case IOCB_CMD_PREADV:
	case IOCB_CMD_PWRITE:
	case IOCB_CMD_PWRITEV:
		write = !aio_is_read(request);
		vector = iocb->aio_lio_opcode == IOCB_CMD_PREADV || iocb->aio_lio_opcode == IOCB_CMD_PWRITEV;
		break;
	case IOCB_CMD_FSYNC:
	case IOCB_CMD_FDSYNC:
		return start_sync(request, iocb);
	case IOCB_CMD_POLL:
		return aio_poll_start(request, iocb);
	default:
		return -EINVAL;
	}
	error = prepare_transfer(request, iocb, write, vector);
	if (error)
		return error;
	aio_activate(request);
	return start_transfer(request, write);
}

int aio_submit(struct aio_context *context, user_ptr user_iocb)
{
	struct aio_request *request;
	struct iocb iocb;
	int error;

	if (get_user_object(&iocb, user_iocb))
		return -EFAULT;
	error = check_iocb(&iocb);
	if (error)
		return error;
	if (context->nr_active + context->nr_done >= context->capacity)
		return -EAGAIN;
	request = kzalloc(sizeof(*request));
	if (!request)
		return -EAGAIN;
	list_init(&request->link);
	list_init(&request->work_link);
	request->context = context;
	request->opcode = iocb.aio_lio_opcode;
	request->user_iocb = user_iocb.addr;
	request->user_data = iocb.aio_data;
	error = find_files(request, &iocb);
	if (!error)
		error = put_user_u32(user_ptr_add(user_iocb, offsetof(struct iocb, aio_key)), KIOCB_KEY);
	if (!error)
		error = start(request, &iocb);
	if (error)
		request_free(request);
	return error;
}

void aio_activate(struct aio_request *request)
{
	list_add_tail(&request->link, &request->context->active);
	request->context->nr_active++;
}

int aio_cancel(struct aio_context *context, u64 user_iocb)
{
	struct aio_request *request;

	list_for_each_entry(request, &context->active, link)
		if (request->user_iocb == user_iocb && request->opcode == IOCB_CMD_POLL && aio_poll_cancel(request))
			return -EINPROGRESS;
	return -EINVAL;
}
