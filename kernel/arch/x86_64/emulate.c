// SPDX-License-Identifier: Apache-2.0
#include "kernel/arch/x86_64/emulate.h"

#include "kernel/arch/x86_64/cpuid.h"
#include "kernel/arch/x86_64/regs.h"
#include "kernel/arch/x86_64/uaccess.h"
#include "kernel/time/timer.h"

#define READ_NS 20ULL /* what a read of the counter takes */

static void read_counter(struct pt_regs *regs)
{
	u64 now;

	virtual_clock_advance(READ_NS);
	now = ktime_get();
	regs->rax = (u32)now;
	regs->rdx = now >> 32;
}

static void identify(struct pt_regs *regs)
{
	struct cpuid r = cpuid((u32)regs->rax, (u32)regs->rcx);

	regs->rax = r.eax;
	regs->rbx = r.ebx;
	regs->rcx = r.ecx;
	regs->rdx = r.edx;
}

enum emulated emulate_instruction(struct pt_regs *regs)
{
	u8 code[3] = { 0 };

	if (copy_from_user_partial(code, user_ptr_at(regs->rip), sizeof(code)) < 2 || code[0] != 0x0f)
		return EMULATED_NOTHING;
	if (code[1] == 0xa2) {
		regs->rip += 2;
		identify(regs);
		return EMULATED_CPUID;
	}
	if (code[1] == 0x31) { /* rdtsc */
		regs->rip += 2;
	} else if (code[1] == 0x01 && code[2] == 0xf9) { /* rdtscp: ecx is IA32_TSC_AUX, the number of the cpu */
		regs->rip += 3;
		regs->rcx = 0;
	} else {
		return EMULATED_NOTHING;
	}
	read_counter(regs);
	return EMULATED_TSC;
}
