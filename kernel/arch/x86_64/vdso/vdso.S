/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vDSO's functions. Clocks of the machine are read by the host's vDSO function, whose address the kernel writes into
 * host_clock_gettime before the first program runs; everything else is a system call.
 *
 * The words are addressed by symbols with hidden visibility, so there is nothing to relocate.
 */
#define NR_clock_gettime 228
#define NR_clock_getres 229

/* REALTIME, MONOTONIC, MONOTONIC_RAW, both COARSE, BOOTTIME, TAI: bits of clock ids. */
#define HOST_CLOCKS ((1 << 0) | (1 << 1) | (1 << 4) | (1 << 5) | (1 << 6) | (1 << 7) | (1 << 11))

#define FUNCTION(name) \
	.globl __vdso_##name; \
	.type __vdso_##name, @function; \
	.weak name; \
	.set name, __vdso_##name; \
	.balign 16; \
__vdso_##name: \
	.cfi_startproc
#define END(name) \
	.cfi_endproc; \
	.size __vdso_##name, . - __vdso_##name

	.section .text
FUNCTION(clock_gettime)
	cmp	$11, %edi
	ja	1f
	mov	$HOST_CLOCKS, %eax
	bt	%edi, %eax
	jnc	1f
	jmp	*host_clock_gettime(%rip)
1:	mov	$NR_clock_gettime, %eax
	syscall
	ret
END(clock_gettime)

FUNCTION(gettimeofday)
	test	%rsi, %rsi
	jz	1f
	movq	$0, (%rsi)		/* struct timezone: UTC */
1:	test	%rdi, %rdi
	jz	2f
	push	%rdi
	.cfi_adjust_cfa_offset 8
	mov	%rdi, %rsi
	xor	%edi, %edi		/* CLOCK_REALTIME */
	call	*host_clock_gettime(%rip)
	pop	%rdi
	.cfi_adjust_cfa_offset -8
	mov	8(%rdi), %rax		/* nanoseconds / 1000 = (n >> 3) * ceil(2^35 / 125) >> 35, exact below 10^9 */
	shr	$3, %rax
	imul	$274877907, %rax, %rax
	shr	$35, %rax
	mov	%rax, 8(%rdi)
2:	xor	%eax, %eax
	ret
END(gettimeofday)

FUNCTION(time)
	push	%rdi
	.cfi_adjust_cfa_offset 8
	sub	$16, %rsp
	.cfi_adjust_cfa_offset 16
	mov	$5, %edi		/* CLOCK_REALTIME_COARSE */
	mov	%rsp, %rsi
	call	*host_clock_gettime(%rip)
	mov	(%rsp), %rax
	add	$16, %rsp
	.cfi_adjust_cfa_offset -16
	pop	%rdi
	.cfi_adjust_cfa_offset -8
	test	%rdi, %rdi
	jz	1f
	mov	%rax, (%rdi)
1:	ret
END(time)

FUNCTION(clock_getres)
	mov	$NR_clock_getres, %eax
	syscall
	ret
END(clock_getres)

/* GS is the carrier block, where the pointer to struct cpu stands at 32; that one begins with the number. */
FUNCTION(getcpu)
	mov	%gs:32, %rax
	mov	(%rax), %eax
	test	%rdi, %rdi
	jz	1f
	mov	%eax, (%rdi)
1:	test	%rsi, %rsi
	jz	2f
	movl	$0, (%rsi)		/* there is one node */
2:	xor	%eax, %eax
	ret
END(getcpu)

	.section .host, "a"
	.balign 8
	.globl host_clock_gettime
	.hidden host_clock_gettime
	.type host_clock_gettime, @object
host_clock_gettime:
	.quad	0x1122334455667788	/* replaced in the copy that programs map; the kernel looks for this value */
	.size host_clock_gettime, 8

	.section .note.version, "a", @note
	.balign 4
	.long .Lname_end - .Lname, .Lversion_end - .Lversion, 0
.Lname:
	.asciz "Linux"
.Lname_end:
	.balign 4
.Lversion:
	.long 0x060100			/* LINUX_VERSION_CODE: 6.1 */
.Lversion_end:
	.balign 4

	.section .note.GNU-stack, "", @progbits
