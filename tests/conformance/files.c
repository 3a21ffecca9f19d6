// SPDX-License-Identifier: Apache-2.0
/* Opening, reading, writing, seeking, truncating, links, renames: on a host directory and on tmpfs. */
#include "test.h"

#include <dirent.h>
#include <sys/statfs.h>
#include <sys/sendfile.h>

static void basic(void)
{
	char buf[64] = { 0 };
	int fd;

	SECTION("basic");
	fd = SHOW(open("f", O_RDWR | O_CREAT | O_EXCL, 0640));
	SHOW(open("f", O_RDWR | O_CREAT | O_EXCL, 0640));
	SHOW(write(fd, "hello world", 11));
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(lseek(fd, -5, SEEK_END));
	SHOW(read(fd, buf, sizeof(buf)));
	say("read '%s'", buf);
	SHOW(read(fd, buf, sizeof(buf)));
	SHOW(pread(fd, buf, 4, 1));
	SHOW(pwrite(fd, "HE", 2, 0));
	SHOW(pread(fd, buf, 5, 0));
	say("'%.5s'", buf);
	SHOW(lseek(fd, -1, SEEK_SET));
	SHOW(lseek(fd, 5, 77));
	SHOW(ftruncate(fd, 4));
	SHOW(lseek(fd, 0, SEEK_END));
	SHOW(ftruncate(fd, 100));
	SHOW(pread(fd, buf, 64, 0));
	CHECK(buf[3] == 'l' && buf[4] == 0);
	SHOW(ftruncate(fd, -1));
	SHOW(fsync(fd));
	SHOW(fdatasync(fd));
	struct iovec iov[2] = { { "ab", 2 }, { "cde", 3 } };
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(writev(fd, iov, 2));
	SHOW(syscall(SYS_writev, fd, iov, -1));
	SHOW(pwritev(fd, iov, 2, 50));
	struct iovec in[2] = { { buf, 1 }, { buf + 10, 4 } };
	SHOW(preadv(fd, in, 2, 50));
	say("%c %.4s", buf[0], buf + 10);
	SHOW(fchmod(fd, 0600));
	SHOW(close(fd));
	SHOW(close(fd));
	SHOW(read(fd, buf, 1));
	fd = SHOW(open("f", O_RDONLY));
	SHOW(write(fd, "x", 1));
	SHOW(ftruncate(fd, 1));
	close(fd);
	fd = SHOW(open("f", O_WRONLY | O_APPEND));
	SHOW(read(fd, buf, 1));
	SHOW(write(fd, "tail", 4));
	SHOW(lseek(fd, 0, SEEK_CUR));
	close(fd);
	fd = SHOW(open("f", O_RDWR | O_TRUNC));
	SHOW(lseek(fd, 0, SEEK_END));
	close(fd);
	SHOW(open("nope", O_RDONLY));
	SHOW(open("f/x", O_RDONLY));
	SHOW(open("", O_RDONLY));
	SHOW(open(".", O_WRONLY));
	SHOW(open("f", O_RDONLY | O_DIRECTORY));
	SHOW(syscall(SYS_open, (char *)8, O_RDONLY));
	char *long_name = malloc(5000);
	memset(long_name, 'a', 4999);
	long_name[4999] = 0;
	SHOW(open(long_name, O_RDONLY));
	long_name[300] = 0;
	SHOW(open(long_name, O_RDONLY | O_CREAT, 0600));
	SHOW(unlink("f"));
	SHOW(unlink("f"));
}

static void stats(void)
{
	struct stat st;

	SECTION("stat");
	int fd = open("s", O_RDWR | O_CREAT, 0644);
	SHOW(write(fd, "12345", 5));
	SHOW(stat("s", &st));
	say("mode %o size %ld nlink %ld uid %d", st.st_mode, (long)st.st_size, (long)st.st_nlink, st.st_uid);
	SHOW(link("s", "s2"));
	SHOW(link("s", "s2"));
	SHOW(fstat(fd, &st));
	say("nlink %ld", (long)st.st_nlink);
	SHOW(symlink("s", "sl"));
	SHOW(lstat("sl", &st));
	say("mode %o size %ld", st.st_mode, (long)st.st_size);
	SHOW(stat("sl", &st));
	say("mode %o", st.st_mode);
	char target[16] = { 0 };
	SHOW(readlink("sl", target, sizeof(target)));
	SHOW(readlink("sl", target, 0));
	SHOW(readlink("s", target, sizeof(target)));
	SHOW(open("sl", O_RDONLY | O_NOFOLLOW));
	SHOW(symlink("loop", "loop"));
	SHOW(open("loop", O_RDONLY));
	SHOW(stat("loop", &st));
	SHOW(chmod("s", 04755));
	stat("s", &st);
	say("mode %o", st.st_mode);
	struct timespec times[2] = { { 1000, 5000 }, { 2000, 7000 } };
	SHOW(utimensat(AT_FDCWD, "s", times, 0));
	stat("s", &st);
	say("%ld.%ld %ld.%ld", (long)st.st_atim.tv_sec, st.st_atim.tv_nsec, (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	times[0].tv_nsec = UTIME_OMIT;
	times[1].tv_nsec = 1000000000;
	SHOW(utimensat(AT_FDCWD, "s", times, 0));
	struct statx sx;
	SHOW(statx(AT_FDCWD, "s", 0, STATX_BASIC_STATS, &sx));
	say("mode %o size %lld nlink %d", sx.stx_mode, (long long)sx.stx_size, sx.stx_nlink);
	SHOW(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &sx));
	SHOW(statx(fd, "", 0, STATX_SIZE, &sx));
	SHOW(fstatat(AT_FDCWD, "sl", &st, AT_SYMLINK_NOFOLLOW));
	SHOW(fstatat(AT_FDCWD, "sl", &st, 0x80));
	SHOW(access("s", R_OK | W_OK | X_OK));
	SHOW(access("none", F_OK));
	SHOW(access("s", 9));
	SHOW(unlink("s"));
	SHOW(fstat(fd, &st));
	say("nlink %ld", (long)st.st_nlink);
	SHOW(unlink("s2"));
	fstat(fd, &st);
	say("nlink %ld", (long)st.st_nlink);
	SHOW(write(fd, "after", 5));
	close(fd);
	SHOW(unlink("sl"));
	SHOW(unlink("loop"));
}

static int compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void list(const char *path)
{
	char *names[64];
	int n = 0;
	DIR *d = opendir(path);

	for (struct dirent *e; d && (e = readdir(d)) && n < 64;) {
		char type = e->d_type == DT_DIR ? 'd' : e->d_type == DT_REG ? 'f' : e->d_type == DT_LNK ? 'l' : e->d_type == DT_FIFO ? 'p' : '?';
		asprintf(&names[n++], "%c %s", type, e->d_name);
	}
	closedir(d);
	qsort(names, n, sizeof(names[0]), compare);
	for (int i = 0; i < n; i++)
		say("  %s", names[i]);
}

static void directories(void)
{
	struct stat st;

	SECTION("directories");
	SHOW(mkdir("d", 0755));
	SHOW(mkdir("d", 0755));
	SHOW(mkdir("d/e/f", 0755));
	SHOW(mkdir("d/e", 0700));
	SHOW(rmdir("d"));
	SHOW(unlink("d"));
	SHOW(mkfifo("d/fifo", 0644));
	SHOW(symlink("e", "d/link"));
	close(SHOW(open("d/file", O_CREAT | O_WRONLY, 0600)));
	list("d");
	SHOW(rename("d/file", "d/file2"));
	SHOW(rename("d/none", "d/x"));
	SHOW(rename("d", "d/e/sub"));
	SHOW(rename("d/e", "d/file2"));
	SHOW(rename("d/file2", "d/e"));
	SHOW(renameat2(AT_FDCWD, "d/file2", AT_FDCWD, "d/fifo", RENAME_NOREPLACE));
	SHOW(renameat2(AT_FDCWD, "d/file2", AT_FDCWD, "d/fifo", RENAME_EXCHANGE));
	lstat("d/fifo", &st);
	say("mode %o", st.st_mode);
	list("d");
	stat("d", &st);
	int dfd = SHOW(open("d", O_RDONLY | O_DIRECTORY));
	SHOW(openat(dfd, "none", O_RDONLY));
	close(SHOW(openat(dfd, "file3", O_RDWR | O_CREAT, 0600)));
	SHOW(unlinkat(dfd, "e", 0));
	SHOW(unlinkat(dfd, "e", AT_REMOVEDIR));
	SHOW(unlinkat(dfd, "file3", AT_REMOVEDIR));
	SHOW(read(dfd, &st, 10));
	SHOW(fchdir(dfd));
	char cwd[4096];
	getcwd(cwd, sizeof(cwd));
	say("cwd ends with %s", strrchr(cwd, '/'));
	SHOW(getcwd(cwd, 1) == NULL);
	SHOW(chdir("file2/"));
	SHOW(chdir("none"));
	SHOW(chdir(".."));
	close(dfd);
	SHOW(rmdir("d/."));
	SHOW(rmdir("d/.."));
	SHOW(unlink("d/fifo"));
	SHOW(unlink("d/file2"));
	SHOW(unlink("d/link"));
	SHOW(unlink("d/file3"));
	SHOW(rmdir("d"));
	SHOW(rmdir("d"));
	/* many entries, removed while reading */
	SHOW(mkdir("many", 0755));
	for (int i = 0; i < 500; i++) {
		char name[64];
		snprintf(name, sizeof(name), "many/entry-with-a-longish-name-%d", i);
		close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	int seen = 0;
	DIR *d = opendir("many");
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] != '.') {
			seen++;
			unlinkat(dirfd(d), e->d_name, 0);
		}
	}
	closedir(d);
	say("seen %d", seen);
	SHOW(rmdir("many"));
}

static void descriptors(void)
{
	SECTION("descriptors");
	int fd = SHOW(open("x", O_RDWR | O_CREAT, 0600));
	int d = SHOW(dup(fd));
	write(fd, "abc", 3);
	SHOW(lseek(d, 0, SEEK_CUR));
	SHOW(dup2(fd, 50));
	SHOW(dup2(fd, fd));
	SHOW(dup2(99, 99));
	SHOW(dup3(fd, fd, 0));
	SHOW(dup3(fd, 51, O_CLOEXEC));
	SHOW(fcntl(51, F_GETFD));
	SHOW(fcntl(50, F_GETFD));
	SHOW(fcntl(50, F_SETFD, FD_CLOEXEC));
	SHOW(fcntl(50, F_GETFD));
	SHOW(fcntl(fd, F_DUPFD, 60));
	SHOW(fcntl(fd, F_DUPFD_CLOEXEC, 60));
	SHOW(fcntl(61, F_GETFD));
	say("flags %o", fcntl(fd, F_GETFL) & ~0100000);
	SHOW(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
	say("flags %o", fcntl(d, F_GETFL) & ~0100000);
	SHOW(fcntl(fd, 9999));
	SHOW(fcntl(fd, F_DUPFD, -1));
	struct rlimit limit = { 10, 1024 };
	SHOW(setrlimit(RLIMIT_NOFILE, &limit));
	SHOW(dup2(fd, 10));
	SHOW(fcntl(fd, F_DUPFD, 10));
	int last = 0;
	while ((d = dup(fd)) >= 0)
		last = d;
	say("last %d %s", last, error_name(errno));
	limit.rlim_cur = 1024;
	setrlimit(RLIMIT_NOFILE, &limit);
	SHOW(syscall(SYS_close_range, 3, ~0U, 0));
	SHOW(fcntl(3, F_GETFD));
	fd = SHOW(open("x", O_RDWR));
	int in = SHOW(open("x", O_RDONLY | O_CLOEXEC));
	SHOW(fcntl(in, F_GETFD));
	int p = SHOW(open(".", O_PATH));
	SHOW(read(p, &d, 1));
	SHOW(fchmod(p, 0700));
	struct stat st;
	SHOW(fstat(p, &st));
	int tmp = SHOW(open(".", O_TMPFILE | O_RDWR, 0600));
	if (tmp >= 0) {
		SHOW(write(tmp, "x", 1));
		close(tmp);
	}
	int out = SHOW(open("y", O_RDWR | O_CREAT | O_TRUNC, 0600));
	SHOW(sendfile(out, in, NULL, 100));
	off_t off = 1;
	SHOW(sendfile(out, in, &off, 1));
	say("off %ld", (long)off);
	SHOW(copy_file_range(in, &(off_t){ 0 }, out, NULL, 3, 0));
	SHOW(lseek(out, 0, SEEK_END));
	SHOW(posix_fallocate(out, 0, 8192));
	SHOW(lseek(out, 0, SEEK_END));
	SHOW(fallocate(out, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
	SHOW(fallocate(out, 0, -1, 10));
	SHOW(fallocate(out, 0, 0, 0));
	SHOW(fallocate(in, 0, 0, 10));
	limit.rlim_cur = 10000;
	limit.rlim_max = RLIM_INFINITY;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	SHOW(pwrite(out, "abcd", 4, 9998));
	SHOW(pwrite(out, "abcd", 4, 10000));
	SHOW(ftruncate(out, 20000));
	unlink("x");
	unlink("y");
}

int main(int argc, char **argv)
{
	umask(022);
	for (int i = 0; i < 2; i++) {
		const char *dir = i ? "/tmp" : "/data";
		say("== %s", dir);
		if (chdir(dir))
			say("chdir: %s", error_name(errno));
		mkdir("files-test", 0755);
		chdir("files-test");
		pid_t pid = fork();
		if (!pid) {
			basic();
			stats();
			directories();
			descriptors();
			_exit(0);
		}
		int status;
		waitpid(pid, &status, 0);
		show_status("all", status);
	}
	return 0;
}
