/* SPDX-License-Identifier: Apache-2.0 */
/* linux.intelRdt: a part of the processor's caches and memory bandwidth (resctrl). */
#ifndef RUNTIME_NATIVE_INTEL_RDT_H
#define RUNTIME_NATIVE_INTEL_RDT_H

#include <sys/types.h>

#include "runtime/oci/spec.h"

/* Makes the group, or uses the one that closID names, and puts @pid into it. */
int intel_rdt_apply(const struct spec_intel_rdt *config, const char *id, pid_t pid, struct error *error);
/* Writes schemata of the group that the container has. */
int intel_rdt_update(const struct spec_intel_rdt *config, const char *id, struct error *error);
/* Removes the container's own group. */
void intel_rdt_remove(const struct spec_intel_rdt *config, const char *id);

#endif
