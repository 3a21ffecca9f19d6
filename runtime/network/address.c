/* SPDX-License-Identifier: Apache-2.0 */
/* Internet addresses on the host side. */
#include "runtime/network/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

bool address_is_v4(const struct address *address)
{
	return !memcmp(address->bytes, mapped, 12);
}

static uint32_t word_at(const struct address *address, int offset)
{
	uint32_t word;

	memcpy(&word, address->bytes + offset, 4);
	return ntohl(word);
}

struct address address_from_v4(uint32_t host_order)
{
	struct address address;
	uint32_t word = htonl(host_order);

	memcpy(address.bytes, mapped, 12);
	memcpy(address.bytes + 12, &word, 4);
	return address;
}

/* RFC 4291 2.5.5.1 (compatible), 6052 (translated), 8215 (translated locally), 3056 (6to4). :: and ::1 are no IPv4 addresses. */
struct address address_normalise(const struct address *address)
{
	static const uint8_t zero[12], translated[12] = { 0, 0x64, 0xff, 0x9b }, local[6] = { 0, 0x64, 0xff, 0x9b, 0, 1 };

	if (!memcmp(address->bytes, zero, 12) && word_at(address, 12) > 1)
		return address_from_v4(word_at(address, 12));
	if (!memcmp(address->bytes, translated, 12) || !memcmp(address->bytes, local, 6))
		return address_from_v4(word_at(address, 12));
	if (address->bytes[0] == 0x20 && address->bytes[1] == 0x02)
		return address_from_v4(word_at(address, 2));
	return *address;
}

static enum address_class classify_v4(uint32_t v4)
{
	if (v4 == 0)
		return ADDRESS_ANY;
	if (v4 == 0xffffffff)
		return ADDRESS_BROADCAST;
	if (v4 >> 24 == 127)
		return ADDRESS_LOOPBACK;
	if (v4 >> 16 == 0xa9fe)
		return ADDRESS_LINK_LOCAL;
	if (v4 >> 28 == 0xe)
		return ADDRESS_MULTICAST;
	if (v4 >> 24 == 0 || v4 >> 28 == 0xf)
		return ADDRESS_RESERVED;
	return ADDRESS_GLOBAL;
}

enum address_class address_classify(const struct address *address)
{
	static const uint8_t zero[15];

	if (address_is_v4(address))
		return classify_v4(word_at(address, 12));
	if (!memcmp(address->bytes, zero, 15))
		return address->bytes[15] == 0 ? ADDRESS_ANY : address->bytes[15] == 1 ? ADDRESS_LOOPBACK : ADDRESS_RESERVED;
	/* fec0::/10, site-local, is of old, and as little global. */
	if (address->bytes[0] == 0xfe && (address->bytes[1] & 0x80))
		return ADDRESS_LINK_LOCAL;
	if (address->bytes[0] == 0xff)
		return ADDRESS_MULTICAST;
	return ADDRESS_GLOBAL;
}

const char *address_class_name(enum address_class class)
{
	static const char *const names[] = { "an ordinary address", "the wildcard address, which means this host", "the loopback of this host",
					     "a link-local address", "a multicast address", "a broadcast address", "a reserved address" };

	return names[class];
}

bool address_matches(const struct address *address, const struct address *network, unsigned int prefix)
{
	unsigned int bytes = prefix / 8, bits = prefix % 8;

	if (memcmp(address->bytes, network->bytes, bytes))
		return false;
	return !bits || (address->bytes[bytes] ^ network->bytes[bytes]) >> (8 - bits) == 0;
}

bool address_parse(const char *text, struct address *ret_address)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		*ret_address = address_from_v4(ntohl(v4.s_addr));
		return true;
	}
	return inet_pton(AF_INET6, text, ret_address->bytes) == 1;
}

const char *endpoint_print(const struct address *address, unsigned int port, char text[ENDPOINT_TEXT])
{
	char number[INET6_ADDRSTRLEN] = "?";
	bool v4 = address_is_v4(address);

	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? address->bytes + 12 : address->bytes, number, sizeof(number));
	if (!port)
		snprintf(text, ENDPOINT_TEXT, "%s", number);
	else
		snprintf(text, ENDPOINT_TEXT, v4 ? "%s:%u" : "[%s]:%u", number, port);
	return text;
}

socklen_t endpoint_to_host(const struct network_endpoint *endpoint, struct sockaddr_storage *ret_name)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret_name;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret_name;

	memset(ret_name, 0, sizeof(*ret_name));
	if (!memcmp(endpoint->address, mapped, 12)) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(endpoint->port);
		memcpy(&v4->sin_addr, endpoint->address + 12, 4);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(endpoint->port);
	v6->sin6_scope_id = endpoint->scope;
	memcpy(&v6->sin6_addr, endpoint->address, 16);
	return sizeof(*v6);
}

void endpoint_from_host(const struct sockaddr_storage *name, struct network_endpoint *ret_endpoint)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)name;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)name;

	memset(ret_endpoint, 0, sizeof(*ret_endpoint));
	if (name->ss_family == AF_INET) {
		memcpy(ret_endpoint->address, mapped, 12);
		memcpy(ret_endpoint->address + 12, &v4->sin_addr, 4);
		ret_endpoint->port = ntohs(v4->sin_port);
	} else if (name->ss_family == AF_INET6) {
		memcpy(ret_endpoint->address, &v6->sin6_addr, 16);
		ret_endpoint->port = ntohs(v6->sin6_port);
		ret_endpoint->scope = v6->sin6_scope_id;
	}
}
