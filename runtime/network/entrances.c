/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others connect to: published ports, and in the host's own networks whatever listens inside.
 *
 * A published TCP port is bound from the start, so that it is this container's, but listens only while somebody inside does: until then the host
 * refuses connections. Connections are accepted here and handed in; as many as the backlog may be on their way, the rest waits with the
 * host, as it would for a program that is slow to accept.
 *
 * UDP: flows.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "runtime/network/network.h"
#include "runtime/sandbox/handover.h"

#define ACCEPT_AT_ONCE 64

static void watch(struct network *network, unsigned int index, bool on)
{
	struct network_entrance *entrance = &network->entrances[index];
	struct epoll_event event = { EPOLLIN, { .u64 = index } };

	network->nr_paused += (int)!on - (int)entrance->paused;
	entrance->paused = !on;
	/* Not watched for no event, which would still tell that a socket does not listen, again and again. */
	epoll_ctl(network->epoll_fd, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, entrance->fd, &event);
}

static int make_entrance(struct network_entrance *entrance, const struct network_endpoint *host, unsigned int flags)
{
	struct sockaddr_storage name;
	socklen_t length = endpoint_to_host(host, &name);
	bool udp = entrance->kind == NETWORK_UDP;
	int on = 1, v6only = (flags & NETWORK_V6ONLY) != 0;

	entrance->fd = socket(name.ss_family, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (entrance->fd < 0)
		return -errno;
	/* UDP: the sockets that are connected to peers share the port; the host lets only this user's do so. */
	setsockopt(entrance->fd, SOL_SOCKET, udp || (flags & NETWORK_REUSE) ? SO_REUSEPORT : SO_REUSEADDR, &on, sizeof(on));
	if (udp)
		setsockopt(entrance->fd, name.ss_family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, name.ss_family == AF_INET ? IP_PKTINFO : IPV6_RECVPKTINFO,
			   &on, sizeof(on));
	if (name.ss_family == AF_INET6)
		setsockopt(entrance->fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
	if (bind(entrance->fd, (struct sockaddr *)&name, length) || getsockname(entrance->fd, (struct sockaddr *)&name, &length)) {
		int error = errno;

		close(entrance->fd);
		entrance->fd = -1;
		return -error;
	}
	endpoint_from_host(&name, &entrance->host);
	return 0;
}

static struct network_entrance *free_entrance(struct network *network)
{
	for (int i = 0; i < NETWORK_ENTRANCES; i++)
		if (network->entrances[i].fd < 0)
			return &network->entrances[i];
	return NULL;
}

static int publish(struct network *network, const struct published_port *port, const struct address *address, unsigned int host_port,
		   struct network_entrance **ret_entrance, struct error *error)
{
	struct network_entrance *entrance = free_entrance(network);
	struct network_endpoint host = { .port = host_port };
	char text[ENDPOINT_TEXT];
	int code;

	if (!entrance)
		return fail(error, 0, "more than %d published ports", NETWORK_ENTRANCES);
	memcpy(host.address, address->bytes, 16);
	*entrance = (struct network_entrance){ .fd = -1, .kind = port->kind, .published = true, .port = port->port };
	*ret_entrance = entrance;
	code = make_entrance(entrance, &host, NETWORK_V6ONLY);
	if (!code)
		return 0;
	fail(error, -code, "cannot publish port %u at %s%s", port->port, endpoint_print(address, host_port, text), port->kind == NETWORK_UDP ? "/udp" : "");
	if (code == -EADDRINUSE)
		return fail_remedy(error, "Another program of the host has the port");
	return code == -EACCES ? fail_remedy(error, "Ports below 1024 take root (or net.ipv4.ip_unprivileged_port_start)") : -1;
}

/* IPv4 and IPv6, unless an address was given. A host without IPv6 has none of it. */
static int publish_everywhere(struct network *network, const struct published_port *port, struct error *error)
{
	const struct address any4 = address_from_v4(0), any6 = { { 0 } };
	struct network_entrance *entrance, *second;
	struct error ignored = { 0 };

	if (publish(network, port, &any4, port->host_port, &entrance, error))
		return -1;
	if (publish(network, port, &any6, entrance->host.port, &second, &ignored) && ignored.code == EADDRINUSE) {
		*error = ignored;
		return -1;
	}
	return 0;
}

int entrances_publish(struct network *network, struct error *error)
{
	for (int i = 0; i < network->config->nr_published; i++) {
		const struct published_port *port = &network->config->published[i];
		struct network_entrance *entrance;

		if (port->every_address ? publish_everywhere(network, port, error) :
					  publish(network, port, &port->address, port->host_port, &entrance, error))
			return -1;
		network->boot.published[port->kind]++;
	}
	return 0;
}

/* Somebody inside listens from now on. */
static int open_entrance(struct network *network, struct network_entrance *entrance, int backlog)
{
	entrance->backlog = backlog < 1 ? 1 : backlog;
	if (entrance->kind == NETWORK_TCP && listen(entrance->fd, entrance->backlog))
		return -errno;
	/* What was sent when nobody was there is for nobody. */
	for (int i = 0; entrance->kind == NETWORK_UDP && !entrance->listeners && i < 4096 && recv(entrance->fd, NULL, 0, MSG_DONTWAIT) >= 0; i++)
		;
	if (!entrance->listeners++)
		watch(network, entrance - network->entrances, true);
	return 0;
}

static bool leads_to(const struct network_entrance *entrance, enum network_kind kind, const struct network_endpoint *local)
{
	return entrance->fd >= 0 && entrance->kind == kind &&
	       (entrance->published ? entrance->port == local->port : !memcmp(&entrance->host, local, sizeof(*local)));
}

static int make_listener(struct network *network, const struct network_request *request)
{
	struct network_entrance *entrance = free_entrance(network);
	int error;

	if (!entrance || network_is_full(network))
		return -ENFILE;
	*entrance = (struct network_entrance){ .fd = -1, .kind = request->kind, .port = request->local.port };
	error = make_entrance(entrance, &request->local, request->flags);
	if (error)
		return error;
	error = open_entrance(network, entrance, request->argument);
	if (error) {
		close(entrance->fd);
		entrance->fd = -1;
	}
	return error;
}

long entrances_listen(struct network *network, const struct network_request *request)
{
	struct network_socket *listener;
	int found = 0, error = 0;

	if ((request->kind != NETWORK_TCP && request->kind != NETWORK_UDP) || !request->local.port)
		return -EINVAL;
	listener = network_add_socket(network, request->token, -1, request->kind);
	if (!listener)
		return -ENOMEM;
	listener->local = request->local;
	for (int i = 0; i < NETWORK_ENTRANCES; i++) {
		struct network_entrance *entrance = &network->entrances[i];

		if (!leads_to(entrance, request->kind, &request->local))
			continue;
		found++;
		if (open_entrance(network, entrance, request->argument))
			entrance->listeners++; /* counted like the others, so that all may be taken back */
	}
	if (!found && network->boot.mode != NETWORK_OUTSIDE)
		error = make_listener(network, request);
	if (!error && (found || network->boot.mode != NETWORK_OUTSIDE))
		return 0;
	listener->local.port = 0; /* leads nowhere */
	network_forget(network, request->token);
	return error ? error : 1;
}

void entrances_unlisten(struct network *network, const struct network_socket *listener)
{
	for (int i = 0; i < NETWORK_ENTRANCES; i++) {
		struct network_entrance *entrance = &network->entrances[i];

		if (!leads_to(entrance, listener->kind, &listener->local) || --entrance->listeners > 0)
			continue;
		entrance->listeners = 0;
		watch(network, i, false);
		entrance->paused = false;
		network->nr_paused--;
		if (entrance->published && entrance->kind == NETWORK_TCP) {
			shutdown(entrance->fd, SHUT_RDWR); /* still bound, and refuses */
		} else if (!entrance->published) {
			close(entrance->fd);
			entrance->fd = -1;
		}
	}
}

/* Who connects from this host's loopback is not the container's own loopback: programs trust that. */
void network_show_remote(const struct network *network, struct network_endpoint *remote)
{
	const struct address gateway = address_from_v4(OUTSIDE_GATEWAY);
	struct address address;

	memcpy(address.bytes, remote->address, 16);
	address = address_normalise(&address);
	if (network->boot.mode == NETWORK_OUTSIDE && (!address_is_v4(&address) || address_classify(&address) == ADDRESS_LOOPBACK)) {
		memcpy(remote->address, gateway.bytes, 16);
		remote->scope = 0;
	}
}

static void show_local(struct network *network, const struct network_entrance *entrance, struct network_endpoint *local)
{
	const struct address own = address_from_v4(OUTSIDE_ADDRESS);

	if (network->boot.mode != NETWORK_OUTSIDE)
		return;
	memset(local, 0, sizeof(*local));
	memcpy(local->address, own.bytes, 16);
	local->port = entrance->port;
}

void entrance_show(struct network *network, const struct network_entrance *entrance, struct network_arrival *arrival)
{
	network_show_remote(network, &arrival->remote);
	show_local(network, entrance, &arrival->local);
}

/* 0: one was handed in, or lost; -errno: look again later. */
static int accept_one(struct network *network, struct network_entrance *entrance)
{
	struct network_arrival arrival = { .kind = NETWORK_TCP, .entrance = entrance - network->entrances };
	struct network_socket *added;
	struct sockaddr_storage name;
	socklen_t length = sizeof(name);
	int fd, on = 1;

	if (network_is_full(network))
		return -ENFILE;
	fd = accept4(entrance->fd, (struct sockaddr *)&name, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return errno == ECONNABORTED || errno == EINTR ? 0 : -errno;
	endpoint_from_host(&name, &arrival.remote);
	length = sizeof(name);
	if (getsockname(fd, (struct sockaddr *)&name, &length) == 0)
		endpoint_from_host(&name, &arrival.local);
	entrance_show(network, entrance, &arrival);
	setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY: the container's programs decide when to write */, &on, sizeof(on));
	added = network_add_socket(network, handover_token(network->sandbox), fd, NETWORK_TCP);
	if (!added) {
		close(fd);
		return -ENOMEM;
	}
	if (network_hand_in(network, added, EPOLL_DATA_ARRIVAL, &arrival, NULL, 0) == 0)
		entrance->sent++;
	return 0;
}

static bool has_room(struct network *network, struct network_entrance *entrance)
{
	struct network_ring *ring = &network->sandbox->channel->network;
	unsigned int index = entrance - network->entrances;

	if ((int32_t)(entrance->sent - __atomic_load_n(&ring->taken[index], __ATOMIC_ACQUIRE)) < entrance->backlog)
		return true;
	__atomic_store_n(&ring->waits[index], 1, __ATOMIC_SEQ_CST);
	return (int32_t)(entrance->sent - __atomic_load_n(&ring->taken[index], __ATOMIC_SEQ_CST)) < entrance->backlog;
}

static void accept_connections(struct network *network, struct network_entrance *entrance)
{
	unsigned int index = entrance - network->entrances;
	int error = 0;

	for (int i = 0; i < ACCEPT_AT_ONCE && !error; i++) {
		if (!has_room(network, entrance)) {
			watch(network, index, false);
			return;
		}
		error = accept_one(network, entrance);
	}
	if (!error || error == -EAGAIN)
		return;
	/* No descriptor, no memory: the connection waits with the host, and this thread does not spin. */
	watch(network, index, false);
	network->retry = true;
}

void entrance_ready(struct network *network, unsigned int index)
{
	struct network_entrance *entrance = &network->entrances[index];

	if (entrance->fd < 0 || !entrance->listeners || entrance->paused)
		return;
	if (entrance->kind == NETWORK_TCP)
		accept_connections(network, entrance);
	else
		flows_ready(network, entrance);
}

void entrances_resume(struct network *network)
{
	struct network_ring *ring = &network->sandbox->channel->network;

	network->retry = false;
	for (unsigned int i = 0; i < NETWORK_ENTRANCES && network->nr_paused; i++) {
		struct network_entrance *entrance = &network->entrances[i];

		if (entrance->fd < 0 || !entrance->paused || !entrance->listeners || !has_room(network, entrance))
			continue;
		__atomic_store_n(&ring->waits[i], 0, __ATOMIC_RELAXED);
		watch(network, i, true);
	}
}

void entrances_close(struct network *network)
{
	for (int i = 0; i < NETWORK_ENTRANCES; i++) {
		if (network->entrances[i].fd >= 0)
			close(network->entrances[i].fd);
		network->entrances[i].fd = -1;
	}
}
