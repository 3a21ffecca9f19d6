/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptor tables, and the current directory and root of a process. */
#include "kernel/mm/alloc.h"
#include "kernel/vfs/internal.h"
#include "lib/bitmap.h"

#define FIRST_CAPACITY 64
#define CAPACITY_MAX (1U << 20) /* what RLIMIT_NOFILE can be raised to at most, as fs.nr_open */

static bool allocate_arrays(struct files_struct *files, unsigned capacity)
{
	files->files = kcalloc(capacity, sizeof(*files->files));
	files->open = kcalloc(BITMAP_WORDS(capacity), 8);
	files->close_on_exec = kcalloc(BITMAP_WORDS(capacity), 8);
	files->capacity = capacity;
	if (files->files && files->open && files->close_on_exec)
		return true;
	kfree(files->files);
	kfree(files->open);
	kfree(files->close_on_exec);
	return false;
}

struct files_struct *files_alloc(void)
{
	struct files_struct *files = kzalloc(sizeof(*files));
	if (!files)
		return NULL;
	refcount_set(&files->count, 1);
	if (!allocate_arrays(files, FIRST_CAPACITY)) {
		kfree(files);
		return NULL;
	}
	return files;
}

static int files_grow(struct files_struct *files, unsigned needed)
{
	struct files_struct old = *files;
	unsigned capacity = old.capacity;
	while (capacity < needed)
		capacity *= 2;
	if (!allocate_arrays(files, capacity)) {
		*files = old;
		return -ENOMEM;
	}
	memcpy(files->files, old.files, old.capacity * sizeof(*old.files));
	memcpy(files->open, old.open, BITMAP_WORDS(old.capacity) * 8);
	memcpy(files->close_on_exec, old.close_on_exec, BITMAP_WORDS(old.capacity) * 8);
	kfree(old.files);
	kfree(old.open);
	kfree(old.close_on_exec);
	return 0;
}

/* Reserved descriptors without a file yet belong to calls under way: the copy does not get them. */
struct files_struct *files_copy(const struct files_struct *from)
{
	struct files_struct *files = kzalloc(sizeof(*files));
	unsigned capacity = FIRST_CAPACITY, fd;
	if (!files)
		return ERR_PTR(-ENOMEM);
	for (fd = from->capacity; fd > FIRST_CAPACITY && !from->open[fd / 64 - 1]; fd -= 64)
		;
	while (capacity < fd)
		capacity *= 2;
	refcount_set(&files->count, 1);
	if (!allocate_arrays(files, capacity)) {
		kfree(files);
		return ERR_PTR(-ENOMEM);
	}
	for (fd = bitmap_next_set(from->open, from->capacity, 0); fd < from->capacity;
	     fd = bitmap_next_set(from->open, from->capacity, fd + 1)) {
		if (!from->files[fd])
			continue;
		files->files[fd] = file_get(from->files[fd]);
		bitmap_set(files->open, fd);
		if (bitmap_test(from->close_on_exec, fd))
			bitmap_set(files->close_on_exec, fd);
	}
	return files;
}

void files_put(struct files_struct *files)
{
	if (!files || !refcount_dec_and_test(&files->count))
		return;
	files->count.count = 1; /* closing sleeps; the table is nobody else's any more */
	for (unsigned fd = bitmap_next_set(files->open, files->capacity, 0); fd < files->capacity;
	     fd = bitmap_next_set(files->open, files->capacity, fd + 1))
		fd_close_file(files, fd);
	kfree(files->files);
	kfree(files->open);
	kfree(files->close_on_exec);
	kfree(files);
}

bool fd_closes_on_exec(const struct files_struct *files, unsigned fd)
{
	return fd < files->capacity && bitmap_test(files->close_on_exec, fd);
}

void files_close_on_exec(struct files_struct *files)
{
	for (unsigned fd = bitmap_next_set(files->close_on_exec, files->capacity, 0); fd < files->capacity;
	     fd = bitmap_next_set(files->close_on_exec, files->capacity, fd + 1)) {
		if (bitmap_test(files->open, fd))
			fd_close_file(files, fd);
	}
}

static inline struct file *lookup(const struct files_struct *files, unsigned fd)
{
	return files && fd < files->capacity ? files->files[fd] : NULL;
}

struct file *fget(unsigned fd)
{
	struct file *f = lookup(current->files, fd);
	return f && !(f->flags & O_PATH) ? file_get(f) : NULL;
}

struct file *fget_any(unsigned fd)
{
	struct file *f = lookup(current->files, fd);
	return f ? file_get(f) : NULL;
}

struct file *fget_task(struct task_struct *task, unsigned fd)
{
	struct file *f = lookup(task->files, fd);
	return f ? file_get(f) : NULL;
}

int fd_reserve(unsigned from, bool close_on_exec)
{
	struct files_struct *files = current->files;
	u64 limit = rlimit(RLIMIT_NOFILE);
	unsigned fd;

	if (limit > CAPACITY_MAX)
		limit = CAPACITY_MAX;
	fd = (unsigned)bitmap_next_zero(files->open, files->capacity, max(from, files->next_free));
	if (fd < from)
		fd = from;
	if (fd >= limit)
		return -EMFILE;
	if (fd >= files->capacity) {
		int error = files_grow(files, fd + 1);
		if (error)
			return error;
	}
	bitmap_set(files->open, fd);
	if (close_on_exec)
		bitmap_set(files->close_on_exec, fd);
	else
		bitmap_clear(files->close_on_exec, fd);
	if (from <= files->next_free)
		files->next_free = fd + 1;
	return (int)fd;
}

static void mark_free(struct files_struct *files, unsigned fd)
{
	bitmap_clear(files->open, fd);
	bitmap_clear(files->close_on_exec, fd);
	if (fd < files->next_free)
		files->next_free = fd;
}

void fd_release(unsigned fd)
{
	struct files_struct *files = current->files;
	debug_assert(fd < files->capacity && !files->files[fd]);
	mark_free(files, fd);
}

void fd_install(unsigned fd, struct file *f)
{
	struct files_struct *files = current->files;
	debug_assert(fd < files->capacity && !files->files[fd] && bitmap_test(files->open, fd));
	files->files[fd] = f;
}

int fd_install_new(struct file *f, bool close_on_exec)
{
	int fd = fd_reserve(0, close_on_exec);
	if (fd < 0)
		file_put(f);
	else
		fd_install((unsigned)fd, f);
	return fd;
}

/* What close(2) owes a file when one of its descriptors goes; drops the descriptor's reference. */
static int file_closed(struct files_struct *files, struct file *f)
{
	int error = 0;
	if (!(f->flags & O_PATH)) {
		if (f->ops->flush)
			error = f->ops->flush(f);
		if (f->inode->locks)
			locks_remove_posix(f, files);
		if (f->inode->marks)
			dnotify_file_closed(f, files);
	}
	file_put(f);
	return error;
}

int fd_close_file(struct files_struct *files, unsigned fd)
{
	struct file *f = lookup(files, fd);
	if (!f)
		return -EBADF;
	files->files[fd] = NULL;
	mark_free(files, fd);
	return file_closed(files, f);
}

/* dup2(2): `fd` becomes f, whatever it was; takes over the reference. */
int fd_replace(unsigned fd, struct file *f, bool close_on_exec)
{
	struct files_struct *files = current->files;
	struct file *old;
	if (fd >= rlimit(RLIMIT_NOFILE) || fd >= CAPACITY_MAX) {
		file_put(f);
		return -EBADF;
	}
	if (fd >= files->capacity) {
		int error = files_grow(files, fd + 1);
		if (error) {
			file_put(f);
			return error;
		}
	}
	if (!files->files[fd] && bitmap_test(files->open, fd)) {
		file_put(f);
		return -EBUSY; /* an open in another thread has reserved it */
	}
	/* The old file goes last: closing may sleep, and nobody may see the descriptor free meanwhile. */
	old = files->files[fd];
	files->files[fd] = f;
	bitmap_set(files->open, fd);
	if (close_on_exec)
		bitmap_set(files->close_on_exec, fd);
	else
		bitmap_clear(files->close_on_exec, fd);
	if (old)
		file_closed(files, old);
	return (int)fd;
}

int fd_close(unsigned fd) { return fd_close_file(current->files, fd); }

/* --- current directory, root, umask --- */

struct fs_struct init_fs;

struct fs_struct *fs_copy(const struct fs_struct *from)
{
	struct fs_struct *fs = kzalloc(sizeof(*fs));
	if (!fs)
		return NULL;
	refcount_set(&fs->count, 1);
	fs->root = from->root;
	fs->pwd = from->pwd;
	fs->umask = from->umask;
	if (fs->root.dentry)
		path_get(&fs->root);
	if (fs->pwd.dentry)
		path_get(&fs->pwd);
	return fs;
}

void fs_put(struct fs_struct *fs)
{
	if (!fs || !refcount_dec_and_test(&fs->count))
		return;
	if (fs->root.dentry)
		path_put(&fs->root);
	if (fs->pwd.dentry)
		path_put(&fs->pwd);
	if (fs != &init_fs)
		kfree(fs);
}
