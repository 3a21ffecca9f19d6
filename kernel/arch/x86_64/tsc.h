/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time stamp counter of --deterministic. The launcher has the host forbid its use (PR_SET_TSC), so a program that reads it gets a
 * general protection fault, which comes here: the counter is the virtual clock, in nanoseconds.
 */
#ifndef KERNEL_ARCH_X86_64_TSC_H
#define KERNEL_ARCH_X86_64_TSC_H

#include "kernel/kernel.h"

struct pt_regs;

/* True if the fault at regs->rip was a read of the counter: it is done. */
bool tsc_emulate(struct pt_regs *regs);

#endif
