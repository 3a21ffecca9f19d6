/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pseudoterminals, pty(7). Opening /dev/ptmx makes a terminal and /dev/pts/N; the file is its far side. Closing it hangs the
 * terminal up and removes the name. The slave stays locked until TIOCSPTLCK (unlockpt(3)).
 */
#include "kernel/fs/tty/internal.h"
#include "kernel/init/initcall.h"
#include "kernel/mm/alloc.h"

static const struct file_operations ptmx_fops, master_fops;

static bool is_master(const struct file *file, const void *tty) { return file->ops == &master_fops && file->private == tty; }

static bool is_slave(const struct file *file, const void *tty)
{
	return file->ops == &tty_slave_fops && ((const struct tty_file *)file->private)->tty == tty;
}

void tty_describe_wait(const void *object, struct wait_info *info)
{
	const struct file *file = object;
	bool master = file->ops == &master_fops;
	const struct tty_struct *tty = master ? file->private : ((const struct tty_file *)file->private)->tty;

	wait_info_printf(info, "%s of terminal /dev/pts/%d", master ? "master" : "slave", tty->index);
	wait_info_openers(info, WAIT_PEER, master ? is_slave : is_master, tty);
}

static const struct wait_type master_read_wait = { "terminal read", BLOCK_QUEUE, tty_describe_wait };
static const struct wait_type master_write_wait = { "terminal write", BLOCK_QUEUE, tty_describe_wait };

static int ptmx_open(struct inode *inode, struct file *file)
{
	int index = tty_free_index(), error;
	struct tty_struct *tty;

	if (index < 0)
		return index;
	tty = tty_alloc(index);
	if (!tty)
		return -ENOMEM;
	tty->locked = true;
	error = devpts_add(tty);
	if (error) {
		tty_put(tty);
		return error;
	}
	file->private = tty;
	file->ops = &master_fops;
	return 0;
}

static void master_release(struct file *file)
{
	struct tty_struct *tty = file->private;

	devpts_remove(tty);
	tty->master_open = false;
	tty->packet = false;
	wake_up_common(&tty->read_wait, 0, POLL_IN | EPOLLHUP);
	wake_up_common(&tty->write_wait, 0, POLL_OUT | EPOLLHUP);
	tty_hangup(tty);
	tty_put(tty);
}

static ssize_t read_packet_status(struct tty_struct *tty, struct io_iter *to)
{
	u8 status = tty->packet_status;

	tty->packet_status = 0;
	return copy_to_iter(to, &status, 1) == 1 ? 1 : -EFAULT;
}

static ssize_t take_output(struct tty_struct *tty, struct io_iter *to)
{
	u8 data_mark = TIOCPKT_DATA;
	ssize_t done = 0;

	if (tty->packet) {
		if (copy_to_iter(to, &data_mark, 1) != 1)
			return -EFAULT;
		done = 1;
	}
	while (output_count(tty) && to->count) {
		size_t at = tty->output_tail % OUTPUT_SIZE;
		size_t part = min(min(output_count(tty), OUTPUT_SIZE - at), to->count);
		size_t copied = copy_to_iter(to, tty->output + at, part);

		tty->output_tail += copied;
		done += copied;
		if (copied < part)
			return done ? done : -EFAULT;
	}
	tty_output_taken(tty);
	return done;
}

static bool master_has_news(const struct tty_struct *tty)
{
	return output_count(tty) || (tty->packet && tty->packet_status);
}

static ssize_t master_read(struct file *file, struct io_iter *to, loff_t *pos)
{
	struct tty_struct *tty = file->private;
	long error;

	while (to->count) {
		if (tty->packet && tty->packet_status)
			return read_packet_status(tty, to);
		if (output_count(tty))
			return take_output(tty, to);
		if (tty->slave_closed)
			return -EIO;
		if (file->flags & O_NONBLOCK)
			return -EAGAIN;
		error = wait_event_interruptible(&tty->master_wait, &master_read_wait, file, master_has_news(tty) || tty->slave_closed);
		if (error)
			return error;
	}
	return 0;
}

static ssize_t master_write(struct file *file, struct io_iter *from, loff_t *pos)
{
	struct tty_struct *tty = file->private;
	ssize_t total = 0;
	u8 part[256];
	long error;

	while (from->count) {
		size_t room = tty_receive_room(tty), n;

		if (tty->slave_closed)
			return total ? total : -EIO;
		if (!room) {
			if (file->flags & O_NONBLOCK)
				return total ? total : -EAGAIN;
			error = wait_event_interruptible(&tty->master_wait, &master_write_wait, file,
							 tty_receive_room(tty) || tty->slave_closed);
			if (error)
				return total ? total : error;
			continue;
		}
		/* Characters are taken from the program only when they can be kept. */
		n = copy_from_iter(from, part, min(min(room, sizeof(part)), from->count));
		if (!n)
			return total ? total : -EFAULT;
		for (size_t done = 0; done < n;) {
			size_t taken = tty_receive(tty, part + done, n - done);

			if (!taken)
				break;
			done += taken;
		}
		total += n;
	}
	return total;
}

static unsigned master_poll(struct file *file, struct poll_table *table)
{
	struct tty_struct *tty = file->private;
	unsigned events = 0;

	poll_wait(file, &tty->master_wait, table);
	if (output_count(tty))
		events |= POLL_IN;
	if (tty->packet && tty->packet_status)
		events |= POLL_IN | EPOLLPRI;
	if (tty->slave_closed)
		events |= EPOLLHUP;
	else if (tty_receive_room(tty))
		events |= POLL_OUT;
	return events;
}

static long set_packet_mode(struct tty_struct *tty, user_ptr arg)
{
	u32 on;

	if (get_user_u32(&on, arg))
		return -EFAULT;
	if (on && !tty->packet)
		tty->packet_status = 0;
	tty->packet = on;
	return 0;
}

static long set_lock(struct tty_struct *tty, user_ptr arg)
{
	u32 locked;

	if (get_user_u32(&locked, arg))
		return -EFAULT;
	tty->locked = locked;
	return 0;
}

/* TIOCGPTPEER: the slave, whatever is mounted where the caller sees it. */
static long open_peer(struct tty_struct *tty, u64 flags)
{
	char name[32];
	struct file *file;

	snprintf(name, sizeof(name), "/dev/pts/%d", tty->index);
	file = do_file_open(AT_FDCWD, name, flags & ~(u64)O_CLOEXEC, 0, LOOKUP_FOLLOW);
	if (IS_ERR(file))
		return PTR_ERR(file);
	return fd_install_new(file, flags & O_CLOEXEC);
}

static long send_to_slave(struct tty_struct *tty, u64 sig)
{
	if (sig != SIGINT && sig != SIGQUIT && sig != SIGTSTP)
		return -EINVAL;
	tty_signal_foreground(tty, sig);
	return 0;
}

static long master_ioctl(struct file *file, unsigned cmd, u64 arg)
{
	struct tty_struct *tty = file->private;
	user_ptr p = user_ptr_at(arg);

	switch (cmd) {
	case TIOCGPTN:
		return put_user_u32(p, tty->index);
	case TIOCSPTLCK:
		return set_lock(tty, p);
	case TIOCGPTLCK:
		return put_user_u32(p, tty->locked);
	case TIOCGPTPEER:
		return open_peer(tty, arg);
	case TIOCPKT:
		return set_packet_mode(tty, p);
	case TIOCGPKT:
		return put_user_u32(p, tty->packet);
	case TIOCSIG:
		return send_to_slave(tty, arg);
	}
	return tty_common_ioctl(tty, file, true, cmd, arg);
}

static int tty_devices_init(void)
{
	int error = register_chrdev(PTS_MAJOR, 0, MAX_PTYS, &tty_slave_fops);

	if (!error)
		error = register_chrdev(TTYAUX_MAJOR, 0, 1, &tty_current_fops);
	if (!error)
		error = register_chrdev(TTYAUX_MAJOR, 1, 1, &tty_console_fops);
	if (!error)
		error = register_chrdev(TTYAUX_MAJOR, 2, 1, &ptmx_fops);
	return error;
}
INITCALL(tty, tty_devices_init, "");

static const struct file_operations ptmx_fops = { .name = "ptmx", .open = ptmx_open };
static const struct file_operations master_fops = {
	.name = "ptmx",
	.read = master_read,
	.write = master_write,
	.poll = master_poll,
	.ioctl = master_ioctl,
	.release = master_release,
};
