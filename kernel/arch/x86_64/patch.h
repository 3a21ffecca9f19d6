/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Call sites: user code whose `syscall` instruction has been replaced by a jump into the kernel.
 *
 * All with the kernel lock held, except the patch_is_* and patch_*_address look-ups, which need none: sites are
 * only ever added, and a trampoline's content never changes.
 */
#ifndef KERNEL_ARCH_X86_64_PATCH_H
#define KERNEL_ARCH_X86_64_PATCH_H

#include "kernel/arch/x86_64/regs.h"

/* A trapped call in current: patches its site if its form is known. regs->rip stands after the syscall instruction. */
void patch_call_site(struct pt_regs *regs);

/* True if rip points at what used to be the `syscall` of a patched site: somebody jumped behind the mov. */
bool patch_is_old_syscall(u64 rip);
/* True if rip is the second instruction of a patched CPUID sequence: it and what follows, up to the cpuid, have been carried out. */
bool patch_emulate_cpuid(struct pt_regs *regs);
/* Could a jump in the code that stands at [from, from+n) lead into [target, target + 5)? */
bool patch_may_jump_to(const u8 *code, u64 from, size_t n, u64 target);
/* The bytes at `start` in this text are a CPUID sequence (cpuid_sites.c) of this length: the text's next mappings have it patched. */
struct vma;
void patch_add_cpuid(const struct vma *vma, u64 start, const u8 *code, size_t length);
bool patch_is_trampoline(u64 rip);
/* The trampoline's code at rip has the way into the kernel still before it. */
bool patch_enters_kernel(u64 rip);
/* Return address seen by the entry code -> where to go on to make the call again with its own number / with rax. */
u64 patch_restart_address(u64 rip);
u64 patch_syscall_address(u64 rip);
/* What the program may see as its rip (signal frames), and the way back. */
u64 patch_present_address(u64 rip);
u64 patch_fix_resume_address(u64 rip);
unsigned patch_sites_used(void);
/* For the patch cache: address of a slot's site; the jump of a slot written over the 7 bytes at `there`. */
u64 patch_slot_start(u32 slot);
/* Puts back the code of every site in current's address space. Its other tasks do not run; mmap_lock is held. */
struct mm_struct;
void patch_remove_all(struct mm_struct *mm);
void patch_write_site(u8 *there, u32 slot);

#endif
