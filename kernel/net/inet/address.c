// SPDX-License-Identifier: Apache-2.0
/* Internet addresses: as programs give and see them, and as text. */
#include "kernel/net/inet/address.h"

#include <linux/in.h>
#include <linux/in6.h>

#include "kernel/net/socket.h"
#include "lib/format.h"

#define SIN6_LENGTH_OLD 24 /* sockaddr_in6 before it had a scope: still accepted */

bool inet_prefix_equal(const struct inet_addr *a, const struct inet_addr *b, unsigned bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;

	if (memcmp(a->bytes, b->bytes, bytes))
		return false;
	return !rest || !((a->bytes[bytes] ^ b->bytes[bytes]) >> (8 - rest));
}

static int parse4(const u8 *name, int length, struct inet_name *ret_name)
{
	struct sockaddr_in sin;

	if (length < (int)sizeof(sin))
		return -EINVAL;
	memcpy(&sin, name, sizeof(sin));
	if (sin.sin_family != AF_INET)
		return -EAFNOSUPPORT;
	*ret_name = (struct inet_name){ .addr = inet_from_v4(net32(sin.sin_addr.s_addr)), .port = net16(sin.sin_port) };
	return 0;
}

int inet_parse_name(int family, const u8 *name, int length, struct inet_name *ret_name)
{
	struct sockaddr_in6 sin6 = { 0 };

	if (family == AF_INET)
		return parse4(name, length, ret_name);
	if (length < SIN6_LENGTH_OLD)
		return -EINVAL;
	memcpy(&sin6, name, min((size_t)length, sizeof(sin6)));
	if (sin6.sin6_family != AF_INET6)
		return -EAFNOSUPPORT;
	memset(ret_name, 0, sizeof(*ret_name));
	memcpy(ret_name->addr.bytes, &sin6.sin6_addr, sizeof(ret_name->addr));
	ret_name->port = net16(sin6.sin6_port);
	if (inet_is_link_local(&ret_name->addr) && length >= (int)sizeof(sin6))
		ret_name->scope = sin6.sin6_scope_id;
	return 0;
}

int inet_put_name(int family, const struct inet_name *name, u8 *ret_name)
{
	if (family == AF_INET) {
		struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = net16(name->port) };

		sin.sin_addr.s_addr = name->addr.words[3];
		memcpy(ret_name, &sin, sizeof(sin));
		return sizeof(sin);
	}
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = net16(name->port) };

	memcpy(&sin6.sin6_addr, name->addr.bytes, sizeof(name->addr));
	sin6.sin6_scope_id = inet_is_link_local(&name->addr) ? name->scope : 0;
	memcpy(ret_name, &sin6, sizeof(sin6));
	return sizeof(sin6);
}

/* The longest run of at least two zero groups, which is written as "::" (RFC 5952). */
static void find_zeros(const u16 groups[8], int *ret_start, int *ret_length)
{
	*ret_start = -1;
	*ret_length = 1;
	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && !groups[i + n])
			n++;
		if (n > *ret_length) {
			*ret_start = i;
			*ret_length = n;
		}
		i += n;
	}
}

int inet_print_addr(const struct inet_addr *a, char *buffer, size_t size)
{
	int used = 0, zeros, nr_zeros;
	u16 groups[8];

	if (inet_is_v4(a))
		return scnprintf(buffer, size, "%u.%u.%u.%u", a->bytes[12], a->bytes[13], a->bytes[14], a->bytes[15]);
	for (int i = 0; i < 8; i++)
		groups[i] = (u16)(a->bytes[2 * i] << 8 | a->bytes[2 * i + 1]);
	find_zeros(groups, &zeros, &nr_zeros);
	buffer[0] = 0;
	for (int i = 0; i < 8; i++) {
		if (i == zeros) {
			used += scnprintf(buffer + used, size - (size_t)used, "::");
			i += nr_zeros - 1;
			continue;
		}
		used += scnprintf(buffer + used, size - (size_t)used, "%s%x", i && i != zeros + nr_zeros ? ":" : "", groups[i]);
	}
	return used;
}

int inet_print_name(const struct inet_name *name, char *buffer, size_t size)
{
	char text[INET_TEXT];

	inet_print_addr(&name->addr, text, sizeof(text));
	return scnprintf(buffer, size, inet_is_v4(&name->addr) ? "%s:%u" : "[%s]:%u", text, name->port);
}
