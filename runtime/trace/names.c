// SPDX-License-Identifier: Apache-2.0
/* Flags and choices of system calls, by name. Alone here: the kernel's headers and the C library's do not go together. */
#include "runtime/trace/names.h"

#include <stdarg.h>

#include "syscalls_shapes.gen.h"
#include "include/abi/argument_names.h"

int snprintf(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

struct target {
	char *text;
	size_t length, size;
};

static void put(void *to, const char *separator, const char *name, uint64_t number)
{
	struct target *target = to;
	size_t room = target->size - target->length;
	int n = name ? snprintf(target->text + target->length, room, "%s%s", separator, name) :
		       snprintf(target->text + target->length, room, number ? "%s0x%lx" : "%s%lu", separator, number);

	target->length += n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
}

bool trace_argument_names(unsigned int kind, uint64_t value, char *text, size_t size)
{
	struct target target = { text, 0, size };

	text[0] = '\0';
	return kind < ARG_KINDS && argument_names(kind, value, put, &target);
}
