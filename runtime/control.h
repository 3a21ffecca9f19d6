/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side of the control protocol (abi/control.h). */
#ifndef RUNTIME_CONTROL_H
#define RUNTIME_CONTROL_H

#include "include/abi/control.h"
#include "runtime/error.h"

/* A connection to the monitor of a container, by id, name or beginning of the id. A descriptor, or -1 with @error set. */
int control_connect(const char *container, struct error *error);

/*
 * Asks and waits for the answer. 0, or -1 with @error set; its code is ECONNRESET when the container has ended. *ret_fd is the
 * descriptor that came along, -1 if none: the caller closes it. ret_fd may be NULL.
 */
int control_call(int connection, uint32_t kind, const uint64_t argument[4], struct control_reply *ret_reply, int *ret_fd,
		 struct error *error);

#endif
