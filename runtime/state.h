/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The containers that run: where they are found.
 *
 * Each has a directory of its own in a directory that only this user can enter: $XDG_RUNTIME_DIR/linuxd, for root /run/linuxd, and where
 * neither can be used /tmp/linuxd-UID; or the one that $LINUXD_STATE_DIR names, and no other. In it: state.json (as the OCI runtime specification
 * has it), and the socket "control". Names stand beside as symbolic links in "names". A monitor holds a lock (flock) on its container's
 * directory for as long as it lives: so a directory that can be locked is what a dead one left, and is removed by whoever meets it.
 */
#ifndef RUNTIME_STATE_H
#define RUNTIME_STATE_H

#include <stdbool.h>
#include <sys/types.h>

#include "runtime/error.h"

#define STATE_ID_SIZE 65   /* 12 hexadecimal digits when made here; with the NUL */
#define STATE_NAME_SIZE 65

/* Of a container of our own, between state_create and state_remove. */
struct state {
	int root_fd, fd;       /* the directory of all, and the container's, locked; -1: none */
	char id[STATE_ID_SIZE], name[STATE_NAME_SIZE];
	char path[512];        /* of the container's directory */
};

/* Makes a directory with a new id. @name may be NULL. 0, or -1 with @error set. */
int state_create(struct state *state, const char *name, struct error *error);
/* Writes state.json: the container runs. @pid: host pid of its kernel process. */
int state_write(const struct state *state, pid_t pid, const char *bundle, struct error *error);
void state_remove(struct state *state);
/* Clears away what dead monitors have left beside. */
void state_sweep(const struct state *state);

/* What others see of a container. */
struct state_entry {
	char id[STATE_ID_SIZE], name[STATE_NAME_SIZE];
	char status[16];       /* creating, running */
	char created[40];      /* RFC 3339 */
	char bundle[4096];
	pid_t pid;
};

/* All that run, in the order of their start; also removes what dead monitors left. *ret_entries is malloc'ed. 0, or -1 with @error set. */
int state_list(struct state_entry **ret_entries, int *ret_nr, struct error *error);

/* The container with this id, name, or beginning of an id that no other has: a descriptor of its directory, or -1 with @error set. */
int state_open(const char *reference, char ret_id[STATE_ID_SIZE], struct error *error);

/* "a", "web-1", "x_y.z": what may be a name. */
bool state_name_is_valid(const char *name);

#endif
