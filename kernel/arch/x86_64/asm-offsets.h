/* SPDX-License-Identifier: Apache-2.0 */
/* Offsets that assembly uses; trap.c asserts that they are right. */
#ifndef KERNEL_ARCH_X86_64_ASM_OFFSETS_H
#define KERNEL_ARCH_X86_64_ASM_OFFSETS_H

#define CARRIER_STACK_TOP 0
#define CARRIER_USER_RSP 8
#define CARRIER_SCRATCH 16
#define CARRIER_TASK 24
#define CARRIER_NEED_RESCHED 56
#define CARRIER_MAGIC 60
#define CARRIER_MAGIC_VALUE 0x6c786367

#define TASK_WORK 24
#define WORK_USER_GS 0x40 /* TIF_USER_GS */
#define TASK_GS_BASE 40

#define REGS_R15 0
#define REGS_R14 8
#define REGS_R13 16
#define REGS_R12 24
#define REGS_RBP 32
#define REGS_RBX 40
#define REGS_R11 48
#define REGS_R10 56
#define REGS_R9 64
#define REGS_R8 72
#define REGS_RAX 80
#define REGS_RCX 88
#define REGS_RDX 96
#define REGS_RSI 104
#define REGS_RDI 112
#define REGS_ORIG_RAX 120
#define REGS_RIP 128
#define REGS_RFLAGS 144
#define REGS_RSP 152
#define REGS_ENTRY 168
#define REGS_SIZE 176

#define LEAF_SIZE 64 /* what entry_leaf saves */

/* A carrier block is this big and so aligned: struct carrier, its own stack, its signal stack.
 * The signal entry finds the carrier by masking the stack pointer. */
#define CARRIER_BLOCK_SIZE 0x8000
#define CARRIER_OWN_STACK_TOP 0x4000

#endif
