// SPDX-License-Identifier: Apache-2.0
/* TCP: sleeps that signals interrupt, closes that linger, peeking on, several sleepers, fast open. */
#include "inet.h"

static int signals;
static void on_signal(int sig) { signals++; }

/* A signal every 20 ms, `n` of them. */
static void signals_come(bool restart, int n)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = restart ? SA_RESTART : 0 };
	struct itimerval timer = { { 0, n > 1 ? 20000 : 0 }, { 0, 20000 } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void no_signals(void) { setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL); }

static void interrupted(void)
{
	struct timeval tv = { 5, 0 };
	static char block[1 << 20];
	int p[2], l = listener4(0), c;
	char buf[8];

	SECTION("interrupted");
	tcp_pair(p);
	signals_come(false, 1);
	SHOW(read(p[0], buf, 8));
	signals_come(false, 1);
	SHOW(accept(l, NULL, NULL));
	setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	signals_come(true, 1);
	SHOW(read(p[0], buf, 8));
	tv.tv_sec = 0;
	setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	/* Restarted: the answer comes after the signal. */
	if (fork() == 0) {
		sleep_ms(80);
		write(p[1], "answer", 6);
		_exit(0);
	}
	signals_come(true, 1);
	SHOW(read(p[0], buf, 8));
	wait(NULL);
	signals_come(false, 1);
	long n = write(p[0], block, sizeof(block)), total = n;
	while (n == sizeof(block)) {
		n = write(p[0], block, sizeof(block));
		total += n > 0 ? n : 0;
		if (n == sizeof(block))
			signals_come(false, 1);
	}
	CHECK(total > 0 && (n > 0 || errno == EINTR));
	close(p[0]);
	close(p[1]);
	/* connect: goes on by itself. */
	int first = connect4(port_of(l));
	c = socket(AF_INET, SOCK_STREAM, 0);
	signals_come(false, 1);
	SHOW(connect(c, ADDR4("127.0.0.1", port_of(l))));
	fcntl(c, F_SETFL, O_NONBLOCK);
	SHOW(connect(c, ADDR4("127.0.0.1", port_of(l))));
	close(accept(l, NULL, NULL));
	struct pollfd poll_fd = { c, POLLOUT, 0 };
	SHOW(poll(&poll_fd, 1, 4000));
	SHOW(connect(c, ADDR4("127.0.0.1", port_of(l))));
	no_signals();
	close(first);
	close(c);
	close(l);
}

static void lingering(void)
{
	static char block[1 << 16];
	struct linger linger = { 1, 1 };
	uint64_t start;
	char buf[16];
	int p[2];

	SECTION("a close that waits");
	tcp_pair(p);
	set_option(p[1], SOL_SOCKET, SO_RCVBUF, 4096);
	set_option(p[0], SOL_SOCKET, SO_SNDBUF, 100000);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	while (write(p[0], block, sizeof(block)) > 0)
		;
	setsockopt(p[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	start = now_ms();
	close(p[0]);
	CHECK(now_ms() - start >= 900 && now_ms() - start < 8000);
	/* What was sent is still delivered, and then its end. */
	long n, total = 0;
	while ((n = read(p[1], block, sizeof(block))) > 0)
		total += n;
	say("%ld %s", n, n < 0 ? error_name(errno) : "end");
	CHECK(total > 10000);
	SHOW(read(p[1], buf, 16));
	close(p[1]);
}

static void given_up(void)
{
	static char block[1 << 16];
	struct pollfd poll_fd = { -1, POLLIN, 0 };
	uint64_t start;
	int p[2];

	SECTION("TCP_USER_TIMEOUT");
	tcp_pair(p);
	set_option(p[1], SOL_SOCKET, SO_RCVBUF, 4096);
	set_option(p[0], SOL_SOCKET, SO_SNDBUF, 60000);
	SHOW(set_option(p[0], IPPROTO_TCP, TCP_USER_TIMEOUT, 400));
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	while (write(p[0], block, sizeof(block)) > 0)
		;
	start = now_ms();
	poll_fd.fd = p[0];
	SHOW(poll(&poll_fd, 1, 10000));
	CHECK(now_ms() - start >= 380);
	say("%s", pending_error(p[0]));
	show_poll("given up", p[0]);
	SHOW(send(p[0], "x", 1, MSG_NOSIGNAL));
	close(p[0]);
	close(p[1]);
}

static void peeking(void)
{
	char buf[16] = "";
	int p[2];

	SECTION("peeking on");
	tcp_pair(p);
	SHOW(get_option(p[1], SOL_SOCKET, SO_PEEK_OFF));
	SHOW(set_option(p[1], SOL_SOCKET, SO_PEEK_OFF, 0));
	write(p[0], "abcdefgh", 8);
	SHOW(recv(p[1], buf, 3, MSG_PEEK));
	say("%.3s %d", buf, get_option(p[1], SOL_SOCKET, SO_PEEK_OFF));
	SHOW(recv(p[1], buf, 3, MSG_PEEK));
	say("%.3s %d", buf, get_option(p[1], SOL_SOCKET, SO_PEEK_OFF));
	SHOW(recv(p[1], buf, 2, 0));
	say("%.2s %d", buf, get_option(p[1], SOL_SOCKET, SO_PEEK_OFF));
	SHOW(recv(p[1], buf, 10, MSG_PEEK));
	say("%.2s %d", buf, get_option(p[1], SOL_SOCKET, SO_PEEK_OFF));
	SHOW(recv(p[1], buf, 10, MSG_PEEK | MSG_DONTWAIT));
	close(p[0]);
	close(p[1]);
}

static int accepted;
static void *acceptor(void *arg)
{
	int s = accept(*(int *)arg, NULL, NULL);

	if (s >= 0)
		__atomic_add_fetch(&accepted, 1, __ATOMIC_RELAXED);
	close(s);
	return NULL;
}

static void sleepers(void)
{
	pthread_t threads[5];
	int l = listener4(10), fds[5];

	SECTION("several sleepers");
	for (int i = 0; i < 5; i++)
		pthread_create(&threads[i], NULL, acceptor, &l);
	sleep_ms(20);
	for (int i = 0; i < 5; i++)
		fds[i] = connect4(port_of(l));
	for (int i = 0; i < 5; i++)
		pthread_join(threads[i], NULL);
	say("accepted %d", accepted);
	for (int i = 0; i < 5; i++)
		close(fds[i]);
	/* shutdown ends the sleep of who accepts. */
	pthread_create(&threads[0], NULL, acceptor, &l);
	sleep_ms(20);
	SHOW(shutdown(l, SHUT_RDWR));
	pthread_join(threads[0], NULL);
	say("accepted %d", accepted);
	close(l);
}

static void fast_open(void)
{
	int l = listener4(5), c = socket(AF_INET, SOCK_STREAM, 0), s;
	char buf[16];

	SECTION("fast open");
	SHOW(sendto(c, "first", 5, MSG_FASTOPEN | MSG_NOSIGNAL, ADDR4("127.0.0.1", port_of(l))));
	s = accept(l, NULL, NULL);
	SHOW(read(s, buf, 16));
	SHOW(sendto(c, "more", 4, MSG_FASTOPEN | MSG_NOSIGNAL, ADDR4("127.0.0.1", port_of(l))));
	close(s);
	close(c);
	c = socket(AF_INET, SOCK_STREAM, 0);
	SHOW(sendto(c, "first", 5, MSG_FASTOPEN | MSG_NOSIGNAL, ADDR4("127.0.0.1", 1)));
	close(c);
	c = socket(AF_INET, SOCK_STREAM, 0);
	SHOW(set_option(c, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1));
	SHOW(get_option(c, IPPROTO_TCP, TCP_FASTOPEN_CONNECT));
	SHOW(connect(c, ADDR4("127.0.0.1", port_of(l))));
	SHOW(write(c, "x", 1));
	s = accept(l, NULL, NULL);
	SHOW(read(s, buf, 16));
	SHOW(set_option(c, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1));
	close(s);
	close(c);
	close(l);
}

int main(void)
{
	interrupted();
	lingering();
	given_up();
	peeking();
	sleepers();
	fast_open();
	return 0;
}
