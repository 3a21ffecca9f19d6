/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is in the groups: listing, entering, killing.
 *
 * Killing has three ways. v2 has cgroup.kill (5.14), which nobody escapes who is in the group. Else a signal goes to everyone again and again,
 * until nobody is left: who forks meanwhile is met in the next round. And frozen processes of v1 die only when thawed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/native/cgroup/internal.h"

#define KILL_ROUNDS 200          /* the waits grow from 0.1 to 20 ms: 3 s in all */
#define ENTER_TRIES 5

/* ---- listing ---- */

static int collect_file(const char *dir, const char *name, struct pid_list *list)
{
	char *path = format_path("%s/%s", dir, name), *text = path ? file_read(path) : NULL;
	int result = text ? 0 : -errno;

	free(path);
	for (char *at = text, *end; at && *at; at = *end ? end + 1 : end) {
		long pid = strtol(at, &end, 10);

		if (end == at)
			break;
		if (pid <= 0)
			continue; /* of a pid namespace that we do not see */
		if (list->nr == list->size) {
			pid_t *more = realloc(list->pids, (list->size = list->size ? list->size * 2 : 64) * sizeof(pid_t));

			if (!more) {
				result = -ENOMEM;
				break;
			}
			list->pids = more;
		}
		list->pids[list->nr++] = pid;
	}
	free(text);
	return result;
}

int procs_collect(const char *dir, struct pid_list *list)
{
	int result = collect_file(dir, "cgroup.procs", list);
	struct dirent *entry;
	DIR *stream;

	/* A threaded group tells only threads; a group may go while we look. */
	if (result == -EOPNOTSUPP)
		result = collect_file(dir, "cgroup.threads", list);
	if (result == -ENOENT || result == -ENODEV)
		return 0;
	if (result)
		return result;
	stream = opendir(dir);
	if (!stream)
		return errno == ENOENT ? 0 : -errno;
	while (!result && (entry = readdir(stream))) {
		char *path;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		path = format_path("%s/%s", dir, entry->d_name);
		result = path ? procs_collect(path, list) : -ENOMEM;
		free(path);
	}
	closedir(stream);
	return result;
}

static int compare_pids(const void *a, const void *b)
{
	return (*(const pid_t *)a > *(const pid_t *)b) - (*(const pid_t *)a < *(const pid_t *)b);
}

void procs_sort(struct pid_list *list)
{
	size_t kept = 0;

	if (list->nr)
		qsort(list->pids, list->nr, sizeof(pid_t), compare_pids);
	for (size_t i = 0; i < list->nr; i++)
		if (!kept || list->pids[kept - 1] != list->pids[i])
			list->pids[kept++] = list->pids[i];
	list->nr = kept;
}

/* Of all groups: who has got out of one, by rights that it should not have, is still in the others. */
static int collect_all(const struct cgroup *cgroup, struct pid_list *list)
{
	int result = 0;

	for (int i = 0; !result && i < cgroup->nr; i++)
		if (cgroup->groups[i].present)
			result = procs_collect(cgroup->groups[i].dir, list);
	procs_sort(list);
	return result;
}

int cgroup_pids(const struct cgroup *cgroup, pid_t **ret_pids, int *ret_nr, struct error *error)
{
	struct pid_list list = { 0 };
	int result = collect_all(cgroup, &list);

	if (result) {
		free(list.pids);
		return fail(error, -result, "cannot list the processes of container %s", cgroup->id);
	}
	*ret_pids = list.pids;
	*ret_nr = list.nr;
	return 0;
}

/* ---- entering ---- */

int group_enter(const struct cgroup *cgroup, const struct group *group, const char *dir, pid_t pid, struct error *error)
{
	struct group there = *group;
	char text[16];
	int result;

	there.dir = (char *)dir;
	snprintf(text, sizeof(text), "%d", pid);
	for (int i = 0; i < ENTER_TRIES; i++) {
		result = group_try_write(cgroup, &there, "cgroup.procs", text);
		/* EINVAL also while the process or the group is only just being set up by the kernel. */
		if (result != -EINVAL)
			break;
		nanosleep(&(struct timespec){ 0, 20000000 }, NULL);
	}
	return result ? group_write_failed(&there, "cgroup.procs", text, -result, error) : 0;
}

int cgroup_enter(const struct cgroup *cgroup, pid_t pid, struct error *error)
{
	for (int i = 0; i < cgroup->nr; i++) {
		if (!cgroup->groups[i].present || group_enter(cgroup, &cgroup->groups[i], cgroup->groups[i].dir, pid, error) == 0)
			continue;
		if (cgroup->limited || !is_ignorable(cgroup, error->code))
			return -1;
		forgive(error);
	}
	return 0;
}

int cgroup_open_doors(const struct cgroup *cgroup, int ret_doors[CGROUP_MAX_DOORS])
{
	int nr = 0;

	for (int i = 0; i < cgroup->nr && !cgroup->fake; i++) {
		const struct group *group = &cgroup->groups[i];
		char *path;

		if (!group->present || group->version == 2)
			continue;
		path = nr < CGROUP_MAX_DOORS ? format_path("%s/tasks", group->dir) : NULL;
		ret_doors[nr] = path ? open(path, O_WRONLY | O_CLOEXEC) : -1;
		free(path);
		if (ret_doors[nr] < 0) {
			while (nr-- > 0)
				close(ret_doors[nr]);
			return -1;
		}
		nr++;
	}
	return cgroup->fake || cgroup_needs_process(cgroup) ? -1 : nr;
}

int cgroup_pass_doors(const int *doors, int nr, struct error *error)
{
	int result = 0;

	for (int i = 0; i < nr; i++) {
		if (result == 0 && write(doors[i], "0", 1) != 1)
			result = fail(error, errno, "cannot enter the container's cgroups");
		close(doors[i]);
	}
	return result;
}

/* The third field of a line of /proc/PID/cgroup for this hierarchy, malloc'ed; NULL if there is none. */
static char *path_of(const char *text, const struct group *group)
{
	for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line ? 1 : 0) {
		const char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;

		if (!path)
			return NULL;
		if (group->version == 2 ? path == list + 1
					: (size_t)(path - list - 1) == strlen(group->controllers) &&
						  !strncmp(list + 1, group->controllers, path - list - 1))
			return strndup(path + 1, strcspn(path + 1, "\n"));
	}
	return NULL;
}

/*
 * Where @init is now, if that is below its container's group: what stands behind the group's own path. "" if it is nowhere else, and if our view of
 * the tree is not the whole, since then the two paths cannot be compared.
 */
static char *moved_below(const struct group *group, const char *text)
{
	const char *own = group->dir + strlen(group->mount);
	char *path = path_of(text, group), *below = NULL;

	if (path && !strncmp(path, own, strlen(own)) && path[strlen(own)] == '/')
		below = strdup(path + strlen(own));
	free(path);
	return below ? below : strdup("");
}

static bool climbs(const char *path)
{
	for (const char *at = path; (at = strstr(at, "..")); at += 2)
		if ((at == path || at[-1] == '/') && (!at[2] || at[2] == '/'))
			return true;
	return false;
}

/* Calls @visit for each controller that stands before the colon of "CONTROLLER,...:PATH", until it returns something. */
static bool any_controller(const char *subgroup, bool (*visit)(const void *argument, const char *name), const void *argument)
{
	size_t length = strchr(subgroup, ':') ? strcspn(subgroup, ":") : 0;
	char name[64];

	for (const char *at = subgroup; at < subgroup + length; at += strcspn(at, ",:") + 1) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, ",:"), at);
		if (visit(argument, name))
			return true;
	}
	return false;
}

static bool has_controller(const void *argument, const char *name)
{
	const struct group *group = argument;

	return list_has(group->controllers, name);
}

static bool is_unknown(const void *argument, const char *name)
{
	const struct cgroup *cgroup = argument;

	for (int i = 0; i < cgroup->nr; i++)
		if (list_has(cgroup->groups[i].controllers, name))
			return false;
	return true;
}

static const char *path_in(const char *subgroup) { return strchr(subgroup, ':') ? strchr(subgroup, ':') + 1 : subgroup; }

static int check_subgroups(const struct cgroup *cgroup, const char *const *subgroups, size_t nr, struct error *error)
{
	for (size_t i = 0; i < nr; i++) {
		if (climbs(path_in(subgroups[i])))
			return fail(error, EINVAL, "bad sub cgroup path: %s is not a sub cgroup path", path_in(subgroups[i]));
		if (any_controller(subgroups[i], is_unknown, cgroup))
			return fail(error, EINVAL, "unknown controller in --cgroup %s: the container has no group of it", subgroups[i]);
	}
	return 0;
}

/* What is asked for @group; NULL: nothing. */
static const char *subgroup_of(const struct group *group, const char *const *subgroups, size_t nr)
{
	const char *found = NULL;
	bool by_name = false;

	for (size_t i = 0; i < nr; i++) {
		bool named = any_controller(subgroups[i], has_controller, group);

		if (named || (!by_name && !strchr(subgroups[i], ':')))
			found = path_in(subgroups[i]);
		by_name |= named;
	}
	return found && *found ? found : NULL;
}

/* In the words that runc's callers know. */
static void not_entered(const char *dir, const char *subgroup, pid_t pid, struct error *error)
{
	int code = error->code;

	if (code != ENOENT && code != EBUSY)
		return;
	*error = (struct error){ 0 };
	fail(error, 0, "adding pid %d to cgroups: %s/cgroup.procs: %s", pid, dir, code == ENOENT ? "no such file or directory" : "device or resource busy");
	error->code = code;
	if (code == ENOENT)
		fail_remedy(error, "the container has no group \"%s\" there: leave --cgroup out, or name one that it has made", subgroup);
	else
		fail_remedy(error, "the group has groups below it that have controllers: name one of these");
}

int cgroup_join(const struct cgroup *cgroup, pid_t init, const char *const *subgroups, size_t nr_subgroups, pid_t pid, struct error *error)
{
	char *path, *text;
	int result = 0;

	if (check_subgroups(cgroup, subgroups, nr_subgroups, error))
		return -1;
	path = format_path("/proc/%d/cgroup", init);
	text = path ? file_read(path) : NULL;
	free(path);
	for (int i = 0; !result && i < cgroup->nr; i++) {
		const struct group *group = &cgroup->groups[i];
		const char *asked = subgroup_of(group, subgroups, nr_subgroups);
		char *clean = asked ? path_clean(asked) : group->version == 2 ? moved_below(group, text) : strdup("");
		char *dir = clean ? format_path("%s%s%s", group->dir, *clean && *clean != '/' ? "/" : "", strcmp(clean, "/") ? clean : "") : NULL;

		if (!group->present)
			result = 0;
		else if (!dir)
			result = fail(error, ENOMEM, "cannot enter the cgroups of container %s", cgroup->id);
		else
			result = group_enter(cgroup, group, dir, pid, error);
		if (result && asked && dir)
			not_entered(dir, asked, pid, error);
		free(clean);
		free(dir);
	}
	free(text);
	return result;
}

/* ---- killing ---- */

static void signal_all(const struct pid_list *list, int number)
{
	for (size_t i = 0; i < list->nr; i++)
		if (list->pids[i] != getpid())
			kill(list->pids[i], number);
}

/* Whether cgroup.kill did it: then only the dying is left to wait for. */
static bool kill_at_once(const struct cgroup *cgroup)
{
	for (int i = 0; i < cgroup->nr; i++)
		if (cgroup->groups[i].version == 2 && cgroup->groups[i].present && !cgroup->fake &&
		    group_try_write(cgroup, &cgroup->groups[i], "cgroup.kill", "1") == 0)
			return true;
	return false;
}

static bool only_us(const struct pid_list *list)
{
	return list->nr == 0 || (list->nr == 1 && list->pids[0] == getpid());
}

int procs_kill_all(struct cgroup *cgroup, struct error *error)
{
	struct pid_list list = { 0 };
	struct error ignored;
	int result = 0;

	for (int round = 0; round < KILL_ROUNDS; round++) {
		list.nr = 0;
		result = collect_all(cgroup, &list);
		if (result || only_us(&list))
			break;
		if (round == 0)
			kill_at_once(cgroup);
		if (round == 0 || round % 8 == 4) {
			signal_all(&list, SIGKILL);
			if (cgroup_is_frozen(cgroup))
				cgroup_freeze(cgroup, false, &ignored);
		}
		nanosleep(&(struct timespec){ 0, round < 20 ? 100000L * (round + 1) : 20000000 }, NULL);
	}
	if (!result && !only_us(&list))
		result = -EBUSY;
	if (result) {
		fail(error, -result, "container %s: %zu processes do not end, among them %d", cgroup->id, list.nr, list.nr ? list.pids[0] : 0);
		fail_remedy(error, "cat /proc/%d/stack says what it waits for in the kernel: often a disk or a network file system that is gone",
			    list.nr ? list.pids[0] : 0);
	}
	free(list.pids);
	return result ? -1 : 0;
}

int cgroup_kill(struct cgroup *cgroup, int number, struct error *error)
{
	struct pid_list list = { 0 };
	int result;

	if (number == SIGKILL)
		return procs_kill_all(cgroup, error);
	result = collect_all(cgroup, &list);
	if (!result)
		signal_all(&list, number);
	free(list.pids);
	return result ? fail(error, -result, "cannot list the processes of container %s", cgroup->id) : 0;
}
