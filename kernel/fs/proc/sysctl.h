/* SPDX-License-Identifier: Apache-2.0 */
/* Limits that /proc/sys shows and changes. Their users read them each time. */
#ifndef KERNEL_FS_PROC_SYSCTL_H
#define KERNEL_FS_PROC_SYSCTL_H

#include "kernel/fs/proc/proc.h"

extern s64 sysctl_overcommit_memory, sysctl_max_map_count, sysctl_pipe_max_size;
extern s64 sysctl_dir_notify_enable, sysctl_leases_enable, sysctl_lease_break_time;
extern s64 sysctl_inotify_max_queued_events, sysctl_inotify_max_user_instances, sysctl_inotify_max_user_watches;
extern s64 sysctl_mq_msg_max, sysctl_mq_msg_default, sysctl_mq_msgsize_max, sysctl_mq_msgsize_default, sysctl_mq_queues_max;


/* Kinds of files: a constant string in entry->data; an s64 there, between entry->lowest and highest. */
seq_show_t sysctl_show_text, sysctl_show_number;
int sysctl_write_number(struct file *file, char *text, size_t n);
char *sysctl_trim(char *text);
extern const struct proc_entry proc_sys_net_entries[];

#endif
