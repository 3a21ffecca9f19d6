// SPDX-License-Identifier: Apache-2.0
/*
 * Load averages, as /proc/loadavg and sysinfo(2) show them: the number of runnable and uninterruptible tasks, averaged
 * exponentially over 1, 5 and 15 minutes in steps of 5 seconds. While all cpus are idle and nobody waits for a disk there are no steps; they
 * are caught up when a cpu is no longer idle, before anybody can ask.
 */
#include "kernel/init/initcall.h"
#include "kernel/mm/alloc.h"
#include "kernel/task/task.h"
#include "kernel/time/timer.h"

#define FIXED_1 2048UL
#define PERIOD (5 * NSEC_PER_SEC)
#define STEPS_MOST 4096 /* after so many nothing is left of what was before */

u64 avenrun[3];
bool loadavg_stopped;
static const u64 decay[3] = { 1884, 2014, 2037 }; /* FIXED_1 / exp(5s / 1, 5, 15 min) */
static struct ktimer timer;
static u64 last_step;

static void step(u64 active)
{
	for (int i = 0; i < 3; i++)
		avenrun[i] = (avenrun[i] * decay[i] + active * FIXED_1 * (FIXED_1 - decay[i])) / FIXED_1;
	last_step += PERIOD;
}

static void sample(struct ktimer *t)
{
	u64 active = nr_running_total();
	struct task_struct *task;

	for_each_task(task)
		if ((task->state & (TASK_UNINTERRUPTIBLE | TASK_KILLABLE_ONLY)) && !task->sched.on_rq)
			active++;
	step(active);
	if (heap_wants_trim())
		heap_trim_later();
	if (active)
		ktimer_arm(t, last_step + PERIOD);
	else
		loadavg_stopped = true;
}

void loadavg_resume(void)
{
	u64 now = ktime_get();

	loadavg_stopped = false;
	for (int i = 0; i < STEPS_MOST && last_step + PERIOD <= now; i++)
		step(0);
	if (last_step + PERIOD <= now)
		last_step = now;
	ktimer_arm(&timer, last_step + PERIOD);
}

static int loadavg_init(void)
{
	ktimer_init(&timer, sample);
	last_step = ktime_get();
	if (!deterministic) /* a timer that always comes back would hide that nothing else can happen */
		ktimer_arm(&timer, last_step + PERIOD);
	return 0;
}
INITCALL(loadavg, loadavg_init, "");
