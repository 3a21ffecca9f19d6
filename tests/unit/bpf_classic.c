// SPDX-License-Identifier: Apache-2.0
// flags: -ffreestanding -fno-strict-aliasing -DLINUXD_KERNEL -Wno-unused
/* Classic BPF as packets see it: the conformance program for seccomp(2) looks at the rest. */
#include "kernel/bpf/classic.c"

extern int printf(const char *, ...);
extern void exit(int);
#define CHECK(condition)                                                              \
	do {                                                                          \
		if (!(condition)) {                                                   \
			printf("line %d: %s does not hold\n", __LINE__, #condition);  \
			exit(1);                                                      \
		}                                                                     \
	} while (0)

static const u8 packet[] = { 0x45, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x80, 0xff };

static u32 run(const struct sock_filter *program, unsigned n)
{
	CHECK(bpf_classic_check(program, n) == 0);
	return bpf_classic_run(program, n, packet, sizeof(packet));
}

#define RUN(...)                                                      \
	({                                                            \
		const struct sock_filter _p[] = { __VA_ARGS__ };      \
		run(_p, sizeof(_p) / sizeof(_p[0]));                  \
	})
#define REFUSED(...)                                                  \
	({                                                            \
		const struct sock_filter _p[] = { __VA_ARGS__ };      \
		bpf_classic_check(_p, sizeof(_p) / sizeof(_p[0])) == -EINVAL; \
	})
#define OP(code, k) BPF_STMT(code, k)
#define RET_A OP(BPF_RET | BPF_A, 0)

int main(void)
{
	CHECK(RUN(OP(BPF_LD | BPF_W | BPF_ABS, 0), RET_A) == 0x45010203);
	CHECK(RUN(OP(BPF_LD | BPF_H | BPF_ABS, 8), RET_A) == 0x80ff);
	CHECK(RUN(OP(BPF_LD | BPF_B | BPF_ABS, 9), RET_A) == 0xff);
	CHECK(RUN(OP(BPF_LD | BPF_B | BPF_ABS, 10), OP(BPF_RET | BPF_K, 7)) == 0);
	CHECK(RUN(OP(BPF_LD | BPF_W | BPF_ABS, 7), OP(BPF_RET | BPF_K, 7)) == 0);
	CHECK(RUN(OP(BPF_LDX | BPF_B | BPF_MSH, 0), OP(BPF_MISC | BPF_TXA, 0), RET_A) == 20);
	CHECK(RUN(OP(BPF_LDX | BPF_IMM, 4), OP(BPF_LD | BPF_H | BPF_IND, 2), RET_A) == 0x0607);
	CHECK(RUN(OP(BPF_LDX | BPF_IMM, 0xffffffff), OP(BPF_LD | BPF_B | BPF_IND, 1), RET_A) == 0x45);
	CHECK(RUN(OP(BPF_LDX | BPF_IMM, 0xfffffff0), OP(BPF_LD | BPF_B | BPF_IND, 1), OP(BPF_RET | BPF_K, 7)) == 0);
	CHECK(RUN(OP(BPF_LD | BPF_W | BPF_LEN, 0), OP(BPF_ALU | BPF_MOD | BPF_K, 4), RET_A) == 2);
	CHECK(RUN(OP(BPF_LD | BPF_IMM, 9), OP(BPF_ALU | BPF_MOD | BPF_X, 0), OP(BPF_RET | BPF_K, 7)) == 0);
	CHECK(RUN(OP(BPF_LD | BPF_IMM, 1), OP(BPF_LDX | BPF_IMM, 33), OP(BPF_ALU | BPF_LSH | BPF_X, 0), RET_A) == 2);
	CHECK(RUN(OP(BPF_LD | BPF_IMM, 5), OP(BPF_ST, 2), OP(BPF_LDX | BPF_MEM, 2), OP(BPF_ALU | BPF_SUB | BPF_K, 7), RET_A) == (u32)-2);
	CHECK(RUN(OP(BPF_LD | BPF_IMM, 5), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 4, 0, 1), OP(BPF_RET | BPF_K, 1), OP(BPF_RET | BPF_K, 2)) == 1);
	CHECK(REFUSED(OP(BPF_LD | BPF_W | BPF_ABS, (u32)SKF_AD_OFF), RET_A));
	CHECK(REFUSED(OP(BPF_ALU | BPF_MOD | BPF_K, 0), RET_A));
	CHECK(REFUSED(OP(BPF_LD | BPF_MEM, 0), RET_A));
	CHECK(REFUSED(OP(BPF_JMP | BPF_JA, 0)));
	/* Memory that only one of two ways has written. */
	CHECK(REFUSED(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), OP(BPF_ST, 1), OP(BPF_LD | BPF_MEM, 1), RET_A));
	CHECK(bpf_classic_check((const struct sock_filter[]){ RET_A }, 0) == -EINVAL);
	return 0;
}
