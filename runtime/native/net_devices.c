/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/native/net_devices.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_ADDRESSES 32
#define BUFFER 16384

/* Two namespaces, a socket in each. */
struct ends {
	int host_ns, host, container_ns, container;
};

struct address {
	unsigned char family, prefix, scope, length;
	unsigned char local[16];
};

/* ---- requests ---- */

struct request {
	struct nlmsghdr header;
	char rest[512];
};

static void *begin(struct request *request, int type, int flags, size_t size)
{
	memset(request, 0, sizeof(*request));
	request->header.nlmsg_len = NLMSG_LENGTH(size);
	request->header.nlmsg_type = type;
	request->header.nlmsg_flags = NLM_F_REQUEST | flags;
	return NLMSG_DATA(&request->header);
}

static void add(struct request *request, int type, const void *data, size_t length)
{
	struct rtattr *attribute = (struct rtattr *)((char *)request + NLMSG_ALIGN(request->header.nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = RTA_LENGTH(length);
	memcpy(RTA_DATA(attribute), data, length);
	request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + RTA_LENGTH(length);
}

/* 0, or -1 with errno from the kernel's answer. */
static int ask(int socket_fd, struct request *request)
{
	char buffer[1024];
	const struct nlmsghdr *answer = (const struct nlmsghdr *)buffer;
	const struct nlmsgerr *error;
	ssize_t length;

	request->header.nlmsg_flags |= NLM_F_ACK;
	if (send(socket_fd, request, request->header.nlmsg_len, 0) < 0)
		return -1;
	length = recv(socket_fd, buffer, sizeof(buffer), 0);
	if (length < (ssize_t)NLMSG_LENGTH(sizeof(*error)) || answer->nlmsg_type != NLMSG_ERROR) {
		errno = EPROTO;
		return -1;
	}
	error = NLMSG_DATA(answer);
	errno = -error->error;
	return error->error ? -1 : 0;
}

/* The interface's number in the namespace of @socket_fd; 0 if there is none. */
static int index_of(int socket_fd, const char *name)
{
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return ioctl(socket_fd, SIOCGIFINDEX, &request) ? 0 : request.ifr_ifindex;
}

/* ---- addresses ---- */

static void take_address(const struct nlmsghdr *message, int index, struct address *addresses, int *nr)
{
	const struct ifaddrmsg *about = NLMSG_DATA(message);
	const struct rtattr *attribute = IFA_RTA(about), *chosen = NULL;
	int left = IFA_PAYLOAD(message);

	if ((int)about->ifa_index != index || about->ifa_scope != RT_SCOPE_UNIVERSE || !(about->ifa_flags & IFA_F_PERMANENT))
		return;
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
		if (attribute->rta_type == IFA_LOCAL || (attribute->rta_type == IFA_ADDRESS && !chosen))
			chosen = attribute;
	if (!chosen || *nr == MAX_ADDRESSES || RTA_PAYLOAD(chosen) > sizeof(addresses->local))
		return;
	addresses[*nr] = (struct address){ .family = about->ifa_family, .prefix = about->ifa_prefixlen, .scope = about->ifa_scope,
					   .length = RTA_PAYLOAD(chosen) };
	memcpy(addresses[(*nr)++].local, RTA_DATA(chosen), RTA_PAYLOAD(chosen));
}

static int read_addresses(int socket_fd, int index, struct address *addresses)
{
	_Alignas(struct nlmsghdr) char buffer[BUFFER];
	struct request request;
	int nr = 0;

	begin(&request, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
	if (send(socket_fd, &request, request.header.nlmsg_len, 0) < 0)
		return 0;
	for (;;) {
		ssize_t length = recv(socket_fd, buffer, sizeof(buffer), 0);
		const struct nlmsghdr *message = (const struct nlmsghdr *)buffer;

		if (length <= 0)
			return nr;
		for (; NLMSG_OK(message, length); message = NLMSG_NEXT(message, length)) {
			if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
				return nr;
			if (message->nlmsg_type == RTM_NEWADDR)
				take_address(message, index, addresses, &nr);
		}
	}
}

static int add_address(int socket_fd, int index, const struct address *address)
{
	struct request request;
	struct ifaddrmsg *about = begin(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*about));

	about->ifa_family = address->family;
	about->ifa_prefixlen = address->prefix;
	about->ifa_scope = address->scope;
	about->ifa_index = index;
	add(&request, IFA_LOCAL, address->local, address->length);
	add(&request, IFA_ADDRESS, address->local, address->length);
	return ask(socket_fd, &request);
}

/* ---- devices ---- */

static int move(int socket_fd, int index, int to_namespace, const char *name)
{
	struct request request;
	struct ifinfomsg *about = begin(&request, RTM_NEWLINK, 0, sizeof(*about));
	uint32_t fd = to_namespace;

	about->ifi_index = index;
	/* A device that is up cannot change its name. */
	about->ifi_change = IFF_UP;
	if (ask(socket_fd, &request))
		return -1;
	about = begin(&request, RTM_NEWLINK, 0, sizeof(*about));
	about->ifi_index = index;
	add(&request, IFLA_NET_NS_FD, &fd, sizeof(fd));
	add(&request, IFLA_IFNAME, name, strlen(name) + 1);
	return ask(socket_fd, &request);
}

static int set_up(int socket_fd, int index)
{
	struct request request;
	struct ifinfomsg *about = begin(&request, RTM_NEWLINK, 0, sizeof(*about));

	about->ifi_index = index;
	about->ifi_flags = about->ifi_change = IFF_UP;
	return ask(socket_fd, &request);
}

static const char *name_inside(const struct spec_net_device *device) { return device->name ? device->name : device->key; }

static int move_one(const struct ends *ends, const struct spec_net_device *device, struct error *error)
{
	struct address addresses[MAX_ADDRESSES];
	const char *name = name_inside(device);
	int index = index_of(ends->host, device->key), nr;

	if (strlen(name) >= IFNAMSIZ)
		return fail(error, 0, "linux.netDevices.%s.name: \"%.100s\" is longer than %d characters", device->key, name, IFNAMSIZ - 1);
	if (!index)
		return fail(error, 0, "linux.netDevices.%s: the host has no such network device", device->key);
	nr = read_addresses(ends->host, index, addresses);
	if (move(ends->host, index, ends->container_ns, name))
		return fail(error, errno, "linux.netDevices.%s: cannot move it into the container", device->key);
	index = index_of(ends->container, name);
	for (int i = 0; i < nr; i++)
		if (add_address(ends->container, index, &addresses[i]))
			return fail(error, errno, "linux.netDevices.%s: cannot set its addresses", device->key);
	return set_up(ends->container, index) ? fail(error, errno, "linux.netDevices.%s: cannot set it up", device->key) : 0;
}

/* ---- namespaces ---- */

static void close_ends(const struct ends *ends)
{
	const int fds[] = { ends->host_ns, ends->host, ends->container_ns, ends->container };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* A socket stays in the namespace where it was made. */
static int open_ends(int pidfd, struct ends *ends)
{
	*ends = (struct ends){ -1, -1, -1, -1 };
	ends->host_ns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	ends->host = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (ends->host_ns < 0 || ends->host < 0 || setns(pidfd, CLONE_NEWNET))
		return -1;
	ends->container_ns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	ends->container = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (setns(ends->host_ns, CLONE_NEWNET))
		return -1;
	return ends->container_ns < 0 || ends->container < 0 ? -1 : 0;
}

void net_devices_return(const struct spec_linux *config, int pidfd)
{
	struct ends ends;

	if (config->nr_net_devices && open_ends(pidfd, &ends) == 0) {
		for (size_t i = 0; i < config->nr_net_devices; i++) {
			int index = index_of(ends.container, name_inside(&config->net_devices[i]));

			if (index)
				move(ends.container, index, ends.host_ns, config->net_devices[i].key);
		}
	}
	if (config->nr_net_devices)
		close_ends(&ends);
}

int net_devices_move(const struct spec_linux *config, int pidfd, struct error *error)
{
	struct ends ends;
	int result = 0;

	if (config->nr_net_devices == 0)
		return 0;
	if (open_ends(pidfd, &ends))
		result = fail(error, errno, "linux.netDevices: cannot enter the container's network namespace");
	for (size_t i = 0; i < config->nr_net_devices && result == 0; i++)
		result = move_one(&ends, &config->net_devices[i], error);
	close_ends(&ends);
	if (result)
		net_devices_return(config, pidfd);
	return result;
}
