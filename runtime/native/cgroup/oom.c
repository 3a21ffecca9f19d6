/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Being told that the container ran out of memory.
 *
 * v1 has a registration: an eventfd for memory.oom_control, which also rings when the group is removed. v2 has a counter in memory.events, a file that
 * changes; that a group is gone is known from its files being deleted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "runtime/native/cgroup/internal.h"
#include "runtime/remedy.h"

static unsigned long kills(const char *path, bool *ret_gone)
{
	char *text = file_read(path);
	unsigned long nr = lines_number(text, "oom_kill", 0);

	*ret_gone = !text;
	free(text);
	return nr;
}

static int open_v1(const struct cgroup *cgroup, const struct group *group, struct cgroup_oom *oom, struct error *error)
{
	char *path = format_path("%s/memory.oom_control", group->dir), line[32];
	int result = 0;

	oom->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	oom->control_fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (oom->fd < 0 || oom->control_fd < 0) {
		result = fail(error, errno, "cannot open %s/memory.oom_control", group->dir);
	} else {
		snprintf(line, sizeof(line), "%d %d", oom->fd, oom->control_fd);
		result = group_write(cgroup, group, "cgroup.event_control", line, error);
	}
	oom->path = path;
	return result;
}

static int open_v2(const struct group *group, struct cgroup_oom *oom, struct error *error)
{
	bool gone;

	oom->path = format_path("%s/memory.events", group->dir);
	oom->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (!oom->path || oom->fd < 0 || inotify_add_watch(oom->fd, oom->path, IN_MODIFY | IN_DELETE_SELF) < 0)
		return fail(error, errno, "cannot watch %s/memory.events", group->dir);
	oom->seen = kills(oom->path, &gone);
	return 0;
}

int cgroup_oom_open(const struct cgroup *cgroup, struct cgroup_oom *ret_oom, struct error *error)
{
	const struct group *group = group_of(cgroup, "memory");
	struct cgroup_oom oom = { .fd = -1, .control_fd = -1, .version = group ? group->version : 0 };
	int result;

	if (!group) {
		fail(error, 0, "container %s has no group of the memory controller: nothing tells when it runs out of memory", cgroup->id);
		return fail_remedy_of(error, REMEDY_CONTROLLER_MISSING);
	}
	result = group->version == 1 ? open_v1(cgroup, group, &oom, error) : open_v2(group, &oom, error);
	if (result)
		cgroup_oom_close(&oom);
	else
		*ret_oom = oom;
	return result;
}

int cgroup_oom_read(struct cgroup_oom *oom)
{
	char events[4096];
	unsigned long nr;
	uint64_t rung;
	bool gone;

	if (oom->version == 1) {
		if (read(oom->fd, &rung, sizeof(rung)) != sizeof(rung))
			return access(oom->path, F_OK) ? -1 : 0;
		/* The kernel rings for every try of every process that finds no memory: once is what happened. */
		return access(oom->path, F_OK) ? -1 : rung > 0;
	}
	while (read(oom->fd, events, sizeof(events)) > 0)
		;
	nr = kills(oom->path, &gone);
	if (gone)
		return -1;
	nr -= oom->seen;
	oom->seen += nr;
	return nr;
}

void cgroup_oom_close(struct cgroup_oom *oom)
{
	if (oom->fd >= 0)
		close(oom->fd);
	if (oom->control_fd >= 0)
		close(oom->control_fd);
	free(oom->path);
	*oom = (struct cgroup_oom){ .fd = -1, .control_fd = -1 };
}
