// SPDX-License-Identifier: Apache-2.0
/*
 * AF_UNIX sockets: their life and their connections.
 *
 * connect(2) on a stream or seqpacket socket makes the server's end at once and queues it on the listener: data can
 * be sent before accept(2). It waits while more connections than the backlog are queued. Closing a connected
 * socket with unread data gives the peer ECONNRESET, closing a listener resets what was not accepted.
 */
#include <asm/ioctls.h>

#include "kernel/fs/seqfile.h"
#include "kernel/mm/alloc.h"
#include "kernel/net/unix/unix.h"

LIST_HEAD(unix_sockets);

static const struct socket_ops unix_stream_ops, unix_dgram_ops, unix_seqpacket_ops;

static bool pass_wake_up(struct wait_queue_entry *entry, unsigned key)
{
	struct unix_sock *u = entry->private;

	if (wait_queue_active(&u->base.write_wait))
		wake_up_common(&u->base.write_wait, 0, POLL_OUT | EPOLLWRBAND);
	return false;
}

void unix_set_peer_wake(struct unix_sock *u, struct unix_sock *peer)
{
	struct unix_sock *old = u->peer_wake_on;

	if (old == peer)
		return;
	if (old) {
		wait_queue_remove(&u->peer_wake);
		u->peer_wake_on = NULL;
		unix_put(old);
	}
	if (peer) {
		wait_queue_add(&peer->peer_wait, &u->peer_wake);
		u->peer_wake_on = unix_get(peer);
	}
}

static struct unix_sock *unix_alloc(int type)
{
	const struct socket_ops *ops = type == SOCK_STREAM ? &unix_stream_ops :
				       type == SOCK_DGRAM  ? &unix_dgram_ops :
							     &unix_seqpacket_ops;
	struct unix_sock *u = kzalloc(sizeof(*u));

	if (!u)
		return NULL;
	socket_init(&u->base, ops, AF_UNIX, type, 0);
	u->base.backlog = DGRAM_BACKLOG;
	list_init(&u->queue);
	list_init(&u->flight_link);
	wait_queue_init(&u->peer_wait);
	wait_entry_init_func(&u->peer_wake, pass_wake_up, u);
	list_add_tail(&u->all_link, &unix_sockets);
	return u;
}

struct socket *unix_create(int type, int protocol)
{
	struct unix_sock *u;

	if (protocol && protocol != AF_UNIX)
		return ERR_PTR(-EPROTONOSUPPORT);
	if (type == SOCK_RAW)
		type = SOCK_DGRAM;
	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
		return ERR_PTR(-ESOCKTNOSUPPORT);
	u = unix_alloc(type);
	return u ? &u->base : ERR_PTR(-ENOMEM);
}

static void unix_destroy(struct socket *sock)
{
	struct unix_sock *u = unix_sk(sock);

	debug_assert(list_empty(&u->queue) && !u->peer && !u->in_flight);
	list_del(&u->all_link);
	unix_address_put(u->address);
	kfree(u);
}

static void drop_peer(struct unix_sock *u, bool reset)
{
	struct unix_sock *peer = u->peer;

	if (!peer)
		return;
	u->peer = NULL;
	if (connection_based(u)) {
		peer->base.shutdown = SHUTDOWN_MASK;
		if (reset)
			peer->base.error = ECONNRESET;
		socket_state_changed(&peer->base);
	}
	unix_put(peer);
}

/* Whether something is left to be read; the place of a byte that was received out of band is nothing. */
static bool unread(const struct unix_sock *u)
{
	struct unix_message *m;

	list_for_each_entry(m, &u->queue, link)
		if (!m->mark)
			return true;
	return false;
}

static void release_common(struct unix_sock *u, bool embryo)
{
	bool listening = u->base.state == SOCKET_LISTENING;
	struct unix_message *m;

	u->dead = true;
	u->base.shutdown = SHUTDOWN_MASK;
	u->base.state = SOCKET_UNCONNECTED;
	wake_up_common(&u->peer_wait, 0, POLL_OUT);
	unix_set_peer_wake(u, NULL);
	drop_peer(u, embryo || (unread(u) && !listening));
	/* Freeing a message may sleep, so take them off one by one. */
	while (!list_empty(&u->queue)) {
		struct unix_sock *connection;

		m = list_first_entry(&u->queue, struct unix_message, link);
		connection = m->embryo;
		message_unqueue(u, m);
		message_free(m);
		if (connection) {
			release_common(connection, true);
			unix_put(connection);
		}
	}
	unix_unname(u);
}

void unix_release(struct socket *sock)
{
	struct unix_sock *u = unix_sk(sock);

	release_common(u, false);
	unix_put(u);
	if (nr_in_flight)
		flight_collect();
}

/* Waits for a place on the listener's queue. 0: look again. */
static int wait_for_listener(struct unix_sock *u, struct unix_sock *listener, u64 deadline)
{
	long ret = wait_event_common(&listener->peer_wait, TASK_INTERRUPTIBLE, &unix_connect_wait, listener, deadline, true,
				     listener->dead || listener->base.shutdown & RCV_SHUTDOWN ||
					     listener->base.state != SOCKET_LISTENING || !queue_full(listener),
				     signal_pending(current));

	return socket_wait_error(ret, u->base.sndtimeo);
}

/* Joins `u` to `connection`, the server's end, and queues that on the listener. */
static void establish(struct unix_sock *u, struct unix_sock *connection, struct unix_sock *listener, struct unix_message *m)
{
	connection->peer = unix_get(u);
	connection->base.state = SOCKET_CONNECTED;
	connection->base.passcred = listener->base.passcred;
	connection->base.passpidfd = listener->base.passpidfd;
	connection->base.passrights = listener->base.passrights;
	connection->base.passsec = listener->base.passsec;
	socket_peer_cred_here(&connection->base);
	if (listener->address) {
		refcount_inc(&listener->address->count);
		connection->address = listener->address;
	}
	if (listener->path.dentry) {
		connection->path = listener->path;
		path_get(&connection->path);
	}
	u->peer = unix_get(connection);
	u->base.state = SOCKET_CONNECTED;
	u->base.error = 0;
	socket_peer_cred_copy(&u->base, &listener->base);
	m->embryo = connection;
	message_queue(listener, m);
	if (wait_queue_active(&listener->base.read_wait))
		wake_up_sync_poll(&listener->base.read_wait, POLL_IN | EPOLLRDBAND);
}

/* The listener with room for us, counted; ERR_PTR. */
static struct unix_sock *find_listener(struct unix_sock *u, const u8 *name, int length, bool nonblock)
{
	u64 deadline = socket_deadline(u->base.sndtimeo);
	struct unix_sock *listener;
	int error;

	for (;;) {
		listener = unix_find(name, length, u->base.type);
		if (IS_ERR(listener))
			return listener;
		error = -ECONNREFUSED;
		if (listener->dead || listener->base.state != SOCKET_LISTENING || listener->base.shutdown & RCV_SHUTDOWN)
			break;
		if (!queue_full(listener))
			return listener;
		error = -EAGAIN;
		if (nonblock || !u->base.sndtimeo)
			break;
		error = wait_for_listener(u, listener, deadline);
		if (error)
			break;
		unix_put(listener);
	}
	unix_put(listener);
	return ERR_PTR(error);
}

int unix_connect(struct socket *sock, const u8 *name, int length, bool nonblock)
{
	struct unix_sock *u = unix_sk(sock), *connection = NULL, *listener;
	struct unix_message *m = NULL;
	int error = unix_check_name(name, length);

	if (error)
		return error;
	if (sock->passcred || sock->passpidfd) {
		error = unix_autobind(u);
		if (error)
			return error;
	}
	listener = find_listener(u, name, length, nonblock);
	if (IS_ERR(listener))
		return (int)PTR_ERR(listener);
	error = sock->state == SOCKET_CONNECTED ? -EISCONN : sock->state == SOCKET_LISTENING ? -EINVAL : 0;
	if (error || u->dead)
		goto out;
	error = -ENOMEM;
	connection = unix_alloc(sock->type);
	if (!connection)
		goto out;
	m = message_alloc(connection, 0);
	if (!m)
		goto out_connection;
	establish(u, connection, listener, m);
	unix_put(listener);
	return 0;
out_connection:
	unix_put(connection);
out:
	unix_put(listener);
	return error;
}

int unix_pair(struct socket *a, struct socket *b)
{
	unix_sk(a)->peer = unix_get(unix_sk(b));
	unix_sk(b)->peer = unix_get(unix_sk(a));
	a->state = b->state = SOCKET_CONNECTED;
	socket_peer_cred_here(a);
	socket_peer_cred_here(b);
	return 0;
}

static int unix_listen(struct socket *sock, int backlog)
{
	struct unix_sock *u = unix_sk(sock);

	if (!connection_based(u))
		return -EOPNOTSUPP;
	if (!u->address || sock->state == SOCKET_CONNECTED)
		return -EINVAL;
	if (backlog > sock->backlog)
		wake_up_all(&u->peer_wait);
	sock->backlog = backlog;
	sock->state = SOCKET_LISTENING;
	socket_peer_cred_here(sock);
	return 0;
}

static struct socket *unix_accept(struct socket *sock, bool nonblock)
{
	struct unix_sock *u = unix_sk(sock), *connection;
	u64 deadline = NEVER;
	struct unix_message *m;
	long ret;

	if (!connection_based(u))
		return ERR_PTR(-EOPNOTSUPP);
	if (sock->state != SOCKET_LISTENING)
		return ERR_PTR(-EINVAL);
	while (list_empty(&u->queue)) {
		if (sock->error)
			return ERR_PTR(socket_take_error(sock));
		if (sock->shutdown & RCV_SHUTDOWN)
			return ERR_PTR(-EINVAL);
		if (nonblock || !sock->rcvtimeo)
			return ERR_PTR(-EAGAIN);
		if (deadline == NEVER)
			deadline = socket_deadline(sock->rcvtimeo);
		ret = wait_event_common(&sock->read_wait, TASK_INTERRUPTIBLE, &unix_accept_wait, sock, deadline, true,
					!list_empty(&u->queue) || sock->error || sock->shutdown & RCV_SHUTDOWN,
					signal_pending(current));
		if (ret)
			return ERR_PTR(socket_wait_error(ret, sock->rcvtimeo));
	}
	m = list_first_entry(&u->queue, struct unix_message, link);
	connection = m->embryo;
	message_unqueue(u, m);
	message_free(m);
	wake_up_poll(&u->peer_wait, POLL_OUT);
	return &connection->base;
}

static int unix_shutdown(struct socket *sock, int how)
{
	struct unix_sock *u = unix_sk(sock), *peer = u->peer;
	unsigned mask = (unsigned)how + 1, peer_mask = 0;

	sock->shutdown |= mask;
	socket_state_changed(sock);
	if (mask & RCV_SHUTDOWN)
		wake_up_all(&u->peer_wait);
	if (!peer || !connection_based(u))
		return 0;
	if (mask & RCV_SHUTDOWN)
		peer_mask |= SEND_SHUTDOWN;
	if (mask & SEND_SHUTDOWN)
		peer_mask |= RCV_SHUTDOWN;
	peer->base.shutdown |= peer_mask;
	socket_state_changed(&peer->base);
	return 0;
}

/* SIOCUNIXFILE: an O_PATH descriptor of what the socket is bound to. */
static int open_socket_file(struct unix_sock *u)
{
	struct file *file;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (!u->path.dentry)
		return -ENOENT;
	file = file_open_path(&u->path, O_PATH);
	return IS_ERR(file) ? (int)PTR_ERR(file) : fd_install_new(file, true);
}

static long unix_ioctl(struct socket *sock, unsigned cmd, u64 arg)
{
	struct unix_sock *u = unix_sk(sock);
	struct unix_message *first;
	u32 value;

	switch (cmd) {
	case SIOCUNIXFILE:
		return open_socket_file(u);
	case SIOCATMARK:
		if (sock->type != SOCK_STREAM)
			return -EOPNOTSUPP;
		value = (u32)unix_at_mark(u);
		break;
	case TIOCOUTQ:
		value = u->wmem;
		break;
	case FIONREAD:
		if (sock->state == SOCKET_LISTENING)
			return -EINVAL;
		first = list_first_entry_or_null(&u->queue, struct unix_message, link);
		value = connection_based(u) ? (u32)u->queue_bytes : first ? first->length : 0;
		break;
	default:
		return -ENOIOCTLCMD;
	}
	return put_user_u32(user_ptr_at(arg), value);
}

/* Linux's numbers: 1 unconnected, 2 connecting, 3 connected; embryos have no inode yet. */
static int proc_state(const struct unix_sock *u)
{
	if (!u->base.file)
		return u->base.state == SOCKET_CONNECTED ? 2 : 4;
	return u->base.state == SOCKET_CONNECTED ? 3 : 1;
}

void proc_net_unix(struct seq_buffer *seq)
{
	struct unix_sock *u;

	seq_puts(seq, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	list_for_each_entry(u, &unix_sockets, all_link) {
		if (u->dead)
			continue;
		seq_printf(seq, "%016lx: %08x 00000000 %08x %04x %02x %5lu", (unsigned long)hash_u64((u64)u),
			   (unsigned)u->base.count.count, u->base.state == SOCKET_LISTENING ? 0x10000u : 0u,
			   (unsigned)u->base.type, (unsigned)proc_state(u), (unsigned long)u->base.ino);
		if (u->address) {
			const char *name = u->address->name.sun_path;
			int length = u->address->length - (int)UNIX_PATH_OFFSET - (name[0] != 0);

			seq_putc(seq, ' ');
			for (int i = 0; i < length && i < UNIX_PATH_MAX; i++)
				seq_putc(seq, name[i] ? name[i] : '@');
		}
		seq_putc(seq, '\n');
	}
}

static const struct socket_ops unix_stream_ops = {
	.bind = unix_bind,
	.connect = unix_connect,
	.listen = unix_listen,
	.accept = unix_accept,
	.shutdown = unix_shutdown,
	.getname = unix_getname,
	.sendmsg = unix_stream_sendmsg,
	.recvmsg = unix_stream_recvmsg,
	.poll = unix_stream_poll,
	.ioctl = unix_ioctl,
	.wait_peers = unix_wait_peers,
	.release = unix_release,
	.destroy = unix_destroy,
};

static const struct socket_ops unix_dgram_ops = {
	.bind = unix_bind,
	.connect = unix_dgram_connect,
	.listen = unix_listen,
	.accept = unix_accept,
	.shutdown = unix_shutdown,
	.getname = unix_getname,
	.sendmsg = unix_dgram_sendmsg,
	.recvmsg = unix_dgram_recvmsg,
	.poll = unix_dgram_poll,
	.ioctl = unix_ioctl,
	.wait_peers = unix_wait_peers,
	.release = unix_release,
	.destroy = unix_destroy,
};

static const struct socket_ops unix_seqpacket_ops = {
	.bind = unix_bind,
	.connect = unix_connect,
	.listen = unix_listen,
	.accept = unix_accept,
	.shutdown = unix_shutdown,
	.getname = unix_getname,
	.sendmsg = unix_seqpacket_sendmsg,
	.recvmsg = unix_seqpacket_recvmsg,
	.poll = unix_dgram_poll,
	.ioctl = unix_ioctl,
	.wait_peers = unix_wait_peers,
	.release = unix_release,
	.destroy = unix_destroy,
};
