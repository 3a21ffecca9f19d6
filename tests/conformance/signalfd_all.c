// SPDX-License-Identifier: Apache-2.0
/* signalfd: what it reads, poll and epoll on it, changes of the mask. */
#include "test.h"

#include <sys/epoll.h>
#include <sys/signalfd.h>

static void show(int fd)
{
	struct signalfd_siginfo s[4];
	long n = read(fd, s, sizeof(s));

	if (n < 0) {
		say("read %s", error_name(errno));
		return;
	}
	for (unsigned i = 0; i < n / sizeof(*s); i++)
		say("  signal %u code %d pid %s int %d status %d", s[i].ssi_signo, s[i].ssi_code,
		    s[i].ssi_pid == (unsigned)getpid() ? "self" : s[i].ssi_pid ? "other" : "0", s[i].ssi_int, s[i].ssi_status);
}

int main(void)
{
	sigset_t mask;
	int fd, status;
	char small[64];

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGRTMIN + 2);
	sigaddset(&mask, SIGALRM);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	fd = SHOW(signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC));
	show(fd);
	SHOW(read(fd, small, sizeof(small)));
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR1);
	show(fd);
	show(fd);
	sigqueue(getpid(), SIGRTMIN + 2, (union sigval){ .sival_int = 11 });
	sigqueue(getpid(), SIGRTMIN + 2, (union sigval){ .sival_int = 22 });
	raise(SIGUSR1);
	struct pollfd p = { fd, POLLIN, 0 };
	SHOW(poll(&p, 1, 0));
	show(fd);
	SHOW(poll(&p, 1, 0));
	pid_t pid = fork();
	if (!pid)
		_exit(7);
	SHOW(poll(&p, 1, 2000));
	show(fd);
	waitpid(pid, &status, 0);

	int ep = epoll_create1(0);
	struct epoll_event e = { .events = EPOLLIN }, out;
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
	SHOW(epoll_wait(ep, &out, 1, 0));
	ualarm(10000, 0);
	SHOW(epoll_wait(ep, &out, 1, 2000));
	show(fd);

	sigset_t other;
	sigemptyset(&other);
	sigaddset(&other, SIGUSR2);
	sigprocmask(SIG_BLOCK, &other, NULL);
	raise(SIGUSR1);
	raise(SIGUSR2);
	CHECK(signalfd(fd, &other, 0) == fd);
	show(fd);
	show(fd);
	SHOW(signalfd(0, &mask, 0));
	SHOW(signalfd(99, &mask, 0));
	SHOW(signalfd(-1, &mask, 0x123));
	SHOW(syscall(SYS_signalfd4, -1, &mask, 4, 0));
	sigpending(&mask);
	say("usr1 %d usr2 %d", sigismember(&mask, SIGUSR1), sigismember(&mask, SIGUSR2));
	close(ep);
	close(fd);

	/* blocking read, signal from a child */
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	fd = signalfd(-1, &mask, 0);
	show(fd);
	pid = fork();
	if (!pid) {
		sleep_ms(20);
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	show(fd);
	waitpid(pid, NULL, 0);
	return 0;
}
