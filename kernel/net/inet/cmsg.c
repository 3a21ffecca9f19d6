// SPDX-License-Identifier: Apache-2.0
/* Ancillary data of datagrams (ip(7), ipv6(7), udp(7)): what a sender may give, what a receiver asked for. */
#include "kernel/mm/alloc.h"
#include "kernel/net/inet/dgram.h"

#include <linux/ipv6.h>
#include <linux/udp.h>

static int parse_ip(struct dgram_sock *s, int type, const u8 *data, size_t length, struct dgram_send *send)
{
	struct in_pktinfo info;
	int value;

	switch (type) {
	case IP_PKTINFO:
		if (length != sizeof(info))
			return -EINVAL;
		memcpy(&info, data, sizeof(info));
		if (info.ipi_ifindex)
			send->device = info.ipi_ifindex;
		if (info.ipi_spec_dst.s_addr)
			send->source = inet_from_v4(net32(info.ipi_spec_dst.s_addr));
		return 0;
	case IP_TTL:
		if (length != sizeof(value))
			return -EINVAL;
		memcpy(&value, data, sizeof(value));
		if (value < 1 || value > 255)
			return -EINVAL;
		send->ttl = value;
		return 0;
	case IP_TOS:
		if (length == sizeof(value))
			memcpy(&value, data, sizeof(value));
		else if (length == 1)
			value = *data;
		else
			return -EINVAL;
		if (value < 0 || value > 255)
			return -EINVAL;
		send->tos = value;
		return 0;
	default:
		return -EINVAL;
	}
}

static int parse_ipv6(struct dgram_sock *s, int type, const u8 *data, size_t length, struct dgram_send *send)
{
	struct in6_pktinfo info;
	int value;

	switch (type) {
	case IPV6_PKTINFO:
		if (length < sizeof(info))
			return -EINVAL;
		memcpy(&info, data, sizeof(info));
		if (info.ipi6_ifindex)
			send->device = (int)info.ipi6_ifindex;
		memcpy(send->source.bytes, &info.ipi6_addr, sizeof(send->source.bytes));
		if (!inet_is_any6(&send->source) && !net_is_local(s->inet.net, &send->source, 0))
			return -EINVAL;
		return 0;
	case IPV6_HOPLIMIT:
	case IPV6_TCLASS:
		if (length != sizeof(value))
			return -EINVAL;
		memcpy(&value, data, sizeof(value));
		if (value < -1 || value > 255)
			return -EINVAL;
		if (type == IPV6_HOPLIMIT)
			send->ttl = value;
		else
			send->tos = value;
		return 0;
	case IPV6_DONTFRAG:
		return length == sizeof(value) ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

static int parse_one(struct dgram_sock *s, const struct cmsg_walk *walk, struct dgram_send *send)
{
	int type = walk->header.type;
	size_t length = walk->size;
	u16 segment;

	switch (walk->header.level) {
	case SOL_SOCKET:
		if (type == SCM_RIGHTS || type == SCM_CREDENTIALS)
			return 0;
		if (type == SO_MARK)
			return length != sizeof(u32) ? -EINVAL : capable(CAP_NET_ADMIN) || capable(CAP_NET_RAW) ? 0 : -EPERM;
		return -EINVAL;
	case IPPROTO_IP:
		return parse_ip(s, type, walk->data, length, send);
	case IPPROTO_IPV6:
		return inet_is_v6(&s->inet) ? parse_ipv6(s, type, walk->data, length, send) : 0;
	case IPPROTO_UDP:
		if (s->inet.base.protocol != IPPROTO_UDP)
			return 0;
		if (type != UDP_SEGMENT || length != sizeof(segment))
			return -EINVAL;
		memcpy(&segment, walk->data, sizeof(segment));
		send->segment = segment;
		return 0;
	default:
		return 0;
	}
}

int dgram_parse_control(struct dgram_sock *s, const struct message *msg, struct dgram_send *send)
{
	struct cmsg_walk walk = cmsg_walk(msg);
	int ret;

	while ((ret = cmsg_next(&walk)) > 0) {
		ret = parse_one(s, &walk, send);
		if (ret)
			break;
	}
	return ret;
}

static void put_ip(const struct inet_options *o, struct message *msg, const struct dgram *d)
{
	int ttl = d->ttl;

	if (o->pktinfo) {
		struct in_pktinfo info = { .ipi_ifindex = d->device };

		/* The second is what a reply should come from: of a broadcast one's own address. */
		info.ipi_addr.s_addr = d->to.addr.words[3];
		info.ipi_spec_dst.s_addr = d->multicast ? d->from.addr.words[3] : d->to.addr.words[3];
		put_cmsg(msg, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	}
	if (o->recvttl)
		put_cmsg(msg, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	if (o->recvtos)
		put_cmsg(msg, IPPROTO_IP, IP_TOS, &d->tos, sizeof(d->tos));
	if (o->recvorigdst) {
		struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = net16(d->to.port) };

		name.sin_addr.s_addr = d->to.addr.words[3];
		put_cmsg(msg, IPPROTO_IP, IP_ORIGDSTADDR, &name, sizeof(name));
	}
}

static void put_ipv6(const struct inet_options *o, struct message *msg, const struct dgram *d)
{
	int hops = d->ttl, class = d->tos;

	if (o->recvhops)
		put_cmsg(msg, IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, sizeof(hops));
	if (o->recvtclass)
		put_cmsg(msg, IPPROTO_IPV6, IPV6_TCLASS, &class, sizeof(class));
	if (o->recvorigdst6) {
		u8 name[28];

		put_cmsg(msg, IPPROTO_IPV6, IPV6_ORIGDSTADDR, name, (size_t)inet_put_name(AF_INET6, &d->to, name));
	}
}

void dgram_put_control(struct dgram_sock *s, struct message *msg, const struct dgram *d)
{
	const struct inet_options *o = &s->inet.options;
	struct socket *sock = &s->inet.base;

	if (sock->timestamp || sock->timestamp_ns)
		socket_put_stamp(sock, msg, d->stamp);
	if (sock->rxq_ovfl && d->drops)
		put_cmsg(msg, SOL_SOCKET, SO_RXQ_OVFL, &d->drops, sizeof(d->drops));
	if (d->segment) {
		int segment = (int)d->segment;

		put_cmsg(msg, IPPROTO_UDP, UDP_GRO, &segment, sizeof(segment));
	}
	if (inet_is_v6(&s->inet) && o->pktinfo6) {
		struct in6_pktinfo info = { .ipi6_ifindex = (u32)d->device };

		memcpy(&info.ipi6_addr, d->to.addr.bytes, sizeof(info.ipi6_addr));
		put_cmsg(msg, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	}
	if (inet_is_v4(&d->to.addr))
		put_ip(o, msg, d);
	else
		put_ipv6(o, msg, d);
}
