/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that use GS themselves: arch_prctl(2) ARCH_SET_GS, or the wrgsbase instruction.
 *
 * GS is how the entry code of patched call sites finds its carrier. In an address space where a program has set it nothing is
 * patched: every call traps, the signal entry saves the program's GS base and loads the carrier's, and the way out loads the
 * program's again as its last step (exit_gs in entry.S). That holds for all tasks of the address space, until exec.
 */
#ifndef KERNEL_ARCH_X86_64_GS_H
#define KERNEL_ARCH_X86_64_GS_H

#include "kernel/arch/x86_64/regs.h"

struct task_struct;

/* Gives GS to the programs of current's address space. Sleeps: no other task of it runs meanwhile. 0, or -errno. */
int gs_give_up(void);
/* The child shares or has copied current's address space. */
void gs_fork(struct task_struct *child);
/* A new program. */
void gs_exec(void);
/* On the way to user mode, with TIF_USER_GS. */
void gs_prepare_exit(struct pt_regs *regs);

#endif
