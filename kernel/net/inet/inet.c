// SPDX-License-Identifier: Apache-2.0
/* AF_INET and AF_INET6: socket(2), bind(2), getsockname(2), and where a destination is. */
#include "kernel/net/inet/inet.h"

#include "kernel/net/inet/dgram.h"
#include "kernel/net/inet/tcp.h"

void inet_init(struct inet_socket *inet, const struct socket_ops *ops, struct port_table *table, int family, int type, int protocol)
{
	socket_init(&inet->base, ops, family, type, protocol);
	inet->net = current_net();
	inet_endpoint_init(&inet->end, table);
	inet->end.is_socket = true;
	inet->end.family = (u8)family;
	inet->end.uid = current ? current->cred->euid : 0; /* none: a connection from outside; it gets its listener's */
	inet->end.local.addr = inet->end.remote.addr = inet_any(family);
	inet_options_init(inet);
}

void inet_cleanup(struct inet_socket *inet)
{
	const struct inet_transport *transport = inet->transport;

	inet->transport = NULL;
	if (transport)
		transport->release(inet);
	port_unbind(&inet->end);
}

struct socket *inet_create(int family, int type, int protocol)
{
	if (protocol < 0 || protocol >= IPPROTO_MAX)
		return ERR_PTR(-EINVAL);
	if (type == SOCK_STREAM && (!protocol || protocol == IPPROTO_TCP))
		return tcp_create(family, IPPROTO_TCP);
	if (type == SOCK_DGRAM && (!protocol || protocol == IPPROTO_UDP))
		return udp_create(family, type, protocol);
	if (type == SOCK_DGRAM && protocol == (family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return ping_create(family, protocol);
	if (type == SOCK_RAW)
		return raw_create(family, protocol);
	if (type == SOCK_STREAM || type == SOCK_DGRAM || type == SOCK_RAW)
		return ERR_PTR(-EPROTONOSUPPORT);
	return ERR_PTR(-ESOCKTNOSUPPORT);
}

/* AF_INET also takes a wildcard address without a family, as programs from before it was asked for give it. */
static int parse_bind_name(struct inet_socket *inet, const u8 *name, int length, struct inet_name *ret_name)
{
	u8 fixed[sizeof(struct sockaddr_in)];
	struct sockaddr_in sin;

	if (inet_is_v6(inet) || length < (int)sizeof(sin))
		return inet_parse_name(inet->base.domain, name, length, ret_name);
	memcpy(&sin, name, sizeof(sin));
	if (sin.sin_family == AF_UNSPEC && !sin.sin_addr.s_addr)
		sin.sin_family = AF_INET;
	memcpy(fixed, &sin, sizeof(sin));
	return inet_parse_name(AF_INET, fixed, sizeof(fixed), ret_name);
}

/* Whether the address may be bound to. */
static int check_address(struct inet_socket *inet, struct inet_name *name)
{
	const struct inet_addr *addr = &name->addr;
	bool v6_family = inet_is_v6(inet);

	if (v6_family && inet_is_v4(addr) && inet->options.v6only)
		return -EINVAL;
	if (v6_family && !inet_is_v4(addr) && inet_is_link_local(addr)) {
		if (!name->scope)
			name->scope = (u32)inet->end.device;
		if (!name->scope)
			return -EINVAL;
		inet->end.device = (int)name->scope;
	}
	if (inet_is_any(addr) || inet->options.freebind || inet->options.transparent || inet->net->nonlocal_bind)
		return 0;
	if (inet_is_multicast(addr) || net_is_broadcast(inet->net, addr))
		return 0;
	return net_is_local(inet->net, addr, name->scope) ? 0 : -EADDRNOTAVAIL;
}

int inet_bind(struct socket *sock, const u8 *name, int length)
{
	struct inet_socket *inet = inet_sk(sock);
	struct inet_name wanted;
	int error = parse_bind_name(inet, name, length, &wanted);

	if (error)
		return error;
	/* The two families look in different orders. */
	if (inet_is_v6(inet) && sock->type == SOCK_STREAM && inet_is_multicast(&wanted.addr) && !inet_is_v4(&wanted.addr))
		return -EINVAL;
	if (!inet_is_v6(inet)) {
		error = check_address(inet, &wanted);
		if (error)
			return error;
	}
	if (wanted.port && wanted.port < inet->net->unprivileged_port_start && !capable(CAP_NET_BIND_SERVICE))
		return -EACCES;
	if (inet->end.state != TCP_CLOSE || inet->end.bucket)
		return -EINVAL;
	if (inet_is_v6(inet)) {
		error = check_address(inet, &wanted);
		if (error)
			return error;
	}
	inet->end.local.addr = wanted.addr;
	inet->end.local.scope = wanted.scope;
	if (wanted.port || !inet->options.no_port) {
		error = port_bind(inet->net, &inet->end, wanted.port);
		if (error) {
			inet->end.local = (struct inet_name){ .addr = inet_any(sock->domain) };
			return error;
		}
	}
	inet->addr_locked = !inet_is_any(&wanted.addr);
	inet->port_locked = wanted.port != 0;
	return 0;
}

int inet_autobind(struct inet_socket *inet)
{
	return inet->end.bucket ? 0 : port_bind(inet->net, &inet->end, 0);
}

int inet_getname(struct socket *sock, u8 *name, int peer)
{
	struct inet_socket *inet = inet_sk(sock);
	bool connected = inet->end.state != TCP_CLOSE && inet->end.state != TCP_SYN_SENT;

	if (!peer)
		return inet_put_name(sock->domain, &inet->end.local, name);
	if (!inet->end.remote.port || (peer == 1 && !connected))
		return -ENOTCONN;
	return inet_put_name(sock->domain, &inet->end.remote, name);
}

int inet_destination(struct inet_socket *inet, const u8 *name, int length, struct inet_name *ret_to)
{
	int family = inet->base.domain, error;

	if (family == AF_INET6 && inet->base.type != SOCK_STREAM && length >= (int)sizeof(struct sockaddr_in) &&
	    *(const u16 *)name == AF_INET)
		family = AF_INET;
	error = inet_parse_name(family, name, length, ret_to);
	if (error)
		return error;
	if (inet_is_any4(&ret_to->addr))
		ret_to->addr = inet_from_v4(0x7f000001);
	else if (inet_is_any6(&ret_to->addr))
		ret_to->addr = inet_is_v4(&inet->end.local.addr) ? inet_from_v4(0x7f000001) : inet_loopback6();
	if (inet_is_v6(inet) && inet_is_v4(&ret_to->addr) && inet->options.v6only)
		return -ENETUNREACH;
	/* Bound to an address of the other kind. */
	if (inet_is_v6(inet) && !inet_is_any6(&inet->end.local.addr) && inet_is_v4(&ret_to->addr) != inet_is_v4(&inet->end.local.addr))
		return inet_is_v4(&ret_to->addr) ? -EINVAL : -ENETUNREACH;
	if (inet_is_link_local(&ret_to->addr) && !ret_to->scope) {
		ret_to->scope = (u32)inet->end.device;
		if (!ret_to->scope)
			return -EINVAL;
	}
	return 0;
}

void inet_route_shared(const struct inet_socket *inet, const struct inet_name *to, struct net_path *path)
{
	const struct inet_endpoint *end = &inet->end;

	if (path->kind == NET_LOCAL && inet->net->shares_addresses && (end->table == &tcp_ports || end->table == &udp_ports) &&
	    !port_find_receiver(end->table, to, &end->local, end->device))
		path->kind = NET_OUTSIDE;
}

int inet_route(struct inet_socket *inet, const struct inet_name *to, struct net_path *ret_path)
{
	int device = inet->end.device ? inet->end.device : (int)to->scope;
	int error = net_route(inet->net, &to->addr, &inet->end.local.addr, device, ret_path);

	if (!error)
		inet_route_shared(inet, to, ret_path);
	return error;
}
