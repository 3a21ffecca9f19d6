/* SPDX-License-Identifier: Apache-2.0 */
/* linux.netDevices: network devices of the host that become the container's. */
#ifndef RUNTIME_NATIVE_NET_DEVICES_H
#define RUNTIME_NATIVE_NET_DEVICES_H

#include <sys/types.h>

#include "runtime/oci/spec.h"

/*
 * Moves them into the network namespace of the process @pidfd, under their new names, with their global addresses, and sets them up. On failure
 * those that were moved are back.
 */
int net_devices_move(const struct spec_linux *config, int pidfd, struct error *error);
/* Moves them back, as far as they are there. Their addresses are lost. */
void net_devices_return(const struct spec_linux *config, int pidfd);

#endif
