// SPDX-License-Identifier: Apache-2.0
/*
 * Futexes: futex(2), robust lists: get_robust_list(2).
 *
 * Waiters stand in hash buckets by the identity of the word they wait on:
 *
 *   FUTEX_PRIVATE_FLAG            (mm, address)
 *   private anonymous memory      (mm, address), apart from the former
 *   shared memory                 (page object, offset)
 *   mapped file                   (inode, offset)
 *
 * A waiter looks at the word and queues itself without giving up the kernel lock in between. A waker changes the word
 * in user mode first and enters the kernel then, so it either changed the word before the look, or finds the waiter:
 *
 *   waiter                          waker
 *     [kernel lock]                   word = new
 *     word == expected?               [kernel lock]
 *     queue, sleep                    wake what is queued
 *
 * Keys hold no references. If an object goes away under a sleeper and another takes its address, the worst is a wake-up
 * without cause, which futex(2) allows.
 */
#include "kernel/sync/futex_internal.h"

#include "kernel/locking.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/mm.h"
#include "kernel/sched/wait_info.h"
#include "kernel/vfs/vfs.h"

#define NR_BUCKETS 1024
#define ROBUST_LIST_LIMIT 2048

static struct list_head buckets[NR_BUCKETS] __hot_data;

struct list_head *futex_bucket(const struct futex_key *key)
{
	struct list_head *bucket = &buckets[hash_u64((u64)key->object ^ key->offset * 31) % NR_BUCKETS];

	if (unlikely(!bucket->next))
		list_init(bucket);
	return bucket;
}

int futex_key_get(user_ptr word, bool is_private, struct futex_key *ret_key)
{
	struct mm_struct *mm = current->mm;
	struct vma *vma;

	if (word.addr % sizeof(u32))
		return -EINVAL;
	if (!access_ok(word, sizeof(u32)))
		return -EFAULT;
	*ret_key = (struct futex_key){ mm, word.addr, is_private ? KEY_PRIVATE : KEY_SHARED_MM };
	if (is_private)
		return 0;
	vma = vma_find(mm, word.addr);
	if (!vma || vma->start > word.addr)
		return -EFAULT;
	if (!(vma->flags & VM_SHARED))
		return 0;
	if (vma->backing == VMA_PAGES)
		ret_key->object = vma->object;
	else if (vma->backing == VMA_HOST_FILE && vma->file)
		ret_key->object = vma->file->inode;
	else
		return 0;
	ret_key->offset = vma->file_offset + (word.addr - vma->start);
	ret_key->kind = KEY_OBJECT;
	return 0;
}

void futex_queue(struct futex_waiter *waiter)
{
	waiter->task = current;
	list_add_tail(&waiter->link, futex_bucket(&waiter->key));
}

void futex_wake_waiter(struct futex_waiter *waiter, bool sync)
{
	list_del(&waiter->link);
	waiter->woken = true;
	try_to_wake_up(waiter->task, TASK_NORMAL, sync);
}

/*
 * A task that hands its turn to another one (condition variables, semaphores used as ping-pong, hand-over of mutexes) sleeps
 * soon after it wakes. Then the other one is best run on the same cpu: waking a second cpu costs the host some 40 us. A task that
 * goes on working wants the second cpu. So each task's own past decides.
 */
#define SLEEPS_SOON_TSC 60000
#define GAP_MAX_TSC (8 * SLEEPS_SOON_TSC)

static bool sleeps_soon(void)
{
	return current->futex_wake_gap < SLEEPS_SOON_TSC;
}

static void note_sleep(void)
{
	struct task_struct *task = current;
	s64 gap;

	if (!task->futex_woke_at)
		return;
	gap = (s64)min(ktime_cycles() - task->futex_woke_at, (u64)GAP_MAX_TSC);
	task->futex_wake_gap += (u64)((gap - (s64)task->futex_wake_gap) / 4);
	task->futex_woke_at = 0;
}

static void note_wake(void)
{
	struct task_struct *task = current;

	/* It woke twice without sleeping: so far it went on. */
	note_sleep();
	task->futex_woke_at = ktime_cycles();
}

void futex_hand_over(struct futex_waiter *waiter)
{
	futex_wake_waiter(waiter, sleeps_soon());
	note_wake();
}

static void describe_word(const struct futex_waiter *waiter, struct wait_info *info)
{
	const struct task_struct *owner;

	wait_info_printf(info, "futex 0x%llx", (unsigned long long)waiter->word.addr);
	if (waiter->key.kind == KEY_OBJECT)
		wait_info_printf(info, " shared, at 0x%llx of its object", (unsigned long long)waiter->key.offset);
	if (waiter->pi && waiter->pi->owner)
		wait_info_task(info, WAIT_HOLDER, waiter->pi->owner);
	owner = waiter->owner_hint ? task_find((pid_t)waiter->owner_hint) : NULL;
	if (owner && (owner->mm == waiter->task->mm || waiter->key.kind == KEY_OBJECT))
		wait_info_task(info, WAIT_HOLDER_HINT, owner);
}

static void describe_futex(const void *object, struct wait_info *info) { describe_word(object, info); }

struct waiter_group { const struct futex_waiter *waiters; unsigned nr; };

static void describe_waitv(const void *object, struct wait_info *info)
{
	const struct waiter_group *group = object;

	for (unsigned i = 0; i < group->nr; i++) {
		wait_info_printf(info, i ? ", " : "");
		describe_word(&group->waiters[i], info);
	}
}

static const struct wait_type futex_wait_type = { "futex", BLOCK_LOCK, describe_futex };
static const struct wait_type futex_pi_wait = { "PI futex", BLOCK_LOCK, describe_futex };
static const struct wait_type futex_waitv_wait = { "futex_waitv", BLOCK_LOCK, describe_waitv };

/*
 * Who holds the lock that the sleeper is about to wait for, as far as memory tells: robust mutexes have the owner's tid in
 * the word; the C library's others have 2 (locked, with waiters) there and the owner in the word after the next. Nothing
 * depends on it.
 */
static u32 guess_owner(user_ptr word, u32 expected)
{
	u32 owner = expected & FUTEX_TID_MASK;

	if (!(expected & FUTEX_WAITERS) && (expected != 2 || get_user_u32(&owner, user_ptr_add(word, 8))))
		owner = 0;
	return owner;
}

int futex_sleep(struct futex_waiter *waiter, u64 deadline)
{
	int error = 0;

	note_sleep();
	for (;;) {
		prepare_to_sleep(TASK_INTERRUPTIBLE, waiter->pi ? &futex_pi_wait : &futex_wait_type, waiter);
		if (waiter->woken)
			break;
		if (signal_pending(current)) {
			error = -EINTR;
			break;
		}
		if (!schedule_until(deadline) && !waiter->woken) {
			error = -ETIMEDOUT;
			break;
		}
	}
	finish_sleep();
	return error;
}

int futex_wake(user_ptr word, bool is_private, int nr, u32 bitset)
{
	struct futex_waiter *waiter, *next;
	struct list_head *bucket;
	struct futex_key key;
	int error, woken = 0;

	if (!bitset)
		return -EINVAL;
	error = futex_key_get(word, is_private, &key);
	if (error)
		return error;
	bucket = futex_bucket(&key);
	list_for_each_entry_safe(waiter, next, bucket, link) {
		if (!futex_key_equal(&waiter->key, &key))
			continue;
		if (waiter->pi || waiter->wants_pi)
			return -EINVAL;
		if (!(waiter->bitset & bitset))
			continue;
		/* Only one of them can have the place of a waker that sleeps soon. */
		futex_wake_waiter(waiter, !woken && sleeps_soon());
		if (++woken >= nr)
			break;
	}
	if (woken)
		note_wake();
	return woken;
}

int futex_wake_user(user_ptr word, int nr)
{
	return futex_wake(word, false, nr, FUTEX_BITSET_MATCH_ANY);
}

int futex_wait(user_ptr word, bool is_private, u32 expected, u64 deadline, u32 bitset)
{
	struct futex_waiter waiter = { .bitset = bitset };
	u32 value;
	int error;

	if (!bitset)
		return -EINVAL;
	error = futex_key_get(word, is_private, &waiter.key);
	if (!error)
		error = get_user_u32(&value, word);
	if (error)
		return error;
	if (value != expected)
		return -EAGAIN;
	waiter.word = word;
	waiter.owner_hint = guess_owner(word, expected);
	futex_queue(&waiter);
	error = futex_sleep(&waiter, deadline);
	list_del(&waiter.link);
	return error;
}

/* Does the operation of FUTEX_WAKE_OP; 1 or 0: the comparison with the old value; or an error. */
static int wake_op_change(user_ptr word, u32 op)
{
	int kind = op >> 28 & 7, compare = op >> 24 & 15;
	int argument = (int)(op << 8) >> 20, compare_argument = (int)(op << 20) >> 20;
	u32 old, desired;
	int error;

	if (op & (u32)FUTEX_OP_OPARG_SHIFT << 28) {
		if (argument < 0 || argument > 31)
			argument &= 31;
		argument = (int)(1U << argument);
	}
	error = get_user_u32(&old, word);
	if (error)
		return error;
	for (;;) {
		u32 seen = old;

		switch (kind) {
		case FUTEX_OP_SET: desired = (u32)argument; break;
		case FUTEX_OP_ADD: desired = old + (u32)argument; break;
		case FUTEX_OP_OR: desired = old | (u32)argument; break;
		case FUTEX_OP_ANDN: desired = old & ~(u32)argument; break;
		case FUTEX_OP_XOR: desired = old ^ (u32)argument; break;
		default: return -ENOSYS;
		}
		error = cmpxchg_user_u32(word, &seen, desired);
		if (error)
			return error;
		if (seen == old)
			break;
		old = seen;
	}
	switch (compare) {
	case FUTEX_OP_CMP_EQ: return (int)old == compare_argument;
	case FUTEX_OP_CMP_NE: return (int)old != compare_argument;
	case FUTEX_OP_CMP_LT: return (int)old < compare_argument;
	case FUTEX_OP_CMP_GE: return (int)old >= compare_argument;
	case FUTEX_OP_CMP_LE: return (int)old <= compare_argument;
	case FUTEX_OP_CMP_GT: return (int)old > compare_argument;
	default: return -ENOSYS;
	}
}

static int wake_key(const struct futex_key *key, int nr)
{
	struct list_head *bucket = futex_bucket(key);
	struct futex_waiter *waiter, *next;
	int woken = 0;

	list_for_each_entry_safe(waiter, next, bucket, link) {
		if (!futex_key_equal(&waiter->key, key))
			continue;
		if (waiter->pi || waiter->wants_pi)
			return -EINVAL;
		futex_wake_waiter(waiter, false);
		if (++woken >= nr)
			break;
	}
	return woken;
}

int futex_wake_op(user_ptr word1, bool is_private, user_ptr word2, int nr_wake, int nr_wake2, u32 op)
{
	struct futex_key key1, key2;
	int error, matches, woken, more;

	error = futex_key_get(word1, is_private, &key1);
	if (!error)
		error = futex_key_get(word2, is_private, &key2);
	if (error)
		return error;
	matches = wake_op_change(word2, op);
	if (matches < 0)
		return matches;
	woken = wake_key(&key1, nr_wake);
	if (woken < 0 || !matches)
		return woken;
	more = wake_key(&key2, nr_wake2);
	return more < 0 ? more : woken + more;
}

/* One waiter goes from its word to `word2`; 1: it got the PI lock there and was woken; 0: it waits there. */
static int requeue_one(struct futex_waiter *waiter, const struct futex_key *key2, user_ptr word2, bool pi)
{
	int taken = 0, error;

	while (pi) {
		struct futex_key old_key = waiter->key;

		taken = futex_pi_take_for(waiter, word2, true);
		if (taken < 0)
			return taken;
		waiter->requeued = true;
		if (taken) {
			futex_wake_waiter(waiter, false);
			return 1;
		}
		waiter->key = *key2;
		error = futex_pi_attach(waiter, word2);
		if (!error)
			break;
		/* -EAGAIN: it became free, or its owner dies; in the second case user mode is to try again. */
		waiter->key = old_key;
		waiter->requeued = false;
		if (error != -EAGAIN || futex_pi_owner_dies(word2))
			return error;
	}
	waiter->key = *key2;
	list_move_tail(&waiter->link, futex_bucket(key2));
	return 0;
}

int futex_requeue(user_ptr word1, bool is_private1, user_ptr word2, bool is_private2, int nr_wake, int nr_requeue,
		  const u32 *expected, bool pi)
{
	struct futex_waiter *waiter, *next;
	struct futex_key key1, key2;
	struct list_head *bucket;
	int error, done = 0, woken = 0;
	u32 value;

	if (nr_wake < 0 || nr_requeue < 0)
		return -EINVAL;
	if (pi && (word1.addr == word2.addr || nr_wake != 1))
		return -EINVAL;
	error = futex_key_get(word1, is_private1, &key1);
	if (!error)
		error = futex_key_get(word2, is_private2, &key2);
	if (error)
		return error;
	if (pi && futex_key_equal(&key1, &key2))
		return -EINVAL;
	if (expected) {
		error = get_user_u32(&value, word1);
		if (error)
			return error;
		if (value != *expected)
			return -EAGAIN;
	}
	bucket = futex_bucket(&key1);
	list_for_each_entry_safe(waiter, next, bucket, link) {
		if (done - nr_wake >= nr_requeue)
			break;
		if (!futex_key_equal(&waiter->key, &key1))
			continue;
		if (waiter->requeued || pi != waiter->wants_pi || waiter->pi)
			return -EINVAL;
		if (pi && !futex_key_equal(&waiter->pi_key, &key2))
			return -EINVAL;
		if (!pi && ++woken <= nr_wake) {
			futex_wake_waiter(waiter, false);
			done++;
			continue;
		}
		if (!pi && futex_key_equal(&key1, &key2)) {
			done++;
			continue;
		}
		error = requeue_one(waiter, &key2, word2, pi);
		if (error < 0)
			return done ? done : error;
		done++;
	}
	return done;
}

int futex_wait_multiple(const struct futex_wait_item *items, unsigned nr, u64 deadline)
{
	struct futex_waiter *waiters = kcalloc(nr, sizeof(*waiters));
	struct waiter_group group = { waiters, nr };
	int result = 0, first_woken = -1;
	unsigned queued;

	if (!waiters)
		return -ENOMEM;
	for (queued = 0; queued < nr; queued++) {
		struct futex_waiter *waiter = &waiters[queued];
		u32 value;

		waiter->bitset = FUTEX_BITSET_MATCH_ANY;
		result = futex_key_get(items[queued].word, items[queued].is_private, &waiter->key);
		if (!result)
			result = get_user_u32(&value, items[queued].word);
		if (!result && value != items[queued].expected)
			result = -EAGAIN;
		if (result)
			break;
		waiter->word = items[queued].word;
		futex_queue(waiter);
	}
	while (!result && first_woken < 0) {
		prepare_to_sleep(TASK_INTERRUPTIBLE, &futex_waitv_wait, &group);
		for (unsigned i = 0; i < nr && first_woken < 0; i++)
			if (waiters[i].woken)
				first_woken = (int)i;
		if (first_woken >= 0)
			break;
		if (signal_pending(current))
			result = -ERESTARTSYS;
		else if (!schedule_until(deadline))
			result = -ETIMEDOUT;
	}
	finish_sleep();
	for (unsigned i = 0; i < queued; i++) {
		if (waiters[i].woken)
			first_woken = (int)i;
		list_del(&waiters[i].link);
	}
	kfree(waiters);
	return first_woken >= 0 ? first_woken : result;
}

/* The owner of a robust lock dies: the next locker is told by FUTEX_OWNER_DIED. */
static int robust_word_died(struct task_struct *task, user_ptr word, bool pi, bool pending)
{
	u32 value;

	if (word.addr % sizeof(u32) || get_user_u32(&value, word))
		return -EFAULT;
	for (;;) {
		u32 seen = value;

		/* It died between unlocking and waking: the word is free, its waiters still sleep. */
		if (pending && !pi && !value) {
			futex_wake_user(word, 1);
			return 0;
		}
		if ((value & FUTEX_TID_MASK) != (u32)task->tid)
			return 0;
		if (cmpxchg_user_u32(word, &seen, (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED))
			return -EFAULT;
		if (seen == value)
			break;
		value = seen;
	}
	if (!pi && (value & FUTEX_WAITERS))
		futex_wake_user(word, 1);
	return 0;
}

static void robust_list_exit(struct task_struct *task)
{
	user_ptr head = task->robust_list;
	u64 entry, offset, pending, next;

	if (get_user_u64(&entry, head) || get_user_u64(&offset, user_ptr_add(head, 8)) ||
	    get_user_u64(&pending, user_ptr_add(head, 16)))
		return;
	/* Bit 0 of a link says that the lock it leads to is a PI lock. */
	for (int i = 0; (entry & ~1ULL) != head.addr && i < ROBUST_LIST_LIMIT; i++) {
		bool broken = get_user_u64(&next, user_ptr_at(entry & ~1ULL));

		if ((entry & ~1ULL) != (pending & ~1ULL) &&
		    robust_word_died(task, user_ptr_at((entry & ~1ULL) + offset), entry & 1, false))
			return;
		if (broken)
			return;
		entry = next;
		cond_resched();
	}
	if (pending & ~1ULL)
		robust_word_died(task, user_ptr_at((pending & ~1ULL) + offset), pending & 1, true);
}

void futex_exit(struct task_struct *task)
{
	assert_kernel_locked();
	if (!user_ptr_is_null(task->robust_list))
		robust_list_exit(task);
	task->robust_list = USER_NULL; /* only now: until then others wait for what happens to its words */
	if (task->pi_owned.next)
		futex_pi_exit(task);
}

void futex_fork(struct task_struct *child)
{
	child->robust_list = USER_NULL;
	child->pi_blocked_on = NULL;
	child->futex_woke_at = 0;
	child->futex_wake_gap = GAP_MAX_TSC;
	list_init(&child->pi_owned);
}
