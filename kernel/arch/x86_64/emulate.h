/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions that would tell a program of --deterministic what differs from run to run. The launcher has the host forbid them
 * (PR_SET_TSC, ARCH_SET_CPUID), so a program that uses one gets a general protection fault, which comes here.
 *
 *   rdtsc, rdtscp   the virtual clock, in nanoseconds
 *   cpuid           what the host's says, without the number of the processor and without the instructions that draw random numbers
 */
#ifndef KERNEL_ARCH_X86_64_EMULATE_H
#define KERNEL_ARCH_X86_64_EMULATE_H

#include "kernel/kernel.h"

struct pt_regs;

enum emulated { EMULATED_NOTHING, EMULATED_CPUID, EMULATED_TSC };

/* The instruction at regs->rip has faulted: if it is one of these, it is done. */
enum emulated emulate_instruction(struct pt_regs *regs);

#endif
