// SPDX-License-Identifier: Apache-2.0
/* What a thread says about itself: prctl(2), arch_prctl(2), personality(2), set_tid_address(2). */
#include <asm/prctl.h>
#include <linux/personality.h>
#include <linux/prctl.h>

#include "kernel/arch/x86_64/fpu.h"
#include "kernel/arch/x86_64/gs.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/mm/mm.h"
#include "kernel/task/seccomp.h"
#include "kernel/task/task.h"
#include "kernel/trace/trace.h"
#include "syscalls.gen.h"

/* Not in older uapi headers. */
#define ARCH_GET_XCOMP_SUPP_ 0x1021
#define ARCH_GET_XCOMP_PERM_ 0x1022
#define ARCH_REQ_XCOMP_PERM_ 0x1023

static long set_pdeath_signal(u64 sig)
{
	if (sig > NSIG_LINUX)
		return -EINVAL;
	current->pdeath_signal = (int)sig;
	return 0;
}

static long set_name(user_ptr name)
{
	char comm[sizeof(current->comm)] = "";
	long length = strncpy_from_user(comm, name, sizeof(comm) - 1);

	if (length < 0)
		return length;
	memset(current->comm, 0, sizeof(current->comm));
	strlcpy(current->comm, comm, sizeof(current->comm));
	trace_exec(current, "");
	return 0;
}

static long set_timer_slack(u64 ns)
{
	if (current->sched.rt_priority)
		return 0;
	current->timer_slack = (s64)ns > 0 ? ns : current->default_timer_slack;
	return 0;
}

static long set_subreaper(bool on)
{
	current->signal->child_subreaper = on;
	if (on)
		current->signal->has_child_subreaper = true;
	return 0;
}

static long set_dumpable(u64 value)
{
	if (value > 1)
		return -EINVAL;
	current->mm->dumpable = (int)value;
	return 0;
}

static int put_int(u64 address, u32 value)
{
	return put_user_u32(user_ptr_at(address), value);
}

static long get_speculation(u64 which, u64 arg3, u64 arg4, u64 arg5)
{
	if (arg3 || arg4 || arg5)
		return -EINVAL;
	return which <= PR_SPEC_L1D_FLUSH ? PR_SPEC_NOT_AFFECTED : -ENODEV;
}

long sys_prctl(int option, u64 arg2, u64 arg3, u64 arg4, u64 arg5)
{
	long result = cred_prctl(option, arg2, arg3, arg4, arg5);

	if (result != -ENOSYS)
		return result;
	switch (option) {
	case PR_SET_PDEATHSIG: return set_pdeath_signal(arg2);
	case PR_GET_PDEATHSIG: return put_int(arg2, (u32)current->pdeath_signal);
	case PR_GET_DUMPABLE: return current->mm->dumpable;
	case PR_SET_DUMPABLE: return set_dumpable(arg2);
	case PR_SET_NAME: return set_name(user_ptr_at(arg2));
	case PR_GET_NAME: return copy_to_user(user_ptr_at(arg2), current->comm, sizeof(current->comm));
	case PR_GET_TIMING: return PR_TIMING_STATISTICAL;
	case PR_SET_TIMING: return arg2 == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
	case PR_GET_TSC: return put_int(arg2, PR_TSC_ENABLE);
	case PR_SET_TSC: return arg2 == PR_TSC_ENABLE ? 0 : -EINVAL;
	case PR_GET_SECCOMP: return current->seccomp_mode;
	case PR_SET_SECCOMP: return seccomp_prctl(arg2, arg3);
	case PR_SET_TIMERSLACK: return set_timer_slack(arg2);
	case PR_GET_TIMERSLACK: return (long)min(current->timer_slack, (u64)INT64_MAX);
	case PR_TASK_PERF_EVENTS_DISABLE:
	case PR_TASK_PERF_EVENTS_ENABLE: return 0;
	case PR_MCE_KILL_GET: return arg2 || arg3 || arg4 || arg5 ? -EINVAL : PR_MCE_KILL_DEFAULT;
	case PR_SET_MM: return capable(CAP_SYS_RESOURCE) ? -EINVAL : -EPERM;
	case PR_SET_CHILD_SUBREAPER: return set_subreaper(arg2 != 0);
	case PR_GET_CHILD_SUBREAPER: return put_int(arg2, current->signal->child_subreaper);
	case PR_GET_TID_ADDRESS: return put_user_u64(user_ptr_at(arg2), current->clear_child_tid.addr);
	case PR_GET_THP_DISABLE: return arg2 || arg3 || arg4 || arg5 ? -EINVAL : 0;
	case PR_GET_SPECULATION_CTRL: return get_speculation(arg2, arg3, arg4, arg5);
	case PR_SET_SPECULATION_CTRL: return arg2 <= PR_SPEC_L1D_FLUSH ? -ENXIO : -ENODEV;
	case PR_GET_IO_FLUSHER:
		if (!capable(CAP_SYS_RESOURCE))
			return -EPERM;
		return arg2 || arg3 || arg4 || arg5 ? -EINVAL : 0;
	default: return -EINVAL;
	}
}

/* As long as nobody sets it, it is 0. */
static long set_gs(u64 address)
{
	int error = 0;

	if (address >= USER_MAX)
		return -EPERM;
	if (address)
		error = gs_give_up();
	if (!error)
		current->gs_base = address;
	return error;
}

long sys_arch_prctl(int code, u64 addr)
{
	switch (code) {
	case ARCH_SET_FS:
		if (addr >= USER_MAX)
			return -EPERM;
		current->fs_base = addr;
		write_fs_base(addr);
		return 0;
	case ARCH_GET_FS: return put_user_u64(user_ptr_at(addr), read_fs_base());
	case ARCH_SET_GS: return set_gs(addr);
	case ARCH_GET_GS: return put_user_u64(user_ptr_at(addr), current->gs_base);
	case ARCH_GET_CPUID: return 1;
	case ARCH_SET_CPUID: return addr ? 0 : -ENODEV;
	case ARCH_GET_XCOMP_SUPP_:
	case ARCH_GET_XCOMP_PERM_: return put_user_u64(user_ptr_at(addr), fpu_mask());
	case ARCH_REQ_XCOMP_PERM_:
		if (addr >= 64)
			return -EINVAL;
		return fpu_mask() >> addr & 1 ? 0 : -EOPNOTSUPP;
	default: return -EINVAL;
	}
}

long sys_personality(unsigned persona)
{
	unsigned old = current->personality;

	if (persona != 0xffffffff)
		current->personality = persona;
	return (long)old;
}

long sys_set_tid_address(user_ptr tidptr)
{
	current->clear_child_tid = tidptr;
	return current->tid;
}
