// SPDX-License-Identifier: Apache-2.0
/* For conformance programs about internet sockets: addresses on the loopback, connected pairs, poll bits. */
#ifndef INET_H
#define INET_H

#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

static inline struct sockaddr_in at4(const char *addr, int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	inet_pton(AF_INET, addr, &sin.sin_addr);
	return sin;
}

static inline struct sockaddr_in6 at6(const char *addr, int port)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };

	inet_pton(AF_INET6, addr, &sin6.sin6_addr);
	return sin6;
}

#define ADDR4(addr, port) (struct sockaddr *)(struct sockaddr_in[]){ at4(addr, port) }, sizeof(struct sockaddr_in)
#define ADDR6(addr, port) (struct sockaddr *)(struct sockaddr_in6[]){ at6(addr, port) }, sizeof(struct sockaddr_in6)

static inline int get_option(int fd, int level, int option)
{
	int value = -12345;
	socklen_t length = sizeof(value);

	return getsockopt(fd, level, option, &value, &length) ? -errno : value;
}

static inline int set_option(int fd, int level, int option, int value) { return setsockopt(fd, level, option, &value, sizeof(value)); }
static inline const char *pending_error(int fd)
{
	int error = get_option(fd, SOL_SOCKET, SO_ERROR);

	return error ? error_name(error) : "none";
}

static inline int tcp_state(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t length = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) ? -1 : info.tcpi_state;
}

/* What poll says at once, of everything. */
static inline void show_poll(const char *who, int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0 };

	poll(&p, 1, 0);
	say("%s:%s%s%s%s%s%s", who, p.revents & POLLIN ? " in" : "", p.revents & POLLOUT ? " out" : "", p.revents & POLLPRI ? " pri" : "",
	    p.revents & POLLERR ? " err" : "", p.revents & POLLHUP ? " hup" : "", p.revents & POLLRDHUP ? " rdhup" : "");
}

static inline int port_of(int fd)
{
	struct sockaddr_in6 name;
	socklen_t length = sizeof(name);

	getsockname(fd, (struct sockaddr *)&name, &length);
	return ntohs(name.sin6_port);
}

/* A listener on 127.0.0.1 with a port that the kernel chooses. */
static inline int listener4(int backlog)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, ADDR4("127.0.0.1", 0)) || listen(fd, backlog))
		say("no listener: %s", error_name(errno));
	return fd;
}

static inline int connect4(int port)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, ADDR4("127.0.0.1", port)))
		say("no connection: %s", error_name(errno));
	return fd;
}

/* [0] has connected, [1] was accepted. */
static inline void tcp_pair(int fds[2])
{
	int listener = listener4(1);

	fds[0] = connect4(port_of(listener));
	fds[1] = accept(listener, NULL, NULL);
	close(listener);
}

/* Waits at most two seconds for a state that Linux may need a moment for. */
static inline int state_becomes(int fd, int state)
{
	for (int i = 0; i < 200 && tcp_state(fd) != state; i++)
		sleep_ms(10);
	return tcp_state(fd) == state;
}

#endif
