/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vector and floating point state of programs. The kernel itself uses general registers only, so a task's state
 * stays in the registers until another task of the same carrier returns to user mode.
 *
 *   task->xstate_live      the registers of task->xstate_carrier are newer than the buffer
 *   carrier->xstate_owner  whose state the registers hold (live, or equal to its buffer)
 */
#ifndef KERNEL_ARCH_X86_64_FPU_H
#define KERNEL_ARCH_X86_64_FPU_H

#include "kernel/kernel.h"

struct task_struct;

void fpu_init(u64 mask, u64 size);
u64 fpu_size(void);
u64 fpu_mask(void);
int fpu_alloc(struct task_struct *task); /* a buffer in the initial state */
void fpu_free(struct task_struct *task);
void fpu_fork(struct task_struct *child); /* copy of current's */
void *fpu_buffer(struct task_struct *task);
void fpu_save_current(void);              /* live registers -> buffer */
void fpu_mark_loaded_from_buffer(void);   /* the buffer was written: reload before user mode */
void fpu_reset_current(void);             /* exec: initial state */
void fpu_switch_out(struct task_struct *prev);
void fpu_prepare_exit(struct task_struct *task); /* on the way to user mode */
void fpu_load_from_signal_frame(const void *fpstate); /* takes over what the host saved */

#endif
