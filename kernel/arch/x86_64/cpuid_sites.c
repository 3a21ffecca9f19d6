// SPDX-License-Identifier: Apache-2.0
/*
 * In a virtual machine each CPUID is an exit to the hypervisor, 2 to 70 µs, and a C library executes forty of them whenever a program
 * starts: a quarter of the time of a short one. The answers do not change, so the instructions are patched (patch.c):
 *
 *   b8 leaf 0f a2               mov $leaf,%eax; cpuid                            if the leaf has no subleaves
 *   b8 leaf 31 c9 0f a2         mov $leaf,%eax; xor %ecx,%ecx; cpuid
 *   b8 leaf b9 subleaf 0f a2    mov $leaf,%eax; mov $subleaf,%ecx; cpuid
 *   b8 leaf 89 .. 0f a2         mov $leaf,%eax; mov %reg,%ecx; cpuid
 *   44 89 .. 89 .. 0f a2        mov %r8..15,%eax; mov %reg,%ecx; cpuid           for the leaves with subleaves that are asked for in loops
 *
 * Nothing traps there, so the sites are searched, only in what starts programs, and only when a text is mapped for the second
 * time. Seven bytes of which but few values are accepted are code, not chance. What is the last instruction but one of all but the last form
 * begins with the sixth byte, where the jump has an invalid instruction: who comes from elsewhere to it gets an answer to his own
 * question. The last form is left alone if any jump nearby could lead into it.
 *
 * Where all is known before, the answer is four constants. Else the subleaf is looked up by code that changes no flag, no other register
 * and no memory: lea and jrcxz. What it does not find it asks the processor.
 */
#include "kernel/arch/x86_64/cpuid_sites.h"

#include "kernel/arch/x86_64/cpuid.h"
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

/* ---- answers ---- */

static struct answer {
	u32 leaf, subleaf;
	struct cpuid is;
} answers[64];
static unsigned nr_answers;

static struct cpuid ask(u32 leaf, u32 subleaf)
{
	struct cpuid is;

	for (unsigned i = 0; i < nr_answers; i++)
		if (answers[i].leaf == leaf && answers[i].subleaf == subleaf)
			return answers[i].is;
	is = cpuid(leaf, subleaf);
	if (nr_answers < ARRAY_SIZE(answers))
		answers[nr_answers++] = (struct answer){ leaf, subleaf, is };
	return is;
}

/* ---- sequences ---- */

static bool answerable(u32 leaf) { return (leaf & 0x7fffffff) <= 0x30 && !contains(of_one_cpu, ARRAY_SIZE(of_one_cpu), leaf); }
static bool knows_leaf(const u8 *code) { return code[0] == 0xb8; }
static bool has_subleaves(u32 leaf) { return contains(with_subleaves, ARRAY_SIZE(with_subleaves), leaf); }

/* The answer depends on a register. */
bool cpuid_site_asks(const u8 *code, size_t length)
{
	if (!knows_leaf(code))
		return true;
	return has_subleaves(word_at(code + 1)) && length == 9 && code[5] == 0x89;
}

/* Length of the sequence that ends with the cpuid at code[at], 0 if it is none of ours. */
static size_t sequence_before(const u8 *code, size_t at)
{
	static const u8 lengths[] = { 5, 7, 10 };
	const u8 *p = code + at - 5;

	if (p[0] == 0x44 && p[1] == 0x89 && (p[2] & 0xc7) == 0xc0 && p[3] == 0x89 && (p[4] & 0xc7) == 0xc1)
		return 7;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		size_t length = lengths[i];
		const u8 *second;

		p = code + at - length;
		second = p + 5;
		/* Behind a REX prefix it is another register. */
		if (at < length + 1 || p[0] != 0xb8 || (p[-1] & 0xf0) == 0x40 || !answerable(word_at(p + 1)))
			continue;
		if (length == 5 && has_subleaves(word_at(p + 1)))
			continue;
		if (length == 7 && memcmp(second, "\x31\xc9", 2) && (second[0] != 0x89 || (second[1] & 0xc7) != 0xc1))
			continue;
		if (length == 10 && second[0] != 0xb9)
			continue;
		return length + 2;
	}
	return 0;
}

struct cpuid cpuid_site_answer(const u8 *code, size_t length, const struct pt_regs *regs)
{
	const u64 low[8] = { regs->rax, regs->rcx, regs->rdx, regs->rbx, regs->rsp, regs->rbp, regs->rsi, regs->rdi };
	u32 subleaf = (u32)regs->rcx;

	if (length == 12)
		subleaf = word_at(code + 6);
	else if (length == 9)
		subleaf = code[5] == 0x31 ? 0 : (u32)low[code[6] >> 3 & 7];
	return cpuid((u32)regs->rax, subleaf);
}

/* ---- code ---- */

static u8 *emit(u8 *p, const void *bytes, size_t n)
{
	memcpy(p, bytes, n);
	return p + n;
}

/* The answer as constants, their upper halves are zero, as CPUID leaves them; and back. */
static u8 *emit_answer(u8 *p, struct cpuid is, const u8 *resume)
{
	const struct { u8 opcode; u32 value; } moves[] = { { 0xb8, is.eax }, { 0xbb, is.ebx }, { 0xb9, is.ecx }, { 0xba, is.edx } };
	s32 distance;

	for (size_t i = 0; i < ARRAY_SIZE(moves); i++) {
		*p++ = moves[i].opcode;
		p = emit(p, &moves[i].value, 4);
	}
	p = emit(p, "\xff\x25", 2); /* jmp *resume(%rip) */
	distance = (s32)(resume - (p + 4));
	return emit(p, &distance, 4);
}

#define SUBLEAVES 8U
#define ANSWER_LENGTH 26

/* ecx counts down to the one that is asked for. */
static u8 *emit_subleaves(u8 *p, u32 leaf, const u8 *resume)
{
	u32 n = leaf == 0xd ? SUBLEAVES : min(ask(leaf, 0).eax + 1, SUBLEAVES); /* else it is the number of the last one */

	for (u32 subleaf = 0; subleaf < n; subleaf++) {
		p = emit(p, (u8[]){ 0xe3, 2, 0xeb, ANSWER_LENGTH }, 4); /* jrcxz answer; jmp behind it */
		p = emit_answer(p, ask(leaf, subleaf), resume);
		p = emit(p, "\x8d\x49\xff", 3); /* lea -1(%rcx),%ecx */
	}
	return p;
}

static u8 *emit_lookup(u8 *p, const u8 *code, size_t length, const u8 *resume)
{
	static const u32 leaves[] = { 0x7, 0xd };
	size_t n = knows_leaf(code) ? 1 : ARRAY_SIZE(leaves);
	s32 distance;

	p = emit(p, code, length - 2);
	p = emit(p, "\x89\xcb", 2); /* mov %ecx,%ebx */
	for (size_t i = 0; i < n; i++) {
		u32 leaf = knows_leaf(code) ? word_at(code + 1) : leaves[i], minus = -leaf;
		u8 *behind;

		p = emit(p, "\x8d\x88", 2); /* lea -leaf(%rax),%ecx */
		p = emit(p, &minus, 4);
		p = emit(p, (u8[]){ 0xe3, 5, 0xe9 }, 3); /* jrcxz ours; jmp to the next leaf */
		behind = p;
		p = emit(p + 4, "\x89\xd9", 2); /* mov %ebx,%ecx */
		p = emit_subleaves(p, leaf, resume);
		distance = (s32)(p - (behind + 4));
		memcpy(behind, &distance, 4);
	}
	p = emit(p, "\x89\xd9\x0f\xa2\xff\x25", 6); /* mov %ebx,%ecx; cpuid; jmp *resume(%rip) */
	distance = (s32)(resume - (p + 4));
	return emit(p, &distance, 4);
}

void cpuid_site_emit(u8 *p, const u8 *code, size_t length, const u8 *resume)
{
	if (cpuid_site_asks(code, length)) {
		emit_lookup(p, code, length, resume);
		return;
	}
	if (length == 9 && code[5] == 0x31)
		p = emit(p, code + 5, 2); /* a xor sets the flags */
	emit_answer(p, ask(word_at(code + 1), length == 12 ? word_at(code + 6) : 0), resume);
}

/* ---- search ---- */

#define NEARBY 4096UL

static void find_sites(struct vma *vma, const u8 *code, size_t n)
{
	for (size_t at = 5; at + 2 <= n; at++) {
		size_t length;

		if (code[at] != 0x0f || code[at + 1] != 0xa2)
			continue;
		length = sequence_before(code, at);
		if (length && !knows_leaf(code + at + 2 - length)) {
			size_t from = max(at, NEARBY) - NEARBY, to = min(at + NEARBY, n);

			if (patch_may_jump_to(code + from, vma->start + from, to - from, vma->start + at + 2 - length))
				continue;
		}
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
