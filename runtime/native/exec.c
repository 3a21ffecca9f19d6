/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/native/native.h"

int native_exec(struct container *container, const struct spec *spec, const struct container_exec *options, struct error *error)
{
	return fail(error, 0, "exec: not there yet");
}
