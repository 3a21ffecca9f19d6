/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of the scheduler that a scenario can change, by name. */
#ifndef SIMULATOR_SETTINGS_H
#define SIMULATOR_SETTINGS_H

#include "simulator/scenario.h"

struct sim_setting {
	const char *name;
	size_t offset;  /* in struct sim_settings */
	uint64_t value; /* when the scenario says nothing: what the kernel has */
	uint64_t least;
};
extern const struct sim_setting sim_settings[]; /* ends with NULL */

static inline uint64_t *sim_setting_of(struct sim_settings *settings, const struct sim_setting *setting)
{
	return (uint64_t *)((char *)settings + setting->offset);
}

#endif
