// SPDX-License-Identifier: Apache-2.0
/*
 * The scheduler's core: run queues, waking, choosing who runs. It knows no policy; the classes do (sched/internal.h).
 * It knows no stacks either: switch.c has them.
 */
#include "kernel/sched/internal.h"

#include "kernel/trace/trace.h"

struct rq runqueues[MAX_CPUS] __attribute__((section(".runqueues,\"aw\",@nobits#")));
cpumask_t idle_cpus, overloaded_cpus;
int nr_cpus = 1;

const struct sched_class *const sched_classes[NR_CLASSES] = {
	[CLASS_STOP] = &stop_sched_class,
	[CLASS_DEADLINE] = &dl_sched_class,
	[CLASS_RT] = &rt_sched_class,
	[CLASS_FAIR] = &fair_sched_class,
	[CLASS_IDLE] = &idle_sched_class,
};

u64 sched_start;

void sched_init(int n)
{
	sched_start = ktime_get();
	nr_cpus = n;
	idle_cpus = cpumask_first_n(n);
	for (int i = 0; i < n; i++) {
		struct rq *rq = &runqueues[i];

		rq->cpu = i;
		rq->capacity = 1024;
		rt_rq_init(&rq->rt);
		dl_rq_init(&rq->dl);
		rq_clock_update(rq);
		rq->idle_since = rq->clock;
	}
	sched_build_domains(NULL, SD_ALL);
}

/* ---- queues ---- */

void activate_task(struct rq *rq, struct task_struct *task, unsigned flags)
{
	task->sched.cpu = rq->cpu;
	task->sched.on_rq = true;
	task->sched.wait_start = rq->clock;
	task->sched.class->enqueue_task(rq, task, flags);
	if (task->sched.nr_cpus_allowed == 1)
		rq->nr_pinned++;
	rq->nr_running++;
	if (rq->nr_running == 1) {
		cpumask_clear(&idle_cpus, rq->cpu);
	} else {
		cpumask_set(&overloaded_cpus, rq->cpu);
		sched_want_tick(rq);
	}
}

void deactivate_task(struct rq *rq, struct task_struct *task, unsigned flags)
{
	task->sched.class->dequeue_task(rq, task, flags);
	task->sched.on_rq = false;
	if (task->sched.nr_cpus_allowed == 1)
		rq->nr_pinned--;
	if (--rq->nr_running == 1)
		cpumask_clear(&overloaded_cpus, rq->cpu);
}

void resched_curr(struct rq *rq)
{
	rq->need_resched = true;
	sched_kick_cpu(rq);
}

void check_preempt(struct rq *rq, struct task_struct *task)
{
	const struct sched_class *class = rq->curr ? rq->curr->sched.class : &idle_sched_class;

	if (class == task->sched.class) {
		class->update_curr(rq);
		if (class->check_preempt_curr(rq, task))
			resched_curr(rq);
	} else if (task->sched.class->rank < class->rank || rq->rt.throttled) {
		resched_curr(rq);
	}
}

void sched_pull_queued(struct task_struct *task, int cpu)
{
	struct rq *from = task_rq(task), *to = &runqueues[cpu];
	u64 waiting_since = task->sched.wait_start;

	rq_clock_update(to);
	trace_migrate(task, from->cpu, cpu);
	deactivate_task(from, task, 0);
	if (task->sched.class->migrate_task_rq)
		task->sched.class->migrate_task_rq(from, to, task);
	task->sched.nr_migrations++;
	task->sched.arrived = to->clock;
	sched_migrated(cpu);
	activate_task(to, task, 0);
	task->sched.wait_start = waiting_since;
}

void sched_move_queued(struct task_struct *task, int cpu)
{
	sched_pull_queued(task, cpu);
	check_preempt(&runqueues[cpu], task);
}

/* ---- waking ---- */

static void wake_on(struct task_struct *task, int cpu, bool sync)
{
	struct rq *from = task_rq(task), *rq = &runqueues[cpu];
	int here = sched_this_cpu();

	if (rq != from) {
		rq->clock = from->clock;
		if (task->sched.class->migrate_task_rq)
			task->sched.class->migrate_task_rq(from, rq, task);
		task->sched.nr_migrations++;
		task->sched.arrived = rq->clock;
		sched_migrated(cpu);
	}
	task->sched.nr_wakeups++;
	rq->nr_wakeups++;
	rq->nr_wakeups_local += cpu == here;
	trace_wakeup(task, from->cpu, cpu);
	activate_task(rq, task, ENQUEUE_WAKEUP);
	/* A waker that sleeps soon is not interrupted before it does; but more important tasks do not rely on its word. */
	if (!sync || cpu != here || !rq->curr || rq->curr->sched.class != &fair_sched_class || task->sched.class != &fair_sched_class)
		check_preempt(rq, task);
	if (task->sched.class->task_woken && !rq->need_resched)
		task->sched.class->task_woken(rq, task);
}

bool try_to_wake_up(struct task_struct *task, unsigned mask, bool sync)
{
	const struct sched_class *class = task->sched.class;
	struct rq *rq = task_rq(task);

	assert_kernel_locked();
	if (!(task->state & mask))
		return false;
	if (unlikely(task->state & TASK_FROZEN) && !(mask & TASK_FROZEN)) {
		task->state |= TASK_WAKE_HELD;
		return false;
	}
	if (task->sched.on_rq) { /* about to sleep, but not gone yet */
		task->state = TASK_RUNNING;
		return true;
	}
	task->state = TASK_WAKING;
	rq_clock_update(rq);
	if (class->task_waking && !class->task_waking(rq, task)) {
		task->state = TASK_RUNNING;
		return true;
	}
	sync = sync || sched_waker_leaves();
	wake_on(task, class->select_task_rq(task, sync ? SELECT_WAKE_SYNC : SELECT_WAKE), sync);
	task->state = TASK_RUNNING;
	return true;
}

bool wake_up_state(struct task_struct *task, unsigned mask) { return try_to_wake_up(task, mask, false); }

void wake_up_new_task(struct task_struct *task)
{
	struct rq *rq = &runqueues[task->sched.class->select_task_rq(task, SELECT_FORK)];

	task->state = TASK_RUNNING;
	task->sched.cpu = rq->cpu;
	rq_clock_update(rq);
	task->sched.arrived = rq->clock;
	if (task->sched.class->task_fork)
		task->sched.class->task_fork(rq, task);
	trace_wakeup(task, rq->cpu, rq->cpu);
	activate_task(rq, task, 0);
	/* The parent goes on: as a rule it is about to wait for the child. */
	if (rq->cpu != sched_this_cpu() || !rq->curr)
		check_preempt(rq, task);
}

/* ---- choosing who runs ---- */

static struct task_struct *pick_next_task(struct rq *rq)
{
	struct task_struct *next = NULL;

	/* Everything fair: no need to ask the others. */
	if (likely(rq->nr_running && rq->nr_running == rq->fair.nr_running && !rq->stop.fn))
		return fair_sched_class.pick_next_task(rq);
	if (!rq->nr_running && !rq->stop.fn && !balance_newidle(rq))
		return idle_sched_class.pick_next_task(rq);
	for (int i = 0; !next && i < NR_CLASSES; i++)
		next = sched_classes[i]->pick_next_task(rq);
	return next;
}

static void set_running(struct rq *rq, struct task_struct *next)
{
	if (!rq->curr)
		idle_sched_class.put_prev_task(rq, NULL);
	trace_switch(rq->cpu, rq->curr, next);
	rq->curr = next;
	if (next) {
		u64 waited = rq->clock - min(rq->clock, next->sched.wait_start);

		rq->nr_switches++;
		next->sched.wait_sum += waited;
		rq->run_delay += waited;
	}
}

/* A sleeper with something to act upon does not sleep. */
static bool stays_awake(struct task_struct *task)
{
	return (task->state & (TASK_KILLABLE_ONLY | TASK_FROZEN)) ? fatal_signal_pending(task) :
	       (task->state & TASK_INTERRUPTIBLE) && signal_pending(task);
}

/* The running task's part in sched_switch. */
static void put_prev(struct rq *rq, struct task_struct *prev)
{
	prev->sched.class->update_curr(rq);
	if (prev->state != TASK_RUNNING) {
		if (stays_awake(prev)) {
			prev->state = TASK_RUNNING;
		} else {
			deactivate_task(rq, prev, DEQUEUE_SLEEP);
			prev->block_start = rq->clock;
			trace_wait(prev);
			prev->sched.nvcsw++;
		}
	}
	prev->sched.wait_start = rq->clock;
	prev->sched.class->put_prev_task(rq, prev);
	if (unlikely(prev->sched.execs || !allowed_on(prev, rq->cpu)) && prev->sched.on_rq) {
		int cpu = prev->sched.class->select_task_rq(prev, prev->sched.execs ? SELECT_EXEC : SELECT_WAKE);

		prev->sched.execs = false;
		if (cpu != rq->cpu) {
			rq->curr = NULL;
			sched_move_queued(prev, cpu);
			rq->curr = prev;
		}
	}
}

struct task_struct *sched_switch(struct rq *rq)
{
	struct task_struct *prev = rq->curr, *next;

	rq->nr_schedules++;
	rq->need_resched = false;
	rq_clock_update(rq);
	if (prev && prev->sched.on_rq)
		put_prev(rq, prev);
	if (unlikely(!cpumask_empty(&urgent_cpus)))
		pull_urgent(rq);
	next = pick_next_task(rq);
	if (next == prev)
		return next;
	if (prev && prev->state == TASK_RUNNING)
		prev->sched.nivcsw++;
	if (prev && prev->sched.on_rq && unlikely(prev->sched.class->outranks))
		push_urgent(prev);
	set_running(rq, next);
	return next;
}

void sched_exit(struct task_struct *task)
{
	struct rq *rq = task_rq(task);

	rq_clock_update(rq);
	task->sched.class->update_curr(rq);
	deactivate_task(rq, task, DEQUEUE_SLEEP);
	task->sched.class->put_prev_task(rq, task);
	if (task->sched.class->task_leave)
		task->sched.class->task_leave(rq, task);
}

void sched_tick(struct rq *rq)
{
	rq_clock_update(rq);
	if (!rq->curr)
		return;
	rq->curr->sched.class->update_curr(rq);
	rq->curr->sched.class->task_tick(rq, rq->curr);
}

u64 sched_next_tick(struct rq *rq)
{
	return rq->curr ? rq->curr->sched.class->next_tick(rq, rq->curr) : NEVER;
}

void sched_yield_current(void)
{
	struct rq *rq = task_rq(current);

	rq_clock_update(rq);
	rq->nr_yields++;
	current->sched.class->update_curr(rq);
	current->sched.class->yield_task(rq);
	schedule();
}

/* ---- accounting ---- */

u64 task_runtime(struct task_struct *task)
{
	struct rq *rq = task_rq(task);

	if (rq->curr == task) {
		rq_clock_update(rq);
		task->sched.class->update_curr(rq);
	}
	return task->sched.entity.sum_exec_runtime;
}

unsigned nr_running_total(void)
{
	unsigned n = 0;

	for (int i = 0; i < nr_cpus; i++)
		n += runqueues[i].nr_running;
	return n;
}

u64 idle_time_ns(int cpu)
{
	struct rq *rq = &runqueues[cpu];

	return rq->idle_sum + (rq->curr ? 0 : ktime_get() - rq->idle_since);
}
