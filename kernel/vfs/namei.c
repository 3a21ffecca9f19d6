/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path walks: path_resolution(7), symlink(7), and the RESOLVE_* rules of openat2(2).
 *
 * A walk holds the place where it stands; each step may sleep in a file system's lookup. Link bodies nest on a stack of
 * at most MAX_LINKS names. ".." never leaves the walk's root.
 */
#include "kernel/mm/alloc.h"
#include "kernel/vfs/internal.h"

#include <linux/fs.h>

void path_get(const struct path *path)
{
	if (path->mount)
		mount_get(path->mount);
	dentry_get(path->dentry);
}

void path_put(const struct path *path)
{
	dentry_put(path->dentry);
	if (path->mount)
		mount_put(path->mount);
}

static inline void path_replace(struct path *path, const struct path *with)
{
	struct path old = *path;
	path_get(with);
	*path = *with;
	if (old.dentry)
		path_put(&old);
}

/* --- names from user memory --- */

int user_path_get(struct user_path *path, user_ptr name, bool allow_empty)
{
	long n = strncpy_from_user(path->buffer, name, sizeof(path->buffer));
	path->name = path->buffer;
	if (n < 0)
		return (int)n;
	if (n >= (long)sizeof(path->buffer)) {
		path->name = kmalloc(PATH_MAX);
		if (!path->name)
			return -ENOMEM;
		n = strncpy_from_user(path->name, name, PATH_MAX);
		if (n < 0 || n >= PATH_MAX) {
			kfree(path->name);
			return n < 0 ? (int)n : -ENAMETOOLONG;
		}
	}
	if (n == 0 && !allow_empty) {
		user_path_release(path);
		return -ENOENT;
	}
	return 0;
}

void user_path_release(struct user_path *path)
{
	if (path->name != path->buffer)
		kfree(path->name);
}

char *user_path_string(user_ptr name, bool allow_empty)
{
	char *s = kmalloc(PATH_MAX);
	long n;
	if (!s)
		return ERR_PTR(-ENOMEM);
	n = strncpy_from_user(s, name, PATH_MAX);
	if (n >= PATH_MAX)
		n = -ENAMETOOLONG;
	if (n == 0 && !allow_empty)
		n = -ENOENT;
	if (n < 0) {
		kfree(s);
		return ERR_PTR(n);
	}
	return s;
}

/* --- children --- */

static struct dentry *cached_child(struct dentry *dir, const char *name, size_t length)
{
	struct dentry *d = dentry_find(dir, name, length);
	const struct inode_operations *ops = dir->inode->ops;
	if (d && ops && ops->revalidate && !d->mounted && !ops->revalidate(d)) {
		dentry_drop(d);
		dentry_put(d);
		return NULL;
	}
	return d;
}

struct dentry *lookup_child_locked(struct dentry *dir, const char *name, size_t length)
{
	struct dentry *d = cached_child(dir, name, length);
	int error;
	if (d)
		return d;
	if (dir->unhashed && dir->parent != dir)
		return ERR_PTR(-ENOENT);
	d = dentry_new(dir, name, length);
	if (!d)
		return ERR_PTR(-ENOMEM);
	error = dir->inode->ops && dir->inode->ops->lookup ? dir->inode->ops->lookup(dir->inode, d) : -ENOTDIR;
	if (error) {
		dentry_put(d);
		return ERR_PTR(error);
	}
	if (dir->unhashed && dir->parent != dir) {
		/* The directory went while the file system looked. */
		return d;
	}
	dentry_hash(d);
	return d;
}

struct dentry *lookup_child(struct dentry *dir, const char *name, size_t length)
{
	struct dentry *d = cached_child(dir, name, length);
	if (d)
		return d;
	if (length > NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	mutex_lock(&dir->inode->lock);
	d = lookup_child_locked(dir, name, length);
	mutex_unlock(&dir->inode->lock);
	return d;
}

/* --- the walk --- */

static int start_from(struct walk *w, int dfd)
{
	struct file *f;
	if (dfd == AT_FDCWD) {
		w->path = current->fs->pwd;
		path_get(&w->path);
		return 0;
	}
	f = fget_any((unsigned)dfd);
	if (!f)
		return -EBADF;
	w->path = f->path;
	path_get(&w->path);
	file_put(f);
	return 0;
}

int walk_start(struct walk *w, int dfd, const char *name, unsigned flags)
{
	bool confined = flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT);
	int error;

	w->flags = flags;
	w->links = w->depth = w->nr_bodies = 0;
	w->rest = name;
	w->trailing_slash = false;
	w->path = w->root = (struct path){ NULL, NULL };
	if (*name == '/' && !confined) {
		w->path = current->fs->root;
		path_get(&w->path);
	} else {
		if (*name == '/' && (flags & LOOKUP_BENEATH))
			return -EXDEV;
		error = start_from(w, dfd);
		if (error)
			return error;
		if (*name && !is_directory(w->path.dentry)) {
			path_put(&w->path);
			return -ENOTDIR;
		}
	}
	w->root = confined ? w->path : current->fs->root;
	path_get(&w->root);
	return 0;
}

static void free_bodies(struct walk *w)
{
	while (w->nr_bodies)
		kfree(w->bodies[--w->nr_bodies]);
}

void walk_end(struct walk *w)
{
	free_bodies(w);
	path_put(&w->path);
	path_put(&w->root);
}

void walk_finish(struct walk *w, struct path *ret_path)
{
	free_bodies(w);
	*ret_path = w->path;
	path_put(&w->root);
}

static int step_up(struct walk *w)
{
	if (path_equal(&w->path, &w->root))
		return w->flags & LOOKUP_BENEATH ? -EXDEV : 0;
	for (;;) {
		struct dentry *d = w->path.dentry;
		if (d != w->path.mount->root) {
			struct dentry *parent = dentry_get(d->parent);
			dentry_put(d);
			w->path.dentry = parent;
			break;
		}
		if (w->flags & LOOKUP_NO_XDEV && w->path.mount->parent)
			return -EXDEV;
		if (!follow_up(&w->path))
			break;
		if (path_equal(&w->path, &w->root))
			break;
	}
	follow_mounts(&w->path);
	return 0;
}

/* A link that leads straight to a place: takes over *to. */
static int jump(struct walk *w, struct path *to)
{
	int error = 0;
	if (w->flags & LOOKUP_NO_MAGICLINKS)
		error = -ELOOP;
	else if (w->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT))
		error = -EXDEV;
	else if ((w->flags & LOOKUP_NO_XDEV) && to->mount != w->path.mount)
		error = -EXDEV;
	if (error) {
		path_put(to);
		return error;
	}
	path_put(&w->path);
	w->path = *to;
	return 0;
}

/* The body of link `inode`, found in w->path: becomes w->rest, or the walk jumps. 1: there is a body to walk; 0: jumped. */
static int enter_link(struct walk *w, struct inode *inode)
{
	struct path to;
	char *body;
	int error;

	if (w->links++ >= MAX_LINKS || (w->flags & LOOKUP_NO_SYMLINKS))
		return -ELOOP;
	if (inode->ops && inode->ops->follow_link) {
		inode_get(inode);
		error = inode->ops->follow_link(inode, &to);
		inode_put(inode);
		return error ? error : jump(w, &to);
	}
	if (!inode->ops || !inode->ops->readlink)
		return -EINVAL;
	inode_get(inode);
	body = inode->ops->readlink(inode);
	inode_put(inode);
	if (IS_ERR(body))
		return (int)PTR_ERR(body);
	if (!*body) {
		kfree(body);
		return -ENOENT;
	}
	w->bodies[w->nr_bodies++] = body;
	if (*body == '/') {
		if (w->flags & LOOKUP_BENEATH)
			return -EXDEV;
		if ((w->flags & LOOKUP_NO_XDEV) && w->path.mount != w->root.mount)
			return -EXDEV;
		path_replace(&w->path, &w->root);
	}
	w->saved[w->depth++] = w->rest;
	w->rest = body;
	return 1;
}

/*
 * w->path goes to child d, over what is mounted there; a link is entered if `follow`. Consumes d.
 */
int walk_into(struct walk *w, struct dentry *d, bool follow)
{
	if (!d->inode) {
		dentry_put(d);
		return -ENOENT;
	}
	if (S_ISTYPE(d->inode->mode, S_IFLNK) && follow) {
		struct inode *inode = inode_get(d->inode);
		int error;
		dentry_put(d);
		error = enter_link(w, inode);
		inode_put(inode);
		return error;
	}
	dentry_put(w->path.dentry);
	w->path.dentry = d;
	if (d->mounted) {
		struct mount *before = w->path.mount;
		follow_mounts(&w->path);
		if ((w->flags & LOOKUP_NO_XDEV) && w->path.mount != before)
			return -EXDEV;
	}
	return 0;
}

static int check_search(struct walk *w)
{
	struct inode *inode = w->path.dentry->inode;
	if (unlikely(!S_ISTYPE(inode->mode, S_IFDIR)))
		return -ENOTDIR;
	/* The common case without asking who: everybody may search it. */
	if (likely((inode->mode & 0111) == 0111 && !inode->ops->permission))
		return 0;
	return inode_permission(inode, MAY_EXEC);
}

static enum last_kind kind_of(const char *name, size_t length)
{
	if (name[0] != '.' || length > 2)
		return LAST_NORMAL;
	if (length == 1)
		return LAST_DOT;
	return name[1] == '.' ? LAST_DOTDOT : LAST_NORMAL;
}

/* Takes the next component off w->rest. False: there is none. */
static bool next_component(struct walk *w, const char **ret_name, size_t *ret_length)
{
	const char *p = w->rest;
	while (*p == '/')
		p++;
	if (!*p) {
		w->rest = p;
		return false;
	}
	*ret_name = p;
	while (*p && *p != '/')
		p++;
	*ret_length = (size_t)(p - *ret_name);
	w->rest = p;
	return true;
}

/* Only slashes, or nothing, are left in this name and in those that wait. */
static bool at_end(struct walk *w, bool *ret_slash)
{
	*ret_slash = false;
	for (;;) {
		const char *p = w->rest;
		while (*p == '/')
			p++;
		if (p != w->rest)
			*ret_slash = true;
		if (*p)
			return false;
		if (!w->depth)
			return true;
		w->rest = w->saved[--w->depth];
	}
}

static int step(struct walk *w, const char *name, size_t length, bool follow)
{
	struct dentry *d;
	switch (kind_of(name, length)) {
	case LAST_DOT:
		return 0;
	case LAST_DOTDOT:
		return step_up(w);
	default:
		d = lookup_child(w->path.dentry, name, length);
		if (IS_ERR(d))
			return (int)PTR_ERR(d);
		return walk_into(w, d, follow);
	}
}

int walk_parent(struct walk *w)
{
	const char *name;
	size_t length;
	bool slash;
	int error;

	for (;;) {
		if (!next_component(w, &name, &length)) {
			if (w->depth) {
				w->rest = w->saved[--w->depth];
				continue;
			}
			/* "/", or a link to it, or "". */
			w->last_kind = LAST_ROOT;
			w->last = NULL;
			w->last_length = 0;
			return 0;
		}
		error = check_search(w);
		if (error)
			return error;
		if (at_end(w, &slash)) {
			w->last = (char *)name;
			w->last_length = length;
			w->last_kind = kind_of(name, length);
			w->trailing_slash |= slash;
			return 0;
		}
		error = step(w, name, length, true);
		if (error < 0)
			return error;
		if (error == 0 && !S_ISTYPE(w->path.dentry->inode->mode, S_IFDIR))
			return -ENOTDIR;
	}
}

int walk_last(struct walk *w, bool follow)
{
	follow = follow || w->trailing_slash;
	if (w->last_kind == LAST_ROOT)
		return 0;
	return step(w, w->last, w->last_length, follow);
}

/* --- whole paths --- */

static int lookup(int dfd, const char *name, unsigned flags, struct path *ret_path)
{
	struct walk w;
	int error;

	if (!*name && !(flags & LOOKUP_EMPTY))
		return -ENOENT;
	error = walk_start(&w, dfd, name, flags);
	if (error)
		return error;
	do {
		error = walk_parent(&w);
		if (!error)
			error = walk_last(&w, flags & LOOKUP_FOLLOW);
	} while (error == 1);
	if (!error && ((flags & LOOKUP_DIRECTORY) || w.trailing_slash) && !is_directory(w.path.dentry))
		error = -ENOTDIR;
	if (error) {
		walk_end(&w);
		return error;
	}
	walk_finish(&w, ret_path);
	return 0;
}

/* -ESTALE: what the cache knew is not what the host has; the cache has been told. */
int path_lookup(int dfd, const char *name, unsigned flags, struct path *ret_path)
{
	int error, attempt = 0;
	do {
		error = lookup(dfd, name, flags, ret_path);
	} while (unlikely(error == -ESTALE) && attempt++ < 8);
	return error;
}

int user_path_lookup(int dfd, user_ptr name, unsigned flags, struct path *ret_path)
{
	struct user_path path;
	int error = user_path_get(&path, name, flags & LOOKUP_EMPTY);
	if (error)
		return error;
	error = path_lookup(dfd, path.name, flags, ret_path);
	user_path_release(&path);
	return error;
}

int path_lookup_parent(int dfd, const char *name, struct path *ret_parent, char **ret_name)
{
	struct walk w;
	int error;

	if (!*name)
		return -ENOENT;
	error = walk_start(&w, dfd, name, 0);
	if (error)
		return error;
	error = walk_parent(&w);
	if (!error && w.last_kind != LAST_NORMAL)
		error = -EEXIST;
	if (!error && w.last_length > NAME_MAX)
		error = -ENAMETOOLONG;
	if (!error) {
		*ret_name = kstrndup(w.last, w.last_length);
		if (!*ret_name)
			error = -ENOMEM;
	}
	if (error) {
		walk_end(&w);
		return error;
	}
	walk_finish(&w, ret_parent);
	return 0;
}
