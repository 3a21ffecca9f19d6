// SPDX-License-Identifier: Apache-2.0
/* Sleeping until a time on any clock: clock_nanosleep(2). */
#include "kernel/sched/wait.h"
#include "kernel/sched/wait_info.h"
#include "kernel/time/posix_clock.h"
#include "kernel/time/timer.h"

#define CPU_CLOCK_LOOK_NS 1000000ULL

/*
 * CPU time runs at most nr_cpus times as fast as the clock on the wall, so that is how long a sleeper may stay away
 * before it looks again.
 */
static u64 cpu_deadline(const struct posix_clock *clock, u64 deadline)
{
	u64 left = deadline - posix_clock_get(clock);
	unsigned speed = clock->group ? (unsigned)nr_cpus : 1;

	return ktime_get() + max(left / speed, (u64)CPU_CLOCK_LOOK_NS);
}

static void describe_sleep(const void *object, struct wait_info *info)
{
	const struct posix_clock *clock = object;

	if (clock->cpu)
		wait_info_printf(info, "a time on a clock of CPU time");
	else
		wait_info_printf(info, "a time on %s", clock_name(clock->host));
}
static const struct wait_type nanosleep_wait = { "sleep", BLOCK_TIMER, describe_sleep };

int posix_clock_sleep(const struct posix_clock *clock, u64 deadline)
{
	int error = 0;

	while (posix_clock_get(clock) < deadline) {
		u64 until = clock->cpu ? cpu_deadline(clock, deadline) : ktime_to_monotonic(clock->host, deadline);

		prepare_to_sleep(TASK_INTERRUPTIBLE, &nanosleep_wait, clock);
		if (signal_pending(current)) {
			error = -EINTR;
			break;
		}
		(void)schedule_until(until);
	}
	finish_sleep();
	return error;
}
