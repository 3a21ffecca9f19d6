/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets exist only where programs make or see them: ping and raw sockets. One that goes to an own address is handed to the raw sockets of its
 * protocol, then to the protocol: an echo request is answered, an echo reply goes to its ping socket, UDP to who has the port.
 */
#ifndef KERNEL_NET_INET_IP_PACKET_H
#define KERNEL_NET_INET_IP_PACKET_H

#include "kernel/net/inet/dgram.h"

#define IPV4_HEADER 20

struct ip_packet {
	struct inet_addr from, to;
	int device;
	u8 protocol, ttl, tos;
	bool many;        /* multicast or broadcast */
	const u8 *header; /* IPv4, as the program made it (IP_HDRINCL); NULL */
	u32 header_length;
	const u8 *data;   /* behind the header of IP */
	u32 length;
};

/* icmp.c */
void ip_input(struct net *net, const struct ip_packet *packet);
/* The Internet checksum of RFC 1071, to be stored as it is. `sum`: of what came before. */
u16 ip_checksum(u32 sum, const u8 *data, u32 length);
u32 ip_sum(u32 sum, const u8 *data, u32 length);
/* The pseudo header's part of it, for IPv6. */
u32 ipv6_pseudo_sum(const struct inet_addr *from, const struct inet_addr *to, u8 protocol, u32 length);
/* raw.c */
void raw_input(const struct ip_packet *packet);
/* udp.c: from the UDP header on. */
void udp_input(struct net *net, const struct ip_packet *packet);

#endif
