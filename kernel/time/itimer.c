// SPDX-License-Identifier: Apache-2.0
/*
 * Interval timers, getitimer(2), and the CPU time limit, getrlimit(2) RLIMIT_CPU.
 *
 * ITIMER_REAL is a kernel timer. The others count CPU time of the process and are looked at when one of its threads has used
 * some: cpu_timers_tick(). A process beyond the soft RLIMIT_CPU gets SIGXCPU every second, beyond the hard one SIGKILL.
 * Timers survive exec; a forked child has none.
 */
#include "kernel/time/itimer.h"

#include <linux/time.h>

#include "kernel/task/signal.h"
#include "kernel/time/convert.h"
#include "kernel/time/posix_clock.h"
#include "kernel/time/posix_timer.h"

static void real_timer_expired(struct ktimer *timer)
{
	struct signal_struct *signal = container_of(timer, struct signal_struct, real_timer);
	u64 now, next;

	if (!signal->leader)
		return;
	send_signal_process(SIGALRM, SEND_SIG_KERNEL, signal->leader);
	if (!signal->real_interval)
		return;
	now = ktime_get();
	next = ktime_add(timer->expires, signal->real_interval);
	if (next <= now)
		next = ktime_add(next, (now - next) / signal->real_interval * signal->real_interval + signal->real_interval);
	ktimer_arm(timer, next);
}

void process_timers_init(struct signal_struct *signal)
{
	list_init(&signal->posix_timers);
	signal->next_timer_id = 0;
	signal->nr_cpu_timers = 0;
	ktimer_init(&signal->real_timer, real_timer_expired);
	signal->real_interval = 0;
	signal->virt_expires = signal->virt_interval = 0;
	signal->prof_expires = signal->prof_interval = 0;
}

void itimers_exit(struct signal_struct *signal)
{
	ktimer_cancel(&signal->real_timer);
	signal->real_interval = 0;
	signal->virt_expires = signal->prof_expires = 0;
}

static u64 left(u64 expires, u64 now)
{
	return expires > now ? expires - now : NSEC_PER_USEC;
}

static u64 itimer_cpu_now(int which)
{
	return cpu_clock_sample(current, true, which == ITIMER_VIRTUAL ? CPU_VIRT : CPU_PROF);
}

void itimer_get(int which, u64 *ret_value, u64 *ret_interval)
{
	struct signal_struct *signal = current->signal;
	u64 expires;

	if (which == ITIMER_REAL) {
		*ret_value = signal->real_timer.armed ? left(signal->real_timer.expires, ktime_get()) : 0;
		*ret_interval = signal->real_interval;
		return;
	}
	expires = which == ITIMER_VIRTUAL ? signal->virt_expires : signal->prof_expires;
	*ret_value = expires ? left(expires, itimer_cpu_now(which)) : 0;
	*ret_interval = which == ITIMER_VIRTUAL ? signal->virt_interval : signal->prof_interval;
}

void itimer_set(int which, u64 value, u64 interval)
{
	struct signal_struct *signal = current->signal;

	if (which == ITIMER_REAL) {
		ktimer_cancel(&signal->real_timer);
		signal->real_interval = value ? interval : 0;
		if (value)
			ktimer_arm(&signal->real_timer, ktime_add(ktime_get(), value));
		return;
	}
	if (value)
		value = ktime_add(itimer_cpu_now(which), value);
	if (which == ITIMER_VIRTUAL) {
		signal->virt_expires = value;
		signal->virt_interval = value ? interval : 0;
	} else {
		signal->prof_expires = value;
		signal->prof_interval = value ? interval : 0;
	}
	if (value)
		sched_request_tick();
}

/* One of the CPU timers of `task`'s process, at `now` on its clock. */
static void check_itimer(struct task_struct *task, u64 now, u64 *expires, u64 interval, int sig)
{
	if (!*expires || now < *expires)
		return;
	*expires = interval ? *expires + ((now - *expires) / interval + 1) * interval : 0;
	send_signal_process(sig, SEND_SIG_KERNEL, task->signal->leader);
}

static void check_cpu_limit(struct task_struct *task, u64 cpu_time)
{
	struct rlimit64 *limit = &task->signal->rlimits[RLIMIT_CPU];
	u64 seconds = cpu_time / NSEC_PER_SEC;

	if (seconds >= limit->rlim_max) {
		kill_process(task->signal->leader, "its CPU time limit (RLIMIT_CPU) is used up");
	} else if (seconds >= limit->rlim_cur) {
		send_signal_process(SIGXCPU, SEND_SIG_KERNEL, task->signal->leader);
		limit->rlim_cur = seconds + 1;
	}
}

bool cpu_timers_active(const struct task_struct *task)
{
	const struct signal_struct *signal = task->signal;

	return signal && (signal->virt_expires || signal->prof_expires || signal->nr_cpu_timers ||
			  signal->rlimits[RLIMIT_CPU].rlim_cur != RLIM64_INFINITY);
}

void cpu_timers_tick(struct task_struct *task, u64 delta_ns)
{
	struct signal_struct *signal = task->signal;
	u64 utime, stime;

	if ((task->flags & (PF_EXITING | PF_KTHREAD)) || !cpu_timers_active(task))
		return;
	group_cputime(task, &utime, &stime);
	check_itimer(task, utime, &signal->virt_expires, signal->virt_interval, SIGVTALRM);
	check_itimer(task, utime + stime, &signal->prof_expires, signal->prof_interval, SIGPROF);
	if (signal->rlimits[RLIMIT_CPU].rlim_cur != RLIM64_INFINITY)
		check_cpu_limit(task, utime + stime);
	if (signal->nr_cpu_timers)
		posix_cpu_timers_run(task);
}
