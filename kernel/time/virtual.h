/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock of `linuxd run --deterministic`: it stands still, except that every system call takes a fixed time, and that it jumps
 * to the next timer when all tasks sleep. So what programs read from any clock depends on nothing but what they did.
 */
#ifndef KERNEL_TIME_VIRTUAL_H
#define KERNEL_TIME_VIRTUAL_H

#include "kernel/kernel.h"

struct host_timespec;

/* --deterministic. Set before the first look at a clock, never changed. */
extern bool deterministic;

/*
 * CLOCK_MONOTONIC at boot: late enough that programs may subtract. And what CLOCK_REALTIME says then: 2030-01-01 00:00:00 UTC, later than
 * any file of the container.
 */
#define VIRTUAL_BOOT 1000000000000ULL
#define VIRTUAL_REAL_BOOT 1893456000000000000ULL

u64 virtual_clock(int clock_id);      /* any of the machine's clocks, ns */
void virtual_clock_advance(u64 ns);
void virtual_clock_reach(u64 monotonic); /* jumps there, never back */

#endif
