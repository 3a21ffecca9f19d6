// SPDX-License-Identifier: Apache-2.0
#include "kernel/arch/x86_64/step.h"

#include <asm/sigcontext.h>

#include "kernel/arch/x86_64/patch.h"
#include "kernel/arch/x86_64/regs.h"
#include "kernel/sched/deterministic.h"
#include "kernel/sched/sched.h"
#include "kernel/task/task.h"

#define TRAP_FLAG 0x100UL
#define RFLAGS_ARITHMETIC 0xcd5UL /* what a step may change of the flags */

/*
 * The look. `states` are those of the first instructions, as hashes. When the first comes back, that many steps are its period; then it
 * must come round the same way once more. The smallest hash of the circle is where it is stopped.
 */
#define LOOK_MAX 2048
static struct {
	struct task_struct *task; /* NULL: no look */
	enum { LOOK_RECORD, LOOK_VERIFY, LOOK_SEEK } phase;
	unsigned n, period;
	u64 goal;
	u64 states[LOOK_MAX];
} look __cold_data;

void step_arm(struct pt_regs *regs)
{
	regs->rflags &= ~TRAP_FLAG;
	if (!current->steps_left && look.task != current)
		return;
	regs->rflags |= TRAP_FLAG;
	regs->entry = ENTRY_INTERRUPT; /* the way out that restores the flags */
}

void step_look(void)
{
	look.task = current;
	look.phase = LOOK_RECORD;
	look.n = 0;
}

void step_look_over(void) { look.task = NULL; }

static u64 hash_state(const struct sigcontext *mc)
{
	const u64 words[] = { mc->r8, mc->r9, mc->r10, mc->r11, mc->r12, mc->r13, mc->r14, mc->r15, mc->rdi, mc->rsi, mc->rbp, mc->rbx,
			      mc->rdx, mc->rax, mc->rcx, mc->rsp, mc->rip, mc->eflags & RFLAGS_ARITHMETIC };
	u64 hash = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15ULL, hash ^= hash >> 29;
	return hash;
}

static enum step look_at(const struct sigcontext *mc)
{
	u64 hash = hash_state(mc);

	switch (look.phase) {
	case LOOK_RECORD:
		if (look.n && hash == look.states[0]) {
			look.period = look.n;
			look.phase = LOOK_VERIFY;
			look.n = 1;
			break;
		}
		if (look.n == LOOK_MAX)
			step_look_over(); /* it computes */
		else
			look.states[look.n++] = hash;
		break;
	case LOOK_VERIFY:
		if (hash != look.states[look.n % look.period]) {
			step_look_over();
			break;
		}
		if (look.n++ < 2 * look.period)
			break;
		look.phase = LOOK_SEEK;
		look.goal = hash;
		for (unsigned i = 0; i < look.period; i++)
			look.goal = min(look.goal, look.states[i]);
		/* fall through */
	case LOOK_SEEK:
		if (hash == look.goal && !patch_is_trampoline(mc->rip)) {
			step_look_over();
			return STEP_SPINS;
		}
	}
	return STEP_ON;
}

/* Is the next instruction an atomic one? Behind a prefix other than lock it is not looked for. */
static bool atomic_is_next(u64 rip)
{
	u8 code[2];

	if (copy_from_user(code, user_ptr_at(rip), sizeof(code)))
		return false;
	return code[0] == 0xf0 || code[0] == 0x87 || ((code[0] & 0xf0) == 0x40 && code[1] == 0x87); /* lock, xchg */
}

enum step step_trap(struct sigcontext *mc)
{
	struct task_struct *task = current;
	enum step result = STEP_ON;

	if (task->steps_left > 1) {
		task->steps_left--;
		if (atomic_is_next(mc->rip) && deterministic_ends_here())
			task->steps_left = 1;
	} else if (task->steps_left == 1 && !patch_is_trampoline(mc->rip)) {
		task->steps_left = 0;
		return STEP_WINDOW_OVER;
	}
	if (look.task == task)
		result = look_at(mc);
	if (!task->steps_left && look.task != task)
		mc->eflags &= ~TRAP_FLAG;
	if (result == STEP_ON && this_carrier()->need_resched)
		result = STEP_INTERRUPTED;
	return result;
}

void step_finish_exit(struct sigcontext *mc, const struct pt_regs *regs)
{
	mc->r15 = regs->r15;
	mc->r14 = regs->r14;
	mc->r13 = regs->r13;
	mc->r12 = regs->r12;
	mc->rbp = regs->rbp;
	mc->rbx = regs->rbx;
	mc->r11 = regs->r11;
	mc->r10 = regs->r10;
	mc->r9 = regs->r9;
	mc->r8 = regs->r8;
	mc->rax = regs->rax;
	mc->rcx = regs->rcx;
	mc->rdx = regs->rdx;
	mc->rsi = regs->rsi;
	mc->rdi = regs->rdi;
	mc->rip = regs->rip;
	mc->rsp = regs->rsp;
	mc->eflags = regs->rflags;
}
