// SPDX-License-Identifier: Apache-2.0
/*
 * Patching of call sites. Six forms are known:
 *
 *   MOV_SYSCALL   b8 nr 0f 05          mov $nr,%eax; syscall          (7 bytes; the jump covers both)
 *   MOVQ_SYSCALL  48 c7 c0 nr 0f 05    mov $nr,%rax; syscall          (9 bytes; the jump covers the mov, the syscall stays)
 *   LEA_SYSCALL   48 8d .. 0f 05       lea disp32(base),%reg; syscall (9 bytes; the jump covers the lea, the syscall stays)
 *   SYSCALL_NEXT  0f 05 + 5 bytes      syscall and the instructions after it, usually cmp $-4095,%rax; they move to the trampoline
 *   EXIT_LOOP     31 ff 89 d0 0f 05 eb f8   1: xor %edi,%edi; mov %edx,%eax; syscall; jmp 1b: how threads end
 *   CPUID         b8 leaf .. 0f a2     mov $leaf,%eax; ...; cpuid: cpuid_sites.c. It does not lead into the kernel
 *
 * The jump is `jmp *abs32` (ff 24 25 abs32) through a table entry just below 2 GiB whose address has 0x06 as third byte, so
 * that in the first form the bytes where the `syscall` stood are 06 7f: an invalid instruction, which the SIGILL path emulates.
 * In the third form the bytes of the displaced instructions would be something else; the site is left alone if any jump in its
 * neighbourhood could lead there, and tasks that were about to return there are sent to the trampoline.
 *
 * A site is replaced by one store that lies within a cache line, or while no other thread of the program runs.
 */
#include "kernel/arch/x86_64/patch.h"

#include "kernel/arch/x86_64/cpuid.h"
#include "kernel/arch/x86_64/cpuid_sites.h"
#include "kernel/arch/x86_64/insn.h"
#include "kernel/arch/x86_64/patch_cache.h"

#include "host.gen.h"
#include "include/abi/layout.h"
#include "kernel/locking.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/mm.h"
#include "kernel/sched/carrier.h"
#include "kernel/sched/internal.h"
#include "kernel/sys/syscall.h"
#include "kernel/task/task.h"
#include "kernel/trace/stats.h"

#define NR_SLOTS (LAYOUT_SITE_TABLE_SIZE / 8)
#define TRAMPOLINE_SIZE 64
#define HASH_SIZE 4096

#define DISPLACED_MAX 20 /* four bytes that are not enough, and one more instruction */

#define LEA_LENGTH 7
#define EXIT_LOOP "\x31\xff\x89\xd0\x0f\x05\xeb\xf8"
#define EXIT_LOOP_LENGTH 8

enum form { FORM_MOV_SYSCALL, FORM_MOVQ_SYSCALL, FORM_LEA_SYSCALL, FORM_SYSCALL_NEXT, FORM_EXIT_LOOP, FORM_CPUID };

struct site {
	u64 start;   /* of the replaced bytes */
	u64 resume;  /* user address after the call (and the displaced instruction) */
	u32 nr;      /* of the call, if the site itself says it */
	u8 form;
	u8 displaced_length;
	u8 displaced[DISPLACED_MAX]; /* FORM_CPUID: the whole sequence */
	s32 next;    /* slot of the next site in the hash chain, -1 at the end */
};

static struct site sites[NR_SLOTS] __cold_data;
static unsigned nr_sites;
static s32 buckets[HASH_SIZE] __hot_data; /* slot + 1 */

/* Return addresses whose site has no known form, so that the look at the code is not repeated at every trap. */
static u64 rejected[HASH_SIZE] __cold_data;

extern char entry_patched[], entry_leaf[];

#define TAIL_OFFSET 16 /* of the displaced instructions in a FORM_SYSCALL_NEXT trampoline */

unsigned patch_sites_used(void) { return nr_sites; }
u64 patch_slot_start(u32 slot) { return sites[slot].start; }

void patch_write_site(u8 *there, u32 slot)
{
	u32 entry = (u32)(LAYOUT_SITE_TABLE + (u64)slot * 8);

	memcpy(there, "\xff\x24\x25", 3);
	memcpy(there + 3, &entry, 4);
}

bool patch_is_trampoline(u64 rip)
{
	return rip >= LAYOUT_TRAMPOLINES && rip < LAYOUT_TRAMPOLINES + LAYOUT_TRAMPOLINES_SIZE;
}

static struct site *trampoline_site(u64 rip)
{
	u64 slot = (rip - LAYOUT_TRAMPOLINES) / TRAMPOLINE_SIZE;

	return slot < nr_sites ? &sites[slot] : NULL;
}

bool patch_enters_kernel(u64 rip)
{
	const struct site *site = patch_is_trampoline(rip) ? trampoline_site(rip) : NULL;

	if (!site || site->form == FORM_CPUID)
		return false;
	return site->form != FORM_SYSCALL_NEXT || (rip - LAYOUT_TRAMPOLINES) % TRAMPOLINE_SIZE < TAIL_OFFSET;
}

static unsigned bucket_of(u64 start) { return hash_u64(start) % HASH_SIZE; }

static struct site *site_find(const struct site *like)
{
	for (s32 i = buckets[bucket_of(like->start)] - 1; i >= 0; i = sites[i].next)
		if (sites[i].start == like->start && sites[i].form == like->form && sites[i].nr == like->nr &&
		    sites[i].displaced_length == like->displaced_length &&
		    memcmp(sites[i].displaced, like->displaced, like->displaced_length) == 0)
			return &sites[i];
	return NULL;
}

static u8 *emit(u8 *p, const void *bytes, size_t n)
{
	memcpy(p, bytes, n);
	return p + n;
}

/* `lea disp32(base),%reg` for another place: one relative to its own address becomes a constant. */
static u8 *emit_lea(u8 *p, const struct site *site)
{
	const u8 *lea = site->displaced;
	u8 reg = (u8)((lea[2] >> 3 & 7) | (lea[0] & 4) << 1);
	s32 displacement;
	u64 address;

	if ((lea[2] & 0xc7) != 0x05)
		return emit(p, lea, LEA_LENGTH);
	memcpy(&displacement, lea + 3, 4);
	address = site->start + LEA_LENGTH + (u64)(s64)displacement;
	p = emit(p, (u8[]){ 0x48 | reg >> 3, (u8)(0xb8 | (reg & 7)) }, 2); /* movabs $address,%reg */
	return emit(p, &address, 8);
}

static u8 *emit_jump(u8 *p, const u8 *base, unsigned literal)
{
	s32 distance = (s32)(base + literal - (p + 6));

	p = emit(p, "\xff\x25", 2); /* jmp *literal(%rip) */
	return emit(p, &distance, 4);
}

/* Code that is too long for a trampoline stands behind them. */
#define LONG_CODE (LAYOUT_TRAMPOLINES + NR_SLOTS * TRAMPOLINE_SIZE)
#define LONG_CODE_SIZE 1024UL
#define NR_LONG_CODES ((LAYOUT_TRAMPOLINES_SIZE - NR_SLOTS * TRAMPOLINE_SIZE) / LONG_CODE_SIZE)
_Static_assert(CPUID_CODE_MAX + 8 <= LONG_CODE_SIZE, "the literal stands at the end");
static unsigned nr_long_codes;

/* Returns where it stands. */
static u64 write_cpuid(const struct site *site, unsigned slot)
{
	bool is_long = cpuid_site_asks(site->displaced, site->displaced_length);
	u64 at = is_long ? LONG_CODE + nr_long_codes++ * LONG_CODE_SIZE : LAYOUT_TRAMPOLINES + slot * TRAMPOLINE_SIZE;
	u8 *code = (u8 *)(at - LAYOUT_TRAMPOLINES + LAYOUT_TRAMPOLINES_RW);
	u8 *resume = code + (is_long ? LONG_CODE_SIZE : TRAMPOLINE_SIZE) - 8;

	memcpy(resume, &site->resume, 8);
	cpuid_site_emit(code, site->displaced, site->displaced_length, resume);
	return at;
}

static bool is_leaf(const struct site *site)
{
	return (site->form == FORM_MOV_SYSCALL || site->form == FORM_MOVQ_SYSCALL) && site->nr < NR_SYSCALLS &&
	       (syscall_table[site->nr].flags & SYSCALL_NOLOCK) && syscall_table[site->nr].nargs == 0;
}

#define ENTRY_LITERAL 48
#define RESUME_LITERAL 56

static void write_trampoline(unsigned slot)
{
	struct site *site = &sites[slot];
	u8 *base = (u8 *)(LAYOUT_TRAMPOLINES_RW + slot * TRAMPOLINE_SIZE), *p = base;
	u64 entry = is_leaf(site) ? (u64)entry_leaf : (u64)entry_patched;
	u64 tail = LAYOUT_TRAMPOLINES + slot * TRAMPOLINE_SIZE + TAIL_OFFSET;
	u64 back = site->form == FORM_SYSCALL_NEXT ? tail : site->resume;

	if (site->form == FORM_CPUID) {
		u64 at = write_cpuid(site, slot);

		barrier();
		((u64 *)LAYOUT_SITE_TABLE_RW)[slot] = at;
		return;
	}
	if (site->form == FORM_LEA_SYSCALL)
		p = emit_lea(p, site);
	if (site->form == FORM_EXIT_LOOP)
		p = emit(p, EXIT_LOOP, 4);
	p = emit(p, "\x48\xb9", 2); /* movabs $back,%rcx */
	p = emit(p, &back, 8);
	if (site->form == FORM_MOV_SYSCALL || site->form == FORM_MOVQ_SYSCALL) {
		p = emit(p, "\xb8", 1); /* mov $nr,%eax */
		p = emit(p, &site->nr, 4);
	}
	p = emit_jump(p, base, ENTRY_LITERAL);
	if (site->form == FORM_SYSCALL_NEXT) {
		p = emit(p, site->displaced, site->displaced_length);
		emit_jump(p, base, RESUME_LITERAL);
	}
	memcpy(base + ENTRY_LITERAL, &entry, 8);
	memcpy(base + RESUME_LITERAL, &site->resume, 8);
	barrier();
	((u64 *)LAYOUT_SITE_TABLE_RW)[slot] = LAYOUT_TRAMPOLINES + slot * TRAMPOLINE_SIZE;
}

static struct site *site_make(const struct site *new)
{
	struct site *site = site_find(new);
	unsigned bucket = bucket_of(new->start);

	if (site)
		return site;
	if (nr_sites == NR_SLOTS)
		return NULL;
	site = &sites[nr_sites];
	*site = *new;
	site->next = buckets[bucket] - 1;
	write_trampoline(nr_sites);
	barrier();
	buckets[bucket] = (s32)++nr_sites;
	return site;
}

/* Looks at every byte position: never misses one, may see too many. */
bool patch_may_jump_to(const u8 *code, u64 from, size_t n, u64 target)
{
	for (size_t i = 0; i + 6 <= n; i++) {
		u8 op = code[i];
		s32 rel;

		if (op == 0xeb || (op & 0xf0) == 0x70 || (op >= 0xe0 && op <= 0xe3)) {
			if (from + i + 2 + (u64)(s64)(s8)code[i + 1] - target < 5)
				return true;
		}
		if (op == 0xe9 || op == 0xe8) {
			memcpy(&rel, code + i + 1, 4);
			if (from + i + 5 + (u64)(s64)rel - target < 5)
				return true;
		}
		if (op == 0x0f && (code[i + 1] & 0xf0) == 0x80) {
			memcpy(&rel, code + i + 2, 4);
			if (from + i + 6 + (u64)(s64)rel - target < 5)
				return true;
		}
	}
	return false;
}

#define NEIGHBOURHOOD 1024UL

static bool displaced_is_target(struct vma *vma, u64 target)
{
	u64 from = max(vma->start, target - NEIGHBOURHOOD), to = min(vma->end, target + NEIGHBOURHOOD);
	u8 *code = kmalloc(to - from);
	bool found = true;

	if (!code)
		return true;
	if (!copy_from_user(code, user_ptr_at(from), to - from))
		found = patch_may_jump_to(code, from, to - from, target);
	kfree(code);
	return found;
}

static bool others_running(struct mm_struct *mm)
{
	for (int i = 0; mm->nr_tasks > 1 && i < nr_cpus; i++)
		if (&cpus[i] != this_carrier()->cpu && cpus[i].rq->curr && cpus[i].rq->curr->mm == mm)
			return true;
	return false;
}

/* Replaces 7 bytes at `start` by the jump through the site's table entry. */
static void apply(struct vma *vma, const struct site *site)
{
	u64 start = site->start, first = start & PAGE_MASK, length = PAGE_ALIGN(start + 8) - first;
	u8 bytes[8];

	if (start + 8 > vma->end)
		return;
	if (start % 64 > 56 && others_running(current->mm))
		return;
	if (copy_from_user(bytes, user_ptr_at(start), 8))
		return;
	patch_write_site(bytes, (u32)(site - sites));
	if (host_mprotect(first, length, PROT_READ | PROT_WRITE | PROT_EXEC))
		return;
	(void)!copy_to_user(user_ptr_at(start), bytes, 8);
	host_mprotect(first, length, (int)vma->prot);
}

/* Where to go on instead of at `offset` bytes into the replaced code, or 0 if code there goes on as it is. */
static u64 present_equivalent(const struct site *site, u64 offset)
{
	u64 trampoline = LAYOUT_TRAMPOLINES + (u64)(site - sites) * TRAMPOLINE_SIZE;

	if (site->form == FORM_SYSCALL_NEXT && offset >= 2 && offset < 7)
		return trampoline + TAIL_OFFSET + offset - 2;
	if (site->form == FORM_EXIT_LOOP && offset >= 2 && offset < EXIT_LOOP_LENGTH)
		return site->start; /* both instructions may be repeated */
	return 0;
}

/*
 * Sends the other tasks of the program that would go on within the replaced bytes to where the same code stands now. False:
 * some of them runs on another cpu right now, nobody knows where.
 */
static bool redirect_others(struct mm_struct *mm, const struct site *site)
{
	struct task_struct *t;

	if (mm->nr_tasks == 1 || (site->form != FORM_SYSCALL_NEXT && site->form != FORM_EXIT_LOOP))
		return true;
	if (others_running(mm))
		return false;
	for_each_task(t) {
		u64 instead = t->mm == mm && t != current ? present_equivalent(site, t->regs->rip - site->start) : 0;

		if (!instead)
			continue;
		t->regs->rip = instead;
		if (t->regs->entry == ENTRY_TRAPPED && patch_is_trampoline(instead))
			t->regs->entry = ENTRY_PATCHED;
	}
	return true;
}

/* Is the instruction before the syscall a lea that can move? What it computed must be in its register now, so these bytes are one. */
static bool is_lea(const u8 *lea, u64 after, const struct pt_regs *regs)
{
	const u64 values[16] = { regs->rax, 0, regs->rdx, regs->rbx, regs->rsp, regs->rbp, regs->rsi, regs->rdi,
				 regs->r8, regs->r9, regs->r10, 0, regs->r12, regs->r13, regs->r14, regs->r15 };
	unsigned reg = (lea[2] >> 3 & 7) | (lea[0] & 4) << 1, base = (lea[2] & 7) | (lea[0] & 1) << 3;
	bool relative = (lea[2] & 0xc7) == 0x05;
	s32 displacement;

	if ((lea[0] & 0xfa) != 0x48 || lea[1] != 0x8d || (!relative && ((lea[2] & 0xc0) != 0x80 || (lea[2] & 7) == 4)))
		return false;
	/* rax is the number, rsp the stack; rcx and r11 have changed since. A base that is overwritten would be used twice by a restart. */
	if (reg == 0 || reg == 1 || reg == 4 || reg == 11 || (!relative && (base == reg || base == 1 || base == 11)))
		return false;
	memcpy(&displacement, lea + 3, 4);
	return values[reg] == (relative ? after : values[base]) + (u64)(s64)displacement;
}

/* The instructions after a syscall that have to move: fills site->displaced, true if they can. */
static bool find_displaced(struct site *site, const u8 *code, size_t n)
{
	size_t length = 0;
	int ends = 0;

	while (length < 5 && !ends) {
		size_t one = movable_instruction_length(code + length, n - length, &ends);

		if (!one)
			return false;
		length += one;
	}
	if (length < 5 || length > DISPLACED_MAX)
		return false;
	memcpy(site->displaced, code, length);
	site->displaced_length = (u8)length;
	return true;
}

#define BEFORE 10 /* bytes looked at before the end of the syscall instruction, and after it */
#define AFTER 20

/* What kind of site it is: 1, or 0 if it has no known form. */
static int recognise(struct site *site, const u8 *code, size_t after, const struct pt_regs *regs)
{
	u64 rip = regs->rip, rax = regs->rax;

	*site = (struct site){ .nr = (u32)rax };
	if (code[3] == 0xb8 && (code[2] & 0xf0) != 0x40 && memcmp(code + 4, &rax, 4) == 0) {
		site->form = FORM_MOV_SYSCALL;
		site->start = rip - 7;
		site->resume = rip;
	} else if (code[1] == 0x48 && code[2] == 0xc7 && code[3] == 0xc0 && memcmp(code + 4, &rax, 4) == 0) {
		site->form = FORM_MOVQ_SYSCALL;
		site->start = rip - 9;
		site->resume = rip;
	} else if (after >= 2 && memcmp(code + 4, EXIT_LOOP, EXIT_LOOP_LENGTH) == 0) {
		site->form = FORM_EXIT_LOOP;
		site->nr = 0;
		site->start = site->resume = rip - 6;
	} else if (is_lea(code + 1, rip - 2, regs)) {
		site->form = FORM_LEA_SYSCALL;
		site->nr = 0;
		site->start = rip - 9;
		site->resume = rip;
		memcpy(site->displaced, code + 1, LEA_LENGTH);
		site->displaced_length = LEA_LENGTH;
	} else if (find_displaced(site, code + BEFORE, after)) {
		site->form = FORM_SYSCALL_NEXT;
		site->nr = 0;
		site->start = rip - 2;
		site->resume = rip + site->displaced_length;
	} else {
		return 0;
	}
	return 1;
}

/*
 * A process that makes a call once or twice is better off with the traps than with two changes of protection and a copied
 * page; the next program with this text finds the site patched anyway.
 */
static bool worth_it(struct mm_struct *mm, u64 rip)
{
	u8 *traps = &mm->traps[hash_u64(rip) % ARRAY_SIZE(mm->traps)];

	if (*traps == 2)
		return true;
	++*traps;
	return false;
}

void patch_call_site(struct pt_regs *regs)
{
	struct mm_struct *mm = current->mm;
	u64 rip = regs->rip;
	struct vma *vma;
	struct site found, *site;
	size_t after;
	u8 code[BEFORE + AFTER];

	if (rejected[bucket_of(rip)] == rip || mm->no_patch || rip < USER_MIN + BEFORE || mm->mmap_lock.owner)
		return;
	vma = vma_find(mm, rip - 2);
	if (!vma || vma->start > rip - BEFORE || vma->end < rip + 8 || !(vma->prot & PROT_EXEC) || (vma->prot & PROT_WRITE) ||
	    (vma->flags & VM_SHARED) || vma->backing == VMA_PAGES)
		return;
	after = min(vma->end - rip, (u64)AFTER);
	if (copy_from_user(code, user_ptr_at(rip - BEFORE), BEFORE + after) || code[8] != 0x0f || code[9] != 0x05)
		return;
	if (!recognise(&found, code, after, regs) ||
	    ((found.form == FORM_SYSCALL_NEXT || found.form == FORM_EXIT_LOOP) && displaced_is_target(vma, found.start + 2))) {
		rejected[bucket_of(rip)] = rip;
		this_carrier()->cpu->stats->sites_refused++;
		return;
	}
	site = site_make(&found);
	if (!site)
		return;
	patch_cache_add(vma, (u32)(site - sites));
	if (!worth_it(mm, rip) || !redirect_others(mm, site))
		return;
	apply(vma, site);
	this_carrier()->cpu->stats->sites_patched++;
	regs->rip = patch_fix_resume_address(rip);
}

static bool site_starts_at(u64 start, int form)
{
	for (s32 i = buckets[bucket_of(start)] - 1; i >= 0; i = sites[i].next)
		if (sites[i].start == start && (int)sites[i].form == form)
			return true;
	return false;
}

/* Another program may have other code at this address: is it this site's jump that stands there? */
static bool site_is_patched(u64 start, s32 slot)
{
	u32 entry = (u32)(LAYOUT_SITE_TABLE + (u64)slot * 8);
	u8 code[7];

	return !copy_from_user(code, user_ptr_at(start), 7) && memcmp(code, "\xff\x24\x25", 3) == 0 &&
	       memcmp(code + 3, &entry, 4) == 0;
}

void patch_add_cpuid(const struct vma *vma, u64 start, const u8 *code, size_t length)
{
	struct site new = { .start = start, .resume = start + length, .form = FORM_CPUID, .displaced_length = (u8)length }, *site;

	if (nr_long_codes == NR_LONG_CODES)
		return;
	memcpy(new.displaced, code, length);
	site = site_make(&new);
	if (site)
		patch_cache_add(vma, (u32)(site - sites));
}

#define SECOND_INSTRUCTION 5

bool patch_emulate_cpuid(struct pt_regs *regs)
{
	u64 start = regs->rip - SECOND_INSTRUCTION;

	for (s32 i = buckets[bucket_of(start)] - 1; i >= 0; i = sites[i].next) {
		const struct site *site = &sites[i];
		struct cpuid r;

		if (site->start != start || site->form != FORM_CPUID || !site_is_patched(start, i))
			continue;
		r = cpuid_site_answer(site->displaced, site->displaced_length, regs);
		regs->rax = r.eax;
		regs->rbx = r.ebx;
		regs->rcx = r.ecx;
		regs->rdx = r.edx;
		regs->rip = site->resume;
		return true;
	}
	return false;
}

bool patch_is_old_syscall(u64 rip)
{
	for (s32 i = buckets[bucket_of(rip - 5)] - 1; i >= 0; i = sites[i].next)
		if (sites[i].start == rip - 5 && sites[i].form == FORM_MOV_SYSCALL)
			return true;
	return false;
}

u64 patch_restart_address(u64 rip)
{
	struct site *site;

	if (patch_is_trampoline(rip)) {
		site = trampoline_site(rip);
		return site ? site->start : rip;
	}
	if (site_starts_at(rip - 7, FORM_MOV_SYSCALL))
		return rip - 7;
	return rip - 9;
}

u64 patch_syscall_address(u64 rip)
{
	struct site *site;

	if (patch_is_trampoline(rip)) {
		site = trampoline_site(rip);
		return site ? site->start : rip; /* the jump stands where the syscall stood: rax is the caller's */
	}
	return rip - 2;
}

u64 patch_present_address(u64 rip)
{
	struct site *site;
	u64 offset;

	if (!patch_is_trampoline(rip))
		return rip;
	site = trampoline_site(rip);
	if (!site)
		return rip;
	offset = (rip - LAYOUT_TRAMPOLINES) % TRAMPOLINE_SIZE;
	if (site->form != FORM_SYSCALL_NEXT || offset < TAIL_OFFSET)
		return site->start;
	offset -= TAIL_OFFSET;
	return offset < site->displaced_length ? site->start + 2 + offset : site->resume;
}

u64 patch_fix_resume_address(u64 rip)
{
	for (u64 offset = 2; offset < EXIT_LOOP_LENGTH; offset++)
		for (s32 i = buckets[bucket_of(rip - offset)] - 1; i >= 0; i = sites[i].next)
			if (sites[i].start == rip - offset && present_equivalent(&sites[i], offset) && site_is_patched(rip - offset, i))
				return present_equivalent(&sites[i], offset);
	return rip;
}

/* ---- taking it back ---- */

#define JUMP_LENGTH 7

static void original_code(const struct site *site, u8 code[JUMP_LENGTH])
{
	switch ((enum form)site->form) {
	case FORM_MOV_SYSCALL:
		code[0] = 0xb8;
		memcpy(code + 1, &site->nr, 4);
		memcpy(code + 5, "\x0f\x05", 2);
		break;
	case FORM_MOVQ_SYSCALL:
		memcpy(code, "\x48\xc7\xc0", 3);
		memcpy(code + 3, &site->nr, 4);
		break;
	case FORM_LEA_SYSCALL:
		memcpy(code, site->displaced, JUMP_LENGTH);
		break;
	case FORM_SYSCALL_NEXT:
		memcpy(code, "\x0f\x05", 2);
		memcpy(code + 2, site->displaced, JUMP_LENGTH - 2);
		break;
	case FORM_EXIT_LOOP:
		memcpy(code, EXIT_LOOP, JUMP_LENGTH);
		break;
	case FORM_CPUID:
		memcpy(code, site->displaced, JUMP_LENGTH);
		break;
	}
}

/* A text that is not readable now may become so again. */
static void remove_from(const struct vma *vma)
{
	bool open = false;

	for (unsigned slot = 0; slot < nr_sites; slot++) {
		const struct site *site = &sites[slot];
		u8 code[JUMP_LENGTH];

		if (site->start < vma->start || site->start > vma->end - JUMP_LENGTH)
			continue;
		if (!open && (vma->prot & PROT_READ) && !site_is_patched(site->start, (s32)slot))
			continue;
		if (!open && host_mprotect(vma->start, vma->end - vma->start, PROT_READ | PROT_WRITE | PROT_EXEC))
			return;
		open = true;
		original_code(site, code);
		if (site_is_patched(site->start, (s32)slot))
			(void)!copy_to_user(user_ptr_at(site->start), code, JUMP_LENGTH);
	}
	if (open)
		host_mprotect(vma->start, vma->end - vma->start, (int)vma->prot);
}

void patch_remove_all(struct mm_struct *mm)
{
	for (struct vma *vma = vma_find(mm, 0); vma; vma = vma_find(mm, vma->end))
		if (!(vma->flags & VM_SHARED) && vma->backing != VMA_PAGES)
			remove_from(vma);
}
