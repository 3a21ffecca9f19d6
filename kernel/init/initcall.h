/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boot initialisation as a dependency graph: each part declares what it needs. A failed call ends the boot with its name and error.
 * `linuxd run --boot-chart FILE` draws when each ran.
 */
#ifndef KERNEL_INIT_INITCALL_H
#define KERNEL_INIT_INITCALL_H

#include "kernel/kernel.h"

struct initcall {
	const char *name;
	int (*function)(void);  /* 0 or -errno; with the kernel lock held, in a kernel thread, may sleep */
	const char *needs;      /* names of initcalls that must have finished, separated by spaces */
};

#define INITCALL(name_, function_, needs_)                                                         \
	static const struct initcall initcall_##name_                                              \
		__attribute__((used, section(".initcalls"), aligned(8))) = { #name_, function_, needs_ }

#endif
