/* SPDX-License-Identifier: Apache-2.0 */
/* System calls on descriptors: reading and writing, positions, dup, close, fcntl, ioctl, fsync, getdents. */
#include "kernel/fs/memfd.h"
#include "kernel/fs/pipe/pipe.h"
#include "kernel/mm/alloc.h"
#include "kernel/vfs/event.h"
#include "kernel/vfs/internal.h"
#include "lib/bitmap.h"
#include "syscalls.gen.h"

#include <asm/fcntl.h>
#include <asm/ioctls.h>
#include <linux/close_range.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/fadvise.h>

/* --- reading and writing --- */

/* The file position is one for all who share the open file: calls that move it wait for each other. */
static inline bool lock_position(struct file *f)
{
	mode_t type = f->inode->mode & S_IFMT;
	if (type != S_IFREG && type != S_IFDIR)
		return false;
	mutex_lock(&f->pos_lock);
	return true;
}

static ssize_t transfer(struct file *f, struct io_iter *it, bool write)
{
	bool locked = lock_position(f);
	ssize_t n = write ? file_write(f, it, &f->pos) : file_read(f, it, &f->pos);
	if (locked)
		mutex_unlock(&f->pos_lock);
	return n;
}

static long read_write(int fd, user_ptr buf, size_t count, bool write)
{
	struct file *f = fget((unsigned)fd);
	struct io_iter it;
	ssize_t n;
	if (!f)
		return -EBADF;
	n = -EBADF;
	if (write ? f->writable : f->readable) {
		n = io_iter_user(&it, buf, count);
		if (!n) {
			n = transfer(f, &it, write);
			io_iter_release(&it);
		}
	}
	file_put(f);
	return n;
}

long sys_read(int fd, user_ptr buf, size_t count) { return read_write(fd, buf, count, false); }
long sys_write(int fd, user_ptr buf, size_t count) { return read_write(fd, buf, count, true); }

static ssize_t transfer_at(struct file *f, struct io_iter *it, loff_t pos, bool write)
{
	if (!f->ops->llseek)
		return -ESPIPE;
	return write ? file_write(f, it, &pos) : file_read(f, it, &pos);
}

static long read_write_at(int fd, user_ptr buf, size_t count, s64 pos, bool write)
{
	struct io_iter it;
	struct file *f;
	ssize_t n;
	if (pos < 0)
		return -EINVAL;
	f = fget((unsigned)fd);
	if (!f)
		return -EBADF;
	n = io_iter_user(&it, buf, count);
	if (!n) {
		n = transfer_at(f, &it, pos, write);
		io_iter_release(&it);
	}
	file_put(f);
	return n;
}

long sys_pread64(int fd, user_ptr buf, size_t count, s64 pos) { return read_write_at(fd, buf, count, pos, false); }
long sys_pwrite64(int fd, user_ptr buf, size_t count, s64 pos) { return read_write_at(fd, buf, count, pos, true); }

static long read_write_vector(int fd, user_ptr iov, u64 nr, bool write)
{
	struct file *f = fget((unsigned)fd);
	struct io_iter it;
	ssize_t n;
	if (!f)
		return -EBADF;
	n = io_iter_user_vector(&it, iov, nr);
	if (!n) {
		n = transfer(f, &it, write);
		io_iter_release(&it);
	}
	file_put(f);
	return n;
}

long sys_readv(int fd, user_ptr iov, u64 nr) { return read_write_vector(fd, iov, nr, false); }
long sys_writev(int fd, user_ptr iov, u64 nr) { return read_write_vector(fd, iov, nr, true); }

static int sync_after(struct file *f, int flags)
{
	if (!(flags & (RWF_DSYNC | RWF_SYNC)) || !f->ops->fsync)
		return 0;
	return f->ops->fsync(f, !(flags & RWF_SYNC));
}

static long vector_at(int fd, user_ptr iov, u64 nr, s64 pos, int flags, bool write, bool may_use_position)
{
	struct io_iter it;
	struct file *f;
	ssize_t n;

	if (flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND))
		return -EOPNOTSUPP;
	if (pos < 0 && !(may_use_position && pos == -1))
		return -EINVAL;
	f = fget((unsigned)fd);
	if (!f)
		return -EBADF;
	if (((flags & RWF_NOWAIT) && (write || !f->ops->disk)) || (!write && (flags & RWF_APPEND))) {
		file_put(f);
		return -EOPNOTSUPP;
	}
	n = io_iter_user_vector(&it, iov, nr);
	if (!n) {
		it.nowait = flags & RWF_NOWAIT;
		if ((flags & RWF_APPEND) && S_ISTYPE(f->inode->mode, S_IFREG) && pos >= 0)
			pos = f->inode->size;
		n = pos < 0 ? transfer(f, &it, write) : transfer_at(f, &it, pos, write);
		io_iter_release(&it);
		if (n > 0 && write) {
			int error = sync_after(f, flags);
			if (error)
				n = error;
		}
	}
	file_put(f);
	return n;
}

/* On 64-bit machines the whole position stands in the lower word. */
long sys_preadv(int fd, user_ptr iov, u64 nr, u64 low, u64 high) { return vector_at(fd, iov, nr, (s64)low, 0, false, false); }
long sys_pwritev(int fd, user_ptr iov, u64 nr, u64 low, u64 high) { return vector_at(fd, iov, nr, (s64)low, 0, true, false); }

long sys_preadv2(int fd, user_ptr iov, u64 nr, u64 low, u64 high, int flags)
{
	return vector_at(fd, iov, nr, (s64)low, flags, false, true);
}

long sys_pwritev2(int fd, user_ptr iov, u64 nr, u64 low, u64 high, int flags)
{
	return vector_at(fd, iov, nr, (s64)low, flags, true, true);
}

long sys_lseek(int fd, s64 offset, unsigned whence)
{
	struct file *f = fget((unsigned)fd);
	loff_t pos = -ESPIPE;
	if (!f)
		return -EBADF;
	if (whence > SEEK_MAX) {
		pos = -EINVAL;
	} else if (f->ops->llseek) {
		bool locked = lock_position(f);
		pos = f->ops->llseek(f, offset, (int)whence);
		if (locked)
			mutex_unlock(&f->pos_lock);
	}
	file_put(f);
	return pos;
}

/* --- descriptors --- */

long sys_close(int fd)
{
	long error = fd_close((unsigned)fd);
	/* The descriptor is gone: the call must not be made again. */
	if (error == -ERESTARTSYS || error == -ERESTARTNOINTR || error == -ERESTARTNOHAND)
		return -EINTR;
	return error;
}

long sys_close_range(unsigned first, unsigned last, unsigned flags)
{
	struct files_struct *files = current->files;
	if ((flags & ~(unsigned)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) || first > last)
		return -EINVAL;
	if ((flags & CLOSE_RANGE_UNSHARE) && refcount_read(&files->count) > 1) {
		struct files_struct *own = files_copy(files);
		if (IS_ERR(own))
			return PTR_ERR(own);
		current->files = own;
		files_put(files);
		files = own;
	}
	for (u64 fd = bitmap_next_set(files->open, files->capacity, min(first, files->capacity));
	     fd < files->capacity && fd <= last; fd = bitmap_next_set(files->open, files->capacity, fd + 1)) {
		if (!files->files[fd])
			continue;
		if (flags & CLOSE_RANGE_CLOEXEC)
			bitmap_set(files->close_on_exec, fd);
		else
			fd_close_file(files, (unsigned)fd);
	}
	return 0;
}

static long duplicate(struct file *f, unsigned from, bool close_on_exec)
{
	int fd = fd_reserve(from, close_on_exec);
	if (fd < 0)
		file_put(f);
	else
		fd_install((unsigned)fd, f);
	return fd;
}

long sys_dup(int fd)
{
	struct file *f = fget_any((unsigned)fd);
	return f ? duplicate(f, 0, false) : -EBADF;
}

long sys_dup2(int fd, int newfd)
{
	struct file *f = fget_any((unsigned)fd);
	if (!f)
		return -EBADF;
	if (fd == newfd) {
		file_put(f);
		return newfd;
	}
	return fd_replace((unsigned)newfd, f, false);
}

long sys_dup3(int fd, int newfd, int flags)
{
	struct file *f;
	if ((flags & ~O_CLOEXEC) || fd == newfd)
		return -EINVAL;
	if ((unsigned)newfd >= rlimit(RLIMIT_NOFILE))
		return -EBADF;
	f = fget_any((unsigned)fd);
	return f ? fd_replace((unsigned)newfd, f, flags & O_CLOEXEC) : -EBADF;
}

/* --- fcntl --- */

#define SETTABLE (O_APPEND | O_NONBLOCK | FASYNC | O_DIRECT | O_NOATIME)

static long set_flags(unsigned fd, struct file *f, u64 arg)
{
	unsigned flags = (f->flags & ~(unsigned)SETTABLE) | ((unsigned)arg & SETTABLE);
	int error;
	if ((flags & ~f->flags & O_NOATIME) && current->cred->fsuid != f->inode->uid && !capable(CAP_FOWNER))
		return -EPERM;
	if (f->ops->set_flags) {
		error = f->ops->set_flags(f, flags);
		if (error)
			return error;
	}
	if (flags & FASYNC) {
		error = sigio_start(f, (int)fd);
		if (error)
			return error;
	} else {
		sigio_stop(f);
	}
	f->flags = flags;
	return 0;
}

static long set_owner(struct file *f, int type, int id)
{
	if (id && (type == F_OWNER_PGRP ? !pid_find(id) : !task_find(id)))
		return -ESRCH;
	f->owner_type = type;
	f->owner = id;
	f->owner_uid = current->cred->uid;
	f->owner_euid = current->cred->euid;
	return 0;
}

static long owner_call(struct file *f, unsigned cmd, u64 arg)
{
	struct f_owner_ex owner;
	int id = (int)arg;
	switch (cmd) {
	case F_SETOWN:
		if (id == INT32_MIN)
			return -EINVAL;
		return id < 0 ? set_owner(f, F_OWNER_PGRP, -id) : set_owner(f, F_OWNER_PID, id);
	case F_GETOWN:
		return f->owner_type == F_OWNER_PGRP ? -f->owner : f->owner;
	case F_SETOWN_EX:
		if (get_user_object(&owner, user_ptr_at(arg)))
			return -EFAULT;
		if (owner.type < F_OWNER_TID || owner.type > F_OWNER_PGRP)
			return -EINVAL;
		return set_owner(f, owner.type, owner.pid);
	default:
		owner = (struct f_owner_ex){ f->owner_type, f->owner };
		return put_user_object(user_ptr_at(arg), &owner);
	}
}

static long fcntl_file(unsigned fd, struct file *f, unsigned cmd, u64 arg)
{
	switch (cmd) {
	case F_SETFL:
		return set_flags(fd, f, arg);
	case F_SETOWN:
	case F_GETOWN:
	case F_SETOWN_EX:
	case F_GETOWN_EX:
		return owner_call(f, cmd, arg);
	case F_SETSIG:
		if (arg > NSIG_LINUX)
			return -EINVAL;
		f->owner_signal = (int)arg;
		return 0;
	case F_GETSIG:
		return f->owner_signal;
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return fcntl_lock(fd, f, cmd, arg);
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ:
		return pipe_fcntl(f, cmd, arg);
	case F_ADD_SEALS:
	case F_GET_SEALS:
		return memfd_fcntl(f, cmd, arg);
	case F_NOTIFY:
		return dnotify_fcntl(fd, f, arg);
	case F_SETLEASE:
		return lease_set(fd, f, arg);
	case F_GETLEASE:
		return lease_get(f);
	default:
		return -EINVAL;
	}
}

long sys_fcntl(int fd, unsigned cmd, u64 arg)
{
	struct files_struct *files = current->files;
	struct file *f = fget_any((unsigned)fd);
	long result;

	if (!f)
		return -EBADF;
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if (arg >= rlimit(RLIMIT_NOFILE)) {
			file_put(f);
			return -EINVAL;
		}
		return duplicate(f, (unsigned)arg, cmd == F_DUPFD_CLOEXEC);
	case F_GETFD:
		result = bitmap_test(files->close_on_exec, (unsigned)fd) ? FD_CLOEXEC : 0;
		break;
	case F_SETFD:
		if (arg & FD_CLOEXEC)
			bitmap_set(files->close_on_exec, (unsigned)fd);
		else
			bitmap_clear(files->close_on_exec, (unsigned)fd);
		result = 0;
		break;
	case F_GETFL:
		result = f->flags;
		break;
	default:
		result = f->flags & O_PATH ? -EBADF : fcntl_file((unsigned)fd, f, cmd, arg);
	}
	file_put(f);
	return result;
}

/* --- ioctl --- */

static long set_flag_from_user(unsigned fd, struct file *f, unsigned flag, u64 arg)
{
	u32 on;
	if (get_user_u32(&on, user_ptr_at(arg)))
		return -EFAULT;
	return set_flags(fd, f, on ? f->flags | flag : f->flags & ~flag);
}

static long ioctl_file(unsigned fd, struct file *f, unsigned cmd, u64 arg)
{
	long result;
	switch (cmd) {
	case FIONBIO:
		return set_flag_from_user(fd, f, O_NONBLOCK, arg);
	case FIOASYNC:
		return set_flag_from_user(fd, f, FASYNC, arg);
	case FIONREAD:
		if (S_ISTYPE(f->inode->mode, S_IFREG) && !f->ops->ioctl)
			return put_user_u32(user_ptr_at(arg), (u32)(f->inode->size - f->pos));
		break;
	case FICLONE:
	case FICLONERANGE:
	case FIDEDUPERANGE:
		return S_ISTYPE(f->inode->mode, S_IFDIR) ? -EISDIR : -EOPNOTSUPP;
	default:
		break;
	}
	result = f->ops->ioctl ? f->ops->ioctl(f, cmd, arg) : -ENOTTY;
	return result == -ENOIOCTLCMD ? -ENOTTY : result;
}

long sys_ioctl(int fd, unsigned cmd, u64 arg)
{
	struct files_struct *files = current->files;
	struct file *f = fget((unsigned)fd);
	long result = 0;
	if (!f)
		return -EBADF;
	if (cmd == FIOCLEX)
		bitmap_set(files->close_on_exec, (unsigned)fd);
	else if (cmd == FIONCLEX)
		bitmap_clear(files->close_on_exec, (unsigned)fd);
	else
		result = ioctl_file((unsigned)fd, f, cmd, arg);
	file_put(f);
	return result;
}

/* --- storage --- */

static long sync_file(int fd, bool data_only)
{
	struct file *f = fget((unsigned)fd);
	long error;
	if (!f)
		return -EBADF;
	error = f->ops->fsync ? f->ops->fsync(f, data_only) : -EINVAL;
	file_put(f);
	return error;
}

long sys_fsync(int fd) { return sync_file(fd, false); }
long sys_fdatasync(int fd) { return sync_file(fd, true); }

long sys_sync_file_range(int fd, s64 offset, s64 length, unsigned flags)
{
	struct file *f;
	s64 end;
	long error = 0;
	if ((flags & ~(unsigned)(SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER)) ||
	    offset < 0 || length < 0 || __builtin_add_overflow(offset, length, &end))
		return -EINVAL;
	f = fget((unsigned)fd);
	if (!f)
		return -EBADF;
	if (!S_ISTYPE(f->inode->mode, S_IFREG) && !S_ISTYPE(f->inode->mode, S_IFDIR))
		error = -ESPIPE;
	else if ((flags & SYNC_FILE_RANGE_WAIT_AFTER) && f->ops->fsync)
		error = f->ops->fsync(f, true);
	file_put(f);
	return error;
}

long sys_fallocate(int fd, int mode, s64 offset, s64 length)
{
	struct file *f;
	s64 end;
	mode_t type;
	long error;
	if (offset < 0 || length <= 0)
		return -EINVAL;
	f = fget((unsigned)fd);
	if (!f)
		return -EBADF;
	type = f->inode->mode & S_IFMT;
	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE | FALLOC_FL_COLLAPSE_RANGE |
	             FALLOC_FL_INSERT_RANGE))
		error = -EOPNOTSUPP;
	else if ((mode & FALLOC_FL_PUNCH_HOLE) && !(mode & FALLOC_FL_KEEP_SIZE))
		error = -EOPNOTSUPP;
	else if (!f->writable)
		error = -EBADF;
	else if (type == S_IFIFO)
		error = -ESPIPE;
	else if (type == S_IFDIR)
		error = -EISDIR;
	else if (type != S_IFREG)
		error = -ENODEV;
	else if (__builtin_add_overflow(offset, length, &end))
		error = -EFBIG;
	else
		error = f->ops->fallocate ? f->ops->fallocate(f, mode, offset, length) : -EOPNOTSUPP;
	file_put(f);
	return error;
}

long sys_ftruncate(int fd, s64 length)
{
	struct file *f;
	long error;
	if (length < 0)
		return -EINVAL;
	f = fget((unsigned)fd);
	if (!f)
		return -EBADF;
	if (!S_ISTYPE(f->inode->mode, S_IFREG) || !f->writable)
		error = -EINVAL;
	else
		error = vfs_truncate(&f->path, length, f);
	file_put(f);
	return error;
}

long sys_readahead(int fd, s64 offset, size_t count)
{
	struct file *f = fget((unsigned)fd);
	long error = 0;
	if (!f)
		return -EBADF;
	if (!f->readable)
		error = -EBADF;
	else if (!S_ISTYPE(f->inode->mode, S_IFREG))
		error = -EINVAL;
	file_put(f);
	return error;
}

long sys_fadvise64(int fd, s64 offset, s64 length, int advice)
{
	struct file *f = fget((unsigned)fd);
	long error = 0;
	if (!f)
		return -EBADF;
	if (S_ISTYPE(f->inode->mode, S_IFIFO))
		error = -ESPIPE;
	else if (length < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE)
		error = -EINVAL;
	else if (f->ops->fadvise)
		f->ops->fadvise(f, offset, length, advice);
	file_put(f);
	return error;
}

/* --- directories --- */

struct user_dir {
	struct dir_context ctx;
	user_ptr buffer;
	size_t used, size, last; /* last: offset of the last record, whose d_off is still to come */
	bool old_layout;         /* getdents: the type stands in the record's last byte */
	bool any, fault;
};

static bool put_offset(struct user_dir *u, loff_t cookie)
{
	return !u->any || !put_user_u64(user_ptr_add(u->buffer, u->last + 8), (u64)cookie);
}

/* d_off of an entry is the position of the next one: known when that one, or the end, is seen. */
static bool emit_user(struct dir_context *ctx, const char *name, size_t length, ino_t ino, unsigned type)
{
	struct user_dir *u = container_of(ctx, struct user_dir, ctx);
	u8 record[24 + NAME_MAX + 8] __aligned(8);
	size_t header = u->old_layout ? 18 : 19, size;

	if (length > NAME_MAX || u->fault)
		return false;
	size = ALIGN_UP(header + length + 1 + (u->old_layout ? 1 : 0), (size_t)8);
	if (u->used + size > u->size)
		return false;
	memset(record + header + length, 0, size - header - length);
	*(u64 *)record = ino;
	*(s64 *)(record + 8) = ctx->pos + 1;
	*(u16 *)(record + 16) = (u16)size;
	if (u->old_layout)
		record[size - 1] = (u8)type;
	else
		record[18] = (u8)type;
	memcpy(record + header, name, length);
	if (!put_offset(u, ctx->pos) || copy_to_user(user_ptr_add(u->buffer, u->used), record, size)) {
		u->fault = true;
		return false;
	}
	u->last = u->used;
	u->any = true;
	u->used += size;
	return true;
}

static long list_directory(int fd, user_ptr buf, unsigned size, bool old_layout)
{
	struct user_dir u = { .ctx = { .emit = emit_user }, .buffer = buf, .size = size, .old_layout = old_layout };
	struct file *f = fget((unsigned)fd);
	long result;

	if (!f)
		return -EBADF;
	if (!f->ops->iterate) {
		file_put(f);
		return -ENOTDIR;
	}
	if (!access_ok(buf, size)) {
		file_put(f);
		return -EFAULT;
	}
	mutex_lock(&f->pos_lock);
	u.ctx.pos = f->pos;
	if (f->inode->nlink == 0 && f->path.dentry->unhashed) {
		result = -ENOENT;
	} else {
		bool full;
		result = f->ops->iterate(f, &u.ctx);
		full = !u.any && !result && u.ctx.pos == f->pos;
		f->pos = u.ctx.pos;
		if (u.fault || !put_offset(&u, u.ctx.pos))
			result = -EFAULT;
		else if (u.any)
			result = (long)u.used;
		else if (full && size < 24)
			result = -EINVAL;
	}
	mutex_unlock(&f->pos_lock);
	file_put(f);
	return result;
}

long sys_getdents64(int fd, user_ptr buf, unsigned size) { return list_directory(fd, buf, size, false); }
long sys_getdents(int fd, user_ptr buf, unsigned size) { return list_directory(fd, buf, size, true); }
