// SPDX-License-Identifier: Apache-2.0
/* Pipes, FIFOs, splice, tee, poll and select on them. */
#include "test.h"

#include <sys/ioctl.h>
#include <sys/select.h>

static void basic(void)
{
	int p[2], n;
	char buf[70000];

	SECTION("pipe");
	memset(buf, 'x', sizeof(buf));
	SHOW(pipe(p));
	SHOW(write(p[1], "hello", 5));
	SHOW(ioctl(p[0], FIONREAD, &n));
	say("n %d", n);
	SHOW(read(p[0], buf, 3));
	SHOW(read(p[0], buf, 100));
	SHOW(read(p[1], buf, 1));
	SHOW(write(p[0], buf, 1));
	SHOW(lseek(p[0], 0, SEEK_SET));
	SHOW(pread(p[0], buf, 1, 0));
	SHOW(fcntl(p[0], F_GETPIPE_SZ));
	SHOW(fcntl(p[0], F_SETPIPE_SZ, 5000));
	SHOW(fcntl(p[0], F_SETPIPE_SZ, 65536));
	SHOW(fcntl(p[1], F_SETFL, O_NONBLOCK));
	SHOW(write(p[1], buf, 70000));
	SHOW(write(p[1], buf, 1));
	SHOW(write(p[1], buf, 4097));
	SHOW(read(p[0], buf, 4096));
	SHOW(write(p[1], buf, 4097));
	SHOW(write(p[1], buf, 4096));
	SHOW(read(p[0], buf, 70000));
	SHOW(fcntl(p[0], F_SETFL, O_NONBLOCK));
	SHOW(read(p[0], buf, 1));
	SHOW(read(p[0], buf, 0));
	close(p[1]);
	SHOW(read(p[0], buf, 1));
	close(p[0]);
	SHOW(pipe2(p, O_CLOEXEC | O_NONBLOCK));
	SHOW(fcntl(p[0], F_GETFD));
	say("%o", fcntl(p[1], F_GETFL));
	SHOW(pipe2(p, 0x1));
	SHOW(syscall(SYS_pipe, (int *)8));
	close(p[0]);
	signal(SIGPIPE, SIG_IGN);
	SHOW(write(p[1], "x", 1));
	close(p[1]);
	/* packet mode */
	SHOW(pipe2(p, O_DIRECT));
	write(p[1], "one", 3);
	write(p[1], "three", 5);
	SHOW(read(p[0], buf, 100));
	SHOW(read(p[0], buf, 2));
	close(p[0]);
	close(p[1]);
}

static void blocking(void)
{
	int p[2];
	static char block[1 << 20];
	long total = 0, n;

	SECTION("blocking transfer");
	pipe(p);
	pid_t pid = fork();
	if (!pid) {
		close(p[0]);
		for (size_t i = 0; i < sizeof(block); i++)
			block[i] = (char)(i * 7 >> 3);
		long w = write(p[1], block, sizeof(block));
		_exit(w == sizeof(block) ? 0 : 1);
	}
	close(p[1]);
	unsigned sum = 0;
	while ((n = read(p[0], block, 10007)) > 0) {
		for (long i = 0; i < n; i++)
			sum = sum * 31 + (unsigned char)block[i];
		total += n;
	}
	int status;
	waitpid(pid, &status, 0);
	show_status("writer", status);
	say("total %ld sum %u", total, sum);
	close(p[0]);
}

static void polls(void)
{
	int p[2];

	SECTION("poll");
	pipe(p);
	struct pollfd fds[3] = { { p[0], POLLIN, 0 }, { p[1], POLLOUT, 0 }, { -1, POLLIN, 0 } };
	SHOW(poll(fds, 3, 0));
	say("%x %x", fds[0].revents, fds[1].revents);
	write(p[1], "x", 1);
	SHOW(poll(fds, 3, -1));
	say("%x %x", fds[0].revents, fds[1].revents);
	fds[2].fd = 77;
	SHOW(poll(fds, 3, 0));
	say("%x", fds[2].revents);
	char c;
	read(p[0], &c, 1);
	uint64_t start = now_ms();
	SHOW(poll(fds, 1, 50));
	CHECK(now_ms() - start >= 50);
	fd_set r, w;
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	struct timeval tv = { 0, 10000 };
	SHOW(select(p[1] + 1, &r, &w, NULL, &tv));
	say("%d %d", !!FD_ISSET(p[0], &r), !!FD_ISSET(p[1], &w));
	FD_SET(p[0], &r);
	FD_SET(60, &r);
	SHOW(select(61, &r, NULL, NULL, &tv));
	SHOW(select(-1, NULL, NULL, NULL, &tv));
	close(p[1]);
	fds[0].revents = 0;
	SHOW(poll(fds, 1, -1));
	say("%x", fds[0].revents);
	struct timespec t = { 0, 5000000 };
	SHOW(ppoll(NULL, 0, &t, NULL));
	SHOW(ppoll(NULL, 0, &(struct timespec){ -1, 0 }, NULL));
	SHOW(pselect(0, NULL, NULL, NULL, &t, NULL));
	close(p[0]);
	pipe(p);
	close(p[0]);
	fds[0] = (struct pollfd){ p[1], POLLOUT, 0 };
	SHOW(poll(fds, 1, 0));
	say("%x", fds[0].revents);
	close(p[1]);
}

static void splices(void)
{
	int a[2], b[2];
	char buf[128] = { 0 };

	SECTION("splice and tee");
	pipe(a);
	pipe(b);
	write(a[1], "0123456789", 10);
	SHOW(tee(a[0], b[1], 4, 0));
	SHOW(read(b[0], buf, 100));
	SHOW(splice(a[0], NULL, b[1], NULL, 6, 0));
	SHOW(read(b[0], buf, 100));
	SHOW(read(a[0], buf, 100));
	int fd = open("/data/sp", O_RDWR | O_CREAT | O_TRUNC, 0600);
	write(fd, "file contents", 13);
	loff_t off = 5;
	SHOW(splice(fd, &off, a[1], NULL, 100, 0));
	say("off %ld", (long)off);
	SHOW(splice(a[0], NULL, fd, &(loff_t){ 0 }, 8, 0));
	SHOW(pread(fd, buf, 13, 0));
	say("%.13s", buf);
	SHOW(splice(fd, NULL, fd, NULL, 1, 0));
	SHOW(splice(a[0], &off, b[1], NULL, 1, 0));
	SHOW(tee(a[0], a[1], 1, 0));
	SHOW(splice(a[0], NULL, b[1], NULL, 1, SPLICE_F_NONBLOCK));
	struct iovec iov = { "vmspliced", 9 };
	SHOW(vmsplice(a[1], &iov, 1, 0));
	memset(buf, 0, sizeof(buf));
	SHOW(read(a[0], buf, 100));
	say("%s", buf);
	unlink("/data/sp");
}

static void fifos(void)
{
	char buf[16];

	SECTION("fifo");
	for (int i = 0; i < 2; i++) {
		const char *path = i ? "/tmp/fifo" : "/data/fifo";
		unlink(path);
		SHOW(mkfifo(path, 0600));
		SHOW(mkfifo(path, 0600));
		SHOW(open(path, O_WRONLY | O_NONBLOCK));
		int r = open(path, O_RDONLY | O_NONBLOCK);
		CHECK(r >= 0);
		SHOW(read(r, buf, 1));
		int w = open(path, O_WRONLY);
		SHOW(read(r, buf, 1));
		SHOW(write(w, "abc", 3));
		SHOW(read(r, buf, 10));
		close(w);
		SHOW(read(r, buf, 1));
		close(r);
		pid_t pid = fork();
		if (!pid) {
			w = open(path, O_WRONLY);
			write(w, "child", 5);
			_exit(0);
		}
		r = open(path, O_RDONLY);
		SHOW(read(r, buf, 10));
		SHOW(read(r, buf, 10));
		close(r);
		waitpid(pid, NULL, 0);
		unlink(path);
	}
}

int main(void)
{
	basic();
	blocking();
	polls();
	splices();
	fifos();
	return 0;
}
