// SPDX-License-Identifier: Apache-2.0
/* Pipes under load and at their edges: atomic writes, many writers, SIGPIPE, reopening, FIFO hang-ups, interrupted opens. */
#include "test.h"

#include <sys/ioctl.h>

static void atomic(void)
{
	int p[2];
	char block[4096], buf[4096];

	SECTION("atomic writes of several writers");
	pipe(p);
	for (int w = 0; w < 4; w++) {
		if (!fork()) {
			memset(block, 'a' + w, sizeof(block));
			for (int i = 0; i < 200; i++)
				write(p[1], block, 1000 + (size_t)w * 1000);
			_exit(0);
		}
	}
	close(p[1]);
	long counts[4] = { 0 }, run = 0, torn = 0, n;
	int last = -1;
	while ((n = read(p[0], buf, sizeof(buf))) > 0) {
		for (long i = 0; i < n; i++) {
			int w = buf[i] - 'a';
			counts[w]++;
			if (w != last) {
				if (last >= 0 && run % (1000 + last * 1000))
					torn++;
				last = w;
				run = 0;
			}
			run++;
		}
	}
	say("%ld %ld %ld %ld torn %ld", counts[0], counts[1], counts[2], counts[3], torn);
	while (wait(NULL) > 0)
		;
	close(p[0]);
}

static void ping_pong(void)
{
	int a[2], b[2];
	char c = 0;
	long sum = 0;

	SECTION("ping pong");
	pipe(a);
	pipe(b);
	if (!fork()) {
		close(a[1]);
		close(b[0]);
		while (read(a[0], &c, 1) == 1) {
			c++;
			write(b[1], &c, 1);
		}
		_exit(0);
	}
	close(a[0]);
	close(b[1]);
	for (int i = 0; i < 5000; i++) {
		c = (char)(i & 63);
		write(a[1], &c, 1);
		read(b[0], &c, 1);
		sum += c;
	}
	close(a[1]);
	say("sum %ld", sum);
	wait(NULL);
	close(b[0]);
}

static void broken(void)
{
	int p[2];
	static char big[200000];

	SECTION("broken pipe");
	pipe(p);
	close(p[0]);
	IN_CHILD(write(p[1], "x", 1));
	close(p[1]);
	/* the reader leaves in the middle of a write */
	pipe(p);
	pid_t pid = fork();
	if (!pid) {
		close(p[0]);
		signal(SIGPIPE, SIG_IGN);
		long n = write(p[1], big, sizeof(big));
		_exit(n == -1 && errno == EPIPE ? 1 : n == 65536 + 4096 ? 2 : 3);
	}
	close(p[1]);
	sleep_ms(30);
	read(p[0], big, 4096);
	sleep_ms(30);
	close(p[0]);
	int status;
	waitpid(pid, &status, 0);
	show_status("writer", status);
}

static void reopened(void)
{
	int p[2];
	char path[64], buf[8], link[64];

	SECTION("reopened through /proc");
	pipe(p);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
	int w = open(path, O_WRONLY);
	CHECK(w >= 0);
	SHOW(write(w, "abc", 3));
	SHOW(read(p[0], buf, 8));
	close(p[1]);
	int r = open(path, O_RDONLY | O_NONBLOCK);
	SHOW(read(r, buf, 8));
	close(w);
	SHOW(read(r, buf, 8));
	long n = readlink(path, link, sizeof(link) - 1);
	link[n] = 0;
	CHECK(!strncmp(link, "pipe:[", 6));
	struct stat s;
	fstat(p[0], &s);
	say("%o %ld", s.st_mode, (long)s.st_size);
	close(r);
	close(p[0]);
}

static void on_alarm(int sig) { (void)sig; }

static void fifo(void)
{
	char path[] = "/tmp/fifoXXXXXX", buf[8];

	SECTION("fifo");
	close(mkstemp(path));
	unlink(path);
	mkfifo(path, 0600);
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { { 0, 0 }, { 0, 20000 } };
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	SHOW(open(path, O_RDONLY));
	setitimer(ITIMER_REAL, &it, NULL);
	SHOW(open(path, O_WRONLY));
	SHOW(open(path, O_WRONLY | O_NONBLOCK));
	int r = open(path, O_RDONLY | O_NONBLOCK);
	struct pollfd p = { r, POLLIN, 0 };
	SHOW(poll(&p, 1, 0));
	say("%x", p.revents);
	int w = open(path, O_WRONLY | O_NONBLOCK);
	SHOW(poll(&p, 1, 0));
	write(w, "z", 1);
	SHOW(poll(&p, 1, 0));
	say("%x", p.revents);
	close(w);
	SHOW(poll(&p, 1, 0));
	say("%x", p.revents);
	SHOW(read(r, buf, 8));
	SHOW(poll(&p, 1, 0));
	say("%x", p.revents);
	close(r);
	int both = open(path, O_RDWR);
	CHECK(both >= 0);
	SHOW(write(both, "both", 4));
	SHOW(read(both, buf, 8));
	p = (struct pollfd){ both, POLLIN | POLLOUT, 0 };
	SHOW(poll(&p, 1, 0));
	say("%x", p.revents);
	close(both);
	/* data goes with the last close */
	both = open(path, O_RDWR);
	write(both, "lost", 4);
	close(both);
	both = open(path, O_RDWR | O_NONBLOCK);
	SHOW(read(both, buf, 8));
	close(both);
	unlink(path);
}

static void sizes(void)
{
	int p[2], n;
	static char big[2 << 20];

	SECTION("sizes");
	pipe2(p, O_NONBLOCK);
	SHOW(fcntl(p[0], F_SETPIPE_SZ, 1));
	SHOW(write(p[1], big, 5000));
	SHOW(fcntl(p[0], F_SETPIPE_SZ, 1 << 20));
	SHOW(write(p[1], big, sizeof(big)));
	SHOW(fcntl(p[0], F_SETPIPE_SZ, 65536));
	SHOW(ioctl(p[1], FIONREAD, &n));
	say("%d", n);
	SHOW(read(p[0], big, sizeof(big)));
	SHOW(fcntl(p[0], F_SETPIPE_SZ, 65536));
	SHOW(fcntl(p[0], F_SETPIPE_SZ, 0));
	SHOW(fcntl(p[0], F_GETPIPE_SZ));
	SHOW(fcntl(0, F_SETFL, fcntl(0, F_GETFL)));
	int f = open("/proc/self/exe", O_RDONLY);
	SHOW(fcntl(f, F_GETPIPE_SZ));
	SHOW(readv(p[0], (struct iovec[]){ { big, 10 } }, 1));
	SHOW(writev(p[1], (struct iovec[]){ { "ab", 2 }, { "", 0 }, { "cd", 2 } }, 3));
	SHOW(readv(p[0], (struct iovec[]){ { big, 1 }, { big + 1, 1000 } }, 2));
	SHOW(write(p[1], (void *)16, 10));
	SHOW(write(p[1], "x", 1));
	SHOW(read(p[0], (void *)16, 10));
	SHOW(read(p[0], big, 10));
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	atomic();
	ping_pong();
	broken();
	reopened();
	fifo();
	sizes();
	return 0;
}
