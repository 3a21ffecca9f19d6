/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of sysfs. */
#ifndef KERNEL_FS_SYSFS_SYSFS_H
#define KERNEL_FS_SYSFS_SYSFS_H

#include "kernel/fs/proc/proc.h"

/* net.c: a directory with one for each interface. */
extern const struct inode_operations sysfs_net_iops;
extern const struct file_operations sysfs_net_fops;
#define SYSFS_NET_DIR(name_) { .name = name_, .mode = S_IFDIR | 0555, .ops = &sysfs_net_iops, .fops = &sysfs_net_fops }

#endif
