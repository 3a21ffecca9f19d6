/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of AF_INET and AF_INET6 (ip(7), ipv6(7)): what TCP, UDP and raw sockets have in common.
 *
 *   address.c   addresses, as programs give them     inet.c      socket(2), bind(2), names
 *   options.c   IPPROTO_IP and IPPROTO_IPV6          ports.c     who has which port and connection
 *   tcp*.c      SOCK_STREAM between our own processes
 *   ../device.c interfaces, addresses, routes
 *
 * There are no packets. A socket whose other end is one of the container's own addresses is joined to that end directly: bytes and
 * datagrams go from one socket's call to the other's queue. Only what goes elsewhere needs the host: struct inet_transport.
 *
 * Everything is protected by the kernel lock.
 */
#ifndef KERNEL_NET_INET_INET_H
#define KERNEL_NET_INET_INET_H

#include <linux/in.h>
#include <linux/in6.h>

#include "kernel/net/device.h"
#include "kernel/net/inet/address.h"
#include "kernel/net/socket.h"

/* The states that programs see in /proc/net/tcp and TCP_INFO. Datagram sockets are CLOSE, or ESTABLISHED when connected. */
enum {
	TCP_ESTABLISHED = 1, TCP_SYN_SENT, TCP_SYN_RECV, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_TIME_WAIT, TCP_CLOSE, TCP_CLOSE_WAIT,
	TCP_LAST_ACK, TCP_LISTEN, TCP_CLOSING,
};

/* Of one transport protocol: the ports taken, and the connections. */
struct port_table;
extern struct port_table tcp_ports, udp_ports, ping_ports;

/* Who has a port: a socket, or what is left of a closed connection. */
struct inet_endpoint {
	struct port_table *table;
	struct port_bucket *bucket;    /* NULL: no port */
	struct list_head bucket_link;  /* the bucket's owners */
	struct list_head listen_link;  /* the bucket's receivers */
	struct hlist_node tuple_link;  /* the table's connections */
	struct inet_name local, remote;
	int device;                    /* SO_BINDTODEVICE; 0 */
	u8 state;                      /* TCP_* */
	u8 family;                     /* of the socket */
	bool is_socket;                /* part of an inet_socket; else the three below are what its socket had */
	bool reuseaddr, reuseport, v6only;
	uid_t uid;                     /* who made the socket */
};

/* options.c. Accepted sockets inherit them. Flags are 0 or 1. */
struct inet_options {
	int tos, ttl, tclass, hops;      /* ttl, hops: -1 default */
	int mtu_discover, mtu_discover6, min_ttl, min_hops;
	int multicast_ttl, multicast_hops, multicast_loop, multicast_loop6, multicast_all, multicast_all6;
	int multicast_device, multicast_device6, unicast_device, unicast_device6; /* index; 0 */
	struct inet_addr multicast_source; /* IP_MULTICAST_IF by address */
	int recverr, recverr6, recverr_rfc4884, recverr6_rfc4884;
	int pktinfo, pktinfo6, recvttl, recvhops, recvtos, recvtclass, recvopts, retopts, recvorigdst, recvorigdst6, checksum, recvfragsize;
	int recvpathmtu, dontfrag, autoflowlabel, flowinfo, flowinfo_send, recvrthdr, recvhopopts, recvdstopts;
	int freebind, transparent, no_port, v6only, hdrincl, nodefrag, router_alert, addr_preferences;
	u32 port_range; /* IP_LOCAL_PORT_RANGE: low | high << 16 */
};

struct inet_socket {
	struct socket base; /* first */
	struct net *net;
	struct inet_endpoint end;
	struct inet_options options;
	bool addr_locked; /* bind(2) gave the address */
	bool port_locked; /* bind(2) gave the port */
	const struct inet_transport *transport; /* NULL: inside of the kernel, or not yet decided */
	void *outside;    /* the transport's */
};
static inline struct inet_socket *inet_sk(struct socket *sock) { return container_of(sock, struct inet_socket, base); }
static inline bool inet_is_v6(const struct inet_socket *inet) { return inet->base.domain == AF_INET6; }

/*
 * How a socket is served whose other end is not in the container: by a host socket (host.c). net->outside is the only one; NULL:
 * there is no network, and net_route() finds no way out.
 *
 * A socket is decided for when its destination is known:
 *   connect(2)  net_route() of the destination says NET_LOCAL: joined inside. Otherwise the socket gets its port and its entry in the
 *               table of connections, then inet->transport = net->outside and transport->connect(). From then on all operations on
 *               its data go there. After connect(AF_UNSPEC) or a failed connect, transport->release(), and it is undecided again.
 *   listen(2)   a listener serves the inside always; transport->listen() is also asked, which does nothing unless the port is
 *               published. What comes from outside is queued with tcp_accept_outside(); the new socket has that transport.
 *   send(2)     of an unconnected datagram socket: by the destination of each datagram; one socket may have both.
 *
 * All operations are called with the kernel lock held and do not sleep: who would block gets -EAGAIN, and the transport wakes
 * read_wait or write_wait of the socket (with POLL_IN, POLL_OUT, ...) when it may be tried again. Waiting, time limits, MSG_WAITALL,
 * SIGPIPE and the like are done by tcp_outside.c and udp.c for all transports alike.
 * inet->end.local and remote are set before; `outside` is the transport's own and freed by release().
 */
struct inet_transport {
	const char *name;
	/* Stream. -EINPROGRESS: tcp_outside_connected() tells the end of it; then the host's local address is not shown, ours is. */
	int (*connect)(struct inet_socket *inet);
	int (*listen)(struct inet_socket *inet);
	void (*unlisten)(struct inet_socket *inet); /* closed, or shut down */
	/* Datagram: the socket has its port and may now be reached from outside, if that is published. */
	int (*bind)(struct inet_socket *inet);
	/* Stream: to the peer. Datagram: to `to`, or to the one given at connect. Bytes moved, -EAGAIN, ...; no SIGPIPE for -EPIPE. */
	ssize_t (*send)(struct inet_socket *inet, struct message *msg, const struct inet_name *to);
	/* 0: end of file. Obeys MSG_PEEK and MSG_TRUNC; datagram: ret_from. */
	ssize_t (*receive)(struct inet_socket *inet, struct message *msg, struct inet_name *ret_from);
	unsigned (*poll)(struct inet_socket *inet); /* EPOLL* bits that hold now; the caller registers read_wait and write_wait */
	int (*shutdown)(struct inet_socket *inet, int how);
	int (*queued)(struct inet_socket *inet, bool out); /* bytes unread, or not yet sent: SIOCINQ, SIOCOUTQ */
	/* An option has changed (level, number, value), which the host socket may want to know; failures are the transport's to bear. */
	void (*option)(struct inet_socket *inet, int level, int option, int value);
	/* Raw tcp_info of the host socket, at most `size` bytes; its length. */
	int (*tcp_info)(struct inet_socket *inet, void *info, size_t size);
	void (*release)(struct inet_socket *inet); /* the last call; SO_LINGER is in base. */
};

/* inet.c */
void inet_init(struct inet_socket *inet, const struct socket_ops *ops, struct port_table *table, int family, int type, int protocol);
/* Gives up the port and connection, and the transport. Before the memory is freed. */
void inet_cleanup(struct inet_socket *inet);
/* bind(2): -EINVAL, -EAFNOSUPPORT, -EADDRNOTAVAIL, -EACCES, -EADDRINUSE. */
int inet_bind(struct socket *sock, const u8 *name, int length);
int inet_autobind(struct inet_socket *inet); /* an ephemeral port, unless it has one: 0 or -EADDRINUSE */
int inet_getname(struct socket *sock, u8 *name, int peer);
/*
 * The destination of a connect or send: parsed and checked against the socket's family and IPV6_V6ONLY, the wildcard made the loopback
 * address. AF_INET6 datagram sockets may be given a sockaddr_in.
 */
int inet_destination(struct inet_socket *inet, const u8 *name, int length, struct inet_name *ret_to);
/*
 * In the host's own network its programs have the same addresses as the container's, which come first: a path to such an address becomes
 * NET_OUTSIDE when nobody inside has the port.
 */
void inet_route_shared(const struct inet_socket *inet, const struct inet_name *to, struct net_path *path);
/* net_route() with what the socket is bound to, and the above. */
int inet_route(struct inet_socket *inet, const struct inet_name *to, struct net_path *ret_path);

/* options.c: levels IPPROTO_IP and IPPROTO_IPV6, and SO_BINDTODEVICE and the like of SOL_SOCKET. */
void inet_options_init(struct inet_socket *inet);
int inet_setsockopt(struct socket *sock, int level, int option, user_ptr value, unsigned length);
int inet_getsockopt(struct socket *sock, int level, int option, user_ptr value, user_ptr length_ptr);
long inet_ioctl(struct inet_socket *inet, unsigned cmd, u64 arg); /* of interfaces; -ENOIOCTLCMD */

/* ports.c */
void inet_endpoint_init(struct inet_endpoint *end, struct port_table *table);
/* Takes `port` for end->local.addr (0: an ephemeral one, which is end->local.port then). -EADDRINUSE, -ENOMEM. */
int port_bind(struct net *net, struct inet_endpoint *end, u16 port);
/* Shares the port of another one: an accepted connection its listener's. */
void port_share(struct inet_endpoint *end, struct inet_endpoint *with);
/* end becomes one of those who receive what comes to the port: a listener, after a last look for conflicts (-EADDRINUSE); or a datagram socket. */
int port_receive(struct inet_endpoint *end, bool check);
void port_stop_receiving(struct inet_endpoint *end);
void port_unbind(struct inet_endpoint *end); /* all of it, the connection too; may be called twice */
/* local and remote are set: notes the connection. -EADDRNOTAVAIL: there is one with the same ends. */
int port_connect(struct inet_endpoint *end);
/* The same for a socket without a port: chooses one so that the connection is new. -EADDRNOTAVAIL: all are taken. */
int port_connect_ephemeral(struct net *net, struct inet_endpoint *end, u32 port_range);
void port_disconnect(struct inet_endpoint *end);
/* The connection with exactly these ends, seen from `local`; NULL. */
struct inet_endpoint *port_find_connection(struct port_table *table, const struct inet_name *local, const struct inet_name *remote);
/* Who receives what `from` sends to `to`: the most specific one; of those that share it with SO_REUSEPORT one by the hash of both ends. */
struct inet_endpoint *port_find_receiver(struct port_table *table, const struct inet_name *to, const struct inet_name *from, int device);
/* All receivers of a multicast or broadcast datagram, one after the other: NULL is before the first. */
struct inet_endpoint *port_next_receiver(struct port_table *table, const struct inet_name *to, const struct inet_name *from, int device,
					 struct inet_endpoint *after);
/* All who have a port, for /proc and the like; NULL is before the first. */
struct inet_endpoint *port_next(struct port_table *table, struct inet_endpoint *after);
static inline struct inet_socket *inet_of(struct inet_endpoint *end) { return container_of(end, struct inet_socket, end); }
/* What is left of a connection after both ends are closed keeps the ports: only tcp_timewait.c has those. */
void tcp_timewait_drop(struct inet_endpoint *end);

#endif
