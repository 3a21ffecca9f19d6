// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel lock and the spinlocks: a word with the states free, held, held with sleepers. A taker spins for about as long
 * as the lock is usually held, then sleeps on a host futex.
 */
#include <linux/futex.h>

#include "host.gen.h"
#include "kernel/init/init.h"
#include "kernel/locking.h"
#include "kernel/sched/carrier.h"
#include "kernel/task/task.h"
#include "kernel/time/timer.h"
#include "kernel/trace/stats.h"

enum { LOCK_FREE, LOCK_HELD, LOCK_CONTENDED };
#define SPINS 100
#define LAST_SPINS 20

/*
 * The kernel lock is taken and dropped at every system call, so dropping it is a plain store. Whoever is about to sleep for it counts itself
 * in `sleepers` and then looks at the word a few times more; the dropper looks at `sleepers` after its store, takes one off, counts
 * `wakes` up, on which they sleep, and wakes one: so that there is one host call for each sleep, however long the host takes to let the
 * sleeper run. The store can be late only by the depth of a store buffer, the last looks take longer; the timeout is there so that not even a miss
 * would matter. Who gets the lock with its last looks, or after a timeout, leaves its count: the next dropper wakes in vain, once.
 */
static struct {
	atomic_uint word __aligned(64);
	atomic_uint sleepers;
	atomic_uint wakes;
	struct carrier *owner;
} the_lock __aligned(64);
#define MISSED_WAKEUP_NS NSEC_PER_MSEC

static void lock_slow(struct spinlock *lock)
{
	for (int i = 0; i < SPINS; i++) {
		unsigned expected = LOCK_FREE;

		if (atomic_load_explicit(&lock->word, memory_order_relaxed) == LOCK_FREE &&
		    atomic_compare_exchange_strong(&lock->word, &expected, LOCK_HELD))
			return;
		cpu_relax();
	}
	while (atomic_exchange(&lock->word, LOCK_CONTENDED) != LOCK_FREE)
		host_futex((u32 *)&lock->word, FUTEX_WAIT_BITSET, LOCK_CONTENDED, NULL, NULL, FUTEX_BITSET_MATCH_ANY);
}

void spin_lock(struct spinlock *lock)
{
	unsigned expected = LOCK_FREE;

	if (!atomic_compare_exchange_strong_explicit(&lock->word, &expected, LOCK_HELD, memory_order_acquire,
						     memory_order_relaxed))
		lock_slow(lock);
}

void spin_unlock(struct spinlock *lock)
{
	if (atomic_exchange_explicit(&lock->word, LOCK_FREE, memory_order_release) == LOCK_CONTENDED)
		host_futex((u32 *)&lock->word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static bool try_kernel_lock(void)
{
	unsigned expected = LOCK_FREE;

	return atomic_compare_exchange_strong_explicit(&the_lock.word, &expected, LOCK_HELD, memory_order_acquire,
						       memory_order_relaxed);
}

static struct kernel_stats *lock_stats(void)
{
	const struct cpu *cpu = this_carrier()->cpu;

	return cpu ? cpu->stats : stats_of(NO_CPU_STATS);
}

static bool spin_for_kernel_lock(int spins)
{
	for (int i = 0; i < spins; i++) {
		if (atomic_load_explicit(&the_lock.word, memory_order_relaxed) == LOCK_FREE && try_kernel_lock())
			return true;
		cpu_relax();
	}
	return false;
}

static __attribute__((noinline)) void kernel_lock_slow(void)
{
	lock_stats()->lock_contended++;
	if (spin_for_kernel_lock(SPINS))
		return;
	lock_stats()->lock_slept++;
	for (;;) {
		unsigned seen = atomic_load(&the_lock.wakes);
		/* Nobody knows the host's time then: the call comes back at once, and the lock is held for moments only. */
		u64 deadline = unlikely(deterministic) ? 0 : ktime_get() + MISSED_WAKEUP_NS;
		struct { s64 tv_sec, tv_nsec; } ts = { (s64)(deadline / NSEC_PER_SEC), (s64)(deadline % NSEC_PER_SEC) };

		atomic_fetch_add(&the_lock.sleepers, 1);
		if (spin_for_kernel_lock(LAST_SPINS))
			return;
		host_futex((u32 *)&the_lock.wakes, FUTEX_WAIT_BITSET, seen, (void *)&ts, NULL, FUTEX_BITSET_MATCH_ANY);
	}
}

static __attribute__((noinline)) void wake_sleeper(void)
{
	unsigned sleepers = atomic_load(&the_lock.sleepers);

	while (sleepers && !atomic_compare_exchange_weak(&the_lock.sleepers, &sleepers, sleepers - 1))
		;
	if (!sleepers)
		return;
	atomic_fetch_add(&the_lock.wakes, 1);
	host_futex((u32 *)&the_lock.wakes, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void kernel_lock(void)
{
	debug_assert(!kernel_locked());
	if (unlikely(!try_kernel_lock()))
		kernel_lock_slow();
	WRITE_ONCE(the_lock.owner, this_carrier());
}

void kernel_unlock(void)
{
	debug_assert(kernel_locked());
	WRITE_ONCE(the_lock.owner, NULL);
	atomic_store_explicit(&the_lock.word, LOCK_FREE, memory_order_release);
	if (unlikely(atomic_load_explicit(&the_lock.sleepers, memory_order_relaxed)))
		wake_sleeper();
}

bool kernel_locked(void) { return READ_ONCE(the_lock.owner) == this_carrier(); }
