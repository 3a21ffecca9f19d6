// SPDX-License-Identifier: Apache-2.0
/* timerfd on every clock, eventfd between processes, pidfd. */
#include "test.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

static void clocks(void)
{
	int clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME };
	uint64_t v;

	SECTION("clocks");
	for (int i = 0; i < 3; i++) {
		struct itimerspec its = { { 0, 0 }, { 0, 20000000 } }, now;
		int fd = timerfd_create(clocks[i], 0);
		uint64_t start = now_ms();
		SHOW(timerfd_settime(fd, 0, &its, NULL));
		SHOW(read(fd, &v, 8));
		uint64_t took = now_ms() - start;
		CHECK(v == 1 && took >= 19 && took < 3000);
		timerfd_gettime(fd, &now);
		CHECK(!now.it_value.tv_sec && !now.it_value.tv_nsec);
		clock_gettime(clocks[i], &its.it_value);
		its.it_value.tv_nsec += 30000000;
		if (its.it_value.tv_nsec >= 1000000000) {
			its.it_value.tv_nsec -= 1000000000;
			its.it_value.tv_sec++;
		}
		start = now_ms();
		SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL));
		SHOW(read(fd, &v, 8));
		took = now_ms() - start;
		CHECK(took >= 29 && took < 3000);
		/* long ago, with an interval: all periods at once */
		its.it_value.tv_sec -= 10;
		its.it_interval.tv_sec = 1;
		SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL));
		SHOW(read(fd, &v, 8));
		CHECK(v >= 10 && v <= 14);
		SHOW(timerfd_settime(fd, 8, &its, NULL));
		close(fd);
	}
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	struct itimerspec its = { { 0, 0 }, { 1, 0 } };
	SHOW(timerfd_settime(fd, TFD_TIMER_CANCEL_ON_SET, &its, NULL));
	SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &its, NULL));
	SHOW(read(fd, &v, 4));
	SHOW(write(fd, &v, 8));
	SHOW(timerfd_gettime(0, &its));
	close(fd);
}

static void between(void)
{
	uint64_t v;
	int fd = eventfd(0, 0), back = eventfd(0, EFD_SEMAPHORE);

	SECTION("eventfd between processes");
	pid_t pid = fork();
	if (!pid) {
		for (int i = 0; i < 100; i++) {
			eventfd_read(fd, &v);
			eventfd_write(back, v);
		}
		_exit(0);
	}
	long sum = 0;
	for (int i = 1; i <= 100; i++) {
		eventfd_write(fd, (eventfd_t)i);
		for (int k = 0; k < i; k++) {
			eventfd_read(back, &v);
			sum += (long)v;
		}
	}
	say("sum %ld", sum);
	waitpid(pid, NULL, 0);
	/* a writer that must wait */
	eventfd_write(fd, UINT64_MAX - 1);
	pid = fork();
	if (!pid) {
		eventfd_write(fd, 5);
		_exit(0);
	}
	sleep_ms(20);
	SHOW(eventfd_read(fd, &v));
	CHECK(v == UINT64_MAX - 1);
	SHOW(eventfd_read(fd, &v));
	say("%lu", v);
	waitpid(pid, NULL, 0);
	close(fd);
	close(back);
}

static void pidfds(void)
{
	int p[2];

	SECTION("pidfd");
	pipe(p);
	pid_t pid = fork();
	if (!pid) {
		char c;
		close(p[1]);
		read(p[0], &c, 1);
		pause();
		_exit(0);
	}
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	CHECK(fd >= 0);
	struct pollfd poll_fd = { fd, POLLIN, 0 };
	SHOW(poll(&poll_fd, 1, 10));
	int other = (int)syscall(SYS_pidfd_getfd, fd, p[0], 0);
	CHECK(other >= 0);
	struct stat a, b;
	fstat(other, &a);
	fstat(p[0], &b);
	CHECK(a.st_ino == b.st_ino);
	SHOW(fcntl(other, F_GETFD));
	SHOW(syscall(SYS_pidfd_getfd, fd, 99, 0));
	SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	SHOW(syscall(SYS_pidfd_send_signal, fd, 99, NULL, 0));
	SHOW(syscall(SYS_pidfd_send_signal, 0, 9, NULL, 0));
	SHOW(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
	SHOW(poll(&poll_fd, 1, 5000));
	say("%x", poll_fd.revents);
	int status;
	siginfo_t info = { 0 };
	SHOW(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOWAIT));
	say("code %d status %d", info.si_code, info.si_status);
	waitpid(pid, &status, 0);
	show_status("child", status);
	SHOW(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
	int self = open("/proc/self", O_RDONLY | O_DIRECTORY), other_dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
	SHOW(syscall(SYS_pidfd_send_signal, self, 0, NULL, 0));
	SHOW(syscall(SYS_pidfd_send_signal, other_dir, 0, NULL, 0));
	SHOW(syscall(SYS_pidfd_getfd, self, 0, 0));
	close(self);
	close(other_dir);
	SHOW(syscall(SYS_pidfd_open, 999999, 0));
	SHOW(syscall(SYS_pidfd_open, -1, 0));
	SHOW(syscall(SYS_pidfd_open, 1, 0x1));
	close(fd);
}

int main(void)
{
	clocks();
	between();
	pidfds();
	return 0;
}
