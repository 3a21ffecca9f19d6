/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/native/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MAX_LINKS 40
#define PROC_ROOT_INO 1

int path_open(int root, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve,
	};
	int fd;

	if (!*path)
		path = "/";
	/* EAGAIN: something was renamed while the kernel walked through "..". */
	do
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	while (fd < 0 && (errno == EAGAIN || errno == EINTR));
	return fd;
}

static int make(int root, const char *path, bool directory, int links);

static int open_parent(int root, const char *path, int links, const char **ret_last)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;

	*ret_last = slash ? slash + 1 : path;
	if (length >= sizeof(parent)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(parent, path, length);
	parent[length] = '\0';
	return make(root, parent, true, links);
}

/* A symbolic link that leads nowhere: makes what it points to. */
static int follow_dangling(int root, int parent, const char *path, const char *last, bool directory, int links)
{
	char target[PATH_MAX], next[2 * PATH_MAX];
	ssize_t length = readlinkat(parent, last, target, sizeof(target) - 1);

	if (length <= 0) {
		errno = length == 0 || errno == EINVAL ? EEXIST : errno;
		return -1;
	}
	target[length] = '\0';
	if (target[0] == '/')
		return make(root, target, directory, links + 1);
	snprintf(next, sizeof(next), "%.*s/%s", (int)(last - path), path, target);
	return make(root, next, directory, links + 1);
}

static int make(int root, const char *given, bool directory, int links)
{
	int fd = path_open(root, given, O_PATH, 0), parent, saved;
	char path[2 * PATH_MAX];
	const char *last;
	size_t length;

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (links > MAX_LINKS) {
		errno = ELOOP;
		return -1;
	}
	length = snprintf(path, sizeof(path), "%s", given);
	if (length >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	while (length > 1 && path[length - 1] == '/')
		path[--length] = '\0';
	parent = open_parent(root, path, links, &last);
	if (parent < 0)
		return -1;
	if (directory) {
		if (mkdirat(parent, last, 0755) && errno != EEXIST)
			goto out;
	} else {
		int made = openat(parent, last, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

		if (made < 0 && errno != EEXIST)
			goto out;
		if (made >= 0)
			close(made);
	}
	fd = path_open(root, path, O_PATH, 0);
	if (fd < 0 && errno == ENOENT)
		fd = follow_dangling(root, parent, path, last, directory, links);
out:
	saved = errno;
	close(parent);
	errno = saved;
	return fd;
}

int path_make(int root, const char *path, bool directory) { return make(root, path, directory, 0); }

int path_parent(int root, const char *path, const char **ret_last) { return open_parent(root, path, 0, ret_last); }

/* ---- procfs ---- */

static bool is_procfs(int fd)
{
	struct statfs fs;
	struct stat status;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC && fstat(fd, &status) == 0 && status.st_ino == PROC_ROOT_INO;
}

/* A mount of our own, that no path leads to. */
static int new_procfs(void)
{
	int context = fsopen("proc", FSOPEN_CLOEXEC), fd = -1;

	if (context < 0)
		return -1;
	if (fsconfig(context, FSCONFIG_SET_STRING, "source", "proc", 0) == 0 && fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	close(context);
	return fd;
}

int path_open_procfs(struct error *error)
{
	int fd = new_procfs();

	/* Without rights over the pid namespace, or if parts of the host's are covered: the host's, less what is mounted on it. */
	if (fd < 0)
		fd = open_tree(AT_FDCWD, "/proc", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fd < 0)
		fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && is_procfs(fd))
		return fd;
	fail(error, fd < 0 ? errno : 0, "/proc of the host is no procfs");
	if (fd >= 0)
		close(fd);
	return -1;
}

int path_write(int directory, const char *path, const char *text)
{
	struct open_how how = { .flags = O_WRONLY | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS };
	int fd = syscall(SYS_openat2, directory, path, &how, sizeof(how)), saved;
	ssize_t length = strlen(text), written;

	if (fd < 0)
		return -1;
	do
		written = write(fd, text, length);
	while (written < 0 && errno == EINTR);
	saved = written < 0 ? errno : EIO;
	close(fd);
	errno = saved;
	return written == length ? 0 : -1;
}
