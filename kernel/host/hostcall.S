/* SPDX-License-Identifier: Apache-2.0 */
/* The only system call instructions of the kernel. The seccomp filter allows host calls from this section alone. */
	.section .text.hostcall, "ax", @progbits
	.globl hostcall_start
hostcall_start:

/* long hostcall(long nr, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5): the host's result, negative errno on failure. */
	.globl hostcall
	.type hostcall, @function
hostcall:
	mov %rdi, %rax
	mov %rsi, %rdi
	mov %rdx, %rsi
	mov %rcx, %rdx
	mov %r8, %r10
	mov %r9, %r8
	mov 8(%rsp), %r9
	syscall
	ret
	.size hostcall, . - hostcall

/* Where the host returns to from a signal handler that does return. */
	.globl host_signal_restorer
	.type host_signal_restorer, @function
host_signal_restorer:
	mov $15, %eax
	syscall
	ud2
	.size host_signal_restorer, . - host_signal_restorer

/* void carrier_host_exit(u32 *gone): ends the host thread without touching its stack once *gone is set. */
	.globl carrier_host_exit
	.type carrier_host_exit, @function
carrier_host_exit:
	movl $1, (%rdi)
	xor %edi, %edi
	mov $60, %eax
	syscall
	ud2
	.size carrier_host_exit, . - carrier_host_exit
	.globl hostcall_end
hostcall_end:
	.section .note.GNU-stack, "", @progbits
