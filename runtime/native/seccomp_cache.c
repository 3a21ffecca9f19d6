/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/native/seccomp_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FOLDER "~seccomp" /* no id of a container begins so */
#define MAX_FILES 64
#define MAX_SIZE (1 << 20)
#define MAGIC 0x31706d6f63636573 /* changes with the format */

struct header {
	uint64_t magic, profile_size, instructions;
};

static void name_of(const char *profile, char to[20])
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *profile; profile++)
		hash = (hash ^ (unsigned char)*profile) * 0x100000001b3;
	snprintf(to, 20, "%016llx", (unsigned long long)hash);
}

static int open_folder(const char *root)
{
	int parent = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC), fd;

	if (parent < 0)
		return -1;
	fd = openat(parent, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && mkdirat(parent, FOLDER, 0700) == 0)
		fd = openat(parent, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	close(parent);
	return fd;
}

/* Of a file that is what it must be. */
static struct sock_fprog *take(const char *bytes, size_t size, const char *profile)
{
	struct header header;
	struct sock_fprog *program;
	size_t length;

	if (size < sizeof(header))
		return NULL;
	memcpy(&header, bytes, sizeof(header));
	length = header.instructions * sizeof(struct sock_filter);
	if (header.magic != MAGIC || header.instructions == 0 || header.instructions > BPF_MAXINSNS || header.profile_size != strlen(profile) ||
	    size != sizeof(header) + header.profile_size + length || memcmp(bytes + sizeof(header), profile, header.profile_size))
		return NULL;
	program = malloc(sizeof(*program) + length);
	if (!program)
		return NULL;
	program->len = header.instructions;
	program->filter = (struct sock_filter *)(program + 1);
	memcpy(program->filter, bytes + sizeof(header) + header.profile_size, length);
	return program;
}

struct sock_fprog *seccomp_cache_read(const char *root, const char *profile)
{
	int folder = open_folder(root), fd = -1;
	struct sock_fprog *program = NULL;
	struct stat status;
	char name[20], *bytes;

	name_of(profile, name);
	if (folder >= 0)
		fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &status) == 0 && status.st_uid == geteuid() && status.st_size <= MAX_SIZE) {
		bytes = malloc(status.st_size + 1);
		if (bytes && read(fd, bytes, status.st_size) == status.st_size)
			program = take(bytes, status.st_size, profile);
		free(bytes);
	}
	if (fd >= 0)
		close(fd);
	if (folder >= 0)
		close(folder);
	return program;
}

/* Who has ever so many profiles begins anew. */
static void make_room(int folder)
{
	int again = fcntl(folder, F_DUPFD_CLOEXEC, 3), nr = 0;
	DIR *directory = again < 0 ? NULL : fdopendir(again);
	const struct dirent *entry;

	while (directory && (entry = readdir(directory)))
		nr++;
	if (directory)
		rewinddir(directory);
	while (directory && nr > MAX_FILES && (entry = readdir(directory)))
		unlinkat(folder, entry->d_name, 0);
	if (directory)
		closedir(directory);
}

void seccomp_cache_write(const char *root, const char *profile, const struct sock_fprog *program)
{
	struct header header = { .magic = MAGIC, .profile_size = strlen(profile), .instructions = program->len };
	struct iovec pieces[3] = { { &header, sizeof(header) },
				   { (char *)profile, header.profile_size },
				   { program->filter, program->len * sizeof(struct sock_filter) } };
	ssize_t size = sizeof(header) + header.profile_size + pieces[2].iov_len;
	int folder = size > MAX_SIZE ? -1 : open_folder(root), fd;
	char name[20], other[40];

	if (folder < 0)
		return;
	make_room(folder);
	name_of(profile, name);
	snprintf(other, sizeof(other), "%s.%d", name, getpid());
	fd = openat(folder, other, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0) {
		if (writev(fd, pieces, 3) != size || renameat(folder, other, folder, name))
			unlinkat(folder, other, 0);
		close(fd);
	}
	close(folder);
}
