// SPDX-License-Identifier: Apache-2.0
/* Path walks: links, "..", trailing slashes, openat2's rules, magic links, names in removed directories. */
#include "test.h"

#include <linux/openat2.h>

static int open2(int dfd, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = { .flags = flags, .resolve = resolve };
	int fd = (int)syscall(SYS_openat2, dfd, path, &how, sizeof(how));
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	return fd;
}

static void setup(void)
{
	mkdir("a", 0755);
	mkdir("a/b", 0755);
	close(open("a/b/file", O_CREAT | O_WRONLY, 0644));
	symlink("b", "a/rel");
	symlink("../a", "a/up");
	symlink("/", "a/abs");
	symlink("b/", "a/slash");
	symlink("file", "a/b/link");
	symlink("missing", "a/dangling");
	symlink("c2", "c1");
	symlink("c1", "c2");
	symlink("../../../../../../../..", "a/out");
}

static void slashes(void)
{
	struct stat st;
	SECTION("slashes");
	SHOW(stat("a//b///file", &st));
	SHOW(stat("a/b/", &st));
	SHOW(stat("a/b/file/", &st));
	SHOW(stat("a/b/file/.", &st));
	SHOW(stat("a/rel/", &st));
	SHOW(lstat("a/rel/", &st));
	say("mode %o", st.st_mode & S_IFMT);
	SHOW(lstat("a/rel", &st));
	say("mode %o", st.st_mode & S_IFMT);
	SHOW(lstat("a/slash", &st));
	say("mode %o", st.st_mode & S_IFMT);
	SHOW(stat("a/b/link/", &st));
	SHOW(open("a/new/", O_CREAT | O_WRONLY, 0644));
	SHOW(open("a/b/", O_CREAT | O_WRONLY, 0644));
	SHOW(open("a/b/.", O_CREAT | O_WRONLY, 0644));
	SHOW(open("a/b/..", O_CREAT | O_EXCL, 0644));
	SHOW(open("a/b/file/", O_RDONLY));
	SHOW(mkdir("a/n/", 0755));
	SHOW(rmdir("a/n/"));
	SHOW(mkdir("a/b/file/", 0755));
	SHOW(mkdir("a/dangling/", 0755));
	SHOW(mkdir("a/dangling", 0755));
	SHOW(mknod("a/node/", S_IFREG | 0644, 0));
	SHOW(mknod("a/b/", S_IFREG | 0644, 0));
	SHOW(symlink("x", "a/s/"));
	SHOW(link("a/b/file", "a/l/"));
	SHOW(unlink("a/b/file/"));
	SHOW(unlink("a/b/"));
	SHOW(unlink("a/none/"));
	SHOW(unlink("a/."));
	SHOW(rename("a/b/file/", "a/x"));
	SHOW(rename("a/b/file", "a/x/"));
	SHOW(rename("a/b", "a/y/"));
	SHOW(rename("a/y/", "a/b"));
	SHOW(rename("a/.", "a/z"));
	SHOW(rename("a/b", "a/.."));
	SHOW(renameat2(AT_FDCWD, "a/b", AT_FDCWD, "a/..", RENAME_NOREPLACE));
}

static void links(void)
{
	char buf[256] = { 0 };
	struct stat st;
	SECTION("links");
	SHOW(stat("c1", &st));
	SHOW(lstat("c1", &st));
	SHOW(open("c1", O_CREAT | O_WRONLY, 0644));
	SHOW(open("c1", O_CREAT | O_EXCL | O_WRONLY, 0644));
	SHOW(open("a/rel", O_RDONLY | O_NOFOLLOW));
	SHOW(open("a/rel", O_RDONLY | O_NOFOLLOW | O_DIRECTORY));
	SHOW(open("a/dangling", O_CREAT | O_EXCL | O_WRONLY, 0644));
	int fd = SHOW(open("a/dangling", O_CREAT | O_WRONLY, 0644));
	close(fd);
	SHOW(access("a/missing", F_OK));
	SHOW(unlink("a/missing"));
	fd = SHOW(open("a/rel", O_PATH | O_NOFOLLOW));
	SHOW(readlinkat(fd, "", buf, sizeof(buf)));
	say("'%s'", buf);
	SHOW(fstatat(fd, "", &st, AT_EMPTY_PATH));
	say("%o", st.st_mode & S_IFMT);
	close(fd);
	fd = open("a", O_PATH);
	SHOW(readlinkat(fd, "", buf, sizeof(buf)));
	SHOW(openat(fd, "", O_RDONLY));
	close(fd);
	/* A chain of 40 links is followed, one of 41 is not. */
	char from[16], to[16];
	for (int i = 1; i <= 41; i++) {
		snprintf(from, sizeof(from), "n%d", i);
		snprintf(to, sizeof(to), "n%d", i - 1);
		symlink(i == 1 ? "a" : to, from);
	}
	SHOW(stat("n40", &st));
	SHOW(stat("n41", &st));
	SHOW(stat("n40/b/file", &st));
	SHOW(stat("n40/rel", &st));
	for (int i = 1; i <= 41; i++) {
		snprintf(from, sizeof(from), "n%d", i);
		unlink(from);
	}
}

static void resolve(void)
{
	SECTION("openat2");
	int a = open("a", O_PATH | O_DIRECTORY);
	SHOW(open2(a, "b/file", O_RDONLY, RESOLVE_BENEATH));
	SHOW(open2(a, "b/../b/file", O_RDONLY, RESOLVE_BENEATH));
	SHOW(open2(a, "..", O_RDONLY, RESOLVE_BENEATH));
	SHOW(open2(a, "b/../..", O_RDONLY, RESOLVE_BENEATH));
	SHOW(open2(a, "abs", O_RDONLY, RESOLVE_BENEATH));
	SHOW(open2(a, "up", O_RDONLY, RESOLVE_BENEATH));
	SHOW(open2(a, "out", O_RDONLY, RESOLVE_BENEATH));
	SHOW(open2(a, "/", O_RDONLY, RESOLVE_BENEATH));
	SHOW(open2(a, "rel/file", O_RDONLY, RESOLVE_BENEATH));
	SHOW(open2(a, "/b/file", O_RDONLY, RESOLVE_IN_ROOT));
	SHOW(open2(a, "../../b/file", O_RDONLY, RESOLVE_IN_ROOT));
	SHOW(open2(a, "abs/b/file", O_RDONLY, RESOLVE_IN_ROOT));
	SHOW(open2(a, "out/b/file", O_RDONLY, RESOLVE_IN_ROOT));
	SHOW(open2(a, "rel/file", O_RDONLY, RESOLVE_NO_SYMLINKS));
	SHOW(open2(a, "b/link", O_RDONLY, RESOLVE_NO_SYMLINKS));
	SHOW(open2(a, "b/link", O_PATH | O_NOFOLLOW, RESOLVE_NO_SYMLINKS));
	SHOW(open2(AT_FDCWD, "/proc/self/fd/0", O_PATH, RESOLVE_NO_MAGICLINKS));
	SHOW(open2(AT_FDCWD, "/proc/self/fd", O_RDONLY, RESOLVE_NO_MAGICLINKS));
	SHOW(open2(AT_FDCWD, "/proc", O_RDONLY, RESOLVE_NO_XDEV));
	SHOW(open2(a, "b", O_RDONLY, RESOLVE_NO_XDEV));
	SHOW(open2(a, "b", O_RDONLY, RESOLVE_BENEATH | RESOLVE_IN_ROOT));
	SHOW(open2(a, "b", O_RDONLY, 1ULL << 40));
	SHOW(open2(a, "b", 1ULL << 40, 0));
	struct { struct open_how how; uint64_t more; } big = { .how = { .flags = O_RDONLY } };
	SHOW(syscall(SYS_openat2, a, "b", &big, 8));
	close((int)SHOW(syscall(SYS_openat2, a, "b", &big, sizeof(big))));
	big.more = 1;
	SHOW(syscall(SYS_openat2, a, "b", &big, sizeof(big)));
	big.how.mode = 0644;
	SHOW(syscall(SYS_openat2, a, "b", &big, sizeof(big.how)));
	close(a);
}

static void magic(void)
{
	char name[64], target[256], cwd[256];
	struct stat one, two;
	SECTION("magic links");
	int fd = open("a/b/file", O_RDWR);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	int again = SHOW(open(name, O_RDONLY));
	fstat(fd, &one);
	fstat(again, &two);
	CHECK(one.st_ino == two.st_ino && one.st_dev == two.st_dev);
	SHOW(stat(name, &two));
	CHECK(one.st_ino == two.st_ino);
	SHOW(lstat(name, &two));
	say("%o", two.st_mode);
	unlink("a/b/file");
	ssize_t n = readlink(name, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = 0;
	say("ends with '%s'", strrchr(target, '/') ? strrchr(target, '/') : target);
	SHOW(write(fd, "still", 5));
	close(again);
	again = SHOW(open(name, O_RDONLY));
	SHOW(read(again, target, 10));
	close(again);
	close(fd);
	SHOW(open(name, O_RDONLY));
	close(open("a/b/file", O_CREAT | O_WRONLY, 0644));
	getcwd(cwd, sizeof(cwd));
	n = readlink("/proc/self/cwd", target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = 0;
	CHECK(!strcmp(cwd, target));
	SHOW(stat("/proc/self/cwd/a/b/file", &one));
	SHOW(stat("/proc/self/root/proc/self/cwd/a", &one));
}

static void removed(void)
{
	char buf[256];
	struct stat st;
	SECTION("removed directory");
	mkdir("gone", 0755);
	int back = open(".", O_RDONLY | O_DIRECTORY);
	chdir("gone");
	int dfd = open(".", O_RDONLY | O_DIRECTORY);
	SHOW(rmdir("../gone"));
	SHOW(stat(".", &st));
	say("nlink %ld", (long)st.st_nlink);
	SHOW(stat("x", &st));
	SHOW(open("x", O_CREAT | O_WRONLY, 0644));
	SHOW(mkdir("x", 0755));
	SHOW(openat(dfd, "x", O_CREAT | O_WRONLY, 0644));
	SHOW(syscall(SYS_getcwd, buf, sizeof(buf)));
	SHOW(stat("..", &st));
	SHOW(syscall(SYS_getdents64, dfd, buf, sizeof(buf)));
	SHOW(rename("../a/b/file", "y"));
	close(dfd);
	SHOW(fchdir(back));
	close(back);
	SHOW(rmdir("gone"));
}

int main(void)
{
	const char *bases[] = { ".", "/dev/shm" };
	char name[64];
	for (int i = 0; i < 2; i++) {
		say("== %d", i);
		snprintf(name, sizeof(name), "%s/walk.XXXXXX", bases[i]);
		int back = open(".", O_RDONLY | O_DIRECTORY);
		char *dir = realpath(mkdtemp(name), NULL);
		chdir(dir);
		setup();
		slashes();
		links();
		resolve();
		magic();
		removed();
		fchdir(back);
		close(back);
		char command[512];
		snprintf(command, sizeof(command), "rm -rf '%s'", dir);
		SHOW(system(command));
		free(dir);
	}
	return 0;
}
