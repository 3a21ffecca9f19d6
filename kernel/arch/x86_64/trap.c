// SPDX-License-Identifier: Apache-2.0
/*
 * System calls and host signals.
 *
 * A host signal taken in user mode never returns to the host: its frame is abandoned, the user's registers move to the
 * task's pt_regs, and the kernel goes on on the task's stack. A host signal taken in kernel mode only sets a flag, or
 * fixes up a fault of an access to user memory, and returns.
 */
#include "kernel/arch/x86_64/trap.h"

#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/sigcontext.h>
#include <asm/unistd.h>

#include "host.gen.h"
#include "include/abi/boot.h"
#include "kernel/arch/x86_64/asm-offsets.h"
#include "kernel/arch/x86_64/emulate.h"
#include "kernel/arch/x86_64/fpu.h"
#include "kernel/arch/x86_64/gs.h"
#include "kernel/arch/x86_64/patch.h"
#include "kernel/arch/x86_64/step.h"
#include "kernel/init/init.h"
#include "kernel/locking.h"
#include "kernel/mm/mm.h"
#include "kernel/sched/carrier.h"
#include "kernel/sched/deterministic.h"
#include "kernel/sys/syscall.h"
#include "kernel/task/seccomp.h"
#include "kernel/task/signal.h"
#include "kernel/trace/stats.h"
#include "kernel/trace/strace.h"
#include "kernel/trace/trace.h"

_Static_assert(offsetof(struct carrier, kernel_stack_top) == CARRIER_STACK_TOP, "");
_Static_assert(offsetof(struct carrier, user_rsp) == CARRIER_USER_RSP, "");
_Static_assert(offsetof(struct carrier, scratch) == CARRIER_SCRATCH, "");
_Static_assert(offsetof(struct carrier, task) == CARRIER_TASK, "");
_Static_assert(offsetof(struct carrier, self) == 40, "");
_Static_assert(offsetof(struct carrier, need_resched) == CARRIER_NEED_RESCHED, "");
_Static_assert(offsetof(struct carrier, magic) == CARRIER_MAGIC, "");
_Static_assert(offsetof(struct task_struct, work) == TASK_WORK && offsetof(struct task_struct, gs_base) == TASK_GS_BASE &&
	       TIF_USER_GS == WORK_USER_GS, "");
_Static_assert(offsetof(struct pt_regs, rip) == REGS_RIP && offsetof(struct pt_regs, rsp) == REGS_RSP, "");
_Static_assert(offsetof(struct pt_regs, entry) == REGS_ENTRY && sizeof(struct pt_regs) == REGS_SIZE, "");

extern char entry_patched[], entry_leaf[], entry_not_ours[], exit_restart[], exit_begin[], exit_end[], leaf_exit[], leaf_exit_end[], text_start[], text_end[];
extern char ret_from_fork[], kthread_start[];
struct exception { u64 at, fixup; };
extern const struct exception ex_table_start[], ex_table_end[];

/* User-changeable bits of rflags: arithmetic, direction, trap, nested... never IOPL. */
#define RFLAGS_USER 0x240dd5UL

/* In place of a signal. */
#define STEPPED 1000 /* step_trap() wants the kernel, `code` says why */
#define ENTERED 1001 /* a program with a GS of its own came in through a patched site */

struct fault {
	int signal, code, trap_number;
	u64 address;
	u64 error;
	bool took_gs; /* the program has loaded a GS base of its own without asking */
};

/* The signal frame's layout is the host's: handler(sig, info, ucontext) with x86's mcontext order. */
struct host_ucontext {
	unsigned long flags;
	void *link;
	stack_t stack;
	struct sigcontext mcontext;
};

void arch_restart_syscall(struct pt_regs *regs)
{
	regs->rax = regs->orig_rax;
	if (regs->entry == ENTRY_PATCHED)
		regs->rip = patch_restart_address(regs->rip);
	else
		regs->rip -= 2;
}

void arch_restart_block(struct pt_regs *regs)
{
	regs->rax = __NR_restart_syscall;
	if (regs->entry == ENTRY_PATCHED)
		regs->rip = patch_syscall_address(regs->rip);
	else
		regs->rip -= 2;
}

void arch_start_thread(struct pt_regs *regs, u64 rip, u64 rsp)
{
	memset(regs, 0, sizeof(*regs));
	regs->rip = rip;
	regs->rsp = rsp;
	regs->cs = 0x33;
	regs->ss = 0x2b;
	regs->rflags = 0x202;
	regs->orig_rax = (u64)-1;
	regs->entry = ENTRY_INTERRUPT;
}

void arch_setup_fork_stack(struct task_struct *task)
{
	u64 *sp = (u64 *)task->regs;

	*--sp = (u64)ret_from_fork;
	for (int i = 0; i < 6; i++)
		*--sp = 0;
	task->kernel_sp = (u64)sp;
}

void arch_setup_kthread_stack(struct task_struct *task, void (*fn)(void *arg), void *arg)
{
	u64 *sp = (u64 *)task->regs;

	*--sp = (u64)kthread_start;
	*--sp = 0;         /* rbx */
	*--sp = 0;         /* rbp */
	*--sp = (u64)fn;   /* r12 */
	*--sp = (u64)arg;  /* r13 */
	*--sp = 0;
	*--sp = 0;
	task->kernel_sp = (u64)sp;
}

/* The cpu forgets instructions that it has fetched already. cpuid would do as well, but may be taken from us (--deterministic). */
static void serialize_core(void)
{
	u64 scratch;

	__asm__ __volatile__("mov %%ss, %0; push %0; lea 8(%%rsp), %0; push %0; pushfq; mov %%cs, %0; push %0; lea 1f(%%rip), %0; push %0; iretq; 1:"
			     : "=&r"(scratch) : : "memory", "cc");
}

/* Work on the way to user mode: rescheduling, signals. Called and left without the kernel lock. */
static void exit_work(struct pt_regs *regs)
{
	struct task_struct *task = current;

	kernel_lock();
	regs->rflags &= ~0x100UL; /* step_arm's, if a preemption signal sent the exit back here */
	if (unlikely(task->work & TIF_TRACE_BEGUN)) {
		task->work &= ~(unsigned)TIF_TRACE_BEGUN;
		/* Not of an exec that succeeded: nothing returns. */
		if ((READ_ONCE(trace_flags) & RECORD_SYSCALLS) && regs->orig_rax < NR_SYSCALLS)
			trace_syscall_exit(task, (long)regs->orig_rax, (long)regs->rax, 0, ktime_get());
	}
	for (;;) {
		struct carrier *carrier = this_carrier();

		if (READ_ONCE(carrier->need_resched)) {
			carrier->need_resched = 0;
			sched_interrupt();
			continue;
		}
		if (task->work & TIF_SYNC_CORE) {
			task->work &= ~TIF_SYNC_CORE;
			serialize_core();
		}
		if (task->work & TIF_MM_WORK) {
			task->work &= ~TIF_MM_WORK;
			mm_do_work(task->mm);
			continue;
		}
		if (task->work & (TIF_SIGPENDING | TIF_FREEZE)) {
			do_signal(regs);
			if ((task->work & TIF_SIGPENDING) && !signal_pending(task))
				task->work &= ~TIF_SIGPENDING;
			continue;
		}
		if (task->work & TIF_RESTORE_SIGMASK) {
			task->work &= ~TIF_RESTORE_SIGMASK;
			set_current_blocked(task->saved_mask);
			continue;
		}
		break;
	}
	if (task->work & TIF_USER_GS)
		gs_prepare_exit(regs);
	if (task->work & TIF_DETERMINISTIC)
		step_arm(regs);
	kernel_unlock();
}

/* The same after a system call. */
static void syscall_exit_work(struct pt_regs *regs)
{
	if (current->work & TIF_DETERMINISTIC) {
		kernel_lock();
		deterministic_point();
		kernel_unlock();
	}
	exit_work(regs);
}

/* Called from exit_restart: brings everything into order for user mode. */
void exit_to_user(struct pt_regs *regs)
{
	struct task_struct *task = current;

	if (this_carrier()->need_resched || task->work)
		exit_work(regs);
	fpu_prepare_exit(task);
}

/* What must hold when a system call is done: the debug kernel looks. */
static void check_after_call(struct task_struct *task, const char *name)
{
#ifdef CONFIG_DEBUG
	if (!kernel_locked())
		panic("%s came back without the kernel lock", name);
	if (task->mutexes_held)
		panic("%s came back with %d mutexes held", name, task->mutexes_held);
	if (task->state != TASK_RUNNING || task->block_type)
		panic("%s came back asleep (state %x)", name, task->state);
	if (*(u64 *)task->stack != STACK_CANARY)
		panic("%s has overrun the kernel stack", name);
#endif
}

static void do_syscall(struct pt_regs *regs, struct task_struct *task)
{
	u64 nr = regs->orig_rax;
	const struct syscall_entry *entry;
	struct carrier *carrier = this_carrier();

	if (unlikely(nr >= NR_SYSCALLS)) {
		regs->rax = (u64)-ENOSYS;
		return;
	}
	entry = &syscall_table[nr];
	carrier->cpu->stats->syscalls[nr][regs->entry]++;
	if (entry->flags & SYSCALL_NOLOCK) {
		regs->rax = (u64)entry->fn(regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9);
		return;
	}
	kernel_lock();
	task->trace_syscall = (long)nr;
	regs->rax = (u64)entry->fn(regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9);
	task->trace_syscall = -1;
	if (unlikely(nr == __NR_rt_sigreturn))
		regs->entry = ENTRY_INTERRUPT;
	check_after_call(task, entry->name);
	kernel_unlock();
}

static void do_syscall_traced(struct pt_regs *regs, struct task_struct *task)
{
	u64 args[6] = { regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9 };
	u64 nr = regs->orig_rax, start = ktime_get();

	u32 flags = READ_ONCE(trace_flags);
	bool returns;
	u64 end;

	if (nr >= NR_SYSCALLS) {
		do_syscall(regs, task);
		return;
	}
	returns = !(syscall_table[nr].flags & SYSCALL_NORETURN);
	if (flags & RECORD_SYSCALLS)
		trace_syscall_enter(task, &syscall_table[nr], (long)nr, args, start);
	if (flags & TRACE_STRACE)
		strace_enter(task, &syscall_table[nr], args, start);
	do_syscall(regs, task);
	end = ktime_get();
	if ((READ_ONCE(trace_flags) & RECORD_SYSCALLS) && returns && !(task->work & TIF_TRACE_BEGUN))
		trace_syscall_exit(task, (long)nr, (long)regs->rax, start, end);
	if (flags & TRACE_STRACE)
		strace_exit(task, &syscall_table[nr], args, (long)regs->rax, start, end);
}

/* Somebody looks at calls: --strace, `linuxd trace`, or seccomp filters. */
static void do_syscall_watched(struct pt_regs *regs, struct task_struct *task)
{
	if (unlikely(task->seccomp_mode) && !seccomp_permits(regs))
		return;
	if (READ_ONCE(trace_flags) & (RECORD_SYSCALLS | TRACE_STRACE))
		do_syscall_traced(regs, task);
	else
		do_syscall(regs, task);
}

/* The way in from a patched call site. Runs on the task's kernel stack; returns to exit_begin. */
void syscall_from_user(struct pt_regs *regs)
{
	struct task_struct *task = current;

	if (unlikely(READ_ONCE(trace_flags) & (RECORD_SYSCALLS | TRACE_STRACE | TRACE_SECCOMP)))
		do_syscall_watched(regs, task);
	else
		do_syscall(regs, task);
	if (unlikely(this_carrier()->need_resched || task->work))
		syscall_exit_work(regs);
	if (unlikely(!task->xstate_live))
		fpu_prepare_exit(task);
}

/* The way in from a patched call site of a `nolock` call without arguments: its result. */
long leaf_syscall(u32 nr)
{
	this_carrier()->cpu->stats->syscalls[nr][ENTRY_PATCHED]++;
	return syscall_table[nr].fn(0, 0, 0, 0, 0, 0);
}

/* A new task's first step, on its own stack; the kernel lock came with the cpu. */
void task_starts(void)
{
	struct task_struct *task = current;

	sched_task_starts();
	if (unlikely(deterministic))
		deterministic_point();
	/* Here and not in fork: it is the child's memory. A bad address is nobody's error. */
	if (!user_ptr_is_null(task->set_child_tid))
		(void)!put_user_u32(task->set_child_tid, (u32)task->tid);
	kernel_unlock();
}

void kthread_main(void (*fn)(void *arg), void *arg)
{
	sched_task_starts();
	fn(arg);
	do_exit(0);
}

/* ---- host signals ---- */

static void save_user_regs(struct pt_regs *regs, const struct sigcontext *mc)
{
	regs->r15 = mc->r15;
	regs->r14 = mc->r14;
	regs->r13 = mc->r13;
	regs->r12 = mc->r12;
	regs->rbp = mc->rbp;
	regs->rbx = mc->rbx;
	regs->r11 = mc->r11;
	regs->r10 = mc->r10;
	regs->r9 = mc->r9;
	regs->r8 = mc->r8;
	regs->rax = mc->rax;
	regs->rcx = mc->rcx;
	regs->rdx = mc->rdx;
	regs->rsi = mc->rsi;
	regs->rdi = mc->rdi;
	regs->rip = mc->rip;
	regs->rsp = mc->rsp;
	regs->rflags = (mc->eflags & RFLAGS_USER) | 0x202;
	if (unlikely(deterministic))
		regs->rflags &= ~0x100UL; /* the trap flag is step.c's */
	regs->cs = 0x33;
	regs->ss = 0x2b;
	regs->orig_rax = (u64)-1;
	regs->entry = ENTRY_INTERRUPT;
}

void enter_user_mode(void)
{
	__asm__ __volatile__("jmp exit_restart");
	__builtin_unreachable();
}

static void run_trapped_syscall(struct pt_regs *regs, u64 nr)
{
	regs->orig_rax = nr;
	/* The site may have been patched just now, and the return address lie in its trampoline. */
	regs->entry = patch_is_trampoline(regs->rip) ? ENTRY_PATCHED : ENTRY_TRAPPED;
	regs->rcx = regs->rip;
	regs->r11 = regs->rflags;
	syscall_from_user(regs);
}

/* On the task's kernel stack: what the user-mode event means. `arg` lies in the carrier's signal frame and is copied first. */
static void trap_from_user(void *arg)
{
	struct fault fault = *(struct fault *)arg;
	struct task_struct *task = current;
	struct pt_regs *regs = task->regs;

	if (unlikely(fault.took_gs)) {
		kernel_lock();
		(void)!gs_give_up();
		kernel_unlock();
	}
	switch (fault.signal) {
	case ENTERED:
		regs->rip = regs->rcx;
		run_trapped_syscall(regs, regs->rax);
		break;
	case HOST_SIGNAL_PREEMPT:
		if (unlikely(deterministic)) {
			kernel_lock();
			deterministic_interrupted();
			kernel_unlock();
		}
		break;
	case STEPPED:
		kernel_lock();
		if (fault.code == STEP_WINDOW_OVER)
			deterministic_window_over();
		else if (fault.code == STEP_SPINS)
			deterministic_spins();
		kernel_unlock();
		break;
	case SIGSYS:
		kernel_lock();
		patch_call_site(regs);
		kernel_unlock();
		run_trapped_syscall(regs, regs->rax);
		break;
	case SIGILL:
		if (patch_is_old_syscall(regs->rip)) {
			regs->rip += 2;
			run_trapped_syscall(regs, regs->rax);
			break;
		}
		if (patch_emulate_cpuid(regs))
			break;
		/* fall through */
	default:
		kernel_lock();
		if (unlikely(deterministic) && fault.trap_number == 13) {
			enum emulated emulated = emulate_instruction(regs);

			if (emulated == EMULATED_TSC) /* a loop that waits for a time has to let others run */
				deterministic_point();
			if (emulated != EMULATED_NOTHING) {
				kernel_unlock();
				break;
			}
		}
		if (fault.signal == SIGSEGV && fault.trap_number == 14 && task->mm) {
			unsigned access = fault.error & 0x10 ? PROT_EXEC : fault.error & 0x2 ? PROT_WRITE :
					   PROT_READ | PROT_WRITE | PROT_EXEC;
			bool beyond_end;

			if (mm_fault_in(fault.address, access, &beyond_end)) {
				kernel_unlock();
				break;
			}
			if (beyond_end) {
				fault.signal = SIGBUS;
				fault.code = BUS_ADRERR;
			}
		}
		task->fault_error = fault.error;
		this_carrier()->cpu->stats->faults++;
		force_signal_fault(fault.signal, fault.code, fault.address, fault.trap_number);
		kernel_unlock();
	}
	enter_user_mode();
}

static bool in_kernel_text(u64 rip)
{
	return rip >= (u64)text_start && rip < (u64)text_end;
}

static bool in_kernel_range(u64 address)
{
	return address >= KERNEL_RANGE_START && address < KERNEL_RANGE_END;
}

static bool leaves_kernel(u64 rip) { return rip >= (u64)exit_begin && rip < (u64)exit_end; }

static u64 find_fixup(u64 rip)
{
	for (const struct exception *e = ex_table_start; e < ex_table_end; e++)
		if (e->at == rip)
			return e->fixup;
	return 0;
}

/* A signal while the kernel ran. Returns to the interrupted code through the host. */
static void signal_in_kernel(int sig, const siginfo_t *info, struct sigcontext *mc)
{
	struct carrier *carrier = this_carrier();
	u64 fixup;

	switch (sig) {
	case HOST_SIGNAL_PREEMPT:
		carrier->need_resched = 1;
		if (leaves_kernel(mc->rip)) {
			mc->rip = (u64)exit_restart;
			mc->eflags &= ~0x400UL;
		} else if (mc->rip >= (u64)leaf_exit && mc->rip < (u64)leaf_exit_end) {
			mc->rip = (u64)leaf_exit;
		}
		return;
	case SIGTRAP: /* the program had set the trap flag, or step_arm */
		mc->eflags &= ~0x100UL;
		if (unlikely(deterministic) && leaves_kernel(mc->rip))
			step_finish_exit(mc, current->regs);
		return;
	case SIGSEGV:
	case SIGBUS:
		if (mc->eflags & 0x40000) { /* the program had set the alignment check flag */
			mc->eflags &= ~0x40000UL;
			return;
		}
		fixup = find_fixup(mc->rip);
		if (fixup) {
			mc->rip = fixup;
			return;
		}
		break;
	}
	panic_at(mc, "%s in the kernel at %lx, address %lx", sig == SIGSEGV ? "page fault" : sig == SIGBUS ? "bus error" :
		 sig == SIGSYS ? "host call from outside the host call section" : "trap", (u64)mc->rip, (u64)info->si_addr);
}

/* The program jumped into the kernel's text and met a fault there: its own, as on a machine where it could not. */
static bool jumped_into_kernel(int sig, const struct sigcontext *mc)
{
	return sig != HOST_SIGNAL_PREEMPT && sig != SIGTRAP && !(mc->eflags & 0x40000) && !in_kernel_range(mc->rsp) && !find_fixup(mc->rip);
}

/* gs: as it was before the signal. */
void host_signal(int sig, siginfo_t *info, struct host_ucontext *uc, u64 gs)
{
	bool user_gs = gs != (u64)this_carrier();
	/* A program has loaded GS and then called through a patched site; what comes next there is a fault. */
	bool entered = user_gs && in_kernel_text(uc->mcontext.rip) && !leaves_kernel(uc->mcontext.rip);
	struct carrier *carrier = this_carrier();
	struct sigcontext *mc = &uc->mcontext;
	struct fault fault;

	if (!carrier->task || carrier->idle || (in_kernel_text(mc->rip) && !jumped_into_kernel(sig, mc) && !entered)) {
		signal_in_kernel(sig, info, mc);
		return;
	}
	if ((entered || patch_enters_kernel(mc->rip)) && sig == HOST_SIGNAL_PREEMPT) {
		carrier->need_resched = 1;
		write_gs_base(gs);
		return;
	}
	if (mc->rip >= LAYOUT_HOST_VDSO && mc->rip < LAYOUT_HOST_VDSO_END && in_kernel_range(mc->rsp)) {
		signal_in_kernel(sig, info, mc);
		return;
	}
	fault.signal = sig;
	fault.code = info->si_code;
	if (unlikely(deterministic) && sig == SIGTRAP && mc->trapno == 1) {
		fault.signal = STEPPED;
		fault.code = step_trap(mc);
		if (fault.code == STEP_ON) {
			write_gs_base(gs);
			return;
		}
	}
	fault.address = (u64)info->si_addr;
	fault.trap_number = (int)mc->trapno;
	fault.error = mc->err;
	fault.took_gs = false;
	if (unlikely(user_gs)) {
		current->gs_base = gs;
		fault.took_gs = !(current->work & TIF_USER_GS);
		if (mc->rip == (u64)entry_patched || mc->rip == (u64)entry_leaf || mc->rip == (u64)entry_not_ours)
			fault.signal = ENTERED;
	}
	save_user_regs(current->regs, mc);
	fpu_load_from_signal_frame((const void *)mc->fpstate);
	call_on_stack(trap_from_user, &fault, (u64)current->regs & ~15UL);
}
