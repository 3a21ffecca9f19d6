// SPDX-License-Identifier: Apache-2.0
/*
 * Carriers: host threads that run tasks on behalf of cpus.
 *
 * A carrier is parked (sleeps on its `run` word), active with a task (it stands on the task's stack), or active and idle (it
 * stands on its own stack, in idle_wait). All transitions happen with the kernel lock held:
 *
 *   parked  -> active   another carrier hands it a cpu, with the task to run or to idle
 *   active  -> parked   it hands its cpu on
 *   idle    -> active for another cpu   `claimed_for`: it gives its cpu to the kernel process and takes the other
 *   parked  -> gone     CARRIER_DIE: its mm has ended
 */
#include "kernel/sched/carrier.h"

#include <linux/futex.h>
#include <linux/mman.h>

#include "host.gen.h"
#include "include/abi/boot.h"
#include "kernel/arch/x86_64/asm-offsets.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/init/init.h"
#include "kernel/locking.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/mm.h"
#include "kernel/sched/deterministic.h"
#include "kernel/sched/switch.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/lifecycle.h"
#include "kernel/time/posix_timer.h"
#include "kernel/trace/trace.h"

extern char carrier_clone_start[], text_start[], text_end[], data_start[];
void carrier_host_exit(u32 *gone) __noreturn;

static LIST_HEAD(dead_carriers);
static int timer_cpu = -1;       /* the idle cpu that wakes for timers */
static u64 timer_cpu_deadline;

/* ---- making them ---- */

static struct carrier *reuse_dead(void)
{
	struct carrier *c;

	list_for_each_entry(c, &dead_carriers, mm_link) {
		if (READ_ONCE(c->gone)) {
			list_del(&c->mm_link);
			return c;
		}
	}
	return NULL;
}

struct carrier *carrier_alloc(struct mm_struct *mm)
{
	struct carrier *c = reuse_dead();

	if (!c)
		c = heap_pages_alloc(CARRIER_BLOCK_SIZE / PAGE_SIZE);
	if (!c)
		return NULL;
	memset(c, 0, sizeof(*c));
	c->self = c;
	c->magic = CARRIER_MAGIC_VALUE;
	c->mm = mm;
	c->claimed_for = -1;
	c->bound_cpu = -1;
	list_add_tail(&c->mm_link, &mm->carriers);
	mm->nr_carriers++;
	return c;
}

static void carrier_free(struct carrier *c)
{
	list_del(&c->mm_link);
	c->mm->nr_carriers--;
	heap_pages_free(c, CARRIER_BLOCK_SIZE / PAGE_SIZE);
}

/* The stack with which a cloned host thread begins: carrier_clone_start, then its argument. */
static void *clone_stack(struct carrier *c)
{
	u64 *sp = (u64 *)((char *)c + CARRIER_OWN_STACK_TOP);

	*--sp = 0;
	*--sp = (u64)c;
	*--sp = (u64)carrier_clone_start;
	return sp;
}

int carrier_clone_thread(struct carrier *c)
{
	long tid;

	kernel_unlock();
	tid = host_clone(HOST_CLONE_THREAD, clone_stack(c), &c->host_tid, NULL, 0);
	kernel_lock();
	c->bound_cpu = this_carrier()->bound_cpu;
	c->host_pid = c->mm->host_pid;
	this_carrier()->cpu->stats->carriers++;
	if (tid < 0)
		carrier_free(c);
	return tid < 0 ? (int)tid : 0;
}

int carrier_clone_process(struct carrier *c)
{
	long pid;

	kernel_unlock();
	pid = host_clone(HOST_CLONE_PROCESS, clone_stack(c), &c->host_tid, NULL, 0);
	kernel_lock();
	if (pid < 0) {
		carrier_free(c);
		return (int)pid;
	}
	this_carrier()->cpu->stats->host_processes++;
	c->bound_cpu = this_carrier()->bound_cpu; /* the host's clone inherits it */
	c->host_pid = (int)pid;
	c->mm->host_pid = (int)pid;
	return (int)pid;
}

int mm_reserve_carrier(struct mm_struct *mm)
{
	struct carrier *c;

	if (mm->nr_carriers >= min(mm->nr_tasks + 1, nr_cpus))
		return 0;
	c = carrier_alloc(mm);
	return c ? carrier_clone_thread(c) : -ENOMEM;
}

/* ---- work inside an address space ---- */

struct mm_work {
	struct list_head link;
	void (*fn)(void *arg);
	void *arg;
	bool started, done;
	struct wait_queue_head wait;
};

/* Runs what waits for this address space; the kernel lock is dropped meanwhile. */
void mm_do_work(struct mm_struct *mm)
{
	while (!list_empty(&mm->work)) {
		struct mm_work *work = list_first_entry(&mm->work, struct mm_work, link);

		list_del(&work->link);
		work->started = true;
		kernel_unlock();
		work->fn(work->arg);
		kernel_lock();
		work->done = true;
		wake_up_all(&work->wait);
		if (unlikely(deterministic))
			deterministic_host_event();
	}
}

static void describe_mm_work(const void *object, struct wait_info *info)
{
	wait_info_printf(info, "work in the address space of host process %d", ((const struct mm_struct *)object)->host_pid);
}
static const struct wait_type mm_work_wait = { "other address space", BLOCK_LOCK, describe_mm_work };

int mm_run_on_carrier(struct mm_struct *mm, void (*fn)(void *arg), void *arg)
{
	struct mm_work work = { .fn = fn, .arg = arg };
	struct carrier *c;

	if (mm == current->mm) {
		fn(arg);
		return 0;
	}
	if (mm->dying || list_empty(&mm->carriers))
		return -ESRCH;
	wait_queue_init(&work.wait);
	list_add_tail(&work.link, &mm->work);
	list_for_each_entry(c, &mm->carriers, mm_link) {
		if (atomic_load(&c->run) == CARRIER_PARKED) {
			atomic_store(&c->run, CARRIER_WORK);
			host_futex((u32 *)&c->run, FUTEX_WAKE, 1, NULL, NULL, 0);
			break;
		}
		if (c->idle) {
			cpu_wake_idle(c->cpu);
			break;
		}
		if (c->task && c->cpu->rq->curr == c->task) {
			c->task->work |= TIF_MM_WORK;
			cpu_preempt(c->cpu);
		}
	}
	if (unlikely(deterministic)) /* the other host thread is done when it is done: nothing else may happen until then */
		while (!work.done)
			deterministic_host_wait();
	wait_event(&work.wait, &mm_work_wait, mm, work.done);
	return 0;
}

/* Nobody will serve the queue any more. */
static void mm_fail_work(struct mm_struct *mm)
{
	while (!list_empty(&mm->work)) {
		struct mm_work *work = list_first_entry(&mm->work, struct mm_work, link);

		list_del(&work->link);
		work->done = true;
		wake_up_all(&work->wait);
	}
}

/* ---- idle ---- */

bool cpu_is_idle(struct cpu *cpu) { return cpu->rq->curr == NULL; }

void cpu_wake_idle(struct cpu *cpu)
{
	if (atomic_exchange(&cpu->idle_word, CPU_BUSY) != CPU_SLEEPING)
		return;
	cpu->stats->remote_wakeups++;
	WRITE_ONCE(cpu->woken_at, unlikely(deterministic) ? 0 : ktime_get());
	host_futex((u32 *)&cpu->idle_word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void cpu_preempt(struct cpu *cpu)
{
	struct carrier *c = cpu->active;

	if (READ_ONCE(c->need_resched) || c->idle)
		return;
	WRITE_ONCE(c->need_resched, 1);
	if (c != this_carrier() && READ_ONCE(c->ready)) {
		cpu->stats->preempt_signals++;
		host_tgkill(c->host_pid, c->host_tid, HOST_SIGNAL_PREEMPT);
	}
}

void sched_timer_armed(u64 expires)
{
	struct carrier *c = this_carrier();

	if (timer_cpu >= 0 && expires >= timer_cpu_deadline)
		return;
	if (c->cpu)
		c->need_resched = 1; /* on its way out it sees to it, if it is still needed then; if it becomes idle, it waits for it itself */
	else
		timer_cpu_kick_if_needed();
}

void timer_cpu_kick_if_needed(void)
{
	if (timer_cpu >= 0 && ktimers_next() < timer_cpu_deadline)
		cpu_wake_idle(&cpus[timer_cpu]);
}

bool clock_thread_owns_timers(void) { return timer_cpu < 0; }

static long futex_wait_until(atomic_uint *word, u32 value, u64 deadline)
{
	struct timespec64 { s64 tv_sec, tv_nsec; } ts = { (s64)(deadline / NSEC_PER_SEC), (s64)(deadline % NSEC_PER_SEC) };

	return host_futex((u32 *)word, FUTEX_WAIT_BITSET, value, deadline == NEVER ? NULL : (void *)&ts, NULL, FUTEX_BITSET_MATCH_ANY);
}

/*
 * Before it sleeps, an idle cpu looks for a while whether it is woken: then neither side makes a host call. How long, it learns from how
 * long it was idle before: not at all if that was mostly longer than looking may last.
 */
#define POLL_START_NS 20000
#define POLL_MAX_NS 80000

static void learn_to_poll(struct cpu *cpu, u64 idle_ns)
{
	cpu->last_idle_ns = idle_ns;
	if (idle_ns > POLL_MAX_NS)
		cpu->poll_ns = cpu->poll_ns > POLL_START_NS ? cpu->poll_ns / 2 : 0;
	else if (idle_ns > cpu->poll_ns)
		cpu->poll_ns = min(max(cpu->poll_ns * 2, POLL_START_NS), POLL_MAX_NS);
}

/* True: it was woken. Else the word says that it sleeps. */
static bool poll_idle(struct cpu *cpu, u64 start, u64 next)
{
	u64 end = min(start + cpu->poll_ns, next);
	unsigned polling = CPU_POLLING;

	do {
		for (int i = 0; i < 8; i++) {
			if (atomic_load_explicit(&cpu->idle_word, memory_order_acquire) != CPU_POLLING)
				return true;
			cpu_relax();
		}
	} while (ktime_get() < end);
	return !atomic_compare_exchange_strong(&cpu->idle_word, &polling, CPU_SLEEPING);
}

/* Runs what is due; when the next timer is. */
static u64 idle_timers(u64 now)
{
	if (unlikely(heap_wants_trim()))
		heap_trim_later();
	return ktimers_run(now);
}

static void idle_wait(struct carrier *c)
{
	struct cpu *cpu = c->cpu;
	u64 start = unlikely(deterministic) ? deterministic_idle() : ktime_get(), next = idle_timers(start);
	bool timers = timer_cpu < 0 || next < timer_cpu_deadline, polls = cpu->poll_ns && likely(!deterministic);

	if (cpu->rq->nr_running || c->claimed_for >= 0 || c->leaving)
		return;
	if (timers) {
		timer_cpu = cpu->id;
		timer_cpu_deadline = next;
	}
	c->idle = true;
	cpu->stats->switches_idle++;
	atomic_store(&cpu->idle_word, polls ? CPU_POLLING : CPU_SLEEPING);
	kernel_unlock();
	if (!polls || !poll_idle(cpu, start, timers ? next : NEVER))
		futex_wait_until(&cpu->idle_word, CPU_SLEEPING, timers ? next : NEVER);
	else
		cpu->stats->idle_polled++;
	if (likely(!deterministic)) {
		u64 woken = READ_ONCE(cpu->woken_at), now = ktime_get();
		bool by_timer = atomic_exchange(&cpu->idle_word, CPU_BUSY) != CPU_BUSY;

		/* Without the time that the host took to wake this thread. A timer that is due is nothing to look for. */
		if (!by_timer || now - start > POLL_MAX_NS)
			learn_to_poll(cpu, (woken > start ? woken : now) - start);
	}
	atomic_store(&cpu->idle_word, CPU_BUSY);
	kernel_lock();
	c->idle = false;
	if (unlikely(loadavg_stopped))
		loadavg_resume();
	if (timers && timer_cpu == cpu->id) /* another may have taken over, for an earlier one */
		timer_cpu = -1;
}

/* ---- handing a cpu on ---- */

/* The host may run this thread on its cpu's host processor only: hand-offs between carriers of one cpu are 10 times cheaper then. */
static void bind_to_host_cpu(struct carrier *c)
{
	int host_cpu = c->cpu->host_cpu;
	u64 mask[16] = { 0 };

	if (c->bound_cpu == c->cpu->id)
		return;
	c->bound_cpu = c->cpu->id;
	if (host_cpu < 0 || host_cpu >= 1024)
		return;
	mask[host_cpu / 64] = 1ULL << (host_cpu % 64);
	kernel_unlock();
	host_sched_setaffinity(0, sizeof(mask), mask);
	kernel_lock();
}

static struct carrier *find_carrier(struct mm_struct *mm, int cpu)
{
	struct carrier *c, *parked = NULL, *idle = NULL;

	list_for_each_entry(c, &mm->carriers, mm_link) {
		u32 run = atomic_load(&c->run);

		if (run == CARRIER_PARKED || run == CARRIER_WORK) {
			if (c->bound_cpu == cpu)
				return c;
			parked = c;
		} else if (c->idle && c->claimed_for < 0) {
			idle = c;
		}
	}
	return parked ? parked : idle;
}

bool carrier_can_run(struct carrier *c, struct task_struct *task)
{
	if (c->leaving)
		return false;
	if (task->mm)
		return task->mm == c->mm;
	return !(task->flags & PF_KERNEL_MM) || c->mm == &kernel_mm;
}

/* Sleeps until it is active again or is to die. Entered without the kernel lock, left with it. */
static void park(struct carrier *c)
{
	for (;;) {
		u32 run;

		while ((run = atomic_load(&c->run)) == CARRIER_PARKED)
			futex_wait_until(&c->run, CARRIER_PARKED, NEVER);
		kernel_lock();
		run = atomic_load(&c->run);
		if (run == CARRIER_WORK) {
			atomic_store(&c->run, CARRIER_PARKED);
			mm_do_work(c->mm);
		} else if (run != CARRIER_PARKED) {
			return;
		}
		kernel_unlock();
	}
}

/*
 * Gives `cpu` to `target`, to run `next` (NULL: to idle). `target` is parked, or idle for another cpu, which it then leaves to
 * the kernel process. The caller wakes it with wake_target, best after it has dropped the kernel lock.
 */
static void give_cpu(struct cpu *cpu, struct carrier *target, struct task_struct *next)
{
	target->handoff_to = next;
	cpu->active = target;
	cpu->stats->switches_cross++;
	if (target->idle) {
		target->claimed_for = cpu->id;
		return;
	}
	target->cpu = cpu;
	atomic_store(&target->run, CARRIER_ACTIVE);
}

static void wake_target(struct carrier *target, bool claimed)
{
	if (claimed)
		cpu_wake_idle(target->cpu);
	else
		host_futex((u32 *)&target->run, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static struct carrier *kernel_carrier(int cpu, struct carrier *except)
{
	struct carrier *c, *found = NULL;

	list_for_each_entry(c, &kernel_mm.carriers, mm_link) {
		if (c == except || atomic_load(&c->run) != CARRIER_PARKED)
			continue;
		if (c->bound_cpu == cpu)
			return c;
		found = c;
	}
	return found;
}

/* Takes the carrier out of its mm. Its block may be reused as soon as `gone` is set. */
static void unlink_carrier(struct carrier *c)
{
	list_del(&c->mm_link);
	c->mm->nr_carriers--;
	mm_put(c->mm);
	list_add_tail(&c->mm_link, &dead_carriers);
}

/* The active carrier gives its cpu away and parks, or leaves. What it does beyond that is in nobody's way. */
static void hand_off(struct carrier *c, struct task_struct *next)
{
	struct carrier *target = next && next->mm ? find_carrier(next->mm, c->cpu->id) : kernel_carrier(c->cpu->id, c);
	struct mm_struct *fresh = NULL;
	bool leaving = c->leaving, claimed;

	if (!target)
		panic("no carrier for task %d on cpu %d", next ? next->tid : 0, c->cpu->id);
	claimed = target->idle;
	trace_handoff(next, target, claimed);
	atomic_store(&c->run, CARRIER_PARKED);
	give_cpu(c->cpu, target, next);
	if (leaving) {
		fresh = zygote_recycle(c);
		if (!fresh)
			unlink_carrier(c);
	}
	kernel_unlock();
	wake_target(target, claimed);
	if (fresh) {
		mm_wipe_host(NULL);
		kernel_lock();
		zygote_ready(fresh);
		kernel_unlock();
	} else if (leaving) {
		carrier_host_exit(&c->gone);
	}
	park(c);
}

/* Another cpu wants this idle carrier: its own goes to the kernel process. */
static void follow_claim(struct carrier *c)
{
	struct cpu *mine = c->cpu, *wanted = &cpus[c->claimed_for];
	struct carrier *stand_in = kernel_carrier(mine->id, c);

	if (!stand_in)
		panic("no carrier left to idle on cpu %d", mine->id);
	c->claimed_for = -1;
	stand_in->handoff_to = NULL;
	mine->active = stand_in;
	stand_in->cpu = mine;
	atomic_store(&stand_in->run, CARRIER_ACTIVE);
	host_futex((u32 *)&stand_in->run, FUTEX_WAKE, 1, NULL, NULL, 0);
	c->cpu = wanted;
}

/* A read brings the neighbourhood of the page into a fresh process, a write only the page itself. */
#define NEIGHBOURHOOD 0x10000UL
static void touch_kernel_data(void)
{
	for (u64 p = (u64)data_start; p < (u64)&runqueues[nr_cpus]; p += NEIGHBOURHOOD)
		(void)*(volatile char *)p;
	for (u64 p = (u64)kernel_stats; p < (u64)&kernel_stats[nr_cpus]; p += NEIGHBOURHOOD)
		(void)*(volatile char *)p;
}

void carrier_main(struct carrier *c)
{
	struct sigaltstack { void *sp; int flags; size_t size; } altstack = {
		(char *)c + CARRIER_OWN_STACK_TOP, 0, CARRIER_BLOCK_SIZE - CARRIER_OWN_STACK_TOP
	};

	touch_kernel_data();
	host_sigaltstack((void *)&altstack, NULL);
	if (c->prefault)
		host_madvise((u64)text_start, PAGE_ALIGN((u64)text_end - (u64)text_start), MADV_POPULATE_READ);
	WRITE_ONCE(c->ready, true);
	park(c);
	for (;;) {
		struct task_struct *next;

		c->task = NULL;
		if (c->cpu)
			reap_dead_task();
		if (atomic_load(&c->run) == CARRIER_DIE) {
			unlink_carrier(c);
			kernel_unlock();
			carrier_host_exit(&c->gone);
		}
		if (c->claimed_for >= 0)
			follow_claim(c);
		if (!list_empty(&c->mm->work))
			mm_do_work(c->mm);
		bind_to_host_cpu(c);
		next = c->handoff_to;
		c->handoff_to = NULL;
		if (!next) {
			next = sched_switch(c->cpu->rq);
		}
		if (next && carrier_can_run(c, next)) {
			carrier_load_task(c, next);
			clock_thread_kick_if_needed();
			switch_stacks(&c->carrier_sp, next->kernel_sp);
			continue;
		}
		if (next || c->leaving) {
			hand_off(c, next);
			continue;
		}
		idle_wait(c);
	}
}

void mm_release_carriers(struct mm_struct *mm)
{
	struct carrier *c;

	mm->dying = true;
	mm_fail_work(mm);
	this_carrier()->sole = this_carrier()->mm == mm && mm->nr_carriers == 1;
	list_for_each_entry(c, &mm->carriers, mm_link) {
		mm_get(mm);
		c->leaving = true;
		if (c == this_carrier())
			continue;
		if (c->idle) {
			cpu_wake_idle(c->cpu);
		} else {
			atomic_store(&c->run, CARRIER_DIE);
			host_futex((u32 *)&c->run, FUTEX_WAKE, 1, NULL, NULL, 0);
		}
	}
}

/* ---- dead tasks ---- */

static struct task_struct *dead_task[MAX_CPUS];

void sched_bury(struct task_struct *dead) { dead_task[this_carrier()->cpu->id] = dead; }

void reap_dead_task(void)
{
	int cpu = this_carrier()->cpu->id;
	struct task_struct *dead = dead_task[cpu];

	if (dead && dead != this_carrier()->task) {
		dead_task[cpu] = NULL;
		task_put(dead);
	}
}
