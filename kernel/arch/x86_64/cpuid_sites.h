/* SPDX-License-Identifier: Apache-2.0 */
/* CPUID in the code that starts programs: answered without the processor. */
#ifndef KERNEL_ARCH_X86_64_CPUID_SITES_H
#define KERNEL_ARCH_X86_64_CPUID_SITES_H

#include "kernel/arch/x86_64/cpuid.h"
#include "kernel/kernel.h"

struct pt_regs;
struct vma;

/* A fresh mapping of a dynamic linker's text, or of a static program's. Kernel lock and mmap_lock held; may sleep. */
void cpuid_sites_patch(struct vma *vma);

/* For patch.c. `code` is a sequence that ends in a cpuid. */
#define CPUID_SITE_MAX 12
#define CPUID_CODE_MAX 1000
/* True: its answer depends on a register, and its code is up to CPUID_CODE_MAX bytes long; else 64 less two literals. */
bool cpuid_site_asks(const u8 *code, size_t length);
/* What is executed instead; goes on where the word at `resume` says. */
void cpuid_site_emit(u8 *p, const u8 *code, size_t length, const u8 *resume);
/* What it would answer if its first instruction had been left out. */
struct cpuid cpuid_site_answer(const u8 *code, size_t length, const struct pt_regs *regs);

#endif
