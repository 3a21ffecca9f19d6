/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths of the container, looked up by the kernel inside its root (openat2): whatever symbolic links the image has, and whoever swaps them
 * meanwhile, nothing outside is reached. What is found is pinned by a descriptor and used by that.
 */
#ifndef RUNTIME_NATIVE_PATH_H
#define RUNTIME_NATIVE_PATH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/error.h"

/* -1 with errno. Close-on-exec is added. @resolve: RESOLVE_* beyond IN_ROOT and NO_MAGICLINKS. */
int path_open(int root, const char *path, int flags, uint64_t resolve);
/* Makes what is missing, with directories on the way: an O_PATH descriptor of a directory, or of a file if not @directory. -1 with errno. */
int path_make(int root, const char *path, bool directory);
/* The directory that @path is in, made if missing, and *ret_last: the last part of @path. -1 with errno. */
int path_parent(int root, const char *path, const char **ret_last);

/* A procfs that nothing is mounted over, of this process's pid namespace. Never that of an image. -1 with @error set. */
int path_open_procfs(struct error *error);
/* Writes to a file of it, at once. -1 with errno. */
int path_write(int directory, const char *path, const char *text);

#endif
