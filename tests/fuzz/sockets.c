// SPDX-License-Identifier: Apache-2.0
/*
 * Internet sockets, fuzzed: processes with threads that make, bind, connect, accept, shut down, disconnect and close sockets of a few
 * addresses and ports, send and receive with any flags, set any option, watch them with epoll and splice them, all at the same time; some
 * are killed in the middle. At the end no socket may be left but those in TIME_WAIT.
 */
// container
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "random.h"

#define PROCESSES 4
#define THREADS 3
#define SLOTS 24
#define PORTS 5

static int slots[SLOTS]; /* descriptors, shared by the threads of a process */
static int set, pipes[2];

static socklen_t some_name(struct random *r, void *at)
{
	static const uint32_t addrs[] = { 0x7f000001, 0x7f000001, 0x7f000001, 0x7f000002, 0, 0xe0000001, 0xffffffff, 0x0a000001 };
	struct sockaddr_in6 *sin6 = at;
	struct sockaddr_in *sin = at;
	uint32_t addr = htonl(addrs[below(r, sizeof(addrs) / sizeof(addrs[0]))]);
	uint16_t port = htons((uint16_t)(one_in(r, 12) ? 0 : 4000 + below(r, PORTS)));

	memset(at, 0, sizeof(*sin6));
	if (one_in(r, 20))
		return (socklen_t)below(r, 29); /* AF_UNSPEC */
	if (!one_in(r, 3)) {
		*sin = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = addr };
		return sizeof(*sin);
	}
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = port;
	switch (below(r, 3)) {
	case 0: sin6->sin6_addr.s6_addr[15] = 1; break;
	case 1:
		sin6->sin6_addr.s6_addr[10] = sin6->sin6_addr.s6_addr[11] = 0xff;
		memcpy(&sin6->sin6_addr.s6_addr[12], &addr, 4);
		break;
	default: break;
	}
	return one_in(r, 20) ? 24 : sizeof(*sin6);
}

static int some_fd(struct random *r) { return __atomic_load_n(&slots[below(r, SLOTS)], __ATOMIC_RELAXED); }

/* A new descriptor takes a place; the one that had it is closed. */
static void keep(struct random *r, int fd)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | (one_in(r, 2) ? EPOLLET : 0) };

	if (fd < 0)
		return;
	if (one_in(r, 2))
		epoll_ctl(set, EPOLL_CTL_ADD, fd, &e);
	close(__atomic_exchange_n(&slots[below(r, SLOTS)], fd, __ATOMIC_RELAXED));
}

static void make(struct random *r)
{
	int type = (int)below(r, 4) ? SOCK_STREAM : SOCK_DGRAM, one = 1;
	int fd = socket(one_in(r, 3) ? AF_INET6 : AF_INET, type | (one_in(r, 6) ? 0 : SOCK_NONBLOCK), 0);
	struct timeval tv = { 0, 2000 };
	char name[32];

	/* Who may sleep does not do so for long. */
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (one_in(r, 2))
		setsockopt(fd, SOL_SOCKET, one_in(r, 2) ? SO_REUSEADDR : SO_REUSEPORT, &one, sizeof(one));
	if (one_in(r, 3)) {
		socklen_t length = some_name(r, name);

		bind(fd, (struct sockaddr *)name, length);
		if (one_in(r, 2))
			listen(fd, (int)below(r, 4));
	}
	keep(r, fd);
}

static void transfer(struct random *r)
{
	static const int flags[] = { 0, MSG_PEEK, MSG_OOB, MSG_TRUNC, MSG_WAITALL, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_MORE, MSG_EOR, 0x20000000, MSG_ERRQUEUE };
	static __thread char block[200000], name[128], control[256];
	size_t n = one_in(r, 4) ? below(r, sizeof(block)) : below(r, 2000);
	int how = flags[below(r, 11)] | flags[below(r, 11)] | MSG_NOSIGNAL, fd = some_fd(r);
	struct iovec iov[2] = { { block, n / 2 }, { block + n / 2, n - n / 2 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	if (one_in(r, 3)) {
		msg.msg_name = name;
		msg.msg_namelen = some_name(r, name);
	}
	if (one_in(r, 8)) {
		msg.msg_control = control;
		msg.msg_controllen = below(r, sizeof(control));
		for (size_t i = 0; i < sizeof(control); i += 4)
			*(uint32_t *)(control + i) = (uint32_t)(one_in(r, 3) ? next(r) : below(r, 40));
	}
	if (one_in(r, 30)) /* runs over the end of memory */
		iov[1].iov_base = (void *)8;
	switch (below(r, 6)) {
	case 0:
	case 1: sendmsg(fd, &msg, how); break;
	case 2:
	case 3: recvmsg(fd, &msg, how); break;
	case 4: splice(fd, NULL, pipes[1], NULL, n, SPLICE_F_NONBLOCK); break;
	default: splice(pipes[0], NULL, fd, NULL, n, SPLICE_F_NONBLOCK); break;
	}
}

static void option(struct random *r)
{
	static const int levels[] = { SOL_SOCKET, SOL_SOCKET, IPPROTO_TCP, IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_UDP };
	int level = levels[below(r, 7)], number = (int)below(r, 90), fd = some_fd(r);
	socklen_t length = one_in(r, 3) ? (socklen_t)below(r, 64) : 4;
	uint32_t value[64];

	for (int i = 0; i < 64; i++)
		value[i] = (uint32_t)(one_in(r, 4) ? next(r) : below(r, 10));
	/* Limits of time are ours, and lingering may last. */
	if (level == SOL_SOCKET && (number == SO_RCVTIMEO || number == SO_SNDTIMEO || number == 66 || number == 67 || number == SO_LINGER))
		value[0] = value[1] = number == SO_LINGER && one_in(r, 2);
	if (level == SOL_SOCKET && number == SO_LINGER)
		value[1] = 0;
	if (one_in(r, 2))
		setsockopt(fd, level, number, value, length);
	else
		getsockopt(fd, level, number, value, &length);
}

static void step(struct random *r)
{
	char name[32];
	struct epoll_event events[8];
	struct sockaddr_storage ss;
	socklen_t length = sizeof(ss);
	int n;

	switch (below(r, 14)) {
	case 0: make(r); break;
	case 1:
	case 2:
		length = some_name(r, name);
		connect(some_fd(r), (struct sockaddr *)name, length);
		break;
	case 3: keep(r, accept4(some_fd(r), (struct sockaddr *)&ss, &length, one_in(r, 6) ? 0 : SOCK_NONBLOCK)); break;
	case 4: option(r); break;
	case 5:
		if (one_in(r, 4))
			shutdown(some_fd(r), (int)below(r, 3));
		break;
	case 6: listen(some_fd(r), (int)below(r, 6)); break;
	case 7: one_in(r, 2) ? getsockname(some_fd(r), (struct sockaddr *)&ss, &length) : getpeername(some_fd(r), (struct sockaddr *)&ss, &length); break;
	case 8: epoll_wait(set, events, 8, 0); break;
	case 9: ioctl(some_fd(r), (const unsigned long[]){ FIONREAD, TIOCOUTQ, 0x8905, 0x8910, 0x8912 }[below(r, 5)], name + (n = 0)); break;
	default: transfer(r); break;
	}
}

static void *worker(void *arg)
{
	struct random r = random_from((uintptr_t)arg);

	for (;;)
		step(&r);
	return NULL;
}

/* A process: its threads go on until it is killed. */
static void process(uint64_t seed)
{
	pthread_t thread;

	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < SLOTS; i++)
		slots[i] = -1;
	set = epoll_create1(0);
	if (pipe2(pipes, O_NONBLOCK))
		exit(1);
	for (int i = 1; i < THREADS; i++)
		pthread_create(&thread, NULL, worker, (void *)(uintptr_t)(seed * THREADS + (uint64_t)i));
	worker((void *)(uintptr_t)(seed * THREADS));
}

/* Sockets that are listed, without what is in TIME_WAIT. */
static int sockets_in(const char *path)
{
	char line[512];
	FILE *f = fopen(path, "r");
	unsigned state;
	int n = 0;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %*d: %*[0-9A-F:] %*[0-9A-F:] %x", &state) == 1 && state != 6) {
			printf("%s", line);
			n++;
		}
	}
	fclose(f);
	return n;
}

int main(int argc, char **argv)
{
	time_t stop = time(NULL) + (argc > 1 ? atoi(argv[1]) : 10);
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	pid_t pids[PROCESSES] = { 0 };
	int left = 0, status;

	while (time(NULL) < stop) {
		for (int i = 0; i < PROCESSES; i++) {
			if (pids[i] && (i + time(NULL)) % 2)
				continue;
			if (pids[i]) {
				kill(pids[i], SIGKILL);
				waitpid(pids[i], &status, 0);
				if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
					printf("a process ended with %x\n", status);
					return 1;
				}
			}
			pids[i] = fork();
			if (!pids[i])
				process(seed++ * PROCESSES + (uint64_t)i);
			seed++;
		}
		usleep(300000);
	}
	for (int i = 0; i < PROCESSES; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], &status, 0);
	}
	left = sockets_in("/proc/net/tcp") + sockets_in("/proc/net/tcp6") + sockets_in("/proc/net/udp") + sockets_in("/proc/net/udp6");
	printf("%d sockets left\n", left);
	return left ? 1 : 0;
}
