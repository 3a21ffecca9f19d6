// SPDX-License-Identifier: Apache-2.0
/* Data of connected sockets: send, receive, poll. */
#include <linux/tcp.h>

#include "kernel/net/inet/tcp.h"
#include "kernel/task/signal.h"
#include "kernel/task/task.h"

#define PIECE 65536U /* the reader is woken after each */
#define SHORT_BUFFER 16384U
#define HEADERS 66 /* of Ethernet, IPv4 and TCP with a time stamp: lo counts them */

u64 tcp_send_buffer(const struct tcp_sock *t)
{
	const struct socket *sock = &t->inet.base;
	/* As on Linux the number that a program sets counts the overhead, too. */
	u64 size = sock->sndbuf_locked ? (u64)sock->sndbuf / 2 : (u64)sock->sndbuf;

	return likely(tcp_memory_pressure() == TCP_MEMORY_AMPLE) ? size : min(size, (u64)SHORT_BUFFER);
}

/* Bytes that may be sent now. */
static u64 send_room(const struct tcp_sock *t)
{
	u64 queued, limit;

	if (!t->peer)
		return PIECE; /* answered with a reset */
	queued = queue_bytes(&t->peer->in);
	limit = tcp_send_buffer(t) + tcp_window(t->peer);
	if (unlikely(tcp_memory_pressure() == TCP_MEMORY_OUT))
		limit = min(limit, 4096UL);
	return queued < limit ? limit - queued : 0;
}

/* What EPOLLOUT promises: a third of the buffer is free. */
static bool writable(const struct tcp_sock *t)
{
	u64 unsent = tcp_unsent(t);

	if (t->options.notsent_lowat && unsent >= (u32)t->options.notsent_lowat)
		return false;
	return unsent * 3 <= tcp_send_buffer(t) * 2 && send_room(t);
}

void tcp_wake_writer(struct tcp_sock *t)
{
	if (!t->full_seen || !writable(t))
		return;
	t->full_seen = false;
	if (wait_queue_active(&t->inet.base.write_wait))
		wake_up_common(&t->inet.base.write_wait, 0, POLL_OUT | EPOLLWRBAND);
}

int tcp_send_error(struct tcp_sock *t, int error, unsigned flags)
{
	int pending;

	if (error != -EPIPE)
		return error;
	pending = socket_take_error(sock_of(t));
	if (pending)
		error = pending;
	if (error == -EPIPE && !(flags & MSG_NOSIGNAL))
		send_signal_thread(SIGPIPE, SEND_SIG_USER, current);
	return error;
}

/* Data for somebody who reads no more: it is answered with a reset. */
static bool refused(struct tcp_sock *t)
{
	struct tcp_sock *peer = t->peer;
	const unsigned closing = TCPF(TCP_FIN_WAIT1) | TCPF(TCP_FIN_WAIT2);

	return unlikely(!peer) || unlikely(peer->inet.base.shutdown & RCV_SHUTDOWN && tcp_in_state(peer, closing));
}

static void answer_reset(struct tcp_sock *t)
{
	struct tcp_sock *peer = t->peer ? tcp_get(t->peer) : NULL;

	tcp_get(t);
	if (peer && peer != t)
		tcp_reset(peer);
	tcp_reset(t);
	if (peer)
		tcp_put(peer);
	tcp_put(t);
}

/* After `n` bytes were put into the peer's queue. */
static void sent(struct tcp_sock *t, struct tcp_sock *peer, u32 n, bool urgent)
{
	struct socket *to = sock_of(peer);

	t->sent_bytes += n;
	t->sent_segments++;
	tcp_counters.segments++;
	net_count_loopback(t->inet.net, n + HEADERS);
	peer->received_bytes += n;
	peer->received_segments++;
	if (unlikely(t->options.user_timeout) && !t->timer.armed && tcp_unsent_to(peer)) {
		t->stuck_at = peer->in.head;
		tcp_timer_start(t, ktime_get() + (u64)t->options.user_timeout * NSEC_PER_MSEC);
	}
	if (unlikely(urgent))
		tcp_urgent_arrives(peer, peer->in.tail - 1, peer->in.last->data[peer->in.last->end - 1]);
	if (unlikely(peer->is_deferred))
		tcp_deferred_ready(peer);
	if (wait_queue_active(&to->read_wait) && (to->rcvlowat <= 1 || queue_bytes(&peer->in) >= (u64)to->rcvlowat ||
						   queue_bytes(&peer->in) >= tcp_window(peer)))
		wake_up_sync_poll(&to->read_wait, urgent ? POLL_IN | EPOLLRDBAND | EPOLLPRI : POLL_IN | EPOLLRDBAND);
}

/* Sends up to n bytes of the message: how many, or an error. */
static ssize_t send_piece(struct tcp_sock *t, struct message *msg, u32 n, bool last)
{
	struct tcp_sock *peer = t->peer;
	ssize_t done;

	if (refused(t)) {
		io_iter_advance(msg->iter, n);
		answer_reset(t);
		return n;
	}
	done = tcp_queue_put(&peer->in, msg->iter, n);
	if (done <= 0)
		return done ? -ENOBUFS : -EFAULT;
	sent(t, peer, (u32)done, msg->flags & MSG_OOB && last && done == n);
	return done < n ? (done ? done : -EFAULT) : done;
}

/* Waits until the connection is made: send(2) may be called before. */
static int wait_connected(struct tcp_sock *t, bool nonblock, u64 deadline)
{
	struct socket *sock = sock_of(t);
	long ret;

	while (!tcp_in_state(t, TCPF(TCP_ESTABLISHED) | TCPF(TCP_CLOSE_WAIT))) {
		int error = socket_take_error(sock);

		if (error)
			return error;
		if (tcp_state(t) != TCP_SYN_SENT)
			return -EPIPE;
		if (nonblock || !sock->sndtimeo)
			return -EAGAIN;
		ret = wait_event_interruptible_until(&sock->write_wait, &tcp_connect_wait, sock, deadline, tcp_state(t) != TCP_SYN_SENT);
		if (ret)
			return socket_wait_error(ret, sock->sndtimeo);
	}
	return 0;
}

static int wait_room(struct tcp_sock *t, bool nonblock, u64 *deadline)
{
	struct socket *sock = sock_of(t);
	long ret;

	t->full_seen = true;
	if (nonblock || !sock->sndtimeo)
		return -EAGAIN;
	if (*deadline == NEVER)
		*deadline = socket_deadline(sock->sndtimeo);
	ret = wait_event_interruptible_until(&sock->write_wait, &tcp_write_wait, sock, *deadline,
					     (t->full_seen = true, writable(t)) || sock->error || sock->shutdown & SEND_SHUTDOWN);
	return ret ? socket_wait_error(ret, sock->sndtimeo) : 0;
}

/* Ancillary data of a send: TCP knows none of its own. */
static int check_control(const struct message *msg)
{
	struct cmsg_walk walk = cmsg_walk(msg);
	int ret;

	while ((ret = cmsg_next(&walk)) > 0)
		if (walk.header.level == SOL_SOCKET && walk.header.type != SCM_RIGHTS && walk.header.type != SCM_CREDENTIALS)
			return -EINVAL;
	return ret;
}

/* MSG_FASTOPEN: connect and send in one call. 0: now send. */
static int connect_first(struct tcp_sock *t, struct message *msg)
{
	if (!msg->name_length)
		return tcp_state(t) == TCP_CLOSE ? -EINVAL : 0;
	if (tcp_state(t) != TCP_CLOSE)
		return t->call_state == CALL_CONNECTING ? -EALREADY : -EISCONN;
	return tcp_connect(sock_of(t), msg->name, msg->name_length, msg->flags & MSG_DONTWAIT);
}

static ssize_t send_all(struct tcp_sock *t, struct message *msg, u64 deadline)
{
	bool nonblock = msg->flags & MSG_DONTWAIT;
	ssize_t done = 0, ret = 0;

	while (msg->iter->count) {
		u64 room;
		u32 n;

		if (t->inet.base.error || t->inet.base.shutdown & SEND_SHUTDOWN) {
			ret = -EPIPE;
			break;
		}
		room = send_room(t);
		if (!room) {
			ret = wait_room(t, nonblock, &deadline);
			if (ret)
				break;
			continue;
		}
		n = (u32)min(min(msg->iter->count, (size_t)PIECE), (size_t)room);
		ret = send_piece(t, msg, n, n == msg->iter->count);
		if (ret <= 0)
			break;
		done += ret;
		if (ret < n) {
			ret = -EFAULT;
			break;
		}
	}
	return done ? done : ret;
}

ssize_t tcp_sendmsg(struct socket *sock, struct message *msg)
{
	struct tcp_sock *t = tcp_sk(sock);
	u64 deadline = sock->sndtimeo == NEVER ? NEVER : socket_deadline(sock->sndtimeo);
	ssize_t ret = 0;

	if (unlikely(msg->control_in))
		ret = check_control(msg);
	if (unlikely(msg->flags & MSG_FASTOPEN) && !ret)
		ret = connect_first(t, msg);
	if (ret)
		return ret;
	if (unlikely(!tcp_in_state(t, TCPF(TCP_ESTABLISHED) | TCPF(TCP_CLOSE_WAIT))))
		ret = wait_connected(t, msg->flags & MSG_DONTWAIT, deadline);
	if (!ret && unlikely(t->inet.transport))
		return tcp_outside_send(t, msg);
	if (!ret)
		ret = send_all(t, msg, deadline);
	return ret < 0 ? tcp_send_error(t, (int)ret, msg->flags) : ret;
}

/* How many bytes from the head on may be read before the urgent one, which is at the returned distance; skips it if it is the next one. */
static size_t before_urgent(struct tcp_sock *t, u64 at, size_t n)
{
	if (unlikely(t->urgent) && t->urgent_at > at)
		n = min(n, (size_t)(t->urgent_at - at));
	return n;
}

/* The urgent byte is next, and is not to be read with the others. */
static bool at_urgent(const struct tcp_sock *t, u64 at)
{
	return unlikely(t->urgent) && t->urgent_at == at;
}

/* The reader has taken n bytes: there may be room for the sender, or its FIN comes into the window. */
static void taken(struct tcp_sock *t)
{
	if (unlikely(t->urgent) && t->in.head > t->urgent_at)
		t->urgent = URGENT_NONE;
	if (t->peer && t->peer->full_seen)
		tcp_wake_writer(t->peer);
	if (unlikely(t->fin_queued))
		tcp_receive_fin(t);
}

/* No more can come, or there is an error to be told by the next call. */
static bool ended(const struct tcp_sock *t)
{
	const struct socket *sock = &t->inet.base;

	return sock->error || sock->shutdown & RCV_SHUTDOWN || tcp_state(t) == TCP_CLOSE;
}

/* Nothing to read: 0 wait, 1 end of file, or an error. */
static int nothing_to_read(struct tcp_sock *t, bool nonblock)
{
	struct socket *sock = sock_of(t);

	if (t->fin_seen)
		return 1;
	if (sock->error)
		return socket_take_error(sock);
	if (sock->shutdown & RCV_SHUTDOWN)
		return 1;
	if (tcp_state(t) == TCP_CLOSE)
		return -ENOTCONN;
	return nonblock || !sock->rcvtimeo ? -EAGAIN : 0;
}

static int wait_data(struct tcp_sock *t, u64 seen, u64 *deadline)
{
	struct socket *sock = sock_of(t);
	long ret;

	if (sock->rcvtimeo != NEVER && *deadline == NEVER)
		*deadline = socket_deadline(sock->rcvtimeo);
	ret = wait_event_interruptible_until(&sock->read_wait, &tcp_read_wait, sock, *deadline,
					     t->in.tail > seen || ended(t));
	return ret ? socket_wait_error(ret, sock->rcvtimeo) : 0;
}

/* Reads what is there, from position *at on: how many bytes, or -EFAULT. Peeking moves only *at. */
static ssize_t read_some(struct tcp_sock *t, struct message *msg, u64 *at, size_t want)
{
	struct io_iter *to = msg->flags & MSG_TRUNC ? NULL : msg->iter;
	bool peek = msg->flags & MSG_PEEK;
	size_t n, got;

	if (at_urgent(t, *at) && !t->inet.base.oobinline) {
		++*at;
		if (!peek) {
			tcp_queue_take(&t->in, NULL, 1);
			taken(t);
		}
		if (t->in.tail == *at)
			return 0;
	}
	n = before_urgent(t, *at, (size_t)min((u64)want, t->in.tail - *at));
	got = peek ? tcp_queue_peek(&t->in, *at - t->in.head, to, n) : tcp_queue_take(&t->in, to, n);
	if (!got && n)
		return -EFAULT;
	*at += got;
	if (!peek)
		taken(t);
	return (ssize_t)got;
}

static ssize_t receive(struct tcp_sock *t, struct message *msg)
{
	size_t wanted = msg->iter->count, copied = 0;
	size_t target = msg->flags & MSG_WAITALL ? wanted : min((size_t)t->inet.base.rcvlowat, wanted);
	bool nonblock = msg->flags & MSG_DONTWAIT;
	bool peek = msg->flags & MSG_PEEK;
	u64 deadline = NEVER, at = t->in.head + (peek ? (u64)max(t->inet.base.peek_off, 0) : 0);
	ssize_t ret;

	target = max(target, (size_t)1);
	do {
		if (!peek || at < t->in.head) /* somebody else has read meanwhile */
			at = t->in.head;
		if (copied && at_urgent(t, at))
			break;
		if (t->in.tail > at) {
			ret = read_some(t, msg, &at, wanted - copied);
			if (ret < 0)
				return copied ? (ssize_t)copied : ret;
			copied += (size_t)ret;
			continue;
		}
		if (copied >= target)
			break;
		if (copied && (ended(t) || nonblock || !t->inet.base.rcvtimeo || signal_pending(current)))
			break;
		ret = copied ? 0 : nothing_to_read(t, nonblock);
		if (!ret)
			ret = wait_data(t, at, &deadline);
		if (ret)
			return copied ? (ssize_t)copied : ret < 0 ? ret : 0;
	} while (copied < wanted);
	return (ssize_t)copied;
}

ssize_t tcp_recvmsg(struct socket *sock, struct message *msg)
{
	struct tcp_sock *t = tcp_sk(sock);
	ssize_t ret;

	if (unlikely(msg->flags & MSG_ERRQUEUE))
		return -EAGAIN;
	if (tcp_state(t) == TCP_LISTEN)
		return -ENOTCONN;
	if (unlikely(msg->flags & MSG_OOB))
		return tcp_receive_urgent(t, msg);
	if (unlikely(t->inet.transport))
		return tcp_outside_receive(t, msg);
	ret = receive(t, msg);
	if (ret > 0)
		socket_peek_advance(sock, msg->flags & MSG_PEEK, (size_t)ret);
	if (unlikely(t->options.inq) && ret >= 0) {
		int left = (int)tcp_received(t);

		put_cmsg(msg, IPPROTO_TCP, TCP_CM_INQ, &left, sizeof(left));
	}
	return ret;
}

static bool readable(const struct tcp_sock *t)
{
	u64 there = queue_bytes(&t->in), target = (u64)t->inet.base.rcvlowat;

	if (t->urgent && t->urgent_at == t->in.head && !t->inet.base.oobinline)
		target++;
	return there && (there >= target || there >= tcp_window(t));
}

unsigned tcp_poll(struct socket *sock, struct file *file, struct poll_table *table)
{
	struct tcp_sock *t = tcp_sk(sock);
	unsigned mask = 0;

	poll_wait(file, &sock->read_wait, table);
	poll_wait(file, &sock->write_wait, table);
	if (tcp_state(t) == TCP_LISTEN)
		return list_empty(&t->accept_queue) ? 0 : POLL_IN;
	if (unlikely(t->inet.transport) && tcp_state(t) != TCP_SYN_SENT)
		return t->inet.transport->poll(&t->inet) | (sock->error ? EPOLLERR : 0);
	if (sock->shutdown == SHUTDOWN_MASK || tcp_state(t) == TCP_CLOSE)
		mask |= EPOLLHUP;
	if (sock->shutdown & RCV_SHUTDOWN)
		mask |= POLL_IN | EPOLLRDHUP;
	if (tcp_state(t) != TCP_SYN_SENT) {
		if (readable(t))
			mask |= POLL_IN;
		if (sock->shutdown & SEND_SHUTDOWN || writable(t))
			mask |= POLL_OUT;
		else
			t->full_seen = true;
		if (t->urgent == URGENT_VALID)
			mask |= EPOLLPRI;
	}
	if (sock->error)
		mask |= EPOLLERR;
	return mask;
}
