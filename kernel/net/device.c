// SPDX-License-Identifier: Apache-2.0
/* The container's interfaces, addresses and routes: small lists that are rarely changed and often asked. */
#include "kernel/net/device.h"

#include <linux/rtnetlink.h>

#include "kernel/init/initcall.h"
#include "kernel/mm/alloc.h"
#include "kernel/net/socket.h"

#define LOOPBACK_MTU 65536

struct net init_net = {
	.devices = LIST_HEAD_INIT(init_net.devices),
	.routes = LIST_HEAD_INIT(init_net.routes),
	.port_low = 32768,
	.port_high = 60999,
	.unprivileged_port_start = 1024,
};

struct net_device *net_device_find(struct net *net, int index)
{
	struct net_device *device;

	list_for_each_entry(device, &net->devices, link)
		if (device->index == index)
			return device;
	return NULL;
}

struct net_device *net_device_find_name(struct net *net, const char *name)
{
	struct net_device *device;

	list_for_each_entry(device, &net->devices, link)
		if (!strncmp(device->name, name, IFNAMSIZ))
			return device;
	return NULL;
}

struct net_device *net_device_add(struct net *net, const char *name, u16 type, int index)
{
	struct net_device *device = kzalloc(sizeof(*device));

	if (!device)
		return NULL;
	device->index = index ? index : net->last_index + 1;
	net->last_index = max(net->last_index, device->index);
	device->type = type;
	device->tx_queue_length = 1000;
	strlcpy(device->name, name, sizeof(device->name));
	list_init(&device->addresses);
	list_add_tail(&device->link, &net->devices);
	net->generation++;
	return device;
}

void net_device_remove(struct net *net, struct net_device *device)
{
	struct net_address *address, *next_address;
	struct net_route *route, *next;

	list_for_each_entry_safe(route, next, &net->routes, link)
		if (route->device == device->index)
			net_route_remove(net, route);
	list_for_each_entry_safe(address, next_address, &device->addresses, link)
		kfree(address);
	list_del(&device->link);
	kfree(device);
	net->generation++;
}

static struct net_address *find_address(struct net_device *device, const struct inet_addr *addr, unsigned prefix)
{
	struct net_address *address;

	list_for_each_entry(address, &device->addresses, link)
		if (address->prefix == prefix && inet_equal(&address->addr, addr))
			return address;
	return NULL;
}

/* The subnet of an address: the first `prefix` bits. */
static struct inet_addr subnet(const struct inet_addr *addr, unsigned prefix)
{
	struct inet_addr net = *addr;

	for (unsigned bit = prefix; bit < 128; bit++)
		net.bytes[bit / 8] &= (u8)~(0x80 >> bit % 8);
	return net;
}

static struct net_route subnet_route(const struct net_address *address)
{
	bool v4 = inet_is_v4(&address->addr);

	return (struct net_route){
		.to = subnet(&address->addr, address->prefix),
		.prefix = address->prefix,
		.protocol = RTPROT_KERNEL,
		.scope = v4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
		.type = RTN_UNICAST,
		.metric = v4 ? 0 : 256,
		.gateway = inet_any(v4 ? AF_INET : AF_INET6),
		.source = v4 ? address->addr : inet_any(AF_INET6),
		.device = address->device->index,
	};
}

/* In front of what an address is put: those of IPv6 stand by scope, the widest first, of equal ones the newest. */
static struct list_head *place_of(struct net_device *device, const struct net_address *address)
{
	struct net_address *other;

	if (!inet_is_v4(&address->addr))
		list_for_each_entry(other, &device->addresses, link)
			if (!inet_is_v4(&other->addr) && other->scope >= address->scope)
				return &other->link;
	return &device->addresses;
}

int net_address_add(struct net *net, struct net_device *device, const struct inet_addr *addr, unsigned prefix)
{
	struct net_address *address;
	struct net_route route;
	int error;

	if (find_address(device, addr, prefix))
		return -EEXIST;
	address = kzalloc(sizeof(*address));
	if (!address)
		return -ENOMEM;
	address->device = device;
	address->addr = *addr;
	address->prefix = (u8)prefix;
	address->scope = inet_is_loopback(addr)	    ? RT_SCOPE_HOST :
			 inet_is_link_local(addr) ? RT_SCOPE_LINK :
						    RT_SCOPE_UNIVERSE;
	if (!(device->flags & IFF_LOOPBACK) && prefix < 128) {
		route = subnet_route(address);
		error = net_route_add(net, &route);
		if (error && error != -EEXIST) {
			kfree(address);
			return error;
		}
		if (inet_is_v4(addr) && prefix < 127)
			address->broadcast = inet_from_v4(inet_v4(addr) | (u32)(0xffffffffULL >> (prefix - INET_V4_BITS)));
	}
	list_add_tail(&address->link, place_of(device, address));
	net->generation++;
	return 0;
}

int net_address_remove(struct net *net, struct net_device *device, const struct inet_addr *addr, unsigned prefix)
{
	struct net_address *address = find_address(device, addr, prefix);
	struct net_route *route, *next, gone;

	if (!address)
		return -EADDRNOTAVAIL;
	gone = subnet_route(address);
	list_for_each_entry_safe(route, next, &net->routes, link)
		if (route->device == gone.device && route->prefix == gone.prefix && inet_equal(&route->to, &gone.to) &&
		    (inet_equal(&route->source, &gone.source) || inet_equal(&route->source, addr)))
			net_route_remove(net, route);
	list_del(&address->link);
	kfree(address);
	net->generation++;
	return 0;
}

int net_route_add(struct net *net, const struct net_route *route)
{
	struct list_head *before = &net->routes;
	struct net_route *other, *copy;

	list_for_each_entry(other, &net->routes, link) {
		if (other->prefix == route->prefix && other->metric == route->metric && inet_equal(&other->to, &route->to) &&
		    inet_is_v4(&other->to) == inet_is_v4(&route->to))
			return -EEXIST;
		if (before == &net->routes && (other->prefix < route->prefix ||
					       (other->prefix == route->prefix && other->metric > route->metric)))
			before = &other->link;
	}
	copy = kmemdup(route, sizeof(*route));
	if (!copy)
		return -ENOMEM;
	list_add_tail(&copy->link, before);
	net->generation++;
	return 0;
}

void net_route_remove(struct net *net, struct net_route *route)
{
	list_del(&route->link);
	kfree(route);
	net->generation++;
}

static struct net_address *own_address(struct net *net, const struct inet_addr *addr, u32 scope)
{
	struct net_address *address;
	struct net_device *device;

	list_for_each_entry(device, &net->devices, link) {
		if (!(device->flags & IFF_UP) || (scope && (int)scope != device->index))
			continue;
		list_for_each_entry(address, &device->addresses, link) {
			if (inet_equal(&address->addr, addr))
				return address;
			/* All of lo's subnet is ours. */
			if (device->flags & IFF_LOOPBACK && inet_is_v4(addr) && inet_is_v4(&address->addr) &&
			    inet_prefix_equal(&address->addr, addr, address->prefix))
				return address;
		}
	}
	return NULL;
}

bool net_is_local(struct net *net, const struct inet_addr *addr, u32 scope)
{
	return own_address(net, addr, scope) != NULL;
}

bool net_is_broadcast(struct net *net, const struct inet_addr *addr)
{
	struct net_address *address;
	struct net_device *device;

	if (inet_is_broadcast(addr))
		return true;
	if (!inet_is_v4(addr) || inet_is_any4(addr))
		return false;
	list_for_each_entry(device, &net->devices, link)
		list_for_each_entry(address, &device->addresses, link)
			if (inet_equal(&address->broadcast, addr))
				return true;
	return false;
}

/* The device's address that fits `to` best: of the same subnet, of at least the same scope. */
static const struct net_address *source_on(const struct net_device *device, const struct inet_addr *to)
{
	const struct net_address *address, *best = NULL;

	list_for_each_entry(address, &device->addresses, link) {
		if (inet_is_v4(&address->addr) != inet_is_v4(to))
			continue;
		if (inet_prefix_equal(&address->addr, to, address->prefix))
			return address;
		if (!best || best->scope > address->scope)
			best = address;
	}
	return best;
}

/* A route's device is up, and it is the one that the caller wants. */
static struct net_device *usable(struct net *net, const struct net_route *route, int device)
{
	struct net_device *found;

	if (device && route->device != device)
		return NULL;
	found = net_device_find(net, route->device);
	return found && found->flags & IFF_UP ? found : NULL;
}

static int route_outside(struct net *net, const struct inet_addr *to, const struct inet_addr *source, int wanted, struct net_path *ret_path)
{
	const struct net_address *address;
	struct net_device *device = NULL;
	struct net_route *route;

	list_for_each_entry(route, &net->routes, link) {
		if (inet_is_v4(&route->to) != inet_is_v4(to) || !inet_prefix_equal(&route->to, to, route->prefix))
			continue;
		device = usable(net, route, wanted);
		if (device)
			break;
	}
	if (!device)
		return -ENETUNREACH;
	if (route->type == RTN_UNREACHABLE)
		return -EHOSTUNREACH;
	if (route->type != RTN_UNICAST)
		return route->type == RTN_PROHIBIT ? -EACCES : -EINVAL;
	if (source && inet_is_loopback(source))
		return -EINVAL;
	address = inet_is_any(&route->source) ? source_on(device, to) : NULL;
	ret_path->kind = inet_is_multicast(to) ? NET_MULTICAST : net_is_broadcast(net, to) ? NET_BROADCAST : NET_OUTSIDE;
	ret_path->source = address ? address->addr : route->source;
	ret_path->device = device->index;
	ret_path->mtu = device->mtu;
	return 0;
}

int net_route(struct net *net, const struct inet_addr *to, const struct inet_addr *source, int device, struct net_path *ret_path)
{
	const struct net_address *own = own_address(net, to, 0);
	int error;

	if (source && inet_is_any(source))
		source = NULL;
	if (device && !net_device_find(net, device))
		return -ENODEV;
	/* Bound to another device, our own addresses are to be found outside: where they are not. */
	if (own && (!device || device == own->device->index || net_device_find(net, device)->flags & IFF_LOOPBACK)) {
		ret_path->kind = NET_LOCAL;
		ret_path->source = own->addr;
		ret_path->device = 1;
		ret_path->mtu = LOOPBACK_MTU;
	} else {
		error = route_outside(net, to, source, device, ret_path);
		if (error)
			return error;
	}
	if (source)
		ret_path->source = *source;
	return 0;
}

/* lo is up from the start, with 127.0.0.1/8 and ::1/128. */
static int loopback_init(void)
{
	struct net_device *lo = net_device_add(&init_net, "lo", ARPHRD_LOOPBACK, 1);
	struct inet_addr v4 = inet_from_v4(0x7f000001), v6 = inet_loopback6();
	int error;

	if (!lo)
		return -ENOMEM;
	lo->flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING | IFF_LOWER_UP;
	lo->mtu = LOOPBACK_MTU;
	error = net_address_add(&init_net, lo, &v4, INET_V4_BITS + 8);
	return error ? error : net_address_add(&init_net, lo, &v6, 128);
}
INITCALL(loopback, loopback_init, "");
