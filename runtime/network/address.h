/* SPDX-License-Identifier: Apache-2.0 */
/* Internet addresses on the host side: IPv4 as ::ffff:a.b.c.d, and what an address means. */
#ifndef RUNTIME_NETWORK_ADDRESS_H
#define RUNTIME_NETWORK_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "include/abi/network.h"

struct address {
	uint8_t bytes[16];
};

enum address_class {
	ADDRESS_GLOBAL,     /* and private networks: hosts like any other */
	ADDRESS_ANY,        /* connecting to it means this host */
	ADDRESS_LOOPBACK,
	ADDRESS_LINK_LOCAL, /* also 169.254.169.254, where clouds answer questions about the machine */
	ADDRESS_MULTICAST,
	ADDRESS_BROADCAST,
	ADDRESS_RESERVED,   /* 0.0.0.0/8, 240.0.0.0/4 */
};

bool address_is_v4(const struct address *address);
struct address address_from_v4(uint32_t host_order);

/* IPv4 inside of IPv6, in whichever of the ways that a host or a gateway unwraps, becomes IPv4. */
struct address address_normalise(const struct address *address);
enum address_class address_classify(const struct address *address);
const char *address_class_name(enum address_class class);

/* The first @prefix bits are equal (IPv4: 96 + n). */
bool address_matches(const struct address *address, const struct address *network, unsigned int prefix);

/* "1.2.3.4", "fe80::1"; without brackets, zones, prefixes. */
bool address_parse(const char *text, struct address *ret_address);

#define ENDPOINT_TEXT 64
/* "1.2.3.4:80", "[::1]:80"; port 0 is left out, with the brackets. Returns @text. */
const char *endpoint_print(const struct address *address, unsigned int port, char text[ENDPOINT_TEXT]);

/* For the host: AF_INET for IPv4 addresses. Returns the length. */
socklen_t endpoint_to_host(const struct network_endpoint *endpoint, struct sockaddr_storage *ret_name);
void endpoint_from_host(const struct sockaddr_storage *name, struct network_endpoint *ret_endpoint);

#endif
