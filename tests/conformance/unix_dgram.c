// SPDX-License-Identifier: Apache-2.0
/* UNIX datagram and seqpacket sockets: boundaries, truncation, full queues, connected filters, resets. */
#include "test.h"

#include <sys/ioctl.h>

static socklen_t name(struct sockaddr_un *a, const char *abstract)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	strcpy(a->sun_path + 1, abstract);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(abstract));
}

static int bound(int type, const char *abstract)
{
	struct sockaddr_un a;
	socklen_t length = name(&a, abstract);
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);

	if (bind(fd, (void *)&a, length))
		say("bind: %s", error_name(errno));
	return fd;
}

static long send_name(int fd, const char *abstract, const char *text)
{
	struct sockaddr_un a;
	socklen_t length = name(&a, abstract);

	return sendto(fd, text, strlen(text), 0, (void *)&a, length);
}

static long connect_name(int fd, const char *abstract)
{
	struct sockaddr_un a;
	socklen_t length = name(&a, abstract);

	return connect(fd, (void *)&a, length);
}

static unsigned events(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP, 0 };

	poll(&p, 1, 0);
	return (unsigned)p.revents;
}

static void show_source(int fd)
{
	struct sockaddr_un a = { 0 };
	socklen_t length = sizeof(a);
	char buf[64];
	long n = recvfrom(fd, buf, sizeof(buf), 0, (void *)&a, &length);

	if (n < 0)
		say("recvfrom: %s", error_name(errno));
	else
		say("%.*s from %.*s (%d)", (int)n, buf, length > 3 ? (int)length - 3 : 0, a.sun_path + 1, length);
}

static void boundaries(int type)
{
	struct iovec iov;
	char buf[64];
	int s[2], n;

	say("-- boundaries of type %d", type);
	socketpair(AF_UNIX, type, 0, s);
	SHOW(write(s[0], "first", 5));
	SHOW(write(s[0], "", 0));
	SHOW(send(s[0], "", 0, 0));
	SHOW(write(s[0], "third message", 13));
	ioctl(s[1], FIONREAD, &n);
	say("%d", n);
	SHOW(recv(s[1], buf, 3, MSG_PEEK));
	SHOW(recv(s[1], buf, 3, MSG_PEEK | MSG_TRUNC));
	iov = (struct iovec){ buf, 3 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	SHOW(recvmsg(s[1], &m, 0));
	say("flags %x", (unsigned)m.msg_flags);
	SHOW(recv(s[1], buf, 64, 0));
	SHOW(recv(s[1], buf, 64, MSG_DONTWAIT));
	iov = (struct iovec){ buf, 64 };
	SHOW(recvmsg(s[1], &m, 0));
	say("flags %x %.13s", (unsigned)m.msg_flags, buf);
	SHOW(recv(s[1], buf, 64, MSG_DONTWAIT));
	SHOW(read(s[1], buf, 0));
	SHOW(send(s[0], "x", 1, MSG_OOB));
	char *big = calloc(1, 300000);
	SHOW(write(s[0], big, 300000));
	SHOW(write(s[0], big, 150000));
	SHOW(recv(s[1], big, 300000, 0));
	SHOW(shutdown(s[0], SHUT_WR));
	say("%x %x", events(s[0]), events(s[1]));
	SHOW(recv(s[1], buf, 64, MSG_DONTWAIT));
	SHOW(recv(s[1], buf, 64, MSG_DONTWAIT));
	SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
	SHOW(send(s[1], "y", 1, MSG_NOSIGNAL));
	SHOW(recv(s[0], buf, 64, MSG_DONTWAIT));
	close(s[0]);
	close(s[1]);
}

static void peer_gone(int type)
{
	char buf[64];
	int s[2];

	say("-- peer of type %d gone", type);
	signal(SIGPIPE, SIG_IGN);
	socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, s);
	write(s[1], "left", 4);
	write(s[0], "unread", 6);
	close(s[1]);
	say("%x", events(s[0]));
	SHOW(recv(s[0], buf, 64, 0));
	SHOW(recv(s[0], buf, 64, 0));
	SHOW(recv(s[0], buf, 64, 0));
	SHOW(send(s[0], "x", 1, 0));
	SHOW(send(s[0], "x", 1, 0));
	say("%x", events(s[0]));
	close(s[0]);
	IN_CHILD({
		signal(SIGPIPE, SIG_DFL);
		socketpair(AF_UNIX, type, 0, s);
		close(s[1]);
		SHOW(send(s[0], "x", 1, 0));
	});
}

static void queue_limit(void)
{
	int receiver = bound(SOCK_DGRAM, "lxd-q-receiver"), sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), n = 0;
	char buf[64];

	SECTION("full queue");
	SHOW(connect_name(sender, "lxd-q-receiver"));
	while (send(sender, "x", 1, 0) == 1)
		n++;
	say("%d then %s", n, error_name(errno));
	say("%x", events(sender));
	SHOW(recv(receiver, buf, 64, 0));
	say("%x", events(sender));
	SHOW(send(sender, "y", 1, 0));
	SHOW(send(sender, "y", 1, 0));
	pid_t pid = fork();
	if (!pid) {
		fcntl(sender, F_SETFL, 0);
		long r = send(sender, "blocked", 7, 0);
		_exit(r == 7 ? 0 : 1);
	}
	sleep_ms(30);
	n = 0;
	fcntl(receiver, F_SETFL, 0);
	while (recv(receiver, buf, 64, 0) == 1)
		n++;
	say("%d", n);
	int status;
	waitpid(pid, &status, 0);
	show_status("sender", status);
	fcntl(sender, F_SETFL, 0);
	struct timeval tv = { 0, 20000 };
	setsockopt(sender, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	n = 0;
	while (send(sender, "x", 1, 0) == 1)
		n++;
	say("%d then %s", n, error_name(errno));
	/* The receiver's end wakes those that wait for room. */
	tv.tv_usec = 0;
	setsockopt(sender, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	pid = fork();
	if (!pid) {
		close(receiver);
		send(sender, "x", 1, 0);
		_exit(errno == ECONNREFUSED ? 0 : errno);
	}
	sleep_ms(20);
	close(receiver);
	waitpid(pid, &status, 0);
	show_status("sender", status);
	SHOW(send(sender, "x", 1, 0));
	SHOW(send(sender, "x", 1, 0));
	close(sender);
}

static void filters(void)
{
	int a = bound(SOCK_DGRAM, "lxd-f-a"), b = bound(SOCK_DGRAM, "lxd-f-b"), c = bound(SOCK_DGRAM, "lxd-f-c");
	int stream = bound(SOCK_STREAM, "lxd-f-stream");
	struct sockaddr unspecified = { .sa_family = AF_UNSPEC };

	SECTION("connected datagram sockets");
	SHOW(send_name(b, "lxd-f-a", "from b") > 0);
	show_source(a);
	SHOW(connect_name(a, "lxd-f-b"));
	SHOW(send_name(c, "lxd-f-a", "from c"));
	SHOW(connect_name(c, "lxd-f-a"));
	SHOW(send_name(b, "lxd-f-a", "from b") > 0);
	show_source(a);
	SHOW(send_name(a, "lxd-f-c", "to c though connected to b") > 0);
	show_source(c);
	SHOW(send(a, "to b", 4, 0));
	show_source(b);
	SHOW(send_name(b, "lxd-f-a", "dropped") > 0);
	SHOW(connect_name(a, "lxd-f-c"));
	show_source(a);
	SHOW(connect(a, &unspecified, sizeof(unspecified)));
	SHOW(send(a, "x", 1, 0));
	SHOW(connect_name(a, "lxd-f-nobody"));
	SHOW(connect_name(a, "lxd-f-stream"));
	SHOW(send_name(a, "lxd-f-stream", "x"));
	SHOW(send_name(a, "lxd-f-nobody", "x"));
	SHOW(connect_name(a, "lxd-f-a"));
	SHOW(send(a, "self", 4, 0));
	show_source(a);
	SHOW(listen(a, 1));
	SHOW(accept(a, NULL, NULL));
	close(b);
	SHOW(connect_name(a, "lxd-f-b"));
	int unnamed = socket(AF_UNIX, SOCK_DGRAM, 0);
	SHOW(send_name(unnamed, "lxd-f-c", "unnamed") > 0);
	show_source(c);
	SHOW(connect_name(unnamed, "lxd-f-c"));
	write(unnamed, "queued", 6);
	SHOW(shutdown(c, SHUT_RD));
	say("%x %x", events(c), events(unnamed));
	SHOW(send(unnamed, "x", 1, MSG_NOSIGNAL));
	show_source(c);
	show_source(c);
	close(unnamed);
	close(a);
	close(c);
	close(stream);
}

static void seqpacket(void)
{
	int listener = bound(SOCK_SEQPACKET, "lxd-seq"), client = socket(AF_UNIX, SOCK_SEQPACKET, 0), server;
	char buf[64];

	SECTION("seqpacket connections");
	SHOW(send(client, "x", 1, 0));
	SHOW(recv(client, buf, 64, 0));
	say("%x", events(client));
	SHOW(connect_name(client, "lxd-seq"));
	SHOW(listen(listener, 1));
	SHOW(connect_name(client, "lxd-seq"));
	SHOW(connect_name(client, "lxd-seq"));
	SHOW(send(client, "one", 3, 0));
	SHOW(send_name(client, "lxd-elsewhere", "two") > 0);
	SHOW(recv(listener, buf, 64, 0));
	server = accept(listener, NULL, NULL);
	show_source(server);
	show_source(server);
	SHOW(fcntl(server, F_GETFL) & O_NONBLOCK);
	close(client);
	SHOW(recv(server, buf, 64, 0));
	say("%x", events(server));
	close(server);
	close(listener);
}

static void many(void)
{
	struct mmsghdr m[8];
	struct iovec iov[8];
	char bufs[8][16];
	struct timespec ts = { 0, 20000000 };
	int s[2];

	SECTION("sendmmsg and recvmmsg");
	socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	memset(m, 0, sizeof(m));
	for (int i = 0; i < 8; i++) {
		snprintf(bufs[i], 16, "message %d", i);
		iov[i] = (struct iovec){ bufs[i], (size_t)i + 3 };
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	SHOW(sendmmsg(s[0], m, 5, 0));
	say("%u %u", m[0].msg_len, m[4].msg_len);
	for (int i = 0; i < 8; i++)
		iov[i].iov_len = 4;
	SHOW(recvmmsg(s[1], m, 3, 0, NULL));
	say("%u %u %x %x", m[0].msg_len, m[2].msg_len, (unsigned)m[0].msg_hdr.msg_flags, (unsigned)m[2].msg_hdr.msg_flags);
	SHOW(recvmmsg(s[1], m, 8, MSG_WAITFORONE, NULL));
	SHOW(recvmmsg(s[1], m, 8, MSG_DONTWAIT, NULL));
	SHOW(sendmmsg(s[0], m, 2, 0));
	SHOW(recvmmsg(s[1], m, 2, 0, &ts));
	ts.tv_nsec = 2000000000;
	SHOW(recvmmsg(s[1], m, 2, 0, &ts));
	SHOW(sendmmsg(s[0], (void *)8, 2, 0));
	SHOW(sendmmsg(s[0], m, 0, 0));
	close(s[0]);
	close(s[1]);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	boundaries(SOCK_DGRAM);
	boundaries(SOCK_SEQPACKET);
	peer_gone(SOCK_DGRAM);
	peer_gone(SOCK_SEQPACKET);
	queue_limit();
	filters();
	seqpacket();
	many();
}
