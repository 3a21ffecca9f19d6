/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters behind `linuxd run --stats`.
 *
 * One set per cpu. A set is changed by its cpu only, with plain additions, so that counting costs next to nothing;
 * a reader of another cpu's set may be a few counts behind. What happens outside any cpu (clock and I/O threads)
 * counts in the set NO_CPU_STATS and may lose a count to a race. Host calls are counted by their wrappers
 * (host_call_count).
 */
#ifndef KERNEL_TRACE_STATS_H
#define KERNEL_TRACE_STATS_H

#include "kernel/kernel.h"
#include "kernel/sched/sched.h"
#include "syscalls.gen.h"

#define STATS_PATCHED 0 /* entered by a patched call site: ENTRY_PATCHED */
#define STATS_TRAPPED 1 /* entered by SIGSYS: ENTRY_TRAPPED */
#define NO_CPU_STATS MAX_CPUS

struct kernel_stats {
	u64 syscalls[NR_SYSCALLS][2]; /* [number][STATS_*] */
	u64 syscalls_unknown[2];      /* numbers that Linux does not have */
	u64 switches_same;            /* context switches within one address space: no host call */
	u64 switches_cross;           /* to a task of another address space: the cpu went to another carrier */
	u64 switches_idle;            /* the cpu went idle */
	u64 preemptions;              /* switches that the task did not ask for */
	u64 preempt_signals;          /* host signals sent to make a cpu look at its run queue */
	u64 idle_polled;              /* and was woken before it did */
	u64 remote_wakeups;           /* wake-ups of another, sleeping cpu */
	u64 migrations;               /* tasks moved between cpus */
	u64 sites_patched;            /* call sites rewritten */
	u64 sites_refused;            /* call sites left on SIGSYS for good */
	u64 lock_contended;           /* kernel lock was not free at once */
	u64 lock_slept;               /* ... and not after spinning either */
	u64 forks, threads, execs;
	u64 faults;                   /* host signals for faults, in user mode */
	u64 carriers;                 /* host threads made */
	u64 host_processes;           /* host processes made */
};

extern struct kernel_stats kernel_stats[MAX_CPUS + 1];
#define stats_of(cpu_number) (&kernel_stats[cpu_number])

/* Fills the channel's stats text with the sums of all cpus. Called once, before the container ends, if BOOT_STATS. */
void stats_write(void);

#endif
