// SPDX-License-Identifier: Apache-2.0
/*
 * ICMP as far as programs see it: echo requests to own addresses are answered, and ping sockets (icmp(7), SOCK_DGRAM with IPPROTO_ICMP),
 * which may send echo requests without privilege if a group of theirs is in net.ipv4.ping_group_range. The identifier is the
 * socket's port.
 */
#include "kernel/mm/alloc.h"
#include "kernel/net/inet/ip_packet.h"
#include "kernel/task/cred.h"

#define ICMP_HEADER 8U

s64 sysctl_ping_group_low = 0, sysctl_ping_group_high = INT32_MAX;

static const struct socket_ops ping_ops;

u32 ip_sum(u32 sum, const u8 *data, u32 length)
{
	u64 wide = sum;

	for (; length > 1; data += 2, length -= 2)
		wide += (u32)(data[0] << 8 | data[1]);
	if (length)
		wide += (u32)(data[0] << 8);
	while (wide >> 16)
		wide = (wide & 0xffff) + (wide >> 16);
	return (u32)wide;
}

u16 ip_checksum(u32 sum, const u8 *data, u32 length) { return net16((u16)~ip_sum(sum, data, length)); }

u32 ipv6_pseudo_sum(const struct inet_addr *from, const struct inet_addr *to, u8 protocol, u32 length)
{
	u32 rest[2] = { net32(length), net32(protocol) };

	return ip_sum(ip_sum(ip_sum(0, from->bytes, 16), to->bytes, 16), (const u8 *)rest, sizeof(rest));
}

/* The checksum of an ICMP message is over itself, that of ICMPv6 also over the addresses. */
static u32 sum_before(const struct ip_packet *p)
{
	return p->protocol == IPPROTO_ICMP ? 0 : ipv6_pseudo_sum(&p->from, &p->to, IPPROTO_ICMPV6, p->length);
}

static void set_checksum(const struct ip_packet *p, u8 *message)
{
	u16 sum;

	message[2] = message[3] = 0;
	sum = ip_checksum(sum_before(p), message, p->length);
	memcpy(message + 2, &sum, sizeof(sum));
}

static void answer_echo(struct net *net, const struct ip_packet *request)
{
	struct ip_packet reply = *request;
	u8 *message;

	if (request->many && inet_is_v4(&request->to))
		return; /* icmp_echo_ignore_broadcasts */
	message = kmemdup(request->data, request->length);
	if (!message)
		return;
	reply.from = request->to;
	reply.to = request->from;
	reply.ttl = 64;
	reply.header = NULL;
	reply.data = message;
	message[0] = request->protocol == IPPROTO_ICMP ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY;
	set_checksum(&reply, message);
	ip_input(net, &reply);
	kfree(message);
}

static void deliver_reply(const struct ip_packet *p)
{
	struct inet_name to = { .addr = p->to, .port = (u16)(p->data[4] << 8 | p->data[5]) }, from = { .addr = p->from };
	struct inet_endpoint *end = port_find_receiver(&ping_ports, &to, &from, p->device);
	struct dgram *d = end ? dgram_alloc(p->length) : NULL;

	if (!d)
		return;
	d->from = from;
	d->to = (struct inet_name){ .addr = p->to };
	d->device = p->device;
	d->ttl = p->ttl;
	d->tos = p->tos;
	memcpy(d->data, p->data, p->length);
	dgram_deliver(dgram_of(end), d);
}

static void icmp_input(struct net *net, const struct ip_packet *p)
{
	bool v4 = p->protocol == IPPROTO_ICMP;

	if (p->length < ICMP_HEADER || ip_checksum(sum_before(p), p->data, p->length))
		return;
	if (p->data[0] == (v4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST))
		answer_echo(net, p);
	else if (p->data[0] == (v4 ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY))
		deliver_reply(p);
}

void ip_input(struct net *net, const struct ip_packet *p)
{
	if (p->device == 1)
		net_count_loopback(net, p->length + (inet_is_v4(&p->to) ? 20 : 40));
	raw_input(p);
	if (p->protocol == (inet_is_v4(&p->to) ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		icmp_input(net, p);
	else if (p->protocol == IPPROTO_UDP)
		udp_input(net, p);
}

/* A group of the caller's is in the range. */
static bool may_ping(void)
{
	const struct cred *cred = current->cred;

	if (cred->egid >= sysctl_ping_group_low && cred->egid <= sysctl_ping_group_high)
		return true;
	for (int i = 0; cred->groups && i < (int)cred->groups->n; i++)
		if (cred->groups->gids[i] >= sysctl_ping_group_low && cred->groups->gids[i] <= sysctl_ping_group_high)
			return true;
	return false;
}

struct socket *ping_create(int family, int protocol)
{
	struct dgram_sock *s;

	if (!may_ping())
		return ERR_PTR(-EACCES);
	s = dgram_sock_alloc(&ping_ops, &ping_ports, family, SOCK_DGRAM, protocol);
	return s ? &s->inet.base : ERR_PTR(-ENOMEM);
}

static int ping_connect(struct socket *sock, const u8 *name, int length, bool nonblock)
{
	return dgram_connect(dgram_sk(sock), name, length, true);
}

/* An echo request with our identifier and a good checksum; ERR_PTR. */
static u8 *make_request(struct dgram_sock *s, struct message *msg, u32 length)
{
	bool v4 = s->inet.base.protocol == IPPROTO_ICMP;
	u8 *message = kmalloc(length);

	if (!message)
		return ERR_PTR(-ENOBUFS);
	if (copy_from_iter(msg->iter, message, length) != length) {
		kfree(message);
		return ERR_PTR(-EFAULT);
	}
	if (message[0] != (v4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST) || message[1]) {
		kfree(message);
		return ERR_PTR(-EINVAL);
	}
	message[4] = (u8)(s->inet.end.local.port >> 8);
	message[5] = (u8)s->inet.end.local.port;
	return message;
}

static int send_inside(struct dgram_sock *s, const struct dgram_send *send, const struct net_path *path, u8 *message, u32 length)
{
	const struct inet_options *o = &s->inet.options;
	int ttl = send->ttl >= 0 ? send->ttl : s->inet.base.protocol == IPPROTO_ICMP ? o->ttl : o->hops;
	struct ip_packet packet = {
		.from = path->source,
		.to = send->to.addr,
		.device = path->device,
		.protocol = (u8)s->inet.base.protocol,
		.ttl = (u8)(ttl < 0 ? 64 : ttl),
		.tos = (u8)(send->tos >= 0 ? send->tos : o->tos),
		.many = path->kind != NET_LOCAL,
		.data = message,
		.length = length,
	};

	set_checksum(&packet, message);
	ip_input(s->inet.net, &packet);
	return 0;
}

static ssize_t send_message(struct dgram_sock *s, struct message *msg, struct dgram_send *send, u32 length)
{
	struct socket *sock = &s->inet.base;
	struct net_path path;
	u8 *message;
	int error = dgram_route(s, send, &path);

	if (!error)
		error = inet_autobind(&s->inet);
	if (!error && sock->error)
		error = socket_take_error(sock);
	if (error)
		return error;
	port_receive(&s->inet.end, false);
	if (path.kind == NET_OUTSIDE)
		return dgram_send_outside(s, msg, msg->name_length ? &send->to : NULL);
	message = make_request(s, msg, length);
	if (IS_ERR(message))
		return PTR_ERR(message);
	error = send_inside(s, send, &path, message, length);
	kfree(message);
	return error ? error : (ssize_t)length;
}

static ssize_t ping_sendmsg(struct socket *sock, struct message *msg)
{
	struct dgram_sock *s = dgram_sk(sock);
	bool v4 = sock->protocol == IPPROTO_ICMP;
	size_t length = msg->iter->count;
	struct dgram_send send;
	int error;

	if (length > 0xffff)
		return -EMSGSIZE;
	if (length < ICMP_HEADER)
		return -EINVAL;
	if (msg->flags & MSG_OOB)
		return -EOPNOTSUPP;
	error = dgram_destination(s, msg, &send);
	if (!error && inet_is_v4(&send.to.addr) != v4)
		error = -EINVAL;
	if (!error && msg->control_in)
		error = dgram_parse_control(s, msg, &send);
	return error ? error : send_message(s, msg, &send, (u32)length);
}

static int ping_setsockopt(struct socket *sock, int level, int option, user_ptr value, unsigned length)
{
	int error = multicast_setsockopt(dgram_sk(sock), level, option, value, length);

	return error == -ENOPROTOOPT ? inet_setsockopt(sock, level, option, value, length) : error;
}

static const struct socket_ops ping_ops = {
	.bind = dgram_bind,
	.connect = ping_connect,
	.listen = dgram_listen,
	.accept = dgram_accept,
	.shutdown = dgram_shutdown,
	.getname = inet_getname,
	.sendmsg = ping_sendmsg,
	.recvmsg = dgram_recvmsg,
	.poll = dgram_poll,
	.ioctl = dgram_ioctl,
	.setsockopt = ping_setsockopt,
	.getsockopt = inet_getsockopt,
	.wait_peers = dgram_wait_peers,
	.release = dgram_release,
	.destroy = dgram_destroy,
};
