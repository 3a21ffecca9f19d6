// SPDX-License-Identifier: Apache-2.0
/* poll, select and epoll_wait with signals, signal masks, remaining times, many descriptors. */
#include "test.h"

#include <sys/epoll.h>
#include <sys/select.h>

static volatile int handled;
static void handler(int sig) { (void)sig; handled++; }

/* Again and again: on a busy machine the first may come before the call that it is to interrupt. 0: no more. */
static void arm(int ms)
{
	struct itimerval it = { { 0, ms * 1000 }, { 0, ms * 1000 } };
	setitimer(ITIMER_REAL, &it, NULL);
}

static void install(int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };
	sigaction(SIGALRM, &sa, NULL);
}

static void signals(int flags)
{
	struct timeval tv = { 20, 0 };
	struct epoll_event e;
	int ep = epoll_create1(0);

	handled = 0;
	install(flags);
	say("flags %s", flags ? "SA_RESTART" : "0");
	arm(20);
	SHOW(poll(NULL, 0, 20000));
	SHOW(select(0, NULL, NULL, NULL, &tv));
	CHECK(tv.tv_sec >= 1 && tv.tv_sec < 20);
	SHOW(ppoll(NULL, 0, &(struct timespec){ 20, 0 }, NULL));
	SHOW(epoll_wait(ep, &e, 1, 20000));
	arm(0);
	close(ep);
	CHECK(handled >= 4);
}

/* Stopped, and continued when the time is over: poll ends then. */
static void stopped(void)
{
	volatile uint64_t *continued = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	SECTION("stop and continue");
	pid_t pid = fork();
	if (!pid) {
		uint64_t start = now_ms();
		int r = poll(NULL, 0, 3000);
		uint64_t end = now_ms();
		/* Starting over would take another 3000 ms. */
		_exit(r == 0 && end - start >= 2999 && *continued && end - *continued < 2999 ? 0 : 1);
	}
	int status;
	sleep_ms(50);
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	show_status("child", status);
	sleep_ms(3000);
	*continued = now_ms();
	kill(pid, SIGCONT);
	waitpid(pid, &status, 0);
	show_status("child", status);
}

static void masks(void)
{
	sigset_t block, none;
	struct epoll_event e;
	int ep = epoll_create1(0);

	SECTION("masks");
	sigemptyset(&block);
	sigaddset(&block, SIGALRM);
	sigemptyset(&none);
	sigprocmask(SIG_BLOCK, &block, NULL);
	handled = 0;
	raise(SIGALRM);
	SHOW(poll(NULL, 0, 10));
	say("handled %d", handled);
	SHOW(ppoll(NULL, 0, &(struct timespec){ 5, 0 }, &none));
	say("handled %d", handled);
	raise(SIGALRM);
	SHOW(pselect(0, NULL, NULL, NULL, &(struct timespec){ 5, 0 }, &none));
	say("handled %d", handled);
	raise(SIGALRM);
	SHOW(epoll_pwait(ep, &e, 1, 5000, &none));
	say("handled %d", handled);
	sigprocmask(SIG_SETMASK, NULL, &none);
	say("still blocked %d", sigismember(&none, SIGALRM));
	sigprocmask(SIG_UNBLOCK, &block, NULL);
	SHOW(syscall(SYS_ppoll, NULL, 0, NULL, &none, 4));
	close(ep);
}

static void many(void)
{
	enum { N = 200 };
	int p[N][2];
	struct pollfd fds[N];
	fd_set set;

	SECTION("many");
	for (int i = 0; i < N; i++) {
		pipe(p[i]);
		fds[i] = (struct pollfd){ p[i][0], POLLIN, 0 };
	}
	pid_t pid = fork();
	if (!pid) {
		sleep_ms(20);
		write(p[150][1], "x", 1);
		_exit(0);
	}
	SHOW(poll(fds, N, 5000));
	for (int i = 0; i < N; i++)
		if (fds[i].revents)
			say("%d: %x", i, fds[i].revents);
	waitpid(pid, NULL, 0);
	FD_ZERO(&set);
	for (int i = 0; i < N; i++)
		FD_SET(p[i][0], &set);
	SHOW(select(1024, &set, NULL, NULL, NULL));
	for (int i = 0; i < N; i++)
		if (FD_ISSET(p[i][0], &set))
			say("%d", i);
	for (int i = 0; i < N; i++) {
		close(p[i][0]);
		close(p[i][1]);
	}
	struct rlimit rl = { 64, 64 };
	setrlimit(RLIMIT_NOFILE, &rl);
	SHOW(poll(fds, 65, 0));
}

static void regular(void)
{
	char path[] = "/tmp/pollXXXXXX";
	int fd = mkstemp(path);
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLPRI | POLLRDNORM, 0 };
	fd_set r, w, x;

	SECTION("regular file");
	unlink(path);
	SHOW(poll(&p, 1, -1));
	say("%x", p.revents);
	FD_ZERO(&r);
	FD_SET(fd, &r);
	w = x = r;
	SHOW(select(fd + 1, &r, &w, &x, NULL));
	say("%d %d %d", !!FD_ISSET(fd, &r), !!FD_ISSET(fd, &w), !!FD_ISSET(fd, &x));
	struct timeval tv = { 0, -1 };
	SHOW(select(0, NULL, NULL, NULL, &tv));
	tv = (struct timeval){ 0, 1500000 };
	SHOW(select(fd + 1, &r, NULL, NULL, &tv));
	SHOW(poll((void *)8, 1, 0));
	p.fd = -5;
	p.revents = 77;
	SHOW(poll(&p, 1, 0));
	say("%x", p.revents);
}

int main(void)
{
	signals(0);
	signals(SA_RESTART);
	stopped();
	masks();
	regular();
	many();
	return 0;
}
