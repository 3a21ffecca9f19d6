/* SPDX-License-Identifier: Apache-2.0 */
// sources: kernel/bpf/classic.c
// flags: -D_GNU_SOURCE
/*
 * Classic BPF. Whatever the program: it is refused, or it runs to its end on whatever data without touching anything else. The first byte
 * says how much of the input is the program.
 *
 * With libFuzzer (clang -fsanitize=fuzzer): finds inputs by itself. Without (-DREPLAY): see replay.h.
 */
#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* kernel/bpf/classic.h: the kernel's headers and the C library's do not go together. */
int bpf_classic_check(const struct sock_filter *program, unsigned n);
uint32_t bpf_classic_run(const struct sock_filter *program, unsigned n, const uint8_t *packet, size_t length);
int bpf_seccomp_check(const struct sock_filter *program, unsigned n);
bool bpf_seccomp_run(const struct sock_filter *program, unsigned n, const uint32_t *data, size_t known, uint32_t *ret_result);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n = size ? data[0] : 0;
	struct sock_filter *program;
	uint32_t words[16] = { 0 }, result;
	uint8_t *packet;

	if (size < 1 + n * sizeof(*program) || !n)
		return 0;
	/* Exactly as large as they are: one byte too far is found. */
	program = malloc(n * sizeof(*program));
	memcpy(program, data + 1, n * sizeof(*program));
	data += 1 + n * sizeof(*program);
	size -= 1 + n * sizeof(*program);
	packet = malloc(size + !size);
	memcpy(packet, data, size);
	memcpy(words, data, size < sizeof(words) ? size : sizeof(words));
	if (bpf_classic_check(program, n) == 0)
		bpf_classic_run(program, n, packet, size);
	if (bpf_seccomp_check(program, n) == 0) {
		uint32_t alone;

		bpf_seccomp_run(program, n, words, sizeof(words), &result);
		/* What does not depend on the arguments is the same with them. */
		if (bpf_seccomp_run(program, n, words, 8, &alone) && alone != result)
			abort();
	}
	free(program);
	free(packet);
	return 0;
}

#ifdef REPLAY
#include "replay.h"

static size_t invent(uint8_t *bytes, size_t room)
{
	static const uint8_t codes[] = { 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0c, 0x14, 0x15, 0x16, 0x1c, 0x1d, 0x20, 0x24, 0x25,
					 0x28, 0x2c, 0x2d, 0x30, 0x34, 0x35, 0x3c, 0x3d, 0x40, 0x44, 0x45, 0x48, 0x4c, 0x4d, 0x50, 0x54, 0x5c,
					 0x60, 0x61, 0x64, 0x6c, 0x74, 0x7c, 0x80, 0x81, 0x84, 0x87, 0x94, 0x9c, 0xa4, 0xac, 0xb1 };
	size_t n = 1 + rand() % 12, data = rand() % 80;
	struct sock_filter program[12];

	for (size_t i = 0; i < n; i++) {
		program[i] = (struct sock_filter){ codes[rand() % sizeof(codes)], rand() % 4, rand() % 4, rand() % 8 ? rand() % 24 : (unsigned)rand() * 3u };
		if (program[i].code == 0x20 && rand() % 4)
			program[i].k = rand() % 16 * 4;
	}
	program[n - 1].code = rand() % 16 ? 0x06 | rand() % 3 << 3 : rand();
	bytes[0] = n;
	memcpy(bytes + 1, program, n * sizeof(*program));
	for (size_t i = 0; i < data; i++)
		bytes[1 + n * sizeof(*program) + i] = rand();
	return 1 + n * sizeof(*program) + data;
}

int main(int argc, char **argv) { return replay_main(argc, argv, invent); }
#endif
