/* SPDX-License-Identifier: Apache-2.0 */
/* Lengths of the x86-64 instructions that may be executed at another address than their own. */
#ifndef KERNEL_ARCH_X86_64_INSN_H
#define KERNEL_ARCH_X86_64_INSN_H

#include <stddef.h>
#include <stdint.h>

/*
 * Length of the instruction at `code`, of which `n` bytes are known; 0 if it depends on its address (branches, RIP-relative
 * operands), does more than compute and move (system instructions), is cut off, or is not known here.
 * *ret_ends: nothing after it is reached (ret).
 */
size_t movable_instruction_length(const uint8_t *code, size_t n, int *ret_ends);

#endif
