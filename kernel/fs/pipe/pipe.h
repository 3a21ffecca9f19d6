/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes and FIFOs: what splice, the descriptor calls and boot need of them. All with the kernel lock held. */
#ifndef KERNEL_FS_PIPE_PIPE_H
#define KERNEL_FS_PIPE_PIPE_H

#include "kernel/vfs/vfs.h"

#define PIPE_DEFAULT_SIZE 65536U

/* A write in packet mode (O_DIRECT): positions count all bytes ever written. */
struct pipe_packet {
	u32 start, length;
};

struct pipe {
	char *buffer;  /* `size` bytes, allocated by the first write */
	u32 size;      /* capacity; a power of two >= PAGE_SIZE */
	u32 head;      /* written up to here; positions wrap, head - tail is the fill */
	u32 tail;      /* read up to here */
	struct pipe_packet *packets; /* size / PAGE_SIZE of them; NULL: never in packet mode */
	u32 packet_head, packet_tail;
	u32 held;      /* room that splice keeps while it moves bytes from or to elsewhere */
	int readers, writers, files;
	struct inode *inode; /* that it hangs on; not counted */
	u64 reader_generation, writer_generation; /* count opens; blocking opens of FIFOs wait for a change */
	struct wait_queue_head read_wait, write_wait;
};

static inline u32 pipe_used(const struct pipe *pipe) { return pipe->head - pipe->tail; }
static inline u32 pipe_free(const struct pipe *pipe) { return pipe->size - pipe_used(pipe) - pipe->held; }

/* Two files on one new pipe; flags: O_NONBLOCK, O_DIRECT. 0, -ENOMEM, -ENFILE. */
int pipe_create(struct file **ret_read, struct file **ret_write, unsigned flags);
/* The pipe that `file` is an end of, or NULL. */
struct pipe *pipe_of(const struct file *file);
/* F_GETPIPE_SZ, F_SETPIPE_SZ. */
long pipe_fcntl(struct file *file, unsigned cmd, u64 arg);

/*
 * For splice. pipe_peek: bytes at `offset` behind the front that stand in one piece (a packet is not crossed).
 * pipe_consume takes n bytes off and wakes writers. pipe_push appends up to n bytes, as many as fit, and wakes readers.
 * pipe_take moves up to n bytes to `buffer` but keeps their room: pipe_untake ends that, putting back at the front
 * the last `unused` of the `n` that were taken.
 */
u32 pipe_peek(struct pipe *pipe, char **ret_data, u32 offset);
void pipe_consume(struct pipe *pipe, u32 n);
ssize_t pipe_push(struct pipe *pipe, struct io_iter *from, u32 n);
u32 pipe_take(struct pipe *pipe, char *buffer, u32 n);
void pipe_untake(struct pipe *pipe, const char *buffer, u32 n, u32 unused);
/* Sleep until there is something to read / room for a write that does not block. 1: yes; 0: no writers are left;
 * -EPIPE: no readers are left, SIGPIPE was sent; -EAGAIN, -ERESTARTSYS. */
long pipe_wait_readable(struct pipe *pipe, bool nonblock);
long pipe_wait_writable(struct pipe *pipe, bool nonblock);

/* Standard input, output and error when they are not a terminal: fs/hostpipe.c. */
int stdio_install(struct files_struct *files);
/* One of them, or another that was passed in, on a host descriptor, which it takes over unless it fails; token: of its events, 0: index. ERR_PTR. */
enum hostpipe_index { HOSTPIPE_STDIN, HOSTPIPE_STDOUT, HOSTPIPE_STDERR, HOSTPIPE_PASSED };
struct file *hostpipe_file(int host_fd, enum hostpipe_index index, bool input, u64 token);
void hostpipe_ready(int index, unsigned epoll_events);
/* Opening /dev/stdout or /proc/PID/fd/1: true if `inode` is a host pipe and `file` was set up. */
bool hostpipe_reopen(struct inode *inode, struct file *file);

#endif
