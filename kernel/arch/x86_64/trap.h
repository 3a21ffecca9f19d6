/* SPDX-License-Identifier: Apache-2.0 */
/* System calls, host signals and the way back to user mode. */
#ifndef KERNEL_ARCH_X86_64_TRAP_H
#define KERNEL_ARCH_X86_64_TRAP_H

#include "kernel/arch/x86_64/regs.h"

struct task_struct;

/* Makes the interrupted system call run again when user mode is reached. */
void arch_restart_syscall(struct pt_regs *regs);
/* The same, but as restart_syscall(2). */
void arch_restart_block(struct pt_regs *regs);

/* Registers of a new program: everything zero. */
void arch_start_thread(struct pt_regs *regs, u64 rip, u64 rsp);

/* current goes to user mode with its saved registers. Kernel lock not held. */
void enter_user_mode(void) __noreturn;

/* Lets a new task begin: returns from its system call, or calls fn(arg). */
void arch_setup_fork_stack(struct task_struct *task);
void arch_setup_kthread_stack(struct task_struct *task, void (*fn)(void *arg), void *arg);

void switch_stacks(u64 *save_sp, u64 load_sp);
void call_on_stack(void (*function)(void *arg), void *arg, u64 stack) __noreturn;

static inline u64 read_fs_base(void)
{
	u64 base;

	__asm__ __volatile__("rdfsbase %0" : "=r"(base));
	return base;
}
static inline void write_fs_base(u64 base) { __asm__ __volatile__("wrfsbase %0" : : "r"(base)); }
static inline void write_gs_base(u64 base) { __asm__ __volatile__("wrgsbase %0" : : "r"(base)); }

#endif
