/* SPDX-License-Identifier: Apache-2.0 */
/* A program as the kernel wants it described (include/abi/process.h), put together on the host side. */
#ifndef RUNTIME_SANDBOX_PROCESS_H
#define RUNTIME_SANDBOX_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/abi/process.h"

/* Pointers are borrowed. */
struct sandbox_process {
	struct process_spec spec; /* without counts and offsets */
	const char *const *argv, *const *env; /* NULL-terminated */
	const char *cwd;          /* NULL: where it begins */
	const uint32_t *groups;
	uint32_t nr_groups;
	const void *filter;       /* struct sock_filter each */
	uint32_t nr_filter;
};

/* Bytes that offsets point into. What does not fit makes it full, and is looked at once at the end. */
struct string_area {
	char *bytes;
	uint32_t size, used;
	bool full;
};

uint32_t area_string(struct string_area *area, const char *string);
uint32_t area_bytes(struct string_area *area, const void *bytes, size_t size, size_t alignment);
/* Says why a program could not be started; step: enum process_step. Words as other runtimes have them, which callers look for. */
struct error;
int explain_start(struct error *error, int code, uint32_t step, const char *name, const char *cwd);
void process_pack(const struct sandbox_process *process, struct string_area *area, struct process_spec *ret_spec);

#endif
