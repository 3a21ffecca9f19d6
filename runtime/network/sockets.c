/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel asks for: connections, options, and an end of them. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h> /* needs struct timespec */

#include "runtime/network/names.h"
#include "runtime/sandbox/handover.h"

static struct network_socket *find(struct network *network, uint64_t token)
{
	struct network_socket *socket = network->sockets[token % NETWORK_BUCKETS];

	while (socket && socket->token != token)
		socket = socket->next;
	return socket;
}

struct network_socket *network_add_socket(struct network *network, uint64_t token, int fd, enum network_kind kind)
{
	struct network_socket *added = find(network, token) ? NULL : calloc(1, sizeof(*added));

	if (!added)
		return NULL;
	added->token = token;
	added->fd = fd;
	added->kind = kind;
	added->next = network->sockets[token % NETWORK_BUCKETS];
	network->sockets[token % NETWORK_BUCKETS] = added;
	network->nr_sockets++;
	return added;
}

void network_forget(struct network *network, uint64_t token)
{
	struct network_socket **at = &network->sockets[token % NETWORK_BUCKETS], *socket;

	while (*at && (*at)->token != token)
		at = &(*at)->next;
	socket = *at;
	if (!socket)
		return;
	*at = socket->next;
	network->nr_sockets--;
	if (socket->fd >= 0)
		close(socket->fd);
	else
		entrances_unlisten(network, socket);
	free(socket);
}

int network_hand_in(struct network *network, struct network_socket *socket, uint64_t target, const struct network_arrival *arrival, const void *payload,
		    size_t length)
{
	struct handover_message message = { .token = socket->token, .target = target };
	int error = handover_watch(network->sandbox, socket->fd, socket->token, EPOLLIN | EPOLLOUT | EPOLLRDHUP);

	memcpy(message.data, arrival, sizeof(*arrival));
	if (!error)
		error = handover_send_with(network->sandbox, socket->fd, &message, payload, length);
	if (error)
		network_forget(network, socket->token);
	return error;
}

/* What the container calls its gateway is this host. */
static void translate(struct network *network, struct network_endpoint *remote)
{
	const struct address gateway = address_from_v4(OUTSIDE_GATEWAY), loopback = address_from_v4(INADDR_LOOPBACK);

	if (network->boot.mode == NETWORK_OUTSIDE && !memcmp(remote->address, gateway.bytes, 16))
		memcpy(remote->address, loopback.bytes, 16);
}

static bool allowed(struct network *network, const struct network_request *request, const struct network_endpoint *remote)
{
	static const char *const kinds[] = { "?", "TCP", "UDP", "ping" };
	struct address address;
	char reason[POLICY_REASON] = "", text[ENDPOINT_TEXT];

	memcpy(address.bytes, remote->address, 16);
	if (network->policy->special_allow && !network->policy->nr_rules)
		return true;
	if (policy_check(network->policy, &address, remote->port, routes_own(network, &address), reason))
		return true;
	network_log(network, "refused: %s to %s: %s", kinds[request->kind], endpoint_print(&address, remote->port, text), reason);
	return false;
}

static const struct {
	int level, name;
} options[NETWORK_OPTION_MAX] = {
	[NETWORK_OPTION_TCP_INFO] = { IPPROTO_TCP, TCP_INFO },
	[NETWORK_OPTION_ERROR] = { SOL_SOCKET, SO_ERROR },
	[NETWORK_OPTION_NODELAY] = { IPPROTO_TCP, TCP_NODELAY },
	[NETWORK_OPTION_KEEPALIVE] = { SOL_SOCKET, SO_KEEPALIVE },
	[NETWORK_OPTION_KEEPIDLE] = { IPPROTO_TCP, TCP_KEEPIDLE },
	[NETWORK_OPTION_KEEPINTVL] = { IPPROTO_TCP, TCP_KEEPINTVL },
	[NETWORK_OPTION_KEEPCNT] = { IPPROTO_TCP, TCP_KEEPCNT },
	[NETWORK_OPTION_USER_TIMEOUT] = { IPPROTO_TCP, TCP_USER_TIMEOUT },
	[NETWORK_OPTION_SNDBUF] = { SOL_SOCKET, SO_SNDBUF },
	[NETWORK_OPTION_RCVBUF] = { SOL_SOCKET, SO_RCVBUF },
	[NETWORK_OPTION_LINGER] = { SOL_SOCKET, SO_LINGER },
	[NETWORK_OPTION_TOS] = { IPPROTO_IP, IP_TOS },
	[NETWORK_OPTION_TTL] = { IPPROTO_IP, IP_TTL },
	[NETWORK_OPTION_RECVERR] = { IPPROTO_IP, IP_RECVERR },
	[NETWORK_OPTION_CORK] = { IPPROTO_TCP, TCP_CORK },
};

/* What IPv6 has for an option of IPv4; 0: the same. */
static int name_of_ipv6(int option)
{
	switch (option) {
	case NETWORK_OPTION_TOS: return IPV6_TCLASS;
	case NETWORK_OPTION_TTL: return IPV6_UNICAST_HOPS;
	case NETWORK_OPTION_RECVERR: return IPV6_RECVERR;
	default: return 0;
	}
}

static bool is_ipv6(int fd)
{
	int domain = 0;
	socklen_t length = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_INET6;
}

static long set_option(int fd, int option, int value)
{
	if (name_of_ipv6(option) && is_ipv6(fd))
		return setsockopt(fd, IPPROTO_IPV6, name_of_ipv6(option), &value, sizeof(value)) ? -errno : 0;
	return setsockopt(fd, options[option].level, options[option].name, &value, sizeof(value)) ? -errno : 0;
}

static long do_set(int fd, const struct network_request *request)
{
	struct linger linger = { request->value == 0, 0 };
	int option = request->argument, value = request->value;

	if (option <= NETWORK_OPTION_ERROR || option >= NETWORK_OPTION_MAX)
		return -ENOPROTOOPT;
	/* With time to linger, closing would wait here; who has asked for that waits inside. */
	if (option == NETWORK_OPTION_LINGER && request->value > 0)
		return -EINVAL;
	if (option == NETWORK_OPTION_LINGER)
		return setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) ? -errno : 0;
	return set_option(fd, option, value);
}

static int make_socket(const struct network_request *request, int family)
{
	const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;

	switch (request->kind) {
	case NETWORK_TCP:
		return socket(family, SOCK_STREAM | flags, 0); /* cloexec: in flags */
	case NETWORK_UDP:
		return socket(family, SOCK_DGRAM | flags, 0); /* cloexec: in flags */
	default:
		return socket(family, SOCK_DGRAM | flags, family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6); /* cloexec: in flags */
	}
}

/* In the host's own networks the port inside is the port outside. */
static int bind_local(struct network *network, int fd, const struct network_request *request, int family)
{
	struct sockaddr_storage name;
	struct network_endpoint local = request->local;
	socklen_t length;
	int on = 1;

	if (!(request->flags & NETWORK_BIND) || network->boot.mode == NETWORK_OUTSIDE)
		return 0;
	length = endpoint_to_host(&local, &name);
	if (name.ss_family != family)
		return 0;
	setsockopt(fd, SOL_SOCKET, request->kind == NETWORK_UDP ? SO_REUSEPORT : SO_REUSEADDR, &on, sizeof(on));
	return bind(fd, (struct sockaddr *)&name, length);
}

static long hand_in_answer(struct network *network, const struct network_request *request, int fd, const struct network_arrival *arrival)
{
	struct network_socket *added = network_add_socket(network, request->token, fd, request->kind);

	if (added)
		return network_hand_in(network, added, request->token, arrival, NULL, 0);
	close(fd);
	return -ENOMEM;
}

static long connect_names(struct network *network, const struct network_request *request, const struct network_arrival *arrival)
{
	int fd = names_connect(network, request->kind == NETWORK_TCP);

	return fd < 0 ? fd : hand_in_answer(network, request, fd, arrival);
}

static long do_connect(struct network *network, const struct network_request *request)
{
	struct network_endpoint remote = request->remote;
	struct network_arrival arrival = { .remote = request->remote, .kind = request->kind };
	struct sockaddr_storage name;
	socklen_t length;
	int fd, on = 1;

	if (request->kind < NETWORK_TCP || request->kind > NETWORK_PING)
		return -EINVAL;
	if (network_is_full(network))
		return -ENFILE;
	if (request->kind != NETWORK_PING && names_serve(network, &request->remote))
		return connect_names(network, request, &arrival);
	translate(network, &remote);
	if (request->kind == NETWORK_PING)
		remote.port = 0; /* not a port there */
	if (!allowed(network, request, &remote))
		return -EACCES;
	length = endpoint_to_host(&remote, &name);
	fd = make_socket(request, name.ss_family);
	if (fd < 0)
		return -errno;
	if (request->flags & NETWORK_BROADCAST)
		setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
	if (request->kind == NETWORK_TCP)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* What the first datagram must have; failures are the container's to bear. */
	if (request->flags & NETWORK_RECVERR)
		set_option(fd, NETWORK_OPTION_RECVERR, 1);
	if (request->value > 0 && request->value < 256)
		set_option(fd, NETWORK_OPTION_TTL, request->value);
	if (request->argument > 0 && request->argument < 256)
		set_option(fd, NETWORK_OPTION_TOS, request->argument);
	if (bind_local(network, fd, request, name.ss_family) || (connect(fd, (struct sockaddr *)&name, length) && errno != EINPROGRESS)) {
		int error = errno;

		close(fd);
		return -error;
	}
	length = sizeof(name);
	if (getsockname(fd, (struct sockaddr *)&name, &length) == 0)
		endpoint_from_host(&name, &arrival.local);
	return hand_in_answer(network, request, fd, &arrival);
}

/* The error's control message; false: there is none. */
static bool find_error(struct network *network, struct msghdr *from, struct network_error *ret_error)
{
	for (struct cmsghdr *at = CMSG_FIRSTHDR(from); at; at = CMSG_NXTHDR(from, at)) {
		struct { struct sock_extended_err error; struct sockaddr_in6 offender; } found = { 0 };
		struct sockaddr_storage offender = { 0 };
		size_t length = at->cmsg_len - CMSG_LEN(0);

		if (!(at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_RECVERR) && !(at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_RECVERR))
			continue;
		if (length < sizeof(found.error))
			return false;
		memcpy(&found, CMSG_DATA(at), length < sizeof(found) ? length : sizeof(found));
		memcpy(&offender, &found.offender, sizeof(found.offender));
		*ret_error = (struct network_error){ .error = found.error.ee_errno, .info = found.error.ee_info, .origin = found.error.ee_origin,
						     .type = found.error.ee_type, .code = found.error.ee_code };
		if (offender.ss_family == AF_INET || offender.ss_family == AF_INET6) {
			endpoint_from_host(&offender, &ret_error->offender);
			network_show_remote(network, &ret_error->offender);
		}
		return true;
	}
	return false;
}

static long do_errors(struct network *network, const struct network_socket *socket)
{
	for (;;) {
		struct handover_message message = { .token = socket->token, .target = socket->token, .argument = { 0, 1 } };
		struct network_error error;
		char control[512], sent[2048];
		struct iovec piece = { sent, sizeof(sent) };
		struct msghdr from = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
		ssize_t length = recvmsg(socket->fd, &from, MSG_ERRQUEUE | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (length < 0)
			return 0;
		if (!find_error(network, &from, &error))
			continue;
		memcpy(message.data, &error, sizeof(error));
		if (handover_send_with(network->sandbox, -1, &message, sent, length))
			return 0;
	}
}

static long do_get(int fd, const struct network_request *request, char *data, size_t size)
{
	socklen_t length = size < 1024 ? size : 1024;
	int option = request->argument;

	if (option != NETWORK_OPTION_TCP_INFO && option != NETWORK_OPTION_ERROR)
		return -ENOPROTOOPT;
	return getsockopt(fd, options[option].level, options[option].name, data, &length) ? -errno : (long)length;
}

long network_request(struct network *network, struct network_request *request, char *data, size_t size)
{
	struct network_socket *socket;

	if (request->token < HANDOVER_FIRST_TOKEN)
		return -EINVAL;
	if (request->op == NETWORK_CONNECT)
		return request->token & HANDOVER_OF_MONITOR ? -EINVAL : do_connect(network, request);
	if (request->op == NETWORK_LISTEN)
		return request->token & HANDOVER_OF_MONITOR ? -EINVAL : entrances_listen(network, request);
	socket = find(network, request->token);
	if (request->op == NETWORK_RELEASE) {
		network_forget(network, request->token);
		return 0;
	}
	if (!socket || socket->fd < 0)
		return -EBADF;
	switch (request->op) {
	case NETWORK_SHUTDOWN:
		if (request->argument < SHUT_RD || request->argument > SHUT_RDWR)
			return -EINVAL;
		return shutdown(socket->fd, request->argument) ? -errno : 0;
	case NETWORK_SET:
		return do_set(socket->fd, request);
	case NETWORK_ERRORS:
		return do_errors(network, socket);
	case NETWORK_GET:
		return data ? do_get(socket->fd, request, data, size) : -EINVAL;
	default:
		return -ENOSYS;
	}
}
