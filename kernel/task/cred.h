/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of credentials: shared by cred.c, cap_exec.c and the system calls. */
#ifndef KERNEL_TASK_CRED_H
#define KERNEL_TASK_CRED_H

#include "kernel/task/task.h"

#define SECURE_BIT(bit) (1U << (bit))
static inline bool issecure_in(const struct cred *cred, int bit) { return cred->securebits & SECURE_BIT(bit); }

/* Supplementary groups only; they are kept sorted. */
bool cred_in_group(const struct cred *cred, gid_t gid);
/* How capabilities follow a change of user ids: capabilities(7), "Effect of user ID changes on capabilities". */
void cred_fix_setuid(struct cred *new, const struct cred *old);
void cred_fix_setfsuid(struct cred *new, const struct cred *old);

#endif
