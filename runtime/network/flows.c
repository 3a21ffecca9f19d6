/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP ports that others send to.
 *
 * The socket of the port itself is never handed in: a program that has taken over the container's kernel could send from it to anywhere. The
 * first datagram of each peer makes a socket that shares the port and is connected to that peer; the two are handed in together. Later datagrams of
 * the peer go to that socket, because the host prefers the connected one.
 *
 * Between its binding and its connecting, datagrams of others may get into the new socket. They are taken out again, and get sockets of their own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/network/network.h"
#include "runtime/sandbox/handover.h"

#define AT_ONCE 64
#define DEPTH_MAX 8 /* strangers in a stranger's socket, and so on */

static uint8_t datagram[HANDOVER_PAYLOAD];

/* -1: there is none. *ret_local is where it was sent to, as far as the host says. */
static ssize_t receive(int fd, struct sockaddr_storage *ret_remote, struct network_endpoint *ret_local)
{
	char control[256];
	struct iovec piece = { datagram, sizeof(datagram) };
	struct msghdr message = { .msg_name = ret_remote, .msg_namelen = sizeof(*ret_remote), .msg_iov = &piece, .msg_iovlen = 1,
				  .msg_control = control, .msg_controllen = sizeof(control) };
	ssize_t length = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (length < 0)
		return -1;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
		struct in_pktinfo v4;
		struct in6_pktinfo v6;
		struct address address;

		if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
			memcpy(&v4, CMSG_DATA(header), sizeof(v4));
			address = address_from_v4(ntohl(v4.ipi_spec_dst.s_addr));
			memcpy(ret_local->address, address.bytes, 16);
		} else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
			memcpy(&v6, CMSG_DATA(header), sizeof(v6));
			memcpy(ret_local->address, &v6.ipi6_addr, 16);
			ret_local->scope = (v6.ipi6_addr.s6_addr[0] == 0xfe && (v6.ipi6_addr.s6_addr[1] & 0xc0) == 0x80) ? v6.ipi6_ifindex : 0;
		}
	}
	return length;
}

static void describe(struct network *network, const struct network_entrance *entrance, const struct sockaddr_storage *remote,
		     const struct network_endpoint *local, struct network_arrival *ret_arrival)
{
	memset(ret_arrival, 0, sizeof(*ret_arrival));
	ret_arrival->kind = NETWORK_UDP;
	ret_arrival->entrance = entrance - network->entrances;
	endpoint_from_host(remote, &ret_arrival->remote);
	ret_arrival->local = *local;
	entrance_show(network, entrance, ret_arrival);
}

static void hand_in_alone(struct network *network, const struct network_arrival *arrival, size_t length)
{
	struct handover_message message = { .target = EPOLL_DATA_ARRIVAL };

	memcpy(message.data, arrival, sizeof(*arrival));
	handover_send_with(network->sandbox, -1, &message, datagram, length);
}

/* A socket at @local that is connected to @remote; -1: cannot be had. */
static int make_flow(const struct network_endpoint *local, const struct sockaddr_storage *remote)
{
	struct sockaddr_storage name;
	socklen_t length = endpoint_to_host(local, &name);
	int on = 1, fd = socket(remote->ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&name, length) == 0 && connect(fd, (const struct sockaddr *)remote, sizeof(*remote)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void take_out_strangers(struct network *network, struct network_entrance *entrance, int fd, const struct network_endpoint *local,
			       const struct network_endpoint *peer, int depth);

/* A datagram, in the buffer, of somebody who has no socket yet. */
static void admit(struct network *network, struct network_entrance *entrance, const struct sockaddr_storage *remote,
		  const struct network_endpoint *local, size_t length, int depth)
{
	struct network_arrival arrival;
	struct network_socket *added;
	struct network_endpoint peer;
	int fd;

	describe(network, entrance, remote, local, &arrival);
	fd = network_is_full(network) ? -1 : make_flow(local, remote);
	added = fd < 0 ? NULL : network_add_socket(network, handover_token(network->sandbox), fd, NETWORK_UDP);
	if (!added) {
		if (fd >= 0)
			close(fd);
		hand_in_alone(network, &arrival, length);
		return;
	}
	network_hand_in(network, added, EPOLL_DATA_ARRIVAL, &arrival, datagram, length);
	endpoint_from_host(remote, &peer);
	take_out_strangers(network, entrance, fd, local, &peer, depth);
}

/* Strangers get sockets of their own, or nobody could answer them; the peer has one, its datagrams only came early. */
static void take_out_strangers(struct network *network, struct network_entrance *entrance, int fd, const struct network_endpoint *local,
			       const struct network_endpoint *peer, int depth)
{
	struct sockaddr_storage remote;
	struct network_endpoint unused, from;
	struct network_arrival arrival;

	for (int i = 0; i < AT_ONCE; i++) {
		ssize_t length = receive(fd, &remote, &unused);

		if (length < 0)
			return;
		endpoint_from_host(&remote, &from);
		if (depth < DEPTH_MAX && memcmp(&from, peer, sizeof(from))) {
			admit(network, entrance, &remote, local, length, depth + 1);
			continue;
		}
		describe(network, entrance, &remote, local, &arrival);
		hand_in_alone(network, &arrival, length);
	}
}

static int take_one(struct network *network, struct network_entrance *entrance)
{
	struct network_endpoint local = entrance->host;
	struct sockaddr_storage remote;
	ssize_t length = receive(entrance->fd, &remote, &local);

	if (length < 0)
		return -errno;
	admit(network, entrance, &remote, &local, length, 0);
	return 0;
}

void flows_ready(struct network *network, struct network_entrance *entrance)
{
	for (int i = 0; i < AT_ONCE; i++)
		if (take_one(network, entrance))
			return;
}
