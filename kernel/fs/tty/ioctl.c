/* SPDX-License-Identifier: Apache-2.0 */
/* Requests on terminals: tty_ioctl(4). Those on a master act on its slave's settings. */
#include "kernel/fs/tty/internal.h"

static const struct { unsigned code, baud; } speeds[] = {
	{ B0, 0 }, { B50, 50 }, { B75, 75 }, { B110, 110 }, { B134, 134 }, { B150, 150 }, { B200, 200 }, { B300, 300 },
	{ B600, 600 }, { B1200, 1200 }, { B1800, 1800 }, { B2400, 2400 }, { B4800, 4800 }, { B9600, 9600 },
	{ B19200, 19200 }, { B38400, 38400 }, { B57600, 57600 }, { B115200, 115200 }, { B230400, 230400 },
	{ B460800, 460800 }, { B500000, 500000 }, { B576000, 576000 }, { B921600, 921600 }, { B1000000, 1000000 },
	{ B1152000, 1152000 }, { B1500000, 1500000 }, { B2000000, 2000000 }, { B2500000, 2500000 },
	{ B3000000, 3000000 }, { B3500000, 3500000 }, { B4000000, 4000000 },
};

static void decode_speeds(struct termios2 *termios)
{
	unsigned code = termios->c_cflag & CBAUD, input = termios->c_cflag >> IBSHIFT & CBAUD;

	if (code == BOTHER)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(speeds); i++) {
		if (speeds[i].code == code)
			termios->c_ospeed = speeds[i].baud;
	}
	if (input == B0)
		termios->c_ispeed = termios->c_ospeed;
	for (size_t i = 0; i < ARRAY_SIZE(speeds); i++) {
		if (input != B0 && speeds[i].code == input)
			termios->c_ispeed = speeds[i].baud;
	}
}

/* On a pty: what a program in packet mode is told about flow control. */
static void note_packet_modes(struct tty_struct *tty, const struct termios2 *old)
{
	const struct termios2 *new = &tty->termios;
	bool was = (old->c_iflag & IXON) && old->c_cc[VSTOP] == 19 && old->c_cc[VSTART] == 17;
	bool is = (new->c_iflag & IXON) && new->c_cc[VSTOP] == 19 && new->c_cc[VSTART] == 17;

	if (!tty->packet)
		return;
	if (was != is) {
		tty->packet_status &= ~(TIOCPKT_DOSTOP | TIOCPKT_NOSTOP);
		tty->packet_status |= is ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP;
	}
	if ((old->c_lflag ^ new->c_lflag) & EXTPROC || new->c_lflag & EXTPROC)
		tty->packet_status |= TIOCPKT_IOCTL;
	if (tty->packet_status)
		wake_up_poll(&tty->master_wait, POLL_IN | EPOLLPRI);
}

static void set_termios(struct tty_struct *tty, const struct termios2 *new)
{
	struct termios2 old = tty->termios;

	tty->termios = *new;
	tty->termios.c_line = 0;
	tty->termios.c_cflag = (new->c_cflag & ~(CSIZE | PARENB)) | CS8 | CREAD;
	n_tty_mode_changed(tty, &old);
	note_packet_modes(tty, &old);
}

/* What has been written reaches the far side before the change. The monitor takes all; a master reads when it likes. */
static void flush_before(struct tty_struct *tty, bool input)
{
	tty_output_ready(tty);
	if (input)
		n_tty_flush_input(tty);
}

static long get_termios(struct tty_struct *tty, unsigned cmd, user_ptr arg)
{
	struct termios old_style;
	struct termio ancient;

	switch (cmd) {
	case TCGETS2:
		return put_user_object(arg, &tty->termios);
	case TCGETS:
		memcpy(&old_style, &tty->termios, sizeof(old_style));
		return put_user_object(arg, &old_style);
	default:
		memset(&ancient, 0, sizeof(ancient));
		ancient.c_iflag = tty->termios.c_iflag;
		ancient.c_oflag = tty->termios.c_oflag;
		ancient.c_cflag = tty->termios.c_cflag;
		ancient.c_lflag = tty->termios.c_lflag;
		ancient.c_line = tty->termios.c_line;
		memcpy(ancient.c_cc, tty->termios.c_cc, NCC);
		return put_user_object(arg, &ancient);
	}
}

static int read_termios(struct termios2 *new, unsigned cmd, user_ptr arg)
{
	struct termio ancient;

	switch (cmd) {
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
		if (get_user_object(new, arg))
			return -EFAULT;
		break;
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		if (copy_from_user(new, arg, sizeof(struct termios)))
			return -EFAULT;
		break;
	default:
		if (get_user_object(&ancient, arg))
			return -EFAULT;
		new->c_iflag = (new->c_iflag & ~0xffffU) | ancient.c_iflag;
		new->c_oflag = (new->c_oflag & ~0xffffU) | ancient.c_oflag;
		new->c_cflag = (new->c_cflag & ~0xffffU) | ancient.c_cflag;
		new->c_lflag = (new->c_lflag & ~0xffffU) | ancient.c_lflag;
		memcpy(new->c_cc, ancient.c_cc, NCC);
	}
	decode_speeds(new);
	return 0;
}

static u32 keep_bits(u32 new, u32 old, u32 locked) { return (new & ~locked) | (old & locked); }

/* What TIOCSLCKTRMIOS has locked stays as it is. */
static void keep_locked(struct termios2 *new, const struct termios2 *old, const struct termios *locked)
{
	new->c_iflag = keep_bits(new->c_iflag, old->c_iflag, locked->c_iflag);
	new->c_oflag = keep_bits(new->c_oflag, old->c_oflag, locked->c_oflag);
	new->c_cflag = keep_bits(new->c_cflag, old->c_cflag, locked->c_cflag);
	new->c_lflag = keep_bits(new->c_lflag, old->c_lflag, locked->c_lflag);
	if (locked->c_line)
		new->c_line = old->c_line;
	for (int i = 0; i < NCCS; i++)
		if (locked->c_cc[i])
			new->c_cc[i] = old->c_cc[i];
}

static long lock_termios(struct tty_struct *tty, user_ptr arg)
{
	struct termios locked;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (get_user_object(&locked, arg))
		return -EFAULT;
	tty->kept = locked;
	return 0;
}

static long change_termios(struct tty_struct *tty, bool master, unsigned cmd, user_ptr arg)
{
	struct termios2 new = tty->termios;
	bool flush = cmd == TCSETSF || cmd == TCSETSF2 || cmd == TCSETAF;
	bool wait = flush || cmd == TCSETSW || cmd == TCSETSW2 || cmd == TCSETAW;
	int error = master ? 0 : tty_check_background(tty, SIGTTOU);

	if (error)
		return error;
	error = read_termios(&new, cmd, arg);
	if (error)
		return error;
	keep_locked(&new, &tty->termios, &tty->kept);
	if (wait)
		flush_before(tty, flush);
	set_termios(tty, &new);
	return 0;
}

void tty_set_winsize(struct tty_struct *tty, const struct winsize *size)
{
	if (!memcmp(&tty->winsize, size, sizeof(*size)))
		return;
	tty->winsize = *size;
	tty_signal_foreground(tty, SIGWINCH);
}

static long flow_control(struct tty_struct *tty, u64 action)
{
	u8 c;

	switch (action) {
	case TCOOFF:
		if (!tty->stopped_by_ioctl) {
			tty->stopped_by_ioctl = true;
			n_tty_stop(tty);
		}
		return 0;
	case TCOON:
		if (tty->stopped_by_ioctl) {
			tty->stopped_by_ioctl = false;
			tty->stopped = false;
			n_tty_start(tty);
		}
		return 0;
	case TCIOFF:
	case TCION:
		c = tty->termios.c_cc[action == TCIOFF ? VSTOP : VSTART];
		if (c != DISABLED_CHAR) {
			tty_put_output(tty, &c, 1);
			tty_output_ready(tty);
		}
		return 0;
	}
	return -EINVAL;
}

static long flush_queues(struct tty_struct *tty, bool master, u64 which)
{
	/* A master's input is the slave's output. */
	bool input = which == TCIFLUSH || which == TCIOFLUSH, output = which == TCOFLUSH || which == TCIOFLUSH;

	if (!input && !output)
		return -EINVAL;
	if (master ? output : input)
		n_tty_flush_input(tty);
	if (master ? input : output)
		n_tty_flush_output(tty);
	return 0;
}

static long fake_input(struct tty_struct *tty, user_ptr arg)
{
	u8 c;

	if (current->signal->tty != tty && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (copy_from_user(&c, arg, 1))
		return -EFAULT;
	tty_receive(tty, &c, 1);
	return 0;
}

static long set_discipline(user_ptr arg)
{
	u32 discipline;

	if (get_user_u32(&discipline, arg))
		return -EFAULT;
	return discipline == 0 ? 0 : -EINVAL;
}

/* Requests that act on a terminal itself and that a background process may not make unasked. */
static bool needs_foreground(unsigned cmd)
{
	switch (cmd) {
	case TIOCSETD:
	case TIOCSBRK:
	case TIOCCBRK:
	case TCSBRK:
	case TCSBRKP:
	case TCXONC:
	case TCFLSH:
		return true;
	}
	return false;
}

static long settings_ioctl(struct tty_struct *tty, bool master, unsigned cmd, u64 arg)
{
	user_ptr p = user_ptr_at(arg);
	u32 value;

	switch (cmd) {
	case TCGETS:
	case TCGETS2:
	case TCGETA:
		return get_termios(tty, cmd, p);
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
		return change_termios(tty, master, cmd, p);
	case TIOCGLCKTRMIOS:
		return put_user_object(p, &tty->kept);
	case TIOCSLCKTRMIOS:
		return lock_termios(tty, p);
	case TIOCGSOFTCAR:
		return put_user_u32(p, tty->termios.c_cflag & CLOCAL ? 1 : 0);
	case TIOCSSOFTCAR:
		if (get_user_u32(&value, p))
			return -EFAULT;
		tty->termios.c_cflag = (tty->termios.c_cflag & ~CLOCAL) | (value ? CLOCAL : 0);
		return 0;
	}
	return -ENOIOCTLCMD;
}

long tty_common_ioctl(struct tty_struct *tty, struct file *file, bool master, unsigned cmd, u64 arg)
{
	user_ptr p = user_ptr_at(arg);
	struct winsize size;
	int error;
	long result;

	if (!master && needs_foreground(cmd)) {
		error = tty_check_background(tty, SIGTTOU);
		if (error)
			return error;
	}
	result = tty_ctty_ioctl(tty, file, master, cmd, arg);
	if (result == -ENOIOCTLCMD)
		result = settings_ioctl(tty, master, cmd, arg);
	if (result != -ENOIOCTLCMD)
		return result;
	switch (cmd) {
	case TIOCGWINSZ:
		return put_user_object(p, &tty->winsize);
	case TIOCSWINSZ:
		if (get_user_object(&size, p))
			return -EFAULT;
		tty_set_winsize(tty, &size);
		return 0;
	case TIOCSTI:
		return fake_input(tty, p);
	case TIOCINQ:
		return put_user_u32(p, master ? output_count(tty) : n_tty_readable(tty));
	case TIOCOUTQ:
		return put_user_u32(p, 0);
	case TCXONC:
		return flow_control(tty, arg);
	case TCFLSH:
		return flush_queues(tty, master, arg);
	case TCSBRK:
	case TCSBRKP:
	case TIOCSBRK:
	case TIOCCBRK:
		tty_output_ready(tty);
		return 0;
	case TIOCEXCL:
		tty->exclusive = true;
		return 0;
	case TIOCNXCL:
		tty->exclusive = false;
		return 0;
	case TIOCGEXCL:
		return put_user_u32(p, tty->exclusive);
	case TIOCGETD:
		return put_user_u32(p, 0);
	case TIOCSETD:
		return set_discipline(p);
	case TIOCGDEV:
		return put_user_u32(p, master ? TTYAUX_MAJOR << 8 | 2 : tty_device(tty));
	case TIOCVHANGUP:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		tty_hangup(tty);
		return 0;
	}
	return -ENOIOCTLCMD;
}

long tty_ioctl(struct file *file, unsigned cmd, u64 arg)
{
	struct tty_file *tf = file->private;

	if (tty_file_dead(file))
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	return tty_common_ioctl(tf->tty, file, false, cmd, arg);
}
