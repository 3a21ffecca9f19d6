// SPDX-License-Identifier: Apache-2.0
#include "kernel/sched/deterministic.h"

#include <linux/futex.h>

#include "host.gen.h"
#include "kernel/arch/x86_64/step.h"
#include "kernel/init/init.h"
#include "kernel/locking.h"
#include "kernel/mm/mm.h"
#include "kernel/sched/carrier.h"
#include "kernel/sched/internal.h"
#include "kernel/sched/wait_info.h"
#include "kernel/time/posix_timer.h"
#include "kernel/time/timer.h"

#define SYSCALL_NS 1000ULL /* what a system call takes */
#define TICK_NS 4000000ULL
#define SPIN_NS 1000000ULL   /* what passes for others to run while a task spins */
#define SPIN_CPU_NS 20000000ULL /* the same when it spins until its CPU time is used up */
#define PATIENCE_MS 30000    /* real time for which a task may compute without a system call while others wait */

static u64 state;               /* of the generator */
static unsigned switch_odds;    /* one in so many points is a switch */
static unsigned window_odds;    /* and so many begin a window of single steps */
static u64 points, windows;     /* so far */
static bool broken;             /* chance has had a hand in it */
static enum { NOTHING, LOOK, SWITCH } wanted; /* by the watch, of the task that is running */
static u64 next_tick = VIRTUAL_BOOT + TICK_NS;
static struct task_struct *avoid; /* not to be chosen if there is another */

/* splitmix64. */
static u64 draw(void)
{
	u64 z = (state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static u64 draw_below(u64 n) { return draw() % n; }

static struct task_struct *task_at(struct rb_node *node)
{
	return container_of(rb_entry(node, struct sched_entity, node), struct task_struct, sched.entity);
}

static struct rb_node *choose_any(struct fair_rq *fair)
{
	struct rb_node *node;
	u64 n = 0, index;

	for (node = rb_first(&fair->tasks); node; node = rb_next(node))
		n += task_at(node) != avoid;
	if (!n)
		return rb_first(&fair->tasks);
	index = draw_below(n);
	for (node = rb_first(&fair->tasks); node; node = rb_next(node))
		if (task_at(node) != avoid && !index--)
			break;
	return node;
}

/* Any of the runnable tasks of the fair class; one that only spins as long as it runs seldom, since that takes real time to see. */
static struct rb_node *choose(struct fair_rq *fair)
{
	struct rb_node *node = choose_any(fair);

	for (int i = 0; i < 6 && node && task_at(node)->spins; i++)
		node = choose_any(fair);
	avoid = NULL;
	return node;
}

void deterministic_init(u64 seed)
{
	state = seed;
	(void)draw();
	/* Some seeds switch often, some rarely: different faults show. */
	switch_odds = 2U << 2 * draw_below(4);
	window_odds = 1U << draw_below(3);
	fair_choose = choose;
	deterministic = true;
}

static void reschedule(struct task_struct *not_this)
{
	struct carrier *carrier = this_carrier();

	avoid = not_this;
	carrier->cpu->rq->need_resched = true;
	carrier->need_resched = 1;
}

static void run_what_is_due(void)
{
	u64 now = ktime_get();
	struct carrier *carrier = this_carrier();

	if (ktimers_next() <= now)
		ktimers_run(now);
	if (now < next_tick)
		return;
	next_tick = now + TICK_NS;
	carrier->cpu->tick = true;
	carrier->need_resched = 1;
}

/*
 * Begins a window for a task, or not. 1 to 1024 instructions, short ones as often as long ones; few in the long run, because each
 * instruction costs the host an interrupt.
 */
static void draw_window(struct task_struct *task, unsigned odds)
{
	if (windows > 2000)
		odds *= 64;
	else if (windows > 300)
		odds *= 8;
	task->steps_left = 0;
	if (!task->mm || task->mm->nr_tasks < 2 || draw_below(odds))
		return;
	windows++;
	task->steps_left = 1 + (unsigned)draw_below(16U << draw_below(7));
}

void deterministic_point(void)
{
	struct rq *rq = this_carrier()->cpu->rq;

	assert_kernel_locked();
	points++;
	current->spins = false;
	step_look_over();
	wanted = NOTHING;
	current->steps_left = 0;
	virtual_clock_advance(SYSCALL_NS);
	run_what_is_due();
	if (rq->nr_running < 2)
		return;
	if (draw_below(switch_odds) == 0)
		reschedule(current);
	draw_window(current, window_odds);
}

/* A lock is taken or given back: the moment around which most mistakes are. */
bool deterministic_ends_here(void) { return draw_below(4) == 0; }

void deterministic_window_over(void)
{
	struct task_struct *thread;

	points++;
	if (this_carrier()->cpu->rq->nr_running < 2)
		return;
	reschedule(current);
	/* What goes wrong may take several switches in a row, each at a bad moment. */
	for_each_thread(current, thread)
		if (thread->sched.on_rq && !thread->steps_left)
			draw_window(thread, 2);
}

/* Current gets nowhere: others run, or the time comes that something waits for. */
static void let_time_pass(void)
{
	if (this_carrier()->cpu->rq->nr_running > 1)
		virtual_clock_advance(SPIN_NS);
	else if (cpu_timers_active(current))
		virtual_clock_reach(min(ktime_get() + SPIN_CPU_NS, ktimers_next()));
	else if (ktimers_next() != NEVER)
		virtual_clock_reach(ktimers_next());
	points++;
	run_what_is_due();
	reschedule(current);
}

void deterministic_spins(void)
{
	current->spins = true;
	let_time_pass();
}

void deterministic_interrupted(void)
{
	if (wanted == LOOK) {
		/* Not within a window: it ends by itself, after as many instructions in every run, and a circle must not be found before. */
		if (!current->steps_left)
			step_look();
	} else if (wanted == SWITCH) {
		if (!broken)
			printk(KERN_WARNING, "%d (%s) has computed for %d seconds while others waited, and is interrupted: "
			       "from here on this run is not reproducible", current->tid, current->comm, PATIENCE_MS / 1000);
		broken = true;
		let_time_pass();
	}
	wanted = NOTHING;
}

void deterministic_watch(void)
{
	static u64 seen_points;
	static unsigned still, next_look;
	struct rq *rq = cpus[0].rq;

	assert_kernel_locked();
	if (points != seen_points) {
		seen_points = points;
		still = 0;
		next_look = 1;
		return;
	}
	still++;
	if (!rq->curr || !rq->curr->mm || (rq->nr_running < 2 && ktimers_next() == NEVER && !cpu_timers_active(rq->curr)))
		return;
	if (broken || still > PATIENCE_MS / DETERMINISTIC_WATCH_MS) {
		wanted = SWITCH;
	} else if (still >= next_look) {
		next_look = still * 2;
		wanted = LOOK;
	} else {
		return;
	}
	cpu_preempt(&cpus[0]);
}

/* Who waits for what, as far as the line goes. */
static void describe_waiters(char *text, size_t size)
{
	struct task_struct *t;
	int n = 0;

	for_each_task(t) {
		struct wait_info wait;

		if (t->flags & PF_KTHREAD || t->exit_state || n >= (int)size - 64)
			continue;
		n += scnprintf(text + n, size - (size_t)n, "%s%d (%s): %s", n ? "; " : "", t->tid, t->comm,
			       task_wait_text(t, &wait) ? wait.text : "sleeps");
	}
}

u64 deterministic_idle(void)
{
	u64 next = ktimers_next();
	char text[480] = "";

	assert_kernel_locked();
	if (next != NEVER) {
		virtual_clock_reach(next);
		return ktime_get();
	}
	describe_waiters(text, sizeof(text));
	container_refuse("nothing can happen any more, every task waits for another. %s", text);
}

static u32 host_events;

void deterministic_host_wait(void)
{
	u32 seen = host_events;

	kernel_unlock();
	host_futex(&host_events, FUTEX_WAIT_BITSET, seen, NULL, NULL, FUTEX_BITSET_MATCH_ANY);
	kernel_lock();
}

void deterministic_host_event(void)
{
	assert_kernel_locked();
	host_events++;
	host_futex(&host_events, FUTEX_WAKE, 1, NULL, NULL, 0);
}
