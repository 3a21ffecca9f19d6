/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing interfaces, by ioctl (netdevice(7)) and netlink alike; those who listen are told. The callers have checked for
 * CAP_NET_ADMIN.
 */
#ifndef KERNEL_NET_DEVICE_CONFIG_H
#define KERNEL_NET_DEVICE_CONFIG_H

#include "kernel/net/device.h"

/* Down: its routes and IPv6 addresses go. lo gets its addresses back when it comes up. 0, -ENOMEM. */
int device_set_up(struct net *net, struct net_device *device, bool up);
int device_set_mtu(struct net *net, struct net_device *device, u32 mtu); /* -EINVAL */
int device_rename(struct net *net, struct net_device *device, const char *name); /* -EINVAL, -EBUSY, -EEXIST */
/* The route that net_route() takes to `to`; NULL: it is an own address. */
const struct net_route *net_route_to(struct net *net, const struct inet_addr *to, int device);
/* Its gateway; the wildcard: none. */
struct inet_addr net_gateway(struct net *net, const struct inet_addr *to, int device);
/* The next route of a family (AF_INET, AF_INET6) in the order in which Linux shows them; NULL is before the first, and behind the last. */
const struct net_route *net_route_next(struct net *net, int family, const struct net_route *after);

/* device_ioctl.c: ioctls on interfaces by a socket of this domain; -ENOIOCTLCMD. */
long device_ioctl(int domain, unsigned cmd, u64 arg);

#endif
