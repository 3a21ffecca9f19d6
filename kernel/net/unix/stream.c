// SPDX-License-Identifier: Apache-2.0
/*
 * SOCK_STREAM data. A send is cut into messages of at most STREAM_CHUNK bytes; a receive joins messages, but not
 * across a message with descriptors, nor across different credentials if the receiver asked for them.
 *
 * Out of band (MSG_OOB): the last byte of such a send is a message of its own, u->oob. A receive stops before it. The next
 * one drops it, or with SO_OOBINLINE reads it. Received by MSG_OOB it leaves its place in the queue as a mark. A
 * second one makes the first ordinary.
 */
#include "kernel/mm/alloc.h"
#include "kernel/net/unix/unix.h"
#include "kernel/task/signal.h"
#include "kernel/vfs/event.h"

#define STREAM_CHUNK 32768U

static ssize_t broken_pipe(ssize_t sent, unsigned flags)
{
	if (sent)
		return sent;
	if (!(flags & MSG_NOSIGNAL))
		send_signal_thread(SIGPIPE, SEND_SIG_USER, current);
	return -EPIPE;
}

/* One message with the next `n` bytes on the peer's queue; `urgent`: it is the byte out of band. */
static int send_chunk(struct unix_sock *u, struct message *msg, struct scm *scm, u32 n, bool urgent)
{
	struct unix_message *m = message_alloc(u, n);
	struct unix_sock *peer;
	int error;

	if (!m)
		return -ENOBUFS;
	error = -EFAULT;
	if (copy_from_iter(msg->iter, m->data, n) != n)
		goto fail;
	peer = u->peer;
	error = -EPIPE;
	if (peer->dead || peer->base.shutdown & RCV_SHUTDOWN)
		goto fail;
	error = -EPERM;
	if (unlikely(scm->fds && !peer->base.passrights))
		goto fail;
	if (unlikely(scm->fds)) {
		error = flight_attach(scm->fds);
		if (error)
			goto fail;
		m->fds = scm->fds;
		scm->fds = NULL;
	}
	message_set_cred(m, scm, u, peer);
	message_queue(peer, m);
	if (unlikely(urgent)) {
		peer->oob = m;
		if (peer->base.file)
			file_signal_urgent(peer->base.file);
		wake_up_common(&peer->base.read_wait, 0, POLL_IN | EPOLLRDBAND | EPOLLPRI);
	} else if (wait_queue_active(&peer->base.read_wait))
		wake_up_sync_poll(&peer->base.read_wait, POLL_IN | EPOLLRDBAND);
	return 0;
fail:
	message_free(m);
	return error;
}

ssize_t unix_stream_sendmsg(struct socket *sock, struct message *msg)
{
	struct unix_sock *u = unix_sk(sock);
	size_t urgent = msg->flags & MSG_OOB ? 1 : 0;
	ssize_t sent = 0;
	struct scm scm;
	int error;

	if (nr_in_flight > 16000)
		flight_collect();
	error = scm_parse(msg, &scm);
	if (error)
		return error;
	error = -EOPNOTSUPP;
	if (urgent && !msg->iter->count)
		goto out;
	if (msg->name_length) {
		error = sock->state == SOCKET_CONNECTED ? -EISCONN : -EOPNOTSUPP;
		goto out;
	}
	error = -ENOTCONN;
	if (!u->peer)
		goto out;
	error = 0;
	if (sock->shutdown & SEND_SHUTDOWN)
		error = -EPIPE;
	while (!error && msg->iter->count) {
		u32 limit = min(STREAM_CHUNK, (u32)max(sock->sndbuf / 2 - 64, 1));
		size_t ordinary = msg->iter->count - urgent;
		u32 n = ordinary ? (u32)min(ordinary, (size_t)limit) : 1;

		error = unix_wait_room(u, msg->flags & MSG_DONTWAIT);
		if (!error)
			error = send_chunk(u, msg, &scm, n, !ordinary);
		if (!error)
			sent += n;
	}
out:
	scm_release(&scm);
	if (error == -EPIPE)
		return broken_pipe(sent, msg->flags);
	return sent ? sent : error;
}

static inline struct unix_message *message_after(struct unix_sock *u, struct unix_message *m)
{
	return m->link.next == &u->queue ? NULL : container_of(m->link.next, struct unix_message, link);
}

static inline bool is_special(const struct unix_sock *u, const struct unix_message *m) { return m->mark || m == u->oob; }

int unix_at_mark(const struct unix_sock *u)
{
	struct unix_sock *mutable = (struct unix_sock *)u;
	struct unix_message *m = list_first_entry_or_null(&mutable->queue, struct unix_message, link);

	if (!m)
		return 0;
	return m == u->oob || (m->mark && (!u->oob || message_after(mutable, m) == u->oob));
}

/*
 * What a receive that came to `m`, with `copied` bytes so far, goes on with; NULL: nothing, or it ends before the byte out of
 * band. Without `peek` what is passed is dropped.
 */
static struct unix_message *pass_special(struct unix_sock *u, struct unix_message *m, bool peek, size_t copied)
{
	struct unix_message *next;

	if (m->mark) {
		if (copied && (!u->oob || m == u->oob))
			return NULL;
		next = message_after(u, m);
		if (!peek) {
			message_unqueue(u, m);
			message_free(m);
		}
		m = next;
	}
	if (!m || m != u->oob)
		return m;
	if (copied)
		return NULL;
	if (u->base.oobinline) {
		if (!peek)
			u->oob = NULL;
		return m;
	}
	next = message_after(u, m);
	if (!peek) {
		message_unqueue(u, m);
		message_free(m);
	}
	return next;
}

/* The message with the next byte to read, or to peek at if *skip bytes are passed over; *skip is then what is left to pass in it. */
static struct unix_message *readable(struct unix_sock *u, u32 *skip)
{
	struct unix_message *m = list_first_entry_or_null(&u->queue, struct unix_message, link);

	while (m) {
		if (unlikely(is_special(u, m)))
			m = pass_special(u, m, true, 0);
		if (!m || likely(m->length > *skip))
			return m;
		*skip -= m->length;
		m = message_after(u, m);
	}
	return NULL;
}

static inline bool is_readable(struct unix_sock *u, u32 skip) { return readable(u, &skip); }

/* MSG_OOB: the byte, if there is one. */
static ssize_t receive_urgent(struct unix_sock *u, struct message *msg)
{
	struct unix_message *m = u->oob;

	if (!m || u->base.oobinline)
		return -EINVAL;
	if (msg->iter->count && copy_to_iter(msg->iter, m->data, 1) != 1)
		return -EFAULT;
	msg->ret_flags |= MSG_OOB;
	if (!(msg->flags & MSG_PEEK)) {
		u->oob = NULL;
		m->mark = true;
		m->length = 0;
		u->queue_bytes--;
	}
	return 1;
}

/* Waits for data on an empty queue: 0 look again, 1 end of file, or an error. */
static int wait_for_data(struct unix_sock *u, u32 skip, bool nonblock, u64 *deadline)
{
	struct socket *sock = &u->base;
	long ret;

	if (sock->error)
		return socket_take_error(sock);
	if (sock->shutdown & RCV_SHUTDOWN)
		return 1;
	if (nonblock || !sock->rcvtimeo)
		return -EAGAIN;
	if (sock->rcvtimeo != NEVER && *deadline == NEVER)
		*deadline = socket_deadline(sock->rcvtimeo);
	ret = wait_event_interruptible_until(&sock->read_wait, &unix_read_wait, sock, *deadline,
					     is_readable(u, skip) || sock->error || sock->shutdown & RCV_SHUTDOWN);
	return ret ? socket_wait_error(ret, sock->rcvtimeo) : 0;
}

static bool same_cred(const struct unix_message *m, const struct scm *scm)
{
	struct scm other;

	message_get_cred(m, &other);
	return other.cred.pid == scm->cred.pid && other.cred.uid == scm->cred.uid && other.cred.gid == scm->cred.gid;
}

/*
 * Takes bytes of the first message. Returns 1 if the receive may go on with the next message, 0 if it ends here,
 * -EFAULT if nothing could be copied.
 */
static int take_message(struct unix_sock *u, struct unix_message *m, struct message *msg, struct scm *scm, ssize_t *copied)
{
	u32 n = (u32)min((size_t)m->length, msg->iter->count);
	u32 done = (u32)copy_to_iter(msg->iter, m->data + m->offset, n);

	if (!done && n)
		return *copied ? 0 : -EFAULT;
	*copied += done;
	m->offset += done;
	m->length -= done;
	u->queue_bytes -= done;
	socket_peek_advance(&u->base, false, done);
	if (unlikely(m->fds)) {
		scm->fds = m->fds;
		m->fds = NULL;
		flight_detach(scm->fds);
	}
	if (m->length)
		return 0;
	message_unqueue(u, m);
	message_free(m);
	return done == n && !scm->fds;
}

/* Copies without taking, across messages as take_message would. */
static int peek_messages(struct unix_sock *u, struct unix_message *m, struct message *msg, struct scm *scm, ssize_t *copied, u32 skip)
{
	for (; m; m = message_after(u, m)) {
		u32 n, done;

		if (unlikely(is_special(u, m))) {
			m = pass_special(u, m, true, (size_t)*copied);
			if (!m)
				break;
		}
		n = (u32)min((size_t)m->length - skip, msg->iter->count);
		if ((u->base.passcred | u->base.passpidfd) && *copied && !same_cred(m, scm))
			break;
		done = (u32)copy_to_iter(msg->iter, m->data + m->offset + skip, n);
		if (!done && n)
			return *copied ? 0 : -EFAULT;
		*copied += done;
		socket_peek_advance(&u->base, true, done);
		if (m->fds) {
			scm->fds = scm_fds_copy(m->fds);
			return scm->fds ? 0 : -ENOMEM;
		}
		if (done + skip < m->length || !msg->iter->count)
			break;
		skip = 0;
	}
	return 0;
}

ssize_t unix_stream_recvmsg(struct socket *sock, struct message *msg)
{
	struct unix_sock *u = unix_sk(sock);
	size_t target = msg->flags & MSG_WAITALL ? msg->iter->count : min((size_t)sock->rcvlowat, msg->iter->count);
	struct scm scm = { .fds = NULL };
	bool first = true;
	u64 deadline = NEVER;
	ssize_t copied = 0;
	int ret = 0;

	if (unlikely(msg->flags & MSG_OOB))
		return receive_urgent(u, msg);
	if (sock->state != SOCKET_CONNECTED)
		return -EINVAL;
	while (msg->iter->count || first) {
		u32 skip = msg->flags & MSG_PEEK ? (u32)max(sock->peek_off, 0) : 0, wanted = skip;
		struct unix_message *m = list_first_entry_or_null(&u->queue, struct unix_message, link);

		if (msg->flags & MSG_PEEK) {
			m = readable(u, &skip);
		} else if (m && unlikely(is_special(u, m))) {
			m = pass_special(u, m, false, (size_t)copied);
			if (!m && copied)
				break;
		}
		if (!m) {
			if (copied && (size_t)copied >= target)
				break;
			ret = wait_for_data(u, wanted, msg->flags & MSG_DONTWAIT, &deadline);
			if (ret)
				break;
			continue;
		}
		if (first) {
			message_get_cred(m, &scm);
			if (msg->name && m->sender)
				msg->name_length = m->sender->address ? unix_copy_name(m->sender, msg->name) : 0;
			first = false;
		} else if ((sock->passcred | sock->passpidfd) && !same_cred(m, &scm)) {
			break;
		}
		if (msg->flags & MSG_PEEK) {
			ret = peek_messages(u, m, msg, &scm, &copied, skip);
			break;
		}
		ret = take_message(u, m, msg, &scm, &copied);
		if (ret <= 0)
			break;
	}
	if (copied || ret >= 0)
		scm_receive(sock, msg, &scm);
	else
		scm_release(&scm);
	if (copied)
		return copied;
	return ret < 0 ? ret : 0;
}

unsigned unix_stream_poll(struct socket *sock, struct file *file, struct poll_table *table)
{
	struct unix_sock *u = unix_sk(sock);
	unsigned mask = 0;

	poll_wait(file, &sock->read_wait, table);
	poll_wait(file, &sock->write_wait, table);
	if (sock->error)
		mask |= EPOLLERR;
	if (sock->shutdown == SHUTDOWN_MASK)
		mask |= EPOLLHUP;
	if (sock->shutdown & RCV_SHUTDOWN)
		mask |= EPOLLRDHUP | POLL_IN;
	if (!list_empty(&u->queue))
		mask |= POLL_IN;
	if (u->oob)
		mask |= EPOLLPRI;
	if (sock->state == SOCKET_UNCONNECTED)
		mask |= EPOLLHUP;
	if (unix_writable(u))
		mask |= POLL_OUT | EPOLLWRBAND;
	return mask;
}
