/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/oci/container.h"

const struct container_mode sandbox_mode = {
	.name = "sandbox",
};
