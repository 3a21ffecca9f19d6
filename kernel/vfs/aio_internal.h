/* SPDX-License-Identifier: Apache-2.0 */
/* Between aio.c (contexts, submitting) and aio_work.c (kernel tasks, polling). */
#ifndef KERNEL_VFS_AIO_INTERNAL_H
#define KERNEL_VFS_AIO_INTERNAL_H

#include "kernel/vfs/aio.h"

static inline bool aio_is_read(const struct aio_request *request)
{
	return request->opcode == IOCB_CMD_PREAD || request->opcode == IOCB_CMD_PREADV;
}

void aio_activate(struct aio_request *request); /* it counts from now on, and ends by aio_complete */
/* Puts the event on the context's list, tells waiters and the eventfd. The request is not the caller's any more. May sleep. */
void aio_complete(struct aio_request *request, long result);

/* An active request is for an `aio` task: the transfer between request->buffer and the file, fsync, or to ask a polled file again. */
void aio_queue_work(struct aio_request *request);
/* After n bytes were written with RWF_DSYNC or RWF_SYNC. n or an error. May sleep. */
long aio_sync_after(struct aio_request *request, long n);
int aio_poll_start(struct aio_request *request, const struct iocb *iocb);
bool aio_poll_cancel(struct aio_request *request); /* true: it ends soon; does not sleep */

#endif
