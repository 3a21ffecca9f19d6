// SPDX-License-Identifier: Apache-2.0
/* TCP: the backlog, what accepted sockets inherit, connections that end before accept, deferred accepts, many connections. */
#include "inet.h"

static void full(void)
{
	struct sockaddr_in name;
	int l = listener4(0), port = port_of(l), a, b, s;

	SECTION("a full backlog");
	a = connect4(port);
	b = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	SHOW(connect(b, ADDR4("127.0.0.1", port)));
	sleep_ms(20);
	show_poll("second", b);
	SHOW(connect(b, ADDR4("127.0.0.1", port)));
	SHOW(send(b, "x", 1, 0));
	SHOW(recv(b, &name, 1, 0));
	SHOW(getpeername(b, (void *)&name, (socklen_t[]){ sizeof(name) }));
	say("state %d", tcp_state(b));
	struct timeval tv = { 0, 30000 };
	int c = socket(AF_INET, SOCK_STREAM, 0);
	SHOW(setsockopt(c, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	SHOW(connect(c, ADDR4("127.0.0.1", port)));
	SHOW(connect(c, ADDR4("127.0.0.1", port)));
	SHOW(write(c, "x", 1));
	close(c);
	/* Linux notices the room when it tries again. */
	s = accept(l, NULL, NULL);
	struct pollfd p = { b, POLLOUT, 0 };
	SHOW(poll(&p, 1, 4000));
	say("%x state %d", p.revents, tcp_state(b));
	close(s);
	close(a);
	s = accept(l, NULL, NULL);
	SHOW(write(b, "late", 4));
	char buf[8];
	SHOW(read(s, buf, 8));
	close(s);
	close(b);

	/* The listener goes away meanwhile. */
	a = connect4(port);
	b = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	connect(b, ADDR4("127.0.0.1", port));
	sleep_ms(5);
	close(l);
	p = (struct pollfd){ b, POLLOUT, 0 };
	SHOW(poll(&p, 1, 4000));
	say("second %s", pending_error(b));
	SHOW(read(a, buf, 8));
	close(a);
	close(b);

	/* TCP_USER_TIMEOUT limits connecting, too. */
	l = listener4(0);
	a = connect4(port_of(l));
	b = socket(AF_INET, SOCK_STREAM, 0);
	SHOW(set_option(b, IPPROTO_TCP, TCP_USER_TIMEOUT, 300));
	uint64_t start = now_ms();
	SHOW(connect(b, ADDR4("127.0.0.1", port_of(l))));
	CHECK(now_ms() - start >= 290 && now_ms() - start < 3000);
	close(a);
	close(b);
	close(l);

	/* A larger backlog lets them in. */
	l = listener4(0);
	a = connect4(port_of(l));
	b = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	connect(b, ADDR4("127.0.0.1", port_of(l)));
	sleep_ms(5);
	say("state %d", tcp_state(b));
	SHOW(listen(l, 5));
	p = (struct pollfd){ b, POLLOUT, 0 };
	SHOW(poll(&p, 1, 4000));
	say("state %d", tcp_state(b));
	close(a);
	close(b);
	close(l);
}

static void inherited(void)
{
	static const struct { int level, option, value; const char *name; } options[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE" }, { SOL_SOCKET, SO_OOBINLINE, 1, "SO_OOBINLINE" },
		{ SOL_SOCKET, SO_RCVLOWAT, 7, "SO_RCVLOWAT" }, { SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR" },
		{ SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT" }, { SOL_SOCKET, SO_SNDBUF, 30000, "SO_SNDBUF" },
		{ SOL_SOCKET, SO_RCVBUF, 30000, "SO_RCVBUF" }, { SOL_SOCKET, SO_PRIORITY, 4, "SO_PRIORITY" },
		{ SOL_SOCKET, SO_DONTROUTE, 1, "SO_DONTROUTE" }, { SOL_SOCKET, SO_BROADCAST, 1, "SO_BROADCAST" },
		{ IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY" }, { IPPROTO_TCP, TCP_KEEPIDLE, 11, "TCP_KEEPIDLE" },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 12, "TCP_KEEPINTVL" }, { IPPROTO_TCP, TCP_KEEPCNT, 13, "TCP_KEEPCNT" },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 1234, "TCP_USER_TIMEOUT" }, { IPPROTO_TCP, TCP_LINGER2, 14, "TCP_LINGER2" },
		{ IPPROTO_TCP, TCP_SYNCNT, 5, "TCP_SYNCNT" }, { IPPROTO_IP, IP_TTL, 33, "IP_TTL" },
		{ IPPROTO_IP, IP_FREEBIND, 1, "IP_FREEBIND" }, { IPPROTO_IP, IP_TOS, 16, "IP_TOS" },
		{ IPPROTO_TCP, TCP_CORK, 1, "TCP_CORK" }, { IPPROTO_TCP, TCP_NOTSENT_LOWAT, 5000, "TCP_NOTSENT_LOWAT" },
		{ IPPROTO_IP, IP_MTU_DISCOVER, 0, "IP_MTU_DISCOVER" },
	};
	struct timeval tv = { 3, 0 };
	struct linger linger = { 1, 9 };
	socklen_t length = sizeof(tv);
	int l = listener4(5), c, s;

	SECTION("inherited by accepted sockets");
	for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (set_option(l, options[i].level, options[i].option, options[i].value))
			say("%s: %s", options[i].name, error_name(errno));
	setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(l, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	fcntl(l, F_SETFL, O_NONBLOCK);
	c = connect4(port_of(l));
	s = accept(l, NULL, NULL);
	for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		say("%s %d", options[i].name, get_option(s, options[i].level, options[i].option));
	tv = (struct timeval){ 0, 0 };
	getsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, &length);
	say("timeout %ld", tv.tv_sec);
	getsockopt(s, SOL_SOCKET, SO_LINGER, &linger, &length);
	say("linger %d %d", linger.l_onoff, linger.l_linger);
	SHOW(fcntl(s, F_GETFL) & O_NONBLOCK);
	SHOW(get_option(s, SOL_SOCKET, SO_ACCEPTCONN));
	SHOW(get_option(l, SOL_SOCKET, SO_ACCEPTCONN));
	linger.l_onoff = 0;
	setsockopt(s, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(s);
	close(c);
	close(l);
}

static void before_accept(void)
{
	int l = listener4(8), c, s, n;
	struct sockaddr_in name;
	socklen_t length = sizeof(name);
	char buf[16];

	SECTION("ended before accept");
	c = connect4(port_of(l));
	SHOW(write(c, "early", 5));
	close(c);
	sleep_ms(5);
	show_poll("listener", l);
	s = accept(l, (void *)&name, &length);
	CHECK(s >= 0);
	SHOW(read(s, buf, 16));
	SHOW(read(s, buf, 16));
	close(s);
	c = connect4(port_of(l));
	struct linger linger = { 1, 0 };
	setsockopt(c, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(c);
	sleep_ms(5);
	s = accept(l, (void *)&name, &length);
	CHECK(s >= 0);
	SHOW(getpeername(s, (void *)&name, &length));
	SHOW(read(s, buf, 16));
	SHOW(read(s, buf, 16));
	close(s);
	c = connect4(port_of(l));
	SHOW(ioctl(l, FIONREAD, &n));
	SHOW(ioctl(l, TIOCOUTQ, &n));
	close(l);
	SHOW(read(c, buf, 16));
	close(c);

	SECTION("TCP_DEFER_ACCEPT");
	l = listener4(8);
	SHOW(set_option(l, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5));
	say("%d", get_option(l, IPPROTO_TCP, TCP_DEFER_ACCEPT));
	fcntl(l, F_SETFL, O_NONBLOCK);
	c = connect4(port_of(l));
	sleep_ms(5);
	show_poll("no data", l);
	SHOW(accept(l, NULL, NULL));
	SHOW(write(c, "go", 2));
	sleep_ms(5);
	show_poll("data", l);
	s = accept(l, NULL, NULL);
	SHOW(read(s, buf, 16));
	close(s);
	close(c);
	c = connect4(port_of(l));
	close(l);
	close(c);
}

static void many(void)
{
	enum { N = 10000 };
	int l = listener4(100), port = port_of(l), bad = 0;
	char x;

	SECTION("many connections");
	pid_t server = fork();
	if (!server) {
		for (int i = 0; i < N; i++) {
			int s = accept(l, NULL, NULL);

			while (read(s, &x, 1) == 1)
				write(s, &x, 1);
			close(s);
		}
		_exit(0);
	}
	for (int i = 0; i < N; i++) {
		int c = socket(AF_INET, SOCK_STREAM, 0);

		x = (char)i;
		if (connect(c, ADDR4("127.0.0.1", port)) || write(c, &x, 1) != 1 || read(c, &x, 1) != 1 || x != (char)i)
			bad++;
		close(c);
	}
	int status;
	waitpid(server, &status, 0);
	say("bad %d", bad);
	show_status("server", status);
	close(l);
}

int main(void)
{
	full();
	inherited();
	before_accept();
	many();
	return 0;
}
