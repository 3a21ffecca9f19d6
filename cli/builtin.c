/* SPDX-License-Identifier: Apache-2.0 */
/*
 * builtin:busybox: the statically linked busybox that was found when linuxd was built, as a root file system.
 *
 * It is a directory below $TMPDIR that is removed at the end. A linuxd that is killed cannot do that: it holds a lock on its
 * directory as long as it lives, and the next one removes those that nobody holds.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "busybox_applets.gen.h"
#include "cli/cli.h"

#define PREFIX "linuxd-busybox-"
#define YOUNG 60 /* seconds: may have no lock yet */

static int locked_directory = -1; /* ours, for as long as we live */

extern const char busybox_start[], busybox_end[];

bool builtin_exists(void)
{
	return busybox_end - busybox_start > 4;
}

static int write_file(int directory, const char *path, mode_t mode, const char *data, size_t size)
{
	int fd = openat(directory, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	while (fd >= 0 && size) {
		ssize_t written = write(fd, data, size);

		if (written <= 0) {
			close(fd);
			return -1;
		}
		data += written;
		size -= written;
	}
	if (fd >= 0 && fchmod(fd, mode))
		return -1;
	return fd < 0 ? -1 : close(fd);
}

static int fill(int directory)
{
	static const char *const folders[] = { "bin", "etc", "dev", "proc", "sys", "tmp", "root", "run", "var", "home", "usr", "usr/bin" };
	static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n";
	static const char group[] = "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n";

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mkdirat(directory, folders[i], 0755))
			return -1;
	if (fchmodat(directory, "tmp", 01777, 0) || fchmodat(directory, "root", 0700, 0))
		return -1;
	if (write_file(directory, "bin/busybox", 0755, busybox_start, busybox_end - busybox_start) ||
	    write_file(directory, "etc/passwd", 0644, passwd, sizeof(passwd) - 1) ||
	    write_file(directory, "etc/group", 0644, group, sizeof(group) - 1))
		return -1;
	for (size_t i = 0; busybox_applets[i]; i++) {
		char path[64];

		snprintf(path, sizeof(path), "bin/%s", busybox_applets[i]);
		if (symlinkat("busybox", directory, path) && errno != EEXIST)
			return -1;
	}
	return 0;
}

/* What the container left there is of any shape: never through a symbolic link, never deeper than descriptors last. */
static void remove_contents(int directory, int depth)
{
	DIR *entries = fdopendir(directory);
	struct dirent *entry;

	while (entries && (entry = readdir(entries))) {
		int inner;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (unlinkat(directory, entry->d_name, 0) == 0 || depth > 200)
			continue;
		fchmodat(directory, entry->d_name, 0700, AT_SYMLINK_NOFOLLOW);
		inner = openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (inner < 0)
			continue;
		remove_contents(inner, depth + 1);
		unlinkat(directory, entry->d_name, AT_REMOVEDIR);
	}
	if (entries)
		closedir(entries);
	else
		close(directory);
}

void builtin_remove_rootfs(const char *path)
{
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (directory >= 0)
		remove_contents(directory, 0);
	rmdir(path);
	if (locked_directory >= 0)
		close(locked_directory);
	locked_directory = -1;
}

/* A directory of ours whose linuxd is gone: nobody holds its lock, and it has had the time to take it. */
static bool is_left_over(int directory)
{
	struct stat status;

	return fstat(directory, &status) == 0 && status.st_uid == geteuid() && status.st_mtime + YOUNG < time(NULL) &&
	       flock(directory, LOCK_EX | LOCK_NB) == 0;
}

static void remove_left_over(const char *base)
{
	DIR *entries = opendir(base);
	struct dirent *entry;

	while (entries && (entry = readdir(entries))) {
		int directory, contents;

		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)))
			continue;
		directory = openat(dirfd(entries), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (directory >= 0 && is_left_over(directory) && (contents = fcntl(directory, F_DUPFD_CLOEXEC, 0)) >= 0) {
			remove_contents(contents, 0);
			unlinkat(dirfd(entries), entry->d_name, AT_REMOVEDIR);
		}
		if (directory >= 0)
			close(directory);
	}
	if (entries)
		closedir(entries);
}

char *builtin_make_rootfs(const char *name, struct error *error)
{
	const char *base = getenv("TMPDIR") && *getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	char *path = NULL;
	int directory;

	if (strcmp(name, "builtin:busybox")) {
		fail(error, 0, "no image %s", name);
		fail_remedy(error, "Give --rootfs DIR, or use builtin:busybox");
		return NULL;
	}
	if (!builtin_exists()) {
		fail(error, 0, "this linuxd was built without busybox");
		fail_remedy(error, "Install the package busybox-static and build again");
		return NULL;
	}
	remove_left_over(base);
	if (asprintf(&path, "%s/" PREFIX "XXXXXX", base) < 0 || !mkdtemp(path)) {
		fail(error, errno, "cannot make a directory %s", path ? path : "");
		free(path);
		return NULL;
	}
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	locked_directory = directory;
	if (directory < 0 || flock(directory, LOCK_EX | LOCK_NB) || fill(directory) || fchmod(directory, 0755)) {
		fail(error, errno, "cannot fill %s with busybox", path);
		builtin_remove_rootfs(path);
		free(path);
		path = NULL;
	}
	return path;
}
