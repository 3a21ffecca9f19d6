/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vDSO that programs see (vdso(7)). Its clock functions jump on into the host's vDSO, so a program may be interrupted
 * in user mode with an instruction pointer inside LAYOUT_HOST_VDSO.
 */
#ifndef KERNEL_ARCH_X86_64_VDSO_H
#define KERNEL_ARCH_X86_64_VDSO_H

#include "kernel/kernel.h"

/* Maps it into current's address space, preferably at `hint`. 0 or an error; *ret_base is for AT_SYSINFO_EHDR and mm->vdso. */
int vdso_map(u64 hint, u64 *ret_base);
/* getcpu in mm's copy becomes a system call: it cannot find the carrier through GS any more. Called in that address space. */
struct mm_struct;
void vdso_without_gs(struct mm_struct *mm);

#endif
