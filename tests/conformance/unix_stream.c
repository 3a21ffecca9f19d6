// SPDX-License-Identifier: Apache-2.0
/* UNIX stream sockets: end of file, resets, SIGPIPE, shutdown, waiting, time limits, joining of messages. */
#include "test.h"

#include <sys/ioctl.h>

static int got_pipe;
static void on_pipe(int sig) { got_pipe++; }
static void on_alarm(int sig) { }

static void pair(int s[2]) { socketpair(AF_UNIX, SOCK_STREAM, 0, s); }

static unsigned events(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI, 0 };

	poll(&p, 1, 0);
	return (unsigned)p.revents;
}

static void closing(void)
{
	char buf[64];
	int s[2];

	SECTION("peer closes with everything read");
	pair(s);
	write(s[1], "bye", 3);
	SHOW(read(s[0], buf, 64));
	close(s[1]);
	say("%x", events(s[0]));
	SHOW(read(s[0], buf, 64));
	SHOW(write(s[0], "x", 1));
	say("SIGPIPE %d", got_pipe);
	SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
	say("SIGPIPE %d", got_pipe);
	close(s[0]);

	SECTION("peer closes with unread data");
	pair(s);
	write(s[0], "lost", 4);
	write(s[1], "kept", 4);
	close(s[1]);
	say("%x", events(s[0]));
	SHOW(read(s[0], buf, 2));
	SHOW(read(s[0], buf, 64));
	SHOW(read(s[0], buf, 64));
	SHOW(read(s[0], buf, 64));
	close(s[0]);
	pair(s);
	write(s[0], "lost", 4);
	close(s[1]);
	int error;
	socklen_t length = sizeof(error);
	SHOW(getsockopt(s[0], SOL_SOCKET, SO_ERROR, &error, &length));
	say("%s", error_name(error));
	SHOW(getsockopt(s[0], SOL_SOCKET, SO_ERROR, &error, &length));
	say("%d", error);
	SHOW(read(s[0], buf, 64));
	close(s[0]);
	pair(s);
	write(s[0], "lost", 4);
	close(s[1]);
	SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
	SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
	SHOW(read(s[0], buf, 64));
	close(s[0]);
}

static void half_close(void)
{
	char buf[64];
	int s[2];

	SECTION("shutdown for writing");
	pair(s);
	write(s[0], "last", 4);
	SHOW(shutdown(s[0], SHUT_WR));
	say("%x %x", events(s[0]), events(s[1]));
	SHOW(read(s[1], buf, 64));
	SHOW(read(s[1], buf, 64));
	SHOW(write(s[1], "answer", 6));
	SHOW(read(s[0], buf, 64));
	SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
	close(s[0]);
	close(s[1]);

	SECTION("shutdown for reading");
	pair(s);
	write(s[1], "before", 6);
	SHOW(shutdown(s[0], SHUT_RD));
	say("%x %x", events(s[0]), events(s[1]));
	SHOW(read(s[0], buf, 64));
	SHOW(read(s[0], buf, 64));
	SHOW(send(s[1], "x", 1, MSG_NOSIGNAL));
	SHOW(send(s[0], "y", 1, MSG_NOSIGNAL));
	SHOW(read(s[1], buf, 64));
	close(s[0]);
	close(s[1]);

	SECTION("shutdown of both");
	pair(s);
	SHOW(shutdown(s[0], SHUT_RDWR));
	SHOW(shutdown(s[0], SHUT_RDWR));
	say("%x %x", events(s[0]), events(s[1]));
	SHOW(read(s[0], buf, 64));
	SHOW(read(s[1], buf, 64));
	SHOW(send(s[1], "x", 1, MSG_NOSIGNAL));
	close(s[0]);
	close(s[1]);
	int t = socket(AF_UNIX, SOCK_STREAM, 0);
	SHOW(shutdown(t, SHUT_RDWR));
	SHOW(shutdown(t, 3));
	SHOW(shutdown(t, -1));
	say("%x", events(t));
	close(t);
}

static void unconnected(void)
{
	struct sockaddr_un a = { AF_UNIX, "" };
	struct msghdr m = { 0 };
	char buf[64];
	int t = socket(AF_UNIX, SOCK_STREAM, 0);

	SECTION("not connected");
	say("%x", events(t));
	SHOW(read(t, buf, 64));
	SHOW(read(t, buf, 0));
	SHOW(recv(t, buf, 64, MSG_DONTWAIT));
	SHOW(write(t, "x", 1));
	SHOW(send(t, "x", 1, 0));
	SHOW(sendto(t, "x", 1, 0, (void *)&a, sizeof(a)));
	SHOW(recvmsg(t, &m, 0));
	SHOW(sendmsg(t, &m, 0));
	SHOW(listen(t, 1));
	SHOW(accept(t, NULL, NULL));
	socklen_t length = sizeof(a);
	SHOW(getpeername(t, (void *)&a, &length));
	SHOW(getsockname(t, (void *)&a, &length));
	say("%d %d", length, a.sun_family);
	int n = -1;
	SHOW(ioctl(t, FIONREAD, &n));
	SHOW(ioctl(t, TIOCOUTQ, &n));
	SHOW(ioctl(t, TCGETS, buf));
	SHOW(ioctl(t, 0x12345678, buf));
	close(t);
}

static void joining(void)
{
	char buf[64];
	int s[2], n;

	SECTION("joining of writes");
	pair(s);
	write(s[0], "ab", 2);
	write(s[0], "cd", 2);
	write(s[0], "ef", 2);
	SHOW(ioctl(s[1], FIONREAD, &n));
	say("%d", n);
	SHOW(recv(s[1], buf, 5, MSG_PEEK));
	say("%.5s", buf);
	SHOW(recv(s[1], buf, 3, 0));
	say("%.3s", buf);
	SHOW(ioctl(s[1], FIONREAD, &n));
	say("%d", n);
	SHOW(recv(s[1], buf, 64, MSG_DONTWAIT));
	say("%.3s", buf);
	SHOW(write(s[0], "", 0));
	SHOW(recv(s[1], buf, 64, MSG_DONTWAIT));
	SHOW(send(s[0], "oob", 3, MSG_DONTWAIT | MSG_NOSIGNAL | MSG_EOR));
	SHOW(recv(s[1], buf, 64, MSG_TRUNC));
	SHOW(ioctl(s[0], TIOCOUTQ, &n));
	say("%d", n);
	struct sockaddr_un a;
	socklen_t length = sizeof(a);
	write(s[0], "x", 1);
	SHOW(recvfrom(s[1], buf, 64, 0, (void *)&a, &length));
	say("%d", length);
	SHOW(sendto(s[0], "x", 1, 0, (void *)&a, 2));
	close(s[0]);
	close(s[1]);
}

static void waiting(void)
{
	struct timeval tv = { 0, 30000 };
	char buf[64];
	int s[2];

	SECTION("MSG_WAITALL");
	pair(s);
	pid_t pid = fork();
	if (!pid) {
		for (int i = 0; i < 5; i++) {
			sleep_ms(5);
			write(s[0], "12", 2);
		}
		_exit(0);
	}
	SHOW(recv(s[1], buf, 8, MSG_WAITALL));
	say("%.8s", buf);
	close(s[0]);
	SHOW(recv(s[1], buf, 8, MSG_WAITALL));
	waitpid(pid, NULL, 0);
	close(s[1]);

	SECTION("time limits");
	pair(s);
	setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	uint64_t start = now_ms();
	SHOW(read(s[0], buf, 1));
	CHECK(now_ms() - start >= 29);
	write(s[1], "abc", 3);
	SHOW(recv(s[0], buf, 10, MSG_WAITALL));
	setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	long total = 0, n;
	char *big = calloc(1, 65536);
	while ((n = write(s[0], big, 65536)) > 0)
		total += n;
	say("%s, full: %d", error_name(errno), total >= 65536);
	say("%x", events(s[0]));
	setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ 0, 1000000 }, sizeof(tv));
	say("%s", error_name(errno));
	SHOW(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, 8));
	close(s[0]);
	close(s[1]);

	SECTION("interrupted");
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { { 0, 0 }, { 0, 20000 } };
	pair(s);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	SHOW(read(s[0], buf, 1));
	sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	pid = fork();
	if (!pid) {
		sleep_ms(60);
		write(s[1], "x", 1);
		_exit(0);
	}
	setitimer(ITIMER_REAL, &it, NULL);
	SHOW(read(s[0], buf, 1));
	waitpid(pid, NULL, 0);
	tv.tv_usec = 500000;
	setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setitimer(ITIMER_REAL, &it, NULL);
	SHOW(read(s[0], buf, 1));
	close(s[0]);
	close(s[1]);
}

/* A writer and a reader with sizes that do not match; the data must come through unchanged. */
static void bulk(void)
{
	enum { TOTAL = 8 << 20 };
	static unsigned char block[200000];
	unsigned sum = 0, expected = 0;
	long done = 0;
	int s[2];

	SECTION("bulk");
	pair(s);
	pid_t pid = fork();
	if (!pid) {
		unsigned seed = 1;
		close(s[1]);
		for (long sent = 0; sent < TOTAL;) {
			long n = 1 + (long)(seed % 190000), w;
			if (n > TOTAL - sent)
				n = TOTAL - sent;
			for (long i = 0; i < n; i++)
				block[i] = (unsigned char)((sent + i) * 7 + ((sent + i) >> 8));
			w = write(s[0], block, (size_t)n);
			if (w <= 0)
				_exit(1);
			sent += w;
			seed = seed * 1103515245 + 12345;
		}
		_exit(0);
	}
	close(s[0]);
	for (;;) {
		long n = read(s[1], block, 1 + (size_t)(done * 31 % 150000));
		if (n <= 0)
			break;
		for (long i = 0; i < n; i++) {
			sum += block[i] != (unsigned char)((done + i) * 7 + ((done + i) >> 8));
			expected++;
		}
		done += n;
	}
	say("%ld bytes, %u wrong", done, sum);
	int status;
	waitpid(pid, &status, 0);
	show_status("writer", status);
	close(s[1]);
}

static void faults(void)
{
	char buf[8];
	int s[2];

	SECTION("bad addresses");
	pair(s);
	SHOW(write(s[0], (void *)1, 4));
	SHOW(write(s[0], "good", 4));
	SHOW(read(s[1], (void *)1, 4));
	SHOW(read(s[1], buf, 8));
	struct iovec iov[2] = { { "half", 4 }, { (void *)8, 4 } };
	SHOW(writev(s[0], iov, 2));
	SHOW(recv(s[1], buf, 8, MSG_DONTWAIT));
	SHOW(sendmsg(s[0], (void *)8, 0));
	SHOW(recvmsg(s[1], (void *)8, 0));
	SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, (void *)8));
	SHOW(socketpair(AF_UNIX, 99, 0, s));
	SHOW(socketpair(AF_UNIX, SOCK_STREAM, 5, s));
	SHOW(socketpair(AF_UNIX, SOCK_STREAM | 0x10000, 0, s));
	SHOW(socket(AF_UNIX, SOCK_RDM, 0));
	SHOW(socket(99, SOCK_STREAM, 0));
	SHOW(socket(-1, SOCK_STREAM, 0));
	SHOW(socket(AF_UNIX, SOCK_STREAM, AF_UNIX));
	SHOW(socket(AF_UNIX, SOCK_RAW, 0));
	int type;
	socklen_t length = sizeof(type);
	getsockopt(6, SOL_SOCKET, SO_TYPE, &type, &length);
	say("%d", type);
}

int main(void)
{
	struct sigaction sa = { .sa_handler = on_pipe };

	sigaction(SIGPIPE, &sa, NULL);
	closing();
	half_close();
	unconnected();
	joining();
	waiting();
	bulk();
	faults();
}
