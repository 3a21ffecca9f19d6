/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_MM_OOM_H
#define KERNEL_MM_OOM_H

/* Kills the process that uses most memory. Kernel lock held; may sleep. */
void oom_kill(void);

#endif
