/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/time/virtual.h"

#include <linux/time.h>

bool deterministic;

/* Written by the one cpu only; other host threads may read it. */
static u64 now = VIRTUAL_BOOT;

/* The coarse clocks move with the timer interrupt: 250 times a second. */
#define COARSE_NS 4000000ULL

u64 virtual_clock(int clock_id)
{
	u64 monotonic = READ_ONCE(now), real = VIRTUAL_REAL_BOOT - VIRTUAL_BOOT + monotonic;

	switch (clock_id) {
	case CLOCK_REALTIME:
	case CLOCK_TAI:
		return real;
	case CLOCK_REALTIME_COARSE:
		return real - real % COARSE_NS;
	case CLOCK_MONOTONIC_COARSE:
		return monotonic - monotonic % COARSE_NS;
	default:
		return monotonic;
	}
}

void virtual_clock_advance(u64 ns) { WRITE_ONCE(now, now + ns); }

void virtual_clock_reach(u64 monotonic)
{
	if (monotonic > now)
		WRITE_ONCE(now, monotonic);
}
