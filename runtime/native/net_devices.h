/* SPDX-License-Identifier: Apache-2.0 */
/* linux.netDevices: network devices of the host that become the container's. */
#ifndef RUNTIME_NATIVE_NET_DEVICES_H
#define RUNTIME_NATIVE_NET_DEVICES_H

#include <sys/types.h>

#include "runtime/oci/spec.h"

/* Moves them into the network namespace of @pid, under their new names, with their global addresses; they are up then if they were before. */
int net_devices_move(const struct spec_linux *config, pid_t pid, struct error *error);

#endif
