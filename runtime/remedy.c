/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/remedy.h"

static const char *const texts[REMEDIES] = {
#define REMEDY(name, text) [REMEDY_##name] = text,
#include "runtime/remedies.inc"
#undef REMEDY
};

const char *remedy_text(enum remedy remedy)
{
	return remedy > REMEDY_NONE && remedy < REMEDIES ? texts[remedy] : "";
}

int fail_remedy_of(struct error *error, enum remedy remedy)
{
	return remedy == REMEDY_NONE ? -1 : fail_remedy(error, "%s", remedy_text(remedy));
}
