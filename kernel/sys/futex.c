// SPDX-License-Identifier: Apache-2.0
/* futex(2), futex_waitv(2), futex2's wait, wake and requeue, set_robust_list(2). */
#include <linux/time.h>

#include "kernel/mm/alloc.h"
#include "kernel/sync/futex_internal.h"
#include "kernel/task/task.h"
#include "kernel/time/convert.h"
#include "kernel/time/timer.h"
#include "syscalls.gen.h"

/* Not in older uapi headers. */
#define FUTEX2_SIZE_U32_ 2
#define FUTEX2_PRIVATE_ 128
#define FUTEX_LOCK_PI2_ 13

static long restart_wait(struct restart_block *block)
{
	int error = futex_wait(block->futex.word, block->futex.flags & FUTEX_PRIVATE_FLAG, block->futex.expected,
			       block->futex.deadline, block->futex.bitset);

	return error == -EINTR ? -ERESTART_RESTARTBLOCK : error;
}

static long wait_restartable(user_ptr word, bool is_private, u32 expected, u64 deadline, u32 bitset)
{
	int error = futex_wait(word, is_private, expected, deadline, bitset);

	if (error != -EINTR)
		return error;
	if (deadline == NEVER)
		return -ERESTARTSYS;
	/* A relative time is not to start afresh: the deadline is kept. */
	current->restart_block.restart = restart_wait;
	current->restart_block.futex.word = word;
	current->restart_block.futex.expected = expected;
	current->restart_block.futex.flags = is_private ? FUTEX_PRIVATE_FLAG : 0;
	current->restart_block.futex.bitset = bitset;
	current->restart_block.futex.deadline = deadline;
	return -ERESTART_RESTARTBLOCK;
}

/* The deadline of a waiting operation, on CLOCK_MONOTONIC. */
static int futex_deadline(int command, bool realtime, user_ptr timeout, u64 *ret_deadline)
{
	u64 time;
	int error;

	*ret_deadline = NEVER;
	if (user_ptr_is_null(timeout))
		return 0;
	error = get_user_timespec(&time, timeout);
	if (error)
		return error;
	if (command == FUTEX_WAIT)
		*ret_deadline = ktime_add(ktime_get(), time);
	else if (realtime || command == FUTEX_LOCK_PI)
		*ret_deadline = ktime_to_monotonic(CLOCK_REALTIME, time);
	else
		*ret_deadline = time;
	return 0;
}

static bool takes_timeout(int command)
{
	return command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET || command == FUTEX_LOCK_PI ||
	       command == FUTEX_LOCK_PI2_ || command == FUTEX_WAIT_REQUEUE_PI;
}

long sys_futex(user_ptr uaddr, int op, unsigned val, user_ptr timeout, user_ptr uaddr2, unsigned val3)
{
	int command = op & FUTEX_CMD_MASK, val2 = (int)timeout.addr, error;
	bool is_private = op & FUTEX_PRIVATE_FLAG, realtime = op & FUTEX_CLOCK_REALTIME;
	u64 deadline = NEVER;

	if (realtime && command != FUTEX_WAIT_BITSET && command != FUTEX_WAIT_REQUEUE_PI && command != FUTEX_LOCK_PI2_)
		return -ENOSYS;
	if (takes_timeout(command)) {
		error = futex_deadline(command, realtime, timeout, &deadline);
		if (error)
			return error;
	}
	switch (command) {
	case FUTEX_WAIT:
		return wait_restartable(uaddr, is_private, val, deadline, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAIT_BITSET:
		return wait_restartable(uaddr, is_private, val, deadline, val3);
	case FUTEX_WAKE:
		return futex_wake(uaddr, is_private, (int)val, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET:
		return futex_wake(uaddr, is_private, (int)val, val3);
	case FUTEX_REQUEUE:
		return futex_requeue(uaddr, is_private, uaddr2, is_private, (int)val, val2, NULL, false);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(uaddr, is_private, uaddr2, is_private, (int)val, val2, &val3, false);
	case FUTEX_WAKE_OP:
		return futex_wake_op(uaddr, is_private, uaddr2, (int)val, val2, val3);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2_:
		return futex_lock_pi(uaddr, is_private, deadline, false);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(uaddr, is_private);
	case FUTEX_TRYLOCK_PI:
		return futex_lock_pi(uaddr, is_private, NEVER, true);
	case FUTEX_WAIT_REQUEUE_PI:
		return futex_wait_requeue_pi(uaddr, is_private, val, deadline, FUTEX_BITSET_MATCH_ANY, uaddr2);
	case FUTEX_CMP_REQUEUE_PI:
		return futex_requeue(uaddr, is_private, uaddr2, is_private, (int)val, val2, &val3, true);
	default:
		return -ENOSYS;
	}
}

/* futex2's absolute timeouts. */
static int futex2_deadline(user_ptr timeout, int clock, u64 *ret_deadline)
{
	u64 time;
	int error;

	*ret_deadline = NEVER;
	if (user_ptr_is_null(timeout))
		return 0;
	if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME)
		return -EINVAL;
	error = get_user_timespec(&time, timeout);
	if (!error)
		*ret_deadline = ktime_to_monotonic(clock, time);
	return error;
}

static bool futex2_flags_ok(unsigned flags)
{
	return !(flags & ~(FUTEX2_SIZE_U32_ | FUTEX2_PRIVATE_)) && (flags & 3) == FUTEX2_SIZE_U32_;
}

/* struct futex_waitv */
struct user_waitv {
	u64 val, uaddr;
	u32 flags, reserved;
};
#define WAITV_MAX 128

static int get_waitv(struct futex_wait_item *ret_item, user_ptr src)
{
	struct user_waitv waitv;

	if (get_user_object(&waitv, src))
		return -EFAULT;
	if (waitv.reserved || !futex2_flags_ok(waitv.flags) || waitv.val > UINT32_MAX)
		return -EINVAL;
	*ret_item = (struct futex_wait_item){ user_ptr_at(waitv.uaddr), (u32)waitv.val, waitv.flags & FUTEX2_PRIVATE_ };
	return 0;
}

long sys_futex_waitv(user_ptr waiters, unsigned nr, unsigned flags, user_ptr timeout, int clock)
{
	struct futex_wait_item *items;
	u64 deadline;
	int result;

	if (flags || !nr || nr > WAITV_MAX || user_ptr_is_null(waiters))
		return -EINVAL;
	result = futex2_deadline(timeout, clock, &deadline);
	if (result)
		return result;
	items = kcalloc(nr, sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (unsigned i = 0; i < nr && !result; i++)
		result = get_waitv(&items[i], user_ptr_add(waiters, i * sizeof(struct user_waitv)));
	if (!result)
		result = futex_wait_multiple(items, nr, deadline);
	kfree(items);
	return result;
}

long sys_futex_wake(user_ptr uaddr, u64 mask, int nr, unsigned flags)
{
	struct futex_key key;
	int error;

	if (!futex2_flags_ok(flags) || mask > UINT32_MAX || !mask)
		return -EINVAL;
	if (nr <= 0) {
		error = futex_key_get(uaddr, flags & FUTEX2_PRIVATE_, &key);
		return error;
	}
	return futex_wake(uaddr, flags & FUTEX2_PRIVATE_, nr, (u32)mask);
}

long sys_futex_wait(user_ptr uaddr, u64 val, u64 mask, unsigned flags, user_ptr timeout, int clock)
{
	u64 deadline;
	int error;

	if (!futex2_flags_ok(flags) || val > UINT32_MAX || mask > UINT32_MAX)
		return -EINVAL;
	error = futex2_deadline(timeout, clock, &deadline);
	if (error)
		return error;
	error = futex_wait(uaddr, flags & FUTEX2_PRIVATE_, (u32)val, deadline, (u32)mask);
	return error == -EINTR ? -ERESTARTSYS : error;
}

long sys_futex_requeue(user_ptr waiters, unsigned flags, int nr_wake, int nr_requeue)
{
	struct futex_wait_item from, to;
	int error;

	if (flags || user_ptr_is_null(waiters))
		return -EINVAL;
	error = get_waitv(&from, waiters);
	if (!error)
		error = get_waitv(&to, user_ptr_add(waiters, sizeof(struct user_waitv)));
	if (error)
		return error;
	return futex_requeue(from.word, from.is_private, to.word, to.is_private, nr_wake, nr_requeue, &from.expected, false);
}

#define ROBUST_HEAD_SIZE 24

long sys_set_robust_list(user_ptr head, size_t size)
{
	if (size != ROBUST_HEAD_SIZE)
		return -EINVAL;
	current->robust_list = head;
	return 0;
}

long sys_get_robust_list(pid_t pid, user_ptr head, user_ptr size)
{
	struct task_struct *task = pid ? task_find(pid) : current;
	const struct cred *cred = current->cred;

	if (!task)
		return -ESRCH;
	if (task->signal != current->signal && !capable(CAP_SYS_PTRACE) &&
	    (cred->uid != task->cred->euid || cred->uid != task->cred->suid || cred->uid != task->cred->uid))
		return -EPERM;
	if (put_user_u64(size, ROBUST_HEAD_SIZE) || put_user_u64(head, task->robust_list.addr))
		return -EFAULT;
	return 0;
}
