/* SPDX-License-Identifier: Apache-2.0 */
/* The host thread that executes this code, and the task it runs. */
#ifndef KERNEL_SCHED_CURRENT_H
#define KERNEL_SCHED_CURRENT_H

#include "kernel/kernel.h"

struct cpu;
struct mm_struct;
struct task_struct;

/* Seen through GS by entry code: keep the first fields' offsets (arch/x86_64/asm-offsets.h). */
struct carrier {
	u64 kernel_stack_top;     /* 0: of current */
	u64 user_rsp;             /* 8: scratch of the entry code */
	u64 scratch;              /* 16 */
	struct task_struct *task; /* 24: current; on the carrier's own stack still the last one, or NULL */
	struct cpu *cpu;          /* 32: the cpu it is active for, or was last bound to */
	struct carrier *self;     /* 40 */
	u64 carrier_sp;           /* 48: saved stack pointer of the carrier context */
	u32 need_resched;         /* 56: set by host signals; checked on the way out */
	u32 magic;                /* 60: by which the entry code knows that GS is the kernel's; only in carriers of tasks */
	/* from here on: sched/carrier.c */
	struct mm_struct *mm;
	struct list_head mm_link;
	atomic_uint run;          /* futex word: CARRIER_* */
	int host_pid, host_tid;
	struct task_struct *handoff_to; /* picked, to be run by this carrier next */
	bool idle;                /* active, sleeping for its cpu */
	bool leaving;             /* its mm is gone */
	bool sole;                /* leaving, and the only host thread its process ever had */
	bool prefault;            /* begins by bringing the kernel into its page tables: it has time */
	bool ready;               /* has its own signal stack: a forked one begins with its parent's, and must get no signals there */
	int claimed_for;          /* idle, and wanted by this cpu; -1 */
	int bound_cpu;            /* cpu whose host affinity it has; -1: none */
	struct task_struct *xstate_owner;
	const char *role;         /* of a host thread that is no carrier of tasks (init/threads.c), else NULL */
	bool sleeps_on_host;      /* such a one waits for something to do */
	const struct task_struct *serves; /* the task whose input or output it does; NULL: nobody's */
	u32 gone;                 /* the host thread no longer uses this block */
};

#define this_carrier()                                                                             \
	({                                                                                         \
		struct carrier *_c;                                                                \
		__asm__ __volatile__("mov %%gs:40,%0" : "=r"(_c));                                 \
		_c;                                                                                \
	})
#define current                                                                                    \
	({                                                                                         \
		struct task_struct *_t;                                                            \
		__asm__ __volatile__("mov %%gs:24,%0" : "=r"(_t));                                 \
		_t;                                                                                \
	})

#endif
