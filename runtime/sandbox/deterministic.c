/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/sandbox/deterministic.h"

#include <asm/prctl.h>
#include <cpuid.h>
#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef ARCH_SET_CPUID
#define ARCH_SET_CPUID 0x1012
#endif

/* Bits of CPUID that programs do not see: what they announce gives other answers each time, and cannot be taken away otherwise. */
#define LEAF_1_ECX_HIDDEN (1U << 30)                                     /* rdrand */
#define LEAF_7_EBX_HIDDEN (1U << 4 | 1U << 11 | 1U << 18)                /* transactional memory (hle, rtm), rdseed */
#define LEAF_7_ECX_HIDDEN (1U << 5 | 1U << 22)                           /* waiting until a time (waitpkg), rdpid */

static bool has_subleaves(uint32_t leaf)
{
	switch (leaf) {
	case 4:
	case 7:
	case 0xb:
	case 0xd:
	case 0xf:
	case 0x10:
	case 0x12:
	case 0x14:
	case 0x17:
	case 0x18:
	case 0x1d:
	case 0x1f:
	case 0x8000001d:
		return true;
	default:
		return false;
	}
}

/* What depends on the processor that the launcher happens to run on, on the counter, or is hidden. */
static void make_reproducible(struct boot_cpuid *entry)
{
	switch (entry->leaf) {
	case 1:
		entry->ebx &= 0x00ffffff; /* initial APIC id */
		entry->ecx &= ~LEAF_1_ECX_HIDDEN;
		break;
	case 7:
		if (entry->subleaf == 0) {
			entry->ebx &= ~LEAF_7_EBX_HIDDEN;
			entry->ecx &= ~LEAF_7_ECX_HIDDEN;
		}
		break;
	case 0xb:
	case 0x1f:
		entry->edx = 0; /* x2APIC id */
		break;
	case 0x15:
		entry->eax = entry->ebx = 1;
		entry->ecx = 1000000000;
		break;
	case 0x8000001e:
		entry->eax = entry->ebx = entry->ecx = 0; /* numbers of the core and the node */
		break;
	}
}

static void add_leaf(struct boot_params *boot, uint32_t leaf)
{
	bool many = has_subleaves(leaf);

	for (uint32_t subleaf = 0; subleaf < (many ? 20 : 1) && boot->nr_cpuid < BOOT_MAX_CPUID; subleaf++) {
		struct boot_cpuid entry = { .leaf = leaf, .subleaf = many ? subleaf : BOOT_CPUID_ANY };

		__cpuid_count(leaf, subleaf, entry.eax, entry.ebx, entry.ecx, entry.edx);
		make_reproducible(&entry);
		if (entry.eax | entry.ebx | entry.ecx | entry.edx) /* what is not in the table is zero */
			boot->cpuid[boot->nr_cpuid++] = entry;
	}
}

static void make_cpuid_table(struct boot_params *boot)
{
	for (uint32_t base = 0; base == 0 || base == 0x80000000; base += 0x80000000) {
		uint32_t last = __get_cpuid_max(base, NULL);

		for (uint32_t leaf = base; last && leaf <= last && leaf < base + 0x30; leaf++)
			add_leaf(boot, leaf);
		if (base)
			break;
	}
}

void deterministic_prepare(const struct sandbox_config *config, struct boot_params *boot)
{
	uint64_t state = config->seed;

	boot->seed = config->seed;
	boot->nr_cpus = 1;
	boot->async_threads = 0;
	boot->tsc_hz = 1000000000; /* the kernel answers for the counter: nanoseconds */
	for (size_t i = 0; i < sizeof(boot->random); i++) {
		/* Knuth's MMIX generator; the kernel's own begins from all 64 bytes. */
		state = state * 6364136223846793005UL + 1442695040888963407UL;
		boot->random[i] = state >> 56;
	}
	/* Not every processor lets CPUID be taken from programs. */
	if (syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1) == 0)
		make_cpuid_table(boot);
}

int deterministic_enter(const struct boot_params *boot, struct error *error)
{
	if (prctl(PR_SET_TSC, PR_TSC_SIGSEGV))
		return fail(error, errno, "cannot take the time stamp counter from the container (PR_SET_TSC)");
	if (boot->nr_cpuid && syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0))
		return fail(error, errno, "cannot take CPUID from the container (ARCH_SET_CPUID)");
	return 0;
}
