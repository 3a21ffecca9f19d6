/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share. */
#ifndef RUNTIME_NATIVE_CGROUP_INTERNAL_H
#define RUNTIME_NATIVE_CGROUP_INTERNAL_H

#include <limits.h>

#include "runtime/native/cgroup/cgroup.h"
#include "runtime/native/cgroup/devices.h"

#define MAX_GROUPS 24

/* ---- layout.c: what is mounted where ---- */

struct hierarchy {
	int version;           /* 1 or 2 */
	char *controllers;     /* with commas between them, and for v1 maybe one "name=systemd"; of v2 what its root offers. Never NULL */
	char *mount;           /* where it is mounted */
	bool whole;            /* its root is mounted there, not a part */
	char *own;             /* this process's group in it, as a path below @mount, beginning with '/' */
};

struct layout {
	struct hierarchy hierarchies[MAX_GROUPS];
	int nr;
};

/*
 * Reads /proc/self/mountinfo and /proc/self/cgroup. With @prefix (tests; "" otherwise) they are looked for below it, and so are the mount points
 * that they name.
 */
int layout_read(const char *prefix, struct layout *ret_layout, struct error *error);
void layout_free(struct layout *layout);
/* Whether @name stands in a list with commas. */
bool list_has(const char *list, const char *name);

/* ---- the container's groups ---- */

/* One per hierarchy. */
struct group {
	int version;
	char *controllers;     /* as in struct hierarchy */
	char *mount;
	char *dir;             /* of the container, below @mount */
	bool present;          /* made by us, or there when we looked; a rootless container may lack some */
	size_t made;           /* so much of @dir was there before cgroup_create: what lies behind is removed if the create fails */
};

struct cgroup {
	struct group groups[MAX_GROUPS];
	int nr;
	char *id;
	bool systemd, rootless, explicit_path;
	bool started;          /* the unit is ours: made by us, or from the container's state */
	bool found_free;       /* cgroup_create_birthplace has looked, and made the v2 group */
	bool limited;          /* limits were set: then every group must be entered */
	bool fake;             /* a tree of ordinary files, in tests: files are made by writing */
	/* systemd */
	char *slice, *unit;
	bool user_manager;
	char **properties;     /* name, value, ..., NULL */
	char *warnings;
};

/* cgroup.c: as cgroup_new, in a tree below @prefix */
int cgroup_new_below(const char *prefix, const struct cgroup_options *options, struct cgroup **ret_cgroup, struct error *error);
/* The group that has this controller, "" for v2's own; NULL if none is present. */
const struct group *group_of(const struct cgroup *cgroup, const char *controller);
/* Whether a rootless container goes on without the group when this happens. */
bool is_ignorable(const struct cgroup *cgroup, int code);
/* After a failure that is none: callers take a text for an error. Returns 0. */
static inline int forgive(struct error *error)
{
	error->code = 0;
	error->text[0] = '\0';
	return 0;
}
/* Adds a line to what cgroup_warnings tells. */
void cgroup_warn(struct cgroup *cgroup, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- path.c: from cgroupsPath to directories ---- */

/* "/a/../b//c" and "a/../../b" to "/b/c", "b": as short as it gets, never above its beginning. malloc'ed. */
char *path_clean(const char *path);
/* "a-b-c.slice" to "a.slice/a-b.slice/a-b-c.slice"; NULL: no name of a slice. malloc'ed. */
char *path_of_slice(const char *slice);
/* "slice:prefix:name". Parts are malloc'ed. */
int path_split_unit(const char *path, const char *id, bool user, char **ret_slice, char **ret_unit, struct error *error);
/* The groups of the cgroupfs driver. */
int path_find_groups(struct cgroup *cgroup, const struct layout *layout, const char *path, struct error *error);
/* The groups below what systemd calls its own, @root ("" or "/user.slice/..."). */
int path_find_scope(struct cgroup *cgroup, const struct layout *layout, const char *root, struct error *error);
int group_add(struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *path, struct error *error);

/* ---- file.c: reading and writing a group's files ---- */

/* Writes with one write(2). */
int group_write(const struct cgroup *cgroup, const struct group *group, const char *file, const char *value, struct error *error);
int group_write_number(const struct cgroup *cgroup, const struct group *group, const char *file, long long value, struct error *error);
/* 0, or a negative errno: for those that know what to do then. */
int group_try_write(const struct cgroup *cgroup, const struct group *group, const char *file, const char *value);
/* The same for values that are written one after the other: group_open gives a descriptor, or a negative errno. */
int group_open(const struct cgroup *cgroup, const struct group *group, const char *file);
int group_put(int fd, const char *value);
/* An error for a write that failed with @code, with the remedy. Returns -1. */
int group_write_failed(const struct group *group, const char *file, const char *value, int code, struct error *error);
/* The whole file without the last newline, malloc'ed; NULL with errno set. */
char *group_read(const struct group *group, const char *file);
/* A number; "max" is UINT64_MAX. @otherwise if there is no such file. */
uint64_t group_read_number(const struct group *group, const char *file, uint64_t otherwise);
/* Of a file of "name number" lines. */
uint64_t lines_number(const char *text, const char *name, uint64_t otherwise);
bool group_has(const struct group *group, const char *file);
char *file_read(const char *path);
char *format_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- procs.c: who is in a group ---- */

struct pid_list {
	pid_t *pids;
	size_t nr, size;
};

/* Adds those of @dir and below, not ordered. 0 or a negative errno; a directory that is gone has none. */
int procs_collect(const char *dir, struct pid_list *list);
void procs_sort(struct pid_list *list);
/* Kills and waits until no group has a process, as long as that takes but a few seconds. 0, or -1 with @error. */
int procs_kill_all(struct cgroup *cgroup, struct error *error);
int group_enter(const struct cgroup *cgroup, const struct group *group, const char *dir, pid_t pid, struct error *error);

/* ---- resources: v1.c, v2.c ---- */

enum { APPLY_NEW, APPLY_UPDATE };

int v1_apply(struct cgroup *cgroup, const struct spec_resources *resources, int how, struct error *error);
int v2_apply(struct cgroup *cgroup, const struct spec_resources *resources, int how, struct error *error);
/* v1: cpuset.cpus and .mems of all groups above, and of this one, which are empty when made. */
int cpuset_init(const struct cgroup *cgroup, const struct group *group, struct error *error);
/* v2: cgroup.subtree_control on the way to the group. */
int v2_enable_controllers(const struct cgroup *cgroup, const struct group *group, const struct spec_resources *resources, struct error *error);
/* Whether @resources need this controller. */
bool resources_need(const struct spec_resources *resources, const char *controller);

/* ---- devices.c (devices.h) ---- */

/* devices.list of v1 */
int device_rules_parse(const char *text, struct device_rules *ret_rules);
int devices_v1_apply(const struct cgroup *cgroup, const struct group *group, const struct device_rules *rules, struct error *error);
int devices_v2_apply(const struct cgroup *cgroup, const struct group *group, const struct device_rules *rules, struct error *error);

struct bpf_insn;
/* The program for these rules, malloc'ed. */
int devices_assemble(const struct device_rules *rules, struct bpf_insn **ret_program, size_t *ret_nr);

/* ---- systemd.c ---- */

/* The manager's own group; *ret_root is malloc'ed. */
int systemd_root(struct cgroup *cgroup, char **ret_root, struct error *error);
int systemd_start(struct cgroup *cgroup, pid_t pid, const struct spec_resources *resources, struct error *error);
int systemd_set(struct cgroup *cgroup, const struct spec_resources *resources, struct error *error);
int systemd_stop(struct cgroup *cgroup, struct error *error);

#endif
