// SPDX-License-Identifier: Apache-2.0
#include "kernel/arch/x86_64/cpuid.h"

#include "include/abi/boot.h"
#include "kernel/init/init.h"

static struct cpuid from_table(u32 leaf, u32 subleaf)
{
	for (u32 i = 0; i < boot->nr_cpuid; i++) {
		const struct boot_cpuid *entry = &boot->cpuid[i];

		if (entry->leaf == leaf && (entry->subleaf == subleaf || entry->subleaf == BOOT_CPUID_ANY))
			return (struct cpuid){ entry->eax, entry->ebx, entry->ecx, entry->edx };
	}
	return (struct cpuid){ 0 };
}

struct cpuid cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid r;

	if (boot->nr_cpuid)
		return from_table(leaf, subleaf);
	__asm__ __volatile__("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
	return r;
}
