// SPDX-License-Identifier: Apache-2.0
/*
 * Kernel timers: a red-black tree ordered by expiry, protected by the kernel lock. Whoever has time calls
 * ktimers_run(): ticks, idle cpus before they sleep, the clock thread.
 */
#include "kernel/time/timer.h"

#include "kernel/locking.h"
#include "kernel/sched/wait.h"

static struct rb_root timers = RB_ROOT;

static bool earlier(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct ktimer, node)->expires < rb_entry(b, struct ktimer, node)->expires;
}

void ktimer_init(struct ktimer *timer, void (*expired)(struct ktimer *timer))
{
	timer->armed = false;
	timer->expires = 0;
	timer->expired = expired;
}

void ktimer_arm(struct ktimer *timer, u64 expires)
{
	assert_kernel_locked();
	if (timer->armed)
		rb_erase(&timers, &timer->node);
	timer->armed = true;
	timer->expires = expires;
	rb_add(&timers, &timer->node, earlier);
	if (rb_first(&timers) == &timer->node)
		sched_timer_armed(expires);
}

bool ktimer_cancel(struct ktimer *timer)
{
	assert_kernel_locked();
	if (!timer->armed)
		return false;
	rb_erase(&timers, &timer->node);
	timer->armed = false;
	return true;
}

u64 ktimers_next(void)
{
	struct ktimer *timer = rb_entry_or_null(rb_first(&timers), struct ktimer, node);

	return timer ? timer->expires : NEVER;
}

u64 ktimers_run(u64 now)
{
	assert_kernel_locked();
	for (;;) {
		struct ktimer *timer = rb_entry_or_null(rb_first(&timers), struct ktimer, node);

		if (!timer)
			return NEVER;
		if (timer->expires > now)
			return timer->expires;
		rb_erase(&timers, &timer->node);
		timer->armed = false;
		timer->expired(timer);
	}
}
