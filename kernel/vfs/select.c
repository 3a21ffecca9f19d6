/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll(2), ppoll, select(2), pselect6.
 *
 * A call asks every file once and puts itself on their wait queues while it finds nothing; after that first round
 * the queues are complete and later rounds only ask. Files that are waited on are held: another thread may close
 * the descriptor meanwhile.
 *
 * Interrupted: poll goes on with the time it has left (restart_syscall), the others restart only if no handler
 * runs, and write the remaining time back, from which they restart.
 */
#include <linux/poll.h>

#include "kernel/mm/alloc.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/signal.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"
#include "syscalls.gen.h"

#define STICKY_TIMEOUTS 0x4000000 /* personality(2) */
#define POLL_INLINE 24

struct poll_entry {
	struct wait_queue_entry wait;
	struct poll_entry *next; /* heap entries */
	struct file *file;
	unsigned key;
	struct poll_waiter *waiter;
};

struct poll_waiter {
	struct poll_table table;
	bool triggered;
	int error;
	unsigned nr_inline;
	struct task_struct *task;
	struct poll_entry *more;
	struct poll_entry entries[POLL_INLINE];
};

static bool poll_wake(struct wait_queue_entry *entry, unsigned key)
{
	struct poll_entry *poll = entry->private;

	if (key && !(key & poll->key))
		return false;
	poll->waiter->triggered = true;
	return try_to_wake_up(poll->waiter->task, TASK_NORMAL, true);
}

static void poll_enqueue(struct file *file, struct wait_queue_head *wq, struct poll_table *table)
{
	struct poll_waiter *waiter = container_of(table, struct poll_waiter, table);
	struct poll_entry *entry;

	if (waiter->nr_inline < POLL_INLINE) {
		entry = &waiter->entries[waiter->nr_inline++];
	} else {
		entry = kmalloc(sizeof(*entry));
		if (!entry) {
			waiter->error = -ENOMEM;
			return;
		}
		entry->next = waiter->more;
		waiter->more = entry;
	}
	entry->file = file_get(file);
	entry->key = table->key;
	entry->waiter = waiter;
	wait_entry_init_func(&entry->wait, poll_wake, entry);
	wait_queue_add(wq, &entry->wait);
}

static void poll_waiter_init(struct poll_waiter *waiter, bool sleeps)
{
	waiter->table.queue = sleeps ? poll_enqueue : NULL;
	waiter->triggered = false;
	waiter->error = 0;
	waiter->nr_inline = 0;
	waiter->task = current;
	waiter->more = NULL;
}

static void poll_waiter_done(struct poll_waiter *waiter)
{
	struct poll_entry *entry;

	for (unsigned i = 0; i < waiter->nr_inline; i++)
		wait_queue_remove(&waiter->entries[i].wait);
	for (entry = waiter->more; entry; entry = entry->next)
		wait_queue_remove(&entry->wait);
	/* Only now: the last reference of a file may go, and with it the queue. */
	for (unsigned i = 0; i < waiter->nr_inline; i++)
		file_put(waiter->entries[i].file);
	while ((entry = waiter->more)) {
		waiter->more = entry->next;
		file_put(entry->file);
		kfree(entry);
	}
}

static void describe_poll(const void *object, struct wait_info *info)
{
	const struct poll_waiter *waiter = object;
	const struct file *last = NULL;

	if (!waiter->nr_inline)
		wait_info_printf(info, "no file");
	for (unsigned i = 0; i < waiter->nr_inline; i++) {
		if (waiter->entries[i].file == last) /* a file may have several queues */
			continue;
		wait_info_printf(info, last ? ", " : "");
		last = waiter->entries[i].file;
		wait_info_file(info, last);
	}
	if (waiter->more)
		wait_info_printf(info, ", ...");
	for (unsigned i = 0; i < waiter->nr_inline; i++)
		wait_info_file_peers(info, waiter->entries[i].file);
}
static const struct wait_type poll_wait_type = { "poll", BLOCK_QUEUE, describe_poll };

/* Sleeps until one of the queues wakes; 0: look again. -ETIME, -EINTR. */
static int poll_sleep(struct poll_waiter *waiter, u64 deadline)
{
	int ret = 0;

	prepare_to_sleep(TASK_INTERRUPTIBLE, &poll_wait_type, waiter);
	if (!waiter->triggered) {
		if (signal_pending(current))
			ret = -EINTR;
		else if (!schedule_until(deadline) && !waiter->triggered)
			ret = -ETIME;
	}
	finish_sleep();
	waiter->triggered = false;
	return ret;
}

static unsigned poll_fd(int fd, unsigned wanted, struct poll_waiter *waiter)
{
	struct file *file = fget(fd);

	if (!file)
		return EPOLLNVAL;
	waiter->table.key = wanted;
	unsigned events = file_poll(file, &waiter->table) & wanted;
	file_put(file);
	return events;
}

/* Number of descriptors with events, 0 when `deadline` passed (0: do not sleep), -EINTR, -ENOMEM. */
static long poll_loop(struct pollfd *fds, unsigned nr, u64 deadline)
{
	struct poll_waiter waiter;
	bool last = !deadline;
	long found;

	poll_waiter_init(&waiter, deadline != 0);
	for (;;) {
		found = 0;
		for (unsigned i = 0; i < nr; i++) {
			fds[i].revents = 0;
			if (fds[i].fd < 0)
				continue;
			unsigned wanted = (u16)fds[i].events | EPOLLERR | EPOLLHUP;
			fds[i].revents = poll_fd(fds[i].fd, wanted, &waiter);
			if (fds[i].revents) {
				found++;
				waiter.table.queue = NULL;
			}
		}
		waiter.table.queue = NULL;
		if (!found)
			found = waiter.error;
		if (found || last)
			break;
		int ret = poll_sleep(&waiter, deadline);
		if (ret == -EINTR) {
			found = ret;
			break;
		}
		last = ret == -ETIME;
	}
	poll_waiter_done(&waiter);
	return found;
}

#define POLL_STACK_FDS 32

static long do_poll(user_ptr user_fds, unsigned nr, u64 deadline)
{
	struct pollfd on_stack[POLL_STACK_FDS], *fds = on_stack;
	long ret;

	if (nr > rlimit(RLIMIT_NOFILE))
		return -EINVAL;
	if (nr > POLL_STACK_FDS) {
		fds = kmalloc(nr * sizeof(*fds));
		if (!fds)
			return -ENOMEM;
	}
	ret = -EFAULT;
	if (copy_from_user(fds, user_fds, nr * sizeof(*fds)))
		goto free_fds;
	ret = poll_loop(fds, nr, deadline);
	if (ret < 0)
		goto free_fds;
	for (unsigned i = 0; i < nr; i++) {
		user_ptr at = user_ptr_add(user_fds, i * sizeof(*fds) + offsetof(struct pollfd, revents));
		if (copy_to_user(at, &fds[i].revents, sizeof(fds[i].revents))) {
			ret = -EFAULT;
			break;
		}
	}
free_fds:
	if (fds != on_stack)
		kfree(fds);
	return ret;
}

static long poll_interrupted(user_ptr fds, unsigned nr, u64 deadline);

static long poll_restart(struct restart_block *block)
{
	user_ptr fds = block->poll.fds;
	unsigned nr = block->poll.nr;
	u64 deadline = block->poll.deadline;
	long ret = do_poll(fds, nr, deadline);

	return ret == -EINTR ? poll_interrupted(fds, nr, deadline) : ret;
}

static long poll_interrupted(user_ptr fds, unsigned nr, u64 deadline)
{
	struct restart_block *block = &current->restart_block;

	block->restart = poll_restart;
	block->poll.fds = fds;
	block->poll.nr = nr;
	block->poll.deadline = deadline;
	return -ERESTART_RESTARTBLOCK;
}

long sys_poll(user_ptr fds, unsigned nr, int timeout)
{
	u64 deadline = timeout < 0 ? NEVER : timeout ? ktime_get() + (u64)timeout * NSEC_PER_MSEC : 0;
	long ret = do_poll(fds, nr, deadline);

	return ret == -EINTR ? poll_interrupted(fds, nr, deadline) : ret;
}

/* Where a call takes its timeout from, and how it writes back what is left. */
enum timeout_kind { TIMEOUT_TIMEVAL, TIMEOUT_TIMESPEC };

static int timeout_from_user(user_ptr timeout, enum timeout_kind kind, u64 *ret_deadline)
{
	s64 value[2];
	u64 nsec;

	*ret_deadline = NEVER;
	if (user_ptr_is_null(timeout))
		return 0;
	if (copy_from_user(value, timeout, sizeof(value)))
		return -EFAULT;
	if (kind == TIMEOUT_TIMEVAL) {
		/* select(2) takes microseconds over a second too. */
		if (value[0] < 0 || value[1] < 0)
			return -EINVAL;
		value[0] += value[1] / 1000000;
		nsec = value[1] % 1000000 * NSEC_PER_USEC;
	} else {
		if (value[0] < 0 || (u64)value[1] >= NSEC_PER_SEC)
			return -EINVAL;
		nsec = value[1];
	}
	if (!value[0] && !nsec)
		*ret_deadline = 0;
	else if ((u64)value[0] < INT64_MAX / NSEC_PER_SEC / 2)
		*ret_deadline = ktime_get() + value[0] * NSEC_PER_SEC + nsec;
	return 0;
}

/* Restores the signal mask and writes the remaining time back; gives the final result of the call. */
static long timeout_finish(user_ptr timeout, enum timeout_kind kind, u64 deadline, long ret)
{
	if (ret == -EINTR)
		ret = -ERESTARTNOHAND;
	restore_saved_sigmask_unless(ret == -ERESTARTNOHAND);
	if (user_ptr_is_null(timeout) || deadline == NEVER)
		return ret;
	if (!(current->personality & STICKY_TIMEOUTS)) {
		u64 now = deadline ? ktime_get() : 0;
		u64 left = deadline > now ? deadline - now : 0;
		s64 value[2] = { left / NSEC_PER_SEC, left % NSEC_PER_SEC };

		if (kind == TIMEOUT_TIMEVAL)
			value[1] /= NSEC_PER_USEC;
		if (!deadline || !copy_to_user(timeout, value, sizeof(value)))
			return ret;
	}
	/* The time could not be written back, so a restart would wait for too long. */
	return ret == -ERESTARTNOHAND ? -EINTR : ret;
}

long sys_ppoll(user_ptr fds, unsigned nr, user_ptr timeout, user_ptr sigmask, size_t size)
{
	u64 deadline;
	long ret = timeout_from_user(timeout, TIMEOUT_TIMESPEC, &deadline);

	if (!ret && !user_ptr_is_null(sigmask))
		ret = set_user_sigmask(sigmask, size);
	if (ret)
		return ret;
	return timeout_finish(timeout, TIMEOUT_TIMESPEC, deadline, do_poll(fds, nr, deadline));
}

#define SELECT_IN (EPOLLRDNORM | EPOLLRDBAND | EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLNVAL)
#define SELECT_OUT (EPOLLWRBAND | EPOLLWRNORM | EPOLLOUT | EPOLLERR | EPOLLNVAL)
#define SELECT_EX (EPOLLPRI | EPOLLNVAL)
#define SELECT_STACK_WORDS 6

struct select_sets {
	u64 *in, *out, *ex, *result_in, *result_out, *result_ex;
	unsigned nr, words;
};

static bool test_fd(const u64 *set, unsigned fd) { return set[fd / 64] >> (fd % 64) & 1; }
static void set_fd(u64 *set, unsigned fd) { set[fd / 64] |= 1UL << (fd % 64); }

/* One round over all descriptors; found bits, or -EBADF. */
static long select_round(struct select_sets *sets, struct poll_waiter *waiter)
{
	long found = 0;

	memset(sets->result_in, 0, sets->words * 8 * 3);
	for (unsigned fd = 0; fd < sets->nr; fd++) {
		if (fd % 64 == 0 && !(sets->in[fd / 64] | sets->out[fd / 64] | sets->ex[fd / 64])) {
			fd += 63;
			continue;
		}
		bool in = test_fd(sets->in, fd), out = test_fd(sets->out, fd), ex = test_fd(sets->ex, fd);
		if (!in && !out && !ex)
			continue;
		unsigned wanted = EPOLLERR | EPOLLHUP | (in ? SELECT_IN : 0) | (out ? SELECT_OUT : 0) | (ex ? SELECT_EX : 0);
		unsigned events = poll_fd(fd, wanted, waiter);
		if (events & EPOLLNVAL)
			return -EBADF;
		if (in && (events & SELECT_IN)) {
			set_fd(sets->result_in, fd);
			found++;
		}
		if (out && (events & SELECT_OUT)) {
			set_fd(sets->result_out, fd);
			found++;
		}
		if (ex && (events & SELECT_EX)) {
			set_fd(sets->result_ex, fd);
			found++;
		}
		if (found)
			waiter->table.queue = NULL;
	}
	return found;
}

static long select_loop(struct select_sets *sets, u64 deadline)
{
	struct poll_waiter waiter;
	bool last = !deadline;
	long found;

	poll_waiter_init(&waiter, deadline != 0);
	for (;;) {
		found = select_round(sets, &waiter);
		waiter.table.queue = NULL;
		if (!found)
			found = waiter.error;
		if (found || last)
			break;
		int ret = poll_sleep(&waiter, deadline);
		if (ret == -EINTR) {
			found = ret;
			break;
		}
		last = ret == -ETIME;
	}
	poll_waiter_done(&waiter);
	return found;
}

static int get_fd_set(u64 *set, user_ptr user, unsigned words)
{
	if (!user_ptr_is_null(user))
		return copy_from_user(set, user, words * 8);
	memset(set, 0, words * 8);
	return 0;
}

static int put_fd_set(user_ptr user, const u64 *set, unsigned words)
{
	return user_ptr_is_null(user) ? 0 : copy_to_user(user, set, words * 8);
}

static long do_select(int nr, user_ptr in, user_ptr out, user_ptr ex, u64 deadline)
{
	u64 on_stack[SELECT_STACK_WORDS * 6], *bits = on_stack;

	if (nr < 0)
		return -EINVAL;
	/* Descriptors past the table are ignored, not errors. */
	nr = min((unsigned)nr, current->files->capacity);
	unsigned words = (nr + 63) / 64;
	if (words > SELECT_STACK_WORDS) {
		bits = kmalloc(words * 8 * 6);
		if (!bits)
			return -ENOMEM;
	}
	struct select_sets sets = {
		bits, bits + words, bits + 2 * words, bits + 3 * words, bits + 4 * words, bits + 5 * words, nr, words,
	};
	long ret = -EFAULT;
	if (get_fd_set(sets.in, in, words) || get_fd_set(sets.out, out, words) || get_fd_set(sets.ex, ex, words))
		goto free_sets;
	ret = select_loop(&sets, deadline);
	if (ret < 0)
		goto free_sets;
	if (put_fd_set(in, sets.result_in, words) || put_fd_set(out, sets.result_out, words) ||
	    put_fd_set(ex, sets.result_ex, words))
		ret = -EFAULT;
free_sets:
	if (bits != on_stack)
		kfree(bits);
	return ret;
}

long sys_select(int nr, user_ptr readfds, user_ptr writefds, user_ptr exceptfds, user_ptr timeout)
{
	u64 deadline;
	long ret = timeout_from_user(timeout, TIMEOUT_TIMEVAL, &deadline);

	if (ret)
		return ret;
	return timeout_finish(timeout, TIMEOUT_TIMEVAL, deadline, do_select(nr, readfds, writefds, exceptfds, deadline));
}

long sys_pselect6(int nr, user_ptr readfds, user_ptr writefds, user_ptr exceptfds, user_ptr timeout, user_ptr sigmask)
{
	struct { u64 mask, size; } argument = { 0, 0 };
	u64 deadline;

	if (!user_ptr_is_null(sigmask) && get_user_object(&argument, sigmask))
		return -EFAULT;
	long ret = timeout_from_user(timeout, TIMEOUT_TIMESPEC, &deadline);
	if (!ret && argument.mask)
		ret = set_user_sigmask(user_ptr_at(argument.mask), argument.size);
	if (ret)
		return ret;
	return timeout_finish(timeout, TIMEOUT_TIMESPEC, deadline, do_select(nr, readfds, writefds, exceptfds, deadline));
}
