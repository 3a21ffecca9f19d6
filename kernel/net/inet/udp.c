// SPDX-License-Identifier: Apache-2.0
/* UDP (udp(7)): sending, who receives, options of level IPPROTO_UDP. */
#include <linux/udp.h>

#include "kernel/mm/alloc.h"
#include "kernel/net/inet/ip_packet.h"

#define MSG_MORE 0x8000
#define MAX_SEGMENTS 128
#define SEND_RETRY (2 * NSEC_PER_MSEC)
#define DEFAULT_TTL 64

struct udp_statistics udp_statistics[2];
u64 nr_udp_sockets[2];

static const struct socket_ops udp_ops;

struct socket *udp_create(int family, int type, int protocol)
{
	struct dgram_sock *s = dgram_sock_alloc(&udp_ops, &udp_ports, family, type, IPPROTO_UDP);

	if (!s)
		return ERR_PTR(-ENOMEM);
	nr_udp_sockets[family == AF_INET6]++;
	return &s->inet.base;
}

static void udp_release(struct socket *sock)
{
	nr_udp_sockets[sock->domain == AF_INET6]--;
	dgram_release(sock);
}

static int udp_connect(struct socket *sock, const u8 *name, int length, bool nonblock)
{
	return dgram_connect(dgram_sk(sock), name, length, true);
}

/* Nobody has the port: who sent it is told, if what would come back reaches it. */
static void unreachable(const struct dgram *d)
{
	bool v4 = inet_is_v4(&d->to.addr);
	struct inet_endpoint *end = port_find_receiver(&udp_ports, &d->from, &d->to, d->device);

	udp_statistics[!v4].no_ports++;
	if (end)
		dgram_error(dgram_of(end), d, ECONNREFUSED, v4 ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6,
			    v4 ? ICMP_DEST_UNREACH : ICMPV6_DEST_UNREACH, v4 ? ICMP_PORT_UNREACH : ICMPV6_PORT_UNREACH, 0, &d->to.addr);
}

/* To all who have joined the group, or receive broadcasts. */
static void deliver_to_all(struct net *net, struct dgram *d)
{
	bool group = inet_is_multicast(&d->to.addr);
	struct inet_endpoint *end = NULL, *next;

	if (group && !multicast_joined(net, &d->to.addr, d->device)) {
		kfree(d);
		return;
	}
	for (next = port_next_receiver(&udp_ports, &d->to, &d->from, d->device, NULL); next; next = end) {
		struct dgram *copy;

		end = port_next_receiver(&udp_ports, &d->to, &d->from, d->device, next);
		if (group && !multicast_member(dgram_of(next), &d->to.addr, d->device, &d->from.addr))
			continue;
		copy = dgram_copy(d);
		if (copy)
			dgram_deliver(dgram_of(next), copy);
	}
	kfree(d);
}

static void deliver_one(struct dgram *d)
{
	struct inet_endpoint *end = port_find_receiver(&udp_ports, &d->to, &d->from, d->device);

	if (!end) {
		unreachable(d);
		kfree(d);
		return;
	}
	udp_statistics[!inet_is_v4(&d->to.addr)].in++;
	dgram_deliver(dgram_of(end), d);
}

void udp_input(struct net *net, const struct ip_packet *p)
{
	u32 length = p->length >= 8 ? (u32)(p->data[4] << 8 | p->data[5]) : 0;
	struct dgram *d;

	if (length < 8 || length > p->length)
		return;
	d = dgram_alloc(length - 8);
	if (!d)
		return;
	d->from = (struct inet_name){ .addr = p->from, .port = (u16)(p->data[0] << 8 | p->data[1]) };
	d->to = (struct inet_name){ .addr = p->to, .port = (u16)(p->data[2] << 8 | p->data[3]) };
	d->device = p->device;
	d->ttl = p->ttl;
	d->tos = p->tos;
	d->multicast = p->many;
	memcpy(d->data, p->data + 8, length - 8);
	if (d->multicast)
		deliver_to_all(net, d);
	else
		deliver_one(d);
}

/* UDP_SEGMENT: one receiver that takes several in one (UDP_GRO) gets it whole, else each is a datagram of its own. */
static void deliver_segments(struct dgram *d, u32 segment)
{
	struct inet_endpoint *end = port_find_receiver(&udp_ports, &d->to, &d->from, d->device);

	if (end && dgram_of(end)->gro) {
		d->segment = segment;
		dgram_deliver(dgram_of(end), d);
		return;
	}
	for (u32 at = 0; at < d->length; at += segment) {
		u32 n = min(segment, d->length - at);
		struct dgram *one = dgram_alloc(n);

		if (!one)
			break;
		one->from = d->from;
		one->to = d->to;
		one->device = d->device;
		one->ttl = d->ttl;
		one->tos = d->tos;
		memcpy(one->data, d->data + at, n);
		deliver_one(one);
	}
	kfree(d);
}

/* Limits on its length. An error of this kind is told in the error queue, too. */
static int too_long(struct dgram_sock *s, const struct dgram_send *send, const struct net_path *path, size_t length)
{
	struct dgram about = { .to = send->to };

	if (length > 0xffff)
		return -EMSGSIZE;
	if (length <= (inet_is_v4(&send->to.addr) ? UDP_MAX4 : UDP_MAX6))
		return 0;
	dgram_error(s, &about, EMSGSIZE, SO_EE_ORIGIN_LOCAL, 0, 0, path->mtu, &send->to.addr);
	return -EMSGSIZE;
}

static int check_segments(const struct dgram_send *send, const struct net_path *path, size_t length)
{
	u32 headers = inet_is_v4(&send->to.addr) ? 28 : 48;

	if (!send->segment || length <= (size_t)send->segment)
		return 0;
	if ((u32)send->segment + headers > path->mtu || length > (size_t)send->segment * MAX_SEGMENTS)
		return -EINVAL;
	return 0;
}

static u8 time_to_live(const struct dgram_sock *s, const struct dgram_send *send, bool multicast)
{
	const struct inet_options *o = &s->inet.options;
	bool v4 = inet_is_v4(&send->to.addr);
	int ttl = send->ttl;

	if (ttl < 0)
		ttl = multicast ? (v4 ? o->multicast_ttl : o->multicast_hops) : v4 ? o->ttl : o->hops;
	return (u8)(ttl < 0 ? DEFAULT_TTL : ttl);
}

/* Everything but the data. */
static void address(struct dgram_sock *s, struct dgram *d, const struct dgram_send *send, const struct net_path *path)
{
	const struct inet_options *o = &s->inet.options;
	bool many = path->kind == NET_MULTICAST || path->kind == NET_BROADCAST;

	d->from = (struct inet_name){ .addr = path->source, .port = s->inet.end.local.port };
	d->to = send->to;
	d->device = path->kind == NET_LOCAL ? 1 : path->device;
	d->multicast = many;
	d->ttl = time_to_live(s, send, path->kind == NET_MULTICAST);
	d->tos = (u8)(send->tos >= 0 ? send->tos : inet_is_v4(&send->to.addr) ? o->tos : o->tclass);
}

static bool loops(const struct dgram_sock *s, const struct dgram *d)
{
	const struct net_device *device = net_device_find(s->inet.net, d->device);

	if (!inet_is_multicast(&d->to.addr) || !device || device->flags & IFF_LOOPBACK)
		return true;
	return inet_is_v4(&d->to.addr) ? s->inet.options.multicast_loop : s->inet.options.multicast_loop6;
}

static void send_inside(struct dgram_sock *s, struct dgram *d, int segment)
{
	udp_statistics[!inet_is_v4(&d->to.addr)].out++;
	if (d->device == 1)
		net_count_loopback(s->inet.net, d->length + (inet_is_v4(&d->to.addr) ? 28 : 48));
	if (d->multicast && !loops(s, d))
		kfree(d);
	else if (d->multicast)
		deliver_to_all(s->inet.net, d);
	else if (segment && d->length > (u32)segment)
		deliver_segments(d, (u32)segment);
	else
		deliver_one(d);
}

/* To the transport. */
ssize_t dgram_send_outside(struct dgram_sock *s, struct message *msg, const struct inet_name *to)
{
	struct socket *sock = &s->inet.base;
	u64 deadline = sock->sndtimeo == NEVER ? NEVER : socket_deadline(sock->sndtimeo), retry;
	ssize_t ret;

	for (;;) {
		if (!s->inet.net->outside)
			return -ENETUNREACH;
		s->inet.transport = s->inet.net->outside;
		ret = s->inet.transport->send(&s->inet, msg, to);
		if (ret != -EAGAIN || msg->flags & MSG_DONTWAIT || !sock->sndtimeo)
			return ret;
		/* The transport may not know which of many peers there is room for: so at least sleep, and look again soon. */
		retry = min(deadline, ktime_get() + SEND_RETRY);
		ret = wait_event_interruptible_until(&sock->write_wait, &dgram_write_wait, sock, retry, sock->error);
		if (ret && (ret != -ETIME || retry == deadline))
			return socket_wait_error(ret, sock->sndtimeo);
		if (sock->error)
			return socket_take_error(sock);
	}
}

/* UDP_CORK and MSG_MORE: one datagram of several sends, with the destination of the first. */
static ssize_t send_corked(struct dgram_sock *s, struct message *msg, const struct dgram_send *send, const struct net_path *path)
{
	u32 n = (u32)msg->iter->count, before = s->corked ? s->corked->length : 0;
	u32 most = inet_is_v4(&send->to.addr) ? UDP_MAX4 : UDP_MAX6;
	struct dgram *d;

	if (path->kind == NET_OUTSIDE)
		return -EOPNOTSUPP;
	if (before + n > most)
		return -EMSGSIZE;
	d = dgram_alloc(before + n);
	if (!d)
		return -ENOBUFS;
	if (copy_from_iter(msg->iter, d->data + before, n) != n) {
		kfree(d);
		return -EFAULT;
	}
	if (s->corked) {
		memcpy(d->data, s->corked->data, before);
		d->from = s->corked->from;
		d->to = s->corked->to;
		d->device = s->corked->device;
		d->multicast = s->corked->multicast;
		d->ttl = s->corked->ttl;
		d->tos = s->corked->tos;
		kfree(s->corked);
		s->corked = NULL;
	} else {
		address(s, d, send, path);
	}
	if (s->cork || msg->flags & MSG_MORE)
		s->corked = d;
	else
		send_inside(s, d, 0);
	return (ssize_t)n;
}

static ssize_t send_data(struct dgram_sock *s, struct message *msg, struct dgram_send *send)
{
	struct socket *sock = &s->inet.base;
	size_t length = msg->iter->count;
	struct net_path path;
	struct dgram *d;
	int error = dgram_route(s, send, &path);

	if (!error)
		error = inet_autobind(&s->inet);
	if (error)
		return error == -EADDRINUSE ? -EAGAIN : error;
	port_receive(&s->inet.end, false);
	if (unlikely(s->corked || s->cork || msg->flags & MSG_MORE))
		return send_corked(s, msg, send, &path);
	error = too_long(s, send, &path, length);
	if (!error)
		error = check_segments(send, &path, length);
	if (!error && unlikely(sock->error))
		error = socket_take_error(sock);
	if (!error && sock->shutdown & SEND_SHUTDOWN)
		error = -EPIPE;
	if (error)
		return error;
	if (path.kind == NET_OUTSIDE)
		return dgram_send_outside(s, msg, msg->name_length ? &send->to : NULL);
	d = dgram_alloc((u32)length);
	if (!d)
		return -ENOBUFS;
	if (copy_from_iter(msg->iter, d->data, length) != length) {
		kfree(d);
		return -EFAULT;
	}
	address(s, d, send, &path);
	send_inside(s, d, send->segment);
	return (ssize_t)length;
}

static ssize_t udp_sendmsg(struct socket *sock, struct message *msg)
{
	struct dgram_sock *s = dgram_sk(sock);
	struct dgram_send send;
	int error;

	if (msg->iter->count > 0xffff && !inet_is_v6(&s->inet))
		return -EMSGSIZE;
	if (msg->flags & MSG_OOB && !inet_is_v6(&s->inet))
		return -EOPNOTSUPP;
	error = dgram_destination(s, msg, &send);
	if (!error && !send.to.port)
		error = -EINVAL;
	if (!error && msg->control_in)
		error = dgram_parse_control(s, msg, &send);
	return error ? error : send_data(s, msg, &send);
}

static int set_udp(struct dgram_sock *s, int option, user_ptr user_value, unsigned length)
{
	u32 value;

	if (length < sizeof(value))
		return -EINVAL;
	if (get_user_u32(&value, user_value))
		return -EFAULT;
	switch (option) {
	case UDP_CORK:
		s->cork = value != 0;
		if (!value && s->corked) {
			struct dgram *d = s->corked;

			s->corked = NULL;
			send_inside(s, d, 0);
		}
		return 0;
	case UDP_ENCAP: return value ? -ENOPROTOOPT : 0;
	case UDP_NO_CHECK6_TX: s->no_check_tx = value != 0; return 0;
	case UDP_NO_CHECK6_RX: s->no_check_rx = value != 0; return 0;
	case UDP_SEGMENT:
		if (value > 0xffff)
			return -EINVAL;
		s->segment = (int)value;
		return 0;
	case UDP_GRO: s->gro = value != 0; return 0;
	default: return -ENOPROTOOPT;
	}
}

static int udp_setsockopt(struct socket *sock, int level, int option, user_ptr value, unsigned length)
{
	struct dgram_sock *s = dgram_sk(sock);
	int error;

	if (level == IPPROTO_UDP)
		return set_udp(s, option, value, length);
	error = multicast_setsockopt(s, level, option, value, length);
	return error == -ENOPROTOOPT ? inet_setsockopt(sock, level, option, value, length) : error;
}

static int udp_getsockopt(struct socket *sock, int level, int option, user_ptr value, user_ptr length_ptr)
{
	struct dgram_sock *s = dgram_sk(sock);
	u32 length;
	int word;

	if (level != IPPROTO_UDP)
		return inet_getsockopt(sock, level, option, value, length_ptr);
	if (get_user_u32(&length, length_ptr))
		return -EFAULT;
	if ((s32)length < 0)
		return -EINVAL;
	switch (option) {
	case UDP_CORK: word = s->cork; break;
	case UDP_ENCAP: word = 0; break;
	case UDP_NO_CHECK6_TX: word = s->no_check_tx; break;
	case UDP_NO_CHECK6_RX: word = s->no_check_rx; break;
	case UDP_SEGMENT: word = s->segment; break;
	case UDP_GRO: word = s->gro; break;
	default: return -ENOPROTOOPT;
	}
	return put_option(value, length_ptr, length, &word, sizeof(word));
}

static const struct socket_ops udp_ops = {
	.bind = dgram_bind,
	.connect = udp_connect,
	.listen = dgram_listen,
	.accept = dgram_accept,
	.shutdown = dgram_shutdown,
	.getname = inet_getname,
	.sendmsg = udp_sendmsg,
	.recvmsg = dgram_recvmsg,
	.poll = dgram_poll,
	.ioctl = dgram_ioctl,
	.setsockopt = udp_setsockopt,
	.getsockopt = udp_getsockopt,
	.wait_peers = dgram_wait_peers,
	.release = udp_release,
	.destroy = dgram_destroy,
};
