// SPDX-License-Identifier: Apache-2.0
/* Simulated tasks: how they come about, and what their scripts do. */
#include "simulator/engine.h"

#include <linux/sched/types.h>

/* Commands that take no time, in a row: more is an endless loop. */
#define MAX_STEPS 100000

const char *const sim_state_names[SIM_NR_STATES] = { "none", "running", "runnable", "timer", "queue" };

static const struct sim_task_type *type_of(struct task_struct *task) { return &sim.scenario->types[task->type]; }

/* ---- records ---- */

static void record(struct task_struct *task, enum sim_state state)
{
	/* Full at every power of two. */
	if ((sim.nr_records & (sim.nr_records - 1)) == 0) {
		struct sim_record *more = realloc(sim.records, (sim.nr_records ? sim.nr_records * 2 : 1) * sizeof(*more));

		if (!more) {
			sim_fail(0, "what happened does not fit into memory after %zu records: make the scenario shorter", sim.nr_records);
			return;
		}
		sim.records = more;
	}
	sim.records[sim.nr_records++] = (struct sim_record){
		.time = sim.now,
		.task = task->number,
		.cpu = (u16)task->sched.cpu,
		.state = (u8)state,
		.queue = state == SIM_STATE_WAITING ? (u32)((struct sim_queue *)task->block_object - sim.queues) : 0,
	};
}

void task_shows(struct task_struct *task, enum sim_state state)
{
	if (task->shown == SIM_STATE_RUNNABLE && state != SIM_STATE_RUNNABLE)
		task->waited += sim.now - task->ready_since;
	if (state == SIM_STATE_RUNNABLE && task->shown != SIM_STATE_RUNNABLE)
		task->ready_since = sim.now;
	if (state == SIM_STATE_RUNNING && task->woken_at != NEVER) {
		u64 latency = sim.now - task->woken_at;

		task->latency_max = max(task->latency_max, latency);
		task->latency_sum += latency;
		task->latency_count++;
		task->woken_at = NEVER;
	}
	task->shown = (u8)state;
	if (sim.options.record && !sim.failed)
		record(task, state);
}

/* ---- beginning ---- */

static struct task_struct *allocate(unsigned type)
{
	struct task_struct *task;

	if (sim.nr_tasks == SIM_MAX_TASKS)
		return NULL;
	if ((sim.nr_tasks & (sim.nr_tasks - 1)) == 0) {
		struct task_struct **more = realloc(sim.tasks, (sim.nr_tasks ? sim.nr_tasks * 2 : 1) * sizeof(*more));

		if (!more)
			return NULL;
		sim.tasks = more;
	}
	task = calloc(1, sizeof(*task));
	if (!task)
		return NULL;
	task->number = sim.nr_tasks;
	task->type = type;
	task->copy = sim.copies[type]++;
	sim.tasks[sim.nr_tasks++] = task;
	return task;
}

static bool set_policy(struct task_struct *task, const struct sim_policy *policy, unsigned line)
{
	struct sched_params params = {
		.policy = policy->policy,
		.nice = policy->nice,
		.rt_priority = policy->priority,
		.dl_runtime = policy->runtime,
		.dl_deadline = policy->deadline,
		.dl_period = policy->period,
	};
	int ret = sched_set_policy(task, &params);

	if (ret == -EBUSY)
		sim_fail(line, "policy deadline: the cpus have not this much time left for deadline tasks: ask for less, or give more cpus");
	else if (ret)
		sim_fail(line, "the scheduler refuses this policy with error %d: see sched(7) for what it allows", -ret);
	return ret == 0;
}

static bool set_cpus(struct task_struct *task, u64 mask, unsigned line)
{
	cpumask_t cpus;
	int ret;

	memcpy(&cpus, &sim.scenario->masks[mask], sizeof(cpus));
	ret = sched_set_affinity(task, &cpus);
	if (ret)
		sim_fail(line, "the scheduler refuses these cpus with error %d: a deadline task may not be bound to some of them", -ret);
	return ret == 0;
}

static bool wake_task(struct task_struct *task, bool sync)
{
	if (!try_to_wake_up(task, TASK_NORMAL, sync))
		return false;
	if (task->shown == SIM_STATE_RUNNING) /* it had not gone yet */
		return true;
	task->woken_at = sim.now;
	task_shows(task, SIM_STATE_RUNNABLE);
	return true;
}

static void timer_expired(struct ktimer *timer) { wake_task(container_of(timer, struct task_struct, timer), false); }

struct task_struct *task_create(unsigned number, struct task_struct *parent, unsigned line)
{
	const struct sim_task_type *type = &sim.scenario->types[number];
	struct task_struct *task = allocate(number);

	if (!task) {
		sim_fail(line, "task %s: there are %u tasks already, and no more are possible: let it run for a shorter time", type->name, sim.nr_tasks);
		return NULL;
	}
	task->pc = type->first;
	task->random = sim.scenario->seed * 0x9e3779b97f4a7c15ULL + task->number;
	task->woken_at = NEVER;
	task->beside_idle_since = task->beside_lower_since = NEVER;
	ktimer_init(&task->timer, timer_expired);
	list_init(&task->waits.link);
	if (!parent) {
		sched_task_init(task);
	} else if (sched_fork(task)) {
		sim_fail(line, "task %s: a deadline task cannot fork: let it change its policy before", type->name);
		return NULL;
	}
	if (type->has_policy && !set_policy(task, &type->policy, type->line))
		return NULL;
	if (type->cpus >= 0 && !set_cpus(task, (u64)type->cpus, type->line))
		return NULL;
	wake_up_new_task(task);
	task_shows(task, SIM_STATE_RUNNABLE);
	return task;
}

/* ---- those that start by themselves ---- */

struct starter {
	struct ktimer timer;
	unsigned type, left;
};

static void start_some(struct ktimer *timer)
{
	struct starter *starter = container_of(timer, struct starter, timer);
	const struct sim_task_type *type = &sim.scenario->types[starter->type];

	do {
		if (!task_create(starter->type, NULL, type->line))
			return;
		starter->left--;
	} while (starter->left && !type->every);
	if (starter->left)
		ktimer_arm(timer, timer->expires + type->every);
}

void task_starts(void)
{
	struct starter *starters = calloc(sim.scenario->nr_types, sizeof(*starters));

	sim.starters = starters;
	for (unsigned i = 0; starters && i < sim.scenario->nr_types; i++) {
		starters[i].type = i;
		starters[i].left = sim.scenario->types[i].count;
		ktimer_init(&starters[i].timer, start_some);
		if (starters[i].left)
			ktimer_arm(&starters[i].timer, sim.scenario->types[i].start);
	}
	if (!starters)
		sim_fail(0, "the tasks do not fit into memory: use fewer");
}

/* ---- commands ---- */

/* splitmix64: each task has its own numbers, whatever the others do. */
static u64 random_of(struct task_struct *task)
{
	u64 x = task->random += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static u64 duration(struct task_struct *task, const struct sim_instruction *at)
{
	return at->a + (at->b > at->a ? random_of(task) % (at->b - at->a + 1) : 0);
}

const struct wait_type sim_wait_timer = { .name = "timer", .kind = BLOCK_TIMER }, sim_wait_queue = { .name = "queue", .kind = BLOCK_QUEUE };

/* True if it sleeps now. */
static bool sleep_until(struct task_struct *task, u64 time)
{
	if (time <= sim.now)
		return false;
	prepare_to_sleep(TASK_INTERRUPTIBLE, &sim_wait_timer, &task->timer);
	ktimer_arm(&task->timer, time);
	return true;
}

/* Takes the waiter out of the queue, so that the next wake-up is for the next one. */
static bool waiter_woken(struct wait_queue_entry *entry, unsigned sync)
{
	struct sim_queue *queue = entry->private;

	wait_queue_remove(entry);
	queue->waiting--;
	return wake_task(entry->task, sync);
}

static bool wait_in(struct task_struct *task, struct sim_queue *queue)
{
	if (queue->tokens) {
		queue->tokens--;
		return false;
	}
	wait_entry_init_func(&task->waits, waiter_woken, queue);
	wait_queue_add_exclusive(&queue->wait, &task->waits);
	queue->waiting++;
	prepare_to_sleep(TASK_INTERRUPTIBLE, &sim_wait_queue, queue);
	return true;
}

/* What nobody waits for is kept for those who come; "all" is for those who wait now. */
static void wake(struct sim_queue *queue, const struct sim_instruction *at)
{
	u64 waiting = queue->waiting, n = at->b ? at->b : waiting;

	if (n && waiting)
		wake_up_common(&queue->wait, (int)min(n, waiting), at->sync);
	if (n > waiting)
		queue->tokens += n - waiting;
}

static void loop(struct task_struct *task, const struct sim_instruction *at)
{
	if (at->op == SIM_LOOP) {
		task->rounds[task->depth++] = (u32)at->a;
		return;
	}
	at = &sim.scenario->code[at->a];
	if (!at->a || --task->rounds[task->depth - 1])
		task->pc = (unsigned)(at - sim.scenario->code + 1);
	else
		task->depth--;
}

static bool too_many(struct task_struct *task, unsigned line)
{
	char time[SIM_TIME_TEXT];

	if (task->instant != sim.now) {
		task->instant = sim.now;
		task->steps = 0;
	}
	if (++task->steps <= MAX_STEPS)
		return false;
	sim_fail(line, "task %s repeats commands that take no time, for ever, at %s: put a run or a sleep into the loop", type_of(task)->name,
		 sim_time_text(time, sim.now));
	return true;
}

static void change_policy(struct task_struct *task, const struct sim_instruction *at)
{
	struct sim_policy policy = sim.scenario->policies[at->a];

	policy.nice = task->sched.nice;
	set_policy(task, &policy, at->line);
}

/* Executes one command. True: the task is to call the scheduler. */
static bool execute(struct task_struct *task, const struct sim_instruction *at)
{
	switch (at->op) {
	case SIM_SLEEP:
		return sleep_until(task, sim.now + duration(task, at));
	case SIM_UNTIL:
		return sleep_until(task, at->a);
	case SIM_WAIT:
		return wait_in(task, &sim.queues[at->a]);
	case SIM_WAKE:
		wake(&sim.queues[at->a], at);
		return false;
	case SIM_LOOP:
	case SIM_END:
		loop(task, at);
		return false;
	case SIM_FORK:
		task_create((unsigned)at->a, task, at->line);
		return false;
	case SIM_YIELD:
		task->yields = true;
		task->nr_yields++;
		sched_yield_current();
		return true;
	case SIM_EXEC:
		return sched_exec();
	case SIM_NICE:
		set_user_nice(task, (int)at->a - 20);
		return false;
	case SIM_POLICY:
		change_policy(task, at);
		return false;
	case SIM_CPUS:
		set_cpus(task, at->a, at->line);
		return false;
	default: /* SIM_EXIT */
		task->state = TASK_DEAD;
		return true;
	}
}

bool task_step(struct task_struct *task)
{
	struct rq *rq = &runqueues[sim.cpu];

	while (!sim.failed) {
		const struct sim_instruction *at = &sim.scenario->code[task->pc];

		if (too_many(task, at->line))
			break;
		task->pc++;
		if (at->op == SIM_RUN) {
			task->busy = true;
			task->left = duration(task, at);
			task->on_cpu_since = sim.now;
			return true;
		}
		if (execute(task, at) || rq->need_resched)
			return false;
	}
	return false;
}
