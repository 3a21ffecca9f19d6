/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `linuxd run --deterministic SEED`: everything that would be chance is drawn from the seed.
 *
 * There is one cpu, and no other host thread makes a task runnable. Who runs is decided at points that the programs themselves
 * reach: the end of a system call, the start of a thread, and after a drawn number of single instructions of a program with
 * several threads. At each of them the seed says whether to switch, and to which of the runnable tasks.
 *
 * When all tasks sleep, the clock (time/virtual.h) jumps to the next timer; when there is none either, nothing can ever happen
 * again: the container is ended and the message says who waits for what.
 */
#ifndef KERNEL_SCHED_DETERMINISTIC_H
#define KERNEL_SCHED_DETERMINISTIC_H

#include "kernel/time/virtual.h"

struct task_struct;

/* Called once at boot, before anything runs. */
void deterministic_init(u64 seed);
/* Current is on its way to user mode, for a reason of its own. Kernel lock held; may make current's cpu reschedule. */
void deterministic_point(void);
/* In a window, before an atomic instruction: is the window to end behind it? */
bool deterministic_ends_here(void);
/* Current has executed the drawn number of instructions: another one is to run. Kernel lock held. */
void deterministic_window_over(void);
/* Current goes round in a loop that only another task can end: one runs, or time passes. Kernel lock held. */
void deterministic_spins(void);
/* A preemption signal came while current was in user mode. Kernel lock held. */
void deterministic_interrupted(void);
/* Called by a host thread every WATCH_MS of real time, with the kernel lock: looks whether current lets nobody else run. */
#define DETERMINISTIC_WATCH_MS 20
void deterministic_watch(void);
/* The cpu has nothing to run: the clock jumps to the next timer, whose time is returned. Does not return if there is none. */
u64 deterministic_idle(void);
/*
 * For what another host thread is to bring: waits for the next deterministic_host_event(), with the kernel lock dropped and the cpu
 * kept, so that nothing else happens meanwhile. Kernel lock held by both.
 */
void deterministic_host_wait(void);
void deterministic_host_event(void);

#endif
