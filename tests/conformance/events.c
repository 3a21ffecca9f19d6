// SPDX-License-Identifier: Apache-2.0
/* eventfd, timerfd, epoll, inotify, memfd and its seals. */
#include "test.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>

static void eventfds(void)
{
	uint64_t v;

	SECTION("eventfd");
	int fd = SHOW(eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC));
	SHOW(read(fd, &v, 8));
	say("v %lu", v);
	SHOW(read(fd, &v, 8));
	SHOW(read(fd, &v, 4));
	v = 5;
	SHOW(write(fd, &v, 8));
	SHOW(write(fd, &v, 8));
	SHOW(read(fd, &v, 8));
	say("v %lu", v);
	v = UINT64_MAX;
	SHOW(write(fd, &v, 8));
	v = UINT64_MAX - 1;
	SHOW(write(fd, &v, 8));
	v = 1;
	SHOW(write(fd, &v, 8));
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };
	SHOW(poll(&p, 1, 0));
	say("%x", p.revents);
	close(fd);
	fd = SHOW(eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK));
	SHOW(read(fd, &v, 8));
	say("v %lu", v);
	SHOW(read(fd, &v, 8));
	SHOW(read(fd, &v, 8));
	SHOW(eventfd(0, 0x123));
	close(fd);
}

static void timerfds(void)
{
	uint64_t v;
	struct itimerspec its = { { 0, 10000000 }, { 0, 10000000 } }, old;

	SECTION("timerfd");
	int fd = SHOW(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
	SHOW(read(fd, &v, 8));
	SHOW(timerfd_settime(fd, 0, &its, NULL));
	struct pollfd p = { fd, POLLIN, 0 };
	SHOW(poll(&p, 1, 1000));
	SHOW(read(fd, &v, 8));
	CHECK(v >= 1);
	sleep_ms(55);
	SHOW(read(fd, &v, 8));
	CHECK(v >= 4);
	SHOW(timerfd_gettime(fd, &old));
	CHECK(old.it_value.tv_nsec > 0 && old.it_value.tv_nsec <= 10000000 && old.it_interval.tv_nsec == 10000000);
	its = (struct itimerspec){ { 0, 0 }, { 0, 0 } };
	SHOW(timerfd_settime(fd, 0, &its, &old));
	say("interval %ld", old.it_interval.tv_nsec);
	SHOW(poll(&p, 1, 20));
	clock_gettime(CLOCK_MONOTONIC, &its.it_value);
	its.it_value.tv_sec -= 1;
	SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL));
	SHOW(poll(&p, 1, 100));
	SHOW(read(fd, &v, 8));
	its.it_value.tv_nsec = -1;
	SHOW(timerfd_settime(fd, 0, &its, NULL));
	SHOW(timerfd_create(77, 0));
	SHOW(timerfd_settime(0, 0, &its, NULL));
	close(fd);
}

static void epolls(void)
{
	int p[2], q[2];
	struct epoll_event e = { 0 }, out[8];
	char c;

	SECTION("epoll");
	pipe(p);
	pipe(q);
	SHOW(epoll_create(0));
	SHOW(epoll_create1(5));
	int ep = SHOW(epoll_create1(EPOLL_CLOEXEC));
	e.events = EPOLLIN;
	e.data.u64 = 1;
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e));
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e));
	SHOW(epoll_ctl(ep, EPOLL_CTL_MOD, q[0], &e));
	SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, q[0], &e));
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e));
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, 99, &e));
	SHOW(epoll_ctl(ep, 9, p[0], &e));
	int file = open("/data/e", O_RDWR | O_CREAT, 0600);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, file, &e));
	SHOW(epoll_wait(ep, out, 8, 0));
	SHOW(epoll_wait(ep, out, 0, 0));
	write(p[1], "ab", 2);
	SHOW(epoll_wait(ep, out, 8, -1));
	say("%x %lu", out[0].events, out[0].data.u64);
	SHOW(epoll_wait(ep, out, 8, 0)); /* level: again */
	read(p[0], &c, 1);
	SHOW(epoll_wait(ep, out, 8, 0));
	read(p[0], &c, 1);
	SHOW(epoll_wait(ep, out, 8, 0));
	e.events = EPOLLIN | EPOLLET;
	SHOW(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e));
	write(p[1], "a", 1);
	SHOW(epoll_wait(ep, out, 8, 0));
	SHOW(epoll_wait(ep, out, 8, 0)); /* edge: not again */
	write(p[1], "a", 1);
	SHOW(epoll_wait(ep, out, 8, 0));
	e.events = EPOLLIN | EPOLLONESHOT;
	SHOW(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e));
	SHOW(epoll_wait(ep, out, 8, 0));
	SHOW(epoll_wait(ep, out, 8, 0));
	SHOW(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e));
	SHOW(epoll_wait(ep, out, 8, 0));
	/* several, with out events, and hang up */
	e.events = EPOLLOUT;
	e.data.u64 = 2;
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, q[1], &e));
	SHOW(epoll_wait(ep, out, 8, 0));
	say("%x %lu", out[0].events, out[0].data.u64);
	close(q[0]);
	SHOW(epoll_wait(ep, out, 8, 0));
	say("%x", out[0].events);
	SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, q[1], NULL));
	/* nested, and a closed descriptor leaves the set */
	int outer = epoll_create1(0);
	e.events = EPOLLIN;
	e.data.u64 = 3;
	SHOW(epoll_ctl(outer, EPOLL_CTL_ADD, ep, &e));
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, outer, &e));
	SHOW(epoll_wait(outer, out, 8, 0));
	SHOW(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e));
	SHOW(epoll_wait(outer, out, 8, 0));
	close(p[0]);
	SHOW(epoll_wait(outer, out, 8, 0));
	SHOW(epoll_wait(ep, out, 8, 0));
	/* woken from another process */
	int ev = eventfd(0, 0);
	e.data.u64 = 4;
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e));
	pid_t pid = fork();
	if (!pid) {
		sleep_ms(20);
		uint64_t one = 1;
		write(ev, &one, 8);
		_exit(0);
	}
	SHOW(epoll_wait(ep, out, 8, 5000));
	say("%lu", out[0].data.u64);
	waitpid(pid, NULL, 0);
	uint64_t start = now_ms();
	read(ev, &start, 8);
	start = now_ms();
	SHOW(epoll_wait(ep, out, 8, 30));
	CHECK(now_ms() - start >= 30);
	unlink("/data/e");
}

static void show_events(int fd)
{
	char buf[4096] __attribute__((aligned(8)));
	long n = read(fd, buf, sizeof(buf));

	if (n < 0) {
		say("read %s", error_name(errno));
		return;
	}
	for (long at = 0; at < n;) {
		struct inotify_event *e = (void *)(buf + at);
		say("  wd %d mask %x cookie %d name %s", e->wd, e->mask, e->cookie != 0, e->len ? e->name : "");
		at += sizeof(*e) + e->len;
	}
}

static void inotifies(void)
{
	SECTION("inotify");
	for (int i = 0; i < 2; i++) {
		chdir(i ? "/tmp" : "/data");
		mkdir("in", 0755);
		int fd = SHOW(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
		int wd = SHOW(inotify_add_watch(fd, "in", IN_ALL_EVENTS));
		SHOW(inotify_add_watch(fd, "none", IN_ALL_EVENTS));
		SHOW(inotify_add_watch(fd, "in", 0));
		show_events(fd);
		int f = open("in/a", O_CREAT | O_RDWR, 0600);
		show_events(fd);
		write(f, "x", 1);
		show_events(fd);
		close(f);
		show_events(fd);
		rename("in/a", "in/b");
		show_events(fd);
		chmod("in/b", 0644);
		show_events(fd);
		link("in/b", "in/c");
		show_events(fd);
		unlink("in/c");
		unlink("in/b");
		show_events(fd);
		mkdir("in/d", 0700);
		rmdir("in/d");
		show_events(fd);
		SHOW(inotify_rm_watch(fd, wd));
		show_events(fd);
		SHOW(inotify_rm_watch(fd, wd));
		wd = SHOW(inotify_add_watch(fd, "in", IN_DELETE_SELF));
		rmdir("in");
		show_events(fd);
		close(fd);
	}
}

static void memfds(void)
{
	SECTION("memfd");
	int fd = SHOW(memfd_create("name", MFD_ALLOW_SEALING | MFD_CLOEXEC));
	SHOW(fcntl(fd, F_GET_SEALS));
	SHOW(ftruncate(fd, 8192));
	char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	strcpy(map, "shared");
	char buf[16] = { 0 };
	SHOW(pread(fd, buf, 16, 0));
	say("%s", buf);
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	munmap(map, 8192);
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK));
	SHOW(write(fd, "x", 1));
	SHOW(ftruncate(fd, 0));
	SHOW(ftruncate(fd, 16384));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SEAL));
	SHOW(ftruncate(fd, 32768));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	SHOW(fcntl(fd, F_GET_SEALS));
	SHOW(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	OK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0));
	OK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	close(fd);
	fd = SHOW(memfd_create("x", 0));
	SHOW(fcntl(fd, F_GET_SEALS));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	SHOW(memfd_create("x", 0x8000));
	/* shared over fork */
	ftruncate(fd, 4096);
	int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	IN_CHILD(*shared = 99);
	say("%d", *shared);
}

int main(void)
{
	eventfds();
	timerfds();
	epolls();
	inotifies();
	memfds();
	return 0;
}
