/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sendfile(2), splice(2), tee(2), vmsplice(2), copy_file_range(2).
 *
 * Bytes move through a heap buffer; what the programs save is the way through their own memory and a system call.
 * Reading or writing the other file may sleep, with the pipe's bytes on the way: the pipe keeps their room meanwhile,
 * so that what the other file did not take goes back to the front, and what was read always fits.
 */
#include <linux/fs.h>

#include "kernel/fs/pipe/pipe.h"
#include "kernel/mm/alloc.h"
#include "kernel/task/signal.h"
#include "kernel/task/task.h"
#include "syscalls.gen.h"

#define SPLICE_F_MOVE 1
#define SPLICE_F_NONBLOCK 2
#define SPLICE_F_MORE 4
#define SPLICE_F_GIFT 8
#define SPLICE_F_ALL (SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)
#define CHUNK 65536U

/* The position a call works on: the user's variable, or the file's own. */
struct place {
	struct file *file;
	user_ptr user; /* null: file->pos */
	loff_t pos;
	bool locked;
};

static int place_start(struct place *place, struct file *file, user_ptr user)
{
	place->file = file;
	place->user = user;
	place->locked = false;
	if (!user_ptr_is_null(user)) {
		if (copy_from_user(&place->pos, user, sizeof(place->pos)))
			return -EFAULT;
		return place->pos < 0 ? -EINVAL : 0;
	}
	if (S_ISTYPE(file->inode->mode, S_IFREG)) {
		mutex_lock(&file->pos_lock);
		place->locked = true;
	}
	place->pos = file->pos;
	return 0;
}

/* Writes the position back; gives -EFAULT if that fails, else `ret`. */
static long place_end(struct place *place, long ret)
{
	if (user_ptr_is_null(place->user)) {
		place->file->pos = place->pos;
		if (place->locked)
			mutex_unlock(&place->file->pos_lock);
		return ret;
	}
	return copy_to_user(place->user, &place->pos, sizeof(place->pos)) ? -EFAULT : ret;
}

static bool is_regular(const struct file *file) { return S_ISTYPE(file->inode->mode, S_IFREG); }
static bool seekable(const struct file *file) { return file->ops->llseek != NULL; }

static ssize_t read_chunk(struct file *file, char *buffer, size_t n, loff_t *pos)
{
	struct io_iter it;

	io_iter_kernel(&it, buffer, n);
	return file_read(file, &it, pos);
}

/* Writes all of it unless the file takes less: bytes written, or an error if none were. */
static ssize_t write_chunk(struct file *file, char *buffer, size_t n, loff_t *pos)
{
	size_t done = 0;

	while (done < n) {
		struct io_iter it;
		io_iter_kernel(&it, buffer + done, n - done);
		ssize_t ret = file_write(file, &it, pos);
		if (ret <= 0)
			return done ? (ssize_t)done : ret;
		done += ret;
	}
	return done;
}

/* From a file with positions to any file. */
static ssize_t copy_between(struct file *in, loff_t *in_pos, struct file *out, loff_t *out_pos, size_t count)
{
	char *buffer = heap_pages_alloc(CHUNK >> PAGE_SHIFT);
	size_t done = 0;
	ssize_t ret = 0;

	if (!buffer)
		return -ENOMEM;
	while (done < count) {
		loff_t start = *in_pos;
		ret = read_chunk(in, buffer, min(count - done, (size_t)CHUNK), in_pos);
		if (ret <= 0)
			break;
		ssize_t got = ret;
		ret = write_chunk(out, buffer, got, out_pos);
		/* What was not written is read again by the next call. */
		*in_pos = start + max(ret, (ssize_t)0);
		if (ret > 0)
			done += ret;
		if (ret < got)
			break;
		if (signal_pending(current))
			break;
		cond_resched();
	}
	heap_pages_free(buffer, CHUNK >> PAGE_SHIFT);
	return done ? (ssize_t)done : ret;
}

static long do_sendfile(struct file *out, struct file *in, user_ptr offset, size_t count)
{
	struct place from, to;

	if (!in->readable || !out->writable)
		return -EBADF;
	if (!user_ptr_is_null(offset) && !seekable(in))
		return -ESPIPE;
	if (!seekable(in) || S_ISTYPE(in->inode->mode, S_IFDIR) || (out->flags & O_APPEND))
		return -EINVAL;
	long ret = place_start(&from, in, offset);
	if (ret)
		return ret;
	if (in == out) {
		/* One open file, one position lock. */
		loff_t pos = in->pos;
		ret = copy_between(in, &from.pos, out, &pos, min(count, MAX_RW_COUNT));
		return place_end(&from, ret);
	}
	ret = place_start(&to, out, USER_NULL);
	if (!ret)
		ret = copy_between(in, &from.pos, out, &to.pos, min(count, MAX_RW_COUNT));
	place_end(&to, 0);
	return place_end(&from, ret);
}

long sys_sendfile(int out_fd, int in_fd, user_ptr offset, size_t count)
{
	struct file *in = fget(in_fd), *out = fget(out_fd);
	long ret = in && out ? do_sendfile(out, in, offset, count) : -EBADF;

	file_put(in);
	file_put(out);
	return ret;
}

/* Until the pipe is empty or `length` bytes went. */
static ssize_t pipe_to_file(struct pipe *pipe, struct file *out, loff_t *pos, size_t length, bool nonblock)
{
	char *buffer = heap_pages_alloc(CHUNK >> PAGE_SHIFT);
	size_t done = 0;
	ssize_t ret = 0;

	if (!buffer)
		return -ENOMEM;
	while (done < length) {
		ret = done && !pipe_used(pipe) ? 0 : pipe_wait_readable(pipe, nonblock);
		if (ret <= 0)
			break;
		u32 taken = pipe_take(pipe, buffer, min(length - done, (size_t)CHUNK));
		ret = write_chunk(out, buffer, taken, pos);
		pipe_untake(pipe, buffer, taken, taken - max(ret, (ssize_t)0));
		if (ret > 0)
			done += ret;
		if (ret < (ssize_t)taken)
			break;
	}
	heap_pages_free(buffer, CHUNK >> PAGE_SHIFT);
	return done ? (ssize_t)done : ret;
}

/* One read of the file, as much as the pipe has room for. */
static ssize_t file_to_pipe(struct file *in, loff_t *pos, struct pipe *pipe, size_t length, bool nonblock)
{
	ssize_t ret = pipe_wait_writable(pipe, nonblock);
	struct io_iter it;

	if (ret <= 0)
		return ret;
	if (nonblock && in->ops->poll && !(file_poll(in, NULL) & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return -EAGAIN;
	char *buffer = heap_pages_alloc(CHUNK >> PAGE_SHIFT);
	if (!buffer)
		return -ENOMEM;
	u32 room = min(length, (size_t)min(pipe_free(pipe), CHUNK));
	pipe->held += room;
	ret = read_chunk(in, buffer, room, pos);
	pipe->held -= room;
	if (ret > 0 && !pipe->readers) {
		send_signal_thread(SIGPIPE, SEND_SIG_USER, current);
		ret = -EPIPE;
	} else if (ret > 0) {
		io_iter_kernel(&it, buffer, ret);
		ret = pipe_push(pipe, &it, ret);
	}
	heap_pages_free(buffer, CHUNK >> PAGE_SHIFT);
	return ret;
}

/* splice and tee between two pipes: what is there now and fits. */
static ssize_t pipe_to_pipe(struct pipe *in, struct pipe *out, size_t length, bool nonblock, bool keep)
{
	size_t done = 0;
	long ret;

	/* Waiting for the one may change the other. */
	do {
		ret = pipe_wait_readable(in, nonblock);
		if (ret > 0)
			ret = pipe_wait_writable(out, nonblock);
		if (ret <= 0)
			return ret;
	} while (!pipe_used(in));
	while (done < length) {
		char *data;
		struct io_iter it;
		u32 piece = min((size_t)pipe_peek(in, &data, keep ? done : 0), length - done);
		piece = min(piece, pipe_free(out));
		if (!piece)
			break;
		io_iter_kernel(&it, data, piece);
		ret = pipe_push(out, &it, piece);
		if (ret <= 0)
			break;
		done += ret;
		if (!keep)
			pipe_consume(in, ret);
	}
	return done ? (ssize_t)done : ret;
}

static long do_splice(struct file *in, user_ptr off_in, struct file *out, user_ptr off_out, size_t length, unsigned flags)
{
	struct pipe *from = pipe_of(in), *to = pipe_of(out);
	struct place place;
	long ret;

	if (!in->readable || !out->writable)
		return -EBADF;
	if ((from && !user_ptr_is_null(off_in)) || (to && !user_ptr_is_null(off_out)))
		return -ESPIPE;
	if (from && to) {
		bool nonblock = (flags & SPLICE_F_NONBLOCK) || ((in->flags | out->flags) & O_NONBLOCK);
		return from == to ? -EINVAL : pipe_to_pipe(from, to, length, nonblock, false);
	}
	if (from) {
		if ((!user_ptr_is_null(off_out) && !seekable(out)) || (out->flags & O_APPEND))
			return -EINVAL;
		ret = place_start(&place, out, off_out);
		if (ret)
			return ret;
		ret = pipe_to_file(from, out, &place.pos, length, (flags & SPLICE_F_NONBLOCK) || (in->flags & O_NONBLOCK));
		return place_end(&place, ret);
	}
	if (to) {
		if ((!user_ptr_is_null(off_in) && !seekable(in)) || S_ISTYPE(in->inode->mode, S_IFDIR))
			return -EINVAL;
		ret = place_start(&place, in, off_in);
		if (ret)
			return ret;
		ret = file_to_pipe(in, &place.pos, to, length, (flags & SPLICE_F_NONBLOCK) || (out->flags & O_NONBLOCK));
		return place_end(&place, ret);
	}
	return -EINVAL;
}

long sys_splice(int fd_in, user_ptr off_in, int fd_out, user_ptr off_out, size_t length, unsigned flags)
{
	if (!length)
		return 0;
	if (flags & ~SPLICE_F_ALL)
		return -EINVAL;
	struct file *in = fget(fd_in), *out = fget(fd_out);
	long ret = in && out ? do_splice(in, off_in, out, off_out, min(length, MAX_RW_COUNT), flags) : -EBADF;
	file_put(in);
	file_put(out);
	return ret;
}

long sys_tee(int fd_in, int fd_out, size_t length, unsigned flags)
{
	long ret = -EBADF;

	if (flags & ~SPLICE_F_ALL)
		return -EINVAL;
	if (!length)
		return 0;
	struct file *in = fget(fd_in), *out = fget(fd_out);
	if (in && out && in->readable && out->writable) {
		struct pipe *from = pipe_of(in), *to = pipe_of(out);
		bool nonblock = (flags & SPLICE_F_NONBLOCK) || ((in->flags | out->flags) & O_NONBLOCK);
		ret = from && to && from != to ? pipe_to_pipe(from, to, length, nonblock, true) : -EINVAL;
	}
	file_put(in);
	file_put(out);
	return ret;
}

static long do_vmsplice(struct file *file, struct io_iter *it, unsigned flags)
{
	struct pipe *pipe = pipe_of(file);
	loff_t pos = 0;

	if (!pipe)
		return -EBADF;
	if (!it->count)
		return 0;
	if (!file->writable) {
		long ret = pipe_wait_readable(pipe, flags & SPLICE_F_NONBLOCK);
		return ret <= 0 ? ret : file_read(file, it, &pos);
	}
	long ret = pipe_wait_writable(pipe, flags & SPLICE_F_NONBLOCK);
	return ret <= 0 ? ret : pipe_push(pipe, it, it->count);
}

long sys_vmsplice(int fd, user_ptr iov, u64 nr, unsigned flags)
{
	struct io_iter it;

	if (flags & ~SPLICE_F_ALL)
		return -EINVAL;
	struct file *file = fget(fd);
	if (!file)
		return -EBADF;
	long ret = io_iter_user_vector(&it, iov, nr);
	if (!ret) {
		ret = do_vmsplice(file, &it, flags);
		io_iter_release(&it);
	}
	file_put(file);
	return ret;
}

static long copy_range_allowed(const struct file *in, const struct file *out)
{
	if (S_ISTYPE(in->inode->mode, S_IFDIR) || S_ISTYPE(out->inode->mode, S_IFDIR))
		return -EISDIR;
	if (!is_regular(in) || !is_regular(out))
		return -EINVAL;
	if (!in->readable || !out->writable || (out->flags & O_APPEND))
		return -EBADF;
	return in->inode->sb == out->inode->sb ? 0 : -EXDEV;
}

static long do_copy_range(struct file *in, user_ptr off_in, struct file *out, user_ptr off_out, size_t length)
{
	struct place from, to;

	if (in == out && user_ptr_is_null(off_in) && user_ptr_is_null(off_out))
		return length ? -EINVAL : 0; /* the ranges are the same */
	long ret = place_start(&from, in, off_in);
	if (ret)
		return ret;
	ret = place_start(&to, out, off_out);
	if (ret) {
		place_end(&from, 0);
		return ret;
	}
	if (in->inode == out->inode && from.pos < to.pos + (s64)length && to.pos < from.pos + (s64)length)
		ret = -EINVAL;
	else
		ret = copy_between(in, &from.pos, out, &to.pos, length);
	ret = place_end(&to, ret);
	return place_end(&from, ret);
}

long sys_copy_file_range(int fd_in, user_ptr off_in, int fd_out, user_ptr off_out, size_t length, unsigned flags)
{
	struct file *in = fget(fd_in), *out = fget(fd_out);
	long ret = -EBADF;

	if (in && out) {
		ret = flags ? -EINVAL : copy_range_allowed(in, out);
		if (!ret)
			ret = do_copy_range(in, off_in, out, off_out, min(length, MAX_RW_COUNT));
	}
	file_put(in);
	file_put(out);
	return ret;
}
