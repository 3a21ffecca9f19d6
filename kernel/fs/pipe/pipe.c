/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pipes and FIFOs: pipe(7), fifo(7), pipe(2), F_SETPIPE_SZ in fcntl(2).
 *
 * A pipe is a ring of bytes. Writes of up to PIPE_BUF bytes are atomic: they wait until all of them fits.
 * poll(2) calls a pipe writable when such a write would not sleep, so everything that looks at room (a sleeping
 * writer, a wake-up) uses that one threshold. In packet mode (O_DIRECT) the ring also remembers where each write
 * begins and ends; a read takes one packet and drops what it has no room for.
 *
 * The pipe hangs on its inode from the first open to the last close; every file counts in pipe->files.
 * Readers and writers sleep exclusively, one is woken at a time, and whoever leaves with something left to do
 * wakes the next.
 */
#include "kernel/fs/pipe/pipe.h"

#include <asm/ioctls.h>
#include <linux/magic.h>


#include "kernel/fs/proc/sysctl.h"
#include "kernel/mm/alloc.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/signal.h"
#include "kernel/task/task.h"
#include "syscalls.gen.h"

static struct pipe *pipe_alloc(void)
{
	struct pipe *pipe = kzalloc(sizeof(*pipe));

	if (!pipe)
		return NULL;
	pipe->size = PIPE_DEFAULT_SIZE;
	wait_queue_init(&pipe->read_wait);
	wait_queue_init(&pipe->write_wait);
	return pipe;
}

static void pipe_free_all(struct pipe *pipe)
{
	if (pipe->buffer)
		heap_pages_free(pipe->buffer, pipe->size >> PAGE_SHIFT);
	kfree(pipe->packets);
	kfree(pipe);
}

/* A file leaves, or an open failed. */
static void pipe_unuse(struct inode *inode, struct pipe *pipe)
{
	if (--pipe->files)
		return;
	if (inode->pipe == pipe)
		inode->pipe = NULL;
	pipe_free_all(pipe);
}

static inline u32 packets_max(const struct pipe *pipe) { return pipe->size >> PAGE_SHIFT; }
static inline u32 packets_used(const struct pipe *pipe) { return pipe->packet_head - pipe->packet_tail; }
static inline struct pipe_packet *packet_at(struct pipe *pipe, u32 n) { return &pipe->packets[n & (packets_max(pipe) - 1)]; }

/* Nobody who waits for room can go on with less. */
static inline bool pipe_has_room(const struct pipe *pipe)
{
	return pipe_free(pipe) >= PIPE_BUF && packets_used(pipe) < packets_max(pipe);
}

static inline void wake_readers(struct pipe *pipe)
{
	if (wait_queue_active(&pipe->read_wait))
		wake_up_sync_poll(&pipe->read_wait, POLL_IN);
}

static inline void wake_writers(struct pipe *pipe)
{
	if (wait_queue_active(&pipe->write_wait))
		wake_up_sync_poll(&pipe->write_wait, POLL_OUT);
}

static void pipe_wake_everybody(struct pipe *pipe)
{
	wake_up_all(&pipe->read_wait);
	wake_up_all(&pipe->write_wait);
}

/* The packet at the front, if a packet begins there. A read never stops inside a packet. */
static struct pipe_packet *front_packet(struct pipe *pipe)
{
	if (!packets_used(pipe))
		return NULL;
	struct pipe_packet *packet = packet_at(pipe, pipe->packet_tail);
	return packet->start == pipe->tail ? packet : NULL;
}

/* Bytes that stand in one piece at `offset` behind the tail, up to the end of the packet or the next packet. */
u32 pipe_peek(struct pipe *pipe, char **ret_data, u32 offset)
{
	u32 used = pipe_used(pipe);
	u32 mask = pipe->size - 1;

	if (offset >= used)
		return 0;
	u32 at = pipe->tail + offset;
	u32 n = min(used - offset, pipe->size - (at & mask));
	for (u32 i = pipe->packet_tail; i != pipe->packet_head; i++) {
		struct pipe_packet *packet = packet_at(pipe, i);
		u32 start = packet->start - pipe->tail, end = start + packet->length;

		if (offset >= end)
			continue;
		n = min(n, offset < start ? start - offset : end - offset);
		break;
	}
	*ret_data = pipe->buffer + (at & mask);
	return n;
}

/* Takes n bytes off the front; a packet shrinks when only a part of it goes. */
static void pipe_drop(struct pipe *pipe, u32 n)
{
	pipe->tail += n;
	while (packets_used(pipe)) {
		struct pipe_packet *packet = packet_at(pipe, pipe->packet_tail);
		u32 start = packet->start - pipe->tail;

		if ((s32)start >= 0)
			break;
		u32 gone = -start;
		if (gone < packet->length) {
			packet->start += gone;
			packet->length -= gone;
			break;
		}
		pipe->packet_tail++;
	}
	/* An empty ring starts again at the front: small exchanges stay in the same cache lines. */
	if (pipe->tail == pipe->head && !packets_used(pipe))
		pipe->head = pipe->tail = 0;
}

void pipe_consume(struct pipe *pipe, u32 n)
{
	bool had_room = pipe_has_room(pipe);

	pipe_drop(pipe, n);
	if (!had_room && pipe_has_room(pipe))
		wake_writers(pipe);
}

static u32 pipe_copy_out(struct pipe *pipe, struct io_iter *to, u32 want)
{
	u32 mask = pipe->size - 1, done = 0;

	while (done < want) {
		u32 at = (pipe->tail + done) & mask;
		u32 chunk = min(want - done, pipe->size - at);
		u32 copied = copy_to_iter(to, pipe->buffer + at, chunk);

		done += copied;
		if (copied < chunk)
			break;
	}
	return done;
}

static bool is_writer(const struct file *file, const void *pipe) { return file->writable && pipe_of(file) == pipe; }
static bool is_reader(const struct file *file, const void *pipe) { return file->readable && pipe_of(file) == pipe; }

static void describe_read(const void *object, struct wait_info *info)
{
	wait_info_inode(info, ((const struct pipe *)object)->inode);
	wait_info_openers(info, WAIT_PEER, is_writer, object);
}

static void describe_write(const void *object, struct wait_info *info)
{
	wait_info_inode(info, ((const struct pipe *)object)->inode);
	wait_info_openers(info, WAIT_PEER, is_reader, object);
}

static const struct wait_type pipe_read_wait = { "pipe read", BLOCK_QUEUE, describe_read };
static const struct wait_type pipe_write_wait = { "pipe write", BLOCK_QUEUE, describe_write };
static const struct wait_type fifo_open_read_wait = { "FIFO open for reading", BLOCK_QUEUE, describe_read };
static const struct wait_type fifo_open_write_wait = { "FIFO open for writing", BLOCK_QUEUE, describe_write };

long pipe_wait_readable(struct pipe *pipe, bool nonblock)
{
	if (pipe_used(pipe))
		return 1;
	if (!pipe->writers)
		return 0;
	if (nonblock)
		return -EAGAIN;
	long ret = wait_event_interruptible_exclusive(&pipe->read_wait, &pipe_read_wait, pipe,
						      pipe_used(pipe) || !pipe->writers);
	if (ret) {
		/* The wake-up that this task may have taken belongs to another reader. */
		if (pipe_used(pipe))
			wake_readers(pipe);
		return ret;
	}
	return pipe_used(pipe) ? 1 : 0;
}

static ssize_t pipe_read(struct file *file, struct io_iter *to, loff_t *pos)
{
	struct pipe *pipe = file->private;
	bool had_room;
	ssize_t done;

	if (!to->count)
		return 0;
	bool slept = !pipe_used(pipe);
	long ready = pipe_wait_readable(pipe, file->flags & O_NONBLOCK);
	if (ready <= 0)
		return ready;
	had_room = pipe_has_room(pipe);
	if (likely(!packets_used(pipe))) {
		u32 want = min((size_t)pipe_used(pipe), to->count);
		done = pipe_copy_out(pipe, to, want);
		if (done < want && !done)
			return -EFAULT;
		pipe_drop(pipe, done);
	} else {
		struct pipe_packet *packet = front_packet(pipe);
		u32 available = packet ? packet->length : packet_at(pipe, pipe->packet_tail)->start - pipe->tail;
		u32 want = min((size_t)available, to->count);
		done = pipe_copy_out(pipe, to, want);
		if (done < want && !done)
			return -EFAULT;
		pipe_drop(pipe, packet ? packet->length : done);
	}
	if (!had_room && pipe_has_room(pipe))
		wake_writers(pipe);
	if (slept && pipe_used(pipe))
		wake_readers(pipe);
	return done;
}

u32 pipe_take(struct pipe *pipe, char *buffer, u32 n)
{
	u32 taken = 0;

	while (taken < n) {
		char *data;
		u32 piece = min(pipe_peek(pipe, &data, 0), n - taken);
		if (!piece)
			break;
		memcpy(buffer + taken, data, piece);
		pipe_drop(pipe, piece);
		taken += piece;
	}
	pipe->held += taken;
	return taken;
}

void pipe_untake(struct pipe *pipe, const char *buffer, u32 n, u32 unused)
{
	pipe->held -= n;
	for (u32 i = 1; i <= unused; i++)
		pipe->buffer[--pipe->tail & (pipe->size - 1)] = buffer[n - i];
	if (unused)
		wake_readers(pipe);
	if (pipe_has_room(pipe))
		wake_writers(pipe);
}

/* The buffer and, in packet mode, the packet list. */
static int pipe_prepare(struct pipe *pipe, bool packets)
{
	if (!pipe->buffer)
		pipe->buffer = heap_pages_alloc(pipe->size >> PAGE_SHIFT);
	if (!pipe->buffer)
		return -ENOMEM;
	if (packets && !pipe->packets) {
		pipe->packets = kcalloc(packets_max(pipe), sizeof(*pipe->packets));
		if (!pipe->packets)
			return -ENOMEM;
	}
	return 0;
}

static long broken_pipe(void)
{
	send_signal_thread(SIGPIPE, SEND_SIG_USER, current);
	return -EPIPE;
}

/* Room for `need` bytes. Like pipe_wait_writable, which waits for the room poll promises. */
static long pipe_wait_room(struct pipe *pipe, u32 need, bool packet, bool nonblock)
{
#define ROOM() (pipe_free(pipe) >= need && (!packet || packets_used(pipe) < packets_max(pipe)))
	if (!pipe->readers)
		return broken_pipe();
	if (ROOM())
		return 1;
	if (nonblock)
		return -EAGAIN;
	long ret = wait_event_interruptible_exclusive(&pipe->write_wait, &pipe_write_wait, pipe, ROOM() || !pipe->readers);
	if (ret) {
		if (pipe_has_room(pipe))
			wake_writers(pipe);
		return ret;
	}
	if (!pipe->readers)
		return broken_pipe();
	return 1;
#undef ROOM
}

long pipe_wait_writable(struct pipe *pipe, bool nonblock)
{
	return pipe_wait_room(pipe, PIPE_BUF, packets_used(pipe) > 0, nonblock);
}

/* Copies as much as fits, at most `want`, behind the head. */
static u32 pipe_copy_in(struct pipe *pipe, struct io_iter *from, u32 want)
{
	u32 mask = pipe->size - 1, done = 0;

	while (done < want) {
		u32 at = (pipe->head + done) & mask;
		u32 chunk = min(want - done, pipe->size - at);
		u32 copied = copy_from_iter(from, pipe->buffer + at, chunk);

		done += copied;
		if (copied < chunk)
			break;
	}
	return done;
}

ssize_t pipe_push(struct pipe *pipe, struct io_iter *from, u32 n)
{
	int ret = pipe_prepare(pipe, false);

	if (ret)
		return ret;
	u32 copied = pipe_copy_in(pipe, from, min(n, pipe_free(pipe)));
	pipe->head += copied;
	if (copied)
		wake_readers(pipe);
	return copied ? (ssize_t)copied : -EFAULT;
}

static ssize_t pipe_write(struct file *file, struct io_iter *from, loff_t *pos)
{
	struct pipe *pipe = file->private;
	bool packet_mode = file->flags & O_DIRECT;
	bool atomic = from->count <= PIPE_BUF;
	bool slept = false;
	ssize_t done = 0;
	long ret;

	if (!pipe->readers)
		return broken_pipe();
	if (!from->count)
		return 0;
	ret = pipe_prepare(pipe, packet_mode);
	if (ret)
		return ret;
	while (from->count) {
		u32 piece = packet_mode ? min(from->count, PAGE_SIZE) : from->count;
		/* A big write goes on only when a whole page is free: fewer switches, and what poll promises. */
		slept |= !pipe_has_room(pipe);
		ret = pipe_wait_room(pipe, packet_mode || atomic ? piece : min(piece, (u32)PIPE_BUF), packet_mode,
				     file->flags & O_NONBLOCK);
		if (ret <= 0)
			break;
		u32 want = min(piece, pipe_free(pipe));
		u32 copied = pipe_copy_in(pipe, from, want);
		if (!copied) {
			ret = -EFAULT;
			break;
		}
		if (packet_mode)
			*packet_at(pipe, pipe->packet_head++) = (struct pipe_packet){ pipe->head, copied };
		pipe->head += copied;
		done += copied;
		wake_readers(pipe);
		if (copied < want) {
			ret = -EFAULT;
			break;
		}
	}
	if (slept && pipe_has_room(pipe))
		wake_writers(pipe);
	return done ? done : ret;
}

static unsigned pipe_poll(struct file *file, struct poll_table *table)
{
	struct pipe *pipe = file->private;
	unsigned events = 0;

	if (file->readable) {
		poll_wait(file, &pipe->read_wait, table);
		if (pipe_used(pipe))
			events |= POLL_IN;
		if (!pipe->writers && file->writers_seen != pipe->writer_generation)
			events |= EPOLLHUP;
	}
	if (file->writable) {
		poll_wait(file, &pipe->write_wait, table);
		if (pipe_has_room(pipe))
			events |= POLL_OUT;
		if (!pipe->readers)
			events |= EPOLLERR;
	}
	return events;
}

static long pipe_ioctl(struct file *file, unsigned cmd, u64 arg)
{
	struct pipe *pipe = file->private;

	if (cmd == FIONREAD)
		return put_user_u32(user_ptr_at(arg), pipe_used(pipe));
	return -ENOIOCTLCMD;
}

static void pipe_release(struct file *file)
{
	struct pipe *pipe = file->private;

	if (!pipe)
		return;
	if (file->readable)
		pipe->readers--;
	if (file->writable)
		pipe->writers--;
	if (!pipe->readers != !pipe->writers)
		pipe_wake_everybody(pipe);
	pipe_unuse(file->inode, pipe);
}

/* Made by pipe(2): opens of it (through /proc/PID/fd) do not wait for the other side. */
static bool is_anonymous(const struct file *file)
{
	return file->inode->sb->type->magic == PIPEFS_MAGIC;
}

static long open_reader(struct file *file, struct pipe *pipe)
{
	pipe->reader_generation++;
	if (pipe->readers++ == 0)
		wake_up_all(&pipe->write_wait);
	if (pipe->writers || is_anonymous(file))
		return 0;
	if (file->flags & O_NONBLOCK) {
		/* No hang-up is reported until a writer has come and gone. */
		file->writers_seen = pipe->writer_generation;
		return 0;
	}
	u64 seen = pipe->writer_generation;
	long ret = wait_event_interruptible(&pipe->read_wait, &fifo_open_read_wait, pipe, pipe->writer_generation != seen);
	if (ret && --pipe->readers == 0)
		wake_up_all(&pipe->write_wait);
	return ret;
}

static long open_writer(struct file *file, struct pipe *pipe)
{
	if (!pipe->readers && (file->flags & O_NONBLOCK) && !is_anonymous(file))
		return -ENXIO;
	pipe->writer_generation++;
	if (pipe->writers++ == 0)
		wake_up_all(&pipe->read_wait);
	if (pipe->readers || is_anonymous(file))
		return 0;
	u64 seen = pipe->reader_generation;
	long ret = wait_event_interruptible(&pipe->write_wait, &fifo_open_write_wait, pipe, pipe->reader_generation != seen);
	if (ret && --pipe->writers == 0)
		wake_up_all(&pipe->read_wait);
	return ret;
}

static void open_both(struct pipe *pipe)
{
	pipe->reader_generation++;
	pipe->writer_generation++;
	if (pipe->readers++ == 0 || pipe->writers == 0)
		wake_up_all(&pipe->write_wait);
	if (pipe->writers++ == 0 || pipe->readers == 1)
		wake_up_all(&pipe->read_wait);
}

/* Also reopens pipes made by pipe(2), through /proc/PID/fd. */
static int fifo_open(struct inode *inode, struct file *file)
{
	long ret = 0;

	if (hostpipe_reopen(inode, file))
		return 0;
	if (!inode->pipe) {
		inode->pipe = pipe_alloc();
		if (!inode->pipe)
			return -ENOMEM;
		inode->pipe->inode = inode;
	}
	struct pipe *pipe = inode->pipe;
	pipe->files++;
	/* No count of opens equals this one, so that a reader of a pipe without writers sees the hang-up. */
	file->writers_seen = UINT64_MAX;
	file->private = pipe;
	file->ops = &fifo_fops;
	if (file->readable && file->writable)
		open_both(pipe);
	else if (file->readable)
		ret = open_reader(file, pipe);
	else
		ret = open_writer(file, pipe);
	if (ret) {
		file->private = NULL;
		pipe_unuse(inode, pipe);
	}
	return ret;
}

int pipe_create(struct file **ret_read, struct file **ret_write, unsigned flags)
{
	struct pipe *pipe = pipe_alloc();
	struct file *reader, *writer;

	if (!pipe)
		return -ENOMEM;
	reader = anon_inode_file("pipe", S_IFIFO | 0600, &fifo_fops, pipe, O_RDONLY | (flags & O_NONBLOCK));
	if (IS_ERR(reader)) {
		pipe_free_all(pipe);
		return PTR_ERR(reader);
	}
	reader->inode->pipe = pipe;
	pipe->inode = reader->inode;
	pipe->files = 1;
	pipe->readers = 1;
	pipe->reader_generation = 1;
	reader->writers_seen = UINT64_MAX;
	writer = anon_file_peer(reader, &fifo_fops, pipe, O_WRONLY | (flags & O_NONBLOCK));
	if (IS_ERR(writer)) {
		file_put(reader);
		return PTR_ERR(writer);
	}
	writer->writers_seen = UINT64_MAX;
	pipe->files++;
	pipe->writers = 1;
	pipe->writer_generation = 1;
	reader->flags |= flags & O_DIRECT;
	writer->flags |= flags & O_DIRECT;
	*ret_read = reader;
	*ret_write = writer;
	return 0;
}

struct pipe *pipe_of(const struct file *file)
{
	return file->ops == &fifo_fops ? file->private : NULL;
}

static long pipe_set_size(struct pipe *pipe, u64 want)
{
	u32 size = PAGE_SIZE;

	if (want > 1UL << 31)
		return -EINVAL;
	while (size < want)
		size <<= 1;
	if (size > pipe->size && size > sysctl_pipe_max_size && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	if (size < pipe_used(pipe) + pipe->held || size >> PAGE_SHIFT < packets_used(pipe))
		return -EBUSY;
	if (size == pipe->size)
		return size;
	char *buffer = NULL;
	struct pipe_packet *packets = NULL;
	if (pipe->buffer && !(buffer = heap_pages_alloc(size >> PAGE_SHIFT)))
		return -ENOMEM;
	if (pipe->packets && !(packets = kcalloc(size >> PAGE_SHIFT, sizeof(*packets)))) {
		if (buffer)
			heap_pages_free(buffer, size >> PAGE_SHIFT);
		return -ENOMEM;
	}
	u32 used = pipe_used(pipe), nr_packets = packets_used(pipe);
	for (u32 i = 0; i < nr_packets; i++) {
		packets[i] = *packet_at(pipe, pipe->packet_tail + i);
		packets[i].start -= pipe->tail;
	}
	for (u32 i = 0; i < used;) {
		u32 at = (pipe->tail + i) & (pipe->size - 1);
		u32 chunk = min(used - i, pipe->size - at);
		memcpy(buffer + i, pipe->buffer + at, chunk);
		i += chunk;
	}
	if (pipe->buffer)
		heap_pages_free(pipe->buffer, pipe->size >> PAGE_SHIFT);
	kfree(pipe->packets);
	pipe->buffer = buffer;
	pipe->packets = packets;
	pipe->size = size;
	pipe->tail = 0;
	pipe->head = used;
	pipe->packet_tail = 0;
	pipe->packet_head = nr_packets;
	if (pipe_has_room(pipe))
		wake_up_poll(&pipe->write_wait, POLL_OUT);
	return size;
}

long pipe_fcntl(struct file *file, unsigned cmd, u64 arg)
{
	struct pipe *pipe = pipe_of(file);

	if (!pipe)
		return -EBADF;
	switch (cmd) {
	case F_GETPIPE_SZ:
		return pipe->size;
	case F_SETPIPE_SZ:
		return pipe_set_size(pipe, (unsigned)arg);
	default:
		return -EINVAL;
	}
}

long sys_pipe2(user_ptr fds, int flags)
{
	struct file *reader, *writer;
	int fd[2];

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	long ret = pipe_create(&reader, &writer, flags);
	if (ret)
		return ret;
	fd[0] = fd_reserve(0, flags & O_CLOEXEC);
	fd[1] = fd[0] < 0 ? fd[0] : fd_reserve(0, flags & O_CLOEXEC);
	ret = fd[1] < 0 ? fd[1] : copy_to_user(fds, fd, sizeof(fd));
	if (ret) {
		if (fd[0] >= 0)
			fd_release(fd[0]);
		if (fd[1] >= 0)
			fd_release(fd[1]);
		file_put(reader);
		file_put(writer);
		return ret;
	}
	fd_install(fd[0], reader);
	fd_install(fd[1], writer);
	return 0;
}

long sys_pipe(user_ptr fds)
{
	return sys_pipe2(fds, 0);
}

const struct file_operations fifo_fops = {
	.name = "pipe",
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.open = fifo_open,
	.release = pipe_release,
};
