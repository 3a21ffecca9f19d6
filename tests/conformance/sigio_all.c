// SPDX-License-Identifier: Apache-2.0
/* Signal-driven I/O: O_ASYNC, F_SETOWN, F_SETSIG on pipes and sockets. */
#include "test.h"

#include <sys/ioctl.h>

static volatile sig_atomic_t count, code, band, fd_seen, number;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)context;
	count++;
	number = sig;
	code = info->si_code;
	band = (int)info->si_band;
	fd_seen = info->si_fd;
}

static void show(const char *what, int fd)
{
	say("%s: %d signals", what, count);
	if (count && number == SIGIO)
		say("  SIGIO code %d", code);
	else if (count)
		say("  signal %d code %d band %x fd %s", number, code, band, fd_seen == fd ? "right" : "wrong");
	count = 0;
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	int p[2], s[2], on = 1;
	static char big[65536];

	sigaction(SIGIO, &sa, NULL);
	sigaction(SIGRTMIN + 1, &sa, NULL);
	pipe2(p, O_NONBLOCK);
	SHOW(fcntl(p[0], F_GETOWN));
	SHOW(fcntl(p[0], F_SETFL, O_ASYNC | O_NONBLOCK));
	write(p[1], "a", 1);
	show("no owner", p[0]);
	read(p[0], big, 10);
	CHECK(fcntl(p[0], F_SETOWN, getpid()) == 0);
	CHECK(fcntl(p[0], F_GETOWN) == getpid());
	write(p[1], "a", 1);
	show("plain", p[0]);
	read(p[0], big, 10);
	SHOW(fcntl(p[0], F_SETSIG, SIGRTMIN + 1));
	write(p[1], "a", 1);
	show("queued", p[0]);
	read(p[0], big, 10);
	SHOW(fcntl(p[0], F_SETFL, O_NONBLOCK));
	write(p[1], "a", 1);
	show("off", p[0]);
	say("%o", fcntl(p[0], F_GETFL));
	SHOW(fcntl(p[0], F_SETSIG, 99));
	SHOW(fcntl(p[0], F_SETOWN, 999999));
	read(p[0], big, 10);
	fcntl(p[1], F_SETOWN, getpid());
	fcntl(p[1], F_SETSIG, SIGRTMIN + 1);
	SHOW(ioctl(p[1], FIOASYNC, &on));
	write(p[1], big, sizeof(big));
	count = 0;
	read(p[0], big, 8192);
	show("room", p[1]);
	close(p[1]);
	close(p[0]);

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	fcntl(s[0], F_SETOWN, getpid());
	fcntl(s[0], F_SETFL, O_ASYNC);
	write(s[1], "x", 1);
	show("socket", s[0]);
	close(s[1]);
	CHECK(count >= 1);
	return 0;
}
