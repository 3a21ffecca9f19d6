// SPDX-License-Identifier: Apache-2.0
/*
 * Microbenchmarks: `bench ROW` measures one operation and prints nanoseconds per operation. bench/run.py runs it natively and
 * inside linuxd. A row is measured in short batches; the median batch is printed, so that one interruption does not count.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int fds[2], back[2], epoll_fd, file;
static char buffer[64];

static void do_getppid(void) { getppid(); }

static void do_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
}

static void setup_pipe(void)
{
	if (pipe(fds))
		die("pipe");
}
static void setup_unix(void)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		die("socketpair");
	int t = fds[0];
	fds[0] = fds[1];
	fds[1] = t;
}
static void do_transfer(void)
{
	if (write(fds[1], buffer, 64) != 64 || read(fds[0], buffer, 64) != 64)
		die("transfer");
}

/* A connection over the loopback: pair[0] has connected, pair[1] was accepted. */
static int tcp_listener = -1;
static struct sockaddr_in tcp_name = { .sin_family = AF_INET };
static void tcp_pair(int pair[2])
{
	socklen_t length = sizeof(tcp_name);
	int one = 1;

	if (tcp_listener < 0) {
		tcp_name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		tcp_listener = socket(AF_INET, SOCK_STREAM, 0);
		if (bind(tcp_listener, (struct sockaddr *)&tcp_name, length) || listen(tcp_listener, 128) ||
		    getsockname(tcp_listener, (struct sockaddr *)&tcp_name, &length))
			die("listen");
	}
	pair[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (pair[0] < 0 || connect(pair[0], (struct sockaddr *)&tcp_name, sizeof(tcp_name)))
		die("connect");
	pair[1] = accept(tcp_listener, NULL, NULL);
	if (pair[1] < 0)
		die("accept");
	for (int i = 0; i < 2; i++)
		setsockopt(pair[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}
static void setup_tcp(void)
{
	int pair[2];

	tcp_pair(pair);
	fds[0] = pair[1];
	fds[1] = pair[0];
}
static void do_connection(void)
{
	struct linger linger = { 1, 0 };
	int pair[2];

	tcp_pair(pair);
	/* Without what would wait for a minute and use the ports up. */
	setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(pair[0]);
	close(pair[1]);
}

static void setup_tcp_echo(void)
{
	ssize_t n;

	setup_tcp();
	if (!fork()) {
		close(fds[1]);
		while ((n = read(fds[0], buffer, 64)) > 0 && write(fds[0], buffer, (size_t)n) == n)
			;
		_exit(0);
	}
	close(fds[0]);
}
static void do_tcp_request(void)
{
	if (write(fds[1], buffer, 64) != 64 || read(fds[1], buffer, 64) != 64)
		die("request");
}

/* Connections that are watched and idle, and one that is not. */
static void setup_idle(int nr)
{
	struct rlimit limit = { 65536, 65536 };
	struct epoll_event e = { .events = EPOLLIN };
	int pair[2];

	if (nr > 100 && setrlimit(RLIMIT_NOFILE, &limit))
		die("setrlimit");
	epoll_fd = epoll_create1(0);
	for (int i = 0; i < nr; i++) {
		tcp_pair(pair);
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, pair[1], &e))
			die("epoll_ctl");
	}
	setup_tcp();
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fds[0], &e))
		die("epoll_ctl");
}
static void setup_idle_10(void) { setup_idle(10); }
static void setup_idle_10000(void) { setup_idle(10000); }
static void do_active(void)
{
	struct epoll_event e;

	if (write(fds[1], buffer, 64) != 64 || epoll_wait(epoll_fd, &e, 1, -1) != 1 || read(fds[0], buffer, 64) != 64)
		die("active");
}

static void setup_epoll(void)
{
	struct epoll_event e = { .events = EPOLLIN };

	epoll_fd = epoll_create1(0);
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, eventfd(1, 0), &e))
		die("epoll_ctl");
}
static void do_epoll(void)
{
	struct epoll_event e;

	if (epoll_wait(epoll_fd, &e, 1, -1) != 1)
		die("epoll_wait");
}

static void setup_file(void)
{
	mkdir("/bench-dir", 0755);
	file = open("/bench-dir/file", O_RDWR | O_CREAT, 0644);
	if (file < 0 || pwrite(file, buffer, 64, 0) != 64)
		die("/bench-dir/file");
}
static void do_stat(void)
{
	struct stat st;

	if (stat("/bench-dir/file", &st))
		die("stat");
}
static void do_open(void)
{
	int fd = open("/bench-dir/file", O_RDONLY);

	if (fd < 0)
		die("open");
	close(fd);
}
static void do_pread(void)
{
	if (pread(file, buffer, 64, 0) != 64)
		die("pread");
}

static void do_create(void)
{
	int fd = open("/tmp/bench", O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd < 0 || write(fd, buffer, 64) != 64)
		die("create");
	close(fd);
	unlink("/tmp/bench");
}

static void do_mmap(void)
{
	char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	for (int i = 0; i < 65536; i += 4096)
		p[i] = 1;
	munmap(p, 65536);
}

static void echo(void)
{
	char c;

	while (read(fds[0], &c, 1) == 1 && write(back[1], &c, 1) == 1)
		;
}
static void *echo_thread(void *arg)
{
	echo();
	return arg;
}
static void setup_pingpong_threads(void)
{
	pthread_t t;

	if (pipe(fds) || pipe(back) || pthread_create(&t, NULL, echo_thread, NULL))
		die("ping-pong");
}
static void setup_pingpong_processes(void)
{
	if (pipe(fds) || pipe(back))
		die("pipe");
	if (!fork()) {
		close(fds[1]);
		close(back[0]);
		echo();
		_exit(0);
	}
	close(fds[0]);
}
static void do_pingpong(void)
{
	if (write(fds[1], buffer, 1) != 1 || read(back[0], buffer, 1) != 1)
		die("ping-pong");
}

static void *nothing(void *arg) { return arg; }
static void do_pthread(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, nothing, NULL))
		die("pthread_create");
	pthread_join(t, NULL);
}

static void do_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		die("fork");
}

static void do_exec(void)
{
	int status;
	pid_t pid = vfork();

	if (pid == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		die("vfork+exec");
}

static const struct row {
	const char *name;
	void (*setup)(void);
	void (*operation)(void);
} rows[] = {
	{ "getppid", NULL, do_getppid },
	{ "clock_gettime", NULL, do_clock },
	{ "pipe", setup_pipe, do_transfer },
	{ "unix", setup_unix, do_transfer },
	{ "tcp", setup_tcp, do_transfer },
	{ "tcp-request", setup_tcp_echo, do_tcp_request },
	{ "tcp-connection", NULL, do_connection },
	{ "epoll", setup_epoll, do_epoll },
	{ "epoll-idle-10", setup_idle_10, do_active },
	{ "epoll-idle-10000", setup_idle_10000, do_active },
	{ "stat", setup_file, do_stat },
	{ "open", setup_file, do_open },
	{ "pread", setup_file, do_pread },
	{ "create", NULL, do_create },
	{ "mmap", NULL, do_mmap },
	{ "pingpong-threads", setup_pingpong_threads, do_pingpong },
	{ "pingpong-processes", setup_pingpong_processes, do_pingpong },
	{ "pthread", NULL, do_pthread },
	{ "fork", NULL, do_fork },
	{ "exec", NULL, do_exec },
};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

#define BATCHES 15
#define BATCH_NS 15000000

int main(int argc, char **argv)
{
	const struct row *row = NULL;
	double batches[BATCHES];
	uint64_t start, took;
	long n = 1;

	for (size_t i = 0; argc == 2 && i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!strcmp(rows[i].name, argv[1]))
			row = &rows[i];
	}
	if (!row) {
		fprintf(stderr, "usage: bench ROW\n");
		return 2;
	}
	if (row->setup)
		row->setup();
	/* Warm up, and find out how many make a batch. */
	do {
		start = now();
		for (long i = 0; i < n; i++)
			row->operation();
		took = now() - start;
		if (took < BATCH_NS / 2)
			n *= 2;
	} while (took < BATCH_NS / 2);
	for (int batch = 0; batch < BATCHES; batch++) {
		start = now();
		for (long i = 0; i < n; i++)
			row->operation();
		batches[batch] = (double)(now() - start) / (double)n;
	}
	qsort(batches, BATCHES, sizeof(batches[0]), compare);
	printf("%.1f\n", batches[BATCHES / 2]);
	return 0;
}
