/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making, removing, renaming: mkdir(2), mknod(2), symlink(2), link(2), unlink(2), rmdir(2), rename(2), with the errors in
 * the order in which Linux finds them.
 *
 * Locks: one directory's inode->lock; a rename takes rename_lock first if it involves two, then the ancestor's before the
 * descendant's. A removed directory's own lock is taken inside its parent's, so nothing is made in it any more.
 */
#include "include/abi/boot.h"
#include "kernel/mm/alloc.h"
#include "kernel/vfs/internal.h"

#include <linux/fs.h>
#include <linux/inotify.h>

static struct mutex rename_lock;
static bool rename_lock_ready;

int may_create(const struct path *dir)
{
	struct dentry *d = dir->dentry;
	if (d->unhashed && d->parent != d)
		return -ENOENT;
	return inode_permission(d->inode, MAY_WRITE | MAY_EXEC);
}

/* Sticky directories: only the owner of the file or of the directory removes it. */
static bool sticky_denies(const struct inode *dir, const struct inode *inode)
{
	uid_t me = current->cred->fsuid;
	return (dir->mode & S_ISVTX) && me != inode->uid && me != dir->uid && !capable(CAP_FOWNER);
}

static int may_delete(struct inode *dir, struct dentry *victim, bool directory)
{
	int error;
	if (!victim->inode)
		return -ENOENT;
	error = inode_permission(dir, MAY_WRITE | MAY_EXEC);
	if (error)
		return error;
	if (sticky_denies(dir, victim->inode))
		return -EPERM;
	if (directory) {
		if (!is_directory(victim))
			return -ENOTDIR;
	} else if (is_directory(victim)) {
		return -EISDIR;
	}
	return 0;
}

/* --- making --- */

struct creation {
	struct walk walk;
	struct dentry *dentry; /* negative, counted; its parent's lock is held */
};

static int creation_start(struct creation *c, int dfd, const char *name, bool directory)
{
	struct inode *dir;
	int error;

	if (!*name)
		return -ENOENT;
	error = walk_start(&c->walk, dfd, name, 0);
	if (error)
		return error;
	error = walk_parent(&c->walk);
	if (!error && c->walk.last_kind != LAST_NORMAL)
		error = -EEXIST;
	if (!error && c->walk.last_length > NAME_MAX)
		error = -ENAMETOOLONG;
	if (error)
		goto out_walk;
	dir = c->walk.path.dentry->inode;
	mutex_lock(&dir->lock);
	c->dentry = lookup_child_locked(c->walk.path.dentry, c->walk.last, c->walk.last_length);
	if (IS_ERR(c->dentry)) {
		error = (int)PTR_ERR(c->dentry);
		goto out_unlock;
	}
	if (c->dentry->inode)
		error = -EEXIST;
	else if (c->walk.trailing_slash && !directory)
		error = -ENOENT;
	if (!error)
		error = mount_want_write(&c->walk.path);
	if (!error)
		error = may_create(&c->walk.path);
	if (!error)
		return 0;
	dentry_put(c->dentry);
out_unlock:
	mutex_unlock(&dir->lock);
out_walk:
	walk_end(&c->walk);
	return error;
}

static int creation_end(struct creation *c, int error)
{
	struct inode *dir = c->walk.path.dentry->inode;
	mutex_unlock(&dir->lock);
	if (error == -ESTALE)
		error = -EEXIST; /* somebody outside the container was faster */
	if (!error && dir->marks)
		fsnotify_name(dir, IN_CREATE, c->dentry->name, 0, is_directory(c->dentry));
	dentry_put(c->dentry);
	walk_end(&c->walk);
	return error;
}

/* In a set-group-id directory, who is not in its group makes no set-group-id programs. */
mode_t mode_for_new(const struct inode *dir, mode_t mode)
{
	if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && (dir->mode & S_ISGID) && !in_group(dir->gid) &&
	    !capable(CAP_FSETID))
		mode &= ~(mode_t)S_ISGID;
	return mode;
}

static int mknod_common(struct creation *c, mode_t mode, dev_t rdev)
{
	struct inode *dir = c->walk.path.dentry->inode;
	if ((S_ISTYPE(mode, S_IFCHR) || S_ISTYPE(mode, S_IFBLK)) && !capable(CAP_MKNOD))
		return -EPERM;
	mode = mode_for_new(dir, mode);
	if (S_ISTYPE(mode, S_IFREG)) {
		if (!dir->ops->create)
			return -EACCES;
		return dir->ops->create(dir, c->dentry, mode);
	}
	return dir->ops->mknod ? dir->ops->mknod(dir, c->dentry, mode, rdev) : -EPERM;
}

int vfs_mknod_at(int dfd, const char *name, mode_t mode, dev_t rdev)
{
	struct creation c;
	int error;
	switch (mode & S_IFMT) {
	case 0:
		mode |= S_IFREG;
		break;
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	/* A character device 0:0 stands for a file that is not there, for overlays. */
	error = S_ISTYPE(mode, S_IFBLK) || (S_ISTYPE(mode, S_IFCHR) && rdev) ? device_permission(mode, rdev, BOOT_DEVICE_MAKE) : 0;
	if (!error)
		error = creation_start(&c, dfd, name, false);
	if (error)
		return error;
	return creation_end(&c, mknod_common(&c, mode & ~current->fs->umask, rdev));
}

int kernel_mknod_at(int dfd, const char *name, mode_t mode, dev_t rdev, struct path *ret_path)
{
	struct creation c;
	int error = creation_start(&c, dfd, name, false);
	if (error)
		return error;
	error = mknod_common(&c, mode, rdev);
	if (!error && ret_path) {
		ret_path->mount = c.walk.path.mount;
		ret_path->dentry = c.dentry;
		path_get(ret_path);
	}
	return creation_end(&c, error);
}

static int mkdir_common(int dfd, const char *name, mode_t mode)
{
	struct creation c;
	struct inode *dir;
	int error = creation_start(&c, dfd, name, true);
	if (error)
		return error;
	dir = c.walk.path.dentry->inode;
	error = dir->ops->mkdir ? dir->ops->mkdir(dir, c.dentry, S_IFDIR | (mode & 01777)) : -EPERM;
	return creation_end(&c, error);
}

int vfs_mkdir_at(int dfd, const char *name, mode_t mode)
{
	return mkdir_common(dfd, name, mode & ~current->fs->umask);
}

int kernel_mkdir(const char *name, mode_t mode) { return mkdir_common(AT_FDCWD, name, mode); }

int vfs_symlink_at(const char *target, int dfd, const char *name)
{
	struct creation c;
	struct inode *dir;
	int error;
	if (!*target)
		return -ENOENT;
	error = creation_start(&c, dfd, name, false);
	if (error)
		return error;
	dir = c.walk.path.dentry->inode;
	error = dir->ops->symlink ? dir->ops->symlink(dir, c.dentry, target) : -EPERM;
	return creation_end(&c, error);
}

int kernel_symlink(const char *target, const char *name) { return vfs_symlink_at(target, AT_FDCWD, name); }

/* As with fs.protected_hardlinks=1: a link to somebody else's file only if it could be read and written. */
static int may_link(struct inode *inode)
{
	mode_t mode = inode->mode;
	if (current->cred->fsuid == inode->uid || capable(CAP_FOWNER))
		return 0;
	if (!S_ISTYPE(mode, S_IFREG) || (mode & S_ISUID) || (mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) ||
	    inode_permission(inode, MAY_READ | MAY_WRITE))
		return -EPERM;
	return 0;
}

static int link_common(struct creation *c, const struct path *old)
{
	struct inode *inode = old->dentry->inode, *dir = c->walk.path.dentry->inode;
	int error;
	if (old->mount != c->walk.path.mount)
		return -EXDEV;
	error = may_link(inode);
	if (error)
		return error;
	if (S_ISTYPE(inode->mode, S_IFDIR) || !dir->ops->link)
		return -EPERM;
	if (inode->nlink == 0 && !inode->linkable)
		return -ENOENT;
	error = dir->ops->link(dir, c->dentry, inode);
	if (!error && inode->marks)
		fsnotify_dentry(old->dentry, IN_ATTRIB);
	return error;
}

int vfs_link_at(int old_dfd, const char *old_name, int new_dfd, const char *new_name, int flags)
{
	struct creation c;
	struct path old;
	unsigned how = 0;
	int error;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH) {
		if (!*old_name && !capable(CAP_DAC_READ_SEARCH))
			return -ENOENT;
		how |= LOOKUP_EMPTY;
	}
	if (flags & AT_SYMLINK_FOLLOW)
		how |= LOOKUP_FOLLOW;
	error = path_lookup(old_dfd, old_name, how, &old);
	if (error)
		return error;
	error = creation_start(&c, new_dfd, new_name, false);
	if (!error)
		error = creation_end(&c, link_common(&c, &old));
	else if (error == -EACCES && may_link(old.dentry->inode))
		error = -EPERM; /* found first */
	path_put(&old);
	return error;
}

/* --- removing --- */

static int remove_locked(struct dentry *dir, struct dentry *victim, bool directory)
{
	struct inode *parent = dir->inode, *inode;
	int error = may_delete(parent, victim, directory);
	if (error)
		return error;
	if (victim->mounted)
		return -EBUSY;
	inode = inode_get(victim->inode);
	if (directory) {
		mutex_lock(&inode->lock);
		error = parent->ops->rmdir ? parent->ops->rmdir(parent, victim) : -EPERM;
	} else {
		error = parent->ops->unlink ? parent->ops->unlink(parent, victim) : -EPERM;
	}
	if (!error) {
		if (inode->marks && !directory)
			fsnotify_dentry(victim, IN_ATTRIB);
		dentry_drop(victim);
		if (directory)
			dentry_prune_children(victim);
		if (parent->marks)
			fsnotify_name(parent, IN_DELETE, victim->name, 0, directory);
	}
	if (directory)
		mutex_unlock(&inode->lock);
	inode_put(inode);
	return error;
}

int vfs_unlink(const struct path *parent, const char *name)
{
	struct dentry *d;
	int error = mount_want_write(parent);
	if (error)
		return error;
	mutex_lock(&parent->dentry->inode->lock);
	d = lookup_child_locked(parent->dentry, name, strlen(name));
	error = IS_ERR(d) ? (int)PTR_ERR(d) : remove_locked(parent->dentry, d, false);
	mutex_unlock(&parent->dentry->inode->lock);
	if (!IS_ERR(d))
		dentry_put(d);
	return error;
}

static int remove_kind_error(enum last_kind kind, bool directory)
{
	if (kind == LAST_NORMAL)
		return 0;
	if (!directory)
		return -EISDIR;
	return kind == LAST_DOTDOT ? -ENOTEMPTY : kind == LAST_DOT ? -EINVAL : -EBUSY;
}

int vfs_unlink_at(int dfd, const char *name, bool directory)
{
	struct walk w;
	struct dentry *dir, *d;
	int error;

	if (!*name)
		return -ENOENT;
	error = walk_start(&w, dfd, name, 0);
	if (error)
		return error;
	error = walk_parent(&w);
	if (!error)
		error = remove_kind_error(w.last_kind, directory);
	if (!error && w.last_length > NAME_MAX)
		error = -ENAMETOOLONG;
	if (!error)
		error = mount_want_write(&w.path);
	if (error) {
		walk_end(&w);
		return error;
	}
	dir = w.path.dentry;
	mutex_lock(&dir->inode->lock);
	d = lookup_child_locked(dir, w.last, w.last_length);
	if (IS_ERR(d)) {
		error = (int)PTR_ERR(d);
	} else if (!directory && w.trailing_slash) {
		error = !d->inode ? -ENOENT : is_directory(d) ? -EISDIR : -ENOTDIR;
	} else {
		error = remove_locked(dir, d, directory);
	}
	mutex_unlock(&dir->inode->lock);
	if (!IS_ERR(d))
		dentry_put(d);
	walk_end(&w);
	return error;
}

/* --- renaming --- */

static void lock_two(struct dentry *a, struct dentry *b)
{
	if (!rename_lock_ready) {
		mutex_init(&rename_lock);
		rename_lock_ready = true;
	}
	if (a == b) {
		mutex_lock(&a->inode->lock);
		return;
	}
	mutex_lock(&rename_lock);
	if (dentry_is_below(a, b)) {
		mutex_lock(&b->inode->lock);
		mutex_lock(&a->inode->lock);
	} else {
		mutex_lock(&a->inode->lock);
		mutex_lock(&b->inode->lock);
	}
}

static void unlock_two(struct dentry *a, struct dentry *b)
{
	mutex_unlock(&a->inode->lock);
	if (a != b) {
		mutex_unlock(&b->inode->lock);
		mutex_unlock(&rename_lock);
	}
}

static int may_rename(struct walk *from, struct dentry *old, struct walk *to, struct dentry *new, unsigned flags)
{
	struct inode *old_dir = from->path.dentry->inode, *new_dir = to->path.dentry->inode;
	bool directory = is_directory(old), exchange = flags & RENAME_EXCHANGE;
	int error = may_delete(old_dir, old, directory);
	if (error)
		return error;
	if (!new->inode)
		error = may_create(&to->path);
	else
		error = may_delete(new_dir, new, exchange ? is_directory(new) : directory);
	if (error)
		return error;
	if (old_dir != new_dir) {
		if (directory) {
			error = inode_permission(old->inode, MAY_WRITE);
			if (error)
				return error;
		}
		if (exchange && is_directory(new)) {
			error = inode_permission(new->inode, MAY_WRITE);
			if (error)
				return error;
		}
	}
	if (old->mounted || new->mounted)
		return -EBUSY;
	return old_dir->ops->rename ? 0 : -EPERM;
}

static void notify_rename(struct inode *old_dir, const char *old_name, struct inode *new_dir, struct dentry *d,
			  struct dentry *replaced)
{
	bool directory = is_directory(d);
	if (old_dir->marks || new_dir->marks) {
		u32 cookie = fsnotify_next_cookie();
		if (old_dir->marks)
			fsnotify_name(old_dir, IN_MOVED_FROM | (old_dir == new_dir ? FSNOTIFY_RENAME : 0), old_name, cookie, directory);
		if (new_dir->marks)
			fsnotify_name(new_dir, IN_MOVED_TO, d->name, cookie, directory);
	}
	if (d->inode->marks)
		fsnotify_dentry(d, IN_MOVE_SELF);
	if (replaced && replaced->inode && replaced->inode->marks)
		fsnotify_dentry(replaced, IN_ATTRIB);
}

static int rename_locked(struct walk *from, struct dentry *old, struct walk *to, struct dentry *new, unsigned flags)
{
	struct inode *old_dir = from->path.dentry->inode, *new_dir = to->path.dentry->inode;
	char *old_name;
	int error;

	if (old->inode && old->inode == new->inode)
		return 0;
	error = may_rename(from, old, to, new, flags);
	if (error)
		return error;
	old_name = old_dir->marks ? kstrndup(old->name, old->name_length) : NULL;
	error = old_dir->ops->rename(old_dir, old, new_dir, new, flags);
	if (!error) {
		if (flags & RENAME_EXCHANGE)
			dentry_exchange(old, new);
		else
			dentry_move(old, new);
		if (!(flags & RENAME_EXCHANGE) && is_directory(new))
			dentry_prune_children(new);
		notify_rename(old_dir, old_name ? old_name : "", new_dir, old, flags & RENAME_EXCHANGE ? NULL : new);
	}
	kfree(old_name);
	return error;
}

/* The two last components are found under the locks; then Linux's checks in its order. */
static int rename_found(struct walk *from, struct dentry *old, struct walk *to, struct dentry *new, unsigned flags)
{
	if (!old->inode)
		return -ENOENT;
	if ((flags & RENAME_NOREPLACE) && new->inode)
		return -EEXIST;
	if (flags & RENAME_EXCHANGE) {
		if (!new->inode)
			return -ENOENT;
		if (!is_directory(new) && to->trailing_slash)
			return -ENOTDIR;
	}
	if (!is_directory(old)) {
		if (from->trailing_slash)
			return -ENOTDIR;
		if (!(flags & RENAME_EXCHANGE) && to->trailing_slash)
			return -ENOTDIR;
	}
	if (dentry_is_below(to->path.dentry, old))
		return -EINVAL;
	if (new->inode && dentry_is_below(from->path.dentry, new))
		return flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	return rename_locked(from, old, to, new, flags);
}

static int rename_walked(struct walk *from, struct walk *to, unsigned flags)
{
	struct dentry *old, *new;
	int error;

	if (from->path.mount != to->path.mount)
		return -EXDEV;
	if (from->last_kind != LAST_NORMAL)
		return -EBUSY;
	if (to->last_kind != LAST_NORMAL)
		return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	if (from->last_length > NAME_MAX || to->last_length > NAME_MAX)
		return -ENAMETOOLONG;
	error = mount_want_write(&from->path);
	if (error)
		return error;
	lock_two(from->path.dentry, to->path.dentry);
	old = lookup_child_locked(from->path.dentry, from->last, from->last_length);
	if (IS_ERR(old)) {
		error = (int)PTR_ERR(old);
	} else {
		new = lookup_child_locked(to->path.dentry, to->last, to->last_length);
		if (IS_ERR(new)) {
			error = (int)PTR_ERR(new);
		} else {
			error = rename_found(from, old, to, new, flags);
			unlock_two(from->path.dentry, to->path.dentry);
			dentry_put(new);
			dentry_put(old);
			return error;
		}
		unlock_two(from->path.dentry, to->path.dentry);
		dentry_put(old);
		return error;
	}
	unlock_two(from->path.dentry, to->path.dentry);
	return error;
}

int vfs_rename_at(int old_dfd, const char *old_name, int new_dfd, const char *new_name, unsigned flags)
{
	struct walk *walks; /* two of them would be half a kilobyte each on the stack */
	int error;

	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if ((flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)) && (flags & RENAME_EXCHANGE))
		return -EINVAL;
	if (!*old_name || !*new_name)
		return -ENOENT;
	walks = kmalloc(2 * sizeof(*walks));
	if (!walks)
		return -ENOMEM;
	error = walk_start(&walks[0], old_dfd, old_name, 0);
	if (!error) {
		error = walk_parent(&walks[0]);
		if (!error) {
			error = walk_start(&walks[1], new_dfd, new_name, 0);
			if (!error) {
				error = walk_parent(&walks[1]);
				if (!error)
					error = rename_walked(&walks[0], &walks[1], flags);
				walk_end(&walks[1]);
			}
		}
		walk_end(&walks[0]);
	}
	kfree(walks);
	return error;
}

char *vfs_readlink(const struct path *path)
{
	struct inode *inode = path->dentry->inode;
	struct path to;
	char *buffer, *s;
	int error;

	if (!inode || !S_ISTYPE(inode->mode, S_IFLNK))
		return ERR_PTR(-EINVAL);
	if (inode->ops && inode->ops->readlink)
		return inode->ops->readlink(inode);
	if (!inode->ops || !inode->ops->follow_link)
		return ERR_PTR(-EINVAL);
	error = inode->ops->follow_link(inode, &to);
	if (error)
		return ERR_PTR(error);
	buffer = kmalloc(PATH_MAX);
	s = buffer ? path_string(&to, buffer, PATH_MAX) : ERR_PTR(-ENOMEM);
	path_put(&to);
	if (!IS_ERR(s))
		memmove(buffer, s, strlen(s) + 1);
	else
		kfree(buffer);
	return IS_ERR(s) ? s : buffer;
}
