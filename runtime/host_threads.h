/* SPDX-License-Identifier: Apache-2.0 */
/* Host threads of a container as the host's /proc shows them: the monitor's own, and by which numbers the host knows the sandbox's. */
#ifndef RUNTIME_HOST_THREADS_H
#define RUNTIME_HOST_THREADS_H

#include <sys/types.h>

struct host_thread {
	pid_t pid, tid;   /* as this process sees them */
	pid_t inner_tid;  /* in its own pid namespace */
	char comm[16];
};

/* Those of the monitor and of its children, as far as /proc shows them. *ret_threads is malloc'ed. Returns how many. */
int host_threads_read(pid_t monitor, struct host_thread **ret_threads);

#endif
