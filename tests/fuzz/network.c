// SPDX-License-Identifier: Apache-2.0
// container
/*
 * Sockets of all families with whatever a program may give: addresses, options, ancillary data, netlink messages that are almost right. Several
 * threads share the descriptors. Afterwards the network must work as before. Runs inside, best in a debug kernel.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "random.h"

#define THREADS 4
#define SOCKETS 64

static int sockets[SOCKETS];
static time_t end;
static unsigned seed = 1;

/* Numbers at which something changes. */
static uint32_t edge(struct random *c)
{
	static const uint32_t edges[] = { 0, 1, 2, 3, 4, 7, 8, 15, 16, 20, 28, 63, 64, 127, 128, 255, 256, 4095, 4096, 65507, 65508, 65535,
					  65536, 0x7fffffff, 0x80000000, 0xffffffff };

	return below(c, 3) ? edges[below(c, sizeof(edges) / sizeof(edges[0]))] : next(c);
}

static void fill(struct random *c, void *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)data)[i] = (uint8_t)(below(c, 3) ? 0 : next(c));
}

static int make_socket(struct random *c)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_DGRAM, SOCK_RAW };
	static const int protocols[] = { 0, 0, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_UDP, IPPROTO_RAW, 253 };

	return socket(families[below(c, 4)], types[below(c, 6)] | SOCK_NONBLOCK, protocols[below(c, 7)]);
}

static socklen_t make_name(struct random *c, struct sockaddr_storage *a)
{
	static const char *const v6[] = { "::1", "::", "::ffff:127.0.0.1", "ff02::1", "fe80::1", "ff05::7" };
	static const char *const v4[] = { "127.0.0.1", "0.0.0.0", "127.0.0.9", "239.1.1.1", "255.255.255.255", "127.255.255.255", "10.0.0.1" };

	memset(a, 0, sizeof(*a));
	switch (below(c, 5)) {
	case 0:
		a->ss_family = AF_INET;
		((struct sockaddr_in *)a)->sin_port = htons((uint16_t)(7000 + below(c, 8)));
		inet_pton(AF_INET, v4[below(c, 7)], &((struct sockaddr_in *)a)->sin_addr);
		return sizeof(struct sockaddr_in);
	case 1:
		a->ss_family = AF_INET6;
		((struct sockaddr_in6 *)a)->sin6_port = htons((uint16_t)(7000 + below(c, 8)));
		((struct sockaddr_in6 *)a)->sin6_scope_id = below(c, 3);
		inet_pton(AF_INET6, v6[below(c, 6)], &((struct sockaddr_in6 *)a)->sin6_addr);
		return sizeof(struct sockaddr_in6);
	case 2:
		a->ss_family = AF_UNIX;
		snprintf(((struct sockaddr_un *)a)->sun_path + 1, 8, "f%u", (unsigned)below(c, 8));
		return 5;
	case 3:
		a->ss_family = AF_NETLINK;
		((struct sockaddr_nl *)a)->nl_groups = below(c, 2) ? next(c) : 0;
		((struct sockaddr_nl *)a)->nl_pid = below(c, 3) ? 0 : below(c, 100);
		return sizeof(struct sockaddr_nl);
	default:
		fill(c, a, sizeof(*a));
		return below(c, 200);
	}
}

/* A message to NETLINK_ROUTE: the right shape, with some of it wrong. */
static size_t make_request(struct random *c, uint8_t *data, size_t room)
{
	static const uint16_t types[] = { RTM_GETLINK, RTM_NEWLINK, RTM_SETLINK, RTM_GETADDR, RTM_NEWADDR, RTM_DELADDR, RTM_GETROUTE, RTM_NEWROUTE,
					  RTM_DELROUTE, RTM_GETRULE, RTM_GETNEIGH, NLMSG_NOOP, 16, 115 };
	static const uint8_t headers[] = { 16, 8, 12, 1 };
	size_t length = 0;

	for (unsigned messages = 1 + below(c, 3); messages && room - length > 256; messages--) {
		struct nlmsghdr *h = (void *)(data + length);
		size_t at = NLMSG_HDRLEN + headers[below(c, 4)];

		memset(h, 0, 256);
		h->nlmsg_type = types[below(c, 14)];
		h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | (below(c, 2) ? NLM_F_DUMP : next(c) & 0xfff));
		fill(c, data + length + NLMSG_HDRLEN, at - NLMSG_HDRLEN);
		data[length + NLMSG_HDRLEN] = (uint8_t[]){ 0, AF_INET, AF_INET6, 255 }[below(c, 4)];
		if (below(c, 2))
			data[length + NLMSG_HDRLEN + 4] = 1; /* lo */
		for (unsigned n = below(c, 5); n; n--) {
			struct rtattr *a = (void *)(data + length + (at = NLMSG_ALIGN(at)));
			unsigned size = below(c, 5) ? 4 : below(c, 24);

			a->rta_type = (uint16_t)(below(c, 8) ? below(c, 20) : next(c));
			a->rta_len = (uint16_t)(below(c, 6) ? RTA_LENGTH(size) : edge(c));
			fill(c, RTA_DATA(a), size);
			at += RTA_LENGTH(size);
		}
		h->nlmsg_len = below(c, 8) ? (uint32_t)at : edge(c);
		length += NLMSG_ALIGN(at);
	}
	return length;
}

static size_t make_control(struct random *c, uint8_t *data, size_t room)
{
	static const int levels[] = { SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_UDP };
	size_t at = 0;

	for (unsigned n = below(c, 3); n && room - at > 64; n--) {
		struct cmsghdr *h = (void *)(data + at);
		size_t size = (size_t[]){ 0, 1, 2, 4, 12, 20 }[below(c, 6)];

		h->cmsg_level = levels[below(c, 4)];
		h->cmsg_type = (int)(below(c, 4) ? below(c, 110) : next(c));
		h->cmsg_len = below(c, 8) ? CMSG_LEN(size) : edge(c);
		fill(c, CMSG_DATA(h), size);
		at += CMSG_SPACE(size);
	}
	return at;
}

static void send_something(struct random *c, int fd)
{
	static __thread uint8_t data[70000], control[512];
	struct sockaddr_storage a;
	struct iovec iov = { data, 0 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (below(c, 3)) {
		m.msg_namelen = make_name(c, &a);
		m.msg_name = &a;
	}
	iov.iov_len = below(c, 2) ? make_request(c, data, 2048) : below(c, 30) ? below(c, 200) : below(c, 70000);
	if (below(c, 3) == 0)
		data[0] = (uint8_t[]){ 8, 0, 128, 129, 0x45 }[below(c, 5)];
	if (below(c, 3) == 0) {
		m.msg_controllen = make_control(c, control, sizeof(control));
		m.msg_control = control;
	}
	sendmsg(fd, &m, (int)((next(c) & (MSG_MORE | MSG_OOB | MSG_EOR)) | MSG_NOSIGNAL | MSG_DONTWAIT));
}

static void receive_something(struct random *c, int fd)
{
	static __thread uint8_t data[8192], control[512];
	struct sockaddr_storage a;
	struct iovec iov = { data, below(c, 5) ? sizeof(data) : below(c, 64) };
	struct msghdr m = { .msg_name = &a, .msg_namelen = below(c, 2) ? sizeof(a) : below(c, 30), .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = control, .msg_controllen = below(c, 2) ? sizeof(control) : below(c, 64) };

	recvmsg(fd, &m, (int)((next(c) & (MSG_PEEK | MSG_TRUNC | MSG_OOB | MSG_ERRQUEUE)) | MSG_DONTWAIT));
}

static void set_something(struct random *c, int fd)
{
	static const int levels[] = { SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_UDP, IPPROTO_TCP, 255, IPPROTO_ICMPV6, 270 };
	struct sock_filter code[4];
	struct sock_fprog program = { (unsigned short)(1 + below(c, 4)), code };
	uint8_t value[256];
	socklen_t length = (socklen_t)(below(c, 2) ? 4 : below(c, sizeof(value)));
	int level = levels[below(c, 8)], option = (int)(below(c, 10) ? below(c, 110) : next(c));
	uint32_t word = edge(c);

	fill(c, value, sizeof(value));
	memcpy(value, &word, sizeof(word));
	if (below(c, 3) == 0) {
		getsockopt(fd, level, option, value, &length);
		return;
	}
	if (below(c, 20) == 0) {
		fill(c, code, sizeof(code));
		code[below(c, 4)] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, next(c));
		setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
		return;
	}
	setsockopt(fd, level, option, value, length);
}

static void control_something(struct random *c, int fd)
{
	struct { struct ifreq req; char rest[256]; } r;

	fill(c, &r, sizeof(r));
	if (below(c, 2))
		strcpy(r.req.ifr_name, "lo");
	ioctl(fd, below(c, 4) ? 0x8900 + below(c, 0x60) : 0x5400 + below(c, 0x30), &r);
}

static void *play(void *arg)
{
	struct random chance = random_from((uintptr_t)arg * 7919 + seed), *c = &chance;
	struct sockaddr_storage a;
	socklen_t length;

	while (time(NULL) < end) {
		int *slot = &sockets[below(c, SOCKETS)], fd = *slot;

		switch (below(c, 16)) {
		case 0:
			close(fd);
			*slot = make_socket(c);
			break;
		case 1: length = make_name(c, &a); bind(fd, (void *)&a, length); break;
		case 2: length = make_name(c, &a); connect(fd, (void *)&a, length); break;
		case 3: listen(fd, (int)below(c, 4)); break;
		case 4: shutdown(fd, (int)below(c, 3)); break;
		case 5: control_something(c, fd); break;
		case 6: case 7: set_something(c, fd); break;
		case 8: length = below(c, 140); below(c, 2) ? getsockname(fd, (void *)&a, &length) : getpeername(fd, (void *)&a, &length); break;
		case 9: case 10: case 11: receive_something(c, fd); break;
		default: send_something(c, fd);
		}
	}
	return NULL;
}

static int works(int family)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in b = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr *name = family == AF_INET ? (void *)&b : (void *)&a;
	socklen_t length = family == AF_INET ? sizeof(b) : sizeof(a);
	int one = socket(family, SOCK_DGRAM, 0), other = socket(family, SOCK_DGRAM, 0), good;
	char buffer[8] = "";

	good = !bind(one, name, length) && !getsockname(one, name, &length) && !connect(other, name, length) && send(other, "works", 6, 0) == 6 &&
	       recv(one, buffer, sizeof(buffer), MSG_DONTWAIT) == 6 && !strcmp(buffer, "works");
	if (!good)
		perror(family == AF_INET ? "UDP over IPv4" : "UDP over IPv6");
	close(one);
	close(other);
	return good;
}

int main(int argc, char **argv)
{
	struct ifreq req = { .ifr_name = "lo" };
	pthread_t threads[THREADS];

	end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 5);
	if (argc > 2)
		seed = (unsigned)atoi(argv[2]);
	memset(sockets, -1, sizeof(sockets));
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, play, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < SOCKETS; i++)
		close(sockets[i]);
	/* What the threads may have done to lo by netlink is undone. */
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	ioctl(fd, SIOCSIFFLAGS, &req);
	for (int i = 1; i < 100; i++) {
		struct ifreq renamed = { .ifr_ifindex = 1 };

		ioctl(fd, SIOCGIFNAME, &renamed);
		strcpy(req.ifr_name, renamed.ifr_name);
	}
	req.ifr_flags = 0;
	ioctl(fd, SIOCSIFFLAGS, &req);
	req.ifr_addr = (struct sockaddr){ .sa_family = AF_INET };
	((struct sockaddr_in *)&req.ifr_addr)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ioctl(fd, SIOCSIFADDR, &req);
	req.ifr_flags = IFF_UP;
	ioctl(fd, SIOCSIFFLAGS, &req);
	if (!works(AF_INET) || !works(AF_INET6))
		return 1;
	puts("network sane");
	return 0;
}
