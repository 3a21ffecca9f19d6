/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's terminal. It is a new one of the container's own devpts; nothing is opened by a name that the image could have put there
 * without looking at what it is, and /dev/console gets the terminal itself, by its descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include "runtime/native/init.h"
#include "runtime/native/path.h"
#include "runtime/native/sync.h"

#ifndef DEVPTS_SUPER_MAGIC
#define DEVPTS_SUPER_MAGIC 0x1cd1
#endif

int console_connect(const char *path, struct error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return fail(error, 0, "--console-socket %s: too long for a socket", path);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	fail(error, errno, "--console-socket %s: cannot connect to it", path);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* The near side, opened without a path from the far one. */
static int open_pair(const struct init *init, int *ret_far, struct error *error)
{
	int far = path_open(init->root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, RESOLVE_NO_SYMLINKS), near, unlock = 0;
	struct statfs fs;
	struct stat status;

	if (far < 0) {
		fail(error, errno, "process.terminal: cannot open /dev/pts/ptmx of the container");
		return fail_remedy(error, "mounts must have one of type devpts at /dev/pts");
	}
	if (fstat(far, &status) || fstatfs(far, &fs) || fs.f_type != DEVPTS_SUPER_MAGIC || !S_ISCHR(status.st_mode) ||
	    status.st_rdev != makedev(5, 2)) {
		close(far);
		return fail(error, 0, "process.terminal: /dev/pts/ptmx of the container is no terminal multiplexer");
	}
	near = ioctl(far, TIOCSPTLCK, &unlock) ? -1 : ioctl(far, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (near < 0) {
		fail(error, errno, "process.terminal: cannot open the terminal");
		close(far);
		return -1;
	}
	*ret_far = far;
	return near;
}

static int send_far(const struct init *init, int far, struct error *error)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, name[] = "/dev/ptmx";
	struct iovec data = { .iov_base = name, .iov_len = sizeof(name) - 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &far, sizeof(int));
	if (sendmsg(init->console, &message, MSG_NOSIGNAL) < 0)
		return fail(error, errno, "cannot send the terminal over the console socket");
	return 0;
}

static int mount_on_console(const struct init *init, int near, struct error *error)
{
	int at = path_make(init->root, "/dev/console", false), copy, result = -1;

	copy = at < 0 ? -1 : open_tree(near, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (copy >= 0)
		result = move_mount(copy, "", at, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
	if (result)
		fail(error, errno, "cannot mount the terminal at /dev/console");
	if (copy >= 0)
		close(copy);
	if (at >= 0)
		close(at);
	return result;
}

int console_set_up(struct init *init, bool mount_console, struct error *error)
{
	const struct spec_console_size *size = init->process->console_size;
	int far, near, result = -1;

	if (FAULT("console"))
		return -1;
	near = open_pair(init, &far, error);
	if (near < 0)
		return -1;
	if (size) {
		struct winsize window = { .ws_row = size->height.value, .ws_col = size->width.value };

		ioctl(near, TIOCSWINSZ, &window);
	}
	if (fchown(near, init->process->user.uid, -1) && errno != EPERM && errno != EINVAL)
		fail(error, errno, "cannot give the terminal to the container's user");
	else if ((!mount_console || mount_on_console(init, near, error) == 0) && send_far(init, far, error) == 0) {
		result = 0;
		for (int fd = 0; fd < 3 && result == 0; fd++)
			if (dup2(near, fd) < 0) /* cloexec: standard streams */
				result = fail(error, errno, "cannot put the terminal in the place of the standard streams");
		if (result == 0 && ioctl(0, TIOCSCTTY, 0))
			result = fail(error, errno, "cannot make the terminal the controlling one");
	}
	close(near);
	close(far);
	return result;
}
