// SPDX-License-Identifier: Apache-2.0
/*
 * Who is woken when many wait for one thing: accept, read and epoll with EPOLLEXCLUSIVE wake one, the others do not even run. The
 * proof that they did not is their count of voluntary context switches.
 */
#include "test.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#define WAITERS 8

static struct waiter {
	pthread_t thread;
	int tid, fd;
	long result; /* -1: still waits */
	long switches;
} waiters[WAITERS];

static int listener, event;

static long switches_of(int tid)
{
	char path[64], line[256];
	long n = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "voluntary_ctxt_switches: %ld", &n);
	if (file)
		fclose(file);
	return n;
}

static char state_of(int tid)
{
	char path[64], line[512], *at;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = fopen(path, "r");
	at = file && fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	if (file)
		fclose(file);
	return at ? at[2] : '?';
}

static void *wait_for(struct waiter *w, long (*wait_once)(struct waiter *))
{
	long result;

	__atomic_store_n(&w->tid, gettid(), __ATOMIC_RELEASE);
	result = wait_once(w);
	__atomic_store_n(&w->result, result, __ATOMIC_RELEASE);
	return NULL;
}

static long one_accept(struct waiter *w)
{
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static long one_read(struct waiter *w)
{
	uint64_t n;

	return read(event, &n, sizeof(n)) == sizeof(n) ? 0 : errno;
}

static long one_epoll(struct waiter *w)
{
	struct epoll_event got;

	return epoll_wait(w->fd, &got, 1, -1) == 1 ? 0 : errno;
}

static void *accepts(void *w) { return wait_for(w, one_accept); }
static void *reads(void *w) { return wait_for(w, one_read); }
static void *epolls(void *w) { return wait_for(w, one_epoll); }

static void start(void *(*body)(void *))
{
	for (int i = 0; i < WAITERS; i++) {
		waiters[i].tid = 0;
		waiters[i].result = -1;
		pthread_create(&waiters[i].thread, NULL, body, &waiters[i]);
		while (!__atomic_load_n(&waiters[i].tid, __ATOMIC_ACQUIRE))
			usleep(100);
		while (state_of(waiters[i].tid) != 'S')
			usleep(1000);
		usleep(2000);
	}
	for (int i = 0; i < WAITERS; i++)
		waiters[i].switches = switches_of(waiters[i].tid);
}

static int woken(void)
{
	int n = 0;

	for (int i = 0; i < WAITERS; i++)
		n += __atomic_load_n(&waiters[i].result, __ATOMIC_ACQUIRE) != -1;
	return n;
}

/* Waits until `n` have come back, and a little longer in case there are more. */
static void report(int n)
{
	int disturbed = 0;

	for (int i = 0; woken() < n && i < 20000; i++)
		usleep(1000);
	usleep(50000);
	for (int i = 0; i < WAITERS; i++)
		disturbed += waiters[i].result == -1 && switches_of(waiters[i].tid) != waiters[i].switches;
	say("woken %d, disturbed %d", woken(), disturbed);
}

static void finish(void)
{
	for (int i = 0; i < WAITERS; i++)
		pthread_join(waiters[i].thread, NULL);
}

static void accept_wakes_one(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t size = sizeof(sa_family_t);
	int fds[WAITERS];

	SECTION("accept");
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SHOW(bind(listener, (struct sockaddr *)&address, size));
	SHOW(listen(listener, WAITERS));
	size = sizeof(address);
	getsockname(listener, (struct sockaddr *)&address, &size);
	start(accepts);
	for (int i = 0; i < WAITERS; i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connect(fds[i], (struct sockaddr *)&address, size))
			say("connect: %s", error_name(errno));
		if (i < 3)
			report(i + 1);
	}
	finish();
	say("all woken: %d", woken());
	for (int i = 0; i < WAITERS; i++)
		close(fds[i]);
	close(listener);
}

static void read_wakes_one(void)
{
	uint64_t one = 1;

	SECTION("read of a semaphore eventfd");
	event = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
	start(reads);
	SHOW(write(event, &one, 8));
	for (int i = 0; woken() < 1 && i < 20000; i++)
		usleep(1000);
	usleep(20000);
	say("woken %d", woken());
	one = WAITERS - 1;
	SHOW(write(event, &one, 8));
	finish();
	say("woken %d", woken());
	close(event);
}

static void epoll_wakes(unsigned flags)
{
	struct epoll_event wanted = { .events = EPOLLIN | flags };
	uint64_t one = 1;

	SECTION(flags ? "epoll with EPOLLEXCLUSIVE" : "epoll");
	event = eventfd(0, EFD_CLOEXEC);
	for (int i = 0; i < WAITERS; i++) {
		waiters[i].fd = epoll_create1(EPOLL_CLOEXEC);
		if (epoll_ctl(waiters[i].fd, EPOLL_CTL_ADD, event, &wanted))
			say("epoll_ctl: %s", error_name(errno));
	}
	start(epolls);
	SHOW(write(event, &one, 8));
	report(flags ? 1 : WAITERS);
	for (int i = 0; woken() < WAITERS && i < 1000; i++) {
		write(event, &one, 8);
		usleep(1000);
	}
	finish();
	for (int i = 0; i < WAITERS; i++)
		close(waiters[i].fd);
	close(event);
}

int main(void)
{
	accept_wakes_one();
	read_wakes_one();
	epoll_wakes(EPOLLEXCLUSIVE);
	epoll_wakes(0);
	return 0;
}
