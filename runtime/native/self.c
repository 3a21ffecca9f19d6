/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/native/self.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

/* Between the two executions: the number of the descriptor. */
#define MOUNT_VARIABLE "LINUXD_SELF_MOUNT"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static bool is_safe(int exe)
{
	struct statvfs fs;

	if (fstatvfs(exe, &fs) == 0 && (fs.f_flag & ST_RDONLY))
		return true;
	/* Only files in memory can be asked. */
	return (fcntl(exe, F_GET_SEALS) & SEALS) == SEALS && fcntl(exe, F_GET_SEALS) != -1;
}

static int kept_mount = -1;

int self_mount(void) { return kept_mount; }

/* What the variable says is believed only if it is a mount of this program. */
static void take_mount(int exe)
{
	const char *text = getenv(MOUNT_VARIABLE);
	int fd = text ? atoi(text) : -1;
	struct stat ours, other;

	if (fd > 2 && fd != exe && fstat(exe, &ours) == 0 && fstat(fd, &other) == 0 && ours.st_dev == other.st_dev && ours.st_ino == other.st_ino &&
	    (fcntl(fd, F_GETFL) & O_PATH) && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
		kept_mount = fd;
	unsetenv(MOUNT_VARIABLE);
}

/* It goes with the descriptor: what is left then is the file of a mount that nobody can change any more. */
static int read_only_mount(void)
{
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY };
	/* The link of /proc leads to the file itself, wherever it is. */
	int fd = open_tree(AT_FDCWD, "/proc/self/exe", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd >= 0 && mount_setattr(fd, "", AT_EMPTY_PATH, &attributes, sizeof(attributes))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Over the exec only; take_mount makes it close on exec again. */
static void keep_mount(int fd)
{
	char text[12];

	snprintf(text, sizeof(text), "%d", fd);
	if (setenv(MOUNT_VARIABLE, text, 1) == 0)
		fcntl(fd, F_SETFD, 0);
}

static int sealed_copy(int exe)
{
	int fd = memfd_create("linuxd", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	struct stat status;
	ssize_t copied;
	off_t left;

	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create("linuxd", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || fstat(exe, &status))
		return -1;
	for (left = status.st_size; left > 0; left -= copied) {
		copied = sendfile(fd, exe, NULL, left);
		if (copied <= 0)
			return -1;
	}
	return fchmod(fd, 0500) || fcntl(fd, F_ADD_SEALS, SEALS) ? -1 : fd;
}

/* As they were given: /proc has them with a NUL behind each. */
static char **own_arguments(void)
{
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	size_t room = 4096, used = 0, nr = 0;
	char *text = malloc(room), **arguments;
	ssize_t got = -1;

	while (text && fd >= 0 && (got = read(fd, text + used, room - used)) > 0) {
		used += got;
		if (used == room)
			text = realloc(text, room *= 2);
	}
	if (fd >= 0)
		close(fd);
	if (!text || got < 0 || used == 0 || text[used - 1])
		return NULL;
	for (size_t i = 0; i < used; i++)
		nr += !text[i];
	arguments = calloc(nr + 1, sizeof(char *));
	for (size_t i = 0; arguments && i < nr; i++) {
		arguments[i] = text;
		text += strlen(text) + 1;
	}
	return arguments;
}

int self_protect(struct error *error)
{
	int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), fd;
	char **arguments;

	if (exe < 0)
		return fail(error, errno, "cannot open the program of this process (/proc/self/exe)");
	if (is_safe(exe)) {
		take_mount(exe);
		close(exe);
		return 0;
	}
	arguments = own_arguments();
	fd = read_only_mount();
	if (fd < 0)
		fd = sealed_copy(exe);
	else
		keep_mount(fd);
	if (fd >= 0 && arguments)
		execveat(fd, "", arguments, environ, AT_EMPTY_PATH);
	fail(error, errno, "cannot protect the program of this process from the container");
	if (fd >= 0)
		close(fd);
	close(exe);
	return -1;
}
