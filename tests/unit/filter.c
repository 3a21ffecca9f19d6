/* SPDX-License-Identifier: Apache-2.0 */
// sources: runtime/sandbox/filter.c runtime/error.c
// flags: -D_GNU_SOURCE
/*
 * Runs the sandbox's seccomp program in an interpreter and compares every verdict with what host.tbl says, worked out in the plainest
 * way: all numbers, arguments around every value of every rule, both halves of the words, addresses around the call instruction.
 */
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filter.gen.h"
#include "runtime/sandbox/filter.h"

#define START 0x680000000040UL
#define END 0x680000000071UL

static struct filter filter;
static unsigned long checks, longest;

static void check(int good, const char *what, const struct seccomp_data *data, uint32_t verdict)
{
	checks++;
	if (good)
		return;
	fprintf(stderr, "%s: nr %d arch %x ip %llx args %llx %llx %llx %llx %llx %llx: verdict %08x\n", what, data->nr, data->arch,
		data->instruction_pointer, data->args[0], data->args[1], data->args[2], data->args[3], data->args[4], data->args[5],
		verdict);
	exit(1);
}

static uint32_t run(const struct seccomp_data *data)
{
	uint32_t a = 0;
	unsigned long steps = 0;

	for (int at = 0;; at++) {
		const struct sock_filter *i = &filter.program[at];
		int taken;

		if (at >= filter.length) {
			fprintf(stderr, "the program runs past its end\n");
			exit(1);
		}
		if (++steps > longest)
			longest = steps;
		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (i->k % 4 || i->k >= sizeof(*data))
				exit(1);
			memcpy(&a, (const char *)data + i->k, 4);
			continue;
		case BPF_RET | BPF_K:
			return i->k;
		case BPF_JMP | BPF_JA:
			at += i->k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			taken = a == i->k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			taken = a > i->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			taken = a >= i->k;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			taken = (a & i->k) != 0;
			break;
		default:
			fprintf(stderr, "unknown instruction %x\n", i->code);
			exit(1);
		}
		at += taken ? i->jt : i->jf;
	}
}

static int rule_holds(const struct host_rule *rule, uint64_t value)
{
	if (rule->kind == RULE_BITS)
		return (value & ~rule->values[0]) == 0;
	for (int i = 0; i < rule->nr_values; i++)
		if (value == rule->values[i])
			return 1;
	return 0;
}

static uint32_t expected(const struct seccomp_data *data, int directories)
{
	if (data->arch != AUDIT_ARCH_X86_64 || data->instruction_pointer <= START || data->instruction_pointer > END)
		return SECCOMP_RET_TRAP;
	for (int i = 0; i < HOST_CALLS; i++) {
		const struct host_call *call = &host_calls[i];
		int good = directories || !call->needs_directory;

		if (call->number != (uint32_t)data->nr)
			continue;
		for (int j = 0; j < call->nr_rules; j++)
			good = good && rule_holds(&call->rules[j], data->args[call->rules[j].argument]);
		return good ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | EPERM;
	}
	return SECCOMP_RET_ERRNO | EPERM;
}

static void compare(struct seccomp_data *data, int directories)
{
	uint32_t verdict = run(data);

	check(verdict == expected(data, directories), "wrong verdict", data, verdict);
}

static void try_arguments(struct seccomp_data *data, int directories)
{
	static const uint64_t values[] = { 0, 1, 2, 4, 8, 9, 16, 17, 22, 23, 0xffffffff, 0x80000000, 0x100000000, 0x100000001, ~0UL, 1UL << 63,
					   HOST_CLONE_THREAD, HOST_CLONE_PROCESS, HOST_CLONE_PROCESS | 0x100000000UL,
					   HOST_CLONE_THREAD | 0x10000000 };

	memset(data->args, 0, sizeof(data->args));
	for (int argument = 0; argument < 6; argument++) {
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
			data->args[argument] = values[i];
			compare(data, directories);
		}
		for (int bit = 0; bit < 64; bit++) {
			data->args[argument] = 1UL << bit;
			compare(data, directories);
		}
		data->args[argument] = 0;
	}
}

/* Every value a rule names, alone and with each other bit flipped, while the call's other rules hold. */
static void try_rules(const struct host_call *call, int directories)
{
	struct seccomp_data data = { call->number, AUDIT_ARCH_X86_64, END, { 0 } };

	for (int r = 0; r < call->nr_rules; r++) {
		const struct host_rule *rule = &call->rules[r];

		for (int j = 0; j < call->nr_rules; j++)
			data.args[call->rules[j].argument] = call->rules[j].values[0];
		for (int v = 0; v < rule->nr_values; v++) {
			for (int bit = -1; bit < 64; bit++) {
				data.args[rule->argument] = rule->values[v] ^ (bit < 0 ? 0 : 1UL << bit);
				compare(&data, directories);
			}
		}
	}
}

static void try_all(int directories)
{
	static const uint64_t places[] = { START - 1, START, START + 1, START + 2, END - 1, END, END + 1, 0, 0x400000, START | 1UL << 32,
					   START & 0xffffffff, ~0UL, START + (1UL << 47) };
	struct seccomp_data data = { 0, AUDIT_ARCH_X86_64, START + 5, { 0 } };

	filter_build(&filter, START, END, directories);
	for (int nr = -10; nr < 700; nr++) {
		data.nr = nr;
		try_arguments(&data, directories);
	}
	for (int nr = 0; nr < 700; nr++) {
		data.nr = nr | 0x40000000;
		compare(&data, directories);
	}
	data.nr = SYS_exit;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		data.instruction_pointer = places[i];
		compare(&data, directories);
	}
	data.instruction_pointer = START + 5;
	data.arch = AUDIT_ARCH_I386;
	compare(&data, directories);
	for (int i = 0; i < HOST_CALLS; i++)
		try_rules(&host_calls[i], directories);
}

/* The host accepts the program, and it traps. */
static void try_on_host(void)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct error error;

		signal(SIGSYS, SIG_DFL);
		if (filter_install(&filter, &error)) {
			fprintf(stderr, "%s\n", error.text);
			_exit(1);
		}
		syscall(SYS_getppid);
		_exit(2);
	}
	if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS) {
		fprintf(stderr, "on the host: status %x instead of a death by SIGSYS\n", status);
		exit(1);
	}
}

int main(void)
{
	int with_directory = 0;

	for (int i = 0; i < HOST_CALLS; i++)
		with_directory += host_calls[i].needs_directory;
	if (HOST_CALLS - with_directory > 22 || HOST_CALLS > 29) {
		fprintf(stderr, "host.tbl has grown: %d calls, %d with a directory\n", HOST_CALLS - with_directory, HOST_CALLS);
		return 1;
	}
	try_all(0);
	try_all(1);
	try_on_host();
	printf("%d instructions, longest way %lu, %lu verdicts checked\n", filter.length, longest, checks);
	return 0;
}
