// SPDX-License-Identifier: Apache-2.0
/*
 * What a configuration wants in the tree once all is mounted: devices and links, kernel parameters, paths that are hidden and paths that are not to
 * be written. In this order: a parameter may stand below a path that is then read-only.
 */
#include "kernel/mm/alloc.h"
#include "kernel/vfs/furnish.h"
#include "kernel/vfs/internal.h"

#include <linux/fs.h>

#include "include/abi/boot.h"

extern struct boot_params *boot;

#define NULL_DEVICE 0x103 /* 1:3 */

static const char *boot_string(u32 offset) { return offset < BOOT_STRINGS_SIZE ? boot->strings + offset : ""; }

static const char *next_string(const char *s) { return s + strlen(s) + 1; }

/* ---- nodes ---- */

static int make_node(const struct boot_node *node, const char *path)
{
	struct iattr owner = { .valid = ATTR_UID | ATTR_GID, .uid = node->uid, .gid = node->gid };
	struct path made;
	int error;

	if (S_ISTYPE(node->mode, S_IFLNK))
		return kernel_symlink(boot_string(node->target), path);
	error = kernel_mknod_at(AT_FDCWD, path, node->mode, dev_make(node->major, node->minor), &made);
	if (error)
		return error;
	if (node->uid || node->gid)
		error = vfs_setattr(&made, &owner);
	path_put(&made);
	return error;
}

static int make_nodes(void)
{
	for (u32 i = 0; i < boot->nr_nodes && i < BOOT_MAX_NODES; i++) {
		const struct boot_node *node = &boot->nodes[i];
		const char *path = boot_string(node->path);
		int error = make_parents(path);

		if (!error)
			error = make_node(node, path);
		if (error && !(error == -EEXIST && node->keep)) {
			printk(KERN_ERR, "cannot make %s: error %d", path, -error);
			return error;
		}
	}
	return 0;
}

/* ---- kernel parameters ---- */

static int write_text(const char *path, const char *text)
{
	struct file *file = do_file_open(AT_FDCWD, path, O_WRONLY, 0, LOOKUP_FOLLOW);
	struct io_iter from;
	loff_t pos = 0;
	ssize_t written;

	if (IS_ERR(file))
		return (int)PTR_ERR(file);
	io_iter_kernel(&from, (char *)text, strlen(text));
	written = file_write(file, &from, &pos);
	io_iter_release(&from);
	file_put(file);
	return written < 0 ? (int)written : 0;
}

static int set_parameters(void)
{
	const char *name = boot_string(boot->sysctls);

	for (u32 i = 0; i < boot->nr_sysctls; i++) {
		const char *value = next_string(name);
		char *path = kasprintf("/proc/sys/%s", name);
		int error = path ? write_text(path, value) : -ENOMEM;

		kfree(path);
		/* The network's are many, and callers set some of them always. */
		if (error == -ENOENT && !strncmp(name, "net/", 4)) {
			printk(KERN_WARNING, "sysctl %s is not set: this kernel has no such parameter", name);
		} else if (error) {
			printk(KERN_ERR, "cannot set sysctl %s to \"%s\": error %d%s", name, value, -error,
			       error == -ENOENT ? " (this kernel has no such parameter)" : "");
			return error;
		}
		name = next_string(value);
	}
	return 0;
}

/* ---- hidden and read-only paths ---- */

/* What stands there could have been put there by an image. */
static int hide_file(const struct path *path)
{
	struct path null;
	int error = path_lookup(AT_FDCWD, "/dev/null", 0, &null);

	if (error)
		return error;
	error = S_ISTYPE(null.dentry->inode->mode, S_IFCHR) && null.dentry->inode->rdev == NULL_DEVICE ? 0 : -EINVAL;
	path_put(&null);
	return error ? error : do_mount("/dev/null", path, NULL, MS_BIND, NULL);
}

static int hide(const char *name)
{
	struct path path;
	int error = path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW, &path);

	if (error)
		return error == -ENOENT || error == -ENOTDIR ? 0 : error;
	if (is_directory(path.dentry))
		error = do_mount("tmpfs", &path, "tmpfs", MS_RDONLY, "size=0k");
	else
		error = hide_file(&path);
	path_put(&path);
	return error;
}

/* The mount at @name is not to be written any more. */
static int make_read_only(const char *name)
{
	struct path path;
	unsigned flags;
	int error = path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW, &path);

	if (error)
		return error;
	flags = path.mount->flags & (MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME);
	error = do_mount(NULL, &path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | flags, NULL);
	path_put(&path);
	return error;
}

static int protect(const char *name)
{
	struct path path;
	int error = path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW, &path);

	if (error)
		return error == -ENOENT || error == -ENOTDIR ? 0 : error;
	error = do_mount(name, &path, NULL, MS_BIND | MS_REC, NULL);
	path_put(&path);
	return error ? error : make_read_only(name);
}

/* Mounts of the configuration that could not be read-only from the beginning. */
static int make_mounts_read_only(void)
{
	for (u32 i = 1; i < boot->nr_mounts && i < BOOT_MAX_MOUNTS; i++) {
		const struct boot_mount *mount = &boot->mounts[i];
		int error = 0;

		if (mount->fd < 0 && mount->read_only && !strcmp(boot_string(mount->type), "tmpfs"))
			error = make_read_only(boot_string(mount->target));
		if (error) {
			printk(KERN_ERR, "cannot make %s read-only: error %d", boot_string(mount->target), -error);
			return error;
		}
	}
	return 0;
}

static int each_path(u32 offset, u32 n, int (*function)(const char *name), const char *what)
{
	const char *name = boot_string(offset);

	for (u32 i = 0; i < n; i++, name = next_string(name)) {
		int error = function(name);

		if (error) {
			printk(KERN_ERR, "cannot %s %s: error %d", what, name, -error);
			return error;
		}
	}
	return 0;
}

int rootfs_furnish(void)
{
	int error = make_nodes();

	if (!error)
		error = set_parameters();
	if (!error)
		error = make_mounts_read_only();
	if (!error)
		error = each_path(boot->masked, boot->nr_masked, hide, "mask");
	if (!error)
		error = each_path(boot->read_only, boot->nr_read_only, protect, "make read-only:");
	return error;
}
