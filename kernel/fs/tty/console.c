/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terminals whose far side is on the host: the container's own (/dev/pts/0, also /dev/console), and one for each `exec` that wants one. The host
 * descriptors do not block and report readiness as edges: input is read until there is no more or the line discipline is full, output is
 * written until the host takes no more; reading and the next edge go on from there.
 */
#include "host.gen.h"
#include "kernel/fs/tty/internal.h"
#include "kernel/host/handover.h"
#include "kernel/init/init.h"
#include "kernel/init/initcall.h"
#include "kernel/mm/alloc.h"

#define CONSOLE_INDEX 0
#define TTY_GROUP 5
#define DRAIN_TIME (2 * NSEC_PER_SEC) /* for a reader that is slow to take the last output */

struct host_console {
	struct tty_struct *tty; /* holds it */
	struct host_watch watch; /* token 0: the container's own */
	int input_fd, output_fd;
	bool input_waits; /* the host may have more input than was taken */
	bool in_output;
	bool closing;     /* nobody has it open any more; it goes when the output has gone */
};

static struct host_console *console;

static void console_free(struct host_console *c)
{
	host_watch_remove(&c->watch);
	host_close(c->input_fd);
	devpts_remove(c->tty);
	c->tty->console = NULL;
	c->tty->master_open = false;
	tty_put(c->tty);
	kfree(c);
}

void console_output(struct tty_struct *tty)
{
	struct host_console *c = tty->console;

	/* A host write may let other tasks in; one of them at a time writes. */
	if (c->in_output)
		return;
	c->in_output = true;
	while (output_count(tty)) {
		size_t at = tty->output_tail % OUTPUT_SIZE;
		struct io_vector vector = { (u64)(tty->output + at), min(output_count(tty), OUTPUT_SIZE - at) };
		long n = host_pwritev2(c->output_fd, &vector, 1, UINT64_MAX, UINT64_MAX, 0);

		if (n == -EAGAIN || n == -EINTR || n == 0)
			break;
		/* Nobody is there any more: what is written goes nowhere. */
		tty->output_tail += n < 0 ? (s64)output_count(tty) : n;
	}
	c->in_output = false;
	if (output_count(tty) < OUTPUT_SIZE / 2)
		tty_output_taken(tty);
}

void console_input(struct tty_struct *tty)
{
	struct host_console *c = tty->console;
	u8 data[512];

	while (c->input_waits) {
		size_t room = tty_receive_room(tty), done = 0;
		struct io_vector vector = { (u64)data, min(room, sizeof(data)) };
		long n;

		if (!room)
			return;
		n = host_preadv2(c->input_fd, &vector, 1, UINT64_MAX, UINT64_MAX, 0);
		if (n == -EINTR)
			continue;
		if (n <= 0) {
			c->input_waits = false;
			if (n != -EAGAIN) {
				tty->master_open = false;
				tty_hangup(tty);
			}
			return;
		}
		while (done < (size_t)n) {
			size_t taken = tty_receive(tty, data + done, n - done);

			if (!taken)
				break;
			done += taken;
		}
	}
}

static void far_side_ready(struct host_console *c, bool input, bool output)
{
	if (input && !c->closing) {
		c->input_waits = true;
		console_input(c->tty);
	}
	if (output)
		console_output(c->tty);
	if (c->closing && !output_count(c->tty))
		console_free(c);
}

void console_ready(int index, unsigned events)
{
	if (console)
		far_side_ready(console, index == 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)), index != 0);
}

static void watch_ready(struct host_watch *watch, unsigned events)
{
	far_side_ready(container_of(watch, struct host_console, watch), events & (EPOLLIN | EPOLLHUP | EPOLLERR),
		       events & (EPOLLOUT | EPOLLHUP | EPOLLERR));
}

static void resize(struct tty_struct *tty, unsigned rows, unsigned columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };

	tty_set_winsize(tty, &size);
}

void console_resize(unsigned rows, unsigned columns)
{
	if (console)
		resize(console->tty, rows, columns);
}

struct file *console_open(void)
{
	return do_file_open(AT_FDCWD, "/dev/pts/0", O_RDWR, 0, LOOKUP_FOLLOW);
}

/* The last output of a program that has just ended may still be on its way. */
void console_drain(void)
{
	static const struct wait_type drain_wait = { "terminal output", BLOCK_QUEUE, wait_describe_text };

	if (console && output_count(console->tty))
		(void)wait_event_common(&console->tty->write_wait, TASK_UNINTERRUPTIBLE, &drain_wait, "the terminal's reader",
					ktime_get() + DRAIN_TIME, false, !output_count(console->tty), false);
}

static struct host_console *console_make(int index, int input_fd, int output_fd, u16 rows, u16 columns, uid_t uid, int *ret_error)
{
	struct host_console *c = kzalloc(sizeof(*c));
	struct tty_struct *tty = c ? tty_alloc(index) : NULL;

	*ret_error = -ENOMEM;
	if (!tty) {
		kfree(c);
		return NULL;
	}
	c->tty = tty;
	c->input_fd = input_fd;
	c->output_fd = output_fd;
	c->input_waits = true;
	tty->console = c;
	tty->winsize.ws_row = rows;
	tty->winsize.ws_col = columns;
	*ret_error = devpts_add(tty);
	if (*ret_error) {
		tty_put(tty);
		kfree(c);
		return NULL;
	}
	tty->dentry->inode->mode = S_IFCHR | 0620;
	tty->dentry->inode->uid = uid;
	tty->dentry->inode->gid = TTY_GROUP;
	return c;
}

struct file *console_exec(int host_fd, u64 token, u16 rows, u16 columns, uid_t uid, int *ret_index)
{
	int index = CONSOLE_INDEX + 1, error; /* that number is the container's own */
	struct host_console *c;
	struct file *file;
	char name[32];

	while (index < MAX_PTYS && tty_find(index))
		index++;
	if (index == MAX_PTYS)
		return ERR_PTR(-ENOSPC);
	c = console_make(index, host_fd, host_fd, rows, columns, uid, &error);
	if (!c)
		return ERR_PTR(error);
	c->watch.token = token;
	c->watch.ready = watch_ready;
	host_watch_add(&c->watch);
	snprintf(name, sizeof(name), "/dev/pts/%d", index);
	file = do_file_open(AT_FDCWD, name, O_RDWR, 0, LOOKUP_FOLLOW);
	if (IS_ERR(file)) {
		c->input_fd = -1; /* the caller closes it */
		console_free(c);
		return file;
	}
	*ret_index = index;
	console_input(c->tty);
	return file;
}

void console_exec_resize(int index, unsigned rows, unsigned columns)
{
	struct tty_struct *tty = tty_find(index);

	if (tty && tty->console)
		resize(tty, rows, columns);
}

void console_closed(struct tty_struct *tty)
{
	struct host_console *c = tty->console;

	if (!c->watch.token)
		return;
	c->closing = true;
	console_output(tty);
	if (!output_count(tty))
		console_free(c);
}

static int console_init(void)
{
	int error;

	if (!(boot->flags & BOOT_TTY))
		return 0;
	console = console_make(CONSOLE_INDEX, boot->stdio_fd[0], boot->stdio_fd[1], boot->process.rows, boot->process.columns, boot->process.uid, &error);
	return error;
}
INITCALL(console, console_init, "devpts");
