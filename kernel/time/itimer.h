/* SPDX-License-Identifier: Apache-2.0 */
/* Interval timers of the current process (getitimer(2)), and their part of the tick. Nanoseconds; value 0: off. */
#ifndef KERNEL_TIME_ITIMER_H
#define KERNEL_TIME_ITIMER_H

#include "kernel/kernel.h"

struct task_struct;

void itimer_get(int which, u64 *ret_value, u64 *ret_interval);
void itimer_set(int which, u64 value, u64 interval);
/* Fires what is due on the CPU clocks of `task` and its process; posix_timer.c. */
void posix_cpu_timers_run(struct task_struct *task);

#endif
