// SPDX-License-Identifier: Apache-2.0
/*
 * NETLINK_SOCK_DIAG (sock_diag(7)): dumps of TCP, UDP, raw and UNIX sockets, as `ss` shows them. A filter program with a request is not run:
 * -EOPNOTSUPP, and programs look at /proc then.
 */
#include <linux/sock_diag.h>

#include "kernel/net/inet/dgram.h"
#include "kernel/net/inet/tcp.h"
#include "kernel/net/netlink/netlink.h"
#include "kernel/net/unix/unix.h"

/* linux/inet_diag.h and linux/unix_diag.h, which need a C library. */
struct inet_id {
	u16 source_port, destination_port; /* network order */
	u32 source[4], destination[4];
	u32 device, cookie[2];
};
struct inet_request {
	u8 family, protocol, extensions, pad;
	u32 states;
	struct inet_id id;
};
struct inet_answer {
	u8 family, state, timer, retransmits;
	struct inet_id id;
	u32 expires, receive_queue, send_queue, uid, inode;
};
enum { INET_BYTECODE = 1, INET_SHUTDOWN = 8, INET_V6ONLY = 11 };

struct unix_request {
	u8 family, protocol;
	u16 pad;
	u32 states, inode, show, cookie[2];
};
struct unix_answer {
	u8 family, type, state, pad;
	u32 inode, cookie[2];
};
enum { UNIX_NAME, UNIX_VFS, UNIX_PEER, UNIX_ICONS, UNIX_RQLEN, UNIX_MEMINFO, UNIX_SHUTDOWN };
#define SHOW_NAME 1
#define SHOW_PEER 4
#define SHOW_RQLEN 0x10

static void put_addr(u32 to[4], int family, const struct inet_addr *addr)
{
	if (family == AF_INET)
		to[0] = addr->words[3];
	else
		memcpy(to, addr->words, sizeof(addr->words));
}

static void dump_inet(struct nl_request *r, const struct inet_endpoint *end, const struct socket *sock, u32 receive, u32 send)
{
	struct inet_answer *a = nl_begin(r->writer, SOCK_DIAG_BY_FAMILY, NLM_F_MULTI, r->header->nlmsg_seq, nl_port(r), sizeof(*a));
	u64 id = sock ? sock->ino : 0;

	*a = (struct inet_answer){ .family = end->family, .state = end->state, .receive_queue = receive, .send_queue = send, .uid = end->uid };
	a->id.source_port = net16(end->local.port);
	a->id.destination_port = net16(end->remote.port);
	put_addr(a->id.source, end->family, &end->local.addr);
	put_addr(a->id.destination, end->family, &end->remote.addr);
	a->id.device = (u32)end->device;
	a->id.cookie[0] = (u32)id;
	a->id.cookie[1] = (u32)(id >> 32);
	a->inode = (u32)id;
	if (sock) {
		nl_put_u8(r->writer, INET_SHUTDOWN, (u8)sock->shutdown);
		if (end->family == AF_INET6 && (end->state == TCP_LISTEN || end->state == TCP_CLOSE))
			nl_put_u8(r->writer, INET_V6ONLY, inet_of((struct inet_endpoint *)end)->options.v6only != 0);
	}
	nl_dump_add(r);
}

static bool asked_for(const struct inet_request *q, const struct inet_endpoint *end)
{
	return end->family == q->family && q->states >> end->state & 1 && (!q->id.source_port || net16(q->id.source_port) == end->local.port) &&
	       (!q->id.destination_port || net16(q->id.destination_port) == end->remote.port);
}

static void dump_tcp(struct nl_request *r, const struct inet_request *q)
{
	struct inet_endpoint *end = NULL;

	while ((end = port_next(&tcp_ports, end))) {
		struct tcp_sock *t = end->is_socket ? tcp_of(end) : NULL;
		bool listens = end->state == TCP_LISTEN;

		if (end->state == TCP_CLOSE || !asked_for(q, end))
			continue;
		if (t)
			dump_inet(r, end, sock_of(t), listens ? (u32)t->nr_accept : (u32)tcp_received(t),
				  listens ? (u32)sock_of(t)->backlog : (u32)tcp_unsent(t));
		else
			dump_inet(r, end, NULL, 0, 0);
	}
}

static void dump_udp(struct nl_request *r, const struct inet_request *q)
{
	struct inet_endpoint *end = NULL;

	while ((end = port_next(&udp_ports, end)))
		if (asked_for(q, end))
			dump_inet(r, end, &dgram_of(end)->inet.base, dgram_of(end)->queued, 0);
}

static int dump_inet_family(struct nl_request *r)
{
	struct inet_request q;
	struct nl_attrs attrs;

	if (r->length < sizeof(q))
		return -EINVAL;
	memcpy(&q, r->payload, sizeof(q));
	nl_parse(&attrs, r->payload + sizeof(q), r->length - (u32)sizeof(q));
	if (attrs.attr[INET_BYTECODE])
		return -EOPNOTSUPP;
	if (q.protocol == IPPROTO_TCP)
		dump_tcp(r, &q);
	else if (q.protocol == IPPROTO_UDP)
		dump_udp(r, &q);
	else
		return -ENOENT;
	return 0;
}

static void dump_unix_one(struct nl_request *r, const struct unix_request *q, struct unix_sock *u)
{
	u8 state = u->base.state == SOCKET_LISTENING ? TCP_LISTEN : u->peer ? TCP_ESTABLISHED : TCP_CLOSE;
	struct unix_answer *a;

	if (u->dead || !(q->states >> state & 1) || (q->inode && q->inode != (u32)u->base.ino))
		return;
	a = nl_begin(r->writer, SOCK_DIAG_BY_FAMILY, NLM_F_MULTI, r->header->nlmsg_seq, nl_port(r), sizeof(*a));
	*a = (struct unix_answer){ .family = AF_UNIX, .type = (u8)u->base.type, .state = state, .inode = (u32)u->base.ino };
	a->cookie[0] = (u32)u->base.ino;
	if (q->show & SHOW_NAME && u->address) {
		u32 length = (u32)(u->address->length - (int)UNIX_PATH_OFFSET);

		/* A path comes with its end, an abstract name without. */
		nl_put(r->writer, UNIX_NAME, u->address->name.sun_path, min(length, (u32)sizeof(u->address->name.sun_path)));
	}
	if (q->show & SHOW_PEER && u->peer)
		nl_put_u32(r->writer, UNIX_PEER, (u32)u->peer->base.ino);
	if (q->show & SHOW_RQLEN) {
		u32 lengths[2] = { state == TCP_LISTEN ? u->queue_length : (u32)u->queue_bytes, state == TCP_LISTEN ? (u32)u->base.backlog : u->wmem };

		nl_put(r->writer, UNIX_RQLEN, lengths, sizeof(lengths));
	}
	nl_put_u8(r->writer, UNIX_SHUTDOWN, (u8)u->base.shutdown);
	nl_dump_add(r);
}

static int dump_unix(struct nl_request *r)
{
	struct unix_request q;
	struct unix_sock *u;

	if (r->length < sizeof(q))
		return -EINVAL;
	memcpy(&q, r->payload, sizeof(q));
	list_for_each_entry(u, &unix_sockets, all_link)
		dump_unix_one(r, &q, u);
	return 0;
}

int nl_dump_sockets(struct nl_request *r)
{
	switch (r->payload[0]) {
	case AF_INET:
	case AF_INET6: return dump_inet_family(r);
	case AF_UNIX: return dump_unix(r);
	default: return -ENOENT;
	}
}
