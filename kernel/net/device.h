/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interfaces, their addresses, and routes: what the container's network looks like. Nothing moves through them: a destination that
 * is one of the container's own addresses is served inside of the kernel, every other one by a host socket (inet/inet.h). They decide
 * which of the two it is, which source address a connection has, and which error a program gets.
 *
 * There is one struct net, init_net; later one for each network namespace. All of it is protected by the kernel lock. The objects
 * live until they are removed by the functions here: remember a device by its index.
 */
#ifndef KERNEL_NET_DEVICE_H
#define KERNEL_NET_DEVICE_H

#include "kernel/net/inet/address.h"

/* netdevice(7). The uapi header of these needs a C library. */
#define IFNAMSIZ 16
#define IFF_UP 0x1
#define IFF_BROADCAST 0x2
#define IFF_LOOPBACK 0x8
#define IFF_POINTOPOINT 0x10
#define IFF_RUNNING 0x40
#define IFF_NOARP 0x80
#define IFF_MULTICAST 0x1000
#define IFF_LOWER_UP 0x10000
#define ARPHRD_ETHER 1
#define ARPHRD_LOOPBACK 772

struct inet_transport;

struct net_device {
	struct list_head link;
	int index; /* 1: lo */
	char name[IFNAMSIZ];
	unsigned flags; /* IFF_* */
	u16 type;       /* ARPHRD_* */
	u32 mtu, tx_queue_length;
	u8 hardware[6], hardware_broadcast[6];
	struct list_head addresses;
	u64 rx_bytes, tx_bytes, rx_packets, tx_packets;
};

struct net_address {
	struct list_head link;
	struct net_device *device;
	struct inet_addr addr;
	u8 prefix; /* 0..128: of IPv4 INET_V4_BITS + n */
	u8 scope;  /* RT_SCOPE_* */
	struct inet_addr broadcast; /* IPv4; 0.0.0.0: none */
};

struct net_route {
	struct list_head link; /* longest prefix first, then lowest metric */
	struct inet_addr to;   /* of its family: default routes are ::ffff:0.0.0.0/96 and ::/0 */
	u8 prefix;
	u8 protocol, scope, type; /* RTPROT_*, RT_SCOPE_*, RTN_* */
	u32 metric;
	struct inet_addr gateway; /* the wildcard: none */
	struct inet_addr source;  /* preferred; the wildcard: none */
	int device;
};

struct net {
	struct list_head devices;
	struct list_head routes; /* without those to own addresses, which follow from the devices */
	int last_index;
	u64 generation; /* counts changes */
	const struct inet_transport *outside; /* NULL: no network but the container itself */
	bool shares_addresses; /* with the host: a local address where nobody listens may be served outside */
	/* /proc/sys/net/ipv4 */
	s64 port_low, port_high;     /* ip_local_port_range */
	s64 unprivileged_port_start; /* ip_unprivileged_port_start */
	s64 nonlocal_bind;           /* ip_nonlocal_bind */
	s64 v6only;                  /* net.ipv6.bindv6only */
};
extern struct net init_net;
static inline struct net *current_net(void) { return &init_net; }

/* Where a destination is. */
enum net_kind {
	NET_LOCAL,     /* one of our own addresses: inside of the kernel */
	NET_OUTSIDE,
	NET_BROADCAST, /* of a device, or 255.255.255.255 */
	NET_MULTICAST,
};
struct net_path {
	enum net_kind kind;
	struct inet_addr source; /* to be used, if the caller has none */
	int device;              /* index */
	u32 mtu;
};

/*
 * The way to `to`, which is not the wildcard. `source`: what the socket is bound to, or NULL (the wildcard is none, too); `device`: what it
 * is bound to, or 0. 0, -ENETUNREACH, -EINVAL (a loopback source for an address outside), -EHOSTUNREACH, -ENODEV.
 */
int net_route(struct net *net, const struct inet_addr *to, const struct inet_addr *source, int device, struct net_path *ret_path);
/* May be bound to: all of 127.0.0.0/8, and what the devices have. A scope other than 0 must be the device's. */
bool net_is_local(struct net *net, const struct inet_addr *addr, u32 scope);
bool net_is_broadcast(struct net *net, const struct inet_addr *addr); /* 255.255.255.255, or of a device's subnet */

/* A packet of so many bytes with its headers went over lo, for its counters. */
static inline void net_count_loopback(struct net *net, u32 bytes)
{
	struct net_device *lo = list_first_entry(&net->devices, struct net_device, link);

	lo->rx_packets++;
	lo->tx_packets++;
	lo->rx_bytes += bytes;
	lo->tx_bytes += bytes;
}
struct net_device *net_device_find(struct net *net, int index);
struct net_device *net_device_find_name(struct net *net, const char *name);
/* Index 0: the next one. NULL: no memory. flags, mtu and the rest are the caller's to set. */
struct net_device *net_device_add(struct net *net, const char *name, u16 type, int index);
void net_device_remove(struct net *net, struct net_device *device); /* with its addresses and routes */
/* Adds an address and, unless it is a host's (/32, /128) or the device is lo, the route to its subnet. 0, -EEXIST, -ENOMEM. */
int net_address_add(struct net *net, struct net_device *device, const struct inet_addr *addr, unsigned prefix);
int net_address_remove(struct net *net, struct net_device *device, const struct inet_addr *addr, unsigned prefix); /* -EADDRNOTAVAIL */
/* Copies `route` to its place. 0, -EEXIST, -ENOMEM. */
int net_route_add(struct net *net, const struct net_route *route);
void net_route_remove(struct net *net, struct net_route *route);

#endif
