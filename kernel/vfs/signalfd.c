/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signalfd(2): reading takes pending signals of the reading task (not of the one that made the descriptor), its own
 * before its process's.
 */
#include <linux/signalfd.h>

#include "kernel/mm/alloc.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/signal.h"
#include "kernel/task/task.h"
#include "kernel/vfs/event.h"
#include "syscalls.gen.h"

struct signalfd {
	sigmask_t mask; /* the signals it takes */
};

static const struct file_operations signalfd_fops;

static sigmask_t pending_signals(sigmask_t mask)
{
	return (current->pending.mask | current->signal->shared_pending.mask) & mask;
}

/* The fields that signalfd_siginfo(2) names, by where they stand in siginfo_t for this kind of signal. */
static void convert(struct signalfd_siginfo *out, const siginfo_t *info)
{
	memset(out, 0, sizeof(*out));
	out->ssi_signo = info->si_signo;
	out->ssi_errno = info->si_errno;
	out->ssi_code = info->si_code;
	if (info->si_code == SI_TIMER) {
		out->ssi_tid = info->_sifields._timer._tid;
		out->ssi_overrun = info->si_overrun;
		out->ssi_ptr = (u64)info->si_ptr;
		out->ssi_int = info->si_int;
		return;
	}
	if (info->si_code > 0 && info->si_code != SI_KERNEL) {
		switch (info->si_signo) {
		case SIGCHLD:
			out->ssi_pid = info->si_pid;
			out->ssi_uid = info->si_uid;
			out->ssi_status = info->si_status;
			out->ssi_utime = info->si_utime;
			out->ssi_stime = info->si_stime;
			return;
		case SIGILL:
		case SIGFPE:
		case SIGSEGV:
		case SIGBUS:
		case SIGTRAP:
			out->ssi_addr = (u64)info->si_addr;
			return;
		case SIGPOLL:
			out->ssi_band = info->si_band;
			out->ssi_fd = info->si_fd;
			return;
		default:
			break;
		}
	}
	out->ssi_pid = info->si_pid;
	out->ssi_uid = info->si_uid;
	if (info->si_code < 0 && info->si_code != SI_TKILL) {
		out->ssi_ptr = (u64)info->si_ptr;
		out->ssi_int = info->si_int;
	}
}

static void describe_signalfd(const void *object, struct wait_info *info)
{
	const struct file *file = object;
	const struct signalfd *sfd = file->private;

	wait_info_file(info, file);
	wait_info_printf(info, ", a signal of the set 0x%llx", (unsigned long long)sfd->mask);
}
static const struct wait_type signalfd_wait = { "signalfd read", BLOCK_QUEUE, describe_signalfd };

static ssize_t signalfd_read(struct file *file, struct io_iter *to, loff_t *pos)
{
	struct signalfd *sfd = file->private;
	ssize_t done = 0;

	if (to->count < sizeof(struct signalfd_siginfo))
		return -EINVAL;
	while (to->count >= sizeof(struct signalfd_siginfo)) {
		struct signalfd_siginfo out;
		siginfo_t info;
		int sig = dequeue_signal(sfd->mask, &info);

		if (!sig) {
			if (done)
				break;
			if (file->flags & O_NONBLOCK)
				return -EAGAIN;
			long ret = wait_event_interruptible(&current->sighand->signalfd_wait, &signalfd_wait, file,
							    pending_signals(sfd->mask));
			if (ret)
				return ret;
			continue;
		}
		convert(&out, &info);
		if (copy_to_iter(to, &out, sizeof(out)) != sizeof(out))
			return done ? done : -EFAULT;
		done += sizeof(out);
	}
	return done;
}

static unsigned signalfd_poll(struct file *file, struct poll_table *table)
{
	struct signalfd *sfd = file->private;

	poll_wait(file, &current->sighand->signalfd_wait, table);
	return pending_signals(sfd->mask) ? POLL_IN : 0;
}

void signalfd_cleanup(struct sighand_struct *sighand)
{
	struct list_head *head = &sighand->signalfd_wait.entries;

	/* Watches of epoll sets that live longer; an unlinked entry may be removed again. */
	while (!list_empty(head))
		list_del(head->next);
}

static void signalfd_release(struct file *file)
{
	kfree(file->private);
}

static void signalfd_show(struct file *file, char *buffer, size_t size)
{
	struct signalfd *sfd = file->private;

	scnprintf(buffer, size, "sigmask:\t%016llx\n", (unsigned long long)sfd->mask);
}

long sys_signalfd4(int fd, user_ptr user_mask, size_t size, int flags)
{
	sigmask_t mask;

	if (size != sizeof(mask))
		return -EINVAL;
	if (get_user_u64(&mask, user_mask))
		return -EFAULT;
	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	mask &= ~(SIGMASK(SIGKILL) | SIGMASK(SIGSTOP));
	if (fd != -1) {
		struct file *file = fget(fd);
		if (!file)
			return -EBADF;
		long ret = -EINVAL;
		if (file->ops == &signalfd_fops) {
			((struct signalfd *)file->private)->mask = mask;
			wake_up_poll(&current->sighand->signalfd_wait, POLL_IN);
			ret = fd;
		}
		file_put(file);
		return ret;
	}
	struct signalfd *sfd = kzalloc(sizeof(*sfd));
	if (!sfd)
		return -ENOMEM;
	sfd->mask = mask;
	struct file *file = anon_file("[signalfd]", &signalfd_fops, sfd, O_RDWR | (flags & O_NONBLOCK));
	if (IS_ERR(file)) {
		kfree(sfd);
		return PTR_ERR(file);
	}
	return fd_install_new(file, flags & O_CLOEXEC);
}

long sys_signalfd(int fd, user_ptr mask, size_t size)
{
	return sys_signalfd4(fd, mask, size, 0);
}

static const struct file_operations signalfd_fops = {
	.name = "signalfd",
	.read = signalfd_read,
	.llseek = noop_llseek,
	.poll = signalfd_poll,
	.release = signalfd_release,
	.show_fdinfo = signalfd_show,
};
