/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes of the container: made by mknod, or where that is not allowed (user namespaces) the host's, bind-mounted; and the links in /dev. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "runtime/native/init.h"
#include "runtime/native/path.h"
#include "runtime/native/sync.h"

static const struct spec_device standard[] = {
	{ .path = "/dev/null", .type = SPEC_DEVICE_CHAR, .major = 1, .minor = 3 },
	{ .path = "/dev/zero", .type = SPEC_DEVICE_CHAR, .major = 1, .minor = 5 },
	{ .path = "/dev/full", .type = SPEC_DEVICE_CHAR, .major = 1, .minor = 7 },
	{ .path = "/dev/random", .type = SPEC_DEVICE_CHAR, .major = 1, .minor = 8 },
	{ .path = "/dev/urandom", .type = SPEC_DEVICE_CHAR, .major = 1, .minor = 9 },
	{ .path = "/dev/tty", .type = SPEC_DEVICE_CHAR, .major = 5, .minor = 0 },
};

static mode_t type_bits(int type)
{
	return type == SPEC_DEVICE_BLOCK ? S_IFBLK : type == SPEC_DEVICE_FIFO ? S_IFIFO : S_IFCHR;
}

/* The node of the host with the same name, if it is that device. */
static int bind_host_device(const struct init *init, const struct spec_device *device, struct error *error)
{
	int from = open_tree(AT_FDCWD, device->path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), at = -1, result = -1;
	struct stat status;

	if (from < 0)
		return fail(error, errno, "device %s: cannot take the host's", device->path);
	if (fstat(from, &status) || (status.st_mode & S_IFMT) != type_bits(device->type) ||
	    (device->type != SPEC_DEVICE_FIFO && status.st_rdev != makedev(device->major, device->minor)))
		fail(error, 0, "device %s: the host has another one under this name", device->path);
	else if ((at = path_make(init->root, device->path, false)) < 0)
		fail(error, errno, "device %s: cannot make the place for it", device->path);
	else if (move_mount(from, "", at, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		fail(error, errno, "device %s: cannot bind the host's", device->path);
	else
		result = 0;
	if (at >= 0)
		close(at);
	close(from);
	return result;
}

static bool is_same(int parent, const char *name, const struct spec_device *device)
{
	struct stat status;

	return fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && (status.st_mode & S_IFMT) == type_bits(device->type) &&
	       (device->type == SPEC_DEVICE_FIFO || status.st_rdev == makedev(device->major, device->minor));
}

static int make_node(const struct init *init, const struct spec_device *device, struct error *error)
{
	mode_t mode = device->file_mode.set ? device->file_mode.value & 07777 : 0666;
	const char *name;
	int parent = path_parent(init->root, device->path, &name), result = 0;

	if (parent < 0)
		return fail(error, errno, "device %s: cannot make the place for it", device->path);
	if (mknodat(parent, name, type_bits(device->type) | mode, makedev(device->major, device->minor)) &&
	    !(errno == EEXIST && is_same(parent, name, device)))
		result = -1;
	/* umask is 0 here, but an existing node may have another mode; a link in its place is not followed. */
	if (result == 0 && (device->uid.set || device->gid.set))
		result = fchownat(parent, name, device->uid.value, device->gid.value, AT_SYMLINK_NOFOLLOW);
	close(parent);
	if (result == 0)
		return 0;
	if (errno == EPERM)
		return bind_host_device(init, device, error);
	return fail(error, errno, "device %s: cannot make it", device->path);
}

static int make_device(const struct init *init, const struct spec_device *device, struct error *error)
{
	return init->plan->user ? bind_host_device(init, device, error) : make_node(init, device, error);
}

static bool is_in_config(const struct spec_linux *l, const char *path)
{
	for (size_t i = 0; i < l->nr_devices; i++)
		if (!strcmp(l->devices[i].path, path))
			return true;
	return false;
}

static int make_links(const struct init *init, int dev, struct error *error)
{
	static const char *const links[][2] = { { "/proc/self/fd", "fd" },
						{ "/proc/self/fd/0", "stdin" },
						{ "/proc/self/fd/1", "stdout" },
						{ "/proc/self/fd/2", "stderr" } };
	struct stat status;

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlinkat(links[i][0], dev, links[i][1]) && errno != EEXIST)
			return fail(error, errno, "cannot make the link /dev/%s", links[i][1]);
	if (fstatat(dev, "/proc/kcore", &status, 0) == 0 && symlinkat("/proc/kcore", dev, "core") && errno != EEXIST)
		return fail(error, errno, "cannot make the link /dev/core");
	/* The instance of this container, not the one that a node 5:2 would open. */
	if (fstatat(dev, "ptmx", &status, AT_SYMLINK_NOFOLLOW) == 0 && unlinkat(dev, "ptmx", 0))
		return fail(error, errno, "cannot replace /dev/ptmx");
	return symlinkat("pts/ptmx", dev, "ptmx") ? fail(error, errno, "cannot make the link /dev/ptmx") : 0;
}

/* If /dev is the host's (bind-mounted), it has all and gets nothing. */
static bool needs_devices(const struct init *init)
{
	for (size_t i = 0; i < init->spec->nr_mounts; i++) {
		const struct spec_mount *mount = &init->spec->mounts[i];

		if (!strcmp(mount->destination, "/dev") || !strcmp(mount->destination, "/dev/")) {
			struct mount_options options;
			struct error ignored;

			if (mount_options_parse(mount, &options, &ignored) == 0 && options.bind)
				return false;
		}
	}
	return true;
}

int devices_make(struct init *init, struct error *error)
{
	const struct spec_linux *l = init->spec->linux_;
	int dev, result;
	bool needed = needs_devices(init);

	if (FAULT("devices"))
		return -1;
	for (size_t i = 0; needed && i < sizeof(standard) / sizeof(standard[0]); i++)
		if (!is_in_config(l, standard[i].path) && make_device(init, &standard[i], error))
			return -1;
	for (size_t i = 0; i < l->nr_devices; i++)
		if (strcmp(l->devices[i].path, "/dev/ptmx") && make_device(init, &l->devices[i], error))
			return -1;
	if (!needed)
		return 0;
	dev = path_make(init->root, "/dev", true);
	if (dev < 0)
		return fail(error, errno, "cannot make /dev");
	result = make_links(init, dev, error);
	close(dev);
	return result;
}
