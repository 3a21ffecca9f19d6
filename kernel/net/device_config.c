// SPDX-License-Identifier: Apache-2.0
#include "kernel/net/device_config.h"

#include "kernel/net/netlink/netlink.h"

static int add_missing(struct net *net, struct net_device *device, struct inet_addr addr, unsigned prefix)
{
	int error = net_address_add(net, device, &addr, prefix);

	return error == -EEXIST ? 0 : error;
}

/* Linux gives 127.0.0.1 to a lo that has no address, and ::1 to each. */
static int loopback_up(struct net *net, struct net_device *device)
{
	struct net_address *address;
	bool has_v4 = false;
	int error = 0;

	list_for_each_entry(address, &device->addresses, link)
		has_v4 |= inet_is_v4(&address->addr);
	if (!has_v4)
		error = add_missing(net, device, inet_from_v4(0x7f000001), INET_V4_BITS + 8);
	return error ? error : add_missing(net, device, inet_loopback6(), 128);
}

/* The subnets of its addresses are reachable again. */
static int restore_routes(struct net *net, struct net_device *device)
{
	struct net_address *address, copy;
	unsigned nr = 0;
	int error;

	if (device->flags & IFF_LOOPBACK)
		return 0;
	list_for_each_entry(address, &device->addresses, link)
		nr++;
	/* Each is taken from the front and added again. */
	while (nr--) {
		copy = *list_first_entry(&device->addresses, struct net_address, link);
		net_address_remove(net, device, &copy.addr, copy.prefix);
		error = net_address_add(net, device, &copy.addr, copy.prefix);
		if (error)
			return error;
	}
	return 0;
}

static void take_down(struct net *net, struct net_device *device)
{
	struct net_address *address, *next_address;
	struct net_route *route, *next;

	list_for_each_entry_safe(route, next, &net->routes, link)
		if (route->device == device->index)
			net_route_remove(net, route);
	list_for_each_entry_safe(address, next_address, &device->addresses, link)
		if (!inet_is_v4(&address->addr))
			net_address_remove(net, device, &address->addr, address->prefix);
}

int device_set_up(struct net *net, struct net_device *device, bool up)
{
	if (up == !!(device->flags & IFF_UP))
		return 0;
	if (up) {
		int error = device->flags & IFF_LOOPBACK ? loopback_up(net, device) : restore_routes(net, device);

		if (error)
			return error;
		device->flags |= IFF_UP | IFF_RUNNING | IFF_LOWER_UP;
	} else {
		take_down(net, device);
		device->flags &= ~(unsigned)(IFF_UP | IFF_RUNNING | IFF_LOWER_UP);
	}
	net->generation++;
	nl_notify_link(net, device);
	return 0;
}

int device_set_mtu(struct net *net, struct net_device *device, u32 mtu)
{
	bool loopback = device->flags & IFF_LOOPBACK;

	if (mtu > INT32_MAX || (!loopback && (mtu < 68 || mtu > 65535)))
		return -EINVAL;
	device->mtu = mtu;
	net->generation++;
	nl_notify_link(net, device);
	return 0;
}

static bool valid_name(const char *name)
{
	if (!*name || strlen(name) >= IFNAMSIZ || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (; *name; name++)
		if (*name == '/' || *name == ':' || *name == ' ' || (*name >= '\t' && *name <= '\r'))
			return false;
	return true;
}

int device_rename(struct net *net, struct net_device *device, const char *name)
{
	if (!strcmp(device->name, name))
		return 0;
	if (!valid_name(name))
		return -EINVAL;
	if (net_device_find_name(net, name))
		return -EEXIST;
	strlcpy(device->name, name, sizeof(device->name));
	net->generation++;
	nl_notify_link(net, device);
	return 0;
}

const struct net_route *net_route_to(struct net *net, const struct inet_addr *to, int device)
{
	struct net_route *route;

	list_for_each_entry(route, &net->routes, link)
		if (route->device == device && inet_is_v4(&route->to) == inet_is_v4(to) && inet_prefix_equal(&route->to, to, route->prefix))
			return route;
	return NULL;
}

struct inet_addr net_gateway(struct net *net, const struct inet_addr *to, int device)
{
	const struct net_route *route = net_route_to(net, to, device);

	return route ? route->gateway : inet_any(inet_is_v4(to) ? AF_INET : AF_INET6);
}

/* By address, then the longer prefix, then the lower metric. The default route comes first of IPv4, last of IPv6. */
static int compare(const struct net_route *a, const struct net_route *b)
{
	int order = memcmp(a->to.bytes, b->to.bytes, sizeof(a->to.bytes));

	if (!inet_is_v4(&a->to) && !a->prefix != !b->prefix)
		return a->prefix ? -1 : 1;
	if (order)
		return order;
	if (a->prefix != b->prefix)
		return a->prefix > b->prefix ? -1 : 1;
	return a->metric < b->metric ? -1 : a->metric > b->metric;
}

const struct net_route *net_route_next(struct net *net, int family, const struct net_route *after)
{
	const struct net_route *best = NULL;
	struct net_route *route;

	list_for_each_entry(route, &net->routes, link) {
		if (inet_is_v4(&route->to) != (family == AF_INET) || (after && compare(route, after) <= 0))
			continue;
		if (!best || compare(route, best) < 0)
			best = route;
	}
	return best;
}
