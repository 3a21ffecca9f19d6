/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp filter of the sandbox, made from kernel/host/host.tbl. */
#ifndef RUNTIME_SANDBOX_FILTER_H
#define RUNTIME_SANDBOX_FILTER_H

#include <linux/filter.h>
#include <stdint.h>

#include "runtime/error.h"

#define FILTER_MAX 1024

struct filter {
	unsigned short length;
	struct sock_filter program[FILTER_MAX];
};

/*
 * Builds the program: calls whose instruction does not end in (start, end] are trapped; those from there are allowed if host.tbl
 * says so and refused with EPERM otherwise. @directories: the calls of the group "dir" are in.
 */
void filter_build(struct filter *ret_filter, uint64_t start, uint64_t end, int directories);

/* For this process, for good. */
int filter_install(const struct filter *filter, struct error *error);

#endif
