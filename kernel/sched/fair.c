// SPDX-License-Identifier: Apache-2.0
/*
 * The fair class: SCHED_OTHER, SCHED_BATCH, SCHED_IDLE.
 *
 * Every runnable task is to run once within the latency target L = 20 ms * (1 + log2 cpus). Each gets a slice of that
 * period in proportion to its weight. vruntime is normalised so that a task which has run its slice has advanced by the
 * period; the smallest vruntime runs next.
 *
 * min_vruntime only grows; new and woken tasks are raised to it, so that nobody can save up time by sleeping.
 */
#include "kernel/sched/internal.h"
#include "kernel/sched/switch.h"

#define LATENCY (20 * NSEC_PER_MSEC)
#define MIN_GRANULARITY (4 * NSEC_PER_MSEC)
#define WAKEUP_GRANULARITY (2 * NSEC_PER_MSEC)
#define NICE_0_WEIGHT 1024

/* Each step is a factor of about 1.25: one nice level is about 10 % of the CPU time (sched(7)). */
const u32 nice_to_weight[40] = {
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	9548,  7620,  6100,  4904,  3906,  3121,  2501,  1991,  1586,  1277,
	1024,  820,   655,   526,   423,   335,   272,   215,   172,   137,
	110,   87,    70,    56,    45,    36,    29,    23,    18,    15,
};

static u64 latency_target(void)
{
	u64 factor = 1;

	for (int n = nr_cpus; n > 1; n >>= 1)
		factor++;
	return LATENCY * factor;
}

static u64 period_of(unsigned nr_running)
{
	u64 latency = latency_target();

	return nr_running * MIN_GRANULARITY > latency ? nr_running * MIN_GRANULARITY : latency;
}

static u64 slice_of(struct fair_rq *fair, struct sched_entity *se)
{
	u64 load = fair->load ? fair->load : se->weight;

	return period_of(max(fair->nr_running, 1u)) * se->weight / load;
}

/* Signed distance, so that wrapping does no harm. */
static s64 behind(u64 a, u64 b) { return (s64)(a - b); }

static bool entity_less(const struct rb_node *a, const struct rb_node *b)
{
	return behind(rb_entry(a, struct sched_entity, node)->vruntime, rb_entry(b, struct sched_entity, node)->vruntime) < 0;
}

static struct task_struct *task_of(struct sched_entity *se) { return container_of(se, struct task_struct, sched.entity); }

static void update_min_vruntime(struct rq *rq)
{
	struct fair_rq *fair = &rq->fair;
	struct sched_entity *first = rb_entry_or_null(rb_first(&fair->tasks), struct sched_entity, node);
	u64 floor = fair->min_vruntime;

	if (rq->curr && rq->curr->sched.class == &fair_sched_class && rq->curr->sched.on_rq) {
		floor = rq->curr->sched.entity.vruntime;
		if (first && behind(first->vruntime, floor) < 0)
			floor = first->vruntime;
	} else if (first) {
		floor = first->vruntime;
	}
	if (behind(floor, fair->min_vruntime) > 0)
		fair->min_vruntime = floor;
}

static void update_curr_fair(struct rq *rq)
{
	struct sched_entity *se;
	u64 delta;

	if (!rq->curr || rq->curr->sched.class != &fair_sched_class)
		return;
	se = &rq->curr->sched.entity;
	delta = rq->clock - se->exec_start;
	if ((s64)delta <= 0)
		return;
	se->exec_start = rq->clock;
	se->sum_exec_runtime += delta;
	se->vruntime += se->weight == NICE_0_WEIGHT ? delta : delta * NICE_0_WEIGHT / se->weight;
	update_min_vruntime(rq);
}

static void enqueue_fair(struct rq *rq, struct task_struct *task, bool wakeup)
{
	struct sched_entity *se = &task->sched.entity;
	struct fair_rq *fair = &rq->fair;

	update_curr_fair(rq);
	if (wakeup) {
		/* A sleeper gets a bounded bonus: half a latency period. */
		u64 floor = fair->min_vruntime - latency_target() / 2;

		if (behind(se->vruntime, floor) < 0)
			se->vruntime = floor;
	}
	fair->load += se->weight;
	fair->nr_running++;
	rb_add(&fair->tasks, &se->node, entity_less);
	se->on_rq = true;
}

static void dequeue_fair(struct rq *rq, struct task_struct *task, bool sleep)
{
	struct sched_entity *se = &task->sched.entity;
	struct fair_rq *fair = &rq->fair;

	if (se->on_rq) {
		rb_erase(&fair->tasks, &se->node);
		se->on_rq = false;
	}
	fair->load -= se->weight;
	fair->nr_running--;
	update_min_vruntime(rq);
}

static void yield_fair(struct rq *rq)
{
	struct rb_node *last = rb_last(&rq->fair.tasks);
	struct sched_entity *se = &rq->curr->sched.entity;

	/* Behind everybody who waits. */
	if (last && behind(rb_entry(last, struct sched_entity, node)->vruntime, se->vruntime) >= 0)
		se->vruntime = rb_entry(last, struct sched_entity, node)->vruntime + 1;
}

static bool check_preempt_fair(struct rq *rq, struct task_struct *task)
{
	struct sched_entity *se = &task->sched.entity, *curr = &rq->curr->sched.entity;
	u64 granularity = WAKEUP_GRANULARITY * NICE_0_WEIGHT / se->weight;

	if (task->sched.policy == SCHED_BATCH || task->sched.policy == SCHED_IDLE)
		return false;
	if (rq->curr->sched.policy == SCHED_IDLE)
		return true;
	return behind(curr->vruntime, se->vruntime) > (s64)granularity;
}

static void set_curr_fair(struct rq *rq, struct sched_entity *se)
{
	if (se->on_rq) {
		rb_erase(&rq->fair.tasks, &se->node);
		se->on_rq = false;
	}
	se->exec_start = rq->clock;
	se->prev_sum_exec_runtime = se->sum_exec_runtime;
}

/* Somebody else decides among the runnable (--deterministic); NULL: the smallest vruntime. */
struct rb_node *(*fair_choose)(struct fair_rq *fair);

static struct task_struct *pick_fair(struct rq *rq)
{
	struct rb_node *node = unlikely(fair_choose) ? fair_choose(&rq->fair) : rb_first(&rq->fair.tasks);
	struct sched_entity *se = rb_entry_or_null(node, struct sched_entity, node);

	if (!se)
		return NULL;
	set_curr_fair(rq, se);
	return task_of(se);
}

static void put_prev_fair(struct rq *rq, struct task_struct *prev)
{
	struct sched_entity *se = &prev->sched.entity;

	if (prev->sched.on_rq && !se->on_rq) {
		rb_add(&rq->fair.tasks, &se->node, entity_less);
		se->on_rq = true;
	}
}

static void tick_fair(struct rq *rq, struct task_struct *curr)
{
	struct sched_entity *se = &curr->sched.entity;
	struct sched_entity *first = rb_entry_or_null(rb_first(&rq->fair.tasks), struct sched_entity, node);
	u64 ran = se->sum_exec_runtime - se->prev_sum_exec_runtime;

	if (!first)
		return;
	if (ran >= slice_of(&rq->fair, se))
		resched_curr(rq);
	else if (ran >= MIN_GRANULARITY && behind(se->vruntime, first->vruntime) > (s64)slice_of(&rq->fair, se))
		resched_curr(rq);
}

static void fork_fair(struct rq *rq, struct task_struct *child)
{
	struct sched_entity *se = &child->sched.entity;

	update_curr_fair(rq);
	se->vruntime = rq->fair.min_vruntime;
	if (rq->curr && rq->curr->sched.class == &fair_sched_class && behind(se->vruntime, rq->curr->sched.entity.vruntime) < 0)
		se->vruntime = rq->curr->sched.entity.vruntime;
}

static struct task_struct *steal_fair(struct rq *rq, int to_cpu)
{
	for (struct rb_node *n = rb_first(&rq->fair.tasks); n; n = rb_next(n)) {
		struct task_struct *task = task_of(rb_entry(n, struct sched_entity, node));

		if (task->sched.cpus_allowed >> to_cpu & 1)
			return task;
	}
	return NULL;
}

static void migrate_fair(struct rq *from, struct rq *to, struct task_struct *task)
{
	task->sched.entity.vruntime += to->fair.min_vruntime - from->fair.min_vruntime;
}

static u64 rr_interval_fair(struct rq *rq, struct task_struct *task)
{
	return rq->nr_running ? slice_of(&rq->fair, &task->sched.entity) : 0;
}

void sched_class_set_curr(struct rq *rq, struct task_struct *task)
{
	if (task->sched.class == &fair_sched_class) {
		set_curr_fair(rq, &task->sched.entity);
	} else {
		/* The rt class leaves the running task in its queue. */
		task->sched.entity.exec_start = rq->clock;
	}
}

const struct sched_class fair_sched_class = {
	.name = "fair",
	.enqueue_task = enqueue_fair,
	.dequeue_task = dequeue_fair,
	.yield_task = yield_fair,
	.check_preempt_curr = check_preempt_fair,
	.pick_next_task = pick_fair,
	.put_prev_task = put_prev_fair,
	.task_tick = tick_fair,
	.task_fork = fork_fair,
	.update_curr = update_curr_fair,
	.steal = steal_fair,
	.migrate_task_rq = migrate_fair,
	.get_rr_interval = rr_interval_fair,
};
