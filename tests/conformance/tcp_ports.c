// SPDX-License-Identifier: Apache-2.0
/* TCP: who may have which port: SO_REUSEADDR, SO_REUSEPORT, wildcards against addresses, both families, TIME_WAIT. */
#include "inet.h"

static int port_now = 4321;
#define PORT port_now

struct claim {
	const char *addr; /* with a colon: IPv6 */
	bool reuseaddr, reuseport, v6only, listens;
};

static int claim(const struct claim *c)
{
	bool v6 = strchr(c->addr, ':');
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

	set_option(fd, SOL_SOCKET, SO_REUSEADDR, c->reuseaddr);
	set_option(fd, SOL_SOCKET, SO_REUSEPORT, c->reuseport);
	if (v6)
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, c->v6only);
	if (v6 ? bind(fd, ADDR6(c->addr, PORT)) : bind(fd, ADDR4(c->addr, PORT))) {
		close(fd);
		return -1;
	}
	if (c->listens && listen(fd, 5)) {
		close(fd);
		return -2;
	}
	return fd;
}

static void two(struct claim a, struct claim b)
{
	int x = claim(&a), y = claim(&b);

	say("%s%s%s%s%s then %s%s%s%s%s: %s", a.addr, a.reuseaddr ? " addr" : "", a.reuseport ? " port" : "", a.v6only ? " only" : "",
	    a.listens ? " listens" : "", b.addr, b.reuseaddr ? " addr" : "", b.reuseport ? " port" : "", b.v6only ? " only" : "",
	    b.listens ? " listens" : "", x < 0 ? "the first fails" : y == -1 ? "bind fails" : y == -2 ? "listen fails" : "both");
	close(x);
	if (y >= 0)
		close(y);
}

static void conflicts(void)
{
	static const char *const addrs[] = { "127.0.0.1", "127.0.0.2", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1" };

	SECTION("conflicts");
	for (int i = 0; i < 6; i++)
		for (int j = 0; j < 6; j++)
			for (int how = 0; how < 8; how++)
				two((struct claim){ addrs[i], how & 1, how & 2, false, how & 4 },
				    (struct claim){ addrs[j], how & 1, how & 2, false, how & 4 });
	for (int only = 0; only < 4; only++) {
		two((struct claim){ "::", 0, 0, only & 1, 1 }, (struct claim){ "0.0.0.0", 0, 0, 0, 1 });
		two((struct claim){ "0.0.0.0", 0, 0, 0, 1 }, (struct claim){ "::", 0, 0, only & 1, 1 });
		two((struct claim){ "::", 0, 0, only & 1, 0 }, (struct claim){ "::", 0, 0, only & 2, 0 });
	}
	two((struct claim){ "0.0.0.0", 1, 0, 0, 0 }, (struct claim){ "0.0.0.0", 1, 0, 0, 1 });
	two((struct claim){ "0.0.0.0", 1, 0, 0, 1 }, (struct claim){ "0.0.0.0", 1, 0, 0, 0 });
	two((struct claim){ "0.0.0.0", 1, 1, 0, 1 }, (struct claim){ "0.0.0.0", 1, 0, 0, 1 });
	two((struct claim){ "0.0.0.0", 0, 1, 0, 1 }, (struct claim){ "0.0.0.0", 0, 0, 0, 1 });
	two((struct claim){ "0.0.0.0", 0, 1, 0, 1 }, (struct claim){ "127.0.0.1", 0, 1, 0, 1 });
	two((struct claim){ "0.0.0.0", 1, 0, 0, 0 }, (struct claim){ "127.0.0.1", 0, 0, 0, 0 });
}

static void specific(void)
{
	int wild = claim(&(struct claim){ "0.0.0.0", 0, 1, 0, 1 }), one = claim(&(struct claim){ "127.0.0.1", 0, 1, 0, 1 });
	int six = claim(&(struct claim){ "::", 0, 1, 0, 1 }), c;

	SECTION("the most specific listener");
	CHECK(wild >= 0 && one >= 0 && six >= 0);
	fcntl(wild, F_SETFL, O_NONBLOCK);
	fcntl(one, F_SETFL, O_NONBLOCK);
	fcntl(six, F_SETFL, O_NONBLOCK);
	c = connect4(PORT);
	say("127.0.0.1: %d %d %d", accept(wild, NULL, NULL) >= 0, accept(one, NULL, NULL) >= 0, accept(six, NULL, NULL) >= 0);
	close(c);
	c = socket(AF_INET, SOCK_STREAM, 0);
	SHOW(connect(c, ADDR4("127.0.0.9", PORT)));
	say("127.0.0.9: %d %d %d", accept(wild, NULL, NULL) >= 0, accept(one, NULL, NULL) >= 0, accept(six, NULL, NULL) >= 0);
	close(c);
	c = socket(AF_INET6, SOCK_STREAM, 0);
	SHOW(connect(c, ADDR6("::1", PORT)));
	say("::1: %d %d %d", accept(wild, NULL, NULL) >= 0, accept(one, NULL, NULL) >= 0, accept(six, NULL, NULL) >= 0);
	close(c);
	close(wild);
	close(one);
	close(six);
}

static void balanced(void)
{
	int l[4], taken[4] = { 0 }, all = 0;

	SECTION("SO_REUSEPORT shares");
	for (int i = 0; i < 4; i++) {
		struct claim c = { "127.0.0.1", 0, 1, 0, 1 };

		l[i] = claim(&c);
		listen(l[i], 200);
		fcntl(l[i], F_SETFL, O_NONBLOCK);
	}
	for (int i = 0; i < 200; i++) {
		struct linger linger = { 1, 0 };
		int c = connect4(PORT);

		setsockopt(c, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
		for (int j = 0; j < 4; j++) {
			int s = accept(l[j], NULL, NULL);

			if (s >= 0) {
				taken[j]++;
				close(s);
			}
		}
		close(c);
	}
	for (int i = 0; i < 4; i++) {
		all += taken[i];
		CHECK(taken[i] > 10);
		close(l[i]);
	}
	CHECK(all == 200);
}

/* After the connection is closed by the listener's side: can the server start again? */
static void again(bool reuse_before, bool reuse_after, bool server_first, bool client_stays)
{
	port_now++; /* what the last one left waits for a minute */
	struct claim before = { "127.0.0.1", reuse_before, 0, 0, 1 }, after = { "127.0.0.1", reuse_after, 0, 0, 1 };
	int l = claim(&before), c, s, n;
	char x;

	if (l < 0) {
		say("first claim fails");
		return;
	}
	c = connect4(PORT);
	s = accept(l, NULL, NULL);
	close(l);
	if (client_stays) {
		close(s);
	} else if (server_first) {
		close(s);
		read(c, &x, 1);
		close(c);
	} else {
		close(c);
		read(s, &x, 1);
		close(s);
	}
	sleep_ms(60);
	n = claim(&after);
	say("%s before, %s after, %s closes first%s: %s", reuse_before ? "reuse" : "none", reuse_after ? "reuse" : "none",
	    server_first ? "server" : "client", client_stays ? " and the other stays" : "", n >= 0 ? "again" : "in use");
	if (n >= 0)
		close(n);
	if (client_stays) {
		struct linger linger = { 1, 0 };

		setsockopt(c, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
		close(c);
	}
}

static void start_again(void)
{
	SECTION("start again");
	again(true, true, false, false);
	again(true, false, false, false);
	again(true, true, true, false);
	again(true, true, true, true);
	again(true, false, true, false);
	again(true, true, true, false);
}

static void ephemeral(void)
{
	int fds[8], n;

	SECTION("ephemeral ports");
	for (int i = 0; i < 8; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		n = bind(fds[i], ADDR4("127.0.0.1", 0));
		for (int j = 0; j < i; j++)
			if (port_of(fds[i]) == port_of(fds[j]))
				n = 1;
		if (n || port_of(fds[i]) < 32768 || port_of(fds[i]) > 60999)
			say("port %d", port_of(fds[i]));
	}
	for (int i = 0; i < 8; i++)
		close(fds[i]);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	SHOW(set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1));
	SHOW(bind(fd, ADDR4("127.0.0.1", 0)));
	CHECK(port_of(fd) == 0);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	int l = listener4(1);
	SHOW(bind(fd, ADDR4("127.0.0.3", 0)));
	int port = port_of(fd);
	SHOW(connect(fd, ADDR4("127.0.0.1", port_of(l))));
	CHECK(port == port_of(fd));
	close(fd);
	close(l);
	/* Privileged ports. */
	if (fork() == 0) {
		/* Without CAP_NET_BIND_SERVICE. */
		struct { uint32_t version; int pid; } header = { 0x20080522, 0 };
		struct { uint32_t effective, permitted, inheritable; } caps[2];

		syscall(SYS_capget, &header, caps);
		caps[0].effective &= ~(1U << 10);
		SHOW(syscall(SYS_capset, &header, caps));
		fd = socket(AF_INET, SOCK_STREAM, 0);
		SHOW(bind(fd, ADDR4("127.0.0.1", 80)));
		SHOW(bind(fd, ADDR4("127.0.0.1", 1024)));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	/* The same pair of ends twice. */
	l = socket(AF_INET, SOCK_STREAM, 0);
	int a = socket(AF_INET, SOCK_STREAM, 0), b = socket(AF_INET, SOCK_STREAM, 0);
	bind(l, ADDR4("127.0.0.1", 4900));
	listen(l, 5);
	set_option(a, SOL_SOCKET, SO_REUSEADDR, 1);
	set_option(b, SOL_SOCKET, SO_REUSEADDR, 1);
	SHOW(bind(a, ADDR4("127.0.0.1", 4901)));
	SHOW(bind(b, ADDR4("127.0.0.1", 4901)));
	SHOW(connect(a, ADDR4("127.0.0.1", 4900)));
	SHOW(connect(b, ADDR4("127.0.0.1", 4900)));
	SHOW(connect(b, ADDR4("127.0.0.2", 4900)));
	close(a);
	close(b);
	close(l);
}

int main(void)
{
	conflicts();
	specific();
	balanced();
	ephemeral();
	start_again();
	return 0;
}
