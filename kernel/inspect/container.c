// SPDX-License-Identifier: Apache-2.0
/* What the OCI commands ask of a running container: start, kill. */
#include "kernel/init/init.h"
#include "kernel/inspect/inspect.h"
#include "kernel/task/signal.h"
#include "kernel/task/task.h"

long inspect_start(const u64 argument[4], struct inspect_answer *ret_answer) { return container_start(); }

static void kill_one(struct task_struct *leader, int sig)
{
	if (sig == SIGKILL)
		kill_process(leader, "it was killed from outside");
	else
		send_signal_process(sig, SEND_SIG_KERNEL, leader);
}

/* argument: signal, 1: all processes. As from a parent outside: pid 1 takes SIGKILL and SIGSTOP like everybody else. */
long inspect_kill(const u64 argument[4], struct inspect_answer *ret_answer)
{
	struct task_struct *leader;

	if (argument[0] > NSIG_LINUX)
		return -EINVAL;
	if (!init_task)
		return -ESRCH;
	if (!argument[0])
		return 0;
	if (!container_started())
		container_end_unstarted((int)argument[0]);
	else if (!argument[1])
		kill_one(init_task, (int)argument[0]);
	else
		for (pid_t at = 0; (leader = process_after(at)) != NULL; at = leader->tgid)
			kill_one(leader, (int)argument[0]);
	return 0;
}
