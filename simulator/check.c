// SPDX-License-Identifier: Apache-2.0
/*
 * The rules that hold after every event, whatever the scenario (--check):
 *
 *  - A task is where its state says: a runnable one on a queue or a cpu, a sleeping one with its timer armed, a waiting one in a queue
 *    that has no wake-up left over. So no wake-up is lost.
 *  - A cpu is idle only if its queue is empty, and runs only tasks that may run there.
 *  - No runnable task waits beside an idle cpu that it may use for longer than the balance interval.
 *  - min_vruntime never falls.
 *  - Classes: nobody waits for a task of a lower class on the same cpu, nor a real-time task for one of lower priority, nor
 *    a deadline task for one with a later deadline; unless it has used up its share.
 *  - Real-time tasks leave other tasks of their cpu the share that rt-runtime reserves for them.
 *  - A fair task that waits for fair tasks only gets its turn within some periods.
 *
 * At the end: the cpus were busy for exactly as long as the tasks ran.
 */
#include "simulator/engine.h"

static struct {
	u64 min_vruntime;
	u64 real_time_since; /* only real-time tasks have run since then; NEVER: something else runs, or nothing */
	u64 fair_since;      /* only fair tasks have run since then */
	bool seen;
} last[SIM_MAX_CPUS];

static void broken(const struct task_struct *task, const char *rule, u64 since)
{
	char name[SIM_TASK_TEXT], now[SIM_TIME_TEXT], length[SIM_TIME_TEXT];

	sim_time_text(now, sim.now);
	sim_task_name(sim.scenario, task->number, name);
	if (since == NEVER)
		sim_fail(0, "rule broken at %s: task %s (policy %d, cpu %d) %s", now, name, task->sched.policy, task->sched.cpu, rule);
	else
		sim_fail(0, "rule broken at %s: task %s (policy %d, cpu %d) %s, for %s", now, name, task->sched.policy, task->sched.cpu, rule,
			 sim_time_text(length, sim.now - since));
}

static void broken_cpu(const struct rq *rq, const char *rule)
{
	char now[SIM_TIME_TEXT];

	sim_fail(0, "rule broken at %s: cpu %d (%u runnable) %s", sim_time_text(now, sim.now), rq->cpu, rq->nr_running, rule);
}

/* ---- cpus ---- */

static bool is_class(const struct task_struct *task, const struct sched_class *class) { return task && task->sched.class == class; }

static void check_cpu(struct rq *rq)
{
	const struct task_struct *curr = rq->curr;
	int cpu = rq->cpu;

	if (last[cpu].seen && (s64)(rq->fair.min_vruntime - last[cpu].min_vruntime) < 0)
		broken_cpu(rq, "has a min_vruntime that fell");
	last[cpu].min_vruntime = rq->fair.min_vruntime;
	if (!curr && rq->nr_running)
		broken_cpu(rq, "is idle beside tasks of its own queue");
	if (curr && (curr->state != TASK_RUNNING || !curr->sched.on_rq))
		broken(curr, "is on a cpu without being runnable", NEVER);
	if (curr && (!allowed_on((struct task_struct *)curr, cpu) || curr->sched.cpu != cpu))
		broken(curr, "is on a cpu where it may not be", NEVER);
	if (!is_class(curr, &rt_sched_class))
		last[cpu].real_time_since = NEVER;
	else if (!last[cpu].seen || last[cpu].real_time_since == NEVER)
		last[cpu].real_time_since = sim.now;
	if (!is_class(curr, &fair_sched_class))
		last[cpu].fair_since = NEVER;
	else if (!last[cpu].seen || last[cpu].fair_since == NEVER)
		last[cpu].fair_since = sim.now;
	last[cpu].seen = true;
}

/* ---- tasks ---- */

static void check_sleeper(const struct task_struct *task)
{
	if (task->block_type == &sim_wait_timer && (!task->timer.armed || task->timer.expires <= sim.now))
		broken(task, "sleeps on although its time has come", NEVER);
	if (task->block_type == &sim_wait_queue && ((struct sim_queue *)task->block_object)->tokens)
		broken(task, "waits on although it was woken", NEVER);
	if (task->sched.on_rq)
		broken(task, "sleeps, and is on the queue of a cpu", NEVER);
}

/* Has used up what its class gives it, for now. */
static bool throttled(const struct task_struct *task)
{
	return task->sched.dl.throttled || (is_class(task, &rt_sched_class) && runqueues[task->sched.cpu].rt.throttled);
}

static void check_order(const struct task_struct *task)
{
	const struct task_struct *curr = runqueues[task->sched.cpu].curr;

	if (!curr || throttled(task))
		return;
	if (task->sched.class->rank < curr->sched.class->rank)
		broken(task, "waits for a task of a lower class", NEVER);
	if (is_class(task, &rt_sched_class) && is_class(curr, &rt_sched_class) &&
	    sched_effective_priority(&task->sched) > sched_effective_priority(&curr->sched))
		broken(task, "waits for a real-time task of lower priority", NEVER);
	if (task->sched.policy == SCHED_DEADLINE && task->sched.class == curr->sched.class &&
	    (s64)(task->sched.dl.deadline - curr->sched.dl.deadline) < 0)
		broken(task, "waits for a task with a later deadline", NEVER);
}

static bool idle_cpu_allowed(struct task_struct *task)
{
	cpumask_t idle = cpumask_and(&idle_cpus, &task->sched.cpus_allowed);

	return !cpumask_empty(&idle);
}

static u64 slack(void) { return 2 * sim.scenario->settings.tick; }

static void check_beside_idle(struct task_struct *task)
{
	u64 limit = sim.scenario->settings.balance_max + slack();

	/* Nothing has changed since the last event: what was so then was so until now. */
	if (task->beside_idle_since != NEVER && sim.now - task->beside_idle_since > limit)
		broken(task, "waits beside an idle cpu", task->beside_idle_since);
	if (throttled(task) || !idle_cpu_allowed(task))
		task->beside_idle_since = NEVER;
	else if (task->beside_idle_since == NEVER)
		task->beside_idle_since = sim.now;
}

static void check_share(const struct task_struct *task)
{
	const struct sim_settings *settings = &sim.scenario->settings;
	struct rq *rq = &runqueues[task->sched.cpu];
	u64 waits_since = max(task->ready_since, task->sched.arrived), since = last[rq->cpu].real_time_since, period, limit;

	if (!is_class(task, &fair_sched_class))
		return;
	/* Two budgets may follow each other. */
	limit = 2 * settings->rt_runtime + slack();
	if (since != NEVER && settings->rt_runtime < settings->rt_period && sim.now - max(since, waits_since) > limit)
		broken(task, "gets nothing of the share that rt-runtime leaves", max(since, waits_since));
	since = last[rq->cpu].fair_since;
	period = max(settings->latency * (u64)(32 - __builtin_clz(sim.scenario->cpus)), rq->nr_running * settings->min_granularity);
	limit = 6 * period + slack() * rq->nr_running;
	if (since != NEVER && sim.now - max(since, waits_since) > limit)
		broken(task, "does not get its turn", max(since, waits_since));
}

static void check_task(struct task_struct *task)
{
	bool running = runqueues[task->sched.cpu].curr == task;

	if (task->shown == SIM_STATE_NONE)
		return;
	if (task->state != TASK_RUNNING) {
		check_sleeper(task);
		task->beside_idle_since = NEVER;
		return;
	}
	if (!task->sched.on_rq && !task->sched.dl.throttled)
		broken(task, "is runnable, and on no queue", NEVER);
	if (running) {
		task->beside_idle_since = NEVER;
		return;
	}
	check_order(task);
	check_beside_idle(task);
	check_share(task);
}

void check_rules(void)
{
	for (unsigned i = 0; i < sim.scenario->cpus && !sim.failed; i++)
		check_cpu(&runqueues[i]);
	for (unsigned i = 0; i < sim.nr_tasks && !sim.failed; i++)
		check_task(sim.tasks[i]);
}

void check_end(void)
{
	u64 busy = 0, ran = 0;

	check_rules();
	for (unsigned i = 0; i < sim.scenario->cpus; i++) {
		struct sim_cpu_info info;

		sim_cpu_info(i, &info);
		busy += info.busy;
	}
	for (unsigned i = 0; i < sim.nr_tasks; i++)
		ran += task_runtime(sim.tasks[i]);
	if (busy != ran)
		sim_fail(0, "rule broken at the end: the cpus were busy for %llu ns, the tasks ran for %llu ns", (unsigned long long)busy,
			 (unsigned long long)ran);
}
