/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wall between a container and the host kernel: which host system calls the sandbox may make, from where, with which arguments.
 *
 * The program, in order: architecture, instruction pointer, the numbers that are called all the time, a binary search over the rest.
 * Each call has a block of its own that ends in "allow; refuse", so that every jump in it is short.
 *
 * The filter is the only thing that must hold when a program has taken over the kernel it runs on: it relies on nothing in the
 * sandbox's memory. The instruction pointer test is for catching the programs' own system calls, not a wall.
 */
#include "runtime/sandbox/filter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filter.gen.h"

#define X32_BIT 0x40000000

static void emit(struct filter *filter, unsigned short code, unsigned char if_true, unsigned char if_false, uint32_t k)
{
	if (filter->length == FILTER_MAX)
		abort();
	filter->program[filter->length++] = (struct sock_filter){ code, if_true, if_false, k };
}

static void load(struct filter *filter, size_t offset)
{
	emit(filter, BPF_LD | BPF_W | BPF_ABS, 0, 0, offset);
}

static void give(struct filter *filter, uint32_t value)
{
	emit(filter, BPF_RET | BPF_K, 0, 0, value);
}

/* The jumps of one block that are to reach its "allow" next or its refusal; distances are filled in when known. */
struct block {
	int nr;
	struct {
		int at, when_true, to_refusal;
	} jumps[64];
};

static void jump_later(struct filter *filter, struct block *block, unsigned short code, uint32_t k, int when_true, int to_refusal)
{
	if (block->nr == 64)
		abort();
	block->jumps[block->nr].at = filter->length;
	block->jumps[block->nr].when_true = when_true;
	block->jumps[block->nr++].to_refusal = to_refusal;
	emit(filter, BPF_JMP | code | BPF_K, 0, 0, k);
}

static void resolve(struct filter *filter, struct block *block, int to_refusal, int target)
{
	for (int i = 0; i < block->nr; i++) {
		struct sock_filter *jump = &filter->program[block->jumps[i].at];
		int distance = target - block->jumps[i].at - 1;

		if (block->jumps[i].at < 0 || block->jumps[i].to_refusal != to_refusal)
			continue;
		if (distance < 0 || distance > 255)
			abort();
		if (block->jumps[i].when_true)
			jump->jt = distance;
		else
			jump->jf = distance;
		block->jumps[i].to_refusal = -1;
	}
}

static size_t argument_offset(int argument, int high)
{
	return offsetof(struct seccomp_data, args) + 8 * argument + 4 * high;
}

/* The whole 64-bit word is tested: a call that takes an int gets it from the wrappers with a clean upper half. */
static void emit_rule(struct filter *filter, struct block *block, const struct host_rule *rule)
{
	uint32_t high = rule->values[0] >> 32;

	load(filter, argument_offset(rule->argument, 1));
	if (rule->kind == RULE_BITS) {
		jump_later(filter, block, BPF_JSET, ~high, 1, 1);
		load(filter, argument_offset(rule->argument, 0));
		jump_later(filter, block, BPF_JSET, ~(uint32_t)rule->values[0], 1, 1);
		return;
	}
	jump_later(filter, block, BPF_JEQ, high, 0, 1);
	load(filter, argument_offset(rule->argument, 0));
	for (int i = 0; i < rule->nr_values; i++) {
		if (rule->values[i] >> 32 != high)
			abort();
		if (i == rule->nr_values - 1)
			jump_later(filter, block, BPF_JEQ, rule->values[i], 0, 1);
		else
			jump_later(filter, block, BPF_JEQ, rule->values[i], 1, 0);
	}
	resolve(filter, block, 0, filter->length);
}

static void emit_call(struct filter *filter, const struct host_call *call)
{
	struct block block = { 0 };

	for (int i = 0; i < call->nr_rules; i++)
		emit_rule(filter, &block, &call->rules[i]);
	give(filter, SECCOMP_RET_ALLOW);
	resolve(filter, &block, 1, filter->length);
	give(filter, SECCOMP_RET_ERRNO | EPERM);
}

/* "If the number is @number, do the call's block", else goes on behind it. */
static void emit_if(struct filter *filter, const struct host_call *call)
{
	int jump = filter->length + 1;

	emit(filter, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, call->number);
	emit(filter, BPF_JMP | BPF_JA, 0, 0, 0);
	emit_call(filter, call);
	filter->program[jump].k = filter->length - jump - 1;
}

static void emit_search(struct filter *filter, const struct host_call *const *calls, int nr)
{
	int middle = nr / 2, jump;

	if (nr <= 2) {
		for (int i = 0; i < nr; i++)
			emit_if(filter, calls[i]);
		give(filter, SECCOMP_RET_ERRNO | EPERM);
		return;
	}
	emit(filter, BPF_JMP | BPF_JGE | BPF_K, 0, 1, calls[middle]->number);
	jump = filter->length;
	emit(filter, BPF_JMP | BPF_JA, 0, 0, 0);
	emit_search(filter, calls, middle);
	filter->program[jump].k = filter->length - jump - 1;
	emit_search(filter, calls + middle, nr - middle);
}

static int by_number(const void *a, const void *b)
{
	return (*(const struct host_call *const *)a)->number - (*(const struct host_call *const *)b)->number;
}

static const struct host_call *find_call(uint32_t number)
{
	for (int i = 0; i < HOST_CALLS; i++)
		if (host_calls[i].number == number)
			return &host_calls[i];
	return NULL;
}

void filter_build(struct filter *filter, uint64_t start, uint64_t end, int directories)
{
	static const uint32_t frequent[] = { SYS_futex, SYS_preadv2, SYS_pwritev2 };
	const struct host_call *calls[HOST_CALLS];
	int nr = 0;

	filter->length = 0;
	load(filter, offsetof(struct seccomp_data, arch));
	emit(filter, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AUDIT_ARCH_X86_64);
	give(filter, SECCOMP_RET_TRAP);
	load(filter, offsetof(struct seccomp_data, instruction_pointer) + 4);
	emit(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, 3, start >> 32);
	load(filter, offsetof(struct seccomp_data, instruction_pointer));
	emit(filter, BPF_JMP | BPF_JGT | BPF_K, 0, 1, (uint32_t)start);
	emit(filter, BPF_JMP | BPF_JGT | BPF_K, 0, 1, (uint32_t)end);
	give(filter, SECCOMP_RET_TRAP);
	load(filter, offsetof(struct seccomp_data, nr));
	emit(filter, BPF_JMP | BPF_JGE | BPF_K, 0, 1, X32_BIT);
	give(filter, SECCOMP_RET_ERRNO | EPERM);

	for (size_t i = 0; i < sizeof(frequent) / sizeof(frequent[0]); i++)
		if (find_call(frequent[i]))
			emit_if(filter, find_call(frequent[i]));
	for (int i = 0; i < HOST_CALLS; i++) {
		uint32_t number = host_calls[i].number;

		if (number == frequent[0] || number == frequent[1] || number == frequent[2])
			continue;
		if (directories || !host_calls[i].needs_directory)
			calls[nr++] = &host_calls[i];
	}
	qsort(calls, nr, sizeof(calls[0]), by_number);
	emit_search(filter, calls, nr);
}

int filter_install(const struct filter *filter, struct error *error)
{
	struct sock_fprog program = { filter->length, (struct sock_filter *)filter->program };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail(error, errno, "cannot set no_new_privs");
	/* Without SPEC_ALLOW old hosts switch store bypass off for the whole container, which costs a third of its speed. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) == 0)
		return 0;
	if (errno != EINVAL || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		return fail(error, errno, "the host refuses the seccomp filter (does its kernel have CONFIG_SECCOMP_FILTER?)");
	return 0;
}
