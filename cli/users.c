/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --user: names are looked up in the container's own files. The root file system is not ours to trust: paths are resolved inside
 * it, as if it were the root, and only regular files of moderate size are read.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/cli.h"

#define FILE_MAX (4 << 20)

static char *read_inside(const char *rootfs, const char *path)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	int directory = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC), fd;
	struct stat status;
	ssize_t length;
	char *text = NULL;

	if (directory < 0)
		return NULL;
	fd = syscall(SYS_openat2, directory, path, &how, sizeof(how));
	close(directory);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size < FILE_MAX)
		text = malloc(status.st_size + 1);
	if (text) {
		length = read(fd, text, status.st_size);
		text[length < 0 ? 0 : length] = '\0';
	}
	close(fd);
	return text;
}

/* Splits the next line of colon-separated fields in place. Returns how many there were; 0 at the end. */
static int next_entry(char **text, char **fields, int max)
{
	char *line;
	int nr = 0;

	do {
		line = strsep(text, "\n");
	} while (line && !*line);
	while (line && nr < max)
		fields[nr++] = strsep(&line, ":");
	while (nr && !fields[nr - 1])
		nr--;
	return nr;
}

static bool is_number(const char *text, uint32_t *ret_number)
{
	unsigned long number;

	if (parse_number(text, 0, 0xfffffffeUL, &number))
		return false;
	*ret_number = number;
	return true;
}

/* Looks for a user by name, or by number if @name is one. */
static bool find_user(char *passwd, const char *name, uint32_t *uid, uint32_t *gid, char **ret_home)
{
	uint32_t wanted = 0, found;
	bool by_number = is_number(name, &wanted);
	char *fields[7];
	int nr;

	while ((nr = next_entry(&passwd, fields, 7)) > 0) {
		if (nr < 6 || !is_number(fields[2], &found))
			continue;
		if (by_number ? found != wanted : strcmp(fields[0], name))
			continue;
		*uid = found;
		if (!is_number(fields[3], gid))
			*gid = 0;
		free(*ret_home);
		*ret_home = strdup(fields[5][0] ? fields[5] : "/");
		return true;
	}
	if (by_number)
		*uid = wanted;
	return by_number;
}

static bool find_group(char *group, const char *name, uint32_t *gid)
{
	char *fields[4];
	int nr;

	if (is_number(name, gid))
		return true;
	while ((nr = next_entry(&group, fields, 4)) > 0)
		if (nr >= 3 && !strcmp(fields[0], name) && is_number(fields[2], gid))
			return true;
	return false;
}

int users_resolve(const char *rootfs, const char *user, uint32_t *ret_uid, uint32_t *ret_gid, char **ret_home, struct error *error)
{
	char *passwd = read_inside(rootfs, "etc/passwd"), *group = NULL, *name = strdup(user ? user : "0"), *colon;
	char nothing[1] = "";
	int result = 0;

	*ret_uid = *ret_gid = 0;
	*ret_home = NULL;
	colon = strchr(name, ':');
	if (colon)
		*colon = '\0';
	if (!find_user(passwd ? passwd : nothing, name, ret_uid, ret_gid, ret_home)) {
		fail(error, 0, "unknown user %s: not in the container's /etc/passwd", name);
		result = fail_remedy(error, "A number always works: --user 1000:1000");
	} else if (colon) {
		group = read_inside(rootfs, "etc/group");
		if (!find_group(group ? group : nothing, colon + 1, ret_gid)) {
			fail(error, 0, "unknown group %s: not in the container's /etc/group", colon + 1);
			result = fail_remedy(error, "A number always works: --user 1000:1000");
		}
	}
	if (!*ret_home)
		*ret_home = strdup(*ret_uid == 0 ? "/root" : "/");
	free(passwd);
	free(group);
	free(name);
	return result;
}
