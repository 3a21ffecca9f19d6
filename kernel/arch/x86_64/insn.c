// SPDX-License-Identifier: Apache-2.0
/*
 * A length decoder for the plain part of the instruction set: Intel SDM volume 2, chapter 2 and appendix A. What it does not
 * know it refuses; so it can be small.
 */
#include "kernel/arch/x86_64/insn.h"

enum { UNKNOWN, PLAIN, MODRM, MODRM_IB, MODRM_IZ, IB, IZ, IV, GROUP_F6, GROUP_F7, GROUP_FF, RET, LEA };

static int one_byte_kind(uint8_t op)
{
	if (op < 0x40) { /* eight arithmetic operations with the same six forms */
		switch (op & 7) {
		case 0: case 1: case 2: case 3: return MODRM;
		case 4: return IB;
		case 5: return IZ;
		default: return UNKNOWN;
		}
	}
	if (op >= 0x50 && op <= 0x5f)
		return PLAIN; /* push, pop */
	if (op >= 0xb0 && op <= 0xb7)
		return IB;
	if (op >= 0xb8 && op <= 0xbf)
		return IV;
	switch (op) {
	case 0x63: case 0x84: case 0x85: case 0x86: case 0x87: case 0x88: case 0x89: case 0x8a: case 0x8b: case 0xd1: case 0xd3:
		return MODRM;
	case 0x8d: return LEA;
	case 0x6b: case 0x80: case 0x83: case 0xc0: case 0xc1: case 0xc6: return MODRM_IB;
	case 0x69: case 0x81: case 0xc7: return MODRM_IZ;
	case 0x90: case 0x98: case 0x99: return PLAIN;
	case 0xa8: return IB;
	case 0xa9: return IZ;
	case 0xc3: return RET;
	case 0xf6: return GROUP_F6;
	case 0xf7: return GROUP_F7;
	case 0xff: return GROUP_FF;
	}
	return UNKNOWN;
}

static int two_byte_kind(uint8_t op)
{
	if ((op >= 0x40 && op <= 0x4f) || (op >= 0x90 && op <= 0x9f)) /* cmovcc, setcc */
		return MODRM;
	switch (op) {
	case 0x10: case 0x11: case 0x16: case 0x17: case 0x1f: case 0x28: case 0x29: case 0x57: case 0x6c: case 0x6e: case 0x6f:
	case 0x7e: case 0x7f: case 0xa3: case 0xaf: case 0xb6: case 0xb7: case 0xbe: case 0xbf: case 0xd6: case 0xef:
		return MODRM;
	case 0xba: return MODRM_IB;
	}
	return UNKNOWN;
}

/* Bytes of ModRM, SIB and displacement; 0 for RIP-relative or cut off. */
static size_t modrm_length(const uint8_t *p, size_t n)
{
	uint8_t mod, rm;
	size_t length = 1;

	if (n < 2)
		return 0;
	mod = p[0] >> 6;
	rm = p[0] & 7;
	if (mod == 3)
		return 1;
	if (rm == 4) {
		length++;
		if (mod == 0 && (p[1] & 7) == 5)
			return length + 4;
	} else if (mod == 0 && rm == 5) {
		return 0;
	}
	return length + (mod == 1 ? 1 : mod == 2 ? 4 : 0);
}

size_t movable_instruction_length(const uint8_t *code, size_t n, int *ret_ends)
{
	size_t at = 0, modrm, immediate = 0;
	int kind, wide = 0, small = 0;
	uint8_t group;

	*ret_ends = 0;
	while (at < n && (code[at] == 0x66 || code[at] == 0xf2 || code[at] == 0xf3)) {
		small |= code[at] == 0x66;
		if (++at > 3)
			return 0;
	}
	if (at < n && (code[at] & 0xf0) == 0x40)
		wide = code[at++] & 8;
	if (at >= n)
		return 0;
	if (code[at] == 0x0f) {
		if (++at >= n)
			return 0;
		kind = two_byte_kind(code[at++]);
	} else {
		kind = one_byte_kind(code[at++]);
	}
	switch (kind) {
	case PLAIN:
		return at;
	case RET:
		*ret_ends = 1;
		return at;
	case IB:
		return at + 1 <= n ? at + 1 : 0;
	case IV:
		immediate = wide ? 8 : small ? 2 : 4;
		return at + immediate <= n ? at + immediate : 0;
	case IZ:
		immediate = small ? 2 : 4;
		return at + immediate <= n ? at + immediate : 0;
	case UNKNOWN:
		return 0;
	}
	modrm = at < n ? modrm_length(code + at, n - at) : 0;
	if (!modrm)
		return 0;
	group = code[at] >> 3 & 7;
	if (kind == MODRM_IB || (kind == GROUP_F6 && group < 2))
		immediate = 1;
	else if (kind == MODRM_IZ || (kind == GROUP_F7 && group < 2))
		immediate = small ? 2 : 4;
	else if (kind == GROUP_FF && group > 1) /* only inc and dec */
		return 0;
	else if (kind == LEA && code[at] >> 6 == 3)
		return 0;
	return at + modrm + immediate <= n ? at + modrm + immediate : 0;
}
