// SPDX-License-Identifier: Apache-2.0
/*
 * Ticks. Nobody counts them while cpus are idle or alone with one task: the clock thread looks at the cpus only while one has more
 * than one task, or a task that counts CPU time. It interrupts a cpu when its task's slice ends.
 */
#include "kernel/init/init.h"
#include "kernel/sched/carrier.h"
#include "kernel/sched/internal.h"
#include "kernel/time/posix_timer.h"

#define TICK_MIN NSEC_PER_MSEC
#define TICK_MAX (8 * NSEC_PER_MSEC)
#define SAMPLE (4 * NSEC_PER_MSEC) /* user or system time: looked at that often */

static u64 tick_period = TICK_MIN;

u64 sched_tick_period(void) { return tick_period; }

/* Interrupts the cpu if that is due. When its next interrupt will be; NEVER: it needs none. */
static u64 tick_cpu(struct cpu *cpu, u64 now)
{
	struct rq *rq = cpu->rq;
	bool timers = rq->curr && cpu_timers_active(rq->curr);
	u64 next;

	if (!rq->curr || (rq->nr_running < 2 && !timers))
		return NEVER;
	/* Not from exec_start on: a program that reads its CPU time moves that, and would never be looked at. */
	next = min(sched_next_tick(rq), cpu->last_tick + (timers ? TICK_MIN : SAMPLE));
	if (next > now)
		return next;
	cpu->tick = true;
	cpu->last_tick = now;
	cpu_preempt(cpu);
	return now + TICK_MIN;
}

u64 sched_clock_tick(u64 now)
{
	u64 next = NEVER;

	for (int i = 0; i < nr_cpus; i++)
		next = min(next, tick_cpu(&cpus[i], now));
	next = min(next, sched_balance_tick(now));
	tick_period = next == NEVER ? min(tick_period * 2, TICK_MAX) : TICK_MIN;
	return next == NEVER ? NEVER : max(next, now + TICK_MIN / 4);
}
