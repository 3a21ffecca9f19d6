/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Acting on signals on the way to user mode: handlers, default actions, restarted calls. signal(7),
 * "Interruption of system calls and library functions by signal handlers".
 */
#include <linux/signal.h>

#include "kernel/arch/x86_64/trap.h"
#include "kernel/task/freezer.h"
#include "kernel/task/signal_internal.h"
#include "kernel/trace/trace.h"

struct taken_signal {
	int sig;
	siginfo_t info;
	struct k_sigaction action;
};

static void __noreturn die_of(int sig)
{
	current->pending.mask &= ~SIGMASK(SIGKILL);
	current->flags |= PF_SIGNALED;
	do_group_exit(sig);
}

/* Another thread ended the process, or is replacing it by exec. Comes back if neither is so. */
static void leave_if_process_ends(void)
{
	struct signal_struct *signal = current->signal;

	if (signal->group_exit) {
		current->pending.mask &= ~SIGMASK(SIGKILL);
		recalc_sigpending(current);
		current->flags |= PF_SIGNALED;
		do_group_exit(signal->exit_code);
	}
	if (signal->exec_in_progress && signal->exec_task != current) {
		current->pending.mask &= ~SIGMASK(SIGKILL);
		do_exit(0);
	}
}

/* True if a handler is to run. Default actions are done here; a fatal one does not return. */
static bool get_signal(struct taken_signal *taken)
{
	for (;;) {
		struct k_sigaction *action;
		int sig;

		leave_if_process_ends();
		if (current->stop_pending && group_stop(0))
			continue;
		if (current->freezers) {
			freezer_stand();
			leave_if_process_ends();
			if (current->stop_pending)
				continue;
		}
		sig = dequeue_signal(~current->blocked, &taken->info);
		if (!sig) {
			/* Another thread may have taken what this one was woken for. */
			recalc_sigpending(current);
			return false;
		}
		action = action_of(current, sig);
		if (action->handler == SIG_IGN_ADDR)
			continue;
		if (action->handler != SIG_DFL_ADDR) {
			taken->sig = sig;
			taken->action = *action;
			if (action->flags & SA_ONESHOT)
				action->handler = SIG_DFL_ADDR;
			return true;
		}
		if (SIGMASK(sig) & SIGNALS_IGNORED_BY_DEFAULT)
			continue;
		if (signal_unkillable(current->signal) && !(SIGMASK(sig) & SIGNALS_KERNEL_ONLY))
			continue;
		if (SIGMASK(sig) & SIGNALS_STOP) {
			/* A stopped group without a shell to continue it would stay stopped for ever. */
			if (sig == SIGSTOP || !is_current_pgrp_orphaned())
				group_stop(sig);
			continue;
		}
		die_of(sig);
	}
}

static bool in_system_call(const struct pt_regs *regs)
{
	return (s64)regs->orig_rax != -1;
}

static void restart_before_handler(struct pt_regs *regs, const struct k_sigaction *action)
{
	if (!in_system_call(regs))
		return;
	switch (-(s64)regs->rax) {
	case ERESTART_RESTARTBLOCK:
	case ERESTARTNOHAND:
		regs->rax = -EINTR;
		break;
	case ERESTARTSYS:
		if (!(action->flags & SA_RESTART)) {
			regs->rax = -EINTR;
			break;
		}
		/* fall through */
	case ERESTARTNOINTR:
		arch_restart_syscall(regs);
		break;
	}
}

static void restart_without_handler(struct pt_regs *regs)
{
	if (!in_system_call(regs))
		return;
	switch (-(s64)regs->rax) {
	case ERESTARTNOHAND:
	case ERESTARTSYS:
	case ERESTARTNOINTR:
		arch_restart_syscall(regs);
		break;
	case ERESTART_RESTARTBLOCK:
		arch_restart_block(regs);
		break;
	}
}

static void run_handler(struct pt_regs *regs, struct taken_signal *taken)
{
	const struct k_sigaction *action = &taken->action;
	sigmask_t old_mask = current->work & TIF_RESTORE_SIGMASK ? current->saved_mask : current->blocked;
	sigmask_t blocked = current->blocked | action->mask;

	trace_signal(current, taken->sig, taken->info.si_code, taken->sig == SIGSEGV ? 0 : taken->info.si_pid,
		     taken->sig == SIGSEGV ? (u64)taken->info.si_addr : 0);
	restart_before_handler(regs, action);
	if (setup_signal_frame(regs, taken->sig, action, &taken->info, old_mask)) {
		/* The stack is bad. A handler for SIGSEGV would meet the same stack. */
		if (taken->sig == SIGSEGV)
			action_of(current, SIGSEGV)->handler = SIG_DFL_ADDR;
		force_signal(SIGSEGV);
		return;
	}
	current->work &= ~TIF_RESTORE_SIGMASK;
	if (!(action->flags & SA_NODEFER))
		blocked |= SIGMASK(taken->sig);
	set_current_blocked(blocked);
	if (current->sas_flags & SS_AUTODISARM)
		sigaltstack_reset(current);
	check_resume_address(regs);
}

void do_signal(struct pt_regs *regs)
{
	struct taken_signal taken;

	if (get_signal(&taken)) {
		run_handler(regs, &taken);
		return;
	}
	restart_without_handler(regs);
	if (current->work & TIF_RESTORE_SIGMASK) {
		current->work &= ~TIF_RESTORE_SIGMASK;
		set_current_blocked(current->saved_mask);
	}
}

int set_user_sigmask(user_ptr mask, size_t size)
{
	sigmask_t set;

	if (user_ptr_is_null(mask))
		return 0;
	if (size != sizeof(set))
		return -EINVAL;
	if (get_user_u64(&set, mask))
		return -EFAULT;
	current->saved_mask = current->blocked;
	current->work |= TIF_RESTORE_SIGMASK;
	set_current_blocked(set);
	return 0;
}

/* `interrupted`: a handler is about to run under the temporary mask; do_signal restores the old one after it. */
void restore_saved_sigmask_unless(bool interrupted)
{
	if (interrupted || !(current->work & TIF_RESTORE_SIGMASK))
		return;
	current->work &= ~TIF_RESTORE_SIGMASK;
	set_current_blocked(current->saved_mask);
}
