// SPDX-License-Identifier: Apache-2.0
/*
 * schedule() with stacks: core.c says who runs next, this file gets it to run. And what core.c asks of its surroundings
 * (sched/platform.h).
 */
#include "kernel/sched/switch.h"

#include "kernel/arch/x86_64/fpu.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/init/init.h"
#include "kernel/mm/mm.h"
#include "kernel/sched/carrier.h"
#include "kernel/task/freezer.h"
#include "kernel/task/signal.h"
#include "kernel/time/posix_timer.h"

struct cpu cpus[MAX_CPUS];

void sched_init_cpus(int n)
{
	struct cpu_topology topology[MAX_CPUS];

	sched_init(n);
	for (int i = 0; i < n; i++)
		topology[i] = (struct cpu_topology){ boot->topology[i].core, boot->topology[i].socket, boot->topology[i].node };
	/* A new task's address space is warm here, and its parent is about to wait for it. */
	sched_build_domains(boot->topology_known ? topology : NULL, SD_ALL & ~(SD_BALANCE_FORK | SD_BALANCE_EXEC));
	for (int i = 0; i < n; i++) {
		cpus[i].id = i;
		cpus[i].host_cpu = boot->host_cpu[i];
		cpus[i].rq = &runqueues[i];
		cpus[i].stats = stats_of(i);
	}
}

/* Loads what belongs to `next` into the carrier; its stack comes next. */
void carrier_load_task(struct carrier *carrier, struct task_struct *next)
{
	carrier->task = next;
	carrier->kernel_stack_top = (u64)next->stack + KERNEL_STACK_SIZE;
	if (cpu_timers_active(next))
		tick_hint = true;
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

void schedule(void)
{
	struct carrier *carrier = this_carrier();
	struct task_struct *prev = carrier->task, *next;
	struct rq *rq = carrier->cpu->rq;

	assert_kernel_locked();
	carrier->need_resched = 0;
	if (unlikely(prev->work & TIF_FREEZE))
		freezer_sleeps(prev);
	next = sched_switch(rq);
	if (unlikely(ktimers_next() <= rq->clock) && likely(!deterministic)) {
		ktimers_run(rq->clock);
		if (rq->need_resched)
			next = sched_switch(rq);
	}
	if (next == prev)
		return;
	carrier_unload_task(prev);
	/* The lock is held until prev's stack is left: nobody runs prev before, wherever it is queued. */
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
	/* With --deterministic a host signal is no reason. */
	if (this_carrier()->need_resched && (!deterministic || this_carrier()->cpu->rq->need_resched))
		schedule();
}

void kick_task(struct task_struct *task)
{
	struct cpu *cpu = &cpus[task->sched.cpu];

	if (task == current)
		this_carrier()->need_resched = 1;
	else if (cpu->rq->curr == task)
		cpu_preempt(cpu);
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
	struct task_struct *task = current;

	cpu->stats->preemptions++;
	if (cpu->tick) {
		cpu->tick = false;
		sched_tick(cpu->rq);
		if (unlikely(deterministic) ? task->sched.utime_ticks <= task->sched.stime_ticks : task->regs->entry == ENTRY_INTERRUPT)
			task->sched.utime_ticks++;
		else
			task->sched.stime_ticks++;
		cpu_timers_tick(task, 0);
	}
	if (cpu->rq->need_resched)
		schedule();
	clock_thread_kick_if_needed();
}

/* ---- sched/platform.h ---- */

int sched_this_cpu(void)
{
	const struct cpu *cpu = this_carrier()->cpu;

	return cpu ? cpu->id : -1;
}

void sched_kick_cpu(struct rq *rq)
{
	struct carrier *mine = this_carrier();
	struct cpu *cpu = &cpus[rq->cpu];

	if (cpu->active == mine)
		mine->need_resched = 1;
	else if (!rq->curr)
		cpu_wake_idle(cpu);
	else
		cpu_preempt(cpu);
}

void sched_want_tick(struct rq *rq)
{
	if (tick_hint)
		return;
	tick_hint = true;
	clock_thread_kick_if_needed();
}

bool sched_waker_leaves(void)
{
	const struct task_struct *task = current;

	return task && (task->flags & (PF_EXITING | PF_VFORK_CHILD));
}

/*
 * Two processes that wake each other on one cpu hand it over each time: two host calls and a switch by the host. If they do little between, and
 * another cpu is idle, they are faster apart, provided that each cpu looks for wake-ups (carrier.c) when the next one comes. Whether they
 * do, only a try shows: after TRY_FIRST such wake-ups in quick succession, and less and less often while it does not help.
 */
#define TRY_FIRST 64
#define TRY_LAST 16384
#define TRY_ROUNDS 16     /* until both have learned to look */
#define QUICK_NS 12000UL
static int try_rounds;

static bool is_idle(const struct cpu *cpu) { return !cpu->rq->curr && !cpu->rq->nr_running; }

/* It sleeps only for moments, and looks for what comes. */
static bool looks_for_wakeups(const struct cpu *cpu)
{
	return is_idle(cpu) && cpu->poll_ns && cpu->last_idle_ns < QUICK_NS && atomic_load(&cpu->idle_word) != CPU_SLEEPING;
}

/* A handover in quick succession: is it time to try another cpu? */
static bool time_to_try(struct cpu *cpu, u64 now)
{
	u32 until = max(cpu->handovers_until_try, TRY_FIRST);

	if (cpu->handovers++ == 0)
		cpu->handovers_since = now;
	if (now - cpu->handovers_since > cpu->handovers * QUICK_NS) {
		cpu->handovers = 0;
		return false;
	}
	if (cpu->handovers < until)
		return false;
	cpu->handovers = 0;
	cpu->handovers_until_try = min(until * 2, TRY_LAST);
	return true;
}

int sched_sooner_cpu(const struct task_struct *task)
{
	struct cpu *mine = this_carrier()->cpu, *last = &cpus[task->sched.cpu];

	if (nr_cpus == 1 || !current || !task->mm || task->mm == current->mm || sched_waker_leaves())
		return -1;
	if (last != mine) {
		if (looks_for_wakeups(last)) {
			mine->handovers_until_try = TRY_FIRST;
			return last->id;
		}
		return try_rounds > 0 && is_idle(last) ? try_rounds--, last->id : -1;
	}
	if (cpumask_empty(&idle_cpus) || !time_to_try(mine, last->rq->clock))
		return -1;
	try_rounds = TRY_ROUNDS;
	return cpumask_first(&idle_cpus);
}

void sched_migrated(int to_cpu) { cpus[to_cpu].stats->migrations++; }

void sched_dl_overrun(struct task_struct *task) { send_signal_thread(SIGXCPU, SEND_SIG_KERNEL, task); }
