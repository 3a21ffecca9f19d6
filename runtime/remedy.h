/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What helps: one sentence for each thing that a host may lack. Errors and `linuxd check` say the same, because both take it from here.
 */
#ifndef RUNTIME_REMEDY_H
#define RUNTIME_REMEDY_H

#include "runtime/error.h"

enum remedy {
	REMEDY_NONE,
#define REMEDY(name, text) REMEDY_##name,
#include "runtime/remedies.inc"
#undef REMEDY
	REMEDIES,
};

/* "" for REMEDY_NONE. */
const char *remedy_text(enum remedy remedy);
/* Adds it to an error. Returns -1. */
int fail_remedy_of(struct error *error, enum remedy remedy);

#endif
