/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host directories and files of a container: finds them, and in a root file system that is to be read-only makes the places where the
 * kernel will mount, which it then cannot make itself. Paths in the root file system never lead out of it: its links are the container's.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/sandbox/sandbox.h"

/* The monitor's own descriptors of the container's directories, and which of the binds are single files. */
static int open_sources(struct sandbox *sandbox, struct error *error)
{
	const struct sandbox_config *config = sandbox->config;
	struct boot_params *boot = &sandbox->channel->boot;

	sandbox->nr_mounts = 1 + config->nr_mounts;
	for (int i = 0; i < sandbox->nr_mounts; i++) {
		const char *source = i ? config->mounts[i - 1].source : config->rootfs;
		char path[MONITOR_PATH];
		struct stat status;

		sandbox->mount_fd[i] = boot->mounts[i].fd = -1;
		if (!source)
			continue;
		if (!realpath(source, path) || stat(path, &status))
			return fail(error, errno, i ? "cannot bind %s" : "cannot use %s as root file system", source);
		sandbox->mount_path[i] = strdup(path);
		if (!sandbox->mount_path[i])
			return fail(error, ENOMEM, "cannot bind %s", source);
		if (!S_ISDIR(status.st_mode)) {
			char *slash = strrchr(path, '/');

			if (i == 0)
				return fail(error, ENOTDIR, "cannot use %s as root file system", source);
			if (!S_ISREG(status.st_mode))
				return fail(error, 0, "cannot bind %s: only directories and regular files can be bound", source);
			snprintf(sandbox->mount_file[i], sizeof(sandbox->mount_file[i]), "%s", slash + 1);
			boot->mounts[i].is_file = 1;
			slash[slash == path] = '\0';
		}
		sandbox->mount_fd[i] = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (sandbox->mount_fd[i] < 0)
			return fail(error, errno, "cannot open %s", path);
	}
	return 0;
}

/* As if the root file system were the root directory. */
static int open_in_root(const struct sandbox *sandbox, const char *path, uint64_t flags)
{
	struct open_how how = { .flags = flags | O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };

	return syscall(SYS_openat2, sandbox->mount_fd[0], path, &how, sizeof(how));
}

/* Makes the last component of @path, whose parent exists; not an error if it is there. */
static int make_one(const struct sandbox *sandbox, const char *path, bool is_file)
{
	char parent[MONITOR_PATH], *slash;
	int directory, made;

	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	*slash = '\0';
	directory = open_in_root(sandbox, parent[0] ? parent : "/", O_DIRECTORY);
	if (directory < 0)
		return -1;
	made = is_file ? mknodat(directory, slash + 1, S_IFREG | 0644, 0) : mkdirat(directory, slash + 1, 0755);
	close(directory);
	return made && errno != EEXIST ? -1 : 0;
}

static int make_place(const struct sandbox *sandbox, const char *target, bool is_file, struct error *error)
{
	char path[MONITOR_PATH];
	int fd = open_in_root(sandbox, target, 0);

	if (fd >= 0)
		return close(fd);
	if (strlen(target) >= sizeof(path))
		return fail(error, ENAMETOOLONG, "cannot mount at %s", target);
	for (const char *at = target; at && *at;) {
		const char *end = strchr(at + 1, '/');

		snprintf(path, sizeof(path), "%.*s", (int)(end ? end - target : (long)strlen(target)), target);
		if (path[strlen(path) - 1] != '/' && make_one(sandbox, path, is_file && !end))
			return fail(error, errno, "cannot make %s in the root file system", path);
		at = end;
	}
	return 0;
}

/* Its place is in a mount that stands before it. */
static bool is_covered(const struct sandbox_config *config, int index)
{
	const char *target = config->mounts[index].target;

	for (int i = 0; i < index; i++) {
		size_t length = strlen(config->mounts[i].target);

		if (!strncmp(target, config->mounts[i].target, length) && target[length] == '/')
			return true;
	}
	return false;
}

int mounts_open(struct sandbox *sandbox, struct error *error)
{
	static const char *const always[] = { "/proc", "/sys", "/dev" };
	const struct sandbox_config *config = sandbox->config;

	if (open_sources(sandbox, error))
		return -1;
	if (!config->read_only)
		return 0;
	/* Where that fails there is nothing to lose: the kernel says so if it needs the place. */
	for (size_t i = 0; !config->exact_mounts && i < sizeof(always) / sizeof(always[0]); i++)
		make_place(sandbox, always[i], false, error);
	error->text[0] = '\0';
	for (int i = 0; i < config->nr_mounts; i++)
		if (!is_covered(config, i) && make_place(sandbox, config->mounts[i].target, sandbox->mount_file[i + 1][0], error))
			return -1;
	return 0;
}
