/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/native/copyup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/native/path.h"

#define MAX_DEPTH 128

static int copy_tree(int from, int to, int depth);

static int copy_file(int from, int to, const char *name, const struct stat *status)
{
	int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), out, result = -1;
	ssize_t copied;

	if (in < 0)
		return -1;
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, status->st_mode & 07777);
	if (out >= 0) {
		do
			copied = sendfile(out, in, NULL, 1 << 30);
		while (copied > 0);
		result = copied < 0 || fchown(out, status->st_uid, status->st_gid) || fchmod(out, status->st_mode & 07777) ? -1 : 0;
		close(out);
	}
	close(in);
	return result;
}

static int copy_directory(int from, int to, const char *name, const struct stat *status, int depth)
{
	int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), out = -1, result = -1;

	if (in >= 0 && mkdirat(to, name, 0700) == 0)
		out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (out >= 0)
		result = fchown(out, status->st_uid, status->st_gid) || fchmod(out, status->st_mode & 07777) || copy_tree(in, out, depth + 1);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return result ? -1 : 0;
}

static int copy_link(int from, int to, const char *name, const struct stat *status)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(from, name, target, sizeof(target) - 1);

	if (length < 0)
		return -1;
	target[length] = '\0';
	return symlinkat(target, to, name) || fchownat(to, name, status->st_uid, status->st_gid, AT_SYMLINK_NOFOLLOW) ? -1 : 0;
}

static int copy_entry(int from, int to, const char *name, int depth)
{
	struct stat status;

	if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW))
		return -1;
	if (S_ISDIR(status.st_mode))
		return copy_directory(from, to, name, &status, depth);
	if (S_ISLNK(status.st_mode))
		return copy_link(from, to, name, &status);
	if (S_ISREG(status.st_mode))
		return copy_file(from, to, name, &status);
	if (mknodat(to, name, status.st_mode, status.st_rdev))
		return -1;
	return fchownat(to, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW);
}

/* What is in @from, into @to. */
static int copy_tree(int from, int to, int depth)
{
	int again = fcntl(from, F_DUPFD_CLOEXEC, 3), result = 0;
	DIR *directory = again < 0 ? NULL : fdopendir(again);
	const struct dirent *entry;

	if (!directory || depth > MAX_DEPTH) {
		if (directory)
			closedir(directory);
		else if (again >= 0)
			close(again);
		errno = depth > MAX_DEPTH ? ELOOP : errno;
		return -1;
	}
	while (result == 0 && (entry = readdir(directory)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			result = copy_entry(from, to, entry->d_name, depth);
	closedir(directory);
	return result;
}

static bool says(const char *data, const char *key)
{
	size_t length = strlen(key);

	for (const char *at = data; (at = strstr(at, key)); at += length)
		if (at == data || at[-1] == ',')
			return true;
	return false;
}

int copyup_prepare(int fd, const struct init *init, const struct spec_mount *mount, const struct mount_options *options, struct error *error)
{
	int below = path_open(init->root, mount->destination, O_RDONLY | O_DIRECTORY, 0), root = -1, result = 0;
	struct stat status;

	if (below < 0)
		return 0; /* nothing there: made later */
	if (fstat(below, &status) == 0) {
		root = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (!says(options->data, "mode=") && root >= 0)
			result = fchmod(root, status.st_mode & 07777);
		if (result == 0 && options->tmpcopyup)
			result = root < 0 || copy_tree(below, root, 0) ? -1 : 0;
	}
	if (result)
		fail(error, errno, "mount %s: cannot copy what is there into the tmpfs", mount->destination);
	if (root >= 0)
		close(root);
	close(below);
	return result;
}
