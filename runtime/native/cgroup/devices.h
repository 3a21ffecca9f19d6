/* SPDX-License-Identifier: Apache-2.0 */
/* Device rules of config.json, as the device cgroup of v1 understands a list of them. */
#ifndef RUNTIME_NATIVE_CGROUP_DEVICES_H
#define RUNTIME_NATIVE_CGROUP_DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/error.h"

struct spec_device_rule;

enum { ACCESS_MKNOD = 1, ACCESS_READ = 2, ACCESS_WRITE = 4, ACCESS_ALL = 7 }; /* as bpf has them */

struct device_exception {
	char type;                 /* 'b' or 'c' */
	int64_t major, minor;      /* -1: all */
	int access;
};

struct device_rules {
	bool allow;                /* what is no exception */
	struct device_exception *exceptions;
	size_t nr;
};

/* The outcome of a list of rules; with @defaults behind them those that every container needs. */
int device_rules_make(const struct spec_device_rule *rules, size_t nr, bool defaults, struct device_rules *ret_rules, struct error *error);
void device_rules_free(struct device_rules *rules);

#endif
