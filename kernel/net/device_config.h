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
/* The gateway of the route that net_route() takes to `to`; the wildcard: none. */
struct inet_addr net_gateway(struct net *net, const struct inet_addr *to, int device);

/* device_ioctl.c: ioctls on interfaces by a socket of this domain; -ENOIOCTLCMD. */
long device_ioctl(int domain, unsigned cmd, u64 arg);

#endif
