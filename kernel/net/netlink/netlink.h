/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AF_NETLINK (netlink(7)): requests to the kernel as messages, with answers and notifications on the socket's queue.
 *
 * NETLINK_ROUTE (rtnetlink(7)) is answered: interfaces, addresses, routes; and NETLINK_SOCK_DIAG: sockets. NETLINK_KOBJECT_UEVENT can be
 * listened to; no device ever comes or goes. Other protocols are -EPROTONOSUPPORT.
 *
 * A request is carried out within the sendmsg that brings it. Everything in it is the program's: attr.c reads it.
 *
 *   socket.c  sockets, queues, groups       link.c   interfaces
 *   request.c what a sendmsg brings         addr.c   addresses
 *   attr.c    attributes in and out         route.c  routes, rules
 *                                           diag.c   sockets
 */
#ifndef KERNEL_NET_NETLINK_NETLINK_H
#define KERNEL_NET_NETLINK_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "kernel/net/device_config.h"
#include "kernel/net/socket.h"

#define NL_MESSAGE_MAX 4096 /* of what we make; the least that programs have room for is a page */
#define NL_ATTRS_MAX 64     /* attributes of higher types are not looked at */

/* One datagram on a socket's queue. */
struct nl_message {
	struct list_head link;
	u32 length, group; /* group 0: for this socket only */
	u32 port;          /* who sent it; 0: the kernel */
	struct user_cred cred;
	u64 start; /* as scm.start */
	bool dump; /* part of an answer to a dump */
	u8 data[];
};

struct nl_sock {
	struct socket base; /* first */
	struct list_head all_link;
	u32 port;      /* nl_pid; 0: not bound */
	bool bound;
	u32 groups;    /* bit n-1: group n; no group of ours is higher than 32 */
	u32 peer_port, peer_groups; /* connect */
	struct list_head queue;
	u32 queued;    /* bytes in queue, with overhead */
	unsigned dumping; /* messages of a dump in the queue */
	u32 drops;
	bool congested, pktinfo, broadcast_error, no_enobufs, listen_all, cap_ack, ext_ack, strict;
};
static inline struct nl_sock *nl_sk(struct socket *sock) { return container_of(sock, struct nl_sock, base); }

/* socket.c */
/* A copy onto the socket's queue; dropped, and ENOBUFS is pending, if that is full. */
void nl_deliver(struct nl_sock *to, const void *data, u32 length, u32 group, bool dump);
/* To all that listen to the group. */
void nl_broadcast(int protocol, u32 group, const void *data, u32 length);
bool nl_has_listeners(int protocol, u32 group);
struct seq_buffer;
void proc_net_netlink(struct seq_buffer *seq);

/* attr.c: making a message. A writer that ran out of room has `failed`, and nothing more is written. */
struct nl_writer {
	u32 length;
	bool failed;
	u8 data[NL_MESSAGE_MAX];
};
/* The header with room for `size` bytes of the family's own header, zeroed; returns that. */
void *nl_begin(struct nl_writer *w, u16 type, u16 flags, u32 seq, u32 port, u32 size);
void nl_end(struct nl_writer *w); /* sets the length */
void nl_put(struct nl_writer *w, u16 type, const void *data, size_t length);
void nl_put_u8(struct nl_writer *w, u16 type, u8 value);
void nl_put_u32(struct nl_writer *w, u16 type, u32 value);
void nl_put_string(struct nl_writer *w, u16 type, const char *text);
void nl_put_addr(struct nl_writer *w, u16 type, const struct inet_addr *addr); /* 4 or 16 bytes */
u32 nl_nest(struct nl_writer *w, u16 type);
void nl_nest_end(struct nl_writer *w, u32 nest);

/* Reading: attributes by type, NULL where there is none; the last of a type counts. Lengths are checked, contents are not. */
struct nl_attrs {
	const struct nlattr *attr[NL_ATTRS_MAX];
};
int nl_parse(struct nl_attrs *attrs, const u8 *data, u32 length); /* 0 or -EINVAL */
static inline u32 nl_length(const struct nlattr *a) { return a->nla_len - (u32)NLA_HDRLEN; }
static inline const void *nl_data(const struct nlattr *a) { return (const u8 *)a + NLA_HDRLEN; }
int nl_get_u32(const struct nl_attrs *attrs, unsigned type, u32 *value); /* 0: it was there, or left as it is; -EINVAL */
int nl_get_name(const struct nl_attrs *attrs, unsigned type, char name[IFNAMSIZ]); /* "" if it is not there */
int nl_get_addr(const struct nl_attrs *attrs, unsigned type, int family, struct inet_addr *addr); /* 1: was there, 0, -EINVAL */

/* request.c */
struct nl_request {
	struct nl_sock *from;
	struct net *net;
	const struct nlmsghdr *header;
	const u8 *payload;
	u32 length; /* of the payload */
	struct nl_writer *writer;
	/* A dump's messages so far, in datagrams of at most NL_MESSAGE_MAX. */
	u8 *collected;
	u32 nr_collected;
	int error;
	const char *reason; /* why it failed, for NETLINK_EXT_ACK; NULL */
};
void nl_handle(struct nl_sock *from, const u8 *data, u32 length);
/* A finished message of a dump. */
void nl_dump_add(struct nl_request *request);
static inline u32 nl_port(const struct nl_request *request) { return request->from->port; }

/* link.c, addr.c, route.c: 0 or an error. Dumps write messages and pass each to nl_dump_add. */
int nl_get_link(struct nl_request *r), nl_dump_links(struct nl_request *r), nl_set_link(struct nl_request *r);
int nl_dump_addrs(struct nl_request *r), nl_new_addr(struct nl_request *r), nl_del_addr(struct nl_request *r);
int nl_get_route(struct nl_request *r), nl_dump_routes(struct nl_request *r), nl_new_route(struct nl_request *r), nl_del_route(struct nl_request *r);
int nl_dump_rules(struct nl_request *r);
/* diag.c: the only request of NETLINK_SOCK_DIAG */
int nl_dump_sockets(struct nl_request *r);
/* Tells listeners that a device changed. */
void nl_notify_link(struct net *net, const struct net_device *device);
u8 device_operstate(const struct net_device *device); /* IF_OPER_* */
const char *device_operstate_name(const struct net_device *device);
u32 device_flags(const struct net_device *device); /* as programs see them */

#endif
