/* SPDX-License-Identifier: Apache-2.0 */
/* Times of programs (seconds and a fraction) to and from nanoseconds. */
#ifndef KERNEL_TIME_CONVERT_H
#define KERNEL_TIME_CONVERT_H

#include <linux/time_types.h>

#include "kernel/arch/x86_64/uaccess.h"
#include "kernel/kernel.h"

#define KTIME_MAX ((u64)INT64_MAX) /* longer times are cut to 292 years */

static inline u64 ktime_from(s64 sec, u64 nsec)
{
	return (u64)sec >= KTIME_MAX / NSEC_PER_SEC ? KTIME_MAX : (u64)sec * NSEC_PER_SEC + nsec;
}

static inline u64 ktime_add(u64 a, u64 b)
{
	return a < KTIME_MAX && b < KTIME_MAX - a ? a + b : KTIME_MAX;
}

static inline int ktime_from_timespec(const struct __kernel_timespec *ts, u64 *ret_ns)
{
	if (ts->tv_sec < 0 || (u64)ts->tv_nsec >= NSEC_PER_SEC)
		return -EINVAL;
	*ret_ns = ktime_from(ts->tv_sec, (u64)ts->tv_nsec);
	return 0;
}

static inline struct __kernel_timespec ktime_to_timespec(u64 ns)
{
	return (struct __kernel_timespec){ (s64)(ns / NSEC_PER_SEC), (long long)(ns % NSEC_PER_SEC) };
}

static inline struct __kernel_old_timeval ktime_to_timeval(u64 ns)
{
	return (struct __kernel_old_timeval){ (long)(ns / NSEC_PER_SEC), (long)(ns % NSEC_PER_SEC / NSEC_PER_USEC) };
}

/* struct timespec of a program; -EFAULT, -EINVAL. */
static inline int get_user_timespec(u64 *ret_ns, user_ptr src)
{
	struct __kernel_timespec ts;

	if (get_user_object(&ts, src))
		return -EFAULT;
	return ktime_from_timespec(&ts, ret_ns);
}

static inline int put_user_timespec(user_ptr dst, u64 ns)
{
	struct __kernel_timespec ts = ktime_to_timespec(ns);

	return put_user_object(dst, &ts);
}

#endif
