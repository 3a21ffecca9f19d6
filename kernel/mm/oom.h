/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_MM_OOM_H
#define KERNEL_MM_OOM_H

/* The container is over its memory limit: kills a process, unless the last one that was killed still has memory to give back. Kernel
 * lock held; may sleep. */
void oom_kill(void);

#endif
