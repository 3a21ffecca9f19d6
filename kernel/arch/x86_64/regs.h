/* SPDX-License-Identifier: Apache-2.0 */
/* User registers as saved at the top of a task's kernel stack: the order of struct user_regs_struct. */
#ifndef KERNEL_ARCH_X86_64_REGS_H
#define KERNEL_ARCH_X86_64_REGS_H

#include "kernel/kernel.h"

struct pt_regs {
	u64 r15, r14, r13, r12, rbp, rbx;
	u64 r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 orig_rax; /* system call number; -1 if not in a call */
	u64 rip, cs, rflags, rsp, ss;
	u64 entry;    /* ENTRY_*: how the kernel was entered */
};
enum { ENTRY_PATCHED, ENTRY_TRAPPED, ENTRY_INTERRUPT };
static inline u64 regs_arg(const struct pt_regs *regs, int n)
{
	switch (n) {
	case 0: return regs->rdi;
	case 1: return regs->rsi;
	case 2: return regs->rdx;
	case 3: return regs->r10;
	case 4: return regs->r8;
	default: return regs->r9;
	}
}
#endif
