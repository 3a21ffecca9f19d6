// SPDX-License-Identifier: Apache-2.0
/*
 * After a burst the kernel's memory shrinks again: what has become free goes back to the host, some every few seconds. Whether there is
 * something to give back is looked at where a cpu becomes idle, and with the load averages while none does; else there is no timer.
 */
#include "kernel/init/initcall.h"
#include "kernel/mm/alloc.h"
#include "kernel/time/timer.h"

#define PERIOD (5 * NSEC_PER_SEC)

static struct ktimer timer;

void heap_trim_later(void)
{
	if (timer.armed || deterministic) /* with virtual time, a timer that comes back would hide that nothing else can happen */
		return;
	ktimer_arm(&timer, ktime_get() + PERIOD);
}

static void trim(struct ktimer *t)
{
	heap_trim();
	if (heap_wants_trim())
		heap_trim_later();
}

static int trim_init(void)
{
	ktimer_init(&timer, trim);
	return 0;
}
INITCALL(trim, trim_init, "");
