/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which cgroup hierarchies there are, from /proc/self/mountinfo and /proc/self/cgroup.
 *
 * A hierarchy that is mounted twice counts once; a mount that shows its root wins over one that shows a part. Where only a part is mounted (inside
 * a container without a cgroup namespace), paths are taken relative to that part: what lies outside cannot be reached anyway.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/native/cgroup/internal.h"
#include "runtime/remedy.h"

/* Options of a v1 mount that are no controllers. */
static const char *const mount_flags[] = { "rw", "ro", "xattr", "noprefix", "clone_children", "cpuset_v2_mode", "favordynmods", "none" };

bool list_has(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = list; *at; at += *at == ',') {
		size_t word = strcspn(at, ",");

		if (word == length && !strncmp(at, name, length))
			return true;
		at += word;
	}
	return false;
}

/* Octal escapes of mountinfo, in place. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *at = text; *at; to++) {
		if (at[0] == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] >= '0' && at[2] <= '7' && at[3] >= '0' && at[3] <= '7') {
			*to = (at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0');
			at += 4;
		} else {
			*to = *at++;
		}
	}
	*to = '\0';
}

/* Of the options of a v1 mount those that are controllers or a name. */
static char *controllers_of(char *options)
{
	char *controllers = calloc(1, strlen(options) + 1), *rest;

	if (!controllers)
		return NULL;
	for (char *word = strtok_r(options, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		bool is_flag = !strncmp(word, "release_agent=", 14);

		for (size_t i = 0; i < sizeof(mount_flags) / sizeof(mount_flags[0]); i++)
			is_flag |= !strcmp(word, mount_flags[i]);
		if (is_flag)
			continue;
		if (*controllers)
			strcat(controllers, ",");
		strcat(controllers, word);
	}
	return controllers;
}

/* cgroup.controllers, with commas. */
static char *controllers_v2(const char *mount)
{
	char *path = format_path("%s/cgroup.controllers", mount), *text;

	text = path ? file_read(path) : NULL;
	free(path);
	if (!text)
		return strdup("");
	for (char *at = text; *at; at++)
		if (*at == ' ' || *at == '\n')
			*at = at[1] && at[1] != '\n' ? ',' : '\0';
	return text;
}

/* The path of our own group in the hierarchy of @controllers: the third field of /proc/self/cgroup. */
static char *own_path(const char *text, int version, const char *controllers)
{
	const char *next;

	for (const char *line = text; *line; line = next) {
		const char *end = line + strcspn(line, "\n"), *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;

		next = *end ? end + 1 : end;
		if (!path || path > end)
			continue;
		if (version == 2 ? path == list + 1 && !strncmp(line, "0:", 2)
				 : (size_t)(path - list - 1) == strlen(controllers) && !strncmp(list + 1, controllers, path - list - 1))
			return strndup(path + 1, end - path - 1);
	}
	return strdup("/");
}

/* @own, seen from a mount that shows @root of the hierarchy. */
static char *below_root(char *own, const char *root)
{
	size_t length = strcmp(root, "/") ? strlen(root) : 0;
	char *below;

	if (!own)
		return NULL;
	if (strncmp(own, root, length) || (own[length] && own[length] != '/') || !strncmp(own, "/..", 3))
		below = strdup("/");
	else
		below = path_clean(own[length] ? own + length : "/");
	free(own);
	return below;
}

static void hierarchy_free(struct hierarchy *hierarchy)
{
	free(hierarchy->controllers);
	free(hierarchy->mount);
	free(hierarchy->own);
	*hierarchy = (struct hierarchy){ 0 };
}

/* The hierarchy that is mounted already with the same controllers, or NULL. */
static struct hierarchy *find_same(struct layout *layout, int version, const char *controllers)
{
	for (int i = 0; i < layout->nr; i++)
		if (layout->hierarchies[i].version == version && (version == 2 || !strcmp(layout->hierarchies[i].controllers, controllers)))
			return &layout->hierarchies[i];
	return NULL;
}

/* One line of mountinfo: id parent major:minor root mountpoint options ... - type source superoptions */
static int take_line(const char *prefix, char *line, const char *cgroup_text, struct layout *layout)
{
	char *fields[5], *separator = strstr(line, " - "), *type, *options, *rest, *controllers;
	struct hierarchy *hierarchy;
	int version;

	if (!separator)
		return 0;
	*separator = '\0';
	for (int i = 0; i < 5; i++) {
		fields[i] = strtok_r(i ? NULL : line, " ", &rest);
		if (!fields[i])
			return 0;
	}
	type = strtok_r(separator + 3, " ", &rest);
	if (!type || (strcmp(type, "cgroup") && strcmp(type, "cgroup2")) || !strtok_r(NULL, " ", &rest))
		return 0;
	options = strtok_r(NULL, " ", &rest);
	version = strcmp(type, "cgroup") ? 2 : 1;
	unescape(fields[3]);
	unescape(fields[4]);
	if (fields[3][0] != '/' || fields[4][0] != '/')
		return 0;
	controllers = version == 1 ? controllers_of(options ? options : fields[0] + strlen(fields[0])) : strdup("");
	if (!controllers)
		return -ENOMEM;
	hierarchy = find_same(layout, version, controllers);
	if (hierarchy ? hierarchy->whole || strcmp(fields[3], "/") : layout->nr == MAX_GROUPS) {
		free(controllers);
		return 0;
	}
	if (hierarchy)
		hierarchy_free(hierarchy);
	else
		hierarchy = &layout->hierarchies[layout->nr++];
	hierarchy->version = version;
	hierarchy->whole = !strcmp(fields[3], "/");
	hierarchy->own = below_root(own_path(cgroup_text, version, controllers), fields[3]);
	hierarchy->mount = format_path("%s%s", prefix, fields[4]);
	hierarchy->controllers = controllers;
	if (version == 2 && hierarchy->mount) {
		free(controllers);
		hierarchy->controllers = controllers_v2(hierarchy->mount);
	}
	return hierarchy->own && hierarchy->mount && hierarchy->controllers ? 0 : -ENOMEM;
}

int layout_read(const char *prefix, struct layout *ret_layout, struct error *error)
{
	char *mountinfo_path = format_path("%s/proc/self/mountinfo", prefix), *cgroup_path = format_path("%s/proc/self/cgroup", prefix);
	char *mountinfo = mountinfo_path ? file_read(mountinfo_path) : NULL, *cgroup_text = cgroup_path ? file_read(cgroup_path) : NULL;
	struct layout layout = { .nr = 0 };
	int result = 0;

	if (!mountinfo || !cgroup_text) {
		result = fail(error, errno, "cannot read %s", mountinfo ? cgroup_path : mountinfo_path);
		if (errno == ENOENT)
			fail_remedy(error, "%s", remedy_text(REMEDY_MOUNT_PROC));
	}
	for (char *line = mountinfo, *next; !result && line && *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		if (take_line(prefix, line, cgroup_text, &layout))
			result = fail(error, ENOMEM, "cannot read %s", mountinfo_path);
	}
	free(mountinfo_path);
	free(cgroup_path);
	free(mountinfo);
	free(cgroup_text);
	if (result)
		layout_free(&layout);
	else
		*ret_layout = layout;
	return result;
}

void layout_free(struct layout *layout)
{
	for (int i = 0; i < layout->nr; i++)
		hierarchy_free(&layout->hierarchies[i]);
	layout->nr = 0;
}
