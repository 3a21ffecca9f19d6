/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timerfd_create(2): a timer whose expirations are read as a 64-bit count.
 *
 * Kernel timers count on CLOCK_MONOTONIC; a time on another clock is converted when the timer is armed. A periodic
 * timer is not armed again when it expires but when somebody reads or asks: the periods that passed meanwhile are
 * counted then, so a timer that nobody reads costs one interrupt.
 */
#include <linux/time.h>

#include "kernel/mm/alloc.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/task.h"
#include "kernel/time/posix_clock.h"
#include "kernel/time/timer.h"
#include "kernel/vfs/event.h"
#include "syscalls.gen.h"

#define TFD_TIMER_ABSTIME 1
#define TFD_TIMER_CANCEL_ON_SET 2

struct timerfd {
	struct ktimer timer;
	struct wait_queue_head wait;
	struct list_head link; /* all timers on clocks that can be set */
	int clock;
	bool absolute, cancel_on_set, canceled;
	bool set;     /* armed, or expired and to be armed again */
	bool expired; /* and not armed again yet */
	u64 when;     /* of the next expiry, on `clock` */
	u64 interval;
	u64 ticks;
	unsigned settime_flags;
};

static const struct file_operations timerfd_fops;
static LIST_HEAD(realtime_timers);

static bool is_realtime(int clock) { return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM; }

static u64 clock_now(int clock)
{
	if (is_realtime(clock))
		return ktime_get_real();
	return clock == CLOCK_MONOTONIC ? ktime_get() : ktime_get_boot();
}

static void timerfd_arm(struct timerfd *tfd)
{
	u64 now = clock_now(tfd->clock);
	u64 delay = tfd->when > now ? tfd->when - now : 0;
	u64 base = ktime_get();

	ktimer_arm(&tfd->timer, delay < NEVER - 1 - base ? base + delay : NEVER - 1);
}

static void timerfd_expired(struct ktimer *timer)
{
	struct timerfd *tfd = container_of(timer, struct timerfd, timer);

	tfd->expired = true;
	tfd->ticks++;
	wake_up_poll(&tfd->wait, POLL_IN);
}

/* Counts the periods since the last expiry and arms the timer for the next. */
static void timerfd_catch_up(struct timerfd *tfd)
{
	if (!tfd->expired)
		return;
	tfd->expired = false;
	if (!tfd->interval) {
		tfd->set = false;
		return;
	}
	u64 now = clock_now(tfd->clock);
	tfd->when += tfd->interval;
	if (tfd->when <= now) {
		u64 missed = (now - tfd->when) / tfd->interval + 1;
		tfd->ticks += missed;
		tfd->when += missed * tfd->interval;
	}
	timerfd_arm(tfd);
}

void timerfd_clock_was_set(void)
{
	struct timerfd *tfd;

	list_for_each_entry(tfd, &realtime_timers, link) {
		if (tfd->cancel_on_set && !tfd->canceled) {
			tfd->canceled = true;
			tfd->ticks++;
			wake_up_poll(&tfd->wait, POLL_IN);
		}
		if (tfd->timer.armed && tfd->absolute)
			timerfd_arm(tfd);
	}
}

static void describe_timerfd(const void *object, struct wait_info *info)
{
	const struct file *file = object;
	const struct timerfd *tfd = file->private;

	wait_info_file(info, file);
	wait_info_printf(info, tfd->timer.armed ? ", %s" : ", %s, not armed", clock_name(tfd->clock));
}
static const struct wait_type timerfd_wait = { "timerfd read", BLOCK_TIMER, describe_timerfd };

static ssize_t timerfd_read(struct file *file, struct io_iter *to, loff_t *pos)
{
	struct timerfd *tfd = file->private;
	u64 ticks;

	if (to->count < sizeof(ticks))
		return -EINVAL;
	if (!tfd->ticks) {
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		long ret = wait_event_interruptible(&tfd->wait, &timerfd_wait, file, tfd->ticks);
		if (ret)
			return ret;
	}
	if (tfd->canceled) {
		tfd->canceled = false;
		tfd->ticks = 0;
		return -ECANCELED;
	}
	timerfd_catch_up(tfd);
	ticks = tfd->ticks;
	tfd->ticks = 0;
	return copy_to_iter(to, &ticks, sizeof(ticks)) == sizeof(ticks) ? (ssize_t)sizeof(ticks) : -EFAULT;
}

static unsigned timerfd_poll(struct file *file, struct poll_table *table)
{
	struct timerfd *tfd = file->private;

	poll_wait(file, &tfd->wait, table);
	return tfd->ticks ? POLL_IN : 0;
}

static void timerfd_release(struct file *file)
{
	struct timerfd *tfd = file->private;

	ktimer_cancel(&tfd->timer);
	list_del(&tfd->link);
	kfree(tfd);
}

static void nsec_to_timespec(struct __kernel_timespec *ts, u64 nsec)
{
	ts->tv_sec = nsec / NSEC_PER_SEC;
	ts->tv_nsec = nsec % NSEC_PER_SEC;
}

static u64 timerfd_remaining(struct timerfd *tfd)
{
	if (!tfd->set || tfd->expired)
		return 0;
	u64 now = clock_now(tfd->clock);
	/* A timer that is set never shows as unset. */
	return tfd->when > now ? tfd->when - now : 1;
}

static void timerfd_get(struct timerfd *tfd, struct __kernel_itimerspec *ret_value)
{
	/* Also counts what was missed: ticks stays readable. */
	timerfd_catch_up(tfd);
	nsec_to_timespec(&ret_value->it_value, timerfd_remaining(tfd));
	nsec_to_timespec(&ret_value->it_interval, tfd->interval);
}

static void timerfd_show(struct file *file, char *buffer, size_t size)
{
	struct timerfd *tfd = file->private;
	u64 left = timerfd_remaining(tfd);

	scnprintf(buffer, size,
		  "clockid: %d\nticks: %llu\nsettime flags: 0%o\nit_value: (%llu, %llu)\nit_interval: (%llu, %llu)\n", tfd->clock,
		  (unsigned long long)tfd->ticks, tfd->settime_flags, left / NSEC_PER_SEC, left % NSEC_PER_SEC,
		  tfd->interval / NSEC_PER_SEC, tfd->interval % NSEC_PER_SEC);
}

long sys_timerfd_create(int clock, int flags)
{
	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
		break;
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		if (!capable(CAP_WAKE_ALARM))
			return -EPERM;
		break;
	default:
		return -EINVAL;
	}
	struct timerfd *tfd = kzalloc(sizeof(*tfd));
	if (!tfd)
		return -ENOMEM;
	tfd->clock = clock;
	ktimer_init(&tfd->timer, timerfd_expired);
	wait_queue_init(&tfd->wait);
	list_init(&tfd->link);
	struct file *file = anon_file("[timerfd]", &timerfd_fops, tfd, O_RDWR | (flags & O_NONBLOCK));
	if (IS_ERR(file)) {
		kfree(tfd);
		return PTR_ERR(file);
	}
	if (is_realtime(clock))
		list_add_tail(&tfd->link, &realtime_timers);
	return fd_install_new(file, flags & O_CLOEXEC);
}

static bool timespec_valid(const struct __kernel_timespec *ts)
{
	return ts->tv_sec >= 0 && (u64)ts->tv_nsec < NSEC_PER_SEC;
}

static u64 timespec_to_nsec(const struct __kernel_timespec *ts)
{
	if ((u64)ts->tv_sec >= INT64_MAX / NSEC_PER_SEC)
		return INT64_MAX;
	return ts->tv_sec * NSEC_PER_SEC + ts->tv_nsec;
}

static void timerfd_set(struct timerfd *tfd, unsigned flags, const struct __kernel_itimerspec *value)
{
	u64 when = timespec_to_nsec(&value->it_value);

	ktimer_cancel(&tfd->timer);
	tfd->ticks = 0;
	tfd->expired = false;
	tfd->canceled = false;
	tfd->settime_flags = flags;
	tfd->absolute = flags & TFD_TIMER_ABSTIME;
	tfd->cancel_on_set = is_realtime(tfd->clock) && tfd->absolute && (flags & TFD_TIMER_CANCEL_ON_SET);
	tfd->interval = timespec_to_nsec(&value->it_interval);
	tfd->set = when != 0;
	if (!when)
		return;
	u64 now = tfd->absolute ? 0 : clock_now(tfd->clock);
	tfd->when = when < INT64_MAX - now ? now + when : INT64_MAX;
	timerfd_arm(tfd);
}

static struct file *timerfd_file(int fd)
{
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);
	if (file->ops == &timerfd_fops)
		return file;
	file_put(file);
	return ERR_PTR(-EINVAL);
}

long sys_timerfd_settime(int fd, int flags, user_ptr user_value, user_ptr user_old)
{
	struct __kernel_itimerspec value, old;

	if (get_user_object(&value, user_value))
		return -EFAULT;
	if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) || !timespec_valid(&value.it_value) ||
	    !timespec_valid(&value.it_interval))
		return -EINVAL;
	struct file *file = timerfd_file(fd);
	if (IS_ERR(file))
		return PTR_ERR(file);
	timerfd_get(file->private, &old);
	timerfd_set(file->private, flags, &value);
	file_put(file);
	return user_ptr_is_null(user_old) ? 0 : put_user_object(user_old, &old);
}

long sys_timerfd_gettime(int fd, user_ptr user_value)
{
	struct __kernel_itimerspec value;
	struct file *file = timerfd_file(fd);

	if (IS_ERR(file))
		return PTR_ERR(file);
	timerfd_get(file->private, &value);
	file_put(file);
	return put_user_object(user_value, &value);
}

static const struct file_operations timerfd_fops = {
	.name = "timerfd",
	.read = timerfd_read,
	.llseek = noop_llseek,
	.poll = timerfd_poll,
	.release = timerfd_release,
	.show_fdinfo = timerfd_show,
};
