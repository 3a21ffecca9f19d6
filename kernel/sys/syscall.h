/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system call table, made from kernel/syscalls.tbl.
 *
 * The entry code looks up syscall_table[nr] (nr < NR_SYSCALLS, else -ENOSYS), takes the kernel lock unless
 * SYSCALL_NOLOCK is set, and calls fn with the six argument registers. A row that is not implemented has
 * fn == sys_ni_syscall; a number that Linux does not use has in addition no name.
 */
#ifndef KERNEL_SYS_SYSCALL_H
#define KERNEL_SYS_SYSCALL_H

#include "kernel/kernel.h"
#include "syscalls.gen.h"

#define SYSCALL_NOLOCK 0x1   /* runs without the kernel lock */
#define SYSCALL_NORETURN 0x2 /* does not return to its caller: nothing to trace afterwards */

typedef long syscall_fn(u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5);

/* Which argument holds the size of a buffer; or where else it is known from. */
#define SIZE_NONE (-1)
#define SIZE_RESULT (-2) /* as many as the call returns */

struct syscall_argument {
	const char *name;
	u8 kind; /* enum argument_kind */
	s8 size; /* index of an argument, SIZE_NONE, SIZE_RESULT */
};

struct syscall_entry {
	syscall_fn *fn;
	const char *name;
	u8 nargs;
	u8 flags; /* SYSCALL_* */
	struct syscall_argument args[6];
};

extern const struct syscall_entry syscall_table[NR_SYSCALLS];
syscall_fn sys_ni_syscall;

#endif
