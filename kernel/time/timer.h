/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel timers and clocks. All times are nanoseconds; timers count on CLOCK_MONOTONIC.
 * Timers on other clocks are converted by their users (CLOCK_REALTIME timers listen to clock_was_set).
 */
#ifndef KERNEL_TIME_TIMER_H
#define KERNEL_TIME_TIMER_H

#include "kernel/kernel.h"
#include "kernel/time/virtual.h"
#include "lib/rbtree.h"

struct ktimer {
	struct rb_node node;
	u64 expires;
	bool armed;
	/* Called once per expiry with the kernel lock held, in no particular task; must not sleep. The timer is
	 * no longer armed then and may be armed again or freed. */
	void (*expired)(struct ktimer *timer);
};
void ktimer_init(struct ktimer *timer, void (*expired)(struct ktimer *timer));
void ktimer_arm(struct ktimer *timer, u64 expires); /* moves it if armed */
bool ktimer_cancel(struct ktimer *timer);           /* true if it was armed */
/* Runs what is due; returns when the next timer expires (NEVER: none). Called by idle cpus, the clock thread and ticks. */
u64 ktimers_run(u64 now);
u64 ktimers_next(void); /* when the next timer expires; NEVER */
/* In the scheduler: a new earliest timer was armed. Some cpu or the clock thread must call ktimers_run at that time; the
 * caller may be about to go idle (then nothing is to be done) or not. */
void sched_timer_armed(u64 expires);

/* Host clocks through the host's vDSO: no host call. */
u64 ktime_get(void);      /* CLOCK_MONOTONIC */
u64 ktime_get_real(void); /* CLOCK_REALTIME */
u64 ktime_get_boot(void); /* CLOCK_BOOTTIME */
u64 ktime_get_clock(int host_clock_id); /* REALTIME, MONOTONIC, *_COARSE, MONOTONIC_RAW, BOOTTIME, TAI */
u64 ktime_get_resolution(int host_clock_id);
u64 ktime_host_function(void); /* address of the host's __vdso_clock_gettime */
/* The TSC; for guesses about cost only. */
static inline u64 ktime_cycles(void) { return unlikely(deterministic) ? ktime_get() : __builtin_ia32_rdtsc(); }
/* Deadline on a host clock -> deadline on CLOCK_MONOTONIC; NEVER stays. */
u64 ktime_to_monotonic(int host_clock_id, u64 deadline);

#endif
