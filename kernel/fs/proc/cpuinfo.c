/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/cpuinfo: what the CPUID instruction says, once per cpu. */
#include "include/abi/boot.h"
#include "kernel/arch/x86_64/cpuid.h"
#include "kernel/fs/proc/proc.h"
#include "kernel/init/initcall.h"

extern struct boot_params *boot;

/* Where the counter and the clock stood at boot: without help from the host its frequency is measured. */
static u64 boot_tsc, boot_clock;

static u64 read_tsc(void)
{
	u32 low, high;

	__asm__ __volatile__("rdtsc" : "=a"(low), "=d"(high));
	return (u64)high << 32 | low;
}

static int cpuinfo_init(void)
{
	boot_tsc = boot->tsc_hz ? 0 : read_tsc();
	boot_clock = ktime_get();
	return 0;
}
INITCALL(cpuinfo, cpuinfo_init, "");

static u64 tsc_khz(void)
{
	static u64 measured;
	u64 elapsed = ktime_get() - boot_clock;

	if (boot->tsc_hz)
		return boot->tsc_hz / 1000;
	if (!measured && elapsed > 2 * NSEC_PER_MSEC) {
		u64 khz = (read_tsc() - boot_tsc) * 1000 / (elapsed / 1000);

		if (elapsed < 100 * NSEC_PER_MSEC) /* not exact yet: do not keep it */
			return (khz + 500) / 1000 * 1000;
		measured = (khz + 500) / 1000 * 1000;
	}
	return measured;
}

/* Names of the bits of one register; "" for those that are not shown. */
static const char *const leaf1_edx[32] = { "fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", "", "sep", "mtrr", "pge",
	"mca", "cmov", "pat", "pse36", "pn", "clflush", "", "dts", "acpi", "mmx", "fxsr", "sse", "sse2", "ss", "ht", "tm", "", "pbe" };
static const char *const leaf1_ecx[32] = { "pni", "pclmulqdq", "dtes64", "monitor", "ds_cpl", "vmx", "smx", "est", "tm2", "ssse3", "cid",
	"sdbg", "fma", "cx16", "xtpr", "pdcm", "", "pcid", "dca", "sse4_1", "sse4_2", "x2apic", "movbe", "popcnt", "tsc_deadline_timer",
	"aes", "xsave", "", "avx", "f16c", "rdrand", "hypervisor" };
static const char *const ext1_edx[32] = { [11] = "syscall", [20] = "nx", [22] = "mmxext", [25] = "fxsr_opt", [26] = "pdpe1gb",
	[27] = "rdtscp", [29] = "lm" };
static const char *const ext1_ecx[32] = { "lahf_lm", "cmp_legacy", "svm", "extapic", "cr8_legacy", "abm", "sse4a", "misalignsse",
	"3dnowprefetch", "osvw", "ibs", "xop", "skinit", "wdt", "", "lwp", "fma4", "tce", [22] = "topoext", [23] = "perfctr_core" };
static const char *const leaf7_ebx[32] = { "fsgsbase", "tsc_adjust", "sgx", "bmi1", "hle", "avx2", "", "smep", "bmi2", "erms", "invpcid",
	"rtm", "cqm", "", "mpx", "rdt_a", "avx512f", "avx512dq", "rdseed", "adx", "smap", "avx512ifma", "", "clflushopt", "clwb",
	"intel_pt", "avx512pf", "avx512er", "avx512cd", "sha_ni", "avx512bw", "avx512vl" };
static const char *const leaf7_ecx[32] = { "", "avx512vbmi", "umip", "pku", "ospke", "waitpkg", "avx512_vbmi2", "", "gfni", "vaes",
	"vpclmulqdq", "avx512_vnni", "avx512_bitalg", "tme", "avx512_vpopcntdq", "", "la57", [22] = "rdpid", [24] = "bus_lock_detect",
	[25] = "cldemote", [27] = "movdiri", [28] = "movdir64b" };
static const char *const leaf7_edx[32] = { [2] = "avx512_4vnniw", [3] = "avx512_4fmaps", [4] = "fsrm", [8] = "avx512_vp2intersect",
	[10] = "md_clear", [14] = "serialize", [16] = "tsxldtrk", [18] = "pconfig", [20] = "ibt", [22] = "amx_bf16",
	[23] = "avx512_fp16", [24] = "amx_tile", [25] = "amx_int8", [28] = "flush_l1d", [29] = "arch_capabilities" };
static const char *const leafd1_eax[32] = { "xsaveopt", "xsavec", "xgetbv1", "xsaves" };

static void show_bits(struct seq_buffer *seq, u32 bits, const char *const names[32])
{
	for (int i = 0; i < 32; i++)
		if (bits >> i & 1 && names[i] && names[i][0])
			seq_printf(seq, " %s", names[i]);
}

static void show_flags(struct seq_buffer *seq, u32 max_leaf)
{
	struct cpuid one = cpuid(1, 0), ext = cpuid(0x80000001, 0), seven = { 0 }, d = { 0 };

	if (max_leaf >= 7)
		seven = cpuid(7, 0);
	if (max_leaf >= 13)
		d = cpuid(13, 1);
	show_bits(seq, one.edx, leaf1_edx);
	show_bits(seq, ext.edx, ext1_edx);
	seq_puts(seq, " constant_tsc rep_good nopl nonstop_tsc cpuid");
	show_bits(seq, one.ecx, leaf1_ecx);
	show_bits(seq, ext.ecx, ext1_ecx);
	show_bits(seq, seven.ebx, leaf7_ebx);
	show_bits(seq, d.eax, leafd1_eax);
	show_bits(seq, seven.ecx, leaf7_ecx);
	/* Tile registers are not saved for programs. */
	show_bits(seq, seven.edx & ~(1U << 22 | 1U << 24 | 1U << 25), leaf7_edx);
}

static void show_cpu(struct seq_buffer *seq, int cpu)
{
	struct cpuid zero = cpuid(0, 0), one = cpuid(1, 0), sizes = cpuid(0x80000008, 0);
	u32 family = one.eax >> 8 & 15, model = one.eax >> 4 & 15;
	u64 khz = tsc_khz();
	char vendor[13];

	memcpy(vendor, &zero.ebx, 4);
	memcpy(vendor + 4, &zero.edx, 4);
	memcpy(vendor + 8, &zero.ecx, 4);
	vendor[12] = 0;
	if (family == 6 || family == 15)
		model |= one.eax >> 12 & 0xf0;
	if (family == 15)
		family += one.eax >> 20 & 0xff;
	seq_printf(seq, "processor\t: %d\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\nstepping\t: %u\n", cpu, vendor,
		   family, model, boot->cpu_model[0] ? boot->cpu_model : "unknown", one.eax & 15);
	if (khz)
		seq_printf(seq, "cpu MHz\t\t: %llu.%03llu\n", (unsigned long long)(khz / 1000), (unsigned long long)(khz % 1000));
	seq_printf(seq, "physical id\t: 0\nsiblings\t: %d\ncore id\t\t: %d\ncpu cores\t: %d\napicid\t\t: %d\ninitial apicid\t: %d\n", nr_cpus,
		   cpu, nr_cpus, cpu, cpu);
	seq_printf(seq, "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\nflags\t\t:", zero.eax);
	show_flags(seq, zero.eax);
	seq_printf(seq, "\nbugs\t\t:\nbogomips\t: %llu.%02llu\nclflush size\t: %u\ncache_alignment\t: 64\n",
		   (unsigned long long)(khz / 500), (unsigned long long)(khz / 5 % 100), (one.ebx >> 8 & 0xff) * 8);
	seq_printf(seq, "address sizes\t: %u bits physical, %u bits virtual\npower management:\n\n", sizes.eax & 0xff, sizes.eax >> 8 & 0xff);
}

int proc_show_cpuinfo(struct file *file, struct seq_buffer *seq)
{
	for (int cpu = 0; cpu < nr_cpus; cpu++)
		show_cpu(seq, cpu);
	return 0;
}
