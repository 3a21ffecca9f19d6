/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/native/net_devices.h"

int net_devices_move(const struct spec_linux *config, pid_t pid, struct error *error)
{
	return config->nr_net_devices == 0 ? 0 : fail(error, 0, "linux.netDevices: not supported yet");
}
