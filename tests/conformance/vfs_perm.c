// SPDX-License-Identifier: Apache-2.0
/* Who may do what: modes, sticky and set-group-id directories, chown and chmod rules, set-id bits, access, umask. As root and as a user. */
#include "test.h"

#include <grp.h>
#include <sys/sysmacros.h>

#define makedev_(a, b) makedev(a, b)

static void show_mode(const char *name)
{
	struct stat st;
	if (lstat(name, &st))
		say("%s: %s", name, error_name(errno));
	else
		say("%s: %o %d:%d nlink %d size %ld", name, st.st_mode, st.st_uid, st.st_gid, S_ISDIR(st.st_mode) ? 0 : (int)st.st_nlink,
		    S_ISDIR(st.st_mode) ? 0 : (long)st.st_size);
}

static void become(int uid, int gid)
{
	setgroups(0, NULL);
	setresgid(gid, gid, gid);
	setresuid(uid, uid, uid);
}

static void as_user(void)
{
	struct stat st;
	become(1000, 1000);
	SECTION("as user");
	SHOW(open("root600", O_RDONLY));
	SHOW(open("root644", O_RDONLY) >= 0);
	SHOW(open("root644", O_WRONLY));
	SHOW(open("root644", O_RDONLY | O_TRUNC));
	SHOW(open("root666", O_RDWR) >= 0);
	SHOW(open("dir700/x", O_RDONLY));
	SHOW(open("dir755/new", O_CREAT | O_WRONLY, 0644));
	SHOW(open("dir755/root644", O_CREAT | O_RDONLY, 0644) >= 0);
	SHOW(open("dir755/root644", O_CREAT | O_EXCL | O_RDONLY, 0644));
	SHOW(mkdir("dir755/sub", 0755));
	SHOW(mkdir("dir755/root644", 0755));
	SHOW(unlink("dir755/root644"));
	SHOW(unlink("dir755/none"));
	SHOW(chmod("root666", 0600));
	SHOW(chown("root666", 1000, -1));
	SHOW(chown("root666", -1, -1));
	SHOW(truncate("root644", 0));
	SHOW(truncate("root666", 1));
	SHOW(utimensat(AT_FDCWD, "root644", NULL, 0));
	SHOW(utimensat(AT_FDCWD, "root666", NULL, 0));
	struct timespec t[2] = { { 1, 0 }, { 2, 0 } };
	SHOW(utimensat(AT_FDCWD, "root666", t, 0));
	SHOW(link("root600", "dir777/hard"));
	SHOW(link("root666", "dir777/hard"));
	SHOW(mknod("dir777/null", S_IFCHR | 0666, makedev_(1, 3)));
	SHOW(mknod("dir777/fifo", S_IFIFO | 0666, 0));
	SHOW(mknod("dir777/reg", S_IFREG | 0666, 0));
	SHOW(unlink("sticky/root"));
	SHOW(rename("sticky/root", "sticky/other"));
	SHOW(rename("sticky/root", "dir777/other"));
	SHOW(close(open("sticky/mine", O_CREAT | O_WRONLY, 0666)));
	show_mode("sticky/mine");
	SHOW(rename("sticky/mine", "sticky/root"));
	SHOW(unlink("sticky/mine"));
	SHOW(rmdir("sticky/rootdir"));
	SHOW(close(open("setgid/file", O_CREAT | O_WRONLY, 02755)));
	show_mode("setgid/file");
	SHOW(mkdir("setgid/dir", 0755));
	show_mode("setgid/dir");
	SHOW(chmod("setgid/file", 02755));
	show_mode("setgid/file");
	SHOW(close(open("dir777/own", O_CREAT | O_RDWR, 0)));
	show_mode("dir777/own");
	SHOW(open("dir777/own", O_RDONLY));
	SHOW(chmod("dir777/own", 06755));
	show_mode("dir777/own");
	SHOW(chown("dir777/own", -1, 1000));
	show_mode("dir777/own");
	SHOW(chown("dir777/own", -1, 7));
	SHOW(chmod("dir777/own", 06777));
	int fd = open("dir777/own", O_WRONLY);
	SHOW(write(fd, "x", 1));
	show_mode("dir777/own");
	close(fd);
	SHOW(access("root600", R_OK));
	SHOW(access("root644", R_OK));
	SHOW(access("root644", R_OK | W_OK));
	SHOW(access("dir700", X_OK));
	SHOW(access("dir700/x", F_OK));
	SHOW(chdir("dir700"));
	SHOW(stat("dir711/x", &st));
	SHOW(open("dir711", O_RDONLY));
	SHOW(open("dir711", O_PATH) >= 0);
	SHOW(chroot("."));
	SHOW(open("root666", O_RDONLY | O_NOATIME));
	SHOW(rename("dir777/own", "dir755/own"));
	SHOW(rename("dir777/own", "dir777/renamed"));
	SHOW(mkdir("dir777/d", 0700));
	SHOW(rename("dir777/d", "sticky/d"));
	SHOW(rename("sticky/rootdir", "dir777/rd"));
	SHOW(symlink("nowhere", "dir777/s"));
	show_mode("dir777/s");
	SHOW(lchown("dir777/s", -1, 1000));
}

static void as_root(void)
{
	SECTION("as root");
	show_mode("dir777/fifo");
	show_mode("dir777/reg");
	show_mode("dir777/renamed");
	SHOW(chmod("root600", 0));
	SHOW(open("root600", O_RDWR) >= 0);
	SHOW(access("root600", R_OK | W_OK));
	SHOW(access("root600", X_OK));
	SHOW(chmod("root600", 06711));
	SHOW(chown("root600", 1000, 1000));
	show_mode("root600");
	SHOW(chmod("root600", 06744));
	SHOW(chown("root600", 0, 0));
	show_mode("root600");
	SHOW(chmod("root600", 06755));
	int fd = open("root600", O_WRONLY);
	SHOW(write(fd, "x", 1));
	show_mode("root600");
	SHOW(fchmod(fd, 0123));
	show_mode("root600");
	SHOW(fchown(fd, 12, 34));
	show_mode("root600");
	close(fd);
	SHOW(mknod("null", S_IFCHR | 0666, makedev_(1, 3)));
	show_mode("null");
	SHOW(mknod("x", S_IFDIR | 0666, 0));
	SHOW(mknod("x", 0170000 | 0666, 0));
	SHOW(mknod("x", 0666, 0));
	show_mode("x");
	SHOW(syscall(SYS_fchmodat, AT_FDCWD, "dir777/s", 0600));
	umask(0);
	SHOW(mkdir("um0", 07777));
	show_mode("um0");
	close(open("um1", O_CREAT | O_WRONLY, 07777));
	show_mode("um1");
	SHOW(umask(0177777));
	SHOW(umask(022));
	close(open("um2", O_CREAT | O_WRONLY, 0666));
	show_mode("um2");
}

int main(void)
{
	const char *bases[] = { ".", "/dev/shm" };
	char name[64], command[512];
	for (int i = 0; i < 2; i++) {
		say("== %d", i);
		snprintf(name, sizeof(name), "%s/perm.XXXXXX", bases[i]);
		int back = open(".", O_RDONLY | O_DIRECTORY);
		char *dir = realpath(mkdtemp(name), NULL);
		chdir(dir);
		chmod(".", 0755);
		umask(0);
		for (int j = 0; j < 3; j++) {
			const char *files[] = { "root600", "root644", "root666" };
			const int modes[] = { 0600, 0644, 0666 };
			close(open(files[j], O_CREAT | O_WRONLY, modes[j]));
		}
		mkdir("dir700", 0700);
		mkdir("dir711", 0711);
		mkdir("dir755", 0755);
		mkdir("dir777", 0777);
		mkdir("sticky", 01777);
		mkdir("setgid", 0777);
		chown("setgid", 0, 50);
		chmod("setgid", 02777);
		close(open("dir711/x", O_CREAT | O_WRONLY, 0644));
		close(open("dir755/root644", O_CREAT | O_WRONLY, 0644));
		close(open("sticky/root", O_CREAT | O_WRONLY, 0666));
		mkdir("sticky/rootdir", 0777);
		umask(022);
		IN_CHILD(as_user());
		as_root();
		fchdir(back);
		close(back);
		snprintf(command, sizeof(command), "rm -rf '%s'", dir);
		SHOW(system(command));
		free(dir);
	}
	return 0;
}
