// SPDX-License-Identifier: Apache-2.0
/*
 * The idle class: what runs when nothing else wants to. It is no task (rq->curr is NULL), anything preempts it, and it keeps the
 * account of idle time. (SCHED_IDLE is a policy of the fair class.)
 */
#include "kernel/sched/internal.h"

static struct task_struct *pick_idle(struct rq *rq)
{
	if (rq->curr) {
		rq->idle_since = rq->clock;
		rq->nr_idle++;
	}
	cpumask_set(&idle_cpus, rq->cpu);
	return NULL;
}

static void put_prev_idle(struct rq *rq, struct task_struct *prev)
{
	rq->idle_sum += rq->clock - rq->idle_since;
}

const struct sched_class idle_sched_class = {
	.name = "idle",
	.rank = CLASS_IDLE,
	.pick_next_task = pick_idle,
	.put_prev_task = put_prev_idle,
};
