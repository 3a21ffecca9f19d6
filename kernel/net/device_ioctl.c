// SPDX-License-Identifier: Apache-2.0
/*
 * Interfaces by ioctl (netdevice(7)). Any socket takes those about the device itself; those about IPv4 addresses take an AF_INET
 * socket. Changes take CAP_NET_ADMIN.
 */
#include <linux/in.h>
#include <linux/rtnetlink.h>

#include "kernel/net/device_config.h"
#include "kernel/net/socket.h"
#include "kernel/task/task.h"

struct user_ifreq {
	char name[IFNAMSIZ];
	union {
		struct sockaddr_in addr;
		struct { u16 type; u8 address[14]; } hardware;
		s16 flags;
		int value;
		char new_name[IFNAMSIZ];
		u8 room[24];
	};
};

struct user_ifconf {
	int length, pad;
	u64 buffer;
};

static void put_v4(struct user_ifreq *req, u32 addr)
{
	memset(req->room, 0, sizeof(req->room));
	req->addr.sin_family = AF_INET;
	req->addr.sin_addr.s_addr = net32(addr);
}

/* SIOCGIFCONF: the IPv4 addresses, as many as there is room for; without a buffer the room that all take. */
static long get_configuration(struct net *net, u64 arg)
{
	struct net_address *address;
	struct net_device *device;
	struct user_ifconf conf;
	int used = 0;

	if (get_user_object(&conf, user_ptr_at(arg)))
		return -EFAULT;
	list_for_each_entry(device, &net->devices, link) {
		list_for_each_entry(address, &device->addresses, link) {
			struct user_ifreq req = { 0 };

			if (!inet_is_v4(&address->addr))
				continue;
			if (!conf.buffer) {
				used += (int)sizeof(req);
				continue;
			}
			if (conf.length - used < (int)sizeof(req))
				goto full;
			memcpy(req.name, device->name, sizeof(req.name));
			put_v4(&req, inet_v4(&address->addr));
			if (put_user_object(user_ptr_at(conf.buffer + (u64)used), &req))
				return -EFAULT;
			used += (int)sizeof(req);
		}
	}
full:
	return put_user_u32(user_ptr_at(arg), (u32)used) ? -EFAULT : 0;
}

/* Everything that is the device's own. */
static int get_property(struct net_device *device, unsigned cmd, struct user_ifreq *req)
{
	switch (cmd) {
	case SIOCGIFFLAGS: req->flags = (s16)device->flags; return 0;
	case SIOCGIFINDEX: req->value = device->index; return 0;
	case SIOCGIFMTU: req->value = (int)device->mtu; return 0;
	case SIOCGIFTXQLEN: req->value = (int)device->tx_queue_length; return 0;
	case SIOCGIFMETRIC: req->value = 0; return 0;
	case SIOCGIFMAP: memset(req->room, 0, sizeof(req->room)); return 0;
	case SIOCGIFHWADDR:
		memset(req->room, 0, sizeof(req->room));
		req->hardware.type = device->type;
		memcpy(req->hardware.address, device->hardware, sizeof(device->hardware));
		return 0;
	default: return -ENOIOCTLCMD;
	}
}

static int set_property(struct net *net, struct net_device *device, unsigned cmd, struct user_ifreq *req)
{
	switch (cmd) {
	case SIOCSIFFLAGS: return device_set_up(net, device, req->flags & IFF_UP);
	case SIOCSIFMTU: return req->value < 0 ? -EINVAL : device_set_mtu(net, device, (u32)req->value);
	case SIOCSIFTXQLEN:
		if (req->value < 0)
			return -EINVAL;
		device->tx_queue_length = (u32)req->value;
		return 0;
	case SIOCSIFNAME:
		req->new_name[IFNAMSIZ - 1] = 0;
		return device_rename(net, device, req->new_name);
	case SIOCSIFMETRIC:
	case SIOCSIFHWADDR: return -EOPNOTSUPP;
	default: return -ENOIOCTLCMD;
	}
}

static struct net_address *first_v4(struct net_device *device)
{
	struct net_address *address;

	list_for_each_entry(address, &device->addresses, link)
		if (inet_is_v4(&address->addr))
			return address;
	return NULL;
}

static u32 mask_of(unsigned prefix) { return prefix <= INET_V4_BITS ? 0 : ~0U << (128 - prefix); }

static int get_address(struct net_device *device, unsigned cmd, struct user_ifreq *req)
{
	const struct net_address *address = first_v4(device);

	if (!address)
		return -EADDRNOTAVAIL;
	switch (cmd) {
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR: put_v4(req, inet_v4(&address->addr)); return 0;
	case SIOCGIFNETMASK: put_v4(req, mask_of(address->prefix)); return 0;
	default: put_v4(req, inet_is_v4(&address->broadcast) ? inet_v4(&address->broadcast) : 0); return 0;
	}
}

/* Without a network mask the class of the address gives one. */
static unsigned class_prefix(u32 addr)
{
	return INET_V4_BITS + (addr >> 31 == 0 ? 8 : addr >> 30 == 2 ? 16 : addr >> 29 == 6 ? 24 : 32);
}

/* The device's first IPv4 address becomes this one. */
static int replace_address(struct net *net, struct net_device *device, struct inet_addr addr, unsigned prefix)
{
	struct net_address *old = first_v4(device), copy;
	int error;

	if (old) {
		copy = *old;
		net_address_remove(net, device, &copy.addr, copy.prefix);
	}
	error = net_address_add(net, device, &addr, prefix);
	return error == -EEXIST ? 0 : error;
}

static int set_address(struct net *net, struct net_device *device, unsigned cmd, const struct user_ifreq *req)
{
	struct net_address *address = first_v4(device);
	u32 given = net32(req->addr.sin_addr.s_addr);

	if (req->addr.sin_family != AF_INET)
		return -EINVAL;
	if (cmd == SIOCSIFADDR) {
		if (!given) {
			struct net_address copy;

			if (!address)
				return 0;
			copy = *address;
			return net_address_remove(net, device, &copy.addr, copy.prefix);
		}
		return replace_address(net, device, inet_from_v4(given), class_prefix(given));
	}
	if (!address)
		return -EADDRNOTAVAIL;
	if (cmd == SIOCSIFBRDADDR) {
		address->broadcast = inet_from_v4(given);
		net->generation++;
		return 0;
	}
	/* SIOCSIFNETMASK: ones, then zeroes. */
	if (~given & (~given + 1))
		return -EINVAL;
	return replace_address(net, device, address->addr, INET_V4_BITS + (unsigned)__builtin_popcount(given));
}

/*
 * "eth0:1" is a label of one of the device's addresses. Labels are not remembered: an address can be added by one, but not be found
 * or removed again. What concerns the device itself takes no label.
 */
static int do_labelled(struct net *net, struct net_device *device, unsigned cmd, const struct user_ifreq *req)
{
	struct inet_addr addr = inet_from_v4(net32(req->addr.sin_addr.s_addr));

	if (cmd == SIOCSIFFLAGS && req->flags & IFF_UP)
		return 0; /* an address is always up */
	if (cmd != SIOCSIFADDR)
		return -EADDRNOTAVAIL;
	if (req->addr.sin_family != AF_INET || inet_is_any4(&addr))
		return -EINVAL;
	return net_address_add(net, device, &addr, class_prefix(inet_v4(&addr)));
}

static bool is_change(unsigned cmd)
{
	switch (cmd) {
	case SIOCSIFFLAGS: case SIOCSIFMTU: case SIOCSIFTXQLEN: case SIOCSIFNAME: case SIOCSIFMETRIC: case SIOCSIFHWADDR:
	case SIOCSIFADDR: case SIOCSIFNETMASK: case SIOCSIFBRDADDR: return true;
	default: return false;
	}
}

static bool is_address(unsigned cmd)
{
	switch (cmd) {
	case SIOCGIFADDR: case SIOCGIFDSTADDR: case SIOCGIFNETMASK: case SIOCGIFBRDADDR:
	case SIOCSIFADDR: case SIOCSIFNETMASK: case SIOCSIFBRDADDR: return true;
	default: return false;
	}
}

static bool is_known(unsigned cmd)
{
	switch (cmd) {
	case SIOCGIFFLAGS: case SIOCGIFINDEX: case SIOCGIFMTU: case SIOCGIFTXQLEN: case SIOCGIFMETRIC: case SIOCGIFMAP: case SIOCGIFHWADDR:
		return true;
	default: return is_address(cmd) || is_change(cmd);
	}
}

static long get_name(struct net *net, u64 arg)
{
	struct net_device *device;
	struct user_ifreq req;

	if (get_user_object(&req, user_ptr_at(arg)))
		return -EFAULT;
	device = net_device_find(net, req.value);
	if (!device)
		return -ENODEV;
	return copy_to_user(user_ptr_at(arg), device->name, IFNAMSIZ) ? -EFAULT : 0;
}

long device_ioctl(int domain, unsigned cmd, u64 arg)
{
	struct net *net = current_net();
	struct net_device *device;
	struct user_ifreq req;
	char *colon;
	int error;

	if (cmd == SIOCGIFCONF)
		return get_configuration(net, arg);
	if (cmd == SIOCGIFNAME)
		return get_name(net, arg);
	if (!is_known(cmd) || (is_address(cmd) && domain != AF_INET))
		return -ENOIOCTLCMD;
	if (get_user_object(&req, user_ptr_at(arg)))
		return -EFAULT;
	req.name[IFNAMSIZ - 1] = 0;
	colon = strchr(req.name, ':');
	if (colon)
		*colon = 0;
	if (is_change(cmd) && !capable(CAP_NET_ADMIN))
		return -EPERM;
	device = net_device_find_name(net, req.name);
	if (!device)
		return -ENODEV;
	if (colon)
		*colon = ':';
	if (colon && (is_address(cmd) || cmd == SIOCSIFFLAGS))
		return do_labelled(net, device, cmd, &req);
	if (is_change(cmd))
		return is_address(cmd) ? set_address(net, device, cmd, &req) : set_property(net, device, cmd, &req);
	error = is_address(cmd) ? get_address(device, cmd, &req) : get_property(device, cmd, &req);
	if (error)
		return error;
	return put_user_object(user_ptr_at(arg), &req) ? -EFAULT : 0;
}
