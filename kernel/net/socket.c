// SPDX-License-Identifier: Apache-2.0
/*
 * What all sockets have in common: read, write, poll and ioctl on them as files, and the options of level
 * SOL_SOCKET (socket(7)).
 */
#include <asm/ioctls.h>

#include "kernel/mm/alloc.h"
#include "kernel/net/device_config.h"
#include "kernel/net/socket.h"
#include "kernel/time/timer.h"
#include "kernel/vfs/event.h"

s64 sysctl_somaxconn = 4096;
static u64 last_cookie;
u64 nr_sockets;

void socket_init(struct socket *sock, const struct socket_ops *ops, int domain, int type, int protocol)
{
	memset(sock, 0, sizeof(*sock));
	refcount_set(&sock->count, 1);
	sock->ops = ops;
	sock->domain = domain;
	sock->type = type;
	sock->protocol = protocol;
	sock->sndbuf = sock->rcvbuf = WMEM_DEFAULT;
	sock->rcvlowat = 1;
	sock->peek_off = -1;
	sock->passrights = true;
	sock->rcvtimeo = sock->sndtimeo = NEVER;
	wait_queue_init(&sock->read_wait);
	wait_queue_init(&sock->write_wait);
}

void socket_put(struct socket *sock)
{
	if (!sock || !refcount_dec_and_test(&sock->count))
		return;
	if (sock->peer_cred)
		cred_put(sock->peer_cred);
	socket_filter_free(sock);
	sock->ops->destroy(sock);
}

struct socket *socket_from_file(struct file *file)
{
	return file->ops == &socket_fops ? file->private : NULL;
}

struct socket *socket_from_fd(int fd, struct file **ret_file)
{
	struct file *file = fget((unsigned)fd);

	if (!file)
		return ERR_PTR(-EBADF);
	if (file->ops != &socket_fops) {
		file_put(file);
		return ERR_PTR(-ENOTSOCK);
	}
	*ret_file = file;
	return file->private;
}

struct file *socket_make_file(struct socket *sock, unsigned flags)
{
	struct file *file = anon_inode_file("socket", S_IFSOCK | 0777, &socket_fops, sock, O_RDWR | flags);

	if (IS_ERR(file)) {
		sock->ops->release(sock);
		return file;
	}
	nr_sockets++;
	sock->file = file;
	sock->ino = file->inode->ino;
	return file;
}

int socket_take_error(struct socket *sock)
{
	int error = sock->error;

	sock->error = 0;
	return -error;
}

void socket_state_changed(struct socket *sock)
{
	wake_up_common(&sock->read_wait, 0, POLL_IN | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	wake_up_common(&sock->write_wait, 0, POLL_OUT | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
}

void socket_peer_cred_here(struct socket *sock)
{
	const struct cred *old = sock->peer_cred;

	sock->peer_pid = current->tgid;
	sock->peer_start = current->signal->start_time;
	sock->peer_cred = cred_get(current->cred);
	if (old)
		cred_put(old);
}

void socket_peer_cred_copy(struct socket *sock, const struct socket *from)
{
	const struct cred *old = sock->peer_cred;

	sock->peer_pid = from->peer_pid;
	sock->peer_start = from->peer_start;
	sock->peer_cred = from->peer_cred ? cred_get(from->peer_cred) : NULL;
	if (old)
		cred_put(old);
}

int socket_pidfd(pid_t number, u64 start)
{
	struct pid *pid = pid_find(number);
	struct file *file;

	if (!pid || !pid->task || pid->task->signal->start_time != start)
		return -ESRCH;
	file = pidfd_file(pid, 0);
	return IS_ERR(file) ? (int)PTR_ERR(file) : fd_install_new(file, true);
}

void socket_peek_advance(struct socket *sock, bool peek, size_t n)
{
	if (likely(sock->peek_off < 0))
		return;
	if (peek)
		sock->peek_off = (int)min((u64)sock->peek_off + n, (u64)INT32_MAX);
	else
		sock->peek_off = max(sock->peek_off - (int)min(n, (size_t)INT32_MAX), 0);
}

void socket_put_stamp(const struct socket *sock, struct message *msg, u64 stamp)
{
	struct { s64 sec, part; } time;

	if (!stamp)
		stamp = ktime_get_real();
	time.sec = (s64)(stamp / NSEC_PER_SEC);
	time.part = (s64)(stamp % NSEC_PER_SEC / (sock->timestamp_ns ? 1 : NSEC_PER_USEC));
	put_cmsg(msg, SOL_SOCKET, sock->timestamp_ns ? SO_TIMESTAMPNS_OLD : SO_TIMESTAMP_OLD, &time, sizeof(time));
}

static int set_buffer_size(int value, bool force, int minimum)
{
	if (!force && (unsigned)value > WMEM_MAX)
		value = WMEM_MAX;
	if (value < 0)
		value = 0;
	if (value > INT32_MAX / 2)
		value = INT32_MAX / 2;
	return max(value * 2, minimum);
}

static int set_timeout(u64 *timeout, user_ptr value, unsigned length)
{
	struct { s64 sec, usec; } tv;

	if (length < sizeof(tv))
		return -EINVAL;
	if (get_user_object(&tv, value))
		return -EFAULT;
	if (tv.usec < 0 || tv.usec >= 1000000)
		return -EDOM;
	if (tv.sec < 0)
		*timeout = 0;
	else if (!tv.sec && !tv.usec)
		*timeout = NEVER;
	else if (tv.sec > (s64)(UINT64_MAX / 4 / NSEC_PER_SEC))
		*timeout = NEVER;
	else
		*timeout = (u64)tv.sec * NSEC_PER_SEC + (u64)tv.usec * NSEC_PER_USEC;
	return 0;
}

static int set_linger(struct socket *sock, user_ptr value, unsigned length)
{
	struct { int on, seconds; } linger;

	if (length < sizeof(linger))
		return -EINVAL;
	if (get_user_object(&linger, value))
		return -EFAULT;
	sock->linger_on = linger.on != 0;
	if (linger.on)
		sock->linger_seconds = linger.seconds;
	return 0;
}

static bool *flag_option(struct socket *sock, int option)
{
	switch (option) {
	case SO_REUSEADDR: return &sock->reuseaddr;
	case SO_REUSEPORT: return &sock->reuseport;
	case SO_KEEPALIVE: return &sock->keepalive;
	case SO_BROADCAST: return &sock->broadcast;
	case SO_DONTROUTE: return &sock->dontroute;
	case SO_OOBINLINE: return &sock->oobinline;
	case SO_PASSCRED: return &sock->passcred;
	case SO_PASSPIDFD: return &sock->passpidfd;
	case SO_PASSRIGHTS: return &sock->passrights;
	case SO_PASSSEC: return &sock->passsec;
	case SO_TIMESTAMP_OLD: return &sock->timestamp;
	case SO_TIMESTAMPNS_OLD: return &sock->timestamp_ns;
	case SO_RXQ_OVFL: return &sock->rxq_ovfl;
	case SO_DEBUG: return &sock->debug;
	case SO_NO_CHECK: return &sock->no_check;
	default: return NULL;
	}
}

static int set_int_option(struct socket *sock, int option, int value)
{
	switch (option) {
	case SO_TYPE:
	case SO_PROTOCOL:
	case SO_DOMAIN:
	case SO_ERROR:
		return -ENOPROTOOPT;
	case SO_SNDBUFFORCE:
		if (!capable(CAP_NET_ADMIN))
			return -EPERM;
		/* fall through */
	case SO_SNDBUF:
		sock->sndbuf = set_buffer_size(value, option == SO_SNDBUFFORCE, SNDBUF_MIN);
		sock->sndbuf_locked = true;
		wake_up_common(&sock->write_wait, 0, POLL_OUT);
		return 0;
	case SO_RCVBUFFORCE:
		if (!capable(CAP_NET_ADMIN))
			return -EPERM;
		/* fall through */
	case SO_RCVBUF:
		sock->rcvbuf = set_buffer_size(value, option == SO_RCVBUFFORCE, RCVBUF_MIN);
		sock->rcvbuf_locked = true;
		return 0;
	case SO_RCVLOWAT:
		sock->rcvlowat = value < 0 ? INT32_MAX : value ? value : 1;
		return 0;
	case SO_PRIORITY:
		if ((value < 0 || value > 6) && !capable(CAP_NET_ADMIN) && !capable(CAP_NET_RAW))
			return -EPERM;
		sock->priority = (u32)value;
		return 0;
	case SO_MARK:
		if (!capable(CAP_NET_ADMIN) && !capable(CAP_NET_RAW))
			return -EPERM;
		sock->mark = (u32)value;
		return 0;
	case SO_PEEK_OFF:
		if (sock->domain != AF_UNIX && sock->type == SOCK_RAW)
			return -EOPNOTSUPP;
		sock->peek_off = value;
		return 0;
	case SO_BSDCOMPAT:
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

int socket_setsockopt(struct socket *sock, int option, user_ptr value, unsigned length)
{
	u32 word;
	bool *flag;

	switch (option) {
	case SO_RCVTIMEO_OLD:
	case SO_RCVTIMEO_NEW:
		return set_timeout(&sock->rcvtimeo, value, length);
	case SO_SNDTIMEO_OLD:
	case SO_SNDTIMEO_NEW:
		return set_timeout(&sock->sndtimeo, value, length);
	case SO_ATTACH_FILTER:
	case SO_DETACH_FILTER:
	case SO_LOCK_FILTER:
		return socket_filter_set(sock, option, value, length);
	}
	if (length < sizeof(word))
		return -EINVAL;
	if (get_user_u32(&word, value))
		return -EFAULT;
	if (option == SO_LINGER)
		return set_linger(sock, value, length);
	flag = flag_option(sock, option);
	if (!flag)
		return set_int_option(sock, option, (int)word);
	if (option == SO_DEBUG && word && !capable(CAP_NET_ADMIN))
		return -EACCES;
	*flag = word != 0;
	if (option == SO_TIMESTAMP_OLD)
		sock->timestamp_ns = false;
	else if (option == SO_TIMESTAMPNS_OLD)
		sock->timestamp = false;
	return 0;
}

int put_option(user_ptr value, user_ptr length_ptr, u32 length, const void *data, u32 size)
{
	if (length > size)
		length = size;
	if (copy_to_user(value, data, length) || put_user_u32(length_ptr, length))
		return -EFAULT;
	return 0;
}

static int get_peer_groups(struct socket *sock, user_ptr value, user_ptr length_ptr, u32 length)
{
	const struct group_info *groups;
	u32 size;

	if (!sock->peer_cred)
		return -ENODATA;
	groups = sock->peer_cred->groups;
	size = groups ? (u32)groups->n * sizeof(gid_t) : 0;
	if (length < size)
		return put_user_u32(length_ptr, size) ? -EFAULT : -ERANGE;
	if ((size && copy_to_user(value, groups->gids, size)) || put_user_u32(length_ptr, size))
		return -EFAULT;
	return 0;
}

static int get_peer_pidfd(struct socket *sock, user_ptr value, user_ptr length_ptr, u32 length)
{
	int fd, error;

	if (!sock->peer_cred)
		return -ENODATA;
	fd = socket_pidfd(sock->peer_pid, sock->peer_start);
	if (fd < 0)
		return fd;
	error = put_option(value, length_ptr, length, &fd, sizeof(fd));
	if (error)
		fd_close((unsigned)fd);
	return error;
}

static int get_timeout(u64 timeout, user_ptr value, user_ptr length_ptr, u32 length)
{
	struct { s64 sec, usec; } tv = { 0, 0 };

	if (timeout != NEVER) {
		tv.sec = (s64)(timeout / NSEC_PER_SEC);
		tv.usec = (s64)(timeout % NSEC_PER_SEC / NSEC_PER_USEC);
	}
	return put_option(value, length_ptr, length, &tv, sizeof(tv));
}

static int get_int_option(struct socket *sock, int option, int *ret_value)
{
	switch (option) {
	case SO_SNDBUF: *ret_value = sock->sndbuf; return 0;
	case SO_RCVBUF: *ret_value = sock->rcvbuf; return 0;
	case SO_RCVLOWAT: *ret_value = sock->rcvlowat; return 0;
	case SO_PEEK_OFF: *ret_value = sock->peek_off; return 0;
	case SO_LOCK_FILTER: *ret_value = sock->filter_locked; return 0;
	case SO_SNDLOWAT: *ret_value = 1; return 0;
	case SO_TYPE: *ret_value = sock->type; return 0;
	case SO_DOMAIN: *ret_value = sock->domain; return 0;
	case SO_PROTOCOL: *ret_value = sock->protocol; return 0;
	case SO_ACCEPTCONN: *ret_value = sock->state == SOCKET_LISTENING; return 0;
	case SO_ERROR: *ret_value = -socket_take_error(sock); return 0;
	case SO_PRIORITY: *ret_value = (int)sock->priority; return 0;
	case SO_MARK: *ret_value = (int)sock->mark; return 0;
	case SO_BSDCOMPAT: *ret_value = 0; return 0;
	default: return -ENOPROTOOPT;
	}
}

int socket_getsockopt(struct socket *sock, int option, user_ptr value, user_ptr length_ptr)
{
	struct user_cred cred = { 0, (u32)-1, (u32)-1 };
	struct { int on, seconds; } linger = { sock->linger_on, sock->linger_seconds };
	u32 length;
	bool *flag;
	int word, error;

	if (get_user_u32(&length, length_ptr))
		return -EFAULT;
	if ((s32)length < 0)
		return -EINVAL;
	switch (option) {
	case SO_RCVTIMEO_OLD:
	case SO_RCVTIMEO_NEW:
		return get_timeout(sock->rcvtimeo, value, length_ptr, length);
	case SO_SNDTIMEO_OLD:
	case SO_SNDTIMEO_NEW:
		return get_timeout(sock->sndtimeo, value, length_ptr, length);
	case SO_LINGER:
		return put_option(value, length_ptr, length, &linger, sizeof(linger));
	case SO_PEERCRED:
		if (sock->peer_cred)
			cred = (struct user_cred){ (u32)sock->peer_pid, sock->peer_cred->euid, sock->peer_cred->egid };
		return put_option(value, length_ptr, length, &cred, sizeof(cred));
	case SO_GET_FILTER:
		return socket_filter_get(sock, value, length_ptr, length);
	case SO_PEERPIDFD:
		return get_peer_pidfd(sock, value, length_ptr, length);
	case SO_PEERGROUPS:
		return get_peer_groups(sock, value, length_ptr, length);
	case SO_COOKIE:
		if (length < sizeof(u64))
			return -EINVAL;
		if (!sock->cookie)
			sock->cookie = ++last_cookie;
		return put_option(value, length_ptr, length, &sock->cookie, sizeof(u64));
	}
	flag = flag_option(sock, option);
	if (flag) {
		word = *flag;
	} else {
		error = get_int_option(sock, option, &word);
		if (error)
			return error;
	}
	return put_option(value, length_ptr, length, &word, sizeof(word));
}

static ssize_t socket_read(struct file *file, struct io_iter *to, loff_t *pos)
{
	struct socket *sock = file->private;
	struct message msg = {
		.iter = to,
		.flags = file->flags & O_NONBLOCK ? MSG_DONTWAIT : 0,
	};

	if (!to->count)
		return 0;
	return sock->ops->recvmsg(sock, &msg);
}

static ssize_t socket_write(struct file *file, struct io_iter *from, loff_t *pos)
{
	struct socket *sock = file->private;
	struct message msg = {
		.iter = from,
		.flags = file->flags & O_NONBLOCK ? MSG_DONTWAIT : 0,
	};

	return sock->ops->sendmsg(sock, &msg);
}

static unsigned socket_poll(struct file *file, struct poll_table *table)
{
	struct socket *sock = file->private;

	return sock->ops->poll(sock, file, table);
}

static long socket_ioctl(struct file *file, unsigned cmd, u64 arg)
{
	struct socket *sock = file->private;

	long ret = sock->ops->ioctl(sock, cmd, arg);

	return ret == -ENOIOCTLCMD ? device_ioctl(sock->domain, cmd, arg) : ret;
}

static void socket_release(struct file *file)
{
	struct socket *sock = file->private;

	nr_sockets--;
	sock->file = NULL;
	sock->ops->release(sock);
}

const struct file_operations socket_fops = {
	.name = "socket",
	.read = socket_read,
	.write = socket_write,
	.poll = socket_poll,
	.ioctl = socket_ioctl,
	.release = socket_release,
};
