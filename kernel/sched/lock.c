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

/*
 * The kernel lock is taken and dropped at every system call, so dropping it is a plain store. Whoever sleeps for it has counted
 * itself in `waiters` before it looks at the word a last time inside the host's futex call; the dropper looks at `waiters` after
 * its store. The store can be late only by the depth of a store buffer, the futex call takes far longer; the timeout is there so
 * that not even a miss would matter.
 */
static struct {
	atomic_uint word __aligned(64);
	atomic_uint waiters;
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

static __attribute__((noinline)) void kernel_lock_slow(void)
{
	lock_stats()->lock_contended++;
	for (int i = 0; i < SPINS; i++) {
		if (atomic_load_explicit(&the_lock.word, memory_order_relaxed) == LOCK_FREE && try_kernel_lock())
			return;
		cpu_relax();
	}
	lock_stats()->lock_slept++;
	atomic_fetch_add(&the_lock.waiters, 1);
	while (!try_kernel_lock()) {
		/* Nobody knows the host's time then: the call comes back at once, and the lock is held for moments only. */
		u64 deadline = unlikely(deterministic) ? 0 : ktime_get() + MISSED_WAKEUP_NS;
		struct { s64 tv_sec, tv_nsec; } ts = { (s64)(deadline / NSEC_PER_SEC), (s64)(deadline % NSEC_PER_SEC) };

		host_futex((u32 *)&the_lock.word, FUTEX_WAIT_BITSET, LOCK_HELD, (void *)&ts, NULL, FUTEX_BITSET_MATCH_ANY);
	}
	atomic_fetch_sub(&the_lock.waiters, 1);
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
	if (unlikely(atomic_load_explicit(&the_lock.waiters, memory_order_relaxed)))
		host_futex((u32 *)&the_lock.word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

bool kernel_locked(void) { return READ_ONCE(the_lock.owner) == this_carrier(); }
