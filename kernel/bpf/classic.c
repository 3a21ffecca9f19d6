// SPDX-License-Identifier: Apache-2.0
/*
 * Checking and running classic BPF.
 *
 * Checked: every operation is one that exists, every jump lands inside, no constant shift is 32 or more, no constant divides by zero, memory
 * is written on every path before it is read, and the last instruction returns. So the interpreter needs no checks but those on data:
 * loads outside of it, and division by an index register that is zero, end the program with 0.
 */
#include "kernel/bpf/classic.h"

#include <linux/seccomp.h>

#define MEMORY_WORDS 16U /* BPF_MEMWORDS */

static bool is_alu(u16 code)
{
	switch (code) {
	case BPF_ALU | BPF_ADD | BPF_K: case BPF_ALU | BPF_ADD | BPF_X:
	case BPF_ALU | BPF_SUB | BPF_K: case BPF_ALU | BPF_SUB | BPF_X:
	case BPF_ALU | BPF_MUL | BPF_K: case BPF_ALU | BPF_MUL | BPF_X:
	case BPF_ALU | BPF_DIV | BPF_K: case BPF_ALU | BPF_DIV | BPF_X:
	case BPF_ALU | BPF_AND | BPF_K: case BPF_ALU | BPF_AND | BPF_X:
	case BPF_ALU | BPF_OR | BPF_K: case BPF_ALU | BPF_OR | BPF_X:
	case BPF_ALU | BPF_XOR | BPF_K: case BPF_ALU | BPF_XOR | BPF_X:
	case BPF_ALU | BPF_LSH | BPF_K: case BPF_ALU | BPF_LSH | BPF_X:
	case BPF_ALU | BPF_RSH | BPF_K: case BPF_ALU | BPF_RSH | BPF_X:
	case BPF_ALU | BPF_NEG:
		return true;
	default:
		return false;
	}
}

static bool is_jump(u16 code)
{
	switch (code) {
	case BPF_JMP | BPF_JA:
	case BPF_JMP | BPF_JEQ | BPF_K: case BPF_JMP | BPF_JEQ | BPF_X:
	case BPF_JMP | BPF_JGE | BPF_K: case BPF_JMP | BPF_JGE | BPF_X:
	case BPF_JMP | BPF_JGT | BPF_K: case BPF_JMP | BPF_JGT | BPF_X:
	case BPF_JMP | BPF_JSET | BPF_K: case BPF_JMP | BPF_JSET | BPF_X:
		return true;
	default:
		return false;
	}
}

/* What both kinds of programs know, besides arithmetic and jumps. */
static bool is_common(u16 code)
{
	switch (code) {
	case BPF_RET | BPF_K: case BPF_RET | BPF_A:
	case BPF_LD | BPF_IMM: case BPF_LDX | BPF_IMM:
	case BPF_LD | BPF_MEM: case BPF_LDX | BPF_MEM:
	case BPF_LD | BPF_W | BPF_LEN: case BPF_LDX | BPF_W | BPF_LEN:
	case BPF_LD | BPF_W | BPF_ABS:
	case BPF_ST: case BPF_STX:
	case BPF_MISC | BPF_TAX: case BPF_MISC | BPF_TXA:
		return true;
	default:
		return is_alu(code) || is_jump(code);
	}
}

static bool is_for_packets(u16 code)
{
	switch (code) {
	case BPF_LD | BPF_H | BPF_ABS: case BPF_LD | BPF_B | BPF_ABS:
	case BPF_LD | BPF_W | BPF_IND: case BPF_LD | BPF_H | BPF_IND: case BPF_LD | BPF_B | BPF_IND:
	case BPF_LDX | BPF_B | BPF_MSH:
	case BPF_ALU | BPF_MOD | BPF_K: case BPF_ALU | BPF_MOD | BPF_X:
		return true;
	default:
		return is_common(code);
	}
}

/* Operand and jump targets of one known operation, at place `at` of `n`. */
static bool operands_are_good(const struct sock_filter *op, unsigned at, unsigned n)
{
	u32 left = n - at - 1; /* instructions behind it */

	switch (op->code) {
	case BPF_ALU | BPF_DIV | BPF_K:
	case BPF_ALU | BPF_MOD | BPF_K:
		return op->k != 0;
	case BPF_ALU | BPF_LSH | BPF_K:
	case BPF_ALU | BPF_RSH | BPF_K:
		return op->k < 32;
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
	case BPF_ST:
	case BPF_STX:
		return op->k < MEMORY_WORDS;
	case BPF_JMP | BPF_JA:
		return op->k < left;
	default:
		return BPF_CLASS(op->code) != BPF_JMP || (op->jt < left && op->jf < left);
	}
}

static bool writes_memory(u16 code) { return code == BPF_ST || code == BPF_STX; }
static bool reads_memory(u16 code) { return code == (BPF_LD | BPF_MEM) || code == (BPF_LDX | BPF_MEM); }

/*
 * Which words are surely written where a jump lands: the intersection over all ways there. Jumps go forward, so one pass does. The
 * table of 8 KiB is static, under the kernel lock.
 */
static bool memory_is_written_first(const struct sock_filter *program, unsigned n)
{
	static u16 written_at[BPF_MAXINSNS] __cold_data;
	u16 written = 0;

	for (unsigned i = 0; i < n; i++)
		written_at[i] = 0xffff;
	for (unsigned i = 0; i < n; i++) {
		const struct sock_filter *op = &program[i];

		written &= written_at[i];
		if (writes_memory(op->code))
			written |= (u16)(1 << op->k);
		else if (reads_memory(op->code) && !(written & 1 << op->k))
			return false;
		if (op->code == (BPF_JMP | BPF_JA)) {
			written_at[i + 1 + op->k] &= written;
			written = 0xffff; /* what follows is reached by other ways only */
		} else if (BPF_CLASS(op->code) == BPF_JMP) {
			written_at[i + 1 + op->jt] &= written;
			written_at[i + 1 + op->jf] &= written;
			written = 0xffff;
		}
	}
	return true;
}

static int check(const struct sock_filter *program, unsigned n, bool (*is_known)(u16 code))
{
	if (!n || n > BPF_MAXINSNS)
		return -EINVAL;
	for (unsigned i = 0; i < n; i++)
		if (!is_known(program[i].code) || !operands_are_good(&program[i], i, n))
			return -EINVAL;
	if (BPF_CLASS(program[n - 1].code) != BPF_RET)
		return -EINVAL;
	return memory_is_written_first(program, n) ? 0 : -EINVAL;
}

int bpf_classic_check(const struct sock_filter *program, unsigned n)
{
	int error = check(program, n, is_for_packets);

	for (unsigned i = 0; !error && i < n; i++)
		if (BPF_CLASS(program[i].code) == BPF_LD && BPF_MODE(program[i].code) == BPF_ABS && program[i].k >= (u32)SKF_AD_OFF)
			error = -EINVAL;
	return error;
}

int bpf_seccomp_check(const struct sock_filter *program, unsigned n)
{
	int error = check(program, n, is_common);

	for (unsigned i = 0; !error && i < n; i++)
		if (program[i].code == (BPF_LD | BPF_W | BPF_ABS) && (program[i].k >= sizeof(struct seccomp_data) || program[i].k & 3))
			error = -EINVAL;
	return error;
}

/* ---- running ---- */

struct machine {
	u32 a, x, memory[MEMORY_WORDS];
};

/* False: it divides by zero. */
static bool compute(struct machine *m, const struct sock_filter *op)
{
	u32 operand = BPF_SRC(op->code) == BPF_X ? m->x : op->k;

	switch (BPF_OP(op->code)) {
	case BPF_ADD: m->a += operand; break;
	case BPF_SUB: m->a -= operand; break;
	case BPF_MUL: m->a *= operand; break;
	case BPF_AND: m->a &= operand; break;
	case BPF_OR: m->a |= operand; break;
	case BPF_XOR: m->a ^= operand; break;
	case BPF_LSH: m->a <<= operand & 31; break;
	case BPF_RSH: m->a >>= operand & 31; break;
	case BPF_NEG: m->a = -m->a; break;
	case BPF_DIV:
		if (!operand)
			return false;
		m->a /= operand;
		break;
	case BPF_MOD:
		if (!operand)
			return false;
		m->a %= operand;
		break;
	}
	return true;
}

static u32 jump_length(const struct machine *m, const struct sock_filter *op)
{
	u32 operand = BPF_SRC(op->code) == BPF_X ? m->x : op->k;
	bool yes = false;

	switch (BPF_OP(op->code)) {
	case BPF_JA: return op->k;
	case BPF_JEQ: yes = m->a == operand; break;
	case BPF_JGT: yes = m->a > operand; break;
	case BPF_JGE: yes = m->a >= operand; break;
	case BPF_JSET: yes = m->a & operand; break;
	}
	return yes ? op->jt : op->jf;
}

/* Everything but loads from the data. `length` is what BPF_LEN gives. False: it divides by zero. */
static bool step(struct machine *m, const struct sock_filter *op, u32 length)
{
	switch (op->code) {
	case BPF_LD | BPF_IMM: m->a = op->k; return true;
	case BPF_LDX | BPF_IMM: m->x = op->k; return true;
	case BPF_LD | BPF_MEM: m->a = m->memory[op->k]; return true;
	case BPF_LDX | BPF_MEM: m->x = m->memory[op->k]; return true;
	case BPF_LD | BPF_W | BPF_LEN: m->a = length; return true;
	case BPF_LDX | BPF_W | BPF_LEN: m->x = length; return true;
	case BPF_ST: m->memory[op->k] = m->a; return true;
	case BPF_STX: m->memory[op->k] = m->x; return true;
	case BPF_MISC | BPF_TAX: m->x = m->a; return true;
	case BPF_MISC | BPF_TXA: m->a = m->x; return true;
	default: return compute(m, op);
	}
}

/* False: not all of it lies in the packet. */
static bool load(const u8 *packet, size_t length, u64 offset, u16 size, u32 *ret_value)
{
	size_t bytes = size == BPF_W ? 4 : size == BPF_H ? 2 : 1;

	if (offset > length || length - offset < bytes)
		return false;
	*ret_value = 0;
	for (size_t i = 0; i < bytes; i++)
		*ret_value = *ret_value << 8 | packet[offset + i];
	return true;
}

static bool load_from_packet(struct machine *m, const struct sock_filter *op, const u8 *packet, size_t length)
{
	u32 value = 0;

	switch (BPF_MODE(op->code)) {
	case BPF_ABS:
		return load(packet, length, op->k, BPF_SIZE(op->code), &m->a);
	case BPF_IND:
		/* The sum of a negative offset wraps, as the register does. */
		return load(packet, length, (u32)(m->x + op->k), BPF_SIZE(op->code), &m->a);
	default: /* BPF_MSH: the length of an IPv4 header */
		if (!load(packet, length, op->k, BPF_B, &value))
			return false;
		m->x = (value & 0xf) << 2;
		return true;
	}
}

static bool loads_from_data(u16 code)
{
	unsigned mode = BPF_MODE(code);

	return BPF_CLASS(code) == BPF_LD ? mode == BPF_ABS || mode == BPF_IND : BPF_CLASS(code) == BPF_LDX && mode == BPF_MSH;
}

u32 bpf_classic_run(const struct sock_filter *program, unsigned n, const u8 *packet, size_t length)
{
	struct machine m = { 0 };

	for (unsigned at = 0; at < n; at++) {
		const struct sock_filter *op = &program[at];

		if (BPF_CLASS(op->code) == BPF_JMP)
			at += jump_length(&m, op);
		else if (BPF_CLASS(op->code) == BPF_RET)
			return BPF_RVAL(op->code) == BPF_A ? m.a : op->k;
		else if (loads_from_data(op->code) ? !load_from_packet(&m, op, packet, length) : !step(&m, op, (u32)length))
			return 0;
	}
	return 0;
}

bool bpf_seccomp_run(const struct sock_filter *program, unsigned n, const u32 *data, size_t known, u32 *ret_result)
{
	struct machine m = { 0 };

	*ret_result = 0;
	for (unsigned at = 0; at < n; at++) {
		const struct sock_filter *op = &program[at];

		if (op->code == (BPF_LD | BPF_W | BPF_ABS)) {
			if (op->k >= known)
				return false;
			m.a = data[op->k / 4];
		} else if (BPF_CLASS(op->code) == BPF_JMP) {
			at += jump_length(&m, op);
		} else if (BPF_CLASS(op->code) == BPF_RET) {
			*ret_result = BPF_RVAL(op->code) == BPF_A ? m.a : op->k;
			return true;
		} else if (!step(&m, op, sizeof(struct seccomp_data))) {
			return true;
		}
	}
	return true;
}
