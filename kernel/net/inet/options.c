// SPDX-License-Identifier: Apache-2.0
/*
 * Options of levels IPPROTO_IP and IPPROTO_IPV6 (ip(7), ipv6(7)), and of SOL_SOCKET those that only internet sockets have.
 *
 * Most are a number in struct inet_options with a range, and stand in a table. What needs packets to mean something (time to
 * live, type of service) is kept and shown, and told to the host socket if there is one.
 */
#include "kernel/net/inet/inet.h"

#include "kernel/mm/alloc.h"

#define DEFAULT_TTL 64
#define NO_DEFAULT INT32_MIN

enum option_kind { FLAG, NUMBER };

struct option_row {
	int level, option;
	u16 offset;         /* in struct inet_options */
	u8 kind;
	bool stream_too;    /* else -ENOPROTOOPT on SOCK_STREAM */
	int lowest, highest;
	int meaning_of_minus_1; /* what setting -1 stores; NO_DEFAULT: -1 is like every number */
	int capability;         /* to set it to another value than 0: -EPERM; 0: none */
};

#define AT(field) offsetof(struct inet_options, field)
#define IP_FLAG(option_, field_) { IPPROTO_IP, option_, AT(field_), FLAG, true, 0, 0, NO_DEFAULT, 0 }
#define IP_NUMBER(option_, field_, low_, high_, minus_) { IPPROTO_IP, option_, AT(field_), NUMBER, true, low_, high_, minus_, 0 }
#define V6_FLAG(option_, field_) { IPPROTO_IPV6, option_, AT(field_), FLAG, true, 0, 0, NO_DEFAULT, 0 }
#define V6_NUMBER(option_, field_, low_, high_, minus_) { IPPROTO_IPV6, option_, AT(field_), NUMBER, true, low_, high_, minus_, 0 }

static const struct option_row rows[] = {
	IP_NUMBER(IP_TOS, tos, 0, 255, NO_DEFAULT),
	IP_NUMBER(IP_TTL, ttl, 1, 255, -1),
	IP_NUMBER(IP_MTU_DISCOVER, mtu_discover, 0, 5, NO_DEFAULT),
	IP_NUMBER(IP_MINTTL, min_ttl, 0, 255, NO_DEFAULT),
	{ IPPROTO_IP, IP_MULTICAST_TTL, AT(multicast_ttl), NUMBER, true, 0, 255, 1, 0 },
	IP_FLAG(IP_MULTICAST_LOOP, multicast_loop),
	IP_NUMBER(IP_MULTICAST_ALL, multicast_all, 0, 1, NO_DEFAULT),
	IP_FLAG(IP_RECVERR, recverr),
	IP_NUMBER(IP_RECVERR_RFC4884, recverr_rfc4884, 0, 1, NO_DEFAULT),
	IP_FLAG(IP_PKTINFO, pktinfo),
	IP_FLAG(IP_RECVTTL, recvttl),
	IP_FLAG(IP_RECVTOS, recvtos),
	IP_FLAG(IP_RECVOPTS, recvopts),
	IP_FLAG(IP_RETOPTS, retopts),
	IP_FLAG(IP_RECVORIGDSTADDR, recvorigdst),
	IP_FLAG(IP_FREEBIND, freebind),
	IP_FLAG(IP_BIND_ADDRESS_NO_PORT, no_port),
	{ IPPROTO_IP, IP_TRANSPARENT, AT(transparent), FLAG, true, 0, 0, NO_DEFAULT, CAP_NET_ADMIN },
	{ IPPROTO_IP, IP_CHECKSUM, AT(checksum), FLAG, false, 0, 0, NO_DEFAULT, 0 },
	{ IPPROTO_IP, IP_RECVFRAGSIZE, AT(recvfragsize), FLAG, false, 0, 0, NO_DEFAULT, 0 },
	V6_NUMBER(IPV6_TCLASS, tclass, 0, 255, 0),
	V6_NUMBER(IPV6_UNICAST_HOPS, hops, 0, 255, -1),
	V6_NUMBER(IPV6_MULTICAST_HOPS, multicast_hops, 0, 255, 1),
	V6_NUMBER(IPV6_MULTICAST_LOOP, multicast_loop6, 0, 1, NO_DEFAULT),
	V6_NUMBER(IPV6_MULTICAST_ALL, multicast_all6, 0, 1, NO_DEFAULT),
	V6_NUMBER(IPV6_MTU_DISCOVER, mtu_discover6, 0, 5, NO_DEFAULT),
	V6_NUMBER(IPV6_MINHOPCOUNT, min_hops, 0, 255, NO_DEFAULT),
	V6_FLAG(IPV6_RECVERR, recverr6),
	V6_NUMBER(IPV6_RECVERR_RFC4884, recverr6_rfc4884, 0, 1, NO_DEFAULT),
	V6_FLAG(IPV6_V6ONLY, v6only),
	V6_FLAG(IPV6_RECVPKTINFO, pktinfo6),
	V6_FLAG(IPV6_RECVHOPLIMIT, recvhops),
	V6_FLAG(IPV6_RECVTCLASS, recvtclass),
	V6_FLAG(IPV6_RECVRTHDR, recvrthdr),
	V6_FLAG(IPV6_RECVHOPOPTS, recvhopopts),
	V6_FLAG(IPV6_RECVDSTOPTS, recvdstopts),
	V6_FLAG(IPV6_RECVORIGDSTADDR, recvorigdst6),
	V6_FLAG(IPV6_RECVPATHMTU, recvpathmtu),
	V6_FLAG(IPV6_DONTFRAG, dontfrag),
	V6_FLAG(IPV6_AUTOFLOWLABEL, autoflowlabel),
	V6_FLAG(IPV6_FLOWINFO, flowinfo),
	V6_FLAG(IPV6_FLOWINFO_SEND, flowinfo_send),
	V6_FLAG(IPV6_FREEBIND, freebind),
	{ IPPROTO_IPV6, IPV6_TRANSPARENT, AT(transparent), FLAG, true, 0, 0, NO_DEFAULT, CAP_NET_ADMIN },
};

void inet_options_init(struct inet_socket *inet)
{
	inet->options = (struct inet_options){
		.ttl = -1,
		.hops = -1,
		.mtu_discover = IP_PMTUDISC_WANT,
		.mtu_discover6 = IPV6_PMTUDISC_WANT,
		.multicast_ttl = 1,
		.multicast_hops = 1,
		.multicast_loop = 1,
		.multicast_loop6 = 1,
		.multicast_all = 1,
		.multicast_all6 = 1,
		.autoflowlabel = 1,
		.multicast_source = inet_from_v4(0),
		.v6only = inet->base.domain == AF_INET6 && inet->net->v6only,
	};
}

/* SO_PRIORITY that follows from the upper bits of IP_TOS: best effort, bulk, interactive, both. */
static const u8 tos_priority[] = { 0, 2, 6, 4 };

static const struct option_row *find_row(int level, int option)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].option == option && rows[i].level == level)
			return &rows[i];
	return NULL;
}

static int *row_value(struct inet_socket *inet, const struct option_row *row)
{
	return (int *)((char *)&inet->options + row->offset);
}

static void tell_transport(struct inet_socket *inet, int level, int option, int value)
{
	if (inet->transport && inet->transport->option)
		inet->transport->option(inet, level, option, value);
}

static int set_row(struct inet_socket *inet, const struct option_row *row, int value)
{
	int *at = row_value(inet, row);

	if (inet->base.type == SOCK_STREAM && !row->stream_too)
		return -ENOPROTOOPT;
	if (row->capability && value && !capable(row->capability) && !capable(CAP_NET_RAW))
		return -EPERM;
	if (row->kind == FLAG) {
		value = value != 0;
	} else if (value == -1 && row->meaning_of_minus_1 != NO_DEFAULT) {
		value = row->meaning_of_minus_1;
	} else if ((row->level == IPPROTO_IP && row->option == IP_TOS) ||
		   (row->option == IPV6_TCLASS && value >= 0 && value <= 255 && inet->base.type == SOCK_STREAM)) {
		value &= 255;
		/* The two bits of congestion notification are the connection's own. */
		if (inet->base.type == SOCK_STREAM)
			value = (value & ~3) | (*at & 3);
	} else if (value < row->lowest || value > row->highest) {
		return -EINVAL;
	}
	*at = value;
	if (row->level == IPPROTO_IP && row->option == IP_TOS)
		inet->base.priority = tos_priority[(value & 0x1e) >> 3];
	tell_transport(inet, row->level, row->option, value);
	return 0;
}

/* IP_UNICAST_IF and IPV6_UNICAST_IF: an index in network order. */
static int set_unicast_device(struct inet_socket *inet, int *at, user_ptr value, unsigned length)
{
	u32 index;

	if (length != sizeof(index))
		return -EINVAL;
	if (get_user_u32(&index, value))
		return -EFAULT;
	index = net32(index);
	if (index && !net_device_find(inet->net, (int)index))
		return -EADDRNOTAVAIL;
	*at = (int)index;
	return 0;
}

static int set_port_range(struct inet_socket *inet, user_ptr value, unsigned length)
{
	u32 range, low, high;

	if (length != sizeof(range))
		return -EINVAL;
	if (get_user_u32(&range, value))
		return -EFAULT;
	low = range & 0xffff;
	high = range >> 16;
	if (low && high && low > high)
		return -EINVAL;
	inet->options.port_range = range;
	return 0;
}

static int set_ip(struct inet_socket *inet, int option, user_ptr user_value, unsigned length)
{
	const struct option_row *row = find_row(IPPROTO_IP, option);
	bool stream = inet->base.type == SOCK_STREAM;
	u32 value = 0;

	if (option == IP_UNICAST_IF)
		return set_unicast_device(inet, &inet->options.unicast_device, user_value, length);
	if (option == 51 /* IP_LOCAL_PORT_RANGE */)
		return set_port_range(inet, user_value, length);
	if (!row)
		return option == IP_NODEFRAG || option == IP_HDRINCL || !stream ? -ENOPROTOOPT :
		       option == IP_ADD_MEMBERSHIP || option == IP_DROP_MEMBERSHIP ? -EPROTO : -ENOPROTOOPT;
	/* A single byte will do. */
	if (length >= sizeof(value)) {
		if (get_user_u32(&value, user_value))
			return -EFAULT;
	} else if (length && copy_from_user(&value, user_value, 1)) {
		return -EFAULT;
	}
	if (option == IP_MULTICAST_TTL && stream)
		return -EINVAL;
	if (!length && (option == IP_MULTICAST_TTL || option == IP_MULTICAST_LOOP || option == IP_FREEBIND || option == IP_MINTTL ||
			option == IP_TRANSPARENT))
		return -EINVAL;
	return set_row(inet, row, (int)value);
}

static int set_ipv6(struct inet_socket *inet, int option, user_ptr user_value, unsigned length)
{
	const struct option_row *row = find_row(IPPROTO_IPV6, option);
	u32 value = 0;

	if (option == IPV6_UNICAST_IF)
		return set_unicast_device(inet, &inet->options.unicast_device6, user_value, length);
	if (length >= sizeof(value) && get_user_u32(&value, user_value))
		return -EFAULT;
	if (!row)
		return -ENOPROTOOPT;
	if (length < sizeof(value))
		return -EINVAL;
	if (option == IPV6_V6ONLY && inet->end.bucket)
		return -EINVAL;
	if (option == IPV6_MULTICAST_HOPS && inet->base.type == SOCK_STREAM)
		return -ENOPROTOOPT;
	return set_row(inet, row, (int)value);
}

static int set_bind_device(struct inet_socket *inet, user_ptr value, unsigned length)
{
	struct net_device *device;
	char name[IFNAMSIZ] = "";

	if (inet->end.device && !capable(CAP_NET_RAW))
		return -EPERM;
	length = min(length, (unsigned)IFNAMSIZ - 1);
	if (copy_from_user(name, value, length))
		return -EFAULT;
	if (!name[0]) {
		inet->end.device = 0;
		return 0;
	}
	device = net_device_find_name(inet->net, name);
	if (!device)
		return -ENODEV;
	inet->end.device = device->index;
	return 0;
}

static int set_socket_level(struct inet_socket *inet, int option, user_ptr user_value, unsigned length)
{
	u32 index;

	if (option == SO_BINDTODEVICE)
		return set_bind_device(inet, user_value, length);
	if (option == SO_BINDTOIFINDEX) {
		if (length < sizeof(index))
			return -EINVAL;
		if (get_user_u32(&index, user_value))
			return -EFAULT;
		if ((int)index < 0)
			return -EINVAL;
		inet->end.device = (int)index; /* which need not exist yet */
		return 0;
	}
	return -ENOPROTOOPT;
}

int inet_setsockopt(struct socket *sock, int level, int option, user_ptr value, unsigned length)
{
	struct inet_socket *inet = inet_sk(sock);

	switch (level) {
	case SOL_SOCKET: return set_socket_level(inet, option, value, length);
	case IPPROTO_IP: return set_ip(inet, option, value, length);
	case IPPROTO_IPV6: return inet_is_v6(inet) ? set_ipv6(inet, option, value, length) : -ENOPROTOOPT;
	default: return -ENOPROTOOPT;
	}
}

static int path_mtu(struct inet_socket *inet, int *ret_mtu)
{
	struct net_path path;

	if (!inet->end.remote.port || inet_route(inet, &inet->end.remote, &path))
		return -ENOTCONN;
	*ret_mtu = (int)path.mtu;
	return 0;
}

static int get_ip(struct inet_socket *inet, int option, int *ret_value)
{
	const struct option_row *row = find_row(IPPROTO_IP, option);

	switch (option) {
	case IP_MTU: return path_mtu(inet, ret_value);
	case IP_UNICAST_IF: *ret_value = (int)net32((u32)inet->options.unicast_device); return 0;
	case IP_MULTICAST_IF: *ret_value = (int)inet->options.multicast_source.words[3]; return 0;
	case 51: *ret_value = (int)inet->options.port_range; return 0;
	case 52 /* IP_PROTOCOL */: *ret_value = inet->base.protocol; return 0;
	}
	if (!row)
		return -ENOPROTOOPT;
	*ret_value = *row_value(inet, row);
	if (option == IP_TTL && *ret_value < 0)
		*ret_value = DEFAULT_TTL;
	return 0;
}

static int get_ipv6(struct inet_socket *inet, int option, int *ret_value)
{
	const struct option_row *row = find_row(IPPROTO_IPV6, option);

	switch (option) {
	case IPV6_MTU: return path_mtu(inet, ret_value);
	case IPV6_UNICAST_IF: *ret_value = (int)net32((u32)inet->options.unicast_device6); return 0;
	case IPV6_MULTICAST_IF: *ret_value = inet->options.multicast_device6; return 0;
	}
	if (!row)
		return -ENOPROTOOPT;
	*ret_value = *row_value(inet, row);
	if (option == IPV6_UNICAST_HOPS && *ret_value < 0)
		*ret_value = DEFAULT_TTL;
	return 0;
}

static int get_bind_device(struct inet_socket *inet, user_ptr value, user_ptr length_ptr, u32 length)
{
	struct net_device *device = net_device_find(inet->net, inet->end.device);

	if (!device)
		return put_user_u32(length_ptr, 0) ? -EFAULT : 0;
	if (length < IFNAMSIZ)
		return -EINVAL;
	return put_option(value, length_ptr, length, device->name, (u32)strlen(device->name) + 1);
}

int inet_getsockopt(struct socket *sock, int level, int option, user_ptr value, user_ptr length_ptr)
{
	struct inet_socket *inet = inet_sk(sock);
	int word, error = -ENOPROTOOPT;
	u32 length;
	u8 byte;

	if (get_user_u32(&length, length_ptr))
		return -EFAULT;
	if ((s32)length < 0)
		return -EINVAL;
	if (level == SOL_SOCKET && option == SO_BINDTODEVICE)
		return get_bind_device(inet, value, length_ptr, length);
	if (level == SOL_SOCKET && option == SO_BINDTOIFINDEX) {
		word = inet->end.device;
		return put_option(value, length_ptr, length, &word, sizeof(word));
	}
	if (level == IPPROTO_IP && option == IP_OPTIONS)
		return put_user_u32(length_ptr, 0) ? -EFAULT : 0;
	if (level == IPPROTO_IP)
		error = get_ip(inet, option, &word);
	else if (level == IPPROTO_IPV6 && inet_is_v6(inet))
		error = get_ipv6(inet, option, &word);
	else if (level != SOL_SOCKET && !inet_is_v6(inet))
		error = -EOPNOTSUPP;
	if (error)
		return error;
	byte = (u8)word;
	if (level == IPPROTO_IP && length && length < sizeof(word) && word >= 0 && word <= 255)
		return put_option(value, length_ptr, 1, &byte, 1);
	return put_option(value, length_ptr, length, &word, sizeof(word));
}

long inet_ioctl(struct inet_socket *inet, unsigned cmd, u64 arg)
{
	return -ENOIOCTLCMD;
}
