// SPDX-License-Identifier: Apache-2.0
/* UDP: readiness and signals, groups of IPv6, options and their defaults, addresses and devices, sharing over fork, who is woken. */
#include "test.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>

static socklen_t name4(struct sockaddr_in *a, const char *address, int port)
{
	*a = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	inet_pton(AF_INET, address, &a->sin_addr);
	return sizeof(*a);
}

static socklen_t name6(struct sockaddr_in6 *a, const char *address, int port, unsigned scope)
{
	*a = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_scope_id = scope };
	inet_pton(AF_INET6, address, &a->sin6_addr);
	return sizeof(*a);
}

static int server4(int port, int flags)
{
	int fd = socket(AF_INET, SOCK_DGRAM | flags, 0);
	struct sockaddr_in a;

	if (bind(fd, (void *)&a, name4(&a, "127.0.0.1", port)))
		say("bind: %s", error_name(errno));
	return fd;
}

static int client4(int port)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in a;

	if (connect(fd, (void *)&a, name4(&a, "127.0.0.1", port)))
		say("connect: %s", error_name(errno));
	return fd;
}

static void show_option(int fd, const char *what, int level, int option)
{
	int value = -77;
	socklen_t length = sizeof(value);

	if (getsockopt(fd, level, option, &value, &length))
		say("%s: %s", what, error_name(errno));
	else
		say("%s: %d, %d bytes", what, value, length);
}

static void try_option(int fd, const char *what, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)))
		say("set %s %d: %s", what, value, error_name(errno));
	else
		show_option(fd, what, level, option);
}
#define GET(fd, level, option) show_option(fd, #option, level, option)
#define SET(fd, level, option, value) try_option(fd, #option, level, option, value)

static void options(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), six = socket(AF_INET6, SOCK_DGRAM, 0);

	SECTION("options");
	GET(fd, SOL_SOCKET, SO_TYPE);
	GET(fd, SOL_SOCKET, SO_PROTOCOL);
	GET(fd, SOL_SOCKET, SO_DOMAIN);
	GET(fd, SOL_SOCKET, SO_RCVBUF);
	GET(fd, SOL_SOCKET, SO_SNDBUF);
	GET(fd, SOL_SOCKET, SO_ACCEPTCONN);
	GET(fd, SOL_SOCKET, SO_BROADCAST);
	SET(fd, SOL_SOCKET, SO_BROADCAST, 5);
	SET(fd, SOL_SOCKET, SO_RCVBUF, 10000);
	SET(fd, SOL_SOCKET, SO_RCVBUF, 1);
	SET(fd, SOL_SOCKET, SO_PEEK_OFF, 3);
	SET(fd, SOL_SOCKET, SO_TIMESTAMP, 1);
	SET(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	GET(fd, SOL_SOCKET, SO_TIMESTAMP);
	SET(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	SET(fd, SOL_SOCKET, SO_NO_CHECK, 1);
	SET(fd, SOL_SOCKET, SO_PRIORITY, 3);
	SET(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	GET(fd, IPPROTO_IP, IP_TTL);
	SET(fd, IPPROTO_IP, IP_TTL, 0);
	SET(fd, IPPROTO_IP, IP_TTL, 17);
	SET(fd, IPPROTO_IP, IP_TOS, 255);
	SET(fd, IPPROTO_IP, IP_MULTICAST_TTL, 5);
	SET(fd, IPPROTO_IP, IP_MULTICAST_TTL, 300);
	SET(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
	GET(fd, IPPROTO_IP, IP_MULTICAST_ALL);
	GET(fd, IPPROTO_IP, IP_MTU_DISCOVER);
	GET(fd, IPPROTO_IP, IP_MTU);
	GET(fd, IPPROTO_IP, IP_RECVERR);
	GET(fd, IPPROTO_IPV6, IPV6_V6ONLY);
	GET(six, IPPROTO_IPV6, IPV6_V6ONLY);
	GET(six, IPPROTO_IPV6, IPV6_UNICAST_HOPS);
	SET(six, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 9);
	SET(six, IPPROTO_IPV6, IPV6_MULTICAST_IF, 1);
	SET(six, IPPROTO_IPV6, IPV6_MULTICAST_IF, 99);
	GET(six, IPPROTO_IPV6, IPV6_MULTICAST_LOOP);
	GET(six, IPPROTO_IP, IP_TTL);
	GET(six, IPPROTO_UDP, 1);
	close(fd);
	close(six);
}

static void readiness(void)
{
	int server = server4(7101, SOCK_NONBLOCK), client = client4(7101), set = epoll_create1(0);
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = 9 };
	char buf[16];

	SECTION("epoll");
	epoll_ctl(set, EPOLL_CTL_ADD, server, &e);
	SHOW(epoll_wait(set, &e, 1, 0));
	say("%x", e.events);
	SHOW(epoll_wait(set, &e, 1, 0));
	send(client, "a", 1, 0);
	SHOW(epoll_wait(set, &e, 1, 1000));
	say("%x", e.events);
	SHOW(epoll_wait(set, &e, 1, 0));
	send(client, "b", 1, 0);
	SHOW(epoll_wait(set, &e, 1, 1000));
	SHOW(recv(server, buf, 16, 0));
	SHOW(recv(server, buf, 16, 0));
	SHOW(recv(server, buf, 16, 0));
	SHOW(shutdown(client, SHUT_RDWR));
	struct pollfd p = { client, POLLIN | POLLOUT | POLLRDHUP, 0 };
	SHOW(poll(&p, 1, 0));
	say("%x", (unsigned)p.revents);
	SHOW(send(client, "c", 1, 0));
	SHOW(recv(client, buf, 16, 0));
	close(set);
	close(server);
	close(client);
}

static volatile sig_atomic_t signals;
static void on_signal(int sig) { signals++; }

static void signalled(void)
{
	int server = server4(7102, 0), client = client4(7102);
	struct sigaction action = { .sa_handler = on_signal };
	char buf[8];

	SECTION("SIGIO and interruption");
	sigaction(SIGIO, &action, NULL);
	fcntl(server, F_SETOWN, getpid());
	fcntl(server, F_SETFL, O_ASYNC);
	send(client, "x", 1, 0);
	say("%d", signals > 0);
	fcntl(server, F_SETFL, 0);
	recv(server, buf, 8, 0);
	sigaction(SIGALRM, &action, NULL);
	struct itimerval t = { .it_value = { 0, 30000 } };
	setitimer(ITIMER_REAL, &t, NULL);
	SHOW(recv(server, buf, 8, 0));
	action.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &action, NULL);
	pid_t pid = fork();
	if (!pid) {
		sleep_ms(80);
		send(client, "late", 4, 0);
		_exit(0);
	}
	setitimer(ITIMER_REAL, &t, NULL);
	SHOW(recv(server, buf, 8, 0));
	waitpid(pid, NULL, 0);
	close(server);
	close(client);
}

static void *shut_later(void *arg)
{
	sleep_ms(30);
	shutdown(*(int *)arg, SHUT_RD);
	return NULL;
}

static void woken(void)
{
	int server = server4(7103, 0), client = client4(7103);
	pthread_t thread;
	char buf[8];

	SECTION("a shutdown wakes who reads");
	pthread_create(&thread, NULL, shut_later, &client);
	SHOW(recv(client, buf, 8, 0));
	pthread_join(thread, NULL);
	close(client);
	SECTION("two readers, two datagrams");
	client = client4(7103);
	for (int i = 0; i < 2; i++)
		if (!fork())
			_exit(recv(server, buf, 8, 0) == 1 ? 0 : 1);
	sleep_ms(30);
	send(client, "1", 1, 0);
	send(client, "2", 1, 0);
	for (int i = 0; i < 2; i++) {
		int status;

		wait(&status);
		show_status("reader", status);
	}
	close(server);
	IN_CHILD({
		int mine = server4(7103, 0);
		SHOW(send(client, "3", 1, 0));
		SHOW(recv(mine, buf, 8, MSG_DONTWAIT));
	});
	SHOW(send(client, "4", 1, 0));
	SHOW(send(client, "5", 1, 0));
	close(client);
}

static void groups6(void)
{
	int server = socket(AF_INET6, SOCK_DGRAM, 0), client = socket(AF_INET6, SOCK_DGRAM, 0), one = 1, zero = 0;
	struct sockaddr_in6 a, b;
	struct ipv6_mreq group = { .ipv6mr_interface = 1 };
	struct group_req request = { .gr_interface = 1 };
	char buf[8];

	SECTION("groups of IPv6");
	SHOW(bind(server, (void *)&a, name6(&a, "::", 7104, 0)));
	inet_pton(AF_INET6, "ff05::77", &group.ipv6mr_multiaddr);
	SHOW(setsockopt(server, IPPROTO_IPV6, IPV6_JOIN_GROUP, &group, sizeof(group)));
	SHOW(setsockopt(server, IPPROTO_IPV6, IPV6_JOIN_GROUP, &group, sizeof(group)));
	SHOW(setsockopt(server, IPPROTO_IPV6, IPV6_JOIN_GROUP, &group, 4));
	group.ipv6mr_interface = 77;
	SHOW(setsockopt(server, IPPROTO_IPV6, IPV6_JOIN_GROUP, &group, sizeof(group)));
	SHOW(setsockopt(client, IPPROTO_IPV6, IPV6_MULTICAST_IF, &one, sizeof(one)));
	SHOW(sendto(client, "six", 3, 0, (void *)&b, name6(&b, "ff05::77", 7104, 0)));
	SHOW(recv(server, buf, 8, MSG_DONTWAIT));
	setsockopt(client, IPPROTO_IPV6, IPV6_MULTICAST_IF, &zero, sizeof(zero));
	group.ipv6mr_interface = 1;
	SHOW(setsockopt(server, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &group, sizeof(group)));
	SHOW(setsockopt(server, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &group, sizeof(group)));
	name6((void *)&request.gr_group, "ff05::78", 0, 0);
	SHOW(setsockopt(server, IPPROTO_IPV6, MCAST_JOIN_GROUP, &request, sizeof(request)));
	SHOW(setsockopt(server, IPPROTO_IPV6, MCAST_LEAVE_GROUP, &request, sizeof(request)));
	SHOW(setsockopt(server, IPPROTO_IPV6, MCAST_LEAVE_GROUP, &request, sizeof(request)));
	name4((void *)&request.gr_group, "239.9.9.9", 0);
	int four = socket(AF_INET, SOCK_DGRAM, 0);
	SHOW(setsockopt(four, IPPROTO_IP, MCAST_JOIN_GROUP, &request, sizeof(request)));
	SHOW(setsockopt(four, IPPROTO_IP, MCAST_LEAVE_GROUP, &request, sizeof(request)));
	close(four);
	close(server);
	close(client);
}

static void sources(void)
{
	int server = socket(AF_INET, SOCK_DGRAM, 0), one = socket(AF_INET, SOCK_DGRAM, 0), other = socket(AF_INET, SOCK_DGRAM, 0);
	struct ip_mreq_source r = { .imr_interface.s_addr = htonl(0x7f000001) };
	struct sockaddr_in a, group;
	socklen_t length = name4(&group, "239.7.7.7", 7108);
	char buf[8];

	SECTION("sources of groups");
	bind(server, (void *)&a, name4(&a, "0.0.0.0", 7108));
	bind(one, (void *)&a, name4(&a, "127.0.0.1", 0));
	bind(other, (void *)&a, name4(&a, "127.0.0.2", 0));
	for (int fd = one; fd <= other; fd++)
		setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &r.imr_interface, sizeof(r.imr_interface));
	inet_pton(AF_INET, "239.7.7.7", &r.imr_multiaddr);
	inet_pton(AF_INET, "127.0.0.1", &r.imr_sourceaddr);
	SHOW(setsockopt(server, IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, &r, sizeof(r)));
	SHOW(setsockopt(server, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &r, sizeof(r)));
	SHOW(setsockopt(server, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &r, sizeof(r)));
	SHOW(setsockopt(server, IPPROTO_IP, IP_BLOCK_SOURCE, &r, sizeof(r)));
	SHOW(setsockopt(server, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &r, 8));
	SHOW(sendto(one, "1", 1, 0, (void *)&group, length));
	SHOW(sendto(other, "2", 1, 0, (void *)&group, length));
	SHOW(recv(server, buf, 8, MSG_DONTWAIT));
	say("%c", buf[0]);
	SHOW(recv(server, buf, 8, MSG_DONTWAIT));
	SHOW(setsockopt(server, IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, &r, sizeof(r)));
	SHOW(setsockopt(server, IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, &r, sizeof(r)));
	SHOW(setsockopt(server, IPPROTO_IP, IP_BLOCK_SOURCE, &r, sizeof(r)));
	struct ip_mreqn all = { r.imr_multiaddr, r.imr_interface, 1 };
	SHOW(setsockopt(server, IPPROTO_IP, IP_ADD_MEMBERSHIP, &all, sizeof(all)));
	SHOW(setsockopt(server, IPPROTO_IP, IP_UNBLOCK_SOURCE, &r, sizeof(r)));
	SHOW(setsockopt(server, IPPROTO_IP, IP_BLOCK_SOURCE, &r, sizeof(r)));
	SHOW(sendto(one, "1", 1, 0, (void *)&group, length));
	SHOW(sendto(other, "2", 1, 0, (void *)&group, length));
	SHOW(recv(server, buf, 8, MSG_DONTWAIT));
	say("%c", buf[0]);
	SHOW(recv(server, buf, 8, MSG_DONTWAIT));
	SHOW(setsockopt(server, IPPROTO_IP, IP_UNBLOCK_SOURCE, &r, sizeof(r)));
	SHOW(sendto(one, "1", 1, 0, (void *)&group, length));
	SHOW(recv(server, buf, 8, MSG_DONTWAIT));
	struct group_source_req both = { .gsr_interface = 1 };
	name4((void *)&both.gsr_group, "239.7.7.8", 0);
	name4((void *)&both.gsr_source, "127.0.0.2", 0);
	SHOW(setsockopt(server, IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, &both, sizeof(both)));
	SHOW(setsockopt(server, IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, &both, sizeof(both)));
	SHOW(setsockopt(server, IPPROTO_IP, MCAST_LEAVE_SOURCE_GROUP, &both, sizeof(both)));
	close(server);
	close(one);
	close(other);
}

static void devices(void)
{
	int server = server4(7105, 0), client = client4(7105), index = 1, bad = 99;
	struct sockaddr_in a;
	struct sockaddr_in6 b;
	char buf[16];
	socklen_t length = sizeof(buf);

	SECTION("devices and addresses");
	SHOW(setsockopt(server, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	SHOW(getsockopt(server, SOL_SOCKET, SO_BINDTODEVICE, buf, &length));
	say("%s %d", buf, length);
	SHOW(setsockopt(client, SOL_SOCKET, SO_BINDTODEVICE, "nosuch", 7));
	SHOW(setsockopt(client, SOL_SOCKET, SO_BINDTOIFINDEX, &bad, sizeof(bad)));
	SHOW(setsockopt(client, SOL_SOCKET, SO_BINDTOIFINDEX, &index, sizeof(index)));
	SHOW(send(client, "dev", 3, 0));
	SHOW(recv(server, buf, 16, MSG_DONTWAIT));
	SHOW(sendto(client, "x", 1, 0, (void *)&a, name4(&a, "0.0.0.0", 7105)));
	SHOW(recv(server, buf, 16, MSG_DONTWAIT));
	SHOW(sendto(client, "x", 1, 0, (void *)&a, 8));
	SHOW(sendto(client, "x", 1, 0, (void *)&b, name6(&b, "::1", 7105, 0)));
	int six = socket(AF_INET6, SOCK_DGRAM, 0);
	SHOW(connect(six, (void *)&b, name6(&b, "fe80::1", 7105, 0)));
	SHOW(connect(six, (void *)&b, name6(&b, "2001:db8::9", 7105, 0)));
	SHOW(bind(six, (void *)&b, name6(&b, "2001:db8::9", 7105, 0)));
	SHOW(bind(six, (void *)&b, name6(&b, "fe80::1", 7105, 0)));
	SHOW(bind(six, (void *)&b, name6(&b, "::ffff:127.0.0.1", 7106, 0)));
	SHOW(sendto(six, "x", 1, 0, (void *)&b, name6(&b, "::1", 7105, 0)));
	SHOW(sendto(six, "mapped", 6, 0, (void *)&b, name6(&b, "::ffff:127.0.0.1", 7105, 0)));
	SHOW(recv(server, buf, 16, MSG_DONTWAIT));
	close(six);
	close(server);
	close(client);
}

static void files(void)
{
	int server = server4(7107, 0), client = client4(7107), fd = open("/tmp/data", O_RDWR | O_CREAT | O_TRUNC, 0600), p[2];
	struct iovec iov[2] = { { "ab", 2 }, { "cd", 2 } };
	char buf[32];

	SECTION("as files");
	write(fd, "0123456789", 10);
	lseek(fd, 0, SEEK_SET);
	SHOW(sendfile(client, fd, NULL, 10));
	SHOW(read(server, buf, 32));
	SHOW(writev(client, iov, 2));
	SHOW(read(server, buf, 3));
	SHOW(write(client, "", 0));
	SHOW(read(server, buf, 32));
	pipe(p);
	write(p[1], "from a pipe", 11);
	SHOW(splice(p[0], NULL, client, NULL, 11, 0));
	SHOW(read(server, buf, 32));
	write(client, "to a pipe", 9);
	SHOW(splice(server, NULL, p[1], NULL, 32, 0));
	SHOW(read(p[0], buf, 32));
	SHOW(lseek(server, 0, SEEK_SET));
	SHOW(fcntl(server, F_GETFL));
	struct stat st;
	fstat(server, &st);
	say("%o", st.st_mode);
	close(fd);
	close(server);
	close(client);
}

int main(void)
{
	options();
	readiness();
	signalled();
	woken();
	groups6();
	sources();
	devices();
	files();
}
