/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by signal.c (queues), deliver.c (taking and acting) and job.c (stop, continue, parents). */
#ifndef KERNEL_TASK_SIGNAL_INTERNAL_H
#define KERNEL_TASK_SIGNAL_INTERNAL_H

#include "kernel/task/signal.h"

#define SIG_DFL_ADDR 0UL
#define SIG_IGN_ADDR 1UL

#define SIGNALS_KERNEL_ONLY (SIGMASK(SIGKILL) | SIGMASK(SIGSTOP))
#define SIGNALS_STOP (SIGMASK(SIGSTOP) | SIGMASK(SIGTSTP) | SIGMASK(SIGTTIN) | SIGMASK(SIGTTOU))
#define SIGNALS_IGNORED_BY_DEFAULT (SIGMASK(SIGCONT) | SIGMASK(SIGCHLD) | SIGMASK(SIGWINCH) | SIGMASK(SIGURG))
#define SIGNALS_DUMP_CORE                                                                          \
	(SIGMASK(SIGQUIT) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | SIGMASK(SIGABRT) | SIGMASK(SIGFPE) | \
	 SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGSYS) | SIGMASK(SIGXCPU) | SIGMASK(SIGXFSZ))
/* Faults: taken before all others, so that the handler's frame shows where they happened. */
#define SIGNALS_SYNCHRONOUS                                                                        \
	(SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | SIGMASK(SIGFPE) | SIGMASK(SIGSYS))
#define SIGNALS_UNBLOCKABLE SIGNALS_KERNEL_ONLY

static inline bool info_is_special(const siginfo_t *info) { return info <= SEND_SIG_KERNEL; }
/* The kernel made it: no permission is needed. */
static inline bool info_from_kernel(const siginfo_t *info)
{
	return info == SEND_SIG_KERNEL || (!info_is_special(info) && info->si_code > 0);
}
static inline struct k_sigaction *action_of(struct task_struct *task, int sig) { return &task->sighand->action[sig - 1]; }

/* Pid 1 ignores what it has no handler for. */
bool signal_unkillable(const struct signal_struct *signal);
void signal_wake_up(struct task_struct *task, bool fatal);
void flush_signals_in(struct sigpending *pending, sigmask_t mask);

/* job.c */
/* A stop or continue signal cancels the pending ones of the other kind; SIGCONT wakes the stopped. */
void cancel_opposite_signals(int sig, struct task_struct *task);
/* Stops this thread as part of a group stop; sig starts one, 0 joins the one under way. False: there was none to join. */
bool group_stop(int sig);

#endif
