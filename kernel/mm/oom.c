// SPDX-License-Identifier: Apache-2.0
/*
 * Out of memory: the container is over its --memory. The largest process that pid 1 can do without is killed, and as long as
 * that is not enough the next, one after the other. Pid 1 goes only when there is no other; then the container ends.
 *
 * The monitor measures and repeats its event every few milliseconds while the container is over its limit. A victim needs a moment
 * to give its memory back; only until then nobody else is killed, since those that are left may be eating, too.
 */
#include "kernel/mm/oom.h"

#include "kernel/init/init.h"
#include "kernel/mm/mm.h"
#include "kernel/task/signal.h"

#define DEATH_TIME NSEC_PER_SEC            /* longer than that nobody waits for a victim */
#define TEARDOWN_TIME (50 * NSEC_PER_MSEC) /* the host frees the memory of a process that has ended */

static struct mm_struct *last_mm; /* of the last victim, counted; NULL: it has given back what it had */
static u64 killed_at, gone_at;

/* Of a process whose main thread has ended, another thread still has it. */
static struct mm_struct *process_mm(struct task_struct *leader)
{
	struct task_struct *t;

	for_each_thread(leader, t)
		if (t->mm && !(t->flags & PF_EXITING))
			return t->mm;
	return NULL;
}

static bool last_victim_is_dying(void)
{
	u64 now = ktime_get();

	if (!last_mm)
		return false;
	if (now - killed_at < DEATH_TIME) {
		if (!last_mm->dying || last_mm->nr_carriers)
			return true;
		gone_at = gone_at ? gone_at : now;
		if (now - gone_at < TEARDOWN_TIME)
			return true;
	}
	mm_put(last_mm);
	last_mm = NULL;
	return false;
}

/* 0: it cannot or must not be chosen. Sleeps. */
static u64 badness(struct task_struct *leader)
{
	struct mm_struct *mm = process_mm(leader);
	u64 points;

	if (!mm || leader == init_task || leader->signal->oom_score_adj == -1000 || leader->signal->group_exit)
		return 0;
	points = mm->data_vm / 1024 + 1;
	points += mm_rss_pages(mm);
	return points + points * (u64)max(0, leader->signal->oom_score_adj) / 100;
}

/* Counted; NULL: none, or those that are left end already. */
static struct task_struct *choose_victim(void)
{
	struct task_struct *t, *victim = NULL;
	bool some_end = false;
	u64 most = 0;

	/* Processes come and go while the monitor is asked: a number is a safe place to go on from, a list entry is not. */
	for (pid_t at = 1; (t = process_after(at)) != NULL;) {
		u64 points = badness(task_get(t));

		at = t->tgid;
		some_end |= t->signal->group_exit && t->signal->nr_live > 0;
		if (points > most) {
			if (victim)
				task_put(victim);
			victim = task_get(t);
			most = points;
		}
		task_put(t);
	}
	if (!victim && !some_end)
		victim = task_get(init_task);
	return victim;
}

void oom_kill(void)
{
	struct task_struct *victim = last_victim_is_dying() ? NULL : choose_victim();
	struct mm_struct *mm = victim && !victim->signal->group_exit ? process_mm(victim) : NULL;

	if (mm) {
		printk(KERN_WARNING, "out of memory: killed process %d (%s)", victim->tgid, victim->comm);
		kill_process(victim, "the container is out of memory");
		if (last_mm)
			mm_put(last_mm);
		last_mm = mm_get(mm);
		killed_at = ktime_get();
		channel->oom_kills++;
		note_monitor();
		gone_at = 0;
	}
	if (victim)
		task_put(victim);
}
