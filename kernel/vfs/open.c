/* SPDX-License-Identifier: Apache-2.0 */
/* open(2), openat2(2): finding or making the file, then asking whether this caller may have it this way. */
#include "include/abi/boot.h"
#include "kernel/mm/alloc.h"
#include "kernel/vfs/internal.h"

#include <linux/fs.h>
#include <linux/inotify.h>

#define O_TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)

static unsigned access_mask(unsigned flags)
{
	static const u8 masks[] = { MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE };
	return masks[flags & O_ACCMODE] | (flags & O_TRUNC ? MAY_WRITE : 0);
}

/* What open(2) asks of a file that is there. `made`: this call made it, its mode does not count. */
static int may_open(const struct path *path, unsigned flags, bool made)
{
	struct inode *inode = path->dentry->inode;
	unsigned mask = access_mask(flags);
	int error;

	switch (inode->mode & S_IFMT) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		if (mask & MAY_WRITE)
			return -EISDIR;
		break;
	case S_IFBLK:
	case S_IFCHR:
		if (path->mount->flags & MS_NODEV)
			return -EACCES;
		error = device_permission(inode->mode, inode->rdev,
					  (mask & MAY_READ ? BOOT_DEVICE_READ : 0) | (mask & MAY_WRITE ? BOOT_DEVICE_WRITE : 0));
		if (error)
			return error;
		break;
	default:
		break;
	}
	if (made)
		return 0;
	error = inode_permission(inode, mask);
	if (error)
		return error;
	if ((mask & MAY_WRITE) && (S_ISTYPE(inode->mode, S_IFREG) || S_ISTYPE(inode->mode, S_IFDIR))) {
		error = mount_want_write(path);
		if (error)
			return error;
	}
	if ((flags & O_NOATIME) && current->cred->fsuid != inode->uid && !capable(CAP_FOWNER))
		return -EPERM;
	return 0;
}

static struct file *finish_open(const struct path *path, unsigned flags, bool made)
{
	struct file *f;
	int error = 0;

	if (flags & O_PATH) {
		if ((flags & O_DIRECTORY) && !is_directory(path->dentry))
			return ERR_PTR(-ENOTDIR);
		return file_open_path(path, flags);
	}
	if (!made && (flags & O_CREAT) && is_directory(path->dentry))
		return ERR_PTR(-EISDIR);
	if ((flags & O_DIRECTORY) && !is_directory(path->dentry))
		return ERR_PTR(-ENOTDIR);
	error = may_open(path, flags, made);
	if (error)
		return ERR_PTR(error);
	if (unlikely(leases_in_use)) {
		error = lease_break(path->dentry->inode, (flags & O_ACCMODE) != O_RDONLY, flags & O_NONBLOCK);
		if (error)
			return ERR_PTR(error);
	}
	f = file_open_path(path, flags);
	if (IS_ERR(f))
		return f;
	if ((flags & O_TRUNC) && !made && S_ISTYPE(f->inode->mode, S_IFREG)) {
		error = f->inode->writers < 0 ? -ETXTBSY : vfs_truncate(path, 0, f);
		if (error) {
			file_put(f);
			return ERR_PTR(error);
		}
	}
	if (f->inode->marks || (path->dentry->parent->inode && path->dentry->parent->inode->marks))
		fsnotify_dentry(path->dentry, IN_OPEN);
	return f;
}

/* O_TMPFILE: a file in the directory's file system without a name. */
static struct file *open_tmpfile(struct walk *w, unsigned flags, mode_t mode)
{
	struct inode *dir = w->path.dentry->inode, *inode;
	struct path path = { w->path.mount, NULL };
	struct file *f;
	char name[24];
	int error;

	if (!S_ISTYPE(dir->mode, S_IFDIR))
		return ERR_PTR(-ENOTDIR);
	error = mount_want_write(&w->path);
	if (!error)
		error = inode_permission(dir, MAY_WRITE | MAY_EXEC);
	if (error)
		return ERR_PTR(error);
	if (!dir->ops || !dir->ops->tmpfile)
		return ERR_PTR(-EOPNOTSUPP);
	inode = dir->ops->tmpfile(dir, mode_for_new(dir, S_IFREG | (mode & 07777 & ~current->fs->umask)));
	if (IS_ERR(inode))
		return ERR_PTR(PTR_ERR(inode));
	inode->linkable = !(flags & O_EXCL);
	scnprintf(name, sizeof(name), "#%lu", inode->ino);
	path.dentry = dentry_new(w->path.dentry, name, strlen(name));
	if (!path.dentry) {
		inode_put(inode);
		return ERR_PTR(-ENOMEM);
	}
	dentry_bind(path.dentry, inode);
	f = finish_open(&path, flags & ~(unsigned)(O_DIRECTORY | O_CREAT), true);
	dentry_put(path.dentry);
	return f;
}

/* Makes the missing last component. 0: w->path stands on the new file; 1: it is there by now, look again. */
static int create_last(struct walk *w, struct dentry *d, mode_t mode)
{
	struct dentry *dir = w->path.dentry;
	struct inode *inode = dir->inode;
	int error = mount_want_write(&w->path);

	if (error)
		return error;
	mutex_lock(&inode->lock);
	if (d->inode) {
		mutex_unlock(&inode->lock);
		return 1;
	}
	if (d->unhashed) {
		mutex_unlock(&inode->lock);
		return dir->unhashed && dir->parent != dir ? -ENOENT : 1;
	}
	error = may_create(&w->path);
	if (!error && (!inode->ops || !inode->ops->create))
		error = -EACCES;
	if (!error)
		error = inode->ops->create(inode, d, mode_for_new(inode, S_IFREG | (mode & 07777 & ~current->fs->umask)));
	mutex_unlock(&inode->lock);
	if (error)
		return error;
	if (inode->marks)
		fsnotify_name(inode, IN_CREATE, d->name, 0, false);
	dentry_get(d);
	dentry_put(w->path.dentry);
	w->path.dentry = d;
	return 0;
}

/* One round of O_CREAT on the last component. 0: done, w->path is it; 1: a link was entered. */
static int open_last_create(struct walk *w, unsigned flags, mode_t mode, bool *ret_made)
{
	struct dentry *d;
	int error;

	if (w->last_kind != LAST_NORMAL) {
		if (flags & O_EXCL)
			return -EEXIST;
		error = walk_last(w, true);
		return error ? error : 0;
	}
	if (w->trailing_slash)
		return -EISDIR;
	for (;;) {
		d = lookup_child(w->path.dentry, w->last, w->last_length);
		if (IS_ERR(d))
			return (int)PTR_ERR(d);
		if (d->inode)
			break;
		error = create_last(w, d, mode);
		dentry_put(d);
		if (error <= 0) {
			*ret_made = error == 0;
			return error;
		}
	}
	if (flags & O_EXCL) {
		dentry_put(d);
		return -EEXIST;
	}
	return walk_into(w, d, !(flags & O_NOFOLLOW));
}

static struct file *open_walk(struct walk *w, unsigned flags, mode_t mode)
{
	bool made = false;
	int error;
	do {
		error = walk_parent(w);
		if (error)
			break;
		if ((flags & O_CREAT) && !(flags & O_PATH))
			error = open_last_create(w, flags, mode, &made);
		else
			error = walk_last(w, !(flags & O_NOFOLLOW));
	} while (error == 1);
	if (error)
		return ERR_PTR(error);
	if (w->trailing_slash && !is_directory(w->path.dentry))
		return ERR_PTR(-ENOTDIR);
	if (flags & O_TMPFILE_BIT)
		return open_tmpfile(w, flags, mode);
	return finish_open(&w->path, flags, made);
}

struct file *do_file_open(int dfd, const char *name, unsigned flags, mode_t mode, unsigned lookup_flags)
{
	struct walk w;
	struct file *f;
	int error;

	if (flags & O_PATH)
		flags &= O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC;
	else
		flags |= O_LARGEFILE;
	if (flags & O_TMPFILE_BIT) {
		if ((flags & O_TMPFILE) != O_TMPFILE || !(access_mask(flags & ~(unsigned)O_TRUNC) & MAY_WRITE))
			return ERR_PTR(-EINVAL);
		if (flags & O_CREAT)
			return ERR_PTR(-EINVAL);
	}
	if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return ERR_PTR(-EINVAL);
	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		flags |= O_NOFOLLOW;
	if (!*name && !(lookup_flags & LOOKUP_EMPTY))
		return ERR_PTR(-ENOENT);
	/* -ESTALE: what the cache knew is not what the host has; the cache has been told. */
	for (int attempt = 0;; attempt++) {
		error = walk_start(&w, dfd, name, lookup_flags);
		if (error)
			return ERR_PTR(error);
		f = open_walk(&w, flags, mode);
		walk_end(&w);
		if (likely(f != ERR_PTR(-ESTALE)) || attempt == 8)
			return f;
	}
}
