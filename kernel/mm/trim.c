// SPDX-License-Identifier: Apache-2.0
/* After a burst the kernel's memory shrinks again: what has become free goes back to the host, some every few seconds. */
#include "kernel/init/initcall.h"
#include "kernel/mm/alloc.h"
#include "kernel/time/timer.h"

#define PERIOD (5 * NSEC_PER_SEC)

static struct ktimer timer;

static void trim(struct ktimer *t)
{
	heap_trim();
	ktimer_arm(t, ktime_get() + PERIOD);
}

static int trim_init(void)
{
	ktimer_init(&timer, trim);
	if (!deterministic) /* a timer that always comes back would hide that nothing else can happen */
		ktimer_arm(&timer, ktime_get() + PERIOD);
	return 0;
}
INITCALL(trim, trim_init, "");
