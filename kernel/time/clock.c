// SPDX-License-Identifier: Apache-2.0
/*
 * Host clocks. The host's vDSO, which the monitor moved into the kernel's range, is an ordinary shared
 * object: its dynamic symbol table says where __vdso_clock_gettime is. Calling it makes no host call, needs
 * only general registers and may be done from anywhere.
 */
#include <linux/elf.h>
#include <linux/time.h>

#include "include/abi/boot.h"
#include "kernel/init/initcall.h"
#include "kernel/sched/wait.h"
#include "kernel/time/timer.h"
#include "kernel/time/virtual.h"

extern struct boot_params *boot;

struct host_timespec {
	s64 sec, nsec;
};
typedef int clock_function(int clock, struct host_timespec *ret_time);

static int resolve_and_get(int clock, struct host_timespec *ret_time);
static clock_function *host_gettime = resolve_and_get;
static clock_function *host_getres;

struct host_vdso {
	const char *base, *strings;
	const Elf64_Sym *symbols;
	u64 nr_symbols, bias;
};

static u64 vdso_size(void)
{
	return boot->host_vdso_size ? boot->host_vdso_size : 2 * PAGE_SIZE;
}

/* How many symbols a GNU hash table covers: one more than the end of the longest chain. */
static u64 gnu_hash_count(const u32 *table)
{
	u32 nr_buckets = table[0], first = table[1], bloom_words = table[2];
	const u32 *buckets = table + 4 + bloom_words * 2, *chains = buckets + nr_buckets;
	u32 last = 0;

	for (u32 i = 0; i < nr_buckets; i++)
		last = max(last, buckets[i]);
	if (last < first)
		return first;
	while (!(chains[last - first] & 1))
		last++;
	return last + 1;
}

static bool vdso_parse(struct host_vdso *ret_vdso)
{
	const char *base = (const char *)(LAYOUT_HOST_VDSO + boot->host_vvar_size);
	const Elf64_Ehdr *header = (const void *)base;
	const Elf64_Phdr *program = (const void *)(base + header->e_phoff);
	const Elf64_Dyn *dynamic = NULL;
	struct host_vdso vdso = { .base = base };

	if (memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_phoff > vdso_size())
		return false;
	for (int i = 0; i < header->e_phnum; i++) {
		if (program[i].p_type == PT_LOAD)
			vdso.bias = (u64)base + program[i].p_offset - program[i].p_vaddr;
		else if (program[i].p_type == PT_DYNAMIC)
			dynamic = (const void *)(base + program[i].p_offset);
	}
	for (; dynamic && dynamic->d_tag != DT_NULL; dynamic++) {
		const void *value = (const void *)(vdso.bias + dynamic->d_un.d_ptr);

		if (dynamic->d_tag == DT_STRTAB)
			vdso.strings = value;
		else if (dynamic->d_tag == DT_SYMTAB)
			vdso.symbols = value;
		else if (dynamic->d_tag == DT_HASH)
			vdso.nr_symbols = ((const u32 *)value)[1];
		else if (dynamic->d_tag == 0x6ffffef5 /* DT_GNU_HASH */ && !vdso.nr_symbols)
			vdso.nr_symbols = gnu_hash_count(value);
	}
	*ret_vdso = vdso;
	return vdso.strings && vdso.symbols;
}

static clock_function *vdso_symbol(const struct host_vdso *vdso, const char *name)
{
	for (u64 i = 0; i < vdso->nr_symbols; i++) {
		const Elf64_Sym *symbol = &vdso->symbols[i];

		if (symbol->st_shndx != SHN_UNDEF && !strcmp(vdso->strings + symbol->st_name, name))
			return (clock_function *)(vdso->bias + symbol->st_value);
	}
	return NULL;
}

static int virtual_gettime(int clock, struct host_timespec *ret_time)
{
	u64 time = virtual_clock(clock);

	*ret_time = (struct host_timespec){ (s64)(time / NSEC_PER_SEC), (s64)(time % NSEC_PER_SEC) };
	return 0;
}

/* The first call of host_gettime; later ones go straight to the host's function. */
static int resolve_and_get(int clock, struct host_timespec *ret_time)
{
	struct host_vdso vdso;
	clock_function *found;

	if (deterministic) {
		host_gettime = virtual_gettime;
		return virtual_gettime(clock, ret_time);
	}
	if (!vdso_parse(&vdso))
		panic("no host vDSO at %lx", LAYOUT_HOST_VDSO + boot->host_vvar_size);
	found = vdso_symbol(&vdso, "__vdso_clock_gettime");
	if (!found)
		panic("the host vDSO has no __vdso_clock_gettime");
	host_getres = vdso_symbol(&vdso, "__vdso_clock_getres");
	host_gettime = found;
	return found(clock, ret_time);
}

u64 ktime_get_clock(int host_clock_id)
{
	struct host_timespec time;

	host_gettime(host_clock_id, &time);
	return (u64)time.sec * NSEC_PER_SEC + (u64)time.nsec;
}

u64 ktime_get(void)
{
	return ktime_get_clock(CLOCK_MONOTONIC);
}

u64 ktime_get_real(void)
{
	return ktime_get_clock(CLOCK_REALTIME);
}

u64 ktime_get_boot(void)
{
	return ktime_get_clock(CLOCK_BOOTTIME);
}

u64 ktime_get_resolution(int host_clock_id)
{
	bool coarse = host_clock_id == CLOCK_REALTIME_COARSE || host_clock_id == CLOCK_MONOTONIC_COARSE;
	struct host_timespec resolution = { 0, coarse ? 4000000 : 1 };

	ktime_host_function();
	if (host_getres)
		host_getres(host_clock_id, &resolution);
	return (u64)resolution.nsec;
}

u64 ktime_host_function(void)
{
	if (host_gettime == resolve_and_get)
		(void)ktime_get();
	return (u64)host_gettime;
}

u64 ktime_to_monotonic(int host_clock_id, u64 deadline)
{
	u64 now, clock_now;

	if (deadline == NEVER || host_clock_id == CLOCK_MONOTONIC)
		return deadline;
	clock_now = ktime_get_clock(host_clock_id);
	now = ktime_get();
	if (deadline <= clock_now)
		return now;
	return deadline - clock_now < NEVER - now ? now + (deadline - clock_now) : NEVER;
}

static int clock_init(void)
{
	(void)ktime_get();
	return 0;
}
INITCALL(clock, clock_init, "");
