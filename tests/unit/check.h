/* SPDX-License-Identifier: Apache-2.0 */
/* For unit tests: a failed CHECK says where and ends the program. */
#ifndef UNIT_CHECK_H
#define UNIT_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

#endif
