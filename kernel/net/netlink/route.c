// SPDX-License-Identifier: Apache-2.0
/*
 * Routes over netlink: RTM_GETROUTE, RTM_NEWROUTE, RTM_DELROUTE, and the rules, of which there are the usual ones. Routes of table main can be
 * changed; those of table local follow from the addresses, other tables do not exist.
 */
#include <linux/fib_rules.h>

#include "kernel/mm/alloc.h"
#include "kernel/net/netlink/netlink.h"

#define RTCF_LOCAL 0x80000000U

/* A route as it is told. */
struct told {
	struct net_route route;
	u8 table;
};

static void write_route(struct nl_writer *w, const struct told *told, u16 type, u16 flags, u32 seq, u32 port)
{
	const struct net_route *route = &told->route;
	struct rtmsg *info = nl_begin(w, type, flags, seq, port, sizeof(*info));
	bool v4 = inet_is_v4(&route->to);
	struct rta_cacheinfo times = { 0 };

	info->rtm_family = v4 ? AF_INET : AF_INET6;
	info->rtm_dst_len = (u8)(route->prefix - (v4 ? INET_V4_BITS : 0));
	info->rtm_table = told->table;
	info->rtm_protocol = route->protocol;
	info->rtm_scope = route->scope;
	info->rtm_type = route->type;
	nl_put_u32(w, RTA_TABLE, told->table);
	if (info->rtm_dst_len)
		nl_put_addr(w, RTA_DST, &route->to);
	if (route->metric || !v4)
		nl_put_u32(w, RTA_PRIORITY, route->metric);
	if (!inet_is_any(&route->source))
		nl_put_addr(w, RTA_PREFSRC, &route->source);
	if (!inet_is_any(&route->gateway))
		nl_put_addr(w, RTA_GATEWAY, &route->gateway);
	/* A route to nowhere has no device; of IPv6 it is lo. */
	if (route->device && (!v4 || route->type == RTN_UNICAST || told->table == RT_TABLE_LOCAL))
		nl_put_u32(w, RTA_OIF, (u32)route->device);
	if (!v4) {
		nl_put(w, RTA_CACHEINFO, &times, sizeof(times));
		nl_put_u8(w, RTA_PREF, 0);
	}
	nl_end(w);
}

static void dump_one(struct nl_request *r, const struct told *told)
{
	write_route(r->writer, told, RTM_NEWROUTE, NLM_F_MULTI, r->header->nlmsg_seq, nl_port(r));
	nl_dump_add(r);
}

static void dump_local(struct nl_request *r, const struct net_address *address, struct inet_addr to, unsigned prefix, u8 type)
{
	bool v4 = inet_is_v4(&to);
	struct told told = {
		.table = RT_TABLE_LOCAL,
		.route = {
			.to = to,
			.prefix = (u8)prefix,
			.protocol = RTPROT_KERNEL,
			.scope = !v4 ? RT_SCOPE_UNIVERSE : type == RTN_LOCAL ? RT_SCOPE_HOST : RT_SCOPE_LINK,
			.type = type,
			.gateway = inet_any(v4 ? AF_INET : AF_INET6),
			.source = v4 ? address->addr : inet_any(AF_INET6),
			.device = address->device->index,
		},
	};

	dump_one(r, &told);
}

static void dump_local_of(struct nl_request *r, const struct net_address *address)
{
	u32 mask, v4;

	if (!inet_is_v4(&address->addr)) {
		dump_local(r, address, address->addr, 128, RTN_LOCAL);
		return;
	}
	v4 = inet_v4(&address->addr);
	mask = address->prefix == INET_V4_BITS ? 0 : ~0U << (128 - address->prefix);
	if (address->device->flags & IFF_LOOPBACK && address->prefix < 128)
		dump_local(r, address, inet_from_v4(v4 & mask), address->prefix, RTN_LOCAL);
	dump_local(r, address, address->addr, 128, RTN_LOCAL);
	if (address->prefix < 127 && address->device->flags & IFF_UP)
		dump_local(r, address, inet_from_v4(v4 | ~mask), 128, RTN_BROADCAST);
}

static void dump_family(struct nl_request *r, int family, u8 table)
{
	const struct net_route *route = NULL;
	struct net_address *address;
	struct net_device *device;

	while ((!table || table == RT_TABLE_MAIN) && (route = net_route_next(r->net, family, route))) {
		struct told told = { .route = *route, .table = RT_TABLE_MAIN };

		dump_one(r, &told);
	}
	if (table && table != RT_TABLE_LOCAL)
		return;
	list_for_each_entry(device, &r->net->devices, link) {
		/* Of a device that is down Linux goes on to show them, but for broadcast. */
		list_for_each_entry(address, &device->addresses, link)
			if (inet_is_v4(&address->addr) == (family == AF_INET))
				dump_local_of(r, address);
	}
}

int nl_dump_routes(struct nl_request *r)
{
	int family = r->payload[0];
	struct nl_attrs attrs;
	u32 table = 0;

	if (r->from->strict && r->length >= sizeof(struct rtmsg)) {
		struct rtmsg info;

		memcpy(&info, r->payload, sizeof(info));
		table = info.rtm_table;
		if (nl_parse(&attrs, r->payload + sizeof(info), r->length - (u32)sizeof(info)) || nl_get_u32(&attrs, RTA_TABLE, &table))
			return -EINVAL;
		if (table && table != RT_TABLE_MAIN && table != RT_TABLE_LOCAL && table != RT_TABLE_DEFAULT)
			return -ENOENT;
	}
	if (family == AF_UNSPEC || family == AF_INET)
		dump_family(r, AF_INET, (u8)table);
	if (family == AF_UNSPEC || family == AF_INET6)
		dump_family(r, AF_INET6, (u8)table);
	return 0;
}

/* The way to an address, as the kernel would take it. */
static void write_path(struct nl_request *r, int family, const struct inet_addr *to, const struct inet_addr *from, const struct net_path *path)
{
	struct nl_writer *w = r->writer;
	struct rtmsg *info = nl_begin(w, RTM_NEWROUTE, 0, r->header->nlmsg_seq, nl_port(r), sizeof(*info));
	bool local = path->kind == NET_LOCAL, v4 = family == AF_INET, on_lo = path->device == 1;
	const struct net_route *route = local ? NULL : net_route_to(r->net, to, path->device);
	struct rta_cacheinfo times = { 0 };

	*info = (struct rtmsg){
		.rtm_family = (u8)family,
		.rtm_dst_len = v4 ? 32 : 128,
		.rtm_src_len = v4 ? 0 : 128,
		.rtm_table = !v4 && local ? RT_TABLE_LOCAL : RT_TABLE_MAIN,
		.rtm_protocol = v4 ? RTPROT_UNSPEC : route ? route->protocol : RTPROT_KERNEL,
		.rtm_type = local ? RTN_LOCAL : path->kind == NET_MULTICAST ? RTN_MULTICAST : path->kind == NET_BROADCAST ? RTN_BROADCAST : RTN_UNICAST,
		.rtm_flags = v4 ? RTM_F_CLONED | (local || on_lo ? RTCF_LOCAL : 0) : 0,
	};
	nl_put_u32(w, RTA_TABLE, info->rtm_table);
	nl_put_addr(w, RTA_DST, to);
	if (!v4)
		nl_put_addr(w, RTA_SRC, from);
	nl_put_u32(w, RTA_OIF, (u32)path->device);
	nl_put_addr(w, RTA_PREFSRC, &path->source);
	if (route && !inet_is_any(&route->gateway))
		nl_put_addr(w, RTA_GATEWAY, &route->gateway);
	if (v4)
		nl_put_u32(w, RTA_UID, current->cred->fsuid);
	else
		nl_put_u32(w, RTA_PRIORITY, route ? route->metric : 0);
	nl_put(w, RTA_CACHEINFO, &times, sizeof(times));
	if (!v4)
		nl_put_u8(w, RTA_PREF, 0);
	nl_end(w);
}

int nl_get_route(struct nl_request *r)
{
	struct inet_addr to, from;
	struct net_path path;
	struct nl_attrs attrs;
	struct rtmsg info;
	int error, family, given;
	u32 device = 0;

	memcpy(&info, r->payload, sizeof(info));
	family = info.rtm_family;
	if (family != AF_INET && family != AF_INET6)
		return -EOPNOTSUPP;
	to = from = inet_any(family);
	error = nl_parse(&attrs, r->payload + sizeof(info), r->length - (u32)sizeof(info));
	if (!error)
		error = nl_get_u32(&attrs, RTA_OIF, &device);
	given = error ? 0 : nl_get_addr(&attrs, RTA_DST, family, &to);
	if (!error && (given < 0 || nl_get_addr(&attrs, RTA_SRC, family, &from) < 0))
		error = -EINVAL;
	if (error)
		return error;
	if (inet_is_any(&to))
		to = family == AF_INET ? inet_from_v4(0x7f000001) : inet_loopback6();
	error = net_route(r->net, &to, &from, (int)device, &path);
	if (error)
		return error;
	write_path(r, family, &to, &from, &path);
	nl_deliver(r->from, r->writer->data, r->writer->length, 0, false);
	return 0;
}

static void notify(const struct nl_request *r, const struct net_route *route, u16 type)
{
	u32 group = inet_is_v4(&route->to) ? RTNLGRP_IPV4_ROUTE : RTNLGRP_IPV6_ROUTE;
	struct told told = { .route = *route, .table = RT_TABLE_MAIN };
	struct nl_writer *w;

	if (!nl_has_listeners(NETLINK_ROUTE, group))
		return;
	w = kmalloc(sizeof(*w));
	if (!w)
		return;
	write_route(w, &told, type, 0, r->header->nlmsg_seq, nl_port(r));
	nl_broadcast(NETLINK_ROUTE, group, w->data, w->length);
	kfree(w);
}

/* The route that a message describes, and which of its parts were given. */
struct wanted {
	struct net_route route;
	bool has_device, has_gateway, has_metric, has_source;
};

static int parse_attributes(struct wanted *want, const struct nl_attrs *attrs, int family)
{
	u32 device = 0;
	int to, gateway, source;

	to = nl_get_addr(attrs, RTA_DST, family, &want->route.to);
	gateway = nl_get_addr(attrs, RTA_GATEWAY, family, &want->route.gateway);
	source = nl_get_addr(attrs, RTA_PREFSRC, family, &want->route.source);
	if (to < 0 || gateway < 0 || source < 0 || nl_get_u32(attrs, RTA_OIF, &device) || nl_get_u32(attrs, RTA_PRIORITY, &want->route.metric))
		return -EINVAL;
	want->route.device = (int)device;
	want->has_device = device != 0;
	want->has_gateway = gateway && !inet_is_any(&want->route.gateway);
	want->has_source = source;
	want->has_metric = attrs->attr[RTA_PRIORITY] != NULL;
	return attrs->attr[RTA_MULTIPATH] || attrs->attr[RTA_VIA] || attrs->attr[RTA_ENCAP] ? -EOPNOTSUPP : 0;
}

static int parse(struct nl_request *r, struct wanted *want)
{
	struct nl_attrs attrs;
	struct rtmsg info;
	u32 table;
	int error;

	memset(want, 0, sizeof(*want));
	memcpy(&info, r->payload, sizeof(info));
	if (info.rtm_family != AF_INET && info.rtm_family != AF_INET6)
		return -EOPNOTSUPP;
	if (info.rtm_dst_len > (info.rtm_family == AF_INET ? 32 : 128))
		return -EINVAL;
	error = nl_parse(&attrs, r->payload + sizeof(info), r->length - (u32)sizeof(info));
	if (error)
		return error;
	want->route = (struct net_route){
		.to = inet_any(info.rtm_family),
		.prefix = (u8)(info.rtm_dst_len + (info.rtm_family == AF_INET ? INET_V4_BITS : 0)),
		.protocol = info.rtm_protocol,
		.scope = info.rtm_scope,
		.type = info.rtm_type,
		.metric = info.rtm_family == AF_INET ? 0 : 1024,
		.gateway = inet_any(info.rtm_family),
		.source = inet_any(info.rtm_family),
	};
	error = parse_attributes(want, &attrs, info.rtm_family);
	table = info.rtm_table;
	if (!error)
		error = nl_get_u32(&attrs, RTA_TABLE, &table);
	if (error)
		return error;
	return table && table != RT_TABLE_MAIN ? -EOPNOTSUPP : 0;
}

/* Bits behind the prefix must be zero. */
static bool is_subnet(const struct net_route *route)
{
	for (unsigned bit = route->prefix; bit < 128; bit++)
		if (route->to.bytes[bit / 8] & 0x80 >> bit % 8)
			return false;
	return true;
}

/* Finds the way to the gateway, which must be a neighbour. */
static int complete(struct nl_request *r, struct wanted *want)
{
	struct net_device *device;
	struct net_path path;
	struct inet_addr via;

	if (want->route.type == RTN_UNREACHABLE || want->route.type == RTN_PROHIBIT || want->route.type == RTN_BLACKHOLE) {
		want->route.device = 1;
		return 0;
	}
	if (want->route.type != RTN_UNICAST)
		return -EINVAL;
	if (want->has_gateway) {
		if (net_route(r->net, &want->route.gateway, NULL, want->route.device, &path))
			return inet_is_v4(&want->route.to) ? -ENETUNREACH : -EHOSTUNREACH;
		via = net_gateway(r->net, &want->route.gateway, path.device);
		if (path.kind != NET_OUTSIDE || !inet_is_any(&via))
			return path.kind == NET_LOCAL ? -EINVAL : -ENETUNREACH;
		want->route.device = path.device;
	}
	device = net_device_find(r->net, want->route.device);
	if (!device)
		return -ENODEV;
	if (!(device->flags & IFF_UP))
		return -ENETDOWN;
	return want->has_source && !net_is_local(r->net, &want->route.source, 0) ? -EINVAL : 0;
}

static struct net_route *find(struct nl_request *r, const struct wanted *want)
{
	struct net_route *route;

	list_for_each_entry(route, &r->net->routes, link) {
		if (inet_is_v4(&route->to) != inet_is_v4(&want->route.to) || route->prefix != want->route.prefix ||
		    !inet_equal(&route->to, &want->route.to))
			continue;
		if ((want->has_device && route->device != want->route.device) || (want->has_metric && route->metric != want->route.metric) ||
		    (want->has_gateway && !inet_equal(&route->gateway, &want->route.gateway)))
			continue;
		return route;
	}
	return NULL;
}

int nl_new_route(struct nl_request *r)
{
	u16 flags = r->header->nlmsg_flags;
	struct net_route *old;
	struct wanted want, same;
	int error = parse(r, &want);

	if (error)
		return error;
	if (!is_subnet(&want.route))
		return -EINVAL;
	error = complete(r, &want);
	if (error)
		return error;
	same = want;
	same.has_device = same.has_gateway = false;
	same.has_metric = true;
	old = find(r, &same);
	if (old && flags & NLM_F_EXCL)
		return -EEXIST;
	if (!old && !(flags & NLM_F_CREATE))
		return -ENOENT;
	if (old && !(flags & NLM_F_REPLACE))
		return -EEXIST;
	if (old)
		net_route_remove(r->net, old);
	error = net_route_add(r->net, &want.route);
	if (!error)
		notify(r, &want.route, RTM_NEWROUTE);
	return error;
}

int nl_del_route(struct nl_request *r)
{
	struct net_route *route, copy;
	struct wanted want;
	int error = parse(r, &want);

	if (error)
		return error;
	route = find(r, &want);
	if (!route)
		return -ESRCH;
	copy = *route;
	net_route_remove(r->net, route);
	notify(r, &copy, RTM_DELROUTE);
	return 0;
}

static void dump_rule(struct nl_request *r, int family, u32 priority, u8 table)
{
	struct fib_rule_hdr *rule = nl_begin(r->writer, RTM_NEWRULE, NLM_F_MULTI, r->header->nlmsg_seq, nl_port(r), sizeof(*rule));

	*rule = (struct fib_rule_hdr){ .family = (u8)family, .table = table, .action = FR_ACT_TO_TBL };
	nl_put_u32(r->writer, FRA_TABLE, table);
	nl_put_u32(r->writer, FRA_SUPPRESS_PREFIXLEN, ~0U);
	nl_put_u8(r->writer, FRA_PROTOCOL, RTPROT_KERNEL);
	if (priority)
		nl_put_u32(r->writer, FRA_PRIORITY, priority);
	nl_dump_add(r);
}

int nl_dump_rules(struct nl_request *r)
{
	int family = r->payload[0];

	if (family == AF_UNSPEC || family == AF_INET) {
		dump_rule(r, AF_INET, 0, RT_TABLE_LOCAL);
		dump_rule(r, AF_INET, 32766, RT_TABLE_MAIN);
		dump_rule(r, AF_INET, 32767, RT_TABLE_DEFAULT);
	}
	if (family == AF_UNSPEC || family == AF_INET6) {
		dump_rule(r, AF_INET6, 0, RT_TABLE_LOCAL);
		dump_rule(r, AF_INET6, 32766, RT_TABLE_MAIN);
	}
	return 0;
}
