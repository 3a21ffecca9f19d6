/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/native/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/native/ns.h"
#include "runtime/native/path.h"
#include "runtime/remedy.h"

#define MAX_MAP 4096 /* what the kernel takes: below a page */

int64_t idmap_to_host(const struct spec_mappings *mappings, uint32_t id)
{
	if (!mappings->nr)
		return id;
	for (size_t i = 0; i < mappings->nr; i++)
		if (id - mappings->items[i].container_id < mappings->items[i].size)
			return (int64_t)mappings->items[i].host_id + (id - mappings->items[i].container_id);
	return -1;
}

/* ---- directly ---- */

static int write_map(int proc, pid_t pid, const char *file, const struct spec_mappings *mappings, struct error *error)
{
	char path[40], text[MAX_MAP];
	size_t used = 0;

	for (size_t i = 0; i < mappings->nr; i++) {
		const struct spec_id_mapping *mapping = &mappings->items[i];

		used += snprintf(text + used, sizeof(text) - used, "%u %u %u\n", mapping->container_id, mapping->host_id, mapping->size);
		if (used >= sizeof(text))
			return fail(error, 0, "linux.%.3sMappings: longer than the kernel takes", file);
	}
	snprintf(path, sizeof(path), "%d/%s", pid, file);
	if (path_write(proc, path, text))
		return fail(error, errno, "cannot set linux.%.3sMappings", file);
	return 0;
}

/* ---- with the help of newuidmap ---- */

static int run_helper(const char *helper, pid_t pid, const struct spec_mappings *mappings, struct error *error)
{
	char **arguments = calloc(3 + 3 * mappings->nr, sizeof(char *)), number[16];
	size_t nr = 0;
	int result, status = 0;
	pid_t child;

	if (!arguments)
		return fail(error, 0, "out of memory");
	snprintf(number, sizeof(number), "%d", pid);
	arguments[nr++] = strdup(helper);
	arguments[nr++] = strdup(number);
	for (size_t i = 0; i < mappings->nr; i++) {
		uint32_t numbers[3] = { mappings->items[i].container_id, mappings->items[i].host_id, mappings->items[i].size };

		for (int j = 0; j < 3; j++) {
			snprintf(number, sizeof(number), "%u", numbers[j]);
			arguments[nr++] = strdup(number);
		}
	}
	result = posix_spawnp(&child, helper, NULL, NULL, arguments, environ);
	while (result == 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	while (nr > 0)
		free(arguments[--nr]);
	free(arguments);
	if (result == ENOENT) {
		fail(error, result, "cannot run %s, which mappings of more than one's own id need", helper);
		fail_remedy_of(error, REMEDY_UIDMAP);
		return fail_remedy(error, "or map only uid %u and gid %u", geteuid(), getegid());
	}
	if (result || status) {
		fail(error, result, "%s has refused the mapping", helper);
		return fail_remedy_of(error, REMEDY_SUBIDS);
	}
	return 0;
}

static bool is_own_id(const struct spec_mappings *mappings, uint32_t id)
{
	return mappings->nr == 1 && mappings->items[0].size == 1 && mappings->items[0].host_id == id;
}

int idmap_write(pid_t pid, const struct spec_mappings *uids, const struct spec_mappings *gids, bool rootless, struct error *error)
{
	struct error first = { 0 };
	char path[40];
	int proc = path_open_procfs(error), result;

	if (proc < 0)
		return -1;
	if (!rootless || geteuid() == 0) {
		result = write_map(proc, pid, "gid_map", gids, error) || write_map(proc, pid, "uid_map", uids, error);
	} else {
		if (is_own_id(gids, getegid())) {
			/* The kernel asks for this of who has no rights over groups. */
			snprintf(path, sizeof(path), "%d/setgroups", pid);
			path_write(proc, path, "deny");
			result = write_map(proc, pid, "gid_map", gids, &first) && run_helper("newgidmap", pid, gids, error);
		} else {
			result = run_helper("newgidmap", pid, gids, error);
		}
		if (!result && is_own_id(uids, geteuid()))
			result = write_map(proc, pid, "uid_map", uids, &first) && run_helper("newuidmap", pid, uids, error);
		else if (!result)
			result = run_helper("newuidmap", pid, uids, error);
	}
	close(proc);
	return result ? -1 : 0;
}

/* ---- for mounts ---- */

int idmap_namespace(const struct spec_mappings *uids, const struct spec_mappings *gids, struct error *error)
{
	int pidfd = -1, fd = -1, proc, ends[2];
	char path[40], byte;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return fail(error, errno, "cannot make a socket pair");
	pid = ns_clone(CLONE_NEWUSER, -1, &pidfd);
	if (pid == 0) {
		close(ends[0]);
		_exit(read(ends[1], &byte, 1) != 0);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return fail(error, errno, "cannot make a user namespace for an id-mapped mount");
	}
	proc = path_open_procfs(error);
	if (proc >= 0 && write_map(proc, pid, "gid_map", gids, error) == 0 && write_map(proc, pid, "uid_map", uids, error) == 0) {
		snprintf(path, sizeof(path), "%d/ns/user", pid);
		fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			fail(error, errno, "cannot open the user namespace of an id-mapped mount");
	}
	if (proc >= 0)
		close(proc);
	close(ends[0]);
	close(pidfd);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return fd;
}
