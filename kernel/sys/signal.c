/* SPDX-License-Identifier: Apache-2.0 */
/* System calls of signals: kill(2), sigaction(2), sigprocmask(2), sigaltstack(2), sigqueue(3) and relatives. */
#include <linux/signal.h>
#include <linux/time_types.h>

#include "kernel/locking.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/signal_internal.h"

/* The bits of sa_flags that are kept; others read back as 0. */
#define SA_KNOWN                                                                                   \
	(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND | \
	 SA_RESTORER | 0x800 /* SA_EXPOSE_TAGBITS */)

static bool valid_signal(int sig)
{
	return sig >= 0 && sig <= NSIG_LINUX;
}

static int kill_task(int sig, const siginfo_t *info, struct task_struct *task)
{
	int error = signal_permission(sig, info, task);

	return error ? error : send_signal_process(sig, info, task);
}

static int kill_pgrp_number(int sig, pid_t number)
{
	struct pid *pgrp = number ? pid_find(number) : current->signal->pgrp;
	struct signal_struct *signal, *next;
	int result = -ESRCH;

	if (!pgrp)
		return -ESRCH;
	list_for_each_entry_safe(signal, next, &pgrp->group_processes, pgrp_link) {
		int error = kill_task(sig, SEND_SIG_USER, signal->leader);

		if (result != 0)
			result = error;
	}
	return result;
}

static int kill_everyone(int sig)
{
	struct task_struct *task, *next;
	int result = -ESRCH;

	list_for_each_entry_safe(task, next, &all_tasks, all_link) {
		int error;

		if ((task->flags & PF_KTHREAD) || !thread_group_leader(task) || task->tgid <= 1 || task->signal == current->signal)
			continue;
		error = kill_task(sig, SEND_SIG_USER, task);
		if (result == -ESRCH)
			result = 0;
		if (error != -EPERM)
			result = error;
	}
	return result;
}

static struct task_struct *find_target(pid_t tid)
{
	struct task_struct *task = tid > 0 ? task_find(tid) : NULL;

	return task && !(task->flags & PF_KTHREAD) && task->sighand ? task : NULL;
}

long sys_kill(int pid, int sig)
{
	struct task_struct *task;

	if (!valid_signal(sig))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid == -1)
		return kill_everyone(sig);
	if (pid <= 0)
		return kill_pgrp_number(sig, -pid);
	task = find_target(pid);
	return task ? kill_task(sig, SEND_SIG_USER, task) : -ESRCH;
}

static long send_to_thread(pid_t tgid, pid_t tid, int sig, const siginfo_t *info)
{
	struct task_struct *task = find_target(tid);
	int error;

	if (!task || (tgid > 0 && task->tgid != tgid))
		return -ESRCH;
	if (!valid_signal(sig))
		return -EINVAL;
	error = signal_permission(sig, info, task);
	return error ? error : send_signal_thread(sig, info, task);
}

static long do_tkill(pid_t tgid, pid_t tid, int sig)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = sig;
	info.si_code = SI_TKILL;
	info.si_pid = current->tgid;
	info.si_uid = current->cred->uid;
	return send_to_thread(tgid, tid, sig, &info);
}

long sys_tkill(int tid, int sig)
{
	return tid <= 0 ? -EINVAL : do_tkill(0, tid, sig);
}

long sys_tgkill(int tgid, int tid, int sig)
{
	return tid <= 0 || tgid <= 0 ? -EINVAL : do_tkill(tgid, tid, sig);
}

/* A program may not pretend to be the kernel or kill(2), except towards itself. */
static int read_queue_info(siginfo_t *ret_info, user_ptr info, int sig, pid_t target)
{
	if (get_user_object(ret_info, info))
		return -EFAULT;
	if ((ret_info->si_code >= 0 || ret_info->si_code == SI_TKILL) && current->tid != target)
		return -EPERM;
	ret_info->si_signo = sig;
	return 0;
}

long sys_rt_sigqueueinfo(int pid, int sig, user_ptr user_info)
{
	struct task_struct *task;
	siginfo_t info;
	int error = read_queue_info(&info, user_info, sig, pid);

	if (error)
		return error;
	task = find_target(pid);
	if (!task)
		return -ESRCH;
	if (!valid_signal(sig))
		return -EINVAL;
	return kill_task(sig, &info, task);
}

long sys_rt_tgsigqueueinfo(int tgid, int tid, int sig, user_ptr user_info)
{
	siginfo_t info;
	int error = read_queue_info(&info, user_info, sig, tid);

	if (error)
		return error;
	return tid <= 0 || tgid <= 0 ? -EINVAL : send_to_thread(tgid, tid, sig, &info);
}

static void set_action(int sig, const struct k_sigaction *wanted)
{
	struct k_sigaction *action = action_of(current, sig);
	struct task_struct *t;
	bool ignored;

	*action = *wanted;
	action->flags &= SA_KNOWN;
	action->mask &= ~SIGNALS_UNBLOCKABLE;
	ignored = action->handler == SIG_IGN_ADDR ||
		  (action->handler == SIG_DFL_ADDR && (SIGMASK(sig) & SIGNALS_IGNORED_BY_DEFAULT));
	if (!ignored)
		return;
	/* POSIX: what is pending of an ignored signal is discarded, blocked or not. */
	flush_signals_in(&current->signal->shared_pending, SIGMASK(sig));
	for_each_thread(current, t)
		flush_signals_in(&t->pending, SIGMASK(sig));
}

long sys_rt_sigaction(int sig, user_ptr new_action, user_ptr old_action, size_t size)
{
	struct k_sigaction wanted, old;

	if (size != sizeof(sigmask_t))
		return -EINVAL;
	if (!user_ptr_is_null(new_action) && get_user_object(&wanted, new_action))
		return -EFAULT;
	if (!valid_signal(sig) || sig == 0)
		return -EINVAL;
	if (!user_ptr_is_null(new_action) && (SIGMASK(sig) & SIGNALS_KERNEL_ONLY))
		return -EINVAL;
	old = *action_of(current, sig);
	if (!user_ptr_is_null(new_action))
		set_action(sig, &wanted);
	if (!user_ptr_is_null(old_action) && put_user_object(old_action, &old))
		return -EFAULT;
	return 0;
}

long sys_rt_sigprocmask(int how, user_ptr set, user_ptr old_set, size_t size)
{
	sigmask_t old = current->blocked, wanted;

	if (size != sizeof(sigmask_t))
		return -EINVAL;
	if (!user_ptr_is_null(set)) {
		if (get_user_u64(&wanted, set))
			return -EFAULT;
		switch (how) {
		case SIG_BLOCK:
			set_current_blocked(old | wanted);
			break;
		case SIG_UNBLOCK:
			set_current_blocked(old & ~wanted);
			break;
		case SIG_SETMASK:
			set_current_blocked(wanted);
			break;
		default:
			return -EINVAL;
		}
	}
	if (!user_ptr_is_null(old_set) && put_user_u64(old_set, old))
		return -EFAULT;
	return 0;
}

long sys_rt_sigpending(user_ptr set, size_t size)
{
	sigmask_t pending = (current->pending.mask | current->signal->shared_pending.mask) & current->blocked;

	if (size > sizeof(pending))
		return -EINVAL;
	return copy_to_user(set, &pending, size);
}

static void describe_sigwait(const void *object, struct wait_info *info)
{
	const sigmask_t *awaited = object;

	wait_info_printf(info, "a signal of the set 0x%llx", (unsigned long long)*awaited);
}
static const struct wait_type sigwait_wait = { "sigwait", BLOCK_QUEUE, describe_sigwait };

static void describe_signal(const void *object, struct wait_info *info)
{
	const sigmask_t *blocked = object;

	wait_info_printf(info, "any signal but 0x%llx", (unsigned long long)*blocked);
}
static const struct wait_type signal_wait = { "signal", BLOCK_QUEUE, describe_signal };

/* Sleeps with the awaited signals unblocked, so that they wake this thread; restores the mask. */
static void sleep_for_signals(sigmask_t awaited, u64 deadline)
{
	sigmask_t blocked = current->blocked;

	current->sigwait_mask = blocked;
	current->blocked &= ~awaited;
	recalc_sigpending(current);
	if (!signal_pending(current)) {
		prepare_to_sleep(TASK_INTERRUPTIBLE, &sigwait_wait, &awaited);
		schedule_until(deadline);
		finish_sleep();
	}
	current->sigwait_mask = 0;
	set_current_blocked(blocked);
}

static int read_timeout(u64 *ret_ns, user_ptr timeout)
{
	struct __kernel_timespec ts;

	if (get_user_object(&ts, timeout))
		return -EFAULT;
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= (s64)NSEC_PER_SEC)
		return -EINVAL;
	if (ts.tv_sec > (s64)(INT64_MAX / NSEC_PER_SEC) - 1)
		*ret_ns = INT64_MAX;
	else
		*ret_ns = ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
	return 0;
}

long sys_rt_sigtimedwait(user_ptr set, user_ptr user_info, user_ptr timeout, size_t size)
{
	u64 ns = NEVER;
	sigmask_t awaited;
	siginfo_t info;
	int sig, error;

	if (size != sizeof(awaited))
		return -EINVAL;
	if (get_user_u64(&awaited, set))
		return -EFAULT;
	if (!user_ptr_is_null(timeout)) {
		error = read_timeout(&ns, timeout);
		if (error)
			return error;
	}
	awaited &= ~SIGNALS_UNBLOCKABLE;
	sig = dequeue_signal(awaited, &info);
	if (!sig && ns) {
		u64 deadline = ns == NEVER ? NEVER : ktime_get() + ns;

		if (deadline < ns)
			deadline = NEVER;
		sleep_for_signals(awaited, deadline);
		sig = dequeue_signal(awaited, &info);
		if (!sig)
			return deadline == NEVER || ktime_get() < deadline ? -EINTR : -EAGAIN;
	}
	if (!sig)
		return -EAGAIN;
	if (!user_ptr_is_null(user_info) && copy_siginfo_to_user(user_info, &info))
		return -EFAULT;
	return sig;
}

static void sleep_until_signal(void)
{
	while (!signal_pending(current)) {
		prepare_to_sleep(TASK_INTERRUPTIBLE, &signal_wait, &current->blocked);
		schedule();
		finish_sleep();
	}
}

long sys_rt_sigsuspend(user_ptr set, size_t size)
{
	sigmask_t wanted;

	if (size != sizeof(wanted))
		return -EINVAL;
	if (get_user_u64(&wanted, set))
		return -EFAULT;
	current->saved_mask = current->blocked;
	set_current_blocked(wanted);
	sleep_until_signal();
	current->work |= TIF_RESTORE_SIGMASK;
	return -ERESTARTNOHAND;
}

long sys_pause(void)
{
	sleep_until_signal();
	return -ERESTARTNOHAND;
}

static bool on_altstack_now(void)
{
	u64 sp = current->regs->rsp;

	return !(current->sas_flags & SS_AUTODISARM) && sp > current->sas_sp && sp - current->sas_sp <= current->sas_size;
}

static int set_altstack(const stack_t *stack)
{
	unsigned mode = stack->ss_flags & ~SS_AUTODISARM;

	if (on_altstack_now())
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode == SS_DISABLE) {
		current->sas_sp = 0;
		current->sas_size = 0;
	} else {
		if (stack->ss_size < MINSIGSTKSZ)
			return -ENOMEM;
		current->sas_sp = (u64)stack->ss_sp;
		current->sas_size = stack->ss_size;
	}
	current->sas_flags = stack->ss_flags;
	return 0;
}

long sys_sigaltstack(user_ptr new_stack, user_ptr old_stack)
{
	stack_t wanted, old;
	int error;

	memset(&old, 0, sizeof(old));
	old.ss_sp = (void *)current->sas_sp;
	old.ss_size = current->sas_size;
	old.ss_flags = (current->sas_size ? on_altstack_now() ? SS_ONSTACK : 0 : SS_DISABLE) |
		       (current->sas_flags & SS_AUTODISARM);
	if (!user_ptr_is_null(new_stack)) {
		if (get_user_object(&wanted, new_stack))
			return -EFAULT;
		error = set_altstack(&wanted);
		if (error)
			return error;
	}
	if (!user_ptr_is_null(old_stack) && put_user_object(old_stack, &old))
		return -EFAULT;
	return 0;
}

long sys_rt_sigreturn(void)
{
	return restore_signal_frame(current->regs);
}

long sys_restart_syscall(void)
{
	struct restart_block *block = &current->restart_block;

	return block->restart ? block->restart(block) : -EINTR;
}
