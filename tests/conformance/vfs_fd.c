// SPDX-License-Identifier: Apache-2.0
/* Descriptors: dup, limits, close-on-exec, close_range, O_PATH, F_GETFL and F_SETFL, owners, fallocate, xattr. */
#include "test.h"

#include <linux/falloc.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

static void dups(void)
{
	struct rlimit limit = { 20, 20 };
	int fd;
	SECTION("dup");
	fd = SHOW(open("f", O_CREAT | O_RDWR, 0644));
	SHOW(dup(fd));
	SHOW(dup2(fd, 10));
	SHOW(dup2(fd, fd));
	SHOW(dup2(99, 99));
	SHOW(dup2(99, fd));
	SHOW(dup3(fd, fd, 0));
	SHOW(dup3(fd, 11, O_CLOEXEC));
	SHOW(dup3(fd, 11, 1));
	SHOW(fcntl(11, F_GETFD));
	SHOW(fcntl(10, F_GETFD));
	SHOW(fcntl(fd, F_DUPFD, 15));
	SHOW(fcntl(fd, F_DUPFD_CLOEXEC, 15));
	SHOW(fcntl(16, F_GETFD));
	SHOW(fcntl(16, F_SETFD, 0));
	SHOW(fcntl(16, F_GETFD));
	SHOW(fcntl(fd, F_DUPFD, 100000000));
	IN_CHILD({
		SHOW(setrlimit(RLIMIT_NOFILE, &limit));
		SHOW(dup2(fd, 19));
		SHOW(dup2(fd, 20));
		SHOW(dup3(fd, 20, 0));
		SHOW(fcntl(fd, F_DUPFD, 20));
		SHOW(fcntl(fd, F_DUPFD, 19));
		while (dup(fd) >= 0)
			;
		say("%s", error_name(errno));
		SHOW(open("f", O_RDONLY));
		int p[2];
		SHOW(pipe(p));
	});
	SHOW(syscall(SYS_close_range, 10, 12, 0));
	SHOW(fcntl(10, F_GETFD));
	SHOW(syscall(SYS_close_range, 15, 20, 4));
	SHOW(fcntl(15, F_GETFD));
	SHOW(syscall(SYS_close_range, 12, 10, 0));
	SHOW(syscall(SYS_close_range, 5, ~0U, 0));
	SHOW(fcntl(15, F_GETFD));
	SHOW(syscall(SYS_close_range, 5, 6, 8));
	SHOW(ioctl(fd, FIOCLEX));
	SHOW(fcntl(fd, F_GETFD));
	SHOW(ioctl(fd, FIONCLEX));
	SHOW(fcntl(fd, F_GETFD));
	close(fd);
	close(4);
}

static void flags(void)
{
	int fd, on = 1;
	char buf[8];
	SECTION("flags");
	fd = open("f", O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_CREAT | O_TRUNC, 0644);
	say("%o", fcntl(fd, F_GETFL));
	SHOW(fcntl(fd, F_SETFL, O_NONBLOCK | O_WRONLY | O_CREAT));
	say("%o", fcntl(fd, F_GETFL));
	SHOW(ioctl(fd, FIONBIO, &on));
	say("%o", fcntl(fd, F_GETFL));
	SHOW(fcntl(fd, F_SETOWN, getpid()));
	CHECK(fcntl(fd, F_GETOWN) == getpid());
	SHOW(fcntl(fd, F_SETOWN, 999999));
	SHOW(fcntl(fd, F_SETSIG, 70));
	SHOW(fcntl(fd, F_SETSIG, SIGUSR1));
	SHOW(fcntl(fd, F_GETSIG));
	SHOW(fcntl(fd, 9999, 0));
	SHOW(ioctl(fd, 0x1234, 0));
	SHOW(ioctl(fd, FIONREAD, &on));
	say("%d", on);
	close(fd);
	fd = SHOW(open("f", O_PATH | O_RDWR | O_APPEND));
	say("%o", fcntl(fd, F_GETFL));
	SHOW(read(fd, buf, 1));
	SHOW(write(fd, buf, 1));
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(fchmod(fd, 0600));
	SHOW(fchown(fd, 0, 0));
	SHOW(ftruncate(fd, 0));
	SHOW(ioctl(fd, FIONREAD, &on));
	SHOW(fcntl(fd, F_SETFL, 0));
	SHOW(fsync(fd));
	SHOW(fcntl(fd, F_GETFD));
	struct stat st;
	SHOW(fstat(fd, &st));
	SHOW(fgetxattr(fd, "user.x", buf, 1));
	SHOW(close(dup(fd)));
	SHOW(close(fd));
	fd = SHOW(open("f", 3));
	SHOW(read(fd, buf, 1));
	SHOW(write(fd, buf, 1));
	say("%o", fcntl(fd, F_GETFL));
	close(fd);
	SHOW(fsync(0) == 0 || errno == EINVAL || errno == EROFS);
	SHOW(open(".", O_TMPFILE | O_RDONLY, 0600));
	SHOW(open("f", O_TMPFILE | O_RDWR, 0600));
	fd = SHOW(open(".", O_TMPFILE | O_RDWR, 0640));
	SHOW(write(fd, "tmp", 3));
	fstat(fd, &st);
	say("%o %d", st.st_mode, (int)st.st_nlink);
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	fstat(fd, &st);
	say("%o %d", st.st_mode, (int)st.st_nlink);
	SHOW(stat("named", &st));
	say("size %ld", (long)st.st_size);
	SHOW(write(fd, "more", 4));
	SHOW(stat("named", &st));
	say("size %ld", (long)st.st_size);
	close(fd);
	fd = SHOW(open(".", O_TMPFILE | O_EXCL | O_RDWR, 0640));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "named2", AT_SYMLINK_FOLLOW));
	close(fd);
	fd = open("gone", O_CREAT | O_RDWR, 0644);
	unlink("gone");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "named3", AT_SYMLINK_FOLLOW));
	close(fd);
}

static void allocation(void)
{
	struct stat st;
	char buf[16] = { 0 };
	struct rlimit limit = { 100, RLIM_INFINITY };
	SECTION("allocation");
	int fd = open("alloc", O_CREAT | O_RDWR, 0644);
	SHOW(fallocate(fd, 0, 0, 8192));
	fstat(fd, &st);
	say("size %ld blocks %d", (long)st.st_size, st.st_blocks >= 16);
	SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 8192, 8192));
	fstat(fd, &st);
	say("size %ld", (long)st.st_size);
	SHOW(pwrite(fd, "0123456789abcdef", 16, 4090));
	SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4092, 4));
	SHOW(pread(fd, buf, 16, 4090));
	say("%d %d %d", buf[0], buf[2], buf[6]);
	SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4));
	SHOW(fallocate(fd, 0, -1, 4));
	SHOW(fallocate(fd, 0, 0, 0));
	SHOW(fallocate(fd, 0, INT64_MAX, 10));
	SHOW(fallocate(fd, 0x100, 0, 10));
	close(fd);
	fd = open("alloc", O_RDONLY);
	SHOW(fallocate(fd, 0, 0, 10));
	SHOW(lseek(fd, 100000, SEEK_DATA));
	SHOW(lseek(fd, 8192, SEEK_HOLE));
	SHOW(lseek(fd, 0, SEEK_HOLE) > 0);
	SHOW(lseek(fd, INT64_MAX, SEEK_SET) >= 0 || errno == EINVAL);
	close(fd);
	IN_CHILD({
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		fd = open("limited", O_CREAT | O_RDWR, 0644);
		char block[80];
		SHOW(write(fd, block, 80));
		SHOW(write(fd, block, 80));
		SHOW(write(fd, block, 80));
		SHOW(ftruncate(fd, 200));
		SHOW(ftruncate(fd, 50));
		SHOW(pwrite(fd, block, 1, 1000));
	});
	IN_CHILD({
		setrlimit(RLIMIT_FSIZE, &limit);
		fd = open("limited", O_CREAT | O_RDWR, 0644);
		pwrite(fd, buf, 1, 1000);
	});
}

static void attributes(void)
{
	char buf[300];
	SECTION("xattr");
	close(open("x", O_CREAT | O_WRONLY, 0644));
	SHOW(getxattr("x", "user.a", buf, 10));
	SHOW(setxattr("x", "user.a", "value", 5, 0));
	SHOW(getxattr("x", "user.a", buf, sizeof(buf)));
	SHOW(getxattr("x", "user.a", buf, 0));
	SHOW(getxattr("x", "user.a", buf, 2));
	SHOW(setxattr("x", "user.a", "v2", 2, XATTR_CREATE));
	SHOW(setxattr("x", "user.a", "v2", 2, XATTR_REPLACE));
	SHOW(setxattr("x", "user.b", "v2", 2, XATTR_REPLACE));
	SHOW(setxattr("x", "user.b", "", 0, 0));
	SHOW(getxattr("x", "user.b", buf, sizeof(buf)));
	SHOW(listxattr("x", buf, sizeof(buf)));
	SHOW(listxattr("x", NULL, 0));
	SHOW(listxattr("x", buf, 3));
	SHOW(setxattr("x", "nonsense.b", "v", 1, 0));
	SHOW(setxattr("x", "user.", "v", 1, 0));
	SHOW(setxattr("x", "", "v", 1, 0));
	SHOW(setxattr("x", "user.c", "v", 1, 8));
	memset(buf, 'a', sizeof(buf));
	memcpy(buf, "user.", 5);
	buf[299] = 0;
	SHOW(setxattr("x", buf, "v", 1, 0));
	SHOW(setxattr("x", "user.c", buf, 100000, 0));
	SHOW(removexattr("x", "user.a"));
	SHOW(removexattr("x", "user.a"));
	SHOW(removexattr("x", "user.b"));
	SHOW(listxattr("x", buf, sizeof(buf)));
	symlink("x", "xl");
	SHOW(lsetxattr("xl", "user.a", "v", 1, 0));
	SHOW(setxattr("xl", "user.a", "v", 1, 0));
	SHOW(lgetxattr("xl", "user.a", buf, 10));
	SHOW(getxattr("xl", "user.a", buf, 10));
	SHOW(mkfifo("xf", 0644));
	SHOW(setxattr("xf", "user.a", "v", 1, 0));
}

int main(void)
{
	const char *bases[] = { ".", "/dev/shm" };
	char name[64], command[512];
	for (int i = 0; i < 2; i++) {
		say("== %d", i);
		snprintf(name, sizeof(name), "%s/fd.XXXXXX", bases[i]);
		char *dir = realpath(mkdtemp(name), NULL);
		char old[256];
		getcwd(old, sizeof(old));
		chdir(dir);
		dups();
		flags();
		allocation();
		if (i == 0)
			attributes();
		chdir(old);
		snprintf(command, sizeof(command), "rm -rf '%s'", dir);
		SHOW(system(command));
		free(dir);
	}
	return 0;
}
