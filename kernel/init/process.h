/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that the host side asks for (abi/process.h): the first one, and those of `linuxd exec`. Kernel lock held. */
#ifndef KERNEL_INIT_PROCESS_H
#define KERNEL_INIT_PROCESS_H

#include "include/abi/process.h"
#include "kernel/kernel.h"

struct program {
	struct process_spec spec;
	const char *strings;  /* the area that its offsets are in; not to change until process_execute is done */
	size_t size;
	const char **argv, **envp;
	char *path;           /* found by process_find */
	enum process_step step; /* where it failed */
};

/* Looks at all offsets. 0, -EINVAL, -ENOMEM; process_release in any case. */
int process_read(struct program *program);
/* What can be done before the program's user is taken on, then that: limits, working directory, credentials. */
int process_enter(struct program *program);
/* Looks for the program as execvp(3) does, as its user: so that a missing one is noticed before it is to start. */
int process_find(struct program *program);
/* Like execve(2): on success the caller goes to user mode. */
long process_execute(struct program *program);
void process_release(struct program *program);

#endif
