/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interfaces, addresses and routes that the container is shown: its own with a gateway that stands for this host, or in the host's networks
 * those that there are when it starts.
 */
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "runtime/network/network.h"

#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP 0x10000 /* in a header that does not go with the others */
#endif

static struct network_interface *find_interface(struct boot_network *boot, const char *name)
{
	for (uint32_t i = 0; i < boot->nr_interfaces; i++)
		if (!strcmp(boot->interfaces[i].name, name))
			return &boot->interfaces[i];
	return NULL;
}

static struct network_interface *add_interface(struct boot_network *boot, const char *name, unsigned int index, unsigned int flags, unsigned int mtu)
{
	struct network_interface *interface = find_interface(boot, name);

	if (interface || boot->nr_interfaces == NETWORK_INTERFACES)
		return interface;
	interface = &boot->interfaces[boot->nr_interfaces++];
	*interface = (struct network_interface){ .index = index, .flags = flags, .mtu = mtu, .type = ARPHRD_ETHER };
	snprintf(interface->name, sizeof(interface->name), "%.15s", name);
	return interface;
}

static void add_address(struct boot_network *boot, unsigned int interface, const struct address *address, unsigned int prefix)
{
	struct network_address *added = &boot->addresses[boot->nr_addresses];

	if (boot->nr_addresses == NETWORK_ADDRESSES)
		return;
	boot->nr_addresses++;
	added->interface = interface;
	memcpy(added->address, address->bytes, 16);
	added->prefix = prefix;
}

static void add_route(struct boot_network *boot, unsigned int interface, const struct address *to, unsigned int prefix, const struct address *gateway,
		      unsigned int metric)
{
	struct network_route *route = &boot->routes[boot->nr_routes];

	if (boot->nr_routes == NETWORK_ROUTES)
		return;
	boot->nr_routes++;
	*route = (struct network_route){ .interface = interface, .metric = metric, .prefix = prefix };
	memcpy(route->to, to->bytes, 16);
	if (gateway)
		memcpy(route->gateway, gateway->bytes, 16);
}

/* Has the host a way to the world by IPv6? Then so has the container, from an address of its own. */
static bool host_has_ipv6(void)
{
	struct ifaddrs *list, *at;
	bool found = false;

	if (getifaddrs(&list))
		return false;
	for (at = list; at; at = at->ifa_next) {
		const struct sockaddr_in6 *name = (const struct sockaddr_in6 *)at->ifa_addr;

		if (name && name->sin6_family == AF_INET6 && (name->sin6_addr.s6_addr[0] & 0xe0) == 0x20)
			found = true;
	}
	freeifaddrs(list);
	return found;
}

static void describe_outside(struct boot_network *boot)
{
	const struct address own4 = address_from_v4(OUTSIDE_ADDRESS), gateway4 = address_from_v4(OUTSIDE_GATEWAY), any4 = address_from_v4(0);
	const struct address own6 = { { 0xfd, 'l', 'n', 'x', 'd', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x15 } };
	const struct address gateway6 = { { 0xfd, 'l', 'n', 'x', 'd', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2 } }, any6 = { { 0 } };
	struct network_interface *eth0 = add_interface(boot, "eth0", 2, IFF_UP | IFF_RUNNING | IFF_BROADCAST | IFF_MULTICAST | IFF_LOWER_UP, 1500);

	memcpy(eth0->hardware, "\x02\x00\x0a\x00\x02\x0f", 6);
	add_address(boot, 2, &own4, 96 + OUTSIDE_PREFIX);
	add_route(boot, 2, &any4, 96, &gateway4, 0);
	if (host_has_ipv6()) {
		add_address(boot, 2, &own6, 64);
		add_route(boot, 2, &any6, 0, &gateway6, 1024);
	}
}

static unsigned int mask_length(const struct sockaddr *mask)
{
	const uint8_t *bytes = mask->sa_family == AF_INET ? (const uint8_t *)&((const struct sockaddr_in *)mask)->sin_addr :
							    ((const struct sockaddr_in6 *)mask)->sin6_addr.s6_addr;
	unsigned int size = mask->sa_family == AF_INET ? 32 : 128, length = 0;

	while (length < size && bytes[length / 8] & 0x80 >> length % 8)
		length++;
	return 128 - size + length;
}

static unsigned int mtu_of(int fd, const char *name)
{
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%.15s", name);
	return ioctl(fd, SIOCGIFMTU, &request) ? 1500 : request.ifr_mtu;
}

static void describe_interface(struct boot_network *boot, int fd, const struct ifaddrs *at)
{
	struct network_interface *interface;
	struct network_endpoint endpoint;
	struct address address;

	if (!at->ifa_addr || !strcmp(at->ifa_name, "lo"))
		return;
	interface = add_interface(boot, at->ifa_name, if_nametoindex(at->ifa_name), at->ifa_flags, mtu_of(fd, at->ifa_name));
	if (!interface)
		return;
	if (at->ifa_addr->sa_family == AF_PACKET) {
		const struct sockaddr_ll *link = (const struct sockaddr_ll *)at->ifa_addr;

		interface->type = link->sll_hatype;
		memcpy(interface->hardware, link->sll_addr, 6);
	}
	if (!at->ifa_netmask || (at->ifa_addr->sa_family != AF_INET && at->ifa_addr->sa_family != AF_INET6))
		return;
	endpoint_from_host((const struct sockaddr_storage *)at->ifa_addr, &endpoint);
	memcpy(address.bytes, endpoint.address, 16);
	add_address(boot, interface->index, &address, mask_length(at->ifa_netmask));
}

static void describe_routes4(struct boot_network *boot)
{
	FILE *file = fopen("/proc/thread-self/net/route", "re");
	char line[256], name[16];

	while (file && fgets(line, sizeof(line), file)) {
		unsigned int to, gateway, flags, metric, mask;
		struct address to_address, gateway_address;
		struct network_interface *interface;

		if (sscanf(line, "%15s %x %x %x %*u %*u %u %x", name, &to, &gateway, &flags, &metric, &mask) != 6)
			continue;
		interface = find_interface(boot, name);
		/* Those to the interfaces' own networks follow from the addresses. */
		if (!interface || !(flags & 1) || !gateway)
			continue;
		to_address = address_from_v4(ntohl(to));
		gateway_address = address_from_v4(ntohl(gateway));
		add_route(boot, interface->index, &to_address, 96 + __builtin_popcount(mask), &gateway_address, metric);
	}
	if (file)
		fclose(file);
}

static bool parse_hex(const char *text, struct address *ret_address)
{
	for (int i = 0; i < 16; i++) {
		unsigned int byte;

		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return false;
		ret_address->bytes[i] = byte;
	}
	return true;
}

static void describe_routes6(struct boot_network *boot)
{
	static const struct address none;
	FILE *file = fopen("/proc/thread-self/net/ipv6_route", "re");
	char line[512], to[40], gateway[40], name[16];

	while (file && fgets(line, sizeof(line), file)) {
		struct address to_address, gateway_address;
		struct network_interface *interface;
		unsigned int prefix, metric, flags;

		if (sscanf(line, "%39s %x %*s %*x %39s %x %*x %*x %x %15s", to, &prefix, gateway, &metric, &flags, name) != 6)
			continue;
		interface = find_interface(boot, name);
		if (!interface || !(flags & 1) || strlen(to) != 32 || strlen(gateway) != 32 || !parse_hex(to, &to_address) ||
		    !parse_hex(gateway, &gateway_address) || !memcmp(&gateway_address, &none, 16))
			continue;
		add_route(boot, interface->index, &to_address, prefix, &gateway_address, metric);
	}
	if (file)
		fclose(file);
}

int interfaces_describe(struct network *network, struct error *error)
{
	struct boot_network *boot = &network->boot;
	struct ifaddrs *list;
	int fd;

	if (boot->mode == NETWORK_OUTSIDE) {
		describe_outside(boot);
		return 0;
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || getifaddrs(&list)) {
		fail(error, errno, "cannot list the network's interfaces");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	for (const struct ifaddrs *at = list; at; at = at->ifa_next)
		describe_interface(boot, fd, at);
	freeifaddrs(list);
	close(fd);
	describe_routes4(boot);
	describe_routes6(boot);
	return 0;
}
