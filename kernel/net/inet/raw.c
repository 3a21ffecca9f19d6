// SPDX-License-Identifier: Apache-2.0
/*
 * Raw sockets (raw(7)), for who has CAP_NET_RAW. Between the container's own addresses only: what would go outside is refused (EACCES), for
 * the host would have to be trusted with it. AF_INET sockets receive packets with their IP header, AF_INET6 ones without.
 */
#include "kernel/fs/seqfile.h"
#include "kernel/mm/alloc.h"
#include "kernel/net/inet/ip_packet.h"

#define SOL_RAW 255
#define ICMP_FILTER_OPTION 1
#define ICMPV6_FILTER_OPTION 1
#define DEFAULT_TTL 64

u64 nr_raw_sockets[2];
static LIST_HEAD(raw_sockets); /* raw_link */

static const struct socket_ops raw_ops;

struct socket *raw_create(int family, int protocol)
{
	struct dgram_sock *s;

	if (!protocol)
		return ERR_PTR(-EPROTONOSUPPORT);
	if (!capable(CAP_NET_RAW))
		return ERR_PTR(-EPERM);
	s = dgram_sock_alloc(&raw_ops, &udp_ports, family, SOCK_RAW, protocol);
	if (!s)
		return ERR_PTR(-ENOMEM);
	s->inet.end.local.port = (u16)protocol; /* so that names show it; there are no ports */
	s->inet.options.hdrincl = protocol == IPPROTO_RAW;
	if (family == AF_INET6 && protocol == IPPROTO_ICMPV6)
		s->checksum_at = 2;
	list_add_tail(&s->raw_link, &raw_sockets);
	nr_raw_sockets[family == AF_INET6]++;
	return &s->inet.base;
}

static void raw_release(struct socket *sock)
{
	nr_raw_sockets[sock->domain == AF_INET6]--;
	dgram_release(sock);
}

static int raw_bind(struct socket *sock, const u8 *name, int length)
{
	struct inet_socket *inet = inet_sk(sock);
	struct inet_name wanted;
	int error = inet_parse_name(sock->domain, name, length, &wanted);

	if (error)
		return error == -EAFNOSUPPORT && !inet_is_v6(inet) ? -EINVAL : error;
	if (!inet_is_any(&wanted.addr) && !inet_is_multicast(&wanted.addr) && !inet->options.freebind &&
	    !dgram_is_broadcast(inet->net, &wanted.addr) && !net_is_local(inet->net, &wanted.addr, wanted.scope))
		return -EADDRNOTAVAIL;
	inet->end.local.addr = wanted.addr;
	inet->addr_locked = !inet_is_any(&wanted.addr);
	return 0;
}

static int raw_connect(struct socket *sock, const u8 *name, int length, bool nonblock)
{
	int error = dgram_connect(dgram_sk(sock), name, length, false);

	inet_sk(sock)->end.local.port = (u16)sock->protocol;
	return error;
}

static bool filtered(const struct dgram_sock *s, const struct ip_packet *p)
{
	u8 type;

	if (!p->length)
		return false;
	type = p->data[0];
	if (p->protocol == IPPROTO_ICMP)
		return type < 32 && s->icmp_filter >> type & 1;
	return p->protocol == IPPROTO_ICMPV6 && s->icmp6_filter[type >> 5] >> (type & 31) & 1;
}

static bool wanted_by(const struct dgram_sock *s, const struct ip_packet *p)
{
	const struct inet_endpoint *end = &s->inet.end;

	if (s->inet.base.protocol != p->protocol || (s->inet.base.domain == AF_INET) != inet_is_v4(&p->to))
		return false;
	if (!inet_is_any(&end->local.addr) && !inet_equal(&end->local.addr, &p->to))
		return false;
	if (s->inet.base.state == SOCKET_CONNECTED && !inet_equal(&end->remote.addr, &p->from))
		return false;
	if (end->device && end->device != p->device)
		return false;
	if (inet_is_multicast(&p->to) && !multicast_member(s, &p->to, p->device, &p->from))
		return false;
	return !filtered(s, p);
}

/* What a program would have had to make itself with IP_HDRINCL. */
static void make_header(const struct ip_packet *p, u8 *header)
{
	u16 sum, total = net16((u16)(p->length + IPV4_HEADER));

	memset(header, 0, IPV4_HEADER);
	header[0] = 0x45;
	header[1] = p->tos;
	memcpy(header + 2, &total, sizeof(total));
	header[6] = 0x40; /* not to be fragmented */
	header[8] = p->ttl;
	header[9] = p->protocol;
	memcpy(header + 12, &p->from.words[3], 4);
	memcpy(header + 16, &p->to.words[3], 4);
	sum = ip_checksum(0, header, IPV4_HEADER);
	memcpy(header + 10, &sum, sizeof(sum));
}

static void deliver(struct dgram_sock *s, const struct ip_packet *p)
{
	u32 header = !inet_is_v4(&p->to) ? 0 : p->header ? p->header_length : IPV4_HEADER;
	struct dgram *d = dgram_alloc(header + p->length);

	if (!d)
		return;
	d->from = (struct inet_name){ .addr = p->from };
	d->to = (struct inet_name){ .addr = p->to };
	d->device = p->device;
	d->ttl = p->ttl;
	d->tos = p->tos;
	d->multicast = p->many;
	if (p->header)
		memcpy(d->data, p->header, header);
	else if (header)
		make_header(p, d->data);
	memcpy(d->data + header, p->data, p->length);
	dgram_deliver(s, d);
}

void raw_input(const struct ip_packet *p)
{
	struct dgram_sock *s;

	list_for_each_entry(s, &raw_sockets, raw_link)
		if (wanted_by(s, p))
			deliver(s, p);
}

/* IP_HDRINCL: checks the program's header and completes it as Linux does. */
static int complete_header(struct ip_packet *p, u8 *packet, u32 length)
{
	u32 header = (u32)(packet[0] & 15) * 4, from;
	u16 sum, total = net16((u16)length);

	if (length < IPV4_HEADER || header < IPV4_HEADER || header > length)
		return -EINVAL;
	memcpy(&from, packet + 12, sizeof(from));
	if (from)
		p->from = inet_from_v4(net32(from));
	else
		memcpy(packet + 12, &p->from.words[3], 4);
	memcpy(packet + 2, &total, sizeof(total));
	packet[10] = packet[11] = 0;
	sum = ip_checksum(0, packet, header);
	memcpy(packet + 10, &sum, sizeof(sum));
	p->tos = packet[1];
	p->ttl = packet[8];
	p->protocol = packet[9];
	p->header = packet;
	p->header_length = header;
	p->data = packet + header;
	p->length = length - header;
	return 0;
}

static int set_checksum(const struct dgram_sock *s, const struct ip_packet *p, u8 *data)
{
	u16 sum;

	if (s->checksum_at < 0)
		return 0;
	if ((u32)s->checksum_at + 2 > p->length)
		return -EINVAL;
	memset(data + s->checksum_at, 0, 2);
	sum = ip_checksum(ipv6_pseudo_sum(&p->from, &p->to, p->protocol, p->length), data, p->length);
	memcpy(data + s->checksum_at, &sum, sizeof(sum));
	return 0;
}

static int send_packet(struct dgram_sock *s, struct message *msg, const struct dgram_send *send, const struct net_path *path, u32 length)
{
	const struct inet_options *o = &s->inet.options;
	bool v4 = inet_is_v4(&send->to.addr);
	int ttl = send->ttl >= 0 ? send->ttl : v4 ? o->ttl : o->hops, error = 0;
	u8 *data = kmalloc(max(length, 64U));
	struct ip_packet packet = {
		.from = path->source,
		.to = send->to.addr,
		.device = path->kind == NET_LOCAL ? 1 : path->device,
		.protocol = (u8)s->inet.base.protocol,
		.ttl = (u8)(ttl < 0 ? DEFAULT_TTL : ttl),
		.tos = (u8)(send->tos >= 0 ? send->tos : v4 ? o->tos : o->tclass),
		.many = path->kind != NET_LOCAL,
		.data = data,
		.length = length,
	};

	if (!data)
		return -ENOBUFS;
	if (copy_from_iter(msg->iter, data, length) != length)
		error = -EFAULT;
	else if (v4 && o->hdrincl)
		error = complete_header(&packet, data, length);
	else if (!v4)
		error = set_checksum(s, &packet, data);
	if (!error)
		ip_input(s->inet.net, &packet);
	kfree(data);
	return error;
}

static ssize_t raw_sendmsg(struct socket *sock, struct message *msg)
{
	struct dgram_sock *s = dgram_sk(sock);
	size_t length = msg->iter->count;
	struct dgram_send send;
	struct net_path path;
	int error;

	if (length > 0xffff)
		return -EMSGSIZE;
	if (msg->flags & MSG_OOB)
		return -EOPNOTSUPP;
	error = dgram_destination(s, msg, &send);
	if (!error && inet_is_v4(&send.to.addr) != (sock->domain == AF_INET))
		error = -EINVAL;
	if (!error && msg->control_in)
		error = dgram_parse_control(s, msg, &send);
	if (!error)
		error = dgram_route(s, &send, &path);
	if (!error && sock->error)
		error = socket_take_error(sock);
	if (!error && sock->domain == AF_INET && !s->inet.options.hdrincl && length > 0xffff - IPV4_HEADER)
		error = -EMSGSIZE;
	if (!error && path.kind == NET_OUTSIDE)
		error = -EACCES;
	if (!error)
		error = send_packet(s, msg, &send, &path, (u32)length);
	return error ? error : (ssize_t)length;
}

static int set_filter(void *filter, size_t size, user_ptr value, unsigned length)
{
	return copy_from_user(filter, value, min((size_t)length, size)) ? -EFAULT : 0;
}

static int set_checksum_place(struct dgram_sock *s, user_ptr value, unsigned length)
{
	u32 word;

	if (length < sizeof(word))
		return -EINVAL;
	if (get_user_u32(&word, value))
		return -EFAULT;
	if ((s32)word > 0 && word & 1)
		return -EINVAL;
	s->checksum_at = max((int)word, -1);
	return 0;
}

static int raw_setsockopt(struct socket *sock, int level, int option, user_ptr value, unsigned length)
{
	struct dgram_sock *s = dgram_sk(sock);
	bool v6 = sock->domain == AF_INET6;
	u32 word = 0;
	int error;

	if (level == SOL_RAW && option == ICMP_FILTER_OPTION && !v6)
		return sock->protocol == IPPROTO_ICMP ? set_filter(&s->icmp_filter, sizeof(s->icmp_filter), value, length) : -EOPNOTSUPP;
	if (level == IPPROTO_ICMPV6 && option == ICMPV6_FILTER_OPTION && v6)
		return sock->protocol == IPPROTO_ICMPV6 ? set_filter(s->icmp6_filter, sizeof(s->icmp6_filter), value, length) : -EOPNOTSUPP;
	if (v6 && (level == SOL_RAW || level == IPPROTO_IPV6) && option == IPV6_CHECKSUM)
		return sock->protocol == IPPROTO_ICMPV6 && level == IPPROTO_IPV6 ? -EINVAL : set_checksum_place(s, value, length);
	if (level == IPPROTO_IP && option == IP_HDRINCL) {
		if (length >= sizeof(word) ? get_user_u32(&word, value) : length && copy_from_user(&word, value, 1))
			return -EFAULT;
		s->inet.options.hdrincl = word != 0;
		return 0;
	}
	error = multicast_setsockopt(s, level, option, value, length);
	return error == -ENOPROTOOPT ? inet_setsockopt(sock, level, option, value, length) : error;
}

static int raw_getsockopt(struct socket *sock, int level, int option, user_ptr value, user_ptr length_ptr)
{
	struct dgram_sock *s = dgram_sk(sock);
	u32 length;
	int word;

	if (get_user_u32(&length, length_ptr))
		return -EFAULT;
	if ((s32)length < 0)
		return -EINVAL;
	if (level == SOL_RAW && option == ICMP_FILTER_OPTION && sock->domain == AF_INET)
		return sock->protocol == IPPROTO_ICMP ? put_option(value, length_ptr, length, &s->icmp_filter, sizeof(s->icmp_filter)) : -EOPNOTSUPP;
	if (level == IPPROTO_ICMPV6 && option == ICMPV6_FILTER_OPTION && sock->domain == AF_INET6)
		return put_option(value, length_ptr, length, s->icmp6_filter, sizeof(s->icmp6_filter));
	if (sock->domain == AF_INET6 && (level == SOL_RAW || level == IPPROTO_IPV6) && option == IPV6_CHECKSUM) {
		word = s->checksum_at;
		return put_option(value, length_ptr, length, &word, sizeof(word));
	}
	if (level == IPPROTO_IP && option == IP_HDRINCL) {
		word = s->inet.options.hdrincl;
		return put_option(value, length_ptr, length, &word, sizeof(word));
	}
	return inet_getsockopt(sock, level, option, value, length_ptr);
}

void proc_net_raw(struct seq_buffer *seq, int family)
{
	struct dgram_sock *s;

	dgram_put_title(seq, family, true);
	list_for_each_entry(s, &raw_sockets, raw_link)
		if (s->inet.base.domain == family)
			dgram_put_line(seq, s, (unsigned)s->inet.base.protocol);
}

static const struct socket_ops raw_ops = {
	.bind = raw_bind,
	.connect = raw_connect,
	.listen = dgram_listen,
	.accept = dgram_accept,
	.shutdown = dgram_shutdown,
	.getname = inet_getname,
	.sendmsg = raw_sendmsg,
	.recvmsg = dgram_recvmsg,
	.poll = dgram_poll,
	.ioctl = dgram_ioctl,
	.setsockopt = raw_setsockopt,
	.getsockopt = raw_getsockopt,
	.wait_peers = dgram_wait_peers,
	.release = raw_release,
	.destroy = dgram_destroy,
};
