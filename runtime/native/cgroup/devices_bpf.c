/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device rules on cgroup v2: a BPF program that the kernel asks at every open and mknod of a device.
 *
 * It is put together here, instruction by instruction: there is nothing in it but comparisons. The context has three words: the kind of the device
 * (1 block, 2 character) with the access asked for (bits 1 mknod, 2 read, 4 write) in the upper half, and the two numbers. The verdict is r0.
 *
 * An update puts the new program in the old one's place in one step (BPF_F_REPLACE, Linux 5.6); where that is not to be had, both are asked for a
 * moment, and both must agree.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/native/cgroup/internal.h"
#include "runtime/remedy.h"

#define MAX_PROGRAMS 64

/* ---- the assembler ---- */

/* An exception takes at most 9 instructions: 1 kind, 3 access, 2 numbers, 2 verdict, and one for a number above 2^31. */
#define MOST_PER_EXCEPTION 12
#define FIXED 10

struct assembler {
	struct bpf_insn *program;
	size_t nr;
};

enum { KIND = BPF_REG_2, ACCESS = BPF_REG_3, MAJOR = BPF_REG_4, MINOR = BPF_REG_5, SCRATCH = BPF_REG_6 };

static void emit(struct assembler *assembler, uint8_t code, int to, int from, int16_t offset, int32_t immediate)
{
	assembler->program[assembler->nr++] =
		(struct bpf_insn){ .code = code, .dst_reg = to, .src_reg = from, .off = offset, .imm = immediate };
}

static void load(struct assembler *assembler, int to, size_t offset)
{
	emit(assembler, BPF_LDX | BPF_MEM | BPF_W, to, BPF_REG_1, offset, 0);
}

/* Jumps if @reg is (BPF_JEQ) or is not (BPF_JNE) this word; the target is filled in later. 32-bit jumps came with Linux 5.1: a register does for all. */
static size_t jump_if(struct assembler *assembler, uint8_t condition, int reg, uint32_t word)
{
	emit(assembler, BPF_ALU | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, word);
	emit(assembler, BPF_JMP | condition | BPF_X, reg, BPF_REG_0, 0, 0);
	return assembler->nr - 1;
}

static void verdict(struct assembler *assembler, bool allow)
{
	emit(assembler, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, allow);
	emit(assembler, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void exception_code(struct assembler *assembler, const struct device_exception *exception, bool allow)
{
	size_t jumps[4], nr = 0;

	jumps[nr++] = jump_if(assembler, BPF_JNE, KIND, exception->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (exception->access != ACCESS_ALL) {
		emit(assembler, BPF_ALU64 | BPF_MOV | BPF_X, SCRATCH, ACCESS, 0, 0);
		emit(assembler, BPF_ALU64 | BPF_AND | BPF_K, SCRATCH, 0, 0, exception->access);
		/* Allowed is what asks for nothing beyond the exception, forbidden what asks for anything in it. */
		if (allow) {
			emit(assembler, BPF_JMP | BPF_JNE | BPF_X, SCRATCH, ACCESS, 0, 0);
			jumps[nr++] = assembler->nr - 1;
		} else {
			jumps[nr++] = jump_if(assembler, BPF_JEQ, SCRATCH, 0);
		}
	}
	if (exception->major >= 0)
		jumps[nr++] = jump_if(assembler, BPF_JNE, MAJOR, exception->major);
	if (exception->minor >= 0)
		jumps[nr++] = jump_if(assembler, BPF_JNE, MINOR, exception->minor);
	verdict(assembler, allow);
	for (size_t i = 0; i < nr; i++)
		assembler->program[jumps[i]].off = assembler->nr - jumps[i] - 1;
}

int devices_assemble(const struct device_rules *rules, struct bpf_insn **ret_program, size_t *ret_nr)
{
	struct assembler assembler = { .program = calloc(FIXED + rules->nr * MOST_PER_EXCEPTION, sizeof(struct bpf_insn)) };

	if (!assembler.program)
		return -ENOMEM;
	load(&assembler, KIND, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	emit(&assembler, BPF_ALU64 | BPF_MOV | BPF_X, ACCESS, KIND, 0, 0);
	emit(&assembler, BPF_ALU64 | BPF_AND | BPF_K, KIND, 0, 0, 0xffff);
	emit(&assembler, BPF_ALU64 | BPF_RSH | BPF_K, ACCESS, 0, 0, 16);
	load(&assembler, MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	load(&assembler, MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
	for (size_t i = 0; i < rules->nr; i++)
		exception_code(&assembler, &rules->exceptions[i], !rules->allow);
	verdict(&assembler, rules->allow);
	*ret_program = assembler.program;
	*ret_nr = assembler.nr;
	return 0;
}

/* ---- loading and attaching ---- */

static int bpf(int command, union bpf_attr *attributes)
{
	int result = syscall(SYS_bpf, command, attributes, sizeof(*attributes));

	return result < 0 ? -errno : result;
}

static int load_program(const struct bpf_insn *program, size_t nr)
{
	union bpf_attr attributes = { 0 };
	int fd;

	attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attributes.insns = (uint64_t)(uintptr_t)program;
	attributes.insn_cnt = nr;
	attributes.license = (uint64_t)(uintptr_t)"Apache-2.0";
	memcpy(attributes.prog_name, "linuxd_devices", sizeof("linuxd_devices"));
	fd = bpf(BPF_PROG_LOAD, &attributes);
	if (fd == -EPERM && setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY }) == 0)
		fd = bpf(BPF_PROG_LOAD, &attributes); /* before 5.11 programs count as locked memory */
	return fd;
}

/* Descriptors of the programs that are attached to the group itself. Their number, or a negative errno. */
static int attached_programs(int group_fd, int fds[MAX_PROGRAMS])
{
	uint32_t ids[MAX_PROGRAMS];
	union bpf_attr attributes = { 0 };
	int result, nr = 0;

	attributes.query.target_fd = group_fd;
	attributes.query.attach_type = BPF_CGROUP_DEVICE;
	attributes.query.prog_ids = (uint64_t)(uintptr_t)ids;
	attributes.query.prog_cnt = MAX_PROGRAMS;
	result = bpf(BPF_PROG_QUERY, &attributes);
	if (result < 0)
		return result;
	for (uint32_t i = 0; i < attributes.query.prog_cnt; i++) {
		union bpf_attr by_id = { 0 };

		by_id.prog_id = ids[i];
		fds[nr] = bpf(BPF_PROG_GET_FD_BY_ID, &by_id);
		if (fds[nr] >= 0)
			nr++;
	}
	return nr;
}

static int attach(int group_fd, int program_fd, int instead_fd)
{
	union bpf_attr attributes = { 0 };

	attributes.target_fd = group_fd;
	attributes.attach_bpf_fd = program_fd;
	attributes.attach_type = BPF_CGROUP_DEVICE;
	attributes.attach_flags = BPF_F_ALLOW_MULTI;
	if (instead_fd >= 0) {
		attributes.attach_flags |= BPF_F_REPLACE;
		attributes.replace_bpf_fd = instead_fd;
	}
	return bpf(BPF_PROG_ATTACH, &attributes);
}

static void detach(int group_fd, int program_fd)
{
	union bpf_attr attributes = { 0 };

	attributes.target_fd = group_fd;
	attributes.attach_bpf_fd = program_fd;
	attributes.attach_type = BPF_CGROUP_DEVICE;
	bpf(BPF_PROG_DETACH, &attributes);
}

/* In the place of all that were there before: ours of earlier, and systemd's. */
static int attach_only(int group_fd, int program_fd)
{
	int old[MAX_PROGRAMS], nr = attached_programs(group_fd, old), result;
	bool replaced = false;

	if (nr == 1)
		replaced = attach(group_fd, program_fd, old[0]) == 0;
	result = replaced ? 0 : attach(group_fd, program_fd, -1);
	for (int i = 0; i < nr; i++) {
		if (!result && !replaced)
			detach(group_fd, old[i]);
		close(old[i]);
	}
	return result;
}

static int bpf_failed(const struct group *group, const char *what, int code, struct error *error)
{
	fail(error, code, "cannot %s the device rules of %s", what, group->dir);
	return fail_remedy_of(error, code == EPERM || code == EACCES ? REMEDY_BPF_RIGHTS : REMEDY_BPF_KERNEL);
}

int devices_v2_apply(const struct cgroup *cgroup, const struct group *group, const struct device_rules *rules, struct error *error)
{
	struct bpf_insn *program;
	int group_fd = open(group->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), program_fd = -1, result = 0;
	size_t nr;

	if (group_fd < 0)
		return bpf_failed(group, "set", errno, error);
	if (devices_assemble(rules, &program, &nr)) {
		close(group_fd);
		return fail(error, ENOMEM, "cannot make device rules");
	}
	program_fd = load_program(program, nr);
	if (program_fd < 0)
		result = bpf_failed(group, "load", -program_fd, error);
	else if ((result = attach_only(group_fd, program_fd)))
		result = bpf_failed(group, "attach", -result, error);
	if (program_fd >= 0)
		close(program_fd);
	free(program);
	close(group_fd);
	return result;
}
