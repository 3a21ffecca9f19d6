// SPDX-License-Identifier: Apache-2.0
/*
 * The states of a connection. All that Linux's acknowledgements would do happens at once, so a connection goes through the
 * intermediate states (FIN_WAIT1, CLOSING, LAST_ACK) only while bytes stand before the FIN that the other end has no window for.
 */
#include "kernel/net/inet/tcp.h"

#include "kernel/task/task.h"

void tcp_join(struct tcp_sock *a, struct tcp_sock *b)
{
	struct tcp_sock *both[] = { a, b };

	a->peer = tcp_get(b);
	if (a != b)
		b->peer = tcp_get(a);
	for (int i = 0; i < 2; i++) {
		struct socket *sock = sock_of(both[i]);

		both[i]->inet.end.state = TCP_ESTABLISHED;
		both[i]->established_at = ktime_get();
		sock->state = SOCKET_CONNECTED;
		if (!sock->sndbuf_locked)
			sock->sndbuf = max(sock->sndbuf, TCP_SNDBUF_CONNECTED);
	}
}

static void unlink_peer(struct tcp_sock *t)
{
	struct tcp_sock *peer = t->peer;

	if (!peer)
		return;
	t->peer = NULL;
	if (peer != t && peer->peer == t) {
		peer->peer = NULL;
		tcp_put(t);
	}
	tcp_put(peer);
}

void tcp_done(struct tcp_sock *t)
{
	const struct inet_transport *transport = t->inet.transport;

	tcp_get(t);
	tcp_timer_stop(t);
	if (t->listener)
		tcp_leave_listener(t);
	t->inet.end.state = TCP_CLOSE;
	t->inet.base.state = SOCKET_UNCONNECTED;
	t->inet.base.shutdown = SHUTDOWN_MASK;
	t->fin_queued = false;
	unlink_peer(t);
	if (transport) {
		t->inet.transport = NULL;
		transport->release(&t->inet);
	}
	port_disconnect(&t->inet.end);
	if (!t->inet.port_locked)
		port_unbind(&t->inet.end);
	socket_state_changed(sock_of(t));
	if (t->orphan) {
		t->orphan = false;
		tcp_put(t);
	}
	tcp_put(t);
}

void tcp_reset(struct tcp_sock *t)
{
	switch (tcp_state(t)) {
	case TCP_CLOSE: return;
	case TCP_SYN_SENT:
		tcp_counters.attempt_fails++;
		t->inet.base.error = ECONNREFUSED;
		break;
	case TCP_CLOSE_WAIT: t->inet.base.error = EPIPE; break;
	default: t->inet.base.error = ECONNRESET;
	}
	if (tcp_in_state(t, TCPF(TCP_ESTABLISHED) | TCPF(TCP_CLOSE_WAIT)))
		tcp_counters.established_resets++;
	tcp_done(t);
}

void tcp_send_reset(struct tcp_sock *t)
{
	struct tcp_sock *peer = t->peer && t->peer != t ? tcp_get(t->peer) : NULL;

	tcp_counters.resets_sent++;
	tcp_done(t);
	if (peer) {
		tcp_reset(peer);
		tcp_put(peer);
	}
}

/* How long an orphan waits for the other end to close. */
static void start_fin_timer(struct tcp_sock *t)
{
	u64 seconds = t->options.linger2 ? (u64)t->options.linger2 : (u64)sysctl_tcp_fin_timeout;

	tcp_timer_start(t, ktime_get() + seconds * NSEC_PER_SEC);
}

/* Our FIN is received: what that makes of us. False: the connection is over. */
static bool fin_acknowledged(struct tcp_sock *t)
{
	switch (tcp_state(t)) {
	case TCP_FIN_WAIT1:
		t->inet.end.state = TCP_FIN_WAIT2;
		if (t->orphan)
			start_fin_timer(t);
		return true;
	case TCP_CLOSING:
		tcp_timewait_start(&t->inet.end);
		return false;
	case TCP_LAST_ACK:
		return false;
	default:
		return true;
	}
}

/* A FIN has come. False: the connection is over. */
static bool fin_came(struct tcp_sock *t)
{
	t->fin_queued = false;
	t->fin_seen = true;
	t->inet.base.shutdown |= RCV_SHUTDOWN;
	switch (tcp_state(t)) {
	case TCP_ESTABLISHED:
		t->inet.end.state = TCP_CLOSE_WAIT;
		return true;
	case TCP_FIN_WAIT1:
		t->inet.end.state = TCP_CLOSING;
		return true;
	case TCP_FIN_WAIT2:
		tcp_timewait_start(&t->inet.end);
		return false;
	default:
		return true;
	}
}

/* The end of the data is told as data is: the reader's turn comes on this cpu. */
static void wake_reader(struct tcp_sock *t)
{
	const unsigned events = POLL_IN | EPOLLRDHUP | EPOLLHUP;

	if (wait_queue_active(&t->inet.base.read_wait))
		wake_up_sync_poll(&t->inet.base.read_wait, events);
	if (wait_queue_active(&t->inet.base.write_wait))
		wake_up_sync_poll(&t->inet.base.write_wait, events);
}

void tcp_receive_fin(struct tcp_sock *t)
{
	struct tcp_sock *from = t->peer;
	bool goes_on, sender_goes_on;

	if (!t->fin_queued || tcp_unsent_to(t) || !from)
		return;
	tcp_get(t);
	tcp_get(from);
	if (t->is_deferred)
		tcp_deferred_ready(t);
	goes_on = fin_came(t);
	sender_goes_on = fin_acknowledged(from);
	if (goes_on)
		wake_reader(t);
	else
		tcp_done(t);
	if (sender_goes_on)
		socket_state_changed(sock_of(from));
	else if (tcp_state(from) != TCP_CLOSE)
		tcp_done(from);
	tcp_put(from);
	tcp_put(t);
}

void tcp_send_fin(struct tcp_sock *t)
{
	switch (tcp_state(t)) {
	case TCP_ESTABLISHED: t->inet.end.state = TCP_FIN_WAIT1; break;
	case TCP_CLOSE_WAIT: t->inet.end.state = TCP_LAST_ACK; break;
	case TCP_SYN_SENT: tcp_done(t); return;
	default: return;
	}
	if (!t->peer) {
		tcp_reset(t);
		return;
	}
	t->peer->fin_queued = true;
	tcp_receive_fin(t->peer);
}

u64 tcp_connect_time(const struct tcp_sock *t)
{
	int retries = t->options.syn_count ? t->options.syn_count : (int)sysctl_tcp_syn_retries;

	if (t->options.user_timeout)
		return (u64)t->options.user_timeout * NSEC_PER_MSEC;
	/* Four tries a second apart, then twice as long each time. */
	return (4 + (1ULL << (min(retries, 30) + 1)) - 1) * NSEC_PER_SEC;
}

/* TCP_USER_TIMEOUT: the peer has not read for so long. It is not told, as on Linux. */
static void stuck(struct tcp_sock *t)
{
	if (t->peer->in.head != t->stuck_at) {
		t->stuck_at = t->peer->in.head;
		tcp_timer_start(t, ktime_get() + (u64)t->options.user_timeout * NSEC_PER_MSEC);
		return;
	}
	t->inet.base.error = ETIMEDOUT;
	tcp_done(t);
}

static void timer_expired(struct ktimer *timer)
{
	struct tcp_sock *t = container_of(timer, struct tcp_sock, timer);

	if (t->is_deferred) {
		tcp_deferred_ready(t);
	} else if (tcp_state(t) == TCP_SYN_SENT) {
		t->inet.base.error = ETIMEDOUT;
		tcp_done(t);
	} else if (t->orphan && tcp_state(t) == TCP_FIN_WAIT2) {
		tcp_done(t);
	} else if (t->options.user_timeout && tcp_unsent(t)) {
		stuck(t);
	}
}

void tcp_timer_start(struct tcp_sock *t, u64 expires)
{
	if (!t->timer.expired)
		ktimer_init(&t->timer, timer_expired);
	ktimer_arm(&t->timer, expires);
}

void tcp_timer_stop(struct tcp_sock *t)
{
	if (t->timer.expired)
		ktimer_cancel(&t->timer);
}

/* SO_LINGER: until what we have sent is received. */
static void linger(struct tcp_sock *t)
{
	const unsigned closing = TCPF(TCP_FIN_WAIT1) | TCPF(TCP_CLOSING) | TCPF(TCP_LAST_ACK);
	struct socket *sock = sock_of(t);

	if (!sock->linger_on || sock->linger_seconds <= 0 || current->flags & PF_EXITING)
		return;
	(void)wait_event_interruptible_until(&sock->write_wait, &tcp_linger_wait, sock,
					     ktime_get() + (u64)sock->linger_seconds * NSEC_PER_SEC, !tcp_in_state(t, closing));
}

void tcp_release(struct socket *sock)
{
	struct tcp_sock *t = tcp_sk(sock);
	bool unread = queue_bytes(&t->in) != 0;

	sock->shutdown = SHUTDOWN_MASK;
	tcp_queue_clear(&t->in);
	if (tcp_state(t) == TCP_LISTEN)
		tcp_stop_listening(t);
	else if (t->inet.transport)
		tcp_done(t);
	else if (tcp_state(t) != TCP_CLOSE && (unread || (sock->linger_on && !sock->linger_seconds)))
		tcp_send_reset(t);
	else
		tcp_send_fin(t);
	linger(t);
	if (tcp_state(t) == TCP_CLOSE) {
		/* Who has been closed already has no connection that could hold the port. */
		port_unbind(&t->inet.end);
		tcp_put(t);
		return;
	}
	t->orphan = true;
	if (tcp_state(t) != TCP_FIN_WAIT2)
		return;
	if (t->options.linger2 < 0)
		tcp_send_reset(t);
	else
		start_fin_timer(t);
}
