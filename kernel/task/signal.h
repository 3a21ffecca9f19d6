/* SPDX-License-Identifier: Apache-2.0 */
/* Sending and taking signals: signal(7), kill(2), sigaction(2). All with the kernel lock held. */
#ifndef KERNEL_TASK_SIGNAL_H
#define KERNEL_TASK_SIGNAL_H

#include "kernel/task/task.h"

/* For `info` arguments: the kernel itself, and a process by kill(2). */
#define SEND_SIG_KERNEL ((siginfo_t *)1)
#define SEND_SIG_USER ((siginfo_t *)0)

/* signal_struct.stop_flags */
#define SIGNAL_STOP_STOPPED 0x1   /* all threads have stopped; wait4 reports it while stop_signal is not 0, then clears that */
#define SIGNAL_STOP_CONTINUED 0x2 /* continued; wait4 reports it once and clears the bit */
#define SIGNAL_FORCED_DEATH 0x4   /* pid 1 met a fault it does not handle: no longer protected */

/* Queue to one thread / to the process. No permission checks. 0, -EAGAIN (queue limit for real-time signals). */
int send_signal_thread(int sig, const siginfo_t *info, struct task_struct *task);
int send_signal_process(int sig, const siginfo_t *info, struct task_struct *task);
int send_signal_pgrp(int sig, const siginfo_t *info, struct pid *pgrp); /* -ESRCH if empty */
/*
 * SIGKILL from the kernel itself: pid 1 is not spared. If it is pid 1, the container ends, and the kernel's log says `why`
 * ("its CPU time limit is used up").
 */
void kill_process(struct task_struct *task, const char *why);
/* kill(2)'s rule for current: 0 or -EPERM. */
int signal_permission(int sig, const siginfo_t *info, struct task_struct *target);
/* A fault of the current task in user mode: cannot be blocked or ignored. */
void force_signal_fault(int sig, int code, u64 address, int trap_number);
void force_signal(int sig);
void force_signal_with(int sig, const siginfo_t *info);
/* Kills all other threads of the group with SIGKILL. */
void zap_other_threads(struct task_struct *task);

/* Called on the way to user mode with TIF_SIGPENDING: delivers, stops, or exits. */
void do_signal(struct pt_regs *regs);
void recalc_sigpending(struct task_struct *task);
void set_current_blocked(sigmask_t mask); /* SIGKILL and SIGSTOP are taken out */
/* Replaces the mask for the length of this call; it is restored after it, or after the handler. */
int set_user_sigmask(user_ptr mask, size_t size);
void restore_saved_sigmask_unless(bool interrupted);
/* Takes the next signal in `mask` of current (own queue first); 0 if none. */
int dequeue_signal(sigmask_t mask, siginfo_t *ret_info);
void flush_signal_handlers(struct task_struct *task, bool force_default); /* exec */
/*
 * A signal in a queue entry that its owner (a timer) keeps: entry->info and entry->timer are set. 0; 1 if it is still queued
 * or ignored: the owner counts an overrun. When it is taken, posix_timer_signal_taken() (time/) may fill in si_overrun.
 */
int send_sigqueue(struct sigqueue *entry, struct task_struct *task, bool process);
void posix_timer_signal_taken(struct posix_timer *timer, siginfo_t *info);
unsigned sigpending_of_user(uid_t uid); /* queued entries, for /proc/PID/status */
void flush_sigqueue(struct sigpending *pending);
int copy_siginfo_to_user(user_ptr dst, const siginfo_t *info);

/* Tells the parent about an exit, stop or continue (SIGCHLD rules); why: CLD_*. */
void notify_parent(struct task_struct *task, int why, int status);
/* The parent takes no interest in this child's exit status: it is reaped at once. */
bool parent_ignores_exit(struct task_struct *task);
/* do_exit calls it first, after setting PF_EXITING: others take over the signals of the process, a group stop goes on without it. */
void exit_signals(struct task_struct *task);
struct sighand_struct *sighand_alloc(void); /* one reference, all SIG_DFL; NULL */
void sighand_put(struct sighand_struct *sighand);
bool is_current_pgrp_orphaned(void);
/* Called when a process exits or leaves its group: SIGHUP and SIGCONT to newly orphaned stopped groups. */
void kill_orphaned_pgrp(struct task_struct *task, struct task_struct *parent);

/* arch/x86_64/sigframe.c: builds the handler's frame and points regs at the handler; -EFAULT if the stack is bad. */
int setup_signal_frame(struct pt_regs *regs, int sig, const struct k_sigaction *action, const siginfo_t *info, sigmask_t old_mask);

/* sigaltstack(2) state of a new program or thread: none. */
void sigaltstack_reset(struct task_struct *task);
/* arch/x86_64/sigframe.c: a fault if user mode cannot go on at regs->rip; called when the mask of blocked signals is final. */
void check_resume_address(const struct pt_regs *regs);
/* arch/x86_64/sigframe.c: rt_sigreturn(2); the value for rax. A bad frame is SIGSEGV. */
long restore_signal_frame(struct pt_regs *regs);

#endif
