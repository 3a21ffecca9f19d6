// SPDX-License-Identifier: Apache-2.0
/* UDP between sockets of one machine: names, connections, refusals and the error queue, lengths, queues, ancillary data. */
#include "test.h"

#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#define UDP_GRO 104
#endif

static socklen_t name(int family, const char *address, int port, struct sockaddr_storage *a)
{
	memset(a, 0, sizeof(*a));
	a->ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		((struct sockaddr_in *)a)->sin_port = htons((uint16_t)port);
		inet_pton(family, address, &((struct sockaddr_in *)a)->sin_addr);
		return sizeof(struct sockaddr_in);
	}
	((struct sockaddr_in6 *)a)->sin6_port = htons((uint16_t)port);
	inet_pton(family, address, &((struct sockaddr_in6 *)a)->sin6_addr);
	return sizeof(struct sockaddr_in6);
}

static int bound(int family, const char *address, int port)
{
	struct sockaddr_storage a;
	socklen_t length = name(family, address, port, &a);
	int fd = socket(family, SOCK_DGRAM, 0);

	if (bind(fd, (void *)&a, length))
		say("bind %s %d: %s", address, port, error_name(errno));
	return fd;
}

static long to(int fd, int family, const char *address, int port, const char *text)
{
	struct sockaddr_storage a;
	socklen_t length = name(family, address, port, &a);

	return sendto(fd, text, strlen(text), 0, (void *)&a, length);
}

static long join(int fd, int family, const char *address, int port)
{
	struct sockaddr_storage a;
	socklen_t length = name(family, address, port, &a);

	return connect(fd, (void *)&a, length);
}

/* Ports below 32768 are the tests' own, others differ. */
static void show_name(const char *what, const struct sockaddr_storage *a, socklen_t length)
{
	char text[64] = "";
	int port = 0;

	if (length >= sizeof(struct sockaddr_in) && a->ss_family == AF_INET) {
		inet_ntop(AF_INET, &((struct sockaddr_in *)a)->sin_addr, text, sizeof(text));
		port = ntohs(((struct sockaddr_in *)a)->sin_port);
	} else if (length >= sizeof(struct sockaddr_in6)) {
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *)a)->sin6_addr, text, sizeof(text));
		port = ntohs(((struct sockaddr_in6 *)a)->sin6_port);
	}
	say("%s: family %d %s port %s%d length %d", what, a->ss_family, text, port >= 32768 ? "some " : "", port >= 32768 ? 0 : port, length);
}

static void names(int fd)
{
	struct sockaddr_storage a;
	socklen_t length = sizeof(a);

	getsockname(fd, (void *)&a, &length);
	show_name("own", &a, length);
	length = sizeof(a);
	if (getpeername(fd, (void *)&a, &length))
		say("peer: %s", error_name(errno));
	else
		show_name("peer", &a, length);
}

static void take(int fd, size_t size, int flags)
{
	struct sockaddr_storage a = { 0 };
	socklen_t length = sizeof(a);
	char buf[256] = "";
	long n = recvfrom(fd, buf, size, flags | MSG_DONTWAIT, (void *)&a, &length);

	if (n < 0) {
		say("recv: %s", error_name(errno));
		return;
	}
	say("recv %ld '%.*s'", n, (int)(n < (long)size ? n : (long)size), buf);
	show_name("  from", &a, length);
}

static void events(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI, 0 };

	poll(&p, 1, 0);
	say("events %x", (unsigned)p.revents);
}

static void basics(int family, const char *own, const char *any)
{
	int server = bound(family, own, 7001), client = socket(family, SOCK_DGRAM, 0), other, n = -1;
	struct sockaddr unspecified = { .sa_family = AF_UNSPEC };
	char buf[16];

	say("-- basics of family %d", family);
	names(client);
	events(client);
	SHOW(send(client, "x", 1, 0));
	SHOW(to(client, family, own, 0, "x"));
	SHOW(to(client, family, own, 7001, "hello"));
	names(client);
	events(server);
	ioctl(server, FIONREAD, &n);
	say("readable %d", n);
	take(server, 3, MSG_PEEK);
	take(server, 3, MSG_PEEK | MSG_TRUNC);
	take(server, 3, MSG_TRUNC);
	take(server, 3, 0);
	SHOW(join(client, family, own, 7001));
	names(client);
	SHOW(send(client, "", 0, 0));
	SHOW(send(client, "two", 3, 0));
	ioctl(server, FIONREAD, &n);
	say("readable %d", n);
	take(server, 10, 0);
	take(server, 10, 0);
	other = bound(family, any, 7002);
	SHOW(to(other, family, own, 7001, "from the other"));
	take(server, 30, 0);
	/* A connected socket hears only its peer. */
	struct sockaddr_storage a;
	socklen_t length = sizeof(a);
	getsockname(client, (void *)&a, &length);
	SHOW(sendto(other, "intruder", 8, 0, (void *)&a, length));
	take(client, 10, 0);
	SHOW(sendto(server, "answer", 6, 0, (void *)&a, length));
	take(client, 10, 0);
	SHOW(to(client, family, own, 7002, "elsewhere though connected"));
	take(other, 30, 0);
	SHOW(connect(client, &unspecified, sizeof(unspecified)));
	names(client);
	SHOW(join(other, family, own, 7001));
	names(other);
	SHOW(connect(other, &unspecified, sizeof(unspecified)));
	names(other);
	SHOW(shutdown(other, SHUT_WR));
	SHOW(to(other, family, own, 7001, "x"));
	SHOW(shutdown(server, SHUT_RD));
	events(server);
	SHOW(recv(server, buf, 1, MSG_DONTWAIT));
	SHOW(join(server, family, own, 7002));
	SHOW(shutdown(server, SHUT_RD));
	SHOW(recv(server, buf, 1, 0));
	events(server);
	SHOW(listen(server, 1));
	SHOW(accept(server, NULL, NULL));
	SHOW(send(server, "x", 1, MSG_OOB));
	SHOW(recv(server, buf, 1, MSG_OOB));
	SHOW(bind(client, &unspecified, 1));
	SHOW(join(client, family, own, 70000));
	SHOW(sendto(client, "x", 1, 0, &unspecified, 3));
	close(server);
	close(client);
	close(other);
}

static void lengths(int family, const char *own, int most)
{
	int server = bound(family, own, 7003), client = socket(family, SOCK_DGRAM, 0), big = 1 << 20;
	char *data = calloc(1, 70000);
	struct sockaddr_storage a;
	socklen_t length = name(family, own, 7003, &a);

	say("-- lengths of family %d", family);
	setsockopt(server, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big));
	SHOW(sendto(client, data, (size_t)most, 0, (void *)&a, length));
	SHOW(sendto(client, data, (size_t)most + 1, 0, (void *)&a, length));
	SHOW(sendto(client, data, 65536, 0, (void *)&a, length));
	SHOW(sendto(client, data, 70000, 0, (void *)&a, length));
	SHOW(recv(server, data, 70000, MSG_DONTWAIT));
	SHOW(recv(server, data, 70000, MSG_DONTWAIT));
	close(server);
	close(client);
	free(data);
}

static void refused(int family, const char *own, bool queue)
{
	int fd = socket(family, SOCK_DGRAM, 0), one = 1, value;
	socklen_t length = sizeof(value);

	say("-- nobody there, family %d, error queue %d", family, queue);
	if (queue)
		setsockopt(fd, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, family == AF_INET ? IP_RECVERR : IPV6_RECVERR, &one, sizeof(one));
	SHOW(to(fd, family, own, 7099, "lost"));
	events(fd);
	SHOW(to(fd, family, own, 7099, "lost too"));
	if (queue) {
		char buf[64];
		struct sockaddr_storage a = { 0 }, offender;
		union { char buf[256]; struct cmsghdr align; } control;
		struct iovec iov = { buf, sizeof(buf) };
		struct msghdr m = { &a, sizeof(a), &iov, 1, control.buf, sizeof(control.buf), 0 };
		for (int i = 0; i < 3; i++) {
			m.msg_controllen = sizeof(control.buf);
			long n = recvmsg(fd, &m, MSG_ERRQUEUE);
			if (n < 0) {
				say("error queue: %s", error_name(errno));
				break;
			}
			say("error queue %ld '%.*s' flags %x", n, (int)n, buf, (unsigned)m.msg_flags);
			show_name("  sent to", &a, m.msg_namelen);
			struct cmsghdr *c = CMSG_FIRSTHDR(&m);
			struct sock_extended_err *e = (void *)CMSG_DATA(c);
			say("  level %d type %d length %zu: %s origin %d type %d code %d info %u", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len,
			    error_name((int)e->ee_errno), e->ee_origin, e->ee_type, e->ee_code, e->ee_info);
			memcpy(&offender, SO_EE_OFFENDER(e), c->cmsg_len - CMSG_LEN(sizeof(*e)));
			show_name("  says", &offender, (socklen_t)(c->cmsg_len - CMSG_LEN(sizeof(*e))));
			events(fd);
		}
	}
	take(fd, 10, 0);
	SHOW(join(fd, family, own, 7099));
	SHOW(send(fd, "lost", 4, 0));
	events(fd);
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &length);
	say("%s", value ? error_name(value) : "0");
	SHOW(send(fd, "lost", 4, 0));
	SHOW(send(fd, "lost", 4, 0));
	SHOW(send(fd, "lost", 4, 0));
	take(fd, 10, 0);
	take(fd, 10, 0);
	close(fd);
}

static void binding(void)
{
	int a = bound(AF_INET, "127.0.0.1", 7004), b, one = 1;

	SECTION("who may have a port");
	b = bound(AF_INET, "127.0.0.1", 7004);
	close(b);
	b = bound(AF_INET, "127.0.0.2", 7004);
	SHOW(to(a, AF_INET, "127.0.0.2", 7004, "second address"));
	take(b, 20, 0);
	close(b);
	b = bound(AF_INET, "0.0.0.0", 7004);
	close(b);
	b = bound(AF_INET6, "::", 7004);
	close(b);
	b = bound(AF_INET, "10.9.8.7", 7004);
	close(b);
	b = socket(AF_INET6, SOCK_DGRAM, 0);
	setsockopt(b, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	struct sockaddr_storage n;
	socklen_t length = name(AF_INET6, "::", 7004, &n);
	SHOW(bind(b, (void *)&n, length));
	close(b);
	close(a);
	a = socket(AF_INET, SOCK_DGRAM, 0);
	b = socket(AF_INET, SOCK_DGRAM, 0);
	setsockopt(a, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	length = name(AF_INET, "127.0.0.1", 7004, &n);
	SHOW(bind(a, (void *)&n, length));
	SHOW(bind(b, (void *)&n, length));
	setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	SHOW(bind(b, (void *)&n, length));
	SHOW(to(a, AF_INET, "127.0.0.1", 7004, "to the last"));
	take(b, 20, 0);
	take(a, 20, 0);
	close(a);
	close(b);
	IN_CHILD({
		setuid(65534);
		bound(AF_INET, "127.0.0.1", 80);
	});
}

static void dual_stack(void)
{
	int server = bound(AF_INET6, "::", 7005), client = socket(AF_INET, SOCK_DGRAM, 0), six = socket(AF_INET6, SOCK_DGRAM, 0);

	SECTION("dual stack");
	SHOW(to(client, AF_INET, "127.0.0.1", 7005, "four"));
	take(server, 10, 0);
	SHOW(to(six, AF_INET6, "::1", 7005, "six"));
	take(server, 10, 0);
	SHOW(to(six, AF_INET6, "::ffff:127.0.0.1", 7005, "mapped"));
	take(server, 10, 0);
	SHOW(to(six, AF_INET, "127.0.0.1", 7005, "sockaddr_in"));
	take(server, 12, 0);
	names(six);
	SHOW(join(six, AF_INET6, "::ffff:127.0.0.1", 7005));
	names(six);
	SHOW(to(client, AF_INET6, "::1", 7005, "wrong family"));
	int one = 1;
	SHOW(setsockopt(six, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)));
	close(six);
	six = socket(AF_INET6, SOCK_DGRAM, 0);
	SHOW(setsockopt(six, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)));
	SHOW(to(six, AF_INET6, "::ffff:127.0.0.1", 7005, "mapped"));
	close(server);
	close(client);
	close(six);
}

static void overflow(void)
{
	int server = bound(AF_INET, "127.0.0.1", 7006), client = socket(AF_INET, SOCK_DGRAM, 0), size = 4096, sent = 0, got = 0, one = 1;
	union { char buf[256]; struct cmsghdr align; } control;
	char buf[16];

	SECTION("full queue");
	setsockopt(server, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(server, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof(one));
	join(client, AF_INET, "127.0.0.1", 7006);
	for (int i = 0; i < 100; i++)
		sent += send(client, "x", 1, MSG_DONTWAIT) == 1;
	say("sent %d", sent);
	while (recv(server, buf, sizeof(buf), MSG_DONTWAIT) == 1)
		got++;
	CHECK(got > 2 && got < 40);
	send(client, "y", 1, 0);
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof(control.buf) };
	SHOW(recvmsg(server, &m, 0));
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	CHECK(c && c->cmsg_type == SO_RXQ_OVFL && *(unsigned *)CMSG_DATA(c) == (unsigned)(100 - got));
	close(server);
	close(client);
}

static void show_control(int fd)
{
	union { char buf[512]; struct cmsghdr align; } control;
	char buf[64], text[64];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof(control.buf) };
	long n = recvmsg(fd, &m, MSG_DONTWAIT);

	if (n < 0) {
		say("recvmsg: %s", error_name(errno));
		return;
	}
	say("recvmsg %ld flags %x", n, (unsigned)m.msg_flags);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		say("  level %d type %d length %zu", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len);
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo *p = (void *)CMSG_DATA(c);

			say("    on %d to %s", p->ipi_ifindex, inet_ntop(AF_INET, &p->ipi_addr, text, sizeof(text)));
			say("    reply from %s", inet_ntop(AF_INET, &p->ipi_spec_dst, text, sizeof(text)));
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo *p = (void *)CMSG_DATA(c);

			say("    on %d to %s", p->ipi6_ifindex, inet_ntop(AF_INET6, &p->ipi6_addr, text, sizeof(text)));
		} else if (c->cmsg_type == IP_TOS && c->cmsg_level == IPPROTO_IP) {
			say("    %d", *(unsigned char *)CMSG_DATA(c));
		} else if (c->cmsg_level != SOL_SOCKET && c->cmsg_len == CMSG_LEN(4)) {
			say("    %d", *(int *)CMSG_DATA(c));
		}
	}
}

static void set(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)))
		say("option %d %d: %s", level, option, error_name(errno));
}

static void ancillary(void)
{
	int server = bound(AF_INET, "0.0.0.0", 7007), client = socket(AF_INET, SOCK_DGRAM, 0), six, value;
	union { char buf[256]; struct cmsghdr align; } control = { 0 };
	struct sockaddr_storage a;
	socklen_t length;

	SECTION("ancillary data");
	set(server, IPPROTO_IP, IP_PKTINFO, 1);
	set(server, IPPROTO_IP, IP_RECVTTL, 1);
	set(server, IPPROTO_IP, IP_RECVTOS, 1);
	set(server, SOL_SOCKET, SO_TIMESTAMP, 1);
	to(client, AF_INET, "127.0.0.1", 7007, "plain");
	show_control(server);
	set(server, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	set(client, IPPROTO_IP, IP_TTL, 9);
	set(client, IPPROTO_IP, IP_TOS, 16);
	to(client, AF_INET, "127.0.0.3", 7007, "options");
	show_control(server);
	/* Sent from another of the addresses. */
	length = name(AF_INET, "127.0.0.1", 7007, &a);
	struct iovec iov = { "chosen", 6 };
	struct msghdr m = { &a, length, &iov, 1, control.buf, CMSG_SPACE(sizeof(struct in_pktinfo)), 0 };
	control.align = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo)), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO };
	struct in_pktinfo info = { 0 };
	inet_pton(AF_INET, "127.0.0.77", &info.ipi_spec_dst);
	memcpy(CMSG_DATA(&control.align), &info, sizeof(info));
	SHOW(sendmsg(client, &m, 0));
	take(server, 10, 0);
	inet_pton(AF_INET, "10.9.9.9", &info.ipi_spec_dst);
	memcpy(CMSG_DATA(&control.align), &info, sizeof(info));
	SHOW(sendmsg(client, &m, 0));
	control.align = (struct cmsghdr){ .cmsg_len = CMSG_LEN(4), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_TTL };
	value = 300;
	memcpy(CMSG_DATA(&control.align), &value, 4);
	m.msg_controllen = CMSG_SPACE(4);
	SHOW(sendmsg(client, &m, 0));
	control.align.cmsg_type = 77;
	SHOW(sendmsg(client, &m, 0));
	control.align.cmsg_len = 3;
	SHOW(sendmsg(client, &m, 0));
	close(server);
	close(client);
	server = bound(AF_INET6, "::", 7007);
	six = socket(AF_INET6, SOCK_DGRAM, 0);
	set(server, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	set(server, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
	set(server, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
	set(six, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 5);
	set(six, IPPROTO_IPV6, IPV6_TCLASS, 32);
	to(six, AF_INET6, "::1", 7007, "six");
	show_control(server);
	to(six, AF_INET6, "::ffff:127.0.0.1", 7007, "mapped");
	show_control(server);
	close(server);
	close(six);
}

static void many(void)
{
	int server = bound(AF_INET, "127.0.0.1", 7008), client = socket(AF_INET, SOCK_DGRAM, 0);
	struct timespec ts = { 0, 30000000 };
	struct sockaddr_storage a, from[4];
	socklen_t length = name(AF_INET, "127.0.0.1", 7008, &a);
	struct mmsghdr m[4];
	struct iovec iov[4];
	char bufs[4][8];

	SECTION("sendmmsg and recvmmsg");
	memset(m, 0, sizeof(m));
	for (int i = 0; i < 4; i++) {
		snprintf(bufs[i], 8, "m%d", i);
		iov[i] = (struct iovec){ bufs[i], 2 };
		m[i].msg_hdr = (struct msghdr){ .msg_name = &a, .msg_namelen = length, .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	SHOW(sendmmsg(client, m, 4, 0));
	say("%u %u", m[0].msg_len, m[3].msg_len);
	for (int i = 0; i < 4; i++)
		m[i].msg_hdr = (struct msghdr){ .msg_name = &from[i], .msg_namelen = sizeof(from[i]), .msg_iov = &iov[i], .msg_iovlen = 1 };
	SHOW(recvmmsg(server, m, 2, 0, NULL));
	say("%u %.2s %.2s %d", m[1].msg_len, bufs[0], bufs[1], m[1].msg_hdr.msg_namelen);
	SHOW(recvmmsg(server, m, 4, MSG_WAITFORONE, NULL));
	SHOW(sendmmsg(client, m, 0, 0));
	/* The time limit is looked at only when something has come. */
	pid_t pid = fork();
	if (!pid) {
		sleep_ms(60);
		to(client, AF_INET, "127.0.0.1", 7008, "a");
		_exit(0);
	}
	SHOW(recvmmsg(server, m, 4, 0, &ts));
	waitpid(pid, NULL, 0);
	close(server);
	close(client);
}

static void segments(void)
{
	int server = bound(AF_INET, "127.0.0.1", 7009), client = socket(AF_INET, SOCK_DGRAM, 0), value = 4, one = 1;
	socklen_t length = sizeof(value);
	char buf[64];

	SECTION("segments and corks");
	SHOW(setsockopt(client, IPPROTO_UDP, UDP_SEGMENT, &value, sizeof(value)));
	join(client, AF_INET, "127.0.0.1", 7009);
	SHOW(send(client, "aaaabbbbcc", 10, 0));
	for (int i = 0; i < 4; i++)
		take(server, 20, 0);
	SHOW(setsockopt(server, IPPROTO_UDP, UDP_GRO, &one, sizeof(one)));
	SHOW(send(client, "aaaabbbbcc", 10, 0));
	show_control(server);
	SHOW(getsockopt(client, IPPROTO_UDP, UDP_SEGMENT, &value, &length));
	say("%d", value);
	value = 70000;
	SHOW(setsockopt(client, IPPROTO_UDP, UDP_SEGMENT, &value, sizeof(value)));
	value = 0;
	SHOW(setsockopt(client, IPPROTO_UDP, UDP_SEGMENT, &value, sizeof(value)));
	SHOW(send(client, "one", 3, MSG_MORE));
	take(server, 20, 0);
	SHOW(send(client, "two", 3, 0));
	take(server, 20, 0);
	SHOW(setsockopt(client, IPPROTO_UDP, UDP_CORK, &one, sizeof(one)));
	SHOW(send(client, "three", 5, 0));
	SHOW(send(client, "four", 4, 0));
	SHOW(recv(server, buf, sizeof(buf), MSG_DONTWAIT));
	SHOW(setsockopt(client, IPPROTO_UDP, UDP_CORK, &value, sizeof(value)));
	take(server, 20, 0);
	SHOW(setsockopt(client, IPPROTO_UDP, 999, &value, sizeof(value)));
	SHOW(setsockopt(client, IPPROTO_TCP, 1, &value, sizeof(value)));
	close(server);
	close(client);
}

static void everybody(void)
{
	int server = bound(AF_INET, "0.0.0.0", 7010), client = socket(AF_INET, SOCK_DGRAM, 0), second = socket(AF_INET, SOCK_DGRAM, 0), one = 1;
	struct ip_mreqn group = { 0 };
	struct sockaddr_storage a;

	SECTION("broadcast and multicast on lo");
	SHOW(to(client, AF_INET, "127.255.255.255", 7010, "x"));
	SHOW(join(client, AF_INET, "127.255.255.255", 7010));
	SHOW(to(client, AF_INET, "255.255.255.255", 7010, "x"));
	setsockopt(client, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one));
	SHOW(to(client, AF_INET, "127.255.255.255", 7010, "all"));
	take(server, 10, 0);
	SHOW(to(client, AF_INET, "255.255.255.255", 7010, "x"));
	inet_pton(AF_INET, "239.1.2.3", &group.imr_multiaddr);
	SHOW(to(client, AF_INET, "239.1.2.3", 7010, "x"));
	SHOW(setsockopt(server, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)));
	group.imr_ifindex = 1;
	SHOW(setsockopt(server, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)));
	SHOW(setsockopt(server, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)));
	setsockopt(second, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	socklen_t length = name(AF_INET, "239.1.2.3", 7011, &a);
	SHOW(bind(second, (void *)&a, length));
	SHOW(setsockopt(second, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)));
	group.imr_multiaddr.s_addr = htonl(0x7f000001);
	SHOW(setsockopt(second, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)));
	group = (struct ip_mreqn){ .imr_ifindex = 1 };
	SHOW(setsockopt(client, IPPROTO_IP, IP_MULTICAST_IF, &group, sizeof(group)));
	SHOW(to(client, AF_INET, "239.1.2.3", 7010, "group"));
	take(server, 10, 0);
	take(server, 10, 0);
	SHOW(to(client, AF_INET, "239.1.2.3", 7011, "second"));
	take(second, 10, 0);
	struct in_addr source;
	inet_pton(AF_INET, "127.0.0.1", &source);
	SHOW(setsockopt(client, IPPROTO_IP, IP_MULTICAST_IF, &source, sizeof(source)));
	SHOW(to(client, AF_INET, "239.1.2.3", 7011, "by address"));
	take(second, 20, 0);
	inet_pton(AF_INET, "10.1.1.1", &source);
	SHOW(setsockopt(client, IPPROTO_IP, IP_MULTICAST_IF, &source, sizeof(source)));
	SHOW(to(client, AF_INET, "239.1.2.4", 7010, "nobody's"));
	take(server, 10, 0);
	inet_pton(AF_INET, "239.1.2.3", &group.imr_multiaddr);
	SHOW(setsockopt(server, IPPROTO_IP, IP_DROP_MEMBERSHIP, &group, sizeof(group)));
	SHOW(setsockopt(server, IPPROTO_IP, IP_DROP_MEMBERSHIP, &group, sizeof(group)));
	close(server);
	close(client);
	close(second);
}

static void reuse_port(void)
{
	int fds[4], client, one = 1, got[4] = { 0 }, with = 0;
	struct sockaddr_storage a;
	socklen_t length = name(AF_INET, "127.0.0.1", 7012, &a);
	char buf[8];

	SECTION("SO_REUSEPORT");
	for (int i = 0; i < 4; i++) {
		fds[i] = socket(AF_INET, SOCK_DGRAM, 0);
		setsockopt(fds[i], SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
		SHOW(bind(fds[i], (void *)&a, length));
	}
	for (int i = 0; i < 64; i++) {
		client = socket(AF_INET, SOCK_DGRAM, 0);
		sendto(client, "x", 1, 0, (void *)&a, length);
		close(client);
	}
	for (int i = 0; i < 4; i++) {
		while (recv(fds[i], buf, 1, MSG_DONTWAIT) == 1)
			got[i]++;
		with += got[i] > 0;
		close(fds[i]);
	}
	say("all %d", got[0] + got[1] + got[2] + got[3]);
	CHECK(with >= 3);
}

static void waiting(void)
{
	int server = bound(AF_INET, "127.0.0.1", 7013), client = socket(AF_INET, SOCK_DGRAM, 0), value;
	struct timeval tv = { 0, 20000 };
	char buf[16];
	pid_t pid;

	SECTION("waiting");
	setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	SHOW(recv(server, buf, 16, 0));
	pid = fork();
	if (!pid) {
		sleep_ms(20);
		to(client, AF_INET, "127.0.0.1", 7013, "late");
		_exit(0);
	}
	tv.tv_sec = 5;
	setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	SHOW(recv(server, buf, 16, 0));
	waitpid(pid, NULL, 0);
	value = 2;
	SHOW(setsockopt(server, SOL_SOCKET, SO_PEEK_OFF, &value, sizeof(value)));
	to(client, AF_INET, "127.0.0.1", 7013, "abcdef");
	SHOW(recv(server, buf, 2, MSG_PEEK));
	say("%.2s", buf);
	SHOW(recv(server, buf, 9, MSG_PEEK));
	say("%.2s", buf);
	SHOW(recv(server, buf, 9, MSG_PEEK | MSG_DONTWAIT));
	close(server);
	close(client);
}

int main(void)
{
	basics(AF_INET, "127.0.0.1", "0.0.0.0");
	basics(AF_INET6, "::1", "::");
	lengths(AF_INET, "127.0.0.1", 65507);
	lengths(AF_INET6, "::1", 65527);
	refused(AF_INET, "127.0.0.1", false);
	refused(AF_INET, "127.0.0.1", true);
	refused(AF_INET6, "::1", false);
	refused(AF_INET6, "::1", true);
	binding();
	dual_stack();
	overflow();
	ancillary();
	many();
	segments();
	everybody();
	reuse_port();
	waiting();
}
