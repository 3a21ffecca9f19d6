/* SPDX-License-Identifier: Apache-2.0 */
/* Mounting the container's host directories, and the operations that the monitor does for hostfs. */
#include "kernel/fs/hostfs/hostfs.h"
#include "kernel/init/initcall.h"

#include <asm/statfs.h>
#include <linux/fs.h>


char *hostfs_path_of(struct dentry *d, const char *child, char *buffer)
{
	char *at = buffer + MONITOR_PATH - 1;
	*at = 0;
	for (;;) {
		const char *name = child ? child : d->name;
		size_t length = child ? strlen(child) : d->name_length;
		if (!child && d->parent == d)
			return at;
		if ((size_t)(at - buffer) < length + 1)
			return NULL;
		if (*at)
			*--at = '/';
		at -= length;
		memcpy(at, name, length);
		if (!child)
			d = d->parent;
		child = NULL;
	}
}

long hostfs_monitor(enum monitor_op op, struct inode *inode, const s64 arg[4], const void *data, size_t data_size, void *ret,
		    size_t ret_size)
{
	struct hostfs_super *hs = HOSTFS_SB(inode->sb);
	char *buffer = kmalloc(MONITOR_PATH), *path;
	struct dentry *d;
	long result;

	if (!buffer)
		return -ENOMEM;
	mutex_lock(&hs->tree_lock);
	d = hostfs_alias(inode);
	path = d ? hostfs_path_of(d, NULL, buffer) : NULL;
	if (!d)
		result = -ESTALE;
	else if (!path)
		result = -ENAMETOOLONG;
	else
		result = monitor_call(op, hs->index, path, arg, data, data_size, ret, ret_size);
	mutex_unlock(&hs->tree_lock);
	if (d)
		dentry_put(d);
	kfree(buffer);
	return result;
}

static int hostfs_statfs(struct super_block *sb, struct kstatfs *ret)
{
	struct statfs host;
	long error = monitor_call(MON_STATFS, HOSTFS_SB(sb)->index, "", NULL, NULL, 0, &host, sizeof(host));
	if (error < 0)
		return (int)error;
	*ret = (struct kstatfs){
		.type = (u64)host.f_type, .bsize = (u64)host.f_bsize, .blocks = (u64)host.f_blocks,
		.bfree = (u64)host.f_bfree, .bavail = (u64)host.f_bavail, .files = (u64)host.f_files,
		.ffree = (u64)host.f_ffree, .namelen = (u64)host.f_namelen, .frsize = (u64)host.f_frsize,
	};
	if (unlikely(deterministic))
		hostfs_hide_use(ret);
	return 0;
}

static int hostfs_sync(struct super_block *sb)
{
	return (int)monitor_call(MON_SYNCFS, HOSTFS_SB(sb)->index, "", NULL, NULL, 0, NULL, 0);
}

static void hostfs_put_super(struct super_block *sb) { kfree(sb->private); }

static const struct super_operations hostfs_sops = {
	.evict_inode = hostfs_evict,
	.statfs = hostfs_statfs,
	.sync_fs = hostfs_sync,
	.put_super = hostfs_put_super,
};

static struct file_system_type hostfs_type = { .name = "hostfs", .kernel_only = true };

static int make_root(struct super_block *sb, int fd)
{
	struct hostfs_super *hs = HOSTFS_SB(sb);
	struct inode *inode;
	struct statx stx;
	long error = host_statx(fd, "", AT_EMPTY_PATH, HOSTFS_STATX_MASK, &stx);

	if (error)
		return (int)error;
	if (!S_ISTYPE(stx.stx_mode, S_IFDIR))
		return -ENOTDIR;
	hs->root_dev = (u64)stx.stx_dev_major << 32 | stx.stx_dev_minor;
	inode = hostfs_inode_for(sb, &stx);
	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	hostfs_found(NULL, "", inode);
	hostfs_handle_set(&HOSTFS_I(inode)->read, fd);
	HOSTFS_I(inode)->read.users++; /* never closed while it is mounted */
	list_del(&HOSTFS_I(inode)->read.lru);
	sb->root = dentry_make_root(inode);
	return sb->root ? 0 : -ENOMEM;
}

struct super_block *hostfs_mount_index(int index)
{
	const struct boot_mount *mount = &boot->mounts[index];
	struct hostfs_super *hs = kzalloc(sizeof(*hs));
	struct super_block *sb = hs ? super_alloc(&hostfs_type, &hostfs_sops) : NULL;
	int error;

	if (!sb) {
		kfree(hs);
		return ERR_PTR(-ENOMEM);
	}
	sb->private = hs;
	hs->sb = sb;
	hs->index = index;
	hs->shared = mount->shared;
	hs->mapped = boot->flags & BOOT_ROOT_MAPPED;
	mutex_init(&hs->tree_lock);
	if (mount->read_only)
		sb->flags |= MS_RDONLY;
	error = make_root(sb, mount->fd);
	if (error) {
		super_put(sb);
		return ERR_PTR(error);
	}
	return sb;
}

static int hostfs_init(void)
{
	register_filesystem(&hostfs_type);
	return 0;
}
INITCALL(hostfs, hostfs_init, "");
