/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the runtime and the process that becomes the container's talk until that process is ready: packets over a socket pair.
 *
 *	runtime                                   init
 *	writes id maps                            waits
 *	SYNC_GO                            --->   makes the root file system
 *	makes the groups, sets their limits,
 *	compiles the seccomp filter
 *	                                   <---   SYNC_JOIN       has come to where its groups matter
 *	SYNC_JOIN, with what was made      --->   enters the groups, goes on
 *	runs prestart and createRuntime    <---   SYNC_HOOKS
 *	SYNC_GO                            --->   the rest
 *	fetches the listener by its number <---   SYNC_LISTENER   (with seccomp notifications)
 *	SYNC_GO                            --->
 *	                                   <---   SYNC_READY, or at any time SYNC_ERROR with the text
 */
#ifndef RUNTIME_NATIVE_SYNC_H
#define RUNTIME_NATIVE_SYNC_H

#include <stdint.h>
#include <sys/types.h>

#include "runtime/error.h"

enum sync_kind { SYNC_END, SYNC_GO, SYNC_PID, SYNC_MAP, SYNC_OFFSETS, SYNC_JOIN, SYNC_HOOKS, SYNC_LISTENER, SYNC_READY, SYNC_ERROR };

/* Both ends close on exec. */
int sync_open(int ret_ends[2], struct error *error);
/* Nothing happens if the other end is gone: who waits for an answer will see that. */
void sync_send(int fd, enum sync_kind kind, int32_t value);
void sync_send_error(int fd, const struct error *error);
/* SYNC_END: the other end is closed. With SYNC_ERROR, @error is what was sent. @ret_value may be NULL. */
enum sync_kind sync_receive(int fd, int32_t *ret_value, struct error *error);
/* In the child: -1 unless it is SYNC_GO that comes. */
int sync_wait_go(int fd, struct error *error);

struct init;

/* What was made after the clone: the doors (cgroup.h) and the seccomp filter of @init. In the runtime. */
void sync_send_join(int fd, const struct init *init);
/* In init: asks for it, waits for it and fills it in. The filter is malloc'ed. */
int sync_ask_join(struct init *init, struct error *error);

/*
 * For tests: fails, as the step @name would, if the environment variable LINUXD_FAULT is its name. tests/suites/native.py finds the names by
 * looking for FAULT("...") in the sources.
 */
int fault(const char *name, struct error *error);
#define FAULT(name) fault(name, error)

#endif
