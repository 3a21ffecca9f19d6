/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions and process groups. A session is a set of process groups that share a controlling terminal; both are
 * named by the pid of the process that made them, which stays reserved while they have members.
 */
#include "kernel/task/session.h"

#include "kernel/fs/tty/tty.h"

void change_pgrp(struct signal_struct *signal, struct pid *pgrp)
{
	struct pid *old = signal->pgrp;

	pid_get(pgrp);
	if (old)
		list_del(&signal->pgrp_link);
	signal->pgrp = pgrp;
	list_add_tail(&signal->pgrp_link, &pgrp->group_processes);
	if (old)
		pid_put(old);
}

void change_session(struct signal_struct *signal, struct pid *session)
{
	struct pid *old = signal->session;

	pid_get(session);
	if (old)
		list_del(&signal->session_link);
	signal->session = session;
	list_add_tail(&signal->session_link, &session->session_processes);
	if (old)
		pid_put(old);
}

void session_fork(struct signal_struct *child, const struct signal_struct *parent)
{
	child->pgrp = NULL;
	child->session = NULL;
	child->session_leader = false;
	change_pgrp(child, parent->pgrp);
	change_session(child, parent->session);
	child->tty = parent->tty ? tty_get(parent->tty) : NULL;
}

void session_leave(struct signal_struct *signal)
{
	struct pid *pgrp = signal->pgrp, *session = signal->session;
	struct tty_struct *tty = signal->tty;

	if (pgrp) {
		list_del(&signal->pgrp_link);
		signal->pgrp = NULL;
		pid_put(pgrp);
	}
	if (session) {
		list_del(&signal->session_link);
		signal->session = NULL;
		pid_put(session);
	}
	signal->tty = NULL;
	if (tty)
		tty_put(tty);
}

long session_create(void)
{
	struct signal_struct *signal = current->signal;
	struct pid *own = signal->leader->pid;
	struct tty_struct *tty = signal->tty;

	/* The group's name may be taken although its maker has moved to another group. */
	if (signal->session_leader || !list_empty(&own->group_processes))
		return -EPERM;
	signal->session_leader = true;
	change_session(signal, own);
	change_pgrp(signal, own);
	signal->tty = NULL;
	if (tty)
		tty_put(tty);
	return own->number;
}
