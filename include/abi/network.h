/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network outside of the container: what the kernel asks the monitor for.
 *
 * The monitor makes, binds and connects every host socket and hands it in (abi/handover.h); it keeps a copy, for options and shutdown, until it
 * is released. What is handed in is always connected: data moves with preadv2 and pwritev2, which cannot name another destination. Sockets that
 * others connect to stay with the monitor, which hands in the connections (TCP) or a connected socket for each peer (UDP).
 *
 * The kernel names a socket that it asks for by a token of its own choice; the token of one that the monitor hands in unasked (a connection from
 * outside) has HANDOVER_OF_MONITOR in it. Requests go through a ring and are answered, if at all, by a handover message to the token; those
 * whose result the caller waits for are put into a slot (MON_NETWORK).
 *
 * An IPv4 address is written as IPv6 shows it (::ffff:a.b.c.d); ports are in host order.
 */
#ifndef ABI_NETWORK_H
#define ABI_NETWORK_H

#include <stdint.h>

enum network_mode {
	NETWORK_NONE,      /* lo only */
	NETWORK_OUTSIDE,   /* an interface of its own; connections leave through the monitor's sockets, published ports come in */
	NETWORK_HOST,      /* the host's interfaces and ports */
	NETWORK_NAMESPACE, /* those of a network namespace of the host */
};

struct network_endpoint {
	uint8_t address[16];
	uint16_t port;
	uint16_t unused;
	uint32_t scope;
};

enum network_kind { NETWORK_TCP = 1, NETWORK_UDP, NETWORK_PING };

enum network_op {
	/*
	 * kind, flags, local (its port is taken if NETWORK_BIND), remote; argument: the TOS, value: the TTL, 0: the host's. Answered by a message to
	 * the token: argument[0] is an errno value, or 0 and there is a descriptor; data: struct network_arrival. A TCP connection is still being
	 * made: the descriptor gets writable when it is there, or has an error.
	 */
	NETWORK_CONNECT = 1,
	/*
	 * kind, flags, local, argument: the backlog. From now on who comes from outside to `local` is handed in: a message to
	 * EPOLL_DATA_ARRIVAL. In a slot the result is 0, or an error of the host's bind; 1: nothing outside leads to this port.
	 */
	NETWORK_LISTEN,
	NETWORK_SHUTDOWN, /* argument: SHUT_* */
	NETWORK_SET,      /* argument: enum network_option, value */
	NETWORK_GET,      /* in a slot: argument: enum network_option. Result: the length of the data that take the request's place */
	NETWORK_RELEASE,  /* the token is needed no more */
	/*
	 * What is in the host socket's error queue (NETWORK_OPTION_RECVERR): for each entry a message to the token, with argument[1] != 0, in data
	 * struct network_error, and behind it what had been sent.
	 */
	NETWORK_ERRORS,
};

/* network_request.flags */
#define NETWORK_BIND 0x1
#define NETWORK_V6ONLY 0x2
#define NETWORK_REUSE 0x4     /* LISTEN: SO_REUSEPORT */
#define NETWORK_BROADCAST 0x8
#define NETWORK_RECVERR 0x10  /* NETWORK_OPTION_RECVERR from the start */

struct network_request {
	uint32_t op, kind, flags;
	int32_t argument;
	uint64_t token;
	int64_t value;
	struct network_endpoint local, remote;
};

/* handover_message.data */
struct network_arrival {
	struct network_endpoint remote, local;
	uint32_t kind;
	uint32_t entrance; /* for channel->network.taken */
};

/* handover_message.data: an entry of an error queue (ip(7), struct sock_extended_err). */
struct network_error {
	struct network_endpoint offender;
	uint32_t error, info;
	uint8_t origin, type, code, unused;
};

enum network_option {
	NETWORK_OPTION_NONE,         /* get only: answered with an error when what is in the ring has been done */
	NETWORK_OPTION_TCP_INFO, /* get only: struct tcp_info */
	NETWORK_OPTION_ERROR,        /* get only: int, SO_ERROR */
	NETWORK_OPTION_NODELAY,
	NETWORK_OPTION_KEEPALIVE,
	NETWORK_OPTION_KEEPIDLE,
	NETWORK_OPTION_KEEPINTVL,
	NETWORK_OPTION_KEEPCNT,
	NETWORK_OPTION_USER_TIMEOUT,
	NETWORK_OPTION_SNDBUF,
	NETWORK_OPTION_RCVBUF,
	NETWORK_OPTION_LINGER,       /* 0: closing resets the connection; -1: off */
	NETWORK_OPTION_TOS,          /* and of IPv6 the traffic class */
	NETWORK_OPTION_TTL,          /* and the hop limit */
	NETWORK_OPTION_RECVERR,      /* IP_RECVERR, IPV6_RECVERR */
	NETWORK_OPTION_CORK,
	NETWORK_OPTION_MAX
};

/*
 * Requests: the kernel writes at `tail % NETWORK_RING`, counts it up and rings the doorbell; the monitor counts `head` up. Connections that came from outside
 * through an entrance and were taken by accept, or refused, are counted in `taken`: the monitor keeps back what exceeds the backlog, and sets
 * `waits` while it does, so that the kernel rings.
 */
#define NETWORK_RING 256
#define NETWORK_ENTRANCES 256
struct network_ring {
	uint32_t tail __attribute__((aligned(64)));
	uint32_t head __attribute__((aligned(64)));
	uint32_t taken[NETWORK_ENTRANCES], waits[NETWORK_ENTRANCES];
	struct network_request requests[NETWORK_RING];
};

/* What the container sees of its network: filled in before the kernel starts. */
#define NETWORK_INTERFACES 16
#define NETWORK_ADDRESSES 64
#define NETWORK_ROUTES 64
struct network_interface {
	char name[16];
	uint32_t index, flags, mtu;
	uint16_t type;
	uint8_t hardware[6];
};
struct network_address {
	uint32_t interface;            /* its index */
	uint8_t address[16], prefix;   /* of IPv4: 96 + n */
	uint8_t unused[3];
};
struct network_route {
	uint8_t to[16], gateway[16];   /* zeroes: no gateway */
	uint32_t interface, metric;
	uint8_t prefix, unused[3];
};
struct boot_network {
	uint32_t mode;                 /* enum network_mode */
	uint32_t nr_interfaces, nr_addresses, nr_routes; /* without lo and the routes that follow from addresses */
	struct network_interface interfaces[NETWORK_INTERFACES];
	struct network_address addresses[NETWORK_ADDRESSES];
	struct network_route routes[NETWORK_ROUTES];
	uint32_t published[NETWORK_PING + 1]; /* ports, by kind */
	uint32_t resolv_conf, hosts, host_name; /* offsets in strings: text of the three files in /etc; 0: the image's own */
};

#endif
