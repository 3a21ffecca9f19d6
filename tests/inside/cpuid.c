/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPUID in the text of a program that is started again and again is answered without the processor: with the same answers, for each
 * way into the sequence, and nothing else changes.
 */
#include "../conformance/test.h"

#include <cpuid.h>

#define die(...) (printf(__VA_ARGS__), puts(""), exit(1))

struct answer {
	uint32_t eax, ebx, ecx, edx;
};

/* name(answer, x): the sequence. name_second(answer, x, eax, ecx): enters it at its second instruction. x is in esi. */
#define SEQUENCE(name, first, second)                                                              \
	__asm__(".text\n" #name                                                                    \
		":\npush %rbx\npush %rdi\nxor %ecx, %ecx\nmov $0x11111111, %r8d\nstc\n" #name      \
		"_at:\n" first "\n" #name "_entry:\n" second                                       \
		"cpuid\npop %rdi\nsetc 16(%rdi)\nmov %eax, (%rdi)\nmov %ebx, 4(%rdi)\nmov %ecx, "  \
		"8(%rdi)\n"                                                                        \
		"mov %edx, 12(%rdi)\npop %rbx\nret\n" #name                                        \
		"_second:\npush %rbx\npush %rdi\nmov %edx, %eax\njmp " #name "_entry\n");          \
	void name(void *, uint32_t);                                                               \
	void name##_second(void *, uint32_t, uint32_t eax, uint32_t ecx);                          \
	extern unsigned char name##_at[]

SEQUENCE(plain, "mov $0x80000000, %eax", "");
SEQUENCE(features, "mov $1, %eax", "");
SEQUENCE(zeroed, "mov $7, %eax", "xor %ecx, %ecx\n");
SEQUENCE(constant, "mov $0xd, %eax", "mov $1, %ecx\n");
SEQUENCE(from_register, "mov $0x80000008, %eax", "mov %esi, %ecx\n");
SEQUENCE(own_subleaf, "mov $0xd, %eax", "mov %esi, %ecx\n"); /* not known before */
SEQUENCE(short_leaf, "mov $0x14, %eax", "mov %esi, %ecx\n");
/* Nothing is known before; the second instruction that can be entered is the cpuid. */
SEQUENCE(registers, "mov %r9d, %eax\nmov %esi, %ecx", "");
SEQUENCE(entered, "mov %r10d, %eax\nentered_middle: mov %esi, %ecx", "");
__asm__("jmp entered_middle"); /* a jump into it: not to be patched */

struct result {
	struct answer answer;
	unsigned char carry;
};

static struct answer ask(volatile uint32_t leaf, volatile uint32_t subleaf)
{
	struct answer a;

	__cpuid_count(leaf, subleaf, a.eax, a.ebx, a.ecx, a.edx);
	if (leaf == 1)
		a.ebx &= 0xffffff; /* the rest is the processor's number */
	return a;
}

static void expect(const char *what, struct result got, uint32_t leaf, uint32_t subleaf)
{
	struct answer want = ask(leaf, subleaf);

	if (leaf == 1)
		got.answer.ebx &= 0xffffff;
	if (memcmp(&got.answer, &want, sizeof(want)))
		die("%s: leaf %x.%x is %x %x %x %x, not %x %x %x %x", what, leaf, subleaf,
		    got.answer.eax, got.answer.ebx, got.answer.ecx, got.answer.edx, want.eax,
		    want.ebx, want.ecx, want.edx);
}

#define WHOLE(name, x, leaf, subleaf, want_carry)                                                  \
	do {                                                                                       \
		struct result r;                                                                   \
		name(&r, x);                                                                       \
		expect(#name, r, leaf, subleaf);                                                   \
		if (r.carry != want_carry)                                                         \
			die(#name ": the carry flag is %d", r.carry);                              \
	} while (0)
#define SECOND(name, x, eax, ecx, leaf, subleaf)                                                   \
	do {                                                                                       \
		struct result r;                                                                   \
		name##_second(&r, x, eax, ecx);                                                    \
		expect(#name " from its second instruction", r, leaf, subleaf);                    \
	} while (0)

static void must_be(const char *what, const unsigned char *at, int patched)
{
	if ((memcmp(at, "\xff\x24\x25", 3) == 0) != patched)
		die("%s is%s patched", what, patched ? " not" : "");
}

int main(int argc, char **argv)
{
	static const uint32_t leaves[] = { 0, 2, 7, 0xd, 0x14, 0x80000000, 0x80000008 };
	void (*registers_of)(void *, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t r9) = (void *)registers;
	int round = argc > 1 ? atoi(argv[1]) : 0;
	char next[16];

	WHOLE(plain, 0, 0x80000000, 0, 1);
	WHOLE(features, 0, 1, 0, 1);
	WHOLE(zeroed, 0, 7, 0, 0);
	WHOLE(constant, 0, 0xd, 1, 1);
	WHOLE(from_register, 0, 0x80000008, 0, 1);
	for (uint32_t i = 0; i < 12; i++) {
		WHOLE(own_subleaf, i, 0xd, i, 1);
		WHOLE(short_leaf, i, 0x14, i, 1);
	}
	for (uint32_t i = 0; i < 12; i++)
		for (size_t leaf = 0; leaf < sizeof(leaves) / sizeof(leaves[0]); leaf++) {
			struct result r;

			registers_of(&r, i, 0, 0, 0, leaves[leaf]);
			expect("registers", r, leaves[leaf], i);
			if (!r.carry)
				die("registers: the carry flag is gone");
		}
	SECOND(plain, 0, 0xd, 1, 0xd, 1);
	SECOND(zeroed, 0, 0, 5, 0, 0);
	SECOND(constant, 0, 7, 5, 7, 1);
	SECOND(from_register, 2, 0xd, 0, 0xd, 2);
	SECOND(own_subleaf, 2, 7, 5, 7, 2);
	SECOND(registers, 2, 0xd, 1, 0xd, 1);
	if (round == 3) {
		must_be("plain", plain_at, 1);
		must_be("features", features_at, 1);
		must_be("zeroed", zeroed_at, 1);
		must_be("constant", constant_at, 1);
		must_be("from_register", from_register_at, 1);
		must_be("own_subleaf", own_subleaf_at, 1);
		must_be("short_leaf", short_leaf_at, 1);
		must_be("registers", registers_at, 1);
		must_be("entered", entered_at, 0);
		return 0;
	}
	snprintf(next, sizeof(next), "%d", round + 1);
	execl("/proc/self/exe", argv[0], next, (char *)NULL);
	die("exec");
}
