/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Freezing. v1 has a controller with a file of three states, and FREEZING may last: a process that is just being started is caught by writing again. v2
 * (5.2) has cgroup.freeze, and says in cgroup.events when all stand.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/native/cgroup/internal.h"
#include "runtime/remedy.h"

#define FREEZE_MS 10000

static void sleep_us(long microseconds) { nanosleep(&(struct timespec){ 0, microseconds * 1000 }, NULL); }

static int not_frozen(struct cgroup *cgroup, struct error *error)
{
	fail(error, 0, "the processes of container %s do not all stop within %d s", cgroup->id, FREEZE_MS / 1000);
	return fail_remedy(error, "one of them waits for the host in a call that cannot be interrupted; try again later");
}

static int freeze_v1(struct cgroup *cgroup, const struct group *group, bool frozen, struct error *error)
{
	const char *state = frozen ? "FROZEN" : "THAWED";

	for (int waited = 0; waited < FREEZE_MS * 1000; waited += waited < 20000 ? 200 : 5000) {
		char *now;
		bool done;

		if (group_write(cgroup, group, "freezer.state", state, error))
			return -1;
		now = group_read(group, "freezer.state");
		done = now && !strcmp(now, state);
		free(now);
		if (done)
			return 0;
		sleep_us(waited < 20000 ? 200 : 5000);
	}
	group_try_write(cgroup, group, "freezer.state", "THAWED");
	return not_frozen(cgroup, error);
}

static bool frozen_event(const struct group *group)
{
	char *events = group_read(group, "cgroup.events");
	bool frozen = lines_number(events, "frozen", 0) == 1;

	free(events);
	return frozen;
}

static int freeze_v2(struct cgroup *cgroup, const struct group *group, bool frozen, struct error *error)
{
	char *path = format_path("%s/cgroup.events", group->dir);
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1, left = FREEZE_MS, result;
	char ignored[256];

	free(path);
	result = group_write(cgroup, group, "cgroup.freeze", frozen ? "1" : "0", error);
	/* poll says POLLPRI when the file has changed since it was read; ten times a second even if it does not. */
	while (!result && !cgroup->fake && frozen_event(group) != frozen && left > 0) {
		struct pollfd poller = { .fd = fd, .events = POLLPRI };

		if (fd >= 0 && pread(fd, ignored, sizeof(ignored), 0) < 0)
			break;
		if (frozen_event(group) == frozen)
			break;
		poll(&poller, fd >= 0, 100);
		left -= 100;
	}
	if (fd >= 0)
		close(fd);
	if (result || left > 0)
		return result;
	group_try_write(cgroup, group, "cgroup.freeze", "0");
	return not_frozen(cgroup, error);
}

int cgroup_freeze(struct cgroup *cgroup, bool frozen, struct error *error)
{
	const struct group *group = group_of(cgroup, "freezer");

	if (group)
		return freeze_v1(cgroup, group, frozen, error);
	group = group_of(cgroup, "");
	if (group && group->version == 2 && (cgroup->fake || group_has(group, "cgroup.freeze")))
		return freeze_v2(cgroup, group, frozen, error);
	fail(error, 0, "cannot %s container %s: it has no group with a freezer", frozen ? "pause" : "resume", cgroup->id);
	return fail_remedy_of(error, cgroup->rootless ? REMEDY_DELEGATE : REMEDY_FREEZER);
}

bool cgroup_is_frozen(const struct cgroup *cgroup)
{
	const struct group *group = group_of(cgroup, "freezer");
	char *state = NULL;
	bool frozen;

	if (group) {
		state = group_read(group, "freezer.state");
		frozen = state && (!strcmp(state, "FROZEN") || !strcmp(state, "FREEZING"));
	} else {
		group = group_of(cgroup, "");
		state = group && group->version == 2 ? group_read(group, "cgroup.freeze") : NULL;
		frozen = state && !strcmp(state, "1");
	}
	free(state);
	return frozen;
}
