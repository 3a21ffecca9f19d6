// SPDX-License-Identifier: Apache-2.0
/* mq_open(2) and its kin: decode, copy, call. */
#include "kernel/ipc/mqueue.h"
#include "kernel/net/socket.h"
#include "kernel/mm/alloc.h"
#include "kernel/task/task.h"
#include "kernel/time/convert.h"
#include "syscalls.gen.h"

struct user_sigevent {
	u64 value;
	int sig;
	int kind;
	u8 rest[48];
};

/* An absolute CLOCK_REALTIME time of a program as a deadline. */
static int get_deadline(user_ptr user_timeout, u64 *ret_deadline)
{
	u64 until, now;
	int error;

	*ret_deadline = NEVER;
	if (user_ptr_is_null(user_timeout))
		return 0;
	error = get_user_timespec(&until, user_timeout);
	if (error)
		return error;
	now = ktime_get_real();
	*ret_deadline = ktime_add(ktime_get(), until > now ? until - now : 0);
	return 0;
}

long sys_mq_open(user_ptr user_name, int flags, mode_t mode, user_ptr user_attr)
{
	bool has_attr = flags & O_CREAT && !user_ptr_is_null(user_attr);
	struct mq_attr attr;
	struct file *file;
	char *name;

	if (has_attr && get_user_object(&attr, user_attr))
		return -EFAULT;
	name = user_path_string(user_name, false);
	if (IS_ERR(name))
		return PTR_ERR(name);
	file = mqueue_open(name, flags, mode, has_attr ? &attr : NULL);
	kfree(name);
	if (IS_ERR(file))
		return PTR_ERR(file);
	return fd_install_new(file, true);
}

long sys_mq_unlink(user_ptr user_name)
{
	char *name = user_path_string(user_name, false);
	int error;

	if (IS_ERR(name))
		return PTR_ERR(name);
	error = mqueue_unlink(name);
	kfree(name);
	return error;
}

long sys_mq_timedsend(int fd, user_ptr data, size_t size, unsigned priority, user_ptr user_timeout)
{
	struct mqueue *queue;
	struct file *file;
	u64 deadline;
	int error = get_deadline(user_timeout, &deadline);

	if (error)
		return error;
	if (priority >= MQ_PRIO_MAX)
		return -EINVAL;
	queue = mqueue_from_fd(fd, true, false, &file);
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	error = mqueue_send(queue, data, size, priority, file->flags & O_NONBLOCK, deadline);
	file_put(file);
	return error;
}

long sys_mq_timedreceive(int fd, user_ptr data, size_t size, user_ptr priority, user_ptr user_timeout)
{
	struct mqueue *queue;
	struct file *file;
	u64 deadline;
	long result = get_deadline(user_timeout, &deadline);

	if (result)
		return result;
	queue = mqueue_from_fd(fd, false, true, &file);
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	result = mqueue_receive(queue, data, size, priority, file->flags & O_NONBLOCK, deadline);
	file_put(file);
	return result;
}

/* The netlink socket over which the C library hears of SIGEV_THREAD; *ret_file counted. ERR_PTR(-EBADF, -ENOTSOCK, -EINVAL). */
static struct socket *notify_socket(const struct user_sigevent *event, u8 cookie[MQ_COOKIE], struct file **ret_file)
{
	struct socket *sock;

	if (copy_from_user(cookie, user_ptr_at(event->value), MQ_COOKIE))
		return ERR_PTR(-EFAULT);
	sock = socket_from_fd(event->sig, ret_file);
	if (!IS_ERR(sock) && sock->domain != AF_NETLINK) {
		file_put(*ret_file);
		return ERR_PTR(-EINVAL);
	}
	return sock;
}

static int check_event(const struct user_sigevent *event)
{
	if (event->kind != SIGEV_NONE && event->kind != SIGEV_SIGNAL && event->kind != SIGEV_THREAD)
		return -EINVAL;
	return event->kind == SIGEV_SIGNAL && (event->sig < 0 || event->sig > NSIG_LINUX) ? -EINVAL : 0;
}

static int register_event(int fd, const struct user_sigevent *event)
{
	struct file *file, *socket_file = NULL;
	struct socket *sock = NULL;
	u8 cookie[MQ_COOKIE];
	struct mqueue *queue;
	int error = check_event(event);

	if (error)
		return error;
	if (event->kind == SIGEV_THREAD) {
		sock = notify_socket(event, cookie, &socket_file);
		if (IS_ERR(sock))
			return (int)PTR_ERR(sock);
	}
	queue = mqueue_from_fd(fd, false, false, &file);
	if (IS_ERR(queue)) {
		error = (int)PTR_ERR(queue);
	} else {
		error = mqueue_notify(queue, event->kind, event->sig, event->value, sock, cookie);
		file_put(file);
	}
	file_put(socket_file);
	return error;
}

long sys_mq_notify(int fd, user_ptr user_event)
{
	struct user_sigevent event;
	struct mqueue *queue;
	struct file *file;

	if (!user_ptr_is_null(user_event))
		return get_user_object(&event, user_event) ? -EFAULT : register_event(fd, &event);
	queue = mqueue_from_fd(fd, false, false, &file);
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	mqueue_notify_cancel(queue);
	file_put(file);
	return 0;
}

long sys_mq_getsetattr(int fd, user_ptr new, user_ptr old)
{
	struct mq_attr attr, set;
	struct mqueue *queue;
	struct file *file;
	int error = 0;

	if (!user_ptr_is_null(new)) {
		if (get_user_object(&set, new))
			return -EFAULT;
		if (set.mq_flags & ~O_NONBLOCK)
			return -EINVAL;
	}
	queue = mqueue_from_fd(fd, false, false, &file);
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	mqueue_attributes(queue, &attr);
	attr.mq_flags = (long)(file->flags & O_NONBLOCK);
	if (!user_ptr_is_null(new))
		file->flags = (file->flags & ~(unsigned)O_NONBLOCK) | (unsigned)set.mq_flags;
	file_put(file);
	if (!user_ptr_is_null(old) && put_user_object(old, &attr))
		error = -EFAULT;
	return error;
}
