/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line discipline, termios(3). Canonical mode: a line is readable once VEOL, VEOL2, newline or VEOF ends it, and
 * until then can be edited; VEOF on its own makes read return 0. Otherwise VMIN and VTIME decide when read returns.
 *
 * The input holds INPUT_SIZE - 1 characters and a line's end. A line that grows longer loses what comes after, but not its end;
 * in all other cases the far side waits until something is read.
 */
#include "kernel/fs/tty/internal.h"

#define VTIME_UNIT (NSEC_PER_SEC / 10)

static u8 input_at(const struct tty_struct *tty, size_t at) { return tty->input[at % INPUT_SIZE]; }
static bool is_control(u8 c) { return c < 32 || c == 127; }
static bool is_alnum(u8 c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c >= 0xc0;
}
static bool is_continuation(const struct tty_struct *tty, u8 c) { return I_FLAG(tty, IUTF8) && (c & 0xc0) == 0x80; }
static bool is_char(const struct tty_struct *tty, u8 c, int which)
{
	return c == tty->termios.c_cc[which] && c != DISABLED_CHAR;
}

/* Output. */

static size_t output_room(const struct tty_struct *tty)
{
	return OUTPUT_SIZE - output_count(tty);
}

/* What does not fit is lost: echo must not make the far side wait for itself. */
void tty_put_output(struct tty_struct *tty, const u8 *data, size_t n)
{
	n = min(n, output_room(tty));
	while (n) {
		size_t at = tty->output_head % OUTPUT_SIZE, part = min(n, OUTPUT_SIZE - at);

		memcpy(tty->output + at, data, part);
		tty->output_head += part;
		data += part;
		n -= part;
	}
}

static void put_char(struct tty_struct *tty, u8 c)
{
	tty_put_output(tty, &c, 1);
}

static void put_tab(struct tty_struct *tty)
{
	unsigned spaces = 8 - (tty->column & 7);

	tty->column += spaces;
	if (O_FLAG(tty, TABDLY) == XTABS)
		tty_put_output(tty, (const u8 *)"        ", spaces);
	else
		put_char(tty, '\t');
}

/* One character with output processing. False: no room. */
static bool process_output(struct tty_struct *tty, u8 c)
{
	if (output_room(tty) < 8)
		return false;
	if (!O_FLAG(tty, OPOST)) {
		put_char(tty, c);
		return true;
	}
	switch (c) {
	case '\n':
		if (O_FLAG(tty, ONLRET))
			tty->column = 0;
		if (O_FLAG(tty, ONLCR)) {
			tty->column = 0;
			put_char(tty, '\r');
		}
		tty->canon_column = tty->column;
		break;
	case '\r':
		if (O_FLAG(tty, ONOCR) && tty->column == 0)
			return true;
		if (O_FLAG(tty, OCRNL)) {
			c = '\n';
			if (O_FLAG(tty, ONLRET))
				tty->canon_column = tty->column = 0;
			break;
		}
		tty->canon_column = tty->column = 0;
		break;
	case '\t':
		put_tab(tty);
		return true;
	case '\b':
		if (tty->column > 0)
			tty->column--;
		break;
	default:
		if (is_control(c))
			break;
		if (O_FLAG(tty, OLCUC) && c >= 'a' && c <= 'z')
			c -= 32;
		if (!is_continuation(tty, c))
			tty->column++;
	}
	put_char(tty, c);
	return true;
}

static void echo_raw(struct tty_struct *tty, u8 c)
{
	process_output(tty, c);
}

static void echo(struct tty_struct *tty, u8 c)
{
	if (L_FLAG(tty, ECHOCTL) && is_control(c) && c != '\t') {
		put_char(tty, '^');
		put_char(tty, c ^ 0100);
		tty->column += 2;
	} else {
		process_output(tty, c);
	}
}

static void finish_erasing(struct tty_struct *tty)
{
	if (tty->erasing) {
		echo_raw(tty, '/');
		tty->erasing = false;
	}
}

/* Input: editing. */

static void put_input(struct tty_struct *tty, u8 c)
{
	tty->input[tty->input_head % INPUT_SIZE] = c;
	tty->input_head++;
}

static void end_line(struct tty_struct *tty, u8 c)
{
	bitmap_set(tty->line_ends, tty->input_head % INPUT_SIZE);
	put_input(tty, c);
	tty->canon_head = tty->input_head;
	wake_up_poll(&tty->read_wait, POLL_IN);
}

static void echo_erased_tab(struct tty_struct *tty)
{
	size_t at = tty->input_head;
	unsigned width = 0, back;
	bool after_tab = false;

	while (at != tty->canon_head) {
		u8 c = input_at(tty, --at);

		if (c == '\t') {
			after_tab = true;
			break;
		}
		if (is_control(c))
			width += L_FLAG(tty, ECHOCTL) ? 2 : 0;
		else if (!is_continuation(tty, c))
			width++;
	}
	/* Counted from the column where the line began, or from the tab stop before. */
	if (!after_tab)
		width += tty->canon_column;
	for (back = 8 - (width & 7); back; back--) {
		put_char(tty, '\b');
		if (tty->column > 0)
			tty->column--;
	}
}

static void echo_rubout(struct tty_struct *tty)
{
	echo_raw(tty, '\b');
	echo_raw(tty, ' ');
	echo_raw(tty, '\b');
}

static void echo_erased(struct tty_struct *tty, u8 c, size_t bytes, bool single)
{
	if (L_FLAG(tty, ECHOPRT)) {
		if (!tty->erasing) {
			echo_raw(tty, '\\');
			tty->erasing = true;
		}
		echo(tty, c);
		for (size_t i = 1; i < bytes; i++)
			put_char(tty, input_at(tty, tty->input_head + i));
	} else if (single && !L_FLAG(tty, ECHOE)) {
		echo(tty, tty->termios.c_cc[VERASE]);
	} else if (c == '\t') {
		echo_erased_tab(tty);
	} else {
		if (is_control(c) && L_FLAG(tty, ECHOCTL))
			echo_rubout(tty);
		if (!is_control(c) || L_FLAG(tty, ECHOCTL))
			echo_rubout(tty);
	}
}

static void kill_line(struct tty_struct *tty)
{
	tty->input_head = tty->canon_head;
	if (!L_FLAG(tty, ECHO))
		return;
	finish_erasing(tty);
	echo(tty, tty->termios.c_cc[VKILL]);
	if (L_FLAG(tty, ECHOK))
		echo_raw(tty, '\n');
}

/* VERASE, VWERASE or VKILL. */
static void erase(struct tty_struct *tty, int which)
{
	bool in_word = false;

	if (tty->input_head == tty->canon_head)
		return;
	if (which == VKILL && (!L_FLAG(tty, ECHO) || !L_FLAG(tty, ECHOK) || !L_FLAG(tty, ECHOKE) || !L_FLAG(tty, ECHOE))) {
		kill_line(tty);
		return;
	}
	while (tty->input_head != tty->canon_head) {
		size_t head = tty->input_head, bytes;
		u8 c;

		do {
			c = input_at(tty, --head);
		} while (is_continuation(tty, c) && head != tty->canon_head);
		/* The start of the character is not in this line. */
		if (is_continuation(tty, c))
			break;
		if (which == VWERASE) {
			if (is_alnum(c) || c == '_')
				in_word = true;
			else if (in_word)
				break;
		}
		bytes = tty->input_head - head;
		tty->input_head = head;
		if (L_FLAG(tty, ECHO))
			echo_erased(tty, c, bytes, which == VERASE);
		if (which == VERASE)
			break;
	}
	if (tty->input_head == tty->canon_head && L_FLAG(tty, ECHO))
		finish_erasing(tty);
}

static void reprint(struct tty_struct *tty, u8 c)
{
	finish_erasing(tty);
	echo(tty, c);
	echo_raw(tty, '\n');
	for (size_t at = tty->canon_head; at != tty->input_head; at++)
		echo(tty, input_at(tty, at));
}

/* Input: flow control and signals. */

void n_tty_stop(struct tty_struct *tty)
{
	if (tty->packet) {
		tty->packet_status = (tty->packet_status & ~TIOCPKT_START) | TIOCPKT_STOP;
		wake_up_poll(&tty->master_wait, POLL_IN | EPOLLPRI);
	}
}

void n_tty_start(struct tty_struct *tty)
{
	if (tty->packet) {
		tty->packet_status = (tty->packet_status & ~TIOCPKT_STOP) | TIOCPKT_START;
		wake_up_poll(&tty->master_wait, POLL_IN | EPOLLPRI);
	}
	if (!tty_flow_stopped(tty))
		tty_output_taken(tty);
}

static void set_stopped(struct tty_struct *tty, bool stopped)
{
	if (tty->stopped == stopped)
		return;
	tty->stopped = stopped;
	if (stopped)
		n_tty_stop(tty);
	else
		n_tty_start(tty);
}

void n_tty_flush_input(struct tty_struct *tty)
{
	tty->input_tail = tty->canon_head = tty->input_head;
	memset(tty->line_ends, 0, sizeof(tty->line_ends));
	tty->literal_next = tty->erasing = false;
	if (tty->packet) {
		tty->packet_status |= TIOCPKT_FLUSHREAD;
		wake_up_poll(&tty->master_wait, POLL_IN | EPOLLPRI);
	}
	wake_up_poll(&tty->master_wait, POLL_OUT);
}

void n_tty_flush_output(struct tty_struct *tty)
{
	tty->output_tail = tty->output_head;
	if (tty->packet) {
		tty->packet_status |= TIOCPKT_FLUSHWRITE;
		wake_up_poll(&tty->master_wait, POLL_IN | EPOLLPRI);
	}
	tty_output_taken(tty);
}

static void signal_character(struct tty_struct *tty, int sig, u8 c)
{
	tty_signal_foreground(tty, sig);
	if (!L_FLAG(tty, NOFLSH)) {
		n_tty_flush_output(tty);
		n_tty_flush_input(tty);
	}
	if (I_FLAG(tty, IXON))
		set_stopped(tty, false);
	if (L_FLAG(tty, ECHO))
		echo(tty, c);
}

/* Characters that act at once, whatever the line holds. */
static bool receive_control(struct tty_struct *tty, u8 c)
{
	if (I_FLAG(tty, IXON)) {
		if (is_char(tty, c, VSTART)) {
			set_stopped(tty, false);
			return true;
		}
		if (is_char(tty, c, VSTOP)) {
			set_stopped(tty, true);
			return true;
		}
	}
	if (!L_FLAG(tty, ISIG))
		return false;
	if (is_char(tty, c, VINTR))
		signal_character(tty, SIGINT, c);
	else if (is_char(tty, c, VQUIT))
		signal_character(tty, SIGQUIT, c);
	else if (is_char(tty, c, VSUSP))
		signal_character(tty, SIGTSTP, c);
	else
		return false;
	return true;
}

static void echo_input(struct tty_struct *tty, u8 c)
{
	finish_erasing(tty);
	if (tty->canon_head == tty->input_head)
		tty->canon_column = tty->column;
	echo(tty, c);
}

/* Editing and line ends of canonical mode. */
static bool receive_canonical(struct tty_struct *tty, u8 c)
{
	bool extended = L_FLAG(tty, IEXTEN);

	if (is_char(tty, c, VERASE)) {
		erase(tty, VERASE);
	} else if (is_char(tty, c, VKILL)) {
		erase(tty, VKILL);
	} else if (extended && is_char(tty, c, VWERASE)) {
		erase(tty, VWERASE);
	} else if (extended && is_char(tty, c, VLNEXT)) {
		tty->literal_next = true;
		if (L_FLAG(tty, ECHO)) {
			finish_erasing(tty);
			if (L_FLAG(tty, ECHOCTL)) {
				echo_raw(tty, '^');
				echo_raw(tty, '\b');
			}
		}
	} else if (extended && L_FLAG(tty, ECHO) && is_char(tty, c, VREPRINT)) {
		reprint(tty, c);
	} else if (c == '\n') {
		if (L_FLAG(tty, ECHO) || L_FLAG(tty, ECHONL))
			echo_raw(tty, '\n');
		end_line(tty, c);
	} else if (is_char(tty, c, VEOF)) {
		end_line(tty, DISABLED_CHAR);
	} else if (is_char(tty, c, VEOL) || (extended && is_char(tty, c, VEOL2))) {
		if (L_FLAG(tty, ECHO))
			echo_input(tty, c);
		end_line(tty, c);
	} else {
		return false;
	}
	return true;
}

static void receive_literal(struct tty_struct *tty, u8 c)
{
	if (I_FLAG(tty, PARMRK) && c == 0xff)
		put_input(tty, c);
	if (L_FLAG(tty, ECHO))
		echo_input(tty, c);
	put_input(tty, c);
}

static void receive_char(struct tty_struct *tty, u8 c)
{
	if (I_FLAG(tty, ISTRIP))
		c &= 0x7f;
	if (I_FLAG(tty, IUCLC) && L_FLAG(tty, IEXTEN) && c >= 'A' && c <= 'Z')
		c += 32;
	if (L_FLAG(tty, EXTPROC)) {
		put_input(tty, c);
		return;
	}
	if (tty->literal_next) {
		tty->literal_next = false;
		receive_literal(tty, c);
		return;
	}
	if (tty->stopped && I_FLAG(tty, IXON) && I_FLAG(tty, IXANY) && !is_char(tty, c, VSTOP))
		set_stopped(tty, false);
	if (receive_control(tty, c))
		return;
	if (c == '\r') {
		if (I_FLAG(tty, IGNCR))
			return;
		if (I_FLAG(tty, ICRNL))
			c = '\n';
	} else if (c == '\n' && I_FLAG(tty, INLCR)) {
		c = '\r';
	}
	if (L_FLAG(tty, ICANON) && receive_canonical(tty, c))
		return;
	if (!L_FLAG(tty, ICANON) && c == '\n' && L_FLAG(tty, ECHO)) {
		finish_erasing(tty);
		echo_raw(tty, '\n');
		put_input(tty, c);
		return;
	}
	receive_literal(tty, c);
}

size_t tty_receive_room(const struct tty_struct *tty)
{
	size_t used = input_count(tty), room = INPUT_SIZE - used;

	if (I_FLAG(tty, PARMRK))
		room = (room + 2) / 3;
	if (room > 1)
		return room - 1;
	/* Only a line's end is still of use; one character at a time is tried. */
	return L_FLAG(tty, ICANON) && tty->canon_head == tty->input_tail ? 1 : 0;
}

size_t tty_receive(struct tty_struct *tty, const u8 *data, size_t n)
{
	size_t done = 0, output = tty->output_head;

	while (done < n && tty_receive_room(tty)) {
		/* The line is too long: the last character makes way. */
		if (input_count(tty) >= INPUT_SIZE)
			tty->input_head = tty->input_tail + INPUT_SIZE - 1;
		receive_char(tty, data[done++]);
	}
	if (tty->output_head != output)
		tty_output_ready(tty);
	if (tty_input_available(tty, false))
		wake_up_poll(&tty->read_wait, POLL_IN);
	return done;
}

/* Reading. */

static bool line_mode(const struct tty_struct *tty)
{
	return L_FLAG(tty, ICANON) && !L_FLAG(tty, EXTPROC);
}

bool tty_input_available(const struct tty_struct *tty, bool for_poll)
{
	size_t needed = 1;

	if (line_mode(tty))
		return tty->canon_head != tty->input_tail;
	if (for_poll && !tty->termios.c_cc[VTIME] && tty->termios.c_cc[VMIN])
		needed = tty->termios.c_cc[VMIN];
	return input_count(tty) >= needed;
}

/* VEOF ends a line but is not part of it. */
static bool is_eof_mark(const struct tty_struct *tty, size_t at)
{
	return bitmap_test(tty->line_ends, at % INPUT_SIZE) && input_at(tty, at) == DISABLED_CHAR;
}

size_t n_tty_readable(const struct tty_struct *tty)
{
	size_t n = 0;

	if (!line_mode(tty))
		return input_count(tty);
	for (size_t at = tty->input_tail; at != tty->canon_head; at++)
		n += !is_eof_mark(tty, at);
	return n;
}

static ssize_t copy_input(struct tty_struct *tty, struct io_iter *to, size_t n)
{
	ssize_t done = 0;

	while (n) {
		size_t at = tty->input_tail % INPUT_SIZE, part = min(n, (size_t)INPUT_SIZE - at);
		size_t copied = copy_to_iter(to, tty->input + at, part);

		tty->input_tail += copied;
		done += copied;
		n -= copied;
		if (copied < part)
			return done ? done : -EFAULT;
	}
	return done;
}

static void drop_line_end(struct tty_struct *tty, size_t at)
{
	bitmap_clear(tty->line_ends, at % INPUT_SIZE);
}

static ssize_t read_line(struct tty_struct *tty, struct io_iter *to)
{
	size_t end = tty->input_tail, length;
	ssize_t done;
	bool found, eof;

	while (end != tty->canon_head && !bitmap_test(tty->line_ends, end % INPUT_SIZE))
		end++;
	found = end != tty->canon_head;
	eof = found && is_eof_mark(tty, end);
	length = end - tty->input_tail + (found && !eof);
	done = copy_input(tty, to, min(length, to->count));
	if (done < 0 || (size_t)done < length)
		return done;
	if (found)
		drop_line_end(tty, end);
	if (eof)
		tty->input_tail++;
	return done;
}

/* Far sides wait for room; tell them when a good part is free. */
static void input_taken(struct tty_struct *tty)
{
	wake_up_poll(&tty->master_wait, POLL_OUT);
	if (tty->console)
		console_input(tty);
}

struct read_limits {
	size_t minimum;
	u64 between;  /* ns between characters; 0: no limit */
	u64 deadline; /* of the next character */
	bool once;    /* VMIN 0, VTIME 0: take what is there */
};

static struct read_limits read_limits(const struct tty_struct *tty)
{
	struct read_limits limits = { .minimum = 0, .deadline = NEVER };
	u64 time = tty->termios.c_cc[VTIME] * VTIME_UNIT;

	if (line_mode(tty))
		return limits;
	limits.minimum = tty->termios.c_cc[VMIN];
	if (limits.minimum) {
		limits.between = time;
	} else {
		limits.minimum = 1;
		limits.once = time == 0;
		if (time)
			limits.deadline = ktime_get() + time;
	}
	return limits;
}

static const struct wait_type tty_read_wait = { "terminal read", BLOCK_QUEUE, tty_describe_wait };
static const struct wait_type tty_write_wait = { "terminal write", BLOCK_QUEUE, tty_describe_wait };

/* Waits for input. 0: there may be some; 1: give back what was read, also if that is nothing; or an error. */
static long wait_for_input(struct tty_struct *tty, struct file *file, const struct read_limits *limits)
{
	long error;

	if (tty_file_dead(file))
		return 1;
	if (!tty->master_open)
		return -EIO;
	if (limits->once)
		return 1;
	if (file->flags & O_NONBLOCK)
		return -EAGAIN;
	error = wait_event_interruptible_until(&tty->read_wait, &tty_read_wait, file, limits->deadline,
					       tty_input_available(tty, false) || !tty->master_open || tty_file_dead(file));
	return error == -ETIME ? 1 : error;
}

ssize_t n_tty_read(struct tty_struct *tty, struct file *file, struct io_iter *to)
{
	struct read_limits limits;
	ssize_t total = 0;
	long error;

	error = current->signal->tty == tty ? tty_check_background(tty, SIGTTIN) : 0;
	if (error)
		return error;
	limits = read_limits(tty);
	while (to->count) {
		ssize_t n;

		if (!tty_input_available(tty, false)) {
			error = wait_for_input(tty, file, &limits);
			if (error < 0)
				return total ? total : error;
			if (error)
				return total;
			continue;
		}
		if (line_mode(tty)) {
			n = read_line(tty, to);
			input_taken(tty);
			return n;
		}
		n = copy_input(tty, to, min(input_count(tty), to->count));
		/* What was read as characters is not read as a line later. */
		if (tty->canon_head < tty->input_tail)
			tty->canon_head = tty->input_tail;
		input_taken(tty);
		if (n < 0)
			return total ? total : n;
		total += n;
		if ((size_t)total >= limits.minimum)
			return total;
		if (limits.between)
			limits.deadline = ktime_get() + limits.between;
	}
	return total;
}

/* Writing. */

static ssize_t write_part(struct tty_struct *tty, struct io_iter *from)
{
	u8 part[256];
	size_t n = min(from->count, sizeof(part)), done = 0;

	/* Each character may become eight. */
	n = min(n, output_room(tty) / 8);
	if (!n || tty_flow_stopped(tty))
		return 0;
	n = copy_from_iter(from, part, n);
	if (!n)
		return -EFAULT;
	if (!O_FLAG(tty, OPOST)) {
		tty_put_output(tty, part, n);
		return n;
	}
	while (done < n && process_output(tty, part[done]))
		done++;
	return done;
}

ssize_t n_tty_write(struct tty_struct *tty, struct file *file, struct io_iter *from)
{
	ssize_t total = 0, n = 0;
	long error;

	if (L_FLAG(tty, TOSTOP)) {
		error = tty_check_background(tty, SIGTTOU);
		if (error)
			return error;
	}
	while (from->count) {
		if (tty_file_dead(file) || !tty->master_open)
			return total ? total : -EIO;
		n = write_part(tty, from);
		if (n < 0)
			break;
		total += n;
		if (n)
			continue;
		tty_output_ready(tty);
		if (output_room(tty) >= 8 && !tty_flow_stopped(tty))
			continue;
		if (file->flags & O_NONBLOCK)
			return total ? total : -EAGAIN;
		error = wait_event_interruptible(&tty->write_wait, &tty_write_wait, file,
						 (output_room(tty) >= 8 && !tty_flow_stopped(tty)) ||
							 !tty->master_open || tty_file_dead(file));
		if (error)
			return total ? total : error;
	}
	tty_output_ready(tty);
	return total ? total : n;
}

/* A change between lines and characters: what is in the input becomes readable under the new rule. */
void n_tty_mode_changed(struct tty_struct *tty, const struct termios2 *old)
{
	if ((old->c_lflag ^ tty->termios.c_lflag) & (ICANON | EXTPROC)) {
		memset(tty->line_ends, 0, sizeof(tty->line_ends));
		if (!L_FLAG(tty, ICANON) || !input_count(tty)) {
			tty->canon_head = tty->input_tail;
		} else {
			bitmap_set(tty->line_ends, (tty->input_head - 1) % INPUT_SIZE);
			tty->canon_head = tty->input_head;
		}
		tty->erasing = tty->literal_next = false;
	}
	if (!I_FLAG(tty, IXON) && (old->c_iflag & IXON) && !tty->stopped_by_ioctl)
		set_stopped(tty, false);
	wake_up_poll(&tty->read_wait, POLL_IN);
	wake_up_poll(&tty->write_wait, POLL_OUT);
}
