/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trace points: what happens in the kernel, written to the rings of include/abi/trace.h while `linuxd trace` watches.
 *
 * Off, a trace point is a test of a bit in trace_flags. On, it costs a look at the clock and a record of 64 bytes; it never waits, sleeps or
 * allocates, and what nobody reads in time is overwritten. All trace points but those of system calls are called with the kernel lock held.
 */
#ifndef KERNEL_TRACE_TRACE_H
#define KERNEL_TRACE_TRACE_H

#include "include/abi/trace.h"
#include "kernel/kernel.h"

struct carrier;
struct syscall_entry;
struct task_struct;

#define TRACE_SECCOMP 0x10000000 /* some task has a seccomp filter: calls take the long way */
#define TRACE_STRACE 0x40000000 /* --strace wants system calls too */
#define TRACE_ON 0x20000000     /* there is a ring */
/* Changed with the kernel lock held; read without. */
extern u32 trace_flags;

/*
 * Begins to record `what` (TRACE_*) into fresh rings of `nr_slots` each (0: the default; rounded up to a power of 2), and describes the tasks
 * that there are. -EBUSY: it records already; -EINVAL; -ENOMEM. With the kernel lock; does not sleep.
 */
long trace_start(u32 what, u64 nr_slots, struct trace_area **ret_area, size_t *ret_size);
/* Ends it and frees the rings. 0 also when there was nothing to end. With the kernel lock; does not sleep. */
long trace_stop(void);

void __trace_task(struct task_struct *task, bool born);
void __trace_exec(struct task_struct *task, const char *path);
void __trace_exit(struct task_struct *task, int code);
void __trace_signal(struct task_struct *task, int sig, int code, pid_t sender, u64 address);
void __trace_switch(int cpu, struct task_struct *prev, struct task_struct *next);
void __trace_wakeup(struct task_struct *task, int from_cpu, int to_cpu);
void __trace_migrate(struct task_struct *task, int from_cpu, int to_cpu);
void __trace_handoff(struct task_struct *next, struct carrier *target, bool was_idle);
void __trace_wait(struct task_struct *task);
/* The task is in a system call while recording begins. Paths among the arguments are in an address space that is not here. */
void __trace_begun(struct task_struct *task);
void __trace_io(struct task_struct *task, u64 queued, u64 started, long result);

#define TRACE_POINT(bits, call) do { if (unlikely(READ_ONCE(trace_flags) & (bits))) call; } while (0)

/* A task is born (before it runs), has a new program or name, ends. */
static inline void trace_fork(struct task_struct *child) { TRACE_POINT(TRACE_ON, __trace_task(child, true)); }
static inline void trace_exec(struct task_struct *task, const char *path) { TRACE_POINT(TRACE_ON, __trace_exec(task, path)); }
static inline void trace_exit(struct task_struct *task, int code) { TRACE_POINT(TRACE_ON, __trace_exit(task, code)); }
static inline void trace_signal(struct task_struct *task, int sig, int code, pid_t sender, u64 address)
{
	TRACE_POINT(TRACE_ON, __trace_signal(task, sig, code, sender, address));
}
/* The calling cpu goes from `prev` to `next`; NULL is idle. Before rq->curr changes. */
static inline void trace_switch(int cpu, struct task_struct *prev, struct task_struct *next)
{
	if (prev != next)
		TRACE_POINT(RECORD_SCHED, __trace_switch(cpu, prev, next));
}
/* `task` is about to be queued on to_cpu by whoever runs here. */
static inline void trace_wakeup(struct task_struct *task, int from_cpu, int to_cpu)
{
	TRACE_POINT(RECORD_SCHED | RECORD_WAIT, __trace_wakeup(task, from_cpu, to_cpu));
}
static inline void trace_migrate(struct task_struct *task, int from_cpu, int to_cpu)
{
	TRACE_POINT(RECORD_SCHED, __trace_migrate(task, from_cpu, to_cpu));
}
/* The calling carrier gives its cpu to `target`. */
static inline void trace_handoff(struct task_struct *next, struct carrier *target, bool was_idle)
{
	TRACE_POINT(RECORD_SCHED, __trace_handoff(next, target, was_idle));
}
/* `task`, the current one, goes to sleep: block_kind, block_object and block_start are set. */
static inline void trace_wait(struct task_struct *task) { TRACE_POINT(RECORD_WAIT, __trace_wait(task)); }
static inline void trace_io(struct task_struct *task, u64 queued, u64 started, long result)
{
	TRACE_POINT(RECORD_WAIT, __trace_io(task, queued, started, result));
}

/* Around a system call, without the kernel lock, if trace_flags has RECORD_SYSCALLS. */
void trace_syscall_enter(struct task_struct *task, const struct syscall_entry *entry, long number, const u64 args[6], u64 now);
void trace_syscall_exit(struct task_struct *task, long number, long result, u64 start, u64 now);

#endif
