/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/sandbox/stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "runtime/sandbox/handover.h"

/* Are these two the same open terminal, pipe or file, so that the order of what is written to them matters? */
static bool same_file(int a, int b)
{
	struct stat one, two;

	return fstat(a, &one) == 0 && fstat(b, &two) == 0 && one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

static int make_pipe(struct sandbox *sandbox, int index, bool into, bool nonblocking, struct error *error)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return fail(error, errno, "cannot make a pipe");
	sandbox->inside[index] = ends[into ? 0 : 1];
	sandbox->pipe[index] = ends[into ? 1 : 0];
	if (nonblocking && fcntl(sandbox->inside[index], F_SETFL, O_NONBLOCK))
		return fail(error, errno, "cannot set up a pipe");
	return 0;
}

static bool is_null_device(const struct stat *status)
{
	return S_ISCHR(status->st_mode) && major(status->st_rdev) == 1 && minor(status->st_rdev) == 3;
}

int stdio_share(int fd, bool input, bool *ret_watch)
{
	int flags = fcntl(fd, F_GETFL), mode;
	struct stat status;
	char path[40];

	*ret_watch = false;
	if (flags < 0 || flags & O_PATH || fstat(fd, &status))
		return -1;
	mode = flags & O_ACCMODE;
	if (mode == (input ? O_WRONLY : O_RDONLY) && !is_null_device(&status))
		return -1;
	/* The position in a file, and whether it is appended to, belong to this open file. */
	if (S_ISREG(status.st_mode) || is_null_device(&status))
		return fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (!S_ISFIFO(status.st_mode))
		return -1;
	/* Whether a pipe blocks is a property of the open file, too, and others have it. */
	*ret_watch = true;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, (input ? O_RDONLY : O_WRONLY) | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

int stdio_preserve(int fd, bool *ret_input, bool *ret_watch, struct error *error)
{
	int flags = fcntl(fd, F_GETFL), shared;

	*ret_input = flags >= 0 && (flags & O_ACCMODE) == O_RDONLY;
	shared = flags < 0 || (flags & O_ACCMODE) == O_RDWR ? -1 : stdio_share(fd, *ret_input, ret_watch);
	if (shared >= 0)
		return shared;
	fail(error, 0, "--preserve-fds: descriptor %d cannot be passed into a sandbox: only pipes and files can, open for reading or for writing", fd);
	return fail_remedy(error, "leave it out, or run the container with --mode native");
}

static int set_raw(int slave, uint16_t rows, uint16_t columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };
	struct termios settings;

	if (tcgetattr(slave, &settings))
		return -1;
	cfmakeraw(&settings);
	if (tcsetattr(slave, TCSANOW, &settings))
		return -1;
	return rows && columns ? ioctl(slave, TIOCSWINSZ, &size) : 0;
}

int stdio_make_terminal(uint16_t rows, uint16_t columns, int *ret_master, int *ret_slave, struct error *error)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), slave;

	if (master < 0)
		return fail(error, errno, "cannot open /dev/ptmx for the terminal");
	if (unlockpt(master)) {
		fail(error, errno, "cannot unlock the terminal");
		close(master);
		return -1;
	}
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (slave < 0 || set_raw(slave, rows, columns)) {
		fail(error, errno, "cannot set up the terminal");
		if (slave >= 0)
			close(slave);
		close(master);
		return -1;
	}
	*ret_master = master;
	*ret_slave = slave;
	return 0;
}

int stdio_send_master(int socket, int master, struct error *error)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	char name[64] = "/dev/ptmx";
	struct iovec piece = { name, 0 };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };

	(void)ptsname_r(master, name, sizeof(name));
	piece.iov_len = strlen(name);
	memcpy(CMSG_DATA(&control.header), &master, sizeof(master));
	if (sendmsg(socket, &message, MSG_NOSIGNAL) != (ssize_t)piece.iov_len)
		return fail(error, errno, "cannot send the terminal to the console socket");
	return 0;
}

int stdio_console_connect(const char *path, struct error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, directory = -1;

	if (strlen(path) < sizeof(address.sun_path)) {
		strcpy(address.sun_path, path);
	} else {
		/* A path that is too long for an address is reached through its directory. */
		char folder[4096];
		const char *slash = strrchr(path, '/');

		if (slash && (size_t)(slash - path) < sizeof(folder)) {
			snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
			directory = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
		}
		if (directory < 0 || snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d%s", directory, slash) >=
					     (int)sizeof(address.sun_path))
			return fail(error, ENAMETOOLONG, "cannot connect to the console socket %s", path);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		fail(error, errno, "cannot connect to the console socket %s", path);
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	if (directory >= 0)
		close(directory);
	return fd;
}

/* ---- of the container's first program ---- */

static int relayed(struct sandbox *sandbox, struct error *error)
{
	if (make_pipe(sandbox, 0, true, true, error) || make_pipe(sandbox, 1, false, true, error))
		return -1;
	if (!sandbox->config->tty && !same_file(1, 2))
		return make_pipe(sandbox, 2, false, true, error);
	sandbox->inside[2] = fcntl(sandbox->inside[1], F_DUPFD_CLOEXEC, 0);
	return sandbox->inside[2] < 0 ? fail(error, errno, "cannot duplicate a descriptor") : 0;
}

static int own_terminal(struct sandbox *sandbox, struct error *error)
{
	const struct sandbox_detached *detached = sandbox->config->detached;
	int master, slave;

	if (stdio_make_terminal(detached->rows, detached->columns, &master, &slave, error))
		return -1;
	sandbox->terminal = slave;
	for (int i = 0; i < 3; i++) {
		sandbox->direct[i] = true;
		sandbox->inside[i] = fcntl(slave, F_DUPFD_CLOEXEC, 3);
		if (sandbox->inside[i] < 0)
			return fail(error, errno, "cannot duplicate a descriptor");
	}
	/* The monitor leads a session: so the host tells it of changes in size. */
	if (ioctl(slave, TIOCSCTTY, 0))
		return fail(error, errno, "cannot take the terminal as the monitor's");
	if (detached->ret_master)
		*detached->ret_master = master;
	else if (stdio_send_master(detached->console_socket, master, error))
		return -1;
	close(master);
	return 0;
}

static int shared(struct sandbox *sandbox, bool watch[3], struct error *error)
{
	for (int i = 0; i < 3; i++) {
		sandbox->inside[i] = stdio_share(i, i == 0, &watch[i]);
		sandbox->direct[i] = sandbox->inside[i] >= 0;
		if (!sandbox->direct[i] && make_pipe(sandbox, i, i == 0, true, error))
			return -1;
		watch[i] |= !sandbox->direct[i];
	}
	return 0;
}

static int watch_streams(struct sandbox *sandbox, const bool watch[3], struct error *error)
{
	for (int i = 0; i < 3; i++) {
		struct epoll_event event = { (i ? EPOLLOUT : EPOLLIN | EPOLLRDHUP) | EPOLLET, { .u64 = i } };

		if (watch[i] && epoll_ctl(sandbox->epoll_fd, EPOLL_CTL_ADD, sandbox->inside[i], &event))
			return fail(error, errno, "cannot watch a pipe");
		sandbox->channel->boot.stdio_fd[i] = sandbox->inside[i];
	}
	return 0;
}

/* Of the container's first program. The originals are not ours to keep: their other ends would wait for us. */
static int pass_preserved(struct sandbox *sandbox, struct error *error)
{
	unsigned int nr = sandbox->config->detached ? sandbox->config->detached->preserve_fds : 0;
	struct boot_params *boot = &sandbox->channel->boot;

	for (unsigned int i = 0; i < nr; i++) {
		bool input, watch;
		int fd = stdio_preserve(3 + i, &input, &watch, error), code;

		if (fd < 0)
			return -1;
		sandbox->preserved[sandbox->nr_preserved++] = fd;
		boot->preserved[i] = (struct boot_stream){ .fd = fd, .input = input, .token = handover_token(sandbox) };
		code = watch ? handover_watch(sandbox, fd, boot->preserved[i].token, input ? EPOLLIN | EPOLLRDHUP : EPOLLOUT) : 0;
		if (code)
			return fail(error, -code, "cannot watch a descriptor");
		close(3 + i);
	}
	boot->nr_preserved = nr;
	return 0;
}

static int open_trace(struct sandbox *sandbox, struct error *error)
{
	const struct sandbox_config *config = sandbox->config;

	if (!config->strace)
		return 0;
	sandbox->trace_target = 2;
	if (config->strace_file)
		sandbox->trace_target = open(config->strace_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (sandbox->trace_target < 0)
		return fail(error, errno, "cannot open %s for the trace", config->strace_file);
	if (make_pipe(sandbox, 4, false, false, error))
		return -1;
	fcntl(sandbox->inside[4], F_SETPIPE_SZ, 1 << 20);
	return 0;
}

int stdio_prepare(struct sandbox *sandbox, struct error *error)
{
	const struct sandbox_config *config = sandbox->config;
	struct boot_params *boot = &sandbox->channel->boot;
	bool watch[3] = { true, true, true };
	int result;

	sandbox->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (sandbox->epoll_fd < 0)
		return fail(error, errno, "cannot make an epoll set");
	if (!config->detached)
		result = relayed(sandbox, error);
	else if (config->tty)
		result = own_terminal(sandbox, error);
	else
		result = shared(sandbox, watch, error);
	if (result || make_pipe(sandbox, 3, false, false, error) || open_trace(sandbox, error) || watch_streams(sandbox, watch, error))
		return -1;
	boot->log_fd = sandbox->inside[3];
	boot->trace_fd = sandbox->inside[4];
	boot->epoll_fd = sandbox->epoll_fd;
	boot->doorbell_fd = -1;
	return handover_prepare(sandbox, error) || pass_preserved(sandbox, error) ? -1 : 0;
}
