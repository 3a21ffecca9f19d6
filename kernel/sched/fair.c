// SPDX-License-Identifier: Apache-2.0
/*
 * The fair class: SCHED_OTHER, SCHED_BATCH, SCHED_IDLE.
 *
 * Every runnable task is to run once within the period: the latency target L = 20 ms * (1 + log2 cpus), or as much longer as n
 * slices of min_granularity need. Each gets a slice of that period in proportion to its weight. vruntime is normalised so that a
 * task which has run its slice has advanced by the period, whatever its weight; the smallest vruntime runs next.
 *
 * min_vruntime only grows; new and woken tasks are raised to it, so that nobody can save up time by sleeping. One that has run
 * before is left half a latency target behind, so that whoever mostly sleeps runs soon after it wakes.
 *
 * All comparisons are of differences: vruntime may wrap.
 */
#include "kernel/sched/internal.h"

struct sched_tunables sched_tunables = {
	.latency = 20 * NSEC_PER_MSEC,
	.min_granularity = 4 * NSEC_PER_MSEC,
	.wakeup_granularity = 2 * NSEC_PER_MSEC,
	.rr_slice = 100 * NSEC_PER_MSEC,
	.migration_cost = 300 * NSEC_PER_USEC,
	.rotation = 40 * NSEC_PER_MSEC,
	.rt_period = NSEC_PER_SEC,
	.rt_runtime = 950 * NSEC_PER_MSEC,
};

/* Each step is a factor of about 1.25: one nice level is about 10 % of the CPU time (sched(7)). */
const u32 nice_to_weight[40] = {
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	9548,  7620,  6100,  4904,  3906,  3121,  2501,  1991,  1586,  1277,
	1024,  820,   655,   526,   423,   335,   272,   215,   172,   137,
	110,   87,    70,    56,    45,    36,    29,    23,    18,    15,
};

#define LONG_SLEEP (60 * NSEC_PER_SEC) /* its vruntime may have been overtaken by half its range */

static u64 latency_target(void)
{
	return sched_tunables.latency * (u64)(32 - __builtin_clz((unsigned)nr_cpus));
}

static u64 period_of(unsigned nr_running)
{
	return max(latency_target(), nr_running * sched_tunables.min_granularity);
}

static u64 slice_of(struct fair_rq *fair, struct sched_entity *se)
{
	return period_of(fair->nr_running) * se->weight / fair->load;
}

/* Signed distance, so that wrapping does no harm. */
static s64 behind(u64 a, u64 b) { return (s64)(a - b); }

static bool entity_less(const struct rb_node *a, const struct rb_node *b)
{
	return behind(rb_entry(a, struct sched_entity, node)->vruntime, rb_entry(b, struct sched_entity, node)->vruntime) < 0;
}

static struct task_struct *task_of(struct sched_entity *se) { return container_of(se, struct task_struct, sched.entity); }
static struct sched_entity *first_of(struct fair_rq *fair) { return rb_entry_or_null(rb_first(&fair->tasks), struct sched_entity, node); }

/* The running task's entity if it is one of ours and still runnable. */
static struct sched_entity *curr_of(struct rq *rq)
{
	return rq->curr && rq->curr->sched.class == &fair_sched_class && rq->curr->sched.on_rq ? &rq->curr->sched.entity : NULL;
}

static void update_min_vruntime(struct rq *rq, struct sched_entity *curr)
{
	struct fair_rq *fair = &rq->fair;
	struct sched_entity *first = first_of(fair);
	u64 floor;

	if (!curr && !first)
		return;
	floor = curr ? curr->vruntime : first->vruntime;
	if (first && behind(first->vruntime, floor) < 0)
		floor = first->vruntime;
	if (behind(floor, fair->min_vruntime) > 0)
		fair->min_vruntime = floor;
}

/* By how much vruntime grows in `delta`: the period for a slice, so delta * load / weight. */
static u64 weighted(u64 delta, u64 load, u32 weight)
{
	if (load == weight)
		return delta;
	delta = min(delta, load >> 28 ? 1ULL << 31 : 1ULL << 36); /* keeps the product in range */
	return weight == NICE_0_WEIGHT ? delta * load / NICE_0_WEIGHT : delta * load / weight;
}

static void update_curr_fair(struct rq *rq)
{
	struct sched_entity *se = &rq->curr->sched.entity;
	u64 delta = account_curr(rq);

	if (!delta)
		return;
	se->vruntime += weighted(delta, rq->fair.load, se->weight);
	rq->run_time += delta;
	update_min_vruntime(rq, se);
}

static void insert(struct fair_rq *fair, struct sched_entity *se)
{
	rb_add(&fair->tasks, &se->node, entity_less);
	se->on_rq = true;
}

static void remove(struct fair_rq *fair, struct sched_entity *se)
{
	if (!se->on_rq)
		return;
	rb_erase(&fair->tasks, &se->node);
	se->on_rq = false;
}

/*
 * Interrupting another cpu costs more than many a task runs between two sleeps. Whoever mostly sleeps again within moments is not
 * interrupted for one that wakes, unless it runs for much longer this time.
 */
#define SHORT_BURST (200 * NSEC_PER_USEC)
#define LONG_FOR_SHORT (2 * SHORT_BURST)

static void learn_burst(struct sched_entity *se)
{
	/* A long one now and then does not count for more: the host may have run something else. */
	u64 ran = min(max(se->sum_exec_runtime - se->woken_at, 1UL), 2 * SHORT_BURST);

	se->burst = se->burst ? se->burst - se->burst / 8 + ran / 8 : ran;
}

static bool is_short(const struct sched_entity *se) { return se->burst && se->burst < SHORT_BURST; }

static bool sleeps_soon(const struct sched_entity *se)
{
	return is_short(se) && se->sum_exec_runtime - se->woken_at < LONG_FOR_SHORT;
}

static void enqueue_fair(struct rq *rq, struct task_struct *task, unsigned flags)
{
	struct sched_entity *se = &task->sched.entity, *curr = curr_of(rq);
	struct fair_rq *fair = &rq->fair;

	if (flags & ENQUEUE_WAKEUP)
		se->woken_at = se->sum_exec_runtime;

	if (curr && curr != se) {
		update_curr_fair(rq);
		/* Alone it had no slices: in company its first begins now. */
		if (fair->nr_running == 1)
			curr->slice_start = curr->sum_exec_runtime;
	}
	fair->load += se->weight;
	fair->nr_running++;
	insert(fair, se);
}

static void dequeue_fair(struct rq *rq, struct task_struct *task, unsigned flags)
{
	struct sched_entity *se = &task->sched.entity, *curr = curr_of(rq);
	struct fair_rq *fair = &rq->fair;

	if (curr && curr != se)
		update_curr_fair(rq);
	if (flags & DEQUEUE_SLEEP)
		learn_burst(se);
	remove(fair, se);
	fair->load -= se->weight;
	fair->nr_running--;
	update_min_vruntime(rq, curr == se ? NULL : curr);
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
	s64 lead = behind(curr->vruntime, se->vruntime);

	if (task->sched.policy != SCHED_NORMAL)
		return false;
	if (rq->curr->sched.policy == SCHED_IDLE)
		return true;
	return lead > (s64)sched_tunables.wakeup_granularity && !sleeps_soon(curr);
}

static void set_curr_fair(struct rq *rq, struct task_struct *task)
{
	struct sched_entity *se = &task->sched.entity;

	remove(&rq->fair, se);
	se->exec_start = rq->clock;
	se->slice_start = se->sum_exec_runtime;
}

/* Somebody else decides among the runnable (--deterministic); NULL: the smallest vruntime. */
struct rb_node *(*fair_choose)(struct fair_rq *fair);

static struct task_struct *pick_fair(struct rq *rq)
{
	struct rb_node *node = unlikely(fair_choose) ? fair_choose(&rq->fair) : rb_first(&rq->fair.tasks);
	struct sched_entity *se = rb_entry_or_null(node, struct sched_entity, node);

	if (!se)
		return NULL;
	set_curr_fair(rq, task_of(se));
	return task_of(se);
}

static void put_prev_fair(struct rq *rq, struct task_struct *prev)
{
	if (prev->sched.on_rq && !prev->sched.entity.on_rq)
		insert(&rq->fair, &prev->sched.entity);
}

static void tick_fair(struct rq *rq, struct task_struct *curr)
{
	struct sched_entity *se = &curr->sched.entity;

	struct sched_entity *first = first_of(&rq->fair);

	if (rq->fair.nr_running < 2)
		return;
	if (se->sum_exec_runtime - se->slice_start >= slice_of(&rq->fair, se))
		resched_curr(rq);
	else if (first && is_short(se) && !sleeps_soon(se) && behind(se->vruntime, first->vruntime) > (s64)sched_tunables.wakeup_granularity)
		resched_curr(rq); /* it was expected to sleep by now */
}

static u64 next_tick_fair(struct rq *rq, struct task_struct *curr)
{
	struct sched_entity *se = &curr->sched.entity;
	u64 ran = se->sum_exec_runtime - se->slice_start, slice;

	if (rq->fair.nr_running < 2)
		return NEVER;
	slice = slice_of(&rq->fair, se);
	return se->exec_start + slice - min(slice, ran);
}

u64 fair_floor(struct rq *rq)
{
	if (curr_of(rq)) {
		rq_clock_update(rq);
		update_curr_fair(rq);
	}
	return rq->fair.min_vruntime;
}

static bool waking_fair(struct rq *rq, struct task_struct *task)
{
	struct sched_entity *se = &task->sched.entity;
	u64 floor = fair_floor(rq);

	if (se->sum_exec_runtime)
		floor -= latency_target() / 2;
	if (behind(se->vruntime, floor) < 0 || rq->clock - task->block_start > LONG_SLEEP)
		se->vruntime = floor;
	return true;
}

static void fork_fair(struct rq *rq, struct task_struct *child)
{
	struct sched_entity *se = &child->sched.entity, *curr = curr_of(rq);

	se->vruntime = fair_floor(rq);
	if (curr && behind(se->vruntime, curr->vruntime) < 0)
		se->vruntime = curr->vruntime;
}

static int select_fair(struct task_struct *task, enum select_reason reason)
{
	int here = sched_this_cpu();
	bool here_allowed = here >= 0 && allowed_on(task, here);

	if (reason == SELECT_FORK || reason == SELECT_EXEC) {
		int cpu = select_idlest_cpu(task, reason == SELECT_FORK ? SD_BALANCE_FORK : SD_BALANCE_EXEC);

		return cpu < 0 ? here_allowed ? here : cpumask_first(&task->sched.cpus_allowed) : cpu;
	}
	/* Whoever is about to go leaves its cpu to the one it wakes: another cpu would take longer to get going. */
	if (reason == SELECT_WAKE_SYNC && here_allowed && runqueues[here].nr_running <= 1) {
		int sooner = sched_sooner_cpu(task);

		return sooner >= 0 && allowed_on(task, sooner) ? sooner : here;
	}
	return select_idle_cpu(task, task->sched.cpu);
}

static struct task_struct *movable_fair(struct rq *rq, int to_cpu)
{
	for (struct rb_node *n = rb_first(&rq->fair.tasks); n; n = rb_next(n)) {
		struct task_struct *task = task_of(rb_entry(n, struct sched_entity, node));

		if (allowed_on(task, to_cpu))
			return task;
	}
	return NULL;
}

static void migrate_fair(struct rq *from, struct rq *to, struct task_struct *task)
{
	task->sched.entity.vruntime += fair_floor(to) - fair_floor(from);
}

static u64 rr_interval_fair(struct rq *rq, struct task_struct *task)
{
	if (task->sched.on_rq)
		return slice_of(&rq->fair, &task->sched.entity);
	return rq->nr_running ? period_of(rq->fair.nr_running + 1) * task->sched.entity.weight /
				(rq->fair.load + task->sched.entity.weight) : 0;
}

const struct sched_class fair_sched_class = {
	.name = "fair",
	.rank = CLASS_FAIR,
	.enqueue_task = enqueue_fair,
	.dequeue_task = dequeue_fair,
	.yield_task = yield_fair,
	.check_preempt_curr = check_preempt_fair,
	.pick_next_task = pick_fair,
	.put_prev_task = put_prev_fair,
	.set_curr_task = set_curr_fair,
	.task_tick = tick_fair,
	.next_tick = next_tick_fair,
	.task_waking = waking_fair,
	.task_fork = fork_fair,
	.select_task_rq = select_fair,
	.update_curr = update_curr_fair,
	.movable_task = movable_fair,
	.migrate_task_rq = migrate_fair,
	.get_rr_interval = rr_interval_fair,
};
