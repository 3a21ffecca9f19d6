// SPDX-License-Identifier: Apache-2.0
/*
 * Threads and processes that open, close, dup, watch, poll, read and write event files of all kinds at random, under each
 * other's hands. Nothing is printed but that it ended: the kernel must survive, and nobody may sleep for ever.
 */
#include "test.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

enum { FIRST = 10, FDS = 40, THREADS = 4, ROUNDS = 4000 };

static void make(unsigned *seed)
{
	int p[2];
	sigset_t set;
	struct itimerspec its = { { 0, 1000000 }, { 0, 1000000 } };

	switch (rand_r(seed) % 8) {
	case 0:
		if (pipe2(p, O_NONBLOCK | (rand_r(seed) % 4 ? 0 : O_DIRECT)))
			return;
		break;
	case 1:
		p[0] = eventfd(1, EFD_NONBLOCK);
		p[1] = epoll_create1(0);
		break;
	case 2:
		p[0] = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
		timerfd_settime(p[0], 0, &its, NULL);
		p[1] = epoll_create1(0);
		break;
	case 3:
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		p[0] = signalfd(-1, &set, SFD_NONBLOCK);
		p[1] = inotify_init1(IN_NONBLOCK);
		inotify_add_watch(p[1], "/tmp", IN_ALL_EVENTS);
		break;
	case 4:
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p))
			return;
		break;
	case 5:
		p[0] = open("/tmp/race-fifo", O_RDONLY | O_NONBLOCK);
		p[1] = open("/tmp/race-fifo", O_RDWR | O_NONBLOCK);
		break;
	case 6:
		p[0] = open("/tmp/race-file", O_RDWR | O_CREAT, 0600);
		p[1] = open("/tmp/race-file", O_RDWR | O_NONBLOCK);
		break;
	default:
		p[0] = epoll_create1(0);
		p[1] = (int)syscall(SYS_pidfd_open, getpid(), 0);
	}
	for (int i = 0; i < 2; i++) {
		if (p[i] < 0)
			continue;
		dup2(p[i], FIRST + rand_r(seed) % FDS);
		close(p[i]);
	}
}

static void step(unsigned *seed)
{
	static const unsigned events[] = { EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLET, EPOLLIN | EPOLLONESHOT, EPOLLIN | EPOLLEXCLUSIVE };
	int a = FIRST + rand_r(seed) % FDS, b = FIRST + rand_r(seed) % FDS;
	struct epoll_event e = { events[rand_r(seed) % 5], { .fd = b } }, out[4];
	struct pollfd p[3] = { { a, POLLIN, 0 }, { b, POLLIN | POLLOUT, 0 }, { FIRST, POLLIN, 0 } };
	struct flock lock = { .l_type = (short)(rand_r(seed) % 3), .l_start = rand_r(seed) % 10, .l_len = 1 + rand_r(seed) % 5 };
	struct timeval tv = { 0, 500 };
	char buf[5000];
	fd_set set;

	switch (rand_r(seed) % 18) {
	case 0:
	case 1:
		make(seed);
		break;
	case 2:
		close(a);
		break;
	case 3:
		dup2(a, b);
		break;
	case 4:
	case 5:
		epoll_ctl(a, EPOLL_CTL_ADD, b, &e);
		break;
	case 6:
		epoll_ctl(a, rand_r(seed) % 2 ? EPOLL_CTL_MOD : EPOLL_CTL_DEL, b, &e);
		break;
	case 7:
	case 8:
		epoll_wait(a, out, 4, rand_r(seed) % 3);
		break;
	case 9:
		poll(p, 3, 1);
		break;
	case 10:
		FD_ZERO(&set);
		FD_SET(a, &set);
		FD_SET(b, &set);
		select(FIRST + FDS, &set, NULL, NULL, &tv);
		break;
	case 11:
	case 12:
		fcntl(a, F_SETFL, O_NONBLOCK);
		read(a, buf, (size_t)rand_r(seed) % sizeof(buf));
		break;
	case 13:
	case 14:
		fcntl(a, F_SETFL, O_NONBLOCK);
		write(a, buf, (size_t)rand_r(seed) % sizeof(buf));
		break;
	case 15:
		flock(a, (rand_r(seed) % 2 ? LOCK_EX : LOCK_UN) | LOCK_NB);
		fcntl(a, rand_r(seed) % 2 ? F_SETLK : F_OFD_SETLK, &lock);
		break;
	case 16:
		fcntl(a, F_SETFL, O_NONBLOCK);
		fcntl(b, F_SETFL, O_NONBLOCK);
		splice(a, NULL, b, NULL, 3000, SPLICE_F_NONBLOCK);
		tee(a, b, 100, SPLICE_F_NONBLOCK);
		break;
	default:
		fcntl(a, F_SETPIPE_SZ, 4096 << rand_r(seed) % 5);
		kill(getpid(), SIGUSR1);
	}
}

static void *run(void *arg)
{
	unsigned seed = (unsigned)(long)arg;

	for (int i = 0; i < ROUNDS; i++)
		step(&seed);
	return NULL;
}

int main(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	mkfifo("/tmp/race-fifo", 0600);
	/* Two processes that share what was open at the fork. */
	unsigned seed = 99;
	for (int i = 0; i < 30; i++)
		make(&seed);
	pid_t pid = fork();
	pthread_t threads[THREADS];
	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, run, (void *)(i + (pid ? 1 : 100)));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	if (!pid)
		_exit(0);
	int status;
	waitpid(pid, &status, 0);
	show_status("child", status);
	unlink("/tmp/race-fifo");
	unlink("/tmp/race-file");
	return 0;
}
