/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cgroups of a native container on the host: made, filled, limited, frozen, watched, removed.
 *
 * One struct cgroup stands for the container's group in every hierarchy there is: the v2 tree, or a v1 tree per controller, or both (hybrid:
 * the controllers are v1, and the v2 tree beside them has none; the container has a group there too, because it can be killed as a whole).
 * Nothing here is global: two containers can be made by two threads.
 *
 * Order of use for a new container:
 *
 *	cgroup_new            which groups; touches nothing
 *	cgroup_create         makes them; with the systemd driver (cgroup_needs_process) only a process can found one, so it comes after the clone
 *	cgroup_apply          limits and device rules, before the first program of the container runs
 *	cgroup_clone_fd       for CLONE_INTO_CGROUP, where all is v2; else cgroup_enter with the pid that the child waits with
 *	cgroup_save           into the container's state, from which cgroup_load makes the same again in another process
 *	...
 *	cgroup_remove         kills what is left, removes the groups
 *
 * Errors: 0, or -1 with @error set, unless it says otherwise. An error names the file, the value that was written, the reason and the remedy.
 */
#ifndef RUNTIME_NATIVE_CGROUP_CGROUP_H
#define RUNTIME_NATIVE_CGROUP_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "runtime/error.h"

struct cgroup;
struct json_object;
struct spec_resources; /* linux.resources of config.json: runtime/oci/spec.h */

struct cgroup_options {
	const char *id;       /* of the container */
	const char *path;     /* linux.cgroupsPath; NULL or "": the default, named by the id */
	bool systemd;         /* --systemd-cgroup: ask systemd for a scope; path is then "slice:prefix:name" */
	/* Without root's rights over the host: if no group may be made and neither a path nor a limit is asked for, go on without. */
	bool rootless;
	/* Names and values of org.systemd.property.* annotations, ended by NULL; NULL: none. For the systemd driver, which reads them. */
	const char *const *properties;
};

int cgroup_new(const struct cgroup_options *options, struct cgroup **ret_cgroup, struct error *error);
void cgroup_free(struct cgroup *cgroup);

/* Whether cgroup_create must be given a process: systemd founds a scope around one. */
bool cgroup_needs_process(const struct cgroup *cgroup);

/*
 * Makes the groups and, with a @pid, puts that process into them (0: none). @resources may be NULL; they decide which controllers must be there
 * and what systemd is told; cgroup_apply is still to be called. Groups that exist already are used if no process is in them, so that two
 * containers never share one by accident. On failure what was made is removed again.
 */
int cgroup_create(struct cgroup *cgroup, pid_t pid, const struct spec_resources *resources, struct error *error);

/*
 * Before cgroup_create, makes the v2 group alone, so that a process can be born in it (cgroup_clone_fd) while cgroup_create makes the others. From
 * then on whatever fails is the caller's to undo by cgroup_remove, when that process has ended; if this fails itself nothing is left that was not
 * there. Not with cgroup_needs_process.
 */
int cgroup_create_birthplace(struct cgroup *cgroup, const struct spec_resources *resources, struct error *error);

/* A directory of the v2 tree for clone3's CLONE_INTO_CGROUP, close-on-exec, owned by the caller. -1: cgroup_enter must be used (also). */
int cgroup_clone_fd(const struct cgroup *cgroup);
/* Whether membership in the v2 tree is all there is: after CLONE_INTO_CGROUP nothing is left to do. */
bool cgroup_is_unified(const struct cgroup *cgroup);
/* Whether there are v1 trees to make groups in. */
bool cgroup_has_v1(const struct cgroup *cgroup);
/* Which of the groups have been made, a bit each, for a copy of @cgroup that was made before (in a process of its own). */
uint32_t cgroup_made(const struct cgroup *cgroup);
void cgroup_take_made(struct cgroup *cgroup, uint32_t made);
/* Puts a process (all its threads) into every group. What it has allocated before stays charged to where it came from. */
int cgroup_enter(const struct cgroup *cgroup, pid_t pid, struct error *error);
/*
 * The fast way for a process that has one thread and enters by itself: the kernel need not stop the forks and exits of the whole host for that,
 * which takes it a grace period (some ms). Opens the v1 groups' files "tasks", close-on-exec: their number, or -1 where cgroup_enter must be used.
 * With cgroup_clone_fd for the v2 tree this is all. cgroup_pass_doors is called by the process that enters, and closes them.
 */
#define CGROUP_MAX_DOORS 24
int cgroup_open_doors(const struct cgroup *cgroup, int ret_doors[CGROUP_MAX_DOORS]);
int cgroup_pass_doors(const int *doors, int nr, struct error *error);
/*
 * The same for `exec`: into the groups of the container's init @init, which may have moved below where it was put (v2 forbids processes in inner
 * groups). @subgroups: "[CONTROLLER,...:]PATH", as in `exec --cgroup`: below the groups of these controllers, else of all that no other names.
 */
int cgroup_join(const struct cgroup *cgroup, pid_t init, const char *const *subgroups, size_t nr_subgroups, pid_t pid, struct error *error);

/* Sets limits and device rules: of a new container (what is not named stays the kernel's default; device rules begin with none allowed). */
int cgroup_apply(struct cgroup *cgroup, const struct spec_resources *resources, struct error *error);
/* The same for one that runs: only what @resources names is changed; what was changed before an error stays changed. */
int cgroup_update(struct cgroup *cgroup, const struct spec_resources *resources, struct error *error);
/* Whether any limit is asked for that needs a group at all. */
bool cgroup_limits_asked(const struct spec_resources *resources);

/* Stops all processes and returns when they stand, or starts them again. */
int cgroup_freeze(struct cgroup *cgroup, bool frozen, struct error *error);
/* Whether they stand (cgroup_freeze or anybody else did it). */
bool cgroup_is_frozen(const struct cgroup *cgroup);

/* The processes in the group and those below, without duplicates. *ret_pids is malloc'ed. */
int cgroup_pids(const struct cgroup *cgroup, pid_t **ret_pids, int *ret_nr, struct error *error);
/* Sends a signal to all of them; SIGKILL also to frozen ones, and until none is left that was started meanwhile. */
int cgroup_kill(struct cgroup *cgroup, int signal, struct error *error);

/* Kills what is left, removes the groups with all below, ends the scope. Groups that are gone already are no error. */
int cgroup_remove(struct cgroup *cgroup, struct error *error);
/* Whether any group of the container is there. */
bool cgroup_exists(const struct cgroup *cgroup);

/* As a JSON object for state.json (the caller's), and back. */
struct json_object *cgroup_save(const struct cgroup *cgroup);
int cgroup_load(struct json_object *saved, struct cgroup **ret_cgroup, struct error *error);

/* Lines about limits that were asked for and that this host cannot set, where the container runs the same without; "" if there are none. */
const char *cgroup_warnings(const struct cgroup *cgroup);

/* The directory of a controller's group ("memory", "" for the v2 tree), NULL if there is none. Belongs to @cgroup. */
const char *cgroup_path(const struct cgroup *cgroup, const char *controller);

/*
 * The v2 group of a container whose root owns its cgroup namespace: gives the directory, cgroup.procs, cgroup.subtree_control and the other
 * files that may be delegated to @uid, so that the container can make groups of its own.
 */
int cgroup_delegate(const struct cgroup *cgroup, uid_t uid, struct error *error);

/* The JSON of an event, as `runc events` writes it: {"type":"stats","id":...,"data":{...}} on one line. */
int cgroup_write_stats(const struct cgroup *cgroup, const char *id, FILE *out, struct error *error);

/*
 * A descriptor that becomes readable when the container ran out of memory, or is gone; -1 with @error set where there is no memory controller.
 * cgroup_oom_read takes what came: the number of times it happened since the last call, -1 when the group is gone.
 */
struct cgroup_oom {
	int fd;                  /* for poll */
	int control_fd;
	int version;
	unsigned long seen;
	char *path;
};
int cgroup_oom_open(const struct cgroup *cgroup, struct cgroup_oom *ret_oom, struct error *error);
int cgroup_oom_read(struct cgroup_oom *oom);
void cgroup_oom_close(struct cgroup_oom *oom);

#endif
