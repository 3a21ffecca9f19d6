// SPDX-License-Identifier: Apache-2.0
/* UNIX sockets: stream, datagram, seqpacket; names, descriptors and credentials passing. */
#include "test.h"

#include <sys/ioctl.h>

static socklen_t address(struct sockaddr_un *a, const char *path)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	strcpy(a->sun_path + (path[0] == '@'), path + (path[0] == '@'));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + (path[0] != '@'));
}

static void pairs(int type)
{
	int s[2], n;
	char buf[64];

	say("-- pair type %d", type);
	SHOW(socketpair(AF_UNIX, type, 0, s));
	SHOW(write(s[0], "hello", 5));
	SHOW(write(s[0], "world", 5));
	SHOW(ioctl(s[1], FIONREAD, &n));
	say("n %d", n);
	SHOW(recv(s[1], buf, 3, MSG_PEEK));
	SHOW(recv(s[1], buf, 3, 0));
	SHOW(recv(s[1], buf, 64, 0));
	SHOW(recv(s[1], buf, 64, MSG_DONTWAIT));
	SHOW(send(s[0], "abcdef", 6, MSG_DONTWAIT));
	SHOW(recv(s[1], buf, 2, MSG_TRUNC));
	SHOW(recv(s[1], buf, 64, MSG_DONTWAIT));
	struct iovec iov[2] = { { "one", 3 }, { "two", 3 } };
	SHOW(writev(s[0], iov, 2));
	SHOW(read(s[1], buf, 64));
	SHOW(lseek(s[0], 0, SEEK_SET));
	struct pollfd p = { s[0], POLLIN | POLLOUT | POLLRDHUP, 0 };
	SHOW(poll(&p, 1, 0));
	say("%x", p.revents);
	SHOW(shutdown(s[1], SHUT_WR));
	SHOW(shutdown(s[1], 9));
	SHOW(poll(&p, 1, 0));
	say("%x", p.revents);
	SHOW(recv(s[0], buf, 64, MSG_DONTWAIT));
	SHOW(send(s[1], "x", 1, MSG_NOSIGNAL));
	close(s[1]);
	SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
	SHOW(poll(&p, 1, 0));
	say("%x", p.revents);
	SHOW(recv(s[0], buf, 64, MSG_DONTWAIT));
	close(s[0]);
}

static void options(void)
{
	int s[2], value;
	socklen_t length = sizeof(value);

	SECTION("options");
	SHOW(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, s));
	SHOW(fcntl(s[0], F_GETFD));
	SHOW(read(s[0], &value, 4));
	SHOW(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &value, &length));
	say("%d %d", value, length);
	SHOW(getsockopt(s[0], SOL_SOCKET, SO_DOMAIN, &value, &length));
	say("%d", value);
	SHOW(getsockopt(s[0], SOL_SOCKET, SO_ERROR, &value, &length));
	say("%d", value);
	SHOW(getsockopt(s[0], SOL_SOCKET, SO_ACCEPTCONN, &value, &length));
	say("%d", value);
	struct ucred cred;
	length = sizeof(cred);
	SHOW(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &cred, &length));
	say("%d %d %d", cred.pid == getpid(), cred.uid, cred.gid);
	SHOW(getsockopt(s[0], SOL_SOCKET, 9999, &value, &length));
	SHOW(getsockopt(0, SOL_SOCKET, SO_TYPE, &value, &length));
	value = 1;
	SHOW(setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &value, sizeof(value)));
	struct timeval tv = { 0, 30000 };
	SHOW(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	fcntl(s[0], F_SETFL, 0);
	uint64_t start = now_ms();
	SHOW(read(s[0], &value, 4));
	CHECK(now_ms() - start >= 25);
	SHOW(socketpair(AF_UNIX, 99, 0, s));
	SHOW(socketpair(AF_UNIX, SOCK_STREAM, 77, s));
	SHOW(socket(99, SOCK_STREAM, 0));
	/* a full buffer */
	char block[4096] = { 0 };
	long total = 0, n;
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
	while ((n = write(s[0], block, sizeof(block))) > 0)
		total += n;
	say("%s", error_name(errno));
	CHECK(total >= 65536 && total < 10 << 20);
}

static void streams(const char *path)
{
	struct sockaddr_un a;
	struct sockaddr_un peer;
	socklen_t length = address(&a, path), got;
	char buf[16] = { 0 };

	say("-- stream %s", path);
	int l = socket(AF_UNIX, SOCK_STREAM, 0);
	SHOW(connect(l, (void *)&a, length));
	SHOW(listen(l, 5));
	SHOW(bind(l, (void *)&a, length));
	SHOW(bind(l, (void *)&a, length));
	int other = socket(AF_UNIX, SOCK_STREAM, 0);
	SHOW(bind(other, (void *)&a, length));
	SHOW(connect(other, (void *)&a, length));
	SHOW(accept(l, NULL, NULL));
	SHOW(listen(l, 5));
	SHOW(fcntl(l, F_SETFL, O_NONBLOCK));
	SHOW(accept(l, NULL, NULL));
	SHOW(connect(other, (void *)&a, length));
	SHOW(connect(other, (void *)&a, length));
	SHOW(write(other, "early", 5));
	got = sizeof(peer);
	int c = accept4(l, (void *)&peer, &got, SOCK_CLOEXEC);
	CHECK(c >= 0);
	say("length %d", got);
	SHOW(fcntl(c, F_GETFD));
	SHOW(read(c, buf, 16));
	got = sizeof(peer);
	SHOW(getsockname(c, (void *)&peer, &got));
	say("length %d name %s", got, peer.sun_path + !peer.sun_path[0]);
	got = sizeof(peer);
	SHOW(getpeername(other, (void *)&peer, &got));
	say("length %d name %s", got, peer.sun_path + !peer.sun_path[0]);
	SHOW(send(c, "reply", 5, 0));
	SHOW(recv(other, buf, 16, MSG_WAITALL | MSG_DONTWAIT));
	close(l);
	int late = socket(AF_UNIX, SOCK_STREAM, 0);
	SHOW(connect(late, (void *)&a, length));
	close(late);
	close(c);
	SHOW(read(other, buf, 16));
	close(other);
	if (path[0] != '@')
		unlink(path);
}

static void datagrams(void)
{
	struct sockaddr_un a, b, from;
	socklen_t la = address(&a, "/data/dgram"), lb = address(&b, "@abstract-dgram"), length;
	char buf[16] = { 0 };

	SECTION("datagram");
	unlink("/data/dgram");
	int s = socket(AF_UNIX, SOCK_DGRAM, 0), c = socket(AF_UNIX, SOCK_DGRAM, 0);
	SHOW(sendto(c, "x", 1, 0, (void *)&a, la));
	SHOW(bind(s, (void *)&a, la));
	SHOW(bind(c, (void *)&b, lb));
	SHOW(send(c, "x", 1, 0));
	SHOW(sendto(c, "first", 5, 0, (void *)&a, la));
	SHOW(sendto(c, "", 0, 0, (void *)&a, la));
	SHOW(connect(c, (void *)&a, la));
	SHOW(send(c, "third", 5, 0));
	length = sizeof(from);
	SHOW(recvfrom(s, buf, 16, 0, (void *)&from, &length));
	say("from %d '%s'", length, from.sun_path + 1);
	SHOW(recv(s, buf, 16, 0));
	SHOW(recv(s, buf, 16, 0));
	SHOW(recv(s, buf, 16, MSG_DONTWAIT));
	SHOW(sendto(s, "back", 4, 0, (void *)&b, lb));
	SHOW(recv(c, buf, 16, 0));
	SHOW(listen(s, 1));
	unlink("/data/dgram");
	SHOW(send(c, "x", 1, 0));
	close(s);
	SHOW(send(c, "x", 1, 0));
	close(c);
}

static void passing(void)
{
	int s[2], p[2];
	char data[4] = "fds", control[256], buf[16] = { 0 };
	struct iovec iov = { data, 3 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(2 * sizeof(int)) };

	SECTION("passing");
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	pipe(p);
	memset(control, 0, sizeof(control));
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(c), p, sizeof(p));
	pid_t pid = fork();
	if (!pid) {
		int fds[2];
		close(p[0]);
		close(p[1]);
		msg.msg_controllen = sizeof(control);
		SHOW(recvmsg(s[1], &msg, MSG_CMSG_CLOEXEC));
		c = CMSG_FIRSTHDR(&msg);
		say("level %d type %d length %zu flags %x", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len, msg.msg_flags & ~MSG_CMSG_CLOEXEC);
		memcpy(fds, CMSG_DATA(c), sizeof(fds));
		SHOW(fcntl(fds[0], F_GETFD));
		SHOW(write(fds[1], "through", 7));
		_exit(0);
	}
	long sent = sendmsg(s[0], &msg, 0);
	waitpid(pid, NULL, 0);
	say("sent %ld", sent);
	SHOW(read(p[0], buf, 16));
	say("%s", buf);
	/* too small a control buffer */
	SHOW(sendmsg(s[0], &msg, 0));
	msg.msg_controllen = 0;
	SHOW(recvmsg(s[1], &msg, 0));
	say("flags %x", msg.msg_flags);
	int bad[2] = { 99, 98 };
	msg.msg_controllen = CMSG_SPACE(sizeof(bad));
	c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(bad));
	memcpy(CMSG_DATA(c), bad, sizeof(bad));
	SHOW(sendmsg(s[0], &msg, 0));
	/* credentials */
	int one = 1;
	setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
	SHOW(send(s[0], "cred", 4, 0));
	msg.msg_controllen = sizeof(control);
	SHOW(recvmsg(s[1], &msg, 0));
	c = CMSG_FIRSTHDR(&msg);
	struct ucred cred;
	memcpy(&cred, CMSG_DATA(c), sizeof(cred));
	say("type %d pid %d uid %d", c->cmsg_type, cred.pid == getpid(), cred.uid);
	/* a socket sent over itself is collected */
	c = CMSG_FIRSTHDR(&msg);
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &s[1], sizeof(int));
	msg.msg_controllen = CMSG_SPACE(sizeof(int));
	SHOW(sendmsg(s[0], &msg, 0));
	close(s[0]);
	close(s[1]);
}

static void clients(void)
{
	struct sockaddr_un a;
	socklen_t length = address(&a, "/tmp/server");

	SECTION("server with many clients");
	int l = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	SHOW(bind(l, (void *)&a, length));
	SHOW(listen(l, 10));
	for (int i = 0; i < 3; i++) {
		if (!fork()) { /* three accepters */
			for (;;) {
				char buf[16];
				int c = accept(l, NULL, NULL);
				while (c >= 0 && read(c, buf, sizeof(buf)) > 0)
					write(c, "ok", 2);
				close(c);
			}
		}
	}
	int sum = 0;
	for (int i = 0; i < 50; i++) {
		char buf[16];
		int c = socket(AF_UNIX, SOCK_SEQPACKET, 0);
		if (connect(c, (void *)&a, length))
			say("connect %s", error_name(errno));
		write(c, "ask", 3);
		sum += (int)read(c, buf, sizeof(buf));
		close(c);
	}
	say("sum %d", sum);
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	while (wait(NULL) > 0)
		;
}

int main(void)
{
	setpgid(0, 0);
	signal(SIGPIPE, SIG_IGN);
	pairs(SOCK_STREAM);
	pairs(SOCK_DGRAM);
	pairs(SOCK_SEQPACKET);
	options();
	streams("/data/stream");
	streams("/tmp/stream");
	streams("@abstract");
	datagrams();
	passing();
	clients();
	return 0;
}
