// SPDX-License-Identifier: Apache-2.0
/* TCP under strain: ports run out, peers that never read, clients that are killed, floods of connects, many threads at once. */
#include "inet.h"

static void exhaustion(void)
{
	int f = open("/proc/sys/net/ipv4/ip_local_port_range", O_RDWR), l = socket(AF_INET, SOCK_STREAM, 0), fds[20], ok = 0;

	SECTION("ports run out");
	set_option(l, SOL_SOCKET, SO_REUSEADDR, 1);
	bind(l, ADDR4("0.0.0.0", 4400));
	listen(l, 100);
	SHOW(pwrite(f, "40000 40009\n", 12, 0));
	for (int i = 0; i < 11; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (!connect(fds[i], ADDR4("127.0.0.1", 4400)))
			ok++;
		else
			say("number %d: %s", i, error_name(errno));
	}
	say("connected %d", ok);
	fds[11] = socket(AF_INET, SOCK_STREAM, 0);
	SHOW(connect(fds[11], ADDR4("127.0.0.2", 4400)));
	fds[12] = socket(AF_INET, SOCK_STREAM, 0);
	SHOW(bind(fds[12], ADDR4("127.0.0.1", 0)));
	SHOW(listen(fds[12], 1));
	/* One is given back. */
	struct linger linger = { 1, 0 };
	setsockopt(fds[3], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fds[3]);
	SHOW(connect(fds[10], ADDR4("127.0.0.1", 4400)));
	for (int i = 0; i < 13; i++)
		if (i != 3) {
			setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
			close(fds[i]);
		}
	close(l);
	SHOW(pwrite(f, "32768 60999\n", 12, 0));
	close(f);
}

/* Those who never read cost a bounded amount, and others are not affected. */
static void never_read(void)
{
	enum { N = 60 };
	static char block[65536];
	int p[N][2], fine[2], stuck = 0;

	SECTION("peers that never read");
	for (int i = 0; i < N; i++) {
		long total = 0, n;

		tcp_pair(p[i]);
		fcntl(p[i][0], F_SETFL, O_NONBLOCK);
		while ((n = write(p[i][0], block, sizeof(block))) > 0 && total < 64 << 20)
			total += n;
		stuck += n < 0 && errno == EAGAIN;
	}
	say("stuck %d", stuck);
	tcp_pair(fine);
	SHOW(write(fine[0], "fine", 4));
	SHOW(read(fine[1], block, 10));
	for (int i = 0; i < N; i++) {
		close(p[i][1]);
		close(p[i][0]);
	}
	close(fine[0]);
	close(fine[1]);
}

static void killed(void)
{
	int l = listener4(20), port = port_of(l), bad = 0;
	char buf[100];

	SECTION("clients killed in the middle");
	for (int i = 0; i < 100; i++) {
		pid_t pid = fork();

		if (!pid) {
			int c = connect4(port);

			write(c, "half a requ", 11);
			if (i % 2)
				read(c, buf, 10);
			else
				write(c, buf, sizeof(buf));
			pause();
		}
		int s = accept(l, NULL, NULL);
		long n = recv(s, buf, 11, MSG_WAITALL);

		if (n != 11)
			bad++;
		if (i % 2)
			write(s, "answer that nobody reads in full", 32);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		while ((n = read(s, buf, sizeof(buf))) > 0)
			;
		if (n < 0 && errno != ECONNRESET)
			bad++;
		close(s);
	}
	say("bad %d", bad);
	close(l);
}

static void flood(void)
{
	enum { N = 500 };
	int l = listener4(5), fds[N], in_progress = 0, p;

	SECTION("a flood of connects");
	for (int i = 0; i < N; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(fds[i], ADDR4("127.0.0.1", port_of(l))) && errno == EINPROGRESS)
			in_progress++;
	}
	say("in progress %d", in_progress);
	int other = listener4(1);
	p = connect4(port_of(other));
	say("another listener: %s", p >= 0 && accept(other, NULL, NULL) >= 0 ? "fine" : "affected");
	close(p);
	close(other);
	struct linger linger = { 1, 0 };
	for (int i = 0; i < N; i++) {
		setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
		close(fds[i]);
	}
	fcntl(l, F_SETFL, O_NONBLOCK);
	int left = 0;
	while ((p = accept(l, NULL, NULL)) >= 0) {
		left++;
		close(p);
	}
	CHECK(left <= 6);
	close(l);
}

/* Threads that send, receive, shut down and close the same sockets at the same time. */
static int shared[2], stop, racing_port;

static void *race(void *arg)
{
	char buf[3000];
	unsigned seed = (unsigned)(long)arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		int fd = shared[rand_r(&seed) & 1];

		switch (rand_r(&seed) % 8) {
		case 0: send(fd, buf, rand_r(&seed) % sizeof(buf), MSG_DONTWAIT | MSG_NOSIGNAL); break;
		case 1: recv(fd, buf, sizeof(buf), MSG_DONTWAIT); break;
		case 2: recv(fd, buf, 100, MSG_DONTWAIT | MSG_PEEK); break;
		case 3: send(fd, buf, 1, MSG_DONTWAIT | MSG_NOSIGNAL | MSG_OOB); break;
		case 4:
			if (rand_r(&seed) % 50 == 0)
				shutdown(fd, rand_r(&seed) % 3);
			break;
		case 5:
			if (rand_r(&seed) % 50 == 0)
				connect(fd, &(struct sockaddr){ .sa_family = AF_UNSPEC }, sizeof(struct sockaddr));
			break;
		case 6: get_option(fd, SOL_SOCKET, SO_ERROR); break;
		case 7: {
			struct timeval tv = { 0, 1000 };
			setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
			connect(fd, ADDR4("127.0.0.1", racing_port));
			break;
		}
		}
	}
	return NULL;
}

static void races(void)
{
	pthread_t threads[4];
	int l = listener4(2);

	SECTION("threads on the same sockets");
	racing_port = port_of(l);
	fcntl(l, F_SETFL, O_NONBLOCK);
	tcp_pair(shared);
	for (long i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, race, (void *)(i + 1));
	for (int i = 0; i < 150; i++) {
		int p[2], s;

		sleep_ms(2);
		tcp_pair(p);
		dup2(p[0], shared[0]);
		dup2(p[1], shared[1]);
		close(p[0]);
		close(p[1]);
		while ((s = accept(l, NULL, NULL)) >= 0)
			close(s);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	close(shared[0]);
	close(shared[1]);
	close(l);
	say("survived");
}

int main(void)
{
	exhaustion();
	never_read();
	killed();
	flood();
	races();
	return 0;
}
