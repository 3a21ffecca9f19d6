/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for children: wait4(2), waitid(2). */
#ifndef KERNEL_TASK_WAIT_H
#define KERNEL_TASK_WAIT_H

#include "kernel/task/task.h"

enum { WAIT_ANY, WAIT_PID, WAIT_PGRP };
struct wait_request {
	int type;
	struct pid *pid; /* counted by the caller; of WAIT_PID and WAIT_PGRP */
	int options;     /* WNOHANG, WEXITED, WSTOPPED, WCONTINUED, WNOWAIT, __WALL, __WCLONE */
	/* results */
	pid_t found;
	uid_t uid;
	int status;      /* as wait4 encodes it */
	int why;         /* CLD_* */
	u64 utime, stime, maxrss_kib, nvcsw, nivcsw;
};
/* The child's pid, 0 (WNOHANG), -ECHILD, -ERESTARTSYS. */
long do_wait(struct wait_request *request);
void zombie_notify(struct task_struct *leader);

#endif
