// SPDX-License-Identifier: Apache-2.0
/*
 * usage: escapes SECRET_PATH HOST_PID
 *
 * Ways out of the root file system: "..", symlinks, magic links, chroot, descriptors kept open, renames that race with walks.
 * SECRET_PATH is a file on the host beside the root, which begins with "secret"; also its parent directories count as outside.
 */
#include "attack.h"

#include <dirent.h>
#include <linux/openat2.h>

static const char *secret;
static const char *base; /* last component */

static bool is_secret(int fd)
{
	char buf[8] = "";
	bool hit = fd >= 0 && pread(fd, buf, 6, 0) == 6 && !memcmp(buf, "secret", 6);

	if (fd >= 0)
		close(fd);
	return hit;
}

static void try_path(const char *path) { result(!is_secret(open(path, O_RDONLY)), "open %s", path); }

static void dots(void)
{
	char path[4096];

	try_path(secret);
	for (int depth = 1; depth < 30; depth += 7) {
		path[0] = 0;
		for (int i = 0; i < depth; i++)
			strcat(path, "/..");
		strcat(path, secret);
		try_path(path);
		path[0] = 0;
		for (int i = 0; i < depth; i++)
			strcat(path, "/..");
		sprintf(path + strlen(path), "/%s", base);
		try_path(path);
		sprintf(path, "/data%s/%s", depth == 1 ? "/../.." : "/../../../..", base);
		try_path(path);
	}
	chdir("/");
	chdir("..");
	try_path(base);
	struct stat root, up;
	stat("/", &root);
	stat("/..", &up);
	result(root.st_ino == up.st_ino && root.st_dev == up.st_dev, "/.. is /");
}

static void symlinks(void)
{
	char target[4096];

	mkdir("/data/links", 0755);
	chdir("/data/links");
	symlink(secret, "absolute");
	try_path("absolute");
	sprintf(target, "../../../../../../../..%s", secret);
	symlink(target, "relative");
	try_path("relative");
	sprintf(target, "/proc/self/root/../../../..%s", secret);
	symlink(target, "magic");
	try_path("magic");
	sprintf(target, "/proc/self/cwd/../../../../../..%s", secret);
	unlink("magic");
	symlink(target, "magic");
	try_path("magic");
	symlink("..", "up");
	sprintf(target, "up/up/up/up/up/up%s", secret);
	try_path(target);
	sprintf(target, "/proc/1/root%s", secret);
	try_path(target);
	sprintf(target, "/proc/1/cwd/../../../..%s", secret);
	try_path(target);
	/* Making and removing through links. */
	symlink("../../../../../../../../tmp/linuxd-escaped", "new");
	int fd = open("new", O_CREAT | O_WRONLY, 0644);
	result(fd < 0 || access("/tmp/linuxd-escaped", F_OK) == 0, "a file made through a symlink is inside");
	close(fd);
	link("absolute", "hard");
	try_path("hard");
	rename("absolute", "renamed");
	try_path("renamed");
	result(truncate("renamed", 0) != 0, "truncate through a symlink");
	chmod("renamed", 0);
	chown("renamed", 12345, 12345);
	unlink("renamed");
}

static void descriptors(void)
{
	char path[64];
	int outside = 0;

	/* Descriptors left open by whoever started us. */
	for (int fd = 0; fd < 1024; fd++) {
		struct stat st;
		int up;

		if (fstat(fd, &st) || !S_ISDIR(st.st_mode))
			continue;
		up = openat(fd, base, O_RDONLY);
		outside += is_secret(up);
		up = openat(fd, "..", O_RDONLY | O_DIRECTORY);
		outside += up >= 0 && is_secret(openat(up, base, O_RDONLY));
		close(up);
	}
	result(!outside, "inherited descriptors");
	/* Magic links of every process. */
	DIR *d = opendir("/proc");
	outside = 0;
	for (struct dirent *e; d && (e = readdir(d));) {
		static const char *const names[] = { "root", "cwd", "exe", "fd/0", "fd/1", "fd/2", "fd/3", "fd/4", "fd/5" };

		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			snprintf(path, sizeof(path), "/proc/%.20s/%s", e->d_name, names[i]);
			int fd = open(path, O_PATH);
			if (fd < 0)
				continue;
			outside += is_secret(openat(fd, base, O_RDONLY));
			int up = openat(fd, "..", O_PATH);
			if (up >= 0)
				outside += is_secret(openat(up, base, O_RDONLY)) + is_secret(openat(up, secret + 1, O_RDONLY));
			close(up);
			close(fd);
		}
	}
	if (d)
		closedir(d);
	result(!outside, "magic links of all processes");
}

static void chroots(void)
{
	mkdir("/data/jail", 0755);
	int root = open("/", O_RDONLY | O_DIRECTORY);

	if (chroot("/data/jail") == 0) {
		/* A directory from outside the new root, then up as far as it goes. */
		fchdir(root);
		for (int i = 0; i < 64; i++)
			chdir("..");
		result(!is_secret(open(base, O_RDONLY)) && !is_secret(open(secret + 1, O_RDONLY)), "out of a chroot");
		chroot(".");
	}
	result(!is_secret(open(secret, O_RDONLY)), "chroot of where we got to");
	struct open_how how = { .flags = O_RDONLY, .resolve = RESOLVE_IN_ROOT };
	char path[4096];
	sprintf(path, "../../../../..%s", secret);
	int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	result(!is_secret(fd), "openat2 in root");
	how.resolve = RESOLVE_BENEATH;
	fd = (int)syscall(SYS_openat2, root, "..", &how, sizeof(how));
	result(fd < 0, "openat2 beneath");
	close(fd);
	close(root);
}

static volatile bool stop;

/* Moves a deep directory to the top and back while others walk ".." from it. */
static void *mover(void *arg)
{
	while (!stop) {
		rename("/data/race/a/b/c", "/data/c");
		rename("/data/c", "/data/race/a/b/c");
	}
	return NULL;
}

/* Swaps a directory and a symlink that leads up and out. */
static void *swapper(void *arg)
{
	while (!stop) {
		syscall(SYS_renameat2, AT_FDCWD, "/data/race/dir", AT_FDCWD, "/data/race/link", 2);
	}
	return NULL;
}

static void races(void)
{
	pthread_t a, b;
	char up[4096], through[4096];
	int hits = 0;
	time_t end = time(NULL) + 4;

	mkdir("/data/race", 0755);
	mkdir("/data/race/a", 0755);
	mkdir("/data/race/a/b", 0755);
	mkdir("/data/race/a/b/c", 0755);
	mkdir("/data/race/a/b/c/d", 0755);
	mkdir("/data/race/dir", 0755);
	symlink("../../../../../../../../../..", "/data/race/link");
	sprintf(up, "/data/race/a/b/c/d/../../../../../../%s", base);
	sprintf(through, "/data/race/dir/%s", secret + 1);
	pthread_create(&a, NULL, mover, NULL);
	pthread_create(&b, NULL, swapper, NULL);
	while (time(NULL) < end) {
		hits += is_secret(open(up, O_RDONLY));
		hits += is_secret(open(through, O_RDONLY));
		int d = open("/data/race/a/b/c/d", O_RDONLY | O_DIRECTORY);
		if (d >= 0) {
			hits += is_secret(openat(d, "../../../../../../../x", O_RDONLY));
			sprintf(through, "../../../../../../../..%s", secret);
			hits += is_secret(openat(d, through, O_RDONLY));
			close(d);
		}
		sprintf(through, "/data/race/dir/%s", secret + 1);
		int fd = open("/data/race/dir/linuxd-escaped-race", O_CREAT | O_WRONLY, 0600);
		close(fd);
	}
	stop = true;
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	result(!hits, "renames that race with walks");
}

static void processes(int host_pid)
{
	errno = 0;
	bool reached = host_pid > 1 && kill(host_pid, 0) == 0;
	char path[64], comm[32] = "";

	snprintf(path, sizeof(path), "/proc/%d/comm", host_pid);
	int fd = open(path, O_RDONLY);
	if (fd >= 0)
		read(fd, comm, sizeof(comm) - 1);
	result(!reached || strncmp(comm, "linuxd-victim", 13), "the host's process is not visible");
	/* Everything that can be signalled is ours: pid 1 is the container's. */
	fd = open("/proc/1/comm", O_RDONLY);
	memset(comm, 0, sizeof(comm));
	read(fd, comm, sizeof(comm) - 1);
	result(strncmp(comm, "systemd", 7) && strncmp(comm, "init", 4), "pid 1 is not the host's (%.*s)", (int)strcspn(comm, "\n"), comm);
}

static void devices(void)
{
	/* A device node of the host's disk must not open the host's device. */
	static const struct { const char *name; mode_t mode; dev_t dev; } nodes[] = {
		{ "/data/sda", S_IFBLK | 0600, 8 << 8 }, { "/data/vda", S_IFBLK | 0600, 254 << 8 }, { "/data/mem", S_IFCHR | 0600, (1 << 8) | 1 },
		{ "/data/port", S_IFCHR | 0600, (1 << 8) | 4 }, { "/data/kmsg", S_IFCHR | 0600, (1 << 8) | 11 },
	};
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		mknod(nodes[i].name, nodes[i].mode, nodes[i].dev);
		int fd = open(nodes[i].name, O_RDWR);
		char buf[16];
		bool ours = !strcmp(nodes[i].name, "/data/kmsg"); /* the container has a log of its own */
		result(fd < 0 || ours || read(fd, buf, sizeof(buf)) <= 0, "device node %s", nodes[i].name);
		close(fd);
		unlink(nodes[i].name);
	}
	result(access("/dev/mem", F_OK) != 0 && access("/dev/sda", F_OK) != 0, "no host devices in /dev");
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	secret = argv[1];
	base = strrchr(secret, '/') + 1;
	dots();
	symlinks();
	descriptors();
	processes(atoi(argv[2]));
	devices();
	races();
	chroots();
	return failures != 0;
}
