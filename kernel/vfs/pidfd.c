/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2): a descriptor that stands for a process and cannot come to mean
 * another one. It polls readable when the process has ended.
 */
#include <linux/magic.h>

#include "kernel/fs/proc/proc.h"
#include "kernel/task/signal.h"
#include "kernel/task/task.h"
#include "kernel/vfs/event.h"
#include "syscalls.gen.h"

#define PIDFD_NONBLOCK O_NONBLOCK

static const struct file_operations pidfd_fops;

struct file *pidfd_file(struct pid *pid, unsigned flags)
{
	struct file *file = anon_file("[pidfd]", &pidfd_fops, pid, O_RDWR | (flags & O_NONBLOCK));

	if (!IS_ERR(file))
		pid_get(pid);
	return file;
}

struct pid *pidfd_pid(const struct file *file)
{
	return file->ops == &pidfd_fops ? file->private : ERR_PTR(-EBADF);
}

/* Ended: the leader is a zombie and was the last thread, or nothing is left. */
static bool process_ended(struct pid *pid)
{
	struct task_struct *task = pid->task;

	return !task || (task->exit_state && task->signal->nr_live <= 0);
}

static unsigned pidfd_poll(struct file *file, struct poll_table *table)
{
	struct pid *pid = file->private;

	poll_wait(file, &pid->pidfd_wait, table);
	if (!pid->task)
		return POLL_IN | EPOLLHUP;
	return process_ended(pid) ? POLL_IN : 0;
}

static void pidfd_release(struct file *file)
{
	pid_put(file->private);
}

static void pidfd_show(struct file *file, char *buffer, size_t size)
{
	struct pid *pid = file->private;
	int number = pid->task ? pid->number : -1;

	scnprintf(buffer, size, "Pid:\t%d\nNSpid:\t%d\n", number, number);
}

long sys_pidfd_open(int number, int flags)
{
	if ((flags & ~PIDFD_NONBLOCK) || number <= 0)
		return -EINVAL;
	struct pid *pid = pid_find(number);
	if (!pid || !pid->task)
		return -ESRCH;
	if (!thread_group_leader(pid->task))
		return -EINVAL;
	struct file *file = pidfd_file(pid, flags);
	if (IS_ERR(file))
		return PTR_ERR(file);
	return fd_install_new(file, true);
}

/* The process of descriptor `fd`, with a reference, or ERR_PTR(-EBADF). */
static struct pid *pidfd_get(int fd)
{
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);
	struct pid *pid = pidfd_pid(file);
	if (!IS_ERR(pid))
		pid_get(pid);
	file_put(file);
	return pid;
}

/* The same for pidfd_send_signal, which also takes a descriptor of the directory /proc/PID. */
static struct pid *pidfd_get_or_proc(int fd)
{
	struct file *file = fget(fd);
	struct pid *pid;

	if (!file)
		return ERR_PTR(-EBADF);
	if (file->inode->sb->type->magic == PROC_SUPER_MAGIC && proc_i(file->inode)->entry->children == proc_process_entries) {
		struct task_struct *task = proc_task(file->inode);
		pid = task ? task->pid : ERR_PTR(-ESRCH);
		if (task) {
			pid_get(pid);
			task_put(task);
		}
	} else {
		pid = pidfd_pid(file);
		if (!IS_ERR(pid))
			pid_get(pid);
	}
	file_put(file);
	return pid;
}

static void fill_kill_info(siginfo_t *info, int sig)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = sig;
	info->si_code = SI_USER;
	info->si_pid = current->tgid;
	info->si_uid = current->cred->uid;
}

long sys_pidfd_send_signal(int pidfd, int sig, user_ptr user_info, unsigned flags)
{
	siginfo_t info;
	long ret;

	if (flags)
		return -EINVAL;
	struct pid *pid = pidfd_get_or_proc(pidfd);
	if (IS_ERR(pid))
		return PTR_ERR(pid);
	struct task_struct *task = pid->task;
	if (user_ptr_is_null(user_info)) {
		fill_kill_info(&info, sig);
	} else {
		ret = -EFAULT;
		if (copy_from_user(&info, user_info, sizeof(info)))
			goto put_pid;
		ret = -EINVAL;
		if (info.si_signo != sig)
			goto put_pid;
		/* Only to itself may a process pretend to be the kernel or kill(2). */
		ret = -EPERM;
		if ((!task || task->tgid != current->tgid) && (info.si_code >= 0 || info.si_code == SI_TKILL))
			goto put_pid;
	}
	ret = -EINVAL;
	if (sig < 0 || sig > NSIG_LINUX)
		goto put_pid;
	ret = -ESRCH;
	if (!task)
		goto put_pid;
	ret = signal_permission(sig, &info, task);
	if (!ret && sig)
		ret = send_signal_process(sig, &info, task);
put_pid:
	pid_put(pid);
	return ret;
}

/* ptrace(2)'s rule for looking into a process, as far as descriptors are concerned. */
static bool may_take_descriptors(const struct task_struct *task)
{
	const struct cred *mine = current->cred, *its = task->cred;

	if (task->signal == current->signal || capable(CAP_SYS_PTRACE))
		return true;
	return mine->uid == its->euid && mine->uid == its->suid && mine->uid == its->uid && mine->gid == its->egid &&
	       mine->gid == its->sgid && mine->gid == its->gid &&
	       (its->cap_permitted & ~mine->cap_permitted) == 0;
}

long sys_pidfd_getfd(int pidfd, int fd, unsigned flags)
{
	long ret;

	if (flags)
		return -EINVAL;
	struct pid *pid = pidfd_get(pidfd);
	if (IS_ERR(pid))
		return PTR_ERR(pid);
	struct task_struct *task = pid->task;
	if (!task || (task->flags & PF_EXITING)) {
		ret = -ESRCH;
	} else if (!may_take_descriptors(task)) {
		ret = -EPERM;
	} else {
		struct file *file = fget_task(task, fd);
		ret = file ? fd_install_new(file, true) : -EBADF;
	}
	pid_put(pid);
	return ret;
}

static const struct file_operations pidfd_fops = {
	.name = "pidfd",
	.poll = pidfd_poll,
	.release = pidfd_release,
	.show_fdinfo = pidfd_show,
};
