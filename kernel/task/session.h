/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions and process groups: setsid(2), setpgid(2). */
#ifndef KERNEL_TASK_SESSION_H
#define KERNEL_TASK_SESSION_H

#include "kernel/task/task.h"

/* Moves a process; a counted reference to `pgrp` is taken, the old one dropped. */
void change_pgrp(struct signal_struct *signal, struct pid *pgrp);
void change_session(struct signal_struct *signal, struct pid *session);
/* A fork's process joins its parent's group and session. */
void session_fork(struct signal_struct *child, const struct signal_struct *parent);
/* The process is being reaped: leaves its group and session, drops its terminal. */
void session_leave(struct signal_struct *signal);
/* setsid(2) for current's process: its new session number, or -EPERM. */
long session_create(void);

#endif
