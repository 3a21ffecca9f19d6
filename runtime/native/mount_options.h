/* SPDX-License-Identifier: Apache-2.0 */
/* What the words in mounts[].options mean. */
#ifndef RUNTIME_NATIVE_MOUNT_OPTIONS_H
#define RUNTIME_NATIVE_MOUNT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/oci/spec.h"

#define MOUNT_MAX_DATA 4096

struct mount_options {
	uint64_t set, clear;           /* MOUNT_ATTR_* of the mount itself */
	uint64_t rec_set, rec_clear;   /* the same, of all mounts below, too ("rro") */
	uint64_t propagation;          /* MS_SHARED and its like, with MS_REC if recursive; 0: not said */
	bool bind, rbind, remount, tmpcopyup;
	bool idmap, ridmap;            /* said in words; mappings of the mount say so, too */
	uint64_t super;                /* of the file system: bits of mount_super_flags */
	char data[MOUNT_MAX_DATA];     /* for the file system, with commas between */
};

/* What the file system is told by name: { "sync", ... }; ends with NULL. Bit i of super is entry i. */
extern const char *const mount_super_flags[];

/* -1 with @error set if they do not fit. */
int mount_options_parse(const struct spec_mount *mount, struct mount_options *ret_options, struct error *error);

/* The words that are understood, for `features`: ends with NULL. Some are understood with an "r" before them, too. */
const char *mount_option_name(unsigned int index, bool *ret_has_recursive);

#endif
