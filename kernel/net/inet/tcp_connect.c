// SPDX-License-Identifier: Apache-2.0
/*
 * How connections begin: connect(2), listen(2), accept(2).
 *
 * connect makes both ends at once and queues the server's on the listener: data can be sent before accept(2). If the listener
 * has as many connections waiting as its backlog allows, the connect waits in its list until accept takes one, or until its retries would
 * be used up (ETIMEDOUT).
 */
#include "kernel/mm/alloc.h"
#include "kernel/net/inet/tcp.h"
#include "kernel/task/task.h"

static void wake_acceptor(struct tcp_sock *listener)
{
	if (wait_queue_active(&listener->inet.base.read_wait))
		wake_up_sync_poll(&listener->inet.base.read_wait, POLL_IN | EPOLLRDBAND);
}

static void inherit(struct tcp_sock *child, const struct tcp_sock *listener)
{
	const struct socket *from = &listener->inet.base;
	struct socket *to = &child->inet.base;

	to->sndbuf = from->sndbuf;
	to->rcvbuf = from->rcvbuf;
	to->sndbuf_locked = from->sndbuf_locked;
	to->rcvbuf_locked = from->rcvbuf_locked;
	to->rcvlowat = from->rcvlowat;
	to->rcvtimeo = from->rcvtimeo;
	to->sndtimeo = from->sndtimeo;
	to->keepalive = from->keepalive;
	to->reuseaddr = from->reuseaddr;
	to->reuseport = from->reuseport;
	to->broadcast = from->broadcast;
	to->dontroute = from->dontroute;
	to->oobinline = from->oobinline;
	to->debug = from->debug;
	to->timestamp = from->timestamp;
	to->linger_on = from->linger_on;
	to->linger_seconds = from->linger_seconds;
	to->mark = from->mark;
	child->inet.options = listener->inet.options;
	child->inet.end.device = listener->inet.end.device;
	child->inet.end.uid = listener->inet.end.uid;
	child->options = listener->options;
}

struct tcp_sock *tcp_make_child(struct tcp_sock *listener, const struct inet_name *local, const struct inet_name *remote)
{
	struct tcp_sock *child = tcp_alloc(listener->inet.base.domain);
	struct inet_endpoint *old;

	if (!child)
		return NULL;
	inherit(child, listener);
	child->inet.end.uid = listener->inet.end.uid;
	child->inet.end.local = *local;
	child->inet.end.remote = *remote;
	child->call_state = CALL_CONNECTED;
	/* A connection with the same ends, whose other end is gone. */
	old = port_find_connection(&tcp_ports, local, remote);
	if (old && old->is_socket)
		tcp_reset(tcp_of(old));
	port_share(&child->inet.end, &listener->inet.end);
	if (port_connect(&child->inet.end)) {
		tcp_put(child);
		return NULL;
	}
	return child;
}

void tcp_queue_child(struct tcp_sock *listener, struct tcp_sock *child)
{
	tcp_counters.passive_opens++;
	list_add_tail(&child->accept_link, &listener->accept_queue);
	listener->nr_accept++;
	wake_acceptor(listener);
}

void tcp_deferred_ready(struct tcp_sock *t)
{
	struct tcp_sock *listener = t->listener;

	tcp_timer_stop(t);
	list_del(&t->accept_link);
	t->listener = NULL;
	t->is_deferred = false;
	listener->nr_deferred--;
	tcp_queue_child(listener, t);
}

static void defer(struct tcp_sock *listener, struct tcp_sock *child)
{
	child->is_deferred = true;
	child->listener = listener;
	list_add_tail(&child->accept_link, &listener->deferred);
	listener->nr_deferred++;
	tcp_timer_start(child, ktime_get() + (u64)listener->options.defer_accept * NSEC_PER_SEC);
}

void tcp_leave_listener(struct tcp_sock *t)
{
	struct tcp_sock *listener = t->listener;

	t->listener = NULL;
	list_del(&t->accept_link);
	if (!t->is_deferred)
		return;
	t->is_deferred = false;
	listener->nr_deferred--;
	tcp_put(t);
}

static void establish(struct tcp_sock *t, struct tcp_sock *listener)
{
	struct tcp_sock *child = tcp_make_child(listener, &t->inet.end.remote, &t->inet.end.local);

	if (!child) {
		t->inet.base.error = ENOBUFS;
		tcp_done(t);
		return;
	}
	tcp_timer_stop(t);
	tcp_join(t, child);
	if (listener->options.defer_accept)
		defer(listener, child);
	else
		tcp_queue_child(listener, child);
	if (wait_queue_active(&t->inet.base.write_wait))
		wake_up_common(&t->inet.base.write_wait, 0, POLL_OUT);
}

/* There is room on the accept queue: those who wait go on. */
static void promote(struct tcp_sock *listener)
{
	while (!list_empty(&listener->connecting) && !tcp_accept_full(listener)) {
		struct tcp_sock *t = list_first_entry(&listener->connecting, struct tcp_sock, accept_link);

		tcp_leave_listener(t);
		establish(t, listener);
	}
}

static void knock(struct tcp_sock *t)
{
	struct inet_endpoint *end = &t->inet.end, *found;
	struct tcp_sock *listener;

	end->state = TCP_SYN_SENT;
	tcp_counters.active_opens++;
	if (end->local.port == end->remote.port && inet_equal(&end->local.addr, &end->remote.addr)) {
		tcp_join(t, t);
		return;
	}
	found = port_find_receiver(&tcp_ports, &end->remote, &end->local, 1);
	if (!found) {
		tcp_reset(t);
		return;
	}
	listener = tcp_of(found);
	if (!tcp_accept_full(listener)) {
		establish(t, listener);
		return;
	}
	t->listener = listener;
	list_add_tail(&t->accept_link, &listener->connecting);
	tcp_timer_start(t, ktime_get() + tcp_connect_time(t));
}

static int take_port(struct tcp_sock *t)
{
	struct inet_socket *inet = &t->inet;

	if (inet->end.bucket)
		return port_connect(&inet->end);
	return port_connect_ephemeral(inet->net, &inet->end, inet->options.port_range);
}

static int connect_outside(struct tcp_sock *t)
{
	struct inet_socket *inet = &t->inet;
	int error;

	inet->transport = inet->net->outside;
	inet->end.state = TCP_SYN_SENT;
	error = inet->transport->connect(inet);
	if (!error) {
		tcp_outside_connected(inet, 0);
		return 0;
	}
	return error == -EINPROGRESS ? 0 : error;
}

/* The first connect(2). 0: the connection is being made, or has been, or was refused; then the error is pending. */
static int start_connect(struct tcp_sock *t, const u8 *name, int length)
{
	struct inet_socket *inet = &t->inet;
	struct net_path path;
	struct inet_name to;
	int error = inet_destination(inet, name, length, &to);

	if (error)
		return error;
	if (inet_is_multicast(&to.addr))
		return -ENETUNREACH;
	error = inet_route(inet, &to, &path);
	if (error)
		return error;
	if ((path.kind != NET_LOCAL && path.kind != NET_OUTSIDE) || (path.kind == NET_OUTSIDE && !inet->net->outside))
		return -ENETUNREACH;
	if (inet_is_any(&inet->end.local.addr))
		inet->end.local.addr = path.source;
	inet->end.remote = to;
	inet->base.error = 0;
	error = take_port(t);
	if (!error && path.kind == NET_OUTSIDE)
		error = connect_outside(t);
	else if (!error)
		knock(t);
	if (error)
		tcp_disconnect(t);
	return error;
}

int tcp_connect(struct socket *sock, const u8 *name, int length, bool nonblock)
{
	struct tcp_sock *t = tcp_sk(sock);
	bool fresh = false;
	int error;
	long ret;

	if (length < (int)sizeof(u16))
		return -EINVAL;
	if (*(const u16 *)name == AF_UNSPEC) {
		error = tcp_disconnect(t);
		t->call_state = CALL_UNCONNECTED;
		return error;
	}
	if (t->call_state == CALL_CONNECTED)
		return -EISCONN;
	error = -EALREADY;
	if (t->call_state == CALL_UNCONNECTED) {
		if (tcp_state(t) != TCP_CLOSE)
			return -EISCONN;
		error = start_connect(t, name, length);
		if (error)
			return error;
		t->call_state = CALL_CONNECTING;
		error = -EINPROGRESS;
		fresh = true;
	}
	if (tcp_state(t) == TCP_SYN_SENT || (fresh && nonblock)) {
		if (nonblock || !sock->sndtimeo)
			return error;
		ret = wait_event_interruptible_until(&sock->write_wait, &tcp_connect_wait, sock, socket_deadline(sock->sndtimeo),
						     tcp_state(t) != TCP_SYN_SENT);
		if (ret == -ETIME)
			return error;
		if (ret)
			return socket_wait_error(ret, sock->sndtimeo);
	}
	if (tcp_state(t) == TCP_CLOSE) {
		error = socket_take_error(sock);
		t->call_state = CALL_UNCONNECTED;
		tcp_disconnect(t);
		return error ? error : -ECONNABORTED;
	}
	t->call_state = CALL_CONNECTED;
	return 0;
}

int tcp_disconnect(struct tcp_sock *t)
{
	const unsigned needs_reset = TCPF(TCP_ESTABLISHED) | TCPF(TCP_CLOSE_WAIT) | TCPF(TCP_FIN_WAIT1) | TCPF(TCP_FIN_WAIT2);
	struct inet_endpoint *end = &t->inet.end;
	struct socket *sock = sock_of(t);

	if (tcp_state(t) == TCP_LISTEN) {
		tcp_stop_listening(t);
	} else if (tcp_in_state(t, needs_reset)) {
		tcp_send_reset(t);
		sock->error = ECONNRESET;
	} else if (tcp_state(t) == TCP_SYN_SENT) {
		tcp_done(t);
		sock->error = ECONNRESET;
	} else {
		tcp_done(t);
	}
	tcp_queue_clear(&t->in);
	end->remote = (struct inet_name){ .addr = inet_any(sock->domain) };
	if (!t->inet.addr_locked)
		end->local.addr = inet_any(sock->domain);
	if (!t->inet.port_locked)
		end->local.port = 0;
	sock->shutdown = 0;
	t->fin_seen = false;
	t->urgent = URGENT_NONE;
	return 0;
}

int tcp_listen(struct socket *sock, int backlog)
{
	struct tcp_sock *t = tcp_sk(sock);
	struct inet_socket *inet = &t->inet;
	int error;

	if (t->call_state != CALL_UNCONNECTED || (tcp_state(t) != TCP_CLOSE && tcp_state(t) != TCP_LISTEN))
		return -EINVAL;
	sock->backlog = backlog;
	if (tcp_state(t) == TCP_LISTEN) {
		promote(t);
		return 0;
	}
	error = inet_autobind(inet);
	if (error)
		return error;
	error = port_receive(&inet->end, true);
	if (error)
		return error;
	inet->end.state = TCP_LISTEN;
	sock->state = SOCKET_LISTENING;
	/* It may sleep, and who comes from outside meanwhile is queued. */
	if (inet->net->outside && inet->net->outside->listen)
		error = inet->net->outside->listen(inet);
	if (error && tcp_state(t) == TCP_LISTEN)
		tcp_stop_listening(t);
	return error;
}

struct socket *tcp_accept(struct socket *sock, bool nonblock)
{
	struct tcp_sock *t = tcp_sk(sock), *child;
	u64 deadline = NEVER;
	long ret;

	if (tcp_state(t) != TCP_LISTEN)
		return ERR_PTR(-EINVAL);
	while (list_empty(&t->accept_queue)) {
		if (nonblock || !sock->rcvtimeo)
			return ERR_PTR(-EAGAIN);
		if (deadline == NEVER)
			deadline = socket_deadline(sock->rcvtimeo);
		ret = wait_event_common(&sock->read_wait, TASK_INTERRUPTIBLE, &tcp_accept_wait, sock, deadline, true,
					!list_empty(&t->accept_queue) || tcp_state(t) != TCP_LISTEN, signal_pending(current));
		if (ret)
			return ERR_PTR(socket_wait_error(ret, sock->rcvtimeo));
		if (tcp_state(t) != TCP_LISTEN)
			return ERR_PTR(-EINVAL);
	}
	child = list_first_entry(&t->accept_queue, struct tcp_sock, accept_link);
	list_del(&child->accept_link);
	t->nr_accept--;
	if (!list_empty(&t->connecting))
		promote(t);
	/* A waiter that was woken for this one finds nothing; one for the next must be. */
	if (!list_empty(&t->accept_queue))
		wake_acceptor(t);
	return sock_of(child);
}

/* Connections that nobody has accepted are reset. */
static void drop_children(struct list_head *queue)
{
	while (!list_empty(queue)) {
		struct tcp_sock *child = list_first_entry(queue, struct tcp_sock, accept_link);

		list_del(&child->accept_link);
		child->listener = NULL;
		child->is_deferred = false;
		tcp_queue_clear(&child->in);
		if (tcp_state(child) != TCP_CLOSE)
			tcp_send_reset(child);
		port_unbind(&child->inet.end);
		tcp_put(child);
	}
}

void tcp_stop_listening(struct tcp_sock *t)
{
	struct inet_socket *inet = &t->inet;

	port_stop_receiving(&inet->end);
	inet->end.state = TCP_CLOSE;
	inet->base.state = SOCKET_UNCONNECTED;
	if (inet->net->outside && inet->net->outside->unlisten)
		inet->net->outside->unlisten(inet);
	t->nr_accept = t->nr_deferred = 0;
	drop_children(&t->accept_queue);
	drop_children(&t->deferred);
	while (!list_empty(&t->connecting)) {
		struct tcp_sock *waiting = list_first_entry(&t->connecting, struct tcp_sock, accept_link);

		tcp_leave_listener(waiting);
		/* Another one may share the port. */
		tcp_timer_stop(waiting);
		knock(waiting);
	}
	if (!inet->port_locked)
		port_unbind(&inet->end);
	socket_state_changed(&inet->base);
}
