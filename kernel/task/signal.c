/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signal queues: sending, choosing the thread, taking. signal(7), sigqueue(3).
 *
 * A signal is a bit in the pending mask of a thread or of its process, and usually a queue entry with its
 * siginfo. Standard signals are queued once; real-time signals as often as they are sent, up to
 * RLIMIT_SIGPENDING of the receiver's real user id (then kill() loses the siginfo, sigqueue() fails with EAGAIN).
 * A signal to a process goes to a thread that does not block it, the main one first.
 */
#include <linux/signal.h>

#include "kernel/init/init.h"
#include "kernel/locking.h"
#include "kernel/mm/alloc.h"
#include "kernel/task/signal_internal.h"
#include "kernel/vfs/event.h"
#include "kernel/vfs/poll.h"

#define USER_BUCKETS 16
#define PAGE_FAULT_TRAP 14

struct user_pending {
	struct hlist_node hash;
	uid_t uid;
	unsigned queued;
};
static struct hlist_head users[USER_BUCKETS];

static struct user_pending *user_find(uid_t uid)
{
	struct user_pending *user;

	hlist_for_each_entry(user, &users[uid % USER_BUCKETS], hash) {
		if (user->uid == uid)
			return user;
	}
	return NULL;
}

static bool user_charge(uid_t uid, u64 limit, bool override)
{
	struct user_pending *user = user_find(uid);

	if (!override && (user ? user->queued : 0) >= limit)
		return false;
	if (!user) {
		user = kzalloc(sizeof(*user));
		if (!user)
			return false;
		user->uid = uid;
		hlist_add(&user->hash, &users[uid % USER_BUCKETS]);
	}
	user->queued++;
	return true;
}

static void user_uncharge(uid_t uid)
{
	struct user_pending *user = user_find(uid);

	if (user && --user->queued == 0) {
		hlist_del(&user->hash);
		kfree(user);
	}
}

unsigned sigpending_of_user(uid_t uid)
{
	struct user_pending *user = user_find(uid);

	return user ? user->queued : 0;
}

static struct sigqueue *sigqueue_alloc(struct task_struct *task, bool override_limit)
{
	uid_t uid = task->cred->uid;
	struct sigqueue *entry;

	if (!user_charge(uid, task->signal->rlimits[RLIMIT_SIGPENDING].rlim_cur, override_limit))
		return NULL;
	entry = kzalloc(sizeof(*entry));
	if (!entry) {
		user_uncharge(uid);
		return NULL;
	}
	list_init(&entry->link);
	entry->uid = uid;
	return entry;
}

/* Entries of timers stay with their timer. */
static void sigqueue_free(struct sigqueue *entry)
{
	list_del(&entry->link);
	if (entry->timer)
		return;
	user_uncharge(entry->uid);
	kfree(entry);
}

void flush_sigqueue(struct sigpending *pending)
{
	while (!list_empty(&pending->queue))
		sigqueue_free(list_first_entry(&pending->queue, struct sigqueue, link));
	pending->mask = 0;
}

void flush_signals_in(struct sigpending *pending, sigmask_t mask)
{
	struct sigqueue *entry, *next;

	if (!(pending->mask & mask))
		return;
	pending->mask &= ~mask;
	list_for_each_entry_safe(entry, next, &pending->queue, link) {
		if (mask & SIGMASK(entry->info.si_signo))
			sigqueue_free(entry);
	}
}

struct sighand_struct *sighand_alloc(void)
{
	struct sighand_struct *sighand = kzalloc(sizeof(*sighand));

	if (!sighand)
		return NULL;
	refcount_set(&sighand->count, 1);
	wait_queue_init(&sighand->signalfd_wait);
	return sighand;
}

void sighand_put(struct sighand_struct *sighand)
{
	if (!sighand || !refcount_dec_and_test(&sighand->count))
		return;
	signalfd_cleanup(sighand);
	kfree(sighand);
}

bool signal_unkillable(const struct signal_struct *signal)
{
	return init_task && init_task->signal == signal && !(signal->stop_flags & SIGNAL_FORCED_DEATH);
}

bool signal_pending(struct task_struct *task)
{
	return task->work & TIF_SIGPENDING;
}

bool fatal_signal_pending(struct task_struct *task)
{
	return signal_pending(task) && (task->pending.mask & SIGMASK(SIGKILL));
}

/* For other tasks this only ever sets the flag: a call they were interrupted in relies on it to get to do_signal. */
void recalc_sigpending(struct task_struct *task)
{
	sigmask_t ready = (task->pending.mask | task->signal->shared_pending.mask) & ~task->blocked;

	if (ready || task->stop_pending)
		task->work |= TIF_SIGPENDING;
	else if (task == current)
		task->work &= ~TIF_SIGPENDING;
}

void signal_wake_up(struct task_struct *task, bool fatal)
{
	unsigned states = TASK_INTERRUPTIBLE;

	task->work |= TIF_SIGPENDING;
	if (fatal)
		states |= TASK_STOPPED | TASK_TRACED | TASK_FROZEN;
	else if (task->state & TASK_KILLABLE_ONLY)
		return;
	if (!wake_up_state(task, states))
		kick_task(task);
}

static bool ignored_by_default(int sig)
{
	return SIGMASK(sig) & SIGNALS_IGNORED_BY_DEFAULT;
}

static bool signal_is_ignored(int sig, struct task_struct *task, bool from_kernel)
{
	u64 handler;

	/* A blocked signal may get a handler before it is unblocked. */
	if ((task->blocked | task->sigwait_mask) & SIGMASK(sig))
		return false;
	handler = action_of(task, sig)->handler;
	if (signal_unkillable(task->signal) && handler == SIG_DFL_ADDR &&
	    !(from_kernel && (SIGMASK(sig) & SIGNALS_KERNEL_ONLY)))
		return true;
	return handler == SIG_IGN_ADDR || (handler == SIG_DFL_ADDR && ignored_by_default(sig));
}

static bool can_take(int sig, struct task_struct *task)
{
	if ((task->blocked & SIGMASK(sig)) || (task->flags & PF_EXITING))
		return false;
	if (sig == SIGKILL)
		return true;
	if (task->state & (TASK_STOPPED | TASK_TRACED))
		return false;
	return task == current || !signal_pending(task);
}

static bool kills_at_once(int sig, struct task_struct *task)
{
	struct signal_struct *signal = task->signal;

	if (signal->group_exit || ((task->sigwait_mask | task->blocked) & SIGMASK(sig)))
		return false;
	if (sig == SIGKILL)
		return true;
	if (signal_unkillable(signal) || action_of(task, sig)->handler != SIG_DFL_ADDR)
		return false;
	return !(SIGMASK(sig) & (SIGNALS_IGNORED_BY_DEFAULT | SIGNALS_STOP | SIGNALS_DUMP_CORE));
}

/* The signal is pending: choose a thread and get it going. */
static void choose_thread(int sig, struct task_struct *task, bool process)
{
	struct task_struct *taker = NULL, *t;

	if (can_take(sig, task)) {
		taker = task;
	} else if (process) {
		for_each_thread(task, t) {
			if (can_take(sig, t)) {
				taker = t;
				break;
			}
		}
	}
	/* Nobody wants it now: whoever unblocks it, or finishes what it is at, finds it pending. */
	if (!taker)
		return;
	if (kills_at_once(sig, taker)) {
		taker->signal->group_exit = true;
		taker->signal->exit_code = sig;
		taker->signal->stop_count = 0;
		for_each_thread(taker, t) {
			t->stop_pending = false;
			t->pending.mask |= SIGMASK(SIGKILL);
			signal_wake_up(t, true);
		}
		return;
	}
	signal_wake_up(taker, sig == SIGKILL);
}

static void fill_info(siginfo_t *to, int sig, const siginfo_t *info)
{
	if (!info_is_special(info)) {
		memcpy(to, info, sizeof(*to));
		to->si_signo = sig;
		return;
	}
	memset(to, 0, sizeof(*to));
	to->si_signo = sig;
	if (info == SEND_SIG_USER) {
		to->si_code = SI_USER;
		to->si_pid = current->tgid;
		to->si_uid = current->cred->uid;
	} else {
		to->si_code = SI_KERNEL;
	}
}

static void queue_pending(int sig, struct task_struct *task, bool process)
{
	struct sigpending *pending = process ? &task->signal->shared_pending : &task->pending;

	pending->mask |= SIGMASK(sig);
	wake_up_poll(&task->sighand->signalfd_wait, POLL_IN);
	choose_thread(sig, task, process);
}

static int send_signal(int sig, const siginfo_t *info, struct task_struct *task, bool process)
{
	struct sigpending *pending;
	struct sigqueue *entry;
	bool override_limit;

	assert_kernel_locked();
	if (!task->sighand || !task->signal)
		return -ESRCH;
	if (sig == 0)
		return 0;
	if (task->signal->group_exit && !(task->flags & PF_DUMPCORE) && sig != SIGKILL)
		return 0;
	cancel_opposite_signals(sig, task);
	/* The signal of a child's end may be any, but it is no order of the kernel's to pid 1. */
	if (signal_is_ignored(sig, task, info == SEND_SIG_KERNEL || (!info_is_special(info) && info->si_code == SI_KERNEL)))
		return 0;
	pending = process ? &task->signal->shared_pending : &task->pending;
	if (sig < SIGRTMIN && (pending->mask & SIGMASK(sig)))
		return 0;
	if (sig == SIGKILL || (task->flags & PF_KTHREAD)) {
		queue_pending(sig, task, process);
		return 0;
	}
	override_limit = sig < SIGRTMIN && (info_is_special(info) || info->si_code >= 0);
	entry = sigqueue_alloc(task, override_limit);
	if (entry) {
		fill_info(&entry->info, sig, info);
		list_add_tail(&entry->link, &pending->queue);
	} else if (!info_is_special(info) && sig >= SIGRTMIN && info->si_code != SI_USER) {
		return -EAGAIN;
	}
	queue_pending(sig, task, process);
	return 0;
}

int send_signal_thread(int sig, const siginfo_t *info, struct task_struct *task)
{
	return send_signal(sig, info, task, false);
}

int send_signal_process(int sig, const siginfo_t *info, struct task_struct *task)
{
	return send_signal(sig, info, task, true);
}

int send_signal_pgrp(int sig, const siginfo_t *info, struct pid *pgrp)
{
	struct signal_struct *signal, *next;
	int result = -ESRCH;

	list_for_each_entry_safe(signal, next, &pgrp->group_processes, pgrp_link) {
		int error = send_signal_process(sig, info, signal->leader);

		if (result != 0)
			result = error;
	}
	return result;
}

int send_sigqueue(struct sigqueue *entry, struct task_struct *task, bool process)
{
	int sig = entry->info.si_signo;
	struct sigpending *pending;

	if (!task->sighand || !task->signal || !list_empty(&entry->link))
		return 1;
	cancel_opposite_signals(sig, task);
	if (task->signal->group_exit || signal_is_ignored(sig, task, false))
		return 1;
	pending = process ? &task->signal->shared_pending : &task->pending;
	list_add_tail(&entry->link, &pending->queue);
	queue_pending(sig, task, process);
	return 0;
}

void kill_process(struct task_struct *task, const char *why)
{
	if (init_task && task->signal == init_task->signal && !task->signal->group_exit)
		printk(KERN_WARNING, "pid 1 (%s) is killed, and with it the container: %s", init_task->comm, why);
	send_signal_process(SIGKILL, SEND_SIG_KERNEL, task);
}

int signal_permission(int sig, const siginfo_t *info, struct task_struct *target)
{
	const struct cred *mine = current->cred, *theirs = target->cred;

	if (info_from_kernel(info) || target->signal == current->signal)
		return 0;
	if (mine->euid == theirs->suid || mine->euid == theirs->uid || mine->uid == theirs->suid || mine->uid == theirs->uid)
		return 0;
	if (capable(CAP_KILL))
		return 0;
	if (sig == SIGCONT && target->signal->session == current->signal->session)
		return 0;
	return -EPERM;
}

static int next_signal(const struct sigpending *pending, sigmask_t mask)
{
	sigmask_t ready = pending->mask & mask;

	if (!ready)
		return 0;
	if (ready & SIGNALS_SYNCHRONOUS)
		ready &= SIGNALS_SYNCHRONOUS;
	return __builtin_ctzll(ready) + 1;
}

static void take_signal(struct sigpending *pending, int sig, siginfo_t *ret_info)
{
	struct sigqueue *entry, *first = NULL;
	bool more = false;

	list_for_each_entry(entry, &pending->queue, link) {
		if (entry->info.si_signo != sig)
			continue;
		if (first) {
			more = true;
			break;
		}
		first = entry;
	}
	if (!more)
		pending->mask &= ~SIGMASK(sig);
	if (!first) {
		/* The limit was reached when it was sent. */
		memset(ret_info, 0, sizeof(*ret_info));
		ret_info->si_signo = sig;
		ret_info->si_code = SI_USER;
		return;
	}
	memcpy(ret_info, &first->info, sizeof(*ret_info));
	if (first->timer) {
		list_del(&first->link);
		posix_timer_signal_taken(first->timer, ret_info);
	} else {
		sigqueue_free(first);
	}
}

int dequeue_signal(sigmask_t mask, siginfo_t *ret_info)
{
	struct sigpending *pending = &current->pending;
	int sig = next_signal(pending, mask);

	if (!sig) {
		pending = &current->signal->shared_pending;
		sig = next_signal(pending, mask);
	}
	if (sig)
		take_signal(pending, sig, ret_info);
	recalc_sigpending(current);
	return sig;
}

/* Signals of the process that this thread was woken for, or is about to block, go to threads that take them. */
static void retarget_shared(struct task_struct *task, sigmask_t which)
{
	sigmask_t left = task->signal->shared_pending.mask & which;
	struct task_struct *t;

	for_each_thread(task, t) {
		if (!left)
			break;
		if (t == task || (t->flags & PF_EXITING) || !(left & ~t->blocked))
			continue;
		left &= t->blocked;
		if (!signal_pending(t))
			signal_wake_up(t, false);
	}
}

void set_current_blocked(sigmask_t mask)
{
	mask &= ~SIGNALS_UNBLOCKABLE;
	if (signal_pending(current) && (mask & ~current->blocked))
		retarget_shared(current, mask & ~current->blocked);
	current->blocked = mask;
	recalc_sigpending(current);
}

void exit_signals(struct task_struct *task)
{
	if (task->signal->group_exit || list_empty(&task->signal->threads))
		return;
	if (signal_pending(task))
		retarget_shared(task, ~task->blocked);
	if (task->stop_pending) {
		task->stop_pending = false;
		if (task->signal->stop_count > 0 && --task->signal->stop_count == 0 &&
		    !(task->signal->stop_flags & SIGNAL_STOP_STOPPED)) {
			task->signal->stop_flags |= SIGNAL_STOP_STOPPED;
			notify_parent(task->signal->leader, CLD_STOPPED, task->signal->stop_signal);
		}
	}
}

void zap_other_threads(struct task_struct *task)
{
	struct task_struct *t;

	task->signal->stop_count = 0;
	for_each_thread(task, t) {
		t->stop_pending = false;
		if (t == task || t->exit_state || (t->flags & PF_EXITING))
			continue;
		t->pending.mask |= SIGMASK(SIGKILL);
		signal_wake_up(t, true);
	}
}

/* A fault cannot wait: a blocked or ignored signal gets its default action, which ends the process. */
static void force_signal_info(int sig, const siginfo_t *info)
{
	struct k_sigaction *action = action_of(current, sig);
	bool blocked = current->blocked & SIGMASK(sig);

	if (blocked || action->handler == SIG_IGN_ADDR) {
		action->handler = SIG_DFL_ADDR;
		if (blocked) {
			current->blocked &= ~SIGMASK(sig);
			recalc_sigpending(current);
		}
	}
	if (action->handler == SIG_DFL_ADDR)
		current->signal->stop_flags |= SIGNAL_FORCED_DEATH;
	send_signal_thread(sig, info, current);
	current->work |= TIF_SIGPENDING;
}

void force_signal_fault(int sig, int code, u64 address, int trap_number)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = sig;
	info.si_code = code;
	info.si_addr = (void *)address;
	current->fault_trap = trap_number;
	if (trap_number == PAGE_FAULT_TRAP)
		current->fault_address = address;
	force_signal_info(sig, &info);
}

void force_signal_with(int sig, const siginfo_t *info)
{
	force_signal_info(sig, info);
}

void force_signal(int sig)
{
	force_signal_info(sig, SEND_SIG_KERNEL);
}

void flush_signal_handlers(struct task_struct *task, bool force_default)
{
	for (int sig = 1; sig <= NSIG_LINUX; sig++) {
		struct k_sigaction *action = action_of(task, sig);

		if (force_default || action->handler != SIG_IGN_ADDR)
			action->handler = SIG_DFL_ADDR;
		action->flags = 0;
		action->restorer = 0;
		action->mask = 0;
	}
}

void sigaltstack_reset(struct task_struct *task)
{
	task->sas_sp = 0;
	task->sas_size = 0;
	task->sas_flags = SS_DISABLE;
}

int copy_siginfo_to_user(user_ptr dst, const siginfo_t *info)
{
	return put_user_object(dst, info);
}
