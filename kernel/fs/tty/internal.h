/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of terminals.
 *
 *   tty.c      the slave side as an open file: open, read, write, poll, hang-up
 *   n_tty.c    the line discipline: editing, echo, signals, output processing
 *   ioctl.c    termios and the other requests
 *   ctty.c     controlling terminals and job control
 *   pty.c      the master side, /dev/ptmx
 *   devpts.c   /dev/pts
 *   console.c  the terminal whose far side are the monitor's pipes
 *
 * far side -> tty_receive() -> line discipline -> input -> read()
 * write() -> output processing -> output -> far side
 */
#ifndef KERNEL_FS_TTY_INTERNAL_H
#define KERNEL_FS_TTY_INTERNAL_H

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <asm/termios.h>

#include "kernel/fs/tty/tty.h"
#include "kernel/sched/wait_info.h"
#include "kernel/task/signal.h"
#include "kernel/task/task.h"
#include "lib/bitmap.h"

#define INPUT_SIZE 4096U   /* also the longest line, with its end: termios(3) */
#define OUTPUT_SIZE 65536U
#define PTS_MAJOR 136
#define TTYAUX_MAJOR 5
#define MAX_PTYS 4096
#define DISABLED_CHAR 0    /* of c_cc; also what stands for EOF in the input */

struct tty_struct {
	refcount_t count;          /* open files, the master, sessions */
	int index;
	struct termios2 termios;
	struct termios kept;    /* bits and characters that are not to change: TIOCSLCKTRMIOS */
	struct winsize winsize;
	struct pid *pgrp, *session; /* counted */

	int slave_files;
	bool master_open;          /* there is a far side */
	bool slave_closed;         /* it was open and is not any more: the master reads EIO */
	bool locked;               /* TIOCSPTLCK */
	bool exclusive;
	struct host_console *console; /* its far side is on the host; NULL */
	unsigned hangups;          /* files opened before the last one are dead */
	struct dentry *dentry;     /* in devpts, counted */

	/* Input: positions only grow, tail <= canon_head <= head. */
	u8 *input;
	u64 line_ends[BITMAP_WORDS(INPUT_SIZE)];
	size_t input_head, input_tail, canon_head;
	bool literal_next, erasing;

	/* Output, towards the far side. */
	u8 *output;
	size_t output_head, output_tail;
	unsigned column, canon_column;
	bool stopped;              /* by VSTOP */
	bool stopped_by_ioctl;     /* TCOOFF: not undone by VSTART */

	bool packet;               /* TIOCPKT */
	u8 packet_status;

	struct wait_queue_head read_wait, write_wait; /* slave */
	struct wait_queue_head master_wait;
};

/* What file->private of a slave points to. */
struct tty_file {
	struct tty_struct *tty;
	unsigned hangups;          /* at open */
};

#define I_FLAG(tty, f) ((tty)->termios.c_iflag & (f))
#define O_FLAG(tty, f) ((tty)->termios.c_oflag & (f))
#define L_FLAG(tty, f) ((tty)->termios.c_lflag & (f))

static inline size_t input_count(const struct tty_struct *tty) { return tty->input_head - tty->input_tail; }
static inline size_t output_count(const struct tty_struct *tty) { return tty->output_head - tty->output_tail; }
static inline bool tty_flow_stopped(const struct tty_struct *tty) { return tty->stopped || tty->stopped_by_ioctl; }

/* tty.c */
/* wait_type.describe of sleeps whose object is an open file of either side. */
void tty_describe_wait(const void *file, struct wait_info *info);
extern const struct file_operations tty_slave_fops, tty_current_fops, tty_console_fops;
struct tty_struct *tty_alloc(int index); /* one reference, for the far side; NULL */
struct tty_struct *tty_find(unsigned index); /* not counted */
int tty_free_index(void); /* or -ENOSPC */
void tty_hangup(struct tty_struct *tty);
/* Something was added to the output: the far side is to fetch it. */
void tty_output_ready(struct tty_struct *tty);
/* Room for more: writers of the slave go on. */
void tty_output_taken(struct tty_struct *tty);
/* Opens the slave as `file`, whose ops it sets. */
int tty_open_slave(struct tty_struct *tty, struct file *file, bool no_ctty);

/* n_tty.c */
/* How many characters of input are taken now; 0: the far side has to wait. */
size_t tty_receive_room(const struct tty_struct *tty);
/* Takes up to n characters; returns how many. */
size_t tty_receive(struct tty_struct *tty, const u8 *data, size_t n);
bool tty_input_available(const struct tty_struct *tty, bool for_poll);
ssize_t n_tty_read(struct tty_struct *tty, struct file *file, struct io_iter *to);
ssize_t n_tty_write(struct tty_struct *tty, struct file *file, struct io_iter *from);
size_t n_tty_readable(const struct tty_struct *tty); /* FIONREAD */
void n_tty_flush_input(struct tty_struct *tty);
void n_tty_flush_output(struct tty_struct *tty);
void n_tty_mode_changed(struct tty_struct *tty, const struct termios2 *old);
void n_tty_stop(struct tty_struct *tty);
void n_tty_start(struct tty_struct *tty);
void tty_put_output(struct tty_struct *tty, const u8 *data, size_t n);
bool tty_file_dead(const struct file *file);

/* ioctl.c */
long tty_ioctl(struct file *file, unsigned cmd, u64 arg);        /* slave */
long tty_common_ioctl(struct tty_struct *tty, struct file *file, bool master, unsigned cmd, u64 arg);
void tty_set_winsize(struct tty_struct *tty, const struct winsize *size);

/* ctty.c */
/* A background process touches the terminal: 0, or `sig` was sent (-ERESTARTSYS), or -EIO. */
int tty_check_background(struct tty_struct *tty, int sig);
void tty_make_controlling(struct tty_struct *tty); /* of current's session */
void session_clear_tty(struct pid *session);
void tty_signal_foreground(struct tty_struct *tty, int sig);
long tty_ctty_ioctl(struct tty_struct *tty, struct file *file, bool master, unsigned cmd, u64 arg); /* -ENOIOCTLCMD */

/* devpts.c */
int devpts_add(struct tty_struct *tty);
void devpts_remove(struct tty_struct *tty);

/* console.c */
void console_output(struct tty_struct *tty);
void console_input(struct tty_struct *tty);
void console_closed(struct tty_struct *tty); /* its last open file has gone */

#endif
