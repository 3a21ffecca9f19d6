/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devtmpfs: /dev with its device nodes made. One instance: every mount shows the same tree. Programs may add and remove
 * nodes as in any tmpfs.
 */
#include <linux/magic.h>

#include "kernel/fs/tmpfs/tmpfs.h"
#include "kernel/init/initcall.h"
#include "kernel/mm/alloc.h"

#define DEVICE(major, minor) ((dev_t)(major) << 8 | (minor))

static struct super_block *devtmpfs_super;

static int add(struct inode *dir, const char *name, mode_t mode, dev_t rdev, const char *target)
{
	struct inode *inode = tmpfs_inode_make(dir->sb, NULL, mode, rdev);
	int error;

	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	inode->uid = 0;
	inode->gid = 0;
	if (target) {
		tmpfs_i(inode)->target = kstrdup(target);
		inode->size = (loff_t)strlen(target);
		if (!tmpfs_i(inode)->target) {
			inode_put(inode);
			return -ENOMEM;
		}
	}
	error = tmpfs_add(dir, name, strlen(name), inode);
	if (error)
		inode_put(inode);
	else if (S_ISDIR(mode))
		dir->nlink++;
	return error;
}

static int populate(struct inode *root)
{
	static const struct {
		const char *name;
		mode_t mode;
		dev_t rdev;
		const char *target;
	} nodes[] = {
		{ "null", S_IFCHR | 0666, DEVICE(1, 3), NULL },
		{ "zero", S_IFCHR | 0666, DEVICE(1, 5), NULL },
		{ "full", S_IFCHR | 0666, DEVICE(1, 7), NULL },
		{ "random", S_IFCHR | 0666, DEVICE(1, 8), NULL },
		{ "urandom", S_IFCHR | 0666, DEVICE(1, 9), NULL },
		{ "kmsg", S_IFCHR | 0644, DEVICE(1, 11), NULL },
		{ "tty", S_IFCHR | 0666, DEVICE(5, 0), NULL },
		{ "console", S_IFCHR | 0600, DEVICE(5, 1), NULL },
		{ "ptmx", S_IFCHR | 0666, DEVICE(5, 2), NULL },
		{ "pts", S_IFDIR | 0755, 0, NULL },
		{ "shm", S_IFDIR | 01777, 0, NULL },
		{ "mqueue", S_IFDIR | 01777, 0, NULL },
		{ "fd", S_IFLNK | 0777, 0, "/proc/self/fd" },
		{ "stdin", S_IFLNK | 0777, 0, "/proc/self/fd/0" },
		{ "stdout", S_IFLNK | 0777, 0, "/proc/self/fd/1" },
		{ "stderr", S_IFLNK | 0777, 0, "/proc/self/fd/2" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		int error = add(root, nodes[i].name, nodes[i].mode, nodes[i].rdev, nodes[i].target);
		if (error)
			return error;
	}
	return 0;
}

static struct super_block *devtmpfs_mount(const struct file_system_type *type, unsigned long flags, const char *source, const char *data)
{
	struct super_block *sb;
	int error;

	if (devtmpfs_super) {
		refcount_inc(&devtmpfs_super->count);
		return devtmpfs_super;
	}
	sb = tmpfs_make(type, flags, "mode=755,uid=0,gid=0");
	if (IS_ERR(sb))
		return sb;
	error = populate(sb->root->inode);
	if (error) {
		super_put(sb);
		return ERR_PTR(error);
	}
	/* Kept for good: the tree outlives its mounts. */
	refcount_inc(&sb->count);
	devtmpfs_super = sb;
	return sb;
}

static struct file_system_type devtmpfs_type = { .name = "devtmpfs", .magic = TMPFS_MAGIC, .mount = devtmpfs_mount };

static int devtmpfs_init(void)
{
	register_filesystem(&devtmpfs_type);
	return 0;
}
INITCALL(devtmpfs, devtmpfs_init, "tmpfs");
