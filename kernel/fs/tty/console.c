/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's own terminal (run --tty): /dev/pts/0, also /dev/console. Its far side are two host descriptors of the
 * monitor, which do not block and report readiness as edges: input is read until there is no more or the line
 * discipline is full, output is written until the host takes no more; reading and the next edge go on from there.
 */
#include "host.gen.h"
#include "kernel/fs/tty/internal.h"
#include "kernel/init/init.h"
#include "kernel/init/initcall.h"

#define CONSOLE_INDEX 0
#define TTY_GROUP 5

static struct tty_struct *console;
static bool input_waits; /* the host may have more input than was taken */
static bool in_output;

void console_output(struct tty_struct *tty)
{
	/* A host write may let other tasks in; one of them at a time writes. */
	if (in_output)
		return;
	in_output = true;
	while (output_count(tty)) {
		size_t at = tty->output_tail % OUTPUT_SIZE;
		struct io_vector vector = { (u64)(tty->output + at), min(output_count(tty), OUTPUT_SIZE - at) };
		long n = host_pwritev2(boot->stdio_fd[1], &vector, 1, UINT64_MAX, UINT64_MAX, 0);

		if (n == -EAGAIN || n == -EINTR || n == 0)
			break;
		/* Nobody is there any more: what is written goes nowhere. */
		tty->output_tail += n < 0 ? (s64)output_count(tty) : n;
	}
	in_output = false;
	if (output_count(tty) < OUTPUT_SIZE / 2)
		tty_output_taken(tty);
}

void console_input(struct tty_struct *tty)
{
	u8 data[512];

	while (input_waits) {
		size_t room = tty_receive_room(tty), done = 0;
		struct io_vector vector = { (u64)data, min(room, sizeof(data)) };
		long n;

		if (!room)
			return;
		n = host_preadv2(boot->stdio_fd[0], &vector, 1, UINT64_MAX, UINT64_MAX, 0);
		if (n == -EINTR)
			continue;
		if (n <= 0) {
			input_waits = false;
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

void console_ready(int index, unsigned events)
{
	if (!console)
		return;
	if (index == 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
		input_waits = true;
		console_input(console);
	} else if (index != 0) {
		console_output(console);
	}
}

void console_resize(unsigned rows, unsigned columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };

	if (console)
		tty_set_winsize(console, &size);
}

struct file *console_open(void)
{
	return do_file_open(AT_FDCWD, "/dev/pts/0", O_RDWR, 0, LOOKUP_FOLLOW);
}

static int console_init(void)
{
	int error;

	if (!(boot->flags & BOOT_TTY))
		return 0;
	console = tty_alloc(CONSOLE_INDEX);
	if (!console)
		return -ENOMEM;
	console->console = true;
	console->winsize.ws_row = boot->process.rows;
	console->winsize.ws_col = boot->process.columns;
	error = devpts_add(console);
	if (error)
		return error;
	console->dentry->inode->mode = S_IFCHR | 0620;
	console->dentry->inode->uid = boot->process.uid;
	console->dentry->inode->gid = TTY_GROUP;
	input_waits = true;
	return 0;
}
INITCALL(console, console_init, "devpts");
