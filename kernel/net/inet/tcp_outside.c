// SPDX-License-Identifier: Apache-2.0
/* TCP sockets that a host socket serves (struct inet_transport): the waiting that the transport does not do itself. */
#include "kernel/net/inet/tcp.h"

#include "kernel/task/task.h"

struct inet_socket *tcp_accept_outside(struct inet_socket *inet, const struct inet_transport *transport, void *private,
				       const struct inet_name *local, const struct inet_name *remote)
{
	struct tcp_sock *listener = container_of(inet, struct tcp_sock, inet), *child;

	if (tcp_state(listener) != TCP_LISTEN || tcp_accept_full(listener))
		return NULL;
	child = tcp_make_child(listener, local, remote);
	if (!child)
		return NULL;
	child->inet.transport = transport;
	child->inet.outside = private;
	child->inet.end.state = TCP_ESTABLISHED;
	child->inet.base.state = SOCKET_CONNECTED;
	child->established_at = ktime_get();
	tcp_queue_child(listener, child);
	return &child->inet;
}

void tcp_outside_connected(struct inet_socket *inet, int error)
{
	struct tcp_sock *t = container_of(inet, struct tcp_sock, inet);

	if (tcp_state(t) != TCP_SYN_SENT)
		return;
	if (error) {
		inet->base.error = -error;
		tcp_done(t);
		return;
	}
	inet->end.state = TCP_ESTABLISHED;
	inet->base.state = SOCKET_CONNECTED;
	t->established_at = ktime_get();
	socket_state_changed(&inet->base);
}

/* Ready for one of `events`, or the connection has ended. */
static bool ready(struct tcp_sock *t, unsigned events)
{
	const struct inet_transport *transport = t->inet.transport;

	return !transport || t->inet.base.error || transport->poll(&t->inet) & (events | EPOLLERR | EPOLLHUP);
}

ssize_t tcp_outside_send(struct tcp_sock *t, struct message *msg)
{
	struct socket *sock = sock_of(t);
	u64 deadline = sock->sndtimeo == NEVER ? NEVER : socket_deadline(sock->sndtimeo);
	ssize_t done = 0, ret = 0;

	while (msg->iter->count) {
		ret = sock->error || sock->shutdown & SEND_SHUTDOWN || !t->inet.transport ? -EPIPE :
			t->inet.transport->send(&t->inet, msg, NULL);
		if (ret > 0) {
			done += ret;
			t->sent_bytes += (u64)ret;
			continue;
		}
		if (ret != -EAGAIN || msg->flags & MSG_DONTWAIT || !sock->sndtimeo)
			break;
		ret = wait_event_interruptible_until(&sock->write_wait, &tcp_write_wait, sock, deadline, ready(t, EPOLLOUT));
		if (ret) {
			ret = socket_wait_error(ret, sock->sndtimeo);
			break;
		}
	}
	if (done)
		return done;
	return ret < 0 ? tcp_send_error(t, (int)ret, msg->flags) : ret;
}

ssize_t tcp_outside_receive(struct tcp_sock *t, struct message *msg)
{
	struct socket *sock = sock_of(t);
	size_t wanted = msg->iter->count;
	size_t target = msg->flags & MSG_WAITALL ? wanted : min((size_t)sock->rcvlowat, wanted);
	u64 deadline = sock->rcvtimeo == NEVER ? NEVER : socket_deadline(sock->rcvtimeo);
	ssize_t done = 0, ret = 0;

	do {
		if (sock->error && !done)
			return socket_take_error(sock);
		if (!t->inet.transport || sock->shutdown & RCV_SHUTDOWN)
			return done;
		ret = t->inet.transport->receive(&t->inet, msg, NULL);
		if (ret > 0) {
			done += ret;
			if (!(msg->flags & MSG_PEEK))
				t->received_bytes += (u64)ret;
			if ((size_t)done >= target || msg->flags & MSG_PEEK)
				break;
			continue;
		}
		if (ret != -EAGAIN || msg->flags & MSG_DONTWAIT || !sock->rcvtimeo || (done && (size_t)done >= target))
			break;
		ret = wait_event_interruptible_until(&sock->read_wait, &tcp_read_wait, sock, deadline, ready(t, EPOLLIN | EPOLLRDHUP));
		if (ret) {
			ret = socket_wait_error(ret, sock->rcvtimeo);
			break;
		}
	} while ((size_t)done < wanted);
	return done ? done : ret;
}
