// SPDX-License-Identifier: Apache-2.0
/*
 * In a virtual machine each CPUID is an exit to the hypervisor, 2 to 70 µs, and a C library executes forty of them whenever a program
 * starts: a quarter of the time of a short one. The answers do not change, so the instructions are patched (patch.c) where they
 * always ask for the same:
 *
 *   b8 leaf 0f a2               mov $leaf,%eax; cpuid                     if the leaf has no subleaves
 *   b8 leaf 31 c9 0f a2         mov $leaf,%eax; xor %ecx,%ecx; cpuid
 *   b8 leaf 89 .. 0f a2         mov $leaf,%eax; mov %reg,%ecx; cpuid      if the leaf has no subleaves
 *   b8 leaf b9 subleaf 0f a2    mov $leaf,%eax; mov $subleaf,%ecx; cpuid
 *
 * Nothing traps there, so the sites are searched, only in what starts programs, and only when a text is mapped for the second
 * time. Seven bytes of which but few values of the leaf are accepted are code, not chance. All begin with five bytes, so that the
 * second instruction lies where the jump has an invalid one: who comes from elsewhere to it gets an answer to his own question.
 */
#include "kernel/arch/x86_64/cpuid_sites.h"

#include "kernel/arch/x86_64/patch.h"
#include "kernel/arch/x86_64/patch_cache.h"
#include "kernel/arch/x86_64/regs.h"
#include "kernel/init/init.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/mm.h"
#include "kernel/sched/deterministic.h"
#include "kernel/vfs/vfs.h"

#define TEXT_MAX (4UL << 20) /* a longer one belongs to a program that is not started often */

static const u32 with_subleaves[] = { 0x4,  0x7,  0xb,  0xd,  0xf,  0x10, 0x12, 0x14,       0x17,       0x18,      0x1a,
				      0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x23, 0x24, 0x8000001d, 0x80000020, 0x80000026 };
/* They tell the number of the processor. So does leaf 1, but who wants it binds himself to a processor first and asks at its start no more. */
static const u32 of_one_cpu[] = { 0xb, 0x1f, 0x8000001e, 0x80000026 };

static bool contains(const u32 *list, size_t n, u32 leaf)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == leaf)
			return true;
	return false;
}

static u32 word_at(const u8 *p)
{
	u32 word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static bool answerable(u32 leaf, bool knows_subleaf)
{
	if ((leaf & 0x7fffffff) > 0x30 || contains(of_one_cpu, ARRAY_SIZE(of_one_cpu), leaf))
		return false;
	return knows_subleaf || !contains(with_subleaves, ARRAY_SIZE(with_subleaves), leaf);
}

/* Length of the sequence that ends with the cpuid at code[at], 0 if it is none of ours. */
static size_t sequence_before(const u8 *code, size_t at)
{
	static const u8 lengths[] = {5, 7, 10};

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		size_t length = lengths[i];
		const u8 *p = code + at - length, *second = p + 5;
		bool knows_subleaf = length == 10 || (length == 7 && second[0] == 0x31);

		/* Behind a REX prefix it is another register. */
		if (at < length + 1 || p[0] != 0xb8 || (p[-1] & 0xf0) == 0x40 ||
		    !answerable(word_at(p + 1), knows_subleaf))
			continue;
		if (length == 7 && memcmp(second, "\x31\xc9", 2) &&
		    (second[0] != 0x89 || (second[1] & 0xc7) != 0xc1))
			continue;
		if (length == 10 && second[0] != 0xb9)
			continue;
		return length + 2;
	}
	return 0;
}

struct cpuid_question cpuid_site_question(const u8 *code, size_t length, size_t at,
					  const struct pt_regs *regs)
{
	const u64 low[8] = {regs->rax, regs->rcx, regs->rdx, regs->rbx,
			    regs->rsp, regs->rbp, regs->rsi, regs->rdi};
	struct cpuid_question question = {at == 0 ? word_at(code + 1) : (u32)regs->rax,
					  (u32)regs->rcx};

	if (length == 12)
		question.subleaf = word_at(code + 6);
	else if (length == 9 && code[5] == 0x31)
		question.subleaf = 0;
	else if (length == 9) /* a register that has been set before: eax by the sequence itself */
		question.subleaf = code[6] == 0xc1 ? question.leaf : (u32)low[code[6] >> 3 & 7];
	return question;
}

static void find_sites(struct vma *vma, const u8 *code, size_t n)
{
	for (size_t at = 5; at + 2 <= n; at++) {
		size_t length;

		if (code[at] != 0x0f || code[at + 1] != 0xa2)
			continue;
		length = sequence_before(code, at);
		/* Eight bytes are what a patch may look at. */
		if (length && at + 8 <= n)
			patch_add_cpuid(vma, vma->start + at + 2 - length, code + at + 2 - length,
					length);
	}
}

void cpuid_sites_patch(struct vma *vma)
{
	size_t length = vma->end - vma->start;
	u8 *code;
	ssize_t n;

	if (deterministic || length > TEXT_MAX || !patch_cache_second_time(vma))
		return;
	code = heap_pages_alloc(length >> PAGE_SHIFT);
	if (!code)
		return;
	n = kernel_read(vma->file, code, length, (loff_t)vma->file_offset);
	if (n > 0)
		find_sites(vma, code, (size_t)n);
	heap_pages_free(code, length >> PAGE_SHIFT);
	patch_cache_apply(vma);
}
