// SPDX-License-Identifier: Apache-2.0
/* Datagram sockets: queues, receiving, poll, the error queue, connect. */
#include "kernel/net/inet/dgram.h"

#include <asm/ioctls.h>

#include "kernel/mm/alloc.h"
#include "kernel/task/task.h"

struct dgram_sock *dgram_sock_alloc(const struct socket_ops *ops, struct port_table *table, int family, int type, int protocol)
{
	struct dgram_sock *s = kzalloc(sizeof(*s));

	if (!s)
		return NULL;
	inet_init(&s->inet, ops, table, family, type, protocol);
	list_init(&s->queue);
	list_init(&s->errors);
	list_init(&s->groups);
	list_init(&s->raw_link);
	s->checksum_at = -1;
	return s;
}

/* What one costs its receiver: about as on Linux, so that as many fit. */
static u32 cost(u32 length) { return 256 + (u32)ROUND_UP(length + 320, 512); }

struct dgram *dgram_alloc(u32 length)
{
	struct dgram *d = kmalloc(sizeof(*d) + length);

	if (!d)
		return NULL;
	memset(d, 0, sizeof(*d));
	list_init(&d->link);
	d->length = length;
	d->truesize = cost(length);
	return d;
}

struct dgram *dgram_copy(const struct dgram *d)
{
	struct dgram *copy = kmemdup(d, sizeof(*d) + d->length);

	if (copy)
		list_init(&copy->link);
	return copy;
}

static bool wants_stamp(const struct socket *sock) { return sock->timestamp || sock->timestamp_ns; }

/* SO_ATTACH_FILTER sees UDP with its header, raw sockets' packets as they receive them. False: dropped. */
static bool passes_filter(const struct dgram_sock *to, struct dgram *d)
{
	const struct socket *sock = &to->inet.base;
	u32 header = sock->protocol == IPPROTO_UDP && sock->type == SOCK_DGRAM ? sizeof(d->udp_header) : 0, kept;
	u16 words[4] = { net16(d->from.port), net16(d->to.port), net16((u16)(d->length + sizeof(d->udp_header))), 0 };

	memcpy(d->udp_header, words, sizeof(words));
	kept = socket_filter_run(sock, d->data - header, d->length + header);
	if (kept)
		d->length = min(d->length, max(kept, header) - header);
	return kept;
}

void dgram_deliver(struct dgram_sock *to, struct dgram *d)
{
	struct socket *sock = &to->inet.base;

	if (unlikely(sock->filter) && !passes_filter(to, d)) {
		kfree(d);
		return;
	}
	if (d->truesize > dgram_room(to) && !list_empty(&to->queue)) {
		to->drops++;
		udp_statistics[!inet_is_v4(&d->to.addr)].receive_full++;
		udp_statistics[!inet_is_v4(&d->to.addr)].in_errors++;
		kfree(d);
		return;
	}
	if (unlikely(wants_stamp(sock)))
		d->stamp = ktime_get_real();
	d->drops = to->drops;
	to->queued += d->truesize;
	list_add_tail(&d->link, &to->queue);
	if (wait_queue_active(&sock->read_wait))
		wake_up_sync_poll(&sock->read_wait, POLL_IN);
}

static bool wants_errors(const struct dgram_sock *s, const struct dgram *sent)
{
	return inet_is_v4(&sent->to.addr) ? s->inet.options.recverr : s->inet.options.recverr6;
}

static void queue_error(struct dgram_sock *s, const struct dgram *sent, const struct sock_extended_err *error, const struct inet_addr *offender)
{
	struct dgram *d;

	if (s->queued_errors + sent->truesize > (u32)s->inet.base.rcvbuf)
		return;
	d = dgram_copy(sent);
	if (!d)
		return;
	d->error = *error;
	d->offender = *offender;
	d->stamp = 0;
	s->queued_errors += d->truesize;
	list_add_tail(&d->link, &s->errors);
}

void dgram_error(struct dgram_sock *s, const struct dgram *sent, int error, u8 origin, u8 type, u8 code, u32 info, const struct inet_addr *offender)
{
	struct sock_extended_err full = { .ee_errno = (u32)error, .ee_origin = origin, .ee_type = type, .ee_code = code, .ee_info = info };
	struct socket *sock = &s->inet.base;

	if (wants_errors(s, sent))
		queue_error(s, sent, &full, offender);
	else if (origin == SO_EE_ORIGIN_LOCAL || sock->state != SOCKET_CONNECTED)
		return;
	if (origin != SO_EE_ORIGIN_LOCAL)
		sock->error = error;
	socket_state_changed(sock);
}

/* The first datagram, or with *skip bytes to pass (SO_PEEK_OFF) the one with the byte behind. */
static struct dgram *queued(struct dgram_sock *s, u32 *skip)
{
	struct dgram *d;

	list_for_each_entry(d, &s->queue, link) {
		if (likely(!*skip) || d->length > *skip)
			return d;
		*skip -= d->length;
	}
	return NULL;
}

static bool outside_ready(struct dgram_sock *s) { return s->inet.transport && s->inet.transport->poll(&s->inet) & EPOLLIN; }

static bool ready(struct dgram_sock *s, u32 skip)
{
	return queued(s, &skip) || s->inet.base.error || s->inet.base.shutdown & RCV_SHUTDOWN || outside_ready(s);
}

/* Waits for something: 0, with *ret_dgram NULL if it is the transport that has it; 1: shut down; or an error. */
static int wait_for_dgram(struct dgram_sock *s, struct message *msg, u32 *skip, struct dgram **ret_dgram)
{
	bool nonblock = msg->flags & MSG_DONTWAIT;
	struct socket *sock = &s->inet.base;
	u64 deadline = NEVER;
	u32 wanted = *skip;
	long ret;

	for (;;) {
		if (sock->error)
			return socket_take_error(sock);
		*skip = wanted;
		*ret_dgram = queued(s, skip);
		if (*ret_dgram || outside_ready(s))
			return 0;
		if (nonblock || !sock->rcvtimeo)
			return -EAGAIN;
		if (sock->shutdown & RCV_SHUTDOWN)
			return 1;
		if (sock->rcvtimeo != NEVER && deadline == NEVER)
			deadline = socket_deadline(sock->rcvtimeo);
		ret = wait_event_common(&sock->read_wait, TASK_INTERRUPTIBLE, &dgram_read_wait, sock, deadline, true, ready(s, wanted),
					signal_pending(current));
		if (ret)
			return socket_wait_error(ret, sock->rcvtimeo);
	}
}

/* Ancillary data of what came from outside: as far as our addresses and routes tell it. */
static void put_outside_control(struct dgram_sock *s, struct message *msg, const struct inet_name *from)
{
	struct dgram about = { .from = *from, .to = s->inet.end.local, .device = 1, .ttl = 64 };
	struct net_path path;

	if (!net_route(s->inet.net, &from->addr, NULL, 0, &path)) {
		about.device = path.device;
		if (inet_is_any(&about.to.addr))
			about.to.addr = path.source;
	}
	dgram_put_control(s, msg, &about);
}

/* What others sent before the socket was connected, or to an earlier peer, is not for it any more. */
static void drop_strangers(struct dgram_sock *s)
{
	const struct inet_name *peer = &s->inet.end.remote;
	struct inet_name from;
	struct io_iter none;

	if (s->inet.base.state != SOCKET_CONNECTED)
		return;
	for (;;) {
		struct message look = { .iter = &none, .flags = MSG_PEEK | MSG_DONTWAIT };

		io_iter_kernel(&none, NULL, 0);
		if (s->inet.transport->receive(&s->inet, &look, &from) < 0 || (from.port == peer->port && inet_equal(&from.addr, &peer->addr)))
			return;
		look.flags = MSG_DONTWAIT;
		io_iter_kernel(&none, NULL, 0);
		s->inet.transport->receive(&s->inet, &look, &from);
	}
}

static ssize_t receive_outside(struct dgram_sock *s, struct message *msg)
{
	struct inet_name from = { .addr = inet_any(s->inet.base.domain) };
	ssize_t ret;

	drop_strangers(s);
	ret = s->inet.transport->receive(&s->inet, msg, &from);

	if (ret < 0)
		return ret;
	if (msg->name)
		msg->name_length = inet_put_name(s->inet.base.domain, &from, msg->name);
	put_outside_control(s, msg, &from);
	return ret;
}

/* Copies to the program; what was queued has been taken off already unless it is peeked at. */
static ssize_t give(struct dgram_sock *s, struct message *msg, const struct dgram *d, u32 skip)
{
	u32 n = (u32)min((size_t)d->length - skip, msg->iter->count);

	if (n < d->length - skip)
		msg->ret_flags |= MSG_TRUNC;
	if (n && copy_to_iter(msg->iter, d->data + skip, n) != n)
		return -EFAULT;
	if (msg->name)
		msg->name_length = inet_put_name(s->inet.base.domain, &d->from, msg->name);
	dgram_put_control(s, msg, d);
	socket_peek_advance(&s->inet.base, msg->flags & MSG_PEEK, msg->flags & MSG_PEEK ? n : d->length);
	return msg->flags & MSG_TRUNC ? (ssize_t)(d->length - skip) : (ssize_t)n;
}

/* What an error queue has next is the socket's pending error. */
static void take_error(struct dgram_sock *s, struct dgram *d)
{
	struct dgram *next;

	list_del(&d->link);
	s->queued_errors -= d->truesize;
	next = list_first_entry_or_null(&s->errors, struct dgram, link);
	if (next && next->error.ee_origin != SO_EE_ORIGIN_LOCAL) {
		s->inet.base.error = (int)next->error.ee_errno;
		socket_state_changed(&s->inet.base);
	} else if (d->error.ee_origin != SO_EE_ORIGIN_LOCAL) {
		s->inet.base.error = 0;
	}
}

static void put_error(struct dgram_sock *s, struct message *msg, const struct dgram *d)
{
	struct inet_name offender = { .addr = d->offender };
	struct { struct sock_extended_err error; u8 name[28]; } data = { .error = d->error };
	int family = s->inet.base.domain, length = sizeof(struct sockaddr_in);

	if (d->error.ee_origin != SO_EE_ORIGIN_LOCAL)
		length = inet_put_name(family, &offender, data.name);
	else if (family == AF_INET6)
		length = sizeof(struct sockaddr_in6);
	put_cmsg(msg, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, family == AF_INET ? IP_RECVERR : IPV6_RECVERR, &data,
		 sizeof(data.error) + (size_t)length);
}

static ssize_t receive_error(struct dgram_sock *s, struct message *msg)
{
	struct dgram *d = list_first_entry_or_null(&s->errors, struct dgram, link);
	u32 n;

	if (!d)
		return -EAGAIN;
	if (!(msg->flags & MSG_PEEK))
		take_error(s, d);
	n = (u32)min((size_t)d->length, msg->iter->count);
	if (n < d->length)
		msg->ret_flags |= MSG_TRUNC;
	if (n && copy_to_iter(msg->iter, d->data, n) != n) {
		if (!(msg->flags & MSG_PEEK))
			kfree(d);
		return -EFAULT;
	}
	if (msg->name)
		msg->name_length = inet_put_name(s->inet.base.domain, &d->to, msg->name);
	put_error(s, msg, d);
	msg->ret_flags |= MSG_ERRQUEUE;
	if (!(msg->flags & MSG_PEEK))
		kfree(d);
	return (ssize_t)n;
}

ssize_t dgram_recvmsg(struct socket *sock, struct message *msg)
{
	struct dgram_sock *s = dgram_sk(sock);
	u32 skip = msg->flags & MSG_PEEK ? (u32)max(sock->peek_off, 0) : 0;
	struct dgram *d = NULL;
	ssize_t ret;

	if (msg->flags & MSG_ERRQUEUE)
		return receive_error(s, msg);
	do {
		ret = wait_for_dgram(s, msg, &skip, &d);
		if (ret)
			return ret < 0 ? ret : 0;
		if (!d)
			ret = receive_outside(s, msg);
	} while (!d && ret == -EAGAIN && !(msg->flags & MSG_DONTWAIT));
	if (!d)
		return ret;
	if (msg->flags & MSG_PEEK)
		return give(s, msg, d, skip);
	list_del(&d->link);
	s->queued -= d->truesize;
	ret = give(s, msg, d, 0);
	kfree(d);
	return ret;
}

unsigned dgram_poll(struct socket *sock, struct file *file, struct poll_table *table)
{
	struct dgram_sock *s = dgram_sk(sock);
	unsigned mask = 0, outside = POLL_OUT;

	poll_wait(file, &sock->read_wait, table);
	poll_wait(file, &sock->write_wait, table);
	if (s->inet.transport) {
		outside = s->inet.transport->poll(&s->inet);
		mask |= outside & ~POLL_OUT;
	}
	if (sock->error || !list_empty(&s->errors))
		mask |= EPOLLERR;
	if (sock->shutdown & RCV_SHUTDOWN)
		mask |= EPOLLRDHUP | POLL_IN;
	if (sock->shutdown == SHUTDOWN_MASK)
		mask |= EPOLLHUP;
	if (!list_empty(&s->queue))
		mask |= POLL_IN;
	if (outside & EPOLLOUT || sock->state != SOCKET_CONNECTED)
		mask |= POLL_OUT | EPOLLWRBAND;
	return mask;
}

long dgram_ioctl(struct socket *sock, unsigned cmd, u64 arg)
{
	struct dgram_sock *s = dgram_sk(sock);
	struct dgram *d = list_first_entry_or_null(&s->queue, struct dgram, link);
	u32 value;

	switch (cmd) {
	case FIONREAD:
		value = d ? d->length : s->inet.transport ? (u32)s->inet.transport->queued(&s->inet, false) : 0;
		break;
	case TIOCOUTQ:
		value = s->inet.transport ? (u32)s->inet.transport->queued(&s->inet, true) : 0;
		break;
	default:
		return inet_ioctl(&s->inet, cmd, arg);
	}
	return put_user_u32(user_ptr_at(arg), value);
}

int dgram_listen(struct socket *sock, int backlog) { return -EOPNOTSUPP; }
struct socket *dgram_accept(struct socket *sock, bool nonblock) { return ERR_PTR(-EOPNOTSUPP); }

int dgram_shutdown(struct socket *sock, int how)
{
	int error = sock->state == SOCKET_CONNECTED ? 0 : -ENOTCONN;

	/* As on Linux: it is done, and the caller is told that there was no connection. */
	sock->shutdown |= (unsigned)how + 1;
	socket_state_changed(sock);
	return error;
}

static void free_all(struct list_head *list)
{
	while (!list_empty(list)) {
		struct dgram *d = list_first_entry(list, struct dgram, link);

		list_del(&d->link);
		kfree(d);
	}
}

void dgram_release(struct socket *sock)
{
	struct dgram_sock *s = dgram_sk(sock);

	multicast_leave_all(s);
	list_del(&s->raw_link);
	inet_cleanup(&s->inet);
	free_all(&s->queue);
	free_all(&s->errors);
	kfree(s->corked);
	s->corked = NULL;
	socket_put(sock);
}

void dgram_destroy(struct socket *sock) { kfree(dgram_sk(sock)); }

bool dgram_is_broadcast(struct net *net, const struct inet_addr *addr)
{
	return net_is_broadcast(net, addr) || (inet_is_v4(addr) && inet_v4(addr) == 0x7fffffff);
}

static int disconnect(struct dgram_sock *s)
{
	struct inet_socket *inet = &s->inet;

	inet->base.state = SOCKET_UNCONNECTED;
	inet->end.state = TCP_CLOSE;
	port_disconnect(&inet->end);
	inet->end.remote = (struct inet_name){ .addr = inet_any(inet->base.domain) };
	if (!inet->addr_locked)
		inet->end.local.addr = inet_any(inet->base.domain);
	if (!inet->port_locked) {
		port_unbind(&inet->end);
		inet->end.local.port = 0;
	}
	return 0;
}

int dgram_bind(struct socket *sock, const u8 *name, int length)
{
	struct inet_socket *inet = inet_sk(sock);
	int error = inet_bind(sock, name, length);

	if (error || !inet->end.bucket)
		return error;
	port_receive(&inet->end, false);
	if (inet->net->outside && inet->net->outside->bind && !inet->net->outside->bind(inet))
		inet->transport = inet->net->outside;
	return 0;
}

static int connect_outside(struct dgram_sock *s)
{
	s->inet.transport = s->inet.net->outside;
	return s->inet.transport->connect(&s->inet);
}

int dgram_connect(struct dgram_sock *s, const u8 *name, int length, bool ports)
{
	struct inet_socket *inet = &s->inet;
	struct net_path path;
	struct inet_name to;
	int error;

	if (length >= 2 && *(const u16 *)name == AF_UNSPEC)
		return disconnect(s);
	if (length < (int)sizeof(u16))
		return -EINVAL;
	/* A port comes first, and stays when the rest fails. */
	if (ports) {
		error = inet_autobind(inet);
		if (error)
			return error == -EADDRINUSE ? -EAGAIN : error;
		port_receive(&inet->end, false);
	}
	error = inet_destination(inet, name, length, &to);
	if (error)
		return error;
	error = inet_route(inet, &to, &path);
	if (error)
		return error;
	if (dgram_is_broadcast(inet->net, &to.addr) && !inet->base.broadcast)
		return -EACCES;
	if (inet_is_any(&inet->end.local.addr))
		inet->end.local.addr = path.source;
	inet->end.remote = to;
	inet->end.state = TCP_ESTABLISHED;
	inet->base.state = SOCKET_CONNECTED;
	if (path.kind != NET_LOCAL && inet->net->outside && !inet_is_multicast(&to.addr))
		return connect_outside(s);
	return 0;
}

int dgram_destination(struct dgram_sock *s, struct message *msg, struct dgram_send *send)
{
	struct inet_socket *inet = &s->inet;
	bool v6 = inet_is_v6(inet);
	u8 name[SOCKADDR_MAX];
	int error;

	*send = (struct dgram_send){ .source = inet_any(inet->base.domain), .ttl = -1, .tos = -1, .segment = s->segment };
	if (msg->name_length && v6 && msg->name_length >= 2 && *(const u16 *)msg->name == AF_UNSPEC)
		msg->name_length = 0;
	if (!msg->name_length) {
		if (inet->base.state != SOCKET_CONNECTED)
			return v6 && inet->base.type == SOCK_DGRAM ? -EDESTADDRREQ : -EDESTADDRREQ;
		send->to = inet->end.remote;
		return 0;
	}
	memcpy(name, msg->name, sizeof(name));
	if (!v6 && msg->name_length >= (int)sizeof(struct sockaddr_in) && *(u16 *)name == AF_UNSPEC)
		*(u16 *)name = AF_INET;
	error = inet_destination(inet, name, msg->name_length, &send->to);
	if (error == -EAFNOSUPPORT && v6)
		error = -EINVAL;
	return error;
}

int dgram_route(struct dgram_sock *s, struct dgram_send *send, struct net_path *ret_path)
{
	struct inet_socket *inet = &s->inet;
	const struct inet_addr *source = inet_is_any(&send->source) ? &inet->end.local.addr : &send->source;
	bool multicast = inet_is_multicast(&send->to.addr), v4 = inet_is_v4(&send->to.addr);
	int device = send->device ? send->device : inet->end.device ? inet->end.device : (int)send->to.scope, error;

	if (!device)
		device = multicast ? (v4 ? inet->options.multicast_device : inet->options.multicast_device6) :
				     (v4 ? inet->options.unicast_device : inet->options.unicast_device6);
	/* Bound to a group: that is no source. */
	if (inet_is_multicast(source) || dgram_is_broadcast(inet->net, source))
		source = NULL;
	if (v4 && source == &send->source && !net_is_local(inet->net, source, 0))
		return -ENETUNREACH;
	if (multicast && v4 && (!source || inet_is_any(source)) && inet->options.multicast_source.words[3])
		source = &inet->options.multicast_source;
	error = net_route(inet->net, &send->to.addr, source, device, ret_path);
	if (error == -ENETUNREACH && multicast && device) {
		/* The interface is given: no route is needed. */
		error = multicast_path(inet->net, &send->to.addr, device, source, ret_path);
	}
	if (error)
		return error;
	inet_route_shared(inet, &send->to, ret_path);
	if (multicast)
		ret_path->kind = NET_MULTICAST;
	else if (dgram_is_broadcast(inet->net, &send->to.addr))
		ret_path->kind = NET_BROADCAST;
	return ret_path->kind == NET_BROADCAST && !inet->base.broadcast ? -EACCES : 0;
}
