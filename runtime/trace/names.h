/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_TRACE_NAMES_H
#define RUNTIME_TRACE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "O_RDONLY|O_CLOEXEC" of an argument of a kind (ARG_*, syscalls_shapes.gen.h). False if the kind has no names. */
bool trace_argument_names(unsigned int kind, uint64_t value, char *text, size_t size);

#endif
