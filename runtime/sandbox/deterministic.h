/* SPDX-License-Identifier: Apache-2.0 */
/* The host's part of --deterministic: what differs from run to run is taken from the container before it begins. */
#ifndef RUNTIME_SANDBOX_DETERMINISTIC_H
#define RUNTIME_SANDBOX_DETERMINISTIC_H

#include "runtime/sandbox/sandbox.h"

/* In the monitor: boot parameters, all else of which is filled in. */
void deterministic_prepare(const struct sandbox_config *config, struct boot_params *boot);
/*
 * In the process that becomes the kernel process: the time stamp counter and CPUID fault from here on, in it and in all that it clones. So
 * nothing may look at a clock any more.
 */
int deterministic_enter(const struct boot_params *boot, struct error *error);

#endif
