/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/oci/container.h"

const struct container_mode native_mode = {
	.name = "native",
};
