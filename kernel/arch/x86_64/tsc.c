// SPDX-License-Identifier: Apache-2.0
#include "kernel/arch/x86_64/tsc.h"

#include "kernel/arch/x86_64/regs.h"
#include "kernel/arch/x86_64/uaccess.h"
#include "kernel/time/timer.h"

#define READ_NS 20ULL /* what one takes */

bool tsc_emulate(struct pt_regs *regs)
{
	u8 code[3] = { 0 };
	u64 now;

	if (copy_from_user_partial(code, user_ptr_at(regs->rip), sizeof(code)) < 2 || code[0] != 0x0f)
		return false;
	if (code[1] == 0x31) { /* rdtsc */
		regs->rip += 2;
	} else if (code[1] == 0x01 && code[2] == 0xf9) { /* rdtscp: ecx is IA32_TSC_AUX, the number of the cpu */
		regs->rip += 3;
		regs->rcx = 0;
	} else {
		return false;
	}
	virtual_clock_advance(READ_NS);
	now = ktime_get();
	regs->rax = (u32)now;
	regs->rdx = now >> 32;
	return true;
}
