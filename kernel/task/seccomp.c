// SPDX-License-Identifier: Apache-2.0
/*
 * seccomp(2): strict mode, and filters in classic BPF over struct seccomp_data.
 *
 * Filters form a tree: each points to the one that was there before it, and a task to the last of its own. All of them run on every call;
 * the strongest answer counts. Most calls are allowed whatever their arguments: that is found out once per filter and call number, by
 * running the filter with no arguments to look at, and remembered in two bitmaps for the filter with all before it.
 *
 * User notification is not there: SECCOMP_FILTER_FLAG_NEW_LISTENER is refused. SECCOMP_RET_TRACE finds no tracer (ENOSYS).
 */
#include "kernel/task/seccomp.h"

#include <asm/unistd.h>
#include <linux/audit.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>

#include "kernel/arch/x86_64/patch.h"
#include "kernel/bpf/classic.h"
#include "kernel/locking.h"
#include "kernel/mm/alloc.h"
#include "kernel/sys/syscall.h"
#include "kernel/task/signal.h"
#include "kernel/task/task.h"
#include "kernel/trace/trace.h"
#include "lib/bitmap.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#define FILTER_FLAGS                                                                                                          \
	(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_NEW_LISTENER | \
	 SECCOMP_FILTER_FLAG_TSYNC_ESRCH | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
#define INSTRUCTIONS_MAX 32768U /* of all filters on the way to the root, each with FILTER_COST more */
#define FILTER_COST 4U
#define SYS_SECCOMP_CODE 1 /* si_code of SIGSYS: SYS_SECCOMP */
#define KNOWN_SIZE offsetof(struct seccomp_data, instruction_pointer)

struct seccomp_filter {
	refcount_t count;
	struct seccomp_filter *before; /* counted; NULL: the first */
	unsigned n, cost;              /* cost: with all before */
	bool log;
	/* By call number, bits only ever set: does not depend on arguments has been asked; then, is allowed. Without lock. */
	u64 asked[BITMAP_WORDS(NR_SYSCALLS)], allowed[BITMAP_WORDS(NR_SYSCALLS)];
	struct sock_filter program[];
};

static void set_bit(u64 *map, u64 nr) { __atomic_fetch_or(&map[nr / 64], 1ULL << nr % 64, __ATOMIC_RELEASE); }

static bool test_bit(const u64 *map, u64 nr) { return __atomic_load_n(&map[nr / 64], __ATOMIC_ACQUIRE) >> nr % 64 & 1; }

/* ---- asking ---- */

/* The strongest answer is the smallest one, with KILL_PROCESS as a negative number before all. */
static bool is_stronger(u32 a, u32 b)
{
	return (s32)(a & SECCOMP_RET_ACTION_FULL) < (s32)(b & SECCOMP_RET_ACTION_FULL);
}

static bool always_allowed(struct seccomp_filter *filter, u64 nr)
{
	struct seccomp_data data = { .nr = (int)nr, .arch = AUDIT_ARCH_X86_64 };
	bool allowed = true;

	if (nr >= NR_SYSCALLS)
		return false;
	if (test_bit(filter->asked, nr))
		return test_bit(filter->allowed, nr);
	for (const struct seccomp_filter *f = filter; allowed && f; f = f->before) {
		u32 result;

		allowed = bpf_seccomp_run(f->program, f->n, (const u32 *)&data, KNOWN_SIZE, &result) &&
			  (result & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW;
	}
	if (allowed)
		set_bit(filter->allowed, nr);
	set_bit(filter->asked, nr);
	return allowed;
}

/* What the program takes for the address behind its syscall instruction. */
static u64 call_address(const struct pt_regs *regs)
{
	return regs->entry == ENTRY_PATCHED ? patch_syscall_address(regs->rip) + 2 : regs->rip;
}

static u32 ask_filters(const struct seccomp_filter *filter, const struct pt_regs *regs, bool *ret_log)
{
	const struct seccomp_data data = {
		.nr = (int)regs->orig_rax,
		.arch = AUDIT_ARCH_X86_64,
		.instruction_pointer = call_address(regs),
		.args = { regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9 },
	};
	u32 strongest = SECCOMP_RET_ALLOW;

	for (; filter; filter = filter->before) {
		u32 result;

		(void)bpf_seccomp_run(filter->program, filter->n, (const u32 *)&data, sizeof(data), &result);
		if (is_stronger(result, strongest)) {
			strongest = result;
			*ret_log = filter->log;
		}
	}
	return strongest;
}

/* ---- answering ---- */

static void report(const struct pt_regs *regs, u32 action)
{
	u64 nr = regs->orig_rax;
	const char *name = nr < NR_SYSCALLS ? syscall_table[nr].name : NULL;

	printk(KERN_NOTICE, "seccomp: %s[%d] call %ld (%s) action %x", current->comm, current->tid, (long)nr, name ? name : "?", action);
}

static void send_sigsys(struct pt_regs *regs, u32 reason)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = SIGSYS;
	info.si_code = SYS_SECCOMP_CODE;
	info.si_errno = (int)reason;
	info._sifields._sigsys._call_addr = (void *)call_address(regs);
	info._sifields._sigsys._syscall = (int)regs->orig_rax;
	info._sifields._sigsys._arch = AUDIT_ARCH_X86_64;
	force_signal_with(SIGSYS, &info);
	/* The handler sees the registers as they were; what it leaves in rax is the call's result. */
	regs->rax = regs->orig_rax;
	regs->orig_rax = (u64)-1;
}

static void __noreturn kill(u32 action)
{
	current->flags |= PF_SIGNALED;
	if (action == SECCOMP_RET_KILL_THREAD && current->signal->nr_live > 1)
		do_exit(SIGSYS);
	do_group_exit(SIGSYS);
}

/* Kernel lock held. */
static bool act(struct pt_regs *regs, u32 result, bool log)
{
	u32 action = result & SECCOMP_RET_ACTION_FULL, data = result & SECCOMP_RET_DATA;

	if (log || action == SECCOMP_RET_LOG)
		report(regs, action);
	switch (action) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
		return true;
	case SECCOMP_RET_ERRNO:
		regs->rax = (u64)-(s64)min(data, 4095U);
		return false;
	case SECCOMP_RET_TRAP:
		send_sigsys(regs, data);
		return false;
	case SECCOMP_RET_TRACE:
	case SECCOMP_RET_USER_NOTIF:
		regs->rax = (u64)-ENOSYS;
		return false;
	default:
		kill(action);
	}
}

static bool strict_permits(const struct pt_regs *regs)
{
	u64 nr = regs->orig_rax;

	if (nr == __NR_read || nr == __NR_write || nr == __NR_exit || nr == __NR_rt_sigreturn)
		return true;
	kernel_lock();
	current->flags |= PF_SIGNALED;
	do_exit(SIGKILL);
}

bool seccomp_permits(struct pt_regs *regs)
{
	struct task_struct *task = current;
	struct seccomp_filter *filter = task->seccomp;
	bool log = false, permitted;
	u32 result;

	if (task->seccomp_mode == SECCOMP_MODE_STRICT)
		return strict_permits(regs);
	if (always_allowed(filter, regs->orig_rax))
		return true;
	result = ask_filters(filter, regs, &log);
	if ((result & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW)
		return true;
	kernel_lock();
	permitted = act(regs, result, log);
	kernel_unlock();
	return permitted;
}

/* ---- attaching ---- */

static struct seccomp_filter *filter_get(struct seccomp_filter *filter)
{
	if (filter)
		refcount_inc(&filter->count);
	return filter;
}

void seccomp_filter_put(struct seccomp_filter *filter)
{
	while (filter && refcount_dec_and_test(&filter->count)) {
		struct seccomp_filter *before = filter->before;

		kfree(filter);
		filter = before;
	}
}

void seccomp_fork(struct task_struct *child)
{
	child->seccomp_mode = current->seccomp_mode;
	child->seccomp = filter_get(current->seccomp);
}

unsigned seccomp_filter_count(const struct task_struct *task)
{
	unsigned n = 0;

	for (const struct seccomp_filter *filter = task->seccomp; filter; filter = filter->before)
		n++;
	return n;
}

/* The filter takes the place of the task's, which is the one before it. */
static void install(struct task_struct *task, struct seccomp_filter *filter)
{
	task->seccomp = filter;
	task->seccomp_mode = SECCOMP_MODE_FILTER;
	__atomic_fetch_or(&trace_flags, TRACE_SECCOMP, __ATOMIC_SEQ_CST);
}

static struct seccomp_filter *filter_alloc(unsigned n)
{
	struct seccomp_filter *filter = kzalloc(sizeof(*filter) + n * sizeof(struct sock_filter));

	if (!filter)
		return NULL;
	refcount_set(&filter->count, 1);
	filter->n = n;
	return filter;
}

static bool is_before(const struct seccomp_filter *filter, const struct seccomp_filter *which)
{
	for (; filter; filter = filter->before)
		if (filter == which)
			return true;
	return !which;
}

/* The first thread whose filters are not among current's own; 0: none. */
static pid_t unsyncable_thread(void)
{
	struct task_struct *t;

	for_each_thread(current, t) {
		if (t == current || (t->flags & PF_EXITING))
			continue;
		if (t->seccomp_mode == SECCOMP_MODE_STRICT || !is_before(current->seccomp, t->seccomp))
			return t->tid;
	}
	return 0;
}

static void sync_threads(void)
{
	struct task_struct *t;

	for_each_thread(current, t) {
		struct seccomp_filter *old = t->seccomp;

		if (t == current || (t->flags & PF_EXITING))
			continue;
		install(t, filter_get(current->seccomp));
		seccomp_filter_put(old);
		if (current->no_new_privs)
			t->no_new_privs = true;
	}
}

/* Takes over the filter. */
static long attach(struct seccomp_filter *filter, u64 flags)
{
	pid_t failed = flags & SECCOMP_FILTER_FLAG_TSYNC ? unsyncable_thread() : 0;
	const struct seccomp_filter *before = current->seccomp;

	filter->cost = filter->n + FILTER_COST + (before ? before->cost : 0);
	if (failed || filter->cost > INSTRUCTIONS_MAX) {
		kfree(filter);
		return !failed ? -ENOMEM : flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH ? -ESRCH : failed;
	}
	filter->log = flags & SECCOMP_FILTER_FLAG_LOG;
	filter->before = current->seccomp;
	install(current, filter);
	if (flags & SECCOMP_FILTER_FLAG_TSYNC)
		sync_threads();
	return 0;
}

long seccomp_attach(const struct sock_filter *program, unsigned n, unsigned flags)
{
	struct seccomp_filter *filter;

	if (bpf_seccomp_check(program, n))
		return -EINVAL;
	filter = filter_alloc(n);
	if (!filter)
		return -ENOMEM;
	memcpy(filter->program, program, n * sizeof(*program));
	return attach(filter, flags & (SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW));
}

/* ---- system calls ---- */

static long set_strict(void)
{
	if (current->seccomp_mode && current->seccomp_mode != SECCOMP_MODE_STRICT)
		return -EINVAL;
	current->seccomp_mode = SECCOMP_MODE_STRICT;
	__atomic_fetch_or(&trace_flags, TRACE_SECCOMP, __ATOMIC_SEQ_CST);
	return 0;
}

static long read_filter(user_ptr args, struct seccomp_filter **ret_filter)
{
	struct {
		u16 n;
		u64 program;
	} header;
	struct seccomp_filter *filter;

	if (copy_from_user(&header, args, sizeof(header)))
		return -EFAULT;
	if (!header.n || header.n > BPF_MAXINSNS)
		return -EINVAL;
	if (!current->no_new_privs && !capable(CAP_SYS_ADMIN))
		return -EACCES;
	filter = filter_alloc(header.n);
	if (!filter)
		return -ENOMEM;
	if (copy_from_user(filter->program, user_ptr_at(header.program), header.n * sizeof(struct sock_filter))) {
		kfree(filter);
		return -EFAULT;
	}
	if (bpf_seccomp_check(filter->program, filter->n)) {
		kfree(filter);
		return -EINVAL;
	}
	*ret_filter = filter;
	return 0;
}

static long set_filter(u64 flags, user_ptr args)
{
	struct seccomp_filter *filter;
	long error;

	if (flags & ~(u64)FILTER_FLAGS)
		return -EINVAL;
	if (flags & (SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV))
		return -EINVAL; /* not there */
	error = read_filter(args, &filter);
	if (error)
		return error;
	if (current->seccomp_mode == SECCOMP_MODE_STRICT) {
		kfree(filter);
		return -EINVAL;
	}
	return attach(filter, flags);
}

static long action_available(u64 flags, user_ptr args)
{
	u32 action;

	if (flags)
		return -EINVAL;
	if (get_user_u32(&action, args))
		return -EFAULT;
	switch (action) {
	case SECCOMP_RET_KILL_PROCESS:
	case SECCOMP_RET_KILL_THREAD:
	case SECCOMP_RET_TRAP:
	case SECCOMP_RET_ERRNO:
	case SECCOMP_RET_TRACE:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_ALLOW:
		return 0;
	default: /* SECCOMP_RET_USER_NOTIF, too */
		return -EOPNOTSUPP;
	}
}

long sys_seccomp(unsigned op, unsigned flags, user_ptr args)
{
	switch (op) {
	case SECCOMP_SET_MODE_STRICT:
		return flags || !user_ptr_is_null(args) ? -EINVAL : set_strict();
	case SECCOMP_SET_MODE_FILTER:
		return set_filter(flags, args);
	case SECCOMP_GET_ACTION_AVAIL:
		return action_available(flags, args);
	default:
		return -EINVAL;
	}
}

long seccomp_prctl(u64 mode, u64 args)
{
	switch (mode) {
	case SECCOMP_MODE_STRICT:
		return set_strict();
	case SECCOMP_MODE_FILTER:
		return set_filter(0, user_ptr_at(args));
	default:
		return -EINVAL;
	}
}
