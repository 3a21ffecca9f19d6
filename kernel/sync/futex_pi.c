// SPDX-License-Identifier: Apache-2.0
/*
 * Priority-inheritance futexes: FUTEX_LOCK_PI, UNLOCK_PI, TRYLOCK_PI, WAIT_REQUEUE_PI (futex(2)).
 *
 * The word holds the owner's tid, FUTEX_WAITERS while somebody sleeps in the kernel (so that the owner must come here to
 * unlock), and FUTEX_OWNER_DIED. A lock with sleepers has a struct futex_pi. Unlocking hands the lock to the most important
 * sleeper, by real-time priority, then by arrival: the word names the new owner before that one runs.
 *
 * While a real-time task waits, the owner runs with its priority, and so does whom the owner waits for (sched(7)).
 *
 * Invariant: while a futex_pi lives, the word holds its owner's tid with FUTEX_WAITERS, unless a program wrote nonsense
 * (-EINVAL), the owner died (then owner is NULL or the heir has fix_word set), or an heir has not run yet.
 */
#include <linux/futex.h>

#include "kernel/locking.h"
#include "kernel/mm/alloc.h"
#include "kernel/sched/wait_info.h"
#include "kernel/sync/futex_internal.h"

#define CHAIN_MAX 1024 /* as Linux's max_lock_depth: a longer chain of owners counts as a deadlock */

static struct futex_pi *find_pi(const struct futex_key *key)
{
	struct list_head *bucket = futex_bucket(key);
	struct futex_waiter *waiter;

	list_for_each_entry(waiter, bucket, link)
		if (waiter->pi && futex_key_equal(&waiter->key, key))
			return waiter->pi;
	return NULL;
}

static bool more_important(const struct task_struct *a, const struct task_struct *b)
{
	return sched_effective_priority(&a->sched) > sched_effective_priority(&b->sched);
}

static struct futex_waiter *top_waiter(const struct futex_pi *pi)
{
	struct list_head *bucket = futex_bucket(&pi->key);
	struct futex_waiter *waiter, *top = NULL;

	list_for_each_entry(waiter, bucket, link)
		if (waiter->pi == pi && !waiter->granted && (!top || more_important(waiter->task, top->task)))
			top = waiter;
	return top;
}

static struct task_struct *next_in_chain(const struct task_struct *task)
{
	return task->pi_blocked_on ? task->pi_blocked_on->owner : NULL;
}

/* A task of this priority begins to wait for `owner`. */
static void lend_priority(struct task_struct *owner, int priority)
{
	for (int depth = 0; owner && depth < CHAIN_MAX; depth++, owner = next_in_chain(owner)) {
		if (sched_effective_priority(&owner->sched) >= priority)
			break;
		sched_set_pi_priority(owner, priority);
	}
}

/* A waiter or a lock of `owner` is gone: what it still has borrowed comes from the waiters that are left. */
static void recompute_loans(struct task_struct *owner)
{
	for (int depth = 0; owner && owner->sched.pi_priority && depth < CHAIN_MAX; depth++, owner = next_in_chain(owner)) {
		struct futex_pi *pi;
		int priority = 0;

		list_for_each_entry(pi, &owner->pi_owned, owned) {
			struct futex_waiter *top = top_waiter(pi);

			if (top)
				priority = max(priority, sched_effective_priority(&top->task->sched));
		}
		sched_set_pi_priority(owner, priority);
	}
}

static void set_owner(struct futex_pi *pi, struct task_struct *owner)
{
	struct task_struct *old = pi->owner;

	if (old)
		list_del(&pi->owned);
	pi->owner = owner;
	if (old)
		recompute_loans(old);
	if (owner) {
		if (!owner->pi_owned.next)
			list_init(&owner->pi_owned);
		list_add_tail(&pi->owned, &owner->pi_owned);
	}
}

/* The waiter no longer waits for its lock; the last one takes the futex_pi with it. */
static void detach(struct futex_waiter *waiter)
{
	struct futex_pi *pi = waiter->pi;

	if (!pi)
		return;
	waiter->pi = NULL;
	waiter->task->pi_blocked_on = NULL;
	if (--pi->nr_waiters == 0) {
		set_owner(pi, NULL);
		kfree(pi);
	} else if (pi->owner) {
		recompute_loans(pi->owner);
	}
}

/* Would `task` wait for itself if it waited for a lock of `owner`? */
static bool closes_circle(struct task_struct *task, struct task_struct *owner)
{
	for (int depth = 0; owner; depth++) {
		if (owner == task || depth > CHAIN_MAX)
			return true;
		owner = owner->pi_blocked_on ? owner->pi_blocked_on->owner : NULL;
	}
	return false;
}

static int set_word_bits(user_ptr word, u32 *value, u32 desired)
{
	u32 seen = *value;
	int error = cmpxchg_user_u32(word, &seen, desired);

	if (error)
		return error;
	if (seen == *value)
		return 0;
	*value = seen;
	return -EAGAIN;
}

/*
 * The task that holds the lock whose word is `value`; NULL and *ret_error: -ESRCH no such task, -EAGAIN it is dying and
 * about to change the word, -EPERM a kernel thread.
 */
static struct task_struct *owner_of(u32 value, int *ret_error)
{
	struct task_struct *owner = task_find((pid_t)(value & FUTEX_TID_MASK));

	*ret_error = 0;
	if (!owner || owner->exit_state) {
		*ret_error = -ESRCH;
	} else if (owner->flags & PF_KTHREAD) {
		*ret_error = -EPERM;
	} else if (owner->flags & PF_EXITING) {
		*ret_error = user_ptr_is_null(owner->robust_list) ? -ESRCH : -EAGAIN;
	}
	return *ret_error ? NULL : owner;
}

static bool owner_is_dying(u32 value)
{
	int error;

	return !owner_of(value, &error) && error == -EAGAIN;
}

static const struct wait_type dying_owner_wait = { "PI futex", BLOCK_LOCK, wait_describe_text };

static void let_owner_die(void)
{
	prepare_to_sleep(TASK_UNINTERRUPTIBLE, &dying_owner_wait, "the exit of a lock's owner");
	(void)schedule_until(ktime_get() + 50 * NSEC_PER_USEC);
	finish_sleep();
}

/* Takes a lock that nobody owns. 1; 0: somebody owns it (*ret_value is the word); or an error. */
static int take_free(struct task_struct *task, user_ptr word, bool set_waiters, u32 *ret_value)
{
	int error = get_user_u32(ret_value, word);

	while (!error) {
		u32 value = *ret_value;

		if (value & FUTEX_TID_MASK)
			return 0;
		error = set_word_bits(word, ret_value, (u32)task->tid | (value & FUTEX_OWNER_DIED) |
							       (set_waiters ? FUTEX_WAITERS : 0));
		if (!error)
			return 1;
		if (error == -EAGAIN)
			error = 0;
	}
	return error;
}

/* Joins the sleepers of the lock at `word`; waiter->key is the lock's. The caller queues the waiter. -EAGAIN: look again. */
int futex_pi_attach(struct futex_waiter *waiter, user_ptr word)
{
	struct futex_pi *pi = find_pi(&waiter->key);
	struct task_struct *owner;
	u32 value;
	int error = get_user_u32(&value, word);

	if (error)
		return error;
	if ((value & FUTEX_TID_MASK) == (u32)waiter->task->tid)
		return -EDEADLK;
	if (pi) {
		owner = pi->owner;
		if (owner && (value & FUTEX_TID_MASK) != (u32)owner->tid && !(value & FUTEX_OWNER_DIED))
			return -EINVAL;
	} else {
		if (!(value & FUTEX_TID_MASK)) /* unlocked in this moment, in user mode */
			return -EAGAIN;
		owner = owner_of(value, &error);
		if (!owner)
			return error;
	}
	if (closes_circle(waiter->task, owner))
		return -EDEADLK;
	if (!(value & FUTEX_WAITERS)) {
		error = set_word_bits(word, &value, value | FUTEX_WAITERS);
		if (error)
			return error;
	}
	if (!pi) {
		pi = kzalloc(sizeof(*pi));
		if (!pi)
			return -ENOMEM;
		pi->key = waiter->key;
		set_owner(pi, owner);
	}
	pi->nr_waiters++;
	waiter->pi = pi;
	waiter->task->pi_blocked_on = pi;
	lend_priority(pi->owner, sched_effective_priority(&waiter->task->sched));
	return 0;
}

bool futex_pi_owner_dies(user_ptr word)
{
	u32 value;

	return !get_user_u32(&value, word) && (value & FUTEX_TID_MASK) && owner_is_dying(value);
}

int futex_pi_take_for(struct futex_waiter *waiter, user_ptr word, bool set_waiters)
{
	u32 value;
	int taken;

	if (find_pi(&waiter->pi_key))
		return 0;
	taken = take_free(waiter->task, word, set_waiters, &value);
	if (taken > 0)
		waiter->granted = true;
	return taken;
}

/* The lock goes to `heir`, which still stands in the queue. The word is the caller's to set. */
static void grant(struct futex_pi *pi, struct futex_waiter *heir)
{
	set_owner(pi, heir->task);
	heir->granted = true;
	heir->task->pi_blocked_on = NULL;
	if (heir->fix_word) {
		/* Until it has entered itself into the word it stands in the queue, so that nobody takes the lock for free. */
		heir->woken = true;
		try_to_wake_up(heir->task, TASK_NORMAL, false);
		return;
	}
	list_del(&heir->link); /* no longer one of those who lend */
	pi->nr_waiters++; /* keep it over detach: the others wait for the new owner */
	detach(heir);
	if (--pi->nr_waiters == 0) {
		set_owner(pi, NULL);
		kfree(pi);
	}
	futex_hand_over(heir);
}

/* An heir of a dead owner enters itself into the word: only its own address space surely maps it. */
static int fix_word(user_ptr word)
{
	u32 value;
	int error = get_user_u32(&value, word);

	while (!error) {
		error = set_word_bits(word, &value, (u32)current->tid | FUTEX_WAITERS | FUTEX_OWNER_DIED);
		if (!error)
			return 0;
		if (error == -EAGAIN)
			error = 0;
	}
	return error;
}

/* After the sleep of somebody who waits for the PI lock at `word`. */
static int finish_lock(struct futex_waiter *waiter, user_ptr word, int error)
{
	if (waiter->granted)
		error = waiter->fix_word ? fix_word(word) : 0;
	list_del(&waiter->link);
	detach(waiter);
	return error;
}

int futex_lock_pi(user_ptr word, bool is_private, u64 deadline, bool try)
{
	struct futex_waiter waiter = { .task = current, .word = word, .bitset = FUTEX_BITSET_MATCH_ANY };
	int error = futex_key_get(word, is_private, &waiter.key), taken;
	u32 value;

	if (error)
		return error;
	for (;;) {
		struct futex_pi *pi = find_pi(&waiter.key);

		error = get_user_u32(&value, word);
		if (error)
			return error;
		if ((value & FUTEX_TID_MASK) == (u32)current->tid)
			return -EDEADLK;
		if (!pi) {
			taken = take_free(current, word, false, &value);
			if (taken)
				return taken < 0 ? taken : 0;
		} else if (!pi->owner) {
			set_owner(pi, current);
			return fix_word(word);
		} else if (!(value & FUTEX_TID_MASK) && !(value & FUTEX_OWNER_DIED)) {
			return -EINVAL;
		}
		if (try) {
			if (!pi && !owner_of(value, &error) && error != -EAGAIN)
				return error;
			return -EAGAIN;
		}
		error = futex_pi_attach(&waiter, word);
		if (!error)
			break;
		if (error != -EAGAIN)
			return error;
		if (fatal_signal_pending(current))
			return -ERESTARTNOINTR;
		if (owner_is_dying(value))
			let_owner_die();
	}
	futex_queue(&waiter);
	error = futex_sleep(&waiter, deadline);
	error = finish_lock(&waiter, word, error);
	return error == -EINTR ? -ERESTARTNOINTR : error;
}

int futex_unlock_pi(user_ptr word, bool is_private)
{
	struct futex_key key;
	struct futex_pi *pi;
	u32 value;
	int error = futex_key_get(word, is_private, &key);

	if (!error)
		error = get_user_u32(&value, word);
	if (error)
		return error;
	for (;;) {
		struct futex_waiter *heir;

		if ((value & FUTEX_TID_MASK) != (u32)current->tid)
			return -EPERM;
		pi = find_pi(&key);
		if (pi && pi->owner != current)
			return -EINVAL;
		heir = pi ? top_waiter(pi) : NULL;
		error = set_word_bits(word, &value, heir ? (u32)heir->task->tid | FUTEX_WAITERS : 0);
		if (!error && heir)
			grant(pi, heir);
		if (error != -EAGAIN)
			return error;
	}
}

int futex_wait_requeue_pi(user_ptr word, bool is_private, u32 expected, u64 deadline, u32 bitset, user_ptr pi_word)
{
	struct futex_waiter waiter = { .task = current, .word = word, .bitset = bitset, .wants_pi = true };
	u32 value;
	int error;

	if (word.addr == pi_word.addr || !bitset)
		return -EINVAL;
	error = futex_key_get(pi_word, is_private, &waiter.pi_key);
	if (!error)
		error = futex_key_get(word, is_private, &waiter.key);
	if (!error)
		error = get_user_u32(&value, word);
	if (error)
		return error;
	if (value != expected)
		return -EAGAIN;
	if (futex_key_equal(&waiter.key, &waiter.pi_key))
		return -EINVAL;
	futex_queue(&waiter);
	error = futex_sleep(&waiter, deadline);
	error = finish_lock(&waiter, pi_word, error);
	if (error == -EINTR)
		return waiter.requeued ? -EAGAIN : -ERESTARTNOINTR;
	return error;
}

void futex_pi_exit(struct task_struct *task)
{
	while (!list_empty(&task->pi_owned)) {
		struct futex_pi *pi = list_first_entry(&task->pi_owned, struct futex_pi, owned);
		struct futex_waiter *heir = top_waiter(pi);

		if (!heir) {
			set_owner(pi, NULL);
			continue;
		}
		heir->fix_word = true;
		grant(pi, heir);
	}
}
