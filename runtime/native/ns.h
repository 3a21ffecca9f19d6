/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces of a new container: made and joined, and the process that is its init in them.
 *
 * Where all can be made at once, init is the runtime's child, cloned into them. Where some must be entered before others are made (a user
 * namespace by path, a pid namespace by path, a time namespace whose offsets must stand before anybody is in it), a process in the middle does
 * that and clones init as its sibling (CLONE_PARENT).
 */
#ifndef RUNTIME_NATIVE_NS_H
#define RUNTIME_NATIVE_NS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/oci/spec.h"

#define NS_MAX 8

struct ns_plan {
	uint64_t create;               /* CLONE_NEW* of those to be made, but for cgroup */
	bool create_cgroup;            /* made by init once it is in its cgroups */
	struct {
		int type, fd;
	} join[NS_MAX];
	int nr_join;
	bool middle;                   /* there must be a process in the middle */
	bool user;                     /* init is in another user namespace than the runtime */
	bool mapped;                   /* ns_spawn has seen to the id maps */
};

/* Opens the paths and checks that they are namespaces of the type that is said. */
int ns_plan(const struct spec *spec, struct ns_plan *ret_plan, struct error *error);
void ns_plan_close(struct ns_plan *plan);
/* In init, when there was no process in the middle: enters what is to be joined. */
int ns_join(const struct ns_plan *plan, struct error *error);

struct ns_spawn {
	struct ns_plan *plan;
	const struct spec *spec;
	int sync, child_sync;          /* ends of the socket pair (sync.h) */
	int cgroup_fd;                 /* for CLONE_INTO_CGROUP, or -1 */
	bool rootless;
	/* Becomes init. What it returns is its exit status. */
	int (*init)(void *argument);
	void *argument;
};

/* The pid of init, as a child of this process, and a descriptor for it; -1 with @error set. */
pid_t ns_spawn(const struct ns_spawn *spawn, int *ret_pidfd, struct error *error);

/* A plain fork, with flags of clone3 and its cgroup; 0 in the child, the child's pid, or -1 with errno. */
pid_t ns_clone(uint64_t flags, int cgroup_fd, int *ret_pidfd);

#endif
