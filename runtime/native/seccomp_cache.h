/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled seccomp filters, kept beside the containers (ROOT/~seccomp): making one of an engine's default profile takes longer than all else of a
 * create, and nearly all containers have the same. A file holds the profile that it was made from, too, and is used for exactly that.
 */
#ifndef RUNTIME_NATIVE_SECCOMP_CACHE_H
#define RUNTIME_NATIVE_SECCOMP_CACHE_H

#include <linux/filter.h>

/* malloc'ed, with its instructions behind it; NULL: not there. */
struct sock_fprog *seccomp_cache_read(const char *root, const char *profile);
/* If it cannot be kept, it is not. */
void seccomp_cache_write(const char *root, const char *profile, const struct sock_fprog *program);

#endif
