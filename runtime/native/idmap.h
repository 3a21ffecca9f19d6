/* SPDX-License-Identifier: Apache-2.0 */
/* Ids of a user namespace: who is who. */
#ifndef RUNTIME_NATIVE_IDMAP_H
#define RUNTIME_NATIVE_IDMAP_H

#include <stdbool.h>
#include <sys/types.h>

#include "runtime/oci/spec.h"

/*
 * Writes the maps of the user namespace that @pid is in: itself where it may, else with newuidmap and newgidmap; a mapping of nothing but our own
 * id needs neither.
 */
int idmap_write(pid_t pid, const struct spec_mappings *uids, const struct spec_mappings *gids, bool rootless, struct error *error);

/* A user namespace that exists for its mappings only, for id-mapped mounts: a descriptor, or -1 with @error set. */
int idmap_namespace(const struct spec_mappings *uids, const struct spec_mappings *gids, struct error *error);

/* What the host calls the container's @id; -1 if it is not mapped. Without mappings, @id itself. */
int64_t idmap_to_host(const struct spec_mappings *mappings, uint32_t id);

#endif
