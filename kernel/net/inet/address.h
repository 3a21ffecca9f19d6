/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Internet addresses. There is one type: an IPv4 address stands in it as Linux shows it to IPv6 programs, ::ffff:a.b.c.d. So an
 * AF_INET socket that is not bound has the address ::ffff:0.0.0.0, an AF_INET6 one has ::.
 */
#ifndef KERNEL_NET_INET_ADDRESS_H
#define KERNEL_NET_INET_ADDRESS_H

#include "kernel/kernel.h"

struct inet_addr {
	union {
		u8 bytes[16]; /* network order */
		u32 words[4];
		u64 halves[2];
	};
};

/* An address with a port: one end of a connection. */
struct inet_name {
	struct inet_addr addr;
	u16 port;  /* host order */
	u32 scope; /* device of a link-local address; 0 */
};

#define INET_V4_BITS 96 /* a prefix length of IPv4 is this much longer here */
#define INET_TEXT 64    /* room for inet_print_name */

static inline u16 net16(u16 x) { return __builtin_bswap16(x); } /* host order <-> network order */
static inline u32 net32(u32 x) { return __builtin_bswap32(x); }

static inline bool inet_equal(const struct inet_addr *a, const struct inet_addr *b)
{
	return a->halves[0] == b->halves[0] && a->halves[1] == b->halves[1];
}
static inline bool inet_is_v4(const struct inet_addr *a) { return !a->halves[0] && a->words[2] == net32(0xffff); }
static inline bool inet_is_any6(const struct inet_addr *a) { return !a->halves[0] && !a->halves[1]; }
static inline bool inet_is_any4(const struct inet_addr *a) { return inet_is_v4(a) && !a->words[3]; }
/* The wildcard of either family. */
static inline bool inet_is_any(const struct inet_addr *a) { return !a->halves[0] && (!a->halves[1] || inet_is_any4(a)); }
static inline u32 inet_v4(const struct inet_addr *a) { return net32(a->words[3]); } /* host order */
static inline struct inet_addr inet_from_v4(u32 host_order)
{
	return (struct inet_addr){ .words = { 0, 0, net32(0xffff), net32(host_order) } };
}
static inline struct inet_addr inet_any(int family)
{
	return family == 2 /* AF_INET */ ? inet_from_v4(0) : (struct inet_addr){ .halves = { 0, 0 } };
}
static inline struct inet_addr inet_loopback6(void) { return (struct inet_addr){ .words = { 0, 0, 0, net32(1) } }; }
static inline bool inet_is_loopback(const struct inet_addr *a)
{
	return inet_is_v4(a) ? inet_v4(a) >> 24 == 127 : !a->halves[0] && a->words[2] == 0 && a->words[3] == net32(1);
}
static inline bool inet_is_multicast(const struct inet_addr *a)
{
	return inet_is_v4(a) ? inet_v4(a) >> 28 == 14 : a->bytes[0] == 0xff;
}
static inline bool inet_is_broadcast(const struct inet_addr *a) { return inet_is_v4(a) && inet_v4(a) == 0xffffffffU; }
static inline bool inet_is_link_local(const struct inet_addr *a) { return a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80; }
/* The first `bits` are the same; of IPv4 addresses INET_V4_BITS + n. */
bool inet_prefix_equal(const struct inet_addr *a, const struct inet_addr *b, unsigned bits);

/*
 * A name as programs give it, of a socket of this family, to connect or send to: 0, -EINVAL (too short), -EAFNOSUPPORT. An
 * AF_INET6 socket takes only sockaddr_in6; the caller who also allows sockaddr_in there passes AF_INET.
 */
int inet_parse_name(int family, const u8 *name, int length, struct inet_name *ret_name);
/* The name as the program of such a socket sees it, at most 28 bytes; returns the length. */
int inet_put_name(int family, const struct inet_name *name, u8 *ret_name);
/* For people: "127.0.0.1:80", "[::1]:80". Returns the length. */
int inet_print_addr(const struct inet_addr *a, char *buffer, size_t size);
int inet_print_name(const struct inet_name *name, char *buffer, size_t size);

#endif
