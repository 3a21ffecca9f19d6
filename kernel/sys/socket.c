// SPDX-License-Identifier: Apache-2.0
/* socket(2), bind(2), connect(2), send(2), recv(2) and their kin: decode, copy, call. */
#include <linux/uio.h>

#include "kernel/mm/alloc.h"
#include "kernel/net/socket.h"
#include "kernel/time/timer.h"
#include "syscalls.gen.h"

#define SOCK_MAX 11

/* struct msghdr and struct mmsghdr as programs have them. */
struct user_msghdr {
	u64 name;
	int name_length;
	int pad;
	u64 iov;
	u64 nr_iov;
	u64 control;
	u64 control_length;
	unsigned flags;
	int pad2;
};
struct user_mmsghdr {
	struct user_msghdr header;
	unsigned length;
	int pad;
};

static struct socket *create(int family, int type, int protocol)
{
	if (family < 0 || family >= AF_MAX)
		return ERR_PTR(-EAFNOSUPPORT);
	if (type < 0 || type >= SOCK_MAX)
		return ERR_PTR(-EINVAL);
	if (family == AF_INET || family == AF_INET6)
		return inet_create(family, type, protocol);
	if (family == AF_NETLINK)
		return netlink_create(type, protocol);
	if (family != AF_UNIX)
		return ERR_PTR(-EAFNOSUPPORT);
	return unix_create(type, protocol);
}

/* Splits SOCK_CLOEXEC and SOCK_NONBLOCK off a type argument; *ret_flags gets O_* bits. */
static int split_type(int *type, unsigned *ret_flags)
{
	unsigned flags = (unsigned)*type & ~(unsigned)SOCK_TYPE_MASK;

	if (flags & ~(unsigned)(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	*type &= SOCK_TYPE_MASK;
	*ret_flags = flags;
	return 0;
}

long sys_socket(int family, int type, int protocol)
{
	struct socket *sock;
	struct file *file;
	unsigned flags;
	int error = split_type(&type, &flags);

	if (error)
		return error;
	sock = create(family, type, protocol);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	file = socket_make_file(sock, flags & O_NONBLOCK);
	if (IS_ERR(file))
		return PTR_ERR(file);
	return fd_install_new(file, flags & O_CLOEXEC);
}

/* Two files, joined; on failure neither is left. */
static int make_pair(int family, int type, int protocol, unsigned flags, struct file *ret_files[2])
{
	struct socket *a = create(family, type, protocol), *b;

	if (IS_ERR(a))
		return (int)PTR_ERR(a);
	b = create(family, type, protocol);
	if (IS_ERR(b)) {
		a->ops->release(a);
		return (int)PTR_ERR(b);
	}
	if (family != AF_UNIX) {
		a->ops->release(a);
		b->ops->release(b);
		return -EOPNOTSUPP;
	}
	ret_files[0] = socket_make_file(a, flags & O_NONBLOCK);
	if (IS_ERR(ret_files[0])) {
		b->ops->release(b);
		return (int)PTR_ERR(ret_files[0]);
	}
	ret_files[1] = socket_make_file(b, flags & O_NONBLOCK);
	if (IS_ERR(ret_files[1])) {
		file_put(ret_files[0]);
		return (int)PTR_ERR(ret_files[1]);
	}
	return unix_pair(a, b);
}

long sys_socketpair(int family, int type, int protocol, user_ptr fds)
{
	struct file *files[2] = { NULL, NULL };
	int pair[2], error;
	unsigned flags;

	error = split_type(&type, &flags);
	if (error)
		return error;
	pair[0] = fd_reserve(0, flags & O_CLOEXEC);
	if (pair[0] < 0)
		return pair[0];
	pair[1] = fd_reserve(0, flags & O_CLOEXEC);
	if (pair[1] < 0) {
		fd_release((unsigned)pair[0]);
		return pair[1];
	}
	error = copy_to_user(fds, pair, sizeof(pair));
	if (!error)
		error = make_pair(family, type, protocol, flags, files);
	if (error) {
		fd_release((unsigned)pair[1]);
		fd_release((unsigned)pair[0]);
		return error;
	}
	fd_install((unsigned)pair[0], files[0]);
	fd_install((unsigned)pair[1], files[1]);
	return 0;
}

static int name_from_user(u8 name[SOCKADDR_MAX], user_ptr user_name, int length)
{
	if (length < 0 || length > SOCKADDR_MAX)
		return -EINVAL;
	memset(name, 0, SOCKADDR_MAX);
	return length ? copy_from_user(name, user_name, (size_t)length) : 0;
}

static int name_to_user(const u8 *name, int length, user_ptr user_name, user_ptr user_length)
{
	u32 room;

	if (get_user_u32(&room, user_length))
		return -EFAULT;
	if ((s32)room < 0)
		return -EINVAL;
	room = min(room, (u32)length);
	if (room && copy_to_user(user_name, name, room))
		return -EFAULT;
	return put_user_u32(user_length, (u32)length);
}

long sys_bind(int fd, user_ptr user_name, int length)
{
	u8 name[SOCKADDR_MAX];
	struct file *file;
	struct socket *sock = socket_from_fd(fd, &file);
	int error;

	if (IS_ERR(sock))
		return PTR_ERR(sock);
	error = name_from_user(name, user_name, length);
	if (!error)
		error = sock->ops->bind(sock, name, length);
	file_put(file);
	return error;
}

long sys_connect(int fd, user_ptr user_name, int length)
{
	u8 name[SOCKADDR_MAX];
	struct file *file;
	struct socket *sock = socket_from_fd(fd, &file);
	int error;

	if (IS_ERR(sock))
		return PTR_ERR(sock);
	error = name_from_user(name, user_name, length);
	if (!error)
		error = sock->ops->connect(sock, name, length, file->flags & O_NONBLOCK);
	file_put(file);
	return error;
}

long sys_listen(int fd, int backlog)
{
	struct file *file;
	struct socket *sock = socket_from_fd(fd, &file);
	int error;

	if (IS_ERR(sock))
		return PTR_ERR(sock);
	if ((unsigned)backlog > sysctl_somaxconn)
		backlog = (int)sysctl_somaxconn;
	error = sock->ops->listen(sock, backlog);
	file_put(file);
	return error;
}

static int accept_name(struct socket *connection, user_ptr user_name, user_ptr user_length)
{
	u8 name[SOCKADDR_MAX];
	int length;

	if (user_ptr_is_null(user_name))
		return 0;
	length = connection->ops->getname(connection, name, 2);
	if (length < 0)
		return -ECONNABORTED;
	return name_to_user(name, length, user_name, user_length);
}

/* A file for the next connection of the listener; ERR_PTR. */
static struct file *accept_file(struct file *listener, user_ptr user_name, user_ptr user_length, unsigned flags)
{
	struct socket *sock = listener->private;
	struct socket *connection = sock->ops->accept(sock, listener->flags & O_NONBLOCK);
	struct file *file;
	int error;

	if (IS_ERR(connection))
		return ERR_PTR(PTR_ERR(connection));
	file = socket_make_file(connection, flags & O_NONBLOCK);
	if (IS_ERR(file))
		return file;
	error = accept_name(connection, user_name, user_length);
	if (error) {
		file_put(file);
		return ERR_PTR(error);
	}
	return file;
}

long sys_accept4(int fd, user_ptr user_name, user_ptr user_length, int flags)
{
	struct file *file, *connection;
	struct socket *sock;
	int new_fd;

	if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	sock = socket_from_fd(fd, &file);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	new_fd = fd_reserve(0, flags & SOCK_CLOEXEC);
	if (new_fd < 0) {
		file_put(file);
		return new_fd;
	}
	connection = accept_file(file, user_name, user_length, (unsigned)flags);
	if (IS_ERR(connection)) {
		fd_release((unsigned)new_fd);
		new_fd = (int)PTR_ERR(connection);
	} else {
		fd_install((unsigned)new_fd, connection);
	}
	file_put(file);
	return new_fd;
}

long sys_accept(int fd, user_ptr user_name, user_ptr user_length)
{
	return sys_accept4(fd, user_name, user_length, 0);
}

long sys_shutdown(int fd, int how)
{
	struct file *file;
	struct socket *sock = socket_from_fd(fd, &file);
	int error;

	if (IS_ERR(sock))
		return PTR_ERR(sock);
	error = how < SHUT_RD || how > SHUT_RDWR ? -EINVAL : sock->ops->shutdown(sock, how);
	file_put(file);
	return error;
}

static long get_name(int fd, user_ptr user_name, user_ptr user_length, bool peer)
{
	u8 name[SOCKADDR_MAX];
	struct file *file;
	struct socket *sock = socket_from_fd(fd, &file);
	int length;

	if (IS_ERR(sock))
		return PTR_ERR(sock);
	length = sock->ops->getname(sock, name, peer);
	file_put(file);
	if (length < 0)
		return length;
	return name_to_user(name, length, user_name, user_length);
}

long sys_getsockname(int fd, user_ptr user_name, user_ptr user_length)
{
	return get_name(fd, user_name, user_length, false);
}

long sys_getpeername(int fd, user_ptr user_name, user_ptr user_length)
{
	return get_name(fd, user_name, user_length, true);
}

long sys_setsockopt(int fd, int level, int option, user_ptr value, int length)
{
	struct file *file;
	struct socket *sock;
	int error;

	if (length < 0)
		return -EINVAL;
	sock = socket_from_fd(fd, &file);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	error = level == SOL_SOCKET ? -ENOPROTOOPT : -EOPNOTSUPP;
	if (sock->ops->setsockopt)
		error = sock->ops->setsockopt(sock, level, option, value, (unsigned)length);
	if (level == SOL_SOCKET && error == -ENOPROTOOPT)
		error = socket_setsockopt(sock, option, value, (unsigned)length);
	file_put(file);
	return error;
}

long sys_getsockopt(int fd, int level, int option, user_ptr value, user_ptr length)
{
	struct file *file;
	struct socket *sock = socket_from_fd(fd, &file);
	int error;

	if (IS_ERR(sock))
		return PTR_ERR(sock);
	error = level == SOL_SOCKET ? -ENOPROTOOPT : -EOPNOTSUPP;
	if (sock->ops->getsockopt)
		error = sock->ops->getsockopt(sock, level, option, value, length);
	if (level == SOL_SOCKET && error == -ENOPROTOOPT)
		error = socket_getsockopt(sock, option, value, length);
	file_put(file);
	return error;
}

static unsigned message_flags(const struct file *file, unsigned flags)
{
	return file->flags & O_NONBLOCK ? flags | MSG_DONTWAIT : flags;
}

long sys_sendto(int fd, user_ptr buffer, size_t size, int flags, user_ptr user_name, int length)
{
	u8 name[SOCKADDR_MAX];
	struct message msg = { .name = NULL };
	struct io_iter iter;
	struct socket *sock;
	struct file *file;
	long ret;

	ret = io_iter_user(&iter, buffer, size);
	if (ret)
		return ret;
	sock = socket_from_fd(fd, &file);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	if (!user_ptr_is_null(user_name)) {
		ret = name_from_user(name, user_name, length);
		msg.name = name;
		msg.name_length = length;
	}
	msg.iter = &iter;
	msg.flags = message_flags(file, (unsigned)flags);
	if (!ret)
		ret = sock->ops->sendmsg(sock, &msg);
	file_put(file);
	return ret;
}

long sys_recvfrom(int fd, user_ptr buffer, size_t size, int flags, user_ptr user_name, user_ptr user_length)
{
	u8 name[SOCKADDR_MAX];
	struct message msg = { .name = NULL };
	struct io_iter iter;
	struct socket *sock;
	struct file *file;
	long ret;
	int error;

	ret = io_iter_user(&iter, buffer, size);
	if (ret)
		return ret;
	sock = socket_from_fd(fd, &file);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	msg.iter = &iter;
	msg.flags = message_flags(file, (unsigned)flags);
	if (!user_ptr_is_null(user_name))
		msg.name = name;
	ret = sock->ops->recvmsg(sock, &msg);
	if (ret >= 0 && msg.name) {
		error = name_to_user(name, msg.name_length, user_name, user_length);
		if (error)
			ret = error;
	}
	file_put(file);
	return ret;
}

/* The caller's header, and the iterator over its buffers. */
static int header_from_user(struct user_msghdr *header, struct io_iter *iter, user_ptr user_header)
{
	if (get_user_object(header, user_header))
		return -EFAULT;
	if (!header->name)
		header->name_length = 0;
	if (header->name_length < 0)
		return -EINVAL;
	if (header->name_length > SOCKADDR_MAX)
		header->name_length = SOCKADDR_MAX;
	if (header->nr_iov > UIO_MAXIOV)
		return -EMSGSIZE;
	return io_iter_user_vector(iter, user_ptr_at(header->iov), header->nr_iov);
}

static int control_from_user(struct message *msg, const struct user_msghdr *header)
{
	if (!header->control || !header->control_length)
		return 0;
	if (header->control_length > CMSG_LIMIT)
		return -ENOBUFS;
	msg->control_in = kmalloc(header->control_length);
	if (!msg->control_in)
		return -ENOBUFS;
	msg->control_length = header->control_length;
	return copy_from_user(msg->control_in, user_ptr_at(header->control), header->control_length);
}

static long send_one(struct file *file, user_ptr user_header, unsigned flags)
{
	struct socket *sock = file->private;
	struct message msg = { .flags = message_flags(file, flags) };
	struct user_msghdr header;
	u8 name[SOCKADDR_MAX];
	struct io_iter iter;
	long ret = header_from_user(&header, &iter, user_header);

	if (ret)
		return ret;
	msg.iter = &iter;
	if (header.name_length) {
		ret = name_from_user(name, user_ptr_at(header.name), header.name_length);
		msg.name = name;
		msg.name_length = header.name_length;
	}
	if (!ret)
		ret = control_from_user(&msg, &header);
	if (!ret)
		ret = sock->ops->sendmsg(sock, &msg);
	kfree(msg.control_in);
	io_iter_release(&iter);
	return ret;
}

/* Writes back what the message header returns. */
static int header_to_user(const struct message *msg, const struct user_msghdr *header, user_ptr user_header, const u8 *name)
{
	user_ptr length_at = user_ptr_add(user_header, offsetof(struct user_msghdr, name_length));
	u64 control_used = msg->control.addr - header->control;

	if (header->name) {
		u32 room = min((u32)header->name_length, (u32)msg->name_length);

		if ((room && copy_to_user(user_ptr_at(header->name), name, room)) ||
		    put_user_u32(length_at, (u32)msg->name_length))
			return -EFAULT;
	}
	if (put_user_u32(user_ptr_add(user_header, offsetof(struct user_msghdr, flags)), msg->ret_flags) ||
	    put_user_u64(user_ptr_add(user_header, offsetof(struct user_msghdr, control_length)), control_used))
		return -EFAULT;
	return 0;
}

static long receive_one(struct file *file, user_ptr user_header, unsigned flags, unsigned *ret_flags)
{
	struct socket *sock = file->private;
	struct message msg = { .flags = message_flags(file, flags) };
	struct user_msghdr header;
	u8 name[SOCKADDR_MAX];
	struct io_iter iter;
	long ret = header_from_user(&header, &iter, user_header);

	if (ret)
		return ret;
	msg.iter = &iter;
	if (header.name)
		msg.name = name;
	msg.control = user_ptr_at(header.control);
	msg.control_length = header.control_length;
	msg.ret_flags = flags & MSG_CMSG_CLOEXEC;
	ret = sock->ops->recvmsg(sock, &msg);
	if (ret >= 0) {
		int error = header_to_user(&msg, &header, user_header, name);

		if (error)
			ret = error;
		if (ret_flags)
			*ret_flags = msg.ret_flags;
	}
	io_iter_release(&iter);
	return ret;
}

long sys_sendmsg(int fd, user_ptr header, int flags)
{
	struct file *file;
	struct socket *sock;
	long ret;

	if ((unsigned)flags & MSG_CMSG_COMPAT)
		return -EINVAL;
	sock = socket_from_fd(fd, &file);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	ret = send_one(file, header, (unsigned)flags);
	file_put(file);
	return ret;
}

long sys_recvmsg(int fd, user_ptr header, int flags)
{
	struct file *file;
	struct socket *sock;
	long ret;

	if ((unsigned)flags & MSG_CMSG_COMPAT)
		return -EINVAL;
	sock = socket_from_fd(fd, &file);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	ret = receive_one(file, header, (unsigned)flags, NULL);
	file_put(file);
	return ret;
}

long sys_sendmmsg(int fd, user_ptr headers, unsigned nr, int flags)
{
	struct file *file;
	struct socket *sock;
	long ret = 0;
	unsigned done;

	if ((unsigned)flags & MSG_CMSG_COMPAT)
		return -EINVAL;
	nr = min(nr, (unsigned)UIO_MAXIOV);
	sock = socket_from_fd(fd, &file);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	for (done = 0; done < nr; done++) {
		user_ptr entry = user_ptr_add(headers, (u64)done * sizeof(struct user_mmsghdr));

		ret = send_one(file, entry, (unsigned)flags);
		if (ret >= 0 && put_user_u32(user_ptr_add(entry, offsetof(struct user_mmsghdr, length)), (u32)ret))
			ret = -EFAULT;
		if (ret < 0)
			break;
		if (signal_pending(current)) {
			done++;
			break;
		}
	}
	file_put(file);
	return done ? (long)done : ret < 0 ? ret : 0;
}

/* The deadline of recvmmsg's timeout, which is looked at only between messages. */
static int mmsg_deadline(user_ptr user_timeout, u64 *ret_deadline)
{
	struct timespec64 timeout;

	*ret_deadline = NEVER;
	if (user_ptr_is_null(user_timeout))
		return 0;
	if (get_user_object(&timeout, user_timeout))
		return -EFAULT;
	if (timeout.tv_sec < 0 || (u64)timeout.tv_nsec >= NSEC_PER_SEC)
		return -EINVAL;
	if ((u64)timeout.tv_sec < NEVER / 4 / NSEC_PER_SEC)
		*ret_deadline = ktime_get() + (u64)timeout.tv_sec * NSEC_PER_SEC + (u64)timeout.tv_nsec;
	return 0;
}

static int put_time_left(user_ptr user_timeout, u64 deadline)
{
	u64 now = ktime_get(), left = deadline > now ? deadline - now : 0;
	struct timespec64 timeout = { (s64)(left / NSEC_PER_SEC), (s64)(left % NSEC_PER_SEC) };

	if (user_ptr_is_null(user_timeout) || deadline == NEVER)
		return 0;
	return put_user_object(user_timeout, &timeout);
}

static unsigned receive_many(struct file *file, user_ptr headers, unsigned nr, unsigned flags, u64 deadline, long *ret_error)
{
	unsigned done = 0, ret_flags;

	while (done < nr) {
		user_ptr entry = user_ptr_add(headers, (u64)done * sizeof(struct user_mmsghdr));
		long ret = receive_one(file, entry, flags & ~(unsigned)MSG_WAITFORONE, &ret_flags);

		if (ret >= 0 && put_user_u32(user_ptr_add(entry, offsetof(struct user_mmsghdr, length)), (u32)ret))
			ret = -EFAULT;
		*ret_error = ret;
		if (ret < 0)
			break;
		done++;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (deadline != NEVER && ktime_get() >= deadline)
			break;
		if (ret_flags & MSG_OOB)
			break;
	}
	return done;
}

long sys_recvmmsg(int fd, user_ptr headers, unsigned nr, int flags, user_ptr user_timeout)
{
	struct file *file;
	struct socket *sock;
	long error = 0;
	unsigned done;
	u64 deadline;

	if ((unsigned)flags & MSG_CMSG_COMPAT)
		return -EINVAL;
	error = mmsg_deadline(user_timeout, &deadline);
	if (error)
		return error;
	sock = socket_from_fd(fd, &file);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	error = socket_take_error(sock);
	if (error) {
		file_put(file);
		return error;
	}
	done = receive_many(file, headers, min(nr, (unsigned)UIO_MAXIOV), (unsigned)flags, deadline, &error);
	/* What failed after the first messages is told by the next call. */
	if (done && error < 0 && error != -EAGAIN && error > -ERESTARTSYS)
		sock->error = (int)-error;
	file_put(file);
	if (!done)
		return error < 0 ? error : 0;
	if (put_time_left(user_timeout, deadline))
		return -EFAULT;
	return (long)done;
}
