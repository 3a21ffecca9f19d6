/* SPDX-License-Identifier: Apache-2.0 */
/* Between switch.c and carrier.c: what happens around a switch. Kernel lock held. */
#ifndef KERNEL_SCHED_SWITCH_H
#define KERNEL_SCHED_SWITCH_H

#include "kernel/sched/internal.h"

void carrier_load_task(struct carrier *carrier, struct task_struct *next);
void carrier_unload_task(struct task_struct *prev);
/* Frees the stack of a task that exited on this carrier, once nobody stands on it. */
void reap_dead_task(void);
void sched_bury(struct task_struct *dead);

#endif
