// SPDX-License-Identifier: Apache-2.0
/*
 * The deadline class: SCHED_DEADLINE. A task gets dl_runtime within dl_deadline, once every dl_period; the earliest deadline runs.
 *
 * Each task is kept to what it asked for (a constant bandwidth server): the runtime counts down while it runs; at zero the task is
 * throttled, that is off the run queue, until its next period begins with the runtime full again. A task that wakes keeps runtime
 * and deadline if, used up from now on, they would not exceed its bandwidth; else it begins a period.
 *
 * What all tasks ask for together may not exceed the part of the cpus that real-time tasks may have (admission, EBUSY).
 *
 * The running task stays in its queue.
 */
#include "kernel/sched/internal.h"

#define BANDWIDTH_ONE (1ULL << 20)
#define SHORTEST_RUNTIME 1024               /* ns */
#define SHORTEST_PERIOD (100 * NSEC_PER_USEC)
#define LONGEST_PERIOD ((1ULL << 22) * NSEC_PER_USEC)

static u64 total_bandwidth; /* of all tasks of the class, in 1 / 2^20 of a cpu */

static struct task_struct *task_of(struct sched_dl_entity *dl) { return container_of(dl, struct task_struct, sched.dl); }
static s64 before(u64 a, u64 b) { return (s64)(b - a); }

static bool earlier(const struct rb_node *a, const struct rb_node *b)
{
	return before(rb_entry(a, struct sched_dl_entity, node)->deadline, rb_entry(b, struct sched_dl_entity, node)->deadline) > 0;
}

static struct sched_dl_entity *first_of(struct rq *rq) { return rb_entry_or_null(rb_first(&rq->dl.tasks), struct sched_dl_entity, node); }

/* ---- parameters and admission ---- */

bool dl_params_valid(const struct sched_params *params)
{
	u64 period = params->dl_period ? params->dl_period : params->dl_deadline;

	return params->dl_deadline && params->dl_runtime >= SHORTEST_RUNTIME && !(params->dl_deadline >> 63) && !(period >> 63) &&
	       params->dl_runtime <= params->dl_deadline && params->dl_deadline <= period && period >= SHORTEST_PERIOD &&
	       period <= LONGEST_PERIOD;
}

static u64 bandwidth_of(const struct sched_params *params)
{
	return params->dl_runtime * BANDWIDTH_ONE / (params->dl_period ? params->dl_period : params->dl_deadline);
}

int dl_admit(const struct task_struct *task, const struct sched_params *params)
{
	s64 runtime = sched_tunables.rt_runtime;
	u64 limit = runtime < 0 ? UINT64_MAX : (u64)runtime * BANDWIDTH_ONE / (u64)sched_tunables.rt_period * (u64)nr_cpus;

	return total_bandwidth - task->sched.dl.bandwidth + bandwidth_of(params) > limit ? -EBUSY : 0;
}

bool dl_fits(s64 rt_runtime, s64 rt_period)
{
	return rt_runtime < 0 || total_bandwidth <= (u64)rt_runtime * BANDWIDTH_ONE / (u64)rt_period * (u64)nr_cpus;
}

/* ---- runtime ---- */

static void begin_period(struct sched_dl_entity *dl, u64 now)
{
	dl->deadline = now + dl->dl_deadline;
	dl->runtime = (s64)dl->dl_runtime;
}

static u64 next_period(const struct sched_dl_entity *dl) { return dl->deadline - dl->dl_deadline + dl->dl_period; }

/* The period that a throttled task waited for begins. */
static void replenish(struct ktimer *timer)
{
	struct sched_dl_entity *dl = container_of(timer, struct sched_dl_entity, replenish);
	struct task_struct *task = task_of(dl);
	struct rq *rq = &runqueues[dl_sched_class.select_task_rq(task, SELECT_WAKE)];

	rq_clock_update(rq);
	dl->throttled = false;
	while (dl->runtime <= 0) {
		dl->deadline += dl->dl_period;
		dl->runtime += (s64)dl->dl_runtime;
	}
	if (before(dl->deadline, rq->clock) > 0)
		begin_period(dl, rq->clock);
	activate_task(rq, task, 0);
	check_preempt(rq, task);
}

void dl_set_params(struct task_struct *task, const struct sched_params *params, u64 now)
{
	struct sched_dl_entity *dl = &task->sched.dl;

	total_bandwidth += bandwidth_of(params) - dl->bandwidth;
	dl->bandwidth = bandwidth_of(params);
	dl->dl_runtime = params->dl_runtime;
	dl->dl_deadline = params->dl_deadline;
	dl->dl_period = params->dl_period ? params->dl_period : params->dl_deadline;
	dl->flags = params->dl_flags;
	if (dl->throttled)
		ktimer_cancel(&dl->replenish);
	dl->throttled = false;
	ktimer_init(&dl->replenish, replenish);
	begin_period(dl, now);
}

static void leave_dl(struct rq *rq, struct task_struct *task)
{
	struct sched_dl_entity *dl = &task->sched.dl;

	ktimer_cancel(&dl->replenish);
	total_bandwidth -= dl->bandwidth;
	dl->bandwidth = 0;
	dl->throttled = false;
}

static void update_curr_dl(struct rq *rq)
{
	struct sched_dl_entity *dl = &rq->curr->sched.dl;
	u64 delta = account_curr(rq);

	rq->run_time += delta;
	rq->urgent_time += delta;
	dl->runtime -= (s64)delta;
	if (dl->runtime > 0 || dl->throttled)
		return;
	dl->throttled = true;
	if (dl->runtime < 0 && (dl->flags & SCHED_FLAG_DL_OVERRUN))
		sched_dl_overrun(rq->curr);
	resched_curr(rq);
}

static void budget_over(struct ktimer *timer)
{
	struct rq *rq = container_of(timer, struct rq, dl.budget);

	rq_clock_update(rq);
	if (rq->curr && rq->curr->sched.class == &dl_sched_class && rq->curr->sched.on_rq)
		update_curr_dl(rq);
}

void dl_rq_init(struct dl_rq *dl) { ktimer_init(&dl->budget, budget_over); }

/* ---- queues ---- */

static void enqueue_dl(struct rq *rq, struct task_struct *task, unsigned flags)
{
	rb_add(&rq->dl.tasks, &task->sched.dl.node, earlier);
	rq->dl.nr_running++;
	urgent_changed(rq);
}

static void dequeue_dl(struct rq *rq, struct task_struct *task, unsigned flags)
{
	rb_erase(&rq->dl.tasks, &task->sched.dl.node);
	rq->dl.nr_running--;
	urgent_changed(rq);
}

/* Gives up what is left of its runtime. */
static void yield_dl(struct rq *rq)
{
	rq->curr->sched.dl.runtime = 0;
	rq->curr->sched.dl.throttled = true;
}

static bool check_preempt_dl(struct rq *rq, struct task_struct *task)
{
	return before(task->sched.dl.deadline, rq->curr->sched.dl.deadline) > 0;
}

static void set_curr_dl(struct rq *rq, struct task_struct *task)
{
	task->sched.entity.exec_start = rq->clock;
	ktimer_arm(&rq->dl.budget, rq->clock + (u64)max(task->sched.dl.runtime, (s64)0));
}

static struct task_struct *pick_dl(struct rq *rq)
{
	struct sched_dl_entity *first = first_of(rq);

	if (!first)
		return NULL;
	set_curr_dl(rq, task_of(first));
	return task_of(first);
}

static void put_prev_dl(struct rq *rq, struct task_struct *prev)
{
	struct sched_dl_entity *dl = &prev->sched.dl;

	ktimer_cancel(&rq->dl.budget);
	if (!prev->sched.on_rq || !dl->throttled)
		return;
	deactivate_task(rq, prev, 0);
	ktimer_arm(&dl->replenish, next_period(dl));
}

static void tick_dl(struct rq *rq, struct task_struct *curr) {}
static u64 next_tick_dl(struct rq *rq, struct task_struct *curr) { return NEVER; } /* rq->dl.budget is exact */

/* With what is left of it until the deadline the task would get more than its bandwidth. */
static bool too_much_left(const struct sched_dl_entity *dl, u64 now)
{
	return ((u64)dl->runtime >> 10) * (dl->dl_deadline >> 10) > ((dl->deadline - now) >> 10) * (dl->dl_runtime >> 10);
}

static bool waking_dl(struct rq *rq, struct task_struct *task)
{
	struct sched_dl_entity *dl = &task->sched.dl;
	bool over = before(dl->deadline, rq->clock) >= 0;

	dl->throttled = false;
	if ((dl->runtime <= 0 || over) && before(rq->clock, next_period(dl)) > 0) {
		dl->throttled = true;
		dl->runtime = min(dl->runtime, (s64)0);
		ktimer_arm(&dl->replenish, next_period(dl));
		return false;
	}
	if (dl->runtime <= 0 || over || too_much_left(dl, rq->clock))
		begin_period(dl, rq->clock);
	return true;
}

/* ---- cpus ---- */

/* The cpu where the task, of those where it may run, runs soonest: one without such tasks, else where the deadline is latest. */
static int select_dl(struct task_struct *task, enum select_reason reason)
{
	int best = allowed_on(task, task->sched.cpu) ? task->sched.cpu : cpumask_first(&task->sched.cpus_allowed);
	cpumask_t idle = cpumask_and(&idle_cpus, &task->sched.cpus_allowed);

	if (!cpumask_empty(&idle))
		return cpumask_test(&idle, best) ? best : cpumask_first(&idle);
	if (!first_of(&runqueues[best]))
		return best;
	for_each_cpu_in(cpu, &task->sched.cpus_allowed) {
		struct sched_dl_entity *theirs = first_of(&runqueues[cpu]);

		if (!theirs)
			return cpu;
		if (before(first_of(&runqueues[best])->deadline, theirs->deadline) > 0)
			best = cpu;
	}
	return best;
}

static struct task_struct *movable_dl(struct rq *rq, int to_cpu)
{
	for (struct rb_node *n = rb_first(&rq->dl.tasks); n; n = rb_next(n)) {
		struct task_struct *task = task_of(rb_entry(n, struct sched_dl_entity, node));

		if (task != rq->curr && allowed_on(task, to_cpu))
			return task;
	}
	return NULL;
}

/* It would run there at once. */
static bool outranks_dl(struct task_struct *task, struct rq *rq)
{
	return !first_of(rq) || before(task->sched.dl.deadline, first_of(rq)->deadline) > 0;
}

static u64 rr_interval_dl(struct rq *rq, struct task_struct *task) { return 0; }

const struct sched_class dl_sched_class = {
	.name = "deadline",
	.rank = CLASS_DEADLINE,
	.enqueue_task = enqueue_dl,
	.dequeue_task = dequeue_dl,
	.yield_task = yield_dl,
	.check_preempt_curr = check_preempt_dl,
	.pick_next_task = pick_dl,
	.put_prev_task = put_prev_dl,
	.set_curr_task = set_curr_dl,
	.task_tick = tick_dl,
	.next_tick = next_tick_dl,
	.task_waking = waking_dl,
	.select_task_rq = select_dl,
	.update_curr = update_curr_dl,
	.movable_task = movable_dl,
	.outranks = outranks_dl,
	.task_leave = leave_dl,
	.get_rr_interval = rr_interval_dl,
};
