/* SPDX-License-Identifier: Apache-2.0 */
/* CPUID in the code that starts programs: answered without the processor. */
#ifndef KERNEL_ARCH_X86_64_CPUID_SITES_H
#define KERNEL_ARCH_X86_64_CPUID_SITES_H

#include "kernel/kernel.h"

struct vma;

/* A fresh mapping of a dynamic linker's text, or of a static program's. Kernel lock and mmap_lock held; may sleep. */
void cpuid_sites_patch(struct vma *vma);

/*
 * What a CPUID with `rax` and `rcx` before the sequence `code` is asked for; `code` ends in the instruction. `at` is the offset of
 * the instruction to begin with: 0, or the second one's.
 */
#define CPUID_SITE_MAX 12
struct cpuid_question {
	u32 leaf, subleaf;
};
struct pt_regs;
struct cpuid_question cpuid_site_question(const u8 *code, size_t length, size_t at,
					  const struct pt_regs *regs);

#endif
