/* SPDX-License-Identifier: Apache-2.0 */
/* What the processor says of itself: the CPUID instruction, or what stands in its place with --deterministic (boot_params.cpuid). */
#ifndef KERNEL_ARCH_X86_64_CPUID_H
#define KERNEL_ARCH_X86_64_CPUID_H

#include "kernel/kernel.h"

struct cpuid {
	u32 eax, ebx, ecx, edx;
};

struct cpuid cpuid(u32 leaf, u32 subleaf);

#endif
