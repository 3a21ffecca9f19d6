// SPDX-License-Identifier: Apache-2.0
/*
 * Load averages, as /proc/loadavg and sysinfo(2) show them: the number of runnable and uninterruptible tasks, averaged
 * exponentially over 1, 5 and 15 minutes in steps of 5 seconds. Steps that nobody asked about are caught up when somebody does.
 */
#include "kernel/init/initcall.h"
#include "kernel/task/task.h"
#include "kernel/time/timer.h"

#define FIXED_1 2048UL
#define PERIOD (5 * NSEC_PER_SEC)

u64 avenrun[3];
static const u64 decay[3] = { 1884, 2014, 2037 }; /* FIXED_1 / exp(5s / 1, 5, 15 min) */
static struct ktimer timer;

static void sample(struct ktimer *t)
{
	u64 active = nr_running_total();
	struct task_struct *task;

	for_each_task(task)
		if ((task->state & (TASK_UNINTERRUPTIBLE | TASK_KILLABLE_ONLY)) && !task->sched.on_rq)
			active++;
	for (int i = 0; i < 3; i++)
		avenrun[i] = (avenrun[i] * decay[i] + active * FIXED_1 * (FIXED_1 - decay[i])) / FIXED_1;
	ktimer_arm(t, ktime_get() + PERIOD);
}

static int loadavg_init(void)
{
	ktimer_init(&timer, sample);
	if (!deterministic) /* a timer that always comes back would hide that nothing else can happen */
		ktimer_arm(&timer, ktime_get() + PERIOD);
	return 0;
}
INITCALL(loadavg, loadavg_init, "");
