// SPDX-License-Identifier: Apache-2.0
/*
 * Which cpu a task runs on: at fork and exec the least busy one; when it wakes an idle one near the cpu it was on; a cpu that
 * becomes idle takes a waiting task from another; and from time to time tasks go from the busiest group of a domain to the least
 * busy.
 *
 * A task of weight w moves only where the loads differ by more than w: so never for a difference of one task. Where such a
 * difference remains, as with three spinners on two cpus, tasks change places instead, so that all get the same in the long run.
 */
#include "kernel/sched/internal.h"

#define MEASURE_INTERVAL (16 * NSEC_PER_MSEC)
#define LEAST_CAPACITY 32 /* of 1024 */

/* How much of the cpu real-time and deadline tasks have left to others: half of it is what was so before. */
static void measure_capacity(struct rq *rq, u64 now)
{
	u64 passed = now - min(now, rq->measured), urgent;

	if (passed < MEASURE_INTERVAL)
		return;
	if (rq->curr && rq->curr->sched.class->outranks) {
		rq_clock_update(rq);
		rq->curr->sched.class->update_curr(rq);
	}
	urgent = min(rq->urgent_time - rq->urgent_before, passed);
	rq->capacity = (u32)max((rq->capacity + 1024 - urgent * 1024 / passed) / 2, (u64)LEAST_CAPACITY);
	rq->urgent_before = rq->urgent_time;
	rq->measured = now;
}

/* The weights of its tasks, the greater the less is left to them. */
static u64 load_of(const struct rq *rq)
{
	return rq->fair.load * 1024 / rq->capacity + (u64)(rq->nr_running - rq->fair.nr_running) * NICE_0_WEIGHT;
}

/* ---- waking, fork and exec ---- */

/* Of the idle cpus one whose core is idle as a whole, or the first. */
static int best_idle(const cpumask_t *idle)
{
	for_each_cpu_in(cpu, idle) {
		const struct sched_domain *sd = runqueues[cpu].domain;

		if (!sd || !(sd->flags & SD_SHARE_CORE) || cpumask_subset(&sd->span, &idle_cpus))
			return cpu;
	}
	return cpumask_first(idle);
}

#define SMALL_DOMAIN 64 /* cpus: as many as are looked at one by one at a wake-up */

int select_idle_cpu(struct task_struct *task, int near)
{
	cpumask_t idle = cpumask_and(&idle_cpus, &task->sched.cpus_allowed);
	struct sched_domain *sd = runqueues[near].domain;
	int best = allowed_on(task, near) ? near : cpumask_first(&task->sched.cpus_allowed);

	if (cpumask_test(&idle, near))
		return near;
	for (; sd && !cpumask_empty(&idle); sd = sd->parent) {
		cpumask_t local = cpumask_and(&idle, &sd->span);

		if ((sd->flags & SD_BALANCE_WAKE) && !cpumask_empty(&local))
			return best_idle(&local);
	}
	sd = runqueues[best].domain;
	if (sd && sd->weight <= SMALL_DOMAIN)
		for_each_cpu_in(cpu, &sd->span)
			if (allowed_on(task, cpu) && runqueues[cpu].nr_running < runqueues[best].nr_running)
				best = cpu;
	return best;
}

/* The average load of the group's cpus, as far as the task may run there; UINT64_MAX: it may not. */
static u64 group_load(const cpumask_t *group, const cpumask_t *allowed)
{
	u64 load = 0, cpus = 0;

	for_each_cpu_in(cpu, group) {
		if (cpumask_test(allowed, cpu)) {
			load += load_of(&runqueues[cpu]);
			cpus++;
		}
	}
	return cpus ? load * 64 / cpus : UINT64_MAX;
}

/* The group of sd with the least load; the cpu `here` wins among equals. */
static cpumask_t idlest_group(const struct sched_domain *sd, const cpumask_t *allowed, int here)
{
	cpumask_t best = { { 0 } }, left = sd->span;
	u64 least = UINT64_MAX;
	int cpu = here >= 0 && cpumask_test(&sd->span, here) ? here : cpumask_first(&left);

	for (; cpu < MAX_CPUS; cpu = cpumask_first(&left)) {
		cpumask_t group = sched_group_of(sd, cpu);
		u64 load = group_load(&group, allowed);

		if (load < least) {
			least = load;
			best = group;
		}
		for (int i = 0; i < CPUMASK_WORDS; i++)
			left.bits[i] &= ~group.bits[i];
	}
	return best;
}

/* The domain below sd that consists of these cpus; NULL: a single one. */
static struct sched_domain *domain_of(const cpumask_t *group, const struct sched_domain *sd)
{
	struct sched_domain *below = runqueues[cpumask_first(group)].domain;

	for (; below && below->parent != sd && below != sd; below = below->parent)
		;
	return below == sd ? NULL : below;
}

int select_idlest_cpu(struct task_struct *task, unsigned sd_flag)
{
	const cpumask_t *allowed = &task->sched.cpus_allowed;
	struct sched_domain *sd = top_domain;
	int here = sched_this_cpu(), found = -1;

	if (!sd || !(sd->flags & sd_flag))
		return -1;
	while (sd) {
		cpumask_t group = idlest_group(sd, allowed, here), cpus = cpumask_and(&group, allowed);

		if (cpumask_empty(&cpus))
			return found;
		found = cpumask_first(&cpus);
		sd = domain_of(&group, sd);
	}
	return found;
}

/* ---- moving ---- */

/* A waiting task of `from` that may run on that cpu, and does not weigh more than that. */
static struct task_struct *find_movable(struct rq *from, int to_cpu, u64 lighter_than)
{
	if (from->nr_running <= from->nr_pinned)
		return NULL;
	for (int i = 0; i < NR_CLASSES; i++) {
		struct task_struct *task = sched_classes[i]->movable_task ? sched_classes[i]->movable_task(from, to_cpu) : NULL;

		if (task && task->sched.entity.weight < lighter_than)
			return task;
	}
	return NULL;
}

/* A task for an idle cpu, from the busiest cpu of `span` that has one. */
static struct task_struct *find_for_idle(struct rq *rq, const cpumask_t *span)
{
	cpumask_t candidates = cpumask_and(&overloaded_cpus, span);

	while (!cpumask_empty(&candidates)) {
		int busiest = cpumask_first(&candidates);
		struct task_struct *task;

		for_each_cpu_in(cpu, &candidates)
			if (runqueues[cpu].nr_running > runqueues[busiest].nr_running)
				busiest = cpu;
		task = busiest == rq->cpu ? NULL : find_movable(&runqueues[busiest], rq->cpu, UINT64_MAX);
		if (task)
			return task;
		cpumask_clear(&candidates, busiest);
	}
	return NULL;
}

bool balance_newidle(struct rq *rq)
{
	if (cpumask_empty(&overloaded_cpus))
		return false;
	for (struct sched_domain *sd = rq->domain; sd; sd = sd->parent) {
		struct task_struct *task = sd->flags & SD_BALANCE_NEWIDLE ? find_for_idle(rq, &sd->span) : NULL;

		if (task) {
			sched_pull_queued(task, rq->cpu);
			return true;
		}
	}
	return false;
}

/* Cpus that sleep although something has waited elsewhere for a while. */
static void feed_idle_cpus(u64 now)
{
	cpumask_t idle = idle_cpus;

	for_each_cpu_in(cpu, &idle) {
		struct task_struct *task = find_for_idle(&runqueues[cpu], &top_domain->span);

		if (task && now - min(now, task->sched.wait_start) >= sched_tunables.migration_cost)
			sched_move_queued(task, cpu);
		if (cpumask_empty(&overloaded_cpus))
			break;
	}
}

/* ---- from group to group ---- */

static bool busier(const struct rq *a, const struct rq *b) { return load_of(a) > load_of(b); }

#define MOVES_AT_ONCE 32

/* Moves what it can from the busiest to the least busy cpu of the two groups: how many. */
static int level_groups(const cpumask_t *busy, const cpumask_t *calm)
{
	int moved = 0;

	for (; moved < MOVES_AT_ONCE; moved++) {
		struct rq *from = &runqueues[cpumask_first(busy)], *to = &runqueues[cpumask_first(calm)];
		struct task_struct *task;

		for_each_cpu_in(cpu, busy)
			if (busier(&runqueues[cpu], from))
				from = &runqueues[cpu];
		for_each_cpu_in(cpu, calm)
			if (busier(to, &runqueues[cpu]))
				to = &runqueues[cpu];
		if (from->nr_running < 2 || !busier(from, to))
			break;
		task = find_movable(from, to->cpu, (load_of(from) - load_of(to)) * to->capacity / 1024);
		if (!task)
			break;
		sched_move_queued(task, to->cpu);
	}
	return moved;
}

/* Of the first waiting ones the one that has been there longest and may go, of that weight; 0: any weight. */
static struct task_struct *longest_there(struct rq *rq, int to_cpu, u32 weight)
{
	struct task_struct *found = NULL;
	int looked_at = 0;

	for (struct rb_node *n = rb_first(&rq->fair.tasks); n && looked_at < MOVES_AT_ONCE; n = rb_next(n), looked_at++) {
		struct task_struct *task = rb_entry(n, struct task_struct, sched.entity.node);

		if (!allowed_on(task, to_cpu) || (weight && task->sched.entity.weight != weight))
			continue;
		if (!found || task->sched.arrived < found->sched.arrived)
			found = task;
	}
	return found;
}

/*
 * Changing places: first the cpu with one task more (A) sends the one that has been there longest, then the other (B) does. Both do
 * so as stop work, when the one that ran waits as well.
 */
static void rotate_back(struct rq *b, int a)
{
	struct task_struct *task = longest_there(b, a, 0);

	if (task && b->nr_running == runqueues[a].nr_running + 1)
		sched_move_queued(task, a);
}

static void rotate(struct rq *a, int cpu)
{
	struct rq *b = &runqueues[cpu];
	struct task_struct *task;

	if (a->nr_running != b->nr_running + 1 || !b->curr || b->curr->sched.class != &fair_sched_class)
		return;
	/* Only for one that weighs the same, or the loads would differ more than before. */
	task = longest_there(a, cpu, b->nr_running == 1 ? b->curr->sched.entity.weight : 0);
	if (!task)
		return;
	sched_move_queued(task, cpu);
	sched_stop_cpu(b, rotate_back, a->cpu);
}

/* What runs there has been there longer. */
static bool older(const struct rq *a, const struct rq *b)
{
	return a->curr && b->curr && a->curr->sched.arrived < b->curr->sched.arrived;
}

static void rotate_domain(struct sched_domain *sd, u64 now)
{
	struct rq *most = &runqueues[cpumask_first(&sd->span)], *least = most;

	if (!sched_tunables.rotation || now < sd->next_rotation)
		return;
	for_each_cpu_in(cpu, &sd->span) {
		struct rq *rq = &runqueues[cpu];

		if (rq->nr_running > most->nr_running || (rq->nr_running == most->nr_running && older(rq, most)))
			most = rq;
		if (rq->nr_running < least->nr_running || (rq->nr_running == least->nr_running && older(rq, least)))
			least = rq;
	}
	if (most->nr_running != least->nr_running + 1 || !least->nr_running)
		return;
	sd->next_rotation = now + sched_tunables.rotation;
	sd->nr_rotated++;
	sched_stop_cpu(most, rotate, least->cpu);
}

static void balance_domain(struct sched_domain *sd, u64 now)
{
	cpumask_t busiest = { { 0 } }, calmest = { { 0 } }, left = sd->span;
	u64 most = 0, least = UINT64_MAX;
	int moved = 0;

	for_each_cpu_in(cpu, &sd->span)
		measure_capacity(&runqueues[cpu], now);
	for (int cpu = cpumask_first(&left); cpu < MAX_CPUS; cpu = cpumask_first(&left)) {
		cpumask_t group = sched_group_of(sd, cpu);
		u64 load = group_load(&group, &group);

		if (load > most) {
			most = load;
			busiest = group;
		}
		if (load < least) {
			least = load;
			calmest = group;
		}
		for (int i = 0; i < CPUMASK_WORDS; i++)
			left.bits[i] &= ~group.bits[i];
	}
	if (most > least)
		moved = level_groups(&busiest, &calmest);
	if (!moved)
		rotate_domain(sd, now);
	sd->nr_balanced++;
	sd->nr_moved += (u64)moved;
	/* Where there is nothing to do, look less often. */
	sd->balance_interval = moved ? sd->min_interval : min(2 * sd->balance_interval, sd->max_interval);
	sd->next_balance = now + sd->balance_interval;
}

u64 sched_balance_tick(u64 now)
{
	u64 next = NEVER;

	if (cpumask_empty(&overloaded_cpus) || !top_domain)
		return NEVER;
	feed_idle_cpus(now);
	for (int i = 0; i < nr_sched_domains; i++) {
		struct sched_domain *sd = &sched_domains[i];

		if (!(sd->flags & SD_LOAD_BALANCE))
			continue;
		if (now >= sd->next_balance)
			balance_domain(sd, now);
		next = min(next, sd->next_balance);
	}
	return cpumask_empty(&overloaded_cpus) ? NEVER : next;
}
