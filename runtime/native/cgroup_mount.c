/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts of type cgroup: as the host has them. On a pure v2 host the one tree; otherwise a tmpfs with a directory per v1 hierarchy. With a cgroup
 * namespace each is mounted anew and shows the container's group as its root; without, the container's group is bind-mounted.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/native/cgroup/cgroup.h"
#include "runtime/native/init.h"
#include "runtime/native/path.h"

#define HOST_CGROUPS "/sys/fs/cgroup"

static int place(const struct init *init, int fd, const char *path, struct error *error)
{
	int at = path_make(init->root, path, true), result = -1;

	if (at >= 0)
		result = move_mount(fd, "", at, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
	if (result)
		fail(error, errno, "mount %s: cannot mount it there", path);
	if (at >= 0)
		close(at);
	return result;
}

/* A new mount of a hierarchy: of @controllers (v1, with commas), or the v2 one. -1 with errno. */
static int mount_hierarchy(const char *type, const char *controllers)
{
	int context = fsopen(type, FSOPEN_CLOEXEC), fd = -1, result, saved;
	char words[256], *at = words, *word;

	if (context < 0)
		return -1;
	result = fsconfig(context, FSCONFIG_SET_STRING, "source", "cgroup", 0);
	snprintf(words, sizeof(words), "%s", controllers);
	while (result == 0 && (word = strsep(&at, ",")))
		if (!strncmp(word, "name=", 5))
			result = fsconfig(context, FSCONFIG_SET_STRING, "name", word + 5, 0) || fsconfig(context, FSCONFIG_SET_FLAG, "none", NULL, 0);
		else if (*word)
			result = fsconfig(context, FSCONFIG_SET_FLAG, word, NULL, 0);
	if (result == 0 && fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = fsmount(context, FSMOUNT_CLOEXEC, 0);
	saved = errno;
	close(context);
	errno = saved;
	return fd;
}

static int bind_group(const char *path)
{
	if (!path) {
		errno = ENOENT;
		return -1;
	}
	return open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

/* Who is not root may have no group: what the host has is shown, with the rights that the user has there. */
static int bind_host(const struct mount_options *options)
{
	int fd = open_tree(AT_FDCWD, HOST_CGROUPS, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	if (fd >= 0 && mount_set(fd, options->set, 0, 0, true) && errno != ENOSYS) {
		close(fd);
		return -1;
	}
	return fd;
}

static int attributes(int fd, const struct mount_options *options)
{
	return mount_set(fd, options->set, 0, MS_PRIVATE, false) ||
	       (options->propagation && mount_set(fd, 0, 0, options->propagation, options->propagation & MS_REC));
}

/* At @name in the tmpfs @tree, which is new, ours, and has nothing in it but what we have made. */
static int place_below(int tree, const char *name, int fd, struct error *error)
{
	int at = mkdirat(tree, name, 0755) && errno != EEXIST ? -1 : openat(tree, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), result = -1;

	if (at >= 0)
		result = move_mount(fd, "", at, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
	if (result)
		fail(error, errno, "mount cgroup: cannot mount the hierarchy %s", name);
	if (at >= 0)
		close(at);
	return result;
}

/* @tree: -1 for a @path of the container, else where @path is a name. */
static int finish(const struct init *init, int tree, int fd, const char *path, const struct mount_options *options, struct error *error)
{
	bool later = mount_place_first();

	if (!later && attributes(fd, options))
		return fail(error, errno, "mount %s: cannot set its options", path);
	if (tree >= 0 ? place_below(tree, path, fd, error) : place(init, fd, path, error))
		return -1;
	return later && attributes(fd, options) ? fail(error, errno, "mount %s: cannot set its options", path) : 0;
}

static int mount_v2(const struct init *init, const struct spec_mount *mount, const struct mount_options *options, struct error *error)
{
	int fd = init->plan->create_cgroup ? mount_hierarchy("cgroup2", "") : -1, result;

	/* Without the rights over it (EPERM), or where the host's is covered in part (EBUSY). */
	if (fd < 0)
		fd = bind_group(cgroup_path(init->cgroup, ""));
	if (fd < 0 && errno == ENOENT)
		fd = bind_host(options);
	if (fd < 0)
		return fail(error, errno, "mount %s: cannot mount the cgroup2 file system", mount->destination);
	result = finish(init, -1, fd, mount->destination, options, error);
	close(fd);
	return result;
}

/* ---- v1 ---- */

/* A line of /proc/self/cgroup is NUMBER:CONTROLLERS:PATH. */
static int mount_v1_line(const struct init *init, int tree, char *line, const struct spec_mount *mount, const struct mount_options *options,
			 struct error *error)
{
	char *controllers = strchr(line, ':'), *end, first[64];
	int fd, result;

	end = controllers ? strchr(++controllers, ':') : NULL;
	if (!end || end == controllers)
		return 0; /* the v2 tree, which has no controllers here */
	*end = '\0';
	snprintf(first, sizeof(first), "%.*s", (int)strcspn(controllers, ","), controllers);
	fd = init->plan->create_cgroup ? mount_hierarchy("cgroup", controllers) : bind_group(cgroup_path(init->cgroup, first));
	if (fd < 0 && init->plan->create_cgroup)
		fd = bind_group(cgroup_path(init->cgroup, first));
	if (fd < 0)
		return errno == ENOENT ? 0 : fail(error, errno, "mount %s: cannot mount the cgroups of %s", mount->destination, controllers);
	result = finish(init, tree, fd, strncmp(controllers, "name=", 5) ? controllers : controllers + 5, options, error);
	close(fd);
	/* cpu,cpuacct is found under both names. */
	if (result == 0 && strchr(controllers, ',')) {
		char names[256], *at = names, *name;

		snprintf(names, sizeof(names), "%s", controllers);
		while ((name = strsep(&at, ",")))
			if (symlinkat(controllers, tree, name) && errno != EEXIST)
				break;
	}
	return result;
}

static int new_tmpfs(void)
{
	int context = fsopen("tmpfs", FSOPEN_CLOEXEC), fd = -1;

	if (context < 0)
		return -1;
	if (fsconfig(context, FSCONFIG_SET_STRING, "mode", "755", 0) == 0 && fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	close(context);
	return fd;
}

/* Our own groups: read before anybody else can have changed them, through our own procfs. */
static char *own_groups(const struct init *init)
{
	int fd = openat(init->proc, "self/cgroup", O_RDONLY | O_CLOEXEC);
	char *text = fd < 0 ? NULL : calloc(1, 16384);
	ssize_t length = text ? read(fd, text, 16383) : -1;

	if (fd >= 0)
		close(fd);
	if (length >= 0)
		return text;
	free(text);
	return NULL;
}

static int mount_v1(const struct init *init, const struct spec_mount *mount, const struct mount_options *options, struct error *error)
{
	char *groups = own_groups(init), *at = groups, *line;
	int fd = new_tmpfs(), result = 0;

	if (fd < 0 || !groups)
		result = fail(error, errno, "mount %s: cannot make a tmpfs for the hierarchies", mount->destination);
	else
		result = place(init, fd, mount->destination, error);
	while (result == 0 && (line = strsep(&at, "\n")))
		if (*line)
			result = mount_v1_line(init, fd, line, mount, options, error);
	if (result == 0 && attributes(fd, options))
		result = fail(error, errno, "mount %s: cannot set its options", mount->destination);
	if (fd >= 0)
		close(fd);
	free(groups);
	return result;
}

int cgroup_mount(struct init *init, const struct spec_mount *mount, const struct mount_options *options, struct error *error)
{
	if (cgroup_is_unified(init->cgroup) || !strcmp(mount->type, "cgroup2"))
		return mount_v2(init, mount, options, error);
	return mount_v1(init, mount, options, error);
}
