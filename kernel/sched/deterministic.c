// SPDX-License-Identifier: Apache-2.0
#include "kernel/sched/deterministic.h"

#include <linux/futex.h>

#include "host.gen.h"
#include "kernel/init/init.h"
#include "kernel/locking.h"
#include "kernel/mm/mm.h"
#include "kernel/sched/carrier.h"
#include "kernel/sched/internal.h"
#include "kernel/time/timer.h"

#define SYSCALL_NS 1000ULL /* what a system call takes */
#define TICK_NS 4000000ULL

static u64 state;               /* of the generator */
static unsigned switch_odds;    /* one in so many points is a switch */
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

/* Any of the runnable tasks of the fair class. */
static struct rb_node *choose(struct fair_rq *fair)
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
	avoid = NULL;
	return node;
}

void deterministic_init(u64 seed)
{
	state = seed;
	(void)draw();
	/* Some seeds switch often, some rarely: different faults show. */
	switch_odds = 2U << 2 * draw_below(4);
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

void deterministic_point(void)
{
	struct rq *rq = this_carrier()->cpu->rq;

	assert_kernel_locked();
	virtual_clock_advance(SYSCALL_NS);
	run_what_is_due();
	if (rq->nr_running < 2)
		return;
	if (draw_below(switch_odds) == 0)
		reschedule(current);
}

/* Who waits for what, as far as the line goes. */
static void describe_waiters(char *text, size_t size)
{
	static const char *const kinds[] = { "nothing", "the disk", "data", "a lock", "a time", "a child", "a continuation" };
	struct task_struct *t;
	int n = 0;

	for_each_task(t) {
		if (t->flags & PF_KTHREAD || t->exit_state || n >= (int)size - 64)
			continue;
		n += scnprintf(text + n, size - (size_t)n, "%s%d (%s) waits for %s", n ? ", " : "", t->tid, t->comm,
			       kinds[task_block_kind(t)]);
	}
}

u64 deterministic_idle(void)
{
	u64 next = ktimers_next();
	char text[400] = "";

	assert_kernel_locked();
	if (next != NEVER) {
		virtual_clock_reach(next);
		return ktime_get();
	}
	describe_waiters(text, sizeof(text));
	container_refuse("nothing can happen any more, every task waits for another: %s", text);
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
