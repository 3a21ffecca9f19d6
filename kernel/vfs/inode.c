/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inodes, super blocks, and who may do what: the permission rules of path_resolution(7) and inode(7).
 */
#include "kernel/mm/alloc.h"
#include "kernel/task/signal.h"
#include "kernel/time/timer.h"
#include "kernel/vfs/internal.h"

#include <linux/fs.h>
#include <linux/inotify.h>
#include <linux/time.h>

static u32 next_anonymous_minor = 20;
static unsigned inodes_in_use;

struct super_block *super_alloc(const struct file_system_type *type, const struct super_operations *ops)
{
	struct super_block *sb = kzalloc(sizeof(*sb));
	if (!sb)
		return NULL;
	refcount_set(&sb->count, 1);
	sb->type = type;
	sb->ops = ops;
	sb->dev = dev_make(0, next_anonymous_minor++);
	sb->blocksize = PAGE_SIZE;
	list_init(&sb->inodes);
	return sb;
}

/* With the last reference nobody outside holds a path into the tree: the dentries that are left are the cache's
 * and the file system's own. */
void super_put(struct super_block *sb)
{
	if (!sb || !refcount_dec_and_test(&sb->count))
		return;
	if (sb->ops && sb->ops->sync_fs)
		sb->ops->sync_fs(sb);
	fsnotify_super_gone(sb);
	if (sb->root)
		dentry_destroy_tree(sb->root);
	sb->root = NULL;
	if (sb->ops && sb->ops->put_super)
		sb->ops->put_super(sb);
	while (!list_empty(&sb->inodes))
		list_del(sb->inodes.next); /* inodes the file system keeps: they outlive the list only */
	kfree(sb);
}

struct timespec64 current_time(void)
{
	u64 now = ktime_get_real();
	return (struct timespec64){ (s64)(now / NSEC_PER_SEC), (s64)(now % NSEC_PER_SEC) };
}

struct inode *inode_alloc(struct super_block *sb, mode_t mode)
{
	struct inode *inode = kzalloc(sizeof(*inode));
	if (!inode)
		return NULL;
	refcount_set(&inode->count, 1);
	inode->mode = mode;
	inode->nlink = 1;
	inode->sb = sb;
	inode->atime = inode->mtime = inode->ctime = inode->btime = current_time();
	mutex_init(&inode->lock);
	list_init(&inode->sb_link);
	list_init(&inode->dentries);
	list_add_tail(&inode->sb_link, &sb->inodes);
	inodes_in_use++;
	return inode;
}

void inode_put(struct inode *inode)
{
	if (!inode || !refcount_dec_and_test(&inode->count))
		return;
	if (inode->marks)
		fsnotify_inode_gone(inode);
	if (inode->sb->ops && inode->sb->ops->evict_inode)
		inode->sb->ops->evict_inode(inode);
	debug_assert(list_empty(&inode->dentries));
	list_del(&inode->sb_link);
	hlist_del(&inode->hash);
	kfree(inode->locks);
	kfree(inode->exec_head);
	inodes_in_use--;
	kfree(inode);
}

void inode_touch(struct inode *inode, unsigned times)
{
	struct timespec64 now = current_time();
	if (times & ATTR_ATIME)
		inode->atime = now;
	if (times & ATTR_MTIME)
		inode->mtime = now;
	if (times & ATTR_CTIME)
		inode->ctime = now;
	inode->version++;
}

/* --- permissions --- */

int generic_permission(struct inode *inode, unsigned mask)
{
	const struct cred *cred = current->cred;
	mode_t mode = inode->mode;
	unsigned rights;

	if (cred->fsuid == inode->uid)
		rights = mode >> 6;
	else if (in_group(inode->gid))
		rights = mode >> 3;
	else
		rights = mode;
	if (!(mask & ~rights & 7))
		return 0;
	if (S_ISTYPE(mode, S_IFDIR)) {
		if (cred_capable(cred, CAP_DAC_OVERRIDE))
			return 0;
		if (!(mask & MAY_WRITE) && cred_capable(cred, CAP_DAC_READ_SEARCH))
			return 0;
		return -EACCES;
	}
	if ((mask & 7) == MAY_READ && cred_capable(cred, CAP_DAC_READ_SEARCH))
		return 0;
	/* Even root executes only what somebody may execute. */
	if ((!(mask & MAY_EXEC) || (mode & 0111)) && cred_capable(cred, CAP_DAC_OVERRIDE))
		return 0;
	return -EACCES;
}

int inode_permission(struct inode *inode, unsigned mask)
{
	if ((mask & MAY_WRITE) && (inode->sb->flags & MS_RDONLY)) {
		mode_t type = inode->mode & S_IFMT;
		if (type == S_IFREG || type == S_IFDIR || type == S_IFLNK)
			return -EROFS;
	}
	if (inode->ops && inode->ops->permission)
		return inode->ops->permission(inode, mask);
	return generic_permission(inode, mask);
}

int mount_want_write(const struct path *path)
{
	if ((path->mount->flags & MS_RDONLY) || (path->dentry->sb->flags & MS_RDONLY))
		return -EROFS;
	return 0;
}

static bool inode_owner_or_capable(const struct inode *inode)
{
	return current->cred->fsuid == inode->uid || capable(CAP_FOWNER);
}

/* --- attributes --- */

int generic_getattr(struct inode *inode, struct kstat *st)
{
	*st = (struct kstat){
		.dev = inode->sb->dev, .ino = inode->ino, .mode = inode->mode, .nlink = inode->nlink,
		.uid = inode->uid, .gid = inode->gid, .rdev = inode->rdev, .size = inode->size,
		.blocks = inode->blocks, .blksize = (u32)inode->sb->blocksize,
		.atime = inode->atime, .mtime = inode->mtime, .ctime = inode->ctime, .btime = inode->btime,
	};
	return 0;
}

int generic_setattr(struct inode *inode, const struct iattr *attr)
{
	if (attr->valid & ATTR_UID)
		inode->uid = attr->uid;
	if (attr->valid & ATTR_GID)
		inode->gid = attr->gid;
	if (attr->valid & ATTR_MODE)
		inode->mode = (inode->mode & S_IFMT) | (attr->mode & 07777);
	if (attr->valid & ATTR_SIZE)
		inode->size = attr->size;
	if (attr->valid & ATTR_ATIME)
		inode->atime = attr->atime;
	if (attr->valid & ATTR_MTIME)
		inode->mtime = attr->mtime;
	if (attr->valid & ATTR_CTIME)
		inode->ctime = attr->ctime;
	inode->version++;
	return 0;
}

int vfs_getattr(const struct path *path, struct kstat *st)
{
	struct inode *inode = path->dentry->inode;
	int error;
	if (!inode)
		return -ENOENT;
	if (inode->ops && inode->ops->getattr)
		error = inode->ops->getattr(inode, st);
	else
		error = generic_getattr(inode, st);
	if (path->mount) {
		st->mount_id = (u64)path->mount->id;
		if (path->dentry == path->mount->root)
			st->attributes |= STATX_ATTR_MOUNT_ROOT;
	}
	st->attributes_mask |= STATX_ATTR_MOUNT_ROOT;
	return error;
}

/* The rules of chown(2), chmod(2), utimensat(2). */
static int setattr_allowed(struct inode *inode, struct iattr *attr)
{
	const struct cred *cred = current->cred;
	bool owner = cred->fsuid == inode->uid;

	if ((attr->valid & ATTR_UID) && !(owner && attr->uid == inode->uid) && !capable(CAP_CHOWN))
		return -EPERM;
	if ((attr->valid & ATTR_GID) && !(owner && (in_group(attr->gid) || attr->gid == inode->gid)) && !capable(CAP_CHOWN))
		return -EPERM;
	if (attr->valid & ATTR_MODE) {
		gid_t gid = attr->valid & ATTR_GID ? attr->gid : inode->gid;
		if (!inode_owner_or_capable(inode))
			return -EPERM;
		if (!in_group(gid) && !capable(CAP_FSETID))
			attr->mode &= ~(mode_t)S_ISGID;
	}
	if (attr->valid & ATTR_TIMES_SET) {
		if (!inode_owner_or_capable(inode))
			return -EPERM;
	} else if ((attr->valid & (ATTR_ATIME | ATTR_MTIME)) && !(attr->valid & ATTR_SIZE)) {
		if (!inode_owner_or_capable(inode))
			return inode_permission(inode, MAY_WRITE);
	}
	return 0;
}

/* Set-id bits that a write or a change of owner takes away. */
static mode_t mode_without_privs(const struct inode *inode)
{
	mode_t mode = inode->mode & ~(mode_t)S_ISUID;
	if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		mode &= ~(mode_t)S_ISGID;
	return mode & 07777;
}

/* With inode->lock held. */
static int setattr_locked(struct inode *inode, struct iattr *attr)
{
	int error = setattr_allowed(inode, attr);
	if (error)
		return error;
	if ((attr->valid & ATTR_KILL_PRIV) && S_ISTYPE(inode->mode, S_IFREG) && !(attr->valid & ATTR_MODE)) {
		mode_t mode = mode_without_privs(inode);
		if (mode != (inode->mode & 07777)) {
			attr->valid |= ATTR_MODE;
			attr->mode = mode;
		}
	}
	if (!(attr->valid & ATTR_CTIME)) {
		attr->ctime = current_time();
		attr->valid |= ATTR_CTIME;
	}
	if (inode->ops && inode->ops->setattr)
		return inode->ops->setattr(inode, attr);
	if (attr->valid & ATTR_SIZE)
		return -EINVAL;
	return generic_setattr(inode, attr);
}

int vfs_setattr(const struct path *path, struct iattr *attr)
{
	struct inode *inode = path->dentry->inode;
	int error = mount_want_write(path);
	if (!inode)
		return -ENOENT;
	if (error && path->mount)
		return error;
	mutex_lock(&inode->lock);
	error = setattr_locked(inode, attr);
	mutex_unlock(&inode->lock);
	if (!error) {
		unsigned mask = 0;
		if (attr->valid & ATTR_SIZE)
			mask |= IN_MODIFY;
		if (attr->valid & (ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_TIMES_SET))
			mask |= IN_ATTRIB;
		else if ((attr->valid & (ATTR_ATIME | ATTR_MTIME)) && !(attr->valid & ATTR_SIZE))
			mask |= IN_ATTRIB;
		if (mask)
			fsnotify_dentry(path->dentry, mask);
	}
	return error;
}

/* Before the first byte of a write: without CAP_FSETID the file loses its set-id bits. */
int vfs_remove_privs(struct file *f)
{
	struct inode *inode = f->inode;
	struct iattr attr = { 0 };
	int error = 0;
	if (likely(!(inode->mode & (S_ISUID | S_ISGID))) || !S_ISTYPE(inode->mode, S_IFREG) || capable(CAP_FSETID))
		return 0;
	mutex_lock(&inode->lock);
	attr.mode = mode_without_privs(inode);
	if (attr.mode != (inode->mode & 07777)) {
		attr.valid = ATTR_MODE | ATTR_CTIME;
		attr.ctime = current_time();
		if (inode->ops && inode->ops->setattr)
			error = inode->ops->setattr(inode, &attr);
		else
			error = generic_setattr(inode, &attr);
	}
	mutex_unlock(&inode->lock);
	return error;
}

static inline bool later(struct timespec64 a, struct timespec64 b)
{
	return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

/* relatime: the access time moves if it is not after the last change, or a day old. */
void file_accessed(struct file *f)
{
	struct inode *inode = f->inode;
	if ((f->flags & O_NOATIME) || (f->path.mount->flags & (MS_NOATIME | MS_RDONLY)))
		return;
	if ((f->path.mount->flags & MS_NODIRATIME) && S_ISTYPE(inode->mode, S_IFDIR))
		return;
	if (later(inode->atime, inode->mtime) && later(inode->atime, inode->ctime) &&
	    (s64)(ktime_get_clock(CLOCK_REALTIME_COARSE) / NSEC_PER_SEC) - inode->atime.tv_sec < 24 * 3600)
		return;
	inode->atime = current_time();
}

int vfs_truncate(const struct path *path, loff_t size, struct file *file)
{
	struct inode *inode = path->dentry->inode;
	struct iattr attr = { .valid = ATTR_SIZE | ATTR_MTIME | ATTR_CTIME, .size = size, .file = file };
	u64 limit = rlimit(RLIMIT_FSIZE);
	if (size > inode->size && (u64)size > limit) {
		send_signal_thread(SIGXFSZ, SEND_SIG_KERNEL, current);
		return -EFBIG;
	}
	attr.mtime = attr.ctime = current_time();
	if (!capable(CAP_FSETID))
		attr.valid |= ATTR_KILL_PRIV;
	return vfs_setattr(path, &attr);
}
