/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open files: making, reading, writing, ending them; and files without a name in the tree (pipes, sockets, eventfd).
 */
#include "kernel/mm/alloc.h"
#include "kernel/task/signal.h"
#include "kernel/vfs/internal.h"

#include <linux/fs.h>
#include <linux/inotify.h>

/* Open files of the whole container at most, as /proc/sys/fs/file-max; beyond: ENFILE. */
#define FILES_MAX 1048576
unsigned files_in_use;

static struct file *file_alloc(unsigned flags)
{
	static u64 last_serial;
	struct file *f;
	unsigned access = flags & O_ACCMODE;
	if (files_in_use >= FILES_MAX)
		return ERR_PTR(-ENFILE);
	f = kzalloc(sizeof(*f));
	if (!f)
		return ERR_PTR(-ENOMEM);
	files_in_use++;
	f->serial = ++last_serial;
	refcount_set(&f->count, 1);
	f->flags = flags & ~(unsigned)(O_CLOEXEC | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC);
	if (!(flags & O_PATH)) {
		f->readable = access == O_RDONLY || access == O_RDWR;
		f->writable = access == O_WRONLY || access == O_RDWR;
	}
	list_init(&f->epoll_items);
	mutex_init(&f->pos_lock);
	f->cred = cred_get(current->cred);
	return f;
}

static void file_free(struct file *f)
{
	cred_put(f->cred);
	kfree(f);
	files_in_use--;
}

static inline void notify(struct file *f, unsigned mask)
{
	struct inode *parent = f->path.dentry->parent->inode;
	if (unlikely(f->inode->marks || (parent && parent->marks)))
		fsnotify_dentry(f->path.dentry, mask);
}

void file_put(struct file *f)
{
	struct inode *inode;
	struct path path;
	if (!f || !refcount_dec_and_test(&f->count))
		return;
	inode = f->inode;
	path = f->path;
	if (!(f->flags & O_PATH)) {
		f->count.count = 1; /* the hooks may look at it as at any other file */
		notify(f, f->writable ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
		if (!list_empty(&f->epoll_items))
			epoll_file_released(f);
		if (f->sigio)
			sigio_stop(f);
		if (inode->locks)
			locks_remove_file(f);
		if (unlikely(leases_in_use))
			lease_remove_file(f);
		if (f->ops->release)
			f->ops->release(f);
		if (f->counts_writer)
			inode->writers--;
		if (f->denies_writers)
			inode->writers++;
	}
	path_put(&path);
	file_free(f);
}

static const struct file_operations path_only_fops = { .name = "path" };
static const struct file_operations no_fops = { .name = "none" };

/* What a file of this inode starts with; ERR_PTR(-ENXIO) if there is nothing behind it. */
static const struct file_operations *first_operations(const struct inode *inode)
{
	const struct file_operations *ops;
	switch (inode->mode & S_IFMT) {
	case S_IFCHR:
		ops = chrdev_find(inode->rdev);
		return ops ? ops : ERR_PTR(-ENXIO);
	case S_IFBLK:
	case S_IFSOCK:
		return ERR_PTR(-ENXIO);
	case S_IFIFO:
		return &fifo_fops;
	default:
		return inode->fops ? inode->fops : &no_fops;
	}
}

struct file *file_open_path(const struct path *path, unsigned flags)
{
	struct inode *inode = path->dentry->inode;
	struct file *f;
	int error = 0;

	if (!inode)
		return ERR_PTR(-ENOENT);
	f = file_alloc(flags);
	if (IS_ERR(f))
		return f;
	f->inode = inode;
	f->path = *path;
	if (flags & O_PATH) {
		path_get(path);
		f->ops = &path_only_fops;
		return f;
	}
	f->ops = first_operations(inode);
	if (IS_ERR(f->ops)) {
		error = (int)PTR_ERR(f->ops);
		file_free(f);
		return ERR_PTR(error);
	}
	f->counts_writer = f->writable && S_ISTYPE(inode->mode, S_IFREG);
	if (f->counts_writer && inode->writers < 0) {
		file_free(f);
		return ERR_PTR(-ETXTBSY);
	}
	if (f->counts_writer)
		inode->writers++;
	path_get(path);
	/* Terminals want to know; F_GETFL does not show it. */
	f->flags |= flags & O_NOCTTY;
	if (f->ops->open)
		error = f->ops->open(inode, f);
	f->flags &= ~(unsigned)O_NOCTTY;
	if (error) {
		if (f->counts_writer)
			inode->writers--;
		path_put(path);
		file_free(f);
		return ERR_PTR(error);
	}
	return f;
}

int file_deny_writers(struct file *f)
{
	if (f->inode->writers > 0)
		return -ETXTBSY;
	if (!f->denies_writers)
		f->inode->writers--;
	f->denies_writers = true;
	return 0;
}

/* --- reading and writing --- */

ssize_t file_read(struct file *f, struct io_iter *to, loff_t *pos)
{
	ssize_t n;
	if (unlikely(!f->readable))
		return -EBADF;
	if (unlikely(!f->ops->read))
		return S_ISTYPE(f->inode->mode, S_IFDIR) ? -EISDIR : -EINVAL;
	if (unlikely(*pos < 0))
		return -EINVAL;
	if (unlikely((u64)*pos + to->count > INT64_MAX))
		return -EOVERFLOW;
	n = f->ops->read(f, to, pos);
	if (n > 0) {
		current->rchar += (u64)n;
		notify(f, IN_ACCESS);
	}
	current->syscr++;
	return n;
}

/* RLIMIT_FSIZE: a write that starts at or beyond the limit is refused with a signal, another is cut. */
static int check_file_size_limit(struct file *f, struct io_iter *from, loff_t pos)
{
	u64 limit = rlimit(RLIMIT_FSIZE);
	if (likely(limit == RLIM64_INFINITY))
		return 0;
	if (f->flags & O_APPEND)
		pos = f->inode->size;
	if ((u64)pos >= limit) {
		if (!from->count)
			return 0;
		send_signal_thread(SIGXFSZ, SEND_SIG_KERNEL, current);
		return -EFBIG;
	}
	if (from->count > limit - (u64)pos)
		from->count = limit - (u64)pos;
	return 0;
}

int file_write_check(struct file *f, struct io_iter *from, const loff_t *pos)
{
	int error = 0;

	if (unlikely(!f->writable))
		return -EBADF;
	if (unlikely(!f->ops->write))
		return -EINVAL;
	if (unlikely(*pos < 0))
		return -EINVAL;
	if (S_ISTYPE(f->inode->mode, S_IFREG)) {
		if (unlikely((u64)*pos + from->count > INT64_MAX))
			return *pos == INT64_MAX ? -EFBIG : -EINVAL;
		error = check_file_size_limit(f, from, *pos);
		if (!error && from->count)
			error = vfs_remove_privs(f);
	}
	return error;
}

ssize_t file_write(struct file *f, struct io_iter *from, loff_t *pos)
{
	ssize_t n;
	int error = file_write_check(f, from, pos);
	if (unlikely(error))
		return error;
	n = f->ops->write(f, from, pos);
	if (n > 0) {
		current->wchar += (u64)n;
		notify(f, IN_MODIFY);
	}
	current->syscw++;
	return n;
}

unsigned file_poll(struct file *f, struct poll_table *table)
{
	if (!f->ops->poll)
		return POLL_IN | POLL_OUT;
	return f->ops->poll(f, table);
}

ssize_t kernel_read(struct file *f, void *buffer, size_t n, loff_t pos)
{
	size_t done = 0;
	while (done < n) {
		struct io_iter to;
		ssize_t got;
		io_iter_kernel(&to, (char *)buffer + done, n - done);
		if (!f->ops->read)
			return -EINVAL;
		got = f->ops->read(f, &to, &pos);
		io_iter_release(&to);
		if (got < 0)
			return done ? (ssize_t)done : got;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

/* --- positions --- */

static loff_t set_position(struct file *file, loff_t pos)
{
	if (pos < 0)
		return -EINVAL;
	file->pos = pos;
	return pos;
}

loff_t generic_llseek(struct file *file, loff_t offset, int whence)
{
	loff_t size = file->inode->size;
	switch (whence) {
	case SEEK_SET:
		return set_position(file, offset);
	case SEEK_CUR:
		if (__builtin_add_overflow(offset, file->pos, &offset))
			return -EOVERFLOW;
		return set_position(file, offset);
	case SEEK_END:
		if (__builtin_add_overflow(offset, size, &offset))
			return -EOVERFLOW;
		return set_position(file, offset);
	case SEEK_DATA:
		if (offset < 0 || offset >= size)
			return -ENXIO;
		return set_position(file, offset);
	case SEEK_HOLE:
		if (offset < 0 || offset >= size)
			return -ENXIO;
		return set_position(file, size);
	default:
		return -EINVAL;
	}
}

loff_t noop_llseek(struct file *file, loff_t offset, int whence) { return file->pos; }

/* --- files without a name --- */

static const struct file_system_type anon_type = { .name = "anon_inodefs", .magic = 0x09041934, .kernel_only = true };
static const struct file_system_type pipe_type = { .name = "pipefs", .magic = 0x50495045, .kernel_only = true };
static const struct file_system_type sock_type = { .name = "sockfs", .magic = 0x534F434B, .kernel_only = true };
static struct mount *anon_mount, *pipe_mount, *sock_mount; /* in no namespace */
static struct inode *anon_inode;
static ino_t next_anon_ino = 1000;

static struct mount *anon_mount_get(struct mount **slot, const struct file_system_type *type)
{
	struct super_block *sb;
	struct inode *inode;
	if (*slot)
		return *slot;
	sb = super_alloc(type, NULL);
	if (!sb)
		return NULL;
	sb->flags |= SB_NAMELESS;
	inode = inode_alloc(sb, S_IFDIR | 0700);
	if (inode)
		sb->root = dentry_make_root(inode);
	if (sb->root)
		*slot = mount_alloc(sb, sb->root, 0, "none");
	super_put(sb);
	return *slot;
}

/* Takes over the reference to d. */
static struct file *anon_finish(struct dentry *d, struct mount *mount, const struct file_operations *ops, void *private,
				unsigned flags)
{
	struct file *f = file_alloc(flags);
	if (IS_ERR(f)) {
		dentry_put(d);
		return f;
	}
	f->path.dentry = d;
	f->path.mount = mount_get(mount);
	f->inode = d->inode;
	f->ops = ops;
	f->private = private;
	return f;
}

struct file *anon_file(const char *name, const struct file_operations *ops, void *private, unsigned flags)
{
	struct mount *mount = anon_mount_get(&anon_mount, &anon_type);
	struct dentry *d;
	if (!mount)
		return ERR_PTR(-ENOMEM);
	if (!anon_inode) {
		anon_inode = inode_alloc(mount->sb, 0600);
		if (!anon_inode)
			return ERR_PTR(-ENOMEM);
		anon_inode->ino = next_anon_ino++;
	}
	d = dentry_alloc(mount->root, name, strlen(name));
	if (!d)
		return ERR_PTR(-ENOMEM);
	if (!d->inode)
		dentry_bind(d, inode_get(anon_inode));
	return anon_finish(d, mount, ops, private, flags);
}

struct file *anon_inode_file(const char *class_name, mode_t mode, const struct file_operations *ops, void *private,
			     unsigned flags)
{
	struct mount *mount;
	struct inode *inode;
	struct dentry *d;

	if (S_ISTYPE(mode, S_IFIFO))
		mount = anon_mount_get(&pipe_mount, &pipe_type);
	else if (S_ISTYPE(mode, S_IFSOCK))
		mount = anon_mount_get(&sock_mount, &sock_type);
	else
		mount = anon_mount_get(&anon_mount, &anon_type);
	if (!mount)
		return ERR_PTR(-ENOMEM);
	inode = inode_alloc(mount->sb, mode);
	if (!inode)
		return ERR_PTR(-ENOMEM);
	inode->ino = next_anon_ino++;
	inode->uid = current->cred->fsuid;
	inode->gid = current->cred->fsgid;
	inode->fops = ops;
	d = dentry_new(mount->root, class_name, strlen(class_name));
	if (!d) {
		inode_put(inode);
		return ERR_PTR(-ENOMEM);
	}
	dentry_bind(d, inode);
	return anon_finish(d, mount, ops, private, flags);
}

struct file *anon_file_peer(struct file *first, const struct file_operations *ops, void *private, unsigned flags)
{
	return anon_finish(dentry_get(first->path.dentry), first->path.mount, ops, private, flags);
}
