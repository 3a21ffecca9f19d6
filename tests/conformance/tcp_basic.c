// SPDX-License-Identifier: Apache-2.0
/* TCP: how connections begin and end, what poll says of them, which errors there are. */
#include "inet.h"

static void names(void)
{
	struct sockaddr_storage ss;
	socklen_t length;
	int fd, l, c, s;

	SECTION("names");
	SHOW(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	SHOW(socket(AF_INET, SOCK_SEQPACKET, 0));
	SHOW(socket(AF_INET, SOCK_STREAM, 300));
	SHOW(socketpair(AF_INET, SOCK_STREAM, 0, (int[2]){ 0 }));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	SHOW(fcntl(fd, F_GETFD));
	length = sizeof(ss);
	SHOW(getsockname(fd, (void *)&ss, &length));
	say("length %d family %d port %d", length, ss.ss_family, port_of(fd));
	SHOW(getpeername(fd, (void *)&ss, &length));
	SHOW(bind(fd, (struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_INET }, 15));
	SHOW(bind(fd, (struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_INET6 }, 16));
	SHOW(bind(fd, (struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_UNSPEC, .sin_addr.s_addr = 1 }, 16));
	SHOW(bind(fd, ADDR4("8.8.8.8", 0)));
	SHOW(bind(fd, ADDR4("127.0.0.77", 4001)));
	SHOW(bind(fd, ADDR4("127.0.0.1", 4002)));
	length = 4;
	SHOW(getsockname(fd, (void *)&ss, &length));
	say("length %d", length);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	SHOW(bind(fd, (struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_UNSPEC }, 16));
	SHOW(connect(fd, (struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_INET }, 1));
	SHOW(connect(fd, (struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_INET }, 8));
	SHOW(connect(fd, (struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_INET6 }, 16));
	SHOW(connect(fd, ADDR4("8.8.8.8", 80)));
	SHOW(connect(fd, ADDR4("224.0.0.1", 80)));
	SHOW(connect(fd, ADDR4("255.255.255.255", 80)));
	SHOW(connect(fd, ADDR4("127.0.0.1", 1)));
	SHOW(connect(fd, ADDR4("127.0.0.1", 0)));
	close(fd);
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	SHOW(bind(fd, (struct sockaddr *)&(struct sockaddr_in6){ .sin6_family = AF_INET6 }, 20));
	SHOW(bind(fd, ADDR6("2001:db8::1", 0)));
	SHOW(bind(fd, ADDR6("fe80::1", 0)));
	SHOW(bind(fd, ADDR6("ff02::1", 0)));
	SHOW(connect(fd, ADDR6("2001:db8::1", 80)));
	SHOW(connect(fd, ADDR6("fe80::1", 80)));
	SHOW(connect(fd, ADDR6("::1", 1)));
	SHOW(connect(fd, ADDR4("127.0.0.1", 1)));
	SHOW(connect(fd, ADDR6("::ffff:8.8.8.8", 80)));
	close(fd);

	/* Connecting to the wildcard is connecting to oneself. */
	l = listener4(5);
	c = socket(AF_INET, SOCK_STREAM, 0);
	SHOW(connect(c, ADDR4("0.0.0.0", port_of(l))));
	length = sizeof(ss);
	s = accept(l, (void *)&ss, &length);
	say("accepted: length %d family %d from itself %d", length, ss.ss_family, ntohs(((struct sockaddr_in *)&ss)->sin_port) == port_of(c));
	getpeername(c, (void *)&ss, &length);
	say("peer %s", inet_ntoa(((struct sockaddr_in *)&ss)->sin_addr));
	getsockname(c, (void *)&ss, &length);
	say("own %s", inet_ntoa(((struct sockaddr_in *)&ss)->sin_addr));
	SHOW(connect(c, ADDR4("127.0.0.1", port_of(l))));
	SHOW(bind(c, ADDR4("127.0.0.1", 0)));
	SHOW(listen(c, 1));
	SHOW(accept(c, NULL, NULL));
	SHOW(connect(l, ADDR4("127.0.0.1", port_of(l))));
	close(c);
	close(s);
	close(l);
}

static void dual_stack(void)
{
	struct sockaddr_in6 name;
	char text[64];
	socklen_t length = sizeof(name);
	int l = socket(AF_INET6, SOCK_STREAM, 0), c, s;

	SECTION("dual stack");
	SHOW(get_option(l, IPPROTO_IPV6, IPV6_V6ONLY));
	SHOW(bind(l, ADDR6("::", 0)));
	SHOW(listen(l, 5));
	c = connect4(port_of(l));
	s = accept(l, (void *)&name, &length);
	say("%d %s", length, inet_ntop(AF_INET6, &name.sin6_addr, text, sizeof(text)));
	getsockname(s, (void *)&name, &length);
	say("%d %s", length, inet_ntop(AF_INET6, &name.sin6_addr, text, sizeof(text)));
	SHOW(write(c, "four", 4));
	SHOW(read(s, text, 10));
	close(c);
	close(s);
	c = socket(AF_INET6, SOCK_STREAM, 0);
	SHOW(connect(c, ADDR6("::1", port_of(l))));
	s = accept(l, (void *)&name, &length);
	say("%d %s", length, inet_ntop(AF_INET6, &name.sin6_addr, text, sizeof(text)));
	close(c);
	close(s);
	c = socket(AF_INET6, SOCK_STREAM, 0);
	SHOW(connect(c, ADDR6("::ffff:127.0.0.1", port_of(l))));
	s = accept(l, NULL, NULL);
	close(c);
	close(s);
	c = socket(AF_INET6, SOCK_STREAM, 0);
	SHOW(set_option(c, IPPROTO_IPV6, IPV6_V6ONLY, 1));
	SHOW(connect(c, ADDR6("::ffff:127.0.0.1", port_of(l))));
	SHOW(set_option(l, IPPROTO_IPV6, IPV6_V6ONLY, 1));
	close(c);
	close(l);
	l = socket(AF_INET6, SOCK_STREAM, 0);
	SHOW(set_option(l, IPPROTO_IPV6, IPV6_V6ONLY, 1));
	SHOW(bind(l, ADDR6("::ffff:127.0.0.1", 0)));
	SHOW(bind(l, ADDR6("::", 0)));
	SHOW(listen(l, 5));
	c = socket(AF_INET, SOCK_STREAM, 0);
	SHOW(connect(c, ADDR4("127.0.0.1", port_of(l))));
	close(c);
	close(l);
}

static void nonblocking(void)
{
	int l = listener4(5), c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), s;

	SECTION("non-blocking connect");
	show_poll("fresh", c);
	SHOW(connect(c, ADDR4("127.0.0.1", port_of(l))));
	show_poll("connecting", c);
	SHOW(connect(c, ADDR4("127.0.0.1", port_of(l))));
	SHOW(connect(c, ADDR4("127.0.0.1", port_of(l))));
	say("error %s", pending_error(c));
	SHOW(fcntl(l, F_SETFL, O_NONBLOCK));
	s = accept4(l, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	SHOW(fcntl(s, F_GETFL) & O_NONBLOCK);
	SHOW(fcntl(s, F_GETFD));
	SHOW(accept4(l, NULL, NULL, 0x33));
	SHOW(accept(l, NULL, NULL));
	close(s);
	close(c);
	c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	SHOW(connect(c, ADDR4("127.0.0.1", 1)));
	show_poll("refused", c);
	say("error %s", pending_error(c));
	show_poll("refused, told", c);
	SHOW(connect(c, ADDR4("127.0.0.1", 1)));
	SHOW(connect(c, ADDR4("127.0.0.1", 1)));
	SHOW(connect(c, ADDR4("127.0.0.1", 1)));
	SHOW(send(c, "x", 1, MSG_NOSIGNAL));
	SHOW(connect(c, ADDR4("127.0.0.1", port_of(l))));
	SHOW(connect(c, ADDR4("127.0.0.1", port_of(l))));
	close(c);
	close(l);
}

static void closing(void)
{
	char buf[16];
	int p[2];

	SECTION("half close");
	tcp_pair(p);
	SHOW(write(p[0], "abc", 3));
	SHOW(shutdown(p[0], SHUT_WR));
	SHOW(shutdown(p[0], 7));
	CHECK(state_becomes(p[0], 5)); /* FIN_WAIT2: Linux delays the acknowledgement */
	say("state %d", tcp_state(p[1]));
	show_poll("client", p[0]);
	show_poll("server", p[1]);
	SHOW(read(p[1], buf, 16));
	SHOW(read(p[1], buf, 16));
	SHOW(send(p[0], "x", 1, MSG_NOSIGNAL));
	SHOW(write(p[1], "reply", 5));
	SHOW(read(p[0], buf, 16));
	SHOW(shutdown(p[1], SHUT_WR));
	say("states %d %d", tcp_state(p[0]), tcp_state(p[1]));
	show_poll("client", p[0]);
	show_poll("server", p[1]);
	SHOW(read(p[0], buf, 16));
	SHOW(getpeername(p[0], (void *)buf, (socklen_t[]){ 16 }));
	SHOW(shutdown(p[0], SHUT_RD));
	close(p[0]);
	close(p[1]);

	SECTION("shutdown of reading");
	tcp_pair(p);
	SHOW(shutdown(p[0], SHUT_RD));
	show_poll("client", p[0]);
	SHOW(read(p[0], buf, 16));
	SHOW(write(p[1], "abc", 3));
	SHOW(read(p[0], buf, 16));
	SHOW(read(p[0], buf, 16));
	SHOW(shutdown(p[0], SHUT_WR));
	show_poll("client", p[0]);
	show_poll("server", p[1]);
	SHOW(write(p[1], "abc", 3));
	SHOW(send(p[1], "abc", 3, MSG_NOSIGNAL));
	say("client %s, states %d %d", pending_error(p[0]), tcp_state(p[0]), tcp_state(p[1]));
	close(p[0]);
	close(p[1]);

	SECTION("closed by the peer");
	tcp_pair(p);
	close(p[0]);
	show_poll("server", p[1]);
	say("state %d", tcp_state(p[1]));
	SHOW(read(p[1], buf, 16));
	SHOW(send(p[1], "one", 3, MSG_NOSIGNAL));
	show_poll("server", p[1]);
	SHOW(send(p[1], "two", 3, MSG_NOSIGNAL));
	SHOW(send(p[1], "two", 3, MSG_NOSIGNAL));
	SHOW(read(p[1], buf, 16));
	close(p[1]);

	SECTION("closed with data unread");
	tcp_pair(p);
	SHOW(write(p[1], "unread", 6));
	SHOW(write(p[0], "left", 4));
	close(p[0]);
	show_poll("server", p[1]);
	say("state %d", tcp_state(p[1]));
	SHOW(read(p[1], buf, 16));
	SHOW(read(p[1], buf, 16));
	SHOW(read(p[1], buf, 16));
	SHOW(send(p[1], "x", 1, MSG_NOSIGNAL));
	close(p[1]);
	tcp_pair(p);
	write(p[1], "unread", 6);
	close(p[0]);
	SHOW(send(p[1], "x", 1, MSG_NOSIGNAL));
	SHOW(send(p[1], "x", 1, MSG_NOSIGNAL));
	SHOW(read(p[1], buf, 16));
	show_poll("server", p[1]);
	close(p[1]);

	SECTION("lingering");
	tcp_pair(p);
	struct linger linger = { 1, 0 };
	SHOW(setsockopt(p[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	close(p[0]);
	say("error %s", pending_error(p[1]));
	SHOW(read(p[1], buf, 16));
	close(p[1]);
	tcp_pair(p);
	linger.l_linger = 5;
	SHOW(setsockopt(p[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	write(p[0], "abc", 3);
	uint64_t start = now_ms();
	close(p[0]);
	CHECK(now_ms() - start < 1000);
	SHOW(read(p[1], buf, 16));
	SHOW(read(p[1], buf, 16));
	close(p[1]);

	SECTION("SIGPIPE");
	tcp_pair(p);
	close(p[0]);
	write(p[1], "x", 1);
	IN_CHILD(SHOW(write(p[1], "x", 1)));
	close(p[1]);
	IN_CHILD(SHOW(write(socket(AF_INET, SOCK_STREAM, 0), "x", 1)));
}

static void unconnected(void)
{
	char buf[4];
	int fd = socket(AF_INET, SOCK_STREAM, 0), l;

	SECTION("not connected");
	SHOW(read(fd, buf, 4));
	SHOW(send(fd, "x", 1, MSG_NOSIGNAL));
	SHOW(sendto(fd, "x", 1, MSG_NOSIGNAL, ADDR4("127.0.0.1", 1)));
	SHOW(shutdown(fd, SHUT_RDWR));
	SHOW(accept(fd, NULL, NULL));
	SHOW(listen(fd, 1));
	show_poll("listening", fd);
	SHOW(read(fd, buf, 4));
	SHOW(send(fd, "x", 1, MSG_NOSIGNAL));
	SHOW(shutdown(fd, SHUT_WR));
	say("state %d", tcp_state(fd));
	SHOW(shutdown(fd, SHUT_RD));
	say("state %d", tcp_state(fd));
	show_poll("no longer", fd);
	SHOW(accept(fd, NULL, NULL));
	SHOW(listen(fd, 1));
	close(fd);

	SECTION("connect to nothing");
	l = listener4(3);
	fd = connect4(port_of(l));
	SHOW(connect(fd, &(struct sockaddr){ .sa_family = AF_UNSPEC }, sizeof(struct sockaddr)));
	say("state %d error %s", tcp_state(fd), pending_error(fd));
	int s = accept(l, NULL, NULL);
	SHOW(read(s, buf, 4));
	close(s);
	SHOW(connect(fd, ADDR4("127.0.0.1", port_of(l))));
	s = accept(l, NULL, NULL);
	SHOW(write(fd, "abc", 3));
	SHOW(read(s, buf, 4));
	close(s);
	close(fd);
	close(l);
}

static void itself(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char buf[8];

	SECTION("connected to itself");
	SHOW(bind(fd, ADDR4("127.0.0.1", 4111)));
	SHOW(connect(fd, ADDR4("127.0.0.1", 4111)));
	SHOW(write(fd, "self", 4));
	SHOW(read(fd, buf, 8));
	SHOW(shutdown(fd, SHUT_WR));
	SHOW(read(fd, buf, 8));
	show_poll("itself", fd);
	SHOW(send(fd, "x", 1, MSG_NOSIGNAL));
	close(fd);
}

int main(void)
{
	names();
	dual_stack();
	nonblocking();
	closing();
	unconnected();
	itself();
	return 0;
}
