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
 *  - A SCHED_FIFO task gives its cpu only to more important ones, or by itself; a SCHED_RR task to an equal one only after its time slice.
 *  - No real-time task waits beside a cpu that it may use and that runs something less important for longer than the balance interval.
 *  - A deadline task never gets more than its runtime in a period, and never less if it wants it (where deadline and period are the same;
 *    on several cpus it may be late by less than a period).
 *  - Real-time tasks leave other tasks of their cpu the share that rt-runtime reserves for them.
 *  - A fair task that waits for fair tasks only gets its turn within some periods. (This and the next one only without a `tick`: with one, a
 *    light task may get much more than its turn, and then waits accordingly.)
 *  - As long as the same fair tasks run and wait on a cpu, each has what its weight gives it, up to one turn more or less for everybody.
 *
 * At the end: the cpus were busy for exactly as long as the tasks ran.
 */
#include "simulator/engine.h"

static struct {
	u64 min_vruntime;
	u64 real_time_since; /* only real-time tasks have run since then; NEVER: something else runs, or nothing */
	u64 fair_since;      /* only fair tasks have run since then */
	u64 company;         /* who runs and waits there, and with which weight: a fingerprint, */
	u64 company_now;     /* and as it is being computed */
	u64 company_since;
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
	if (!last[cpu].seen || last[cpu].company != last[cpu].company_now) {
		last[cpu].company = last[cpu].company_now;
		last[cpu].company_since = sim.now;
	}
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
	if (task->block_type == &sim_wait_queue && list_empty((struct list_head *)&task->waits.link))
		broken(task, "waits on in no queue: its wake-up was lost", NEVER);
	if (task->sched.on_rq)
		broken(task, "sleeps, and is on the queue of a cpu", NEVER);
}

/* Has used up what its class gives it, for now. */
static bool throttled(const struct task_struct *task)
{
	return task->sched.dl.throttled || (is_class(task, &rt_sched_class) && runqueues[task->sched.cpu].rt.throttled);
}

/* Deadline before real-time before fair: said here once more, so that a wrong order of the classes is noticed. */
static int importance(const struct task_struct *task)
{
	if (task->sched.policy == SCHED_DEADLINE)
		return 2;
	return sched_effective_priority(&task->sched) > 0;
}

static void check_order(const struct task_struct *task)
{
	const struct task_struct *curr = runqueues[task->sched.cpu].curr;

	if (!curr || throttled(task))
		return;
	if (importance(task) > importance(curr))
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

static u64 settings_period(const struct rq *rq)
{
	const struct sim_settings *settings = &sim.scenario->settings;

	return max(settings->latency * (u64)(32 - __builtin_clz(sim.scenario->cpus)), rq->nr_running * settings->min_granularity);
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

static void check_share(struct task_struct *task)
{
	const struct sim_settings *settings = &sim.scenario->settings;
	struct rq *rq = &runqueues[task->sched.cpu];
	u64 waits_since = max(task->ready_since, task->sched.arrived), since = last[rq->cpu].real_time_since, limit;

	if (!is_class(task, &fair_sched_class))
		return;
	/* Two budgets may follow each other. */
	limit = 2 * settings->rt_runtime + slack();
	if (since != NEVER && settings->rt_runtime < settings->rt_period && sim.now - max(since, waits_since) > limit)
		broken(task, "gets nothing of the share that rt-runtime leaves", max(since, waits_since));
	since = last[rq->cpu].fair_since;
	task->longest_period = max(task->longest_period, settings_period(rq));
	limit = 6 * task->longest_period;
	if (since != NEVER && !settings->tick && sim.now - max(since, waits_since) > limit)
		broken(task, "does not get its turn", max(since, waits_since));
}

/* A cpu that the task may use runs a less important one, or a fair one. */
static bool lower_cpu_allowed(const struct task_struct *task)
{
	for (unsigned i = 0; i < sim.scenario->cpus; i++) {
		const struct task_struct *curr = runqueues[i].curr;

		if (!curr || !allowed_on((struct task_struct *)task, (int)i) || runqueues[i].rt.throttled)
			continue;
		if (curr->sched.class->rank > task->sched.class->rank ||
		    (is_class(curr, &rt_sched_class) && sched_effective_priority(&curr->sched) < sched_effective_priority(&task->sched)))
			return true;
	}
	return false;
}

static void check_beside_lower(struct task_struct *task)
{
	u64 limit = sim.scenario->settings.balance_max + slack();

	if (task->beside_lower_since != NEVER && sim.now - task->beside_lower_since > limit)
		broken(task, "is real-time and waits beside a cpu that runs something less important", task->beside_lower_since);
	if (!is_class(task, &rt_sched_class) || throttled(task) || !lower_cpu_allowed(task))
		task->beside_lower_since = NEVER;
	else if (task->beside_lower_since == NEVER)
		task->beside_lower_since = sim.now;
}

/* ---- shares of the weights ---- */

static u64 mix(u64 x)
{
	x = (x ^ x >> 31) * 0x9e3779b97f4a7c15ULL;
	return x ^ x >> 29;
}

/* Sums do not depend on the order of the tasks. Whoever yields gives up what is due to it. */
static void add_to_company(const struct task_struct *task)
{
	u64 who = mix((u64)task->number << 32 | task->sched.entity.weight);

	last[task->sched.cpu].company_now += mix(who + ((u64)task->nr_yields << 8) + (u64)task->sched.class->rank);
}

static u64 runtime_now(const struct task_struct *task)
{
	const struct sched_entity *se = &task->sched.entity;

	return se->sum_exec_runtime + (runqueues[task->sched.cpu].curr == task ? sim.now - se->exec_start : 0);
}

static void check_weight(struct task_struct *task)
{
	struct rq *rq = &runqueues[task->sched.cpu];
	u64 since = last[rq->cpu].company_since, elapsed = sim.now - since, load = rq->fair.load, weight = task->sched.entity.weight;
	u64 got, due, period, slice, off;

	if (since == sim.now) {
		task->fair_runtime = runtime_now(task);
		task->fair_vruntime = task->sched.entity.vruntime;
		return;
	}
	if (!is_class(task, &fair_sched_class) || rq->fair.nr_running != rq->nr_running || sim.scenario->settings.tick)
		return;
	got = runtime_now(task) - task->fair_runtime;
	due = (u64)((unsigned __int128)elapsed * weight / load);
	period = max(settings_period(rq), sim.scenario->settings.latency);
	slice = period * weight / load;
	off = got > due ? got - due : due - got;
	/* What it was ahead or behind at the beginning is made up for: half a latency target at most, and one turn of each. */
	if (off > 4 * slice)
		broken(task, got > due ? "has run for too long for its weight among the tasks of its cpu" :
					 "has run for too short a time for its weight among the tasks of its cpu", since);
}

/* ---- deadlines ---- */

/* On one cpu whoever is admitted gets what was promised; on several there may be a delay, but less than a period. */
static void check_deadline(struct task_struct *task)
{
	const struct sched_dl_entity *dl = &task->sched.dl;
	u64 late = sim.scenario->cpus > 1 ? dl->dl_period : 0;

	if (task->dl_deadline != dl->deadline) {
		task->dl_deadline = dl->deadline;
		task->dl_runtime = runtime_now(task);
	}
	if (runtime_now(task) - task->dl_runtime > dl->dl_runtime)
		broken(task, "gets more than its runtime before its deadline", NEVER);
	if (task->sched.on_rq && !dl->throttled && (s64)(sim.now - dl->deadline - late) > 0 && dl->dl_deadline == dl->dl_period)
		broken(task, "has runtime left at its deadline", dl->deadline);
}

static void check_task(struct task_struct *task)
{
	bool running = runqueues[task->sched.cpu].curr == task;

	if (task->shown == SIM_STATE_NONE)
		return;
	if (task->state != TASK_RUNNING) {
		check_sleeper(task);
		task->beside_idle_since = task->beside_lower_since = NEVER;
		return;
	}
	if (!task->sched.on_rq && !task->sched.dl.throttled)
		broken(task, "is runnable, and on no queue", NEVER);
	if (task->sched.policy == SCHED_DEADLINE)
		check_deadline(task);
	if (task->sched.on_rq)
		check_weight(task);
	if (running) {
		task->beside_idle_since = task->beside_lower_since = NEVER;
		task->longest_period = 0;
		return;
	}
	check_order(task);
	check_beside_idle(task);
	check_beside_lower(task);
	check_share(task);
}

/* ---- switches ---- */

void check_switch(struct rq *rq, struct task_struct *prev, struct task_struct *next)
{
	bool yields = prev && prev->yields;

	if (prev)
		prev->yields = false;
	if (prev && prev != next && prev->state == TASK_RUNNING && is_class(prev, &rt_sched_class) && !yields && !throttled(prev) &&
	    prev->sched.cpu == rq->cpu && is_class(next, &rt_sched_class) &&
	    sched_effective_priority(&next->sched) <= sched_effective_priority(&prev->sched)) {
		if (prev->sched.policy != SCHED_RR)
			broken(prev, "is SCHED_FIFO and loses its cpu to a task that is not more important", NEVER);
		else if (runtime_now(prev) - prev->slice_runtime < sched_tunables.rr_slice)
			broken(prev, "is SCHED_RR and loses its cpu before its time slice is over", NEVER);
		prev->slice_runtime = runtime_now(prev);
	}
}

void check_rules(void)
{
	for (unsigned i = 0; i < sim.scenario->cpus; i++)
		last[i].company_now = 0;
	for (unsigned i = 0; i < sim.nr_tasks; i++)
		if (sim.tasks[i]->sched.on_rq)
			add_to_company(sim.tasks[i]);
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
