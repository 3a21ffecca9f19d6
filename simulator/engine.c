// SPDX-License-Identifier: Apache-2.0
/*
 * The simulation's main loop: virtual time goes from event to event.
 *
 * At one instant things happen in this order: timers (sleepers wake, tasks start, budgets are filled again), balancing, then for each cpu
 * that is due, in the order of their numbers, what the running task does next and the scheduler's look at it, and last
 * the scheduler on every cpu that was told to call it, until nothing happens any more at this time.
 */
#include "simulator/engine.h"

#include "kernel/trace/trace.h"

struct sim sim;
struct task_struct *sim_current;

/* ---- cpus ---- */

static void touch(struct sim_cpu *cpu)
{
	if (cpu->touched)
		return;
	cpu->touched = true;
	sim.touched[sim.nr_touched++] = cpu->id;
}

/* What happens from here on happens on this cpu. */
static struct rq *enter(struct sim_cpu *cpu)
{
	sim.cpu = cpu->id;
	sim_current = runqueues[cpu->id].curr;
	touch(cpu);
	return &runqueues[cpu->id];
}

static void leave(void)
{
	sim.cpu = -1;
	sim_current = NULL;
}

static enum sim_state state_of(struct task_struct *task)
{
	if (task->state == TASK_DEAD)
		return SIM_STATE_NONE;
	if (task->state == TASK_RUNNING)
		return SIM_STATE_RUNNABLE;
	return task->block_type == &sim_wait_timer ? SIM_STATE_SLEEPING : SIM_STATE_WAITING;
}

static void switched(struct sim_cpu *cpu, struct task_struct *prev, struct task_struct *next)
{
	sim.totals.switches++;
	if (prev) {
		if (prev->busy)
			prev->left -= sim.now - prev->on_cpu_since;
		task_shows(prev, state_of(prev));
	} else {
		cpu->busy_since = sim.now;
	}
	cpu->run_end = NEVER;
	if (!next) {
		cpu->busy += sim.now - cpu->busy_since;
		return;
	}
	next->on_cpu_since = sim.now;
	if (next->busy)
		cpu->run_end = sim.now + next->left;
	task_shows(next, SIM_STATE_RUNNING);
}

/* What the running task was doing is over: it goes on with its script before anybody takes its cpu. */
static bool finished(struct sim_cpu *cpu, struct task_struct *task)
{
	if (!task || !task->busy || cpu->run_end > sim.now)
		return false;
	task->busy = false;
	task->left = 0;
	cpu->run_end = NEVER;
	return true;
}

static void switch_task(struct sim_cpu *cpu, struct rq *rq)
{
	struct task_struct *prev = rq->curr, *next;

	if (prev && prev->state == TASK_DEAD)
		sched_exit(prev);
	next = sched_switch(rq);
	if (sim.options.check)
		check_switch(rq, prev, next);
	if (next != prev)
		switched(cpu, prev, next);
	sim_current = next;
}

/* Until the cpu is idle or has a task with something to do. */
static void settle(struct sim_cpu *cpu)
{
	struct rq *rq = enter(cpu);

	while (!sim.failed) {
		struct task_struct *task = rq->curr;

		if (finished(cpu, task) || (task && !task->busy && !rq->need_resched)) {
			if (task_step(task)) {
				cpu->run_end = sim.now + task->left;
			} else if (task->state == TASK_RUNNING || task->state == TASK_DEAD) {
				switch_task(cpu, rq);
			} else {
				/* About to sleep: what others do at this time may come in between, and wake it. */
				resched_curr(rq);
				break;
			}
		} else if (rq->need_resched) {
			switch_task(cpu, rq);
		} else {
			break;
		}
	}
	leave();
}

static void cpu_is_due(struct sim_cpu *cpu)
{
	struct task_struct *task = runqueues[cpu->id].curr;

	settle(cpu);
	/* The scheduler's look at a task that is still there. */
	if (cpu->tick <= sim.now && !sim.failed && runqueues[cpu->id].curr == task) {
		sched_tick(enter(cpu));
		leave();
	}
	touch(cpu);
}

/* An event that asks for another one at the same time, for ever, is a mistake of the scheduler's. */
#define MAX_TICKS 10000

static bool ticks_too_often(struct sim_cpu *cpu)
{
	char time[SIM_TIME_TEXT];

	if (cpu->last_tick != sim.now) {
		cpu->last_tick = sim.now;
		cpu->ticks = 0;
	}
	if (++cpu->ticks < MAX_TICKS)
		return false;
	sim_fail(0, "at %s cpu %d asks for ticks for ever: this is a fault of the scheduler, not of the scenario", sim_time_text(time, sim.now), cpu->id);
	return true;
}

static void update_due(void)
{
	u64 tick = sim.scenario->settings.tick;

	for (; sim.nr_touched; sim.nr_touched--) {
		struct sim_cpu *cpu = &sim.cpus[sim.touched[sim.nr_touched - 1]];

		cpu->touched = false;
		/* If it is about to choose anew, that comes first. */
		cpu->tick = runqueues[cpu->id].need_resched ? NEVER : sched_next_tick(&runqueues[cpu->id]);
		/* With a tick of fixed length nothing is noticed in between. */
		if (tick && cpu->tick != NEVER)
			cpu->tick = max(ROUND_UP(cpu->tick, tick), sim.now / tick * tick + tick);
		cpu->due = min(cpu->tick, cpu->run_end);
		events_update(cpu);
	}
}

static void call_kicked(void)
{
	while (sim.nr_kicked && !sim.failed) {
		struct sim_cpu *cpu = &sim.cpus[sim.kicked[sim.kicked_first]];

		sim.kicked_first = (sim.kicked_first + 1) % sim.scenario->cpus;
		sim.nr_kicked--;
		cpu->kicked = false;
		settle(cpu);
	}
}

/* ---- what the scheduler asks of its surroundings ---- */

int sched_this_cpu(void) { return sim.cpu; }

void sched_kick_cpu(struct rq *rq)
{
	struct sim_cpu *cpu = &sim.cpus[rq->cpu];

	if (cpu->kicked)
		return;
	cpu->kicked = true;
	sim.kicked[(sim.kicked_first + sim.nr_kicked++) % sim.scenario->cpus] = cpu->id;
}

void sched_want_tick(struct rq *rq)
{
	touch(&sim.cpus[rq->cpu]);
	/* A cpu has got company: there is something to balance again. */
	if (sim.balance == NEVER)
		sim.balance = sim.now;
}

int sched_sooner_cpu(const struct task_struct *task) { return -1; }
bool sched_waker_leaves(void) { return sim_current && sim_current->state == TASK_DEAD; }
void sched_migrated(int to_cpu) { sim.totals.migrations++; }
void sched_dl_overrun(struct task_struct *task) {}
bool signal_pending(struct task_struct *task) { return false; }
bool fatal_signal_pending(struct task_struct *task) { return false; }
u64 ktime_get(void) { return sim.now; }
void sched_timer_armed(u64 expires) {}
/* Called by the scheduler itself only where the caller, task_step(), lets settle() switch. */
void schedule(void) {}
bool kernel_locked(void) { return true; }

/* Nobody traces: the simulator keeps its own records (task_shows). */
u32 trace_flags;
void __trace_switch(int cpu, struct task_struct *prev, struct task_struct *next) {}
void __trace_wakeup(struct task_struct *task, int from_cpu, int to_cpu) {}
void __trace_migrate(struct task_struct *task, int from_cpu, int to_cpu) {}
void __trace_wait(struct task_struct *task) {}

/* ---- the loop ---- */

static void balance(void)
{
	if (sim.balance <= sim.now)
		sim.balance = max(sched_balance_tick(sim.now), sim.now + 1);
}

static void one_instant(void)
{
	leave();
	ktimers_run(sim.now);
	call_kicked();
	balance();
	call_kicked();
	update_due();
	while (events_first()->due <= sim.now && !sim.failed) {
		while (events_first()->due <= sim.now && !ticks_too_often(events_first())) {
			sim.totals.events++;
			cpu_is_due(events_first());
			update_due();
		}
		call_kicked();
		update_due();
	}
	if (sim.options.check && !sim.failed)
		check_rules();
}

static void play(void)
{
	const struct scenario *s = sim.scenario;
	u64 sample = s->sample && sim.options.sample ? 0 : NEVER;

	for (;;) {
		u64 next = min(min(events_first()->due, ktimers_next()), min(sim.balance, sample));

		if (next > s->until || sim.failed)
			break;
		/* What became due while other things were done at this time is done at this time. */
		sim.now = max(next, sim.now);
		one_instant();
		if (sample > sim.now || sim.failed)
			continue;
		if (sim.options.sample(sim.options.arg, sim.now))
			break;
		sample += s->sample;
	}
	if (!sim.failed)
		sim.now = s->until;
}

/* ---- beginning and end ---- */

static void set_up_cpus(void)
{
	static struct cpu_topology topology[SIM_MAX_CPUS];
	const struct sim_topology *t = &sim.scenario->topology;
	const struct sim_settings *settings = &sim.scenario->settings;

	sched_tunables.latency = settings->latency;
	sched_tunables.min_granularity = settings->min_granularity;
	sched_tunables.wakeup_granularity = settings->wakeup_granularity;
	sched_tunables.rt_period = (s64)settings->rt_period;
	sched_tunables.rt_runtime = (s64)settings->rt_runtime;
	sched_init((int)sim.scenario->cpus);
	for (int i = 0; i < (int)sim.scenario->cpus; i++) {
		topology[i].core = i / (int)t->threads;
		topology[i].socket = topology[i].core / (int)t->cores;
		topology[i].node = topology[i].socket / (int)t->sockets;
	}
	sched_build_domains(topology, SD_ALL);
	for (int i = 0; i < nr_sched_domains; i++) {
		sched_domains[i].min_interval = sched_domains[i].balance_interval = settings->balance_min;
		sched_domains[i].max_interval = settings->balance_max;
	}
}

static bool set_up(void)
{
	const struct scenario *s = sim.scenario;

	sim.kicked = calloc(s->cpus, sizeof(*sim.kicked));
	sim.touched = calloc(s->cpus, sizeof(*sim.touched));
	sim.queues = calloc(s->nr_queues + 1, sizeof(*sim.queues));
	sim.copies = calloc(s->nr_types, sizeof(*sim.copies));
	if (!sim.kicked || !sim.touched || !sim.queues || !sim.copies) {
		sim_fail(0, "the scenario does not fit into memory: make it smaller");
		return false;
	}
	for (unsigned i = 0; i < s->nr_queues; i++)
		wait_queue_init(&sim.queues[i].wait);
	events_init();
	leave();
	set_up_cpus();
	task_starts();
	return !sim.failed;
}

int sim_run(const struct scenario *scenario, const char *name, const struct sim_options *options, struct sim_error *ret_error)
{
	sim.scenario = scenario;
	sim.name = name;
	sim.options = *options;
	sim.error = ret_error;
	sim.balance = NEVER;
	if (set_up())
		play();
	if (!sim.failed && sim.options.check)
		check_end();
	return sim.failed ? -1 : 0;
}

void sim_free(void)
{
	for (unsigned i = 0; i < sim.nr_tasks; i++)
		free(sim.tasks[i]);
	free(sim.tasks);
	free(sim.records);
	free(sim.starters);
	free(sim.kicked);
	free(sim.touched);
	free(sim.queues);
	free(sim.copies);
}

void sim_fail(unsigned line, const char *format, ...)
{
	char *text = sim.error->text;
	size_t size = sizeof(sim.error->text);
	va_list args;
	int n;

	if (sim.failed) /* the first one counts */
		return;
	sim.failed = true;
	n = line ? snprintf(text, size, "%.200s:%u: ", sim.name, line) : snprintf(text, size, "%.200s: ", sim.name);
	va_start(args, format);
	vsnprintf(text + n, size - (size_t)n, format, args);
	va_end(args);
}

void panic(const char *format, ...)
{
	va_list args;
	char text[512];

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	sim_panicked(text);
}
