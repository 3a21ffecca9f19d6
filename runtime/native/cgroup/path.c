/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From linux.cgroupsPath to directories. Callers rely on runc's rules:
 *
 *	/a/b             the group a/b of every hierarchy
 *	a/b              the same below the group that linuxd runs in; in the v2 tree beside it, since a group with processes can have no groups
 *	                 with controllers below
 *	(none)           as if it were the container's id
 *	slice:prefix:name   with the systemd driver: prefix-name.scope in the slice; name alone if that ends with .slice; system.slice (of a user's
 *	                 manager user.slice) if no slice is named, linuxd-ID.scope if there is no path at all
 *
 * No path leads above its beginning, however many ".." it has.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/native/cgroup/internal.h"
#include "runtime/remedy.h"

char *path_clean(const char *path)
{
	bool absolute = path[0] == '/';
	char *clean = malloc(strlen(path) + 2), *end = clean;

	if (!clean)
		return NULL;
	while (*path) {
		size_t length = strcspn(path, "/");

		if (length == 2 && !strncmp(path, "..", 2)) {
			while (end > clean && *--end != '/')
				;
		} else if (length && !(length == 1 && *path == '.')) {
			if (end > clean || absolute)
				*end++ = '/';
			memcpy(end, path, length);
			end += length;
		}
		path += length;
		path += *path == '/';
	}
	if (end == clean && absolute)
		*end++ = '/';
	*end = '\0';
	return clean;
}

char *path_of_slice(const char *slice)
{
	static const char suffix[] = ".slice";
	size_t length = strlen(slice);
	char *path, *end;

	if (length <= sizeof(suffix) - 1 || strcmp(slice + length - (sizeof(suffix) - 1), suffix) || strchr(slice, '/'))
		return NULL;
	if (!strcmp(slice, "-.slice"))
		return strdup("");
	length -= sizeof(suffix) - 1;
	if (slice[0] == '-' || slice[length - 1] == '-' || strstr(slice, "--"))
		return NULL;
	/* Each part stands there with all before it. */
	path = calloc(length + 1, length + sizeof(suffix) + 1);
	end = path;
	for (size_t i = 1; path && i <= length; i++)
		if (i == length || slice[i] == '-')
			end += sprintf(end, "%s%.*s%s", end > path ? "/" : "", (int)i, slice, suffix);
	return path;
}

int path_split_unit(const char *path, const char *id, bool user, char **ret_slice, char **ret_unit, struct error *error)
{
	const char *default_slice = user ? "user.slice" : "system.slice";
	const char *first = path ? strchr(path, ':') : NULL, *second = first ? strchr(first + 1, ':') : NULL, *name;
	char *slice, *unit, *checked;
	size_t length;

	if (!path || !*path) {
		slice = strdup(default_slice);
		unit = format_path("linuxd-%s.scope", id);
	} else if (!second || strchr(second + 1, ':') || !second[1]) {
		fail(error, 0, "config.json: linux.cgroupsPath: \"%s\" is not of the form slice:prefix:name", path);
		return fail_remedy_of(error, REMEDY_SYSTEMD_PATH);
	} else {
		name = second + 1;
		length = strlen(name);
		slice = first == path ? strdup(default_slice) : strndup(path, first - path);
		if (length > 6 && !strcmp(name + length - 6, ".slice"))
			unit = strdup(name);
		else
			unit = format_path("%.*s%s%s.scope", (int)(second - first - 1), first + 1, second - first > 1 ? "-" : "", name);
	}
	checked = slice ? path_of_slice(slice) : NULL;
	if (!checked || !unit || strchr(unit, '/') || strlen(unit) > 255) {
		fail(error, 0, "config.json: linux.cgroupsPath: \"%s\" is no name of a %s", checked && unit ? unit : slice ? slice : "",
		     checked ? "unit" : "slice");
		fail_remedy_of(error, checked ? REMEDY_SYSTEMD_PATH : REMEDY_SLICE_NAME);
		free(slice);
		free(unit);
		free(checked);
		return -1;
	}
	free(checked);
	*ret_slice = slice;
	*ret_unit = unit;
	return 0;
}

int group_add(struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *path, struct error *error)
{
	struct group *group = &cgroup->groups[cgroup->nr];
	char *clean = path_clean(path);

	*group = (struct group){ .version = hierarchy->version };
	group->controllers = strdup(hierarchy->controllers);
	group->mount = strdup(hierarchy->mount);
	group->dir = clean ? format_path("%s%s", hierarchy->mount, strcmp(clean, "/") ? clean : "") : NULL;
	free(clean);
	cgroup->nr++;
	return group->dir && group->mount && group->controllers ? 0 : fail(error, ENOMEM, "cannot name the container's cgroups");
}

/* Hierarchies that other programs have made for themselves (a v1 tree with a name and no controller) are theirs; systemd's has to follow. */
static bool is_ours(const struct hierarchy *hierarchy)
{
	return hierarchy->version == 2 || strncmp(hierarchy->controllers, "name=", 5) || !strcmp(hierarchy->controllers, "name=systemd");
}

int path_find_groups(struct cgroup *cgroup, const struct layout *layout, const char *path, struct error *error)
{
	char *clean = path_clean(path);
	int result = clean ? 0 : fail(error, ENOMEM, "cannot name the container's cgroups");

	for (int i = 0; !result && i < layout->nr; i++) {
		const struct hierarchy *hierarchy = &layout->hierarchies[i];
		/* Of a v2 tree with controllers the group above our own: ours has at least us in it. */
		const char *above = hierarchy->version == 2 && *hierarchy->controllers ? "/.." : "";
		char *full = clean[0] == '/' ? strdup(clean) : format_path("%s%s/%s", hierarchy->own, above, clean);

		if (!full)
			result = fail(error, ENOMEM, "cannot name the container's cgroups");
		else if (is_ours(hierarchy))
			result = group_add(cgroup, hierarchy, full, error);
		free(full);
	}
	free(clean);
	return result;
}

int path_find_scope(struct cgroup *cgroup, const struct layout *layout, const char *root, struct error *error)
{
	char *slice = path_of_slice(cgroup->slice);
	int result = slice ? 0 : fail(error, ENOMEM, "cannot name the container's cgroups");

	for (int i = 0; !result && i < layout->nr; i++) {
		const struct hierarchy *hierarchy = &layout->hierarchies[i];
		char *full = format_path("%s/%s/%s", root, slice, cgroup->unit);

		if (!full)
			result = fail(error, ENOMEM, "cannot name the container's cgroups");
		else if (is_ours(hierarchy))
			result = group_add(cgroup, hierarchy, full, error);
		free(full);
	}
	free(slice);
	return result;
}
