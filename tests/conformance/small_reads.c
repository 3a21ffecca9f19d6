/* SPDX-License-Identifier: Apache-2.0 */
/* Small reads see what was written last, whichever way it got into the file. */
#include "test.h"

#include <sys/sendfile.h>

#define NAME "small"

static int fd;

/* Often enough that a kernel which wants to be clever about it is. */
static void look(const char *what, off_t at)
{
	char bytes[9] = "";
	ssize_t n = 0;

	for (int i = 0; i < 6; i++) {
		memset(bytes, 0, sizeof(bytes));
		n = pread(fd, bytes, 8, at);
	}
	for (int i = 0; i < 8; i++)
		if (!bytes[i])
			bytes[i] = '.';
	say("%s: %zd %s", what, n, bytes);
}

static void by_calls(void)
{
	int other = open(NAME, O_RDWR), append = open(NAME, O_WRONLY | O_APPEND);
	struct iovec parts[2] = { { "ve", 2 }, { "ctor", 4 } };

	pwrite(fd, "first   ", 8, 0);
	look("written", 0);
	pwrite(other, "second", 6, 0);
	look("by another descriptor", 0);
	pwritev(other, parts, 2, 0);
	look("vector", 0);
	write(append, "appended", 8);
	look("the end", 4096);
	look("beyond", 8200);
	ftruncate(other, 4);
	look("cut", 0);
	ftruncate(other, 4104);
	look("grown", 0);
	look("grown at the end", 4098);
	pwrite(other, "punched!", 8, 0);
	look("before the hole", 0);
	fallocate(other, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096);
	look("hole", 0);
	close(open(NAME, O_WRONLY | O_TRUNC));
	look("emptied", 0);
	write(append, "full again", 10);
	look("again", 1);
	close(other);
	close(append);
}

static void by_copies(void)
{
	int from = open("from", O_RDWR | O_CREAT | O_TRUNC, 0600), to[2], other = open(NAME, O_RDWR);
	loff_t zero = 0, start = 0;

	write(from, "copied  sent    spliced ", 24);
	look("before", 0);
	copy_file_range(from, &start, other, &zero, 8, 0);
	look("copy_file_range", 0);
	lseek(other, 0, SEEK_SET);
	start = 8;
	sendfile(other, from, &start, 8);
	look("sendfile", 0);
	if (pipe(to) || write(to[1], "spliced ", 8) != 8)
		say("pipe");
	zero = 0;
	splice(to[0], NULL, other, &zero, 8, 0);
	look("splice", 0);
	close(from);
	close(other);
}

static void by_name(void)
{
	int old = fd;

	rename("from", NAME);
	look("the file behind another name", 0);
	fd = open(NAME, O_RDWR);
	look("the new one", 0);
	unlink(NAME);
	pwrite(fd, "nameless", 8, 0);
	look("without a name", 0);
	close(old);
}

static void by_process(void)
{
	if (fork() == 0) {
		pwrite(fd, "a child's", 9, 0);
		_exit(0);
	}
	wait(NULL);
	look("by a child", 0);
}

static void by_mapping(void)
{
	char *map;

	ftruncate(fd, 4096);
	look("before it is mapped", 0);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	mprotect(map, 4096, PROT_READ | PROT_WRITE);
	for (int i = 0; i < 3; i++) {
		map[0] = (char)('0' + i);
		look("mapped", 0);
	}
	munmap(map, 4096);
	look("unmapped", 0);
}

static void by_position(void)
{
	char c;
	int n = 0, sum = 0;

	ftruncate(fd, 0);
	for (int i = 0; i < 9000; i++)
		sum += pwrite(fd, i % 100 == 99 ? "\n" : "x", 1, i) == 1;
	lseek(fd, 0, SEEK_SET);
	while (read(fd, &c, 1) == 1)
		n += c == '\n';
	say("byte by byte: %d written, %d lines, position %ld", sum, n, (long)lseek(fd, 0, SEEK_CUR));
	lseek(fd, 100, SEEK_SET);
	for (int i = 0; i < 4; i++)
		SHOW(read(fd, (void *)8, 8));
	say("position %ld", (long)lseek(fd, 0, SEEK_CUR));
}

int main(void)
{
	char zeros[4096] = "";

	fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
	write(fd, zeros, sizeof(zeros));
	by_calls();
	by_copies();
	by_name();
	by_process();
	by_mapping();
	by_position();
	return 0;
}
