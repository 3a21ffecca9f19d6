// SPDX-License-Identifier: Apache-2.0
/*
 * Clocks and sleeping: clock_gettime(2), clock_nanosleep(2), nanosleep(2), gettimeofday(2), time(2), times(2), adjtimex(2).
 * getitimer(2), alarm(2). The machine's clocks belong to the host: nobody may set them.
 */
#include <linux/time.h>
#include <linux/timex.h>

#include "kernel/task/task.h"
#include "kernel/time/convert.h"
#include "kernel/time/itimer.h"
#include "kernel/time/posix_clock.h"
#include "kernel/time/timer.h"
#include "syscalls.gen.h"

#define USER_HZ 100
#define NSEC_PER_CLOCK (NSEC_PER_SEC / USER_HZ)

long sys_clock_gettime(int clock, user_ptr time)
{
	struct posix_clock parsed;
	int error = posix_clock_parse(clock, &parsed);

	return error ? error : put_user_timespec(time, posix_clock_get(&parsed));
}

long sys_clock_getres(int clock, user_ptr resolution)
{
	struct posix_clock parsed;
	int error = posix_clock_parse(clock, &parsed);

	if (error || user_ptr_is_null(resolution))
		return error;
	return put_user_timespec(resolution, posix_clock_resolution(clock, &parsed));
}

long sys_clock_settime(int clock, user_ptr time)
{
	struct posix_clock parsed;
	u64 value;
	int error = posix_clock_parse(clock, &parsed);

	if (error)
		return error;
	if (clock >= 0 && clock != CLOCK_REALTIME)
		return -EINVAL;
	error = get_user_timespec(&value, time);
	return error ? error : -EPERM;
}

static long restart_nanosleep(struct restart_block *block);

/* After an interrupted relative sleep: tells what was left, and keeps the deadline for restart_syscall(2). */
static long sleep_interrupted(const struct posix_clock *parsed, int clock, u64 deadline, user_ptr remaining)
{
	u64 now = posix_clock_get(parsed);

	if (now >= deadline)
		return 0;
	if (!user_ptr_is_null(remaining) && put_user_timespec(remaining, deadline - now))
		return -EFAULT;
	current->restart_block.restart = restart_nanosleep;
	current->restart_block.nanosleep.clock = clock;
	current->restart_block.nanosleep.deadline = deadline;
	current->restart_block.nanosleep.remaining = remaining;
	return -ERESTART_RESTARTBLOCK;
}

static long restart_nanosleep(struct restart_block *block)
{
	struct posix_clock parsed;
	int clock = block->nanosleep.clock, error = posix_clock_parse(clock, &parsed);
	u64 deadline = block->nanosleep.deadline;

	if (error)
		return error;
	error = posix_clock_sleep(&parsed, deadline);
	return error ? sleep_interrupted(&parsed, clock, deadline, block->nanosleep.remaining) : 0;
}

static long do_nanosleep(int clock, const struct posix_clock *parsed, bool absolute, u64 time, user_ptr remaining)
{
	u64 deadline = absolute ? time : ktime_add(posix_clock_get(parsed), time);

	if (!posix_clock_sleep(parsed, deadline))
		return 0;
	return absolute ? -ERESTARTNOHAND : sleep_interrupted(parsed, clock, deadline, remaining);
}

long sys_nanosleep(user_ptr request, user_ptr remaining)
{
	const struct posix_clock monotonic = { .host = CLOCK_MONOTONIC };
	u64 time;
	int error = get_user_timespec(&time, request);

	return error ? error : do_nanosleep(CLOCK_MONOTONIC, &monotonic, false, time, remaining);
}

long sys_clock_nanosleep(int clock, int flags, user_ptr request, user_ptr remaining)
{
	struct posix_clock parsed;
	u64 time;
	int error = posix_clock_parse(clock, &parsed);

	if (error)
		return error;
	if (clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE ||
	    clock == CLOCK_THREAD_CPUTIME_ID)
		return -EOPNOTSUPP;
	error = get_user_timespec(&time, request);
	if (error)
		return error;
	if (parsed.cpu && !parsed.group && parsed.task == current)
		return -EINVAL;
	return do_nanosleep(clock, &parsed, flags & TIMER_ABSTIME, time, remaining);
}

long sys_gettimeofday(user_ptr tv, user_ptr tz)
{
	struct __kernel_old_timeval value = ktime_to_timeval(ktime_get_real());
	struct timezone zone = { 0, 0 };

	if (!user_ptr_is_null(tv) && put_user_object(tv, &value))
		return -EFAULT;
	if (!user_ptr_is_null(tz) && put_user_object(tz, &zone))
		return -EFAULT;
	return 0;
}

long sys_settimeofday(user_ptr tv, user_ptr tz)
{
	struct __kernel_old_timeval value;
	struct timezone zone;

	if (!user_ptr_is_null(tv)) {
		if (get_user_object(&value, tv))
			return -EFAULT;
		if (value.tv_usec < 0 || value.tv_usec >= 1000000)
			return -EINVAL;
	}
	if (!user_ptr_is_null(tz) && get_user_object(&zone, tz))
		return -EFAULT;
	return -EPERM;
}

long sys_time(user_ptr tloc)
{
	u64 now = ktime_get_clock(CLOCK_REALTIME_COARSE) / NSEC_PER_SEC;

	if (!user_ptr_is_null(tloc) && put_user_u64(tloc, now))
		return -EFAULT;
	return (long)now;
}

long sys_times(user_ptr buf)
{
	u64 utime, stime, clocks[4];

	if (!user_ptr_is_null(buf)) {
		group_cputime(current, &utime, &stime);
		clocks[0] = utime / NSEC_PER_CLOCK;
		clocks[1] = stime / NSEC_PER_CLOCK;
		clocks[2] = current->signal->child_utime / NSEC_PER_CLOCK;
		clocks[3] = current->signal->child_stime / NSEC_PER_CLOCK;
		if (put_user_object(buf, &clocks))
			return -EFAULT;
	}
	return (long)(ktime_get_boot() / NSEC_PER_CLOCK);
}

/* The state of an unsynchronised clock, which is all that can be known in here. */
static long read_timex(user_ptr buf)
{
	struct timex tx;
	u64 now;

	if (get_user_object(&tx, buf))
		return -EFAULT;
	if (tx.modes && tx.modes != ADJ_OFFSET_SS_READ)
		return -EPERM;
	now = ktime_get_real();
	tx = (struct timex){
		.modes = tx.modes,
		.maxerror = 16000000,
		.esterror = 16000000,
		.status = STA_UNSYNC,
		.constant = 2,
		.precision = 1,
		.tolerance = 32768000,
		.tick = 10000,
		.tai = (int)((ktime_get_clock(CLOCK_TAI) - now + NSEC_PER_SEC / 2) / NSEC_PER_SEC),
	};
	tx.time.tv_sec = (__kernel_long_t)(now / NSEC_PER_SEC);
	tx.time.tv_usec = (__kernel_long_t)(now % NSEC_PER_SEC / NSEC_PER_USEC);
	return put_user_object(buf, &tx) ? -EFAULT : TIME_ERROR;
}

long sys_adjtimex(user_ptr buf)
{
	return read_timex(buf);
}

long sys_clock_adjtime(int clock, user_ptr buf)
{
	struct posix_clock parsed;
	int error = posix_clock_parse(clock, &parsed);

	if (error)
		return error;
	return clock == CLOCK_REALTIME ? read_timex(buf) : -EOPNOTSUPP;
}

static int put_itimerval(user_ptr dst, u64 value, u64 interval)
{
	struct __kernel_old_itimerval it = { ktime_to_timeval(interval), ktime_to_timeval(value) };

	return put_user_object(dst, &it);
}

static bool timeval_valid(const struct __kernel_old_timeval *tv)
{
	return tv->tv_sec >= 0 && tv->tv_usec >= 0 && tv->tv_usec < 1000000;
}

long sys_getitimer(int which, user_ptr value)
{
	u64 left, interval;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	itimer_get(which, &left, &interval);
	return put_itimerval(value, left, interval);
}

long sys_setitimer(int which, user_ptr value, user_ptr old)
{
	struct __kernel_old_itimerval new = { { 0, 0 }, { 0, 0 } };
	u64 left, interval;

	if (!user_ptr_is_null(value) && get_user_object(&new, value))
		return -EFAULT;
	if (which < ITIMER_REAL || which > ITIMER_PROF || !timeval_valid(&new.it_value) || !timeval_valid(&new.it_interval))
		return -EINVAL;
	itimer_get(which, &left, &interval);
	itimer_set(which, ktime_from(new.it_value.tv_sec, (u64)new.it_value.tv_usec * NSEC_PER_USEC),
		   ktime_from(new.it_interval.tv_sec, (u64)new.it_interval.tv_usec * NSEC_PER_USEC));
	return user_ptr_is_null(old) ? 0 : put_itimerval(old, left, interval);
}

long sys_alarm(unsigned seconds)
{
	u64 left, interval;

	itimer_get(ITIMER_REAL, &left, &interval);
	itimer_set(ITIMER_REAL, seconds * NSEC_PER_SEC, 0);
	if (left && left < NSEC_PER_SEC)
		return 1;
	return (long)((left + NSEC_PER_SEC / 2) / NSEC_PER_SEC);
}
