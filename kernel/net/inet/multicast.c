// SPDX-License-Identifier: Apache-2.0
/*
 * Multicast groups of datagram sockets. Inside of a container they are reached over lo, or any interface: a datagram goes to those
 * who joined its group on that interface, from the sources that they want. Nothing is joined on the host.
 */
#include <linux/rtnetlink.h>

#include "kernel/mm/alloc.h"
#include "kernel/net/inet/dgram.h"

#define MAX_GROUPS 20 /* per socket, net.ipv4.igmp_max_memberships */

struct joined {
	struct list_head link;
	struct inet_addr addr;
	int device;
	unsigned sockets;
};
static LIST_HEAD(all_joined);

static struct joined *find_joined(const struct inet_addr *addr, int device)
{
	struct joined *j;

	list_for_each_entry(j, &all_joined, link)
		if (j->device == device && inet_equal(&j->addr, addr))
			return j;
	return NULL;
}

bool multicast_joined(struct net *net, const struct inet_addr *addr, int device)
{
	/* All hosts, all nodes. */
	if (inet_is_v4(addr) ? inet_v4(addr) == 0xe0000001 :
			       (addr->bytes[1] & 15) <= 2 && !addr->words[1] && !addr->words[2] && addr->words[3] == net32(1))
		return true;
	return find_joined(addr, device) != NULL;
}

static struct group *find_group(const struct dgram_sock *s, const struct inet_addr *addr, int device)
{
	struct group *g;

	list_for_each_entry(g, &s->groups, link)
		if (inet_equal(&g->addr, addr) && (!device || g->device == device))
			return g;
	return NULL;
}

static int find_source(const struct group *g, const struct inet_addr *source)
{
	for (unsigned i = 0; i < g->nr_sources; i++)
		if (inet_equal(&g->sources[i], source))
			return (int)i;
	return -1;
}

bool multicast_member(const struct dgram_sock *s, const struct inet_addr *addr, int device, const struct inet_addr *from)
{
	const struct group *g = find_group(s, addr, device);

	if (g)
		return g->include == (find_source(g, from) >= 0);
	return inet_is_v4(addr) ? s->inet.options.multicast_all : s->inet.options.multicast_all6;
}

int multicast_path(struct net *net, const struct inet_addr *to, int index, const struct inet_addr *source, struct net_path *ret_path)
{
	struct net_device *device = net_device_find(net, index);
	struct net_address *address;

	/* Of IPv6 lo has no route to groups. */
	if (!device || !(device->flags & IFF_UP) || (device->flags & IFF_LOOPBACK && !inet_is_v4(to)))
		return -ENETUNREACH;
	*ret_path = (struct net_path){ .kind = NET_MULTICAST, .device = index, .mtu = device->mtu };
	if (source && !inet_is_any(source)) {
		ret_path->source = *source;
		return 0;
	}
	list_for_each_entry(address, &device->addresses, link) {
		if (inet_is_v4(&address->addr) == inet_is_v4(to) && (!inet_is_v4(to) || address->scope <= RT_SCOPE_LINK)) {
			ret_path->source = address->addr;
			return 0;
		}
	}
	/* As Linux has it: 127.0.0.1 is no source for what may leave the host. */
	ret_path->source = inet_from_v4(0);
	return inet_is_v4(to) ? 0 : -EADDRNOTAVAIL;
}

static int join(struct dgram_sock *s, const struct inet_addr *addr, int device)
{
	struct joined *j = find_joined(addr, device);
	struct group *g;
	unsigned n = 0;

	list_for_each_entry(g, &s->groups, link)
		n++;
	if (find_group(s, addr, device))
		return -EADDRINUSE;
	if (n >= MAX_GROUPS && inet_is_v4(addr))
		return -ENOBUFS;
	g = kzalloc(sizeof(*g));
	if (!g)
		return -ENOBUFS;
	if (!j) {
		j = kzalloc(sizeof(*j));
		if (!j) {
			kfree(g);
			return -ENOBUFS;
		}
		j->addr = *addr;
		j->device = device;
		list_add(&j->link, &all_joined);
	}
	j->sockets++;
	g->addr = *addr;
	g->device = device;
	list_add_tail(&g->link, &s->groups);
	return 0;
}

static void leave(struct group *g)
{
	struct joined *j = find_joined(&g->addr, g->device);

	if (!--j->sockets) {
		list_del(&j->link);
		kfree(j);
	}
	list_del(&g->link);
	kfree(g);
}

void multicast_leave_all(struct dgram_sock *s)
{
	while (!list_empty(&s->groups))
		leave(list_first_entry(&s->groups, struct group, link));
}

static int join_or_leave(struct dgram_sock *s, const struct inet_addr *addr, int device, bool joining)
{
	struct group *g;

	if (joining)
		return join(s, addr, device);
	g = find_group(s, addr, device);
	if (!g)
		return -EADDRNOTAVAIL;
	leave(g);
	return 0;
}

/* Which device has this address; 0: none. */
static int device_of(struct net *net, const struct inet_addr *addr)
{
	struct net_address *address;
	struct net_device *device;

	list_for_each_entry(device, &net->devices, link)
		list_for_each_entry(address, &device->addresses, link)
			if (inet_equal(&address->addr, addr))
				return device->index;
	return 0;
}

/* The interface of a request: by index, by address, or the one that a route leads to. 0: none. */
static int choose_device(struct net *net, int index, u32 address, const struct inet_addr *group)
{
	struct net_path path;
	struct inet_addr addr;

	if (index)
		return net_device_find(net, index) ? index : 0;
	if (address) {
		addr = inet_from_v4(net32(address));
		return device_of(net, &addr);
	}
	return net_route(net, group, NULL, 0, &path) ? 0 : path.device;
}

static int set_membership4(struct dgram_sock *s, bool joining, user_ptr value, unsigned length)
{
	struct ip_mreqn request = { 0 };
	struct inet_addr group;
	int device;

	if (length < sizeof(struct ip_mreq))
		return -EINVAL;
	if (copy_from_user(&request, value, length >= sizeof(request) ? sizeof(request) : sizeof(struct ip_mreq)))
		return -EFAULT;
	group = inet_from_v4(net32(request.imr_multiaddr.s_addr));
	if (joining && !inet_is_multicast(&group))
		return -EINVAL;
	device = choose_device(s->inet.net, request.imr_ifindex, request.imr_address.s_addr, &group);
	if (!device && (joining || !find_group(s, &group, 0)))
		return joining ? -ENODEV : request.imr_ifindex || request.imr_address.s_addr ? -ENODEV : -EADDRNOTAVAIL;
	return join_or_leave(s, &group, device, joining);
}

static int set_membership6(struct dgram_sock *s, bool joining, user_ptr value, unsigned length)
{
	struct ipv6_mreq request;
	struct inet_addr group;
	int device;

	if (length < sizeof(request))
		return -EINVAL;
	if (get_user_object(&request, value))
		return -EFAULT;
	memcpy(group.bytes, &request.ipv6mr_multiaddr, sizeof(group.bytes));
	if (inet_is_v4(&group) || !inet_is_multicast(&group))
		return -EINVAL;
	device = choose_device(s->inet.net, request.ipv6mr_ifindex, 0, &group);
	if (!device && (joining || request.ipv6mr_ifindex))
		return joining ? -ENODEV : -EADDRNOTAVAIL;
	return join_or_leave(s, &group, device, joining);
}

/* MCAST_JOIN_GROUP: struct group_req, of either family. */
static int set_membership(struct dgram_sock *s, int family, bool joining, user_ptr value, unsigned length)
{
	struct { u32 index, pad; u8 name[128]; } request;
	struct inet_name group;
	int device;

	if (length < sizeof(request))
		return -EINVAL;
	if (get_user_object(&request, value))
		return -EFAULT;
	if (inet_parse_name(family, request.name, sizeof(request.name), &group) || !inet_is_multicast(&group.addr))
		return -EINVAL;
	device = choose_device(s->inet.net, (int)request.index, 0, &group.addr);
	if (!device)
		return -ENODEV;
	return join_or_leave(s, &group.addr, device, joining);
}

/*
 * A source of a group is wanted (`include`) or blocked, or no longer. The first that is wanted joins the group, without the last it is left. A
 * list is of one kind only.
 */
static int change_source(struct dgram_sock *s, const struct inet_addr *addr, int device, const struct inet_addr *source, bool include, bool add)
{
	struct group *g = find_group(s, addr, device);
	int at, error;

	if (!g && include && add) {
		error = join(s, addr, device);
		if (error)
			return error;
		g = find_group(s, addr, device);
		g->include = true;
	}
	if (!g || (g->nr_sources && g->include != include))
		return -EINVAL;
	g->include = include;
	at = find_source(g, source);
	if (add == (at >= 0))
		return -EADDRNOTAVAIL;
	if (add && g->nr_sources == GROUP_SOURCES)
		return -ENOBUFS;
	if (add)
		g->sources[g->nr_sources++] = *source;
	else
		g->sources[at] = g->sources[--g->nr_sources];
	if (include && !g->nr_sources)
		leave(g);
	return 0;
}

static int change_source4(struct dgram_sock *s, int option, user_ptr value, unsigned length)
{
	bool include = option == IP_ADD_SOURCE_MEMBERSHIP || option == IP_DROP_SOURCE_MEMBERSHIP;
	struct ip_mreq_source request;
	struct inet_addr group, source;
	int device;

	if (length != sizeof(request))
		return -EINVAL;
	if (get_user_object(&request, value))
		return -EFAULT;
	group = inet_from_v4(net32(request.imr_multiaddr));
	source = inet_from_v4(net32(request.imr_sourceaddr));
	if (!inet_is_multicast(&group))
		return -EINVAL;
	device = choose_device(s->inet.net, 0, request.imr_interface, &group);
	if (!device)
		return -ENODEV;
	return change_source(s, &group, device, &source, include, option == IP_ADD_SOURCE_MEMBERSHIP || option == IP_BLOCK_SOURCE);
}

/* MCAST_JOIN_SOURCE_GROUP and its kin, of either family. */
static int change_source_group(struct dgram_sock *s, int family, int option, user_ptr value, unsigned length)
{
	bool include = option == MCAST_JOIN_SOURCE_GROUP || option == MCAST_LEAVE_SOURCE_GROUP;
	struct { u32 index, pad; u8 group[128], source[128]; } request;
	struct inet_name group, source;
	int device;

	if (length < sizeof(request))
		return -EINVAL;
	if (get_user_object(&request, value))
		return -EFAULT;
	if (inet_parse_name(family, request.group, sizeof(request.group), &group) ||
	    inet_parse_name(family, request.source, sizeof(request.source), &source))
		return -EADDRNOTAVAIL;
	if (!inet_is_multicast(&group.addr))
		return -EINVAL;
	device = choose_device(s->inet.net, (int)request.index, 0, &group.addr);
	if (!device)
		return -ENODEV;
	return change_source(s, &group.addr, device, &source.addr, include, option == MCAST_JOIN_SOURCE_GROUP || option == MCAST_BLOCK_SOURCE);
}

/* IP_MULTICAST_IF: struct in_addr, ip_mreq or ip_mreqn. */
static int set_device4(struct dgram_sock *s, user_ptr value, unsigned length)
{
	struct ip_mreqn request = { 0 };
	int device;

	if (length < sizeof(struct in_addr))
		return -EINVAL;
	if (length >= sizeof(request)) {
		if (get_user_object(&request, value))
			return -EFAULT;
	} else if (length >= sizeof(struct ip_mreq)) {
		if (copy_from_user(&request, value, sizeof(struct ip_mreq)))
			return -EFAULT;
	} else if (copy_from_user(&request.imr_address, value, sizeof(struct in_addr))) {
		return -EFAULT;
	}
	if (!request.imr_ifindex && !request.imr_address.s_addr) {
		s->inet.options.multicast_device = 0;
		s->inet.options.multicast_source = inet_from_v4(0);
		return 0;
	}
	device = choose_device(s->inet.net, request.imr_ifindex, request.imr_address.s_addr, NULL);
	if (!device)
		return -EADDRNOTAVAIL;
	s->inet.options.multicast_device = device;
	s->inet.options.multicast_source = inet_from_v4(net32(request.imr_address.s_addr));
	return 0;
}

static int set_device6(struct dgram_sock *s, user_ptr value, unsigned length)
{
	u32 index;

	if (length < sizeof(index))
		return -EINVAL;
	if (get_user_u32(&index, value))
		return -EFAULT;
	if (index && !net_device_find(s->inet.net, (int)index))
		return -ENODEV;
	s->inet.options.multicast_device6 = (int)index;
	return 0;
}

int multicast_setsockopt(struct dgram_sock *s, int level, int option, user_ptr value, unsigned length)
{
	if (level == IPPROTO_IP) {
		switch (option) {
		case IP_ADD_MEMBERSHIP:
		case IP_DROP_MEMBERSHIP: return set_membership4(s, option == IP_ADD_MEMBERSHIP, value, length);
		case IP_ADD_SOURCE_MEMBERSHIP:
		case IP_DROP_SOURCE_MEMBERSHIP:
		case IP_BLOCK_SOURCE:
		case IP_UNBLOCK_SOURCE: return change_source4(s, option, value, length);
		case IP_MULTICAST_IF: return set_device4(s, value, length);
		case MCAST_JOIN_GROUP:
		case MCAST_LEAVE_GROUP: return set_membership(s, AF_INET, option == MCAST_JOIN_GROUP, value, length);
		case MCAST_JOIN_SOURCE_GROUP:
		case MCAST_LEAVE_SOURCE_GROUP:
		case MCAST_BLOCK_SOURCE:
		case MCAST_UNBLOCK_SOURCE: return change_source_group(s, AF_INET, option, value, length);
		}
	} else if (level == IPPROTO_IPV6 && inet_is_v6(&s->inet)) {
		switch (option) {
		case IPV6_ADD_MEMBERSHIP:
		case IPV6_DROP_MEMBERSHIP: return set_membership6(s, option == IPV6_ADD_MEMBERSHIP, value, length);
		case IPV6_MULTICAST_IF: return set_device6(s, value, length);
		case MCAST_JOIN_GROUP:
		case MCAST_LEAVE_GROUP: return set_membership(s, AF_INET6, option == MCAST_JOIN_GROUP, value, length);
		case MCAST_JOIN_SOURCE_GROUP:
		case MCAST_LEAVE_SOURCE_GROUP:
		case MCAST_BLOCK_SOURCE:
		case MCAST_UNBLOCK_SOURCE: return change_source_group(s, AF_INET6, option, value, length);
		}
	}
	return -ENOPROTOOPT;
}
