// SPDX-License-Identifier: Apache-2.0
/* sendfile, splice, copy_file_range between files, pipes and sockets. */
#include "test.h"

#include <sys/sendfile.h>

static char data[300000], buf[300000];

static int file(const char *name, int flags) { return open(name, flags | O_CREAT, 0600); }

int main(void)
{
	char dir[] = "/tmp/spXXXXXX";
	int p[2], s[2];

	mkdtemp(dir);
	chdir(dir);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 13 >> 4);
	int in = file("in", O_RDWR), out = file("out", O_RDWR);
	write(in, data, sizeof(data));

	SECTION("sendfile to a file");
	lseek(in, 0, SEEK_SET);
	SHOW(sendfile(out, in, NULL, 1 << 20));
	SHOW(lseek(in, 0, SEEK_CUR));
	SHOW(lseek(out, 0, SEEK_CUR));
	SHOW(pread(out, buf, sizeof(buf), 0));
	CHECK(!memcmp(buf, data, sizeof(data)));
	off_t off = 299990;
	SHOW(sendfile(out, in, &off, 100));
	say("off %ld", (long)off);
	SHOW(sendfile(out, in, &off, 100));
	off = -1;
	SHOW(sendfile(out, in, &off, 1));
	int ap = open("out", O_WRONLY | O_APPEND), ro = open("out", O_RDONLY);
	SHOW(sendfile(ap, in, NULL, 1));
	SHOW(sendfile(ro, in, NULL, 1));
	SHOW(sendfile(out, ap, NULL, 1));

	SECTION("sendfile to a pipe and a socket");
	pipe2(p, O_NONBLOCK);
	lseek(in, 0, SEEK_SET);
	SHOW(sendfile(p[1], in, NULL, 300000));
	SHOW(lseek(in, 0, SEEK_CUR));
	SHOW(sendfile(p[1], in, NULL, 300000));
	SHOW(sendfile(out, p[0], NULL, 10));
	SHOW(read(p[0], buf, sizeof(buf)));
	CHECK(!memcmp(buf, data, 65536));
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	pid_t pid = fork();
	if (!pid) {
		close(s[1]);
		size_t got = 0;
		long n;
		while ((n = read(s[0], buf + got, sizeof(buf) - got)) > 0)
			got += (size_t)n;
		_exit(got == sizeof(data) && !memcmp(buf, data, got) ? 0 : 1);
	}
	close(s[0]);
	lseek(in, 0, SEEK_SET);
	SHOW(sendfile(s[1], in, NULL, sizeof(data)));
	close(s[1]);
	int status;
	waitpid(pid, &status, 0);
	show_status("receiver", status);
	close(p[0]);
	close(p[1]);

	SECTION("splice through a pipe");
	pipe(p);
	ftruncate(out, 0);
	loff_t from = 0, to = 0;
	while (from < (loff_t)sizeof(data)) {
		long n = splice(in, &from, p[1], NULL, 50000, SPLICE_F_MOVE);
		if (n <= 0)
			break;
		while (n > 0) {
			long m = splice(p[0], NULL, out, &to, (size_t)n, 0);
			if (m <= 0)
				break;
			n -= m;
		}
	}
	say("%ld %ld", (long)from, (long)to);
	memset(buf, 0, sizeof(buf));
	pread(out, buf, sizeof(buf), 0);
	CHECK(!memcmp(buf, data, sizeof(data)));
	SHOW(splice(in, &from, p[1], NULL, 10, 0));
	SHOW(splice(in, NULL, p[1], NULL, 0, 0));
	SHOW(splice(p[0], NULL, ap, NULL, 1, SPLICE_F_NONBLOCK));
	SHOW(splice(p[0], NULL, out, NULL, 1, SPLICE_F_NONBLOCK));
	SHOW(splice(p[0], NULL, p[1], NULL, 1, 0));
	SHOW(splice(99, NULL, p[1], NULL, 1, 0));
	SHOW(splice(in, NULL, p[0], NULL, 1, 0));
	SHOW(splice(in, NULL, p[1], NULL, 1, 0x80));
	from = 0;
	SHOW(splice(p[0], &from, out, NULL, 1, 0));
	write(p[1], "end", 3);
	close(p[1]);
	SHOW(splice(p[0], NULL, out, NULL, 100, 0));
	SHOW(splice(p[0], NULL, out, NULL, 100, 0));
	close(p[0]);

	SECTION("copy_file_range");
	ftruncate(out, 0);
	from = 1000;
	to = 50;
	SHOW(copy_file_range(in, &from, out, &to, 200000, 0));
	say("%ld %ld", (long)from, (long)to);
	SHOW(pread(out, buf, sizeof(buf), 50));
	CHECK(!memcmp(buf, data + 1000, 200000));
	SHOW(copy_file_range(in, NULL, out, &to, 10, 1));
	from = 0;
	to = 100;
	SHOW(copy_file_range(in, &from, in, &to, 200, 0));
	to = 400000;
	SHOW(copy_file_range(in, &from, in, &to, 200, 0));
	SHOW(copy_file_range(in, &from, ap, NULL, 200, 0));
	int d = open(".", O_RDONLY);
	SHOW(copy_file_range(d, NULL, out, NULL, 1, 0));
	pipe(p);
	SHOW(copy_file_range(p[0], NULL, out, NULL, 1, 0));
	from = 10000000;
	SHOW(copy_file_range(in, &from, out, NULL, 10, 0));
	unlink("in");
	unlink("out");
	chdir("/");
	rmdir(dir);
	return 0;
}
