/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of tmpfs: reading, writing, mapping, truncation, holes, and the seals of memfds (memfd_create(2), fcntl(2)):
 *   F_SEAL_SHRINK, F_SEAL_GROW   a change of size in that direction is -EPERM
 *   F_SEAL_WRITE, F_SEAL_FUTURE_WRITE   write, hole punching and shared writable mappings are -EPERM
 *   F_SEAL_EXEC                  the execute bits cannot change
 */
#include <linux/falloc.h>
#include <linux/fs.h>

#include "kernel/fs/tmpfs/tmpfs.h"
#include "kernel/mm/alloc.h"
#include "kernel/task/signal.h"
#include "kernel/task/task.h"
#include "kernel/vfs/internal.h"

#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif
#define SEALS_WRITE (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)

/* Long transfers let others run between pieces of this size. */
#define PIECE (1UL << 20)

static ssize_t tmpfs_read(struct file *file, struct io_iter *to, loff_t *pos)
{
	struct inode *inode = file->inode;
	struct tmpfs_inode *info = tmpfs_i(inode);
	ssize_t n = 0, done = 0;

	while (to->count && *pos < inode->size) {
		size_t want = min(min(to->count, (size_t)(inode->size - *pos)), PIECE);

		n = page_store_read(&info->store, (u64)*pos, to, want);
		if (n <= 0)
			break;
		*pos += n;
		done += n;
		if ((size_t)n < want)
			break;
		if (want == PIECE)
			cond_resched();
	}
	if (done)
		file_accessed(file);
	return done ? done : n;
}

static ssize_t write_piece(struct inode *inode, struct io_iter *from, loff_t *pos, size_t n)
{
	struct page_store *store = &tmpfs_i(inode)->store;
	u64 old_pages = PAGE_ALIGN(inode->size) >> PAGE_SHIFT, pages;
	ssize_t done = page_store_write(store, (u64)*pos, from, n);

	if (done <= 0)
		return done;
	*pos += done;
	inode_touch(inode, ATTR_MTIME | ATTR_CTIME);
	if (*pos <= inode->size)
		return done;
	inode->size = *pos;
	store->size = (u64)*pos;
	pages = PAGE_ALIGN(*pos) >> PAGE_SHIFT;
	if (store->maps && pages != old_pages)
		unmap_object_range(&store->object, old_pages, pages - old_pages);
	return done;
}

static ssize_t tmpfs_write(struct file *file, struct io_iter *from, loff_t *pos)
{
	struct inode *inode = file->inode;
	struct tmpfs_inode *info = tmpfs_i(inode);
	size_t left = from->count;
	ssize_t n = 0, done = 0;

	if (file->flags & O_APPEND)
		*pos = inode->size;
	if (!left)
		return 0;
	if (info->seals & SEALS_WRITE)
		return -EPERM;
	if (info->seals & F_SEAL_GROW && *pos + (loff_t)left > inode->size) {
		/* What ends before the page of the end can be written, the rest cannot, not even in part. */
		loff_t last = inode->size & (loff_t)PAGE_MASK;

		if (*pos >= last)
			return -EPERM;
		left = (size_t)(last - *pos);
	}
	while (left) {
		/* An append is one piece: nobody else's may come in between. */
		size_t want = file->flags & O_APPEND ? left : min(left, PIECE);

		n = write_piece(inode, from, pos, want);
		if (n <= 0)
			break;
		done += n;
		left -= (size_t)n;
		if ((size_t)n < want)
			break;
		if (!left)
			break;
		cond_resched();
		if (info->seals & (SEALS_WRITE | F_SEAL_GROW)) /* sealed meanwhile */
			break;
	}
	return done ? done : n;
}

static loff_t tmpfs_llseek(struct file *file, loff_t offset, int whence)
{
	struct inode *inode = file->inode;
	u64 index;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_llseek(file, offset, whence);
	if (offset < 0 || offset >= inode->size)
		return -ENXIO;
	index = page_store_next(&tmpfs_i(inode)->store, (u64)offset >> PAGE_SHIFT, whence == SEEK_DATA);
	if (index != (u64)offset >> PAGE_SHIFT)
		offset = index > (u64)inode->size >> PAGE_SHIFT ? inode->size : (loff_t)(index << PAGE_SHIFT);
	if (offset >= inode->size) {
		if (whence == SEEK_DATA)
			return -ENXIO;
		offset = inode->size;
	}
	file->pos = offset;
	return offset;
}

static int tmpfs_mmap(struct file *file, struct vma *vma)
{
	struct tmpfs_inode *info = tmpfs_i(file->inode);

	if (vma->flags & VM_SHARED && info->seals & SEALS_WRITE) {
		if (vma->prot & PROT_WRITE)
			return -EPERM;
		vma->max_prot &= ~(unsigned)PROT_WRITE;
	}
	vma_set_object(vma, &info->store.object);
	return 0;
}

static int resize(struct inode *inode, loff_t size)
{
	struct tmpfs_inode *info = tmpfs_i(inode);

	if (size < inode->size && info->seals & F_SEAL_SHRINK)
		return -EPERM;
	if (size > inode->size && info->seals & F_SEAL_GROW)
		return -EPERM;
	inode->size = size;
	inode_touch(inode, ATTR_MTIME | ATTR_CTIME);
	page_store_truncate(&info->store, (u64)size);
	return 0;
}

static int tmpfs_fallocate(struct file *file, int mode, loff_t offset, loff_t length)
{
	struct inode *inode = file->inode;
	struct tmpfs_inode *info = tmpfs_i(inode);
	loff_t end = offset + length;
	int error;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_PUNCH_HOLE) {
		if (info->seals & SEALS_WRITE)
			return -EPERM;
		inode_touch(inode, ATTR_MTIME | ATTR_CTIME);
		page_store_punch(&info->store, (u64)offset, (u64)end);
		return 0;
	}
	if (!(mode & FALLOC_FL_KEEP_SIZE) && end > inode->size) {
		if ((u64)end > rlimit(RLIMIT_FSIZE)) {
			send_signal_thread(SIGXFSZ, SEND_SIG_KERNEL, current);
			return -EFBIG;
		}
		if (info->seals & F_SEAL_GROW)
			return -EPERM;
	}
	error = page_store_preallocate(&info->store, (u64)offset >> PAGE_SHIFT,
				       (PAGE_ALIGN(end) >> PAGE_SHIFT) - ((u64)offset >> PAGE_SHIFT));
	if (error)
		return error;
	if (!(mode & FALLOC_FL_KEEP_SIZE) && end > inode->size)
		return resize(inode, end);
	inode_touch(inode, ATTR_CTIME);
	return 0;
}

static void tmpfs_release(struct file *file)
{
	/* What a growing file reserved ahead is given back when its writer leaves. */
	if (file->writable)
		page_store_trim(&tmpfs_i(file->inode)->store);
}

static int tmpfs_fsync(struct file *file, bool data_only) { return 0; }

int tmpfs_setattr(struct inode *inode, const struct iattr *attr)
{
	struct tmpfs_inode *info = tmpfs_i(inode);
	struct iattr rest = *attr;
	int error;

	if (attr->valid & ATTR_MODE && info->seals & F_SEAL_EXEC && (inode->mode ^ attr->mode) & 0111)
		return -EPERM;
	if (attr->valid & ATTR_SIZE) {
		if (!S_ISREG(inode->mode))
			return -EINVAL;
		if (attr->size < 0)
			return -EINVAL;
		if (attr->size < inode->size && info->seals & F_SEAL_SHRINK)
			return -EPERM;
		if (attr->size > inode->size && info->seals & F_SEAL_GROW)
			return -EPERM;
	}
	rest.valid &= ~(unsigned)ATTR_SIZE;
	if (rest.valid) {
		error = generic_setattr(inode, &rest);
		if (error)
			return error;
	}
	if (attr->valid & ATTR_SIZE)
		return resize(inode, attr->size);
	return 0;
}

int tmpfs_getattr(struct inode *inode, struct kstat *ret_stat)
{
	if (S_ISREG(inode->mode))
		inode->blocks = tmpfs_i(inode)->store.data_pages * (PAGE_SIZE / 512);
	return generic_getattr(inode, ret_stat);
}

static char *tmpfs_readlink(struct inode *inode)
{
	char *copy = kstrdup(tmpfs_i(inode)->target);

	return copy ? copy : ERR_PTR(-ENOMEM);
}

static int store_charge(struct page_store *store, s64 pages)
{
	struct tmpfs_inode *info = container_of(store, struct tmpfs_inode, store);
	struct tmpfs_super *super;

	if (!info->inode) /* the inode is gone, only maps are left: its file system may be, too */
		return 0;
	super = tmpfs_sb(info->inode->sb);
	if (pages > 0 && super->max_pages && super->used_pages + (u64)pages > super->max_pages)
		return -ENOSPC;
	super->used_pages += (u64)pages;
	return 0;
}

static void store_free(struct page_store *store) { kfree(container_of(store, struct tmpfs_inode, store)); }

const struct page_store_ops tmpfs_store_ops = { .charge = store_charge, .free = store_free };

const struct inode_operations tmpfs_file_iops = { .getattr = tmpfs_getattr, .setattr = tmpfs_setattr, TMPFS_XATTR_OPS };
const struct inode_operations tmpfs_special_iops = { .getattr = tmpfs_getattr, .setattr = tmpfs_setattr, TMPFS_XATTR_OPS };
const struct inode_operations tmpfs_link_iops = {
	.readlink = tmpfs_readlink,
	.getattr = tmpfs_getattr,
	.setattr = tmpfs_setattr,
	TMPFS_XATTR_OPS,
};

const struct file_operations tmpfs_file_fops = {
	.name = "tmpfs",
	.read = tmpfs_read,
	.write = tmpfs_write,
	.llseek = tmpfs_llseek,
	.mmap = tmpfs_mmap,
	.release = tmpfs_release,
	.fsync = tmpfs_fsync,
	.fallocate = tmpfs_fallocate,
};
