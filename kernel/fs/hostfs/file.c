/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contents of host files. A read goes straight into the caller's buffers, in one host call, as long as the host has the
 * data in memory; what it must fetch from disk is read by an async I/O thread into a buffer of the kernel's while the
 * task sleeps and its cpu does something else. The same thread makes writes that are to reach the disk (O_SYNC, O_DSYNC), and fsync.
 * Faults of mapped files are the host's: they do hold the cpu while the disk works.
 */
#include "kernel/fs/hostfs/hostfs.h"
#include "kernel/mm/mm.h"

#include <linux/fadvise.h>
#include <linux/falloc.h>
#include <linux/fs.h>

#define BOUNCE_PAGES 64UL
#define NOWAIT_WRITE_SIZE 65536 /* from here on it is worth asking whether the write would wait */
#define SMALL_READ 2048UL
#define UNLOCKED_SIZE 16384 /* copying less than this is not worth giving up the kernel lock */

static inline struct hostfs_handle *handle_of(const struct file *f) { return f->private; }

/* The iterator as an array for the host: starts at vectors[0], ends where `count` ends. Returns the number of entries. */
static unsigned iter_vectors(struct io_iter *it)
{
	size_t left = it->count;
	unsigned n;
	if (it->offset) {
		it->vectors[0].base += it->offset;
		it->vectors[0].length -= it->offset;
		it->offset = 0;
	}
	for (n = 0; n < it->nr_vectors && left; n++) {
		if (it->vectors[n].length > left)
			it->vectors[n].length = left;
		left -= it->vectors[n].length;
	}
	return n;
}

struct transfer {
	int fd;
	struct io_vector vector;
	u64 offset;
	int flags;
};

static long read_on_async_thread(void *arg)
{
	struct transfer *t = arg;
	return host_preadv2(t->fd, &t->vector, 1, t->offset, 0, 0);
}

static long write_on_async_thread(void *arg)
{
	struct transfer *t = arg;
	return host_pwritev2(t->fd, &t->vector, 1, t->offset, 0, t->flags);
}

static long fsync_on_async_thread(void *arg) { return host_fsync(((struct transfer *)arg)->fd); }

static ssize_t transfer_async(struct file *f, struct transfer *t, bool write)
{
	struct async_subject subject = { write ? "write" : "read", f->inode, t->offset, t->vector.length };

	return async_host_io(write ? write_on_async_thread : read_on_async_thread, t, &subject);
}

/* One piece on an async thread, with the task asleep: in memory of the kernel's, for that thread has no other. */
static ssize_t transfer_bounced(struct file *f, struct io_iter *it, loff_t pos, bool write, int flags)
{
	size_t n = min(it->count, BOUNCE_PAGES * PAGE_SIZE), pages = (n + PAGE_SIZE - 1) / PAGE_SIZE;
	struct transfer t = { handle_of(f)->fd, { 0, n }, (u64)pos, flags };
	void *buffer;
	ssize_t done;

	if (it->kernel) {
		t.vector = (struct io_vector){ it->vectors[0].base + it->offset, it->vectors[0].length - it->offset };
		done = transfer_async(f, &t, write);
		if (done > 0)
			io_iter_advance(it, (size_t)done);
		return done;
	}
	buffer = heap_pages_alloc(pages);
	if (!buffer)
		return -ENOMEM;
	t.vector.base = (u64)buffer;
	if (write)
		t.vector.length = copy_from_iter(it, buffer, n);
	done = t.vector.length ? transfer_async(f, &t, write) : -EFAULT;
	if (done > 0 && !write) {
		size_t copied = copy_to_iter(it, buffer, (size_t)done);
		if (copied < (size_t)done)
			done = copied ? (ssize_t)copied : -EFAULT;
	}
	heap_pages_free(buffer, pages);
	return done;
}

static ssize_t read_direct(struct file *f, struct io_iter *to, loff_t pos)
{
	unsigned nr = iter_vectors(to);
	bool unlock = to->count >= UNLOCKED_SIZE;
	ssize_t n;

	if (unlock)
		kernel_unlock();
	n = host_preadv2(handle_of(f)->fd, to->vectors, nr, (u64)pos, 0, RWF_NOWAIT);
	if (unlock)
		kernel_lock();
	if (n > 0)
		io_iter_advance(to, (size_t)n);
	return n;
}

static ssize_t hostfs_read(struct file *f, struct io_iter *to, loff_t *pos)
{
	struct inode *inode = f->inode;
	struct hostfs_super *hs = HOSTFS_SB(inode->sb);
	ssize_t done = 0, n = 0;
	bool known_size = !hs->shared && inode->size > 0;

	while (to->count) {
		if (known_size && *pos >= inode->size)
			break;
		n = -EAGAIN;
		if (known_size && to->count < SMALL_READ && !hs->no_nowait)
			n = hostfs_read_small(f, to, *pos);
		/* Where the host cannot say whether a read would wait, each is taken for one that does. */
		if (n == -EAGAIN && !hs->no_nowait)
			n = read_direct(f, to, *pos);
		if (n == -EOPNOTSUPP) {
			hs->no_nowait = true;
			n = -EAGAIN;
		}
		if (n == -EAGAIN && !to->nowait)
			n = transfer_bounced(f, to, *pos, false, 0);
		if (n <= 0)
			break;
		done += n;
		*pos += n;
	}
	if (done) {
		file_accessed(f);
		return done;
	}
	if (n == -EAGAIN && hs->no_nowait)
		return -EOPNOTSUPP;
	return n < 0 ? n : 0;
}

/*
 * A write to the host's memory is done here: it waits for the disk only when far too much of that is dirty. One that is to
 * reach the disk, and one that a kernel task makes (asynchronous I/O), is for an async thread.
 */
static ssize_t write_some(struct file *f, struct io_iter *from, loff_t pos, int flags)
{
	struct hostfs_super *hs = HOSTFS_SB(f->inode->sb);
	unsigned nr;
	ssize_t n;

	if (from->background || flags & (RWF_SYNC | RWF_DSYNC))
		return transfer_bounced(f, from, pos, true, flags);
	nr = iter_vectors(from);
	if (from->count >= NOWAIT_WRITE_SIZE && !hs->no_nowait_write) {
		kernel_unlock();
		n = host_pwritev2(handle_of(f)->fd, from->vectors, nr, (u64)pos, 0, flags | RWF_NOWAIT);
		kernel_lock();
		if (n == -EOPNOTSUPP)
			hs->no_nowait_write = true;
		else if (n == -EAGAIN)
			return transfer_bounced(f, from, pos, true, flags);
		else
			goto done;
	}
	kernel_unlock();
	n = host_pwritev2(handle_of(f)->fd, from->vectors, nr, (u64)pos, 0, flags);
	kernel_lock();
done:
	if (n > 0)
		io_iter_advance(from, (size_t)n);
	return n;
}

static ssize_t hostfs_write(struct file *f, struct io_iter *from, loff_t *pos)
{
	struct inode *inode = f->inode;
	struct hostfs_super *hs = HOSTFS_SB(inode->sb);
	ssize_t n, done = 0;
	int flags = 0;

	if (!from->count)
		return 0;
	if (f->flags & O_DSYNC)
		flags |= (f->flags & O_SYNC) == O_SYNC ? RWF_SYNC : RWF_DSYNC;
	mutex_lock(&inode->lock);
	if (f->flags & O_APPEND) {
		if (hs->shared) {
			hostfs_refresh(inode);
			flags |= RWF_APPEND;
		}
		*pos = inode->size;
	}
	do {
		n = write_some(f, from, *pos + done, flags);
		if (n > 0)
			done += n;
	} while (n > 0 && from->count);
	if (done)
		n = done;
	if (n > 0) {
		*pos += n;
		if (*pos > inode->size)
			inode->size = *pos;
		inode->version++;
		HOSTFS_I(inode)->stale = true;
		hostfs_changed(inode, ATTR_MTIME | ATTR_CTIME);
		hostfs_keep_privs(inode);
	}
	mutex_unlock(&inode->lock);
	return n;
}

static int hostfs_open(struct inode *inode, struct file *f)
{
	struct hostfs_handle *h;
	int error = hostfs_file_get(inode, f->writable, &h);
	if (error)
		return error;
	f->private = h;
	return 0;
}

static void hostfs_release(struct file *f) { hostfs_handle_put(handle_of(f)); }

static loff_t seek_host(struct file *f, loff_t offset, int whence)
{
	s64 arg[4] = { offset, whence };
	long found;
	if (offset < 0 || offset >= f->inode->size)
		return -ENXIO;
	found = hostfs_monitor(MON_SEEK, f->inode, arg, NULL, 0, NULL, 0);
	if (found < 0 && found != -ENXIO)
		return generic_llseek(f, offset, whence); /* without a name: data all over */
	if (found >= 0)
		f->pos = found;
	return found;
}

static loff_t hostfs_llseek(struct file *f, loff_t offset, int whence)
{
	if (whence == SEEK_DATA || whence == SEEK_HOLE)
		return seek_host(f, offset, whence);
	if (whence == SEEK_END && HOSTFS_SB(f->inode->sb)->shared)
		hostfs_refresh(f->inode);
	return generic_llseek(f, offset, whence);
}

static int hostfs_mmap(struct file *f, struct vma *vma)
{
	vma_set_host(vma, handle_of(f)->fd);
	if (f->writable) {
		if (vma->flags & VM_SHARED)
			HOSTFS_I(f->inode)->shared_writable = true;
		HOSTFS_I(f->inode)->stale = true;
		hostfs_changed(f->inode, ATTR_MTIME | ATTR_CTIME);
	}
	return 0;
}

static int hostfs_fsync(struct file *f, bool data_only)
{
	struct transfer t = { .fd = handle_of(f)->fd };
	return (int)async_host_io(fsync_on_async_thread, &t, &(struct async_subject){ "fsync", f->inode, 0, 0 });
}

/* The host keeps the cache: it is told what is to be in it, and what is not. That is advice: it cannot fail. */
static void hostfs_fadvise(struct file *f, loff_t offset, loff_t length, int advice)
{
	s64 arg[4] = { offset, length, advice };

	if (advice == POSIX_FADV_WILLNEED || advice == POSIX_FADV_DONTNEED)
		(void)hostfs_monitor(MON_FADVISE, f->inode, arg, NULL, 0, NULL, 0);
}

static int hostfs_fallocate(struct file *f, int mode, loff_t offset, loff_t length)
{
	struct inode *inode = f->inode;
	long error;
	mutex_lock(&inode->lock);
	kernel_unlock();
	error = host_fallocate(handle_of(f)->fd, mode, (u64)offset, (u64)length);
	kernel_lock();
	HOSTFS_I(inode)->stale = true;
	inode->version++;
	hostfs_changed(inode, ATTR_MTIME | ATTR_CTIME);
	if (!error)
		hostfs_refresh(inode); /* the size may be another */
	mutex_unlock(&inode->lock);
	return (int)error;
}

const struct file_operations hostfs_file_fops = {
	.name = "hostfs",
	.disk = true,
	.read = hostfs_read,
	.write = hostfs_write,
	.open = hostfs_open,
	.release = hostfs_release,
	.llseek = hostfs_llseek,
	.mmap = hostfs_mmap,
	.fsync = hostfs_fsync,
	.fallocate = hostfs_fallocate,
	.fadvise = hostfs_fadvise,
};
