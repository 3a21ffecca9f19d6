// SPDX-License-Identifier: Apache-2.0
/* MSG_OOB on UNIX stream sockets: the mark stops reads, one byte is out of band, SO_OOBINLINE, SIOCATMARK, POLLPRI, SIGURG. */
#include "test.h"

#include <sys/ioctl.h>

static volatile sig_atomic_t urgent;

static void on_urgent(int sig) { urgent++; }

static void events(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLPRI | POLLRDBAND | POLLOUT, 0 };
	int mark = -1;

	poll(&p, 1, 0);
	ioctl(fd, SIOCATMARK, &mark);
	say("events %x, mark %d", (unsigned)p.revents, mark);
}

static void take(int fd, size_t size, int flags)
{
	char buf[64] = "";
	struct iovec iov = { buf, size };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	long n = recvmsg(fd, &m, flags | MSG_DONTWAIT);

	if (n < 0)
		say("take %zu %x: %s", size, (unsigned)flags, error_name(errno));
	else
		say("take %zu %x: %ld '%.*s' flags %x", size, (unsigned)flags, n, (int)n, buf, (unsigned)m.msg_flags);
}

static void pair(int s[2])
{
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
}

static void closed(int s[2])
{
	close(s[0]);
	close(s[1]);
}

static void basics(void)
{
	int s[2];

	SECTION("one byte out of band");
	pair(s);
	take(s[1], 1, MSG_OOB);
	events(s[1]);
	SHOW(send(s[0], "hello", 5, MSG_OOB));
	events(s[1]);
	take(s[1], 1, MSG_OOB | MSG_PEEK);
	take(s[1], 10, MSG_OOB | MSG_PEEK);
	take(s[1], 10, 0);
	events(s[1]);
	take(s[1], 10, MSG_OOB);
	take(s[1], 10, MSG_OOB);
	events(s[1]);
	take(s[1], 10, 0);
	events(s[1]);
	SHOW(send(s[0], "", 0, MSG_OOB));
	closed(s);

	SECTION("the byte is dropped by a read that passes the mark");
	pair(s);
	send(s[0], "ab!", 3, MSG_OOB);
	send(s[0], "cd", 2, 0);
	events(s[1]);
	take(s[1], 10, MSG_PEEK);
	take(s[1], 10, 0);
	events(s[1]);
	take(s[1], 10, MSG_PEEK);
	take(s[1], 10, 0);
	take(s[1], 10, MSG_OOB);
	events(s[1]);
	closed(s);

	SECTION("taken out of band first");
	pair(s);
	send(s[0], "ab!", 3, MSG_OOB);
	send(s[0], "cd", 2, 0);
	take(s[1], 1, MSG_OOB);
	events(s[1]);
	take(s[1], 10, 0);
	events(s[1]);
	take(s[1], 10, 0);
	take(s[1], 10, 0);
	closed(s);

	SECTION("a second one makes the first ordinary");
	pair(s);
	send(s[0], "ab!", 3, MSG_OOB);
	send(s[0], "cd?", 3, MSG_OOB);
	events(s[1]);
	take(s[1], 10, 0);
	take(s[1], 10, MSG_OOB);
	take(s[1], 10, 0);
	events(s[1]);
	closed(s);

	SECTION("only the byte");
	pair(s);
	send(s[0], "!", 1, MSG_OOB);
	events(s[1]);
	take(s[1], 10, MSG_PEEK);
	take(s[1], 10, 0);
	events(s[1]);
	take(s[1], 10, MSG_OOB);
	send(s[0], "?", 1, MSG_OOB);
	take(s[1], 10, MSG_OOB);
	events(s[1]);
	take(s[1], 10, 0);
	send(s[0], "x", 1, 0);
	events(s[1]);
	take(s[1], 10, 0);
	closed(s);
}

static void in_line(void)
{
	int s[2], one = 1;

	SECTION("SO_OOBINLINE");
	pair(s);
	SHOW(setsockopt(s[1], SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one)));
	send(s[0], "ab!", 3, MSG_OOB);
	send(s[0], "cd", 2, 0);
	events(s[1]);
	take(s[1], 10, MSG_OOB);
	take(s[1], 10, 0);
	events(s[1]);
	take(s[1], 10, 0);
	events(s[1]);
	take(s[1], 10, 0);
	closed(s);
	pair(s);
	setsockopt(s[1], SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one));
	send(s[0], "!", 1, MSG_OOB);
	events(s[1]);
	take(s[1], 10, MSG_PEEK);
	take(s[1], 10, 0);
	events(s[1]);
	closed(s);
}

static void errors(void)
{
	int s[2];

	SECTION("who may not");
	socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	SHOW(send(s[0], "x", 1, MSG_OOB));
	SHOW(recv(s[0], s, 1, MSG_OOB));
	int mark;
	SHOW(ioctl(s[0], SIOCATMARK, &mark));
	closed(s);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	SHOW(send(fd, "x", 1, MSG_OOB));
	SHOW(recv(fd, s, 1, MSG_OOB));
	SHOW(ioctl(fd, SIOCATMARK, &mark));
	close(fd);
	pair(s);
	signal(SIGPIPE, SIG_IGN);
	shutdown(s[1], SHUT_RD);
	SHOW(send(s[0], "x", 1, MSG_OOB));
	closed(s);
	pair(s);
	close(s[1]);
	SHOW(send(s[0], "x", 1, MSG_OOB));
	close(s[0]);
	pair(s);
	send(s[0], "left", 4, MSG_OOB);
	close(s[0]);
	events(s[1]);
	take(s[1], 10, 0);
	take(s[1], 10, 0);
	take(s[1], 10, MSG_OOB);
	close(s[1]);
	pair(s);
	send(s[0], "!", 1, MSG_OOB);
	take(s[1], 1, MSG_OOB);
	close(s[1]);
	take(s[0], 10, 0);
	close(s[0]);
	pair(s);
	send(s[0], "!", 1, MSG_OOB);
	close(s[1]);
	take(s[0], 10, 0);
	close(s[0]);
}

static void urgent_signal(void)
{
	struct sigaction action = { .sa_handler = on_urgent };
	int s[2];

	SECTION("SIGURG");
	sigaction(SIGURG, &action, NULL);
	pair(s);
	send(s[0], "x", 1, MSG_OOB);
	say("%d", urgent);
	SHOW(fcntl(s[1], F_SETOWN, getpid()));
	send(s[0], "x", 1, MSG_OOB);
	say("%d", urgent);
	closed(s);
}

static void whole(void)
{
	int s[2];
	char buf[16];

	SECTION("MSG_WAITALL and marks");
	pair(s);
	send(s[0], "abc!", 4, MSG_OOB);
	send(s[0], "defghij", 7, 0);
	SHOW(recv(s[1], buf, 8, MSG_WAITALL));
	SHOW(recv(s[1], buf, 7, MSG_WAITALL));
	closed(s);
}

int main(void)
{
	basics();
	in_line();
	errors();
	urgent_signal();
	whole();
}
