/* SPDX-License-Identifier: Apache-2.0 */
/* The last steps of the tree at boot: rootfs.c mounts, furnish.c puts in what belongs into it. */
#ifndef KERNEL_VFS_FURNISH_H
#define KERNEL_VFS_FURNISH_H

/* Makes the directories above `path`, as far as they are missing. */
int make_parents(const char *path);
/* Nodes, parameters, masked and read-only paths of the boot parameters. The log says what fails. */
int rootfs_furnish(void);

#endif
