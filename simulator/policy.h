/* SPDX-License-Identifier: Apache-2.0 */
/* Scheduling policies by their numbers in the ABI (sched(7)) and their names in the language. */
#ifndef SIMULATOR_POLICY_H
#define SIMULATOR_POLICY_H

enum { SIM_SCHED_OTHER = 0, SIM_SCHED_FIFO = 1, SIM_SCHED_RR = 2, SIM_SCHED_BATCH = 3, SIM_SCHED_IDLE = 5, SIM_SCHED_DEADLINE = 6 };

struct sim_policy_name {
	const char *name;
	int policy;
};
extern const struct sim_policy_name sim_policy_names[]; /* ends with NULL */

#endif
