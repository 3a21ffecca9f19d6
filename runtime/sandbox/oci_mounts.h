/* SPDX-License-Identifier: Apache-2.0 */
/* mounts and linux.devices of config.json, for a sandbox. */
#ifndef RUNTIME_SANDBOX_OCI_MOUNTS_H
#define RUNTIME_SANDBOX_OCI_MOUNTS_H

#include "runtime/sandbox/oci.h"

int oci_mounts_make(struct oci_sandbox *sandbox, struct error *error);

#endif
