/* SPDX-License-Identifier: Apache-2.0 */
/* Random scenarios, for the property test: the same seed gives the same one. */
#ifndef SIMULATOR_RANDOM_H
#define SIMULATOR_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

char *random_scenario(uint64_t seed); /* its text, to be freed; NULL: out of memory */

#endif
