// SPDX-License-Identifier: Apache-2.0
/*
 * Real-time and deadline tasks do not wait for the balancer: one that is preempted goes to a cpu where it runs at once, and a cpu
 * that is about to run something less important takes one that waits elsewhere.
 */
#include "kernel/sched/internal.h"

cpumask_t urgent_cpus;

void urgent_changed(struct rq *rq)
{
	if (rq->rt.nr_running + rq->dl.nr_running > 1)
		cpumask_set(&urgent_cpus, rq->cpu);
	else
		cpumask_clear(&urgent_cpus, rq->cpu);
}

/* Waiting on `from`, and would run at once on `to`. */
static struct task_struct *find_urgent(struct rq *from, struct rq *to)
{
	for (int i = CLASS_DEADLINE; i <= CLASS_RT; i++) {
		struct task_struct *task = sched_classes[i]->movable_task(from, to->cpu);

		if (i == CLASS_RT && from->rt.throttled)
			break; /* the limit is not evaded */
		if (task && sched_classes[i]->outranks(task, to))
			return task;
	}
	return NULL;
}

void pull_urgent(struct rq *rq)
{
	struct task_struct *best = NULL;

	for_each_cpu_in(cpu, &urgent_cpus) {
		struct task_struct *task = cpu == rq->cpu ? NULL : find_urgent(&runqueues[cpu], rq);

		if (!task || (best && task->sched.class->rank > best->sched.class->rank))
			continue;
		if (!best || task->sched.class->rank < best->sched.class->rank || task->sched.class->outranks(task, task_rq(best)))
			best = task;
	}
	if (best)
		sched_pull_queued(best, rq->cpu);
}

void push_urgent(struct task_struct *task)
{
	int cpu = task->sched.class->select_task_rq(task, SELECT_WAKE);

	if (cpu != task->sched.cpu && task->sched.class->outranks(task, &runqueues[cpu]))
		sched_move_queued(task, cpu);
}
