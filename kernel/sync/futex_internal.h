/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by futex.c (queues), futex_pi.c (PI locks) and sys/futex.c (system calls). */
#ifndef KERNEL_SYNC_FUTEX_INTERNAL_H
#define KERNEL_SYNC_FUTEX_INTERNAL_H

#include <linux/futex.h>

#include "kernel/arch/x86_64/uaccess.h"
#include "kernel/kernel.h"
#include "kernel/sched/wait.h"
#include "kernel/sync/futex.h"
#include "kernel/task/task.h"

/* Which word: two waits meet if their keys are equal. */
struct futex_key {
	const void *object; /* mm, page object or inode */
	u64 offset;         /* user address, or byte offset in the object */
	u64 kind;           /* KEY_* */
};
enum { KEY_PRIVATE, KEY_SHARED_MM, KEY_OBJECT };

/*
 * A PI lock that has waiters. It lives while a waiter is attached. `owner` is NULL only while a dead owner's lock has
 * found no taker.
 */
struct futex_pi {
	struct futex_key key;
	struct task_struct *owner;
	struct list_head owned; /* owner->pi_owned */
	int nr_waiters;
};

/* One sleeper on one word. Lives on the sleeper's stack; unlinked before it returns. */
struct futex_waiter {
	struct list_head link; /* in its bucket; order of arrival */
	struct task_struct *task;
	struct futex_key key;
	u32 bitset;
	bool woken;
	user_ptr word;       /* in the sleeper's address space */
	u32 owner_hint;      /* tid in the C library's mutex, if the word looks like one; 0 */
	/* FUTEX_WAIT_REQUEUE_PI: the lock it wants afterwards, and whether it has been moved there. */
	bool wants_pi, requeued;
	struct futex_key pi_key;
	struct futex_pi *pi; /* waits for this PI lock */
	bool granted;        /* owns the PI lock now; writes its tid into the word itself if `fix_word` */
	bool fix_word;
};

int futex_key_get(user_ptr word, bool is_private, struct futex_key *ret_key);
static inline bool futex_key_equal(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->offset == b->offset && a->kind == b->kind;
}
struct list_head *futex_bucket(const struct futex_key *key);
void futex_queue(struct futex_waiter *waiter);
void futex_wake_waiter(struct futex_waiter *waiter, bool sync);
/* The same, on this cpu if the current task usually sleeps soon after. */
void futex_hand_over(struct futex_waiter *waiter);
/* Sleeps until waiter->woken: 0, -ETIMEDOUT, -EINTR. */
int futex_sleep(struct futex_waiter *waiter, u64 deadline);

int futex_wake(user_ptr word, bool is_private, int nr, u32 bitset);
int futex_wait(user_ptr word, bool is_private, u32 expected, u64 deadline, u32 bitset);
int futex_wake_op(user_ptr word1, bool is_private, user_ptr word2, int nr_wake, int nr_wake2, u32 op);
/* expected: NULL for FUTEX_REQUEUE. pi: FUTEX_CMP_REQUEUE_PI. */
int futex_requeue(user_ptr word1, bool is_private1, user_ptr word2, bool is_private2, int nr_wake, int nr_requeue,
		  const u32 *expected, bool pi);
struct futex_wait_item {
	user_ptr word;
	u32 expected;
	bool is_private;
};
int futex_wait_multiple(const struct futex_wait_item *items, unsigned nr, u64 deadline);

int futex_lock_pi(user_ptr word, bool is_private, u64 deadline, bool try);
int futex_unlock_pi(user_ptr word, bool is_private);
int futex_wait_requeue_pi(user_ptr word, bool is_private, u32 expected, u64 deadline, u32 bitset, user_ptr pi_word);
/* Gives the lock at `word` to a requeued waiter if it is free: 1 taken, 0 not; or makes it wait there (attach). */
int futex_pi_take_for(struct futex_waiter *waiter, user_ptr word, bool set_waiters);
int futex_pi_attach(struct futex_waiter *waiter, user_ptr word);
bool futex_pi_owner_dies(user_ptr word);
void futex_pi_exit(struct task_struct *task);

#endif
