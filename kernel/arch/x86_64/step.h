/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program executed instruction by instruction, for --deterministic: with the processor's trap flag set in user mode, the host sends
 * SIGTRAP after each instruction. Two uses:
 *
 *   a window   current->steps_left instructions are executed, then another task runs: so plain loads and stores of threads interleave
 *   a look     at a task that makes no system calls while others wait: does it spin, unable to see anything new? It does if its registers
 *              go round in a circle; then it is stopped at a point of that circle which does not depend on when the look began
 *
 * The trap flag belongs to the kernel then; what a program does to it is lost.
 */
#ifndef KERNEL_ARCH_X86_64_STEP_H
#define KERNEL_ARCH_X86_64_STEP_H

#include "kernel/kernel.h"

struct pt_regs;
struct sigcontext;

enum step { STEP_ON, STEP_WINDOW_OVER, STEP_SPINS, STEP_INTERRUPTED };

/* On the way to user mode: sets the trap flag if current is to be stepped. */
void step_arm(struct pt_regs *regs);
/* SIGTRAP after an instruction in user mode. STEP_ON: return to it. */
enum step step_trap(struct sigcontext *mc);
/* SIGTRAP in the exit to user mode, which had set the flag: the rest of the exit, so that the next one comes from the program. */
void step_finish_exit(struct sigcontext *mc, const struct pt_regs *regs);
/* Begins a look at current; a system call ends it. */
void step_look(void);
void step_look_over(void);

#endif
