// SPDX-License-Identifier: Apache-2.0
/*
 * SOCK_DGRAM and SOCK_SEQPACKET data: messages keep their boundaries. At most DGRAM_BACKLOG + 1 datagrams wait at a
 * receiver that is not connected to the sender; further senders block or get EAGAIN.
 */
#include "kernel/mm/alloc.h"
#include "kernel/net/unix/unix.h"

/* The peer of a datagram socket changed: what the old one sent is no longer for us. */
static void disconnected(struct unix_sock *u, struct unix_sock *old_peer)
{
	struct unix_message *m;

	if (list_empty(&u->queue))
		return;
	while (!list_empty(&u->queue)) {
		m = list_first_entry(&u->queue, struct unix_message, link);
		message_unqueue(u, m);
		message_free(m);
	}
	wake_up_all(&u->peer_wait);
	if (!old_peer->dead && old_peer->peer == u) {
		old_peer->base.error = ECONNRESET;
		socket_state_changed(&old_peer->base);
	}
}

/* Whether `u` may send to `to`: nobody has connected `to` to somebody else. */
static bool may_send(const struct unix_sock *u, const struct unix_sock *to)
{
	return !to->peer || to->peer == u;
}

int unix_dgram_connect(struct socket *sock, const u8 *name, int length, bool nonblock)
{
	struct unix_sock *u = unix_sk(sock), *other = NULL, *old;
	int error;

	if (length < (int)sizeof(__kernel_sa_family_t))
		return -EINVAL;
	if (((const struct sockaddr_un *)name)->sun_family != AF_UNSPEC) {
		error = unix_check_name(name, length);
		if (!error && (sock->passcred || sock->passpidfd))
			error = unix_autobind(u);
		if (error)
			return error;
		other = unix_find(name, length, sock->type);
		if (IS_ERR(other))
			return (int)PTR_ERR(other);
		if (other->dead || u->dead) {
			unix_put(other);
			return -ECONNREFUSED;
		}
		if (!may_send(u, other)) {
			unix_put(other);
			return -EPERM;
		}
	}
	sock->state = other ? SOCKET_CONNECTED : SOCKET_UNCONNECTED;
	old = u->peer;
	u->peer = other;
	unix_set_peer_wake(u, NULL);
	if (old && old != other)
		disconnected(u, old);
	unix_put(old);
	return 0;
}

/* Whom the message goes to, counted; ERR_PTR. */
static struct unix_sock *receiver(struct unix_sock *u, const struct message *msg)
{
	if (msg->name_length)
		return unix_find(msg->name, msg->name_length, u->base.type);
	return u->peer ? unix_get(u->peer) : ERR_PTR(-ENOTCONN);
}

/* Our connection to a closed socket ends with the first send that finds out. */
static int receiver_dead(struct unix_sock *u, struct unix_sock *to)
{
	if (u->base.type == SOCK_SEQPACKET)
		return -EPIPE;
	if (u->peer != to)
		return 0;
	u->peer = NULL;
	u->base.state = SOCKET_UNCONNECTED;
	unix_set_peer_wake(u, NULL);
	disconnected(u, to);
	unix_put(to);
	return -ECONNREFUSED;
}

/* 0: deliver now; 1: the receiver may have changed, find it again; or an error. */
static int wait_for_receiver(struct unix_sock *u, struct unix_sock *to, bool nonblock, u64 *deadline)
{
	struct socket *sock = &u->base;
	long ret;

	if (to == u || to->peer == u || !queue_full(to))
		return 0;
	if (nonblock || !sock->sndtimeo) {
		/* Pollers of the connected sender are to hear of room. */
		if (u->peer == to)
			unix_set_peer_wake(u, to);
		return -EAGAIN;
	}
	if (sock->sndtimeo != NEVER && *deadline == NEVER)
		*deadline = socket_deadline(sock->sndtimeo);
	ret = wait_event_common(&to->peer_wait, TASK_INTERRUPTIBLE, &unix_send_wait, to, *deadline, true,
				to->dead || to->base.shutdown & RCV_SHUTDOWN || !queue_full(to), signal_pending(current));
	return ret ? socket_wait_error(ret, sock->sndtimeo) : 1;
}

static int check_receiver(struct unix_sock *u, struct unix_sock *to, bool has_fds, bool nonblock, u64 *deadline)
{
	int error;

	if (to->dead) {
		error = receiver_dead(u, to);
		return error ? error : 1;
	}
	if (!may_send(u, to) || (has_fds && !to->base.passrights))
		return -EPERM;
	if (to->base.shutdown & RCV_SHUTDOWN)
		return -EPIPE;
	return wait_for_receiver(u, to, nonblock, deadline);
}

static void deliver(struct unix_sock *u, struct unix_sock *to, struct unix_message *m, const struct scm *scm)
{
	if (unlikely(to->base.filter)) {
		u32 kept = socket_filter_run(&to->base, m->data, m->length);

		if (!kept && m->length) {
			message_free(m);
			return;
		}
		m->length = kept;
	}
	message_set_cred(m, scm, u, to);
	if (unlikely(to->base.timestamp | to->base.timestamp_ns))
		m->stamp = ktime_get_real();
	message_queue(to, m);
	if (wait_queue_active(&to->base.read_wait))
		wake_up_sync_poll(&to->base.read_wait, POLL_IN | EPOLLRDBAND);
}

/* The message, filled from the iterator and with the descriptors; ERR_PTR. */
static struct unix_message *make_message(struct unix_sock *u, struct message *msg, struct scm *scm)
{
	size_t length = msg->iter->count;
	struct unix_message *m;
	int error;

	if (length > (size_t)max(u->base.sndbuf - 32, 0))
		return ERR_PTR(-EMSGSIZE);
	error = unix_wait_room(u, msg->flags & MSG_DONTWAIT);
	if (error)
		return ERR_PTR(error);
	m = message_alloc(u, (u32)length);
	if (!m)
		return ERR_PTR(-ENOBUFS);
	if (copy_from_iter(msg->iter, m->data, length) != length) {
		message_free(m);
		return ERR_PTR(-EFAULT);
	}
	if (unlikely(scm->fds)) {
		error = flight_attach(scm->fds);
		if (error) {
			message_free(m);
			return ERR_PTR(error);
		}
		m->fds = scm->fds;
		scm->fds = NULL;
	}
	return m;
}

static ssize_t send_to(struct unix_sock *u, struct message *msg, struct scm *scm)
{
	struct unix_sock *to = NULL;
	struct unix_message *m;
	u64 deadline = NEVER;
	ssize_t length = (ssize_t)msg->iter->count;
	int ret;

	if (msg->name_length) {
		ret = unix_check_name(msg->name, msg->name_length);
		if (ret)
			return ret;
	} else if (!u->peer) {
		return -ENOTCONN;
	}
	if (u->base.passcred || u->base.passpidfd) {
		ret = unix_autobind(u);
		if (ret)
			return ret;
	}
	m = make_message(u, msg, scm);
	if (IS_ERR(m))
		return PTR_ERR(m);
	do {
		unix_put(to);
		to = receiver(u, msg);
		ret = IS_ERR(to) ? (int)PTR_ERR(to) : check_receiver(u, to, m->fds, msg->flags & MSG_DONTWAIT, &deadline);
		if (IS_ERR(to))
			to = NULL;
	} while (ret == 1);
	if (ret)
		message_free(m);
	else
		deliver(u, to, m, scm);
	unix_put(to);
	return ret ? ret : length;
}

ssize_t unix_dgram_sendmsg(struct socket *sock, struct message *msg)
{
	struct scm scm;
	ssize_t ret;

	if (nr_in_flight > 16000)
		flight_collect();
	ret = scm_parse(msg, &scm);
	if (ret)
		return ret;
	ret = msg->flags & MSG_OOB ? -EOPNOTSUPP : send_to(unix_sk(sock), msg, &scm);
	scm_release(&scm);
	return ret;
}

/* The first message; with *skip bytes to pass over (SO_PEEK_OFF) the one with the byte behind, and what is left of *skip in it. */
static struct unix_message *queued(struct unix_sock *u, u32 *skip)
{
	struct unix_message *m;

	list_for_each_entry(m, &u->queue, link) {
		if (likely(!*skip) || m->length > *skip)
			return m;
		*skip -= m->length;
	}
	return NULL;
}

static inline bool is_queued(struct unix_sock *u, u32 skip) { return queued(u, &skip); }

/* Waits for a message: it, or ERR_PTR; NULL: shut down for reading. */
static struct unix_message *next_message(struct unix_sock *u, u32 *skip, bool nonblock)
{
	struct socket *sock = &u->base;
	u64 deadline = NEVER;
	u32 wanted = *skip;
	long ret;

	for (;;) {
		struct unix_message *m;

		if (sock->error)
			return ERR_PTR(socket_take_error(sock));
		*skip = wanted;
		m = queued(u, skip);
		if (m)
			return m;
		if (sock->shutdown & RCV_SHUTDOWN && (!nonblock || sock->type == SOCK_SEQPACKET))
			return NULL;
		if (nonblock || !sock->rcvtimeo)
			return ERR_PTR(-EAGAIN);
		if (sock->rcvtimeo != NEVER && deadline == NEVER)
			deadline = socket_deadline(sock->rcvtimeo);
		ret = wait_event_common(&sock->read_wait, TASK_INTERRUPTIBLE, &unix_read_wait, sock, deadline, true,
					is_queued(u, wanted) || sock->error || sock->shutdown & RCV_SHUTDOWN,
					signal_pending(current));
		if (ret)
			return ERR_PTR(socket_wait_error(ret, sock->rcvtimeo));
	}
}

ssize_t unix_dgram_recvmsg(struct socket *sock, struct message *msg)
{
	struct unix_sock *u = unix_sk(sock);
	struct scm scm = { .fds = NULL };
	struct unix_message *m;
	bool peek = msg->flags & MSG_PEEK;
	u32 n, skip = peek ? (u32)max(sock->peek_off, 0) : 0;
	ssize_t ret;

	if (msg->flags & MSG_OOB)
		return -EOPNOTSUPP;
	m = next_message(u, &skip, msg->flags & MSG_DONTWAIT);
	if (IS_ERR_OR_NULL(m))
		return PTR_ERR(m);
	if (msg->name)
		msg->name_length = m->sender->address ? unix_copy_name(m->sender, msg->name) : 0;
	n = (u32)min((size_t)m->length - skip, msg->iter->count);
	if (n < m->length - skip)
		msg->ret_flags |= MSG_TRUNC;
	ret = msg->flags & MSG_TRUNC ? (ssize_t)(m->length - skip) : (ssize_t)n;
	if (!peek)
		message_unqueue(u, m);
	if (wait_queue_active(&u->peer_wait))
		wake_up_poll(&u->peer_wait, POLL_OUT | EPOLLWRBAND);
	if (n && copy_to_iter(msg->iter, m->data + skip, n) != n)
		ret = -EFAULT;
	if (ret >= 0) {
		socket_peek_advance(sock, peek, peek ? n : m->length);
		message_get_cred(m, &scm);
		if (unlikely(sock->timestamp | sock->timestamp_ns))
			socket_put_stamp(sock, msg, m->stamp);
		if (unlikely(m->fds)) {
			if (peek) {
				scm.fds = scm_fds_copy(m->fds);
			} else {
				scm.fds = m->fds;
				m->fds = NULL;
				flight_detach(scm.fds);
			}
		}
	}
	if (!peek)
		message_free(m);
	if (ret >= 0)
		scm_receive(sock, msg, &scm);
	return ret;
}

ssize_t unix_seqpacket_sendmsg(struct socket *sock, struct message *msg)
{
	if (sock->error)
		return socket_take_error(sock);
	if (sock->state != SOCKET_CONNECTED)
		return -ENOTCONN;
	msg->name_length = 0;
	return unix_dgram_sendmsg(sock, msg);
}

ssize_t unix_seqpacket_recvmsg(struct socket *sock, struct message *msg)
{
	if (sock->state != SOCKET_CONNECTED)
		return -ENOTCONN;
	return unix_dgram_recvmsg(sock, msg);
}

unsigned unix_dgram_poll(struct socket *sock, struct file *file, struct poll_table *table)
{
	struct unix_sock *u = unix_sk(sock), *peer = u->peer;
	bool writable = unix_writable(u);
	unsigned mask = 0;

	poll_wait(file, &sock->read_wait, table);
	poll_wait(file, &sock->write_wait, table);
	if (sock->error)
		mask |= EPOLLERR;
	if (sock->shutdown & RCV_SHUTDOWN)
		mask |= EPOLLRDHUP | POLL_IN;
	if (sock->shutdown == SHUTDOWN_MASK)
		mask |= EPOLLHUP;
	if (!list_empty(&u->queue))
		mask |= POLL_IN;
	if (connection_based(u) && sock->state == SOCKET_UNCONNECTED)
		mask |= EPOLLHUP;
	if (writable && peer && peer->peer != u && !peer->dead && peer != u) {
		if (queue_full(peer)) {
			unix_set_peer_wake(u, peer);
			writable = false;
		}
	}
	if (writable)
		mask |= POLL_OUT | EPOLLWRBAND;
	return mask;
}
