// SPDX-License-Identifier: Apache-2.0
/* epoll: threads that share a set, exclusive wake-ups, dup and fork, depth limits, edges on pipes and eventfds. */
#include "test.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

static int ep, ev;
static int woken;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *waiter(void *arg)
{
	struct epoll_event e;
	int n = epoll_wait((int)(long)arg, &e, 1, 1000);

	pthread_mutex_lock(&lock);
	woken += n;
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void shared(void)
{
	pthread_t t[4];
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };

	SECTION("one edge wakes one thread");
	ep = epoll_create1(0);
	ev = eventfd(0, EFD_NONBLOCK);
	epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e);
	woken = 0;
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, waiter, (void *)(long)ep);
	sleep_ms(50);
	eventfd_write(ev, 1);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	say("woken %d", woken);
	close(ep);
	close(ev);
}

static void exclusive(void)
{
	pthread_t t[4];
	int sets[4];
	struct epoll_event e = { .events = EPOLLIN | EPOLLEXCLUSIVE };

	SECTION("exclusive");
	ev = eventfd(0, EFD_NONBLOCK);
	woken = 0;
	for (int i = 0; i < 4; i++) {
		sets[i] = epoll_create1(0);
		epoll_ctl(sets[i], EPOLL_CTL_ADD, ev, &e);
		pthread_create(&t[i], NULL, waiter, (void *)(long)sets[i]);
	}
	sleep_ms(50);
	eventfd_write(ev, 1);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	CHECK(woken >= 1);
	SHOW(epoll_ctl(sets[0], EPOLL_CTL_MOD, ev, &e));
	e.events = EPOLLIN;
	SHOW(epoll_ctl(sets[0], EPOLL_CTL_MOD, ev, &e));
	e.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT;
	SHOW(epoll_ctl(sets[0], EPOLL_CTL_DEL, ev, NULL));
	SHOW(epoll_ctl(sets[0], EPOLL_CTL_ADD, ev, &e));
	e.events = EPOLLIN | EPOLLEXCLUSIVE;
	SHOW(epoll_ctl(sets[0], EPOLL_CTL_ADD, sets[1], &e));
	for (int i = 0; i < 4; i++)
		close(sets[i]);
	close(ev);
}

static void duplicates(void)
{
	int p[2];
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = 1 }, out[4];

	SECTION("dup");
	pipe(p);
	ep = epoll_create1(0);
	int d = dup(p[0]);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e));
	e.data.u64 = 2;
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, d, &e));
	write(p[1], "x", 1);
	SHOW(epoll_wait(ep, out, 4, 0));
	close(p[0]);
	SHOW(epoll_wait(ep, out, 4, 0)); /* the open file lives on through d */
	close(d);
	SHOW(epoll_wait(ep, out, 4, 0));
	close(p[1]);
	close(ep);
}

static void depth(void)
{
	int sets[8];
	struct epoll_event e = { .events = EPOLLIN };

	SECTION("depth");
	for (int i = 0; i < 8; i++)
		sets[i] = epoll_create1(0);
	for (int i = 0; i < 7; i++)
		SHOW(epoll_ctl(sets[i], EPOLL_CTL_ADD, sets[i + 1], &e));
	SHOW(epoll_ctl(sets[3], EPOLL_CTL_ADD, sets[0], &e));
	for (int i = 0; i < 8; i++)
		close(sets[i]);
}

static void edges(void)
{
	int p[2];
	static char buf[65536];
	struct epoll_event e = { .events = EPOLLOUT | EPOLLET }, out[4];

	SECTION("edges on a pipe");
	pipe2(p, O_NONBLOCK);
	ep = epoll_create1(0);
	epoll_ctl(ep, EPOLL_CTL_ADD, p[1], &e);
	SHOW(epoll_wait(ep, out, 4, 0));
	SHOW(epoll_wait(ep, out, 4, 0));
	write(p[1], buf, 100);
	SHOW(epoll_wait(ep, out, 4, 0));
	read(p[0], buf, 100);
	SHOW(epoll_wait(ep, out, 4, 0));
	SHOW(write(p[1], buf, sizeof(buf)));
	SHOW(epoll_wait(ep, out, 4, 0));
	while (read(p[0], buf, sizeof(buf)) > 0)
		;
	SHOW(epoll_wait(ep, out, 4, 0));
	e.events = EPOLLIN | EPOLLET | EPOLLRDHUP;
	epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e);
	SHOW(epoll_wait(ep, out, 4, 0));
	write(p[1], "a", 1);
	SHOW(epoll_wait(ep, out, 4, 0));
	close(p[1]);
	SHOW(epoll_wait(ep, out, 4, 0));
	say("%x", out[0].events);
	SHOW(epoll_wait(ep, out, 4, 0));
	close(p[0]);
	close(ep);
}

static void arguments(void)
{
	struct epoll_event e = { .events = EPOLLIN }, out[4];
	struct timespec bad = { 0, 2000000000 }, t = { 0, 1000000 };

	SECTION("arguments");
	ep = epoll_create1(0);
	ev = eventfd(1, 0);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, ev, NULL));
	SHOW(epoll_ctl(ev, EPOLL_CTL_ADD, ep, &e));
	SHOW(epoll_ctl(99, EPOLL_CTL_ADD, ev, &e));
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e));
	SHOW(epoll_wait(ev, out, 1, 0));
	SHOW(epoll_wait(99, out, 1, 0));
	SHOW(epoll_wait(ep, (void *)16, 1, 0));
	SHOW(epoll_wait(ep, out, -1, 0));
	SHOW(syscall(SYS_epoll_pwait2, ep, out, 1, &bad, NULL, 8));
	SHOW(syscall(SYS_epoll_pwait2, ep, out, 1, &t, NULL, 8));
	eventfd_t v;
	eventfd_read(ev, &v);
	SHOW(syscall(SYS_epoll_pwait2, ep, out, 1, &t, NULL, 8));
	/* over fork: one set, two processes */
	pid_t pid = fork();
	if (!pid) {
		eventfd_write(ev, 1);
		epoll_ctl(ep, EPOLL_CTL_DEL, ev, NULL);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	SHOW(epoll_wait(ep, out, 1, 0));
	close(ep);
	close(ev);
}

int main(void)
{
	shared();
	exclusive();
	duplicates();
	depth();
	edges();
	arguments();
	return 0;
}
