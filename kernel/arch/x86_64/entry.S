/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways into the kernel and out of it.
 *
 *   patched call site -> trampoline (rcx = return address, eax = number) -> entry_patched
 *   host signal (SIGSYS, faults, preemption) on the carrier's signal stack -> host_signal_entry -> trap.c
 *
 *   patched call site of a `nolock` call -> trampoline -> entry_leaf
 *
 * A program may have loaded a GS base of its own with wrgsbase. Nothing has changed then when the entries notice, by a fault or by
 * what does not stand there; the signal handler sees to it (arch/x86_64/gs.h).
 *
 * Interrupts by host signals: in entry code the handler only sets need_resched; the code goes on. Between exit_begin
 * and exit_end the user state is still complete in the pt_regs, so the handler sends the exit back to exit_restart.
 */
#include "kernel/arch/x86_64/asm-offsets.h"

	.section .text.entry, "ax", @progbits
/* The user's registers as struct pt_regs on the kernel stack; rcx is the return address, rax what orig_rax and rax become. */
.macro save_user_regs
	mov %rsp, %gs:CARRIER_USER_RSP
	mov %gs:CARRIER_STACK_TOP, %rsp
	pushq $0                        /* ENTRY_PATCHED */
	pushq $0x2b
	pushq %gs:CARRIER_USER_RSP
	pushq $0x202
	pushq $0x33
	push %rcx
	push %rax
	push %rdi
	push %rsi
	push %rdx
	push %rcx
	push %rax
	push %r8
	push %r9
	push %r10
	push %r11
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	cld
.endm

	.globl entry_patched
	.type entry_patched, @function
entry_patched:
	cmpl $CARRIER_MAGIC_VALUE, %gs:CARRIER_MAGIC
	jne entry_not_ours
entry_ours:
	save_user_regs
	mov %rsp, %rdi
	xor %ebp, %ebp
	call syscall_from_user
	jmp exit_begin

/*
 * The short way for calls that neither sleep nor look at the caller's registers (`nolock`): only what C may change is saved.
 * If there is work to do on the way out, the registers are saved in full after all. Between leaf_exit and leaf_exit_end an
 * interrupt begins the exit again: the frame is still complete.
 */
	.globl entry_leaf
	.type entry_leaf, @function
entry_leaf:
	cmpl $CARRIER_MAGIC_VALUE, %gs:CARRIER_MAGIC
	jne entry_not_ours
	cmpl $0, trace_flags(%rip)
	jne entry_ours
	mov %rsp, %gs:CARRIER_USER_RSP
	mov %gs:CARRIER_STACK_TOP, %rsp
	push %rcx
	push %rdi
	push %rsi
	push %rdx
	push %r8
	push %r9
	push %r10
	sub $8, %rsp
	cld
	mov %eax, %edi
	call leaf_syscall
	mov %rax, (%rsp)
	.globl leaf_exit
leaf_exit:
	mov %gs:CARRIER_STACK_TOP, %rsp
	lea -LEAF_SIZE(%rsp), %rsp
	mov (%rsp), %rax
	mov 8(%rsp), %r10
	mov 16(%rsp), %r9
	mov 24(%rsp), %r8
	mov 32(%rsp), %rdx
	mov 40(%rsp), %rsi
	mov 48(%rsp), %rdi
	mov 56(%rsp), %rcx
	mov %gs:CARRIER_USER_RSP, %rsp
	cmpl $0, %gs:CARRIER_NEED_RESCHED
	jne leaf_work
	jmp *%rcx
	.globl leaf_exit_end
leaf_exit_end:
leaf_work:
	save_user_regs
	jmp exit_restart

	.globl entry_not_ours
entry_not_ours:
	ud2

	.globl exit_restart
exit_restart:
	mov %gs:CARRIER_STACK_TOP, %rsp
	sub $REGS_SIZE, %rsp
	mov %rsp, %rdi
	xor %ebp, %ebp
	call exit_to_user
	.globl exit_begin
exit_begin:
	cmpl $0, %gs:CARRIER_NEED_RESCHED
	jne exit_restart
	cmpq $2, REGS_ENTRY(%rsp)
	je exit_full
	mov REGS_R15(%rsp), %r15
	mov REGS_R14(%rsp), %r14
	mov REGS_R13(%rsp), %r13
	mov REGS_R12(%rsp), %r12
	mov REGS_RBP(%rsp), %rbp
	mov REGS_RBX(%rsp), %rbx
	mov REGS_R10(%rsp), %r10
	mov REGS_R9(%rsp), %r9
	mov REGS_R8(%rsp), %r8
	mov REGS_RAX(%rsp), %rax
	mov REGS_RDX(%rsp), %rdx
	mov REGS_RSI(%rsp), %rsi
	mov REGS_RDI(%rsp), %rdi
	mov REGS_RIP(%rsp), %rcx
	mov REGS_RSP(%rsp), %rsp
	jmp *%rcx

exit_full:
	mov %gs:CARRIER_TASK, %rax
	testl $WORK_USER_GS, TASK_WORK(%rax)
	jnz exit_gs
	mov REGS_RIP(%rsp), %rax
	mov %rax, %gs:CARRIER_SCRATCH
	pushq REGS_RFLAGS(%rsp)
	popfq
	mov REGS_R15(%rsp), %r15
	mov REGS_R14(%rsp), %r14
	mov REGS_R13(%rsp), %r13
	mov REGS_R12(%rsp), %r12
	mov REGS_RBP(%rsp), %rbp
	mov REGS_RBX(%rsp), %rbx
	mov REGS_R11(%rsp), %r11
	mov REGS_R10(%rsp), %r10
	mov REGS_R9(%rsp), %r9
	mov REGS_R8(%rsp), %r8
	mov REGS_RAX(%rsp), %rax
	mov REGS_RCX(%rsp), %rcx
	mov REGS_RDX(%rsp), %rdx
	mov REGS_RSI(%rsp), %rsi
	mov REGS_RDI(%rsp), %rdi
	mov REGS_RSP(%rsp), %rsp
	jmp *%gs:CARRIER_SCRATCH

/* To a program with a GS of its own. The kernel's is gone before the end: iretq needs none. It must not meet the nested task flag. */
exit_gs:
	pushq $2
	popfq
	mov TASK_GS_BASE(%rax), %rax
	wrgsbase %rax
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rax
	pop %rcx
	pop %rdx
	pop %rsi
	pop %rdi
	add $8, %rsp
	iretq
	.globl exit_end
exit_end:
	ud2

/* Host signal: rdi = signal, rsi = siginfo, rdx = ucontext, rsp on this carrier's signal stack. */
	.globl host_signal_entry
	.type host_signal_entry, @function
host_signal_entry:
	mov %rsp, %rax
	and $~(CARRIER_BLOCK_SIZE - 1), %rax
	rdgsbase %rcx                   /* the carrier, or the program's */
	wrgsbase %rax
	cld
	jmp host_signal

/* void switch_stacks(u64 *save_sp, u64 load_sp): saves the callee-saved registers and the stack, loads the others'. */
	.globl switch_stacks
	.type switch_stacks, @function
switch_stacks:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, (%rdi)
	mov %rsi, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret

/* void call_on_stack(void (*function)(void *), void *arg, u64 stack): does not return. */
	.globl call_on_stack
	.type call_on_stack, @function
call_on_stack:
	mov %rdx, %rsp
	mov %rdi, %rax
	mov %rsi, %rdi
	xor %ebp, %ebp
	call *%rax
	ud2

/* First instructions of a forked task: switch_stacks returned here. */
	.globl ret_from_fork
ret_from_fork:
	call task_starts
	jmp exit_restart

/* First instructions of a kernel thread: r12 = function, r13 = argument. */
	.globl kthread_start
kthread_start:
	mov %r12, %rdi
	mov %r13, %rsi
	call kthread_main
	ud2

/* A cloned host thread or process: the stack holds the carrier below this address. */
	.globl carrier_clone_start
carrier_clone_start:
	pop %rdi
	wrgsbase %rdi
	xor %ebp, %ebp
	call carrier_main
	ud2

/* The same for a thread of the kernel process that carries no cpu. */
	.globl host_thread_start
host_thread_start:
	pop %rdi
	wrgsbase %rdi
	xor %ebp, %ebp
	call host_thread_main
	ud2

/* The first instruction of the kernel: rdi = the channel. */
	.globl kernel_start
kernel_start:
	lea boot_stack_top(%rip), %rsp
	xor %ebp, %ebp
	call kernel_main
	ud2

	.section .bss
	.balign 16
	.skip 16384
	.globl boot_stack_top
boot_stack_top:

/* size_t raw_copy(void *dst, const void *src, size_t n): bytes not copied. Either side may fault. */
	.text
	.globl raw_copy
	.type raw_copy, @function
raw_copy:
	mov %rdx, %rcx
	cmp $256, %rcx
	ja 3f
1:	cmp $8, %rcx
	jb 2f
10:	mov (%rsi), %rax
11:	mov %rax, (%rdi)
	add $8, %rsi
	add $8, %rdi
	sub $8, %rcx
	jmp 1b
2:	test %rcx, %rcx
	jz 4f
12:	movb (%rsi), %al
13:	movb %al, (%rdi)
	inc %rsi
	inc %rdi
	dec %rcx
	jmp 2b
3:	rep movsb
4:	mov %rcx, %rax
	ret
	.pushsection __ex_table, "a"
	.quad 10b, 2b
	.quad 11b, 2b
	.quad 12b, 4b
	.quad 13b, 4b
	.quad 3b, 4b
	.popsection

/* size_t raw_clear(void *dst, size_t n): bytes not cleared. */
	.globl raw_clear
	.type raw_clear, @function
raw_clear:
	mov %rsi, %rcx
	xor %eax, %eax
5:	rep stosb
6:	mov %rcx, %rax
	ret
	.pushsection __ex_table, "a"
	.quad 5b, 6b
	.popsection

/* long raw_strncpy(char *dst, const char *src, size_t size): length without NUL, size if none, -14 on a fault. */
	.globl raw_strncpy
	.type raw_strncpy, @function
raw_strncpy:
	xor %eax, %eax
	mov $0x0101010101010101, %r8
	mov $0x8080808080808080, %r9
	/* Eight bytes at a time while none of them is NUL. A word that cannot be read whole is left to the loop below. */
30:	lea 8(%rax), %rcx
	cmp %rdx, %rcx
	ja 7f
31:	mov (%rsi,%rax), %r10
	mov %r10, %r11
	mov %r10, %rcx
	sub %r8, %rcx
	not %r11
	and %r11, %rcx
	test %r9, %rcx
	jnz 7f
	mov %r10, (%rdi,%rax)
	add $8, %rax
	jmp 30b
7:	cmp %rdx, %rax
	je 9f
8:	movb (%rsi,%rax), %cl
	movb %cl, (%rdi,%rax)
	test %cl, %cl
	jz 9f
	inc %rax
	jmp 7b
9:	ret
20:	mov $-14, %rax
	ret
	.pushsection __ex_table, "a"
	.quad 31b, 7b
	.quad 8b, 20b
	.popsection

/* long raw_strnlen(const char *src, size_t max) */
	.globl raw_strnlen
	.type raw_strnlen, @function
raw_strnlen:
	xor %eax, %eax
21:	cmp %rsi, %rax
	je 23f
22:	cmpb $0, (%rdi,%rax)
	je 23f
	inc %rax
	jmp 21b
23:	ret
	.pushsection __ex_table, "a"
	.quad 22b, 20b
	.popsection

/* int raw_cmpxchg_u32(u32 *ptr, u32 *expected, u32 desired) */
	.globl raw_cmpxchg_u32
	.type raw_cmpxchg_u32, @function
raw_cmpxchg_u32:
	mov (%rsi), %eax
24:	lock cmpxchg %edx, (%rdi)
	mov %eax, (%rsi)
	xor %eax, %eax
	ret
	.pushsection __ex_table, "a"
	.quad 24b, 20b
	.popsection

/*
 * int raw_get_u32(u32 *dst, const u32 *src) and friends: one load or one store, because programs change the word meanwhile
 * (futexes): half an old value and half a new one would be a third.
 */
	.globl raw_get_u32
	.type raw_get_u32, @function
raw_get_u32:
26:	mov (%rsi), %eax
	mov %eax, (%rdi)
	xor %eax, %eax
	ret
	.pushsection __ex_table, "a"
	.quad 26b, 20b
	.popsection

	.globl raw_get_u64
	.type raw_get_u64, @function
raw_get_u64:
27:	mov (%rsi), %rax
	mov %rax, (%rdi)
	xor %eax, %eax
	ret
	.pushsection __ex_table, "a"
	.quad 27b, 20b
	.popsection

/* int raw_put_u32(u32 *dst, u32 value) */
	.globl raw_put_u32
	.type raw_put_u32, @function
raw_put_u32:
28:	mov %esi, (%rdi)
	xor %eax, %eax
	ret
	.pushsection __ex_table, "a"
	.quad 28b, 20b
	.popsection

	.globl raw_put_u64
	.type raw_put_u64, @function
raw_put_u64:
29:	mov %rsi, (%rdi)
	xor %eax, %eax
	ret
	.pushsection __ex_table, "a"
	.quad 29b, 20b
	.popsection

/* int raw_xrstor(const void *buffer, u64 mask): 0, or -14 if the image is not valid. */
	.globl raw_xrstor
	.type raw_xrstor, @function
raw_xrstor:
	mov %esi, %eax
	mov %rsi, %rdx
	shr $32, %rdx
25:	xrstor64 (%rdi)
	xor %eax, %eax
	ret
	.pushsection __ex_table, "a"
	.quad 25b, 20b
	.popsection

	.section .note.GNU-stack, "", @progbits
