// SPDX-License-Identifier: Apache-2.0
/* Addresses over netlink: RTM_GETADDR, RTM_NEWADDR, RTM_DELADDR. */
#include <linux/if_addr.h>

#include "kernel/mm/alloc.h"
#include "kernel/net/netlink/netlink.h"

#define FOREVER 0xffffffffU
#define PROTO_KERNEL_LO 1 /* IFAPROT_KERNEL_LO */

static void write_addr(struct nl_writer *w, const struct net_address *address, u16 type, u16 flags, u32 seq, u32 port)
{
	struct ifaddrmsg *info = nl_begin(w, type, flags, seq, port, sizeof(*info));
	struct ifa_cacheinfo times = { .ifa_prefered = FOREVER, .ifa_valid = FOREVER };
	bool v4 = inet_is_v4(&address->addr);

	info->ifa_family = v4 ? AF_INET : AF_INET6;
	info->ifa_prefixlen = (u8)(address->prefix - (v4 ? INET_V4_BITS : 0));
	info->ifa_flags = IFA_F_PERMANENT;
	info->ifa_scope = address->scope;
	info->ifa_index = (u32)address->device->index;
	nl_put_addr(w, IFA_ADDRESS, &address->addr);
	if (!v4)
		nl_put(w, IFA_CACHEINFO, &times, sizeof(times));
	if (v4) {
		nl_put_addr(w, IFA_LOCAL, &address->addr);
		if (inet_is_v4(&address->broadcast) && !inet_is_any4(&address->broadcast))
			nl_put_addr(w, IFA_BROADCAST, &address->broadcast);
		nl_put_string(w, IFA_LABEL, address->device->name);
	}
	nl_put_u32(w, IFA_FLAGS, IFA_F_PERMANENT);
	if (v4)
		nl_put(w, IFA_CACHEINFO, &times, sizeof(times));
	nl_end(w);
}

static void notify(const struct nl_request *r, const struct net_address *address, u16 type)
{
	u32 group = inet_is_v4(&address->addr) ? RTNLGRP_IPV4_IFADDR : RTNLGRP_IPV6_IFADDR;
	struct nl_writer *w;

	if (!nl_has_listeners(NETLINK_ROUTE, group))
		return;
	w = kmalloc(sizeof(*w));
	if (!w)
		return;
	write_addr(w, address, type, 0, r->header->nlmsg_seq, nl_port(r));
	nl_broadcast(NETLINK_ROUTE, group, w->data, w->length);
	kfree(w);
}

static void dump_family(struct nl_request *r, int family, int index)
{
	struct net_address *address;
	struct net_device *device;

	list_for_each_entry(device, &r->net->devices, link) {
		if (index && device->index != index)
			continue;
		list_for_each_entry(address, &device->addresses, link) {
			if (inet_is_v4(&address->addr) != (family == AF_INET))
				continue;
			write_addr(r->writer, address, RTM_NEWADDR, NLM_F_MULTI | (index ? NLM_F_DUMP_FILTERED : 0), r->header->nlmsg_seq,
				   nl_port(r));
			nl_dump_add(r);
		}
	}
}

int nl_dump_addrs(struct nl_request *r)
{
	int family = r->payload[0], index = 0;

	/* The index counts only for those who ask for strict checks: others leave it uninitialised. */
	if (r->from->strict) {
		struct ifaddrmsg info;

		if (r->length < sizeof(info))
			return -EINVAL;
		memcpy(&info, r->payload, sizeof(info));
		index = (int)info.ifa_index;
		if (index && !net_device_find(r->net, index))
			return -ENODEV;
	}
	if (family != AF_INET6)
		dump_family(r, AF_INET, index);
	if (family != AF_INET)
		dump_family(r, AF_INET6, index);
	return 0;
}

/* What NEWADDR and DELADDR are about. */
struct wanted {
	struct ifaddrmsg info;
	struct net_device *device;
	struct inet_addr addr;
	bool has_addr;
	unsigned prefix; /* as in struct net_address */
};

static int parse(struct nl_request *r, struct wanted *want)
{
	struct inet_addr peer;
	struct nl_attrs attrs;
	int error, local, other;

	memcpy(&want->info, r->payload, sizeof(want->info));
	if (want->info.ifa_family != AF_INET && want->info.ifa_family != AF_INET6)
		return -EOPNOTSUPP;
	if (want->info.ifa_prefixlen > (want->info.ifa_family == AF_INET ? 32 : 128))
		return -EINVAL;
	error = nl_parse(&attrs, r->payload + sizeof(want->info), r->length - (u32)sizeof(want->info));
	if (error)
		return error;
	want->device = net_device_find(r->net, (int)want->info.ifa_index);
	want->prefix = want->info.ifa_prefixlen + (want->info.ifa_family == AF_INET ? INET_V4_BITS : 0);
	local = nl_get_addr(&attrs, IFA_LOCAL, want->info.ifa_family, &want->addr);
	other = nl_get_addr(&attrs, IFA_ADDRESS, want->info.ifa_family, &peer);
	if (local < 0 || other < 0)
		return -EINVAL;
	if (!local && want->info.ifa_family == AF_INET6 && other)
		want->addr = peer;
	else if (local && other && !inet_equal(&want->addr, &peer))
		return -EOPNOTSUPP; /* point to point */
	want->has_addr = local || (want->info.ifa_family == AF_INET6 && other);
	return 0;
}

static struct net_address *find(const struct wanted *want, bool any_prefix)
{
	struct net_address *address;

	list_for_each_entry(address, &want->device->addresses, link)
		if (inet_equal(&address->addr, &want->addr) && (any_prefix || address->prefix == want->prefix))
			return address;
	return NULL;
}

int nl_new_addr(struct nl_request *r)
{
	bool v6 = r->payload[0] == AF_INET6;
	struct net_address *address;
	struct wanted want;
	int error = parse(r, &want);

	if (error)
		return error;
	if (!want.has_addr)
		return -EINVAL;
	if (!want.device)
		return -ENODEV;
	if (v6 && (inet_is_any6(&want.addr) || inet_is_multicast(&want.addr)))
		return -EADDRNOTAVAIL;
	address = find(&want, v6);
	if (address)
		return r->header->nlmsg_flags & NLM_F_REPLACE && !(r->header->nlmsg_flags & NLM_F_EXCL) ? 0 : -EEXIST;
	error = net_address_add(r->net, want.device, &want.addr, want.prefix);
	if (error)
		return error;
	address = find(&want, false);
	if (!v6)
		address->scope = want.info.ifa_scope;
	notify(r, address, RTM_NEWADDR);
	return 0;
}

int nl_del_addr(struct nl_request *r)
{
	struct net_address *address, copy;
	struct wanted want;
	int error = parse(r, &want);

	if (error)
		return error;
	if (!want.device)
		return -ENODEV;
	address = want.has_addr ? find(&want, false) : NULL;
	if (!address)
		return -EADDRNOTAVAIL;
	copy = *address;
	error = net_address_remove(r->net, want.device, &copy.addr, copy.prefix);
	if (!error)
		notify(r, &copy, RTM_DELADDR);
	return error;
}
