/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terminals as open files: the slave side, /dev/tty and hang-up.
 *
 * When the far side goes, or vhangup is asked for, all files opened before are dead: they read end of file, writes and
 * requests fail with EIO, and the session leader gets SIGHUP.
 */
#include "kernel/fs/tty/internal.h"
#include "kernel/mm/alloc.h"

static struct tty_struct *ttys[MAX_PTYS] __cold_data;

/* termios(3) of a new terminal: Linux's defaults. */
static const struct termios2 initial_termios = {
	.c_iflag = ICRNL | IXON,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B38400 | CS8 | CREAD,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_cc = { [VINTR] = 3, [VQUIT] = 28, [VERASE] = 127, [VKILL] = 21, [VEOF] = 4, [VTIME] = 0, [VMIN] = 1,
		  [VSTART] = 17, [VSTOP] = 19, [VSUSP] = 26, [VREPRINT] = 18, [VDISCARD] = 15, [VWERASE] = 23, [VLNEXT] = 22 },
	.c_ispeed = 38400,
	.c_ospeed = 38400,
};

int tty_free_index(void)
{
	for (int i = 0; i < MAX_PTYS; i++) {
		if (!ttys[i])
			return i;
	}
	return -ENOSPC;
}

struct tty_struct *tty_find(unsigned index)
{
	return index < MAX_PTYS ? ttys[index] : NULL;
}

struct tty_struct *tty_alloc(int index)
{
	struct tty_struct *tty = kzalloc(sizeof(*tty));

	if (!tty)
		return NULL;
	tty->input = kmalloc(INPUT_SIZE);
	tty->output = kmalloc(OUTPUT_SIZE);
	if (!tty->input || !tty->output) {
		kfree(tty->input);
		kfree(tty->output);
		kfree(tty);
		return NULL;
	}
	refcount_set(&tty->count, 1);
	tty->index = index;
	tty->termios = initial_termios;
	tty->master_open = true;
	wait_queue_init(&tty->read_wait);
	wait_queue_init(&tty->write_wait);
	wait_queue_init(&tty->master_wait);
	ttys[index] = tty;
	return tty;
}

struct tty_struct *tty_get(struct tty_struct *tty)
{
	refcount_inc(&tty->count);
	return tty;
}

void tty_put(struct tty_struct *tty)
{
	if (!tty || !refcount_dec_and_test(&tty->count))
		return;
	if (ttys[tty->index] == tty)
		ttys[tty->index] = NULL;
	if (tty->pgrp)
		pid_put(tty->pgrp);
	if (tty->session)
		pid_put(tty->session);
	kfree(tty->input);
	kfree(tty->output);
	kfree(tty);
}

dev_t tty_device(const struct tty_struct *tty)
{
	return (dev_t)PTS_MAJOR << 8 | (tty->index & 0xff) | (dev_t)(tty->index & ~0xff) << 12;
}

pid_t tty_foreground_pgrp(const struct tty_struct *tty)
{
	return tty->pgrp ? tty->pgrp->number : -1;
}

bool tty_file_dead(const struct file *file)
{
	const struct tty_file *tf = file->private;

	return tf->hangups != tf->tty->hangups;
}

void tty_output_ready(struct tty_struct *tty)
{
	if (!output_count(tty))
		return;
	if (tty->console)
		console_output(tty);
	else
		wake_up_poll(&tty->master_wait, POLL_IN);
}

void tty_output_taken(struct tty_struct *tty)
{
	wake_up_poll(&tty->write_wait, POLL_OUT);
}

static void wake_everyone(struct tty_struct *tty)
{
	wake_up_common(&tty->read_wait, 0, POLL_IN | EPOLLHUP | EPOLLERR);
	wake_up_common(&tty->write_wait, 0, POLL_OUT | EPOLLHUP | EPOLLERR);
	wake_up_common(&tty->master_wait, 0, POLL_IN | POLL_OUT | EPOLLHUP);
}

/* The session loses its terminal; its leader hears of it, and remembers whom to tell when it exits. */
static void hang_up_session(struct tty_struct *tty)
{
	struct pid *session = tty->session, *pgrp = tty->pgrp;
	struct signal_struct *signal;

	tty->session = NULL;
	tty->pgrp = NULL;
	if (!session)
		return;
	list_for_each_entry(signal, &session->session_processes, session_link) {
		if (signal->tty != tty)
			continue;
		signal->tty = NULL;
		tty_put(tty);
		if (!signal->session_leader)
			continue;
		send_signal_process(SIGHUP, SEND_SIG_KERNEL, signal->leader);
		send_signal_process(SIGCONT, SEND_SIG_KERNEL, signal->leader);
		if (signal->tty_old_pgrp)
			pid_put(signal->tty_old_pgrp);
		signal->tty_old_pgrp = pgrp ? pid_get(pgrp) : NULL;
	}
	if (pgrp)
		pid_put(pgrp);
	pid_put(session);
}

void tty_hangup(struct tty_struct *tty)
{
	tty_get(tty);
	tty->hangups++;
	n_tty_flush_input(tty);
	hang_up_session(tty);
	wake_everyone(tty);
	tty_put(tty);
}

static int slave_open(struct inode *inode, struct file *file)
{
	unsigned index = (inode->rdev & 0xff) | (inode->rdev >> 12 & ~0xffU);
	struct tty_struct *tty = tty_find(index);

	return tty ? tty_open_slave(tty, file, file->flags & O_NOCTTY) : -EIO;
}

int tty_open_slave(struct tty_struct *tty, struct file *file, bool no_ctty)
{
	struct tty_file *tf;

	if (!tty->master_open || tty->locked)
		return -EIO;
	if (tty->exclusive && !capable(CAP_SYS_ADMIN))
		return -EBUSY;
	tf = kmalloc(sizeof(*tf));
	if (!tf)
		return -ENOMEM;
	tf->tty = tty_get(tty);
	tf->hangups = tty->hangups;
	tty->slave_files++;
	tty->slave_closed = false;
	file->private = tf;
	file->ops = &tty_slave_fops;
	if (!no_ctty && current->signal->session_leader && !current->signal->tty && !tty->session && file->readable)
		tty_make_controlling(tty);
	return 0;
}

static void slave_release(struct file *file)
{
	struct tty_file *tf = file->private;
	struct tty_struct *tty = tf->tty;

	if (--tty->slave_files == 0) {
		tty->slave_closed = true;
		tty->exclusive = false;
		wake_up_common(&tty->master_wait, 0, POLL_IN | POLL_OUT | EPOLLHUP);
		if (tty->console)
			console_closed(tty);
	}
	tty_put(tty);
	kfree(tf);
}

static struct tty_struct *tty_of(const struct file *file)
{
	return ((struct tty_file *)file->private)->tty;
}

static ssize_t slave_read(struct file *file, struct io_iter *to, loff_t *pos)
{
	struct tty_struct *tty = tty_of(file);
	ssize_t n;

	if (tty_file_dead(file))
		return 0;
	n = n_tty_read(tty, file, to);
	if (n > 0)
		file->inode->atime = current_time();
	return n;
}

static ssize_t slave_write(struct file *file, struct io_iter *from, loff_t *pos)
{
	struct tty_struct *tty = tty_of(file);
	ssize_t n;

	if (tty_file_dead(file))
		return -EIO;
	n = n_tty_write(tty, file, from);
	if (n > 0)
		file->inode->mtime = current_time();
	return n;
}

static unsigned slave_poll(struct file *file, struct poll_table *table)
{
	struct tty_struct *tty = tty_of(file);
	unsigned events = 0;

	if (tty_file_dead(file))
		return POLL_IN | POLL_OUT | EPOLLERR | EPOLLHUP;
	poll_wait(file, &tty->read_wait, table);
	poll_wait(file, &tty->write_wait, table);
	if (tty_input_available(tty, true))
		events |= POLL_IN;
	if (!tty->master_open)
		events |= EPOLLHUP;
	if (!tty_flow_stopped(tty) && OUTPUT_SIZE - output_count(tty) >= 256)
		events |= POLL_OUT;
	return events;
}

/* /dev/tty: whichever terminal controls the caller. */
static int current_tty_open(struct inode *inode, struct file *file)
{
	struct tty_struct *tty = current->signal->tty;

	return tty ? tty_open_slave(tty, file, true) : -ENXIO;
}

/* /dev/console: the container's own terminal, if it has one. */
static int console_device_open(struct inode *inode, struct file *file)
{
	struct tty_struct *tty = tty_find(0);

	return tty && tty->console && tty->master_open ? tty_open_slave(tty, file, true) : -ENXIO;
}

const struct file_operations tty_slave_fops = {
	.name = "tty",
	.read = slave_read,
	.write = slave_write,
	.poll = slave_poll,
	.ioctl = tty_ioctl,
	.open = slave_open,
	.release = slave_release,
};
const struct file_operations tty_current_fops = { .name = "tty", .open = current_tty_open };
const struct file_operations tty_console_fops = { .name = "console", .open = console_device_open };
