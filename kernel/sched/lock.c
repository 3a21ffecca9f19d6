// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel lock and the spinlocks: a word with the states free, held, held with sleepers. A taker spins for about as long
 * as the lock is usually held, then sleeps on a host futex.
 */
#include <linux/futex.h>

#include "host.gen.h"
#include "kernel/init/init.h"
#include "kernel/locking.h"
#include "kernel/task/task.h"
#include "kernel/trace/stats.h"

enum { LOCK_FREE, LOCK_HELD, LOCK_CONTENDED };
#define SPINS 100

static struct {
	struct spinlock lock __aligned(64);
	struct carrier *owner;
} the_lock __aligned(64);

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

void kernel_lock(void)
{
	debug_assert(!kernel_locked());
	spin_lock(&the_lock.lock);
	WRITE_ONCE(the_lock.owner, this_carrier());
}

void kernel_unlock(void)
{
	debug_assert(kernel_locked());
	WRITE_ONCE(the_lock.owner, NULL);
	spin_unlock(&the_lock.lock);
}

bool kernel_locked(void) { return READ_ONCE(the_lock.owner) == this_carrier(); }
