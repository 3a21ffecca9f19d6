/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side of the control protocol (abi/control.h). */
#ifndef RUNTIME_CONTROL_H
#define RUNTIME_CONTROL_H

#include "include/abi/control.h"
#include "runtime/error.h"

/* A connection to the monitor of a container, by id, name or beginning of the id. A descriptor, or -1 with @error set. */
int control_connect(const char *container, struct error *error);

/* The same by a descriptor of the container's directory. */
int control_connect_in(int directory, struct error *error);

/*
 * Asks and waits for the answer. 0, or -1 with @error set; its code is ECONNRESET when the container has ended. *ret_fd is the
 * descriptor that came along, -1 if none: the caller closes it. ret_fd may be NULL.
 */
int control_call(int connection, uint32_t kind, const uint64_t argument[4], struct control_reply *ret_reply, int *ret_fd,
		 struct error *error);

/*
 * All tasks of the container stand still when this returns 0. Else -1 with @error set and nothing changed; its code is ETIMEDOUT if some task
 * did not stop within timeout_ms (at most 10 s; 0: 10 s), ECANCELED if somebody thawed the container meanwhile.
 */
int control_freeze(int connection, unsigned timeout_ms, struct error *error);
int control_thaw(int connection, struct error *error);
/* CONTAINER_THAWED, CONTAINER_FREEZING or CONTAINER_FROZEN; -1 with @error set. */
int control_freezer_state(int connection, struct error *error);

#endif
