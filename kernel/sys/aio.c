/* SPDX-License-Identifier: Apache-2.0 */
/* System calls of asynchronous I/O: io_setup(2), io_submit(2), io_getevents(2), io_cancel(2), io_destroy(2). */
#include "kernel/mm/mm.h"
#include "kernel/task/signal.h"
#include "kernel/task/task.h"
#include "kernel/time/convert.h"
#include "kernel/vfs/aio.h"
#include "syscalls.gen.h"

long sys_io_setup(unsigned nr_events, user_ptr ret_context)
{
	struct aio_context *context;
	u64 old;

	if (get_user_u64(&old, ret_context))
		return -EFAULT;
	if (old || !nr_events)
		return -EINVAL;
	context = aio_create(nr_events);
	if (IS_ERR(context))
		return PTR_ERR(context);
	if (put_user_u64(ret_context, context->id)) {
		aio_destroy(current->mm, context, true);
		return -EFAULT;
	}
	return 0;
}

long sys_io_destroy(u64 id)
{
	struct aio_context *context = aio_find(id);

	if (!context)
		return -EINVAL;
	aio_destroy(current->mm, context, true);
	return 0;
}

long sys_io_submit(u64 id, long nr, user_ptr iocbs)
{
	struct aio_context *context;
	long done = 0, error = 0;

	if (nr < 0)
		return -EINVAL;
	context = aio_find(id);
	if (!context)
		return -EINVAL;
	nr = min(nr, (long)context->capacity);
	aio_use(context);
	while (done < nr) {
		u64 iocb;

		error = get_user_u64(&iocb, user_ptr_add(iocbs, (u64)done * sizeof(iocb))) ? -EFAULT :
			context->dead ? -EINVAL : aio_submit(context, user_ptr_at(iocb));
		if (error)
			break;
		done++;
	}
	aio_unuse(context);
	return done ? done : error;
}

long sys_io_cancel(u64 id, user_ptr iocb, user_ptr result)
{
	struct aio_context *context;
	u32 key;

	if (get_user_u32(&key, user_ptr_add(iocb, offsetof(struct iocb, aio_key))))
		return -EFAULT;
	context = key ? NULL : aio_find(id);
	return context ? aio_cancel(context, iocb.addr) : -EINVAL;
}

/* Number of events, or -EINTR before the first one. */
static long get_events(u64 id, long min_nr, long nr, user_ptr events, u64 deadline)
{
	struct aio_context *context = aio_find(id);
	long done = 0, error = 0, got;

	if (!context || min_nr < 0 || min_nr > nr)
		return -EINVAL;
	for (;;) {
		while (done < nr && (got = aio_fetch(context, user_ptr_add(events, (u64)done * sizeof(struct io_event))))) {
			if (got < 0)
				return got;
			done++;
		}
		if (done >= min_nr || error || !deadline)
			break;
		error = aio_wait(context, (unsigned)min(min_nr - done, (long)UINT32_MAX), deadline);
		if (error == -EINVAL) /* it is gone */
			return done ? done : error;
	}
	return !done && error == -ERESTARTSYS ? -EINTR : done;
}

/* When the wait ends: 0 at once, NEVER. Times that are none count as they come, as on Linux. */
static int read_deadline(user_ptr timeout, u64 *ret_deadline)
{
	struct __kernel_timespec ts;
	s64 ns;

	*ret_deadline = NEVER;
	if (user_ptr_is_null(timeout))
		return 0;
	if (get_user_object(&ts, timeout))
		return -EFAULT;
	ns = (s64)ktime_from(ts.tv_sec < 0 ? 0 : ts.tv_sec, 0);
	if (__builtin_add_overflow(ns, ts.tv_nsec, &ns))
		ns = INT64_MAX;
	*ret_deadline = ns <= 0 ? 0 : ktime_add(ktime_get(), (u64)ns);
	return 0;
}

long sys_io_getevents(u64 id, long min_nr, long nr, user_ptr events, user_ptr timeout)
{
	u64 deadline;
	int error = read_deadline(timeout, &deadline);

	return error ? error : get_events(id, min_nr, nr, events, deadline);
}

long sys_io_pgetevents(u64 id, long min_nr, long nr, user_ptr events, user_ptr timeout, user_ptr sigmask)
{
	struct { u64 mask, size; } argument = { 0, 0 };
	u64 deadline;
	long ret = read_deadline(timeout, &deadline);

	if (!ret && !user_ptr_is_null(sigmask) && get_user_object(&argument, sigmask))
		ret = -EFAULT;
	if (!ret && argument.mask)
		ret = set_user_sigmask(user_ptr_at(argument.mask), argument.size);
	if (ret)
		return ret;
	ret = get_events(id, min_nr, nr, events, deadline);
	restore_saved_sigmask_unless(ret == -EINTR);
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}
