/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stopping and continuing processes, and what their parents hear of it. signal(7), wait(2), setpgid(2).
 *
 * A stop signal stops every thread of the process; the last one to stop tells the parent (CLD_STOPPED). SIGCONT
 * wakes them all at once and tells it CLD_CONTINUED. The parent gets SIGCHLD unless it said SA_NOCLDSTOP;
 * wait4 sees the change in any case. A process group whose parents are all outside its session is orphaned:
 * terminal stops do not stop it, and it gets SIGHUP and SIGCONT if it has stopped members when it becomes so.
 */
#include "kernel/task/signal_internal.h"
#include "kernel/sched/wait_info.h"

void cancel_opposite_signals(int sig, struct task_struct *task)
{
	struct signal_struct *signal = task->signal;
	struct task_struct *t;
	bool stopped, stopping;

	if (SIGMASK(sig) & SIGNALS_STOP) {
		flush_signals_in(&signal->shared_pending, SIGMASK(SIGCONT));
		for_each_thread(task, t)
			flush_signals_in(&t->pending, SIGMASK(SIGCONT));
		return;
	}
	if (sig != SIGCONT)
		return;
	flush_signals_in(&signal->shared_pending, SIGNALS_STOP);
	stopped = signal->stop_flags & SIGNAL_STOP_STOPPED;
	stopping = signal->stop_count > 0;
	signal->stop_flags &= ~SIGNAL_STOP_STOPPED;
	signal->stop_count = 0;
	for_each_thread(task, t) {
		flush_signals_in(&t->pending, SIGNALS_STOP);
		t->stop_pending = false;
		wake_up_state(t, TASK_STOPPED);
	}
	if (!stopped && !stopping)
		return;
	signal->stop_flags |= SIGNAL_STOP_CONTINUED;
	if (stopped)
		notify_parent(signal->leader, CLD_CONTINUED, SIGCONT);
	else
		notify_parent(signal->leader, CLD_STOPPED, signal->stop_signal);
	signal->stop_signal = 0;
}

static void start_group_stop(struct signal_struct *signal, int sig)
{
	struct task_struct *t;

	if (!(signal->stop_flags & SIGNAL_STOP_STOPPED))
		signal->stop_signal = sig;
	signal->stop_flags &= ~SIGNAL_STOP_CONTINUED;
	signal->stop_count = 1;
	current->stop_pending = true;
	list_for_each_entry(t, &signal->threads, thread_link) {
		if (t == current || (t->flags & PF_EXITING) || (t->state & TASK_STOPPED) || t->stop_pending)
			continue;
		t->stop_pending = true;
		signal->stop_count++;
		signal_wake_up(t, false);
	}
}

static void describe_stop(const void *object, struct wait_info *info)
{
	wait_info_printf(info, "SIGCONT");
}
static const struct wait_type stopped_wait = { "stopped", BLOCK_STOP, describe_stop };

bool group_stop(int sig)
{
	struct signal_struct *signal = current->signal;

	if (!current->stop_pending) {
		if (!sig || signal->group_exit)
			return false;
		start_group_stop(signal, sig);
	}
	current->stop_pending = false;
	if (signal->stop_count > 0 && --signal->stop_count == 0 && !(signal->stop_flags & SIGNAL_STOP_STOPPED)) {
		signal->stop_flags |= SIGNAL_STOP_STOPPED;
		notify_parent(signal->leader, CLD_STOPPED, signal->stop_signal);
	}
	/* Only SIGCONT and SIGKILL wake it; both need the kernel lock, which goes with schedule(). */
	prepare_to_sleep(TASK_STOPPED, &stopped_wait, signal);
	schedule();
	finish_sleep();
	recalc_sigpending(current);
	return true;
}

static u64 nsec_to_ticks(u64 ns)
{
	return ns / (NSEC_PER_SEC / 100);
}

bool parent_ignores_exit(struct task_struct *task)
{
	struct task_struct *parent = task->real_parent;
	struct k_sigaction *action;

	if (!parent || !parent->sighand || task->exit_signal != SIGCHLD)
		return false;
	action = action_of(parent, SIGCHLD);
	return action->handler == SIG_IGN_ADDR || (action->flags & SA_NOCLDWAIT);
}

void notify_parent(struct task_struct *task, int why, int status)
{
	struct task_struct *parent = task->real_parent;
	bool exit = why == CLD_EXITED || why == CLD_KILLED || why == CLD_DUMPED;
	int sig = exit ? task->exit_signal : SIGCHLD;
	u64 utime, stime;
	siginfo_t info;

	if (!parent || !parent->sighand)
		return;
	if (!exit && (action_of(parent, SIGCHLD)->flags & SA_NOCLDSTOP))
		sig = 0;
	if (sig == SIGCHLD && action_of(parent, SIGCHLD)->handler == SIG_IGN_ADDR)
		sig = 0;
	if (sig > 0 && sig <= NSIG_LINUX) {
		group_cputime(task, &utime, &stime);
		memset(&info, 0, sizeof(info));
		info.si_signo = sig;
		info.si_code = why;
		info.si_pid = exit ? task->tid : task->tgid;
		info.si_uid = task->cred->uid;
		info.si_status = status;
		info.si_utime = nsec_to_ticks(utime);
		info.si_stime = nsec_to_ticks(stime);
		send_signal_process(sig, &info, parent);
	}
	wake_up_all(&parent->signal->wait_child);
}

/* No member has a parent in the same session but in another group: nobody does job control for it. */
static bool pgrp_is_orphaned(struct pid *pgrp, const struct task_struct *leaving)
{
	struct signal_struct *signal;

	list_for_each_entry(signal, &pgrp->group_processes, pgrp_link) {
		struct task_struct *leader = signal->leader, *parent = leader->real_parent;

		if (leader == leaving || (leader->exit_state && signal->nr_live <= 0) || !parent || !parent->signal)
			continue;
		if (parent->signal->pgrp != pgrp && parent->signal->session == signal->session)
			return false;
	}
	return true;
}

bool is_current_pgrp_orphaned(void)
{
	return pgrp_is_orphaned(current->signal->pgrp, NULL);
}

static bool pgrp_has_stopped(struct pid *pgrp)
{
	struct signal_struct *signal;

	list_for_each_entry(signal, &pgrp->group_processes, pgrp_link) {
		if (signal->stop_flags & SIGNAL_STOP_STOPPED)
			return true;
	}
	return false;
}

void kill_orphaned_pgrp(struct task_struct *task, struct task_struct *parent)
{
	struct pid *pgrp = task->signal->pgrp;
	const struct task_struct *leaving = NULL;

	if (!parent) {
		parent = task->real_parent;
		leaving = task;
	}
	if (!pgrp || !parent || !parent->signal)
		return;
	/* Only a parent that did job control for the group can orphan it by leaving. */
	if (parent->signal->pgrp == pgrp || parent->signal->session != task->signal->session)
		return;
	if (!pgrp_is_orphaned(pgrp, leaving) || !pgrp_has_stopped(pgrp))
		return;
	send_signal_pgrp(SIGHUP, SEND_SIG_KERNEL, pgrp);
	send_signal_pgrp(SIGCONT, SEND_SIG_KERNEL, pgrp);
}
