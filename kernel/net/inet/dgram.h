/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagram sockets of the internet families: UDP, ping and raw sockets.
 *
 * A datagram for one of the container's own addresses is put on the receiver's queue by the sender's call. The queue is bounded by
 * SO_RCVBUF; what does not fit is dropped and counted, nobody waits. A datagram that nobody receives comes back to the sender as an
 * error, as an ICMP message would: ECONNREFUSED on a connected socket, or in the error queue (IP_RECVERR).
 *
 *   dgram.c     queues, receiving, poll, the error queue     icmp.c  ping sockets, echo
 *   udp.c       UDP                                          raw.c   raw sockets
 *   cmsg.c      ancillary data                               dgram_proc.c, dgram_describe.c
 *   multicast.c groups
 */
#ifndef KERNEL_NET_INET_DGRAM_H
#define KERNEL_NET_INET_DGRAM_H

#include "kernel/net/inet/inet.h"
#include "kernel/time/timer.h"

/* linux/errqueue.h, which needs a C library. */
struct sock_extended_err {
	u32 ee_errno;
	u8 ee_origin, ee_type, ee_code, ee_pad;
	u32 ee_info, ee_data;
};
#define SO_EE_ORIGIN_LOCAL 1
#define SO_EE_ORIGIN_ICMP 2
#define SO_EE_ORIGIN_ICMP6 3
/* linux/icmp.h, the same. */
#define ICMP_ECHOREPLY 0
#define ICMP_DEST_UNREACH 3
#define ICMP_ECHO 8
#define ICMP_PORT_UNREACH 3
#define ICMPV6_DEST_UNREACH 1
#define ICMPV6_PORT_UNREACH 4
#define ICMPV6_ECHO_REQUEST 128
#define ICMPV6_ECHO_REPLY 129

#define UDP_MAX4 65507U /* 65535 bytes with the headers of IP and UDP */
#define UDP_MAX6 65527U

/* A datagram on a queue, or an error on the error queue (then `to` is where it was sent, data what was sent). */
struct dgram {
	struct list_head link;
	struct inet_name from, to;
	int device;      /* index; 1: lo */
	u8 ttl, tos;
	bool multicast;  /* or broadcast: sent to more than one */
	u32 length, truesize;
	u32 segment;     /* UDP_GRO: data is several datagrams of this length; 0 */
	u32 drops;       /* of the receiver, when it was queued */
	u64 stamp;       /* CLOCK_REALTIME; 0: nobody asked */
	struct sock_extended_err error;
	struct inet_addr offender; /* who says so */
	u8 udp_header[8]; /* in front of the data: for filters, which see it */
	u8 data[];
};

#define GROUP_SOURCES 10 /* net.ipv4.igmp_max_msf */
struct group {
	struct list_head link;
	struct inet_addr addr;
	int device;
	bool include; /* only from the sources; else from all but them */
	unsigned nr_sources;
	struct inet_addr sources[GROUP_SOURCES];
};

struct dgram_sock {
	struct inet_socket inet; /* first */
	struct list_head queue, errors;
	u32 queued, queued_errors; /* bytes, with overhead */
	u32 drops;
	struct list_head groups;
	struct list_head raw_link;  /* raw.c, icmp.c: all of them */
	int segment;                /* UDP_SEGMENT */
	bool gro, cork, no_check_tx, no_check_rx;
	struct dgram *corked;       /* UDP_CORK, MSG_MORE: what was sent so far */
	u32 icmp_filter;            /* ICMP_FILTER */
	u32 icmp6_filter[8];
	int checksum_at;            /* IPV6_CHECKSUM; -1 */
};
static inline struct dgram_sock *dgram_sk(struct socket *sock) { return container_of(sock, struct dgram_sock, inet.base); }
static inline struct dgram_sock *dgram_of(struct inet_endpoint *end) { return container_of(end, struct dgram_sock, inet.end); }

/* dgram.c */
struct dgram_sock *dgram_sock_alloc(const struct socket_ops *ops, struct port_table *table, int family, int type, int protocol); /* NULL */
/* Room for `length` bytes; NULL: no memory. */
struct dgram *dgram_alloc(u32 length);
struct dgram *dgram_copy(const struct dgram *d);
static inline u32 dgram_room(const struct dgram_sock *s) { return s->queued < (u32)s->inet.base.rcvbuf ? (u32)s->inet.base.rcvbuf - s->queued : 0; }
/* Takes it over: queued, or dropped. */
void dgram_deliver(struct dgram_sock *to, struct dgram *d);
/*
 * An ICMP error about what `s` sent: `sent` is not used up. ECONNREFUSED and the like for a connected socket; with IP_RECVERR also
 * in the error queue, and for all.
 */
void dgram_error(struct dgram_sock *s, const struct dgram *sent, int error, u8 origin, u8 type, u8 code, u32 info, const struct inet_addr *offender);
ssize_t dgram_recvmsg(struct socket *sock, struct message *msg);
unsigned dgram_poll(struct socket *sock, struct file *file, struct poll_table *table);
long dgram_ioctl(struct socket *sock, unsigned cmd, u64 arg);
int dgram_shutdown(struct socket *sock, int how);
void dgram_release(struct socket *sock);
void dgram_destroy(struct socket *sock);
int dgram_listen(struct socket *sock, int backlog);
struct socket *dgram_accept(struct socket *sock, bool nonblock);
/* connect(2): with AF_UNSPEC ends it. `ports`: the protocol has some. */
int dgram_connect(struct dgram_sock *s, const u8 *name, int length, bool ports);
int dgram_bind(struct socket *sock, const u8 *name, int length);
bool dgram_is_broadcast(struct net *net, const struct inet_addr *addr);

/* What a send asks for: of the socket's options, and of ancillary data. */
struct dgram_send {
	struct inet_name to;
	struct inet_addr source; /* the wildcard: what the route says */
	int device;              /* 0: any */
	int ttl, tos;            /* ttl -1: default */
	int segment;
};
/* cmsg.c: 0 or -EINVAL. */
int dgram_parse_control(struct dgram_sock *s, const struct message *msg, struct dgram_send *send);
void dgram_put_control(struct dgram_sock *s, struct message *msg, const struct dgram *d);
/*
 * Route, permission to broadcast, source: what is to be sent goes there. *ret_path.kind NET_OUTSIDE: for the transport. Also for sockets
 * without ports.
 */
int dgram_route(struct dgram_sock *s, struct dgram_send *send, struct net_path *ret_path);
/* Where sends of this socket go; -EDESTADDRREQ, ... */
int dgram_destination(struct dgram_sock *s, struct message *msg, struct dgram_send *send);

/* multicast.c */
int multicast_setsockopt(struct dgram_sock *s, int level, int option, user_ptr value, unsigned length); /* -ENOPROTOOPT: not one of its */
/* The way over an interface that was named, without a route: 0, -ENETUNREACH (down), -EADDRNOTAVAIL. */
int multicast_path(struct net *net, const struct inet_addr *to, int device, const struct inet_addr *source, struct net_path *ret_path);
/* Whether the socket takes what `from` sends to the group. */
bool multicast_member(const struct dgram_sock *s, const struct inet_addr *group, int device, const struct inet_addr *from);
bool multicast_joined(struct net *net, const struct inet_addr *group, int device); /* somebody has joined: it is received at all */
void multicast_leave_all(struct dgram_sock *s);

/* udp.c */
ssize_t dgram_send_outside(struct dgram_sock *s, struct message *msg, const struct inet_name *to); /* NULL: it is connected */
struct socket *udp_create(int family, int type, int protocol);
/* icmp.c */
struct socket *ping_create(int family, int protocol); /* -EACCES: not in ping_group_range */
extern s64 sysctl_ping_group_low, sysctl_ping_group_high;

/* raw.c */
struct socket *raw_create(int family, int protocol); /* -EPERM */

/* dgram_describe.c */
extern const struct wait_type dgram_read_wait, dgram_write_wait;
struct wait_info;
void dgram_wait_peers(struct wait_info *info, struct socket *sock);

/* dgram_proc.c */
struct seq_buffer;
void proc_net_udp(struct seq_buffer *seq, int family);
void proc_net_raw(struct seq_buffer *seq, int family);
void dgram_put_title(struct seq_buffer *seq, int family, bool raw);
void dgram_put_line(struct seq_buffer *seq, const struct dgram_sock *s, unsigned number);
extern struct udp_statistics { u64 in, no_ports, in_errors, out, receive_full, ignored; } udp_statistics[2]; /* IPv4, IPv6 */
extern u64 nr_udp_sockets[2], nr_raw_sockets[2]; /* AF_INET, AF_INET6 */

#endif
