// SPDX-License-Identifier: Apache-2.0
/*
 * SOCK_STREAM data. A send is cut into messages of at most STREAM_CHUNK bytes; a receive joins messages, but not
 * across a message with descriptors, nor across different credentials if the receiver asked for them.
 */
#include "kernel/mm/alloc.h"
#include "kernel/net/unix/unix.h"
#include "kernel/task/signal.h"

#define STREAM_CHUNK 32768U

static ssize_t broken_pipe(ssize_t sent, unsigned flags)
{
	if (sent)
		return sent;
	if (!(flags & MSG_NOSIGNAL))
		send_signal_thread(SIGPIPE, SEND_SIG_USER, current);
	return -EPIPE;
}

/* One message with the next `n` bytes on the peer's queue. */
static int send_chunk(struct unix_sock *u, struct message *msg, struct scm *scm, u32 n)
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
	if (unlikely(scm->fds)) {
		error = flight_attach(scm->fds);
		if (error)
			goto fail;
		m->fds = scm->fds;
		scm->fds = NULL;
	}
	message_set_cred(m, scm, u, peer);
	message_queue(peer, m);
	if (wait_queue_active(&peer->base.read_wait))
		wake_up_sync_poll(&peer->base.read_wait, POLL_IN | EPOLLRDBAND);
	return 0;
fail:
	message_free(m);
	return error;
}

ssize_t unix_stream_sendmsg(struct socket *sock, struct message *msg)
{
	struct unix_sock *u = unix_sk(sock);
	ssize_t sent = 0;
	struct scm scm;
	int error;

	if (nr_in_flight > 16000)
		flight_collect();
	error = scm_parse(msg, &scm);
	if (error)
		return error;
	error = -EOPNOTSUPP;
	if (msg->flags & MSG_OOB)
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
		u32 n = (u32)min(msg->iter->count, (size_t)limit);

		error = unix_wait_room(u, msg->flags & MSG_DONTWAIT);
		if (!error)
			error = send_chunk(u, msg, &scm, n);
		if (!error)
			sent += n;
	}
out:
	scm_release(&scm);
	if (error == -EPIPE)
		return broken_pipe(sent, msg->flags);
	return sent ? sent : error;
}

/* Waits for data on an empty queue: 0 look again, 1 end of file, or an error. */
static int wait_for_data(struct unix_sock *u, bool nonblock, u64 *deadline)
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
					     !list_empty(&u->queue) || sock->error || sock->shutdown & RCV_SHUTDOWN);
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
static int take_message(struct unix_sock *u, struct message *msg, struct scm *scm, ssize_t *copied)
{
	struct unix_message *m = list_first_entry(&u->queue, struct unix_message, link);
	u32 n = (u32)min((size_t)m->length, msg->iter->count);
	u32 done = (u32)copy_to_iter(msg->iter, m->data + m->offset, n);

	if (!done && n)
		return *copied ? 0 : -EFAULT;
	*copied += done;
	m->offset += done;
	m->length -= done;
	u->queue_bytes -= done;
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
static int peek_messages(struct unix_sock *u, struct message *msg, struct scm *scm, ssize_t *copied)
{
	struct unix_message *m;

	list_for_each_entry(m, &u->queue, link) {
		u32 n = (u32)min((size_t)m->length, msg->iter->count), done;

		if (u->base.passcred && *copied && !same_cred(m, scm))
			break;
		done = (u32)copy_to_iter(msg->iter, m->data + m->offset, n);
		if (!done && n)
			return *copied ? 0 : -EFAULT;
		*copied += done;
		if (m->fds) {
			scm->fds = scm_fds_copy(m->fds);
			return scm->fds ? 0 : -ENOMEM;
		}
		if (done < m->length || !msg->iter->count)
			break;
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

	if (msg->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (sock->state != SOCKET_CONNECTED)
		return -EINVAL;
	while (msg->iter->count || first) {
		struct unix_message *m = list_first_entry_or_null(&u->queue, struct unix_message, link);

		if (!m) {
			if (copied && (size_t)copied >= target)
				break;
			ret = wait_for_data(u, msg->flags & MSG_DONTWAIT, &deadline);
			if (ret)
				break;
			continue;
		}
		if (first) {
			message_get_cred(m, &scm);
			if (msg->name && m->sender)
				msg->name_length = m->sender->address ? unix_copy_name(m->sender, msg->name) : 0;
			first = false;
		} else if (sock->passcred && !same_cred(m, &scm)) {
			break;
		}
		if (msg->flags & MSG_PEEK) {
			ret = peek_messages(u, msg, &scm, &copied);
			break;
		}
		ret = take_message(u, msg, &scm, &copied);
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
	if (sock->state == SOCKET_UNCONNECTED)
		mask |= EPOLLHUP;
	if (unix_writable(u))
		mask |= POLL_OUT | EPOLLWRBAND;
	return mask;
}
