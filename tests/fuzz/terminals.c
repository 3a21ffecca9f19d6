// SPDX-License-Identifier: Apache-2.0
// container
/*
 * Fuzzer for terminals: runs inside a container. Threads of short-lived processes share a few pseudoterminals, of which they
 * open, close, read, write, poll and change everything at random, now and then as session leaders. usage: terminals SECONDS
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define PAIRS 4
#define THREADS 4

static const unsigned long requests[] = {
	TCGETS, TCSETS, TCSETSW, TCSETSF, TCGETA, TCSETA, TCSETAW, TCSETAF, TCSBRK, TCXONC, TCFLSH, TIOCEXCL, TIOCNXCL,
	TIOCSCTTY, TIOCGPGRP, TIOCSPGRP, TIOCOUTQ, TIOCSTI, TIOCGWINSZ, TIOCSWINSZ, TIOCINQ, TIOCPKT, TIOCNOTTY, TIOCSETD,
	TIOCGETD, TCSBRKP, TIOCSBRK, TIOCCBRK, TIOCGSID, TIOCGPTN, TIOCSPTLCK, TIOCGDEV, TIOCVHANGUP, TIOCGPKT, TIOCGPTLCK,
	TIOCGEXCL, TIOCGPTPEER, TIOCSIG, 0x802c542a, 0x402c542b, 0x402c542c, 0x402c542d /* TCGETS2, TCSETS2, ... */,
};
static const char characters[] = "abc \n\r\x03\x04\x11\x13\x15\x16\x17\x12\x1a\x1c\x7f\t\xc3\xa4\0\xff";

static int fds[2 * PAIRS]; /* master, slave; shared by the threads without care */
static volatile int stop;
static unsigned base_seed;

static void random_ioctl(int fd, unsigned *seed)
{
	char buffer[64];
	unsigned long request = requests[rand_r(seed) % (sizeof(requests) / sizeof(requests[0]))];
	uintptr_t argument = (uintptr_t)buffer;
	int result;

	for (size_t i = 0; i < sizeof(buffer); i++)
		buffer[i] = (char)(rand_r(seed) >> 8);
	if (rand_r(seed) % 8 == 0)
		argument = rand_r(seed) % 6;
	if (rand_r(seed) % 64 == 0)
		argument = 0x680000000000;
	result = ioctl(fd, request, argument);
	if (request == TIOCGPTPEER && result >= 0)
		close(result);
}

static void random_write(int fd, unsigned *seed)
{
	char buffer[5000];
	size_t n = rand_r(seed) % 4 ? (size_t)rand_r(seed) % 300 : sizeof(buffer);

	memset(buffer, 'x', sizeof(buffer));
	for (size_t i = 0; n < sizeof(buffer) && i < n; i++)
		buffer[i] = characters[rand_r(seed) % (sizeof(characters) - 1)];
	(void)!write(fd, buffer, n);
}

static void random_modes(int fd, unsigned *seed)
{
	struct termios modes;

	if (tcgetattr(fd, &modes))
		return;
	modes.c_lflag ^= 1U << rand_r(seed) % 17;
	modes.c_iflag ^= 1U << rand_r(seed) % 15;
	modes.c_oflag ^= 1U << rand_r(seed) % 14;
	modes.c_cc[VMIN] = rand_r(seed) % 5;
	tcsetattr(fd, rand_r(seed) % 3, &modes);
}

static void new_pair(unsigned *seed)
{
	int master = open("/dev/ptmx", O_RDWR | O_NONBLOCK | (rand_r(seed) & 1 ? O_NOCTTY : 0)), slave, number = 0, unlocked = 0;
	int at = 2 * (rand_r(seed) % PAIRS), old_master = fds[at], old_slave = fds[at + 1];
	char name[32];

	if (master < 0)
		return;
	ioctl(master, TIOCSPTLCK, &unlocked);
	ioctl(master, TIOCGPTN, &number);
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	slave = open(name, O_RDWR | O_NONBLOCK | (rand_r(seed) & 1 ? O_NOCTTY : 0));
	fds[at] = master;
	fds[at + 1] = slave;
	close(rand_r(seed) & 1 ? old_master : old_slave);
	close(old_master);
	close(old_slave);
}

static void *worker(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg + base_seed;
	char buffer[5000];

	while (!stop) {
		int fd = fds[rand_r(&seed) % (2 * PAIRS)];
		struct pollfd p = { fd, POLLIN | POLLOUT, 0 };

		switch (rand_r(&seed) % 12) {
		case 0 ... 3:
			random_ioctl(fd, &seed);
			break;
		case 4 ... 5:
			random_write(fd, &seed);
			break;
		case 6 ... 7:
			(void)!read(fd, buffer, rand_r(&seed) % sizeof(buffer));
			break;
		case 8:
			poll(&p, 1, rand_r(&seed) % 3);
			break;
		case 9:
			new_pair(&seed);
			break;
		case 10:
			fd = open("/dev/tty", O_RDWR | O_NONBLOCK);
			random_write(fd, &seed);
			close(fd);
			setpgid(0, 0);
			break;
		case 11:
			random_modes(fd, &seed);
			break;
		}
	}
	return NULL;
}

static void child(unsigned round)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU };
	pthread_t thread;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	if (round & 1)
		setsid();
	memset(fds, -1, sizeof(fds));
	base_seed = round * 1000 + (unsigned)time(NULL);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&thread, NULL, worker, (void *)i);
	usleep(300000);
	stop = 1;
	_exit(0);
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 10);
	unsigned bad = 0;

	for (unsigned round = 0; time(NULL) < end; round++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			child(round);
		waitpid(pid, &status, 0);
		bad += !WIFEXITED(status);
	}
	printf("%u ended badly\n", bad);
	return bad != 0;
}
