/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Controlling terminals and job control: credentials(7), tcsetpgrp(3), TIOCSCTTY in tty_ioctl(4).
 *
 * A session leader's first open of a terminal (without O_NOCTTY) or TIOCSCTTY makes it the session's. Processes outside the
 * foreground group that read get SIGTTIN, those that change it (or write under TOSTOP) SIGTTOU.
 */
#include "kernel/fs/tty/internal.h"
#include "kernel/task/signal_internal.h"

void tty_signal_foreground(struct tty_struct *tty, int sig)
{
	if (tty->pgrp)
		send_signal_pgrp(sig, SEND_SIG_KERNEL, tty->pgrp);
}

static bool current_ignores(int sig)
{
	return (current->blocked & SIGMASK(sig)) || action_of(current, sig)->handler == SIG_IGN_ADDR;
}

int tty_check_background(struct tty_struct *tty, int sig)
{
	struct pid *pgrp = current->signal->pgrp;

	if (current->signal->tty != tty || !tty->pgrp || pgrp == tty->pgrp)
		return 0;
	if (current_ignores(sig))
		return sig == SIGTTIN ? -EIO : 0;
	if (is_current_pgrp_orphaned())
		return -EIO;
	send_signal_pgrp(sig, SEND_SIG_KERNEL, pgrp);
	current->work |= TIF_SIGPENDING;
	return -ERESTARTSYS;
}

static void set_pid(struct pid **place, struct pid *pid)
{
	struct pid *old = *place;

	*place = pid ? pid_get(pid) : NULL;
	if (old)
		pid_put(old);
}

void tty_make_controlling(struct tty_struct *tty)
{
	struct signal_struct *signal = current->signal;

	set_pid(&tty->pgrp, signal->pgrp);
	set_pid(&tty->session, signal->session);
	if (signal->tty)
		tty_put(signal->tty);
	signal->tty = tty_get(tty);
	set_pid(&signal->tty_old_pgrp, NULL);
}

static void clear_tty(struct signal_struct *signal)
{
	struct tty_struct *tty = signal->tty;

	signal->tty = NULL;
	if (tty)
		tty_put(tty);
}

void session_clear_tty(struct pid *session)
{
	struct signal_struct *signal;

	list_for_each_entry(signal, &session->session_processes, session_link)
		clear_tty(signal);
}

void disassociate_ctty(bool exiting)
{
	struct signal_struct *signal = current->signal;
	struct tty_struct *tty = signal->tty;

	if (!signal->session_leader) {
		clear_tty(signal);
		return;
	}
	if (tty) {
		tty_get(tty);
		tty_signal_foreground(tty, SIGHUP);
		if (!exiting)
			tty_signal_foreground(tty, SIGCONT);
		set_pid(&tty->session, NULL);
		set_pid(&tty->pgrp, NULL);
		tty_put(tty);
	} else if (exiting && signal->tty_old_pgrp) {
		send_signal_pgrp(SIGHUP, SEND_SIG_KERNEL, signal->tty_old_pgrp);
		send_signal_pgrp(SIGCONT, SEND_SIG_KERNEL, signal->tty_old_pgrp);
	}
	set_pid(&signal->tty_old_pgrp, NULL);
	session_clear_tty(signal->session);
}

static long set_controlling(struct tty_struct *tty, struct file *file, u64 arg)
{
	struct signal_struct *signal = current->signal;

	if (signal->session_leader && signal->session == tty->session)
		return 0;
	if (!signal->session_leader || signal->tty)
		return -EPERM;
	if (tty->session) {
		if (arg != 1 || !capable(CAP_SYS_ADMIN))
			return -EPERM;
		session_clear_tty(tty->session);
	}
	if (!file->readable && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	tty_make_controlling(tty);
	return 0;
}

static long set_foreground(struct tty_struct *tty, user_ptr arg)
{
	int error = tty_check_background(tty, SIGTTOU);
	struct signal_struct *member;
	struct pid *pgrp;
	u32 number;

	if (error)
		return error == -EIO ? -ENOTTY : error;
	if (current->signal->tty != tty || tty->session != current->signal->session)
		return -ENOTTY;
	if (get_user_u32(&number, arg))
		return -EFAULT;
	if ((pid_t)number < 0)
		return -EINVAL;
	pgrp = pid_find(number);
	if (!pgrp)
		return -ESRCH;
	list_for_each_entry(member, &pgrp->group_processes, pgrp_link) {
		if (member->session != current->signal->session)
			break;
		set_pid(&tty->pgrp, pgrp);
		return 0;
	}
	return list_empty(&pgrp->group_processes) ? -ESRCH : -EPERM;
}

long tty_ctty_ioctl(struct tty_struct *tty, struct file *file, bool master, unsigned cmd, u64 arg)
{
	bool mine = current->signal->tty == tty;
	user_ptr p = user_ptr_at(arg);

	switch (cmd) {
	case TIOCSCTTY:
		return master ? -ENOTTY : set_controlling(tty, file, arg);
	case TIOCNOTTY:
		if (!mine)
			return -ENOTTY;
		disassociate_ctty(false);
		return 0;
	case TIOCGPGRP:
		if (!master && !mine)
			return -ENOTTY;
		return put_user_u32(p, tty->pgrp ? tty->pgrp->number : 0);
	case TIOCSPGRP:
		return set_foreground(tty, p);
	case TIOCGSID:
		if ((!master && !mine) || !tty->session)
			return -ENOTTY;
		return put_user_u32(p, tty->session->number);
	}
	return -ENOIOCTLCMD;
}

long sys_vhangup(void)
{
	struct tty_struct *tty = current->signal->tty;

	if (!capable(CAP_SYS_TTY_CONFIG))
		return -EPERM;
	if (tty)
		tty_hangup(tty);
	return 0;
}
