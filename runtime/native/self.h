/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program of the runtime must not be within a container's reach for writing: a process of it becomes the container, and /proc/PID/exe of that
 * is the runtime's file until the container's program is executed (and if that is /proc/self/exe, longer).
 */
#ifndef RUNTIME_NATIVE_SELF_H
#define RUNTIME_NATIVE_SELF_H

#include "runtime/error.h"

/*
 * Returns at once if this process runs from a file that nobody can write to; otherwise executes it again, with the same arguments, from a read-only
 * mount that is not anywhere, or without the rights for that from a sealed copy in memory. Before anything was made. -1 with @error set.
 */
int self_protect(struct error *error);

/*
 * The mount that this program was executed from again, close-on-exec; -1: none. Closing the last descriptor of it makes the kernel wait for a grace
 * period, unless it has gone with another mount before: init sends it along with the host's root (rootfs.c).
 */
int self_mount(void);

#endif
