// SPDX-License-Identifier: Apache-2.0
/* The end of tasks, and how parents learn of it: exit(2), exit_group(2), wait(2). */
#include <linux/wait.h>

#include "kernel/arch/x86_64/fpu.h"
#include "kernel/fs/tty/tty.h"
#include "kernel/init/init.h"
#include "kernel/ipc/ipc.h"
#include "kernel/locking.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/internal.h"
#include "kernel/sched/carrier.h"
#include "kernel/sched/switch.h"
#include "kernel/sched/wait_info.h"
#include "kernel/sync/futex.h"
#include "kernel/task/lifecycle.h"
#include "kernel/task/signal.h"
#include "kernel/task/wait.h"
#include "kernel/time/posix_timer.h"
#include "kernel/trace/strace.h"
#include "kernel/vfs/vfs.h"
#include "kernel/trace/trace.h"

/* ---- times ---- */

void task_cputime(struct task_struct *t, u64 *ret_utime, u64 *ret_stime)
{
	u64 total = task_runtime(t), ticks = t->sched.utime_ticks + t->sched.stime_ticks;
	u64 stime = ticks ? total / ticks * t->sched.stime_ticks : 0;

	*ret_stime = stime;
	*ret_utime = total - stime;
}

void group_cputime(struct task_struct *task, u64 *ret_utime, u64 *ret_stime)
{
	struct task_struct *t;

	*ret_utime = task->signal->utime;
	*ret_stime = task->signal->stime;
	for_each_thread(task, t) {
		u64 utime, stime;

		task_cputime(t, &utime, &stime);
		*ret_utime += utime;
		*ret_stime += stime;
	}
}

/* ---- leaving the tables ---- */

static void leave_group(struct task_struct *task)
{
	struct signal_struct *signal = task->signal;
	u64 utime, stime;

	task_cputime(task, &utime, &stime);
	signal->utime += utime;
	signal->stime += stime;
	signal->nvcsw += task->sched.nvcsw;
	signal->nivcsw += task->sched.nivcsw;
	list_del(&task->thread_link);
	list_del(&task->all_link);
	signal->nr_threads--;
	nr_tasks--;
}

void release_task(struct task_struct *task)
{
	struct signal_struct *signal = task->signal;

	task->exit_state = EXIT_DEAD;
	leave_group(task);
	flush_sigqueue(&task->pending);
	if (signal->leader == task) {
		flush_sigqueue(&signal->shared_pending);
		list_del(&task->sibling);
		list_del(&signal->pgrp_link);
		list_del(&signal->session_link);
		pid_put(signal->pgrp);
		pid_put(signal->session);
		signal->pgrp = signal->session = NULL;
		if (signal->tty)
			tty_put(signal->tty);
		signal->tty = NULL;
	}
	sighand_put(task->sighand);
	task->sighand = NULL;
	task->pid->task = NULL;
	pid_put(task->pid);
	task->pid = NULL;
	if (unlikely(task->in_proc))
		proc_forget(task->tgid, task->tid);
	task_put(task);
}

/* ---- exit ---- */

static void exit_mm(struct task_struct *task)
{
	struct mm_struct *mm = task->mm;

	if (!mm)
		return;
	if (!user_ptr_is_null(task->clear_child_tid) && mm->nr_tasks > 1) {
		(void)!put_user_u32(task->clear_child_tid, 0);
		futex_wake_user(task->clear_child_tid, 1);
	}
	task->clear_child_tid = USER_NULL;
	task_change_mm(NULL);
	vfork_done(task);
}

/* Whom the children go to: another thread's process stays their parent; else the nearest subreaper, else init. */
static struct task_struct *find_new_reaper(struct task_struct *task)
{
	struct task_struct *t;

	if (task->signal->has_child_subreaper)
		for (t = task->real_parent; t && t != init_task; t = t->real_parent)
			if (t->signal->child_subreaper && t->signal->nr_live > 0)
				return t;
	return init_task;
}

static void forget_children(struct task_struct *task)
{
	struct task_struct *child, *next, *reaper = find_new_reaper(task);

	list_for_each_entry_safe(child, next, &task->children, sibling) {
		child->real_parent = child->parent = reaper;
		struct task_struct *t;
		for_each_thread(child, t)
			t->real_parent = t->parent = reaper;
		list_move_tail(&child->sibling, &reaper->children);
		if (child->pdeath_signal)
			send_signal_process(child->pdeath_signal, SEND_SIG_KERNEL, child);
		kill_orphaned_pgrp(child, task);
		if (child->exit_state == EXIT_ZOMBIE && child->signal->nr_threads == 1) {
			child->exit_signal = SIGCHLD;
			zombie_notify(child);
		}
	}
}

/* The leader is dead and so are all its threads: tell the parent, or go at once if it does not care. */
void zombie_notify(struct task_struct *leader)
{
	int status = leader->exit_code;
	int why = status & 0x7f ? (status & 0x80 ? CLD_DUMPED : CLD_KILLED) : CLD_EXITED;
	bool ignored = parent_ignores_exit(leader);

	if (leader == init_task)
		return;
	if (leader->signal->outside) {
		wake_up_poll(&leader->pid->pidfd_wait, POLL_IN);
		exec_ended(leader->signal->outside - 1, status);
		release_task(leader);
		return;
	}
	notify_parent(leader, why, status & 0x7f ? status & 0x7f : status >> 8 & 0xff);
	wake_up_poll(&leader->pid->pidfd_wait, POLL_IN);
	if (ignored) {
		struct task_struct *parent = leader->real_parent;

		release_task(leader);
		wake_up_all(&parent->signal->wait_child);
	}
}

static void exit_notify(struct task_struct *task)
{
	struct signal_struct *signal = task->signal;
	bool last = --signal->nr_live == 0;
	struct task_struct *leader = signal->leader;

	if (last) {
		forget_children(leader);
		kill_orphaned_pgrp(leader, NULL);
	}
	if (task == leader) {
		task->exit_state = EXIT_ZOMBIE;
	} else {
		release_task(task);
	}
	if (signal->exec_in_progress && signal->exec_task)
		wake_up_process(signal->exec_task);
	if (last && leader->exit_state == EXIT_ZOMBIE) {
		if (signal->group_exit)
			leader->exit_code = signal->exit_code;
		zombie_notify(leader);
	}
}

/* pid 1 has ended: so does everything else. */
static __noreturn void end_container(int code)
{
	console_drain();
	container_exit(code);
}

void do_exit(int code)
{
	struct task_struct *task = current;
	struct signal_struct *signal = task->signal;
	bool last;

	if (!kernel_locked())
		kernel_lock();
	if (task->flags & PF_KTHREAD) {
		task->state = TASK_DEAD;
		goto gone;
	}
	if (trace_flags & TRACE_STRACE)
		strace_exited(task, code);
	trace_exit(task, code);
	exit_signals(task);
	task->flags |= PF_EXITING;
	task->exit_code = code;
	last = signal->nr_live == 1;
	if (last && task->tgid == init_task->tgid)
		end_container(signal->group_exit ? signal->exit_code : code);
	if (task->mm)
		futex_exit(task);
	if (last) {
		itimers_exit(signal);
		posix_timers_exit(signal);
		if (task->mm)
			signal->maxrss_kib = max(signal->maxrss_kib, task->mm->peak_vm << 2);
	}
	sem_exit(task);
	exit_mm(task);
	files_put(task->files);
	task->files = NULL;
	fs_put(task->fs);
	task->fs = NULL;
	if (last && signal->session_leader)
		disassociate_ctty(true);
	task->state = TASK_DEAD;
	exit_notify(task);
gone:
	sched_exit(task);
	sched_bury(task);
	schedule();
	BUG();
}

void do_group_exit(int code)
{
	struct signal_struct *signal = current->signal;

	if (signal->group_exit) {
		code = signal->exit_code;
	} else {
		signal->group_exit = true;
		signal->exit_code = code;
		zap_other_threads(current);
	}
	do_exit(code);
}

/* ---- wait ---- */

static bool eligible(const struct wait_request *w, struct task_struct *child)
{
	bool clone_child = child->exit_signal != SIGCHLD;

	switch (w->type) {
	case WAIT_PID:
		if (child->pid != w->pid)
			return false;
		break;
	case WAIT_PGRP:
		if (child->signal->pgrp != w->pid)
			return false;
		break;
	}
	return (w->options & __WALL) || clone_child == !!(w->options & __WCLONE);
}

static void fill_usage(struct wait_request *w, struct task_struct *child)
{
	struct signal_struct *s = child->signal;

	group_cputime(child, &w->utime, &w->stime);
	w->utime += s->child_utime;
	w->stime += s->child_stime;
	w->maxrss_kib = max(s->maxrss_kib, s->child_maxrss_kib);
	w->nvcsw = s->nvcsw + child->sched.nvcsw + s->child_nvcsw;
	w->nivcsw = s->nivcsw + child->sched.nivcsw + s->child_nivcsw;
}

static void reap(struct wait_request *w, struct task_struct *child)
{
	struct signal_struct *mine = current->signal;
	int status = child->exit_code;

	w->found = child->tid;
	w->uid = child->cred->uid;
	w->status = status;
	w->why = status & 0x7f ? (status & 0x80 ? CLD_DUMPED : CLD_KILLED) : CLD_EXITED;
	fill_usage(w, child);
	if (w->options & WNOWAIT)
		return;
	mine->child_utime += w->utime;
	mine->child_stime += w->stime;
	mine->child_nvcsw += w->nvcsw;
	mine->child_nivcsw += w->nivcsw;
	mine->child_maxrss_kib = max(mine->child_maxrss_kib, w->maxrss_kib);
	release_task(child);
}

static bool take_stopped(struct wait_request *w, struct task_struct *child)
{
	struct signal_struct *s = child->signal;

	if (!(w->options & WSTOPPED) || !(s->stop_flags & SIGNAL_STOP_STOPPED) || !s->stop_signal)
		return false;
	w->found = child->tid;
	w->uid = child->cred->uid;
	w->why = CLD_STOPPED;
	w->status = s->stop_signal << 8 | 0x7f;
	fill_usage(w, child);
	if (!(w->options & WNOWAIT))
		s->stop_signal = 0;
	return true;
}

static bool take_continued(struct wait_request *w, struct task_struct *child)
{
	struct signal_struct *s = child->signal;

	if (!(w->options & WCONTINUED) || !(s->stop_flags & SIGNAL_STOP_CONTINUED))
		return false;
	w->found = child->tid;
	w->uid = child->cred->uid;
	w->why = CLD_CONTINUED;
	w->status = 0xffff;
	fill_usage(w, child);
	if (!(w->options & WNOWAIT))
		s->stop_flags &= ~(unsigned)SIGNAL_STOP_CONTINUED;
	return true;
}

/* 1: w is filled; 0: nothing yet; -ECHILD: nobody to wait for. */
static int scan_children(struct wait_request *w)
{
	struct task_struct *child, *next;
	bool any = false;

	list_for_each_entry_safe(child, next, &current->signal->leader->children, sibling) {
		if (!eligible(w, child))
			continue;
		any = true;
		if (child->exit_state == EXIT_ZOMBIE && child->signal->nr_live == 0) {
			if (w->options & WEXITED) {
				reap(w, child);
				return 1;
			}
			continue;
		}
		if (take_stopped(w, child) || take_continued(w, child))
			return 1;
	}
	return any ? 0 : -ECHILD;
}

static void describe_child(const void *object, struct wait_info *info)
{
	const struct wait_request *w = object;
	struct task_struct *t, *child;

	wait_info_printf(info, "a child's change of state");
	for_each_thread(info->task, t)
		list_for_each_entry(child, &t->children, sibling)
			if (eligible(w, child))
				wait_info_task(info, WAIT_CHILD, child);
}
static const struct wait_type child_wait = { "child", BLOCK_CHILD, describe_child };

long do_wait(struct wait_request *w)
{
	int result = 0;
	long interrupted;

	if (w->options & WNOHANG) {
		result = scan_children(w);
		return result == 1 ? w->found : result;
	}
	interrupted = wait_event_interruptible(&current->signal->wait_child, &child_wait, w, (result = scan_children(w)) != 0);
	if (result < 0)
		return result;
	return interrupted ? interrupted : w->found;
}
