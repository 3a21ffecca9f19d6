/* SPDX-License-Identifier: Apache-2.0 */
/* The container's root directory: its place in the mount tree, what is covered in it, and how it becomes the root. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "runtime/native/init.h"
#include "runtime/native/path.h"
#include "runtime/native/self.h"
#include "runtime/native/sync.h"

/* ---- placing it ---- */

/* pivot_root wants a root whose parent mount is not shared: goes up to where the mount begins that @fd is on. */
static int make_parent_private(int fd)
{
	struct open_how up = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_XDEV };
	struct stat here, above;
	int at = openat(fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC), result;

	for (;;) {
		int next = at < 0 ? -1 : syscall(SYS_openat2, at, "..", &up, sizeof(up));

		if (next < 0)
			break; /* EXDEV: this is where it begins */
		if (fstat(at, &here) == 0 && fstat(next, &above) == 0 && here.st_ino == above.st_ino && here.st_dev == above.st_dev) {
			close(next);
			break; /* the root of all */
		}
		close(at);
		at = next;
	}
	result = at < 0 ? -1 : mount_set(at, 0, 0, MS_PRIVATE, false);
	if (at >= 0)
		close(at);
	return result;
}

static int bind_root(struct init *init, struct error *error)
{
	const char *rootfs = init->container->rootfs;
	int place = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC), result = 0;

	if (place < 0)
		return fail(error, errno, "cannot open the root file system %s", rootfs);
	if ((init->spec->linux_->rootfs_propagation & MS_SHARED) && make_parent_private(place))
		result = fail(error, errno, "cannot make the mount that %s is on private", rootfs);
	if (result == 0)
		init->root = open_tree(place, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (result == 0 && (init->root < 0 || move_mount(init->root, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)))
		result = fail(error, errno, "cannot bind the root file system %s", rootfs);
	close(place);
	return result;
}

/* While it is the host's still. */
static int open_null(struct error *error)
{
	int fd = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3))
		return fd;
	fail(error, fd < 0 ? errno : 0, "/dev/null of the host is not the null device");
	if (fd >= 0)
		close(fd);
	return -1;
}

int rootfs_prepare(struct init *init, struct error *error)
{
	int propagation = init->spec->linux_->rootfs_propagation;

	if (FAULT("rootfs"))
		return -1;
	if (!spec_namespace(init->spec, CLONE_NEWNS)) {
		init->root = open(init->container->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (init->root < 0)
			return fail(error, errno, "cannot open the root file system %s", init->container->rootfs);
		return init->spec->nr_mounts == 0 ? 0
						  : fail(error, 0, "config.json: mounts: needs a namespace of type mount in linux.namespaces");
	}
	/* What may not be bound could not become a root: private until it is one. */
	if (propagation & MS_UNBINDABLE)
		propagation = MS_PRIVATE | (propagation & MS_REC);
	if (mount(NULL, "/", NULL, propagation ? propagation : MS_SLAVE | MS_REC, NULL))
		return fail(error, errno, "cannot set the propagation of mounts");
	init->null = open_null(error);
	return init->null < 0 ? -1 : bind_root(init, error);
}

/* ---- covering ---- */

static int cover_with(int fd, const char *path, int cover, struct error *error)
{
	if (cover < 0 || move_mount(cover, "", fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		return fail(error, errno, "cannot cover %s", path);
	return 0;
}

static int empty_directory(void)
{
	int context = fsopen("tmpfs", FSOPEN_CLOEXEC), fd = -1;

	if (context < 0)
		return -1;
	if (fsconfig(context, FSCONFIG_SET_STRING, "size", "4k", 0) == 0 && fsconfig(context, FSCONFIG_SET_STRING, "nr_inodes", "2", 0) == 0 &&
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	close(context);
	return fd;
}

/* Files: with /dev/null of the host, which was checked to be that. Directories: with an empty one. What is not there needs nothing. */
static int mask(const struct init *init, const char *path, struct error *error)
{
	int fd = path_open(init->root, path, O_PATH, 0), cover, result;
	struct stat status;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : fail(error, errno, "linux.maskedPaths: cannot look up %s", path);
	if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode))
		cover = empty_directory();
	else
		cover = open_tree(init->null, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	result = cover_with(fd, path, cover, error);
	if (cover >= 0)
		close(cover);
	close(fd);
	return result;
}

static int make_read_only(const struct init *init, const char *path, struct error *error)
{
	int fd = path_open(init->root, path, O_PATH, 0), copy, result;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : fail(error, errno, "linux.readonlyPaths: cannot look up %s", path);
	copy = open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	/* Before Linux 5.12 only what has its place can be changed, and without what is below. */
	if (copy >= 0 && mount_set(copy, MOUNT_ATTR_RDONLY, 0, 0, true) && errno != ENOSYS)
		result = fail(error, errno, "linux.readonlyPaths: cannot make %s read-only", path);
	else
		result = cover_with(fd, path, copy, error);
	if (result == 0 && mount_set(copy, MOUNT_ATTR_RDONLY, 0, 0, false))
		result = fail(error, errno, "linux.readonlyPaths: cannot make %s read-only", path);
	if (copy >= 0)
		close(copy);
	close(fd);
	return result;
}

int rootfs_cover(struct init *init, struct error *error)
{
	const struct spec_linux *l = init->spec->linux_;

	if (FAULT("masked paths"))
		return -1;
	for (size_t i = 0; i < l->readonly_paths.nr; i++)
		if (make_read_only(init, l->readonly_paths.items[i], error))
			return -1;
	for (size_t i = 0; i < l->masked_paths.nr; i++)
		if (mask(init, l->masked_paths.items[i], error))
			return -1;
	return 0;
}

/* ---- entering ---- */

/*
 * Mounts that no path leads to, our procfs and the one of the runtime's program, go away with the old root: they stand in it for a moment, so that
 * they belong to nothing then and cost nothing to close. The kernel takes apart a mount that never had a place when its descriptor is closed, and
 * waits for a grace period in which nobody looks at it: the program's exec would. What cannot be moved is closed the slow way. Not on the root itself:
 * umount2 takes away what is on top.
 */
static void send_along(const struct init *init, int old)
{
	int place = openat(old, "dev", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	/* A file can stand on a file only. */
	if (self_mount() >= 0 && init->null >= 0)
		move_mount(self_mount(), "", init->null, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
	if (place < 0)
		return;
	move_mount(init->proc, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
	close(place);
}

/*
 * In a changed root (chroot), pivot_root would put the container's root in the place of that one, and leave the namespace its own: the host's, which is what
 * whoever enters the namespace later gets, an exec too. Entering the namespace that we are in makes its root ours. Nothing is looked up by a path of the
 * host after this. Where it is not permitted all stays as it is.
 */
static void leave_chroot(void)
{
	int self = pidfd_open(getpid(), 0);

	if (self < 0)
		return;
	(void)!setns(self, CLONE_NEWNS);
	close(self);
}

static int pivot(const struct init *init, struct error *error)
{
	int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), result = 0;

	/* The old root lands on the new one, and is taken away from there; slave, so that the host does not see that. */
	if (old < 0 || syscall(SYS_pivot_root, ".", "."))
		result = fail(error, errno, "cannot make the root file system the root (pivot_root)");
	else if (fchdir(old) || mount(NULL, ".", NULL, MS_SLAVE | MS_REC, NULL) || (send_along(init, old), umount2(".", MNT_DETACH)))
		result = fail(error, errno, "cannot take the host's file systems away");
	if (old >= 0)
		close(old);
	return result;
}

/* --no-pivot: for a root that cannot be pivoted, as the first one of a machine. What is mounted on the host stays, unreachable, below. */
static int move_root(struct error *error)
{
	umount2("/proc", MNT_DETACH);
	umount2("/sys", MNT_DETACH);
	if (mount(".", "/", NULL, MS_MOVE, NULL) || chroot("."))
		return fail(error, errno, "cannot make the root file system the root (--no-pivot)");
	return 0;
}

/* Standard streams that are the host's /dev/null become the container's: nothing of the host stays open, and CRIU finds its mount. */
static int reopen_null(struct error *error)
{
	for (int i = 0; i < 3; i++) {
		struct stat status;
		int fd;

		if (fstat(i, &status) || !S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3))
			continue;
		fd = open("/dev/null", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
		/* An image may have none; it must not be anything else. */
		if (fd < 0)
			continue;
		if (fstat(fd, &status) || !S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3)) {
			close(fd);
			return fail(error, 0, "/dev/null of the container is not the null device");
		}
		if (dup3(fd, i, 0) < 0) /* cloexec: standard streams */
			return fail(error, errno, "cannot pass on /dev/null");
		close(fd);
	}
	return 0;
}

/* What the root itself could not be on its way here. The mounts in it have options of their own. */
static int set_root_propagation(const struct init *init, struct error *error)
{
	int propagation = init->spec->linux_->rootfs_propagation & (MS_SHARED | MS_UNBINDABLE);

	if (propagation && mount(NULL, "/", NULL, propagation, NULL))
		return fail(error, errno, "linux.rootfsPropagation: cannot set it");
	return 0;
}

int rootfs_enter(struct init *init, struct error *error)
{
	int result;

	if (FAULT("pivot_root"))
		return -1;
	if (fchdir(init->root))
		return fail(error, errno, "cannot enter the root file system");
	if (spec_namespace(init->spec, CLONE_NEWNS)) {
		leave_chroot();
		if (fchdir(init->root))
			return fail(error, errno, "cannot enter the root file system");
	}
	if (!spec_namespace(init->spec, CLONE_NEWNS))
		result = chroot(".") ? fail(error, errno, "cannot change the root directory") : 0;
	else
		result = init->options->no_pivot ? move_root(error) : pivot(init, error);
	if (result)
		return -1;
	if (chdir("/"))
		return fail(error, errno, "cannot enter the new root directory");
	if (init->spec->root->readonly && spec_namespace(init->spec, CLONE_NEWNS)) {
		int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

		result = root < 0 ? -1 : mount_set(root, MOUNT_ATTR_RDONLY, 0, 0, false);
		if (root >= 0)
			close(root);
		if (result)
			return fail(error, errno, "cannot make the root file system read-only");
	}
	if (spec_namespace(init->spec, CLONE_NEWNS) && set_root_propagation(init, error))
		return -1;
	return reopen_null(error);
}
