/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/native/cpulist.h"

#include <ctype.h>
#include <stdlib.h>

int cpulist_parse(const char *text, unsigned long *mask)
{
	for (;;) {
		unsigned long first, last;
		char *end;

		if (!isdigit((unsigned char)*text))
			return -1;
		first = last = strtoul(text, &end, 10);
		if (*end == '-') {
			if (!isdigit((unsigned char)end[1]))
				return -1;
			last = strtoul(end + 1, &end, 10);
		}
		if (first > last || last >= CPULIST_BITS)
			return -1;
		for (unsigned long bit = first; bit <= last; bit++)
			mask[bit / (8 * sizeof(long))] |= 1UL << bit % (8 * sizeof(long));
		if (*end == '\0')
			return 0;
		if (*end != ',')
			return -1;
		text = end + 1;
	}
}
