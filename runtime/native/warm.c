/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/native/warm.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/native/path.h"

#define MOST_BYTES (16L << 20) /* of one file */

struct place {
	int root;
	const char *const *directories; /* where libraries are */
};

static const char *const library_directories[] = { "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib", NULL };

/* An ordinary file inside of the root, or -1. */
static int open_file(int root, const char *path)
{
	int fd = path_open(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct stat status;

	if (fd >= 0 && (fstat(fd, &status) || !S_ISREG(status.st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

static void read_ahead(int fd)
{
	struct stat status;

	if (fstat(fd, &status) == 0)
		posix_fadvise(fd, 0, status.st_size < MOST_BYTES ? status.st_size : MOST_BYTES, POSIX_FADV_WILLNEED);
}

static void warm_need(const char *name, void *argument)
{
	const struct place *place = argument;
	char path[512];
	int fd = -1;

	if (strchr(name, '/'))
		fd = open_file(place->root, name);
	for (size_t i = 0; fd < 0 && !strchr(name, '/') && place->directories[i]; i++) {
		snprintf(path, sizeof(path), "%s/%s", place->directories[i], name);
		fd = open_file(place->root, path);
	}
	if (fd < 0)
		return;
	read_ahead(fd);
	close(fd);
}

static const char *environment_path(const struct spec_process *process)
{
	for (size_t i = 0; i < process->env.nr; i++)
		if (!strncmp(process->env.items[i], "PATH=", 5))
			return process->env.items[i] + 5;
	return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

static int open_program(int root, const struct spec_process *process)
{
	const char *name = process->args.items[0], *directories = environment_path(process);
	char path[1024];
	int fd = -1;

	if (strchr(name, '/')) {
		snprintf(path, sizeof(path), "%s/%s", name[0] == '/' || !process->cwd ? "" : process->cwd, name);
		return open_file(root, path);
	}
	for (const char *at = directories; fd < 0 && *at; at += strcspn(at, ":"), at += *at == ':') {
		snprintf(path, sizeof(path), "%.*s/%s", (int)strcspn(at, ":"), at, name);
		fd = open_file(root, path);
	}
	return fd;
}

void warm_program(const char *rootfs, const struct spec_process *process)
{
	struct place place = { .root = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC), .directories = library_directories };
	int fd = place.root >= 0 && process->args.nr ? open_program(place.root, process) : -1;

	if (fd >= 0) {
		read_ahead(fd);
		elf_needs(fd, warm_need, &place);
		close(fd);
	}
	if (place.root >= 0)
		close(place.root);
}
