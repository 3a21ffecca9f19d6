/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names in host directories. All of these run with the directory's inode->lock held, so its names stand still while the
 * kernel lock is dropped for the host's answer.
 */
#include "kernel/fs/hostfs/hostfs.h"

#include <linux/fs.h>

/* The directory has changed: its times and its listing. */
static void changed(struct inode *dir)
{
	HOSTFS_I(dir)->stale = true;
	hostfs_changed(dir, ATTR_MTIME | ATTR_CTIME);
	dir->version++;
	hostfs_listing_drop(dir);
}

static int read_target(struct hostfs_handle *dir, const char *name, struct inode *inode, size_t size)
{
	struct hostfs_inode *hi = HOSTFS_I(inode);
	size_t room = size + 1 < 128 ? 128 : size + 1;
	char *buffer;
	long n;

	if (hi->target)
		return 0;
	if (room > PATH_MAX)
		room = PATH_MAX;
	buffer = kmalloc(room);
	if (!buffer)
		return -ENOMEM;
	kernel_unlock();
	n = host_readlinkat(dir->fd, name, buffer, room - 1);
	kernel_lock();
	if (n < 0) {
		kfree(buffer);
		return (int)n;
	}
	buffer[n] = 0;
	hi->target = kstrdup(buffer);
	kfree(buffer);
	return hi->target ? 0 : -ENOMEM;
}

char *hostfs_readlink(struct inode *inode)
{
	char *target = kstrdup(HOSTFS_I(inode)->target ? HOSTFS_I(inode)->target : "");
	return target ? target : ERR_PTR(-ENOMEM);
}

/* The inode of `name`, NULL if there is none, or ERR_PTR. */
static struct inode *look(struct inode *dir, struct hostfs_handle *h, const char *name)
{
	struct inode *inode;
	struct statx stx;
	long error;

	kernel_unlock();
	error = host_statx(h->fd, name, AT_SYMLINK_NOFOLLOW, HOSTFS_STATX_MASK, &stx);
	kernel_lock();
	if (error == -ENOENT)
		return NULL;
	if (error)
		return ERR_PTR(error);
	inode = hostfs_inode_for(dir->sb, &stx);
	if (!IS_ERR(inode))
		hostfs_found(dir, name, inode);
	if (!IS_ERR(inode) && S_ISTYPE(inode->mode, S_IFLNK)) {
		error = read_target(h, name, inode, (size_t)stx.stx_size);
		if (error) {
			inode_put(inode);
			return ERR_PTR(error);
		}
	}
	return inode;
}

static int hostfs_lookup(struct inode *dir, struct dentry *dentry)
{
	struct hostfs_handle *h;
	struct inode *inode;
	int error = hostfs_dir_get(dir, &h);
	if (error)
		return error;
	inode = look(dir, h, dentry->name);
	if (inode == ERR_PTR(-EACCES) && !hostfs_force_access(dir))
		inode = look(dir, h, dentry->name);
	hostfs_handle_put(h);
	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	if (inode)
		dentry_bind(dentry, inode);
	return 0;
}

/* In directories that others change, what the cache says is asked again on each walk. */
static bool hostfs_revalidate(struct dentry *dentry)
{
	struct inode *dir = dentry->parent->inode;
	struct hostfs_handle *h;
	char name[NAME_MAX + 1];
	struct statx stx;
	long error;
	bool valid;

	if (dentry->inode && HOSTFS_I(dentry->inode)->pinned)
		return true;
	memcpy(name, dentry->name, (size_t)dentry->name_length + 1);
	dir = inode_get(dir);
	if (hostfs_dir_get(dir, &h)) {
		inode_put(dir);
		return false;
	}
	kernel_unlock();
	error = host_statx(h->fd, name, AT_SYMLINK_NOFOLLOW, HOSTFS_STATX_MASK, &stx);
	kernel_lock();
	hostfs_handle_put(h);
	inode_put(dir);
	if (error)
		return error == -ENOENT && !dentry->inode;
	valid = dentry->inode && hostfs_same(dentry->inode, &stx);
	if (valid)
		hostfs_fill(dentry->inode, &stx);
	return valid;
}

/* Binds what was just made, and gives it its owner. */
static int adopt(struct inode *dir, struct dentry *dentry, struct hostfs_handle *h, mode_t mode)
{
	struct inode *inode = look(dir, h, dentry->name);
	changed(dir);
	if (!inode)
		return -ESTALE;
	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	hostfs_made(inode);
	hostfs_bind_new(dir, dentry, inode, mode);
	return 0;
}

static long host_create(struct hostfs_handle *h, const char *name, mode_t mode, struct statx *stx)
{
	long fd, error;
	kernel_unlock();
	fd = host_openat(h->fd, name, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, mode & 07777);
	if (fd >= 0) {
		error = host_statx((int)fd, "", AT_EMPTY_PATH, HOSTFS_STATX_MASK, stx);
		if (error) {
			host_close((int)fd);
			fd = error;
		}
	}
	kernel_lock();
	if (fd == -EMFILE || fd == -ENFILE)
		hostfs_handles_shrink(hostfs_handles_open / 2);
	return fd;
}

static int hostfs_create(struct inode *dir, struct dentry *dentry, mode_t mode)
{
	struct hostfs_handle *h;
	struct inode *inode;
	struct statx stx;
	long fd = hostfs_dir_get(dir, &h);

	if (fd)
		return (int)fd;
	fd = host_create(h, dentry->name, mode, &stx);
	if (fd == -EMFILE || fd == -ENFILE || (fd == -EACCES && !hostfs_force_access(dir)))
		fd = host_create(h, dentry->name, mode, &stx);
	hostfs_handle_put(h);
	if (fd == -EEXIST) {
		dentry_drop(dentry); /* somebody outside made it */
		return -ESTALE;
	}
	if (fd < 0)
		return (int)fd;
	changed(dir);
	inode = hostfs_inode_for(dir->sb, &stx);
	if (IS_ERR(inode)) {
		host_close((int)fd);
		return (int)PTR_ERR(inode);
	}
	hostfs_handle_set(&HOSTFS_I(inode)->write, (int)fd);
	HOSTFS_I(inode)->xattrs = XATTRS_NONE;
	hostfs_made(inode);
	hostfs_bind_new(dir, dentry, inode, mode);
	return 0;
}

static int hostfs_mkdir(struct inode *dir, struct dentry *dentry, mode_t mode)
{
	struct hostfs_handle *h;
	long error = hostfs_dir_get(dir, &h);
	if (error)
		return (int)error;
	for (int attempt = 0; attempt < 2; attempt++) {
		kernel_unlock();
		error = host_mkdirat(h->fd, dentry->name, mode & 07777);
		kernel_lock();
		if (error != -EACCES || hostfs_force_access(dir))
			break;
	}
	if (!error)
		error = adopt(dir, dentry, h, mode);
	hostfs_handle_put(h);
	return (int)error;
}

/* symlink, mknod, link: the monitor makes the name, then it is looked up. */
static int make_by_monitor(struct inode *dir, struct dentry *dentry, enum monitor_op op, const s64 arg[4], const char *data)
{
	struct hostfs_super *hs = HOSTFS_SB(dir->sb);
	char *buffer = kmalloc(MONITOR_PATH), *path;
	long error = -ENOMEM;

	if (!buffer)
		return -ENOMEM;
	for (int attempt = 0; attempt < 2; attempt++) {
		mutex_lock(&hs->tree_lock);
		path = hostfs_path_of(dentry, NULL, buffer);
		error = path ? monitor_call(op, hs->index, path, arg, data, data ? strlen(data) : 0, NULL, 0) : -ENAMETOOLONG;
		mutex_unlock(&hs->tree_lock);
		if (error != -EACCES || hostfs_force_access(dir))
			break;
	}
	kfree(buffer);
	return error < 0 ? (int)error : 0;
}

static int make_and_adopt(struct inode *dir, struct dentry *dentry, enum monitor_op op, const s64 arg[4], const char *data,
			  mode_t mode)
{
	struct hostfs_handle *h;
	int error = make_by_monitor(dir, dentry, op, arg, data);
	if (error)
		return error;
	error = hostfs_dir_get(dir, &h);
	if (error)
		return error;
	error = adopt(dir, dentry, h, mode);
	hostfs_handle_put(h);
	return error;
}

static int hostfs_symlink(struct inode *dir, struct dentry *dentry, const char *target)
{
	return make_and_adopt(dir, dentry, MON_SYMLINK, NULL, target, S_IFLNK | 0777);
}

/* Device nodes lead to this kernel's devices; the host gets a plain file in their place. */
static int hostfs_mknod(struct inode *dir, struct dentry *dentry, mode_t mode, dev_t rdev)
{
	bool device = S_ISTYPE(mode, S_IFCHR) || S_ISTYPE(mode, S_IFBLK);
	s64 arg[4] = { mode };
	int error;

	if (!device)
		return make_and_adopt(dir, dentry, MON_MKNOD, arg, NULL, mode);
	error = hostfs_create(dir, dentry, S_IFREG | (mode & 07777));
	if (error)
		return error;
	dentry->inode->mode = mode;
	dentry->inode->rdev = rdev;
	hostfs_override(dentry->inode, OVERRIDE_TYPE | OVERRIDE_MODE);
	return 0;
}

static int link_by_monitor(struct inode *dir, struct dentry *dentry, struct inode *target)
{
	struct hostfs_super *hs = HOSTFS_SB(dir->sb);
	char *buffers = kmalloc(2 * MONITOR_PATH), *old_path, *new_path;
	struct dentry *old;
	long error;

	if (!buffers)
		return -ENOMEM;
	mutex_lock(&hs->tree_lock);
	old = hostfs_alias(target);
	old_path = old ? hostfs_path_of(old, NULL, buffers) : NULL;
	new_path = hostfs_path_of(dentry, NULL, buffers + MONITOR_PATH);
	if (!old)
		error = -ENOENT;
	else if (!old_path || !new_path)
		error = -ENAMETOOLONG;
	else
		error = monitor_call(MON_LINK, hs->index, old_path, NULL, new_path, strlen(new_path), NULL, 0);
	mutex_unlock(&hs->tree_lock);
	if (old)
		dentry_put(old);
	kfree(buffers);
	return (int)error;
}

/* A file of O_TMPFILE gets its name: the host cannot link it for us, so a new file takes over its contents. */
static int materialize(struct inode *dir, struct dentry *dentry, struct inode *target)
{
	struct hostfs_inode *hi = HOSTFS_I(target), *made;
	size_t chunk = 64 * PAGE_SIZE;
	char *buffer = heap_pages_alloc(64);
	loff_t pos = 0;
	struct hlist_head *head;
	struct inode *inode;
	int error, fd;

	if (!buffer)
		return -ENOMEM;
	error = hostfs_create(dir, dentry, S_IFREG | (target->mode & 07777));
	if (error)
		goto out;
	inode = dentry->inode;
	made = HOSTFS_I(inode);
	fd = made->write.fd;
	while (pos < target->size) {
		struct io_vector v = { (u64)buffer, chunk };
		long n;
		kernel_unlock();
		n = host_preadv2(hi->write.fd, &v, 1, (u64)pos, 0, 0);
		if (n > 0) {
			v.length = (u64)n;
			n = host_pwritev2(fd, &v, 1, (u64)pos, 0, 0);
		}
		kernel_lock();
		if (n <= 0) {
			error = n < 0 ? (int)n : 0;
			break;
		}
		pos += n;
	}
	if (!error) {
		/* The old inode becomes the new host object; the fresh inode steps aside. */
		made->write.fd = hi->write.fd;
		hi->write.fd = fd;
		hi->host_dev = made->host_dev;
		hi->host_ino = made->host_ino;
		hi->host_mode = made->host_mode;
		hi->overrides = made->overrides;
		if (made->pinned) {
			made->pinned = false;
			inode_put(inode);
			hi->pinned = true;
			inode_get(target);
		}
		target->nlink = 1;
		target->ino = inode->ino;
		target->linkable = false;
		hi->stale = true;
		head = (struct hlist_head *)inode->hash.link; /* same bucket: links in at its place */
		hlist_del(&inode->hash);
		hlist_add(&target->hash, head);
		list_del(&dentry->alias);
		dentry->inode = NULL;
		dentry_bind(dentry, inode_get(target));
		inode->nlink = 0;
		inode_put(inode);
	}
out:
	heap_pages_free(buffer, 64);
	return error;
}

static int hostfs_link(struct inode *dir, struct dentry *dentry, struct inode *target)
{
	int error;
	if (target->nlink == 0)
		return materialize(dir, dentry, target);
	error = link_by_monitor(dir, dentry, target);
	if (error)
		return error;
	target->nlink++;
	inode_touch(target, ATTR_CTIME);
	HOSTFS_I(target)->stale = true;
	hostfs_changed(target, ATTR_CTIME);
	changed(dir);
	dentry_bind(dentry, inode_get(target));
	return 0;
}

/* The last name goes while somebody holds the object without having opened it (O_PATH): keep a way to it. */
static void keep_open(struct dentry *dentry)
{
	struct inode *inode = dentry->inode;
	struct hostfs_handle *h;
	if (!inode || !S_ISTYPE(inode->mode, S_IFREG) || inode->nlink != 1 || refcount_read(&dentry->count) < 2)
		return;
	if (HOSTFS_I(inode)->overrides & OVERRIDE_TYPE)
		return;
	if (!hostfs_file_get(inode, true, &h) || !hostfs_file_get(inode, false, &h))
		return; /* stays in use until the inode goes */
}

static int remove_name(struct inode *dir, struct dentry *dentry, int flags)
{
	struct hostfs_handle *h;
	long error = hostfs_dir_get(dir, &h);
	if (error)
		return (int)error;
	if (!flags)
		keep_open(dentry);
	for (int attempt = 0; attempt < 2; attempt++) {
		kernel_unlock();
		error = host_unlinkat(h->fd, dentry->name, flags);
		kernel_lock();
		if (error != -EACCES || hostfs_force_access(dir))
			break;
	}
	hostfs_handle_put(h);
	if (error)
		return (int)error;
	changed(dir);
	hostfs_lost_link(dentry->inode);
	return 0;
}

static int hostfs_unlink(struct inode *dir, struct dentry *dentry) { return remove_name(dir, dentry, 0); }
static int hostfs_rmdir(struct inode *dir, struct dentry *dentry) { return remove_name(dir, dentry, AT_REMOVEDIR); }

static int hostfs_rename(struct inode *old_dir, struct dentry *old, struct inode *new_dir, struct dentry *new, unsigned flags)
{
	struct hostfs_super *hs = HOSTFS_SB(old_dir->sb);
	struct hostfs_handle *from, *to;
	long error;

	if (flags & RENAME_WHITEOUT)
		return -EINVAL;
	error = hostfs_dir_get(old_dir, &from);
	if (error)
		return (int)error;
	error = hostfs_dir_get(new_dir, &to);
	if (error) {
		hostfs_handle_put(from);
		return (int)error;
	}
	if (new->inode && !(flags & RENAME_EXCHANGE))
		keep_open(new);
	for (int attempt = 0; attempt < 2; attempt++) {
		mutex_lock(&hs->tree_lock);
		kernel_unlock();
		error = host_renameat2(from->fd, old->name, to->fd, new->name, flags);
		kernel_lock();
		mutex_unlock(&hs->tree_lock);
		/* From here on until the vfs has moved the dentries nothing sleeps, if the host has renamed. */
		if (error != -EACCES || (hostfs_force_access(old_dir) && hostfs_force_access(new_dir)))
			break;
	}
	hostfs_handle_put(to);
	hostfs_handle_put(from);
	if (error)
		return (int)error;
	changed(old_dir);
	changed(new_dir);
	HOSTFS_I(old->inode)->stale = true;
	hostfs_changed(old->inode, ATTR_CTIME);
	if (new->inode && (flags & RENAME_EXCHANGE))
		HOSTFS_I(new->inode)->stale = true;
	else if (new->inode)
		hostfs_lost_link(new->inode);
	return 0;
}

static struct inode *hostfs_tmpfile(struct inode *dir, mode_t mode)
{
	struct hostfs_handle *h;
	struct inode *inode;
	struct statx stx;
	long error, fd;

	error = hostfs_dir_get(dir, &h);
	if (error)
		return ERR_PTR(error);
	kernel_unlock();
	fd = host_openat(h->fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, mode & 07777);
	error = fd < 0 ? fd : host_statx((int)fd, "", AT_EMPTY_PATH, HOSTFS_STATX_MASK, &stx);
	kernel_lock();
	hostfs_handle_put(h);
	if (error) {
		if (fd >= 0)
			host_close((int)fd);
		return ERR_PTR(error);
	}
	inode = hostfs_inode_for(dir->sb, &stx);
	if (IS_ERR(inode)) {
		host_close((int)fd);
		return inode;
	}
	/* Owner and mode live here alone: the object has no name by which the monitor could find it. */
	hlist_del(&inode->hash);
	hostfs_made(inode);
	inode->nlink = 0;
	HOSTFS_I(inode)->overrides |= OVERRIDE_MODE | OVERRIDE_UID | OVERRIDE_GID;
	inode->mode = mode;
	inode->uid = current->cred->fsuid;
	inode->gid = dir->mode & S_ISGID ? dir->gid : current->cred->fsgid;
	hostfs_handle_set(&HOSTFS_I(inode)->write, (int)fd);
	HOSTFS_I(inode)->write.users++; /* until the inode goes */
	list_del(&HOSTFS_I(inode)->write.lru);
	return inode;
}

#define DIR_OPERATIONS \
	.lookup = hostfs_lookup, .create = hostfs_create, .mkdir = hostfs_mkdir, .mknod = hostfs_mknod, .symlink = hostfs_symlink, \
	.link = hostfs_link, .unlink = hostfs_unlink, .rmdir = hostfs_rmdir, .rename = hostfs_rename, .tmpfile = hostfs_tmpfile, \
	.getattr = hostfs_getattr, .setattr = hostfs_setattr, .getxattr = hostfs_getxattr, .setxattr = hostfs_setxattr, \
	.listxattr = hostfs_listxattr, .removexattr = hostfs_removexattr

const struct inode_operations hostfs_dir_iops = { DIR_OPERATIONS };
const struct inode_operations hostfs_shared_dir_iops = { DIR_OPERATIONS, .revalidate = hostfs_revalidate };
