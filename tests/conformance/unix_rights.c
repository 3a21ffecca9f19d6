// SPDX-License-Identifier: Apache-2.0
/* Ancillary data: descriptors and credentials over UNIX sockets, truncation, cycles of descriptors in flight. */
#include "test.h"

static int s[2];

struct control {
	char bytes[CMSG_SPACE(sizeof(int) * 260) + 64];
	struct msghdr m;
	struct iovec iov;
	char data[64];
};

static struct control *fresh(size_t room, size_t data)
{
	static struct control c;

	memset(&c, 0, sizeof(c));
	c.iov = (struct iovec){ c.data, data };
	c.m.msg_iov = &c.iov;
	c.m.msg_iovlen = 1;
	c.m.msg_control = room ? c.bytes : NULL;
	c.m.msg_controllen = room;
	return &c;
}

static long send_fds(int to, const int *fds, int nr, const char *text)
{
	struct control *c = fresh(CMSG_SPACE(sizeof(int) * (size_t)nr), strlen(text));
	struct cmsghdr *h = CMSG_FIRSTHDR(&c->m);

	memcpy(c->data, text, strlen(text));
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)nr);
	memcpy(CMSG_DATA(h), fds, sizeof(int) * (size_t)nr);
	return sendmsg(to, &c->m, MSG_NOSIGNAL);
}

/* Receives and shows everything; closes what came unless keep. Returns the first descriptor. */
static int receive(int from, size_t room, size_t data, int flags, bool keep)
{
	struct control *c = fresh(room, data);
	long n = recvmsg(from, &c->m, flags);
	int first = -1;

	if (n < 0) {
		say("recvmsg: %s", error_name(errno));
		return -1;
	}
	say("%ld '%.*s' flags %x control %zu", n, (int)n, c->data, (unsigned)c->m.msg_flags, (size_t)c->m.msg_controllen);
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&c->m); h; h = CMSG_NXTHDR(&c->m, h)) {
		say(" level %d type %d length %zu", h->cmsg_level, h->cmsg_type, (size_t)h->cmsg_len);
		if (h->cmsg_type == SCM_RIGHTS) {
			size_t nr = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			int fds[260];

			memcpy(fds, CMSG_DATA(h), nr * sizeof(int));
			for (size_t i = 0; i < nr; i++) {
				say(" fd %d flags %d", fds[i], fcntl(fds[i], F_GETFD));
				if (first < 0 && keep)
					first = fds[i];
				else
					close(fds[i]);
			}
		} else if (h->cmsg_type == SCM_CREDENTIALS) {
			struct ucred cred;

			memcpy(&cred, CMSG_DATA(h), sizeof(cred));
			say(" pid %s uid %d gid %d", cred.pid == getpid() ? "own" : cred.pid == 0 ? "0" : "other", cred.uid, cred.gid);
		}
	}
	return first;
}

static void rights(int type)
{
	char buf[16];
	int p[2], fds[4], fd;

	say("-- descriptors over type %d", type);
	socketpair(AF_UNIX, type, 0, s);
	pipe(p);
	SHOW(send_fds(s[0], &p[1], 1, "pipe"));
	close(p[1]);
	fd = receive(s[1], 64, 64, 0, true);
	SHOW(write(fd, "through", 7));
	close(fd);
	SHOW(read(p[0], buf, 16));
	SHOW(read(p[0], buf, 16));
	fds[0] = fds[1] = fds[2] = fds[3] = p[0];
	SHOW(send_fds(s[0], fds, 4, "four"));
	receive(s[1], 128, 64, MSG_CMSG_CLOEXEC, false);
	SECTION("room for two of four");
	SHOW(send_fds(s[0], fds, 4, "four"));
	receive(s[1], CMSG_LEN(8), 64, 0, false);
	SHOW(send_fds(s[0], fds, 4, "four"));
	receive(s[1], CMSG_LEN(10), 64, 0, false);
	SECTION("room for none");
	SHOW(send_fds(s[0], fds, 4, "four"));
	receive(s[1], CMSG_LEN(0), 64, 0, false);
	SHOW(send_fds(s[0], fds, 4, "four"));
	receive(s[1], 0, 64, 0, false);
	SHOW(send_fds(s[0], fds, 4, "four"));
	SHOW(read(s[1], buf, 16));
	SECTION("peek");
	SHOW(send_fds(s[0], fds, 1, "peeked"));
	receive(s[1], 64, 3, MSG_PEEK, false);
	receive(s[1], 64, 3, 0, false);
	receive(s[1], 64, 3, MSG_DONTWAIT, false);
	SECTION("joining");
	write(s[0], "aa", 2);
	send_fds(s[0], fds, 1, "bb");
	write(s[0], "cc", 2);
	send_fds(s[0], fds, 2, "dd");
	for (int i = 0; i < 4; i++)
		receive(s[1], 64, 64, MSG_DONTWAIT, false);
	SECTION("errors");
	fds[0] = 99;
	SHOW(send_fds(s[0], fds, 2, "x"));
	fds[0] = -1;
	SHOW(send_fds(s[0], fds, 2, "x"));
	static int many[260];
	for (int i = 0; i < 260; i++)
		many[i] = p[0];
	SHOW(send_fds(s[0], many, 253, "most"));
	SHOW(send_fds(s[0], many, 254, "too many"));
	struct rlimit old, few = { 32, 0 };
	getrlimit(RLIMIT_NOFILE, &old);
	few.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_NOFILE, &few);
	struct control *c = fresh(sizeof(c->bytes), 64);
	long n = recvmsg(s[1], &c->m, 0);
	say("%ld flags %x control %zu", n, (unsigned)c->m.msg_flags, (size_t)c->m.msg_controllen);
	setrlimit(RLIMIT_NOFILE, &old);
	for (int i = 3; i < 32; i++)
		if (i != s[0] && i != s[1] && i != p[0])
			close(i);
	fd = open("/", O_PATH);
	SHOW(send_fds(s[0], &fd, 1, "path"));
	close(fd);
	fd = receive(s[1], 64, 64, 0, true);
	SHOW(fcntl(fd, F_GETFL) & O_PATH);
	close(fd);
	c = fresh(CMSG_SPACE(4), 1);
	struct cmsghdr *h = CMSG_FIRSTHDR(&c->m);
	*h = (struct cmsghdr){ 4, SOL_SOCKET, SCM_RIGHTS };
	SHOW(sendmsg(s[0], &c->m, 0));
	*h = (struct cmsghdr){ 1000, SOL_SOCKET, SCM_RIGHTS };
	SHOW(sendmsg(s[0], &c->m, 0));
	*h = (struct cmsghdr){ CMSG_LEN(4), SOL_SOCKET, 77 };
	SHOW(sendmsg(s[0], &c->m, 0));
	*h = (struct cmsghdr){ CMSG_LEN(4), 41, SCM_RIGHTS };
	SHOW(sendmsg(s[0], &c->m, 0));
	receive(s[1], 64, 64, 0, false);
	*h = (struct cmsghdr){ CMSG_LEN(0), SOL_SOCKET, SCM_RIGHTS };
	c = fresh(CMSG_SPACE(0), 1);
	SHOW(sendmsg(s[0], &c->m, 0));
	close(s[0]);
	close(s[1]);
	close(p[0]);
}

static void credentials(void)
{
	int one = 1;

	SECTION("credentials");
	socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	write(s[0], "before", 6);
	SHOW(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	write(s[0], "after", 5);
	receive(s[1], 64, 64, 0, false);
	receive(s[1], 64, 64, 0, false);
	write(s[0], "no room", 7);
	receive(s[1], 0, 64, 0, false);
	write(s[0], "little room", 11);
	receive(s[1], CMSG_LEN(4), 64, 0, false);

	struct control *c = fresh(CMSG_SPACE(sizeof(struct ucred)), 2);
	struct cmsghdr *h = CMSG_FIRSTHDR(&c->m);
	struct ucred cred = { getpid(), 1234, 5678 };
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_CREDENTIALS;
	h->cmsg_len = CMSG_LEN(sizeof(cred));
	memcpy(CMSG_DATA(h), &cred, sizeof(cred));
	SHOW(sendmsg(s[0], &c->m, 0));
	receive(s[1], 64, 2, 0, false);
	c = fresh(CMSG_SPACE(sizeof(struct ucred)), 2);
	cred.pid = 999999;
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_CREDENTIALS;
	h->cmsg_len = CMSG_LEN(sizeof(cred));
	memcpy(CMSG_DATA(h), &cred, sizeof(cred));
	SHOW(sendmsg(s[0], &c->m, 0));
	IN_CHILD({
		setgid(100);
		setuid(100);
		c = fresh(CMSG_SPACE(sizeof(struct ucred)), 2);
		cred = (struct ucred){ getpid(), 0, 100 };
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_CREDENTIALS;
		h->cmsg_len = CMSG_LEN(sizeof(cred));
		memcpy(CMSG_DATA(h), &cred, sizeof(cred));
		SHOW(sendmsg(s[0], &c->m, 0));
		cred.uid = 100;
		memcpy(CMSG_DATA(h), &cred, sizeof(cred));
		SHOW(sendmsg(s[0], &c->m, 0));
		cred.pid = getppid();
		memcpy(CMSG_DATA(h), &cred, sizeof(cred));
		SHOW(sendmsg(s[0], &c->m, 0));
	});
	receive(s[1], 64, 2, 0, false);
	close(s[0]);
	close(s[1]);

	SECTION("credentials keep stream writers apart");
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
	write(s[0], "parent", 6);
	write(s[0], "parent", 6);
	if (!fork()) {
		write(s[0], "child", 5);
		_exit(0);
	}
	wait(NULL);
	receive(s[1], 64, 64, 0, false);
	receive(s[1], 64, 64, 0, false);
	close(s[0]);
	close(s[1]);
}

/* Cycles: when the collector works, the write ends of the pipes are closed and reading ends. */
static void cycles(void)
{
	char buf[4];
	int p[2], a[2], b[2];

	SECTION("a socket in its own queue");
	pipe(p);
	socketpair(AF_UNIX, SOCK_STREAM, 0, a);
	SHOW(send_fds(a[0], (int[]){ a[0], a[1], p[1] }, 3, "self"));
	close(p[1]);
	close(a[0]);
	close(a[1]);
	socketpair(AF_UNIX, SOCK_STREAM, 0, a);
	close(a[0]);
	close(a[1]);
	SHOW(read(p[0], buf, 4));
	close(p[0]);

	SECTION("two sockets in each other's queues");
	pipe(p);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, a);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, b);
	send_fds(a[0], (int[]){ b[0], b[1], p[1] }, 3, "b");
	send_fds(b[0], (int[]){ a[0], a[1] }, 2, "a");
	close(p[1]);
	close(a[0]);
	close(b[0]);
	close(b[1]);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	SHOW(read(p[0], buf, 4));
	close(a[1]);
	socketpair(AF_UNIX, SOCK_STREAM, 0, a);
	close(a[0]);
	close(a[1]);
	sleep_ms(50);
	SHOW(read(p[0], buf, 4));
	close(p[0]);

	SECTION("a listener with connections that nobody accepts");
	struct sockaddr_un addr = { AF_UNIX, "\0lxd-cycle" };
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
	pipe(p);
	SHOW(bind(l, (void *)&addr, 12));
	SHOW(listen(l, 4));
	SHOW(connect(c, (void *)&addr, 12));
	send_fds(c, (int[]){ l, p[1] }, 2, "l");
	close(p[1]);
	close(l);
	close(c);
	socketpair(AF_UNIX, SOCK_STREAM, 0, a);
	close(a[0]);
	close(a[1]);
	sleep_ms(50);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	SHOW(read(p[0], buf, 4));
	close(p[0]);

	SECTION("reachable ones stay");
	pipe(p);
	socketpair(AF_UNIX, SOCK_STREAM, 0, a);
	socketpair(AF_UNIX, SOCK_STREAM, 0, b);
	send_fds(b[0], (int[]){ p[1] }, 1, "p");
	send_fds(a[0], (int[]){ b[0], b[1] }, 2, "b");
	close(p[1]);
	close(b[0]);
	close(b[1]);
	socketpair(AF_UNIX, SOCK_STREAM, 0, b);
	close(b[0]);
	close(b[1]);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	SHOW(read(p[0], buf, 4));
	int got = receive(a[1], 64, 64, 0, true);
	close(got);
	close(a[0]);
	close(a[1]);
	sleep_ms(20);
	SHOW(read(p[0], buf, 4));
}

int main(void)
{
	rights(SOCK_STREAM);
	rights(SOCK_SEQPACKET);
	credentials();
	cycles();
}
