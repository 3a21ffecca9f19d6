// SPDX-License-Identifier: Apache-2.0
/* TCP sockets: how they are made, shut down and freed, and their ioctls. */
#include "kernel/net/inet/tcp.h"

#include <asm/ioctls.h>

#include "kernel/mm/alloc.h"

u64 nr_tcp_sockets;
struct tcp_counters tcp_counters;

struct tcp_sock *tcp_alloc(int family)
{
	struct tcp_sock *t = kzalloc(sizeof(*t));

	if (!t)
		return NULL;
	inet_init(&t->inet, &tcp_ops, &tcp_ports, family, SOCK_STREAM, IPPROTO_TCP);
	t->inet.base.sndbuf = (int)sysctl_tcp_wmem[1];
	t->inet.base.rcvbuf = (int)sysctl_tcp_rmem[1];
	t->incoming_cpu = -1;
	list_init(&t->accept_queue);
	list_init(&t->deferred);
	list_init(&t->connecting);
	list_init(&t->accept_link);
	strlcpy(t->options.congestion, "cubic", sizeof(t->options.congestion));
	nr_tcp_sockets++;
	return t;
}

struct socket *tcp_create(int family, int protocol)
{
	struct tcp_sock *t = tcp_alloc(family);

	return t ? sock_of(t) : ERR_PTR(-ENOMEM);
}

static void tcp_destroy(struct socket *sock)
{
	struct tcp_sock *t = tcp_sk(sock);

	debug_assert(!t->peer && !t->listener && list_empty(&t->accept_queue) && list_empty(&t->connecting));
	tcp_timer_stop(t);
	tcp_queue_clear(&t->in);
	inet_cleanup(&t->inet);
	nr_tcp_sockets--;
	kfree(t);
}

static int tcp_shutdown(struct socket *sock, int how)
{
	struct tcp_sock *t = tcp_sk(sock);
	unsigned mask = (unsigned)how + 1;
	int error = 0;

	if (t->call_state == CALL_CONNECTING && !tcp_in_state(t, TCPF(TCP_SYN_SENT) | TCPF(TCP_CLOSE)))
		t->call_state = CALL_CONNECTED;
	switch (tcp_state(t)) {
	case TCP_LISTEN:
		if (!(mask & RCV_SHUTDOWN))
			break;
		/* fall through */
	case TCP_SYN_SENT:
		error = tcp_disconnect(t);
		t->call_state = CALL_UNCONNECTED;
		break;
	case TCP_CLOSE:
		error = -ENOTCONN;
		/* fall through */
	default:
		sock->shutdown |= mask;
		if (t->inet.transport)
			error = t->inet.transport->shutdown(&t->inet, how);
		else if (mask & SEND_SHUTDOWN)
			tcp_send_fin(t);
	}
	socket_state_changed(sock);
	return error;
}

/* Bytes to read; up to the mark if that comes first. */
static u64 bytes_to_read(const struct tcp_sock *t)
{
	if (tcp_state(t) == TCP_SYN_SENT)
		return 0;
	if (t->urgent && !t->inet.base.oobinline && t->urgent_at >= t->in.head && t->urgent_at > t->in.head)
		return t->urgent_at - t->in.head;
	return tcp_received(t);
}

long tcp_ioctl(struct socket *sock, unsigned cmd, u64 arg)
{
	struct tcp_sock *t = tcp_sk(sock);
	const struct inet_transport *transport = t->inet.transport;
	u64 value;

	switch (cmd) {
	case FIONREAD:
	case TIOCOUTQ:
	case SIOCOUTQNSD:
		if (tcp_state(t) == TCP_LISTEN)
			return -EINVAL;
		if (transport)
			value = (u64)transport->queued(&t->inet, cmd != FIONREAD);
		else
			value = cmd == FIONREAD ? bytes_to_read(t) : tcp_unsent(t);
		break;
	case SIOCATMARK:
		value = t->urgent && t->urgent_at == t->in.head;
		break;
	default:
		return inet_ioctl(&t->inet, cmd, arg);
	}
	return put_user_u32(user_ptr_at(arg), (u32)min(value, (u64)INT32_MAX));
}

const struct socket_ops tcp_ops = {
	.bind = inet_bind,
	.connect = tcp_connect,
	.listen = tcp_listen,
	.accept = tcp_accept,
	.shutdown = tcp_shutdown,
	.getname = inet_getname,
	.sendmsg = tcp_sendmsg,
	.recvmsg = tcp_recvmsg,
	.poll = tcp_poll,
	.ioctl = tcp_ioctl,
	.setsockopt = tcp_setsockopt,
	.getsockopt = tcp_getsockopt,
	.wait_peers = tcp_wait_peers,
	.release = tcp_release,
	.destroy = tcp_destroy,
};
