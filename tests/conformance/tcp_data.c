// SPDX-License-Identifier: Apache-2.0
/* TCP: flags of send and recv, urgent data, low-water marks, time limits, back-pressure, splice and sendfile. */
#include "inet.h"

#include <sys/sendfile.h>

static int urgent_signals;
static void on_urgent(int sig) { urgent_signals++; }

static void flags(void)
{
	char buf[64];
	int p[2], n;

	SECTION("flags");
	tcp_pair(p);
	SHOW(recv(p[1], buf, 64, MSG_DONTWAIT));
	SHOW(write(p[0], "hello world", 11));
	SHOW(ioctl(p[1], FIONREAD, &n));
	say("n %d", n);
	SHOW(recv(p[1], buf, 5, MSG_PEEK));
	SHOW(recv(p[1], buf, 64, MSG_PEEK));
	say("%.11s", buf);
	memset(buf, 0, sizeof(buf));
	SHOW(recv(p[1], buf, 6, MSG_TRUNC));
	say("'%s'", buf);
	SHOW(recv(p[1], NULL, 2, MSG_TRUNC));
	SHOW(recv(p[1], buf, 64, MSG_PEEK | MSG_TRUNC));
	SHOW(recv(p[1], buf, 64, 0));
	say("'%s'", buf);
	SHOW(recv(p[1], buf, 0, MSG_DONTWAIT));
	SHOW(read(p[1], buf, 0));
	SHOW(write(p[0], buf, 0));
	SHOW(recv(p[1], buf, 64, MSG_ERRQUEUE));
	SHOW(recv(p[1], buf, 64, MSG_ERRQUEUE | MSG_DONTWAIT));
	struct sockaddr_in from = { 0 };
	socklen_t length = sizeof(from);
	write(p[0], "x", 1);
	SHOW(recvfrom(p[1], buf, 64, 0, (void *)&from, &length));
	say("from: length %d family %d", length, from.sin_family);
	SHOW(sendto(p[0], "abc", 3, 0, ADDR4("127.0.0.1", 9)));
	SHOW(recv(p[1], (void *)1, 64, 0));
	SHOW(recv(p[1], buf, 64, 0));
	SHOW(syscall(SYS_write, p[0], 1L, 64));
	struct iovec iov[3] = { { "one", 3 }, { "two", 3 }, { "three", 5 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 3 };
	SHOW(sendmsg(p[0], &msg, MSG_EOR | MSG_MORE));
	SHOW(sendmsg(p[0], &msg, 0));
	char a[4], b[18];
	struct iovec in[2] = { { a, 4 }, { b, 18 } };
	msg = (struct msghdr){ .msg_iov = in, .msg_iovlen = 2, .msg_name = &from, .msg_namelen = sizeof(from), .msg_control = buf, .msg_controllen = 64 };
	SHOW(recvmsg(p[1], &msg, MSG_WAITALL) > 10);
	say("name %d control %zu flags %x", msg.msg_namelen, (size_t)msg.msg_controllen, msg.msg_flags);
	char control[CMSG_SPACE(4)] = { 0 };
	struct cmsghdr *c = (void *)control;
	msg = (struct msghdr){ .msg_iov = iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	c->cmsg_len = CMSG_LEN(4);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	SHOW(sendmsg(p[0], &msg, 0));
	c->cmsg_type = 99;
	SHOW(sendmsg(p[0], &msg, 0));
	c->cmsg_level = IPPROTO_IP;
	SHOW(sendmsg(p[0], &msg, 0));
	c->cmsg_len = 3;
	SHOW(sendmsg(p[0], &msg, 0));
	close(p[0]);
	close(p[1]);

	SECTION("MSG_WAITALL");
	tcp_pair(p);
	if (fork() == 0) {
		for (int i = 0; i < 5; i++) {
			write(p[0], "abc", 3);
			sleep_ms(5);
		}
		_exit(0);
	}
	close(p[0]);
	SHOW(recv(p[1], buf, 10, MSG_WAITALL));
	SHOW(recv(p[1], buf, 10, MSG_WAITALL));
	wait(NULL);
	SHOW(recv(p[1], buf, 10, MSG_WAITALL));
	close(p[1]);
}

static void urgent(void)
{
	char buf[64] = "";
	int p[2], n;

	SECTION("urgent");
	tcp_pair(p);
	signal(SIGURG, on_urgent);
	SHOW(fcntl(p[1], F_SETOWN, getpid()));
	SHOW(recv(p[1], buf, 1, MSG_OOB));
	SHOW(write(p[0], "abc", 3));
	SHOW(send(p[0], "de!", 3, MSG_OOB));
	SHOW(write(p[0], "fgh", 3));
	sleep_ms(5);
	say("signals %d", urgent_signals);
	show_poll("urgent", p[1]);
	SHOW(ioctl(p[1], FIONREAD, &n));
	say("n %d", n);
	SHOW(ioctl(p[1], SIOCATMARK, &n));
	say("mark %d", n);
	SHOW(recv(p[1], buf, 64, 0));
	say("%.5s", buf);
	SHOW(ioctl(p[1], SIOCATMARK, &n));
	say("mark %d", n);
	SHOW(recv(p[1], buf, 64, MSG_OOB | MSG_PEEK));
	say("%c", buf[0]);
	SHOW(recv(p[1], buf, 64, MSG_OOB));
	SHOW(recv(p[1], buf, 64, MSG_OOB));
	show_poll("taken", p[1]);
	SHOW(recv(p[1], buf, 64, 0));
	say("%.3s", buf);
	SHOW(ioctl(p[1], SIOCATMARK, &n));
	say("mark %d", n);
	SHOW(recv(p[1], buf, 64, MSG_OOB));
	/* The next one before the last was read. */
	SHOW(send(p[0], "1", 1, MSG_OOB));
	SHOW(send(p[0], "2", 1, MSG_OOB));
	SHOW(write(p[0], "x", 1));
	sleep_ms(5);
	memset(buf, 0, sizeof(buf));
	SHOW(recv(p[1], buf, 64, 0));
	say("%s", buf);
	SHOW(recv(p[1], buf, 64, MSG_OOB | MSG_DONTWAIT));
	SHOW(recv(p[1], buf, 64, MSG_DONTWAIT));
	/* Inline. */
	SHOW(set_option(p[1], SOL_SOCKET, SO_OOBINLINE, 1));
	SHOW(send(p[0], "abc", 3, MSG_OOB));
	sleep_ms(5);
	SHOW(recv(p[1], buf, 64, MSG_OOB));
	show_poll("inline", p[1]);
	SHOW(recv(p[1], buf, 64, 0));
	SHOW(ioctl(p[1], SIOCATMARK, &n));
	say("mark %d", n);
	SHOW(recv(p[1], buf, 64, 0));
	say("%c", buf[0]);
	close(p[0]);
	close(p[1]);
	/* Only the urgent byte: is there anything to read? */
	tcp_pair(p);
	SHOW(send(p[0], "!", 1, MSG_OOB));
	sleep_ms(5);
	show_poll("alone", p[1]);
	SHOW(recv(p[1], buf, 64, MSG_DONTWAIT));
	close(p[0]);
	SHOW(recv(p[1], buf, 64, 0));
	close(p[1]);
}

static void marks_and_limits(void)
{
	struct timeval tv = { 0, 40000 };
	uint64_t start;
	char buf[64];
	int p[2];

	SECTION("SO_RCVLOWAT");
	tcp_pair(p);
	SHOW(set_option(p[1], SOL_SOCKET, SO_RCVLOWAT, 4));
	write(p[0], "abc", 3);
	show_poll("three", p[1]);
	SHOW(recv(p[1], buf, 64, MSG_DONTWAIT));
	write(p[0], "abc", 3);
	if (fork() == 0) {
		sleep_ms(20);
		write(p[0], "defg", 4);
		_exit(0);
	}
	SHOW(read(p[1], buf, 64));
	wait(NULL);
	write(p[0], "abcd", 4);
	show_poll("four", p[1]);
	SHOW(read(p[1], buf, 2));
	SHOW(read(p[1], buf, 2));

	SECTION("time limits");
	SHOW(setsockopt(p[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	start = now_ms();
	SHOW(read(p[1], buf, 64));
	CHECK(now_ms() - start >= 38);
	SHOW(setsockopt(p[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	static char block[1 << 20];
	long total = 0, n;
	start = now_ms();
	while ((n = write(p[0], block, sizeof(block))) > 0)
		total += n;
	say("%s", error_name(errno));
	CHECK(now_ms() - start >= 38);
	CHECK(total > 65536 && total < 64 << 20);
	close(p[0]);
	close(p[1]);
	int l = listener4(5);
	SHOW(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	SHOW(accept(l, NULL, NULL));
	close(l);
}

static void pressure(void)
{
	static char block[65536];
	long total = 0, n, got = 0;
	int p[2], out;

	SECTION("back-pressure");
	tcp_pair(p);
	SHOW(set_option(p[0], SOL_SOCKET, SO_SNDBUF, 20000));
	say("%d", get_option(p[0], SOL_SOCKET, SO_SNDBUF));
	SHOW(set_option(p[1], SOL_SOCKET, SO_RCVBUF, 20000));
	say("%d", get_option(p[1], SOL_SOCKET, SO_RCVBUF));
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	while ((n = write(p[0], block, 1000)) > 0)
		total += n;
	say("%s", error_name(errno));
	show_poll("full", p[0]);
	SHOW(ioctl(p[0], TIOCOUTQ, &out));
	CHECK(out > 0);
	int in;
	SHOW(ioctl(p[1], FIONREAD, &in));
	CHECK(in > 0);
	while (got < total && (n = read(p[1], block, sizeof(block))) > 0)
		got += n;
	CHECK(got == total);
	sleep_ms(50);
	show_poll("empty", p[0]);
	SHOW(ioctl(p[0], TIOCOUTQ, &out));
	say("out %d", out);
	/* A writer that waits is woken, and nothing is lost. */
	fcntl(p[0], F_SETFL, 0);
	if (fork() == 0) {
		for (int i = 0; i < 300; i++) {
			memset(block, i, sizeof(block));
			for (long done = 0; done < 10007;)
				done += write(p[0], block + done, 10007 - done);
		}
		_exit(0);
	}
	close(p[0]);
	long bad = 0;
	got = 0;
	while ((n = read(p[1], block, 7001)) > 0) {
		for (long i = 0; i < n; i++)
			bad += (unsigned char)block[i] != (got + i) / 10007 % 256;
		got += n;
	}
	say("got %ld bad %ld", got, bad);
	wait(NULL);
	close(p[1]);
}

static void edge(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
	static char block[65536];
	int p[2], set = epoll_create1(0), n;

	SECTION("edge-triggered");
	tcp_pair(p);
	epoll_ctl(set, EPOLL_CTL_ADD, p[0], &event);
	SHOW(epoll_wait(set, &event, 1, 0));
	say("%x", event.events);
	SHOW(epoll_wait(set, &event, 1, 0));
	write(p[1], "a", 1);
	SHOW(epoll_wait(set, &event, 1, 100));
	say("%x", event.events);
	write(p[1], "b", 1);
	SHOW(epoll_wait(set, &event, 1, 100));
	say("%x", event.events);
	SHOW(read(p[0], block, 1));
	SHOW(epoll_wait(set, &event, 1, 0));
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	while (write(p[0], block, sizeof(block)) > 0)
		;
	SHOW(epoll_wait(set, &event, 1, 0));
	fcntl(p[1], F_SETFL, O_NONBLOCK);
	do {
		while (read(p[1], block, sizeof(block)) > 0)
			;
		n = epoll_wait(set, &event, 1, 200);
	} while (n == 1 && !(event.events & EPOLLOUT));
	say("%d %x", n, event.events);
	shutdown(p[1], SHUT_WR);
	SHOW(epoll_wait(set, &event, 1, 100));
	say("%x", event.events);
	close(p[1]);
	close(p[0]);
	close(set);
}

static void moving(void)
{
	char buf[64] = "";
	int p[2], q[2], pipes[2], file;

	SECTION("splice and sendfile");
	tcp_pair(p);
	tcp_pair(q);
	pipe(pipes);
	file = open("/tmp/tcp-file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	write(file, "0123456789", 10);
	off_t at = 2;
	SHOW(sendfile(p[0], file, &at, 5));
	say("at %ld", (long)at);
	SHOW(splice(p[1], NULL, pipes[1], NULL, 64, 0));
	SHOW(splice(pipes[0], NULL, q[0], NULL, 64, SPLICE_F_MORE));
	SHOW(read(q[1], buf, 64));
	say("%s", buf);
	fcntl(p[1], F_SETFL, O_NONBLOCK);
	SHOW(splice(p[1], NULL, pipes[1], NULL, 64, 0));
	SHOW(sendfile(p[0], p[1], NULL, 5));
	shutdown(p[0], SHUT_WR);
	sleep_ms(5);
	SHOW(splice(p[1], NULL, pipes[1], NULL, 64, 0));
	signal(SIGPIPE, SIG_IGN);
	SHOW(sendfile(p[0], file, &at, 5));
	SHOW(lseek(p[0], 0, SEEK_SET));
	SHOW(pread(p[0], buf, 1, 0));
	unlink("/tmp/tcp-file");
	close(file);
}

int main(void)
{
	flags();
	urgent();
	marks_and_limits();
	pressure();
	edge();
	moving();
	return 0;
}
