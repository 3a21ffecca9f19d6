/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rare host operations that the seccomp filter does not let the sandbox do itself: chmod, chown, times, links, special files,
 * extended attributes, statfs, sync.
 *
 * Everything in a slot is hostile, and changes while we look at it: a request is copied first, then checked, then done, and only
 * the result goes back. A path is walked by openat2 below the mount's directory with every symbolic link refused; what is
 * reached is held by a descriptor, and the operation is done on that descriptor, so nothing can be swapped in between.
 * Whether a mount is read-only is taken from the user's configuration, never from the channel.
 */
#include "runtime/sandbox/slots.h"

#include "runtime/network/network.h"
#include "runtime/sandbox/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

static long result_of(long value)
{
	return value < 0 ? -errno : value;
}

static int open_beneath(int directory, const char *path, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	/* EAGAIN: a rename elsewhere made the walk uncertain. */
	for (int attempt = 0; attempt < 32; attempt++) {
		long fd = syscall(SYS_openat2, directory, path, &how, sizeof(how));

		if (fd >= 0 || errno != EAGAIN)
			return result_of(fd);
	}
	return -EAGAIN;
}

static bool name_is_good(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length <= NAME_MAX && strcmp(name, ".") && strcmp(name, "..") && !strchr(name, '/');
}

static bool path_is_good(const char *path)
{
	if (path[0] == '/')
		return false;
	for (const char *at = path; *at;) {
		size_t length = strcspn(at, "/");

		if (length == 2 && at[0] == '.' && at[1] == '.')
			return false;
		at += length;
		at += *at == '/';
	}
	return true;
}

/* The object itself, never what a link points to. */
static int open_object(struct sandbox *sandbox, int mount, const char *path)
{
	return open_beneath(sandbox->mount_fd[mount], path[0] ? path : ".", O_PATH);
}

/* The directory that holds the last component of @path; *ret_name points into @path. */
static int open_parent(struct sandbox *sandbox, int mount, char *path, const char **ret_name)
{
	char *slash = strrchr(path, '/');

	*ret_name = slash ? slash + 1 : path;
	if (!name_is_good(*ret_name))
		return -EINVAL;
	if (!slash)
		return open_beneath(sandbox->mount_fd[mount], ".", O_PATH | O_DIRECTORY);
	*slash = '\0';
	return open_beneath(sandbox->mount_fd[mount], path[0] ? path : ".", O_PATH | O_DIRECTORY);
}

static void proc_path(char *path, size_t size, int fd)
{
	snprintf(path, size, "/proc/self/fd/%d", fd);
}

static long do_chmod(int fd, unsigned int mode)
{
	struct stat status;
	char path[64];

	if (fstat(fd, &status))
		return -errno;
	if (S_ISLNK(status.st_mode))
		return -EOPNOTSUPP;
	proc_path(path, sizeof(path), fd);
	return result_of(chmod(path, mode & 07777));
}

static long do_utimens(int fd, const int64_t *arg)
{
	struct timespec times[2] = { { arg[0], arg[1] }, { arg[2], arg[3] } };

	return result_of(utimensat(fd, "", times, AT_EMPTY_PATH));
}

/* Names that mean something to the host itself stay out of the container's reach. */
static bool xattr_is_allowed(const char *name)
{
	return !strncmp(name, "user.", 5) || !strcmp(name, "security.capability") || !strncmp(name, "system.posix_acl_", 17);
}

static long do_xattr(int fd, struct monitor_slot *request, size_t name_length)
{
	char *data = request->data, path[64], buffer[MONITOR_DATA];
	ssize_t size;

	proc_path(path, sizeof(path), fd);
	if (request->op == MON_LISTXATTR) {
		size = listxattr(path, buffer, sizeof(buffer));
		if (size > 0)
			memcpy(data, buffer, size);
		return result_of(size);
	}
	if (name_length == 0 || name_length > XATTR_NAME_MAX)
		return -ERANGE;
	if (!xattr_is_allowed(data))
		return request->op == MON_SETXATTR ? -EPERM : -ENODATA;
	switch (request->op) {
	case MON_GETXATTR:
		size = getxattr(path, data, buffer, sizeof(buffer));
		if (size > 0)
			memcpy(data, buffer, size);
		return result_of(size);
	case MON_SETXATTR:
		if (request->arg[0] < 0 || request->arg[0] > (int64_t)(MONITOR_DATA - name_length - 1))
			return -E2BIG;
		if (request->arg[1] & ~(XATTR_CREATE | XATTR_REPLACE))
			return -EINVAL;
		return result_of(setxattr(path, data, data + name_length + 1, request->arg[0], request->arg[1]));
	default:
		return result_of(removexattr(path, data));
	}
}

static long do_statfs(int fd, char *data)
{
	struct statfs result;

	if (fstatfs(fd, &result))
		return -errno;
	memcpy(data, &result, sizeof(result));
	return 0;
}

/* A descriptor that can be used for more than naming the object; only for what cannot block or act when opened. */
static int reopen(int fd)
{
	struct stat status;
	char path[64];

	if (fstat(fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
		return -EINVAL;
	proc_path(path, sizeof(path), fd);
	return result_of(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

static long advise(int fd, const int64_t *arg)
{
	if (arg[2] != POSIX_FADV_WILLNEED && arg[2] != POSIX_FADV_DONTNEED)
		return errno = EINVAL, -1;
	errno = posix_fadvise(fd, arg[0], arg[1], (int)arg[2]);
	return errno ? -1 : 0;
}

static long do_with_file(int object, const struct monitor_slot *request)
{
	int fd = reopen(object);
	long result;

	if (fd < 0)
		return fd;
	if (request->op == MON_SYNCFS)
		result = syncfs(fd);
	else if (request->op == MON_FADVISE)
		result = advise(fd, request->arg);
	else if (request->arg[1] != SEEK_DATA && request->arg[1] != SEEK_HOLE)
		result = (errno = EINVAL, -1);
	else
		result = lseek(fd, request->arg[0], request->arg[1]);
	result = result_of(result);
	close(fd);
	return result;
}

static long do_on_object(struct sandbox *sandbox, struct monitor_slot *request, size_t name_length)
{
	int fd = open_object(sandbox, request->mount, request->op == MON_SYNCFS ? "" : request->path);
	long result;

	if (fd < 0)
		return fd;
	switch (request->op) {
	case MON_CHMOD:
		result = do_chmod(fd, request->arg[0]);
		break;
	case MON_CHOWN:
		result = result_of(fchownat(fd, "", request->arg[0], request->arg[1], AT_EMPTY_PATH));
		break;
	case MON_UTIMENS:
		result = do_utimens(fd, request->arg);
		break;
	case MON_STATFS:
		result = do_statfs(fd, request->data);
		break;
	case MON_SYNCFS:
	case MON_SEEK:
	case MON_FADVISE:
		result = do_with_file(fd, request);
		break;
	default:
		result = do_xattr(fd, request, name_length);
	}
	close(fd);
	return result;
}

static long do_on_parent(struct sandbox *sandbox, struct monitor_slot *request)
{
	char *new_path = request->op == MON_LINK ? request->data : request->path;
	int parent, old_parent;
	const char *name, *old_name;
	long result;

	parent = open_parent(sandbox, request->mount, new_path, &name);
	if (parent < 0)
		return parent;
	switch (request->op) {
	case MON_SYMLINK:
		result = result_of(symlinkat(request->data, parent, name));
		break;
	case MON_MKNOD:
		result = result_of(mknodat(parent, name, request->arg[0] & (S_IFMT | 07777), 0));
		break;
	default:
		old_parent = open_parent(sandbox, request->mount, request->path, &old_name);
		if (old_parent < 0) {
			result = old_parent;
			break;
		}
		result = result_of(linkat(old_parent, old_name, parent, name, 0));
		close(old_parent);
	}
	close(parent);
	return result;
}

static bool op_modifies(uint32_t op)
{
	return op != MON_GETXATTR && op != MON_LISTXATTR && op != MON_STATFS && op != MON_SYNCFS && op != MON_SEEK &&
	       op != MON_FADVISE;
}

/* A file type that the container may make: everything a program can do harm with on the host is left out. */
static bool node_is_allowed(int64_t mode)
{
	return S_ISFIFO(mode) || S_ISSOCK(mode) || S_ISREG(mode) || (mode & S_IFMT) == 0;
}

/* The host's pid for one of the sandbox: remembered from the last search, and checked each time. */
static long do_rss(int64_t wanted)
{
	static struct {
		pid_t inner, outer;
	} known[4096], *place;
	static pid_t pids[65536];
	struct process_info info;
	long result = -ESRCH;
	int nr;

	if (wanted <= 0 || wanted > INT_MAX)
		return -ESRCH;
	place = &known[wanted % 4096];
	if (place->inner == wanted && process_info(place->outer, &info) == 0 && info.inner_pid == wanted && info.parent == getpid())
		return (info.anonymous + info.files) / 4096;
	nr = children_list(pids, 65536);
	for (int i = 0; i < nr; i++) {
		if (process_info(pids[i], &info))
			continue;
		if (info.inner_pid == wanted)
			result = (info.anonymous + info.files) / 4096;
		place = &known[info.inner_pid % 4096];
		place->inner = info.inner_pid;
		place->outer = pids[i];
	}
	return result;
}

long slots_perform(struct sandbox *sandbox, struct monitor_slot *request)
{
	const struct sandbox_config *config = sandbox->config;
	int mount = request->mount;
	size_t data_length;
	bool read_only;

	if (request->op == MON_RSS)
		return do_rss(request->arg[0]);
	if (request->op == MON_MEMORY)
		return (long)memory_used(sandbox);
	if (request->op == MON_NETWORK)
		return network_perform(sandbox->network, request->data, sizeof(request->data));
	if (request->op == 0 || request->op >= MON_OP_MAX || request->op == MON_WINSIZE)
		return -ENOSYS;
	if (mount < 0 || mount >= sandbox->nr_mounts || sandbox->mount_fd[mount] < 0)
		return -EBADF;
	if (!memchr(request->path, 0, sizeof(request->path)))
		return -ENAMETOOLONG;
	if (!path_is_good(request->path))
		return -EXDEV;
	if (sandbox->mount_file[mount][0] && request->op != MON_STATFS && request->op != MON_SYNCFS &&
	    strcmp(request->path, sandbox->mount_file[mount]))
		return -EACCES;
	read_only = mount ? config->mounts[mount - 1].read_only : config->read_only;
	if (read_only && op_modifies(request->op))
		return -EROFS;
	data_length = strnlen(request->data, sizeof(request->data));
	switch (request->op) {
	case MON_LINK:
	case MON_SYMLINK:
		if (sandbox->mount_file[mount][0])
			return -EACCES;
		if (data_length == sizeof(request->data) || data_length >= PATH_MAX)
			return -ENAMETOOLONG;
		if (request->op == MON_LINK && !path_is_good(request->data))
			return -EXDEV;
		return do_on_parent(sandbox, request);
	case MON_MKNOD:
		return sandbox->mount_file[mount][0] ? -EACCES :
		       node_is_allowed(request->arg[0]) ? do_on_parent(sandbox, request) : -EPERM;
	case MON_GETXATTR:
	case MON_SETXATTR:
	case MON_REMOVEXATTR:
		if (data_length == sizeof(request->data))
			return -ERANGE;
	}
	return do_on_object(sandbox, request, data_length);
}

void slots_serve(struct sandbox *sandbox)
{
	static struct monitor_slot request;

	for (int i = 0; i < MONITOR_SLOTS; i++) {
		struct monitor_slot *slot = &sandbox->channel->slots[i];
		long result;

		if (__atomic_load_n(&slot->state, __ATOMIC_ACQUIRE) != SLOT_SUBMITTED)
			continue;
		memcpy(&request, slot, sizeof(request));
		result = slots_perform(sandbox, &request);
		if (result >= 0 && (request.op == MON_GETXATTR || request.op == MON_LISTXATTR || request.op == MON_STATFS ||
				    request.op == MON_NETWORK))
			memcpy(slot->data, request.data, sizeof(request.data));
		slot->result = result;
		__atomic_store_n(&slot->state, SLOT_DONE, __ATOMIC_RELEASE);
		syscall(SYS_futex, &slot->state, 1 /* FUTEX_WAKE */, INT_MAX, NULL, NULL, 0);
	}
}

static int children_from_proc(pid_t *pids, int max)
{
	DIR *proc = opendir("/proc");
	pid_t self = getpid();
	struct dirent *entry;
	int nr = 0;

	while (proc && nr < max && (entry = readdir(proc))) {
		char path[280], line[512], *after;
		int parent = 0;
		FILE *file;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		after = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
		if (after && sscanf(after + 1, " %*c %d", &parent) == 1 && parent == self)
			pids[nr++] = atoi(entry->d_name);
		fclose(file);
	}
	if (proc)
		closedir(proc);
	return nr;
}

int children_list(pid_t *pids, int max)
{
	char path[64];
	FILE *file;
	int nr = 0;

	/* The first thread is the one that forked. */
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	file = fopen(path, "re");
	if (!file)
		return children_from_proc(pids, max);
	while (nr < max && fscanf(file, "%d", &pids[nr]) == 1)
		nr++;
	fclose(file);
	return nr;
}

int process_info(pid_t pid, struct process_info *ret_info)
{
	struct process_info info = { 0 };
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "RssAnon: %lu", &info.anonymous) == 1)
			info.anonymous *= 1024;
		else if (sscanf(line, "RssFile: %lu", &info.files) == 1)
			info.files *= 1024;
		else if (!strncmp(line, "PPid:", 5))
			info.parent = atoi(line + 5);
		else if (!strncmp(line, "NSpid:", 6))
			info.inner_pid = atoi(strrchr(line, '\t') + 1);
	}
	fclose(file);
	if (info.inner_pid <= 0)
		return -ESRCH;
	*ret_info = info;
	return 0;
}
