// SPDX-License-Identifier: Apache-2.0
/*
 * The scheduler's core: sleeping, waking, switching. It knows no policy; the classes do (sched/internal.h).
 */
#include "kernel/sched/internal.h"

#include "kernel/arch/x86_64/fpu.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/init/init.h"
#include "kernel/locking.h"
#include "kernel/mm/mm.h"
#include "kernel/sched/carrier.h"
#include "kernel/sched/switch.h"
#include "kernel/task/signal.h"
#include "kernel/time/posix_timer.h"
#include "kernel/trace/stats.h"
#include "kernel/trace/trace.h"

struct rq runqueues[MAX_CPUS] __cold_data;
struct cpu cpus[MAX_CPUS];
int nr_cpus = 1;

const struct sched_class *const sched_classes[] = { &rt_sched_class, &fair_sched_class, NULL };

void sched_init_cpus(int n)
{
	nr_cpus = n;
	for (int i = 0; i < n; i++) {
		struct rq *rq = &runqueues[i];

		rq->cpu = i;
		for (int p = 0; p < RT_PRIORITIES; p++)
			list_init(&rq->rt.queue[p]);
		cpus[i].id = i;
		cpus[i].host_cpu = boot->host_cpu[i];
		cpus[i].rq = rq;
		cpus[i].stats = stats_of(i);
		rq_clock_update(rq);
		rq->idle_since = rq->clock;
	}
}

void rq_clock_update(struct rq *rq) { rq->clock = ktime_get(); }

static struct rq *task_rq(struct task_struct *task) { return &runqueues[task->sched.cpu]; }

/* ---- queues ---- */

static void activate_task(struct rq *rq, struct task_struct *task, bool wakeup)
{
	task->sched.cpu = rq->cpu;
	task->sched.on_rq = true;
	task->sched.wait_start = rq->clock;
	task->sched.class->enqueue_task(rq, task, wakeup);
	if (++rq->nr_running > 1)
		tick_hint = true;
}

static void deactivate_task(struct rq *rq, struct task_struct *task, bool sleep)
{
	task->sched.class->dequeue_task(rq, task, sleep);
	task->sched.on_rq = false;
	rq->nr_running--;
}

static int class_rank(const struct sched_class *class)
{
	for (int i = 0; sched_classes[i]; i++)
		if (sched_classes[i] == class)
			return i;
	return MAX_CPUS;
}

/* The running task of rq is to be looked at soon. */
void resched_curr(struct rq *rq)
{
	struct carrier *mine = this_carrier();
	struct cpu *cpu = &cpus[rq->cpu];

	cpu->resched = true;
	if (cpu->active == mine)
		mine->need_resched = 1;
	else if (cpu_is_idle(cpu))
		cpu_wake_idle(cpu);
	else
		cpu_preempt(cpu);
}

static void check_preempt(struct rq *rq, struct task_struct *task)
{
	struct task_struct *curr = rq->curr;

	if (!curr) {
		cpu_wake_idle(&cpus[rq->cpu]);
		return;
	}
	if (curr->sched.class == task->sched.class) {
		curr->sched.class->update_curr(rq);
		if (curr->sched.class->check_preempt_curr(rq, task))
			resched_curr(rq);
	} else if (class_rank(task->sched.class) < class_rank(curr->sched.class)) {
		resched_curr(rq);
	}
	/* Who is not preempted goes by ticks from now on; it may never enter the kernel by itself, nor may the waker. */
	clock_thread_kick_if_needed();
}

static struct task_struct *pick_next_task(struct rq *rq)
{
	struct task_struct *next = NULL;

	if (rq->nr_running == 0 && !balance_pull(rq))
		return NULL;
	/* Everything fair: no need to ask the others. */
	if (rq->nr_running == rq->fair.nr_running)
		return fair_sched_class.pick_next_task(rq);
	for (int i = 0; !next && sched_classes[i]; i++)
		next = sched_classes[i]->pick_next_task(rq);
	return next;
}

/* ---- choosing a cpu ---- */

static bool allowed_on(struct task_struct *task, int cpu) { return task->sched.cpus_allowed >> cpu & 1; }

static bool cpu_free(int cpu) { return !runqueues[cpu].curr && runqueues[cpu].nr_running == 0; }

static int first_allowed(struct task_struct *task)
{
	for (int i = 0; i < nr_cpus; i++)
		if (allowed_on(task, i))
			return i;
	return 0;
}

static int select_cpu(struct task_struct *task, bool sync)
{
	int here = this_carrier()->cpu ? this_carrier()->cpu->id : -1, prev = task->sched.cpu;
	int best = -1;

	/* Whoever is about to go leaves its cpu to the one it wakes: another cpu would take longer to get going. */
	if (current && (current->flags & (PF_EXITING | PF_VFORK_CHILD)))
		sync = true;
	if (here >= 0 && sync && allowed_on(task, here) && runqueues[here].nr_running <= 1)
		return here;
	if (allowed_on(task, prev) && cpu_free(prev))
		return prev;
	for (int i = 0; i < nr_cpus; i++) {
		if (!allowed_on(task, i))
			continue;
		if (cpu_free(i))
			return i;
		if (best < 0 || runqueues[i].nr_running < runqueues[best].nr_running ||
		    (i == prev && runqueues[i].nr_running == runqueues[best].nr_running))
			best = i;
	}
	return best >= 0 ? best : first_allowed(task);
}

/* ---- waking ---- */

bool try_to_wake_up(struct task_struct *task, unsigned mask, bool sync)
{
	struct rq *rq;
	int cpu, from_cpu = task->sched.cpu;

	assert_kernel_locked();
	if (!(task->state & mask))
		return false;
	task->state = TASK_RUNNING;
	if (task->sched.on_rq) /* about to sleep, but not gone yet */
		return true;
	cpu = select_cpu(task, sync);
	rq = &runqueues[cpu];
	rq_clock_update(rq);
	if (cpu != task->sched.cpu) {
		task->sched.nr_migrations++;
		cpus[cpu].stats->migrations++;
		task->sched.class->migrate_task_rq(task_rq(task), rq, task);
	}
	task->sched.nr_wakeups++;
	trace_wakeup(task, from_cpu, cpu);
	activate_task(rq, task, true);
	/* A waker that sleeps soon is not interrupted before it does. */
	if (!sync || cpus[cpu].active != this_carrier() || !rq->curr)
		check_preempt(rq, task);
	else
		clock_thread_kick_if_needed();
	return true;
}

bool wake_up_state(struct task_struct *task, unsigned mask) { return try_to_wake_up(task, mask, false); }

void sched_fork(struct task_struct *child)
{
	struct sched_task *s = &child->sched;

	*s = current->sched;
	s->entity.sum_exec_runtime = s->entity.prev_sum_exec_runtime = 0;
	s->entity.on_rq = false;
	s->on_rq = s->on_cpu = false;
	s->nvcsw = s->nivcsw = s->wait_sum = s->nr_wakeups = s->nr_migrations = 0;
	s->utime_ticks = s->stime_ticks = 0;
	list_init(&s->rt_link);
	if (s->pi_priority) { /* loans are not inherited */
		s->pi_priority = 0;
		if (!s->rt_priority)
			s->class = &fair_sched_class;
	}
	if (s->reset_on_fork) {
		if (s->policy == SCHED_FIFO || s->policy == SCHED_RR) {
			s->policy = SCHED_NORMAL;
			s->class = &fair_sched_class;
			s->rt_priority = 0;
		}
		if (s->nice < 0)
			s->nice = 0;
		s->entity.weight = nice_to_weight[s->nice + 20];
		s->reset_on_fork = false;
	}
	child->state = TASK_NEW;
}

void wake_up_new_task(struct task_struct *task)
{
	int here = this_carrier()->cpu->id;
	struct rq *rq = &runqueues[allowed_on(task, here) ? here : first_allowed(task)];

	task->state = TASK_RUNNING;
	task->sched.cpu = rq->cpu;
	rq_clock_update(rq);
	if (task->sched.class->task_fork)
		task->sched.class->task_fork(rq, task);
	trace_wakeup(task, rq->cpu, rq->cpu);
	activate_task(rq, task, false);
	if (rq->cpu != here)
		check_preempt(rq, task);
	else
		clock_thread_kick_if_needed();
}

void kick_task(struct task_struct *task)
{
	struct cpu *cpu = &cpus[task->sched.cpu];

	if (task == current) {
		this_carrier()->need_resched = 1;
		return;
	}
	if (cpu->rq->curr == task)
		cpu_preempt(cpu);
}

/* ---- switching ---- */

static void account_switch(struct rq *rq, struct task_struct *next)
{
	rq->nr_switches++;
	next->sched.wait_sum += rq->clock - min(rq->clock, next->sched.wait_start);
}

void sched_set_running(struct rq *rq, struct task_struct *next)
{
	bool was_idle = !rq->curr;

	if (was_idle != !next) { /* to or from idle: nobody has looked at the clock in between */
		rq_clock_update(rq);
		if (was_idle)
			rq->idle_sum += rq->clock - rq->idle_since;
		else
			rq->idle_since = rq->clock;
	}
	trace_switch(rq->cpu, rq->curr, next);
	rq->curr = next;
	if (next) {
		account_switch(rq, next);
		if (cpu_timers_active(next))
			tick_hint = true;
	}
}

/* Loads what belongs to `next` into the carrier; its stack comes next. */
void carrier_load_task(struct carrier *carrier, struct task_struct *next)
{
	carrier->task = next;
	carrier->kernel_stack_top = (u64)next->stack + KERNEL_STACK_SIZE;
	if (next->mm)
		write_fs_base(next->fs_base);
}

void carrier_unload_task(struct task_struct *prev)
{
	if (prev->mm) {
		prev->fs_base = read_fs_base();
		fpu_switch_out(prev);
	}
}

struct task_struct *sched_pick(struct rq *rq)
{
	struct task_struct *next = pick_next_task(rq);

	sched_set_running(rq, next);
	return next;
}

void schedule(void)
{
	struct carrier *carrier = this_carrier();
	struct task_struct *prev = carrier->task, *next;
	struct rq *rq = carrier->cpu->rq;
	bool voluntary = false;

	assert_kernel_locked();
	debug_assert(rq->curr == prev);
	carrier->need_resched = 0;
	carrier->cpu->resched = false;
	rq_clock_update(rq);
	prev->sched.class->update_curr(rq);
	if (prev->state != TASK_RUNNING) {
		bool interrupted = (prev->state & TASK_KILLABLE_ONLY) ? fatal_signal_pending(prev) :
				   (prev->state & TASK_INTERRUPTIBLE) && signal_pending(prev);

		if (interrupted) {
			prev->state = TASK_RUNNING;
		} else {
			deactivate_task(rq, prev, true);
			prev->block_start = rq->clock;
			trace_wait(prev);
			voluntary = true;
		}
	}
	prev->sched.class->put_prev_task(rq, prev);
	next = pick_next_task(rq);
	if (next == prev) {
		rq->curr = prev;
		return;
	}
	if (voluntary)
		prev->sched.nvcsw++;
	else {
		prev->sched.nivcsw++;
		prev->sched.wait_start = rq->clock;
	}
	sched_set_running(rq, next);
	carrier_unload_task(prev);
	if (next && carrier_can_run(carrier, next)) {
		carrier->cpu->stats->switches_same++;
		if (next->mm && !list_empty(&next->mm->work))
			next->work |= TIF_MM_WORK;
		carrier_load_task(carrier, next);
		clock_thread_kick_if_needed();
		switch_stacks(&prev->kernel_sp, next->kernel_sp);
	} else {
		carrier->handoff_to = next;
		switch_stacks(&prev->kernel_sp, carrier->carrier_sp);
	}
	/* Running again, maybe on another carrier and cpu. */
	reap_dead_task();
}

void sched_task_starts(void) { reap_dead_task(); }

void cond_resched(void)
{
	if (this_carrier()->need_resched)
		schedule();
}

/* On its way out the current task asks the clock thread for ticks. */
void sched_request_tick(void)
{
	tick_hint = true;
	this_carrier()->need_resched = 1;
}

void sched_interrupt(void)
{
	struct cpu *cpu = this_carrier()->cpu;
	struct rq *rq = cpu->rq;
	struct task_struct *task = current;

	cpu->stats->preemptions++;
	if (cpu->tick) {
		cpu->tick = false;
		rq_clock_update(rq);
		task->sched.class->update_curr(rq);
		task->sched.class->task_tick(rq, task);
		if (task->regs->entry == ENTRY_INTERRUPT)
			task->sched.utime_ticks++;
		else
			task->sched.stime_ticks++;
		cpu_timers_tick(task, 0);
	}
	if (!(task->sched.cpus_allowed >> rq->cpu & 1))
		sched_migrate_current(first_allowed(task));
	else if (cpu->resched)
		schedule();
	clock_thread_kick_if_needed();
}

void sched_yield_current(void)
{
	struct rq *rq = this_carrier()->cpu->rq;

	rq_clock_update(rq);
	current->sched.class->update_curr(rq);
	current->sched.class->yield_task(rq);
	schedule();
}

/* ---- policies ---- */

static void requeue(struct task_struct *task, void (*change)(struct task_struct *, long), long value)
{
	struct rq *rq = task_rq(task);
	bool queued = task->sched.on_rq, running = rq->curr == task;

	rq_clock_update(rq);
	if (running) {
		task->sched.class->update_curr(rq);
		if (queued)
			task->sched.class->put_prev_task(rq, task);
	}
	if (queued)
		deactivate_task(rq, task, false);
	change(task, value);
	if (queued)
		activate_task(rq, task, false);
	if (running && queued) {
		/* Take it out of the queue again as the running one, then let it compete. */
		task->sched.class->dequeue_task(rq, task, false);
		task->sched.class->enqueue_task(rq, task, false);
		sched_class_set_curr(rq, task);
		resched_curr(rq);
	} else if (queued) {
		check_preempt(rq, task);
	}
}

static void change_nice(struct task_struct *task, long nice)
{
	task->sched.nice = (int)nice;
	task->sched.entity.weight = task->sched.policy == SCHED_IDLE ? 3 : nice_to_weight[nice + 20];
}

void set_user_nice(struct task_struct *task, int nice)
{
	requeue(task, change_nice, max(-20, min(19, nice)));
}

/* The class that policy and loan ask for. */
static void choose_class(struct task_struct *task)
{
	if (sched_effective_priority(&task->sched)) {
		task->sched.class = &rt_sched_class;
		return;
	}
	if (task->sched.class != &fair_sched_class)
		task->sched.entity.vruntime = task_rq(task)->fair.min_vruntime;
	task->sched.class = &fair_sched_class;
}

static void change_pi_priority(struct task_struct *task, long priority)
{
	task->sched.pi_priority = (int)priority;
	choose_class(task);
}

void sched_set_pi_priority(struct task_struct *task, int rt_priority)
{
	if (task->sched.pi_priority != rt_priority)
		requeue(task, change_pi_priority, rt_priority);
}

static void change_policy(struct task_struct *task, long packed)
{
	int policy = (int)(packed >> 16 & 0xff), priority = (int)(packed >> 8 & 0xff), nice = (int)(packed & 0xff) - 20;

	task->sched.policy = policy;
	task->sched.rt_priority = priority;
	choose_class(task);
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		task->sched.rt_slice_left = 100 * NSEC_PER_MSEC;
	else
		change_nice(task, nice);
}

int sched_setscheduler(struct task_struct *task, int policy, int rt_priority, int nice)
{
	bool rt = policy == SCHED_FIFO || policy == SCHED_RR;

	if (!rt && policy != SCHED_NORMAL && policy != SCHED_BATCH && policy != SCHED_IDLE)
		return -EINVAL;
	if (rt ? rt_priority < 1 || rt_priority > 99 : rt_priority != 0)
		return -EINVAL;
	requeue(task, change_policy, (long)policy << 16 | rt_priority << 8 | (nice + 20));
	return 0;
}

int sched_set_affinity(struct task_struct *task, u64 mask)
{
	struct rq *rq = task_rq(task);
	int cpu;

	mask &= nr_cpus == 64 ? ~0ULL : (1ULL << nr_cpus) - 1;
	if (!mask)
		return -EINVAL;
	task->sched.cpus_allowed = mask;
	if (mask >> rq->cpu & 1)
		return 0;
	cpu = first_allowed(task);
	if (rq->curr == task) {
		if (task == current) {
			sched_migrate_current(cpu);
			return 0;
		}
		resched_curr(rq); /* moves at its next pass through the balancer */
	} else if (task->sched.on_rq) {
		sched_move_queued(task, cpu);
	}
	return 0;
}

void sched_move_queued(struct task_struct *task, int cpu)
{
	struct rq *from = task_rq(task), *to = &runqueues[cpu];

	rq_clock_update(to);
	trace_migrate(task, from->cpu, cpu);
	deactivate_task(from, task, false);
	task->sched.class->migrate_task_rq(from, to, task);
	task->sched.nr_migrations++;
	cpus[cpu].stats->migrations++;
	activate_task(to, task, false);
	check_preempt(to, task);
}

/* A helper that moves the running task: it sleeps for the length of a switch and is queued elsewhere. */
void sched_migrate_current(int cpu)
{
	struct task_struct *task = current;
	struct rq *from = task_rq(task), *to = &runqueues[cpu];

	rq_clock_update(from);
	task->sched.class->update_curr(from);
	deactivate_task(from, task, false);
	task->sched.class->put_prev_task(from, task);
	task->sched.class->migrate_task_rq(from, to, task);
	rq_clock_update(to);
	trace_migrate(task, from->cpu, cpu);
	activate_task(to, task, false);
	check_preempt(to, task);
	task->sched.nr_migrations++;
	cpus[cpu].stats->migrations++;
	sched_switch_away(from);
}

/* The running task is already queued elsewhere (or nowhere): go to the next one here. */
void sched_switch_away(struct rq *rq)
{
	struct carrier *carrier = this_carrier();
	struct task_struct *prev = carrier->task, *next = pick_next_task(rq);

	carrier->need_resched = 0;
	sched_set_running(rq, next);
	carrier_unload_task(prev);
	/* Through the carrier's own stack, so that nobody can run prev while this stack is still in use: the lock is held. */
	carrier->handoff_to = next;
	switch_stacks(&prev->kernel_sp, carrier->carrier_sp);
	reap_dead_task();
}

void sched_exit(struct task_struct *task)
{
	struct rq *rq = task_rq(task);

	rq_clock_update(rq);
	task->sched.class->update_curr(rq);
	deactivate_task(rq, task, true);
	task->sched.class->put_prev_task(rq, task);
}

u64 sched_rr_interval(struct task_struct *task)
{
	return task->sched.class->get_rr_interval(task_rq(task), task);
}

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
