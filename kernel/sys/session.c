/* SPDX-License-Identifier: Apache-2.0 */
/* System calls of sessions and process groups: setsid(2), getsid(2), setpgid(2), getpgid(2). */
#include "kernel/task/session.h"

long sys_setsid(void)
{
	return session_create();
}

/* The process with this number, 0: the caller's. NULL: there is none. */
static struct signal_struct *find_process(pid_t pid)
{
	struct task_struct *task;

	if (pid == 0)
		return current->signal;
	task = pid > 0 ? task_find(pid) : NULL;
	return task && task->signal && task->signal->pgrp ? task->signal : NULL;
}

long sys_getsid(int pid)
{
	struct signal_struct *signal = find_process(pid);

	return signal ? signal->session->number : -ESRCH;
}

long sys_getpgid(int pid)
{
	struct signal_struct *signal = find_process(pid);

	return signal ? signal->pgrp->number : -ESRCH;
}

long sys_getpgrp(void)
{
	return current->signal->pgrp->number;
}

static bool group_is_in_session(const struct pid *pgrp, const struct pid *session)
{
	struct signal_struct *member;

	list_for_each_entry(member, &pgrp->group_processes, pgrp_link) {
		if (member->session == session)
			return true;
	}
	return false;
}

long sys_setpgid(int pid, int pgid)
{
	struct signal_struct *mine = current->signal, *target;
	struct task_struct *task;
	struct pid *pgrp;

	if (pid == 0)
		pid = current->tgid;
	if (pgid == 0)
		pgid = pid;
	if (pgid < 0)
		return -EINVAL;
	task = pid > 0 ? task_find(pid) : NULL;
	if (!task || !task->signal || !task->signal->pgrp)
		return -ESRCH;
	if (!thread_group_leader(task))
		return -EINVAL;
	target = task->signal;
	if (task->real_parent && task->real_parent->signal == mine) {
		if (target->session != mine->session)
			return -EPERM;
		if (!(task->flags & PF_FORKNOEXEC))
			return -EACCES;
	} else if (target != mine) {
		return -ESRCH;
	}
	if (target->session_leader)
		return -EPERM;
	pgrp = task->pid;
	if (pgid != pid) {
		pgrp = pid_find(pgid);
		if (!pgrp || !group_is_in_session(pgrp, mine->session))
			return -EPERM;
	}
	if (target->pgrp != pgrp)
		change_pgrp(target, pgrp);
	return 0;
}
