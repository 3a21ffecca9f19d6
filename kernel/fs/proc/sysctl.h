/* SPDX-License-Identifier: Apache-2.0 */
/* Limits that /proc/sys shows and changes. Their users read them each time. */
#ifndef KERNEL_FS_PROC_SYSCTL_H
#define KERNEL_FS_PROC_SYSCTL_H

#include "kernel/kernel.h"

extern s64 sysctl_overcommit_memory, sysctl_max_map_count, sysctl_pipe_max_size;
extern s64 sysctl_inotify_max_queued_events, sysctl_inotify_max_user_instances, sysctl_inotify_max_user_watches;
extern s64 sysctl_mq_msg_max, sysctl_mq_msg_default, sysctl_mq_msgsize_max, sysctl_mq_msgsize_default, sysctl_mq_queues_max;

#endif
