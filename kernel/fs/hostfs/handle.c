/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host descriptors of cached inodes. Opening drops the kernel lock, so the name may meanwhile belong to something else
 * (a rename, or another user of a shared directory): what was opened is compared with what was meant, and a difference
 * is -ESTALE, upon which the walk starts again.
 */
#include "kernel/fs/hostfs/hostfs.h"

static LIST_HEAD(idle_handles); /* most recently used first */
unsigned hostfs_handles_open;

static unsigned handles_max(void)
{
	static unsigned limit;
	if (!limit) {
		u64 half = boot->rlimit_nofile / 2;
		limit = half < 64 ? 64 : half > 8192 ? 8192 : (unsigned)half;
	}
	return limit;
}

void hostfs_handle_init(struct hostfs_handle *h)
{
	h->fd = -1;
	h->users = 0;
	list_init(&h->lru);
}

static struct hostfs_handle *handle_use(struct hostfs_handle *h)
{
	if (h->users++ == 0)
		list_del(&h->lru);
	return h;
}

void hostfs_handle_put(struct hostfs_handle *h)
{
	debug_assert(h->users > 0);
	if (--h->users == 0 && h->fd >= 0)
		list_add(&h->lru, &idle_handles);
}

void hostfs_handle_close(struct hostfs_handle *h)
{
	if (h->fd < 0)
		return;
	list_del(&h->lru);
	host_close(h->fd);
	h->fd = -1;
	hostfs_handles_open--;
}

void hostfs_handles_shrink(unsigned limit)
{
	while (hostfs_handles_open > limit && !list_empty(&idle_handles))
		hostfs_handle_close(list_last_entry(&idle_handles, struct hostfs_handle, lru));
}

void hostfs_handle_set(struct hostfs_handle *h, int fd)
{
	if (hostfs_handles_open >= handles_max())
		hostfs_handles_shrink(handles_max() - 1);
	h->fd = fd;
	hostfs_handles_open++;
	if (!h->users)
		list_add(&h->lru, &idle_handles);
}

struct dentry *hostfs_alias(struct inode *inode)
{
	struct dentry *d;
	list_for_each_entry(d, &inode->dentries, alias) {
		if (d->parent == d)
			return dentry_get(d);
		if (!d->unhashed)
			return d->count.count ? dentry_get(d) : dentry_find(d->parent, d->name, d->name_length);
	}
	return NULL;
}

/* Opens `name` in a directory and checks that it is `inode`. The kernel lock is dropped meanwhile. */
static int open_checked(struct hostfs_handle *dir, const char *name, int flags, struct inode *inode)
{
	struct statx stx;
	long fd, error;

	kernel_unlock();
	fd = host_openat(dir->fd, name, flags | O_NOFOLLOW | O_CLOEXEC, 0);
	error = fd < 0 ? fd : host_statx((int)fd, "", AT_EMPTY_PATH, HOSTFS_STATX_MASK, &stx);
	kernel_lock();
	if (fd < 0) {
		/* What was looked up a moment ago is something else now. */
		if (fd == -ENOENT || fd == -ELOOP || fd == -ENOTDIR)
			return -ESTALE;
		return (int)fd;
	}
	if (!error && !hostfs_same(inode, &stx))
		error = -ESTALE;
	if (error) {
		host_close((int)fd);
		return (int)error;
	}
	return (int)fd;
}

/*
 * Something stood at a name that was not what we meant. Usually one of our own renames is between the host's answer and
 * the move of the dentries: wait for it, then look again. If that does not help, others changed the directory.
 */
static bool try_again(struct inode *inode, int *attempt)
{
	struct hostfs_super *hs = HOSTFS_SB(inode->sb);
	struct dentry *d;
	if (++*attempt < (hs->shared ? 2 : 16)) {
		mutex_lock(&hs->tree_lock);
		mutex_unlock(&hs->tree_lock);
		return true;
	}
	d = hostfs_alias(inode);
	if (d) {
		dentry_drop(d);
		dentry_put(d);
	}
	return false;
}

/* Opens what dentry d names, relative to its open parent directory. The new descriptor or an error. */
static int open_dentry(struct dentry *d, int flags)
{
	struct hostfs_handle *parent = handle_use(&HOSTFS_I(d->parent->inode)->read);
	struct dentry *dir = dentry_get(d->parent);
	char name[NAME_MAX + 1];
	int fd;

	dentry_get(d);
	memcpy(name, d->name, (size_t)d->name_length + 1);
	fd = open_checked(parent, name, flags, d->inode);
	if (fd == -EMFILE || fd == -ENFILE) {
		hostfs_handles_shrink(hostfs_handles_open / 2);
		fd = open_checked(parent, name, flags, d->inode);
	}
	hostfs_handle_put(parent);
	dentry_put(dir);
	dentry_put(d);
	return fd;
}

/* One step of opening the chain of directories above and including d, which is held: opens the topmost that is not open. */
static int open_topmost(struct dentry *d)
{
	struct hostfs_inode *hi;
	struct inode *inode, *parent;
	int fd;

	while (HOSTFS_I(d->parent->inode)->read.fd < 0)
		d = d->parent;
	inode = inode_get(d->inode);
	parent = inode_get(d->parent->inode);
	dentry_get(d);
	fd = open_dentry(d, O_PATH | O_DIRECTORY);
	if (fd == -EACCES && !hostfs_force_access(parent))
		fd = HOSTFS_I(d->parent->inode)->read.fd < 0 ? -ESTALE : open_dentry(d, O_PATH | O_DIRECTORY);
	dentry_put(d);
	hi = HOSTFS_I(inode);
	if (fd >= 0 && hi->read.fd >= 0)
		host_close(fd); /* somebody else was as fast */
	else if (fd >= 0)
		hostfs_handle_set(&hi->read, fd);
	inode_put(parent);
	inode_put(inode);
	return fd < 0 ? fd : 0;
}

int hostfs_dir_get(struct inode *dir, struct hostfs_handle **ret_handle)
{
	struct hostfs_inode *hi = HOSTFS_I(dir);
	int attempt = 0;
	while (unlikely(hi->read.fd < 0)) {
		struct dentry *d = hostfs_alias(dir);
		int error;
		if (!d)
			return -ENOENT;
		error = open_topmost(d);
		dentry_put(d);
		if (error == -ESTALE && try_again(dir, &attempt))
			continue;
		if (error)
			return error;
	}
	*ret_handle = handle_use(&hi->read);
	return 0;
}

static int open_file(struct inode *inode, int flags)
{
	struct dentry *d = hostfs_alias(inode);
	struct hostfs_handle *parent;
	struct inode *dir;
	int fd;

	if (!d)
		return -ESTALE;
	dir = inode_get(d->parent->inode);
	fd = hostfs_dir_get(dir, &parent);
	if (fd == 0) {
		fd = d->parent->inode == dir ? open_dentry(d, flags | O_NONBLOCK | O_NOCTTY) : -ESTALE;
		hostfs_handle_put(parent);
	}
	inode_put(dir);
	dentry_put(d);
	return fd;
}

int hostfs_file_get(struct inode *inode, bool write, struct hostfs_handle **ret_handle)
{
	struct hostfs_inode *hi = HOSTFS_I(inode);
	struct hostfs_handle *h = &hi->write;
	int fd, attempt = 0, flags = write ? O_RDWR : O_RDONLY;

	if (h->fd < 0 && !write)
		h = &hi->read;
	if (likely(h->fd >= 0)) {
		*ret_handle = handle_use(h);
		return 0;
	}
	do {
		fd = open_file(inode, flags);
		if (fd == -EACCES && !hostfs_force_access(inode))
			fd = open_file(inode, flags);
	} while (fd == -ESTALE && try_again(inode, &attempt));
	if (fd < 0)
		return fd;
	if (h->fd >= 0)
		host_close(fd);
	else
		hostfs_handle_set(h, fd);
	*ret_handle = handle_use(h);
	return 0;
}
