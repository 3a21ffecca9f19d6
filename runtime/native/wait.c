/* SPDX-License-Identifier: Apache-2.0 */
/* In the foreground: the caller's terminal and signals are the container's. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "runtime/native/native.h"

#define BUFFER 4096

int native_receive_terminal(int from, struct error *error)
{
	char byte[64], control[CMSG_SPACE(sizeof(int))];
	struct iovec data = { .iov_base = byte, .iov_len = sizeof(byte) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	int fd;

	if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) <= 0)
		return fail(error, errno, "cannot receive the container's terminal");
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS)
		return fail(error, 0, "the container's terminal has not come with the message");
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

static void copy_window(int terminal)
{
	struct winsize size;

	if (ioctl(0, TIOCGWINSZ, &size) == 0)
		ioctl(terminal, TIOCSWINSZ, &size);
}

static bool make_raw(struct termios *ret_before)
{
	struct termios raw;

	if (tcgetattr(0, ret_before))
		return false;
	raw = *ret_before;
	cfmakeraw(&raw);
	return tcsetattr(0, TCSANOW, &raw) == 0;
}

/* Some bytes; false at the end. */
static bool relay(int from, int to)
{
	char buffer[BUFFER];
	ssize_t got = read(from, buffer, sizeof(buffer)), done = 0;

	if (got < 0)
		return errno == EINTR || errno == EAGAIN;
	while (done < got) {
		ssize_t written = write(to, buffer + done, got - done);

		if (written < 0 && errno != EINTR)
			return false;
		done += written > 0 ? written : 0;
	}
	return got > 0;
}

/* Whether @pid has ended; takes the status of other children, too. */
static bool reap(pid_t pid, int *ret_status)
{
	int status;
	pid_t ended;

	while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
		if (ended != pid)
			continue;
		*ret_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		return true;
	}
	return false;
}

static void pass_on(const struct signalfd_siginfo *info, pid_t pid, int terminal)
{
	if (info->ssi_signo == SIGWINCH && terminal >= 0)
		copy_window(terminal);
	else if (info->ssi_signo != SIGCHLD && info->ssi_signo != SIGURG)
		kill(pid, info->ssi_signo);
}

static int loop(pid_t pid, int terminal, int signals)
{
	struct pollfd polls[3] = { { .fd = signals, .events = POLLIN },
				   { .fd = terminal < 0 ? -1 : 0, .events = POLLIN },
				   { .fd = terminal, .events = POLLIN } };
	struct signalfd_siginfo info;
	int status = 0;

	/* It may have ended before signals came here. */
	while (!reap(pid, &status)) {
		if (poll(polls, 3, -1) < 0 && errno != EINTR)
			break;
		if (polls[1].revents && !relay(0, terminal))
			polls[1].fd = -1;
		if (polls[2].revents && !relay(terminal, 1))
			polls[2].fd = -1;
		if (polls[0].revents && read(signals, &info, sizeof(info)) == sizeof(info))
			pass_on(&info, pid, terminal);
	}
	/* What it said last. */
	if (terminal >= 0 && polls[2].fd >= 0) {
		fcntl(terminal, F_SETFL, O_NONBLOCK);
		for (struct pollfd rest = { .fd = terminal, .events = POLLIN }; poll(&rest, 1, 0) > 0 && relay(terminal, 1);)
			;
	}
	return status;
}

int native_attend(pid_t pid, int terminal, struct error *error)
{
	sigset_t all, before;
	struct termios settings;
	bool raw = terminal >= 0 && make_raw(&settings);
	int signals, status = -1;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	signals = signalfd(-1, &all, SFD_CLOEXEC);
	if (terminal >= 0)
		copy_window(terminal);
	if (signals < 0)
		fail(error, errno, "cannot receive signals");
	else
		status = loop(pid, terminal, signals);
	if (signals >= 0)
		close(signals);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (raw)
		tcsetattr(0, TCSANOW, &settings);
	return status;
}

int native_wait(struct container *container, struct error *error) { return native_attend(container->pid, container->terminal, error); }
