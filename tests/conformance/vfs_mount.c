// SPDX-License-Identifier: Apache-2.0
/* mount, umount, bind, read-only remount, move, pivot_root, chroot. Needs root; in a mount namespace of its own. */
#include "test.h"

#include <sys/mount.h>
#include <sys/vfs.h>

static void make(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0644);
	write(fd, text, strlen(text));
	close(fd);
}

static void show(const char *name)
{
	char buf[64] = { 0 };
	int fd = open(name, O_RDONLY);
	if (fd < 0) {
		say("%s: %s", name, error_name(errno));
		return;
	}
	read(fd, buf, sizeof(buf) - 1);
	close(fd);
	say("%s: '%s'", name, buf);
}

static void tmpfs(void)
{
	struct statfs sf;
	struct stat st;
	SECTION("tmpfs");
	mkdir("m", 0755);
	make("m/under", "under");
	SHOW(mount("none", "m", "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=700"));
	show("m/under");
	stat("m", &st);
	say("%o", st.st_mode);
	make("m/in", "in");
	show("m/in");
	statfs("m", &sf);
	say("type %lx size %ld flags %lx", (long)sf.f_type, (long)(sf.f_blocks * sf.f_bsize), (long)sf.f_flags & 0x1f);
	int fd = open("m/in", O_RDONLY);
	SHOW(umount("m"));
	SHOW(rename("m/in", "out"));
	SHOW(link("m/in", "out"));
	SHOW(rmdir("m"));
	SHOW(rename("m", "n"));
	SHOW(umount2("m", MNT_DETACH));
	show("m/under");
	char buf[8] = { 0 };
	SHOW(read(fd, buf, 8));
	close(fd);
	SHOW(umount("m"));
	SHOW(umount("none"));
	SHOW(mount("none", "m", "nosuchfs", 0, NULL));
	SHOW(mount("none", "none", "tmpfs", 0, NULL));
	SHOW(mount("none", "m/under", "tmpfs", 0, NULL));
	SHOW(mount("none", "m", NULL, 0, NULL));
	SHOW(mount("none", "m", "tmpfs", 0, "mode=800"));
	SHOW(umount2("m", 0x40));
}

static void binds(void)
{
	SECTION("bind");
	mkdir("src", 0755);
	mkdir("src/sub", 0755);
	mkdir("dst", 0755);
	make("src/f", "one");
	make("file", "target");
	SHOW(mount("src", "dst", NULL, MS_BIND, NULL));
	show("dst/f");
	make("dst/g", "made");
	show("src/g");
	SHOW(rename("src/f", "dst/f2"));
	SHOW(link("src/f", "dst/f2"));
	SHOW(mount(NULL, "dst", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL));
	SHOW(open("dst/f", O_RDWR));
	SHOW(open("dst/new", O_CREAT | O_WRONLY, 0644));
	SHOW(open("dst/f", O_CREAT | O_RDONLY, 0644) >= 0);
	SHOW(open("dst/f", O_RDONLY | O_TRUNC));
	SHOW(mkdir("dst/d", 0755));
	SHOW(mkdir("dst/sub", 0755));
	SHOW(rmdir("dst/sub"));
	SHOW(unlink("dst/f"));
	SHOW(unlink("dst/none"));
	SHOW(rename("dst/f", "dst/h"));
	SHOW(chmod("dst/f", 0600));
	SHOW(chown("dst/f", 1, 1));
	SHOW(truncate("dst/f", 0));
	SHOW(utimensat(AT_FDCWD, "dst/f", NULL, 0));
	SHOW(symlink("x", "dst/l"));
	SHOW(link("dst/f", "dst/l"));
	SHOW(mknod("dst/p", S_IFIFO | 0644, 0));
	SHOW(access("dst/f", W_OK));
	SHOW(access("dst/f", R_OK));
	SHOW(chmod("src/f", 0640));
	SHOW(mount("src/f", "file", NULL, MS_BIND, NULL));
	show("file");
	SHOW(unlink("file"));
	SHOW(rename("file", "file2"));
	SHOW(mount("src", "file", NULL, MS_BIND, NULL));
	SHOW(mount("src/f", "dst", NULL, MS_BIND, NULL));
	SHOW(umount("file"));
	show("file");
	mkdir("rdst", 0755);
	SHOW(mount("t", "src/sub", "tmpfs", 0, NULL));
	make("src/sub/deep", "deep");
	SHOW(mount("src", "rdst", NULL, MS_BIND | MS_REC, NULL));
	show("rdst/sub/deep");
	show("dst/sub/deep");
	SHOW(umount("rdst"));
	SHOW(umount2("rdst", MNT_DETACH));
	show("rdst/f");
	SHOW(umount("src/sub"));
	SHOW(umount("dst"));
	show("dst/f");
}

static void stack(void)
{
	SECTION("stacked and moved");
	mkdir("s", 0755);
	mkdir("to", 0755);
	SHOW(mount("a", "s", "tmpfs", 0, NULL));
	make("s/first", "1");
	SHOW(mount("b", "s", "tmpfs", 0, NULL));
	make("s/second", "2");
	show("s/first");
	show("s/second");
	SHOW(mount("s", "to", NULL, MS_MOVE, NULL));
	show("s/first");
	show("to/second");
	SHOW(mount("to", "to", NULL, MS_MOVE, NULL));
	SHOW(mount("src", "to", NULL, MS_MOVE, NULL));
	SHOW(umount("to"));
	SHOW(umount("s"));
	show("s/first");
}

static void roots(const char *base)
{
	char cwd[256];
	struct stat st;
	SECTION("chroot");
	chdir(base);
	mkdir("r", 0755);
	mkdir("r/in", 0755);
	make("r/in/f", "inside");
	symlink("/in/f", "r/abs");
	symlink("../../../../../in/f", "r/dots");
	SHOW(chroot("r"));
	getcwd(cwd, sizeof(cwd));
	CHECK(!strncmp(cwd, "(unreachable)", 13) || syscall(SYS_getcwd, cwd, sizeof(cwd)) > 0);
	SHOW(chdir("/"));
	show("/abs");
	show("/dots");
	show("/../in/f");
	SHOW(stat("..", &st));
	ino_t up = st.st_ino;
	stat("/", &st);
	CHECK(up == st.st_ino);
	puts(getcwd(cwd, sizeof(cwd)));
}

static void pivot(const char *base)
{
	char cwd[256];
	SECTION("pivot_root");
	chdir(base);
	mkdir("newroot", 0755);
	SHOW(syscall(SYS_pivot_root, "newroot", "newroot"));
	SHOW(mount("n", "newroot", "tmpfs", 0, NULL));
	mkdir("newroot/old", 0755);
	make("newroot/here", "here");
	SHOW(syscall(SYS_pivot_root, "newroot", "src"));
	SHOW(syscall(SYS_pivot_root, "newroot", "newroot/old"));
	SHOW(chdir("/"));
	show("/here");
	SHOW(access("/old/etc", F_OK));
	puts(getcwd(cwd, sizeof(cwd)));
	SHOW(umount2("/old", MNT_DETACH));
	SHOW(access("/old/etc", F_OK));
}

int main(void)
{
	char name[] = "/tmp/mnt.XXXXXX";
	unshare(CLONE_NEWNS); /* where there are such */
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	char *dir = mkdtemp(name);
	chdir(dir);
	tmpfs();
	binds();
	stack();
	IN_CHILD(roots(dir));
	IN_CHILD(unshare(CLONE_NEWNS); pivot(dir));
	return 0;
}
