/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's groups: found, made, removed, kept in its state.
 *
 * Making is undone in full if it fails: the groups above the container's own that had to be made are removed again, too. Removing a container later
 * leaves those above alone, since somebody may have begun to use them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runtime/native/cgroup/internal.h"
#include "runtime/oci/spec.h"
#include "runtime/remedy.h"

#define REMOVE_TRIES 100

/* ---- making the structure ---- */

static char **copy_strings(const char *const *strings)
{
	size_t nr = 0;
	char **copy;

	while (strings && strings[nr])
		nr++;
	copy = calloc(nr + 1, sizeof(char *));
	for (size_t i = 0; copy && i < nr; i++)
		copy[i] = strdup(strings[i]);
	return copy;
}

static void free_strings(char **strings)
{
	for (size_t i = 0; strings && strings[i]; i++)
		free(strings[i]);
	free(strings);
}

static int find_groups(struct cgroup *cgroup, const struct layout *layout, const struct cgroup_options *options, struct error *error)
{
	char *root = NULL;
	int result;

	if (!options->systemd)
		return path_find_groups(cgroup, layout, cgroup->explicit_path ? options->path : options->id, error);
	cgroup->systemd = true;
	cgroup->user_manager = options->rootless;
	if (path_split_unit(options->path, options->id, cgroup->user_manager, &cgroup->slice, &cgroup->unit, error) ||
	    systemd_root(cgroup, &root, error))
		return -1;
	result = path_find_scope(cgroup, layout, root, error);
	free(root);
	return result;
}

int cgroup_new_below(const char *prefix, const struct cgroup_options *options, struct cgroup **ret_cgroup, struct error *error)
{
	struct cgroup *cgroup = calloc(1, sizeof(*cgroup));
	struct layout layout = { 0 };
	int result;

	if (!cgroup)
		return fail(error, ENOMEM, "cannot make cgroups");
	cgroup->id = strdup(options->id);
	cgroup->rootless = options->rootless;
	cgroup->explicit_path = options->path && *options->path;
	cgroup->fake = *prefix;
	cgroup->properties = copy_strings(options->properties);
	result = cgroup->id && cgroup->properties ? layout_read(prefix, &layout, error) : fail(error, ENOMEM, "cannot make cgroups");
	if (!result && !layout.nr && (!options->rootless || cgroup->explicit_path)) {
		result = fail(error, 0, "cannot make cgroups: none are mounted");
		fail_remedy_of(error, REMEDY_MOUNT_CGROUPS);
	}
	if (!result)
		result = find_groups(cgroup, &layout, options, error);
	layout_free(&layout);
	if (result)
		cgroup_free(cgroup);
	else
		*ret_cgroup = cgroup;
	return result;
}

int cgroup_new(const struct cgroup_options *options, struct cgroup **ret_cgroup, struct error *error)
{
	return cgroup_new_below("", options, ret_cgroup, error);
}

void cgroup_free(struct cgroup *cgroup)
{
	if (!cgroup)
		return;
	for (int i = 0; i < cgroup->nr; i++) {
		free(cgroup->groups[i].controllers);
		free(cgroup->groups[i].mount);
		free(cgroup->groups[i].dir);
	}
	free(cgroup->id);
	free(cgroup->slice);
	free(cgroup->unit);
	free_strings(cgroup->properties);
	free(cgroup->warnings);
	free(cgroup);
}

/* ---- looking ---- */

const struct group *group_of(const struct cgroup *cgroup, const char *controller)
{
	for (int i = 0; i < cgroup->nr; i++) {
		const struct group *group = &cgroup->groups[i];

		if (group->present && (*controller ? list_has(group->controllers, controller) : group->version == 2))
			return group;
	}
	return NULL;
}

const char *cgroup_path(const struct cgroup *cgroup, const char *controller)
{
	const struct group *group = group_of(cgroup, controller);

	return group ? group->dir : NULL;
}

bool cgroup_needs_process(const struct cgroup *cgroup)
{
	return cgroup->systemd;
}

bool cgroup_is_unified(const struct cgroup *cgroup)
{
	for (int i = 0; i < cgroup->nr; i++)
		if (cgroup->groups[i].present && cgroup->groups[i].version != 2)
			return false;
	return true;
}

bool cgroup_has_v1(const struct cgroup *cgroup)
{
	for (int i = 0; i < cgroup->nr; i++)
		if (cgroup->groups[i].version != 2)
			return true;
	return false;
}

_Static_assert(MAX_GROUPS <= 32, "a bit each");

uint32_t cgroup_made(const struct cgroup *cgroup)
{
	uint32_t made = 0;

	for (int i = 0; i < cgroup->nr; i++)
		made |= (uint32_t)cgroup->groups[i].present << i;
	return made;
}

void cgroup_take_made(struct cgroup *cgroup, uint32_t made)
{
	for (int i = 0; i < cgroup->nr; i++)
		cgroup->groups[i].present = made >> i & 1;
}

int cgroup_clone_fd(const struct cgroup *cgroup)
{
	const struct group *group = group_of(cgroup, "");

	return group && !cgroup->fake ? open(group->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

bool cgroup_exists(const struct cgroup *cgroup)
{
	for (int i = 0; i < cgroup->nr; i++)
		if (cgroup->groups[i].present && access(cgroup->groups[i].dir, F_OK) == 0)
			return true;
	return false;
}

void cgroup_warn(struct cgroup *cgroup, const char *format, ...)
{
	va_list arguments;
	char *line, *all;
	int length;

	va_start(arguments, format);
	length = vasprintf(&line, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	all = format_path("%s%s%s", cgroup->warnings ? cgroup->warnings : "", cgroup->warnings ? "\n" : "", line);
	free(line);
	if (!all)
		return;
	free(cgroup->warnings);
	cgroup->warnings = all;
}

const char *cgroup_warnings(const struct cgroup *cgroup)
{
	return cgroup->warnings ? cgroup->warnings : "";
}

/* ---- making the groups ---- */

/* Makes what is missing of group->dir. 0 or a negative errno. */
static int make_dirs(struct group *group)
{
	size_t length = strlen(group->dir), mount = strlen(group->mount);
	char *dir = strdup(group->dir);
	int result = dir ? 0 : -ENOMEM;

	for (size_t at = mount + 1; !result && at <= length; at++) {
		if (group->dir[at] && group->dir[at] != '/')
			continue;
		dir[at] = '\0';
		if (mkdir(dir, 0755) == 0) {
			if (!group->made)
				group->made = strrchr(dir, '/') - dir;
		} else if (errno != EEXIST) {
			result = -errno;
		}
		dir[at] = group->dir[at];
	}
	free(dir);
	return result;
}

/* Someone else's removing of an empty group above can come between two steps of ours. */
static int make_dirs_again(struct group *group)
{
	int result = -ENOENT;

	for (int i = 0; i < 3 && result == -ENOENT; i++)
		result = make_dirs(group);
	return result;
}

static void remove_made(struct group *group)
{
	char *dir = strdup(group->dir);

	for (size_t length = strlen(group->dir); dir && group->made && length > group->made; length = strrchr(dir, '/') - dir) {
		dir[length] = '\0';
		if (rmdir(dir) && errno != ENOENT)
			break;
	}
	free(dir);
	group->made = 0;
	group->present = false;
}

bool is_ignorable(const struct cgroup *cgroup, int code)
{
	return cgroup->rootless && !cgroup->explicit_path && (code == EPERM || code == EACCES || code == EROFS || code == ENOENT);
}

/* One that is there may be another user's. */
static bool may_enter(const struct group *group)
{
	char *path = format_path("%s/cgroup.procs", group->dir);
	bool may = path && access(path, W_OK) == 0;

	free(path);
	return may;
}

static int make_group(struct cgroup *cgroup, struct group *group, const struct spec_resources *resources, struct error *error)
{
	int code = -make_dirs_again(group);

	if (!code && is_ignorable(cgroup, EACCES) && !may_enter(group))
		code = EACCES;

	if (code && is_ignorable(cgroup, code)) {
		remove_made(group);
		return 0;
	}
	if (code) {
		fail(error, code, "cannot make the cgroup %s", group->dir);
		if (code == EROFS)
			return fail_remedy_of(error, REMEDY_CGROUP_READ_ONLY);
		return code == EPERM || code == EACCES ? fail_remedy_of(error, group->version == 2 ? REMEDY_DELEGATE : REMEDY_CGROUP_RIGHTS) : -1;
	}
	group->present = true;
	if (group->version == 2)
		return v2_enable_controllers(cgroup, group, resources, error);
	return list_has(group->controllers, "cpuset") && !cgroup->fake ? cpuset_init(cgroup, group, error) : 0;
}

/* No group may be in use: a container would share limits, and be killed, with whoever is there. */
static int check_unused(const struct cgroup *cgroup, struct error *error)
{
	struct pid_list list = { 0 };

	for (int i = 0; i < cgroup->nr; i++) {
		const struct group *group = &cgroup->groups[i];

		if (!strcmp(group->dir, group->mount)) {
			fail(error, 0, "config.json: linux.cgroupsPath: the root group cannot be a container's");
			return fail_remedy(error, "name a group, as in /linuxd/%s", cgroup->id);
		}
		procs_collect(group->dir, &list);
		if (list.nr) {
			fail(error, EBUSY, "container's cgroup is not empty: %zu process(es) found, process %d is in it (%s)", list.nr, list.pids[0],
			     group->dir);
			free(list.pids);
			return fail_remedy_of(error, REMEDY_GROUP_IN_USE);
		}
	}
	free(list.pids);
	return 0;
}

/* One that was left frozen would hold the container's first step for ever, and who froze it wants something. */
static int check_thawed(const struct cgroup *cgroup, struct error *error)
{
	if (cgroup->fake || !cgroup_exists(cgroup) || !cgroup_is_frozen(cgroup))
		return 0;
	fail(error, 0, "container's cgroup unexpectedly frozen");
	return fail_remedy(error, "thaw it, remove it, or choose another linux.cgroupsPath");
}

static int enter_new(struct cgroup *cgroup, pid_t pid, struct error *error)
{
	for (int i = 0; i < cgroup->nr; i++) {
		struct group *group = &cgroup->groups[i];

		if (!group->present || group_enter(cgroup, group, group->dir, pid, error) == 0)
			continue;
		if (!is_ignorable(cgroup, error->code))
			return -1;
		forgive(error);
		remove_made(group);
	}
	return 0;
}

int cgroup_create_birthplace(struct cgroup *cgroup, const struct spec_resources *resources, struct error *error)
{
	int result = check_unused(cgroup, error);

	/* One that is there already may be frozen, of any tree. */
	for (int i = 0; i < cgroup->nr && !result; i++)
		cgroup->groups[i].present = access(cgroup->groups[i].dir, F_OK) == 0;
	if (!result)
		result = check_thawed(cgroup, error);
	for (int i = 0; i < cgroup->nr && !result; i++)
		if (cgroup->groups[i].version == 2)
			result = make_group(cgroup, &cgroup->groups[i], resources, error);
	cgroup->found_free = !result;
	for (int i = 0; i < cgroup->nr && result; i++)
		remove_made(&cgroup->groups[i]);
	return result;
}

static void give_up(struct cgroup *cgroup)
{
	struct error ignored;

	/* A process that is in some of them already keeps these from being removed: it is the caller's to end, and cgroup_remove is, too. */
	for (int i = 0; i < cgroup->nr && !cgroup->found_free; i++)
		remove_made(&cgroup->groups[i]);
	if (cgroup->started)
		systemd_stop(cgroup, &ignored);
	cgroup->started = false;
}

int cgroup_create(struct cgroup *cgroup, pid_t pid, const struct spec_resources *resources, struct error *error)
{
	int result = 0;

	if (cgroup->systemd && pid == 0)
		return fail(error, EINVAL, "a scope of systemd cannot be made without a process");
	if (!cgroup->found_free && check_unused(cgroup, error))
		return -1;
	if (cgroup->systemd && systemd_start(cgroup, pid, resources, error))
		return -1;
	for (int i = 0; !result && i < cgroup->nr; i++)
		if (!cgroup->found_free || cgroup->groups[i].version != 2)
			result = make_group(cgroup, &cgroup->groups[i], resources, error);
	if (!result)
		result = check_thawed(cgroup, error);
	if (!result && pid)
		result = enter_new(cgroup, pid, error);
	if (result)
		give_up(cgroup);
	return result;
}

int cgroup_delegate(const struct cgroup *cgroup, uid_t uid, struct error *error)
{
	const struct group *group = group_of(cgroup, "");
	char *list, *rest;
	int result = 0;

	if (!group || group->version != 2)
		return 0;
	if (chown(group->dir, uid, -1))
		return fail(error, errno, "cannot give %s to uid %u", group->dir, uid);
	/* The kernel tells which files may be given away. */
	list = file_read("/sys/kernel/cgroup/delegate");
	if (!list)
		list = strdup("cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n");
	for (char *name = list ? strtok_r(list, "\n", &rest) : NULL; name && !result; name = strtok_r(NULL, "\n", &rest)) {
		char *path = format_path("%s/%s", group->dir, name);

		if (path && chown(path, uid, -1) && errno != ENOENT)
			result = fail(error, errno, "cannot give %s to uid %u", path, uid);
		free(path);
	}
	free(list);
	return result;
}

/* ---- removing the groups ---- */

/* Groups below first. 0 or a negative errno. */
static int remove_tree(const char *dir)
{
	struct dirent *entry;
	DIR *stream;
	int result = 0;

	if (rmdir(dir) == 0 || errno == ENOENT)
		return 0;
	stream = opendir(dir);
	if (!stream)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(stream))) {
		char *path;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		path = format_path("%s/%s", dir, entry->d_name);
		result = path ? remove_tree(path) : -ENOMEM;
		free(path);
		if (result)
			break;
	}
	closedir(stream);
	if (result)
		return result;
	return rmdir(dir) == 0 || errno == ENOENT ? 0 : -errno;
}

/* The kernel may hold a group for a moment after its last process has gone. */
static int remove_group(const struct group *group)
{
	int result = -EBUSY;

	for (int i = 0; i < REMOVE_TRIES; i++) {
		result = remove_tree(group->dir);
		if (result != -EBUSY && result != -EINTR)
			break;
		nanosleep(&(struct timespec){ 0, i < 20 ? 1000000 : 25000000 }, NULL);
	}
	return result;
}

/*
 * Mostly nobody is left and nothing is below: then a call for each is all. The kernel removes none that has a process in it. True: all are gone.
 */
static bool remove_empty(const struct cgroup *cgroup)
{
	/* A scope is for systemd to end. */
	bool gone = !cgroup->systemd;

	for (int i = 0; i < cgroup->nr && !cgroup->systemd; i++)
		if (cgroup->groups[i].present && rmdir(cgroup->groups[i].dir) && errno != ENOENT)
			gone = false;
	return gone;
}

int cgroup_remove(struct cgroup *cgroup, struct error *error)
{
	struct error ignored;
	bool gone = remove_empty(cgroup);
	int result = gone ? 0 : procs_kill_all(cgroup, error);

	if (cgroup->started && systemd_stop(cgroup, result ? &ignored : error))
		result = -1;
	for (int i = 0; i < cgroup->nr; i++) {
		struct group *group = &cgroup->groups[i];
		int failed = !gone && group->present ? remove_group(group) : 0;

		if (failed && !result) {
			result = fail(error, -failed, "cannot remove the cgroup %s", group->dir);
			if (failed == -EBUSY)
				fail_remedy(error, "cat %s/cgroup.procs tells what is in it: end that, then delete the container again", group->dir);
		}
		if (!failed && group->made)
			remove_made(group);
	}
	return result;
}

/* ---- in state.json ---- */

struct json_object *cgroup_save(const struct cgroup *cgroup)
{
	struct json_object *saved = json_object_new_object(), *groups = json_object_new_array();

	json_object_object_add(saved, "id", json_object_new_string(cgroup->id));
	json_object_object_add(saved, "rootless", json_object_new_boolean(cgroup->rootless));
	if (cgroup->systemd) {
		json_object_object_add(saved, "slice", json_object_new_string(cgroup->slice));
		json_object_object_add(saved, "unit", json_object_new_string(cgroup->unit));
		json_object_object_add(saved, "userManager", json_object_new_boolean(cgroup->user_manager));
		json_object_object_add(saved, "unitWasThere", json_object_new_boolean(!cgroup->started));
	}
	for (int i = 0; i < cgroup->nr; i++) {
		const struct group *group = &cgroup->groups[i];
		struct json_object *object;

		if (!group->present)
			continue;
		object = json_object_new_object();
		json_object_object_add(object, "version", json_object_new_int(group->version));
		json_object_object_add(object, "controllers", json_object_new_string(group->controllers));
		json_object_object_add(object, "mount", json_object_new_string(group->mount));
		json_object_object_add(object, "path", json_object_new_string(group->dir));
		json_object_array_add(groups, object);
	}
	json_object_object_add(saved, "groups", groups);
	return saved;
}

static const char *string_of(struct json_object *object, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(object, name, &value) && json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static bool bool_of(struct json_object *object, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(object, name, &value) && json_object_get_boolean(value);
}

static int load_group(struct cgroup *cgroup, struct json_object *object)
{
	const char *controllers = string_of(object, "controllers"), *mount = string_of(object, "mount"), *path = string_of(object, "path");
	struct group *group = &cgroup->groups[cgroup->nr];
	struct json_object *version;

	if (cgroup->nr == MAX_GROUPS || !controllers || !mount || !path || !json_object_object_get_ex(object, "version", &version))
		return -1;
	/* A damaged file must not make us remove something else. */
	if (strncmp(path, mount, strlen(mount)) || path[strlen(mount)] != '/' || strstr(path, "/../"))
		return -1;
	group->version = json_object_get_int(version);
	group->controllers = strdup(controllers);
	group->mount = strdup(mount);
	group->dir = strdup(path);
	group->present = true;
	cgroup->nr++;
	return group->controllers && group->mount && group->dir ? 0 : -1;
}

int cgroup_load(struct json_object *saved, struct cgroup **ret_cgroup, struct error *error)
{
	struct cgroup *cgroup = calloc(1, sizeof(*cgroup));
	const char *id = string_of(saved, "id"), *slice = string_of(saved, "slice"), *unit = string_of(saved, "unit");
	struct json_object *groups;
	int result = 0;

	if (!cgroup)
		return fail(error, ENOMEM, "cannot read the container's cgroups");
	cgroup->id = strdup(id ? id : "");
	cgroup->rootless = bool_of(saved, "rootless");
	cgroup->systemd = unit;
	cgroup->started = unit && !bool_of(saved, "unitWasThere");
	cgroup->slice = slice ? strdup(slice) : NULL;
	cgroup->unit = unit ? strdup(unit) : NULL;
	cgroup->user_manager = bool_of(saved, "userManager");
	if (!id || !json_object_object_get_ex(saved, "groups", &groups) || !json_object_is_type(groups, json_type_array))
		result = -1;
	for (size_t i = 0; !result && i < json_object_array_length(groups); i++)
		result = load_group(cgroup, json_object_array_get_idx(groups, i));
	if (result) {
		cgroup_free(cgroup);
		return fail(error, 0, "state.json: what it says about cgroups is damaged");
	}
	*ret_cgroup = cgroup;
	return 0;
}
