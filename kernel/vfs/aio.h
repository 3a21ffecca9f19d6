/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asynchronous I/O, io_submit(2): contexts, requests and the tasks that carry them out.
 *
 * What can be done at once is done by io_submit itself, straight into the program's memory. What would have to wait for the
 * disk is done by a kernel task in a buffer of the kernel's: `aio` tasks do ordinary file operations, which sleep while an
 * async I/O thread of the host makes the host call, so no cpu waits. Only the program's own tasks can reach its memory,
 * so data that was read goes there when its event is fetched (io_getevents, io_destroy).
 *
 * Everything is protected by the kernel lock. A context lives while it is on its mm's list or has requests; a request is on
 * its context's `active` list, then on `done` until its event is fetched.
 */
#ifndef KERNEL_VFS_AIO_H
#define KERNEL_VFS_AIO_H

#include <linux/aio_abi.h>

#include "kernel/sched/wait.h"
#include "kernel/vfs/vfs.h"

struct mm_struct;

struct aio_context {
	struct aio_context *next; /* mm->aio */
	u64 id;                   /* user address of a page that the C library may look at */
	unsigned max_requests;    /* as asked for: counts in aio-nr */
	unsigned capacity;        /* requests that are active or done */
	unsigned nr_active, nr_done;
	size_t buffered;          /* bytes of kernel buffers */
	unsigned users;           /* calls that are in it and may sleep */
	bool dead;                /* not on the list any more */
	struct list_head active, done;
	struct wait_queue_head wait; /* events, and the last active request's end */
};

#define AIO_POLL_QUEUES 2
struct aio_request {
	struct list_head link;  /* context->active or done */
	struct list_head work_link;
	struct aio_context *context;
	struct file *file;      /* counted; NULL when it is done */
	struct file *eventfd;   /* counted; NULL */
	u64 user_iocb, user_data;
	u16 opcode;
	int rw_flags;
	loff_t pos;
	struct io_iter iter;    /* the program's memory */
	char *buffer;           /* the kernel's; NULL: none */
	size_t length, filled;  /* of buffer; bytes to be transferred */
	long result;
	/* IOCB_CMD_POLL */
	u32 events;
	bool starting; /* io_submit asks the file: nobody else may end the request */
	bool woken, cancelled, too_many_queues;
	unsigned nr_queues;
	struct wait_queue_entry queues[AIO_POLL_QUEUES];
};

extern s64 aio_nr, aio_max_nr; /* /proc/sys/fs */

/* current's; ERR_PTR(-EINVAL, -EAGAIN, -ENOMEM). May sleep. */
struct aio_context *aio_create(unsigned nr_events);
struct aio_context *aio_find(u64 id); /* of current's mm, not counted; NULL */
/* Cancels what can be, waits for the rest, frees. `fetch`: what was read goes to the memory of current. */
void aio_destroy(struct mm_struct *mm, struct aio_context *context, bool fetch);
/* The last task leaves the mm: all its contexts go. May sleep. */
void aio_exit(struct mm_struct *mm);

/* Around calls that may sleep between looks at the context: it is not freed meanwhile, but may be dead. */
void aio_use(struct aio_context *context);
void aio_unuse(struct aio_context *context);
/* Starts one request; 0, or the error that io_submit returns. */
int aio_submit(struct aio_context *context, user_ptr user_iocb);
/* -EINVAL: not there, or cannot be cancelled; -EINPROGRESS: its event comes. */
int aio_cancel(struct aio_context *context, u64 user_iocb);
/* The oldest event, to the program's memory: 1; 0: there is none; -EFAULT: it stays. USER_NULL: nobody wants it. */
int aio_fetch(struct aio_context *context, user_ptr ret_event);
/* Sleeps until `nr` events are there: 0, -ETIME, -ERESTARTSYS; -EINVAL: the context is gone. */
long aio_wait(struct aio_context *context, unsigned nr, u64 deadline);

#endif
