/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether an address is one of this host's own. The host is asked where a packet would go (RTM_GETROUTE): that is what will happen, whatever
 * interfaces, namespaces and tables there are.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

#include "runtime/network/network.h"

void routes_open(struct network *network)
{
	struct timeval limit = { 1, 0 };

	network->routes_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (network->routes_fd >= 0)
		setsockopt(network->routes_fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

/* Without netlink: only a host's own addresses can be bound to. */
static bool can_be_bound(const struct address *address)
{
	struct network_endpoint endpoint = { 0 };
	struct sockaddr_storage name;
	socklen_t length;
	bool own;
	int fd;

	memcpy(endpoint.address, address->bytes, 16);
	length = endpoint_to_host(&endpoint, &name);
	fd = socket(name.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* What cannot be found out is refused. */
	if (fd < 0)
		return errno != EAFNOSUPPORT;
	own = bind(fd, (struct sockaddr *)&name, length) == 0 || errno != EADDRNOTAVAIL;
	close(fd);
	return own;
}

bool routes_own(struct network *network, const struct address *address)
{
	struct {
		struct nlmsghdr header;
		struct rtmsg route;
		struct rtattr attribute;
		uint8_t address[16];
	} question = { { 0, RTM_GETROUTE, NLM_F_REQUEST, 0, 0 }, { 0 }, { 0 }, { 0 } };
	static uint32_t sequence;
	bool v4 = address_is_v4(address);
	size_t size = v4 ? 4 : 16;
	char answer[4096] __attribute__((aligned(8)));
	const struct nlmsghdr *header = (const struct nlmsghdr *)answer;
	ssize_t length;

	if (network->routes_fd < 0)
		return can_be_bound(address);
	question.header.nlmsg_seq = ++sequence;
	question.route.rtm_family = v4 ? AF_INET : AF_INET6;
	question.route.rtm_dst_len = size * 8;
	question.attribute = (struct rtattr){ RTA_LENGTH(size), RTA_DST };
	memcpy(question.address, address->bytes + 16 - size, size);
	question.header.nlmsg_len = NLMSG_LENGTH(sizeof(question.route)) + RTA_LENGTH(size);
	if (send(network->routes_fd, &question, question.header.nlmsg_len, 0) < 0)
		return can_be_bound(address);
	do
		length = recv(network->routes_fd, answer, sizeof(answer), 0);
	while ((length < 0 && errno == EINTR) || (length >= (ssize_t)sizeof(*header) && header->nlmsg_seq != sequence));
	if (length < (ssize_t)sizeof(*header) || header->nlmsg_type == NLMSG_ERROR)
		return length < (ssize_t)sizeof(*header) ? can_be_bound(address) : false; /* an error: there is no way there */
	switch (((const struct rtmsg *)NLMSG_DATA(header))->rtm_type) {
	case RTN_LOCAL:
	case RTN_BROADCAST:
	case RTN_ANYCAST:
		return true;
	default:
		return false;
	}
}
