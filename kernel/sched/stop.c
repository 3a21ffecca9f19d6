// SPDX-License-Identifier: Apache-2.0
/*
 * The stop class: what a cpu does before it runs any task. It has no tasks of its own: the work of rq->stop runs when the cpu next
 * chooses a task. The one that ran has been put back into its queue by then, so that the work may move it.
 */
#include "kernel/sched/internal.h"

void sched_stop_cpu(struct rq *rq, void (*fn)(struct rq *rq, int arg), int arg)
{
	rq->stop = (struct stop_work){ .fn = fn, .arg = arg };
	resched_curr(rq);
}

static struct task_struct *pick_stop(struct rq *rq)
{
	struct stop_work work = rq->stop;

	rq->stop.fn = NULL;
	if (work.fn)
		work.fn(rq, work.arg);
	return NULL;
}

const struct sched_class stop_sched_class = {
	.name = "stop",
	.rank = CLASS_STOP,
	.pick_next_task = pick_stop,
};
