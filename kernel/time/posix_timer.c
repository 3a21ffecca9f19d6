// SPDX-License-Identifier: Apache-2.0
/*
 * POSIX timers: timer_create(2), timer_settime(2), timer_getoverrun(2).
 *
 * States of a timer:
 *   off       expires 0
 *   armed     on the kernel timer tree, or on cpu_timers if it counts CPU time
 *   fired     its signal is queued. A periodic timer starts again when the signal is taken; the periods that passed
 *             meanwhile are the overrun
 * SIGEV_NONE timers are never armed: their state is computed when somebody asks.
 */
#include "kernel/time/posix_timer.h"

#include <linux/time.h>

#include "kernel/mm/alloc.h"
#include "kernel/task/signal.h"
#include "kernel/time/convert.h"
#include "kernel/time/itimer.h"
#include "kernel/time/posix_clock.h"
#include "syscalls.gen.h"

/* A periodic timer whose signal is ignored does not run faster than this. */
#define IGNORED_INTERVAL_MIN NSEC_PER_MSEC

struct posix_timer {
	struct list_head link;     /* signal->posix_timers */
	struct signal_struct *signal;
	int id;
	struct posix_clock clock;  /* .task is not used: cpu_pid->task is */
	struct pid *cpu_pid;       /* whose CPU time; counted */
	int notify;                /* SIGEV_* */
	struct pid *target;        /* SIGEV_THREAD_ID: counted */
	u64 expires, interval;     /* on its clock */
	bool restart_when_taken;
	u64 overrun, overrun_last;
	bool cpu_armed;
	struct list_head cpu_link; /* cpu_timers */
	struct ktimer ktimer;
	struct sigqueue entry;
};

static LIST_HEAD(cpu_timers);

/* The event given to timer_create: struct sigevent. */
struct user_sigevent {
	u64 value;
	s32 signo, notify, tid, pad[11];
};

static struct task_struct *measured_task(const struct posix_timer *timer)
{
	return timer->cpu_pid ? timer->cpu_pid->task : NULL;
}

/* False: the clock stands still, its task is gone. */
static bool timer_now(const struct posix_timer *timer, u64 *ret_now)
{
	struct task_struct *task = measured_task(timer);

	if (timer->clock.cpu) {
		if (!task)
			return false;
		*ret_now = cpu_clock_sample(task, timer->clock.group, timer->clock.which);
	} else {
		*ret_now = ktime_get_clock(timer->clock.host);
	}
	return true;
}

static void timer_disarm(struct posix_timer *timer)
{
	struct task_struct *task = measured_task(timer);

	ktimer_cancel(&timer->ktimer);
	if (!timer->cpu_armed)
		return;
	timer->cpu_armed = false;
	list_del(&timer->cpu_link);
	if (task)
		task->signal->nr_cpu_timers--;
}

static void timer_arm(struct posix_timer *timer)
{
	struct task_struct *task = measured_task(timer);

	timer_disarm(timer);
	if (timer->notify == SIGEV_NONE)
		return;
	if (!timer->clock.cpu) {
		ktimer_arm(&timer->ktimer, ktime_to_monotonic(timer->clock.host, timer->expires));
	} else if (task) {
		timer->cpu_armed = true;
		list_add_tail(&timer->cpu_link, &cpu_timers);
		task->signal->nr_cpu_timers++;
		sched_request_tick();
	}
}

/* Moves a periodic timer that expired to its first expiry after now; how many periods that is. */
static u64 timer_forward(struct posix_timer *timer, u64 now)
{
	u64 periods;

	if (now < timer->expires)
		return 0;
	periods = (now - timer->expires) / timer->interval + 1;
	timer->expires = ktime_add(timer->expires, periods * timer->interval);
	return periods;
}

static void timer_fire(struct posix_timer *timer, u64 now)
{
	struct task_struct *task = timer->target ? timer->target->task : timer->signal->leader;
	bool queued;

	timer_disarm(timer);
	if (!task)
		return;
	queued = !list_empty(&timer->entry.link);
	if (!queued)
		timer->entry.info.si_overrun = 0;
	if (send_sigqueue(&timer->entry, task, !timer->target) == 0 || queued) {
		timer->restart_when_taken = timer->interval != 0;
	} else if (timer->interval) {
		/* Ignored: nobody will take it. */
		timer->overrun += timer_forward(timer, now + (timer->interval < IGNORED_INTERVAL_MIN ? IGNORED_INTERVAL_MIN : 0));
		timer_arm(timer);
		return;
	}
	if (!timer->interval)
		timer->expires = 0;
}

void posix_timer_signal_taken(struct posix_timer *timer, siginfo_t *info)
{
	u64 now;

	if (timer->restart_when_taken && timer_now(timer, &now)) {
		u64 periods = timer_forward(timer, now);

		timer->overrun += periods ? periods - 1 : 0;
		timer_arm(timer);
	}
	timer->restart_when_taken = false;
	timer->overrun_last = min(timer->overrun, (u64)INT32_MAX);
	timer->overrun = 0;
	info->si_overrun = (int)timer->overrun_last;
}

static void timer_expired(struct ktimer *ktimer)
{
	struct posix_timer *timer = container_of(ktimer, struct posix_timer, ktimer);
	u64 now = ktime_get_clock(timer->clock.host);

	if (now < timer->expires) /* the host's clock was set back */
		timer_arm(timer);
	else
		timer_fire(timer, now);
}

void posix_cpu_timers_run(struct task_struct *task)
{
	struct posix_timer *timer, *next;

	list_for_each_entry_safe(timer, next, &cpu_timers, cpu_link) {
		struct task_struct *measured = measured_task(timer);
		u64 now;

		if (!measured || measured->signal != task->signal || !timer_now(timer, &now))
			continue;
		if (now >= timer->expires)
			timer_fire(timer, now);
	}
}

/* Takes back a signal that is queued: recent Linux does not deliver those of deleted timers. */
static void timer_unqueue(struct posix_timer *timer)
{
	struct task_struct *task = timer->target ? timer->target->task : timer->signal->leader;
	struct sigpending *pending;
	struct sigqueue *other;
	int sig = timer->entry.info.si_signo;

	if (list_empty(&timer->entry.link))
		return;
	list_del(&timer->entry.link);
	if (!task)
		return;
	pending = timer->target ? &task->pending : &timer->signal->shared_pending;
	list_for_each_entry(other, &pending->queue, link)
		if (other->info.si_signo == sig)
			return;
	pending->mask &= ~SIGMASK(sig);
}

static void timer_free(struct posix_timer *timer)
{
	timer_disarm(timer);
	timer_unqueue(timer);
	list_del(&timer->link);
	if (timer->cpu_pid)
		pid_put(timer->cpu_pid);
	if (timer->target)
		pid_put(timer->target);
	kfree(timer);
}

void posix_timers_exit(struct signal_struct *signal)
{
	struct posix_timer *timer, *next;

	list_for_each_entry_safe(timer, next, &signal->posix_timers, link)
		timer_free(timer);
}

static struct posix_timer *timer_find(int id)
{
	struct posix_timer *timer;

	list_for_each_entry(timer, &current->signal->posix_timers, link)
		if (timer->id == id)
			return timer;
	return NULL;
}

static int check_event(const struct user_sigevent *event, struct pid **ret_target)
{
	struct task_struct *task;

	*ret_target = NULL;
	switch (event->notify) {
	case SIGEV_NONE:
		return 0;
	case SIGEV_SIGNAL | SIGEV_THREAD_ID:
		task = task_find(event->tid);
		if (!task || task->signal != current->signal)
			return -EINVAL;
		*ret_target = task->pid;
		/* fallthrough */
	case SIGEV_SIGNAL:
	case SIGEV_THREAD:
		return event->signo > 0 && event->signo <= NSIG_LINUX ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

static bool too_many_timers(void)
{
	struct list_head *head = &current->signal->posix_timers;
	u64 n = 0;

	list_for_each(pos, head)
		n++;
	return n >= rlimit(RLIMIT_SIGPENDING);
}

static struct posix_timer *timer_new(const struct posix_clock *clock, const struct user_sigevent *event, struct pid *target)
{
	struct posix_timer *timer = too_many_timers() ? NULL : kzalloc(sizeof(*timer));
	struct signal_struct *signal = current->signal;

	if (!timer)
		return NULL;
	timer->signal = signal;
	timer->clock = *clock;
	if (clock->cpu)
		timer->cpu_pid = pid_get(clock->group ? clock->task->signal->leader->pid : clock->task->pid);
	timer->notify = event->notify;
	if (target)
		timer->target = pid_get(target);
	do {
		timer->id = signal->next_timer_id;
		signal->next_timer_id = timer->id == INT32_MAX ? 0 : timer->id + 1;
	} while (timer_find(timer->id));
	list_init(&timer->cpu_link);
	list_init(&timer->entry.link);
	ktimer_init(&timer->ktimer, timer_expired);
	timer->entry.timer = timer;
	timer->entry.uid = current->cred->uid;
	timer->entry.info.si_signo = event->signo;
	timer->entry.info.si_code = SI_TIMER;
	timer->entry.info.si_tid = timer->id;
	timer->entry.info.si_value.sival_ptr = (void *)event->value;
	list_add_tail(&timer->link, &signal->posix_timers);
	return timer;
}

long sys_timer_create(int clock, user_ptr event, user_ptr id)
{
	struct user_sigevent ev = { .signo = SIGALRM, .notify = SIGEV_SIGNAL };
	struct posix_clock parsed;
	struct posix_timer *timer;
	struct pid *target;
	int error = posix_clock_parse(clock, &parsed);

	if (error)
		return error;
	if (clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE)
		return -EOPNOTSUPP;
	if (!user_ptr_is_null(event) && get_user_object(&ev, event))
		return -EFAULT;
	error = check_event(&ev, &target);
	if (error)
		return error;
	timer = timer_new(&parsed, &ev, target);
	if (!timer)
		return -EAGAIN;
	if (user_ptr_is_null(event))
		timer->entry.info.si_value.sival_int = timer->id;
	if (put_user_u32(id, (u32)timer->id)) {
		timer_free(timer);
		return -EFAULT;
	}
	return 0;
}

static void timer_state(struct posix_timer *timer, struct __kernel_itimerspec *ret_state)
{
	u64 now, left = 0;

	if (timer->expires && timer_now(timer, &now)) {
		bool lazy = timer->notify == SIGEV_NONE || timer->restart_when_taken;

		if (timer->interval && lazy && now >= timer->expires) {
			left = timer->interval - (now - timer->expires) % timer->interval;
		} else if (timer->expires > now) {
			left = timer->expires - now;
		} else {
			left = timer->notify == SIGEV_NONE ? 0 : 1;
		}
	}
	ret_state->it_interval = ktime_to_timespec(timer->interval);
	ret_state->it_value = ktime_to_timespec(left);
}

long sys_timer_gettime(int id, user_ptr value)
{
	struct posix_timer *timer = timer_find(id);
	struct __kernel_itimerspec state;

	if (!timer)
		return -EINVAL;
	timer_state(timer, &state);
	return put_user_object(value, &state);
}

long sys_timer_settime(int id, int flags, user_ptr value, user_ptr old)
{
	struct __kernel_itimerspec new, state;
	struct posix_timer *timer;
	u64 expires, interval, now;

	if (user_ptr_is_null(value))
		return -EINVAL;
	if (get_user_object(&new, value))
		return -EFAULT;
	if (ktime_from_timespec(&new.it_value, &expires) || ktime_from_timespec(&new.it_interval, &interval))
		return -EINVAL;
	timer = timer_find(id);
	if (!timer)
		return -EINVAL;
	timer_state(timer, &state);
	timer_disarm(timer);
	timer->restart_when_taken = false;
	timer->overrun = timer->overrun_last = 0;
	timer->interval = expires ? interval : 0;
	timer->expires = expires;
	if (expires) {
		if (!timer_now(timer, &now))
			return -ESRCH;
		if (!(flags & TIMER_ABSTIME))
			timer->expires = ktime_add(now, expires);
		/* CPU timers are looked at by ticks of the measured process, which may never run again. */
		if (timer->clock.cpu && timer->expires <= now && timer->notify != SIGEV_NONE)
			timer_fire(timer, now);
		else
			timer_arm(timer);
	}
	return user_ptr_is_null(old) ? 0 : put_user_object(old, &state);
}

long sys_timer_getoverrun(int id)
{
	struct posix_timer *timer = timer_find(id);

	return timer ? (long)timer->overrun_last : -EINVAL;
}

long sys_timer_delete(int id)
{
	struct posix_timer *timer = timer_find(id);

	if (!timer)
		return -EINVAL;
	timer_free(timer);
	return 0;
}
