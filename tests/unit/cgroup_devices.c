/* SPDX-License-Identifier: Apache-2.0 */
// sources: runtime/native/cgroup/devices.c runtime/native/cgroup/devices_bpf.c runtime/native/cgroup/file.c runtime/error.c runtime/remedy.c
// flags: -D_GNU_SOURCE
/*
 * Device rules: what lists of them come to, devices.list read back, and the BPF program, run by an interpreter of the few instructions it has, against
 * what the rules say by themselves.
 */
#include "tests/unit/check.h"

#include <linux/bpf.h>
#include <string.h>

#include "runtime/native/cgroup/internal.h"
#include "runtime/oci/spec.h"

static struct error error;

/* What the kernel's v1 says to an access. */
static bool allowed(const struct device_rules *rules, char type, uint32_t major, uint32_t minor, int access)
{
	for (size_t i = 0; i < rules->nr; i++) {
		const struct device_exception *exception = &rules->exceptions[i];

		if (exception->type != type || (exception->major >= 0 && exception->major != major) ||
		    (exception->minor >= 0 && exception->minor != minor))
			continue;
		if (rules->allow ? (exception->access & access) != 0 : (exception->access & access) == access)
			return !rules->allow;
	}
	return rules->allow;
}

static uint64_t interpret(const struct bpf_insn *program, size_t nr, const struct bpf_cgroup_dev_ctx *context)
{
	uint64_t registers[11] = { [1] = (uint64_t)(uintptr_t)context };

	for (size_t at = 0; at < nr; at++) {
		const struct bpf_insn *insn = &program[at];
		uint64_t *to = &registers[insn->dst_reg], from = registers[insn->src_reg];
		uint32_t word;

		switch (insn->code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			memcpy(&word, (const char *)(uintptr_t)from + insn->off, sizeof(word));
			*to = word;
			break;
		case BPF_ALU | BPF_MOV | BPF_K:
			*to = (uint32_t)insn->imm;
			break;
		case BPF_ALU64 | BPF_MOV | BPF_K:
			*to = (int64_t)insn->imm;
			break;
		case BPF_ALU64 | BPF_MOV | BPF_X:
			*to = from;
			break;
		case BPF_ALU64 | BPF_AND | BPF_K:
			*to &= (int64_t)insn->imm;
			break;
		case BPF_ALU64 | BPF_RSH | BPF_K:
			*to >>= insn->imm;
			break;
		case BPF_JMP | BPF_JNE | BPF_X:
			CHECK(insn->off >= 0 && at + 1 + insn->off < nr);
			at += *to != from ? insn->off : 0;
			break;
		case BPF_JMP | BPF_JEQ | BPF_X:
			CHECK(insn->off >= 0 && at + 1 + insn->off < nr);
			at += *to == from ? insn->off : 0;
			break;
		case BPF_JMP | BPF_EXIT:
			return registers[0];
		default:
			CHECK(!"an instruction that is not known");
		}
	}
	CHECK(!"the program runs off its end");
	return 0;
}

static void check_program(const struct device_rules *rules)
{
	static const uint32_t numbers[] = { 0, 1, 3, 5, 136, 0x80000001, UINT32_MAX };
	struct bpf_insn *program;
	size_t nr;

	CHECK(devices_assemble(rules, &program, &nr) == 0);
	for (int block = 0; block < 2; block++)
		for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
			for (unsigned int j = 0; j < sizeof(numbers) / sizeof(numbers[0]); j++)
				for (int access = 1; access <= ACCESS_ALL; access++) {
					struct bpf_cgroup_dev_ctx context = { .access_type = access << 16 | (block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
									      .major = numbers[i], .minor = numbers[j] };

					CHECK(interpret(program, nr, &context) == allowed(rules, block ? 'b' : 'c', numbers[i], numbers[j], access));
				}
	free(program);
}

static struct spec_number number(int64_t value) { return (struct spec_number){ true, value }; }

static void known(void)
{
	struct spec_device_rule list[] = {
		{ .allow = false, .access = "rwm" },
		{ .allow = true, .type = 'c', .major = number(1), .minor = number(3), .access = "rwm" },
		{ .allow = true, .type = 'b', .major = number(8), .minor = number(-1), .access = "r" },
		{ .allow = true, .type = 'b', .major = number(8), .access = "w" },
		{ .allow = false, .type = 'c', .major = number(1), .minor = number(3), .access = "m" },
	};
	struct device_rules rules;

	CHECK(device_rules_make(list, 5, false, &rules, &error) == 0);
	CHECK(!rules.allow && rules.nr == 2);
	CHECK(rules.exceptions[0].access == (ACCESS_READ | ACCESS_WRITE) && rules.exceptions[1].access == (ACCESS_READ | ACCESS_WRITE));
	CHECK(rules.exceptions[1].minor == -1);
	device_rules_free(&rules);
	/* What every container needs, unless all is allowed anyway. */
	CHECK(device_rules_make(list, 1, true, &rules, &error) == 0);
	CHECK(allowed(&rules, 'c', 1, 3, ACCESS_ALL) && allowed(&rules, 'b', 9, 9, ACCESS_MKNOD) && !allowed(&rules, 'b', 9, 9, ACCESS_READ));
	CHECK(allowed(&rules, 'c', 136, 77, ACCESS_ALL) && !allowed(&rules, 'c', 1, 1, ACCESS_READ));
	device_rules_free(&rules);
	list[0].allow = true;
	CHECK(device_rules_make(list, 1, true, &rules, &error) == 0 && rules.allow && rules.nr == 0);
	device_rules_free(&rules);
	list[1].access = "rx";
	CHECK(device_rules_make(list, 2, false, &rules, &error) == -1 && strstr(error.text, "devices[1].access"));
	list[1].access = NULL;
	list[1].major = number(-2);
	CHECK(device_rules_make(list, 2, false, &rules, &error) == -1);
}

static void parsed(void)
{
	static const char *const bad[] = { "c 1:3", "x 1:3 rwm", "c 1 3 rwm", "c a:3 rwm", "c 1:3 rq", "c", "c 99999999999:1 r", "c 1:3 " };
	struct device_rules rules;

	CHECK(device_rules_parse("c 1:3 rwm\nb *:* m\nc 136:* rw\n", &rules) == 0 && !rules.allow && rules.nr == 3);
	CHECK(rules.exceptions[1].major == -1 && rules.exceptions[1].access == ACCESS_MKNOD && rules.exceptions[2].minor == -1);
	device_rules_free(&rules);
	CHECK(device_rules_parse("a *:* rwm\n", &rules) == 0 && rules.allow && rules.nr == 0);
	CHECK(device_rules_parse("", &rules) == 0 && !rules.allow && rules.nr == 0);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(device_rules_parse(bad[i], &rules) != 0);
}

static void random_lists(void)
{
	static const char *const accesses[] = { NULL, "r", "w", "m", "rw", "rwm", "rm" };
	static const int64_t numbers[] = { -1, 0, 1, 3, 136, 0x80000001 };
	struct spec_device_rule list[12];
	struct device_rules rules;

	srandom(1);
	for (int round = 0; round < 300; round++) {
		int nr = random() % 12;

		for (int i = 0; i < nr; i++)
			list[i] = (struct spec_device_rule){ .allow = random() & 1, .type = "abc"[random() % 6 ? 1 + random() % 2 : 0],
							     .major = number(numbers[random() % 6]), .minor = number(numbers[random() % 6]),
							     .access = accesses[random() % 7] };
		CHECK(device_rules_make(list, nr, random() & 1, &rules, &error) == 0);
		check_program(&rules);
		device_rules_free(&rules);
	}
}

int main(void)
{
	known();
	parsed();
	random_lists();
	return 0;
}
