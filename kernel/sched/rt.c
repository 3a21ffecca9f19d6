// SPDX-License-Identifier: Apache-2.0
/*
 * The real-time class: SCHED_FIFO and SCHED_RR (100 ms round robin). The highest priority runs; among equals the one
 * that waits longest. Real-time tasks together get at most 950 ms of every second, so that a runaway one can be stopped.
 *
 * The running task stays in its queue.
 */
#include "kernel/sched/internal.h"

#define RR_SLICE (100 * NSEC_PER_MSEC)
#define RT_PERIOD NSEC_PER_SEC
#define RT_RUNTIME (950 * NSEC_PER_MSEC)

static struct list_head *queue_of(struct rq *rq, struct task_struct *task) { return &rq->rt.queue[sched_effective_priority(&task->sched)]; }

static void update_curr_rt(struct rq *rq)
{
	struct sched_entity *se;
	u64 delta;

	if (!rq->curr || rq->curr->sched.class != &rt_sched_class)
		return;
	se = &rq->curr->sched.entity;
	delta = rq->clock - se->exec_start;
	if ((s64)delta <= 0)
		return;
	se->exec_start = rq->clock;
	se->sum_exec_runtime += delta;
	if (rq->clock - rq->rt.period_start >= RT_PERIOD) {
		rq->rt.period_start = rq->clock;
		rq->rt.used = 0;
	}
	rq->rt.used += delta;
	if (rq->rt.used > RT_RUNTIME)
		rq->rt.throttled = true;
}

static void enqueue_rt(struct rq *rq, struct task_struct *task, bool wakeup)
{
	int priority = sched_effective_priority(&task->sched);

	list_add_tail(&task->sched.rt_link, queue_of(rq, task));
	rq->rt.bitmap[priority / 64] |= 1ULL << (priority % 64);
	rq->rt.nr_running++;
}

static void dequeue_rt(struct rq *rq, struct task_struct *task, bool sleep)
{
	int priority = sched_effective_priority(&task->sched);

	list_del(&task->sched.rt_link);
	if (list_empty(queue_of(rq, task)))
		rq->rt.bitmap[priority / 64] &= ~(1ULL << (priority % 64));
	rq->rt.nr_running--;
}

static int highest(struct rt_rq *rt)
{
	if (rt->bitmap[1])
		return 127 - __builtin_clzll(rt->bitmap[1]);
	return rt->bitmap[0] ? 63 - __builtin_clzll(rt->bitmap[0]) : -1;
}

static void yield_rt(struct rq *rq)
{
	list_move_tail(&rq->curr->sched.rt_link, queue_of(rq, rq->curr));
}

static bool check_preempt_rt(struct rq *rq, struct task_struct *task)
{
	return sched_effective_priority(&task->sched) > sched_effective_priority(&rq->curr->sched);
}

static struct task_struct *pick_rt(struct rq *rq)
{
	struct task_struct *task;
	int priority = highest(&rq->rt);

	if (priority < 0)
		return NULL;
	if (rq->rt.throttled) {
		if (rq->clock - rq->rt.period_start < RT_PERIOD && rq->nr_running > rq->rt.nr_running)
			return NULL;
		rq->rt.throttled = false;
		rq->rt.period_start = rq->clock;
		rq->rt.used = 0;
	}
	task = list_first_entry(&rq->rt.queue[priority], struct task_struct, sched.rt_link);
	task->sched.entity.exec_start = rq->clock;
	return task;
}

static void put_prev_rt(struct rq *rq, struct task_struct *prev) { update_curr_rt(rq); }

static void tick_rt(struct rq *rq, struct task_struct *curr)
{
	u64 ran = curr->sched.entity.sum_exec_runtime - curr->sched.entity.prev_sum_exec_runtime;

	if (rq->rt.throttled)
		resched_curr(rq);
	if (curr->sched.policy != SCHED_RR || ran < RR_SLICE)
		return;
	curr->sched.entity.prev_sum_exec_runtime = curr->sched.entity.sum_exec_runtime;
	list_move_tail(&curr->sched.rt_link, queue_of(rq, curr));
	resched_curr(rq);
}

static struct task_struct *steal_rt(struct rq *rq, int to_cpu)
{
	struct task_struct *task;

	for (int p = highest(&rq->rt); p >= 0; p--)
		list_for_each_entry(task, &rq->rt.queue[p], sched.rt_link)
			if (task != rq->curr && (task->sched.cpus_allowed >> to_cpu & 1))
				return task;
	return NULL;
}

static void migrate_rt(struct rq *from, struct rq *to, struct task_struct *task) {}

static u64 rr_interval_rt(struct rq *rq, struct task_struct *task)
{
	return task->sched.policy == SCHED_RR ? RR_SLICE : 0;
}

const struct sched_class rt_sched_class = {
	.name = "rt",
	.enqueue_task = enqueue_rt,
	.dequeue_task = dequeue_rt,
	.yield_task = yield_rt,
	.check_preempt_curr = check_preempt_rt,
	.pick_next_task = pick_rt,
	.put_prev_task = put_prev_rt,
	.task_tick = tick_rt,
	.update_curr = update_curr_rt,
	.steal = steal_rt,
	.migrate_task_rq = migrate_rt,
	.get_rr_interval = rr_interval_rt,
};
