/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signal-driven I/O: with O_ASYNC a pipe, FIFO, socket or character device sends SIGIO, or the signal of F_SETSIG with the
 * descriptor and the events in its siginfo, to the owner of the file when it becomes ready (fcntl(2), "Managing signals").
 *
 * An O_ASYNC file stands on its own wait queues like a watch of epoll.
 */
#include <linux/fcntl.h>

#include "kernel/mm/alloc.h"
#include "kernel/task/signal.h"
#include "kernel/task/task.h"
#include "kernel/vfs/event.h"

#define SIGIO_HOOKS 4

struct sigio {
	struct file *file; /* not counted: it goes with the file */
	int fd;            /* by which O_ASYNC was set */
	unsigned nr;
	struct wait_queue_entry hooks[SIGIO_HOOKS];
};

struct sigio_table {
	struct poll_table table;
	struct sigio *sigio;
};

static bool may_signal(const struct file *file, const struct task_struct *task)
{
	const struct cred *its = task->cred;

	return file->owner_euid == 0 || file->owner_euid == its->suid || file->owner_euid == its->uid ||
	       file->owner_uid == its->suid || file->owner_uid == its->uid;
}

/* What siginfo tells: si_code is POLL_IN, POLL_OUT, ... of sigaction(2); each has its own constant si_band. */
struct reason {
	int fd, code;
	long band;
};

static struct reason reason_of(const struct file *file, unsigned events)
{
	static const struct { unsigned event; int code; long band; } reasons[] = {
		{ EPOLLIN, 1, POLL_IN },
		{ EPOLLOUT, 2, POLL_OUT | EPOLLWRBAND },
		{ EPOLLERR, 4, EPOLLERR },
		{ ~0U, 6, EPOLLHUP | EPOLLERR },
	};
	unsigned i = 0;

	while (!(events & reasons[i].event))
		i++;
	return (struct reason){ file->sigio->fd, reasons[i].code, reasons[i].band };
}

typedef void notify_t(struct file *file, struct task_struct *task, const struct reason *reason);

/* Calls `notify` for all that own the file. */
static void for_each_owner(struct file *file, notify_t *notify, const struct reason *reason)
{
	struct pid *pid = file->owner ? pid_find(file->owner) : NULL;
	struct signal_struct *signal, *next;

	if (!pid)
		return;
	if (file->owner_type != F_OWNER_PGRP) {
		if (pid->task)
			notify(file, pid->task, reason);
		return;
	}
	list_for_each_entry_safe(signal, next, &pid->group_processes, pgrp_link)
		notify(file, signal->leader, reason);
}

static void notify_owner(struct file *file, struct task_struct *task, const struct reason *reason)
{
	siginfo_t info;

	if (!may_signal(file, task))
		return;
	if (file->owner_signal) {
		memset(&info, 0, sizeof(info));
		info.si_signo = file->owner_signal;
		info.si_code = reason->code;
		info.si_band = reason->band;
		info.si_fd = reason->fd;
		if (file->owner_type == F_OWNER_TID ? !send_signal_thread(file->owner_signal, &info, task) :
						      !send_signal_process(file->owner_signal, &info, task))
			return;
		/* The queue of a real-time signal is full: the plain signal says that something was lost. */
	}
	if (file->owner_type == F_OWNER_TID)
		send_signal_thread(SIGIO, SEND_SIG_KERNEL, task);
	else
		send_signal_process(SIGIO, SEND_SIG_KERNEL, task);
}

static bool sigio_wake(struct wait_queue_entry *entry, unsigned key)
{
	struct sigio *sigio = entry->private;
	struct file *file = sigio->file;
	unsigned events = key ? key : file_poll(file, NULL);

	if (events) {
		struct reason reason = reason_of(file, events);

		for_each_owner(file, notify_owner, &reason);
	}
	return false;
}

static void notify_urgent(struct file *file, struct task_struct *task, const struct reason *reason)
{
	if (!may_signal(file, task))
		return;
	if (file->owner_type == F_OWNER_TID)
		send_signal_thread(SIGURG, SEND_SIG_KERNEL, task);
	else
		send_signal_process(SIGURG, SEND_SIG_KERNEL, task);
}

void file_signal_urgent(struct file *file) { for_each_owner(file, notify_urgent, NULL); }

void file_signal_message(struct file *file, int fd)
{
	const struct reason message = { fd, 3, POLL_IN | EPOLLMSG };

	for_each_owner(file, notify_owner, &message);
}

void file_own(struct file *file)
{
	if (file->owner)
		return;
	file->owner_type = F_OWNER_PID;
	file->owner = current->tgid;
	file->owner_uid = current->cred->uid;
	file->owner_euid = current->cred->euid;
}

static void sigio_queue(struct file *file, struct wait_queue_head *wq, struct poll_table *table)
{
	struct sigio *sigio = container_of(table, struct sigio_table, table)->sigio;

	if (sigio->nr == SIGIO_HOOKS)
		return;
	struct wait_queue_entry *hook = &sigio->hooks[sigio->nr++];
	wait_entry_init_func(hook, sigio_wake, sigio);
	wait_queue_add(wq, hook);
}

void sigio_stop(struct file *file)
{
	struct sigio *sigio = file->sigio;

	if (!sigio)
		return;
	for (unsigned i = 0; i < sigio->nr; i++)
		wait_queue_remove(&sigio->hooks[i]);
	file->sigio = NULL;
	kfree(sigio);
}

int sigio_start(struct file *file, int fd)
{
	mode_t type = file->inode->mode & S_IFMT;

	if (file->sigio || !file->ops->poll || (type != S_IFIFO && type != S_IFSOCK && type != S_IFCHR))
		return 0;
	struct sigio *sigio = kzalloc(sizeof(*sigio));
	if (!sigio)
		return -ENOMEM;
	sigio->file = file;
	sigio->fd = fd;
	file->sigio = sigio;
	struct sigio_table table = { { sigio_queue, ~0U }, sigio };
	file_poll(file, &table.table);
	return 0;
}
