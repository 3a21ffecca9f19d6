// SPDX-License-Identifier: Apache-2.0
/*
 * The real-time class: SCHED_FIFO and SCHED_RR (100 ms round robin). The highest priority runs; among equals the one that waits
 * longest. On each cpu real-time tasks together get at most rt_runtime (950 ms) of every rt_period (1 s) while others wait, so
 * that a runaway one can be stopped.
 *
 * The running task stays in its queue.
 */
#include "kernel/sched/internal.h"

static struct list_head *queue_of(struct rq *rq, struct task_struct *task) { return &rq->rt.queue[sched_effective_priority(&task->sched)]; }

/* ---- the bandwidth limit ---- */

static bool limited(void) { return sched_tunables.rt_runtime >= 0 && sched_tunables.rt_runtime < sched_tunables.rt_period; }

/* Somebody else wants the cpu that throttled tasks would have. */
static bool others_wait(struct rq *rq) { return rq->nr_running > rq->rt.nr_running; }

static void period_over(struct ktimer *timer)
{
	struct rt_rq *rt = container_of(timer, struct rt_rq, period);
	struct rq *rq = container_of(rt, struct rq, rt);
	u64 runtime = limited() ? (u64)sched_tunables.rt_runtime : rt->used;

	rq_clock_update(rq);
	if (rq->curr && rq->curr->sched.class == &rt_sched_class)
		rt_sched_class.update_curr(rq);
	rt->used -= min(rt->used, runtime);
	if (rt->throttled && rt->used < runtime) {
		rt->throttled = false;
		if (rt->nr_running)
			resched_curr(rq);
	}
	if (rt->used || rt->nr_running)
		ktimer_arm(timer, timer->expires + (u64)sched_tunables.rt_period);
}

void rt_rq_init(struct rt_rq *rt)
{
	for (int p = 0; p < RT_PRIORITIES; p++)
		list_init(&rt->queue[p]);
	ktimer_init(&rt->period, period_over);
}

static void update_curr_rt(struct rq *rq)
{
	u64 delta = account_curr(rq);

	rq->run_time += delta;
	rq->urgent_time += delta;
	rq->rt.used += delta;
	if (limited() && rq->rt.used >= (u64)sched_tunables.rt_runtime)
		rq->rt.throttled = true;
}

/* ---- queues ---- */

static void enqueue_rt(struct rq *rq, struct task_struct *task, unsigned flags)
{
	int priority = sched_effective_priority(&task->sched);

	if (flags & ENQUEUE_HEAD)
		list_add(&task->sched.rt_link, queue_of(rq, task));
	else
		list_add_tail(&task->sched.rt_link, queue_of(rq, task));
	rq->rt.bitmap[priority / 64] |= 1ULL << (priority % 64);
	rq->rt.nr_running++;
	if (limited() && !rq->rt.period.armed) {
		rq->rt.used = 0;
		ktimer_arm(&rq->rt.period, rq->clock + (u64)sched_tunables.rt_period);
	}
	urgent_changed(rq);
}

static void dequeue_rt(struct rq *rq, struct task_struct *task, unsigned flags)
{
	int priority = sched_effective_priority(&task->sched);

	list_del(&task->sched.rt_link);
	if (list_empty(queue_of(rq, task)))
		rq->rt.bitmap[priority / 64] &= ~(1ULL << (priority % 64));
	rq->rt.nr_running--;
	urgent_changed(rq);
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

static void set_curr_rt(struct rq *rq, struct task_struct *task) { task->sched.entity.exec_start = rq->clock; }

static struct task_struct *pick_rt(struct rq *rq)
{
	struct task_struct *task;
	int priority = highest(&rq->rt);

	if (priority < 0 || (rq->rt.throttled && others_wait(rq)))
		return NULL;
	task = list_first_entry(&rq->rt.queue[priority], struct task_struct, sched.rt_link);
	set_curr_rt(rq, task);
	return task;
}

static void put_prev_rt(struct rq *rq, struct task_struct *prev) {}

/* What the running task has had of its slice; SCHED_RR. */
static u64 ran(struct task_struct *task) { return task->sched.entity.sum_exec_runtime - task->sched.entity.slice_start; }

static void tick_rt(struct rq *rq, struct task_struct *curr)
{
	if (rq->rt.throttled && others_wait(rq))
		resched_curr(rq);
	if (curr->sched.policy != SCHED_RR || ran(curr) < sched_tunables.rr_slice)
		return;
	curr->sched.entity.slice_start = curr->sched.entity.sum_exec_runtime;
	if (queue_of(rq, curr)->next->next == queue_of(rq, curr))
		return; /* alone */
	list_move_tail(&curr->sched.rt_link, queue_of(rq, curr));
	resched_curr(rq);
}

static u64 next_tick_rt(struct rq *rq, struct task_struct *curr)
{
	u64 start = curr->sched.entity.exec_start, next = NEVER;

	if (limited() && others_wait(rq))
		next = start + (u64)sched_tunables.rt_runtime - min(rq->rt.used, (u64)sched_tunables.rt_runtime);
	if (curr->sched.policy == SCHED_RR && rq->rt.nr_running > 1)
		next = min(next, start + sched_tunables.rr_slice - min(ran(curr), sched_tunables.rr_slice));
	return next;
}

/* ---- cpus ---- */

/* What the cpu would rather do than run a task of the class: the higher, the more important. */
static int importance(int cpu)
{
	struct rq *rq = &runqueues[cpu];
	int priority = highest(&rq->rt);

	if (rq->curr && rq->curr->sched.class->rank < CLASS_RT)
		return RT_PRIORITIES + 1;
	return priority >= 0 ? priority + 1 : rq->nr_running > 0;
}

static int select_rt(struct task_struct *task, enum select_reason reason)
{
	int best = allowed_on(task, task->sched.cpu) ? task->sched.cpu : cpumask_first(&task->sched.cpus_allowed);
	int least = importance(best);

	for_each_cpu_in(cpu, &task->sched.cpus_allowed) {
		if (!least)
			break;
		if (importance(cpu) < least) {
			best = cpu;
			least = importance(cpu);
		}
	}
	return best;
}

static struct task_struct *movable_rt(struct rq *rq, int to_cpu)
{
	struct task_struct *task;

	for (int p = highest(&rq->rt); p >= 0; p--)
		list_for_each_entry(task, &rq->rt.queue[p], sched.rt_link)
			if (task != rq->curr && allowed_on(task, to_cpu))
				return task;
	return NULL;
}

/* It would run there at once. */
static bool outranks_rt(struct task_struct *task, struct rq *rq)
{
	return !rq->rt.throttled && !rq->dl.nr_running && sched_effective_priority(&task->sched) > highest(&rq->rt);
}

static u64 rr_interval_rt(struct rq *rq, struct task_struct *task)
{
	return task->sched.policy == SCHED_RR ? sched_tunables.rr_slice : 0;
}

const struct sched_class rt_sched_class = {
	.name = "rt",
	.rank = CLASS_RT,
	.enqueue_task = enqueue_rt,
	.dequeue_task = dequeue_rt,
	.yield_task = yield_rt,
	.check_preempt_curr = check_preempt_rt,
	.pick_next_task = pick_rt,
	.put_prev_task = put_prev_rt,
	.set_curr_task = set_curr_rt,
	.task_tick = tick_rt,
	.next_tick = next_tick_rt,
	.select_task_rq = select_rt,
	.update_curr = update_curr_rt,
	.movable_task = movable_rt,
	.outranks = outranks_rt,
	.get_rr_interval = rr_interval_rt,
};
