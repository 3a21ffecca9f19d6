/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network_calls [ROUNDS [processes]]: connections, datagrams, messages and requests between threads, or processes, of one container.
 * tests/suites/inside.py compares the host calls of few rounds with those of many: nothing of it may reach the host.
 */
#include "../conformance/test.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

static int rounds = 200;
static bool processes;

static void *echo(void *arg)
{
	int fd = *(int *)arg;

	for (int i = 0; i < rounds; i++) {
		struct sockaddr_storage from;
		socklen_t length = sizeof(from);
		char buffer[64];
		long n = recvfrom(fd, buffer, sizeof(buffer), 0, (void *)&from, &length);

		if (n < 0 || sendto(fd, buffer, (size_t)n, 0, length ? (void *)&from : NULL, length) != n)
			return (void *)1;
	}
	return NULL;
}

/* One thread asks, the other answers. */
static bool play(int server, int client)
{
	pthread_t thread;
	pid_t child = 0;
	int status = 0;
	void *bad = NULL;

	if (processes && !(child = fork()))
		_exit(echo(&server) != NULL);
	if (!processes)
		pthread_create(&thread, NULL, echo, &server);
	for (int i = 0; i < rounds; i++) {
		int got = -1;

		if (send(client, &i, sizeof(i), 0) != sizeof(i) || recv(client, &got, sizeof(got), 0) != sizeof(got) || got != i)
			return false;
	}
	if (processes)
		waitpid(child, &status, 0);
	else
		pthread_join(thread, &bad);
	return !bad && !status;
}

static bool datagrams(int family)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	void *name = family == AF_INET ? (void *)&four : (void *)&six;
	socklen_t length = family == AF_INET ? sizeof(four) : sizeof(six);
	int server = socket(family, SOCK_DGRAM, 0), client = socket(family, SOCK_DGRAM, 0);

	return !bind(server, name, length) && !getsockname(server, name, &length) && !connect(client, name, length) && play(server, client);
}

static bool connection(void *name, socklen_t length)
{
	int family = *(sa_family_t *)name, listener = socket(family, SOCK_STREAM, 0), client = socket(family, SOCK_STREAM, 0);

	return !bind(listener, name, length) && !listen(listener, 1) && !getsockname(listener, name, &length) && !connect(client, name, length) &&
	       play(accept(listener, NULL, NULL), client);
}

/* Over all of the container's addresses: the loopback's and its own. */
static bool connections(void)
{
	struct ifaddrs *all, *one;
	bool good = !getifaddrs(&all);
	int seen = 0;

	for (one = good ? all : NULL; one && good; one = one->ifa_next) {
		struct sockaddr_storage name = { 0 };
		socklen_t length = sizeof(struct sockaddr_in);

		if (!one->ifa_addr || (one->ifa_addr->sa_family != AF_INET && one->ifa_addr->sa_family != AF_INET6))
			continue;
		if (one->ifa_addr->sa_family == AF_INET6)
			length = sizeof(struct sockaddr_in6);
		memcpy(&name, one->ifa_addr, length);
		good = connection(&name, length);
		seen++;
	}
	return good && seen >= 2; /* --network none: the loopback only */
}

static bool pairs(int type)
{
	int s[2];

	return !socketpair(AF_UNIX, type, 0, s) && play(s[0], s[1]);
}

static bool requests(void)
{
	struct { struct nlmsghdr h; struct rtgenmsg g; } request = {
		{ NLMSG_LENGTH(sizeof(struct rtgenmsg)), RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, 0, 0 }, { AF_UNSPEC } };
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	char buffer[8192];

	for (int i = 0; i < rounds; i++)
		if (send(fd, &request, request.h.nlmsg_len, 0) < 0 || recv(fd, buffer, sizeof(buffer), 0) < 40)
			return false;
	return true;
}

static bool pings(void)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct icmphdr echo_request = { .type = ICMP_ECHO };
	int fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	char buffer[64];

	for (int i = 0; i < rounds; i++)
		if (sendto(fd, &echo_request, sizeof(echo_request), 0, (void *)&here, sizeof(here)) < 0 || recv(fd, buffer, sizeof(buffer), 0) != 8)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	bool good;

	if (argc > 1)
		rounds = atoi(argv[1]);
	processes = argc > 2;
	good = connections() & datagrams(AF_INET) & datagrams(AF_INET6) & pairs(SOCK_DGRAM) & pairs(SOCK_STREAM) & requests() & pings();
	puts(good ? "good" : "bad");
	return !good;
}
