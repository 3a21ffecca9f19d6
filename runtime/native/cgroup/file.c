/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing the files of a group, and saying what to do when the kernel refuses. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/native/cgroup/internal.h"
#include "runtime/remedy.h"

#define NO_SUPPORT 524 /* the kernel's ENOTSUPP, which should not reach programs, but does for memory.kmem.limit_in_bytes */

char *format_path(const char *format, ...)
{
	va_list arguments;
	char *path;
	int length;

	va_start(arguments, format);
	length = vasprintf(&path, format, arguments);
	va_end(arguments);
	return length < 0 ? NULL : path;
}

char *file_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0, size = 0;
	char *text = NULL;

	if (fd < 0)
		return NULL;
	for (;;) {
		ssize_t got;

		if (size - length < 2) {
			char *more = realloc(text, size = size ? size * 2 : 4096);

			if (!more)
				break;
			text = more;
		}
		got = read(fd, text + length, size - length - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		length += got;
		if (got == 0) {
			close(fd);
			text[length] = '\0';
			return text;
		}
	}
	int saved = errno;
	free(text);
	close(fd);
	errno = saved;
	return NULL;
}

char *group_read(const struct group *group, const char *file)
{
	char *path = format_path("%s/%s", group->dir, file), *text = path ? file_read(path) : NULL;
	size_t length = text ? strlen(text) : 0;
	int saved = errno;

	if (length && text[length - 1] == '\n')
		text[length - 1] = '\0';
	free(path);
	errno = saved;
	return text;
}

bool group_has(const struct group *group, const char *file)
{
	char *path = format_path("%s/%s", group->dir, file);
	bool has = path && access(path, F_OK) == 0;

	free(path);
	return has;
}

uint64_t group_read_number(const struct group *group, const char *file, uint64_t otherwise)
{
	char *text = group_read(group, file), *end;
	uint64_t number = otherwise;

	if (text) {
		errno = 0;
		number = strtoull(text, &end, 10);
		if (!strcmp(text, "max"))
			number = UINT64_MAX;
		else if (end == text || errno)
			number = otherwise;
	}
	free(text);
	return number;
}

uint64_t lines_number(const char *text, const char *name, uint64_t otherwise)
{
	size_t length = strlen(name);

	for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line ? 1 : 0)
		if (!strncmp(line, name, length) && line[length] == ' ')
			return strtoull(line + length + 1, NULL, 10);
	return otherwise;
}

int group_open(const struct cgroup *cgroup, const struct group *group, const char *file)
{
	char *path = format_path("%s/%s", group->dir, file);
	int fd, result;

	if (!path)
		return -ENOMEM;
	fd = open(path, O_WRONLY | O_CLOEXEC | (cgroup && cgroup->fake ? O_CREAT | O_TRUNC : 0), 0644);
	result = fd < 0 ? -errno : fd;
	free(path);
	return result;
}

int group_put(int fd, const char *value)
{
	ssize_t length = strlen(value), wrote;

	do
		wrote = write(fd, value, length);
	while (wrote < 0 && errno == EINTR);
	return wrote == length ? 0 : wrote < 0 ? -errno : -EIO;
}

int group_try_write(const struct cgroup *cgroup, const struct group *group, const char *file, const char *value)
{
	int fd = group_open(cgroup, group, file), result;

	if (fd < 0)
		return fd;
	result = group_put(fd, value);
	close(fd);
	return result;
}

/* What helps against @code from this file. */
static enum remedy remedy_for(const struct group *group, const char *file, const char *value, int code)
{
	if (code == ENOENT && !strcmp(file, "cgroup.procs") && access(group->dir, F_OK) == 0)
		return REMEDY_NSDELEGATE;
	if (code == ENOENT) {
		if (strstr(file, "memsw") || strstr(file, "swap"))
			return REMEDY_SWAP_ACCOUNTING;
		if (!strncmp(file, "cpu.rt_", 7))
			return REMEDY_RT_GROUP;
		if (!strncmp(file, "blkio.", 6) || !strncmp(file, "io.", 3))
			return strstr(file, "weight") ? REMEDY_IO_WEIGHT : REMEDY_IO_THROTTLE;
		if (strstr(file, "cfs_") || !strcmp(file, "cpu.max"))
			return REMEDY_CFS_BANDWIDTH;
		return access(group->dir, F_OK) ? REMEDY_GROUP_GONE : REMEDY_CONTROLLER_FILE;
	}
	if (code == EPERM || code == EACCES || code == EROFS)
		return code == EROFS ? REMEDY_CGROUP_READ_ONLY : group->version == 2 ? REMEDY_DELEGATE : REMEDY_CGROUP_RIGHTS;
	if (!strncmp(file, "cpuset.", 7) && (code == EINVAL || code == ERANGE || code == EACCES || code == ENOSPC))
		return strstr(file, "mems") ? REMEDY_CPUSET_MEMS : REMEDY_CPUSET_CPUS;
	if (code == EBUSY && (strstr(file, "limit_in_bytes") || !strcmp(file, "memory.max")))
		return REMEDY_MEMORY_IN_USE;
	if (code == EINVAL && (strstr(file, "memsw") || !strcmp(file, "memory.limit_in_bytes")))
		return REMEDY_SWAP_ORDER;
	if (!strncmp(file, "cpu.rt_", 7))
		return REMEDY_RT_PARENT;
	if (code == EINVAL && (strstr(file, "cfs_") || !strncmp(file, "cpu.max", 7)))
		return REMEDY_CPU_QUOTA;
	if (code == ENODEV && (!strncmp(file, "blkio.", 6) || !strncmp(file, "io.", 3)))
		return REMEDY_IO_DEVICE;
	if (code == EBUSY && !strcmp(file, "cgroup.subtree_control"))
		return REMEDY_INNER_PROCESSES;
	if ((code == NO_SUPPORT || code == EOPNOTSUPP) && strstr(file, "kmem"))
		return REMEDY_KERNEL_MEMORY;
	return REMEDY_NONE;
}

int group_write_failed(const struct group *group, const char *file, const char *value, int code, struct error *error)
{
	char shown[128];

	snprintf(shown, sizeof(shown), "%.100s%s", value, strlen(value) > 100 ? "..." : "");
	shown[strcspn(shown, "\n")] = '\0';
	fail(error, code == NO_SUPPORT ? EOPNOTSUPP : code, "cannot write \"%s\" to %s/%s", shown, group->dir, file);
	return fail_remedy_of(error, remedy_for(group, file, value, code));
}

int group_write(const struct cgroup *cgroup, const struct group *group, const char *file, const char *value, struct error *error)
{
	int result = group_try_write(cgroup, group, file, value);

	return result ? group_write_failed(group, file, value, -result, error) : 0;
}

int group_write_number(const struct cgroup *cgroup, const struct group *group, const char *file, long long value, struct error *error)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", value);
	return group_write(cgroup, group, file, text, error);
}
