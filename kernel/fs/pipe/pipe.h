/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes and FIFOs: what splice, the descriptor calls and boot need of them. All with the kernel lock held. */
#ifndef KERNEL_FS_PIPE_PIPE_H
#define KERNEL_FS_PIPE_PIPE_H

#include "kernel/vfs/vfs.h"

#define PIPE_DEFAULT_SIZE 65536U
extern unsigned pipe_max_size; /* /proc/sys/fs/pipe-max-size, bytes */

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
	int readers, writers, files;
	u64 reader_generation, writer_generation; /* count opens; blocking opens of FIFOs wait for a change */
	struct wait_queue_head read_wait, write_wait;
};

static inline u32 pipe_used(const struct pipe *pipe) { return pipe->head - pipe->tail; }
static inline u32 pipe_free(const struct pipe *pipe) { return pipe->size - pipe_used(pipe); }

/* Two files on one new pipe; flags: O_NONBLOCK, O_DIRECT. 0, -ENOMEM, -ENFILE. */
int pipe_create(struct file **ret_read, struct file **ret_write, unsigned flags);
/* The pipe that `file` is an end of, or NULL. */
struct pipe *pipe_of(const struct file *file);
/* F_GETPIPE_SZ, F_SETPIPE_SZ. */
long pipe_fcntl(struct file *file, unsigned cmd, u64 arg);

/* For splice: bytes at the front in one piece (a packet is not crossed); consuming wakes writers. */
u32 pipe_peek(struct pipe *pipe, char **ret_data, u32 offset);
void pipe_consume(struct pipe *pipe, u32 n);
/* Sleep until there is something to read / room for a write that does not block. 1: yes, 0: the other side is
 * gone (writers: SIGPIPE was sent and the result is -EPIPE), or -EAGAIN, -ERESTARTSYS. */
long pipe_wait_readable(struct pipe *pipe, bool nonblock);
long pipe_wait_writable(struct pipe *pipe, bool nonblock);

/* Standard input, output and error when they are not a terminal: fs/hostpipe.c. */
int stdio_install(struct files_struct *files);
void hostpipe_ready(int index, unsigned epoll_events);
/* Opening /dev/stdout or /proc/PID/fd/1: true if `inode` is a host pipe and `file` was set up. */
bool hostpipe_reopen(struct inode *inode, struct file *file);

#endif
