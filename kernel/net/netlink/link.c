// SPDX-License-Identifier: Apache-2.0
/* Interfaces over netlink: RTM_GETLINK, and what of RTM_NEWLINK and RTM_SETLINK changes an interface. None can be made. */
#include <linux/if_link.h>

#include "kernel/mm/alloc.h"
#include "kernel/net/netlink/netlink.h"

/* linux/if.h, which needs a C library. */
#define IFF_PROMISC 0x100
#define IFF_ALLMULTI 0x200
#define SHOWN_FLAGS (IFF_PROMISC | IFF_ALLMULTI)
enum { OPER_UNKNOWN, OPER_NOTPRESENT, OPER_DOWN, OPER_LOWERLAYERDOWN, OPER_TESTING, OPER_DORMANT, OPER_UP };

u8 device_operstate(const struct net_device *device)
{
	if (!(device->flags & IFF_UP))
		return OPER_DOWN;
	return device->flags & IFF_LOOPBACK ? OPER_UNKNOWN : OPER_UP;
}

const char *device_operstate_name(const struct net_device *device)
{
	u8 state = device_operstate(device);

	return state == OPER_DOWN ? "down" : state == OPER_UP ? "up" : "unknown";
}

u32 device_flags(const struct net_device *device) { return device->flags; }

static void put_stats(struct nl_writer *w, const struct net_device *d)
{
	struct rtnl_link_stats64 wide = { .rx_packets = d->rx_packets, .tx_packets = d->tx_packets, .rx_bytes = d->rx_bytes, .tx_bytes = d->tx_bytes };
	struct rtnl_link_stats stats = { .rx_packets = (u32)d->rx_packets, .tx_packets = (u32)d->tx_packets,
					 .rx_bytes = (u32)d->rx_bytes, .tx_bytes = (u32)d->tx_bytes };

	nl_put(w, IFLA_STATS64, &wide, sizeof(wide));
	nl_put(w, IFLA_STATS, &stats, sizeof(stats));
}

/* Which families are there, without their long lists of settings. */
static void put_families(struct nl_writer *w, const struct net_device *device)
{
	u32 all = nl_nest(w, IFLA_AF_SPEC), one = nl_nest(w, AF_INET);

	nl_nest_end(w, one);
	one = nl_nest(w, AF_INET6);
	nl_put_u32(w, IFLA_INET6_FLAGS, device->flags & IFF_UP ? 0x80000000U /* ready */ : 0);
	nl_put_u8(w, IFLA_INET6_ADDR_GEN_MODE, 0);
	nl_nest_end(w, one);
	nl_nest_end(w, all);
}

static void write_link(struct nl_writer *w, const struct net_device *device, u16 flags, u32 seq, u32 port)
{
	struct ifinfomsg *info = nl_begin(w, RTM_NEWLINK, flags, seq, port, sizeof(*info));

	info->ifi_type = device->type;
	info->ifi_index = device->index;
	info->ifi_flags = device_flags(device);
	nl_put_string(w, IFLA_IFNAME, device->name);
	nl_put_u32(w, IFLA_TXQLEN, device->tx_queue_length);
	nl_put_u8(w, IFLA_OPERSTATE, device_operstate(device));
	nl_put_u8(w, IFLA_LINKMODE, 0);
	nl_put_u32(w, IFLA_MTU, device->mtu);
	nl_put_u32(w, IFLA_MIN_MTU, device->flags & IFF_LOOPBACK ? 0 : 68);
	nl_put_u32(w, IFLA_MAX_MTU, device->flags & IFF_LOOPBACK ? 0 : 65535);
	nl_put_u32(w, IFLA_GROUP, 0);
	nl_put_u32(w, IFLA_PROMISCUITY, 0);
	nl_put_u32(w, IFLA_NUM_TX_QUEUES, 1);
	nl_put_u32(w, IFLA_NUM_RX_QUEUES, 1);
	nl_put_u8(w, IFLA_CARRIER, 1);
	nl_put_u32(w, IFLA_CARRIER_CHANGES, 0);
	nl_put_u8(w, IFLA_PROTO_DOWN, 0);
	nl_put(w, IFLA_ADDRESS, device->hardware, sizeof(device->hardware));
	nl_put(w, IFLA_BROADCAST, device->hardware_broadcast, sizeof(device->hardware_broadcast));
	nl_put_string(w, IFLA_QDISC, "noqueue");
	put_stats(w, device);
	put_families(w, device);
	nl_end(w);
}

void nl_notify_link(struct net *net, const struct net_device *device)
{
	struct nl_writer *w;

	if (!nl_has_listeners(NETLINK_ROUTE, RTNLGRP_LINK))
		return;
	w = kmalloc(sizeof(*w));
	if (!w)
		return;
	write_link(w, device, 0, 0, 0);
	nl_broadcast(NETLINK_ROUTE, RTNLGRP_LINK, w->data, w->length);
	kfree(w);
}

int nl_dump_links(struct nl_request *r)
{
	struct net_device *device;

	list_for_each_entry(device, &r->net->devices, link) {
		write_link(r->writer, device, NLM_F_MULTI, r->header->nlmsg_seq, nl_port(r));
		nl_dump_add(r);
	}
	return 0;
}

/* The device that a message is about: by its index, else by its name. ERR_PTR. */
static struct net_device *find_device(struct nl_request *r, struct ifinfomsg *ret_info, struct nl_attrs *ret_attrs)
{
	struct net_device *device;
	char name[IFNAMSIZ];
	int error;

	memcpy(ret_info, r->payload, sizeof(*ret_info));
	error = nl_parse(ret_attrs, r->payload + sizeof(*ret_info), r->length - (u32)sizeof(*ret_info));
	if (!error)
		error = nl_get_name(ret_attrs, IFLA_IFNAME, name);
	if (error)
		return ERR_PTR(error);
	if (!name[0] && ret_attrs->attr[IFLA_ALT_IFNAME])
		error = nl_get_name(ret_attrs, IFLA_ALT_IFNAME, name);
	if (error)
		return ERR_PTR(error);
	if (ret_info->ifi_index < 0)
		return ERR_PTR(-EINVAL);
	if (!ret_info->ifi_index && !name[0])
		return ERR_PTR(r->header->nlmsg_type == RTM_NEWLINK ? -ENODEV : -EINVAL);
	device = ret_info->ifi_index ? net_device_find(r->net, ret_info->ifi_index) : net_device_find_name(r->net, name);
	return device ? device : ERR_PTR(-ENODEV);
}

int nl_get_link(struct nl_request *r)
{
	struct ifinfomsg info;
	struct nl_attrs attrs;
	struct net_device *device = find_device(r, &info, &attrs);

	if (IS_ERR(device))
		return (int)PTR_ERR(device);
	write_link(r->writer, device, 0, r->header->nlmsg_seq, nl_port(r));
	nl_deliver(r->from, r->writer->data, r->writer->length, 0, false);
	return 0;
}

/* A new name, if the message is about a device by index. */
static int rename(struct nl_request *r, struct net_device *device, const struct nl_attrs *attrs)
{
	char name[IFNAMSIZ];

	if (nl_get_name(attrs, IFLA_IFNAME, name) || !name[0])
		return 0;
	return device_rename(r->net, device, name);
}

/* What can be changed; whoever asks for more gets nothing of it. */
static int check_changes(const struct nl_attrs *attrs)
{
	for (unsigned type = 1; type < NL_ATTRS_MAX; type++)
		if (attrs->attr[type] && type != IFLA_IFNAME && type != IFLA_MTU && type != IFLA_TXQLEN && type != IFLA_EXT_MASK &&
		    type != IFLA_ALT_IFNAME)
			return -EOPNOTSUPP;
	return 0;
}

int nl_set_link(struct nl_request *r)
{
	struct ifinfomsg info;
	struct nl_attrs attrs;
	struct net_device *device = find_device(r, &info, &attrs);
	u32 mtu, queue;
	int error;

	if (IS_ERR(device) && PTR_ERR(device) != -ENODEV)
		return (int)PTR_ERR(device);
	if (IS_ERR(device)) {
		/* Not there: it is to be made, which nothing here can do. */
		if (attrs.attr[IFLA_LINKINFO])
			r->reason = "no interface of this kind can be made";
		return r->header->nlmsg_type == RTM_NEWLINK && r->header->nlmsg_flags & NLM_F_CREATE ? -EOPNOTSUPP : -ENODEV;
	}
	if (r->header->nlmsg_flags & NLM_F_EXCL)
		return -EEXIST;
	mtu = device->mtu;
	queue = device->tx_queue_length;
	error = nl_get_u32(&attrs, IFLA_MTU, &mtu);
	if (!error)
		error = nl_get_u32(&attrs, IFLA_TXQLEN, &queue);
	if (!error)
		error = check_changes(&attrs);
	if (!error && mtu != device->mtu)
		error = device_set_mtu(r->net, device, mtu);
	if (!error && info.ifi_index)
		error = rename(r, device, &attrs);
	if (error)
		return error;
	device->tx_queue_length = queue;
	/* Without a mask all flags are meant. Those but for the state change nothing but what is shown. */
	if (info.ifi_change & SHOWN_FLAGS)
		device->flags = (device->flags & ~(info.ifi_change & SHOWN_FLAGS)) | (info.ifi_flags & info.ifi_change & SHOWN_FLAGS);
	if (info.ifi_change & IFF_UP || (!info.ifi_change && info.ifi_flags))
		return device_set_up(r->net, device, info.ifi_flags & IFF_UP);
	return 0;
}
