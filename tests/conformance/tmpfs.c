// SPDX-License-Identifier: Apache-2.0
/* tmpfs: sparse files, holes, mapped files that change size, directories, renames, extended attributes, limits. */
#include "test.h"

#include <dirent.h>
#include <setjmp.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

static sigjmp_buf env;
static void fault(int sig) { siglongjmp(env, sig); }

/* 0 if it can be read, else the signal. */
static int touch(volatile char *p)
{
	int sig = sigsetjmp(env, 1);

	signal(SIGBUS, sig ? SIG_DFL : fault);
	signal(SIGSEGV, sig ? SIG_DFL : fault);
	if (!sig)
		(void)*p;
	signal(SIGBUS, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	return sig;
}

static void sparse(void)
{
	struct stat st;
	char buf[64];
	int fd;

	SECTION("sparse");
	fd = SHOW(open("sparse", O_RDWR | O_CREAT, 0644));
	SHOW(pwrite(fd, "x", 1, 100 * 4096));
	fstat(fd, &st);
	say("size %ld blocks %ld blksize %ld", (long)st.st_size, (long)st.st_blocks, (long)st.st_blksize);
	SHOW(pread(fd, buf, 4, 4096));
	CHECK(!buf[0] && !buf[3]);
	SHOW(lseek(fd, 0, SEEK_DATA));
	SHOW(lseek(fd, 0, SEEK_HOLE));
	SHOW(lseek(fd, 100 * 4096, SEEK_HOLE));
	SHOW(lseek(fd, 100 * 4096, SEEK_DATA));
	SHOW(lseek(fd, 100 * 4096 + 1, SEEK_DATA));
	SHOW(pwrite(fd, "y", 1, 10 * 4096 + 7));
	SHOW(lseek(fd, 0, SEEK_DATA));
	SHOW(lseek(fd, 10 * 4096 + 9, SEEK_DATA));
	SHOW(lseek(fd, 10 * 4096, SEEK_HOLE));
	SHOW(lseek(fd, 11 * 4096, SEEK_DATA));
	SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10 * 4096, 4096));
	SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 10 * 4096, 4096));
	SHOW(lseek(fd, 0, SEEK_DATA));
	SHOW(pread(fd, buf, 1, 10 * 4096 + 7));
	say("%d", buf[0]);
	SHOW(fallocate(fd, 0, 0, 0));
	SHOW(fallocate(fd, 0, -1, 10));
	SHOW(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096));
	SHOW(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 4096));
	SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 1L << 60));
	SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 200 * 4096, 4096));
	fstat(fd, &st);
	say("size %ld blocks %ld", (long)st.st_size, (long)st.st_blocks);
	SHOW(fallocate(fd, 0, 200 * 4096, 8192));
	fstat(fd, &st);
	say("size %ld blocks %ld", (long)st.st_size, (long)st.st_blocks);
	SHOW(ftruncate(fd, 5));
	fstat(fd, &st);
	say("size %ld blocks %ld", (long)st.st_size, (long)st.st_blocks);
	SHOW(ftruncate(fd, 1L << 45));
	fstat(fd, &st);
	say("size %ld blocks %ld", (long)st.st_size, (long)st.st_blocks);
	SHOW(pwrite(fd, "end", 3, (1L << 45) - 3));
	SHOW(pread(fd, buf, 10, (1L << 45) - 3));
	say("%.3s", buf);
	SHOW(lseek(fd, 1 << 20, SEEK_DATA));
	close(fd);
	unlink("sparse");
}

static void mapped(void)
{
	int fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0644);
	static char copy[65536];
	char buf[8], *p, *q;
	ssize_t n;

	SECTION("mapped files");
	SHOW(ftruncate(fd, 3 * 4096));
	p = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 4096);
	CHECK(p != MAP_FAILED && q != MAP_FAILED);
	strcpy(p + 4096, "one");
	SHOW(pread(fd, buf, 4, 4096));
	say("%s %s", buf, q);
	q[0] = 'O';
	say("%s %s", p + 4096, q);
	SHOW(pwrite(fd, "two", 3, 8192));
	say("%s", p + 8192);
	say("beyond the end: %d", touch(p + 3 * 4096));
	SHOW(ftruncate(fd, 4096 + 2));
	say("%s %d %d", p + 4096, touch(p + 4096), touch(p + 8192));
	say("private copy: %s", q);
	SHOW(ftruncate(fd, 4 * 4096));
	say("%s|%d %d|%d", p + 4096, touch(p + 8192), touch(p + 3 * 4096), p[8192]);
	strcpy(p + 8192, "again");
	SHOW(pread(fd, buf, 6, 8192));
	say("%s", buf);
	SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8192, 4096));
	say("%d", p[8192]);
	p[8192] = 'Z';
	SHOW(pread(fd, buf, 1, 8192));
	say("%c", buf[0]);
	close(fd);
	SHOW(unlink("mapped"));
	say("%c", p[8192]);
	IN_CHILD(p[8192] = 'c'; q[0] = 'c');
	say("%c %c", p[8192], q[0]);
	SHOW(munmap(p, 4 * 4096));
	SHOW(munmap(q, 4096));
	/* what a private mapping wrote stays over mprotect; an executable in tmpfs runs */
	fd = open("private", O_RDWR | O_CREAT | O_TRUNC, 0755);
	ftruncate(fd, 4 * 4096);
	p = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	p[0] = 1;
	p[3 * 4096] = 3;
	SHOW(mprotect(p, 8 * 4096, PROT_READ));
	SHOW(mprotect(p + 4096, 4096, PROT_READ | PROT_WRITE));
	say("%d %d %d", p[0], p[3 * 4096], touch(p + 4 * 4096));
	SHOW(mprotect(p, 8 * 4096, PROT_READ | PROT_WRITE));
	say("%d %d %d", p[0], p[3 * 4096], touch(p + 4 * 4096));
	char *moved = mremap(p, 8 * 4096, 16 * 4096, MREMAP_MAYMOVE);
	CHECK(moved != MAP_FAILED);
	if (moved != MAP_FAILED) {
		say("%d %d %d", moved[0], moved[3 * 4096], touch(moved + 4 * 4096));
		munmap(moved, 16 * 4096);
	}
	int self = open("/proc/self/exe", O_RDONLY);
	ftruncate(fd, 0);
	lseek(fd, 0, SEEK_SET);
	while ((n = read(self, copy, sizeof(copy))) > 0)
		write(fd, copy, (size_t)n);
	close(self);
	close(fd);
	IN_CHILD(execl("./private", "private", "child", NULL));
	unlink("private");
	/* a file that grows by write while it is mapped */
	fd = open("grows", O_RDWR | O_CREAT | O_TRUNC, 0644);
	p = mmap(NULL, 16 * 4096, PROT_READ, MAP_SHARED, fd, 0);
	say("%d", touch(p));
	for (int i = 0; i < 10; i++)
		pwrite(fd, "page", 4, i * 4096L);
	say("%s %s %d", p, p + 9 * 4096, touch(p + 10 * 4096));
	munmap(p, 16 * 4096);
	SHOW(ftruncate(fd, 0));
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	say("%d", touch(p));
	munmap(p, 4096);
	close(fd);
	unlink("grows");
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void list(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	char *names[256];
	int n = 0;

	while ((e = readdir(dir)) && n < 256) {
		char *name = malloc(300);
		sprintf(name, "%s:%d", e->d_name, e->d_type);
		names[n++] = name;
	}
	closedir(dir);
	qsort(names, n, sizeof(char *), by_name);
	for (int i = 0; i < n; i++) {
		printf(" %s", names[i]);
		free(names[i]);
	}
	say("");
}

static void directories(void)
{
	struct stat st;
	char name[300];
	struct dirent *e;
	DIR *dir;
	int n = 0;

	SECTION("directories");
	SHOW(mkdir("d", 0755));
	stat("d", &st);
	say("nlink %ld size %ld", (long)st.st_nlink, (long)st.st_size);
	SHOW(mkdir("d/sub", 0755));
	SHOW(mknod("d/fifo", S_IFIFO | 0644, 0));
	SHOW(mknod("d/file", S_IFREG | 0644, 0));
	SHOW(symlink("target", "d/link"));
	stat("d", &st);
	say("nlink %ld size %ld", (long)st.st_nlink, (long)st.st_size);
	list("d");
	SHOW(rmdir("d"));
	SHOW(mkdir("d/sub/deep", 0755));
	SHOW(rename("d/sub", "d/sub/deep/x"));
	SHOW(rename("d/sub/deep", "d/moved"));
	stat("d", &st);
	say("nlink %ld", (long)st.st_nlink);
	stat("d/sub", &st);
	say("nlink %ld", (long)st.st_nlink);
	SHOW(rename("d/moved", "d/file"));
	SHOW(rename("d/file", "d/moved"));
	SHOW(rename("d/moved", "d/sub"));
	list("d");
	SHOW(renameat2(AT_FDCWD, "d/file", AT_FDCWD, "d/link", RENAME_NOREPLACE));
	SHOW(renameat2(AT_FDCWD, "d/file", AT_FDCWD, "d/sub", RENAME_EXCHANGE));
	list("d");
	SHOW(renameat2(AT_FDCWD, "d/file", AT_FDCWD, "d/none", RENAME_EXCHANGE));
	SHOW(renameat2(AT_FDCWD, "d/file", AT_FDCWD, "d/x", RENAME_EXCHANGE | RENAME_NOREPLACE));
	SHOW(link("d/sub", "d/hard"));
	SHOW(link("d/file", "d/harddir"));
	SHOW(rename("d/sub", "d/hard"));
	stat("d/hard", &st);
	say("nlink %ld", (long)st.st_nlink);
	SHOW(unlink("d/hard"));
	SHOW(unlink("d/file"));
	SHOW(rmdir("d/link"));
	memset(name, 'n', 256);
	name[256] = 0;
	SHOW(mkdir(name, 0755));
	name[255] = 0;
	SHOW(mkdir(name, 0755));
	SHOW(rmdir(name));
	/* entries removed while they are listed */
	for (int i = 0; i < 200; i++) {
		sprintf(name, "d/entry%d", i);
		close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	dir = opendir("d");
	while ((e = readdir(dir)))
		if (!strncmp(e->d_name, "entry", 5)) {
			n++;
			unlinkat(dirfd(dir), e->d_name, 0);
		}
	say("%d removed", n);
	rewinddir(dir);
	n = 0;
	while ((e = readdir(dir)))
		n++;
	say("%d left", n);
	closedir(dir);
	system("rm -rf d");
	SHOW(access("d", F_OK));
	/* a directory that is gone */
	mkdir("gone", 0755);
	dir = opendir("gone");
	rmdir("gone");
	SHOW(readdir(dir));
	SHOW(openat(dirfd(dir), "x", O_CREAT | O_WRONLY, 0600));
	closedir(dir);
}

static void links(void)
{
	char target[64], proc[64];
	struct stat st;
	int fd;

	SECTION("links");
	SHOW(symlink("somewhere", "s"));
	SHOW(symlink("", "s2"));
	SHOW(symlink("x", "s"));
	lstat("s", &st);
	say("%o %ld", st.st_mode, (long)st.st_size);
	SHOW(readlink("s", target, sizeof(target)));
	SHOW(readlink("s", target, 4));
	SHOW(open("s", O_RDONLY | O_NOFOLLOW));
	SHOW(unlink("s"));
	fd = SHOW(open(".", O_TMPFILE | O_RDWR, 0600));
	SHOW(write(fd, "temporary", 9));
	fstat(fd, &st);
	say("nlink %ld mode %o", (long)st.st_nlink, st.st_mode);
	sprintf(proc, "/proc/self/fd/%d", fd);
	SHOW(linkat(AT_FDCWD, proc, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	fstat(fd, &st);
	say("nlink %ld", (long)st.st_nlink);
	close(fd);
	stat("named", &st);
	say("size %ld", (long)st.st_size);
	unlink("named");
	fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
	sprintf(proc, "/proc/self/fd/%d", fd);
	SHOW(linkat(AT_FDCWD, proc, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	close(fd);
}

static void xattrs(void)
{
	char value[64], names[256];
	int fd = open("x", O_RDWR | O_CREAT, 0644);

	SECTION("extended attributes");
	SHOW(setxattr("x", "trusted.one", "value", 5, 0));
	SHOW(setxattr("x", "trusted.one", "value", 5, XATTR_CREATE));
	SHOW(setxattr("x", "trusted.two", "v", 1, XATTR_REPLACE));
	SHOW(getxattr("x", "trusted.one", value, sizeof(value)));
	SHOW(getxattr("x", "trusted.one", NULL, 0));
	SHOW(getxattr("x", "trusted.one", value, 3));
	SHOW(getxattr("x", "trusted.none", value, 3));
	SHOW(getxattr("x", "nonsense", value, 3));
	SHOW(setxattr("x", "trusted.", "v", 1, 0));
	SHOW(fsetxattr(fd, "trusted.one", "", 0, XATTR_REPLACE));
	SHOW(fgetxattr(fd, "trusted.one", value, sizeof(value)));
	SHOW(listxattr("x", names, sizeof(names)));
	SHOW(listxattr("x", names, 3));
	SHOW(removexattr("x", "trusted.one"));
	SHOW(removexattr("x", "trusted.one"));
	SHOW(listxattr("x", NULL, 0));
	close(fd);
	unlink("x");
}

static void times(void)
{
	struct stat a, b;
	int fd;

	SECTION("times");
	fd = open("t", O_RDWR | O_CREAT, 0644);
	fstat(fd, &a);
	sleep_ms(20);
	write(fd, "x", 1);
	fstat(fd, &b);
	CHECK(b.st_mtim.tv_sec * 1000000000L + b.st_mtim.tv_nsec > a.st_mtim.tv_sec * 1000000000L + a.st_mtim.tv_nsec);
	CHECK(b.st_ctim.tv_nsec == b.st_mtim.tv_nsec);
	CHECK(b.st_atim.tv_nsec == a.st_atim.tv_nsec);
	struct timespec t[2] = { { 1000, 5 }, { 2000, 6 } };
	SHOW(futimens(fd, t));
	fstat(fd, &b);
	say("%ld.%ld %ld.%ld", (long)b.st_atim.tv_sec, b.st_atim.tv_nsec, (long)b.st_mtim.tv_sec, b.st_mtim.tv_nsec);
	t[0].tv_nsec = UTIME_OMIT;
	t[1].tv_nsec = UTIME_NOW;
	SHOW(futimens(fd, t));
	fstat(fd, &b);
	say("%ld %d", (long)b.st_atim.tv_sec, b.st_mtim.tv_sec > 2000);
	close(fd);
	unlink("t");
}

static void limits(void)
{
	struct statfs fs;
	static char page[65536];
	long done = 0, n;
	char name[32];
	int fd, made = 0;

	SECTION("limits");
	mkdir("m", 0755);
	if (mount("tmpfs", "m", "tmpfs", 0, "size=256k,nr_inodes=10,mode=711,uid=5,gid=6")) {
		say("cannot mount: %s", error_name(errno));
		return;
	}
	struct stat st;
	stat("m", &st);
	say("mode %o uid %d gid %d", st.st_mode, st.st_uid, st.st_gid);
	statfs("m", &fs);
	say("%lx %ld %ld %ld %ld %ld", (long)fs.f_type, (long)fs.f_bsize, (long)fs.f_blocks, (long)fs.f_bfree, (long)fs.f_files,
	    (long)fs.f_namelen);
	fd = open("m/f", O_RDWR | O_CREAT, 0644);
	while ((n = write(fd, page, sizeof(page))) > 0)
		done += n;
	say("%ld written, then %s", done, error_name(errno));
	statfs("m", &fs);
	say("%ld free", (long)fs.f_bfree);
	SHOW(pwrite(fd, page, 10, 0));
	SHOW(fallocate(fd, 0, 0, 1 << 20));
	SHOW(ftruncate(fd, 0));
	SHOW(fallocate(fd, 0, 0, 1 << 20));
	SHOW(fallocate(fd, 0, 0, 200 << 10));
	statfs("m", &fs);
	say("%ld free", (long)fs.f_bfree);
	close(fd);
	unlink("m/f");
	do {
		sprintf(name, "m/%d", made++);
		fd = open(name, O_RDWR | O_CREAT, 0600);
		close(fd);
	} while (fd >= 0 && made < 100);
	say("%d made, then %s", made - 1, error_name(errno));
	SHOW(mount("none", "m", "tmpfs", 0, "nonsense=1"));
	SHOW(umount("m"));
	SHOW(rmdir("m"));
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		say("run from tmpfs");
		return 7;
	}
	umask(022);
	mkdir("/tmp/tmpfs-test", 0755);
	chdir("/tmp/tmpfs-test");
	sparse();
	mapped();
	directories();
	links();
	xattrs();
	times();
	limits();
	chdir("/");
	rmdir("/tmp/tmpfs-test");
	return 0;
}
