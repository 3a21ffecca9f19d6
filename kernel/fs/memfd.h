/* SPDX-License-Identifier: Apache-2.0 */
/* Files in memory without a place in the tree: memfd_create(2). */
#ifndef KERNEL_FS_MEMFD_H
#define KERNEL_FS_MEMFD_H

#include "kernel/vfs/vfs.h"

/* An unlinked file on an internal tmpfs, shown as "/NAME (deleted)"; sealed against sealing. ERR_PTR. */
struct file *memory_file(const char *name, mode_t mode, unsigned open_flags);
/* F_ADD_SEALS and F_GET_SEALS; -EINVAL for files that are not in memory. */
long memfd_fcntl(struct file *file, unsigned cmd, u64 arg);

/* A mount of `sb` that stands in no tree; takes over the reference. NULL when out of memory. */
struct mount *mount_internal(struct super_block *sb);

#endif
