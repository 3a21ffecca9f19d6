/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of TCP (tcp(7)). */
#ifndef KERNEL_NET_INET_TCP_H
#define KERNEL_NET_INET_TCP_H

#include "kernel/net/inet/inet.h"

/* tcp_timewait.c */
extern s64 sysctl_tcp_max_tw_buckets;
/* A socket's connection is closed by both ends, by this one first: something stays in its place. The socket loses its connection, not its port. */
void tcp_timewait_start(const struct inet_endpoint *end);
u64 tcp_timewait_left(const struct inet_endpoint *end); /* ns */
s64 tcp_timewait_count(void);

#endif
